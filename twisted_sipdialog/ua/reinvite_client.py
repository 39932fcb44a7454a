"""
re-INVITE as its sender (RFC 3261 section 14.1).
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.dialog.offer_answer import Exchange
from twisted_sipdialog.dialog.reliable import TAG, rseqOf
from twisted_sipdialog.errors import InvalidState, RemoteError, SipError
from twisted_sipdialog.interfaces import ILateOffer
from twisted_sipdialog.media.modified import modified
from twisted_sipdialog.message import Response
from twisted_sipdialog.ua.acknowledgement import Acknowledgement
from twisted_sipdialog.ua.delegation import Outcome, cancel, fire
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.identity import hostOf
from twisted_sipdialog.ua.modification import Modification
from twisted_sipdialog.ua.outgoing import Lines, typeLine
from twisted_sipdialog.ua.prack import Acknowledging
from twisted_sipdialog.ua.session import (
    SDP,
    GivenDescription,
    checkModifiers,
    closeSession,
    declined,
    once,
    restore,
    sdpOf,
    successor,
)
from twisted_sipdialog.ua.wanted import Wanted


class Reinvite(Modification):
    """
    One change by re-INVITE: its provisionals, its 2xx, its ACK.
    """

    __slots__ = ("_acknowledgement", "_acknowledging", "_late", "_ringing")

    method = "INVITE"

    def __init__(self, dialog: Dialog, wanted: Wanted, lines: Lines) -> None:
        super().__init__(dialog, wanted, lines)
        self._acknowledgement: Acknowledgement | None = None
        self._acknowledging: Acknowledging | None = None
        self._late: LateOffer | None = None
        self._ringing: Any = None

    def _abilities(self) -> Lines:
        # Without an offer of ours theirs is to come in the 2xx, where the application waits for it.
        return self.core.abilities("" if self._wanted.offers else TAG)

    def _provisional(self, response: Response) -> None:
        if self._isOver:
            return
        timeout = self.core.configuration.ringTimeout
        if self._ringing is None and timeout is not None:
            self._ringing = self.core.timers.start(timeout, self._unanswered)
        rseq = rseqOf(response)
        if rseq is not None and TAG in self.core.extensions:
            if self._acknowledging is None:
                self._acknowledging = Acknowledging(self.dialog, self._session, self._misdescribed)
            self._acknowledging.take(response, rseq)

    def _unanswered(self, _: Any) -> None:
        self._giveUp()

    def _misdescribed(self, failure: Failure) -> None:
        """What a reliable provisional says does not answer our offer: the whole change is taken back."""
        fire(self.done, failure)
        self._giveUp()

    def _closeBefore(self) -> None:
        """There is no way back to what described the session before a reliable provisional."""
        acknowledging, self._acknowledging = self._acknowledging, None
        if acknowledging is not None:
            closeSession(acknowledging.before)

    def _rollBack(self) -> None:
        acknowledging, self._acknowledging = self._acknowledging, None
        if acknowledging is None or acknowledging.before is None:
            super()._rollBack()
        else:
            # RFC 6141 section 3: what a reliable provisional agreed falls with the re-INVITE.
            self._session = None
            restore(acknowledging.before, self.dialog)

    def _stopRinging(self) -> None:
        if self._ringing is not None:
            self._ringing.cancel()
            self._ringing = None

    def _success(self, response: Response) -> None:
        if self._acknowledgement is not None:
            self._acknowledgement.send()  # a repetition: the ACK was lost
            return
        if self._late is not None:
            return  # the ACK waits for the application's answer
        self._stopRinging()
        self._learn(response)
        if self._isOver:
            # Section 13.2.2.4: a 2xx is acknowledged, also when the BYE was faster.
            self.acknowledge(response, b"")
            self._over(None)
        elif not self._wanted.offers:
            self._offered(response)
        else:
            answer: Any = b""
            if self.dialog.dialogState.exchange is Exchange.LOCAL:
                answer = self._take(response)
            elif self._session is not None:
                # Answered in a reliable provisional (RFC 6337 section 2.1); what stands here says the same.
                answer = self._session.remote
                self._closeBefore()
            self.acknowledge(response, b"")
            self._over(answer)

    def _offered(self, response: Response) -> None:
        """Section 14.1: the 2xx has the offer, its answer goes into the ACK."""
        try:
            offer = sdpOf(response)
            if offer is None:
                raise RemoteError("the 2xx to our re-INVITE without an offer has none")
            if self.dialog.dialogState.exchange is not Exchange.STABLE:
                raise RemoteError("the 2xx has an offer, and an earlier one has no answer yet")
        except SipError:
            self.acknowledge(response, b"")
            self._over(Failure())
            return
        self.dialog.dialogState.exchanged("offer received")
        late = self._late = LateOffer(self, response, offer)
        if self.done.called:
            # It was cancelled too late (section 9.1), and nobody waits: as an offer of theirs, which it is now.
            late.answer().addErrback(lambda _: None)
        else:
            fire(self.done, late)

    @property
    def modifiers(self) -> tuple[Any, ...]:
        """Those of the answer to a late offer."""
        return self._wanted.modifiers

    def acknowledge(self, response: Response, body: bytes) -> None:
        """Send the ACK, which answers the offer of the 2xx if that has one (section 13.2.2.4)."""
        self.isInviting = False
        assert self.sending is not None
        number = response.cseqNumber
        lines: Lines = []
        if body:
            lines = [typeLine(self._session.contentType)]
        elif self._isOver and not self._wanted.offers:
            body = declined(response, self.dialog.local.sdp, hostOf(self.sending.flow))
            lines = [typeLine(SDP)] if body else []
        outgoing = self.dialog.outgoing("ACK", body, lines + self.sending.authorization, lambda: number)
        acknowledgement = self._acknowledgement = Acknowledgement(self.core.client, outgoing)
        acknowledgement.send()

    def answered(self, response: Response, session: Any, answer: bytes) -> None:
        """The late offer has its answer."""
        self._session = session
        self.dialog.dialogState.exchanged("answer sent")
        self.dialog.adopt(session)
        self.acknowledge(response, answer)
        self._over(None)

    def unanswerable(self, response: Response) -> None:
        """Nothing answers the late offer: without a session there is no call (RFC 6337 section 2.3)."""
        self._isOver = True
        self.acknowledge(response, b"")
        self.dialog.misdescribed()
        self._over(None)

    def _refused(self, response: Response) -> None:
        self._stopRinging()
        super()._refused(response)

    def transactionFailed(self, error: SipError) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        self._stopRinging()
        super().transactionFailed(error)

    def _giveUp(self) -> None:
        """Section 9.1: CANCEL; what was accepted all the same holds."""
        self._stopRinging()
        if self._isOver:
            self._closeBefore()
        if self._late is not None:
            self._late.end()
        elif self.sending is not None and self._acknowledgement is None:
            self.sending.cancel([])


@implementer(ILateOffer)
class LateOffer:
    """
    @see: L{ILateOffer<twisted_sipdialog.interfaces.ILateOffer>}
    """

    __slots__ = ("_answering", "_reinvite", "_response", "_timer", "offer")

    def __init__(self, reinvite: Reinvite, response: Response, offer: bytes) -> None:
        self.offer = offer
        self._reinvite: Reinvite | None = reinvite
        self._response = response
        self._answering: Deferred[Any] | None = None
        core = reinvite.core
        self._timer = core.timers.start(core.configuration.timers.transaction, self._overdue)

    def answer(self, sdp: bytes | None = None) -> Deferred[bytes]:
        reinvite = self._reinvite
        if reinvite is None or self._answering is not None:
            raise InvalidState("answer", "it was answered, or is over", "one answer, RFC 3264 section 4")
        modifiers = checkModifiers(reinvite.modifiers, sdp, SDP)  # may raise
        answering = self._answering = Deferred.fromCoroutine(self._answer(reinvite.dialog, sdp, modifiers))
        done: Deferred[bytes] = Outcome()
        answering.addCallbacks(self._answered, self._unanswered, (done,), errbackArgs=(done,))
        return done

    async def _answer(self, dialog: Dialog, sdp: bytes | None, modifiers: tuple[Any, ...]) -> tuple[Any, bytes]:
        """What describes the call from then on, and its answer."""
        if sdp is None:
            session = once(dialog, modifiers)
        else:
            given = (await modified(sdp, modifiers)).toBytes() if modifiers else sdp
            session = GivenDescription(successor(given, SDP, dialog))
        return session, await maybeDeferred(session.answer, self.offer)

    def _answered(self, answered: tuple[Any, bytes], done: Deferred[Any]) -> None:
        session, answer = answered
        reinvite = self._reinvite
        if reinvite is None:
            fire(done, Failure(CancelledError()))
            return
        self._close()
        reinvite.answered(self._response, session, answer)
        fire(done, answer)

    def _unanswered(self, failure: Failure, done: Deferred[Any]) -> None:
        reinvite = self._reinvite
        if reinvite is not None:
            self._close()
            reinvite.unanswerable(self._response)
        fire(done, failure)

    def _overdue(self, _: Any) -> None:
        reinvite = self._reinvite
        assert reinvite is not None
        self._close()
        cancel(self._answering)
        reinvite.unanswerable(self._response)

    def _close(self) -> None:
        self._reinvite = None
        self._timer.cancel()

    def end(self) -> None:
        """The call is over: nothing is to be answered any more, but the 2xx is acknowledged (section 13.2.2.4)."""
        reinvite = self._reinvite
        if reinvite is not None:
            self._close()
            cancel(self._answering)
            reinvite.acknowledge(self._response, b"")
