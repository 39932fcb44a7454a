"""
Our side of a dialog, whatever it is there for (RFC 5057): what we send in it, and the usages that share it.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import Deferred

from twisted_sipdialog.dialog.state import DialogState
from twisted_sipdialog.errors import TransportError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.ua.asking import Asking
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.outgoing import Lines, Outgoing

#: What moves the remote target, and so carries our Contact (section 12.2.1.1).
_REFRESHING: Final = ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER")
#: What belongs to a subscription (RFC 6665), and may come when the session is over already.
EVENTS: Final = ("NOTIFY", "SUBSCRIBE")


class Leg:
    """
    @ivar dialogState: what is known of the dialog.
    @ivar digest: what it knows of challenges, or None while it has sent nothing.
    @ivar flow: the only connection by which the peer can be reached, or None.
    @ivar takers: the usages beside the session, each with C{takes(method, event)},
        C{requestReceived(transaction, leg)}, C{legStopped(error)}.  As long as there is one, the dialog takes requests.
    @ivar refers: how many REFERs of the peer came in it.
    @ivar followed: the context of the one of them that was followed last, then the dialog of its call; None without.
    """

    __slots__ = ("core", "dialogState", "digest", "flow", "followed", "refers", "takers")

    #: How it ended, None while it lives.
    ended: Any

    def __init__(self, core: Core, state: DialogState) -> None:
        self.core = core
        self.dialogState = state
        self.digest: Any = None
        self.flow: Any = None
        self.takers: tuple[Any, ...] = ()
        self.refers = 0
        self.followed: Any = None

    # What we send.

    def ask(self, method: str, body: bytes, lines: Lines) -> Deferred[Response]:
        """Send a request in the dialog (section 12.2.1); a Deferred of its final response."""
        asking = Asking(self.core, self.outgoing(method, body, lines))
        asking.answered.addCallback(self.concluded)
        asking.start()
        return asking.answered

    def outgoing(self, method: str, body: bytes, lines: Lines, sequence: Any = None) -> Outgoing:
        """A request of ours in this dialog, as it is said."""
        state = self.dialogState
        uri, routes, hop = state.addressing()
        own = [("From", state.local), ("To", state.remote), ("Call-ID", state.callId), *lines]
        if self.digest is None:
            self.digest = self.core.client.digest()
        sequence = sequence or state.nextSequence
        return Outgoing(method, uri, own, sequence, body, routes, method in _REFRESHING, self.digest, hop, self.flow)

    def concluded(self, response: Response) -> Response:
        """What the final response to one of our requests means for the dialog itself."""
        return response

    def isOvertaken(self, request: Request | None, response: Response) -> bool:
        """
        C{request} of ours was refused as a later one of ours came there first (section 12.2.2); said again it is in
        order.
        """
        isLate = request is not None and request.cseqNumber < self.dialogState.localSequence
        return isLate and response.statusCode == 500

    def leaving(self) -> Deferred[Any] | None:
        """Fires when our BYE, which is on its way, is through; None: there is none."""
        return None

    # The usages.

    def attach(self, taker: Any) -> None:
        """C{taker} is a further usage."""
        self.takers += (taker,)

    def detach(self, taker: Any) -> None:
        """It is over; with the last one the dialog is (RFC 5057 section 4)."""
        self.takers = tuple([other for other in self.takers if other is not taker])
        if not self.takers and self.ended is not None:
            self.core.unregister(self)

    def stopped(self) -> None:
        """The service ends and waits no longer."""
        for taker in self.takers:
            taker.legStopped(TransportError("the service stopped"))
