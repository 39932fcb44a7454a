"""
Subscriptions of peers that wait, or last for one NOTIFY (RFC 6665 sections 4.1.3, 4.4.3), and what they say.
"""

from twisted.internet.defer import Deferred

from tests.ua.watched import DOOR, Watched, WatchedCase, later
from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.message.event_fields import SubscriptionState


class FetchTests(WatchedCase):
    def fetch(self, state, body, decide=None):
        """One question, one answer, and the end."""
        self.open(decide)
        self.options["body"] = body if decide is None else b""
        accepted = self.subscribe("0")
        self.assertEqual((accepted.statusCode, accepted.headers.get("expires")), (200, "0"))
        self.assertEqual(self.told(), (state, body))
        self.assertEqual(self.notes.asked[0].expires, 0)
        self.assertEqual(self.notifier.state, "terminated")
        self.assertNothingLeft()
        return self.notifier

    def test_body(self):
        """Section 4.4.3: exactly one NOTIFY, which ends it, with the state or, where there is none, without."""
        for body in (b"open", b""):
            self.fetch("terminated;reason=timeout", body)

    def test_sameTurn(self):
        """The one NOTIFY has what is notified in that turn, and answers that."""

        def decide(context):
            self.grant(context)
            self.telling = context.notifier.notify(b"open")

        self.fetch("terminated;reason=timeout", b"open", decide)
        self.assertEqual(self.successResultOf(self.telling).statusCode, 200)

    def test_afterwards(self):
        """There is nothing to be told later, nor to be ended, and no dialog."""
        notifier = self.fetch("terminated;reason=timeout", b"open")
        self.assertIsNone(self.successResultOf(notifier.notify(b"shut")))
        self.assertIsNone(self.successResultOf(notifier.destroy()))
        self.assertEqual(self.successResultOf(notifier.whenTerminated()), notifier.ended)
        self.assertNothingLeft()

    def test_unheard(self):
        """Nobody answers that NOTIFY, or it is refused: it is over all the same."""
        for code in (481, 500, None):
            self.open()
            self.options["body"] = b"open"
            self.subscribe("0")
            if code is None:
                self.network.advance(33)
            else:
                self.notified(code)
            self.assertEqual(self.notifier.state, "terminated")
            self.assertNothingLeft()

    def test_later(self):
        """Asked and answered much later: it does not begin to run out before."""
        self.open(later)
        request = self.asks("0")
        self.network.advance(10)
        self.notes.asked[0].accept(body=b"open", delegate=self.notes)
        self.assertEqual(self.finalTo(request).statusCode, 200)
        self.assertEqual(self.told(), ("terminated;reason=timeout", b"open"))
        self.assertEnd(self.notifier, "unsubscribed", True)
        self.assertNothingLeft()


class PendingTests(WatchedCase):
    def test_allowed(self):
        """Section 4.2.2: pending until somebody has decided, then active."""
        self.open()
        notifier = self.subscribed(state="pending")
        self.assertEqual(self.first.headers.get("subscription-state"), "pending;expires=600")
        self.assertEqual(notifier.state, "pending")
        self.network.advance(60)
        notifier.notify(b"open", state="active")
        self.assertEqual(self.told(), ("active;expires=540", b"open"))
        self.assertEqual(notifier.state, "active")
        notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_refreshed(self):
        """A refresh leaves it as it is."""
        self.open()
        notifier = self.subscribed(state="pending")
        self.assertEqual(self.subscribe(within=self.within).statusCode, 200)
        self.assertEqual(self.told(), ("pending;expires=600", b""))
        notifier.destroy("rejected")
        self.assertEqual(self.told(), ("terminated;reason=rejected", b""))
        self.assertEnd(notifier, "rejected", False)
        self.assertNothingLeft()

    def test_runsOut(self):
        """Section 4.2.2: nobody decides, and its time runs out."""
        self.open()
        notifier = self.subscribed("60", state="pending")
        self.network.advance(59)
        self.assertEqual(len(self.notifies()), 1)
        self.network.advance(1)
        self.assertEqual(self.told(), ("terminated;reason=timeout", b""))
        self.assertEnd(notifier, "timeout", False)
        self.assertNothingLeft()


