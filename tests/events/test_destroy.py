"""
The end of a call by ourselves, as docs/events.rst has it.
"""

from __future__ import annotations

from tests.events.case import EventCase, Recorder
from twisted_sipdialog import Credentials, Reason
from twisted_sipdialog.errors import DialogTerminated, TransportError


class DestroyTests(EventCase):
    def test_fires(self) -> None:
        """It fires with the BYE that was sent, once any final response is here."""
        for code in (200, 408, 481, 500):
            dialog = self.called()
            done = dialog.destroy()
            bye = self.peer.expect("BYE")
            self.assertNoResult(done)
            self.peer.respond(bye, code)
            self.pass_()
            sent = self.successResultOf(done)
            self.assertEqual((sent.method, sent.cseqNumber), ("BYE", bye.cseqNumber))
            self.assertEqual((dialog.state.value, self.userAgent.dialogs), ("terminated", []))

    def test_headers(self) -> None:
        """Headers of the application are in the BYE, and a reason is its Reason (RFC 3326)."""
        self.calls().destroy(extraHeaders=[("X-Why", "done")], reason="lunch")
        bye = self.answer("BYE")
        self.assertEqual(bye.headers.get("x-why"), "done")
        self.assertIn('text="lunch"', bye.headers.get("reason") or "")

    def test_credentials(self) -> None:
        """A 401 to the BYE is answered (RFC 3261 section 22), with a new CSeq."""
        dialog = self.called(credentials=[Credentials("desk", "secret", "b.example")])
        done = dialog.destroy()
        bye = self.challenge("BYE")
        self.assertNoResult(done)
        self.peer.respond(bye, 200)
        self.pass_()
        self.assertEqual(self.successResultOf(done).cseqNumber, bye.cseqNumber)

    def test_provisional(self) -> None:
        """A provisional response to the BYE ends nothing."""
        dialog = self.calls()
        done = dialog.destroy()
        bye = self.peer.expect("BYE")
        self.peer.respond(bye, 100)
        self.pass_()
        self.assertNoResult(done)
        self.assertIsNone(dialog.ended)
        self.peer.respond(bye, 200)
        self.pass_()
        self.assertEqual(self.successResultOf(done).method, "BYE")

    def test_order(self) -> None:
        """Who hears of the end finds it done: state, registry, times."""
        seen = []

        def dialogTerminated(dialog, ended):
            seen.append((dialog.state.value, dialog.ended is ended, self.userAgent.dialogs, dialog.times.end is None))

        dialog = self.calls(Recorder(dialogTerminated=dialogTerminated))
        dialog.destroy().addCallback(lambda _: seen.append("fired"))
        self.answer("BYE")
        self.assertEqual(seen, [("terminated", True, [], False), "fired"])

    def test_unsendable(self) -> None:
        """What kept the BYE from being sent is the failure, and the dialog is over all the same."""
        notes = Recorder("dialogTerminated")
        dialog = self.called(notes, headers={"Contact": "<sip:peer@nowhere.example>"})
        done = dialog.destroy()
        self.pass_(1)
        self.failureResultOf(done, TransportError)
        self.assertEqual(notes.names, ["dialogTerminated"])
        self.assertEqual(self.userAgent.dialogs, [])

    def test_isTold(self) -> None:
        """The end by ourselves is told, too: once, and as ours."""
        dialog = self.calls(Recorder("dialogTerminated"))
        dialog.destroy()
        self.answer("BYE")
        _, ended = self.notes.only("dialogTerminated")
        self.assertEqual((ended.reason, ended.byPeer), (Reason.LOCAL_BYE, False))

    def test_twice(self) -> None:
        """Asked again it sends nothing, and gives the same outcome."""
        dialog = self.calls()
        first, second = dialog.destroy(), dialog.destroy()
        self.answer("BYE")
        self.pass_(40)
        self.assertEqual(self.count("BYE"), 1)
        sent = self.successResultOf(first)
        for done in (second, dialog.destroy(), dialog.terminate()):
            self.assertIs(self.successResultOf(done), sent)

    def test_beforeAck(self) -> None:
        """RFC 3261 section 15: the callee sends no BYE before the ACK, or 64*T1."""
        dialog = self.unacknowledged()
        done = dialog.destroy()
        self.pass_(5)
        self.assertEqual(self.count("BYE"), 0)
        self.peer.ack(self.ok)
        self.answer("BYE")
        self.assertEqual(self.successResultOf(done).method, "BYE")

    def test_queue(self) -> None:
        """What waits in the queue of modify() fails."""
        dialog = self.calls()
        first, second = dialog.modify("hold"), dialog.modify("inactive")
        invite = self.peer.expect("INVITE")
        dialog.destroy()
        for waiting in (first, second):
            self.failureResultOf(waiting, DialogTerminated)
        self.answer("BYE")
        self.peer.respond(invite, 487)
        self.pass_()
        self.assertEqual(self.count("INVITE"), 2)

    def test_stateChange(self) -> None:
        """RFC 4235 section 3.7.1: the user agent's delegate is told the call's last state."""
        app = Recorder("dialogStateChanged")
        dialog = self.calls(delegate=app)
        dialog.destroy()
        self.answer("BYE")
        self.assertEqual([change.state for _, (change,) in app.told], ["trying", "confirmed", "terminated"])
        self.assertEqual(app.told[-1][1][0].event, "local-bye")
