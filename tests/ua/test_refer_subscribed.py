"""
REFERs of ours in a call whose 2xx makes no subscription (RFC 4488); the outcome of some is asked for by a SUBSCRIBE of
its own (RFC 7614 section 4).
"""

from twisted.internet.defer import CancelledError

from tests.events.case import Recorder
from tests.events.refer_case import TOLD
from tests.ua.calling import challenge
from tests.ua.referring import BUSY, OK, OVER, RINGING, ReferringCase
from tests.ua.test_refer_alone import AloneCase
from twisted_sipdialog import Credentials
from twisted_sipdialog.dialog.referral import ReferState
from twisted_sipdialog.errors import ReferFailed


class ExplicitCase(AloneCase):
    """A REFER in a call that stands."""

    def subscribes(self, at=None, **settings):
        self.calls(Recorder(*TOLD), **settings)
        self.context = self.refers(subscription="explicitsub") and self.requested()
        self.outcome = self.context.whenFinished()
        self.addCleanup(self.outcome.addErrback, lambda _: None)
        self.at = at or f"sip:events-1@{self.peer.address[0]}"
        self.peer.respond(self.refer, 200, headers={"Refer-Events-At": f"<{self.at}>"})
        self.subscribe = self.peer.expect("SUBSCRIBE")
        self.pass_()

    def granted(self):
        self.peer.respond(self.subscribe, 200, headers={"To": f"<{self.at}>;tag=sub", "Expires": "60"})
        self.pass_()

    def tells(self, body, state="active", **headers):
        return self.hears(body, state, tag="sub", within=self.subscribe, **headers)


class ExplicitTests(ExplicitCase):
    def test_success(self):
        """A success ends the call, though it was told in another dialog (RFC 5589 section 6)."""
        self.subscribes()
        self.granted()
        self.assertEqual(self.tells(RINGING), 200)
        self.assertEqual(self.tells(OK, OVER), 200)
        self.answer("BYE")
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 200)
        self.assertEqual(self.told().count("referAccepted"), 1)
        self.assertNothingLeft()

    def test_failure(self):
        """A failure leaves it."""
        self.subscribes()
        self.granted()
        self.assertEqual(self.tells(BUSY, OVER), 200)
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 486)
        self.assertStands()
        self.assertNothingLeft()

    def test_inTheCall(self):
        """The REFER itself made no subscription: NOTIFYs in the call are of none."""
        self.subscribes()
        self.granted()
        self.assertEqual(self.notify(OK, OVER), 481)
        self.assertEqual(self.notify(OK, OVER, Event=f"refer;id={self.refer.cseqNumber}"), 481)
        self.assertNoResult(self.outcome)
        self.context.cancel()
        self.assertStands()
        self.assertNothingLeft()

    def test_bye(self):
        """The end of the call is none of the subscription, which has a dialog of its own (RFC 5057 section 4)."""
        self.subscribes()
        self.granted()
        self.final("BYE")
        self.assertEqual(self.tells(OK, OVER), 200)
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 200)
        self.assertEqual(self.count("BYE"), 0)
        self.assertNothingLeft()

    def test_beforeIts2xx(self):
        """The outcome may overtake the 2xx of the SUBSCRIBE (RFC 6665 section 4.4.1), a refusal included."""
        for code in (200, 403):
            self.subscribes()
            self.assertEqual(self.tells(BUSY, OVER), 200)
            self.assertEqual(self.successResultOf(self.outcome).statusCode, 486)
            self.peer.respond(self.subscribe, code)
            self.assertStands()
            self.assertEqual(self.codes("referRejected"), [486])
            self.assertNothingLeft()

    def test_noContact(self):
        """A NOTIFY without Contact, before the 2xx: nothing says where its sender is (RFC 6665 section 4.4.1)."""
        self.subscribes()
        self.assertEqual(self.tells(RINGING, Contact=None), 481)
        self.granted()
        self.assertEqual(self.tells(BUSY, OVER, Contact=None), 200)
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 486)
        self.assertStands()
        self.assertNothingLeft()

    def test_silence(self):
        """Neither an answer to the SUBSCRIBE, nor, after its 2xx, a NOTIFY: 64*T1 (RFC 6665 section 4.1.2.4)."""
        for isGranted in (False, True):
            self.subscribes()
            if isGranted:
                self.granted()
            self.pass_(31)
            self.assertNoResult(self.outcome)
            self.pass_(2)
            self.failureResultOf(self.outcome, ReferFailed)
            self.assertEqual(self.codes("referRejected"), [None])
            self.assertStands()
            self.assertNothingLeft()

    def test_cancelled(self):
        """Given up before the 2xx of the SUBSCRIBE, or after it: NOTIFYs are refused, which ends the subscription."""
        for isGranted in (False, True):
            self.subscribes()
            if isGranted:
                self.granted()
            self.context.cancel()
            if not isGranted:
                self.granted()
            self.failureResultOf(self.outcome, CancelledError)
            self.assertEqual(self.tells(OK, OVER), 481)
            self.assertStands()
            self.assertNothingLeft()

    def test_stop(self):
        """The service stops before the 2xx of the SUBSCRIBE, and after it."""
        for isGranted in (False, True):
            self.subscribes()
            if isGranted:
                self.granted()
            self.userAgent.stopService()
            self.answer("BYE")
            self.pass_(40)
            self.failureResultOf(self.outcome)
            self.assertEqual(self.userAgent.leftovers(), [])

    def test_refusals(self):
        """A refusal of the SUBSCRIBE, of any class, leaves the call as it was."""
        for code in (302, 423, 481, 489, 500, 603):
            self.subscribes()
            self.peer.respond(self.subscribe, code)
            self.pass_()
            self.failureResultOf(self.outcome, ReferFailed)
            self.assertEqual(self.count("SUBSCRIBE"), 1, code)
            self.assertStands()
            self.assertNothingLeft()
            self.peer.received.clear()


