"""
What the tests of REFERs to us share: an agent of ours in a call with the referrer, and the one it is to call.
"""

from __future__ import annotations

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase
from twisted_sipdialog.testing import ScriptedPeer

CAROL = "sip:carol@peer2.example"
#: What is told first.
TRYING = ("SIP/2.0 100 Trying", "active")


class Transferee(Callee):
    """
    Takes calls, and notes all that it hears of REFERs: C{heard}.

    @ivar referContexts: of those it was asked about, which C{asked(context)} answers; without C{asked} it is not.
    """

    def __init__(self, asked=None, answer=None):
        super().__init__(answer)
        self.heard = []
        self.referContexts = []
        self.results = []
        if asked is not None:
            self.asked = asked
            self.referReceived = self._takes

    def _takes(self, context):
        self.referContexts.append(context)
        return self.asked(context)

    @property
    def refer(self):
        return self.referContexts[-1]

    def referRequestAccepted(self, context, response):
        self.heard.append(("request accepted", response.statusCode))

    def referRequestRejected(self, context, response):
        self.heard.append(("request rejected", response.statusCode))

    def referInviteSent(self, context, request):
        self.heard.append(("invite sent", request.method))

    def referProgress(self, context, status):
        self.heard.append(("progress", status.statusCode))

    def referAccepted(self, context, status):
        self.heard.append(("accepted", status.statusCode))

    def referRejected(self, context, status):
        self.heard.append(("rejected", status.statusCode))


def later(context):
    """Answered when the test says so."""
    context.answerLater()


class TransfereeCase(CalleeTestCase):
    """
    We are in a call with C{peer}, which refers us to C{target}; nothing is left at the end.
    """

    def setUp(self):
        super().setUp()
        self.target = ScriptedPeer(self.network)

    # The call.

    def stand(self, asked=None, **settings):
        """C{peer} calls us, and C{asked(context)} takes its REFERs."""
        self.notes = Transferee(asked)
        self.userAgent = self.agent(self.notes, **settings)
        self.within = self.final("INVITE", self.userAgent, body=OFFER)
        self.peer.ack(self.within)
        self.network.advance(0.01)
        self.dialog = self.notes.dialog

    def callOut(self, asked=None, **settings):
        """The same call, but we have placed it."""
        self.notes = Transferee(asked)
        self.userAgent = self.agent(self.notes, **settings)
        calling = self.userAgent.invite("sip:peer@peer.example", body=ANSWER)
        self.within = self.peer.expect("INVITE")
        self.peer.respond(self.within, 200, body=OFFER)
        self.network.advance(0.01)
        self.dialog = self.successResultOf(calling)

    def follow(self, **options):
        """What takes a REFER: it is followed; the Deferreds are kept in C{accepting}."""
        self.accepting = []

        def asked(context):
            self.accepting.append(context.accept(followRefer=True, **options))
            self.accepting[-1].addErrback(self.failed)

        self.failures = []
        return asked

    def failed(self, failure):
        self.failures.append(failure)
        return failure

    # What the referrer does.

    def asks(self, target=f"<{CAROL}>", headers=None, **how):
        """A REFER; it may be answered by now, or not."""
        how = how or {"within": self.within}
        self.request = self.peer.request("REFER", headers={"Refer-To": target, **(headers or {})}, **how)
        self.network.advance(0.01)
        return self.request

    def refer(self, target=f"<{CAROL}>", headers=None, **how):
        """A REFER, and its final response."""
        return self.finalTo(self.asks(target, headers, **how))

    def status(self, *arguments, **how):
        return self.refer(*arguments, **how).statusCode

    def notified(self, statusCode=200, **headers):
        """The next NOTIFY, which is answered with C{statusCode}."""
        notify = self.peer.expect("NOTIFY")
        self.peer.respond(notify, statusCode, headers=headers)
        self.network.advance(0.01)
        return notify

    def told(self):
        """The next NOTIFY, which is answered: its status line, and whether the subscription lives."""
        notify = self.notified()
        return notify.body.decode().rstrip("\r\n"), notify.headers.get("subscription-state").partition(";")[0]

    def notifies(self):
        """Every NOTIFY that came, copies left out."""
        return list({n.via.branch: n for n in self.peer.received if getattr(n, "method", "") == "NOTIFY"}.values())

    def assertSilent(self, seconds=1.0):
        """The referrer is told nothing further."""
        before = len(self.notifies())
        self.network.advance(seconds)
        self.assertEqual(len(self.notifies()), before, self.network.ladder())

    # What the target does.

    def called(self):
        """The INVITE that the target gets."""
        self.invite = self.target.expect("INVITE")
        return self.invite

    def answers(self, statusCode=200, **how):
        """The target answers it finally."""
        body = ANSWER if statusCode < 300 else b""
        self.target.respond(self.invite, statusCode, body=body, **how)
        self.network.advance(0.01)

    def calls(self):
        """How many INVITEs came to the target."""
        return sum(getattr(m, "method", "") == "INVITE" for m in self.target.received)

    # The end.

    def hangsUp(self, within=None):
        """The referrer ends its call, which stood until now."""
        self.assertIn(self.dialog, self.userAgent.dialogs)
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=within or self.within)).statusCode, 200)

    def targetHangsUp(self):
        """The one we called ends the call, which stood until now."""
        bye = self.target.request("BYE", within=self.invite)
        self.target.expect("200 BYE")
        return bye

    def assertNothingLeft(self):
        """Nothing of ours is there any more once the last timers have run."""
        self.network.advance(70)
        self.assertEqual(self.userAgent.leftovers(), [], self.network.ladder())


class NotifyCase(TransfereeCase):
    def follows(self, settings=None, headers=None):
        """The REFER is accepted, and the target called; the first NOTIFY is there, not yet answered."""
        self.stand(self.follow(), **(settings or {}))
        self.assertEqual(self.status(headers=headers), 202)
        self.called()

    def rings(self, code, phrase=None, **headers):
        self.target.respond(self.invite, code, phrase, headers=headers)
        self.network.advance(0.01)

    def over(self):
        """Only what the REFER was about has ended: the call at hand goes on, and is then ended."""
        self.assertSilent(40)
        self.hangsUp()
        self.assertNothingLeft()
