"""
A network of fakes: a reactor on a virtual clock whose ports and connections are objects a test can look at.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, UserError
from twisted.internet.interfaces import IHostnameResolver, IReactorTCP, ITCPTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.configuration import Configuration
from twisted_sipdialog.timers import TimerSet
from twisted_sipdialog.transport.layer import TransportLayer

LOCAL = "192.0.2.1"
PEER = "198.51.100.7"


def address(protocol: str, host: str, port: int) -> IPv4Address | IPv6Address:
    return (IPv6Address if ":" in host else IPv4Address)(protocol, host, port)


class FakePort:
    """A listening port; as a UDP transport it keeps what is written."""

    def __init__(self, protocol: str, host: str, port: int, owner: Any) -> None:
        self.address = address(protocol, host, port)
        self.owner = owner
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.error: Exception | None = None
        self.open = True
        self.closing: Deferred[None] | None = None

    def getHost(self) -> Any:
        return self.address

    def write(self, data: bytes, to: tuple[str, int]) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((data, to))

    def stopListening(self) -> Deferred[None] | None:
        self.open = False
        self.owner.doStop()
        return self.closing


@implementer(ITCPTransport)
class FakeStream(StringTransport):
    """A connection whose peer the test plays; C{reads} is whether that peer takes what is sent."""

    def __init__(self, local: tuple[str, int], remote: tuple[str, int]) -> None:
        super().__init__(address("TCP", *local), address("TCP", *remote), lenient=True)
        self.noDelay = False
        self.aborted = False
        self.reads = True

    def write(self, data: bytes) -> None:
        super().write(data)
        # As Twisted's does: with each write while the buffer is full.
        if not self.reads and self.producer is not None and len(self.value()) > 65536:
            self.producer.pauseProducing()

    def abortConnection(self) -> None:
        self.aborted = True

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.noDelay = enabled

    def take(self) -> bytes:
        data = self.value()
        self.clear()
        return data


class FakeConnector:
    def __init__(self, reactor: FakeReactor, host: str, port: int, factory: Any, timeout: float) -> None:
        self.reactor = reactor
        self.remote = (host, port)
        self.factory = factory
        self.timeout = timeout

    def succeed(self, localPort: int = 40000) -> FakeStream:
        protocol = self.factory.buildProtocol(address("TCP", *self.remote))
        stream = FakeStream((LOCAL, localPort), self.remote)
        protocol.makeConnection(stream)
        return stream

    def fail(self, error: Exception) -> None:
        self.factory.clientConnectionFailed(self, Failure(error))

    def disconnect(self) -> None:
        self.fail(UserError())


@implementer(IHostnameResolver)
class FakeResolver:
    """Keeps look-ups until the test answers them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.error: Exception | None = None

    def resolveHostName(self, receiver: Any, hostName: str, portNumber: int = 0, *rest: Any, **named: Any) -> Any:
        if self.error is not None:
            raise self.error
        receiver.resolutionBegan(self)
        self.asked.append((hostName, receiver))

    def answer(self, *hosts: str) -> None:
        _, receiver = self.asked.pop(0)
        for host in hosts:
            receiver.addressResolved(address("TCP", host, 0))
        receiver.resolutionComplete()


@implementer(IReactorTCP)
class FakeReactor(Clock):
    def __init__(self) -> None:
        super().__init__()
        self.udp: list[FakePort] = []
        self.tcp: list[FakePort] = []
        self.connectors: list[FakeConnector] = []
        self.listenErrors: dict[int, Exception] = {}
        self.nameResolver = FakeResolver()
        self.maxPacketSize = 0
        self._free = 50000

    def _port(self, kind: str, port: int, interface: str, owner: Any) -> FakePort:
        if port in self.listenErrors:
            raise self.listenErrors[port]
        if port == 0:
            self._free += 1
            port = self._free
        return FakePort(kind, interface or "0.0.0.0", port, owner)

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> FakePort:
        fake = self._port("UDP", port, interface, protocol)
        self.maxPacketSize = maxPacketSize
        self.udp.append(fake)
        protocol.makeConnection(fake)
        return fake

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> FakePort:
        fake = self._port("TCP", port, interface, factory)
        self.tcp.append(fake)
        return fake

    def connectTCP(self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None) -> Any:
        connector = FakeConnector(self, host, port, factory, timeout)
        self.connectors.append(connector)
        return connector


