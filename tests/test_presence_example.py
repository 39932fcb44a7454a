"""
docs/examples/presence.py does what its page says, among user agents.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.test_examples import example
from twisted_sipdialog.event.message_summary import MessageSummary
from twisted_sipdialog.testing import MemoryNetwork


class PresenceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.presence = example("presence")
        self.network = MemoryNetwork(latency=0.01)
        self.addCleanup(self.network.assertQuiet)
        self.shown: list[tuple[Any, ...]] = []

    def show(self, *words: Any) -> None:
        self.shown.append(words)

    def done(self, running: Any, seconds: float = 1) -> Any:
        """What a coroutine comes to."""
        return self.came(Deferred.fromCoroutine(running), seconds)

    def came(self, outcome: Deferred[Any], seconds: float = 1) -> Any:
        """What a Deferred comes to."""
        self.network.advance(seconds)
        return self.successResultOf(outcome)

    def there(self, delegate: Any, **settings: Any) -> Any:
        """The server of example.com, and then Bob."""
        there = self.network.userAgent("sip:there@example.com", delegate, **settings)
        self.bob = self.network.userAgent("sip:bob@example.com")
        return there

    def office(self) -> Any:
        office = self.presence.Office(self.network.clock)
        self.addCleanup(office.stop)
        self.there(office)
        return office

    def test_watched(self) -> None:
        """Alice publishes, Bob watches; the office keeps it, and ends it (RFC 3903, RFC 6665)."""
        office = self.office()
        watching = self.done(self.presence.watch(self.bob, self.show))
        alice = self.network.userAgent("sip:alice@example.com")
        publication = self.done(self.presence.publish(alice), 6)
        self.assertTrue(self.done(self.presence.isThere(self.bob)))
        self.came(publication.close(), 6)
        self.assertFalse(self.done(self.presence.isThere(self.bob)))
        target = "sip:alice@example.com"
        self.assertEqual(self.shown, [(target, None), (target, "open", "meal"), (target, None)])
        self.shown.clear()
        office.notifiers(target, "presence")[0].destroy("giveup", 40)
        self.network.advance(1)
        self.assertEqual(self.shown[-1], ("nothing is known for", 40, "s:", "giveup"))
        self.network.advance(40)
        self.assertEqual(watching.state, "active")
        self.came(watching.unsubscribe())
        self.assertEqual(self.shown[-1], ("over:", "unsubscribed"))

    def test_stranger(self) -> None:
        """One of another domain waits until he is let in."""
        office = self.office()
        carol = self.network.userAgent("sip:carol@c.example")
        watching = self.done(self.presence.watch(carol, self.show))
        self.assertEqual((watching.state, watching.value), ("pending", None))
        self.assertEqual(self.shown, [("sip:alice@example.com", "pending")])
        self.assertFalse(self.done(self.presence.isThere(carol)))
        (newcomer,) = office.newcomers("sip:alice@example.com")
        office.allow(newcomer)
        self.network.advance(6)
        self.assertEqual((watching.state, watching.value.basic), ("active", None))
        self.assertEqual(office.newcomers("sip:alice@example.com"), [])
        self.came(watching.unsubscribe())

    def test_messages(self) -> None:
        """A phone hears what waits for it, and when that changes (RFC 3842); one that asks for something else, 489."""
        mail = self.presence.VoiceMail()
        self.there(mail, events=("message-summary",))
        watching = self.came(self.bob.subscribe("sip:bob@example.com", "message-summary"))
        self.assertEqual(watching.value, MessageSummary(False, counts={"voice-message": watching.value.voice}))
        mail.left("bob", 2, 8)
        mail.left("carol", 1, 0)
        self.network.advance(2)
        self.assertTrue(watching.value.waiting)
        self.assertEqual((watching.value.voice.new, watching.value.voice.old), (2, 8))
        refused = self.bob.subscribe("sip:bob@example.com", "presence")
        self.network.advance(1)
        self.assertEqual(self.failureResultOf(refused).value.statusCode, 489)
        self.came(watching.unsubscribe())
        self.assertEqual(mail._phones, {})
