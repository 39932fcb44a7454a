"""
The verbs that change a session or keep it alive: C{modify()}, C{update()}, the refresh of session timers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import InvalidState, InvalidValue, ResponseError, SipError
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.changes import Changes
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.modification import Modification
from twisted_sipdialog.ua.outgoing import Lines, typeLine
from twisted_sipdialog.ua.reinvite_client import Reinvite
from twisted_sipdialog.ua.session import SDP, checkModifiers
from twisted_sipdialog.ua.update import RawUpdate, Update
from twisted_sipdialog.ua.wanted import Wanted

#: What C{modify()} takes for an offer by its name.
_LIMITS: Final = {
    "hold": "sendonly",
    "unhold": "sendrecv",
    **{direction: direction for direction in ("sendrecv", "sendonly", "recvonly", "inactive")},
}


def modify(
    dialog: Dialog, sdp: Any, lines: Lines, contentType: str, method: str | None, modifiers: Iterable[Any] = ()
) -> Deferred[Any]:
    """
    @see: L{IDialog.modify<twisted_sipdialog.interfaces.IDialog>}
    """
    if method not in (None, "INVITE", "UPDATE"):
        raise InvalidValue("method", method, "INVITE, UPDATE, or None for what fits")
    typeLine(contentType)  # may raise
    checked = checkModifiers(modifiers, sdp if isinstance(sdp, bytes) else None, contentType) if modifiers else ()
    if sdp is None:
        if method == "UPDATE":
            raise InvalidValue("method", method, "without an offer it is a re-INVITE: an UPDATE has none to give back")
        wanted = Wanted(offers=False, modifiers=checked)
    elif isinstance(sdp, bytes) and sdp:
        wanted = Wanted(body=sdp, contentType=contentType, modifiers=checked)
    elif isinstance(sdp, str) and sdp in _LIMITS:
        wanted = Wanted(limit=_LIMITS[sdp], resumes=sdp == "unhold", modifiers=checked)
    else:
        raise InvalidValue("sdp", sdp, "an offer as bytes, one of " + ", ".join(_LIMITS) + ", or None")
    if dialog.isOver:
        return fail(dialog.over())
    early = dialog.state is Phase.EARLY
    if method is None:
        method = "UPDATE" if early and sdp is not None else "INVITE"
    refusal: str | None = None
    if early and method == "INVITE":
        refusal = "the call is not answered yet, and only an UPDATE may come before"
    elif method == "UPDATE" and _allowsUpdate(dialog) is False:
        refusal = "the peer does not allow UPDATE"
    if refusal is not None:
        return fail(InvalidState("modify", refusal))
    return _add(dialog, (Update if method == "UPDATE" else Reinvite)(dialog, wanted, lines))


def update(dialog: Dialog, body: bytes, contentType: str | None, lines: Lines) -> Deferred[Any]:
    """
    @see: L{IDialog.update<twisted_sipdialog.interfaces.IDialog>}
    """
    kind = contentType or SDP
    typeLine(kind)  # may raise
    if dialog.isOver:
        return fail(dialog.over())
    wanted = Wanted(body=body, contentType=kind) if body else Wanted(offers=False)
    return _add(dialog, RawUpdate(dialog, wanted, lines))


def refresh(dialog: Dialog) -> None:
    """Keep the session alive (RFC 4028 section 7.4): by UPDATE, without an offer, where the peer takes that."""
    method = dialog.core.configuration.sessionRefreshMethod
    if method == "UPDATE" or (method is None and _allowsUpdate(dialog)):
        _add(dialog, Update(dialog, Wanted(offers=False), [])).addErrback(_notUpdated, dialog)
    else:
        _reinvite(dialog)


def _reinvite(dialog: Dialog) -> None:
    # What its failure means for the call was done; that the session is over without one is for its timer to say.
    _add(dialog, Reinvite(dialog, Wanted(), [])).addErrback(lambda failure: failure.trap(SipError))


def _notUpdated(failure: Failure, dialog: Dialog) -> None:
    """A peer that does not know the method, whatever its Allow said, knows a re-INVITE."""
    unknown = failure.check(ResponseError) and getattr(failure.value, "statusCode", None) in (405, 501)
    if unknown and not dialog.isOver:
        _reinvite(dialog)
    else:
        failure.trap(SipError)


def _add(dialog: Dialog, change: Modification) -> Deferred[Any]:
    if dialog.changes is None:
        dialog.changes = Changes()
    done: Deferred[Any] = dialog.changes.add(change)
    return done


def _allowsUpdate(dialog: Dialog) -> bool | None:
    """The peer says so (RFC 3311 section 5.1), or does not; None: it does not speak of it."""
    source = dialog.req if dialog.role == "uas" else dialog.res
    if source is None or "allow" not in source.headers:
        return None
    return "UPDATE" in (typedOrNone(source, "allow") or ())
