"""
A dialog as the application meets it (RFC 3261 sections 12, 14, 15; RFC 5057).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from twisted_sipdialog.dialog.ended import Ended, Reason
from twisted_sipdialog.dialog.offer_answer import Exchange
from twisted_sipdialog.dialog.session_timer import Interval
from twisted_sipdialog.dialog.state import DialogState, Phase
from twisted_sipdialog.dialog.usage import INVITE
from twisted_sipdialog.errors import DialogTerminated
from twisted_sipdialog.interfaces import IDialog, IToneSource
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.grammar import quote
from twisted_sipdialog.ua import call_log
from twisted_sipdialog.ua.asking import Asking
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Outcome, Waiters
from twisted_sipdialog.ua.dialog_requests import DialogRequests
from twisted_sipdialog.ua.leg import EVENTS
from twisted_sipdialog.ua.outgoing import Lines, extraLines
from twisted_sipdialog.ua.session import closeSession
from twisted_sipdialog.ua.session_timer import SessionTimer


@implementer(IDialog)
class Dialog(DialogRequests):
    """
    @see: L{IDialog<twisted_sipdialog.interfaces.IDialog>}
    """

    __slots__ = (
        "_destroying",
        "_heldBye",
        "_terminated",
        "changes",
        "invitation",
        "isClosed",
        "unacknowledged",
        "updating",
    )

    def __init__(
        self, core: Core, state: DialogState, request: Request, contact: str, started: float, source: str
    ) -> None:
        super().__init__(core, state, request, contact, started, source)
        #: The context of an INVITE of either side that has no final response yet.
        self.invitation: Any = None
        #: The contexts of INVITEs whose 2xx wait for their ACK.
        self.unacknowledged: tuple[Any, ...] = ()
        #: The context of an UPDATE of the peer that has no final response yet.
        self.updating: Any = None
        #: The queue of changes that we ask for, or None while there was none.
        self.changes: Any = None
        #: The session description was closed.
        self.isClosed = False
        self._terminated: Waiters | None = None
        self._destroying: Waiters | None = None
        self._heldBye: tuple[Lines, Reason, Any] | None = None

    # What the application asks.

    def whenTerminated(self) -> Deferred[Ended]:
        if self._terminated is None:
            self._terminated = Waiters()
            if self.ended is not None:
                self._terminated.fire(self.ended)
        return self._terminated.wait()

    def destroy(self, extraHeaders: Iterable[tuple[str, str]] = (), reason: str | None = None) -> Deferred[Any]:
        lines = extraLines(extraHeaders)
        if reason is not None:
            lines += extraLines([("Reason", f"SIP;cause=200;text={quote(reason)}")])
        if self._destroying is None:
            self._destroying = Waiters()
            self._destroy(lines)
        return self._destroying.wait(Outcome)

    terminate = destroy

    def _destroy(self, lines: Lines) -> None:
        phase = self.state
        if phase is Phase.STABLE:
            self._bye(lines, Reason.LOCAL_BYE)
        elif phase is Phase.PENDING:
            self._heldBye = self._heldBye or (lines, Reason.LOCAL_BYE, None)
        elif phase is Phase.EARLY and not self.invitation.answered:
            self.invitation.giveUp(lines).addCallback(self._destroyed)
        elif phase is Phase.EARLY:
            # Another fork answered our INVITE, and there is nothing to cancel any more (section 9.1).
            self._bye(lines, Reason.LOCAL_BYE)
        elif self.ended is not None:
            self._destroyed(None)
        # Else a BYE of ours is on its way already.

    def _destroyed(self, outcome: Any) -> None:
        if self._destroying is not None:
            self._destroying.fire(outcome)

    # What the peer sends.

    def requestReceived(self, transaction: Any) -> None:
        """A request in this dialog (section 12.2.2); the verb table says who takes it."""
        request = transaction.request
        if self.flow is not None:
            self.core.onlyFlows.met(self, transaction.flow)
        if not self.dialogState.inOrder(request):
            transaction.respond(request.response(500, "Request Out Of Order"))
        elif request.method == "BYE" and self.ended is None:
            self._byeReceived(transaction, request)
        elif self.state is Phase.TERMINATED and request.method not in EVENTS:
            transaction.respond(request.response(481))
        else:
            self.core.verbs[request.method](self.core, transaction, self)

    def _byeReceived(self, transaction: Any, request: Request) -> None:
        invitation = self.invitation
        self.dialogState.phase = Phase.TERMINATED
        transaction.respond(request._respond(200, "OK", "", self.core.identity.serverText, b""))
        if invitation is not None:
            # Section 15.1.2: a call that was not answered yet is refused.
            invitation.abandoned(request)
        self.end(Reason.REMOTE_BYE, True, request)

    def ackReceived(self, request: Request) -> None:
        """An ACK: of a 2xx that waits for it, or a repetition."""
        for waiting in self.unacknowledged:
            if waiting.request.cseqNumber == request.cseqNumber:
                waiting.acknowledged(request)
                return

    def isAcknowledged(self, context: Any) -> None:
        """The 2xx of C{context} waits for its ACK no longer."""
        waiting = self.unacknowledged
        self.unacknowledged = () if waiting == (context,) else tuple([one for one in waiting if one is not context])

    # How it goes on.

    def confirmed(self) -> None:
        """The ACK was received, or sent: the call stands (section 13)."""
        state = self.dialogState
        state.phase = Phase.STABLE
        if state.exchange is Exchange.NONE:
            state.exchanged("failed")  # it was made without a session: the next offer may come
        self._times.connect = self.core.timers.now()
        self.req.shrink()
        if self.res is not None:
            self.res.shrink()
        self.core.tellAll(self.delegate, "dialogConfirmed", self)
        if self._heldBye is not None and self.state is Phase.STABLE:
            self._bye(*self._heldBye)

    @property
    def isEnding(self) -> bool:
        """It is over, or its end is on its way: BYE or CANCEL, or a BYE that waits for the ACK."""
        if self.isOver or self._heldBye is not None:
            return True
        return self.state is Phase.EARLY and self.role == "uac" and self.invitation.isCancelled

    @property
    def isInviting(self) -> bool:
        """An INVITE of ours has no final response, or no ACK, yet."""
        if self.invitation is not None and self.invitation.isOurs:
            return True
        return self.changes is not None and self.changes.isInviting

    def goOn(self) -> None:
        """Something is through that a change of ours may have waited for."""
        if self.changes is not None:
            self.changes.next()

    def adopt(self, session: Any) -> None:
        """C{session} describes the call from here on."""
        if session is self.session:
            return
        if self.isClosed:
            closeSession(session)
            return
        if self.session is not None:
            self.leave(self.session)
            closeSession(self.session)
        self.session = session
        if IToneSource.providedBy(session):
            session.tellTones(self._toneReceived)

    def leave(self, session: Any) -> None:
        """C{session} describes the call no longer: other dialogs of an INVITE of ours may need its like."""
        if self.invitation is not None and self.invitation.isOurs:
            self.invitation.recall(session)

    def _toneReceived(self, tone: str, duration: float) -> None:
        self.core.tellAll(self.delegate, "toneReceived", self, tone, duration)

    def keep(self, interval: Interval | None) -> None:
        """What a 2xx agreed to about the life of the session (RFC 4028)."""
        if self._timing is not None:
            self._timing.stop()
            self._timing = None
        if interval is not None and self.state is not Phase.TERMINATED:
            self._timing = SessionTimer(self, interval)

    def hangUp(self, reason: Reason, lines: Lines | None = None, message: Any = None) -> None:
        """
        We end it ourselves, for C{reason}: BYE, as soon as the callee may send one (section 15).

        @param message: what made us do so, if it was one; else it is the answer to the BYE.
        """
        phase = self.state
        if phase is Phase.EARLY and self.role == "uas":
            self.invitation.giveUp(lines or [], reason, message)
        elif phase is Phase.PENDING and self.unacknowledged:
            self._heldBye = self._heldBye or (lines or [], reason, message)
        elif phase is not Phase.TERMINATED:
            self._bye(*(self._heldBye or (lines or [], reason, message)))

    def misdescribed(self) -> None:
        """Offer and answer do not fit: without a session there is no call (RFC 6337 section 2.3)."""
        self.hangUp(Reason.MEDIA_LOST, [("Reason", 'SIP;cause=488;text="Not Acceptable Here"')])

    def _bye(self, lines: Lines, reason: Reason, message: Any = None) -> None:
        self.dialogState.phase = Phase.TERMINATED
        self._heldBye = None
        # Section 13.2.2.4: first whatever still gets an answer or an ACK of ours.
        self._overtake(reason)
        asking = Asking(self.core, self.outgoing("BYE", b"", lines))
        asking.answered.addBoth(self._byeDone, asking, reason, message)
        asking.start()
        self._closeSession()

    def leaving(self) -> Deferred[Any] | None:
        return self.whenTerminated() if self.state is Phase.TERMINATED and self.ended is None else None

    def _closeSession(self) -> None:
        """Section 15.1.1: the session is over with the BYE, whatever becomes of that."""
        if not self.isClosed:
            self.isClosed = True
            closeSession(self.session)

    def _overtake(self, reason: Reason) -> None:
        """The end came before the answer to an INVITE, or before the ACK."""
        if self._timing is not None:
            self.keep(None)
        overtaken = self.invitation, self.changes, self.updating, *self.unacknowledged
        self.invitation, self.unacknowledged = None, ()
        error = DialogTerminated(f"ended before: {reason.text}", self.ended)
        for context in overtaken:
            if context is not None:
                context.dialogEnded(error)
        if self.reliable is not None:
            self.reliable.end(error)

    def _byeDone(self, outcome: Any, asking: Asking, reason: Reason, message: Any) -> None:
        # Whatever came back, or nothing: the session is over (section 15.1.1).
        self.end(reason, False, message or (outcome if isinstance(outcome, Response) else None))
        sent = asking.request
        self._destroyed(outcome if sent is None else sent)

    def stopped(self) -> None:
        self.end(Reason.SERVICE_STOPPED, False)
        super().stopped()

    def hurry(self) -> None:
        """The service ends soon: section 15 would hold a BYE up to 64*T1, but then nobody would be here to send it."""
        if self._heldBye is not None:
            self._bye(*self._heldBye)

    def end(self, reason: Reason, byPeer: bool, message: Request | Response | None = None) -> None:
        """It is over.  The first call decides; everybody is told once."""
        if not self.takers:  # also when it is over: the ACK and BYE of a late 2xx had its only flow again
            self.core.unregister(self)
        if self.ended is not None:
            return
        self.ended = Ended(reason, byPeer, message)
        self.dialogState.endUsage(INVITE)
        self.dialogState.phase = Phase.TERMINATED
        self._times.end = self.core.timers.now()
        self._overtake(reason)
        # Last: what is being made by it is cancelled before.
        self._closeSession()
        if self._heldBye is not None:
            self._heldBye = None
            self._destroyed(None)
        call_log.ended(self)
        if self.core.watch is not None:
            self.core.watch.moved(self, "terminated")
        if self._terminated is not None:
            self._terminated.fire(self.ended)
        self.core.tellAll(self.delegate, "dialogTerminated", self, self.ended)
