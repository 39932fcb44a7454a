"""
Subscriptions of ours within a call: two usages of one dialog (RFC 5057, RFC 6665 section 4.4.1).
"""

from tests.ua.callee import ANSWER, Callee
from tests.ua.calling import challenge, proven
from tests.ua.subscribed import Count, SubscribedCase
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import InvalidState, InvalidValue, ResponseError, SubscriptionTerminated, Timeout


class SharedCase(SubscribedCase):
    def calls(self, **settings):
        """A call to us that stands."""
        self.userAgent, callee, self.ok = self.call(**settings)
        self.dialog = callee.dialog

    def within(self, **how):
        """A SUBSCRIBE in the call."""
        return self.asked(self.dialog.subscribe, **how)

    def shared(self, **how):
        """A subscription in the call that is active."""
        self.within(**how)
        self.grants(200, "600")
        self.notified("active")
        return self.successResultOf(self.subscribing)

    def assertStands(self):
        """The call goes on."""
        self.network.advance(1)
        self.assertIsNone(self.dialog.ended, self.network.ladder())
        self.assertEqual(self.sent("BYE"), 0)
        self.assertEqual(self.final("INFO", None, within=self.ok).statusCode, 200)

    def hangsUp(self):
        self.assertEqual(self.final("BYE", None, within=self.ok).statusCode, 200)
        self.assertIsNotNone(self.dialog.ended)


