"""
Changes that nobody wants any more, and changes that the end of the call overtakes (RFC 3261 sections 9.1, 14.1, 15).
"""

from contextlib import contextmanager

from twisted.internet.defer import CancelledError, Deferred

from tests.ua.calling import ANSWER
from tests.ua.changing import MOVED, MOVED_ANSWER, ChangeCase, newer
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated

OTHER = newer(MOVED, (b"4010", b"4014"))


class CancelTests(ChangeCase):
    def test_inTheQueue(self):
        """
        What still waits is taken out; nothing of it is sent.
        """
        self.stand()
        _first, request = self.reinvite(MOVED)
        second, third = self.modify(newer(MOVED, (b"4010", b"4030"))), self.modify(OTHER)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.accept(request)
        request = self.peer.expect("INVITE", 1)
        self.assertIn(b"4014", request.body)
        self.accept(request)
        self.successResultOf(third)
        self.assertEqual(self.count("CANCEL"), 0)

    def test_firstInTheQueue(self):
        """
        What waited behind it may be possible at once: an UPDATE, while the ACK to a 2xx of ours is awaited.
        """
        self.stand()
        theirs = self.fromPeer("INVITE", newer(ANSWER), answered=False)
        ok = self.finalTo(theirs)
        first, second = self.modify(MOVED), self.modify(OTHER, method="UPDATE")
        self.network.advance(0.1)
        self.assertEqual((self.count("INVITE"), self.count("UPDATE")), (1, 0))
        first.cancel()
        self.accept(self.peer.expect("UPDATE", 0.1))
        self.successResultOf(second)
        self.peer.ack(ok)
        self.network.advance(0.1)
        self.works()

    def test_beforeItIsTriedAgain(self):
        """
        During the wait after a 491: nothing more is sent, and the queue goes on.
        """
        self.stand()
        first, request = self.reinvite(MOVED)
        second = self.modify(OTHER)
        self.refuse(request, 491)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        request = self.peer.expect("INVITE", 0.1)
        self.assertIn(b"4014", request.body)
        self.accept(request)
        self.successResultOf(second)
        self.network.advance(5)
        self.assertEqual(self.count("INVITE"), 3)

    def test_waitingToBeTriedAgain(self):
        """
        So when its time has come, and only an INVITE of the peer keeps it.
        """
        self.notes.inviteReceived = lambda context: (waiting.append(context), context.answerLater())
        waiting = []
        self.stand()
        first, request = self.reinvite(MOVED)
        self.refuse(request, 491)
        theirs = self.fromPeer("INVITE", newer(ANSWER), answered=False)
        self.network.advance(5)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        waiting[0].reject(488)
        self.assertEqual(self.finalTo(theirs).statusCode, 488)
        self.network.advance(1)
        self.assertEqual(self.count("INVITE"), 2)
        self.asBefore()

    def test_onItsWay(self):
        """
        Section 9.1: CANCEL, but not before a provisional came; 487, and all is as before.
        """
        self.stand()
        changing, request = self.reinvite(MOVED)
        waiting = self.modify(OTHER)
        changing.cancel()
        self.failureResultOf(changing, CancelledError)
        self.network.advance(0.4)
        self.assertEqual(self.count("CANCEL"), 0)
        self.peer.respond(request, 100)
        cancel = self.peer.expect("CANCEL", 0.1)
        self.assertEqual(cancel.cseqNumber, request.cseqNumber)
        self.assertEqual(cancel.headers.get("via"), request.headers.get("via"))
        self.peer.respond(cancel, 200)
        self.network.advance(1)
        self.assertEqual(self.count("INVITE"), 2)
        self.refuse(request, 487)
        self.asBefore()
        self.accept(self.peer.expect("INVITE", 1))
        self.successResultOf(waiting)
        self.hangUp()

    def test_2xxCrosses(self):
        """
        Section 9.1: a CANCEL has no effect on what was answered already: the 2xx gets its ACK and holds.
        """
        for provisional in (True, False):
            self.stand()
            changing, request = self.reinvite(MOVED)
            if provisional:
                self.peer.respond(request, 180)
                self.network.advance(0.1)
            changing.cancel()
            if provisional:
                self.peer.respond(self.peer.expect("CANCEL"), 200)
            self.accept(request)
            self.failureResultOf(changing, CancelledError)
            self.assertEqual(self.session(), (MOVED, MOVED_ANSWER, False))
            self.assertNotIn("terminated", self.dialog.state.value)
            self.hangUp()

    def test_491AfterCancel(self):
        """
        What is not wanted any more is not tried again.
        """
        self.stand()
        changing, request = self.reinvite(MOVED)
        changing.cancel()
        self.refuse(request, 491)
        self.network.advance(10)
        self.assertEqual(self.count("INVITE"), 2)
        self.asBefore()
        self.works()

    def test_whileDescribed(self):
        """
        While its offer is being made: nothing is sent, the description goes back, the queue goes on.
        """
        self.standWithMedia()
        self.media.slow = True
        first = self.modify("sendonly")
        self.network.advance(1)
        second = self.modify(MOVED)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.accept(self.peer.expect("INVITE", 1))
        self.successResultOf(second)
        self.assertEqual(self.media.calls, ["offer", "close"])

    def test_whileLookedUp(self):
        """
        While the address is being found: nothing is sent; whoever cancelled is told so.
        """
        self.stand()
        with self.looking():
            first = self.modify(MOVED)
            self.network.advance(1)
            first.cancel()
        self.failureResultOf(first, CancelledError)
        self.network.advance(2)
        self.assertEqual(self.count("INVITE"), 1)
        self.asBefore()
        self.works()

    @contextmanager
    def looking(self):
        """No name is found meanwhile."""
        client = self.alice.dialogs[0].core.client
        client.locate = lambda hop: Deferred()
        yield
        del client.locate

    def test_update(self):
        """
        An UPDATE cannot be cancelled on its way (section 9.1): what it comes to holds.
        """
        for code in (200, 488):
            self.stand()
            changing = self.modify(MOVED, method="UPDATE")
            request = self.peer.expect("UPDATE")
            changing.cancel()
            self.failureResultOf(changing, CancelledError)
            if code == 200:
                self.accept(request)
                self.assertEqual(self.session(), (MOVED, MOVED_ANSWER, False))
            else:
                self.refuse(request, code)
                self.assertEqual(self.session(), self.before)
            self.assertEqual(self.count("CANCEL"), 0)
            self.works()
            self.hangUp()


