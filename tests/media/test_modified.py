"""
What functions of the application make of a session description before it goes out (RFC 3264).
"""

from __future__ import annotations

from typing import Any, Self

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.interfaces import (
    IMediaWatch,
    ISessionDescription,
    ISessionDescriptionFactory,
    ISessionModifier,
    IToneSource,
)
from twisted_sipdialog.media.fixed import FixedDescription, FixedMedia
from twisted_sipdialog.media.modified import Modified, ModifiedMedia
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription

AUDIO = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n"
BOTH = AUDIO + b"m=video 4002 RTP/AVP 31\r\n"
THEIRS = b"v=0\r\no=x 9 9 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0 8\r\n"
THEIR_BOTH = THEIRS + b"m=video 6002 RTP/AVP 31\r\n"


@implementer(ISessionModifier)
class Adds:
    """Adds a line to the last section."""

    def __init__(self, line: str) -> None:
        self.line = line

    def __call__(self, description: SessionDescription) -> SessionDescription:
        return SessionDescription.fromLines([*description.allLines, self.line])


def noVideo(description: SessionDescription) -> SessionDescription:
    """Takes the video out."""
    lines = [line for media in description.media if media.type != "video" for line in media.lines]
    return SessionDescription.fromLines([*description.lines, *lines])


def same(description: SessionDescription) -> SessionDescription:
    return description


def ports(sdp: bytes) -> list[tuple[str, int]]:
    return [(media.type, media.port) for media in SessionDescription.parse(sdp).media]


def version(sdp: bytes) -> int:
    return SessionDescription.parse(sdp).origin.version


class ModifiedCase(SynchronousTestCase):
    def modified(self, body: bytes, *modifiers: Any) -> Modified:
        self.inner = FixedDescription(body)
        return Modified(self.inner, modifiers)

    def offer(self, session: Modified, *limit: str) -> bytes:
        return self.successResultOf(session.offer(*limit))

    def answer(self, session: Modified, offer: bytes) -> bytes:
        return self.successResultOf(session.answer(offer))


class ModifierTests(ModifiedCase):
    def test_interfaces(self) -> None:
        verifyObject(ISessionDescription, self.modified(AUDIO))
        verifyObject(ISessionDescriptionFactory, ModifiedMedia(FixedMedia(AUDIO), [same]))
        verifyObject(ISessionModifier, Adds("a=x"))

    def test_inOrder(self) -> None:
        """Each gets what the one before made of our offer; what the last one made goes out."""
        session = self.modified(AUDIO, Adds("a=one"), Adds("a=two"))
        self.assertEqual(self.offer(session), AUDIO + b"a=one\r\na=two\r\n")
        self.assertEqual((session.local, session.contentType), (None, "application/sdp"))
        session.update(THEIRS)
        self.assertEqual((session.local, session.remote), (AUDIO + b"a=one\r\na=two\r\n", THEIRS))

    def test_answer(self) -> None:
        session = self.modified(AUDIO, Adds("a=one"))
        self.assertEqual(self.answer(session, THEIRS), AUDIO + b"a=one\r\n")
        self.assertEqual((session.local, session.remote), (AUDIO + b"a=one\r\n", THEIRS))

    def test_factory(self) -> None:
        session = ModifiedMedia(FixedMedia(AUDIO), [Adds("a=one")])("192.0.2.1")
        self.assertEqual(self.offer(session), AUDIO + b"a=one\r\n")

    def test_later(self) -> None:
        """One may return a Deferred, or be a coroutine function."""
        waiting: Deferred[None] = Deferred()
        line: Deferred[str] = Deferred()

        async def coroutine(description: SessionDescription) -> SessionDescription:
            await waiting
            return Adds("a=late")(description)

        session = self.modified(AUDIO, coroutine, lambda d: line.addCallback(lambda text: Adds(text)(d)))
        making = session.offer()
        self.assertNoResult(making)
        waiting.callback(None)
        self.assertNoResult(making)
        line.callback("a=later")
        self.assertEqual(self.successResultOf(making), AUDIO + b"a=late\r\na=later\r\n")

    def test_cancelled(self) -> None:
        """Cancelled while one waits: it is, too, and nothing changed."""
        cancelled: list[Any] = []
        waiting: Deferred[Any] = Deferred(cancelled.append)
        session = self.modified(AUDIO, same)
        first = self.answer(session, THEIRS)
        session.once = (lambda _: waiting,)
        making = session.answer(THEIRS + b"a=sendonly\r\n")
        making.cancel()
        self.failureResultOf(making, CancelledError)
        self.assertEqual(cancelled, [waiting])
        self.assertEqual((session.local, session.remote), (first, THEIRS))
        self.assertEqual((self.inner.local, self.inner.remote), (first, THEIRS))

    def test_fails(self) -> None:
        """What one raises is the failure of the offer or answer; what was in force stays."""
        session = self.modified(AUDIO, same)
        first = self.answer(session, THEIRS)
        for modifier, kind in (
            (lambda _: 1 / 0, ZeroDivisionError),
            (lambda _: None, InvalidValue),
            (lambda d: d.toBytes(), InvalidValue),
        ):
            for making in (session.offer, lambda: session.answer(THEIRS + b"a=sendonly\r\n")):
                session.once = (modifier,)
                self.failureResultOf(making(), kind)
                self.assertEqual((session.local, session.remote), (first, THEIRS))
                self.assertEqual((self.inner.local, self.inner.remote), (first, THEIRS))
        self.assertEqual(self.offer(session), first)

    def test_innerFails(self) -> None:
        """What fails within does so before any modifier; what was in force is not rolled back."""
        session = self.modified(AUDIO, lambda _: self.fail("asked"))
        self.failureResultOf(session.answer(b"nonsense"), ParseError)
        session = self.modified(AUDIO, same)
        first = self.answer(session, THEIRS)
        self.failureResultOf(session.answer(THEIRS.replace(b"audio", b"video")), NotAcceptable)
        self.assertEqual((session.local, self.inner.local), (first, first))

    def test_notSdp(self) -> None:
        """What is no session description cannot be modified."""
        session = Modified(FixedDescription(b"x", "text/plain"), [same])
        self.failureResultOf(session.offer(), ParseError)

    def test_once(self) -> None:
        """Those for one time come last, and are gone then."""
        session = self.modified(AUDIO, Adds("a=always"))
        session.once = (Adds("a=once"),)
        self.assertEqual(self.offer(session), AUDIO + b"a=always\r\na=once\r\n")
        session.update(THEIRS)
        self.assertEqual(self.offer(session), AUDIO.replace(b"- 1 1", b"- 1 2") + b"a=always\r\n")

    def test_close(self) -> None:
        closed = []

        class Closing(FixedDescription):
            def close(self) -> None:
                closed.append(self)

        inner = Closing(AUDIO)
        Modified(inner, [same]).close()
        self.assertEqual(closed, [inner])


