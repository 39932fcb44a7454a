"""
The 2xx, repeated until its ACK (RFC 3261 section 13.3.1.4, RFC 6026).
"""

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase
from twisted_sipdialog.configuration import TimerValues
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, NoAck

#: When a 2xx goes out that nobody acknowledges: after T1, doubled up to T2, until 64*T1.
TIMES = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


class RepeatTests(CalleeTestCase):
    def test_times(self):
        """T1, doubled up to T2, over every transport; then BYE with Reason, NoAck, and one dialogTerminated."""
        for protocol in ("UDP", "TCP"):
            self.network.clearSeen()
            began = self.network.clock.seconds()
            callee = Callee()
            agent = self.network.userAgent(f"sip:desk@{protocol}.example", callee)
            self.peer.request("INVITE", agent, body=OFFER, protocol=protocol)
            self.network.advance(31.9)
            got = [round(time - began, 2) for time in self.whenSent(f"desk@{protocol.lower()}.example", "200 INVITE")]
            self.assertEqual(got, TIMES, protocol)
            self.assertEqual(self.sent("BYE"), 0)
            self.assertNoResult(callee.accepting[0])
            bye = self.peer.expect("BYE", 0.2)
            self.assertIn('text="ACK timeout"', bye.headers.get("reason"))
            self.failureResultOf(callee.accepting[0], NoAck)
            self.peer.respond(bye, 200)
            self.network.advance(0.1)
            self.assertEqual(callee.events, ["terminated"])
            self.assertEqual((callee.ended.reason, callee.ended.byPeer), (Reason.ACK_TIMEOUT, False))
            self.assertEqual(agent.dialogs, [])
            self.peer.received.clear()

    def whenSent(self, party, what):
        """Seconds at which C{party} sent C{what}."""
        lines = [line.partition("  to ")[0].split(maxsplit=1) for line in self.network.ladder().splitlines()]
        return [float(time) for time, rest in lines if rest.split(">")[0].strip() == party and rest.endswith(what)]

    def test_timers(self):
        """The times are those of the settings."""
        self.ring(None, timers=TimerValues(T1=0.1, T2=0.3))
        self.network.advance(6.3)
        got = self.whenSent("desk@b.example", "200 INVITE")
        self.assertEqual([round(time, 2) for time in got[:6]], [0.0, 0.1, 0.3, 0.6, 0.9, 1.2])
        self.peer.respond(self.peer.expect("BYE", 0.2), 200)

    def test_acknowledged(self):
        """The ACK ends it, at whatever time it comes."""
        for seconds, copies in ((0.1, 1), (0.6, 2), (31.9, 11)):
            callee = Callee()
            agent = self.network.userAgent("sip:x@c.example", callee)
            self.peer.received.clear()
            self.peer.request("INVITE", agent, body=OFFER)
            self.network.advance(seconds)
            ok = self.peer.received[0]
            self.peer.ack(ok)
            self.network.advance(100)
            self.assertEqual(self.sent("200 INVITE"), copies)
            self.assertEqual(callee.events, ["confirmed"])
            self.assertIs(self.successResultOf(callee.accepting[0]), callee.dialog)
            self.finalTo(self.peer.request("BYE", within=ok))

    def test_absorbed(self):
        """A repeated INVITE brings no 2xx of its own (RFC 6026): only the timer repeats it."""
        agent, callee, invite = self.ring(None)
        for _ in range(5):
            self.peer.send(invite.toBytes(), agent)
        self.network.advance(0.4)
        self.assertEqual((self.sent("200 INVITE"), len(callee.contexts)), (1, 1))
        self.peer.ack(self.peer.expect("200 INVITE"))

    def test_repeatedAck(self):
        """Repeated ACKs confirm once."""
        _agent, callee, ok = self.call()
        for _ in range(3):
            self.peer.ack(ok)
        self.network.advance(1)
        self.assertEqual(callee.events, ["confirmed"])

    def test_sameBranch(self):
        """An ACK with the branch of its INVITE counts, too (RFC 6026)."""
        _agent, callee, invite = self.ring(None)
        self.peer.ack(self.peer.expect("200 INVITE"), headers={"Via": invite.headers.get("via")})
        self.network.advance(1)
        self.assertEqual(callee.events, ["confirmed"])

    def test_wrongAck(self):
        """An ACK with another CSeq, tag or Call-ID acknowledges nothing."""
        _agent, callee, _invite = self.ring(None)
        ok = self.peer.expect("200 INVITE")
        to = ok.headers.get("to")
        for name, value in (("CSeq", "77 ACK"), ("To", to + "x"), ("From", "<sip:a@b>;tag=x"), ("Call-ID", "x")):
            self.peer.ack(ok, headers={name: value})
            self.network.advance(0.01)
            self.assertEqual(callee.dialog.state.value, "pending", name)
        self.peer.ack(ok)

    def test_lateAck(self):
        """An ACK after the end of the wait changes nothing."""
        _agent, callee, _invite = self.ring(None)
        bye = self.peer.expect("BYE")
        self.peer.ack(self.peer.expect("200 INVITE"))
        self.network.advance(0.1)
        self.peer.respond(bye, 200)
        self.network.advance(0.1)
        self.assertEqual(callee.events, ["terminated"])
        self.failureResultOf(callee.accepting[0], NoAck)


