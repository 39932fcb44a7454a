"""
Every call of the user agent as a stream of plain values: the state machine of RFC 4235 section 3.7.1.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.dialog.state_change import StateChange, eventOf
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.grammar import parameterOf
from twisted_sipdialog.ua.delegation import tell
from twisted_sipdialog.ua.outgoing import Outgoing


class Watch:
    """
    Tells the user agent's delegate (C{dialogStateChanged}); there is one only if that wants to know.
    """

    def __init__(self, delegate: Any) -> None:
        self._delegate = delegate

    def _tell(self, change: StateChange) -> None:
        tell(self._delegate, "dialogStateChanged", change)

    def calling(self, outgoing: Outgoing, state: str, code: int | None = None, event: str | None = None) -> None:
        """An INVITE of ours that has made no dialog."""
        lines = dict(outgoing.lines)
        own, peer = lines["From"], lines["To"]
        tag = parameterOf(own, "tag") or ""
        self._tell(
            StateChange(
                state, event, code, "initiator", outgoing.callId, tag, None, _uri(own), _uri(peer), outgoing.uri
            )
        )

    def called(
        self, request: Request, localTag: str, state: str, code: int | None = None, event: str | None = None
    ) -> None:
        """An INVITE to us that has made no dialog."""
        own, peer = request.headers.get("to") or "", request.headers.get("from") or ""
        ids = request.callId, localTag, request.fromTag
        self._tell(StateChange(state, event, code, "recipient", *ids, _uri(own), _uri(peer)))

    def moved(self, dialog: Any, state: str, response: Response | None = None) -> None:
        """A dialog was made, or confirmed, by C{response}; or it is over."""
        known, event = dialog.dialogState, None
        ended = dialog.ended
        if ended is not None:
            event = eventOf(ended.reason, ended.byPeer)
            response = ended.message if isinstance(ended.message, Response) else None
        self._tell(
            StateChange(
                state,
                event,
                None if response is None else response.statusCode,
                "initiator" if known.role == "uac" else "recipient",
                known.callId,
                known.localTag,
                known.remoteTag,
                _uri(known.local),
                _uri(known.remote),
                known.remoteTarget,
                int(dialog.core.timers.now() - dialog.times.start),
            )
        )


def _uri(value: str) -> str:
    try:
        return str(Address.parse(value).uri)
    except ParseError:
        return value
