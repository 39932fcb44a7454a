"""
Functions over the offer of a change that we ask for, over the answer to a late one, and over what comes later in a call
that was placed with them (RFC 3261 section 14.1, RFC 3264 section 8).
"""

from tests.media.test_modified import Adds, ports
from tests.ua.calling import ANSWER, OFFER
from tests.ua.changing import MOVED, MOVED_ANSWER, ChangeCase, newer
from tests.ua.hearing import OTHER, Described, ForkCase
from tests.ua.test_modifiers import MARKED, MARKS, MARKS_ONCE, Waits, fails, raises
from twisted_sipdialog.errors import InvalidValue, ResponseError


class LifeTests(ChangeCase):
    """Those of invite() are over all that the session description says in the call."""

    def test_hold(self):
        """RFC 3264 section 8: one version on for a hold, and for its end."""
        self.stand(modifiers=[MARKS])
        for what, said in (("hold", b"a=sendonly\r\na=x\r\n"), ("unhold", b"a=x\r\n")):
            version = 1 if what == "hold" else 2
            changing, request = self.reinvite(what)
            self.assertEqual(request.body, newer(OFFER, version=version) + said)
            self.accept(request, newer(ANSWER, version=version))
            self.successResultOf(changing)
            self.assertEqual(self.dialog.local.sdp, request.body)
        self.hangUp()

    def test_unchanged(self):
        """8: what is the same keeps its version, in an offer as in an answer."""
        self.stand(modifiers=[MARKS])
        changing, request = self.reinvite("sendrecv")
        self.assertEqual(request.body, MARKED)
        self.accept(request, ANSWER)
        self.successResultOf(changing)
        for method in ("INVITE", "UPDATE"):
            ok = self.fromPeer(method, ANSWER)
            self.assertEqual(ok.body, MARKED)
            if method == "INVITE":
                self.peer.ack(ok)
                self.network.advance(0.1)
        self.hangUp()

    def test_otherBody(self):
        """Bytes of the application are another session description, without them."""
        self.stand(modifiers=[MARKS])
        changing, request = self.reinvite(MOVED)
        self.assertEqual(request.body, MOVED)
        self.accept(request)
        self.successResultOf(changing)
        self.hangUp()


class ModifyTests(ChangeCase):
    """Those of modify() are over that one change."""

    def test_bytes(self):
        """The offer is the next one after what was said before (RFC 3264 section 8), and describes the call then."""
        self.stand()
        changing, request = self.reinvite(OFFER, modifiers=[MARKS])
        said = newer(OFFER) + b"a=x\r\n"
        self.assertEqual(request.body, said)
        self.accept(request)
        self.assertEqual(self.successResultOf(changing), MOVED_ANSWER)
        self.assertEqual((self.dialog.local.sdp, self.dialog.remote.sdp), (said, MOVED_ANSWER))
        changing, request = self.reinvite("hold")
        self.assertEqual(request.body, newer(OFFER, version=2) + b"a=x\r\na=sendonly\r\n")
        self.accept(request)
        self.hangUp()

    def test_update(self):
        self.stand()
        changing = self.modify(MOVED, method="UPDATE", modifiers=[MARKS])
        request = self.peer.expect("UPDATE")
        self.assertEqual(request.body, MOVED + b"a=x\r\n")
        self.accept(request)
        self.successResultOf(changing)
        self.assertEqual(self.dialog.local.sdp, request.body)
        self.hangUp()

    def test_hold(self):
        """The session description offers, with its own modifiers first; it goes on, without those of the change."""
        for before in ((), (MARKS,)):
            self.stand(modifiers=before)
            first = self.dialog.local.sdp
            changing, request = self.reinvite("hold", modifiers=[MARKS_ONCE])
            mark = b"a=sendonly\r\n" + first[len(OFFER) :]
            self.assertEqual(request.body, newer(OFFER) + mark + b"a=once\r\n")
            self.accept(request)
            self.successResultOf(changing)
            self.assertEqual((self.dialog.local.sdp, self.dialog.onHold), (request.body, True))
            changing, request = self.reinvite("unhold")
            self.assertEqual(request.body, newer(first, version=2))
            self.accept(request)
            self.successResultOf(changing)
            self.assertEqual((self.dialog.local.sdp, self.dialog.onHold), (request.body, False))
            self.hangUp()

    def test_media(self):
        """The session description stays the same one: it is not closed, and closed at the end, once."""
        self.standWithMedia()
        changing, request = self.reinvite("hold", modifiers=[MARKS])
        self.accept(request)
        self.successResultOf(changing)
        self.assertEqual(self.media.calls, ["offer", "update"])
        self.hangUp()
        self.assertEqual(self.media.calls, ["offer", "update", "close"])

    def test_refused(self):
        """RFC 3261 section 14.1: refused, it leaves the session as it was; the version is not given to another."""
        for what in ("hold", OFFER):
            self.stand(modifiers=[MARKS])
            changing, request = self.reinvite(what, modifiers=[MARKS_ONCE])
            self.refuse(request, 488)
            self.failureResultOf(changing, ResponseError)
            self.asBefore()
            changing, request = self.reinvite(what, modifiers=[Adds("a=other")])
            self.assertIn(b"o=- 1 3 ", request.body)
            self.accept(request)
            self.successResultOf(changing)
            self.assertEqual(self.dialog.local.sdp, request.body)
            self.hangUp()
            self.notes.ended.clear()

    def test_refusedBare(self):
        """Nor is that of an offer without any (RFC 3264 section 8)."""
        self.stand()
        _changing, request = self.reinvite("hold")
        self.refuse(request, 488)
        changing, request = self.reinvite("hold", modifiers=[MARKS])
        self.assertEqual(request.body, newer(OFFER, version=2) + b"a=sendonly\r\na=x\r\n")
        self.accept(request)
        self.successResultOf(changing)
        self.hangUp()

    def test_glare(self):
        """14.1: tried again after a 491, it says the same."""
        for what in ("hold", OFFER):
            self.stand()
            changing, request = self.reinvite(what, modifiers=[MARKS])
            self.refuse(request, 491)
            again = self.peer.expect("INVITE", 5)
            self.assertEqual(again.body, request.body)
            self.accept(again)
            self.successResultOf(changing)
            self.hangUp()

    def test_raises(self):
        """It fails with what one raised, nothing is sent, and the next goes on."""
        self.stand()
        for what in ("hold", MOVED):
            for modifier in (raises, fails):
                sent = self.count("INVITE")
                changing = self.modify(what, modifiers=[modifier])
                self.network.advance(1)
                self.failureResultOf(changing, ZeroDivisionError)
                self.assertEqual(self.count("INVITE"), sent)
                self.asBefore()
        self.works()
        self.hangUp()

    def test_cancelled(self):
        """Given up while one waits: that is cancelled, and nothing is sent; so it is when the call ends."""
        for what in ("hold", MOVED):
            self.stand()
            sent = self.count("INVITE")
            for ends in (False, True):
                waits = Waits()
                changing = self.modify(what, modifiers=[waits])
                self.network.advance(1)
                if ends:
                    self.dialog.destroy()
                else:
                    changing.cancel()
                self.failureResultOf(changing)
                self.assertEqual((waits.cancelled, self.count("INVITE")), (1, sent))
            self.endsBye()
            self.assertNothingLeft()

    def test_meanwhile(self):
        """14.2: while one waits an offer of ours is under way, and the peer's gets a 491."""
        self.stand()
        for what in ("hold", MOVED):
            waits = Waits()
            changing = self.modify(what, modifiers=[waits])
            self.assertEqual(self.fromPeer("INVITE", MOVED_ANSWER).statusCode, 491)
            waits.waiting.callback(None)
            self.accept(self.peer.expect("INVITE"))
            self.successResultOf(changing)
        self.hangUp()

    def test_refusedBefore(self):
        """What cannot be so is told at once."""
        self.stand()
        for what, how in ((b"nonsense", {}), (OFFER, {"contentType": "text/plain"}), ("hold", {"modifiers": ["x"]})):
            self.assertRaises(InvalidValue, self.dialog.modify, what, **{"modifiers": [MARKS], **how})
        self.asBefore()
        self.hangUp()


