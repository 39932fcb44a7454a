"""The small pieces of header fields (RFC 3261 section 25.1)."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.message.cases import QUOTABLE, WIRE_TEXT
from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.grammar import (
    digits,
    escape,
    formatParameters,
    isToken,
    parameterOf,
    parseParameters,
    quote,
    splitList,
    splitParameters,
    token,
    unescape,
    unquote,
)

TOKENS = st.text("abzABZ059-.!%*_+`'~", min_size=1, max_size=12)


class TokenTests(SynchronousTestCase):
    def test_allCharactersOfTheGrammar(self) -> None:
        self.assertTrue(isToken("!interesting-Method0123456789_*+`.%indeed'~"))
        self.assertEqual(token("Foo", "method"), "Foo")

    def test_nothingElse(self) -> None:
        for text in ["", " a", "a ", "a b", "a:b", "a@b", 'a"', "a/b", "é", "a\n", "ſ", "\udcff"]:
            self.assertFalse(isToken(text), text)
            self.assertRaises(ParseError, token, text)


class DigitsTests(SynchronousTestCase):
    def test_leadingZeros(self) -> None:
        self.assertEqual([digits("0"), digits("0068"), digits("2147483647")], [0, 68, 2**31 - 1])

    def test_onlyAsciiDigits(self) -> None:
        bad = ["", "-1", "+5", "1_0", " 1", "1 ", "0x10", "\uff15", "²", "1\n", "1.0", "1e3", "٣"]
        for text in bad:
            self.assertRaises(ParseError, digits, text)

    def test_range(self) -> None:
        for text, maximum in [("2147483648", 2**31 - 1), ("256", 255), ("9" * 5000, 2**64), ("0" * 5000, 1)]:
            self.assertRaises(ParseError, digits, text, "value", maximum)

    def test_errorNamesTheField(self) -> None:
        error = self.assertRaises(ParseError, digits, "x", "CSeq")
        self.assertIn("CSeq", str(error))
        self.assertEqual(error.statusCode, 400)


class QuotingTests(SynchronousTestCase):
    def test_escapes(self) -> None:
        for text, quoted in [("", '""'), ("a b", '"a b"'), ('J "R\\', r'"J \"R\\"'), ("\x07", '"\\\x07"')]:
            self.assertEqual(quote(text), quoted)
            self.assertEqual(unquote(quoted), text)

    def test_needlessEscapes(self) -> None:
        self.assertEqual(unquote(r'"\a\b\é"'), "abé")

    def test_malformed(self) -> None:
        for text in ["", '"', "a", '"a', 'a"', '"a"b"', '"a\\"', '"a"b', ' "a"', '"\n"', '"\\\n"', '"\x00"']:
            self.assertRaises(ParseError, unquote, text)

    def test_lineBreaksAreNotTheirs(self) -> None:
        """A value of the application cannot begin a header of its own."""
        for text in ["a\r\nX: y", "\n", "\r"]:
            self.assertRaises(InvalidValue, quote, text)
            self.assertRaises(InvalidValue, formatParameters, {"a": text})

    @given(QUOTABLE)
    def test_roundTrip(self, text: str) -> None:
        self.assertEqual(unquote(quote(text)), text)


class ListTests(SynchronousTestCase):
    def test_elements(self) -> None:
        cases = {
            "": [],
            " \t": [],
            " a ": ["a"],
            "a , b,c": ["a", "b", "c"],
            '"a, b" <sip:c,d@e>;x="1,2" , f': ['"a, b" <sip:c,d@e>;x="1,2"', "f"],
            r'"a\",b", c': [r'"a\",b"', "c"],
            '"<", ">"': ['"<"', '">"'],
        }
        for text, elements in cases.items():
            self.assertEqual(splitList(text), elements, text)

    def test_malformed(self) -> None:
        for text in [",", "a,", ",a", "a,,b", 'a,"b', "a,<b", '"a\\",b', '<a>,,"b"']:
            self.assertRaises(ParseError, splitList, text)

    @given(WIRE_TEXT)
    def test_nothingButParseError(self, text: str) -> None:
        try:
            elements = splitList(text)
        except ParseError:
            return
        self.assertNotIn("", elements)
        for element in elements:
            self.assertEqual(splitList(element), [element])


class ParameterTests(SynchronousTestCase):
    def test_forms(self) -> None:
        cases = {
            "": {},
            ";lr": {"lr": None},
            ";Tag=aB": {"tag": "aB"},
            " ; tag\t = 1 ;\tx": {"tag": "1", "x": None},
            ';a="";b="x;y, \\"z\\"";c=[::1]': {"a": "", "b": 'x;y, "z"', "c": "[::1]"},
            ";received=2001:db8::9:255;branch=z9hG4bK-.!%66*_+`'~": {
                "received": "2001:db8::9:255",
                "branch": "z9hG4bK-.!%66*_+`'~",
            },
            ";tag=a=b/c==": {"tag": "a=b/c=="},
        }
        for text, parameters in cases.items():
            self.assertEqual(parseParameters(text), parameters, text)

    def test_malformed(self) -> None:
        bad = [";", ";;a", ";a;", ";a=", ";=a", "a", ";a=b c", ';a="b', ';a="b"c', ";a=<b>", ";a,b", ";é", ";a=é"]
        for text in bad:
            self.assertRaises(ParseError, parseParameters, text)

    def test_twice(self) -> None:
        """RFC 3261 section 7.3.1: no parameter name more than once."""
        for text in [";tag=1;tag=1", ";tag=1;TAG=2", ";lr;lr"]:
            self.assertRaises(ParseError, parseParameters, text)

    def test_headAndParameters(self) -> None:
        self.assertEqual(splitParameters(" presence ;id=1"), ("presence", {"id": "1"}))
        self.assertEqual(splitParameters("presence"), ("presence", {}))

    def test_quotesWhereNeeded(self) -> None:
        cases = [
            ({}, ""),
            ({"lr": None, "tag": "x", "received": "[::1]"}, ";lr;tag=x;received=[::1]"),
            ({"a": "", "b": "x y", "c": "<urn:x>", "d": 'q"'}, ';a="";b="x y";c="<urn:x>";d="q\\""'),
            # RFC 3840 section 9: capabilities are quoted even when a token would do.
            ({"+g.x": "1", "methods": "INVITE", "+flag": None}, ';+g.x="1";methods="INVITE";+flag'),
            # A foreign tag goes back as it came, even if it is no token.
            ({"tag": "a=b/c"}, ";tag=a=b/c"),
            ({"other": "a=b/c"}, ';other="a=b/c"'),
        ]
        for parameters, text in cases:
            self.assertEqual(formatParameters(parameters), text)

    @given(st.dictionaries(TOKENS.map(str.lower), st.none() | QUOTABLE, max_size=5))
    def test_roundTrip(self, parameters: dict[str, str | None]) -> None:
        self.assertEqual(parseParameters(formatParameters(parameters)), parameters)

    @given(WIRE_TEXT)
    def test_nothingButParseError(self, text: str) -> None:
        try:
            parameters = parseParameters(text)
        except ParseError:
            return
        self.assertEqual(parseParameters(formatParameters(parameters)), parameters)


class GlanceTests(SynchronousTestCase):
    def test_found(self) -> None:
        cases = [
            ("<sip:a@b>;tag=1", "1"),
            ("sip:a@b;tag=1", "1"),
            ("sip:a@b", None),
            ("<sip:a@b;tag=no>", None),
            ("<sip:a@b;tag=no>;tag=1", "1"),
            ('"x;tag=no" <sip:a@b>', None),
            ('"x>;tag=no" <sip:a@b>;tag=1', "1"),
            (r'"x\">;tag=no" <sip:a@b>;tag=1', "1"),
            ('<sip:a@b>;x=";tag=no";tag=1', "1"),
            ("<sip:a@b> ;\tTAG = 1 ;x", "1"),
            ("<sip:a@b>;xtag=no;tagx=no", None),
            ("<sip:a@b>;tag", ""),
            ("<sip:a@b>;tag=", ""),
            ('<sip:a@b>;tag="q \\" q"', 'q " q'),
            ("<sip:a@b>;x, <sip:c@d>;tag=no", None),
            ("", None),
        ]
        for text, value in cases:
            self.assertEqual(parameterOf(text, "tag"), value, text)

    def test_via(self) -> None:
        via = "SIP/2.0/UDP [::1]:5060;rport;branch=z9hG4bK1, SIP/2.0/UDP h;received=no"
        self.assertEqual([parameterOf(via, name) for name in ("branch", "rport", "received")], ["z9hG4bK1", "", None])

    @given(WIRE_TEXT)
    def test_neverRaises(self, text: str) -> None:
        parameterOf(text, "tag")
        parameterOf(f"<sip:a@b>;a={text}", "tag")


class EscapeTests(SynchronousTestCase):
    def test_both(self) -> None:
        for text, escaped in [("alice", "alice"), ("a b", "a%20b"), ("é@", "%C3%A9%40"), ("\udcff%\0", "%FF%25%00")]:
            self.assertEqual(escape(text), escaped)
            self.assertEqual(unescape(escaped), text)

    def test_allowed(self) -> None:
        self.assertEqual(escape("a&b-_.!~*'()c", "&"), "a&b-_.!~*'()c")

    def test_badEscapes(self) -> None:
        for text in ["%", "%4", "%zz", "a%", "%%41", "%4 1", "%+1"]:
            self.assertRaises(ParseError, unescape, text)

    @given(WIRE_TEXT)
    def test_roundTrip(self, text: str) -> None:
        self.assertEqual(unescape(escape(text)), text)


class HostileLengthTests(SynchronousTestCase):
    """Work is bounded in the length of the input: quadratic scanning of these would take minutes."""

    def test_longRuns(self) -> None:
        for piece in ['"', "\\", ",", '\\"', "<", ">", ";", ";a", '"\\', " ", ";a=", "%", "="]:
            text = piece * (65536 // len(piece))
            for prefix in ["", '"', "<", ";a=", ';a="', '<>;a="', ","]:
                for parse in (splitList, parseParameters, unquote, unescape):
                    try:
                        parse(prefix + text)
                    except ParseError:
                        pass
                parameterOf(prefix + text, "tag")
