"""
NOTIFYs to a subscription of ours: which are taken, and what their bodies say (RFC 6665 section 4.1.3).
"""

from tests.ua.subscribed import Count, SubscribedCase
from tests.ua.test_subscription_shared import SharedCase
from twisted_sipdialog.errors import ParseError


class TakenTests(SubscribedCase):
    def test_missing(self):
        """Sections 4.1.3 and 8.2.1: without Event, or without Subscription-State, 489."""
        subscription = self.subscribed("600")
        for missing in ("Event", "Subscription_State"):
            self.assertEqual(self.notifies(**{missing: None}).statusCode, 489, missing)
        self.assertStands(subscription)

    def assertStands(self, subscription):
        """Nothing was told of what was refused, and the subscription goes on."""
        self.assertEqual(self.told.events, ["accepted", "notified"])
        self.notified("active", b"1")
        self.assertEqual((subscription.state, subscription.notification.body), ("active", b"1"))
        self.finishes(subscription)

    def test_malformed(self):
        """One that says nothing in either header is no better than one without it."""
        subscription = self.subscribed("600")
        for wrong in ({"Event": ""}, {"Event": ";id=1"}, {"Subscription_State": ""}, {"Subscription_State": ";x=y"}):
            self.assertIn(self.notifies(**wrong).statusCode, (400, 481, 489), wrong)
        self.assertStands(subscription)

    def test_another(self):
        """Section 4.4.1: Call-ID, tags, package and id must be those of the subscription; else 481."""
        subscription = self.subscribed("600")
        for wrong in (
            {"Event": "dialog"},
            {"Event": "X-State"},
            {"Event": "x-state.winfo"},
            {"Event": "x-state;id=1"},
            {"From": self.another("else")},
            {"To": "<sip:desk@b.example>;tag=else"},
            {"To": "<sip:desk@b.example>"},
            {"Call_ID": "else"},
        ):
            self.assertEqual(self.notifies(**wrong).statusCode, 481, wrong)
        self.assertStands(subscription)

    def test_parameters(self):
        """Section 8.2.1: of the parameters of Event only the id tells subscriptions apart."""
        subscription = self.subscribed("600", event="x-state;a=b")
        self.assertEqual(self.notifies(Event="x-state").statusCode, 200)
        self.assertEqual(self.notifies(Event="x-state;c").statusCode, 200)
        self.assertEqual(self.notifies(Event="x-state;a=b;id=3").statusCode, 481)
        self.finishes(subscription)

    def test_id(self):
        """The same where there is one, in the first NOTIFY as well."""
        self.subscribes(event="x-state;id=7")
        self.grants(200, "600")
        for wrong in ("x-state", "x-state;id=8", "dialog;id=7"):
            self.assertEqual(self.notifies(Event=wrong, From=self.another("else")).statusCode, 481)
        self.assertNoResult(self.subscribing)
        self.notified()
        self.finishes(self.successResultOf(self.subscribing))

    def test_order(self):
        """Section 4.4.1, RFC 3261 section 12.2.2: one that comes out of order is refused with 500."""
        subscription = self.subscribed("600")
        self.assertEqual(self.notifies(CSeq="1000 NOTIFY").statusCode, 200)
        self.assertEqual(self.lateCode("999 NOTIFY"), 500)
        self.notified("active", b"1", CSeq="1001 NOTIFY")
        self.assertEqual(subscription.notification.body, b"1")
        ending = subscription.unsubscribe()
        self.next(1)
        self.grants(200, "0")
        self.notified("terminated", CSeq="1002 NOTIFY")
        self.successResultOf(ending)
        self.left()

    def lateCode(self, cseq):
        return self.notifies("terminated;reason=noresource", CSeq=cseq).statusCode

    def test_noContact(self):
        """
        Section 4.4.1: a NOTIFY has one.  Where the first has none, the 2xx before it says where its sender is; nothing
        says so of one that overtakes the 2xx, or has another tag.
        """
        here = f"sip:two@{self.peer.address[0]}:5060"
        self.subscribes()
        self.assertEqual(self.notifies(Contact=None).statusCode, 481)
        self.grants(200, "600", Contact=f"<{here}>")
        self.assertEqual(self.notifies(Contact=None, From=self.another("else")).statusCode, 481)
        self.notified("active", Contact=None)
        subscription = self.successResultOf(self.subscribing)
        self.next(541)
        self.assertEqual(self.request.uriText, here)
        self.grants(200, "600")
        self.finishes(subscription)

    def test_otherState(self):
        """Section 4.1.3: a state that nobody knows is none of an end."""
        subscription = self.subscribed("600")
        self.notifies("waiting;expires=500")
        self.assertIn(subscription.state, ("active", "pending"))
        self.notified("active", b"1")
        self.finishes(subscription)

    def test_overTcp(self):
        """RFC 3261 section 12.2: a dialog is bound to no connection; a NOTIFY may come over any."""
        subscription = self.subscribed("600")
        to, from_ = self.header("from"), self.another(self.peer.tag)
        dialog = {"To": to, "From": from_, "Call-ID": self.request.callId}
        headers = {**dialog, "Event": "x-state", "Subscription-State": "active"}
        self.assertEqual(self.final("NOTIFY", self.userAgent, headers=headers, protocol="TCP").statusCode, 200)
        self.assertEqual(self.told.events, ["accepted", "notified", "notified"])
        self.finishes(subscription)

    def test_unsolicited(self):
        """Section 4.1.3: what nobody asked for gets 481."""
        self.userAgent = self.agent()
        headers = {"Event": "x-state", "Subscription-State": "active"}
        self.assertEqual(self.final("NOTIFY", self.userAgent, headers=headers).statusCode, 481)
        self.left()


