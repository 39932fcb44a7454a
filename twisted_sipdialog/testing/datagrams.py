"""
UDP in memory: an open port.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import InvalidAddressError, MessageLengthError
from twisted.internet.interfaces import IListeningPort, IUDPTransport
from twisted.internet.protocol import AbstractDatagramProtocol
from zope.interface import implementer

from twisted_sipdialog.testing.connections import Address
from twisted_sipdialog.timers import after

if TYPE_CHECKING:
    from twisted_sipdialog.testing.reactor import MemoryReactor

#: What listens on all addresses of a family.
WILDCARDS = ("0.0.0.0", "::")
#: The largest payload of an IPv4 datagram, in bytes.
_LARGEST_DATAGRAM = 65_507


def makeAddress(protocol: Literal["TCP", "UDP"], host: str, port: int) -> Address:
    """The address object of a literal C{host}."""
    kind = IPv6Address if isIPv6Address(host) else IPv4Address
    return kind(protocol, host, port)


@implementer(IListeningPort, IUDPTransport)
class MemoryDatagramPort:
    """
    An open UDP port, the transport of its protocol.

    What its protocol raises is raised out of L{Wires.advance}, so that the test fails.
    """

    def __init__(
        self, reactor: MemoryReactor, address: Address, protocol: AbstractDatagramProtocol, maxPacketSize: int
    ) -> None:
        self.reactor = reactor
        self.protocol = protocol
        self.maxPacketSize = maxPacketSize
        self._address = address
        self._open = False
        self._connected: tuple[str, int] | None = None
        self._broadcast = False
        self._stopped: Deferred[None] | None = None

    def __repr__(self) -> str:
        return f"<UDP port {self._address.host}:{self._address.port} of {self.reactor.name}>"

    def startListening(self) -> None:
        """Done by L{MemoryReactor.listenUDP}."""
        self._open = True
        self.reactor.ports.append(self)
        self.protocol.makeConnection(self)

    def stopListening(self) -> Deferred[None]:
        """Close the port.  The protocol is told, and the Deferred fires, in the next turn."""
        if not self._open:
            return succeed(None)
        if self._stopped is None:
            self._stopped = Deferred()
            after(self.reactor.wires.clock, 0, self._stop)
        return self._stopped

    def _stop(self) -> None:
        self._open = False
        self.reactor.ports.remove(self)
        self.protocol.doStop()
        assert self._stopped is not None
        self._stopped.callback(None)

    def deliver(self, data: bytes, source: tuple[str, int]) -> None:
        """A datagram arrived."""
        if self._connected in (None, source) and self._stopped is None:
            self.protocol.datagramReceived(data[: self.maxPacketSize], source)

    def write(self, packet: bytes, addr: tuple[str, int] | None = None) -> None:
        """
        Send a datagram.

        @raise InvalidAddressError: C{addr} is a name, or an address of the other family.
        @raise MessageLengthError: too long for any datagram.
        @raise RuntimeError: the port is closed.
        """
        destination = self._connected or addr
        if not self._open:
            raise RuntimeError(f"write() to the closed {self!r}")
        if destination is None or not (isIPAddress(destination[0]) or isIPv6Address(destination[0])):
            raise InvalidAddressError(str(destination), "write() only accepts IP addresses, not hostnames")
        if isIPv6Address(destination[0]) != isinstance(self._address, IPv6Address):
            raise InvalidAddressError(destination[0], f"is of another family than {self._address.host}")
        if len(packet) > _LARGEST_DATAGRAM:
            raise MessageLengthError("message too long")
        source = (self._localHost(destination[0]), self._address.port)
        self.reactor.wires.carry(self.reactor, source, bytes(packet), (destination[0], destination[1]))

    def writeSequence(self, packets: Sequence[bytes], addr: tuple[str, int] | None = None) -> None:
        """Send one datagram in pieces."""
        self.write(b"".join(packets), addr)

    def _localHost(self, remote: str) -> str:
        return self.reactor.addressFor(remote) if self._address.host in WILDCARDS else self._address.host

    def connect(self, host: str, port: int) -> None:
        """Send to and hear this one address only; L{getHost} tells the local address used for it then."""
        self._connected = (host, port)

    def getHost(self) -> Address:
        """Where it listens; the wildcard address when it does on all of them."""
        if self._connected is None:
            return self._address
        return makeAddress("UDP", self._localHost(self._connected[0]), self._address.port)

    def setBroadcastAllowed(self, enabled: bool) -> None:
        """Kept; these wires carry no broadcasts."""
        self._broadcast = enabled

    def getBroadcastAllowed(self) -> bool:
        """What was set."""
        return self._broadcast
