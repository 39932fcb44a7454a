"""
PRACK that has an offer, as the callee gets it (RFC 3262 section 5, RFC 6337 section 2.1).
"""

from tests.ua.callee import ANSWER, OFFER, VIDEO
from tests.ua.ringing import OTHER, RingingTestCase, Slow
from twisted_sipdialog.dialog.offer_answer import Exchange
from twisted_sipdialog.errors import DialogTerminated
from twisted_sipdialog.media.fixed import FixedMedia


class PrackOfferTests(RingingTestCase):
    """RFC 6337 section 2.1, pattern 5: PRACK has the next offer, its 200 the answer."""

    def answered(self, **how):
        """The answer went out in a reliable provisional, whose PRACK is still to come."""
        how.setdefault("media", FixedMedia(ANSWER))
        return self.rung(**how)

    def test_answered(self):
        """
        RFC 3262 section 5: the 200 has the answer.
        """
        callee, _invite, early, done = self.answered()
        ok = self.prack(early, body=OTHER)
        self.assertIn(b"m=audio 6000", ok.body)
        self.assertEqual(ok.headers.get("content-type"), "application/sdp")
        self.assertEqual(callee.dialog.remote.sdp, OTHER)
        self.successResultOf(done)
        callee.context.accept()
        self.assertEqual(self.got("200 INVITE").body, b"")
        self.stands(callee)

    def test_refused(self):
        """
        RFC 6337 section 2.1: refused with 488, it is acknowledged all the same, and what was agreed holds.
        """
        callee, _invite, early, done = self.answered()
        self.prack(early, body=VIDEO, status=488)
        self.successResultOf(done)
        self.network.advance(2)
        self.assertEqual(self.sent("183 INVITE"), 1)
        self.assertEqual((callee.dialog.local.sdp, callee.dialog.remote.sdp), (ANSWER, OFFER))
        callee.context.accept()
        self.assertEqual(self.got("200 INVITE").body, b"")
        self.stands(callee)

    def test_broken(self):
        """
        An offer that the application's own code fails on is answered with 500, and the failure is logged.
        """
        slow = Slow(ANSWER, after=2)
        callee, _invite, early, _done = self.answered(media=lambda host: slow)
        self.peer.request("PRACK", within=early, body=OTHER, headers=self.rack(early))
        self.network.advance(0.01)
        slow.waiting.errback(ZeroDivisionError())
        self.got("500 PRACK")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        callee.context.accept()
        self.assertEqual(self.got("200 INVITE").body, b"")
        self.stands(callee)

    def test_tooEarly(self):
        """
        RFC 3262 section 5: not before the first offer was answered; that answer is not hurt.
        """
        for body in (OFFER, b""):
            callee, _invite, ringing, _done = self.rung(body=body, code=180)
            refusal = self.final("PRACK", self.desk, within=ringing, body=OTHER, headers=self.rack(ringing))
            self.assertGreaterEqual(refusal.statusCode, 400)
            callee.context.accept(body=ANSWER)
            ok = self.got("200 INVITE")
            self.assertEqual(ok.body, ANSWER)
            self.peer.ack(ok, body=b"" if body else OFFER)
            self.network.advance(0.01)
            self.assertEqual(callee.dialog.remote.sdp, OFFER)
            self.peer.received.clear()

    def test_slow(self):
        """
        While its answer is being made, there is no 2xx, no other offer is taken, and it acknowledges nothing again.
        """
        slow = Slow(ANSWER, after=2)
        callee, _invite, early, done = self.answered(media=lambda host: slow)
        queued = callee.context.progress(180, reliable=True)
        self.peer.request("PRACK", within=early, body=OTHER, headers=self.rack(early))
        self.network.advance(0.01)
        callee.context.accept()
        self.assertEqual((self.sent("200 PRACK"), self.sent("200 INVITE")), (0, 0))
        self.prack(early, status=481)
        self.assertEqual(self.final("UPDATE", self.desk, within=early, body=OTHER).statusCode, 500)
        self.network.advance(2)
        self.assertEqual((self.sent("183 INVITE"), self.sent("180 INVITE")), (1, 0))
        self.assertNoResult(queued)
        slow.waiting.callback(None)
        self.assertIn(b"m=audio 6000", self.got("200 PRACK").body)
        self.successResultOf(done)
        self.assertEqual(self.got("200 INVITE").body, b"")
        self.stands(callee)
        self.assertEqual(callee.dialog.remote.sdp, OTHER)

    def test_updateMeanwhile(self):
        """
        An UPDATE without an offer is answered while the answer is being made, which then fails: no offer is open.
        """
        slow = Slow(ANSWER, after=2)
        callee, _invite, early, _done = self.answered(media=lambda host: slow)
        updates = []
        callee.updateReceived = lambda context: updates.append(context) or context.answerLater()
        update = self.peer.request("UPDATE", within=early)
        self.network.advance(0.01)
        prack = self.peer.request("PRACK", within=early, headers=self.rack(early), body=OTHER)
        self.network.advance(0.01)
        updates[0].accept()
        self.assertEqual(self.finalTo(update).statusCode, 200)
        slow.waiting.cancel()
        self.assertEqual(self.finalTo(prack).statusCode, 500)
        self.assertIs(callee.dialog.dialogState.exchange, Exchange.STABLE)
        callee.context.accept()
        self.stands(callee)

    def test_slowInPlain(self):
        """
        RFC 6337 section 2.2: the same where the provisional that it acknowledges said nothing of the session.
        """
        slow = Slow(ANSWER, after=2)
        callee, _invite, early, _done = self.answered(media=lambda host: slow)
        self.prack(early)
        callee.context.progress(180, reliable=True)
        ringing = self.got("180 INVITE")
        self.peer.request("PRACK", within=ringing, body=OTHER, headers=self.rack(ringing))
        self.network.advance(0.01)
        callee.context.accept()
        self.network.advance(1)
        self.assertEqual(self.sent("200 INVITE"), 0)
        slow.waiting.callback(None)
        self.assertEqual(self.got("200 INVITE").body, b"")
        self.stands(callee)
        seen = [what for what in self.network.seenBy(self.desk) if what in ("> 200 PRACK", "> 200 INVITE")]
        self.assertEqual(seen[-2:], ["> 200 PRACK", "> 200 INVITE"])

    def test_slowAndOver(self):
        """
        The call ends meanwhile: the PRACK is answered, too, with 487.
        """
        for method in ("CANCEL", "BYE", "reject"):
            slow = Slow(ANSWER, after=2)
            callee, invite, early, done = self.answered(media=lambda host, slow=slow: slow)
            self.peer.request("PRACK", within=early, body=OTHER, headers=self.rack(early))
            self.network.advance(0.01)
            if method == "CANCEL":
                self.peer.cancel(invite)
            elif method == "BYE":
                self.final("BYE", self.desk, within=early)
            else:
                callee.context.reject(486)
            self.network.advance(0.01)
            self.assertEqual(self.sent("487 PRACK"), 1, method)
            self.failureResultOf(done, DialogTerminated)
            self.refused(invite, 486 if method == "reject" else 487)
            self.assertEqual(slow.events[-1], "close")
            self.peer.received.clear()

    def test_neverAnswered(self):
        """
        No server transaction stays open: 500, and what was agreed holds.
        """
        slow = Slow(ANSWER, after=2)
        callee, _invite, early, done = self.answered(media=lambda host: slow)
        self.peer.request("PRACK", within=early, body=OTHER, headers=self.rack(early))
        self.network.advance(31)
        self.assertEqual(self.sent("500 PRACK"), 1)
        self.successResultOf(done)
        self.assertIs(callee.dialog.dialogState.exchange, Exchange.STABLE)
        self.assertEqual(callee.dialog.remote.sdp, OFFER)
        callee.context.accept()
        self.stands(callee)
