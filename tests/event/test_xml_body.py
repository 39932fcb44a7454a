"""
XML from peers, safely, and back (XML 1.0; Namespaces in XML 1.0; ROBUSTNESS B37: entity bombs).
"""

from __future__ import annotations

from time import perf_counter

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.event.cases import ATTRIBUTES, EXAMPLES, FOREIGN, LOCAL, TEXT, DocumentCase, named
from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.event.xml_body import LANGUAGE, MAX_DEPTH, MAX_ELEMENTS, MAX_LENGTH, Element, clark, legible

LAUGHS = b'<!DOCTYPE lolz [<!ENTITY lol0 "lol">%s]><lolz>&lol9;</lolz>' % b"".join(
    b'<!ENTITY lol%d "%s">' % (n, b"&lol%d;" % (n - 1) * 10) for n in range(1, 10)
)


class BombTests(DocumentCase):
    def setUp(self) -> None:
        started = perf_counter()
        self.addCleanup(lambda: self.assertLess(perf_counter() - started, 5, "refused, but slowly"))

    def test_entities(self) -> None:
        """A document type is refused where it starts, so that nothing it declares is expanded or fetched."""
        self.refuses(
            Element,
            LAUGHS,
            b'<!DOCTYPE a [<!ENTITY a "%s">]><a>%s</a>' % (b"a" * 20_000, b"&a;" * 10_000),
            b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>',
            b'<!DOCTYPE a [<!ENTITY % a SYSTEM "http://192.0.2.1/a.dtd">%a;]><a/>',
            b'<!DOCTYPE a PUBLIC "-//a//b" "http://192.0.2.1/a.dtd"><a/>',
            b"<!DOCTYPE a><a/>",
            b"<!DOCTYPE a []><a/>",
            b"<a>&a;</a>",
            b'<a b="&a;"/>',
        )

    def test_encodedEntities(self) -> None:
        """In any encoding."""
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"):
            self.refuses(Element, LAUGHS.decode().encode(encoding))

    def test_ownEntities(self) -> None:
        """Those of XML itself, and characters by number, are text."""
        self.assertEqual(Element.parse(b"<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;</a>").text, "<&>\"'AB")
        self.refuses(Element, b"<a>&#0;</a>", b"<a>&#xd800;</a>", b"<a>&#xffff;</a>")

    def test_size(self) -> None:
        """413: by default no more than 64 KiB; the bound can be another."""
        body = b"<a>%s</a>" % (b" " * (MAX_LENGTH - 7))
        Element.parse(body)
        self.refuses(Element, b" " + body, b"<a %s/>" % b" ".join(b'b%d=""' % n for n in range(10**6)), status=413)
        self.assertEqual(self.assertRaises(ParseError, Element.parse, b"<abc/>", 5).statusCode, 413)
        Element.parse(b"<abc/>", 6)

    def test_attributes(self) -> None:
        """As many attributes as the size allows; none twice."""
        element = Element.parse(b"<a %s/>" % b" ".join(b'b%d=""' % n for n in range(7_000)))
        self.assertEqual(len(element.attributes), 7_000)
        self.refuses(Element, b'<a b="" b=""/>', b'<a xmlns:c="u:x" xmlns:d="u:x" c:b="" d:b=""/>')

    def test_depth(self) -> None:
        """No more than 32 deep, however long the document may be."""
        Element.parse(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH)
        self.refuses(Element, b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1))
        deep = b"<a>" * 100_000
        for body in (deep, deep + b"</a>" * 100_000):
            self.assertEqual(self.assertRaises(ParseError, Element.parse, body, 10**7).statusCode, 400)

    def test_number(self) -> None:
        """No more than 8192 elements."""
        Element.parse(b"<a>%s</a>" % (b"<b/>" * (MAX_ELEMENTS - 1)))
        self.refuses(Element, b"<a>%s</a>" % (b"<b/>" * MAX_ELEMENTS))

    def test_truncated(self) -> None:
        """A part of a document is none."""
        body = b'<?xml version="1.0"?><a xmlns="u:x" b="c"><!-- d --><e>f&amp;g</e><![CDATA[h]]><?i j?></a>'
        Element.parse(body)
        self.refuses(Element, *(body[:end] for end in range(len(body))))

    def test_malformed(self) -> None:
        self.refuses(
            Element,
            b"", b" ", b"a", b"\0", b"<a>\0</a>", b"<a>\x01</a>", b"<a/><b/>", b"<a/>b", b"<a></b>", b"<a b=c/>",
            b"<p:a/>", b'<a p:b=""/>', b"<a>\xff</a>", b"<a>\xed\xa0\x80</a>", b'<a xmlns:p=""/>', b"<a b='<'/>",
            b'<a xmlns:p="u}v" p:b=""/>', b"\xfe\xff<a/>",
        )  # fmt: skip

    @EXAMPLES
    @given(st.binary(max_size=200))
    def test_randomBytes(self, body: bytes) -> None:
        self.survives(Element, body)
        self.survives(Element, b"<a>" + body)
        self.survives(Element, b"<" + body)

    @EXAMPLES
    @given(st.text("<>/ab:=\"'&;!?[]{}- \n", max_size=80))
    def test_randomMarkup(self, text: str) -> None:
        self.survives(Element, text.encode())


