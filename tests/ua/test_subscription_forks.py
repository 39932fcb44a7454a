"""
A SUBSCRIBE of ours that forks: several notifiers, where the package allows for that (RFC 6665 section 4.4.1).
"""

from zope.interface.verify import verifyObject

from tests.ua.subscribed import Count, SubscribedCase
from twisted_sipdialog import LoadLimits
from twisted_sipdialog.interfaces import ISubscription


class ForkCase(SubscribedCase):
    def forked(self, *tags, **how):
        """Subscriptions of one SUBSCRIBE: the first of the notifier that answers it, and one for each of C{tags}."""
        self.subscribes(event=Count(forks=True), **how)
        self.first = self.request
        self.grants(200, "600")
        self.notified("active;expires=600", b"1")
        subscriptions = [self.successResultOf(self.subscribing)]
        for number, tag in enumerate(tags, 2):
            self.assertEqual(self.notifiesAs(tag, "active;expires=600", b"%d" % number).statusCode, 200)
            subscriptions.append(self.told.detail("forked"))
        return subscriptions

    def notifiesAs(self, tag, state="active", body=b"", **how):
        """A NOTIFY of the notifier with C{tag}."""
        how.setdefault("within", self.first)
        return self.notifies(state, body, From=self.another(tag), **how)

    def another(self, tag):
        return f"{self.first.headers.get('to').partition(';tag=')[0]};tag={tag}"

    def ends(self, subscription):
        """One of them is given up, and its notifier has the last word."""
        ending = subscription.unsubscribe()
        tag = subscription.sip.remoteTag
        self.next(0.1)
        self.assertEqual((self.header("expires"), self.request.toTag), ("0", tag))
        self.grants(200, "0")
        self.notified("terminated;reason=timeout", within=self.request, From=self.another(tag))
        self.successResultOf(ending)
        self.assertEqual(subscription.ended.reason, "unsubscribed")


class AllowedTests(ForkCase):
    def test_forked(self):
        """Each notifier makes a subscription of its own, with its own dialog and state."""
        one, two, three = self.forked("two", "three")
        forks = [detail for what, detail in self.told.told if what == "forked"]
        self.assertEqual(forks, [two, three])
        self.assertEqual(
            self.told.events, ["accepted", "notified", *["forked", "notified"] * 2], "the subscription, then its news"
        )
        self.assertEqual(self.told.subscriptions, [one, one, one, two, one, three])
        for subscription, tag, value in ((one, self.peer.tag, "1"), (two, "two", "2"), (three, "three", "3")):
            verifyObject(ISubscription, subscription)
            self.assertEqual((subscription.sip.remoteTag, subscription.value), (tag, value))
            self.assertEqual((subscription.sip.callId, subscription.sip.localTag), self.ids(self.first)[:2])
            self.assertEqual((subscription.state, subscription.delegate), ("active", self.told))
            self.assertEqual(subscription.request.via.branch, self.first.via.branch)
            self.assertLeft(subscription, 600)
        self.notifiesAs("two", "pending", b"+7")
        self.assertEqual(
            [(s.state, s.value) for s in (one, two, three)], [("active", "1"), ("pending", "9"), ("active", "3")]
        )
        for subscription in (two, one, three):
            self.ends(subscription)
        self.left()

    def test_time(self):
        """Section 4.1.2.1: where its NOTIFY says nothing of the time, each lasts as long as the 2xx grants."""
        self.subscribes(event=Count(forks=True))
        self.first = self.request
        self.grants(200, "600")
        self.notified("active", b"1")
        self.network.advance(1)
        self.notifiesAs("two", "active", b"2")
        one, two = self.successResultOf(self.subscribing), self.told.detail("forked")
        for subscription in (one, two):
            self.assertLeft(subscription, 599)
        for subscription in (one, two):
            self.ends(subscription)
        self.left()

    def test_refreshed(self):
        """Section 4.1.2.2: each by itself, in its own dialog, by what its own notifier grants."""
        self.forked("two", extraHeaders=[("X-Why", "so")], body=b"f", contentType="text/f")
        grants = {self.peer.tag: "600", "two": "100"}
        tags = []
        begin = self.now()
        for _ in range(6):
            self.next(541)
            tags.append(self.request.toTag)
            for name in ("event", "expires", "accept", "x-why", "content-type", "contact"):
                self.assertEqual(self.header(name), self.first.headers.get(name), name)
            self.assertEqual(self.request.body, b"f")
            self.grants(200, grants[self.request.toTag], To=self.header("to"))
        self.assertEqual(sorted(tags[:2]), sorted(grants))
        self.assertEqual(tags[2:], ["two"] * 4)
        self.assertTrue(899 <= self.now() - begin <= 902, self.now())
        for subscription in {*self.told.subscriptions}:
            self.ends(subscription)
        self.left()

    def test_target(self):
        """Each goes to where its own notifier is."""
        self.forked()
        here = f"{self.peer.address[0]}:5060"
        self.notifiesAs("two", "active;expires=100", b"2", Contact=f"<sip:two@{here}>")
        one, two = self.told.subscriptions[0], self.told.detail("forked")
        self.next(91)
        self.assertEqual((self.request.toTag, self.request.uriText), ("two", f"sip:two@{here}"))
        self.grants(200, "100", To=self.header("to"), Contact=f"<sip:two@{here}>")
        self.ends(one)
        self.ends(two)
        self.left()

    def test_endedByPeer(self):
        """The end of one is none of the others'."""
        one, two, three = self.forked("two", "three")
        self.notifiesAs("two", "terminated;reason=noresource")
        self.assertEqual((two.state, two.ended.reason), ("terminated", "noresource"))
        self.assertEqual(self.notifiesAs("two").statusCode, 481)
        self.assertEqual((one.state, three.state), ("active", "active"))
        self.notifies("terminated;reason=noresource", within=self.first)
        self.assertEqual((one.state, three.state), ("terminated", "active"))
        self.notifiesAs("three", "active", b"4")
        self.assertEqual(three.value, "4")
        self.ends(three)
        self.left()

    def test_notifiedFirst(self):
        """The 2xx may come after all of the NOTIFYs, from any of them."""
        self.subscribes(event=Count(forks=True))
        self.first = self.request
        self.notifiesAs("one", "active;expires=600", b"1")
        one = self.successResultOf(self.subscribing)
        self.notifiesAs("two", "active;expires=600", b"2")
        two = self.told.detail("forked")
        self.grants(200, "600", To=self.another("two"))
        self.assertEqual([s.sip.remoteTag for s in (one, two)], ["one", "two"])
        for _ in range(2):
            self.next(541)
            self.grants(200, "600", To=self.header("to"))
        self.assertEqual({s.state for s in (one, two)}, {"active"})
        self.ends(one)
        self.ends(two)
        self.left()

    def test_late(self):
        """Section 4.1.2.4: after timer N no NOTIFY makes a subscription any more."""
        (one,) = self.forked()
        self.network.advance(33)
        self.assertEqual(self.notifiesAs("two").statusCode, 481)
        self.ends(one)
        self.left()

    def test_first(self):
        """One whose first NOTIFY says that it is over is told as such, and is over."""
        (one,) = self.forked()
        self.assertIn(self.notifiesAs("two", "terminated;reason=noresource", b"2").statusCode, (200, 481))
        for subscription in self.told.subscriptions:
            if subscription is not one:
                self.assertEqual(subscription.state, "terminated")
        self.assertEqual(one.state, "active")
        self.ends(one)
        self.left()

    def test_limit(self):
        """A SUBSCRIBE makes no more dialogs than the limits have."""
        subscriptions = self.forked("two", settings={"loadLimits": LoadLimits(forks=2)})
        for tag in ("three", "four", "five"):
            if self.notifiesAs(tag).statusCode == 200:
                subscriptions.append(self.told.detail("forked"))
        self.assertLessEqual(len(subscriptions), 3)
        self.assertEqual(self.notifiesAs("six").statusCode, 481)
        for subscription in subscriptions:
            self.ends(subscription)
        self.left()

    def test_stop(self):
        """The service's end gives each of them up."""
        self.forked("two")
        stopping = self.userAgent.stopService()
        tags = set()
        for _ in range(2):
            self.next(0.1)
            tag = self.request.toTag
            tags.add((self.header("expires"), tag))
            self.grants(200, "0", To=self.header("to"))
            self.notified("terminated;reason=timeout", From=self.another(tag))
        self.assertEqual(tags, {("0", self.peer.tag), ("0", "two")})
        self.network.advance(0.1)
        self.successResultOf(stopping)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_givenUp(self):
        """Once the first is given up no further notifier is taken."""
        one, two = self.forked("two")
        self.ends(one)
        self.assertEqual(self.notifiesAs("three").statusCode, 481)
        self.assertEqual(two.state, "active")
        self.ends(two)
        self.left()

    def test_whileGivenUp(self):
        """Nor is one while the SUBSCRIBE that gives it up is under way: nobody would give that one up."""
        (one,) = self.forked()
        ending = one.unsubscribe()
        self.next(0.1)
        self.assertEqual(self.notifiesAs("two", "active;expires=600", b"2").statusCode, 481)
        self.grants(200, "0")
        self.notified("terminated;reason=timeout", within=self.request)
        self.successResultOf(ending)
        self.left()


