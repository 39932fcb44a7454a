"""
NOTIFYs about a REFER of ours (RFC 3515 section 2.4.4, RFC 6665 section 4.1.3): one subscription, in one dialog.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from twisted_sipdialog.dialog.usage import Usage
from twisted_sipdialog.errors import ParseError, SipError
from twisted_sipdialog.message import Request
from twisted_sipdialog.message.event_fields import EventField, SubscriptionState
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.message.sipfrag import StatusFragment
from twisted_sipdialog.ua.event_dialog import EventDialog
from twisted_sipdialog.ua.leg import Leg
from twisted_sipdialog.ua.refer import PACKAGE
from twisted_sipdialog.ua.subscriber import malformed

#: Seconds we wait at most, whatever a notifier says its subscription lasts.
_LONGEST: Final = 3600


class Subscriber:
    """
    What is heard in one dialog: a REFER outside of one may fork, and then has several.
    """

    __slots__ = ("_context", "_isGivenUp", "_isSettled", "_opening", "_timer", "_usage", "leg")

    def __init__(self, context: Any, leg: Leg, opening: Any) -> None:
        """
        @param context: the L{ReferClientContext<twisted_sipdialog.ua.refer_client.ReferClientContext>}.
        @param opening: has the C{request} that makes the subscription.
        """
        self._context = context
        self._opening = opening
        self._timer: Any = None
        self._usage: Usage | None = None
        self._isSettled = False
        self._isGivenUp = False
        self.leg = leg
        leg.attach(self)

    def __repr__(self) -> str:
        return f"<Subscriber {self._usage}>"

    def begin(self) -> None:
        """There is a subscription: a NOTIFY has to come within 64*T1 (RFC 6665 section 4.1.2.4, timer N)."""
        if self._usage is None:
            self._usage = Usage("refer", PACKAGE, str(self._opening.request.cseqNumber))
            self.leg.dialogState.usages += (self._usage,)
            self.wait(self.leg.core.configuration.timers.transaction)

    def wait(self, seconds: float) -> None:
        """Nothing is to be expected after C{seconds} from now."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.leg.core.timers.start(seconds, self._silent)

    def _silent(self, _: Any) -> None:
        self._timer = None
        self.over()
        self._context.lost("no NOTIFY in time")

    def over(self) -> None:
        """No NOTIFY is taken any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._usage is not None:
            self.leg.dialogState.endUsage(self._usage)
        self._context.subscribers.remove(self)
        self.leg.detach(self)

    def giveUp(self) -> None:
        """
        The next NOTIFY is refused, which ends the subscription (RFC 6665 section 4.2.2).  Until then it is known here,
        so that it is not taken for another's.
        """
        if isinstance(self.leg, EventDialog) or self._opening.request is None:
            self.over()  # there is no other here
        else:
            self.begin()
            self._isGivenUp = True

    def takes(self, method: str, event: EventField) -> bool:
        """
        RFC 3515 section 2.4.6: without an id it is the first there is.  linphonec never has one, and never ends what it
        told the final status of: that one gives way to another.  So does a REFER that has no 2xx yet: it may have been
        overtaken, so that the other was the first that came.
        """
        sent = self._opening.request
        if method != "NOTIFY" or event.package != PACKAGE or sent is None:
            return False
        if event.id is None:
            return self._isWaiting(self) or not any(self._isWaiting(other) for other in self.leg.takers)
        return event.id == str(sent.cseqNumber)

    @staticmethod
    def _isWaiting(taker: Any) -> bool:
        return isinstance(taker, Subscriber) and taker._usage is not None and not taker._isSettled

    def requestReceived(self, transaction: Any, leg: Leg) -> None:
        """A NOTIFY: answered first, as what it says may be the end of the dialog."""
        request = transaction.request
        if self._isGivenUp:
            self.over()
            transaction.respond(request.response(481))
            return
        self.begin()
        state = _stateOf(request)
        status = None
        try:
            status = _statusOf(request)
        except ParseError as error:
            transaction.respond(malformed(request, error, ("message/sipfrag",)))
        else:
            transaction.respond(request.response(200))
            with suppress(ParseError):  # then it stays where it was
                leg.core.onlyFlows.moved(leg, request, transaction.flow)
        if state.state == "terminated" and not _isUntrue(state, status):
            self.over()
        elif not self._isSettled:  # else the end alone is waited for, whatever it says
            expires = leg.core.configuration.referExpires if state.expires is None else state.expires
            # A little more: the notifier tells of the end itself.
            self.wait(min(expires, _LONGEST) + leg.core.configuration.timers.transaction)
        self._context.notified(request, status)

    def settled(self) -> None:
        """The final status is known: what may come still is the end of the subscription."""
        self._isSettled = True
        self.wait(self.leg.core.configuration.timers.transaction)

    def legStopped(self, error: SipError) -> None:
        """The peer cannot be heard any more."""
        self.over()
        self._context.lost(str(error))


def _statusOf(request: Request) -> StatusFragment | None:
    """
    The status that a NOTIFY tells, None for one without a body.

    @raise ParseError: 415: it is something else; 400: it has no status line.
    """
    if not request.body:
        return None
    kind = (request.headers.get("content-type") or "message/sipfrag").partition(";")[0].strip().lower()
    if kind != "message/sipfrag":
        raise ParseError(f"a status in {kind}", 415)
    return StatusFragment.parse(request.body)


def _stateOf(request: Request) -> SubscriptionState:
    """Subscription-State; of a malformed one, as C{terminated;reason=reason=noresource}, the first word counts."""
    state: SubscriptionState | None = typedOrNone(request, "subscription-state")
    if state is not None:
        return state
    word, _, rest = (request.headers.get("subscription-state") or "active").partition(";")
    return SubscriptionState(word.strip().lower(), rest or None)


def _isUntrue(state: SubscriptionState, status: StatusFragment | None) -> bool:
    """
    SIP.js up to 0.13 says C{terminated}, and no more, in each NOTIFY, the 100 Trying included: others will follow.
    """
    return state.reason is None and status is not None and status.statusCode < 200
