"""
One RTP port, and the streams that come in at it: one, or those of a call that forked.
"""

from __future__ import annotations

from operator import itemgetter

from twisted.internet.protocol import DatagramProtocol

from twisted_sipdialog.media.echo_stream import EchoStream
from twisted_sipdialog.media.ports import RtpPorts, canonical


class _Deaf(DatagramProtocol):
    """Hears, and says nothing."""

    noisy = False


class EchoPort(DatagramProtocol):
    """
    An offer names one port, and whoever is reached by it answers to that one (RFC 3261 section 13.2.2.4): their
    packets are told apart by where they come from.

    It is open from the start until the last stream has left.

    @ivar number: of the port; RTCP has the next.
    """

    noisy = False

    def __init__(self, ports: RtpPorts, host: str) -> None:
        """
        @raise TransportError: no port is free (503).
        """
        self._streams: list[EchoStream] = []
        self._left: set[tuple[str | None, int]] = set()
        # RTCP is received, as the peer expects, and means nothing to an echo.
        self._pair = ports.open(host, self, _Deaf())
        self.number = self._pair.number
        self.isOpen = True

    def join(self, stream: EchoStream) -> None:
        """Let C{stream} send and receive here."""
        self._streams.append(stream)
        stream.transport = self.transport

    def leave(self, stream: EchoStream) -> None:
        """It does no more; without any, the ports are given back.  Repeating it does nothing."""
        if stream in self._streams:
            self._streams.remove(stream)
            self._left |= stream.places
            stream.transport = None
        if not self._streams:
            self.isOpen = False
            self._pair.close()

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """A packet from anybody: to the stream that has the best claim to it, the oldest of equals."""
        streams = self._streams
        if len(streams) == 1 and not self._left:
            streams[0].datagramReceived(datagram, addr)
            return
        claim, stream = max(((stream.claim(addr), stream) for stream in streams), key=itemgetter(0), default=(0, None))
        if stream is None:
            return
        if claim < 2 and (canonical(addr[0]), addr[1]) in self._left:
            # The peer of a fork that is over does not know it yet, and is nobody else's for that.
            stream.dropped["source"] += 1
        else:
            stream.datagramReceived(datagram, addr)
