"""
What becomes of the early dialogs of a call that forks: one 2xx or several, an INVITE sent anew, too many (RFC 3261
section 13.2.2.4).
"""

from tests.ua.calling import ANSWER, OFFER
from tests.ua.hearing import OTHER, Described, ForkCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import ResponseError


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

    def test_destroyed(self):
        """
        RFC 3261 section 15: one that still rings is ended by BYE; should it answer all the same, it makes no call.
        """
        context, invite, (one, two) = self.forked()
        self.accept(invite, "f1")
        ending = two.destroy()
        self.network.advance(0.1)
        self.endsByes(["f2"])
        self.assertEqual(self.successResultOf(ending).method, "BYE")
        self.accept(invite, "f2")
        self.assertEqual([ack.toTag for ack in self.got("ACK")], ["f1", "f2"])
        self.endsByes(["f2"])
        self.assertEqual((self.notes.confirmed, self.notes.reasons), ([one], [Reason.LOCAL_BYE]))
        self.assertIs(self.successResultOf(context.whenAnswered()), one)
        self.assertEqual(self.alice.dialogs, [one])

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
