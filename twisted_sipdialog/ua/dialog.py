"""
A dialog as the application meets it (RFC 3261 sections 12, 14, 15; RFC 5057).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from twisted_sipdialog.dialog.ended import Ended, Reason
from twisted_sipdialog.dialog.sides import Side, Sip, Times
from twisted_sipdialog.dialog.state import DialogState, Phase
from twisted_sipdialog.dialog.usage import INVITE
from twisted_sipdialog.errors import DialogTerminated, InvalidValue
from twisted_sipdialog.interfaces import IDialog
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.grammar import isToken, quote
from twisted_sipdialog.ua import call_log
from twisted_sipdialog.ua.asking import Asking
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Outcome, Waiters
from twisted_sipdialog.ua.outgoing import Lines, Outgoing, extraLines, typeLine
from twisted_sipdialog.ua.session import closeSession

#: What the dialog sends by itself, at the right moment.
_OWN = ("INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE")
#: The answers after which a dialog is as good as gone (RFC 5057 section 5.1), whatever was asked.  Not among them:
#: 408 and no answer at all, since a peer that lets an INFO pass in silence still talks.
_FATAL = (404, 410, 416, 481, 482, 483, 484, 485, 502, 604)


@implementer(IDialog)
class Dialog:
    """
    @see: L{IDialog<twisted_sipdialog.interfaces.IDialog>}
    """

    __slots__ = (
        "_contact",
        "_data",
        "_destroying",
        "_heldBye",
        "_terminated",
        "_times",
        "core",
        "delegate",
        "dialogState",
        "digest",
        "ended",
        "invitation",
        "req",
        "res",
        "session",
        "unacknowledged",
    )

    type = "INVITE"

    def __init__(self, core: Core, state: DialogState, request: Request, contact: str, started: float) -> None:
        self.core = core
        self.dialogState = state
        self.req = request
        self.res: Response | None = None
        self.delegate: Any = None
        self.session: Any = None
        self.digest: Any = None
        #: The context of the INVITE that makes it, while that has no final response.
        self.invitation: Any = None
        #: The context of an INVITE whose 2xx waits for its ACK.
        self.unacknowledged: Any = None
        self.ended: Ended | None = None
        self._contact = contact
        self._times = Times(started)
        self._data: dict[str, Any] | None = None
        self._terminated: Waiters | None = None
        self._destroying: Waiters | None = None
        self._heldBye: tuple[Lines, Reason] | None = None

    def __repr__(self) -> str:
        return f"<Dialog {self.id} {self.state.value}>"

    # What it is.

    @property
    def userAgent(self) -> Any:
        return self.core.userAgent

    @property
    def id(self) -> str:
        callId, local, remote = self.dialogState.id
        caller, callee = (local, remote) if self.role == "uac" else (remote, local)
        return f"{callId};from-tag={caller};to-tag={callee}"

    @property
    def role(self) -> str:
        return self.dialogState.role

    @property
    def state(self) -> Phase:
        return self.dialogState.phase

    @property
    def sip(self) -> Sip:
        return Sip(*self.dialogState.id)

    @property
    def local(self) -> Side:
        sdp = self.session.local if self.session is not None else None
        return Side(self._contact.strip("<>"), self._contact, self.dialogState.localTag, sdp)

    @property
    def remote(self) -> Side:
        sdp = self.session.remote if self.session is not None else None
        target = self.dialogState.remoteTarget
        return Side(target, f"<{target}>", self.dialogState.remoteTag, sdp)

    @property
    def times(self) -> Times:
        return self._times

    @property
    def data(self) -> dict[str, Any]:
        if self._data is None:
            self._data = {}
        return self._data

    @data.setter
    def data(self, data: dict[str, Any] | None) -> None:
        self._data = data

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
            self._heldBye = lines, Reason.LOCAL_BYE
        elif phase is Phase.EARLY:
            self.invitation.giveUp(lines).addCallback(self._destroyed)
        elif self.ended is not None:
            self._destroyed(None)
        # Else a BYE of ours is on its way already.

    def _destroyed(self, outcome: Any) -> None:
        if self._destroying is not None:
            self._destroying.fire(outcome)

    def request(
        self,
        method: str,
        body: bytes = b"",
        contentType: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
    ) -> Deferred[Response]:
        if method in _OWN or not isToken(method):
            raise InvalidValue("method", method, "the dialog sends it by itself: destroy() for BYE")
        lines = extraLines(extraHeaders)
        if body:
            lines += [typeLine(contentType or "text/plain")]
        if self.state is Phase.TERMINATED or self._destroying is not None:
            return fail(DialogTerminated("the dialog is over (RFC 3261 section 15)", self.ended))
        return self.ask(method, body, lines)

    def ask(self, method: str, body: bytes, lines: Lines) -> Deferred[Response]:
        """Send a request in the dialog (section 12.2.1); a Deferred of its final response."""
        asking = Asking(self.core, self.outgoing(method, body, lines))
        asking.answered.addCallback(self._answered)
        asking.start()
        return asking.answered

    def outgoing(self, method: str, body: bytes, lines: Lines, sequence: Any = None) -> Outgoing:
        """A request of ours in this dialog, as it is said."""
        state = self.dialogState
        uri, routes, hop = state.addressing()
        own = [("From", state.local), ("To", state.remote), ("Call-ID", state.callId), *lines]
        if self.digest is None:
            self.digest = self.core.client.digest()
        contact = method in ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER")
        return Outgoing(method, uri, own, sequence or state.nextSequence, body, routes, contact, self.digest, hop)

    # What the peer sends.

    def requestReceived(self, transaction: Any) -> None:
        """A request in this dialog (section 12.2.2); the verb table says who takes it."""
        request = transaction.request
        if not self.dialogState.inOrder(request):
            transaction.respond(request.response(500, "CSeq Out Of Order"))
        elif request.method == "BYE":
            self._byeReceived(transaction, request)
        elif self.state is Phase.TERMINATED:
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
        """An ACK: of the 2xx that waits for it, or a repetition."""
        waiting = self.unacknowledged
        if waiting is not None and waiting.request.cseqNumber == request.cseqNumber:
            waiting.acknowledged(request)

    # How it goes on.

    def confirmed(self) -> None:
        """The ACK was received, or sent: the call stands (section 13)."""
        self.dialogState.phase = Phase.STABLE
        self._times.connect = self.core.timers.now()
        self.invitation = None
        self.req.shrink()
        if self.res is not None:
            self.res.shrink()
        self.core.tellAll(self.delegate, "dialogConfirmed", self)
        if self._heldBye is not None and self.state is Phase.STABLE:
            self._bye(*self._heldBye)

    def hangUp(self, reason: Reason, lines: Lines | None = None) -> None:
        """We end it ourselves, for C{reason}: BYE, as soon as the callee may send one (section 15)."""
        phase = self.state
        if phase is Phase.EARLY and self.role == "uas":
            self.invitation.giveUp(lines or [])
        elif phase is Phase.PENDING and self.unacknowledged is not None:
            self._heldBye = self._heldBye or (lines or [], reason)
        elif phase is not Phase.TERMINATED:
            self._bye(lines or [], reason)

    def _bye(self, lines: Lines, reason: Reason) -> None:
        self.dialogState.phase = Phase.TERMINATED
        self._heldBye = None
        asking = Asking(self.core, self.outgoing("BYE", b"", lines))
        asking.answered.addBoth(self._byeDone, asking, reason)
        asking.start()
        self._overtake(reason)

    def _overtake(self, reason: Reason) -> None:
        """The end came before the answer to an INVITE, or before the ACK."""
        overtaken = self.invitation, self.unacknowledged
        self.invitation = self.unacknowledged = None
        for context in overtaken:
            if context is not None:
                context.dialogEnded(DialogTerminated(f"ended before: {reason.text}", self.ended))

    def _byeDone(self, outcome: Any, asking: Asking, reason: Reason) -> None:
        # Whatever came back, or nothing: the session is over (section 15.1.1).
        self.end(reason, False, outcome if isinstance(outcome, Response) else None)
        sent = asking.request
        self._destroyed(outcome if sent is None else sent)

    def _answered(self, response: Response) -> Response:
        """What the final response to one of our requests means for the dialog itself (RFC 5057 section 5.1)."""
        if response.statusCode in _FATAL:
            self.hangUp(Reason.DIALOG_ERROR)
        return response

    def stopped(self) -> None:
        """The service ends and waits no longer."""
        self.end(Reason.SERVICE_STOPPED, False)

    def hurry(self) -> None:
        """The service ends soon: section 15 would hold a BYE up to 64*T1, but then nobody would be here to send it."""
        if self._heldBye is not None:
            self._bye(*self._heldBye)

    def end(self, reason: Reason, byPeer: bool, message: Request | Response | None = None) -> None:
        """It is over.  The first call decides; everybody is told once."""
        if self.ended is not None:
            return
        self.ended = Ended(reason, byPeer, message)
        self.dialogState.endUsage(INVITE)
        self.dialogState.phase = Phase.TERMINATED
        self._times.end = self.core.timers.now()
        self.core.unregister(self)
        closeSession(self.session)
        self._overtake(reason)
        if self._heldBye is not None:
            self._heldBye = None
            self._destroyed(None)
        call_log.ended(self)
        if self._terminated is not None:
            self._terminated.fire(self.ended)
        self.core.tellAll(self.delegate, "dialogTerminated", self, self.ended)
