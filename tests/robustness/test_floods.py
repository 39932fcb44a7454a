"""
Every limit of FlowLimits and LoadLimits: a flood costs bounded memory, and others are served.
"""

from tests.robustness.case import SDP, Accepting, RawPeer, RobustCase, message
from twisted_sipdialog.configuration import FlowLimits, LoadLimits


class Ringing:
    """An application that answers no call."""

    def inviteReceived(self, context):
        context.progress(180)
        context.answerLater()


class TransactionFloodTests(RobustCase):
    settings = {"loadLimits": LoadLimits(serverTransactions=50, retryAfter=7)}

    def test_serverTransactions(self):
        """
        RFC 3261 section 21.5.4: beyond them, 503 with Retry-After and without state; what was there goes on.
        """
        first = message(number=1)
        self.assertEqual(self.ask(first), [200])
        for number in range(2, 1_000):
            self.raw.datagram(message(("OPTIONS", "FOO")[number % 2], number=number), self.address)
            self.assertTrue(len(self.agent._transactions._servers) <= 50)
        self.network.advance(1)
        self.assertEqual(len(self.agent._transactions._servers), 50)
        refused = [data for data in self.raw.datagrams if data.startswith(b"SIP/2.0 503 ")]
        self.assertEqual(len(refused), 999 - 50)
        for data in refused:
            self.assertIn(b"\r\nRetry-After: 7\r\n", data)
        self.assertEqual(self.ask(first), [200])
        self.network.advance(40)
        self.assertEqual(self.agent._transactions.counts, (0, 0))
        self.assertServes()

    def test_acks(self):
        """
        RFC 3261 section 17.1.1.3: ACKs for nothing leave nothing, and are not answered.
        """
        for number in range(500):
            self.raw.datagram(message("ACK", number=number), self.address)
        self.network.advance(1)
        self.assertEqual((self.raw.datagrams, self.agent.leftovers()), ([], []))
        self.assertServes()


class DialogFloodTests(RobustCase):
    settings = {"loadLimits": LoadLimits(dialogs=20)}

    def makeDelegate(self) -> Accepting:
        return Accepting()

    def test_dialogs(self):
        """
        RFC 3261 section 21.5.4: beyond them calls get 503; those there are, and requests outside of dialogs, are
        served.
        """
        self.peer.request("INVITE", self.agent, body=SDP)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        for number in range(200):
            self.raw.datagram(message("INVITE", SDP, number=number), self.address)
        self.network.advance(0.3)
        self.assertEqual(len(self.agent.dialogs), 20)
        self.assertEqual((self.raw.statuses.count(200), self.raw.statuses.count(503)), (19, 181))
        self.peer.request("INFO", within=ok)
        self.peer.expect("200 INFO")
        self.assertServes()
        self.network.advance(200)  # no ACK ever came
        self.assertEqual(len(self.agent.dialogs), 1)
        self.peer.request("INVITE", self.agent, body=SDP)
        self.peer.ack(self.peer.expect("200 INVITE", 1))
        self.peer.request("BYE", within=ok)
        self.peer.expect("200 BYE")


class InviteFloodTests(RobustCase):
    settings = {"loadLimits": LoadLimits(invitesPerSource=10), "noAnswerTimeout": 30.0}

    def makeDelegate(self) -> Ringing:
        return Ringing()

    def test_invitesPerSource(self):
        """
        RFC 3261 section 21.5.4: one source may have so many unanswered calls here; others may call.
        """
        for number in range(100):
            self.raw.datagram(message("INVITE", number=number), self.address)
        self.network.advance(0.1)
        self.assertEqual((len(self.agent._core.invitations), len(self.agent.dialogs)), (10, 10))
        self.assertEqual((self.raw.statuses.count(180), self.raw.statuses.count(503)), (10, 90))
        invite = self.peer.request("INVITE", self.agent)
        self.peer.expect("180 INVITE")
        self.peer.cancel(invite)
        self.peer.ack(self.peer.expect("487 INVITE"))
        self.assertServes()
        self.network.advance(100)
        self.assertEqual((self.agent._core.invitations, self.agent._core.fromSource), ({}, {}))
        self.assertIn(180, self.ask(message("INVITE", number=1_000)))


