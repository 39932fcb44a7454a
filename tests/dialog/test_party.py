"""
Who calls and who is called (RFC 3261 section 8.1.1, RFC 3325, RFC 3323, draft-ietf-sip-privacy-04).
"""

import json
from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from tests.message.cases import WIRE_TEXT
from twisted_sipdialog.dialog.party import Party, calledParty, callingParty, isTrusted, networksOf
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message import Request, Response

FROM = ("From", '"Alice A." <sip:alice@a.example>;tag=at')
TO = ("To", "Bob <sip:bob@b.example;x=1>")


def request(*more, given=(FROM, TO)):
    return Request("INVITE", "sip:bob@b.example", [*given, ("CSeq", "1 INVITE"), *more])


def response(*more):
    return Response(200, "OK", [FROM, TO, ("CSeq", "1 INVITE"), *more])


def asserted(*values):
    return [("P-Asserted-Identity", value) for value in values]


class CallingTests(TestCase):
    def test_from(self):
        """
        Section 8.1.1.3: without an assertion it is who From says, its tag and quotes left out.
        """
        party = Party("alice", "Alice A.", "sip:alice@a.example", (), "From")
        self.assertEqual(callingParty(request(), True), party)
        self.assertEqual(callingParty(request(), False), party)

    def test_noDisplayName(self):
        """
        A display name that is absent or empty is none.
        """
        for text in ("<sip:alice@a.example>;tag=1", "sip:alice@a.example;tag=1", '"" <sip:alice@a.example>;tag=1'):
            party = callingParty(request(given=[("From", text)]), False)
            self.assertEqual((party.display, party.uri), (None, "sip:alice@a.example"), text)

    def test_asserted(self):
        """
        RFC 3325 section 5: P-Asserted-Identity says who it is, before Remote-Party-ID and From.
        """
        more = [("Remote-Party-ID", "<sip:r@n.example>;party=calling"), *asserted('"A" <sip:+15551234@n.example>')]
        party = callingParty(request(*more), True)
        self.assertEqual(party, Party("+15551234", "A", "sip:+15551234@n.example", (), "P-Asserted-Identity"))

    def test_notTrusted(self):
        """
        RFC 3325 section 5: it MUST NOT be used when it comes from outside the trust domain.
        """
        more = [("Remote-Party-ID", "<sip:r@n.example>;party=calling"), *asserted("<sip:p@n.example>")]
        self.assertEqual(callingParty(request(*more), False).source, "From")

    def test_sipBeforeTel(self):
        """
        RFC 3325 section 9.1: of a SIP and a tel URI, in either order, on one line or two, the SIP URI is taken.
        """
        for values in (
            ("<tel:+1-555-1234>, <sip:p@n.example>",),
            ("<tel:+1-555-1234>", "<sips:p@n.example>"),
            ("<sip:p@n.example>, <sip:second@n.example>",),
            ("<sip:p@n.example>, <tel:+1-555-1234>",),
        ):
            self.assertEqual(callingParty(request(*asserted(*values)), True).user, "p", values)

    def test_telAlone(self):
        """
        RFC 3966: the user of a tel URI is its number, without visual separators.
        """
        party = callingParty(request(*asserted('"N" <tel:+1-555-(12).34;ext=5>')), True)
        self.assertEqual((party.user, party.display, party.source), ("+15551234", "N", "P-Asserted-Identity"))

    def test_otherScheme(self):
        """
        A URI without a user has none.
        """
        party = callingParty(request(*asserted("<urn:service:sos>")), True)
        self.assertEqual((party.user, party.uri), ("", "urn:service:sos"))
        self.assertEqual(callingParty(request(given=[("From", "<sip:a.example>;tag=1")]), True).user, "")

    def test_escapes(self):
        """
        Section 19.1.2: the user is shown without escapes, the URI as it is written.
        """
        party = callingParty(request(given=[("From", "<sip:j%40x%20y@a.example>;tag=1")]), False)
        self.assertEqual((party.user, party.uri), ("j@x y", "sip:j%40x%20y@a.example"))

    def test_remotePartyId(self):
        """
        draft-ietf-sip-privacy-04: the element whose party is calling, in any case; without the parameter a request's.
        """
        for text in (
            "<sip:r@n.example>;party=calling",
            "<sip:r@n.example>;screen=yes;party=CALLING",
            "<sip:r@n.example>",
            "<sip:x@n.example>;party=called, <sip:r@n.example>;party=calling",
        ):
            party = callingParty(request(("Remote-Party-ID", text)), True)
            self.assertEqual((party.user, party.source), ("r", "Remote-Party-ID"), text)
        party = callingParty(request(("Remote-Party-ID", "<sip:r@n.example>;party=called")), True)
        self.assertEqual(party.source, "From")

    def test_malformed(self):
        """
        What cannot be read is skipped: the element, the line, the header.
        """
        for values in (("%", "<sip:p@n.example>"), ("<nonsense>, <sip:p@n.example>",), ('"open', "<sip:p@n.example>")):
            self.assertEqual(callingParty(request(*asserted(*values)), True).user, "p", values)
        more = [*asserted("", '"open <sip:p@n.example>'), ("Remote-Party-ID", "<sip:r@n.example>;party=calling")]
        self.assertEqual(callingParty(request(*more), True).source, "Remote-Party-ID")
        for headers in ((), [("From", "%")], [("From", "")]):
            self.assertEqual(callingParty(request(given=headers), True), Party("", None, "", (), "From"))


