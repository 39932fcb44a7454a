"""
Subscriptions of a peer within a call (RFC 5057).
"""

from twisted.internet.defer import Deferred

from tests.ua.callee import ANSWER, OFFER
from tests.ua.watched import DOOR, WatchedCase, later
from twisted_sipdialog import Phase, Reason
from twisted_sipdialog.configuration import LoadLimits
from twisted_sipdialog.errors import DialogTerminated, InvalidState


class CallTests(WatchedCase):
    def hangsUp(self):
        self.assertEqual(self.status("BYE"), 200)

    def test_inCall(self):
        """RFC 5057: its notifier and context have the dialog, which lists it; it comes and goes without the call."""
        self.call()
        answer = self.subscribe(within=self.within)
        self.assertEqual((answer.statusCode, answer.toTag), (200, self.within.toTag))
        notify = self.notified()
        self.assertEqual((notify.callId, notify.fromTag), (self.within.callId, self.within.toTag))
        self.assertIs(self.notes.asked[0].dialog, self.dialog)
        self.assertIs(self.notifier.dialog, self.dialog)
        self.assertEqual(self.notifier.sip, self.dialog.sip)
        self.assertEqual(self.dialog.subscriptions, [DOOR])
        self.subscribe(event=f"{DOOR};id=2", within=self.within)
        self.notified()
        self.assertEqual(self.dialog.subscriptions, [DOOR, DOOR])
        for context in self.notes.asked:
            context.notifier.destroy()
            self.notified()
        self.assertEqual((self.dialog.subscriptions, self.dialog.ended), ([], None))
        self.assertEqual(self.userAgent.dialogs, [self.dialog])
        self.hangsUp()
        self.assertNothingLeft()

    def test_sequence(self):
        """RFC 3261 section 12.2.1.1: one CSeq for the call and its subscriptions."""
        self.call()
        self.subscribe(within=self.within)
        first = self.notified()
        asking = self.dialog.info()
        info = self.peer.expect("INFO")
        self.peer.respond(info, 200)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(asking).statusCode, 200)
        self.notifier.destroy()
        last = self.notified()
        self.assertEqual([m.cseqNumber - first.cseqNumber for m in (info, last)], [1, 2])
        self.hangsUp()
        self.assertNothingLeft()

    def test_outOfOrder(self):
        """
        RFC 3261 section 12.2.2: a later request of ours came there first, so the NOTIFY gets 500; it is said again,
        and C{notify()} fires with the answer to that, unless a newer one waits: that one says all there is.
        """
        for isNewer in (False, True):
            self.call()
            self.subscribe(within=self.within)
            self.notified()
            notifier = self.notifier
            telling = notifier.notify(b"1")
            late = self.peer.expect("NOTIFY")
            asking = self.dialog.info()
            self.peer.respond(self.peer.expect("INFO"), 200)
            newer = notifier.notify(b"2") if isNewer else None
            self.peer.respond(late, 500)
            self.assertEqual(self.notified().body, b"2" if isNewer else b"1")
            self.assertEqual(self.successResultOf(telling).statusCode, 500 if isNewer else 200)
            if newer is not None:
                self.assertEqual(self.successResultOf(newer).statusCode, 200)
            self.successResultOf(asking)
            notifier.destroy()
            self.notified()
            self.hangsUp()
            self.assertNothingLeft()

    def test_target(self):
        """RFC 6665 section 4.2.1.2, RFC 3261 section 12.2.2: its Contact is where the peer is from its 2xx on."""
        self.call()
        there = f"sip:elsewhere@{self.peer.address[0]}:5060"
        self.notes.decide = lambda context: context.reject(403) and None
        self.subscribe(within=self.within, headers={"Contact": "<sip:refused@192.0.2.250>"})
        self.notes.decide = self.grant
        self.subscribe(within=self.within, headers={"Contact": f"<{there}>"})
        self.assertEqual(self.notified().uriText, there)
        asking = self.dialog.info()
        info = self.peer.expect("INFO")
        self.assertEqual(info.uriText, there)
        self.peer.respond(info, 200)
        self.network.advance(0.01)
        self.successResultOf(asking)
        self.notifier.destroy()
        self.notified()
        self.hangsUp()
        self.assertNothingLeft()

    def test_toldApart(self):
        """A delegate that is told of ends apart hears of those that end nothing known here only."""
        ends = []
        self.call()
        self.notes.unsubscribeReceived = lambda context: ends.append(context.dialog)
        self.subscribe(within=self.within)
        self.notified()
        answer = self.subscribe("0", f"{DOOR};id=2", within=self.within)
        # RFC 6665 section 4.2.1.1: as every 2xx to a SUBSCRIBE.
        self.assertEqual((answer.statusCode, answer.headers.get("expires"), len(answer.contacts)), (200, "0", 1))
        self.assertSilent()
        self.assertEqual(ends, [self.dialog])
        self.assertEqual(self.subscribe("0", within=self.within).headers.get("expires"), "0")
        self.assertEqual(self.told()[0], "terminated;reason=timeout")
        self.assertEqual((len(ends), len(self.notes.asked)), (1, 1))
        self.hangsUp()
        self.assertNothingLeft()

    def test_early(self):
        """RFC 5057 section 4.2: one in a dialog that is early outlives the call as well, be it refused or given up."""
        for ends in ("reject", "cancel", "accept"):
            self.open()
            self.notes.answer = lambda context: context.answerLater()
            invite = self.peer.request("INVITE", self.userAgent, body=OFFER)
            self.network.advance(0.01)
            self.notes.context.progress(180)
            self.within = self.peer.expect("180 INVITE")
            self.assertEqual(self.subscribe("60", within=self.within).statusCode, 200)
            self.notified()
            self.assertIs(self.notifier.dialog, self.notes.dialog)
            if ends == "reject":
                self.notes.context.reject(486)
                self.assertEqual(self.finalTo(invite).statusCode, 486)
            elif ends == "cancel":
                self.peer.cancel(invite)
                self.assertEqual(self.finalTo(invite).statusCode, 487)
            else:
                self.notes.context.accept(body=ANSWER)
                self.within = self.finalTo(invite)
                self.peer.ack(self.within)
                self.network.advance(0.01)
                self.hangsUp()
            self.network.advance(60)
            self.assertEqual(self.told()[0], "terminated;reason=timeout")
            self.assertEnd(self.notifier, "timeout", False)
            self.assertNothingLeft()

    def test_survives(self):
        """RFC 5057 section 4.2: the BYE ends the call; the subscription goes on until it ends by itself."""
        self.call()
        self.subscribe(within=self.within)
        self.notified()
        notifier = self.notifier
        self.hangsUp()
        self.assertEqual((self.dialog.state, self.userAgent.dialogs), (Phase.TERMINATED, []))
        self.assertEqual((notifier.state, self.notes.events), ("active", ["confirmed", "terminated"]))
        notifier.notify(b"1")
        self.assertEqual(self.told()[1], b"1")
        self.assertEqual(self.subscribe("90", within=self.within).statusCode, 200)
        self.assertEqual(self.told(), ("active;expires=90", b"1"))
        # In what is left of the dialog there is room for no other usage.
        self.assertEqual(self.subscribe(event=f"{DOOR};id=2", within=self.within).statusCode, 481)
        self.assertEqual(len(self.notes.asked), 1)
        self.assertEqual(self.status("INFO"), 481)
        self.network.advance(90)
        self.assertEqual(self.told()[0], "terminated;reason=timeout")
        self.assertEqual(self.subscribe(within=self.within).statusCode, 481)
        self.assertNothingLeft()

    def test_ourBye(self):
        """So it does when we hang up; no NOTIFY overtakes the BYE, which it would make one out of order."""
        self.call()
        self.subscribe(within=self.within)
        self.notified()
        notifier = self.notifier
        ending = self.dialog.destroy()
        telling = notifier.notify(b"1")
        bye = self.peer.expect("BYE")
        self.network.advance(1)
        self.assertEqual(len(self.notifies()), 1)
        self.peer.respond(bye, 200)
        self.network.advance(0.01)
        self.successResultOf(ending)
        self.assertEqual(self.told()[1], b"1")
        self.assertGreater(self.notifies()[-1].cseqNumber, bye.cseqNumber)
        self.assertEqual(self.successResultOf(telling).statusCode, 200)
        notifier.destroy()
        self.notified()
        self.assertNothingLeft()

    def test_refused(self):
        """RFC 5057 section 5.1: a 481 to its NOTIFY ends the subscription, not the call; so does silence."""
        for code in (481, 489, None):
            self.call()
            self.subscribe(within=self.within)
            if code is None:
                self.network.advance(33)
                self.assertEnd(self.notifier, "no answer", True)
            else:
                self.notified(code)
                self.assertEnd(self.notifier, "refused", True)
            self.assertIsNone(self.dialog.ended)
            self.assertEqual(self.dialog.subscriptions, [])
            self.peer._fresh.clear()
            self.hangsUp()
            self.assertNothingLeft()

    def test_refusedDialog(self):
        """RFC 5057 section 5.1: what says that the peer has lost the dialog ends the call as well, by BYE."""
        for code in (404, 410, 416, 482, 483, 484, 485, 502, 604):
            self.call()
            self.subscribe(within=self.within)
            self.notified(code)
            self.assertEnd(self.notifier, "refused", True)
            self.peer.respond(self.peer.expect("BYE"), 200)
            self.network.advance(0.01)
            self.assertEqual((self.dialog.state, self.userAgent.dialogs), (Phase.TERMINATED, []))
            self.assertIs(self.dialog.ended.reason, Reason.DIALOG_ERROR)
            self.assertNothingLeft()

    def test_hungUpBeforeAnswer(self):
        """RFC 3261 section 12.2.2: the call ends while its SUBSCRIBE is thought about: none begins in it."""
        self.call(decide=later)
        request = self.asks(within=self.within)
        self.hangsUp()
        self.failureResultOf(self.notes.asked[0].accept(delegate=self.notes), DialogTerminated)
        self.assertEqual(self.finalTo(request).statusCode, 481)
        self.assertEqual(self.notifies(), [])
        self.assertNothingLeft()

    def test_hungUpByUs(self):
        """So it is with a BYE of ours that is on its way; who awaits accept() in a coroutine logs nothing."""
        waiting = Deferred()

        async def decide(context):
            await waiting
            await context.accept(delegate=self.notes)

        self.call(decide)
        request = self.asks(within=self.within)
        self.dialog.destroy()
        waiting.callback(None)
        self.assertEqual(self.finalTo(request).statusCode, 481)
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.assertEqual((self.notifies(), self.flushLoggedErrors()), ([], []))
        self.assertNothingLeft()

    def test_whoIsAsked(self):
        """The dialog's own delegate is asked, if it has the method; else that of the user agent."""
        asked = []

        class Own:
            def subscribeReceived(self, context):
                asked.append(context.dialog)
                context.accept(body=b"own")

        self.open()
        self.notes.answer = lambda context: context.accept(body=ANSWER, delegate=Own()) and None
        self.within = self.final("INVITE", self.userAgent, body=b"v=0\r\n")
        self.peer.ack(self.within)
        self.network.advance(0.01)
        self.assertEqual(self.subscribe(within=self.within).statusCode, 200)
        self.assertEqual(self.told()[1], b"own")
        self.assertEqual((len(asked), self.notes.asked), (1, []))
        # Outside of it there is no such dialog.
        self.assertEqual(self.subscribe("0").statusCode, 200)
        self.notified()
        self.assertEqual((len(asked), len(self.notes.asked)), (1, 1))
        self.subscribe("0", within=self.within)
        self.notified()
        self.hangsUp()
        self.assertNothingLeft()

    def test_room(self):
        """It makes no dialog, so that the limit of those is no matter here; that of subscriptions is."""
        self.call(loadLimits=LoadLimits(dialogs=1, subscriptionsPerSource=1))
        self.assertEqual(self.subscribe(within=self.within).statusCode, 200)
        self.notified()
        self.assertEqual(self.subscribe(event=f"{DOOR};id=2", within=self.within).statusCode, 503)
        self.notifier.destroy()
        self.notified()
        self.hangsUp()
        self.assertNothingLeft()

    def test_refers(self):
        """It is no REFER, and takes no room from those (C{loadLimits.refers})."""
        self.call(loadLimits=LoadLimits(refers=1))
        self.subscribe(within=self.within)
        self.notified()
        self.assertEqual(self.status("REFER", headers={"Refer-To": "<sip:carol@c.example>"}), 603)
        self.notifier.destroy()
        self.notified()
        self.hangsUp()
        self.assertNothingLeft()

    def test_stop(self):
        """The service stops: BYE for the call, and the last NOTIFY for its subscription."""
        self.call()
        self.subscribe(within=self.within)
        self.notified()
        stopping = self.userAgent.stopService()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(0.01)
        self.assertEqual(self.told()[0].partition(";retry")[0], "terminated;reason=probation")
        self.network.advance(0.01)
        self.successResultOf(stopping)
        self.assertEnd(self.notifier, "probation", False)
        self.assertEqual(self.userAgent.leftovers(), [])
        self.assertRaises(InvalidState, self.userAgent.subscribe, "sip:x@c.example", "presence")
