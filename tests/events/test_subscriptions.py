"""
SIP.js's Subscription, as docs/events.rst has it: how it is asked for, and what is told of it.
"""

from __future__ import annotations

from tests.events.case import Recorder
from tests.events.subscription_case import ALICE, SubscriptionCase
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import InvalidValue, ResponseError, Timeout, TransportError


class AskedTests(SubscriptionCase):
    def test_subscribe(self) -> None:
        """It fires at the first NOTIFY, which is what makes it (RFC 6665 section 4.1.2.4)."""
        subscribing = self.asks()
        self.says()
        self.assertNoResult(subscribing)
        self.tells()
        subscription = self.successResultOf(subscribing)
        self.assertEqual((subscription.target, subscription.state), (ALICE, "active"))

    def test_parameters(self) -> None:
        """Target and event are needed, and have to be what they are."""
        agent = self.agent()
        for target, event in ((None, "presence"), ("", "presence"), (ALICE, ""), (ALICE, None), (ALICE, "no token")):
            self.assertRaises(InvalidValue, agent.subscribe, target, event)

    def test_eventParameters(self) -> None:
        """RFC 6665 section 8.2.1: package and id tell it from others, the other parameters do not."""
        self.asks(event="dialog;id=7;sla")
        self.assertEqual(self.line("event"), "dialog;id=7;sla")
        self.says()
        self.assertEqual(self.tells(Event="dialog;id=8").statusCode, 481)
        self.assertEqual(self.tells(Event="dialog;id=7").statusCode, 200)
        self.successResultOf(self.subscribing)
        self.assertEqual(self.tells(Event="dialog;id=8").statusCode, 481)

    def test_expires(self) -> None:
        """Whole seconds, one at least; of none the package says how many."""
        for how, expected in (({}, "3600"), ({"event": "reg"}, "3761"), ({"expires": 60}, "60")):
            self.asks(**how)
            self.assertEqual(self.line("expires"), expected)
        for expires in (0, -1, "60", 1.5, 2**32):
            self.assertRaises(InvalidValue, self.userAgent.subscribe, ALICE, "x-state", expires=expires)

    def test_lines(self) -> None:
        """Event, Expires and Contact (RFC 6665 section 4.1.2.1); Accept where the types of bodies are known."""
        self.asks(event="presence")
        self.assertEqual((self.line("event"), self.line("accept")), ("presence", "application/pidf+xml"))
        self.assertEqual((self.line("expires"), len(self.request.contacts)), ("3600", 1))

    def test_each(self) -> None:
        """The application's lines and body are in each, the last one as well; its own objects stay as they are."""
        headers = [("X-Why", "so")]
        subscription = self.stands(extraHeaders=headers, body=b"all", contentType="text/x-filter")
        seen = [(self.line("x-why"), self.request.body, self.line("content-type"))]
        for ask in (subscription.refresh, subscription.unsubscribe):
            ask()
            self.next()
            self.says(Expires=self.line("expires"))
            seen.append((self.line("x-why"), self.request.body, self.line("content-type")))
        self.assertEqual(seen, [("so", b"all", "text/x-filter")] * 3)
        self.assertEqual(headers, [("X-Why", "so")])

    def test_challenge(self) -> None:
        """Answered, once (RFC 3261 section 22)."""
        self.asks({"credentials": [Credentials("desk", "secret", realm="b.example")]})
        self.says(401, WWW_Authenticate='Digest realm="b.example", nonce="n1", qop="auth", algorithm=MD5')
        self.next()
        self.assertIn('username="desk"', self.line("authorization") or "")
        self.says(401, WWW_Authenticate='Digest realm="b.example", nonce="n2", qop="auth", algorithm=MD5')
        self.failureResultOf(self.subscribing, ResponseError)


