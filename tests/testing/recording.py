"""
Protocols that only note what happens to them, with its time.
"""

from __future__ import annotations

from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import ClientFactory, DatagramProtocol, Factory, Protocol
from zope.interface import implementer

from twisted_sipdialog.testing.wires import Wires


class Datagrams(DatagramProtocol):
    """Notes (time, data) of each datagram, and their sources."""

    noisy = False

    def __init__(self, wires: Wires, host: str, port: int = 5060) -> None:
        self.wires = wires
        self.got: list[tuple[float, bytes]] = []
        self.sources: list[tuple[str, int]] = []
        self.reactor = wires.host(host)
        self.port = self.reactor.listenUDP(port, self, maxPacketSize=65_535)

    def datagramReceived(self, data, address):
        self.got.append((round(self.wires.clock.seconds(), 6), data))
        self.sources.append(address)

    @property
    def data(self) -> list[bytes]:
        return [data for _, data in self.got]

    def to(self, other: Datagrams, data: bytes) -> None:
        self.transport.write(data, (other.reactor.ipv4, other.port.getHost().port))


class Stream(Protocol):
    """Notes what happened, in order: ("made", time), ("data", bytes), ("lost", exception class name)."""

    def __init__(self, wires: Wires) -> None:
        self.wires = wires
        self.log: list[tuple[str, object]] = []
        self.times: list[float] = []

    def note(self, what, value):
        self.log.append((what, value))
        self.times.append(round(self.wires.clock.seconds(), 6))

    def connectionMade(self):
        self.note("made", None)

    def dataReceived(self, data):
        self.note("data", data)

    def connectionLost(self, reason):
        self.note("lost", reason.type.__name__)

    @property
    def data(self) -> bytes:
        return b"".join(value for what, value in self.log if what == "data")

    @property
    def lost(self) -> object:
        return next((value for what, value in self.log if what == "lost"), None)


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Stream):
    def readConnectionLost(self):
        self.note("read closed", None)

    def writeConnectionLost(self):
        self.note("write closed", None)


class Listening(Factory):
    """Accepts into C{streams}; C{refuse} makes it accept none."""

    noisy = False

    def __init__(self, wires: Wires, kind=Stream) -> None:
        self.wires = wires
        self.kind = kind
        self.streams: list[Stream] = []
        self.refuse = False

    def buildProtocol(self, addr):
        if self.refuse:
            return None
        self.streams.append(self.kind(self.wires))
        return self.streams[-1]


class Connecting(ClientFactory):
    noisy = False

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.failure: str | None = None
        self.failedAt: float | None = None
        self.lost: str | None = None
        self.stopped = False

    def buildProtocol(self, addr):
        return self.stream

    def clientConnectionFailed(self, connector, reason):
        self.failure = reason.type.__name__
        self.failedAt = round(self.stream.wires.clock.seconds(), 6)

    def clientConnectionLost(self, connector, reason):
        self.lost = reason.type.__name__

    def stopFactory(self):
        self.stopped = True
