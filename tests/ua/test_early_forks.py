"""
The early dialogs of a call of ours that forks: numbers, sessions, answers of their own (RFC 3261 sections 12.1.2 and
13.2.2.4, RFC 3262 section 4).
"""

from tests.ua.calling import ANSWER, OFFER
from tests.ua.hearing import OTHER, Described, HearingCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import DialogTerminated, ResponseError
from twisted_sipdialog.media.fixed import FixedMedia

MORE = OFFER.replace(b"o=- 1 1", b"o=- 1 2").replace(b"4000", b"4006")


class ForkCase(HearingCase):
    def forked(self, tags=("f1", "f2"), bodies=(ANSWER, OTHER), media=None, **how):
        """Each rings reliably, with a description of its own: the context, the INVITE, the dialogs."""
        media = media or FixedMedia(OFFER)
        context, invite = self.context(body=None, media=media, **how)
        for tag, body in zip(tags, bodies, strict=True):
            self.ring(invite, 5, tag, body=body, Contact=f"<sip:{tag}@peer.example>")
            self.pracked()
        return context, invite, self.notes.early

    def endsByes(self, tags):
        """The BYEs that came are to the dialogs C{tags}, and are answered."""
        byes = {bye.toTag: bye for bye in self.got("BYE")}
        self.assertEqual(sorted(byes), sorted(tags))
        for bye in byes.values():
            self.peer.respond(bye, 200)
        self.network.advance(1)


class NumberTests(ForkCase):
    """B21: no RSeq, PRACK or CSeq of one is taken for another's."""

    def test_interleaved(self):
        """
        RFC 3262 section 4: the numbers are those of each dialog, whatever comes in between.
        """
        context, invite = self.context()
        for rseq, tag in ((5, "f1"), (5, "f2"), (6, "f2"), (6, "f1"), (90, "f3"), (7, "f1"), (7, "f2"), (91, "f3")):
            self.ring(invite, rseq, tag)
            prack = self.pracked()
            self.assertEqual((prack.headers.get("rack").split()[0], prack.toTag), (str(rseq), tag))
        numbers = {tag: [p.cseqNumber for p in self.pracks() if p.toTag == tag] for tag in ("f1", "f2", "f3")}
        first = invite.cseqNumber + 1
        self.assertEqual(
            numbers,
            {"f1": [first, first + 1, first + 2], "f2": [first, first + 1, first + 2], "f3": [first, first + 1]},
        )
        self.assertEqual(len(self.notes.early), 3)
        self.assertEqual(len(self.notes.progress), 8)
        context.cancel()

    def test_repeatedOfAnother(self):
        """
        Section 4: a repetition is one in its own dialog only; a gap as well.
        """
        _context, invite = self.context()
        self.ring(invite, 5, "f1")
        self.ring(invite, 7, "f1")
        self.ring(invite, 6, "f2")
        self.ring(invite, 5, "f1")
        self.ring(invite, 6, "f2")
        number = invite.cseqNumber
        self.assertEqual(self.racks(), [(f"5 {number} INVITE", "f1"), (f"6 {number} INVITE", "f2")])
        self.accept(invite, "f1", body=ANSWER)

    def test_ownTargets(self):
        """
        RFC 3261 section 12.2.1.1: each PRACK goes to the target of its own dialog.
        """
        self.forked()
        self.assertEqual([p.uriText for p in self.pracks()], ["sip:f1@peer.example", "sip:f2@peer.example"])


