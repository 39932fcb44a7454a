"""
The datagram parser: what RFC 3261 sections 7, 8.1.1 and 18.3 ask of a message, and what answers the rest.
"""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.case import message
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Request, Response, parseMessage
from twisted_sipdialog.message.parser import Limits

OK = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 7 INVITE\r\n\r\n"
)


class ParserCase(SynchronousTestCase):
    def refused(self, data: bytes, statusCode: int | None, limits: Limits = Limits()) -> ParseError:  # noqa: B008
        """It is refused with that status, and can be answered if there is one."""
        error = self.assertRaises(ParseError, parseMessage, data, limits)
        self.assertEqual(
            (error.statusCode, error.request is None), (statusCode, statusCode is None), f"{error}: {data!r}"
        )
        if error.request is not None:
            answer = error.request.response(statusCode or 400, toTag="t").toBytes()
            self.assertTrue(answer.startswith(b"SIP/2.0 %d " % (statusCode or 0)), answer)
            self.assertIn(b"\r\nVia: SIP/", answer)
        return error


class RequestTests(ParserCase):
    def test_request(self):
        """
        Section 7.1: method, Request-URI, headers, body.
        """
        data = message("MESSAGE", b"hello\r\n")
        request = parseMessage(data)
        assert isinstance(request, Request)
        self.assertEqual(
            (request.method, request.uriText, request.body), ("MESSAGE", "sip:desk@b.example", b"hello\r\n")
        )
        self.assertEqual((request.cseqNumber, request.cseqMethod, request.callId), (1, "MESSAGE", "raw-1"))
        self.assertEqual((request.fromTag, request.toTag, request.via.branch), ("f1", "", "z9hG4bK-1"))
        self.assertEqual(request.toBytes(), data)

    def test_emptyLinesBefore(self):
        """
        Section 7.5: line ends before the start line are ignored.
        """
        for before in (b"\r\n", b"\r\n\r\n\r\n"):
            request = parseMessage(before + message())
            self.assertEqual(request.toBytes().strip(b"\r\n"), message().strip(b"\r\n"))
            self.assertEqual(request.headers.get("call-id"), "raw-1")

    def test_requestLine(self):
        """
        Section 7.1: exactly one SP between exactly three words.
        """
        uri = "sip:a@b.example"
        for start in (
            f"OPTIONS  {uri} SIP/2.0",
            f"OPTIONS {uri}  SIP/2.0",
            f"OPTIONS {uri} SIP/2.0 ",
            f"OPTIONS {uri}",
            f"OPTIONS {uri} ",
            "OPTIONS",
            "OPTIONS ",
            "OPTIONS SIP/2.0",
            "OPTIONS  SIP/2.0",
            f"OPTIONS {uri} lr SIP/2.0",
            f"OPTIONS {uri} HTTP/1.1",
            f"OPTIONS {uri} SIP/2,0",
            f"OPTIONS {uri} SIP/",
            f"OPTIONS {uri}\tSIP/2.0",
        ):
            self.refused(message(start=start), 400)
        for start in (f"OPT\u0130ONS {uri} SIP/2.0", f"OPTIONS, {uri} SIP/2.0", f"\udcff {uri} SIP/2.0"):
            self.refused(message(start=start), 400)
        for start in (f" OPTIONS {uri} SIP/2.0", f"OPTIONS\t{uri} SIP/2.0", f"\udcff {uri}"):
            self.refused(message(start=start), None)

    def test_version(self):
        """
        Sections 7.1 and 21.5.6: the version compares without case; another one is 505.
        """
        self.assertIsInstance(parseMessage(message(start="OPTIONS sip:a@b sip/2.0")), Request)
        for version in ("SIP/1.0", "SIP/3.0", "sip/2.1", "SIP/7", "SIP/20.0"):
            self.refused(message(start=f"OPTIONS sip:a@b {version}"), 505)
        for version in ("\u017fIP/2.0", "SIP/\u0662.0", "SIP/\uff13.0"):
            self.refused(message(start=f"OPTIONS sip:a@b {version}"), 400)

    def test_mandatory(self):
        """
        Sections 8.1.1 and 20: From, To, Call-ID, CSeq, once and not empty; a Via, to have whom to answer.
        """
        for name in ("from", "to", "call_id", "cseq"):
            for value in (None, "", "  "):
                error = self.refused(message(**{name: value}), 400)
                assert error.request is not None
                self.assertEqual(error.request.viaText, "SIP/2.0/UDP raw.example;branch=z9hG4bK-1")
        for line in ("f: <sip:a@b>;tag=1", "TO: <sip:a@b>", "i: 2", "CSeq: 1 OPTIONS"):
            answer = self.refused(message(extra=f"{line}\r\n"), 400).request
            assert answer is not None
            for name in ("from", "to", "call-id", "cseq"):
                self.assertEqual(len(answer.headers.getAll(name)), 1, f"{name} twice in the answer")
        for value in (None, "", " "):
            self.refused(message(via=value), None)

    def test_via(self):
        """
        Section 18.2.2: a Via that names nobody is not answered; one whose rest is malformed is, with what it said.
        """
        for via in ("x", "SIP/2.0/UDP", "SIP/2.0/UDP ;branch=1", "SIP/2.0/UDP a:x", ", SIP/2.0/UDP a"):
            self.refused(message(via=via), None)
        for via, expected in (
            ("SIP/2.0/UDP a.example:5070;branch=z9hG4bK7;;", "SIP/2.0/UDP a.example:5070;branch=z9hG4bK7"),
            ("SIP/2.0/UDP a.example;;,;,,", "SIP/2.0/UDP a.example"),
            ('SIP/2.0/UDP a.example;branch="a b";;', "SIP/2.0/UDP a.example"),
        ):
            error = self.refused(message(via=via), 400)
            assert error.request is not None
            self.assertEqual(error.request.viaText, expected)
            self.assertIn(f"Via: {expected}\r\n".encode(), error.request.response(400).toBytes())

    def test_cseq(self):
        """
        Sections 8.1.1.5 and 20.16: a number below 2**31 in digits, and the method of the request.
        """
        for text, number in (("0", 0), ("00017", 17), ("2147483647", 2**31 - 1)):
            self.assertEqual(parseMessage(message(cseq=f"{text} OPTIONS")).cseqNumber, number)
        self.assertEqual(parseMessage(message(cseq="1 \t OPTIONS")).cseqNumber, 1)
        for text in ("2147483648", "-1", "+1", "1_0", "\u0661", "1.0", "", "0x1", "9" * 5_000):
            self.refused(message(cseq=f"{text} OPTIONS"), 400)
        for text in ("1", "1 INVITE", "1 options", "1 OPTIONS x", "OPTIONS 1"):
            self.refused(message(cseq=text), 400)

    def test_unknownMethod(self):
        """
        Section 7.1: any token is a method, with its case.
        """
        for method in ("FOO", "invite", "a-.!%*_+`'~1"):
            request = parseMessage(message(method))
            assert isinstance(request, Request)
            self.assertEqual(request.method, method)

    def test_ack(self):
        """
        Section 17.1: an ACK is never answered, however malformed.
        """
        for data in (
            message("ACK", to=None),
            message("ACK", content_length="9"),
            message("ACK", cseq="1 INVITE"),
            message("ACK", via=";"),
        ):
            self.refused(data, None)

    def test_notUtf8(self):
        """
        Section 7.3.1: bytes that are no UTF-8 go back out as they came in.
        """
        data = message(extra="Subject: \udcff\udcfe\r\n")
        self.assertIn(b"\xff\xfe", data)
        request = parseMessage(data)
        request.headers.add("X", "y")
        self.assertIn(b"Subject: \xff\xfe\r\n", request.toBytes())

    def test_noEnd(self):
        """
        Section 7: an empty line ends the headers.
        """
        self.refused(message()[:-2], 400)
        self.refused(message().replace(b"\r\n", b"\n"), None)
        for data in (b"x", b"\r\n", b"SIP/2.0", b"\xff" * 100):
            self.refused(data, None)