class ViewTests(WatchedCase):
    def test_view(self):
        """What the context and the notifier say of themselves (INotifier)."""
        self.open(later)
        request = self.asks(event=f"{DOOR};id=2", headers={"Accept": "text/plain, application/*", "X": "y"})
        (context,) = self.notes.asked
        self.assertEqual((context.method, context.request.headers.get("x")), ("SUBSCRIBE", "y"))
        self.assertEqual((context.expires, context.event.id, context.dialog), (600, "2", None))
        context.data["door"] = 1
        notifier = self.successResultOf(context.accept(body=b"open", delegate=self.notes))
        accepted = self.finalTo(request)
        self.assertIs(context.notifier, notifier)
        self.assertIs(notifier.data, context.data)
        self.assertIs(notifier.userAgent, self.userAgent)
        self.assertIs(notifier.delegate, self.notes)
        self.assertIs(notifier.request, context.request)
        sip = notifier.sip
        self.assertEqual((sip.callId, sip.localTag, sip.remoteTag), (request.callId, accepted.toTag, request.fromTag))
        self.assertEqual((notifier.state, notifier.body, notifier.contentType), ("active", b"open", "text/plain"))
        self.assertEqual((notifier.remoteIdentity.uri, notifier.localIdentity.uri), (request.from_.uri, request.to.uri))
        self.assertEqual((notifier.dialog, notifier.ended), (None, None))
        self.assertEqual(self.userAgent.dialogs, [])
        for who in (context, notifier):
            for kind, known in (
                ("text/plain", True),
                ("TEXT/Plain;charset=utf-8", True),
                ("application/pidf+xml", True),
                ("text/xml", False),
            ):
                self.assertIs(who.understands(kind), known, kind)
        self.notified()
        self.network.advance(100)
        self.assertEqual(round(notifier.expires), 500)
        self.assertEqual(self.subscribe("300", f"{DOOR};id=2", within=accepted).statusCode, 200)
        self.notified()
        self.assertEqual(round(notifier.expires), 300)
        self.assertIsNot(notifier.request, context.request)
        self.assertTrue(notifier.understands("text/xml"))
        notifier.terminate("giveup", 30)
        self.assertEqual(self.told(), ("terminated;reason=giveup;retry-after=30", b"open"))
        self.assertNothingLeft()

    def test_accept(self):
        """RFC 3261 section 20.1: an Accept that is empty takes nothing; a better match decides (q=0 is none)."""
        self.open(later)
        for accept, kind, known in (
            ("", "text/plain", False),
            ("*/*", "text/plain", True),
            ("text/*", "text/plain", True),
            ("text/plain;q=0", "text/plain", False),
            ("*/*, text/plain;q=0.000", "text/plain", False),
            ("text/*;q=0, text/plain", "text/plain", True),
            ("text/plain;q=0.5", "text/plain", True),
            ("text/plain;charset=utf-8, text/plain;charset=utf-16;q=0", "text/plain", True),
            (None, "text/plain", True),
        ):
            request = self.asks(headers={"Accept": accept})
            context = self.notes.asked[-1]
            self.assertIs(context.understands(kind), known, accept)
            context.reject(406)
            self.assertEqual(self.finalTo(request).statusCode, 406)
        self.assertNothingLeft()

    def test_told(self):
        """Who wants to know of all requests is told of its answer once (IRequestDelegate)."""

        class Told(Watched):
            def requestAccepted(self, context, response):
                self.heard.append(("accepted", context, response.statusCode))

            def requestRejected(self, context, response, cause):
                self.heard.append(("rejected", context, response.statusCode))

        notes = Told(lambda context: context.accept() and None)
        self.userAgent = self.agent(notes, events=(DOOR,))
        self.notes = notes
        self.subscribe("0")
        self.notified()
        notes.decide = lambda context: context.reject(403) and None
        self.subscribe()
        self.assertEqual([(what, status) for what, _, status in notes.heard], [("accepted", 200), ("rejected", 403)])
        self.assertNothingLeft()

    def test_refusedLate(self):
        """Refused once it has been accepted: InvalidState; the end is the notifier's."""
        self.open(later)
        request = self.asks()
        (context,) = self.notes.asked
        context.accept(delegate=self.notes)
        self.assertRaises(InvalidState, context.reject, 403)
        self.assertRaises(InvalidState, context.progress)
        self.finalTo(request)
        self.assertEqual(SubscriptionState.parse(self.told()[0]).state, "active")
        context.notifier.destroy("rejected")
        self.notified()
        self.assertNothingLeft()

    def test_progress(self):
        """RFC 4320 section 4.1: nothing but a 100, and that late; then the answer."""
        self.open(later)
        request = self.asks()
        (context,) = self.notes.asked
        self.assertIsNone(self.successResultOf(context.progress()))
        self.network.advance(6)
        self.assertEqual(self.sent("100 SUBSCRIBE"), 1)
        self.assertIsInstance(context.accept(body=b"open", delegate=self.notes), Deferred)
        self.assertEqual(self.finalTo(request).statusCode, 200)
        self.assertEqual(self.told()[1], b"open")
        self.notifier.destroy()
        self.notified()
        self.assertNothingLeft()
