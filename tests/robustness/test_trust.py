"""
Who is believed (classes B32, B34): neither the Via of a peer, nor line breaks of an application.
"""

from tests.robustness.case import SDP, Accepting, RawPeer, RobustCase, message
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message import Headers, Request, Response

#: What must not get into a header.
BREAKS = ("a\r\nInjected: 1", "a\nInjected: 1", "a\rInjected: 1", "a\0b", "a\r\n\r\nMESSAGE sip:x SIP/2.0")


class ReflectionTests(RobustCase):
    def setUp(self) -> None:
        super().setUp()
        self.victim = RawPeer(self.network, "victim.example", ports=(5060, 7777))
        self.addCleanup(self.victim.close)

    def test_b32_forgedVia(self):
        """
        RFC 3261 section 18.2.2, RFC 3581 section 4: whatever a Via names, the answer goes to the address the request
        came from.
        """
        host = self.victim.host
        number = 0
        for method in ("OPTIONS", "INVITE", "REGISTER", "BYE", "SUBSCRIBE", "FOO"):
            for sentBy in (
                host,
                f"{host};received={host}",
                f"{host};maddr={host}",
                f"{host};rport=7777;received={host}",
                f"raw.example;maddr={host};ttl=9",
                f"{host}, SIP/2.0/UDP {host}",
            ):
                number += 1
                via = f"SIP/2.0/UDP {sentBy};branch=z9hG4bK-{number}"
                self.assertTrue(self.ask(message(method, number=number, via=via)), via)
                self.ask(message(method, number=number + 1_000, via=via, to=None))
        for stream in (self.raw.connect(self.address),):
            stream.send(message("OPTIONS", protocol="TCP", via=f"SIP/2.0/TCP {host};received={host};branch=z9hG4bKt"))
            self.network.advance(1)
            self.assertEqual(stream.statuses, [200])
        self.network.advance(40)
        self.assertEqual(self.victim.datagrams, [])
        self.assertServes()

    def test_b32_lostStream(self):
        """
        RFC 3261 section 18.2.2: when the connection of a request is gone, its answer goes where the request came
        from, not where its Via says.
        """
        host = self.victim.host
        stream = self.raw.connect(self.address)
        via = f"SIP/2.0/TCP {host}:5060;received={host};maddr={host};branch=z9hG4bKlost"
        stream.send(message("INVITE", protocol="TCP", via=via))
        stream.transport.loseConnection()
        self.network.advance(40)
        self.assertEqual(
            (self.victim.datagrams, [e for e in self.network.ends if e.reactor is self.victim.reactor]), ([], [])
        )

    def test_b32_amplification(self):
        """
        RFC 3261 section 8.2.7: nonsense is answered once, without state, and by hardly more than it was; what answers
        or acknowledges is never answered.
        """
        for data in (
            b"",
            b"\0" * 100,
            b"\r\n\r\n",
            b"x",
            b"SIP/2.0 200 OK\r\n\r\n",
            message("ACK"),
            message("ACK", to=None),
            message(start="SIP/2.0 200 OK"),
            b"INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n",
            message("INVITE", to=None),
            message("INVITE", content_length="9"),
            message("INVITE", extra="Via: SIP/2.0/UDP a\r\n" * 180, cseq="x"),
        ):
            self.raw.datagrams.clear()
            self.ask(data, 40)
            self.assertTrue(len(self.raw.datagrams) <= 1, data)
            self.assertTrue(sum(map(len, self.raw.datagrams)) <= len(data) + 128, data)
            self.assertEqual(self.agent._transactions.counts, (0, 0), data)
        self.assertServes()


