"""
PRACK (RFC 3262), from both ends.

As the caller: each reliable provisional is taken in order and acknowledged, within the
early dialog of its own To tag.  As the callee: a PRACK finds the provisional it means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from twisted_sipdialog.dialog.offer_answer import Exchange, refusalOf
from twisted_sipdialog.dialog.reliable import Order, Received, rackOf
from twisted_sipdialog.errors import ParseError, SipError
from twisted_sipdialog.message import Response
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import cancel
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.outgoing import typeLine
from twisted_sipdialog.ua.server_context import ServerContext
from twisted_sipdialog.ua.session import lend, sdpOf, takeBack

#: How often the PRACK to one provisional is sent, if it is answered with 500.
_TRIES = 3


class Acknowledging:
    """
    The reliable provisionals that one of our INVITEs gets within one dialog (section 4).

    @ivar waiting: the Deferred of an answer to the peer's offer that is being made, or None.
    @ivar isExchanged: one of them had the answer to the INVITE's offer, or the offer that was answered.
    @ivar before: what described the session until then, if it was something else; or None.
    """

    __slots__ = ("_dialog", "_failed", "_received", "_session", "before", "isExchanged", "waiting")

    def __init__(self, dialog: Dialog, session: Any, failed: Callable[[Failure], None]) -> None:
        """
        @param session: what takes and answers the descriptions in them.
        @param failed: told when the description in one of them was of no use; it was acknowledged all the same.
        """
        self._dialog = dialog
        self._session = session
        self._failed = failed
        self._received = Received()
        self.waiting: Deferred[Any] | None = None
        self.isExchanged = False
        self.before: Any = None

    def take(self, response: Response, rseq: int) -> bool:
        """
        Acknowledge it; False when it is none to look at: a repetition, or one before it is missing (section 4).
        """
        if self._received.orderOf(response, rseq) is not Order.NEXT:
            return False
        state, session = self._dialog.dialogState, self._session
        try:
            sdp = sdpOf(response)
            if self.isExchanged:
                pass  # an offer that is open now went by an UPDATE
            elif sdp is not None and state.exchange is Exchange.LOCAL:
                session.update(sdp)
                state.exchanged("answer received")
                self.isExchanged = True
                self.before = lend(session, self._dialog)
            elif sdp is not None and state.exchange is Exchange.NONE:
                state.exchanged("offer received")
                described = session.answer(sdp)
                if not isinstance(described, bytes):
                    self.waiting = described
                    described.addCallbacks(
                        self._answered, self._unanswered, (response, rseq), errbackArgs=(response, rseq)
                    )
                    return True
                self._answered(described, response, rseq)
                return True
        except Exception:
            self._unanswered(Failure(), response, rseq)
            return True
        self._acknowledge(response, rseq, b"")
        return True

    def _answered(self, answer: bytes, response: Response, rseq: int) -> None:
        self.waiting = None
        if self._dialog.ended is None:
            self._dialog.dialogState.exchanged("answer sent")
            self.isExchanged = True
            self.before = lend(self._session, self._dialog)
            self._acknowledge(response, rseq, answer)

    def _unanswered(self, failure: Failure, response: Response, rseq: int) -> None:
        self.waiting = None
        if self._dialog.ended is None:
            if self._dialog.dialogState.exchange is Exchange.REMOTE:
                self._dialog.dialogState.exchanged("failed")
            self._acknowledge(response, rseq, b"")
            self._failed(failure)

    def _acknowledge(self, response: Response, rseq: int, body: bytes, tries: int = _TRIES) -> None:
        lines = [rackOf(response, rseq)]
        if body:
            lines.append(typeLine(self._session.contentType))
        # 4: it is a request like any other; that it failed shows at the callee, who repeats the provisional in vain.
        self._dialog.acknowledging += 1
        asking = self._dialog.ask("PRACK", body, lines)
        asking.addErrback(lambda failure: failure.trap(SipError) and None)
        asking.addCallback(self._acknowledged, response, rseq, body, tries - 1)

    def _acknowledged(self, answer: Response | None, response: Response, rseq: int, body: bytes, tries: int) -> None:
        dialog = self._dialog
        dialog.acknowledging -= 1
        if answer is not None and answer.statusCode == 500 and tries and dialog.ended is None:
            # RFC 3261 section 12.2.2: lost, and overtaken by a later request of ours, it comes out of order.
            self._acknowledge(response, rseq, body, tries)
        dialog.goOn()

    def end(self) -> None:
        """Nobody waits for the answer any more."""
        waiting, self.waiting = self.waiting, None
        cancel(waiting)


def prackReceived(core: Core, transaction: Any, dialog: Dialog) -> None:
    """Section 3: 200 when it acknowledges what we sent, else 481."""
    request = transaction.request
    try:
        reliable = dialog.reliable
        if reliable is not None and reliable.acknowledged(request):
            PrackContext(core, transaction, dialog).settle(reliable)
            return
    except ParseError as error:
        transaction.respond(request.badRequest(error))
        return
    transaction.respond(request.response(481))


class PrackContext(ServerContext):
    """A PRACK that means a provisional of ours; it may carry an answer, or the next offer (section 5)."""

    __slots__ = ("_answering",)

    def __init__(self, core: Core, transaction: Any, dialog: Dialog) -> None:
        super().__init__(core, transaction, dialog, 200)
        self._answering: Deferred[Any] | None = None

    def settle(self, reliable: Any) -> None:
        """Answer it, and tell who waits for it."""
        state = self.dialog.dialogState
        try:
            sdp = sdpOf(self.request)
            if state.exchange is Exchange.LOCAL and reliable.isDescribed:
                if sdp is None:
                    raise ParseError("the PRACK has no answer to our offer")
                reliable.takeAnswer(sdp)
            elif sdp is not None:
                self._offered(reliable, sdp)
                return
        except Exception:
            failure = Failure()
            self._refuseFor(failure)
            self._settled(reliable, failure)
            return
        self.accept()
        self._settled(reliable, None)

    def _offered(self, reliable: Any, offer: bytes) -> None:
        """The next offer: what stands, stands also when nothing answers this one."""
        dialog = self.dialog
        refusal = refusalOf(dialog.dialogState.exchange)
        if refusal is not None:
            self.reject(refusal)
            self._settled(reliable, None)
            return
        dialog.dialogState.exchanged("offer received")
        reliable.describe()
        answering = self._answering = maybeDeferred(dialog.session.answer, offer)
        dialog.updating = self  # as an UPDATE would be: no other offer meanwhile, and the end of the call ends it
        self.wait()
        answering.addCallback(self._answered).addErrback(self._unanswered)
        answering.addCallback(lambda _: self._settled(reliable, None))

    def _answered(self, answer: bytes) -> None:
        if not self.answered:
            self.dialog.dialogState.exchanged("answer sent")
            self.accept(body=answer, contentType=self.dialog.session.contentType)
        else:
            takeBack(self.dialog.session, self.dialog)  # it came too late

    def _unanswered(self, failure: Failure) -> None:
        if not self.answered:
            self._refuseFor(failure)

    def responded(self, response: Response) -> None:
        """No delegate has this context; of the PRACK C{prackReceived} tells, once the provisional is settled."""

    def _close(self) -> None:
        super()._close()
        dialog = self.dialog
        if dialog.updating is self:
            dialog.updating = None
        if self._answering is not None and dialog.dialogState.exchange is Exchange.REMOTE:
            dialog.dialogState.exchanged("failed")

    def _overdue(self, _: Any) -> None:
        super()._overdue(_)
        cancel(self._answering)

    def dialogEnded(self, error: SipError) -> None:
        """RFC 3261 section 15.1.2: what is still open is answered with 487."""
        if not self.answered:
            self.reject(487)
            cancel(self._answering)

    def _settled(self, reliable: Any, failure: Failure | None) -> None:
        dialog = self.dialog
        if dialog.ended is None:
            reliable.settled(self.request, failure)
        if dialog.ended is None:
            self.core.tellAll(dialog.delegate, "prackReceived", dialog, self.request)
            dialog.goOn()
