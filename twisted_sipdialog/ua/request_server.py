"""
Requests without a verb of their own, as their receiver (RFC 3261 section 8.2): the delegate's answer, or a default.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.message import Request
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.core import Core, receiver
from twisted_sipdialog.ua.delegation import ask, overrides
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.event_dialog import EventDialog
from twisted_sipdialog.ua.refer import PACKAGE
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
    _ask(context, receiver(method))


def eventReceived(core: Core, transaction: Any, leg: Any) -> None:
    """A NOTIFY or SUBSCRIBE within a dialog (RFC 6665): its subscription takes it; without one it is as any request."""
    request = transaction.request
    event = typedOrNone(request, "event")
    for taker in leg.takers:
        if event is not None and taker.takes(request.method, event):
            taker.requestReceived(transaction, leg)
            return
    if isinstance(leg, EventDialog) or leg.state is Phase.TERMINATED:
        transaction.respond(request.response(481))
    elif request.method == "SUBSCRIBE":
        _subscribeReceived(core, transaction, leg)
    else:
        requestReceived(core, transaction, leg)


def _subscribeReceived(core: Core, transaction: Any, dialog: Dialog) -> None:
    """A SUBSCRIBE to what we know nothing of (section 4.2.1); one that ends a subscription is told apart."""
    name = "unsubscribeReceived"
    both = dialog.delegate, core.delegate
    if typedOrNone(transaction.request, "expires") == 0 and any(overrides(delegate, name) for delegate in both):
        _ask(ServerContext(core, transaction, dialog, 200), name)
    else:
        requestReceived(core, transaction, dialog)


def _ask(context: ServerContext, name: str) -> None:
    own = context.dialog.delegate if context.dialog is not None else None
    ask(own if overrides(own, name) else context.core.delegate, name, context)


def _default(core: Core, request: Request, dialog: Dialog | None) -> int:
    method = request.method
    if method == "NOTIFY":
        return 481
    if dialog is not None and method == "SUBSCRIBE":
        # RFC 6665 section 4.2.1: that to a REFER is over; others are not known.
        event = typedOrNone(request, "event")
        return 481 if event is not None and event.package == PACKAGE else 489
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
