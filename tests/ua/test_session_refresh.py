"""
Our refresh of a session (RFC 4028 sections 7.4 and 10): by which request, and what becomes of it.
"""

from tests.ua.callee import ANSWER, OFFER
from tests.ua.test_session_timer import KNOWS, OLD, TimedTestCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.session_timer import LOCAL, Interval


class OurRefreshTests(TimedTestCase):
    def timed(self, expires="120;refresher=uas", headers=KNOWS, answer=None, **settings):
        return super().timed(expires, headers, answer, **settings)

    def next(self, method="UPDATE"):
        return self.peer.expect(method, 2000)

    def test_method(self):
        """
        Section 7.4: UPDATE, without an offer, where the peer allows it; else a re-INVITE; or as we are configured.
        """
        for headers, setting, method in (
            (KNOWS, None, "UPDATE"),
            (OLD, None, "INVITE"),
            ({"Supported": "timer"}, None, "INVITE"),
            (KNOWS, "INVITE", "INVITE"),
            (KNOWS, "UPDATE", "UPDATE"),
        ):
            self.timed(headers=headers, sessionRefreshMethod=setting)
            for n in (1, 2, 3):
                request = self.next(method)
                self.assertEqual(self.passed(), 60 * n)
                self.assertEqual(request.headers.get("session-expires"), "120;refresher=uac")
                self.assertIn("timer", request.headers.get("supported"))
                self.assertEqual(bool(request.body), method == "INVITE")
                self.refresh(request)
            self.assertEqual(self.dialog.sessionTimer, Interval(120, LOCAL))
            self.hangsUp()

    def test_sameDescription(self):
        """Section 7.4: a refreshing re-INVITE changes nothing: same o= line (RFC 3264 section 8)."""
        self.timed(headers=OLD)
        for _ in range(3):
            request = self.next("INVITE")
            self.assertEqual(request.body, ANSWER)
            self.refresh(request)
            self.peer.expect("ACK")
        self.assertFalse(self.dialog.onHold)
        self.hangsUp()

    def test_whatIsInForce(self):
        """It says again what is in force by then: a hold, or an offer of the application."""
        for change in ("hold", ANSWER.replace(b"6000", b"6010")):
            self.timed(headers=OLD)
            self.network.advance(10)
            changing = self.dialog.modify(change)
            request = self.next("INVITE")
            said = request.body
            self.refresh(request, expires="120;refresher=uac")
            self.successResultOf(changing)
            held = self.dialog.onHold
            for _ in range(2):
                request = self.next("INVITE")
                self.assertEqual(request.body, said)
                self.refresh(request)
            self.assertEqual(self.dialog.onHold, held)
            self.hangsUp()

    def test_notSpokenOf(self):
        """Section 9: what was agreed stays where a change of the peer says nothing of it, or not who refreshes."""
        for expires, interval in ((None, Interval(120, LOCAL)), ("300", Interval(300, LOCAL))):
            self.timed()
            headers = KNOWS if expires is None else {**KNOWS, "Session-Expires": expires}
            answer = self.finalTo(self.peer.request("INVITE", within=self.ok, headers=headers, body=OFFER))
            self.peer.ack(answer)
            self.assertEqual(answer.headers.get("session-expires"), f"{interval.seconds};refresher=uas")
            self.assertEqual(self.dialog.sessionTimer, interval)
            request = self.next()
            self.refresh(request, expires=f"{interval.seconds};refresher=uac")
            self.hangsUp()

    def test_refused(self):
        """Section 10: one that is refused ends nothing by itself; without a success the time runs out."""
        for status in (400, 403, 486, 488, 500, 603):
            self.timed()
            self.refresh(self.next(), status)
            self.assertNotIn("terminated", self.callee.events, status)
            self.expires()

    def test_unknownMethod(self):
        """A peer that does not know UPDATE, whatever its Allow said, is refreshed by re-INVITE at once."""
        for status in (405, 501):
            self.timed()
            self.refresh(self.next(), status)
            request = self.peer.expect("INVITE", 1)
            self.assertEqual((request.body, self.passed()), (ANSWER, 60))
            self.refresh(request)
            self.network.advance(30)
            self.assertNotIn("terminated", self.callee.events, status)
            self.hangsUp()

    def test_refusedInvite(self):
        """The same for a re-INVITE, whose offer is taken back."""
        self.timed(headers=OLD)
        self.refresh(self.next("INVITE"), 488)
        self.assertEqual(self.dialog.local.sdp, ANSWER)
        self.expires()

    def test_sessionIsGone(self):
        """Section 7.4: 481 and 408 say that there is no session any more: BYE at once, told once."""
        for status in (481, 408):
            self.timed()
            self.refresh(self.next(), status)
            self.peer.respond(self.peer.expect("BYE", 1), 481)
            self.network.advance(100)
            self.assertIs(self.callee.ended.reason, Reason.DIALOG_ERROR)
            self.assertEqual(self.callee.ended.message.statusCode, status)
            self.assertEqual(self.userAgent.leftovers(), [])

    def test_unanswered(self):
        """Section 10: silence is as a 408: BYE when the transaction is over."""
        self.timed("1800;refresher=uas")
        self.next()
        self.peer.respond(self.peer.expect("BYE", 100), 200)
        self.assertEqual(self.passed(), 932)
        self.network.advance(100)
        self.assertIs(self.callee.ended.reason, Reason.DIALOG_ERROR)

    def test_unansweredInTime(self):
        """Section 10: the end of the session is sooner where that is."""
        self.timed()
        self.next()
        self.expires()

    def test_unansweredInvite(self):
        """A re-INVITE that only rings does not keep the session alive; its late 2xx is acknowledged."""
        self.timed(headers=OLD)
        request = self.next("INVITE")
        self.peer.respond(request, 180)
        self.expires()
        self.network.advance(1)

    def test_glare(self):
        """RFC 3261 section 14.1: after a 491 it is tried again within four seconds."""
        self.timed(headers=OLD)
        for _ in range(2):
            self.refresh(self.next("INVITE"), 491)
        self.refresh(self.next("INVITE"))
        self.assertLess(self.passed(), 70)
        self.assertEqual(self.callee.events, ["confirmed"])
        self.hangsUp()

    def test_lost(self):
        """A refresh that is lost is repeated, and keeps the session alive."""
        self.timed()
        self.network.drop(lambda m: m.method == "UPDATE", times=4)
        self.refresh(self.next())
        self.network.advance(50)
        self.assertEqual(self.callee.events, ["confirmed"])
        self.hangsUp()

    def test_tooSmall(self):
        """Section 7.4: after a 422 it asks for what that says, which is kept."""
        self.timed()
        self.refresh(self.next(), 422, **{"Min-SE": "200"})
        again = self.next()
        self.assertEqual(again.headers.get("session-expires"), "200;refresher=uac")
        self.assertEqual(again.headers.get("min-se"), "200")
        self.assertEqual(self.passed(), 60)
        self.refresh(again, expires="200;refresher=uac")
        third = self.next()
        self.assertEqual(self.passed(), 160)
        self.assertEqual(third.headers.get("min-se"), "200")
        self.refresh(third, expires="200;refresher=uac")
        self.hangsUp()

    def test_b39_tooSmallForEver(self):
        """A peer to whom nothing is enough gets five of them at most; the session ends in its time."""
        for step in (0, 10, 100):
            self.timed()
            for n in range(1, 20):
                try:
                    update = self.peer.expect("UPDATE", 60 if n == 1 else 5)
                except AssertionError:
                    break
                self.refresh(update, 422, **{"Min-SE": str(120 + n * step)})
            self.assertLessEqual(self.sent("UPDATE"), 5)
            self.expires()
            self.peer.received.clear()

    def test_unreadableMinimum(self):
        """A 422 that does not say what would do is a refusal."""
        for headers in ({}, {"Min-SE": "x"}, {"Min-SE": "60"}):
            self.timed()
            self.refresh(self.next(), 422, **headers)
            self.assertEqual(self.sent("UPDATE"), 1)
            self.expires()
            self.peer.received.clear()

    def test_noLongerWanted(self):
        """Section 7.2: a 2xx without Session-Expires: from there on the session lasts until somebody ends it."""
        self.timed()
        self.refresh(self.next(), expires=None)
        self.assertIsNone(self.dialog.sessionTimer)
        self.network.advance(4000)
        self.assertEqual(self.callee.events, ["confirmed"])
        self.hangsUp()

    def test_theyRefreshToo(self):
        """Section 9: a refresh of the peer's, though it was ours to do, begins the time anew."""
        self.timed()
        self.network.advance(50)
        headers = {**KNOWS, "Session-Expires": "120;refresher=uas"}
        self.assertEqual(self.finalTo(self.peer.request("UPDATE", within=self.ok, headers=headers)).statusCode, 200)
        request = self.next()
        self.assertEqual(self.passed(), 110)
        self.refresh(request)
        self.hangsUp()

    def test_behindAChange(self):
        """A refresh by re-INVITE waits for a change of the peer's that is open (RFC 3261 section 14.1)."""
        self.timed(headers=OLD)
        self.network.advance(59.9)
        contexts = []

        class Slow:
            def inviteReceived(self, context):
                contexts.append(context)
                context.answerLater()

        self.dialog.delegate = Slow()
        request = self.peer.request("INVITE", within=self.ok, body=OFFER)
        self.network.advance(5)
        self.assertEqual(self.sent("INVITE"), 0)
        contexts[0].reject(488)
        self.assertEqual(self.finalTo(request).statusCode, 488)
        self.dialog.delegate = None
        self.refresh(self.next("INVITE"))
        self.hangsUp()

    def test_endedMeanwhile(self):
        """A call that ends while a refresh is under way is over once, and stays over."""
        for headers, method in ((KNOWS, "UPDATE"), (OLD, "INVITE")):
            self.timed(headers=headers)
            request = self.next(method)
            self.finalTo(self.peer.request("BYE", within=self.ok))
            self.refresh(request)
            self.network.advance(500)
            self.assertIs(self.callee.ended.reason, Reason.REMOTE_BYE)
            self.assertEqual(self.callee.events, ["confirmed", "terminated"])
            self.assertEqual(self.userAgent.leftovers(), [])

    def test_stopMeanwhile(self):
        """So is one that the stop of the service ends."""
        self.timed()
        request = self.next()
        stopping = self.userAgent.stopService()
        self.network.advance(0.1)
        self.refresh(request)
        self.network.advance(10)
        self.successResultOf(stopping)
        self.assertEqual(self.callee.events, ["confirmed", "terminated"])
        self.assertEqual(self.userAgent.leftovers(), [])
