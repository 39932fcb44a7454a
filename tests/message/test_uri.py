"""URIs and their comparison (RFC 3261 section 19.1, RFC 3966, RFC 5118, RFC 5954)."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.message.cases import WIRE_TEXT
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.uri import OtherUri, SipUri, TelUri, Uri, parseUri, uriEquals


def sip(text: str) -> SipUri:
    uri = parseUri(text)
    assert isinstance(uri, SipUri), text
    return uri


class SipUriTests(SynchronousTestCase):
    def test_everyPart(self) -> None:
        uri = sip("SIPS:Alice:s3cret@Atlanta.COM:5061;Transport=TCP;lr?Subject=a%20b&to=x")
        self.assertEqual(
            uri,
            SipUri(
                "sips",
                "Alice",
                "s3cret",
                "atlanta.com",
                5061,
                {"transport": "TCP", "lr": None},
                (("Subject", "a%20b"), ("to", "x")),
            ),
        )
        self.assertEqual((uri.hostPort, uri.transport, uri.lr, uri.isSecure), ("atlanta.com:5061", "tcp", True, True))
        self.assertEqual(str(uri), "sips:Alice:s3cret@atlanta.com:5061;transport=TCP;lr?Subject=a%20b&to=x")

    def test_leastParts(self) -> None:
        uri = sip("sip:h")
        self.assertEqual(uri, SipUri("sip", None, None, "h"))
        self.assertEqual((uri.userText, uri.transport, uri.lr, uri.isSecure), (None, None, False, False))

    def test_roundTrip(self) -> None:
        """RFC 3261 section 19.1.3 and RFC 4475: written as they were read."""
        for text in [
            "sip:alice@atlanta.com",
            "sip:alice:secretword@atlanta.com;transport=tcp",
            "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:+1-212-555-1212:1234@gateway.com;user=phone",
            "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
            "sip:alice;day=tuesday@atlanta.com",
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
            "sip:sips%3Auser%40example.com@example.net",
            "sip:user;par=u%40example.net@example.com",
            "sip:null-%00-null@example.com",
            "sip:a:@b",
            "sip:*72#@b",
            "sip:b.example.",
            "sip:my_host:0",
            "sip:h:65535",
            "sip:h?a=&b=",
            "sip:[2001:db8::10]:5070;maddr=[::1]",
        ]:
            self.assertEqual(str(sip(text)), text)

    def test_escapedUser(self) -> None:
        uri = sip("sip:%75se%72%40%C3%A9@example.com")
        self.assertEqual((uri.user, uri.userText), ("%75se%72%40%C3%A9", "user@é"))

    def test_escapedParameterName(self) -> None:
        """RFC 4475 section 3.1.1.3: C{%6C%72} is C{lr}."""
        uri = sip("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31")
        self.assertTrue(uri.lr)
        self.assertEqual(uri.parameters, {"lr": None, "name": "v%61lue%25%34%31"})

    def test_ipv6(self) -> None:
        """RFC 5118: with brackets, and never three colons."""
        for text, host, port in [
            ("sip:user@[2001:DB8::10]", "2001:db8::10", None),
            ("sip:[2001:db8::10]:5070", "2001:db8::10", 5070),
            ("sip:[2001:db8::10:5070]", "2001:db8::10:5070", None),
            ("sip:user@[2001:db8::192.0.2.1]", "2001:db8::192.0.2.1", None),
            ("sip:ted@[::ffff:192.0.2.2]", "::ffff:192.0.2.2", None),
        ]:
            uri = sip(text)
            self.assertEqual((uri.host, uri.port), (host, port))
        for text in [
            "sip:2001:db8::10",
            "sip:user@[2001:db8:::192.0.2.1]",
            "sip:[]",
            "sip:[1]",
            "sip:[::1",
            "sip:::1]",
            "sip:[::1]x",
            "sip:[::g]",
            "sip:[fe80::1%25eth0]",
            "sip:[1:2:3:4:5:6:7:8:9]",
            "sip:[" + ":" * 60 + "]",
        ]:
            self.assertRaises(ParseError, parseUri, text)

    def test_malformed(self) -> None:
        for text in [
            "",
            "sip",
            "sip:",
            "sip:@h",
            "sip:a@",
            "sip:a@b@c",
            "sip:a b@c",
            " sip:a@c",
            "sip:a@c ",
            "sip:a@c\n",
            "sip:a@c\x00",
            "sip:a\t@c",
            "<sip:a@c>",
            'sip:"a"@c',
            "sip:a<b@c",
            "sip:é@c",
            "sip:a@é",
            "sip:a%@c",
            "sip:a%4@c",
            "sip:%zz@c",
            "sip:a@c;x=%",
            "sip:a@c?x=%g0",
            "sip:a@c..d",
            "sip:a@.c",
            "sip:a@c:",
            "sip:a@c:65536",
            "sip:a@c:99999",
            "sip:a@c:005060",
            "sip:a@c:5o60",
            "sip:a@c:\uff15060",
            "sip:a@c:-1",
            "sip:a@c:+5",
            "sip:a@c;",
            "sip:a@c;;lr",
            "sip:a@c;=x",
            "sip:a@c;x=",
            "sip:a@c;lr;LR",
            "sip:a@c;lr;%6cr",
            'sip:a@c;x="y"',
            "sip:a@c?",
            "sip:a@c?x",
            "sip:a@c?=x",
            "sip:a@c?x=1&",
            "sip:a@c,d",
            "sip:a@c/d",
            "*",
            "%",
            ":x",
            "1x:y",
        ]:
            error = self.assertRaises(ParseError, parseUri, text)
            self.assertEqual(error.statusCode, 400)

    def test_changed(self) -> None:
        uri = sip("sip:al%69ce:pw@H:5070;lr;transport=tcp?Replaces=a%40b%3Bto-tag%3D1")
        self.assertEqual(str(uri.withoutHeaders()), "sip:al%69ce:pw@h:5070;lr;transport=tcp")
        self.assertEqual(str(uri.bare()), "sip:al%69ce@h:5070")
        self.assertEqual(uri.aor(), "sip:alice@h:5070")
        self.assertEqual(uri.withParameters({"transport": "udp", "ob": None}).parameters["transport"], "udp")
        self.assertEqual(uri.parameters, {"lr": None, "transport": "tcp"})
        self.assertEqual((uri.header("replaces"), uri.header("x")), ("a@b;to-tag=1", None))

    def test_aorKeepsWhatMustBeEscaped(self) -> None:
        """RFC 3261 section 10.3 step 5, and 19.1.4: %40 is not @."""
        self.assertEqual(sip("sips:a%40b%2f%61;x@[::1]").aor(), "sips:a%40b%2Fa;x@[::1]")

    def test_headerIsEscaped(self) -> None:
        """RFC 3891 section 5: Replaces within a Refer-To."""
        uri = sip("sip:a@b").withHeader("Replaces", "1+2@h;to-tag=3&4;from-tag=é")
        self.assertEqual(str(uri), "sip:a@b?Replaces=1%2B2%40h%3Bto-tag%3D3%264%3Bfrom-tag%3D%C3%A9")
        self.assertEqual(sip(str(uri)).header("REPLACES"), "1+2@h;to-tag=3&4;from-tag=é")

    def test_longInput(self) -> None:
        for piece in [";", "@", ":", "%41", "a", "?", "&", ".", "[", ";a=b", "a@"]:
            for prefix in ["sip:", "sip:a@", "sip:a:", "sip:a;", "tel:", "x:", ""]:
                try:
                    parseUri(prefix + piece * (65536 // len(piece)))
                except ParseError:
                    pass


class OtherSchemeTests(SynchronousTestCase):
    def test_tel(self) -> None:
        """RFC 3966 section 3: visual separators say nothing."""
        for text, number, isGlobal in [
            ("tel:+1-201-555-0123", "+12015550123", True),
            ("TEL:+1(201)555.0123", "+12015550123", True),
            ("tel:7042;phone-context=example.com", "7042", False),
            ("tel:*a#;phone-context=+1", "*A#", False),
            ("tel:112", "112", False),
        ]:
            uri = parseUri(text)
            assert isinstance(uri, TelUri)
            self.assertEqual((uri.scheme, uri.number, uri.isGlobal), ("tel", number, isGlobal))
        self.assertEqual(str(parseUri("tel:7-0;Ext=1;x")), "tel:70;ext=1;x")

    def test_badTel(self) -> None:
        for text in [
            "tel:",
            "tel:+",
            "tel:+-",
            "tel:-",
            "tel:x",
            "tel:+1a",
            "tel:1+2",
            "tel:1;",
            "tel:1;a=%",
            "tel:1;a;A",
        ]:
            self.assertRaises(ParseError, parseUri, text)

    def test_unknown(self) -> None:
        """RFC 4475 sections 3.3.2 and 3.3.4: for the UAS to answer 416, not for the parser to refuse."""
        for text, uri in [
            ("nobodyKnowsThisScheme:totallyopaquecontent", OtherUri("nobodyknowsthisscheme", "totallyopaquecontent")),
            ("soap.beep://192.0.2.103:3002", OtherUri("soap.beep", "//192.0.2.103:3002")),
            ("isbn:2983792873", OtherUri("isbn", "2983792873")),
            ("urn:service:sos", OtherUri("urn", "service:sos")),
        ]:
            self.assertEqual(parseUri(text), uri)
            self.assertEqual(parseUri(str(uri)), uri)

    def test_badUnknown(self) -> None:
        for text in ["x:", "x: y", "x:<y>", "x:%", "x:é", 'x:"', "x y:z"]:
            self.assertRaises(ParseError, parseUri, text)


class EqualityTests(SynchronousTestCase):
    def check(self, expected: bool, *texts: str) -> None:
        for a, b in combinations(texts, 2):
            self.assertIs(uriEquals(parseUri(a), parseUri(b)), expected, f"{a} {b}")
            self.assertIs(uriEquals(parseUri(b), parseUri(a)), expected, f"{b} {a}")

    def test_rfc3261Equivalent(self) -> None:
        """The examples of section 19.1.4."""
        self.check(True, "sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp")
        self.check(True, "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5")
        self.check(True, "sip:carol@chicago.com", "sip:carol@chicago.com;security=on")
        self.check(True, "sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on")
        self.check(
            True,
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        )
        self.check(
            True,
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        )

    def test_rfc3261Different(self) -> None:
        """The examples of section 19.1.4."""
        self.check(False, "SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP")
        self.check(False, "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060")
        self.check(False, "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp")
        self.check(False, "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp")
        self.check(False, "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting")
        self.check(False, "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4")
        self.check(False, "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off")

    def test_inOneOnly(self) -> None:
        for parameter in ["user=ip", "ttl=1", "method=INVITE", "maddr=1.2.3.4", "transport=udp"]:
            self.check(False, "sip:a@b", f"sip:a@b;{parameter}")
            self.check(True, f"sip:a@b;{parameter}", f"sip:a@b;{parameter.upper()}")
        self.check(True, "sip:a@b", "sip:a@b;lr", "sip:a@b;x=1")

    def test_otherParts(self) -> None:
        self.check(False, "sip:a@b", "sips:a@b", "sip:a:p@b", "sip:a:P@b", "sip:b", "sip:a@c", "tel:1", "x:a@b")
        self.check(False, "sip:a@b?x=1", "sip:a@b?x=2", "sip:a@b?x=1&x=1")
        self.check(True, "sip:a@b?X=1", "sip:a@b?x=%31")

    def test_reservedCharactersKeepTheirEscapes(self) -> None:
        self.check(False, "sip:a%3Bb@c", "sip:a;b@c")
        self.check(True, "sip:a%3Bb@c", "sip:a%3bb@c")
        self.check(True, "sip:%2d@c", "sip:-@c")
        self.check(False, "sip:%2561@c", "sip:%61@c")

    def test_ipv6ByValue(self) -> None:
        """RFC 5954 section 4.2."""
        self.check(True, "sip:bob@[::ffff:192.0.2.128]", "sip:bob@[::ffff:c000:280]", "sip:bob@[0::FFFF:192.0.2.128]")
        self.check(False, "sip:[2001:db8::1]", "sip:[2001:db8::2]")

    def test_tel(self) -> None:
        """RFC 3966 section 4."""
        self.check(True, "tel:+1-201-555-0123", "tel:+12015550123", "TEL:+1(201)5550123")
        self.check(True, "tel:7042;phone-context=Example.com;ext=1-2", "tel:70-42;ext=12;phone-context=example.COM")
        self.check(True, "tel:1;phone-context=+1-2", "tel:1;phone-context=+12")
        self.check(False, "tel:+1", "tel:1", "tel:1;ext=2", "tel:1;ext=3", "tel:1;phone-context=a")

    def test_other(self) -> None:
        self.check(True, "ISBN:1", "isbn:1")
        self.check(False, "isbn:1", "isbn:2", "issn:1")


class PropertyTests(SynchronousTestCase):
    def check(self, text: str) -> None:
        try:
            uri: Uri = parseUri(text)
        except ParseError:
            return
        self.assertEqual(parseUri(str(uri)), uri)
        self.assertTrue(uriEquals(uri, parseUri(str(uri))))
        if isinstance(uri, SipUri):
            self.assertEqual(sip(str(uri.bare())).userText, uri.userText)
            self.assertEqual(sip(uri.aor()).aor(), uri.aor())

    @given(
        WIRE_TEXT, st.sampled_from(["", "sip:", "sips:a@b", "sip:a@b;", "sip:[", "tel:", "tel:+1;", "x:", "sip:a@b?"])
    )
    def test_nothingButParseError(self, text: str, prefix: str) -> None:
        self.check(prefix + text)

    @given(st.text("abA1%40.-;=:@?&[]/+$", max_size=30))
    def test_nearlyRight(self, text: str) -> None:
        self.check("sip:" + text)
