"""
REFER as its receiver (RFC 3515 section 2.4.2): how it is answered, and the call that it asks for.

Who is asked about it is in refer_received.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.dialog.referral import Referral, ReferState, Subscription, declinesSubscription, fragmentOf
from twisted_sipdialog.errors import InvalidValue, LocalError, ParseError, ReferFailed, ResponseError, SipError
from twisted_sipdialog.interfaces import IReferServerContext
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.event_fields import EventField
from twisted_sipdialog.message.sipfrag import StatusFragment
from twisted_sipdialog.ua import call_log
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Outcome, fire
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.following import follow
from twisted_sipdialog.ua.outgoing import Lines, extraLines, typeLine
from twisted_sipdialog.ua.refer import tellRefer
from twisted_sipdialog.ua.refer_audience import Audience
from twisted_sipdialog.ua.server_context import ServerContext, oneLine

_log = Logger()


def _isFollowing(dialog: Dialog) -> bool:
    """
    The call of an earlier REFER is being made, or stands: nobody but the application follows another one, or a single
    peer could have us call any number of others at once.
    """
    followed = dialog.followed
    return isinstance(followed, ReferServerContext) or (followed is not None and followed.ended is None)


@implementer(IReferServerContext)
class ReferServerContext(ServerContext):
    """
    @see: L{IReferServerContext<twisted_sipdialog.interfaces.IReferServerContext>}
    """

    __slots__ = (
        "__weakref__",
        "_audience",
        "_isRefused",
        "_isSent",
        "_name",
        "_outcome",
        "calling",
        "delegate",
        "referral",
        "targetDialog",
    )

    def __init__(self, core: Core, transaction: Any, dialog: Dialog | None, referral: Referral) -> None:
        super().__init__(core, transaction, dialog, 603)
        self.referral = referral
        self.delegate: Any = None
        self.calling: Any = None
        self.targetDialog: Any = None
        # RFC 3515 section 2.4.6: the first of a dialog may do without what tells the others apart.
        isFirst = not self.request.toTag or (dialog is not None and dialog.refers == 1)
        self._name = "" if isFirst else str(self.request.cseqNumber)
        self._isSent = False
        self._audience = Audience(core)
        self._outcome: Deferred[Any] | None = None
        self._isRefused = False

    # What it says.

    @property
    def referTo(self) -> Address:
        return self.referral.referTo

    @property
    def referredBy(self) -> str | None:
        return self.referral.referredBy

    @property
    def replaces(self) -> Any:
        return self.referral.replaces

    @property
    def status(self) -> StatusFragment | None:
        return self._audience.status

    @property
    def referState(self) -> ReferState:
        if not self.answered:
            return ReferState.WAITING
        return ReferState.TERMINATED if self._isRefused or self._audience.isSettled else ReferState.ANSWERED

    # The verbs.

    def accept(
        self,
        statusCode: int | None = None,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
        followRefer: bool = False,
        inviteOptions: dict[str, Any] | None = None,
        modifiers: Iterable[Any] = (),
        delegate: Any = None,
    ) -> Deferred[Any]:
        """
        @see: L{IReferServerContext.accept<twisted_sipdialog.interfaces.IReferServerContext>}
        """
        configuration = self.core.configuration
        wanted = self.referral.subscription
        usual = configuration.referStatus if wanted is Subscription.IMPLICIT else 200
        code = self._checked("accept", statusCode or usual, 200, 299)
        extra = extraLines(extraHeaders)
        if not followRefer and (inviteOptions or modifiers):
            raise InvalidValue("inviteOptions, modifiers", inviteOptions or modifiers, "they are for followRefer=True")
        if contentType is not None:
            typeLine(contentType)  # may raise
        calling = None
        if followRefer:
            refusal = self.referral.refusal(configuration.outboundProxy is not None)
            if refusal is not None:
                self.reject(refusal)
                refused = Outcome()  # referRequestRejected tells it, too
                fire(refused, Failure(ReferFailed(f"{self.referTo.uri} cannot be called", refusal)))
                return refused
            calling = follow(self, inviteOptions or {}, modifiers)
        phrase = reasonPhrase if reasonPhrase is None else oneLine("reasonPhrase", reasonPhrase)
        if wanted is Subscription.EXPLICIT:
            self._audience.open()
        response = self._written(code, phrase, extra, body, contentType)
        self.delegate = delegate
        self.calling = calling
        self._move()
        if wanted is Subscription.IMPLICIT:
            self._audience.begin(self.transaction, self.dialog, self.localTag(), self._name)
        self._leave()
        self._respond(response)
        self._audience.tell(StatusFragment(100))
        self.responded(response)  # last: whoever is told may tell the final status
        return succeed(None) if calling is None else self._follow(calling)

    def _move(self) -> None:
        """In its dialog it is a target refresh (RFC 5057 section 5.4); what came after it knows better."""
        dialog, request = self.dialog, self.request
        if request.toTag and request.cseqNumber == dialog.dialogState.remoteSequence:
            with suppress(ParseError):  # then the peer stays where it was
                self.core.onlyFlows.moved(dialog, request, self.transaction.flow)

    def responded(self, response: Response) -> None:
        isRefused = response.statusCode >= 300
        if isRefused:
            self._isRefused = True
            self._leave()
        super().responded(response)
        if response.statusCode >= 200:
            call_log.referred(self.request, self.referTo.uri, response.statusCode)
            tellRefer(self, "referRequestRejected" if isRefused else "referRequestAccepted", response)

    def sendNotify(self, status: StatusFragment | bytes | int) -> Deferred[Response | None]:
        """
        @see: L{IReferServerContext.sendNotify<twisted_sipdialog.interfaces.IReferServerContext>}
        """
        return self._audience.tell(fragmentOf(status, self.referState))

    # The call that it asks for.

    def _follow(self, calling: Any) -> Deferred[Any]:
        outcome = self._outcome = Outcome(self._cancelled)
        if self.dialog is not None:
            self.dialog.followed = self
        calling.follower = self
        calling.whenAnswered().addCallbacks(self._succeeded, self._failed)
        calling.start()
        return outcome

    def _cancelled(self, _: Deferred[Any]) -> None:
        self.calling.cancel()

    def inviteSent(self, request: Request) -> None:
        """The INVITE went out; once, though it may go out again with credentials, or to another address."""
        if not self._isSent:
            self._isSent = True
            tellRefer(self, "referInviteSent", request)

    def progressReceived(self, response: Response) -> None:
        """A provisional response to it: the referrer hears of each new status."""
        status = StatusFragment(response.statusCode, response.reasonPhrase)
        if status != self.status and not self._audience.isSettled:
            self._audience.tell(status)
            tellRefer(self, "referProgress", status)

    def _succeeded(self, dialog: Dialog) -> None:
        self.targetDialog = dialog
        dialog.isReferred = True
        self._came(dialog)
        assert dialog.res is not None
        status = StatusFragment(dialog.res.statusCode, dialog.res.reasonPhrase)
        self._audience.tell(status)
        tellRefer(self, "referAccepted", status)
        fire(self._outcome, dialog)

    def _failed(self, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, ResponseError):
            status = StatusFragment(error.response.statusCode, error.response.reasonPhrase)
        elif failure.check(CancelledError):
            status = StatusFragment(487)
        else:
            status = StatusFragment(getattr(error, "statusCode", None) or 500)
        self._came(None)
        self._audience.tell(status)
        tellRefer(self, "referRejected", status)
        fire(self._outcome, None)

    def _came(self, dialog: Dialog | None) -> None:
        if self.dialog is not None and self.dialog.followed is self:
            self.dialog.followed = dialog

    # Who hears of it.

    def _ownLines(self, statusCode: int) -> Lines:
        if not 200 <= statusCode < 300:
            return super()._ownLines(statusCode)
        contact = self.core.identity.contact(self.transaction.flow)
        if self._audience.name:
            return [("Contact", contact), ("Refer-Events-At", self._audience.at(contact))]
        declined = declinesSubscription(self.request)
        return [("Contact", contact), *([("Refer-Sub", "false")] if declined else [])]

    # As a usage of its dialog, until it is answered.

    def _leave(self) -> None:
        if self.dialog is not None:
            self.dialog.detach(self)

    def takes(self, method: str, event: EventField) -> bool:
        """There is no subscription before the 2xx."""
        return False

    def legStopped(self, error: SipError) -> None:
        """The service ends: nobody can be answered any more."""
        self._leave()

    # How the delegate did.

    def answerByDefault(self) -> None:
        """No delegate takes it: the policy decides."""
        dialog, policy = self.dialog, self.core.configuration.referPolicy
        # One whom another REFER had us call is nobody that we chose.
        placed = dialog is not None and dialog.role == "uac" and not dialog.isReferred
        trusted = dialog is not None and (placed or dialog.authenticated)
        if dialog is None or not (policy == "follow" or (policy == "trusted" and trusted)) or _isFollowing(dialog):
            self._refuse()
            return
        try:
            self.accept(followRefer=True).addErrback(lambda failure: failure.trap(ReferFailed))
        except LocalError as error:
            _log.warn("a REFER cannot be followed: {reason}", reason=str(error))
            self._refuse()

    def _refuse(self) -> None:
        outside = self.dialog is None
        self.reject(self.core.configuration.outOfDialogReferStatus if outside else 603)

    def returned(self) -> None:
        if self.answered or self._later:
            super().returned()
        else:
            self.pending = None
            _log.warn("the delegate returned without an answer to a REFER: it is refused")
            self._refuse()
