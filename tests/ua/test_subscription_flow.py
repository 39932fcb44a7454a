"""
Subscriptions of ours at notifiers who can be reached over one connection only (RFC 5626 section 5.3, RFC 7118
section 5).
"""

from tests.ua.subscribed import SubscribedCase
from tests.ua.test_subscription_shared import SharedCase

TARGET = "sip:alice@peer.example;transport=tcp"
#: A Contact that leads nowhere but back over the connection it came by.
NOWHERE = "<sip:peer@df7jal23ls0d.invalid;transport=tcp>"


class OnlyFlowTests(SubscribedCase):
    def over(self, **how):
        """A subscription at such a notifier."""
        self.subscribes(target=TARGET, **how)
        self.grants(200, "200", Contact=NOWHERE)
        self.notified("active;expires=200", Contact=NOWHERE)
        return self.successResultOf(self.subscribing)

    def test_refreshed(self):
        """As long as the connection is there, the refresh goes over it, whatever the Contact says."""
        subscription = self.over()
        (stream,) = self.peer.streams
        self.next(181)
        self.assertEqual(self.request.uriText, NOWHERE.strip("<>"))
        self.assertEqual(self.peer.streams, [stream])
        self.grants(200, "200", Contact=NOWHERE)
        self.finishes(subscription)

    def test_lost(self):
        """Once it is lost for good, so is the notifier: the subscription is begun anew where the target leads."""
        subscription = self.over()
        first = self.ids()
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(4)
        self.assertEqual(subscription.state, "active")
        self.next(60)
        self.assertEqual((self.request.uriText, self.request.toTag), (TARGET, ""))
        self.assertNotEqual(self.request.callId, first[0])
        self.assertEqual(self.told.detail("suspended")[0].reason, "flow lost")
        self.grants(200, "200")
        self.notified("active;expires=200")
        self.assertEqual(subscription.state, "active")
        self.finishes(subscription)

    def test_lostAndNotWanted(self):
        """Not where the application does not want that."""
        subscription = self.over(resubscribe=False)
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(10)
        self.assertEqual((subscription.state, subscription.ended.reason), ("terminated", "flow lost"))
        self.assertFalse(subscription.ended.byPeer)
        self.left()

    def test_lostWhileLeaving(self):
        """Nor is one that is being given up waited for."""
        subscription = self.over()
        ending = subscription.unsubscribe()
        self.next(1)
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(70)
        self.assertIsNone(self.successResultOf(ending))
        self.assertEqual(self.told.events.count("terminated"), 1)
        self.left()

    def test_lostBeforeTheLastNotify(self):
        """Nor is one begun anew whose last NOTIFY alone is waited for."""
        subscription = self.over()
        ending = subscription.unsubscribe()
        self.next(1)
        self.grants(200, "0", Contact=NOWHERE)
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(30)
        self.assertIsNone(self.successResultOf(ending))
        self.assertEqual(self.told.events.count("suspended"), 0)
        self.left()

    def test_lostAndRefreshed(self):
        """A refresh that is asked for while it is lost fails, and what follows is the same."""
        subscription = self.over()
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(0.1)
        refreshing = subscription.refresh()
        refreshing.addErrback(lambda _: None)
        self.next(120)
        self.assertEqual(self.request.toTag, "")
        self.grants(200, "200")
        self.notified("active;expires=200")
        self.network.advance(1)
        if self.isAsked():
            self.next(0)
            self.grants(200, "200")
        self.assertTrue(refreshing.called)
        self.finishes(subscription)


class InCallTests(SharedCase):
    def test_lost(self):
        """In a call both are over with it: there is nothing that it could begin anew in, be it there or not yet."""
        for isActive in (True, False):
            self.told.told.clear()
            self.userAgent, callee, self.ok = self.call(None, "TCP", {"Contact": NOWHERE})
            self.dialog = callee.dialog
            self.within()
            self.grants(200, "600", Contact=NOWHERE)
            if isActive:
                self.notified("active;expires=600", Contact=NOWHERE)
            self.network.reset(self.userAgent, self.peer)
            self.none(20)
            self.assertIsNotNone(self.dialog.ended)
            end = self.told.detail("terminated")
            self.assertEqual((end.reason, end.byPeer, self.told.events.count("suspended")), ("flow lost", False, 0))
            if not isActive:
                self.failureResultOf(self.subscribing)
            self.left()
