"""
The transaction layer as a whole: its bounds, the flows it holds, and that every transaction ends.
"""

from __future__ import annotations

from typing import Any

from zope.interface.verify import verifyObject

from tests.transaction.doubles import ClientUser, Flow, LayerCase, firstLines, request, response
from twisted_sipdialog._seams import ITransportUser
from twisted_sipdialog.configuration import LoadLimits
from twisted_sipdialog.errors import TransportError
from twisted_sipdialog.message.parser import parseMessage


class SeamTests(LayerCase):
    def test_interface(self) -> None:
        """
        The layer is what the transport tells.
        """
        self.assertTrue(verifyObject(ITransportUser, self.layer))

    def test_wayBack(self) -> None:
        """
        18.2.2: with each response over a connection, which may be lost meanwhile, goes the Via of its
        request, as the transport stamped it; a datagram goes back where it came from without.
        """
        for reliable in (False, True):
            invite = request()
            invite.stampVia(f"{invite.viaText};received=198.51.100.1")
            transaction = self.serve(invite, self.flow(reliable))
            for code in (180, 200):
                transaction.respond(invite.response(code, toTag="bob"))
            self.assertEqual(self.transport.vias, [invite.viaText if reliable else None] * 2)
            self.transport.vias.clear()
            self.layer.abandonAll()

    def test_leftovers(self) -> None:
        """
        Who looks for what is left is told the kind, the state and the key.
        """
        flow = self.flow()
        self.start(request("OPTIONS", "z9hG4bKx"), flow)
        transaction = self.serve(request(), flow)
        self.assertEqual(self.layer.counts, (1, 1))
        server, client = self.layer.leftovers()
        self.assertTrue(server.startswith("InviteServer proceeding INVITE z9hg4bkone"), server)
        self.assertTrue(client.startswith("NonInviteClient trying OPTIONS z9hg4bkx"), client)
        transaction.respond(request().response(486))


class LimitTests(LayerCase):
    limits = LoadLimits(serverTransactions=3, retryAfter=7)

    def setUp(self) -> None:
        super().setUp()
        self.udp = self.flow()

    def fill(self, method: str = "OPTIONS") -> list[Any]:
        """As many requests as there is room for."""
        return [self.serve(request(method, f"z9hG4bKfill{n}", callId=f"fill{n}"), self.udp) for n in range(3)]

    def end(self, transactions: list[Any]) -> None:
        for transaction in transactions:
            transaction.respond(transaction.request.response(486, toTag="bob"))
        self.advance(32)

    def test_refusal(self) -> None:
        """
        21.5.4: a request for which there is no room is answered 503 with Retry-After, and nobody hears of it.
        """
        transactions = self.fill()
        for flow in (self.udp, self.flow(reliable=True)):
            for method in ("INVITE", "OPTIONS", "BYE"):
                flow.sent.clear()
                late = request(method, "z9hG4bKlate")
                self.layer.requestReceived(late, flow)
                answer: Any = parseMessage(flow.sent[0][1])
                self.assertEqual((answer.statusCode, answer.headers.getAll("retry-after")), (503, ["7"]))
                self.assertEqual(answer.headers.getAll("via"), late.headers.getAll("via"))
                self.assertNotEqual(answer.toTag, "")
        self.assertEqual((self.layer.refused, len(self.user.transactions)), (6, 3))
        self.end(transactions)

    def test_sameAnswer(self) -> None:
        """
        8.2.7: without state each repetition gets the same answer, To tag included.
        """
        transactions = self.fill()
        for _ in range(3):
            self.layer.requestReceived(request(), self.udp)
        self.assertEqual(len({data for _, data in self.udp.sent}), 1)
        self.end(transactions)

    def test_ackOfRefusal(self) -> None:
        """
        An ACK is never answered, however full it is.
        """
        transactions = self.fill()
        self.layer.requestReceived(request("ACK", toTag="overload"), self.udp)
        self.assertEqual((self.udp.sent, len(self.user.acks)), ([], 1))
        self.end(transactions)

    def test_flood(self) -> None:
        """
        However much comes, the tables stay as small as they are, no timer is started, and those inside are served.
        """
        transactions = self.fill()
        before = self.timers.count
        for n in range(2000):
            for method in ("INVITE", "OPTIONS", "CANCEL", "ACK"):
                self.layer.requestReceived(request(method, f"z9hG4bK{n}", callId=str(n)), self.udp)
        self.assertEqual((self.layer.counts, self.timers.count, self.layer.refused), ((3, 0), before, 6000))
        self.assertEqual(len(self.layer._merging), 0)
        self.udp.sent.clear()
        transactions[0].respond(transactions[0].request.response(200, toTag="bob"))
        self.layer.requestReceived(request("OPTIONS", "z9hG4bKfill0", callId="fill0"), self.udp)
        self.assertEqual([line for _, line in firstLines(self.udp.sent)], ["200", "200"])
        self.end(transactions[1:])

    def test_roomAgain(self) -> None:
        """
        When transactions have ended there is room again.
        """
        self.end(self.fill())
        self.end(self.fill())
        self.assertEqual(self.layer.refused, 0)

    def test_clientsAreNotCounted(self) -> None:
        """
        The bound is for what peers make us keep: our own requests go out.
        """
        transactions = self.fill()
        user = ClientUser()
        ours = request("BYE", "z9hG4bKours")
        self.start(ours, self.udp, user)
        self.layer.responseReceived(response(ours, 200), self.udp)
        self.assertEqual(user.codes, [200])
        self.end(transactions)


