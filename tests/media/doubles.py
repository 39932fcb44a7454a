"""
A reactor with UDP ports in memory, and RTP to send to them.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorUDP
from twisted.internet.protocol import DatagramProtocol
from zope.interface import implementer

from twisted_sipdialog.media.rtp import RtpPacket, parseRtp


class MemoryPort:
    """What C{listenUDP} returns, and the transport of its protocol."""

    def __init__(self, reactor: MemoryUDP, port: int, protocol: DatagramProtocol, interface: str) -> None:
        self.reactor = reactor
        self.port = port
        self.protocol = protocol
        self.interface = interface
        self.written: list[tuple[bytes, tuple[str, int]]] = []
        self.failure: Exception | None = None

    def write(self, data: bytes, address: tuple[str, int]) -> None:
        if self.failure is not None:
            raise self.failure
        self.written.append((data, address))

    def stopListening(self) -> Deferred[None]:
        del self.reactor.ports[self.port]
        return succeed(None)


@implementer(IReactorUDP)
class MemoryUDP:
    """
    @ivar busy: the port numbers that others use.
    """

    def __init__(self) -> None:
        self.ports: dict[int, MemoryPort] = {}
        self.busy: set[int] = set()

    def listenUDP(
        self, port: int, protocol: DatagramProtocol, interface: str = "", maxPacketSize: int = 8192
    ) -> MemoryPort:
        if port in self.busy or port in self.ports:
            raise CannotListenError(interface, port, OSError("in use"))
        self.ports[port] = MemoryPort(self, port, protocol, interface)
        protocol.transport = self.ports[port]
        return self.ports[port]


def audio(sequence: int = 1, timestamp: int = 160, payloadType: int = 0, ssrc: int = 7, marker: bool = False) -> bytes:
    return RtpPacket(payloadType, marker, sequence, timestamp, ssrc, bytes([sequence & 0xFF]) * 160).toBytes()


def packets(port: MemoryPort) -> list[RtpPacket]:
    parsed = [parseRtp(data) for data, _ in port.written]
    return [packet for packet in parsed if packet is not None]
