"""
What subscribers are told while a subscription lasts, and what their answers mean (RFC 6665 section 4.2.2).
"""

from tests.ua.watched import WatchedCase
from twisted_sipdialog.errors import InvalidValue, ResponseError, Timeout


class NotifyTests(WatchedCase):
    def over(self):
        """The subscription at hand is ended by us; nothing is left."""
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_told(self):
        """C{notify()} fires with what answers the NOTIFY; what it is not given is as before."""
        self.open()
        notifier = self.subscribed(body=b"open", contentType="text/xml")
        telling = notifier.notify(b"shut")
        notify = self.notified()
        self.assertEqual((notify.body, notify.headers.get("content-type")), (b"shut", "text/xml"))
        self.assertEqual(self.successResultOf(telling).statusCode, 200)
        telling = notifier.notify(extraHeaders=[("X-Door", "front")])
        notify = self.notified()
        self.assertEqual((notify.body, notify.headers.get("x-door")), (b"shut", "front"))
        notifier.notify(b"", "text/plain")
        notify = self.notified()
        self.assertEqual((notify.body, notify.headers.get("content-type")), (b"", None))
        self.assertIsNone(notify.headers.get("x-door"))
        self.assertEqual((notifier.body, notifier.contentType), (b"", "text/plain"))
        self.over()

    def test_oneAtATime(self):
        """One NOTIFY is on its way at a time; of what waits for it only the newest is sent (RFC 3261 section 12.2)."""
        self.open()
        notifier = self.subscribed()
        self.network.advance(1)
        telling = [notifier.notify(b"%d" % number) for number in range(5)]
        self.network.advance(0.1)
        first = self.peer.expect("NOTIFY")
        self.assertEqual((first.body, len(self.notifies())), (b"0", 2))
        # Those that were overtaken are told so at once.
        for overtaken in telling[1:4]:
            self.assertIsNone(self.successResultOf(overtaken))
        self.assertNoResult(telling[0])
        self.assertNoResult(telling[4])
        self.peer.respond(first, 200)
        self.assertEqual(self.told()[1], b"4")
        self.assertEqual([self.successResultOf(telling[n]).statusCode for n in (0, 4)], [200, 200])
        self.assertEqual(len(self.notifies()), 3)
        self.over()

    def test_overtakenWithState(self):
        """What waits is overtaken with its state: the newest has the last word on that, too."""
        self.open()
        notifier = self.subscribed(state="pending")
        notifier.notify(b"1")
        notifier.notify(b"2", state="active")
        notifier.notify(b"3")
        self.assertEqual(self.told()[1], b"1")
        self.assertEqual(self.told(), ("active;expires=600", b"3"))
        self.over()

    def test_inAnswer(self):
        """What is notified as soon as the answer is there goes out next."""
        self.open()
        notifier = self.subscribed()
        notifier.notify(b"1").addCallback(lambda _: notifier.notify(b"2") and None)
        self.assertEqual(self.told()[1], b"1")
        self.assertEqual(self.told()[1], b"2")
        self.over()

    def test_wrong(self):
        """What cannot be said is refused, and nothing of it is kept."""
        self.open()
        notifier = self.subscribed(body=b"open", state="pending")
        for wrong in (
            {"body": "text"},
            {"state": "terminated"},
            {"state": ""},
            {"body": b"x", "contentType": "text/plain\r\nX: y"},
            {"extraHeaders": [("Subscription-State", "active")]},
            {"extraHeaders": [("event", "x")]},
            {"extraHeaders": [("X", "a\r\nb")]},
            {"extraHeaders": [("Contact", "<sip:x@c.example>")], "state": "active"},
            {"extraHeaders": [("CSeq", "1 NOTIFY")], "body": b"shut"},
        ):
            self.assertRaises(InvalidValue, notifier.notify, **wrong)
        self.assertEqual((notifier.state, notifier.body, notifier.contentType), ("pending", b"open", "text/plain"))
        self.assertSilent()
        self.over()

    def test_cancelled(self):
        """Cancelling that Deferred forgets the answer; the NOTIFY is not undone, nor the subscription."""
        self.open()
        notifier = self.subscribed()
        telling = notifier.notify(b"1")
        waiting = notifier.notify(b"2")
        for given in (telling, waiting):
            given.addErrback(lambda _: None)
            given.cancel()
        self.assertEqual(self.told()[1], b"1")
        self.assertEqual(self.told()[1], b"2")
        notifier.notify(b"3")
        self.assertEqual(self.told()[1], b"3")
        self.over()


