"""
Dialogs that a SUBSCRIBE makes in drachtio-srf, as docs/events.rst has them.
"""

from __future__ import annotations

from tests.events.case import Recorder
from tests.events.subscription_case import SubscriptionCase
from twisted_sipdialog.errors import InvalidValue, ResponseError


class MadeTests(SubscriptionCase):
    def test_createUAS(self) -> None:
        """RFC 6665 section 8.3.1: 200, and 202 where the configuration or the application wants that of old."""
        notifier = self.watched()
        self.assertEqual((self.response.statusCode, self.response.headers.get("expires")), (200, "600"))
        self.assertIs(self.app.only("subscribeReceived")[0].notifier, notifier)
        self.watched(settings={"subscribeStatus": 202})
        self.assertEqual(self.response.statusCode, 202)
        self.watched(statusCode=202)
        self.assertEqual(self.response.statusCode, 202)

    def test_firstNotify(self) -> None:
        """RFC 6665 section 4.2.1.2: each SUBSCRIBE that is accepted is followed by a NOTIFY, at once."""
        self.subscribes(body=b"open", contentType="text/plain")
        self.assertEqual(self.notified(), ("active", b"open"))
        self.assertEqual(self.notice.headers.get("event"), "x-state")
        self.assertEqual((self.notice.callId, self.notice.fromTag), (self.response.callId, self.response.toTag))

    def test_createUAC(self) -> None:
        """RFC 6665 section 4.1.2.4: the NOTIFY makes it; 200 and 202 are the same."""
        for code in (200, 202):
            subscribing = self.asks()
            self.says(code)
            self.assertNoResult(subscribing)
            self.tells()
            self.assertEqual(self.successResultOf(subscribing).state, "active")

    def test_createUACRefused(self) -> None:
        """Any other final."""
        subscribing = self.asks()
        self.says(403)
        self.assertEqual(self.failureResultOf(subscribing, ResponseError).value.statusCode, 403)
        self.assertEqual(self.tells().statusCode, 481)

    def test_missingContact(self) -> None:
        """RFC 3261 section 12.1.1: nowhere to send the NOTIFYs to, so 400, and nobody is asked."""
        app = Recorder("subscribeReceived")
        headers = {"Event": "x-state", "Contact": None}
        request = self.peer.request("SUBSCRIBE", self.agent(app), headers=headers)
        self.assertEqual((self.finalTo(request).statusCode, app.names), (400, []))

    def test_contactOfNotify(self) -> None:
        """RFC 6665 section 4.4.1: it is the NOTIFY that makes the dialog, and names the peer."""
        self.asks()
        self.says(Contact=None)
        host, port = self.peer.address
        self.tells(Contact=f"<sip:line1@{host}:{port}>")
        self.successResultOf(self.subscribing).refresh()
        self.assertEqual(self.next().uriText, f"sip:line1@{host}:{port}")

    def test_event(self) -> None:
        """The event package, with its id."""
        self.assertEqual(str(self.watched(headers={"Event": "x-state;id=7"}).event), "x-state;id=7")
        self.assertEqual(str(self.stands(event="x-state;id=8").event), "x-state;id=8")

    def test_attributes(self) -> None:
        """Call-ID, tags, and the SUBSCRIBE."""
        for one, own, peers in (
            (self.watched(), self.response.toTag, self.response.fromTag),
            (self.stands(), self.request.fromTag, self.peer.tag),
        ):
            self.assertEqual((one.sip.localTag, one.sip.remoteTag), (own, peers))
            self.assertEqual((one.sip.callId, one.request.method), (one.request.callId, "SUBSCRIBE"))

    def test_entries(self) -> None:
        """RFC 6665 section 4.5.2: one dialog may have several; each is an object of its own."""
        first = self.watched()
        self.assertEqual(self.again(Event="x-state;id=2").statusCode, 200)
        second = self.app.told[-1][1][0].notifier
        self.notified()
        self.assertEqual(
            (first.sip, [str(n.event) for n in (first, second)]), (second.sip, ["x-state", "x-state;id=2"])
        )

    def test_noCall(self) -> None:
        """There is no session in it: no request but those of subscriptions (RFC 3261 section 15.1.2)."""
        self.watched()
        self.assertEqual(self.userAgent.dialogs, [])
        self.assertEqual(self.final("BYE").statusCode, 481)
        self.assertEqual(self.final("MESSAGE").statusCode, 405)
        self.assertEqual(self.notes.names, [])