class BodyTests(SubscribedCase):
    def counted(self, body=b"7", **how):
        return self.subscribed("600", body=body, event=Count(), **how)

    def test_value(self):
        """Section 4.4.2: the whole, and what has changed in it, as the package has them."""
        subscription = self.counted()
        self.assertEqual((subscription.value, subscription.notification.value), ("7", "7"))
        self.notified("active", b"+2")
        self.assertEqual((subscription.value, subscription.notification.value), ("9", "+2"))
        self.notified("active")
        self.assertEqual((subscription.value, subscription.notification.value), ("9", None))
        self.notified("active", b"4", Content_Type="Text/Plain;charset=utf-8")
        self.assertEqual(subscription.value, "4")
        self.none(10)
        self.finishes(subscription)

    def test_otherType(self):
        """Section 4.1.3: 415, and Accept says what would have been understood; the state stays as it was."""
        subscription = self.counted()
        response = self.notifies("active", b"<x/>", Content_Type="application/xml")
        self.assertEqual(response.statusCode, 415)
        accept = [t.strip() for t in ", ".join(response.headers.getAll("accept")).split(",")]
        self.assertEqual(accept, ["text/x-count", "text/plain"])
        self.assertError(subscription, 415)

    def assertError(self, subscription, code):
        notification = self.told.detail("notified")
        self.assertIsInstance(notification.error, ParseError)
        self.assertEqual((notification.error.statusCode, notification.value), (code, None))
        self.assertEqual((subscription.state, subscription.value), ("active", "7"))
        self.notified("active", b"8")
        self.assertEqual((subscription.value, self.told.detail("notified").error), ("8", None))
        self.finishes(subscription)

    def test_malformed(self):
        """400 where the type is right and the body is not."""
        subscription = self.counted()
        self.assertEqual(self.notifies("active", b"many").statusCode, 400)
        self.assertError(subscription, 400)

    def test_malformedEnd(self):
        """What says that it is over is believed, even if the body is not."""
        subscription = self.counted()
        self.assertEqual(self.notifies("terminated;reason=noresource", b"many").statusCode, 400)
        self.assertEqual((subscription.state, subscription.value), ("terminated", "7"))
        self.left()

    def test_gap(self):
        """Section 4.4.2: where a NOTIFY is missing, a SUBSCRIBE goes out that brings the whole."""
        subscription = self.counted()
        self.notified("active", b"?1")
        self.assertEqual(subscription.value, "7")
        self.next(0.1)
        self.assertEqual((self.header("expires"), self.request.toTag), ("900", self.peer.tag))
        self.grants(200, "600")
        self.notified("active", b"12")
        self.assertEqual(subscription.value, "12")
        self.none(10)
        self.finishes(subscription)

    def test_gapFirst(self):
        """The same where the first one tells only what has changed."""
        subscription = self.counted(b"+1")
        self.assertIsNone(subscription.value)
        self.next(0.1)
        self.grants(200, "600")
        self.notified("active", b"3")
        self.assertEqual(subscription.value, "3")
        self.finishes(subscription)

    def test_gapForEver(self):
        """A notifier that never brings the whole is not asked in a tight loop."""
        subscription = self.counted()
        before = self.count()
        for _ in range(20):
            self.notified("active", b"?1")
            self.network.advance(0.1)
            if self.isAsked():
                self.next(0.1)
                self.grants(200, "600")
        self.assertLess(self.count() - before, 5)
        self.notified("active", b"5")
        self.assertEqual(subscription.value, "5")
        self.notified("active", b"?1")
        self.next(10)
        self.grants(200, "600")
        self.notified("active", b"6")
        self.finishes(subscription)

    def test_gapAnew(self):
        """The whole is asked for once for each subscription, not once for all of those that follow each other."""
        self.subscribes(event=Count())
        for _ in range(2):
            self.grants(200, "600")
            self.notified("active", b"?1")
            self.next(0.1)
            self.assertEqual(self.request.toTag, self.peer.tag)
            self.grants(200, "600")
            self.notified("active", b"?1")
            self.none(100)
            self.notified("terminated;reason=deactivated")
            self.next(0.1)
            self.assertEqual(self.request.toTag, "")
        self.grants(200, "600")
        self.notified("active", b"1")
        self.finishes(self.successResultOf(self.subscribing))

    def test_anew(self):
        """Changes are of the subscription they were told in: one that is begun anew begins with the whole."""
        subscription = self.counted()
        self.network.advance(100)
        self.notified("terminated;reason=timeout")
        self.next(1)
        self.grants(200, "600")
        self.notified("active", b"+1")
        self.next(0.1)
        self.grants(200, "600")
        self.notified("active", b"2")
        self.assertEqual(subscription.value, "2")
        self.finishes(subscription)

    def test_packageRaises(self):
        """What goes wrong in a package is logged, and no fault of the peer's; the subscription goes on."""

        class Broken(Count):
            def parse(self, contentType, body):
                if body == b"bang":
                    raise ZeroDivisionError("parse")
                return super().parse(contentType, body)

            def merged(self, known, value):
                if value == "13":
                    raise ZeroDivisionError("merged")
                return super().merged(known, value)

        subscription = self.subscribed("600", body=b"7", event=Broken())
        for body in (b"bang", b"13"):
            self.notified("active", body)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertEqual((subscription.state, subscription.value), ("active", "7"))
        self.notified("active", b"8")
        self.assertEqual(subscription.value, "8")
        self.finishes(subscription)

    def test_packageRaisesAtTheEnd(self):
        """An end is an end, even if what is told with it breaks the package."""

        class Broken(Count):
            def parse(self, contentType, body):
                if body == b"bang":
                    raise ZeroDivisionError("parse")
                return super().parse(contentType, body)

            def merged(self, known, value):
                if value == "13":
                    raise ZeroDivisionError("merged")
                return super().merged(known, value)

        for body in (b"bang", b"13"):
            subscription = self.subscribed("600", body=b"7", event=Broken())
            self.notified("terminated;reason=noresource", body)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertEqual((subscription.state, subscription.value), ("terminated", "7"))
            self.left()


class AfterCallTests(SharedCase):
    def test_unexpected(self):
        """Section 4.1.3: once the call is over nobody is asked about a NOTIFY that no subscription in it expects."""
        asked = []
        self.userAgent, callee, self.ok = self.call()
        callee.notifyReceived = asked.append
        self.dialog = callee.dialog
        subscription = self.shared()
        self.hangsUp()
        self.assertEqual(self.notifies("active", Event="x-other").statusCode, 481)
        self.notified("active", b"1")
        self.assertEqual((subscription.notification.body, asked), (b"1", []))
        self.notified("terminated;reason=noresource")
        self.left()
