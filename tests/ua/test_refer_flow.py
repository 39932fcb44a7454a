"""
REFERs of ours, and the connections that what they say comes by (RFC 5626 section 5.3); how a NOTIFY may be spelled.
"""

from tests.events.case import BOB, OFFER, Recorder
from tests.events.refer_case import CAROL, TOLD
from tests.ua.callee import Callee
from tests.ua.referring import BUSY, OK, OVER, RINGING, ReferringCase
from tests.ua.test_refer_alone import AloneCase
from twisted_sipdialog import Reason
from twisted_sipdialog.dialog.referral import ReferState
from twisted_sipdialog.errors import ReferFailed


class FlowTests(ReferringCase):
    """A peer who can be reached over its one connection only (RFC 5626 section 5.3), which is reset."""

    def loses(self, contact, *methods):
        """A REFER of ours in a call over TCP from the peer at C{contact}; after C{methods} the connection is reset."""
        callee = Callee()
        self.userAgent = self.network.userAgent("sip:desk@b.example", callee)
        headers = {"Contact": contact}
        self.peer.request("INVITE", self.userAgent, protocol="TCP", headers=headers, body=OFFER)
        self.within = self.peer.expect("200 INVITE")
        self.peer.ack(self.within)
        self.pass_()
        self.dialog = callee.dialog
        self.notes = Recorder(*TOLD)
        self.refers(delegate=self.notes)
        self.peer.respond(self.refer, 202, headers=headers)
        self.pass_()
        context = self.successResultOf(self.referring)
        self.outcome = context.whenFinished()
        self.notify(Contact=contact)
        for method in methods:
            self.assertEqual(self.final(method).statusCode, 200)
        self.network.reset(self.userAgent, self.peer)
        return context

    def test_lost(self):
        """With it the call is lost, and so is whoever could tell the outcome."""
        context = self.loses("<sip:peer@df7jal23ls0d.invalid;transport=ws>")
        self.pass_(100)
        self.failureResultOf(self.outcome, ReferFailed)
        self.assertEqual(context.referState, ReferState.TERMINATED)
        self.assertEqual(self.codes("referRejected"), [100])
        self.assertIs(self.dialog.ended.reason, Reason.FLOW_LOST)
        self.pass_(300)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_lostAfterTheCall(self):
        """So it is when the call has ended before (RFC 5057 section 4.2)."""
        context = self.loses("<sip:peer@df7jal23ls0d.invalid;transport=ws>", "BYE")
        self.assertIs(self.dialog.ended.reason, Reason.REMOTE_BYE)
        self.pass_(100)
        self.failureResultOf(self.outcome, ReferFailed)
        self.assertEqual(context.status.statusCode, 100)
        self.pass_(300)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_kept(self):
        """Where there is another way it makes no difference: the NOTIFY comes by another connection."""
        context = self.loses(f"<sip:peer@{self.peer.address[0]}:5060;transport=tcp>")
        self.pass_(1)
        self.assertEqual(self.notify(BUSY, OVER), 200)
        self.assertEqual(context.status.statusCode, 486)
        self.assertStands()
        self.final("BYE")
        self.pass_(400)
        self.assertEqual(self.userAgent.leftovers(), [])


class AloneTests(AloneCase):
    def test_lost(self):
        """As above, in a dialog that the REFER itself made: nobody is left to tell the outcome."""
        self.notes = Recorder(*TOLD)
        referring = self.agent(self.notes).refer(f"{BOB};transport=tcp", CAROL)
        self.refer = self.peer.expect("REFER")
        self.answered(Contact="<sip:peer@df7jal23ls0d.invalid;transport=ws>")
        waiting = self.successResultOf(referring).whenFinished()
        self.network.reset(self.userAgent, self.peer)
        self.pass_(10)
        self.failureResultOf(waiting, ReferFailed)
        self.assertEqual(self.codes("referRejected"), [None])
        self.pass_(300)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_stops(self):
        """The service stops, or the REFER is given up, while one of several notifiers is heard."""
        for does in (lambda context, _: self.userAgent.stopService() and None, lambda context, _: context.cancel()):
            self.notes = Recorder(*TOLD, referProgress=does)
            self.referring = self.agent(self.notes).refer(BOB, CAROL)
            self.refer = self.peer.expect("REFER")
            self.answered()
            waiting = self.successResultOf(self.referring).whenFinished()
            self.assertEqual(self.hears("", "pending", tag="two"), 200)
            self.assertEqual(self.hears(RINGING), 200)
            self.failureResultOf(waiting)
            self.assertEqual(self.told().count("referProgress"), 1)
            self.left()
            self.assertEqual(self.flushLoggedErrors(), [])


class SpelledTests(ReferringCase):
    def test_short(self):
        """The short names of Event and Content-Type (RFC 6665 section 8.2.1), names and types in any case."""
        for lines in (
            {"o": "refer", "Subscription-State": OVER, "c": "message/sipfrag"},
            {"EVENT": "refer", "subscription-state": "Terminated;Reason=noresource", "Content-Type": "Message/SipFrag"},
            {"o": "refer ; id = {}", "Subscription-State": OVER, "c": "message/sipfrag ;version=2.0"},
        ):
            context = self.asks()
            given = {name: value.format(self.refer.cseqNumber) for name, value in lines.items()}
            self.assertEqual(self.final("NOTIFY", headers=given, body=BUSY.encode()).statusCode, 200, lines)
            self.assertEqual(self.successResultOf(self.outcome).statusCode, 486, lines)
            self.assertEqual(context.referState, ReferState.TERMINATED)
        self.assertStands()
        self.assertNothingLeft()

    def test_noStatus(self):
        """What starts with no status line says nothing (RFC 3515 section 2.4.5): 400, and the wait goes on."""
        self.asks()
        for line in ("SIP/2.0", "SIP/2.0 20 OK", "SIP/2.0 700 x", "SIP/2.0 +200 OK", "SIP/2.0 ２００ OK", "\0", "\r\n"):
            self.assertEqual(self.notify(f"{line}\r\n"), 400, line)
        self.assertEqual(self.notify("INVITE sip:carol@c.example SIP/2.0\r\n"), 400)
        self.assertNoResult(self.outcome)
        self.assertNotIn("referProgress", self.told())
        self.notify(OK, OVER)
        self.answer("BYE")
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 200)
        self.assertNothingLeft()
