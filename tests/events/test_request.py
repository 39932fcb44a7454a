"""
Requests of ours within a call, as docs/events.rst has them.
"""

from __future__ import annotations

from tests.events.case import ANSWER, OFFER, EventCase, Recorder, next_
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import DialogTerminated, InvalidValue


class RequestTests(EventCase):
    def test_fires(self) -> None:
        """It fires with the final response, whatever its status."""
        dialog = self.called()
        for code in (200, 403, 603):
            asking = dialog.request("INFO")
            self.answer("INFO", code)
            self.assertEqual(self.successResultOf(asking).statusCode, code)
        self.assertIsNone(dialog.ended)

    def test_options(self) -> None:
        """Body, its type, and headers beside our own."""
        dialog = self.called()
        dialog.request("MESSAGE", b"hi", "text/plain", [("X-One", "1"), ("X-Two", "2")])
        message = self.answer("MESSAGE")
        self.assertEqual((message.body, message.headers.get("content-type")), (b"hi", "text/plain"))
        self.assertEqual([message.headers.get(name) for name in ("x-one", "x-two")], ["1", "2"])
        self.assertEqual((message.callId, message.toTag), (dialog.sip.callId, dialog.sip.remoteTag))
        self.assertRaises(InvalidValue, dialog.request, "INFO", extraHeaders=[("Call-ID", "mine")])

    def test_method(self) -> None:
        """Any token is a method, an extension's too (RFC 3261 section 25.1)."""
        dialog = self.called()
        dialog.request("PING")
        self.answer("PING")
        for wrong in ("", "no token", "INFO\r\nX: y"):
            self.assertRaises(InvalidValue, dialog.request, wrong)

    def test_provisional(self) -> None:
        """A provisional response is not what it fires with."""
        asking = self.called().request("INFO")
        info = self.peer.expect("INFO")
        self.peer.respond(info, 100)
        self.pass_()
        self.assertNoResult(asking)
        self.peer.respond(info, 200)
        self.pass_()
        self.assertEqual(self.successResultOf(asking).statusCode, 200)

    def test_own(self) -> None:
        """What the dialog sends by itself, at the right moment, is not sent by request()."""
        dialog = self.called()
        for method in ("INVITE", "ACK", "CANCEL", "PRACK"):
            self.assertRaises(InvalidValue, dialog.request, method)

    def test_bye(self) -> None:
        """Nor is a BYE: destroy() does that."""
        dialog = self.called()
        self.assertRaises(InvalidValue, dialog.request, "BYE")
        self.assertEqual((self.count("BYE"), dialog.ended), (0, None))

    def test_info(self) -> None:
        """C{info()} (RFC 6086)."""
        self.assertShortcut("info", "INFO")

    def test_notify(self) -> None:
        """C{notify()}; one that ends a subscription does not end the call (RFC 5057)."""
        dialog = self.assertShortcut("notify", "NOTIFY")
        dialog.notify(extraHeaders=[("Event", "refer"), ("Subscription-State", "terminated;reason=noresource")])
        self.answer("NOTIFY")
        self.assertIsNone(dialog.ended)

    def test_message(self) -> None:
        """C{message()} (RFC 3428)."""
        self.assertShortcut("message", "MESSAGE")

    def test_optionsRequest(self) -> None:
        """C{options()} (RFC 3261 section 11)."""
        self.assertShortcut("options", "OPTIONS")

    def test_update(self) -> None:
        """C{update()} (RFC 3311): it fires with the response; a body is an offer, which its 2xx puts in force."""
        dialog = self.called()
        offer = ANSWER.replace(b"sendrecv", b"sendonly").replace(b"- 7 7", b"- 7 8")
        updating = dialog.update(offer)
        sent = self.answer("UPDATE", body=next_(OFFER))
        self.assertEqual((sent.body, self.successResultOf(updating).statusCode), (offer, 200))
        self.assertEqual(dialog.local.sdp, offer)
        refused = dialog.update(ANSWER.replace(b"- 7 7", b"- 7 9"))
        self.answer("UPDATE", 488)
        self.assertEqual(self.successResultOf(refused).statusCode, 488)
        self.assertEqual(dialog.local.sdp, offer)

    def test_subscribe(self) -> None:
        """RFC 5057: a SUBSCRIBE in the dialog; the call is there for it until both are over."""
        dialog = self.called()
        subscribing = dialog.subscribe("x-state")
        sent = self.answer("SUBSCRIBE", Expires="600")
        self.assertEqual((sent.callId, sent.toTag), (dialog.sip.callId, dialog.sip.remoteTag))
        headers = {"Event": "x-state", "Subscription-State": "active;expires=600"}
        self.assertEqual(self.final("NOTIFY", headers=headers).statusCode, 200)
        subscription = self.successResultOf(subscribing)
        self.assertEqual((subscription.dialog, dialog.subscriptions), (dialog, ["x-state"]))
        self.assertEqual(self.final("BYE").statusCode, 200)
        self.assertEqual(self.final("NOTIFY", headers=headers).statusCode, 200)
        self.assertEqual((subscription.state, dialog.subscriptions), ("active", ["x-state"]))

    def test_others(self) -> None:
        """REFER, SUBSCRIBE and PUBLISH go out as plain requests."""
        dialog = self.called()
        for method in ("REFER", "SUBSCRIBE", "PUBLISH"):
            asking = dialog.request(method, extraHeaders=[("X-To", "carol")])
            self.assertEqual(self.answer(method, 202).headers.get("x-to"), "carol")
            self.assertEqual(self.successResultOf(asking).statusCode, 202)
        self.assertIsNone(dialog.ended)

    def assertShortcut(self, name, method):
        dialog = self.called()
        asking = getattr(dialog, name)(b"text", "text/plain", [("X-Why", "so")])
        request = self.answer(method)
        self.assertEqual((request.body, request.headers.get("x-why")), (b"text", "so"))
        self.assertEqual(self.successResultOf(asking).statusCode, 200)
        return dialog

    def test_credentials(self) -> None:
        """A 401 is answered, in the same dialog."""
        dialog = self.calls(credentials=[Credentials("desk", "secret", "b.example")])
        asking = dialog.message(b"hi")
        proven = self.challenge("MESSAGE")
        self.assertEqual((proven.callId, proven.body), (dialog.sip.callId, b"hi"))
        self.peer.respond(proven, 200)
        self.pass_()
        self.assertEqual(self.successResultOf(asking).statusCode, 200)

    def test_afterTheEnd(self) -> None:
        """Nothing is sent in a call that is over, or is about to be."""
        dialog = self.called()
        dialog.destroy()
        self.failureResultOf(dialog.info(), DialogTerminated)
        self.answer("BYE")
        self.failureResultOf(dialog.info(), DialogTerminated)
        self.assertEqual(self.count("INFO"), 0)

    def test_dtmf(self) -> None:
        """Digits, one after the other, as INFO."""
        dialog = self.called()
        sending = dialog.dtmf("1#")
        for digit in (b"1", b"#"):
            info = self.answer("INFO")
            self.assertEqual(info.headers.get("content-type"), "application/dtmf-relay")
            self.assertIn(b"Signal=" + digit, info.body.replace(b" ", b""))
        self.pass_(1)
        self.assertIsNone(self.successResultOf(sending))

    def test_notAnswered(self) -> None:
        """RFC 5057 section 5.1: silence ends no call when it meets an INFO, a 481 does."""
        dialog = self.called(Recorder("dialogTerminated"))
        asking = dialog.info()
        self.pass_(40)
        self.failureResultOf(asking)
        self.assertIsNone(dialog.ended)
        dialog.message()
        self.answer("MESSAGE", 481)
        self.answer("BYE")
        self.assertEqual(self.notes.names, ["dialogTerminated"])
