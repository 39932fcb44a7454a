"""
Reliable provisional responses as their receiver (RFC 3262 section 4).
"""

from tests.ua.calling import ANSWER, OFFER, challenge, proven
from tests.ua.hearing import HearingCase
from twisted_sipdialog.configuration import Credentials
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import ResponseError, Timeout

CREDENTIALS = [Credentials("alice", "wonderland", "example.com")]


class PrackTests(HearingCase):
    """The PRACK."""

    def test_request(self):
        """
        Sections 4, 7.2: in the early dialog, with RSeq and CSeq of the response in RAck; once.
        """
        _calling, invite = self.invite()
        self.ring(invite, 4711, Contact="<sip:one@peer.example>", **{"Record-Route": "<sip:peer.example;lr;x=1>"})
        (prack,) = self.pracks()
        self.assertEqual(prack.headers.get("rack"), f"4711 {invite.cseqNumber} INVITE")
        self.assertEqual((prack.uriText, prack.toTag, prack.fromTag), ("sip:one@peer.example", "f1", invite.fromTag))
        self.assertEqual(prack.headers.getAll("route"), ["<sip:peer.example;lr;x=1>"])
        self.assertEqual((prack.callId, prack.cseqNumber), (invite.callId, invite.cseqNumber + 1))
        self.assertEqual((prack.body, prack.headers.get("content-type")), (b"", None))
        self.pracked()
        self.network.advance(5)
        self.assertEqual(self.count("PRACK"), 1)
        self.accept(invite, body=ANSWER)

    def test_offered(self):
        """
        Sections 4, 8.1: our INVITE says that it can have them, that Allow has PRACK; C{"required"} requires them.
        """
        for mode, supported, required in (("supported", True, False), ("required", True, True), ("off", False, False)):
            agent = self.network.userAgent("sip:carol@c.example", rel100=mode)
            calling = agent.invite("sip:bob@peer.example", body=OFFER)
            calling.addErrback(lambda _: None)
            invite = self.peer.expect("INVITE")
            self.assertEqual("100rel" in (invite.headers.get("supported") or ""), supported, mode)
            self.assertEqual("100rel" in (invite.headers.get("require") or ""), required, mode)
            self.assertEqual("PRACK" in invite.headers.get("allow"), mode != "off", mode)
            self.peer.respond(invite, 486)

    def test_outOfOrder(self):
        """
        RFC 3261 section 12.2.2: one that is overtaken by another request of ours gets 500, and is sent anew; three
        times in all.
        """
        _calling, invite = self.invite()
        self.ring(invite, 7)
        for number in (1, 2, 3):
            prack = self.peer.expect("PRACK", 0.1)
            self.assertEqual(prack.headers.get("rack"), f"7 {invite.cseqNumber} INVITE")
            self.assertEqual(prack.cseqNumber, invite.cseqNumber + number)
            self.peer.respond(prack, 500, "CSeq Out Of Order")
        self.network.advance(5)
        self.assertEqual(self.count("PRACK"), 3)
        self.accept(invite, body=ANSWER)

    def test_unknownAfterTheAnswer(self):
        """
        Section 3: a 481 says that the provisional is not waited for; after the 2xx that ends no call (RFC 5057 section
        5.1 means requests that the dialog itself is unknown to).
        """
        calling, invite = self.invite()
        self.ring(invite, 7)
        prack = self.peer.expect("PRACK", 0.1)
        self.fork(invite, 200, "f1")
        self.network.advance(0.1)
        dialog = self.successResultOf(calling)
        self.peer.respond(prack, 481)
        self.network.advance(5)
        self.assertEqual((dialog.state, self.count("BYE")), (Phase.STABLE, 0))

    def test_repeated(self):
        """
        Section 4: a repetition is neither acknowledged again nor told again.
        """
        _calling, invite = self.invite()
        for _ in range(4):
            self.ring(invite, 7)
        self.assertEqual(self.racks(), [(f"7 {invite.cseqNumber} INVITE", "f1")])
        self.assertEqual(self.notes.order, ["early", 183])
        self.pracked()
        self.ring(invite, 7)
        self.assertEqual((len(self.pracks()), self.notes.order), (1, ["early", 183]))
        self.accept(invite, body=ANSWER)

    def test_order(self):
        """
        Section 4: one whose predecessor is missing MUST NOT be acknowledged; it is taken once that came.
        """
        _calling, invite = self.invite()
        self.ring(invite, 7)
        self.pracked()
        self.ring(invite, 9, code=182)
        self.assertEqual((len(self.pracks()), self.notes.order), (1, ["early", 183]))
        self.ring(invite, 8, code=181)
        self.pracked()
        self.ring(invite, 9, code=182)
        self.pracked()
        self.assertEqual([rack.split()[0] for rack, _ in self.racks()], ["7", "8", "9"])
        self.assertEqual(self.notes.order, ["early", 183, 181, 182])
        numbers = [prack.cseqNumber - invite.cseqNumber for prack in self.pracks()]
        self.assertEqual(numbers, [1, 2, 3])
        self.ring(invite, 3, code=180)
        self.assertEqual(len(self.pracks()), 3)
        self.accept(invite, body=ANSWER)

    def test_unreliable(self):
        """
        Sections 3, 4: without Require and RSeq there is no PRACK, nor to a 100 or a final response.
        """
        _calling, invite = self.invite()
        self.ring(invite, code=180)
        self.ring(invite, code=180, RSeq="5")
        self.ring(invite, code=183, Require="100rel")
        self.ring(invite, 5, code=100, To=invite.headers.get("to"))
        self.ring(invite, 0, code=182)
        self.accept(invite, body=ANSWER, Require="100rel", RSeq="6")
        self.assertEqual(self.pracks(), [])

    def test_off(self):
        """
        C{"off"}: what nobody asked for is a provisional like any other.
        """
        agent = self.network.userAgent("sip:carol@c.example", rel100="off")
        agent.invite("sip:bob@peer.example", body=OFFER, delegate=self.notes).addErrback(lambda _: None)
        invite = self.peer.expect("INVITE")
        self.ring(invite, 5)
        self.assertEqual((self.pracks(), self.notes.order), ([], ["early", 183]))
        self.peer.respond(invite, 486)

    def test_ack(self):
        """
        RFC 3261 section 13.2.2.4: the ACK has the number of the INVITE, whatever was sent in between; what follows,
        the next.
        """
        calling, invite = self.invite()
        for n in range(3):
            self.ring(invite, n + 1)
            self.pracked()
        self.accept(invite, body=ANSWER)
        ack = self.peer.expect("ACK")
        self.assertEqual(ack.cseqNumber, invite.cseqNumber)
        dialog = self.successResultOf(calling)
        dialog.destroy()
        self.assertEqual(self.endsBye().cseqNumber, invite.cseqNumber + 4)
        self.assertNothingLeft()

    def test_stream(self):
        """
        Over TCP it is the same.
        """
        _calling, invite = self.invite("sip:bob@peer.example;transport=tcp")
        self.ring(invite, 5, Contact=f"<sip:bob@{self.peer.address[0]}:5060;transport=tcp>")
        (prack,) = self.pracks()
        self.assertIn("SIP/2.0/TCP", prack.headers.get("via"))
        self.pracked()
        self.accept(invite, body=ANSWER)

    def test_toldAfter(self):
        """
        The order of DESIGN: it is acknowledged, then told.
        """
        seen = []
        notes = self.notes
        notes.progressReceived = lambda context, response: seen.append(self.network.seenBy(self.alice)[-1])
        _calling, invite = self.invite()
        self.ring(invite, 5)
        self.assertEqual(seen, ["> PRACK"])
        self.pracked()
        self.accept(invite, body=ANSWER)


