"""
The fixed session description.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.interfaces import ISessionDescription, ISessionDescriptionFactory
from twisted_sipdialog.media.fixed import FixedDescription, FixedMedia
from twisted_sipdialog.message.sdp import NotAcceptable

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
