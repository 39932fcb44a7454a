"""
What the objects handed to applications are is what interfaces.py says of them.
"""

from zope.interface.verify import verifyObject

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase
from twisted_sipdialog.delegates import DialogDelegate, UserAgentDelegate
from twisted_sipdialog.interfaces import (
    IDialog,
    IDialogDelegate,
    IEnded,
    IInviteClientContext,
    IInviteServerContext,
    IServerContext,
    IUserAgent,
    IUserAgentDelegate,
)


class Both(Callee):
    def optionsReceived(self, context):
        self.other = context
        context.accept()


class InterfaceTests(CalleeTestCase):
    def test_delegates(self):
        """The bases for delegates have every method there is."""
        verifyObject(IDialogDelegate, DialogDelegate())
        verifyObject(IUserAgentDelegate, UserAgentDelegate())

    def test_called(self):
        """Who is called: user agent, both kinds of context, dialog, and its end."""
        callee = Both()
        agent = self.agent(callee)
        self.final("OPTIONS", agent)
        self.peer.request("INVITE", agent, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.finalTo(self.peer.request("BYE", within=ok))
        verifyObject(IUserAgent, agent)
        verifyObject(IServerContext, callee.other)
        verifyObject(IInviteServerContext, callee.context)
        verifyObject(IDialog, callee.dialog)
        # dialog/ knows no zope, so it cannot say so itself.
        verifyObject(IEnded, callee.ended, tentative=True)

    def test_caller(self):
        """Who calls: the context, its early dialog and the one that stands."""
        context = self.agent().inviteContext("sip:bob@peer.example", body=OFFER)
        verifyObject(IInviteClientContext, context)
        invite = self.peer.expect("INVITE")
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        verifyObject(IDialog, context.dialog)
        self.peer.respond(invite, 200, body=ANSWER)
        self.peer.expect("ACK")
        verifyObject(IDialog, self.successResultOf(context.whenAnswered()))
        verifyObject(IInviteClientContext, context)
        context.dialog.destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)
