"""
What the objects handed to applications are is what interfaces.py says of them.
"""

from zope.interface.verify import verifyObject

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase
from twisted_sipdialog import ReferClientContext
from twisted_sipdialog.delegates import (
    DialogDelegate,
    NotifierDelegate,
    PublishDelegate,
    ReferDelegate,
    RequestDelegate,
    SubscriptionDelegate,
    UserAgentDelegate,
)
from twisted_sipdialog.interfaces import (
    IClientContext,
    IDialog,
    IDialogDelegate,
    IEnded,
    IInviteClientContext,
    IInviteServerContext,
    INotification,
    INotifier,
    INotifierDelegate,
    IPublishClientContext,
    IPublishDelegate,
    IReferClientContext,
    IReferDelegate,
    IReferServerContext,
    IRequestDelegate,
    IServerContext,
    ISubscribeServerContext,
    ISubscription,
    ISubscriptionDelegate,
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
        verifyObject(IRequestDelegate, RequestDelegate())
        verifyObject(IReferDelegate, ReferDelegate())
        verifyObject(IPublishDelegate, PublishDelegate())
        verifyObject(ISubscriptionDelegate, SubscriptionDelegate())
        verifyObject(INotifierDelegate, NotifierDelegate())

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

    def test_requests(self):
        """What our own requests are, and a REFER to us."""
        asked = []

        class Asked(Callee):
            def referReceived(self, context):
                asked.append(context)
                context.reject()

        agent = self.agent(Asked())
        verifyObject(IClientContext, agent.requestContext("OPTIONS", "sip:peer@peer.example"))
        publishing = agent.publish("sip:peer@peer.example", "presence", b"open")
        for method, code in (("OPTIONS", 200), ("PUBLISH", 200)):
            self.peer.respond(self.peer.expect(method), code, headers={"SIP-ETag": "x"})
        self.network.advance(0.1)
        verifyObject(IPublishClientContext, self.successResultOf(publishing))
        self.peer.request("INVITE", agent, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.1)
        context = ReferClientContext(agent, agent.dialogs[0], "sip:carol@c.example")
        verifyObject(IReferClientContext, context)
        self.peer.request("REFER", within=ok, headers={"Refer-To": "<sip:carol@c.example>"})
        self.network.advance(0.1)
        verifyObject(IReferServerContext, asked[0])

    def test_subscriptions(self):
        """A subscription, from both sides."""
        asked = []

        class Told(Callee):
            def subscribeReceived(self, context):
                asked.append(context)
                verifyObject(ISubscribeServerContext, context)
                context.accept(body=b"open")

        told = self.network.userAgent("sip:bob@b.example", Told())
        subscribing = self.agent().subscribe("sip:bob@b.example", "x-lamp")
        self.network.advance(0.1)
        subscription = self.successResultOf(subscribing)
        verifyObject(ISubscription, subscription)
        verifyObject(INotification, subscription.notification)
        verifyObject(INotifier, asked[0].notifier)
        self.assertEqual(subscription.notification.body, b"open")
        told.stopService()
        self.network.advance(0.1)
