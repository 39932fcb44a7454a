"""
INVITE client transaction: RFC 3261 section 17.1.1 and figure 5, RFC 6026 section 7.2.
"""

from __future__ import annotations

from tests.transaction.doubles import TIMER_A, ClientUser, Flow, LayerCase, firstLines, request, response
from twisted_sipdialog.errors import SipError, Timeout, TransportError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.parser import parseMessage
from twisted_sipdialog.timers import TimerValues


class InviteClientCase(LayerCase):
    def setUp(self) -> None:
        super().setUp()
        self.udp = self.flow()
        self.tcp = self.flow(reliable=True)
        self.invite = request()

    def answer(self, code: int, toTag: str = "bob") -> None:
        """The peer answers."""
        self.layer.responseReceived(response(self.invite, code, toTag), self.udp)

    def call(self, flow: Flow) -> ClientUser:
        user = ClientUser()
        self.start(self.invite, flow, user)
        return user

    @property
    def states(self) -> list[str]:
        return [line.split(" ")[1] for line in self.layer.leftovers()]


class CallingTests(InviteClientCase):
    def test_timerA(self) -> None:
        """
        Where the transport may lose it, the request is repeated after T1, and each wait is twice the one before.
        """
        self.call(self.udp)
        self.advance(1000)
        self.assertEqual(firstLines(self.udp.sent), [(at, "INVITE") for at in TIMER_A])
        self.assertEqual({data for _, data in self.udp.sent}, {self.invite.toBytes()})

    def test_timerB(self) -> None:
        """
        After 64*T1 without any response the user is told, once, and all is over.
        """
        for flow in (self.udp, self.tcp):
            begin = self.clock.seconds()
            user = self.call(flow)
            self.advanceTo(begin + 31.99)
            self.assertEqual(user.errors, [])
            self.advanceTo(begin + 32)
            self.assertEqual([type(error) for error in user.errors], [Timeout])
            self.assertGone()

    def test_reliable(self) -> None:
        """
        A reliable transport is given the request once.
        """
        self.call(self.tcp)
        self.advance(1000)
        self.assertEqual(firstLines(self.tcp.sent), [(0, "INVITE")])

    def test_sendFails(self) -> None:
        """
        17.1.4: a request that cannot be sent fails at once, and is told once.
        """
        for flow in (self.udp, self.tcp):
            flow.works = False
            user = self.call(flow)
            self.assertEqual([type(error) for error in user.errors], [TransportError])
            self.assertGone()
        self.advance(40)
        self.assertEqual(len(user.errors), 1)

    def test_repetitionFails(self) -> None:
        """
        17.1.4: so does a repetition.
        """
        user = self.call(self.udp)
        self.advance(1)
        self.udp.works = False
        self.advance(1)
        self.assertEqual([type(error) for error in user.errors], [TransportError])
        self.assertGone()

    def test_abandon(self) -> None:
        """
        9.1: an INVITE whose CANCEL brought no final response is taken for cancelled; only one that waits can be.
        """
        for code, expected in ((None, [Timeout]), (180, [Timeout]), (200, []), (486, [])):
            user = ClientUser()
            transaction = self.start(self.invite, self.udp, user)
            if code is not None:
                self.answer(code)
            transaction.handle("abandon")
            self.assertEqual([type(error) for error in user.errors], expected, code)
            self.assertEqual(len(self.states), 0 if expected else 1, code)
            self.advance(33)


class ProceedingTests(InviteClientCase):
    def test_provisionalEndsRepetition(self) -> None:
        """
        After a provisional response nothing is repeated, and the transaction waits without limit.
        """
        for flow in (self.udp, self.tcp):
            user = self.call(flow)
            self.advance(1)
            flow.sent.clear()
            self.answer(100)
            self.advance(10_000)
            self.assertEqual((flow.sent, user.codes, user.errors), ([], [100], []))
            self.assertEqual((self.states, self.timers.count), (["proceeding"], 0))
            self.answer(486)
            self.advance(32)

    def test_everyProvisionalGoesUp(self) -> None:
        """
        Each provisional response reaches the user; none makes the request or an ACK go out again.
        """
        for flow in (self.udp, self.tcp):
            user = self.call(flow)
            flow.sent.clear()
            for code in (100, 180, 100, 183, 183, 180):
                self.answer(code)
                self.advance(3)
            self.assertEqual((user.codes, flow.sent), ([100, 180, 100, 183, 183, 180], []))
            self.answer(486)
            self.advance(32)


