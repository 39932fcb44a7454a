"""
How the subscriptions of peers end (RFC 6665 sections 4.1.2.3, 4.1.3, 4.2.1.4, 4.2.2).
"""

from tests.ua.watched import DOOR, WatchedCase, later
from twisted_sipdialog.configuration import LoadLimits
from twisted_sipdialog.errors import InvalidValue, Timeout


class DestroyTests(WatchedCase):
    def test_reasons(self):
        """Section 4.1.3: C{terminated} with why, and when it may be tried again; nothing of the time left."""
        self.open()
        for given, told in (
            ((), "noresource"),
            (("deactivated",), "deactivated"),
            (("probation", 30), "probation;retry-after=30"),
            (("giveup", 0), "giveup;retry-after=0"),
            (("rejected",), "rejected"),
            (("invariant",), "invariant"),
            (("x-closed",), "x-closed"),
        ):
            notifier = self.subscribed(body=b"open")
            notifier.destroy(*given)
            self.assertEqual(self.told(), (f"terminated;reason={told}", b"open"))
            self.assertEnd(notifier, told.partition(";")[0], False)
        self.assertNothingLeft()

    def test_lastWord(self):
        """With another state to tell, and what else is to be said."""
        self.open()
        notifier = self.subscribed(body=b"open")
        notifier.destroy(body=b"<gone/>", contentType="text/xml", extraHeaders=[("X-Door", "none")])
        notify = self.notified()
        get = notify.headers.get
        self.assertEqual((notify.body, get("content-type"), get("x-door")), (b"<gone/>", "text/xml", "none"))
        self.assertEqual(notifier.ended.message.toBytes(), notify.toBytes())
        self.assertNothingLeft()

    def test_outcome(self):
        """It fires with the NOTIFY once that is answered, whatever the answer; repeating it gives the same."""
        for code in (200, 481, 500, None):
            self.open()
            notifier = self.subscribed()
            ending = [notifier.destroy("giveup"), notifier.destroy("rejected", body=b"x"), notifier.terminate()]
            whenTerminated = notifier.whenTerminated()
            self.network.advance(0.1)
            for waiting in (*ending, whenTerminated):
                self.assertNoResult(waiting)
            self.assertEqual(self.notes.heard, [])
            if code is None:
                last = self.peer.expect("NOTIFY")
                self.network.advance(33)
            else:
                last = self.notified(code)
            self.assertEqual(last.headers.get("subscription-state"), "terminated;reason=giveup")
            for waiting in (*ending, notifier.destroy()):
                self.assertEqual(self.successResultOf(waiting).headers.get("cseq"), last.headers.get("cseq"))
            ended = self.successResultOf(whenTerminated)
            self.assertIs(self.successResultOf(notifier.whenTerminated()), ended)
            self.assertEqual([what for what, _, _ in self.notes.heard], ["terminated"])
            self.assertEqual((notifier.state, notifier.ended), ("terminated", ended))
            self.assertNothingLeft()

    def test_silent(self):
        """From then on nothing is told, and a SUBSCRIBE finds nothing: 481, also while the last NOTIFY is out."""
        self.open()
        notifier = self.subscribed()
        notifier.destroy()
        self.assertIsNone(self.successResultOf(notifier.notify(b"1")))
        for expires in ("600", "0"):
            self.assertEqual(self.subscribe(expires, within=self.within).statusCode, 481)
        self.notified()
        self.assertIsNone(self.successResultOf(notifier.notify(b"2")))
        self.assertEqual(self.subscribe(within=self.within).statusCode, 481)
        self.assertNothingLeft()
        self.assertEqual(len(self.notifies()), 2)

    def test_whileTelling(self):
        """Section 4.2.2: one NOTIFY is on its way; the last follows its answer, and what waited is in it."""
        self.open()
        notifier = self.subscribed()
        telling = [notifier.notify(b"1"), notifier.notify(b"2")]
        first = self.peer.expect("NOTIFY")
        ending = notifier.destroy()
        self.network.advance(0.1)
        self.assertEqual(len(self.notifies()), 2)
        self.peer.respond(first, 200)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(telling[0]).statusCode, 200)
        self.assertIsNone(self.successResultOf(telling[1]))
        self.assertNoResult(ending)
        self.assertEqual(self.told(), ("terminated;reason=noresource", b"2"))
        self.successResultOf(ending)
        self.assertEnd(notifier, "noresource", False)
        self.assertNothingLeft()

    def test_whileRefused(self):
        """The one on its way is refused, or not heard: there is nobody for the last; None, and it is over."""
        for code in (481, None):
            self.open()
            notifier = self.subscribed()
            telling = notifier.notify(b"1")
            ending = notifier.destroy()
            if code is None:
                self.network.advance(33)
                self.failureResultOf(telling, Timeout)
            else:
                self.notified(code)
            self.assertIsNone(self.successResultOf(ending))
            self.assertNotIn("terminated", [n.headers.get("subscription-state") for n in self.notifies()])
            self.assertEnd(notifier, "refused" if code else "no answer", True)
            self.assertNothingLeft()

    def test_wrong(self):
        """What cannot be said is refused, and it goes on."""
        self.open()
        notifier = self.subscribed()
        for wrong in (
            {"reason": ""},
            {"reason": "no resource"},
            {"reason": None},
            {"reason": "x;expires=3"},
            {"reason": "giveup", "retryAfter": -1},
            {"reason": "giveup", "retryAfter": 1.5},
            {"reason": "giveup", "retryAfter": 2**32},
            {"body": "text"},
            {"contentType": "a\r\nb"},
            {"extraHeaders": [("Event", "x")]},
        ):
            self.assertRaises(InvalidValue, notifier.destroy, **wrong)
        self.assertSilent()
        self.assertEqual(notifier.state, "active")
        notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_again(self):
        """Section 4.1.2.2: after the end a new one is another dialog; the To tag of the old is gone."""
        self.open()
        self.subscribed().destroy()
        self.notified()
        old = self.within
        self.assertEqual(self.subscribe(within=old).statusCode, 481)
        self.subscribed()
        self.assertEqual(len(self.notes.asked), 2)
        self.assertNotEqual(self.within.toTag, old.toTag)
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_inDelegate(self):
        """Who is told of the end may call straight back in; all is over by then."""
        self.open()
        notifier = self.subscribed()
        seen = []

        def terminated(who, end):
            seen.append((who.state, who.ended is end, self.userAgent.leftovers()))
            seen.append((self.successResultOf(who.notify(b"x")), who.whenTerminated()))

        self.notes.notifierTerminated = terminated
        notifier.destroy()
        self.notified()
        (state, known, left), (told, whenTerminated) = seen
        self.assertEqual((state, known, told), ("terminated", True, None))
        self.assertIs(self.successResultOf(whenTerminated), notifier.ended)
        self.assertEqual([line for line in left if "subscr" in line], [])
        self.assertNothingLeft()


