"""
RTP packets (RFC 3550 section 5.1).
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.media.rtp import FRAME, Relabel, RtpPacket, parseRtp

PLAIN = bytes.fromhex("80 80 0102 00000003 00000004".replace(" ", ""))


class PacketTests(SynchronousTestCase):
    def test_fields(self) -> None:
        packet = parseRtp(PLAIN + b"abc")
        self.assertEqual(RtpPacket(0, True, 0x0102, 3, 4, b"abc"), packet)
        self.assertEqual(PLAIN + b"abc", packet.toBytes())

    def test_whatIsOptionalIsLeftOut(self) -> None:
        rest = PLAIN[1:]
        for data in [
            b"\x82" + rest + b"csr1csr2" + b"abc",
            b"\x90" + rest + b"\xbe\xde\x00\x01ext!" + b"abc",
            b"\x91" + rest + b"csrc" + b"\xbe\xde\x00\x00" + b"abc",
            b"\xa0" + rest + b"abc" + b"\0\0\3",
            b"\xb1" + rest + b"csrc" + b"\xbe\xde\x00\x01ext!" + b"abc" + b"\1",
        ]:
            self.assertEqual(b"abc", parseRtp(data).payload, data)

    def test_whatIsNoRtp(self) -> None:
        rest = PLAIN[1:]
        for data in [
            b"", b"\x80", PLAIN[:-1], b"\x00" + rest, b"\x40" + rest, b"\xc0" + rest, b"\x8f" + rest,
            b"\x90" + rest, b"\x90" + rest + b"\xbe\xde\xff\xff", b"\xa0" + rest + b"\0", b"\xa0" + rest + b"\x09",
            b"INVITE sip:a@b SIP/2.0\r\n",
            b"\x80\xc8" + rest[1:], b"\x81\xc9" + rest[1:], b"\x80\xcb" + rest[1:],
        ]:  # fmt: skip
            self.assertIsNone(parseRtp(data), data)

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=40))
    def test_nothingIsRaisedAndNothingGrows(self, data: bytes) -> None:
        packet = parseRtp(data)
        if packet is not None:
            self.assertLessEqual(len(packet.toBytes()), len(data))


class RelabelTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.stream = Relabel(99, 0xFFFF, 0xFFFFFF00)

    def sent(self, sequence: int, timestamp: int, ssrc: int = 7, isEvent: bool = False) -> tuple[int, int, bool] | None:
        packet = RtpPacket(8, False, sequence, timestamp, ssrc, b"x")
        done = self.stream.relabel(packet, 8, isEvent)
        if done is None:
            return None
        self.assertEqual((99, b"x", 8), (done.ssrc, done.payload, done.payloadType))
        return done.sequence, (done.timestamp - 0xFFFFFF00 - FRAME) & 0xFFFFFFFF, done.marker

    def test_ownNumbersWithTheReceivedIncrements(self) -> None:
        self.assertEqual((0xFFFF, 0, True), self.sent(10, 5000))
        self.assertEqual((0, 160, False), self.sent(11, 5160))
        # One was lost on the way here.
        self.assertEqual((1, 480, False), self.sent(13, 5480))

    def test_receivedNumbersMayWrap(self) -> None:
        self.sent(0xFFFF, 0xFFFFFFFF)
        self.assertEqual((0, 160, False), self.sent(0, 159))

    def test_lateAndDoubledAreLeftOut(self) -> None:
        self.sent(10, 5000)
        for sequence in (10, 8, 9, 10, 0, 0xFFFF):
            self.assertIsNone(self.sent(sequence, 4000), sequence)
        self.assertEqual((0, 160, False), self.sent(11, 5160))

    def test_anotherStreamOfTheSenderGoesOnInOurs(self) -> None:
        self.sent(10, 5000)
        self.assertEqual((0, FRAME, True), self.sent(60000, 17, ssrc=8))
        self.assertEqual((1, FRAME + 160, False), self.sent(60001, 177, ssrc=8))

    def test_senderThatBeginsAnewWithTheSameSource(self) -> None:
        self.sent(50000, 5000)
        self.assertIsNone(self.sent(100 + 32768, 10))
        self.assertIsNone(self.sent(300 + 32768, 10))
        self.assertEqual((0, FRAME, True), self.sent(301 + 32768, 20))
        self.assertEqual((1, FRAME + 160, False), self.sent(302 + 32768, 180))

    def test_timestampsNeverGoBack(self) -> None:
        self.sent(10, 5000)
        self.assertEqual((0, FRAME, True), self.sent(11, 100))

    def test_eventsKeepTheTimeOfTheirBeginning(self) -> None:
        """RFC 4733 section 2.5: all packets of an event have one timestamp, also when audio goes on."""
        self.sent(10, 5000)
        self.assertEqual((0, 160, False), self.sent(11, 5160, isEvent=True))
        self.assertEqual((1, 320, False), self.sent(12, 5320))
        self.assertEqual((2, 160, False), self.sent(13, 5160, isEvent=True))
        self.assertEqual((3, 480, False), self.sent(14, 5480))
