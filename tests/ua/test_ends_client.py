"""
The end of a call of ours: told exactly once on every path, with its reason and the message that did it
(RFC 3261 sections 9.1, 13.2, 15, 16.7).
"""

from twisted.internet.defer import CancelledError

from tests.ua.calling import ANSWER, BOB, OFFER, CallerCase, Notes
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, ResponseError, Timeout, TransportError


class EndCase(CallerCase):
    def ring(self, target=BOB, agent=None):
        """A call that rings: its early dialog."""
        self.notes = Notes()
        self.agent = agent or self.alice
        self.context = self.agent.inviteContext(target, body=OFFER, delegate=self.notes)
        self.answered = self.context.whenAnswered()
        self.addCleanup(self.answered.addErrback, lambda _: None)
        self.asked = self.peer.expect("INVITE")
        self.peer.respond(self.asked, 180)
        self.network.advance(0.1)
        self.dialog = self.context.dialog
        self.ended = self.dialog.whenTerminated()

    def assertEnded(self, reason, byPeer, what, failure=None):
        self.network.advance(400)
        self.assertEqual(len(self.notes.ended), 1, self.network.ladder())
        dialog, ended = self.notes.ended[0]
        self.assertIs(dialog, self.dialog)
        self.assertIs(self.successResultOf(self.ended), ended)
        message = ended.message
        said = None if message is None else getattr(message, "method", None) or message.statusCode
        self.assertEqual((ended.reason, ended.byPeer, said), (reason, byPeer, what))
        if failure is not None:
            self.failureResultOf(self.answered, failure)
        self.assertEqual(self.agent.leftovers(), [])


class UnansweredTests(EndCase):
    def test_rejected(self):
        """Refused."""
        for status in (302, 404, 486, 500, 603):
            self.ring()
            self.peer.respond(self.asked, status)
            self.assertEnded(Reason.REJECTED, True, status, ResponseError)

    def test_cancelled(self):
        """Cancelled by cancel(), or by destroy() of the early dialog (section 15)."""
        for destroys in (False, True):
            self.ring()
            (self.dialog.destroy if destroys else self.context.cancel)()
            self.peer.respond(self.peer.expect("CANCEL"), 200)
            self.peer.respond(self.asked, 487)
            self.assertEnded(Reason.LOCAL_CANCEL, False, 487, CancelledError)
            self.assertEqual(self.count("BYE"), 0)

    def test_cancelUnanswered(self):
        """Nobody answers the CANCEL (section 9.1)."""
        self.ring()
        self.context.cancel()
        self.peer.expect("CANCEL")
        self.assertEnded(Reason.LOCAL_CANCEL, False, None, CancelledError)

    def test_crossed(self):
        """A 2xx crosses the CANCEL: ACK and BYE (section 9.1)."""
        self.ring()
        self.context.cancel()
        self.peer.respond(self.asked, 200, body=ANSWER)
        self.endsBye()
        self.assertEnded(Reason.LOCAL_CANCEL, False, 200, CancelledError)

    def test_ringsTooLong(self):
        """ringTimeout."""
        agent = self.network.userAgent("sip:carl@c.example", ringTimeout=10.0)
        self.ring(agent=agent)
        self.peer.respond(self.peer.expect("CANCEL"), 200)
        self.peer.respond(self.asked, 487)
        self.assertEnded(Reason.LOCAL_CANCEL, False, 487, Timeout)

    def test_bye(self):
        """The callee leaves the early dialog by BYE (section 15), and refuses the INVITE, or does not."""
        for status in (487, 200):
            self.ring()
            self.peer.request("BYE", within=self.asked)
            self.network.advance(0.1)
            self.peer.respond(self.asked, status, body=ANSWER if status == 200 else b"")
            if status == 200:
                self.peer.respond(self.peer.expect("BYE"), 481)
            self.assertEnded(Reason.REMOTE_BYE, True, "BYE", ResponseError if status == 487 else DialogTerminated)

    def test_otherFork(self):
        """Another fork answers (16.7)."""
        self.ring()
        self.fork(self.asked, 200, "other")
        self.network.advance(0.1)
        other = self.successResultOf(self.answered)
        self.assertEqual(
            [(d, e.reason, e.message) for d, e in self.notes.ended], [(self.dialog, Reason.OTHER_FORK, None)]
        )
        other.destroy()
        self.endsBye()
        self.assertEqual([e.reason for _, e in self.notes.ended], [Reason.OTHER_FORK, Reason.LOCAL_BYE])

    def test_connectionLost(self):
        """The connection that the answer was to come by."""
        self.ring(f"{BOB};transport=tcp")
        self.network.reset(self.alice, self.peer)
        self.assertEnded(Reason.FLOW_LOST, False, None, TransportError)

    def test_redirected(self):
        """A redirection that is followed: its early dialog is over, the call goes on (8.1.3.4)."""
        agent = self.network.userAgent("sip:carl@c.example", followRedirects=1)
        self.ring(agent=agent)
        self.peer.respond(self.asked, 302, headers={"Contact": f"<sip:other@{self.peer.address[0]}>"})
        again = self.peer.expect("INVITE")
        self.assertEqual([e.reason for _, e in self.notes.ended], [Reason.REJECTED])
        self.peer.respond(again, 200, body=ANSWER)
        self.network.advance(0.1)
        self.successResultOf(self.answered).destroy()
        self.endsBye()
        self.assertEqual([e.reason for _, e in self.notes.ended], [Reason.REJECTED, Reason.LOCAL_BYE])

    def test_unusable(self):
        """The session in the 2xx is of no use: ACK and BYE (13.2.2.4)."""
        self.ring()
        self.peer.respond(self.asked, 200)
        self.endsBye()
        self.assertEnded(Reason.MEDIA_LOST, False, 200)

    def test_stop(self):
        """The service stops, and the callee answers the CANCEL, or does not."""
        for status in (487, None):
            agent = self.network.userAgent(f"sip:carl@c{status}.example")
            self.ring(agent=agent)
            stopping = agent.stopService()
            if status is not None:
                self.peer.respond(self.peer.expect("CANCEL"), 200)
                self.peer.respond(self.asked, status)
            self.network.advance(10)
            self.successResultOf(stopping)
            self.assertEnded(Reason.LOCAL_CANCEL, False, status, CancelledError)


