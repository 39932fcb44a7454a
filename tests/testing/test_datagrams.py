"""
The simulated network and UDP.
"""

from twisted.internet.error import CannotListenError, InvalidAddressError, MessageLengthError
from twisted.internet.interfaces import IListeningPort, IUDPTransport
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.testing.recording import Datagrams
from twisted_sipdialog.testing.wires import Wires

SIP = "{start}\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bKx\r\nFrom: <sip:a@a.example>;tag=1\r\n" + (
    "To: <sip:b@b.example>\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
)


def request(method: str) -> bytes:
    return SIP.format(start=f"{method} sip:b@b.example SIP/2.0", method=method).encode()


def response(code: int, method: str = "INVITE") -> bytes:
    return SIP.format(start=f"SIP/2.0 {code} Whatever", method=method).encode()


class WiresCase(SynchronousTestCase):
    def network(self, **settings):
        self.wires = Wires(Clock(), **settings)
        self.a = Datagrams(self.wires, "a.example")
        self.b = Datagrams(self.wires, "b.example")
        return self.wires


class TravelTests(WiresCase):
    def test_latencyIsExact(self):
        """
        A datagram arrives one latency after it was sent, not before.
        """
        self.network(latency=0.25)
        self.wires.advance(1)
        self.a.to(self.b, b"x")
        self.wires.advance(0.2499)
        self.assertEqual(self.b.got, [])
        self.wires.advance(0.0001)
        self.assertEqual(self.b.got, [(1.25, b"x")])
        self.assertEqual(self.b.sources, [(self.a.reactor.ipv4, 5060)])

    def test_advanceStopsAtEachDeadline(self):
        """
        What is sent while time passes is sent at its own time, not at the end of the step.
        """
        self.network(latency=0.1)
        self.a.reactor.callLater(1, self.a.to, self.b, b"x")
        self.b.reactor.callLater(1.05, self.b.to, self.a, b"y")
        self.wires.advance(10)
        self.assertEqual((self.b.got, self.a.got), ([(1.1, b"x")], [(1.15, b"y")]))
        self.assertEqual(self.wires.clock.seconds(), 10)

    def test_sumsOfFloats(self):
        """
        What is due after three times 0.1 s is done when 0.3 s have passed.
        """
        self.network(latency=0.1)
        self.assertNotEqual(0.1 + 0.1 + 0.1, 0.3)
        self.a.reactor.callLater(0.1 + 0.1, self.a.to, self.b, b"x")
        self.wires.advance(0.3)
        self.assertEqual(self.b.data, [b"x"])

    def test_order(self):
        """
        Without reordering datagrams arrive in the order they were sent.
        """
        self.network()
        sent = [b"%d" % n for n in range(50)]
        for data in sent:
            self.a.to(self.b, data)
        self.wires.advance(0.01)
        self.assertEqual(self.b.data, sent)

    def test_toOneself(self):
        """
        A host reaches itself.
        """
        self.network()
        self.a.to(self.a, b"x")
        self.wires.advance(0.01)
        self.assertEqual(self.a.data, [b"x"])

    def test_nobodyThere(self):
        """
        What goes to a closed port, or where there is no host, is lost without an error.
        """
        self.network()
        self.a.transport.write(b"x", (self.b.reactor.ipv4, 5061))
        self.a.transport.write(b"x", ("203.0.113.99", 5060))
        self.wires.advance(1)
        self.assertEqual(self.b.got, [])

    def test_closedPortHearsNothing(self):
        """
        A datagram that arrives after its port was closed is lost; its protocol is told once that it stops.
        """
        self.network()
        self.a.to(self.b, b"x")
        stopped = self.b.port.stopListening()
        self.assertNoResult(stopped)
        self.wires.advance(1)
        self.successResultOf(stopped)
        self.assertEqual((self.b.got, self.b.transport, self.b.reactor.ports), ([], None, []))
        self.a.port.stopListening()
        self.a.reactor.datagramArrived(b"x", (self.b.reactor.ipv4, 5060), (self.a.reactor.ipv4, 5060))
        self.assertEqual(self.a.got, [])  # not even in the turn before it is closed
        self.assertRaises(RuntimeError, self.b.port.write, b"x", (self.a.reactor.ipv4, 5060))

    def test_ipv6(self):
        """
        Each host has an IPv6 address; a port of one family does not hear the other.
        """
        self.network()
        six = Datagrams.__new__(Datagrams)
        six.wires, six.got, six.sources = self.wires, [], []
        self.b.reactor.listenUDP(5060, six, interface="::")
        sender = self.a.reactor.listenUDP(0, Datagrams.__new__(Datagrams), interface=self.a.reactor.ipv6)
        sender.write(b"six", (self.b.reactor.ipv6, 5060))
        self.wires.advance(1)
        self.assertEqual((six.data, self.b.got), ([b"six"], []))
        self.assertEqual(six.sources, [(self.a.reactor.ipv6, sender.getHost().port)])

    def test_connected(self):
        """
        A connected port sends to and hears one address, and knows its own then.
        """
        wires = self.network()
        self.assertEqual(self.a.port.getHost().host, "0.0.0.0")
        self.a.transport.connect(self.b.reactor.ipv4, 5060)
        self.assertEqual(self.a.port.getHost().host, self.a.reactor.ipv4)
        self.a.transport.write(b"x")
        Datagrams(wires, "c.example").to(self.a, b"unheard")
        self.b.to(self.a, b"heard")
        wires.advance(1)
        self.assertEqual((self.b.data, self.a.data), ([b"x"], [b"heard"]))


