"""
NOTIFYs about a REFER that we accepted (RFC 3515 section 2.4.4): one subscription of the referrer.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from twisted_sipdialog.dialog.subscription import SubscriptionEnd
from twisted_sipdialog.dialog.usage import Usage
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.event_fields import SubscriptionState
from twisted_sipdialog.message.sipfrag import CONTENT_TYPE, StatusFragment
from twisted_sipdialog.ua.delegation import Waiters
from twisted_sipdialog.ua.leg import Leg
from twisted_sipdialog.ua.notifying import Notice, Notifying
from twisted_sipdialog.ua.refer import PACKAGE


class Notifier(Notifying):
    """
    One who hears of it.
    """

    __slots__ = ("_audience", "_finished")

    def __init__(self, audience: Any, leg: Leg, name: str) -> None:
        """
        @param audience: the L{Audience<twisted_sipdialog.ua.refer_audience.Audience>} it is of.
        @param name: the C{id} that tells it from others in the same dialog; C{""} for the first.
        """
        self._audience = audience
        self._finished = Waiters()
        # Whoever asks for it (RFC 7614) hears first what is known already.
        known = b"" if audience.status is None else audience.status.toBytes()
        notice, seconds = Notice(known, CONTENT_TYPE), leg.core.configuration.referExpires
        super().__init__(leg, Usage("refer", PACKAGE, name), seconds, notice)

    @property
    def longest(self) -> int:
        return self.leg.core.configuration.referExpires

    def whenFinished(self) -> Deferred[None]:
        """The last NOTIFY was answered, or none will be."""
        return self._finished.wait()

    def notify(self, status: StatusFragment, reason: str | None = None) -> Deferred[Response | None]:
        """
        Tell C{status}.

        @param reason: why the subscription ends with it; None: it goes on.
        @return: as L{tell}.
        """
        end = None if reason is None else SubscriptionState("terminated", reason)
        return self.tell(Notice(status.toBytes(), CONTENT_TYPE), end)

    def refreshed(self, request: Request, granted: int) -> None:
        if granted and self._audience.isSettled:
            self.notify(self._audience.status, "noresource")
        else:
            self.again()

    def left(self, end: SubscriptionEnd, last: Request | None) -> None:
        self._finished.fire(None)
        self._audience.left(self)
