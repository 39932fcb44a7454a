"""name-addr and addr-spec (RFC 3261 sections 20.10, 20.20, 25.1; RFC 4475)."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.message.cases import QUOTABLE, WIRE_TEXT
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.address import Address, parseAddressList, parseContacts
from twisted_sipdialog.message.uri import OtherUri, parseUri


class AddressTests(SynchronousTestCase):
    def test_forms(self) -> None:
        for text, name, uri, parameters in [
            ("sip:a@b", None, "sip:a@b", {}),
            ("sip:a@b;tag=1;x", None, "sip:a@b", {"tag": "1", "x": None}),
            (" <sip:a@b;lr>\t;tag=1 ", None, "sip:a@b;lr", {"tag": "1"}),
            ("<sip:a@b?x=1,2>".replace(",", "%2C"), None, "sip:a@b?x=1%2C2", {}),
            ("caller<sip:a@b>;tag=323", "caller", "sip:a@b", {"tag": "323"}),
            ("token1~` token2'+_ token3*%!.- <sip:a@b>", "token1~` token2'+_ token3*%!.-", "sip:a@b", {}),
            ('"J Rosenberg \\\\\\""       <sip:a@b>  ;  tag = 98', 'J Rosenberg \\"', "sip:a@b", {"tag": "98"}),
            ('"Quoted string \\"\\"" <sip:a@b> ; q = 0.33', 'Quoted string ""', "sip:a@b", {"q": "0.33"}),
            ('"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:a@b>', "BEL:\x07 NUL:\x00 DEL:\x7f", "sip:a@b", {}),
            ('"<sip:x@y>;tag=no" <sip:a@b>', "<sip:x@y>;tag=no", "sip:a@b", {}),
            ('"%Z%45" <sip:a@b>', "%Z%45", "sip:a@b", {}),
            ('"" <sip:a@b>', "", "sip:a@b", {}),
            ("Jörg (home) <sip:a@b>", "Jörg (home)", "sip:a@b", {}),
            ('<sip:a@b>;+sip.instance="<urn:uuid:1>"', None, "sip:a@b", {"+sip.instance": "<urn:uuid:1>"}),
        ]:
            address = Address.parse(text)
            self.assertEqual(address, Address(parseUri(uri), name, parameters), text)
            self.assertEqual(Address.parse(str(address)), address)

    def test_otherSchemes(self) -> None:
        self.assertEqual(Address.parse("isbn:2983792873").uri, OtherUri("isbn", "2983792873"))
        self.assertEqual(Address.parse("<http://a/b?c=d;e>;purpose=icon").parameters, {"purpose": "icon"})

    def test_writtenInBrackets(self) -> None:
        """Section 20.10: only brackets tell the parameters of the URI from those of the header."""
        self.assertEqual(str(Address.parse("sip:a@b;tag=1")), "<sip:a@b>;tag=1")
        self.assertEqual(str(Address(parseUri("sip:a@b;lr"), 'Al "x"', {})), '"Al \\"x\\"" <sip:a@b;lr>')

    def test_tag(self) -> None:
        self.assertEqual([Address.parse(text).tag for text in ("<sip:a@b>;TAG=x", "sip:a@b")], ["x", None])

    def test_malformed(self) -> None:
        for text in [
            "",
            " ",
            "<>",
            "<sip:>",
            "sip:a@b?Route=%3Csip:c%3E",  # RFC 4475 regbadct
            "sip:a,b@c",
            '"Mr. J. User <sip:j.user@example.com>',  # RFC 4475 quotbal
            '"Watson, Thomas" < sip:t.watson@example.org >',  # RFC 4475 badaspec
            "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",  # RFC 4475 baddn
            "<sip:a@b",
            "sip:a@b>",
            "<<sip:a@b>>",
            "<sip:a@b>>",
            "<sip:a@b> x",
            "<sip:a@b>tag=1",
            '"a" "b" <sip:a@b>',
            '"a" b <sip:a@b>',
            'a "b" <sip:a@b>',
            '"a\\" <sip:a@b>',
            '"a" sip:a@b',
            "a sip:a@b",
            "a@b <sip:a@b>",
            "<sip:a@b>;tag=",
            "<sip:a@b>;tag=1;tag=2",
            "<sip:a@b>;",
            "<sip:a@b>, <sip:c@d>",
            "*",
            "%",
            "%zz",
            "<sip:a@b>\r\nX: y",
            '"a\nb" <sip:a@b>',
            '"a\x00" <sip:a@b>',
        ]:
            self.assertRaises(ParseError, Address.parse, text)

    @given(WIRE_TEXT, st.sampled_from(["", "<sip:a@b>", '"', "sip:a@b;", "<sip:", '<sip:a@b>;x="']))
    def test_nothingButParseError(self, text: str, prefix: str) -> None:
        try:
            address = Address.parse(prefix + text)
        except ParseError:
            return
        self.assertEqual(Address.parse(str(address)), address)

    @given(st.none() | QUOTABLE, st.dictionaries(st.sampled_from(["tag", "q", "+x"]), st.none() | QUOTABLE))
    def test_roundTrip(self, name: str | None, parameters: dict[str, str | None]) -> None:
        address = Address(parseUri("sip:a@b;lr"), name, parameters)
        self.assertEqual(Address.parse(str(address)), address)

    def test_longInput(self) -> None:
        for piece in ['"', "\\", '\\"', "<", ">", " ", "a ", ";", "<>", ";a=b"]:
            for prefix in ["", '"', "<sip:a@b>", "a", "a <"]:
                for parse in (Address.parse, lambda text: parseAddressList([text])):
                    try:
                        parse(prefix + piece * (65536 // len(piece)))
                    except ParseError:
                        pass


class ListTests(SynchronousTestCase):
    def test_acrossLines(self) -> None:
        addresses = parseAddressList(['"a, b" <sip:a@b>;q=1, sip:c@d', "<sip:e,f@g>"])
        self.assertEqual([str(address.uri) for address in addresses], ["sip:a@b", "sip:c@d", "sip:e,f@g"])
        self.assertEqual(parseAddressList([]), [])

    def test_malformed(self) -> None:
        for values in [[""], ["sip:a@b", ""], ["sip:a@b,"], [","], ["*"], ["sip:a@b, %"]]:
            self.assertRaises(ParseError, parseAddressList, values)

    def test_contactStar(self) -> None:
        """Section 10.2.2: only alone."""
        self.assertEqual(parseContacts([" * "]), "*")
        self.assertEqual(parseContacts(["sip:a@b"]), [Address.parse("sip:a@b")])
        self.assertEqual(parseContacts([]), [])
        for values in [["*, <sip:a@b>"], ["<sip:a@b>, *"], ["*", "*"], ["*", "<sip:a@b>"], ["**"], ["*;x"], [""]]:
            self.assertRaises(ParseError, parseContacts, values)
