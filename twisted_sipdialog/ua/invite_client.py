"""
INVITE as its sender (RFC 3261 section 13.2.2): what comes back.  What becomes of each fork is in fork.py.
"""

from __future__ import annotations

from typing import Any

from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog._seams import IClientTransactionUser
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import DialogState, Phase
from twisted_sipdialog.dialog.state_change import eventOf
from twisted_sipdialog.errors import (
    DialogTerminated,
    ParseError,
    RemoteError,
    ResponseError,
    SipError,
    Timeout,
    TransportError,
)
from twisted_sipdialog.interfaces import IInviteClientContext
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.status import Cause
from twisted_sipdialog.ua import call_log
from twisted_sipdialog.ua.acknowledgement import Acknowledgement
from twisted_sipdialog.ua.calling import Calling
from twisted_sipdialog.ua.client_context import causeOf
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.fork import Fork
from twisted_sipdialog.ua.outgoing import Outgoing


@implementer(IInviteClientContext, IClientTransactionUser)
class InviteClientContext(Calling):
    """
    @see: L{IInviteClientContext<twisted_sipdialog.interfaces.IInviteClientContext>}
    """

    def __init__(
        self, core: Core, outgoing: Outgoing, session: Any, factory: Any, lateOffer: bool, delegate: Any
    ) -> None:
        super().__init__(core, outgoing, session, factory, lateOffer, delegate)
        self._strays: dict[str, Acknowledgement] = {}  # to a 2xx that made no dialog
        self._proceeds = False  # told as a state of RFC 4235
        self._isTold = False  # whether it was accepted, or failed

    def responseReceived(self, response: Response) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        self.response = response
        code = response.statusCode
        if code < 200:
            self._provisional(response)
        elif code < 300:
            self._success(response)
        else:
            self._refusal(response)

    def _isAdmitted(self, response: Response) -> bool:
        """C{response} is of a fork we know, or one of not too many."""
        forks = len(self._forks) + len(self._strays)
        return response.toTag in self._forks or forks < self.core.configuration.loadLimits.forks

    def _forkOf(self, response: Response) -> Fork | None:
        """The fork of C{response}'s To tag (section 12.1.2), made if it is new; None when it makes no dialog."""
        tag = response.toTag
        fork = self._forks.get(tag)
        if fork is not None:
            return fork
        request = self.request
        assert request is not None
        try:
            state = DialogState.asClient(request, response)
        except ParseError:
            return None
        contact = request.headers.get("contact") or ""
        dialog = Dialog(self.core, state, request, contact, self._started, self.flow.remote[0])
        dialog.res = response
        dialog.delegate = self.delegate
        dialog.data = self.data
        dialog.digest = self._outgoing.digest
        dialog.invitation = self
        if not self.lateOffer:
            state.exchanged("offer sent")
        self.core.register(dialog, self.flow)
        fork = self._forks[tag] = Fork(self, dialog)
        return fork

    def _provisional(self, response: Response) -> None:
        timeout = self.core.configuration.ringTimeout
        if self._ringing is None and timeout is not None:
            # The transaction waits for ever from here on (section 17.1.1.2): how long is for its user to say.
            self._ringing = self.core.timers.start(timeout, self._unanswered)
        if response.statusCode > 100 and response.toTag and not self._cancelled and self._isAdmitted(response):
            isNew = response.toTag not in self._forks
            fork = self._forkOf(response)
            if fork is not None:
                self.dialog = fork.dialog
                isNext = fork.provisional(response)
                if isNew and fork.dialog.ended is None:
                    self._isEarly(fork.dialog, response)
                if not isNext:
                    return
        elif self.core.watch is not None and response.statusCode > 100 and not self._forks and not self._proceeds:
            self._proceeds = True
            self.core.watch.calling(self._outgoing, "proceeding", response.statusCode)
        self.core.tellAll(self.delegate, "progressReceived", self, response)
        if self.follower is not None and response.statusCode > 100 and not self._cancelled:
            self.follower.progressReceived(response)

    def _isEarly(self, dialog: Dialog, response: Response) -> None:
        if self.core.watch is not None:
            self.core.watch.moved(dialog, "early", response)
        self.core.tellAll(self.delegate, "dialogEarly", dialog)

    def _unanswered(self, _: Any) -> None:
        """The peer promised an answer and gave none: CANCEL (section 9.1)."""
        if not self._cancelled and not self._closed:
            self._answered.fire(Failure(Timeout(f"no answer from {self._outgoing.uri} in time")))
            self._cancel([], Cause.NO_ANSWER)

    def _success(self, response: Response) -> None:
        known = self._forks.get(response.toTag)
        repeated = known.acknowledgement if known is not None else self._strays.get(response.toTag)
        if repeated is not None:
            repeated.send()  # the ACK was lost
            return
        if known is not None and known.preparing is not None:
            return  # a repetition: the ACK waits for our answer
        if self._closed and not self._isAdmitted(response):
            return  # an ACK and a BYE for each of them would be ours to send, to whom it names
        fork = self._forkOf(response)
        if fork is None:
            self._refuseUnusable(response)
            return
        dialog = fork.dialog
        over = dialog.state is Phase.TERMINATED
        isFurther = self._closed
        if not isFurther and not over:
            self._close()
            self.dialog = dialog
            fork.claim()
        try:
            fork.confirm(response)
        except ParseError:
            fork.unusable(Failure(), response)
        else:
            wanted = not isFurther or self.core.configuration.forkedAnswers == "all"
            if wanted and not self._cancelled and not over:
                fork.accepted(response)
            else:
                # A dialog that is over already got its own end; the ACK has to be sent all the same.
                fork.unwanted(response, Reason.OTHER_FORK if isFurther else self._reason)
        if not isFurther:
            if over or self._cancelled:
                self._fail(DialogTerminated("ended before it was answered", dialog.ended), response)
            self._finished.fire(response)

    def answeredHere(self, fork: Fork) -> None:
        """The call was answered, and acknowledged, in C{fork}: others that still ring are not waited for."""
        if self.core.configuration.forkedAnswers == "first" or self._cancelled:
            self._noMore(None)
        elif self._ringing is None or not self._ringing.active:
            # Section 13.2.2.4: 64*T1 after the first 2xx no other is to be expected.
            timeout = self.core.configuration.timers.transaction
            self._ringing = self.core.timers.start(timeout, self._noMore)
        if self._cancelled:
            fork.dialog.hangUp(self._reason)

    def _noMore(self, _: Any) -> None:
        """No other fork is to make a call."""
        self._endEarly(Reason.OTHER_FORK, False, None)
        self._giveBack()

    def accepted(self, response: Response) -> None:
        """A fork's 2xx was taken, and acknowledged."""
        if not self._isTold:
            self._isTold = True
            self.core.tellAll(self.delegate, "requestAccepted", self, response)

    def over(self, outcome: Any) -> None:
        """What the 2xx of one fork came to: its dialog, or a failure; the first is the outcome of the call."""
        if isinstance(outcome, Failure):
            isGone = outcome.check(DialogTerminated) is not None
            self._failed(Cause.DIALOG_ERROR if isGone else Cause.BAD_MEDIA_DESCRIPTION)
        self._answered.fire(outcome)

    def _failed(self, cause: Cause) -> None:
        """The call has no final response that it could tell of."""
        if not self._isTold:
            self._isTold = True
            why = self._cause if self._cancelled else cause
            self.core.tellAll(self.delegate, "requestFailed", self, None, why)

    def forkFailed(self, fork: Fork, failure: Failure) -> None:
        """
        A reliable provisional of C{fork} was of no use: BYE ends it there, where others ring; else CANCEL ends the
        whole INVITE.
        """
        others = [other for other in self._forks.values() if other is not fork and other.dialog.ended is None]
        if others:
            fork.dialog.hangUp(Reason.MEDIA_LOST)
        else:
            self._answered.fire(failure)
            self._cancel([], Cause.BAD_MEDIA_DESCRIPTION)

    def _refuseUnusable(self, response: Response) -> None:
        """A 2xx that makes no dialog, nor anywhere to send a BYE: it is acknowledged, so that it stops."""
        sending = self._sending
        assert sending is not None and sending.request is not None
        own = [("From", sending.request.headers.get("from") or ""), ("To", response.headers.get("to") or "")]
        own += [("Call-ID", sending.request.callId), *sending.authorization]
        number = response.cseqNumber
        outgoing = Outgoing("ACK", self._outgoing.uri, own, lambda: number, routes=self._outgoing.routes)
        acknowledgement = self._strays[response.toTag] = Acknowledgement(self.core.client, outgoing)
        acknowledgement.send()
        if not self._closed:
            self._fail(RemoteError("the 2xx has no usable Contact"), response)

    def _refusal(self, response: Response) -> None:
        if not self._cancelled and (self._follow(response) or self._raise(response)):
            return
        self._close()
        reason = self._reason if self._cancelled else Reason.REJECTED
        self._endAll(reason, not self._cancelled, response)
        self._isTold = True
        cause = self._cause if self._cancelled else Cause.of(response.statusCode)
        self.core.tellRejected(self.delegate, self, response, cause)
        self._answered.fire(Failure(ResponseError(response)))
        self._finished.fire(response)

    def transactionFailed(self, error: SipError) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        if not self._closed:
            self._fail(error)

    def _fail(self, error: BaseException | None, final: Response | None = None) -> None:
        self._close()
        if self._cancelled:
            reason = self._reason
        else:
            kinds = (Timeout, Reason.NO_ANSWER), (TransportError, Reason.FLOW_LOST)
            reason = next((reason for kind, reason in kinds if isinstance(error, kind)), Reason.DIALOG_ERROR)
        self._endAll(reason, False, None)
        self._failed(causeOf(error))
        self._answered.fire(Failure(error))
        self._finished.fire(Failure(error) if final is None else final)

    def _endAll(self, reason: Reason, byPeer: bool, response: Response | None) -> None:
        if not self._forks:
            code, phrase = (response.statusCode, response.reasonPhrase) if response else (0, reason.text)
            call_log.refused(self._outgoing.callId, "uac", self._outgoing.uri, code, phrase)
            if self.core.watch is not None:
                self.core.watch.calling(self._outgoing, "terminated", code or None, eventOf(reason, byPeer))
        self._endEarly(reason, byPeer, response)
        self._giveBack()

    def abandoned(self, request: Request) -> None:
        """The callee ended an early dialog of ours by BYE: the INVITE still gets its final answer."""

    def dialogEnded(self, error: SipError) -> None:
        """One of the dialogs is over: what is being answered in it is no use any more; an ACK goes out without."""
        for fork in self._forks.values():
            if fork.dialog.state is Phase.TERMINATED:
                if fork.preparing is not None:
                    self._answered.fire(Failure(error))
                fork.end()
                self.recall(fork.dialog.session)
        isOurs = isinstance(error, DialogTerminated) and error.ended is None
        if isOurs and not self._closed and all(d.state is Phase.TERMINATED for d in self.dialogs):
            # RFC 5057 section 5.1: the one dialog is lost, and a BYE in it may find nobody.
            self._answered.fire(Failure(error))
            self._cancel([], Cause.DIALOG_ERROR)
