"""
How a dialog ended.
"""

from __future__ import annotations

from enum import Enum

import attrs

from twisted_sipdialog.message import Request, Response


class Reason(Enum):
    """
    Why a dialog is over; C{text} is the word the originals have for it.
    """

    REMOTE_BYE = "normal far end release"
    LOCAL_BYE = "normal near end release"
    REMOTE_CANCEL = "cancelled"
    LOCAL_CANCEL = "Canceled"
    REJECTED = "rejected"
    NO_ANSWER = "No Answer"
    EXPIRED = "Expires"
    ACK_TIMEOUT = "ACK timeout"
    NO_PRACK = "No PRACK"
    SESSION_EXPIRED = "Session timer expired"
    DIALOG_ERROR = "Dialog Error"
    OTHER_FORK = "another fork answered"
    REPLACED = "replaced"
    FLOW_LOST = "flow lost"
    MEDIA_LOST = "RTP Timeout"
    SERVICE_STOPPED = "service stopped"

    @property
    def text(self) -> str:
        """The originals' word."""
        return str(self.value)


@attrs.frozen
class Ended:
    """
    The end of a dialog.

    @ivar reason: why.
    @ivar byPeer: the other side ended it.
    @ivar message: the request or response that did it, or None where none did (a timer, a lost flow).
    """

    reason: Reason
    byPeer: bool
    message: Request | Response | None = None
