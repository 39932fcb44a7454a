"""
What is heard of a subscription of ours in one dialog (RFC 6665 section 4.1.3).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from twisted_sipdialog.dialog.usage import Usage
from twisted_sipdialog.errors import ParseError, SipError
from twisted_sipdialog.interfaces import INotification
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.event_fields import EventField, SubscriptionState
from twisted_sipdialog.ua.leg import Leg

_log = Logger()

#: What a Subscription-State may say, before its parameters.
_STATES = ("active", "pending", "terminated")


@implementer(INotification)
class Notification:
    """
    @see: L{INotification<twisted_sipdialog.interfaces.INotification>}
    """

    __slots__ = ("error", "request", "state", "value")

    def __init__(
        self, request: Request, state: SubscriptionState, value: Any = None, error: ParseError | None = None
    ) -> None:
        self.request = request
        self.state = state
        self.value = value
        self.error = error

    def __repr__(self) -> str:
        return f"<Notification {self.state}>"

    @property
    def body(self) -> bytes:
        return self.request.body

    @property
    def contentType(self) -> str | None:
        return self.request.headers.get("content-type")


class Subscriber:
    """
    The usage of a dialog by a subscription of ours.
    """

    __slots__ = ("_subscription", "_usage", "leg")

    def __init__(self, subscription: Any, leg: Leg, name: str) -> None:
        """
        @param subscription: the L{Subscription<twisted_sipdialog.ua.subscribe_client.Subscription>}.
        @param name: the C{id} that tells it from others in the same dialog, or C{""}.
        """
        self._subscription = subscription
        self._usage = Usage("subscribe", subscription.event.package, name)
        self.leg = leg
        leg.dialogState.usages += (self._usage,)
        leg.attach(self)

    def __repr__(self) -> str:
        return f"<Subscriber {self._usage}>"

    def takes(self, method: str, event: EventField) -> bool:
        """Section 4.4.1: package and id say which one is meant."""
        usage = self._usage
        return method == "NOTIFY" and event.package == usage.event and (event.id or "") == usage.id

    def requestReceived(self, transaction: Any, leg: Leg) -> None:
        """A NOTIFY: answered first, as what it says may be the end of the dialog."""
        request = transaction.request
        try:
            state = stateOf(request)
        except ParseError as error:
            transaction.respond(malformed(request, error))
            return
        try:
            notification = Notification(request, state, _valueOf(request, self._subscription.package))
            response = request.response(200)
        except ParseError as error:
            notification = Notification(request, state, None, error)
            response = malformed(request, error, self._subscription.accept)
        transaction.respond(response)
        with suppress(ParseError):  # then it stays where it was
            leg.core.onlyFlows.moved(leg, request, transaction.flow)
        self._subscription.notified(self, notification)

    def over(self) -> None:
        """No NOTIFY is taken any more."""
        if self in self.leg.takers:
            self.leg.dialogState.endUsage(self._usage)
            self.leg.detach(self)

    def legStopped(self, error: SipError) -> None:
        """The peer cannot be heard any more."""
        self.over()
        self._subscription.lost(self, error)


def stateOf(request: Request) -> SubscriptionState:
    """
    Subscription-State; of a malformed one, as C{terminated;reason=}, the first word counts.

    @raise ParseError: 489: there is none; 400: it is no such state.
    """
    text = request.headers.get("subscription-state")
    if text is None:
        raise ParseError("no Subscription-State", 489)
    try:
        state = SubscriptionState.parse(text)
    except ParseError:
        state = SubscriptionState(text.partition(";")[0].strip().lower())
        if state.state not in _STATES:
            raise
    return state


def _valueOf(request: Request, package: Any) -> Any:
    """
    What the body says, None without one, or where nobody knows how to read it.

    @raise ParseError: 415: it is of another type; 400: it is malformed.
    """
    if not request.body or package is None:
        return None
    kind = (request.headers.get("content-type") or package.accept[0]).partition(";")[0].strip().lower()
    try:
        return package.parse(kind, request.body)
    except ParseError:
        raise
    except Exception:
        # No fault of the peer's; what else the NOTIFY says of the subscription, its end perhaps, counts all the same.
        _log.failure("the event package cannot read what a NOTIFY of {event} says", event=package.name)
        return None


def malformed(request: Request, error: ParseError, accept: tuple[str, ...] = ()) -> Response:
    """The refusal of a NOTIFY; C{accept}: the types of bodies that would do."""
    if error.statusCode == 415:
        return request.response(415, headers=[("Accept", ", ".join(accept))])
    return request.response(489) if error.statusCode == 489 else request.badRequest(error)
