"""
What both sides of a REFER share (RFC 3515).
"""

from __future__ import annotations

from typing import Any, Final

from twisted_sipdialog.ua.delegation import tell

#: The event package (section 3).
PACKAGE: Final = "refer"


def tellRefer(context: Any, name: str, *arguments: Any) -> None:
    """Tell the delegate of this REFER, then that of its dialog, then that of the user agent."""
    own = None if context.dialog is None else context.dialog.delegate
    if context.delegate is not None and context.delegate not in (own, context.core.delegate):
        tell(context.delegate, name, context, *arguments)
    context.core.tellAll(own, name, context, *arguments)
