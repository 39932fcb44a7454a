"""
INVITE as its receiver (RFC 3261 section 13.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import DialogState, Phase
from twisted_sipdialog.dialog.state_change import eventOf
from twisted_sipdialog.errors import DialogTerminated, InvalidState, SipError
from twisted_sipdialog.interfaces import IInviteServerContext
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.status import Cause
from twisted_sipdialog.status import reasonPhrase as standardPhrase
from twisted_sipdialog.ua import call_log
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Outcome, ask, cancel, fire, tell
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.outgoing import Lines, extraLines
from twisted_sipdialog.ua.provisional import ProvisionalContext
from twisted_sipdialog.ua.replaces import NAMING, replaceFor
from twisted_sipdialog.ua.server_context import oneLine
from twisted_sipdialog.ua.session import checkModifiers, closeSession, discard, takeBack

_log = Logger()

#: What ends an invitation otherwise than by its status alone.
_CAUSES: Final = {
    Reason.REMOTE_CANCEL: Cause.CANCELED,
    Reason.REMOTE_BYE: Cause.CANCELED,
    Reason.NO_ANSWER: Cause.NO_ANSWER,
    Reason.EXPIRED: Cause.EXPIRES,
    Reason.NO_PRACK: Cause.NO_PRACK,
    Reason.DIALOG_ERROR: Cause.DIALOG_ERROR,
    Reason.MEDIA_LOST: Cause.BAD_MEDIA_DESCRIPTION,
}


def inviteReceived(core: Core, transaction: Any) -> None:
    """A call: the delegate answers, or 480."""
    context = InviteServerContext(core, transaction)
    context.admit()
    if core.watch is not None:
        core.watch.called(context.request, context.localTag(), "trying")
    ask(core.delegate, "inviteReceived", context)


@implementer(IInviteServerContext)
class InviteServerContext(ProvisionalContext):
    """
    @see: L{IInviteServerContext<twisted_sipdialog.interfaces.IInviteServerContext>}
    """

    __slots__ = ("_accepting", "_cause", "_source", "change")

    def __init__(self, core: Core, transaction: Any, dialog: Dialog | None = None) -> None:
        super().__init__(core, transaction, dialog, 480)
        transaction.user = self
        self.change: Any = None
        self._cause: tuple[Reason, bool, Any] | None = None  # why we gave up
        self._accepting: tuple[Any, ...] | None = None  # accept() while progress() has the session described
        self._source: str = transaction.flow.remote[0]

    def admit(self) -> None:
        """It counts as unanswered from here to its final response."""
        core = self.core
        core.invitations[self] = None
        core.fromSource[self._source] = core.fromSource.get(self._source, 0) + 1

    # Answering.

    def accept(
        self,
        statusCode: int = 200,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        contentType: str | None = None,
        media: Any = None,
        modifiers: Iterable[Any] = (),
        delegate: Any = None,
    ) -> Deferred[Dialog]:
        code = self._checked("accept", statusCode, 200, 299)
        if self._acknowledged is not None:
            raise InvalidState("accept", "it was accepted already and its answer is being made")
        lines = extraLines(extraHeaders) if extraHeaders else []
        phrase = standardPhrase(code) if reasonPhrase is None else oneLine("reasonPhrase", reasonPhrase)
        checked = checkModifiers(modifiers, body, contentType) if modifiers else ()
        if self._describing is not None and body is None and not checked:
            acknowledged = self._acknowledged = Outcome()
            self._accepting = code, phrase, lines, delegate
            self.wait()
            return acknowledged
        offer = self.offer
        if self._described is not None or self._describing is not None:
            described: Any = self._foretold(body, checked)
        else:
            self._session = self._describe(body, contentType, media, checked)
            described = None
        acknowledged = self._acknowledged = Outcome()
        self._lateOffer = offer is None and described != b""
        try:
            if described is None:
                described = self._session.offer() if offer is None else self._session.answer(offer)
            if isinstance(described, bytes):
                accepted = self._accepted if self.reliable is None else self._inTurn
                accepted(described, code, phrase, lines, delegate)
            else:
                self._describing = described
                described.addCallback(self._inTurn, code, phrase, lines, delegate).addErrback(self._undescribed)
                self.wait()
        except Exception:
            self._undescribed(Failure())
        return acknowledged

    def _foretold(self, body: bytes | None, modifiers: tuple[Any, ...] = ()) -> bytes:
        """What the 2xx says after progress() described the session: nothing, once offer and answer are through."""
        described = self._described
        if described is None or modifiers or (body is not None and body != described):
            raise InvalidState(
                "accept", "the session is described already", "RFC 6337 section 2.2; modify() changes it"
            )
        return b"" if self._isExchanged else described

    def _isForetold(self) -> None:
        accepting, self._accepting = self._accepting, None
        if accepting is not None:
            described = self._foretold(None)
            self._lateOffer = self.offer is None and described != b""
            self._inTurn(described, *accepting)

    def _inTurn(self, body: bytes, code: int, phrase: str, lines: Lines, delegate: Any) -> None:
        """RFC 3262 section 3: no 2xx before the PRACK of an offer or answer."""
        if self.reliable is not None and self.reliable.describing and not self.answered:
            self.reliable.then(lambda: self._accepted(body, code, phrase, lines, delegate))
            self.wait()
        else:
            self._accepted(body, code, phrase, lines, delegate)

    def _undescribed(self, failure: Failure) -> None:
        """No answer could be made: the offer is refused, and whoever accepted is told why."""
        self._describing = None
        acknowledged, self._acknowledged = self._acknowledged, None
        discard(self._session, self.dialog)
        if not self.answered:
            self._refuseFor(failure)
        fire(acknowledged, failure)

    def _makeDialog(self) -> Dialog:
        state = DialogState.asServer(self.request, self.localTag())
        dialog = self.dialog = Dialog(self.core, state, self.request, self._contact, self._started, self._source)
        if self.offer is not None:
            state.exchanged("offer received")
        dialog.invitation = self
        dialog.data = self._data
        self.core.register(dialog, self.transaction.flow)
        return dialog

    def _isEarly(self, response: Response) -> None:
        dialog = self.dialog
        if self.core.watch is not None:
            self.core.watch.moved(dialog, "early", response)
        self.core.tellAll(dialog.delegate, "dialogEarly", dialog)

    def _accepted(self, body: bytes, code: int, phrase: str, lines: Lines, delegate: Any) -> None:
        """Section 13.3.1.4: the 2xx, repeated until its ACK."""
        self._describing = None
        replaces = self.request.headers.mentions(NAMING)
        if self.answered or (replaces and self._refusesLate()):
            # Cancelled, or out of time, and the description was made all the same: a dialog's own goes back.
            takeBack(self._session, self.dialog)
            return
        core = self.core
        dialog = self.dialog or self._makeDialog()
        if self._isExchanged:
            # It was adopted then, and an UPDATE since may have brought another.
            before, self._before = self._before, None
            closeSession(before)
        else:
            dialog.adopt(self._session)
        if delegate is not None:
            dialog.delegate = delegate
        if body:
            dialog.dialogState.exchanged("offer sent" if self._lateOffer else "answer sent")
        agreed = dialog.sessionTimer
        interval, timing = core.terms.answer(self.request, agreed)
        more = timing + lines
        extra = "".join([f"{name}: {value}\r\n" for name, value in more]) if more else ""
        kind = f"Content-Type: {self._session.contentType}\r\n" if body else ""
        extra = f"Contact: {self._contact}\r\n{core.capabilities()}{core.identity.serverText}{extra}{kind}"
        response = self.request._respond(code, phrase, self.localTag(), extra, body)
        self._agreed(dialog, response)
        dialog.invitation = None
        dialog.unacknowledged += (self,)
        self._respond(response)
        if self.reliable is not None:
            self.reliable.rest()
        if interval is not None or agreed is not None:
            dialog.keep(interval)
        self._awaitAck()
        self._isSent(dialog, response)
        if replaces:
            replaceFor(dialog)
        self.responded(response)

    def _agreed(self, dialog: Dialog, response: Response) -> None:
        """The 2xx is about to go out."""
        dialog.dialogState.phase = Phase.PENDING
        dialog.res = response

    def _isSent(self, dialog: Dialog, response: Response) -> None:
        """The 2xx went out."""
        if self.core.watch is not None:
            self.core.watch.moved(dialog, "confirmed", response)

    def dialogEnded(self, error: SipError) -> None:
        """The dialog ended before the ACK, or before a re-INVITE in it was answered."""
        if not self.answered:
            self._cause = Reason.DIALOG_ERROR, False, None
            self._refuse(487)
            return
        self._close()
        self._endReliable(error)
        acknowledged, self._acknowledged = self._acknowledged, None
        fire(acknowledged, Failure(error))

    def _close(self) -> None:
        super()._close()
        core = self.core
        core.invitations.pop(self, None)
        if self.dialog is not None and self in self.dialog.unacknowledged:
            # It counts for its source until the ACK: a forged one never sends it, and our 2xx go to whom it named.
            return
        # The transaction stays for its time; what we hold need not.
        self.transaction.user = None
        source, self._source = self._source, ""
        if source:
            left = core.fromSource[source] - 1
            if left:
                core.fromSource[source] = left
            else:
                del core.fromSource[source]

    def responded(self, response: Response) -> None:
        if response.statusCode >= 300:
            self._ended(response)
        super().responded(response)

    def _ended(self, response: Response) -> None:
        """Refused: the early dialog goes with it."""
        acknowledged, self._acknowledged = self._acknowledged, None
        cancel(self._describing)  # first: what goes on then may want something of the same description
        self._endDialog(response)
        error = DialogTerminated(f"refused with {response.statusCode} before it was accepted")
        self._endReliable(error)
        fire(acknowledged, Failure(error))

    def _endDialog(self, response: Response) -> None:
        dialog = self.dialog
        if dialog is None:
            request = self.request
            peer = request.headers.get("from")
            call_log.refused(request.callId, "uas", peer, response.statusCode, response.reasonPhrase)
            if self.core.watch is not None:
                reason, byPeer, _ = self._why(response)
                event = eventOf(reason, byPeer)
                self.core.watch.called(request, self.localTag(), "terminated", response.statusCode, event)
        else:
            dialog.invitation = None
            dialog.end(*self._why(response))

    def _why(self, response: Response) -> tuple[Reason, bool, Any]:
        if self.cancelled is not None:
            reason = Reason.REMOTE_CANCEL if self.cancelled.method == "CANCEL" else Reason.REMOTE_BYE
            return reason, True, self.cancelled
        if self._cause is not None:
            return self._cause
        reasons = {408: Reason.NO_ANSWER, 487: Reason.EXPIRED, 504: Reason.NO_PRACK}
        return reasons.get(response.statusCode, Reason.REJECTED), False, response

    def _causeOf(self, response: Response) -> Cause:
        return _CAUSES.get(self._why(response)[0]) or super()._causeOf(response)

    # Giving up.

    def giveUp(self, lines: Lines, reason: Reason | None = None, message: Any = None) -> Deferred[Any]:
        """
        We end the early dialog.

        @param reason: why; None: the application wants it so.
        @param message: what made us do so.
        """
        if reason is not None:
            self._cause = reason, False, message
        pending, self.pending = self.pending, None
        rejected = self.reject(480, extraHeaders=lines).addCallback(lambda _: None)
        cancel(pending)
        return rejected

    def abandoned(self, request: Request) -> None:
        """The caller gave up, by CANCEL (section 9.2) or by BYE: 487, and nobody goes on answering."""
        if self.answered:
            return
        self.cancelled = request
        self._refuse(487)
        tell(self._delegate, "inviteCancelled", self, request)

    @property
    def _delegate(self) -> Any:
        """Who was asked for the answer."""
        return self.core.delegate

    def _refuse(self, statusCode: int) -> None:
        """Nobody is to go on answering."""
        pending, self.pending = self.pending, None
        self.reject(statusCode)
        cancel(pending)

    # How the delegate did.

    def answerByDefault(self) -> None:
        if self.answered or self._acknowledged is not None:
            return
        self.reject(self._default)

    def returned(self) -> None:
        self.pending = None
        if self.answered or self._acknowledged is not None:
            return
        if self._later:
            self.wait()
            return
        if self.dialog is None or self.dialog.state is Phase.EARLY:
            _log.warn("inviteReceived returned without an answer: {status}", status=self._default)
        self.answerByDefault()

    def raised(self, failure: Failure) -> None:
        if self._acknowledged is not None and not self.answered:
            _log.failure("the delegate failed while its answer was being made", failure)
            return
        super().raised(failure)

    def transactionFailed(self, error: SipError) -> None:
        """A response could not be sent: the caller will ask again, or the wait for the ACK ends it."""
