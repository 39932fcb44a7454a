"""
SIP over UDP (RFC 3261 section 18, RFC 3581).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import ISystemHandle
from twisted.internet.protocol import DatagramProtocol
from zope.interface import implementer

from twisted_sipdialog._seams import IFlow
from twisted_sipdialog.transport.listen import sentByText

if TYPE_CHECKING:
    from twisted_sipdialog.transport.layer import TransportLayer

#: The largest datagram there is; Twisted would cut at 8192.
MAX_PACKET = 65_535


@implementer(IFlow)
class UdpFlow:
    """
    One of our ports with one remote address; made for each datagram and each destination.

    @ivar replyTo: where responses go: C{remote}, unless the request's Via did not ask
        for its source port (RFC 3581).
    """

    __slots__ = ("_port", "remote", "replyTo")

    protocol = "UDP"
    reliable = False
    secure = False

    def __init__(self, port: UdpPort, remote: tuple[str, int]) -> None:
        self._port = port
        self.remote = self.replyTo = remote

    @property
    def sentBy(self) -> str:
        return self._port.sentByTo(self.remote[0])

    @property
    def isOpen(self) -> bool:
        return self._port.isOpen

    def send(self, data: bytes) -> bool:
        return self._port.write(data, self.remote, self)

    def respond(self, data: bytes) -> bool:
        """Send a response to the request this flow was made for (RFC 3261 section 18.2.2)."""
        return self._port.write(data, self.replyTo, self)

    def hold(self) -> None:
        """Nothing ends an UDP flow."""

    def release(self) -> None:
        """Nothing ends an UDP flow."""

    def __repr__(self) -> str:
        return f"<UdpFlow {sentByText(*self.remote)}>"


class UdpPort(DatagramProtocol):
    """
    One listening port.

    @ivar interface: what we listen on, C{''} or C{'::'} for all addresses of a family.
    @ivar port: the port number, once listening.
    @ivar isOpen: bool.
    """

    noisy = False

    def __init__(self, layer: TransportLayer, interface: str) -> None:
        self._layer = layer
        self._counters = layer.counters
        self.interface = interface
        self.isOpen = False
        self.port = 0
        self._sentBy: str | None = None
        self._sendto: Callable[[bytes, tuple[str, int]], object]

    def startProtocol(self) -> None:
        assert self.transport is not None
        self._sendto = self.transport.write
        self.isOpen = True
        self.port = self.transport.getHost().port
        host = self._layer.advertised or self.interface
        if host not in ("", "::"):
            self._sentBy = sentByText(host, self.port)
        # As much as the kernel grants: what it cannot hold while we work is lost.
        if ISystemHandle.providedBy(self.transport):
            handle: Any = self.transport.getHandle()
            # Our addresses are literal and our errors our own, so the socket itself will do: Twisted's checks of
            # both cost more than the sending.
            self._sendto = handle.sendto
            try:
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._layer.configuration.udpReceiveBuffer)
            except OSError:
                pass

    def stopProtocol(self) -> None:
        self.isOpen = False

    def sentByTo(self, host: str) -> str:
        """Our Via and Contact address as the peer at C{host} knows it."""
        return self._sentBy or sentByText(self._layer.addresses.to(host), self.port)

    def datagramReceived(self, data: bytes, address: tuple[str, int]) -> None:
        # Everything that begins a message is above the space; keep-alives and STUN are not.
        if data[:1] <= b" " and _isKeepAlive(data):
            return
        self._layer.datagramReceived(data, UdpFlow(self, address))

    def write(self, data: bytes, address: tuple[str, int], flow: UdpFlow) -> bool:
        """Send one datagram; False when the system refuses it."""
        if not self.isOpen:
            return False
        try:
            self._sendto(data, address)
        except Exception:
            # EAGAIN, ENETUNREACH, EMSGSIZE, no such address, ...: it does not leave.
            self._counters.unsent += 1
            return False
        self._counters.sent += 1
        if self._layer.observer is not None:
            self._layer.observeSent(data, flow)
        return True


def _isKeepAlive(data: bytes) -> bool:
    """Empty, only line ends (RFC 5626 section 3.5.1), zeros, or STUN: its first two bits are zero (RFC 5389)."""
    return not data or data[0] < 4 or not data.strip(b"\r\n")
