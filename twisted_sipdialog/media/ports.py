"""
UDP ports for RTP and RTCP: pairs of an even and the next odd one (RFC 3550 section 11).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from weakref import WeakSet

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorUDP
from twisted.internet.protocol import DatagramProtocol

from twisted_sipdialog.errors import ConfigurationError, TransportError

# Bytes of the longest packet that is read whole.
_MAX_PACKET = 8192

# Every pool of the process: two of them can send to each other as one can to itself.
_pools: WeakSet[RtpPorts] = WeakSet()


def canonical(host: str) -> str | None:
    """
    An IP address in its one spelling, without zone, IPv4 where it is IPv4 mapped into IPv6; None for a name.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def isUnicast(host: str) -> bool:
    """One single host: neither a name, nor unspecified, multicast, broadcast or reserved."""
    text = canonical(host)
    if text is None:
        return False
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        # 0/8 is "this network", and 240/4 is reserved, with the broadcast address at its end.
        return not address.is_multicast and address.packed[0] != 0 and not address.is_reserved
    return not address.is_multicast and not address.is_unspecified


def isLocal(host: str) -> bool:
    """An address of this machine: one that a socket can be bound to."""
    text = canonical(host)
    if text is None:
        return False
    if ipaddress.ip_address(text).is_loopback:
        return True
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((text, 0))
    except OSError:
        return False
    return True


def isOurs(host: str) -> bool:
    """An address that leads here: of this machine, or announced by this process (a NAT in between)."""
    return isLocal(host) or any(canonical(host) in pool.hosts for pool in _pools)


def isOpen(port: int) -> bool:
    """A port number that RTP or RTCP of this process uses, on whatever address."""
    return any(port in pool.inUse for pool in _pools)


class PortPair:
    """
    An open RTP port with its RTCP port.

    @ivar number: of the RTP port; RTCP has the next.
    """

    __slots__ = ("_close", "_ports", "number")

    def __init__(self, number: int, ports: tuple[IListeningPort, ...], close: Callable[[int], None]) -> None:
        self.number = number
        self._ports = ports
        self._close = close

    def close(self) -> None:
        """Close both.  Repeating it does nothing."""
        ports, self._ports = self._ports, ()
        for port in ports:
            port.stopListening()
        if ports:
            self._close(self.number)


class RtpPorts:
    """
    The pairs of a port range.

    @ivar inUse: the port numbers that are open.
    @ivar hosts: the addresses they were opened for so far.
    """

    def __init__(self, reactor: IReactorUDP, start: int, stop: int) -> None:
        """
        @param start: the lowest port.
        @param stop: the port after the highest one.
        @raise ConfigurationError: no even port with its odd neighbour lies in between.
        """
        self._reactor = reactor
        self._numbers = range(start + start % 2, stop - 1, 2)
        if not (start >= 1 and stop <= 65536 and self._numbers):
            raise ConfigurationError("portRange", (start, stop), "an even port and the next, from 1 to 65535")
        self._next = 0
        self.inUse: set[int] = set()
        self.hosts: set[str | None] = set()
        _pools.add(self)

    def open(self, host: str, rtp: DatagramProtocol, rtcp: DatagramProtocol) -> PortPair:
        """
        Open the next free pair, for the address C{host}.  When that is not of this machine
        but one that a NAT maps to it, the ports are open on all addresses of its family.

        @raise TransportError: there is none (503).
        """
        interface = host if isLocal(host) else "::" if ":" in host else ""
        count = len(self._numbers)
        # The longest unused first: the last packets of a finished call find no new one.
        for turn in range(self._next, self._next + count):
            number = self._numbers[turn % count]
            if number in self.inUse:
                continue
            ports = self._listen(number, interface, rtp, rtcp)
            if ports:
                self._next = (turn + 1) % count
                self.inUse |= {number, number + 1}
                self.hosts.add(canonical(host))
                return PortPair(number, ports, self._closed)
        raise TransportError(f"no free RTP port from {self._numbers[0]} to {self._numbers[-1] + 1}")

    def _listen(
        self, number: int, interface: str, rtp: DatagramProtocol, rtcp: DatagramProtocol
    ) -> tuple[IListeningPort, ...]:
        opened: list[IListeningPort] = []
        try:
            # RTP last: Twisted takes the transport away from a protocol whose port it closes again.
            for port, protocol in ((number + 1, rtcp), (number, rtp)):
                opened.append(self._reactor.listenUDP(port, protocol, interface, _MAX_PACKET))
        except CannotListenError:
            for listening in opened:
                listening.stopListening()
            return ()
        return tuple(opened)

    def _closed(self, number: int) -> None:
        self.inUse -= {number, number + 1}