class IntervalTests(WatchedCase):
    def test_rate(self):
        """Section 4.2.2 and 5.4.10: no more often than that; of those that came too soon the newest is sent later."""
        self.open()
        notifier = self.subscribed(interval=5.0, body=b"0")
        start = self.network.clock.seconds()
        telling = [notifier.notify(b"1")]
        self.network.advance(2)
        telling.append(notifier.notify(b"2"))
        self.network.advance(2.5)
        self.assertEqual(len(self.notifies()), 1)
        self.assertIsNone(self.successResultOf(telling[0]))
        self.assertEqual(self.told()[1], b"2")
        self.assertAlmostEqual(self.network.clock.seconds() - start, 5.0, 1)
        self.assertEqual(self.successResultOf(telling[1]).statusCode, 200)
        # After a long silence there is nothing to wait for.
        self.network.advance(60)
        notifier.notify(b"3")
        self.network.advance(0.01)
        self.assertEqual(self.notifies()[-1].body, b"3")
        self.notified()
        notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_first(self):
        """The first does not wait, and does not come twice."""
        self.open()
        notifier = self.subscribed(interval=5.0)
        notifier.notify(b"1")
        self.network.advance(4.9)
        self.assertEqual(len(self.notifies()), 1)
        self.network.advance(0.2)
        self.assertEqual(self.told()[1], b"1")
        notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_refresh(self):
        """Section 4.2.1.2: a refresh is answered by a NOTIFY at once, which says what waits; then the pace goes on."""
        self.open()
        notifier = self.subscribed(interval=5.0)
        telling = notifier.notify(b"1")
        self.subscribe(within=self.within)
        self.network.advance(0.01)
        self.assertEqual(len(self.notifies()), 2)
        self.assertEqual(self.told()[1], b"1")
        self.assertEqual(self.successResultOf(telling).statusCode, 200)
        self.assertSilent(6)
        notifier.notify(b"2")
        self.notified()
        notifier.notify(b"3")
        self.assertSilent(4.5)
        self.assertEqual(self.told()[1], b"3")
        notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_last(self):
        """The end does not wait: by us, by the subscriber, by the clock; what waited is told with it."""
        for ends in (
            lambda notifier: notifier.destroy(),
            lambda notifier: self.subscribe("0", within=self.within),
            lambda notifier: self.network.advance(60 - 57),
        ):
            self.open()
            notifier = self.subscribed("60", interval=30.0)
            self.network.advance(57)
            notifier.notify(b"0")
            self.notified()
            notifier.notify(b"1")
            self.network.advance(0.01)
            before = len(self.notifies())
            ends(notifier)
            self.network.advance(0.01)
            self.assertEqual(len(self.notifies()), before + 1)
            state, body = self.told()
            self.assertEqual((state.partition(";")[0], body), ("terminated", b"1"))
            self.assertNothingLeft()

    def test_slow(self):
        """An answer that takes longer than the pace: the next goes out once it is there."""
        self.open()
        notifier = self.subscribed(interval=5.0)
        self.network.advance(10)
        notifier.notify(b"1")
        notifier.notify(b"2")
        first = self.peer.expect("NOTIFY")
        self.network.advance(8)
        self.assertEqual(len(self.notifies()), 2)
        self.peer.respond(first, 200)
        self.network.advance(0.01)
        self.assertEqual(self.notifies()[-1].body, b"2")
        self.peer.respond(self.notifies()[-1], 200)
        self.network.advance(0.01)
        self.peer._fresh.clear()
        notifier.destroy()
        self.notified()
        self.assertNothingLeft()


