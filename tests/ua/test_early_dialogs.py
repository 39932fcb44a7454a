"""
Requests in the early dialog of a call to us (RFC 3261 section 12.2, RFC 3311 section 5, RFC 6337 sections 2.1 and 3).
"""

from tests.ua.callee import ANSWER, OFFER, VIDEO
from tests.ua.ringing import OTHER, RingingCallee, RingingTestCase, Slow
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.offer_answer import Exchange
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import DialogTerminated, InvalidState
from twisted_sipdialog.media.fixed import FixedMedia

MORE = ANSWER.replace(b"o=- 7 7", b"o=- 7 8").replace(b"6000", b"6006")


class Listening(RingingCallee):
    """Takes UPDATE and INFO as they come."""

    def __init__(self, answer=None):
        super().__init__(answer)
        self.infos = []

    def infoReceived(self, context):
        self.infos.append(context)
        context.accept()


class EarlyCase(RingingTestCase):
    def answered(self, media=None, pracked=True, delegate=RingingCallee, **settings):
        """Offer and answer are through while it rings: callee, INVITE, the provisional."""
        callee, invite = self.ringing(delegate=delegate, **settings)
        callee.context.progress(183, media=media or FixedMedia(ANSWER), reliable=True)
        early = self.got("183 INVITE")
        if pracked:
            self.prack(early)
        return callee, invite, early

    def accepted(self, callee):
        """It is answered, without a description."""
        callee.context.accept()
        ok = self.got("200 INVITE")
        self.assertEqual(ok.body, b"")
        return self.stands(callee, ok)


class UpdateReceivedTests(EarlyCase):
    """RFC 6337 section 2.1, pattern 6, from the caller."""

    def test_answered(self):
        """
        RFC 3311 section 5.2: after the first exchange an UPDATE may have an offer; its 200 has the answer.
        """
        callee, _invite, early = self.answered()
        ok = self.final("UPDATE", self.desk, within=early, body=OTHER)
        self.assertEqual(ok.statusCode, 200)
        self.assertIn(b"m=audio 6000", ok.body)
        self.assertEqual(len(ok.headers.getAll("contact")), 1)
        self.assertEqual(callee.dialog.remote.sdp, OTHER)
        dialog = self.accepted(callee)
        self.assertEqual(dialog.remote.sdp, OTHER)

    def test_refused(self):
        """
        RFC 3311 section 5.2: 488 leaves the session, and the call, as they were.
        """
        callee, _invite, early = self.answered()
        self.assertEqual(self.final("UPDATE", self.desk, within=early, body=VIDEO).statusCode, 488)
        self.assertEqual((callee.dialog.local.sdp, callee.dialog.remote.sdp), (ANSWER, OFFER))
        self.accepted(callee)

    def test_tooEarly(self):
        """
        RFC 3311 section 5.2: while the offer of the INVITE waits for its answer, another is 500 with Retry-After of
        0 to 10 seconds.
        """
        callee, _invite, ringing, _done = self.rung(code=180)
        self.prack(ringing)
        refusal = self.final("UPDATE", self.desk, within=ringing, body=OTHER)
        self.assertEqual(refusal.statusCode, 500)
        self.assertIn(int(refusal.headers.get("retry-after")), range(11))
        callee.context.accept(body=ANSWER)
        self.assertEqual(self.got("200 INVITE").body, ANSWER)
        self.stands(callee)
        self.assertEqual(callee.dialog.remote.sdp, OFFER)

    def test_refresh(self):
        """
        RFC 3311 section 5.2: without an offer it may come at any time, and moves the remote target.
        """
        callee, _invite, ringing, _done = self.rung(code=180)
        self.prack(ringing)
        moved = {"Contact": "<sip:moved@peer.example>"}
        ok = self.final("UPDATE", self.desk, within=ringing, headers=moved)
        self.assertEqual((ok.statusCode, ok.body), (200, b""))
        asking = callee.dialog.info()
        self.assertEqual(self.peer.expect("INFO").uriText, "sip:moved@peer.example")
        asking.addErrback(lambda _: None)
        callee.context.reject(486)

    def test_slow(self):
        """
        RFC 6337 section 2.2: the 2xx to the INVITE answers no offer of an UPDATE.
        """
        slow = Slow(ANSWER, after=2)
        callee, _invite, early = self.answered(lambda host: slow)
        self.peer.request("UPDATE", within=early, body=OTHER)
        self.network.advance(0.01)
        callee.context.accept()
        ok = self.got("200 INVITE")
        self.assertEqual(ok.body, b"")
        self.stands(callee, ok)
        slow.waiting.callback(None)
        self.assertIn(b"m=audio 6000", self.got("200 UPDATE").body)
        self.assertEqual(callee.dialog.remote.sdp, OTHER)
        self.assertIs(callee.dialog.dialogState.exchange, Exchange.STABLE)

    def test_slowAndCancelled(self):
        """
        The call is over before the answer is there: the UPDATE is 487, as the INVITE.
        """
        slow = Slow(ANSWER, after=2)
        callee, invite, early = self.answered(lambda host: slow)
        self.peer.request("UPDATE", within=early, body=OTHER)
        self.network.advance(0.01)
        self.peer.cancel(invite)
        self.network.advance(0.01)
        self.refused(invite, 487)
        self.assertEqual(self.sent("487 UPDATE"), 1)
        self.assertEqual(slow.events[-1], "close")
        self.assertIs(callee.ended.reason, Reason.REMOTE_CANCEL)


