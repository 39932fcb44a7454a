"""
Telephone events are told once each (RFC 4733).
"""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.media.doubles import audio
from tests.media.test_echo import AUDIO, HEAD, EchoCase, text
from tests.media.test_echo_stream import AGREED, PEER, StreamCase
from twisted_sipdialog.media.rtp import RtpPacket
from twisted_sipdialog.media.tones import ToneReader

#: 0.1 seconds at 8000 Hz.
LENGTH = 800


def report(
    event: int = 5, length: int = LENGTH, end: bool = True, timestamp: int = 160, ssrc: int = 7, marker: bool = False
) -> RtpPacket:
    payload = bytes([event, 0x80 * end | 10]) + length.to_bytes(2, "big")
    return RtpPacket(101, marker, 1, timestamp, ssrc, payload)


class ReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reader = ToneReader()

    def read(self, *reports: RtpPacket) -> list[tuple[str, float]]:
        return [tone for packet in reports for tone in self.reader.read(packet, 8000)]

    def test_digits(self) -> None:
        """Section 3.2: 0 to 15; flash and all that follows is no digit."""
        tones = self.read(*(report(event, timestamp=1000 * event) for event in range(256)))
        self.assertEqual([(digit, 0.1) for digit in "0123456789*#ABCD"], tones)

    def test_onceForAllItsPackets(self) -> None:
        """At its end, which is sent three times (section 2.5.1.4)."""
        going = [report(length=length, end=False, marker=length == 160) for length in (160, 320, 480)]
        self.assertEqual([], self.read(*going))
        self.assertEqual([("5", 0.08)], self.read(report(length=640), report(length=640), report(length=640)))

    def test_durationIsInSecondsOfItsClock(self) -> None:
        self.assertEqual([("5", 0.05)], self.reader.read(report(), 16000))

    def test_endAlone(self) -> None:
        """All packets before the end were lost."""
        self.assertEqual([("5", 0.1)], self.read(report()))

    def test_sameDigitTwice(self) -> None:
        self.assertEqual([("5", 0.1)] * 2, self.read(report(), report(timestamp=2000)))

    def test_lostEndIsToldWithTheNextEvent(self) -> None:
        self.assertEqual([], self.read(report(1, length=400, end=False)))
        self.assertEqual([("1", 0.05)], self.read(report(2, timestamp=2000, end=False)))
        self.assertEqual([("2", 0.1)], self.read(report(2, timestamp=2000)))
        self.assertEqual([], self.read(report(3, timestamp=4000, end=False)))
        self.assertEqual([("3", 0.1), ("4", 0.1)], self.read(report(4, timestamp=6000)))

    def test_latePacketsOfAnEventThatWasTold(self) -> None:
        self.assertEqual([("1", 0.1)], self.read(report(1)))
        self.assertEqual([], self.read(report(2, timestamp=2000, end=False), report(1), report(1, end=False)))
        self.assertEqual([("2", 0.1)], self.read(report(2, timestamp=2000), report(1)))

    def test_packetsInAnotherOrder(self) -> None:
        """The longest duration heard is the event's."""
        self.assertEqual([("5", 0.1)], self.read(report(end=False), report(length=640)))

    def test_anotherSenderIsAnotherEvent(self) -> None:
        self.assertEqual([("5", 0.1)] * 2, self.read(report(), report(ssrc=8), report(), report(ssrc=8)))

    def test_longEventInSegments(self) -> None:
        """Section 2.5.1.3: one event, though no report can say how long; over the end of the timestamps too."""
        for start in (160, 0xFFFFFFF0):
            second, third = (start + 0xFFFF) & 0xFFFFFFFF, (start + 2 * 0xFFFF) & 0xFFFFFFFF
            parts = [
                report(length=8000, end=False, timestamp=start, marker=True),
                report(length=0xFFFF, end=False, timestamp=start),
                report(length=160, end=False, timestamp=second),
                report(length=0xFFFF, end=False, timestamp=start),
                report(length=8, timestamp=third),
            ]
            self.assertEqual([("5", (2 * 0xFFFF + 8) / 8000)], self.read(*parts))
            self.assertEqual([("5", 0.1)], self.read(report(timestamp=third + 1000, marker=True)))
            self.reader = ToneReader()

    def test_whatIsNoSegment(self) -> None:
        """Another digit, a marked one, another time, another sender, or the end has been."""
        for change in [{"event": 6}, {"marker": True}, {"timestamp": 160 + 0xFFFE}, {"ssrc": 8}]:
            self.reader = ToneReader()
            later = report(**{"timestamp": 160 + 0xFFFF, **change})  # type: ignore[arg-type]
            self.assertEqual([0.1, 0.1], [seconds for _, seconds in self.read(report(end=False), later)], change)
        self.reader = ToneReader()
        self.assertEqual([("5", 0.1)] * 2, self.read(report(), report(timestamp=160 + 0xFFFF)))

    def test_badPackets(self) -> None:
        bad = [report()._replace(payload=payload) for payload in (b"", b"\5", b"\5\x8a\3", b"\x10\x8a\3\x20")]
        # No time at all: a state, which no digit is (section 2.3.5).
        self.assertEqual([], self.read(*bad, report(length=0)))
        self.assertEqual([("5", 0.1)], self.read(report()))

    def test_furtherReportsOfAPacketAreNotRead(self) -> None:
        packet = report()
        self.assertEqual([("5", 0.1)], self.read(packet._replace(payload=packet.payload + b"\6\x8a\3\x20")))

    def test_nothingGrows(self) -> None:
        for number in range(1000):
            self.read(report(timestamp=1000 * number, ssrc=number, end=bool(number % 2)))
        self.assertLessEqual(len(self.reader._told), 16)

    @given(st.lists(st.tuples(st.binary(max_size=6), st.integers(0, 3), st.booleans())))
    def test_nothingIsRaised(self, packets: list[tuple[bytes, int, bool]]) -> None:
        reader = ToneReader()
        tones = [
            tone
            for payload, number, marker in packets
            for tone in reader.read(RtpPacket(101, marker, 1, number * 0xFFFF, 7, payload), 8000)
        ]
        self.assertLessEqual(len(tones), 4)


