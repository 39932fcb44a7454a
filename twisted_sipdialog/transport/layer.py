"""
The transport layer (RFC 3261 section 18, RFC 3581): all ports and connections of one user agent.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from zope.interface import implementer

from twisted_sipdialog._seams import ITransport
from twisted_sipdialog.configuration import Configuration
from twisted_sipdialog.errors import ConfigurationError, ListenError, ParseError, TransportError
from twisted_sipdialog.message.parser import parseMessage
from twisted_sipdialog.message.request import Request
from twisted_sipdialog.message.response import Response
from twisted_sipdialog.timers import TimerSet
from twisted_sipdialog.transport.connections import Connections, StreamListener
from twisted_sipdialog.transport.listen import Listen, LocalAddresses, parseListen, routeTo
from twisted_sipdialog.transport.locate import Destination
from twisted_sipdialog.transport.stream import StreamFlow
from twisted_sipdialog.transport.udp import MAX_PACKET, UdpFlow, UdpPort
from twisted_sipdialog.transport.via import sourceOf, stamped

_log = Logger()

#: Bytes that the refusal of a malformed datagram may have more than it: nothing that pays for forging a source.
_REFUSAL_GAIN = 128


class Counters:
    """
    What passed, and what did not.

    @ivar received: datagrams, and messages over streams.
    @ivar sent: messages handed to the system.
    @ivar unsent: datagrams the system refused.
    @ivar malformed: what was no message.
    @ivar refused: of those, how many were answered.
    @ivar stray: responses whose topmost Via is none of ours.
    @ivar refusedConnections: connections beyond a limit.
    @ivar droppedConnections: connections ended for what their peer did or failed to do.
    """

    __slots__ = (
        "droppedConnections",
        "malformed",
        "received",
        "refused",
        "refusedConnections",
        "sent",
        "stray",
        "unsent",
    )

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)

    received: int
    sent: int
    unsent: int
    malformed: int
    refused: int
    stray: int
    refusedConnections: int
    droppedConnections: int


@implementer(ITransport)
class TransportLayer:
    """
    @ivar user: the L{ITransportUser} above.
    @ivar observer: an L{IMessageObserver}, or None.
    @ivar counters: L{Counters}.
    @ivar addresses: L{LocalAddresses}, our addresses as peers see them.
    @ivar advertised: the host to put into Via instead of them, or None.
    """

    def __init__(
        self,
        reactor: Any,
        configuration: Configuration,
        timers: TimerSet,
        user: Any,
        observer: Any = None,
        route: Callable[[str], str] = routeTo,
    ) -> None:
        """
        @param route: the local address towards a remote one; may raise C{OSError}.
        @raise ConfigurationError: a C{listen} entry that cannot be understood.
        """
        self.reactor = reactor
        self.configuration = configuration
        self.timers = timers
        self.user = user
        self.observer = observer
        self.counters = Counters()
        self.addresses = LocalAddresses(timers, route)
        self.advertised = configuration.advertise and configuration.advertise.strip("[]")
        self.connections = Connections(self)
        self._limits = configuration.messageLimits
        self._listens = [(listen, self._endpoint(listen)) for listen in map(parseListen, configuration.listen)]
        self._ports: list[tuple[IListeningPort, UdpPort | StreamListener]] = []
        self._ourPorts: set[int] = set()
        self._closed = False

    def _endpoint(self, listen: Listen) -> Any:
        if listen.protocol == "UDP":
            return None
        try:
            return serverFromString(self.reactor, listen.description)
        except Exception as e:
            # A plugin's parser may raise anything about what it was given.
            raise ConfigurationError("listen", listen.description, str(e)) from None

    # Opening and closing.

    def listen(self) -> Deferred[None]:
        """
        Open every port.  If one cannot be opened, the others are closed again.

        @return: fails with L{ListenError}.
        """
        return Deferred.fromCoroutine(self._listen())

    async def _listen(self) -> None:
        for listen, endpoint in self._listens:
            try:
                await self._open(listen, endpoint)
                if self._closed:
                    raise ListenError(listen.description, "closed meanwhile")
            except Exception as e:
                self.close()  # takes a turn of the reactor, which nobody has to wait for to be told why
                if isinstance(e, ListenError):
                    raise
                raise ListenError(listen.description, _reason(e)) from None

    async def _open(self, listen: Listen, endpoint: Any) -> None:
        protocol: UdpPort | StreamListener
        if listen.protocol == "UDP":
            protocol = UdpPort(self, listen.interface)
            port = self.reactor.listenUDP(listen.port, protocol, interface=listen.interface, maxPacketSize=MAX_PACKET)
        else:
            protocol = StreamListener(self.connections, listen.interface)
            port = await endpoint.listen(protocol)
            protocol.opened(port.getHost())
        self._ports.append((port, protocol))
        self._ourPorts.add(protocol.port)

    def listening(self) -> list[tuple[str, int, str]]:
        """What is open: (host, port, protocol), with the port that C{0} became."""
        addresses = [(port.getHost(), protocol) for port, protocol in self._ports]
        return [
            (getattr(address, "host", ""), protocol.port, "UDP" if isinstance(protocol, UdpPort) else "TCP")
            for address, protocol in addresses
        ]

    def close(self) -> Deferred[None]:
        """
        Close every port and connection; what was sent is still written out.

        @return: fires when all are closed; never fails.
        """
        self._closed = True
        ports, self._ports = self._ports, []
        closing: list[Deferred[Any]] = [maybeDeferred(port.stopListening).addErrback(_logged) for port, _ in ports]
        closing.append(self.connections.close())
        return gatherResults(closing).addCallback(lambda _: None)

    # Downward.

    def flowTo(self, destination: Destination) -> UdpFlow | StreamFlow:
        if self._closed:
            raise TransportError("the transport is closed")
        if destination.protocol == "UDP":
            port = self.listenerFor(UdpPort, destination.host)
            if port is None:
                raise TransportError(f"there is no UDP port for {destination.host}")
            return UdpFlow(port, (destination.host, destination.port))
        if destination.protocol == "TCP":
            return self.connections.to(destination.host, destination.port)
        raise TransportError(f"there is no transport for {destination.protocol}")

    def sendResponse(self, data: bytes, flow: Any, via: str | None) -> bool:
        if not flow.reliable:
            # RFC 3261 section 18.2.2 would obey maddr; a forged one would make us a weapon, and nobody uses it.
            return bool(flow.respond(data))
        if flow.send(data):
            return True
        if via is None:
            return False
        source = sourceOf(via)
        if source is None:
            return False
        try:
            return self.flowTo(Destination(flow.protocol, *source)).send(data)
        except TransportError:
            return False

    def protocols(self) -> tuple[str, ...]:
        """What we can send requests by, preferred first."""
        udp = any(isinstance(protocol, UdpPort) for _, protocol in self._ports)
        return ("UDP", "TCP") if udp else ("TCP",)

    def reaches(self, host: str) -> bool:
        """Whether we have a port of the address family of C{host}."""
        return any((":" in protocol.interface) == (":" in host) for _, protocol in self._ports)

    def listenerFor(self, kind: type[Any], host: str) -> Any:
        """
        Our port of that kind through which C{host} knows us, None when there is none of its family.
        """
        family = ":" in host
        found = [p for _, p in self._ports if isinstance(p, kind) and (":" in p.interface) == family and p.port]
        if len(found) < 2:
            return found[0] if found else None
        # The one bound to the address we send from, else one bound to all.
        local = self.addresses.to(host)
        ranks = {local: 0, "": 1, "::": 1}
        return min(found, key=lambda p: ranks.get(p.interface, 2))

    # Upward.

    def datagramReceived(self, data: bytes, flow: UdpFlow) -> None:
        """One datagram that is no keep-alive.  Never raises."""
        self.counters.received += 1
        try:
            if self.observer is not None:
                self.observer.messageReceived(data, flow)
            try:
                message = parseMessage(data, self._limits)
            except ParseError as error:
                self._refuse(error, flow, len(data) + _REFUSAL_GAIN)
                return
            self._messageReceived(message, flow)
        except Exception:
            _log.failure("a datagram from {remote} could not be taken", remote=flow.remote)

    def streamReceived(self, message: Request | Response | ParseError, flow: StreamFlow) -> None:
        """One message, or what should have been one, from a connection.  Never raises."""
        self.counters.received += 1
        try:
            if isinstance(message, ParseError):
                self._refuse(message, flow)
                return
            if self.observer is not None:
                self.observer.messageReceived(message.toBytes(), flow)
            self._messageReceived(message, flow)
        except Exception:
            _log.failure("a message from {remote} could not be taken", remote=flow.remote)

    def _messageReceived(self, message: Request | Response, flow: Any) -> None:
        via = message.via
        if type(message) is Request:
            self._noteSource(message, flow)
            self.user.requestReceived(message, flow)
        elif (via.port or 5060) in self._ourPorts or (flow.reliable and flow.wrote(via.host, via.port)):
            self.user.responseReceived(message, flow)
        else:
            # RFC 3261 section 18.1.2: not for us.
            self.counters.stray += 1

    def _noteSource(self, request: Request, flow: Any) -> None:
        """RFC 3261 section 18.2.1, RFC 3581 section 4: write into the Via where the request really came from."""
        via = request.via
        host, port = flow.remote
        parameters = via.parameters
        if via.host != host or "rport" in parameters or "received" in parameters:
            request.stampVia(stamped(request.viaText, host, port))
        if not flow.reliable and via.port != port and "rport" not in parameters:
            flow.replyTo = (host, via.port or 5060)  # section 18.2.2

    def _refuse(self, error: ParseError, flow: Any, limit: int | None = None) -> None:
        """
        Answer a malformed request, without state, when it can be answered (RFC 3261 section 8.2.7).

        @param limit: bytes the answer may have, None for any number.
        """
        self.counters.malformed += 1
        request = error.request
        if request is None or error.statusCode is None:
            return
        self._noteSource(request, flow)
        answer = request.response(error.statusCode, toTag=request.statelessTag).toBytes()
        if limit is None or len(answer) <= limit:
            self.counters.refused += 1
            self.sendResponse(answer, flow, None)

    def flowLost(self, flow: StreamFlow, reason: TransportError) -> None:
        """A connection ended, or could not be made."""
        try:
            self.user.flowLost(flow, reason)
        except Exception:
            _log.failure("the loss of {flow} could not be told", flow=flow)

    def observeSent(self, data: bytes, flow: Any) -> None:
        """C{data} was handed to C{flow}."""
        try:
            self.observer.messageSent(data, flow)
        except Exception:
            _log.failure("the observer raised")


def _reason(error: Exception) -> str:
    if isinstance(error, CannotListenError):
        system = error.socketError
        if getattr(system, "errno", None) == errno.EADDRINUSE:
            return "port in use"
        return str(getattr(system, "strerror", None) or system)
    return str(error)


def _logged(failure: Any) -> None:
    _log.failure("a port could not be closed", failure=failure)
