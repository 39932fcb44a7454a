"""
Changes of the session by the peer, as docs/events.rst has them.
"""

from __future__ import annotations

from tests.events.case import ANSWER, HOLD, OFFER, VIDEO, EventCase, Recorder, next_
from twisted_sipdialog.dialog.change import Change

ALL = ("dialogRefreshed", "dialogHeld", "dialogResumed", "dialogModified")
OTHER = next_(OFFER, (b"4000", b"4010"))
OURS = ANSWER.replace(b"- 7 7", b"- 7 8")


def third(sdp: bytes) -> bytes:
    return sdp.replace(b"o=- 1 2", b"o=- 1 3")


class ReinviteTests(EventCase):
    def reinvite(self, body, code=200):
        answer = self.final("INVITE", body=body)
        self.assertEqual(answer.statusCode, code)
        return answer

    def assertTold(self, *expected):
        self.assertEqual(self.notes.names, list(expected))
        self.notes.told.clear()

    def test_refresh(self) -> None:
        """The same o= id and version is a refresh (RFC 3264 section 8), whoever listens."""
        dialog = self.called(Recorder(*ALL))
        self.reinvite(OFFER.replace(b"s=-", b"s=again"))
        self.assertEqual(self.notes.only("dialogRefreshed")[0], dialog)
        self.assertTold("dialogRefreshed")

    def test_refreshIdentical(self) -> None:
        """The same bytes are one, too; and so is an UPDATE without an offer."""
        self.called(Recorder(*ALL))
        self.reinvite(OFFER)
        self.assertTold("dialogRefreshed")
        self.final("UPDATE")
        self.assertTold("dialogRefreshed")

    def test_hold(self) -> None:
        """The peer no longer wants to receive (RFC 3264 section 8.4); our answer sends nothing any more."""
        dialog = self.called(Recorder(*ALL))
        self.assertIn(b"a=recvonly", self.reinvite(HOLD).body)
        self.assertTold("dialogHeld")
        self.assertTrue(dialog.onHold)

    def test_noHold(self) -> None:
        """A new version that holds nothing is no hold."""
        self.called(Recorder(*ALL), body=OFFER.replace(b"a=sendrecv\r\n", b""))
        self.reinvite(next_(OFFER).replace(b"a=sendrecv\r\n", b""))
        self.assertTold("dialogRefreshed")

    def test_unhold(self) -> None:
        """The end of the hold; the flag is gone again."""
        dialog = self.called(Recorder(*ALL))
        self.reinvite(HOLD)
        self.notes.told.clear()
        self.assertIn(b"a=sendrecv", self.reinvite(third(next_(OFFER))).body)
        self.assertTold("dialogResumed")
        self.assertFalse(dialog.onHold)

    def test_modify(self) -> None:
        """Anything else, answered by the session description."""
        dialog = self.called(Recorder(*ALL))
        answer = self.reinvite(OTHER)
        self.assertTold("dialogModified")
        self.assertEqual((dialog.remote.sdp, dialog.local.sdp), (OTHER, answer.body))

    def test_onlyRequest(self) -> None:
        """Who has no method for refresh, hold and resumption is asked about each."""
        asked = []

        def inviteReceived(context):
            asked.append(context.change)
            context.accept()

        self.called(Recorder(inviteReceived=inviteReceived))
        for body in (OFFER, HOLD, third(next_(OFFER)), third(OTHER).replace(b"1 3", b"1 4")):
            self.reinvite(body)
        self.assertEqual(asked, [Change.REFRESH, Change.HOLD, Change.RESUME, Change.MODIFY])

    def test_toldOnly(self) -> None:
        """Who has one for a hold is not asked about it: it was answered; what is left is asked."""
        own = Recorder("dialogHeld", inviteReceived=lambda context: context.accept() and None)
        self.called(own)
        self.reinvite(HOLD)
        self.assertTold("dialogHeld")
        self.reinvite(third(OTHER))
        self.assertTold("inviteReceived")

    def test_answer(self) -> None:
        """The answer by default: 200, Contact, and a description of its own type."""
        dialog = self.called()
        answer = self.reinvite(HOLD)
        self.assertEqual(answer.headers.get("content-type"), "application/sdp")
        self.assertEqual(answer.headers.get("contact"), dialog.local.contact)
        self.assertEqual(dialog.local.sdp, answer.body)

    def test_asked(self) -> None:
        """The delegate answers, with a description of its own, or refuses."""
        self.called(Recorder(inviteReceived=lambda context: context.accept(body=OURS) and None))
        self.assertEqual(self.reinvite(OTHER).body, OURS)
        dialog = self.called(Recorder(inviteReceived=lambda context: context.reject(488) and None))
        self.reinvite(OTHER, 488)
        self.assertIsNone(dialog.ended)

    def test_commit(self) -> None:
        """What is refused is not in force (RFC 3261 section 14.2)."""
        dialog = self.called(Recorder(inviteReceived=lambda context: context.reject(603) and None))
        self.reinvite(HOLD, 603)
        self.assertEqual((dialog.remote.sdp, dialog.local.sdp, dialog.onHold), (OFFER, ANSWER, False))

    def test_commitLate(self) -> None:
        """Without an offer ours is in the 2xx, and nothing is in force before the ACK has the answer."""
        dialog = self.called(Recorder("ackReceived"))
        self.notes.told.clear()
        request = self.peer.request("INVITE", within=self.ok)
        self.pass_()
        again = self.found(request)
        self.assertIn(b"m=audio 6000", again.body)
        self.assertEqual(dialog.remote.sdp, OFFER)
        self.peer.ack(again, body=OTHER)
        self.pass_()
        self.assertEqual(dialog.remote.sdp, OTHER)
        _, ack = self.notes.only("ackReceived")
        self.assertEqual((ack.body, ack.cseqNumber), (OTHER, request.cseqNumber))

    def test_ackOfAnswer(self) -> None:
        """C{accept()} of a re-INVITE fires at its ACK."""
        accepting = []
        notes = Recorder(inviteReceived=lambda context: accepting.append(context.accept()))
        dialog = self.called(notes)
        request = self.peer.request("INVITE", within=self.ok, body=OTHER)
        self.pass_()
        again = self.found(request)
        self.assertNoResult(accepting[0])
        self.peer.ack(again)
        self.pass_()
        self.assertIs(self.successResultOf(accepting[0]), dialog)

    def test_glare(self) -> None:
        """RFC 3261 section 14.2: 491 while a re-INVITE of ours is pending."""
        dialog = self.called()
        dialog.modify("hold")
        invite = self.peer.expect("INVITE")
        self.reinvite(OTHER, 491)
        self.peer.respond(invite, 200, body=next_(OFFER))
        self.pass_()
        self.assertTrue(dialog.onHold)

    def test_second(self) -> None:
        """RFC 3261 section 14.2: 500 with Retry-After while an earlier one of theirs has no answer."""
        self.called(Recorder(inviteReceived=lambda context: context.answerLater()))
        first = self.peer.request("INVITE", within=self.ok, body=OTHER)
        self.pass_()
        refused = self.reinvite(third(OTHER), 500)
        self.assertLessEqual(int(refused.headers.get("retry-after") or "99"), 10)
        (kept,) = self.notes.only("inviteReceived")
        kept.accept()
        self.assertEqual(self.finalTo(first).statusCode, 200)

    def test_unacceptable(self) -> None:
        """What nothing of ours answers gets 488, and the session stays."""
        dialog = self.called(Recorder(*ALL))
        self.reinvite(VIDEO.replace(b"- 1 1", b"- 1 2"), 488)
        self.assertEqual((dialog.remote.sdp, self.notes.names), (OFFER, []))

    def test_holdPerMedia(self) -> None:
        """A hold is read off the direction of each of the media, stated or not."""
        for first in (OFFER, OFFER.replace(b"a=sendrecv\r\n", b"")):
            for direction in (b"sendonly", b"inactive"):
                self.called(Recorder(*ALL), body=first)
                self.reinvite(next_(OFFER, (b"sendrecv", direction)))
                self.assertTold("dialogHeld")

    def test_holdByAddress(self) -> None:
        """RFC 3264 section 8.4: c=0.0.0.0, as RFC 2543 held."""
        dialog = self.called(Recorder(*ALL))
        self.reinvite(next_(OFFER, (b"c=IN IP4 192.0.2.200", b"c=IN IP4 0.0.0.0")))
        self.assertTold("dialogHeld")
        self.assertTrue(dialog.onHold)

    def test_cancelled(self) -> None:
        """The peer gives its re-INVITE up: 487, the delegate is told, and all is as before."""
        notes = Recorder("inviteCancelled", inviteReceived=lambda context: context.answerLater())
        dialog = self.called(notes)
        again = self.peer.request("INVITE", within=self.ok, body=HOLD)
        self.pass_()
        self.peer.cancel(again)
        self.assertEqual(self.finalTo(again).statusCode, 487)
        context, cancel = notes.only("inviteCancelled")
        self.assertEqual((context.cancelled, cancel.method), (cancel, "CANCEL"))
        self.assertEqual((dialog.ended, dialog.onHold, dialog.remote.sdp), (None, False, OFFER))

    def test_withUpdate(self) -> None:
        """An UPDATE is told alike."""
        dialog = self.called(Recorder(*ALL))
        self.assertIn(b"a=recvonly", self.final("UPDATE", body=HOLD).body)
        self.assertTold("dialogHeld")
        self.assertTrue(dialog.onHold)
