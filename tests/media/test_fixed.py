"""
The fixed session description.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.interfaces import ISessionDescription, ISessionDescriptionFactory
from twisted_sipdialog.media.fixed import FixedDescription, FixedMedia
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription
from twisted_sipdialog.ua.session import GivenDescription

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0 8\r\na=x-unknown\r\n"
)
OFFER = (
    b"v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n"
)
HELD = OFFER.replace(b"2353687637", b"2353687638") + b"a=sendonly\r\n"
VIDEO = OFFER.replace(b"m=audio 6000 RTP/AVP 0 8", b"m=video 6000 RTP/AVP 31")


class FixedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.fixed = FixedMedia(SDP)("192.0.2.1")

    def test_interfaces(self) -> None:
        verifyObject(ISessionDescription, self.fixed)
        verifyObject(ISessionDescriptionFactory, FixedMedia(SDP))

    def test_offersItself(self) -> None:
        self.assertEqual(SDP, self.fixed.offer())
        self.assertEqual((None, None), (self.fixed.local, self.fixed.remote))
        self.fixed.update(OFFER)
        self.assertEqual((SDP, OFFER), (self.fixed.local, self.fixed.remote))
        self.assertEqual(SDP, self.fixed.offer())

    def test_answersItsVeryBytesWhenTheyFit(self) -> None:
        for offer in (OFFER, OFFER.replace(b"53655765", b"1"), OFFER.replace(b"\r\n", b"\n")):
            self.assertEqual(SDP, FixedDescription(SDP).answer(offer))
        self.fixed.answer(OFFER)
        self.assertEqual((SDP, OFFER), (self.fixed.local, self.fixed.remote))

    def test_answersByWhatFits(self) -> None:
        answer = self.fixed.answer(OFFER.replace(b" 0 8", b" 18 0") + b"m=video 9 RTP/AVP 31\r\na=inactive\r\n")
        self.assertEqual(
            SDP.replace(b"AVP 0 8", b"AVP 0") + b"m=video 0 RTP/AVP 31\r\n", answer,
        )  # fmt: skip

    def test_rememberedAnswersAreThoseOfTheOffer(self) -> None:
        """Whatever is repeated with another o=, all else counts: time, address, direction."""
        for change, inAnswer in [
            ((b"t=0 0", b"t=1 2"), b"t=1 2\r\n"),
            ((b"c=IN IP4 127.0.0.1", b"c=IN IP4 0.0.0.0"), b"a=recvonly\r\n"),
            ((b"a=rtpmap", b"a=recvonly\r\na=rtpmap"), b"a=sendonly\r\n"),
        ]:
            self.assertEqual(SDP, FixedDescription(SDP).answer(OFFER))
            for session in (b"1", b"2"):
                offer = OFFER.replace(*change).replace(b"53655765", session)
                self.assertIn(inAnswer, FixedDescription(SDP).answer(offer), change)

    def test_rememberingDoesNotMakeABadOfferGood(self) -> None:
        self.fixed.answer(OFFER)
        for change in [
            (b"o=user1", b"o="),
            (b"53655765", b""),
            (b"2353687637", b"x"),
            (b"v=0", b"v=00"),
            (b"o=", b"O="),
        ]:
            self.assertRaises(ParseError, FixedDescription(SDP).answer, OFFER.replace(*change))

    def test_nextAnswerOfTheSession(self) -> None:
        """RFC 3264 section 8: the next version when something changed, the same bytes when nothing did."""
        self.fixed.answer(OFFER)
        held = self.fixed.answer(HELD)
        self.assertEqual(SDP.replace(b"1 1", b"1 2") + b"a=recvonly\r\n", held)
        self.assertEqual(held, self.fixed.answer(HELD.replace(b"2353687638", b"2353687639")))
        self.assertEqual(SDP.replace(b"1 1", b"1 3"), self.fixed.answer(OFFER))

    def test_nextOfferOfTheSession(self) -> None:
        self.fixed.answer(HELD)
        self.assertEqual(SDP.replace(b"1 1", b"1 2"), self.fixed.offer())

    def test_nothingFits(self) -> None:
        self.fixed.answer(OFFER)
        self.assertRaises(NotAcceptable, self.fixed.answer, VIDEO)
        self.assertRaises(ParseError, self.fixed.answer, b"hello")
        self.assertEqual((SDP, OFFER), (self.fixed.local, self.fixed.remote))

    def test_answerThatCannotBeUsed(self) -> None:
        self.fixed.offer()
        self.assertRaises(NotAcceptable, self.fixed.update, VIDEO)
        self.assertRaises(NotAcceptable, self.fixed.update, OFFER.replace(b"6000", b"0"))
        self.assertRaises(ParseError, self.fixed.update, b"")
        self.assertEqual((None, None), (self.fixed.local, self.fixed.remote))
        self.fixed.update(OFFER)

    def test_answerWithoutOffer(self) -> None:
        self.assertRaises(NotAcceptable, self.fixed.update, OFFER)

    def test_rollback(self) -> None:
        self.fixed.rollback()
        self.fixed.answer(OFFER)
        self.fixed.answer(HELD)
        self.fixed.rollback()
        self.assertEqual((SDP, OFFER), (self.fixed.local, self.fixed.remote))
        self.fixed.offer()
        self.fixed.rollback()
        self.fixed.rollback()
        self.assertEqual((SDP, OFFER), (self.fixed.local, self.fixed.remote))
        self.assertRaises(NotAcceptable, self.fixed.update, OFFER)

    def test_closeTwice(self) -> None:
        self.fixed.close()
        self.fixed.close()

    def test_opaque(self) -> None:
        opaque = FixedMedia(b"\0anything", "application/x-opaque")("192.0.2.1")
        self.assertEqual("application/x-opaque", opaque.contentType)
        self.assertEqual(b"\0anything", opaque.answer(b"what"))
        self.assertEqual(b"\0anything", opaque.offer())
        opaque.update(b"ever")
        self.assertEqual((b"\0anything", b"ever"), (opaque.local, opaque.remote))

    def test_ownDescriptionThatIsNone(self) -> None:
        """It is our application's fault, not the peer's."""
        self.assertRaises(InvalidValue, FixedMedia, b"\0anything")
        self.assertRaises(InvalidValue, FixedMedia, b"\0anything", "Application/SDP ; x=y")
        self.assertRaises(InvalidValue, FixedDescription(b"\0anything").answer, OFFER)


class LimitTests(SynchronousTestCase):
    """RFC 3264 section 8.4: the most that is wanted."""

    def setUp(self) -> None:
        self.fixed = FixedDescription(SDP)

    def call(self) -> None:
        self.fixed.offer()
        self.fixed.update(OFFER)

    def test_hold(self) -> None:
        self.call()
        held = SDP.replace(b"1 1", b"1 2") + b"a=sendonly\r\n"
        self.assertEqual(held, self.fixed.offer("sendonly"))
        self.assertEqual(SDP, self.fixed.local)
        self.fixed.update(HELD)
        self.assertEqual(held, self.fixed.local)

    def test_holdsUntilItIsLifted(self) -> None:
        """In further offers, and in answers."""
        self.call()
        self.fixed.offer("sendonly")
        self.fixed.update(OFFER)
        held = SDP.replace(b"1 1", b"1 2") + b"a=sendonly\r\n"
        self.assertEqual(held, self.fixed.offer())
        self.assertEqual(held, self.fixed.offer(None))
        self.assertEqual(held, self.fixed.answer(OFFER))
        self.assertIn(b" 1 3 IN IP4 192.0.2.1\r\n", self.fixed.answer(HELD))
        self.assertIn(b"a=inactive\r\n", self.fixed.local or b"")
        self.assertEqual(SDP.replace(b"1 1", b"1 4"), self.fixed.offer("sendrecv"))
        self.fixed.update(OFFER)
        self.assertEqual(SDP.replace(b"1 1", b"1 4"), self.fixed.answer(OFFER))

    def test_firstOffer(self) -> None:
        self.assertEqual(SDP + b"a=inactive\r\n", self.fixed.offer("inactive"))

    def test_moreThanOurOwnIsNotToBeHad(self) -> None:
        fixed = FixedDescription(SDP + b"a=recvonly\r\n")
        for limit, direction in [("sendrecv", b"recvonly"), ("sendonly", b"inactive"), ("recvonly", b"recvonly")]:
            self.assertIn(b"a=%s\r\n" % direction, fixed.offer(limit))

    def test_mediaInThePlacesOfThePeer(self) -> None:
        """What it refused or we refused stays so."""
        self.fixed.answer(VIDEO.replace(b"a=rtpmap:0 PCMU/8000\r\n", b"m=audio 6000 RTP/AVP 8\r\n"))
        offer = SessionDescription.parse(self.fixed.offer("sendonly"))
        self.assertEqual([("video", 0), ("audio", 4000)], [(media.type, media.port) for media in offer.media])
        self.assertEqual(("sendonly", 2), (offer.media[1].direction, offer.origin.version))

    def test_rollbackOfTheLimit(self) -> None:
        self.call()
        self.fixed.offer("sendonly")
        self.fixed.rollback()
        self.assertEqual((SDP, OFFER), (self.fixed.local, self.fixed.remote))
        self.assertEqual(SDP, self.fixed.answer(OFFER))
        self.fixed.offer("recvonly")
        self.fixed.update(OFFER)
        self.fixed.rollback()
        self.assertEqual((SDP, SDP), (self.fixed.local, self.fixed.offer()))

    def test_rollbackToAnotherLimit(self) -> None:
        self.call()
        self.fixed.offer("sendonly")
        self.fixed.update(OFFER)
        self.fixed.offer("sendrecv")
        self.fixed.rollback()
        self.assertIn(b"a=sendonly\r\n", self.fixed.answer(OFFER))

    def test_refusedVersionIsNotUsedForSomethingElse(self) -> None:
        """Section 8: the peer has seen that one."""
        self.call()
        held = self.fixed.offer("sendonly")
        for _ in range(2):
            self.fixed.rollback()
            self.assertEqual(held, self.fixed.offer("sendonly"))
        self.fixed.rollback()
        self.assertEqual(SDP, self.fixed.answer(OFFER))
        self.assertEqual(SDP.replace(b"1 1", b"1 3") + b"a=inactive\r\n", self.fixed.offer("inactive"))
        self.fixed.rollback()
        first = FixedDescription(SDP)
        first.offer()
        first.rollback()
        self.assertEqual(SDP.replace(b"1 1", b"1 2") + b"a=inactive\r\n", first.offer("inactive"))

    def test_limitThatIsNoDirection(self) -> None:
        self.call()
        for limit in ("", "hold", "sendrecv "):
            error = self.assertRaises(InvalidValue, self.fixed.offer, limit)
            self.assertEqual(("limit", limit), (error.name, error.value))
        self.assertEqual(SDP, self.fixed.offer())

    def test_whatIsNoSdpHasNoDirection(self) -> None:
        opaque = FixedDescription(b"anything", "application/x-opaque")
        self.assertEqual("limit", self.assertRaises(InvalidValue, opaque.offer, "sendonly").name)
        self.assertEqual(b"anything", opaque.offer("sendrecv"))
        self.assertRaises(InvalidValue, FixedDescription(b"anything").offer, "sendonly")


class ExchangeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.fixed = FixedDescription(SDP)

    def test_laterAnswerToTheSameOffer(self) -> None:
        """An early answer, then the final one, which counts."""
        self.fixed.offer()
        self.fixed.update(OFFER)
        self.fixed.update(HELD)
        self.assertEqual((SDP, HELD), (self.fixed.local, self.fixed.remote))
        self.assertRaises(NotAcceptable, self.fixed.update, VIDEO)
        self.assertEqual((SDP, HELD), (self.fixed.local, self.fixed.remote))
        self.fixed.rollback()
        self.assertEqual((None, None), (self.fixed.local, self.fixed.remote))

    def test_noAnswerAfterTheNextOffer(self) -> None:
        self.fixed.offer()
        self.fixed.update(OFFER)
        self.fixed.answer(OFFER)
        self.assertRaises(NotAcceptable, self.fixed.update, HELD)

    def test_offerOrAnswerThatWasNotMadeHasNothingToRollBack(self) -> None:
        """What was agreed before stays in force."""
        for failing, error, argument in [("answer", NotAcceptable, VIDEO), ("offer", InvalidValue, "hold")]:
            fixed = FixedDescription(SDP)
            fixed.offer()
            fixed.update(OFFER)
            self.assertRaises(error, getattr(fixed, failing), argument)
            fixed.rollback()
            self.assertEqual((SDP, OFFER), (fixed.local, fixed.remote))


class ForkTests(SynchronousTestCase):
    """RFC 3261 section 13.2.2.4: each dialog has its own session."""

    def setUp(self) -> None:
        self.fixed = FixedDescription(SDP)

    def test_takesItsOwnAnswer(self) -> None:
        fork = self.fixed.fork(self.fixed.offer())
        verifyObject(ISessionDescription, fork)
        self.assertEqual((None, None), (fork.local, fork.remote))
        fork.update(HELD)
        self.fixed.update(OFFER)
        self.assertEqual((SDP, HELD, OFFER), (fork.local, fork.remote, self.fixed.remote))
        fork.rollback()
        self.assertEqual((None, None), (fork.local, fork.remote))

    def test_forkOfAnAnsweredOne(self) -> None:
        offer = self.fixed.offer()
        self.fixed.update(OFFER)
        fork = self.fixed.fork(offer)
        self.assertRaises(NotAcceptable, fork.update, VIDEO)
        fork.update(OFFER)
        self.assertIn(b"1 2", fork.offer("sendonly"))
        self.assertEqual(SDP, self.fixed.offer())

    def test_limitOfTheOfferOnly(self) -> None:
        """What another dialog's session was limited to later is its own affair."""
        offer = self.fixed.offer("sendonly")
        fork = self.fixed.fork(offer)
        fork.update(OFFER)
        self.assertEqual(offer, fork.offer())
        self.fixed.update(OFFER)
        self.fixed.offer("inactive")
        later = self.fixed.fork(offer)
        later.update(OFFER)
        self.assertIn(b"a=recvonly\r\n", later.answer(HELD))

    def test_withoutAnOffer(self) -> None:
        self.fixed.answer(OFFER)
        fork = self.fixed.fork()
        self.assertRaises(NotAcceptable, fork.update, OFFER)
        self.assertEqual((None, SDP), (fork.local, fork.offer()))

    def test_opaque(self) -> None:
        fork = FixedDescription(b"anything", "application/x-opaque").fork(b"anything")
        fork.update(b"what")
        self.assertEqual(("application/x-opaque", b"what"), (fork.contentType, fork.remote))

    def test_bodyGivenByTheApplication(self) -> None:
        """Taken as it is, and so are the answers to it, on every fork; what comes later is compared."""
        given = GivenDescription(SDP)
        fork = given.fork(given.offer())
        self.assertIsInstance(fork, GivenDescription)
        for session in (given, fork):
            for answer in (b"early", VIDEO, OFFER):
                session.update(answer)
                self.assertEqual((SDP, answer), (session.local, session.remote))
            session.offer()
            self.assertRaises(NotAcceptable, session.update, VIDEO)
            self.assertEqual(OFFER, session.remote)