class User:
    """An ITransportUser that remembers."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.responses: list[Any] = []
        self.lost: list[Any] = []
        self.raises = False

    def requestReceived(self, request: Any, flow: Any) -> None:
        self.requests.append((request, flow))
        if self.raises:
            raise RuntimeError("the user above")

    def responseReceived(self, response: Any, flow: Any) -> None:
        self.responses.append((response, flow))
        if self.raises:
            raise RuntimeError("the user above")

    def flowLost(self, flow: Any, reason: Exception) -> None:
        self.lost.append((flow, reason))
        if self.raises:
            raise RuntimeError("the user above")


class Network:
    """One transport layer with everything around it."""

    def __init__(self, *listen: str, **settings: Any) -> None:
        self.reactor = FakeReactor()
        self.timers = TimerSet(self.reactor)  # type: ignore[arg-type]
        self.user = User()
        self.routes: dict[str, str] = {}
        self.routesAsked: list[str] = []
        observer = settings.pop("observer", None)
        configuration = Configuration(aor="sip:we@example.com", listen=listen or ("udp:5060", "tcp:5060"), **settings)
        self.layer = TransportLayer(self.reactor, configuration, self.timers, self.user, observer, self._route)
        self.counters = self.layer.counters

    def _route(self, host: str) -> str:
        self.routesAsked.append(host)
        if host in self.routes:
            if not self.routes[host]:
                raise OSError("no route")
            return self.routes[host]
        return "2001:db8::1" if ":" in host else LOCAL

    def listen(self) -> Network:
        failures: list[Any] = []
        self.layer.listen().addErrback(failures.append)
        if failures:
            failures[0].raiseException()
        return self

    def datagram(self, data: bytes, host: str = PEER, port: int = 5060, index: int = 0) -> None:
        self.reactor.udp[index].owner.datagramReceived(data, (host, port))

    @property
    def sent(self) -> list[tuple[bytes, tuple[str, int]]]:
        return self.reactor.udp[0].sent

    def accept(self, host: str = PEER, port: int = 40001, index: int = 0) -> tuple[Any, FakeStream] | None:
        listening = self.reactor.tcp[index]
        protocol = listening.owner.buildProtocol(address("TCP", host, port))
        if protocol is None:
            return None
        stream = FakeStream((LOCAL, listening.address.port), (host, port))
        protocol.makeConnection(stream)
        return protocol, stream


def lose(flow: Any, error: Exception | None = None) -> None:
    """The connection of C{flow} is gone."""
    flow.connectionLost(Failure(error or ConnectionDone()))


def request(
    via: str = f"SIP/2.0/UDP {PEER}:5060;branch=z9hG4bK1",
    method: str = "OPTIONS",
    body: bytes = b"",
    callId: str = "1@peer",
    length: str | None = None,
) -> bytes:
    return (
        f"{method} sip:we@example.com SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\n"
        f"From: <sip:peer@example.net>;tag=a\r\nTo: <sip:we@example.com>\r\nCall-ID: {callId}\r\nCSeq: 1 {method}\r\n"
        f"Contact: <sip:peer@{PEER}>\r\nUser-Agent: the peer's telephone\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    ).encode() + body


def response(via: str, status: str = "200 OK", method: str = "OPTIONS") -> bytes:
    return (
        f"SIP/2.0 {status}\r\nVia: {via}\r\nFrom: <sip:we@example.com>;tag=a\r\nTo: <sip:peer@example.net>;tag=b\r\n"
        f"Call-ID: 1@we\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    ).encode()
