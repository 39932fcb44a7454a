"""
The queue of changes that we ask for: order, and trying again (RFC 3261 section 14.1).
"""

from tests.ua.calling import ANSWER, OFFER, CallerCase
from tests.ua.changing import MOVED, MOVED_ANSWER, ChangeCase, newer
from twisted_sipdialog.errors import DialogTerminated, InvalidValue, ResponseError

OTHER = newer(MOVED, (b"4010", b"4014"))


class OrderTests(ChangeCase):
    def test_oneAtATime(self):
        """
        Section 14.1: no second re-INVITE before the first is through; then in the order they were asked for.
        """
        self.stand()
        changes = [self.modify(newer(MOVED, version=n)) for n in range(4)]
        for n, changing in enumerate(changes):
            request = self.peer.expect("INVITE", 1)
            self.peer.respond(request, 180)
            self.network.advance(3)
            self.assertEqual((self.count("INVITE"), request.body), (n + 2, newer(MOVED, version=n)))
            self.assertNoResult(changing)
            self.accept(request)
            self.successResultOf(changing)
        self.hangUp()

    def test_updateWaits(self):
        """
        RFC 3311 section 5.1: an UPDATE with an offer waits while another offer is open.
        """
        self.stand()
        _changing, request = self.reinvite(MOVED)
        second = self.modify(OTHER, method="UPDATE")
        third = self.dialog.update(newer(OTHER))
        self.network.advance(0.3)
        self.assertEqual(self.count("UPDATE"), 0)
        self.accept(request)
        for changing in (second, third):
            update = self.peer.expect("UPDATE", 1)
            self.assertNoResult(changing)
            self.accept(update)
            self.successResultOf(changing)

    def test_unsendable(self):
        """
        A description whose type is none fails its own change, not those after it.
        """
        self.stand()
        self.dialog.session.contentType = "a\r\nb"
        self.failureResultOf(self.dialog.modify("hold"), InvalidValue)
        self.dialog.session.contentType = "application/sdp"
        changing, request = self.reinvite(MOVED)
        self.accept(request)
        self.successResultOf(changing)
        self.hangUp()

    def test_askedForInACallback(self):
        """
        What is asked for as one ends comes after those that wait already.
        """
        self.stand()
        first = self.modify(MOVED)
        later = []
        first.addErrback(lambda _: later.append(self.modify("sendonly")))
        second = self.modify(OTHER)
        self.refuse(self.peer.expect("INVITE"), 488)
        request = self.peer.expect("INVITE", 1)
        self.assertIn(b"4014", request.body)
        self.accept(request)
        self.successResultOf(second)
        self.accept(self.peer.expect("INVITE", 1), newer(MOVED_ANSWER) + b"a=recvonly\r\n")
        self.successResultOf(later[0])

    def test_theirInviteFirst(self):
        """
        Section 14.1: while an INVITE of the peer has no final response, or its 2xx no ACK, ours waits.
        """
        self.notes.inviteReceived = lambda context: (waiting.append(context), context.answerLater())
        for accepted in (True, False):
            waiting = []
            self.stand()
            theirs = self.fromPeer("INVITE", newer(ANSWER), answered=False)
            self.network.advance(0.1)
            changing = self.modify(MOVED)
            before = self.count("INVITE")
            self.network.advance(1)
            self.assertEqual(self.count("INVITE"), before)
            if accepted:
                waiting[0].accept()
                ok = self.finalTo(theirs)
                self.network.advance(1)
                self.assertEqual(self.count("INVITE"), before)
                self.peer.ack(ok)
            else:
                waiting[0].reject(488)
            self.network.advance(0.05)
            request = self.peer.expect("INVITE", 1)
            self.accept(request)
            self.successResultOf(changing)
            self.hangUp()

    def test_theirUpdateFirst(self):
        """
        RFC 3311 section 5.1: while an offer of the peer awaits our answer, ours waits; whatever the answer is.
        """
        self.notes.updateReceived = lambda context: (waiting.append(context), context.answerLater())
        for answer in ("accept", "reject", "later"):
            waiting = []
            self.stand()
            self.fromPeer("UPDATE", newer(ANSWER), answered=False)
            self.network.advance(0.1)
            changing = self.modify(MOVED)
            before = self.count("INVITE")
            self.network.advance(0.2)
            self.assertEqual(self.count("INVITE"), before)
            if answer == "later":
                self.network.advance(31)  # nobody answers: 500
            else:
                getattr(waiting[0], answer)()
            request = self.peer.expect("INVITE", 1)
            self.accept(request)
            self.successResultOf(changing)
            self.hangUp()


