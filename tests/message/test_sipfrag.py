"""
C{message/sipfrag} (RFC 3420).
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.sipfrag import StatusFragment


class SipfragTests(SynchronousTestCase):
    def test_statusLineAsPeersWriteIt(self) -> None:
        for body, code, reason in [
            (b"SIP/2.0 200 OK\r\n", 200, "OK"),
            (b"SIP/2.0 200 OK", 200, "OK"),
            (b"SIP/2.0 100 Trying\n", 100, "Trying"),
            (b"SIP/2.0 486 Busy Here\r\n", 486, "Busy Here"),
            (b"SIP/2.0 429 Provide Referrer Identity\r\n\r\n", 429, "Provide Referrer Identity"),
            (b"SIP/2.0 603 Declined\r\nFrom: x\r\nContact: <sip:a@b>\r\n\r\nv=0", 603, "Declined"),
            (b"SIP/2.0 180\r\n", 180, ""),
            (b"SIP/2.0 180 \r\n", 180, ""),
            (b"sip/2.0  503   Later, maybe \r\n", 503, "Later, maybe"),
            (b"\r\nSIP/2.0 200 OK\r\n", 200, "OK"),
            (b"SIP/2.0 480 Pas l\xc3\xa0\r\n", 480, "Pas là"),
            (b"SIP/2.0 480 \xff\0\r\n", 480, "\udcff"),
        ]:
            fragment = StatusFragment.parse(body)
            self.assertEqual((code, reason), (fragment.statusCode, fragment.reasonPhrase), body)

    def test_whatIsNone(self) -> None:
        for body in [
            b"", b"\r\n", b"SIP/2.0", b"SIP/2.0 ",
            b"SIP/2.0 20", b"SIP/2.0 2000 OK", b"SIP/2.0 099 x", b"SIP/2.0 700 x",
            b"SIP/2.0 2_0 OK", b"SIP/2.0 +20 OK", "SIP/2.0 ２００ OK".encode(), b"SIP/2.0 200OK", b"HTTP/1.1 200 OK",
            b"INVITE sip:a@b SIP/2.0\r\n", b"From: x\r\nSIP/2.0 200 OK\r\n", b"200 OK",
        ]:  # fmt: skip
            error = self.assertRaises(ParseError, StatusFragment.parse, body)
            self.assertEqual(400, error.statusCode, body)

    def test_alwaysEndedByCrlf(self) -> None:
        self.assertEqual(b"SIP/2.0 200 OK\r\n", StatusFragment.parse(b"SIP/2.0 200 OK").toBytes())
        self.assertEqual(b"SIP/2.0 486 Busy Here\r\n", StatusFragment(486).toBytes())
        self.assertEqual(b"SIP/2.0 180 Klingelt \xc3\xbc\r\n", StatusFragment(180, "Klingelt ü").toBytes())

    def test_nothingBreaksOutOfTheLine(self) -> None:
        for code, reason in [(200, "OK\r\nX: y"), (200, "a\nb"), (200, "\0"), (99, "x"), (700, "x")]:
            self.assertRaises(InvalidValue, StatusFragment, code, reason)
