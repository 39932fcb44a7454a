"""
The simulated network and TCP.
"""

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IConnector, IConsumer, IListeningPort, IPushProducer, ITCPTransport
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.testing.recording import Connecting, HalfCloseable, Listening, Stream
from twisted_sipdialog.testing.connections import HIGH_WATER, WINDOW
from twisted_sipdialog.testing.wires import Wires


class ConnectionCase(SynchronousTestCase):
    kind = Stream

    def setUp(self):
        self.wires = Wires(Clock(), latency=0.1)
        self.a, self.b = self.wires.host("a.example"), self.wires.host("b.example")
        self.listening = Listening(self.wires, self.kind)
        self.port = self.b.listenTCP(5060, self.listening)

    def connect(self, host="b.example", port=5060, timeout=30.0):
        self.connecting = Connecting(self.kind(self.wires))
        self.connector = self.a.connectTCP(host, port, self.connecting, timeout)
        return self.connecting.stream

    def connected(self):
        client = self.connect()
        self.wires.advance(0.3)
        (server,) = self.listening.streams
        return client, server


class OpeningTests(ConnectionCase):
    def test_times(self):
        """
        The client is connected after one round trip, the server hears its ACK one latency later, and the
        first bytes come with it.
        """
        client = self.connect()
        client.connectionMade = lambda: (client.note("made", None), client.transport.write(b"first"))
        self.wires.advance(5)
        (server,) = self.listening.streams
        self.assertEqual((client.log, client.times), ([("made", None)], [0.2]))
        self.assertEqual((server.log, server.times), ([("made", None), ("data", b"first")], [0.3, 0.3]))

    def test_interfaces(self):
        """
        Ports, connectors and transports are what Twisted says they are.
        """
        client, server = self.connected()
        for interface in (ITCPTransport, IConsumer, IPushProducer):
            verifyObject(interface, client.transport)
        verifyObject(IConnector, self.connector)
        verifyObject(IListeningPort, self.port)
        self.assertEqual(client.transport.getPeer().host, self.b.ipv4)
        self.assertEqual(client.transport.getPeer(), server.transport.getHost())
        self.assertEqual(client.transport.getHost(), server.transport.getPeer())

    def test_refused(self):
        """
        Where nobody listens the attempt is refused after a round trip.
        """
        self.connect(port=5061)
        self.wires.advance(5)
        self.assertEqual((self.connecting.failure, self.connecting.failedAt), ("ConnectionRefusedError", 0.2))
        self.assertTrue(self.connecting.stopped)
        self.assertEqual(self.wires.clock.getDelayedCalls(), [])

    def test_noHost(self):
        """
        Where no host is nobody answers, and a name that nobody has is not found.
        """
        self.connect(host="203.0.113.99", timeout=4)
        self.wires.advance(3.9)
        self.assertIsNone(self.connecting.failure)
        self.wires.advance(0.1)
        self.assertEqual((self.connecting.failure, self.connecting.failedAt), ("TimeoutError", 4))
        self.connect(host="nobody.example")
        self.wires.advance(0)
        self.assertEqual(self.connecting.failure, "DNSLookupError")

    def test_givenUp(self):
        """
        An attempt that is given up makes no connection on either side.
        """
        client = self.connect()
        self.wires.advance(0.15)
        self.connector.stopConnecting()
        self.wires.advance(5)
        self.assertEqual((self.connecting.failure, client.log), ("UserError", []))
        self.assertEqual((self.listening.streams, self.wires.ends), ([], []))

    def test_factoryDoesNotWant(self):
        """
        A factory without a protocol closes the connection at once.
        """
        self.listening.refuse = True
        client = self.connect()
        self.wires.advance(5)
        self.assertEqual((client.lost, self.wires.ends), ("ConnectionDone", []))

    def test_portClosed(self):
        """
        A closed port accepts no more, but what was accepted stays.
        """
        client, server = self.connected()
        self.successAfterTurn(self.port.stopListening())
        self.connect()
        client.transport.write(b"still here")
        self.wires.advance(5)
        self.assertEqual((self.connecting.failure, server.data), ("ConnectionRefusedError", b"still here"))

    def test_portClosedMeanwhile(self):
        """
        A port that closes before the client's ACK is there resets what it did not accept.
        """
        client = self.connect()
        self.wires.advance(0.25)
        self.port.stopListening()
        self.wires.advance(5)
        self.assertEqual((self.listening.streams, client.lost), ([], "ConnectionLost"))

    def successAfterTurn(self, deferred):
        self.assertNoResult(deferred)
        self.wires.advance(0)
        self.successResultOf(deferred)

    def test_taken(self):
        """
        A port is open once.
        """
        self.assertRaises(CannotListenError, self.b.listenTCP, 5060, self.listening)


