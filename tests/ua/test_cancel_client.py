"""
Giving up a call of ours (RFC 3261 section 9.1).
"""

from twisted.internet.defer import CancelledError, Deferred, TimeoutError

from tests.ua.calling import ANSWER, BOB, OFFER, CallerCase, Media
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message import Request


class CancelTests(CallerCase):
    def ringing(self, **arguments):
        context, invite = self.context(**arguments)
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        return context, invite

    def settled(self, invite, cancel):
        self.peer.respond(cancel, 200)
        self.peer.respond(invite, 487)
        self.network.advance(0.1)

    def test_cancel(self):
        """
        The CANCEL has the branch, Request-URI, To, From, Call-ID and CSeq number of its INVITE.
        """
        calling, invite = self.invite()
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        calling.cancel()
        self.failureResultOf(calling, CancelledError)
        cancel = self.peer.expect("CANCEL")
        self.assertEqual((cancel.via.branch, cancel.uriText), (invite.via.branch, invite.uriText))
        for name in ("From", "To", "Call-ID"):
            self.assertEqual(cancel.headers.getAll(name), invite.headers.getAll(name), name)
        self.assertEqual((cancel.cseqNumber, cancel.cseqMethod, cancel.toTag), (invite.cseqNumber, "CANCEL", ""))
        self.assertEqual(len(cancel.headers.getAll("Via")), 1)
        self.assertEqual((cancel.body, cancel.headers.get("Content-Length")), (b"", "0"))
        self.assertEqual(cancel.headers.get("Require"), None)
        self.settled(invite, cancel)
        seen = ["> INVITE", "< 180 INVITE", "> CANCEL", "< 200 CANCEL", "< 487 INVITE", "> ACK"]
        self.assertEqual(self.network.seenBy(self.alice), seen)
        self.assertEqual(self.notes.reasons, [Reason.LOCAL_CANCEL])
        self.assertFalse(self.notes.ended[0][1].byPeer)
        self.assertNothingLeft()

    def test_heldUntilProvisional(self):
        """
        No CANCEL goes before a provisional came; then it goes, once.
        """
        calling, invite = self.invite()
        calling.cancel()
        self.failureResultOf(calling, CancelledError)
        self.network.advance(3)
        self.assertEqual(self.count("CANCEL"), 0)
        self.peer.respond(invite, 100)
        cancel = self.peer.expect("CANCEL")
        self.peer.respond(invite, 180)
        self.peer.respond(invite, 180)
        self.settled(invite, cancel)
        self.assertEqual(self.count("CANCEL"), 1)
        self.assertNothingLeft()

    def test_neverAProvisional(self):
        """
        Nobody answered at all: the INVITE ends by timer B, no CANCEL was ever sent.
        """
        calling, _ = self.invite()
        calling.cancel()
        self.failureResultOf(calling)
        self.network.advance(33)
        self.assertEqual((self.count("CANCEL"), self.alice.leftovers()), (0, []))

    def test_finalInstead(self):
        """
        A final that comes before a CANCEL could go: there is none.
        """
        for code in (486, 302, 401):
            calling, invite = self.invite()
            calling.cancel()
            self.peer.respond(invite, code)
            self.network.advance(1)
            self.failureResultOf(calling, CancelledError)
        self.assertEqual((self.count("CANCEL"), self.count("INVITE")), (0, 3))
        self.assertNothingLeft()

    def test_crossing2xx(self):
        """
        Sections 9.1, 13.2.2.4: a 2xx crosses the CANCEL: ACK, BYE, and still cancelled.
        """
        for provisional in (True, False):
            media = Media()
            calling, invite = self.invite(body=None, media=media)
            if provisional:
                self.peer.respond(invite, 180)
                self.network.advance(0.1)
            calling.cancel()
            self.peer.respond(invite, 200, body=ANSWER)
            self.peer.expect("ACK")
            bye = self.endsBye()
            self.assertEqual(bye.cseqNumber, invite.cseqNumber + 1)
            self.failureResultOf(calling, CancelledError)
            self.assertEqual(self.notes.reasons.pop(), Reason.LOCAL_CANCEL)
            self.assertEqual(media.calls.count("close"), 1)
            self.peer.respond(invite, 200, body=ANSWER)  # the ACK was lost
            self.peer.expect("ACK")
        self.assertEqual((self.notes.confirmed, self.count("BYE")), ([], 2))
        self.assertNothingLeft()

    def test_crossing2xxOfOneFork(self):
        """
        The other branches' early dialogs end, too.
        """
        context, invite = self.context()
        for tag in ("f1", "f2", "f3"):
            self.fork(invite, 180, tag)
        self.network.advance(0.1)
        context.cancel()
        self.fork(invite, 200, "f2")
        self.peer.expect("ACK")
        self.endsBye()
        self.assertEqual((len(self.notes.ended), self.alice.dialogs), (3, []))
        self.assertEqual(set(self.notes.reasons), {Reason.LOCAL_CANCEL})
        self.failureResultOf(context.whenAnswered(), CancelledError)
        self.assertNothingLeft()

    def test_neverAnswered(self):
        """
        Section 9.1: a cancelled INVITE that gets no final ends 64*T1 after the CANCEL.
        """
        media = Media()
        context, _invite = self.ringing(body=None, media=media)
        self.network.advance(50)
        context.cancel()
        self.peer.respond(self.peer.expect("CANCEL"), 200)
        self.network.advance(31)
        self.assertEqual(len(self.alice.dialogs), 1)
        self.network.advance(2)
        self.assertEqual((self.alice.leftovers(), self.notes.reasons), ([], [Reason.LOCAL_CANCEL]))
        self.assertEqual(media.calls, ["offer", "close"])

    def test_again(self):
        """
        Cancelling twice is cancelling; cancelling what is over is nothing.
        """
        context, invite = self.ringing()
        context.cancel()
        context.cancel()
        self.settled(invite, self.peer.expect("CANCEL"))
        context.cancel()
        self.network.advance(1)
        self.assertEqual(self.count("CANCEL"), 1)
        self.failureResultOf(context.whenAnswered(), CancelledError)

    def test_afterTheAnswer(self):
        """
        An answered call is not cancelled any more.
        """
        context, invite = self.ringing()
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        context.cancel()
        self.network.advance(1)
        self.assertEqual((self.count("CANCEL"), self.count("BYE")), (0, 0))
        self.successResultOf(context.whenAnswered())

    def test_reason(self):
        """
        RFC 3326: the reason goes with the CANCEL, and so do further headers; also when it was held.
        """
        for held in (False, True):
            context, invite = self.context()
            if not held:
                self.peer.respond(invite, 180)
                self.network.advance(0.1)
            context.cancel('call "completed" elsewhere', [("X-Who", "me")])
            if held:
                self.peer.respond(invite, 180)
            cancel = self.peer.expect("CANCEL")
            self.assertEqual(cancel.headers.get("X-Who"), "me")
            reason = cancel.headers.get("Reason")
            self.assertTrue(reason.startswith("SIP;cause=487;text="), reason)
            self.assertIn('\\"completed\\"', reason)
            self.settled(invite, cancel)

    def test_injection(self):
        """
        Nothing given to cancel() starts a header of its own (B34); the call goes on.
        """
        context, invite = self.ringing()
        self.assertRaises(InvalidValue, context.cancel, "a\r\nX: 1")
        self.assertRaises(InvalidValue, context.cancel, None, [("X", "a\r\nY: 1")])
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.successResultOf(context.whenAnswered())

    def test_timeout(self):
        """
        addTimeout() on the Deferred: CANCEL, and its own TimeoutError.
        """
        calling = self.alice.invite(BOB, body=OFFER).addTimeout(5, self.network.clock)
        invite = self.peer.expect("INVITE")
        self.peer.respond(invite, 180)
        self.settled(invite, self.peer.expect("CANCEL"))
        self.failureResultOf(calling, TimeoutError)

    def test_whenAnsweredIsNoHandle(self):
        """
        Cancelling a Deferred of whenAnswered() concerns nobody else.
        """
        context, invite = self.ringing()
        waiting = context.whenAnswered()
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.successResultOf(context.whenAnswered())
        self.assertEqual(self.count("CANCEL"), 0)

    def test_duringLookUp(self):
        """
        While the name is being looked up: nothing is ever sent.
        """
        for arguments in ({"body": OFFER}, {"media": Media()}):
            calling = self.alice.invite(BOB, **arguments)
            calling.cancel()
            self.failureResultOf(calling, CancelledError)
            self.network.advance(40)
        self.assertEqual((self.peer.received, self.alice.leftovers()), ([], []))

    def test_duringOffer(self):
        """
        While the media make their offer: that is cancelled, nothing is sent.
        """
        offers = Deferred()
        media = Media(offers=offers)
        calling = self.alice.invite(BOB, media=media)
        self.network.advance(0.1)
        calling.cancel()
        self.failureResultOf(calling, CancelledError)
        self.assertTrue(offers.called)
        self.network.advance(1)
        self.assertEqual((self.peer.received, media.calls), ([], ["offer", "close"]))
        self.assertNothingLeft()

    def test_beforeListening(self):
        """
        Before the ports are open: nothing is ever sent.
        """
        waiting = Deferred()
        listening, self.alice._listening = self.alice._listening, None

        class Later:
            def wait(self):
                return waiting

        self.alice._listening = Later()
        calling = self.alice.invite(BOB, body=OFFER)
        self.alice._listening = listening
        calling.cancel()
        self.failureResultOf(calling, CancelledError)
        waiting.callback([])
        self.network.advance(1)
        self.assertEqual((self.peer.received, self.alice.leftovers()), ([], []))

    def test_byTcp(self):
        """
        The CANCEL goes over the connection of its INVITE.
        """
        context, invite = self.context(f"{BOB};transport=tcp")
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        context.cancel()
        cancel = self.peer.expect("CANCEL")
        self.assertEqual((cancel.via.transport, len(self.peer.streams)), ("TCP", 1))
        self.settled(invite, cancel)
        self.assertEqual(self.network.seenBy(self.alice)[-2:], ["< 487 INVITE", "> ACK"])

    def test_earlyDialogDestroyed(self):
        """
        Section 15: to end an early dialog of ours the INVITE is cancelled; the outcome is the CANCEL.
        """
        context, invite = self.ringing()
        ending = context.dialog.destroy(reason="enough")
        again = context.dialog.terminate()
        cancel = self.peer.expect("CANCEL")
        self.assertIn("enough", cancel.headers.get("Reason"))
        self.assertNoResult(ending)
        self.settled(invite, cancel)
        sent = self.successResultOf(ending)
        self.assertIsInstance(sent, Request)
        self.assertEqual(sent.method, "CANCEL")
        self.assertIs(self.successResultOf(again), sent)
        self.failureResultOf(context.whenAnswered(), CancelledError)
        self.assertEqual(self.count("BYE"), 0)
