"""
Several subscriptions of a peer in one dialog (RFC 6665 section 4.5.2, RFC 5057).
"""

from tests.ua.watched import DOOR, WatchedCase, later

WINDOW = "x-window"


class SeveralTests(WatchedCase):
    def several(self, *events):
        """Subscriptions in one dialog: their notifiers."""
        self.open(events=(DOOR, WINDOW))
        notifiers = []
        for event in events:
            answer = self.subscribe(event=event, within=self.within if notifiers else None)
            self.assertEqual(answer.statusCode, 200)
            if not notifiers:
                self.within = answer
            self.assertEqual(answer.toTag, self.within.toTag)
            notifiers.append(self.notifier)
            notify = self.notified()
            self.assertEqual((notify.headers.get("event"), notify.callId), (event, self.within.callId))
        return notifiers

    def test_apart(self):
        """Section 4.5.2: told apart by package and id, which are compared octet by octet; one CSeq for all."""
        events = [DOOR, f"{DOOR};id=1", f"{DOOR};id=A", f"{DOOR};id=a", WINDOW, f"{WINDOW};id=1"]
        notifiers = self.several(*events)
        self.assertEqual(len({*map(id, notifiers)}), len(events))
        self.assertEqual(len(self.notes.asked), len(events))
        for place, notifier in enumerate(notifiers):
            notifier.notify(b"%d" % place)
            notify = self.notified()
            self.assertEqual((notify.headers.get("event"), notify.body), (events[place], b"%d" % place))
        numbers = [notify.cseqNumber for notify in self.notifies()]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        # A refresh is of that one alone, and other parameters do not tell them apart.
        for place in (3, 0):
            self.subscribe("90", f"{events[place]};x=y", within=self.within)
            self.assertEqual(self.told(), ("active;expires=90", b"%d" % place))
        self.assertEqual([round(n.expires) for n in notifiers], [90, 600, 600, 90, 600, 600])
        for place in (2, 0, 5, 1, 4):
            notifiers[place].destroy()
            self.assertEqual(self.notified().headers.get("event"), events[place])
            self.assertEqual(self.subscribe(event="x-other", within=self.within).statusCode, 489)
        # The dialog lasts as long as one of them does.
        self.subscribe("0", events[3], within=self.within)
        self.notified()
        self.assertEqual(self.subscribe("0", events[3], within=self.within).statusCode, 481)
        self.assertNothingLeft()

    def test_atOnce(self):
        """Those of one dialog do not wait for each other's answers."""
        one, two = self.several(DOOR, f"{DOOR};id=2")
        one.notify(b"1")
        two.notify(b"2")
        self.network.advance(0.1)
        self.assertEqual([n.body for n in self.notifies()[2:]], [b"1", b"2"])
        for _ in range(2):
            self.notified()
        for notifier in (one, two):
            notifier.destroy()
            self.notified()
        self.assertNothingLeft()

    def test_refused(self):
        """RFC 5057 section 5.1, RFC 6665 section 4.2.2: a 481 ends the one it is about, and no other."""
        one, two = self.several(DOOR, f"{DOOR};id=2")
        one.notify(b"1")
        self.notified(481)
        self.assertEnd(one, "refused", True)
        self.assertEqual(two.state, "active")
        two.notify(b"2")
        self.assertEqual(self.told()[1], b"2")
        # The same may be asked for anew, in the dialog that is still there.
        self.assertEqual(self.subscribe(within=self.within).statusCode, 200)
        self.assertEqual(len(self.notes.asked), 3)
        self.notified()
        for notifier in (two, self.notifier):
            notifier.destroy()
            self.notified()
        self.assertNothingLeft()

    def test_fetch(self):
        """Section 4.4.3: one that is asked for once, beside one that lasts."""
        (one,) = self.several(DOOR)
        self.assertEqual(self.subscribe("0", WINDOW, within=self.within).statusCode, 200)
        self.assertEqual(self.told()[0], "terminated;reason=timeout")
        self.assertEqual(one.state, "active")
        one.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_rejected(self):
        """One that is refused, or too brief, leaves the others."""
        (one,) = self.several(DOOR)
        self.notes.decide = lambda context: context.reject(403) and None
        self.assertEqual(self.subscribe(event=WINDOW, within=self.within).statusCode, 403)
        self.assertEqual(self.subscribe("1", WINDOW, within=self.within).statusCode, 423)
        self.assertEqual(self.subscribe(event=None, within=self.within).statusCode, 489)
        one.notify(b"1")
        self.assertEqual(self.told()[1], b"1")
        one.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_overBeforeAnswer(self):
        """The last subscription ends while a further one is thought about: that keeps the dialog, as long as it may."""
        (one,) = self.several(DOOR)
        self.notes.decide = later
        request = self.asks(event=WINDOW, within=self.within)
        one.destroy()
        self.notified()
        self.notes.asked[-1].accept(delegate=self.notes)
        self.assertEqual(self.finalTo(request).statusCode, 200)
        self.notified()
        self.assertEqual(self.subscribe("90", WINDOW, within=self.within).statusCode, 200)
        self.assertEqual(self.told()[0], "active;expires=90")
        request = self.asks(within=self.within)
        self.notes.asked[1].notifier.destroy()
        self.notified()
        self.notes.asked[-1].reject(403)
        self.assertEqual(self.finalTo(request).statusCode, 403)
        self.assertEqual(self.subscribe(within=self.within).statusCode, 481)
        self.assertNothingLeft()

    def test_twice(self):
        """
        Section 4.5.2: the same event in the same dialog is the same subscription.  While the first SUBSCRIBE is
        thought about, another is to come later (RFC 3261 section 14.2 has that for INVITE).
        """
        (one,) = self.several(DOOR)
        self.notes.decide = later
        request = self.asks(event=WINDOW, within=self.within)
        for expires in ("600", "0"):
            refused = self.subscribe(expires, WINDOW, within=self.within)
            self.assertEqual((refused.statusCode, refused.headers.get("retry-after")), (500, "5"))
        # Another one is another one.
        self.asks(event=f"{WINDOW};id=2", within=self.within)
        self.assertEqual(len(self.notes.asked), 3)
        for context in self.notes.asked[1:]:
            context.accept(delegate=self.notes)
            self.notified()
        self.assertEqual(self.finalTo(request).statusCode, 200)
        self.assertEqual(self.subscribe("90", WINDOW, within=self.within).statusCode, 200)
        self.notified()
        for context in self.notes.asked:
            context.notifier.destroy()
            self.notified()
        self.assertEqual(one.state, "terminated")
        self.assertNothingLeft()

    def test_strange(self):
        """Section 4.5.2, RFC 3261 section 12.2.2: in that dialog there is no call; nor does anything else end it."""
        (one,) = self.several(DOOR)
        for method, status in (
            ("BYE", 481),
            ("INFO", 405),
            ("INVITE", 405),
            ("UPDATE", 405),
            ("REFER", 405),
            ("MESSAGE", 405),
            ("OPTIONS", 405),
            ("NOTIFY", 489),
        ):
            self.assertEqual(self.status(method), status, method)
        headers = {"Event": DOOR, "Subscription-State": "active"}
        self.assertEqual(self.status("NOTIFY", headers=headers), 481)
        self.peer.request("ACK", within=self.within)
        self.network.advance(1)
        self.assertEqual((one.state, self.userAgent.dialogs), ("active", []))
        one.notify(b"1")
        self.assertEqual(self.told()[1], b"1")
        one.destroy()
        self.notified()
        self.assertNothingLeft()
