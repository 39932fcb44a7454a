"""
Several REFERs in one dialog, and whose NOTIFY is whose (RFC 3515 section 2.4.6).
"""

from __future__ import annotations

from typing import Any

from tests.events.refer_case import ReferCase

BUSY = "SIP/2.0 486 Busy Here\r\n"
OK = "SIP/2.0 200 OK\r\n"


class TwoRefersTests(ReferCase):
    def second(self) -> Any:
        """A second REFER, after the first got its final status and a subscription without an end: its context."""
        self.first = self.accepted()
        self.firstRefer = self.refer
        self.assertEqual(self.notify(BUSY), 200)
        return self.accepted()

    def test_settledOneGivesWayWithoutAnId(self) -> None:
        """A NOTIFY without an id is of the one that still waits, as long as the other has told its final status."""
        context = self.second()
        self.assertEqual(self.notify(), 200)
        self.assertEqual(context.status.statusCode, 100)
        self.assertEqual(self.notify(OK, "terminated;reason=noresource"), 200)
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 200)
        self.assertEqual(self.first.status.statusCode, 486)

    def test_settledOneIsNamedByItsId(self) -> None:
        """The end of the first subscription says nothing of the second."""
        context = self.second()
        ended = self.notify(BUSY, "terminated;reason=noresource", Event=f"refer;id={self.firstRefer.cseqNumber}")
        self.assertEqual((ended, context.status), (200, None))
        self.assertEqual(self.notify(OK, "terminated;reason=noresource"), 200)
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 200)

    def test_theFirstThatWaitsIsMeantWithoutAnId(self) -> None:
        """Both wait: it is of the first."""
        first = self.accepted()
        second = self.accepted()
        self.assertEqual(self.notify(BUSY, "terminated;reason=noresource"), 200)
        self.assertEqual((self.successResultOf(first.whenFinished()).statusCode, second.status), (486, None))
        self.assertEqual(
            self.notify(OK, "terminated;reason=noresource", Event=f"refer;id={self.refer.cseqNumber}"), 200
        )
        self.assertEqual(self.successResultOf(second.whenFinished()).statusCode, 200)
