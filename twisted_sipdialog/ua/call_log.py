"""
One structured event for each call that is over: who, which dialog, how it ended; and one for each REFER to us.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from twisted_sipdialog.status import reasonPhrase

_log = Logger(namespace="twisted_sipdialog.calls")
_referrals = Logger(namespace="twisted_sipdialog.referrals")


def ended(dialog: Any) -> None:
    """A dialog is over."""
    state, times = dialog.dialogState, dialog.times
    _log.info(
        "{role} call {dialogId} with {peer} ended: {reason}, {duration:.3f} s",
        role=state.role,
        dialogId=dialog.id,
        peer=state.remote,
        reason=dialog.ended.reason.text,
        byPeer=dialog.ended.byPeer,
        duration=0.0 if times.connect is None else times.end - times.connect,
    )


def refused(callId: str, role: str, peer: str | None, statusCode: int, phrase: str) -> None:
    """An INVITE came to nothing before there was a dialog."""
    _log.info(
        "{role} call {callId} with {peer} refused: {statusCode} {phrase}",
        role=role,
        callId=callId,
        peer=peer,
        statusCode=statusCode,
        phrase=phrase,
    )


def referred(request: Any, target: Any, statusCode: int) -> None:
    """A REFER to us was answered: who would have us call whom."""
    _referrals.info(
        "{peer} sends us to {target}: {statusCode} {phrase}",
        peer=request.headers.get("from"),
        target=str(target),
        callId=request.callId,
        statusCode=statusCode,
        phrase=reasonPhrase(statusCode),
    )
