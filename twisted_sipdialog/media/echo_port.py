"""
One RTP port, and the streams that come in at it: one, or those of a call that forked.
"""

from __future__ import annotations

from twisted.internet.protocol import DatagramProtocol

from twisted_sipdialog.media.echo_stream import EchoStream
from twisted_sipdialog.media.ports import RtpPorts


class EchoPort(DatagramProtocol):
    """
    An offer names one port, and whoever is reached by it answers to that one (RFC 3261 section 13.2.2.4): their
    packets are told apart by where they come from.

    It is open from the start until the last stream has left.

    @ivar number: of the port; RTCP has the next.
    """

    def __init__(self, ports: RtpPorts, host: str) -> None:
        """
        @raise TransportError: no port is free (503).
        """
        self._streams: list[EchoStream] = []
        # RTCP is received, as the peer expects, and means nothing to an echo.
        self._pair = ports.open(host, self, DatagramProtocol())
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
            stream.transport = None
        if not self._streams:
            self.isOpen = False
            self._pair.close()

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """A packet from anybody: to the stream that has the best claim to it, the oldest of equals."""
        streams = self._streams
        if len(streams) == 1:
            streams[0].datagramReceived(datagram, addr)
        elif streams:
            max(streams, key=lambda stream: stream.claim(addr)).datagramReceived(datagram, addr)
