"""
How an INVITE of ours fares, told (interfaces.IRequestDelegate; RFC 3261 section 13.2.2), and its IClientContext.
"""

from twisted.internet.defer import CancelledError, Deferred
from zope.interface.verify import verifyObject

from tests.ua.calling import ANSWER, BOB, OFFER, CallerCase, Media
from tests.ua.faring import Fares, refused
from twisted_sipdialog.errors import DialogTerminated, RemoteError, ResponseError, Timeout, TransportError
from twisted_sipdialog.interfaces import IClientContext, IInviteClientContext
from twisted_sipdialog.status import Cause

ACCEPTED = [("accepted", 200, None)]
CANCELED = [("failed", None, Cause.CANCELED)]


class Events(Fares):
    """Notes the dialog's events as well."""

    def dialogConfirmed(self, dialog):
        self.told.append(("confirmed", None, None))

    def dialogTerminated(self, dialog, ended):
        self.told.append(("terminated", None, None))


class ToldCase(CallerCase):
    def calling(self, delegate=Events, **arguments):
        """The context of a call of Alice's, and its INVITE."""
        self.fares = delegate()
        context, invite = self.context(delegate=self.fares, **arguments)
        self.answered, self.finished = context.whenAnswered(), context.whenFinished()
        for waiting in (self.answered, self.finished):
            self.addCleanup(waiting.addErrback, lambda _: None)
        return context, invite

    def ends(self, *told):
        """C{told} is all that is told of the request."""
        self.assertNothingLeft()
        fared = [one for one in self.fares.told if one[0] not in ("confirmed", "terminated")]
        self.assertEqual(fared, [*told])


class ViewTests(ToldCase):
    def test_interface(self):
        """It is what its interfaces say: a request of ours, too."""
        context, invite = self.calling()
        verifyObject(IInviteClientContext, context)
        self.assertTrue(IClientContext.providedBy(context))
        self.assertEqual((context.method, context.body, context.contentType), ("INVITE", OFFER, "application/sdp"))
        self.assertEqual(str(context.localIdentity.uri), "sip:alice@a.example")
        self.assertEqual(str(context.remoteIdentity.uri), BOB)
        self.assertEqual((context.userAgent, context.delegate), (self.alice, self.fares))
        context.data["mine"] = 1
        self.peer.respond(invite, 200, body=ANSWER)
        self.peer.expect("ACK")
        self.assertIs(self.successResultOf(self.answered).data, context.data)
        self.assertIs(self.successResultOf(self.finished), context.response)