class DataTests(ConnectionCase):
    def test_inOrder(self):
        """
        Bytes arrive complete, in order, one latency after they were written, also when the latency shrinks.
        """
        client, server = self.connected()
        client.transport.write(b"1")
        client.transport.writeSequence([b"2", b"3"])
        self.wires.advance(0.05)
        self.wires.latency = 0.01
        client.transport.write(b"4")
        self.wires.advance(1)
        self.assertEqual(server.data, b"1234")
        self.assertEqual(server.log[1], ("data", b"123"))

    def test_faultsAreForDatagrams(self):
        """
        Loss, duplication and MTU do not touch a connection.
        """
        client, server = self.connected()
        self.wires.loss = self.wires.duplication = self.wires.reorder = 1.0
        self.wires.mtu = 10
        for n in range(30):
            client.transport.write(b"%02d" % n)
            self.wires.advance(0.01)
        self.wires.advance(1)
        self.assertEqual(server.data, b"".join(b"%02d" % n for n in range(30)))

    def test_window(self):
        """
        To an end that does not read no more than the window is sent; when it reads, the rest follows.
        """
        client, server = self.connected()
        server.transport.pauseProducing()
        client.transport.write(bytes(3 * WINDOW))
        self.wires.advance(5)
        self.assertEqual(server.data, b"")
        client.transport.loseConnection()
        self.wires.advance(5)
        self.assertIsNone(client.lost)
        server.transport.resumeProducing()
        self.wires.advance(5)
        self.assertEqual(len(server.data), 3 * WINDOW)
        self.assertEqual((client.lost, server.lost), ("ConnectionDone", "ConnectionDone"))

    def test_pushProducer(self):
        """
        A push producer is paused above the high-water mark, resumed when its bytes are gone, and stopped with the
        connection.
        """
        client, server = self.connected()
        calls = []

        class Producer:
            pauseProducing = staticmethod(lambda: calls.append("pause"))
            resumeProducing = staticmethod(lambda: calls.append("resume"))
            stopProducing = staticmethod(lambda: calls.append("stop"))

        client.transport.registerProducer(Producer, True)
        self.assertRaises(RuntimeError, client.transport.registerProducer, Producer, True)
        server.transport.pauseProducing()
        client.transport.write(bytes(HIGH_WATER))
        self.assertEqual(calls, [])
        client.transport.write(b"x")
        self.assertEqual(calls, ["pause"])
        self.wires.advance(5)
        self.assertEqual(calls, ["pause"])
        server.transport.resumeProducing()
        self.wires.advance(5)
        self.assertEqual(calls, ["pause", "resume"])
        client.transport.loseConnection()
        self.wires.advance(5)
        self.assertIsNone(client.lost)  # a producer may still write
        client.transport.abortConnection()
        self.wires.advance(5)
        self.assertEqual(calls, ["pause", "resume", "stop"])

    def test_pullProducer(self):
        """
        A pull producer is asked again when its bytes are gone.
        """
        client, server = self.connected()
        pieces = [b"a", b"b", b"c"]

        class Producer:
            @staticmethod
            def resumeProducing():
                if pieces:
                    client.transport.write(pieces.pop(0))
                else:
                    client.transport.unregisterProducer()

        client.transport.registerProducer(Producer, False)
        self.wires.advance(5)
        self.assertEqual(server.data, b"abc")


