"""
An INVITE that was accepted, until its ACK (RFC 3261 section 13.3.1.4).
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import NoAck, RemoteError
from twisted_sipdialog.message import Request
from twisted_sipdialog.status import Cause
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import fire
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.server_context import ServerContext
from twisted_sipdialog.ua.session import sdpOf


class AcceptedContext(ServerContext):
    """
    What an invitation does from its 2xx on: repeat it, and take the ACK.
    """

    __slots__ = ("_acknowledged", "_deadline", "_interval", "_lateOffer", "_session")

    # While something is repeated, or an answer is waited for.
    _deadline: float
    _interval: float

    def __init__(self, core: Core, transaction: Any, dialog: Dialog | None, default: int) -> None:
        super().__init__(core, transaction, dialog, default)
        self._acknowledged: Deferred[Any] | None = None
        self._session: Any = None
        self._lateOffer = False

    def _awaitAck(self) -> None:
        """The 2xx was sent: after T1 it goes out again, then after twice as long, up to T2; 64*T1 in all."""
        timers = self.core.configuration.timers
        now = self.core.timers.now()
        self._deadline = now + timers.transaction
        self._interval = timers.T1
        self._timer = self.core.timers.at(now + timers.T1, self._repeat)

    def _repeat(self, _: Any) -> None:
        """Over every transport: the ACK comes from the caller itself, across hops that may lose it."""
        due = self._timer.deadline
        response = self.response
        assert response is not None
        if due >= self._deadline - 1e-6:
            self._timer = None
            self._unacknowledged()
            return
        self._interval = min(2 * self._interval, self.core.configuration.timers.T2)
        self._timer = self.core.timers.at(min(due + self._interval, self._deadline), self._repeat)
        self.transaction.respond(response)

    def _unacknowledged(self) -> None:
        dialog = self.dialog
        dialog.isAcknowledged(self)
        self._close()
        acknowledged, self._acknowledged = self._acknowledged, None
        dialog.hangUp(Reason.ACK_TIMEOUT, [("Reason", 'SIP;cause=200;text="ACK timeout"')])
        self.core.tellAll(dialog.delegate, "requestFailed", self, None, Cause.NO_ACK)
        fire(acknowledged, Failure(NoAck(f"no ACK for {dialog.id}")))

    def acknowledged(self, ack: Request) -> None:
        """The ACK is here: the call stands."""
        dialog = self.dialog
        dialog.isAcknowledged(self)
        self._close()
        if self._lateOffer and not self._takeAnswer(ack):
            return
        self._stand(dialog)
        self.core.tellAll(dialog.delegate, "ackReceived", dialog, ack)
        acknowledged, self._acknowledged = self._acknowledged, None
        fire(acknowledged, dialog)
        dialog.goOn()

    def _stand(self, dialog: Dialog) -> None:
        """The ACK was in order."""
        dialog.confirmed()

    def _takeAnswer(self, ack: Request) -> bool:
        """The ACK answers the offer of our 2xx (section 13.2.1); without a usable answer there is no session."""
        try:
            answer = sdpOf(ack)
            if answer is None:
                raise RemoteError("the ACK has no answer to our offer")
            self._session.update(answer)
            self.dialog.dialogState.exchanged("answer received")
        except Exception:
            failure = Failure()
            acknowledged, self._acknowledged = self._acknowledged, None
            self.dialog.dialogState.phase = Phase.STABLE
            self.dialog.misdescribed()
            self.core.tellAll(self.dialog.delegate, "requestFailed", self, None, Cause.BAD_MEDIA_DESCRIPTION)
            fire(acknowledged, failure)
            return False
        return True