class FailedTests(HearingCase):
    """PRACK that is not answered with 200."""

    def test_challenged(self):
        """
        RFC 3261 section 22: with credentials it is sent again, with the next number and the same RAck.
        """
        self.alice = self.network.userAgent(
            "sip:alice@b.example", credentials=[Credentials("alice", "wonderland", "example.com")]
        )
        _calling, invite = self.invite()
        self.ring(invite, 5)
        self.pracked(401, headers={"WWW-Authenticate": challenge()})
        first, second = self.pracks()
        self.assertEqual(first.headers.get("rack"), second.headers.get("rack"))
        self.assertEqual(second.cseqNumber, first.cseqNumber + 1)
        self.assertIsNotNone(proven(second))
        self.pracked()
        self.ring(invite, 6)
        self.assertEqual(len(self.pracks()), 3)
        self.pracked()
        self.accept(invite, body=ANSWER)
        self.assertEqual(self.peer.expect("ACK").cseqNumber, invite.cseqNumber)

    def test_challengedWithout(self):
        """
        Without credentials the call rings on: how it ends is for the callee to say.
        """
        calling, invite = self.invite()
        self.ring(invite, 5)
        self.pracked(401, headers={"WWW-Authenticate": challenge()})
        self.assertNoResult(calling)
        self.assertEqual(len(self.pracks()), 1)
        self.over(calling)

    def test_unknown(self):
        """
        RFC 5057 section 5.1: 481 says that there is no such dialog.  Nobody else rings, so the INVITE is cancelled.
        """
        calling, invite = self.invite()
        self.ring(invite, 5)
        self.pracked(481)
        self.network.advance(1)
        cancel = self.got("CANCEL")[0]
        self.peer.respond(cancel, 200)
        self.peer.respond(invite, 487)
        for bye in self.got("BYE"):
            self.peer.respond(bye, 481)
        self.network.advance(1)
        self.failureResultOf(calling)
        self.assertEqual(len(self.notes.ended), 1)
        self.assertNothingLeft()

    def test_unknownAmongForks(self):
        """
        The same where others ring: only that one is over.
        """
        calling, invite = self.invite()
        self.ring(invite, 5, "f1")
        self.ring(invite, 5, "f2")
        first, second = self.pracks()
        self.peer.respond(first, 481)
        self.peer.respond(second, 200)
        self.network.advance(1)
        self.assertEqual(self.got("CANCEL"), [])
        for bye in self.got("BYE"):
            self.assertEqual(bye.toTag, "f1")
            self.peer.respond(bye, 481)
        self.network.advance(1)
        self.assertEqual([d.sip.remoteTag for d in self.alice.dialogs], ["f2"])
        self.accept(invite, "f2", body=ANSWER)
        self.assertEqual(self.successResultOf(calling).sip.remoteTag, "f2")

    def test_silence(self):
        """
        No answer to it: it is repeated as any request; the INVITE is the callee's to refuse (504).
        """
        calling, invite = self.invite()
        self.ring(invite, 5)
        self.network.advance(33)
        self.assertEqual(self.count("PRACK"), 11)
        self.assertEqual(len(self.pracks()), 1)
        self.assertNoResult(calling)
        self.peer.respond(invite, 504)
        self.network.advance(1)
        self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 504)
        self.assertNothingLeft()

    def test_silenceForEver(self):
        """
        Nor does a peer that says nothing at all keep it: ringTimeout.
        """
        calling, invite = self.invite()
        self.ring(invite, 5)
        self.network.advance(181)
        self.failureResultOf(calling, Timeout)
        self.assertEqual(self.got("CANCEL")[0].cseqNumber, invite.cseqNumber)
        self.assertNothingLeft()

    def test_refusedPlainly(self):
        """
        Another refusal ends nothing (RFC 5057 section 5.1).
        """
        calling, invite = self.invite()
        self.ring(invite, 5)
        self.pracked(500)
        self.assertNoResult(calling)
        self.ring(invite, 6)
        self.pracked()
        self.accept(invite, body=ANSWER)
        self.assertIs(self.successResultOf(calling).state, Phase.STABLE)


