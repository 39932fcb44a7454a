"""
INVITE as its sender (RFC 3261 sections 9.1 and 13.2): calls out, forks, CANCEL.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog._seams import IClientTransactionUser
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import DialogState, Phase
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
from twisted_sipdialog.message.grammar import quote
from twisted_sipdialog.ua import call_log
from twisted_sipdialog.ua.acknowledgement import Acknowledgement
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Waiters, cancel
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.identity import hostOf
from twisted_sipdialog.ua.outgoing import Lines, Outgoing, extraLines
from twisted_sipdialog.ua.redirect import redirectTarget
from twisted_sipdialog.ua.session import closeSession, sdpOf
from twisted_sipdialog.ua.uac import Sending


@implementer(IInviteClientContext, IClientTransactionUser)
class InviteClientContext:
    """
    @see: L{IInviteClientContext<twisted_sipdialog.interfaces.IInviteClientContext>}
    """

    def __init__(
        self, core: Core, outgoing: Outgoing, session: Any, factory: Any, lateOffer: bool, delegate: Any
    ) -> None:
        self.core = core
        self.delegate = delegate
        self.response: Response | None = None
        self.dialog: Dialog | None = None
        self.data: dict[str, Any] = {}
        self._outgoing = outgoing
        self._session = session
        self._factory = factory
        self._lateOffer = lateOffer
        self._byTag: dict[str, Dialog] = {}
        self._acknowledgements: dict[str, Acknowledgement] = {}
        self._answered = Waiters()
        self._finished = Waiters()
        self._sending: Sending | None = None
        self._cancelled = False
        self._closed = False
        self._preparing: Deferred[Any] | None = None
        self._started = core.timers.now()
        self._redirected = 0
        self._ringing: Any = None  # the timer that bounds the wait after a provisional

    @property
    def request(self) -> Request | None:
        return self._sending.request if self._sending is not None else None

    @property
    def dialogs(self) -> list[Dialog]:
        return list(self._byTag.values())

    def start(self) -> None:
        """Send the INVITE, once its session is described."""
        if self._closed:
            return  # cancelled before the ports were open
        self.core.calling[self] = None
        self._preparing = Deferred.fromCoroutine(self._describe())
        self._preparing.addCallback(self._send).addErrback(self._unsent)

    async def _describe(self) -> bytes:
        """Our offer, C{b""} for none."""
        if self._session is None:
            # The description names an address of ours, and which one that is depends on the way.
            flow = await self.core.client.reach(self._outgoing)
            self._session = self._factory(hostOf(flow))
        return b"" if self._lateOffer else await maybeDeferred(self._session.offer)

    def _send(self, body: bytes) -> None:
        self._preparing = None
        if self._cancelled:
            raise CancelledError  # and the description was made all the same
        outgoing = self._outgoing
        outgoing.body = body
        if body:
            outgoing.lines.append(("Content-Type", self._session.contentType))
        sending = self._sending = Sending(self.core.client, outgoing, self)
        sending.start()

    def _unsent(self, failure: Failure) -> None:
        self._preparing = None
        if not self._closed:
            self._fail(failure.value)

    # What the application asks.

    def whenAnswered(self) -> Deferred[Dialog]:
        return self._answered.wait()

    def cancel(self, reason: str | None = None, extraHeaders: Any = ()) -> None:
        lines = extraLines(extraHeaders)
        if reason is not None:
            lines += extraLines([("Reason", f"SIP;cause=487;text={quote(reason)}")])
        self._cancel(lines)

    def _cancel(self, lines: Lines) -> Request | None:
        if self._cancelled or (self._closed and self._preparing is None):
            return None
        self._cancelled = True
        self._answered.fire(Failure(CancelledError("the INVITE was cancelled")))
        if self._preparing is not None:
            cancel(self._preparing)
        elif self._sending is not None:
            return self._sending.cancel(lines)
        else:
            self._fail(CancelledError())
        return None

    def giveUp(self, lines: Lines) -> Deferred[Any]:
        """The application ends an early dialog of ours: the whole INVITE is cancelled (section 15)."""
        sent = self._cancel(lines)
        return self.whenFinished().addCallback(lambda _: sent)

    def whenFinished(self) -> Deferred[None]:
        """The INVITE has its final response, or will never have one; not so before, even when it was cancelled."""
        return self._finished.wait()

    # What comes back.

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
        forks = max(len(self._byTag), len(self._acknowledgements))
        return response.toTag in self._byTag or forks < self.core.configuration.loadLimits.forks

    def _dialogFor(self, response: Response) -> Dialog | None:
        """The dialog of C{response}'s To tag (section 12.1.2), made if it is new; None when it makes none."""
        tag = response.toTag
        dialog = self._byTag.get(tag)
        if dialog is not None:
            return dialog
        request = self.request
        assert request is not None and self._sending is not None
        try:
            state = DialogState.asClient(request, response)
        except ParseError:
            return None
        contact = request.headers.get("contact") or ""
        dialog = self._byTag[tag] = Dialog(self.core, state, request, contact, self._started)
        dialog.res = response
        dialog.delegate = self.delegate
        dialog.data = self.data
        dialog.digest = self._outgoing.digest
        dialog.invitation = self
        self.core.register(dialog)
        return dialog

    def _provisional(self, response: Response) -> None:
        timeout = self.core.configuration.ringTimeout
        if self._ringing is None and timeout is not None:
            # The transaction waits for ever from here on (section 17.1.1.2): how long is for its user to say.
            self._ringing = self.core.timers.start(timeout, self._unanswered)
        if response.statusCode > 100 and response.toTag and not self._cancelled and self._isAdmitted(response):
            self.dialog = self._dialogFor(response) or self.dialog
        self.core.tellAll(self.delegate, "progressReceived", self, response)

    def _unanswered(self, _: Any) -> None:
        """The peer promised an answer and gave none: CANCEL (section 9.1)."""
        if not self._cancelled and not self._closed:
            self._answered.fire(Failure(Timeout(f"no answer from {self._outgoing.uri} in time")))
            self._cancel([])

    def _success(self, response: Response) -> None:
        known = self._acknowledgements.get(response.toTag)
        if known is not None:
            known.send()  # a repetition: the ACK was lost
            return
        if self._closed and not self._isAdmitted(response):
            return  # an ACK and a BYE for each of them would be ours to send, to whom it names
        dialog = self._dialogFor(response)
        if dialog is not None and dialog is self.dialog and self._closed and self._preparing is not None:
            return  # a repetition: the ACK waits for our answer
        if dialog is None:
            self._refuseUnusable(response)
            return
        over = dialog.state is Phase.TERMINATED
        try:
            dialog.dialogState.confirm(response)
        except ParseError as error:
            # No usable Contact; at that of its provisional the BYE still reaches the peer.
            dialog.dialogState.phase = Phase.STABLE
            self._close()
            self._undescribed(Failure(error), dialog, response)
            self._finished.fire(None)
            return
        dialog.res = response
        if self._closed or self._cancelled or over:
            # Section 13.2.2.4: every 2xx makes a dialog; those nobody wants are acknowledged and ended.
            self._acknowledge(dialog, response, b"")
            reason = Reason.OTHER_FORK if self._closed else Reason.LOCAL_CANCEL
            dialog.hangUp(reason)
            if not self._closed:
                self._fail(DialogTerminated("ended before it was answered", dialog.ended))
            return
        self._close()
        self._confirm(dialog, response)
        self._finished.fire(None)

    def _confirm(self, dialog: Dialog, response: Response) -> None:
        self.dialog = dialog
        dialog.session = self._session
        try:
            sdp = sdpOf(response)
            if sdp is None:
                raise RemoteError(f"the 2xx has no {'offer' if self._lateOffer else 'answer to our offer'}")
            if self._lateOffer:
                described = self._session.answer(sdp)
            else:
                described = b""
                self._session.update(sdp)
        except Exception:
            self._undescribed(Failure(), dialog, response)
            return
        if isinstance(described, bytes):
            self._stand(described, dialog, response)
        else:
            self._preparing = described
            described.addCallback(self._stand, dialog, response)
            described.addErrback(self._undescribed, dialog, response)

    def _stand(self, answer: bytes, dialog: Dialog, response: Response) -> None:
        self._preparing = None
        self._acknowledge(dialog, response, answer)
        self._endEarly(Reason.OTHER_FORK, False, None)
        if self._cancelled:
            dialog.hangUp(Reason.LOCAL_CANCEL)
        if dialog.state is Phase.TERMINATED:
            # While our answer was being made.
            self._answered.fire(Failure(DialogTerminated("ended before the ACK", dialog.ended)))
            return
        dialog.confirmed()
        self._answered.fire(dialog)

    def _undescribed(self, failure: Failure, dialog: Dialog, response: Response) -> None:
        """The session descriptions do not fit: the call is acknowledged and ended (section 13.2.2.4)."""
        self._preparing = None
        if response.toTag not in self._acknowledgements:
            self._acknowledge(dialog, response, b"")
        self._endEarly(Reason.OTHER_FORK, False, None)
        if self._cancelled:
            dialog.hangUp(Reason.LOCAL_CANCEL)
        dialog.hangUp(Reason.MEDIA_LOST, [("Reason", 'SIP;cause=488;text="Not Acceptable Here"')])
        self._answered.fire(failure)

    def _acknowledge(self, dialog: Dialog, response: Response, body: bytes) -> None:
        """The ACK to a 2xx is ours to send, and to repeat (section 13.2.2.4)."""
        number = response.cseqNumber
        lines = [("Content-Type", self._session.contentType)] if body else []
        assert self._sending is not None
        lines += self._sending.authorization
        outgoing = dialog.outgoing("ACK", body, lines, lambda: number)
        acknowledgement = self._acknowledgements[response.toTag] = Acknowledgement(self.core.client, outgoing)
        acknowledgement.send()

    def _refuseUnusable(self, response: Response) -> None:
        """A 2xx that makes no dialog, nor anywhere to send a BYE: it is acknowledged, so that it stops."""
        sending = self._sending
        assert sending is not None and sending.request is not None
        own = [("From", sending.request.headers.get("from") or ""), ("To", response.headers.get("to") or "")]
        own += [("Call-ID", sending.request.callId), *sending.authorization]
        number = response.cseqNumber
        outgoing = Outgoing("ACK", self._outgoing.uri, own, lambda: number, routes=self._outgoing.routes)
        acknowledgement = self._acknowledgements[response.toTag] = Acknowledgement(self.core.client, outgoing)
        acknowledgement.send()
        if not self._closed:
            self._fail(RemoteError("the 2xx has no usable Contact"))

    def _endEarly(self, reason: Reason, byPeer: bool, response: Response | None) -> None:
        """The early dialogs, which nobody will confirm."""
        for dialog in list(self._byTag.values()):
            if dialog.state is Phase.EARLY:
                dialog.end(reason, byPeer, response)

    def _refusal(self, response: Response) -> None:
        if 300 <= response.statusCode < 400 and not self._cancelled and self._follow(response):
            return
        self._close()
        reason = Reason.LOCAL_CANCEL if self._cancelled else Reason.REJECTED
        self._endAll(reason, not self._cancelled, response)
        self._answered.fire(Failure(ResponseError(response)))
        self._finished.fire(None)

    def _follow(self, response: Response) -> bool:
        """Section 8.1.3.4: try the Contact that is preferred; False when redirections are not followed."""
        if self._redirected >= self.core.configuration.followRedirects:
            return False
        target = redirectTarget(response)
        if target is None:
            return False
        self._redirected += 1
        self._endEarly(Reason.REJECTED, True, response)
        self._byTag.clear()
        self._outgoing.uri = target
        self._sending = Sending(self.core.client, self._outgoing, self)
        self._sending.start()
        return True

    def transactionFailed(self, error: SipError) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        if not self._closed:
            self._fail(error)

    def _fail(self, error: BaseException | None) -> None:
        self._close()
        if self._cancelled:
            reason = Reason.LOCAL_CANCEL
        else:
            reason = Reason.FLOW_LOST if isinstance(error, TransportError) else Reason.NO_ANSWER
        self._endAll(reason, False, None)
        self._answered.fire(Failure(error))
        self._finished.fire(None)

    def _endAll(self, reason: Reason, byPeer: bool, response: Response | None) -> None:
        if not self._byTag:
            code, phrase = (response.statusCode, response.reasonPhrase) if response else (0, reason.text)
            call_log.refused(self._outgoing.callId, "uac", self._outgoing.uri, code, phrase)
        self._endEarly(reason, byPeer, response)
        closeSession(self._session)

    def _close(self) -> None:
        self._closed = True
        if self._ringing is not None:
            self._ringing.cancel()
        self.core.calling.pop(self, None)

    def abandoned(self, request: Request) -> None:
        """The callee ended an early dialog of ours by BYE: the INVITE still gets its final answer."""

    def dialogEnded(self, error: SipError) -> None:
        """The one whose offer is being answered: that is no use any more, and the ACK goes out without."""
        if self._closed and self._preparing is not None and self.dialog is not None:
            if self.dialog.state is Phase.TERMINATED:
                self._answered.fire(Failure(error))
                cancel(self._preparing)
