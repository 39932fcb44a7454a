"""
UPDATE as its sender (RFC 3311 section 5.1).
"""

from tests.ua.calling import ANSWER, OFFER, CallerCase
from tests.ua.changing import MOVED, MOVED_ANSWER, ChangeCase, newer
from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, InvalidState, InvalidValue, RemoteError, ResponseError, Timeout

RELIABLE = {"Require": "100rel", "RSeq": "7"}


class ModifyTests(ChangeCase):
    def asked(self, *arguments, **named):
        changing = self.modify(*arguments, method="UPDATE", **named)
        return changing, self.peer.expect("UPDATE", 1)

    def test_request(self):
        """
        Section 5.1: a target refresh with Contact, Allow and offer; answered, both descriptions are in force.
        """
        self.stand()
        changing, request = self.asked(MOVED, extraHeaders=[("X-Why", "moved")])
        self.assertEqual((request.body, request.headers.get("content-type")), (MOVED, "application/sdp"))
        self.assertEqual(request.headers.get("contact"), self.first.headers.get("contact"))
        self.assertIn("UPDATE", request.headers.get("allow"))
        self.assertEqual(request.headers.get("x-why"), "moved")
        self.assertEqual(self.session(), self.before)
        self.accept(request)
        self.assertEqual(self.successResultOf(changing), MOVED_ANSWER)
        self.assertEqual(self.session(), (MOVED, MOVED_ANSWER, False))
        self.assertEqual(self.count("ACK"), 1)
        self.hangUp()

    def test_words(self):
        """
        It holds as well as a re-INVITE does.
        """
        self.stand()
        changing, request = self.asked("hold")
        self.assertIn(b"a=sendonly", request.body)
        self.accept(request, newer(ANSWER) + b"a=recvonly\r\n")
        self.successResultOf(changing)
        self.assertTrue(self.dialog.onHold)

    def test_notAllowed(self):
        """
        Section 5.1: not to a peer whose Allow has no UPDATE.
        """
        for allow in ("INVITE, ACK, BYE, CANCEL", ""):
            calling, invite = self.invite()
            self.peer.respond(invite, 200, headers={"Allow": allow}, body=ANSWER)
            self.peer.expect("ACK")
            dialog = self.successResultOf(calling)
            self.failureResultOf(dialog.modify(MOVED, method="UPDATE"), InvalidState)
        self.assertEqual(self.count("UPDATE"), 0)

    def test_refused(self):
        """
        Section 5.1: after a refusal all is as it was; 491 and 500 with Retry-After are tried again; 504 and others end.
        """
        self.stand()
        changing, request = self.asked(MOVED)
        self.refuse(request, 491)
        self.network.advance(2)
        self.assertEqual(self.count("UPDATE"), 1)
        request = self.peer.expect("UPDATE", 2.1)
        self.refuse(request, 500, Retry_After="3")
        self.network.advance(2.8)
        self.assertEqual(self.count("UPDATE"), 2)
        request = self.peer.expect("UPDATE", 0.3)
        self.refuse(request, 504)
        self.assertEqual(self.failureResultOf(changing, ResponseError).value.statusCode, 504)
        self.asBefore()
        self.works()

    def test_withoutAnswer(self):
        """
        Section 5.1: the 2xx to an offer has the answer; without a usable one the session stays.
        """
        for body in (b"", b"nonsense", MOVED_ANSWER + b"m=video 9 RTP/AVP 31\r\n"):
            self.stand()
            changing, request = self.asked(MOVED)
            self.accept(request, body)
            self.failureResultOf(changing, RemoteError)
            self.asBefore()
            self.works()
            self.hangUp()
            self.notes.ended.clear()

    def test_dialogGone(self):
        """
        RFC 5057 section 5.1: 481, 408 and silence end the session it belongs to.
        """
        for code in (481, 408, None):
            self.stand()
            changing, request = self.asked(MOVED)
            if code is None:
                self.network.advance(33)
                self.failureResultOf(changing, Timeout)
            else:
                self.refuse(request, code)
                self.failureResultOf(changing, ResponseError)
            self.endsBye()
            self.assertEqual(self.notes.reasons, [Reason.DIALOG_ERROR])
            self.assertNothingLeft()
            self.notes.ended.clear()

    def test_ended(self):
        """
        A BYE of either side while it is open fails it; what comes then changes nothing.
        """
        for mine in (True, False):
            self.stand()
            changing, request = self.asked(MOVED)
            if mine:
                self.dialog.destroy()
                self.endsBye()
            else:
                self.fromPeer("BYE")
            self.failureResultOf(changing, DialogTerminated)
            self.accept(request)
            self.assertNothingLeft()


