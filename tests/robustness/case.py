"""What the tests of bad input share: a user agent on a simulated network, and a peer that says and hears raw bytes."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.protocol import ClientFactory, DatagramProtocol, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

#: A session description as phones send it.
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n"
)
_STATUS = re.compile(rb"SIP/2\.0 ([0-9]{3}) ")


class Answering:
    """An application that refuses calls with 486, registrations and messages with 200, and keeps what reached it."""

    def __init__(self) -> None:
        self.reached: list[Any] = []

    def inviteReceived(self, context: Any) -> None:
        self.reached.append(context.request)
        context.reject(486)

    def registerReceived(self, context: Any) -> None:
        self.reached.append(context.request)
        context.accept()

    messageReceived = registerReceived


class Accepting:
    """An application that takes every call, and keeps the dialogs."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer or {"body": SDP}
        self.dialogs: list[Any] = []
        self.failures: list[Any] = []

    def inviteReceived(self, context: Any) -> None:
        context.accept(**self.answer).addCallbacks(self.dialogs.append, self.failures.append)


class RawStream(Protocol):
    """One connection; C{received} is all that came by it, C{closed} whether it is over."""

    def __init__(self) -> None:
        self.received = b""
        self.closed = False
        self.reads = True

    def connectionMade(self) -> None:
        if not self.reads:
            self.transport.pauseProducing()  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed = True

    def send(self, data: bytes) -> None:
        if self.connected:
            self.transport.write(data)  # type: ignore[union-attr]

    @property
    def statuses(self) -> list[int]:
        """The status codes of the responses that came, in order."""
        return [int(code) for code in _STATUS.findall(self.received)]


class _Connecting(ClientFactory):
    noisy = False

    def __init__(self, stream: RawStream) -> None:
        self._stream = stream

    def buildProtocol(self, addr: object) -> RawStream:
        return self._stream

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        self._stream.closed = True


class _Datagrams(DatagramProtocol):
    noisy = False

    def __init__(self, received: list[bytes]) -> None:
        self._received = received

    def datagramReceived(self, data: bytes, address: Any) -> None:
        self._received.append(data)


class RawPeer:
    """
    A host without any SIP of its own, so that what it gets need not be readable.

    @ivar datagrams: those it got, on whichever of its ports.
    """

    def __init__(self, network: MemoryNetwork, host: str = "raw.example", ports: tuple[int, ...] = (5060,)) -> None:
        self.reactor = network.host(host)
        self.network = network
        self.host = self.reactor.ipv4
        self.datagrams: list[bytes] = []
        self.streams: list[RawStream] = []
        self._ports = [
            self.reactor.listenUDP(port, _Datagrams(self.datagrams), self.host, maxPacketSize=65_535) for port in ports
        ]

    def datagram(self, data: bytes, to: tuple[str, int]) -> None:
        """Send one datagram from the first of its ports."""
        port: Any = self._ports[0]
        port.write(data, to)

    def connect(self, to: tuple[str, int], reads: bool = True) -> RawStream:
        """Open a connection."""
        stream = RawStream()
        stream.reads = reads
        self.streams.append(stream)
        self.reactor.connectTCP(*to, _Connecting(stream))
        self.network.advance(0.1)
        return stream

    @property
    def statuses(self) -> list[int]:
        """The status codes of the responses that came as datagrams, in order."""
        return [int(found[1]) for found in map(_STATUS.match, self.datagrams) if found]

    def close(self) -> None:
        for port in self._ports:
            port.stopListening()
        for stream in self.streams:
            if stream.connected:
                stream.transport.loseConnection()  # type: ignore[union-attr]


class RobustCase(SynchronousTestCase):
    """
    C{self.agent} must survive what C{self.raw} sends it, and go on serving C{self.peer}.

    Nothing may be left when the test ends, and an error in the log fails it.
    """

    settings: dict[str, Any] = {}

    def setUp(self) -> None:
        self.network = MemoryNetwork()
        self.addCleanup(self.network.assertQuiet)
        self.delegate: Any = self.makeDelegate()
        self.agent = self.network.userAgent("sip:desk@b.example", self.delegate, **self.settings)
        self.address = self.network.addressOf(self.agent)
        self.raw = RawPeer(self.network)
        self.addCleanup(self.raw.close)
        self.peer = ScriptedPeer(self.network)

    def makeDelegate(self) -> Any:
        return Answering()

    def ask(self, data: bytes, seconds: float = 1.0) -> list[int]:
        """Send one datagram; the statuses that came back."""
        before = len(self.raw.statuses)
        self.raw.datagram(data, self.address)
        self.network.advance(seconds)
        return self.raw.statuses[before:]

    def assertServes(self, message: object = None) -> None:
        """A well-formed request is answered, over UDP and over TCP."""
        for protocol in ("UDP", "TCP"):
            self.peer.request("OPTIONS", self.agent, protocol=protocol)
            try:
                self.peer.expect("200 OPTIONS", 1)
            except AssertionError as e:
                raise self.failureException(f"no longer serves {protocol} after {message!r}\n{e}") from e


def message(
    method: str = "OPTIONS",
    body: bytes = b"",
    number: int = 1,
    protocol: str = "UDP",
    start: str | None = None,
    extra: str = "",
    **replaced: str | None,
) -> bytes:
    """
    A request as bytes.

    @param number: makes it differ from others.
    @param start: the request line.
    @param extra: header lines to add, each ended by CRLF.
    @param replaced: header values, None to leave one out; C{call_id} for Call-ID.
    """
    headers: dict[str, str | None] = {
        "Via": f"SIP/2.0/{protocol} raw.example;branch=z9hG4bK-{number}",
        "Max-Forwards": "70",
        "From": f"<sip:raw@raw.example>;tag=f{number}",
        "To": "<sip:desk@b.example>",
        "Call-ID": f"raw-{number}",
        "CSeq": f"1 {method}",
        "Contact": "<sip:raw@raw.example>" if method == "INVITE" else None,
        "Content-Type": "application/sdp" if body else None,
        "Content-Length": str(len(body)),
    }
    names = {name.lower().replace("-", "_"): name for name in headers}
    for key, value in replaced.items():
        headers[names[key]] = value
    head = (start or f"{method} sip:desk@b.example SIP/2.0") + "\r\n"
    head += "".join([f"{name}: {value}\r\n" for name, value in headers.items() if value is not None])
    return f"{head}{extra}\r\n".encode("utf-8", "surrogateescape") + body