class EndTests(ChangeCase):
    def test_theirBye(self):
        """
        A BYE of the peer while our re-INVITE is open: both fail, the late final is acknowledged, nothing is left (B16).
        """
        for code in (200, 487, None):
            self.stand()
            changing, request = self.reinvite(MOVED)
            waiting = self.modify(OTHER)
            self.peer.respond(request, 100)
            self.network.advance(0.1)
            self.assertEqual(self.fromPeer("BYE").statusCode, 200)
            for each in (changing, waiting):
                error = self.failureResultOf(each, DialogTerminated).value
                self.assertIs(error.ended and error.ended.reason, Reason.REMOTE_BYE)
            self.assertEqual(self.notes.reasons, [Reason.REMOTE_BYE])
            if code == 200:
                for _ in range(2):
                    self.accept(request)
            elif code:
                self.refuse(request, code)
            self.network.advance(64)
            self.assertNothingLeft()
            self.notes.ended.clear()

    def test_ourBye(self):
        """
        So with a BYE of ours, whose 2xx comes before or after that of the re-INVITE.
        """
        for first in ("bye", "invite"):
            self.stand()
            changing, request = self.reinvite(MOVED)
            destroying = self.dialog.destroy()
            self.failureResultOf(changing, DialogTerminated)
            bye = self.peer.expect("BYE")
            if first == "bye":
                self.peer.respond(bye, 200)
                self.network.advance(0.1)
            for _ in range(2):
                self.accept(request)
            self.assertEqual(self.count("BYE"), 1)
            if first == "invite":
                self.peer.respond(bye, 200)
                self.network.advance(0.1)
            self.assertEqual(self.successResultOf(destroying).method, "BYE")
            self.assertEqual(self.notes.reasons, [Reason.LOCAL_BYE])
            self.assertNothingLeft()
            self.notes.ended.clear()
            self.peer.received.clear()

    def test_whileItWaits(self):
        """
        During the wait after a 491: it fails, and is not tried again.
        """
        self.stand()
        changing, request = self.reinvite(MOVED)
        self.refuse(request, 491)
        self.fromPeer("BYE")
        self.failureResultOf(changing, DialogTerminated)
        self.network.advance(10)
        self.assertEqual(self.count("INVITE"), 2)
        self.assertNothingLeft()

    def test_whileDescribed(self):
        """
        While the offer is being made: it fails, nothing is sent; closing is the last that the description sees.
        """
        for mine in (True, False):
            self.standWithMedia()
            self.media.slow = True
            changing = self.modify("sendonly")
            if mine:
                self.dialog.destroy()
                self.endsBye()
            else:
                self.fromPeer("BYE")
            self.failureResultOf(changing, DialogTerminated)
            self.assertEqual((self.media.calls[0], self.media.calls[-1]), ("offer", "close"))
            self.assertEqual(self.media.calls.count("close"), 1)
            self.assertNothingLeft()

    def test_whileAnswered(self):
        """
        So while the answer to an offer of the peer is being made, by a re-INVITE or an UPDATE, which gets 487.
        """
        for method in ("INVITE", "UPDATE"):
            for mine in (True, False):
                self.standWithMedia()
                self.media.slow = True
                request = self.fromPeer(method, newer(ANSWER), answered=False)
                self.network.advance(0.1)
                if mine:
                    self.dialog.destroy()
                    self.endsBye()
                else:
                    self.fromPeer("BYE")
                self.assertEqual(self.finalTo(request).statusCode, 487)
                self.assertEqual((self.media.calls[0], self.media.calls[-1]), ("answer", "close"), (method, mine))
                self.assertEqual(self.media.calls.count("close"), 1)
                self.assertNothingLeft()

    def test_stubbornDescription(self):
        """
        So with a description that takes no cancelling for an answer.
        """
        for method in ("INVITE", "UPDATE", None):
            self.standWithMedia()
            self.media.slow = True
            if method is None:
                changing = self.modify("sendonly")
            else:
                request = self.fromPeer(method, newer(ANSWER), answered=False)
                self.network.advance(0.1)
            self.media.waiting.addErrback(lambda _: ANSWER)
            waiting = self.media.waiting
            self.fromPeer("BYE")
            if method is None:
                self.failureResultOf(changing, DialogTerminated, CancelledError)
            else:
                self.assertEqual(self.finalTo(request).statusCode, 487)
            self.assertTrue(waiting.called)
            self.assertEqual((self.media.calls[-1], self.media.calls.count("close")), ("close", 1), method)
            self.assertNothingLeft()

    def test_stop(self):
        """
        When the service stops, it fails like everything else of the call.
        """
        self.stand()
        changing, _request = self.reinvite(MOVED)
        waiting = self.modify(OTHER)
        self.alice.stopService()
        self.network.advance(60)
        self.failureResultOf(changing, DialogTerminated)
        self.failureResultOf(waiting, DialogTerminated)
