"""
Peers who can be reached over one connection only (RFC 5626 section 5.3, RFC 7118 section 5), and others.
"""

from tests.ua.callee import ANSWER, OFFER, CalleeTestCase, Notes, later
from tests.ua.calling import CallerCase
from twisted_sipdialog.configuration import FlowLimits
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, InvalidState, TransportError

#: Contacts that lead nowhere but back over the connection they came by.
NOWHERE = ("<sip:peer@df7jal23ls0d.invalid;transport=ws>", "<sip:peer@192.0.2.99:4711;transport=tcp;ob>")


class OnlyFlowTests(CalleeTestCase):
    def stand(self, contact=NOWHERE[0], protocol="TCP", headers=None, **settings):
        given = {"Contact": contact, **(headers or {})}
        self.userAgent, self.callee, self.ok = self.call(None, protocol, given, **settings)
        self.dialog = self.callee.dialog

    def lose(self):
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(0.01)

    def answered(self, method="INFO"):
        """A request of ours gets to the peer, who answers it; the connection it came by."""
        asking = self.dialog.request(method)
        request = self.peer.expect(method, 5)
        self.peer.respond(request, 200)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(asking).statusCode, 200)
        return self.peer._flowOf(request).stream

    def assertOver(self, reason):
        """Told once, and nothing is left but a connection that is idle."""
        self.network.advance(400)
        self.assertIs(self.callee.ended.reason, reason)
        self.assertEqual(self.callee.events[-1], "terminated")
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_overIt(self):
        """Our requests go over the connection that the peer came by, whatever its Contact says."""
        spelled = ("<sip:peer@DF7JAL23LS0D.INVALID;transport=ws>", "<sip:peer@192.0.2.99;transport=tcp;OB>")
        for contact in (*NOWHERE, *spelled):
            self.stand(contact)
            (stream,) = self.peer.streams
            self.assertIs(self.answered(), stream, contact)
            ended = self.dialog.destroy()
            bye = self.peer.expect("BYE", 5)
            self.assertIs(self.peer._flowOf(bye).stream, stream, contact)
            self.peer.respond(bye, 200)
            self.assertOver(Reason.LOCAL_BYE)
            self.assertEqual(self.successResultOf(ended).method, "BYE")

    def test_udp(self):
        """So they do where that is UDP: to where it came from (RFC 5626 section 5.3)."""
        for contact in NOWHERE:
            self.stand(contact, "UDP")
            self.assertIsNone(self.answered())
            self.dialog.destroy()
            self.peer.respond(self.peer.expect("BYE", 5), 200)
            self.assertOver(Reason.LOCAL_BYE)

    def test_lost(self):
        """Lost, and the peer does not come back in time: the call is over, which nobody else could say."""
        self.stand(flowGrace=7.0)
        whenTerminated = self.dialog.whenTerminated()
        self.lose()
        self.network.advance(6.9)
        self.assertNoResult(whenTerminated)
        self.assertEqual(self.userAgent.dialogs, [self.dialog])
        self.network.advance(0.2)
        ended = self.successResultOf(whenTerminated)
        self.assertEqual((ended.reason, ended.byPeer, ended.message), (Reason.FLOW_LOST, False, None))
        self.assertEqual(self.userAgent.dialogs, [])
        self.assertOver(Reason.FLOW_LOST)

    def test_closed(self):
        """Closed in order, or with no grace: the same."""
        self.stand(flowGrace=0)
        self.peer.disconnect()
        self.network.advance(0.1)
        self.assertOver(Reason.FLOW_LOST)

    def test_meanwhile(self):
        """While it is lost no request can go out, and says so; nothing goes to where the Contact leads."""
        self.stand(NOWHERE[1])
        self.lose()
        self.failureResultOf(self.dialog.info(), TransportError)
        self.failureResultOf(self.dialog.modify("hold"), TransportError)
        self.assertEqual(self.network.ends, [])
        self.network.advance(5.1)
        self.failureResultOf(self.dialog.info(), DialogTerminated)
        self.assertOver(Reason.FLOW_LOST)

    def test_destroyMeanwhile(self):
        """destroy() while it is lost ends the call, and tells that no BYE could be sent."""
        self.stand()
        self.lose()
        self.failureResultOf(self.dialog.destroy(), TransportError)
        self.assertOver(Reason.LOCAL_BYE)

    def test_back(self):
        """A peer who comes back in time, by any request, goes on over the new connection."""
        for method in ("INVITE", "UPDATE", "INFO"):
            self.stand()
            self.lose()
            self.network.advance(4)
            contact = {} if method == "INFO" else {"Contact": NOWHERE[0]}
            answer = self.finalTo(self.peer.request(method, within=self.ok, headers=contact))
            self.assertEqual(answer.statusCode, 200)
            if method == "INVITE":
                self.peer.ack(answer, body=OFFER)
            self.network.advance(30)
            self.assertEqual(self.callee.events, ["confirmed"])
            (stream,) = self.peer.streams
            self.assertIs(self.answered(), stream)
            # And when that is lost, too, the time runs anew.
            self.lose()
            self.network.advance(4.9)
            self.assertEqual(self.callee.events, ["confirmed"])
            self.assertOver(Reason.FLOW_LOST)

    def test_moved(self):
        """A peer who goes on over another connection first does not need the old one any more."""
        self.stand()
        (old,) = self.peer.streams
        self.peer.streams.clear()  # the next request opens another
        self.assertEqual(self.finalTo(self.peer.request("INFO", within=self.ok)).statusCode, 200)
        (new,) = self.peer.streams
        self.peer.streams.insert(0, old)
        self.assertIs(self.answered(), new)
        old.close()
        self.network.advance(30)
        self.assertEqual(self.callee.events, ["confirmed"])
        self.assertIs(self.answered(), new)
        self.finalTo(self.peer.request("BYE", within=self.ok))
        self.assertOver(Reason.REMOTE_BYE)

    def test_idle(self):
        """The idle time-out spares the connection for as long as the call lives, and no longer."""
        self.stand(flowLimits=FlowLimits(idleTimeout=20.0))
        self.network.advance(500)
        self.assertEqual(len(self.network.ends), 2)
        self.answered()
        self.finalTo(self.peer.request("BYE", within=self.ok))
        self.network.advance(50)
        self.assertEqual(self.network.ends, [])
        self.assertOver(Reason.REMOTE_BYE)

    def test_ringing(self):
        """A call that still rings is over, too; whoever is about to answer learns it."""
        agent, callee, _ = self.ring(later, "TCP", {"Contact": NOWHERE[0]})
        callee.context.progress()
        self.network.advance(0.1)
        self.network.reset(agent, self.peer)
        self.network.advance(6)
        self.assertIs(callee.ended.reason, Reason.FLOW_LOST)
        self.assertRaises(InvalidState, callee.context.accept, body=ANSWER)
        self.network.advance(400)
        self.assertEqual(callee.events, ["terminated"])
        self.assertEqual(agent.leftovers(), [])

    def test_unacknowledged(self):
        """So is one whose 2xx has no ACK yet."""
        agent, callee, _ = self.ring(None, "TCP", {"Contact": NOWHERE[0]})
        self.network.reset(agent, self.peer)
        self.network.advance(6)
        self.assertIs(callee.ended.reason, Reason.FLOW_LOST)
        self.failureResultOf(callee.accepting[0], DialogTerminated)
        self.network.advance(400)
        self.assertEqual(agent.leftovers(), [])

    def test_backByAck(self):
        """The ACK, too, tells that the peer is back."""
        agent, callee, _ = self.ring(None, "TCP", {"Contact": NOWHERE[0]})
        self.ok = self.peer.expect("200 INVITE")
        self.network.reset(agent, self.peer)
        self.network.advance(1)
        self.peer.ack(self.ok)
        self.network.advance(30)
        self.assertEqual(callee.events, ["confirmed"])
        self.dialog = callee.dialog
        self.answered()
        self.finalTo(self.peer.request("BYE", within=self.ok))

    def test_lostBefore(self):
        """Lost before we answered the request that says so: the grace time begins with the answer."""
        contexts = []

        class Slow(Notes):
            def updateReceived(self, context):
                contexts.append(context)
                context.answerLater()

        agent, callee, _ = self.ring(later, "TCP", {"Contact": NOWHERE[0]})
        self.network.reset(agent, self.peer)
        self.network.advance(1)
        callee.context.accept(body=ANSWER)
        self.network.advance(5.1)
        self.assertIs(callee.ended.reason, Reason.FLOW_LOST)
        self.stand(f"<sip:peer@{self.peer.address[0]};transport=tcp>")
        self.dialog.delegate = Slow()
        self.peer.request("UPDATE", within=self.ok, headers={"Contact": NOWHERE[0]})
        self.network.advance(0.1)
        self.lose()
        contexts[0].accept()
        self.network.advance(5.1)
        self.assertOver(Reason.FLOW_LOST)

    def test_answeredBecauseLost(self):
        """A call that is answered because the connection was lost: one grace time, which ends when the peer is back."""
        self.stand()
        self.callee.answer = later
        invite = self.peer.request(
            "INVITE", self.userAgent, protocol="TCP", headers={"Contact": NOWHERE[0]}, body=OFFER
        )
        self.network.advance(0.01)
        context = self.callee.context
        asking = self.dialog.request("INFO")
        asking.addErrback(lambda _: context.accept(body=ANSWER) and None)
        self.peer.expect("INFO", 5)
        self.lose()
        ok = self.finalTo(invite)
        self.network.advance(1)
        self.peer.ack(ok)
        self.finalTo(self.peer.request("INFO", within=ok))
        self.network.advance(30)
        self.assertIsNone(context.dialog.ended)
        self.assertEqual(self.userAgent.dialogs, [context.dialog])
        context.dialog.destroy()
        self.peer.respond(self.peer.expect("BYE", 5), 200)

    def test_becomesOne(self):
        """A target refresh may make an ordinary peer one of those, and back (RFC 3261 section 12.2.2)."""
        self.stand(f"<sip:peer@{self.peer.address[0]};transport=tcp>")
        (stream,) = self.peer.streams
        self.finalTo(self.peer.request("UPDATE", within=self.ok, headers={"Contact": NOWHERE[0]}))
        self.assertIs(self.answered(), stream)
        back = f"<sip:peer@{self.peer.address[0]}>"
        self.finalTo(self.peer.request("UPDATE", within=self.ok, headers={"Contact": back}))
        self.lose()
        self.network.advance(30)
        self.assertEqual(self.callee.events, ["confirmed"])
        self.dialog.destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.assertOver(Reason.LOCAL_BYE)

    def test_stop(self):
        """The service stops while it is lost."""
        self.stand()
        self.lose()
        stopping = self.userAgent.stopService()
        self.network.advance(1)
        self.successResultOf(stopping)
        self.assertIs(self.callee.ended.reason, Reason.LOCAL_BYE)
        self.assertEqual(self.userAgent.leftovers(), [])


