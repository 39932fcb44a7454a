"""
The steps every request outside a dialog goes through (RFC 3261 section 8.2), and how it is answered (8.2.6).
"""

from tests.testing.recording import Datagrams
from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, later


class Talkative(Callee):
    """Takes more than calls."""

    def messageReceived(self, context):
        context.accept()

    def publishReceived(self, context):
        context.accept(202)

    def progressReceived(self, context, response):
        raise AssertionError("there is no method PROGRESS")

    def lineReceived(self, line):
        raise AssertionError("there is no method LINE")


class MethodTests(CalleeTestCase):
    """8.2.1."""

    def test_unknown(self):
        """A method nobody takes: 405, whose Allow lists those that somebody does (20.5)."""
        agent = self.agent(Talkative())
        for method in ("FOO", "REGISTER"):
            answer = self.final(method, agent)
            self.assertEqual(answer.statusCode, 405, method)
            allowed = answer.headers.elements("allow")
            for expected in ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "MESSAGE", "PUBLISH"):
                self.assertIn(expected, allowed, method)
            self.assertNotIn(method, allowed)

    def test_overridden(self):
        """What the delegate overrides is its to answer."""
        agent = self.agent(Talkative())
        self.assertEqual(self.final("MESSAGE", agent).statusCode, 200)
        self.assertEqual(self.final("PUBLISH", agent).statusCode, 202)

    def test_case(self):
        """Methods are compared with case (7.1), and no method reaches what is not meant to take one."""
        callee = Talkative()
        agent = self.agent(callee)
        for method in ("message", "Message", "invite", "Publish", "PROGRESS", "LINE", "options", "bye"):
            self.assertEqual(self.final(method, agent).statusCode, 405, method)
        self.assertEqual(callee.contexts, [])

    def test_nobody(self):
        """Without a delegate MESSAGE is not allowed outside a dialog."""
        answer = self.final("MESSAGE", self.agent(), body=b"hello", headers={"Content-Type": "text/plain"})
        self.assertEqual(answer.statusCode, 405)
        self.assertIn("Allow", answer.headers)


class UriTests(CalleeTestCase):
    """8.2.2.1."""

    def test_scheme(self):
        """A scheme that is not understood: 416."""
        agent = self.agent(Callee())
        for uri in ("http://b.example/", "nobodyKnowsThis:desk", "urn:service:sos"):
            self.assertEqual(self.final("OPTIONS", agent, uri=uri).statusCode, 416, uri)

    def test_malformed(self):
        """A Request-URI that cannot be read, or carries headers: 400."""
        agent = self.agent(Callee())
        for uri in ("sip:", "sip:desk@", "sip:desk@b.example:99999", "sip:desk@b.example?Route=%3Csip:x%3E"):
            self.assertEqual(self.final("INVITE", agent, uri=uri, body=OFFER).statusCode, 400, uri)

    def test_anyUser(self):
        """By default every user is served, here or elsewhere."""
        agent = self.agent(Callee())
        for uri in ("sip:other@b.example", "sip:192.0.2.77", "tel:+4930123"):
            self.assertEqual(self.final("OPTIONS", agent, uri=uri).statusCode, 200, uri)

    def test_ownDomainOnly(self):
        """If asked for, only our own user is found, and only at a host of ours."""
        agent = self.agent(Callee(), ownDomainOnly=True)
        here, _port = self.network.addressOf(agent)
        for uri, status in (
            ("sip:desk@b.example", 200),
            (f"sip:{here}", 200),
            (f"sip:desk@{here}:5060", 200),
            ("sip:other@b.example", 404),
            ("sip:desk@elsewhere.example", 404),
        ):
            self.assertEqual(self.final("OPTIONS", agent, uri=uri).statusCode, status, uri)

    def test_toIsNotLookedAt(self):
        """To is no reason to refuse: a call may have been redirected to us (8.2.2.1)."""
        agent = self.agent(Callee(), ownDomainOnly=True)
        answer = self.final("OPTIONS", agent, headers={"To": "<sip:somebody@elsewhere.example>"})
        self.assertEqual(answer.statusCode, 200)