class CalledTests(TestCase):
    def test_to(self):
        """
        Section 8.1.1.2: who the caller wanted, as long as nobody has answered or what answered is not believed.
        """
        answer = response(*asserted("<sip:p@n.example>"))
        for party in (
            calledParty(request(), None, True),
            calledParty(request(), answer, False),
            calledParty(request(), response(), True),
        ):
            self.assertEqual(party, Party("bob", "Bob", "sip:bob@b.example;x=1", (), "To"))

    def test_answered(self):
        """
        RFC 3325 section 5: the network asserts who answered, in the response.
        """
        party = calledParty(request(), response(*asserted("Carol <sip:c@n.example>")), True)
        self.assertEqual((party.user, party.display, party.source), ("c", "Carol", "P-Asserted-Identity"))

    def test_remotePartyId(self):
        """
        draft-ietf-sip-privacy-04: the element whose party is called; without the parameter a response's.
        """
        for text in ("<sip:x@n.example>;party=calling, <sip:c@n.example>;party=called", "<sip:c@n.example>"):
            party = calledParty(request(), response(("Remote-Party-ID", text)), True)
            self.assertEqual((party.user, party.source), ("c", "Remote-Party-ID"), text)

    def test_assertedInTheRequest(self):
        """
        What the request asserts is who sent it, not who is called, and so is its privacy the caller's.
        """
        more = [
            *asserted("<sip:p@n.example>"),
            ("Remote-Party-ID", "<sip:r@n.example>;party=called"),
            ("Privacy", "id"),
        ]
        party = calledParty(request(*more), response(), True)
        self.assertEqual((party.source, party.isPrivate), ("To", False))


class PrivacyTests(TestCase):
    def test_values(self):
        """
        RFC 3323 section 4.2: id, header and user ask for privacy; none, session and critical say nothing of identity.
        """
        for text, values, private in (
            ("id", ("id",), True),
            ("Header", ("header",), True),
            ("user;critical", ("user", "critical"), True),
            ("session ; id", ("session", "id"), True),
            ("none", ("none",), False),
            ("session;critical", ("session", "critical"), False),
            ("", (), False),
            ("a b", (), False),
        ):
            party = callingParty(request(("Privacy", text), *asserted("<sip:p@n.example>")), True)
            self.assertEqual((party.privacy, party.isPrivate), (values, private), text)
        self.assertTrue(callingParty(request(("Privacy", "user")), False).isPrivate)

    def test_remotePartyId(self):
        """
        draft-ietf-sip-privacy-04: its own parameter, and Privacy with it: either asks.
        """
        for text, values, private in (
            ("full", ("full",), True),
            ("FULL-network", ("full-network",), True),
            ('"name, full"', ("name", "full"), True),
            ("off", ("off",), False),
            ("name", ("name",), False),
        ):
            line = ("Remote-Party-ID", f"<sip:r@n.example>;party=calling;privacy={text};screen=no")
            party = callingParty(request(line), True)
            self.assertEqual((party.privacy, party.isPrivate), (values, private), text)
            self.assertTrue(callingParty(request(line, ("Privacy", "id")), True).isPrivate)

    def test_ofTheCallee(self):
        """
        RFC 3323 section 4.2: a response may ask for it as well.
        """
        party = calledParty(request(), response(("Privacy", "id"), *asserted("<sip:p@n.example>")), True)
        self.assertTrue(party.isPrivate)


