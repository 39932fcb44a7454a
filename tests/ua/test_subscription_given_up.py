"""
How a subscription of ours is given up, a state fetched once, and both ended by the service (RFC 6665 sections 4.1.2.3
and 4.4.3).
"""

from twisted.internet.defer import CancelledError

from tests.ua.calling import challenge
from tests.ua.subscribed import ALICE, Count, SubscribedCase
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import InvalidState, ResponseError, Timeout


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


class FetchTests(SubscribedCase):
    def fetches(self, **how):
        self.userAgent = self.agent()
        self.subscribing = self.userAgent.fetch(ALICE, **{"event": "x-state", **how})
        self.addCleanup(self.subscribing.addErrback, lambda _: None)
        self.next(0.1)

    def test_fetch(self):
        """Section 4.4.3: Expires: 0, and the one NOTIFY is the answer."""
        self.fetches(extraHeaders=[("X-Why", "so")], accept=("text/a",))
        self.assertEqual((self.header("expires"), self.header("accept"), self.header("x-why")), ("0", "text/a", "so"))
        self.grants(200, "0")
        self.assertNoResult(self.subscribing)
        self.notified("terminated;reason=timeout", b"7")
        notification = self.successResultOf(self.subscribing)
        self.assertEqual((notification.body, notification.state.state), (b"7", "terminated"))
        self.assertEqual(self.notifies("active").statusCode, 481)
        self.left()

    def test_notifiedFirst(self):
        """The NOTIFY may overtake the 2xx; nor does a state that is no end keep anything up."""
        for state in ("terminated;reason=timeout", "terminated;reason=noresource", "active;expires=0", "pending"):
            self.fetches(event=Count())
            self.notified(state, b"7")
            self.assertEqual(self.successResultOf(self.subscribing).value, "7")
            self.grants(202, "0")
            self.none(700)
            self.left()

    def test_refused(self):
        """A refusal is one."""
        for code in (302, 404, 423, 481, 489, 500, 603):
            self.fetches()
            self.grants(code, Min_Expires="60")
            self.assertEqual(self.failureResultOf(self.subscribing, ResponseError).value.statusCode, code)
            self.left()

    def test_silence(self):
        """No answer, or no NOTIFY in 64*T1: it fails."""
        for isAccepted in (False, True):
            self.fetches()
            if isAccepted:
                self.grants(200, "0")
            self.network.advance(33)
            self.failureResultOf(self.subscribing, Timeout)
            self.left()

    def test_cancelled(self):
        """Cancelled: nothing more is waited for."""
        self.fetches()
        self.subscribing.cancel()
        self.failureResultOf(self.subscribing, CancelledError)
        self.grants(200, "0")
        self.assertEqual(self.notifies("terminated;reason=timeout").statusCode, 481)
        self.left()


class StopTests(SubscribedCase):
    def stops(self):
        stopping = self.userAgent.stopService()
        self.network.advance(0.01)
        return stopping

    def stopped(self, stopping):
        self.successResultOf(stopping)
        self.assertEqual(self.userAgent.leftovers(), [])
        self.none(70)

    def test_active(self):
        """Each is given up, and the last NOTIFY is waited for."""
        self.subscribed("600")
        other = self.userAgent.subscribe(ALICE, "dialog", delegate=self.told)
        self.next(0.1)
        self.grants(200, "600")
        self.notified()
        subscriptions = {self.told.subscriptions[0], self.successResultOf(other)}
        stopping = self.stops()
        for _ in subscriptions:
            self.next(0.1)
            self.assertEqual(self.header("expires"), "0")
            self.assertNoResult(stopping)
            self.grants(200, "0")
            self.assertNoResult(stopping)
            self.notified("terminated;reason=timeout")
        self.network.advance(0.1)
        self.stopped(stopping)
        self.assertEqual(self.told.events.count("terminated"), 2)
        self.assertEqual({subscription.state for subscription in subscriptions}, {"terminated"})

    def test_silence(self):
        """A notifier that says nothing is waited for no longer than stopTimeout."""
        for isAccepted in (False, True):
            subscription = self.subscribed("600", {"stopTimeout": 3.0})
            ending = subscription.whenTerminated()
            stopping = self.stops()
            self.next(0.1)
            if isAccepted:
                self.grants(200, "0")
            self.network.advance(2.8)
            self.assertNoResult(stopping)
            self.network.advance(0.3)
            self.stopped(stopping)
            self.assertIn(self.successResultOf(ending).reason, ("service stopped", "unsubscribed"))
            self.assertIsNone(self.successResultOf(subscription.unsubscribe()))

    def test_starting(self):
        """One that has no NOTIFY yet is not waited for; who waits for it hears of the end."""
        self.subscribes()
        self.grants(200, "600")
        stopping = self.stops()
        self.network.advance(6)
        self.stopped(stopping)
        self.failureResultOf(self.subscribing)
        self.assertEqual(self.told.events, ["accepted", "terminated"])

    def test_suspended(self):
        """One that is to begin anew does not."""
        subscription = self.subscribed("600")
        self.notified("terminated;reason=probation;retry-after=3")
        stopping = self.stops()
        self.stopped(stopping)
        self.assertEqual(subscription.state, "terminated")
        self.assertRaises(InvalidState, subscription.refresh)

    def test_refreshing(self):
        """A refresh on its way is waited for, and the end follows it."""
        self.subscribed("600").refresh().addErrback(lambda _: None)
        stopping = self.stops()
        self.next(0.1)
        self.grants(200, "600")
        self.next(0.1)
        self.assertEqual(self.header("expires"), "0")
        self.grants(200, "0")
        self.notified("terminated;reason=timeout")
        self.network.advance(0.1)
        self.stopped(stopping)

    def test_anotherBegun(self):
        """A delegate that subscribes again when it hears of the end is told that it is no time for that."""
        raised = []

        def again(what, subscription):
            if what == "terminated":
                with self.assertRaises(InvalidState):
                    self.userAgent.subscribe(ALICE, "x-state")
                raised.append(what)

        self.told.does = again
        self.subscribed("600")
        stopping = self.stops()
        self.next(0.1)
        self.grants(200, "0")
        self.notified("terminated;reason=timeout")
        self.network.advance(0.1)
        self.assertEqual(raised, ["terminated"])
        self.stopped(stopping)
