"""
Offers and answers while a call to us rings (RFC 3264, RFC 3262 section 5, RFC 6337 section 2).
"""

from tests.ua.callee import ANSWER, OFFER, VIDEO
from tests.ua.ringing import RingingTestCase, Slow
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.offer_answer import Exchange
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import DialogTerminated, InvalidState, ParseError, RemoteError
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.message.sdp import NotAcceptable


class AnswerTests(RingingTestCase):
    """The INVITE has the offer."""

    def test_answer(self):
        """
        RFC 6337 section 2.1, pattern 3: a reliable provisional has the answer, the 2xx none.
        """
        callee, _invite, early, done = self.rung(media=FixedMedia(ANSWER))
        self.assertEqual((early.body, early.headers.get("content-type")), (ANSWER, "application/sdp"))
        dialog = callee.dialog
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (ANSWER, OFFER))
        self.prack(early)
        self.successResultOf(done)
        callee.context.accept()
        ok = self.got("200 INVITE")
        self.assertEqual(ok.body, b"")
        self.stands(callee, ok)
        self.assertIs(dialog.dialogState.exchange, Exchange.STABLE)

    def test_configured(self):
        """
        What the configuration has for media does not come into it: it is not asked twice.
        """
        made = []

        def media(host):
            made.append(Slow(ANSWER, "nothing"))
            return made[-1]

        callee, _invite, early, _done = self.rung(media=media, settings={"media": media})
        self.prack(early)
        callee.context.accept(media=media)
        self.stands(callee)
        self.assertEqual([each.events for each in made], [["answer"]])
        self.desk.stopService()
        self.network.advance(1)

    def test_foretaste(self):
        """
        RFC 6337 section 2.1, RFC 3261 section 13.2.1: an unreliable provisional is no answer, so the 2xx has it.
        """
        for how, accept in (({"media": FixedMedia(ANSWER)}, {}), ({"body": ANSWER}, {"body": ANSWER})):
            callee, _invite = self.ringing()
            self.successResultOf(callee.context.progress(183, **how))
            early = self.got("183 INVITE")
            self.assertEqual((early.body, early.headers.get("rseq")), (ANSWER, None))
            self.assertIs(callee.dialog.dialogState.exchange, Exchange.REMOTE)
            callee.context.accept(**accept)
            self.assertEqual(self.got("200 INVITE").body, ANSWER)
            self.stands(callee)

    def test_foretasteThenPlainReliable(self):
        """
        A reliable one without a description changes nothing in that.
        """
        callee, _invite = self.ringing()
        callee.context.progress(183, media=FixedMedia(ANSWER))
        callee.context.progress(180, reliable=True)
        self.prack(self.got("180 INVITE"))
        callee.context.accept()
        self.assertEqual(self.got("200 INVITE").body, ANSWER)
        self.stands(callee)

    def test_once(self):
        """
        RFC 6337 section 2.2: what was answered cannot be answered otherwise; nothing is sent.
        """
        callee, invite, early, _done = self.rung(body=OFFER, media=FixedMedia(ANSWER))
        other = ANSWER.replace(b"6000", b"6002")
        self.assertRaises(InvalidState, callee.context.progress, 183, body=other, reliable=True)
        self.assertRaises(InvalidState, callee.context.accept, body=other)
        self.prack(early)
        self.assertRaises(InvalidState, callee.context.accept, body=other)
        self.assertEqual((self.sent("183 INVITE"), self.sent("200 INVITE")), (1, 0))
        callee.context.reject(486)
        self.refused(invite, 486)

    def test_unacceptable(self):
        """
        RFC 3261 section 13.3.1.3: an offer that nothing answers is refused with 488, reliably or not.
        """
        for reliable in (True, False):
            made = []

            def media(host, made=made):
                made.append(Slow(ANSWER, "nothing"))
                return made[-1]

            callee, invite = self.ringing(body=VIDEO)
            self.failureResultOf(callee.context.progress(183, media=media, reliable=reliable), NotAcceptable)
            self.refused(invite, 488)
            self.assertEqual((self.sent("183 INVITE"), made[0].events), (0, ["answer", "close"]))

    def test_slow(self):
        """
        An answer that takes its time goes out when it is there.
        """
        slow = Slow(ANSWER)
        callee, _invite = self.ringing()
        done = callee.context.progress(183, media=lambda host: slow, reliable=True)
        self.network.advance(3)
        self.assertEqual(self.sent("183 INVITE"), 0)
        slow.waiting.callback(None)
        early = self.got("183 INVITE")
        self.assertEqual(early.body, ANSWER)
        self.assertNoResult(done)
        self.prack(early)
        self.successResultOf(done)
        callee.context.reject(486)
        self.network.advance(0.01)
        self.assertEqual(slow.events, ["answer", "close"])

    def test_slowAndCancelled(self):
        """
        The caller gives up before it is there: nothing goes out, and what was made is given back.
        """
        slow = Slow(ANSWER)
        callee, invite = self.ringing()
        done = callee.context.progress(183, media=lambda host: slow, reliable=True)
        self.peer.cancel(invite)
        self.network.advance(0.01)
        self.refused(invite, 487)
        if not slow.waiting.called:
            slow.waiting.callback(None)
        self.failureResultOf(done)
        self.assertEqual((slow.events, self.sent("183 INVITE")), (["answer", "close"], 0))

    def test_slowAndAccepted(self):
        """
        accept() while the answer of progress() is being made: one answer, RFC 3264 section 4.
        """
        slow = Slow(ANSWER)
        callee, _invite = self.ringing()
        callee.context.progress(183, media=lambda host: slow, reliable=True)
        self.assertRaises(InvalidState, callee.context.accept, body=ANSWER)
        slow.waiting.callback(None)
        self.prack(self.got("183 INVITE"))
        callee.context.accept()
        self.stands(callee)

    def test_slowFailure(self):
        """
        An answer that fails late refuses the call as well; nobody need listen.
        """
        slow = Slow(ANSWER)
        callee, invite = self.ringing(body=VIDEO)
        callee.context.progress(183, media=lambda host: slow, reliable=True)
        slow.waiting.callback(None)
        self.refused(invite, 488)
        self.assertEqual(slow.events, ["answer", "close"])


