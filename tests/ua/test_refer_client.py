"""
REFER in a call of ours, up to its final response: what goes out (RFC 3515 section 2.4.1, RFC 5589), and when it may.
"""

from urllib.parse import unquote

from tests.events.case import ANSWER, OFFER, Recorder
from tests.events.refer_case import TOLD
from tests.ua.referring import CAROL, OK, OVER, ReferringCase
from twisted_sipdialog.errors import (
    DialogTerminated,
    InvalidState,
    InvalidValue,
)


class RequestTests(ReferringCase):
    def line(self, name):
        return self.refer.headers.get(name)

    def test_dialog(self):
        """It is a request of the dialog: target, tags, next CSeq, and route (RFC 3261 section 12.2.1.1)."""
        self.calls(Recorder(*TOLD), more={"Record-Route": "<sip:peer.example;lr>"})
        self.refers()
        sip, invite = self.dialog.sip, self.invite
        refer = self.refer
        self.assertEqual(refer.uriText, f"sip:peer@{self.peer.address[0]}:5060")
        self.assertEqual((refer.callId, refer.fromTag, refer.toTag), (invite.callId, sip.localTag, sip.remoteTag))
        self.assertEqual(refer.cseqNumber, invite.cseqNumber + 1)
        self.assertEqual((self.line("route"), refer.body), ("<sip:peer.example;lr>", b""))
        self.assertEqual(len(refer.headers.getAll("contact")), 1)
        self.referring.cancel()

    def test_forms(self):
        """Refer-To is a name-addr without a display name, whatever the target was given as (RFC 3515 section 2.1)."""
        for target, uri in (
            *((CAROL, CAROL), ("carol", "sip:carol@b.example"), ("<sips:carol@c.example>", "sips:carol@c.example")),
            (f'"Carol" <{CAROL};transport=tcp>;x=y', f"{CAROL};transport=tcp"),
            (f"<{CAROL}?Subject=lunch%3F>", f"{CAROL}?Subject=lunch%3F"),
            *(("sip:a,b@c.example", "sip:a,b@c.example"), ("<sip:c@h;method=INVITE>", "sip:c@h;method=INVITE")),
            *(("tel:+1-201-555-0123", "tel:+12015550123"), ("sip:c@[2001:db8::9]:5070", "sip:c@[2001:db8::9]:5070")),
        ):
            self.refers(target)
            self.assertEqual(self.refer.headers.getAll("refer-to"), [f"<{uri}>"])
            self.referring.cancel()

    def test_badTargets(self):
        """What is none raises, and nothing is sent (B34: nor does a line end get through)."""
        dialog = self.calls()
        for target in ("", "sip:", "<>", f"<{CAROL}", f"{CAROL}\r\nX: y", f'"\r\nX: y" <{CAROL}>', 5, None, b"carol"):
            with self.assertRaises(InvalidValue, msg=target):
                dialog.refer(target)
        self.pass_(1)
        self.assertEqual(self.count("REFER"), 0)
        self.assertNothingLeft()

    def test_noText(self):
        """What is no text is told what it should be."""
        dialog = self.calls()
        for target in (5, None, b"carol"):
            error = self.assertRaises(InvalidValue, dialog.refer, target)
            self.assertEqual(error.rule, "must be a URI, a name-addr or a user, as text")

    def test_lines(self):
        """Who refers (RFC 3892 section 2.1), what we understand, and every line of the application, in its order."""
        extra = [("X-A", "1"), ("X-B", "2"), ("X-A", "3"), ("Subject", "lunch")]
        self.refers(extraHeaders=extra)
        self.assertEqual(self.line("referred-by"), "<sip:desk@b.example>")
        self.assertEqual(self.refer.headers.getAll("x-a"), ["1", "3"])
        self.assertEqual((self.line("x-b"), self.line("subject")), ("2", "lunch"))
        allowed = self.refer.headers.elements("allow")
        self.assertLessEqual({"INVITE", "NOTIFY", "REFER", "BYE"}, {*allowed})
        for name in ("event", "require", "refer-sub", "content-type"):
            self.assertIsNone(self.line(name), name)
        self.referring.cancel()

    def test_referredBy(self):
        """The application's own takes the place of ours, by its short name as well (RFC 3892 section 2.1)."""
        for name in ("Referred-By", "b"):
            self.refers(extraHeaders=[(name, "<sip:boss@b.example>")])
            self.assertEqual(self.refer.headers.getAll("referred-by"), ["<sip:boss@b.example>"])
            self.assertEqual(self.requested().referredBy, "<sip:boss@b.example>")
            self.referring.cancel()

    def test_refusedLines(self):
        """What is ours to say, or is no line, raises (B34)."""
        dialog = self.calls()
        for name, value in (
            *((name, "x") for name in ("Refer-To", "r", "Call-ID", "i", "CSeq", "From", "To", "Via", "Content-Length")),
            *(("X-A", "a\r\nX-B: c"), ("X-A\r\nB", "c"), ("X-A", "a\nb"), ("", "x"), ("X A", "x")),
        ):
            with self.assertRaises(InvalidValue, msg=name):
                dialog.refer(CAROL, extraHeaders=[(name, value)])
        self.pass_(1)
        self.assertEqual(self.count("REFER"), 0)

    def test_subscription(self):
        """None is wanted (RFC 4488 section 4), none may be (RFC 7614 section 4), or it is asked for."""
        for subscription, name, value in (
            ("norefersub", "refer-sub", "false"),
            ("nosub", "require", "nosub"),
            ("explicitsub", "require", "explicitsub"),
        ):
            self.refers(subscription=subscription)
            self.assertEqual(self.line(name), value)
            self.referring.cancel()