class LateOfferTests(ChangeCase):
    """modify(None, modifiers=...): they are over the answer in the ACK (RFC 3261 section 14.1)."""

    def late(self, *modifiers):
        changing, self.request = self.reinvite(None, modifiers=modifiers)
        self.assertEqual(self.request.body, b"")
        self.peer.respond(self.request, 200, body=newer(ANSWER, (b"4002", b"4006")))
        self.network.advance(0.1)
        return self.successResultOf(changing)

    def acked(self):
        self.network.advance(0.1)
        acks = [m for m in self.peer.received if getattr(m, "method", "") == "ACK" and m.callId == self.request.callId]
        self.assertEqual(acks[-1].cseqNumber, self.request.cseqNumber)
        return acks[-1].body

    def test_answer(self):
        """Given, or by the session description; what was agreed is what was sent."""
        for given in (None, OFFER):
            self.stand()
            answering = self.late(MARKS).answer(given)
            said = newer(OFFER) + b"a=x\r\n"
            self.assertEqual((self.successResultOf(answering), self.acked()), (said, said))
            self.assertEqual(self.dialog.local.sdp, said)
            self.hangUp()

    def test_raises(self):
        """RFC 6337 section 2.3: nothing answers the offer, and the call is ended."""
        for given in (None, OFFER):
            self.stand()
            answering = self.late(raises).answer(given)
            self.failureResultOf(answering, ZeroDivisionError)
            self.assertEqual(ports(self.acked()), [("audio", 0)])
            self.endsBye()
            self.assertNothingLeft()

    def test_overdue(self):
        """One that waits longer than 64*T1 is cancelled, and the call is ended."""
        for given in (None, OFFER):
            self.stand()
            waits = Waits()
            answering = self.late(waits).answer(given)
            self.endsBye()
            self.failureResultOf(answering)
            self.assertEqual(waits.cancelled, 1)
            self.assertNothingLeft()

    def test_refusedBefore(self):
        """What is no SDP cannot be modified; the offer may still be answered."""
        self.stand()
        late = self.late(MARKS)
        self.assertRaises(InvalidValue, late.answer, b"nonsense")
        self.successResultOf(late.answer())
        self.hangUp()


class EarlyTests(ForkCase):
    def test_gone(self):
        """
        RFC 3311 section 5.1: by UPDATE while it rings; when that dialog is over, the offer of the INVITE holds for
        those that answer later.
        """
        media = Described()
        context, invite = self.context(body=None, media=media)
        self.ring(invite, 5, "f1", body=ANSWER)
        self.pracked()
        changing = self.notes.early[0].modify("sendrecv", modifiers=[MARKS])
        update = self.peer.expect("UPDATE")
        self.assertEqual(update.body, newer(OFFER) + b"a=x\r\n")
        self.peer.respond(update, 200, body=OTHER)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(changing), OTHER)
        self.peer.request("BYE", within=update)
        self.peer.expect("200 BYE")
        self.accept(invite, "f2", body=ANSWER)
        dialog = self.successResultOf(context.whenAnswered())
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (OFFER, ANSWER))
        dialog.destroy()
        self.endsBye()
        self.assertEqual([m.calls.count("close") for m in media.made], [1, 1])
        self.assertNothingLeft()
