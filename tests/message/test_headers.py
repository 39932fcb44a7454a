"""
Headers: the lines of RFC 3261 section 7.3, in their order, as they came, found by name.
"""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.message.cases import WIRE_TEXT
from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message import Headers
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.fields import COMPACT
from twisted_sipdialog.message.headers import keyOf


def block(*lines: str) -> Headers:
    return Headers.fromBlock("\r\n".join(lines))


class NameTests(SynchronousTestCase):
    def test_case(self):
        """
        Section 7.3.1: names compare without case, values keep theirs.
        """
        headers = block("sUbJeCt: Lunch", "X-Odd: 1")
        for name in ("Subject", "SUBJECT", "subject", "s", "S"):
            self.assertEqual((headers.get(name), name in headers), ("Lunch", True), name)
        self.assertEqual(headers.get("x-ODD"), "1")
        self.assertNotIn("Odd", headers)

    def test_compact(self):
        """
        Section 7.3.3: the compact form and the full name are one header, both ways.
        """
        for letter, name in COMPACT.items():
            self.assertEqual(block(f"{letter}: x").get(name), "x", letter)
            self.assertEqual(block(f"{letter.upper()}: x").get(name.upper()), "x", letter)
            self.assertEqual(block(f"{name}: x").get(letter), "x", letter)
            self.assertEqual(keyOf(letter), name.lower())

    def test_spaceBeforeColon(self):
        """
        Section 7.3.1: white space may stand before the colon and around the value, and is part of neither.
        """
        headers = block("Subject \t : \t Lunch \t", "X-Odd:1", "To:")
        self.assertEqual([headers.get(name) for name in ("subject", "x-odd", "to")], ["Lunch", "1", ""])
        self.assertEqual(list(headers), [("Subject", "Lunch"), ("X-Odd", "1"), ("To", "")])

    def test_noName(self):
        """
        Section 25.1: a name is a token.
        """
        for line in ("no colon", "", ":x", "a b: x", "a\x0b: x", "\u017fubject: x", "a(: x", "\udcff: x", "a\xa0: x"):
            error = self.assertRaises(ParseError, block, "To: x", line)
            self.assertEqual(error.statusCode, 400, line)


class FoldTests(SynchronousTestCase):
    def test_fold(self):
        """
        Section 7.3.1: a line that begins with white space goes on with the one before it; the fold reads as a space.
        """
        for lines in (
            ("Subject: a", " b"),
            ("Subject: a", "\tb"),
            ("Subject: a  ", "  \t b  "),
            ("Subject:", " a", " b"),
            ("s:", "\ta", "\tb"),
        ):
            headers = block("To: x", *lines, "From: y")
            self.assertEqual(headers.get("Subject"), "a b", lines)
            self.assertEqual((headers.get("to"), headers.get("from")), ("x", "y"))

    def test_firstLine(self):
        """
        Section 7.3.1: what continues nothing is no header.
        """
        self.assertRaises(ParseError, block, " a: b", "To: x")

    def test_foldedColon(self):
        """
        Section 25.1: HCOLON allows no fold between name and colon.
        """
        self.assertRaises(ParseError, block, "Subject", "To: x")

    def test_bareLineEnds(self):
        """
        Section 7: CRLF ends a line; a CR or LF of its own is nowhere allowed, folds or not.
        """
        for text in ("a\nb", "a\rb", "\n", "\r", "a\n b", "a\r b", "a\r"):
            self.assertRaises(ParseError, block, f"Subject: {text}", "To: x")
            self.assertRaises(ParseError, block, f"Subject: {text}", " fold", "To: x")

    def test_onlyThoseLineEnds(self):
        """
        Section 7.3: what Python calls a line end or white space beyond these is part of the value.
        """
        for character in "\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\xa0\u3000":
            headers = block(f"Subject: {character}a{character}", "To: x")
            self.assertEqual((headers.get("subject"), len(headers)), (f"{character}a{character}", 2), repr(character))