class SharedTests(SharedCase):
    def test_dialog(self):
        """Section 4.5.2: it has Call-ID, tags, target and CSeq of the call, and both see each other."""
        self.calls()
        subscription = self.shared(event="x-state;a=b", expires=700, body=b"f", contentType="text/f")
        self.assertEqual((self.request.callId, self.request.toTag), (self.ok.callId, self.peer.tag))
        self.assertEqual(self.request.fromTag, self.ok.toTag)
        self.assertEqual(self.request.uriText, f"sip:peer@{self.peer.address[0]}:5060")
        self.assertEqual(
            (self.header("event"), self.header("expires"), self.request.body), ("x-state;a=b", "700", b"f")
        )
        self.assertEqual(len(self.request.contacts), 1)
        self.assertIs(subscription.dialog, self.dialog)
        self.assertEqual(subscription.sip, self.dialog.sip)
        self.assertIn("x-state", " ".join(self.dialog.subscriptions))
        self.notified("active", b"1")
        self.assertEqual(subscription.notification.body, b"1")
        first = self.request
        self.nextAfter(540, 1)
        self.assertEqual(self.ids(), self.ids(first))
        self.assertGreater(self.request.cseqNumber, first.cseqNumber)
        self.grants(200, "600")
        self.assertStands()
        self.ends(subscription)
        self.assertStands()
        self.assertEqual(self.dialog.subscriptions, [])
        self.hangsUp()
        self.left()

    def ends(self, subscription):
        ending = subscription.unsubscribe()
        self.next(0.1)
        self.assertEqual(self.header("expires"), "0")
        self.grants(200, "0")
        self.notified("terminated;reason=timeout")
        self.assertIs(self.successResultOf(ending), subscription.notification)

    def test_ours(self):
        """The same in a call of ours."""
        agent = self.userAgent = self.agent()
        calling = agent.invite("sip:bob@peer.example", body=ANSWER)
        invite = self.peer.expect("INVITE")
        self.peer.respond(invite, 200, body=ANSWER)
        self.peer.expect("ACK")
        self.dialog = self.successResultOf(calling)
        self.shared()
        self.assertEqual((self.request.callId, self.request.cseqNumber), (invite.callId, invite.cseqNumber + 1))
        self.ends(self.told.subscription)
        self.dialog.destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.left()

    def test_several(self):
        """Section 8.2.1: ids tell apart those of one package; each hears its own NOTIFYs."""
        self.calls()
        one = self.shared()
        first = self.request
        two = self.shared()
        second = self.request
        self.assertIsNone(one.event.id)
        self.assertIsNotNone(two.event.id)
        self.assertEqual(second.headers.get("event"), f"x-state;id={two.event.id}")
        named = self.shared(event="x-state;id=5")
        self.assertEqual((named.event.id, self.header("event")), ("5", "x-state;id=5"))
        self.ends(named)
        self.shared(event="x-other")
        other = self.told.subscription
        self.notified("active", b"1", within=first)
        self.notified("active", b"2", within=second)
        self.notified("active", b"3")
        self.assertEqual([s.notification.body for s in (one, two, other)], [b"1", b"2", b"3"])
        self.assertEqual(self.notifies("active", Event="x-state;id=else").statusCode, 481)
        self.assertEqual(self.notifies("active", Event="x-third").statusCode, 481)
        self.notified("terminated;reason=noresource", within=first)
        self.assertEqual([s.state for s in (one, two, other)], ["terminated", "active", "active"])
        self.assertStands()
        for subscription in (two, other):
            self.ends(subscription)
        self.hangsUp()
        self.left()

    def test_goesOn(self):
        """RFC 5057 section 3: the BYE ends the session alone; the subscription, and its dialog, go on."""
        self.calls()
        subscription = self.shared()
        self.hangsUp()
        self.notified("active", b"1")
        self.assertEqual((subscription.state, subscription.notification.body), ("active", b"1"))
        self.nextAfter(540, 1)
        self.grants(200, "600")
        self.notified("active", b"2")
        self.ends(subscription)
        self.left()

    def test_ourBye(self):
        """The same after a BYE of ours."""
        self.calls()
        subscription = self.shared()
        self.dialog.destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(1)
        self.notified("active", b"1")
        self.assertEqual(subscription.state, "active")
        self.ends(subscription)
        self.left()

    def test_byeBeforeNotify(self):
        """Nor does a BYE that crosses the first NOTIFY undo it."""
        self.calls()
        self.within()
        self.grants(200, "600")
        self.hangsUp()
        self.notified("active", b"1")
        self.ends(self.successResultOf(self.subscribing))
        self.left()

    def test_notAnew(self):
        """Once the call is over there is nothing that it could begin anew in."""
        for reason in ("deactivated", "timeout", "probation;retry-after=30", "giveup"):
            self.told.told.clear()
            self.calls()
            subscription = self.shared()
            self.hangsUp()
            self.network.advance(100)
            self.notified(f"terminated;reason={reason}")
            self.none(700)
            self.assertEqual(subscription.state, "terminated")
            self.assertEqual(self.told.events.count("terminated"), 1)
            self.left()

    def test_overMeanwhile(self):
        """Nor where it is over before it was to begin anew."""
        self.calls()
        subscription = self.shared()
        self.notified("terminated;reason=probation;retry-after=30")
        self.assertEqual(subscription.state, "suspended")
        self.hangsUp()
        self.none(100)
        self.assertEqual(subscription.state, "terminated")
        self.left()

    def test_anew(self):
        """While the call stands it is begun anew in it, as another subscription of its dialog."""
        self.calls()
        subscription = self.shared()
        first = self.request
        self.network.advance(100)
        self.notified("terminated;reason=deactivated")
        self.next(1)
        self.assertEqual(self.ids(), self.ids(first))
        self.grants(200, "600")
        self.notified("active", b"2")
        self.assertEqual((subscription.state, subscription.notification.body), ("active", b"2"))
        self.assertStands()
        self.ends(subscription)
        self.hangsUp()
        self.left()

    def test_refused(self):
        """Section 4.1.2.1: a refusal of the first is none of the call's, unless it says that there is no dialog."""
        for code in (403, 405, 489, 500, 603):
            self.calls()
            self.within()
            self.grants(code)
            self.failureResultOf(self.subscribing, ResponseError)
            self.assertStands()
            self.assertEqual(self.dialog.subscriptions, [])
            self.hangsUp()
            self.left()

    def test_unknown(self):
        """RFC 5057 section 5.1, RFC 6665 section 4.1.2.2: a 481 to a refresh is the end of the subscription alone."""
        self.calls()
        subscription = self.shared(resubscribe=False)
        self.next(541)
        self.grants(481)
        self.assertEqual((subscription.state, subscription.ended.reason), ("terminated", "refused"))
        self.assertStands()
        self.hangsUp()
        self.left()

    def test_silence(self):
        """RFC 5057 section 5.1: nor is silence to a SUBSCRIBE, or a NOTIFY that never comes, the end of the call."""
        for isAccepted in (False, True):
            self.calls()
            self.within()
            if isAccepted:
                self.grants(200, "600")
            self.network.advance(33)
            self.failureResultOf(self.subscribing, Timeout)
            self.assertStands()
            self.hangsUp()
            self.left()

    def test_end(self):
        """A first NOTIFY that ends it ends nothing else."""
        self.calls()
        self.within()
        self.grants(200, "600")
        self.notified("terminated;reason=noresource")
        self.failureResultOf(self.subscribing, SubscriptionTerminated)
        self.assertStands()
        self.hangsUp()
        self.left()

    def test_value(self):
        """A package reads what is told in a call, too; a body that it cannot read ends nothing."""
        self.calls()
        subscription = self.shared(event=Count())
        self.notified("active", b"7")
        self.assertEqual(subscription.value, "7")
        self.assertEqual(self.notifies("active", b"x").statusCode, 400)
        self.assertEqual(self.notifies("active", b"x", Content_Type="text/x").statusCode, 415)
        self.assertStands()
        self.ends(subscription)
        self.hangsUp()
        self.left()

    def test_repaired(self):
        """Section 4.1.2.1: a 423 and a challenge are repaired within the call; the next CSeq, the same dialog."""
        self.calls(credentials=(Credentials("alice", "wonderland", realm="example.com"),))
        self.within(expires=60)
        first = self.request
        self.grants(423, Min_Expires="600")
        self.next(0.1)
        self.assertEqual(self.header("expires"), "600")
        self.grants(401, **{"WWW-Authenticate": challenge()})
        self.next(0.1)
        self.assertIsNotNone(proven(self.request))
        self.assertEqual((self.header("expires"), self.ids()), ("600", self.ids(first)))
        self.assertEqual(self.request.cseqNumber, first.cseqNumber + 2)
        self.grants(200, "600")
        self.notified("active")
        self.ends(self.successResultOf(self.subscribing))
        self.assertStands()
        self.hangsUp()
        self.left()

    def test_values(self):
        """What cannot be so raises, and nothing is sent."""
        self.calls()
        for wrong in ({"event": "a b"}, {"expires": 0}, {"body": "text"}, {"extraHeaders": [("Event", "x")]}):
            with self.assertRaises(InvalidValue, msg=repr(wrong)):
                self.dialog.subscribe(**{"event": "x-state", **wrong})
        self.none(1)
        self.assertEqual(self.dialog.subscriptions, [])
        self.hangsUp()
        self.left()

    def test_early(self):
        """In an early dialog, it is too soon."""
        agent, callee, invite = self.ring()
        self.userAgent = agent
        callee.context.progress(180)
        self.network.advance(0.1)
        self.assertRaises(InvalidState, callee.dialog.subscribe, "x-state")
        callee.context.reject(486)
        self.finalTo(invite)
        self.left()

    def test_over(self):
        """In one that is over, too late."""
        self.calls()
        self.hangsUp()
        failed = []
        try:
            self.dialog.subscribe("x-state").addErrback(failed.append)
        except Exception as error:
            failed.append(error)
        self.none(1)
        self.assertEqual(len(failed), 1)
        self.left()

    def test_twoAgents(self):
        """A delegate may subscribe as soon as the call stands."""
        told, case = self.told, self

        class Watching(Callee):
            def dialogConfirmed(self, dialog):
                super().dialogConfirmed(dialog)
                case.subscribing = dialog.subscribe("x-state", delegate=told)

        self.userAgent = self.agent(Watching())
        invite = self.peer.request("INVITE", self.userAgent, body=ANSWER)
        self.peer.ack(self.finalTo(invite))
        self.next(0.1)
        self.grants(200, "600")
        self.notified("active")
        self.ends(self.successResultOf(self.subscribing))
        self.peer.request("BYE", within=self.request)
        self.left()

    def test_stop(self):
        """The service's end gives up both: first the call, as a BYE that is overtaken would be refused."""
        self.calls()
        subscription = self.shared()
        stopping = self.userAgent.stopService()
        self.peer.respond(self.peer.expect("BYE", 0.1), 200)
        self.next(0.1)
        self.assertEqual(self.header("expires"), "0")
        self.grants(200, "0")
        self.notified("terminated;reason=timeout")
        self.network.advance(0.1)
        self.successResultOf(stopping)
        self.assertEqual((subscription.state, self.userAgent.leftovers()), ("terminated", []))
