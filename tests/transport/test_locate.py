"""
RFC 3263 for literal addresses and host names.
"""

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.transport.fakes import FakeReactor
from twisted_sipdialog.errors import LocateError
from twisted_sipdialog.message.uri import parseUri
from twisted_sipdialog.transport.locate import Destination, ILocator, Locator

BOTH = ("UDP", "TCP")


class LocateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.locator = Locator(self.reactor)  # type: ignore[arg-type]

    def locate(self, uri: str, protocols: tuple[str, ...] = BOTH) -> Any:
        return self.locator.locate(parseUri(uri), protocols)

    def test_interface(self) -> None:
        verifyObject(ILocator, self.locator)

    def test_literalAddressesAreFoundAtOnce(self) -> None:
        for uri, protocols, protocol, host, port in (
            ("sip:192.0.2.7", BOTH, "UDP", "192.0.2.7", 5060),
            ("sip:192.0.2.7:5080", BOTH, "UDP", "192.0.2.7", 5080),
            ("sip:192.0.2.7", ("TCP",), "TCP", "192.0.2.7", 5060),
            ("sip:192.0.2.7;transport=tcp", BOTH, "TCP", "192.0.2.7", 5060),
            ("sip:192.0.2.7;transport=UDP", BOTH, "UDP", "192.0.2.7", 5060),
            ("sip:u@[2001:DB8:0::7]:5070", BOTH, "UDP", "2001:db8::7", 5070),
            ("sip:example.com;maddr=192.0.2.8", BOTH, "UDP", "192.0.2.8", 5060),
            ("sip:example.com:5099;maddr=[2001:db8::8]", BOTH, "UDP", "2001:db8::8", 5099),
            ("sips:192.0.2.7", ("UDP", "TCP", "TLS"), "TLS", "192.0.2.7", 5061),
            ("sip:192.0.2.7;transport=tls", ("UDP", "TLS"), "TLS", "192.0.2.7", 5061),
            ("sips:192.0.2.7;transport=tcp", ("TCP", "TLS"), "TLS", "192.0.2.7", 5061),
        ):
            found = self.successResultOf(self.locate(uri, protocols))
            self.assertEqual(found, [Destination(protocol, host, port)], uri)

    def test_sipsNeverGoesInClear(self) -> None:
        for uri in ("sips:192.0.2.7", "sips:192.0.2.7;transport=tcp", "sips:192.0.2.7;transport=udp", "sips:a.example"):
            error = self.failureResultOf(self.locate(uri), LocateError).value
            self.assertIn("TLS", str(error), uri)

    def test_whatHasNoWayIsRefused(self) -> None:
        for uri in ("sip:192.0.2.7;transport=sctp", "sip:192.0.2.7;transport=ws", "tel:+15551234", "http://192.0.2.7/"):
            self.failureResultOf(self.locate(uri), LocateError)
        self.failureResultOf(self.locate("sip:192.0.2.7", ()), LocateError)
        self.failureResultOf(self.locate("sip:192.0.2.7:0"), LocateError)

    def test_namesAreResolvedToAllTheirAddresses(self) -> None:
        deferred = self.locate("sip:pbx.example.com:5070;transport=tcp")
        self.assertNoResult(deferred)
        self.assertEqual(self.reactor.nameResolver.asked[0][0], "pbx.example.com")
        self.reactor.nameResolver.answer("192.0.2.7", "2001:db8::7", "192.0.2.7")
        self.assertEqual(
            self.successResultOf(deferred),
            [
                Destination("TCP", "192.0.2.7", 5070, "pbx.example.com"),
                Destination("TCP", "2001:db8::7", 5070, "pbx.example.com"),
            ],
        )

    def test_addressesWeReachComeFirst(self) -> None:
        locator = Locator(self.reactor, lambda host: ":" in host)  # type: ignore[arg-type]
        deferred = locator.locate(parseUri("sip:pbx.example.com"), BOTH)
        self.reactor.nameResolver.answer("192.0.2.7", "2001:db8::7", "192.0.2.8")
        hosts = [found.host for found in self.successResultOf(deferred)]
        self.assertEqual(hosts, ["2001:db8::7", "192.0.2.7", "192.0.2.8"])

    def test_unknownNamesFail(self) -> None:
        deferred = self.locate("sip:nowhere.invalid")
        self.reactor.nameResolver.answer()
        self.assertIn("nowhere.invalid", str(self.failureResultOf(deferred, LocateError).value))

    def test_whatTheResolverRaisesIsALocateError(self) -> None:
        self.reactor.nameResolver.error = UnicodeError("label too long")
        self.failureResultOf(self.locate(f"sip:{'a' * 80}.example"), LocateError)

    def test_cancelledLookUpMayStillAnswer(self) -> None:
        deferred = self.locate("sip:pbx.example.com")
        deferred.cancel()
        self.failureResultOf(deferred, CancelledError)
        self.reactor.nameResolver.answer("192.0.2.7")
        self.assertEqual(self.flushLoggedErrors(), [])
