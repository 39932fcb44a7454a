"""
Refreshes that fail (RFC 6665 section 4.1.2.2): what ends the subscription, and what does not.
"""

from itertools import pairwise
from weakref import ref

from tests.ua.subscribed import SubscribedCase
from tests.ua.test_subscription_shared import SharedCase
from twisted_sipdialog.errors import ResponseError, Timeout, TransportError


class RefusedTests(SubscribedCase):
    def refused(self, code, **headers):
        """A refresh that was refused."""
        subscription = self.subscribed("600")
        self.first = self.ids()
        self.nextAfter(540, 1)
        self.grants(code, **headers)
        return subscription

    def test_ending(self):
        """These say that there is no such subscription; it is over."""
        for code in (404, 405, 410, 416, 480, 482, 483, 484, 485, 489, 501, 604):
            self.told.told.clear()
            subscription = self.refused(code)
            self.assertEqual(self.told.events, ["accepted", "notified", "failed", "terminated"], code)
            self.assertIsInstance(self.told.detail("failed"), ResponseError)
            end = subscription.ended
            self.assertEqual((end.reason, end.byPeer, end.message.statusCode), ("refused", True, code))
            self.assertEqual((subscription.state, subscription.expires), ("terminated", 0))
            self.assertEqual(self.notifies("active").statusCode, 481)
            self.left()

    def test_unknown(self):
        """481: it is begun anew, by a request that has nothing of the old dialog."""
        subscription = self.refused(481)
        self.next(10)
        self.assertEqual(self.request.toTag, "")
        self.assertNotEqual(self.request.callId, self.first[0])
        self.assertNotEqual(self.request.fromTag, self.first[1])
        self.assertEqual((self.header("event"), self.header("expires")), ("x-state", "3600"))
        self.assertEqual(self.told.events[2:], ["failed", "suspended"])
        end, retryAfter = self.told.detail("suspended")
        self.assertEqual((end.reason, end.message.statusCode, retryAfter), ("refused", 481, 0))
        self.assertEqual(subscription.state, "starting")
        self.grants(200, "600")
        self.notified("active", b"1")
        self.assertEqual((subscription.state, subscription.sip.callId), ("active", self.request.callId))
        self.finishes(subscription)

    def test_askedOnceMore(self):
        """A delegate that asks once more as it hears of the refusal: the answer to that counts."""
        asked = []
        self.told.does = lambda what, it: what == "failed" and not asked and asked.append(it.refresh())
        subscription = self.refused(481)
        self.next(0.1)
        self.assertEqual((self.ids()[:2], self.request.toTag), (self.first[:2], self.peer.tag))
        self.grants(200, "600")
        self.assertEqual(self.successResultOf(asked[0]).statusCode, 200)
        self.assertEqual((subscription.state, self.told.events[-2:]), ("active", ["failed", "accepted"]))
        self.assertLeft(subscription, 600)
        self.finishes(subscription)

    def test_unknownAndNotWanted(self):
        """Not where the application does not want that."""
        subscription = self.subscribed("600", resubscribe=False)
        self.next(541)
        self.grants(481)
        self.assertEqual((subscription.ended.reason, self.told.events[-1]), ("refused", "terminated"))
        self.left()

    def test_unknownForEver(self):
        """Who refuses each refresh with 481 is not asked in a tight loop."""
        subscription = self.subscribed("600")
        for _ in range(5):
            refreshing = subscription.refresh()
            self.next(1)
            self.grants(481)
            self.failureResultOf(refreshing, ResponseError)
            self.next(400)
            self.grants(200, "600")
            self.notified()
        self.assertGreater(self.now(), 60)
        self.finishes(subscription)

    def test_passing(self):
        """Any other refusal leaves it; it is tried again before its time is over, and that may succeed."""
        for code in (302, 400, 403, 408, 500, 503, 504, 600, 603):
            self.told.told.clear()
            subscription = self.refused(code)
            self.assertEqual((subscription.state, self.told.events[2:]), ("active", ["failed"]), code)
            self.assertTrue(0 < subscription.expires <= 61)
            self.notified("active", b"2")
            self.next(60)
            self.assertEqual(self.ids(), (*self.first[:2], self.peer.tag))
            self.grants(200, "600")
            self.assertLeft(subscription, 600)
            self.assertEqual(self.told.events[2:], ["failed", "notified", "accepted"])
            self.finishes(subscription)

    def test_retryAfter(self):
        """RFC 3261 section 20.33: it is not tried sooner than the notifier says, in seconds."""
        subscription = self.refused(503, Retry_After="30 (busy)")
        self.nextAfter(30, 1)
        self.grants(200, "600")
        self.finishes(subscription)

    def test_backOff(self):
        """It is tried less and less often; once its time is over it is begun anew."""
        subscription = self.refused(500)
        before = self.count()
        while self.request.toTag:
            self.next(100)
            self.grants(500) if self.request.toTag else None
        self.assertLessEqual(self.count() - before, 6)
        self.assertGreaterEqual(self.now(), 600)
        self.assertNotEqual((self.request.callId, self.request.fromTag), self.first[:2])
        self.assertIn("suspended", self.told.events)
        self.assertEqual(subscription.state, "starting")
        self.grants(200, "600")
        self.notified()
        self.finishes(subscription)

    def test_recovered(self):
        """A refresh that succeeds is the end of that: the next one that fails is tried as soon as the first was."""
        subscription = self.subscribed("600")
        pauses = []
        for _ in range(3):
            self.next(541)
            failed = self.now()
            self.grants(500)
            self.next(60)
            pauses.append(round(self.now() - failed))
            self.grants(200, "600")
        self.assertEqual(len(set(pauses)), 1, pauses)
        self.finishes(subscription)

    def test_overAndNotWanted(self):
        """Where it is not to be begun anew, it ends with its time."""
        subscription = self.subscribed("600", resubscribe=False)
        while subscription.ended is None:
            self.network.advance(1)
            if self.isAsked():
                self.next(0)
                self.grants(500)
        self.assertTrue(599 <= self.now() <= 602, self.now())
        self.assertEqual(self.told.events.count("terminated"), 1)
        self.assertEqual(self.told.detail("terminated"), subscription.ended)
        self.left()

    def test_anewRefused(self):
        """What is begun anew is given up by a refusal that no time will change."""
        subscription = self.refused(481)
        self.next(10)
        self.grants(403)
        self.assertEqual((subscription.state, subscription.ended.reason), ("terminated", "refused"))
        self.left()

    def test_anewNotYet(self):
        """It waits, longer each time, where that may change."""
        subscription = self.refused(481)
        times = []
        for _ in range(5):
            self.next(400)
            times.append(self.now())
            self.grants(503)
            self.assertEqual(subscription.state, "suspended")
        pauses = [b - a for a, b in pairwise(times)]
        self.assertEqual(pauses, sorted(pauses))
        self.assertGreaterEqual(pauses[0], 1)
        self.next(400)
        self.grants(200, "600")
        self.notified()
        self.assertEqual(subscription.state, "active")
        self.finishes(subscription)

    def test_anewUnanswered(self):
        """Nor is silence for ever."""
        subscription = self.refused(481)
        self.next(10)
        self.network.advance(33)
        self.assertEqual((subscription.state, self.told.detail("suspended")[0].reason), ("suspended", "no answer"))
        self.next(400)
        self.grants(200, "600")
        self.notified()
        self.finishes(subscription)

    def test_anewNotNotified(self):
        """Timer N counts there, too."""
        subscription = self.refused(481)
        self.next(10)
        self.grants(200, "600")
        self.network.advance(33)
        self.assertEqual(subscription.state, "suspended")
        self.next(400)
        self.grants(200, "600")
        self.notified()
        self.finishes(subscription)

    def test_silence(self):
        """Section 4.1.2.2: without any answer it lasts until its time is over; then it is begun anew."""
        subscription = self.subscribed("600")
        self.first = self.ids()
        self.next(541)
        self.network.advance(33)
        self.assertEqual((subscription.state, self.told.events[2:]), ("active", ["failed"]))
        self.assertIsInstance(self.told.detail("failed"), Timeout)
        self.notified("active", b"3")
        while self.request.toTag:
            self.next(100)
        self.assertGreaterEqual(self.now(), 599)
        self.assertNotEqual(self.request.callId, self.first[0])
        self.grants(200, "600")
        self.notified()
        self.finishes(subscription)

    def test_nobodyWaits(self):
        """
        The Deferred of a refresh that fails is not kept, or the collector could find its failure before it, and log
        what nobody waited for as an error that nobody took.
        """
        for isAnswered in (True, False):
            subscription = self.subscribed("600")
            refreshing = ref(subscription.refresh())
            self.next(1)
            if isAnswered:
                self.grants(500)
            else:
                self.network.advance(33)
            self.assertIsNone(refreshing())
            self.notified("terminated;reason=noresource")
            self.left()

    def test_notNotified(self):
        """Section 4.1.2.2 wants a NOTIFY after each refresh, but one that misses ends nothing."""
        subscription = self.subscribed("600")
        self.next(541)
        self.grants(200, "600")
        self.network.advance(100)
        self.assertEqual(subscription.state, "active")
        self.finishes(subscription)


