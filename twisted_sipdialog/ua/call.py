"""
A call of ours, as the application asks for it (RFC 3261 section 13.2.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted_sipdialog.dialog.reliable import TAG
from twisted_sipdialog.errors import LocalError
from twisted_sipdialog.media.modified import Modified, ModifiedMedia
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.invite_client import InviteClientContext
from twisted_sipdialog.ua.outgoing import typeLine
from twisted_sipdialog.ua.request_client import newRequest
from twisted_sipdialog.ua.session import GivenDescription, checkModifiers


def callTo(
    core: Core,
    target: str,
    body: bytes | None,
    contentType: str,
    extraHeaders: Any,
    delegate: Any,
    media: Any,
    modifiers: Iterable[Any] = (),
) -> InviteClientContext:
    """
    The context of a new call (section 13.2.1); C{start()} sends it.

    @raise InvalidValue: C{target} is no URI, a header is not allowed, or C{modifiers} cannot be so.
    @raise LocalError: nothing describes the session.
    """
    factory: Any = media or core.configuration.media
    if not body and factory is None:
        raise LocalError("invite() needs a body, or media (here or in the configuration)")
    outgoing = newRequest(core, "INVITE", target, extraHeaders)
    outgoing.contact = True
    outgoing.lines += core.abilities()
    if core.configuration.rel100 == "required":
        outgoing.lines.append(("Require", TAG))
    typeLine(contentType)  # may raise
    session: Any = GivenDescription(body, contentType) if body else None
    if modifiers:
        checked = checkModifiers(modifiers, body, contentType)
        if session is None:
            factory = ModifiedMedia(factory, checked)
        else:
            session = Modified(session, checked)
    return InviteClientContext(core, outgoing, session, factory, body == b"", delegate)
