"""
The reactor of a simulated host.
"""

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.endpoints import HostnameEndpoint, serverFromString
from twisted.internet.interfaces import (
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IReactorTCP,
    IReactorTime,
    IReactorUDP,
    IResolutionReceiver,
)
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from tests.testing.recording import Connecting, Listening, Stream
from twisted_sipdialog.testing.wires import Wires


@implementer(IResolutionReceiver)
class Receiver:
    def __init__(self):
        self.began = None
        self.found = []
        self.complete = False

    def resolutionBegan(self, resolution):
        self.began = resolution

    def addressResolved(self, address):
        self.found.append(address)

    def resolutionComplete(self):
        self.complete = True


class ReactorTests(SynchronousTestCase):
    def setUp(self):
        self.wires = Wires()
        self.host = self.wires.host("a.example")

    def test_interfaces(self):
        """
        It is what Twisted's own endpoints and protocols ask for.
        """
        for interface in (IReactorTime, IReactorUDP, IReactorTCP, IReactorPluggableNameResolver):
            verifyObject(interface, self.host)
        verifyObject(IHostnameResolver, self.host.nameResolver)

    def test_oneClock(self):
        """
        All hosts share the network's clock.
        """
        calls = []
        self.host.callLater(1, lambda *args, **kwargs: calls.append((args, kwargs)), 1, two=2)
        self.assertEqual(len(self.wires.host("b.example").getDelayedCalls()), 1)
        self.wires.advance(1)
        self.assertEqual((calls, self.host.seconds()), ([((1,), {"two": 2})], 1))

    def test_hosts(self):
        """
        A host is found by its name in any case and by its addresses; each has its own.
        """
        self.assertIs(self.wires.host("A.Example."), self.host)
        other = self.wires.host("b.example")
        self.assertEqual(len({self.host.ipv4, other.ipv4, self.host.ipv6, other.ipv6}), 4)
        self.assertIs(self.wires.lookup(other.ipv4), other)
        self.assertIs(self.wires.lookup("2001:DB8:0::2"), other)
        self.assertIsNone(self.wires.lookup("nobody.example"))
        literal = self.wires.host("192.0.2.3")
        self.assertEqual(literal.ipv4, "192.0.2.3")
        self.assertNotEqual(self.wires.host("d.example").ipv4, "192.0.2.3")

    def test_manyHosts(self):
        """
        There are addresses for more hosts than one net has.
        """
        addresses = {self.wires.host(f"h{n}.example").ipv4 for n in range(300)}
        self.assertEqual(len(addresses), 300)
        self.assertIn("198.51.100.1", addresses)

    def resolve(self, name, **options):
        receiver = Receiver()
        resolution = self.host.nameResolver.resolveHostName(receiver, name, 5060, **options)
        self.assertIs(receiver.began, resolution)
        verifyObject(IHostResolution, resolution)
        return receiver, resolution

    def test_resolver(self):
        """
        Names are looked up in the network, not at once; IPv4 comes first.
        """
        other = self.wires.host("b.example")
        six = IPv6Address("TCP", other.ipv6, 5060)
        four = IPv4Address("TCP", other.ipv4, 5060)
        for name, options, expected in (
            ("b.example", {}, [four, six]),
            ("B.EXAMPLE", {"addressTypes": [IPv6Address]}, [six]),
            ("b.example", {"transportSemantics": "UDP"}, [IPv4Address("UDP", other.ipv4, 5060), None][:1]),
            ("nobody.example", {}, []),
            ("203.0.113.9", {}, [IPv4Address("TCP", "203.0.113.9", 5060)]),
            (other.ipv6, {}, [six]),
        ):
            receiver, _ = self.resolve(name, **options)
            self.assertFalse(receiver.complete or receiver.found, name)
            self.wires.advance(0)
            self.assertTrue(receiver.complete, name)
            self.assertEqual(receiver.found[: len(expected) or 1], expected, name)

    def test_cancelledLookUp(self):
        """
        A look-up that was cancelled tells nothing.
        """
        self.wires.host("b.example")
        receiver, resolution = self.resolve("b.example")
        resolution.cancel()
        resolution.cancel()
        self.wires.advance(1)
        self.assertEqual((receiver.found, receiver.complete), ([], False))

    def test_endpoints(self):
        """
        Twisted's endpoints work on it.
        """
        listening = Listening(self.wires)
        server = self.wires.host("b.example")
        port = self.successResultOf(serverFromString(server, "tcp:5060").listen(listening))
        self.assertEqual(server.ports, [port])
        stream = Stream(self.wires)
        connecting = HostnameEndpoint(self.host, "b.example", 5060).connect(Connecting(stream))
        self.wires.advance(5)
        self.assertIs(self.successResultOf(connecting), stream)
