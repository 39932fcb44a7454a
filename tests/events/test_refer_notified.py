"""
SIP.js's ReferClientContext, as docs/events.rst has it: the NOTIFYs.
"""

from __future__ import annotations

from tests.events.refer_case import ReferCase
from twisted_sipdialog import Reason
from twisted_sipdialog.errors import ReferFailed


class NotifiedTests(ReferCase):
    def test_event(self) -> None:
        """Event: refer, with an id or without; any other is the delegate's, or refused."""
        context = self.accepted()
        self.assertEqual(self.notify(Event=f"refer;id={self.refer.cseqNumber}"), 200)
        self.assertEqual(self.notify(), 200)
        self.assertEqual(self.notify(Event="presence"), 481)
        self.assertEqual(self.notify(Event="refer;id=77"), 481)
        context.cancel()

    def test_type(self) -> None:
        """A body of another type: 415, and nothing is told; garbage: 400."""
        context = self.accepted()
        self.assertEqual(self.notify("hello", **{"Content-Type": "text/plain"}), 415)
        self.assertEqual(self.notify("hello"), 400)
        self.assertNotIn("referProgress", self.told())
        context.cancel()

    def test_lenient(self) -> None:
        """Any reason phrase, any version, further lines, any line end."""
        for body in (
            *("SIP/2.0 486 Busy Here\r\n", "SIP/2.0 486 Busy Here", "SIP/2.0 486 Busy Here\n", "SIP/2.0 486\r\n"),
            "SIP/2.0 486 Busy Here\r\nContact: <sip:x@y>\r\nReason: SIP;cause=486\r\n\r\n",
        ):
            context = self.accepted()
            kind = "message/sipfrag;version=2.0" if "Contact" in body else "message/sipfrag"
            self.assertEqual(self.notify(body, "terminated;reason=noresource", **{"Content-Type": kind}), 200, body)
            self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 486, body)

    def test_progress(self) -> None:
        """A provisional status is told as such."""
        context = self.accepted()
        self.notify("SIP/2.0 180 Ringing\r\n")
        told, status = self.notes.only("referProgress")
        self.assertEqual((told, status.statusCode, status.reasonPhrase), (context, 180, "Ringing"))
        context.cancel()

    def test_accepted(self) -> None:
        """A success ends the old call, after the NOTIFY was answered."""
        context = self.accepted()
        self.network.clearSeen()
        self.notify("SIP/2.0 200 OK\r\n", "terminated;reason=noresource")
        self.answer("BYE")
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 200)
        self.assertEqual(self.network.seenBy(self.userAgent)[:3], ["< NOTIFY", "> 200 NOTIFY", "> BYE"])
        self.assertEqual(self.notes.only("dialogTerminated")[1].reason, Reason.LOCAL_BYE)
        self.assertIn("referAccepted", self.told())

    def test_activeAfterTransfer(self) -> None:
        """The old call stays where the application wants it so."""
        context = self.accepted(activeAfterTransfer=True)
        self.notify("SIP/2.0 200 OK\r\n", "terminated;reason=noresource")
        self.pass_(1)
        self.assertEqual((self.successResultOf(context.whenFinished()).statusCode, self.count("BYE")), (200, 0))

    def test_rejected(self) -> None:
        """A failure leaves the old call as it was."""
        context = self.accepted()
        self.notify("SIP/2.0 486 Busy Here\r\n", "terminated;reason=noresource")
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 486)
        self.assertEqual(self.notes.only("referRejected")[1].reasonPhrase, "Busy Here")
        self.assertIsNone(self.dialog.ended)

    def test_notify(self) -> None:
        """Each NOTIFY is told as it came, last."""
        context = self.accepted()
        self.notify()
        self.assertEqual(self.told()[-2:], ["referProgress", "referNotifyReceived"])
        self.assertEqual(self.notes.only("referNotifyReceived")[1].body, b"SIP/2.0 100 Trying\r\n")
        context.cancel()

    def test_ended(self) -> None:
        """A subscription that ends without a final status ends the wait."""
        context = self.accepted()
        self.notify(state="terminated;reason=timeout")
        failure = self.failureResultOf(context.whenFinished(), ReferFailed)
        self.assertEqual(failure.value.status.statusCode, 100)
        self.assertIn("referRejected", self.told())
        self.assertIsNone(self.dialog.ended)

    def test_never(self) -> None:
        """So does silence, after 64*T1 (RFC 6665 timer N)."""
        context = self.accepted()
        waiting = context.whenFinished()
        self.pass_(31.5)
        self.assertNoResult(waiting)
        self.pass_(0.6)
        self.failureResultOf(waiting, ReferFailed)

    def test_afterBye(self) -> None:
        """NOTIFYs are taken when the call is over already."""
        context = self.accepted()
        self.final("BYE")
        self.assertEqual(self.notify("SIP/2.0 200 OK\r\n", "terminated;reason=noresource"), 200)
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 200)
        self.assertEqual(self.notify(), 481)

    def test_notAt202(self) -> None:
        """The 202 alone ends no call."""
        context = self.accepted()
        self.pass_(1)
        self.assertEqual((self.count("BYE"), self.dialog.ended), (0, None))
        context.cancel()
