"""
RFC 3261 section 18 and RFC 3581: what passes between the wire and the transaction layer.
"""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.transport.fakes import LOCAL, PEER, Network, lose, request, response
from twisted_sipdialog._seams import ITransport
from twisted_sipdialog.errors import TransportError
from twisted_sipdialog.message.message import Via
from twisted_sipdialog.transport.locate import Destination
from twisted_sipdialog.transport.via import sourceOf, stamped


class StampTests(SynchronousTestCase):
    """RFC 3261 section 18.2.1, RFC 3581 section 4."""

    def via(self, text: str, host: str = PEER, port: int = 40000) -> str:
        network = Network(r"udp:5060", r"udp:5061:interface=\:\:").listen()
        network.datagram(request(text), host, port, index=int(":" in host))
        ((received, _),) = network.user.requests
        # A response carries what was stamped.
        self.assertIn(f"Via: {received.viaText}\r\n".encode(), received.response(200).toBytes())
        return str(received.viaText)

    def test_topmostViaTellsTheSource(self) -> None:
        start = "SIP/2.0/UDP"
        for text, expected in (
            (f"{start} {PEER};branch=z9hG4bK1", f"{start} {PEER};branch=z9hG4bK1"),
            (f"{start} host.example;branch=z9hG4bK1", f"{start} host.example;branch=z9hG4bK1;received={PEER}"),
            (f"{start} 10.0.0.1:5099;branch=b", f"{start} 10.0.0.1:5099;branch=b;received={PEER}"),
            (f"{start} {PEER};rport;branch=b", f"{start} {PEER};rport=40000;branch=b;received={PEER}"),
            (f"{start} {PEER} ; RPort ;branch=b", f"{start} {PEER} ;rport=40000;branch=b;received={PEER}"),
        ):
            self.assertEqual(self.via(text), expected)

    def test_whatTheClientWroteThereIsReplaced(self) -> None:
        for text in (
            f"SIP/2.0/UDP {PEER};received=203.0.113.9;branch=b",
            f"SIP/2.0/UDP {PEER};Received=203.0.113.9;rport=7;branch=b",
            "SIP/2.0/UDP 203.0.113.9;received=203.0.113.9;branch=b",
        ):
            via = Via.parse(self.via(text))
            self.assertEqual(via.received, PEER, text)
            self.assertEqual(via.rport, 40000 if "rport" in text else None)

    def test_quotedSemicolonsAreNoSeparators(self) -> None:
        text = 'SIP/2.0/UDP h.example;x="a;received=1;\\";rport";branch=b'
        self.assertEqual(self.via(text), f"{text};received={PEER}")

    def test_ipv6(self) -> None:
        for host, sentBy, expected in (
            ("2001:db8::7", "[2001:db8::7]", None),
            ("2001:db8::7", "[2001:DB8::8]:5060", "2001:db8::7"),
            ("fe80::7%eth0", "h.example", "fe80::7"),
            ("::ffff:198.51.100.7", "198.51.100.7", "198.51.100.7"),
        ):
            via = Via.parse(self.via(f"SIP/2.0/UDP {sentBy};branch=b", host))
            self.assertEqual(via.received, expected, sentBy)

    def test_onlyTheTopmostViaIsTouched(self) -> None:
        network = Network("udp:5060").listen()
        for text in (
            "SIP/2.0/UDP a.example;branch=1, SIP/2.0/UDP b.example;branch=2",
            "SIP/2.0/UDP a.example;branch=1\r\nVia: SIP/2.0/UDP b.example;branch=2",
        ):
            network.datagram(request(text))
            received = network.user.requests.pop()[0]
            self.assertIn(f"a.example;branch=1;received={PEER}", received.viaTexts()[0])
            self.assertTrue(received.viaTexts()[-1].endswith("b.example;branch=2"))

    def test_manyQuotesAreReadOnce(self) -> None:
        self.assertEqual(len(stamped("x" + ';"' * 30000, PEER, 1)), 60001 + len(f";received={PEER}"))