class UpdateSentTests(EarlyCase):
    """RFC 6337 section 2.1, pattern 6, from us."""

    def test_sent(self):
        """
        RFC 3311 section 5.1: an UPDATE with our offer; its 200 answers.
        """
        callee, invite, _early = self.answered()
        changing = callee.dialog.modify(MORE)
        update = self.peer.expect("UPDATE")
        self.assertEqual((update.body, update.toTag), (MORE, self.peer.tag))
        self.assertEqual(update.uriText, f"sip:peer@{self.peer.address[0]}:5060")
        self.peer.respond(update, 200, body=OTHER)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(changing), OTHER)
        self.assertEqual((callee.dialog.local.sdp, callee.dialog.remote.sdp), (MORE, OTHER))
        self.assertIs(callee.dialog.state, Phase.EARLY)
        self.accepted(callee)
        self.assertEqual(invite.body, OFFER)

    def test_afterPrack(self):
        """
        RFC 3311 section 5.1: not before the PRACK of the answer came.
        """
        callee, _invite, early = self.answered(pracked=False)
        changing = callee.dialog.modify(MORE)
        self.network.advance(3)
        self.assertEqual(self.sent("UPDATE"), 0)
        self.prack(early)
        update = self.peer.expect("UPDATE", 1)
        self.peer.respond(update, 200, body=OTHER)
        self.network.advance(0.01)
        self.successResultOf(changing)
        callee.context.reject(486)

    def test_afterAnswer(self):
        """
        RFC 3311 section 5.1: nor before the offer of the INVITE has its answer; the 2xx has it, and the ACK lets it go.
        """
        callee, _invite, ringing, _done = self.rung(code=180)
        self.prack(ringing)
        changing = callee.dialog.modify(MORE)
        self.network.advance(3)
        self.assertEqual(self.sent("UPDATE"), 0)
        callee.context.accept(body=ANSWER)
        self.stands(callee)
        self.peer.respond(self.peer.expect("UPDATE", 1), 488)
        self.network.advance(0.01)
        self.failureResultOf(changing)

    def test_glare(self):
        """
        RFC 3311 section 5.2: while our offer is open, one of the peer is 491.
        """
        callee, _invite, early = self.answered()
        changing = callee.dialog.modify(MORE)
        update = self.peer.expect("UPDATE")
        self.assertEqual(self.final("UPDATE", self.desk, within=early, body=OTHER).statusCode, 491)
        self.assertEqual(self.final("UPDATE", self.desk, within=early).statusCode, 200)
        self.peer.respond(update, 200, body=OTHER)
        self.network.advance(0.01)
        self.successResultOf(changing)
        callee.context.reject(486)

    def test_answeredMeanwhile(self):
        """
        RFC 6337 section 2.2: the 2xx that comes while our UPDATE is open has no description either.
        """
        callee, _invite, _early = self.answered()
        changing = callee.dialog.modify(MORE)
        update = self.peer.expect("UPDATE")
        self.accepted(callee)
        self.peer.respond(update, 200, body=OTHER)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(changing), OTHER)

    def test_refused(self):
        """
        RFC 3311 section 5.1: refused, what was agreed holds.
        """
        callee, _invite, _early = self.answered()
        changing = callee.dialog.modify(MORE)
        self.peer.respond(self.peer.expect("UPDATE"), 488)
        self.network.advance(0.01)
        self.failureResultOf(changing)
        self.assertEqual((callee.dialog.local.sdp, callee.dialog.remote.sdp), (ANSWER, OFFER))
        self.accepted(callee)

    def test_noReinvite(self):
        """
        RFC 3261 section 14.1: no INVITE within the dialog before the first is answered.
        """
        callee, _invite, _early = self.answered()
        self.failureResultOf(callee.dialog.modify(MORE, method="INVITE"), InvalidState)
        self.failureResultOf(callee.dialog.modify(None), InvalidState)
        callee.context.reject(486)

    def test_cancelled(self):
        """
        The caller gives up while ours is open, or waits for its turn.
        """
        for pracked in (True, False):
            callee, invite, _early = self.answered(pracked=pracked)
            changing = callee.dialog.modify(MORE)
            self.network.advance(0.01)
            self.peer.cancel(invite)
            self.network.advance(0.01)
            self.refused(invite, 487)
            self.failureResultOf(changing, DialogTerminated)
            self.assertIs(callee.ended.reason, Reason.REMOTE_CANCEL)