class EndTests(ConnectionCase):
    def test_close(self):
        """
        What was written before arrives; the closing end is told in the next turn, the other one latency later.
        """
        client, server = self.connected()
        client.transport.write(b"last words")
        client.transport.loseConnection()
        client.transport.write(b"ignored")
        self.assertIsNone(client.lost)
        self.wires.advance(5)
        self.assertEqual(server.log[1:], [("data", b"last words"), ("lost", "ConnectionDone")])
        self.assertEqual((client.lost, client.times[-1], server.times[-1]), ("ConnectionDone", 0.3, 0.4))
        self.assertEqual((self.connecting.lost, self.connecting.stopped), ("ConnectionDone", True))
        self.assertEqual((self.wires.ends, self.wires.clock.getDelayedCalls()), ([], []))

    def test_abort(self):
        """
        An aborted end loses it at once, with what it has not sent; the other one is reset.
        """
        client, server = self.connected()
        server.transport.write(b"not sent any more")
        server.transport.loseConnection()
        server.transport.abortConnection()
        self.wires.advance(5)
        self.assertEqual((server.lost, client.lost), ("ConnectionAborted", "ConnectionLost"))
        self.assertEqual((client.data, self.wires.ends), (b"", []))

    def test_reset(self):
        """
        A reset between two hosts takes both ends at once, and no other connection.
        """
        client, server = self.connected()
        other = Connecting(Stream(self.wires))
        self.wires.host("c.example").connectTCP("b.example", 5060, other)
        self.wires.advance(1)
        client.transport.write(b"never arrives")
        self.wires.reset("a.example", "b.example")
        self.assertEqual((client.lost, server.lost), ("ConnectionLost", "ConnectionLost"))
        self.wires.advance(1)
        self.assertEqual((server.data, other.stream.lost), (b"", None))

    def test_partitionHolds(self):
        """
        Bytes and the end of a connection wait for the partition to be healed.
        """
        client, server = self.connected()
        self.wires.partition("a.example", "b.example")
        client.transport.write(b"later")
        client.transport.loseConnection()
        self.wires.advance(60)
        self.assertEqual((server.data, server.lost), (b"", None))
        self.wires.heal("a.example", "b.example")
        self.wires.advance(0.1)
        self.assertEqual(server.log[1:], [("data", b"later"), ("lost", "ConnectionDone")])

    def test_partitionAndConnect(self):
        """
        Attempts run into their time-out, or succeed when it is healed before.
        """
        self.wires.partition("a.example", "b.example")
        self.connect(timeout=4)
        self.wires.advance(5)
        self.assertEqual(self.connecting.failure, "TimeoutError")
        client = self.connect(timeout=4)
        self.wires.advance(3)
        self.wires.heal()
        self.wires.advance(0.3)
        self.assertEqual(client.log, [("made", None)])
        self.assertEqual(len(self.listening.streams), 1)

    def test_halfOpen(self):
        """
        An end that is aborted behind a partition leaves the other one half open: that notices when it writes.
        """
        client, server = self.connected()
        self.wires.partition("a.example", "b.example")
        server.transport.abortConnection()
        self.wires.advance(1)
        self.wires.heal()
        self.wires.advance(60)
        self.assertEqual((server.lost, client.lost), ("ConnectionAborted", None))
        client.transport.write(b"hello?")
        self.wires.advance(0.2)
        self.assertEqual(client.lost, "ConnectionLost")


class HalfCloseTests(ConnectionCase):
    kind = HalfCloseable

    def test_readsOn(self):
        """
        An end that writes no more still reads.
        """
        client, server = self.connected()
        client.transport.write(b"question")
        client.transport.loseWriteConnection()
        self.wires.advance(1)
        self.assertEqual(server.log[1:], [("data", b"question"), ("read closed", None)])
        server.transport.write(b"answer")
        server.transport.loseConnection()
        self.wires.advance(1)
        self.assertEqual(client.log[1:], [("write closed", None), ("data", b"answer"), ("read closed", None)])
        client.transport.loseConnection()
        self.wires.advance(1)
        self.assertEqual((client.lost, server.lost), ("ConnectionDone", "ConnectionDone"))
        self.assertEqual(self.wires.ends, [])
