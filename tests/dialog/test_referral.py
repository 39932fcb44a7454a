"""
What a REFER asks for, read and written (RFC 3515, RFC 3891, RFC 3892, RFC 4488, RFC 5589, RFC 7614).
"""

from unittest import TestCase
from urllib.parse import unquote

from twisted_sipdialog.dialog.referral import (
    Referral,
    ReferState,
    Subscription,
    declinesSubscription,
    eventsAt,
    fragmentOf,
    replacing,
)
from twisted_sipdialog.errors import InvalidState, InvalidValue, ParseError
from twisted_sipdialog.message import Request
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.event_fields import Replaces
from twisted_sipdialog.message.sipfrag import StatusFragment

CAROL = "sip:carol@c.example"


def refer(*lines):
    """A REFER with C{lines}."""
    return Request("REFER", "sip:desk@b.example", [("Call-ID", "1"), *lines])


def parsed(referTo, *lines):
    return Referral.parse(refer(("Refer-To", referTo), *lines))


class ParseTests(TestCase):
    def test_forms(self):
        """Refer-To is a name-addr or an addr-spec, and "r" is its short name (RFC 3515 section 2.1)."""
        for text in (CAROL, f"<{CAROL}>", f'"Carol, at home" <{CAROL}>', f"Carol <{CAROL}>;x=y"):
            for name in ("Refer-To", "refer-to", "r"):
                referral = Referral.parse(refer((name, text)))
                self.assertEqual((str(referral.referTo.uri), referral.replaces), (CAROL, None), text)
                self.assertIs(referral.subscription, Subscription.IMPLICIT)

    def test_exactlyOne(self):
        """Section 2.4.2: none, or more than one, is refused, however they are written."""
        two = f"<{CAROL}>"
        for lines in ([], [("Refer-To", two), ("Refer-To", two)], [("r", two), ("Refer-To", two)]):
            self.assertRaises(ParseError, Referral.parse, refer(*lines))
        self.assertRaises(ParseError, parsed, f"{two}, {two}")

    def test_malformed(self):
        """What is no URI is no Refer-To, and raises nothing else."""
        for text in ("", "<>", "<", "carol", "<sip:>", "*", "<sip:a@b>>", "<sip:a@b?Replaces=%zz>", "<sip:a@b?x>"):
            try:
                referral = parsed(text)
            except ParseError:
                continue
            self.assertIsNone(referral.replaces, text)

    def test_referredBy(self):
        """Referred-By is passed on as it stands, its cid and tag with it (RFC 3892 section 2.2)."""
        for text in ('"Al" <sip:al@a.example>;cid="x@y"', "<sip:n4@192.0.2.2>;tag=jV", "sip:al@a.example"):
            for name in ("Referred-By", "b"):
                self.assertEqual(parsed(CAROL, (name, text)).referredBy, text)
        self.assertIsNone(parsed(CAROL).referredBy)

    def test_replaces(self):
        """Escapes of the URI are undone before Replaces is read (RFC 3891 section 6.1), its tags in any order."""
        for text in ("a%40h%3Bto-tag%3D1%3Bfrom-tag%3D2", "a%40h%3bfrom-tag%3d2%3bto-tag%3d1"):
            referral = parsed(f"<{CAROL}?Replaces={text}>")
            self.assertEqual(referral.replaces, Replaces("a@h", "1", "2"))
            self.assertEqual([name for name, _ in referral.lines], ["Replaces"])
        self.assertTrue(parsed(f"<{CAROL}?replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2%3Bearly-only>").replaces.earlyOnly)

    def test_plus(self):
        """A plus sign is one, not a space (RFC 3261 section 19.1.2), and only one layer of escapes is undone."""
        replaces = parsed(f"<{CAROL}?Replaces=a+b%2541%3Bto-tag%3D1+1%3Bfrom-tag%3D%2525>").replaces
        self.assertEqual(replaces, Replaces("a+b%41", "1+1", "%25"))

    def test_badReplaces(self):
        """Without both tags, or twice, it names no dialog."""
        for text in ("a", "a%3Bto-tag%3D1", "%3Bto-tag%3D1%3Bfrom-tag%3D2", "a%3Bto-tag%3D1%3Bfrom-tag%3D"):
            self.assertRaises(ParseError, parsed, f"<{CAROL}?Replaces={text}>")
        one = "a%3Bto-tag%3D1%3Bfrom-tag%3D2"
        self.assertRaises(ParseError, parsed, f"<{CAROL}?Replaces={one}&Replaces={one}>")
        self.assertRaises(ParseError, parsed, f"<{CAROL}?Replaces={one}&Join={one}>")

    def test_injected(self):
        """No line end, nor another control character, comes out of a URI into a header line."""
        for escape in ("%0d%0a", "%0D%0A", "%0a", "%0d", "%00", "%7f", "%0d%0aX-Evil:%201"):
            for name in ("Subject", "Replaces", "User-to-User", "Require"):
                text = f"a{escape}%3Bto-tag%3D1%3Bfrom-tag%3D2"
                self.assertRaises(ParseError, parsed, f"<{CAROL}?{name}={text}>")
            # Not carried: not of interest.
            self.assertEqual(parsed(f"<{CAROL}?X-Other=a{escape}>").lines, ())

    def test_carried(self):
        """Headers that are about the call are repeated; those that speak for us or route it are not (19.1.5)."""
        wanted = ("Subject", "Priority", "Require", "User-To-User", "Accept-Contact")
        for name in wanted:
            self.assertEqual(parsed(f"<{CAROL}?{name.lower()}=x>").lines, ((name, "x"),))
        for name in (
            *("From", "To", "Call-ID", "CSeq", "Via", "Contact", "Route", "Record-Route", "Max-Forwards", "body"),
            *("Authorization", "Proxy-Authorization", "P-Asserted-Identity", "P-Preferred-Identity", "Identity"),
            *("Organization", "Content-Length", "Content-Type", "Referred-By", "Expires", "User-Agent", "Accept"),
        ):
            self.assertEqual(parsed(f"<{CAROL}?{name}=x>").lines, (), name)

    def test_target(self):
        """What is called has neither headers nor a method (section 19.1.1, of a Request-URI)."""
        target = parsed("<sip:c@h;transport=tcp;method=INVITE?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=x>").target
        self.assertEqual(str(target), "sip:c@h;transport=tcp")
        self.assertEqual(str(parsed("<tel:+1201555>").target), "tel:+1201555")

    def test_refusal(self):
        """Only INVITEs can be made, to SIP URIs, and to numbers where somebody routes them."""
        for text, expected in (
            *((f"<{CAROL}>", None), ("<sips:c@h>", None), (f"<{CAROL};method=INVITE>", None)),
            *((f"<{CAROL};method=SUBSCRIBE>", 501), (f"<{CAROL};method=BYE>", 501), ("<http://h/x>", 416)),
            *(("<mailto:a@b>", 416), ("<urn:service:sos>", 416)),
        ):
            for routes in (False, True):
                self.assertEqual(parsed(text).refusal(routes), expected, text)
        self.assertEqual([parsed("<tel:+1201555>").refusal(routes) for routes in (False, True)], [416, None])

    def test_subscription(self):
        """RFC 4488 section 4 and RFC 7614 section 4: who wants to hear of it."""
        for lines, expected in (
            ([("Refer-Sub", "false")], Subscription.NONE),
            ([("Refer-Sub", "FALSE ;x=y")], Subscription.NONE),
            ([("Refer-Sub", "true")], Subscription.IMPLICIT),
            ([("Refer-Sub", "")], Subscription.IMPLICIT),
            ([("Require", "nosub")], Subscription.NONE),
            ([("Require", "tdialog, NoSub")], Subscription.NONE),
            ([("Require", "explicitsub")], Subscription.EXPLICIT),
            ([("Supported", "explicitsub, nosub")], Subscription.IMPLICIT),
        ):
            self.assertIs(parsed(CAROL, *lines).subscription, expected, lines)
        self.assertRaises(ParseError, parsed, CAROL, ("Require", "nosub, explicitsub"))


