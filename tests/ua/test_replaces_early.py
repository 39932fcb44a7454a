"""
An INVITE that takes the place of a call of ours that is not answered yet (RFC 3891 section 3): CANCEL ends that.
"""

from twisted.internet.defer import CancelledError, Deferred

from tests.ua.callee import ANSWER, OFFER, later
from tests.ua.replacing import Replaceable, ReplacingCase
from tests.ua.test_invite_server import Slow
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated


class Watching(Replaceable):
    """Hears of the states of RFC 4235 as well."""

    def __init__(self):
        super().__init__()
        self.changes = []

    def dialogStateChanged(self, change):
        self.changes.append((change.callId, change.state, change.event, change.code))

    def moves(self, callId):
        """The moves of that call, but for the first."""
        return [tuple(rest) for call, *rest in self.changes if call == callId][1:]


class EarlyCase(ReplacingCase):
    def dial(self, tag="a", **settings):
        """Our call rings at the peer; C{self.old} is its early dialog."""
        self.own = Replaceable()
        self.callee = Watching()
        self.userAgent = self.agent(self.callee, **settings)
        self.context = self.userAgent.inviteContext("sip:peer@peer.example", body=OFFER, delegate=self.own)
        self.answered = self.context.whenAnswered()
        self.addCleanup(self.answered.addErrback, lambda _: None)
        self.invite = self.peer.expect("INVITE")
        self.old = self.rings(tag)

    def rings(self, tag):
        """The peer answers 180 as the branch of a fork that C{tag} names; the dialog."""
        self.respond(180, tag)
        return self.context.dialog

    def respond(self, code, tag="a"):
        to = f"{self.invite.headers.get('to')};tag={tag}"
        body = ANSWER if code == 200 else b""
        self.peer.respond(self.invite, code, headers={"To": to}, body=body)
        self.network.advance(0.01)

    def cancelled(self):
        """The peer gets a CANCEL, and no BYE; its 487 ends the call."""
        self.network.advance(0.01)
        self.assertEqual((self.sent("CANCEL"), self.sent("BYE")), (1, 0), self.network.ladder())
        self.peer.respond(self.peer.expect("CANCEL"), 200)
        self.respond(487)

    def stillRings(self):
        self.network.advance(1)
        self.assertEqual((self.old.state.value, self.own.replaced, self.sent("CANCEL")), ("early", [], 0))
        self.respond(200)
        self.assertEqual(self.old.state.value, "stable")
        self.old.destroy()
        self.endsBye()


class TakenTests(EarlyCase):
    def test_taken(self):
        """Section 3: its tags name it; the 2xx goes out, then CANCEL.  RFC 4235 section 3.7.1 has a word for it."""
        self.dial()
        invite = self.carolCalls(self.named())
        new = self.callee.dialog
        ok = self.carolGets(invite)
        self.assertEqual(self.network.seenBy(self.userAgent)[-3:], ["> 200 INVITE", "> CANCEL", "< ACK"])
        self.assertEqual(self.callee.replaced, [(self.old, new)])
        self.assertEqual(self.own.replaced, [(self.old, new)])
        self.failureResultOf(self.answered, CancelledError)
        self.cancelled()
        self.assertEqual((self.old.ended.reason, self.old.ended.byPeer), (Reason.REPLACED, False))
        self.assertEqual(self.own.events, ["replaced", "terminated"])
        self.assertEqual(self.callee.moves(self.invite.callId), [("early", None, 180), ("terminated", "replaced", 487)])
        self.assertEqual(self.callee.moves(invite.callId), [("confirmed", None, 200)])
        self.assertEqual(self.userAgent.dialogs, [new])
        self.carolHangsUp(ok)

    def test_earlyOnly(self):
        """Section 3: that is what early-only is for."""
        self.dial()
        ok = self.carolGets(self.carolCalls(self.named(earlyOnly=True)))
        self.cancelled()
        self.assertEqual((ok.statusCode, self.old.ended.reason), (200, Reason.REPLACED))
        self.carolHangsUp(ok)

    def test_crossing(self):
        """A 2xx that crosses the CANCEL: ACK, and BYE, for the same reason (RFC 3261 section 9.1)."""
        self.dial()
        ok = self.carolGets(self.carolCalls(self.named()))
        self.respond(200)
        self.peer.expect("ACK")
        self.peer.respond(self.peer.expect("CANCEL"), 200)
        self.endsBye()
        self.assertEqual(self.old.ended.reason, Reason.REPLACED)
        self.assertEqual(self.own.events, ["replaced", "terminated"])
        self.carolHangsUp(ok)

    def test_silence(self):
        """A callee who never answers the CANCEL holds nobody up (RFC 3261 section 9.1: 64*T1)."""
        self.dial()
        ok = self.carolGets(self.carolCalls(self.named()))
        self.network.advance(33)
        self.assertEqual(self.old.ended.reason, Reason.REPLACED)
        self.carolHangsUp(ok)

    def test_endedByDelegate(self):
        """Whoever is told may end it itself; there is one CANCEL."""
        self.dial()
        self.own.dialogReplaced = lambda dialog, newDialog: dialog.destroy() and None
        ok = self.carolGets(self.carolCalls(self.named()))
        self.cancelled()
        self.assertEqual((self.own.events, self.old.ended.reason), (["terminated"], Reason.LOCAL_CANCEL))
        self.carolHangsUp(ok)

    def test_forks(self):
        """One of the dialogs of a call that forked: the INVITE is one, and the CANCEL is for all of them."""
        self.dial()
        self.rings("b")
        self.assertRefused(481, self.carolCalls(self.named().replace("from-tag=a", "from-tag=c")))
        ok = self.carolGets(self.carolCalls(self.named()))
        self.cancelled()
        self.assertEqual(self.own.events, ["replaced", "terminated", "terminated"])
        self.assertEqual(self.own.replaced, [(self.old, self.callee.dialog)])
        self.carolHangsUp(ok)

    def test_otherForkAnswered(self):
        """Once another fork has answered there is nothing to cancel (RFC 3261 section 9.1): BYE to this one."""
        self.dial(forkedAnswers="all")
        self.respond(200, "b")
        answered = self.successResultOf(self.answered)
        self.assertEqual(self.old.state.value, "early")
        ok = self.carolGets(self.carolCalls(self.named()))
        bye = self.endsBye()
        self.assertEqual((bye.toTag, self.sent("CANCEL")), ("a", 0))
        self.assertEqual((self.old.ended.reason, answered.state.value), (Reason.REPLACED, "stable"))
        answered.destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.carolHangsUp(ok)

    def test_answeredMeanwhile(self):
        """Answered while the new one rings, it is a call that stands: BYE ends it."""
        self.dial()
        invite = self.carolCalls(self.named(), later)
        self.respond(200)
        self.assertIs(self.callee.context.replacee, self.old)
        self.callee.context.accept(body=ANSWER)
        ok = self.carolGets(invite)
        self.endsBye()
        self.assertEqual((self.old.ended.reason, self.sent("CANCEL")), (Reason.REPLACED, 0))
        self.carolHangsUp(ok)


