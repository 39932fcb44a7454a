"""
The answers to a REFER of ours in a call (RFC 3515 section 2.4.2), several at a time, challenges, and giving up.
"""

from twisted.internet.defer import CancelledError

from tests.events.case import Recorder
from tests.events.refer_case import TOLD
from tests.ua.referring import BUSY, CAROL, OK, OVER, ReferringCase
from twisted_sipdialog import Credentials
from twisted_sipdialog.dialog.referral import ReferState
from twisted_sipdialog.errors import ResponseError, Timeout, TransportError


class ResponseTests(ReferringCase):
    def test_success(self):
        """Any 2xx accepts it (RFC 3515 section 2.4.2, RFC 6665 section 8.3.1)."""
        for code in (200, 202, 204):
            self.refers()
            self.peer.respond(self.refer, 100)
            self.pass_()
            self.assertNoResult(self.referring)
            self.peer.respond(self.refer, code)
            self.pass_()
            context = self.successResultOf(self.referring)
            self.assertEqual((context.response.statusCode, context.referState), (code, ReferState.ANSWERED))
            context.cancel()
        self.assertStands()
        self.assertNothingLeft()

    def test_refused(self):
        """A refusal is told once, whatever its class, and leaves the call (RFC 5589 section 6)."""
        self.calls(Recorder(*TOLD))
        for code in (300, 302, 400, 403, 405, 420, 480, 486, 491, 500, 503, 600, 603):
            self.notes.told.clear()
            self.refers()
            outcome = self.requested().whenFinished()
            self.peer.respond(self.refer, code)
            self.pass_()
            self.assertEqual(self.failureResultOf(self.referring, ResponseError).value.statusCode, code)
            self.assertEqual(self.failureResultOf(outcome, ResponseError).value.statusCode, code)
            self.assertEqual(self.told(), ["referRequested", "referRequestRejected"])
            self.assertEqual(self.requested().referState, ReferState.TERMINATED)
            self.assertEqual(self.notify(OK, OVER), 481)
        self.assertStands()
        self.assertNothingLeft()

    def test_gone(self):
        """A peer that no longer knows the call ends it (RFC 5057 section 5.1)."""
        self.refers()
        self.peer.respond(self.refer, 481)
        self.pass_()
        self.failureResultOf(self.referring, ResponseError)
        self.answer("BYE")
        self.assertIsNotNone(self.dialog.ended)
        self.assertNothingLeft()

    def test_timeout(self):
        """Repeated as any request for 64*T1 (RFC 3261 section 17.1.2.2); then Timeout, once."""
        self.refers()
        outcome = self.requested().whenFinished()
        self.pass_(31.9)
        self.assertNoResult(self.referring)
        self.pass_(0.2)
        self.failureResultOf(self.referring, Timeout)
        self.failureResultOf(outcome, Timeout)
        self.assertEqual(self.codes("referRequestRejected"), [None])
        self.assertGreater(self.count("REFER"), 8)
        self.assertIsNone(self.dialog.ended)
        self.assertNothingLeft()

    def test_unreachable(self):
        """No way to the peer: as above, with what stopped it."""
        self.calls(Recorder(*TOLD))
        self.final("UPDATE", headers={"Contact": f"<sip:peer@{self.carol.address[0]}:5999;transport=tcp>"})
        self.referring = self.dialog.refer(CAROL)
        self.pass_(1)
        self.failureResultOf(self.referring, TransportError)
        self.assertEqual(self.codes("referRequestRejected"), [None])
        self.assertEqual(self.told()[-1], "referRequestRejected")
        self.assertNothingLeft()

    def test_receiveResponse(self):
        """One that raises is logged, and nothing else changes."""
        self.refers(receiveResponse=lambda response: 1 // 0)
        self.peer.respond(self.refer, 183)
        self.peer.respond(self.refer, 202)
        self.pass_()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        context = self.successResultOf(self.referring)
        self.assertEqual(self.notify(BUSY, OVER), 200)
        self.assertEqual(context.status.statusCode, 486)
        self.assertNothingLeft()

    def test_raisingDelegate(self):
        """Neither does a delegate that raises, and the others are told all the same."""
        agents = Recorder(*TOLD)
        raising = Recorder(**{name: lambda *arguments: 1 // 0 for name in TOLD if name.startswith("refer")})
        self.calls(Recorder(*TOLD), delegate=agents)
        self.asks(delegate=raising)
        self.notify()
        self.notify(BUSY, OVER)
        told = [
            *("referRequested", "referRequestAccepted", "referProgress", "referNotifyReceived"),
            *("referRejected", "referNotifyReceived"),
        ]
        self.assertEqual([raising.names, self.told(), agents.names], [told] * 3)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), len(told))
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 486)

    def test_order(self):
        """The delegate of the REFER is told first, then the call's, then the agent's; the Deferred last."""
        order = []
        names = [name for name in TOLD if name.startswith("refer")]
        one, two, three = (
            Recorder(**{name: lambda *a, n=name, w=who: order.append((w, n)) for name in names}) for who in "rda"
        )
        self.calls(two, delegate=three)
        self.refers(delegate=one, receiveResponse=lambda response: order.append(("f", response.statusCode)))
        self.referring.addCallback(lambda context: order.append(("f", "fired")) or context)
        self.peer.respond(self.refer, 202)
        self.pass_()
        requested, accepted = ([(who, name) for who in "rda"] for name in ("referRequested", "referRequestAccepted"))
        self.assertEqual(order, [*requested, *accepted, ("f", 202), ("f", "fired")])
        self.successResultOf(self.referring).cancel()

    def test_again(self):
        """A delegate may refer again when it is told of the refusal."""
        again = []
        first = Recorder(referRequestRejected=lambda context, response: again.append(self.dialog.refer("dave")))
        self.calls(Recorder())
        self.refers(delegate=first)
        self.peer.respond(self.refer, 603)
        second = self.answer("REFER", 202)
        self.assertEqual(second.headers.get("refer-to"), "<sip:dave@b.example>")
        self.successResultOf(again[0]).cancel()
        self.failureResultOf(self.referring, ResponseError)
        self.assertNothingLeft()