class EncodingTests(DocumentCase):
    def test_known(self) -> None:
        """UTF-8, UTF-16, ISO-8859-1 and ASCII, as the declaration or the byte order mark says."""
        for encoding, name in (("utf-8", "UTF-8"), ("utf-16", "UTF-16"), ("iso-8859-1", "ISO-8859-1")):
            body = f'<?xml version="1.0" encoding="{name}"?><a>é</a>'.encode(encoding)
            self.assertEqual(Element.parse(body).text, "é", name)
        self.assertEqual(Element.parse("<a>é</a>".encode("utf-8-sig")).text, "é")
        self.assertEqual(Element.parse("<a>é</a>".encode("utf-16")).text, "é")
        self.assertEqual(Element.parse(b'<?xml version="1.0" encoding="us-ascii"?><a>e</a>').text, "e")

    def test_others(self) -> None:
        """Nothing else is looked up."""
        for name in (b"windows-1252", b"utf-7", b"rot13", b"idna", b"punycode", b"hex", b"x", b"utf-32", b"koi8-r"):
            self.refuses(Element, b'<?xml version="1.0" encoding="%s"?><a/>' % name)


class ReadingTests(SynchronousTestCase):
    def test_namespaces(self) -> None:
        """Names are told by their namespaces, whatever the prefixes; attributes have none by default."""
        first = Element.parse(b'<a xmlns="u:x" xmlns:p="u:y" c="1" p:d="2" xml:lang="de"><p:b/></a>')
        second = Element.parse(b'<q:a xmlns:q="u:x" c="1" xmlns:r="u:y" r:d="2" xml:lang="de"><b xmlns="u:y"/></q:a>')
        expected = Element("{u:x}a", {"c": "1", "{u:y}d": "2", LANGUAGE: "de"}, (Element("{u:y}b"),))
        self.assertEqual((first, second), (expected, expected))
        self.assertEqual((expected.namespace, expected.local), ("u:x", "a"))
        self.assertEqual((Element("a").namespace, Element("a").local), ("", "a"))

    def test_whiteSpace(self) -> None:
        """White space between elements means nothing; within text it stays."""
        element = Element.parse(b"<a>\n  <b> c\n</b>\n <d> </d> e <![CDATA[f]]><!-- g -->h\n</a>")
        expected = (Element("b", {}, (" c\n",)), Element("d", {}, (" ",)), " e fh\n")
        self.assertEqual(element.content, expected)
        self.assertEqual((element.text, element.children), (" e fh\n", expected[:2]))

    def test_longText(self) -> None:
        """Text is one piece, however many the parser makes of it."""
        self.assertEqual(Element.parse(b"<a>%s</a>" % (b"b&amp;" * 9_000)).content, ("b&" * 9_000,))


