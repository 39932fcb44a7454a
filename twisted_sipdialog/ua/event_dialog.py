"""
A dialog without a session: one that a REFER, or a SUBSCRIBE, made outside any other (RFC 6665 section 4.4.1).
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.dialog.ended import Ended, Reason
from twisted_sipdialog.dialog.state import DialogState
from twisted_sipdialog.message import Request
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.leg import EVENTS, Leg


class EventDialog(Leg):
    """
    It lives as long as its usages do.
    """

    __slots__ = ()

    @classmethod
    def madeBy(cls, core: Core, transaction: Any, localTag: str) -> EventDialog:
        """
        That which our 2xx to a request makes (RFC 3261 section 12.1.1); its usages are still to come.

        @raise ParseError: as L{DialogState.asServer}.
        """
        state = DialogState.asServer(transaction.request, localTag)
        state.usages = ()
        made = cls(core, state)
        core.register(made, transaction.flow)
        return made

    def __repr__(self) -> str:
        return f"<EventDialog {self.dialogState.id} {[*self.takers]}>"

    @property
    def ended(self) -> Ended | None:
        return None if self.takers else Ended(Reason.REJECTED, False)

    def requestReceived(self, transaction: Any) -> None:
        """A request in it (section 12.2.2)."""
        request = transaction.request
        if self.flow is not None:
            self.core.onlyFlows.met(self, transaction.flow)
        if not self.dialogState.inOrder(request):
            transaction.respond(request.response(500, "Request Out Of Order"))
        elif request.method in EVENTS:
            self.core.verbs[request.method](self.core, transaction, self)
        elif request.method == "BYE":
            transaction.respond(request.response(481))  # section 15.1.2: there is no session to end
        else:
            transaction.respond(request.response(405, headers=[("Allow", ", ".join(EVENTS))]))

    def ackReceived(self, request: Request) -> None:
        """There is no INVITE that it could acknowledge."""

    def end(self, reason: Reason, byPeer: bool) -> None:
        """There is no session in it that could end."""
