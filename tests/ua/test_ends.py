"""
The end of a call to us: told exactly once on every path, with its reason and the message that did it
(RFC 3261 sections 9, 13.3, 15; RFC 3262 section 3; RFC 4028 section 10; RFC 5057 section 5.1).
"""

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, Notes, later
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import InvalidState, ResponseError, Timeout, TransportError
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.message.sdp import NotAcceptable


class EndCase(CalleeTestCase):
    def stand(self, answered=True, progress=None, headers=None, acknowledged=True, **settings):
        """A call with a delegate of its own; early when C{progress} says so, standing when C{answered}."""
        self.own = Notes()

        def answer(context):
            context.answerLater()
            if progress is not None:
                self.progressing = context.progress(**progress)
                context.dialog.delegate = self.own
            if answered:
                self.accepting = context.accept(body=ANSWER, delegate=self.own)

        self.userAgent, self.callee, self.invite = self.ring(answer, headers=headers, **settings)
        self.dialog = self.callee.dialog
        self.ended = self.dialog.whenTerminated()
        if answered and acknowledged:
            self.ok = self.peer.expect("200 INVITE")
            self.peer.ack(self.ok)
            self.network.advance(0.01)

    def answerBye(self, status=200, seconds=40.0):
        bye = self.peer.expect("BYE", seconds)
        self.answer = self.peer.respond(bye, status)
        self.network.advance(0.01)
        return bye

    def assertEnded(self, reason, byPeer, what):
        """Told once, to everybody; C{what} is the method or status of the message, None for none."""
        self.network.advance(400)
        for notes in (self.own, self.callee):
            self.assertEqual(notes.events.count("terminated"), 1, self.network.ladder())
            self.assertEqual([e for e in notes.events if e != "cancelled"][-1], "terminated")
        ended = self.own.ended
        self.assertIs(self.callee.ended, ended)
        self.assertIs(self.successResultOf(self.ended), ended)
        self.assertIs(self.dialog.ended, ended)
        message = ended.message
        said = None if message is None else getattr(message, "method", None) or message.statusCode
        self.assertEqual((ended.reason, ended.byPeer, said), (reason, byPeer, what))
        self.assertEqual(self.userAgent.leftovers(), [])


