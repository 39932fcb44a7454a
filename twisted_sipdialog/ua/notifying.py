"""
NOTIFYs of one subscription of a peer (RFC 6665 section 4.2): in order, paced, until it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_sipdialog.dialog.subscription import ENDING, SubscriptionEnd
from twisted_sipdialog.dialog.usage import Usage
from twisted_sipdialog.errors import ParseError, SipError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.event_fields import EventField, SubscriptionState
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.asking import Asking
from twisted_sipdialog.ua.delegation import Outcome, fire
from twisted_sipdialog.ua.leg import Leg
from twisted_sipdialog.ua.outgoing import Lines


@attrs.frozen(eq=False)
class Notice:
    """
    What one NOTIFY says.

    @ivar lines: further header lines.
    """

    body: bytes
    contentType: str | None
    lines: Sequence[tuple[str, str]] = ()


class Notifying:
    """
    One NOTIFY at a time: one that overtook another would be refused, or believed too late.  What waits meanwhile is
    the newest notice only.

    @ivar state: C{"active"} or C{"pending"}, as long as it is not over.
    @ivar notice: what was told last, or is about to be.
    """

    __slots__ = ("_asking", "_earliest", "_end", "_pacing", "_timer", "_until", "_usage", "_waiting", "leg", "notice")

    state = "active"
    #: Seconds from one NOTIFY to the next, at least.
    interval = 0.0

    def __init__(self, leg: Leg, usage: Usage, seconds: int, notice: Notice) -> None:
        """
        @param seconds: how long the subscription lasts, 0 for one NOTIFY.
        """
        self.leg = leg
        self.notice = notice
        self._usage = usage
        self._asking: Asking | None = None
        self._waiting: tuple[Notice, Deferred[Any]] | None = None
        self._end: SubscriptionState | None = None
        self._pacing: Any = None
        self._timer: Any = None
        self._earliest = 0.0
        self._last(seconds)
        leg.dialogState.usages += (usage,)
        leg.attach(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._usage}>"

    def _last(self, seconds: int) -> None:
        """It lasts C{seconds} from now."""
        timers = self.leg.core.timers
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._until = timers.now() + seconds
        if seconds:
            self._timer = timers.start(seconds, self._expired)

    @property
    def isEnding(self) -> bool:
        """No NOTIFY goes out any more, but perhaps the last."""
        return self._end is not None

    # What we tell.

    def tell(self, notice: Notice, end: SubscriptionState | None = None) -> Deferred[Response | None]:
        """
        Say C{notice}, as soon as it may be said.

        @param end: the subscription ends with it.
        @return: a Deferred of the answer; None where a newer notice took its place, or nobody is there to be told.
        """
        told = Outcome()
        if self._end is not None:
            fire(told, None)
            return told
        self._end = end
        self.notice = notice
        overtaken, self._waiting = self._waiting, (notice, told)
        if overtaken is not None:
            fire(overtaken[1], None)
        if end is not None:
            self._stopTimers()  # the last word does not wait
        self._next()
        return told

    def again(self) -> None:
        """Say at once what is the state (section 4.2.1.2), unless it is about to be said."""
        self._earliest = 0.0
        if self._pacing is not None:
            self._pacing.cancel()
            self._pacing = None
        if self._waiting is None:
            self.tell(self.notice)
        else:
            self._next()

    def pause(self, seconds: float) -> None:
        """No NOTIFY goes out before C{seconds} from now; one that does not come by then is due."""
        self._pacing = self.leg.core.timers.start(seconds, self._paced)

    def _paced(self, _: Any) -> None:
        self._pacing = None
        self._next()

    def _next(self) -> None:
        if self._waiting is None or self._asking is not None or self._pacing is not None:
            return
        now = self.leg.core.timers.now()
        if self._end is None and self._until <= now:
            self._end = SubscriptionState("terminated", "timeout")
        if self._end is None and self._earliest > now:
            self.pause(self._earliest - now)
            return
        leaving = self.leg.leaving()
        if leaving is not None:
            # RFC 3261 section 12.2.2: a BYE that this overtakes is refused, and the call goes on over there.
            leaving.addCallback(lambda _: self._next())
            return
        self._earliest = now + self.interval
        self._send()

    def _send(self) -> None:
        assert self._waiting is not None
        (notice, told), self._waiting = self._waiting, None
        state, isLast = self._end, self._end is not None
        if state is None:
            left = max(int(self._until - self.leg.core.timers.now() + 0.5), 0)
            state = SubscriptionState(self.state, expires=left)
        lines: Lines = [("Event", self.eventText()), ("Subscription-State", str(state)), *notice.lines]
        if notice.contentType is not None and notice.body:
            lines.append(("Content-Type", notice.contentType))
        asking = self._asking = Asking(self.leg.core, self.leg.outgoing("NOTIFY", notice.body, lines))
        asking.answered.addBoth(self._answered, asking, isLast, notice, told)
        asking.start()

    def eventText(self) -> str:
        """Event, as the NOTIFYs have it."""
        return str(EventField(self._usage.event, self._usage.id or None))

    def _answered(
        self, outcome: Response | Failure, asking: Asking, isLast: bool, notice: Notice, told: Deferred[Any]
    ) -> None:
        self._asking = None
        if isinstance(outcome, Response) and self._waiting is None and self.leg.isOvertaken(asking.request, outcome):
            self._waiting = notice, told
            self._next()
            return
        if isinstance(outcome, Response):
            self._heardBack(outcome, asking.flow)
        last = asking.request if isLast else None
        # Section 4.2.2: whoever knows nothing of it, or does not answer, has no subscription any more.
        if isinstance(outcome, Failure):
            self._over(SubscriptionEnd("no answer", True), last)
        elif outcome.statusCode in ENDING:
            self._over(SubscriptionEnd("refused", True, outcome), last)
        elif isLast:
            self._over(self.endOf(asking.request), asking.request)
        fire(told, outcome)
        self.heard()
        self._next()

    def _heardBack(self, response: Response, flow: Any) -> None:
        """What the answer to a NOTIFY means for the dialog, perhaps its end (RFC 5057 section 5.1)."""
        self.leg.concluded(response)
        if response.statusCode < 300:
            with suppress(ParseError):  # then the peer stays where it was
                self.leg.core.onlyFlows.moved(self.leg, response, flow)

    def heard(self) -> None:
        """The answer to a NOTIFY came, and was told."""

    def endOf(self, last: Request | None) -> SubscriptionEnd:
        """How it ended, C{last} being the last NOTIFY."""
        reason = self._end.reason if self._end is not None else None
        return SubscriptionEnd(reason or "", False, last)

    def _stopTimers(self) -> None:
        for timer in (self._timer, self._pacing):
            if timer is not None:
                timer.cancel()
        self._timer = self._pacing = None

    def _over(self, end: SubscriptionEnd, last: Request | None) -> None:
        if self not in self.leg.takers:
            return  # a stop came before the answer to a NOTIFY
        self._stopTimers()
        if self._end is None:
            self._end = SubscriptionState("terminated")
        if self._waiting is not None:
            (_, told), self._waiting = self._waiting, None
            fire(told, None)
        self.leg.dialogState.endUsage(self._usage)
        self.leg.detach(self)
        self.left(end, last)

    def left(self, end: SubscriptionEnd, last: Request | None) -> None:
        """It is over; C{last}: the NOTIFY that said so, or None."""
        raise NotImplementedError

    def _expired(self, _: Any) -> None:
        """Section 4.2.2: what is known at the end is told."""
        self._timer = None
        self.tell(self.notice, SubscriptionState("terminated", "timeout"))

    # What the subscriber sends.

    def takes(self, method: str, event: EventField) -> bool:
        """Whether a request is for this subscription."""
        usage = self._usage
        return method == "SUBSCRIBE" and event.package == usage.event and (event.id or "") == usage.id

    def requestReceived(self, transaction: Any, leg: Leg) -> None:
        """A SUBSCRIBE: it prolongs the subscription, or ends it (section 4.2.1)."""
        request, core = transaction.request, leg.core
        if self.isEnding or self._until <= core.timers.now():
            # It is over, though the last NOTIFY may wait for the answer to another.
            transaction.respond(request.response(481))
            return
        refusal = self.refusal(request)
        if refusal is not None:
            transaction.respond(refusal)
            return
        granted = self.granted(request)
        lines = [("Contact", core.identity.contact(transaction.flow)), ("Expires", str(granted))]
        transaction.respond(request.response(self.status, None, leg.dialogState.localTag, lines))
        with suppress(ParseError):  # then it stays where it was
            core.onlyFlows.moved(leg, request, transaction.flow)
        self._last(granted)
        self.refreshed(request, granted)

    @property
    def status(self) -> int:
        """That of the 2xx to a SUBSCRIBE."""
        return 200

    def refusal(self, request: Request) -> Response | None:
        """The response to a SUBSCRIBE that cannot be granted, or None."""
        return None

    @property
    def longest(self) -> int:
        """Seconds that are granted at most, and where nothing is asked for."""
        raise NotImplementedError

    def granted(self, request: Request) -> int:
        """Seconds that C{request} is granted."""
        wanted = typedOrNone(request, "expires")
        return self.longest if wanted is None else min(wanted, self.longest)

    def refreshed(self, request: Request, granted: int) -> None:
        """A SUBSCRIBE was answered: the state is told."""
        self.again()

    def legStopped(self, error: SipError) -> None:
        """Nobody can be told any more."""
        reason = "service stopped" if self.leg.core.stopping else "flow lost"
        last = self._asking if self.isEnding and self._waiting is None else None  # its answer is not waited for
        self._over(SubscriptionEnd(reason, False), None if last is None else last.request)
