"""
What the stack does by itself, as docs/events.rst has it.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.events.case import ANSWER, OFFER, EventCase, Recorder, next_
from twisted_sipdialog import Reason
from twisted_sipdialog.errors import DialogTerminated, InvalidState, NoAck, NoPrack

RELIABLE = {"Supported": "100rel"}


class StackTests(EventCase):
    def test_retransmission(self) -> None:
        """RFC 3261 section 13.3.1.4: the 2xx is repeated until the ACK, for 64*T1 at most."""
        self.unacknowledged()
        self.pass_(2)
        answers = [m for m in self.peer.received if getattr(m, "statusCode", 0) == 200]
        self.assertEqual(len(answers), 3)
        self.pass_(31)
        self.failureResultOf(self.accepting, NoAck)
        self.answer("BYE")

    def test_cancel(self) -> None:
        """RFC 3261 section 9.2: 200 to the CANCEL, 487 to the INVITE; nobody goes on answering."""
        cancelled: list[Deferred[None]] = []
        waiting: Deferred[None] = Deferred(cancelled.append)
        app = Recorder("inviteCancelled", inviteReceived=lambda context: waiting)
        self.invite = self.peer.request("INVITE", self.agent(app), body=OFFER)
        self.pass_()
        cancel = self.peer.cancel(self.invite, headers={"Reason": 'SIP;cause=200;text="elsewhere"'})
        self.assertEqual(self.finalTo(self.invite).statusCode, 487)
        self.assertEqual(self.finalTo(cancel).statusCode, 200)
        self.assertEqual(cancelled, [waiting])
        context, request = app.only("inviteCancelled")
        self.assertIs(context.cancelled, request)
        self.assertIn("elsewhere", request.headers.get("reason"))
        self.assertRaises(InvalidState, context.accept, body=ANSWER)

    def test_inviteBeforeAck(self) -> None:
        """RFC 5407 section 3.1.3: a re-INVITE before the ACK is served, unless an offer is open."""
        self.unacknowledged()
        self.assertEqual(self.final("INVITE", body=OFFER).statusCode, 200)
        self.peer.ack(self.ok)
        self.pass_()
        self.unacknowledged(body=b"")
        self.assertEqual(self.final("INVITE", body=OFFER).statusCode, 491)
        self.peer.ack(self.ok, body=OFFER)
        self.pass_()
        self.assertEqual(self.successResultOf(self.accepting).state.value, "stable")

    def test_deadDialog(self) -> None:
        """RFC 3261 section 12.2.2: 481 to what belongs to no dialog, or to one that is over."""
        self.called()
        self.final("BYE")
        for method in ("INFO", "BYE", "INVITE", "UPDATE"):
            self.assertEqual(self.final(method).statusCode, 481)
        stray = self.peer.request("BYE", self.userAgent, headers={"To": "<sip:desk@b.example>;tag=none"})
        self.assertEqual(self.finalTo(stray).statusCode, 481)

    def test_sessionTimer(self) -> None:
        """RFC 4028 section 7.4: the refresher refreshes at half the time, a 491 only delays it."""
        dialog = self.calls(more={"Session-Expires": "90;refresher=uac", "Require": "timer", "Allow": "INVITE, UPDATE"})
        self.assertEqual((dialog.sessionTimer.seconds, dialog.sessionTimer.refresher), (90, "local"))
        self.pass_(44)
        self.assertEqual(self.count("UPDATE"), 0)
        self.answer("UPDATE", 491)
        self.answer("UPDATE", 200, Session_Expires="90;refresher=uac")
        self.pass_(60)
        self.assertIsNone(dialog.ended)

    def test_sessionRefreshFails(self) -> None:
        """RFC 4028 section 10: a refresh that is refused does not end the session; its time does."""
        dialog = self.calls(more={"Session-Expires": "90;refresher=uac", "Require": "timer", "Allow": "INVITE, UPDATE"})
        self.pass_(40)
        self.answer("UPDATE", 500, Retry_After="1000")
        self.assertIsNone(dialog.ended)
        self.answer("BYE")
        self.assertEqual(dialog.ended.reason, Reason.SESSION_EXPIRED)

    def test_reliable(self) -> None:
        """RFC 3262 section 3: repeated until its PRACK, with which progress() fires."""
        context = self.ring(headers=RELIABLE)
        ringing = context.progress(183, reliable=True, body=ANSWER)
        first = self.peer.expect("183 INVITE")
        self.assertEqual(first.headers.get("require"), "100rel")
        again = self.peer.expect("183 INVITE")
        rseq = first.headers.get("rseq")
        self.assertEqual(again.headers.get("rseq"), rseq)
        self.assertNoResult(ringing)
        rack = {"RAck": f"{rseq} {first.cseqNumber} INVITE"}
        self.assertEqual(self.final("PRACK", within=first, headers=rack).statusCode, 200)
        self.assertEqual(self.successResultOf(ringing).method, "PRACK")
        context.accept()
        self.assertEqual(self.finalTo(self.invite).statusCode, 200)

    def test_noPrack(self) -> None:
        """RFC 3262 section 3: none in 64*T1: the INVITE is refused."""
        context = self.ring(headers=RELIABLE)
        ringing = context.progress(reliable=True)
        self.pass_(33)
        self.failureResultOf(ringing, NoPrack)
        self.assertEqual(self.finalTo(self.invite).statusCode, 504)
        _, ended = self.app.only("dialogTerminated")
        self.assertEqual(ended.reason, Reason.NO_PRACK)

    def test_prack(self) -> None:
        """RFC 3262 section 4: a reliable provisional gets its PRACK, once, and the application hears of it once."""
        notes = Recorder("progressReceived", "dialogEarly")
        self.calling(notes)
        reliably = {"Require": "100rel", "RSeq": "17"}
        for _ in range(2):
            self.peer.respond(self.invite, 183, headers=reliably, body=OFFER)
            self.pass_()
        prack = self.answer("PRACK")
        self.assertEqual(prack.headers.get("rack"), f"17 {self.invite.cseqNumber} INVITE")
        self.assertEqual((self.count("PRACK"), sorted(notes.names)), (1, ["dialogEarly", "progressReceived"]))
        (dialog,) = notes.only("dialogEarly")
        self.assertEqual(dialog.remote.sdp, OFFER)
        self.peer.respond(self.invite, 200)
        self.assertEqual(self.peer.expect("ACK").cseqNumber, self.invite.cseqNumber)
        self.assertIs(self.successResultOf(self.answering), dialog)

    def test_trying(self) -> None:
        """RFC 3261 section 17.2.1: 100 where nothing else was sent within 200 ms."""
        context = self.ring()
        self.pass_(0.3)
        self.assertEqual([m.statusCode for m in self.peer.received], [100])
        context.reject(486)
        self.finalTo(self.invite)

    def test_secondFinal(self) -> None:
        """A second final response raises, and nothing is sent."""
        context = self.ring()
        context.reject(486)
        self.finalTo(self.invite)
        for verb in (context.reject, context.accept, context.progress):
            self.assertRaises(InvalidState, verb)
        self.pass_(1)
        self.assertEqual([m.statusCode for m in self.peer.received], [486])

    def test_earlyDialogs(self) -> None:
        """RFC 3261 section 12.1.2: one for each To tag; the answer of one ends the others."""
        self.calling(Recorder("dialogEarly", "dialogTerminated"))
        for tag in ("one", "two"):
            self.peer.respond(self.invite, 180, headers={"To": f"<{self.invite.uriText}>;tag={tag}"})
        self.pass_()
        self.assertEqual([d.sip.remoteTag for d in self.userAgent.dialogs], ["one", "two"])
        self.peer.respond(self.invite, 200, headers={"To": f"<{self.invite.uriText}>;tag=two"}, body=OFFER)
        self.pass_()
        self.assertEqual(self.successResultOf(self.answering).sip.remoteTag, "two")
        _, ended = self.notes.only("dialogTerminated")
        self.assertEqual(ended.reason, Reason.OTHER_FORK)

    def test_flowLost(self) -> None:
        """A lost connection ends no call, unless the peer can be reached by no other (RFC 7118, RFC 5626)."""
        for contact, ends in ((None, False), ("<sip:peer@df7jal23ls0d.invalid;transport=tcp>", True)):
            self.peer = type(self.peer)(self.network)
            app = Recorder("dialogTerminated", inviteReceived=lambda context: context.accept(body=ANSWER) and None)
            agent = self.agent(app)
            headers = {"Contact": contact} if contact else {}
            self.peer.request("INVITE", agent, protocol="TCP", body=OFFER, headers=headers)
            self.peer.ack(self.peer.expect("200 INVITE"))
            self.pass_()
            self.peer.disconnect()
            self.pass_(10)
            self.assertEqual("dialogTerminated" in app.names, ends)
            if ends:
                self.assertEqual(app.only("dialogTerminated")[1].reason, Reason.FLOW_LOST)

    def test_serviceStops(self) -> None:
        """Every call is ended by BYE, and told: nothing is left."""
        self.called(Recorder("dialogTerminated"))
        stopping = self.userAgent.stopService()
        self.answer("BYE")
        self.pass_(10)
        self.successResultOf(stopping)
        self.assertEqual((self.notes.names, self.userAgent.leftovers()), (["dialogTerminated"], []))

    def test_lateReinvite(self) -> None:
        """A re-INVITE of ours that the end overtook: no new one is sent, nothing is logged as unhandled."""
        dialog = self.called()
        changing = dialog.modify("hold")
        invite = self.peer.expect("INVITE")
        dialog.destroy()
        self.failureResultOf(changing, DialogTerminated)
        self.failureResultOf(dialog.modify("unhold"), DialogTerminated)
        self.peer.respond(invite, 200, body=next_(OFFER))
        self.answer("BYE")
        self.assertEqual(self.count("INVITE"), 1)
