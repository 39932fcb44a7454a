"""
What the NOTIFYs about a REFER of ours say, and when they are believed (RFC 3515 section 2.4.4, RFC 6665 section 4.1.3).
"""

from tests.events.case import Recorder
from tests.events.refer_case import TOLD
from tests.ua.referring import BUSY, OK, OVER, RINGING, ReferringCase
from twisted_sipdialog import Reason
from twisted_sipdialog.dialog.referral import ReferState
from twisted_sipdialog.errors import ReferFailed, TransportError


class OrderTests(ReferringCase):
    def test_beforeThe2xx(self):
        """RFC 3515 section 2.4.4: a NOTIFY may overtake the 2xx, with any status."""
        for status, state, told in ((RINGING, "active", "referProgress"), (BUSY, OVER, "referRejected")):
            self.refers()
            self.assertEqual(self.notify(status, state), 200)
            self.assertNoResult(self.referring)
            self.peer.respond(self.refer, 202)
            self.pass_()
            context = self.successResultOf(self.referring)
            self.assertIn(told, self.told())
            context.cancel()
            self.notify(BUSY, OVER)
        self.assertStands()
        self.assertNothingLeft()

    def test_successBeforeThe2xx(self):
        """A success ends the call at once; the REFER has its answer all the same."""
        self.refers()
        self.assertEqual(self.notify(OK, OVER), 200)
        self.answer("BYE")
        self.peer.respond(self.refer, 202)
        self.pass_()
        context = self.successResultOf(self.referring)
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 200)
        self.assertEqual((self.told().count("referAccepted"), self.count("BYE")), (1, 1))
        self.assertNothingLeft()

    def test_endBeforeThe2xx(self):
        """Nothing comes of a subscription that ended without a final status before the 2xx."""
        for body in ("", RINGING):
            self.refers()
            self.assertEqual(self.notify(body, "terminated;reason=giveup"), 200)
            self.assertNoResult(self.referring)
            self.peer.respond(self.refer, 202)
            self.pass_()
            outcome = self.successResultOf(self.referring).whenFinished()
            self.pass_(33)
            self.failureResultOf(outcome, ReferFailed)
            self.assertEqual(self.notify(OK, OVER), 481)
        self.assertEqual(self.codes("referRejected"), [None, 180])
        self.assertStands()
        self.assertNothingLeft()

    def test_repeated(self):
        """RFC 3261 section 17.2.2: one that comes twice is told once, and answered twice."""
        self.asks()
        lines = {"Event": "refer", "Subscription-State": "active", "Content-Type": "message/sipfrag"}
        request = self.peer.request("NOTIFY", within=self.within, headers=lines, body=RINGING.encode())
        self.peer.expect("200 NOTIFY")
        self.peer.send(request.toBytes(), self.userAgent)
        self.peer.expect("200 NOTIFY")
        self.assertEqual((self.codes("referProgress"), self.told().count("referNotifyReceived")), ([180], 1))
        self.notify(BUSY, OVER)
        self.assertStands()
        self.assertNothingLeft()

    def test_outOfOrder(self):
        """RFC 3261 section 12.2.2: an older one is refused, and not believed."""
        self.asks()
        old = self.peer.request("INFO", within=self.within)
        self.notify(RINGING)
        lines = {"Event": "refer", "Subscription-State": OVER, "Content-Type": "message/sipfrag"}
        lines["CSeq"] = f"{old.cseqNumber} NOTIFY"
        self.peer.request("NOTIFY", within=self.within, headers=lines, body=OK.encode())
        self.peer.expect("500 NOTIFY")
        self.assertNoResult(self.outcome)
        self.notify(BUSY, OVER)
        self.assertStands()

    def test_once(self):
        """The outcome is told once, however often it comes."""
        self.asks()
        for state in ("active;expires=60", "active", OVER):
            self.assertEqual(self.notify(BUSY, state), 200)
        self.assertEqual(self.notify(BUSY, OVER), 481)
        self.assertEqual(self.codes("referRejected"), [486])
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 486)
        self.assertStands()
        self.assertNothingLeft()

    def test_afterSuccess(self):
        """A success is the end, whatever comes then."""
        context = self.asks(activeAfterTransfer=True)
        self.notify(OK, "active")
        self.notify(BUSY, OVER)
        self.assertEqual((self.codes("referAccepted"), self.codes("referRejected")), ([200], []))
        self.assertEqual(context.status.statusCode, 200)
        self.assertStands()
        self.assertNothingLeft()


