"""
The ports for RTP (RFC 3550 section 11).
"""

from __future__ import annotations

from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import SynchronousTestCase

from tests.media.doubles import MemoryUDP
from twisted_sipdialog.errors import ConfigurationError, TransportError
from twisted_sipdialog.media.ports import PortPair, RtpPorts, canonical, isOpen, isOurs, isUnicast


class PortTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryUDP()

    def open(self, ports: RtpPorts, host: str = "127.0.0.1") -> PortPair:
        pair = ports.open(host, DatagramProtocol(), DatagramProtocol())
        self.addCleanup(pair.close)
        return pair

    def test_evenForRtpAndTheNextForRtcp(self) -> None:
        ports = RtpPorts(self.reactor, 40001, 40010)
        rtp, rtcp = DatagramProtocol(), DatagramProtocol()
        pair = ports.open("127.0.0.1", rtp, rtcp)
        self.addCleanup(pair.close)
        self.assertEqual(40002, pair.number)
        self.assertEqual((rtp, rtcp), (self.reactor.ports[40002].protocol, self.reactor.ports[40003].protocol))

    def test_onTheAddressAskedForOrAllWhenItIsNotOurs(self) -> None:
        ports = RtpPorts(self.reactor, 40000, 40010)
        for host, interface in [
            ("127.0.0.1", "127.0.0.1"),
            ("192.0.2.1", ""),
            ("2001:db8::1", "::"),
            ("a.example", ""),
        ]:
            self.assertEqual(interface, self.reactor.ports[self.open(ports, host).number].interface, host)

    def test_whatOthersUseIsSkipped(self) -> None:
        self.reactor.busy = {40000, 40003}
        pair = self.open(RtpPorts(self.reactor, 40000, 40006))
        self.assertEqual(40004, pair.number)
        self.assertEqual({40004, 40005}, set(self.reactor.ports))

    def test_noneLeft(self) -> None:
        ports = RtpPorts(self.reactor, 40000, 40004)
        first, _ = self.open(ports), self.open(ports)
        error = self.assertRaises(TransportError, self.open, ports)
        self.assertEqual(503, error.statusCode)
        first.close()
        self.assertEqual(40000, self.open(ports).number)

    def test_theLongestUnusedFirst(self) -> None:
        ports = RtpPorts(self.reactor, 40000, 40006)
        numbers = []
        for _ in range(4):
            pair = self.open(ports)
            numbers.append(pair.number)
            pair.close()
        self.assertEqual([40000, 40002, 40004, 40000], numbers)

    def test_closeTwice(self) -> None:
        ports = RtpPorts(self.reactor, 40000, 40002)
        pair = self.open(ports)
        pair.close()
        again = self.open(ports)
        pair.close()
        self.assertEqual({40000, 40001}, ports.inUse)
        again.close()
        self.assertEqual((set(), {}), (ports.inUse, self.reactor.ports))

    def test_rangeWithoutAPair(self) -> None:
        for start, stop in [(40000, 40001), (40001, 40003), (40000, 40000), (5, 3), (0, 10), (-2, 10), (65530, 65537)]:
            self.assertRaises(ConfigurationError, RtpPorts, self.reactor, start, stop)

    def test_openPortsOfEveryPool(self) -> None:
        one, other = RtpPorts(self.reactor, 40000, 40002), RtpPorts(MemoryUDP(), 41000, 41002)
        self.open(one)
        self.open(other, "198.51.100.77")
        self.assertEqual([True, True, True, False], [isOpen(port) for port in (40000, 40001, 41001, 42000)])
        self.assertEqual(
            [True, True, False, False],
            [isOurs(h) for h in ("127.0.0.1", "198.51.100.77", "198.51.100.78", "a.example")],
        )


class AddressTests(SynchronousTestCase):
    def test_oneSpelling(self) -> None:
        for host, expected in [
            ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:DB8:0::1", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"), ("example.com", None), ("", None),
        ]:  # fmt: skip
            self.assertEqual(expected, canonical(host), host)

    def test_oneSingleHost(self) -> None:
        for host in ["192.0.2.1", "127.0.0.1", "10.0.0.1", "::1", "2001:db8::1", "fe80::1%eth0", "::ffff:192.0.2.1"]:
            self.assertTrue(isUnicast(host), host)
        for host in ["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "::", "ff02::1",
                     "::ffff:224.0.0.1", "::ffff:255.255.255.255", "example.com", ""]:  # fmt: skip
            self.assertFalse(isUnicast(host), host)
