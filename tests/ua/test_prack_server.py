"""
PRACK as the callee gets it (RFC 3262 section 3), and the 2xx beside it.
"""

from tests.ua.callee import ANSWER, OFFER
from tests.ua.ringing import SUPPORTED, RingingTestCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import DialogTerminated, InvalidState, NoPrack


class MatchTests(RingingTestCase):
    """Which provisional it means."""

    def test_wrong(self):
        """
        Section 3: RSeq, CSeq number and method have to be those of the provisional; else 481, and it goes on.
        """
        callee, invite, ringing, done = self.rung()
        rseq, number = int(ringing.headers.get("rseq")), invite.cseqNumber
        for rack in (
            f"{rseq + 1} {number} INVITE",
            f"{rseq - 1} {number} INVITE",
            f"{rseq} {number + 1} INVITE",
            f"{rseq} {number} UPDATE",
            f"{rseq} {number} invite",
            f"{number} {rseq} INVITE",
        ):
            self.prack(ringing, rack, status=481)
        self.assertNoResult(done)
        self.network.advance(1)
        self.assertGreater(self.sent("183 INVITE"), 1)
        self.assertEqual(callee.events, ["early"])
        self.prack(ringing)
        self.successResultOf(done)

    def test_malformed(self):
        """
        Section 7.2: what is no RAck gets 400, and none is none.
        """
        _callee, invite, ringing, done = self.rung()
        rseq, number = ringing.headers.get("rseq"), invite.cseqNumber
        for rack in (
            "none",
            "",
            "x",
            f"{rseq} {number}",
            f"{rseq} {number} INVITE x",
            f"-1 {number} INVITE",
            "1_0 1 INVITE",
        ):
            if rack:
                self.prack(ringing, rack, status=400)
            else:
                answer = self.final("PRACK", self.desk, within=ringing, headers={"RAck": ""})
                self.assertEqual(answer.statusCode, 400)
        self.assertNoResult(done)
        self.prack(ringing)
        self.successResultOf(done)

    def test_nothingReliable(self):
        """
        Section 3: to a call that has sent none, and to one that stands without, it is 481.
        """
        callee, invite = self.ringing()
        callee.context.progress()
        ringing = self.got("180 INVITE")
        self.prack(ringing, f"1 {invite.cseqNumber} INVITE", status=481)
        callee.context.accept(body=ANSWER)
        self.stands(callee)
        self.prack(ringing, f"1 {invite.cseqNumber} INVITE", status=481)
        self.assertNotIn("prack", callee.events)

    def test_outside(self):
        """
        Outside a dialog there is nothing it could mean.
        """
        self.ringing()
        answer = self.final("PRACK", self.desk, headers={"RAck": "1 1 INVITE"})
        self.assertIn(answer.statusCode, (405, 481))
        to = {"RAck": "1 1 INVITE", "To": "<sip:desk@b.example>;tag=nobody"}
        self.assertEqual(self.final("PRACK", self.desk, headers=to).statusCode, 481)

    def test_repeated(self):
        """
        RFC 3261 section 17.2.2: a copy of it gets the same answer again, and tells nobody anything.
        """
        callee, _invite, ringing, _done = self.rung()
        self.prack(ringing)
        prack = callee.told[-1][2]
        self.peer.send(prack.toBytes(), self.desk)
        self.network.advance(0.01)
        self.assertEqual(self.sent("200 PRACK"), 2)
        self.assertEqual(callee.events, ["early", "prack"])

    def test_twice(self):
        """
        A second PRACK, in a request of its own, means nothing any more: 481.
        """
        callee, _invite, ringing, _done = self.rung()
        self.prack(ringing)
        self.prack(ringing, status=481)
        callee.context.progress(180, reliable=True)
        self.prack(ringing, status=481)
        self.prack(self.got("180 INVITE"))
        self.assertEqual(callee.events.count("prack"), 2)

    def test_notSent(self):
        """
        Section 3: one that waits for its turn cannot be acknowledged.
        """
        callee, invite, ringing, _done = self.rung()
        second = callee.context.progress(180, reliable=True)
        rseq = int(ringing.headers.get("rseq"))
        self.prack(ringing, f"{rseq + 1} {invite.cseqNumber} INVITE", status=481)
        self.assertNoResult(second)
        self.prack(ringing)
        self.prack(self.got("180 INVITE"))
        self.successResultOf(second)

    def test_outOfOrder(self):
        """
        RFC 3261 section 12.2.2: a lower CSeq than the last one's is 500, and acknowledges nothing.
        """
        _callee, invite, ringing, done = self.rung()
        self.final("INFO", self.desk, within=ringing)
        self.prack(ringing, status=500, CSeq=f"{invite.cseqNumber} PRACK")
        self.assertNoResult(done)
        self.prack(ringing)
        self.successResultOf(done)

    def test_unknownBody(self):
        """
        RFC 3261 section 8.2.3: a body of another kind is 415; nothing was acknowledged.
        """
        callee, _invite, ringing, done = self.rung()
        self.prack(ringing, body=b"<x/>", status=415, **{"Content-Type": "text/xml"})
        self.assertNoResult(done)
        self.prack(ringing)
        self.successResultOf(done)
        callee.context.reject(486)

    def test_anotherCall(self):
        """
        Section 3: a PRACK belongs to its dialog; another call's with the same numbers is 481.
        """
        _callee, _invite, ringing, done = self.rung()
        rack = f"{ringing.headers.get('rseq')} {ringing.cseqNumber} INVITE"
        first, desk = ringing, self.desk
        _other, _invite, ringing, waiting = self.rung()
        self.prack(ringing, rack, status=481)
        self.assertNoResult(waiting)
        self.prack(ringing)
        self.desk = desk
        self.prack(first)
        self.successResultOf(done)


