"""
re-INVITE as its receiver (RFC 3261 section 14.2).
"""

from __future__ import annotations

from typing import Any, Final

from zope.interface import implementer

from twisted_sipdialog.dialog.change import Change, changeOf
from twisted_sipdialog.dialog.offer_answer import Exchange, refusalOf
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import SipError
from twisted_sipdialog.interfaces import IInviteServerContext
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import ask, overrides
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.invite_server import InviteServerContext
from twisted_sipdialog.ua.session import describeAnew, restore, takeBack

#: How many 2xx of ours in one dialog may wait for their ACK.
_MOST: Final = 4

#: What a delegate is told of a change that was answered by default.
TOLD = {
    Change.REFRESH: "dialogRefreshed",
    Change.HOLD: "dialogHeld",
    Change.RESUME: "dialogResumed",
    Change.MODIFY: "dialogModified",
}


def refuse(core: Core, transaction: Any, request: Request, statusCode: int) -> None:
    """A 491; or a 500 with up to ten seconds in Retry-After (section 14.2)."""
    seconds = str(core.identity.random.getrandbits(16) % 11)
    transaction.respond(request.response(statusCode, headers=[("Retry-After", seconds)] if statusCode == 500 else ()))


def isOffering(dialog: Dialog) -> bool:
    """An offer of ours is being made, in a change or in the response to an INVITE of theirs that has none."""
    changes, invitation = dialog.changes, dialog.invitation
    return (changes is not None and changes.isOffering) or (invitation is not None and invitation.owesOffer)


def isDefault(core: Core, dialog: Dialog, change: Change, delegate: Any, verb: str) -> bool:
    """
    The change is answered by the session description, and told: somebody wants to hear of just that, or C{delegate}
    has no C{verb} that would take it as a request.
    """
    told = overrides(dialog.delegate, TOLD[change]) or overrides(core.delegate, TOLD[change])
    return (told and change is not Change.MODIFY) or not overrides(delegate, verb)


def reinviteReceived(core: Core, transaction: Any, dialog: Dialog) -> None:
    """A re-INVITE: by default the session description answers (section 14.2)."""
    request = transaction.request
    state = dialog.dialogState
    refusal: int | None = None
    if dialog.isInviting or (dialog.invitation is None and isOffering(dialog)):
        # Ours has no final answer yet, or no ACK; or is about to be sent.
        refusal = 491
    elif dialog.invitation is not None or len(dialog.unacknowledged) >= _MOST:
        # Theirs has none; or it never acknowledges, and each 2xx is repeated for 64*T1.
        refusal = 500
    elif state.exchange is not Exchange.STABLE:
        # RFC 5407 section 3.1.3: without an ACK it may come, but no second offer while one is open.
        refusal = refusalOf(state.exchange)
    if refusal is not None:
        refuse(core, transaction, request, refusal)
        return
    context = ReinviteServerContext(core, transaction, dialog)
    dialog.invitation = context
    context.admit()
    if isDefault(core, dialog, context.change, dialog.delegate, "inviteReceived"):
        context.answerByDefault()
    else:
        ask(dialog.delegate, "inviteReceived", context)


@implementer(IInviteServerContext)
class ReinviteServerContext(InviteServerContext):
    """
    An INVITE within a dialog: whatever becomes of it, the dialog stays as it was or goes on with the new session.
    """

    __slots__ = ("_byDefault",)

    def __init__(self, core: Core, transaction: Any, dialog: Dialog) -> None:
        super().__init__(core, transaction, dialog)
        offer = self.offer
        self._byDefault = False
        self.change = changeOf(dialog.remote.sdp, offer)
        if offer is not None:
            dialog.dialogState.exchanged("offer received")

    def _describe(self, body: bytes | None, contentType: str | None, media: Any, modifiers: tuple[Any, ...]) -> Any:
        return describeAnew(self.core, self.dialog, body, contentType, media, self.transaction.flow, modifiers)

    @property
    def owesOffer(self) -> bool:  # type: ignore[override]
        """Theirs has no offer; ours was not sent yet, or has no answer."""
        return self.offer is None and not (self._isExchanged and self._session.remote is not None)

    @property
    def _delegate(self) -> Any:
        return self.dialog.delegate

    def _agreed(self, dialog: Dialog, response: Response) -> None:
        self.core.onlyFlows.moved(dialog, self.request, self.transaction.flow)

    def _isSent(self, dialog: Dialog, response: Response) -> None:
        if self._byDefault and not self._lateOffer:
            self.core.tellAll(dialog.delegate, TOLD[self.change], dialog, self.request)

    def _takeAnswer(self, ack: Request) -> bool:
        before = self.dialog.remote.sdp
        taken = super()._takeAnswer(ack)
        if taken and self._byDefault:
            # Only now it shows what the request without an offer was for.
            self.change = changeOf(before, self.dialog.remote.sdp)
        return taken

    def _stand(self, dialog: Dialog) -> None:
        if self._byDefault and self._lateOffer:
            self.core.tellAll(dialog.delegate, TOLD[self.change], dialog, self.request)
        self.request.shrink()

    def _endReliable(self, error: SipError) -> None:
        reliable = self.reliable
        if reliable is None or self.dialog.state is Phase.TERMINATED or reliable.describing:
            super()._endReliable(error)
        else:
            reliable.refuse(error)

    def _endDialog(self, response: Response) -> None:
        dialog = self.dialog
        dialog.invitation = None
        self._takeBack(dialog)
        if dialog.state is not Phase.TERMINATED:
            dialog.goOn()

    def _takeBack(self, dialog: Dialog) -> None:
        """The session is what it was before, and no offer of this is open (RFC 6141 section 3)."""
        state = dialog.dialogState
        unanswered = Exchange.LOCAL if self.owesOffer else Exchange.REMOTE
        if state.exchange is unanswered and (self.owesOffer or not self._isExchanged):
            state.exchanged("failed")
        before, self._before = self._before, None
        if before is not None:
            restore(before, dialog)
        elif self._described is not None:
            takeBack(self._session, dialog)

    def answerByDefault(self) -> None:
        if self.answered or self._acknowledged is not None:
            return
        if self.dialog.session is None:
            self.reject(488)
        else:
            self._byDefault = True
            self.accept().addErrback(lambda _: None)
