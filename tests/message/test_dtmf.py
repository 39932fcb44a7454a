"""
Digits in INFO bodies, as telephones and gateways write them.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.dtmf import CONTENT_TYPE, DIGITS, Tone, formatTone, parseTone, parseTones

RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"
TYPES = st.sampled_from([RELAY, PLAIN, "Application/DTMF-Relay;charset=x", "text/plain", "", "application/dtmf;"])


class ParseTests(SynchronousTestCase):
    def test_relayAsPeersWriteIt(self) -> None:
        for body, digit, duration in [
            (b"Signal=1\r\nDuration=250\r\n", "1", 0.25),
            (b"Signal=5\r\nDuration=160", "5", 0.16),
            (b"Signal= 5\r\nDuration= 160\r\n", "5", 0.16),
            (b"Signal = #\r\n Duration = 100 \r\n", "#", 0.1),
            (b"Signal=*\nDuration=100\n", "*", 0.1),
            (b"Signal=0\rDuration=100\r", "0", 0.1),
            (b"signal=a\r\nduration=70\r\n", "A", 0.07),
            (b"SIGNAL=d\r\nDURATION=6000\r\n", "D", 6.0),
            (b"Signal=10\r\nDuration=250\r\n", "*", 0.25),
            (b"Signal=11\r\nDuration=250\r\n", "#", 0.25),
            (b"Signal=12\r\nDuration=250\r\n", "A", 0.25),
            (b"Signal=15\r\nDuration=250\r\n", "D", 0.25),
            (b"Duration=250\r\nSignal=9\r\n", "9", 0.25),
            (b"Signal=9\r\n", "9", None),
            (b"Signal=9", "9", None),
            (b"Signal=9\r\nDuration=0\r\n", "9", 0.0),
            (b"\r\nSignal=9\r\n\r\nDuration=80\r\nVolume=10\r\n\r\n", "9", 0.08),
        ]:
            self.assertEqual(parseTone(body, RELAY), Tone(digit, duration), body)

    def test_digitAlone(self) -> None:
        for body, digit in [(b"5", "5"), (b"#\r\n", "#"), (b" * ", "*"), (b"c\n", "C"), (b"10", "*"), (b"11\r\n", "#")]:
            self.assertEqual(parseTone(body, PLAIN), Tone(digit, None), body)

    def test_contentType(self) -> None:
        """RFC 3261 section 20.15: case and parameters make no difference."""
        for contentType in [
            "Application/DTMF-Relay",
            "application/dtmf-relay;charset=utf-8",
            "application / dtmf-relay",
        ]:
            self.assertEqual(parseTone(b"Signal=1\r\nDuration=250\r\n", contentType), Tone("1", 0.25), contentType)
        for contentType in ["text/plain", "application/dtmf-relays", "application/sdp", "", "dtmf", "application/"]:
            self.refuses(b"Signal=1\r\n", contentType)

    def test_relayMalformed(self) -> None:
        for body in [
            b"", b"\r\n", b"5", b"Signal", b"Signal=", b"Signal=\r\nDuration=160\r\n", b"Duration=160\r\n",
            b"Signal=16\r\n", b"Signal=E\r\n", b"Signal=55\r\n", b"Signal=,\r\n", b"Signal=-1\r\n", b"Signal=05\r\n",
            b"Signal=5\r\nSignal=6\r\n", b"Signal=5\r\nDuration=1\r\nduration=2\r\n", b"Signal=5\r\nnonsense\r\n",
            b"Signal=5\r\nDuration=\r\n", b"Signal=5\r\nDuration=-1\r\n", b"Signal=5\r\nDuration=1_0\r\n",
            b"Signal=5\r\nDuration=1e3\r\n", b"Signal=5\r\nDuration=inf\r\n", b"Signal=5\r\nDuration=9999999999\r\n",
            "Signal=５\r\n".encode(), b"Signal=5\r\nDuration=\xb2\r\n", b"\xff", b"Signal=5\0\r\n",
            b"Signal=5\r\nX=" + b"y" * 100000,
        ]:  # fmt: skip
            self.refuses(body, RELAY)

    def test_digitMalformed(self) -> None:
        for body in [b"", b" ", b"55", b"E", b"5 5", b"Signal=5\r\n", b"\xff", b"5\0", "²".encode(), b"5" * 100000]:
            self.refuses(body, PLAIN)

    def refuses(self, body: bytes, contentType: str) -> None:
        error = self.assertRaises(ParseError, parseTone, body, contentType)
        self.assertEqual(error.statusCode, 400, body)

    @given(
        st.binary(max_size=80) | st.text(alphabet="SsignalDdurato=0159#*\r\n \t\udcff", max_size=60), TYPES | st.text()
    )
    def test_nothingButParseError(self, body: bytes | str, contentType: str) -> None:
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogateescape")
        try:
            tone = parseTone(body, contentType)
        except ParseError:
            return
        self.assertIn(tone.digit, DIGITS)


class FormatTests(SynchronousTestCase):
    def test_asPeersExpectIt(self) -> None:
        """One name and value a line, without spaces, milliseconds, CRLF after each."""
        self.assertEqual(formatTone(Tone("5", 0.16)), b"Signal=5\r\nDuration=160\r\n")
        self.assertEqual(formatTone(Tone("#", 0.0995)), b"Signal=#\r\nDuration=100\r\n")
        self.assertEqual(formatTone(Tone("A")), b"Signal=A\r\n")
        self.assertEqual(CONTENT_TYPE, RELAY)

    @given(st.sampled_from(DIGITS), st.none() | st.integers(0, 100000))
    def test_roundTrip(self, digit: str, milliseconds: int | None) -> None:
        tone = Tone(digit, None if milliseconds is None else milliseconds / 1000)
        self.assertEqual(parseTone(formatTone(tone), CONTENT_TYPE), tone)

    def test_onlyWhatCanBeSent(self) -> None:
        """Nothing breaks out of its line, and each value can be written."""
        for digit in ["", "55", "E", "a", ",", "1\r\nX=y", "\r", "５"]:
            self.assertRaises(InvalidValue, Tone, digit)
        for duration in [-0.1, float("nan"), float("inf")]:
            self.assertRaises(InvalidValue, Tone, "5", duration)


class TonesTests(SynchronousTestCase):
    def test_split(self) -> None:
        for text, tones in [
            ("5", ["5"]),
            ("12,#*", ["1", "2", ",", "#", "*"]),
            ("abcdABCD", list("ABCDABCD")),
            (",", [","]),
        ]:
            self.assertEqual(parseTones(text), tones, text)

    def test_anythingElse(self) -> None:
        for text in ["", " ", "1 2", "e", "1-2", "+49", "５", "1\r\n", "p", "ẚ", "1;2", "\udcff"]:
            error = self.assertRaises(InvalidValue, parseTones, text)
            self.assertEqual((error.name, error.value), ("tones", text))