class ReplacesTests(ReferringCase):
    """The call that is to be replaced, as the one we name has it (RFC 3891 section 3, RFC 5589 section 7.3)."""

    def other(self, placed, callId="o@x", tag="t"):
        """A second call, with carol, whom we called or who called us."""
        if placed:
            calling = self.userAgent.invite(CAROL.replace("c.example", "peer2.example"), body=ANSWER)
            invite = self.carol.expect("INVITE")
            given = {"To": f"{invite.headers.get('to')};tag={tag}"}
            self.carol.respond(invite, 200, headers=given, body=OFFER)
            self.carol.expect("ACK")
            return self.successResultOf(calling)
        headers = {"Call-ID": callId, "From": f"<sip:carol@peer2.example>;tag={tag}"}
        self.carol.request("INVITE", self.userAgent, headers=headers, body=OFFER)
        self.pass_()
        (_, (context,)) = self.app.told[-1]
        accepting = context.accept(body=ANSWER)
        ok = self.carol.expect("200 INVITE")
        self.carol.ack(ok)
        self.pass_()
        return self.successResultOf(accepting)

    def start(self):
        """The call that is transferred: one to us, so that the application takes others as well."""
        self.called(Recorder(*TOLD))

    def test_tags(self):
        """To-tag is carol's own, from-tag is ours, whoever called; the URI is where she is: her Contact."""
        self.start()
        for placed in (True, False):
            other = self.other(placed, tag=f"carols{placed}")
            self.refers(other)
            text = self.refer.headers.get("refer-to")
            uri, _, value = text.strip("<>").partition("?Replaces=")
            self.assertEqual(uri, f"sip:peer@{self.carol.address[0]}:5060")
            sip = other.sip
            self.assertEqual(sip.remoteTag, f"carols{placed}")
            self.assertEqual(unquote(value), f"{sip.callId};to-tag=carols{placed};from-tag={sip.localTag}")
            self.referring.cancel()

    def test_escaped(self):
        """Whatever stands in Call-ID and tags comes back out of the URI as it was."""
        self.start()
        for callId, tag in (("a+b@c%40", "x+y"), ('w"q"@[h]/?', "~!%*'`._-")):
            other = self.other(False, callId, tag)
            self.refers(other)
            value = self.refer.headers.get("refer-to").partition("Replaces=")[2].strip(">")
            self.assertEqual(unquote(value), f"{callId};to-tag={tag};from-tag={other.sip.localTag}")
            for raw in '@;="<>&':
                self.assertNotIn(raw, value)
            self.assertEqual(self.requested().replaces.callId, callId)
            self.referring.cancel()

    def test_itself(self):
        """A call cannot take its own place."""
        self.start()
        self.assertRaises(InvalidValue, self.dialog.refer, self.dialog)
        self.pass_()
        self.assertEqual(self.count("REFER"), 0)

    def test_early(self):
        """A call that only rings, or is over, cannot be replaced by the one we name (RFC 3891 section 3)."""
        self.start()
        context = self.userAgent.inviteContext("sip:carol@peer2.example", body=ANSWER)
        context.whenAnswered().addErrback(lambda _: None)
        invite = self.carol.expect("INVITE")
        self.carol.respond(invite, 180)
        self.pass_()
        self.assertRaises(InvalidState, self.dialog.refer, context.dialog)
        self.carol.respond(invite, 200, body=OFFER)
        self.carol.expect("ACK")
        self.pass_()
        other = context.dialog
        other.destroy()
        self.assertRaises(InvalidState, self.dialog.refer, other)
        self.carol.respond(self.carol.expect("BYE"), 200)
        self.pass_()
        self.assertRaises(InvalidState, self.dialog.refer, other)
        self.assertEqual(self.count("REFER"), 0)

    def test_success(self):
        """The transferred call ends with its success; the other is ended by who takes its place, not by us."""
        self.start()
        other = self.other(True)
        context = self.accepted(other)
        self.notify(OK, OVER)
        self.answer("BYE")
        self.assertEqual(context.status.statusCode, 200)
        self.pass_(1)
        self.assertIsNone(other.ended)
        self.assertEqual([m for m in self.carol.received if getattr(m, "method", "") == "BYE"], [])


