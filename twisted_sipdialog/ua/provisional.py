"""
An INVITE to us while it rings (RFC 3261 section 13.3.1.1, RFC 3262 section 3).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from twisted_sipdialog.dialog.reliable import TAG
from twisted_sipdialog.errors import DialogTerminated, InvalidState, NoPrack, SipError
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.accepted import AcceptedContext
from twisted_sipdialog.ua.delegation import Outcome, cancel, fire
from twisted_sipdialog.ua.outgoing import Lines, extraLines
from twisted_sipdialog.ua.reliable import Reliable
from twisted_sipdialog.ua.replaces import placeCanBeTaken, replaceeOf
from twisted_sipdialog.ua.server_context import oneLine
from twisted_sipdialog.ua.session import checkModifiers, describe, lend, sdpOf

#: Seconds between repetitions of a provisional that keep proxies patient (section 13.3.1.1).
_REMINDER = 60.0

#: An INVITE without any of these does not speak of reliable provisionals.
_SPEAKING = frozenset(("require", "supported"))


class ProvisionalContext(AcceptedContext):
    """
    What an invitation does until its final response: provisionals, and the bounds of its time.

    @ivar reliable: the provisionals that are repeated until their PRACK, or None.
    """

    __slots__ = (
        "_before",
        "_contact",
        "_described",
        "_describing",
        "_isExchanged",
        "_lateStatus",
        "_started",
        "offer",
        "reliable",
    )

    provisional = 180
    provisionals = (100, 199)

    def __init__(self, core: Any, transaction: Any, dialog: Any, default: int) -> None:
        super().__init__(core, transaction, dialog, default)
        self.offer: bytes | None = sdpOf(self.request)
        self._contact: str = core.identity.contact(transaction.flow)
        self._started = core.timers.now()
        self._lateStatus = 408
        self._described: bytes | None = None  # what media= gave to a foretaste: the 2xx says the same
        self._describing: Deferred[Any] | None = None  # the description that is being made
        self._before: Any = None  # what described the call before a reliable provisional of a re-INVITE
        self._isExchanged = False  # a reliable provisional had our offer or answer: the 2xx has none
        self.reliable: Reliable | None = None

    @property
    def replacee(self) -> Any:
        return replaceeOf(self.core, self.request)

    def _refusesLate(self) -> bool:
        """RFC 3891 section 3: the call that it wants early only was answered while it rang: 486."""
        refusal = None if self.replacee is None else placeCanBeTaken(self.core, self.transaction, self.request)
        if refusal is not None:
            self.reject(refusal.statusCode)
        return refusal is not None

    def _makeDialog(self) -> Any:
        raise NotImplementedError

    def _undescribed(self, failure: Failure) -> None:
        raise NotImplementedError

    def progress(
        self,
        statusCode: int | None = None,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        contentType: str | None = None,
        reliable: bool | None = None,
        media: Any = None,
        modifiers: Iterable[Any] = (),
    ) -> Deferred[Any]:
        code = self._checked("progress", self.provisional if statusCode is None else statusCode, *self.provisionals)
        if code == 100:
            self._send(code, reasonPhrase, extraHeaders, b"", None)
            return succeed(None)
        reliably = self._isReliable(reliable)
        # What cannot be said is refused before the session is described: what was described counts as sent.
        lines = extraLines(extraHeaders) if extraHeaders else []
        if reasonPhrase is not None:
            oneLine("reasonPhrase", reasonPhrase)
        checked = checkModifiers(modifiers, body, contentType) if modifiers else ()
        if self.dialog is None:
            self._makeDialog()
        if not body and media is None:
            return self._provide(code, reasonPhrase, lines, b"", None, reliably, False)
        if not reliably and body and not checked:
            return self._provide(code, reasonPhrase, lines, body, contentType, False, False)
        if self._session is not None:
            raise InvalidState(
                "progress", "the session is described already", "RFC 6337 section 2.2; modify() changes it"
            )
        offer = self.offer
        session = self._session = self._describe(body, contentType, media, checked)
        done = Outcome()
        try:
            described = session.offer() if offer is None else session.answer(offer)
        except Exception:
            self._unforetold(Failure(), done)
            return done
        if isinstance(described, bytes):
            return self._foretell(described, code, reasonPhrase, lines, reliably)
        self._describing = described
        described.addCallback(self._foretellLate, done, code, reasonPhrase, lines, reliably)
        described.addErrback(self._unforetold, done)
        return done

    def _foretellLate(self, described: bytes, done: Deferred[Any], *how: Any) -> None:
        self._foretell(described, *how).addBoth(lambda outcome: fire(done, outcome))

    def _foretell(self, described: bytes, code: int, phrase: str | None, extra: Lines, reliably: bool) -> Deferred[Any]:
        """The description is there: reliably sent, it is the offer or answer; else only what that will be."""
        self._describing = None
        if self.answered:
            raise DialogTerminated("it was answered before its description was made")
        dialog = self.dialog
        self._described = described
        if dialog.session is None or (reliably and self.offer is not None):
            self._before = lend(self._session, dialog)
        if reliably:
            self._isExchanged = True
            dialog.dialogState.exchanged("offer sent" if self.offer is None else "answer sent")
        provided = self._provide(code, phrase, extra, described, self._session.contentType, reliably, reliably)
        self._isForetold()
        return provided

    def takeAnswer(self, answer: bytes) -> None:
        """
        The PRACK answers the offer of a provisional.

        @raise NotAcceptable: it does not; or what else C{update} of a session description raises.
        """
        self._session.update(answer)
        self.dialog.dialogState.exchanged("answer received")
        self._before = self._before or lend(self._session, self.dialog)

    def _isForetold(self) -> None:
        """An C{accept()} may have waited for it."""
        raise NotImplementedError

    def _unforetold(self, failure: Failure, done: Deferred[Any]) -> None:
        """No description could be made, so the INVITE is refused; or it was answered before."""
        overtaken = self.answered
        self._undescribed(failure)
        if overtaken and failure.check(DialogTerminated) is None:
            failure = Failure(DialogTerminated("it was answered before its description was made"))
        fire(done, failure)

    def _describe(self, body: bytes | None, contentType: str | None, media: Any, modifiers: tuple[Any, ...]) -> Any:
        return describe(self.core, body, contentType, media, self.transaction.flow, modifiers)

    def _isReliable(self, wanted: bool | None) -> bool:
        """RFC 3262 section 3: whom it may be sent to, and whom it must."""
        if wanted is None and not self.request.headers.mentions(_SPEAKING):
            return False
        policy = self.core.configuration.rel100
        required = TAG in (typedOrNone(self.request, "require") or ())
        supported = required or TAG in (typedOrNone(self.request, "supported") or ())
        if wanted is None:
            return required or (supported and policy == "required")
        if wanted and (policy == "off" or not supported):
            raise InvalidState("progress", "reliable, and one of us does not know 100rel", "RFC 3262 section 3")
        if required and not wanted:
            raise InvalidState("progress", "not reliable, and the caller requires 100rel", "RFC 3262 section 3")
        return wanted

    def _provide(
        self,
        code: int,
        phrase: str | None,
        extra: Lines,
        body: bytes,
        contentType: str | None,
        reliably: bool,
        describes: bool,
    ) -> Deferred[Any]:
        if not reliably:
            self._send(code, phrase, extra, body, contentType)
            return succeed(None)
        if self.reliable is None:
            self.reliable = self.dialog.reliable = Reliable(self)
        reliable = self.reliable
        # RFC 3311 section 5.1: whether the caller may send UPDATE from here on.
        lines = [*reliable.lines(), ("Allow", self.core.allow()), *extra]
        return reliable.send(self._written(code, phrase, lines, body, contentType), describes)

    def responded(self, response: Response) -> None:
        isEarly = 100 < response.statusCode < 200 and self.dialog.res is None
        if isEarly:
            self.dialog.res = response
        super().responded(response)
        if isEarly and not self.answered:
            self._isEarly(response)

    def _isEarly(self, response: Response) -> None:
        """The first provisional that makes the dialog known to the caller was sent."""

    def transmit(self, response: Response) -> None:
        """A reliable provisional goes out, the first time or again."""
        self.response = response
        self.transaction.respond(response)

    def unpracked(self) -> None:
        """Section 3: no PRACK in 64*T1, so the INVITE is refused."""
        reliable, self.reliable, self.dialog.reliable = self.reliable, None, None
        pending, self.pending = self.pending, None
        assert reliable is not None
        self.reject(504)
        # First of all to whoever waits for it: a coroutine that does is not merely cancelled.
        reliable.end(NoPrack(f"no PRACK in {self.dialog!r}"))
        cancel(pending)

    def _endReliable(self, error: SipError) -> None:
        """The call is over, and no PRACK is waited for."""
        if self.reliable is not None:
            self.reliable.end(error)

    def undescribed(self) -> None:
        """What the PRACK says does not answer our offer."""
        if not self.answered:
            self._refuse(488)

    def _refuse(self, statusCode: int) -> None:
        raise NotImplementedError

    def _ownLines(self, statusCode: int) -> Lines:
        if 100 < statusCode < 200:
            return [("Contact", self._contact)]
        return super()._ownLines(statusCode)

    # Time.

    def wait(self) -> None:
        """The answer takes its time: bound it by noAnswerTimeout and Expires (section 13.3.1)."""
        if self.answered or self._timer is not None:
            return
        expires = typedOrNone(self.request, "expires")
        timeout = self.core.configuration.noAnswerTimeout
        bounds = [bound for bound in (timeout, expires) if bound is not None]
        self._deadline = self._started + min(bounds, default=float("inf"))
        self._lateStatus = 487 if expires is not None and min(bounds) == expires else 408
        self._remind()

    def _remind(self, _: Any = None) -> None:
        now = self.core.timers.now()
        if now >= self._deadline - 1e-6:
            self._timer = None
            self._refuse(self._lateStatus)
            return
        if self._timer is not None and self.response is not None:
            self._remindNow(self.response)
        self._timer = self.core.timers.at(min(now + _REMINDER, self._deadline), self._remind)

    def _remindNow(self, last: Response) -> None:
        if self.reliable is None:
            self.transaction.respond(last)
        elif last.statusCode > 100:
            # RFC 3262 section 3: a repetition would be taken for one; the next in order is none.
            self._provide(last.statusCode, last.reasonPhrase, [], b"", None, True, False).addErrback(lambda _: None)