class SessionTests(ForkCase):
    """Each has its own session (RFC 6337 section 5.1)."""

    def test_own(self):
        """
        Each answer is that of its own dialog; the one that is confirmed keeps its own.
        """
        media = Described()
        context, invite, (one, two) = self.forked(media=media)
        self.assertEqual((one.remote.sdp, two.remote.sdp), (ANSWER, OTHER))
        self.assertIsNot(one.session, two.session)
        self.assertEqual([m.calls for m in media.made], [["offer", "update", "fork"], ["update"]])
        self.accept(invite, "f2")
        self.assertIs(self.successResultOf(context.whenAnswered()), two)
        self.assertEqual(two.remote.sdp, OTHER)
        self.assertEqual([(d, e.reason) for d, e in self.notes.ended], [(one, Reason.OTHER_FORK)])
        self.assertEqual([m.calls[-1] for m in media.made], ["close", "update"])
        two.destroy()
        self.endsBye()
        self.assertEqual([m.calls.count("close") for m in media.made], [1, 1])
        self.assertNothingLeft()

    def test_previews(self):
        """
        The same of what is not reliable: a foretaste in each, and the 2xx of one.
        """
        media = Described()
        context, invite = self.context(body=None, media=media)
        self.ring(invite, tag="f1", body=ANSWER)
        self.ring(invite, tag="f2", body=OTHER)
        self.assertEqual([m.remote for m in media.made], [ANSWER, OTHER])
        self.accept(invite, "f3", body=ANSWER)
        dialog = self.successResultOf(context.whenAnswered())
        self.assertEqual((dialog.sip.remoteTag, len(media.made)), ("f3", 3))
        self.assertEqual([m.calls.count("close") for m in media.made], [1, 1, 0])
        self.assertIs(dialog.session, media.made[2])

    def test_lateOffers(self):
        """
        RFC 6337 section 2.1, pattern 4, in each: an offer of its own, answered in its own PRACK.
        """
        media = Described(answers=OFFER)
        context, invite = self.context(body=b"", media=media)
        for tag, body in (("f1", ANSWER), ("f2", OTHER)):
            self.ring(invite, 5, tag, body=body)
            prack = self.pracked()
            self.assertEqual((prack.body, prack.toTag), (OFFER, tag))
        self.assertEqual([m.remote for m in media.made], [ANSWER, OTHER])
        self.assertEqual([m.calls for m in media.made], [["answer", "fork without"], ["answer"]])
        self.accept(invite, "f1")
        self.assertEqual(self.successResultOf(context.whenAnswered()).remote.sdp, ANSWER)

    def test_updates(self):
        """
        RFC 3311 section 5: an UPDATE in one is nothing to the other.
        """
        context, invite, (one, two) = self.forked()
        changing = [one.modify(MORE), two.modify("hold")]
        self.network.advance(0.1)
        first, second = self.got("UPDATE")
        self.assertEqual((first.toTag, second.toTag), ("f1", "f2"))
        self.assertIn(b"a=sendonly", second.body)
        self.peer.respond(second, 200, body=OTHER)
        self.peer.respond(first, 488)
        self.network.advance(0.1)
        self.failureResultOf(changing[0], ResponseError)
        self.successResultOf(changing[1])
        self.assertEqual(one.local.sdp, OFFER)
        self.assertEqual((one.onHold, two.onHold), (False, True))
        self.accept(invite, "f1")
        self.assertIs(self.successResultOf(context.whenAnswered()), one)

    def test_otherForksUpdate(self):
        """
        The other fork answers while an UPDATE is open: that fails, its dialog is over.
        """
        context, invite, (one, _two) = self.forked()
        changing = one.modify(MORE)
        self.network.advance(0.1)
        self.accept(invite, "f2")
        self.failureResultOf(changing, DialogTerminated)
        self.successResultOf(context.whenAnswered())
        self.assertEqual(self.notes.reasons, [Reason.OTHER_FORK])

    def test_unusable(self):
        """
        RFC 6337 section 2.1: an answer that is none ends that fork by BYE, where another rings on.
        """
        media = Described(refuses=[b"bad"])
        context, invite = self.context(body=None, media=media)
        self.ring(invite, 5, "f1", body=ANSWER)
        self.pracked()
        self.ring(invite, 5, "f2", body=b"bad")
        self.assertEqual(self.pracks()[-1].toTag, "f2")
        self.pracked()
        self.endsByes(["f2"])
        self.assertEqual(self.got("CANCEL"), [])
        self.assertNoResult(context.whenAnswered())
        self.assertEqual([d.sip.remoteTag for d, _ in self.notes.ended], ["f2"])
        self.accept(invite, "f1")
        self.assertEqual(self.successResultOf(context.whenAnswered()).sip.remoteTag, "f1")

    def test_unforkable(self):
        """
        Media that cannot describe another dialog: the first goes on, another that rings with a description is ended.
        """
        media = Described(unforkable=ValueError("one only"))
        context, invite = self.context(body=None, media=media)
        self.ring(invite, 5, "f1", body=ANSWER)
        self.pracked()
        self.ring(invite, 5, "f2", body=OTHER)
        self.pracked()
        self.ring(invite, 5, "f3", code=180)
        self.pracked()
        self.endsByes(["f2"])
        self.accept(invite, "f1")
        self.assertEqual(self.successResultOf(context.whenAnswered()).sip.remoteTag, "f1")
        self.assertNotIn("close", media.calls)
        self.assertGreaterEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_unforkableAnswered(self):
        """
        And one that answers is acknowledged and ended; the failure says why.
        """
        media = Described(unforkable=ValueError("one only"))
        context, invite = self.context(body=None, media=media)
        self.ring(invite, 5, "f1", body=ANSWER)
        self.pracked()
        self.accept(invite, "f2", body=ANSWER)
        self.peer.expect("ACK")
        self.endsBye()
        self.failureResultOf(context.whenAnswered(), ValueError)
        self.assertEqual(media.calls.count("close"), 1)
        self.flushLoggedErrors(ValueError)
        self.assertNothingLeft()


