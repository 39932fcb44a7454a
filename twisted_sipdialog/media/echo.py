"""
An echo for callers: what they say comes back to them (PCMU, PCMA and telephone-event over RTP).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorUDP
from twisted.internet.protocol import DatagramProtocol
from zope.interface import implementer

from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.interfaces import IMediaWatch, ISessionDescription, ISessionDescriptionFactory
from twisted_sipdialog.media.echo_stream import Agreed, EchoLimits, EchoStream
from twisted_sipdialog.media.ports import PortPair, RtpPorts, canonical, isUnicast
from twisted_sipdialog.message.sdp import DIRECTIONS, Media, NotAcceptable, SessionDescription
from twisted_sipdialog.message.sdp_answer import checkAnswer, commonFormats, fitAnswer, fitOffer
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


@implementer(ISessionDescription, IMediaWatch)
class EchoDescription:
    """
    Accepts the first audio over plain RTP with PCMU or PCMA, and refuses all other media
    (port 0).  The port stays the same for the whole call.

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
        self._pair: PortPair | None = None
        self._closed = False
        self._agreed: Agreed | None = None
        self._offered: SessionDescription | None = None
        self._undo: tuple[bytes | None, bytes | None, Agreed | None] | None = None

    def offer(self) -> bytes:
        """Audio with both codecs and telephone events."""
        offer = self._everything()
        if self.local is not None:
            offer = fitOffer(offer, SessionDescription.parse(self.local))
        self._undo = self.local, self.remote, self._agreed
        self._offered = offer
        return offer.toBytes()

    def answer(self, offer: bytes) -> bytes:
        """What of C{offer} can be echoed."""
        theirs = SessionDescription.parse(offer)
        ours = fitAnswer(theirs, self._everything(), self._isUsable)
        if self.local is not None:
            ours = ours.asNextOf(SessionDescription.parse(self.local))
        self._undo = self.local, self.remote, self._agreed
        self._offered = None
        self._commit(ours, theirs)
        return ours.toBytes()

    def update(self, answer: bytes) -> None:
        """Start to echo, or change, by the answer to our offer."""
        if self._offered is None:
            raise NotAcceptable("an answer without an offer")
        theirs = SessionDescription.parse(answer)
        checkAnswer(self._offered, theirs)
        if not any(_echoable(*pair) and self._isUsable(pair[1]) for pair in _live(self._offered, theirs)):
            raise NotAcceptable("the answer has no audio that can be echoed")
        self._commit(self._offered, theirs)
        self._offered = None

    def rollback(self) -> None:
        """Back to what was in force before the last offer or answer; the port stays open."""
        if self._undo is not None:
            self.local, self.remote, self._agreed = self._undo
            self.stream.follow(self._agreed)
        self._undo = self._offered = None

    def close(self) -> None:
        """Stop, and give the ports back."""
        self._closed = True
        self.stream.end()
        if self._pair is not None:
            self._pair.close()
            self._pair = None

    def whenSilent(self) -> Deferred[None]:
        """See L{EchoStream.whenSilent}."""
        return self.stream.whenSilent()

    def _everything(self) -> SessionDescription:
        if self._closed:
            raise InvalidState("offer or answer", "closed")
        if self._pair is None:
            # RTCP is received, as the peer expects, and means nothing to an echo.
            self._pair = self._media.ports.open(self._host, self.stream, DatagramProtocol())
        address = f"IN {self._addressType} {self._host.partition('%')[0]}"
        audio, *maps = _FORMATS
        lines = ["v=0", f"o=- {self._sessionId} 1 {address}", "s=-", f"c={address}", "t=0 0"]
        return SessionDescription.fromLines([*lines, audio.format(self._pair.number), *maps, *_EVENTS, "a=sendrecv"])

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
    address = theirs.connection
    host = None if address is None or address.isUnspecified else canonical(address.address)
    weSend, weReceive = DIRECTIONS[ours.direction]
    theySend, theyReceive = DIRECTIONS[theirs.direction]
    return Agreed(
        remote=None if host is None else (host, theirs.port),
        payloadTypes=common,
        events=frozenset(own for own in common if (ours.encoding(str(own)) or ("",))[0] == _EVENT),
        receives=weReceive and theySend,
        sends=weSend and theyReceive,
    )
