"""
One RTP stream that gets back what it sends, and the rules that keep it from being turned on anybody else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import MessageLengthError
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

from twisted_sipdialog.media.ports import canonical, isOpen, isOurs, isUnicast
from twisted_sipdialog.media.rtp import Relabel, RtpPacket, parseRtp
from twisted_sipdialog.media.tones import ToneReader
from twisted_sipdialog.timers import Timer, TimerSet

_log = Logger()


@attrs.frozen
class EchoLimits:
    """
    What a stream may do, whatever arrives.

    @ivar packets: packets sent in a second.
    @ivar octets: bytes sent in a second (RTP header included).
    @ivar latchTime: seconds from the start in which the first sender becomes the peer, if it
        is not the address in the session description.
    @ivar silenceTimeout: seconds without a packet after which the stream ends.
    """

    packets: int = 100
    octets: int = 20_000
    latchTime: float = 1.0
    silenceTimeout: float = 60.0


@attrs.frozen
class Agreed:
    """
    What an offer and its answer say of the stream.

    @ivar remote: where the peer says it is: (host, port); None when it names no address one can compare.
    @ivar payloadTypes: those that may come in, with the peer's own name of each.
    @ivar events: those of them that are telephone events, with their clock rate in Hz.
    @ivar receives: the peer may send.
    @ivar sends: we may send.
    """

    remote: tuple[str, int] | None
    payloadTypes: Mapping[int, int]
    events: Mapping[int, int]
    receives: bool
    sends: bool


class _Rate:
    """So many a second, and as many at once."""

    __slots__ = ("_at", "_left", "_limit")

    def __init__(self, limit: int, now: float) -> None:
        self._limit = limit
        self._left = float(limit)
        self._at = now

    def allows(self, amount: int, now: float) -> bool:
        self._left = min(self._limit, self._left + (now - self._at) * self._limit)
        self._at = now
        return self._left >= amount

    def take(self, amount: int) -> None:
        self._left -= amount


class EchoStream(DatagramProtocol):
    """
    Sends back every packet that passes the rules, under our own SSRC.

    The rules: a negotiated payload type; from the address of the session description, or else the first sender
    within L{EchoLimits.latchTime}, and from then on from nobody else; not to a port of this process or an
    address of many; no more than L{EchoLimits} allows; never what we sent ourselves, which ends the stream.

    @ivar received: packets of the peer that passed, sent back or not.
    @ivar sent: packets sent back.
    @ivar dropped: reason -> packets not sent back.  C{stopped}: nothing agreed, or the stream has ended;
        C{malformed}: no RTP; C{payload}: a type not agreed; C{source}: not the peer; C{destination}: nowhere
        to send to; C{direction}: on hold; C{late}; C{rate}; C{reflection}; C{unsent}: the system refused.
    """

    def __init__(self, timers: TimerSet, limits: EchoLimits, randbits: Callable[[int], int]) -> None:
        self.received = 0
        self.sent = 0
        self.dropped: Counter[str] = Counter()
        self._timers = timers
        self._limits = limits
        self._relabel = Relabel(randbits(32), randbits(16), randbits(32))
        self._packets = _Rate(limits.packets, timers.now())
        self._octets = _Rate(limits.octets, timers.now())
        self._agreed: Agreed | None = None
        self._remote: tuple[str, int] | None = None  # as it was described last
        self._peer: tuple[str, int] | None = None  # as it stands in the datagrams
        self._peerIsOurs = False
        self._latchUntil = 0.0
        self._heard = 0.0
        self._silence: Timer | None = None
        self._ended = False
        self._silent = False
        self._waiting: list[Deferred[None]] = []
        self._tones = ToneReader()
        self._told: tuple[Callable[[str, float], Any], ...] = ()

    def follow(self, agreed: Agreed | None) -> None:
        """
        Go by this from now on; None: send nothing.  A peer that stays where it was, or gives
        no address for a while (hold), is not looked for again.
        """
        before, self._agreed = self._agreed, agreed
        if agreed is None or self._ended:
            self._stopWatching()
            return
        now = self._timers.now()
        if before is None or agreed.remote not in (None, self._remote):
            self._remote = agreed.remote
            self._peer = None
            self._latchUntil = now + self._limits.latchTime
        self._stopWatching()
        if agreed.receives:
            self._heard = now
            self._silence = self._timers.start(self._limits.silenceTimeout, self._checkSilence)

    def end(self) -> None:
        """Never send again."""
        self._ended = True
        self._told = ()
        self._stopWatching()
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    def whenSilent(self) -> Deferred[None]:
        """
        A fresh Deferred for each caller that fires with None when the peer, which may send,
        sent nothing for L{EchoLimits.silenceTimeout}, or when the stream L{end}s: who waits is not left waiting.
        """
        waiting: Deferred[None] = Deferred()
        if self._silent:
            waiting.callback(None)
        else:
            self._waiting.append(waiting)
        return waiting

    def tellTones(self, told: Callable[[str, float], Any]) -> None:
        """
        Call C{told(digit, seconds)} for each telephone event of the peer from now on, at its end
        (L{ToneReader}), until the stream L{end}s.  What it raises is logged.
        """
        if not self._ended:
            self._told += (told,)

    @property
    def places(self) -> set[tuple[str | None, int]]:
        """Where the peer is, by its description and by what came: (host, port) in the one spelling."""
        return {(canonical(place[0]), place[1]) for place in (self._remote, self._peer) if place is not None}

    def claim(self, source: tuple[str, int]) -> int:
        """
        How good a claim this stream has to what comes from C{source}, among several at one port: 3, it is where the
        peer said it is; 2, the peer was found there; 1, the peer may still be found there; 0, none.
        """
        if self._agreed is None or self._ended:
            return 0
        if self._remote is not None and self._remote == (canonical(source[0]), source[1]):
            return 3
        if self._peer is not None:
            return 2 if self._peer == source else 0
        return 1 if self._timers.now() < self._latchUntil else 0

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """A packet from anybody."""
        agreed = self._agreed
        if agreed is None or self._ended:
            self.dropped["stopped"] += 1
            return
        packet = self._take(datagram, addr, agreed)
        reason = packet if isinstance(packet, str) else self._echo(packet, addr, agreed)
        if reason is not None:
            self.dropped[reason] += 1
        if self._told and not isinstance(packet, str) and agreed.receives and packet.payloadType in agreed.events:
            self._tell(packet, agreed.events[packet.payloadType])

    def _take(self, datagram: bytes, source: tuple[str, int], agreed: Agreed) -> RtpPacket | str:
        """The packet if it is one of the peer's, or the reason why not."""
        packet = parseRtp(datagram)
        if packet is None:
            return "malformed"
        if packet.payloadType not in agreed.payloadTypes:
            return "payload"
        if source != self._peer:
            reason = self._meet(source, agreed)
            if reason is not None:
                return reason
        if packet.ssrc == self._relabel.ssrc:
            # Somebody sends us what we sent: without an end, if we went on.
            self.end()
            return "reflection"
        self._heard = self._timers.now()
        self.received += 1
        return packet

    def _echo(self, packet: RtpPacket, source: tuple[str, int], agreed: Agreed) -> str | None:
        """Send it back, or tell the reason why not."""
        if not (agreed.receives and agreed.sends):
            return "direction"
        if self._peerIsOurs and isOpen(source[1]):
            return "destination"
        now = self._heard
        if not (self._packets.allows(1, now) and self._octets.allows(12 + len(packet.payload), now)):
            return "rate"
        payloadType = agreed.payloadTypes[packet.payloadType]
        answer = self._relabel.relabel(packet, payloadType, packet.payloadType in agreed.events)
        if answer is None:
            return "late"
        self._packets.take(1)
        self._octets.take(12 + len(packet.payload))
        return self._send(answer.toBytes(), source)

    def _send(self, data: bytes, destination: tuple[str, int]) -> str | None:
        try:
            if self.transport is None:
                return "unsent"
            self.transport.write(data, destination)
        except (OSError, ValueError, MessageLengthError):
            return "unsent"
        self.sent += 1
        return None

    def _tell(self, packet: RtpPacket, rate: int) -> None:
        for digit, seconds in self._tones.read(packet, rate):
            for told in self._told:
                if self._ended:
                    return
                try:
                    told(digit, seconds)
                except Exception:
                    _log.failure("a tone could not be told")

    def _meet(self, source: tuple[str, int], agreed: Agreed) -> str | None:
        """Whether a new source may be the peer: it is from now on, or the reason why not."""
        if self._peer is not None:
            return "source"
        host, port = source
        if (canonical(host), port) != agreed.remote and self._timers.now() >= self._latchUntil:
            return "source"
        if not port or not isUnicast(host):
            return "destination"
        ours = isOurs(host)
        if ours and isOpen(port):
            return "destination"
        self._peer, self._peerIsOurs = source, ours
        return None

    def _checkSilence(self, _: object) -> None:
        now, deadline = self._timers.now(), self._heard + self._limits.silenceTimeout
        if now < deadline:
            self._silence = self._timers.at(deadline, self._checkSilence)
            return
        self._silent = True
        self.end()

    def _stopWatching(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
