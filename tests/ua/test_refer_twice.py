"""
Several REFERs in one dialog, and whose NOTIFY is whose (RFC 3515 section 2.4.6).
"""

from __future__ import annotations

from typing import Any

from tests.events.case import Recorder
from tests.events.refer_case import CAROL, TOLD, ReferCase
from twisted_sipdialog import ReferClientContext
from twisted_sipdialog.errors import DialogTerminated, InvalidState, ResponseError

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

    def test_overtakenOneGivesWayWithoutAnId(self) -> None:
        """The first was lost on its way, so that the second is the first that came: its NOTIFYs need no id."""
        self.refers()
        first, firstRefer = self.referring, self.refer
        second = self.accepted()
        self.assertEqual(self.notify(), 200)
        self.assertEqual(second.status.statusCode, 100)
        self.peer.respond(firstRefer, 500)
        self.pass_()
        self.failureResultOf(first, ResponseError)
        self.assertEqual(self.notify(OK, "terminated;reason=noresource"), 200)
        self.assertEqual(self.successResultOf(second.whenFinished()).statusCode, 200)


class RefusedAfterwardsTests(ReferCase):
    def test_oneEnd(self) -> None:
        """A NOTIFY told the outcome before the REFER was refused (RFC 6665 section 4.4.1): that was its end."""
        self.refers()
        self.assertEqual(self.notify(BUSY, "terminated;reason=noresource"), 200)
        self.peer.respond(self.refer, 500)
        self.pass_()
        self.failureResultOf(self.referring, ResponseError)
        self.assertEqual(self.told(), ["referRequested", "referRejected", "referNotifyReceived"])


class OverTests(ReferCase):
    def test_over(self) -> None:
        """In a call that is over nothing is sent, and both Deferreds say so."""
        self.calls(Recorder(*TOLD))
        context = ReferClientContext(self.dialog.userAgent, self.dialog, CAROL)
        finished = context.whenFinished()
        self.final("BYE")
        self.failureResultOf(context.refer(), DialogTerminated)
        self.failureResultOf(finished, DialogTerminated)
        self.assertRaises(InvalidState, context.refer)


class GivenUpTests(ReferCase):
    def test_refusedOnce(self) -> None:
        """
        The NOTIFY about one that was given up is refused, which ends its subscription (RFC 6665 section 4.2.2), though
        another waits; then they are that one's.
        """
        first = self.accepted()
        first.cancel()
        second = self.accepted()
        self.assertEqual(self.notify(OK, "terminated;reason=noresource"), 481)
        self.assertEqual((first.status, second.status), (None, None))
        self.assertEqual(self.notify(BUSY, "terminated;reason=noresource"), 200)
        self.assertEqual(self.successResultOf(second.whenFinished()).statusCode, 486)