class FlowTests(LayerCase):
    def test_onlyThatFlow(self) -> None:
        """
        A lost flow fails the client transactions on it, in the order of their start, and no others; then the
        user of the layer is told.
        """
        lost, kept, udp = self.flow(True), self.flow(True), self.flow()
        told: list[str] = []

        class Named(ClientUser):
            def __init__(self, name: str) -> None:
                super().__init__()
                self.name = name

            def transactionFailed(self, error: Any) -> None:
                super().transactionFailed(error)
                told.append(self.name)

        users = []
        for n, flow in enumerate((lost, kept, udp, lost, lost, kept, udp)):
            users.append(Named(f"{n}"))
            self.start(request("OPTIONS" if n % 2 else "INVITE", f"z9hG4bK{n}"), flow, users[-1])
        reason = TransportError("gone")
        self.layer.flowLost(lost, reason)
        self.assertEqual(told, ["0", "3", "4"])
        self.assertEqual([user.errors for user in users if user.errors], [[reason]] * 3)
        self.assertEqual(self.user.lost, [(lost, reason)])
        self.assertEqual((lost.holds, kept.holds, self.layer.counts), (0, 2, (0, 4)))
        self.layer.flowLost(udp, TransportError("nothing is lost with a datagram's way"))
        self.assertEqual(len(told), 3)

    def test_endedBeforeTheFlow(self) -> None:
        """
        A transaction that has its answer hears nothing of what becomes of its flow.
        """
        flow = self.flow(True)
        user = ClientUser()
        options = request("OPTIONS")
        self.start(options, flow, user)
        self.layer.responseReceived(response(options, 200), flow)
        self.layer.flowLost(flow, TransportError("gone"))
        self.assertEqual((user.codes, user.errors), ([200], []))

    def test_failureEndsAnother(self) -> None:
        """
        A user that, told of one failure, ends another transaction on that flow, is not told of it again.
        """
        flow = self.flow(True)
        second = ClientUser()

        class Ending(ClientUser):
            def transactionFailed(inner, error: Any) -> None:
                super().transactionFailed(error)
                other.handle("abandon")

        self.start(request(branch="z9hG4bKone"), flow, Ending())
        other = self.start(request(branch="z9hG4bKtwo"), flow, second)
        self.layer.flowLost(flow, TransportError("gone"))
        self.assertEqual(len(second.errors), 1)

    #: (method, what the peer answers or else happens), for a client on a reliable flow.
    CLIENT_ENDS: tuple[tuple[str, tuple[int | str, ...]], ...] = (
        *(
            (method, events)
            for method in ("INVITE", "OPTIONS")
            for events in (
                (),
                (100,),
                (200,),
                (486,),
                (100, 200),
                (100, 486),
                ("lost",),
                (100, "lost"),
                (200, "lost"),
                (486, "lost"),
                ("lost", 200),
                ("closed", "lost"),
                ("stop",),
                (180, "stop"),
                (200, "stop"),
            )
        ),
        ("INVITE", ("abandon",)),
        ("INVITE", (180, "abandon")),
        ("INVITE", (200, 200, "abandon")),
    )

    def test_heldAsOftenAsReleased(self) -> None:
        """
        A reliable flow is held while a transaction is open, and released once, however that ends.
        """
        for method, events in self.CLIENT_ENDS:
            flow = self.flow(True)
            flow.works = "closed" not in events
            sent = request(method)
            transaction = self.start(sent, flow)
            for event in events:
                self.happen(event, flow, sent, transaction)
            self.layer.responseReceived(response(sent, 180), flow)
            self.layer.responseReceived(response(sent, 404), flow)
            self.advance(33)
            self.assertEqual((flow.held, flow.holds), (1, 0), (method, events))
            self.assertGone()

    def happen(self, event: int | str, flow: Flow, sent: Any, transaction: Any) -> None:
        if event == "lost":
            self.layer.flowLost(flow, TransportError("gone"))
        elif event == "stop":
            self.layer.abandonAll()
        elif event == "abandon":
            transaction.handle("abandon")
        elif isinstance(event, int):
            self.layer.responseReceived(response(sent, event), flow)

    def test_serverHoldsToo(self) -> None:
        """
        So is the flow a request came by.
        """
        for method in ("INVITE", "OPTIONS"):
            for codes in ((200,), (486,), (100, 200), (100, 486), ()):
                for event in ("", "lost", "ack", "stop"):
                    flow = self.flow(True)
                    received = request(method)
                    transaction = self.serve(received, flow)
                    self.assertFalse(self.layer.isMerged(transaction))
                    for code in codes:
                        transaction.respond(received.response(code, toTag="bob"))
                    if event == "ack":
                        self.layer.requestReceived(request("ACK", toTag="bob"), flow)
                    else:
                        self.happen(event, flow, received, transaction)
                    # What the application says too late changes nothing any more.
                    transaction.respond(received.response(500, toTag="bob"))
                    self.advance(33)
                    self.assertEqual((flow.held, flow.holds), (1, 0), (method, codes, event))
                    self.assertGone()

    def test_datagramsAreNotHeld(self) -> None:
        """
        Nothing ends a way for datagrams, so it is not held.
        """
        flow = self.flow()
        self.start(request("OPTIONS", "z9hG4bKx"), flow)
        self.serve(request(), flow).respond(request().response(486))
        self.assertEqual(flow.held, 0)


