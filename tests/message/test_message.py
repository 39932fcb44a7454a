"""
Requests and responses: RFC 3261 sections 7 and 8.2.6.
"""

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.case import message
from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message import Request, Response, parseMessage
from twisted_sipdialog.message.parser import Limits

LINES = [
    ("Via", "SIP/2.0/UDP a.example;branch=z9hG4bK1"),
    ("From", "<sip:a@a.example>;tag=1"),
    ("To", "<sip:b@b.example>"),
    ("Call-ID", "c1"),
    ("CSeq", "4 INVITE"),
]


def parsed(data: bytes) -> Request:
    found = parseMessage(data)
    assert isinstance(found, Request)
    return found


class WriteTests(SynchronousTestCase):
    def test_request(self):
        """
        Section 7.1: request line, headers in their order, an empty line, the body, and its length.
        """
        request = Request("INVITE", "sip:b@b.example", LINES, b"body")
        text = "".join([f"{name}: {value}\r\n" for name, value in LINES])
        self.assertEqual(
            request.toBytes(), f"INVITE sip:b@b.example SIP/2.0\r\n{text}Content-Length: 4\r\n\r\nbody".encode()
        )
        self.assertEqual((request.cseqNumber, request.callId, request.fromTag, request.toTag), (4, "c1", "1", ""))
        self.assertEqual(parsed(request.toBytes()).headers, request.headers)

    def test_response(self):
        """
        Section 7.2: status line; the registered phrase unless another is given.
        """
        for code, phrase, line in (
            (200, None, "200 OK"),
            (486, None, "486 Busy Here"),
            (699, "\u043d\u0435\u0442", "699 \u043d\u0435\u0442"),
            (180, "", "180 "),
        ):
            data = Response(code, phrase, LINES).toBytes()
            self.assertTrue(data.startswith(f"SIP/2.0 {line}\r\nVia: ".encode()), data)
            again = parseMessage(data)
            assert isinstance(again, Response)
            self.assertEqual((again.statusCode, f"{again.statusCode} {again.reasonPhrase}"), (code, line))

    def test_wrongUse(self):
        """
        Sections 7.1 and 7.2: what cannot be written is refused.
        """
        for method in ("", "IN VITE", "INVITE\r\n", "\u0130NVITE", "a:b"):
            self.assertRaises(InvalidValue, Request, method, "sip:b")
        for uri in ("", "sip:b c", "sip:b\r\nX: y", "sip:b\t", "sip:\x7f", "sip:\0"):
            self.assertRaises(InvalidValue, Request, "INVITE", uri)
        for code in (99, 700, 0, -200):
            self.assertRaises(InvalidValue, Response, code)

    def test_changedAfterwards(self):
        """
        Section 7: what is changed after a message was written, or received, is in what is written next.
        """
        for request in (Request("INVITE", "sip:b", LINES), parsed(Request("INVITE", "sip:b", LINES).toBytes())):
            before = request.toBytes()
            self.assertIs(request.toBytes(), before)
            request.headers.add("X", "y")
            self.assertIn(b"\r\nX: y\r\n", request.toBytes())

    def test_shrinkWithManyHeaders(self):
        """
        What was let in by a wider limit can be read again.
        """
        data = message(extra="".join(f"X-{n}: y\r\n" for n in range(300)))
        request = parseMessage(data, Limits(headerCount=400))
        request.shrink()
        self.assertEqual(request.headers.get("X-299"), "y")

    def test_shrink(self):
        """
        A message that forgot what can be read again says the same as before.
        """
        for request in (
            Request("INVITE", "sip:b", LINES, b"x"),
            parsed(b"\r\n" + message("INVITE", b"x", extra="X:\r\n y\r\n")),
        ):
            before = (
                request.toBytes(),
                list(request.headers),
                request.callId,
                request.fromTag,
                request.via.branch,
                request.body,
            )
            request.shrink()
            after = (
                request.toBytes(),
                list(request.headers),
                request.callId,
                request.fromTag,
                request.via.branch,
                request.body,
            )
            self.assertEqual(before, after)
            self.assertEqual(request.response(200).toBytes()[:15], b"SIP/2.0 200 OK\r")


class ReadTests(SynchronousTestCase):
    def test_tags(self):
        """
        Section 19.3: the tag is a parameter of the header, not of the URI, nor of the display name.
        """
        for value, tag in (
            ("<sip:b@b.example>", ""),
            ("<sip:b@b.example>;tag=2", "2"),
            ("<sip:b@b.example> ; x=y ; TAG = 2", "2"),
            ("<sip:b@b.example;tag=1>", ""),
            ("<sip:b@b.example;tag=1>;tag=2", "2"),
            ('";tag=1" <sip:b@b.example>', ""),
            ('"a\\";tag=1" <sip:b@b.example>;x=";tag=3";tag=2', "2"),
            ("sip:b@b.example;tag=2", "2"),
            ("<sip:b@b.example>;tag=a/b=c", "a/b=c"),
        ):
            request = parsed(message(to=value))
            self.assertEqual((request.toTag, request.to.tag or ""), (tag, tag), value)

    def test_contacts(self):
        """
        Section 20.10: over all lines; none for C{*}.
        """
        request = parsed(message("REGISTER", contact="<sip:a@b>, sip:c@d;q=1", extra="m: <sip:e@f>\r\n"))
        self.assertEqual([contact.uri.user for contact in request.contacts], ["a", "c", "e"])
        self.assertEqual(parsed(message("REGISTER", contact="*")).contacts, [])
        self.assertEqual(parsed(message("REGISTER")).contacts, [])
        self.assertRaises(ParseError, lambda: parsed(message("REGISTER", contact="%")).contacts)

    def test_uri(self):
        """
        Section 7.1: the Request-URI, typed when asked for.
        """
        self.assertEqual(parsed(message(start="OPTIONS sips:a@b;x SIP/2.0")).uri.scheme, "sips")
        self.assertRaises(ParseError, lambda: parsed(message(start="OPTIONS <sip:a@b> SIP/2.0")).uri)


