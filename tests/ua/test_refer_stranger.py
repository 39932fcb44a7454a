"""
REFERs outside dialogs: who may send them, and what is told of them (RFC 3515, RFC 4538, RFC 7614).
"""

from tests.ua.callee import ANSWER
from tests.ua.transferee import CAROL, Transferee, TransfereeCase, later
from twisted_sipdialog.configuration import LoadLimits
from twisted_sipdialog.errors import LocalError
from twisted_sipdialog.media.fixed import FixedMedia


class Careful(Transferee):
    """Takes REFERs of strangers, as C{decide(context)} says."""

    def __init__(self, decide=later):
        super().__init__()
        self.decide = decide
        self.strangers = []

    def outOfDialogReferRequested(self, context):
        self.strangers.append(context)
        return self.decide(context)


def follow(context):
    """Do as the stranger says."""
    context.accept(followRefer=True, inviteOptions={"body": ANSWER})


class StrangerCase(TransfereeCase):
    def open(self, decide=later, **settings):
        """An agent that asks its delegate about strangers."""
        self.notes = Careful(decide)
        self.userAgent = self.agent(self.notes, allowOutOfDialogRefers=True, **settings)
        return self.userAgent

    def ask(self, target=f"<{CAROL}>", headers=None):
        return self.refer(target, headers, to=self.userAgent)

    def subscribe(self, uri, event="refer", headers=None):
        """A SUBSCRIBE to C{uri}: its final response."""
        lines = {"Event": event, "Expires": "60", **(headers or {})}
        request = self.peer.request("SUBSCRIBE", self.userAgent, uri=uri, headers=lines)
        return self.finalTo(request)