class BeforeTests(CalleeTestCase):
    """What happens between the 2xx and its ACK."""

    def test_bye(self):
        """A BYE: 200, accept() fails, the 2xx is repeated no more."""
        _agent, callee, _invite = self.ring(None)
        ok = self.peer.expect("200 INVITE")
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=ok)).statusCode, 200)
        self.failureResultOf(callee.accepting[0], DialogTerminated)
        self.peer.ack(ok)
        self.network.advance(100)
        self.assertEqual((self.sent("200 INVITE"), self.sent("BYE")), (1, 0))
        self.assertEqual(callee.events, ["terminated"])
        self.assertEqual((callee.ended.reason, callee.ended.byPeer), (Reason.REMOTE_BYE, True))

    def test_destroy(self):
        """destroy() is held, and the BYE goes out at the ACK (section 15)."""
        _agent, callee, _invite = self.ring(None)
        ok = self.peer.expect("200 INVITE")
        ending = [callee.dialog.destroy([("X-Note", "held")]), callee.dialog.destroy()]
        self.network.advance(5)
        self.assertEqual(self.sent("BYE"), 0)
        self.peer.ack(ok)
        bye = self.peer.expect("BYE", 0.1)
        self.assertEqual(bye.headers.get("x-note"), "held")
        self.peer.respond(bye, 200)
        self.network.advance(0.1)
        first, second = map(self.successResultOf, ending)
        self.assertEqual((first.method, first is second, self.sent("BYE")), ("BYE", True, 1))
        self.assertEqual(callee.events, ["confirmed", "terminated"])
        self.assertIs(callee.ended.reason, Reason.LOCAL_BYE)
        self.assertIs(self.successResultOf(callee.accepting[0]), callee.dialog)

    def test_destroyThenRequest(self):
        """Once destroy() was called nothing more is asked in the dialog, though its BYE is still held."""
        _agent, callee, _invite = self.ring(None)
        callee.dialog.destroy()
        self.failureResultOf(callee.dialog.request("INFO"), DialogTerminated)
        self.finalTo(self.peer.request("BYE", within=self.peer.expect("200 INVITE")))
        self.assertEqual(self.sent("INFO"), 0)

    def test_destroyUnacknowledged(self):
        """Without an ACK the held BYE goes out at the end of that wait; destroy() fires with it."""
        _agent, callee, _invite = self.ring(None)
        ending = callee.dialog.destroy()
        bye = self.peer.expect("BYE")
        self.assertAlmostEqual(self.network.clock.seconds(), 32.0, 1)
        self.assertNoResult(ending)
        self.peer.respond(bye, 200)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(ending).method, "BYE")
        self.assertEqual((self.sent("BYE"), callee.events), (1, ["terminated"]))

    def test_destroyThenBye(self):
        """The peer's BYE makes the held one needless: destroy() fires with None."""
        _agent, callee, _invite = self.ring(None)
        ending = callee.dialog.destroy()
        self.finalTo(self.peer.request("BYE", within=self.peer.expect("200 INVITE")))
        self.assertIsNone(self.successResultOf(ending))
        self.network.advance(100)
        self.assertEqual((self.sent("BYE"), callee.events), (0, ["terminated"]))

    def test_lost(self):
        """A peer that does not know the dialog gets its BYE no sooner (section 15, RFC 5057)."""
        _agent, callee, _invite = self.ring(None)
        ok = self.peer.expect("200 INVITE")
        asking = callee.dialog.request("INFO")
        self.peer.respond(self.peer.expect("INFO"), 481)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(asking).statusCode, 481)
        self.assertEqual(self.sent("BYE"), 0)
        self.peer.ack(ok)
        self.peer.respond(self.peer.expect("BYE", 0.1), 481)
        self.network.advance(0.1)
        self.assertIs(callee.ended.reason, Reason.DIALOG_ERROR)
        self.assertEqual(callee.events.count("terminated"), 1)

    def test_lostEarly(self):
        """And never one while the call rings: it is refused."""
        _agent, callee, invite = self.ring()
        callee.context.progress()
        callee.dialog.request("INFO")
        self.peer.respond(self.peer.expect("INFO"), 481)
        self.network.advance(0.01)
        self.assertEqual(self.finalTo(invite).statusCode, 480)
        self.assertEqual((self.sent("BYE"), callee.events), (0, ["terminated"]))

    def test_destroyInConfirmed(self):
        """A delegate may end the call in dialogConfirmed: one BYE."""

        class Hasty(Callee):
            def dialogConfirmed(self, dialog):
                super().dialogConfirmed(dialog)
                dialog.destroy()

        callee = Hasty()
        self.peer.request("INVITE", self.agent(callee), body=OFFER)
        self.peer.ack(self.peer.expect("200 INVITE"))
        self.peer.respond(self.peer.expect("BYE", 0.1), 200)
        self.network.advance(0.1)
        self.assertEqual((callee.events, self.sent("BYE")), (["confirmed", "terminated"], 1))
        self.successResultOf(callee.accepting[0])

    def test_lossyAnswer(self):
        """Lost 2xxs and ACKs cost time only."""
        callee = Callee()
        agent = self.agent(callee)
        caller = self.network.userAgent("sip:alice@a.example")
        self.network.drop(lambda m: m.statusCode == 200, 3)
        self.network.drop(lambda m: m.method == "ACK", 2)
        calling = caller.invite("sip:desk@b.example", body=OFFER)
        self.network.advance(31)
        dialog = self.successResultOf(calling)
        self.assertEqual(callee.events, ["confirmed"])
        self.assertEqual(dialog.remote.sdp, ANSWER)
        self.assertEqual(len(agent.dialogs), 1)
