"""
A re-INVITE without an offer: theirs is in the 2xx, ours answers it in the ACK (RFC 3261 sections 13.2.1, 14.1;
RFC 6337 section 2.3).
"""

from twisted.internet.defer import CancelledError
from zope.interface.verify import verifyObject

from tests.ua.calling import ANSWER, OFFER
from tests.ua.changing import MOVED, VIDEO, ChangeCase, newer
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, InvalidState, RemoteError, ResponseError
from twisted_sipdialog.interfaces import ILateOffer
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription

THEIRS = newer(ANSWER, (b"4002", b"4006"))


class LateOfferTests(ChangeCase):
    def offered(self, body=THEIRS):
        """The late offer, once the peer made it."""
        self.changing, self.request = self.reinvite(None)
        self.peer.respond(self.request, 200, body=body)
        self.network.advance(0.1)
        return self.successResultOf(self.changing)

    def acks(self):
        """The ACKs to the re-INVITE."""
        of = (self.request.callId, self.request.cseqNumber)
        acks = [m for m in self.peer.received if getattr(m, "method", "") == "ACK"]
        return [ack for ack in acks if (ack.callId, ack.cseqNumber) == of]

    def declined(self):
        """
        RFC 3261 section 13.2.2.4: the one ACK has an answer, though the call ends: none of the media, under the next
        version; a BYE of ours comes behind it.
        """
        (ack,) = self.acks()
        answer = SessionDescription.parse(ack.body)
        self.assertEqual({media.port for media in answer.media}, {0})
        known = SessionDescription.parse(self.before[0])
        self.assertEqual(answer.origin.version, known.origin.version + 1)
        byes = [m for m in self.peer.received if getattr(m, "method", "") == "BYE" and m.callId == ack.callId]
        if byes:
            self.assertLess(self.peer.received.index(ack), self.peer.received.index(byes[0]))

    def test_request(self):
        """
        It has no body; and no 100rel, for an offer in a provisional would find nobody to answer it.
        """
        self.stand()
        _changing, request = self.reinvite(None, [("X-Why", "3pcc")])
        self.assertEqual((request.body, request.headers.get("content-type")), (b"", None))
        self.assertNotIn("100rel", request.headers.get("supported") or "")
        self.assertNotIn("100rel", request.headers.get("require") or "")
        self.assertEqual(request.headers.get("x-why"), "3pcc")
        _changing, request = (self.refuse(request, 488), self.reinvite(MOVED))[1]
        self.assertIn("100rel", request.headers.get("supported"))

    def test_given(self):
        """
        The answer that is given goes out as it is; from the ACK on both are in force, not before.
        """
        self.stand()
        late = self.offered()
        verifyObject(ILateOffer, late)
        self.assertEqual(late.offer, THEIRS)
        self.assertEqual((self.acks(), self.session()), ([], self.before))
        self.assertEqual(self.successResultOf(late.answer(MOVED)), MOVED)
        self.network.advance(0.1)
        (ack,) = self.acks()
        self.assertEqual((ack.body, ack.headers.get("content-type")), (MOVED, "application/sdp"))
        self.assertEqual(self.session(), (MOVED, THEIRS, False))
        self.works()
        self.hangUp()

    def test_byDescription(self):
        """
        Without one the description of the call makes it, at once or after a while.
        """
        for slow in (False, True):
            self.standWithMedia()
            self.media.slow = slow
            late = self.offered()
            answering = late.answer()
            if slow:
                self.network.advance(3)
                self.assertNoResult(answering)
                self.assertEqual(self.acks(), [])
                self.media.waiting.callback(None)
            self.assertEqual(self.successResultOf(answering), OFFER)
            self.network.advance(0.1)
            self.assertEqual([ack.body for ack in self.acks()], [OFFER])
            self.assertEqual(self.session(), (OFFER, THEIRS, False))
            self.media.slow = False
            self.hangUp()

    def test_repeated(self):
        """
        Section 13.2.2.4: copies of the 2xx wait for the answer; afterwards each gets the same ACK.
        """
        self.stand()
        late = self.offered()
        for _ in range(3):
            self.peer.respond(self.request, 200, body=THEIRS)
            self.network.advance(0.5)
        self.assertEqual(self.acks(), [])
        late.answer(MOVED)
        for _ in range(2):
            self.peer.respond(self.request, 200, body=THEIRS)
            self.network.advance(0.1)
        self.assertEqual([ack.body for ack in self.acks()], [MOVED] * 3)

    def test_once(self):
        """
        RFC 3264 section 4: an offer has one answer.
        """
        self.standWithMedia()
        late = self.offered()
        self.media.slow = True
        answering = late.answer()
        self.assertRaises(InvalidState, late.answer)
        self.assertRaises(InvalidState, late.answer, MOVED)
        self.media.waiting.callback(None)
        self.successResultOf(answering)
        self.assertRaises(InvalidState, late.answer, MOVED)
        self.network.advance(0.1)
        self.assertEqual(len(self.acks()), 1)

    def test_othersWait(self):
        """
        Section 14.1: until the ACK no other change begins, of either side.
        """
        self.stand()
        late = self.offered()
        waiting = self.modify(MOVED)
        self.assertEqual(self.fromPeer("INVITE", newer(THEIRS)).statusCode, 491)
        refused = self.fromPeer("UPDATE", newer(THEIRS))
        self.assertEqual(refused.statusCode, 500)  # RFC 3311 section 5.2: theirs awaits our answer
        self.assertIn("retry-after", refused.headers)
        self.assertEqual(self.count("INVITE"), 2)
        late.answer(newer(OFFER))
        self.accept(self.peer.expect("INVITE", 1))
        self.successResultOf(waiting)

    def test_overdue(self):
        """
        RFC 6337 section 2.3: without an answer there is no session: after 64*T1 ACK and BYE.
        """
        self.stand()
        late = self.offered()
        waiting = self.modify(MOVED)
        self.network.advance(31.8)
        self.assertEqual((self.acks(), self.count("BYE")), ([], 0))
        self.network.advance(0.3)
        self.declined()
        self.assertRaises(InvalidState, late.answer, MOVED)
        self.failureResultOf(waiting, DialogTerminated)
        bye = self.endsBye()
        self.assertIn("488", bye.headers.get("reason"))
        self.assertEqual(self.notes.reasons, [Reason.MEDIA_LOST])
        self.assertNothingLeft()

    def test_unanswerable(self):
        """
        So when the description cannot answer it; whoever asked is told why.
        """
        self.standWithMedia()
        late = self.offered(newer(VIDEO))
        self.failureResultOf(late.answer(), NotAcceptable)
        self.network.advance(0.1)
        self.declined()
        self.endsBye()
        self.assertEqual(self.notes.reasons, [Reason.MEDIA_LOST])
        self.assertEqual(self.media.calls, ["answer", "close"])
        self.assertNothingLeft()

    def test_noOffer(self):
        """
        A 2xx that has none breaks section 13.2.1: it is acknowledged, and the session stays.
        """
        self.stand()
        changing, request = self.reinvite(None)
        ack = self.accept(request, b"")
        self.assertEqual(ack.body, b"")
        self.failureResultOf(changing, RemoteError)
        self.asBefore()
        self.works()

    def test_anotherIsOpen(self):
        """
        RFC 3264 section 4: the offer comes while one of theirs, in an UPDATE, has no answer yet.  The 2xx is
        acknowledged, the change fails; the UPDATE is answered.
        """
        self.standWithMedia()
        changing, request = self.reinvite(None)
        self.media.slow = True
        update = self.fromPeer("UPDATE", THEIRS, answered=False)
        self.network.advance(0.1)
        self.assertEqual(self.accept(request, newer(THEIRS, version=2)).body, b"")
        self.failureResultOf(changing, RemoteError)
        self.media.slow = False
        self.media.waiting.callback(None)
        self.assertEqual(self.finalTo(update).statusCode, 200)
        self.assertEqual(self.dialog.remote.sdp, THEIRS)
        self.works()
        self.hangUp()

    def test_refused(self):
        """
        Section 14.1: a refusal leaves all as it was; a 491 is tried again, still without an offer.
        """
        self.stand()
        changing, request = self.reinvite(None)
        self.refuse(request, 491)
        again = self.peer.expect("INVITE", 4.1)
        self.assertEqual(again.body, b"")
        self.refuse(again, 488)
        self.failureResultOf(changing, ResponseError)
        self.asBefore()
        self.works()

    def test_cancelled(self):
        """
        Cancelled before its 2xx, it gets a CANCEL; the offer of a 2xx that crosses that is answered by the description.
        """
        for body in (THEIRS, newer(VIDEO)):
            self.standWithMedia()
            changing, self.request = self.reinvite(None)
            self.peer.respond(self.request, 100)
            self.network.advance(0.1)
            changing.cancel()
            self.failureResultOf(changing, CancelledError)
            self.peer.expect("CANCEL", 0.1)
            self.peer.respond(self.request, 200, body=body)
            self.network.advance(0.1)
            if body is THEIRS:
                self.assertEqual([ack.body for ack in self.acks()], [OFFER])
                self.assertEqual(self.session(), (OFFER, THEIRS, False))
                self.hangUp()
            else:
                self.declined()
                self.endsBye()
                self.assertNothingLeft()

    def test_ended(self):
        """
        Section 13.2.2.4: every 2xx is acknowledged, also when the call ends before the answer; which is then too late.
        """
        for mine in (True, False):
            self.stand()
            late = self.offered()
            if mine:
                self.dialog.destroy()
                self.endsBye()
            else:
                self.fromPeer("BYE")
            self.declined()
            self.peer.respond(self.request, 200, body=THEIRS)
            self.network.advance(0.1)
            self.assertEqual(len(self.acks()), 2)
            self.assertRaises(InvalidState, late.answer, MOVED)
            self.assertNothingLeft()

    def test_endedWhileAnswered(self):
        """
        So while the answer is being made, which fails.
        """
        self.standWithMedia()
        late = self.offered()
        self.media.slow = True
        answering = late.answer()
        self.fromPeer("BYE")
        self.failureResultOf(answering, DialogTerminated, CancelledError)
        self.declined()
        self.assertEqual(self.media.calls, ["answer", "close"])
        self.assertNothingLeft()

    def test_overdueWhileAnswered(self):
        """
        A description that takes longer than 64*T1 is not waited for.
        """
        self.standWithMedia()
        late = self.offered()
        self.media.slow = True
        answering = late.answer()
        self.network.advance(33)
        self.failureResultOf(answering, DialogTerminated, CancelledError)
        self.declined()
        self.endsBye()
        self.assertNothingLeft()

    def test_acceptedReliably(self):
        """
        A peer that sends one reliably all the same gets its PRACK (RFC 3262 section 4), which answers nothing.
        """
        self.stand()
        changing, request = self.reinvite(None)
        self.peer.respond(request, 183, headers={"Require": "100rel", "RSeq": "5"}, body=THEIRS)
        prack = self.peer.expect("PRACK", 1)
        self.assertEqual(prack.body, b"")
        self.peer.respond(prack, 200)
        self.peer.respond(request, 200, body=THEIRS)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(self.successResultOf(changing).answer(MOVED)), MOVED)
