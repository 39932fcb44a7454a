"""
An INVITE that is to be mixed into a call of ours (RFC 3911 section 4).  We do not mix: nothing is ever joined.
"""

from tests.ua.callee import ANSWER, OFFER, later
from tests.ua.replacing import Replaceable, ReplacingCase


class JoinTests(ReplacingCase):
    def joins(self, text=None, answer=None, **headers):
        """Carol's INVITE with Join."""
        return self.carolCalls(None, answer, Join=self.named() if text is None else text, **headers)

    def test_matched(self):
        """What cannot be done for a call that is there is refused with an error that fits, and the call stays."""
        self.stand()
        self.assertRefused(488, self.joins())
        self.stands()

    def test_matchedEarly(self):
        """So it is with a call of ours that still rings."""
        self.callee = Replaceable()
        self.userAgent = self.agent(self.callee)
        context = self.userAgent.inviteContext("sip:peer@peer.example", body=OFFER, delegate=self.callee)
        context.whenAnswered().addErrback(lambda _: None)
        self.peer.respond(self.peer.expect("INVITE"), 180)
        self.network.advance(0.1)
        self.old = context.dialog
        self.assertRefused(488, self.joins())
        self.assertEqual((self.old.state.value, self.sent("CANCEL")), ("early", 0))

    def test_required(self):
        """Who requires it is told that we do not know it (section 7.2); Supported does not say so."""
        self.stand()
        self.assertNotIn("join", self.ok.headers.elements("supported"))
        answer = self.assertRefused(420, self.joins(Require="join"))
        self.assertEqual(answer.headers.elements("unsupported"), ["join"])
        self.stands()

    def test_malformed(self):
        """More than one, none that can be read, or Replaces beside it: 400."""
        self.stand()
        call, tag = self.old.sip.callId, self.old.sip.localTag
        for text in ("", call, f"{call};to-tag={tag}", f"{self.named()}, {self.named()}"):
            self.assertRefused(400, self.joins(text))
        self.assertRefused(400, self.joins(Replaces=self.named()))
        line = f"Join: {self.named()}\r\n".encode()
        invite = self.carol.request("INVITE", ("192.0.2.250", 9), headers={"Join": self.named()}, body=OFFER)
        self.carol.send(invite.toBytes().replace(line, 2 * line), self.userAgent)
        self.network.advance(0.01)
        self.assertEqual(self.carol.received[-1].statusCode, 400)
        self.stands()

    def test_otherMethods(self):
        """In a request that is no INVITE: 400."""
        self.stand()
        self.assertEqual(self.final("OPTIONS", self.userAgent, headers={"Join": self.named()}).statusCode, 400)
        self.assertEqual(self.final("INFO", None, within=self.ok, headers={"Join": self.named()}).statusCode, 400)
        self.stands()

    def test_noMatch(self):
        """No such call: 481; to-tag is ours."""
        self.stand()
        sip = self.old.sip
        for text in (
            f"{sip.callId};to-tag={sip.remoteTag};from-tag={sip.localTag}",
            f"{sip.callId};to-tag={sip.localTag};from-tag=other",
            f"other;to-tag={sip.localTag};from-tag={sip.remoteTag}",
        ):
            self.assertRefused(481, self.joins(text))
        self.stands()

    def test_earlyCallee(self):
        """One that somebody else began, and nobody has answered: 481."""
        self.stand()
        self.callee.answer = later
        invite = self.peer.request("INVITE", self.userAgent, body=OFFER)
        self.network.advance(0.01)
        context = self.callee.context
        context.progress()
        self.assertRefused(481, self.joins(self.named(context.dialog)))
        context.reject(486)
        self.assertEqual(self.finalTo(invite).statusCode, 486)
        self.stands()

    def test_over(self):
        """One that is over, but for the answer to its BYE: 603."""
        self.stand()
        self.old.destroy()
        self.assertRefused(603, self.joins())
        self.endsBye()

    def test_applicationMixes(self):
        """An application that says it knows C{join} is asked; the call goes on beside the new one."""
        self.stand(supported="join")
        self.assertIn("join", self.ok.headers.elements("supported"))
        ok = self.carolGets(self.joins(Require="join"))
        self.assertEqual((ok.statusCode, ok.body, self.callee.context.replacee), (200, ANSWER, None))
        self.assertEqual(len(self.userAgent.dialogs), 2)
        self.carolHangsUp(ok)
        self.assertRefused(481, self.joins("other;to-tag=a;from-tag=b"))
        self.stands()

    def test_replacesOff(self):
        """Where Replaces is not known, it contradicts nothing."""
        self.stand(replaces="off")
        self.assertRefused(488, self.joins(Replaces=self.named()))
        self.stands()
