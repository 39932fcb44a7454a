"""
What keeps a subscription of ours up: refreshes, in time and in the dialog (RFC 6665 section 4.1.2.2).
"""

from tests.ua.subscribed import SubscribedCase, Told
from twisted_sipdialog.errors import InvalidState, InvalidValue, ResponseError, SubscriptionTerminated, Timeout

PROXY = "<sip:peer.example;lr>"


class WhenTests(SubscribedCase):
    def refreshedAfter(self, seconds):
        self.nextAfter(seconds, 1)
        self.assertEqual(self.request.toTag, self.peer.tag)
        self.assertNotEqual(self.header("expires"), "0")

    def test_granted(self):
        """Sections 4.1.2.2 and 4.2.1.1: before the time that the 2xx grants is over, again and again."""
        subscription = self.subscribed("600")
        self.refreshedAfter(540)
        self.grants(200, "100")
        self.notified("active;expires=100")
        self.assertLeft(subscription, 100)
        self.refreshedAfter(90)
        self.grants(200, "600")
        self.refreshedAfter(540)
        self.grants(200, "600")
        self.assertEqual(self.told.events.count("accepted"), 4)
        self.finishes(subscription)

    def test_told(self):
        """Section 4.1.3: what a NOTIFY says of the time counts: shorter, or longer."""
        for told in ("300", "900"):
            self.subscribes()
            self.grants(200, "600")
            self.notified(f"active;expires={told}")
            subscription = self.successResultOf(self.subscribing)
            self.assertLeft(subscription, int(told))
            self.refreshedAfter(0.9 * int(told))
            self.grants(200, "600")
            self.finishes(subscription)

    def test_toldLater(self):
        """The same of a later NOTIFY: the subscription does not die of a refresh that comes too late."""
        subscription = self.subscribed("600")
        self.network.advance(100)
        self.notified("active;expires=50")
        self.assertLeft(subscription, 50)
        self.next(49)
        self.grants(200, "600")
        self.finishes(subscription)

    def test_repairedMeanwhile(self):
        """Section 4.1.2.2: what was asked for since a refresh that was too short (423) is asked for in its place."""
        subscription = self.subscribed("600")
        waiting = [subscription.refresh(60)]
        self.next(0.1)
        waiting.append(subscription.refresh(7200))
        self.grants(423, Min_Expires="900")
        self.next(0.1)
        self.assertEqual(self.header("expires"), "7200")
        self.grants(200, "7200")
        for each in waiting:
            self.assertEqual(self.successResultOf(each).statusCode, 200)
        self.assertLeft(subscription, 7200)
        self.none(1)
        self.finishes(subscription)

    def test_toldTheSame(self):
        """A NOTIFY that says what is known does not put off the refresh, which is due long before the last moment."""
        subscription = self.subscribed("3600")
        for left in (2600, 1600, 600):
            self.network.advance(1000)
            self.notified(f"active;expires={left}")
        self.nextAfter(240, 2)
        self.grants(200, "3600")
        self.finishes(subscription)

    def test_toldMore(self):
        """Where a later one says that it lasts longer, it does; to ask early does no harm."""
        subscription = self.subscribed("600")
        self.network.advance(100)
        self.notified("active;expires=900")
        self.assertLeft(subscription, 900)
        self.next(811)
        self.assertEqual(self.request.toTag, self.peer.tag)
        self.grants(200, "600")
        self.assertLeft(subscription, 600)
        self.finishes(subscription)

    def test_toldNothing(self):
        """A NOTIFY without a time changes none."""
        subscription = self.subscribed("600")
        self.network.advance(100)
        self.notified("active", b"1")
        self.assertLeft(subscription, 500)
        self.refreshedAfter(440)
        self.grants(200, "600")
        self.finishes(subscription)

    def test_notGranted(self):
        """Section 4.2.1.1 wants an Expires in the 2xx; without one, or with nonsense, what was asked for counts."""
        for expires in (None, "abc", ""):
            self.subscribes(expires=1000)
            self.grants(200, expires)
            self.notified()
            subscription = self.successResultOf(self.subscribing)
            self.refreshedAfter(900)
            self.grants(200, "1000")
            self.finishes(subscription)

    def test_grantedNothingAndTold(self):
        """Section 4.1.3: a NOTIFY says what is so; one that follows a 2xx of no time is no silence."""
        subscription = self.subscribed("600")
        self.nextAfter(540)
        self.grants(200, "0")
        self.notified("active;expires=600")
        self.assertLeft(subscription, 600)
        self.nextAfter(540)
        self.grants(200, "600")
        self.finishes(subscription)

    def test_grantedNothingAndUnsubscribed(self):
        """Who has enough when told that no NOTIFY came is not subscribed anew."""
        self.told = Told(lambda what, subscription: subscription.unsubscribe() if what == "failed" else None)
        subscription = self.subscribed("600")
        self.next(541)
        self.grants(200, "0")
        self.next(33)
        self.assertEqual(self.header("expires"), "0")
        self.assertEqual(self.told.events.count("suspended"), 0)
        self.grants(200, "0")
        self.notified("terminated;reason=timeout")
        self.finishes(subscription)

    def test_grantedMore(self):
        """Section 4.2.1.1: it may be shortened, never prolonged; to ask early does no harm."""
        subscription = self.subscribed("999999999999", expires=1000)
        self.next(901)
        self.grants(200, "4294967295")
        self.next(901)
        self.grants(200, "1000")
        self.finishes(subscription)

    def test_toldForEver(self):
        """No NOTIFY has it last beyond what a clock can wait for."""
        self.subscribes()
        self.grants(200, "600")
        self.notified("active;expires=4294967295")
        self.finishes(self.successResultOf(self.subscribing))

    def test_toldOver(self):
        """A NOTIFY that leaves it no time has it begun anew, and not in a tight loop."""
        subscription = self.subscribed("600")
        self.network.advance(100)
        before = self.count()
        for _ in range(10):
            self.notified("active;expires=0")
            self.next(400)
            self.grants(200, "600")
        self.assertGreater(self.now() - 100, 30)
        self.assertEqual(self.count() - before, 10)
        self.notified("active;expires=600")
        self.finishes(subscription)