class BodyTests(ParserCase):
    def test_contentLength(self):
        """
        Section 18.3: over UDP bytes beyond Content-Length are dropped, missing ones are an error, and without it the
        body goes on to the end.
        """
        data = message("MESSAGE", b"0123456789")
        for length, body in (
            ("4", b"0123"),
            ("0", b""),
            ("10", b"0123456789"),
            ("0004", b"0123"),
            ("0" * 30 + "4", b"0123"),
            (None, b"0123456789"),
        ):
            request = parseMessage(message("MESSAGE", b"0123456789", content_length=length))
            self.assertEqual(request.body, body, length)
            self.assertTrue(request.toBytes().endswith(b"\r\n\r\n" + body))
        self.refused(message("MESSAGE", b"0123456789", content_length="11"), 400)
        self.refused(data[:-1], 400)

    def test_notANumber(self):
        """
        Section 25.1: digits, nothing else; section 21.4.11: more than there may be is 413, however much.
        """
        for text in ("-1", "+1", "1_0", " 1 0", "\uff11", "0x1", "1e1", "", "1,1", "a"):
            error = self.refused(message(content_length=text), 400)
            self.assertTrue(error.fatal, text)
        for text in ("60001", str(2**31), str(2**32), str(2**64), "9" * 5_000):
            self.assertTrue(self.refused(message(content_length=text), 413).fatal, text)

    def test_twice(self):
        """
        Section 20.14: once, be it the same.
        """
        for line in ("Content-Length: 0", "l: 5"):
            self.assertTrue(self.refused(message(extra=f"{line}\r\n"), 400).fatal)


