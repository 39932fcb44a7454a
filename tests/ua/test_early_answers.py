"""
Offers and answers while a call of ours rings (RFC 3264, RFC 3262 section 5, RFC 6337 sections 2 and 5).
"""

from twisted.internet.defer import Deferred

from tests.ua.calling import ANSWER, OFFER
from tests.ua.hearing import IMPOSSIBLE, OTHER, Described, HearingCase
from twisted_sipdialog.dialog.offer_answer import Exchange
from twisted_sipdialog.errors import RemoteError
from twisted_sipdialog.media.fixed import FixedMedia


class AnswerTests(HearingCase):
    """The INVITE has our offer."""

    def test_reliable(self):
        """
        RFC 6337 section 2.1, pattern 3: a reliable provisional answers; the 2xx says no more.
        """
        media = Described()
        calling, invite = self.invite(body=None, media=media)
        self.ring(invite, 5, body=ANSWER)
        self.assertEqual(self.pracked().body, b"")
        (dialog,) = self.notes.early
        self.assertIs(dialog.dialogState.exchange, Exchange.STABLE)
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (OFFER, ANSWER))
        self.accept(invite)
        self.assertIs(self.successResultOf(calling), dialog)
        self.assertEqual(media.calls, ["offer", "update"])
        dialog.destroy()
        self.endsBye()
        self.assertEqual(media.calls, ["offer", "update", "close"])
        self.assertNothingLeft()

    def test_toldThen(self):
        """
        The order of DESIGN: what dialogEarly sees is the answer, in force, and the PRACK has gone out.
        """
        seen = []

        def early(dialog):
            seen.append((dialog.remote.sdp, self.network.seenBy(self.alice)[-1]))

        self.notes.dialogEarly = early
        _calling, invite = self.invite(body=None, media=Described())
        self.ring(invite, 5, body=ANSWER)
        self.assertEqual(seen, [(ANSWER, "> PRACK")])
        self.pracked()
        self.accept(invite)

    def test_sameAgain(self):
        """
        RFC 3261 section 13.2.1: once answered, what other responses say of the session is ignored.
        """
        media = Described()
        calling, invite = self.invite(body=None, media=media)
        self.ring(invite, 5, body=ANSWER)
        self.pracked()
        self.ring(invite, 6, body=OTHER)
        self.pracked()
        self.ring(invite, body=OTHER)
        self.accept(invite, body=OTHER)
        self.assertEqual(self.successResultOf(calling).remote.sdp, ANSWER)
        self.assertEqual(media.calls, ["offer", "update"])

    def test_preview(self):
        """
        RFC 3261 section 13.2.1, RFC 6337 section 2.1: without 100rel it is a foretaste; the 2xx answers.
        """
        media = Described()
        calling, invite = self.invite(body=None, media=media)
        self.ring(invite, body=ANSWER)
        (dialog,) = self.notes.early
        self.assertIs(dialog.dialogState.exchange, Exchange.LOCAL)
        self.assertEqual(media.remote, ANSWER)
        self.accept(invite, body=OTHER)
        self.assertEqual(self.successResultOf(calling).remote.sdp, OTHER)
        self.assertEqual((media.calls, media.remote), (["offer", "update", "update"], OTHER))

    def test_previewThenReliable(self):
        """
        The reliable one is the answer.
        """
        _calling, invite = self.invite(body=None, media=Described())
        self.ring(invite, body=ANSWER)
        self.ring(invite, 5, body=OTHER)
        self.pracked()
        self.assertEqual(self.notes.early[0].remote.sdp, OTHER)
        self.accept(invite)

    def test_fixed(self):
        """
        The same of a body that the application gave, and of fixed media.
        """
        for how in ({"body": OFFER}, {"body": None, "media": FixedMedia(OFFER)}):
            calling, invite = self.invite(**how)
            self.ring(invite, body=ANSWER)
            self.ring(invite, 5, body=OTHER)
            self.pracked()
            self.accept(invite)
            self.assertEqual(self.successResultOf(calling).remote.sdp, OTHER)
            self.peer.received.clear()
            self.notes.early.clear()

    def test_impossiblePreview(self):
        """
        B14: a foretaste that is no answer is nothing; the next one, and the 2xx, count.
        """
        for bad in (IMPOSSIBLE, b"v=0\r\nnothing", b"\xff" * 100):
            calling, invite = self.invite(body=None, media=FixedMedia(OFFER))
            self.ring(invite, body=bad)
            self.assertEqual(len(self.notes.progress), 1)
            self.ring(invite, body=ANSWER)
            self.assertEqual(self.notes.early[0].session.remote, ANSWER)
            self.accept(invite, body=ANSWER)
            self.assertEqual(self.successResultOf(calling).remote.sdp, ANSWER)
            self.notes.early.clear()
            self.notes.progress.clear()

    def test_impossible(self):
        """
        B14, RFC 6337 section 2.1: a reliable answer that is none is acknowledged, and the call cancelled; another one
        changes nothing.
        """
        for bad in (IMPOSSIBLE, b"v=0\r\nnothing"):
            calling, invite = self.invite(body=None, media=FixedMedia(OFFER))
            self.ring(invite, 5, body=bad)
            self.assertEqual(len(self.pracks()), 1)
            self.pracked()
            self.failureResultOf(calling, RemoteError)
            (cancel,) = self.got("CANCEL")
            self.ring(invite, 6, body=ANSWER)
            self.peer.respond(cancel, 200)
            self.peer.respond(invite, 487)
            self.network.advance(1)
            self.assertEqual(len(self.notes.ended), 1)
            self.assertNothingLeft()
            self.notes.ended.clear()
            self.peer.received.clear()

    def test_impossibleAndAnswered(self):
        """
        B14: the 2xx crosses that CANCEL: ACK and BYE.
        """
        calling, invite = self.invite(body=None, media=FixedMedia(OFFER))
        self.ring(invite, 5, body=IMPOSSIBLE)
        self.failureResultOf(calling, RemoteError)
        self.accept(invite)
        self.peer.expect("ACK")
        self.endsBye()
        self.assertEqual(self.notes.confirmed, [])
        self.assertNothingLeft()

    def test_multipart(self):
        """
        RFC 5621: the answer may be one part of several.
        """
        _calling, invite = self.invite(body=None, media=Described())
        body = (
            b"--b\r\nContent-Type: application/sdp\r\n\r\n"
            + ANSWER
            + b"\r\n--b\r\nContent-Type: text/plain\r\nContent-Disposition: x;handling=optional\r\n\r\nx\r\n--b--\r\n"
        )
        self.ring(invite, 5, body=body, **{"Content-Type": "multipart/mixed;boundary=b"})
        self.pracked()
        self.assertIn(b"m=audio 4002", self.notes.early[0].remote.sdp)
        self.accept(invite)


