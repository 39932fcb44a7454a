"""
What must end (classes B23, B25): transactions that completed, and quarrels about credentials.
"""

from tests.robustness.case import SDP, Accepting, RobustCase, message
from twisted_sipdialog.configuration import Credentials
from twisted_sipdialog.errors import ResponseError

_CHALLENGE = 'Digest realm="b.example", nonce="{}", qop="auth"'


class LifetimeTests(RobustCase):
    def makeDelegate(self) -> Accepting:
        return Accepting()

    def test_b23_completedTransactions(self):
        """
        RFC 3261 section 17: completed normally, by UDP or TCP, transactions and dialogs are gone after 64*T1.
        """
        most = 0
        for number in range(1_000):
            self.raw.datagram(message(number=number), self.address)
            self.network.advance(0.1)
            most = max(most, len(self.agent._transactions._servers))
        for protocol in ("UDP", "TCP"):
            for _ in range(30):
                self.peer.request("INVITE", self.agent, body=SDP, protocol=protocol)
                ok = self.peer.expect("200 INVITE")
                self.peer.ack(ok)
                self.peer.request("BYE", within=ok)
                self.peer.expect("200 BYE")
        self.network.advance(33)
        self.peer.disconnect()
        self.network.advance(1)
        self.assertEqual(len(self.raw.datagrams), 1_000)
        # 32 s worth of requests are remembered, not one more.
        self.assertTrue(most <= 330, most)
        transactions = self.agent._transactions
        self.assertEqual((transactions.counts, len(transactions._merging), transactions._onFlow), ((0, 0), 0, {}))
        self.assertEqual(self.agent.leftovers(), [])

    def test_b23_abandonedTransactions(self):
        """
        RFC 3261 sections 13.3.1.4 and 17: calls whose ACK never comes, and refusals never acknowledged, end as well.
        """
        for number in range(50):
            self.raw.datagram(message("INVITE", SDP if number % 2 else b"", number=number), self.address)
            self.raw.datagram(message("INVITE", number=1_000 + number, contact=None), self.address)
        self.network.advance(1)
        self.assertEqual(len(self.agent.dialogs), 50)
        self.network.advance(120)
        self.assertEqual(self.agent.leftovers(), [])
        self.assertServes()


class ChallengeTests(RobustCase):
    settings = {"credentials": [Credentials("desk", "secret", "b.example")]}

    def challenged(self, method: str, status: int, stale: str = "") -> list[str]:
        """Challenge C{method} for as long as it is sent again; the Authorization of each attempt."""
        sent = []
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        credentials = "Authorization" if status == 401 else "Proxy-Authorization"
        for attempt in range(20):
            try:
                request = self.peer.expect(method, 5)
            except AssertionError:
                return sent
            sent.append(request.headers.get(credentials) or "")
            self.peer.respond(request, status, headers={name: _CHALLENGE.format(attempt) + stale})
            if method == "INVITE":
                self.peer.expect("ACK", 5)
        return sent

    def test_b25_challengedForEver(self):
        """
        RFC 3261 section 22.1: one answer to a challenge, one more to a stale nonce, and then the refusal is told.
        """
        for method in ("OPTIONS", "INVITE"):
            for status in (401, 407):
                for stale, attempts in (("", 2), (", stale=true", 3)):
                    target = f"sip:{self.peer.address[0]}"
                    if method == "INVITE":
                        answered = self.agent.invite(target, SDP)
                    else:
                        answered = self.agent.request(method, target)
                    sent = self.challenged(method, status, stale)
                    self.assertTrue(2 <= len(sent) <= attempts, f"{method} {status} {stale}: {sent}")
                    if method == "INVITE":
                        self.assertEqual(self.failureResultOf(answered, ResponseError).value.statusCode, status)
                    else:
                        self.assertEqual(self.successResultOf(answered).statusCode, status)
        self.assertServes()

    def test_b25_notOurRealm(self):
        """
        RFC 3261 section 22.1: who asks in the name of another realm gets nothing, not even a second request.
        """
        answered = self.agent.request("OPTIONS", f"sip:{self.peer.address[0]}")
        request = self.peer.expect("OPTIONS")
        self.peer.respond(request, 401, headers={"WWW-Authenticate": 'Digest realm="evil", nonce="1"'})
        self.network.advance(5)
        self.assertEqual(self.successResultOf(answered).statusCode, 401)
        self.assertRaises(AssertionError, self.peer.expect, "OPTIONS", 5)

    def test_b33_digestLeak(self):
        """
        RFC 3261 section 22.1: the peer of a call cannot make us prove our password to it: neither to a realm of its
        own, nor by malformed challenges.
        """
        self.delegate.inviteReceived = lambda context: context.accept(body=SDP)
        for method, status, name in (("BYE", 407, "Proxy-Authenticate"), ("INFO", 401, "WWW-Authenticate")):
            for challenge in (
                'Digest realm="evil", nonce="1"',
                'Digest nonce="1"',
                "Digest",
                "",
                'Basic realm="b.example"',
            ):
                self.peer.request("INVITE", self.agent, body=SDP)
                ok = self.peer.expect("200 INVITE")
                self.peer.ack(ok)
                self.network.advance(0.1)
                (dialog,) = self.agent.dialogs
                asked = dialog.destroy() if method == "BYE" else dialog.request(method)
                request = self.peer.expect(method)
                self.peer.respond(request, status, headers={name: challenge})
                self.assertRaises(AssertionError, self.peer.expect, method, 3)
                self.successResultOf(asked)
                dialog.destroy()
                self.network.advance(40)
                self.peer.received.clear()
                self.peer._fresh.clear()
        self.assertNotIn("response=", repr([m.headers for m in self.peer.received]))