class AnswerTests(SynchronousTestCase):
    def test_echo(self):
        """
        Section 8.2.6.2: Via lines all and in their order, From, To, Call-ID, CSeq as they came.
        """
        from_ = '"A\u00e9" <sip:a@a.example> ; tag = 1'
        request = parsed(message(**{"from": from_}, extra="v: SIP/2.0/TCP b.example, SIP/2.0/TLS c.example\r\n"))
        response = parseMessage(request.response(200, toTag="9").toBytes())
        self.assertEqual(response.headers.getAll("via"), request.headers.getAll("via"))
        for name in ("from", "call-id", "cseq"):
            self.assertEqual(response.headers.getAll(name), request.headers.getAll(name))
        self.assertEqual(response.headers.getAll("to"), ["<sip:desk@b.example>;tag=9"])
        self.assertEqual((response.cseqNumber, response.cseqMethod, response.toTag), (1, "OPTIONS", "9"))

    def test_toTag(self):
        """
        Section 8.2.6.2: a To that has a tag keeps it.
        """
        request = parsed(message(to="<sip:b@b.example>;tag=7"))
        self.assertEqual(
            parseMessage(request.response(200, toTag="9").toBytes()).headers.get("to"), "<sip:b@b.example>;tag=7"
        )
        self.assertEqual(parsed(message()).response(200).headers.get("to"), "<sip:desk@b.example>")

    def test_stamp(self):
        """
        Section 18.2.1: what the transport wrote into the topmost Via goes back, the others as they came.
        """
        for extra, via in (
            ("Via: SIP/2.0/UDP b.example\r\n", "SIP/2.0/UDP a.example"),
            ("", "SIP/2.0/UDP a.example, SIP/2.0/UDP b.example"),
        ):
            request = parsed(message(via=via, extra=extra))
            request.stampVia("SIP/2.0/UDP a.example;received=192.0.2.9")
            self.assertEqual(request.via.received, "192.0.2.9")
            response = parseMessage(request.response(200).toBytes())
            self.assertEqual([each.host for each in response.headers.typed("via")], ["a.example", "b.example"])
            self.assertEqual(response.via.received, "192.0.2.9")

    def test_timestamp(self):
        """
        Section 8.2.6.1: a 100 repeats the Timestamp.
        """
        request = parsed(message("INVITE", extra="Timestamp: 54\r\n"))
        self.assertEqual(request.response(100).headers.get("timestamp"), "54")
        self.assertEqual(request.response(200).headers.get("timestamp"), None)

    def test_recordRoute(self):
        """
        Section 12.1.1: what makes a dialog repeats Record-Route; what refuses one, or makes none, does not.
        """
        extra = "Record-Route: <sip:p2;lr>\r\nRecord-Route: <sip:p1;lr>, <sip:p0;lr>\r\n"
        for method, code, repeated in (
            ("INVITE", 180, True),
            ("INVITE", 200, True),
            ("INVITE", 100, False),
            ("INVITE", 486, False),
            ("SUBSCRIBE", 200, True),
            ("OPTIONS", 200, False),
        ):
            found = parsed(message(method, extra=extra)).response(code, toTag="9").headers.getAll("record-route")
            self.assertEqual(found, ["<sip:p2;lr>", "<sip:p1;lr>, <sip:p0;lr>"] if repeated else [], f"{method} {code}")

    def test_extras(self):
        """
        Section 8.2.6: further headers, a phrase, a body with its type and length.
        """
        response = parsed(message()).response(200, "Fine", "9", [("Allow", "A"), ("Allow", "B")], b"xy", "text/plain")
        again = parseMessage(response.toBytes())
        assert isinstance(again, Response)
        self.assertEqual((again.reasonPhrase, again.body, again.headers.getAll("allow")), ("Fine", b"xy", ["A", "B"]))
        self.assertEqual((again.headers.get("content-type"), again.headers.get("content-length")), ("text/plain", "2"))
        self.assertEqual(parsed(message()).response(404).toBytes().count(b"Content-Length: 0\r\n"), 1)

    def test_second(self):
        """
        Section 8.2.6.2: each answer has the tag it is given.
        """
        request = parsed(message())
        self.assertEqual(
            [request.response(code, toTag=tag).toTag for code, tag in ((100, ""), (180, "1"), (200, "1"), (200, "2"))],
            ["", "1", "1", "2"],
        )
