"""
SIP.js, an INVITE with Replaces: each row of "Replaces as its receiver" in docs/events.rst.
"""

from __future__ import annotations

from typing import Any

from tests.events.case import ANSWER, OFFER, EventCase, Recorder
from twisted_sipdialog import Reason
from twisted_sipdialog.message import Request
from twisted_sipdialog.testing import ScriptedPeer


class ReplacesTests(EventCase):
    def setUp(self) -> None:
        super().setUp()
        self.carol = ScriptedPeer(self.network, "carol.example")

    def replaces(self, more: str = "", **other: str) -> Request:
        """Carol's INVITE, which names the call there is but for what C{other} says."""
        sip = self.dialog.sip
        named = {"call": sip.callId, "own": sip.localTag, "peers": sip.remoteTag, **other}
        value = f"{named['call']};to-tag={named['own']};from-tag={named['peers']}{more}"
        invite = self.carol.request("INVITE", self.userAgent, headers={"Replaces": value}, body=OFFER)
        self.pass_()
        return invite

    def accepts(self, context: Any) -> None:
        """What the application says to the next call."""
        context.accept(body=ANSWER)

    def statuses(self) -> list[int]:
        """The final responses that Carol got; she acknowledges the last."""
        finals = [m for m in self.carol.received if not isinstance(m, Request) and m.statusCode >= 200]
        self.carol.ack(finals[-1])
        self.pass_()
        return [final.statusCode for final in finals]

    def test_option(self) -> None:
        """By default such a call is one; off, it is as any other."""
        self.called(replaces="off")
        self.assertNotIn("replaces", self.ok.headers.elements("supported"))
        self.app.inviteReceived = self.accepts
        self.replaces()
        self.assertEqual((self.statuses(), self.count("BYE")), ([200], 0))
        self.called()
        self.assertIn("replaces", self.ok.headers.elements("supported"))

    def test_replacee(self) -> None:
        """The application sees whose place it is, and decides."""

        def inviteReceived(context: Any) -> None:
            seen.append(context.replacee)
            context.reject(486)

        seen: list[Any] = []
        dialog = self.called()
        self.app.inviteReceived = inviteReceived
        self.replaces()
        self.assertEqual((self.statuses(), seen, self.count("BYE")), ([486], [dialog], 0))

    def test_key(self) -> None:
        """To-tag is ours, from-tag the peer's, also where we called."""
        dialog = self.calls(delegate=Recorder(inviteReceived=self.accepts))
        self.replaces(own=dialog.sip.remoteTag, peers=dialog.sip.localTag)
        self.assertEqual(self.statuses(), [481])
        self.replaces()
        self.assertEqual(self.statuses(), [481, 200])
        self.answer("BYE")

    def test_noDialog(self) -> None:
        """No such dialog: 481, and the application is not asked."""
        self.called()
        for other in ({"call": "other"}, {"own": "other"}, {"peers": "other"}):
            self.replaces(**other)
        self.assertEqual((self.statuses(), self.app.names.count("inviteReceived")), ([481] * 3, 1))

    def test_terminated(self) -> None:
        """Terminated, but for the answer to the BYE: 603; forgotten: 481."""
        self.called().destroy()
        self.replaces()
        self.answer("BYE")
        self.replaces()
        self.assertEqual(self.statuses(), [603, 481])

    def test_earlyOnly(self) -> None:
        """A call that stands is not wanted with early-only: 486."""
        self.called()
        self.replaces(";early-only")
        self.assertEqual((self.statuses(), self.count("BYE")), ([486], 0))

    def test_replaced(self) -> None:
        """The old call's delegate is told of the new one, and before its end."""
        dialog = self.called(Recorder("dialogReplaced", "dialogTerminated"))
        self.app.inviteReceived = self.accepts
        self.replaces()
        self.answer("BYE")
        self.assertEqual(self.statuses(), [200])
        self.assertEqual(self.notes.names, ["dialogReplaced", "dialogTerminated"])
        (new,) = self.userAgent.dialogs
        self.assertEqual(self.notes.only("dialogReplaced"), (dialog, new))

    def test_ends(self) -> None:
        """BYE where the call stands, CANCEL where it does not yet; either has its reason."""
        dialog = self.called()
        self.app.inviteReceived = self.accepts
        self.replaces()
        self.answer("BYE")
        self.assertEqual((self.statuses(), dialog.ended.reason), ([200], Reason.REPLACED))
        self.calling(delegate=Recorder(inviteReceived=self.accepts))
        self.peer.respond(self.invite, 180)
        self.pass_()
        (self.dialog,) = self.userAgent.dialogs
        self.replaces()
        self.answer("CANCEL")
        self.peer.respond(self.invite, 487)
        self.pass_()
        self.assertEqual((self.statuses(), self.dialog.ended.reason), ([200, 200], Reason.REPLACED))
        self.assertEqual(self.count("BYE"), 1)
