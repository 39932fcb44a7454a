"""
Malformed headers (classes B1-B4, B10, B13, B38): a user agent answers 400 or nothing, and goes on.
"""

from tests.robustness.case import RobustCase, message
from twisted_sipdialog.message.fields import CANONICAL, COMPACT

METHODS = ("INVITE", "OPTIONS", "BYE", "CANCEL", "REGISTER", "MESSAGE", "NOTIFY", "INFO", "ACK", "FOO")


class MalformedTests(RobustCase):
    def assertRefused(self, data: bytes, *expected: int) -> None:
        """It gets one of these statuses (none: silence), no application sees it, and others are served."""
        before = len(self.delegate.reached)
        found = self.ask(data)
        self.assertEqual(len(self.delegate.reached), before, data)
        if expected:
            self.assertTrue(found and set(found) <= set(expected), f"{found} to {data!r}")
        else:
            self.assertEqual(found, [], data)

    def test_b01_missingHeader(self):
        """
        RFC 3261 sections 8.1.1 and 8.2.7: 400 for what lacks a mandatory header, silence without a Via or to an ACK.
        """
        number = 0
        for method in METHODS:
            for name in ("via", "from", "to", "call_id", "cseq"):
                for value in (None, "", " \t"):
                    number += 1
                    data = message(method, number=number, **{name: value})
                    self.assertRefused(data, *(() if name == "via" or method == "ACK" else (400,)))
        self.assertServes()

    def test_b01_answersCarryWhatThereWas(self):
        """
        RFC 3261 section 8.2.6.2: the 400 repeats Via and whatever else it can, and invents nothing.
        """
        self.assertRefused(message(number=7, to=None), 400)
        answer = self.raw.datagrams[-1].decode()
        for line in (
            "Via: SIP/2.0/UDP raw.example;branch=z9hG4bK-7",
            "From: <sip:raw@raw.example>;tag=f7",
            "Call-ID: raw-7",
        ):
            self.assertIn(line, answer)
        self.assertNotIn("\r\nTo:", answer)

    def test_b01_responses(self):
        """
        RFC 3261 section 18.1.2: a response is never answered, whatever it lacks.
        """
        for name in ("via", "from", "to", "call_id", "cseq"):
            data = message(start="SIP/2.0 200 OK", **{name: None})
            self.assertRefused(data)
        self.assertRefused(message(start="SIP/2.0 200 OK"))
        self.assertServes()

    def test_b02_partiesAndTags(self):
        """
        RFC 3261 sections 7.3.1, 19.3 and 20: one From, one To, at most one tag in each, and none of them empty.
        """
        number = 1000
        for method in ("INVITE", "OPTIONS", "BYE", "MESSAGE"):
            for name in ("from", "to"):
                for value in (
                    "<sip:a@b.example>;tag=",
                    "<sip:a@b.example>;tag",
                    "<sip:a@b.example>;tag=1;tag=2",
                    "<sip:a@b.example>;tag=1;x=y; TAG = 1",
                    "<sip:a@b.example>;tag=;tag=2",
                    '"a <sip:a@b.example>;tag=1',
                    "<sip:a@b.example;tag=1",
                    "<sip:a@b.example>>;tag=1",
                    "<sip:a@b.example>, <sip:c@b.example>;tag=1",
                    "<>;tag=1",
                    "sip:;tag=1",
                    ";tag=1",
                ):
                    number += 1
                    self.assertRefused(message(method, number=number, **{name: value}), 400)
                for again in (name, name[0].upper(), name.upper()):
                    number += 1
                    self.assertRefused(
                        message(method, number=number, extra=f"{again}: <sip:a@b.example>;tag=9\r\n"), 400
                    )
        self.assertServes()

    def test_b02_tagsOfADialog(self):
        """
        RFC 3261 section 19.3: nor inside a dialog.
        """
        number = 1500
        for to in ("<sip:a@b.example>;tag=1;tag=2", "<sip:a@b.example>;tag=1;x;tag"):
            number += 1
            self.assertRefused(message("BYE", number=number, to=to), 400)
        self.assertRefused(message("BYE", number=1600, to="<sip:a@b.example>;tag=1"), 481)

    def test_b03_via(self):
        """
        RFC 3261 sections 8.2.7 and 18.2.2: silence to a Via that names nobody, 400 to one malformed behind that.
        """
        for via in (
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0/UDP ;branch=z9hG4bKx",
            "SIP/2.0/UDP :5060",
            "SIP/2.0/UDP a.example:",
            "SIP/2.0/UDP a.example:0x10",
            "SIP/2.0/UDP a.example:65536",
            "SIP/2.0/UDP a.example:-1",
            "SIP/2.0/UDP a..example",
            "SIP/2.0/UDP [::1",
            "SIP/2.0/UDP [::g]",
            "SIP/2.0/UDP a.example b.example",
            "SIP/2.0 a.example",
            "UDP a.example",
            "a.example",
            ",",
            ", SIP/2.0/UDP a.example",
            "\udcff",
        ):
            self.assertRefused(message(via=via))
        number = 2000
        for tail in (
            ";",
            ";;",
            ";branch=z9hG4bKx;",
            ";=x",
            ",,;",
            ";rport=65536",
            ";rport=x",
            ";branch=a;branch=b",
            ';x="',
        ):
            number += 1
            self.assertRefused(message("INVITE", number=number, via=f"SIP/2.0/UDP a.example{tail}"), 400)
        self.assertServes()

    def test_b03_hundredVias(self):
        """
        RFC 3261 section 8.2.6.2: a hundred Vias are all repeated, in their order.
        """
        vias = [f"SIP/2.0/UDP h{n}.example;branch=z9hG4bKv{n}" for n in range(100)]
        lines = "".join([f"Via: {via}\r\n" for via in vias[1:50]]) + f"v: {', '.join(vias[50:])}\r\n"
        self.assertEqual(self.ask(message(via=vias[0], extra=lines)), [200])
        answer = self.raw.datagrams[-1].decode()
        places = [answer.index(f"branch=z9hG4bKv{n}") for n in range(100)]
        self.assertEqual(places, sorted(places))

    def test_b04_foreignBranch(self):
        """
        RFC 3261 section 17.2.3: without a branch of our kind everything of the request counts: a copy of it gets the
        same answer, another request its own.
        """
        for via in (
            "SIP/2.0/UDP raw.example",
            "SIP/2.0/UDP raw.example;branch=1",
            "SIP/2.0/UDP raw.example;branch=z9hG4bK",
        ):
            first = message(number=3001, via=via)
            for data in (
                first,
                message(number=3002, via=via),
                message(number=3001, via=via, cseq="2 OPTIONS"),
                message(number=3001, via=via, call_id="other"),
                message(number=3001, via=via, start="OPTIONS sip:other@b.example SIP/2.0"),
            ):
                self.assertEqual(self.ask(data), [200], data)
            answers = len(set(self.raw.datagrams))
            self.assertEqual(self.ask(first), [200])
            self.assertEqual(len(set(self.raw.datagrams)), answers, "a retransmission was taken for a new request")
            self.raw.datagrams.clear()
            self.network.advance(40)

    def test_b04_oldCall(self):
        """
        RFC 3261 section 17.2.3: the ACK of an old caller ends the retransmissions of our refusal.
        """
        via = "SIP/2.0/UDP raw.example"
        self.assertEqual(self.ask(message("INVITE", number=3100, via=via), 0.1), [486])
        to = next(line for line in self.raw.datagrams[0].decode().split("\r\n") if line.startswith("To: "))
        self.assertEqual(self.ask(message("ACK", number=3100, via=via, to=to[4:]), 20), [])

    def test_b10_contact(self):
        """
        RFC 3261 sections 8.1.1.8 and 20.10: a Contact that cannot be read is refused in every request.
        """
        number = 4000
        for contact in (
            "%",
            "<%>",
            "%zz",
            "<sip:%zz@b.example>",
            "<sip:a%4@b.example>",
            "*, <sip:a@b.example>",
            "<sip:a@b.example>, *",
            "<sip:a@b.example>,",
            ",",
            "sip:a@b.example?X=y",
            "<sip:a@b.example",
            '"x <sip:a@b.example>',
            "<sip:a@b.example>;;q=1",
            "<sip:a@[::b.example>",
            "<sip:a@b.example:99999>",
            "<<sip:a@b.example>>",
            "sip:",
        ):
            for method in ("INVITE", "REGISTER", "OPTIONS", "MESSAGE"):
                number += 1
                self.assertRefused(message(method, number=number, contact=contact), 400)
        for contact in ("*", "", "<sip:a@b.example>, <sip:c@b.example>", None):
            number += 1
            self.assertRefused(message("INVITE", number=number, contact=contact), 400)
        self.assertServes()

    def test_b10_escapedContact(self):
        """
        RFC 3261 section 19.1.2: escapes, NUL among them, are legal.
        """
        self.assertEqual(
            self.ask(message("INVITE", number=4900, contact="<sip:%00%25%C3%A9@b.example;%6cr>")), [486, 486]
        )
        self.assertEqual(self.delegate.reached[0].contacts[0].uri.userText, "\0%\u00e9")

    def test_b10_recordRoute(self):
        """
        RFC 3261 sections 12.1.1 and 20.30: an INVITE whose route back cannot be used is refused before anybody
        accepts it.
        """
        for number, route in enumerate(("%", "<%>", "sip:a.example;lr", ",", "<sip:a", '<sip:a.example>;x="<%>"', "*")):
            data = message("INVITE", number=4950 + number, extra=f"Record-Route: {route}\r\n")
            self.assertRefused(data, 400)

    def test_b13_emptyHeaders(self):
        """
        RFC 3261 section 7.3.1: any header may come empty; one answer, whichever it is.
        """
        number = 5000
        names = sorted({*CANONICAL.values(), *COMPACT, "X-Unknown"})
        for name in names:
            for method in ("OPTIONS", "INVITE", "MESSAGE"):
                for value in ("", ",", ";", '"'):
                    number += 1
                    data = message(method, b"x", number=number, content_type="text/plain", extra=f"{name}:{value}\r\n")
                    self.assertTrue(self.ask(data, 0.1), data)
        self.assertServes()

    def test_b38_pythonNumbers(self):
        """
        RFC 3261 section 25.1: numbers are ASCII digits, of bounded length.
        """
        number = 6000
        for text in (
            "1_0",
            "+1",
            "-1",
            " 1 1",
            "\uff15",
            "\u0665",
            "1e1",
            "0x1",
            "1.0",
            "\u00b2",
            "9" * 5000,
            "1\x0b",
            "1\u2028",
        ):
            for method in ("OPTIONS", "INVITE"):
                number += 1
                self.assertRefused(message(method, number=number, cseq=f"{text} {method}"), 400)
                self.assertRefused(message(method, number=number, content_length=text), 400, 413)
                self.assertRefused(message(method, number=number, max_forwards=text), 400)
        self.assertServes()

    def test_b38_pythonLines(self):
        """
        RFC 3261 section 7: only CRLF ends a line, only SP and HTAB are white space, and letters are those of ASCII.
        """
        for separator in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\xa0":
            data = message(number=ord(separator), extra=f"Subject: a{separator}Require: nothing\r\n")
            self.assertEqual(self.ask(data), [200], repr(separator))
            self.assertRefused(message(number=ord(separator) + 9000, extra=f"Subject{separator}: a\r\n"), 400)
        for line in ("\u017fubject: a", "SIP\u212a: a", "\u0130: a"):
            self.assertRefused(message(number=7000, extra=f"{line}\r\n"), 400)
        for version in ("\u017fip/2.0", "SIP/\u0662.0", "SIP/2.\uff10"):
            self.assertRefused(message(number=7001, start=f"OPTIONS sip:desk@b.example {version}"), 400)
        self.assertServes()

    def test_b38_backtracking(self):
        """
        RFC 3261 section 25.1: values that make a backtracking expression explode are read like others.
        """
        number = 8000
        for text in (
            '"' + "\\" * 4000,
            "<" * 4000,
            ";" * 4000,
            "a " * 2000,
            ";a=" * 1300,
            "[" + ":" * 4000,
            "%41" * 1300,
            '""' * 2000,
        ):
            for name in ("from", "to", "contact"):
                number += 1
                self.assertRefused(message(number=number, **{name: text}), 400)
            self.assertRefused(message(number=number, via=text))
            self.assertRefused(message("INVITE", b"x", number=number, content_type=text), 400, 415)
            self.network.advance(40)
        self.assertServes()
