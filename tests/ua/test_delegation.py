"""
How a delegate answers: plain, with a Deferred, as a coroutine; and what happens when it does not.
"""

import gc
from types import SimpleNamespace

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogLevel, globalLogPublisher

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, later
from twisted_sipdialog.errors import InvalidState


class DelegationTests(CalleeTestCase):
    def setUp(self):
        super().setUp()
        self.logged = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def warnings(self):
        return [event for event in self.logged if event.get("log_level") == LogLevel.warn]

    def test_plain(self):
        """A plain method answers before it returns."""
        _agent, _callee, invite = self.ring(lambda context: context.reject(486))
        self.assertEqual(self.finalTo(invite).statusCode, 486)

    def test_deferred(self):
        """A Deferred is the life of the answer."""
        deciding = Deferred()
        _agent, _callee, invite = self.ring(lambda context: deciding.addCallback(context.reject))
        self.assertEqual(self.sent("486 INVITE"), 0)
        deciding.callback(486)
        self.assertEqual(self.finalTo(invite).statusCode, 486)

    def test_coroutine(self):
        """So is a coroutine."""
        deciding = Deferred()

        async def answer(context):
            context.progress(180)
            dialog = await context.accept(body=ANSWER)
            stood.append(dialog)
            await deciding
            await dialog.destroy()

        stood = []
        _agent, callee, _ok = self.call(answer)
        self.assertEqual(stood, [callee.dialog])
        deciding.callback(None)
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(1)
        self.assertEqual(callee.events, ["confirmed", "terminated"])

    def test_returnsUnanswered(self):
        """Returning without an answer: the default, with a warning."""
        waiting = Deferred()

        async def soon(context):
            pass

        async def late(context):
            await waiting

        for answer in (lambda context: None, soon, late, lambda context: "not a Deferred"):
            self.logged.clear()
            callee = Callee(answer)
            agent = self.network.userAgent("sip:x@c.example", callee)
            invite = self.peer.request("INVITE", agent, body=OFFER)
            self.network.advance(5)
            if answer is late:
                waiting.callback(None)
            self.assertEqual(self.finalTo(invite).statusCode, 480)
            self.assertEqual(len(self.warnings()), 1, self.warnings())
            self.assertRaises(InvalidState, callee.context.accept, body=ANSWER)

    def test_raises(self):
        """Raising before the final answer: 500, and a logged failure."""
        failing = Deferred()

        async def coroutine(context):
            context.progress(180)
            raise ZeroDivisionError("on purpose")

        for answer in (lambda context: 1 / 0, coroutine, lambda context: failing):
            callee = Callee(answer)
            agent = self.network.userAgent("sip:x@c.example", callee)
            invite = self.peer.request("INVITE", agent, body=OFFER)
            self.network.advance(0.01)
            if not failing.called and len(self.flushLoggedErrors(ZeroDivisionError)) == 0:
                failing.errback(ZeroDivisionError("on purpose"))
                self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertEqual(self.finalTo(invite).statusCode, 500)
            self.assertEqual(agent.dialogs, [])

    def test_raisesAfter(self):
        """Raising after it: logged, nothing else changes."""

        async def coroutine(context):
            await context.accept(body=ANSWER)
            raise ZeroDivisionError("on purpose")

        agent, callee, _ok = self.call(coroutine)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(agent.dialogs, [callee.dialog])
        self.network.advance(1)
        self.assertEqual(self.sent("BYE"), 0)

    def test_toldRaises(self):
        """What a delegate raises when it is told something, is logged and hurts nobody."""

        class Raising(Callee):
            def dialogConfirmed(self, dialog):
                raise ZeroDivisionError

            async def dialogTerminated(self, dialog, ended):
                super().dialogTerminated(dialog, ended)
                raise ZeroDivisionError

        callee = Raising()
        agent = self.agent(callee)
        self.peer.request("INVITE", agent, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=ok)).statusCode, 200)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.successResultOf(callee.accepting[0])
        self.assertEqual(agent.dialogs, [])

    def test_answerLater(self):
        """answerLater() keeps the context past the method's end."""
        agent, callee, invite = self.ring(later)
        self.network.advance(30)
        self.assertEqual(self.warnings(), [])
        self.assertEqual(self.network.seenBy(agent), ["< INVITE", "> 100 INVITE"])
        callee.context.reject(486)
        self.assertEqual(self.finalTo(invite).statusCode, 486)

    def test_laterCoroutine(self):
        """Also past the end of a coroutine."""

        async def answer(context):
            context.answerLater()

        _agent, callee, invite = self.ring(answer)
        self.network.advance(5)
        callee.context.reject(486)
        self.assertEqual(self.finalTo(invite).statusCode, 486)

    def test_coroutineAfterFinal(self):
        """After its final answer a coroutine is the application's own; only the stop cancels it."""
        waiting = Deferred()
        ended = []

        async def answer(context):
            await context.accept(body=ANSWER)
            try:
                await waiting
            except CancelledError:
                ended.append("cancelled")
                raise

        agent, _callee, ok = self.call(answer)
        self.finalTo(self.peer.request("BYE", within=ok))
        self.network.advance(100)
        self.assertEqual(ended, [])
        stopping = agent.stopService()
        self.network.advance(1)
        self.successResultOf(stopping)
        self.assertEqual(ended, ["cancelled"])

    def test_ignoredAccept(self):
        """An accept() nobody waits for fails silently: dialogTerminated tells.  Errors of callbacks are logged."""

        def raising(context):
            context.accept(body=ANSWER).addErrback(lambda failure: 1 / 0)

        for answer, count in ((lambda context: context.accept(body=ANSWER) and None, 0), (raising, 1)):
            callee = Callee(answer)
            agent = self.network.userAgent("sip:x@c.example", callee)
            self.peer.request("INVITE", agent, body=OFFER)
            ok = self.peer.expect("200 INVITE")
            self.peer.request("BYE", within=ok)
            self.network.advance(1)
            self.assertEqual(callee.events, ["terminated"])
            callee.contexts.clear()
            gc.collect()
            self.assertEqual(len(self.flushLoggedErrors()), count)

    def test_lateListener(self):
        """It keeps its failure for one who listens late."""
        _agent, callee, _invite = self.ring(None)
        self.peer.request("BYE", within=self.peer.expect("200 INVITE"))
        self.network.advance(1)
        self.failureResultOf(callee.accepting[0])

    def test_noClass(self):
        """A delegate may be any object with the method on it: what one of them has, another of its class need not."""
        taking = SimpleNamespace(inviteReceived=lambda context: context.reject(486))
        for delegate, code in ((taking, 486), (SimpleNamespace(), 480)):
            agent = self.network.userAgent("sip:x@c.example", delegate)
            self.assertEqual(self.final("INVITE", agent, body=OFFER).statusCode, code)