class SendResponseTests(SynchronousTestCase):
    """RFC 3261 section 18.2.2."""

    def answer(self, network: Network) -> bool:
        received, flow = network.user.requests[-1]
        return network.layer.sendResponse(received.response(200).toBytes(), flow, received.viaText)

    def test_datagramsGoBackToTheSource(self) -> None:
        for via, port in (
            ("h.example;rport;branch=b", 40000),
            (f"{PEER}:5080;rport;branch=b", 40000),
            ("h.example;branch=b", 5060),
            (f"{PEER}:5080;branch=b", 5080),
            # A forged Via or maddr moves nothing to another host.
            ("203.0.113.9:5080;branch=b", 5080),
            ("h.example;maddr=203.0.113.9;branch=b", 5060),
            ("h.example;received=203.0.113.9;branch=b", 5060),
        ):
            network = Network("udp:5060").listen()
            network.datagram(request(f"SIP/2.0/UDP {via}"), PEER, 40000)
            self.assertTrue(self.answer(network))
            self.assertEqual([to for _, to in network.sent], [(PEER, port)], via)
            self.assertEqual(network.user.requests[0][1].remote, (PEER, 40000))

    def test_openConnectionIsUsed(self) -> None:
        network = Network().listen()
        flow, stream = network.accept()  # type: ignore[misc]
        flow.dataReceived(request("SIP/2.0/TCP h.example;branch=b"))
        self.assertTrue(self.answer(network))
        self.assertTrue(stream.value().startswith(b"SIP/2.0 200"))
        self.assertEqual(network.reactor.connectors, [])

    def test_lostConnectionIsReplacedByOneToTheSentByPort(self) -> None:
        for via, port in (
            ("h.example;branch=b", 5060),
            (f"{PEER}:5080;branch=b", 5080),
            ("h.example:5070;rport;branch=b", 5070),
        ):
            network = Network().listen()
            flow, stream = network.accept(PEER, 40001)  # type: ignore[misc]
            flow.dataReceived(request(f"SIP/2.0/TCP {via}"))
            lose(flow)
            self.assertTrue(self.answer(network))
            (connector,) = network.reactor.connectors
            self.assertEqual(connector.remote, (PEER, port), via)
            self.assertTrue(connector.succeed().value().startswith(b"SIP/2.0 200"))
            self.assertEqual(stream.value(), b"")

    def test_withoutViaThereIsNoOtherWay(self) -> None:
        network = Network().listen()
        flow, _ = network.accept()  # type: ignore[misc]
        lose(flow)
        for via in (None, "rubbish", "SIP/2.0/TCP never.stamped;branch=b"):
            self.assertFalse(network.layer.sendResponse(b"x", flow, via), via)
        self.assertEqual(network.reactor.connectors, [])

    def test_sourceOf(self) -> None:
        for via, source in (
            ("SIP/2.0/TCP h;received=2001:db8::7", ("2001:db8::7", 5060)),
            ("SIP/2.0/TCP [2001:db8::7]:5070", ("2001:db8::7", 5070)),
            ("SIP/2.0/TCP 1.2.3:5070", None),
        ):
            self.assertEqual(sourceOf(via), source)


class ResponseTests(SynchronousTestCase):
    """RFC 3261 section 18.1.2."""

    def test_onlyResponsesToOurViaPass(self) -> None:
        network = Network("udp:5060", "tcp:5070").listen()
        for via, ours in (
            (f"{LOCAL}:5060;branch=b", True),
            (f"{LOCAL};branch=b", True),
            (f"{LOCAL}:5070;branch=b", True),
            (f"{LOCAL}:5099;branch=b", False),
        ):
            network.datagram(response(f"SIP/2.0/UDP {via}"))
            self.assertEqual(len(network.user.responses), int(ours), via)
            network.user.responses.clear()
        self.assertEqual(network.counters.stray, 1)

    def test_connectionWithoutAListenerKnowsItsOwnVia(self) -> None:
        network = Network("udp:5062").listen()
        flow = network.layer.flowTo(Destination("TCP", PEER, 5060))
        network.reactor.connectors[0].succeed(localPort=40123)
        flow.dataReceived(response(f"SIP/2.0/TCP {flow.sentBy};branch=b"))
        self.assertEqual(len(network.user.responses), 1)
        flow.dataReceived(response(f"SIP/2.0/TCP {LOCAL}:40124;branch=b"))
        self.assertEqual(len(network.user.responses), 1)


