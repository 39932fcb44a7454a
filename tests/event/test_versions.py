"""
Full and partial documents of a subscription (RFC 3680 section 5.2, RFC 4235 section 4.3, RFC 4575 section 4.6).
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.event.conference import ConferenceInfo
from twisted_sipdialog.event.dialog_info import Dialog, DialogInfo
from twisted_sipdialog.event.reg import RegInfo
from twisted_sipdialog.event.versions import MAX_BYTES, Latest


def document(version: int, state: str, *ids: str) -> DialogInfo:
    return DialogInfo("sip:a@b", version, state, tuple(Dialog(id, "confirmed") for id in ids))


class LatestTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.latest: Latest[DialogInfo] = Latest()

    def told(self, version: int, state: str, *ids: str) -> bool:
        return self.latest.received(document(version, state, *ids))

    def assertKnown(self, version: int, *ids: str) -> None:
        known: Any = self.latest.document
        self.assertEqual((known.version, tuple(dialog.id for dialog in known.dialogs)), (version, ids))

    def test_inOrder(self) -> None:
        """Full, and then each partial one that is the next."""
        self.assertIsNone(self.latest.document)
        self.assertFalse(self.told(0, "full", "a"))
        self.assertFalse(self.told(1, "partial", "b"))
        self.assertFalse(self.told(2, "partial", "c"))
        self.assertKnown(2, "a", "b", "c")

    def test_anyStart(self) -> None:
        """The first document says where its versions begin."""
        self.assertFalse(self.told(17, "full", "a"))
        self.assertFalse(self.told(18, "partial", "b"))
        self.assertKnown(18, "a", "b")

    def test_gap(self) -> None:
        """One is missing: what came is taken in, and the subscription is to be refreshed, for a full document."""
        self.told(0, "full", "a")
        self.assertTrue(self.told(2, "partial", "c"))
        self.assertKnown(2, "a", "c")
        self.assertFalse(self.told(3, "partial", "d"), "asked for once")
        self.assertFalse(self.told(4, "full", "a", "b", "c", "d"))
        self.assertKnown(4, "a", "b", "c", "d")

    def test_late(self) -> None:
        """What is older, or here already, is passed over."""
        self.told(0, "full", "a")
        self.told(1, "partial", "b")
        self.assertFalse(self.told(1, "partial", "c"))
        self.assertFalse(self.told(0, "partial", "d"))
        self.assertFalse(self.told(0, "full", "e"))
        self.assertKnown(1, "a", "b")

    def test_full(self) -> None:
        """A full document makes good for all that is missing; nothing of before stays."""
        self.told(0, "full", "a")
        self.assertFalse(self.told(5, "full", "b"))
        self.assertKnown(5, "b")

    def test_neverCounted(self) -> None:
        """Some notifiers send full documents with one and the same version."""
        self.told(0, "full", "a")
        self.assertFalse(self.told(0, "full", "b"))
        self.assertKnown(0, "b")

    def test_partialFirst(self) -> None:
        """Without a full document something is missing."""
        self.assertTrue(self.told(3, "partial", "a"))
        self.assertKnown(3, "a")

    def test_tooMuch(self) -> None:
        """More than a full document makes good for is not kept: a notifier may tell of something new each time."""
        self.told(0, "full", "a")
        size = len(document(1, "partial", "x" * 50_000).toBytes())
        most = MAX_BYTES // size
        missing = [self.sent(version, "partial", f"{version:050000}") for version in range(1, most + 4)]
        self.assertEqual(missing, [False] * most + [True] * 3)
        known: Any = self.latest.document
        self.assertEqual(len(known.dialogs), most + 1)
        self.assertFalse(self.sent(most + 4, "full", "b"))
        self.assertFalse(self.sent(most + 5, "partial", "c"))
        self.assertKnown(most + 5, "b", "c")

    def sent(self, version: int, state: str, *ids: str) -> bool:
        """As C{told}, of a document that was read."""
        return self.latest.received(DialogInfo.parse(document(version, state, *ids).toBytes()))

    def test_size(self) -> None:
        """It counts in every kind of document."""
        kinds: list[Any] = [DialogInfo("sip:a@b"), RegInfo(), ConferenceInfo("sip:a@b")]
        for first in kinds:
            body = first.toBytes()
            read = type(first).parse(body)
            self.assertEqual((read.size, read.withPartial(read).size), (len(body), 2 * len(body)))
            self.assertEqual(read, first)
