"""
An INVITE that takes the place of a call that stands (RFC 3891 section 3).
"""

from tests.ua.callee import ANSWER, OFFER, VIDEO, Notes, later
from tests.ua.replacing import Replaceable, ReplacingCase
from tests.ua.test_invite_server import Slow
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, NoAck
from twisted_sipdialog.media.fixed import FixedMedia


class TakenTests(ReplacingCase):
    def test_taken(self):
        """
        Section 3: the 2xx goes to her who replaces, then BYE to him who is replaced; both delegates are told before.
        """
        old = self.stand()
        own = old.delegate = Replaceable()
        invite = self.carolCalls(self.named())
        new = self.callee.dialog
        ok = self.carolGets(invite)
        self.assertEqual((ok.statusCode, ok.body), (200, ANSWER))
        bye = self.endsBye()
        self.assertEqual((bye.callId, bye.toTag, bye.fromTag), (old.sip.callId, self.ok.fromTag, self.ok.toTag))
        self.assertEqual(self.network.seenBy(self.userAgent)[-4:], ["> 200 INVITE", "> BYE", "< ACK", "< 200 BYE"])
        for notes in (self.callee, own):
            self.assertEqual(notes.replaced, [(old, new)])
            self.assertEqual(notes.ended.reason, Reason.REPLACED)
        self.assertEqual(own.events, ["replaced", "terminated"])
        self.assertFalse(old.ended.byPeer)
        self.assertIs(old.ended.message, new.req)
        self.assertEqual(self.userAgent.dialogs, [new])
        self.carolHangsUp(ok)

    def test_replacee(self):
        """The application is asked as for any call, and told whose place it is; any other call wants nobody's."""
        old = self.stand()
        self.assertIsNone(self.callee.context.replacee)
        invite = self.carolCalls(self.named(), later)
        context = self.callee.context
        self.assertIs(context.replacee, old)
        context.progress()
        self.network.advance(5)
        self.assertEqual((old.state.value, self.callee.replaced), ("stable", []))
        context.accept(body=ANSWER)
        ok = self.carolGets(invite)
        self.endsBye()
        self.assertEqual(self.callee.replaced, [(old, context.dialog)])
        self.carolHangsUp(ok)

    def test_ourCall(self):
        """Section 3: to-tag is ours whoever called whom."""
        self.callee = Replaceable()
        self.userAgent = self.agent(self.callee)
        calling = self.userAgent.invite("sip:peer@peer.example", body=OFFER)
        self.peer.respond(self.peer.expect("INVITE"), 200, body=ANSWER)
        self.peer.expect("ACK")
        self.old = self.successResultOf(calling)
        swapped = "{};to-tag={1};from-tag={0}".replace("{}", self.old.sip.callId).format(*self.tags(self.old))
        self.assertRefused(481, self.carolCalls(swapped))
        ok = self.carolGets(self.carolCalls(self.named()))
        self.endsBye()
        self.assertEqual((ok.statusCode, self.old.ended.reason), (200, Reason.REPLACED))
        self.carolHangsUp(ok)

    def test_description(self):
        """The new call has a session description of its own; that of the old one is closed with it."""
        before, after = Slow(), Slow()
        self.stand()
        self.old.adopt(before)
        invite = self.carolCalls(self.named(), lambda c: c.accept(media=lambda _: after) and None)
        self.assertEqual((before.closed, self.sent("BYE")), (0, 0))
        after.waiting.callback(None)
        ok = self.carolGets(invite)
        self.endsBye()
        self.assertEqual((before.closed, after.closed), (1, 0))
        self.assertIs(self.callee.dialog.session, after)
        self.carolHangsUp(ok)
        self.assertEqual(after.closed, 1)

    def test_neverAcknowledged(self):
        """Section 3: the old one is shut down at the acceptance, whatever becomes of the new one."""
        self.stand()
        self.carolCalls(self.named())
        self.endsBye()
        self.assertEqual(self.old.ended.reason, Reason.REPLACED)
        new = self.callee.dialog
        self.network.advance(33)
        self.failureResultOf(self.callee.accepting[-1], NoAck)
        self.carol.respond(self.carol.expect("BYE"), 200)
        self.network.advance(0.1)
        self.assertEqual(new.ended.reason, Reason.ACK_TIMEOUT)

    def test_twice(self):
        """Of two that want one place, the first that is accepted takes it; the other is a call like any other."""
        self.stand()
        invites = [self.carolCalls(self.named(), later) for _ in range(2)]
        first, second = self.callee.contexts[-2:]
        first.accept(body=ANSWER)
        self.network.advance(0.01)
        self.assertIsNone(second.replacee)
        second.accept(body=ANSWER)
        oks = [self.carolGets(invite) for invite in invites]
        self.endsBye()
        self.assertEqual(self.callee.replaced, [(self.old, first.dialog)])
        for ok in oks:
            self.carolHangsUp(ok)

    def test_chain(self):
        """Who took a place can lose it in turn, even before the ACK, which the BYE waits for (RFC 3261 section 15)."""
        self.stand()
        first = self.carolCalls(self.named())
        self.endsBye()
        middle = self.callee.dialog
        second = self.carolCalls(self.named(middle))
        self.assertEqual(self.callee.replaced[1:], [(middle, self.callee.dialog)])
        byes = [m for m in self.carol.received if getattr(m, "method", "") == "BYE"]
        self.assertEqual(byes, [])
        third = self.carolCalls(self.named(middle))
        self.assertEqual(self.carolGets(third).statusCode, 603)
        self.carolGets(first)
        self.carol.respond(self.carol.expect("BYE"), 200)
        self.network.advance(0.01)
        self.assertEqual(middle.ended.reason, Reason.REPLACED)
        self.carolHangsUp(self.carolGets(second))

    def test_changing(self):
        """A change of the old one that has no answer yet fails, as with any end."""
        self.stand()
        changing = self.old.modify("hold")
        self.peer.expect("INVITE")
        ok = self.carolGets(self.carolCalls(self.named()))
        self.failureResultOf(changing, DialogTerminated)
        self.endsBye()
        self.carolHangsUp(ok)

    def test_endedByDelegate(self):
        """Whoever is told may hang up itself; there is one BYE."""
        self.stand()
        self.callee.dialogReplaced = lambda dialog, newDialog: dialog.destroy(reason="elsewhere")
        ok = self.carolGets(self.carolCalls(self.named()))
        self.assertIn("elsewhere", self.endsBye().headers.get("reason"))
        self.assertEqual(self.old.ended.reason, Reason.LOCAL_BYE)
        self.carolHangsUp(ok)

    def test_delegateRaises(self):
        """What a delegate makes of it does not keep the old one alive."""
        self.stand()
        self.callee.dialogReplaced = lambda dialog, newDialog: 1 / 0
        ok = self.carolGets(self.carolCalls(self.named()))
        self.endsBye()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.carolHangsUp(ok)

    def test_noTag(self):
        """Section 3: a from-tag of zero means a peer that has no tag, too."""
        self.callee = Replaceable()
        self.userAgent = self.agent(self.callee)
        invite = self.peer.request("INVITE", self.userAgent, headers={"From": "<sip:peer@peer.example>"}, body=OFFER)
        self.peer.ack(self.finalTo(invite))
        self.network.advance(0.01)
        self.old = self.callee.dialog
        call, own = invite.callId, self.old.sip.localTag
        self.assertRefused(481, self.carolCalls(f"{call};to-tag={own};from-tag=1"))
        ok = self.carolGets(self.carolCalls(f"{call};to-tag={own};from-tag=0"))
        self.endsBye()
        self.assertEqual(self.old.ended.reason, Reason.REPLACED)
        self.carolHangsUp(ok)