class StaysTests(EarlyCase):
    def test_rejected(self):
        """Section 3: refused, or not answered yet, it changes nothing."""
        self.dial()
        invite = self.carolCalls(self.named(), later)
        self.network.advance(5)
        self.assertEqual((self.old.state.value, self.sent("CANCEL")), ("early", 0))
        self.callee.context.reject(486)
        self.assertEqual(self.carolGets(invite).statusCode, 486)
        self.stillRings()

    def test_tooLate(self):
        """
        Section 3: early-only, and answered while the new one rang, or while its answer was being made: 486.
        """
        slow = Slow()
        for media in (None, lambda _: slow):
            self.dial()
            invite = self.carolCalls(self.named(earlyOnly=True), later)
            context = self.callee.context
            context.progress()
            accepting = context.accept(media=media) if media else None
            self.respond(200)
            if media:
                slow.waiting.callback(None)
            else:
                accepting = context.accept(body=ANSWER)
            self.failureResultOf(accepting, DialogTerminated)
            self.assertEqual(self.carolGets(invite).statusCode, 486)
            self.assertEqual((self.old.state.value, self.own.replaced), ("stable", []))
            self.old.destroy()
            self.peer.respond(self.peer.expect("BYE"), 200)
            self.network.advance(0.01)
        self.assertEqual(slow.closed, 1)

    def test_awaitedTooLate(self):
        """A coroutine that waits for it is told so, and nothing is logged."""

        async def answer(context):
            await hold
            try:
                await context.accept(body=ANSWER)
            except DialogTerminated:
                told.append(context.response.statusCode)
                raise

        hold, told = Deferred(), []
        self.dial()
        invite = self.carolCalls(self.named(earlyOnly=True), answer)
        self.respond(200)
        hold.callback(None)
        self.assertEqual(self.carolGets(invite).statusCode, 486)
        self.assertEqual(told, [486])
        self.old.destroy()
        self.endsBye()

    def test_cancelledAlready(self):
        """Section 3: given up by us, it is over, though its 487 is not here yet: 603."""
        self.dial()
        self.context.cancel()
        self.assertRefused(603, self.carolCalls(self.named()))
        self.cancelled()
        self.assertEqual(self.old.ended.reason, Reason.LOCAL_CANCEL)

    def test_onlyOnce(self):
        """So it is once another call took its place."""
        self.dial()
        ok = self.carolGets(self.carolCalls(self.named()))
        self.assertEqual(self.carolGets(self.carolCalls(self.named())).statusCode, 603)
        self.cancelled()
        self.assertEqual(self.carolGets(self.carolCalls(self.named())).statusCode, 481)
        self.assertEqual(len(self.own.replaced), 1)
        self.carolHangsUp(ok)

    def test_noTags(self):
        """Before a provisional there is no dialog to be named (RFC 3261 section 12.1)."""
        self.dial()
        own, call = self.old.sip.localTag, self.old.sip.callId
        for tag in ("0", "b"):
            self.assertRefused(481, self.carolCalls(f"{call};to-tag={own};from-tag={tag}"))
        self.stillRings()

    def test_twoOfOneName(self):
        """Section 3: a name that fits two dialogs names none; here those of a tag of zero, and of no tag at all."""
        self.dial("0", forkedAnswers="all")
        self.respond(200, "0")
        self.assertIs(self.userAgent.dialogByReplaces(self.named()), self.old)
        self.peer.respond(self.invite, 200, headers={"To": self.invite.headers.get("to")}, body=ANSWER)
        self.network.advance(0.01)
        self.assertEqual([dialog.sip.remoteTag for dialog in self.userAgent.dialogs], ["0", ""])
        self.assertRefused(481, self.carolCalls(self.named()))
        for dialog in self.userAgent.dialogs:
            dialog.destroy()
            self.peer.respond(self.peer.expect("BYE"), 200)
            self.network.advance(0.01)