class UnacknowledgedTests(CallerCase):
    def test_ackFirst(self):
        """
        Section 14.1: the called one waits for the ACK to its 2xx.
        """
        callee = self.network.userAgent("sip:desk@b.example", Accepting())
        self.peer.request("INVITE", callee, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        (dialog,) = callee.dialogs
        changing = dialog.modify(newer(ANSWER))
        self.network.advance(2)
        self.assertEqual(self.count("INVITE"), 0)
        self.peer.ack(ok)
        request = self.peer.expect("INVITE", 1)
        self.peer.respond(request, 200, body=newer(OFFER))
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(changing), newer(OFFER))

    def test_destroyedFirst(self):
        """
        What waits for that ACK fails when the call is ended meanwhile.
        """
        callee = self.network.userAgent("sip:desk@b.example", Accepting())
        self.peer.request("INVITE", callee, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        (dialog,) = callee.dialogs
        changing = dialog.modify(newer(ANSWER))
        dialog.destroy()
        self.peer.ack(ok)
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(0.1)
        self.failureResultOf(changing, DialogTerminated)
        self.assertEqual(self.count("INVITE"), 0)


class Accepting:
    def inviteReceived(self, context):
        context.accept(body=ANSWER)


class AgainTests(ChangeCase):
    def test_glare(self):
        """
        Section 14.1: after a 491 the owner of the Call-ID tries again after 2.1 to 4 s, in steps of 10 ms.
        """
        waits = set()
        for _ in range(12):
            self.stand()
            changing, request = self.reinvite(MOVED)
            waiting = self.modify(OTHER)
            self.peer.respond(request, 491)
            refused = self.network.clock.seconds() + 0.01
            self.network.advance(2.09)
            self.assertNoResult(changing)
            self.asBefore()
            again = self.peer.expect("INVITE", 2.1)
            waits.add(round(self.network.clock.seconds() - 0.01 - refused, 2))
            self.assertEqual((again.body, again.cseqNumber), (MOVED, request.cseqNumber + 1))
            self.accept(again)
            self.assertEqual(self.successResultOf(changing), MOVED_ANSWER)
            self.accept(self.peer.expect("INVITE", 1))
            self.successResultOf(waiting)
            self.hangUp()
            self.notes.ended.clear()
        self.assertTrue(min(waits) >= 2.1 and max(waits) <= 4.02 and len(waits) > 6, waits)

    def test_glareAsCallee(self):
        """
        Section 14.1: whoever does not own the Call-ID, after 0 to 2 s.
        """
        waits = []
        for n in range(12):
            callee = self.network.userAgent(f"sip:desk@b{n}.example", Accepting())
            self.peer.request("INVITE", callee, body=OFFER)
            self.peer.ack(self.peer.expect("200 INVITE"))
            self.network.advance(0.1)
            changing = callee.dialogs[0].modify(newer(ANSWER))
            self.peer.respond(self.peer.expect("INVITE"), 491)
            refused = self.network.clock.seconds() + 0.01
            again = self.peer.expect("INVITE", 2.1)
            waits.append(self.network.clock.seconds() - 0.01 - refused)
            self.peer.respond(again, 200, body=newer(OFFER))
            self.network.advance(0.1)
            self.successResultOf(changing)
        self.assertTrue(min(waits) >= 0 and max(waits) <= 2.02 and max(waits) - min(waits) > 0.5, waits)

    def test_fiveTimes(self):
        """
        Five attempts at most; then the refusal is the outcome, and the queue goes on.
        """
        self.stand()
        changing = self.modify(MOVED)
        waiting = self.modify(OTHER)
        for _ in range(5):
            self.refuse(self.peer.expect("INVITE", 5), 491)
        self.assertEqual(self.failureResultOf(changing, ResponseError).value.statusCode, 491)
        request = self.peer.expect("INVITE", 1)
        self.assertIn(b"4014", request.body)
        self.accept(request)
        self.successResultOf(waiting)

    def test_theyInviteMeanwhile(self):
        """
        Section 14.1: while we wait to try again, theirs is welcome: that is what the wait is for.
        """
        self.standWithMedia()
        changing, request = self.reinvite("sendonly")
        self.refuse(request, 491)
        theirs = newer(ANSWER, (b"4002", b"4006"))
        ok = self.fromPeer("INVITE", theirs)
        self.assertEqual(ok.statusCode, 200)
        self.peer.ack(ok)
        self.network.advance(0.1)
        self.assertEqual(self.dialog.remote.sdp, theirs)
        again = self.peer.expect("INVITE", 4.1)
        self.assertIn(b"a=sendonly", again.body)
        self.accept(again, newer(theirs) + b"a=recvonly\r\n")
        self.successResultOf(changing)

    def test_retryAfter(self):
        """
        Section 14.2: a 500 with Retry-After says when the peer's own UPDATE or INVITE may be through.
        """
        self.stand()
        changing, request = self.reinvite(MOVED)
        self.refuse(request, 500, Retry_After="7 (busy)")
        self.network.advance(6.8)
        self.assertEqual(self.count("INVITE"), 2)
        self.accept(self.peer.expect("INVITE", 0.3))
        self.successResultOf(changing)

    def test_noRetryAfter(self):
        """
        Without it, or with more than anybody waits for, it is a refusal.
        """
        for headers in ({}, {"Retry_After": "3600"}, {"Retry_After": "soon"}):
            self.stand()
            changing, request = self.reinvite(MOVED)
            self.refuse(request, 500, **headers)
            self.failureResultOf(changing, ResponseError)
            self.asBefore()
            self.hangUp()
            self.notes.ended.clear()

    def test_intervalTooSmall(self):
        """
        RFC 4028 section 7.3: after a 422 the longer interval is asked for, at once, in the same change.
        """
        self.stand()
        changing, request = self.reinvite(MOVED)
        self.refuse(request, 422, Min_SE="3000")
        again = self.peer.expect("INVITE", 0.2)
        self.assertTrue(again.headers.get("session-expires").startswith("3000"))
        self.assertEqual((again.headers.get("min-se"), again.body), ("3000", MOVED))
        self.accept(again)
        self.successResultOf(changing)

    def test_refreshMeanwhile(self):
        """
        An UPDATE without an offer that is tried again lets no second re-INVITE out while one is open.
        """
        self.alice = self.network.userAgent("sip:alice@c.example", sessionExpires=90)
        calling, self.first = self.invite()
        headers = {"Session-Expires": "90;refresher=uac", "Require": "timer", "Allow": "INVITE, UPDATE"}
        self.peer.respond(self.first, 200, headers=headers, body=ANSWER)
        self.peer.expect("ACK")
        self.dialog = self.successResultOf(calling)
        self.network.advance(44)
        first = self.modify(MOVED)
        request = self.peer.expect("INVITE", 1)
        self.peer.respond(request, 180)
        second = self.modify(OTHER)
        refresh = self.peer.expect("UPDATE", 2)
        self.assertEqual(refresh.body, b"")
        self.refuse(refresh, 500, Retry_After="1")
        again = self.peer.expect("UPDATE", 2)
        self.accept(again, b"", **{"Session-Expires": "90;refresher=uac"})
        self.network.advance(1)
        self.assertEqual(self.count("INVITE"), 2)
        self.assertNoResult(first)
        self.accept(request)
        self.successResultOf(first)
        self.accept(self.peer.expect("INVITE", 1))
        self.successResultOf(second)
