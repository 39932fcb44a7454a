"""
A state that is fetched once (RFC 6665 section 4.4.3), and subscriptions of ours when the service ends.
"""

from twisted.internet.defer import CancelledError

from tests.ua.subscribed import ALICE, Count, SubscribedCase
from twisted_sipdialog.errors import InvalidState, ResponseError, Timeout


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
