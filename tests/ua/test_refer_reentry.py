"""
A delegate may call straight back in, whatever it is told of a REFER of ours (RFC 3515 section 2.4).
"""

from twisted.internet.defer import CancelledError

from tests.events.case import HOLD, Recorder
from tests.events.refer_case import TOLD
from tests.ua.referring import BUSY, OK, OVER, RINGING, ReferringCase
from twisted_sipdialog import Reason
from twisted_sipdialog.errors import ResponseError, Timeout

#: What is told, in this order, of one that comes to nothing, and of one that succeeds.
FAILS = ("referRequested", "referRequestProgress", "referRequestAccepted", "referProgress", "referRejected")
SUCCEEDS = (*FAILS[:-1], "referAccepted")


class ReentryCase(ReferringCase):
    def runs(self, final, **does):
        """A REFER from its sending to its end, C{does}: what the delegate of the call does when it is told."""
        self.calls(Recorder(*TOLD, **does))
        self.refers()
        self.context = next(arguments[0] for name, arguments in self.notes.told if name == "referRequested")
        waiting = self.context.whenFinished()
        waiting.addErrback(lambda _: None)
        for code in (183, 202):
            self.peer.respond(self.refer, code)
            self.pass_()
        self.number = self.refer.cseqNumber
        for status, state in ((RINGING, "active"), (final, OVER)):
            self.notify(status, state, Event=f"refer;id={self.number}")
        self.assertTrue(waiting.called, self.network.ladder())

    def ends(self):
        """What is left is given up, the call ends, and nothing is there any more."""
        for arguments in [arguments for name, arguments in self.notes.told if name == "referRequested"]:
            arguments[0].cancel()
        for message in [*self.peer.received]:
            if getattr(message, "method", "") == "BYE":
                self.peer.respond(message, 200)
        self.pass_(1)
        self.assertNothingLeft()
        self.assertEqual(self.flushLoggedErrors(), [])


