"""
REFERs in a call that no delegate takes: what C{referPolicy} makes of them (RFC 3515 section 5.1 leaves it to us).
"""

from twisted.logger import globalLogPublisher

from tests.ua.callee import ANSWER, OFFER, Callee
from tests.ua.transferee import CAROL, TransfereeCase, later
from twisted_sipdialog import DialogDelegate
from twisted_sipdialog.errors import ConfigurationError


class PolicyTests(TransfereeCase):
    def assertFollowed(self):
        """It is followed, and the target refuses."""
        self.assertEqual(self.status(), 202)
        self.called()
        self.answers(486)
        self.assertEqual([self.told()[0] for _ in range(2)], ["SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here"])

    def assertRefused(self, code=603):
        calls = self.calls()
        self.assertEqual(self.status(), code)
        self.assertSilent()
        self.assertEqual(self.calls(), calls)

    def over(self):
        self.hangsUp()
        self.assertNothingLeft()

    def test_trusted(self):
        """The default: followed where we placed the call, refused where we were called."""
        self.stand()
        self.assertRefused()
        self.over()
        self.callOut()
        self.assertFollowed()
        self.over()

    def test_authenticated(self):
        """The application may know who the caller is, at any time."""
        self.stand()
        self.dialog.authenticated = True
        self.assertFollowed()
        self.dialog.authenticated = False
        self.assertRefused()
        self.over()

    def test_follow(self):
        """Everybody is followed."""
        self.stand(referPolicy="follow")
        self.assertFollowed()
        self.over()

    def test_ask(self):
        """Only a delegate decides: without one nobody is followed, whoever placed the call."""
        self.callOut(referPolicy="ask")
        self.assertRefused()
        self.over()
        self.stand(lambda context: context.accept(followRefer=True) and None, referPolicy="ask")
        self.assertFollowed()
        self.over()

    def test_refuse(self):
        """No delegate is asked."""
        self.stand(later, referPolicy="refuse")
        self.assertRefused()
        self.assertEqual(self.notes.referContexts, [])
        self.over()

    def test_delegateDecides(self):
        """Under the other policies one that is there has the last word."""
        for policy in ("trusted", "follow"):
            self.stand(lambda context: context.reject(480) and None, referPolicy=policy)
            self.assertRefused(480)
            self.over()

    def test_ownDelegate(self):
        """The dialog's own delegate is asked first."""

        class Own(DialogDelegate):
            def referReceived(self, context):
                context.reject(488)

        self.notes = Callee(lambda context: context.accept(body=ANSWER, delegate=Own()) and None)
        self.userAgent = self.agent(self.notes, referPolicy="follow")
        self.within = self.final("INVITE", self.userAgent, body=OFFER)
        self.peer.ack(self.within)
        self.network.advance(0.01)
        self.dialog = self.notes.dialog
        self.assertRefused(488)
        self.over()

    def test_values(self):
        """Another word is refused when it is told."""
        for wrong in ("trust", "", None, True):
            self.assertRaises(ConfigurationError, self.agent, referPolicy=wrong)
        for wrong in (201, "202", 302):
            self.assertRaises(ConfigurationError, self.agent, referStatus=wrong)
        for wrong in (200, 700, "403"):
            self.assertRaises(ConfigurationError, self.agent, outOfDialogReferStatus=wrong)
        for wrong in (0, -1, "60", 1.5):
            self.assertRaises(ConfigurationError, self.agent, referExpires=wrong)

    def test_saidInAllow(self):
        """Allow and Supported say what is taken (RFC 3261 section 20.5): no REFER where each is refused."""
        for policy, isTaken in (("trusted", True), ("follow", True), ("ask", True), ("refuse", False)):
            self.stand(referPolicy=policy)
            options = self.finalTo(self.peer.request("OPTIONS", self.userAgent))
            for message in (self.within, options):
                self.assertEqual("REFER" in message.headers.elements("allow"), isTaken, policy)
                self.assertEqual("norefersub" in message.headers.elements("supported"), isTaken, policy)
            self.over()

    def test_beforeTheAck(self):
        """The ACK may be overtaken: whoever sends a REFER has our 2xx."""
        self.notes = Callee()
        self.userAgent = self.agent(self.notes, referPolicy="follow")
        self.within = self.final("INVITE", self.userAgent, body=OFFER)
        self.dialog = self.notes.dialog
        self.assertFollowed()
        self.peer.ack(self.within)
        self.network.advance(0.01)
        self.over()

    def test_whileWeHangUp(self):
        """Our BYE is on its way: 481 (RFC 3261 section 12.2.2)."""
        self.callOut()
        self.dialog.destroy()
        bye = self.peer.expect("BYE")
        self.assertRefused(481)
        self.peer.respond(bye, 200)
        self.network.advance(0.1)
        self.assertRefused(481)
        self.assertNothingLeft()

    def test_delegateOfTheNewCall(self):
        """It is told of the new call as it was of the old one."""
        self.callOut()
        self.assertEqual(self.status(), 202)
        self.called()
        self.answers()
        (new,) = [dialog for dialog in self.userAgent.dialogs if dialog is not self.dialog]
        self.assertIs(new.delegate, self.dialog.delegate)
        self.assertIn(("confirmed", new, None), self.notes.told)
        self.told()
        self.told()
        self.targetHangsUp()
        self.over()

    def test_twice(self):
        """Each REFER is decided for itself."""
        self.callOut()
        self.assertFollowed()
        self.assertFollowed()
        self.assertEqual(self.notifies()[-1].headers.get("event"), f"refer;id={self.request.cseqNumber}")
        self.over()

    def test_log(self):
        """Who would have us call whom, and whether we do, is one event."""
        events = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.callOut()
        self.assertFollowed()
        self.over()
        (event,) = [event for event in events if event["log_namespace"] == "twisted_sipdialog.referrals"]
        self.assertEqual((event["target"], event["statusCode"]), (CAROL, 202))
        self.assertEqual(event["peer"], self.request.headers.get("from"))

    def test_noMedia(self):
        """A call that nothing would describe is not begun: refused, and the log says why."""
        self.stand(referPolicy="follow")
        session, self.dialog.session = self.dialog.session, None
        self.assertRefused()
        self.dialog.session = session
        self.over()
