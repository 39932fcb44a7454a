"""
Telephone events in RTP (RFC 4733): packets into digits.  Pure.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from twisted_sipdialog.media.rtp import RtpPacket

#: The digits by their event codes, from 0 on (RFC 4733 section 3.2); what comes after them is no digit.
DIGITS: Final = "0123456789*#ABCD"
#: The longest that one event, or one segment of a longer one, can last, in units of its timestamp.
LONGEST: Final = 0xFFFF
#: How many events are remembered after they were told, each for the packets of it that are still under way.
_REMEMBERED: Final = 16


class ToneReader:
    """
    Tells each event of a stream once, whatever was lost, doubled or came late.

    An event is known by its sender and the time it began, which all of its packets have: SSRC and timestamp.
    """

    __slots__ = ("_before", "_digit", "_key", "_length", "_rate", "_told")

    def __init__(self) -> None:
        self._told: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._key: tuple[int, int] | None = None  # of the event that goes on
        self._digit = ""
        self._rate = 1
        self._before = 0  # length of its earlier segments
        self._length = 0  # of this one, as last heard

    def read(self, packet: RtpPacket, rate: int) -> list[tuple[str, float]]:
        """
        The digits that are over with C{packet}, each with its duration in seconds: the one that ends with it, and
        before that another whose end was lost.

        Reports of further events in the same packet (section 2.5.1.5) are not read.

        @param rate: units of time in a second.
        """
        payload, key = packet.payload, (packet.ssrc, packet.timestamp)
        if len(payload) < 4 or payload[0] >= len(DIGITS) or key in self._told:
            return []
        length = int.from_bytes(payload[2:4], "big")
        if not length:
            # No time at all is for states, which no digit is (section 2.3.5).
            return []
        digit, over = DIGITS[payload[0]], []
        if key != self._key:
            if not self._continues(key, digit, packet.marker):
                over += self._end()
                self._before = 0
            self._key, self._digit, self._rate, self._length = key, digit, rate, 0
        # The longest heard: packets may overtake each other.
        self._length = max(self._length, length)
        if payload[1] & 0x80:
            over += self._end()
        return over

    def _continues(self, key: tuple[int, int], digit: str, marker: bool) -> bool:
        """
        What lasts longer than one report can say goes on as a new segment, which begins where the last one ended
        and is not marked (section 2.5.1.3).
        """
        if self._key is None or marker or digit != self._digit:
            return False
        ssrc, timestamp = self._key
        if key != (ssrc, (timestamp + LONGEST) & 0xFFFFFFFF):
            return False
        self._told.append(self._key)
        self._before += LONGEST
        return True

    def _end(self) -> list[tuple[str, float]]:
        if self._key is None:
            return []
        self._told.append(self._key)
        self._key = None
        return [(self._digit, (self._before + self._length) / self._rate)]
