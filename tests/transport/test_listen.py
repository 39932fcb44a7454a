"""
Where we listen and what we call ourselves there.
"""

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.transport.fakes import PEER, Network
from twisted_sipdialog.errors import ConfigurationError, ListenError, TransportError
from twisted_sipdialog.timers import TimerSet
from twisted_sipdialog.transport.listen import Listen, LocalAddresses, parseListen
from twisted_sipdialog.transport.locate import Destination


class ParseListenTests(SynchronousTestCase):
    def test_udpAndTcpAreUnderstood(self) -> None:
        for text, protocol, port, interface in (
            ("udp:5060", "UDP", 5060, ""),
            ("udp:0", "UDP", 0, ""),
            ("udp:port=5062", "UDP", 5062, ""),
            ("udp:5060:interface=192.0.2.1", "UDP", 5060, "192.0.2.1"),
            (r"udp:5060:interface=\:\:1", "UDP", 5060, "::1"),
            (r"udp:5060:interface=\:\:", "UDP", 5060, "::"),
            ("tcp:65535:interface=127.0.0.1", "TCP", 65535, "127.0.0.1"),
            ("tcp:5060:backlog=10", "TCP", 5060, ""),
        ):
            self.assertEqual(parseListen(text), Listen(text, protocol, port, interface), text)

    def test_otherEndpointsAreStreams(self) -> None:
        for text in ("unix:/run/sip", "systemd:domain=INET:index=0"):
            self.assertEqual(parseListen(text), Listen(text, "TCP"), text)

    def test_refusalNamesTheValueAndTheRule(self) -> None:
        for text, rule in (
            ("udp", "udp:PORT"),
            ("udp:", "number"),
            ("udp:x", "number"),
            ("udp:65536", "number"),
            ("udp:-1", "number"),
            ("udp:5_060", "number"),
            ("udp:+5060", "number"),
            ("udp:٥٠٦٠", "number"),
            ("udp:5060:6", "udp:PORT"),
            ("udp:5060:host=x", "unknown key 'host'"),
            ("udp:5060:backlog=5", "unknown key 'backlog'"),
            ("udp:5060:interface=localhost", "no address"),
            ("udp:5060:interface=::1", "udp:PORT"),
            ("tcp:5060:interface=1.2.3", "no address"),
            ("", "kind"),
            ("5060", "kind"),
            (":5060", "kind"),
        ):
            error = self.assertRaises(ConfigurationError, parseListen, text)
            self.assertEqual((error.name, error.value), ("listen", text))
            self.assertIn(rule, str(error), text)

    def test_unknownKindsAreRefusedWhenTheLayerIsMade(self) -> None:
        for text in ("sctp:5060", "tcp:5060:backlog=x"):
            error = self.assertRaises(ConfigurationError, Network, text)
            self.assertEqual(error.value, text)


class ListenTests(SynchronousTestCase):
    def test_whatIsOpenIsListed(self) -> None:
        network = Network("udp:0", "tcp:5070", r"udp:5060:interface=\:\:1").listen()
        self.assertEqual(
            network.layer.listening(), [("0.0.0.0", 50001, "UDP"), ("0.0.0.0", 5070, "TCP"), ("::1", 5060, "UDP")]
        )

    def test_datagramsAreNotCutAt8192Bytes(self) -> None:
        self.assertEqual(Network("udp:5060").listen().reactor.maxPacketSize, 65535)

    def test_oneFailureClosesTheOthersAndNamesItself(self) -> None:
        for listen in (("udp:5060", "tcp:5061", "udp:5062"), ("udp:5060", "tcp:5062", "udp:5061")):
            network = Network(*listen)
            network.reactor.listenErrors[5061] = CannotListenError("", 5061, OSError(98, "Address already in use"))
            error = self.assertRaises(ListenError, network.listen)
            self.assertEqual(error.description, next(text for text in listen if "5061" in text))
            self.assertIn("port in use", str(error))
            ports = network.reactor.udp + network.reactor.tcp
            self.assertTrue(ports)
            self.assertEqual([port.open for port in ports], [False] * len(ports))
            self.assertEqual(network.layer.listening(), [])

    def test_otherReasonsAreTheSystems(self) -> None:
        network = Network("udp:5061")
        network.reactor.listenErrors[5061] = CannotListenError("", 5061, OSError(13, "Permission denied"))
        self.assertIn("Permission denied", str(self.assertRaises(ListenError, network.listen)))

    def test_closeWaitsForPorts(self) -> None:
        network = Network().listen()
        network.reactor.udp[0].closing = Deferred()
        closed = network.layer.close()
        self.assertNoResult(closed)
        network.reactor.udp[0].closing.callback(None)
        self.assertIsNone(self.successResultOf(closed))
        for protocol in ("UDP", "TCP"):
            self.assertRaises(TransportError, network.layer.flowTo, Destination(protocol, PEER, 5060))