class AnswerTests(ForkCase):
    """Several 2xx (RFC 3261 section 13.2.2.4)."""

    def test_first(self):
        """
        C{"first"}: one that rang, and one that did not, are acknowledged and ended by BYE.
        """
        media = Described()
        context, invite, (one, _two) = self.forked(media=media)
        self.accept(invite, "f1")
        self.accept(invite, "f2")
        self.accept(invite, "f3", body=ANSWER)
        self.assertEqual(sorted(ack.toTag for ack in self.got("ACK")), ["f1", "f2", "f3"])
        self.assertEqual({ack.cseqNumber for ack in self.got("ACK")}, {invite.cseqNumber})
        self.endsByes(["f2", "f3"])
        self.assertIs(self.successResultOf(context.whenAnswered()), one)
        self.assertEqual((self.alice.dialogs, self.notes.confirmed), ([one], [one]))
        self.assertEqual(set(self.notes.reasons), {Reason.OTHER_FORK})
        one.destroy()
        self.network.advance(0.1)
        self.endsByes(["f1", "f2", "f3"])
        self.assertEqual({m.calls.count("close") for m in media.made}, {1})
        self.assertNothingLeft()


class AllTests(ForkCase):
    """C{forkedAnswers="all"}."""

    settings = {"forkedAnswers": "all"}

    def test_second(self):
        """
        Each 2xx makes a call of its own, with its own session, told by dialogConfirmed; the first is the outcome.
        """
        media = Described()
        context, invite, (one, two) = self.forked(media=media)
        self.accept(invite, "f1")
        self.assertEqual(self.notes.ended, [])
        self.accept(invite, "f2")
        self.accept(invite, "f3", body=ANSWER)
        self.assertIs(self.successResultOf(context.whenAnswered()), one)
        three = self.alice.dialogs[-1]
        self.assertEqual(self.notes.confirmed, [one, two, three])
        self.assertEqual({d.state for d in self.alice.dialogs}, {Phase.STABLE})
        self.assertEqual((one.remote.sdp, two.remote.sdp, three.remote.sdp), (ANSWER, OTHER, ANSWER))
        self.assertEqual(len({id(d.session) for d in (one, two, three)}), 3)
        self.network.advance(40)
        self.assertEqual((self.got("BYE"), self.notes.ended), ([], []))
        for dialog in (one, two, three):
            dialog.destroy()
        self.network.advance(0.1)
        self.endsByes(["f1", "f2", "f3"])
        self.assertEqual([m.calls.count("close") for m in media.made], [1, 1, 1])
        self.assertNothingLeft()

    def test_repeated2xx(self):
        """
        A copy of either 2xx gets its own ACK again, and makes nothing new.
        """
        _context, invite, _ = self.forked()
        for tag in ("f1", "f2", "f1", "f2"):
            self.accept(invite, tag)
        self.assertEqual([ack.toTag for ack in self.got("ACK")], ["f1", "f2", "f1", "f2"])
        self.assertEqual(len(self.notes.confirmed), 2)

    def test_never(self):
        """
        Those that answer nothing are over 64*T1 after the first 2xx.
        """
        context, invite, (one, two) = self.forked()
        self.accept(invite, "f1")
        self.network.advance(31.5)
        self.assertIs(two.state, Phase.EARLY)
        self.network.advance(1)
        self.assertIs(two.state, Phase.TERMINATED)
        self.assertEqual(self.notes.reasons, [Reason.OTHER_FORK])
        self.assertIs(self.successResultOf(context.whenAnswered()), one)
        self.assertEqual(self.alice.dialogs, [one])
        one.destroy()
        self.endsBye()
        self.assertNothingLeft()

    def test_unusable(self):
        """
        A further 2xx whose description is of no use is ended; the first call stands.
        """
        media = Described(refuses=[b"bad"])
        context, invite = self.context(body=None, media=media)
        self.accept(invite, "f1", body=ANSWER)
        self.accept(invite, "f2", body=b"bad")
        self.endsByes(["f2"])
        self.assertEqual(self.alice.dialogs, [self.successResultOf(context.whenAnswered())])
        self.assertEqual([m.calls.count("close") for m in media.made], [0, 1])

    def test_stopped(self):
        """
        The service stops while one is still early: all of them end.
        """
        _context, invite, _ = self.forked()
        self.accept(invite, "f1")
        self.alice.stopService()
        self.network.advance(10)
        self.assertEqual(len(self.notes.ended), 2)
        self.assertEqual(self.alice.leftovers(), [])


