"""
What both sides of a REFER share (RFC 3515).
"""

from __future__ import annotations

from typing import Any, Final

from twisted_sipdialog.message.uri import SipUri, Uri
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import tell

#: The event package (section 3).
PACKAGE: Final = "refer"


def tellRefer(context: Any, name: str, *arguments: Any) -> None:
    """Tell the delegate of this REFER, then that of its dialog, then that of the user agent."""
    own = None if context.dialog is None else context.dialog.delegate
    delegate = context.delegate
    if delegate is not None and delegate is not own and delegate is not context.core.delegate:
        tell(delegate, name, context, *arguments)
    context.core.tellAll(own, name, context, *arguments)


def mayProve(core: Core, target: Uri) -> bool:
    """
    It was a peer of ours who chose where we go: credentials are for our own domain, and for those we were told of.
    """
    if not isinstance(target, SipUri):
        return True  # a number, which only our own proxy can route
    if target.parameters.get("maddr") is not None:
        return False  # RFC 3261 section 19.1.1: the host it names is not the one it leads to
    domains = core.configuration.aor.host, *core.configuration.referDomains
    return target.host in [domain.lower() for domain in domains]
