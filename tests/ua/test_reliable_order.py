"""
Several reliable provisionals, and the final response that ends them (RFC 3262 section 3).
"""

from tests.ua.ringing import RingingTestCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated


class OneAtATimeTests(RingingTestCase):
    """The next waits for the PRACK of the first."""

    def test_waits(self):
        """
        Section 3: no second one before the first got its PRACK; all go out in their order.
        """
        callee, _invite, first, done = self.rung(code=180)
        others = [callee.context.progress(code, reliable=True) for code in (181, 183)]
        self.network.advance(4)
        self.assertEqual((self.sent("181 INVITE"), self.sent("183 INVITE")), (0, 0))
        self.prack(first)
        self.successResultOf(done)
        self.assertEqual((self.sent("181 INVITE"), self.sent("183 INVITE")), (1, 0))
        second = self.got("181 INVITE")
        self.network.advance(2)
        self.assertEqual(self.sent("181 INVITE"), 3)
        self.prack(second)
        self.assertEqual(self.sent("183 INVITE"), 1)
        self.prack(self.got("183 INVITE"))
        for other in others:
            self.successResultOf(other)
        numbers = [int(r.headers.get("rseq")) for r in (first, second, self.got("183 INVITE"))]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 3)))
        callee.context.reject(486)

    def test_ownTime(self):
        """
        Each has its own 64*T1, from when it was sent.
        """
        callee, invite, first, _done = self.rung(code=180)
        callee.context.progress(183, reliable=True)
        self.network.advance(20)
        self.prack(first)
        self.network.advance(31)
        self.assertFalse(callee.context.answered)
        self.network.advance(2)
        self.refused(invite, 504)

    def test_oneAfterTheOther(self):
        """
        A coroutine that awaits each of them: each is sent once, and repeated by one timer.
        """

        async def answer(context):
            await context.progress(180, reliable=True)
            await context.progress(183, reliable=True)
            context.answerLater()

        callee, _invite = self.ringing(answer=answer)
        self.prack(self.got("180 INVITE"))
        self.assertEqual(self.sent("183 INVITE"), 1)
        self.network.advance(2)
        self.assertEqual(self.sent("183 INVITE"), 3)
        self.prack(self.got("183 INVITE"))
        self.network.advance(40)
        self.assertEqual(self.sent("183 INVITE"), 3)
        callee.context.reject(486)

    def test_unreliableBetween(self):
        """
        One that is not reliable waits for nobody, and nothing is confused by it.
        """
        callee, _invite, first, _done = self.rung(code=183)
        callee.context.progress(180)
        self.assertNotIn("rseq", self.got("180 INVITE").headers)
        self.network.advance(1)
        self.prack(first)
        self.network.advance(40)
        self.assertEqual(self.sent("180 INVITE"), 1)
        callee.context.reject(486)


class EndTests(RingingTestCase):
    """The final response while one waits for its PRACK."""

    def test_cancelled(self):
        """
        CANCEL: 487, nothing is repeated, whoever waits for the PRACK is told that the call is over.
        """
        callee, invite, _ringing, done = self.rung()
        self.peer.cancel(invite)
        self.network.advance(0.01)
        self.refused(invite, 487)
        self.failureResultOf(done, DialogTerminated)
        self.assertEqual(callee.events, ["early", "terminated", "cancelled"])
        self.assertIs(callee.ended.reason, Reason.REMOTE_CANCEL)
        self.network.advance(5)
        self.assertEqual(self.sent("183 INVITE"), 1)

    def test_rejected(self):
        """
        A refusal waits for no PRACK (section 3), and a late PRACK hurts nobody.
        """
        callee, invite, ringing, done = self.rung()
        queued = callee.context.progress(181, reliable=True)
        callee.context.reject(486)
        self.refused(invite, 486)
        for each in (done, queued):
            self.failureResultOf(each, DialogTerminated)
        self.prack(ringing, status=481)
        self.network.advance(5)
        self.assertEqual((self.sent("183 INVITE"), self.sent("181 INVITE")), (1, 0))
        self.assertIs(callee.ended.reason, Reason.REJECTED)

    def test_bye(self):
        """
        RFC 3261 section 15.1.2: BYE in the early dialog gets 200, the INVITE 487.
        """
        callee, invite, ringing, done = self.rung()
        self.assertEqual(self.final("BYE", self.desk, within=ringing).statusCode, 200)
        self.refused(invite, 487)
        self.failureResultOf(done, DialogTerminated)
        self.assertEqual(callee.events, ["early", "terminated", "cancelled"])
        self.assertIs(callee.ended.reason, Reason.REMOTE_BYE)

    def test_coroutine(self):
        """
        A coroutine that waits for the PRACK is told that the call is over; if it does not care, nothing is logged.
        """

        async def answer(context):
            await context.progress(183, reliable=True)

        for method in ("CANCEL", "BYE"):
            _callee, invite = self.ringing(answer=answer)
            ringing = self.got("183 INVITE")
            if method == "CANCEL":
                self.peer.cancel(invite)
            else:
                self.final("BYE", self.desk, within=ringing)
            self.network.advance(0.01)
            self.refused(invite, 487)
            self.assertEqual(self.flushLoggedErrors(), [])

    def test_destroyed(self):
        """
        The application ends the early dialog: the INVITE is refused, nothing is repeated.
        """
        callee, invite, _ringing, done = self.rung()
        ending = callee.dialog.destroy()
        self.refused(invite, 480)
        self.successResultOf(ending)
        self.failureResultOf(done, DialogTerminated)
        self.network.advance(5)
        self.assertEqual(self.sent("183 INVITE"), 1)

    def test_stopped(self):
        """
        The service stops.
        """
        callee, invite, _ringing, done = self.rung()
        self.desk.stopService()
        self.refused(invite, 480)
        self.failureResultOf(done, DialogTerminated)
        self.assertEqual(callee.events, ["early", "terminated"])

    def test_delegateWithoutProgress(self):
        """
        answerLater() after a reliable one: the call is bounded as ever.
        """
        callee, invite = self.ringing(answer=self.ringsReliably)
        self.prack(self.got("180 INVITE"))
        self.network.advance(61)
        self.refused(invite, 408)
        self.assertIs(callee.ended.reason, Reason.NO_ANSWER)