class UnansweredTests(EndCase):
    def stand(self, **how):
        how.setdefault("progress", {})
        super().stand(answered=False, **how)
        self.context = self.callee.context

    def test_cancel(self):
        """CANCEL."""
        self.stand()
        self.peer.cancel(self.invite)
        self.assertEqual(self.finalTo(self.invite).statusCode, 487)
        self.assertRaises(InvalidState, self.context.accept)
        self.assertEnded(Reason.REMOTE_CANCEL, True, "CANCEL")

    def test_bye(self):
        """BYE in the early dialog (section 15)."""
        self.stand()
        bye = self.peer.request("BYE", within=self.peer.expect("180 INVITE"))
        self.assertEqual(self.finalTo(bye).statusCode, 200)
        self.assertEqual(self.finalTo(self.invite).statusCode, 487)
        # Whoever was asked for the answer learns that none is wanted.
        self.assertEqual(sorted(self.callee.events), ["cancelled", "terminated"])
        self.assertEqual(self.context.cancelled.method, "BYE")
        self.assertEnded(Reason.REMOTE_BYE, True, "BYE")

    def test_rejected(self):
        """Refused by the application: by a verb, by destroy(), by an exception."""
        self.stand()
        self.context.reject(486)
        self.assertEqual(self.finalTo(self.invite).statusCode, 486)
        self.assertEnded(Reason.REJECTED, False, 486)
        self.stand()
        self.dialog.destroy()
        self.assertEqual(self.finalTo(self.invite).statusCode, 480)
        self.assertEnded(Reason.REJECTED, False, 480)

    def test_noAnswer(self):
        """noAnswerTimeout, and Expires (13.3.1)."""
        self.stand(noAnswerTimeout=5.0)
        self.network.advance(6)
        self.assertEqual(self.finalTo(self.invite).statusCode, 408)
        self.assertEnded(Reason.NO_ANSWER, False, 408)
        self.stand(headers={"Expires": "5"})
        self.network.advance(6)
        self.assertEqual(self.finalTo(self.invite).statusCode, 487)
        self.assertEnded(Reason.EXPIRED, False, 487)

    def test_noPrack(self):
        """A reliable provisional without PRACK (RFC 3262 section 3)."""
        self.stand(progress={"reliable": True}, headers={"Supported": "100rel"})
        self.network.advance(33)
        self.assertEqual(self.finalTo(self.invite).statusCode, 504)
        self.assertEnded(Reason.NO_PRACK, False, 504)

    def test_dialogIsGone(self):
        """The caller knows of no such early dialog (RFC 5057 section 5.1): no BYE may go out yet (section 15)."""
        self.stand()
        asking = self.dialog.info()
        self.peer.respond(self.peer.expect("INFO"), 481)
        self.network.advance(0.01)
        self.assertEqual(self.successResultOf(asking).statusCode, 481)
        self.assertEqual(self.finalTo(self.invite).statusCode, 480)
        self.assertEqual(self.sent("BYE"), 0)
        self.assertEnded(Reason.DIALOG_ERROR, False, 481)

    def test_unfit(self):
        """Nothing answers the offer (488)."""
        self.stand()
        media = FixedMedia(ANSWER.replace(b"m=audio 6000 RTP/AVP 0", b"m=video 6000 RTP/AVP 99"))
        self.failureResultOf(self.context.accept(media=media), NotAcceptable)
        self.assertEqual(self.finalTo(self.invite).statusCode, 488)
        self.assertEnded(Reason.REJECTED, False, 488)

    def test_stop(self):
        """The service stops."""
        self.stand()
        stopping = self.userAgent.stopService()
        self.assertEqual(self.finalTo(self.invite).statusCode, 480)
        self.network.advance(10)
        self.successResultOf(stopping)
        self.assertEnded(Reason.REJECTED, False, 480)


class UnacknowledgedTests(EndCase):
    def stand(self, **how):
        super().stand(acknowledged=False, **how)

    def test_noAck(self):
        """No ACK in 64*T1: BYE (13.3.1.4)."""
        self.stand()
        bye = self.answerBye()
        self.assertIn("ACK timeout", bye.headers.get("reason"))
        self.assertEnded(Reason.ACK_TIMEOUT, False, 200)

    def test_bye(self):
        """BYE instead of the ACK."""
        self.stand()
        self.finalTo(self.peer.request("BYE", within=self.peer.expect("200 INVITE")))
        self.assertEnded(Reason.REMOTE_BYE, True, "BYE")

    def test_b19_destroy(self):
        """Our own wish is held, and wins over the ACK that never comes (B19)."""
        self.stand()
        ending = self.dialog.destroy([("X-Note", "mine")])
        self.network.advance(31)
        self.assertEqual(self.sent("BYE"), 0)
        self.assertEqual(self.answerBye().headers.get("x-note"), "mine")
        self.assertIs(self.successResultOf(ending).method, "BYE")
        self.assertEnded(Reason.LOCAL_BYE, False, 200)

    def test_noAnswer(self):
        """An ACK without the answer to our offer (13.2.1): BYE."""
        self.own = Notes()
        self.userAgent, self.callee, self.invite = self.ring(
            lambda context: context.accept(body=ANSWER, delegate=self.own) and None, body=b""
        )
        self.dialog = self.callee.dialog
        self.ended = self.dialog.whenTerminated()
        self.peer.ack(self.peer.expect("200 INVITE"))
        self.answerBye()
        self.assertEnded(Reason.MEDIA_LOST, False, 200)

    def test_stop(self):
        """The service stops, and the ACK never comes."""
        self.stand()
        stopping = self.userAgent.stopService()
        self.network.advance(10)
        self.successResultOf(stopping)
        self.assertEqual(self.sent("BYE"), 3)  # over two and a half seconds
        self.assertEnded(Reason.SERVICE_STOPPED, False, None)


