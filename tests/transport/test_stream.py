"""
SIP over connections: framing, reuse, loss, and every limit.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IPushProducer
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.transport.fakes import LOCAL, PEER, FakeStream, Network, lose, request, response
from twisted_sipdialog._seams import IFlow
from twisted_sipdialog.configuration import FlowLimits
from twisted_sipdialog.errors import TransportError
from twisted_sipdialog.transport.locate import Destination

VIA = f"SIP/2.0/TCP {PEER}:40001;branch=b"


def message(number: int = 1, body: bytes = b"") -> bytes:
    return request(VIA, callId=str(number), body=body)


class StreamTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.make()

    def make(self, **limits: Any) -> Network:
        self.network = Network(flowLimits=FlowLimits(**limits)).listen()
        self.reactor = self.network.reactor
        self.user = self.network.user
        return self.network

    def accept(self, host: str = PEER, port: int = 40001) -> tuple[Any, FakeStream]:
        accepted = self.network.accept(host, port)
        assert accepted is not None
        return accepted

    def connect(self, host: str = PEER, port: int = 5060) -> Any:
        return self.network.layer.flowTo(Destination("TCP", host, port))

    def callIds(self) -> list[str]:
        return [received.callId for received, _ in self.user.requests]

    def assertNothingLeft(self) -> None:
        self.assertEqual(len(self.network.layer.connections), 0)
        self.assertEqual(self.network.timers.count, 0)
        connections = self.network.layer.connections
        self.assertEqual((connections._byRemote, connections._perAddress, connections._unfinished), ({}, {}, 0))


class FramingTests(StreamTestCase):
    def test_severalMessagesInOneSegmentWithKeepAlivesBetween(self) -> None:
        flow, stream = self.accept()
        flow.dataReceived(message(1) + message(2, b"body") + b"\r\n\r\n" + message(3) + b"\r\n" + message(4))
        self.assertEqual(self.callIds(), ["1", "2", "3", "4"])
        self.assertEqual(stream.value(), b"\r\n")

    def test_bytewise(self) -> None:
        flow, stream = self.accept()
        for byte in message(1, b"body") + b"\r\n\r\n" + message(2):
            flow.dataReceived(bytes([byte]))
        self.assertEqual(self.callIds(), ["1", "2"])
        self.assertEqual(stream.value(), b"\r\n")

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.integers(1, 700), max_size=30), st.integers(1, 5))
    def test_howBytesAreSplitMakesNoDifference(self, sizes: list[int], count: int) -> None:
        self.make()
        flow, _ = self.accept()
        data = b"".join([message(number, b"x" * number) for number in range(count)])
        for size in sizes:
            flow.dataReceived(data[:size])
            data = data[size:]
        flow.dataReceived(data)
        self.assertEqual(self.callIds(), [str(number) for number in range(count)])

    def test_refusedMessageIsAnsweredAndTheNextServed(self) -> None:
        flow, stream = self.accept()
        flow.dataReceived(message(1).replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INFO") + message(2))
        self.assertTrue(stream.value().startswith(b"SIP/2.0 400 "))
        self.assertEqual(self.callIds(), ["2"])
        self.assertTrue(flow.isOpen)

    def test_lostPositionIsAnsweredAndTheConnectionClosed(self) -> None:
        """ROBUSTNESS B5: every odd Content-Length on a stream."""
        for length in ("-1", "+5", "0x10", "1000000000", "4294967296", "18446744073709551616", "５", "1_0", "", "5 5"):
            self.make()
            flow, stream = self.accept()
            flow.dataReceived(request(VIA, length=length) + message(2))
            self.assertRegex(stream.value(), rb"\ASIP/2.0 4(00|13) ", length)
            self.assertEqual(stream.value().count(b"SIP/2.0 4"), 1)
            self.assertTrue(stream.disconnecting, length)
            self.assertFalse(flow.isOpen)
            self.assertEqual(self.callIds(), [])
            self.assertEqual(flow.unfinished, 0)
            flow.dataReceived(message(3) + message(4)[:50])
            self.assertEqual(self.callIds(), [])
            self.assertEqual(flow.unfinished, 0)
            lose(flow)
            self.assertNothingLeft()

    def test_twoContentLengths(self) -> None:
        flow, stream = self.accept()
        flow.dataReceived(message().replace(b"Content-Length: 0", b"Content-Length: 0\r\nContent-Length: 4"))
        self.assertTrue(stream.value().startswith(b"SIP/2.0 400 "))
        self.assertTrue(stream.disconnecting)

    def test_malformedResponseIsNotAnswered(self) -> None:
        flow, stream = self.accept()
        flow.dataReceived(response(VIA).replace(b"CSeq: 1", b"CSeq: x"))
        self.assertEqual(stream.value(), b"")
        self.assertEqual(self.network.counters.malformed, 1)

    def test_garbageClosesTheConnection(self) -> None:
        flow, stream = self.accept()
        flow.dataReceived(b"x" * 40000)
        self.assertTrue(stream.disconnecting)
        self.assertEqual(flow.unfinished, 0)


class FlowTests(StreamTestCase):
    def test_interfaces(self) -> None:
        for flow in (self.accept()[0], self.connect()):
            verifyObject(IFlow, flow)
            verifyObject(IPushProducer, flow)
            self.assertEqual((flow.protocol, flow.reliable, flow.secure, flow.isOpen), ("TCP", True, False, True))

    def test_smallMessagesAreNotDelayed(self) -> None:
        self.assertTrue(self.accept()[1].noDelay)

    def test_whatIsSentWhileConnectingWaits(self) -> None:
        flow = self.connect()
        self.assertTrue(flow.isOpen)
        self.assertTrue(flow.send(b"one"))
        self.assertTrue(flow.send(b"two"))
        stream = self.reactor.connectors[0].succeed()
        self.assertTrue(flow.send(b"three"))
        self.assertEqual(stream.value(), b"onetwothree")

    def test_refusedConnectionIsTold(self) -> None:
        flow = self.connect()
        flow.send(b"one")
        self.reactor.connectors[0].fail(ConnectionRefusedError())
        ((lost, reason),) = self.user.lost
        self.assertIs(lost, flow)
        self.assertIsInstance(reason, TransportError)
        self.assertIn(f"{PEER}:5060", str(reason))
        self.assertFalse(flow.isOpen)
        self.assertFalse(flow.send(b"two"))
        self.assertNothingLeft()

    def test_connectTimeoutIsTheSetting(self) -> None:
        self.make(connectTimeout=2.5)
        self.connect()
        self.assertEqual(self.reactor.connectors[0].timeout, 2.5)

    def test_lostConnectionIsToldOnce(self) -> None:
        """ROBUSTNESS B40."""
        for error in (None, ConnectionLost("reset")):
            self.make()
            flow, stream = self.accept()
            flow.dataReceived(message()[:50])
            lose(flow, error)
            self.assertEqual([lost for lost, _ in self.user.lost], [flow])
            self.assertFalse(flow.send(b"late"))
            self.assertEqual(stream.value(), b"")
            self.assertNothingLeft()

    def test_openConnectionsAreReused(self) -> None:
        flow = self.connect()
        self.assertIs(self.connect(), flow)
        self.reactor.connectors[0].succeed()
        self.assertIs(self.connect(), flow)
        accepted, _ = self.accept(PEER, 40001)
        self.assertIs(self.connect(PEER, 40001), accepted)
        self.assertEqual(len(self.reactor.connectors), 1)

    def test_acceptedConnectionIsNoWayToOtherPortsOfItsPeer(self) -> None:
        """RFC 5923: not without an authenticated alias."""
        flow, _ = self.accept(PEER, 40001)
        flow.dataReceived(request(f"SIP/2.0/TCP {PEER}:5060;alias;branch=b"))
        self.assertIsNot(self.connect(PEER, 5060), flow)

    def test_lostConnectionsAreNotReused(self) -> None:
        flow = self.connect()
        self.reactor.connectors[0].succeed()
        flow.close("test")
        self.assertIsNot(self.connect(), flow)
        lose(flow)
        self.assertEqual(len(self.reactor.connectors), 2)
        # The loss of the old one does not hide the new one.
        self.connect()
        self.assertEqual(len(self.reactor.connectors), 2)

    def test_anotherSpellingOfTheAddressIsTheSameConnection(self) -> None:
        self.assertIs(self.connect("2001:db8::7"), self.connect("2001:0DB8:0:0::7"))

    def test_userMayCloseWhileBeingTold(self) -> None:
        flow, _ = self.accept()
        received = []

        def requestReceived(request: Any, over: Any) -> None:
            received.append(request)
            over.close("enough")

        self.user.requestReceived = requestReceived  # type: ignore[method-assign]
        flow.dataReceived(message(1) + message(2) + b"\r\n\r\n")
        self.assertEqual(len(received), 1)


class CloseTests(StreamTestCase):
    def test_closeFlushesAndWaits(self) -> None:
        flow, stream = self.accept()
        opening = self.connect()
        flow.send(b"last words")
        closed = self.network.layer.close()
        again = self.network.layer.close()
        self.assertEqual(stream.value(), b"last words")
        self.assertTrue(stream.disconnecting)
        self.assertFalse(stream.aborted)
        self.assertIsNone(stream.producer)
        self.assertFalse(opening.isOpen)
        self.assertNoResult(closed)
        lose(flow)
        self.assertIsNone(self.successResultOf(closed))
        self.assertIsNone(self.successResultOf(again))
        self.assertEqual(len(self.user.lost), 2)
        self.assertNothingLeft()

    def test_peerThatTakesNothingIsNotWaitedFor(self) -> None:
        flow, stream = self.accept()
        closed = self.network.layer.close()
        self.reactor.advance(6)
        self.assertTrue(stream.aborted)
        lose(flow)
        self.successResultOf(closed)
        self.assertNothingLeft()

    def test_connectionThatComesInMeanwhileIsClosed(self) -> None:
        self.accept()
        self.network.layer.close()
        _, late = self.accept(PEER, 40002)
        self.assertTrue(late.disconnecting)


class IdleTests(StreamTestCase):
    def test_idleConnectionIsClosed(self) -> None:
        flow, stream = self.accept()
        self.reactor.advance(299)
        self.assertFalse(stream.disconnecting)
        self.reactor.advance(2)
        self.assertTrue(stream.disconnecting)
        lose(flow)
        self.assertEqual(len(self.user.lost), 1)
        self.assertNothingLeft()

    def test_useOfEitherSideKeepsIt(self) -> None:
        for use in ("receive", "send", "keep-alive"):
            self.make()
            flow, stream = self.accept()
            for _ in range(4):
                self.reactor.advance(200)
                if use == "send":
                    flow.send(b"data")
                else:
                    flow.dataReceived(message() if use == "receive" else b"\r\n\r\n")
            self.assertFalse(stream.disconnecting, use)
            self.reactor.advance(301)
            self.assertTrue(stream.disconnecting, use)

    def test_heldConnectionIsLeftAlone(self) -> None:
        flow, stream = self.accept()
        flow.hold()
        flow.hold()
        self.reactor.pump([100] * 20)
        flow.release()
        self.reactor.pump([100] * 20)
        self.assertFalse(stream.disconnecting)
        flow.release()
        self.reactor.advance(299)
        self.assertFalse(stream.disconnecting)
        self.reactor.pump([100] * 6)
        self.assertTrue(stream.disconnecting)


class LimitTests(StreamTestCase):
    """ROBUSTNESS B36: each bound, and that others are still served."""

    def assertServed(self, host: str = "203.0.113.50") -> None:
        before = len(self.user.requests)
        flow, _ = self.accept(host, 55555)
        flow.dataReceived(message())
        self.assertEqual(len(self.user.requests), before + 1)

    def test_messageMustBeFinishedInTime(self) -> None:
        for part in (b"O", message()[:100], message(body=b"x" * 100)[:-1]):
            self.make()
            flow, stream = self.accept()
            flow.dataReceived(part)
            self.reactor.advance(29)
            self.assertFalse(stream.aborted)
            self.reactor.advance(2)
            self.assertTrue(stream.aborted)
            self.assertEqual(self.network.counters.droppedConnections, 1)
            self.assertServed()

    def test_dribbledBytesDoNotExtendTheTime(self) -> None:
        flow, stream = self.accept()
        for byte in message()[:31]:
            flow.dataReceived(bytes([byte]))
            self.reactor.advance(1)
        self.assertTrue(stream.aborted)

    def test_eachMessageHasItsOwnTime(self) -> None:
        flow, stream = self.accept()
        data = message() * 3
        size = len(message())
        for position in range(0, len(data), size // 4):
            flow.dataReceived(data[position : position + size // 4])
            self.reactor.advance(7)
        self.assertFalse(stream.aborted)
        self.assertEqual(len(self.user.requests), 3)

    def test_finishedMessagesLeaveNoTimer(self) -> None:
        flow, _ = self.accept()
        flow.dataReceived(message()[:100])
        flow.dataReceived(message()[100:])
        self.assertEqual(self.network.timers.count, 1)  # the idle one

    def test_connectionsInAll(self) -> None:
        self.make(connections=5)
        flows = [self.accept(f"203.0.113.{number}")[0] for number in range(5)]
        for number in range(100):
            self.assertIsNone(self.network.accept(f"203.0.114.{number}"))
        self.assertRaises(TransportError, self.connect)
        self.assertEqual(self.network.counters.refusedConnections, 101)
        self.assertEqual(len(self.network.layer.connections), 5)
        lose(flows[0])
        self.assertServed()

    def test_connectionsPerAddress(self) -> None:
        self.make(connectionsPerAddress=3)
        flows = [self.accept(PEER, 40000 + number)[0] for number in range(3)]
        for number in range(100):
            self.assertIsNone(self.network.accept(PEER, 41000 + number))
        self.assertServed()
        lose(flows[0])
        self.accept(PEER, 42000)

    def test_unfinishedBytesInAll(self) -> None:
        """The connection that holds most is dropped, so that others finish their messages."""
        self.make(unfinishedBytes=100_000)
        small, smallStream = self.accept("203.0.113.60")
        small.dataReceived(message()[:100])
        streams = []
        for number in range(50):
            flow, stream = self.accept(PEER, 40000 + number)
            flow.dataReceived(b"OPTIONS sip:x SIP/2.0\r\nX: " + b"x" * 10_000)
            streams.append(stream)
            self.assertLessEqual(self.network.layer.connections._unfinished, 100_000)
        self.assertGreaterEqual(sum(stream.aborted for stream in streams), 40)
        self.assertFalse(smallStream.aborted)
        small.dataReceived(message()[100:])
        self.assertEqual(len(self.user.requests), 1)
        self.assertServed()

    def test_hugeBodyIsNotWaitedFor(self) -> None:
        flow, stream = self.accept()
        flow.dataReceived(request(VIA, length="2000000000")[:-2] + b"\r\n" + b"x" * 60_000)
        self.assertTrue(stream.value().startswith(b"SIP/2.0 413 "))
        self.assertTrue(stream.disconnecting)
        self.assertEqual(self.network.layer.connections._unfinished, 0)

    def test_peerThatDoesNotRead(self) -> None:
        self.make(sendBuffer=200_000)
        flow, stream = self.accept()
        stream.reads = False
        sent = 0
        while flow.send(b"x" * 10_000):
            sent += 10_000
            self.assertLess(sent, 400_000)
        self.assertTrue(stream.aborted)
        self.assertLessEqual(len(stream.value()), 200_000 + 65_536 + 10_000)
        self.assertFalse(flow.isOpen)
        lose(flow)
        self.assertEqual(len(self.user.lost), 1)
        self.assertServed()

    def test_peerThatReadsAgain(self) -> None:
        self.make(sendBuffer=200_000)
        flow, stream = self.accept()
        for _ in range(10):
            stream.reads = False
            for _ in range(15):
                self.assertTrue(flow.send(b"x" * 10_000))
            stream.clear()
            stream.reads = True
            flow.resumeProducing()
        self.assertFalse(stream.aborted)

    def test_pingFlood(self) -> None:
        self.make(sendBuffer=100_000)
        flow, stream = self.accept()
        stream.reads = False
        for _ in range(100):
            flow.dataReceived(b"\r\n\r\n" * 10_000)
        self.assertTrue(stream.aborted)
        self.assertLessEqual(len(stream.value()), 100_000 + 65_536 + 4)

    def test_queueWhileConnecting(self) -> None:
        self.make(sendBuffer=50_000)
        flow = self.connect()
        results = [flow.send(b"x" * 10_000) for _ in range(20)]
        self.assertEqual(results, [True] * 5 + [False] * 15)
        self.assertEqual(len(self.reactor.connectors[0].succeed().value()), 50_000)
        self.assertTrue(flow.send(b"x" * 10_000))

    def test_refusalsToAPeerThatDoesNotReadAreBounded(self) -> None:
        self.make(sendBuffer=100_000)
        flow, stream = self.accept()
        stream.reads = False
        for _ in range(2000):
            flow.dataReceived(message().replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INFO"))
        self.assertTrue(stream.aborted)
        self.assertLessEqual(len(stream.value()), 100_000 + 65_536 + 1000)


class SentByTests(StreamTestCase):
    def test_initiatedConnectionNamesTheListeningPort(self) -> None:
        flow = self.connect()
        self.assertEqual(flow.sentBy, f"{LOCAL}:5060")
        self.reactor.connectors[0].succeed(localPort=40123)
        self.assertEqual(flow.sentBy, f"{LOCAL}:5060")
