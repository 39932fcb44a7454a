"""
Each row of docs/events.rst has its test in tests/events, and each test its row.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.test_docs import page, tables

EVENTS = Path(__file__).parent / "events"


class PageTests(SynchronousTestCase):
    def test_rows(self) -> None:
        """Every row ends with the name of one test that is there, and no test is without a row."""
        rows = [row for _, found in tables(page("events")) for row in found]
        named = [re.fullmatch(r"``(test_\w+)\.(test_\w+)``", row[-1]) for row in rows]
        for row, match in zip(rows, named, strict=True):
            self.assertTrue(match and all(row[:2]), row)
        there = [
            (path.stem, name)
            for path in EVENTS.glob("test_*.py")
            for name in re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))
        ]
        self.assertEqual(sorted(match.groups() for match in named if match), sorted(there))

    def test_originals(self) -> None:
        """Every event of the originals is named."""
        text = page("events")
        for event in (
            *("destroy", "modify", "refresh", "hold", "unhold", "info", "notify", "options", "update", "refer"),
            *("message", "publish", "subscribe", "unsubscribe", "ack"),
        ):
            self.assertIn(f"``{event}(req", text)
        for event in (
            *("referRequested", "referRequestProgress", "referRequestAccepted", "referRequestRejected"),
            *("referInviteSent", "referProgress", "referAccepted", "referRejected", "outOfDialogReferRequested"),
        ):
            self.assertIn(f"``{event}", text)
        for event in ("progress", "accepted", "rejected", "failed"):
            self.assertIn(f"``{event}``", text)
        for event in ("create", "create-early", "terminate"):
            self.assertIn(f"``sipdialog:{event}``", text)
