"""
A call as its receiver answers it (RFC 3261 section 13.3), and the dialog that comes of it (12.1.1).
"""

from twisted.internet.defer import Deferred

from tests.ua.callee import ANSWER, OFFER, VIDEO, Callee, CalleeTestCase, later
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, InvalidState, InvalidValue, LocalError
from twisted_sipdialog.media.fixed import FixedDescription, FixedMedia
from twisted_sipdialog.message.sdp import NotAcceptable


class Slow(FixedDescription):
    """Describes when the test says so, and counts."""

    __slots__ = ("closed", "rolledBack", "waiting")

    def __init__(self, body=ANSWER):
        super().__init__(body)
        self.waiting = None
        self.closed = self.rolledBack = 0

    def answer(self, offer):
        self.waiting = Deferred().addCallback(lambda _: super(Slow, self).answer(offer))
        return self.waiting

    def rollback(self):
        self.rolledBack += 1
        super().rollback()

    def close(self):
        self.closed += 1


class TimeTests(CalleeTestCase):
    """13.3.1: how long a call may ring."""

    def test_noAnswer(self):
        """noAnswerTimeout: 408; a ringing call's dialog ends with it."""
        _agent, callee, invite = self.ring(noAnswerTimeout=7.0)
        callee.context.progress()
        self.network.advance(6.9)
        self.assertEqual(self.sent("408 INVITE"), 0)
        self.network.advance(0.2)
        self.assertEqual(self.finalTo(invite).statusCode, 408)
        self.assertIs(callee.ended.reason, Reason.NO_ANSWER)
        self.assertRaises(InvalidState, callee.context.accept, body=ANSWER)

    def test_default(self):
        """It is a minute."""
        _agent, callee, invite = self.ring()
        self.network.advance(59.8)
        self.assertFalse(callee.context.answered)
        self.network.advance(0.3)
        self.assertEqual(self.finalTo(invite).statusCode, 408)

    def test_expires(self):
        """Expires of the INVITE, when it is sooner: 487 (13.3.1)."""
        for seconds, status in (("3", 487), ("9", 408), ("0", 487), ("4294967295", 408), ("1_0", 408), ("\uff11", 408)):
            callee = Callee(later)
            agent = self.network.userAgent("sip:x@c.example", callee, noAnswerTimeout=7.0)
            invite = self.peer.request("INVITE", agent, headers={"Expires": seconds}, body=OFFER)
            self.network.advance(0.01)
            if not callee.context.answered:
                callee.context.progress()
            self.network.advance(min(int(seconds), 7) + 0.1 if seconds.isascii() else 7.1)
            self.assertEqual(self.finalTo(invite).statusCode, status, seconds)
            if callee.events:
                expected = Reason.EXPIRED if status == 487 else Reason.NO_ANSWER
                self.assertIs(callee.ended.reason, expected)

    def test_reminder(self):
        """A provisional is repeated each minute, so that no proxy gives up (13.3.1.1)."""
        _agent, callee, _invite = self.ring(noAnswerTimeout=None)
        callee.context.progress(183)
        self.network.advance(181)
        self.assertEqual(self.sent("183 INVITE"), 4)
        callee.context.reject(486)

    def test_slowDescription(self):
        """A description that is never made holds no call open, nor one that the delegate does not wait for."""
        slow = Slow()
        _agent, callee, invite = self.ring(lambda context: context.accept(media=lambda host: slow) and None)
        self.network.advance(61)
        self.assertEqual(self.finalTo(invite).statusCode, 408)
        self.assertEqual(callee.events, [])

    def test_slowDescriptionLater(self):
        """The same when it was asked for later."""
        slow = Slow()
        _agent, callee, invite = self.ring()
        accepting = callee.context.accept(media=lambda host: slow)
        self.network.advance(61)
        self.assertEqual(self.finalTo(invite).statusCode, 408)
        self.failureResultOf(accepting, DialogTerminated)
        slow.waiting.callback(None)
        self.assertEqual((slow.closed, self.sent("200 INVITE")), (1, 0))


