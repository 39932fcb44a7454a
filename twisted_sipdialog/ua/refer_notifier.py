"""
NOTIFYs about a REFER that we accepted (RFC 3515 section 2.4.4, RFC 6665 section 4.2): one subscription of the referrer.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_sipdialog.dialog.usage import Usage
from twisted_sipdialog.errors import ParseError, SipError
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.event_fields import EventField, SubscriptionState
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.message.sipfrag import CONTENT_TYPE, StatusFragment
from twisted_sipdialog.ua.asking import Asking
from twisted_sipdialog.ua.delegation import Outcome, Waiters, fire
from twisted_sipdialog.ua.leg import Leg
from twisted_sipdialog.ua.outgoing import Lines
from twisted_sipdialog.ua.refer import PACKAGE

#: The refusals of a NOTIFY that end its subscription, or the dialog of it (RFC 5057 section 5.1).  Others are of that
#: NOTIFY only, as the 491 of a peer who has not had our 2xx yet.
_ENDING: Final = frozenset((404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604))


class Notifier:
    """
    One NOTIFY at a time: one that overtook another would be refused, or believed too late.  What waits meanwhile is
    the newest status only.
    """

    __slots__ = ("_asking", "_audience", "_expires", "_finished", "_leg", "_timer", "_usage", "_waiting")

    def __init__(self, audience: Any, leg: Leg, name: str) -> None:
        """
        @param audience: the L{Audience<twisted_sipdialog.ua.refer_audience.Audience>} it is of.
        @param name: the C{id} that tells it from others in the same dialog; C{""} for the first.
        """
        self._audience = audience
        self._leg = leg
        self._usage = Usage("refer", PACKAGE, name)
        self._asking = False
        self._waiting: tuple[StatusFragment, str | None, Deferred[Any]] | None = None
        self._finished = Waiters()
        self._timer: Any = None
        self._last(leg.core.configuration.referExpires)
        leg.dialogState.usages += (self._usage,)
        leg.attach(self)

    def __repr__(self) -> str:
        return f"<Notifier {self._usage}>"

    def _last(self, seconds: int) -> None:
        """It lasts C{seconds} from now."""
        timers = self._leg.core.timers
        if self._timer is not None:
            self._timer.cancel()
        self._expires = timers.now() + seconds
        self._timer = timers.start(seconds, self._expired)

    @property
    def isOver(self) -> bool:
        """No NOTIFY goes out any more, but perhaps one that waits for its turn."""
        return self._timer is None

    def whenFinished(self) -> Deferred[None]:
        """The last NOTIFY was answered, or none will be."""
        return self._finished.wait()

    # What we tell.

    def notify(self, status: StatusFragment, reason: str | None = None) -> Deferred[Response | None]:
        """
        Tell C{status}.

        @param reason: why the subscription ends with it; None: it goes on.
        @return: a Deferred of the answer; None where a newer status took its place, or nobody is there to be told.
        """
        told: Deferred[Any] = Outcome()
        if self.isOver:
            fire(told, None)
            return told
        if reason is not None:
            self._timer.cancel()
            self._timer = None
        overtaken, self._waiting = self._waiting, (status, reason, told)
        if overtaken is not None:
            fire(overtaken[2], None)
        self._next()
        return told

    def _next(self) -> None:
        if self._waiting is None or self._asking:
            return
        leaving = self._leg.leaving()
        if leaving is not None:
            # RFC 3261 section 12.2.2: a BYE that this overtakes is refused, and the call goes on over there.
            leaving.addCallback(lambda _: self._next())
            return
        (status, reason, told), self._waiting = self._waiting, None
        self._asking = True
        state = SubscriptionState("terminated", reason) if reason is not None else self._active()
        event = EventField(PACKAGE, self._usage.id or None)
        lines: Lines = [("Event", str(event)), ("Subscription-State", str(state)), ("Content-Type", CONTENT_TYPE)]
        asking = Asking(self._leg.core, self._leg.outgoing("NOTIFY", status.toBytes(), lines))
        asking.answered.addBoth(self._answered, reason, told)
        asking.start()

    def _active(self) -> SubscriptionState:
        left = self._expires - self._leg.core.timers.now()
        return SubscriptionState("active", expires=max(int(left + 0.5), 0))

    def _answered(self, outcome: Response | Failure, reason: str | None, told: Deferred[Any]) -> None:
        self._asking = False
        # RFC 6665 section 4.2.2: whoever knows nothing of it, or does not answer, has no subscription any more.
        if isinstance(outcome, Failure) or outcome.statusCode in _ENDING or reason is not None:
            self._over()
        fire(told, outcome)
        self._next()

    def _over(self) -> None:
        if self not in self._leg.takers:
            return  # a stop came before the answer to a NOTIFY
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            fire(waiting[2], None)
        self._leg.dialogState.endUsage(self._usage)
        self._leg.detach(self)
        self._finished.fire(None)
        self._audience.left(self)

    def _expired(self, _: Any) -> None:
        """RFC 6665 section 4.2.2: what is known at the end is told."""
        self.notify(self._audience.status, "timeout")

    # What the referrer sends.

    def takes(self, method: str, event: EventField) -> bool:
        """Whether a request is for this subscription."""
        return method == "SUBSCRIBE" and event.package == PACKAGE and (event.id or "") == self._usage.id

    def requestReceived(self, transaction: Any, leg: Leg) -> None:
        """A SUBSCRIBE: it prolongs the subscription, or ends it (RFC 3515 section 2.4.4)."""
        request, core = transaction.request, leg.core
        if self.isOver:
            transaction.respond(request.response(481))
            return
        most = core.configuration.referExpires
        wanted = typedOrNone(request, "expires")
        granted = most if wanted is None else min(wanted, most)
        contact = core.identity.contact(transaction.flow)
        lines = [("Contact", contact), ("Expires", str(granted))]
        transaction.respond(request.response(200, None, leg.dialogState.localTag, lines))
        with suppress(ParseError):  # then it stays where it was
            core.onlyFlows.moved(leg, request, transaction.flow)
        if granted:
            self._last(granted)
        settled = "noresource" if self._audience.isSettled else None
        self.notify(self._audience.status, settled if granted else "timeout")

    def legStopped(self, error: SipError) -> None:
        """Nobody can be told any more."""
        self._over()
