"""
C{application/simple-message-summary} (RFC 3842).
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.event.cases import EXAMPLES, NUMBERS, DocumentCase, maybe, several
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.event.message_summary import KINDS, MAX_LENGTH, MAX_LINES, Counts, MessageSummary

ASTERISK = b"Messages-Waiting: yes\r\nMessage-Account: sip:*97@pbx.example.com\r\nVoice-Message: 3/11 (0/0)\r\n"
WHOLE = (
    b"messages-waiting:YES\n"
    b"Message-Account : sip:alice@vmail.example.com\n"
    b"VOICE-MESSAGE: 4/8 ( 1 / 2 )\n"
    b"Fax-Message:2/0\n"
    b"X-Mailbox: 100@default\n"
    b"\n"
    b"To: <sip:alice@example.com>\n"
    b"Subject: carpool\n tomorrow?\n"
    b"\n"
    b"\n"
    b"Priority: urgent\n"
)

_NAMES = st.sampled_from(("Subject", "X-A", "Message-ID", "To"))
_VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), max_size=12).map(lambda v: v.strip(" \t"))
_LINES = st.lists(st.tuples(_NAMES, _VALUES), max_size=2).map(tuple)
_MESSAGES = several(st.lists(st.tuples(_NAMES, _VALUES), min_size=1, max_size=2).map(tuple))
_COUNTS = st.builds(Counts, NUMBERS, NUMBERS) | st.builds(Counts, NUMBERS, NUMBERS, NUMBERS, NUMBERS)


class ReadingTests(DocumentCase):
    def test_asterisk(self) -> None:
        summary = MessageSummary.parse(ASTERISK)
        counts = {"voice-message": Counts(3, 11, 0, 0)}
        self.assertEqual(summary, MessageSummary(True, "sip:*97@pbx.example.com", counts))
        self.assertEqual(summary.voice, Counts(3, 11, 0, 0))
        self.assertEqual(summary.toBytes(), ASTERISK)

    def test_whole(self) -> None:
        """Names in any case, LF, folding; other lines and those about single messages are kept."""
        summary = MessageSummary.parse(WHOLE)
        self.assertEqual((summary.waiting, summary.account), (True, "sip:alice@vmail.example.com"))
        self.assertEqual(summary.counts, {"voice-message": Counts(4, 8, 1, 2), "fax-message": Counts(2, 0)})
        self.assertEqual(summary.lines, (("X-Mailbox", "100@default"),))
        self.assertEqual(
            summary.messages,
            ((("To", "<sip:alice@example.com>"), ("Subject", "carpool tomorrow?")), (("Priority", "urgent"),)),
        )
        self.written(summary)

    def test_least(self) -> None:
        """One line is a body, ended or not."""
        for body in (b"Messages-Waiting: no\r\n", b"Messages-Waiting: no", b"\r\nMessages-Waiting: no\r\n\r\n"):
            self.assertEqual(MessageSummary.parse(body), MessageSummary(False))
        self.assertEqual(MessageSummary(False).voice, Counts(0, 0))

    def test_everyKind(self) -> None:
        """The message contexts of RFC 3458."""
        body = b"Messages-Waiting: yes\r\n" + b"".join(kind.encode() + b": 1/2\r\n" for kind in KINDS)
        self.assertEqual(MessageSummary.parse(body).counts, dict.fromkeys(KINDS, Counts(1, 2)))

    def test_twice(self) -> None:
        """The first of a kind counts; the other is kept as it came."""
        body = b"Messages-Waiting: yes\r\nVoice-Message: 1/0\r\nVoice-Message: 2/0\r\n"
        summary = MessageSummary.parse(body)
        self.assertEqual((summary.voice, summary.lines), (Counts(1), (("Voice-Message", "2/0"),)))
        self.assertEqual(summary.toBytes(), body)

    def test_mandatory(self) -> None:
        """Messages-Waiting comes first, and says yes or no."""
        self.refuses(
            MessageSummary,
            b"", b"\r\n", b"Voice-Message: 1/0\r\nMessages-Waiting: yes\r\n", b"Message-Account: sip:a@b\r\n",
            b"X: yes\r\nMessages-Waiting: yes",
            b"Messages-Waiting:", b"Messages-Waiting: maybe", b"Messages-Waiting: yes no", b"Messages-Waiting yes",
            b"Messages-Waiting: yes\rVoice-Message: 1/0", b"Messages-Waiting: yes\r\nnonsense\r\n",
            b" Messages-Waiting: yes", b"Messages-Waiting: yes\r\na b: c\r\n", b"Messages-Waiting: yes\r\n: c\r\n",
            b"Messages-Waiting: yes\r\nX: \0\r\n",
        )  # fmt: skip

    def test_counts(self) -> None:
        """Two or four numbers, none above 2**32 - 1."""
        self.assertEqual(Counts.parse("4294967295/0"), Counts(2**32 - 1, 0))
        for text in (
            "", "1", "1/", "/1", "1/2/3", "-1/0", "+1/0", "1_0/0", "4294967296/0", "0/4294967296", "1/2 (3)",
            "1/2 (3/4", "1/2 3/4", "1/2 (3/4294967296)", "９/0", "1/2 (3/4) x", "a/b", "1" * 5000 + "/0",
        ):  # fmt: skip
            self.refuses(MessageSummary, f"Messages-Waiting: yes\r\nVoice-Message: {text}\r\n".encode())

    def test_bounds(self) -> None:
        """Bytes: 413; lines."""
        self.refuses(MessageSummary, ASTERISK + b"X: " + b"y" * MAX_LENGTH, status=413)
        MessageSummary.parse(b"Messages-Waiting: yes\n" + b"X:y\n" * (MAX_LINES - 1))
        self.refuses(
            MessageSummary,
            b"Messages-Waiting: yes\n" + b"X:y\n" * MAX_LINES,
            b"Messages-Waiting: yes" + b"\n" * 9_999 + b"a:",
        )

    def test_noUtf8(self) -> None:
        """Bytes that are no UTF-8 pass through."""
        body = b"Messages-Waiting: yes\r\nX: \xff\r\n"
        self.assertEqual(MessageSummary.parse(body).toBytes(), body)

    @EXAMPLES
    @given(st.sampled_from((ASTERISK, WHOLE)), st.integers(0), st.binary(max_size=3))
    def test_damaged(self, body: bytes, place: int, junk: bytes) -> None:
        place %= len(body)
        self.survives(MessageSummary, body[:place] + junk + body[place + len(junk) :])
        self.survives(MessageSummary, junk + body[:place])


class WritingTests(DocumentCase):
    def test_order(self) -> None:
        """Messages-Waiting, the account, the kinds, the rest; empty lines before each message."""
        summary = MessageSummary(
            True,
            "sip:a@b",
            {"fax-message": Counts(1), "voice-message": Counts(2, 8, 0, 2)},
            (("X-A", "b"),),
            ((("To", "c"),), (("To", "d"), ("Subject", "é"))),
        )
        self.assertEqual(
            summary.toBytes(),
            "Messages-Waiting: yes\r\nMessage-Account: sip:a@b\r\nVoice-Message: 2/8 (0/2)\r\nFax-Message: 1/0\r\n"
            "X-A: b\r\n\r\nTo: c\r\n\r\nTo: d\r\nSubject: é\r\n".encode(),
        )
        self.written(summary)

    def test_values(self) -> None:
        """Nothing breaks out of a line, and counts are counts."""
        for wrong in (
            lambda: Counts(-1),
            lambda: Counts(2**32),
            lambda: Counts(1, 1, 1),
            lambda: Counts(1, 1, None, 1),
            lambda: Counts(1, 1, 0, -1),
            lambda: Counts(1, 1, 0, 2**32),
            lambda: MessageSummary(True, "sip:a@b\r\nX: y").toBytes(),
            lambda: MessageSummary(True, counts={"smoke-signal": Counts()}).toBytes(),
            lambda: MessageSummary(True, lines=(("a b", "c"),)).toBytes(),
            lambda: MessageSummary(True, lines=(("", "c"),)).toBytes(),
            lambda: MessageSummary(True, lines=(("a", "\nb"),)).toBytes(),
            lambda: MessageSummary(True, messages=((("a", "\0"),),)).toBytes(),
        ):
            self.assertRaises(InvalidValue, wrong)

    @EXAMPLES
    @given(
        st.builds(
            MessageSummary,
            st.booleans(),
            maybe(_VALUES),
            st.dictionaries(st.sampled_from(KINDS), _COUNTS),
            _LINES,
            _MESSAGES,
        )
    )
    def test_whatever(self, summary: MessageSummary) -> None:
        self.written(summary)