class MovedTests(WatchedCase):
    def test_target(self):
        """Section 4.4.1, RFC 3261 section 12.2.1.2: the Contact of the 2xx to a NOTIFY is where the next one goes."""
        self.open()
        notifier = self.subscribed()
        here, there = [f"sip:{name}@{self.peer.address[0]}:5060" for name in ("peer", "elsewhere")]
        for code, contact, uri in (
            (500, f"<{there}>", here),
            (200, "<tel:+12015550123>", here),
            (200, f"<{there}>", here),
            (200, None, there),
            (200, None, there),
        ):
            notifier.notify(b"1")
            headers = {} if contact is None else {"Contact": contact}
            self.assertEqual(self.notified(code, **headers).uriText, uri, contact)
        notifier.destroy()
        self.assertEqual(self.notified().uriText, there)
        self.assertNothingLeft()


class FailedTests(WatchedCase):
    """Section 4.2.2 and RFC 5057 section 5.1: what a NOTIFY that fails means."""

    def test_passing(self):
        """What concerns that request only ends nothing; its answer is what C{notify()} fires with."""
        self.open()
        notifier = self.subscribed()
        for code in (491, 500, 503, 400, 603, 486, 202):
            telling = notifier.notify(b"%d" % code)
            self.notified(code)
            self.assertEqual(self.successResultOf(telling).statusCode, code)
            self.assertEqual(notifier.state, "active", code)
        notifier.destroy()
        self.notified()
        self.assertEnd(notifier, "noresource", False)
        self.assertNothingLeft()

    def test_unknown(self):
        """Whoever knows of no subscription has none: it is over, without a further NOTIFY, and the dialog is gone."""
        for code in (481, 404, 405, 410, 416, 480, 482, 483, 484, 485, 489, 501, 604):
            self.open()
            notifier = self.subscribed()
            telling = notifier.notify(b"1")
            waiting = notifier.notify(b"2")
            self.notified(code)
            self.assertEqual(self.successResultOf(telling).statusCode, code)
            self.assertIsNone(self.successResultOf(waiting))
            self.assertEnd(notifier, "refused", True)
            self.assertEqual(notifier.ended.message.statusCode, code)
            self.assertIsNone(self.successResultOf(notifier.notify(b"3")))
            self.assertEqual(self.subscribe(within=self.within).statusCode, 481)
            self.assertNothingLeft()

    def test_first(self):
        """So it is with the first."""
        self.open()
        accepted = self.subscribe()
        self.notified(481)
        self.assertEnd(self.notifier, "refused", True)
        self.assertEqual(self.subscribe(within=accepted).statusCode, 481)
        self.assertNothingLeft()

    def test_silence(self):
        """No answer in 64*T1 (timer F): the subscriber is gone."""
        self.open()
        notifier = self.subscribed()
        telling = notifier.notify(b"1")
        waiting = notifier.notify(b"2")
        self.network.advance(31.9)
        self.assertEqual((notifier.state, len(self.notifies())), ("active", 2))
        self.network.advance(0.3)
        self.failureResultOf(telling, Timeout)
        self.assertIsNone(self.successResultOf(waiting))
        self.assertEnd(notifier, "no answer", True)
        self.assertNothingLeft()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_nobodyListens(self):
        """A failure that nobody waits for is not logged as forgotten."""
        self.open()
        self.subscribed()
        self.notifier.notify(b"1")
        self.network.advance(33)
        self.assertEnd(self.notifier, "no answer", True)
        self.assertEqual(self.flushLoggedErrors(Timeout, ResponseError), [])
        self.assertNothingLeft()
