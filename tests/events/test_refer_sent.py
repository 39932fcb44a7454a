"""
SIP.js's ReferClientContext, as docs/events.rst has it: what goes out.
"""

from __future__ import annotations

from tests.events.case import ANSWER, BOB, OFFER, Recorder
from tests.events.refer_case import CAROL, TOLD, ReferCase
from twisted_sipdialog.errors import InvalidState, InvalidValue, ResponseError, Timeout
from twisted_sipdialog.ua.refer_client import ReferClientContext


class SentTests(ReferCase):
    def test_refer(self) -> None:
        """The Deferred fires with the context, at the 2xx."""
        referring = self.refers()
        self.assertNoResult(referring)
        self.peer.respond(self.refer, 202)
        self.pass_()
        context = self.successResultOf(referring)
        self.assertEqual((str(context.referTo.uri), context.dialog), (CAROL, self.dialog))
        context.cancel()

    def test_confirmed(self) -> None:
        """Only a call that stands is transferred."""
        dialog = self.unacknowledged()
        self.assertRaises(InvalidState, dialog.refer, CAROL)
        self.peer.ack(self.ok)
        self.assertEqual(self.count("REFER"), 0)

    def test_several(self) -> None:
        """A second REFER, or one of the peer, takes nothing away from the first."""
        first = self.accepted()
        number = self.refer.cseqNumber
        second = self.accepted("sip:dave@peer2.example")
        self.notify("SIP/2.0 486 Busy Here\r\n", "terminated;reason=noresource", Event=f"refer;id={number}")
        self.assertEqual((first.status.statusCode, second.status), (486, None))
        self.notify("SIP/2.0 603 Decline\r\n", "terminated;reason=noresource", Event="refer")
        self.assertEqual(second.status.statusCode, 603)

    def test_receiveResponse(self) -> None:
        """It hears every response, after we have."""
        heard: list[tuple[int, list[str]]] = []
        self.refers(receiveResponse=lambda response: heard.append((response.statusCode, self.told())))
        self.peer.respond(self.refer, 183)
        self.peer.respond(self.refer, 202)
        self.pass_()
        names = ["referRequested", "referRequestProgress", "referRequestAccepted"]
        self.assertEqual(heard, [(183, names[:2]), (202, names)])
        self.successResultOf(self.referring).cancel()

    def test_arguments(self) -> None:
        """What cannot be so raises before anything is sent."""
        dialog = self.calls()
        for target in ("sip:", None, "<sip:a@b", ""):
            self.assertRaises(InvalidValue, dialog.refer, target)
        self.assertRaises(InvalidValue, dialog.refer, CAROL, [("Refer-To", "<sip:x@y>")])
        self.assertRaises(InvalidValue, dialog.refer, CAROL, subscription="some")
        self.assertEqual(self.count("REFER"), 0)

    def test_applicant(self) -> None:
        """Outside a dialog a URI says who is asked."""
        referring = self.agent(Recorder(*TOLD)).refer(BOB, CAROL)
        refer = self.peer.expect("REFER")
        self.assertEqual((refer.uriText, refer.toTag), (BOB, ""))
        self.peer.respond(refer, 202)
        self.pass_()
        context = self.successResultOf(referring)
        self.assertIsNone(context.dialog)
        self.within = refer
        context.cancel()

    def test_byHand(self) -> None:
        """A context can be made first and sent later, once."""
        dialog = self.calls()
        context = ReferClientContext(self.userAgent, dialog, CAROL)
        self.assertEqual(self.count("REFER"), 0)
        context.refer().addErrback(lambda _: None)
        self.peer.expect("REFER")
        self.assertRaises(InvalidState, context.refer)
        context.cancel()

    def test_replaces(self) -> None:
        """The tags are as the one to be called has them, and the whole value is escaped."""
        self.calls()
        calling = self.userAgent.invite(CAROL, body=ANSWER)
        invite = self.carol.expect("INVITE")
        self.carol.respond(invite, 200, body=OFFER)
        self.carol.expect("ACK")
        other = self.successResultOf(calling)
        context = self.accepted(other)
        value = self.refer.headers.get("refer-to") or ""
        sip = other.sip
        escaped = f"Replaces={sip.callId}%3Bto-tag%3D{sip.remoteTag}%3Bfrom-tag%3D{sip.localTag}"
        self.assertEqual(value, f"<{other.remote.uri}?{escaped}>")
        self.assertEqual(str(context.replaces), f"{sip.callId};to-tag={sip.remoteTag};from-tag={sip.localTag}")
        context.cancel()

    def test_displayName(self) -> None:
        """No display name stands in Refer-To, whatever the target's is."""
        self.refers(f'"Carol, at home" <{CAROL}>')
        self.assertEqual(self.refer.headers.get("refer-to"), f"<{CAROL}>")
        self.referring.cancel()

    def test_ownDomain(self) -> None:
        """A bare user is one of our own domain; a number is written without its separators."""
        for target, uri in (("carol", "sip:carol@b.example"), ("tel:+1-201-555-0123", "tel:+12015550123")):
            self.refers(target)
            self.assertEqual(self.refer.headers.get("refer-to"), f"<{uri}>")
            self.referring.cancel()

    def test_lines(self) -> None:
        """Extra headers, Referred-By, Contact, Allow and Refer-To go out."""
        self.refers(extraHeaders=[("X-Why", "lunch")])
        headers = self.refer.headers
        self.assertEqual((headers.get("x-why"), headers.get("referred-by")), ("lunch", "<sip:desk@b.example>"))
        self.assertIn("REFER", headers.elements("allow"))
        self.assertIn("@192.0.2", headers.get("contact") or "")
        self.referring.cancel()
        self.refers(extraHeaders=[("Referred-By", "<sip:boss@b.example>")])
        self.assertEqual(self.refer.headers.getAll("referred-by"), ["<sip:boss@b.example>"])
        self.referring.cancel()

    def test_responses(self) -> None:
        """A refusal of any class fails the Deferred, and is told; so is silence."""
        for code in (302, 404, 503, 603):
            self.refers()
            self.peer.respond(self.refer, 183)
            self.peer.respond(self.refer, code)
            self.pass_()
            self.assertEqual(self.failureResultOf(self.referring, ResponseError).value.statusCode, code)
            self.assertEqual(self.told(), ["referRequested", "referRequestProgress", "referRequestRejected"])
            self.notes.told.clear()
            if code == 404:
                self.answer("BYE")  # RFC 5057 section 5.1: the dialog is over with it
                del self.dialog

    def test_silence(self) -> None:
        """No response: told as a refusal, without one."""
        self.refers()
        self.pass_(40)
        self.failureResultOf(self.referring, Timeout)
        self.assertEqual(self.notes.only("referRequestRejected")[1], None)
        self.assertIsNone(self.dialog.ended)

    def test_told(self) -> None:
        """The delegate of the REFER, the dialog's and the user agent's hear all of it."""
        mine, agents = Recorder(*TOLD), Recorder(*TOLD)
        self.calls(Recorder(*TOLD), delegate=agents)
        context = self.accepted(delegate=mine)
        self.notify("SIP/2.0 486 Busy Here\r\n", "terminated;reason=noresource")
        self.assertEqual([name for name in mine.names if name != "referNotifyReceived"][-1], "referRejected")
        self.assertEqual(mine.names, self.told())
        self.assertEqual([name for name in agents.names if name.startswith("refer")], self.told())
        self.assertIs(mine.only("referRejected")[0], context)
