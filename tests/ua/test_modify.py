"""
A change of the session by re-INVITE, as its sender (RFC 3261 section 14.1, RFC 3264 section 8).
"""

from tests.ua.calling import ANSWER, BOB, OFFER, challenge, proven
from tests.ua.changing import MOVED, MOVED_ANSWER, VIDEO, ChangeCase, Description, newer
from twisted_sipdialog.configuration import Credentials
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import (
    DialogTerminated,
    InvalidState,
    InvalidValue,
    ParseError,
    RemoteError,
    ResponseError,
    Timeout,
    TransportError,
)
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription


class AcceptedTests(ChangeCase):
    def test_request(self):
        """
        Sections 12.2.1.1, 14.1: a request in the dialog, with Contact and offer; To tag, Call-ID, target as ever.
        """
        self.stand()
        changing, request = self.reinvite(MOVED, [("X-Why", "moved")])
        self.assertEqual((request.body, request.headers.get("content-type")), (MOVED, "application/sdp"))
        self.assertEqual(request.headers.get("contact"), self.first.headers.get("contact"))
        self.assertEqual((request.callId, request.fromTag), (self.first.callId, self.first.fromTag))
        self.assertEqual(request.toTag, self.peer.tag)
        self.assertEqual(request.cseqNumber, self.first.cseqNumber + 1)
        self.assertEqual(request.uriText, self.dialog.remote.uri)
        self.assertEqual(request.headers.get("x-why"), "moved")
        self.assertIn("UPDATE", request.headers.get("allow"))
        self.assertNoResult(changing)
        ack = self.accept(request)
        self.assertEqual((ack.cseqNumber, ack.body), (request.cseqNumber, b""))
        self.assertEqual(self.successResultOf(changing), MOVED_ANSWER)
        self.hangUp()

    def test_committedBy2xxOnly(self):
        """
        RFC 3264 section 8: the new descriptions are in force once they were agreed, not before.
        """
        self.stand()
        _changing, request = self.reinvite(MOVED)
        self.peer.respond(request, 180, body=MOVED_ANSWER)
        self.network.advance(0.1)
        self.asBefore()
        self.accept(request)
        self.assertEqual(self.session(), (MOVED, MOVED_ANSWER, False))

    def test_version(self):
        """
        RFC 3264 section 8: the o= line of a changed description is that of the one before, one version on.
        """
        self.stand()
        for n, given in enumerate(
            (
                OFFER.replace(b"4000", b"4020"),
                OFFER.replace(b"4000", b"4022").replace(b"o=- 1 1", b"o=- 77 3"),
            ),
            start=2,
        ):
            changing, request = self.reinvite(given)
            self.assertIn(b"o=- 1 %d IN IP4 192.0.2.1\r\n" % n, request.body)
            self.assertEqual(request.body.partition(b"s=-")[2], given.partition(b"s=-")[2])
            self.accept(request)
            self.successResultOf(changing)
            self.assertEqual(self.dialog.local.sdp, request.body)

    def test_verbatim(self):
        """
        RFC 3264 section 8: a description that is the next one already, or the very same, goes out as it is.
        """
        self.stand()
        for given in (OFFER, MOVED, MOVED):
            _changing, request = self.reinvite(given)
            self.assertEqual(request.body, given)
            self.accept(request)

    def test_otherType(self):
        """
        What is no SDP goes out as it is.
        """
        self.stand()
        _changing, request = self.reinvite(b"whatever", contentType="application/x-thing")
        self.assertEqual((request.body, request.headers.get("content-type")), (b"whatever", "application/x-thing"))
        self.refuse(request, 415)
        self.asBefore()

    def test_target(self):
        """
        Section 12.2.1.2: the Contact of the 2xx is where further requests go, beginning with the ACK.
        """
        self.stand()
        moved = type(self.peer)(self.network, "moved.example")
        _changing, request = self.reinvite(MOVED)
        self.peer.respond(request, 200, headers={"Contact": "<sip:bob@moved.example>"}, body=MOVED_ANSWER)
        self.assertEqual(moved.expect("ACK", 1).uriText, "sip:bob@moved.example")
        self.assertEqual(self.dialog.remote.uri, "sip:bob@moved.example")
        self.dialog.destroy()
        moved.respond(moved.expect("BYE", 1), 200)

    def test_reAck(self):
        """
        Section 13.2.2.4: each copy of a 2xx gets its ACK again, under its own CSeq, also when another re-INVITE has
        come in between (B17).
        """
        self.stand()
        requests = []
        for n in range(2):
            changing, request = self.reinvite(newer(MOVED, version=n))
            self.accept(request)
            self.successResultOf(changing)
            requests.append(request)
        for request in (requests[0], requests[1], requests[0]):
            ack = self.accept(request)
            self.assertEqual(ack.cseqNumber, request.cseqNumber)
        self.assertEqual(self.dialog.local.sdp, requests[1].body)
        self.hangUp()

    def test_challenged(self):
        """
        Section 22.2: the challenge is answered in the same dialog; the ACK has the credentials as well (22.1).
        """
        self.alice = self.network.userAgent(
            "sip:alice@c.example", credentials=[Credentials("alice", "wonderland", "example.com")]
        )
        self.stand(target=BOB)
        changing, request = self.reinvite(MOVED)
        self.refuse(request, 401, WWW_Authenticate=challenge())
        again = self.peer.expect("INVITE", 1)
        self.assertIsNotNone(proven(again))
        self.assertEqual((again.cseqNumber, again.body), (request.cseqNumber + 1, MOVED))
        ack = self.accept(again)
        self.assertEqual(ack.headers.get("authorization"), again.headers.get("authorization"))
        self.assertEqual(self.successResultOf(changing), MOVED_ANSWER)

    def test_asCallee(self):
        """
        Section 14.1: either side may; so the one that was called.
        """
        callee = self.network.userAgent("sip:desk@b.example", Taking())
        invite = self.peer.request("INVITE", callee, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.1)
        (self.dialog,) = callee.dialogs
        changing, request = self.reinvite(newer(ANSWER, (b"4002", b"4004")))
        self.assertEqual((request.fromTag, request.toTag), (ok.toTag, invite.fromTag))
        self.accept(request, newer(OFFER))
        self.assertEqual(self.successResultOf(changing), newer(OFFER))


