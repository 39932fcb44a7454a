"""
A request as our user agent builds and sends it (RFC 3261 sections 8.1.1, 8.1.2, 12.2.1.1).
"""

from tests.ua.calling import BOB, OFFER, CallerCase
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import InvalidState, InvalidValue, LocalError, LocateError


class RequestTests(CallerCase):
    def test_mandatoryHeaders(self):
        """
        Section 8.1.1: To, From, CSeq, Call-ID, Max-Forwards and Via are there, once each.
        """
        _, invite = self.invite()
        for name in ("To", "From", "CSeq", "Call-ID", "Max-Forwards", "Via", "Contact", "Content-Length"):
            self.assertEqual(len(invite.headers.getAll(name)), 1, name)
        self.assertEqual(invite.headers.get("Max-Forwards"), "70")
        self.assertEqual(invite.uriText, BOB)
        self.assertEqual((invite.cseqMethod, 0 < invite.cseqNumber < 2**31), ("INVITE", True))

    def test_tags(self):
        """
        Sections 8.1.1.2, 8.1.1.3, 19.3: From is our AOR with a tag, To the target without one.
        """
        _, invite = self.invite()
        self.assertEqual((str(invite.from_.uri), str(invite.to.uri)), ("sip:alice@a.example", BOB))
        self.assertTrue(len(invite.fromTag) >= 8)
        self.assertEqual(invite.toTag, "")

    def test_via(self):
        """
        Sections 8.1.1.7 and 18.1.1, RFC 3581: the address we listen on, an RFC 3261 branch, rport.
        """
        _, invite = self.invite()
        host, port = self.network.addressOf(self.alice)
        self.assertEqual((invite.via.transport, invite.via.host), ("UDP", host))
        self.assertEqual(invite.via.port or 5060, port)
        self.assertTrue(invite.via.branch.startswith("z9hG4bK"))
        self.assertIn("rport", invite.via.parameters)

    def test_contact(self):
        """
        Section 8.1.1.8: one SIP URI at which requests reach us.
        """
        _, invite = self.invite()
        (contact,) = invite.contacts
        host, _ = self.network.addressOf(self.alice)
        self.assertEqual((contact.uri.scheme, contact.uri.user, contact.uri.host), ("sip", "alice", host))

    def test_allow(self):
        """
        Section 13.2.1: an INVITE says which methods may come inside its dialog.
        """
        _, invite = self.invite()
        allowed = invite.headers.get("Allow")
        for method in ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO"):
            self.assertIn(method, allowed)

    def test_body(self):
        """
        Section 20.15: a body goes with its type and its length.
        """
        _, invite = self.invite(body=b"hello", contentType="text/plain")
        self.assertEqual((invite.body, invite.headers.get("Content-Type")), (b"hello", "text/plain"))
        self.assertEqual(invite.headers.get("Content-Length"), "5")

    def test_everyCallItsOwn(self):
        """
        Sections 8.1.1.4, 8.1.1.7, 19.3: Call-ID, branch and tag are never used twice.
        """
        invites = [self.invite()[1] for _ in range(5)]
        for values in ([i.callId for i in invites], [i.via.branch for i in invites], [i.fromTag for i in invites]):
            self.assertEqual(len(set(values)), 5, values)

    def test_extraHeaders(self):
        """
        Further headers go out as given, in order, each as often as given.
        """
        extra = [("X-One", "1"), ("Subject", "Grüße"), ("X-One", "2")]
        _, invite = self.invite(extraHeaders=extra)
        self.assertEqual((invite.headers.getAll("X-One"), invite.headers.get("Subject")), (["1", "2"], "Grüße"))

    def test_injection(self):
        """
        Nothing an application gives can start a header of its own; nothing is sent (B34).
        """
        bad = "1\r\nRoute: <sip:evil.example>"
        calls = {
            "header value": {"extraHeaders": [("X-One", bad)]},
            "header name": {"extraHeaders": [("X-One: 1\r\nX-Two", "1")]},
            "target": {"target": f"sip:bob@peer.example;{bad}"},
            "bare user": {"target": "bob\r\nX: 1"},
        }
        for name, arguments in calls.items():
            with self.assertRaises(InvalidValue, msg=name):
                self.alice.invite(**{"target": BOB, "body": OFFER, **arguments})
            with self.assertRaises(InvalidValue, msg=name):
                self.alice.request("OPTIONS", **{"target": BOB, **arguments})
        with self.assertRaises(InvalidValue):
            self.alice.request("MESSAGE", BOB, b"x", f"text/plain{bad}")
        self.network.advance(1)
        self.assertEqual(self.network.seenBy(self.alice), [])

    def test_injectedContentType(self):
        """
        The type of an offer cannot start a header either.
        """
        with self.assertRaises(InvalidValue):
            self.alice.invite(BOB, body=OFFER, contentType="application/sdp\r\nX: 1")

    def test_displayName(self):
        """
        Section 25.1: a display name is quoted as it must be.
        """
        agent = self.network.userAgent("sip:carol@c.example", displayName='Carol "C" Ö')
        self.request("OPTIONS", agent=agent)
        self.assertEqual(self.peer.expect("OPTIONS").from_.displayName, 'Carol "C" Ö')

    def test_notRunning(self):
        """
        Before startService() there is nothing to send by.
        """
        agent = self.network.userAgent("sip:carol@c.example")
        self.network.advance(1)
        agent.stopService()
        self.network.advance(10)
        self.assertRaises(InvalidState, agent.invite, BOB, body=OFFER)
        self.assertRaises(InvalidState, agent.request, "OPTIONS", BOB)