class DestroyTests(SubscriptionCase):
    def test_destroy(self) -> None:
        """RFC 6665 section 4.2.2: a NOTIFY that says terminated, and why."""
        self.watched().destroy()
        self.assertEqual(self.notified()[0], "terminated;reason=noresource")
        self.watched().destroy("probation", 30)
        self.assertEqual(self.notified()[0], "terminated;reason=probation;retry-after=30")
        self.assertRaises(InvalidValue, self.watched().destroy, "no token")

    def test_destroyFires(self) -> None:
        """With that NOTIFY, once it was answered, by whatever status."""
        for code in (200, 481, 500):
            destroying = self.watched().destroy()
            notify = self.peer.expect("NOTIFY")
            self.assertNoResult(destroying)
            self.peer.respond(notify, code)
            self.pass_()
            self.assertEqual(self.successResultOf(destroying).cseqNumber, notify.cseqNumber)

    def test_destroyHeaders(self) -> None:
        """The application's; and a last state."""
        self.watched().destroy(body=b"gone", extraHeaders=[("X-Why", "so")])
        self.assertEqual((self.notified()[1], self.notice.headers.get("x-why")), (b"gone", "so"))

    def test_destroySeveral(self) -> None:
        """RFC 6665 section 4.5.2: each ends by itself, and the dialog with the last."""
        first = self.watched()
        self.again(Event="x-state;id=2")
        self.notified()
        second = self.app.told[-1][1][0].notifier
        for notifier, event in ((first, "x-state"), (second, "x-state;id=2")):
            self.assertEqual(notifier.state, "active")
            notifier.destroy()
            self.assertEqual(self.notified()[0], "terminated;reason=noresource")
            self.assertEqual((self.notice.headers.get("event"), notifier.state), (event, "terminated"))
        self.assertEqual(self.again().statusCode, 481)

    def test_destroyAsSubscriber(self) -> None:
        """RFC 6665 section 4.1.2.3: a SUBSCRIBE with Expires: 0 in the dialog; no NOTIFY is ours to send."""
        leaving = self.stands().unsubscribe()
        self.next()
        self.assertEqual((self.line("expires"), self.request.toTag), ("0", self.peer.tag))
        self.says(Expires="0")
        self.assertNoResult(leaving)
        self.tells("terminated;reason=timeout")
        self.assertEqual(self.successResultOf(leaving).state.state, "terminated")
        self.assertEqual(self.count("NOTIFY"), 0)

    def test_destroyTwice(self) -> None:
        """One NOTIFY, or one SUBSCRIBE; the outcome is the same."""
        notifier = self.watched()
        destroying = [notifier.destroy() for _ in range(2)]
        self.notified()
        first, second = map(self.successResultOf, destroying)
        self.pass_(1)
        self.assertEqual((first, self.count("NOTIFY")), (second, 2))
        subscription = self.stands()
        leaving = [subscription.unsubscribe() for _ in range(2)]
        self.next()
        self.says(Expires="0")
        self.tells("terminated")
        first, second = map(self.successResultOf, leaving)
        self.assertEqual((first, self.sent()), (second, 2))

    def test_isTold(self) -> None:
        """Each end, ours as well, once."""
        notifier = self.watched()
        notifier.destroy("deactivated")
        self.assertEqual(self.notes.names, [])
        self.notified()
        self.pass_(700)
        told, end = self.notes.only("notifierTerminated")
        self.assertEqual((told, end.reason, end.byPeer), (notifier, "deactivated", False))
        subscription = self.stands()
        subscription.unsubscribe()
        self.next()
        self.says(Expires="0")
        self.tells("terminated")
        self.pass_(4000)
        told, end = self.notes.only("subscriptionTerminated")
        self.assertEqual((told, end.reason, end.byPeer), (subscription, "unsubscribed", False))