class AcceptedTests(InviteClientCase):
    def test_ackIsTheUsers(self) -> None:
        """
        13.2.2.4: a 2xx goes up; the transaction neither acknowledges it nor repeats anything.
        """
        for provisional in ((), (180,)):
            for flow in (self.udp, self.tcp):
                flow.sent.clear()
                user = self.call(flow)
                for code in (*provisional, 200):
                    self.answer(code)
                self.assertEqual(user.codes, [*provisional, 200])
                self.advance(31)
                self.assertEqual([line for _, line in firstLines(flow.sent)], ["INVITE"])
                self.advance(1)

    def test_timerM(self) -> None:
        """
        RFC 6026: the transaction stays for 64*T1 after the first 2xx, on any transport.
        """
        for flow in (self.udp, self.tcp):
            self.call(flow)
            self.advance(5)
            self.answer(200)
            self.advance(20)
            self.answer(200)
            self.advance(11.99)
            self.assertEqual(self.states, ["accepted"])
            self.advance(0.01)
            self.assertGone()

    def test_everySuccessGoesUp(self) -> None:
        """
        RFC 6026: each 2xx, a repetition or one of another fork, reaches the user, who acknowledges it.
        """
        user = self.call(self.udp)
        for toTag in ("one", "two", "one", "three"):
            self.answer(200, toTag)
            self.advance(1)
        self.assertEqual([r.toTag for r in user.responses], ["one", "two", "one", "three"])

    def test_onlySuccessCounts(self) -> None:
        """
        RFC 6026: what is no 2xx is not passed on after one; and it is not acknowledged.
        """
        user = self.call(self.udp)
        self.answer(200)
        self.udp.sent.clear()
        for code in (100, 180, 302, 404, 503, 603):
            self.answer(code, "fork")
        self.assertEqual((user.codes, self.udp.sent, self.states), ([200], [], ["accepted"]))

    def test_lateSuccess(self) -> None:
        """
        RFC 6026 section 8.1: a 2xx that comes when the transaction is gone goes to the user of the layer;
        any other such response to nobody.
        """
        user = self.call(self.udp)
        self.answer(200)
        self.advance(32)
        for code in (180, 200, 404):
            self.answer(code, "late")
        self.assertEqual(([r.statusCode for r in self.user.strays], user.codes), ([200], [200]))


