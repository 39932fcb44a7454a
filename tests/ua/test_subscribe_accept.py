"""
SUBSCRIBEs of peers that are accepted: the 2xx, and the NOTIFY that follows at once (RFC 6665 sections 4.2.1, 4.2.2).
"""

from tests.ua.watched import DOOR, WatchedCase, later
from twisted_sipdialog.message.event_fields import EventField


class ResponseTests(WatchedCase):
    def test_form(self):
        """Section 4.2.1.1, RFC 3261 section 12.1.1: To tag, Contact, Expires, and the route as it was recorded."""
        self.open()
        routes = [f"<sip:{self.peer.address[0]};lr;x=1>", f"<sip:{self.peer.address[0]}:5060;lr;x=2>"]
        accepted = self.subscribe(headers={"Record-Route": ", ".join(routes)})
        self.assertEqual((accepted.statusCode, accepted.headers.get("expires")), (200, "600"))
        self.assertTrue(accepted.toTag)
        self.assertEqual(len(accepted.contacts), 1)
        self.assertEqual(accepted.headers.elements("record-route"), routes)
        self.assertEqual(accepted.body, b"")
        notify = self.notified()
        self.assertEqual(notify.headers.elements("route"), routes)
        self.assertIsNone(notify.headers.get("record-route"))
        self.notifier.destroy()
        self.assertEqual(self.notified().headers.elements("route"), routes)
        self.assertNothingLeft()

    def test_offers(self):
        """Section 4.4.4: the 2xx says which packages there are, as far as that is known."""
        for events, told in (((), None), ((DOOR, "x-window"), f"{DOOR}, x-window")):
            self.open(events=events, referPolicy="refuse")
            self.assertEqual(self.subscribe().headers.get("allow-events"), told)
            self.notified()
            self.notifier.destroy()
            self.notified()
            self.assertNothingLeft()

    def test_status(self):
        """200 (RFC 6665 section 8.3.1 has no other), or 202 as RFC 3265 had it; for this one, or for all."""
        for setting, given, status in ((200, None, 200), (202, None, 202), (200, 202, 202), (202, 200, 200)):
            self.open(subscribeStatus=setting)
            self.options["statusCode"] = given
            accepted = self.subscribe()
            self.assertEqual(accepted.statusCode, status)
            self.notified()
            # So is each refresh.
            self.assertEqual(self.subscribe(within=accepted).statusCode, setting)
            self.notified()
            self.notifier.destroy()
            self.notified()
            self.assertNothingLeft()

    def test_expires(self):
        """Section 4.2.1.1: never more than is asked for, nor than we have; what is not asked for is as we have it."""
        self.open(subscriptionExpires=500)
        for asked, given, granted in (
            ("600", None, "500"),
            ("400", None, "400"),
            (None, None, "500"),
            (None, 90, "90"),
            ("400", 399, "399"),
        ):
            self.options["expires"] = given
            accepted = self.subscribe(asked)
            self.assertEqual(accepted.headers.get("expires"), granted, asked)
            self.assertEqual(round(self.notifier.expires), int(granted))
            self.assertEqual(self.told(), (f"active;expires={granted}", b""))
            self.notifier.destroy()
            self.notified()
        self.assertNothingLeft()

    def test_more(self):
        """What the application adds stands in the 2xx, and not in the NOTIFY."""
        self.open()
        self.options.update(reasonPhrase="Gladly", extraHeaders=[("X-Door", "front")])
        accepted = self.subscribe()
        self.assertEqual((accepted.reasonPhrase, accepted.headers.get("x-door")), ("Gladly", "front"))
        self.assertIsNone(self.notified().headers.get("x-door"))
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_reply(self):
        """C{reply()} does it as well; C{whenFinished()} has the 2xx."""
        self.open(later)
        request = self.asks()
        (context,) = self.notes.asked
        finished = context.whenFinished()
        notifier = self.successResultOf(context.reply(202))
        self.assertIs(context.notifier, notifier)
        self.assertEqual(self.finalTo(request).statusCode, 202)
        self.assertEqual(self.successResultOf(finished).statusCode, 202)
        self.notified()
        notifier.destroy()
        self.notified()
        self.assertNothingLeft()


