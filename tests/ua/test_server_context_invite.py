"""
How an INVITE of a peer fares, told (interfaces.IRequestDelegate; RFC 3261 section 13.3, RFC 3262 section 3).
"""

from twisted.internet.defer import Deferred

from tests.ua.callee import ANSWER, OFFER
from tests.ua.faring import Fares, refused
from tests.ua.ringing import SUPPORTED
from tests.ua.test_server_context_told import ACCEPTED, Answering, ToldCase
from twisted_sipdialog.errors import DialogTerminated, NoAck, NoPrack
from twisted_sipdialog.status import Cause


class Caller(Answering):
    """Notes what else is told of a call."""

    def _event(self, what):
        self.told.append((what, None, None))

    def inviteCancelled(self, context, request):
        self._event("cancelled")

    def dialogEarly(self, dialog):
        self._event("early")

    def dialogConfirmed(self, dialog):
        self._event("confirmed")

    def dialogTerminated(self, dialog, ended):
        self._event("terminated")

    @property
    def fared(self):
        """How the request fared, only."""
        return [told for told in self.told if told[0] not in ("cancelled", "early", "confirmed", "terminated")]


class InviteCase(ToldCase):
    def rings(self, delegate=Caller, headers=None, **settings):
        return self.asked("INVITE", delegate=delegate, headers=headers, **settings)

    def ends(self, *told):
        """The INVITE was refused, and C{told} is what came after it rang."""
        self.finalTo(self.asking)
        self.assertEqual(self.fares.fared, [*told])
        self.network.advance(70)
        self.assertEqual((self.fares.fared, self.desk.leftovers()), ([*told], []))


class ProgressTests(InviteCase):
    def test_progress(self):
        """Each provisional, once, after it was sent; a 100 of ours too."""
        context, fares = self.rings()
        for code in (100, 180, 183):
            context.progress(code)
        self.assertEqual(fares.fared, [("progress sent", code, None) for code in (100, 180, 183)])
        self.network.advance(0.01)
        self.assertEqual(fares.states, [100, 180, 183])
        context.reject()
        self.finalTo(self.asking)

    def test_reminder(self):
        """Section 13.3.1.1: what is repeated each minute is not told again."""
        context, fares = self.rings(noAnswerTimeout=200.0)
        context.progress()
        self.network.advance(130)
        self.assertEqual((self.sent("180 INVITE"), len(fares.fared)), (3, 1))
        context.reject()
        self.finalTo(self.asking)

    def test_early(self):
        """The dialog that it makes is there, and is told after it."""
        seen = []

        class Looking(Caller):
            def progressSent(self, context, response):
                super().progressSent(context, response)
                seen.append((context.dialog.res, context.dialog.state.value))

        context, fares = self.rings(Looking)
        context.progress()
        self.assertEqual([what for what, *_ in fares.told], ["progress sent", "early"])
        self.assertEqual(seen, [(context.response, "early")])
        context.reject()
        self.finalTo(self.asking)

    def test_reliable(self):
        """RFC 3262: one that is repeated until its PRACK is told once; one that waits for its turn when it is sent."""
        context, fares = self.rings(headers=SUPPORTED)
        context.progress(183, reliable=True)
        context.progress(180, reliable=True)
        self.network.advance(2)
        self.assertEqual((self.sent("183 INVITE"), fares.fared), (3, [("progress sent", 183, None)]))
        context.progress(182, reliable=False)
        self.network.advance(3)
        self.assertEqual(fares.fared[1:], [("progress sent", 182, None)])
        first = next(m for m in self.peer.received if getattr(m, "statusCode", 0) == 183)
        self.peer.request("PRACK", within=first, headers={"RAck": f"{first.headers.get('rseq')} 1 INVITE"})
        self.network.advance(0.01)
        self.assertEqual(fares.fared[2:], [("progress sent", 180, None)])
        context.reject()
        self.finalTo(self.asking)

    def test_rejectedThen(self):
        """Whoever refuses when it is told: the early dialog is over, and is not told as one."""

        class Fickle(Caller):
            def progressSent(self, context, response):
                super().progressSent(context, response)
                context.reject(486)

        for reliable in (False, True):
            context, fares = self.rings(Fickle, SUPPORTED)
            context.progress(reliable=reliable).addErrback(lambda failure: failure.trap(DialogTerminated))
            self.assertEqual(
                [what for what, *_ in fares.told], ["progress sent", "terminated", "rejected", "failed"], str(reliable)
            )
            self.ends(("progress sent", 180, None), *refused(486, Cause.BUSY))

    def test_furtherThen(self):
        """Whoever sends another one: the early dialog is told once."""

        class Eager(Caller):
            def progressSent(self, context, response):
                super().progressSent(context, response)
                if response.statusCode == 180:
                    context.progress(183)

        context, fares = self.rings(Eager)
        context.progress()
        self.assertEqual([what for what, *_ in fares.told], ["progress sent", "progress sent", "early"])
        context.reject()
        self.finalTo(self.asking)


