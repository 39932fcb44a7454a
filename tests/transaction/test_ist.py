"""
INVITE server transaction: RFC 3261 section 17.2.1 and figure 7, RFC 6026 section 7.1.
"""

from __future__ import annotations

from typing import Any

from tests.transaction.doubles import Flow, LayerCase, firstLines, request
from twisted_sipdialog.errors import NoAck, TransportError
from twisted_sipdialog.message.parser import parseMessage
from twisted_sipdialog.timers import TimerValues

#: When an unacknowledged refusal is sent, in seconds from the first time: timer G doubles until T2.
TIMER_G = [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


class InviteServerCase(LayerCase):
    def setUp(self) -> None:
        super().setUp()
        self.udp = self.flow()
        self.tcp = self.flow(reliable=True)
        self.invite = request()

    def ask(self, flow: Flow) -> Any:
        flow.sent.clear()
        return self.serve(self.invite, flow)

    def respond(self, transaction: Any, code: int) -> None:
        """The user answers."""
        transaction.respond(self.invite.response(code, toTag="bob"))

    def repeat(self, flow: Flow) -> None:
        """The peer sends the INVITE again."""
        self.layer.requestReceived(request(), flow)

    def ack(self, flow: Flow) -> None:
        """The peer acknowledges within the transaction."""
        self.layer.requestReceived(request("ACK", toTag="bob"), flow)


class ProceedingTests(InviteServerCase):
    def test_trying(self) -> None:
        """
        A 100 goes out when the user has been silent for 200 ms; one only.
        """
        for flow in (self.udp, self.tcp):
            begin = self.clock.seconds()
            transaction = self.ask(flow)
            self.advance(0.19)
            self.assertEqual(flow.sent, [])
            self.advance(100)
            self.assertEqual(firstLines(flow.sent), [(round(begin + 0.2, 6), "100")])
            self.respond(transaction, 486)
            self.ack(flow)
            self.advance(5)

    def test_tryingIsPlain(self) -> None:
        """
        8.2.6: the 100 repeats the request's Via, From, To, Call-ID and CSeq, and gives To no tag.
        """
        transaction = self.ask(self.udp)
        self.advance(1)
        trying = parseMessage(self.udp.sent[0][1])
        for name in ("via", "from", "to", "call-id", "cseq"):
            self.assertEqual(trying.headers.getAll(name), self.invite.headers.getAll(name), name)
        self.assertEqual(trying.toTag, "")
        self.respond(transaction, 486)

    def test_noTrying(self) -> None:
        """
        No 100 after any other response of the user.
        """
        for code in (180, 183, 200, 302, 486):
            for flow in (self.udp, self.tcp):
                transaction = self.ask(flow)
                self.advance(0.1)
                self.respond(transaction, code)
                self.advance(0.3)
                self.assertEqual([line for _, line in firstLines(flow.sent)], [str(code)])
                if code < 200:
                    self.respond(transaction, 486)
                self.advance(33)

    def test_provisionals(self) -> None:
        """
        Each provisional of the user is sent at once, and never repeated by itself.
        """
        transaction = self.ask(self.udp)
        for code in (180, 183, 180):
            self.advance(1)
            self.respond(transaction, code)
        self.advance(1000)
        lines = [(0.2, "100"), (1, "180"), (2, "183"), (3, "180")]
        self.assertEqual(firstLines(self.udp.sent), lines)
        self.respond(transaction, 486)

    def test_repeatedInvite(self) -> None:
        """
        A repeated INVITE is absorbed while nothing was sent, then answered by the latest provisional; the user
        does not hear of it.
        """
        transaction = self.ask(self.udp)
        self.repeat(self.udp)
        self.assertEqual(self.udp.sent, [])
        self.advance(0.5)
        self.repeat(self.udp)
        self.respond(transaction, 180)
        self.repeat(self.udp)
        self.respond(transaction, 183)
        self.repeat(self.udp)
        self.repeat(self.udp)
        lines = [line for _, line in firstLines(self.udp.sent)]
        self.assertEqual(lines, ["100", "100", "180", "180", "183", "183", "183"])
        self.assertEqual(len(self.user.transactions), 1)
        self.respond(transaction, 486)

    def test_earlyAck(self) -> None:
        """
        An ACK before any final response acknowledges nothing.
        """
        transaction = self.ask(self.udp)
        self.ack(self.udp)
        self.assertEqual((self.user.acks, transaction.state), ([], "proceeding"))
        self.respond(transaction, 486)


class CompletedTests(InviteServerCase):
    def test_timerG(self) -> None:
        """
        Where the transport may lose it, a refusal is repeated after T1, then twice that, but never later than T2.
        """
        transaction = self.ask(self.udp)
        self.respond(transaction, 486)
        self.advance(100)
        self.assertEqual(firstLines(self.udp.sent), [(at, "486") for at in TIMER_G])
        self.assertEqual(len({data for _, data in self.udp.sent}), 1)

    def test_timerGCountsFromTheRefusal(self) -> None:
        """
        However late the refusal is, and whatever was sent before.
        """
        transaction = self.ask(self.udp)
        self.advance(7.25)
        self.respond(transaction, 180)
        self.advance(2)
        self.udp.sent.clear()
        self.respond(transaction, 603)
        self.advance(100)
        self.assertEqual(firstLines(self.udp.sent), [(9.25 + at, "603") for at in TIMER_G])

    def test_reliable(self) -> None:
        """
        A reliable transport is given the refusal once.
        """
        transaction = self.ask(self.tcp)
        self.respond(transaction, 486)
        self.advance(100)
        self.assertEqual(firstLines(self.tcp.sent), [(0, "486")])

    def test_timerH(self) -> None:
        """
        After 64*T1 without an ACK the transaction ends on any transport, and the user is told that it failed.
        """
        for flow in (self.udp, self.tcp):
            transaction = self.ask(flow)
            self.respond(transaction, 486)
            self.advance(31.99)
            self.assertEqual((transaction.state, self.user.errors), ("completed", []))
            self.advance(0.01)
            self.assertEqual([type(error) for error in self.user.errors], [NoAck])
            self.assertGone()
            self.user.errors.clear()

    def test_repeatedInvite(self) -> None:
        """
        A repeated INVITE is answered by the refusal.
        """
        for flow in (self.udp, self.tcp):
            transaction = self.ask(flow)
            self.respond(transaction, 486)
            self.repeat(flow)
            self.repeat(flow)
            self.assertEqual([line for _, line in firstLines(flow.sent)], ["486"] * 3)
            self.ack(flow)
            self.advance(5)

    def test_oneFinal(self) -> None:
        """
        What the user says after its refusal is discarded, and the refusal stays what repetitions are answered by.
        """
        transaction = self.ask(self.udp)
        self.respond(transaction, 486)
        for code in (180, 200, 603):
            self.respond(transaction, code)
        self.repeat(self.udp)
        self.assertEqual([line for _, line in firstLines(self.udp.sent)], ["486", "486"])
        self.assertEqual(transaction.state, "completed")


class ConfirmedTests(InviteServerCase):
    def test_ackEndsRepetition(self) -> None:
        """
        The ACK ends the repetitions; the user does not hear of it, nor of a failure.
        """
        transaction = self.ask(self.udp)
        self.respond(transaction, 486)
        self.advance(2)
        self.ack(self.udp)
        self.assertEqual(transaction.state, "confirmed")
        self.advance(100)
        self.assertEqual([at for at, _ in self.udp.sent], [0, 0.5, 1.5])
        self.assertEqual((self.user.acks, self.user.errors), ([], []))

    def test_timerI(self) -> None:
        """
        Further ACKs are absorbed for T4 where they can happen; where not, all is over at once.
        """
        transaction = self.ask(self.udp)
        self.respond(transaction, 486)
        self.ack(self.udp)
        self.advance(4.99)
        self.ack(self.udp)
        self.assertEqual((transaction.state, self.user.acks), ("confirmed", []))
        self.advance(0.01)
        self.assertGone()
        self.respond(self.ask(self.tcp), 486)
        self.ack(self.tcp)
        self.assertGone()

    def test_silence(self) -> None:
        """
        In this state nothing is sent, whatever comes from the peer or the user.
        """
        transaction = self.ask(self.udp)
        self.respond(transaction, 486)
        self.ack(self.udp)
        self.udp.sent.clear()
        self.repeat(self.udp)
        for code in (180, 200, 486):
            self.respond(transaction, code)
        self.assertEqual((self.udp.sent, transaction.state), ([], "confirmed"))
        self.assertEqual(len(self.user.transactions), 1)


class AcceptedTests(InviteServerCase):
    def test_timerL(self) -> None:
        """
        RFC 6026: the transaction stays for 64*T1 after the 2xx, on any transport.
        """
        for flow in (self.udp, self.tcp):
            transaction = self.ask(flow)
            self.advance(3)
            self.respond(transaction, 200)
            self.advance(31.99)
            self.assertEqual(transaction.state, "accepted")
            self.advance(0.01)
            self.assertGone()
            self.assertEqual(self.user.errors, [])

    def test_repeatedInvite(self) -> None:
        """
        RFC 6026: a repeated INVITE is absorbed: it is not answered here, and makes no second call.
        """
        for flow in (self.udp, self.tcp):
            transaction = self.ask(flow)
            before = len(self.user.transactions)
            self.respond(transaction, 200)
            for _ in range(10):
                self.repeat(flow)
                self.advance(3)
            self.assertEqual([line for _, line in firstLines(flow.sent)], ["200"])
            self.assertEqual(len(self.user.transactions), before)
            self.advance(33)

    def test_usersRepetitions(self) -> None:
        """
        13.3.1.4: the user repeats its 2xx through the transaction; only it does, at times of its own.
        """
        transaction = self.ask(self.udp)
        answer = self.invite.response(200, toTag="bob")
        for _ in range(3):
            transaction.respond(answer)
            self.advance(5)
        self.assertEqual(self.udp.sent, [(at, answer.toBytes()) for at in (0, 5, 10)])
        self.advance(22)
        transaction.respond(answer)
        self.assertEqual(len(self.udp.sent), 3)

    def test_ackGoesUp(self) -> None:
        """
        RFC 6026: an ACK within the transaction goes to the user, each time.
        """
        transaction = self.ask(self.udp)
        self.respond(transaction, 200)
        self.ack(self.udp)
        self.ack(self.udp)
        self.assertEqual([(ack.method, flow) for ack, flow in self.user.acks], [("ACK", self.udp)] * 2)
        self.assertEqual(transaction.state, "accepted")

    def test_oneFinal(self) -> None:
        """
        After a 2xx no other class is sent.
        """
        transaction = self.ask(self.udp)
        self.respond(transaction, 200)
        for code in (180, 302, 486, 603):
            self.respond(transaction, code)
        self.assertEqual([line for _, line in firstLines(self.udp.sent)], ["200"])

    def test_afterTheEnd(self) -> None:
        """
        An ACK that finds no transaction goes to the user of the layer.
        """
        self.respond(self.ask(self.udp), 200)
        self.advance(32)
        self.assertGone()
        self.ack(self.udp)
        self.assertEqual(len(self.user.acks), 1)


class UnsentTests(InviteServerCase):
    def test_transportFails(self) -> None:
        """
        RFC 6026 section 8.8: the user hears of a response that cannot be sent; the transaction stays as it is,
        and answers when the peer asks again.
        """
        for code, state in ((180, "proceeding"), (486, "completed")):
            transaction = self.ask(self.udp)
            self.udp.works = False
            self.respond(transaction, code)
            self.assertEqual([type(error) for error in self.user.errors], [TransportError])
            self.assertEqual(transaction.state, state)
            self.udp.works = True
            self.repeat(self.udp)
            self.assertEqual([line for _, line in firstLines(self.udp.sent)], [str(code)])
            self.user.errors.clear()
            self.respond(transaction, 486)
            self.ack(self.udp)
            self.advance(5)

    def test_acceptedFails(self) -> None:
        """
        The same for a 2xx, whose repetitions are the user's.
        """
        transaction = self.ask(self.udp)
        self.udp.works = False
        self.respond(transaction, 200)
        self.assertEqual(([type(error) for error in self.user.errors]), [TransportError])
        self.udp.works = True
        self.respond(transaction, 200)
        self.assertEqual([line for _, line in firstLines(self.udp.sent)], ["200"])

    def test_flowLost(self) -> None:
        """
        A lost flow ends no server transaction: the answer may find another way (18.2.2).
        """
        transaction = self.ask(self.tcp)
        self.layer.flowLost(self.tcp, TransportError("gone"))
        self.assertEqual((transaction.state, self.user.errors), ("proceeding", []))
        self.respond(transaction, 486)
        self.assertEqual(self.transport.vias, [self.invite.viaText])

    def test_nobodyThere(self) -> None:
        """
        A transaction nobody looks after needs nobody.
        """
        transaction = self.ask(self.udp)
        transaction.user = None
        self.udp.works = False
        self.respond(transaction, 486)
        self.advance(33)
        self.assertGone()


class OtherValuesTests(InviteServerCase):
    values = TimerValues(T1=0.2, T2=1.0, T4=2.0, provisional=0.5)

    def test_values(self) -> None:
        """
        T1, T2, T4 and the wait for a provisional are settings.
        """
        transaction = self.ask(self.udp)
        self.advance(1)
        self.assertEqual(firstLines(self.udp.sent), [(0.5, "100")])
        self.udp.sent.clear()
        self.respond(transaction, 486)
        self.advance(4)
        self.assertEqual([round(at - 1, 6) for at, _ in self.udp.sent], [0, 0.2, 0.6, 1.4, 2.4, 3.4])
        self.ack(self.udp)
        self.advance(1.99)
        self.assertEqual(self.layer.counts, (1, 0))
        self.advance(0.01)
        self.assertGone()