class InjectionTests(RobustCase):
    def makeDelegate(self) -> Accepting:
        return Accepting()

    def test_b34_values(self):
        """
        RFC 3261 section 25.1: a message is not built from a value with a line break in it.
        """
        for text in BREAKS:
            for build in (
                lambda: Headers([("Subject", text)]),  # noqa: B023
                lambda: Headers([(text, "x")]),  # noqa: B023
                lambda: Headers().add("Subject", text),  # noqa: B023
                lambda: Headers().set("Subject", text),  # noqa: B023
                lambda: Headers().prepend("Subject", text),  # noqa: B023
                lambda: Request(text, "sip:a@b.example"),  # noqa: B023
                lambda: Request("OPTIONS", f"sip:{text}"),  # noqa: B023
                lambda: Response(200, text),  # noqa: B023
                lambda: Request("OPTIONS", "sip:a").response(200, text),  # noqa: B023
                lambda: Request("OPTIONS", "sip:a").response(200, headers=[("Subject", text)]),  # noqa: B023
                lambda: Request("OPTIONS", "sip:a").response(200, contentType=text),  # noqa: B023
            ):
                self.assertRaises(InvalidValue, build)

    def test_b34_verbsOfTheUserAgent(self):
        """
        RFC 3261 section 25.1: the verbs raise, or fail, before anything is sent.
        """
        to = f"sip:peer@{self.peer.address[0]}"
        agent = self.agent
        for text in BREAKS:
            for ask in (
                lambda: agent.invite(f"{to};{text}", SDP),  # noqa: B023
                lambda: agent.invite(to, SDP, text),  # noqa: B023
                lambda: agent.invite(to, SDP, extraHeaders=[("Subject", text)]),  # noqa: B023
                lambda: agent.invite(to, SDP, extraHeaders=[(text, "x")]),  # noqa: B023
                lambda: agent.request("OPTIONS", text),  # noqa: B023
                lambda: agent.request(text, to),  # noqa: B023
                lambda: agent.request("MESSAGE", to, b"x", text),  # noqa: B023
                lambda: agent.request("MESSAGE", to, extraHeaders=[("Subject", text)]),  # noqa: B023
            ):
                self.assertRaises(InvalidValue, ask)
        self.network.advance(2)
        self.assertEqual(self.network.seenBy(agent), [])

    def test_b34_verbsOfContextAndDialog(self):
        """
        RFC 3261 section 25.1: and so do the verbs that answer, and those of a dialog.
        """
        refused = []

        def inviteReceived(context):
            for text in BREAKS:
                for ask in (
                    lambda: context.progress(reasonPhrase=text),  # noqa: B023
                    lambda: context.progress(extraHeaders=[("Subject", text)]),  # noqa: B023
                    lambda: context.progress(183, body=SDP, contentType=text),  # noqa: B023
                    lambda: context.reject(486, text),  # noqa: B023
                    lambda: context.reject(486, extraHeaders=[("Subject", text)]),  # noqa: B023
                    lambda: context.accept(extraHeaders=[(text, "x")], body=SDP),  # noqa: B023
                    lambda: context.accept(body=SDP, contentType=text),  # noqa: B023
                    lambda: context.accept(200, text, body=SDP),  # noqa: B023
                ):
                    self.assertRaises(InvalidValue, ask)
                    refused.append(text)
            context.accept(body=SDP)

        self.delegate.inviteReceived = inviteReceived
        self.peer.request("INVITE", self.agent, body=SDP)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.1)
        self.assertEqual(len(refused), 8 * len(BREAKS))
        (dialog,) = self.agent.dialogs
        for text in BREAKS:
            for ask in (
                lambda: dialog.request(text),  # noqa: B023
                lambda: dialog.request("INFO", b"x", text),  # noqa: B023
                lambda: dialog.request("INFO", extraHeaders=[("Subject", text)]),  # noqa: B023
                lambda: dialog.destroy([("Reason", text)]),  # noqa: B023
                lambda: dialog.destroy(reason=text),  # noqa: B023
            ):
                self.assertRaises(InvalidValue, ask)
        self.network.advance(2)
        self.assertEqual(len(self.agent.dialogs), 1)
        self.assertNotIn("Injected", repr(self.peer.raw))

    def test_b34_displayName(self):
        """
        RFC 3261 section 25.1: nor does our own name get there.
        """
        for number, text in enumerate(BREAKS):
            if "\0" not in text:
                aor = f"sip:s{number}@s{number}.example"
                self.assertRaises(InvalidValue, self.network.userAgent, aor, displayName=text)