class MandatoryTests(CalleeTestCase):
    """8.1.1: what every request has."""

    def test_missing(self):
        """Without From, To, Call-ID or CSeq, or with two of them: 400; the next request is served."""
        agent = self.agent(Callee())
        lines = {
            "Via": "SIP/2.0/UDP raw.example:5060;branch=z9hG4bK-1",
            "Max-Forwards": "70",
            "From": "<sip:raw@raw.example>;tag=1",
            "To": "<sip:desk@b.example>",
            "Call-ID": "1@raw.example",
            "CSeq": "1 INVITE",
            "Contact": "<sip:raw@raw.example>",
        }
        raw = Datagrams(self.network, "raw.example")
        for change in (lambda line: "", lambda line: line + line):
            for name in ("From", "To", "Call-ID", "CSeq"):
                text = "".join(
                    change(f"{key}: {value}\r\n") if key == name else f"{key}: {value}\r\n"
                    for key, value in lines.items()
                )
                request = f"INVITE sip:desk@b.example SIP/2.0\r\n{text}\r\n".encode()
                raw.transport.write(request, self.network.addressOf(agent))
                self.network.advance(0.01)
                self.assertEqual(raw.data[-1:][0][:12], b"SIP/2.0 400 ", name)
                raw.got.clear()
        self.assertEqual(self.final("OPTIONS", agent).statusCode, 200)
        raw.port.stopListening()

    def test_malformed(self):
        """What cannot be read: 400 (21.4.1)."""
        agent = self.agent(Callee())
        cases = [
            ("From", "<sip:peer@peer.example;tag=1"),
            ("From", "sip:%zz@peer.example;tag=1"),
            ("To", '"desk <sip:desk@b.example>'),
            ("To", "<sip:desk@b.example>;tag="),
            ("Max-Forwards", "many"),
            ("Max-Forwards", "256"),
            ("Max-Forwards", "-1"),
            ("Max-Forwards", "+7"),
            ("Max-Forwards", "7_0"),
            ("Max-Forwards", "\uff17\uff10"),
            ("Max-Forwards", "7" * 5000),
            ("Require", "a b"),
        ]
        for name, value in cases:
            answer = self.final("INVITE", agent, headers={name: value}, body=OFFER)
            self.assertEqual(answer.statusCode, 400, f"{name}: {value}")
            self.assertEqual(answer.headers.get("to").count("tag="), 1, f"{name}: {value}")
        self.assertEqual(self.network.seenBy(agent).count("> 200 INVITE"), 0)

    def test_contact(self):
        """An INVITE has exactly one Contact, a SIP URI: it is to make a dialog (8.1.1.8); else 400."""
        agent = self.agent(Callee())
        bad = (
            None,
            "",
            "%",
            "<sip:%zz@a>",
            "*",
            "<sip:a@192.0.2.1>, <sip:b@192.0.2.1>",
            "<tel:+4930123>",
            "<mailto:a@b>",
        )
        for contact in bad:
            answer = self.final("INVITE", agent, headers={"Contact": contact}, body=OFFER)
            self.assertEqual(answer.statusCode, 400, repr(contact))

    def test_recordRoute(self):
        """Nor is there a dialog when the way back cannot be read."""
        agent = self.agent(Callee())
        for route in ("<sip:proxy.example;lr", "nonsense", "<sip:>", "<sip:a.example;lr>, <:>"):
            answer = self.final("INVITE", agent, headers={"Record-Route": route}, body=OFFER)
            self.assertEqual(answer.statusCode, 400, route)

    def test_lastHop(self):
        """Max-Forwards 0 is no reason to refuse what is not forwarded."""
        agent = self.agent(Callee())
        for hops in ("0", None):
            answer = self.final("OPTIONS", agent, headers={"Max-Forwards": hops})
            self.assertEqual(answer.statusCode, 200, hops)

    def test_oldPeers(self):
        """A peer of RFC 2543 has no tag in From."""
        agent = self.agent(Callee())
        answer = self.final("OPTIONS", agent, headers={"From": "<sip:old@peer.example>"})
        self.assertEqual(answer.statusCode, 200)