class StandingTests(EndCase):
    def stand(self, **headers):
        self.ring()
        self.peer.respond(self.asked, 200, headers=headers, body=ANSWER)
        self.network.advance(0.1)
        self.assertIs(self.successResultOf(self.answered), self.dialog)

    def test_bye(self):
        """Theirs."""
        self.stand()
        self.peer.request("BYE", within=self.asked)
        self.assertEnded(Reason.REMOTE_BYE, True, "BYE")

    def test_ours(self):
        """Ours."""
        for status in (200, 481, None):
            self.stand()
            self.dialog.destroy()
            bye = self.peer.expect("BYE")
            if status is not None:
                self.peer.respond(bye, status)
            self.assertEnded(Reason.LOCAL_BYE, False, status)

    def test_sessionTimer(self):
        """A session nobody refreshes (RFC 4028 section 10)."""
        self.stand(**{"Session-Expires": "90;refresher=uas"})
        self.endsBye(100)
        self.assertEnded(Reason.SESSION_EXPIRED, False, 200)

    def test_dialogIsGone(self):
        """481 to any request, 408 to a change of the session (RFC 5057 section 5.1)."""
        for method, status in (("INFO", 481), ("INVITE", 481), ("INVITE", 408), ("UPDATE", 408)):
            self.stand()
            if method == "INFO":
                self.dialog.info()
            else:
                self.dialog.modify("hold", method=method).addErrback(lambda _: None)
            self.peer.respond(self.peer.expect(method), status)
            self.endsBye()
            self.assertEnded(Reason.DIALOG_ERROR, False, status)

    def test_infoUnanswered(self):
        """RFC 5057 section 5.1: a 408, or silence, to INFO does not end the call."""
        self.stand()
        asking = self.dialog.info()
        self.peer.respond(self.peer.expect("INFO"), 408)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(asking).statusCode, 408)
        asking = self.dialog.info()
        self.network.advance(40)
        self.failureResultOf(asking, Timeout)
        self.assertEqual((self.notes.ended, self.alice.dialogs), ([], [self.dialog]))
        self.peer.request("BYE", within=self.asked)
        self.assertEnded(Reason.REMOTE_BYE, True, "BYE")

    def test_byeDuringChange(self):
        """BYE of either side while a re-INVITE of ours is open; its late 2xx is acknowledged (13.2.2.4)."""
        for ours in (False, True):
            self.stand()
            changing = self.dialog.modify("hold")
            again = self.peer.expect("INVITE")
            if ours:
                self.dialog.destroy()
            else:
                self.peer.request("BYE", within=self.asked)
            self.network.advance(0.1)
            self.failureResultOf(changing, DialogTerminated)
            self.peer.respond(again, 200, body=ANSWER)
            while self.peer.expect("ACK").cseqNumber != again.cseqNumber:
                pass
            if ours:
                self.endsBye()
            self.assertEnded(*((Reason.LOCAL_BYE, False, 200) if ours else (Reason.REMOTE_BYE, True, "BYE")))
