"""
The stream of dialog states (RFC 4235 section 3.7.1), on every path of a call to us.
"""

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, later
from tests.ua.test_watch import Watching


class CalleeTests(CalleeTestCase):
    def answering(self, answer=later, **how):
        self.watching = Watching(answer)
        self.userAgent = self.agent(self.watching, **how.pop("settings", {}))
        self.invite = self.peer.request("INVITE", self.userAgent, body=OFFER, **how)
        self.network.advance(0.01)
        return self.watching.contexts[-1] if self.watching.contexts else None

    def assertStates(self, *expected):
        self.network.advance(70)
        self.assertEqual(self.watching.states, list(expected), self.network.ladder())
        self.assertEqual(self.userAgent.leftovers(), [])
        self.assertEqual({change.direction for change in self.watching.changes}, {"recipient"})
        self.assertEqual(
            {change.localTag for change in self.watching.changes} - {""}, {self.watching.changes[-1].localTag}
        )

    def refused(self):
        return self.finalTo(self.invite).statusCode

    def test_values(self):
        """Section 4.1."""
        context = self.answering(None)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.1)
        trying, confirmed = self.watching.changes
        self.assertEqual((trying.callId, trying.remoteTag), (ok.callId, ok.fromTag))
        self.assertEqual(trying.localTag, ok.toTag)
        self.assertEqual((trying.localUri, trying.remoteUri), ("sip:desk@b.example", "sip:peer@peer.example"))
        self.assertEqual(confirmed.id, trying.id)
        self.assertEqual(confirmed.target, context.dialog.remote.uri)
        self.finalTo(self.peer.request("BYE", within=ok))
        self.assertStates(("trying", None, None), ("confirmed", None, 200), ("terminated", "remote-bye", None))

    def test_early(self):
        """It rings, is answered, and ended by us."""
        context = self.answering()
        for code in (100, 180, 183, 180):
            context.progress(code)
        context.accept(body=ANSWER)
        self.peer.ack(self.peer.expect("200 INVITE"))
        self.network.advance(0.1)
        context.dialog.destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.assertStates(
            ("trying", None, None),
            ("early", None, 180),
            ("confirmed", None, 200),
            ("terminated", "local-bye", 200),
        )

    def test_refused(self):
        """Refused by the application, by default, and after it rang."""
        self.answering(lambda context: context.reject(486))
        self.assertEqual(self.refused(), 486)
        self.assertStates(("trying", None, None), ("terminated", "rejected", 486))
        self.answering(lambda context: None)
        self.assertEqual(self.refused(), 480)
        self.assertStates(("trying", None, None), ("terminated", "rejected", 480))
        context = self.answering()
        context.progress()
        context.reject(603)
        self.assertEqual(self.refused(), 603)
        self.assertStates(("trying", None, None), ("early", None, 180), ("terminated", "rejected", 603))

    def test_cancelled(self):
        """Cancelled by the caller, before and while it rings."""
        for early in (False, True):
            context = self.answering()
            if early:
                context.progress()
            self.peer.cancel(self.invite)
            self.assertEqual(self.refused(), 487)
            moves = [("early", None, 180)] if early else []
            code = None if early else 487
            self.assertStates(("trying", None, None), *moves, ("terminated", "cancelled", code))

    def test_earlyBye(self):
        """A BYE in the early dialog."""
        self.answering().progress()
        self.network.advance(0.1)
        self.finalTo(self.peer.request("BYE", within=self.peer.expect("180 INVITE")))
        self.assertEqual(self.refused(), 487)
        self.assertStates(("trying", None, None), ("early", None, 180), ("terminated", "remote-bye", None))

    def test_timeouts(self):
        """Nobody answers: noAnswerTimeout, or Expires; no ACK; no PRACK."""
        self.answering(settings={"noAnswerTimeout": 5.0})
        self.network.advance(6)
        self.assertEqual(self.refused(), 408)
        self.assertStates(("trying", None, None), ("terminated", "timeout", 408))
        self.answering(headers={"Expires": "3"})
        self.network.advance(4)
        self.assertEqual(self.refused(), 487)
        self.assertStates(("trying", None, None), ("terminated", "timeout", 487))
        self.answering(None)
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.assertStates(("trying", None, None), ("confirmed", None, 200), ("terminated", "timeout", 200))
        self.answering(lambda c: c.progress(reliable=True) and c.answerLater(), headers={"Supported": "100rel"})
        self.network.advance(33)
        self.assertEqual(self.refused(), 504)
        self.assertStates(("trying", None, None), ("early", None, 180), ("terminated", "timeout", 504))

    def test_changes(self):
        """A re-INVITE moves nothing."""
        self.answering(None)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.1)
        again = self.finalTo(self.peer.request("INVITE", within=ok, body=OFFER))
        self.peer.ack(again)
        self.finalTo(self.peer.request("BYE", within=ok))
        self.assertStates(("trying", None, None), ("confirmed", None, 200), ("terminated", "remote-bye", None))

    def test_neverOurs(self):
        """What a step of RFC 3261 section 8.2 refuses is no call."""
        self.answering(headers={"Require": "magic"})
        self.assertEqual(self.refused(), 420)
        self.assertEqual(self.watching.changes, [])

    def test_broken(self):
        """A delegate that raises hurts nothing."""

        class Raising(Callee):
            def dialogStateChanged(self, change):
                raise ZeroDivisionError

        agent = self.agent(Raising())
        self.peer.request("INVITE", agent, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.finalTo(self.peer.request("BYE", within=ok))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)