class FirstTests(SubscriptionCase):
    def test_starting(self) -> None:
        """No NOTIFY yet: it is told with the 2xx, as starting."""
        self.asks()
        self.says()
        subscription, response = self.notes.only("subscriptionAccepted")
        self.assertEqual((subscription.state, response.statusCode), ("starting", 200))

    def test_accepted(self) -> None:
        """Each 2xx; 202 is like 200 (RFC 6665 section 8.3.1)."""
        self.asks()
        self.says(202)
        self.tells()
        self.successResultOf(self.subscribing).refresh()
        self.next()
        self.says(200)
        codes = [arguments[1].statusCode for name, arguments in self.notes.told if name == "subscriptionAccepted"]
        self.assertEqual(codes, [202, 200])

    def test_early(self) -> None:
        """RFC 6665 section 4.4.1: the NOTIFY may come before the 2xx; Call-ID, tag and event find it."""
        self.asks()
        self.assertEqual(self.tells("active", b"open").statusCode, 200)
        subscription = self.successResultOf(self.subscribing)
        self.assertEqual((subscription.state, subscription.notification.body), ("active", b"open"))
        self.says()
        self.assertEqual(self.notes.names, ["notified", "subscriptionAccepted"])

    def test_rejected(self) -> None:
        """A first one that is refused: told, and over."""
        for code in (302, 403, 481, 500, 603):
            self.asks()
            self.says(code)
            self.assertEqual(self.failureResultOf(self.subscribing, ResponseError).value.statusCode, code)
            self.assertEqual(self.notes.names, ["subscriptionFailed", "subscriptionTerminated"])
            self.silence(60)

    def test_tooShort(self) -> None:
        """RFC 6665 section 4.2.1.1: 423 says how long it has to be; once, where it is longer, a week at most."""
        self.asks(expires=60)
        self.says(423, Min_Expires="90")
        self.next()
        self.assertEqual(self.line("expires"), "90")
        self.says(423, Min_Expires="120")
        self.failureResultOf(self.subscribing, ResponseError)
        for minimum in ("60", "soon", "99999999"):
            self.asks(expires=60)
            self.says(423, Min_Expires=minimum)
            self.failureResultOf(self.subscribing, ResponseError)

    def test_timeout(self) -> None:
        """No answer to a first one: told, over, and not tried again."""
        self.asks()
        self.pass_(33)
        self.failureResultOf(self.subscribing, Timeout)
        self.assertEqual(self.notes.names, ["subscriptionFailed", "subscriptionTerminated"])
        self.silence(400)

    def test_connection(self) -> None:
        """Nowhere to send it to: the same."""
        subscribing = self.agent().subscribe("sip:alice@nowhere.example", "x-state")
        self.pass_()
        self.failureResultOf(subscribing, TransportError)

    def test_timerN(self) -> None:
        """RFC 6665 section 4.1.2.4: no NOTIFY in 64*T1: told, and over; one that comes later gets 481."""
        self.asks()
        self.says()
        self.pass_(31)
        self.assertNoResult(self.subscribing)
        self.pass_(2)
        self.failureResultOf(self.subscribing, Timeout)
        self.assertEqual(self.notes.names[1:], ["subscriptionFailed", "subscriptionTerminated"])
        self.assertEqual(self.tells().statusCode, 481)

    def test_forks(self) -> None:
        """RFC 6665 section 4.4.1: NOTIFYs of another notifier get 481, unless the package allows for several."""
        for event, code in (("x-state", 481), ("message-summary", 200)):
            subscription = self.stands(event=event)
            to = (self.line("to") or "").partition(";tag=")[0]
            self.assertEqual(self.tells(From=f"{to};tag=else").statusCode, code)
        told, other = self.notes.only("subscriptionForked")
        self.assertEqual((told, other.sip.remoteTag, other.state), (subscription, "else", "active"))


class NotifiedTests(SubscriptionCase):
    def test_notify(self) -> None:
        """Told once it was answered, with what it says."""
        seen = []
        subscription = self.stands()
        self.notes.notified = lambda *told: seen.append((*told, self.network.seenBy(self.userAgent)[-1]))
        self.tells("active;expires=500", b"busy")
        ((told, notification, last),) = seen
        self.assertEqual((told, last), (subscription, "> 200 NOTIFY"))
        self.assertEqual((notification.body, notification.state.expires), (b"busy", 500))

    def test_pending(self) -> None:
        """RFC 6665 section 4.1.3: nobody has allowed it yet; it has to be refreshed all the same."""
        subscription = self.stands("pending", "100")
        self.assertEqual(subscription.state, "pending")
        self.next(91)
        self.assertEqual((self.request.toTag, self.line("expires")), (self.peer.tag, "3600"))
        self.says(Expires="100")
        self.tells("active")
        self.assertEqual(subscription.state, "active")

    def test_notifyExpires(self) -> None:
        """RFC 6665 section 4.1.3: how long it has left by its Subscription-State counts, if it is less."""
        subscription = self.stands()
        self.tells("active;expires=100")
        self.assertEqual(round(subscription.expires), 100)
        self.silence(89)
        self.next(2)

    def test_missing(self) -> None:
        """RFC 6665 section 4.1.3: without Event, or Subscription-State, 489, and nothing is told."""
        self.stands()
        self.assertEqual(self.tells(Event=None).statusCode, 489)
        self.assertEqual(self.tells(Subscription_State=None).statusCode, 489)
        self.assertEqual(self.notes.names, [])

    def test_anotherEvent(self) -> None:
        """RFC 6665 section 4.1.3: 481 to what was not subscribed to; one answer."""
        self.stands()
        answer = self.tells(Event="x-other")
        self.pass_(5)
        came = [m for m in self.peer.received if (m.callId, m.cseqNumber) == (answer.callId, answer.cseqNumber)]
        self.assertEqual(([m.statusCode for m in came if m.cseqMethod == "NOTIFY"], self.notes.names), ([481], []))

    def test_body(self) -> None:
        """RFC 6665 section 4.1.3: what the package cannot read is refused, and told as that."""
        subscription = self.stands(event="presence")
        self.assertEqual(self.tells("active", b"open").statusCode, 415)
        self.assertEqual(self.tells("active", b"<x/>", Content_Type="application/pidf+xml").statusCode, 400)
        told = [notification for _, (_, notification) in self.notes.told]
        self.assertEqual([notification.error.statusCode for notification in told], [415, 400])
        self.assertEqual((subscription.state, subscription.value), ("active", None))

    def test_unsolicited(self) -> None:
        """RFC 6665 section 4.1.3: 481 where there is no subscription, unless the delegate takes it."""
        headers = {"Event": "message-summary", "Subscription-State": "active"}
        takes = Recorder(notifyReceived=lambda context: context.accept() and None)
        for app, code in ((Recorder(), 481), (Recorder("notifyReceived"), 481), (takes, 200)):
            notify = self.peer.request("NOTIFY", self.agent(app), headers=headers)
            self.assertEqual(self.finalTo(notify).statusCode, code)
