"""
The dialogs of REFERs of ours outside any call: whose NOTIFY it is, and what goes wrong in them (RFC 6665 4.4.1).
"""

from twisted.internet.defer import Deferred

from tests.events.case import BOB, Recorder
from tests.events.refer_case import CAROL, TOLD
from tests.ua.calling import challenge
from tests.ua.referring import BUSY, OK, OVER, RINGING
from tests.ua.test_refer_alone import AloneCase
from twisted_sipdialog import Configuration, Credentials, UserAgent
from twisted_sipdialog.errors import ListenError, ReferFailed, ResponseError, TransportError


class WhoseTests(AloneCase):
    def test_routes(self):
        """Record-Route of the 2xx, or of the NOTIFY that comes before it, is taken as the route of the dialog."""
        route = {"Record-Route": "<sip:p1.example;lr>, <sip:p2.example;lr>"}
        for isEarly in (False, True):
            self.asksAlone()
            if isEarly:
                self.assertEqual(self.hears(RINGING, **route), 200)
            self.answered(**route)
            self.successResultOf(self.referring)
            self.assertEqual(self.hears(BUSY, OVER, **route), 200)
            self.left()

    def test_badRoute(self):
        """A NOTIFY that would make one with a route that cannot be read makes none."""
        self.asksAlone()
        self.answered(Contact=None)
        self.assertGreaterEqual(self.hears(BUSY, OVER, **{"Record-Route": "<sip:"}), 400)
        self.assertEqual(self.hears(BUSY, OVER), 200)
        self.left()

    def test_tags(self):
        """Our own tag has to be the one of the REFER (RFC 3261 section 12.2.2)."""
        self.asksAlone()
        to = self.refer.headers.get("from")
        for text in (f"{to}x", to.partition(";tag=")[0] + ";tag=other"):
            self.assertEqual(self.hears(BUSY, OVER, To=text), 481)
        self.answered()
        self.assertEqual(self.hears(BUSY, OVER, To=f"{to}x"), 481)
        self.assertEqual(self.hears(BUSY, OVER), 200)
        self.assertEqual(self.successResultOf(self.referring).status.statusCode, 486)
        self.left()

    def test_id(self):
        """An id is the CSeq of the REFER (RFC 3515 section 2.4.6); with another it is of no subscription."""
        self.asksAlone()
        number = self.refer.cseqNumber
        self.assertEqual(self.hears(BUSY, OVER, Event=f"refer;id={number + 1}"), 481)
        self.answered()
        self.assertEqual(self.hears(BUSY, OVER, Event=f"refer;id={number + 1}"), 481)
        context = self.successResultOf(self.referring)
        self.assertIsNone(context.status)
        self.assertEqual(self.hears(BUSY, OVER, Event=f"refer;id={number}"), 200)
        self.assertEqual(context.status.statusCode, 486)
        self.left()

    def test_strangersEndNothing(self):
        """A NOTIFY of no subscription makes no dialog that would have to be waited for."""
        self.asksAlone()
        self.answered()
        waiting = self.successResultOf(self.referring).whenFinished()
        self.assertEqual(self.hears(RINGING, tag="two", Event=f"refer;id={self.refer.cseqNumber + 1}"), 481)
        self.hears("", "terminated;reason=timeout")
        self.failureResultOf(waiting, ReferFailed)
        self.left()

    def test_outOfOrder(self):
        """RFC 3261 section 12.2.2: an older one is refused, and not believed."""
        self.asksAlone()
        self.answered()
        context = self.successResultOf(self.referring)
        self.assertEqual(self.hears(RINGING), 200)
        lines = {
            "From": self.to("one"),
            "To": self.refer.headers.get("from"),
            "Call-ID": self.refer.callId,
            "CSeq": "0 NOTIFY",
            "Event": "refer",
            "Subscription-State": OVER,
            "Content-Type": "message/sipfrag",
        }
        self.peer.request("NOTIFY", self.userAgent, headers=lines, body=OK.encode())
        self.peer.expect("500 NOTIFY")
        self.assertEqual(context.status.statusCode, 180)
        self.assertEqual(self.hears(BUSY, OVER), 200)
        self.left()

    def test_otherRequests(self):
        """A SUBSCRIBE of the peer in it is of no subscription (RFC 6665 section 4.1.2.2)."""
        self.asksAlone()
        self.answered()
        self.assertIn(self.final("SUBSCRIBE", headers={"Event": "refer"}).statusCode, (481, 489))
        self.assertEqual(self.hears(BUSY, OVER), 200)
        self.left()