class WhenTests(ReferringCase):
    def test_early(self):
        """A call that rings is not transferred."""
        self.calling(Recorder(*TOLD))
        self.peer.respond(self.invite, 180)
        self.pass_()
        (dialog,) = self.userAgent.dialogs
        self.assertRaises(InvalidState, dialog.refer, CAROL)
        self.peer.respond(self.invite, 486)
        self.pass_()

    def test_pendingModify(self):
        """A change of the session does not stand in its way (RFC 3261 section 14 is about INVITE)."""
        self.calls(Recorder(*TOLD))
        changing = self.dialog.modify("hold")
        invite = self.peer.expect("INVITE")
        self.refers()
        self.peer.respond(self.refer, 202)
        self.peer.respond(invite, 200, body=OFFER.replace(b"sendrecv", b"recvonly").replace(b"- 1 1", b"- 1 2"))
        self.pass_()
        self.successResultOf(changing)
        self.successResultOf(self.referring).cancel()
        self.assertNothingLeft()

    def test_ending(self):
        """Once our BYE is out, or the peer's was in, none is sent."""
        self.calls(Recorder(*TOLD))
        ending = self.dialog.destroy()
        self.failureResultOf(self.dialog.refer(CAROL), DialogTerminated)
        self.answer("BYE")
        self.successResultOf(ending)
        self.failureResultOf(self.dialog.refer(CAROL), DialogTerminated)
        self.assertEqual((self.count("REFER"), self.notes.names), (0, ["dialogTerminated"]))
        self.assertNothingLeft()

    def test_remoteBye(self):
        """As above, ended by the peer."""
        self.calls(Recorder(*TOLD))
        self.final("BYE")
        self.failureResultOf(self.dialog.refer(CAROL), DialogTerminated)
        self.assertEqual(self.count("REFER"), 0)
        self.assertNothingLeft()

    def test_byeWhileWaiting(self):
        """The call ends before the REFER has its answer: that still counts (RFC 5057 section 4.2)."""
        self.refers()
        self.final("BYE")
        self.peer.respond(self.refer, 202)
        self.pass_()
        context = self.successResultOf(self.referring)
        self.assertEqual(self.notify(OK, OVER), 200)
        self.assertEqual(context.status.statusCode, 200)
        self.assertEqual(self.count("BYE"), 0)
        self.assertNothingLeft()