class StopTests(LayerCase):
    def test_abandonAll(self) -> None:
        """
        When the service ends everything is forgotten at once; nothing is sent, nobody is told, and what an
        application does with a transaction afterwards does nothing.
        """
        for reliable in (False, True):
            flow = self.flow(reliable)
            user = ClientUser()
            machines = [self.start(request(m, "z9hG4bKours"), flow, user) for m in ("INVITE", "OPTIONS")]
            servers = [self.serve(request(m), flow) for m in ("INVITE", "OPTIONS")]
            for server in servers:
                self.assertFalse(self.layer.isMerged(server))
            flow.sent.clear()
            self.layer.abandonAll()
            self.assertGone()
            for code in (180, 200, 486):
                for server in servers:
                    server.respond(request().response(code, toTag="bob"))
                for machine in machines:
                    machine.received(response(machine.request, code))
            machines[0].handle("abandon")
            self.assertGone()
            self.assertEqual((flow.sent, user.responses, user.errors, self.user.errors), ([], [], [], []))


class EndTests(LayerCase):
    def test_everyTransactionEnds(self) -> None:
        """
        Twenty thousand transactions of every kind, answered or not, repeated or not: 64*T1 after the last, twice,
        the tables are empty.
        """
        udp, tcp = self.flow(), self.flow(True)
        for n in range(10_000):
            flow = tcp if n % 3 == 0 else udp
            method = "INVITE" if n % 2 else "OPTIONS"
            received = request(method, f"z9hG4bKin{n}" if n % 7 else None, callId=str(n))
            server = self.serve(received, flow)
            self.layer.isMerged(server)
            if n % 5 == 0:
                self.layer.requestReceived(received, flow)
            server.respond(received.response(200 if n % 4 < 2 else 486, toTag="bob"))
            if method == "INVITE" and n % 10 < 7:
                branch = f"z9hG4bKin{n}" if n % 7 else None
                self.layer.requestReceived(request("ACK", branch, callId=str(n), toTag="bob"), flow)
            sent = request(method, f"z9hG4bKout{n}", callId=str(n))
            self.start(sent, flow)
            if n % 11:
                self.layer.responseReceived(response(sent, 200 if n % 8 < 4 else 404), flow)
            if n % 100 == 0:
                self.clock.advance(0.5)
        self.assertGreater(self.layer.counts, (1000, 1000))
        self.clock.advance(32)
        self.clock.advance(32)
        self.assertGone()
        self.assertEqual((tcp.held, tcp.holds), (2 * 3334, 0))

    def test_afterAStall(self) -> None:
        """
        A process that slept through many deadlines sends what is due and ends as it would have.
        """
        udp = self.flow()
        users = [ClientUser(), ClientUser()]
        self.start(request(), udp, users[0])
        self.start(request("OPTIONS"), udp, users[1])
        self.clock.advance(1000)
        self.assertEqual([len(user.errors) for user in users], [1, 1])
        self.assertEqual(len(udp.sent), 7 + 11)
        self.assertGone()

    def test_userRaises(self) -> None:
        """
        A request that our own fault keeps from its transaction user is answered with 500, and ends like any other.
        """

        def raising(transaction: Any) -> None:
            raise ZeroDivisionError

        self.user.requestReceived = raising  # type: ignore[method-assign]
        for method in ("INVITE", "OPTIONS"):
            udp = self.flow()
            self.layer.requestReceived(request(method, f"z9hG4bK{method}"), udp)
            self.assertEqual(firstLines(udp.sent), [(0.0, "500")], method)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