class OfferTests(HearingCase):
    """Our INVITE has none."""

    def test_answeredInPrack(self):
        """
        RFC 6337 section 2.1, pattern 4: the peer's offer in a reliable provisional is answered in its PRACK.
        """
        media = Described(answers=OFFER)
        calling, invite = self.invite(body=b"", media=media)
        self.ring(invite, 5, body=ANSWER)
        prack = self.pracked()
        self.assertEqual((prack.body, prack.headers.get("content-type")), (OFFER, "application/sdp"))
        self.ring(invite, 6, code=180)
        self.assertEqual(self.pracked().body, b"")
        self.accept(invite)
        dialog = self.successResultOf(calling)
        self.assertEqual(self.peer.expect("ACK").body, b"")
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (OFFER, ANSWER))
        self.assertEqual(media.calls, ["answer"])

    def test_2xxRepeatsIt(self):
        """
        RFC 3261 section 13.2.1: what the 2xx says then is ignored, and not answered again.
        """
        media = Described(answers=OFFER)
        calling, invite = self.invite(body=b"", media=media)
        self.ring(invite, 5, body=ANSWER)
        self.pracked()
        self.accept(invite, body=ANSWER)
        self.assertEqual(self.peer.expect("ACK").body, b"")
        self.successResultOf(calling)
        self.assertEqual(media.calls, ["answer"])

    def test_notInUnreliable(self):
        """
        RFC 3264 section 4: an unreliable provisional offers nothing; the 2xx does, and the ACK answers.
        """
        media = Described(answers=OFFER)
        calling, invite = self.invite(body=b"", media=media)
        self.ring(invite, body=ANSWER)
        self.assertEqual(media.calls, [])
        self.accept(invite, body=OTHER)
        self.assertEqual(self.peer.expect("ACK").body, OFFER)
        self.assertEqual(self.successResultOf(calling).remote.sdp, OTHER)

    def test_slow(self):
        """
        The PRACK waits for the answer; repetitions meanwhile mean nothing.
        """
        making = Deferred()
        media = Described(answers=making)
        calling, invite = self.invite(body=b"", media=media)
        self.ring(invite, 5, body=ANSWER)
        self.ring(invite, 5, body=ANSWER)
        self.assertEqual((self.pracks(), media.calls), ([], ["answer"]))
        media.local, media.remote = OFFER, ANSWER
        making.callback(OFFER)
        self.network.advance(0.1)
        self.assertEqual(self.pracked().body, OFFER)
        self.accept(invite)
        self.successResultOf(calling)

    def test_slowAndOver(self):
        """
        The call is over before it is there, by either side: no PRACK goes out, the answer is cancelled.
        """
        for ours in (True, False):
            cancelled = []
            making = Deferred(cancelled.append)
            media = Described(answers=making)
            context, invite = self.context(body=b"", media=media)
            self.ring(invite, 5, body=ANSWER)
            if ours:
                context.cancel()
                self.network.advance(0.1)
            self.peer.respond(invite, 487 if ours else 486)
            self.network.advance(1)
            self.failureResultOf(context.whenAnswered())
            self.assertEqual((len(cancelled), self.pracks()), (1, []))
            self.assertEqual(media.calls, ["answer", "close"])
            self.assertNothingLeft()

    def test_unanswerable(self):
        """
        RFC 6337 section 2.3: nothing answers it: it is acknowledged, and the call cancelled.
        """
        media = Described(refuses=[ANSWER])
        calling, invite = self.invite(body=b"", media=media)
        self.ring(invite, 5, body=ANSWER)
        self.assertEqual(self.pracked().body, b"")
        self.failureResultOf(calling, ValueError)
        self.peer.respond(self.got("CANCEL")[0], 200)
        self.peer.respond(invite, 487)
        self.network.advance(1)
        self.assertEqual(media.calls[-1], "close")
        self.assertNothingLeft()