class SeveralTests(ReferringCase):
    def both(self):
        """Two that run at the same time: their contexts, and their CSeqs."""
        first = self.asks()
        one, numbers = self.outcome, [self.refer.cseqNumber]
        second = self.asks(target="dave")
        numbers.append(self.refer.cseqNumber)
        self.addCleanup(one.addErrback, lambda _: None)
        return (first, second), numbers

    def test_ids(self):
        """Each NOTIFY goes to the REFER whose CSeq its id is (RFC 3515 section 2.4.6)."""
        (first, second), numbers = self.both()
        self.notify(BUSY, OVER, Event=f"refer;id={numbers[1]}")
        self.assertEqual((first.status, second.status.statusCode), (None, 486))
        self.notify("SIP/2.0 603 Decline\r\n", OVER, Event=f"refer;id={numbers[0]}")
        self.assertEqual(first.status.statusCode, 603)
        self.assertStands()
        self.assertNothingLeft()

    def test_withoutId(self):
        """Without an id it is the first one's: only there may it be left out."""
        (first, second), _ = self.both()
        self.notify(BUSY, OVER)
        self.assertEqual((first.status.statusCode, second.status), (486, None))
        # A peer that never writes one (linphone) means the one that is left.
        self.notify(OK, OVER)
        self.assertEqual(second.status.statusCode, 200)
        self.answer("BYE")
        self.assertNothingLeft()

    def test_unanswered(self):
        """A second one need not wait for the answer to the first."""
        self.refers()
        first, one = self.referring, self.refer
        self.refers("dave")
        self.assertEqual(self.refer.cseqNumber, one.cseqNumber + 1)
        self.peer.respond(self.refer, 603)
        self.peer.respond(one, 202)
        self.pass_()
        self.failureResultOf(self.referring, ResponseError)
        self.successResultOf(first).cancel()
        self.assertNothingLeft()

    def test_ofThePeer(self):
        """One of the peer's crosses ours: each has its own (docs: the original had one slot)."""
        context = self.asks()
        self.assertEqual(self.final("REFER", headers={"Refer-To": "<tel:+1>"}).statusCode // 100, 4)
        self.notify(BUSY, OVER)
        self.assertEqual(context.status.statusCode, 486)
        self.assertNothingLeft()


class ChallengeTests(ReferringCase):
    def challenged(self, realm):
        credentials = (Credentials("desk", "secret", realm="b.example"),)
        self.calls(Recorder(*TOLD), credentials=credentials)
        self.refers()
        line = {"WWW-Authenticate": f'Digest realm="{realm}", nonce="n1", qop="auth", algorithm=MD5'}
        self.peer.respond(self.refer, 401, headers=line)
        self.pass_()

    def test_credentials(self):
        """Asked for credentials it goes out once more, with the next CSeq, which is its id from then on."""
        self.challenged("b.example")
        first, self.refer = self.refer, self.peer.expect("REFER")
        self.assertEqual(self.refer.cseqNumber, first.cseqNumber + 1)
        self.assertIn('username="desk"', self.refer.headers.get("authorization"))
        self.assertEqual(self.refer.headers.get("refer-to"), first.headers.get("refer-to"))
        self.assertNoResult(self.referring)
        self.peer.respond(self.refer, 202)
        self.pass_()
        context = self.successResultOf(self.referring)
        self.assertEqual(self.told(), ["referRequested", "referRequestAccepted"])
        self.assertEqual(self.notify(Event=f"refer;id={first.cseqNumber}"), 481)
        self.assertEqual(self.notify(BUSY, OVER, Event=f"refer;id={self.refer.cseqNumber}"), 200)
        self.assertEqual(context.status.statusCode, 486)
        self.assertNothingLeft()

    def test_otherRealm(self):
        """A realm that is not ours gets no proof of our password (B33)."""
        self.challenged("evil.example")
        self.assertEqual(self.failureResultOf(self.referring, ResponseError).value.statusCode, 401)
        self.pass_(1)
        self.assertEqual(self.count("REFER"), 1)
        self.assertEqual(self.told(), ["referRequested", "referRequestRejected"])
        self.assertNothingLeft()


class CancelTests(ReferringCase):
    def test_challenged(self):
        """One that was given up is not sent again with credentials: that would be a second try."""
        self.calls(Recorder(*TOLD), credentials=(Credentials("desk", "secret", realm="b.example"),))
        self.refers()
        self.referring.cancel()
        line = 'Digest realm="b.example", nonce="n1", qop="auth", algorithm=MD5'
        self.peer.respond(self.refer, 401, headers={"WWW-Authenticate": line})
        self.pass_(1)
        self.assertEqual(self.count("REFER"), 1)
        self.assertNothingLeft()

    def test_beforeTheAnswer(self):
        """Nothing goes out for it; what the peer makes of it is no matter of ours any more."""
        self.refers()
        outcome = self.requested().whenFinished()
        self.notes.told.clear()
        self.referring.cancel()
        self.failureResultOf(self.referring, CancelledError)
        self.failureResultOf(outcome, CancelledError)
        self.peer.respond(self.refer, 202)
        self.pass_()
        self.assertEqual(self.notify(OK, OVER), 481)
        self.assertEqual(self.told(), [])
        self.assertStands()
        self.assertEqual(self.count("CANCEL"), 0)
        self.assertNothingLeft()

    def test_afterTheAnswer(self):
        """NOTIFYs are refused from then on (RFC 6665 section 4.1.3), and a success ends no call."""
        context = self.asks()
        self.notify()
        self.notes.told.clear()
        context.cancel()
        self.failureResultOf(self.outcome, CancelledError)
        self.assertEqual(context.referState, ReferState.TERMINATED)
        self.assertEqual(self.notify(OK, OVER), 481)
        context.cancel()
        self.assertEqual(self.told(), [])
        self.failureResultOf(context.whenFinished(), CancelledError)
        self.assertStands()
        self.assertNothingLeft()

    def test_oneOfMany(self):
        """Each of whenFinished() is its caller's own: cancelling one is nothing to the others."""
        context = self.asks()
        mine = context.whenFinished()
        mine.cancel()
        self.failureResultOf(mine, CancelledError)
        self.assertEqual(self.notify(BUSY, OVER), 200)
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 486)

    def test_late(self):
        """Once it has its outcome there is nothing to give up."""
        context = self.asks()
        self.notify(BUSY, OVER)
        context.cancel()
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 486)
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 486)
        self.assertNothingLeft()