class ConnectionTests(SubscribedCase):
    TARGET = "sip:alice@peer.example;transport=tcp"

    def test_lost(self):
        """A connection is no subscription: when it is lost, the refresh opens another."""
        subscription = self.subscribed("600", target=self.TARGET)
        self.peer.disconnect()
        self.network.advance(10)
        self.assertEqual((subscription.state, self.told.events), ("active", ["accepted", "notified"]))
        self.next(541)
        self.assertEqual(self.request.via.transport.upper(), "TCP")
        self.grants(200, "600")
        self.notified("active", b"2")
        self.finishes(subscription)

    def test_lostWhileAsking(self):
        """One that is lost before the answer is a refresh that failed."""
        subscription = self.subscribed("600", target=self.TARGET)
        self.next(541)
        self.peer.disconnect()
        self.network.advance(33)
        self.assertEqual((subscription.state, self.told.detail("failed").statusCode in (408, 503)), ("active", True))
        self.next(40)
        self.grants(200, "600")
        self.finishes(subscription)

    def test_unreachable(self):
        """Nobody there: it fails as such, and is over."""
        agent = self.userAgent = self.agent()
        subscribing = agent.subscribe("sip:alice@192.0.2.250;transport=tcp", "x-state", delegate=self.told)
        self.network.advance(40)
        self.failureResultOf(subscribing, TransportError)
        self.assertEqual(self.told.events, ["failed", "terminated"])
        self.left()


class GoneTests(SharedCase):
    def test_gone(self):
        """RFC 5057 section 5.1: one that says that the peer is not there is the end of the call, too."""
        for code in (404, 410, 416, 482, 483, 484, 485, 502, 604):
            self.calls()
            self.within(resubscribe=False)
            self.grants(code)
            self.peer.respond(self.peer.expect("BYE", 0.1), 200)
            self.network.advance(0.1)
            self.assertIsNotNone(self.dialog.ended, code)
            self.none(100)
            self.left()
