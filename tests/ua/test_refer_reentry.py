"""
A delegate may call straight back in, whatever it is told of a REFER of ours (RFC 3515 section 2.4).
"""

from tests.events.case import Recorder
from tests.events.refer_case import TOLD
from tests.ua.referring import BUSY, OK, OVER, RINGING, ReferringCase
from twisted_sipdialog import Reason

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
