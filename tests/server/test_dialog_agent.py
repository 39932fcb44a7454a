"""
A user agent whose calls are watched (RFC 4235).
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.delegates import SubscriptionDelegate
from twisted_sipdialog.dialog.state_change import StateChange
from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.event import PACKAGES
from twisted_sipdialog.event.dialog_info import DialogInfo
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.server.dialog_agent import DialogAgent
from twisted_sipdialog.testing import MemoryNetwork

DESK = "sip:desk@b.example"
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


class Desk(DialogAgent):
    """Rings, and answers after two seconds."""

    def inviteReceived(self, context: Any) -> None:
        context.progress(180)
        context.answerLater()
        self.clock.callLater(2, lambda: context.answered or context.accept())

    clock: Any


class Lamp(SubscriptionDelegate):
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.whole: list[list[str]] = []
        self.newest: str | None = None

    def notified(self, subscription: Any, notification: Any) -> None:
        document: DialogInfo = notification.value
        self.seen.append(f"{document.version} {document.state}")
        self.newest = document.dialogs[-1].callId if document.dialogs else None
        self.whole.append([f"{dialog.direction} {dialog.state}" for dialog in subscription.value.dialogs])


class DialogAgentTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.network = MemoryNetwork(latency=0.01)
        self.addCleanup(self.network.assertQuiet)
        self.desk = Desk(self.network.clock, DESK, [PACKAGES["presence"]])
        self.desk.clock = self.network.clock
        self.addCleanup(self.desk.stop)
        self.phone = self.network.userAgent(DESK, self.desk, media=FixedMedia(SDP))
        self.alice = self.network.userAgent("sip:alice@a.example", media=FixedMedia(SDP))
        self.bob = self.network.userAgent("sip:bob@c.example")
        self.lamp = Lamp()
        watching = self.bob.subscribe(DESK, "dialog", delegate=self.lamp)
        self.network.advance(1)
        self.watching = self.successResultOf(watching)

    def seen(self, seconds: float) -> list[list[str]]:
        self.network.advance(seconds)
        whole, self.lamp.whole = self.lamp.whole, []
        return whole

    def test_call(self) -> None:
        """It rings, it is answered, it is over, and stands in the documents no more (section 3.7)."""
        self.assertEqual(self.seen(0), [[]])
        calling = self.alice.invite(DESK)
        self.assertEqual(self.seen(1.5)[-1], ["recipient early"])
        self.assertEqual(self.seen(2)[-1], ["recipient confirmed"])
        self.successResultOf(calling).destroy()
        self.assertEqual(self.seen(2)[-1], ["recipient terminated"])
        self.assertIn("full", {word.split()[1] for word in self.lamp.seen})
        versions = [int(word.split()[0]) for word in self.lamp.seen]
        self.assertEqual(versions, sorted(versions))
        calling = self.alice.invite(DESK)
        self.assertEqual(self.seen(1.5)[-1], ["recipient early"])
        calling.cancel()
        self.failureResultOf(calling)
        self.assertEqual(self.seen(2)[-1], ["recipient terminated"])
        self.watching.unsubscribe()
        self.network.advance(1)

    def test_missed(self) -> None:
        """A watcher to whom several changes are one sees how it is now: each document is whole."""
        self.network.drop(lambda m: m.method == "NOTIFY", times=3)
        calling = self.alice.invite(DESK)
        self.network.advance(3)
        self.assertEqual(self.seen(4)[-1], ["recipient confirmed"])
        self.successResultOf(calling).destroy()
        self.assertEqual(self.seen(2)[-1], ["recipient terminated"])
        self.watching.unsubscribe()
        self.network.advance(1)

    def test_many(self) -> None:
        """Of more calls than a document has room for the newest are shown; one whose names fill it hides no fault."""
        for number in range(200):
            self.ring(f"{number:032x}@host.example")
        several = self.seen(4)
        self.assertEqual(len(several), 3, "the first, and the others together")
        whole = several[-1]
        self.assertTrue(50 < len(whole) < 200, len(whole))
        self.assertEqual(self.lamp.newest, f"{199:032x}@host.example")
        self.ring("x" * 70_000)
        self.assertEqual(self.seen(2)[-1], [])
        self.ring("short")
        self.assertEqual(self.seen(2)[-1], ["recipient early"])
        self.watching.unsubscribe()
        self.network.advance(1)

    def ring(self, callId: str, state: str = "early") -> None:
        self.desk.dialogStateChanged(StateChange(state, None, 180, "recipient", callId, "l", "r", DESK, "sip:x@y"))

    def test_endedTogether(self) -> None:
        """What ends while watchers cannot be told yet stands in the document that they get then."""
        for state in ("early", "terminated"):
            for callId in "abc":
                self.ring(callId, state)
        self.assertEqual(self.seen(4)[-2:], [["recipient early"], ["recipient terminated"] * 3])
        self.ring("d")
        self.assertEqual(self.seen(2), [["recipient early"]])
        self.watching.unsubscribe()
        self.network.advance(1)

    def test_unwatched(self) -> None:
        """Nothing is written for nobody: calls are many."""
        self.watching.unsubscribe()
        self.network.advance(1)
        self.patch(DialogInfo, "toBytes", lambda _: self.fail("a document"))
        self.ring("a")

    def test_endedBefore(self) -> None:
        """A call that nobody watched to its end is not shown to who comes later."""
        self.watching.unsubscribe()
        self.network.advance(1)
        self.ring("a")
        self.ring("a", "terminated")
        self.seen(0)
        watching = self.bob.subscribe(DESK, "dialog", delegate=self.lamp)
        self.assertEqual(self.seen(1), [[]])
        self.successResultOf(watching).unsubscribe()
        self.network.advance(1)

    def test_stop(self) -> None:
        """RFC 6665 section 4.2.2: it stops; those who watch are told to try again later, and its store is closed."""
        self.alice.invite(DESK).addErrback(lambda _: None)
        self.network.advance(0.5)
        stopping = self.desk.stop()
        self.network.advance(0.5)
        self.successResultOf(stopping)
        self.assertEqual((self.watching.state, self.watching.notification.state.reason), ("suspended", "probation"))
        self.assertEqual(self.desk.notifiers(DESK, "dialog"), [])
        self.watching.unsubscribe()
        self.network.advance(5)

    def test_nobodyElse(self) -> None:
        """Nobody may publish what calls there are, also not by its name; the other packages are as those of others."""
        published = self.phone.publish(DESK, "dialog", DialogInfo(DESK).toBytes(), "application/dialog-info+xml")
        self.network.advance(1)
        self.assertEqual(self.failureResultOf(published, ResponseError).value.statusCode, 403)
        published = self.phone.publish(DESK, "presence", b"<x/>", "application/pidf+xml")
        self.network.advance(1)
        self.assertEqual(self.failureResultOf(published, ResponseError).value.statusCode, 400)
        self.watching.unsubscribe()
        self.network.advance(1)