class CrossingTests(HearingCase):
    """The 2xx, or our CANCEL, crosses it."""

    def test_answered(self):
        """
        Section 3: a 2xx may come before the answer to our PRACK; that answer, whatever it is, ends nothing.
        """
        calling, invite = self.invite()
        self.ring(invite, 5)
        self.accept(invite, body=ANSWER)
        dialog = self.successResultOf(calling)
        self.pracked()
        self.assertIs(dialog.state, Phase.STABLE)
        self.ring(invite, 5)
        self.assertEqual((len(self.pracks()), self.notes.order), (1, ["early", 183, "confirmed"]))

    def test_cancelled(self):
        """
        After our CANCEL an answer to a PRACK changes nothing; the 487 ends it.
        """
        context, invite = self.context()
        self.ring(invite, 5)
        context.cancel()
        self.network.advance(0.1)
        self.pracked()
        self.peer.respond(self.got("CANCEL")[0], 200)
        self.peer.respond(invite, 487)
        self.network.advance(0.1)
        self.failureResultOf(context.whenAnswered())
        self.assertEqual(self.notes.order, ["early", 183, "terminated"])
        self.assertNothingLeft()

    def test_inviteChallenged(self):
        """
        Section 3: the INVITE with credentials is another one; its provisionals count anew.
        """
        self.alice = self.network.userAgent(
            "sip:alice@b.example", credentials=[Credentials("alice", "wonderland", "example.com")]
        )
        calling, invite = self.invite()
        self.ring(invite, 50)
        self.pracked()
        self.peer.respond(invite, 401, headers={"WWW-Authenticate": challenge()})
        again = self.peer.expect("INVITE")
        self.ring(again, 3)
        self.assertEqual(self.racks()[-1][0], f"3 {again.cseqNumber} INVITE")
        self.pracked()
        self.accept(again, body=ANSWER)
        self.successResultOf(calling)
