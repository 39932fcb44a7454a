"""
The echo sends nothing to anybody who did not ask for it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import attrs
from twisted.internet.error import MessageLengthError
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.media.doubles import MemoryPort, MemoryUDP, audio, packets
from twisted_sipdialog.media.echo_stream import Agreed, EchoLimits, EchoStream
from twisted_sipdialog.media.ports import RtpPorts
from twisted_sipdialog.timers import TimerSet

PEER = ("192.0.2.4", 6000)
AGREED = Agreed(PEER, {0: 0, 8: 8, 101: 96}, {101: 8000}, receives=True, sends=True)


class StreamCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.timers = TimerSet(self.clock)
        self.reactor = MemoryUDP()
        self.ports = RtpPorts(self.reactor, 40000, 40010)
        self.stream = self.start()
        self.addCleanup(self.nothingLeft)

    def start(self, **limits: Any) -> EchoStream:
        stream = EchoStream(self.timers, EchoLimits(**limits), lambda bits: 1000)
        pair = self.ports.open("192.0.2.9", stream, DatagramProtocol())
        self.addCleanup(pair.close)
        self.addCleanup(stream.end)
        stream.follow(AGREED)
        return stream

    def nothingLeft(self) -> None:
        self.stream.end()
        self.assertEqual(0, self.timers.count)

    @property
    def port(self) -> MemoryPort:
        return self.reactor.ports[40000]

    def sentTo(self) -> list[tuple[str, int]]:
        return [address for _, address in self.port.written]


class EchoTests(StreamCase):
    def test_comesBackUnderOurOwnNumbers(self) -> None:
        for number in range(3):
            self.stream.datagramReceived(audio(50 + number, 7000 + 160 * number), PEER)
        sent = packets(self.port)
        self.assertEqual([PEER] * 3, self.sentTo())
        self.assertEqual([bytes([50 + number]) * 160 for number in range(3)], [packet.payload for packet in sent])
        self.assertEqual([1000] * 3, [packet.ssrc for packet in sent])
        self.assertEqual([1000, 1001, 1002], [packet.sequence for packet in sent])
        self.assertEqual([160, 160], [b.timestamp - a.timestamp for a, b in pairwise(sent)])
        self.assertEqual((3, 3, {}), (self.stream.received, self.stream.sent, self.stream.dropped))

    def test_eventsComeBackAsEvents(self) -> None:
        self.stream.datagramReceived(audio(1, 160), PEER)
        for sequence in (2, 3):
            self.stream.datagramReceived(audio(sequence, 320, payloadType=101, marker=sequence == 2), PEER)
        events = packets(self.port)[1:]
        self.assertEqual([(96, True), (96, False)], [(packet.payloadType, packet.marker) for packet in events])
        self.assertEqual(events[0].timestamp, events[1].timestamp)

    def test_neverMoreThanCame(self) -> None:
        padded = b"\xb1" + audio()[1:12] + b"csrc" + b"\xbe\xde\x00\x01ext!" + b"abc" + b"\0\0\3"
        self.stream.datagramReceived(padded, PEER)
        self.assertEqual(15, len(self.port.written[0][0]))

    def test_nothingIsRaised(self) -> None:
        for failure in [OSError(1, "no"), BlockingIOError(), MessageLengthError(), ValueError("address")]:
            self.port.failure = failure
            self.stream.datagramReceived(audio(self.stream.received + 1), PEER)
        self.assertEqual(({"unsent": 4}, 0), (self.stream.dropped, self.stream.sent))
        self.stream.transport = None
        self.stream.datagramReceived(audio(9), PEER)
        self.assertEqual({"unsent": 5}, self.stream.dropped)


class SourceTests(StreamCase):
    """Only from the address in the description, or else from whoever is first within a second."""

    NAT = ("198.51.100.7", 1234)

    def test_payloadTypesAgreedOnly(self) -> None:
        for payloadType in (3, 9, 13, 96, 127):
            self.stream.datagramReceived(audio(payloadType=payloadType), PEER)
        for junk in (b"", b"x", b"INVITE sip:a@b SIP/2.0\r\n\r\n", audio()[:11], b"\x80\xc8" + audio()[2:]):
            self.stream.datagramReceived(junk, PEER)
        self.assertEqual(({"payload": 5, "malformed": 5}, []), (self.stream.dropped, self.port.written))

    def test_describedAddressAtAnyTime(self) -> None:
        self.clock.advance(30)
        self.stream.datagramReceived(audio(), PEER)
        self.assertEqual([PEER], self.sentTo())

    def test_firstSenderWithinASecond(self) -> None:
        self.clock.advance(0.9)
        self.stream.datagramReceived(audio(1), self.NAT)
        self.clock.advance(20)
        self.stream.datagramReceived(audio(2), self.NAT)
        self.assertEqual([self.NAT] * 2, self.sentTo())

    def test_nobodyElseAfterASecond(self) -> None:
        self.clock.advance(1)
        for source in (self.NAT, (PEER[0], 6001), ("192.0.2.5", PEER[1])):
            self.stream.datagramReceived(audio(), source)
        self.assertEqual(({"source": 3}, []), (self.stream.dropped, self.port.written))

    def test_nobodyElseAfterTheFirst(self) -> None:
        for first, later in [(PEER, self.NAT), (self.NAT, PEER), (PEER, (PEER[0], 6001))]:
            stream = self.start()
            stream.datagramReceived(audio(1), first)
            stream.datagramReceived(audio(2), later)
            self.assertEqual((1, {"source": 1}), (stream.sent, stream.dropped), (first, later))

    def test_junkDoesNotMakeAPeer(self) -> None:
        self.stream.datagramReceived(b"junk", self.NAT)
        self.stream.datagramReceived(audio(payloadType=3), self.NAT)
        self.stream.datagramReceived(audio(), PEER)
        self.assertEqual([PEER], self.sentTo())

    def test_addressInAnotherSpelling(self) -> None:
        self.stream.follow(attrs.evolve(AGREED, remote=("2001:db8::1", 6000)))
        self.clock.advance(5)
        self.stream.datagramReceived(audio(1), ("2001:DB8:0:0::1", 6000))
        self.assertEqual(1, self.stream.sent)

    def test_addressThatIsAName(self) -> None:
        for delay, sent in [(0.5, 1), (1.5, 0)]:
            stream = EchoStream(self.timers, EchoLimits(), lambda bits: 1000)
            stream.transport = self.port
            stream.follow(attrs.evolve(AGREED, remote=None))
            self.clock.advance(delay)
            stream.datagramReceived(audio(), self.NAT)
            self.assertEqual(sent, stream.sent, delay)
            stream.end()

    def test_sameDescriptionAgainKeepsThePeer(self) -> None:
        self.stream.datagramReceived(audio(1), self.NAT)
        self.clock.advance(10)
        self.stream.follow(attrs.evolve(AGREED, sends=False))
        self.stream.follow(AGREED)
        self.stream.datagramReceived(audio(2), PEER)
        self.stream.datagramReceived(audio(3), self.NAT)
        self.assertEqual(([self.NAT] * 2, {"source": 1}), (self.sentTo(), self.stream.dropped))

    def test_noAddressForAWhileKeepsThePeer(self) -> None:
        self.stream.datagramReceived(audio(1), self.NAT)
        for agreed in (attrs.evolve(AGREED, remote=None, sends=False), AGREED):
            self.clock.advance(10)
            self.stream.follow(agreed)
        self.stream.datagramReceived(audio(2), self.NAT)
        self.assertEqual([self.NAT] * 2, self.sentTo())


class DestinationTests(StreamCase):
    """Never to a port of its own, and never to many."""

    def test_ownPorts(self) -> None:
        other = self.start()
        for host in ("127.0.0.1", "192.0.2.9", "::ffff:127.0.0.1", "::1"):
            for port in (40000, 40001, 40002, 40003):
                self.stream.datagramReceived(audio(), (host, port))
        self.assertEqual(({"destination": 16}, []), (self.stream.dropped, self.port.written))
        other.end()

    def test_portsOfAnotherPoolOfTheProcess(self) -> None:
        other = RtpPorts(MemoryUDP(), 50000, 50002).open("192.0.2.9", DatagramProtocol(), DatagramProtocol())
        self.stream.datagramReceived(audio(), ("127.0.0.1", 50001))
        self.assertEqual({"destination": 1}, self.stream.dropped)
        other.close()

    def test_portThatBecomesOurOwn(self) -> None:
        there = ("127.0.0.1", 40002)
        self.stream.datagramReceived(audio(1), there)
        self.start()
        self.stream.datagramReceived(audio(2), there)
        self.assertEqual(([there], {"destination": 1}), (self.sentTo(), self.stream.dropped))

    def test_describedAddressIsNoExcuse(self) -> None:
        self.stream.follow(attrs.evolve(AGREED, remote=("127.0.0.1", 40001)))
        self.stream.datagramReceived(audio(), ("127.0.0.1", 40001))
        self.assertEqual({"destination": 1}, self.stream.dropped)

    def test_samePortNumberElsewhereIsSomebodyElse(self) -> None:
        self.stream.datagramReceived(audio(), ("198.51.100.7", 40000))
        self.assertEqual(1, self.stream.sent)

    def test_addressesOfManyOrNone(self) -> None:
        for host in ("224.0.0.1", "239.255.255.250", "255.255.255.255", "0.0.0.0", "ff02::1", "::", "not-an-address"):
            self.stream.datagramReceived(audio(), (host, 6000))
        self.stream.datagramReceived(audio(), ("198.51.100.7", 0))
        self.assertEqual(({"destination": 8}, []), (self.stream.dropped, self.port.written))
        self.stream.datagramReceived(audio(), PEER)
        self.assertEqual([PEER], self.sentTo())


class BoundTests(StreamCase):
    def test_packetsASecond(self) -> None:
        sequence = 0
        for second in range(5):
            for _ in range(400):
                sequence += 1
                self.clock.advance(1 / 400)
                self.stream.datagramReceived(audio(sequence, payloadType=0)[:40], PEER)
            self.assertLessEqual(self.stream.sent, 100 * (second + 2))
        self.assertGreaterEqual(self.stream.sent, 500)
        self.assertEqual(2000, self.stream.sent + self.stream.dropped["rate"])

    def test_bytesASecond(self) -> None:
        stream = self.start(packets=10_000, octets=5_000)
        for sequence in range(1, 201):
            stream.datagramReceived(audio(sequence), PEER)
        self.assertEqual(5_000 // 172, stream.sent)

    def test_ordinaryTelephonyIsWithinTheBounds(self) -> None:
        for sequence in range(1, 501):
            self.clock.advance(0.01)
            self.stream.datagramReceived(audio(sequence)[:92], PEER)
        self.assertEqual((500, {}), (self.stream.sent, self.stream.dropped))

    def test_directionThatForbidsIt(self) -> None:
        for receives, sends in [(True, False), (False, True), (False, False)]:
            self.stream.follow(attrs.evolve(AGREED, receives=receives, sends=sends))
            self.stream.datagramReceived(audio(), PEER)
        self.assertEqual(({"direction": 3}, []), (self.stream.dropped, self.port.written))


class ReflectionTests(StreamCase):
    def test_whatWeSentComesBack(self) -> None:
        """It is not sent again, and neither is anything after it."""
        self.stream.datagramReceived(audio(1), PEER)
        self.stream.datagramReceived(self.port.written[0][0], PEER)
        self.stream.datagramReceived(audio(2), PEER)
        self.stream.follow(AGREED)
        self.stream.datagramReceived(audio(3), PEER)
        self.assertEqual((1, {"reflection": 1, "stopped": 2}), (self.stream.sent, self.stream.dropped))

    def test_othersCannotStopIt(self) -> None:
        self.stream.datagramReceived(audio(1), PEER)
        self.stream.datagramReceived(audio(2, ssrc=1000), ("198.51.100.7", 1))
        self.stream.datagramReceived(audio(2), PEER)
        self.assertEqual(2, self.stream.sent)


class SilenceTests(StreamCase):
    def test_endsTheStream(self) -> None:
        first, second = self.stream.whenSilent(), self.stream.whenSilent()
        self.clock.advance(30)
        self.stream.datagramReceived(audio(1), PEER)
        self.clock.pump([10] * 5)
        self.clock.advance(9.9)
        self.assertNoResult(first)
        self.clock.advance(0.2)
        for waiting in (first, second, self.stream.whenSilent()):
            self.assertIsNone(self.successResultOf(waiting))
        self.stream.datagramReceived(audio(2), PEER)
        self.assertEqual((1, {"stopped": 1}, 0), (self.stream.sent, self.stream.dropped, self.timers.count))

    def test_onlyThePeerBreaksIt(self) -> None:
        self.clock.advance(2)
        waiting = self.stream.whenSilent()
        for _ in range(30):
            self.clock.advance(2)
            self.stream.datagramReceived(audio(), ("198.51.100.7", 1))
            self.stream.datagramReceived(b"junk", PEER)
        self.successResultOf(waiting)

    def test_timeIsASetting(self) -> None:
        stream = self.start(silenceTimeout=5.0)
        waiting = stream.whenSilent()
        self.clock.advance(5.01)
        self.successResultOf(waiting)

    def test_peerThatMayNotSendIsNotSilent(self) -> None:
        waiting = self.stream.whenSilent()
        self.stream.follow(attrs.evolve(AGREED, receives=False))
        self.clock.advance(600)
        self.assertNoResult(waiting)
        self.assertEqual(0, self.timers.count)
        self.stream.follow(AGREED)
        self.clock.advance(59)
        self.assertNoResult(waiting)
        self.clock.advance(1.01)
        self.successResultOf(waiting)

    def test_endOfTheStream(self) -> None:
        waiting = self.stream.whenSilent()
        self.stream.end()
        self.assertIsNone(self.successResultOf(waiting))
        self.assertEqual(0, self.timers.count)