class DescriptionTests(CalleeTestCase):
    """13.3.1.4, RFC 3264: the body of the 2xx."""

    def refused(self, callee, invite, status, *errors):
        self.assertEqual(self.finalTo(invite).statusCode, status)
        self.assertEqual(self.peer.received[-1].statusCode, status)
        self.failureResultOf(callee.accepting.pop(), *errors)

    def accept(self, **how):
        def answer(context):
            callee.accepting.append(context.accept(**how))

        callee = Callee(answer)
        return callee

    def test_verbatim(self):
        """An explicit body goes out as it is, whatever it is."""
        for body, kind in ((ANSWER, None), (b"not SDP at all", None), (b"<x/>", "application/xml")):
            callee = self.accept(body=body, contentType=kind, media=FixedMedia(ANSWER))
            agent = self.network.userAgent("sip:x@c.example", callee)
            self.peer.request("INVITE", agent, body=OFFER)
            ok = self.peer.expect("200 INVITE")
            self.assertEqual((ok.body, ok.headers.get("content-type")), (body, kind or "application/sdp"))
            self.peer.ack(ok)
            self.network.advance(0.01)
            self.assertEqual(self.successResultOf(callee.accepting[0]).local.sdp, body)

    def test_media(self):
        """Else the media of accept(), else that of the configuration, answers the offer."""
        other = ANSWER.replace(b"6000", b"7000")
        for how, port in (({}, b"6000"), ({"media": FixedMedia(other)}, b"7000")):
            callee = self.accept(**how)
            agent = self.network.userAgent("sip:x@c.example", callee, media=FixedMedia(ANSWER))
            self.peer.request("INVITE", agent, body=OFFER)
            ok = self.peer.expect("200 INVITE")
            self.assertIn(b"m=audio " + port, ok.body)
            self.peer.ack(ok)
            self.network.advance(0.01)
            self.assertEqual(callee.dialog.remote.sdp, OFFER)

    def test_nothing(self):
        """With neither it is the application's mistake, told before anything is sent."""
        agent, callee, _invite = self.ring()
        self.assertRaises(LocalError, callee.context.accept)
        self.network.advance(0.01)
        self.assertEqual(self.network.seenBy(agent), ["< INVITE"])
        callee.context.accept(body=ANSWER)  # the mistake can be mended
        self.peer.ack(self.peer.expect("200 INVITE"))

    def test_doesNotFit(self):
        """An offer that cannot be answered: 488, and accept() fails."""
        callee = self.accept(media=FixedMedia(ANSWER))
        invite = self.peer.request("INVITE", self.agent(callee), body=VIDEO)
        self.refused(callee, invite, 488, NotAcceptable)

    def test_malformedOffer(self):
        """One that cannot be read: 400 or 488, and the next call is served (21.4.26)."""
        callee = self.accept(media=FixedMedia(ANSWER))
        agent = self.agent(callee)
        for body in (b"v=0", b"\0\xff", b"m=audio", OFFER[:-30]):
            invite = self.peer.request("INVITE", agent, body=body)
            self.assertIn(self.finalTo(invite).statusCode, (400, 488), body)
            self.failureResultOf(callee.accepting.pop())
        self.peer.request("INVITE", agent, body=OFFER)
        self.peer.ack(self.peer.expect("200 INVITE"))

    def test_broken(self):
        """A description that raises is ours to blame: 500, logged."""

        class Broken(Slow):
            def answer(self, offer):
                return 1 / 0

        broken = Broken()
        callee = self.accept(media=lambda host: broken)
        invite = self.peer.request("INVITE", self.agent(callee), body=OFFER)
        self.refused(callee, invite, 500, ZeroDivisionError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(broken.closed, 1)

    def test_slow(self):
        """A description may take its time; a second accept() meanwhile raises."""
        slow = Slow()
        callee = self.accept(media=lambda host: slow)
        self.peer.request("INVITE", self.agent(callee), body=OFFER)
        self.network.advance(1)
        self.assertRaises(InvalidState, callee.context.accept, body=ANSWER)
        slow.waiting.callback(None)
        self.peer.ack(self.peer.expect("200 INVITE"))
        self.network.advance(0.01)
        self.successResultOf(callee.accepting[0])

    def test_lateOffer(self):
        """An INVITE without an offer: ours is in the 200, the answer in the ACK (13.2.1)."""
        for how in ({"body": ANSWER}, {"media": FixedMedia(ANSWER)}):
            callee = self.accept(**how)
            agent = self.network.userAgent("sip:x@c.example", callee)
            self.peer.request("INVITE", agent)
            ok = self.peer.expect("200 INVITE")
            self.assertEqual(ok.body, ANSWER)
            self.assertNoResult(callee.accepting[0])
            self.peer.ack(ok, body=OFFER)
            self.network.advance(0.01)
            dialog = self.successResultOf(callee.accepting[0])
            self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (ANSWER, OFFER))

    def test_lateAnswerMissing(self):
        """An ACK without the answer, or with one that does not fit: BYE, and accept() fails."""
        for body in (b"", VIDEO, b"nonsense"):
            callee = self.accept(media=FixedMedia(ANSWER))
            agent = self.network.userAgent("sip:x@c.example", callee)
            self.peer.request("INVITE", agent)
            self.peer.ack(self.peer.expect("200 INVITE"), body=body)
            bye = self.peer.expect("BYE")
            self.assertIn("488", bye.headers.get("reason"))
            self.peer.respond(bye, 200)
            self.network.advance(0.01)
            self.failureResultOf(callee.accepting.pop())
            self.assertEqual(callee.events, ["terminated"], body)

    def test_lateAnswerUnreadable(self):
        """An ACK whose body cannot even be taken apart ends the call as one without an answer does."""
        callee = self.accept(media=FixedMedia(ANSWER))
        self.peer.request("INVITE", self.agent(callee))
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok, {"Content-Type": "multipart/mixed;boundary=x"}, b"no part at all")
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(0.01)
        self.failureResultOf(callee.accepting.pop())
        self.assertEqual(callee.events, ["terminated"])

    def test_closed(self):
        """The description of a call is closed once, at its end."""
        slow = Slow()
        callee = self.accept(media=lambda host: slow)
        self.peer.request("INVITE", self.agent(callee), body=OFFER)
        self.network.advance(0.01)
        slow.waiting.callback(None)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.01)
        self.assertEqual(slow.closed, 0)
        self.finalTo(self.peer.request("BYE", within=ok))
        self.assertEqual(slow.closed, 1)

    def test_injection(self):
        """accept() refuses what would begin a new line, and sends nothing."""
        agent, callee, _invite = self.ring()
        for bad in ("a\r\nX: b", "a\nb", "a\rb"):
            for how in (
                {"reasonPhrase": bad},
                {"contentType": bad},
                {"extraHeaders": [("X", bad)]},
                {"extraHeaders": [(bad, "x")]},
            ):
                self.assertRaises(InvalidValue, callee.context.accept, body=ANSWER, **how)
        self.network.advance(0.01)
        self.assertEqual((self.peer.received, agent.dialogs), ([], []))
        callee.context.reject(486)