class AcceptedTests(ToldCase):
    def test_accepted(self):
        """Section 13.2.2.4: after the ACK went out, before the call stands; a repeated 2xx is not told."""
        seen = []

        class Looking(Events):
            def requestAccepted(self, context, response):
                super().requestAccepted(context, response)
                seen.append((context.dialog.state.value, test.network.seenBy(test.alice)[-1]))

        test = self
        _context, invite = self.calling(Looking)
        for code in (100, 180, 200, 200):
            self.peer.respond(invite, code, body=ANSWER if code == 200 else b"")
            self.network.advance(0.1)
        self.assertEqual(
            self.fares.told, [("progress", 100, None), ("progress", 180, None), *ACCEPTED, ("confirmed", None, None)]
        )
        self.assertEqual(seen, [("stable", "> ACK")])
        self.alice.dialogs[0].destroy()
        self.endsBye()
        self.ends(("progress", 100, None), ("progress", 180, None), *ACCEPTED)

    def test_forks(self):
        """A further 2xx of a forked call is another dialog, not another outcome."""
        _context, invite = self.calling()
        for tag in ("a", "b"):
            self.fork(invite, 200, tag)
            self.network.advance(0.1)
        self.endsBye()
        self.alice.dialogs[0].destroy()
        self.endsBye()
        self.ends(*ACCEPTED)

    def test_allForks(self):
        """Nor are those that are taken as calls of their own, or come to nothing, when all are wanted."""
        self.fares = Events()
        agent = self.network.userAgent("sip:carol@c.example", forkedAnswers="all")
        agent.inviteContext(BOB, body=OFFER, delegate=self.fares)
        invite = self.peer.expect("INVITE")
        for tag in ("a", "b"):
            self.fork(invite, 200, tag)
            self.network.advance(0.1)
        self.peer.respond(invite, 200, headers={"To": f"<{BOB}>;tag=c"})
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(0.1)
        fared = [what for what, *_ in self.fares.told]
        self.assertEqual(fared, ["accepted", "confirmed", "confirmed", "terminated"])
        self.assertEqual(len(agent.dialogs), 2)
        agent.stopService()
        for _ in range(2):
            self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(1)

    def test_hungUp(self):
        """Whoever hangs up when it is told: BYE, and the dialog is not told as one that stands."""

        class Fickle(Events):
            def requestAccepted(self, context, response):
                super().requestAccepted(context, response)
                context.dialog.destroy()

        _context, invite = self.calling(Fickle)
        self.peer.respond(invite, 200, body=ANSWER)
        self.endsBye()
        self.assertEqual([what for what, *_ in self.fares.told], ["accepted", "terminated"])
        self.assertEqual(self.alice.dialogs, [])
        self.ends(*ACCEPTED)

    def test_late(self):
        """The 2xx has the offer, and our answer takes its time: it is accepted when the ACK has gone out."""
        answer = Deferred()
        _context, invite = self.calling(body=b"", media=Media(answers=answer))
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.assertEqual(self.fares.told, [])
        self.assertEqual(self.successResultOf(self.finished).statusCode, 200)
        answer.callback(OFFER)
        self.assertEqual(self.fares.told, [*ACCEPTED, ("confirmed", None, None)])
        self.alice.dialogs[0].destroy()
        self.endsBye()
        self.ends(*ACCEPTED)

    def test_unusable(self):
        """RFC 6337 section 2.3: a 2xx without an answer makes no call, though it is the final response."""
        context, invite = self.calling()
        self.peer.respond(invite, 200)
        self.endsBye()
        self.failureResultOf(self.answered, RemoteError)
        self.assertIs(self.successResultOf(self.finished), context.response)
        self.ends(("failed", None, Cause.BAD_MEDIA_DESCRIPTION))

    def test_noDialog(self):
        """Section 12.1.2: nor does one without a Contact."""
        context, invite = self.calling()
        self.peer.respond(invite, 200, headers={"Contact": None}, body=ANSWER)
        self.network.advance(0.1)
        self.assertIs(self.successResultOf(self.finished), context.response)
        self.ends(("failed", None, Cause.DIALOG_ERROR))


class RefusedTests(ToldCase):
    def test_rejected(self):
        """Section 13.2.2.3: the final that was not followed, with its cause."""
        for code, cause in ((302, Cause.REDIRECTED), (486, Cause.BUSY), (407, Cause.AUTHENTICATION_ERROR)):
            context, invite = self.calling()
            self.peer.respond(invite, code)
            self.network.advance(0.1)
            self.assertEqual(self.fares.told, refused(code, cause))
            self.assertIs(self.successResultOf(self.finished), context.response)
            self.failureResultOf(self.answered, ResponseError)
        self.assertNothingLeft()

    def test_afterTheDialog(self):
        """The early dialogs are over by then."""
        _context, invite = self.calling()
        self.fork(invite, 180, "a")
        self.network.advance(0.1)
        self.peer.respond(invite, 486)
        self.network.advance(0.1)
        self.assertEqual([what for what, *_ in self.fares.told], ["progress", "terminated", "rejected", "failed"])

    def test_followed(self):
        """Section 8.1.3.4: a redirection that is followed is no outcome."""
        agent = self.network.userAgent("sip:carol@c.example", followRedirects=1)
        self.fares = Events()
        agent.inviteContext(BOB, body=OFFER, delegate=self.fares)
        self.peer.respond(self.peer.expect("INVITE"), 302, headers={"Contact": f"<{BOB};x=1>"})
        self.peer.respond(self.peer.expect("INVITE"), 603)
        self.network.advance(0.1)
        self.assertEqual(self.fares.told, refused(603, Cause.REJECTED))

    def test_timeout(self):
        """Section 17.1.1.2: no answer at all."""
        self.calling()
        self.network.advance(33)
        self.failureResultOf(self.finished, Timeout)
        self.ends(("failed", None, Cause.REQUEST_TIMEOUT))

    def test_lostFlow(self):
        """Section 17.1.4: the connection breaks."""
        self.calling(target=f"{BOB};transport=tcp")
        self.network.reset(self.alice, self.peer)
        self.network.advance(0.1)
        self.failureResultOf(self.finished, TransportError)
        self.ends(("failed", None, Cause.CONNECTION_ERROR))

    def test_undescribed(self):
        """Our own description cannot be made: nothing was sent."""
        fares = Events()
        context = self.alice.inviteContext(BOB, media=Media(offers=ValueError("mine")), delegate=fares)
        self.network.advance(0.1)
        self.assertEqual(fares.told, [("failed", None, Cause.INTERNAL_ERROR)])
        self.failureResultOf(context.whenFinished(), ValueError)
        self.failureResultOf(context.whenAnswered(), ValueError)
        self.assertNothingLeft()

    def test_ringing(self):
        """The callee rings for longer than C{ringTimeout}: CANCEL, and nobody answered."""
        agent = self.network.userAgent("sip:carol@c.example", ringTimeout=5.0)
        self.fares = Events()
        agent.inviteContext(BOB, body=OFFER, delegate=self.fares)
        invite = self.peer.expect("INVITE")
        self.peer.respond(invite, 180)
        self.peer.respond(self.peer.expect("CANCEL", 6), 200)
        self.peer.respond(invite, 487)
        self.network.advance(0.1)
        self.assertEqual(self.fares.told[-2:], refused(487, Cause.NO_ANSWER))

    def test_stop(self):
        """The service stops, and nobody answers its CANCEL."""
        _context, invite = self.calling()
        self.peer.respond(invite, 180, headers={"To": f"<{BOB}>"})
        self.alice.stopService()
        self.network.advance(80)
        self.failureResultOf(self.finished, TransportError)
        self.ends(("progress", 180, None), *CANCELED)