class AnswerTests(TestCase):
    def answer(self, *lines):
        response = refer().response(200)
        for name, value in lines:
            response.headers.add(name, value)
        return response

    def test_declined(self):
        """C{Refer-Sub: false} in the 2xx: no subscription was made (RFC 4488 section 4)."""
        for text, expected in (("false", True), ("False;a=b", True), ("true", False), ("falsehood", False)):
            self.assertIs(declinesSubscription(self.answer(("Refer-Sub", text))), expected)
        self.assertFalse(declinesSubscription(self.answer()))

    def test_eventsAt(self):
        """Refer-Events-At names a URI (RFC 7614 section 7)."""
        for text in ("<sip:x7@h;gr>", "sip:x7@h"):
            self.assertEqual(eventsAt(self.answer(("Refer-Events-At", text))), text.strip("<>"))
        self.assertIsNone(eventsAt(self.answer()))
        for text in ("", "<", "nobody", "<sip:>"):
            self.assertRaises(ParseError, eventsAt, self.answer(("Refer-Events-At", text)))


class ReplacingTests(TestCase):
    def test_escaped(self):
        """What a URI header cannot hold is escaped (RFC 3261 section 19.1.1), and is read back as it was."""
        for callId in ("a", "a+b@c", "a%41b@h", 'w"q"\\<>@[x]?{y}/z', "a(b)'~`!*_.:-"):
            for tag in ("1", "a+b", "%25", "~!*'`._-", "1.2"):
                replaces = Replaces(callId, tag, f"from{tag}")
                text = replacing(CAROL, replaces)
                value = text.removeprefix(f"<{CAROL}?Replaces=").removesuffix(">")
                for raw in '@;="\\<> ,&':
                    self.assertNotIn(raw, value)
                self.assertEqual(unquote(value), str(replaces))
                self.assertEqual(parsed(text).replaces, replaces)

    def test_foreign(self):
        """Where a peer's tag or Call-ID holds what none may, it still says the same after the escapes."""
        replaces = replacing(CAROL, Replaces("a;b", "1", "2"))
        self.assertIn("a%3Bb%3Bto-tag", replaces)

    def test_target(self):
        """Parameters of the target stay, headers of it go, and what comes out is one address."""
        text = replacing("sip:carol@[2001:db8::1]:5070;transport=tcp;lr?Subject=x", Replaces("a", "1", "2"))
        address = Address.parse(text)
        self.assertEqual(address.uri.parameters.get("transport"), "tcp")
        self.assertEqual(text.count("?"), 1)
        self.assertNotIn("Subject", text)
        self.assertEqual(address.displayName or "", "")
        for target in ("tel:+1201555", "", "carol", "sip:a@b> <sip:x@y", "sip:a@b\r\nX: y"):
            self.assertRaises(ParseError, replacing, target, Replaces("a", "1", "2"))


class FragmentTests(TestCase):
    def test_given(self):
        """A status is given as a code, as a status line, or as what it is."""
        for given in (486, b"SIP/2.0 486 Busy Here\r\n", StatusFragment(486)):
            self.assertEqual(fragmentOf(given, ReferState.ANSWERED).toBytes(), b"SIP/2.0 486 Busy Here\r\n")

    def test_wrong(self):
        """What is no status, or comes when none may, is refused."""
        for given in (99, 700, b"", b"hello", b"INVITE sip:a@b SIP/2.0\r\n"):
            self.assertRaises(InvalidValue, fragmentOf, given, ReferState.ANSWERED)
        for state in (ReferState.READY, ReferState.WAITING, ReferState.TERMINATED):
            self.assertRaises(InvalidState, fragmentOf, 200, state)
