"""
NOTIFYs that end a subscription of ours, and what follows (RFC 6665 sections 4.1.3 and 4.4.1).
"""

from tests.ua.subscribed import SubscribedCase
from twisted_sipdialog.errors import SubscriptionTerminated

#: After these another subscription makes no sense.
NEVER = ("rejected", "noresource", "invariant")
#: After these it does: the first two at once.
ANEW = ("deactivated", "timeout", "probation", "giveup", "somewhen")


class ReasonTests(SubscribedCase):
    def ended(self, state, age=100, **how):
        """A subscription of that age, in seconds, that the notifier ended so."""
        subscription = self.subscribed("600", **how)
        self.network.advance(age)
        self.first = self.ids()
        self.notified(f"terminated;{state}" if state else "terminated", b"9")
        return subscription

    def assertAnew(self, subscription):
        """Section 4.1.3: by a new Call-ID and From tag, and it works."""
        self.assertEqual((self.request.toTag, self.header("expires")), ("", "3600"))
        self.assertNotEqual(self.request.callId, self.first[0])
        self.assertNotEqual(self.request.fromTag, self.first[1])
        self.assertEqual(subscription.state, "starting")
        self.grants(200, "600")
        self.notified("active;expires=600")
        self.assertEqual((subscription.state, subscription.sip.callId), ("active", self.request.callId))
        self.assertLeft(subscription, 600)
        self.nextAfter(540, 1)
        self.assertEqual(self.request.toTag, self.peer.tag)
        self.grants(200, "600")
        self.finishes(subscription)

    def test_atOnce(self):
        """deactivated and timeout: begun anew at once, whatever retry-after says."""
        for state in ("reason=deactivated", "reason=timeout", "reason=timeout;retry-after=90", "reason=Deactivated"):
            self.told.told.clear()
            subscription = self.ended(state)
            self.next(0.1)
            self.assertEqual(self.told.events, ["accepted", "notified", "notified", "suspended"])
            end, retryAfter = self.told.detail("suspended")
            self.assertEqual((end.reason, end.byPeer, retryAfter), (state[7:].partition(";")[0].lower(), True, 0))
            self.assertEqual((end.message.method, end.message.body), ("NOTIFY", b"9"))
            self.assertEqual(self.told.detail("notified").body, b"9")
            self.assertAnew(subscription)

    def test_notAtOnceForEver(self):
        """A notifier that ends each at once is not asked in a tight loop."""
        for reason in ("deactivated", "timeout"):
            self.subscribes()
            before, begin = self.count(), self.now()
            while self.now() < begin + 60:
                self.grants(200, "600")
                self.notified("active")
                self.notified(f"terminated;reason={reason}")
                self.next(400)
            self.assertLess(self.count() - before, 10)
            self.grants(200, "600")
            self.notified("active")
            self.finishes(self.told.subscription)

    def test_later(self):
        """probation and giveup, and what nobody knows: after retry-after, which is in seconds."""
        for reason in ("reason=probation", "reason=giveup", "reason=somewhen", "x=y"):
            self.told.told.clear()
            subscription = self.ended(f"{reason};retry-after=30")
            self.assertEqual((subscription.state, subscription.expires, subscription.sip), ("suspended", 0, None))
            self.assertIsNone(subscription.ended)
            self.assertEqual(self.told.detail("suspended")[1], 30)
            self.assertEqual(self.notifies("active").statusCode, 481)
            self.nextAfter(30)
            self.assertAnew(subscription)

    def test_sometime(self):
        """Without retry-after: when we think fit, which is what was told."""
        for state in ("reason=probation", "reason=giveup", "reason=somewhen", ""):
            self.told.told.clear()
            subscription = self.ended(state)
            self.assertEqual(subscription.state, "suspended")
            retryAfter = self.told.detail("suspended")[1]
            self.assertTrue(1 <= retryAfter <= 600)
            self.nextAfter(retryAfter)
            self.assertAnew(subscription)

    def test_lessAndLess(self):
        """Where the notifier does not say when, we wait longer each time, until one has lasted."""
        subscription = self.subscribed("600")
        pauses = []
        for age in (1, 1, 1, 400):
            self.network.advance(age)
            self.notified("terminated;reason=giveup")
            pauses.append(self.told.detail("suspended")[1])
            self.next(400)
            self.grants(200, "600")
            self.notified("active")
        self.assertTrue(pauses[0] < pauses[1] < pauses[2], pauses)
        self.assertEqual(pauses[3], pauses[0])
        self.finishes(subscription)

    def test_farAway(self):
        """A retry-after of a century binds nobody."""
        subscription = self.ended("reason=probation;retry-after=4294967295")
        self.assertEqual(subscription.state, "suspended")
        self.assertLessEqual(self.told.detail("suspended")[1], 31 * 86400)
        self.successResultOf(subscription.unsubscribe())
        self.left()

    def test_never(self):
        """rejected, noresource, invariant: the end, whatever retry-after says."""
        for reason in NEVER:
            for more in ("", ";retry-after=5"):
                self.told.told.clear()
                subscription = self.ended(f"reason={reason}{more}")
                ending = subscription.whenTerminated()
                end = self.successResultOf(ending)
                self.assertEqual((end.reason, end.byPeer, end.message.body), (reason, True, b"9"))
                self.assertIs(subscription.ended, end)
                self.assertEqual((subscription.state, subscription.expires), ("terminated", 0))
                self.assertEqual(self.told.events, ["accepted", "notified", "notified", "terminated"])
                self.assertEqual(self.told.detail("terminated"), end)
                self.assertEqual(subscription.notification.body, b"9")
                self.left()

    def test_notWanted(self):
        """Where the application does not want it, nothing is begun anew."""
        for reason in (*ANEW, *NEVER):
            subscription = self.ended(f"reason={reason}", resubscribe=False)
            self.assertEqual((subscription.state, subscription.ended.reason), ("terminated", reason))
            self.none(600)
            self.left()
        self.assertEqual(self.ended("", resubscribe=False).ended.reason, "")
        self.left()

    def test_first(self):
        """A first NOTIFY that ends it fails the Deferred, and nothing is begun anew."""
        for state in (*(f"terminated;reason={reason}" for reason in (*ANEW, *NEVER)), "terminated"):
            self.told.told.clear()
            self.subscribes()
            self.grants(200, "600")
            self.notified(state, b"1")
            error = self.failureResultOf(self.subscribing, SubscriptionTerminated).value
            self.assertEqual(error.ended.reason, state.partition("=")[2])
            self.assertEqual(self.told.events, ["accepted", "notified", "terminated"])
            self.assertEqual(self.told.detail("notified").body, b"1")
            self.none(60)
            self.left()

    def test_anewEnds(self):
        """What was begun anew may end for good."""
        subscription = self.ended("reason=timeout")
        self.next(1)
        self.grants(200, "600")
        self.notified("terminated;reason=noresource")
        self.assertEqual((subscription.state, subscription.ended.reason), ("terminated", "noresource"))
        self.left()

    def test_anewEndsAtOnce(self):
        """Or end once more for a time; that it was there before is not forgotten."""
        subscription = self.ended("reason=timeout")
        self.next(1)
        self.grants(200, "600")
        self.notified("terminated;reason=timeout")
        self.assertEqual(subscription.state, "suspended")
        self.next(400)
        self.grants(200, "600")
        self.notified("active")
        self.finishes(subscription)

    def test_oldDialog(self):
        """What still comes from the dialog before counts no longer."""
        subscription = self.ended("reason=timeout")
        old = self.request
        self.next(1)
        self.grants(200, "600")
        self.notified("active", b"1")
        self.assertEqual(self.notifies("terminated;reason=noresource", within=old).statusCode, 481)
        self.assertEqual((subscription.state, subscription.notification.body), ("active", b"1"))
        self.finishes(subscription)


