"""
Real user agents in a MemoryNetwork.
"""

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.errors import ConfigurationError, ListenError
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer


class Answering:
    """Answers each call."""

    def inviteReceived(self, context):
        context.accept(body=b"v=0\r\n")


class AgentTests(SynchronousTestCase):
    def test_oneHost(self):
        """
        Agents listen at the address of the host their AOR names, each on its own port.
        """
        network = MemoryNetwork()
        self.addCleanup(network.assertQuiet)
        agents = [network.userAgent(f"sip:{name}") for name in ("a@a.example", "b@A.Example", "c@a.example:5070")]
        host = network.host("a.example").ipv4
        self.assertEqual([network.addressOf(agent) for agent in agents], [(host, 5060), (host, 5061), (host, 5070)])
        other = network.userAgent("sip:d@192.0.2.99")
        self.assertEqual(network.addressOf(other), ("192.0.2.99", 5060))

    def test_settings(self):
        """
        Settings are those of L{Configuration}; ports that cannot be opened fail at once.
        """
        network = MemoryNetwork()
        agent = network.userAgent("sip:a@a.example", listen="tcp:5080", noAnswerTimeout=5.0)
        self.assertEqual(agent.configuration.noAnswerTimeout, 5.0)
        self.assertEqual(network.addressOf(agent)[1], 5080)
        self.assertRaises(ListenError, network.userAgent, "sip:b@a.example", listen="tcp:5080")
        self.assertRaises(ConfigurationError, network.userAgent, "nonsense")

    def test_peer(self):
        """
        A scripted peer talks to an agent over UDP and TCP.
        """
        network = MemoryNetwork()
        self.addCleanup(network.assertQuiet)
        agent = network.userAgent("sip:desk@b.example")
        peer = ScriptedPeer(network)
        for protocol in ("UDP", "TCP"):
            peer.request("OPTIONS", agent, protocol=protocol)
            peer.expect("200 OPTIONS")
        self.assertEqual(network.seenBy(agent), ["< OPTIONS", "> 200 OPTIONS"] * 2)

    def call(self, seed):
        network = MemoryNetwork(loss=0.3, duplication=0.1, reorder=0.3, seed=seed)
        caller = network.userAgent("sip:alice@a.example")
        network.userAgent("sip:desk@b.example", Answering())
        calling = caller.invite("sip:desk@b.example", body=b"v=0\r\n")
        network.advance(40)
        self.successResultOf(calling)
        network.assertQuiet()
        return network.ladder()

    def test_seed(self):
        """
        The same seed gives the same run of the agents, to the last retransmission; another seed another.
        """
        first = self.call(4)
        self.assertEqual(first, self.call(4))
        self.assertNotEqual(first, self.call(5))

    def test_quietEndsCalls(self):
        """
        An open call is no left-over: stopping the agents ends it.
        """
        network = MemoryNetwork()
        caller = network.userAgent("sip:alice@a.example")
        network.userAgent("sip:desk@b.example", Answering())
        calling = caller.invite("sip:desk@b.example", body=b"v=0\r\n")
        network.advance(1)
        self.successResultOf(calling)
        self.assertEqual(network.seenBy(caller), ["> INVITE", "< 200 INVITE", "> ACK"])
        network.assertQuiet()
        self.assertEqual(caller.leftovers(), [])

    def test_leftOver(self):
        """
        What an agent has left is named, with the agent.
        """
        network = MemoryNetwork()
        agent = network.userAgent("sip:alice@a.example")
        agent.leftovers = lambda: ["a forgotten dialog"]
        text = str(self.assertRaises(AssertionError, network.assertQuiet))
        self.assertIn("alice@a.example: a forgotten dialog", text)
