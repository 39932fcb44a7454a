"""
Who hears of a REFER that we accepted: the subscription that its 2xx made (RFC 3515 section 2.4.4), or those who asked
at a URI (RFC 7614 section 4).
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList, succeed

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.event_fields import EventField
from twisted_sipdialog.message.sipfrag import StatusFragment
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.event_dialog import EventDialog
from twisted_sipdialog.ua.refer_notifier import Notifier

#: The parameter of our Contact that names a REFER in Refer-Events-At.
EVENTS_AT: Final = "refer-events"


class Audience:
    """
    @ivar status: what was told last, None before the REFER was accepted.
    @ivar isSettled: that was the final status.
    @ivar name: what Refer-Events-At has for the REFER, as long as somebody may ask there; else C{""}.
    """

    __slots__ = ("_lasting", "_notifiers", "core", "isSettled", "name", "status")

    def __init__(self, core: Core) -> None:
        self.core = core
        self.status: StatusFragment | None = None
        self.isSettled = False
        self.name = ""
        self._lasting: Any = None
        self._notifiers: list[Notifier] = []

    def begin(self, transaction: Any, dialog: Any, localTag: str, name: str) -> None:
        """
        RFC 3515 section 2.4.4: the 2xx makes a subscription, in the dialog at hand or in one of its own.

        @param name: what tells it from others there.
        """
        leg = dialog if transaction.request.toTag else EventDialog.madeBy(self.core, transaction, localTag)
        self._join(Notifier(self, leg, name))

    def _join(self, notifier: Notifier) -> None:
        self._notifiers.append(notifier)
        self.core.kept[self] = None

    def tell(self, status: StatusFragment) -> Deferred[Response | None]:
        """Everybody hears C{status}; a Deferred of the first one's answer, None without anybody."""
        self.status = status
        self.isSettled = status.statusCode >= 200
        # Section 2.4.7: nothing more is to be heard after it.
        reason = "noresource" if self.isSettled else None
        told = [notifier.notify(status, reason) for notifier in self._notifiers]
        if self.isSettled and self.name:
            # RFC 7614 section 4.4: one who asks a little late is to hear it all the same.
            self._last(self.core.configuration.timers.transaction)
        return told[0] if told else succeed(None)

    def left(self, notifier: Notifier) -> None:
        """One of them hears nothing more."""
        self._notifiers.remove(notifier)
        self._rest()

    def _rest(self) -> None:
        if not self._notifiers and not self.name:
            self.core.kept.pop(self, None)

    # Those who ask.

    def open(self) -> None:
        """Somebody may ask, at a URI that nobody can guess."""
        self.name = self.core.identity.newTag()
        self.core.referEvents[self.name] = self
        self.core.kept[self] = None
        self._last(self.core.configuration.referExpires)

    def at(self, contact: str) -> str:
        """That URI, as Refer-Events-At has it."""
        return f"{contact[:-1]};{EVENTS_AT}={self.name}>"

    def _last(self, seconds: float) -> None:
        """Nobody can ask any more after C{seconds}."""
        if self._lasting is not None:
            self._lasting.cancel()
        self._lasting = self.core.timers.start(seconds, self._close)

    def _close(self, _: Any = None) -> None:
        self._lasting.cancel()
        self.core.referEvents.pop(self.name, None)
        self.name = ""
        self._rest()

    def asked(self, transaction: Any, event: EventField) -> None:
        """A SUBSCRIBE to it."""
        request, tag = transaction.request, self.core.identity.newTag()
        if len(self._notifiers) >= self.core.configuration.loadLimits.forks:
            transaction.respond(request.response(503, None, tag))
            return
        try:
            leg = EventDialog.madeBy(self.core, transaction, tag)
        except ParseError as error:
            transaction.respond(request.response(400, request.badRequest(error).reasonPhrase, tag))
            return
        notifier = Notifier(self, leg, event.id or "")
        self._join(notifier)
        notifier.requestReceived(transaction, leg)

    # The end.

    def stopping(self) -> Deferred[Any]:
        """The service ends: whoever waits for a final status gets one.  Fires when they have it."""
        if not self.isSettled:  # a call that followed it was cancelled before, which told so
            self.tell(StatusFragment(503))
        return DeferredList([notifier.whenFinished() for notifier in self._notifiers])

    def stopped(self) -> None:
        """The service ends and waits no longer."""
        if self.name:
            self._close()
