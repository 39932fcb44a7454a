"""
SIP over connections (RFC 3261 section 18, RFC 5626 sections 3.5.1 and 5.4).

Connections that peers open cost us memory, so each is counted, watched and
bounded: in number, in unfinished messages, in time, in what a peer does not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IConnector, IProtocolFactory, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog._seams import IFlow
from twisted_sipdialog.errors import ParseError, TransportError
from twisted_sipdialog.message.framer import KeepAlive, StreamFramer
from twisted_sipdialog.message.grammar import formatHost
from twisted_sipdialog.timers import Timer
from twisted_sipdialog.transport.listen import sentByText

if TYPE_CHECKING:
    from twisted_sipdialog.transport.connections import Connections, StreamListener

#: Seconds a closed connection has to write out what is left.
_FLUSH = 5.0


#: Seconds that are not worth another wait.
_CLOSE = 0.01


@implementer(IFlow, IPushProducer)
class StreamFlow(Protocol):
    """
    One connection, accepted or initiated.

    @ivar unfinished: bytes held of a message that is not complete.
    """

    protocol = "TCP"
    reliable = True
    secure = False

    def __init__(self, connections: Connections, remote: tuple[str, int], listener: StreamListener | None) -> None:
        """
        @param listener: our port it came in by, or through which the peer could come back to us; None for none.
        """
        self.remote = remote
        self.isOpen = True
        self.unfinished = 0
        self._connections = connections
        self._layer = connections.layer
        self._limits = self._layer.configuration.flowLimits
        self._framer = StreamFramer(self._layer.configuration.messageLimits)
        self._listener = listener
        self._connector: IConnector | None = None
        self._sentBy: str | None = None
        self._waiting: list[bytes] = []  # sent before there was a connection
        self._blocked = True  # what is sent stays in memory
        self._blockedBytes = 0
        self._holds = 0
        self._lastUse = 0.0
        self._reason = ""
        self._idleTimer: Timer | None = None
        self._unfinishedTimer: Timer | None = None
        self._flushTimer: Timer | None = None

    # IFlow.

    @property
    def sentBy(self) -> str:
        # Fixed when first asked for, so that Via, Contact and the check of responses agree.
        if self._sentBy is None:
            self._sentBy = self._findSentBy()
        return self._sentBy

    def _findSentBy(self) -> str:
        local: Any = None if self.transport is None else self.transport.getHost()
        listener = self._listener
        host: str | None = self._layer.advertised
        if not host and listener is not None and listener.interface not in ("", "::"):
            host = listener.interface
        if not host:
            host = getattr(local, "host", None) or self._layer.addresses.to(self.remote[0])
        if listener is not None:
            return sentByText(host, listener.port)
        # Nobody can connect to us; responses come back over this connection.
        return sentByText(host, getattr(local, "port", None))

    def wrote(self, host: str, port: int | None) -> bool:
        """Whether the Via of a response is the one that requests over this connection carry."""
        return formatHost(host, port) == self.sentBy.lower()

    def send(self, data: bytes) -> bool:
        if not self.isOpen:
            return False
        if self._blocked:
            if self._blockedBytes + len(data) > self._limits.sendBuffer:
                if self.transport is not None:
                    self.drop("the peer does not read")
                return False
            self._blockedBytes += len(data)
        self._lastUse = self._layer.timers.now()
        if self.transport is None:
            self._waiting.append(data)
        else:
            self.transport.write(data)
        self._layer.counters.sent += 1
        if self._layer.observer is not None:
            self._layer.observeSent(data, self)
        return True

    def hold(self) -> None:
        self._holds += 1

    def release(self) -> None:
        self._holds -= 1
        self._lastUse = self._layer.timers.now()

    # IPushProducer: how Twisted tells that the peer does not read, and that it does again.

    def pauseProducing(self) -> None:
        """The transport's buffer is full; told again with each write while it is."""
        if not self._blocked:
            self._blocked = True
            self._blockedBytes = 0

    def resumeProducing(self) -> None:
        """The transport's buffer is empty again."""
        self._blocked = False

    def stopProducing(self) -> None:
        """The connection is gone; L{connectionLost} tells."""

    # The connection.

    def connect(self, factory: IProtocolFactory) -> None:
        """Open the connection; what is sent meanwhile waits."""
        self._connector = self._layer.reactor.connectTCP(*self.remote, factory, timeout=self._limits.connectTimeout)

    def connectionFailed(self, reason: str) -> None:
        """It could not be opened."""
        self.isOpen = False
        self._connections.ended(self, TransportError(f"{formatHost(*self.remote)}: {self._reason or reason}"))

    def connectionMade(self) -> None:
        transport: Any = self.transport
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
        transport.registerProducer(self, True)
        self._blocked = False
        if self._waiting:
            transport.write(b"".join(self._waiting))
            self._waiting.clear()
        self._lastUse = self._layer.timers.now()
        self._idleTimer = self._layer.timers.start(self._limits.idleTimeout, self._idle)
        self._connections.opened(self)

    def _idle(self, _: object) -> None:
        timers = self._layer.timers
        since = timers.now() if self._holds > 0 else self._lastUse
        deadline = since + self._limits.idleTimeout
        if deadline > timers.now() + _CLOSE:
            self._idleTimer = timers.at(deadline, self._idle)
        else:
            self.close("nobody used the connection")

    def dataReceived(self, data: bytes) -> None:
        if not self.isOpen:
            return
        self._lastUse = self._layer.timers.now()
        found = self._framer.feed(data)
        self._watchUnfinished(bool(found))
        for item in found:
            if not self.isOpen:
                return
            if isinstance(item, KeepAlive):
                if item is KeepAlive.PING:
                    self._pong()
                continue
            self._layer.streamReceived(item, self)
            if isinstance(item, ParseError) and item.fatal:
                self.close(f"the position in the stream is lost: {item}")

    def _watchUnfinished(self, completed: bool) -> None:
        unfinished = self._framer.pending
        if self._unfinishedTimer is not None and completed:
            self._unfinishedTimer.cancel()
            self._unfinishedTimer = None
        if unfinished and self._unfinishedTimer is None:
            self._unfinishedTimer = self._layer.timers.start(
                self._limits.unfinishedTimeout, self.drop, "a message was not finished in time"
            )
        if unfinished != self.unfinished:
            self._connections.noteUnfinished(self, unfinished)

    def _pong(self) -> None:
        """RFC 5626 section 3.5.1: a ping is answered at once."""
        if self._blocked:
            self._blockedBytes += 2
            if self._blockedBytes > self._limits.sendBuffer:
                self.drop("the peer does not read")
                return
        assert self.transport is not None
        self.transport.write(b"\r\n")

    def close(self, reason: str) -> None:
        """Write out what is left, for a few seconds at most, and end."""
        if not self.isOpen:
            return
        self._settle(reason)
        if self.transport is None:
            assert self._connector is not None
            self._connector.disconnect()
            return
        transport: Any = self.transport
        transport.unregisterProducer()
        self._flushTimer = self._layer.timers.start(_FLUSH, self._abort)
        transport.loseConnection()

    def drop(self, reason: str) -> None:
        """End now, for what the peer does."""
        if self.isOpen:
            self._settle(reason)
            self._layer.counters.droppedConnections += 1
            self._abort(None)

    def _abort(self, _: object) -> None:
        transport: Any = self.transport
        transport.abortConnection()

    def _settle(self, reason: str) -> None:
        self.isOpen = False
        self._reason = self._reason or reason
        for timer in (self._idleTimer, self._unfinishedTimer, self._flushTimer):
            if timer is not None:
                timer.cancel()
        self._connections.noteUnfinished(self, 0)
        self._framer = StreamFramer()  # forget the bytes

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        clean = isinstance(reason.value, ConnectionDone)
        self._settle("closed by the peer" if clean else reason.getErrorMessage())
        self._connections.ended(self, TransportError(f"{formatHost(*self.remote)}: {self._reason}"))