class SentByTests(SynchronousTestCase):
    def sentBy(self, network: Network, protocol: str = "UDP", host: str = PEER) -> str:
        return network.layer.flowTo(Destination(protocol, host, 5060)).sentBy

    def test_wildcardTakesTheRoutedAddress(self) -> None:
        network = Network("udp:5060", "tcp:5070", r"udp:5080:interface=\:\:").listen()
        self.assertEqual(self.sentBy(network), "192.0.2.1:5060")
        self.assertEqual(self.sentBy(network, "TCP"), "192.0.2.1:5070")
        self.assertEqual(self.sentBy(network, "UDP", "2001:db8::7"), "[2001:db8::1]:5080")

    def test_theRouteIsAskedOnceAMinute(self) -> None:
        network = Network("udp:5060").listen()
        for _ in range(3):
            self.sentBy(network)
        self.assertEqual(network.routesAsked, [PEER])
        network.reactor.advance(61)
        network.routes[PEER] = "192.0.2.9"
        self.assertEqual(self.sentBy(network), "192.0.2.9:5060")

    def test_routesRememberedAreBounded(self) -> None:
        addresses = LocalAddresses(TimerSet(Clock()), lambda host: "192.0.2.1")
        for number in range(3 * LocalAddresses.SIZE):
            addresses.to(f"host{number}")
        self.assertLessEqual(len(addresses._known), LocalAddresses.SIZE)

    def test_withoutARouteThereIsStillAnAddress(self) -> None:
        network = Network("udp:5060").listen()
        network.routes[PEER] = ""
        self.assertEqual(self.sentBy(network), "127.0.0.1:5060")

    def test_interfaceIsTheAddress(self) -> None:
        network = Network("udp:5060:interface=192.0.2.5", r"udp:5061:interface=fe80\:\:1%eth0").listen()
        self.assertEqual(self.sentBy(network), "192.0.2.5:5060")
        self.assertEqual(self.sentBy(network, "UDP", "fe80::2%eth0"), "[fe80::1]:5061")
        self.assertEqual(network.routesAsked, [])

    def test_advertiseStandsInItsPlace(self) -> None:
        for advertise, text in (("pbx.example.com", "pbx.example.com"), ("2001:db8::5", "[2001:db8::5]")):
            network = Network("udp:5060", "tcp:5062:interface=192.0.2.5", advertise=advertise).listen()
            self.assertEqual(self.sentBy(network), f"{text}:5060")
            self.assertEqual(self.sentBy(network, "TCP"), f"{text}:5062")

    def test_connectionWithoutAListenerNamesItsOwnPort(self) -> None:
        network = Network("udp:5060").listen()
        flow = network.layer.flowTo(Destination("TCP", PEER, 5060))
        network.reactor.connectors[0].succeed(localPort=40123)
        self.assertEqual(flow.sentBy, "192.0.2.1:40123")

    def test_sentByDoesNotChangeOnceItWasGiven(self) -> None:
        network = Network("udp:5060").listen()
        flow = network.layer.flowTo(Destination("TCP", PEER, 5060))
        before = flow.sentBy
        network.reactor.connectors[0].succeed(localPort=40123)
        self.assertEqual(flow.sentBy, before)
        self.assertEqual(before, "192.0.2.1")

    def test_acceptedConnectionNamesTheAddressItCameTo(self) -> None:
        network = Network("tcp:5070").listen()
        accepted = network.accept()
        assert accepted is not None
        self.assertEqual(accepted[0].sentBy, "192.0.2.1:5070")

    def test_thePortOfTheRouteIsChosen(self) -> None:
        network = Network("udp:5060:interface=127.0.0.1", "udp:5061:interface=192.0.2.1", "udp:5062").listen()
        network.routes = {"127.0.0.1": "127.0.0.1", "203.0.113.1": "192.0.2.77"}
        for host, sentBy in (
            ("127.0.0.1", "127.0.0.1:5060"),
            (PEER, "192.0.2.1:5061"),
            ("203.0.113.1", "192.0.2.77:5062"),
        ):
            self.assertEqual(self.sentBy(network, "UDP", host), sentBy)