class AnsweredTests(RingingTestCase):
    """A 2xx beside provisionals whose PRACK is missing."""

    def test_overtakes(self):
        """
        Section 3: without a description in it a 2xx may overtake the PRACK; nothing is repeated from then on.
        """
        callee, _invite, ringing, done = self.rung(code=180)
        callee.context.accept(body=ANSWER)
        ok = self.got("200 INVITE")
        self.assertEqual(ok.body, ANSWER)
        self.network.advance(2)
        self.assertEqual(self.sent("180 INVITE"), 1)
        self.prack(ringing)
        self.successResultOf(done)
        self.stands(callee, ok)
        self.assertIn("prack", callee.events)

    def test_afterAck(self):
        """
        Section 3: a PRACK that was on its way is answered with 200 also after the ACK, for 64*T1.  RFC 5057 section
        5.1: a 481 would end the call.
        """
        callee, _invite, ringing, done = self.rung(code=180)
        accepting = callee.context.accept(body=ANSWER)
        dialog = self.stands(callee)
        self.successResultOf(accepting)
        self.network.advance(20)
        self.prack(ringing)
        self.successResultOf(done)
        self.assertIs(dialog.state, Phase.STABLE)
        self.prack(ringing, status=481)

    def test_neverAfterAck(self):
        """
        The PRACK that never comes ends nothing once the call was answered.
        """
        callee, _invite, ringing, done = self.rung(code=180)
        callee.context.accept(body=ANSWER)
        dialog = self.stands(callee)
        self.network.advance(31)
        self.assertNoResult(done)
        self.network.advance(2)
        self.failureResultOf(done, NoPrack)
        self.assertIs(dialog.state, Phase.STABLE)
        self.prack(ringing, status=481)

    def test_byeAfterAck(self):
        """
        RFC 3262 section 3: no PRACK is to be expected in a dialog that is over; whoever waits for it is told.
        """
        callee, _invite, ringing, done = self.rung(code=180)
        callee.context.accept(body=ANSWER)
        self.stands(callee)
        self.assertEqual(self.final("BYE", self.desk, within=ringing).statusCode, 200)
        self.failureResultOf(done, DialogTerminated)

    def test_overtakesQueue(self):
        """
        What waited for its turn is never sent.
        """
        callee, _invite, ringing, _done = self.rung(code=180)
        queued = callee.context.progress(183, reliable=True)
        callee.context.accept(body=ANSWER)
        self.failureResultOf(queued, NoPrack)
        self.prack(ringing)
        self.network.advance(2)
        self.assertEqual(self.sent("183 INVITE"), 0)
        self.stands(callee)

    def test_byeBeforeAck(self):
        """
        RFC 3261 section 15: the caller may end it before the ACK; whoever waits for the PRACK is told.
        """
        callee, _invite, ringing, done = self.rung(code=180)
        accepting = callee.context.accept(body=ANSWER)
        self.got("200 INVITE")
        self.assertEqual(self.final("BYE", self.desk, within=ringing).statusCode, 200)
        self.failureResultOf(done, DialogTerminated)
        self.failureResultOf(accepting, DialogTerminated)
        self.assertIs(callee.ended.reason, Reason.REMOTE_BYE)

    def test_waits(self):
        """
        Section 3: with a description in it no 2xx goes out before the PRACK; then it goes at once, without one.
        """
        self.acceptsAfter()

    def test_waitsWithBody(self):
        """
        The same when accept() says again what was said.
        """
        self.acceptsAfter(body=ANSWER)

    def acceptsAfter(self, **how):
        callee, _invite, ringing, done = self.rung(body=OFFER, code=180)
        self.prack(ringing)
        self.successResultOf(done)
        described = callee.context.progress(183, body=ANSWER, reliable=True)
        early = self.got("183 INVITE")
        self.assertEqual(early.body, ANSWER)
        accepting = callee.context.accept(**how)
        self.network.advance(3)
        self.assertEqual(self.sent("200 INVITE"), 0)
        self.assertRaises(InvalidState, callee.context.accept)
        self.prack(early)
        self.successResultOf(described)
        ok = self.got("200 INVITE")
        self.assertEqual((ok.body, ok.headers.get("content-type")), (b"", None))
        self.assertNoResult(accepting)
        dialog = self.stands(callee, ok)
        self.assertIs(self.successResultOf(accepting), dialog)
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (ANSWER, OFFER))

    def test_neverWhileAccepting(self):
        """
        The PRACK that accept() waits for never comes: 504.
        """
        callee, invite = self.ringing()
        described = callee.context.progress(183, body=ANSWER, reliable=True)
        accepting = callee.context.accept()
        self.network.advance(33)
        self.refused(invite, 504)
        self.failureResultOf(described, NoPrack)
        self.failureResultOf(accepting, DialogTerminated)
        self.assertIs(callee.ended.reason, Reason.NO_PRACK)
        self.assertEqual(callee.events, ["early", "terminated"])

    def test_cancelWhileAccepting(self):
        """
        CANCEL comes first: 487, and no 2xx any more, whatever PRACK comes.
        """
        callee, invite = self.ringing()
        callee.context.progress(183, body=ANSWER, reliable=True)
        ringing = self.got("183 INVITE")
        accepting = callee.context.accept()
        self.peer.cancel(invite)
        self.network.advance(0.01)
        self.refused(invite, 487)
        self.failureResultOf(accepting, DialogTerminated)
        self.prack(ringing, status=481)
        self.network.advance(40)
        self.assertEqual(self.sent("200 INVITE"), 0)

    def test_rejectWhileAccepting(self):
        """
        The application thinks better of it.
        """
        callee, invite = self.ringing()
        callee.context.progress(183, body=ANSWER, reliable=True)
        accepting = callee.context.accept()
        callee.context.reject(603)
        self.refused(invite, 603)
        self.failureResultOf(accepting, DialogTerminated)

    def test_waitsForTheQueue(self):
        """
        Section 3: the description may be in one that waits for its own turn.
        """
        callee, _invite, first, _done = self.rung(code=180)
        callee.context.progress(183, body=ANSWER, reliable=True)
        callee.context.accept()
        self.network.advance(1)
        self.prack(first)
        second = self.got("183 INVITE")
        self.assertEqual(self.sent("200 INVITE"), 0)
        self.prack(second)
        self.stands(callee)

    def test_awaited(self):
        """
        The idiom: await the PRACK, then accept.
        """

        async def answer(context):
            await context.progress(183, body=ANSWER, reliable=True)
            context.accept()

        callee, _invite = self.ringing(answer=answer, headers=SUPPORTED)
        self.prack(self.got("183 INVITE"))
        self.assertEqual(self.got("200 INVITE").body, b"")
        self.stands(callee)
        self.assertEqual(callee.events, ["early", "prack", "confirmed"])