class MergedTests(CalleeTestCase):
    """8.2.2.2."""

    def copy(self, agent, **changed):
        headers = {
            "Call-ID": "one@peer.example",
            "CSeq": "1 INVITE",
            "Via": "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-first",
        }
        headers.update({name.replace("_", "-"): value for name, value in changed.items() if name != "uri"})
        return self.peer.request("INVITE", agent, headers=headers, body=OFFER, uri=changed.get("uri"))

    def test_merged(self):
        """The same request by another way, while the first is open: 482."""
        callee = Callee(later)
        agent = self.agent(callee)
        self.copy(agent)
        self.copy(agent, Via="SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-other")
        self.peer.ack(self.peer.expect("482 INVITE"))
        self.assertEqual(len(callee.contexts), 1)
        callee.context.reject(486)

    def test_spiral(self):
        """With another Request-URI it is a spiral, and another call (8.2.2.2, 16.3)."""
        callee = Callee(later)
        agent = self.agent(callee)
        self.copy(agent)
        self.copy(agent, Via="SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-other", uri="sip:fax@b.example")
        self.network.advance(0.1)
        self.assertEqual(len(callee.contexts), 2)
        for context in callee.contexts:
            context.reject(486)

    def test_differs(self):
        """Another CSeq, Call-ID or From tag is another call."""
        callee = Callee(later)
        agent = self.agent(callee)
        self.copy(agent)
        via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-"
        self.copy(agent, Via=via + "2", CSeq="2 INVITE")
        self.copy(agent, Via=via + "3", Call_ID="another")
        self.copy(agent, Via=via + "4", From="<sip:peer@peer.example>;tag=another")
        self.network.advance(0.1)
        self.assertEqual(len(callee.contexts), 4)
        for context in callee.contexts:
            context.reject(486)

    def test_toOneself(self):
        """A call to oneself carries a Call-ID of ours and is no loop."""
        callee = Callee()
        agent = self.agent(callee)
        calling = agent.invite("sip:desk@b.example", body=OFFER)
        self.network.advance(1)
        dialog = self.successResultOf(calling)
        self.assertEqual(len(agent.dialogs), 2)
        self.assertEqual(dialog.id, callee.dialog.id)
        self.assertIsNot(dialog, callee.dialog)
        ending = dialog.destroy()
        self.network.advance(1)
        self.successResultOf(ending)
        self.assertEqual(agent.dialogs, [])


class RequireTests(CalleeTestCase):
    """8.2.2.3."""

    def test_unknown(self):
        """An extension we do not know: 420, and Unsupported names it, and it only."""
        agent = self.agent(Callee(), supported=("known",))
        answer = self.final("INVITE", agent, headers={"Require": "Known, magic"}, body=OFFER)
        self.assertEqual(answer.statusCode, 420)
        self.assertEqual(answer.headers.elements("unsupported"), ["magic"])

    def test_known(self):
        """What we know is no obstacle; option tags are compared without case."""
        agent = self.agent(Callee(later), supported=("known", "X-Known"))
        for tag in ("KNOWN", "X-Known", "x-known"):
            self.assertEqual(self.final("OPTIONS", agent, headers={"Require": tag}).statusCode, 200)

    def test_notForUs(self):
        """Proxy-Require is for proxies, and neither counts in a CANCEL or ACK (8.2.2.3)."""
        _agent, _callee, invite = self.ring(headers={"Proxy-Require": "magic"})
        self.peer.cancel(invite, headers={"Require": "magic"})
        self.peer.expect("200 CANCEL")
        self.peer.ack(self.peer.expect("487 INVITE"))

    def test_inDialog(self):
        """It counts in a dialog, too."""
        _agent, _callee, ok = self.call()
        info = self.peer.request("INFO", within=ok, headers={"Require": "magic"})
        self.assertEqual(self.finalTo(info).statusCode, 420)