class OnceTests(SubscribedCase):
    """B30: an end that comes twice, at a bad time, or in odd words."""

    def test_twice(self):
        """Section 4.1.3: after the end there is no subscription; further NOTIFYs get 481."""
        for state in ("terminated;reason=noresource", "terminated;reason=timeout", "active"):
            subscription = self.subscribed("600")
            self.notified("terminated;reason=noresource")
            self.assertEqual(self.notifies(state).statusCode, 481)
            self.assertEqual(subscription.ended.reason, "noresource")
            self.left()
        self.assertEqual(self.told.events.count("terminated"), 3)

    def test_repeated(self):
        """RFC 3261 section 17.2.2: a repetition of the last NOTIFY gets the same answer, and is told once."""
        self.subscribed("600")
        headers = {"Event": "x-state", "Subscription-State": "terminated;reason=noresource"}
        notify = self.peer.request("NOTIFY", within=self.request, headers=headers)
        self.network.advance(1)
        self.peer.send(notify.toBytes(), self.userAgent)
        self.network.advance(1)
        self.assertEqual(self.sent("200 NOTIFY"), 3)
        self.assertEqual(self.told.events.count("terminated"), 1)
        self.left()

    def test_whileRefreshing(self):
        """An end that crosses a refresh is the end; the answer to the refresh, whatever it is, changes nothing."""
        for code in (200, 481, 500):
            self.told.told.clear()
            subscription = self.subscribed("600")
            refreshing = subscription.refresh()
            refreshing.addErrback(lambda _: None)
            self.next(1)
            self.notified("terminated;reason=noresource")
            self.assertEqual(self.notifies("terminated;reason=noresource").statusCode, 481)
            self.grants(code, "600")
            self.assertTrue(refreshing.called)
            self.assertEqual(subscription.ended.reason, "noresource")
            self.assertEqual(self.told.events, ["accepted", "notified", "notified", "terminated"])
            self.left()

    def test_anewWhileRefreshing(self):
        """The same where it is begun anew: the answer to the old one is none to the new one."""
        for code in (200, 481, 500):
            subscription = self.subscribed("600")
            self.network.advance(100)
            subscription.refresh().addErrback(lambda _: None)
            old = self.next(1)
            self.notified("terminated;reason=timeout")
            new = self.next(1)
            self.request = old
            self.grants(code, "5")
            self.assertEqual(subscription.state, "starting")
            self.request = new
            self.grants(200, "600")
            self.notified("active;expires=600")
            self.assertLeft(subscription, 600)
            self.finishes(subscription)

    def test_refreshUnanswered(self):
        """A refresh that nobody answers since the notifier is gone leaves nothing."""
        subscription = self.subscribed("600")
        refreshing = subscription.refresh()
        self.next(1)
        self.notified("terminated;reason=noresource")
        self.network.advance(40)
        self.failureResultOf(refreshing)
        self.assertNotIn("failed", self.told.events)
        self.left()

    def test_odd(self):
        """Whatever the words, the first one says that it is over; or the NOTIFY is refused, and nothing is over."""
        for state in (
            "terminated;reason=",
            "terminated;;reason=timeout",
            "terminated;reason",
            "terminated ; reason = giveup",
            "TERMINATED;REASON=NoResource",
            "Terminated",
            "terminated;retry-after=abc;reason=probation",
            "terminated;reason=probation;retry-after=-1",
            "terminated;reason=probation;retry-after=99999999999999999999",
            "terminated;expires=abc",
            'terminated;reason="a;b"',
        ):
            subscription = self.subscribed("600", resubscribe=False)
            code = self.notifies(state).statusCode
            self.assertIn(code, (200, 400), state)
            self.assertEqual(subscription.state, "terminated" if code == 200 else "active", state)
            if code == 200:
                self.assertEqual(self.notifies(state).statusCode, 481)
            else:
                self.notified("terminated;reason=noresource")
            self.left()

    def test_upperCase(self):
        """RFC 3261 section 7.3.1: reasons and states are the same in any case."""
        self.assertNever("TERMINATED;REASON=NoResource", "noresource")

    def assertNever(self, state, reason):
        subscription = self.subscribed("600")
        self.notified(state)
        self.assertEqual((subscription.state, subscription.ended.reason), ("terminated", reason))
        self.left()