class TrustTests(TestCase):
    def test_allOrNone(self):
        """
        A bool is the answer.
        """
        for host in ("192.0.2.1", "a.example", ""):
            self.assertIs(isTrusted(True, host), True)
            self.assertIs(isTrusted(False, host), False)

    def test_networks(self):
        """
        Addresses and networks of both families; an address with a prefix means its network; a name is in none.
        """
        setting = ("192.0.2.0/24", "198.51.100.7", "203.0.113.9/28", "2001:db8::/32", "fe80::1")
        for host, trusted in (
            ("192.0.2.0", True),
            ("192.0.2.255", True),
            ("192.0.3.1", False),
            ("198.51.100.7", True),
            ("198.51.100.8", False),
            ("203.0.113.1", True),
            ("203.0.113.16", False),
            ("2001:db8:1::5", True),
            ("2001:DB8::A", True),
            ("2001:db9::1", False),
            ("fe80::1", True),
            ("fe80::2", False),
            ("::ffff:192.0.2.9", True),
            ("::ffff:192.0.3.9", False),
            ("a.example", False),
            ("[2001:db8::1]", False),
            ("192.0.2.1:5060", False),
            ("", False),
        ):
            self.assertIs(isTrusted(setting, host), trusted, host)
        self.assertIs(isTrusted((), "192.0.2.1"), False)
        self.assertIs(isTrusted(("0.0.0.0/0",), "2001:db8::1"), False)

    def test_readOnce(self):
        """
        The networks are not read again for each call.
        """
        setting = ("192.0.2.0/24",)
        self.assertIs(networksOf(setting), networksOf(("192.0.2.0/24",)))

    def test_unusable(self):
        """
        A setting that is no network is the user's error.
        """
        for text in ("a.example", "192.0.2.0/33", "", "192.0.2"):
            with self.assertRaises(InvalidValue, msg=text):
                isTrusted((text,), "192.0.2.1")


class PlainTests(TestCase):
    def test_toJSON(self):
        """
        All of it, as JSON carries it.
        """
        party = callingParty(request(("Privacy", "id"), *asserted('"A" <sip:p@n.example>')), True)
        expected = {
            "user": "p",
            "display": "A",
            "uri": "sip:p@n.example",
            "privacy": ["id"],
            "isPrivate": True,
            "source": "P-Asserted-Identity",
        }
        self.assertEqual(json.loads(json.dumps(party.toJSON())), expected)

    def test_notUtf8(self):
        """
        Bytes that are no UTF-8 become a replacement character, so that any reader of JSON takes it; others stay.
        """
        party = callingParty(request(given=[("From", '"Zo\u00eb \udcff" <sip:%FF@a.example>;tag=1')]), False)
        plain = party.toJSON()
        self.assertEqual((plain["display"], plain["user"]), ("Zo\u00eb \ufffd", "\ufffd"))
        json.dumps(plain, ensure_ascii=False).encode("utf-8")

    def test_value(self):
        """
        It is fixed.
        """
        with self.assertRaises(AttributeError):
            callingParty(request(), True).user = "x"

    @given(WIRE_TEXT, st.sampled_from(["", "<sip:a@b>", '"', "sip:a@b;", "<sip:a@b>;party=calling;privacy=", "id;"]))
    def test_neverRaises(self, text, prefix):
        """
        Whatever the headers hold, there is an answer, and JSON carries it.
        """
        text = (prefix + text).translate(dict.fromkeys(b"\r\n\0"))
        names = ("P-Asserted-Identity", "Remote-Party-ID", "Privacy", "From", "To")
        lines = [(name, text) for name in names]
        asked = request(*lines[:3], given=lines[3:])
        for party in (
            callingParty(asked, True),
            callingParty(asked, False),
            calledParty(asked, response(*lines), True),
        ):
            json.dumps(party.toJSON(), ensure_ascii=False).encode("utf-8")
