"""
What became of the dialog middleware, as docs/events.rst has it.
"""

from __future__ import annotations

from tests.events.case import ANSWER, OFFER, EventCase, Recorder
from twisted_sipdialog import Phase, Reason


class SipDialogTests(EventCase):
    def test_withoutHeaders(self) -> None:
        """A provisional needs no headers of the application, and makes the early dialog."""
        context = self.ring()
        self.assertIsNone(context.dialog)
        self.successResultOf(context.progress(180))
        self.assertEqual(context.dialog.state, Phase.EARLY)
        self.assertIsNotNone(self.peer.expect("180 INVITE").toTag)
        context.reject(486)
        self.finalTo(self.invite)

    def test_sameDialog(self) -> None:
        """One object from the first reliable provisional to the end."""
        context = self.ring(headers={"Supported": "100rel"})
        context.progress(reliable=True, body=ANSWER)
        early = self.peer.expect("180 INVITE")
        dialog = context.dialog
        dialog.data["kept"] = True
        rack = {"RAck": f"{early.headers.get('rseq')} {early.cseqNumber} INVITE"}
        self.final("PRACK", within=early, headers=rack)
        accepting = context.accept()
        self.within = self.finalTo(self.invite)
        self.assertIs(self.successResultOf(accepting), dialog)
        self.assertEqual((dialog.data["kept"], self.userAgent.dialogs), (True, [dialog]))

    def test_ofTheRequest(self) -> None:
        """A request within the call comes with its dialog."""
        notes = Recorder(infoReceived=lambda context: context.accept() and None)
        dialog = self.called(notes)
        self.final("INFO")
        (context,) = notes.only("infoReceived")
        self.assertIs(context.dialog, dialog)

    def test_create(self) -> None:
        """It stands at the ACK: stable, and told once, in either role."""
        dialog = self.unacknowledged(Recorder("dialogConfirmed"))
        self.assertEqual((dialog.state, self.notes.names), (Phase.PENDING, []))
        self.peer.ack(self.ok)
        self.pass_()
        self.assertEqual((dialog.state, self.notes.told), (Phase.STABLE, [("dialogConfirmed", (dialog,))]))
        dialog = self.calls(Recorder("dialogConfirmed"))
        self.assertEqual(self.notes.told, [("dialogConfirmed", (dialog,))])

    def test_createEarly(self) -> None:
        """The early dialog is told once; each PRACK is told for itself."""
        context = self.ring(headers={"Supported": "100rel"})
        self.app.prackReceived = lambda *arguments: self.app.told.append(("prackReceived", arguments))
        for code in (180, 183):
            context.progress(code, reliable=True)
            ringing = self.peer.expect(code)
            rack = {"RAck": f"{ringing.headers.get('rseq')} {ringing.cseqNumber} INVITE"}
            self.final("PRACK", within=ringing, headers=rack)
        self.assertEqual(self.app.names[1:], ["dialogEarly", "prackReceived", "prackReceived"])
        self.assertEqual(self.app.only("dialogEarly"), (context.dialog,))
        context.reject(486)
        self.finalTo(self.invite)

    def test_connectTime(self) -> None:
        """A PRACK is no answer: it sets no time of connection."""
        context = self.ring(headers={"Supported": "100rel"})
        context.progress(reliable=True)
        ringing = self.peer.expect("180 INVITE")
        self.final("PRACK", within=ringing, headers={"RAck": f"{ringing.headers.get('rseq')} 1 INVITE"})
        self.assertEqual((context.dialog.times.connect, context.dialog.state), (None, Phase.EARLY))
        context.accept(body=ANSWER)
        self.pass_(3)
        self.within = self.finalTo(self.invite)
        times = context.dialog.times
        self.assertEqual(round(times.connect - times.start), 3)

    def test_farEnd(self) -> None:
        """A BYE of the peer ends it, with the original's words."""
        dialog = self.called(Recorder("dialogTerminated"))
        self.final("BYE")
        told, ended = self.notes.only("dialogTerminated")
        self.assertEqual((told, ended.reason.text), (dialog, "normal far end release"))
        self.assertIsNotNone(dialog.times.end)

    def test_nearEnd(self) -> None:
        """So does one of ours."""
        dialog = self.called(Recorder("dialogTerminated"))
        dialog.terminate()
        self.answer("BYE")
        _, ended = self.notes.only("dialogTerminated")
        self.assertEqual(ended.reason.text, "normal near end release")
        self.assertIsNotNone(dialog.times.end)

    def test_byeTwice(self) -> None:
        """A second BYE finds no dialog."""
        self.called(Recorder("dialogTerminated"))
        self.assertEqual([self.final("BYE").statusCode for _ in range(2)], [200, 481])
        self.assertEqual(self.notes.names, ["dialogTerminated"])

    def assertEnds(self, reason):
        dialog, ended = self.app.only("dialogTerminated")
        self.assertEqual((ended.reason, self.userAgent.dialogs), (reason, []))
        self.assertIsNotNone(dialog.times.end)

    def test_cancelled(self) -> None:
        """A CANCEL ends the early dialog."""
        self.ring().progress()
        self.peer.cancel(self.invite)
        self.finalTo(self.invite)
        self.assertEnds(Reason.REMOTE_CANCEL)

    def test_rejected(self) -> None:
        """So does a refusal, of ours or of the peer."""
        context = self.ring()
        context.progress()
        context.reject(486)
        self.finalTo(self.invite)
        self.assertEnds(Reason.REJECTED)
        calling = self.calling(Recorder("dialogTerminated"))
        self.peer.respond(self.invite, 180)
        self.peer.respond(self.invite, 603)
        self.pass_()
        self.failureResultOf(calling)
        _, ended = self.notes.only("dialogTerminated")
        self.assertEqual((ended.reason, ended.message.statusCode), (Reason.REJECTED, 603))

    def test_neverAcknowledged(self) -> None:
        """And an ACK that never comes."""
        self.unacknowledged()
        self.pass_(32)
        self.answer("BYE")
        self.assertEnds(Reason.ACK_TIMEOUT)

    def test_terminate(self) -> None:
        """C{terminate()} is C{destroy()}: it fires when the BYE was answered; twice is once."""
        dialog = self.calls()
        first, second = dialog.terminate(reason="over"), dialog.terminate()
        self.assertIn("over", self.answer("BYE").headers.get("reason"))
        self.assertIs(self.successResultOf(first), self.successResultOf(second))
        self.assertEqual(self.count("BYE"), 1)

    def test_isTold(self) -> None:
        """The user agent's delegate is told of all its calls, whatever delegates these have of their own."""
        app = Recorder("dialogEarly", "dialogConfirmed", "dialogTerminated")
        calling = self.calling(Recorder(), delegate=app)
        self.peer.respond(self.invite, 180)
        self.peer.respond(self.invite, 200, body=OFFER)
        self.pass_()
        dialog = self.successResultOf(calling)
        self.final("BYE")
        self.assertEqual(app.names, ["dialogEarly", "dialogConfirmed", "dialogTerminated"])
        self.assertEqual({id(arguments[0]) for _, arguments in app.told}, {id(dialog)})

    def test_subject(self) -> None:
        """What is told comes with the dialog, which has the messages and the application's data; nothing is delayed."""
        seen = []

        def dialogEarly(dialog):
            seen.append((dialog.state, dialog.req.method, dialog.res.statusCode, dialog.data))

        context = self.ring()
        self.app.dialogEarly = dialogEarly
        context.data["n"] = 1
        context.progress(183)
        self.assertEqual(seen, [(Phase.EARLY, "INVITE", 183, {"n": 1})])
        context.reject(486)
        self.finalTo(self.invite)

    def test_answerEarly(self) -> None:
        """The call can be answered from within dialogEarly()."""
        context = self.ring()
        self.app.dialogEarly = lambda dialog: context.accept(body=ANSWER)
        context.progress()
        self.within = self.finalTo(self.invite)
        self.assertEqual((self.within.statusCode, context.dialog.state), (200, Phase.STABLE))
