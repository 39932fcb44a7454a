"""
Non-INVITE client transaction: RFC 3261 section 17.1.2 and figure 6, RFC 4320.
"""

from __future__ import annotations

from tests.transaction.doubles import TIMER_E, ClientUser, Flow, LayerCase, firstLines, request, response
from twisted_sipdialog.errors import Timeout, TransportError
from twisted_sipdialog.timers import TimerValues


class NonInviteClientCase(LayerCase):
    def setUp(self) -> None:
        super().setUp()
        self.udp = self.flow()
        self.tcp = self.flow(reliable=True)
        self.options = request("OPTIONS")

    def answer(self, code: int) -> None:
        """The peer answers."""
        self.layer.responseReceived(response(self.options, code), self.udp)

    def ask(self, flow: Flow) -> ClientUser:
        user = ClientUser()
        self.start(self.options, flow, user)
        return user


class TryingTests(NonInviteClientCase):
    def test_timerE(self) -> None:
        """
        Where the transport may lose it, the request is repeated after T1, then twice that, but never later than T2.
        """
        self.ask(self.udp)
        self.advance(1000)
        self.assertEqual(firstLines(self.udp.sent), [(at, "OPTIONS") for at in TIMER_E])
        self.assertEqual({data for _, data in self.udp.sent}, {self.options.toBytes()})

    def test_timerF(self) -> None:
        """
        After 64*T1 without a final response the user is told, once, and all is over.
        """
        for flow in (self.udp, self.tcp):
            for provisional in (False, True):
                begin = self.clock.seconds()
                user = self.ask(flow)
                if provisional:
                    self.advance(20)
                    self.answer(100)
                self.advanceTo(begin + 31.99)
                self.assertEqual(user.errors, [])
                self.advanceTo(begin + 32)
                self.assertEqual([type(error) for error in user.errors], [Timeout])
                self.assertGone()

    def test_reliable(self) -> None:
        """
        A reliable transport is given the request once, before and after a provisional.
        """
        self.ask(self.tcp)
        self.advance(10)
        self.answer(100)
        self.advance(100)
        self.assertEqual(firstLines(self.tcp.sent), [(0, "OPTIONS")])

    def test_sendFails(self) -> None:
        """
        17.1.4: a request that cannot be sent, at once, again, or after a provisional, fails; once.
        """
        for code in (None, 100):
            for wait in (0.0, 1.0):
                self.udp.works = wait > 0
                user = self.ask(self.udp)
                self.advance(wait)
                if code is not None:
                    self.answer(code)
                self.udp.works = False
                self.advance(10)
                self.assertEqual([type(error) for error in user.errors], [TransportError], (code, wait))
                self.assertGone()
        self.tcp.works = False
        self.assertEqual(len(self.ask(self.tcp).errors), 1)
        self.assertGone()


class ProceedingTests(NonInviteClientCase):
    def test_timerE(self) -> None:
        """
        17.1.2.2: the timer that runs when a provisional comes fires as it would have; from then on it is T2.
        """
        for at, expected in (
            (0.1, [0, 0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]),
            (0.7, [0, 0.5, 1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5]),
            (8.0, TIMER_E),
        ):
            begin = self.clock.seconds()
            self.udp.sent.clear()
            user = self.ask(self.udp)
            self.advance(at)
            self.answer(100)
            self.advance(50)
            self.assertEqual([round(when - begin, 6) for when, _ in self.udp.sent], expected)
            self.assertEqual((user.codes, len(user.errors)), ([100], 1))

    def test_everyProvisionalGoesUp(self) -> None:
        """
        Provisional responses reach the user and do not make the request go out again.
        """
        user = self.ask(self.udp)
        for _ in range(5):
            self.answer(100)
        self.assertEqual((user.codes, len(self.udp.sent)), ([100] * 5, 1))
        self.answer(200)
        self.assertEqual(user.codes, [100] * 5 + [200])


class CompletedTests(NonInviteClientCase):
    def test_finals(self) -> None:
        """
        A final response of any class goes up once, and is not acknowledged.
        """
        for code in (200, 202, 302, 404, 503, 603):
            for provisional in ((), (100,)):
                for flow in (self.udp, self.tcp):
                    flow.sent.clear()
                    user = self.ask(flow)
                    for each in (*provisional, code, code, 100, 200, 486):
                        self.answer(each)
                    self.assertEqual((user.codes, user.errors), ([*provisional, code], []))
                    self.advance(33)
                    self.assertEqual(len(flow.sent), 1)

    def test_timerK(self) -> None:
        """
        Repetitions are awaited for T4 where they can happen, and not at all where not.
        """
        self.ask(self.udp)
        self.answer(200)
        self.advance(4.99)
        self.assertEqual(self.layer.counts, (0, 1))
        self.advance(0.01)
        self.assertGone()
        self.ask(self.tcp)
        self.answer(200)
        self.assertGone()

    def test_lateFinal(self) -> None:
        """
        RFC 4320: a response that finds no transaction any more goes to nobody.
        """
        user = self.ask(self.udp)
        self.advance(32)
        for code in (100, 200, 408, 500):
            self.answer(code)
        self.assertEqual((user.codes, self.user.strays), ([], []))


class OtherValuesTests(NonInviteClientCase):
    values = TimerValues(T1=1.0, T2=3.0, T4=2.0)

    def test_values(self) -> None:
        """
        T1, T2 and T4 are settings.
        """
        user = self.ask(self.udp)
        self.advance(70)
        expected = [0, 1, *range(3, 64, 3)]
        self.assertEqual([at for at, _ in self.udp.sent], expected)
        self.assertEqual(len(user.errors), 1)
        self.ask(self.udp)
        self.answer(200)
        self.advance(1.99)
        self.assertEqual(self.layer.counts, (0, 1))
        self.advance(0.01)
        self.assertGone()


class FlowTests(NonInviteClientCase):
    def test_flowLost(self) -> None:
        """
        A lost flow fails whoever waits for an answer over it, once.
        """
        for code, expected in ((None, 1), (100, 1), (200, 0)):
            flow = self.flow(reliable=True)
            user = self.ask(flow)
            if code is not None:
                self.answer(code)
            reason = TransportError("gone")
            self.layer.flowLost(flow, reason)
            self.layer.flowLost(flow, reason)
            self.assertEqual(user.errors, [reason] * expected, code)
            self.assertGone()
