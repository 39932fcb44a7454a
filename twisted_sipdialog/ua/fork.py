"""
One of the dialogs that our INVITE made (RFC 3261 sections 12.1.2 and 13.2.2.4): its PRACKs, its answer, its ACK.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.offer_answer import Exchange
from twisted_sipdialog.dialog.reliable import TAG, rseqOf
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import DialogTerminated, ParseError, RemoteError
from twisted_sipdialog.message import Response
from twisted_sipdialog.ua.acknowledgement import Acknowledgement
from twisted_sipdialog.ua.delegation import cancel
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.identity import hostOf
from twisted_sipdialog.ua.outgoing import Lines, typeLine
from twisted_sipdialog.ua.prack import Acknowledging
from twisted_sipdialog.ua.session import SDP, declined, sdpOf

_log = Logger()


class Fork:
    """
    @ivar dialog: its dialog, early until its 2xx.
    @ivar acknowledgement: the ACK to its 2xx, or None.
    @ivar preparing: the Deferred of our answer to an offer in its 2xx, while it is being made; else None.
    """

    __slots__ = ("_acknowledging", "_context", "_isPreviewed", "acknowledgement", "dialog", "preparing")

    def __init__(self, context: Any, dialog: Dialog) -> None:
        """
        @param context: the L{InviteClientContext<twisted_sipdialog.ua.invite_client.InviteClientContext>}.
        """
        self._context = context
        self.dialog = dialog
        self.acknowledgement: Acknowledgement | None = None
        self.preparing: Deferred[Any] | None = None
        self._acknowledging: Acknowledging | None = None
        self._isPreviewed = False

    def claim(self) -> Any:
        """What describes the session of this dialog; taken from the call when it is needed for the first time."""
        dialog = self.dialog
        if dialog.session is None:
            dialog.adopt(self._context.takeSession())
        return dialog.session

    # While it rings.

    def provisional(self, response: Response) -> bool:
        """Take a provisional of this dialog; False when it is none to look at (RFC 3262 section 4)."""
        if self.dialog.state is not Phase.EARLY:
            return True
        rseq = rseqOf(response)
        if rseq is None or TAG not in self._context.core.extensions:
            self._preview(response)
            return True
        if self._acknowledging is None:
            self._acknowledging = Acknowledging(self.dialog, self.claim(), self._misdescribed)
        return self._acknowledging.take(response, rseq)

    def _preview(self, response: Response) -> None:
        """
        An unreliable provisional may show what the 2xx will answer (section 13.2.1): media may begin by it.
        """
        if not response.body or self.dialog.dialogState.exchange is not Exchange.LOCAL:
            return
        try:
            sdp = sdpOf(response)
            if sdp is not None:
                self.claim().update(sdp)
                self._isPreviewed = True
        except Exception:
            # The answer is what the 2xx says.
            _log.debug("a foretaste of the answer is of no use in {call}", call=response.callId)

    def _misdescribed(self, failure: Failure) -> None:
        """The answer in a reliable provisional is of no use: this dialog comes to nothing (RFC 6337 section 2.1)."""
        self._context.forkFailed(self, failure)

    # Its 2xx.

    @property
    def _isExchanged(self) -> bool:
        """Offer and answer went by reliable provisionals and their PRACK (RFC 6337 section 2.1)."""
        return self._acknowledging is not None and self._acknowledging.isExchanged

    def accepted(self, response: Response) -> None:
        """The call was answered here: take the answer, or answer the offer, then ACK (section 13.2.2.4)."""
        dialog = self.dialog
        state = dialog.dialogState
        answer = b""
        try:
            sdp = sdpOf(response)
            if self._isExchanged:
                pass  # RFC 6337 section 2.1: what is open now, if anything, went by an UPDATE
            elif state.exchange is Exchange.LOCAL:
                if sdp is not None:
                    self.claim().update(sdp)
                elif not self._isPreviewed:
                    raise RemoteError("the 2xx has no answer to our offer")
                state.exchanged("answer received")
            elif state.exchange is Exchange.NONE:
                if sdp is None:
                    raise RemoteError("the 2xx has no offer")
                state.exchanged("offer received")
                made = self.claim().answer(sdp)
                if not isinstance(made, bytes):
                    self.preparing = made
                    made.addCallback(self._stand, response).addErrback(self.unusable, response)
                    return
                answer = made
        except Exception:
            self.unusable(Failure(), response)
            return
        self._stand(answer, response)

    def _stand(self, answer: bytes, response: Response) -> None:
        self.preparing = None
        dialog, context = self.dialog, self._context
        if answer and dialog.dialogState.exchange is Exchange.REMOTE:
            dialog.dialogState.exchanged("answer sent")
        self.acknowledge(response, answer)
        context.answeredHere(self)
        if dialog.state is Phase.TERMINATED:
            # While our answer was being made.
            context.over(Failure(DialogTerminated("ended before the ACK", dialog.ended)))
            return
        dialog.keep(context.core.terms.learn(response, None, context.minimum))
        if context.core.watch is not None:
            context.core.watch.moved(dialog, "confirmed", response)
        dialog.invitation = None
        context.accepted(response)
        if not dialog.isOver:  # a delegate that was told may have hung up
            dialog.confirmed()
        context.over(dialog)
        dialog.goOn()

    def unusable(self, failure: Failure, response: Response) -> None:
        """The session descriptions do not fit: the call is acknowledged and ended (section 13.2.2.4)."""
        self.preparing = None
        if self.acknowledgement is None:
            self.acknowledge(response, b"")
        self._context.answeredHere(self)
        self.dialog.misdescribed()
        self._context.over(failure)

    def confirm(self, response: Response) -> None:
        """
        The 2xx fixes what its provisionals proposed.

        @raise ParseError: it names no place to send anything to; that of a provisional is kept for the BYE.
        """
        dialog = self.dialog
        try:
            dialog.dialogState.confirm(response)
        except ParseError:
            dialog.dialogState.phase = Phase.STABLE
            raise
        dialog.res = response
        dialog.core.onlyFlows.met(dialog, self._context.flow)

    def unwanted(self, response: Response, reason: Reason) -> None:
        """Section 13.2.2.4: every 2xx makes a dialog; one that nobody wants is acknowledged and ended."""
        self.acknowledge(response, b"")
        self.dialog.hangUp(reason)

    def acknowledge(self, response: Response, body: bytes) -> None:
        """The ACK to a 2xx is ours to send, and to repeat (section 13.2.2.4)."""
        number = response.cseqNumber
        lines: Lines = []
        if body:
            lines = [typeLine(self.claim().contentType)]
        elif self._context.lateOffer and not self._isExchanged:
            # Whatever it was that was not taken.
            body = declined(response, None, hostOf(self._context.flow))
            lines = [typeLine(SDP)] if body else []
        outgoing = self.dialog.outgoing("ACK", body, lines + self._context.authorization, lambda: number)
        self.acknowledgement = Acknowledgement(self._context.core.client, outgoing)
        self.acknowledgement.send()

    def end(self) -> None:
        """The dialog is over: nobody waits for our answers any more."""
        if self._acknowledging is not None:
            self._acknowledging.end()
        cancel(self.preparing)