class UnsubscribeTests(WatchedCase):
    def test_unsubscribed(self):
        """Section 4.2.1.4: 200 with Expires: 0, and a last NOTIFY with the state."""
        self.open()
        notifier = self.subscribed(body=b"open")
        answer = self.subscribe("0", within=self.within)
        self.assertEqual((answer.statusCode, answer.headers.get("expires")), (200, "0"))
        self.assertEqual(self.told(), ("terminated;reason=timeout", b"open"))
        self.assertEnd(notifier, "unsubscribed", True)
        self.assertEqual(notifier.ended.message.method, "SUBSCRIBE")
        # That it is no refresh.
        self.assertEqual([what for what, _, _ in self.notes.heard], ["terminated"])
        self.assertEqual(self.subscribe("0", within=self.within).statusCode, 481)
        self.assertNothingLeft()

    def test_whileTelling(self):
        """A NOTIFY is on its way: the last follows; meanwhile it is over, and cannot be prolonged any more."""
        self.open()
        notifier = self.subscribed()
        notifier.notify(b"1")
        first = self.peer.expect("NOTIFY")
        self.assertEqual(self.subscribe("0", within=self.within).statusCode, 200)
        self.assertSilent(0.1)
        self.assertEqual(self.subscribe("600", within=self.within).statusCode, 481)
        self.assertEqual(notifier.expires, 0)
        self.peer.respond(first, 200)
        self.assertEqual(self.told(), ("terminated;reason=timeout", b"1"))
        self.assertEnd(notifier, "unsubscribed", True)
        self.assertNothingLeft()

    def test_unheard(self):
        """The last NOTIFY is refused, or nobody answers it: the peer has ended it all the same."""
        for code in (481, 500, None):
            self.open()
            notifier = self.subscribed()
            self.subscribe("0", within=self.within)
            if code is None:
                self.network.advance(33)
            else:
                self.notified(code)
            self.assertEqual((notifier.state, notifier.ended.byPeer), ("terminated", True))
            self.assertNothingLeft()

    def test_pending(self):
        """So may one be that nobody has decided on."""
        self.open()
        notifier = self.subscribed(state="pending")
        self.subscribe("0", within=self.within)
        self.assertEqual(self.told()[0], "terminated;reason=timeout")
        self.assertEnd(notifier, "unsubscribed", True)
        self.assertNothingLeft()


