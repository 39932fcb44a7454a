"""
INVITEs that name a call of ours: to take its place (Replaces, RFC 3891), or to be mixed into it (Join, RFC 3911).
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.event_fields import Join, Replaces
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.dialog import Dialog

#: A request without any of these names no call.
NAMING = frozenset(("replaces", "join"))


def callNamed(core: Core, named: Replaces | Join) -> Dialog | None:
    """The call that C{named} means (RFC 3891 section 3): to-tag is our tag; of two that match, none is meant."""
    # A tag of zero also stands for the peer of RFC 2543 that has none.
    tags = ("0", "") if named.fromTag == "0" else (named.fromTag,)
    legs = [core.dialogs.get((named.callId, named.toTag, tag)) for tag in tags]
    found = [leg for leg in legs if leg is not None]
    # What a SUBSCRIBE or REFER made is no call.
    return found[0] if len(found) == 1 and isinstance(found[0], Dialog) else None


def placeCanBeTaken(core: Core, transaction: Any, request: Request) -> Response | None:
    """RFC 3891 section 3, RFC 3911 section 4: a request that names a call of ours is an INVITE, and may have it."""
    if not request.headers.mentions(NAMING):
        return None
    try:
        named = _named(core, request)
    except ParseError as error:
        return request.badRequest(error)
    status = None if named is None else _refusal(core, named)
    return None if status is None else request.response(status)


def _named(core: Core, request: Request) -> Replaces | Join | None:
    """@raise ParseError: it must not be there, or not so."""
    replaces: Replaces | None = request.headers.typed("replaces") if core.configuration.replaces != "off" else None
    join: Join | None = request.headers.typed("join")
    if replaces is not None and join is not None:
        raise ParseError("Replaces and Join contradict each other")
    named = replaces or join
    if named is not None and (request.method != "INVITE" or request.toTag):
        raise ParseError("only an INVITE outside a dialog has Replaces or Join")
    return named


def _refusal(core: Core, named: Replaces | Join) -> int | None:
    call = callNamed(core, named)
    if call is None:
        return 481
    if call.isEnding:
        return 603
    isEarly = call.state is Phase.EARLY
    if isEarly and call.role == "uas":
        # Whose INVITE it is may have the phones ring that it forked to, which we know nothing of.
        return 481
    if isinstance(named, Join):
        # Nothing here mixes; an application that does has said so.
        return None if "join" in core.extensions else 488
    return 486 if named.earlyOnly and not isEarly else None


def replaceeOf(core: Core, request: Request) -> Dialog | None:
    """The call whose place C{request}, which went through the step above, is to take; None once that is over."""
    if core.configuration.replaces == "off" or "replaces" not in request.headers:
        return None
    call = callNamed(core, request.headers.typed("replaces"))
    return None if call is None or call.isEnding else call


def replaceFor(dialog: Dialog) -> None:
    """RFC 3891 section 3: C{dialog} was accepted; whose place it takes ends, whatever becomes of C{dialog}."""
    replacee = replaceeOf(dialog.core, dialog.req)
    if replacee is None:
        return
    dialog.core.tellAll(replacee.delegate, "dialogReplaced", replacee, dialog)
    if replacee.state is Phase.EARLY and not replacee.invitation.answered:
        replacee.invitation.giveUp([], Reason.REPLACED)
    else:
        replacee.hangUp(Reason.REPLACED, None, dialog.req)