class CancelledTests(ToldCase):
    def test_cancelled(self):
        """Section 9.1: the outcome is the final response, whose cause is that we gave up."""
        context, invite = self.calling()
        self.peer.respond(invite, 100)
        self.network.advance(0.1)
        context.cancel()
        self.peer.respond(self.peer.expect("CANCEL"), 200)
        self.assertNoResult(self.finished)
        self.failureResultOf(self.answered, CancelledError)
        self.assertEqual(self.fares.told, [("progress", 100, None)])
        self.peer.respond(invite, 487)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(self.finished).statusCode, 487)
        self.ends(("progress", 100, None), *refused(487, Cause.CANCELED))

    def test_crossed(self):
        """A 2xx crosses the CANCEL: it is not taken, but acknowledged and ended."""
        context, invite = self.calling()
        self.peer.respond(invite, 100)
        self.network.advance(0.1)
        context.cancel()
        self.peer.respond(self.peer.expect("CANCEL"), 481)
        self.peer.respond(invite, 200, body=ANSWER)
        self.endsBye()
        self.assertEqual(self.successResultOf(self.finished).statusCode, 200)
        self.ends(("progress", 100, None), *CANCELED)

    def test_unheard(self):
        """Nobody answers the INVITE after the CANCEL, for 64*T1."""
        context, invite = self.calling()
        self.peer.respond(invite, 100)
        self.network.advance(0.1)
        context.cancel()
        self.network.advance(40)
        self.failureResultOf(self.finished, Timeout)
        self.ends(("progress", 100, None), *CANCELED)

    def test_unsent(self):
        """Before it was sent: its description is still being made."""
        fares = self.fares = Events()
        context = self.alice.inviteContext(BOB, media=Media(offers=Deferred()), delegate=fares)
        context.cancel()
        self.network.advance(1)
        self.failureResultOf(context.whenFinished(), CancelledError)
        self.assertEqual(self.peer.received, [])
        self.ends(*CANCELED)

    def test_preparing(self):
        """While our answer to the offer in the 2xx is being made: ACK and BYE."""
        context, invite = self.calling(body=b"", media=Media(answers=Deferred()))
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        context.cancel()
        self.endsBye()
        self.failureResultOf(self.answered, CancelledError)
        self.ends(*CANCELED)

    def test_byCallee(self):
        """The callee ends the only early dialog and answers all the same: the dialog is what failed."""
        _context, invite = self.calling()
        early = self.fork(invite, 180, "a")
        self.network.advance(0.1)
        self.peer.request("BYE", within=early)
        self.network.advance(0.1)
        self.fork(invite, 200, "a")
        self.network.advance(0.1)
        self.failureResultOf(self.answered, DialogTerminated)
        self.ends(("progress", 180, None), ("failed", None, Cause.DIALOG_ERROR))
