"""
Provisionals of a re-INVITE, from both ends, and what a refusal takes back (RFC 6141 section 3, RFC 6337 section 3).
"""

from zope.interface import implementer

from tests.ua.calling import ANSWER, OFFER
from tests.ua.changing import MOVED, MOVED_ANSWER, ChangeCase, Description, newer
from twisted_sipdialog.delegates import DialogDelegate
from twisted_sipdialog.errors import DialogTerminated, InvalidState, NoPrack, RemoteError, ResponseError
from twisted_sipdialog.interfaces import IToneSource

THEIRS = newer(ANSWER, (b"4002", b"4020"))
ABLE = {"Supported": "100rel"}


@implementer(IToneSource)
class Sounding(Description):
    """A description that tells tones to whom it is asked to."""

    __slots__ = ("told",)

    def __init__(self):
        super().__init__()
        self.told = []

    def tellTones(self, told):
        self.told.append(told)


class ReceivedTests(ChangeCase):
    """Those that our re-INVITE gets."""

    def reliably(self, request, body=MOVED_ANSWER, rseq=1):
        """One that is sent reliably, and its PRACK."""
        self.peer.respond(request, 183, headers={"Require": "100rel", "RSeq": str(rseq)}, body=body)
        prack = self.peer.expect("PRACK", 1)
        self.assertEqual(prack.headers.get("rack"), f"{rseq} {request.cseqNumber} INVITE")
        self.peer.respond(prack, 200)
        self.network.advance(0.1)
        return prack

    def test_accepted(self):
        """
        RFC 6337 section 2.1: the answer in a reliable provisional is the answer; the 2xx has none.
        """
        for body in (b"", MOVED_ANSWER):
            self.stand()
            changing, request = self.reinvite(MOVED)
            self.reliably(request)
            self.assertNoResult(changing)
            self.accept(request, body)
            self.assertEqual(self.successResultOf(changing), MOVED_ANSWER)
            self.assertEqual(self.session(), (MOVED, MOVED_ANSWER, False))
            self.works()
            self.hangUp()

    def test_refused(self):
        """
        RFC 6141 section 3: a refusal takes back what its provisionals agreed; the session is that before the re-INVITE.
        """
        for given in (MOVED, "sendonly"):
            for code in (488, 487, 491):
                self.standWithMedia()
                changing, request = self.reinvite(given)
                answer = MOVED_ANSWER if given is MOVED else newer(ANSWER) + b"a=recvonly\r\n"
                self.reliably(request, answer)
                self.assertEqual(self.dialog.remote.sdp, answer)
                self.refuse(request, code)
                self.asBefore()
                if code == 491:
                    again = self.peer.expect("INVITE", 5)
                    self.assertEqual(again.body, request.body)
                    # The new one has provisionals of its own.
                    self.reliably(again, answer, 5)
                    self.accept(again, b"")
                    self.assertEqual(self.successResultOf(changing), answer)
                    self.assertEqual(self.session()[:2], (request.body, answer))
                else:
                    self.failureResultOf(changing, ResponseError)
                    self.assertIs(self.dialog.session, self.media)
                    self.assertNotIn("close", self.media.calls)
                self.works()
                self.hangUp()
                self.assertEqual(self.media.calls.count("close"), 1)
                self.notes.ended.clear()

    def test_tonesAfterRefusal(self):
        """
        What describes the call again tells each tone once, as before.
        """
        self.media = Sounding()
        self.stand(body=None, media=self.media)
        _changing, request = self.reinvite(MOVED)
        self.reliably(request)
        self.refuse(request, 488)
        self.assertIs(self.dialog.session, self.media)
        self.assertEqual(len(self.media.told), 1)

    def test_ended(self):
        """
        The call ends between the two: each description is closed.
        """
        self.standWithMedia()
        changing, request = self.reinvite(MOVED)
        self.reliably(request)
        self.fromPeer("BYE")
        self.failureResultOf(changing, DialogTerminated)
        self.refuse(request, 487)
        self.assertEqual(self.media.calls, ["close"])
        self.assertNothingLeft()

    def test_unusable(self):
        """
        RFC 6337 section 2.1: one whose answer is of no use gets its PRACK; the re-INVITE is cancelled.
        """
        self.stand()
        changing, request = self.reinvite(MOVED)
        self.reliably(request, b"nonsense")
        self.failureResultOf(changing, RemoteError)
        self.peer.respond(self.peer.expect("CANCEL", 1), 200)
        self.refuse(request, 487)
        self.asBefore()
        self.works()

    def test_unreliable(self):
        """
        RFC 3261 section 13.2.1: what stands in an unreliable one is but a foretaste.
        """
        self.stand()
        changing, request = self.reinvite(MOVED)
        self.peer.respond(request, 183, body=newer(MOVED_ANSWER, (b"4012", b"4018")))
        self.network.advance(0.1)
        self.assertEqual(self.session(), self.before)
        self.accept(request)
        self.assertEqual(self.successResultOf(changing), MOVED_ANSWER)
        self.assertEqual(self.dialog.remote.sdp, MOVED_ANSWER)


