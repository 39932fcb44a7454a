"""
The call that a REFER asks for (RFC 3515 section 2.4.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.ua.call import callTo
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.invite_client import InviteClientContext
from twisted_sipdialog.ua.refer import mayProve
from twisted_sipdialog.ua.session import SDP

#: What C{inviteOptions} may hold: what L{IUserAgent.invite<twisted_sipdialog.interfaces.IUserAgent>} takes.
_OPTIONS: Final = ("body", "contentType", "extraHeaders", "delegate", "media")


def follow(context: Any, options: dict[str, Any], modifiers: Iterable[Any]) -> InviteClientContext:
    """
    The context of that call; C{start()} sends it.

    @param context: the L{ReferServerContext<twisted_sipdialog.ua.refer_server.ReferServerContext>}.
    @param options: see L{_OPTIONS}; what is not there is as in the call that the REFER came in.
    @raise InvalidValue: an option that is none, or that cannot be so.
    @raise LocalError: nothing describes the session.
    """
    for name in options:
        if name not in _OPTIONS:
            raise InvalidValue("inviteOptions", name, f"one of {', '.join(_OPTIONS)}")
    core, dialog, referral = context.core, context.dialog, context.referral
    lines = [*(options.get("extraHeaders") or ()), *referral.lines]
    if referral.referredBy is not None:
        lines.append(("Referred-By", referral.referredBy))  # RFC 3892 section 2.2: as it came
    calling = callTo(
        core,
        str(referral.target),
        options.get("body"),
        options.get("contentType") or SDP,
        lines,
        options.get("delegate", None if dialog is None else dialog.delegate),
        options.get("media") or _media(core, dialog),
        modifiers,
    )
    if not mayProve(core, referral.target):
        calling.proveNothing()
    return calling


def _media(core: Core, dialog: Any) -> Any:
    """The configuration's media; without those, the session of the call at hand is described once more."""
    if core.configuration.media is not None or dialog is None or dialog.session is None:
        return core.configuration.media
    return lambda _: dialog.session.fork()