class StateTests(ReferringCase):
    def test_missing(self):
        """No Subscription-State, or one without sense: what the body says counts all the same."""
        for state in ("", None, "active;expires=x", "reason=noresource"):
            self.asks()
            lines = {"Event": "refer", "Subscription-State": state, "Content-Type": "message/sipfrag"}
            self.assertEqual(self.final("NOTIFY", headers=lines, body=BUSY.encode()).statusCode, 200, state)
            self.assertEqual(self.successResultOf(self.outcome).statusCode, 486, state)
        self.assertStands()
        self.assertNothingLeft()

    def test_malformedEnd(self):
        """C{terminated;reason=reason=noresource}, as linphonec writes, is an end."""
        for state in ("terminated;reason=reason=noresource", "terminated;retry-after=soon", "Terminated;=x"):
            context = self.asks()
            self.notify("", state)
            self.failureResultOf(self.outcome, ReferFailed)
            self.assertEqual(context.referState, ReferState.TERMINATED)
            self.assertEqual(self.notify(BUSY, OVER), 481)

    def test_endsWithTrying(self):
        """SIP.js up to 0.13 says C{terminated} in each: without a reason, a provisional is no end."""
        self.asks()
        for status in ("SIP/2.0 100 Trying", RINGING):
            self.notify(status, "terminated")
            self.assertNoResult(self.outcome)
        self.notify(BUSY, "terminated")
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 486)
        self.assertStands()

    def test_endsEarly(self):
        """With a reason it is the end, though its status is none: what was told last goes with the failure."""
        for reason in ("noresource", "timeout", "giveup", "deactivated", "probation;retry-after=5", "rejected", "x"):
            context = self.asks()
            self.notify()
            self.notify(RINGING, f"terminated;reason={reason}")
            self.assertEqual(self.failureResultOf(self.outcome, ReferFailed).value.status.statusCode, 180, reason)
            self.assertEqual(context.referState, ReferState.TERMINATED)
            self.assertEqual(self.notify(OK, OVER), 481)
        self.pass_(10)
        self.assertEqual(self.count("SUBSCRIBE"), 0)
        self.assertStands()
        self.assertNothingLeft()

    def test_emptyBody(self):
        """A NOTIFY without a body tells no status; its state counts."""
        self.asks()
        self.assertEqual(self.notify("", "pending"), 200)
        self.assertNoResult(self.outcome)
        self.assertEqual(self.notify("", "terminated;reason=giveup"), 200)
        self.assertIsNone(self.failureResultOf(self.outcome, ReferFailed).value.status)
        self.assertEqual(self.codes("referRejected"), [None])
        self.assertStands()

    def test_badEnd(self):
        """What cannot be read is refused, and the subscription that it ends is over all the same."""
        self.asks()
        self.assertEqual(self.notify("garbage", OVER), 400)
        self.failureResultOf(self.outcome, ReferFailed)
        self.assertStands()

    def test_noEvent(self):
        """Without Event it is of no subscription (RFC 6665 section 7.2)."""
        self.asks()
        self.assertIn(self.final("NOTIFY", headers={"Subscription-State": OVER}, body=b"").statusCode, (481, 489))
        self.assertNoResult(self.outcome)
        self.notify(BUSY, OVER)


class WaitTests(ReferringCase):
    def assertWaits(self, seconds):
        self.pass_(seconds - 1)
        self.assertNoResult(self.outcome)
        self.pass_(2)
        self.failureResultOf(self.outcome, ReferFailed)
        self.assertStands()
        self.assertNothingLeft()

    def test_expires(self):
        """The next is waited for as long as the last one said, and 64*T1 for what is on its way then."""
        self.asks()
        self.notify(RINGING, "active;expires=100")
        self.assertWaits(132)

    def test_withoutExpires(self):
        """As long as we would say ourselves."""
        self.calls(Recorder(*TOLD), referExpires=50)
        self.asks()
        self.notify(RINGING, "active")
        self.assertWaits(82)

    def test_forEver(self):
        """An hour at most, whatever it says."""
        self.asks()
        self.notify(RINGING, "active;expires=4294967295")
        self.assertWaits(3632)

    def test_settled(self):
        """Once the outcome is known, what comes still is waited for no longer than it may take to come (timer N)."""
        self.asks(activeAfterTransfer=True)
        self.notify(OK, "active;expires=3600")
        self.pass_(31)
        self.assertEqual(self.notify(OK, "active;expires=3600"), 200)
        self.pass_(33)
        self.assertEqual(self.notify(OK, "active;expires=3600"), 481)
        self.assertStands()

    def test_noTime(self):
        """What lasts no time at all may still say how it ended."""
        self.asks()
        self.notify(RINGING, "active;expires=0")
        self.assertWaits(32)

    def test_givenUpAfterTheFinal(self):
        """What is still open of the subscription is refused once it was given up."""
        context = self.asks()
        self.notify(BUSY, "active")
        context.cancel()
        self.assertEqual(self.notify(BUSY, OVER), 481)
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 486)
        self.assertStands()
        self.assertNothingLeft()


