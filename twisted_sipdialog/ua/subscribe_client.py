"""
SUBSCRIBE as its sender (RFC 6665 section 4.1): one subscription, kept up until it is given up.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.dialog.subscription import SubscriptionEnd
from twisted_sipdialog.errors import (
    InvalidState,
    ParseError,
    ResponseError,
    SipError,
)
from twisted_sipdialog.interfaces import ISubscription
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.event_fields import EventField
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.delegation import Outcome, Waiters, tell
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.opening import Opening
from twisted_sipdialog.ua.outgoing import Lines, Outgoing
from twisted_sipdialog.ua.request_client import newRequest
from twisted_sipdialog.ua.retry import toldBy
from twisted_sipdialog.ua.subscriber import Notification, Subscriber
from twisted_sipdialog.ua.subscribing import Subscribing, positive
from twisted_sipdialog.ua.subscription_heard import SubscriptionHeard

#: What may be answered otherwise a little later.
_PASSING: Final = (408, 480, 500, 502, 503, 504)
#: Section 4.1.2.2: refusals of a refresh after which there is no subscription any more.
_ENDING: Final = frozenset((404, 405, 410, 416, *range(480, 486), 489, 501, 604))


def subscribe(dialog: Dialog, event: Any, **how: Any) -> Deferred[Subscription]:
    """
    @see: L{IDialog.subscribe<twisted_sipdialog.interfaces.IDialog>}
    """
    if dialog.state is Phase.EARLY:
        raise InvalidState("subscribe", "the call is early", "there is no dialog yet that both sides are sure of")
    expires = positive(how.pop("expires", None))
    return Subscription(dialog.userAgent, dialog, event, expires, **how).begin()


@implementer(ISubscription)
class Subscription(SubscriptionHeard):
    """
    @see: L{ISubscription<twisted_sipdialog.interfaces.ISubscription>}
    """

    # What the application asks.

    def begin(self) -> Deferred[Any]:
        """
        Send the first SUBSCRIBE; once.

        @return: as L{IUserAgent.subscribe<twisted_sipdialog.interfaces.IUserAgent>}.
        """
        if self in self.core.kept or self.ended is not None:
            raise InvalidState("begin", self.state, "once for each subscription")
        if self.dialog is None:
            self.userAgent._mayCall("subscribe")
        started = self._started = Outcome(self._cancelled)
        self.core.kept[self] = None
        self.userAgent._whenReady(self._start, self._unready)
        return started

    def _tellApart(self, dialog: Dialog) -> None:
        """Section 8.2.1: subscriptions to one package in one dialog have different ids."""
        event = self.event
        there = {usage.id for usage in dialog.dialogState.usages if usage.event == event.package}
        if (event.id or "") in there:
            self.event = EventField(event.package, self.core.identity.newTag(), event.parameters)

    def _cancelled(self, _: Deferred[Any]) -> None:
        self._started = None
        self.unsubscribe()

    def refresh(self, expires: int | None = None) -> Deferred[Response]:
        if self.state not in ("pending", "active") or self._leaving is not None:
            raise InvalidState("refresh", self.state, "there is nothing that could be prolonged")
        self._asked = positive(expires) or self._asked
        waiting = Outcome()
        self._waiting.append(waiting)
        self._go()
        return waiting

    def unsubscribe(self) -> Deferred[Notification | None]:
        if self._leaving is None:
            self._leaving = Waiters()
            if self.ended is not None:
                self._leaving.fire(self._lastWord())
            elif self._isOver:
                pass  # and what follows is the end
            elif self._heard is None or self.state == "starting":
                # A NOTIFY that comes all the same gets 481, and that ends it over there (section 4.2.2).
                asking = self._asking
                self._end(SubscriptionEnd("unsubscribed", False))
                if asking is not None:
                    asking.cancel()  # or a challenge to it would be answered yet
            else:
                self._go()
        return self._leaving.wait()

    def whenTerminated(self) -> Deferred[SubscriptionEnd]:
        return self._over.wait()

    # One SUBSCRIBE at a time.

    def _start(self, _: Any = None) -> None:
        """The first of a new subscription."""
        self._timer = None
        if self.ended is not None:
            return  # given up before the ports were open
        self.state = "starting"
        self._known = None
        self._isAsked = False
        self._begun = self.core.timers.now()
        dialog = self.dialog
        if dialog is None:
            outgoing = newRequest(self.core, "SUBSCRIBE", self.target, ())
            outgoing.contact = True
        elif dialog.isOver:
            self._fail(dialog.over(), SubscriptionEnd("dialog over", False))
            return
        else:
            self._tellApart(dialog)
            self._heard = Subscriber(self, dialog, self.event.id or "")
            outgoing = dialog.outgoing("SUBSCRIBE", b"", [])
        self._send(outgoing, self._asked, True)

    def _unready(self, error: SipError) -> None:
        self._fail(error, SubscriptionEnd("no answer", False))

    def _go(self) -> None:
        """Send the next one, if there is one to be sent."""
        heard = self._heard
        isLast = self._leaving is not None
        isDue = bool(self._waiting) if not isLast else self._last is None or self._last.expires > 0
        if heard is not None and self._asking is None and isDue:
            leaving = heard.leg.leaving()
            if leaving is not None:
                # RFC 3261 section 12.2.2: a BYE that this overtakes is refused, and the call goes on over there.
                leaving.addCallback(lambda _: self._go())
                return
            self._stopTimer()
            self._send(heard.leg.outgoing("SUBSCRIBE", b"", []), 0 if isLast else self._asked, False)

    def _send(self, outgoing: Outgoing, expires: int, isFirst: bool, isRepaired: bool = False) -> None:
        own: Lines = [*self._extra, ("Event", str(self.event)), ("Expires", str(expires))]
        own += self.core.offeredEvents()
        if self.accept:
            own.append(("Accept", ", ".join(self.accept)))
        names = {name for name, _ in own}
        outgoing.lines = [*[line for line in outgoing.lines if line[0] not in names], *own]
        outgoing.body = self._body
        waiting, self._waiting = self._waiting, []
        asking = self._asking = self._last = Subscribing(self, outgoing, waiting, expires, isRepaired, isFirst)
        if isFirst and self.dialog is None:
            self._listen(asking, outgoing)
        asking.start()

    def _listen(self, asking: Subscribing, outgoing: Outgoing) -> None:
        """NOTIFYs may come from now on (section 4.4.1)."""
        if self._opening is None:
            tag = Address.parse(next(value for name, value in outgoing.lines if name == "From")).tag
            self._opening = Opening(self.core, self, outgoing.callId, tag or "", asking)
        else:
            self._opening.asked = asking

    # What comes back.

    def accepted(self, asking: Subscribing, response: Response) -> None:
        """A 2xx: what it grants counts until a NOTIFY says otherwise (section 4.1.2.1)."""
        if self._isCurrent(asking, response):
            heard = self._heard
            if heard is not None and response.toTag == heard.leg.dialogState.remoteTag:
                with suppress(ParseError):  # then it stays where it was
                    self.core.onlyFlows.moved(heard.leg, response, asking.flow)
            granted = typedOrNone(response, "expires")
            seconds = asking.expires if granted is None else min(granted, asking.expires)
            if self.state == "starting" or not seconds:
                # Section 4.1.2.4, timer N: the NOTIFY that tells of it has to come.
                self._until = self.core.timers.now() + seconds
                self._wait(self.core.configuration.timers.transaction, self._silent)
            elif not asking.isFirst or seconds < self.expires:  # else a NOTIFY that came first said how long
                self._retry.reset()
                self._lasts(seconds)
            elif self._timer is None:
                self._waiting.append(Outcome())  # the time to refresh it came before this
            tell(self.delegate, "subscriptionAccepted", self, response)
        asking.fire(response)
        self._go()

    def refused(self, asking: Subscribing, response: Response) -> None:
        """A final response that is no success."""
        if self._isCurrent(asking, response):
            heard = self._heard
            if heard is not None and heard.leg.isOvertaken(asking.request, response):
                self._again(asking)
                return
            minimum = asking.repair(response)
            if minimum is not None:
                self._asked = max(self._asked, minimum)  # more may have been asked for since
                self._again(asking, True)
                return
            if self.dialog is not None:
                self.dialog.concluded(response)
            self._failed(asking, ResponseError(response), response)
        asking.fire(Failure(ResponseError(response)))
        self._go()

    def _again(self, asking: Subscribing, isRepaired: bool = False) -> None:
        """Ask once more, for those who wait for it, and for what was asked for since."""
        self._waiting = [*asking.waiting, *self._waiting]
        outgoing = asking.outgoing
        if not asking.isFirst and self._heard is not None:
            outgoing = self._heard.leg.outgoing("SUBSCRIBE", b"", [])
        self._send(outgoing, self._asked if self._leaving is None else 0, asking.isFirst, isRepaired)

    def unanswered(self, asking: Subscribing, error: BaseException) -> None:
        """No final response."""
        if self._isCurrent(asking, None):
            self._failed(asking, error, None)
        asking.fire(Failure(error))
        self._go()

    def _isCurrent(self, asking: Subscribing, response: Response | None) -> bool:
        """The subscription that it was of is still there."""
        if asking is not self._asking:
            return False
        self._asking = None
        self.response = response or self.response
        return True

    def _failed(self, asking: Subscribing, error: BaseException, response: Response | None) -> None:
        tell(self.delegate, "subscriptionFailed", self, Failure(error))
        if self.ended is not None or self._asking is not None:
            return  # the delegate wants it otherwise
        end = SubscriptionEnd("no answer" if response is None else "refused", True, response)
        code = 0 if response is None else response.statusCode
        passes = response is None or code in _PASSING
        if self._leaving is not None:
            if not asking.expires or response is None or code in _ENDING:
                self._end(SubscriptionEnd("unsubscribed", False))
            # Else a refresh was refused, and it is there until it is told otherwise.
        elif self._started is not None or (self.state == "starting" and not passes):
            self._fail(error, end)
        elif self.state == "starting":
            self._suspend(end, toldBy(response))
        elif asking.isFirst or code not in _ENDING:
            # Section 4.1.2.2: it lasts until its time is over all the same.
            self._wait(min(self._retry.pause(toldBy(response)), self.expires), self._due)
        elif code == 481:
            self._suspend(end, 0.0)
        else:
            self._end(end)

    # The end.

    def stopping(self) -> Deferred[Any]:
        """The service ends."""
        return self.unsubscribe()

    def stopped(self) -> None:
        """The service ends and waits no longer."""
        self._end(SubscriptionEnd("service stopped", False))
