"""
The reactor of one simulated host: time, UDP, TCP and host names, in memory.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IDelayedCall,
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IReactorTCP,
    IReactorTime,
    IReactorUDP,
    IResolutionReceiver,
)
from twisted.internet.protocol import AbstractDatagramProtocol, Factory
from zope.interface import implementer

from twisted_sipdialog.testing.connections import Address
from twisted_sipdialog.testing.connectors import MemoryConnector, MemoryStreamPort
from twisted_sipdialog.testing.datagrams import WILDCARDS, MemoryDatagramPort, makeAddress
from twisted_sipdialog.timers import after

if TYPE_CHECKING:
    from twisted_sipdialog.testing.wires import Wires

#: Where ports begin that the system chooses (RFC 6335 section 6).
_FIRST_EPHEMERAL = 49_152


@implementer(IReactorTime, IReactorUDP, IReactorTCP, IReactorPluggableNameResolver)
class MemoryReactor:
    """
    What protocols on one host of a simulated network take for their reactor.

    @ivar wires: the network it belongs to.
    @ivar name: its host name, in lower case.
    @ivar ipv4: its address.
    @ivar ipv6: its other address.
    @ivar ports: its open ports, UDP and TCP, in the order they were opened.
    @ivar nameResolver: knows the hosts of the network, by name and by address.
    """

    nameResolver: IHostnameResolver

    def __init__(self, wires: Wires, name: str, ipv4: str, ipv6: str) -> None:
        self.wires = wires
        self.name = name
        self.ipv4 = ipv4
        self.ipv6 = ipv6
        self.ports: list[MemoryDatagramPort | MemoryStreamPort] = []
        self.nameResolver = MemoryResolver(wires)
        self._ephemeral = count(_FIRST_EPHEMERAL)

    def __repr__(self) -> str:
        return f"<MemoryReactor {self.name} {self.ipv4} {self.ipv6}>"

    def seconds(self) -> float:
        """The time of the network's clock."""
        return self.wires.clock.seconds()

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kwargs: object) -> IDelayedCall:
        """A delayed call on the network's clock."""
        return after(self.wires.clock, delay, partial(callable, **kwargs) if kwargs else callable, *args)

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """The delayed calls of all hosts: they share their clock."""
        return self.wires.clock.getDelayedCalls()

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Replace L{nameResolver}; the former one is returned."""
        former, self.nameResolver = self.nameResolver, resolver
        return former

    def listenUDP(
        self, port: int, protocol: AbstractDatagramProtocol, interface: str = "", maxPacketSize: int = 8192
    ) -> MemoryDatagramPort:
        """
        Open a UDP port.

        @param interface: an address of this host; empty or C{0.0.0.0} for its IPv4 one, C{::} for its IPv6 one.
        @param maxPacketSize: bytes of a datagram beyond these are cut off.
        @raise CannotListenError: the port is taken, or C{interface} is no address of this host.
        """
        address = self._claim("UDP", interface, port)
        listening = MemoryDatagramPort(self, address, protocol, maxPacketSize)
        listening.startListening()
        return listening

    def listenTCP(self, port: int, factory: Factory, backlog: int = 50, interface: str = "") -> MemoryStreamPort:
        """
        Accept connections.

        @param interface: as for L{listenUDP}.
        @raise CannotListenError: as for L{listenUDP}.
        """
        listening = MemoryStreamPort(self, self._claim("TCP", interface, port), factory)
        listening.startListening()
        return listening

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: Any,
        timeout: float = 30.0,
        bindAddress: tuple[str, int] | None = None,
    ) -> MemoryConnector:
        """
        Open a connection: it is there after two latencies, refused after two latencies when nobody
        listens, and fails after C{timeout} seconds when no host has that address.
        """
        connector = MemoryConnector(self, host, port, factory, timeout, bindAddress)
        connector.connect()
        return connector

    def addressFor(self, remote: str) -> str:
        """The address of this host from which it reaches the literal address C{remote}."""
        return self.ipv6 if isIPv6Address(remote) else self.ipv4

    def ephemeralPort(self) -> int:
        """The next port that nobody asked for by number."""
        return next(self._ephemeral)

    def _claim(self, protocol: Literal["TCP", "UDP"], interface: str, port: int) -> Address:
        interface = interface or "0.0.0.0"
        if interface not in (*WILDCARDS, self.ipv4, self.ipv6):
            raise CannotListenError(interface, port, OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"))
        if port == 0:
            port = next(p for p in self._ephemeral if not self._isTaken(makeAddress(protocol, interface, p)))
        address = makeAddress(protocol, interface, port)
        if self._isTaken(address):
            raise CannotListenError(interface, port, OSError(errno.EADDRINUSE, "Address already in use"))
        return address

    def _isTaken(self, address: Address) -> bool:
        for listening in self.ports:
            other = listening.getHost()
            if (other.type, other.port) == (address.type, address.port) and type(other) is type(address):
                if other.host == address.host or other.host in WILDCARDS or address.host in WILDCARDS:
                    return True
        return False

    def portAt(self, protocol: str, host: str, port: int) -> Any:
        """The open L{MemoryDatagramPort} or L{MemoryStreamPort} that gets what is sent to this address, or None."""
        wildcard = "::" if isIPv6Address(host) else "0.0.0.0"
        for listening in self.ports:
            address = listening.getHost()
            if (address.type, address.port) == (protocol, port) and address.host in (host, wildcard):
                return listening
        return None

    def datagramArrived(self, data: bytes, source: tuple[str, int], destination: tuple[str, int]) -> None:
        """To the port it is for; nobody hears of one that is for a closed port."""
        listening = self.portAt("UDP", *destination)
        if listening is not None:
            listening.deliver(data, source)


@implementer(IHostnameResolver)
class MemoryResolver:
    """
    Finds the hosts of a network, IPv4 before IPv6, in the turn after it was asked.
    """

    def __init__(self, wires: Wires) -> None:
        self._wires = wires

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[Any]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """
        Tell C{resolutionReceiver} the addresses of C{hostName}; none when no host has that name.

        @param addressTypes: of L{IPv4Address} and L{IPv6Address}, those wanted; None for both.
        """
        host = self._wires.lookup(hostName)
        if isIPAddress(hostName) or isIPv6Address(hostName):
            texts = [hostName]
        else:
            texts = [] if host is None else [host.ipv4, host.ipv6]
        kind: Literal["TCP", "UDP"] = "TCP" if transportSemantics == "TCP" else "UDP"
        found = [makeAddress(kind, text, portNumber) for text in texts]
        wanted = [address for address in found if addressTypes is None or type(address) in addressTypes]
        resolution = _Resolution(hostName, after(self._wires.clock, 0, _tell, resolutionReceiver, wanted))
        resolutionReceiver.resolutionBegan(resolution)
        return resolution


def _tell(receiver: IResolutionReceiver, addresses: list[Address]) -> None:
    for address in addresses:
        receiver.addressResolved(address)
    receiver.resolutionComplete()


@implementer(IHostResolution)
class _Resolution:
    """One name being looked up."""

    def __init__(self, name: str, call: IDelayedCall) -> None:
        self.name = name
        self._call = call

    def cancel(self) -> None:
        """Nothing more is told."""
        if self._call.active():
            self._call.cancel()
