"""
Dialogs found by their names (RFC 3891 section 3), and what the user agent's delegate is told of all of them.
"""

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, Notes, later
from tests.ua.calling import CallerCase
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.event_fields import Replaces


class LookUpTests(CalleeTestCase):
    def test_replaces(self):
        """
        RFC 3891 section 3: to-tag is the receiver's own tag, whoever called whom; the other way round is no match.
        """
        agent, callee, ok = self.call()
        callId, mine, theirs = callee.dialog.dialogState.id
        self.assertEqual((mine, theirs), (ok.toTag, ok.fromTag))
        named = Replaces(callId, toTag=mine, fromTag=theirs)
        for one in (named, str(named), f"{callId};from-tag={theirs};to-tag={mine};early-only"):
            self.assertIs(agent.dialogByReplaces(one), callee.dialog)
        for call, to, from_ in (
            (callId, theirs, mine),
            (callId, mine, "other"),
            (callId, "other", theirs),
            ("other", mine, theirs),
        ):
            self.assertIsNone(agent.dialogByReplaces(f"{call};to-tag={to};from-tag={from_}"))
        for text in ("", callId, f"{callId};to-tag={mine}", f"{callId};from-tag={theirs}", ";to-tag=a;from-tag=b"):
            self.assertRaises(ParseError, agent.dialogByReplaces, text)
        self.finalTo(self.peer.request("BYE", within=ok))
        self.assertIsNone(agent.dialogByReplaces(named))

    def test_noTag(self):
        """RFC 3891 section 3: a tag of zero means the peer of RFC 2543 that has none, too."""
        agent, callee, invite = self.ring(None, headers={"From": "<sip:peer@peer.example>"})
        own = callee.dialog.sip.localTag
        self.assertIs(agent.dialogByReplaces(f"{invite.callId};to-tag={own};from-tag=0"), callee.dialog)
        self.assertIsNone(agent.dialogByReplaces(f"{invite.callId};to-tag={own};from-tag=1"))
        callee.dialog.destroy()
        self.network.advance(70)

    def test_early(self):
        """An early dialog is found, too; none before it is one."""
        agent, callee, invite = self.ring(later)
        self.assertEqual(agent.dialogsByCallId(invite.callId), [])
        callee.context.progress()
        self.assertEqual(agent.dialogsByCallId(invite.callId), [callee.context.dialog])
        tag = callee.context.dialog.sip.localTag
        named = f"{invite.callId};to-tag={tag};from-tag={invite.fromTag}"
        self.assertIs(agent.dialogByReplaces(named), callee.context.dialog)
        callee.context.reject(486)
        self.finalTo(invite)
        self.assertEqual((agent.dialogsByCallId(invite.callId), agent.dialogByReplaces(named)), ([], None))

    def test_b28_twoAgents(self):
        """Two user agents find their own dialogs only (B28)."""
        first, callee, ok = self.call()
        second, other, again = self.call()
        for agent, dialog in ((first, callee.dialog), (second, other.dialog)):
            for response in (ok, again):
                named = f"{response.callId};to-tag={response.toTag};from-tag={response.fromTag}"
                found = agent.dialogByReplaces(named)
                self.assertIs(found, dialog if dialog.sip.callId == response.callId else None)
        for response in (ok, again):
            self.finalTo(self.peer.request("BYE", within=response))


