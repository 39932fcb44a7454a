"""
The early dialogs of a call of ours that forks: numbers, sessions, answers of their own (RFC 3261 sections 12.1.2 and
13.2.2.4, RFC 3262 section 4).
"""

from tests.media.doubles import MemoryUDP
from tests.ua.calling import ANSWER, OFFER
from tests.ua.hearing import OTHER, Described, ForkCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, ResponseError
from twisted_sipdialog.media.echo import EchoMedia
from twisted_sipdialog.timers import TimerSet

MORE = OFFER.replace(b"o=- 1 1", b"o=- 1 2").replace(b"4000", b"4006")


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

    def goes(self, invite, tag):
        """The fork C{tag} ends its early dialog by BYE."""
        own = {"From": f"<sip:bob@peer.example>;tag={tag}", "To": invite.headers.get("from")}
        self.peer.request("BYE", within=invite, headers=own)
        self.peer.expect("200 BYE")

    def test_gone(self):
        """
        RFC 3261 section 15: the one that described the call first is over; our offer holds for those that answer it
        later.
        """
        for rung in (False, True):
            media = Described()
            context, invite = self.context(body=None, media=media)
            self.ring(invite, 5, "f1", body=ANSWER)
            self.pracked()
            if rung:
                self.ring(invite, 5, "f2", body=OTHER)
                self.pracked()
            self.goes(invite, "f1")
            self.ring(invite, 5, "f3", body=OTHER)
            self.pracked()
            self.accept(invite, "f3")
            dialog = self.successResultOf(context.whenAnswered())
            self.assertEqual(dialog.remote.sdp, OTHER)
            dialog.destroy()
            self.endsBye()
            self.assertEqual({m.calls.count("close") for m in media.made}, {1})
            self.assertNothingLeft()

    def test_goneAndAnswered(self):
        """
        The same, and another fork that had its description already answers: what was kept for one more is closed.
        """
        media = Described()
        _context, invite, (_one, two) = self.forked(media=media)
        self.goes(invite, "f1")
        self.accept(invite, "f2")
        self.assertEqual(len(media.made), 3)
        two.destroy()
        self.endsBye()
        self.assertEqual([m.calls.count("close") for m in media.made], [1, 1, 1])
        self.assertNothingLeft()

    def test_changedAndAnswered(self):
        """
        RFC 3264 section 8: what the application puts in the place of one dialog's description is of that dialog; to
        the others the offer is that of the INVITE still.
        """
        media = Described()
        context, invite = self.context(body=None, media=media)
        self.ring(invite, 5, "f1", body=ANSWER)
        self.pracked()
        changing = self.notes.early[0].modify(MORE)
        self.peer.respond(self.peer.expect("UPDATE"), 200, body=OTHER)
        self.network.advance(0.1)
        self.successResultOf(changing)
        self.accept(invite, "f2", body=ANSWER)
        dialog = self.successResultOf(context.whenAnswered())
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (OFFER, ANSWER))
        dialog.destroy()
        self.endsBye()
        self.assertEqual([m.calls.count("close") for m in media.made], [1, 1])
        self.assertNothingLeft()

    def test_goneIsGone(self):
        """
        RFC 3261 section 12.3: what comes in a dialog that is over is acknowledged no more.
        """
        calling, invite = self.invite(body=None, media=Described())
        self.ring(invite, 5, "f1", body=ANSWER)
        self.pracked()
        self.goes(invite, "f1")
        self.ring(invite, 6, "f1", code=180)
        self.assertEqual(len(self.pracks()), 1)
        self.over(calling)

    def test_goneAndRefused(self):
        """
        The same, and nobody answers: all is given back.
        """
        media = Described()
        calling, invite = self.invite(body=None, media=media)
        self.ring(invite, 5, "f1", body=ANSWER)
        self.pracked()
        self.goes(invite, "f1")
        self.over(calling)
        self.assertEqual({m.calls.count("close") for m in media.made}, {1})

    def test_goneEcho(self):
        """
        The same with media that hold a port.
        """
        timers = TimerSet(self.network.clock)
        self.addCleanup(timers.stop)
        context, invite = self.context(body=None, media=EchoMedia(MemoryUDP(), timers))
        self.ring(invite, 5, "f1", body=ANSWER)
        self.pracked()
        self.goes(invite, "f1")
        self.ring(invite, 5, "f2", body=OTHER)
        self.pracked()
        self.accept(invite, "f2")
        self.successResultOf(context.whenAnswered())

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
