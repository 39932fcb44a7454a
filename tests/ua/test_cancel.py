"""
CANCEL as its receiver takes it (RFC 3261 section 9.2), with Reason (RFC 3326).
"""

from twisted.internet.defer import CancelledError, Deferred

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, later
from tests.ua.test_invite_server import Slow
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, InvalidState


class CancelTests(CalleeTestCase):
    def cancelled(self, invite, **how):
        self.peer.cancel(invite, **how)
        self.assertEqual(self.peer.expect("200 CANCEL", 1).headers.get("cseq"), f"{invite.cseqNumber} CANCEL")
        self.peer.ack(self.peer.expect("487 INVITE", 1))
        self.network.advance(0.01)

    def test_cancel(self):
        """200 to the CANCEL, 487 to the INVITE; the context tells who did it, with its Reason; the delegate is told."""
        _agent, callee, invite = self.ring()
        self.cancelled(invite, headers={"Reason": 'SIP;cause=200;text="Call completed elsewhere"'})
        context = callee.context
        self.assertEqual(context.cancelled.method, "CANCEL")
        self.assertIn("elsewhere", context.cancelled.headers.get("reason"))
        self.assertEqual(callee.told, [("cancelled", context, context.cancelled)])
        self.assertTrue(context.answered)
        self.assertRaises(InvalidState, context.accept, body=ANSWER)

    def test_early(self):
        """An early dialog ends with it; the delegate hears of each once."""
        agent, callee, invite = self.ring()
        callee.context.progress()
        self.cancelled(invite)
        self.assertEqual(sorted(callee.events), ["cancelled", "terminated"])
        self.assertEqual((callee.ended.reason, callee.ended.byPeer), (Reason.REMOTE_CANCEL, True))
        self.assertIs(callee.ended.message, callee.context.cancelled)
        self.assertEqual(agent.dialogs, [])

    def test_coroutine(self):
        """The coroutine that was to answer is cancelled, and can see why."""
        seen = []

        async def answer(context):
            context.progress()
            try:
                await Deferred()
            except CancelledError:
                seen.append(context.cancelled.method)
                raise

        _agent, _callee, invite = self.ring(answer)
        self.cancelled(invite)
        self.assertEqual(seen, ["CANCEL"])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_deferred(self):
        """So is the Deferred."""
        waiting = Deferred()
        _agent, _callee, invite = self.ring(lambda context: waiting)
        self.cancelled(invite)
        self.assertTrue(waiting.called)

    def test_atOnce(self):
        """It may come with the INVITE, before anything was sent."""
        callee = Callee(later)
        invite = self.peer.request("INVITE", self.agent(callee), body=OFFER)
        self.cancelled(invite)
        self.assertEqual(callee.events, ["cancelled"])

    def test_afterAnswer(self):
        """After the 2xx: 200, and no effect on the call (9.2, RFC 6026); before or after the ACK."""
        for acknowledged in (False, True):
            callee = Callee()
            agent = self.network.userAgent("sip:x@c.example", callee)
            invite = self.peer.request("INVITE", agent, body=OFFER)
            ok = self.peer.expect("200 INVITE")
            if acknowledged:
                self.peer.ack(ok)
            self.peer.cancel(invite)
            answer = self.peer.expect("200 CANCEL", 1)
            self.assertEqual(answer.toTag, ok.toTag)
            if not acknowledged:
                self.peer.ack(ok)
            self.network.advance(1)
            self.assertEqual(callee.events, ["confirmed"])
            self.assertEqual(callee.dialog.state.value, "stable")
            self.assertIsNone(callee.context.cancelled)
            self.assertEqual(self.finalTo(self.peer.request("BYE", within=ok)).statusCode, 200)

    def test_afterRefusal(self):
        """After a refusal as well: 200, and one final answer."""
        _agent, callee, invite = self.ring(lambda context: context.reject(486))
        self.peer.cancel(invite)
        self.peer.expect("200 CANCEL", 1)
        self.peer.ack(self.peer.expect("486 INVITE"))
        self.network.advance(5)
        self.assertEqual(self.sent("487 INVITE"), 0)
        self.assertEqual(callee.events, [])

    def test_unknown(self):
        """What there is no INVITE for: 481."""
        agent, callee, _invite = self.ring()
        for headers in ({"Call-ID": "x", "Via": "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-x"},):
            self.assertEqual(self.final("CANCEL", agent, headers=headers).statusCode, 481)
        self.assertFalse(callee.context.answered)
        callee.context.reject(486)

    def test_fallBack(self):
        """A Via that was rewritten on the way hides no INVITE: Call-ID, From tag, CSeq and Request-URI tell."""
        _agent, callee, invite = self.ring()
        self.cancelled(invite, headers={"Via": "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-rewritten"})
        self.assertEqual(callee.events, ["cancelled"])

    def test_fallBackIsExact(self):
        """But another Call-ID, From tag or CSeq is another call."""
        _agent, callee, invite = self.ring()
        via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-other"
        cases = [("Call-ID", "x"), ("From", "<sip:peer@peer.example>;tag=x"), ("CSeq", "999 CANCEL")]
        for number, (name, value) in enumerate(cases):
            self.peer.cancel(invite, headers={"Via": via + str(number), name: value})
            self.peer.expect("481 CANCEL", 1)
        self.assertFalse(callee.context.answered)
        callee.context.reject(486)

    def test_crossesDescription(self):
        """It crosses an accept() whose description is being made: 487, accept() fails, the description is closed."""
        slow = Slow()

        def answer(context):
            accepting.append(context.accept(media=lambda host: slow))

        accepting = []
        agent, callee, invite = self.ring(answer)
        self.cancelled(invite)
        self.failureResultOf(accepting[0], DialogTerminated)
        slow.waiting.callback(None)
        self.network.advance(1)
        self.assertEqual((self.sent("200 INVITE"), slow.closed, callee.events), (0, 1, ["cancelled"]))
        self.assertEqual(agent.dialogs, [])

    def test_reinvite(self):
        """A re-INVITE may be cancelled; the call goes on."""
        _agent, callee, ok = self.call()
        callee.answer = None

        class Own:
            def inviteReceived(self, context):
                context.answerLater()

            def inviteCancelled(self, context, request):
                told.append(request.method)

        told = []
        callee.dialog.delegate = Own()
        again = self.peer.request("INVITE", within=ok, body=OFFER)
        self.network.advance(0.01)
        self.cancelled(again)
        self.assertEqual(told, ["CANCEL"])
        self.assertEqual(callee.dialog.state.value, "stable")
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=ok)).statusCode, 200)

    def test_repeated(self):
        """A repeated CANCEL gets the same answer and tells nobody again."""
        agent, callee, invite = self.ring()
        cancel = self.peer.cancel(invite)
        self.peer.send(cancel.toBytes(), agent)
        self.network.advance(0.01)
        self.assertEqual(self.sent("200 CANCEL"), 2)
        self.assertEqual(callee.events, ["cancelled"])
        self.peer.ack(self.peer.expect("487 INVITE"))

    def test_neverDescribed(self):
        """A description that never comes to an end is closed when the caller gives up, and told to stop."""
        slow = Slow()
        accepting = []
        _agent, _callee, invite = self.ring(lambda context: accepting.append(context.accept(media=lambda host: slow)))
        self.cancelled(invite)
        self.failureResultOf(accepting[0], DialogTerminated)
        self.assertTrue(slow.waiting.called)
        self.assertEqual(slow.closed, 1)

    def test_destroyedMeanwhile(self):
        """Who hears that the call is lost finds it over: nothing is left to refuse."""
        destroyed = []

        def answer(context):
            context.progress()
            accepting = context.accept(media=lambda host: Slow())
            accepting.addErrback(lambda _: destroyed.append((context.dialog.state.value, context.dialog.destroy())))

        _agent, _callee, invite = self.ring(answer)
        self.cancelled(invite)
        ((state, destroying),) = destroyed
        self.assertEqual(state, "terminated")
        self.assertIs(self.successResultOf(destroying), None)

    def test_cancellerRaises(self):
        """What the delegate's Deferred does when it is cancelled is its own affair: the call is over all the same."""

        def raising(_):
            raise ZeroDivisionError

        _agent, callee, ok = self.call(lambda context: context.accept(body=ANSWER) and None)
        callee.dialog.delegate = Callee(lambda context: Deferred(raising))
        again = self.peer.request("INVITE", within=ok, body=OFFER)
        self.network.advance(0.01)
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=ok)).statusCode, 200)
        self.assertEqual(self.finalTo(again).statusCode, 487)
        self.assertEqual(callee.events, ["confirmed", "terminated"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_refusedByAStep(self):
        """9.2: the 200 to the CANCEL has the tag of the refusal, also when no delegate was asked."""
        agent = self.agent(Callee(later))
        invite = self.peer.request("INVITE", agent, body=OFFER, headers={"Require": "foo"})
        refused = self.peer.expect("420 INVITE", 1)
        self.peer.cancel(invite)
        self.assertEqual(self.peer.expect("200 CANCEL", 1).toTag, refused.toTag)
        self.peer.ack(refused)
        self.network.advance(0.01)
