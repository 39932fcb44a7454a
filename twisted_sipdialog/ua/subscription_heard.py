"""
What the NOTIFYs of a subscription of ours mean for it (RFC 6665 section 4.1.3), and the dialogs that they make.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from twisted_sipdialog.dialog.subscription import SubscriptionEnd, mayRetry, pause
from twisted_sipdialog.errors import SubscriptionTerminated
from twisted_sipdialog.message import Request
from twisted_sipdialog.message.event_fields import EventField
from twisted_sipdialog.ua.delegation import fire, tell
from twisted_sipdialog.ua.event_dialog import EventDialog
from twisted_sipdialog.ua.opening import Opening
from twisted_sipdialog.ua.retry import LONGEST
from twisted_sipdialog.ua.subscriber import Notification, Subscriber
from twisted_sipdialog.ua.subscription_life import SubscriptionLife

_log = Logger()


class SubscriptionHeard(SubscriptionLife):
    """
    A subscription, without what is sent.
    """

    # The dialogs.

    def expects(self, event: EventField, request: Request) -> bool:
        """Whether a NOTIFY makes a dialog: the first; further ones where the package allows it (section 4.4.1)."""
        if event.package != self.event.package or event.id != self.event.id:
            return False
        if self._heard is None:
            return True
        # Section 4.1.2.4: nor is it any more once timer N has run out.
        isTime = self.core.timers.now() < self._begun + self.core.configuration.timers.transaction
        mayFork = getattr(self.package, "forks", False) and self._forks < self.core.configuration.loadLimits.forks
        return isTime and mayFork and self._leaving is None

    def opened(self, leg: EventDialog, opening: Opening) -> None:
        """There is a dialog that NOTIFYs come in."""
        leg.digest = None if self._last is None else self._last.outgoing.digest
        if self._heard is None:
            self._heard = Subscriber(self, leg, self.event.id or "")
        else:
            self._forks += 1
            self._fork(leg)

    def _fork(self, leg: EventDialog) -> None:
        how: dict[str, Any] = {"body": self._body, "accept": self.accept}
        event = self.event if self.package is None else self.package
        fork = type(self)(self.userAgent, self.target, event, self._asked, resubscribe=False, **how)
        fork.event, fork._extra = self.event, self._extra
        fork._origin = self
        fork._last = self._last
        fork._begun, fork._until = self._begun, self._until
        fork._heard = Subscriber(fork, leg, self.event.id or "")
        self.core.kept[fork] = None
        fork._wait(self.core.configuration.timers.transaction, fork._silent)

    # What the NOTIFYs say.

    def notified(self, subscriber: Subscriber, notification: Notification) -> None:
        """A NOTIFY came, and was answered."""
        state = notification.state
        origin, self._origin = self._origin, None
        if origin is not None and origin.ended is not None:
            self._end(SubscriptionEnd("unsubscribed", False))  # nobody wants it any more, nor has heard of it
            return
        isLast = self._isOver = state.state == "terminated" or self._asked == 0
        self.notification = notification
        isKnown = self._merge(notification.value)
        if isLast:
            self._leave()
        else:
            wasStarting = self.state == "starting"
            self.state = "pending" if state.state == "pending" else "active"
            self._adjust(state.expires, wasStarting)
        if origin is not None:
            self.delegate = origin.delegate  # who hears nothing of a fork before this
            tell(self.delegate, "subscriptionForked", origin, self)
        tell(self.delegate, "notified", self, notification)
        if self.ended is not None:
            return  # the delegate wants no more
        if isLast:
            self._ended(notification)
        else:
            started, self._started = self._started, None
            fire(started, self)
            if not isKnown and not self._isAsked and self._leaving is None and self._asking is None:
                # What is missing comes with the whole; where it does not, not before the next refresh is due.
                self._isAsked = True
                self._renew()

    def _ended(self, notification: Notification) -> None:
        """It is over at the notifier."""
        end = SubscriptionEnd(notification.state.reason or "", True, notification.request)
        self._isOver = False
        if self._asked == 0:
            started, self._started = self._started, None
            self._end(SubscriptionEnd("unsubscribed", False, notification.request))
            fire(started, self)
        elif self._leaving is not None:
            self._end(SubscriptionEnd("unsubscribed", False, notification.request))
        elif self._started is not None:
            self._fail(SubscriptionTerminated(f"the first NOTIFY says {notification.state}", end), end)
        elif mayRetry(notification.state):
            self._suspend(end, pause(notification.state))
        else:
            self._end(end)

    # What is known.

    def _merge(self, value: Any) -> bool:
        """@return: False: something is missing."""
        if value is None:
            return True
        try:
            known, isMissing = self.package.merged(self._known, value)
        except Exception:
            # What else the NOTIFY says of the subscription, its end perhaps, counts all the same.
            _log.failure("the event package cannot merge what a NOTIFY of {event} says", event=self.event)
            return True
        self._known = self.value = known
        self._isAsked = self._isAsked and isMissing
        return not isMissing

    def _adjust(self, told: int | None, wasStarting: bool) -> None:
        """Section 4.1.3: what the NOTIFY says of its time counts, most of all where it is less."""
        now = self.core.timers.now()
        if told is None:
            if wasStarting:
                self._lasts(self._until - now if self._until > now else self._asked)
        elif wasStarting or now + told < self._until - 1 or (self._until <= now and self._leaving is None):
            self._lasts(min(told, LONGEST))
        else:
            self._until = max(self._until, now + told)
