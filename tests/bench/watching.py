"""
A state agent and those who watch it, without sockets: what a subscription costs, and a change that all are told.

SUBSCRIBEs as bytes go into the UDP protocol of a L{twisted_sipdialog.UserAgent} whose delegate is a
L{StateAgent<twisted_sipdialog.server.state_agent.StateAgent>}, over a reactor that has a clock and one port and nothing
else; each NOTIFY is answered.  All of them watch one user, whose presence then changes.

    python tests/bench/watching.py [--watchers 5000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from inprocess import PEER, Port, PortReactor
from measure import spread, table

SUBSCRIBE = (
    b"SUBSCRIBE sip:alice@127.0.0.1:5060 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-%(n)d\r\n"
    b"From: <sip:bob@127.0.0.1:5070>;tag=watcher%(n)d\r\n"
    b"To: <sip:alice@127.0.0.1:5060>\r\n"
    b"Call-ID: %(n)d-4711@127.0.0.1\r\n"
    b"CSeq: 1 SUBSCRIBE\r\n"
    b"Contact: <sip:bob@127.0.0.1:5070>\r\n"
    b"Max-Forwards: 70\r\n"
    b"Event: presence\r\n"
    b"Accept: application/pidf+xml\r\n"
    b"Expires: 3600\r\n"
    b"Content-Length: 0\r\n\r\n"
)
#: The lines of a NOTIFY that its 200 repeats.
ECHOED = (b"Via:", b"From:", b"To:", b"Call-ID:", b"CSeq:")
#: Seconds until what is finished is forgotten.
FORGOTTEN = 40.0


class Kept(Port):
    """A port that keeps all that is written."""

    def __init__(self, number: int, protocol: Any) -> None:
        super().__init__(number, protocol)
        self.written: list[bytes] = []

    def write(self, packet: bytes, addr: tuple[str, int] | None = None) -> None:
        super().write(packet, addr)
        self.written.append(packet)


class KeptReactor(PortReactor):
    """A reactor with such a port."""

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> Port:
        self.port = Kept(port, protocol)
        protocol.makeConnection(self.port)
        return self.port


def answered(port: Any) -> int:
    """Answer each NOTIFY that was written.  @return: how many."""
    written, port.written = port.written, []
    notifies = [packet for packet in written if packet.startswith(b"NOTIFY ")]
    for notify in notifies:
        lines = [line for line in notify.split(b"\r\n") if line.startswith(ECHOED)]
        port.protocol.datagramReceived(b"\r\n".join([b"SIP/2.0 200 OK", *lines, b"Content-Length: 0\r\n\r\n"]), PEER)
    return len(notifies)


def memory() -> float:
    """Resident kB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def child(watchers: int) -> None:
    """Print the microseconds of CPU of a subscription and of a NOTIFY of a change, and the kB of a subscription."""
    from twisted_sipdialog import Configuration, LoadLimits, UserAgent
    from twisted_sipdialog.event.presence import Presence
    from twisted_sipdialog.server.limits import CompositorLimits
    from twisted_sipdialog.server.state_agent import StateAgent

    reactor = KeptReactor()
    agent = StateAgent(reactor, ["presence"], limits=CompositorLimits(watchers=2 * watchers))
    limits = LoadLimits(subscriptionsPerSource=2 * watchers)
    listen = ("udp:5060:interface=127.0.0.1",)
    UserAgent(reactor, Configuration(aor="sip:alice@127.0.0.1", listen=listen, loadLimits=limits), agent).startService()
    port: Any = reactor.port

    def subscribe(first: int, count: int) -> float:
        asked = [SUBSCRIBE % {b"n": number} for number in range(first, first + count)]
        begun = time.process_time_ns()
        told = 0
        for request in asked:
            port.protocol.datagramReceived(request, PEER)
            told += answered(port)
        spent = (time.process_time_ns() - begun) / count / 1000
        if told != count:
            sys.exit(f"{told} NOTIFYs to {count} SUBSCRIBEs")
        reactor.advance(FORGOTTEN)
        gc.collect()
        return spent

    def change(basic: str) -> float:
        begun = time.process_time_ns()
        agent.set("sip:alice@127.0.0.1", "presence", Presence.of("sip:alice@127.0.0.1", basic).toBytes())
        told = answered(port)
        spent = (time.process_time_ns() - begun) / told / 1000
        reactor.advance(FORGOTTEN)
        return spent

    subscribe(0, watchers // 10)  # what is made once
    before = memory()
    spent = subscribe(watchers, watchers)
    kept = (memory() - before) / watchers
    print(spent, min(change("open"), change("closed")), kept)


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU and memory of subscriptions to a state agent, without sockets.")
    parser.add_argument("--watchers", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.watchers)
        return
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    measured: list[list[float]] = []
    command = [sys.executable, __file__, "--child", "--watchers", str(options.watchers)]
    for _ in range(options.rounds):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr.strip())
        measured.append([float(word) for word in done.stdout.split()])
    names = ("µs of CPU per subscription (SUBSCRIBE 200 NOTIFY 200)", "µs per NOTIFY of a change, answered", "kB kept")
    rows = [[name, spread(values, 1)] for name, values in zip(names, zip(*measured, strict=True), strict=True)]
    print(f"{options.watchers} watch one user, {options.rounds} rounds\n\n{table(['', 'median (min-max)'], rows)}")


if __name__ == "__main__":
    main()