class HowTests(SubscribedCase):
    def test_dialog(self):
        """RFC 3261 section 12.2.1.1: Call-ID, tags, CSeq, and the Request-URI is the remote target."""
        body = {"body": b"<filter/>", "contentType": "text/f", "extraHeaders": [("X-Why", "so")], "accept": ("text/a",)}
        subscription = self.subscribed("600", event="x-state;sla", **body)
        first = self.request
        self.next(541)
        self.assertEqual(self.ids(), (first.callId, first.fromTag, self.peer.tag))
        self.assertEqual(self.request.cseqNumber, first.cseqNumber + 1)
        self.assertEqual(self.request.uriText, f"sip:peer@{self.peer.address[0]}:5060")
        for name in ("event", "expires", "accept", "x-why", "contact", "content-type", "from"):
            self.assertEqual(self.header(name), first.headers.get(name), name)
        self.assertEqual(self.request.body, first.body)
        self.grants(200, "600")
        self.finishes(subscription)

    def test_routes(self):
        """Section 4.4.1, RFC 3261 section 12.1.1: the Record-Route of the NOTIFY makes the route set, in its order."""
        self.subscribes()
        routes = f"{PROXY}, <sip:p2.example;lr>"
        self.grants(200, "600", Record_Route=f"<sip:p2.example;lr>, {PROXY}")
        self.notified("active;expires=600", Record_Route=routes)
        subscription = self.successResultOf(self.subscribing)
        self.next(541)
        self.assertEqual(", ".join(self.request.headers.getAll("route")), routes)
        self.grants(200, "600")
        self.finishes(subscription)

    def test_target(self):
        """Sections 4.1.2.2 and 4.4.1, RFC 3261 section 12.2.1.2: a NOTIFY, and a 2xx to a refresh, move the target."""
        subscription = self.subscribed("600")
        here = f"{self.peer.address[0]}:5060"
        self.notified("active", Contact=f"<sip:two@{here}>")
        self.next(541)
        self.assertEqual(self.request.uriText, f"sip:two@{here}")
        self.grants(200, "600", Contact=f"<sip:three@{here}>")
        self.next(541)
        self.assertEqual(self.request.uriText, f"sip:three@{here}")
        self.grants(200, "600")
        self.finishes(subscription)


