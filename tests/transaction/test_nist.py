"""
Non-INVITE server transaction: RFC 3261 section 17.2.2 and figure 8.
"""

from __future__ import annotations

from typing import Any

from tests.transaction.doubles import Flow, LayerCase, firstLines, request
from twisted_sipdialog.errors import TransportError


class NonInviteServerTests(LayerCase):
    def setUp(self) -> None:
        super().setUp()
        self.udp = self.flow()
        self.tcp = self.flow(reliable=True)
        self.options = request("OPTIONS")

    def ask(self, flow: Flow) -> Any:
        flow.sent.clear()
        return self.serve(self.options, flow)

    def respond(self, transaction: Any, code: int) -> None:
        """The user answers."""
        transaction.respond(self.options.response(code, toTag="bob"))

    def repeat(self, flow: Flow) -> None:
        """The peer sends the request again."""
        self.layer.requestReceived(request("OPTIONS"), flow)

    def test_noTrying(self) -> None:
        """
        RFC 4320: no provisional goes out by itself, and while nothing was sent repetitions are absorbed.
        """
        for flow in (self.udp, self.tcp):
            transaction = self.ask(flow)
            before = len(self.user.transactions)
            for _ in range(5):
                self.repeat(flow)
                self.advance(4)
            self.assertEqual((flow.sent, len(self.user.transactions)), ([], before))
            self.respond(transaction, 200)
            self.advance(32)

    def test_provisional(self) -> None:
        """
        A provisional of the user is sent, and repeated for each repetition of the request, never by itself.
        """
        transaction = self.ask(self.udp)
        self.advance(4)
        self.respond(transaction, 100)
        self.advance(10)
        self.repeat(self.udp)
        self.respond(transaction, 100)
        self.assertEqual(firstLines(self.udp.sent), [(4, "100"), (14, "100"), (14, "100")])
        self.respond(transaction, 200)

    def test_final(self) -> None:
        """
        A final response of any class is sent once, and again for each repetition of the request.
        """
        for code in (200, 202, 302, 404, 500, 603):
            for provisional in ((), (100,)):
                transaction = self.ask(self.udp)
                for each in (*provisional, code):
                    self.respond(transaction, each)
                self.advance(10)
                self.repeat(self.udp)
                self.repeat(self.udp)
                lines = [line for _, line in firstLines(self.udp.sent)]
                self.assertEqual(lines, [str(each) for each in (*provisional, code, code, code)])
                self.advance(22)
                self.assertGone()

    def test_oneFinal(self) -> None:
        """
        What the user says after its final response is discarded.
        """
        transaction = self.ask(self.udp)
        self.respond(transaction, 404)
        for code in (100, 200, 500):
            self.respond(transaction, code)
        self.repeat(self.udp)
        self.assertEqual([line for _, line in firstLines(self.udp.sent)], ["404", "404"])

    def test_timerJ(self) -> None:
        """
        Repetitions are answered for 64*T1 where they can happen.  Where not, all is over at once, and discards
        a second final as well.
        """
        transaction = self.ask(self.udp)
        self.respond(transaction, 200)
        self.advance(31.99)
        self.repeat(self.udp)
        self.assertEqual((transaction.state, len(self.udp.sent)), ("completed", 2))
        self.advance(0.01)
        self.assertGone()
        transaction = self.ask(self.tcp)
        self.respond(transaction, 200)
        self.assertGone()
        self.respond(transaction, 500)
        self.assertEqual([line for _, line in firstLines(self.tcp.sent)], ["200"])

    def test_repetitionsDoNotProlong(self) -> None:
        """
        Timer J counts from the final response, however often the peer asks.
        """
        self.respond(self.ask(self.udp), 200)
        for _ in range(32):
            self.assertEqual(self.layer.counts, (1, 0))
            self.repeat(self.udp)
            self.advance(1)
        self.assertGone()

    def test_afterTheEnd(self) -> None:
        """
        What comes later is a new request.
        """
        self.respond(self.ask(self.udp), 200)
        self.advance(32)
        self.respond(self.ask(self.udp), 200)
        self.assertEqual(len(self.user.transactions), 2)

    def test_strayAck(self) -> None:
        """
        An ACK belongs to no such transaction, though its branch may be the same.
        """
        transaction = self.ask(self.udp)
        self.layer.requestReceived(request("ACK"), self.udp)
        self.assertEqual((len(self.user.acks), transaction.state), (1, "trying"))
        self.respond(transaction, 200)

    def test_transportFails(self) -> None:
        """
        RFC 6026 section 8.8: the user hears of a response that cannot be sent; a repetition gets it.
        """
        transaction = self.ask(self.udp)
        self.udp.works = False
        self.respond(transaction, 200)
        self.assertEqual([type(error) for error in self.user.errors], [TransportError])
        self.udp.works = True
        self.repeat(self.udp)
        self.assertEqual([line for _, line in firstLines(self.udp.sent)], ["200"])

    def test_userStopsAllWhenTold(self) -> None:
        """
        A user that ends everything from within leaves a reliable flow held as often as released.
        """
        transaction = self.ask(self.tcp)
        self.user.transactionFailed = lambda error: self.layer.abandonAll()  # type: ignore[method-assign]
        self.tcp.works = False
        self.respond(transaction, 200)
        self.assertEqual((self.tcp.held, self.tcp.holds), (1, 0))
        self.assertGone()
