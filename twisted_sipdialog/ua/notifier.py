"""
What a subscription of a peer is told (RFC 6665 section 4.2.2), from when it was accepted until it is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred
from zope.interface import implementer

from twisted_sipdialog.dialog.sides import Sip
from twisted_sipdialog.dialog.subscription import SubscriptionEnd
from twisted_sipdialog.dialog.usage import Usage
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.event import PACKAGES
from twisted_sipdialog.interfaces import INotifier
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.event_fields import EventField, SubscriptionState
from twisted_sipdialog.message.grammar import isToken
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Waiters, tell
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.leg import Leg
from twisted_sipdialog.ua.notifying import Notice, Notifying
from twisted_sipdialog.ua.outgoing import Lines, extraLines, typeLine

#: What is written for the application.
_OWN_NAMES: Final = ("event", "subscription-state", "expires")
#: Section 4.2.1.1: a SUBSCRIBE for an hour or more is not too short, whatever is wanted here.
_HOUR: Final = 3600
_STATES: Final = ("pending", "active")


def tooShort(core: Core, request: Request) -> Response | None:
    """Section 4.2.1.1: the 423 to a subscription that is not worth its messages."""
    wanted, configuration = typedOrNone(request, "expires"), core.configuration
    # What is granted at most is not too short either.
    shortest = min(configuration.minSubscriptionExpires, configuration.subscriptionExpires)
    if wanted is None or not 0 < wanted < min(shortest, _HOUR):
        return None
    return request.response(423, None, core.identity.newTag(), [("Min-Expires", str(shortest))])


def understands(request: Request, contentType: str) -> bool:
    """Whether Accept of C{request} has room for C{contentType}; no Accept leaves it to the event package."""
    wanted = typedOrNone(request, "accept")
    if wanted is None:
        return True
    taken: dict[str, bool] = {}
    for accepted in wanted:
        isNone = (accepted.parameters.get("q") or "1").strip("0.") == ""
        taken[accepted.essence] = taken.get(accepted.essence, False) or not isNone
    kind = contentType.partition(";")[0].strip().lower()
    # RFC 3261 section 20.1, as in HTTP: the closest one decides, and q=0 says that it is not wanted.
    for essence in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if essence in taken:
            return taken[essence]
    return False


def noticeLines(extraHeaders: Iterable[tuple[str, str]]) -> Lines:
    lines = extraLines(extraHeaders)
    for name, _ in lines:
        if name.lower() in _OWN_NAMES:
            raise InvalidValue("extraHeaders", name, "this header is written for you")
    return lines


def checkedBody(body: Any) -> bytes:
    if not isinstance(body, bytes):
        raise InvalidValue("body", body, "bytes")
    return body


def checkedState(state: Any) -> str:
    if state not in _STATES:
        raise InvalidValue("state", state, "'active' or 'pending'; destroy() ends it")
    return str(state)


@implementer(INotifier)
class Notifier(Notifying):
    """
    @see: L{INotifier<twisted_sipdialog.interfaces.INotifier>}
    """

    __slots__ = (
        "_accept",
        "_destroyed",
        "_event",
        "_isUnsubscribed",
        "_source",
        "_terminated",
        "data",
        "delegate",
        "ended",
        "interval",
        "request",
        "state",
    )

    def __init__(self, context: Any, leg: Leg, seconds: int, state: str, interval: float, notice: Notice) -> None:
        self.request: Request = context.request
        self.data = context.data
        self.delegate: Any = None
        self.ended: SubscriptionEnd | None = None
        self.state = state
        self.interval = interval
        self._event: EventField = context.event
        self._source = context.transaction.flow.remote[0]
        self._terminated = Waiters()
        self._destroyed: Waiters | None = None
        self._isUnsubscribed = seconds == 0
        super().__init__(leg, Usage("subscribe", self._event.package, self._event.id or ""), seconds, notice)
        core = leg.core
        core.kept[self] = None
        core.countSubscription(self._source, 1)

    # What it is.

    @property
    def userAgent(self) -> Any:
        return self.leg.core.userAgent

    @property
    def event(self) -> EventField:
        return self._event

    @property
    def expires(self) -> float:
        return 0.0 if self.isEnding else max(self._until - self.leg.core.timers.now(), 0.0)

    @property
    def dialog(self) -> Any:
        return self.leg if isinstance(self.leg, Dialog) else None

    @property
    def sip(self) -> Sip:
        return Sip(*self.leg.dialogState.id)

    @property
    def localIdentity(self) -> Address:
        return self.request.to

    @property
    def remoteIdentity(self) -> Address:
        return self.request.from_

    @property
    def body(self) -> bytes:
        return self.notice.body

    @property
    def contentType(self) -> str | None:
        return self.notice.contentType

    def understands(self, contentType: str) -> bool:
        return understands(self.request, contentType)

    # What we tell.

    def notify(
        self,
        body: bytes | None = None,
        contentType: str | None = None,
        state: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
    ) -> Deferred[Response | None]:
        notice = self._notice(body, contentType, extraHeaders)
        wanted = self.state if state is None else checkedState(state)
        if not self.isEnding:
            self.state = wanted
        return self.tell(notice)

    def _notice(self, body: bytes | None, contentType: str | None, extraHeaders: Iterable[tuple[str, str]]) -> Notice:
        kind = self.notice.contentType if contentType is None else typeLine(contentType)[1]
        return Notice(self.notice.body if body is None else checkedBody(body), kind, noticeLines(extraHeaders))

    def destroy(
        self,
        reason: str = "noresource",
        retryAfter: int | None = None,
        body: bytes | None = None,
        contentType: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
    ) -> Deferred[Request | None]:
        if not isinstance(reason, str) or not isToken(reason):
            raise InvalidValue("reason", reason, "a token (RFC 6665 section 8.2.3)")
        if retryAfter is not None and (type(retryAfter) is not int or not 0 <= retryAfter < 2**32):
            raise InvalidValue("retryAfter", retryAfter, "whole seconds, 0 or more")
        notice = self._notice(body, contentType, extraHeaders)
        if self._destroyed is None:
            self._destroyed = Waiters()
            if self.ended is not None:
                self._destroyed.fire(None)
            else:
                self.tell(notice, SubscriptionState("terminated", reason, retryAfter=retryAfter))
        return self._destroyed.wait()

    terminate = destroy

    def eventText(self) -> str:
        return str(self._event)

    # What the subscriber sends.

    @property
    def status(self) -> int:
        return self.leg.core.configuration.subscribeStatus

    @property
    def longest(self) -> int:
        return longestOf(self.leg.core, self._event)

    def refusal(self, request: Request) -> Response | None:
        return tooShort(self.leg.core, request)

    def refreshed(self, request: Request, granted: int) -> None:
        self.request = request
        if granted:
            if self._pacing is None:
                self.pause(0.0)  # what is notified meanwhile is what follows
            tell(self.delegate, "notifierRefreshed", self, request)
        else:
            self._isUnsubscribed = True
        self.again()

    def heard(self) -> None:
        self.request.shrink()  # there may be many, for long

    # The end.

    def whenTerminated(self) -> Deferred[SubscriptionEnd]:
        return self._terminated.wait()

    def endOf(self, last: Request | None) -> SubscriptionEnd:
        if self._isUnsubscribed:
            return SubscriptionEnd("unsubscribed", True, self.request)
        return super().endOf(last)

    def left(self, end: SubscriptionEnd, last: Request | None) -> None:
        core = self.leg.core
        self.ended = end
        self.state = "terminated"
        core.kept.pop(self, None)
        core.countSubscription(self._source, -1)
        tell(self.delegate, "notifierTerminated", self, end)
        if self._destroyed is not None:
            self._destroyed.fire(last)
        self._terminated.fire(end)

    def stopping(self) -> Deferred[Any]:
        """The service ends: the subscriber may try again, later."""
        self.destroy("probation", self.leg.core.configuration.loadLimits.retryAfter)
        return self.whenTerminated()

    def stopped(self) -> None:
        """The service ends and waits no longer: its dialog was told so."""


def longestOf(core: Core, event: EventField) -> int:
    """Seconds that a subscription to C{event} is granted at most, and where nothing is asked for."""
    package = PACKAGES.get(event.package)
    most = core.configuration.subscriptionExpires
    return most if package is None else min(most, package.expires)
