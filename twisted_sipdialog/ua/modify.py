"""
re-INVITE (RFC 3261 section 14): here as its receiver.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.interfaces import IInviteServerContext
from twisted_sipdialog.message import Response
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import ask
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.invite_server import InviteServerContext


def reinviteReceived(core: Core, transaction: Any, dialog: Dialog) -> None:
    """A re-INVITE: by default the session description answers (section 14.2)."""
    request = transaction.request
    if dialog.invitation is not None or dialog.state is Phase.EARLY:
        # The first one has no final answer yet.
        seconds = core.identity.random.getrandbits(16) % 11
        transaction.respond(request.response(500, headers=[("Retry-After", str(seconds))]))
        return
    if dialog.unacknowledged is not None:
        # Its offer may still be open, until the ACK (RFC 5407 section 3.1.2 would let only some through).
        transaction.respond(request.response(491))
        return
    context = ReinviteServerContext(core, transaction, dialog)
    dialog.invitation = context
    context.admit()
    ask(dialog.delegate, "inviteReceived", context)


@implementer(IInviteServerContext)
class ReinviteServerContext(InviteServerContext):
    """
    An INVITE within a dialog: whatever becomes of it, the dialog stays as it was or goes on with the new session.
    """

    __slots__ = ()

    def _describe(self, body: bytes | None, contentType: str | None, media: Any) -> Any:
        if body is None and media is None and self.dialog.session is not None:
            return self.dialog.session
        return super()._describe(body, contentType, media)

    @property
    def _isDialogs(self) -> bool:
        return self._session is self.dialog.session

    @property
    def _delegate(self) -> Any:
        return self.dialog.delegate

    def _agreed(self, dialog: Dialog) -> None:
        dialog.dialogState.refreshTarget(self.request)

    def _stand(self, dialog: Dialog) -> None:
        self.request.shrink()

    def _endDialog(self, response: Response) -> None:
        self.dialog.invitation = None

    def answerByDefault(self) -> None:
        if self.answered or self._acknowledged is not None:
            return
        if self.dialog.session is None:
            self.reject(488)
        else:
            self.accept().addErrback(lambda _: None)