class ManyTests(SynchronousTestCase):
    def test_order(self):
        """
        Section 7.3.1: lines of one name keep their order, whatever stands between them and however they are spelled.
        """
        headers = block("Via: 1", "To: x", "v: 2, 3", "VIA: 4")
        self.assertEqual(headers.getAll("via"), ["1", "2, 3", "4"])
        self.assertEqual(headers.get("via"), "1")
        self.assertEqual(headers.elements("via"), ["1", "2", "3", "4"])
        self.assertEqual(list(headers), [("Via", "1"), ("To", "x"), ("v", "2, 3"), ("VIA", "4")])
        self.assertEqual(headers.toText(), "Via: 1\r\nTo: x\r\nv: 2, 3\r\nVIA: 4\r\n")

    def test_absent(self):
        """
        What is not there is None, or the default, or nothing.
        """
        headers = block("To: x")
        self.assertEqual((headers.get("from"), headers.get("from", "d"), headers.getAll("from")), (None, "d", []))
        self.assertEqual(headers.elements("via"), [])

    def test_tooMany(self):
        """
        RFC 3261 section 21.5.14: there may be only so many lines.
        """
        lines = "\r\n".join(["X: y"] * 10)
        self.assertEqual(len(Headers.fromBlock(lines, 10)), 10)
        error = self.assertRaises(ParseError, Headers.fromBlock, f"{lines}\r\nX: y", 10)
        self.assertEqual(error.statusCode, 513)

    def test_copiesOfWhatIsThere(self):
        """
        The lists that are handed out are the caller's.
        """
        headers = block("Via: 1", "Via: 2")
        headers.getAll("via").clear()
        list(headers).clear()
        self.assertEqual(headers.getAll("via"), ["1", "2"])


class TypedTests(SynchronousTestCase):
    def test_typed(self):
        """
        Section 20: the value as its grammar says, read once.
        """
        headers = block("To: <sip:a@b.example>;tag=1", "Expires: 60", "Supported: a, b", "k: C")
        self.assertEqual(headers.typed("To"), Address.parse("<sip:a@b.example>;tag=1"))
        self.assertIs(headers.typed("t"), headers.typed("to"))
        self.assertEqual((headers.typed("expires"), headers.typed("supported")), (60, ["a", "b", "c"]))
        self.assertEqual((headers.typed("from"), headers.typed("require")), (None, []))

    def test_malformed(self):
        """
        Section 20: a value that does not follow its grammar is refused each time, and may be replaced.
        """
        headers = block("Expires: soon")
        for _ in range(2):
            self.assertEqual(self.assertRaises(ParseError, headers.typed, "expires").statusCode, 400)
        headers.set("Expires", "5")
        self.assertEqual(headers.typed("expires"), 5)


class ChangeTests(SynchronousTestCase):
    def test_change(self):
        """
        Section 7.3.1: what is added, put first, replaced or removed is seen by every way of reading.
        """
        headers = block("Via: 1", "To: x", "v: 2")
        self.assertFalse(headers.changed)
        headers.prepend("Via", "0")
        headers.add("Subject", "a")
        self.assertEqual(headers.getAll("via"), ["0", "1", "2"])
        headers.set("VIA", "9")
        self.assertEqual(list(headers), [("VIA", "9"), ("To", "x"), ("Subject", "a")])
        headers.set("From", "y")
        headers.remove("s")
        self.assertEqual(headers.toText(), "VIA: 9\r\nTo: x\r\nFrom: y\r\n")
        self.assertEqual((headers.getAll("via"), "subject" in headers, len(headers)), (["9"], False, 3))
        self.assertTrue(headers.changed)

    def test_copy(self):
        """
        A copy is another one.
        """
        headers = block("To: x")
        other = headers.copy()
        self.assertEqual(headers, other)
        other.set("To", "y")
        self.assertEqual((headers.get("to"), other.get("to")), ("x", "y"))
        self.assertNotEqual(headers, other)

    def test_injection(self):
        """
        Section 7.3.1: no value can begin a line of its own, no name can be more than a name.
        """
        headers = Headers([("To", "x")])
        for value in ("a\r\nEvil: 1", "a\n", "\r", "\0"):
            for change in (headers.add, headers.set, headers.prepend):
                self.assertRaises(InvalidValue, change, "Subject", value)
            self.assertRaises(InvalidValue, Headers, [("Subject", value)])
        for name in ("", "a b", "a:", "a\r\n", "\u0130", "a\0"):
            for change in (headers.add, headers.set, headers.prepend):
                self.assertRaises(InvalidValue, change, name, "x")
        self.assertEqual(list(headers), [("To", "x")])


class PropertyTests(SynchronousTestCase):
    @given(st.lists(WIRE_TEXT, max_size=8))
    def test_anything(self, lines):
        """
        RFC 3261 section 7.3: any text is read, or refused with L{ParseError}.
        """
        try:
            headers = Headers.fromBlock("\r\n".join(lines))
        except ParseError:
            return
        for name, value in headers:
            self.assertIn(value, headers.getAll(name))

    @given(
        st.lists(
            st.tuples(st.sampled_from(["Via", "v", "To", "X-Odd", "x-odd", "s"]), WIRE_TEXT), min_size=1, max_size=8
        )
    )
    def test_lossless(self, fields):
        """
        Section 7.3.1: what is written reads as what it was, but for white space around values.
        """
        fields = [(name, value) for name, value in fields if not set(value) & set("\r\n\0")] or [("To", "x")]
        again = Headers.fromBlock(Headers(fields).toText()[:-2])
        self.assertEqual(list(again), [(name, value.strip(" \t")) for name, value in fields])