class ByHandTests(SubscribedCase):
    def test_refresh(self):
        """Section 4.1.2.2: at any time, and for another time, which lasts from there on."""
        subscription = self.subscribed("600")
        self.network.advance(100)
        refreshing = subscription.refresh(100)
        self.next(0.1)
        self.assertEqual((self.header("expires"), self.request.toTag), ("100", self.peer.tag))
        self.assertNoResult(refreshing)
        self.grants(200, "100")
        self.assertEqual(self.successResultOf(refreshing).statusCode, 200)
        self.notified("active", b"2")
        self.assertLeft(subscription, 100)
        self.nextAfter(90, 1)
        self.assertEqual(self.header("expires"), "100")
        self.grants(200, "100")
        refreshing = subscription.refresh()
        self.next(0.1)
        self.assertEqual(self.header("expires"), "100")
        self.grants(200, "100")
        self.successResultOf(refreshing)
        self.finishes(subscription)

    def test_twice(self):
        """One at a time: what is asked for meanwhile is sent once the first is answered."""
        subscription = self.subscribed("600")
        first, second = subscription.refresh(100), subscription.refresh(200)
        self.next(0.1)
        self.assertEqual(self.header("expires"), "100")
        self.none(0.4)
        self.grants(200, "100")
        self.successResultOf(first)
        self.assertNoResult(second)
        self.next(0.1)
        self.assertEqual(self.header("expires"), "200")
        self.grants(200, "200")
        self.successResultOf(second)
        self.assertLeft(subscription, 200)
        self.finishes(subscription)

    def test_values(self):
        """What cannot be so raises, and changes nothing."""
        subscription = self.subscribed("600")
        for wrong in (0, -1, "60", 1.5, True, 2**32):
            self.assertRaises(InvalidValue, subscription.refresh, wrong)
        self.none(1)
        refreshing = subscription.refresh()
        self.next(0.1)
        self.assertEqual(self.header("expires"), "3600")
        self.grants(200, "600")
        self.successResultOf(refreshing)
        self.finishes(subscription)

    def test_states(self):
        """Where there is nothing to refresh, it is no time for it."""
        self.subscribes()
        self.grants(200, "600")
        subscription = self.told.subscription
        self.assertRaises(InvalidState, subscription.refresh)
        self.notified("active;expires=600")
        self.notified("terminated;reason=probation;retry-after=60")
        self.assertEqual(subscription.state, "suspended")
        self.assertRaises(InvalidState, subscription.refresh)
        self.successResultOf(subscription.unsubscribe())
        self.assertRaises(InvalidState, subscription.refresh)
        self.left()

    def test_leaving(self):
        """Nor once it is being given up."""
        subscription = self.subscribed("600")
        ending = subscription.unsubscribe()
        self.assertRaises(InvalidState, subscription.refresh)
        self.next(0.1)
        self.grants(200, "0")
        self.notified("terminated;reason=timeout")
        self.successResultOf(ending)
        self.left()

    def test_refused(self):
        """Its Deferred fails with the refusal; one that ends the subscription is told as its end."""
        subscription = self.subscribed("600")
        refreshing = subscription.refresh()
        self.next(0.1)
        self.grants(489)
        self.assertEqual(self.failureResultOf(refreshing, ResponseError).value.statusCode, 489)
        self.assertEqual(subscription.state, "terminated")
        self.left()

    def test_unanswered(self):
        """Without an answer in 64*T1 it fails; the subscription has its time all the same."""
        subscription = self.subscribed("600")
        refreshing = subscription.refresh()
        self.network.advance(33)
        self.failureResultOf(refreshing, Timeout)
        self.assertEqual(subscription.state, "active")
        self.next()
        self.next()
        self.grants(200, "600")
        self.finishes(subscription)

    def test_tooBrief(self):
        """Section 4.1.2.2: a 423 is repaired in a refresh as well, within the dialog."""
        subscription = self.subscribed("600")
        refreshing = subscription.refresh(10)
        self.next(0.1)
        before = self.request
        self.grants(423, Min_Expires="60")
        self.next(0.1)
        self.assertEqual((self.header("expires"), self.ids()), ("60", self.ids(before)))
        self.assertEqual(self.request.cseqNumber, before.cseqNumber + 1)
        self.grants(200, "60")
        self.successResultOf(refreshing)
        self.assertNotIn("failed", self.told.events)
        self.finishes(subscription)

    def test_ended(self):
        """What waits when the notifier ends it fails, and is not sent any more."""
        subscription = self.subscribed("600")
        first, second = subscription.refresh(), subscription.refresh()
        self.next(0.1)
        self.notified("terminated;reason=noresource")
        self.grants(481)
        self.assertEqual(self.failureResultOf(second, SubscriptionTerminated).value.ended, subscription.ended)
        self.failureResultOf(first)
        self.assertEqual(self.told.events.count("terminated"), 1)
        self.left()
