"""
The way of a call through the real layers without sockets: this tree against another revision.

INVITE, ACK and BYE of SIPp's C{uac}, as bytes, go into the UDP protocol of a
L{twisted_sipdialog.UserAgent} over a reactor that has a clock and one port and nothing else.
Two processes, one for each revision, take turns; what is compared is the CPU of a call.

    python tests/bench/inprocess.py [--against REV] [--rounds 9] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measure import ratios, spread, table
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

TREE = Path(__file__).resolve().parents[2]

#: Calls before the clock is moved, and by how many seconds: about 1600 finished calls linger at any time.
BATCH, ADVANCE = 100, 2.0

#: Batches until as many calls are forgotten as come in, and batches measured.
WARM, MEASURED = 20, 60

PEER = ("127.0.0.1", 5070)

HEADERS = (
    b"Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-%(n)d-%(cseq)d-%(branch)d\r\n"
    b"From: sipp <sip:sipp@127.0.0.1:5070>;tag=SIPpTag00%(n)d\r\n"
    b"To: service <sip:service@127.0.0.1:5060>%(tag)b\r\n"
    b"Call-ID: %(n)d-4711@127.0.0.1\r\n"
    b"CSeq: %(cseq)d %(method)b\r\n"
    b"Contact: sip:sipp@127.0.0.1:5070\r\n"
    b"Max-Forwards: 70\r\n"
    b"Subject: Performance Test\r\n"
)
SDP = (
    b"v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)

#: Where the tag of the 200 goes in what is written beforehand.
MARK = b";tag=MARK"


def recorded(number: int) -> tuple[bytes, list[bytes], list[bytes]]:
    """An INVITE, and its ACK and BYE each cut in two where the tag of To goes."""
    invite, ack, bye = (
        b"%b sip:service@127.0.0.1:5060 SIP/2.0\r\n" % method
        + HEADERS % {b"n": number, b"cseq": cseq, b"branch": branch, b"tag": tag, b"method": method}
        + end
        for method, cseq, branch, tag, end in (
            (b"INVITE", 1, 0, b"", b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%b" % (len(SDP), SDP)),
            (b"ACK", 1, 5, MARK, b"Content-Length: 0\r\n\r\n"),
            (b"BYE", 2, 7, MARK, b"Content-Length: 0\r\n\r\n"),
        )
    )
    return invite, ack.split(MARK), bye.split(MARK)


class Port:
    """
    A port that keeps the newest datagram.

    @ivar count: datagrams written.
    """

    def __init__(self, number: int, protocol: Any) -> None:
        self._number = number
        self.protocol = protocol
        self.newest = b""
        self.count = 0

    def write(self, packet: bytes, addr: tuple[str, int] | None = None) -> None:
        self.newest = packet
        self.count += 1

    def getHost(self) -> IPv4Address:
        return IPv4Address("UDP", "127.0.0.1", self._number)

    def stopListening(self) -> Deferred[None]:
        return succeed(None)


class PortReactor(Clock):
    """
    A clock, and the port that was asked for.
    """

    port: Port

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> Port:
        self.port = Port(port, protocol)
        protocol.makeConnection(self.port)
        return self.port


def child() -> None:
    """Print the microseconds of CPU of a call."""
    from twisted_sipdialog import Configuration, UserAgent, UserAgentDelegate

    class Answer(UserAgentDelegate):
        async def inviteReceived(self, invitation: Any) -> None:
            invitation.progress(180)
            await invitation.accept(body=SDP)

    reactor = PortReactor()
    configuration = Configuration(aor="sip:service@127.0.0.1", listen=("udp:5060:interface=127.0.0.1",))
    UserAgent(reactor, configuration, Answer()).startService()
    port, receive = reactor.port, reactor.port.protocol.datagramReceived
    calls = [recorded(number) for number in range((WARM + MEASURED) * BATCH)]
    gc.collect()
    gc.freeze()
    for batch in range(WARM + MEASURED):
        if batch == WARM:
            begun, written = time.process_time_ns(), port.count
        for invite, ack, bye in calls[batch * BATCH : (batch + 1) * BATCH]:
            receive(invite, PEER)
            answer = port.newest
            tag = answer.index(b";tag=", answer.index(b"\r\nTo:"))
            toTag = answer[tag : answer.index(b"\r\n", tag)]
            receive(ack[0] + toTag + ack[1], PEER)
            receive(bye[0] + toTag + bye[1], PEER)
        reactor.advance(ADVANCE)
    spent = time.process_time_ns() - begun
    answers = (port.count - written) / (MEASURED * BATCH)
    if answers != 3:
        sys.exit(f"{answers} answers to a call instead of 180, 200 and 200; the newest:\n{port.newest!r}")
    print(spent / (MEASURED * BATCH) / 1000)


def measureTree(tree: Path) -> float:
    """Run L{child} with the package of C{tree}."""
    environment = os.environ | {"PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), "--child"], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{tree}: {done.stderr.strip()}")
    return float(done.stdout)


@contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """C{revision} checked out beside, for a while."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder, "tree")
        git = ["git", "-C", str(TREE), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(path), revision], check=True)
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", str(path)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU of a call through the layers, without sockets.")
    parser.add_argument("--against", metavar="REV", help="the revision to compare with")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--profile", action="store_true", help="print this tree's dearest functions instead")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child()
        return
    if options.profile:
        sys.path.insert(0, str(TREE))
        profile = cProfile.Profile()
        profile.runcall(child)
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
        return
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if options.against is None:
        print(f"µs per call: {spread([measureTree(TREE) for _ in range(options.rounds)], 1)}")
        return
    with worktree(options.against) as other:
        here: list[float] = []
        there: list[float] = []
        for turn in range(options.rounds):
            for tree, values in ((TREE, here), (other, there)) if turn % 2 else ((other, there), (TREE, here)):
                values.append(measureTree(tree))
    rows = [["this tree", spread(here, 1)], [options.against, spread(there, 1)]]
    print(f"µs of CPU per call, {options.rounds} rounds in turn\n\n{table(['', 'median (min-max)'], rows)}")
    print(f"\nthis tree / {options.against}: {spread(ratios(here, there), 3)}")


if __name__ == "__main__":
    main()
