"""
Requests of the peer within a call, as docs/events.rst has them.
"""

from __future__ import annotations

from tests.events.case import ANSWER, OFFER, EventCase, Recorder, next_
from twisted_sipdialog import Reason
from twisted_sipdialog.errors import RemoteError


class IncomingTests(EventCase):
    def assertAsked(self, name, method, default, **how):
        """Without the method the default goes out, with it the delegate's own answer."""
        self.called()
        self.assertEqual(self.final(method, **how).statusCode, default)
        notes = Recorder(**{name: lambda context: context.accept(299 if method != "REFER" else 202) and None})
        dialog = self.called(notes)
        self.assertEqual(self.final(method, **how).statusCode, 299 if method != "REFER" else 202)
        (context,) = notes.only(name)
        self.assertEqual((context.request.method, context.dialog), (method, dialog))
        return dialog

    def test_bye(self) -> None:
        """200 by itself, then the delegate is told: it has no response to give."""
        dialog = self.called(Recorder("dialogTerminated"))
        bye = self.peer.request("BYE", within=self.ok)
        self.assertEqual(self.finalTo(bye).statusCode, 200)
        told, ended = self.notes.only("dialogTerminated")
        self.assertEqual((told, ended.message.method, ended.byPeer), (dialog, "BYE", True))

    def test_byeOrder(self) -> None:
        """State, 200, then the delegate, to which the end is done."""
        seen = []

        def dialogTerminated(dialog, ended):
            last = self.network.seenBy(self.userAgent)[-1]
            seen.append((dialog.state.value, self.userAgent.dialogs, last))

        self.called(Recorder(dialogTerminated=dialogTerminated))
        self.final("BYE")
        self.assertEqual(seen, [("terminated", [], "> 200 BYE")])

    def test_byeReason(self) -> None:
        """The reason is ours to name; what the peer said is in its BYE (RFC 3326)."""
        self.called(Recorder("dialogTerminated"))
        self.final("BYE", headers={"Reason": 'Q.850;cause=16;text="Bye"'})
        _, ended = self.notes.only("dialogTerminated")
        self.assertEqual((ended.reason, ended.reason.text), (Reason.REMOTE_BYE, "normal far end release"))
        self.assertIn("Q.850", ended.message.headers.get("reason"))

    def test_ackTimeout(self) -> None:
        """RFC 3261 section 13.3.1.4: no ACK in 64*T1, so BYE."""
        self.unacknowledged(Recorder("dialogTerminated"))
        self.pass_(32)
        self.assertIn("ACK timeout", self.answer("BYE").headers.get("reason") or "")
        _, ended = self.notes.only("dialogTerminated")
        self.assertEqual((ended.reason.text, ended.byPeer), ("ACK timeout", False))

    def test_sessionExpired(self) -> None:
        """RFC 4028 section 10: nobody refreshed the session, so BYE."""
        self.called(Recorder("dialogTerminated"), headers={"Supported": "timer", "Session-Expires": "90;refresher=uac"})
        self.pass_(85)
        self.assertIn("Session timer expired", self.answer("BYE").headers.get("reason") or "")
        _, ended = self.notes.only("dialogTerminated")
        self.assertEqual(ended.reason.text, "Session timer expired")

    def test_cancelAfter2xx(self) -> None:
        """RFC 3261 section 9.2, RFC 6026: a CANCEL after the 2xx gets 200 and changes nothing."""
        dialog = self.unacknowledged(Recorder("dialogTerminated"))
        cancel = self.peer.cancel(self.invite)
        self.assertEqual(self.finalTo(cancel).statusCode, 200)
        self.peer.ack(self.ok)
        self.pass_()
        self.assertEqual((dialog.state.value, self.notes.names), ("stable", []))
        self.assertEqual(self.final("BYE").statusCode, 200)

    def test_cancelCrossed(self) -> None:
        """RFC 3261 section 9.1: a 2xx crosses our CANCEL: ACK, then BYE."""
        calling = self.calling(Recorder("dialogTerminated"))
        self.peer.respond(self.invite, 180)
        self.pass_()
        calling.cancel()
        self.peer.respond(self.invite, 200, body=OFFER)
        self.answer("CANCEL")
        self.peer.expect("ACK")
        self.answer("BYE")
        _, ended = self.notes.only("dialogTerminated")
        self.assertEqual(ended.reason, Reason.LOCAL_CANCEL)

    def test_info(self) -> None:
        """INFO (RFC 6086)."""
        self.assertAsked("infoReceived", "INFO", 200)
        self.called()
        self.assertEqual(self.final("INFO", headers={"Info-Package": "foo"}).statusCode, 469)

    def test_refer(self) -> None:
        """REFER: nothing is followed for one who calls us, and nobody is told that it were (RFC 3515)."""
        self.assertAsked("referReceived", "REFER", 603, headers={"Refer-To": "<sip:carol@c.example>"})

    def test_options(self) -> None:
        """OPTIONS: what we can do (RFC 3261 section 11.2)."""
        self.assertAsked("optionsReceived", "OPTIONS", 200)
        self.called()
        self.assertIn("INVITE", self.final("OPTIONS").headers.get("allow") or "")

    def test_message(self) -> None:
        """MESSAGE (RFC 3428)."""
        self.assertAsked("messageReceived", "MESSAGE", 200)

    def test_publish(self) -> None:
        """PUBLISH has no meaning in a dialog (RFC 3903 section 4)."""
        self.assertAsked("publishReceived", "PUBLISH", 405, headers={"Event": "presence"})

    def test_notify(self) -> None:
        """NOTIFY: 481 where nobody subscribed (RFC 6665 section 4.1.3)."""
        headers = {"Event": "refer", "Subscription-State": "active"}
        self.assertAsked("notifyReceived", "NOTIFY", 481, headers=headers)

    def test_notifyTerminated(self) -> None:
        """The end of a subscription is not that of the call (RFC 5057)."""
        headers = {"Event": "refer", "Subscription-State": "terminated;reason=noresource"}
        dialog = self.assertAsked("notifyReceived", "NOTIFY", 481, headers=headers)
        self.assertIsNone(dialog.ended)

    def test_update(self) -> None:
        """UPDATE (RFC 3311): the session description answers an offer, and both are in force then."""
        dialog = self.called()
        empty = self.final("UPDATE")
        self.assertEqual((empty.statusCode, empty.body), (200, b""))
        offer = next_(OFFER, (b"4000", b"4010"))
        answer = self.final("UPDATE", body=offer)
        self.assertEqual((answer.statusCode, answer.headers.get("content-type")), (200, "application/sdp"))
        self.assertEqual((dialog.remote.sdp, dialog.local.sdp), (offer, answer.body))
        own = ANSWER.replace(b"- 7 7", b"- 7 8")
        dialog = self.called(Recorder(updateReceived=lambda context: context.accept(body=own) and None))
        self.assertEqual(self.final("UPDATE", body=offer).body, own)
        (context,) = self.notes.only("updateReceived")
        self.assertEqual((context.offer, context.change.value), (offer, "modify"))
        self.called()
        self.app.updateReceived = lambda context: context.reject(488) and None
        self.assertEqual(self.final("UPDATE", body=offer).statusCode, 488)

    def test_updateEarly(self) -> None:
        """RFC 3311 section 5.2: while an offer is open, another one has to wait: 491, or 500 with Retry-After."""
        self.calling()
        ringing = self.peer.respond(self.invite, 183)
        self.pass_()
        self.assertEqual(self.final("UPDATE", within=ringing, body=OFFER).statusCode, 491)
        self.answering.cancel()
        self.answer("CANCEL")
        self.peer.respond(self.invite, 487)
        self.pass_()
        context = self.ring()
        context.progress()
        answer = self.final("UPDATE", within=self.peer.expect("180 INVITE"), body=OFFER)
        self.assertEqual(answer.statusCode, 500)
        self.assertIsNotNone(answer.headers.get("retry-after"))
        context.reject(486)
        self.finalTo(self.invite)

    def test_subscribe(self) -> None:
        """SUBSCRIBE in a call: 489, no event package is known (RFC 6665)."""
        self.assertAsked("subscribeReceived", "SUBSCRIBE", 489, headers={"Event": "presence"})

    def test_unsubscribe(self) -> None:
        """With Expires: 0 it is told apart; 200 unless the delegate answers, and the call goes on."""
        headers = {"Event": "presence", "Expires": "0"}
        dialog = self.called(Recorder("unsubscribeReceived", "subscribeReceived"))
        self.assertEqual(self.final("SUBSCRIBE", headers=headers).statusCode, 200)
        self.assertEqual((self.notes.names, dialog.ended), (["unsubscribeReceived"], None))

    def test_ack(self) -> None:
        """The ACK to each 2xx, the first time it comes."""
        dialog = self.unacknowledged(Recorder("ackReceived"))
        ack = self.peer.ack(self.ok)
        self.peer.send(ack.toBytes(), self.userAgent)
        self.pass_()
        told, request = self.notes.only("ackReceived")
        self.assertEqual((told, request.method, request.cseqNumber), (dialog, "ACK", ack.cseqNumber))

    def test_ackBody(self) -> None:
        """A description in the ACK answers our offer in the 2xx, and is in force before anybody is told."""
        seen = []
        notes = Recorder(ackReceived=lambda dialog, request: seen.append(dialog.remote.sdp))
        self.unacknowledged(notes, body=b"")
        self.peer.ack(self.ok, body=OFFER)
        self.pass_()
        self.assertEqual((seen, self.dialog.remote.sdp), ([OFFER], OFFER))
        self.unacknowledged(body=b"")
        self.peer.ack(self.ok)
        self.pass_()
        self.failureResultOf(self.accepting, RemoteError)

    def test_unknownMethod(self) -> None:
        """What nobody knows gets 405, with Allow."""
        self.called()
        answer = self.final("PING")
        self.assertEqual(answer.statusCode, 405)
        self.assertIn("INFO", answer.headers.get("allow") or "")

    def test_inTime(self) -> None:
        """The delegate given to accept() gets what comes right behind the ACK, or before it."""
        dialog = self.unacknowledged(Recorder("infoReceived"))
        self.peer.request("INFO", within=self.ok)
        self.peer.ack(self.ok)
        self.peer.request("INFO", within=self.ok)
        self.pass_()
        self.assertEqual([context.dialog for _, (context,) in self.notes.told], [dialog, dialog])

    def test_tone(self) -> None:
        """A digit in an INFO, for those who want digits."""
        dialog = self.called(Recorder("toneReceived"))
        relay = {"Content-Type": "application/dtmf-relay"}
        self.assertEqual(self.final("INFO", headers=relay, body=b"Signal=5\r\nDuration=160\r\n").statusCode, 200)
        self.assertEqual(self.notes.only("toneReceived"), (dialog, "5", 0.16))

    def test_both(self) -> None:
        """What is told is told to both delegates, the dialog's own first; what is asked goes to one."""
        told = []
        notes = Recorder(dialogTerminated=lambda *_: told.append("dialog"))
        dialog = self.called(notes)
        self.app.dialogTerminated = lambda *_: told.append("agent")
        self.app.messageReceived = lambda context: context.accept(299) and None
        self.assertEqual(self.final("MESSAGE").statusCode, 299)
        self.final("BYE")
        self.assertEqual((told, dialog.ended.byPeer), (["dialog", "agent"], True))