class TargetTests(CallerCase):
    def test_targets(self):
        """
        A target is a URI, a name-addr, or a bare user of our own domain.
        """
        cases = {
            "sip:bob@peer.example": "sip:bob@peer.example",
            '"Bob, B." <sip:bob@peer.example>': "sip:bob@peer.example",
            "<sip:bob@peer.example;x=1>;tag=wrong": "sip:bob@peer.example;x=1",
        }
        for target, uri in cases.items():
            self.request("OPTIONS", target)
            options = self.peer.expect("OPTIONS")
            self.assertEqual((options.uriText, options.toTag), (uri, ""), target)

    def test_bareUser(self):
        """
        A bare user is one of our domain.
        """
        context = self.alice.inviteContext("bob", body=OFFER)
        self.network.advance(0.1)
        uri = "sip:bob@a.example"
        self.assertEqual((context.request.uriText, str(context.request.to.uri)), (uri, uri))

    def test_invalid(self):
        """
        What is no target is refused at once.
        """
        for target in (
            "",
            " ",
            "sip:",
            "sip:bob@",
            "<sip:bob@peer.example",
            "sip:bob@a b",
            "bob smith",
            "sip:bob@x:99999",
        ):
            with self.assertRaises(InvalidValue, msg=target):
                self.alice.invite(target, body=OFFER)
        self.assertEqual(self.network.seenBy(self.alice), [])

    def test_noHeadersInRequestUri(self):
        """
        Section 19.1.1 table 1: headers of a URI are not part of a Request-URI, nor of To.
        """
        _, invite = self.invite("sip:bob@peer.example?Subject=x")
        self.assertEqual((invite.uriText, str(invite.to.uri)), (BOB, BOB))

    def test_tel(self):
        """
        A telephone number has no address: without an outbound proxy the call fails, and says why.
        """
        calling = self.alice.invite("tel:+441632960000", body=OFFER)
        self.network.advance(1)
        self.assertIn("tel:+441632960000", str(self.failureResultOf(calling, LocateError).value))
        self.assertNothingLeft()

    def test_nothingToSay(self):
        """
        A call needs a body or media.
        """
        self.assertRaises(LocalError, self.alice.invite, BOB)
        self.assertNothingLeft()

    def test_byTcp(self):
        """
        RFC 3263 section 4.1: transport=tcp goes by TCP; Via and Contact say so.
        """
        _, invite = self.invite(f"{BOB};transport=tcp")
        self.assertEqual(invite.via.transport, "TCP")
        self.assertEqual(invite.contacts[0].uri.transport, "tcp")

    def test_sips(self):
        """
        Section 26.2.2: sips never goes in clear.
        """
        calling = self.alice.invite("sips:bob@peer.example", body=OFFER)
        self.network.advance(1)
        self.failureResultOf(calling, LocateError)
        self.assertEqual(self.peer.raw, [])

    def test_ipv6(self):
        """
        A literal IPv6 target; our addresses stand in brackets (section 25.1).
        """
        host, other = (self.network.host(f"{name}.example") for name in ("six", "seven"))
        agent, seven = (
            self.network.userAgent(f"sip:me@{h.name}", listen="udp:5060:interface=" + h.ipv6.replace(":", "\\:"))
            for h in (host, other)
        )
        calling = agent.inviteContext(f"sip:seven@[{other.ipv6}]", body=OFFER)
        self.network.advance(1)
        self.assertEqual(self.network.seenBy(seven)[:2], ["< INVITE", "> 480 INVITE"])
        self.assertEqual(calling.request.via.host.strip("[]"), host.ipv6)
        self.assertEqual(calling.request.contacts[0].uri.host.strip("[]"), host.ipv6)


class OutboundProxyTests(CallerCase):
    settings = {
        "outboundProxy": "sip:peer.example",
        "credentials": [Credentials("alice", "wonderland", realm="example.com")],
    }

    def test_route(self):
        """
        Section 8.1.2: the proxy is a pre-loaded loose route; the Request-URI stays the target's.
        """
        _, invite = self.invite("sip:bob@elsewhere.example")
        (route,) = invite.headers.getAll("Route")
        self.assertEqual(route.partition(">")[0], "<sip:peer.example;lr")
        self.assertEqual(invite.uriText, "sip:bob@elsewhere.example")

    def test_tel(self):
        """
        The proxy may know what to do with a telephone number.
        """
        _, invite = self.invite("tel:+441632960000")
        self.assertEqual(invite.uriText, "tel:+441632960000")

    def test_notInsideDialogs(self):
        """
        Section 12.2.1.1: in a dialog only its route set counts.
        """
        dialog, _, ack = self.call("sip:bob@elsewhere.example")
        dialog.destroy()
        bye = self.endsBye()
        for request in (ack, bye):
            self.assertEqual(request.headers.getAll("Route"), [], request.method)

    def test_cancelGoesTheSameWay(self):
        """
        Section 9.1: a CANCEL has the Route of its INVITE.
        """
        calling, invite = self.invite("sip:bob@elsewhere.example")
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        calling.cancel()
        cancel = self.peer.expect("CANCEL")
        self.assertEqual(cancel.headers.getAll("Route"), invite.headers.getAll("Route"))
        self.peer.respond(cancel, 200)
        self.peer.respond(invite, 487)
        self.network.advance(1)
        self.failureResultOf(calling)