class AgainTests(ForkCase):
    """The INVITE is sent anew after forks had sessions."""

    settings = {"followRedirects": 2}

    def again(self, status, media, **headers):
        """It rang in two forks, then the final response made us send it again: the context, the new INVITE."""
        context, invite, _dialogs = self.forked(media=media)
        self.peer.respond(invite, status, headers=headers)
        self.network.advance(0.1)
        return context, self.got("INVITE")[-1]

    def test_redirected(self):
        """
        RFC 3261 section 8.1.3.4: the early dialogs are over, each session is closed once; the new one has its own.
        """
        media = Described()
        context, invite = self.again(302, media, Contact="<sip:carol@peer.example>")
        self.assertEqual((invite.uriText, invite.body), ("sip:carol@peer.example", OFFER))
        self.assertEqual(self.notes.reasons, [Reason.REJECTED] * 2)
        self.ring(invite, 77, "f1", body=OTHER)
        self.assertEqual(self.pracks()[-1].headers.get("rack"), f"77 {invite.cseqNumber} INVITE")
        self.pracked()
        self.accept(invite, "f1")
        dialog = self.successResultOf(context.whenAnswered())
        self.assertEqual(dialog.remote.sdp, OTHER)
        dialog.destroy()
        self.endsBye()
        self.assertEqual({m.calls.count("close") for m in media.made}, {1})
        self.assertNothingLeft()

    def test_422(self):
        """
        RFC 4028 section 7.3: the same with a 422.
        """
        media = Described()
        context, invite = self.again(422, media, **{"Min-SE": "4000"})
        self.assertEqual(invite.headers.get("min-se"), "4000")
        self.accept(invite, "f9", body=ANSWER)
        self.assertEqual(self.successResultOf(context.whenAnswered()).remote.sdp, ANSWER)
        self.assertEqual(self.notes.reasons, [Reason.REJECTED] * 2)

    def test_refused(self):
        """
        And refused then, all is given back.
        """
        media = Described()
        context, invite = self.again(302, media, Contact="<sip:carol@peer.example>")
        self.peer.respond(invite, 486)
        self.network.advance(1)
        self.failureResultOf(context.whenAnswered(), ResponseError)
        self.assertEqual({m.calls.count("close") for m in media.made}, {1})
        self.assertNothingLeft()

    def test_unforkable(self):
        """
        Media that cannot describe another call: the redirection is not followed into a call without a session.
        """
        media = Described(unforkable=ValueError("one only"))
        context, invite = self.context(body=None, media=media)
        self.ring(invite, 5, "f1", body=ANSWER)
        self.pracked()
        self.peer.respond(invite, 302, headers={"Contact": "<sip:carol@peer.example>"})
        self.network.advance(1)
        self.failureResultOf(context.whenAnswered(), ResponseError)
        self.assertEqual((self.count("INVITE"), media.calls.count("close")), (1, 1))
        self.flushLoggedErrors(ValueError)
        self.assertNothingLeft()


class LimitTests(ForkCase):
    def test_limit(self):
        """
        B21: so many forks make dialogs (C{loadLimits.forks}); others are neither acknowledged nor described.
        """
        media = Described()
        context, invite = self.context(body=None, media=media)
        for n in range(70):
            self.ring(invite, 5, f"f{n}", body=ANSWER)
        self.assertEqual((len(self.alice.dialogs), len(self.pracks()), len(media.made)), (64, 64, 64))
        self.peer.respond(invite, 486)
        self.network.advance(1)
        self.failureResultOf(context.whenAnswered())
        self.assertEqual({m.calls.count("close") for m in media.made}, {1})
        self.assertNothingLeft()