class OfferTests(RingingTestCase):
    """The INVITE has none."""

    def test_offer(self):
        """
        RFC 6337 section 2.1, pattern 4: a reliable provisional has our offer, its PRACK the answer, the 2xx nothing.
        """
        for how in ({"body": ANSWER}, {"media": FixedMedia(ANSWER)}):
            callee, _invite = self.ringing(body=b"")
            done = callee.context.progress(183, reliable=True, **how)
            early = self.got("183 INVITE")
            self.assertEqual(early.body, ANSWER)
            dialog = callee.dialog
            self.assertIs(dialog.dialogState.exchange, Exchange.LOCAL)
            accepting = callee.context.accept()
            self.prack(early, body=OFFER)
            self.successResultOf(done)
            self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (ANSWER, OFFER))
            ok = self.got("200 INVITE")
            self.assertEqual(ok.body, b"")
            self.stands(callee, ok)
            self.assertIs(self.successResultOf(accepting), dialog)
            self.peer.received.clear()

    def test_noAnswer(self):
        """
        RFC 3262 section 5: the PRACK MUST answer; one that does not ends the call with 488.
        """
        callee, invite, early, done = self.rung(body=b"", media=FixedMedia(ANSWER))
        accepting = callee.context.accept()
        self.prack(early, status=400)
        self.refused(invite, 488)
        self.failureResultOf(done, RemoteError)
        self.failureResultOf(accepting, DialogTerminated)
        self.assertEqual(callee.events, ["early", "terminated"])
        self.assertIs(callee.ended.reason, Reason.REJECTED)

    def test_badAnswer(self):
        """
        Nor does one whose answer is none (RFC 3264 section 6).
        """
        for body, error in ((VIDEO, NotAcceptable), (b"v=0\r\nnothing", ParseError)):
            callee, invite, early, done = self.rung(body=b"", media=FixedMedia(ANSWER))
            answer = self.final("PRACK", self.desk, within=early, body=body, headers=self.rack(early))
            self.assertIn(answer.statusCode, (400, 488))
            self.refused(invite, 488)
            self.failureResultOf(done, error)
            self.assertIs(callee.ended.reason, Reason.REJECTED)

    def test_none(self):
        """
        Without an offer in it, a reliable provisional leaves it to the 2xx (pattern 2), and the ACK answers.
        """
        callee, _invite, ringing, _done = self.rung(body=b"", code=180)
        self.prack(ringing)
        accepting = callee.context.accept(body=ANSWER)
        ok = self.got("200 INVITE")
        self.assertEqual(ok.body, ANSWER)
        self.peer.ack(ok, body=OFFER)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(accepting).remote.sdp, OFFER)

    def test_foretaste(self):
        """
        RFC 3264 section 4, RFC 6337 section 2.2: an offer goes in something reliable, so the 2xx has it.
        """
        callee, _invite = self.ringing(body=b"")
        callee.context.progress(183, media=FixedMedia(ANSWER))
        self.got("183 INVITE")
        self.assertIs(callee.dialog.dialogState.exchange, Exchange.NONE)
        callee.context.accept()
        ok = self.got("200 INVITE")
        self.assertEqual(ok.body, ANSWER)
        self.peer.ack(ok, body=OFFER)
        self.network.advance(0.01)
        self.assertIs(callee.dialog.state, Phase.STABLE)
