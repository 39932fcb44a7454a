"""
A call of ours that a proxy forks (RFC 3261 sections 12.1.2, 13.2.2.4, 16.7).
"""

from tests.ua.calling import CallerCase, Media
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import ResponseError


class ForkTests(CallerCase):
    def test_oneEarlyDialogForEachTag(self):
        """
        Section 12.1.2: each To tag is an early dialog of its own, made once (B21).
        """
        context, invite = self.context()
        for tag in ("f1", "f2", "f1", "f3", "f2"):
            self.fork(invite, 180, tag)
        self.network.advance(0.1)
        self.assertEqual([d.sip.remoteTag for d in context.dialogs], ["f1", "f2", "f3"])
        self.assertEqual({d.state for d in context.dialogs}, {Phase.EARLY})
        self.assertEqual(len({d.id for d in context.dialogs}), 3)
        self.assertEqual(context.dialog.sip.remoteTag, "f2")
        self.assertEqual((len(self.notes.progress), len(self.alice.dialogs)), (5, 3))

    def test_eachItsOwnWay(self):
        """
        Sections 12.1.2, 12.2.1.1: target, route set and CSeq of the early dialogs are their own.
        """
        context, invite = self.context()
        self.fork(invite, 180, "f1", Contact="<sip:one@peer.example>")
        self.fork(invite, 180, "f2", Contact="<sip:two@peer.example>", **{"Record-Route": "<sip:peer.example;lr>"})
        self.network.advance(0.1)
        for dialog, uri, routes in zip(context.dialogs, ("one", "two"), ([], ["<sip:peer.example;lr>"]), strict=True):
            dialog.request("INFO")
            info = self.peer.expect("INFO")
            self.assertEqual(info.uriText, f"sip:{uri}@peer.example")
            self.assertEqual(info.headers.getAll("Route"), routes)
            self.assertEqual((info.toTag, info.cseqNumber), (dialog.sip.remoteTag, invite.cseqNumber + 1))
            self.peer.respond(info, 200)
        self.network.advance(0.1)

    def test_oneAnswers(self):
        """
        One branch answers: the other early dialogs end, each told once; the media stay open.
        """
        media = Media()
        context, invite = self.context(body=None, media=media)
        for tag in ("f1", "f2", "f3"):
            self.fork(invite, 180, tag)
        self.network.advance(0.1)
        one, two, three = context.dialogs
        self.fork(invite, 200, "f2")
        self.assertEqual(self.peer.expect("ACK").toTag, "f2")
        self.assertIs(self.successResultOf(context.whenAnswered()), two)
        self.assertEqual([d for d, _ in self.notes.ended], [one, three])
        self.assertEqual(self.notes.reasons, [Reason.OTHER_FORK] * 2)
        self.assertEqual((self.notes.confirmed, self.alice.dialogs), ([two], [two]))
        self.assertNotIn("close", media.calls)
        two.destroy()
        self.endsBye()
        self.assertEqual(media.calls.count("close"), 1)
        self.assertEqual(len(self.notes.ended), 3)

    def test_notRungBefore(self):
        """
        The branch that answers may be one that never rang.
        """
        context, invite = self.context()
        self.fork(invite, 180, "f1")
        self.fork(invite, 200, "f9")
        self.network.advance(0.1)
        dialog = self.successResultOf(context.whenAnswered())
        self.assertEqual((dialog.sip.remoteTag, self.alice.dialogs), ("f9", [dialog]))

    def test_second2xx(self):
        """
        Section 13.2.2.4: a second branch that answers gets its own ACK, and BYE; the first call stands.
        """
        for rung in (False, True):
            context, invite = self.context()
            if rung:
                self.fork(invite, 180, "f1")
                self.fork(invite, 180, "f2")
            self.fork(invite, 200, "f1")
            self.network.advance(0.1)
            dialog = self.successResultOf(context.whenAnswered())
            self.notes.ended.clear()
            self.peer.received.clear()
            self.fork(invite, 200, "f2", Contact="<sip:two@peer.example>")
            ack = next(m for m in iter(lambda: self.peer.expect("ACK"), None) if m.toTag == "f2")
            self.assertEqual((ack.uriText, ack.cseqNumber), ("sip:two@peer.example", invite.cseqNumber))
            bye = self.peer.expect("BYE")
            self.assertEqual((bye.toTag, bye.uriText), ("f2", "sip:two@peer.example"))
            self.fork(invite, 200, "f2")  # its ACK was lost
            self.assertEqual(self.peer.expect("ACK").toTag, "f2")
            self.peer.respond(bye, 200)
            self.network.advance(0.1)
            self.assertEqual(self.count("BYE"), 1)
            self.assertIs(dialog.state, Phase.STABLE)
            self.assertEqual(self.alice.dialogs, [dialog])
            self.assertEqual(self.notes.reasons, [] if rung else [Reason.OTHER_FORK])
            dialog.destroy()
            self.endsBye()
        self.assertNothingLeft()

    def test_all2xx(self):
        """
        Five branches answer at once: one call stands, four are ended.
        """
        calling, invite = self.invite()
        for n in range(5):
            self.fork(invite, 200, f"f{n}")
        self.network.advance(0.1)
        byes = [m for m in self.peer.received if getattr(m, "method", "") == "BYE"]
        self.assertEqual(sorted(b.toTag for b in byes), ["f1", "f2", "f3", "f4"])
        self.assertEqual(self.count("ACK"), 5)
        for bye in byes:
            self.peer.respond(bye, 200)
        self.network.advance(0.1)
        self.assertEqual(self.alice.dialogs, [self.successResultOf(calling)])

    def test_allRefused(self):
        """
        The one final that a proxy forwards (section 16.7) ends all early dialogs.
        """
        context, invite = self.context()
        for tag in ("f1", "f2"):
            self.fork(invite, 180, tag)
        self.fork(invite, 486, "f1")
        self.network.advance(0.1)
        self.failureResultOf(context.whenAnswered(), ResponseError)
        self.assertEqual(self.notes.reasons, [Reason.REJECTED] * 2)
        self.assertNothingLeft()

    def test_byeInEarlyDialog(self):
        """
        A branch that ends its early dialog by BYE is gone; the others ring on, and one may answer.
        """
        context, invite = self.context()
        self.fork(invite, 180, "f1")
        self.network.advance(0.1)
        to = f"{invite.headers.get('from')}"
        self.peer.request("BYE", within=invite, headers={"From": "<sip:bob@peer.example>;tag=f1", "To": to})
        self.peer.expect("200 BYE")
        self.assertEqual((self.notes.reasons, self.alice.dialogs), ([Reason.REMOTE_BYE], []))
        self.assertNoResult(context.whenAnswered())
        self.fork(invite, 200, "f2")
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(context.whenAnswered()).sip.remoteTag, "f2")

    def test_2xxAfterBye(self):
        """
        A branch that answers although its dialog is over: ACK, BYE, and no call stands.
        """
        context, invite = self.context()
        self.fork(invite, 180, "f1")
        self.network.advance(0.1)
        to = f"{invite.headers.get('from')}"
        self.peer.request("BYE", within=invite, headers={"From": "<sip:bob@peer.example>;tag=f1", "To": to})
        self.peer.expect("200 BYE")
        self.fork(invite, 200, "f1")
        self.peer.expect("ACK")
        self.endsBye()
        self.failureResultOf(context.whenAnswered())
        self.assertEqual((self.notes.confirmed, len(self.notes.ended)), ([], 1))
        self.assertNothingLeft()

    def test_bounded(self):
        """
        However many To tags the responses bring, only so many make dialogs, or are sent an ACK and a BYE; the first
        that answers is taken in any case.
        """
        context, invite = self.context()
        for n in range(200):
            self.fork(invite, 180, f"early{n}")
        self.network.advance(0.1)
        self.assertEqual((len(self.alice.dialogs), len(self.notes.progress)), (64, 200))
        for n in range(100):
            self.fork(invite, 200, f"late{n}", Contact="<sip:somebody@peer.example>" if n % 2 else "<mailto:a@b>")
        self.network.advance(0.1)
        self.assertLessEqual(self.count("ACK"), 65)
        self.assertLessEqual(len(self.alice.dialogs), 1)
        self.network.advance(70)
        context.whenAnswered().addErrback(lambda _: None)
