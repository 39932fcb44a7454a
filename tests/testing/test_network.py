"""
MemoryNetwork: what it sees, and what it finds left over.
"""

from twisted.trial.unittest import SynchronousTestCase

from tests.testing.recording import Connecting, Datagrams, Listening, Stream
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer


class QuietTests(SynchronousTestCase):
    def setUp(self):
        self.network = MemoryNetwork()

    def left(self):
        return str(self.assertRaises(AssertionError, self.network.assertQuiet))

    def test_quiet(self):
        """
        What ends by itself is not left over, however long it takes up to the ten minutes, nor are peers.
        """
        ScriptedPeer(self.network)
        self.network.clock.callLater(599, lambda: None)
        self.network.assertQuiet()
        self.assertEqual(self.network.clock.seconds(), 599)

    def test_port(self):
        """
        An open port is named.
        """
        Datagrams(self.network, "a.example", 5060)
        self.assertIn("<UDP port 0.0.0.0:5060 of a.example>", self.left())

    def test_connection(self):
        """
        An open connection is named, by each of its ends.
        """
        listening = self.network.host("b.example").listenTCP(5060, Listening(self.network))
        self.network.host("a.example").connectTCP("b.example", 5060, Connecting(Stream(self.network)))
        self.network.advance(1)
        listening.stopListening()
        text = self.left()
        self.assertIn("<TCP a.example:49152 to 192.0.2.1:5060>", text)
        self.assertIn("<TCP b.example:5060 to 192.0.2.2:49152>", text)
        self.assertNotIn("TCP port", text)

    def test_endlessTimer(self):
        """
        A timer that is started again and again is named, and does not keep the test for ever.
        """

        def again():
            self.network.clock.callLater(1, again)

        again()
        text = self.left()
        self.assertIn("delayed call, due in 1.000 s", text)
        self.assertIn("again", text)

    def test_ladderIsShown(self):
        """
        The failure shows what was sent.
        """
        ScriptedPeer(self.network).request("OPTIONS", ("203.0.113.9", 5060))
        Datagrams(self.network, "a.example", 5060)
        self.assertIn("peer.example  > OPTIONS  to UDP 203.0.113.9:5060", self.left())


class SeenTests(SynchronousTestCase):
    def setUp(self):
        self.network = MemoryNetwork(latency=0.01)
        self.a = ScriptedPeer(self.network, "a.example")
        self.b = ScriptedPeer(self.network, "b.example")
        self.addCleanup(self.network.assertQuiet)

    def test_seenBy(self):
        """
        Each party's messages, in their order, as it saw them.
        """
        invite = self.a.request("INVITE", self.b)
        self.b.respond(self.b.expect("INVITE"), 180)
        self.a.expect(180)
        self.a.cancel(invite)
        self.b.expect("CANCEL")
        self.assertEqual(self.network.seenBy(self.a), ["> INVITE", "< 180 INVITE", "> CANCEL"])
        self.assertEqual(self.network.seenBy(self.b), ["< INVITE", "> 180 INVITE", "< CANCEL"])

    def test_lostIsSent(self):
        """
        What is lost on its way was sent, and the ladder tells that it was lost and why.
        """
        self.network.drop(lambda m: m.method == "INVITE")
        self.network.advance(0.5)
        self.a.request("INVITE", self.b)
        self.network.advance(1)
        self.assertEqual(self.network.seenBy(self.a), ["> INVITE"])
        self.assertEqual(self.network.seenBy(self.b), [])
        self.assertEqual(
            self.network.ladder().splitlines(),
            [
                "     0.500  a.example  > INVITE  to UDP 192.0.2.2:5060",
                "     0.500  -- lost, dropped: INVITE from a.example to b.example",
            ],
        )

    def test_clearSeen(self):
        """
        What was seen before is forgotten.
        """
        self.a.request("OPTIONS", self.b)
        self.network.advance(1)
        self.network.clearSeen()
        self.assertEqual((self.network.seenBy(self.a), self.network.seenBy(self.b)), ([], []))
        self.assertEqual(self.network.ladder(), "")

    def test_unreadable(self):
        """
        What is no message stands in the ladder too; keep-alives only in its text.
        """
        self.a.send(b"nonsense", ("203.0.113.9", 5060))
        self.a.send(b"\r\n\r\n", self.b)
        self.assertEqual(self.network.seenBy(self.a), ["> unreadable b'nonsense'"])
        self.assertIn("> keep-alive", self.network.ladder())

    def test_partiesAsNames(self):
        """
        Partitions and resets take parties as well as host names.
        """
        self.network.partition(self.a, "b.example")
        self.a.request("OPTIONS", self.b)
        self.network.advance(1)
        self.network.heal(self.b, self.a)
        self.a.request("MESSAGE", self.b)
        self.b.expect("MESSAGE")
        self.assertEqual(self.network.seenBy(self.b), ["< MESSAGE"])
        self.assertEqual(self.network.addressOf(self.b), (self.b.reactor.ipv4, 5060))
