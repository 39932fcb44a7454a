"""
An echo for callers: what they say comes back to them (PCMU, PCMA and telephone-event over RTP).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorUDP
from zope.interface import implementer

from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.interfaces import (
    IMediaWatch,
    ISessionDescription,
    ISessionDescriptionFactory,
    IToneSource,
)
from twisted_sipdialog.media.echo_port import EchoPort
from twisted_sipdialog.media.echo_stream import Agreed, EchoLimits, EchoStream
from twisted_sipdialog.media.ports import RtpPorts, canonical, isUnicast
from twisted_sipdialog.message.sdp import DIRECTIONS, SENDRECV, Media, NotAcceptable, SessionDescription
from twisted_sipdialog.message.sdp_answer import (
    checkAnswer,
    checkLimit,
    commonFormats,
    fitAnswer,
    fitOffer,
    limited,
    numbered,
)
from twisted_sipdialog.timers import TimerSet

_EVENT: Final = "telephone-event"
_FORMATS: Final = "m=audio {} RTP/AVP 0 8 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000"
_EVENTS: Final = f"a=rtpmap:101 {_EVENT}/8000", "a=fmtp:101 0-16"


@implementer(ISessionDescriptionFactory)
class EchoMedia:
    """
    The factory of echoes: C{Configuration(media=EchoMedia(reactor, timers))}.
    """

    def __init__(
        self,
        reactor: IReactorUDP,
        timers: TimerSet,
        portRange: tuple[int, int] = (16384, 32768),
        limits: EchoLimits | None = None,
        randbits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        """
        @param portRange: the lowest UDP port for RTP and RTCP, and the one after the highest.
        @param limits: what each stream may do; the defaults of L{EchoLimits}.
        @param randbits: so many random bits as an int.
        @raise ConfigurationError: no pair of ports in C{portRange}.
        """
        self.ports = RtpPorts(reactor, *portRange)
        self.timers = timers
        self.limits = limits or EchoLimits()
        self.randbits = randbits

    def __call__(self, localHost: str) -> EchoDescription:
        """
        The echo of one call; its ports are opened by its first offer or answer.
        """
        return EchoDescription(self, localHost)


@implementer(ISessionDescription, IMediaWatch, IToneSource)
class EchoDescription:
    """
    Accepts the first audio over plain RTP with PCMU or PCMA, and refuses all other media
    (port 0).  The port stays the same for the whole call, and all its forks.

    @ivar stream: what receives and sends, with its counters.
    """

    contentType = "application/sdp"

    def __init__(self, media: EchoMedia, localHost: str) -> None:
        self.stream = EchoStream(media.timers, media.limits, media.randbits)
        self.local: bytes | None = None
        self.remote: bytes | None = None
        self._media = media
        self._host = localHost
        self._addressType = "IP6" if ":" in localHost else "IP4"
        self._sessionId = media.randbits(62)
        self._port: EchoPort | None = None
        self._closed = False
        self._agreed: Agreed | None = None
        self._limit = SENDRECV
        self._latest: bytes | None = None  # sent with the highest version, in force or not
        self._offered: SessionDescription | None = None
        self._undo: tuple[bytes | None, bytes | None, Agreed | None, str] | None = None

    def offer(self, limit: str | None = None) -> bytes:
        """
        Audio with both codecs and telephone events.

        @raise InvalidValue: C{limit} is no direction.
        """
        self._undo = None
        limit = self._limit if limit is None else limit
        offer = self._everything(limit)
        if self.local is not None:
            offer = fitOffer(offer, SessionDescription.parse(self.local))
        self._offered = numbered(offer, self.local, self._latest)
        return self._begin(self._offered, limit)

    def answer(self, offer: bytes) -> bytes:
        """What of C{offer} can be echoed."""
        self._undo = None
        theirs = SessionDescription.parse(offer)
        ours = fitAnswer(theirs, self._everything(self._limit), self._isUsable)
        ours = numbered(ours, self.local, self._latest)
        answer = self._begin(ours, self._limit)
        self._offered = None
        self._commit(ours, theirs)
        return answer

    def update(self, answer: bytes) -> None:
        """Start to echo, or change, by the answer to our offer, or by a later one to the same."""
        if self._offered is None:
            raise NotAcceptable("an answer without an offer")
        theirs = SessionDescription.parse(answer)
        checkAnswer(self._offered, theirs)
        if not any(_echoable(*pair) and self._isUsable(pair[1]) for pair in _live(self._offered, theirs)):
            raise NotAcceptable("the answer has no audio that can be echoed")
        self._commit(self._offered, theirs)

    def rollback(self) -> None:
        """Back to what was in force before the last offer or answer; the port stays open."""
        if self._undo is not None:
            self.local, self.remote, self._agreed, self._limit = self._undo
            self.stream.follow(self._agreed)
        self._undo = self._offered = None

    def fork(self, offer: bytes | None = None) -> EchoDescription:
        """
        An echo of its own for another dialog: at the same port once an offer has named it, and until all are closed.

        @raise InvalidState: the port of C{offer} is closed.
        """
        other = self._media(self._host)
        if offer is not None:
            if self._port is None or not self._port.isOpen:
                raise InvalidState("fork", "no port is open")
            other._offered = SessionDescription.parse(offer)
            # A limit that came with a later offer is this dialog's own.
            other._begin(other._offered, self._limit if self._offered == other._offered else SENDRECV)
            other._join(self._port)
        return other

    def close(self) -> None:
        """Stop, and give the ports back."""
        self._closed = True
        self.stream.end()
        if self._port is not None:
            self._port.leave(self.stream)

    def whenSilent(self) -> Deferred[None]:
        """See L{EchoStream.whenSilent}."""
        return self.stream.whenSilent()

    def tellTones(self, told: Callable[[str, float], Any]) -> None:
        """See L{EchoStream.tellTones}."""
        self.stream.tellTones(told)

    def _begin(self, ours: SessionDescription, limit: str) -> bytes:
        self._undo = self.local, self.remote, self._agreed, self._limit
        self._limit = limit
        data = ours.toBytes()
        if data != self.local:
            self._latest = data
        return data

    def _join(self, port: EchoPort) -> EchoPort:
        self._port = port
        port.join(self.stream)
        return port

    def _everything(self, limit: str) -> SessionDescription:
        if self._closed:
            raise InvalidState("offer or answer", "closed")
        checkLimit(limit)
        port = self._port or self._join(EchoPort(self._media.ports, self._host))
        address = f"IN {self._addressType} {self._host.partition('%')[0]}"
        audio, *maps = _FORMATS
        lines = ["v=0", f"o=- {self._sessionId} 1 {address}", "s=-", f"c={address}", "t=0 0"]
        lines += [audio.format(port.number), *maps, *_EVENTS, "a=sendrecv"]
        return limited(SessionDescription.fromLines(lines), limit)

    def _isUsable(self, media: Media) -> bool:
        connection = media.connection
        if media.type != "audio" or connection is None or connection.addressType != self._addressType:
            return False
        # A name is not looked up: its packets tell its address.
        return connection.isUnspecified or canonical(connection.address) is None or isUnicast(connection.address)

    def _commit(self, ours: SessionDescription, theirs: SessionDescription) -> None:
        self.local, self.remote = ours.toBytes(), theirs.toBytes()
        live = _live(ours, theirs)
        self._agreed = _agreed(*live[0]) if live else None
        self.stream.follow(self._agreed)


def _live(ours: SessionDescription, theirs: SessionDescription) -> list[tuple[Media, Media]]:
    return [(own, their) for own, their in zip(ours.media, theirs.media, strict=True) if own.port and their.port]


def _echoable(ours: Media, theirs: Media) -> dict[int, int]:
    # Each side names payload types in its own description, for what it receives (RFC 3264 section 5.1).
    return {int(own): int(their) for own, their in commonFormats(ours, theirs)}


def _agreed(ours: Media, theirs: Media) -> Agreed:
    common = _echoable(ours, theirs)
    encodings = {own: ours.encoding(str(own)) for own in common}
    address = theirs.connection
    host = None if address is None or address.isUnspecified else canonical(address.address)
    weSend, weReceive = DIRECTIONS[ours.direction]
    theySend, theyReceive = DIRECTIONS[theirs.direction]
    return Agreed(
        remote=None if host is None else (host, theirs.port),
        payloadTypes=common,
        events={own: encoding[1] for own, encoding in encodings.items() if encoding and encoding[0] == _EVENT},
        receives=weReceive and theySend,
        sends=weSend and theyReceive,
    )
