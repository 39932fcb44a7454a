"""
REFERs in a call that no delegate takes: what C{referPolicy} makes of them (RFC 3515 section 5.1 leaves it to us).
"""

from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from tests.ua.callee import ANSWER, OFFER, Callee
from tests.ua.transferee import CAROL, Transferee, TransfereeCase, later
from twisted_sipdialog import DialogDelegate
from twisted_sipdialog.configuration import LoadLimits
from twisted_sipdialog.errors import ConfigurationError, InvalidValue


class Own(DialogDelegate):
    """Refuses in its own way."""

    def referReceived(self, context):
        context.reject(488)


class PolicyCase(TransfereeCase):
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


class PolicyTests(PolicyCase):
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

    def test_chain(self):
        """One whom a REFER had us call is nobody that we chose: a further REFER of that one is refused."""
        self.callOut()
        self.assertEqual(self.status(), 202)
        self.called()
        self.answers()
        refer = self.target.request("REFER", within=self.invite, headers={"Refer-To": "<sip:dave@peer.example>"})
        self.assertEqual(self.target.expect("603 REFER").cseqNumber, refer.cseqNumber)
        (new,) = [dialog for dialog in self.userAgent.dialogs if dialog is not self.dialog]
        new.authenticated = True
        self.target.request("REFER", within=self.invite, headers={"Refer-To": "<sip:dave@nowhere.example>"})
        self.target.expect("202 REFER")
        for _ in range(2):
            self.target.respond(self.target.expect("NOTIFY"), 200)
        self.told()
        self.told()
        self.targetHangsUp()
        self.over()

    def test_several(self):
        """As many as C{loadLimits.refers} are open at once; beyond, 503 and when to come again."""
        self.stand(later, loadLimits=LoadLimits(refers=3))
        requests = [self.asks() for _ in range(4)]
        refused = self.finalTo(requests[-1])
        self.assertEqual((refused.statusCode, refused.headers.get("retry-after")), (503, "5"))
        for context in self.notes.referContexts:
            context.reject(486)
        self.network.advance(0.1)
        self.assertEqual(len(self.notes.referContexts), 3)
        self.over()

    def test_options(self):
        """What says how to call is of no use where nobody is called, and says so."""
        self.stand(later)
        self.asks()
        context = self.notes.refer
        for wrong in ({"inviteOptions": {"body": ANSWER}}, {"modifiers": [len]}):
            self.assertRaises(InvalidValue, context.accept, **wrong)
        self.assertRaises(InvalidValue, context.accept, followRefer=True, inviteOptions={"nonsense": 1})
        context.reject()
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
        events = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.stand(referPolicy="follow")
        session, self.dialog.session = self.dialog.session, None
        self.assertRefused()
        self.dialog.session = session
        self.over()
        (warning,) = [formatEvent(event) for event in events if event["log_level"] is LogLevel.warn]
        self.assertIn("needs a body, or media", warning)

    def test_authenticatedEarly(self):
        """What the application finds out while it rings holds for the call (RFC 3261 section 12.1: one dialog)."""

        def answer(context):
            context.progress(180)
            context.dialog.authenticated = True
            context.accept(body=ANSWER)

        self.notes = Callee(answer)
        self.userAgent = self.agent(self.notes)
        self.within = self.final("INVITE", self.userAgent, body=OFFER)
        self.peer.ack(self.within)
        self.network.advance(0.01)
        self.dialog = self.notes.dialog
        self.assertFollowed()
        self.over()

    def test_saidElsewhere(self):
        """So do an INVITE of ours, and Allow of a 405 (RFC 3261 sections 13.2.1 and 21.4.6)."""
        for policy, isTaken in (("trusted", True), ("follow", True), ("ask", True), ("refuse", False)):
            self.callOut(referPolicy=policy)
            refused = self.final("PUBLISH", self.userAgent, headers={"Event": "presence"})
            self.assertEqual(refused.statusCode, 405)
            for message in (self.within, refused):
                self.assertEqual("REFER" in message.headers.elements("allow"), isTaken, policy)
            tags = {"norefersub", "nosub", "explicitsub", "tdialog"}
            said = tags & {*self.within.headers.elements("supported")}
            self.assertEqual(said, tags if isTaken else set(), policy)
            self.over()


class OwnTests(PolicyCase):
    """The delegates that may override C{referReceived}: the dialog's own, then the user agent's."""

    def called(self, own, agents, policy):
        """A call to us; C{own} is the delegate of its dialog."""
        self.notes = Transferee(agents, lambda context: context.accept(body=ANSWER, delegate=own) and None)
        self.userAgent = self.agent(self.notes, referPolicy=policy)
        self.within = self.final("INVITE", self.userAgent, body=OFFER)
        self.peer.ack(self.within)
        self.network.advance(0.01)
        self.dialog = self.notes.dialog

    def calling(self, own, agents, policy):
        """The same, but we have placed it."""
        self.notes = Transferee(agents)
        self.userAgent = self.agent(self.notes, referPolicy=policy)
        calling = self.userAgent.invite("sip:peer@peer.example", body=ANSWER, delegate=own)
        self.within = self.peer.expect("INVITE")
        self.peer.respond(self.within, 200, body=OFFER)
        self.network.advance(0.01)
        self.dialog = self.successResultOf(calling)

    def each(self, own, agents, status):
        """C{status(policy)} is what each call and each policy has."""
        for begin in (self.called, self.calling):
            for policy in ("trusted", "follow", "ask", "refuse"):
                with self.subTest(begin=begin.__name__, policy=policy):
                    begin(own, agents, policy)
                    self.assertRefused(status(policy))
                    self.over()

    def test_own(self):
        """The dialog's own is asked first, whoever placed the call; nobody under C{refuse}."""
        self.each(
            Own(), lambda context: context.reject(480) and None, lambda policy: 603 if policy == "refuse" else 488
        )

    def test_ownWithoutTheMethod(self):
        """One that has no C{referReceived} leaves it to the user agent's."""
        self.each(
            DialogDelegate(),
            lambda context: context.reject(480) and None,
            lambda policy: 603 if policy == "refuse" else 480,
        )

    def test_onlyOwn(self):
        """Neither does the user agent's need to have it."""
        self.each(Own(), None, lambda policy: 603 if policy == "refuse" else 488)

    def test_unanswered(self):
        """One that was asked has decided: returning unanswered refuses, also where all would be followed."""
        self.each(DialogDelegate(), lambda context: None, lambda policy: 603)