class OrdinaryTests(CalleeTestCase):
    def test_b40_reset(self):
        """A lost connection ends no call; the BYE goes over a new one (B40)."""
        agent, callee, _ok = self.call(protocol="TCP")
        self.network.reset(agent, self.peer)
        self.network.advance(60)
        self.assertEqual((callee.events, agent.dialogs), (["confirmed"], [callee.dialog]))
        destroying = callee.dialog.destroy()
        bye = self.peer.expect("BYE", 5)
        self.assertEqual(bye.via.transport, "TCP")
        self.peer.respond(bye, 200)
        self.network.advance(0.1)
        self.assertIs(self.successResultOf(destroying).method, "BYE")
        self.assertIs(callee.ended.reason, Reason.LOCAL_BYE)

    def test_b40_peersBye(self):
        """The peer's BYE may come over a new one."""
        agent, callee, ok = self.call(protocol="TCP")
        self.network.reset(agent, self.peer)
        self.network.advance(60)
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=ok)).statusCode, 200)
        self.assertIs(callee.ended.reason, Reason.REMOTE_BYE)

    def test_b40_pending(self):
        """A request that is under way when the connection goes fails, and nothing else."""
        agent, callee, _ok = self.call(protocol="TCP")
        asking = callee.dialog.info()
        self.peer.expect("INFO")
        self.network.reset(agent, self.peer)
        self.network.advance(0.1)
        self.failureResultOf(asking, TransportError)
        self.assertEqual(callee.events, ["confirmed"])

    def test_proxy(self):
        """A proxy in between reaches its user by itself (RFC 5626 section 5.3): the loss of its connection is none."""
        headers = {"Contact": NOWHERE[1], "Record-Route": f"<sip:{self.peer.address[0]};transport=tcp;lr>"}
        agent, callee, _ok = self.call(protocol="TCP", headers=headers)
        self.network.reset(agent, self.peer)
        self.network.advance(60)
        self.assertEqual(callee.events, ["confirmed"])
        callee.dialog.destroy()
        self.peer.respond(self.peer.expect("BYE", 5), 200)
        self.network.advance(1)
        self.assertEqual(callee.events, ["confirmed", "terminated"])


