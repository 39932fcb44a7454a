"""
How subscribers prolong a subscription (RFC 6665 sections 4.1.2.2, 4.2.1).
"""

from tests.ua.watched import WatchedCase


class RefreshTests(WatchedCase):
    def over(self):
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_prolonged(self):
        """Sections 4.2.1.1, 4.2.1.2: 200 with the seconds from now on, and a NOTIFY with the state and those."""
        self.open()
        notifier = self.subscribed("600", body=b"open")
        self.network.advance(500)
        refreshed = self.subscribe("300", within=self.within)
        self.assertEqual((refreshed.statusCode, refreshed.headers.get("expires")), (200, "300"))
        self.assertEqual((refreshed.toTag, len(refreshed.contacts)), (self.within.toTag, 1))
        self.assertEqual(self.told(), ("active;expires=300", b"open"))
        self.assertEqual(len(self.notes.asked), 1)
        ((what, who, request),) = self.notes.heard
        self.assertEqual((what, who, request), ("refreshed", notifier, notifier.request))
        self.assertEqual(request.headers.get("expires"), "300")
        # The time before counts no more.
        self.network.advance(290)
        self.assertEqual((notifier.state, len(self.notifies())), ("active", 2))
        self.network.advance(10)
        self.assertEqual(self.told(), ("terminated;reason=timeout", b"open"))
        self.assertEnd(notifier, "timeout", False)
        self.assertNothingLeft()

    def test_granted(self):
        """Never more than is asked for, nor than we have; nothing asked for is as we have it."""
        self.open(subscriptionExpires=500)
        self.subscribed()
        for asked, granted in (("600", "500"), ("499", "499"), (None, "500"), (str(2**32 + 1), "500")):
            self.assertEqual(self.subscribe(asked, within=self.within).headers.get("expires"), granted, asked)
            self.assertEqual(self.told()[0], f"active;expires={granted}")
        self.over()

    def test_tooBrief(self):
        """Section 4.2.1.1: 423, and it lasts as long as before."""
        self.open()
        notifier = self.subscribed("100")
        self.network.advance(10)
        refused = self.subscribe("59", within=self.within)
        self.assertEqual((refused.statusCode, refused.headers.get("min-expires")), (423, "60"))
        self.assertEqual(refused.toTag, self.within.toTag)
        self.assertSilent()
        self.assertEqual((round(notifier.expires), self.notes.heard), (89, []))
        self.network.advance(89)
        self.assertEqual(self.told()[0], "terminated;reason=timeout")
        self.assertNothingLeft()

    def test_another(self):
        """A delegate that hears of it may tell the state as it is now: one NOTIFY, with that."""
        self.open()
        notifier = self.subscribed(body=b"old")
        telling = []
        self.notes.refreshing = lambda n: telling.append(n.notify(b"new", "text/xml"))
        self.subscribe(within=self.within)
        notify = self.notified()
        self.assertEqual((notify.body, notify.headers.get("content-type")), (b"new", "text/xml"))
        self.assertEqual(self.successResultOf(telling[0]).statusCode, 200)
        self.assertSilent()
        self.assertEqual(notifier.body, b"new")
        self.over()

    def test_endedInIt(self):
        """So may it end it there: 200, and one NOTIFY that says so."""
        self.open()
        notifier = self.subscribed()
        self.notes.refreshing = lambda n: n.destroy("rejected") and None
        self.assertEqual(self.subscribe(within=self.within).statusCode, 200)
        self.assertEqual(self.told()[0], "terminated;reason=rejected")
        self.assertEnd(notifier, "rejected", False)
        self.assertNothingLeft()

    def test_raises(self):
        """One that raises there is logged; the NOTIFY goes out all the same."""
        self.open()
        self.subscribed(body=b"old")
        self.notes.refreshing = lambda n: 1 / 0
        self.subscribe(within=self.within)
        self.assertEqual(self.told()[1], b"old")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.over()

    def test_whileTelling(self):
        """A NOTIFY is on its way: the one for the refresh follows its answer."""
        self.open()
        notifier = self.subscribed()
        notifier.notify(b"1")
        first = self.peer.expect("NOTIFY")
        for _ in range(3):
            self.assertEqual(self.subscribe("900", within=self.within).statusCode, 200)
        self.assertEqual(len(self.notifies()), 2)
        self.peer.respond(first, 200)
        self.assertEqual(self.told(), ("active;expires=900", b"1"))
        self.assertSilent()
        self.over()

    def test_target(self):
        """RFC 3261 section 12.2.2: a SUBSCRIBE with another Contact moves us there, from its NOTIFY on."""
        self.open()
        self.subscribed()
        there = f"sip:elsewhere@{self.peer.address[0]}:5060"
        self.assertEqual(self.first.uriText, f"sip:peer@{self.peer.address[0]}:5060")
        self.subscribe(within=self.within, headers={"Contact": f"<{there}>"})
        self.assertEqual(self.notified().uriText, there)
        # One that is refused moves nothing, nor does one that says nowhere.
        self.subscribe("1", within=self.within, headers={"Contact": "<sip:refused@192.0.2.250>"})
        self.notifier.notify(b"1")
        self.assertEqual(self.notified().uriText, there)
        self.subscribe(within=self.within, headers={"Contact": None})
        self.assertEqual(self.notified().uriText, there)
        self.over()

    def test_outOfOrder(self):
        """RFC 3261 section 12.2.2: a lower CSeq is refused with 500, and prolongs nothing; a gap is none."""
        self.open()
        notifier = self.subscribed("600")
        self.assertEqual(self.subscribe("300", within=self.within, headers={"CSeq": "90 SUBSCRIBE"}).statusCode, 200)
        self.notified()
        for expires in ("0", "900"):
            self.asks(expires, within=self.within, headers={"CSeq": "89 SUBSCRIBE"})
            self.peer.expect("500 SUBSCRIBE")
        self.assertEqual((notifier.state, round(notifier.expires)), ("active", 300))
        self.assertSilent()
        self.over()

    def test_retransmitted(self):
        """RFC 3261 section 17.2.2: a copy gets the same 200, and no NOTIFY of its own."""
        self.open()
        self.subscribed()
        refresh = self.asks(within=self.within)
        self.peer.send(refresh.toBytes(), self.userAgent)
        self.network.advance(0.01)
        self.assertEqual(self.sent("200 SUBSCRIBE"), 3)
        self.notified()
        self.assertSilent()
        self.assertEqual(len(self.notes.heard), 1)
        self.over()