class WritingTests(DocumentCase):
    def writes(self, element: Element, text: str) -> None:
        self.assertEqual(element.toBytes(), b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode() + b"\n")
        self.written(element)

    def test_prefixes(self) -> None:
        """The root's namespace is the default one; others have their usual prefixes, or numbered ones."""
        self.writes(
            Element(
                "{urn:ietf:params:xml:ns:pidf}presence",
                {"entity": "é"},
                (
                    Element("{urn:ietf:params:xml:ns:pidf:data-model}person", {LANGUAGE: "de"}),
                    Element("{urn:ietf:params:xml:ns:pidf:rpid}mood", {}, (Element("{u:x}a", {"{u:y}b": "1"}),)),
                ),
            ),
            '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" '
            'xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" xmlns:x4="u:x" xmlns:x5="u:y" entity="é">'
            '<dm:person xml:lang="de"/><rpid:mood><x4:a x5:b="1"/></rpid:mood></presence>',
        )

    def test_noNamespace(self) -> None:
        """Elements without a namespace are told from those of the default one, and attributes always."""
        self.writes(Element("a", {"b": "c"}, (Element("d"),)), '<a b="c"><d/></a>')
        self.writes(
            Element(
                "{u:x}a", {"{u:x}b": "1"}, (Element("c", {}, (Element("{u:x}d"), Element("e"))), Element("{u:x}f"))
            ),
            '<a xmlns="u:x" xmlns:x1="u:x" x1:b="1"><c xmlns=""><x1:d/><e/></c><f/></a>',
        )

    def test_length(self) -> None:
        """A namespace is written once for each prefix, however often and wherever the document comes back to it."""
        namespace = b"urn:" + b"x" * 30_000
        body = b'<p:a xmlns:p="%s">%s</p:a>' % (namespace, b'<b p:c=""><p:d><e/></p:d></b>' * 1_000)
        self.assertLess(len(Element.parse(body).toBytes()), 3 * len(body))

    def test_escapes(self) -> None:
        """What would be markup, and white space that would be read as another (XML 1.0 sections 2.11, 3.3.3)."""
        self.writes(
            Element("a", {"b": "<&\"'>\n\t\r"}, ("<&>]]>\r\n\t",)),
            '<a b="&lt;&amp;&quot;\'&gt;&#10;&#9;&#13;">&lt;&amp;&gt;]]&gt;&#13;\n\t</a>',
        )

    def test_characters(self) -> None:
        """XML 1.0 section 2.2: no controls, no surrogates; the error names the character."""
        for character in "\0\x01\x08\x0b\x0c\x0e\x1f\ud800\udcff\ufffe\uffff":
            for element in (
                Element("a", {}, (character,)),
                Element("a", {"b": character}),
                Element("a" + character),
                Element("a", {"b" + character: ""}),
                Element(clark(f"u:{character}", "a")),
                Element("a", {}, (Element(clark(f"u:{character}", "a")),)),
            ):
                error = self.assertRaises(InvalidValue, element.toBytes)
                self.assertIn(character, error.value)

    def test_names(self) -> None:
        """Nothing gets out of a name."""
        for name in ("", " ", "a b", "a>", "a/", "1", "-a", "a:b", 'a="', "a\n", "a=", "&a;", "{u:x}", "{u:x}a b"):
            self.assertRaises(InvalidValue, Element(name).toBytes)
            self.assertRaises(InvalidValue, Element("a", {name: ""}).toBytes)
        self.assertRaises(InvalidValue, Element("a", {"xmlns": "u:x"}).toBytes)
        self.written(Element('{u:"<&>}a', {'{v:"<&>}b': ""}))

    def test_xmlns(self) -> None:
        """What can be read can be written (Namespaces in XML section 5.2: C{p:xmlns} declares nothing)."""
        self.writes(Element.parse(b'<a xmlns:p="u:x" p:xmlns="u:y"/>'), '<a xmlns:x1="u:x" x1:xmlns="u:y"/>')

    def test_legible(self) -> None:
        """What a peer sent and XML cannot carry is replaced."""
        self.assertEqual(legible("a\0\udcff\tb\U0001f600"), "a\ufffd\ufffd\tb\U0001f600")

    @EXAMPLES
    @given(st.builds(Element, LOCAL | LOCAL.map(named), ATTRIBUTES, st.lists(FOREIGN, max_size=3).map(tuple)))
    def test_whatever(self, element: Element) -> None:
        """What was written is read, and written again the same."""
        self.written(element)

    @EXAMPLES
    @given(st.lists(TEXT.filter(str.strip) | FOREIGN, max_size=4))
    def test_mixed(self, pieces: list[str | Element]) -> None:
        """Text between elements stays where it is."""
        body = Element("a", {}, tuple(pieces)).toBytes()
        self.assertEqual(Element.parse(body).toBytes(), body)
