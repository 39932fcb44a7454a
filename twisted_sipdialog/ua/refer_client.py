"""
REFER as its sender (RFC 3515 section 2.4.1): in a dialog or outside, and what its NOTIFYs say of the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog._seams import IClientTransactionUser
from twisted_sipdialog.dialog.referral import ReferState, declinesSubscription, eventsAt
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import InvalidState, InvalidValue, ParseError, ReferFailed, ResponseError, SipError
from twisted_sipdialog.interfaces import IReferClientContext
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.event_fields import EventField, Replaces
from twisted_sipdialog.message.headers import keyOf
from twisted_sipdialog.message.sipfrag import StatusFragment
from twisted_sipdialog.message.uri import SipUri
from twisted_sipdialog.status import Cause
from twisted_sipdialog.ua.asking import Asking
from twisted_sipdialog.ua.client_context import ClientView, causeOf
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Outcome, fire, inform
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.event_dialog import EventDialog
from twisted_sipdialog.ua.opening import Opening
from twisted_sipdialog.ua.outgoing import Outgoing
from twisted_sipdialog.ua.refer import PACKAGE, tellRefer
from twisted_sipdialog.ua.refer_subscriber import Subscriber
from twisted_sipdialog.ua.referring import eventsAsked, linesOf
from twisted_sipdialog.ua.request_client import newRequest
from twisted_sipdialog.ua.uac import Sending


def refer(dialog: Dialog, target: Any, **how: Any) -> Deferred[ReferClientContext]:
    """
    @see: L{IDialog.refer<twisted_sipdialog.interfaces.IDialog>}
    """
    return ReferClientContext(dialog.userAgent, dialog, target, **how).refer()


@implementer(IReferClientContext, IClientTransactionUser)
class ReferClientContext(ClientView):
    """
    @see: L{IReferClientContext<twisted_sipdialog.interfaces.IReferClientContext>}
    """

    def __init__(
        self,
        userAgent: Any,
        applicant: Any,
        target: Any,
        extraHeaders: Iterable[tuple[str, str]] = (),
        activeAfterTransfer: bool = False,
        receiveResponse: Callable[[Response], Any] | None = None,
        delegate: Any = None,
        subscription: str | None = None,
        targetDialog: Any = None,
    ) -> None:
        """
        C{refer()} sends it.  For the parameters see L{IDialog.refer<twisted_sipdialog.interfaces.IDialog>} and
        L{IUserAgent.refer<twisted_sipdialog.interfaces.IUserAgent>}.

        @param applicant: who is asked: an L{IDialog<twisted_sipdialog.interfaces.IDialog>}, or as C{target} of
            L{IUserAgent.invite<twisted_sipdialog.interfaces.IUserAgent>}.
        """
        core: Core = userAgent._core
        if target is applicant and isinstance(applicant, Dialog):
            raise InvalidValue("target", target, "another call: none takes its own place")
        self._lines = linesOf(core, target, [*extraHeaders], subscription, targetDialog)
        dialog = applicant if isinstance(applicant, Dialog) else None
        super().__init__(core, self._written(core, applicant), delegate, dialog)
        # As it is read again: what it asks for, and what it says.
        lines = {keyOf(name): value for name, value in self._lines}
        self.referTo = Address.parse(lines["refer-to"])
        self.referredBy: str | None = lines.get("referred-by")
        self.subscription = subscription
        self.activeAfterTransfer = activeAfterTransfer
        self.status: StatusFragment | None = None
        self.eventsAt: str | None = None
        self.referState = ReferState.READY
        self.subscribers: list[Subscriber] = []
        self._receiveResponse = receiveResponse
        self._opening: Opening | None = None
        self._timer: Any = None
        self._asked: Deferred[Any] | None = Outcome(self._cancelled)

    def _written(self, core: Core, applicant: Any) -> Outgoing:
        if isinstance(applicant, Dialog):
            return applicant.outgoing("REFER", b"", self._lines)
        outgoing = newRequest(core, "REFER", applicant, self._lines)
        outgoing.contact = True
        return outgoing

    @property
    def replaces(self) -> Replaces | None:
        uri: Any = self.referTo.uri
        text = uri.header("Replaces") if isinstance(uri, SipUri) else None
        return None if text is None else Replaces.parse(text)

    # Sending.

    def refer(self) -> Deferred[ReferClientContext]:
        if self.referState is not ReferState.READY:
            raise InvalidState("refer", self.referState.value, "one REFER for each context")
        dialog = self.dialog
        if dialog is None:
            self.userAgent._mayCall("refer")
        elif dialog.isOver:
            self.referState = ReferState.TERMINATED
            self._finished.fire(Failure(dialog.over()))
            return fail(Failure(dialog.over()))
        elif dialog.state is not Phase.STABLE:
            raise InvalidState("refer", f"the call is {dialog.state.value}", "only a call that stands is transferred")
        asked = self._asked
        assert asked is not None
        self.referState = ReferState.WAITING
        self.core.asking[self] = None
        # RFC 7614 section 4: else its 2xx makes no subscription, and a NOTIFY that comes is about another one.
        isHeard = self.subscription in (None, "norefersub")
        if dialog is not None:
            self._outgoing = self._written(self.core, dialog)  # it may be elsewhere by now
            if isHeard:
                self.subscribers.append(Subscriber(self, dialog, self))
            self._start()
        else:
            if isHeard:
                self._opening = Opening(self.core, self, self._outgoing.callId, self.localIdentity.tag or "", self)
            self.userAgent._whenReady(self._start, self.transactionFailed)
        return asked

    def _start(self) -> None:
        if self.referState is ReferState.WAITING:  # it may have been cancelled before the ports were open
            sending = self._sending = Sending(self.core.client, self._outgoing, self)
            sending.told = self._sent
            sending.start()

    def _sent(self, request: Request) -> None:
        sending = self._sending
        assert sending is not None
        sending.told = None  # with credentials it is still the same one
        tellRefer(self, "referRequested")

    # What comes back.

    def responseReceived(self, response: Response) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        if self.referState is ReferState.TERMINATED and self._asked is None:
            return  # cancelled
        self.response = response
        code = response.statusCode
        if code < 200:
            tellRefer(self, "progressReceived", response)
            tellRefer(self, "referRequestProgress", response)
        elif code < 300:
            self._accepted(response)
        else:
            self._refused(ResponseError(response), response)
        if self._receiveResponse is not None:
            inform(self._receiveResponse, response)
        if code >= 200:
            self._fire(self if code < 300 else Failure(ResponseError(response)))
            self._rest()

    def _accepted(self, response: Response) -> None:
        sending = self._sending
        assert sending is not None
        if self.referState is ReferState.WAITING:
            self.referState = ReferState.ANSWERED
        if self.dialog is not None:
            self._move(response, sending.flow)
        tellRefer(self, "requestAccepted", response)
        tellRefer(self, "referRequestAccepted", response)
        if self.referState is not ReferState.ANSWERED:
            self._rest()  # a NOTIFY told the end already, or the delegate wants no more
        elif self.subscription == "explicitsub":
            self._subscribe(response)
        elif self.subscription == "nosub" or declinesSubscription(response):
            self._finish(None)
        else:
            self._expect(response, sending.flow)

    def _move(self, response: Response, flow: Any) -> None:
        """A REFER is a target refresh (RFC 5057 section 5.4); what names no place leaves the peer where it was."""
        with suppress(ParseError):
            self.core.onlyFlows.moved(self.dialog, response, flow)

    def _expect(self, response: Response, flow: Any) -> None:
        """NOTIFYs are to come, in the dialog that C{response} made if it made one."""
        if self._opening is not None:
            with suppress(ParseError):  # then that of the NOTIFY is waited for
                self._opening.confirmed(response, flow)
        for subscriber in self.subscribers:
            subscriber.begin()
        if not self.subscribers:
            self._timer = self.core.timers.start(self.core.configuration.timers.transaction, self._unheard)

    def _unheard(self, _: Any) -> None:
        self._timer = None
        self.lost("no NOTIFY in time")

    def _subscribe(self, response: Response) -> None:
        """RFC 7614 section 4: the outcome is told where the 2xx says."""
        try:
            self.eventsAt = eventsAt(response)
            outgoing = eventsAsked(self.core, self.eventsAt)
        except SipError as error:
            self.lost(str(error))
            return
        asking = Asking(self.core, outgoing)
        tag = Address.parse(dict(outgoing.lines)["From"]).tag or ""
        self._opening = Opening(self.core, self, outgoing.callId, tag, asking)
        asking.answered.addCallbacks(self._subscribed, lambda failure: self.lost(str(failure.value)), (asking,))
        asking.start()

    def _subscribed(self, response: Response, asking: Asking) -> None:
        if response.statusCode >= 300:
            self.lost(f"the subscription was refused with {response.statusCode}")
        elif self.referState is ReferState.ANSWERED:
            self._expect(response, asking.flow)

    def _refused(self, error: SipError, response: Response | None) -> None:
        isSettled = self.referState is ReferState.TERMINATED  # by a NOTIFY that came before
        self.core.asking.pop(self, None)  # there is nothing to give up any more
        self._leave()
        if self.dialog is not None and response is not None:
            self.dialog.concluded(response)
        cause = causeOf(error) if response is None else Cause.of(response.statusCode)
        if response is not None:
            tellRefer(self, "requestRejected", response, cause)
        tellRefer(self, "requestFailed", response, cause)
        if not isSettled:
            tellRefer(self, "referRequestRejected", response)
        self._finished.fire(Failure(error))

    def transactionFailed(self, error: SipError) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        if self.referState is ReferState.ANSWERED:
            self._fail(error)  # the service stopped
        elif self._asked is not None:
            if self.referState is ReferState.WAITING:
                self._refused(error, None)
            self._fire(Failure(error))
            self._rest()

    def expects(self, event: EventField, request: Request) -> bool:
        """Whether a NOTIFY makes a dialog for C{request}."""
        room = len(self.subscribers) < self.core.configuration.loadLimits.forks
        return room and event.package == PACKAGE and event.id in (None, str(request.cseqNumber))

    def opened(self, leg: EventDialog, opening: Opening) -> None:
        """There is a dialog that NOTIFYs come in."""
        subscriber = Subscriber(self, leg, opening)
        self.subscribers.append(subscriber)
        subscriber.begin()

    # What the NOTIFYs say.

    def notified(self, request: Request, status: StatusFragment | None) -> None:
        """A NOTIFY came, and was answered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if status is not None and self.referState is not ReferState.TERMINATED:
            self.status = status
            if status.statusCode < 200:
                tellRefer(self, "referProgress", status)
            else:
                self._settle(status)
        tellRefer(self, "referNotifyReceived", request)
        self.lost("the subscription ended without a final status")

    def _settle(self, status: StatusFragment) -> None:
        self.referState = ReferState.TERMINATED
        self._close()
        for subscriber in self.subscribers:
            subscriber.settled()
        isSuccess = status.statusCode < 300
        dialog = self.dialog
        if isSuccess and dialog is not None and not self.activeAfterTransfer and not dialog.isOver:
            dialog.destroy()
        tellRefer(self, "referAccepted" if isSuccess else "referRejected", status)
        self._finished.fire(status)

    def lost(self, why: str) -> None:
        """Where nobody is left who could tell the outcome, it is over; not before the REFER was answered."""
        if self.referState is ReferState.ANSWERED and not self.subscribers:
            self._fail(ReferFailed(why, status=self.status))

    def _fail(self, error: SipError) -> None:
        self._leave()
        tellRefer(self, "referRejected", self.status)
        self._finished.fire(Failure(error))

    def _finish(self, status: StatusFragment | None) -> None:
        self._leave()
        self._finished.fire(status)

    # The end.

    def _leave(self) -> None:
        """Nothing is heard any more."""
        self.referState = ReferState.TERMINATED
        self._close()
        for subscriber in [*self.subscribers]:
            subscriber.over()

    def _close(self) -> None:
        if self._opening is not None:
            self._opening.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._rest()

    def _fire(self, outcome: Any) -> None:
        """C{refer()} is through.  Its Deferred is let go: the collector could find a failure in it before it."""
        asked, self._asked = self._asked, None
        fire(asked, outcome)

    def _rest(self) -> None:
        """What a stop of the service has to tell us of is over."""
        if self._asked is None and self.referState is ReferState.TERMINATED:
            self.core.asking.pop(self, None)

    def _cancelled(self, _: Deferred[Any]) -> None:
        self.cancel()

    def cancel(self) -> None:
        if self.referState is ReferState.WAITING and self._sending is not None:
            self._sending.abandon()
        error = Failure(CancelledError("the REFER was given up"))
        isOpen = self in self.core.asking and self._asked is not None
        isOver = self.referState is ReferState.TERMINATED  # its outcome is being told just now, if it was not yet
        self.referState = ReferState.TERMINATED
        self._close()
        for subscriber in [*self.subscribers]:
            subscriber.giveUp()
        if isOpen:
            tellRefer(self, "requestFailed", None, Cause.CANCELED)
            self._fire(error)
        if not isOver:
            self._finished.fire(error)
        self._rest()
