"""
How many subscriptions of peers there may be (RFC 3261 section 21.5.4), and SUBSCRIBEs that come twice.
"""

from tests.ua.watched import WatchedCase, later
from twisted_sipdialog.configuration import LoadLimits
from twisted_sipdialog.testing import ScriptedPeer


class LimitTests(WatchedCase):
    def test_source(self):
        """RFC 3261 section 21.5.4: beyond what one address may have: 503 with Retry-After; others are served."""
        self.open(loadLimits=LoadLimits(subscriptionsPerSource=2, retryAfter=7))
        for _ in range(2):
            self.assertEqual(self.subscribe().statusCode, 200)
            self.notified()
        refused = self.subscribe()
        self.assertEqual((refused.statusCode, refused.headers.get("retry-after")), (503, "7"))
        self.assertEqual(len(self.notes.asked), 2)
        first = self.peer
        self.peer = ScriptedPeer(self.network)
        self.assertEqual(self.subscribe().statusCode, 200)
        self.notified()
        # Whatever ended one makes room.
        self.peer = first
        self.notes.asked[0].notifier.destroy()
        self.notified()
        self.assertEqual(self.subscribe().statusCode, 200)
        self.notified()
        self.assertEqual(self.subscribe().statusCode, 503)

    def test_given(self):
        """Those that were refused, fetched, or raised count no more."""
        self.open(later, loadLimits=LoadLimits(subscriptionsPerSource=1))
        for verb in (lambda c: c.reject(403), lambda c: c.accept(delegate=self.notes)):
            for expires in ("0", "600"):
                request = self.asks(expires)
                context = self.notes.asked[-1]
                verb(context)
                if self.finalTo(request).statusCode == 200:
                    self.notified()
                    if expires != "0":
                        context.notifier.destroy()
                        self.notified()
        self.assertEqual(len(self.notes.asked), 4)
        self.notes.decide = lambda context: 1 / 0
        self.assertEqual([self.subscribe().statusCode for _ in range(2)], [500, 500])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.assertNothingLeft()

    def test_unanswered(self):
        """One that is not answered yet counts."""
        self.open(later, loadLimits=LoadLimits(subscriptionsPerSource=1))
        request = self.asks()
        self.assertEqual(self.subscribe().statusCode, 503)
        self.notes.asked[0].reject(403)
        self.assertEqual(self.finalTo(request).statusCode, 403)
        self.assertNothingLeft()

    def test_dialogs(self):
        """Each outside a call makes a dialog: no more than there may be."""
        self.open(loadLimits=LoadLimits(dialogs=1))
        self.assertEqual(self.subscribe().statusCode, 200)
        self.notified()
        refused = self.subscribe()
        self.assertEqual((refused.statusCode, refused.headers.get("retry-after")), (503, "5"))
        self.notifier.destroy()
        self.notified()
        self.assertEqual(self.subscribe().statusCode, 200)
        self.notified()
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()


class RepeatedTests(WatchedCase):
    def test_retransmitted(self):
        """RFC 3261 section 17.2.2: the same answer again, and nobody is asked twice."""
        self.open()
        request = self.asks()
        self.peer.send(request.toBytes(), self.userAgent)
        self.network.advance(0.01)
        self.notified()
        self.assertEqual((len(self.notes.asked), self.sent("200 SUBSCRIBE")), (1, 2))
        self.assertSilent()
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_merged(self):
        """RFC 3261 section 8.2.2.2: the same by another way: 482, and no second subscription."""
        self.open()
        request = self.asks()
        other = request.toBytes().replace(request.via.branch.encode(), b"z9hG4bK-other")
        self.peer.send(other, self.userAgent)
        self.peer.expect("482 SUBSCRIBE")
        self.notified()
        self.assertEqual(len(self.notes.asked), 1)
        self.assertSilent()
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_crossed(self):
        """Two of one peer are two subscriptions, whose answers may come in any order."""
        self.open(later)
        requests = [self.asks(), self.asks()]
        for place in (1, 0):
            self.notes.asked[place].accept(body=b"%d" % place, delegate=self.notes)
            notify = self.notified()
            self.assertEqual((notify.callId, notify.body), (requests[place].callId, b"%d" % place))
        for context in self.notes.asked:
            context.notifier.destroy()
            self.notified()
        self.assertNothingLeft()