class RefusedTests(ForkCase):
    def test_others(self):
        """Section 4.4.1: where the package has one notifier, the NOTIFYs of any other get 481."""
        for event in ("x-state", Count()):
            self.subscribes(event=event)
            self.first = self.request
            self.grants(200, "600")
            self.notified("active;expires=600", b"1")
            subscription = self.successResultOf(self.subscribing)
            for state in ("active", "terminated;reason=noresource"):
                self.assertEqual(self.notifiesAs("two", state, b"2").statusCode, 481)
            self.assertEqual((subscription.state, subscription.notification.body), ("active", b"1"))
            self.assertNotIn("forked", self.told.events)
            self.ends(subscription)
            self.left()

    def test_firstWins(self):
        """It is the first NOTIFY that says who the notifier is, not the 2xx."""
        self.subscribes()
        self.first = self.request
        self.grants(200, "600")
        self.notifiesAs("other", "active;expires=600", b"1")
        subscription = self.successResultOf(self.subscribing)
        self.assertEqual(subscription.sip.remoteTag, "other")
        self.assertEqual(self.notifies("active", b"2", within=self.first).statusCode, 481)
        self.ends(subscription)
        self.left()

    def test_nothingSaid(self):
        """Section 4.1.3: a NOTIFY of another notifier that is refused makes nothing that a delegate would hear of."""
        (one,) = self.forked()
        self.assertEqual(self.notifiesAs("two", Subscription_State=None).statusCode, 489)
        self.network.advance(40)
        self.assertEqual(self.told.events, ["accepted", "notified"])
        self.ends(one)
        self.left()

    def test_tooLate(self):
        """Nor does one that is taken after all, once the subscription that it is a fork of is over."""
        (one,) = self.forked()
        self.assertEqual(self.notifiesAs("two", Subscription_State=None).statusCode, 489)
        self.ends(one)
        self.notifiesAs("two", "active;expires=600", b"2")
        self.assertEqual(self.told.events[-1], "terminated")
        self.assertEqual(self.notifiesAs("two").statusCode, 481)
        self.left()
