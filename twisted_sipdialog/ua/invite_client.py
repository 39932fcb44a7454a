"""
INVITE as its sender (RFC 3261 sections 9.1 and 13.2): calls out, CANCEL; what becomes of each fork is in fork.py.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.logger import Logger
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
from twisted_sipdialog.message.grammar import quote
from twisted_sipdialog.ua import call_log
from twisted_sipdialog.ua.acknowledgement import Acknowledgement
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Waiters, cancel
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.fork import Fork
from twisted_sipdialog.ua.identity import hostOf
from twisted_sipdialog.ua.outgoing import Lines, Outgoing, extraLines
from twisted_sipdialog.ua.redirect import redirectTarget
from twisted_sipdialog.ua.session import closeSession
from twisted_sipdialog.ua.uac import Sending

_log = Logger()

#: How often a 422 is followed at most.
_MOST_RAISED = 5


@implementer(IInviteClientContext, IClientTransactionUser)
class InviteClientContext:
    """
    @see: L{IInviteClientContext<twisted_sipdialog.interfaces.IInviteClientContext>}
    """

    #: L{Dialog.isInviting}: it is an INVITE of ours.
    isOurs = True

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
        self._isTaken = False  # the session description describes one of the dialogs; another needs its own
        self._factory = factory
        self._lateOffer = lateOffer
        self._forks: dict[str, Fork] = {}
        self._strays: dict[str, Acknowledgement] = {}  # to a 2xx that made no dialog
        self._answered = Waiters()
        self._finished = Waiters()
        self._sending: Sending | None = None
        self._cancelled = False
        self._closed = False
        self._preparing: Deferred[Any] | None = None
        self._started = core.timers.now()
        self._redirected = 0
        self.minimum = 0  # seconds, of a 422
        self._raised = 0
        self._ringing: Any = None  # the timer that bounds the wait after a provisional

    @property
    def request(self) -> Request | None:
        return self._sending.request if self._sending is not None else None

    @property
    def dialogs(self) -> list[Dialog]:
        return [fork.dialog for fork in self._forks.values()]

    @property
    def flow(self) -> Any:
        """Where the INVITE went."""
        assert self._sending is not None
        return self._sending.flow

    @property
    def authorization(self) -> Lines:
        """The credentials of the INVITE, which its ACK repeats (section 22.1)."""
        return self._sending.authorization if self._sending is not None else []

    def start(self) -> None:
        """Send the INVITE, once its session is described."""
        if self._closed:
            return  # cancelled before the ports were open
        self.core.calling[self] = None
        if self.core.watch is not None:
            self.core.watch.calling(self._outgoing, "trying")
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
        outgoing.lines += self.core.terms.ask()
        self._sendAnew()

    def _sendAnew(self) -> None:
        sending = self._sending = Sending(self.core.client, self._outgoing, self)
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
        if self._cancelled or (self._closed and not self._isPreparing):
            return None
        self._cancelled = True
        self._answered.fire(Failure(CancelledError("the INVITE was cancelled")))
        for fork in self._forks.values():
            cancel(fork.preparing)
        if self._preparing is not None:
            cancel(self._preparing)
        elif self._sending is None:
            self._fail(CancelledError())
        elif not self._closed:
            return self._sending.cancel(lines)
        return None

    @property
    def _isPreparing(self) -> bool:
        """A description of ours is being made."""
        return self._preparing is not None or any(fork.preparing is not None for fork in self._forks.values())

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
        if not self._lateOffer:
            state.exchanged("offer sent")
        self.core.register(dialog, self.flow)
        fork = self._forks[tag] = Fork(self, dialog)
        return fork

    def takeSession(self) -> Any:
        """The session description for one dialog: the call's own, then a fork of it for each further one."""
        if self._isTaken:
            return self._fork()
        self._isTaken = True
        return self._session

    def _fork(self) -> Any:
        try:
            return self._session.fork(self._outgoing.body or None)
        except Exception:
            _log.failure("a session description could not be forked")
            return None

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
                if isNew:
                    self._isEarly(fork.dialog, response)
                if not fork.provisional(response):
                    return
        elif self.core.watch is not None and response.statusCode > 100:
            self.core.watch.calling(self._outgoing, "proceeding", response.statusCode)
        self.core.tellAll(self.delegate, "progressReceived", self, response)

    def _isEarly(self, dialog: Dialog, response: Response) -> None:
        if self.core.watch is not None:
            self.core.watch.moved(dialog, "early", response)
        self.core.tellAll(self.delegate, "dialogEarly", dialog)

    def _unanswered(self, _: Any) -> None:
        """The peer promised an answer and gave none: CANCEL (section 9.1)."""
        if not self._cancelled and not self._closed:
            self._answered.fire(Failure(Timeout(f"no answer from {self._outgoing.uri} in time")))
            self._cancel([])

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
                fork.unwanted(response, Reason.OTHER_FORK if isFurther else Reason.LOCAL_CANCEL)
        if not isFurther:
            if over or self._cancelled:
                self._fail(DialogTerminated("ended before it was answered", dialog.ended))
            self._finished.fire(None)

    def answeredHere(self, fork: Fork) -> None:
        """The call was answered, and acknowledged, in C{fork}: others that still ring are not waited for."""
        if self.core.configuration.forkedAnswers == "first" or self._cancelled:
            self._endEarly(Reason.OTHER_FORK, False, None)
        elif self._ringing is None or not self._ringing.active:
            # Section 13.2.2.4: 64*T1 after the first 2xx no other is to be expected.
            timeout = self.core.configuration.timers.transaction
            self._ringing = self.core.timers.start(timeout, lambda _: self._endEarly(Reason.OTHER_FORK, False, None))
        if self._cancelled:
            fork.dialog.hangUp(Reason.LOCAL_CANCEL)

    def over(self, fork: Fork, outcome: Any) -> None:
        """What the 2xx of C{fork} came to: its dialog, or a failure; the first is the outcome of the call."""
        self._answered.fire(outcome)

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
            self._cancel([])

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
            self._fail(RemoteError("the 2xx has no usable Contact"))

    def _endEarly(self, reason: Reason, byPeer: bool, response: Response | None) -> None:
        """The early dialogs, which nobody will confirm."""
        for dialog in self.dialogs:
            if dialog.state is Phase.EARLY:
                dialog.end(reason, byPeer, response)

    def _refusal(self, response: Response) -> None:
        if not self._cancelled and (self._follow(response) or self._raise(response)):
            return
        self._close()
        reason = Reason.LOCAL_CANCEL if self._cancelled else Reason.REJECTED
        self._endAll(reason, not self._cancelled, response)
        self._answered.fire(Failure(ResponseError(response)))
        self._finished.fire(None)

    def _follow(self, response: Response) -> bool:
        """Section 8.1.3.4: try the Contact that is preferred; False when redirections are not followed."""
        if response.statusCode >= 400 or self._redirected >= self.core.configuration.followRedirects:
            return False
        target = redirectTarget(response)
        if target is None:
            return False
        self._redirected += 1
        self._again(response)
        self._outgoing.uri = target
        self._sendAnew()
        return True

    def _raise(self, response: Response) -> bool:
        """RFC 4028 section 7.3: a 422 says how long the session has to last at least."""
        raised = self.core.terms.raised(response, self.minimum)
        if raised is None or self._raised == _MOST_RAISED:
            return False
        self.minimum = raised
        self._raised += 1
        self._again(response)
        outgoing = self._outgoing
        kept = [line for line in outgoing.lines if line[0] not in ("Session-Expires", "Min-SE")]
        outgoing.lines = [*kept, *self.core.terms.ask(None, raised)]
        self._sendAnew()
        return True

    def _again(self, response: Response) -> None:
        """The INVITE is sent anew: what its responses made so far is over."""
        if self._isTaken:
            self._session, self._isTaken = self._fork(), False
        self._endEarly(Reason.REJECTED, True, response)
        self._forks.clear()

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
        if not self._forks:
            code, phrase = (response.statusCode, response.reasonPhrase) if response else (0, reason.text)
            call_log.refused(self._outgoing.callId, "uac", self._outgoing.uri, code, phrase)
            if self.core.watch is not None:
                self.core.watch.calling(self._outgoing, "terminated", code or None, eventOf(reason, byPeer))
        self._endEarly(reason, byPeer, response)
        if not self._isTaken:
            closeSession(self._session)

    def _close(self) -> None:
        self._closed = True
        if self._ringing is not None:
            self._ringing.cancel()
        self.core.calling.pop(self, None)

    def abandoned(self, request: Request) -> None:
        """The callee ended an early dialog of ours by BYE: the INVITE still gets its final answer."""

    def dialogEnded(self, error: SipError) -> None:
        """One of the dialogs is over: what is being answered in it is no use any more; an ACK goes out without."""
        for fork in self._forks.values():
            if fork.dialog.state is Phase.TERMINATED:
                if fork.preparing is not None:
                    self._answered.fire(Failure(error))
                fork.end()
