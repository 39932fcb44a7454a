"""
The end of the service: refuse, hang up, wait a bounded time, close.
"""

from twisted.internet.defer import CancelledError, Deferred

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, later
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, InvalidState


class StopTests(CalleeTestCase):
    def stop(self, agent):
        stopping = agent.stopService()
        self.network.advance(0.01)
        return stopping

    def stopped(self, agent, stopping):
        """It is over: nothing is left, no port is open."""
        self.assertIsNone(self.successResultOf(stopping))
        self.assertEqual(agent.leftovers(), [])
        self.assertEqual(self.network.host("b.example").ports, [])
        self.assertFalse(agent.running)

    def test_idle(self):
        """With nothing to end it is over at once; asking again gives the same."""
        agent = self.agent(Callee())
        stopping = [agent.stopService(), agent.stopService()]
        self.network.advance(0.01)
        for each in stopping:
            self.stopped(agent, each)
        self.successResultOf(agent.stopService())

    def test_calls(self):
        """Calls end by BYE, and once that is answered there is nothing to wait for."""
        agent, callee, _ok = self.call()
        stopping = self.stop(agent)
        self.assertNoResult(stopping)
        self.peer.respond(self.peer.expect("BYE", 0.1), 200)
        self.network.advance(0.1)
        self.stopped(agent, stopping)
        self.assertEqual(callee.events, ["confirmed", "terminated"])

    def test_silentPeer(self):
        """A peer that does not answer the BYE is waited for no longer than stopTimeout."""
        agent, callee, _ok = self.call(stopTimeout=3.0)
        ending = callee.dialog.whenTerminated()
        stopping = self.stop(agent)
        destroying = callee.dialog.destroy()
        self.network.advance(2.9)
        self.assertNoResult(stopping)
        self.network.advance(0.2)
        self.stopped(agent, stopping)
        self.assertEqual(callee.events, ["confirmed", "terminated"])
        self.assertIs(self.successResultOf(ending).reason, Reason.SERVICE_STOPPED)
        self.assertEqual(self.successResultOf(destroying).method, "BYE")

    def test_invitations(self):
        """A call that rings is refused."""
        agent, callee, invite = self.ring()
        callee.context.progress()
        stopping = self.stop(agent)
        self.assertEqual(self.finalTo(invite).statusCode, 480)
        self.network.advance(0.1)
        self.stopped(agent, stopping)
        self.assertEqual(callee.events, ["terminated"])
        self.assertRaises(InvalidState, callee.context.accept, body=ANSWER)

    def test_answeringAnother(self):
        """A delegate that is told of one end may answer another call."""

        class Eager(Callee):
            def dialogTerminated(self, dialog, ended):
                super().dialogTerminated(dialog, ended)
                for context in self.contexts:
                    if not context.answered:
                        context.reject(486)

        callee = Eager(later)
        agent = self.agent(callee)
        invites = [self.peer.request("INVITE", agent, body=OFFER) for _ in range(2)]
        self.network.advance(0.01)
        for context in callee.contexts:
            context.progress()
        stopping = self.stop(agent)
        self.assertEqual([self.finalTo(invite).statusCode for invite in invites], [480, 486])
        self.network.advance(0.1)
        self.stopped(agent, stopping)

    def test_unacknowledged(self):
        """A 2xx without its ACK: that is waited for, then comes the BYE (section 15)."""
        agent, callee, _invite = self.ring(None)
        ok = self.peer.expect("200 INVITE")
        stopping = self.stop(agent)
        self.network.advance(1)
        self.assertEqual(self.sent("BYE"), 0)
        self.peer.ack(ok)
        self.peer.respond(self.peer.expect("BYE", 0.1), 200)
        self.network.advance(0.1)
        self.stopped(agent, stopping)
        self.assertEqual(callee.events, ["confirmed", "terminated"])
        self.assertIs(self.successResultOf(callee.accepting[0]), callee.dialog)

    def test_neverAcknowledged(self):
        """But for half the stopTimeout only: then the BYE goes out all the same, so that nobody keeps a dead call."""
        for protocol in ("UDP", "TCP"):
            agent, callee, invite = self.ring(None, protocol, stopTimeout=4.0)
            ok = self.finalTo(invite)
            destroying = callee.dialog.destroy()
            stopping = self.stop(agent)
            self.network.advance(1.9)
            self.assertEqual(self.sent("BYE"), 0)
            bye = self.peer.expect("BYE", 0.2)
            self.failureResultOf(callee.accepting[0], DialogTerminated)
            self.peer.ack(ok)  # too late, and no harm
            self.network.advance(0.1)
            self.peer.respond(bye, 200)
            self.network.advance(0.1)
            self.stopped(agent, stopping)
            self.assertEqual(callee.events, ["terminated"], protocol)
            self.assertIs(self.successResultOf(destroying).method, "BYE")
            self.peer.received.clear()

    def test_deaf(self):
        """Nor is the answer to that BYE waited for beyond stopTimeout."""
        agent, callee, _invite = self.ring(None, stopTimeout=4.0)
        stopping = self.stop(agent)
        self.network.advance(3.9)
        self.assertNoResult(stopping)
        self.assertGreater(self.sent("BYE"), 0)
        self.network.advance(0.2)
        self.stopped(agent, stopping)
        self.assertEqual(callee.events, ["terminated"])
        self.assertIs(callee.ended.reason, Reason.SERVICE_STOPPED)
        self.failureResultOf(callee.accepting[0], DialogTerminated)

    def test_ignored(self):
        """An accept() that nobody waits for is no unhandled error."""
        agent, callee, _invite = self.ring(lambda context: context.accept(body=ANSWER) and None)
        stopping = self.stop(agent)
        self.network.advance(6)
        self.stopped(agent, stopping)
        callee.contexts.clear()
        callee.told.clear()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_newCalls(self):
        """While it stops, new calls are refused with 503; requests in dialogs are served."""
        agent, callee, _ok = self.call()
        second = self.peer.request("INVITE", agent, body=OFFER)
        self.peer.ack(self.finalTo(second))
        stopping = self.stop(agent)
        self.peer.respond(self.peer.expect("BYE", 0.1), 200)
        refused = self.final("INVITE", agent, body=OFFER)
        self.assertEqual(refused.statusCode, 503)
        self.assertIn("retry-after", refused.headers)
        self.assertEqual(self.final("OPTIONS", agent).statusCode, 503)
        self.assertEqual(len(callee.contexts), 2)
        self.assertRaises(InvalidState, agent.invite, "sip:a@a.example", body=OFFER)
        self.peer.respond(self.peer.expect("BYE", 0.1), 200)
        self.network.advance(0.1)
        self.stopped(agent, stopping)

    def test_coroutines(self):
        """Coroutines of the delegate are cancelled, before the answer and after; that is no error."""
        ended = []

        async def answer(context):
            try:
                if len(callee.contexts) == 1:
                    await context.accept(body=ANSWER)
                await Deferred()
            except CancelledError:
                ended.append(context.state)
                raise

        callee = Callee(answer)
        agent = self.agent(callee)
        for _ in range(2):
            invite = self.peer.request("INVITE", agent, body=OFFER)
            self.network.advance(0.01)
            if len(callee.contexts) == 1:
                self.peer.ack(self.finalTo(invite))
        stopping = self.stop(agent)
        self.assertEqual(sorted(ended), ["answered with 200", "answered with 480"])
        self.peer.respond(self.peer.expect("BYE", 0.1), 200)
        self.network.advance(0.1)
        self.finalTo(invite)
        self.stopped(agent, stopping)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_otherRequests(self):
        """So is one that was to answer another request: 503, and no error."""

        class Texts(Callee):
            async def messageReceived(self, context):
                await Deferred()

        agent = self.agent(Texts())
        message = self.peer.request("MESSAGE", agent)
        self.network.advance(0.01)
        stopping = self.stop(agent)
        self.assertEqual(self.finalTo(message).statusCode, 503)
        self.assertEqual(self.flushLoggedErrors(), [])
        self.stopped(agent, stopping)

    def test_later(self):
        """A request kept by answerLater() is answered as well (RFC 3261 section 8.2.6), and leaves no timer behind."""

        class Texts(Callee):
            def messageReceived(self, context):
                self.contexts.append(context)
                context.answerLater()

        callee = Texts()
        agent = self.agent(callee)
        message = self.peer.request("MESSAGE", agent)
        self.network.advance(0.01)
        finished = callee.context.whenFinished()
        stopping = self.stop(agent)
        self.assertEqual(self.finalTo(message).statusCode, 503)
        self.assertEqual(self.successResultOf(finished).statusCode, 503)
        self.stopped(agent, stopping)

    def test_laterStill(self):
        """So is one that comes while it stops, as requests in dialogs are served meanwhile."""

        class Texts(Callee):
            def messageReceived(self, context):
                context.answerLater()

        agent = self.agent(Texts(), stopTimeout=1.0)
        self.peer.request("INVITE", agent, body=OFFER)  # its 2xx is not acknowledged
        ok = self.peer.expect("200 INVITE", 0.1)
        stopping = self.stop(agent)
        message = self.peer.request("MESSAGE", within=ok)
        self.network.advance(1.1)
        self.assertEqual(self.finalTo(message).statusCode, 503)
        self.stopped(agent, stopping)

    def test_many(self):
        """A hundred calls in all states end within stopTimeout, each told once."""
        callee = Callee(later)
        agent = self.agent(callee, stopTimeout=2.0)
        for number in range(100):
            invite = self.peer.request("INVITE", agent, body=OFFER)
            self.network.advance(0.001)
            context = callee.context
            if number % 4:
                context.progress()
            if number % 4 > 1:
                callee.accepting.append(context.accept(body=ANSWER))
                self.network.advance(0.001)
            if number % 4 == 3:
                self.peer.ack(self.finalTo(invite))
        self.network.advance(0.01)
        stopping = self.stop(agent)
        self.network.advance(2.1)
        self.stopped(agent, stopping)
        self.assertEqual(callee.events.count("terminated"), 75)
        self.assertEqual(self.sent("480 INVITE") // 50, self.sent("480 INVITE") / 50)
        for accepting in callee.accepting:
            accepting.addErrback(lambda failure: failure.trap(DialogTerminated))
