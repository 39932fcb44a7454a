"""
What the tests of REFER in docs/events.rst share.
"""

from __future__ import annotations

from typing import Any

from tests.events.case import ANSWER, EventCase, Recorder
from twisted_sipdialog.testing import ScriptedPeer

CAROL = "sip:carol@peer2.example"
#: What an application hears of a REFER.
TOLD = (
    *("referRequested", "referRequestProgress", "referRequestAccepted", "referRequestRejected", "referInviteSent"),
    *("referProgress", "referAccepted", "referRejected", "referNotifyReceived", "dialogTerminated"),
)


class ReferCase(EventCase):
    """
    A REFER of ours, whose receiver is the scripted peer; or one of the peer, about a second one.
    """

    def setUp(self) -> None:
        super().setUp()
        self.carol = ScriptedPeer(self.network)

    # Ours.

    def refers(self, target: Any = CAROL, **how: Any) -> Any:
        """A REFER of ours in a call that stands: the Deferred of its context; C{self.refer} is the REFER."""
        if not hasattr(self, "dialog"):
            self.calls(Recorder(*TOLD))
        self.referring = self.dialog.refer(target, **how)
        self.addCleanup(self.referring.addErrback, lambda _: None)
        self.refer = self.peer.expect("REFER")
        return self.referring

    def accepted(self, target: Any = CAROL, **how: Any) -> Any:
        """One that was accepted: its context."""
        self.refers(target, **how)
        self.peer.respond(self.refer, 202)
        self.pass_()
        return self.successResultOf(self.referring)

    def notify(self, body: bytes | str = "SIP/2.0 100 Trying\r\n", state: str = "active", **headers: str) -> int:
        """A NOTIFY of the peer; the status of our answer."""
        lines = {"Event": "refer", "Subscription-State": state, "Content-Type": "message/sipfrag", **headers}
        text = body.encode() if isinstance(body, str) else body
        status: int = self.final("NOTIFY", headers=lines, body=text).statusCode
        return status

    def told(self) -> list[str]:
        """What was told of it."""
        return [name for name in self.notes.names if name.startswith("refer")]

    # The peer's.

    def isReferred(self, to: str = f"<{CAROL}>", notes: Any = None, headers: Any = None, **settings: Any) -> Any:
        """A REFER of the peer in a call of ours: our final answer."""
        if not hasattr(self, "dialog"):
            self.calls(notes or Recorder(*TOLD), **settings)
        return self.final("REFER", headers={"Refer-To": to, **(headers or {})})

    def asked(self, to: str = f"<{CAROL}>", headers: Any = None, **settings: Any) -> Any:
        """A REFER of the peer that the application has yet to answer: its context."""
        notes = Recorder(*TOLD, referReceived=lambda context: context.answerLater())
        self.calls(notes, **settings)
        self.request = self.peer.request("REFER", within=self.within, headers={"Refer-To": to, **(headers or {})})
        self.pass_()
        (context,) = notes.only("referReceived")
        return context

    def invited(self, code: int | None = 200, **how: Any) -> Any:
        """The INVITE that follows, which carol answers with C{code}."""
        invite = self.carol.expect("INVITE")
        if code is not None:
            self.carol.respond(invite, code, body=ANSWER if code == 200 else b"", **how)
            self.carol.expect("ACK") if code >= 200 else None
            self.pass_()
        return invite

    def notified(self) -> Any:
        """The next NOTIFY of ours, answered."""
        return self.answer("NOTIFY")

    def statuses(self, *codes: int) -> None:
        """The next NOTIFYs of ours tell C{codes}."""
        for code in codes:
            self.assertEqual(self.notified().body.split()[1], b"%d" % code)
