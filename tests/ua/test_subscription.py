"""
SUBSCRIBE of ours: what it says, and what becomes of the first one (RFC 6665 sections 4.1.2.1 and 4.1.2.4).
"""

from twisted.internet.defer import CancelledError
from zope.interface.verify import verifyObject

from tests.ua.calling import challenge, proven
from tests.ua.subscribed import ALICE, Count, SubscribedCase, Told
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import InvalidState, InvalidValue, ResponseError, Timeout
from twisted_sipdialog.interfaces import INotification, ISubscription


class RequestTests(SubscribedCase):
    def test_minimal(self):
        """Sections 3.1.1 and 4.1.2.1: a new dialog's request, with Event, Expires and Contact."""
        self.subscribes()
        self.assertEqual((self.request.uriText, self.request.toTag, self.request.body), (ALICE, "", b""))
        self.assertEqual((self.header("event"), self.header("expires")), ("x-state", "3600"))
        self.assertEqual(len(self.request.contacts), 1)
        self.assertIsNotNone(self.request.fromTag)
        self.grants(403)
        self.left()

    def test_everything(self):
        """Section 8.2.1: Event has its parameters; the rest is what was given."""
        self.subscribes(
            event="dialog;sla;ma=2",
            expires=120,
            extraHeaders=[("X-Why", "so")],
            body=b"<filter/>",
            contentType="application/simple-filter+xml",
            accept=("text/a", "text/b"),
        )
        self.assertEqual((self.header("event"), self.header("expires")), ("dialog;sla;ma=2", "120"))
        self.assertEqual((self.header("x-why"), self.request.body), ("so", b"<filter/>"))
        self.assertEqual(self.header("content-type"), "application/simple-filter+xml")
        accept = [t.strip() for line in self.request.headers.getAll("accept") for t in line.split(",")]
        self.assertEqual(accept, ["text/a", "text/b"])
        self.grants(403)
        self.left()

    def test_package(self):
        """Sections 5.4.4 and 5.4.5: how long it lasts and what bodies it has, the package says."""
        self.subscribes(event=Count())
        self.assertEqual((self.header("event"), self.header("expires")), ("x-count", "900"))
        accept = [t.strip() for line in self.request.headers.getAll("accept") for t in line.split(",")]
        self.assertEqual(accept, ["text/x-count", "text/plain"])
        self.grants(403)
        self.left()

    def test_offers(self):
        """Section 4.4.4: what makes a dialog says which packages we have ourselves; none is no list."""
        for events, told in (((), None), (("presence", "x-state"), "presence, x-state")):
            self.subscribes({"events": events, "referPolicy": "refuse"})
            self.assertEqual(self.header("allow-events"), told)
            self.grants(403)
            self.left()

    def test_bareUser(self):
        """A bare user is one of our own domain."""
        agent = self.userAgent = self.agent(outboundProxy="sip:peer.example;lr")
        self.asked(agent.subscribe, "carol")
        self.assertEqual(self.request.uriText, "sip:carol@b.example")
        self.grants(403)
        self.left()

    def test_once(self):
        """One that was begun is not begun again, be it there or over."""
        subscription = self.subscribed("600")
        self.assertRaises(InvalidState, subscription.begin)
        self.none(1)
        self.finishes(subscription)
        self.assertRaises(InvalidState, subscription.begin)
        self.left()

    def test_values(self):
        """What cannot be so raises, before anything is sent."""
        agent = self.userAgent = self.agent()
        for wrong in (
            {"event": ""},
            {"event": "a b"},
            {"event": None},
            {"event": "a\r\nb: c"},
            {"expires": 0},
            {"expires": -1},
            {"expires": "60"},
            {"expires": 1.5},
            {"expires": 2**32},
            {"body": "text"},
            {"body": b"x", "contentType": "a\r\nb"},
            {"accept": ("text/a\r\nb: c",)},
            {"extraHeaders": [("Event", "x")]},
            {"extraHeaders": [("Expires", "1")]},
            {"extraHeaders": [("X-Why", "a\r\nb: c")]},
        ):
            with self.assertRaises(InvalidValue, msg=repr(wrong)):
                agent.subscribe(ALICE, **{"event": "x-state", **wrong})
        self.assertRaises(InvalidValue, agent.subscribe, "sip:", "x-state")
        agent.stopService()
        self.network.advance(1)
        self.assertRaises(InvalidState, agent.subscribe, ALICE, "x-state")
        self.assertRaises(InvalidState, agent.fetch, ALICE, "x-state")
        self.assertEqual(self.count(), 0)


