"""
Times (RFC 3339), numbers, priorities and truth values of event documents.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from twisted.trial.unittest import SynchronousTestCase

from tests.event.cases import PRIORITIES, TIMES
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.event.values import (
    oneOf,
    readNumber,
    readPriority,
    readTime,
    readTruth,
    writePriority,
    writeTime,
    writeTruth,
)


class ValueTests(SynchronousTestCase):
    def refuses(self, read, *texts: str) -> None:
        for text in texts:
            self.assertEqual(self.assertRaises(ParseError, read, text).statusCode, 400, text)

    def test_time(self) -> None:
        """RFC 3339 section 5.6."""
        moment = datetime(2024, 2, 29, 12, 30, 45, tzinfo=UTC)
        for text, expected in (
            ("2024-02-29T12:30:45Z", moment),
            ("2024-02-29t12:30:45z", moment),
            ("\n 2024-02-29T13:00:45+00:30 ", moment),
            ("2024-02-29T12:30:45.25Z", moment + timedelta(seconds=0.25)),
            ("2024-02-29T12:30:45.123456789Z", moment + timedelta(microseconds=123456)),
            ("2024-02-29T12:30:60Z", moment + timedelta(seconds=14)),
            ("2024-02-29T12:30:45-00:00", moment),
            # Not RFC 3339, but seen.
            ("2024-02-29T12:30:45", moment),
        ):
            read = readTime(text)
            self.assertEqual(read, expected, text)
            self.assertIsNotNone(read.utcoffset())

    def test_offset(self) -> None:
        """It is kept, and Z for none."""
        for text in ("2024-02-29T12:30:45Z", "2024-02-29T12:30:45-08:00", "2024-02-29T12:30:45.500000+05:30"):
            self.assertEqual(writeTime(readTime(text)), text)
        self.assertIsNone(writeTime(None))

    def test_noTime(self) -> None:
        self.refuses(
            readTime,
            "", "now", "2024-02-29", "2024-02-30T12:30:45Z", "2023-02-29T12:30:45Z", "2024-13-01T12:30:45Z",
            "2024-02-29T24:00:00Z", "2024-02-29T12:60:45Z", "2024-02-29T12:30:61Z", "2024-02-29T12:30Z",
            "20240229T123045Z", "2024-W09-4T12:30:45Z", "2024-02-29 12:30:45Z", "2024-02-29T12:30:45+24:00",
            "2024-02-29T12:30:45.Z", "2024-02-29T12:30:45+0000", "２０２４-02-29T12:30:45Z", "0000-01-01T00:00:00Z",
            "2024-02-29T12:30:45Z2024-02-29T12:30:45Z", "2024-02-29T12:30:45." + "1" * 50 + "Z",
        )  # fmt: skip

    @given(TIMES)
    def test_everyTime(self, time: datetime) -> None:
        self.assertEqual(readTime(writeTime(time) or ""), time)

    def test_number(self) -> None:
        """XML Schema's unsignedInt."""
        self.assertEqual(
            (readNumber("007", "x"), readNumber("4294967295", "x"), readNumber(None, "x")), (7, 2**32 - 1, None)
        )
        self.refuses(lambda text: readNumber(text, "x"), "", "-1", "+1", "1.0", "1_0", "4294967296", "９", "1" * 5000)

    def test_priority(self) -> None:
        """A qvalue (RFC 3261 section 25.1); more decimals than three are rounded."""
        for text, value in (("0", 0), ("1", 1), ("1.000", 1), ("0.8", 0.8), ("0.", 0), (".5", 0.5), ("0.12345", 0.123)):
            self.assertEqual(readPriority(text), value, text)
        self.assertIsNone(readPriority(None))
        self.refuses(readPriority, "", "1.1", "2", "-0", "1e0", "nan", "inf", "0,8", ".", "0.0000000000000001")
        self.assertEqual([writePriority(q) for q in (None, 0, 1, 0.8, 0.25)], [None, "0", "1", "0.8", "0.25"])

    @given(PRIORITIES)
    def test_everyPriority(self, priority: float) -> None:
        self.assertEqual(readPriority(writePriority(priority)), priority)

    def test_truth(self) -> None:
        """XML Schema's boolean."""
        self.assertEqual(
            [readTruth(text, "x") for text in ("true", "1", "false", "0", None)], [True, True, False, False, None]
        )
        self.refuses(lambda text: readTruth(text, "x"), "", "True", "yes", "2")
        self.assertEqual([writeTruth(value) for value in (True, False, None)], ["true", "false", None])

    def test_oneOf(self) -> None:
        """Case counts, as in all of XML."""
        self.assertEqual(oneOf("open", ("open", "closed"), "basic"), "open")
        self.refuses(lambda text: oneOf(text, ("open", "closed"), "basic"), "", "Open", "open ")