class Later(DialogDelegate):
    def __init__(self):
        self.contexts = []
        self.cancelled = []

    def inviteReceived(self, context):
        self.contexts.append(context)
        context.answerLater()

    def inviteCancelled(self, context, request):
        self.cancelled.append(request.method)


class SentTests(ChangeCase):
    """Those that we send to theirs."""

    def open(self, body=THEIRS, media=False, **headers):
        self.delegate = Later()
        self.notes.ended.clear()
        if media:
            self.media = Description()
            self.stand(body=None, media=self.media, delegate=self.delegate)
        else:
            self.stand(delegate=self.delegate)
        self.request = self.fromPeer("INVITE", body, answered=False, **headers)
        self.network.advance(0.1)
        (self.context_,) = self.delegate.contexts
        return self.context_

    def prack(self, response, body=b""):
        rack = f"{response.headers.get('rseq')} {response.cseqNumber} INVITE"
        prack = self.peer.request("PRACK", within=self.first, headers={"RAck": rack}, body=body)
        self.network.advance(0.1)
        return prack

    def asBefore(self):
        self.assertEqual(self.session(), self.before)
        self.assertEqual(self.alice.dialogs, [self.dialog])

    def test_progress(self):
        """
        RFC 3261 section 14.2: it may ring; the answer counts, nothing before.
        """
        context = self.open()
        context.progress()
        context.progress(183, body=MOVED)
        self.assertEqual(self.peer.expect("183 INVITE", 1).body, MOVED)
        self.asBefore()
        context.reject(486)
        self.assertEqual(self.finalTo(self.request).statusCode, 486)
        self.asBefore()
        self.works()

    def test_reliable(self):
        """
        RFC 6337 section 2.1: reliably sent it is the answer; the 2xx has none.
        """
        context = self.open(**ABLE)
        pracked = context.progress(183, body=MOVED, reliable=True)
        response = self.peer.expect("183 INVITE", 1)
        self.assertEqual(response.body, MOVED)
        self.assertRaises(InvalidState, context.progress, 183, body=OFFER, reliable=True)
        self.prack(response)
        self.assertEqual(self.successResultOf(pracked).method, "PRACK")
        self.assertEqual(self.session(), (MOVED, THEIRS, False))
        context.accept()
        ok = self.finalTo(self.request)
        self.assertEqual((ok.statusCode, ok.body), (200, b""))
        self.peer.ack(ok)
        self.network.advance(0.1)
        self.works()

    def test_refusedAfterReliable(self):
        """
        RFC 6141 section 3: a refusal takes back what was agreed before it; the next offer finds nothing open.
        """
        for how in ("body", "media"):
            for prack in (True, False):
                other = Description(MOVED)
                context = self.open(media=True, **ABLE)
                context.progress(183, reliable=True, **{how: MOVED if how == "body" else other})
                response = self.peer.expect("183 INVITE", 1)
                if prack:
                    self.prack(response)
                self.assertEqual(self.session(), (MOVED, THEIRS, False))
                context.reject(488)
                self.assertEqual(self.finalTo(self.request).statusCode, 488)
                self.asBefore()
                self.assertIs(self.dialog.session, self.media)
                self.assertNotIn("close", self.media.calls)
                if how == "media":
                    self.assertEqual(other.calls, ["answer", "close"])
                self.works()
                self.hangUp()
                self.assertEqual(self.media.calls.count("close"), 1)

    def test_refusedAfterForetaste(self):
        """
        What gave a foretaste only is closed when the re-INVITE is refused; that of the call is not.
        """
        other = Description(MOVED)
        context = self.open(media=True)
        context.progress(183, media=lambda host: other)
        self.assertEqual(self.peer.expect("183 INVITE", 1).body, MOVED)
        self.asBefore()
        context.reject(488)
        self.finalTo(self.request)
        self.assertEqual(other.calls, ["answer", "close"])
        self.asBefore()
        self.works()

    def test_foretasteAccepted(self):
        """
        Accepted, it describes the call from then on, by what it said in the foretaste; the one before is closed.
        """
        other = Description(MOVED)
        context = self.open(media=True)
        context.progress(183, media=lambda host: other)
        context.accept()
        ok = self.finalTo(self.request)
        self.assertEqual(ok.body, MOVED)
        self.peer.ack(ok)
        self.network.advance(0.1)
        self.assertIs(self.dialog.session, other)
        self.assertEqual((self.media.calls[-1], other.calls), ("close", ["answer"]))
        self.hangUp()
        self.assertEqual(other.calls, ["answer", "close"])

    def test_reliableOffer(self):
        """
        RFC 3262 section 5: without an offer of theirs ours may be in the provisional, and its answer in the PRACK.
        """
        context = self.open(b"", **ABLE)
        context.progress(183, body=MOVED, reliable=True)
        response = self.peer.expect("183 INVITE", 1)
        self.assertEqual(response.body, MOVED)
        self.prack(response, MOVED_ANSWER)
        self.assertEqual(self.session(), (MOVED, MOVED_ANSWER, False))
        context.accept()
        ok = self.finalTo(self.request)
        self.assertEqual(ok.body, b"")
        self.peer.ack(ok)
        self.network.advance(0.1)
        self.assertEqual(self.session(), (MOVED, MOVED_ANSWER, False))
        self.works()

    def test_reliableOfferRefused(self):
        """
        RFC 6141 section 3: refused, or never acknowledged, the offer comes to nothing, and the next one may come.
        """
        for how in ("reject", "answered", "unpracked"):
            context = self.open(b"", media=True, **ABLE)
            pracked = context.progress(183, body=MOVED, reliable=True)
            pracked.addErrback(lambda failure: failure.trap(NoPrack, DialogTerminated) and None)
            response = self.peer.expect("183 INVITE", 1)
            if how == "answered":
                self.prack(response, MOVED_ANSWER)
            if how == "unpracked":
                self.network.advance(33)
                self.assertEqual(self.finalTo(self.request).statusCode, 504)
            else:
                context.reject(488)
                self.assertEqual(self.finalTo(self.request).statusCode, 488)
            self.asBefore()
            self.assertEqual(self.fromPeer("UPDATE", newer(THEIRS)).statusCode, 200)
            self.works()
            self.hangUp()
            self.assertEqual(self.media.calls.count("close"), 1)

    def test_endedAfterReliable(self):
        """
        The call ends between the two: both descriptions are closed, once each.
        """
        for mine in (True, False):
            other = Description(MOVED)
            context = self.open(media=True, **ABLE)
            context.progress(183, media=lambda host: other, reliable=True)  # noqa: B023
            self.prack(self.peer.expect("183 INVITE", 1))
            if mine:
                self.dialog.destroy()
                self.endsBye()
            else:
                self.fromPeer("BYE")
            self.assertEqual(self.finalTo(self.request).statusCode, 487)
            self.assertEqual((self.media.calls.count("close"), other.calls.count("close")), (1, 1))
            self.assertNothingLeft()

    def test_updateInBetween(self):
        """
        RFC 3311 section 5.2: agreed by the provisional, the session may be changed by UPDATE; that holds.
        """
        context = self.open(**ABLE)
        context.progress(183, body=MOVED, reliable=True)
        self.prack(self.peer.expect("183 INVITE", 1))
        update = newer(THEIRS, (b"4020", b"4030"))
        self.assertEqual(self.fromPeer("UPDATE", update).statusCode, 200)
        context.accept()
        ok = self.finalTo(self.request)
        self.peer.ack(ok)
        self.network.advance(0.1)
        self.assertEqual(self.dialog.remote.sdp, update)
        self.works()

    def test_cancelled(self):
        """
        RFC 3261 section 9.2: the peer gives up: 487, told, and all as it was.
        """
        for reliable in (True, False):
            context = self.open(**ABLE)
            context.progress(183, body=MOVED, reliable=reliable)
            if reliable:
                self.prack(self.peer.expect("183 INVITE", 1))
            self.peer.cancel(self.request)
            self.assertEqual(self.finalTo(self.request).statusCode, 487)
            self.assertEqual(self.delegate.cancelled, ["CANCEL"])
            self.assertEqual(context.cancelled.method, "CANCEL")
            self.asBefore()
            self.works()
            self.hangUp()