class CallersLookUpTests(CallerCase):
    def test_replaces(self):
        """As a caller our tag is the From tag; to-tag names it all the same (RFC 3891 section 3)."""
        dialog, invite, _ = self.call()
        named = f"{invite.callId};to-tag={invite.fromTag};from-tag={self.peer.tag}"
        self.assertIs(self.alice.dialogByReplaces(named), dialog)
        mistaken = f"{invite.callId};to-tag={self.peer.tag};from-tag={invite.fromTag}"
        self.assertIsNone(self.alice.dialogByReplaces(mistaken))
        dialog.destroy()
        self.endsBye()

    def test_forks(self):
        """All forks of a call by its Call-ID, each by its tags."""
        context, invite = self.context()
        for tag in "abc":
            self.fork(invite, 180, tag)
        self.network.advance(0.1)
        self.assertEqual(self.alice.dialogsByCallId(invite.callId), context.dialogs)
        for dialog, tag in zip(context.dialogs, "abc", strict=True):
            self.assertIs(
                self.alice.dialogByReplaces(f"{invite.callId};to-tag={invite.fromTag};from-tag={tag}"), dialog
            )
        self.fork(invite, 200, "b")
        self.network.advance(0.1)
        self.assertEqual([d.sip.remoteTag for d in self.alice.dialogsByCallId(invite.callId)], ["b"])
        self.assertEqual(self.alice.dialogsByCallId("other"), [])
        self.alice.dialogs[0].destroy()
        self.endsBye()


class Told(Notes):
    """Notes that a dialog is early, too."""

    def dialogEarly(self, dialog):
        self.told.append(("early", dialog, None))


class CalleeTold(Callee, Told):
    pass


class ToldTests(CalleeTestCase):
    def test_callee(self):
        """The dialog's own delegate and the user agent's are told each once, of the same."""
        own, callee = Told(), CalleeTold()

        def answer(context):
            context.progress()
            context.accept(body=ANSWER, delegate=own)

        callee.answer = answer
        agent = self.agent(callee)
        self.peer.request("INVITE", agent, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.finalTo(self.peer.request("BYE", within=ok))
        self.network.advance(70)
        self.assertEqual(callee.events, ["early", "confirmed", "terminated"])
        # It was handed over with the 2xx only.
        self.assertEqual(own.events, ["confirmed", "terminated"])
        self.assertEqual({dialog for _, dialog, _ in callee.told + own.told}, {callee.contexts[0].dialog})
        self.assertIs(own.ended, callee.ended)

    def test_sameObject(self):
        """One that is both is told once."""
        callee = CalleeTold()

        def answer(context):
            context.progress()
            context.accept(body=ANSWER, delegate=callee)

        callee.answer = answer
        agent = self.agent(callee)
        self.peer.request("INVITE", agent, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.finalTo(self.peer.request("BYE", within=ok))
        self.assertEqual(callee.events, ["early", "confirmed", "terminated"])

    def test_neverMade(self):
        """What never was a dialog is not told as one."""
        callee = CalleeTold(lambda context: context.reject(486))
        self.assertEqual(self.final("INVITE", self.agent(callee), body=OFFER).statusCode, 486)
        self.assertEqual(callee.events, [])

    def test_earlyRefused(self):
        """An early dialog that is refused was early, and is over."""
        callee = CalleeTold()

        def answer(context):
            context.progress()
            context.progress(183)
            context.reject(486)

        callee.answer = answer
        self.assertEqual(self.final("INVITE", self.agent(callee), body=OFFER).statusCode, 486)
        self.assertEqual(callee.events, ["early", "terminated"])


class CallerToldTests(CallerCase):
    def test_caller(self):
        """As a caller: early and terminated for each fork, confirmed for one."""
        everybody, own = Told(), Told()
        agent = self.network.userAgent("sip:carl@c.example", everybody)
        context = agent.inviteContext("sip:bob@peer.example", body=OFFER, delegate=own)
        invite = self.peer.expect("INVITE")
        for tag in ("a", "b", "a", "b"):
            self.fork(invite, 180, tag)
            self.network.advance(0.1)
        for _ in range(3):
            self.fork(invite, 200, "b")
            self.network.advance(0.1)
        dialog = self.successResultOf(context.whenAnswered())
        dialog.destroy()
        self.endsBye()
        for notes in (everybody, own):
            told = [(what, subject.sip.remoteTag) for what, subject, _ in notes.told]
            self.assertEqual(told[:2], [("early", "a"), ("early", "b")])
            self.assertEqual(sorted(told[2:]), [("confirmed", "b"), ("terminated", "a"), ("terminated", "b")])
        self.assertEqual(everybody.told, own.told)
