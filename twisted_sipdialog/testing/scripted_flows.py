"""
How a L{ScriptedPeer} sends and receives: one UDP port, and connections.
"""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.interfaces import IConnector, IReactorTCP
from twisted.internet.protocol import ClientFactory, DatagramProtocol, Factory, Protocol
from twisted.python.failure import Failure

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import KeepAlive, Request, Response, StreamFramer, parseMessage

if TYPE_CHECKING:
    from twisted_sipdialog.testing.scripted import ScriptedPeer


@attrs.frozen(eq=False)
class Flow:
    """
    The way to or from another party.

    @ivar protocol: C{'UDP'} or C{'TCP'}.
    @ivar remote: its address and port.
    @ivar stream: the connection a message came by.
    """

    protocol: str
    remote: tuple[str, int]
    stream: PeerStream | None = None


class PeerDatagrams(DatagramProtocol):
    """The UDP port of a peer."""

    noisy = False

    def __init__(self, peer: ScriptedPeer) -> None:
        self._peer = peer

    def write(self, data: bytes, remote: tuple[str, int]) -> None:
        """Send one datagram."""
        assert self.transport is not None
        self.transport.write(data, remote)

    def datagramReceived(self, data: bytes, address: tuple[str, int]) -> None:
        self._peer.raw.append(data)
        if not data.strip(b"\r\n\0"):
            return
        try:
            message = parseMessage(data)
        except ParseError as e:
            raise AssertionError(f"{self._peer!r} got what it cannot read: {e}\n{data!r}") from e
        self._peer.got(message, Flow("UDP", address))


class PeerStream(Protocol):
    """
    One connection of a peer, opened by either side.

    @ivar remote: the address and port at its other end.
    """

    def __init__(self, peer: ScriptedPeer, remote: tuple[str, int]) -> None:
        self._peer = peer
        self.remote = remote
        self._framer = StreamFramer()
        self._early = bytearray()  # given before the connection was there

    def connectionMade(self) -> None:
        early, self._early = bytes(self._early), bytearray()
        self.write(early)

    def write(self, data: bytes) -> None:
        """Send bytes, when the connection is there."""
        if self.connected:
            assert self.transport is not None
            self.transport.write(data)
        else:
            self._early += data

    def close(self) -> None:
        """Close it in order."""
        if self.transport is not None:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        self._peer.raw.append(data)
        for found in self._framer.feed(data):
            if isinstance(found, ParseError):
                raise AssertionError(f"{self._peer!r} got what it cannot read: {found}\n{data!r}") from found
            if not isinstance(found, KeepAlive):
                self._peer.got(found, Flow("TCP", self.remote, self))

    def connectionLost(self, reason: Failure = Failure(Exception())) -> None:  # noqa: B008
        self._peer.streams.remove(self)


class _Accepting(Factory):
    noisy = False

    def __init__(self, peer: ScriptedPeer) -> None:
        self._peer = peer

    def buildProtocol(self, addr: Any) -> PeerStream:
        stream = PeerStream(self._peer, (addr.host, addr.port))
        self._peer.streams.append(stream)
        return stream


class _Connecting(ClientFactory):
    noisy = False

    def __init__(self, stream: PeerStream) -> None:
        self._stream = stream

    def buildProtocol(self, addr: object) -> PeerStream:
        return self._stream

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        self._stream.connectionLost(reason)
        raise AssertionError(f"no connection to {self._stream.remote}: {reason.value!r}")


def acceptFor(peer: ScriptedPeer) -> Factory:
    """The factory of the connections that others open to C{peer}."""
    return _Accepting(peer)


def connectFor(peer: ScriptedPeer, reactor: IReactorTCP, remote: tuple[str, int]) -> PeerStream:
    """A connection that C{peer} opens."""
    stream = PeerStream(peer, remote)
    peer.streams.append(stream)
    reactor.connectTCP(remote[0], remote[1], _Connecting(stream))
    return stream


def fromText(text: str) -> bytes:
    """The bytes of a message written down in a test: see L{ScriptedPeer.send}."""
    head, _, body = dedent(text).removeprefix("\n").replace("\n", "\r\n").partition("\r\n\r\n")
    data = body.encode("utf-8", "surrogateescape")
    head = head.rstrip("\r\n").replace("Content-Length: ...", f"Content-Length: {len(data)}")
    return f"{head}\r\n\r\n".encode("utf-8", "surrogateescape") + data


def written(message: Request | Response) -> bytes:
    """The message as its headers are now, the Content-Length too, however wrong."""
    text = f"{message.startLine}\r\n{message.headers.toText()}\r\n"
    return text.encode("utf-8", "surrogateescape") + message.body


def hostPort(address: tuple[str, int]) -> str:
    """C{host:port}, an IPv6 address in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
