"""
The state of a subscription of ours as time goes by (RFC 6665 section 4.1): how long it lasts, and how it ends.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from twisted_sipdialog.dialog.subscription import SubscriptionEnd
from twisted_sipdialog.errors import SipError, SubscriptionTerminated, Timeout
from twisted_sipdialog.ua.delegation import Outcome, fire, tell
from twisted_sipdialog.ua.retry import FIRST, LAST, REFRESH
from twisted_sipdialog.ua.subscriber import Notification, Subscriber
from twisted_sipdialog.ua.subscription_view import SubscriptionView


class SubscriptionLife(SubscriptionView):
    """
    A subscription, without what is sent and heard.
    """

    # Its time.

    def _lasts(self, seconds: float) -> None:
        self._until = self.core.timers.now() + seconds
        self._wait(REFRESH * seconds, self._due)

    def _due(self, _: Any) -> None:
        """It wants a refresh."""
        self._timer = None
        if self._until <= self.core.timers.now():
            self._suspend(SubscriptionEnd("no answer", True), 0.0)
        elif self._asking is None:
            self._renew()

    def _renew(self) -> None:
        """Refresh it, though nobody waits for that."""
        self._waiting.append(Outcome())
        self._go()

    def _go(self) -> None:
        """Send a SUBSCRIBE, if there is one to be sent."""
        raise NotImplementedError

    def _start(self, _: Any = None) -> None:
        """It begins anew."""
        raise NotImplementedError

    def _suspend(self, end: SubscriptionEnd, told: float | None = None) -> None:
        """
        Begin anew, unless nobody wants that.

        @param told: seconds until then, None: as we think fit.
        """
        if self._leaving is not None or not self.resubscribe:
            self._end(end if self._leaving is None else SubscriptionEnd("unsubscribed", False))
            return
        self._leave()
        lasted = self.core.timers.now() - self._begun
        if told == 0.0 and lasted < FIRST:
            told = None  # or the two would keep each other busy
        elif lasted > LAST:
            self._retry.reset()
        wait = self._retry.pause(told)
        self.state = "suspended"
        self._wait(wait, self._start)
        tell(self.delegate, "subscriptionSuspended", self, end, wait)

    def _wait(self, seconds: float, then: Any) -> None:
        self._stopTimer()
        self._timer = self.core.timers.start(seconds, then)

    def _stopTimer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Where nothing is heard.

    def _silent(self, _: Any) -> None:
        self._timer = None
        if self._leaving is not None:
            self._end(SubscriptionEnd("unsubscribed", False))
            return
        error = Timeout("no NOTIFY in time (RFC 6665 section 4.1.2.4, timer N)")
        tell(self.delegate, "subscriptionFailed", self, Failure(error))
        if self.ended is None and self._asking is None:  # else the delegate wants it otherwise
            self._giveUp(error, SubscriptionEnd("no NOTIFY", True))

    def lost(self, subscriber: Subscriber, error: SipError) -> None:
        """The peer cannot be heard any more."""
        end = SubscriptionEnd("service stopped" if self.core.stopping else "flow lost", False)
        if self.core.stopping or self.dialog is not None:
            self._fail(error, end)
        else:
            self._giveUp(error, end)

    def _giveUp(self, error: SipError, end: SubscriptionEnd) -> None:
        """It is lost: one that never was is not tried again by itself."""
        if self._started is not None:
            self._fail(error, end)
        else:
            self._suspend(end)

    # The end.

    def _leave(self) -> None:
        """Nothing is heard any more, and what is on its way does not count."""
        self._stopTimer()
        self._asking = None
        if self._opening is not None:
            self._opening.close()
            self._opening = None
        heard, self._heard = self._heard, None
        if heard is not None:
            heard.over()

    def _fail(self, error: BaseException, end: SubscriptionEnd) -> None:
        started, self._started = self._started, None
        self._end(end)
        fire(started, Failure(error))

    def _end(self, end: SubscriptionEnd) -> None:
        if self.ended is not None:
            return
        self._leave()
        self.ended = end
        self.state = "terminated"
        self.core.kept.pop(self, None)
        tell(self.delegate, "subscriptionTerminated", self, end)
        waiting, self._waiting = self._waiting, []
        error = Failure(SubscriptionTerminated(f"the subscription is over: {end.reason}", end))
        for each in waiting:
            fire(each, error)
        started, self._started = self._started, None
        fire(started, Failure(CancelledError("the subscription was given up")))
        if self._leaving is not None:
            self._leaving.fire(self._lastWord())
        self._over.fire(end)

    def _lastWord(self) -> Notification | None:
        """The NOTIFY that ended it, or None where none did."""
        last, end = self.notification, self.ended
        return last if last is not None and end is not None and last.request is end.message else None
