"""
Requests outside dialogs, as their sender (RFC 3261 section 8.1.1).
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog._seams import IClientTransactionUser
from twisted_sipdialog.errors import InvalidValue, SipError
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.grammar import isToken
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import fire
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


@implementer(IClientTransactionUser)
class Asking:
    """
    One request and the Deferred of its final response.

    @ivar answered: that Deferred.
    @see: L{IUserAgent.request<twisted_sipdialog.interfaces.IUserAgent>}
    """

    __slots__ = ("_core", "_outgoing", "answered")

    def __init__(
        self, core: Core, method: str, target: str, body: bytes, contentType: str | None, extraHeaders: Any
    ) -> None:
        if method in _NOT_ALONE or not isToken(method):
            raise InvalidValue("method", method, "a method that stands alone: OPTIONS, MESSAGE, or an extension's")
        outgoing = newRequest(core, method, target, extraHeaders)
        outgoing.body = body
        if body:
            outgoing.lines += [typeLine(contentType or "text/plain")]
        self._core = core
        self._outgoing = outgoing
        self.answered: Deferred[Any] = Deferred()
        core.asking[self] = None

    def start(self) -> None:
        """Send it."""
        if not self.answered.called:
            self._core.client.send(self._outgoing, self)

    def responseReceived(self, response: Response) -> None:
        if response.statusCode >= 200:
            self._answer(response)

    def transactionFailed(self, error: SipError) -> None:
        self._answer(Failure(error))

    def _answer(self, outcome: Response | Failure) -> None:
        self._core.asking.pop(self, None)
        fire(self.answered, outcome)
