"""
What a subscription of ours shows of itself (RFC 6665 section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred

from twisted_sipdialog.dialog.sides import Sip
from twisted_sipdialog.dialog.subscription import SubscriptionEnd
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Waiters
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.opening import Opening
from twisted_sipdialog.ua.outgoing import typeLine
from twisted_sipdialog.ua.retry import Retry
from twisted_sipdialog.ua.subscriber import Notification, Subscriber
from twisted_sipdialog.ua.subscribing import Subscribing, linesOf, meant


class SubscriptionView:
    """
    The attributes of a subscription, all but what it can do.
    """

    def __init__(
        self,
        userAgent: Any,
        target: Any,
        event: Any,
        expires: int | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
        delegate: Any = None,
        accept: Iterable[str] | None = None,
        resubscribe: bool = True,
    ) -> None:
        """
        C{begin()} sends it.  For the parameters see L{IUserAgent.subscribe<twisted_sipdialog.interfaces.IUserAgent>}.

        @param target: an L{IDialog<twisted_sipdialog.interfaces.IDialog>} to subscribe within, or as there.
        @param expires: 0 for a fetch (RFC 6665 section 4.4.3).
        """
        core: Core = userAgent._core
        self.core = core
        self.userAgent = userAgent
        self.dialog = target if isinstance(target, Dialog) else None
        self.target = self.dialog.dialogState.remoteTarget if self.dialog else core.identity.target(target)
        self.event, self.package = meant(event)
        usual = 3600 if self.package is None else self.package.expires
        self._asked: int = usual if expires is None else expires
        self.accept = tuple(accept) if accept is not None else () if self.package is None else self.package.accept
        self._body, self._extra = body, linesOf(extraHeaders, body, contentType)
        _ = [typeLine(kind) for kind in self.accept]  # may raise
        self.delegate = delegate
        self.resubscribe = resubscribe
        self.state = "starting"
        self.data: dict[str, Any] = {}
        self.response: Response | None = None
        self.notification: Notification | None = None
        self.value: Any = None
        self.ended: SubscriptionEnd | None = None
        self._known: Any = None  # value, as far as it is of the subscription that there is now
        self._isOver = False  # at the notifier, and its last NOTIFY is being told
        self._isAsked = False  # for the whole of it, which has not come yet
        self._origin: SubscriptionView | None = None  # whose SUBSCRIBE forked
        self._forks = 0
        self._opening: Opening | None = None
        self._heard: Subscriber | None = None
        self._asking: Subscribing | None = None
        self._last: Subscribing | None = None
        self._waiting: list[Deferred[Any]] = []  # for the SUBSCRIBE that is next
        self._timer: Any = None
        self._begun = self._until = 0.0
        self._retry = Retry()
        self._started: Deferred[Any] | None = None
        self._leaving: Waiters | None = None
        self._over = Waiters()

    # What it is.

    @property
    def expires(self) -> float:
        isThere = self.state in ("pending", "active")
        return max(self._until - self.core.timers.now(), 0.0) if isThere else 0.0

    @property
    def sip(self) -> Sip | None:
        return None if self._heard is None else Sip(*self._heard.leg.dialogState.id)

    @property
    def request(self) -> Request | None:
        return None if self._last is None else self._last.request

    def __repr__(self) -> str:
        return f"<Subscription {self.event} {self.target} {self.state}>"
