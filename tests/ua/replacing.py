"""
What the tests of Replaces and Join share: a call, and somebody else who wants its place.
"""

from __future__ import annotations

from tests.ua.callee import OFFER, Callee, CalleeTestCase
from twisted_sipdialog.message.event_fields import Replaces
from twisted_sipdialog.testing import ScriptedPeer


class Replaceable(Callee):
    """A callee who notes which dialog took the place of which."""

    def __init__(self, answer=None):
        super().__init__(answer)
        self.replaced = []

    def dialogReplaced(self, dialog, newDialog):
        self.told.append(("replaced", dialog, newDialog))
        self.replaced.append((dialog, newDialog))


class ReplacingCase(CalleeTestCase):
    """
    The peer and an agent of ours have a call; Carol calls that agent.
    """

    def setUp(self):
        super().setUp()
        self.carol = ScriptedPeer(self.network, "carol.example")

    def stand(self, **settings):
        """A call of the peer that stands."""
        self.callee = Replaceable()
        self.userAgent = self.agent(self.callee, **settings)
        invite = self.peer.request("INVITE", self.userAgent, body=OFFER)
        self.ok = self.finalTo(invite)
        self.peer.ack(self.ok)
        self.network.advance(0.01)
        self.old = self.callee.dialog
        return self.old

    def named(self, dialog=None, earlyOnly=False):
        """The value that names C{dialog}, by default the call that stands."""
        sip = (dialog or self.old).sip
        return str(Replaces(sip.callId, sip.localTag, sip.remoteTag, earlyOnly))

    def tags(self, dialog):
        return dialog.sip.localTag, dialog.sip.remoteTag

    def carolCalls(self, replaces=None, answer=None, to=None, **headers):
        """Her INVITE, with Replaces unless C{headers} say otherwise; C{answer} is what the application says."""
        if answer is not None:
            self.callee.answer = answer
        if replaces is not None:
            headers["Replaces"] = replaces
        invite = self.carol.request("INVITE", to or self.userAgent, headers=headers, body=OFFER)
        self.network.advance(0.01)
        return invite

    def carolGets(self, invite):
        """The final response to it; she acknowledges it."""
        self.network.advance(0.01)
        for message in self.carol.received:
            if getattr(message, "statusCode", 0) >= 200 and message.callId == invite.callId:
                if message.cseqNumber == invite.cseqNumber and message.cseqMethod == "INVITE":
                    self.carol.ack(message)
                    self.network.advance(0.01)
                    return message
        raise AssertionError(f"no final answer to {invite!r}\n{self.network.ladder()}")

    def assertRefused(self, status, invite):
        """The application was not asked; the call is as it was."""
        answer = self.carolGets(invite)
        self.assertEqual(answer.statusCode, status, self.network.ladder())
        self.assertNotIn(invite.callId, [context.request.callId for context in self.callee.contexts])
        self.assertEqual(self.callee.replaced, [])
        return answer

    def stands(self):
        """The call of the peer goes on, as if nothing had been; then she hangs up."""
        self.network.advance(1)
        self.assertEqual((self.old.state.value, self.callee.replaced), ("stable", []))
        self.assertEqual(self.sent("BYE"), 0)
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=self.ok)).statusCode, 200)

    def endsBye(self):
        """We hung up on the peer, once, who says so."""
        self.network.advance(0.01)
        self.assertEqual(self.sent("BYE"), 1, self.network.ladder())
        bye = self.peer.expect("BYE")
        self.peer.respond(bye, 200)
        self.network.advance(0.01)
        return bye

    def carolHangsUp(self, ok):
        self.carol.request("BYE", within=ok)
        self.network.advance(0.01)
