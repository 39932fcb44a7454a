"""
A session description that functions of the application change before it goes out (RFC 3264).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from twisted.internet.defer import Deferred, maybeDeferred
from zope.interface import directlyProvides, implementer, providedBy

from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.interfaces import ISessionDescription, ISessionDescriptionFactory
from twisted_sipdialog.message.sdp import SessionDescription
from twisted_sipdialog.message.sdp_answer import checkAnswer, numbered, placed


async def modified(sdp: bytes, modifiers: Iterable[Any]) -> SessionDescription:
    """
    What C{modifiers}, in their order, make of C{sdp}.

    @param modifiers: L{ISessionModifier<twisted_sipdialog.interfaces.ISessionModifier>}s.
    @raise ParseError: C{sdp} is no session description.
    @raise InvalidValue: one of them returned something else.
    """
    description = SessionDescription.parse(sdp)
    for modifier in modifiers:
        description = await maybeDeferred(modifier, description)
        if not isinstance(description, SessionDescription):
            raise InvalidValue("modifiers", description, "a SessionDescription is what each of them returns")
    return description


@implementer(ISessionDescription)
class Modified:
    """
    C{session}, with C{modifiers} over all that it says.  C{local} is what went out; to C{session} it is what it said
    itself, and an answer has the media that it offered.

    What modifiers take out of an answer, or of a later offer, stands there with port 0.  Whatever else C{session}
    provides or has, this has as well.

    @ivar once: the modifiers of the next offer or answer alone, which come after the others.
    """

    def __init__(self, session: Any, modifiers: Iterable[Any], latest: bytes | None = None) -> None:
        """
        @param latest: what was said before in the session that this goes on with; None: nothing.
        """
        self._session = session
        self._modifiers = tuple(modifiers)
        self.once: tuple[Any, ...] = ()
        self.local: bytes | None = session.local
        self.remote: bytes | None = session.remote
        self._latest = latest  # sent last, in force or not
        self._first: tuple[bytes, bytes] | None = None  # the first offer, as said by session and as sent
        self._offered: tuple[bytes, bytes] | None = None  # the one that may be answered
        self._undo: tuple[bytes | None, bytes | None] | None = None
        directlyProvides(self, providedBy(session))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what a copy of this looks for, before there is a session
            raise AttributeError(name)
        return getattr(self._session, name)

    def offer(self, limit: str | None = None) -> Deferred[bytes]:
        """
        @raise InvalidValue: what a modifier returned is no session description.
        """
        return Deferred.fromCoroutine(self._offer(() if limit is None else (limit,)))

    async def _offer(self, limit: tuple[str, ...]) -> bytes:
        modifiers = self._taken()
        own: bytes = await maybeDeferred(self._session.offer, *limit)
        try:
            ours = await modified(own, modifiers)
            before = self.local or self._latest
            if before is not None:
                ours = placed(ours, SessionDescription.parse(before).media)  # RFC 3264 section 8: none may vanish
            sent = self._begin(ours)
        except Exception:
            self.rollback()
            raise
        self._offered = own, sent
        self._first = self._first or self._offered
        return sent

    def answer(self, offer: bytes) -> Deferred[bytes]:
        """
        @raise NotAcceptable: modifiers refused all media, or added some.
        @raise InvalidValue: what a modifier returned is no session description.
        """
        return Deferred.fromCoroutine(self._answer(offer))

    async def _answer(self, offer: bytes) -> bytes:
        modifiers = self._taken()
        own: bytes = await maybeDeferred(self._session.answer, offer)
        try:
            theirs = SessionDescription.parse(offer)
            ours = placed(await modified(own, modifiers), theirs.media)
            checkAnswer(theirs, ours)
            sent = self._begin(ours)
        except Exception:
            self.rollback()
            raise
        self._offered = None
        self.local, self.remote = sent, offer
        return sent

    def _taken(self) -> tuple[Any, ...]:
        """All that are to be applied now; there is no way back to before the last time any more."""
        once, self.once, self._undo = self.once, (), None
        return self._modifiers + once

    def _begin(self, ours: SessionDescription) -> bytes:
        """What goes out: the next of its session, where it is not what was said before (RFC 3264 section 8)."""
        sent = numbered(ours, self.local, self._latest).toBytes()
        self._undo = self.local, self.remote
        if sent != self.local:
            self._latest = sent
        return sent

    def update(self, answer: bytes) -> None:
        """Take the answer to what was sent."""
        if self._offered is None:
            self._session.update(answer)  # which has offered nothing, either
            return
        own, sent = self._offered
        self._session.update(_answering(own, sent, answer))
        self.local, self.remote = sent, answer

    def rollback(self) -> None:
        """Back to what was in force before the last offer or answer."""
        if self._undo is not None:
            self.local, self.remote = self._undo
        self._undo = self._offered = None
        self._session.rollback()

    def fork(self, offer: bytes | None = None) -> Self:
        """A fork of C{session} with the same modifiers, which waits for the answer to C{offer}."""
        made = self._first if self._first is not None and self._first[1] == offer else None
        other = type(self)(self._session.fork(offer if made is None else made[0]), self._modifiers)
        if offer is not None:
            other._first = other._offered = made or (offer, offer)
            other._undo = None, None
        return other

    def close(self) -> None:
        """That of C{session}."""
        self._session.close()


@implementer(ISessionDescriptionFactory)
class ModifiedMedia:
    """
    The factory of what C{media} describes, with C{modifiers} over it:
    C{Configuration(media=ModifiedMedia(FixedMedia(sdp), [modifier]))} for all calls.
    """

    def __init__(self, media: Any, modifiers: Iterable[Any]) -> None:
        """
        @param media: an L{ISessionDescriptionFactory<twisted_sipdialog.interfaces.ISessionDescriptionFactory>}.
        @param modifiers: L{ISessionModifier<twisted_sipdialog.interfaces.ISessionModifier>}s, in order.
        """
        self._media = media
        self._modifiers = tuple(modifiers)

    def __call__(self, localHost: str) -> Modified:
        """The description of one call."""
        return Modified(self._media(localHost), self._modifiers)


def _answering(own: bytes, sent: bytes, answer: bytes) -> bytes:
    """
    The answer to C{sent} as one to C{own}, of which modifiers may have taken media, or added some.

    @raise NotAcceptable: it is none to C{sent}.
    """
    places, offered = SessionDescription.parse(own).media, SessionDescription.parse(sent)
    if [media.type for media in places] == [media.type for media in offered.media]:
        return answer
    theirs = SessionDescription.parse(answer)
    checkAnswer(offered, theirs)
    return placed(theirs, places, more=False).toBytes()
