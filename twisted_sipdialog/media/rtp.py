"""
RTP packets (RFC 3550 section 5.1), and giving received ones a stream of our own.  Pure.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

_HEADER: Final = struct.Struct("!BBHII")
#: Packets this far behind the newest are late or doubled; further, the sender began anew (RFC 3550 appendix A.1).
MAX_MISORDER: Final = 100
#: What a timestamp advances where the received ones do not tell: 20 ms at 8000 Hz.
FRAME: Final = 160


class RtpPacket(NamedTuple):
    """
    The fields of a packet.  C{payload} is without padding; contributing sources and header extension are left out.
    """

    payloadType: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes

    def toBytes(self) -> bytes:
        """The packet: version 2, nothing optional."""
        kind = self.payloadType | (0x80 if self.marker else 0)
        return _HEADER.pack(0x80, kind, self.sequence, self.timestamp, self.ssrc) + self.payload


def parseRtp(data: bytes) -> RtpPacket | None:
    """
    Read a packet; None when it is none, or RTCP, which shares the port at times (RFC 5761 section 4).
    """
    if len(data) < 12:
        return None
    flags, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if flags >> 6 != 2 or 192 <= kind <= 223:
        return None
    start, stop = 12 + 4 * (flags & 0x0F), len(data)
    if flags & 0x10:
        if stop < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if flags & 0x20:
        # The last byte counts the padding, itself included.
        if not data[-1]:
            return None
        stop -= data[-1]
    if start > stop:
        return None
    return RtpPacket(kind & 0x7F, kind > 0x7F, sequence, timestamp, ssrc, data[start:stop])


class Relabel:
    """
    Makes received packets a stream of our own: our SSRC, our sequence numbers without gaps,
    and timestamps that advance as the received ones do, through a change of the sender's stream too.

    @ivar ssrc: ours.
    """

    __slots__ = ("_expected", "_highest", "_newest", "_offset", "_sequence", "_source", "_timestamp", "ssrc")

    def __init__(self, ssrc: int, sequence: int, timestamp: int) -> None:
        self.ssrc = ssrc
        self._sequence = sequence  # of the next packet
        self._timestamp = timestamp  # highest that went out
        self._source: int | None = None
        self._highest = 0  # sequence number received
        self._newest = 0  # timestamp received
        self._offset = 0  # from received to sent timestamps
        self._expected: int | None = None  # sequence number that proves that the sender began anew

    def relabel(self, packet: RtpPacket, payloadType: int, isEvent: bool = False) -> RtpPacket | None:
        """
        The packet as ours; None when it comes late or twice.

        @param isEvent: an RFC 4733 event, whose timestamp is that of its beginning and may lie behind the audio's.
        """
        anew = packet.ssrc != self._source
        if not anew:
            ahead = (packet.sequence - self._highest) & 0xFFFF
            if not ahead or ahead >= 0x10000 - MAX_MISORDER:
                return None
            if ahead >= 0x8000 and packet.sequence != self._expected:
                self._expected = (packet.sequence + 1) & 0xFFFF
                return None
            behind = (packet.timestamp - self._newest) & 0xFFFFFFFF >= 0x80000000
            anew = ahead >= 0x8000 or (behind and not isEvent)
        if anew:
            self._source = packet.ssrc
            self._offset = self._timestamp + FRAME - packet.timestamp
        self._highest, self._expected = packet.sequence, None
        timestamp = (packet.timestamp + self._offset) & 0xFFFFFFFF
        if anew or (packet.timestamp - self._newest) & 0xFFFFFFFF < 0x80000000:
            self._newest, self._timestamp = packet.timestamp, timestamp
        sequence, self._sequence = self._sequence, (self._sequence + 1) & 0xFFFF
        return RtpPacket(payloadType, packet.marker or anew, sequence, timestamp, self.ssrc, packet.payload)