class StaysTests(ReplacingCase):
    """Section 3: when the new INVITE is not accepted, the call stays as it is."""

    def test_default(self):
        """Nobody is there to accept it: 480, as for any call."""
        own = self.callee = Replaceable()
        self.userAgent = self.agent(Notes())
        calling = self.userAgent.invite("sip:peer@peer.example", body=OFFER, delegate=own)
        invite = self.peer.expect("INVITE")
        self.ok = self.peer.respond(invite, 200, body=ANSWER)
        self.peer.expect("ACK")
        self.old = self.successResultOf(calling)
        self.assertEqual(self.carolGets(self.carolCalls(self.named())).statusCode, 480)
        self.network.advance(1)
        self.assertEqual((self.old.state.value, self.sent("BYE"), own.replaced), ("stable", 0, []))
        self.old.destroy()
        self.endsBye()

    def test_rejected(self):
        """The application refuses."""
        self.stand()
        invite = self.carolCalls(self.named(), lambda context: context.reject(403) and None)
        self.assertEqual(self.carolGets(invite).statusCode, 403)
        self.stands()

    def test_doesNotFit(self):
        """What is offered cannot be answered: 488."""
        self.stand()
        self.callee.answer = lambda context: context.accept(media=FixedMedia(ANSWER)) and None
        invite = self.carol.request("INVITE", self.userAgent, headers={"Replaces": self.named()}, body=VIDEO)
        self.assertEqual(self.carolGets(invite).statusCode, 488)
        self.stands()

    def test_cancelled(self):
        """She gives up, while it rings or while the answer is being made."""
        self.stand()
        slow = Slow()
        accepting = []
        for answer in (later, lambda context: accepting.append(context.accept(media=lambda _: slow))):
            invite = self.carolCalls(self.named(), answer)
            self.carol.cancel(invite)
            self.assertEqual(self.carolGets(invite).statusCode, 487)
        self.failureResultOf(accepting[0], DialogTerminated)
        self.stands()

    def test_endsMeanwhile(self):
        """The old one ends first: what is left is a call like any other."""
        self.stand()
        slow = Slow()
        asked = self.carolCalls(self.named(), later)
        ringing = self.callee.context
        described = self.carolCalls(self.named(), lambda context: context.accept(media=lambda _: slow) and None)
        self.finalTo(self.peer.request("BYE", within=self.ok))
        self.assertIsNone(ringing.replacee)
        ringing.accept(body=ANSWER)
        slow.waiting.callback(None)
        for invite in (asked, described):
            ok = self.carolGets(invite)
            self.assertEqual(ok.statusCode, 200)
            self.carolHangsUp(ok)
        self.assertEqual((self.callee.replaced, self.old.ended.reason), ([], Reason.REMOTE_BYE))


class TwoAgentsTests(ReplacingCase):
    def test_b28_otherAgent(self):
        """Only the agent that has the call knows its name, though another one shares its host (B28)."""
        self.stand()
        other = self.network.userAgent("sip:other@b.example", Replaceable())
        self.assertEqual(self.network.addressOf(other)[0], self.network.addressOf(self.userAgent)[0])
        self.assertRefused(481, self.carolCalls(self.named(), to=other))
        self.assertEqual(other.delegate.contexts, [])
        ok = self.carolGets(self.carolCalls(self.named()))
        self.endsBye()
        self.assertEqual((ok.statusCode, len(self.callee.replaced)), (200, 1))
        self.carolHangsUp(ok)