class Taking:
    def inviteReceived(self, context):
        context.accept(body=ANSWER)


class RefusedTests(ChangeCase):
    def test_refused(self):
        """
        Section 14.1: after a refusal the session is as if nothing had been sent, and the queue goes on.
        """
        for code in (400, 403, 415, 420, 422, 486, 487, 488, 500, 503, 606, 302):
            self.stand()
            changing, request = self.reinvite(MOVED)
            waiting = self.modify(newer(MOVED, (b"4010", b"4014")))
            self.refuse(request, code)
            self.assertEqual(self.failureResultOf(changing, ResponseError).value.statusCode, code)
            self.asBefore()
            request = self.peer.expect("INVITE", 1)
            self.accept(request)
            self.successResultOf(waiting)
            self.hangUp()
            self.notes.ended.clear()

    def test_withoutAnswer(self):
        """
        Section 13.2.2.4, RFC 3264 section 8: a 2xx without a usable answer is acknowledged; the session stays.
        """
        tooMany = MOVED_ANSWER + b"m=video 4100 RTP/AVP 31\r\n"
        refusing = MOVED_ANSWER.replace(b"4012", b"0")
        for body in (b"", b"nonsense", tooMany, refusing):
            for given in (MOVED, "sendonly"):
                self.stand()
                changing, request = self.reinvite(given)
                self.accept(request, body)
                self.failureResultOf(changing, RemoteError, NotAcceptable, ParseError)
                self.asBefore()
                self.works()
                self.hangUp()
                self.notes.ended.clear()

    def test_dialogGone(self):
        """
        RFC 5057 section 5.1: what says that there is no such session ends it by BYE, told with that response.
        """
        for code in (408, 481, 404, 410, 482, 485, 604):
            self.stand()
            changing, request = self.reinvite(MOVED)
            waiting = self.modify("hold")
            self.refuse(request, code)
            self.assertEqual(self.failureResultOf(changing, ResponseError).value.statusCode, code)
            self.failureResultOf(waiting, DialogTerminated)
            self.endsBye()
            ((dialog, ended),) = self.notes.ended
            self.assertIs(dialog, self.dialog)
            self.assertIs(ended.reason, Reason.DIALOG_ERROR)
            self.assertEqual(ended.message.statusCode, code)
            self.assertNothingLeft()
            self.notes.ended.clear()

    def test_dialogEndingStatuses(self):
        """
        Which those are is a setting; 408 and 481 to a re-INVITE always are (sections 12.2.1.2).
        """
        self.alice = self.network.userAgent("sip:alice@c.example", dialogEndingStatuses=(488,))
        for code, ends in ((410, False), (488, True), (481, True)):
            self.stand()
            changing, request = self.reinvite(MOVED)
            self.refuse(request, code)
            self.failureResultOf(changing, ResponseError)
            self.assertEqual(self.dialog.ended is None and self.dialog.state.value == "stable", not ends, code)
            if ends:
                self.endsBye()
            else:
                self.hangUp()

    def test_silence(self):
        """
        Section 12.2.1.2: no answer at all counts as 408.
        """
        self.stand()
        changing, _request = self.reinvite(MOVED)
        self.network.advance(32)
        self.failureResultOf(changing, Timeout)
        self.endsBye()
        self.assertEqual(self.notes.reasons, [Reason.DIALOG_ERROR])
        self.assertNothingLeft()

    def test_unsendable(self):
        """
        Section 8.1.3.1: what cannot be sent fails; a lost connection is no lost dialog.
        """
        self.stand()
        self.fromPeer("UPDATE", Contact="<sip:bob@nowhere.example>")
        changing = self.modify(MOVED)
        self.network.advance(1)
        self.failureResultOf(changing, TransportError)
        self.asBefore()
        # The target may come back.
        self.fromPeer("UPDATE", Contact="<sip:bob@peer.example>")
        self.works()
        self.hangUp()

    def test_ringing(self):
        """
        Section 9.1: one that only rings is cancelled in the end; the session stays.
        """
        self.alice = self.network.userAgent("sip:alice@c.example", ringTimeout=20.0)
        self.stand()
        changing, request = self.reinvite(MOVED)
        self.peer.respond(request, 180)
        cancel = self.peer.expect("CANCEL", 21)
        self.peer.respond(cancel, 200)
        self.refuse(request, 487)
        self.assertEqual(self.failureResultOf(changing, ResponseError).value.statusCode, 487)
        self.assertEqual(self.session(), self.before)