class ExpiryTests(WatchedCase):
    def test_expired(self):
        """Section 4.2.2: when its time is over the subscriber is told, with the state; not before."""
        self.open()
        notifier = self.subscribed("60", body=b"open")
        self.network.advance(59.9)
        self.assertEqual(len(self.notifies()), 1)
        self.network.advance(0.1)
        self.assertEqual(self.told(), ("terminated;reason=timeout", b"open"))
        self.assertEnd(notifier, "timeout", False)
        self.assertEqual(self.subscribe(within=self.within).statusCode, 481)
        self.assertNothingLeft()

    def test_whileTelling(self):
        """A NOTIFY is on its way then: the last follows."""
        self.open()
        notifier = self.subscribed("60")
        self.network.advance(58)
        notifier.notify(b"1")
        first = self.peer.expect("NOTIFY", 1)
        self.network.advance(10)
        self.assertEqual(len(self.notifies()), 2)
        self.assertEqual(self.subscribe("600", within=self.within).statusCode, 481)
        self.peer.respond(first, 200)
        self.network.advance(0.01)
        self.peer._fresh.clear()
        last = self.notifies()[-1]
        self.assertEqual((last.headers.get("subscription-state"), last.body), ("terminated;reason=timeout", b"1"))
        self.peer.respond(last, 200)
        self.network.advance(0.01)
        self.assertEnd(notifier, "timeout", False)
        self.assertNothingLeft()

    def test_flood(self):
        """A careless delegate, and a peer without end who answers nothing: in the end nothing of it is left."""
        self.open()
        for _ in range(200):
            self.asks("60")
        self.assertEqual(len(self.notes.asked), 200)
        self.network.advance(60 + 64)
        self.assertEqual(self.userAgent.leftovers(), [])


class StopTests(WatchedCase):
    def test_told(self):
        """Section 4.1.3: the service ends: C{probation}, and when to come back; it waits for the answers."""
        self.open(loadLimits=LoadLimits(retryAfter=9))
        notifiers = [self.subscribed(body=b"open"), self.subscribed()]
        stopping = self.userAgent.stopService()
        self.network.advance(1)
        self.assertNoResult(stopping)
        for body in (b"open", b""):
            self.assertEqual(self.told(), ("terminated;reason=probation;retry-after=9", body))
        self.successResultOf(stopping)
        for notifier in notifiers:
            self.assertEnd(notifier, "probation", False)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_unanswered(self):
        """Nobody answers: it waits no longer than C{stopTimeout}, and whoever waits is told."""
        self.open(stopTimeout=3.0)
        notifier = self.subscribed()
        telling = notifier.notify(b"1")
        whenTerminated = notifier.whenTerminated()
        stopping = self.userAgent.stopService()
        self.network.advance(2.9)
        self.assertNoResult(stopping)
        self.network.advance(0.2)
        self.successResultOf(stopping)
        self.assertEqual(self.successResultOf(whenTerminated).reason, "service stopped")
        self.assertTrue(telling.called)
        telling.addErrback(lambda _: None)
        self.assertEqual([what for what, _, _ in self.notes.heard], ["terminated"])
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_ending(self):
        """What was being ended is given the NOTIFY that told it, also when its answer is not waited for."""
        self.open(stopTimeout=3.0)
        told, waiting = self.subscribed(), self.subscribed()
        waiting.notify(b"1")
        endings = [notifier.destroy("giveup") for notifier in (told, waiting)]
        self.userAgent.stopService()
        self.network.advance(3.1)
        self.assertEqual(self.successResultOf(endings[0]).headers.get("subscription-state"), "terminated;reason=giveup")
        self.assertIsNone(self.successResultOf(endings[1]))
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_meanwhile(self):
        """While it stops nobody new is let in: 503."""
        self.open()
        self.subscribed()
        self.userAgent.stopService()
        refused = self.subscribe()
        self.assertEqual(refused.statusCode, 503)
        self.assertEqual(self.subscribe(within=self.within).statusCode, 481)
        self.notified()
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_asked(self):
        """One that waits for its answer is refused, and not accepted afterwards."""
        self.open(later)
        request = self.asks()
        self.userAgent.stopService()
        self.network.advance(0.1)
        self.assertEqual(self.finalTo(request).statusCode, 503)
        self.network.advance(40)
        self.assertEqual(self.userAgent.leftovers(), [])
        self.assertEqual(self.notes.asked[0].notifier, None)
        self.assertEqual(self.notes.asked[0].event.package, DOOR)
