"""
What the tests of our REFERs share: who is asked, what is told of it, and the NOTIFYs that come of it.
"""

from __future__ import annotations

from typing import Any

from tests.events.refer_case import CAROL, ReferCase

#: How a subscription ends that has done what it was for (RFC 3515 section 2.4.7).
OVER = "terminated;reason=noresource"
RINGING = "SIP/2.0 180 Ringing\r\n"
OK = "SIP/2.0 200 OK\r\n"
BUSY = "SIP/2.0 486 Busy Here\r\n"


class ReferringCase(ReferCase):
    """
    A call that stands, of ours or to us, and REFERs of ours in it.
    """

    def asks(self, **how: Any) -> Any:
        """A REFER that was accepted, and the Deferred of its outcome: C{self.outcome}."""
        context = self.accepted(**how)
        self.outcome = context.whenFinished()
        self.addCleanup(self.outcome.addErrback, lambda _: None)
        return context

    def requested(self) -> Any:
        """The context of the last REFER, as the delegate was told."""
        return [arguments[0] for name, arguments in self.notes.told if name == "referRequested"][-1]

    def codes(self, name: str) -> list[int | None]:
        """The statuses that were told as C{name}."""
        return [getattr(arguments[1], "statusCode", None) for told, arguments in self.notes.told if told == name]

    def assertStands(self) -> None:
        """The call goes on, and the peer heard nothing of an end."""
        self.pass_(1)
        self.assertIsNone(self.dialog.ended, self.network.ladder())
        self.assertEqual(self.count("BYE"), 0, self.network.ladder())
        self.assertEqual(self.final("INFO").statusCode, 200)

    def assertNothingLeft(self) -> None:
        """Once the call is over, and the last timers have run, nothing of ours is there any more."""
        if self.dialog.ended is None:
            self.assertEqual(self.final("BYE").statusCode, 200)
        self.pass_(70)
        self.assertEqual(self.userAgent.leftovers(), [], self.network.ladder())


__all__ = ["BUSY", "CAROL", "OK", "OVER", "RINGING", "ReferringCase"]
