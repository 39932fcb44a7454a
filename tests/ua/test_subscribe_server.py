"""
SUBSCRIBEs of peers that are refused (RFC 6665 sections 4.2.1, 8.2.2, 8.3.2; RFC 3261 section 8.2).
"""

from twisted.internet.defer import Deferred

from tests.ua.watched import DOOR, Watched, WatchedCase, later
from twisted_sipdialog import UserAgentDelegate
from twisted_sipdialog.errors import InvalidState, InvalidValue


class EventTests(WatchedCase):
    def test_unknown(self):
        """Section 4.2.1.1: a package that is not there: 489, section 8.2.2: which says what is; nobody is asked."""
        self.open(events=(DOOR, "x-window"))
        # Section 8.2.1: the name is compared octet by octet, with its templates.
        for event in ("presence", "X-Door", f"{DOOR}.winfo", "x-doo"):
            refused = self.subscribe(event=event)
            self.assertEqual(refused.statusCode, 489, event)
            self.assertLessEqual({DOOR, "x-window"}, set(refused.headers.get("allow-events").split(", ")))
            self.assertTrue(refused.toTag)
        self.assertEqual(self.notes.asked, [])
        self.assertNothingLeft()

    def test_malformed(self):
        """Section 8.2.1: one Event, of a token and parameters.  Without it nobody knows what is wanted: 489."""
        self.open()
        for event in (None, "", ";id=1", "x door", '"x-door"', f"{DOOR}, {DOOR}", [DOOR, DOOR], f"{DOOR};id=1;id=2"):
            refused = self.subscribe(event=event)
            self.assertIn(refused.statusCode, (400, 489), event)
            if refused.statusCode == 489:
                self.assertIn(DOOR, refused.headers.get("allow-events"))
        self.assertEqual(self.subscribe(event=None).statusCode, 489)
        self.assertEqual(self.notes.asked, [])
        self.assertNothingLeft()

    def test_noPackages(self):
        """RFC 3261 section 8.2.1: where nothing can be subscribed to the method is not there: 405, not in Allow."""
        self.userAgent = self.agent(UserAgentDelegate(), referPolicy="refuse")
        refused = self.subscribe()
        self.assertEqual(refused.statusCode, 405)
        self.assertNotIn("SUBSCRIBE", refused.headers.elements("allow"))
        self.assertNothingLeft()

    def test_listed(self):
        """Section 8.2.2: what answers OPTIONS tells the packages, too."""
        self.open(events=(DOOR, "x-window"))
        told = self.final("OPTIONS", self.userAgent)
        self.assertLessEqual({DOOR, "x-window"}, set(told.headers.get("allow-events").split(", ")))
        self.assertIn("SUBSCRIBE", told.headers.elements("allow"))
        self.assertNothingLeft()


class FormTests(WatchedCase):
    def test_contact(self):
        """Section 4.2.1.2, RFC 3261 section 12.1.1: without a place for NOTIFYs there is no dialog: 400."""
        self.open()
        for contact in (None, "", "*", "<tel:+12015550123>", "<mailto:a@b.example>", "<sip:"):
            self.assertEqual(self.subscribe(headers={"Contact": contact}).statusCode, 400, contact)
        self.assertEqual(self.subscribe(headers={"Record-Route": "<sip:"}).statusCode, 400)
        self.assertEqual(self.notes.asked, [])
        self.assertNothingLeft()

    def test_expires(self):
        """Section 4.2.1.1: without a number it is as we see fit; what is none, or beyond all bounds, says nothing."""
        self.open(subscriptionExpires=500)
        for expires in (None, "", "-1", "+60", "six", "6 0", "1_0", "9" * 5000, str(2**32)):
            accepted = self.subscribe(expires)
            self.assertEqual((accepted.statusCode, accepted.headers.get("expires")), (200, "500"), expires)
            self.notified()
            self.notifier.destroy()
            self.notified()
        self.assertNothingLeft()

    def test_extension(self):
        """RFC 3261 section 8.2.2.3: what is required, and not known: 420."""
        self.open()
        refused = self.subscribe(headers={"Require": "x-more"})
        self.assertEqual((refused.statusCode, refused.headers.get("unsupported")), (420, "x-more"))
        self.assertEqual(self.notes.asked, [])
        self.assertNothingLeft()

    def test_strayed(self):
        """RFC 3261 section 12.2.2: one in a dialog that is not there: 481; RFC 6665 section 4.2.1: no new one."""
        self.open()
        for expires in ("600", "0"):
            refused = self.subscribe(expires, headers={"To": "<sip:desk@b.example>;tag=gone"})
            self.assertEqual(refused.statusCode, 481)
        self.assertEqual(self.notes.asked, [])
        self.assertNothingLeft()


