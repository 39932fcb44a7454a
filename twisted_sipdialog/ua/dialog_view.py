"""
What a dialog shows of itself (RFC 3261 section 12): who, with whom, since when, what is agreed.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.dialog.ended import Ended
from twisted_sipdialog.dialog.party import Party, calledParty, callingParty, isTrusted
from twisted_sipdialog.dialog.session_timer import Interval
from twisted_sipdialog.dialog.sides import Side, Sip, Times, readable
from twisted_sipdialog.dialog.state import DialogState, Phase
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.sdp import SessionDescription
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.leg import Leg
from twisted_sipdialog.ua.session_timer import SessionTimer


class DialogView(Leg):
    """
    The attributes of a dialog, all but what it can do.
    """

    __slots__ = (
        "_contact",
        "_data",
        "_source",
        "_times",
        "_timing",
        "acknowledging",
        "authenticated",
        "delegate",
        "ended",
        "isReferred",
        "other",
        "reliable",
        "req",
        "res",
        "session",
    )

    type = "INVITE"

    def __init__(
        self, core: Core, state: DialogState, request: Request, contact: str, started: float, source: str
    ) -> None:
        """
        @param source: the address that the peer's first message came from.
        """
        super().__init__(core, state)
        self.req = request
        self.res: Response | None = None
        self.delegate: Any = None
        self.session: Any = None
        self.other: Any = None
        #: How many PRACKs of ours have no answer yet.
        self.acknowledging = 0
        #: What was sent reliably to the peer's INVITE, as long as a PRACK may come, or None.
        self.reliable: Any = None
        self.ended: Ended | None = None
        self.authenticated = False
        #: A REFER had us place the call.
        self.isReferred = False
        self._contact = contact
        self._source = source
        self._times = Times(started)
        self._timing: SessionTimer | None = None
        self._data: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<Dialog {self.id} {self.state.value}>"

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
        session = self.session
        sdp = session.local if session is not None else None
        kind = session.contentType if sdp is not None else None
        return Side(self._contact.strip("<>"), self._contact, self.dialogState.localTag, sdp, kind)

    @property
    def remote(self) -> Side:
        sdp = self.session.remote if self.session is not None else None
        kind = self.session.contentType if sdp is not None else None
        target = self.dialogState.remoteTarget
        return Side(target, f"<{target}>", self.dialogState.remoteTag, sdp, kind)

    @property
    def callingParty(self) -> Party:
        return callingParty(self.req, self.role == "uac" or self._isTrusted)

    @property
    def calledParty(self) -> Party:
        return calledParty(self.req, self.res if self.role == "uac" else None, self._isTrusted)

    @property
    def _isTrusted(self) -> bool:
        return isTrusted(self.core.configuration.trustIdentity, self._source)

    @property
    def onHold(self) -> bool:
        session = self.session
        return session is not None and (_isHold(session.local) or _isHold(session.remote))

    @property
    def sessionTimer(self) -> Interval | None:
        return None if self._timing is None else self._timing.interval

    @property
    def subscriptions(self) -> list[str]:
        return [usage.event for usage in self.dialogState.usages if usage.kind == "subscribe"]

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

    def toJSON(self) -> dict[str, Any]:
        return {
            "id": readable(self.id),
            "type": self.type,
            "role": self.role,
            "state": self.state.value,
            "sip": self.sip.toJSON(),
            "local": self.local.toJSON(),
            "remote": self.remote.toJSON(),
            "onHold": self.onHold,
            "times": self.times.toJSON(),
        }


def _isHold(sdp: bytes | None) -> bool:
    if not sdp:
        return False
    try:
        return SessionDescription.parse(sdp).isHold
    except ParseError:
        return False