class CompletedTests(InviteClientCase):
    def test_ackedHere(self) -> None:
        """
        17.1.1.2: each refusal goes up once, and is acknowledged here.
        """
        for code in (300, 302, 401, 486, 503, 600, 699):
            for provisional in ((), (100, 180)):
                for flow in (self.udp, self.tcp):
                    flow.sent.clear()
                    user = self.call(flow)
                    for each in (*provisional, code):
                        self.answer(each)
                    self.assertEqual(user.codes, [*provisional, code])
                    self.advance(33)
                    self.assertEqual([line for _, line in firstLines(flow.sent)], ["INVITE", "ACK"], code)
                    self.assertEqual(user.errors, [])

    def test_repeatedRefusal(self) -> None:
        """
        A refusal that comes again is acknowledged again with the same bytes, and does not go up.
        """
        user = self.call(self.udp)
        for _ in range(4):
            self.answer(486)
            self.advance(2)
        self.assertEqual(firstLines(self.udp.sent), [(0, "INVITE"), (0, "ACK"), (2, "ACK"), (4, "ACK"), (6, "ACK")])
        self.assertEqual(len({data for _, data in self.udp.sent}), 2)
        self.assertEqual(user.codes, [486])

    def test_timerD(self) -> None:
        """
        Repetitions are awaited for 32 s where they can happen, and not at all where not.  Later ones are dropped.
        """
        self.call(self.udp)
        self.answer(486)
        self.advance(31.99)
        self.assertEqual(self.states, ["completed"])
        self.advance(0.01)
        self.assertGone()
        self.answer(486)
        self.assertEqual(len(self.udp.sent), 2)
        self.call(self.tcp)
        self.answer(486)
        self.assertGone()

    def test_successAfterRefusal(self) -> None:
        """
        17.1.1.2: after a refusal a 2xx or a provisional is not for this transaction, and for nobody else.
        """
        user = self.call(self.udp)
        self.answer(486)
        self.udp.sent.clear()
        for code in (180, 200):
            self.answer(code, "fork")
        self.assertEqual((user.codes, self.user.strays, self.udp.sent), ([486], [], []))

    def test_ackCannotBeSent(self) -> None:
        """
        A refusal whose ACK cannot be sent is a final response all the same: the user hears of that alone.
        """
        for flow in (self.udp, self.tcp):
            user = self.call(flow)
            flow.works = False
            self.answer(486)
            self.assertEqual((user.codes, user.errors), ([486], []))
            self.assertGone()

    def test_nextAttempt(self) -> None:
        """
        22.2: a user that answers a challenge from within starts its next transaction undisturbed.
        """
        second = request(branch="z9hG4bKtwo", cseq=2)
        later = ClientUser()

        class Challenged(ClientUser):
            def responseReceived(inner, response: Response) -> None:
                super().responseReceived(response)
                self.start(second, self.udp, later)

        self.start(self.invite, self.udp, Challenged())
        self.answer(407)
        self.assertEqual([line for _, line in firstLines(self.udp.sent)], ["INVITE", "ACK", "INVITE"])
        self.layer.responseReceived(response(second, 200), self.udp)
        self.assertEqual(later.codes, [200])


class AckTests(InviteClientCase):
    def ackTo(self, invite: Request, code: int) -> Request:
        flow = self.flow()
        self.start(invite, flow)
        self.layer.responseReceived(response(invite, code, "busy"), flow)
        ack = parseMessage(flow.sent[-1][1])
        assert isinstance(ack, Request)
        self.assertEqual(ack.method, "ACK")
        return ack

    def test_headers(self) -> None:
        """
        17.1.1.3: Request-URI, Call-ID, From, the one Via and the number of CSeq are the INVITE's, To is the
        response's; there is no body.
        """
        invite = request(uri="sip:bob@192.0.2.4:5080;transport=udp", cseq=4711, fromTag="x-1")
        ack = self.ackTo(invite, 486)
        self.assertEqual(ack.uriText, invite.uriText)
        self.assertEqual(ack.headers.getAll("via"), invite.headers.getAll("via"))
        self.assertEqual((ack.callId, ack.headers.get("from")), (invite.callId, invite.headers.get("from")))
        self.assertEqual((ack.fromTag, ack.toTag), ("x-1", "busy"))
        self.assertEqual((ack.cseqNumber, ack.cseqMethod), (4711, "ACK"))
        self.assertEqual((ack.body, ack.headers.getAll("content-length")), (b"", ["0"]))
        self.assertEqual(len(ack.headers.getAll("max-forwards")), 1)

    def test_route(self) -> None:
        """
        17.1.1.3: the Routes of the INVITE, in their order.
        """
        routes = ["<sip:p1.example;lr>, <sip:p2.example;lr>", "<sip:p3.example;lr>"]
        invite = request(more="".join(f"Route: {route}\r\n" for route in routes))
        self.assertEqual(self.ackTo(invite, 404).headers.getAll("route"), routes)
        self.assertNotIn("route", self.ackTo(request(), 404).headers)

    def test_inDialog(self) -> None:
        """
        The To of a refused re-INVITE has one tag, the dialog's.
        """
        ack = self.ackTo(request(toTag="dialog"), 491)
        self.assertEqual(ack.headers.getAll("to"), ["Bob <sip:bob@biloxi.example>;tag=dialog"])

    def test_nothingElse(self) -> None:
        """
        What only an INVITE has stays out: a Contact, a body and what describes it, Require.
        """
        more = "Contact: <sip:alice@192.0.2.9>\r\nRequire: 100rel\r\nContent-Type: application/sdp\r\nAllow: INVITE\r\n"
        ack = self.ackTo(request(more=more), 404)
        names = sorted(name.lower() for name, _ in ack.headers)
        expected = ["call-id", "content-length", "cseq", "from", "max-forwards", "to", "via"]
        self.assertEqual(names, expected)


