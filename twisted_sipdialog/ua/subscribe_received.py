"""
Who takes a SUBSCRIBE or a NOTIFY (RFC 6665): its subscription, or a delegate who is asked for a new one.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.dialog.state import DialogState, Phase
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import overrides
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.notifier import tooShort
from twisted_sipdialog.ua.outgoing import Lines
from twisted_sipdialog.ua.refer import PACKAGE
from twisted_sipdialog.ua.request_server import askAbout, requestReceived
from twisted_sipdialog.ua.server_context import ServerContext
from twisted_sipdialog.ua.subscribe_server import SubscribeServerContext


class UnsubscribeContext(ServerContext):
    """A SUBSCRIBE that ends what nothing is known of."""

    __slots__ = ()

    def _ownLines(self, statusCode: int) -> Lines:
        """Section 4.2.1.1: a 2xx says for how long, and, as that to any target refresh, where we are."""
        if 200 <= statusCode < 300:
            return [("Contact", self.core.identity.contact(self.transaction.flow)), ("Expires", "0")]
        return super()._ownLines(statusCode)


def eventReceived(core: Core, transaction: Any, leg: Any) -> None:
    """A NOTIFY or SUBSCRIBE within a dialog: its subscription takes it, else it is as any request."""
    request = transaction.request
    event = typedOrNone(request, "event")
    for taker in leg.takers:
        if event is not None and taker.takes(request.method, event):
            taker.requestReceived(transaction, leg)
            return
    if request.method == "SUBSCRIBE":
        _subscribeReceivedIn(core, transaction, leg)
    elif not isinstance(leg, Dialog) or leg.state is Phase.TERMINATED:
        # Section 4.1.3: 481 to what no subscription expects; what names no event cannot be any.
        transaction.respond(request.response(489 if event is None else 481))
    else:
        requestReceived(core, transaction, leg)


def _subscribeReceivedIn(core: Core, transaction: Any, leg: Any) -> None:
    """A SUBSCRIBE to what we know nothing of; one that ends a subscription is told apart."""
    request = transaction.request
    own = leg.delegate if isinstance(leg, Dialog) else None
    isOver = isinstance(leg, Dialog) and leg.state is Phase.TERMINATED
    isEnd = typedOrNone(request, "expires") == 0
    if isOver:
        transaction.respond(request.response(481))
    elif (
        isEnd and isinstance(leg, Dialog) and any(overrides(who, "unsubscribeReceived") for who in (own, core.delegate))
    ):
        askAbout(UnsubscribeContext(core, transaction, leg, 200), "unsubscribeReceived")
    else:
        subscribeReceived(core, transaction, leg)


def subscribeReceived(core: Core, transaction: Any, leg: Any = None) -> None:
    """
    A SUBSCRIBE for a new subscription (section 4.2.1).

    @param leg: the dialog it came in, None: outside of any.
    """
    request, known = transaction.request, core.configuration.events
    event = typedOrNone(request, "event")
    own = leg.delegate if isinstance(leg, Dialog) else None
    isAsked = overrides(own, "subscribeReceived") or overrides(core.delegate, "subscribeReceived")
    # Section 4.2.1.1: what Allow-Events does not tell is not there.  Told none, the delegate knows which there are.
    if event is None or not isAsked or (known and event.package not in known):
        # RFC 3515: that of a REFER is over; what others there may be is not known here.
        isGone = event is not None and event.package == PACKAGE
        tag = _tag(core, request)
        refusal: Response | None = request.response(489, None, tag, core.eventLines())
        if isGone:
            refusal = request.response(481, None, tag)
        transaction.respond(refusal)
        return
    refusal = _refusal(core, transaction, leg) or tooShort(core, request)
    if refusal is not None:
        transaction.respond(refusal)
        return
    askAbout(SubscribeServerContext(core, transaction, leg, event, 489), "subscribeReceived")


def _tag(core: Core, request: Any) -> str:
    tag: str = request.toTag or core.identity.newTag()
    return tag


def _refusal(core: Core, transaction: Any, leg: Any) -> Response | None:
    """There is no room for another one, or nowhere to send its NOTIFYs to."""
    request, limits = transaction.request, core.configuration.loadLimits
    mine = core.watching.get(transaction.flow.remote[0], 0)
    if core.stopping or mine >= limits.subscriptionsPerSource or (leg is None and len(core.dialogs) >= limits.dialogs):
        wait = ("Retry-After", str(limits.retryAfter))
        refusal: Response = request.response(503, None, _tag(core, request), [wait])
        return refusal
    if leg is None:
        try:
            DialogState.asServer(request, "")
        except ParseError as error:
            malformed: Response = request.response(400, request.badRequest(error).reasonPhrase, _tag(core, request))
            return malformed
    return None
