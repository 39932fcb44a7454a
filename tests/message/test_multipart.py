"""
Multipart bodies (RFC 2046 section 5.1, RFC 5621).
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message import multipart
from twisted_sipdialog.message.multipart import Part, buildMultipart, findBody, parseMultipart

MIXED = "multipart/mixed;boundary=b"
SDP = Part((("Content-Type", "application/sdp"),), b"v=0\r\n")


def typed(contentType: str, body: bytes = b"?", **headers: str) -> Part:
    return Part((("Content-Type", contentType), *((k.replace("_", "-"), v) for k, v in headers.items())), body)


def optional(contentType: str) -> Part:
    return typed(contentType, Content_Disposition="signal;handling=optional")


class ReadingTests(SynchronousTestCase):
    def test_partsAndWhatIsAroundThem(self) -> None:
        body = (
            b"preamble\r\n--b \t\r\nContent-Type: Text/Plain;\r\n charset=utf-8\r\ncontent-id: <\r\n\r\none\r\ntwo\r\n"
            b"--bb\r\n\r\n--b\r\n\r\nno headers\r\n--b--\r\nepilogue\r\n--b\r\n"
        )
        for data in (body, body.replace(b"\r\n", b"\n")):
            first, second = parseMultipart(MIXED, data).parts
            self.assertEqual("text/plain", first.contentType)
            self.assertEqual("Text/Plain; charset=utf-8", first.header("content-type"))
            self.assertEqual("<", first.header("Content-ID"))
            self.assertEqual(b"one\r\ntwo\r\n--bb\r\n".replace(b"\r\n", data[8:].partition(b"--b")[0]), first.body)
            self.assertEqual(((), b"no headers", "text/plain"), (second.headers, second.body, second.contentType))

    def test_zeroLengthParts(self) -> None:
        for body in [b"--b\r\n\r\n--b--", b"--b\r\n--b--", b"--b\r\n\r\n\r\n--b--\r\n", b"--b\n\n--b--"]:
            part = parseMultipart(MIXED, body).parts[0]
            self.assertEqual(((), b""), (part.headers, part.body), body)
        part = parseMultipart(MIXED, b"--b\r\nContent-Type: application/sdp\r\n\r\n\r\n--b--").parts[0]
        self.assertEqual(("application/sdp", b""), (part.contentType, part.body))
        part = parseMultipart(MIXED, b"--b\r\nContent-Type: application/sdp\r\n--b--").parts[0]
        self.assertEqual(("application/sdp", b""), (part.contentType, part.body))

    def test_nested(self) -> None:
        inner = buildMultipart([SDP, typed("text/plain")], "c2")
        outer = buildMultipart([typed("multipart/alternative;boundary=c2", inner), typed("a/b")], "b")
        nested, last = parseMultipart(MIXED, outer).parts
        self.assertEqual(["application/sdp", "text/plain"], [part.contentType for part in nested.parts])
        self.assertEqual(("a/b", ()), (last.contentType, last.parts))
        self.assertEqual(inner, nested.body)

    def test_whatIsNone(self) -> None:
        """B9."""
        good = b"--b\r\n\r\nx\r\n--b--"
        for contentType, body in [
            ("multipart/mixed", good),
            ("multipart/mixed;boundary", good),
            ('multipart/mixed;boundary=""', good),
            ('multipart/mixed;boundary="b "', good),
            ("multipart/mixed;boundary=" + "b" * 71, good),
            ('multipart/mixed;boundary="b\r"', good),
            ("multipart/mixed;boundary=b;boundary=c", good),
            ("text/plain;boundary=b", good),
            (MIXED, b""),
            (MIXED, b"--b--"),
            (MIXED, b"no boundary here"),
            (MIXED, good[:-2]),
            (MIXED, b"x--b\r\n\r\n--b--"),
            (MIXED, b"--b\r\nnot a header\r\n\r\nx\r\n--b--"),
            (MIXED, b"--b\r\nbad name: x\r\n\r\nx\r\n--b--"),
            (MIXED, b"--b\r\nA: b\rc\r\n\r\nx\r\n--b--"),
            (MIXED, b"--b\r\nA: b\0\r\n\r\nx\r\n--b--"),
            (MIXED, b"--b\r\nContent-Type: multipart/mixed\r\n\r\nx\r\n--b--"),
            (MIXED, b"--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n--c\r\n\r\n\r\n--b--"),
        ]:
            error = self.assertRaises(ParseError, parseMultipart, contentType, body)
            self.assertEqual(400, error.statusCode, (contentType, body))

    def test_limits(self) -> None:
        self.assertEqual(
            413, self.assertRaises(ParseError, parseMultipart, MIXED, b"x" * (multipart.MAX_LENGTH + 1)).statusCode
        )
        for bad in [
            b"--b\r\n\r\n" * (multipart.MAX_PARTS + 1) + b"--b--",
            b"--b\r\n" + b"A: b\r\n" * (multipart.MAX_HEADERS + 1) + b"\r\n--b--",
            b"--b\r\nA: " + b"x" * multipart.MAX_HEADER_LENGTH + b"\r\n\r\n--b--",
        ]:
            self.assertRaises(ParseError, parseMultipart, MIXED, bad)
        self.assertEqual(
            multipart.MAX_PARTS, len(parseMultipart(MIXED, b"--b\r\n\r\n" * multipart.MAX_PARTS + b"--b--").parts)
        )

    def nest(self, depth: int) -> bytes:
        body = b"x"
        for level in reversed(range(depth)):
            kind = f"multipart/mixed;boundary=n{level + 1}" if level < depth - 1 else "text/plain"
            body = buildMultipart([typed(kind, body)], f"n{level}")
        return body

    def test_depth(self) -> None:
        outermost = "multipart/mixed;boundary=n0"
        parseMultipart(outermost, self.nest(multipart.MAX_DEPTH))
        self.assertRaises(ParseError, parseMultipart, outermost, self.nest(multipart.MAX_DEPTH + 1))

    def test_partsOfNestedOnesCount(self) -> None:
        inner = b"--c\r\n\r\n" * 40 + b"--c--"
        part = b"--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n" + inner + b"\r\n"
        parseMultipart(MIXED, part + b"--b--")
        self.assertRaises(ParseError, parseMultipart, MIXED, part * 2 + b"--b--")

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                [
                    b"--b",
                    b"--b--",
                    b"--c",
                    b"--c--",
                    b"\r\n",
                    b"\n",
                    b"\r",
                    b"Content-Type: multipart/mixed;boundary=c",
                    b"x: y",
                    b" ",
                    b"Content-Type: application/sdp",
                    b"Content-ID: <",
                    b"Content-Disposition: ;",
                    b"\xff",
                    b"--",
                ]
            ),
            max_size=30,
        )
    )
    def test_nothingElseIsRaised(self, pieces: list[bytes]) -> None:
        try:
            findBody(MIXED, b"".join(pieces))
        except ParseError:
            pass

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
    def test_whatIsBuiltIsReadBack(self, bodies: list[bytes]) -> None:
        parts = [typed("application/octet-stream", body.replace(b"--b", b"")) for body in bodies]
        self.assertEqual(tuple(parts), parseMultipart(MIXED, buildMultipart(parts, "b")).parts)


class BuildingTests(SynchronousTestCase):
    def test_bytes(self) -> None:
        self.assertEqual(
            b"--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b\r\n\r\n\r\n--b--\r\n",
            buildMultipart([SDP, Part((), b"")], "b"),
        )

    def test_nothingBreaksOut(self) -> None:
        for parts, boundary in [
            ([], "b"), ([SDP], ""), ([SDP], "b "), ([SDP], "b\r\n"), ([SDP], "é"), ([typed("a/b", b"x--bc")], "b"),
            ([typed("a/b\r\nX: y")], "b"), ([Part((("X y", "z"),), b"")], "b"),
        ]:  # fmt: skip
            self.assertRaises(InvalidValue, buildMultipart, parts, boundary)


class FindingTests(SynchronousTestCase):
    def find(self, kind: str, *parts: Part) -> bytes | None:
        return findBody(f"multipart/{kind};boundary=b", buildMultipart(parts, "b"))

    def test_plain(self) -> None:
        for contentType, found in [
            ("application/sdp", b"x"), ("Application/SDP ; charset=x", b"x"), ("application / sdp", b"x"),
            ("text/plain", None), (None, None), ("", None), ("application/sdpx", None), ("multipart", None),
        ]:  # fmt: skip
            self.assertEqual(found, findBody(contentType, b"x"), contentType)

    def test_mixed(self) -> None:
        for kind in ("mixed", "x-unknown"):
            self.assertEqual(b"v=0\r\n", self.find(kind, optional("application/isup"), SDP, typed("application/sdp")))

    def test_requiredPartWeDoNotUnderstand(self) -> None:
        """RFC 3261 section 20.11: required unless it says otherwise; RFC 5621 section 8: 415."""
        for part in [
            typed("application/isup"),
            typed("application/isup", Content_Disposition="signal;handling=required"),
            typed("application/isup", Content_Disposition="signal"),
            typed("application/isup", Content_Disposition="signal;;"),
            typed("application/sdp", Content_Disposition="early-session"),
        ]:
            error = self.assertRaises(ParseError, self.find, "mixed", SDP, part)
            self.assertEqual(415, error.statusCode, part)

    def test_earlySessionIsNotTheSession(self) -> None:
        early = typed("application/sdp", b"early", Content_Disposition="early-session;handling=optional")
        self.assertEqual(b"v=0\r\n", self.find("mixed", early, SDP))
        self.assertIsNone(self.find("mixed", early))

    def test_alternativeIsTheLastThatIsUnderstood(self) -> None:
        self.assertEqual(
            b"2",
            self.find(
                "alternative",
                typed("application/sdp", b"1"),
                typed("application/sdp", b"2"),
                typed("application/sdpng"),
            ),
        )
        self.assertIsNone(self.find("alternative", typed("text/plain")))

    def test_relatedIsItsRoot(self) -> None:
        image = typed("image/png", Content_ID="<i>")
        self.assertEqual(b"v=0\r\n", self.find("related", SDP, image))
        self.assertIsNone(self.find("related", image, SDP))
        named = typed("application/sdp", b"named", Content_ID="<s>")
        self.assertEqual(b"named", self.find('related;start="<s>"', SDP, image, named))
        self.assertEqual(b"v=0\r\n", self.find('related;start="<t>"', SDP, image))

    def test_nested(self) -> None:
        inner = buildMultipart([typed("text/html"), SDP], "c")
        self.assertEqual(b"v=0\r\n", self.find("mixed", typed("multipart/alternative;boundary=c", inner)))
        refusing = typed("multipart/mixed;boundary=c", inner)
        self.assertEqual(415, self.assertRaises(ParseError, self.find, "mixed", SDP, refusing).statusCode)
        ignored = Part((*refusing.headers, ("Content-Disposition", "render;handling=optional")), inner)
        self.assertEqual(b"v=0\r\n", self.find("mixed", SDP, ignored))

    def test_rfc4475(self) -> None:
        folder = os.environ.get("SIPUA_TORTURE_DIR")
        if not folder:
            raise SkipTest("SIPUA_TORTURE_DIR is not set")
        body = Path(folder, "rfc4475", "mpart01.dat").read_bytes().partition(b"\r\n\r\n")[2]
        contentType = "multipart/mixed;boundary=7a9cbec02ceef655"
        text, binary = parseMultipart(contentType, body).parts
        self.assertEqual(("text/plain", b"Hello"), (text.contentType, text.body))
        self.assertEqual(("application/octet-stream", b"\x30\x82"), (binary.contentType, binary.body[:2]))
        self.assertEqual(415, self.assertRaises(ParseError, findBody, contentType, body).statusCode)