class DialogTests(CalleeTestCase):
    """12.1.1."""

    def test_answer(self):
        """A 2xx and a provisional carry Contact, tag, Record-Route, and what the application adds."""
        routes = "<sip:p2.example;lr>, <sip:p1.example;lr>"
        _agent, callee, _invite = self.ring(headers={"Record-Route": routes})
        callee.context.progress(180, extraHeaders=[("X-Note", "ringing")])
        accepting = callee.context.accept(202, "Gladly", [("X-Note", "here")], body=ANSWER)
        ringing, ok = self.peer.expect("180 INVITE"), self.peer.expect("202 INVITE")
        for message, note in ((ringing, "ringing"), (ok, "here")):
            self.assertEqual(message.headers.elements("record-route"), routes.split(", "))
            self.assertEqual(len(message.contacts), 1)
            self.assertEqual(message.headers.get("x-note"), note)
        self.assertEqual((ok.reasonPhrase, ringing.toTag), ("Gladly", ok.toTag))
        self.assertIn("INVITE", ok.headers.elements("allow"))
        self.peer.ack(ok)
        self.network.advance(0.01)
        self.assertIs(self.successResultOf(accepting), callee.dialog)

    def test_state(self):
        """Early with the first provisional but 100, pending with the 2xx, stable with the ACK."""
        agent, callee, invite = self.ring()
        context = callee.context
        context.data["who"] = "me"
        context.progress(100)
        self.assertIsNone(context.dialog)
        context.progress(180)
        dialog = context.dialog
        self.assertEqual((dialog.state.value, dialog.role, agent.dialogs), ("early", "uas", [dialog]))
        context.accept(body=ANSWER)
        self.assertEqual(dialog.state.value, "pending")
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.01)
        self.assertEqual(dialog.state.value, "stable")
        self.assertEqual(dialog.id, f"{invite.callId};from-tag={invite.fromTag};to-tag={ok.toTag}")
        self.assertEqual(dialog.sip.localTag, ok.toTag)
        self.assertEqual(dialog.data, {"who": "me"})
        self.assertEqual(dialog.remote.uri, "sip:peer@192.0.2.1:5060")
        self.assertIs(dialog.userAgent, agent)

    def test_routes(self):
        """Our requests go by Record-Route in its order, to the Contact (12.1.1, 12.2.1.1)."""
        first = f"<sip:{self.peer.address[0]};lr>"
        _agent, callee, ok = self.call(headers={"Record-Route": f"{first}, <sip:p1.example;lr>"})
        callee.dialog.destroy()
        bye = self.peer.expect("BYE")
        self.assertEqual(bye.headers.elements("route"), [first, "<sip:p1.example;lr>"])
        self.assertEqual(bye.uriText, "sip:peer@192.0.2.1:5060")
        self.assertEqual((bye.fromTag, bye.toTag, bye.callId), (ok.toTag, ok.fromTag, ok.callId))
        self.peer.respond(bye, 200)

    def test_strictRouter(self):
        """A strict router stands in the Request-URI, and the Contact at the end of Route (12.2.1.1)."""
        first = f"<sip:{self.peer.address[0]}>"
        _agent, callee, _ok = self.call(headers={"Record-Route": f"{first}, <sip:p1.example;lr>"})
        callee.dialog.destroy()
        bye = self.peer.expect("BYE")
        self.assertEqual(bye.uriText, f"sip:{self.peer.address[0]}")
        self.assertEqual(bye.headers.elements("route"), ["<sip:p1.example;lr>", "<sip:peer@192.0.2.1:5060>"])
        self.peer.respond(bye, 200)

    def test_refusedEarly(self):
        """A refusal ends the early dialog, and both delegates are told once."""
        agent, callee, invite = self.ring()
        callee.context.progress()
        telling = callee.dialog.whenTerminated()
        callee.context.reject(603)
        self.assertEqual(self.finalTo(invite).statusCode, 603)
        self.assertEqual(callee.events, ["terminated"])
        self.assertIs(callee.ended.reason, Reason.REJECTED)
        self.assertIs(self.successResultOf(telling), callee.ended)
        self.assertEqual(agent.dialogs, [])

    def test_destroyEarly(self):
        """destroy() of an early dialog refuses the call; nothing was sent that it could fire with."""
        _agent, callee, invite = self.ring()
        callee.context.progress()
        self.assertIsNone(self.successResultOf(callee.dialog.destroy()))
        self.assertEqual(self.finalTo(invite).statusCode, 480)
        self.assertEqual(callee.events, ["terminated"])

    def test_fastRequests(self):
        """Requests of the peer find the dialog and its delegate from the 2xx on, before the ACK."""

        class Infos(Callee):
            def infoReceived(self, context):
                self.told.append(("info", context.dialog, None))
                context.accept()

        own = Infos()
        _agent, callee, _invite = self.ring(lambda context: context.accept(body=ANSWER, delegate=own) and None)
        ok = self.peer.expect("200 INVITE")
        self.assertEqual(self.finalTo(self.peer.request("INFO", within=ok)).statusCode, 200)
        self.assertEqual(own.told, [("info", callee.dialog, None)])
        self.peer.ack(ok)
        self.network.advance(0.01)
        self.assertEqual(own.events, ["info", "confirmed"])
        self.assertEqual(callee.events, ["confirmed"])