class RawTests(ChangeCase):
    """C{dialog.update()}."""

    def update(self, *arguments, **named):
        updating = self.dialog.update(*arguments, **named)
        self.addCleanup(updating.addErrback, lambda _: None)
        return updating, self.peer.expect("UPDATE", 1)

    def test_withoutBody(self):
        """
        Section 5.1: it refreshes the target, and gives the response, whatever its status.
        """
        for code in (200, 491, 500, 488):
            self.stand()
            updating, request = self.update(extraHeaders=[("X-Why", "alive")])
            self.assertEqual((request.body, request.headers.get("content-type")), (b"", None))
            self.assertEqual(request.headers.get("x-why"), "alive")
            self.assertTrue(request.contacts)
            self.refuse(request, code, Retry_After="1")
            self.assertEqual(self.successResultOf(updating).statusCode, code)
            self.network.advance(5)
            self.assertEqual(self.count("UPDATE"), 1)
            self.asBefore()
            self.hangUp()
            self.notes.ended.clear()
            self.peer.received.clear()

    def test_target(self):
        """
        Section 5.1: the Contact of its 2xx is where further requests go.
        """
        self.stand()
        _updating, request = self.update()
        self.accept(request, b"", Contact="<sip:bob@192.0.2.2:5060;moved=1>")
        self.assertEqual(self.dialog.remote.uri, "sip:bob@192.0.2.2:5060;moved=1")
        _updating, request = self.update()
        self.refuse(request, 488, Contact="<sip:bob@192.0.2.2:5060;moved=2>")
        self.assertEqual(self.dialog.remote.uri, "sip:bob@192.0.2.2:5060;moved=1")

    def test_withBody(self):
        """
        A body is an offer: taken with its answer, rolled back otherwise.
        """
        self.stand()
        updating, request = self.update(MOVED)
        self.assertEqual((request.body, request.headers.get("content-type")), (MOVED, "application/sdp"))
        self.accept(request)
        self.assertEqual(self.successResultOf(updating).body, MOVED_ANSWER)
        self.assertEqual(self.session(), (MOVED, MOVED_ANSWER, False))
        for code, body in ((488, b""), (200, b""), (200, b"nonsense")):
            updating, request = self.update(newer(MOVED, (b"4010", b"4040")))
            self.peer.respond(request, code, body=body)
            self.network.advance(0.1)
            self.assertEqual(self.successResultOf(updating).statusCode, code)
            self.assertEqual(self.session(), (MOVED, MOVED_ANSWER, False))

    def test_besideReinvite(self):
        """
        Section 5.1: one without an offer does not wait for a re-INVITE that is open, nor hold the next one up.
        """
        self.stand()
        changing, request = self.reinvite(MOVED)
        updating, update = self.update()
        self.accept(update, b"")
        self.successResultOf(updating)
        self.accept(request)
        self.successResultOf(changing)
        _updating, update = self.update()
        self.works()
        self.accept(update, b"")

    def test_dialogGone(self):
        """
        RFC 5057 section 5.1: 481 is given, and ends the call.
        """
        self.stand()
        updating, request = self.update()
        self.refuse(request, 481)
        self.assertEqual(self.successResultOf(updating).statusCode, 481)
        self.endsBye()
        self.failureResultOf(self.dialog.update(), DialogTerminated)
        self.assertNothingLeft()

    def test_ended(self):
        """
        A BYE while it is open fails it.
        """
        self.stand()
        updating, request = self.update()
        self.fromPeer("BYE")
        self.failureResultOf(updating, DialogTerminated)
        self.accept(request, b"")
        self.assertNothingLeft()

    def test_wrong(self):
        """
        Headers that are ours to write, and line breaks.
        """
        self.stand()
        for named in ({"extraHeaders": [("Contact", "<sip:a@b>")]}, {"body": b"x", "contentType": "a/b\r\nX: y"}):
            self.assertRaises(InvalidValue, self.dialog.update, **named)
        self.network.advance(0.1)
        self.assertEqual(self.count("UPDATE"), 0)