class RefusedTests(StrangerCase):
    def test_default(self):
        """403, whatever the policy for calls is, and nobody is asked."""
        for policy in ("trusted", "follow", "ask", "refuse"):
            notes = Careful(follow)
            self.userAgent = self.agent(notes, referPolicy=policy)
            self.assertEqual(self.ask().statusCode, 403)
            self.assertEqual(notes.strangers, [])
            self.assertNothingLeft()
        self.assertEqual(self.calls(), 0)

    def test_status(self):
        """Another status, if that is wanted; a To tag in any case (RFC 3261 section 8.2.6.2)."""
        self.userAgent = self.agent(Careful(follow), outOfDialogReferStatus=405)
        refused = self.ask()
        self.assertEqual(refused.statusCode, 405)
        self.assertTrue(refused.toTag)
        self.assertNothingLeft()

    def test_nobodyToAsk(self):
        """Allowed, but no delegate has the method: refused, never followed silently."""
        self.userAgent = self.agent(Transferee(lambda context: follow(context)), allowOutOfDialogRefers=True)
        self.assertEqual(self.ask().statusCode, 403)
        self.assertEqual(self.calls(), 0)
        self.assertNothingLeft()

    def test_unanswered(self):
        """A delegate that returns without an answer: the same."""
        self.open(lambda context: None)
        self.assertEqual(self.ask().statusCode, 403)
        self.assertNothingLeft()

    def test_raises(self):
        """One that raises: 500, and its failure is logged."""
        self.open(lambda context: 1 / 0)
        self.assertEqual(self.ask().statusCode, 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertNothingLeft()

    def test_malformed(self):
        """No place for NOTIFYs, or not one Refer-To: 400, and nobody is asked."""
        self.open(follow)
        for headers in (
            {"Contact": None},
            {"Contact": "<tel:+12015550123>"},
            {"Record-Route": "<sip:"},
            {"Require": "nosub, explicitsub"},
        ):
            self.assertEqual(self.ask(headers=headers).statusCode, 400, headers)
        self.assertEqual(self.ask([f"<{CAROL}>", f"<{CAROL}>"]).statusCode, 400)
        self.assertEqual(self.ask(headers={"Require": "multiple-refer"}).statusCode, 420)
        self.assertEqual((self.notes.strangers, self.calls()), ([], 0))
        self.assertNothingLeft()

    def test_referTo(self):
        """RFC 3515 section 2.4.2: other than exactly one readable Refer-To is a 400."""
        self.open(follow)
        for target in (None, "", "carol", "<sip:>", f"<{CAROL}>, <{CAROL}>", f"<{CAROL}?Replaces=x>"):
            self.assertEqual(self.ask(target).statusCode, 400, target)
        self.assertEqual((self.notes.strangers, self.calls()), ([], 0))
        self.assertNothingLeft()

    def test_unfit(self):
        """Nobody that could be called: refused before any 2xx, and no subscription."""
        self.open(follow)
        for target, status in (("<http://peer2.example/>", 416), (f"<{CAROL};method=BYE>", 501)):
            self.assertEqual(self.ask(target).statusCode, status)
        self.assertSilent()
        self.assertNothingLeft()

    def test_flood(self):
        """Many that are refused: nobody is asked, and nothing of them stays."""
        self.userAgent = self.agent(Careful(follow))
        for _ in range(500):
            self.peer.request("REFER", self.userAgent, headers={"Refer-To": f"<{CAROL}>"})
        self.network.advance(1)
        self.assertEqual(self.sent("403 REFER"), 500)
        self.assertNothingLeft()


class AcceptedTests(StrangerCase):
    def test_dialog(self):
        """The 2xx makes a dialog for the NOTIFYs: Contact, To tag, the route set (RFC 6665 section 4.4.1)."""
        self.open(follow)
        route = f"<sip:{self.peer.address[0]};lr>"
        accepted = self.ask(headers={"Record-Route": route})
        self.assertEqual((accepted.statusCode, accepted.headers.getAll("record-route")), (202, [route]))
        self.assertIn("contact", accepted.headers)
        notify = self.notified()
        self.assertEqual(
            (notify.callId, notify.fromTag, notify.toTag), (accepted.callId, accepted.toTag, accepted.fromTag)
        )
        self.assertEqual(notify.headers.getAll("route"), [route])
        self.assertEqual(notify.headers.get("event"), "refer")
        self.called()
        self.answers(486)
        self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
        self.assertNothingLeft()

    def test_noCall(self):
        """In that dialog there is no call to end, nor anything but its subscription."""
        self.open(lambda context: context.accept() and None)
        accepted = self.ask()
        self.notified()
        for method, status in (("BYE", 481), ("INFO", 405), ("INVITE", 405), ("REFER", 405), ("NOTIFY", 489)):
            request = self.peer.request(method, within=accepted)
            self.assertEqual(self.finalTo(request).statusCode, status, method)
        self.assertEqual(self.userAgent.dialogs, [])
        self.notes.strangers[0].sendNotify(603)
        self.notified()
        self.assertNothingLeft()

    def test_media(self):
        """There is no call whose session would serve: C{body}, or media in the configuration (LocalError without)."""
        self.open()
        self.asks(to=self.userAgent)
        (context,) = self.notes.strangers
        self.assertRaises(LocalError, context.accept, followRefer=True)
        context.accept(followRefer=True, inviteOptions={"media": FixedMedia(ANSWER)})
        self.refused()
        self.open(lambda context: context.accept(followRefer=True) and None, media=FixedMedia(ANSWER))
        self.asks(to=self.userAgent)
        self.refused()
        self.open(lambda context: context.accept(followRefer=True) and None)
        self.assertEqual(self.ask().statusCode, 500)
        self.assertEqual(len(self.flushLoggedErrors(LocalError)), 1)
        self.assertNothingLeft()

    def refused(self):
        """The target is called, and is busy."""
        self.assertEqual(self.finalTo(self.request).statusCode, 202)
        self.assertIn(b"m=audio", self.called().body)
        self.answers(486)
        self.assertEqual([self.told()[1], self.told()[1]], ["active", "terminated"])
        self.assertNothingLeft()

    def test_later(self):
        """Answered later, or by us before the client gives up."""
        self.open()
        self.asks(to=self.userAgent)
        (context,) = self.notes.strangers
        self.assertIsNone(context.dialog)
        context.accept()
        self.notified()
        context.sendNotify(486)
        self.notified()
        self.asks(to=self.userAgent)
        self.network.advance(31)
        self.assertEqual(self.finalTo(self.request).statusCode, 500)
        self.assertNothingLeft()

    def test_noSubscription(self):
        """Refer-Sub: false and nosub: no NOTIFY; 200 where RFC 7614 section 4 is asked for."""
        for headers, status in (({"Refer-Sub": "false"}, 200), ({"Require": "nosub"}, 200)):
            self.open(follow)
            accepted = self.ask(headers=headers)
            self.assertEqual(accepted.statusCode, status)
            self.assertEqual(accepted.headers.get("refer-sub"), headers.get("Refer-Sub"))
            self.called()
            self.answers(486)
            self.assertSilent(40)
            self.assertNothingLeft()

    def test_flood(self):
        """A careless delegate, and a stranger without end: when the time is over nothing of it is left."""
        self.open(lambda context: context.accept() and None, referExpires=60)
        for _ in range(300):
            self.peer.request("REFER", self.userAgent, headers={"Refer-To": f"<{CAROL}>"})
        self.network.advance(1)
        self.assertEqual(len(self.notes.strangers), 300)
        self.network.advance(200)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_stop(self):
        """The service stops: whoever waits for the outcome is told 503."""
        self.open(lambda context: context.accept() and None)
        self.ask()
        self.notified()
        stopping = self.userAgent.stopService()
        self.assertEqual(self.told(), ("SIP/2.0 503 Service Unavailable", "terminated"))
        self.network.advance(1)
        self.successResultOf(stopping)


class VouchedTests(StrangerCase):
    def vouching(self):
        """Target-Dialog, as the peer of our call has it."""
        sip = self.dialog.sip
        return f"{sip.callId};local-tag={sip.remoteTag};remote-tag={sip.localTag}"

    def test_right(self):
        """RFC 4538 section 4: who knows the call is taken for its peer, and the policy for that call decides."""
        self.callOut()
        accepted = self.ask(headers={"Target-Dialog": self.vouching()})
        self.assertEqual(accepted.statusCode, 202)
        notify = self.notified()
        self.assertEqual((notify.callId, notify.fromTag), (accepted.callId, accepted.toTag))
        self.assertNotEqual(notify.callId, self.dialog.sip.callId)
        self.called()
        self.answers(486)
        self.told()
        self.hangsUp()
        self.assertNothingLeft()

    def test_policy(self):
        """It is no better than a REFER in the call."""
        self.stand()
        self.assertEqual(self.ask(headers={"Target-Dialog": self.vouching()}).statusCode, 603)
        self.hangsUp()
        self.assertNothingLeft()

    def test_wrong(self):
        """Tags of another call, swapped ones, half of them, or of a call that is over: a stranger's."""
        self.callOut()
        sip, right = self.dialog.sip, self.vouching()
        for wrong in (
            f"{sip.callId};local-tag={sip.localTag};remote-tag={sip.remoteTag}",
            f"{sip.callId};local-tag={sip.remoteTag};remote-tag=x",
            f"x{right}",
            f"{sip.callId};local-tag={sip.remoteTag}",
            "",
        ):
            self.assertEqual(self.ask(headers={"Target-Dialog": wrong}).statusCode, 403, wrong)
        self.hangsUp()
        self.assertEqual(self.ask(headers={"Target-Dialog": right}).statusCode, 403)
        self.assertEqual(self.calls(), 0)
        self.assertNothingLeft()


class ExplicitTests(StrangerCase):
    """RFC 7614 section 4: the outcome is told to those who ask for it."""

    def accepted(self, **settings):
        self.open(follow, **settings)
        accepted = self.ask(headers={"Require": "explicitsub"})
        self.assertEqual(accepted.statusCode, 200)
        self.called()
        self.uri = accepted.headers.get("refer-events-at").strip("<>")

    def test_asks(self):
        """Before the end: what is known, and then each status."""
        self.accepted()
        self.assertSilent()
        answer = self.subscribe(self.uri)
        self.assertEqual((answer.statusCode, answer.headers.get("expires")), (200, "60"))
        self.assertEqual(self.told(), ("SIP/2.0 100 Trying", "active"))
        self.answers(486)
        self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
        self.assertNothingLeft()

    def test_late(self):
        """A little after the end, too; not much later."""
        self.accepted()
        self.answers(486)
        self.network.advance(20)
        self.assertEqual(self.subscribe(self.uri).statusCode, 200)
        self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
        self.network.advance(20)
        self.assertEqual(self.subscribe(self.uri).statusCode, 481)
        self.assertNothingLeft()

    def test_elsewhere(self):
        """Another URI, or another event: as any SUBSCRIBE."""
        self.accepted()
        self.assertEqual(self.subscribe(self.uri[:-1]).statusCode, 481)
        self.assertEqual(self.subscribe(self.uri, "presence").statusCode, 489)
        self.answers(486)
        self.assertNothingLeft()

    def test_tooMany(self):
        """As many as C{loadLimits.forks} at once."""
        self.accepted(loadLimits=LoadLimits(forks=2))
        statuses = [self.subscribe(self.uri).statusCode for _ in range(3)]
        self.assertEqual(statuses, [200, 200, 503])
        for _ in range(2):
            self.notified()
        self.answers(486)
        for _ in range(2):
            self.notified()
        self.assertNothingLeft()

    def test_ownDomainOnly(self):
        """The URI is one of ours."""
        self.accepted(ownDomainOnly=True)
        self.assertEqual(self.subscribe(self.uri).statusCode, 200)
        self.notified()
        self.answers(486)
        self.notified()
        self.assertNothingLeft()