class VersionTests(ModifiedCase):
    """RFC 3264 section 8: the version is one on when, and only when, something is different."""

    def test_unchanged(self) -> None:
        session = self.modified(AUDIO, Adds("a=x"))
        first = self.offer(session)
        session.update(THEIRS)
        self.assertEqual((self.offer(session), self.answer(session, THEIRS)), (first, first))

    def test_changedWithin(self) -> None:
        session = self.modified(AUDIO, Adds("a=x"))
        first = self.offer(session)
        session.update(THEIRS)
        held = self.offer(session, "sendonly")
        self.assertEqual(held, first.replace(b"- 1 1", b"- 1 2").replace(b"a=x", b"a=sendonly\r\na=x"))
        session.update(THEIRS)
        self.assertEqual(version(self.offer(session, "sendrecv")), 3)

    def test_changedByModifier(self) -> None:
        """Also where it is the modifier alone that says something else."""
        says = Adds("a=x")
        session = self.modified(AUDIO, says)
        self.offer(session)
        session.update(THEIRS)
        says.line = "a=y"
        self.assertEqual(self.offer(session), AUDIO.replace(b"- 1 1", b"- 1 2") + b"a=y\r\n")

    def test_changeTakenAway(self) -> None:
        """A change that a modifier takes back is none."""

        def both(description: SessionDescription) -> SessionDescription:
            return description.withDirection("sendrecv")

        session = self.modified(AUDIO + b"a=sendrecv\r\n", both)
        first = self.offer(session)
        session.update(THEIRS)
        self.assertEqual(self.offer(session, "sendonly"), first)

    def test_refused(self) -> None:
        """The peer has seen the version of a refused offer: another one does not get it, the same one keeps it."""
        says = Adds("a=x")
        session = self.modified(AUDIO, says)
        first = self.offer(session)
        session.update(THEIRS)
        says.line = "a=y"
        refused = self.offer(session)
        session.rollback()
        self.assertEqual(session.local, first)
        self.assertEqual(self.offer(session), refused)
        session.rollback()
        says.line = "a=z"
        self.assertEqual(version(self.offer(session)), 3)
        session.rollback()
        says.line = "a=x"
        self.assertEqual(self.offer(session), first)

    def test_goesOn(self) -> None:
        """As the next of a session that there was before it."""
        session = Modified(FixedDescription(AUDIO), [Adds("a=x")], AUDIO.replace(b"- 1 1", b"- 77 5"))
        self.assertEqual(self.offer(session), AUDIO.replace(b"- 1 1", b"- 77 6") + b"a=x\r\n")


