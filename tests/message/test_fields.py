"""How each header is read, and what holds for all typed fields (RFC 3261 sections 7.3 and 20)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.message.cases import QUOTABLE, WIRE_TEXT
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import fields
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.fields import (
    CANONICAL,
    COMPACT,
    FIELDS,
    AuthenticationInfo,
    AuthorizationField,
    Challenge,
    CSeq,
    Date,
    Disposition,
    EventField,
    Join,
    MediaType,
    MinSE,
    Privacy,
    RAck,
    Reason,
    Replaces,
    RetryAfter,
    SessionExpires,
    SubscriptionState,
    TargetDialog,
    Via,
    Warning,
    parseField,
)

CLASSES: list[Any] = [
    Via,
    CSeq,
    RAck,
    MediaType,
    Disposition,
    EventField,
    SubscriptionState,
    Replaces,
    TargetDialog,
    Join,
    SessionExpires,
    MinSE,
    RetryAfter,
    Reason,
    Date,
    Warning,
    Privacy,
    Challenge,
    AuthorizationField,
    AuthenticationInfo,
]


class TableTests(SynchronousTestCase):
    def test_names(self) -> None:
        for key, name in [
            ("call-id", "Call-ID"),
            ("cseq", "CSeq"),
            ("www-authenticate", "WWW-Authenticate"),
            ("rack", "RAck"),
            ("rseq", "RSeq"),
            ("min-se", "Min-SE"),
            ("sip-etag", "SIP-ETag"),
            ("sip-if-match", "SIP-If-Match"),
            ("mime-version", "MIME-Version"),
            ("p-asserted-identity", "P-Asserted-Identity"),
        ]:
            self.assertEqual(CANONICAL[key], name)
        for key, name in CANONICAL.items():
            self.assertEqual(key, name.lower())
        self.assertEqual(set(FIELDS) - set(CANONICAL), set())
        self.assertEqual("".join(sorted(COMPACT)), "abcdefijklmnorstuvxy")
        self.assertEqual(set(COMPACT.values()) - set(CANONICAL), set())
        for letter, name in [("i", "call-id"), ("m", "contact"), ("v", "via"), ("u", "allow-events"), ("o", "event")]:
            self.assertEqual(COMPACT[letter], name)

    def test_everyClassIsExported(self) -> None:
        self.assertEqual({cls.__name__ for cls in CLASSES} - set(fields.__all__), set())

    def test_lists(self) -> None:
        """Section 7.3.1: commas and further lines are the same."""
        for name, values, expected in [
            ("allow", ["INVITE, ACK", "bye"], ["INVITE", "ACK", "bye"]),
            ("supported", ["100rel", "Timer , replaces"], ["100rel", "timer", "replaces"]),
            ("require", ["100Rel"], ["100rel"]),
            (
                "accept",
                ["application/sdp, text/*;q=0.1"],
                [MediaType("application", "sdp"), MediaType("text", "*", {"q": "0.1"})],
            ),
            ("accept-encoding", ["GZIP;q=1.0, identity"], ["gzip", "identity"]),
            ("allow-events", ["presence, Refer"], ["presence", "Refer"]),
            ("in-reply-to", ["a@b, c@d"], ["a@b", "c@d"]),
            ("recv-info", ["foo;bar=1, X"], ["foo", "x"]),
            ("reason", ['Q.850;cause=16;text="a,b", SIP;cause=200'], [Reason("Q.850", 16, "a,b"), Reason("SIP", 200)]),
            ("warning", ['399 a "b, c"', '399 d "e"'], [Warning(399, "a", "b, c"), Warning(399, "d", "e")]),
            (
                "via",
                ["SIP/2.0/UDP a, SIP/2.0/TCP b", "SIP/2.0/TLS c"],
                [Via("UDP", "a"), Via("TCP", "b"), Via("TLS", "c")],
            ),
            (
                "www-authenticate",
                ["Digest realm=a, nonce=b", "Digest realm=c, nonce=b"],
                [Challenge("Digest", {"realm": "a", "nonce": "b"}), Challenge("Digest", {"realm": "c", "nonce": "b"})],
            ),
        ]:
            self.assertEqual(parseField(name, values), expected, name)

    def test_addresses(self) -> None:
        for name in [
            "route",
            "record-route",
            "path",
            "service-route",
            "p-asserted-identity",
            "diversion",
            "history-info",
        ]:
            read = parseField(name, ["<sip:a;lr>, <sip:b;lr>", "<sip:c;lr>;index=1"])
            self.assertEqual([str(address.uri) for address in read], ["sip:a;lr", "sip:b;lr", "sip:c;lr"])
        for name in ["from", "to", "refer-to", "referred-by", "reply-to"]:
            self.assertEqual(parseField(name, ["<sip:a>;x=1"]), Address.parse("<sip:a>;x=1"))
        self.assertEqual(parseField("contact", ["*"]), "*")
        self.assertEqual(parseField("contact", ["sip:a"]), [Address.parse("sip:a")])

    def test_numbers(self) -> None:
        for name, most in [
            ("max-forwards", 255),
            ("content-length", 2**31 - 1),
            ("expires", 2**32 - 1),
            ("min-expires", 2**32 - 1),
            ("rseq", 2**32 - 1),
        ]:
            self.assertEqual(parseField(name, [f" 00{most} "]), most)
            bad = [
                str(most + 1),
                "-1",
                "+5",
                "0x10",
                "1_0",
                "\uff15",
                "1 0",
                "1,2",
                "1;x",
                "\x1c1",
                "1\xa0",
                "9" * 5000,
            ]
            for text in bad:
                self.assertRaises(ParseError, parseField, name, [text])

    def test_singleValues(self) -> None:
        """Several lines of a header that may have one value (RFC 4475 multi01, mcl01)."""
        for name, text in [
            ("from", "<sip:a>"),
            ("call-id", "a@b"),
            ("cseq", "1 A"),
            ("max-forwards", "70"),
            ("content-length", "0"),
            ("content-type", "a/b"),
            ("event", "presence"),
            ("expires", "1"),
            ("refer-to", "<sip:a>"),
            ("sip-etag", "x"),
            ("user-agent", "x"),
        ]:
            self.assertIsNotNone(parseField(name, [text]))
            self.assertRaises(ParseError, parseField, name, [text, text])
        self.assertRaises(ParseError, parseField, "from", ["<sip:a>, <sip:b>"])

    def test_words(self) -> None:
        callId = "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
        self.assertEqual(parseField("call-id", [f" {callId} "]), callId)
        self.assertEqual(parseField("sip-if-match", ["x1"]), "x1")
        self.assertEqual(parseField("user-agent", ["a (b) é"]), "a (b) é")
        for name, text in [
            ("call-id", "a b"),
            ("call-id", "é"),
            ("sip-etag", "a b"),
            ("require", "a b"),
            ("allow", "a/b"),
        ]:
            self.assertRaises(ParseError, parseField, name, [text])

    def test_absent(self) -> None:
        for name in FIELDS:
            self.assertIn(parseField(name, []), (None, []), name)
        self.assertEqual(parseField("allow", []), [])
        self.assertIsNone(parseField("cseq", []))

    def test_unknown(self) -> None:
        self.assertEqual(parseField("newfangledheader", ["a", ";;,,;"]), ["a", ";;,,;"])

    def test_empty(self) -> None:
        """An empty value: an empty list where the grammar has one, text where any may stand, else an error."""
        lists = {"accept", "accept-encoding", "accept-language", "allow", "recv-info", "supported"}
        texts = {"mime-version", "organization", "server", "subject", "user-agent"}
        for name in FIELDS:
            for text in ("", " ", "\t"):
                if name in lists:
                    self.assertEqual(parseField(name, [text]), [], name)
                elif name in texts:
                    self.assertEqual(parseField(name, [text]), text, name)
                else:
                    self.assertRaises(ParseError, parseField, name, [text])

    def test_errorsNameTheHeader(self) -> None:
        error = self.assertRaises(ParseError, parseField, "cseq", ["x"])
        self.assertTrue(str(error).startswith("CSeq: "), str(error))


class PropertyTests(SynchronousTestCase):
    starts = [
        "",
        "SIP/2.0/UDP h;",
        "1 ",
        "1;",
        "a;",
        "a/b;",
        "(",
        "5 (",
        "Digest ",
        'Digest a="',
        "a=",
        '307 h "',
        "a;to-tag=1;from-tag=",
        "<sip:a@b>;",
    ]

    @given(WIRE_TEXT, st.sampled_from(starts))
    def test_nothingButParseError(self, text: str, start: str) -> None:
        for cls in CLASSES:
            try:
                value = cls.parse(start + text)
            except ParseError:
                continue
            self.assertEqual(cls.parse(str(value)), value)
            for name in dir(value):
                getattr(value, name)

    @given(st.lists(WIRE_TEXT, max_size=3), st.sampled_from(sorted(CANONICAL)))
    def test_everyHeader(self, values: list[str], name: str) -> None:
        try:
            parseField(name, values)
        except ParseError:
            pass

    @given(QUOTABLE, QUOTABLE, st.integers(0, 2**31 - 1))
    def test_roundTrip(self, a: str, b: str, number: int) -> None:
        values: list[Any] = [
            Via("TCP", "h", 1, {"x": a, "branch": b}),
            MediaType("a", "b", {"x": a, "type": b}),
            Disposition("a", {"x": a}),
            EventField("a", a, {"x": b}),
            SubscriptionState("active", a.lower(), number, None, {"x": b}),
            SessionExpires(number, "uas", {"x": a}),
            MinSE(number, {"x": a}),
            RetryAfter(number, number, None, {"x": a}),
            Reason("SIP", number, a, {"x": b}),
            Warning(number % 1000, "h", a),
            Challenge("Digest", {"realm": a, "algorithm": b}),
            AuthorizationField("Digest", {"username": a, "nc": b}),
            AuthenticationInfo({"nextnonce": a, "qop": b}),
            CSeq(number, "A"),
            RAck(number, number, "A"),
        ]
        for value in values:
            self.assertEqual(type(value).parse(str(value)), value)

    def test_longInput(self) -> None:
        for piece in [
            '"',
            "\\",
            '\\"',
            ",",
            ";",
            " ",
            "(",
            ")",
            "()",
            "\\(",
            "a=b,",
            ";a=b",
            "0",
            "a/",
            ".",
            "a ",
            "\t",
        ]:
            text = piece * (65536 // len(piece))
            for start in self.starts:
                for cls in CLASSES:
                    try:
                        cls.parse(start + text)
                    except ParseError:
                        pass