class BodyTests(CalleeTestCase):
    """8.2.3."""

    def test_type(self):
        """A body of an unknown type: 415, with Accept."""
        agent = self.agent(Callee())
        answer = self.final("INVITE", agent, headers={"Content-Type": "text/plain"}, body=b"hello")
        self.assertEqual(answer.statusCode, 415)
        self.assertEqual(answer.headers.elements("accept"), ["application/sdp"])

    def test_encoding(self):
        """An unknown encoding: 415, with Accept-Encoding."""
        agent = self.agent(Callee())
        answer = self.final("INVITE", agent, headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b")
        self.assertEqual(answer.statusCode, 415)
        self.assertEqual(answer.headers.get("accept-encoding"), "identity")

    def test_served(self):
        """What is known, or may be ignored, is served."""
        cases = [
            {"Content-Type": "Application/SDP"},
            {"Content-Type": "application/sdp;charset=utf-8"},
            {"Content-Encoding": "identity"},
            {"Content-Type": "text/plain", "Content-Disposition": "render;handling=optional"},
            {"Content-Type": "text/plain", "Content-Disposition": "render;Handling=OPTIONAL"},
            {"Content-Encoding": "gzip", "Content-Disposition": "session;handling=optional"},
        ]
        agent = self.agent(Callee(lambda context: context.reject(486)))
        for headers in cases:
            self.assertEqual(self.final("INVITE", agent, headers=headers, body=OFFER).statusCode, 486, headers)

    def test_required(self):
        """handling=required, and no handling at all, want it understood (20.11)."""
        agent = self.agent(Callee())
        for disposition in ("render;handling=required", "render"):
            headers = {"Content-Type": "text/plain", "Content-Disposition": disposition}
            self.assertEqual(self.final("INVITE", agent, headers=headers, body=OFFER).statusCode, 415, disposition)

    def test_unsaid(self):
        """A body without Content-Type: 400 (20.15)."""
        answer = self.final("INVITE", self.agent(Callee()), headers={"Content-Type": None}, body=OFFER)
        self.assertEqual(answer.statusCode, 400)


class TagTests(CalleeTestCase):
    """8.2.6.2."""

    def test_refusals(self):
        """Every final answer has a tag in To, and keeps the one it had."""
        agent = self.agent()
        cases = [
            ("FOO", {}),
            ("OPTIONS", {}),
            ("BYE", {}),
            ("INVITE", {}),
            ("INVITE", {"Contact": None}),
            ("CANCEL", {}),
        ]
        for method, headers in cases:
            answer = self.final(method, agent, headers=headers)
            self.assertTrue(answer.toTag, f"{method} {headers}")
        within = self.final("INFO", agent, headers={"To": "<sip:desk@b.example>;tag=theirs"})
        self.assertEqual((within.statusCode, within.toTag), (481, "theirs"))
        self.assertEqual(within.headers.get("to").count("tag="), 1)

    def test_same(self):
        """All answers to one request have the same tag, also the 200 to its CANCEL (9.2)."""
        _agent, callee, invite = self.ring()
        callee.context.progress(180)
        callee.context.progress(183)
        self.peer.cancel(invite)
        answers = [self.peer.expect(what) for what in ("180 INVITE", "183 INVITE", "200 CANCEL", "487 INVITE")]
        self.assertEqual(len({answer.toTag for answer in answers}), 1)
        self.assertTrue(answers[0].toTag)
        self.peer.ack(answers[-1])

    def test_copied(self):
        """Via, From, Call-ID and CSeq come back as they were, Via in all its order."""
        agent = self.agent(Callee())
        vias = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-c, SIP/2.0/TCP far.example;branch=z9hG4bK-d"
        request = self.peer.request("OPTIONS", agent, headers={"Via": vias, "From": '"A, B" <sip:a@b.c>;tag=1'})
        answer = self.finalTo(request)
        for name in ("From", "Call-ID", "CSeq"):
            self.assertEqual(answer.headers.get(name), request.headers.get(name))
        self.assertEqual(answer.headers.elements("via"), request.headers.elements("via"))


class NotApplicableTests(CalleeTestCase):
    def test_contactInBye(self):
        """Section 20, table 2: a BYE has no Contact; one that is there, however malformed, is ignored."""
        agent, _callee, ok = self.call(lambda context: context.accept(body=ANSWER) and None)
        bye = self.peer.request("BYE", within=ok, headers={"Contact": "%"})
        self.assertEqual(self.finalTo(bye).statusCode, 200)
        self.assertEqual(agent.dialogs, [])