class ProofTests(ExplicitCase):
    def test_hosts(self):
        """Of our own domain the challenge is answered; not where a parameter leads elsewhere (RFC 3261 19.1.1)."""
        there = self.peer.address[0]
        credentials = [Credentials("desk", "secret", realm="b.example")]
        for at, isProven in (
            (f"sip:events@{there}", True),
            (f"sip:events@{there};maddr={there}", False),
            (f"sip:events@{there};x=y", True),
        ):
            self.subscribes(at, credentials=credentials, referDomains=[there])
            self.peer.respond(self.subscribe, 401, headers={"WWW-Authenticate": challenge("b.example")})
            self.pass_()
            self.assertEqual(self.count("SUBSCRIBE"), 1 + isProven, at)
            if isProven:
                self.subscribe = self.peer.expect("SUBSCRIBE")
                self.granted()
                self.assertEqual(self.tells(BUSY, OVER), 200)
                self.assertEqual(self.successResultOf(self.outcome).statusCode, 486)
            else:
                self.failureResultOf(self.outcome, ReferFailed)
            self.assertStands()
            self.assertNothingLeft()
            self.peer.received.clear()

    def test_realm(self):
        """Nor is one in a realm that we have no password for (B33)."""
        there = self.peer.address[0]
        self.subscribes(credentials=[Credentials("desk", "secret", realm="b.example")], referDomains=[there])
        self.peer.respond(self.subscribe, 401, headers={"WWW-Authenticate": challenge("evil.example")})
        self.pass_()
        self.failureResultOf(self.outcome, ReferFailed)
        self.assertEqual(self.count("SUBSCRIBE"), 1)
        self.assertStands()
        self.assertNothingLeft()


class NoneTests(ReferringCase):
    def test_declined(self):
        """RFC 4488 section 4: the 2xx makes no subscription: there is no outcome, and it ends no call."""
        context = self.accepts("norefersub")
        self.assertIsNone(self.successResultOf(context.whenFinished()))
        self.assertEqual(context.referState, ReferState.TERMINATED)
        self.assertEqual(self.notify(OK, OVER), 481)
        self.assertEqual(self.told(), ["referRequested", "referRequestAccepted"])
        self.assertStands()
        self.assertNothingLeft()

    def test_none(self):
        """RFC 7614 section 4: none may be; a NOTIFY is of none."""
        self.refers(subscription="nosub")
        self.assertEqual(self.notify(OK, OVER), 481)
        self.peer.respond(self.refer, 200)
        self.pass_()
        self.assertIsNone(self.successResultOf(self.successResultOf(self.referring).whenFinished()))
        self.assertEqual(self.notify(OK, OVER), 481)
        self.assertStands()
        self.assertNothingLeft()

    def accepts(self, subscription):
        self.refers(subscription=subscription)
        self.peer.respond(self.refer, 200, headers={"Refer-Sub": "false"})
        self.pass_()
        return self.successResultOf(self.referring)
