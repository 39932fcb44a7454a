"""
SIP.js's Subscription, as docs/events.rst has it: how it is kept up, and how it ends.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from tests.events.subscription_case import ALICE, SubscriptionCase
from twisted_sipdialog.errors import InvalidState, ResponseError, SubscriptionTerminated


class RefreshTests(SubscriptionCase):
    def test_refresh(self) -> None:
        """In the dialog, at once; it fires with the 2xx."""
        subscription = self.stands()
        first, refreshing = self.request, subscription.refresh()
        self.next()
        self.assertEqual((self.request.callId, self.request.toTag), (first.callId, self.peer.tag))
        self.assertEqual((self.request.fromTag, self.request.cseqNumber), (first.fromTag, first.cseqNumber + 1))
        self.says()
        self.assertEqual(self.successResultOf(refreshing).statusCode, 200)

    def test_active(self) -> None:
        """Active until it ends: then there is nothing to prolong."""
        subscription = self.stands()
        self.assertEqual((subscription.state, subscription.ended), ("active", None))
        self.tells("terminated;reason=noresource")
        self.assertEqual((subscription.state, subscription.expires), ("terminated", 0))
        self.assertRaises(InvalidState, subscription.refresh)

    def test_refreshTime(self) -> None:
        """After 0.9 of it."""
        self.stands(expires="100")
        self.silence(89)
        self.next(1)

    def test_oneTimer(self) -> None:
        """A refresh out of turn puts off the next one."""
        subscription = self.stands(expires="100")
        self.pass_(50)
        subscription.refresh()
        self.next()
        self.says(Expires="100")
        self.silence(88)
        self.next(3)

    def test_granted(self) -> None:
        """Less than was asked for counts; the next asks for as much as the first did."""
        subscription = self.stands(expires="100")
        self.assertEqual(round(subscription.expires), 100)
        self.next(91)
        self.assertEqual(self.line("expires"), "3600")

    def test_grantedOtherwise(self) -> None:
        """RFC 6665 section 4.2.1.1 allows neither more than was asked for nor silence: as much as was asked for."""
        for expires in ("9999", None, "soon"):
            self.asks(expires=200)
            self.says(Expires=expires)
            self.tells()
            self.assertEqual(round(self.successResultOf(self.subscribing).expires), 200)
            self.silence(179)
            self.next(2)
            self.says()
            self.tells("terminated;reason=noresource")

    def test_ending(self) -> None:
        """RFC 6665 section 4.1.2.2: refusals of a refresh that end it; nothing more is sent."""
        for code in (404, 405, 410, 416, 480, 482, 483, 484, 485, 489, 501, 604):
            subscription = self.stands()
            refreshing = subscription.refresh()
            self.next()
            self.says(code)
            self.failureResultOf(refreshing, ResponseError)
            self.assertEqual(self.notes.names, ["subscriptionFailed", "subscriptionTerminated"], code)
            self.silence(60)

    def test_unknown(self) -> None:
        """RFC 6665 section 4.1.2.2: of 481 as well; and it is begun anew, in a dialog of its own."""
        subscription = self.stands()
        self.pass_(10)
        first = self.request
        subscription.refresh()
        self.next()
        self.says(481)
        self.assertEqual(self.notes.names, ["subscriptionFailed", "subscriptionSuspended"])
        self.next()
        self.assertEqual(self.request.toTag, "")
        self.assertFalse({self.request.callId, self.request.fromTag} & {first.callId, first.fromTag})

    def test_passing(self) -> None:
        """RFC 6665 section 4.1.2.2: after any other refusal it lasts as long as was granted; it is tried again."""
        for code in (400, 408, 500, 503, 603):
            subscription = self.stands(expires="600")
            subscription.refresh()
            self.next()
            self.says(code)
            self.assertEqual((subscription.state, self.notes.names), ("active", ["subscriptionFailed"]))
            self.assertEqual(self.tells("active", b"busy").statusCode, 200)
            self.next(400)
            self.assertEqual(self.request.toTag, self.peer.tag)
            self.says()
            self.tells("terminated;reason=noresource")

    def test_silent(self) -> None:
        """The same without any answer."""
        subscription = self.stands(expires="600")
        subscription.refresh()
        self.next()
        self.pass_(33)
        self.assertEqual((subscription.state, self.notes.names), ("active", ["subscriptionFailed"]))
        sent = self.sent()
        self.pass_(30)
        self.assertEqual(self.sent(), sent + 1)


class ReasonTests(SubscriptionCase):
    """RFC 6665 section 4.1.3."""

    def told(self, state: str, lasted: float = 10, **how: object) -> float:
        """A NOTIFY that ends one: seconds until it is begun anew, as is told."""
        self.subscription = self.stands(**how)
        self.pass_(lasted)
        self.first = self.request
        self.assertEqual(self.tells(state).statusCode, 200)
        told, end, retryAfter = self.notes.only("subscriptionSuspended")
        self.assertIs(told, self.subscription)
        self.assertEqual(end.message.headers.get("subscription-state"), state)
        return float(retryAfter)

    def begunAnew(self, seconds: float) -> None:
        """It is, after so long and no sooner, in a dialog of its own."""
        if seconds:
            self.silence(seconds - 0.2)
        self.next(0.3)
        self.assertEqual(self.request.toTag, "")
        self.assertFalse({self.request.callId, self.request.fromTag} & {self.first.callId, self.first.fromTag})
        self.says()
        self.tells("active", b"new")
        self.assertEqual((self.subscription.state, self.subscription.notification.body), ("active", b"new"))

    def test_suspended(self) -> None:
        """Until it is begun anew: there is no dialog, nothing is left of its time, and nothing to prolong."""
        self.told("terminated;reason=probation;retry-after=30")
        subscription = self.subscription
        self.assertEqual((subscription.state, subscription.expires, subscription.sip), ("suspended", 0, None))
        self.assertRaises(InvalidState, subscription.refresh)
        self.begunAnew(29.9)

    def test_deactivated(self) -> None:
        """At once; where it had not lasted for five seconds, after these."""
        self.assertEqual(self.told("terminated;reason=deactivated"), 0)
        self.pass_(0.1)
        self.begunAnew(0)
        self.assertEqual(self.told("terminated;reason=deactivated", 1), 5)
        self.begunAnew(4.9)

    def test_expired(self) -> None:
        """The same; retry-after has no meaning there."""
        self.assertEqual(self.told("terminated;reason=timeout;retry-after=60"), 0)
        self.begunAnew(0)

    def test_retryAfter(self) -> None:
        """After so many seconds."""
        for reason in ("probation", "giveup"):
            self.assertEqual(self.told(f"terminated;reason={reason};retry-after=30"), 30)
            self.begunAnew(29.9)

    def test_noRetryAfter(self) -> None:
        """Without, after five, and then after twice as many each time."""
        self.assertEqual(self.told("terminated;reason=probation"), 5)
        pauses = []
        for _ in range(3):
            self.next(400)
            self.says()
            self.tells("terminated;reason=giveup")
            pauses.append(self.notes.told[-1][1][2])
        self.assertEqual(pauses, [10, 20, 40])

    def test_never(self) -> None:
        """It is over, and nothing more is sent, in whatever dialog."""
        for reason in ("rejected", "noresource", "invariant"):
            subscription = self.stands()
            self.tells(f"terminated;reason={reason};retry-after=5")
            told, end = self.notes.only("subscriptionTerminated")
            self.assertEqual((told, end.reason, end.byPeer), (subscription, reason, True))
            self.silence(400)

    def test_other(self) -> None:
        """None, or one that nobody knows: later."""
        for state in ("terminated", "terminated;reason=tired"):
            self.assertEqual(self.told(state), 5)
            self.begunAnew(4.9)

    def test_resubscribe(self) -> None:
        """Not where the application does not want that."""
        for state in ("terminated;reason=deactivated", "terminated;reason=probation;retry-after=5", "terminated"):
            self.stands(resubscribe=False)
            self.tells(state)
            self.assertEqual(self.notes.names, ["notified", "subscriptionTerminated"])
            self.silence(400)

    def test_first(self) -> None:
        """A first NOTIFY that ends it: it never was."""
        self.asks()
        self.says()
        self.tells("terminated;reason=deactivated")
        self.failureResultOf(self.subscribing, SubscriptionTerminated)
        self.assertEqual(self.notes.names[1:], ["notified", "subscriptionTerminated"])
        self.silence(400)


class EndTests(SubscriptionCase):
    def test_unsubscribe(self) -> None:
        """RFC 6665 section 4.1.2.3: Expires: 0; what is notified until the last NOTIFY is told as well."""
        subscription = self.stands()
        leaving = subscription.unsubscribe()
        self.next()
        self.assertEqual((self.line("expires"), self.line("event")), ("0", "x-state"))
        self.says(Expires="0")
        self.assertEqual(self.tells("active", b"busy").statusCode, 200)
        self.assertNoResult(leaving)
        self.assertEqual(self.tells("terminated;reason=timeout", b"gone").statusCode, 200)
        self.assertEqual(self.successResultOf(leaving).body, b"gone")
        names = ["subscriptionAccepted", "notified", "notified", "subscriptionTerminated"]
        self.assertEqual((self.notes.names, subscription.ended.reason), (names, "unsubscribed"))
        self.silence(4000)

    def test_lastNotifyMissing(self) -> None:
        """RFC 6665 section 4.1.2.4: it is waited for during 64*T1, and no longer."""
        leaving = self.stands().unsubscribe()
        self.next()
        self.says(Expires="0")
        self.pass_(31)
        self.assertNoResult(leaving)
        self.pass_(2)
        self.assertIsNone(self.successResultOf(leaving))
        self.assertEqual(self.notes.names[-1], "subscriptionTerminated")

    def test_unsubscribeTwice(self) -> None:
        """One SUBSCRIBE."""
        subscription = self.stands()
        leaving = [subscription.unsubscribe(), subscription.unsubscribe()]
        self.next()
        self.says(Expires="0")
        self.tells("terminated")
        first, second = map(self.successResultOf, leaving)
        self.assertEqual((first, self.sent(), subscription.unsubscribe().result), (second, 2, first))

    def test_closeFirst(self) -> None:
        """Before there is a dialog nothing can be sent in it; a NOTIFY that comes all the same gets 481."""
        subscribing = self.asks()
        subscribing.cancel()
        self.failureResultOf(subscribing, CancelledError)
        self.says()
        self.assertEqual(self.tells().statusCode, 481)
        self.assertEqual(self.notes.names, ["subscriptionTerminated"])
        self.assertEqual(self.sent(), 1)

    def test_closeSuspended(self) -> None:
        """While it is to begin anew, later: it does not."""
        subscription = self.stands()
        self.tells("terminated;reason=giveup;retry-after=30")
        self.assertIsNone(self.successResultOf(subscription.unsubscribe()))
        self.assertEqual((subscription.state, self.notes.names[-1]), ("terminated", "subscriptionTerminated"))
        self.silence(60)

    def test_stop(self) -> None:
        """All of them are given up, and those without a NOTIFY yet forgotten."""
        subscription = self.stands()
        other = self.userAgent.subscribe(ALICE, "x-state")
        self.addCleanup(other.addErrback, lambda _: None)
        self.peer.expect("SUBSCRIBE")
        stopping = self.userAgent.stopService()
        self.next()
        self.assertEqual((self.line("expires"), self.request.callId), ("0", subscription.sip.callId))
        self.failureResultOf(other, CancelledError)
        self.says(Expires="0")
        self.tells("terminated")
        self.pass_(6)
        self.successResultOf(stopping)
        self.assertEqual(self.notes.only("subscriptionTerminated")[1].reason, "unsubscribed")

    def test_isTold(self) -> None:
        """Each end, once; whenTerminated() fires with it."""
        subscription = self.stands()
        over = subscription.whenTerminated()
        for code in (200, 481):
            self.assertEqual(self.tells("terminated;reason=rejected").statusCode, code)
        self.pass_(4000)
        told, end = self.notes.only("subscriptionTerminated")
        self.assertEqual((told, end.reason), (subscription, "rejected"))
        self.assertEqual((subscription.ended, self.successResultOf(over)), (end, end))