class MalformedTests(SynchronousTestCase):
    """RFC 3261 section 8.2.7 for what cannot be read; ROBUSTNESS: one small answer at most, never to a wrong host."""

    def sent(self, data: bytes, port: int = 40000) -> list[tuple[bytes, tuple[str, int]]]:
        self.network = Network("udp:5060").listen()
        self.network.datagram(data, PEER, port)
        self.assertEqual(self.network.user.requests + self.network.user.responses, [])
        self.assertEqual(self.network.counters.malformed, 1)
        return self.network.sent

    def test_malformedRequestsAreAnswered(self) -> None:
        for data, status in (
            (request().replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE"), 400),
            (request().replace(b"CSeq: 1 OPTIONS", b"CSeq: x OPTIONS"), 400),
            (request().replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1), 505),
            (request(length="2000000000"), 413),
            (request(length="99"), 400),
            (request(length="-1"), 400),
            (request(callId="x" * 64000), 513),
        ):
            ((answer, to),) = self.sent(data)
            self.assertTrue(answer.startswith(b"SIP/2.0 %d " % status), answer)
            self.assertEqual(to, (PEER, 5060))
            self.assertLessEqual(len(answer), len(data) + 128)

    def test_theAnswerIsStampedTaggedAndAlwaysTheSame(self) -> None:
        data = request("SIP/2.0/UDP h.example;rport;branch=b", length="-1")
        ((first, to),) = self.sent(data)
        ((second, _),) = self.sent(data)
        self.assertEqual(to, (PEER, 40000))
        self.assertEqual(first, second)
        self.assertIn(f"rport=40000;branch=b;received={PEER}".encode(), first)
        self.assertRegex(first, rb"To: <sip:we@example.com>;tag=[0-9a-f]{8}\r\n")

    def test_ackAndResponsesAreNeverAnswered(self) -> None:
        for data in (
            request(method="ACK", length="-1"),
            request(method="ACK").replace(b"CSeq: 1 ACK", b"CSeq: x"),
            response(f"SIP/2.0/UDP {LOCAL}:5060").replace(b"CSeq: 1", b"CSeq: x"),
            response("SIP/2.0/UDP"),
            b"garbage",
            b"OPTIONS sip:x SIP/2.0\r\n\r\n",
        ):
            self.assertEqual(self.sent(data), [], data)

    def test_badViaIsNotAnswered(self) -> None:
        for via in ("SIP/2.0/UDP", "SIP/2.0/UDP h:99999;branch=b", "SIP/2.0/UDP h:x", "SIP/2.0 h", ";"):
            self.assertEqual(self.sent(request(via)), [], via)

    def test_aHundredViasAreAnsweredOnce(self) -> None:
        via = "\r\nVia: ".join([f"SIP/2.0/UDP h{number};branch=b" for number in range(100)])
        self.assertEqual(len(self.sent(request(via, length="-1"))), 1)

    def test_answersDoNotAmplify(self) -> None:
        # An answer writes names out, so that many compact ones make it longer than what was asked.
        self.assertEqual(self.sent(b"X s SIP/3.0\r\n" + b"v:SIP/2.0/UDP h;branch=b\r\n" * 100 + b"\r\n"), [])
        self.assertEqual(len(self.sent(b"X s SIP/3.0\r\nv:SIP/2.0/UDP h;branch=b\r\n\r\n")), 1)

    def test_theNextDatagramIsServed(self) -> None:
        self.sent(request(length="2000000000"))
        self.network.datagram(request())
        self.assertEqual(len(self.network.user.requests), 1)


class IsolationTests(SynchronousTestCase):
    def test_nothingRaisedAboveReachesTheReactor(self) -> None:
        network = Network().listen()
        network.user.raises = True
        network.datagram(request())
        network.datagram(response(f"SIP/2.0/UDP {LOCAL}:5060"))
        flow, _ = network.accept()  # type: ignore[misc]
        flow.dataReceived(request("SIP/2.0/TCP h") + request("SIP/2.0/TCP h"))
        self.assertEqual(len(network.user.requests), 3)
        lose(flow)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 5)
        self.assertEqual(len(network.layer.connections), 0)

    def test_observerSeesBothWaysAndCannotHarm(self) -> None:
        class Observer:
            def __init__(self, raises: bool) -> None:
                self.raises = raises
                self.seen: list[tuple[str, bytes]] = []

            def messageReceived(self, data: bytes, flow: Any) -> None:
                self.seen.append(("in", data))

            def messageSent(self, data: bytes, flow: Any) -> None:
                self.seen.append(("out", data))
                if self.raises:
                    raise RuntimeError("the observer")

        for raises in (False, True):
            observer = Observer(raises)
            network = Network(observer=observer).listen()
            network.datagram(request())
            self.assertTrue(network.user.requests[0][1].send(b"one"))
            flow, _ = network.accept()  # type: ignore[misc]
            flow.dataReceived(request("SIP/2.0/TCP h"))
            self.assertTrue(flow.send(b"two"))
            self.assertEqual(
                observer.seen, [("in", request()), ("out", b"one"), ("in", request("SIP/2.0/TCP h")), ("out", b"two")]
            )
            self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2 * raises)


class FlowToTests(SynchronousTestCase):
    def test_interface(self) -> None:
        verifyObject(ITransport, Network().layer)

    def test_whatThereIsNoWayFor(self) -> None:
        network = Network("udp:5060", "tcp:5060").listen()
        for destination in (
            Destination("UDP", "2001:db8::7", 5060),
            Destination("TLS", PEER, 5061),
            Destination("SCTP", PEER, 5060),
        ):
            self.assertRaises(TransportError, network.layer.flowTo, destination)
        self.assertRaises(TransportError, Network("tcp:5060").listen().layer.flowTo, Destination("UDP", PEER, 5060))

    def test_reachesTheFamiliesWeListenOn(self) -> None:
        layer = Network("udp:5060").listen().layer
        self.assertEqual([layer.reaches(host) for host in ("192.0.2.7", "2001:db8::7")], [True, False])
