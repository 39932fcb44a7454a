"""
The end of a call (RFC 3261 section 15): every way tells exactly once.
"""

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, Notes
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, TransportError


class ByeTests(CalleeTestCase):
    def test_peer(self):
        """The peer's BYE: 200, and everybody is told once: both delegates, and who asked, also late."""
        own = Notes()
        agent, callee, ok = self.call(lambda context: context.accept(body=ANSWER, delegate=own) and None)
        dialog = callee.dialog
        early = dialog.whenTerminated()
        bye = self.peer.request("BYE", within=ok, headers={"Reason": 'Q.850;cause=16;text="Terminated"'})
        self.assertEqual(self.finalTo(bye).statusCode, 200)
        for notes in (own, callee):
            self.assertEqual(notes.events, ["confirmed", "terminated"])
            self.assertEqual((notes.ended.reason, notes.ended.byPeer), (Reason.REMOTE_BYE, True))
        self.assertIn("Q.850", own.ended.message.headers.get("reason"))
        for telling in (early, dialog.whenTerminated(), dialog.whenTerminated()):
            self.assertIs(self.successResultOf(telling), own.ended)
        self.assertEqual((dialog.state.value, dialog.ended, agent.dialogs), ("terminated", own.ended, []))
        self.assertGreaterEqual(dialog.times.end, dialog.times.connect)

    def test_sameDelegate(self):
        """One who is both delegates is told once."""
        callee = Callee(lambda context: context.accept(body=ANSWER, delegate=callee) and None)
        self.peer.request("INVITE", self.agent(callee), body=OFFER)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.finalTo(self.peer.request("BYE", within=ok))
        self.assertEqual(callee.events, ["confirmed", "terminated"])

    def test_repeated(self):
        """A repeated BYE gets the same answer; a new one 481; nobody is told again."""
        agent, callee, ok = self.call()
        bye = self.peer.request("BYE", within=ok)
        self.peer.send(bye.toBytes(), agent)
        self.network.advance(0.01)
        self.assertEqual(self.sent("200 BYE"), 2)
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=ok)).statusCode, 481)
        self.assertEqual(callee.events, ["confirmed", "terminated"])

    def test_early(self):
        """In an early dialog: 200, and 487 to the INVITE (15.1.2); the one who was to answer is told."""
        agent, callee, invite = self.ring()
        callee.context.progress()
        ringing = self.peer.expect("180 INVITE")
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=ringing)).statusCode, 200)
        self.assertEqual(self.finalTo(invite).statusCode, 487)
        self.assertEqual(callee.context.cancelled.method, "BYE")
        self.assertEqual(sorted(callee.events), ["cancelled", "terminated"])
        self.assertEqual((callee.ended.reason, callee.ended.byPeer), (Reason.REMOTE_BYE, True))
        self.assertEqual(agent.dialogs, [])

    def test_destroy(self):
        """destroy() fires with the BYE, at its answer; again: the same, and no second BYE."""
        _agent, callee, _ok = self.call()
        dialog = callee.dialog
        ending = dialog.destroy([("X-Note", "bye")], reason="shift is over")
        bye = self.peer.expect("BYE")
        self.assertIn('text="shift is over"', bye.headers.get("reason"))
        self.assertEqual(bye.headers.get("x-note"), "bye")
        self.assertEqual(callee.events, ["confirmed"])
        self.assertNoResult(ending)
        again = dialog.terminate()
        self.peer.respond(bye, 200)
        self.network.advance(0.1)
        sent = self.successResultOf(ending)
        self.assertEqual(sent.method, "BYE")
        for other in (again, dialog.destroy()):
            self.assertIs(self.successResultOf(other), sent)
        self.network.advance(40)
        self.assertEqual((self.sent("BYE"), callee.events), (1, ["confirmed", "terminated"]))
        self.assertEqual((callee.ended.reason, callee.ended.byPeer), (Reason.LOCAL_BYE, False))

    def test_answers(self):
        """Whatever answers the BYE, or nothing, the call is over (15.1.1)."""
        for status in (200, 481, 408, 500, 603, None):
            callee = Callee()
            agent = self.network.userAgent("sip:x@c.example", callee)
            self.peer.request("INVITE", agent, body=OFFER)
            self.peer.ack(self.peer.expect("200 INVITE"))
            self.network.advance(0.01)
            ending = callee.dialog.destroy()
            bye = self.peer.expect("BYE")
            if status is not None:
                self.peer.respond(bye, status)
            self.network.advance(33)
            self.assertEqual(self.successResultOf(ending).method, "BYE", status)
            self.assertEqual(callee.events, ["confirmed", "terminated"], status)
            self.assertEqual(agent.dialogs, [])

    def test_afterPeers(self):
        """destroy() after the peer's BYE has nothing to send: None."""
        _agent, callee, ok = self.call()
        self.finalTo(self.peer.request("BYE", within=ok))
        for _ in range(2):
            self.assertIsNone(self.successResultOf(callee.dialog.destroy()))
        self.network.advance(1)
        self.assertEqual(self.sent("BYE"), 0)

    def test_crossing(self):
        """BYEs that cross: both are answered with 200, and it is told once."""
        _agent, callee, ok = self.call()
        ending = callee.dialog.destroy()
        theirs = self.peer.request("BYE", within=ok)
        self.assertEqual(self.finalTo(theirs).statusCode, 200)
        self.assertEqual(callee.events, ["confirmed", "terminated"])
        self.peer.respond(self.peer.expect("BYE"), 481)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(ending).method, "BYE")
        self.assertEqual(callee.events, ["confirmed", "terminated"])

    def test_dying(self):
        """After our BYE the dialog takes and sends nothing more."""
        _agent, callee, ok = self.call()
        callee.dialog.destroy()
        bye = self.peer.expect("BYE")
        for method in ("INVITE", "INFO", "OPTIONS", "MESSAGE"):
            request = self.peer.request(method, within=ok)
            self.assertEqual(self.finalTo(request).statusCode, 481, method)
        self.failureResultOf(callee.dialog.request("INFO"), DialogTerminated)
        self.assertEqual((self.sent("INFO"), callee.dialog.ended), (0, None))
        self.peer.respond(bye, 200)

    def test_reinviteThenDestroy(self):
        """destroy() while a re-INVITE waits for us: that gets its final answer too, and nothing stays open."""
        agent, callee, ok = self.call()

        class Own:
            def inviteReceived(self, context):
                contexts.append(context)
                context.answerLater()

        contexts = []
        callee.dialog.delegate = Own()
        again = self.peer.request("INVITE", within=ok)
        self.network.advance(0.01)
        callee.dialog.destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.assertEqual(self.finalTo(again).statusCode, 487)
        self.assertTrue(contexts[0].answered)
        self.network.advance(64)
        self.assertEqual(agent.leftovers(), [])

    def test_byeDuringReinvite(self):
        """A BYE while a re-INVITE waits for us: 200, and 487 to the re-INVITE."""
        agent, callee, ok = self.call()

        class Own(Notes):
            def inviteReceived(self, context):
                context.answerLater()

        own = callee.dialog.delegate = Own()
        again = self.peer.request("INVITE", within=ok)
        self.network.advance(0.01)
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=ok)).statusCode, 200)
        self.assertEqual(self.finalTo(again).statusCode, 487)
        self.assertEqual(sorted(own.events), ["cancelled", "terminated"])
        self.network.advance(64)
        self.assertEqual(agent.leftovers(), [])

    def test_unreachable(self):
        """A peer that cannot be reached any more still ends, once."""
        agent, callee, _ok = self.call()
        self.network.partition(agent, self.peer)
        ending = callee.dialog.destroy()
        self.network.advance(33)
        self.successResultOf(ending)
        self.assertEqual(callee.events, ["confirmed", "terminated"])

    def test_noWay(self):
        """A BYE that cannot be sent at all: destroy() fails with the reason, and the call is over all the same."""
        for listening in (True, False):
            callee = Callee()
            agent = self.network.userAgent("sip:x@c.example", callee)
            self.peer.request("INVITE", agent, body=OFFER, headers={"Contact": "<sip:peer@nowhere.example>"})
            self.peer.ack(self.peer.expect("200 INVITE"))
            self.network.advance(0.01)
            ending = callee.dialog.destroy()
            self.network.advance(0.01)
            if listening:
                self.failureResultOf(ending, TransportError)
            del ending
            self.assertEqual(callee.events, ["confirmed", "terminated"])
            self.assertEqual(agent.dialogs, [])

    def test_sequence(self):
        """A lower CSeq than before is out of order: 500 (12.2.2); the dialog goes on."""
        _agent, callee, ok = self.call()
        for method in ("INFO", "BYE", "OPTIONS"):
            request = self.peer.request(method, within=ok, headers={"CSeq": f"0 {method}"})
            self.assertEqual(self.finalTo(request).statusCode, 500, method)
        self.assertEqual(
            self.finalTo(self.peer.request("INFO", within=ok, headers={"CSeq": "900 INFO"})).statusCode, 200
        )
        late = self.peer.request("BYE", within=ok, headers={"CSeq": "899 BYE"})
        self.assertEqual(self.finalTo(late).statusCode, 500)
        self.assertEqual(callee.events, ["confirmed"])
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=ok, headers={"CSeq": "901 BYE"})).statusCode, 200)

    def test_thousand(self):
        """A thousand calls leave nothing."""
        callee = Callee()
        agent = self.agent(callee)
        for _ in range(1000):
            self.peer.request("INVITE", agent, body=OFFER)
            ok = self.peer.expect("200 INVITE")
            self.peer.ack(ok)
            self.peer.request("BYE", within=ok)
            self.peer.expect("200 BYE")
            for kept in (callee.told, callee.contexts, callee.accepting, self.peer.received, self.peer._flows):
                del kept[:]
        self.network.advance(64)
        self.assertEqual(agent.leftovers(), [])


class HeldTests(CalleeTestCase):
    def test_firstReason(self):
        """
        Section 15: while the ACK is awaited a BYE is held; what made it stays the reason, whoever wants one later.
        """
        _agent, callee, _invite = self.ring(lambda context: context.accept(body=ANSWER) and None)
        ok = self.peer.expect("200 INVITE")
        asking = callee.dialog.info(b"x")
        self.peer.respond(self.peer.expect("INFO"), 481)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(asking).statusCode, 481)
        destroying = callee.dialog.destroy()
        self.network.advance(0.01)
        self.assertEqual(self.sent("BYE"), 0)
        self.peer.ack(ok)
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(destroying).method, "BYE")
        self.assertIs(callee.ended.reason, Reason.DIALOG_ERROR)
