"""
How a REFER of ours says what it asks for (RFC 3515 section 2.4.1).
"""

from __future__ import annotations

from typing import Any, Final

from twisted_sipdialog.dialog.referral import replacing
from twisted_sipdialog.dialog.state import DialogState, Phase
from twisted_sipdialog.errors import InvalidState, InvalidValue, ParseError
from twisted_sipdialog.message.event_fields import Replaces, TargetDialog
from twisted_sipdialog.message.headers import keyOf
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.outgoing import Lines, Outgoing, extraLines
from twisted_sipdialog.ua.refer import PACKAGE, mayProve
from twisted_sipdialog.ua.request_client import newRequest

_SUBSCRIPTIONS: Final = (None, "norefersub", "nosub", "explicitsub")
#: What is written for the application.
_OWN_NAMES: Final = ("refer-to", "refer-sub", "target-dialog")


def linesOf(core: Core, target: Any, extra: Lines, subscription: str | None, targetDialog: Any) -> Lines:
    """
    The lines of the REFER that say what it asks for.

    @raise InvalidValue: one of them cannot be so.
    @raise InvalidState: C{target}, or C{targetDialog}, is a dialog that does not stand.
    """
    lines = extraLines(extra)
    names = {keyOf(name) for name, _ in lines}
    for name in _OWN_NAMES:
        if name in names:
            raise InvalidValue("extraHeaders", name, "this header is written for you")
    if subscription not in _SUBSCRIPTIONS:
        raise InvalidValue("subscription", subscription, "one of None, 'norefersub', 'nosub', 'explicitsub'")
    if "referred-by" not in names:
        lines.append(("Referred-By", f"<{core.configuration.aor.withoutHeaders()}>"))
    lines.append(("Refer-To", _referTo(core, target)))
    lines += core.abilities()
    if subscription == "norefersub":
        lines.append(("Refer-Sub", "false"))
    elif subscription is not None:
        lines.append(("Require", subscription))
    if targetDialog is not None:
        callId, localTag, remoteTag = _standing(targetDialog, "targetDialog").id
        lines.append(("Target-Dialog", str(TargetDialog(callId, localTag, remoteTag))))
    return lines


def _referTo(core: Core, target: Any) -> str:
    if not isinstance(target, Dialog):
        return f"<{core.identity.uriOf(target)}>"
    state = _standing(target, "target")
    # RFC 3891 section 3: the tags as the one who is to be called has them.
    return replacing(state.remoteTarget, Replaces(state.callId, state.remoteTag, state.localTag))


def _standing(dialog: Any, name: str) -> DialogState:
    if not isinstance(dialog, Dialog):
        raise InvalidValue(name, dialog, "a dialog of ours")
    if dialog.state is not Phase.STABLE or dialog.isOver:
        raise InvalidState("refer", f"{name} is {dialog.state.value}", "RFC 3891 section 3: only a call that stands")
    return dialog.dialogState


def eventsAsked(core: Core, at: str | None) -> Outgoing:
    """
    The SUBSCRIBE that asks for the outcome at a URI that the 2xx named (RFC 7614 section 4).

    @raise ParseError: it named none.
    @raise InvalidValue: it is no URI.
    """
    if at is None:
        raise ParseError("the 2xx has no Refer-Events-At")
    lines = [("Event", PACKAGE), ("Expires", str(core.configuration.referExpires))]
    outgoing = newRequest(core, "SUBSCRIBE", at, lines)
    outgoing.contact = True
    if not mayProve(core, core.identity.uriOf(at)):
        outgoing.digest = core.client.noDigest()
    return outgoing
