"""
Requests outside dialogs, as their sender (RFC 3261 section 8.1.1).
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message.grammar import isToken
from twisted_sipdialog.ua.client_context import ClientContext
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.outgoing import Outgoing, extraLines, typeLine

#: Methods that only make sense with a context, or inside a dialog.
_NOT_ALONE = ("INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE")


class Counter:
    """CSeq numbers of a request outside a dialog: from 1, one more for each attempt (section 22.2)."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> int:
        self.number += 1
        return self.number


def newRequest(core: Core, method: str, target: str, extraHeaders: Any) -> Outgoing:
    """
    A request that starts something: fresh Call-ID and From tag, by way of the outbound proxy if there is one.

    @raise InvalidValue: C{target} is no URI, or a header is not allowed.
    """
    identity = core.identity
    uri = identity.target(target)
    lines = [("From", identity.fromValue(identity.newTag())), ("To", f"<{uri}>"), ("Call-ID", identity.newCallId())]
    proxy = core.configuration.outboundProxy
    routes = []
    if proxy is not None:
        routes = [("Route", f"<{proxy.withParameters({**proxy.parameters, 'lr': None})}>")]
    return Outgoing(
        method,
        uri,
        [*lines, *extraLines(extraHeaders)],
        Counter(),
        routes=routes,
        digest=core.client.digest(),
    )


def askAlone(
    core: Core, method: str, target: str, body: bytes, contentType: str | None, extraHeaders: Any, delegate: Any
) -> ClientContext:
    """
    A request outside dialogs; C{start()} sends it.

    @see: L{IUserAgent.requestContext<twisted_sipdialog.interfaces.IUserAgent>}
    """
    if method in _NOT_ALONE or not isToken(method):
        raise InvalidValue("method", method, "a method that stands alone: OPTIONS, MESSAGE, or an extension's")
    if not isinstance(body, bytes):
        raise InvalidValue("body", body, "bytes")
    outgoing = newRequest(core, method, target, extraHeaders)
    outgoing.body = body
    if body:
        outgoing.lines += [typeLine(contentType or "text/plain")]
    return ClientContext(core, outgoing, delegate)