class FirstTests(WatchedCase):
    def test_form(self):
        """Sections 4.1.3, 4.2.2: what a NOTIFY has, and that it is of the dialog (RFC 3261 section 12.2.1.1)."""
        self.open()
        self.options.update(body=b"open")
        request = self.asks()
        accepted = self.finalTo(request)
        self.assertEqual(self.times("NOTIFY")[0], self.times("200 SUBSCRIBE")[0])
        seen = self.network.seenBy(self.peer)
        self.assertLess(seen.index("< 200 SUBSCRIBE"), seen.index("< NOTIFY"))
        notify = self.notified()
        self.assertEqual(
            (notify.callId, notify.fromTag, notify.toTag), (request.callId, accepted.toTag, request.fromTag)
        )
        self.assertEqual(notify.uriText, str(request.contacts[0].uri))
        self.assertEqual(notify.to.uri, request.from_.uri)
        self.assertEqual(notify.from_.uri, request.to.uri)
        self.assertEqual(len(notify.contacts), 1)
        self.assertEqual(str(notify.contacts[0].uri), str(accepted.contacts[0].uri))
        get = notify.headers.get
        self.assertEqual((get("event"), get("subscription-state")), (DOOR, "active;expires=600"))
        self.assertEqual((get("content-type"), notify.body), ("text/plain", b"open"))
        self.assertIsNone(get("expires"))
        self.network.advance(100)
        self.notifier.notify(b"shut")
        second = self.notified()
        self.assertEqual(second.cseqNumber, notify.cseqNumber + 1)
        self.assertEqual(second.headers.get("subscription-state"), "active;expires=500")
        self.notifier.destroy()
        self.assertEqual(self.notified().cseqNumber, notify.cseqNumber + 2)
        self.assertNothingLeft()

    def test_event(self):
        """Section 4.2.2: the Event of the NOTIFY is that of the SUBSCRIBE, its id and parameters too."""
        self.open()
        for event in (DOOR, f"{DOOR};id=7", f"{DOOR};id=a.b", f'{DOOR};side="left, or right";id=1', f"{DOOR} ; x"):
            self.subscribe(event=event)
            notify = self.notified()
            self.assertEqual(EventField.parse(notify.headers.get("event")), EventField.parse(event))
            self.assertEqual(self.notifier.event, EventField.parse(event))
            self.notifier.destroy()
            self.assertEqual(EventField.parse(self.notified().headers.get("event")), EventField.parse(event))
        self.assertNothingLeft()

    def test_short(self):
        """Section 8.2.1: the short name of Event."""
        self.open()
        self.assertEqual(self.subscribe(event=None, headers={"o": DOOR}).statusCode, 200)
        self.assertEqual(self.notified().headers.get("event"), DOOR)
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_body(self):
        """The type of a body is what is said of it; a NOTIFY without one has no type."""
        self.open()
        for body, kind, told in (
            (b"<x/>", "text/xml;charset=utf-8", "text/xml;charset=utf-8"),
            (b"", "text/xml", None),
        ):
            self.subscribed(body=body, contentType=kind)
            self.assertEqual((self.first.body, self.first.headers.get("content-type")), (body, told))
            self.assertEqual(self.notifier.body, body)
            self.notifier.destroy()
            self.notified()
        self.assertNothingLeft()

    def test_sameTurn(self):
        """What is notified in the turn of accept() is what the first NOTIFY says: one, not two."""

        def decide(context):
            self.grant(context)
            self.telling = context.notifier.notify(b"open", "text/xml")

        self.open(decide)
        self.within = self.subscribe()
        self.assertEqual(self.told(), ("active;expires=600", b"open"))
        self.assertEqual(self.notifies()[0].headers.get("content-type"), "text/xml")
        self.assertEqual(self.successResultOf(self.telling).statusCode, 200)
        self.assertSilent()
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_thatTurn(self):
        """So it is where a coroutine goes on once accept() has fired, and C{told} later in the turn goes last."""

        async def decide(context):
            notifier = await context.accept(delegate=self.notes)
            self.told_ = [notifier.notify(b"open"), notifier.notify(b"shut")]

        self.open(decide)
        self.subscribe()
        self.assertEqual(self.told(), ("active;expires=600", b"shut"))
        self.assertIsNone(self.successResultOf(self.told_[0]))
        self.assertEqual(self.successResultOf(self.told_[1]).statusCode, 200)
        self.assertSilent()
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_neutral(self):
        """Section 4.2.2: with nothing to say yet a NOTIFY goes out all the same, and what is known later follows."""
        self.open()
        self.subscribed()
        self.assertEqual((self.first.body, self.first.headers.get("subscription-state")), (b"", "active;expires=600"))
        self.notifier.notify(b"open")
        self.assertEqual(self.told()[1], b"open")
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_endsAtOnce(self):
        """Ended in the turn of accept(): the one NOTIFY says so."""

        def decide(context):
            self.grant(context)
            self.ending = context.notifier.destroy("deactivated", body=b"bye")

        self.open(decide)
        self.subscribe()
        self.assertEqual(self.told(), ("terminated;reason=deactivated", b"bye"))
        self.assertEqual(self.successResultOf(self.ending).method, "NOTIFY")
        self.assertEnd(self.notifier, "deactivated", False)
        self.assertNothingLeft()

    def test_none(self):
        """No seconds granted: as a fetch."""
        self.open()
        self.options.update(expires=0, body=b"open")
        self.assertEqual(self.subscribe().headers.get("expires"), "0")
        self.assertEqual(self.told(), ("terminated;reason=timeout", b"open"))
        self.assertNothingLeft()


class PackageTests(WatchedCase):
    """A package that is known here (RFC 3856 sections 6.4, 6.5, 6.10): what nobody says is as that has it."""

    PIDF = "application/pidf+xml"

    def test_times(self):
        """An hour, and five seconds from one NOTIFY to the next."""
        self.open(events=("presence",), subscriptionExpires=7200)
        self.subscribed(None, "presence", body=b"<presence/>")
        self.assertEqual(self.within.headers.get("expires"), "3600")
        self.assertEqual(self.first.headers.get("content-type"), self.PIDF)
        self.network.advance(1)
        self.notifier.notify(b"<presence x='1'/>")
        self.assertSilent(3.5)
        self.network.advance(1)
        notify = self.notified()
        self.assertEqual((notify.body, notify.headers.get("content-type")), (b"<presence x='1'/>", self.PIDF))
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_otherwise(self):
        """What the application says is so, and what the configuration bounds."""
        self.open(events=("presence",), subscriptionExpires=1800)
        self.subscribed(None, "presence", body=b"open", contentType="text/plain", interval=0)
        self.assertEqual(self.within.headers.get("expires"), "1800")
        self.assertEqual(self.first.headers.get("content-type"), "text/plain")
        self.notifier.notify(b"shut")
        self.assertEqual(self.notified().headers.get("content-type"), "text/plain")
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()