class StandingTests(EndCase):
    def test_bye(self):
        """Theirs, with the request."""
        self.stand()
        self.finalTo(self.peer.request("BYE", within=self.ok, headers={"Reason": 'Q.850;cause=16;text="bye"'}))
        self.assertEqual(self.own.ended.message.headers.get("reason"), 'Q.850;cause=16;text="bye"')
        self.assertEnded(Reason.REMOTE_BYE, True, "BYE")

    def test_ours(self):
        """Ours, with what answered it, or nothing."""
        for status in (200, 481, 500, None):
            self.stand()
            self.dialog.destroy()
            if status is not None:
                self.answerBye(status)
            self.assertEnded(Reason.LOCAL_BYE, False, status)

    def test_crossing(self):
        """Both at once: the first that is heard."""
        self.stand()
        ending = self.dialog.destroy()
        self.finalTo(self.peer.request("BYE", within=self.ok))
        self.answerBye(481)
        self.successResultOf(ending)
        self.assertEnded(Reason.REMOTE_BYE, True, "BYE")

    def test_sessionTimer(self):
        """A session nobody refreshes (RFC 4028 section 10)."""
        self.stand(headers={"Session-Expires": "90;refresher=uac", "Supported": "timer"})
        self.answerBye(200, 100)
        self.assertEnded(Reason.SESSION_EXPIRED, False, 200)

    def test_dialogIsGone(self):
        """RFC 5057 section 5.1: what says that there is no dialog ends it, whatever it answers; BYE goes out."""
        for method in ("INFO", "MESSAGE", "OPTIONS", "UPDATE"):
            for status in (404, 410, 416, 481, 482, 483, 484, 485, 502, 604):
                self.stand()
                asking = self.dialog.request(method)
                self.peer.respond(self.peer.expect(method), status)
                self.answerBye(481)
                self.assertEqual(self.successResultOf(asking).statusCode, status)
                self.assertEnded(Reason.DIALOG_ERROR, False, status)

    def test_dialogIsNotGone(self):
        """RFC 5057 section 5.1: the others concern the request only; so does 408 to what is not the session's."""
        self.stand()
        for method in ("INFO", "MESSAGE", "OPTIONS"):
            for status in (400, 401, 403, 405, 406, 408, 415, 420, 469, 480, 486, 488, 489, 491, 500, 503, 600, 603):
                asking = self.dialog.request(method)
                self.peer.respond(self.peer.expect(method), status)
                self.network.advance(0.01)
                self.assertEqual(self.successResultOf(asking).statusCode, status)
        self.assertEqual((self.own.events, self.sent("BYE")), (["confirmed"], 0))
        self.dialog.destroy()
        self.answerBye()
        self.assertEnded(Reason.LOCAL_BYE, False, 200)

    def test_subscriptionIsGone(self):
        """481 to what is of a subscription: that is gone, and the call stays (RFC 5057 section 5.1)."""
        self.stand()
        for method in ("SUBSCRIBE", "NOTIFY"):
            asking = self.dialog.request(method, extraHeaders=[("Event", "refer")])
            self.peer.respond(self.peer.expect(method), 481)
            self.network.advance(0.01)
            self.assertEqual(self.successResultOf(asking).statusCode, 481)
        self.assertEqual((self.own.events, self.sent("BYE")), (["confirmed"], 0))
        self.finalTo(self.peer.request("BYE", within=self.ok))

    def test_silence(self):
        """An INFO without an answer must not end the call; a change of the session must (RFC 5057 section 5.1)."""
        self.stand()
        for method in ("INFO", "MESSAGE", "OPTIONS"):
            asking = self.dialog.request(method)
            self.network.advance(33)
            self.failureResultOf(asking, Timeout)
        self.assertEqual((self.own.events, self.sent("BYE")), (["confirmed"], 0))
        for method in ("INVITE", "UPDATE"):
            changing = self.dialog.modify("hold", method=method)
            self.peer.expect(method)
            self.answerBye(481)
            self.failureResultOf(changing, Timeout)
            self.assertEnded(Reason.DIALOG_ERROR, False, 481)
            self.stand(headers={"Allow": "UPDATE"})
        self.finalTo(self.peer.request("BYE", within=self.ok))

    def test_refusedChange(self):
        """408 and 481 to a change of the session end it; another refusal does not."""
        for method in ("INVITE", "UPDATE"):
            for status in (408, 481):
                self.stand()
                changing = self.dialog.modify("hold", method=method)
                self.peer.respond(self.peer.expect(method), status)
                self.answerBye(200)
                self.assertEqual(self.failureResultOf(changing, ResponseError).value.statusCode, status)
                self.assertEnded(Reason.DIALOG_ERROR, False, status)
        self.stand()
        changing = self.dialog.modify("hold")
        self.peer.respond(self.peer.expect("INVITE"), 488)
        self.network.advance(100)
        self.failureResultOf(changing, ResponseError)
        self.assertEqual(self.own.events, ["confirmed"])

    def test_noAckOfReinvite(self):
        """The 2xx to a re-INVITE is never acknowledged (14.2)."""
        self.stand()
        self.finalTo(self.peer.request("INVITE", within=self.ok, body=OFFER))
        self.answerBye()
        self.assertEnded(Reason.ACK_TIMEOUT, False, 200)

    def test_unreachable(self):
        """The BYE cannot be sent at all."""
        self.stand(headers={"Contact": "<sip:peer@nowhere.example>"})
        ending = self.dialog.destroy()
        self.network.advance(0.1)
        self.failureResultOf(ending, TransportError)
        self.assertEnded(Reason.LOCAL_BYE, False, None)

    def test_stop(self):
        """The service stops: our BYE; without an answer in time: because of the stop."""
        for status in (200, None):
            self.stand()
            stopping = self.userAgent.stopService()
            if status is not None:
                self.answerBye(status)
            self.network.advance(10)
            self.successResultOf(stopping)
            self.assertEnded(Reason.LOCAL_BYE if status else Reason.SERVICE_STOPPED, False, status)

    def test_again(self):
        """Whatever comes after the end is not another."""
        self.stand()
        self.dialog.destroy()
        bye = self.answerBye()
        self.peer.respond(bye, 481)
        for method in ("BYE", "INFO", "INVITE"):
            self.assertEqual(self.finalTo(self.peer.request(method, within=self.ok)).statusCode, 481)
        self.dialog.destroy()
        self.userAgent.stopService()
        self.assertEnded(Reason.LOCAL_BYE, False, 200)

    def test_delegateDestroys(self):
        """A delegate may call straight back in: destroy() from any of its methods is one end."""

        class Eager(Notes):
            def dialogConfirmed(self, dialog):
                super().dialogConfirmed(dialog)
                dialog.destroy()

            def dialogTerminated(self, dialog, ended):
                super().dialogTerminated(dialog, ended)
                dialog.destroy()

        callee = Callee(later)
        eager = Eager()
        agent = self.agent(callee)
        self.peer.request("INVITE", agent, body=OFFER)
        self.network.advance(0.01)
        callee.context.accept(body=ANSWER, delegate=eager)
        self.peer.ack(self.peer.expect("200 INVITE"))
        self.answerBye()
        self.network.advance(70)
        self.assertEqual((eager.events, self.sent("BYE")), (["confirmed", "terminated"], 1))
        self.assertEqual(callee.events.count("terminated"), 1)