class PortTests(WiresCase):
    def test_interfaces(self):
        """
        An open port is what Twisted says it is.
        """
        self.network()
        verifyObject(IUDPTransport, self.a.port)
        verifyObject(IListeningPort, self.a.port)

    def test_taken(self):
        """
        A port is open once for each address, and only for the addresses of its host.
        """
        self.network()
        for interface in ("", "0.0.0.0", self.a.reactor.ipv4, self.b.reactor.ipv4):
            with self.assertRaises(CannotListenError, msg=interface):
                self.a.reactor.listenUDP(5060, Datagrams.__new__(Datagrams), interface=interface)

    def test_freePort(self):
        """
        Port 0 is any that is free.
        """
        self.network()
        Datagrams(self.wires, "a.example", 49152)
        ports = [Datagrams(self.wires, "a.example", 0).port.getHost().port for _ in range(3)]
        self.assertEqual(len(set(ports)), 3)
        self.assertNotIn(49152, ports)

    def test_refusedByTheSystem(self):
        """
        What a system refuses to send is refused here.
        """
        self.network()
        write = self.a.transport.write
        self.assertRaises(InvalidAddressError, write, b"x", ("b.example", 5060))
        self.assertRaises(InvalidAddressError, write, b"x", (self.b.reactor.ipv6, 5060))
        self.assertRaises(MessageLengthError, write, bytes(65_508), (self.b.reactor.ipv4, 5060))
        write(bytes(65_507), (self.b.reactor.ipv4, 5060))
        self.wires.advance(1)
        self.assertEqual([len(data) for data in self.b.data], [65_507])

    def test_cutAtMaxPacketSize(self):
        """
        As in Twisted, what is longer than C{maxPacketSize} is cut.
        """
        self.network()
        short = Datagrams.__new__(Datagrams)
        short.wires, short.got, short.sources = self.wires, [], []
        self.b.reactor.listenUDP(5070, short, maxPacketSize=4)
        self.a.transport.write(b"123456", (self.b.reactor.ipv4, 5070))
        self.wires.advance(1)
        self.assertEqual(short.data, [b"1234"])


