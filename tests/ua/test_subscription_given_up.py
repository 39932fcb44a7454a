"""
How a subscription of ours is given up (RFC 6665 section 4.1.2.3).
"""

from twisted.internet.defer import CancelledError

from tests.ua.calling import challenge
from tests.ua.subscribed import SubscribedCase
from tests.ua.test_subscription_shared import SharedCase
from twisted_sipdialog import Credentials


class UnsubscribeTests(SubscribedCase):
    def leaves(self, subscription):
        """It is given up; the SUBSCRIBE is there."""
        ending = subscription.unsubscribe()
        self.next(0.1)
        self.assertEqual(self.header("expires"), "0")
        self.assertNoResult(ending)
        return ending

    def assertLeft_(self, subscription, ending, notification):
        self.assertIs(self.successResultOf(ending), notification)
        self.assertIs(self.successResultOf(subscription.unsubscribe()), notification)
        end = self.successResultOf(subscription.whenTerminated())
        self.assertEqual((end.reason, end.byPeer), ("unsubscribed", False))
        self.assertEqual((self.told.events.count("terminated"), self.told.detail("terminated")), (1, end))
        self.assertEqual((subscription.state, subscription.expires), ("terminated", 0))
        self.left()

    def test_unsubscribe(self):
        """Section 4.1.2.3: Expires: 0 in the dialog, and the NOTIFY that follows is the end."""
        subscription = self.subscribed("600", event="x-state;a=b", extraHeaders=[("X-Why", "so")])
        first = self.request
        ending = self.leaves(subscription)
        self.assertEqual(self.ids(), (first.callId, first.fromTag, self.peer.tag))
        self.assertEqual((self.header("event"), self.header("x-why")), ("x-state;a=b", "so"))
        self.grants(200, "0")
        self.assertNoResult(ending)
        self.notified("terminated;reason=timeout", b"9")
        self.assertEqual(subscription.notification.body, b"9")
        self.assertEqual(self.told.events, ["accepted", "notified", "accepted", "notified", "terminated"])
        self.assertLeft_(subscription, ending, subscription.notification)

    def test_notifiedFirst(self):
        """The NOTIFY may overtake the 2xx here as well; any reason is the same end."""
        for reason in (";reason=timeout", ";reason=deactivated", ";reason=noresource", ""):
            self.told.told.clear()
            subscription = self.subscribed("600")
            ending = self.leaves(subscription)
            self.notified(f"terminated{reason}")
            self.grants(200, "0")
            self.assertLeft_(subscription, ending, subscription.notification)

    def test_active(self):
        """A NOTIFY that crosses it is taken, and is not the end."""
        subscription = self.subscribed("600")
        ending = self.leaves(subscription)
        self.notified("active;expires=20", b"1")
        self.grants(200, "0")
        self.notified("active", b"2")
        self.assertNoResult(ending)
        self.assertEqual(subscription.notification.body, b"2")
        self.none(25)
        self.notified("terminated;reason=timeout")
        self.assertLeft_(subscription, ending, subscription.notification)

    def test_neverNotified(self):
        """Section 4.1.2.4, timer N: where none comes in 64*T1, that is the end, without one."""
        subscription = self.subscribed("600")
        ending = self.leaves(subscription)
        self.grants(200, "0")
        self.network.advance(31)
        self.assertNoResult(ending)
        self.network.advance(2)
        self.assertLeft_(subscription, ending, None)

    def test_neverEnds(self):
        """Nor does a NOTIFY that says that it goes on put off that end, or keep it up."""
        subscription = self.subscribed("600")
        ending = self.leaves(subscription)
        self.grants(200, "0")
        self.network.advance(1)
        self.notified("active;expires=600")
        self.none(30)
        self.assertNoResult(ending)
        self.network.advance(2)
        self.assertEqual(subscription.ended.reason, "unsubscribed")
        self.assertLeft_(subscription, ending, None)

    def test_silence(self):
        """Nor is anything tried again that nobody answers."""
        subscription = self.subscribed("600")
        ending = self.leaves(subscription)
        self.network.advance(33)
        self.assertLeft_(subscription, ending, None)

    def test_refused(self):
        """Whatever refuses it: it is the end."""
        for code in (403, 423, 481, 489, 500, 503, 603):
            self.told.told.clear()
            subscription = self.subscribed("600")
            ending = self.leaves(subscription)
            self.grants(code, Min_Expires="60")
            self.network.advance(33)
            self.assertLeft_(subscription, ending, None)

    def test_challenged(self):
        """RFC 3261 section 22: it is proven like any other."""
        settings = {"credentials": (Credentials("alice", "wonderland", realm="example.com"),)}
        subscription = self.subscribed("600", settings)
        ending = self.leaves(subscription)
        self.grants(401, **{"WWW-Authenticate": challenge()})
        self.next(0.1)
        self.assertEqual(self.header("expires"), "0")
        self.assertIsNotNone(self.header("authorization"))
        self.grants(200, "0")
        self.notified("terminated;reason=timeout")
        self.assertLeft_(subscription, ending, subscription.notification)

    def test_starting(self):
        """Before the first NOTIFY: subscribe() fails, and the NOTIFY that comes is told that nobody is there."""
        self.subscribes()
        self.grants(200, "600")
        subscription = self.told.subscription
        ending = subscription.unsubscribe()
        self.failureResultOf(self.subscribing, CancelledError)
        self.assertEqual(self.notifies("active").statusCode, 481)
        self.assertLeft_(subscription, ending, None)

    def test_refreshing(self):
        """While a refresh is on its way: one at a time, and the end comes after it."""
        for code in (200, 500, 404, 481):
            self.told.told.clear()
            subscription = self.subscribed("600")
            refreshing = subscription.refresh()
            refreshing.addErrback(lambda _: None)
            self.next(0.1)
            ending = subscription.unsubscribe()
            self.none(0.4)
            self.grants(code, "600")
            self.assertTrue(refreshing.called)
            if subscription.ended is None:
                self.next(0.1)
                self.assertEqual(self.header("expires"), "0")
                self.grants(200, "0")
                self.notified("terminated;reason=timeout")
                self.assertLeft_(subscription, ending, subscription.notification)
            else:
                self.assertLeft_(subscription, ending, None)

    def test_refreshingRepaired(self):
        """A refresh that was too short (423) is not said again for longer, but for the end."""
        subscription = self.subscribed("600")
        refreshing = subscription.refresh(60)
        self.next(0.1)
        ending = subscription.unsubscribe()
        self.grants(423, Min_Expires="600")
        self.next(0.1)
        self.assertEqual(self.header("expires"), "0")
        self.grants(200, "0")
        self.notified("terminated;reason=timeout")
        self.successResultOf(refreshing)
        self.none(1)
        self.assertLeft_(subscription, ending, subscription.notification)

    def test_refreshingEnded(self):
        """And where the notifier ends it meanwhile, that is the end."""
        subscription = self.subscribed("600")
        refreshing = subscription.refresh()
        refreshing.addErrback(lambda _: None)
        self.next(0.1)
        ending = subscription.unsubscribe()
        self.notified("terminated;reason=noresource")
        self.grants(481)
        self.assertIs(self.successResultOf(ending), subscription.notification)
        self.assertEqual(self.told.events.count("terminated"), 1)
        self.assertTrue(refreshing.called)
        self.left()

    def test_suspended(self):
        """While it waits to begin anew there is nothing to give up at the notifier."""
        subscription = self.subscribed("600")
        self.notified("terminated;reason=probation;retry-after=60")
        self.assertLeft_(subscription, subscription.unsubscribe(), None)

    def test_startingAnew(self):
        """Nor is one there that is just begun anew."""
        subscription = self.subscribed("600")
        self.network.advance(100)
        self.notified("terminated;reason=timeout")
        self.next(0.1)
        ending = subscription.unsubscribe()
        self.grants(200, "600")
        self.assertEqual(self.notifies("active").statusCode, 481)
        self.assertLeft_(subscription, ending, None)

    def test_twice(self):
        """One SUBSCRIBE, the same outcome for each who asks."""
        subscription = self.subscribed("600")
        ending, again = self.leaves(subscription), subscription.unsubscribe()
        self.grants(200, "0")
        third = subscription.unsubscribe()
        self.none(1)
        self.notified("terminated;reason=timeout")
        for each in (again, third):
            self.assertIs(self.successResultOf(each), subscription.notification)
        self.assertLeft_(subscription, ending, subscription.notification)

    def test_ended(self):
        """Once it is over, the NOTIFY that ended it is the answer."""
        subscription = self.subscribed("600")
        self.notified("terminated;reason=noresource")
        self.assertIs(self.successResultOf(subscription.unsubscribe()), subscription.notification)
        self.assertEqual(subscription.ended.reason, "noresource")
        self.left()

    def test_cancelled(self):
        """To cancel one of its Deferreds takes nobody else's outcome."""
        subscription = self.subscribed("600")
        ending, again = self.leaves(subscription), subscription.unsubscribe()
        ending.cancel()
        self.failureResultOf(ending, CancelledError)
        self.grants(200, "0")
        self.notified("terminated;reason=timeout")
        self.assertLeft_(subscription, again, subscription.notification)


class InCallTests(SharedCase):
    def test_starting(self):
        """Before a NOTIFY came in its call it is over at once: one that comes all the same gets 481 (section 4.2.2)."""
        for isAccepted in (False, True):
            self.calls()
            self.within()
            if isAccepted:
                self.grants(200, "600")
            self.subscribing.cancel()
            self.assertEqual((self.told.events[-1], self.dialog.subscriptions), ("terminated", []))
            if not isAccepted:
                self.grants(200, "600")
            self.assertEqual(self.notifies("active").statusCode, 481)
            self.none(1)
            self.assertStands()
            self.hangsUp()
            self.left()
