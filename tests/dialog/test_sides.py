"""
What a dialog shows of itself.
"""

import json
from unittest import TestCase

from hypothesis import given

from tests.message.cases import WIRE_TEXT
from twisted_sipdialog.dialog.sides import Side, Sip, Times, readable


def side(uri):
    return Side(uri, f"<{uri}>", "t", None, None)


class SideTests(TestCase):
    def test_positions(self):
        """
        The order of its parts.
        """
        one = Side("sip:a@b", "<sip:a@b>", "t", b"v=0", "application/sdp")
        self.assertEqual(
            (one.uri, one.contact, one.tag, one.sdp, one.contentType),
            ("sip:a@b", "<sip:a@b>", "t", b"v=0", "application/sdp"),
        )

    def test_user(self):
        """
        RFC 3261 section 19.1.1: the part before the @, without password and escapes.
        """
        for uri, user in (
            ("sip:alice@a.example", "alice"),
            ("sips:al%20ice:secret@a.example;x=1?y=2", "al ice"),
            ("sip:+1555;ext=3@a.example", "+1555;ext=3"),
            ("sip:a.example", ""),
            ("tel:+1-555", "+1555"),
            ("urn:x:y", ""),
            ("nonsense", ""),
            ("", ""),
        ):
            self.assertEqual(side(uri).user, user, uri)

    def test_address(self):
        """
        The host in lower case, IPv6 without brackets.
        """
        for uri, host in (
            ("sip:alice@A.example:5080", "a.example"),
            ("sip:192.0.2.1", "192.0.2.1"),
            ("sip:alice@[2001:DB8::1]:5080;transport=tcp", "2001:db8::1"),
            ("tel:+1555", ""),
            ("nonsense", ""),
        ):
            self.assertEqual(side(uri).signalingAddress, host, uri)

    def test_port(self):
        """
        Section 19.1.2: what is written, else 5061 with TLS and 5060 without.
        """
        for uri, port in (
            ("sip:a@b.example:5080", 5080),
            ("sips:a@b.example:5080", 5080),
            ("sip:a@[2001:db8::1]:6000;transport=tls", 6000),
            ("sip:a@b.example:0", 0),
            ("sip:a@b.example", 5060),
            ("sip:a@b.example;transport=tcp", 5060),
            ("sip:a@b.example;transport=TLS", 5061),
            ("sips:a@b.example", 5061),
            ("sips:a@b.example;transport=tcp", 5061),
            ("nonsense", 5060),
        ):
            self.assertEqual(side(uri).signalingPort, port, uri)

    def test_toJSON(self):
        """
        All of it, the session description as text.
        """
        one = Side("sip:a@b:5070", '"A" <sip:a@b:5070>', "t", b"v=0\r\ns=Zo\xc3\xab \xff\r\n", "application/sdp")
        expected = {
            "uri": "sip:a@b:5070",
            "contact": '"A" <sip:a@b:5070>',
            "tag": "t",
            "sdp": "v=0\r\ns=Zo\u00eb \ufffd\r\n",
            "contentType": "application/sdp",
            "user": "a",
            "signalingAddress": "b",
            "signalingPort": 5070,
        }
        self.assertEqual(json.loads(json.dumps(one.toJSON())), expected)
        empty = side("sip:a@b").toJSON()
        self.assertEqual((empty["sdp"], empty["contentType"]), (None, None))

    @given(WIRE_TEXT)
    def test_anyText(self, text):
        """
        Whatever stood on the wire, each property has a value and JSON carries it.
        """
        for uri in (text, f"sip:{text}@a.example"):
            one = Side(uri, text, text, text.encode("utf-8", "surrogateescape"), text)
            json.dumps(one.toJSON(), ensure_ascii=False).encode("utf-8")


class OtherPartsTests(TestCase):
    def test_sip(self):
        """
        The identity.
        """
        self.assertEqual(Sip("c", "l", "r\udcff").toJSON(), {"callId": "c", "localTag": "l", "remoteTag": "r\ufffd"})

    def test_times(self):
        """
        The times, None while it has not come to that.
        """
        self.assertEqual(Times(1.5).toJSON(), {"start": 1.5, "connect": None, "end": None})
        self.assertEqual(Times(1.5, 2.5, 3.5).toJSON(), {"start": 1.5, "connect": 2.5, "end": 3.5})

    def test_readable(self):
        """
        Only what no encoding carries is replaced.
        """
        self.assertEqual(readable("a\u00e9\U0001f600\udcff\ud800z"), "a\u00e9\U0001f600\ufffd\ufffdz")