class FirstTests(SubscribedCase):
    def test_accepted(self):
        """Section 4.1.2.4: it is the NOTIFY that makes the subscription, not the 2xx; 200 or 202 (RFC 3265)."""
        for code in (200, 202):
            self.told = Told()
            self.subscribes()
            self.grants(code, "600")
            self.assertNoResult(self.subscribing)
            self.assertEqual((self.told.told, self.told.subscription.state), ([("accepted", code)], "starting"))
            self.assertEqual(self.told.subscription.expires, 0)
            self.notified("active;expires=600", b"7")
            subscription = self.successResultOf(self.subscribing)
            verifyObject(ISubscription, subscription)
            self.assertEqual((subscription.state, subscription.target), ("active", ALICE))
            self.assertLeft(subscription, 600)
            self.assertEqual((subscription.event.package, subscription.package), ("x-state", None))
            self.assertEqual((subscription.dialog, subscription.ended, subscription.value), (None, None, None))
            self.assertEqual(subscription.sip.remoteTag, self.peer.tag)
            self.assertEqual((subscription.sip.callId, subscription.sip.localTag), self.ids()[:2])
            self.assertEqual((subscription.response.statusCode, subscription.request.callId), (code, self.ids()[0]))
            verifyObject(INotification, subscription.notification)
            self.assertEqual((subscription.notification.body, subscription.notification.error), (b"7", None))
            self.assertEqual(subscription.notification.contentType, "text/x-count")
            self.assertEqual(self.told.events, ["accepted", "notified"])
            self.assertIs(self.told.detail("notified"), subscription.notification)
            self.network.advance(100)
            self.assertLeft(subscription, 500)
            self.finishes(subscription)

    def test_notifiedFirst(self):
        """Section 4.1.2.4: a NOTIFY may overtake the 2xx."""
        self.subscribes()
        self.notified("active;expires=600")
        subscription = self.successResultOf(self.subscribing)
        self.assertEqual(subscription.state, "active")
        self.grants(200, "600")
        self.assertEqual(self.told.events, ["notified", "accepted"])
        self.assertEqual((subscription.state, subscription.response.statusCode), ("active", 200))
        self.nextAfter(540, 1)
        self.assertEqual(self.request.toTag, self.peer.tag)
        self.grants(200, "600")
        self.finishes(subscription)

    def test_neverAnswered(self):
        """Section 4.4.1: where the NOTIFY has come, the subscription is there though the 2xx never comes."""
        self.subscribes()
        self.notified("active;expires=600")
        subscription = self.successResultOf(self.subscribing)
        self.network.advance(33)
        self.assertEqual((self.told.events, subscription.state), (["notified", "failed"], "active"))
        self.next()
        self.assertEqual(self.request.toTag, self.peer.tag)  # what failed is tried again, as a refresh
        self.grants(200, "600")
        self.notified("active;expires=500", b"8")
        self.assertEqual(subscription.notification.body, b"8")
        self.assertNotIn("terminated", self.told.events)
        self.finishes(subscription)

    def test_neverNotified(self):
        """Section 4.1.2.4, timer N: without a NOTIFY in 64*T1 it has failed; one that comes later is nobody's."""
        self.subscribes()
        self.grants(200, "600")
        self.network.advance(31.5)
        self.assertNoResult(self.subscribing)
        self.network.advance(1)
        self.failureResultOf(self.subscribing, Timeout)
        self.assertEqual(self.told.events[-1], "terminated")
        self.assertEqual(self.told.detail("terminated").reason, "no NOTIFY")
        self.assertEqual(self.told.subscription.state, "terminated")
        self.assertEqual(self.notifies("active").statusCode, 481)
        self.left()

    def test_silence(self):
        """Section 4.1.2.1, RFC 3261 section 17.1.2: no answer at all in 64*T1."""
        self.subscribes()
        self.network.advance(33)
        self.failureResultOf(self.subscribing, Timeout)
        self.assertEqual(self.told.events, ["failed", "terminated"])
        self.assertEqual(self.told.detail("terminated").reason, "no answer")
        self.assertEqual(self.notifies("active").statusCode, 481)
        self.left()

    def test_refused(self):
        """A first one that is refused is over, whatever the status; none is tried again (Min-Expires is of 423)."""
        for code in (302, 403, 404, 408, 480, 481, 489, 500, 503, 603):
            self.told = Told()
            self.subscribes(expires=60)
            self.grants(code, Min_Expires="600")
            self.assertEqual(self.failureResultOf(self.subscribing, ResponseError).value.statusCode, code)
            self.assertEqual(self.told.events, ["failed", "terminated"])
            end = self.told.detail("terminated")
            self.assertEqual((end.reason, end.byPeer, end.message.statusCode), ("refused", True, code))
            self.assertEqual(self.told.subscription.ended, end)
            self.assertEqual(self.notifies("active").statusCode, 481)
            self.left()

    def test_pending(self):
        """Section 4.1.3: pending is a subscription already; nobody has allowed it yet."""
        self.subscribes()
        self.grants(202, "600")
        self.notified("pending;expires=600")
        subscription = self.successResultOf(self.subscribing)
        self.assertEqual(subscription.state, "pending")
        self.assertLeft(subscription, 600)
        self.notified("active;expires=590", b"1")
        self.assertEqual((subscription.state, subscription.notification.body), ("active", b"1"))
        self.assertEqual(self.told.events, ["accepted", "notified", "notified"])
        self.finishes(subscription)

    def test_cancelled(self):
        """
        To cancel the Deferred is to unsubscribe.  Section 4.2.2: the 481 to its first NOTIFY ends it over there, before
        the 2xx or after it.
        """
        for isAccepted in (False, True):
            self.told = Told()
            self.subscribes()
            if isAccepted:
                self.grants(200, "600")
            self.subscribing.cancel()
            self.failureResultOf(self.subscribing, CancelledError)
            self.assertEqual(self.told.detail("terminated").reason, "unsubscribed")
            if not isAccepted:
                self.grants(200, "600")
            self.assertEqual(self.notifies("active").statusCode, 481)
            self.assertEqual(self.told.events, [*["accepted"] * isAccepted, "terminated"])
            self.left()

    def test_cancelledRefused(self):
        """Where it is refused after all, there is nothing to give up."""
        self.subscribes()
        self.subscribing.cancel()
        self.grants(403)
        self.failureResultOf(self.subscribing, CancelledError)
        self.left()

    def test_cancelledChallenged(self):
        """Nor is anything repaired that nobody wants any more."""
        settings = {"credentials": (Credentials("alice", "wonderland", realm="example.com"),)}
        for code, repair in ((401, {"WWW-Authenticate": challenge()}), (423, {"Min-Expires": "7200"})):
            self.subscribes(settings)
            before = self.count()
            self.subscribing.cancel()
            self.grants(code, **repair)
            self.network.advance(40)
            self.assertEqual(self.count(), before)
            self.left()