class ConnectionFloodTests(RobustCase):
    settings = {
        "flowLimits": FlowLimits(
            connections=30, connectionsPerAddress=20, unfinishedBytes=50_000, unfinishedTimeout=10.0, idleTimeout=60.0,
            sendBuffer=20_000,
        )
    }  # fmt: skip

    def flows(self) -> int:
        return len(self.agent._transport.connections)

    def test_connectionsPerAddress(self):
        """
        RFC 3261 section 26.3.2.4: one address may have so many connections; a further one is closed, others may
        connect.
        """
        streams = [self.raw.connect(self.address) for _ in range(100)]
        self.assertEqual((self.flows(), sum(stream.closed for stream in streams)), (20, 80))
        self.assertServes()

    def test_connections(self):
        """
        RFC 3261 section 26.3.2.4: and all addresses together so many.
        """
        self.assertServes()  # its connection stays
        peers = [RawPeer(self.network, f"raw{n}.example") for n in range(40)]
        for peer in peers:
            self.addCleanup(peer.close)
            peer.connect(self.address)
        self.assertEqual(self.flows(), 30)
        self.assertEqual(sum(peer.streams[0].closed for peer in peers), 11)
        self.assertServes()
        for peer in peers:
            peer.close()
        self.network.advance(1)
        self.assertEqual(self.flows(), 1)
        stream = self.raw.connect(self.address)
        stream.send(message(protocol="TCP"))
        self.network.advance(1)
        self.assertEqual(stream.statuses, [200])

    def test_unfinishedBytes(self):
        """
        RFC 3261 section 18.3: unfinished messages of all connections together hold so many bytes; who holds most is
        dropped.
        """
        greedy = [self.raw.connect(self.address) for _ in range(10)]
        modest = self.raw.connect(self.address)
        modest.send(message("MESSAGE", protocol="TCP", content_length="4"))
        most = 0
        for _ in range(12):
            for stream in greedy:
                stream.send(b"MESSAGE " if not stream.received else b"")
                stream.send(b"x" * 1_000)
            self.network.advance(0.1)
            most = max(most, self.agent._transport.connections._unfinished)
        self.assertTrue(most <= 50_000, most)
        self.assertTrue(any(stream.closed for stream in greedy))
        modest.send(b"done")
        self.network.advance(0.5)
        self.assertEqual((modest.statuses, modest.closed), ([200], False))
        self.assertServes()

    def test_unfinishedTimeout(self):
        """
        RFC 3261 section 18.3: who sends a byte now and then does not keep a message unfinished for ever.
        """
        streams = [self.raw.connect(self.address) for _ in range(10)]
        for second in range(13):
            for stream in streams:
                stream.send(b"OPTIONS sip:desk@b.example"[second : second + 1])
            self.network.advance(1)
        self.assertEqual([stream.closed for stream in streams], [True] * 10)
        self.assertEqual((self.flows(), self.agent._transport.connections._unfinished), (0, 0))
        self.assertServes()

    def test_idleTimeout(self):
        """
        RFC 5626 section 4.4.1: connections that nobody uses are closed; one with keep-alives is not.
        """
        streams = [self.raw.connect(self.address) for _ in range(10)]
        alive = self.raw.connect(self.address)
        for _ in range(10):
            alive.send(b"\r\n\r\n")
            self.network.advance(10)
        self.assertEqual(([stream.closed for stream in streams], alive.closed), ([True] * 10, False))
        self.assertEqual(self.flows(), 1)
        self.assertServes()

    def test_sendBuffer(self):
        """
        RFC 3261 section 18: a peer that asks and does not read is dropped before its answers fill the memory.
        """
        for data in (message(protocol="TCP", number=1) * 20, b"\r\n\r\n" * 500):
            stream = self.raw.connect(self.address, reads=False)
            for _ in range(2_000):
                stream.send(data)
                self.network.advance(0.001)
                if not self.flows():
                    break
            self.assertEqual(self.flows(), 0, data)
            self.assertTrue(self.agent._transport.counters.sent < 2_000)
            self.assertServes()
            self.peer.disconnect()
            self.network.advance(40)

    def test_keepAliveFlood(self):
        """
        RFC 5626 section 3.5.1: nothing but keep-alives takes no memory.
        """
        stream = self.raw.connect(self.address)
        for _ in range(50):
            stream.send(b"\r\n" * 1_001)
            self.network.advance(0.01)
        self.assertTrue(self.agent._transport.connections._unfinished <= 2)
        self.assertServes()
