"""
The moves of a call in the dialog state machine of RFC 4235 (section 3.7.1), as plain values.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.sides import readable

#: The states, in the order they are passed through; all but the first and the last can be left out.
STATES: Final = ("trying", "proceeding", "early", "confirmed", "terminated")

#: How a dialog ended -> the event that led to the terminated state.
_EVENTS: Final = {
    Reason.REMOTE_BYE: "remote-bye",
    Reason.LOCAL_BYE: "local-bye",
    Reason.REMOTE_CANCEL: "cancelled",
    Reason.LOCAL_CANCEL: "cancelled",
    Reason.REJECTED: "rejected",
    Reason.NO_ANSWER: "timeout",
    Reason.EXPIRED: "timeout",
    Reason.ACK_TIMEOUT: "timeout",
    Reason.NO_PRACK: "timeout",
    Reason.SESSION_EXPIRED: "timeout",
    Reason.DIALOG_ERROR: "error",
    Reason.FLOW_LOST: "error",
    Reason.MEDIA_LOST: "error",
    # Nobody refused it: the caller has no more use for it, and its callee is sent a CANCEL.
    Reason.OTHER_FORK: "cancelled",
    Reason.REPLACED: "replaced",
    Reason.SERVICE_STOPPED: "local-bye",
}


def eventOf(reason: Reason, byPeer: bool) -> str:
    """
    The event of RFC 4235 (section 3.7.1) that ends a dialog for C{reason}.

    @param byPeer: the other side ended it: its BYE is a C{remote-bye}, whatever it gave as its reason.
    """
    event = _EVENTS[reason]
    return "remote-bye" if byPeer and event == "local-bye" else event


@attrs.frozen
class StateChange:
    """
    A call is in another state now.

    @ivar state: one of L{STATES}.
    @ivar event: what led to C{"terminated"}: C{"cancelled"}, C{"rejected"}, C{"replaced"}, C{"local-bye"},
        C{"remote-bye"}, C{"error"} or C{"timeout"}; None in the other states (section 4.1.3).
    @ivar code: the status code that did it, or None.
    @ivar direction: C{"initiator"}: we sent the INVITE; C{"recipient"}.
    @ivar remoteTag: the peer's, None while it has given none.
    @ivar localUri: who we are in it.
    @ivar remoteUri: who the peer is.
    @ivar target: the URI of the peer's Contact, None while it is not known.
    @ivar duration: whole seconds since it began, or None.
    """

    state: str
    event: str | None
    code: int | None
    direction: str
    callId: str
    localTag: str
    remoteTag: str | None
    localUri: str
    remoteUri: str
    target: str | None = None
    duration: int | None = None

    @property
    def id(self) -> str:
        """What tells the dialog from all others of this user agent (section 4.1.1)."""
        remote = f";remote-tag={self.remoteTag}" if self.remoteTag else ""
        return f"{self.callId};local-tag={self.localTag}{remote}"

    def toJSON(self) -> dict[str, Any]:
        """A plain value that JSON carries."""
        plain = {
            "id": self.id,
            "state": self.state,
            "event": self.event,
            "code": self.code,
            "direction": self.direction,
            "callId": self.callId,
            "localTag": self.localTag,
            "remoteTag": self.remoteTag,
            "localUri": self.localUri,
            "remoteUri": self.remoteUri,
            "target": self.target,
            "duration": self.duration,
        }
        return {name: readable(value) if isinstance(value, str) else value for name, value in plain.items()}
