"""
TCP in memory: the two ends of a connection, from its SYN on (RFC 9293, as protocols see it).

Times are exact.  A SYN and its answer take one latency each, so that a
connection is there (or is refused) after two; the accepting side sees it after
three.  Bytes arrive in order, in the pieces in which a turn wrote them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import (
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
)
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IHalfCloseableProtocol,
    IProtocol,
    IPushProducer,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.timers import after

if TYPE_CHECKING:
    from twisted_sipdialog.testing.connectors import MemoryConnector, MemoryStreamPort
    from twisted_sipdialog.testing.reactor import MemoryReactor

Address = IPv4Address | IPv6Address

#: Bytes that may be on their way to, or unread by, the other end.
WINDOW = 65_536
#: Bytes waiting for the window beyond which a producer is paused, as in Twisted's own transports.
HIGH_WATER = 65_536


@implementer(ITCPTransport, IConsumer, IPushProducer)
class End:
    """
    One end of a connection, the transport of its protocol.

    What a protocol raises is raised out of L{Wires.advance}, so that the test fails.

    @ivar reactor: the host it is on.
    @ivar peer: the other end.
    @ivar connected: it is open.
    @ivar disconnecting: C{loseConnection} was called: what was written still goes out.
    """

    def __init__(
        self, reactor: MemoryReactor, local: Address, remote: Address, connector: MemoryConnector | None = None
    ) -> None:
        self.reactor = reactor
        self.peer: End
        self.protocol: IProtocol | None = None
        self.connected = False
        self.disconnecting = False
        self._aborting = False
        self._local = local
        self._remote = remote
        self._connector = connector
        self._over = False  # ended, or never began
        self._port: MemoryStreamPort | None = None  # that accepts it
        self._transit: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()  # on its way to this end
        self._arrived: deque[bytes | None] = deque()  # not yet read; None: the other end writes no more
        self._outgoing = bytearray()
        self._unread = 0  # bytes sent that the other end has not read
        self._turn: IDelayedCall | None = None
        self._readPaused = False
        self._writeClosing = False  # loseWriteConnection was called
        self._writeClosed = False
        self._producer: Any = None
        self._streaming = False
        self._producerPaused = False
        self._options = {"noDelay": False, "keepAlive": False}

    def __repr__(self) -> str:
        return f"<TCP {self.reactor.name}:{self._local.port} to {self._remote.host}:{self._remote.port}>"

    def _send(self, receive: Callable[..., None], *arguments: Any) -> None:
        """Have the other end's C{receive} called one latency from now, in order; a partition must be healed first."""
        wires = self.reactor.wires
        if wires.isParted(self.reactor, self.peer.reactor):
            # Whoever retransmits gets through in the end; a reset is sent once.
            if receive != self.peer.resetArrived:
                wires.hold(self.reactor, self.peer.reactor, lambda: self._send(receive, *arguments))
            return
        self.peer._transit.append((receive, arguments))
        after(wires.clock, wires.latency, self.peer._next)

    def _next(self) -> None:
        receive, arguments = self._transit.popleft()
        receive(*arguments)

    def connect(self) -> None:
        """Send the SYN.  Where no host has the address nobody answers."""
        server = self.reactor.wires.lookup(self._remote.host)
        if not self._remote.host:
            after(self.reactor.wires.clock, 0, self.failIfNotConnected, DNSLookupError("no such host"))
        elif server is not None:
            self.peer = End(server, self._remote, self._local)
            self.peer.peer = self
            self._send(self.peer._synArrived)

    def _synArrived(self) -> None:
        self._port = self.reactor.portAt("TCP", self._local.host, self._local.port)
        self._send(self.peer.resetArrived if self._port is None else self.peer._synAckArrived)

    def _synAckArrived(self) -> None:
        if self._over:
            self._send(self.peer.resetArrived)
            return
        assert self._connector is not None
        self._send(self.peer._ackArrived)
        self._open(self._connector.buildProtocol(self._remote))

    def _ackArrived(self) -> None:
        assert self._port is not None
        if self._port in self.reactor.ports:
            self._open(self._port.factory.buildProtocol(self._remote))
        else:
            self._over = True
            self._send(self.peer.resetArrived)

    def _open(self, protocol: IProtocol | None) -> None:
        self.connected = True
        self.reactor.wires.ends.append(self)
        if protocol is None:
            # The factory does not want it.
            protocol = Protocol()
            self.loseConnection()
        self.protocol = protocol
        protocol.makeConnection(self)

    def failIfNotConnected(self, error: Exception) -> None:
        """The attempt is given up."""
        if not self.connected and not self._over:
            self._over = True
            assert self._connector is not None
            self._connector.connectionFailed(Failure(error))

    def resetArrived(self) -> None:
        """The other end, or somebody between, says that there is no such connection."""
        if self.connected:
            self._end(ConnectionLost())
        elif self._connector is not None:
            self.failIfNotConnected(ConnectionRefusedError())

    def _bytesArrived(self, data: bytes | None) -> None:
        if self.connected:
            self._arrived.append(data)
            self._read()
        elif data is not None:
            # Nobody is here any more: the sender was half open.
            self._send(self.peer.resetArrived)

    def _read(self) -> None:
        while self._arrived and self.connected and not self._readPaused and not self.disconnecting:
            data = self._arrived.popleft()
            if data is None:
                self._readClosed()
            else:
                self._send(self.peer._windowOpened, len(data))
                assert self.protocol is not None
                self.protocol.dataReceived(data)

    def _readClosed(self) -> None:
        halfCloseable = IHalfCloseableProtocol(self.protocol, None)
        if halfCloseable is not None:
            halfCloseable.readConnectionLost()
        else:
            self._finish()

    def _windowOpened(self, count: int) -> None:
        self._unread -= count
        self._flush()

    # Writing: a turn's bytes go out together when the turn is over.

    def write(self, data: bytes) -> None:
        """Send bytes; ignored once the connection is closing."""
        if self.connected and not (self.disconnecting or self._writeClosing) and data:
            self._outgoing += data
            self._pauseProducer()
            self._wake()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send bytes given in pieces."""
        self.write(b"".join(data))

    def _wake(self) -> None:
        if self._turn is None:
            self._turn = after(self.reactor.wires.clock, 0, self._turnOver)

    def _turnOver(self) -> None:
        self._turn = None
        self._flush()

    def _flush(self) -> None:
        if not self.connected or self._aborting:
            return
        room = WINDOW - self._unread
        if self._outgoing and room > 0:
            data = bytes(self._outgoing[:room])
            del self._outgoing[:room]
            self._unread += len(data)
            self._send(self.peer._bytesArrived, data)
        if self._outgoing:
            return
        if self._producer is not None:
            if self._producerPaused or not self._streaming:
                self._producerPaused = False
                self._producer.resumeProducing()
        elif self.disconnecting:
            self._finish()
        elif self._writeClosing and not self._writeClosed:
            self._writeClosed = True
            self._send(self.peer._bytesArrived, None)
            halfCloseable = IHalfCloseableProtocol(self.protocol, None)
            if halfCloseable is not None:
                halfCloseable.writeConnectionLost()

    def _pauseProducer(self) -> None:
        if self._streaming and not self._producerPaused and len(self._outgoing) > HIGH_WATER:
            self._producerPaused = True
            self._producer.pauseProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """
        Have C{producer} paused and resumed as the other end reads.

        @param streaming: True for an L{IPushProducer}; False for one that writes once for each C{resumeProducing}.
        @raise RuntimeError: there is one already.
        """
        if self._producer is not None:
            raise RuntimeError("a producer is registered already")
        if not self.connected:
            producer.stopProducing()
            return
        self._producer = producer
        self._streaming = streaming
        self._producerPaused = False
        if not streaming:
            self._wake()

    def unregisterProducer(self) -> None:
        """It writes no more of itself."""
        self._producer = None
        self._streaming = False
        if self.disconnecting or self._writeClosing:
            self._wake()

    def pauseProducing(self) -> None:
        """Read no more, until L{resumeProducing}; the other end can send L{WINDOW} bytes meanwhile."""
        self._readPaused = True

    def resumeProducing(self) -> None:
        """Read on, beginning in the next turn."""
        if self.connected and self._readPaused:
            self._readPaused = False
            after(self.reactor.wires.clock, 0, self._read)

    def stopProducing(self) -> None:
        """As L{loseConnection}."""
        self.loseConnection()

    def loseConnection(self) -> None:
        """Close it when all bytes have gone out."""
        if self.connected and not self.disconnecting:
            self.disconnecting = True
            self._wake()

    def loseWriteConnection(self) -> None:
        """Write no more, but go on reading."""
        if self.connected and not self._writeClosing:
            self._writeClosing = True
            self._wake()

    def abortConnection(self) -> None:
        """Close it at once, bytes that wait are lost, and the other end is reset."""
        if self.connected and not self._aborting:
            self._aborting = self.disconnecting = True
            after(self.reactor.wires.clock, 0, self._abort)

    def _abort(self) -> None:
        if self.connected:
            self._send(self.peer.resetArrived)
            self._end(ConnectionAborted())

    def _finish(self) -> None:
        if not self._writeClosed:
            self._send(self.peer._bytesArrived, None)
        self._end(ConnectionDone())

    def _end(self, error: Exception) -> None:
        self.connected = False
        self._over = True
        self.reactor.wires.ends.remove(self)
        self._arrived.clear()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        reason = Failure(error)
        producer, self._producer, self._streaming = self._producer, None, False
        if producer is not None:
            producer.stopProducing()
        assert self.protocol is not None
        self.protocol.connectionLost(reason)
        if self._connector is not None:
            self._connector.connectionLost(reason)

    def getPeer(self) -> Address:
        """The address of the other end."""
        return self._remote

    def getHost(self) -> Address:
        """The address of this end."""
        return self._local

    def getTcpNoDelay(self) -> bool:
        """What was set; there is no delay."""
        return self._options["noDelay"]

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Kept."""
        self._options["noDelay"] = enabled

    def getTcpKeepAlive(self) -> bool:
        """What was set; no probes are sent."""
        return self._options["keepAlive"]

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Kept."""
        self._options["keepAlive"] = enabled