class RefusalTests(InviteCase):
    def test_rejected(self):
        """The refusal is told after the end of the dialog that it ends."""
        context, fares = self.rings()
        context.progress()
        context.reject(603)
        self.assertEqual([what for what, *_ in fares.told[2:]], ["terminated", "rejected", "failed"])
        self.ends(("progress sent", 180, None), *refused(603, Cause.REJECTED))

    def test_cancelled(self):
        """Section 9.2: the caller's CANCEL, or its BYE in the early dialog, is answered with 487."""
        for method in ("CANCEL", "BYE"):
            context, fares = self.rings()
            finished = context.whenFinished()
            context.progress()
            self.network.advance(0.01)
            if method == "CANCEL":
                self.peer.cancel(self.asking)
            else:
                self.peer.request("BYE", within=self.peer.received[-1])
            self.network.advance(0.01)
            self.assertEqual(fares.told.count(("cancelled", None, None)), 1)
            self.assertEqual(self.successResultOf(finished).statusCode, 487)
            self.ends(("progress sent", 180, None), *refused(487, Cause.CANCELED))

    def test_noAnswer(self):
        """Section 13.3.1.1: nobody answers in time."""
        self.rings(noAnswerTimeout=5.0)
        self.network.advance(5.1)
        self.ends(*refused(408, Cause.NO_ANSWER))

    def test_expires(self):
        """Section 13.3.1: nor before the INVITE expires."""
        self.rings(headers={"Expires": "3"})
        self.network.advance(3.1)
        self.ends(*refused(487, Cause.EXPIRES))

    def test_noPrack(self):
        """RFC 3262 section 3: no PRACK."""
        context, _fares = self.rings(headers=SUPPORTED)
        done = context.progress(reliable=True)
        self.network.advance(33)
        self.failureResultOf(done, NoPrack)
        self.ends(("progress sent", 180, None), *refused(504, Cause.NO_PRACK))

    def test_stop(self):
        """The service stops."""
        _context, fares = self.rings()
        self.desk.stopService()
        self.finalTo(self.asking)
        self.assertEqual(fares.fared, refused(480, Cause.UNAVAILABLE))

    def test_destroyed(self):
        """We end the early dialog ourselves: a refusal (section 15)."""
        context, _fares = self.rings()
        context.progress()
        context.dialog.destroy()
        self.ends(("progress sent", 180, None), *refused(480, Cause.UNAVAILABLE))


class AcceptedTests(InviteCase):
    def test_accepted(self):
        """The 2xx is told when it was sent, before the ACK: to the dialog's own delegate, then the user agent's."""
        own = Caller()
        context, fares = self.rings()
        context.accept(body=ANSWER, delegate=own)
        self.assertEqual((own.told, fares.told), (ACCEPTED, ACCEPTED))
        self.peer.ack(self.finalTo(self.asking))
        self.network.advance(0.01)
        for told in (own.told, fares.told):
            self.assertEqual(told[1:], [("confirmed", None, None)])

    def test_late(self):
        """So is one whose description takes its time."""

        class Slow:
            contentType = "application/sdp"
            made = Deferred()

            def answer(self, offer):
                return self.made

            def close(self):
                pass

        context, fares = self.rings()
        context.accept(media=lambda _: Slow()).addErrback(lambda _: None)
        self.assertEqual(fares.told, [])
        Slow.made.callback(ANSWER)
        self.assertEqual(fares.told, ACCEPTED)
        self.peer.ack(self.finalTo(self.asking))
        self.network.advance(0.01)

    def test_noAck(self):
        """Section 13.3.1.4: no ACK, so the call that was accepted failed after all; once."""
        context, fares = self.rings()
        accepted = context.accept(body=ANSWER)
        self.network.advance(33)
        self.failureResultOf(accepted, NoAck)
        self.assertEqual(fares.fared, [*ACCEPTED, ("failed", None, Cause.NO_ACK)])
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(1)
        self.assertEqual(len(fares.fared), 2)

    def test_badAck(self):
        """Section 13.2.1: our 2xx had the offer, and the ACK has no answer to it."""
        self.fares = Caller()
        self.desk = self.agent(self.fares)
        invite = self.peer.request("INVITE", self.desk)
        self.network.advance(0.01)
        accepted = self.fares.context.accept(body=OFFER)
        self.peer.ack(self.finalTo(invite))
        self.network.advance(0.01)
        self.failureResultOf(accepted)
        self.assertEqual(self.fares.fared, [*ACCEPTED, ("failed", None, Cause.BAD_MEDIA_DESCRIPTION)])
        self.peer.respond(self.peer.expect("BYE"), 200)

    def test_hungUp(self):
        """Whoever hangs up when it is told: the BYE waits for the ACK (section 15)."""

        class Fickle(Caller):
            def requestAccepted(self, context, response):
                super().requestAccepted(context, response)
                context.dialog.destroy()

        context, _fares = self.rings(Fickle)
        accepted = context.accept(body=ANSWER)
        self.network.advance(0.1)
        self.assertEqual(self.sent("BYE"), 0)
        self.peer.ack(self.finalTo(self.asking))
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(0.1)
        self.successResultOf(accepted)


class ReinviteTests(ToldCase):
    def test_told(self):
        """A re-INVITE is told as any request, to both delegates, answered by default or by one of them."""
        own = Fares()
        ok = self.standing(own)
        again = OFFER.replace(b"- 1 1", b"- 1 2")
        self.peer.ack(self.final("INVITE", None, within=ok, body=again))
        self.network.advance(0.01)
        self.assertEqual((own.told, self.fares.told), (ACCEPTED, ACCEPTED))

    def test_cancelled(self):
        """Section 9.2: and that it was cancelled."""
        own = Answering()
        ok = self.standing(own)
        invite = self.peer.request("INVITE", within=ok, body=OFFER)
        self.network.advance(0.01)
        self.peer.cancel(invite)
        self.finalTo(invite)
        self.assertEqual((own.told, self.fares.told), (refused(487, Cause.CANCELED),) * 2)

    def test_ended(self):
        """Section 15.1.2: we hang up before it is answered: the dialog is the reason."""
        own = Answering()
        ok = self.standing(own)
        invite = self.peer.request("INVITE", within=ok, body=OFFER)
        self.network.advance(0.01)
        own.context.dialog.destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.finalTo(invite)
        self.assertEqual(own.told, refused(487, Cause.DIALOG_ERROR))