class Stubborn(Description):
    """Goes back, and complains."""

    __slots__ = ()

    def rollback(self):
        super().rollback()
        raise ZeroDivisionError


class RollbackTests(ChangeCase):
    def test_raises(self):
        """
        A description that fails to go back is logged; the change fails as it would, and others follow.
        """
        for method in ("INVITE", "UPDATE"):
            self.media = Stubborn()
            self.stand(body=None, media=self.media)
            changing = self.modify("sendonly", method=method)
            self.refuse(self.peer.expect(method), 488)
            self.failureResultOf(changing, ResponseError)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertEqual(self.session(), self.before)
            self.works()


class Wordless(Description):
    """Has no offer to give."""

    __slots__ = ()

    def offer(self, limit=None):
        return None if limit == "inactive" else super().offer(limit)


class WrongTests(ChangeCase):
    def test_noOffer(self):
        """
        A description that gives neither an offer nor a Deferred of one fails its change; others follow.
        """
        self.media = Wordless()
        self.stand(body=None, media=self.media)
        self.failureResultOf(self.modify("inactive"), AttributeError)
        self.asBefore()
        self.works()

    def test_values(self):
        """
        What cannot be so raises before anything is sent.
        """
        self.stand()
        self.network.clearSeen()
        for arguments, named in (
            ((b"",), {}),
            (("",), {}),
            (("Hold",), {}),
            ((7,), {}),
            ((MOVED,), {"method": "BYE"}),
            ((MOVED,), {"method": "update"}),
            ((None,), {"method": "UPDATE"}),
            ((MOVED,), {"contentType": "a/b\r\nX: y"}),
            ((MOVED, [("Contact", "<sip:x@y>")]), {}),
            ((MOVED, [("X", "a\r\nb")]), {}),
        ):
            self.assertRaises(InvalidValue, self.dialog.modify, *arguments, **named)
        self.network.advance(1)
        self.assertEqual(self.network.seenBy(self.alice), [])
        self.works()

    def test_early(self):
        """
        Section 14.1: no re-INVITE before the first is through; RFC 3311 has UPDATE for that.
        """
        context, invite = self.context()
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        self.failureResultOf(context.dialog.modify(MOVED, method="INVITE"), InvalidState)
        self.failureResultOf(context.dialog.modify(None), InvalidState)
        self.assertEqual(self.count("INVITE"), 1)
        context.whenAnswered().addErrback(lambda _: None)

    def test_over(self):
        """
        Section 15: after the end, and once it was asked for, nothing is sent.
        """
        self.stand()
        self.dialog.destroy()
        self.failureResultOf(self.dialog.modify(MOVED), DialogTerminated)
        self.endsBye()
        for given in (VIDEO, "hold", "unhold", None):
            self.failureResultOf(self.dialog.modify(given), DialogTerminated)
        self.assertEqual(self.count("INVITE"), 1)
        self.assertNothingLeft()

    def test_offerFails(self):
        """
        What makes no offer fails the change; nothing was sent, and the next one may come.
        """
        self.standWithMedia()
        self.network.clearSeen()

        def offer(limit=None):
            raise TransportError("no port")

        media = self.media
        broken = type("Broken", (), {"offer": staticmethod(offer), "rollback": media.rollback, "close": media.close})()
        broken.local, broken.remote, broken.contentType = media.local, media.remote, media.contentType
        self.dialog.session = broken
        self.failureResultOf(self.modify("sendonly"), TransportError)
        self.assertEqual(self.network.seenBy(self.alice), [])
        self.dialog.session = media
        changing, request = self.reinvite("sendonly")
        self.assertEqual(SessionDescription.parse(request.body).media[0].direction, "sendonly")
        self.accept(request, newer(ANSWER) + b"a=recvonly\r\n")
        self.successResultOf(changing)