class AnswerTests(AloneCase):
    def test_refusedAfterwards(self):
        """A refusal ends what a NOTIFY before it had made; a status told before stays the only end that is told."""
        for body, state, told in ((RINGING, "active", "referRequestRejected"), (BUSY, OVER, "referRejected")):
            self.asksAlone()
            self.assertEqual(self.hears(body, state), 200)
            self.peer.respond(self.refer, 603)
            self.pass_()
            self.assertEqual(self.failureResultOf(self.referring, ResponseError).value.statusCode, 603)
            self.assertEqual([name for name in self.told() if "Rejected" in name], [told])
            self.assertEqual(self.hears(OK, OVER), 481)
            self.left()

    def test_challenged(self):
        """With credentials it goes out once more; its CSeq is the id then (RFC 3515 section 2.4.6)."""
        self.asksAlone({"credentials": [Credentials("desk", "secret", realm="b.example")]})
        first = self.refer
        self.peer.respond(first, 401, headers={"WWW-Authenticate": challenge("b.example")})
        self.refer = self.peer.expect("REFER")
        self.assertEqual((self.refer.callId, self.refer.fromTag), (first.callId, first.fromTag))
        self.assertIn("authorization", self.refer.headers)
        self.answered()
        context = self.successResultOf(self.referring)
        self.assertEqual(self.hears(RINGING, Event=f"refer;id={first.cseqNumber}"), 481)
        self.assertEqual(self.hears(BUSY, OVER, Event=f"refer;id={self.refer.cseqNumber}"), 200)
        self.assertEqual(context.status.statusCode, 486)
        self.left()

    def test_cancelled(self):
        """Given up with several that notify: each is refused, and nothing is told any more."""
        self.asksAlone()
        self.answered()
        context = self.successResultOf(self.referring)
        for tag in ("one", "two"):
            self.hears(RINGING, tag=tag)
        told = self.told()
        context.cancel()
        for tag in ("one", "two", "three"):
            self.assertEqual(self.hears(OK, OVER, tag=tag), 481)
        self.assertEqual(self.told(), told)
        self.left()


class OpeningTests(AloneCase):
    """The ports are opened when the REFER is made already."""

    def opens(self):
        """An agent whose ports open when C{self.open} fires."""
        self.open = Deferred()
        address = self.network.host("b.example").ipv4
        settings = Configuration(aor="sip:desk@b.example", listen=[f"udp:5060:interface={address}"])
        self.notes = Recorder(*TOLD)
        self.userAgent = UserAgent(self.network.host("b.example"), settings, self.notes)
        listen = self.userAgent._transport.listen
        self.patch(self.userAgent._transport, "listen", lambda: self.open.addCallback(lambda _: listen()))
        self.userAgent.startService()
        self.referring = self.userAgent.refer(BOB, CAROL)
        self.pass_(1)
        self.assertNoResult(self.referring)
        self.assertEqual((self.count("REFER"), self.told()), (0, []))

    def closes(self):
        self.userAgent.stopService()
        self.pass_(40)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_waits(self):
        """It goes out when they are open."""
        self.opens()
        self.open.callback(None)
        self.refer = self.peer.expect("REFER")
        self.peer.respond(self.refer, 603)
        self.pass_()
        self.failureResultOf(self.referring, ResponseError)
        self.closes()

    def test_cancelled(self):
        """One that was given up meanwhile does not."""
        self.opens()
        self.referring.cancel()
        self.open.callback(None)
        self.pass_(1)
        self.failureResultOf(self.referring)
        self.assertEqual(self.count("REFER"), 0)
        self.closes()

    def test_fails(self):
        """Without ports it fails with what kept them shut, and is told once."""
        self.opens()
        self.open.errback(ListenError("udp:5060", "in use"))
        self.pass_(1)
        self.failureResultOf(self.referring, ListenError)
        self.assertEqual(self.told(), ["referRequestRejected"])
        self.flushLoggedErrors()
        self.closes()

    def test_stopped(self):
        """The service stops before."""
        self.opens()
        self.userAgent.stopService()
        self.open.callback(None)
        self.pass_(40)
        self.failureResultOf(self.referring, TransportError)
        self.assertEqual(self.count("REFER"), 0)
        self.assertEqual(self.userAgent.leftovers(), [])