class EarlyTests(CallerCase):
    def ringing(self, answer=ANSWER):
        """A call of ours that rings, its session agreed by a reliable provisional if C{answer}."""
        self.context_, self.first = self.context()
        if answer:
            self.peer.respond(self.first, 183, headers={**RELIABLE, "Allow": "UPDATE, PRACK"}, body=answer)
            prack = self.peer.expect("PRACK")
            self.peer.respond(prack, 200)
        else:
            self.peer.respond(self.first, 180)
        self.network.advance(0.1)
        self.context_.whenAnswered().addErrback(lambda _: None)
        return self.context_.dialog

    def test_asCaller(self):
        """
        Section 5.1: in the early dialog once offer and answer are through; modify() takes UPDATE by itself there.
        """
        dialog = self.ringing()
        for given in (MOVED, "hold"):
            changing = dialog.modify(given)
            request = self.peer.expect("UPDATE", 1)
            answer = MOVED_ANSWER if given is MOVED else newer(MOVED_ANSWER) + b"a=recvonly\r\n"
            self.peer.respond(request, 200, body=answer)
            self.network.advance(0.1)
            self.assertEqual(self.successResultOf(changing), answer)
            self.assertEqual(dialog.local.sdp, request.body)
        self.peer.respond(self.first, 200)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(self.context_.whenAnswered()).remote.sdp, answer)
        self.assertTrue(dialog.onHold)

    def test_notYet(self):
        """
        Section 5.1: while the offer of the INVITE is open, one in an UPDATE waits; a mere refresh does not.
        """
        dialog = self.ringing(None)
        changing = dialog.modify(MOVED)
        updating = dialog.update(newer(MOVED))
        refreshing = dialog.update()
        request = self.peer.expect("UPDATE", 1)
        self.assertEqual(request.body, b"")
        self.peer.respond(request, 200)
        self.network.advance(1)
        self.successResultOf(refreshing)
        self.assertEqual(self.count("UPDATE"), 1)
        self.peer.respond(self.first, 200, body=ANSWER)
        self.peer.expect("ACK")
        for each in (changing, updating):
            request = self.peer.expect("UPDATE", 1)
            self.peer.respond(request, 200, body=MOVED_ANSWER)
            self.network.advance(0.1)
            self.successResultOf(each)

    def test_refusedCall(self):
        """
        What waits, or is open, fails when the call is refused.
        """
        dialog = self.ringing(None)
        waiting = dialog.modify(MOVED)
        updating = dialog.update()
        self.peer.expect("UPDATE")
        self.peer.respond(self.first, 486)
        self.network.advance(0.1)
        for each in (waiting, updating):
            self.failureResultOf(each, DialogTerminated)
        self.assertNothingLeft()

    def test_refused(self):
        """
        RFC 6337 section 3: a refused one leaves what was agreed, and the call rings on.
        """
        dialog = self.ringing()
        changing = dialog.modify(MOVED)
        self.peer.respond(self.peer.expect("UPDATE"), 488)
        self.network.advance(0.1)
        self.failureResultOf(changing, ResponseError)
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (OFFER, ANSWER))
        self.peer.respond(self.first, 200)
        self.network.advance(0.1)
        self.successResultOf(self.context_.whenAnswered())

    def test_asCallee(self):
        """
        Section 5.1: so does the one that is called, once its answer in a reliable provisional has its PRACK.
        """

        class Ringing(UserAgentDelegate):
            def inviteReceived(self, context):
                context.answerLater()
                context.progress(183, body=ANSWER, reliable=True)
                self.context = context

        delegate = Ringing()
        callee = self.network.userAgent("sip:desk@b.example", delegate)
        invite = self.peer.request("INVITE", callee, headers={"Supported": "100rel", "Allow": "UPDATE"}, body=OFFER)
        progress = self.peer.expect("183 INVITE")
        dialog = delegate.context.dialog
        changing = dialog.modify(newer(ANSWER, (b"4002", b"4022")))
        self.network.advance(0.2)
        self.assertEqual(self.count("UPDATE"), 0)
        rack = f"{progress.headers.get('rseq')} {invite.cseqNumber} INVITE"
        self.peer.request("PRACK", within=progress, headers={"RAck": rack})
        request = self.peer.expect("UPDATE", 1)
        self.assertIn(b"4022", request.body)
        self.peer.respond(request, 200, body=newer(OFFER))
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(changing), newer(OFFER))
        accepting = delegate.context.accept()
        ok = self.peer.expect("200 INVITE", 1)
        self.assertEqual(ok.body, b"")
        self.peer.ack(ok)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(accepting).remote.sdp, newer(OFFER))
