"""
TCP in memory: ports that accept connections, and attempts to connect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.base import BaseConnector
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import ClientFactory, Factory
from zope.interface import implementer

from twisted_sipdialog.testing.connections import Address, End
from twisted_sipdialog.timers import after

if TYPE_CHECKING:
    from twisted_sipdialog.testing.reactor import MemoryReactor


@implementer(IListeningPort)
class MemoryStreamPort:
    """
    A port that accepts connections.
    """

    def __init__(self, reactor: MemoryReactor, address: Address, factory: Factory) -> None:
        self.reactor = reactor
        self.factory = factory
        self._address = address
        self._stopped: Deferred[None] | None = None

    def __repr__(self) -> str:
        return f"<TCP port {self._address.host}:{self._address.port} of {self.reactor.name}>"

    def startListening(self) -> None:
        """Done by L{MemoryReactor.listenTCP}."""
        self.reactor.ports.append(self)
        self.factory.doStart()

    def stopListening(self) -> Deferred[None]:
        """Accept no more; the Deferred fires in the next turn.  Accepted connections stay."""
        if self not in self.reactor.ports:
            return succeed(None)
        if self._stopped is None:
            self._stopped = Deferred()
            after(self.reactor.wires.clock, 0, self._stop)
        return self._stopped

    def _stop(self) -> None:
        self.reactor.ports.remove(self)
        self.factory.doStop()
        assert self._stopped is not None
        self._stopped.callback(None)

    def getHost(self) -> Address:
        """Where it listens."""
        return self._address


class MemoryConnector(BaseConnector):
    """
    An attempt to connect, and the connection it leads to.
    """

    reactor: Any

    def __init__(
        self,
        reactor: MemoryReactor,
        host: str,
        port: int,
        factory: ClientFactory,
        timeout: float,
        bindAddress: tuple[str, int] | None,
    ) -> None:
        super().__init__(factory, timeout, reactor)  # type: ignore[arg-type]
        self._destination = (host, port)
        self._bindAddress = bindAddress

    def _makeTransport(self) -> Any:
        host, port = self._destination
        reactor: MemoryReactor = self.reactor
        if not (isIPAddress(host) or isIPv6Address(host)):
            found = reactor.wires.lookup(host)
            host = found.ipv4 if found is not None else ""
        kind = IPv6Address if isIPv6Address(host) else IPv4Address
        localHost, localPort = self._bindAddress or ("", 0)
        local = kind("TCP", localHost or reactor.addressFor(host), localPort or reactor.ephemeralPort())
        end = End(reactor, local, kind("TCP", host, port), self)
        end.connect()
        return end

    def getDestination(self) -> Address:
        """What was asked for; C{host} may be a name."""
        return IPv4Address("TCP", *self._destination)