class RepairTests(SubscribedCase):
    def test_tooBrief(self):
        """Section 4.1.2.1, RFC 3261 section 21.4.17: 423 is answered with what Min-Expires wants, in the same call."""
        self.subscribes(expires=60)
        before = self.request
        self.grants(423, Min_Expires="300")
        self.next(1)
        self.assertEqual((self.header("expires"), self.request.callId), ("300", before.callId))
        self.assertEqual(self.request.cseqNumber, before.cseqNumber + 1)
        self.grants(200, "300")
        self.notified()
        subscription = self.successResultOf(self.subscribing)
        self.nextAfter(270, 1)
        self.assertEqual(self.header("expires"), "300")
        self.grants(200, "300")
        self.finishes(subscription)

    def test_tooBriefForNothing(self):
        """Without a Min-Expires that says more than was asked for, or with one that no clock has, it is a refusal."""
        for minimum in (None, "30", "60", "4294967295", "99999999999", "abc", ""):
            self.subscribes(expires=60)
            self.grants(423, Min_Expires=minimum)
            self.assertEqual(self.failureResultOf(self.subscribing, ResponseError).value.statusCode, 423, minimum)
            self.left()

    def test_tooBriefForEver(self):
        """A notifier that always wants more is not asked for ever."""
        self.subscribes(expires=60)
        for minimum in range(100, 2000, 100):
            self.grants(423, Min_Expires=str(minimum))
            if self.subscribing.called:
                break
            self.next(1)
        self.assertLess(self.count(), 6)
        self.assertEqual(self.failureResultOf(self.subscribing, ResponseError).value.statusCode, 423)
        self.left()

    def test_challenged(self):
        """Section 4.1.2.1, RFC 3261 section 22: a challenge is answered, also that of a refresh."""
        settings = {"credentials": (Credentials("alice", "wonderland", realm="example.com"),)}
        for code, asks, answer in (
            (401, "WWW-Authenticate", "Authorization"),
            (407, "Proxy-Authenticate", "Proxy-Authorization"),
        ):
            self.subscribes(settings)
            before = self.request
            self.grants(code, **{asks: challenge()})
            self.next(1)
            self.assertTrue(proven(self.request, name=answer))
            self.assertEqual((self.request.callId, self.request.cseqNumber), (before.callId, before.cseqNumber + 1))
            self.grants(200, "600")
            self.notified()
            subscription = self.successResultOf(self.subscribing)
            self.nextAfter(540, 1)
            self.assertEqual(proven(self.request, name=answer)["nonce"], "n1")
            self.grants(code, **{asks: challenge(nonce="n2")})
            self.next(1)
            self.assertEqual(proven(self.request, name=answer)["nonce"], "n2")
            self.grants(200, "600")
            self.assertEqual(self.told.events.count("failed"), 0)
            self.finishes(subscription)

    def test_notProven(self):
        """Without credentials for it, or with wrong ones, a challenge is a refusal."""
        self.subscribes()
        self.grants(401, **{"WWW-Authenticate": challenge()})
        self.failureResultOf(self.subscribing, ResponseError)
        self.subscribes({"credentials": (Credentials("alice", "wrong", realm="example.com"),)})
        self.grants(401, **{"WWW-Authenticate": challenge()})
        self.next(1)
        self.grants(401, **{"WWW-Authenticate": challenge(nonce="n2")})
        self.assertEqual(self.failureResultOf(self.subscribing, ResponseError).value.statusCode, 401)
        self.left()