class MediaTests(ModifiedCase):
    """RFC 3264 sections 6 and 8: which media stand where."""

    def test_takenFromOffer(self) -> None:
        """In the first offer it does not stand at all; the answer to that is one to what is described within."""
        session = self.modified(BOTH, noVideo)
        self.assertEqual(self.offer(session), AUDIO)
        session.update(THEIRS)
        self.assertEqual((session.local, session.remote), (AUDIO, THEIRS))
        self.assertEqual(ports(self.inner.remote or b""), [("audio", 6000), ("video", 0)])
        self.assertEqual(self.offer(session), AUDIO)

    def test_takenFromFront(self) -> None:
        """Whatever stands before the others may be taken."""
        session = self.modified(AUDIO.replace(b"m=", b"m=video 4002 RTP/AVP 31\r\nm="), noVideo)
        self.assertEqual(self.offer(session), AUDIO)
        session.update(THEIRS)
        self.assertEqual(ports(self.inner.remote or b""), [("video", 0), ("audio", 6000)])

    def test_takenFromAnswer(self) -> None:
        """6: each m= line of the offer has one in the answer."""
        session = self.modified(BOTH, noVideo)
        answer = self.answer(session, THEIR_BOTH)
        self.assertEqual(ports(answer), [("audio", 4000), ("video", 0)])

    def test_withdrawn(self) -> None:
        """8: the m= lines of what the peer knows stay, without a port."""
        session = self.modified(BOTH, same)
        self.answer(session, THEIR_BOTH)
        session.once = (noVideo,)
        self.assertEqual(ports(self.offer(session)), [("audio", 4000), ("video", 0)])

    def test_added(self) -> None:
        """Into an offer it may come; the description within hears of its own media alone. No answer has it."""
        session = self.modified(AUDIO, Adds("m=video 4002 RTP/AVP 31"))
        self.assertEqual(self.offer(session), BOTH)
        session.update(THEIR_BOTH)
        self.assertEqual((session.remote, self.inner.remote), (THEIR_BOTH, THEIRS))
        session = self.modified(AUDIO, Adds("m=video 4002 RTP/AVP 31"))
        self.failureResultOf(session.answer(THEIRS), NotAcceptable)

    def test_allRefused(self) -> None:
        """6: an answer that takes nothing is a refusal."""
        session = self.modified(AUDIO, lambda d: SessionDescription.fromLines(d.lines))
        self.failureResultOf(session.answer(THEIRS), NotAcceptable)

    def test_wrongAnswer(self) -> None:
        """An answer has the media of what was sent, and takes some of it; else nothing is in force."""
        session = self.modified(BOTH, noVideo)
        self.offer(session)
        for answer in (THEIR_BOTH, THEIRS.replace(b"6000", b"0")):
            self.assertRaises(NotAcceptable, session.update, answer)
        self.assertEqual((session.local, session.remote), (None, None))
        self.assertRaises(NotAcceptable, self.modified(AUDIO, same).update, THEIRS)


class ForkTests(ModifiedCase):
    """RFC 3261 section 13.2.2.4: each dialog has a description of its own."""

    def test_fork(self) -> None:
        """To the description within, the offer that its fork waits for is its own."""
        forked = []

        class Forking(FixedDescription):
            def fork(self, offer: bytes | None = None) -> Self:
                forked.append(offer)
                return super().fork(offer)

        session = Modified(Forking(BOTH), [noVideo])
        offer = self.offer(session)
        session.update(THEIRS)
        self.offer(session, "sendonly")
        fork = session.fork(offer)
        fork.update(THEIRS.replace(b"6000", b"6010"))
        self.assertEqual((fork.local, ports(fork.remote or b"")), (AUDIO, [("audio", 6010)]))
        self.assertEqual(self.offer(fork), AUDIO)
        self.assertEqual(self.offer(fork.fork(offer)), AUDIO)
        self.assertEqual(forked, [BOTH, BOTH])

    def test_ofFork(self) -> None:
        """A fork of one that was not answered, for the same offer sent anew."""
        session = self.modified(BOTH, noVideo)
        fork = session.fork(self.offer(session)).fork(AUDIO)
        fork.update(THEIRS)
        fork.rollback()
        self.assertEqual((fork.local, fork.remote), (None, None))

    def test_withoutOffer(self) -> None:
        fork = self.modified(AUDIO, Adds("a=x")).fork()
        self.assertEqual(self.answer(fork, THEIRS), AUDIO + b"a=x\r\n")


@implementer(IMediaWatch, IToneSource)
class Watching(FixedDescription):
    """Sees its media."""

    def whenSilent(self) -> Deferred[None]:
        self.silent: Deferred[None] = Deferred()
        return self.silent

    def tellTones(self, told: Any) -> None:
        told("5", 0.1)


class SameTests(SynchronousTestCase):
    def test_provides(self) -> None:
        """What the description within provides, this does, and nothing else."""
        session = Modified(Watching(AUDIO), [same])
        verifyObject(ISessionDescription, session)
        verifyObject(IMediaWatch, session)
        told: list[tuple[str, float]] = []
        session.tellTones(lambda *tone: told.append(tone))
        self.assertEqual(told, [("5", 0.1)])
        self.assertNoResult(session.whenSilent())
        plain = Modified(FixedDescription(AUDIO), [same])
        self.assertFalse(IMediaWatch.providedBy(plain) or IToneSource.providedBy(plain))
        self.assertRaises(AttributeError, lambda: plain.whenSilent)