class BriefTests(WatchedCase):
    def test_tooBrief(self):
        """Section 4.2.1.1: more than none, below an hour and below our minimum: 423, with what is enough."""
        self.open(minSubscriptionExpires=300)
        for expires in ("1", "60", "299"):
            refused = self.subscribe(expires)
            self.assertEqual((refused.statusCode, refused.headers.get("min-expires")), (423, "300"), expires)
        self.assertEqual(self.notes.asked, [])
        self.assertSilent()
        self.assertEqual(self.subscribe("300").headers.get("expires"), "300")
        self.notified()
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_neverLonger(self):
        """Nobody is asked for more than is granted, whatever the minimum says."""
        self.open(minSubscriptionExpires=600, subscriptionExpires=120)
        refused = self.subscribe("60")
        self.assertEqual((refused.statusCode, refused.headers.get("min-expires")), (423, "120"))
        self.assertEqual(self.subscribe("120").headers.get("expires"), "120")
        self.notified()
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_anHour(self):
        """Section 4.2.1.1: an hour or more must not be refused so, though we would rather have more."""
        self.open(minSubscriptionExpires=7200, subscriptionExpires=9000)
        self.assertEqual(self.subscribe("3599").statusCode, 423)
        for expires in ("3600", "7199"):
            accepted = self.subscribe(expires)
            self.assertEqual(accepted.statusCode, 200, expires)
            # Section 4.2.1.1: never longer than it was asked for.
            self.assertEqual(accepted.headers.get("expires"), expires)
            self.notified()
            self.notifier.destroy()
            self.notified()
        self.assertNothingLeft()

    def test_noMinimum(self):
        """Where we have none, a second is long enough."""
        self.open(minSubscriptionExpires=0)
        self.assertEqual(self.subscribe("1").headers.get("expires"), "1")
        self.notified()
        self.assertEqual(self.told(), ("terminated;reason=timeout", b""))
        self.assertNothingLeft()

    def test_fetch(self):
        """Section 4.4.3: none at all is a question, not too brief a time."""
        self.open(minSubscriptionExpires=300)
        self.assertEqual(self.subscribe("0").statusCode, 200)
        self.assertEqual(self.told(), ("terminated;reason=timeout", b""))
        self.assertNothingLeft()