class EndedTests(ReferringCase):
    def test_theirBye(self):
        """Both sides may hang up at once; each REFER hears its own outcome (RFC 5057 section 4)."""
        first = self.asks()
        number = self.refer.cseqNumber
        second = self.asks()
        self.final("BYE")
        self.assertEqual(self.notify(BUSY, OVER, Event=f"refer;id={number}"), 200)
        self.assertEqual((first.status.statusCode, second.status), (486, None))
        self.assertEqual(self.notify(OK, OVER, Event=f"refer;id={self.refer.cseqNumber}"), 200)
        self.assertEqual(second.status.statusCode, 200)
        self.assertEqual(self.notify(OK, OVER), 481)
        self.assertEqual(self.count("BYE"), 0)
        self.pass_(70)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_ourBye(self):
        """So it is when we have hung up, and nobody answers."""
        context = self.asks()
        self.dialog.destroy()
        self.peer.expect("BYE")
        self.assertEqual(self.notify(OK, OVER), 200)
        self.assertEqual(context.status.statusCode, 200)
        self.pass_(70)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_stop(self):
        """The service stops while the answer, and while the outcome, is waited for."""
        self.refers()
        waiting = self.requested().whenFinished()
        self.userAgent.stopService()
        self.answer("BYE")
        self.pass_(10)
        self.failureResultOf(self.referring, TransportError)
        self.failureResultOf(waiting, TransportError)
        del self.dialog
        self.asks()
        self.userAgent.stopService()
        self.answer("BYE")
        self.pass_(10)
        self.failureResultOf(self.outcome)

    def test_stopLate(self):
        """It stops when the outcome is known, and the subscription is not over."""
        context = self.asks()
        self.notify(BUSY, "active;expires=3600")
        self.userAgent.stopService()
        self.answer("BYE")
        self.pass_(40)
        self.assertEqual(self.userAgent.leftovers(), [])
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 486)
        self.assertEqual(self.codes("referRejected"), [486])

    def test_moves(self):
        """A NOTIFY is a target refresh (RFC 5057 section 5.4); a Contact without sense moves nothing."""
        self.asks()
        elsewhere = f"sip:elsewhere@{self.peer.address[0]}:{self.peer.address[1]}"
        self.notify(RINGING, Contact="<tel:+12015550123>")
        self.notify(RINGING, Contact=f"<{elsewhere}>")
        self.assertEqual(self.dialog.remote.uri, elsewhere)
        self.notify(BUSY, OVER)


class CallsBackTests(ReferringCase):
    def tells(self, name, does):
        """Do C{does(context)} when C{name} is told."""
        notes = Recorder(*TOLD)
        note = getattr(notes, name)

        def told(*arguments):
            note(*arguments)
            does(arguments[0])

        setattr(notes, name, told)
        self.calls(notes)

    def test_cancels(self):
        """A delegate that gives up hears no more, and NOTIFYs are refused."""
        for name in ("referRequested", "referRequestAccepted", "referProgress"):
            self.tells(name, lambda context: context.cancel())
            self.refers()
            self.peer.respond(self.refer, 202)
            self.pass_()
            self.notify(RINGING)
            self.assertEqual(self.notify(BUSY, OVER), 481, name)
            self.assertEqual(self.notes.names[-1 if name != "referProgress" else -2], name)
            self.assertStands()
            del self.dialog

    def test_hangsUp(self):
        """One that hangs up by itself when it is told of the success: one BYE."""
        self.tells("referAccepted", lambda context: context.dialog.destroy() and None)
        self.asks()
        self.notify(OK, OVER)
        self.answer("BYE")
        self.pass_(1)
        self.assertEqual(self.count("BYE"), 1)
        self.assertEqual(self.notes.only("dialogTerminated")[1].reason, Reason.LOCAL_BYE)

    def test_again(self):
        """One that tries another target when the first refuses."""
        targets = ["sip:dave@peer2.example"]
        self.tells("referRejected", lambda context: targets and context.dialog.refer(targets.pop()) and None)
        self.asks()
        self.notify(BUSY, OVER)
        second = self.peer.expect("REFER")
        self.peer.respond(second, 202)
        self.pass_()
        self.notify(BUSY, OVER, Event=f"refer;id={second.cseqNumber}")
        self.assertEqual(self.codes("referRejected"), [486, 486])
        self.assertStands()
        self.assertNothingLeft()
