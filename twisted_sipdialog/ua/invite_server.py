"""
INVITE as its receiver (RFC 3261 section 13.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import DialogState, Phase
from twisted_sipdialog.errors import DialogTerminated, InvalidState, LocalError, SipError
from twisted_sipdialog.interfaces import IInviteServerContext
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.status import reasonPhrase as standardPhrase
from twisted_sipdialog.ua import call_log
from twisted_sipdialog.ua.accepted import AcceptedContext
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Outcome, ask, cancel, fire, tell
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.outgoing import Lines, extraLines
from twisted_sipdialog.ua.server_context import oneLine
from twisted_sipdialog.ua.session import closeSession, describe, sdpOf

_log = Logger()

#: Seconds between repetitions of a provisional that keep proxies patient (section 13.3.1.1).
_REMINDER = 60.0


def inviteReceived(core: Core, transaction: Any) -> None:
    """A call: the delegate answers, or 480."""
    context = InviteServerContext(core, transaction)
    context.admit()
    ask(core.delegate, "inviteReceived", context)


@implementer(IInviteServerContext)
class InviteServerContext(AcceptedContext):
    """
    @see: L{IInviteServerContext<twisted_sipdialog.interfaces.IInviteServerContext>}
    """

    __slots__ = ("_describing", "_lateStatus", "_source", "_started")

    provisional = 180
    provisionals = (100, 199)

    def __init__(self, core: Core, transaction: Any, dialog: Dialog | None = None) -> None:
        super().__init__(core, transaction, dialog, 480)
        transaction.user = self
        self._started = core.timers.now()
        self._describing: Deferred[Any] | None = None
        self._source: str = transaction.flow.remote[0]

    @property
    def offer(self) -> bytes | None:
        return sdpOf(self.request)

    def admit(self) -> None:
        """It counts as unanswered from here to its final response."""
        core = self.core
        core.invitations[self] = None
        core.fromSource[self._source] = core.fromSource.get(self._source, 0) + 1

    # Answering.

    def progress(
        self,
        statusCode: int | None = None,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
    ) -> Deferred[Any]:
        code = self._checked("progress", self.provisional if statusCode is None else statusCode, *self.provisionals)
        if code > 100 and self.dialog is None:
            self._makeDialog()
        self._send(code, reasonPhrase, extraHeaders, body, contentType)
        return succeed(None)

    def accept(
        self,
        statusCode: int = 200,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        contentType: str | None = None,
        media: Any = None,
        delegate: Any = None,
    ) -> Deferred[Dialog]:
        code = self._checked("accept", statusCode, 200, 299)
        if self._acknowledged is not None:
            raise InvalidState("accept", "it was accepted already and its answer is being made")
        lines = extraLines(extraHeaders) if extraHeaders else []
        phrase = standardPhrase(code) if reasonPhrase is None else oneLine("reasonPhrase", reasonPhrase)
        offer = self.offer
        session = self._session = self._describe(body, contentType, media)
        acknowledged = self._acknowledged = Outcome()
        self._lateOffer = offer is None
        try:
            described = session.offer() if offer is None else session.answer(offer)
            if isinstance(described, bytes):
                self._accepted(described, code, phrase, lines, delegate)
            else:
                self._describing = described
                described.addCallback(self._accepted, code, phrase, lines, delegate).addErrback(self._undescribed)
                self.wait()
        except Exception:
            self._undescribed(Failure())
        return acknowledged

    def _describe(self, body: bytes | None, contentType: str | None, media: Any) -> Any:
        return describe(self.core, body, contentType, media, self.transaction.flow)

    @property
    def _isDialogs(self) -> bool:
        """The session description is the one that the dialog had already, and goes on with."""
        return False

    def _undescribed(self, failure: Failure) -> None:
        """No answer could be made: the offer is refused, and whoever accepted is told why."""
        self._describing = None
        acknowledged, self._acknowledged = self._acknowledged, None
        if not self._isDialogs:
            closeSession(self._session)
        if not self.answered:
            if failure.check(SipError) is None:
                _log.failure("no session description could be made", failure)
            status = getattr(failure.value, "statusCode", None) or 500
            self.reject(status if not isinstance(failure.value, LocalError) else 500)
        fire(acknowledged, failure)

    def _makeDialog(self) -> Dialog:
        flow = self.transaction.flow
        state = DialogState.asServer(self.request, self.localTag())
        contact = self.core.identity.contact(flow)
        dialog = self.dialog = Dialog(self.core, state, self.request, contact, self._started)
        dialog.invitation = self
        dialog.data = self._data
        self.core.register(dialog)
        return dialog

    def _accepted(self, body: bytes, code: int, phrase: str, lines: list[tuple[str, str]], delegate: Any) -> None:
        """Section 13.3.1.4: the 2xx, repeated until its ACK."""
        self._describing = None
        if self.answered:
            # Cancelled, or out of time, and the description was made all the same: a dialog's own goes back.
            if self._isDialogs:
                self._session.rollback()
            else:
                closeSession(self._session)
            return
        core = self.core
        dialog = self.dialog or self._makeDialog()
        if dialog.session is not self._session:
            closeSession(dialog.session)
            dialog.session = self._session
        if delegate is not None:
            dialog.delegate = delegate
        self._agreed(dialog)
        extra = "".join([f"{name}: {value}\r\n" for name, value in lines])
        extra = (
            f"Contact: {core.identity.contact(self.transaction.flow)}\r\n{core.capabilities()}"
            f"{core.identity.serverText}{extra}Content-Type: {self._session.contentType}\r\n"
        )
        response = self.request._respond(code, phrase, self.localTag(), extra, body)
        dialog.res = response
        dialog.invitation = None
        dialog.unacknowledged = self
        self._respond(response)
        self._awaitAck()

    def _agreed(self, dialog: Dialog) -> None:
        """The 2xx is about to go out."""
        dialog.dialogState.phase = Phase.PENDING

    def dialogEnded(self, error: SipError) -> None:
        """The dialog ended before the ACK, or before a re-INVITE in it was answered."""
        if not self.answered:
            self._refuse(487)
            return
        self._close()
        acknowledged, self._acknowledged = self._acknowledged, None
        fire(acknowledged, Failure(error))

    def _close(self) -> None:
        super()._close()
        core = self.core
        core.invitations.pop(self, None)
        if self.dialog is not None and self.dialog.unacknowledged is self:
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

    def _send(
        self,
        statusCode: int,
        reasonPhrase: str | None,
        extraHeaders: Iterable[tuple[str, str]],
        body: bytes,
        contentType: str | None,
    ) -> Response:
        response = super()._send(statusCode, reasonPhrase, extraHeaders, body, contentType)
        if statusCode >= 300:
            self._ended(response)
        return response

    def _ownLines(self, statusCode: int) -> Lines:
        if 100 < statusCode < 200:
            return [("Contact", self.core.identity.contact(self.transaction.flow))]
        return super()._ownLines(statusCode)

    def _ended(self, response: Response) -> None:
        """Refused: the early dialog goes with it."""
        acknowledged, self._acknowledged = self._acknowledged, None
        self._endDialog(response)
        if not self._isDialogs:
            cancel(self._describing)
        fire(acknowledged, Failure(DialogTerminated(f"refused with {response.statusCode} before it was accepted")))

    def _endDialog(self, response: Response) -> None:
        dialog = self.dialog
        if dialog is None:
            request = self.request
            peer = request.headers.get("from")
            call_log.refused(request.callId, "uas", peer, response.statusCode, response.reasonPhrase)
        else:
            dialog.invitation = None
            dialog.end(*self._why(response))

    def _why(self, response: Response) -> tuple[Reason, bool, Any]:
        if self.cancelled is not None:
            reason = Reason.REMOTE_CANCEL if self.cancelled.method == "CANCEL" else Reason.REMOTE_BYE
            return reason, True, self.cancelled
        reason = {408: Reason.NO_ANSWER, 487: Reason.EXPIRED}.get(response.statusCode, Reason.REJECTED)
        return reason, False, response

    # Giving up.

    def giveUp(self, lines: list[tuple[str, str]]) -> Deferred[Any]:
        """The application ends the early dialog."""
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

    def wait(self) -> None:
        """The answer takes its time: bound it by noAnswerTimeout and Expires (section 13.3.1)."""
        if self.answered or self._timer is not None:
            return
        expires = typedOrNone(self.request, "expires")
        timeout = self.core.configuration.noAnswerTimeout
        bounds = [bound for bound in (timeout, expires) if bound is not None]
        self._deadline = self._started + min(bounds, default=float("inf"))
        self._lateStatus = 487 if expires is not None and min(bounds) == expires else 408
        self._remind()

    def _remind(self, _: Any = None) -> None:
        now = self.core.timers.now()
        if now >= self._deadline - 1e-6:
            self._timer = None
            self._refuse(self._lateStatus)
            return
        if _ is None and self._timer is not None and self.response is not None:
            self.transaction.respond(self.response)
        self._timer = self.core.timers.at(min(now + _REMINDER, self._deadline), self._remind)

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