class NotifyTests(SubscriptionCase):
    def test_notify(self) -> None:
        """RFC 6665 section 4.2.2: another state; Event and Subscription-State are written for the application."""
        telling = self.watched(state="pending").notify(b"busy", "text/plain", "active", [("X-Why", "so")])
        self.assertEqual(self.notified(), ("active", b"busy"))
        headers = self.notice.headers
        self.assertEqual(
            [headers.get(name) for name in ("event", "content-type", "x-why")], ["x-state", "text/plain", "so"]
        )
        self.assertIn("expires=", headers.get("subscription-state") or "")
        self.assertEqual(self.successResultOf(telling).statusCode, 200)

    def test_notifyTerminated(self) -> None:
        """terminated is no state that notify() tells: it would be the end, which destroy() is for."""
        notifier = self.watched()
        self.assertRaises(InvalidValue, notifier.notify, state="terminated")
        self.assertRaises(InvalidValue, notifier.notify, extraHeaders=[("Subscription-State", "terminated")])
        notifier.destroy()
        self.notified()
        told, end = self.notes.only("notifierTerminated")
        self.assertEqual((told, end.message.method), (notifier, "NOTIFY"))

    def test_notifyRefused(self) -> None:
        """RFC 6665 section 4.2.2: 481, or no answer at all, ends it; a 500 does not."""
        notifier = self.watched()
        notifier.notify(b"1")
        self.notified(500)
        self.assertEqual((notifier.state, self.notes.names), ("active", []))
        notifier.notify(b"2")
        self.notified(481)
        self.assertEqual(self.notes.only("notifierTerminated")[1].reason, "refused")
        notifier = self.watched()
        telling = notifier.notify(b"1")
        self.pass_(33)
        self.failureResultOf(telling)
        self.assertEqual(self.notes.only("notifierTerminated")[1].reason, "no answer")

    def test_notifyReceived(self) -> None:
        """200 by itself, and then it is told."""
        subscription = self.stands()
        self.assertEqual(self.tells("active", b"busy").statusCode, 200)
        told, notification = self.notes.only("notified")
        self.assertEqual((told, notification.body, notification.request.method), (subscription, b"busy", "NOTIFY"))

    def test_terminatedReceived(self) -> None:
        """RFC 6665 section 4.1.3: the end of that subscription, or its beginning anew."""
        subscription = self.stands()
        self.assertEqual(self.tells("terminated;reason=noresource").statusCode, 200)
        told, end = self.notes.only("subscriptionTerminated")
        self.assertEqual((told, end.reason, end.byPeer), (subscription, "noresource", True))
        self.silence(400)


class SubscribeTests(SubscriptionCase):
    def test_refreshed(self) -> None:
        """RFC 6665 section 4.2.1: the same event prolongs it; the state is told again."""
        notifier = self.watched(body=b"open", contentType="text/plain")
        self.pass_(500)
        answer = self.again("400")
        self.assertEqual((answer.statusCode, answer.headers.get("expires")), (200, "400"))
        self.assertEqual(self.notified(), ("active", b"open"))
        told, request = self.notes.only("notifierRefreshed")
        self.assertEqual((told, request.method), (notifier, "SUBSCRIBE"))
        self.assertTrue(398 < notifier.expires <= 400)

    def test_another(self) -> None:
        """RFC 6665 section 4.5.2: another event is another subscription, which the delegate is asked about."""
        self.watched()
        self.assertEqual(self.again(Event="x-other").statusCode, 200)
        self.assertEqual(self.app.names, ["subscribeReceived", "subscribeReceived"])
        self.assertEqual(self.again(Event="").statusCode, 489)

    def test_unsubscribed(self) -> None:
        """RFC 6665 section 4.2.1.1: Expires: 0 is the end, and a last NOTIFY says so."""
        notifier = self.watched()
        answer = self.again("0")
        self.assertEqual((answer.statusCode, answer.headers.get("expires")), (200, "0"))
        self.assertEqual(self.notified()[0], "terminated;reason=timeout")
        told, end = self.notes.only("notifierTerminated")
        self.assertEqual((told, end.reason, end.byPeer), (notifier, "unsubscribed", True))
        self.assertEqual(self.again().statusCode, 481)

    def test_expired(self) -> None:
        """RFC 6665 section 4.2.2: its time is over, and a last NOTIFY says so."""
        self.watched()
        self.pass_(599)
        self.assertEqual(self.notes.names, [])
        self.pass_(1)
        self.assertEqual(self.notified()[0], "terminated;reason=timeout")
        self.assertEqual(self.notes.only("notifierTerminated")[1].reason, "timeout")

    def test_default(self) -> None:
        """RFC 6665 section 7.2: nobody says which events there are, so 489; nothing that is not asked for is taken."""
        for headers in ({"Event": "x-state"}, {}):
            request = self.peer.request("SUBSCRIBE", self.agent(Recorder()), headers=headers)
            self.assertEqual(self.finalTo(request).statusCode, 489)
        app = Recorder("subscribeReceived")
        request = self.peer.request("SUBSCRIBE", self.agent(app, events=["presence"]), headers={"Event": "x-state"})
        answer = self.finalTo(request)
        self.assertIn("presence", answer.headers.get("allow-events") or "")
        self.assertEqual((answer.statusCode, app.names), (489, []))
