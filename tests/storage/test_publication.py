"""
Whose state a Request-URI means.
"""

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.message.uri import parseUri
from twisted_sipdialog.storage.publication import entityOf


class EntityTests(SynchronousTestCase):
    def test_same(self):
        """RFC 3261 section 10.3, step 5: the address of record, however it is written."""
        for text in (
            "sip:alice@example.com",
            "sip:alice@EXAMPLE.com",
            "sip:alice@example.com:5070",
            "sips:alice@example.com",
            "sip:alice:secret@example.com;transport=tcp;x=y",
            "sip:%61lice@example.com?Subject=x",
        ):
            self.assertEqual(entityOf(parseUri(text)), "sip:alice@example.com", text)

    def test_sameAddress(self):
        """RFC 5954 section 4.2: an IPv6 address is the same number, however it is written."""
        for text in ("sip:alice@[2001:db8::1]", "sip:alice@[2001:DB8:0:0:0:0:0:1]", "sip:alice@[2001:0db8::0001]:5070"):
            self.assertEqual(entityOf(parseUri(text)), "sip:alice@[2001:db8::1]", text)

    def test_other(self):
        """Section 19.1.4: the case of the user counts, and so does what is escaped of need."""
        texts = ["sip:Alice@example.com", "sip:alice@a.example.com", "sip:example.com", "sip:a%40b@example.com"]
        self.assertEqual([entityOf(parseUri(text)) for text in texts], texts)

    def test_tel(self):
        """RFC 3966 section 4: a number is the same with separators and without."""
        self.assertEqual(entityOf(parseUri("tel:+1-201-555-0123;isub=1")), "tel:+12015550123")

    def test_pres(self):
        """RFC 3859: another scheme stands for itself."""
        self.assertEqual(entityOf(parseUri("pres:alice@example.com")), "pres:alice@example.com")