class OtherValuesTests(InviteClientCase):
    values = TimerValues(T1=0.1, D=40.0)

    def test_values(self) -> None:
        """
        All that is derived from T1 follows it; timer D has its own setting.
        """
        user = self.call(self.udp)
        self.advance(100)
        self.assertEqual(firstLines(self.udp.sent), [(at / 5, "INVITE") for at in TIMER_A])
        self.assertEqual(len(user.errors), 1)
        for code, rest in ((200, 6.4), (486, 40.0)):
            self.call(self.udp)
            self.answer(code)
            self.advance(rest - 0.01)
            self.assertEqual(len(self.states), 1, code)
            self.advance(0.01)
            self.assertGone()

    def tearDown(self) -> None:
        self.advance(40)
        super().tearDown()


class FlowTests(InviteClientCase):
    def test_flowLost(self) -> None:
        """
        A lost flow fails whoever still waits for an answer over it, once; who has one is left alone.
        """
        for code, expected in ((None, 1), (180, 1), (200, 0)):
            flow = self.flow(reliable=True)
            user = self.call(flow)
            if code is not None:
                self.answer(code)
            reason = TransportError("gone")
            self.layer.flowLost(flow, reason)
            self.layer.flowLost(flow, TransportError("again"))
            self.assertEqual(user.errors, [reason] * expected, code)
            self.advance(33)
            self.assertEqual(len(user.errors), expected, code)

    def test_forkAfterFlowLost(self) -> None:
        """
        A fork's 2xx that finds another way still goes up.
        """
        user = self.call(self.tcp)
        self.answer(200, "one")
        self.layer.flowLost(self.tcp, TransportError("gone"))
        self.answer(200, "two")
        self.assertEqual([r.toTag for r in user.responses], ["one", "two"])

    def test_flowLostWhileSending(self) -> None:
        """
        A flow that breaks under the request, or under the ACK, is told once.
        """

        class Breaking(Flow):
            def send(inner, data: bytes) -> bool:
                if inner.works:
                    return super().send(data)
                self.layer.flowLost(inner, TransportError("broke"))
                return False

        for breaks, codes, errors in (("INVITE", [], 1), ("ACK", [486], 0)):
            flow = Breaking(self.clock, reliable=True)
            self.flows.append(flow)
            flow.works = breaks != "INVITE"
            user = self.call(flow)
            flow.works = False
            self.answer(486)
            self.assertEqual((user.codes, len(user.errors)), (codes, errors), breaks)
            self.assertEqual((flow.holds, flow.held), (0, 1))
            self.assertGone()

    def test_failureStartsAnother(self) -> None:
        """
        A user that tries again at once, even on the flow that was lost, is told of that attempt by itself.
        """
        second = ClientUser()
        attempt = request(branch="z9hG4bKtwo")

        class Persistent(ClientUser):
            def transactionFailed(inner, error: SipError) -> None:
                super().transactionFailed(error)
                self.start(attempt, self.tcp, second)

        first = Persistent()
        self.start(self.invite, self.tcp, first)
        self.tcp.works = False
        self.layer.flowLost(self.tcp, TransportError("gone"))
        self.assertEqual((len(first.errors), len(second.errors)), (1, 1))
