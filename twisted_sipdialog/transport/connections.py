"""
All connections of one user agent: found again (RFC 3261 section 18.1.1, RFC 5923), counted, bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IConnector
from twisted.internet.protocol import ClientFactory, ServerFactory
from twisted.python.failure import Failure

from twisted_sipdialog.errors import TransportError
from twisted_sipdialog.transport.stream import StreamFlow

if TYPE_CHECKING:
    from twisted_sipdialog.transport.layer import TransportLayer


class Connections:
    """
    The connections, opening ones included.
    """

    def __init__(self, layer: TransportLayer) -> None:
        self.layer = layer
        self._limits = layer.configuration.flowLimits
        self._flows: set[StreamFlow] = set()
        self._byRemote: dict[tuple[str, int], StreamFlow] = {}
        self._perAddress: dict[str, int] = {}
        self._unfinished = 0
        self._closed = False
        self._closing: list[Deferred[None]] = []

    def __len__(self) -> int:
        return len(self._flows)

    def to(self, host: str, port: int) -> StreamFlow:
        """
        The connection to that address, opened if there is none.

        An accepted one counts only for the very port it came from: that its peer also listens
        there is not assumed (RFC 5923 section 5).

        @raise TransportError: too many connections.
        """
        flow = self._byRemote.get((host, port))
        if flow is not None and flow.isOpen:
            return flow
        if not self.admits(host):
            raise TransportError(f"too many connections to open one more to {host}")
        flow = StreamFlow(self, (host, port), self.layer.listenerFor(StreamListener, host))
        self._add(flow)
        flow.connect(_Opening(flow))
        return flow

    def admits(self, host: str) -> bool:
        """Whether the limits allow one more connection with C{host}; counts a refusal."""
        limits = self._limits
        if len(self._flows) < limits.connections and self._perAddress.get(host, 0) < limits.connectionsPerAddress:
            return True
        self.layer.counters.refusedConnections += 1
        return False

    def opened(self, flow: StreamFlow) -> None:
        """A connection is there."""
        if flow not in self._flows:
            self._add(flow)
        if self._closed:
            flow.close("the transport is closed")

    def _add(self, flow: StreamFlow) -> None:
        self._flows.add(flow)
        self._byRemote[flow.remote] = flow
        host = flow.remote[0]
        self._perAddress[host] = self._perAddress.get(host, 0) + 1

    def ended(self, flow: StreamFlow, reason: TransportError) -> None:
        """A connection is gone, or could not be opened."""
        self._flows.remove(flow)
        if self._byRemote.get(flow.remote) is flow:
            del self._byRemote[flow.remote]
        host = flow.remote[0]
        self._perAddress[host] -= 1
        if not self._perAddress[host]:
            del self._perAddress[host]
        self.layer.flowLost(flow, reason)
        if not self._flows:
            closing, self._closing = self._closing, []
            for deferred in closing:
                deferred.callback(None)

    def noteUnfinished(self, flow: StreamFlow, count: int) -> None:
        """
        C{flow} holds C{count} bytes of an unfinished message.  Beyond the limit the one that holds most is dropped.
        """
        self._unfinished += count - flow.unfinished
        flow.unfinished = count
        if self._unfinished > self._limits.unfinishedBytes:
            max(self._flows, key=lambda f: f.unfinished).drop("too many bytes of unfinished messages")

    def close(self) -> Deferred[None]:
        """Close all; fires when they are gone."""
        self._closed = True
        for flow in list(self._flows):
            flow.close("the transport is closed")
        if not self._flows:
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._closing.append(closed)
        return closed


class StreamListener(ServerFactory):
    """
    One listening port.

    @ivar interface: what we listen on, C{''} or C{'::'} for all addresses of a family.
    @ivar port: the port number, once listening; 0 where there is none (UNIX sockets).
    """

    noisy = False

    def __init__(self, connections: Connections, interface: str) -> None:
        self._connections = connections
        self.interface = interface
        self.port = 0

    def opened(self, address: Any) -> None:
        """It listens on C{address}."""
        host = getattr(address, "host", "")
        self.interface = self.interface or ("" if host == "0.0.0.0" else host)
        self.port = getattr(address, "port", 0)

    def buildProtocol(self, addr: IAddress | None) -> StreamFlow | None:
        # Without a protocol Twisted closes the connection at once.
        remote = getattr(addr, "host", ""), getattr(addr, "port", 0)
        return StreamFlow(self._connections, remote, self) if self._connections.admits(remote[0]) else None


class _Opening(ClientFactory):
    """One connection on its way."""

    noisy = False

    def __init__(self, flow: StreamFlow) -> None:
        self._flow = flow

    def buildProtocol(self, addr: IAddress | None) -> StreamFlow:
        return self._flow

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        self._flow.connectionFailed(reason.getErrorMessage())
