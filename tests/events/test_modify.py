"""
Changes of the session by ourselves, as docs/events.rst has them.
"""

from __future__ import annotations

from tests.events.case import ANSWER, OFFER, VIDEO, EventCase, Recorder, next_
from twisted_sipdialog import Credentials, Reason
from twisted_sipdialog.errors import DialogTerminated, InvalidState, InvalidValue, ResponseError

NEXT = next_(OFFER, (b"4000", b"4010"))
OURS = ANSWER.replace(b"6000", b"6010").replace(b"- 7 7", b"- 7 8")


class ModifyTests(EventCase):
    def test_fires(self) -> None:
        """It fires with the peer's answer, which is in force then."""
        dialog = self.calls()
        changing = dialog.modify(OURS)
        invite = self.answer("INVITE", body=NEXT)
        self.assertEqual(self.successResultOf(changing), NEXT)
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (invite.body, NEXT))
        self.peer.expect("ACK")

    def test_afterTheEnd(self) -> None:
        """Nothing is changed in a call that is over."""
        dialog = self.called()
        self.final("BYE")
        self.failureResultOf(dialog.modify(OURS), DialogTerminated)
        self.assertEqual(self.count("INVITE"), 0)

    def test_queue(self) -> None:
        """One at a time, in order; the next goes out when the ACK of the one before is sent."""
        dialog = self.calls()
        changes = [dialog.modify(direction) for direction in ("sendonly", "inactive", "sendrecv")]
        for direction in (b"sendonly", b"inactive", b"sendrecv"):
            self.assertIn(b"a=" + direction, self.answer("INVITE", body=NEXT).body)
            self.peer.expect("ACK")
        for changing in changes:
            self.successResultOf(changing)

    def test_diesWaiting(self) -> None:
        """The call ends while one waits: it fails with how it ended."""
        dialog = self.calls()
        first, second = dialog.modify("hold"), dialog.modify("unhold")
        invite = self.peer.expect("INVITE")
        self.final("BYE")
        self.peer.respond(invite, 487)
        self.pass_()
        for changing in (first, second):
            failed = self.failureResultOf(changing)
            if changing is first:
                failed.trap(DialogTerminated)
                self.assertIs(failed.value.ended, dialog.ended)

    def test_hold(self) -> None:
        """RFC 3264 section 8.4: every one of the media is held, in a description one version on."""
        two = ANSWER + b"m=audio 6004 RTP/AVP 8\r\n"
        context = self.ring(body=OFFER + b"m=audio 4004 RTP/AVP 8\r\n")
        context.accept(body=two)
        self.within = self.peer.expect("200 INVITE")
        self.peer.ack(self.within)
        self.pass_()
        context.dialog.modify("hold")
        offered = self.peer.expect("INVITE").body
        self.assertEqual(offered.count(b"a=sendonly"), 2)
        self.assertIn(b"o=- 7 8 IN", offered)

    def test_unhold(self) -> None:
        """The end of the hold is the original again."""
        dialog = self.calls()
        dialog.modify("hold")
        self.answer("INVITE", body=NEXT.replace(b"sendrecv", b"recvonly"))
        self.assertTrue(dialog.onHold)
        resuming = dialog.modify("unhold")
        invite = self.answer("INVITE", body=NEXT.replace(b"- 1 2", b"- 1 3"))
        self.successResultOf(resuming)
        self.assertIn(b"a=sendrecv", invite.body)
        self.assertFalse(dialog.onHold)

    def test_nothingHeld(self) -> None:
        """There is nothing to take up again."""
        dialog = self.calls()
        self.failureResultOf(dialog.modify("unhold"), InvalidState)
        self.assertEqual(self.count("INVITE"), 1)

    def test_holdRefused(self) -> None:
        """A refused hold leaves everything as it was, and holds nobody up."""
        dialog = self.calls()
        before = dialog.local.sdp
        holding = dialog.modify("hold")
        self.assertFalse(dialog.onHold)
        self.answer("INVITE", 488)
        self.failureResultOf(holding, ResponseError)
        self.assertEqual((dialog.onHold, dialog.local.sdp), (False, before))
        self.assertIn(b"a=sendrecv", self.final("INVITE", body=next_(OFFER)).body)

    def test_sdp(self) -> None:
        """An offer of the application goes out, and one that is nothing at all does not."""
        dialog = self.calls()
        dialog.modify(OURS)
        self.assertEqual(self.answer("INVITE", body=NEXT).body, OURS)
        for wrong in (b"", "freeze", 7):
            self.assertRaises(InvalidValue, dialog.modify, wrong)

    def test_headers(self) -> None:
        """Headers of the application, and a Contact of ours."""
        dialog = self.calls()
        dialog.modify("hold", extraHeaders=[("X-Why", "music")])
        invite = self.answer("INVITE", body=NEXT)
        self.assertEqual(invite.headers.get("x-why"), "music")
        self.assertEqual(invite.headers.get("contact"), dialog.local.contact)
        self.assertRaises(InvalidValue, dialog.modify, "hold", [("Contact", "<sip:me@a.example>")])

    def test_credentials(self) -> None:
        """A 401 to the re-INVITE is answered."""
        dialog = self.calls(credentials=[Credentials("desk", "secret", "b.example")])
        changing = dialog.modify(OURS)
        invite = self.challenge("INVITE")
        self.peer.respond(invite, 200, body=NEXT)
        self.pass_()
        self.assertEqual(self.successResultOf(changing), NEXT)

    def test_provisional(self) -> None:
        """A provisional response changes nothing."""
        dialog = self.calls()
        changing = dialog.modify(OURS)
        invite = self.peer.expect("INVITE")
        self.peer.respond(invite, 183, body=NEXT)
        self.pass_()
        self.assertNoResult(changing)
        self.assertEqual(dialog.remote.sdp, OFFER)
        self.peer.respond(invite, 200, body=NEXT)
        self.pass_()
        self.successResultOf(changing)

    def test_lateOffer(self) -> None:
        """Without an offer of ours the peer makes one, and the ACK answers it (RFC 3261 section 14.1)."""
        dialog = self.calls()
        changing = dialog.modify(None)
        self.assertEqual(self.answer("INVITE", body=NEXT).body, b"")
        late = self.successResultOf(changing)
        self.assertEqual(late.offer, NEXT)
        acknowledged = self.count("ACK")
        late.answer(OURS)
        self.assertEqual(self.peer.expect("ACK").body, OURS)
        self.assertEqual(self.count("ACK"), acknowledged + 1)
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (OURS, NEXT))

    def test_lateOfferUnanswered(self) -> None:
        """No ACK goes out without the answer; who gives none for 64*T1 has no call any more."""
        dialog = self.calls()
        dialog.modify(None)
        self.answer("INVITE", body=NEXT)
        acknowledged = self.count("ACK")
        self.pass_(31)
        self.assertEqual(self.count("ACK"), acknowledged)
        self.answer("BYE")
        self.assertEqual(dialog.ended.reason, Reason.MEDIA_LOST)

    def test_refused(self) -> None:
        """A refusal is a failure with the response, and the next in the queue begins."""
        dialog = self.calls()
        first, second = dialog.modify(VIDEO), dialog.modify("hold")
        self.answer("INVITE", 488)
        self.assertEqual(self.failureResultOf(first, ResponseError).value.response.statusCode, 488)
        self.assertIn(b"a=sendonly", self.answer("INVITE", body=NEXT).body)
        self.assertEqual(self.successResultOf(second), NEXT)

    def test_anySuccess(self) -> None:
        """A 2xx other than 200 is one, and gets its ACK."""
        dialog = self.calls()
        changing = dialog.modify(OURS)
        acknowledged = self.count("ACK")
        self.answer("INVITE", 202, body=NEXT)
        self.assertEqual(self.successResultOf(changing), NEXT)
        self.assertEqual(self.count("ACK"), acknowledged + 1)

    def test_glare(self) -> None:
        """RFC 3261 section 14.1: after a 491 the owner of the Call-ID tries again in 2.1 to 4 seconds."""
        dialog = self.calls()
        changing = dialog.modify(OURS)
        self.answer("INVITE", 491)
        self.pass_(1.9)
        self.assertEqual(self.count("INVITE"), 2)
        self.assertNoResult(changing)
        self.answer("INVITE", body=NEXT)
        self.assertEqual(self.successResultOf(changing), NEXT)

    def test_unknownToPeer(self) -> None:
        """RFC 5057 section 5.1: 481 and 408 end the call, by BYE."""
        for code in (481, 408):
            dialog = self.calls(Recorder("dialogTerminated"))
            changing = dialog.modify(OURS)
            self.answer("INVITE", code)
            self.answer("BYE")
            self.failureResultOf(changing, ResponseError)
            _, ended = self.notes.only("dialogTerminated")
            self.assertEqual((ended.reason, ended.byPeer), (Reason.DIALOG_ERROR, False))

    def test_peerHangsUp(self) -> None:
        """A BYE overtakes our re-INVITE: that fails, and a 2xx to it gets its ACK (RFC 3261 section 13.2.2.4)."""
        dialog = self.calls()
        changing = dialog.modify(OURS)
        invite = self.peer.expect("INVITE")
        self.assertEqual(self.final("BYE").statusCode, 200)
        self.failureResultOf(changing, DialogTerminated)
        self.assertEqual(dialog.ended.reason, Reason.REMOTE_BYE)
        acknowledged = self.count("ACK")
        self.peer.respond(invite, 200, body=NEXT)
        self.pass_()
        self.assertEqual(self.count("ACK"), acknowledged + 1)