class CallerTests(CallerCase):
    settings = {"flowLimits": FlowLimits(idleTimeout=20.0)}
    target = "sip:bob@peer.example;transport=tcp"

    def test_called(self):
        """A peer that we call is reached over the connection that we called it by."""
        dialog, _invite, _ack = self.call(self.target, {"Contact": NOWHERE[0]})
        (stream,) = self.peer.streams
        self.network.advance(100)
        asking = dialog.info()
        info = self.peer.expect("INFO", 5)
        self.assertIs(self.peer._flowOf(info).stream, stream)
        self.peer.respond(info, 200)
        self.network.advance(0.1)
        self.successResultOf(asking)
        self.network.reset(self.alice, self.peer)
        self.network.advance(6)
        self.assertEqual(self.notes.reasons, [Reason.FLOW_LOST])
        self.assertNothingLeft()

    def test_ringing(self):
        """An early dialog of ours is lost with its connection, and the call fails."""
        calling, invite = self.invite(self.target)
        self.peer.respond(invite, 180, headers={"Contact": NOWHERE[0]})
        self.network.advance(0.1)
        self.network.reset(self.alice, self.peer)
        self.network.advance(6)
        self.failureResultOf(calling, TransportError)
        self.assertEqual(self.notes.reasons, [Reason.FLOW_LOST])
        self.assertNothingLeft()

    def test_answeredTooLate(self):
        """The 2xx of an early dialog that is over already: acknowledged, ended, and the connection is let go."""
        calling, invite = self.invite(self.target)
        self.peer.respond(invite, 180, headers={"Contact": NOWHERE[0]})
        self.network.advance(0.1)
        self.peer.request("BYE", within=invite)
        self.network.advance(0.1)
        self.peer.respond(invite, 200, headers={"Contact": NOWHERE[0]}, body=ANSWER)
        self.peer.expect("ACK", 5)
        self.peer.respond(self.peer.expect("BYE", 5), 481)
        self.network.advance(1)
        self.failureResultOf(calling, DialogTerminated)
        self.assertEqual(self.notes.reasons, [Reason.REMOTE_BYE])
        self.network.advance(100)
        self.assertEqual(self.network.ends, [], "a connection that nobody uses stays open")
        self.assertEqual(self.alice.leftovers(), [])

    def test_cancelled(self):
        """The same when the call was cancelled, and the 2xx crossed the CANCEL."""
        calling, invite = self.invite(self.target)
        self.peer.respond(invite, 180, headers={"Contact": NOWHERE[0]})
        self.network.advance(0.1)
        calling.cancel()
        self.peer.respond(invite, 200, headers={"Contact": NOWHERE[0]}, body=ANSWER)
        self.peer.expect("ACK", 5)
        self.peer.respond(self.peer.expect("BYE", 5), 200)
        self.network.advance(100)
        self.assertEqual(self.notes.reasons, [Reason.LOCAL_CANCEL])
        self.assertEqual(self.network.ends, [])
        self.assertEqual(self.alice.leftovers(), [])
