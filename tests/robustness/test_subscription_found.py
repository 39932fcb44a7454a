"""
What the sweep of subscriptions found, where two things had to come together.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.crossings import LATENCY
from tests.robustness.subscription_programs import act, subscribe, taking
from tests.robustness.subscriptions import Subscribed
from tests.robustness.test_subscription_pairs import ended, subscribed
from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer


class FoundTests(SynchronousTestCase):
    def check(self, run: Subscribed) -> None:
        wrong = ended(run)
        self.assertEqual(wrong, [], run.story())

    def test_begunAnewBesideAnother(self) -> None:
        """
        A subscription in a call is put off, and meanwhile the application makes another to the same package: the first
        one, when it begins anew, is told apart from that by an id (RFC 6665 section 4.5.2).
        """
        run = subscribed(("b", "put off"), True)
        run.network.advance(1.0)
        act(run.a, "subscribe within for long")
        run.network.advance(10.0)
        first, second = run.a.subscribing
        self.assertEqual([first.state, second.state], ["active", "active"])
        self.assertNotEqual(first.event.id, second.event.id)
        self.check(run)

    def test_begunBesideThePeers(self) -> None:
        """
        Both sides of a call subscribe to the same package at once (RFC 5057 section 3): when one of the two
        subscriptions ends the other one is still a usage, and a third is told apart from it.
        """
        run = subscribed(("a", "subscribe for long"), True)
        act(run.b, "subscribe within for long")
        run.network.advance(1.0)
        act(run.b, "end")
        run.network.advance(1.0)
        act(run.b, "subscribe within for long")
        run.network.advance(1.0)
        first, second = run.b.subscribing
        self.assertEqual([first.state, second.state], ["active", "active"])
        self.assertNotEqual(first.event.id, second.event.id)
        self.check(run)

    def test_notifyOvertaken(self) -> None:
        """
        A NOTIFY in a call is lost once, and an INFO with a higher CSeq comes first: it is refused with 500 (RFC 3261
        section 12.2.2), and said again, be it the last one or not.
        """
        for what in ("notify", "notify, pending", "end", "put off"):
            run = subscribed(("b", what), True)
            run.network.drop(lambda m: m.method == "NOTIFY")
            run.after(LATENCY, act, run.b, "info")
            run.network.advance(5.0)
            self.assertIn("< 500 NOTIFY", run.network.seenBy(run.bob))
            self.check(run)

    def test_subscribeOvertaken(self) -> None:
        """So is a SUBSCRIBE: a refresh, and one that ends it."""
        for what in ("refresh", "unsubscribe"):
            run = subscribed(("a", what), True)
            run.isRough = True
            run.network.drop(lambda m: m.method == "SUBSCRIBE")
            run.after(LATENCY, act, run.a, "info")
            run.network.advance(2.0)
            self.assertIn("< 500 SUBSCRIBE", run.network.seenBy(run.alice))
            self.assertEqual(run.b.notifying[0].ended is None, what == "refresh", run.network.ladder())
            self.check(run)

    def test_byeIsNotOvertaken(self) -> None:
        """
        The subscriber hangs up, and that BYE is lost once: the SUBSCRIBE that ends the subscription waits until it is
        through, as the BYE would be refused with 500 (RFC 3261 section 12.2.2), and the call go on over there.
        """
        run = subscribed(("b", "notify"), True)
        run.network.advance(1.0)
        run.isRough = True
        run.network.drop(lambda m: m.method == "BYE")
        act(run.a, "hang up")
        act(run.a, "unsubscribe")
        run.network.advance(5.0)
        self.assertIsNotNone(run.b.dialog.ended)
        self.assertIsNotNone(run.b.notifying[0].ended)
        self.check(run)

    def test_unsubscribesOnce(self) -> None:
        """One SUBSCRIBE with Expires: 0 is enough, although its 2xx comes before the last NOTIFY."""
        run = subscribed(("a", "unsubscribe"), False)
        run.network.clearSeen()
        run.network.advance(5.0)
        self.assertEqual(run.network.seenBy(run.alice), ["> SUBSCRIBE", "< 200 SUBSCRIBE", "< NOTIFY", "> 200 NOTIFY"])
        self.check(run)

    def test_firstAnswerComesLate(self) -> None:
        """
        The NOTIFY comes at once, the 2xx to the first SUBSCRIBE after nine tenths of the time (RFC 6665 section
        4.1.2.1): it is refreshed then, and does not run out.
        """
        run = Subscribed(0, {}, {"minSubscriptionExpires": 0})
        run.isRough = True
        run.b.takes = taking("accept")
        run.network.drop(lambda m: m.statusCode == 200 and m.cseqMethod == "SUBSCRIBE", times=7)
        subscribe(run.a, expires=20)
        run.network.advance(25.0)
        (subscription,) = run.a.subscribing
        self.assertEqual((run.a.told[subscription], subscription.state), ("nAAn", "active"), run.network.ladder())
        self.check(run)

    def test_givenUpBehindARefresh(self) -> None:
        """
        A refresh that gets a 503 leaves the subscription as it was (section 4.1.2.2), so that unsubscribe(), which
        waited for its answer, has something to end.
        """
        network = MemoryNetwork()
        self.addCleanup(network.assertQuiet)
        alice, bob = network.userAgent("sip:alice@a.example"), ScriptedPeer(network, "b.example")
        subscribing = alice.subscribe("sip:bob@b.example", "sweep", resubscribe=False)
        bob.respond(bob.expect("SUBSCRIBE"), 200, headers={"Expires": "3600"})
        active = {"Event": "sweep", "Subscription-State": "active"}
        bob.request("NOTIFY", within=bob.received[0], headers=active)
        bob.expect("200 NOTIFY")
        subscription = self.successResultOf(subscribing)
        refreshing = subscription.refresh()
        refresh = bob.expect("SUBSCRIBE")
        leaving = subscription.unsubscribe()
        bob.respond(refresh, 503)
        network.advance(1.0)
        self.assertEqual(self.failureResultOf(refreshing, ResponseError).value.response.statusCode, 503)
        last = bob.expect("SUBSCRIBE")
        self.assertEqual(last.headers.get("expires"), "0")
        bob.respond(last, 200, headers={"Expires": "0"})
        bob.request("NOTIFY", within=last, headers={**active, "Subscription-State": "terminated"})
        bob.expect("200 NOTIFY")
        self.assertIsNotNone(self.successResultOf(leaving))
