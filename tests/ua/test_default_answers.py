"""
What is answered when no delegate does.
"""

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase
from twisted_sipdialog.delegates import DialogDelegate, UserAgentDelegate
from twisted_sipdialog.media.fixed import FixedMedia


class OutsideTests(CalleeTestCase):
    def test_invite(self):
        """A call: 480 at once, with or without the no-op base."""
        for name, delegate in (("a", None), ("b", UserAgentDelegate()), ("c", object()), ("d", DialogDelegate())):
            agent = self.network.userAgent(f"sip:{name}@c.example", delegate, media=FixedMedia(ANSWER))
            self.assertEqual(self.final("INVITE", agent, body=OFFER).statusCode, 480, repr(delegate))
            self.assertEqual(agent.dialogs, [])
            self.assertEqual(self.network.seenBy(agent)[:2], ["< INVITE", "> 480 INVITE"])

    def test_options(self):
        """OPTIONS: 200 with Allow, Accept and Supported (11.2)."""
        answer = self.final("OPTIONS", self.agent())
        self.assertEqual(answer.statusCode, 200)
        self.assertIn("INVITE", answer.headers.elements("allow"))
        self.assertEqual(answer.headers.elements("accept"), ["application/sdp"])
        self.assertEqual(
            answer.headers.elements("supported"),
            ["100rel", "timer", "replaces", "norefersub", "nosub", "explicitsub", "tdialog"],
        )
        off = dict.fromkeys(("rel100", "sessionTimers", "replaces"), "off")
        agent = self.network.userAgent("sip:other@c.example", supported=("magic",), referPolicy="refuse", **off)
        answer = self.final("OPTIONS", agent)
        self.assertEqual(answer.headers.elements("supported"), ["magic"])
        self.assertFalse({"PRACK", "REFER"} & {*answer.headers.elements("allow")})

    def test_strangers(self):
        """What belongs to a dialog or subscription we do not have: 481."""
        agent = self.agent(Callee())
        self.assertEqual(self.final("BYE", agent).statusCode, 481)
        self.assertEqual(self.final("CANCEL", agent).statusCode, 481)
        notify = {"Event": "presence", "Subscription-State": "active"}
        self.assertEqual(self.final("NOTIFY", agent, headers=notify).statusCode, 481)
        for method in ("BYE", "INVITE", "INFO", "MESSAGE", "NOTIFY", "OPTIONS", "UPDATE", "FOO"):
            answer = self.final(method, agent, headers={"To": "<sip:desk@b.example>;tag=unknown"})
            self.assertEqual(answer.statusCode, 481, method)

    def test_strayAck(self):
        """An ACK of nothing is absorbed (RFC 6026)."""
        agent = self.agent(Callee())
        for tag in ("", ";tag=unknown"):
            self.peer.request("ACK", agent, headers={"To": f"<sip:desk@b.example>{tag}"})
        self.network.advance(1)
        self.assertEqual(self.network.seenBy(agent), ["< ACK", "< ACK"])
        self.assertEqual(agent.leftovers(), [])


class InsideTests(CalleeTestCase):
    def ask(self, ok, method, **how):
        return self.finalTo(self.peer.request(method, within=ok, **how))

    def test_answers(self):
        """The default answers in a dialog."""
        agent, callee, ok = self.call()
        cases = [
            ("INFO", {}, 200),
            ("INFO", {"Info-Package": "nobodyKnows"}, 469),
            ("MESSAGE", {}, 200),
            ("NOTIFY", {"Event": "refer", "Subscription-State": "active"}, 481),
            ("OPTIONS", {}, 200),
            ("FOO", {}, 405),
            ("PUBLISH", {}, 405),
            ("message", {}, 405),
            ("invite", {}, 405),
        ]
        for method, headers, status in cases:
            answer = self.ask(ok, method, headers=headers)
            self.assertEqual(answer.statusCode, status, f"{method} {headers}")
            if status == 405:
                self.assertIn("INFO", answer.headers.elements("allow"))
            if status == 469:
                self.assertIn("recv-info", answer.headers)  # RFC 6086 section 4.2.2
        # None of them ends the call (RFC 5057).
        self.assertEqual(agent.dialogs, [callee.dialog])
        self.assertEqual(self.ask(ok, "BYE").statusCode, 200)
        self.assertEqual(callee.events, ["confirmed", "terminated"])

    def test_bodies(self):
        """INFO and MESSAGE carry any body."""
        _agent, _callee, ok = self.call()
        for method, kind in (("INFO", "application/dtmf-relay"), ("MESSAGE", "text/html"), ("MESSAGE", "text/plain")):
            answer = self.ask(ok, method, headers={"Content-Type": kind}, body=b"Signal=5")
            self.assertEqual(answer.statusCode, 200, kind)

    def test_delegates(self):
        """The dialog's own delegate is asked first, then the user agent's."""

        class Infos(Callee):
            def infoReceived(self, context):
                asked.append((self, context.dialog))
                context.accept(202)

        class Own(DialogDelegate):
            def messageReceived(self, context):
                asked.append((self, context.dialog))
                context.reply(603)

            def publishReceived(self, context):
                context.accept(299)

        asked = []
        own = Own()
        callee = Infos(lambda context: context.accept(body=ANSWER, delegate=own))
        agent = self.agent(callee)
        self.peer.request("INVITE", agent, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.assertEqual(self.ask(ok, "INFO").statusCode, 202)
        self.assertEqual(self.ask(ok, "MESSAGE").statusCode, 603)
        self.assertEqual(self.ask(ok, "PUBLISH").statusCode, 299)
        self.assertEqual(asked, [(callee, callee.dialog), (own, callee.dialog)])
