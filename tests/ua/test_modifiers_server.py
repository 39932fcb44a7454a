"""
Functions over what we answer: a call, a provisional, a re-INVITE, an UPDATE (RFC 3264).
"""

from tests.media.test_modified import Adds, noVideo, ports
from tests.ua.callee import ANSWER, OFFER, VIDEO
from tests.ua.ringing import RingingTestCase
from tests.ua.test_modifiers import MARKS, MARKS_ONCE, Waits, fails, raises
from twisted_sipdialog.delegates import DialogDelegate
from twisted_sipdialog.errors import DialogTerminated, InvalidState, InvalidValue
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription

MARKED = ANSWER + b"a=x\r\n"
NEXT = ANSWER.replace(b"o=- 7 7", b"o=- 7 8")
HOLD = OFFER.replace(b"sendrecv", b"sendonly").replace(b"o=- 1 1", b"o=- 1 2")
BOTH_OFFERED = OFFER + VIDEO[VIDEO.index(b"m=") :]
BOTH = ANSWER + b"m=video 6002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"
DESCRIBED = ({"body": ANSWER}, {"media": FixedMedia(ANSWER)})


def noMedia(description):
    return SessionDescription.fromLines(description.lines)


class ModifierCase(RingingTestCase):
    def accepted(self, context, **how):
        """Accept, and see the ACK; the 2xx."""
        accepting = context.accept(**how)
        ok = self.got("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.01)
        self.assertIs(self.successResultOf(accepting), context.dialog)
        return ok

    def ends(self, ok):
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=ok)).statusCode, 200)


class AcceptTests(ModifierCase):
    def test_answer(self):
        """RFC 3261 section 13.3.1.4: the 2xx has the answer as modified, and that is in force."""
        for how in DESCRIBED:
            callee, _ = self.ringing()
            ok = self.accepted(callee.context, modifiers=[MARKS], **how)
            self.assertEqual((ok.body, ok.headers.get("content-type")), (MARKED, "application/sdp"))
            self.assertEqual((callee.dialog.local.sdp, callee.dialog.remote.sdp), (MARKED, OFFER))
            self.ends(ok)

    def test_offer(self):
        """13.2.1: an INVITE without an offer gets ours, as modified, which the ACK answers."""
        callee, _ = self.ringing(body=b"")
        callee.context.accept(media=FixedMedia(BOTH), modifiers=[noVideo, MARKS])
        ok = self.got("200 INVITE")
        self.assertEqual(ok.body, MARKED)
        self.peer.ack(ok, body=OFFER)
        self.network.advance(0.01)
        self.assertEqual((callee.dialog.local.sdp, callee.dialog.remote.sdp), (MARKED, OFFER))
        self.ends(ok)

    def test_refusedMedia(self):
        """RFC 3264 section 6: what one takes out of the answer is refused there by port 0."""
        callee, _ = self.ringing(body=BOTH_OFFERED)
        ok = self.accepted(callee.context, media=FixedMedia(BOTH), modifiers=[noVideo])
        self.assertEqual(ports(ok.body), [("audio", 6000), ("video", 0)])
        self.ends(ok)

    def test_later(self):
        """The later answers and offers of the session description have them as well."""
        for how in DESCRIBED:
            callee, _ = self.ringing()
            ok = self.accepted(callee.context, modifiers=[MARKS], **how)
            held = self.finalTo(self.peer.request("INVITE", within=ok, body=HOLD))
            self.assertEqual(held.body, NEXT.replace(b"sendrecv", b"recvonly") + b"a=x\r\n")
            self.peer.ack(held)
            self.network.advance(0.01)
            fresh = self.finalTo(self.peer.request("INVITE", within=ok))
            self.assertEqual(fresh.body, NEXT.replace(b"7 8", b"7 9") + b"a=x\r\n")
            self.peer.ack(fresh, body=OFFER.replace(b"o=- 1 1", b"o=- 1 3"))
            self.network.advance(0.01)
            self.assertEqual(callee.dialog.local.sdp, fresh.body)
            self.ends(ok)

    def test_waits(self):
        """The 2xx waits for one that waits."""
        waits = Waits()
        callee, _ = self.ringing()
        callee.context.accept(body=ANSWER, modifiers=[waits])
        self.network.advance(1)
        self.assertEqual(self.sent("200 INVITE"), 0)
        self.assertRaises(InvalidState, callee.context.accept, body=ANSWER)
        waits.waiting.callback(None)
        ok = self.got("200 INVITE")
        self.assertEqual(ok.body, MARKED)
        self.stands(callee, ok)
        self.ends(ok)

    def test_cancelled(self):
        """9.2: a CANCEL while one waits: 487, and it is cancelled."""
        waits = Waits()
        callee, invite = self.ringing()
        accepting = callee.context.accept(body=ANSWER, modifiers=[waits])
        self.peer.cancel(invite)
        self.assertEqual(self.finalTo(invite).statusCode, 487)
        self.failureResultOf(accepting, DialogTerminated)
        self.assertEqual(waits.cancelled, 1)

    def test_raises(self):
        """500, and accept() fails with what one raised; the log has what is no error of SIP."""
        for modifier, kind in ((raises, ZeroDivisionError), (fails, ZeroDivisionError), (lambda _: 1, InvalidValue)):
            callee, invite = self.ringing()
            accepting = callee.context.accept(body=ANSWER, modifiers=[MARKS, modifier])
            self.assertEqual(self.finalTo(invite).statusCode, 500)
            self.failureResultOf(accepting, kind)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_ownStatus(self):
        """One may say that nothing fits; one that leaves nothing of the answer does: 488."""

        def notAcceptable(description):
            raise NotAcceptable("not with us")

        for modifier in (notAcceptable, noMedia, Adds("m=video 6002 RTP/AVP 99")):
            callee, invite = self.ringing()
            accepting = callee.context.accept(body=ANSWER, modifiers=[modifier])
            self.assertEqual(self.finalTo(invite).statusCode, 488)
            self.failureResultOf(accepting, NotAcceptable)

    def test_refusedBefore(self):
        """What cannot be so is told at once, and the call may still be answered."""
        callee, _ = self.ringing()
        for how in ({"body": b"nonsense"}, {"body": ANSWER, "contentType": "text/plain"}):
            self.assertRaises(InvalidValue, callee.context.accept, modifiers=[MARKS], **how)
        self.assertRaises(InvalidValue, callee.context.accept, body=ANSWER, modifiers=[None])
        self.ends(self.accepted(callee.context, body=ANSWER))