class StreamTests(StreamCase):
    """What the stream takes from its peer, and nothing else."""

    def setUp(self) -> None:
        super().setUp()
        self.told: list[tuple[str, float]] = []
        self.stream.tellTones(lambda tone, duration: self.told.append((tone, duration)))

    def arrive(self, packet: RtpPacket, source: tuple[str, int] = PEER) -> None:
        self.stream.datagramReceived(packet.toBytes(), source)

    def test_toldAndSentBack(self) -> None:
        for sequence in (1, 2, 3):
            self.arrive(report()._replace(sequence=sequence))
        self.assertEqual(([("5", 0.1)], 3), (self.told, self.stream.sent))

    def test_eventsOnly(self) -> None:
        """Audio, what was not agreed, what is no RTP, and strangers."""
        self.stream.datagramReceived(audio(1, payloadType=0)[:12] + report().payload, PEER)
        self.arrive(report()._replace(payloadType=96))
        self.stream.datagramReceived(b"\5\x8a\3\x20", PEER)
        self.arrive(report(), ("198.51.100.7", 1))
        self.assertEqual([], self.told)

    def test_directionThatOnlyReceives(self) -> None:
        self.stream.follow(attrs.evolve(AGREED, sends=False))
        self.arrive(report())
        self.assertEqual([("5", 0.1)], self.told)

    def test_onHoldNothingIsHeard(self) -> None:
        self.stream.follow(attrs.evolve(AGREED, receives=False))
        self.arrive(report())
        self.assertEqual([], self.told)

    def test_fromNowOn(self) -> None:
        """Each who asks, from then until the stream ends."""
        self.arrive(report()._replace(sequence=1))
        later: list[str] = []
        self.stream.tellTones(lambda tone, duration: later.append(tone))
        self.arrive(report(6, timestamp=2000)._replace(sequence=2))
        self.stream.end()
        self.stream.tellTones(lambda tone, duration: later.append(tone))
        self.arrive(report(7, timestamp=4000)._replace(sequence=3))
        self.assertEqual(([("5", 0.1), ("6", 0.1)], ["6"]), (self.told, later))
        self.assertEqual((), self.stream._told)

    def test_whatItRaisesIsLogged(self) -> None:
        self.stream.tellTones(lambda tone, duration: 1 / 0)
        self.stream.tellTones(lambda tone, duration: self.told.append((tone, duration)))
        self.arrive(report())
        self.assertEqual(([("5", 0.1)] * 2, 1), (self.told, self.stream.sent))
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_endedByWhoIsTold(self) -> None:
        """Sent back before that; nobody is told after that, not even of the event that came with it."""
        self.stream.end()
        self.stream = self.start()
        self.stream.tellTones(lambda tone, duration: self.stream.end())
        self.stream.tellTones(lambda tone, duration: self.told.append((tone, duration)))
        self.arrive(report(1, end=False)._replace(sequence=1))
        self.arrive(report(2, timestamp=2000)._replace(sequence=2))
        self.assertEqual(([], 2), (self.told, self.stream.sent))


class DescriptionTests(EchoCase):
    def test_payloadTypeOfTheDescriptions(self) -> None:
        """101 in an offer of ours, in an answer that of the peer's offer."""
        told: list[tuple[str, float]] = []
        self.echo.tellTones(lambda tone, duration: told.append((tone, duration)))
        self.assertIn(b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n", self.echo.offer())
        self.echo.update(text(*HEAD, *AUDIO))
        self.receive(report(1).toBytes())
        self.receive(report(2, timestamp=2000)._replace(payloadType=96, sequence=2).toBytes())
        self.assertEqual([("1", 0.1)], told)
        other = self.factory("127.0.0.1")
        other.tellTones(lambda tone, duration: told.append((tone, duration)))
        other.answer(text(*HEAD, *AUDIO))
        self.receive(report(3)._replace(payloadType=96).toBytes(), echo=other)
        self.assertEqual([("1", 0.1), ("3", 0.1)], told)
        other.close()

    def test_notAfterClose(self) -> None:
        told: list[str] = []
        self.echo.answer(text(*HEAD, *AUDIO))
        self.echo.tellTones(lambda tone, duration: told.append(tone))
        self.echo.close()
        self.receive(report()._replace(payloadType=96).toBytes())
        self.assertEqual([], told)