class ResponseTests(ParserCase):
    def test_response(self):
        """
        Section 7.2: the phrase is any text, and may be empty.
        """
        for line, code, phrase in (
            (b"SIP/2.0 200 OK", 200, "OK"),
            (b"SIP/2.0 100 ", 100, ""),
            (b"SIP/2.0 100", 100, ""),
            (b"sip/2.0 699 a  b\t", 699, "a  b\t"),
            (b"SIP/2.0 404 \xd0\xbd\xff", 404, "\u043d\udcff"),
        ):
            response = parseMessage(OK.replace(b"SIP/2.0 200 OK", line))
            assert isinstance(response, Response)
            self.assertEqual((response.statusCode, response.reasonPhrase), (code, phrase))
            self.assertEqual((response.cseqNumber, response.cseqMethod, response.toTag), (7, "INVITE", "2"))

    def test_malformed(self):
        """
        Section 8.1.3: a response is dropped, never answered.
        """
        for rest in ("", "20 OK", "2000 OK", "700 OK", "099 OK", " 200 OK", "\uff12\uff10\uff10 OK", "4294967301 OK"):
            self.refused(OK.replace(b"SIP/2.0 200 OK", f"SIP/2.0 {rest}".encode()), None)
        self.refused(OK.replace(b"SIP/2.0", b"SIP/3.0", 1), None)
        for header in (b"Via", b"From", b"To", b"Call-ID", b"CSeq"):
            self.refused(OK.replace(header + b":", b"X-Other:"), None)
        self.refused(OK.replace(b"CSeq: 7", b"CSeq: 9292394834772304023312"), None)
        self.refused(OK.replace(b"Call-ID: 1", b"Call-ID: 1\r\nContent-Length: 5"), None)


class LimitTests(ParserCase):
    def test_limits(self):
        """
        Sections 21.5.14, 21.4.12 and 21.4.11: each limit holds exactly.
        """
        length = len(message(extra="X: \r\n"))
        for limits, fits, expected in (
            (Limits(message=length + 100), 100, 513),
            (Limits(headers=length + 96), 100, 513),
            (Limits(headerLine=103), 100, 513),
        ):
            self.assertIsInstance(parseMessage(message(extra=f"X: {'y' * fits}\r\n"), limits), Request)
            self.refused(message(extra=f"X: {'y' * (fits + 1)}\r\n"), expected, limits)
        self.assertIsInstance(parseMessage(message(extra="X: y\r\n" * 3), Limits(headerCount=10)), Request)
        self.refused(message(extra="X: y\r\n" * 4), 513, Limits(headerCount=10))
        self.assertIsInstance(parseMessage(message(), Limits(uri=18)), Request)
        self.refused(message(), 414, Limits(uri=17))
        self.assertIsInstance(parseMessage(message("MESSAGE", b"12345"), Limits(body=5)), Request)
        self.refused(message("MESSAGE", b"123456"), 413, Limits(body=5))

    def test_answersStaySmall(self):
        """
        Section 8.2.7: what answers a message that is too large does not repeat what made it so.
        """
        for data in (message(call_id="c" * 40_000), message(to=f"<sip:{'u' * 20_000}@b>")):
            request = self.refused(data, 513).request
            assert request is not None
            self.assertTrue(len(request.response(513).toBytes()) < 500)


class PropertyTests(SynchronousTestCase):
    @given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda junk: message().replace(b"raw", junk)))
    def test_anything(self, data):
        """
        Section 7: any bytes are a message or a L{ParseError}; the message holds no byte that was not there.
        """
        try:
            found = parseMessage(data)
        except ParseError as error:
            if error.request is not None:
                error.request.response(error.statusCode or 400).toBytes()
            return
        self.assertIn(found.toBytes(), data)
