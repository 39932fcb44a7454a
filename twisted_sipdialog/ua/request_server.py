"""
Requests without a verb of their own, as their receiver (RFC 3261 section 8.2): the delegate's answer, or a default.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.message import Request
from twisted_sipdialog.ua.core import Core, receiver
from twisted_sipdialog.ua.delegation import ask, overrides
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.server_context import ServerContext


def requestReceived(core: Core, transaction: Any, dialog: Dialog | None) -> None:
    """A request, in a dialog or outside."""
    request = transaction.request
    method = request.method
    context = (
        _OptionsContext(core, transaction, dialog)
        if method == "OPTIONS"
        else ServerContext(core, transaction, dialog, _default(core, request, dialog))
    )
    askAbout(context, receiver(method))


def askAbout(context: ServerContext, name: str) -> None:
    """Let the dialog's own delegate answer, if it has C{name}, else the user agent's."""
    own = context.dialog.delegate if context.dialog is not None else None
    ask(own if overrides(own, name) else context.core.delegate, name, context)


def _default(core: Core, request: Request, dialog: Dialog | None) -> int:
    method = request.method
    if method == "NOTIFY":
        return 481
    if dialog is None or method not in ("INFO", "MESSAGE"):
        return 405
    package = request.headers.get("info-package") if method == "INFO" else None
    known = package is None or package.partition(";")[0].strip() in core.configuration.infoPackages
    return 200 if known else 469


class _OptionsContext(ServerContext):
    """Section 11.2: an answer that says what we can do."""

    __slots__ = ()

    def answerByDefault(self) -> None:
        core = self.core
        if core.stopping:
            self.reject(503, extraHeaders=[("Retry-After", str(core.configuration.loadLimits.retryAfter))])
        else:
            accept = ("Accept", ", ".join(core.configuration.accept))
            self.accept(200, extraHeaders=[*core.abilities(), accept])