class OtherRequestTests(EarlyCase):
    """What is not about the session."""

    def test_toldOnce(self):
        """
        RFC 3261 section 12.1: the first provisional with a tag makes the dialog, 100 does not; it is told once.
        """
        for reliable in (True, False):
            callee, _invite = self.ringing()
            callee.context.progress(100)
            self.assertEqual(callee.events, [])
            for code in (180, 183, 180):
                callee.context.progress(code, reliable=reliable)
                if reliable:
                    self.prack(self.got(f"{code} INVITE"))
            self.assertEqual(callee.events.count("early"), 1)
            dialog = callee.told[0][1]
            self.assertIs(dialog, callee.dialog)
            self.assertEqual((dialog.state, dialog.role), (Phase.EARLY, "uas"))
            callee.context.accept(body=ANSWER)
            self.assertIs(self.stands(callee), dialog)
            self.assertEqual(callee.events.count("early"), 1)
            self.peer.received.clear()

    def test_notWithout(self):
        """
        A call that is answered at once never was early.
        """
        callee, _invite = self.ringing()
        callee.context.accept(body=ANSWER)
        self.stands(callee)
        self.assertEqual(callee.events, ["confirmed"])

    def test_sentAtOnce(self):
        """
        When it is told, requests may go out; it was sent before (the order of DESIGN: send, then tell).
        """
        asked = []

        class Eager(RingingCallee):
            def dialogEarly(self, dialog):
                super().dialogEarly(dialog)
                asked.append(dialog.info(b"x", "text/plain"))

        callee, _invite = self.ringing(delegate=Eager)
        callee.context.progress(180, reliable=True)
        info = self.peer.expect("INFO")
        self.peer.respond(info, 200)
        self.prack(self.got("180 INVITE"))
        self.successResultOf(asked[0])
        seen = [what for what in self.network.seenBy(self.desk) if what.startswith(">")]
        self.assertEqual(seen[:2], ["> 180 INVITE", "> INFO"])
        callee.context.reject(486)

    def test_info(self):
        """
        INFO both ways (RFC 6086 section 4.2): by the target and CSeq of the early dialog.
        """
        callee, invite, ringing, _done = self.rung(code=180)
        callee.dialog.delegate = listening = Listening()
        self.assertEqual(self.final("INFO", self.desk, within=ringing).statusCode, 200)
        self.assertEqual(len(listening.infos), 1)
        self.prack(ringing)
        asking = callee.dialog.info(b"x", "text/plain")
        info = self.peer.expect("INFO")
        self.assertEqual((info.toTag, info.fromTag), (invite.fromTag, ringing.toTag))
        self.peer.respond(info, 200)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(asking).statusCode, 200)
        callee.context.accept(body=ANSWER)
        self.stands(callee)

    def test_gone(self):
        """
        RFC 5057 section 5.1: a 481 to a request of ours says that there is no such dialog: the call is refused.
        """
        callee, invite, ringing, _done = self.rung(code=180)
        self.prack(ringing)
        asking = callee.dialog.info(b"x", "text/plain")
        self.peer.respond(self.peer.expect("INFO"), 481)
        self.network.advance(0.01)
        self.successResultOf(asking)
        self.assertGreaterEqual(self.finalTo(invite).statusCode, 400)
        self.assertEqual(callee.events[-1], "terminated")

    def test_unknown(self):
        """
        RFC 3261 section 12.2.2: a request with another tag than ours is in no dialog: 481.
        """
        callee, _invite, ringing, _done = self.rung(code=180)
        to = {"To": "<sip:desk@b.example>;tag=another"}
        for method in ("INFO", "UPDATE", "BYE"):
            self.assertEqual(self.final(method, self.desk, within=ringing, headers=to).statusCode, 481)
        self.prack(ringing, status=481, **to)
        self.prack(ringing)
        callee.context.reject(486)