class ReentryTests(ReentryCase):
    def test_hangsUp(self):
        """RFC 5057 section 4.2: the call ends by one BYE; the REFER goes on to its own end, told once."""
        for final, names in ((BUSY, FAILS), (OK, SUCCEEDS)):
            for name in names:
                self.runs(final, **{name: lambda context, _=None: context.dialog.destroy() and None})
                self.assertEqual(self.count("BYE"), 1, name)
                self.assertEqual(self.told().count(names[-1]), 1, name)
                self.ends()
                self.assertEqual(self.notes.only("dialogTerminated")[1].reason, Reason.LOCAL_BYE)
                self.peer.received.clear()

    def test_cancels(self):
        """What was given up is told no further, and a success ends no call."""
        for name in SUCCEEDS[:-1]:
            self.runs(OK, **{name: lambda context, _=None: context.cancel()})
            later = SUCCEEDS[SUCCEEDS.index(name) + 1 :]
            self.assertEqual([told for told in self.told() if told in later], [], name)
            self.assertStands()
            self.ends()

    def test_cancelsLate(self):
        """Nothing is given up that has its outcome."""
        for final, name in ((OK, "referAccepted"), (BUSY, "referRejected"), (BUSY, "referNotifyReceived")):
            self.runs(final, **{name: lambda context, _: context.status.statusCode >= 200 and context.cancel()})
            code = self.context.status.statusCode
            self.assertEqual(self.successResultOf(self.context.whenFinished()).statusCode, code, name)
            self.ends()
            self.peer.received.clear()

    def test_again(self):
        """Another REFER, made while it is told of the first, takes nothing away from it (RFC 3515 section 2.4.6)."""
        for name in FAILS:
            targets = ["sip:dave@peer2.example"]
            self.runs(BUSY, **{name: lambda context, _=None, t=targets: t and context.dialog.refer(t.pop()) and None})
            self.assertEqual(self.codes("referRejected"), [486], name)
            second = self.peer.expect("REFER")
            self.assertEqual(second.headers.get("refer-to"), "<sip:dave@peer2.example>", name)
            self.peer.respond(second, 603)
            self.pass_()
            self.assertEqual((self.count("REFER"), self.codes("referRequestRejected")), (2, [603]), name)
            self.ends()
            self.peer.received.clear()

    def test_stops(self):
        """The service stops while something is told: nothing is waited for any more."""
        for name in SUCCEEDS:
            stops = []
            self.calls(Recorder(*TOLD, **{name: lambda *_, s=stops: s.append(self.userAgent.stopService()) and None}))
            self.refers()
            waiting = self.requested().whenFinished()
            waiting.addErrback(lambda _: None)
            for code in (183, 202):
                self.peer.respond(self.refer, code)
                self.pass_()
            for status, state in ((RINGING, "active"), (OK, OVER)):
                lines = {"Event": "refer", "Subscription-State": state, "Content-Type": "message/sipfrag"}
                self.peer.request("NOTIFY", within=self.within, headers=lines, body=status.encode())
                self.pass_()
            self.pass_(40)
            self.assertEqual(len(stops), 1, name)
            self.assertTrue(waiting.called, name)
            self.assertEqual(self.userAgent.leftovers(), [], name)
            self.assertEqual(self.flushLoggedErrors(), [])
            self.peer.received.clear()

    def test_refused(self):
        """RFC 3515 section 2.4.2: there is nothing to give up when the refusal is told; its end is told once."""
        for code in (603, None):
            notes = Recorder(*TOLD, "requestFailed", referRequestRejected=lambda context, _: context.cancel())
            self.calls(notes)
            self.refers()
            waiting = self.requested().whenFinished()
            if code is not None:
                self.peer.respond(self.refer, code)
            self.pass_(33)
            error = Timeout if code is None else ResponseError
            self.failureResultOf(self.referring, error)
            self.failureResultOf(waiting, error)
            self.assertEqual(notes.names.count("requestFailed"), 1)
            self.assertStands()
            self.ends()

    def test_accepted(self):
        """Nothing is subscribed to for one that is given up when its 2xx is told (RFC 7614 section 4)."""
        self.calls(Recorder(*TOLD, referRequestAccepted=lambda context, _: context.cancel()))
        self.refers(subscription="explicitsub")
        self.peer.respond(self.refer, 200, headers={"Refer-Events-At": f"<sip:events@{self.peer.address[0]}>"})
        self.pass_(1)
        self.failureResultOf(self.referring, CancelledError)
        self.assertEqual(self.count("SUBSCRIBE"), 0)
        self.assertStands()
        self.ends()

    def test_hangsUpTwice(self):
        """A call that has ended by the time its success is told is not ended again (RFC 3261 section 15)."""
        self.calls(Recorder(*TOLD, referProgress=lambda context, _: context.dialog.destroy() and None))
        self.asks()
        self.notify(RINGING)
        self.answer("BYE")
        self.assertEqual(self.notify(OK, OVER), 200)
        self.assertEqual(self.successResultOf(self.outcome).statusCode, 200)
        self.pass_(40)
        self.assertEqual(self.count("BYE"), 1)
        self.ends()


class PendingTests(ReferringCase):
    """The session is being changed when the success comes: linphonec holds the call first thing."""

    def test_theirs(self):
        """A re-INVITE of the peer whose ACK is still to come does not keep the call from its end."""
        context = self.asks()
        self.peer.request("INVITE", within=self.within, body=HOLD)
        ok = self.peer.expect("200 INVITE")
        self.assertEqual(self.notify(), 200)
        self.assertEqual(self.notify(OK, OVER), 200)
        self.peer.ack(ok)
        self.answer("BYE")
        self.assertEqual((context.status.statusCode, self.count("BYE")), (200, 1))
        self.assertNothingLeft()

    def test_ours(self):
        """One of ours without an answer goes down with the call (RFC 3261 section 15.1.1)."""
        self.asks()
        changing = self.dialog.modify("hold")
        invite = self.peer.expect("INVITE")
        self.assertEqual(self.notify(OK, OVER), 200)
        self.answer("BYE")
        self.peer.respond(invite, 487)
        self.pass_()
        self.failureResultOf(changing)
        self.assertEqual(self.count("BYE"), 1)
        self.assertNothingLeft()
