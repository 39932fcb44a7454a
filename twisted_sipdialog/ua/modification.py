"""
A change of the session that we ask for, over as many attempts as it takes (RFC 3261 section 14.1, RFC 3311 5.1).

What carries it, a re-INVITE or an UPDATE, is its subclass in a file of its own.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog._seams import IClientTransactionUser
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.offer_answer import Exchange
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import (
    InvalidState,
    InvalidValue,
    ParseError,
    RemoteError,
    ResponseError,
    SipError,
    Timeout,
)
from twisted_sipdialog.media.modified import modified
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.delegation import Outcome, cancel, fire
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.outgoing import Lines, typeLine
from twisted_sipdialog.ua.session import GivenOffer, discard, holds, once, sdpOf, successor, takeBack
from twisted_sipdialog.ua.uac import Sending
from twisted_sipdialog.ua.wanted import Wanted

#: How often one change is sent at most.
_MOST: Final = 5
#: Seconds in Retry-After beyond which we do not wait.
_PATIENCE: Final = 32


@implementer(IClientTransactionUser)
class Modification:
    """
    @ivar done: fires with what it came to.
    @ivar isInviting: it is a re-INVITE without a final response, or without an ACK.
    """

    __slots__ = (
        "__weakref__",
        "_described",
        "_isOver",
        "_isTimed",
        "_lines",
        "_minimum",
        "_session",
        "_timer",
        "_tries",
        "_wanted",
        "core",
        "dialog",
        "done",
        "isInviting",
        "sending",
    )

    method: ClassVar[str]
    #: A refusal that invites to try again is followed.
    retries: bool = True

    def __init__(self, dialog: Dialog, wanted: Wanted, lines: Lines) -> None:
        self.core = dialog.core
        self.dialog = dialog
        self.done: Deferred[Any] = Outcome(self._cancelled)
        self.isInviting = False
        self.sending: Sending | None = None
        self._wanted = wanted
        self._lines = lines
        self._session: Any = None
        self._described: Deferred[Any] | None = None
        self._timer: Any = None
        self._isOver = self._isTimed = False
        self._tries = 0
        self._minimum = 0

    # When.

    @property
    def mayOvertake(self) -> bool:
        """It concerns nobody else's offer."""
        return self.method == "UPDATE" and not self._wanted.offers

    @property
    def mayStart(self) -> bool:
        """No offer is open, and for a re-INVITE no other INVITE, of either side (section 14.1)."""
        dialog = self.dialog
        if dialog.dialogState.exchange is not Exchange.STABLE:
            return False
        if self.method == "UPDATE":
            # RFC 3311 section 5.1: not before the PRACK to the offer or answer in a provisional of ours, nor before the
            # offer that an INVITE left to us.
            invitation = dialog.invitation
            reliable = getattr(invitation, "reliable", None)
            if (reliable is not None and reliable.describing) or (invitation is not None and invitation.owesOffer):
                return False
            # RFC 3261 section 12.2.2: a PRACK of ours that has to be repeated would then be out of order.
            return not dialog.acknowledging
        return dialog.state is Phase.STABLE and dialog.invitation is None and not dialog.unacknowledged

    @property
    def isDescribing(self) -> bool:
        """Its offer is being made."""
        return self._described is not None

    # One attempt.

    def start(self) -> None:
        """Describe the session anew, and send that."""
        self._tries += 1
        try:
            described = self._describe() if self._wanted.offers else b""
            if not isinstance(described, bytes):
                self._described = described
                described.addCallback(self._send).addErrback(self._undescribed)
                return
        except Exception:
            self._undescribed(Failure())
            return
        self._send(described)

    def _describe(self) -> Any:
        """Our offer: what the application gave, or what describes the call says."""
        wanted, dialog = self._wanted, self.dialog
        if wanted.body is not None:
            if not wanted.modifiers:
                return self._given(wanted.body)
            making = Deferred.fromCoroutine(modified(wanted.body, wanted.modifiers))
            return making.addCallback(lambda description: self._given(description.toBytes()))
        session = self._session = dialog.session
        if session is None:
            raise InvalidState("modify", "nothing describes the session")
        if wanted.resumes and not holds(session):
            raise InvalidState("modify", "nothing is held")
        session = self._session = once(dialog, wanted.modifiers)
        return session.offer() if wanted.limit is None else session.offer(wanted.limit)

    def _given(self, body: bytes) -> bytes:
        """The application's own, as the next of what we said."""
        kind = self._wanted.contentType
        session = self._session = GivenOffer(successor(body, kind, self.dialog), kind)
        return session.offer()

    def _send(self, body: bytes) -> None:
        self._described = None
        if self._isOver:
            self._rollBack()
            return
        if not self.mayStart and not self.mayOvertake:
            # The peer was faster while ours was being made.
            self._rollBack()
            self._tries -= 1
            self.dialog.changes.again(self)
            return
        dialog = self.dialog
        # How long the session lives is for the 2xx to its INVITE to say first (RFC 4028 section 7.2).
        self._isTimed = dialog.state is not Phase.EARLY
        timing = self.core.terms.ask(dialog.sessionTimer, self._minimum) if self._isTimed else []
        lines = [*self._abilities(), *timing, *self._lines]
        if body:
            try:
                lines.append(typeLine(self._session.contentType))
            except InvalidValue:
                # The application's own, and it must not keep the changes after this one waiting.
                failure = Failure()
                self._rollBack()
                self._over(failure)
                return
            dialog.dialogState.exchanged("offer sent")
            dialog.changes.offered(body)
        self.isInviting = self.method == "INVITE"
        outgoing = dialog.outgoing(self.method, body, lines)
        sending = self.sending = Sending(self.core.client, outgoing, self)
        sending.start()

    def _abilities(self) -> Lines:
        return self.core.abilities()

    def _undescribed(self, failure: Failure) -> None:
        self._described = None
        session, self._session = self._session, None
        discard(session, self.dialog)
        self._over(failure)

    # What comes back.

    def responseReceived(self, response: Response) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        code = response.statusCode
        if code < 200:
            self._provisional(response)
        elif code < 300:
            self._success(response)
        else:
            self._refused(response)

    def _provisional(self, response: Response) -> None:
        """Nothing follows from it."""

    def _success(self, response: Response) -> None:
        raise NotImplementedError

    def _refused(self, response: Response) -> None:
        self.isInviting = False
        self._rollBack()
        if self.dialog.ended is not None or self.dialog.state is Phase.TERMINATED:
            self._over(Failure(self.dialog.over()))
            return
        again = self._again(response) if self.retries and self._tries < _MOST and not self.done.called else None
        if again is not None:
            self.sending = None
            self._timer = self.core.timers.start(again, self._retry)
            return
        self._isOver = True
        code = response.statusCode
        if code in (408, 481) or code in self.core.configuration.dialogEndingStatuses:
            # RFC 5057 section 5.1: the peer knows of no such session any more.
            self.dialog.hangUp(Reason.DIALOG_ERROR, None, response)
        self._over(self._refusal(response))

    def _refusal(self, response: Response) -> Any:
        """What C{done} fires with for it."""
        return Failure(ResponseError(response))

    def _again(self, response: Response) -> float | None:
        """Seconds after which it is tried again, None for never."""
        code = response.statusCode
        if code == 491:
            # Section 14.1: whoever owns the Call-ID waits longer, so that the two do not meet again.
            bits: int = self.core.identity.random.getrandbits(16)
            return 2.1 + bits % 191 / 100 if self.dialog.role == "uac" else bits % 201 / 100
        if code == 500:
            after = typedOrNone(response, "retry-after")
            seconds: int = _PATIENCE + 1 if after is None else after.seconds
            return float(seconds) if seconds <= _PATIENCE else None
        raised = self.core.terms.raised(response, self._minimum)
        if raised is None:
            return None
        self._minimum = raised
        return 0.0

    def _retry(self, _: Any) -> None:
        self._timer = None
        self.dialog.changes.again(self)

    def transactionFailed(self, error: SipError) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        self.isInviting = False
        self._isOver = True
        self._rollBack()
        if isinstance(error, Timeout):
            # RFC 5057 section 5.1: as 408, which ends the usage that the request belongs to.
            self.dialog.hangUp(Reason.DIALOG_ERROR)
        self._over(Failure(error))

    def _learn(self, response: Response) -> None:
        """What a 2xx settles beside offer and answer: the peer's target, and the life of the session."""
        dialog, sending = self.dialog, self.sending
        assert sending is not None
        try:
            self.core.onlyFlows.moved(dialog, response, sending.flow)
        except ParseError:
            pass  # at the old one it was reached
        if self._isTimed:
            dialog.keep(self.core.terms.learn(response, dialog.sessionTimer, self._minimum))

    def _take(self, response: Response) -> Any:
        """The answer in a 2xx puts our offer in force; C{bytes}, or what is wrong with it as a L{Failure}."""
        try:
            answer = sdpOf(response)
            if answer is None:
                raise RemoteError(f"the 2xx to our {self.method} has no answer to our offer")
            self._session.update(answer)
        except Exception:
            failure = Failure()
            self._rollBack()
            return failure
        self.dialog.dialogState.exchanged("answer received")
        self.dialog.adopt(self._session)
        return answer

    # How it ends.

    def _rollBack(self) -> None:
        """Our offer came to nothing: what was agreed before it holds (RFC 3264 section 8)."""
        session, self._session = self._session, None
        if session is None:
            return
        if self.dialog.dialogState.exchange is Exchange.LOCAL:
            self.dialog.dialogState.exchanged("failed")
        takeBack(session, self.dialog)

    def _over(self, outcome: Any) -> None:
        fire(self.done, outcome)
        self.dialog.changes.over(self)

    def _cancelled(self, _: Deferred[Any]) -> None:
        """The application does not want it any more."""
        if self.sending is None or self._timer is not None:
            self._isOver = True
            self._stop()
            # Deferred.cancel() fires it with CancelledError.
            self.dialog.changes.over(self)
        else:
            # Before whatever it comes to by that.
            fire(self.done, Failure(CancelledError()))
            self._giveUp()

    def _giveUp(self) -> None:
        """It is on its way: what it comes to holds, but nobody waits for it."""

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        cancel(self._described)

    def dialogEnded(self, error: SipError) -> None:
        """The call is over."""
        if self._isOver:
            return
        self._isOver = True
        fire(self.done, Failure(error))
        self._stop()
        self._giveUp()