class DecisionTests(WatchedCase):
    def refused(self, decide, statusCode=489, **settings):
        """A SUBSCRIBE that is refused so, and of which nothing is left."""
        self.open(decide, **settings)
        refused = self.subscribe()
        self.assertEqual(refused.statusCode, statusCode)
        self.assertTrue(refused.toTag)
        self.assertSilent()
        self.assertIsNone(self.notes.asked[0].notifier)
        self.assertNothingLeft()
        return refused

    def test_rejected(self):
        """Section 4.2.1.3 and RFC 3261 section 21: any refusal, with what the application adds."""
        for code in (403, 404, 480, 600, 603, 302):
            refused = self.refused(
                lambda context, code=code: context.reject(code, "No", [("X-Why", "so")]) and None, code
            )
            self.assertEqual((refused.reasonPhrase, refused.headers.get("x-why")), ("No", "so"))

    def test_silent(self):
        """A delegate that returns without an answer: 489, as if nobody had been asked."""
        refused = self.refused(lambda context: None)
        self.assertIn(DOOR, refused.headers.get("allow-events"))

    def test_none(self):
        """No delegate that could be asked: 489, though packages are told."""
        self.userAgent = self.agent(UserAgentDelegate(), events=(DOOR,))
        self.assertEqual(self.subscribe().statusCode, 489)
        self.assertNothingLeft()

    def test_raises(self):
        """One that raises, or whose coroutine does: 500, and its failure is logged."""

        async def raises(context):
            raise ZeroDivisionError

        for decide in (lambda context: 1 / 0, raises):
            self.refused(decide, 500)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_coroutine(self):
        """One that is to be waited for accepts when it has made up its mind."""
        asking = Deferred()

        async def decide(context):
            if await asking:
                await context.accept(body=b"open", delegate=self.notes)
            else:
                await context.reject(403)

        for allowed, status in ((True, 200), (False, 403)):
            asking = Deferred()
            self.open(decide)
            request = self.asks()
            self.network.advance(3)
            self.assertEqual(self.sent("NOTIFY"), 0)
            asking.callback(allowed)
            self.assertEqual(self.finalTo(request).statusCode, status)
            if allowed:
                self.assertEqual(self.told(), ("active;expires=600", b"open"))
                self.notifier.destroy()
                self.notified()
            self.peer.received.clear()
            self.assertNothingLeft()

    def test_tooLate(self):
        """RFC 4320 section 4.2: answered by us before the client gives up; the verbs are of no use after it."""
        self.open(later)
        request = self.asks()
        self.network.advance(31)
        self.assertEqual(self.finalTo(request).statusCode, 500)
        (context,) = self.notes.asked
        for verb in (context.accept, context.reject):
            self.assertRaises(InvalidState, verb)
        self.assertNothingLeft()

    def test_wrongly(self):
        """What accept() cannot be given is refused before anything is sent, and it can be called rightly then."""
        self.open(later)
        request = self.asks("600")
        (context,) = self.notes.asked
        self.assertEqual((str(context.event), context.expires, context.notifier), (DOOR, 600, None))
        for wrong in (
            {"statusCode": 180},
            {"statusCode": 300},
            {"state": "terminated"},
            {"state": "x"},
            {"expires": 601},
            {"expires": -1},
            {"expires": 60.0},
            {"expires": 60, "interval": -1.0},
            {"body": "text"},
            {"extraHeaders": [("X", "a\r\nb")]},
            {"extraHeaders": [("Expires", "9")]},
            {"body": b"x", "contentType": "text\r\n"},
        ):
            self.assertRaises(InvalidValue, context.accept, **wrong)
            self.assertEqual((context.notifier, context.expires), (None, 600), wrong)
        self.assertRaises(InvalidValue, context.reject, 200)
        self.network.advance(1)
        self.assertEqual(self.peer.received, [])
        context.accept(delegate=self.notes)
        self.assertEqual(self.finalTo(request).headers.get("expires"), "600")
        for verb in (context.accept, context.reject):
            self.assertRaises(InvalidState, verb)
        self.notified()
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()


class WithoutDelegateTests(WatchedCase):
    def test_noDelegate(self):
        """Who passes no delegate to accept() hears nothing, and nothing fails for it."""
        self.open()
        self.subscribed(delegate=None)
        self.assertEqual(self.subscribe(within=self.within).statusCode, 200)
        self.notified()
        self.assertIsNone(self.notifier.delegate)
        self.assertEqual(self.subscribe("0", within=self.within).statusCode, 200)
        self.notified()
        self.assertEqual(self.notes.heard, [])
        self.assertNothingLeft()

    def test_bare(self):
        """One without any of the methods."""
        self.open()
        self.subscribed(delegate=object())
        self.notifier.destroy()
        self.notified()
        self.assertIsInstance(self.notes, Watched)
        self.assertNothingLeft()