class FaultTests(WiresCase):
    def run_(self, count=400, **settings):
        self.network(**settings)
        for n in range(count):
            self.wires.clock.callLater(n, self.a.to, self.b, b"%d" % n)
        self.wires.advance(count + 10)
        return self.b.got

    def test_loss(self):
        """
        About as many are lost as was asked for.
        """
        self.assertEqual(self.run_(loss=1.0), [])
        self.assertEqual(len(self.run_(loss=0.0)), 400)
        self.assertTrue(260 < len(self.run_(loss=0.25, seed=3)) < 340)

    def test_seed(self):
        """
        The same seed gives the same run, another seed another.
        """
        settings = {"loss": 0.2, "duplication": 0.2, "reorder": 0.2}
        first = self.run_(seed=5, **settings)
        self.assertEqual(first, self.run_(seed=5, **settings))
        self.assertNotEqual(first, self.run_(seed=6, **settings))

    def test_duplication(self):
        """
        A duplicated datagram arrives twice.
        """
        got = self.run_(count=3, duplication=1.0)
        self.assertEqual([data for _, data in got], [b"0", b"0", b"1", b"1", b"2", b"2"])

    def test_reorder(self):
        """
        Some are overtaken; each by no more than the extra delay, and none is lost.
        """
        self.network(latency=0.01, reorder=0.5, reorderDelay=0.2, seed=1)
        for n in range(20):
            self.a.to(self.b, b"%02d" % n)
        self.wires.advance(1)
        self.assertNotEqual(self.b.data, sorted(self.b.data))
        self.assertEqual(sorted(self.b.data), [b"%02d" % n for n in range(20)])
        times = [time for time, _ in self.b.got]
        self.assertEqual(min(times), 0.01)
        self.assertTrue(0.05 < max(times) <= 0.21)

    def test_mtu(self):
        """
        Larger datagrams are lost.
        """
        self.network(mtu=1300)
        self.a.to(self.b, bytes(1300))
        self.a.to(self.b, bytes(1301))
        self.wires.advance(1)
        self.assertEqual([len(data) for data in self.b.data], [1300])

    def test_partition(self):
        """
        What is sent while two hosts are parted is lost, also when they are healed before it would arrive; what
        was sent before arrives, and a third host is not concerned.
        """
        wires = self.network()
        c = Datagrams(wires, "c.example")
        self.a.to(self.b, b"before")
        wires.partition("a.example", "b.example")
        self.a.to(self.b, b"lost")
        self.b.to(self.a, b"lost")
        self.a.to(c, b"third")
        wires.heal("b.example", "a.example")
        self.a.to(self.b, b"after")
        wires.advance(1)
        self.assertEqual((self.b.data, self.a.data, c.data), ([b"before", b"after"], [], [b"third"]))

    def test_healAll(self):
        """
        Without names all partitions are healed.
        """
        wires = self.network()
        wires.partition("a.example", "b.example")
        wires.heal()
        self.a.to(self.b, b"x")
        wires.advance(1)
        self.assertEqual(self.b.data, [b"x"])
        self.assertRaises(ValueError, wires.partition, "a.example", "nobody.example")


class RuleTests(WiresCase):
    def send(self, *messages):
        for message in messages:
            self.a.to(self.b, message)
        self.wires.advance(10)

    def test_drop(self):
        """
        The next C{times} messages that match are lost, then no more.
        """
        self.network()
        self.wires.drop(lambda m: m.statusCode == 200 and m.cseqMethod == "INVITE", times=2)
        self.send(response(200), response(180), request("BYE"), response(200, "BYE"), response(200), response(200))
        self.assertEqual(self.b.data, [response(180), request("BYE"), response(200, "BYE"), response(200)])

    def test_predicate(self):
        """
        It may ask requests for their status and responses for their method, and both for where they go.
        """
        self.network()
        seen = []
        self.wires.drop(lambda m: seen.append((m.method, m.statusCode, m.sender, m.receiver, m.callId)))
        self.send(request("BYE"), response(486))
        way = ("a.example", "b.example", "1")
        self.assertEqual(seen, [("BYE", None, *way), (None, 486, *way)])

    def test_onlyMessages(self):
        """
        Keep-alives and other bytes match no rule.
        """
        self.network()
        self.wires.drop(lambda m: True)
        self.send(b"\r\n\r\n", b"RTP")
        self.assertEqual(self.b.data, [b"\r\n\r\n", b"RTP"])

    def test_delay(self):
        """
        A delayed message takes that much longer, and the next ones overtake it.
        """
        self.network(latency=0.01)
        self.wires.delay(lambda m: m.method == "INVITE", 2.0)
        self.send(request("INVITE"), request("CANCEL"), request("INVITE"))
        got = [(0.01, request("CANCEL")), (0.01, request("INVITE")), (2.01, request("INVITE"))]
        self.assertEqual(self.b.got, got)

    def test_wrongPredicate(self):
        """
        What a predicate raises comes out of L{Wires.advance}: a transport would take it for a network error.
        """
        self.network()
        self.wires.drop(lambda m: m.statusCode >= 200)
        self.a.to(self.b, request("INVITE"))
        self.assertRaises(TypeError, self.wires.advance, 1)
