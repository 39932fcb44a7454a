"""What a user agent does with one message."""

from typing import Any

from twisted.logger import LogLevel, globalLogPublisher

from tests.robustness.case import Answering, RawPeer
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

#: The request is well-formed and reached the application.
REACHED = "reached"
#: There was no answer, and nobody was told.
DROPPED = "dropped"

#: Where the Vias of the RFCs' messages send responses to.
PORTS = (5060, 5050, 5070, 6050, 19823)


def outcome(data: bytes, protocol: str) -> tuple[int | str, bytes, Answering]:
    """
    Give C{data} to a fresh user agent, whose application takes INVITE, MESSAGE and REGISTER.

    It must not be taken for several, log an error, leave anything behind, or keep the user agent from answering.

    @return: the status of the answer, L{REACHED} or L{DROPPED}; all that was answered; the application.
    """
    errors: list[Any] = []

    def watch(event: Any) -> None:
        if event["log_level"] >= LogLevel.error:
            errors.append(event)

    globalLogPublisher.addObserver(watch)
    try:
        network = MemoryNetwork()
        delegate = Answering()
        agent = network.userAgent("sip:user@example.com", delegate)
        raw = RawPeer(network, ports=PORTS)
        if protocol == "UDP":
            raw.datagram(data, network.addressOf(agent))
        else:
            raw.connect(network.addressOf(agent)).send(data)
        network.advance(0.4)
        answers = raw.datagrams + [stream.received for stream in raw.streams if stream.received]
        statuses = raw.statuses + [status for stream in raw.streams for status in stream.statuses]
        assert len(set(statuses)) <= 1 and len(delegate.reached) <= 1, f"taken for several: {answers!r}"
        peer = ScriptedPeer(network)
        peer.request("OPTIONS", agent, protocol=protocol)
        peer.expect("200 OPTIONS", 1)
        raw.close()
        network.assertQuiet()
    finally:
        globalLogPublisher.removeObserver(watch)
    assert not errors, errors
    found: int | str = REACHED if delegate.reached else statuses[0] if statuses else DROPPED
    return found, b"".join(answers), delegate