class ProgressTests(ModifierCase):
    def test_reliable(self):
        """RFC 3262 section 5: a reliable provisional has the answer, which holds for the call; the 2xx has none."""
        for how in DESCRIBED:
            callee, _ = self.ringing()
            done = callee.context.progress(183, reliable=True, modifiers=[MARKS], **how)
            early = self.got("183 INVITE")
            self.assertEqual((early.body, callee.dialog.local.sdp), (MARKED, MARKED))
            self.prack(early)
            self.successResultOf(done)
            self.assertRaises(InvalidState, callee.context.accept, modifiers=[MARKS])
            ok = self.accepted(callee.context)
            self.assertEqual(ok.body, b"")
            held = self.finalTo(self.peer.request("INVITE", within=ok, body=HOLD))
            self.assertEqual(held.body, NEXT.replace(b"sendrecv", b"recvonly") + b"a=x\r\n")
            self.peer.ack(held)
            self.ends(ok)

    def test_offer(self):
        """RFC 6337 section 2.1, pattern 4: our offer, answered by the PRACK."""
        callee, _, early, _ = self.rung(body=b"", media=FixedMedia(ANSWER), settings={}, modifiers=[MARKS])
        self.assertEqual(early.body, MARKED)
        self.prack(early, body=OFFER, **{"Content-Type": "application/sdp"})
        self.assertEqual((callee.dialog.local.sdp, callee.dialog.remote.sdp), (MARKED, OFFER))
        self.ends(self.accepted(callee.context))

    def test_foretaste(self):
        """RFC 3261 section 13.2.1: unreliably sent it is no answer, so the 2xx says the same."""
        for how in DESCRIBED:
            callee, _ = self.ringing()
            self.successResultOf(callee.context.progress(183, modifiers=[MARKS], **how))
            self.assertEqual(self.got("183 INVITE").body, MARKED)
            ok = self.accepted(callee.context)
            self.assertEqual(ok.body, MARKED)
            self.ends(ok)

    def test_waits(self):
        """The provisional waits for one that waits, and accept() for both."""
        waits = Waits()
        callee, _ = self.ringing()
        callee.context.progress(183, body=ANSWER, reliable=True, modifiers=[waits])
        self.assertRaises(InvalidState, callee.context.accept, modifiers=[MARKS])
        accepting = callee.context.accept()
        self.network.advance(0.1)
        self.assertEqual((self.sent("183 INVITE"), self.sent("200 INVITE")), (0, 0))
        waits.waiting.callback(None)
        early = self.got("183 INVITE")
        self.assertEqual(early.body, MARKED)
        self.prack(early)
        ok = self.got("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.01)
        self.successResultOf(accepting)
        self.ends(ok)

    def test_cancelled(self):
        """RFC 3261 section 9.2: the caller gives up while one waits."""
        for reliable in (True, False):
            waits = Waits()
            callee, invite = self.ringing()
            progressing = callee.context.progress(183, body=ANSWER, reliable=reliable, modifiers=[waits])
            self.peer.cancel(invite)
            self.assertEqual(self.finalTo(invite).statusCode, 487)
            self.failureResultOf(progressing, DialogTerminated)
            self.assertEqual(waits.cancelled, 1)

    def test_raises(self):
        """The INVITE is refused, and progress() fails with what one raised."""
        for reliable in (True, False):
            callee, invite = self.ringing()
            progressing = callee.context.progress(183, body=ANSWER, reliable=reliable, modifiers=[raises])
            self.assertEqual(self.finalTo(invite).statusCode, 500)
            self.failureResultOf(progressing, ZeroDivisionError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_refusedBefore(self):
        callee, _ = self.ringing()
        self.assertRaises(InvalidValue, callee.context.progress, 183, body=b"nonsense", modifiers=[MARKS])
        self.assertEqual(self.sent("183 INVITE"), 0)
        self.ends(self.accepted(callee.context, body=ANSWER))


class Own(DialogDelegate):
    """Answers every change as C{how} says."""

    def __init__(self, **how):
        self.how = how
        self.accepting = []

    def inviteReceived(self, context):
        self.accepting.append(context.accept(**self.how))

    updateReceived = inviteReceived


class ChangeTests(ModifierCase):
    """A re-INVITE (RFC 3261 section 14.2) or UPDATE (RFC 3311 section 5.2) that the application answers."""

    def stand(self, **how):
        callee, _ = self.ringing()
        self.ok = self.accepted(callee.context, media=FixedMedia(ANSWER))
        self.dialog = callee.dialog
        self.own = self.dialog.delegate = Own(**how)
        self.before = self.dialog.local.sdp, self.dialog.remote.sdp

    def change(self, method, body=HOLD):
        answer = self.finalTo(self.peer.request(method, within=self.ok, body=body))
        if method == "INVITE" and answer.statusCode == 200:
            self.peer.ack(answer)
            self.network.advance(0.01)
        return answer

    def test_once(self):
        """Where the session description of the call answers they are over that answer alone."""
        for method in ("INVITE", "UPDATE"):
            self.stand(modifiers=[MARKS_ONCE])
            answer = self.change(method)
            self.assertEqual(answer.body, NEXT.replace(b"sendrecv", b"recvonly") + b"a=once\r\n")
            self.assertEqual(self.dialog.local.sdp, answer.body)
            self.own.how = {}
            self.assertEqual(self.change(method).body, NEXT.replace(b"7 8", b"7 9").replace(b"sendrecv", b"recvonly"))
            self.ends(self.ok)

    def test_another(self):
        """Another description has them from then on; its o= line goes on with what was said (RFC 3264 section 8)."""
        for method in ("INVITE", "UPDATE"):
            for how in DESCRIBED:
                self.stand(modifiers=[MARKS], **how)
                self.assertEqual(self.change(method, OFFER).body, NEXT + b"a=x\r\n")
                self.own.how = {}
                self.assertEqual(self.change(method, OFFER).body, NEXT + b"a=x\r\n")
                self.ends(self.ok)

    def test_raises(self):
        """The change is refused, and everything is as before."""
        for method in ("INVITE", "UPDATE"):
            for how in ({}, *DESCRIBED):
                self.stand(modifiers=[raises], **how)
                self.assertEqual(self.change(method).statusCode, 500)
                self.failureResultOf(self.own.accepting[0], ZeroDivisionError)
                self.assertEqual((self.dialog.local.sdp, self.dialog.remote.sdp), self.before)
                self.own.how = {}
                self.assertEqual(self.change(method).body, NEXT.replace(b"sendrecv", b"recvonly"))
                self.ends(self.ok)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 6)

    def test_cancelled(self):
        """RFC 6141 section 3: the peer gives its re-INVITE up while one waits: everything is as before."""
        waits = Waits()
        self.stand(modifiers=[waits])
        request = self.peer.request("INVITE", within=self.ok, body=HOLD)
        self.network.advance(0.01)
        self.peer.cancel(request)
        self.assertEqual(self.finalTo(request).statusCode, 487)
        self.assertEqual(waits.cancelled, 1)
        self.failureResultOf(self.own.accepting[0], DialogTerminated)
        self.assertEqual((self.dialog.local.sdp, self.dialog.remote.sdp), self.before)
        self.ends(self.ok)

    def test_ended(self):
        """A BYE while one waits ends that, too (RFC 3261 section 15.1.2)."""
        for method in ("INVITE", "UPDATE"):
            waits = Waits()
            self.stand(modifiers=[waits])
            request = self.peer.request(method, within=self.ok, body=HOLD)
            self.network.advance(0.01)
            self.ends(self.ok)
            self.assertEqual(self.finalTo(request).statusCode, 487)
            self.assertEqual(waits.cancelled, 1)
            self.failureResultOf(self.own.accepting[0], DialogTerminated)

    def test_refusedBefore(self):
        """What cannot be so is told at once; unanswered the change gets a 500 then, as when anything is raised."""
        for method in ("INVITE", "UPDATE"):
            self.stand(body=b"nonsense", modifiers=[MARKS])
            self.assertEqual(self.change(method).statusCode, 500)
            self.assertEqual((self.dialog.local.sdp, self.dialog.remote.sdp), self.before)
            self.ends(self.ok)
        self.assertEqual(len(self.flushLoggedErrors(InvalidValue)), 2)
