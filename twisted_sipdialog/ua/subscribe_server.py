"""
SUBSCRIBE as its receiver (RFC 6665 section 4.2.1): how it is answered.

Who is asked about it is in subscribe_received.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import DialogTerminated, InvalidValue, ParseError, SipError
from twisted_sipdialog.event import PACKAGES
from twisted_sipdialog.interfaces import ISubscribeServerContext
from twisted_sipdialog.message.event_fields import EventField
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Outcome, fire
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.event_dialog import EventDialog
from twisted_sipdialog.ua.leg import Leg
from twisted_sipdialog.ua.notifier import Notifier, checkedBody, checkedState, longestOf, noticeLines, understands
from twisted_sipdialog.ua.notifying import Notice
from twisted_sipdialog.ua.outgoing import Lines, typeLine
from twisted_sipdialog.ua.server_context import ServerContext, oneLine


@implementer(ISubscribeServerContext)
class SubscribeServerContext(ServerContext):
    """
    @see: L{ISubscribeServerContext<twisted_sipdialog.interfaces.ISubscribeServerContext>}
    """

    __slots__ = ("_leg", "event", "expires", "notifier")

    def __init__(self, core: Core, transaction: Any, leg: Leg | None, event: EventField, default: int) -> None:
        """
        @param leg: the dialog that the SUBSCRIBE came in, None: it came outside of any.
        """
        super().__init__(core, transaction, leg if isinstance(leg, Dialog) else None, default)
        self._leg = leg
        self.event = event
        longest = longestOf(core, event)
        wanted = typedOrNone(self.request, "expires")
        self.expires: int = longest if wanted is None else min(wanted, longest)
        self.notifier: Notifier | None = None
        # One that is not answered counts as well: a slow delegate is not to let any number of them through.
        core.countSubscription(transaction.flow.remote[0], 1)
        if leg is not None:
            leg.attach(self)

    def _close(self) -> None:
        super()._close()
        self.core.countSubscription(self.transaction.flow.remote[0], -1)
        if self._leg is not None:
            self._leg.detach(self)

    # Until it is answered it is a usage of its dialog, which is there for it.

    def takes(self, method: str, event: EventField) -> bool:
        """A further SUBSCRIBE for the same subscription."""
        return method == "SUBSCRIBE" and (event.package, event.id) == (self.event.package, self.event.id)

    def requestReceived(self, transaction: Any, leg: Leg) -> None:
        """Nobody knows yet what it would prolong: as an INVITE that overtakes another (RFC 3261 section 14.2)."""
        wait = ("Retry-After", str(self.core.configuration.loadLimits.retryAfter))
        transaction.respond(transaction.request.response(500, headers=[wait]))

    def legStopped(self, error: SipError) -> None:
        """It is answered all the same."""

    # How it is answered.

    def understands(self, contentType: str) -> bool:
        return understands(self.request, contentType)

    def accept(
        self,
        statusCode: int | None = None,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
        state: str = "active",
        expires: int | None = None,
        interval: float | None = None,
        delegate: Any = None,
    ) -> Deferred[Notifier]:
        """
        @see: L{ISubscribeServerContext.accept<twisted_sipdialog.interfaces.ISubscribeServerContext>}
        """
        code = self._checked("accept", statusCode or self.core.configuration.subscribeStatus, 200, 299)
        if self.dialog is not None and self.dialog.state is Phase.TERMINATED:
            return self._tooLate()
        granted = self.expires if expires is None else expires
        if type(granted) is not int or not 0 <= granted <= self.expires:
            raise InvalidValue("expires", expires, f"whole seconds, 0 to {self.expires}")
        package = PACKAGES.get(self.event.package)
        if interval is None:
            interval = 0.0 if package is None else package.interval
        if not isinstance(interval, int | float) or not 0 <= interval < 2**31:
            raise InvalidValue("interval", interval, "seconds, 0 or more")
        usual = "text/plain" if package is None else package.accept[0]
        notice = Notice(checkedBody(body), typeLine(contentType or usual)[1])
        phrase = reasonPhrase if reasonPhrase is None else oneLine("reasonPhrase", reasonPhrase)
        state, lines = checkedState(state), noticeLines(extraHeaders)
        self.expires = granted
        response = self._written(code, phrase, lines, b"", None)
        notifier = self.notifier = Notifier(self, self._legOf(), self.expires, state, interval, notice)
        notifier.delegate = delegate
        self._respond(response)
        if self._leg is not None:
            with suppress(ParseError):  # then the peer stays where it was
                self.core.onlyFlows.moved(self._leg, self.request, self.transaction.flow)
        if not body:
            notifier.pause(0.0)  # what is notified in this turn goes out instead
        notifier.tell(notice)
        self.responded(response)
        return succeed(notifier)

    def _tooLate(self) -> Deferred[Notifier]:
        """RFC 3261 section 12.2.2: the call went while this was thought about, and nothing begins in it any more."""
        self.reject(481)
        failed = Outcome()
        fire(failed, Failure(DialogTerminated("the dialog was over before it was accepted", self.dialog.ended)))
        return failed

    def _legOf(self) -> Leg:
        """The dialog at hand, or one of its own."""
        return self._leg or EventDialog.madeBy(self.core, self.transaction, self.localTag())

    def _ownLines(self, statusCode: int) -> Lines:
        if 200 <= statusCode < 300:
            own = [("Contact", self.core.identity.contact(self.transaction.flow)), ("Expires", str(self.expires))]
            return [*own, *self.core.offeredEvents()]
        if statusCode == 489:
            return self.core.eventLines()
        return super()._ownLines(statusCode)
