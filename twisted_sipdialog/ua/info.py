"""
INFO (RFC 6086), and the digits that go by it.
"""

from __future__ import annotations

from math import inf
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.python.failure import Failure

from twisted_sipdialog.errors import InvalidValue, ParseError, ResponseError, SipError
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.dtmf import CONTENT_TYPE, Tone, formatTone, parseTone, parseTones
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Outcome, fire, overrides
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.outgoing import typeLine
from twisted_sipdialog.ua.request_server import requestReceived

_DIGITS: Final = (CONTENT_TYPE, "application/dtmf")
#: What a comma among the tones stands for: seconds.
_PAUSE: Final = 2.0


def infoReceived(core: Core, transaction: Any, dialog: Dialog) -> None:
    """An INFO: a digit, where somebody wants to hear of those; else the delegate's, as any request."""
    request = transaction.request
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    listens = kind in _DIGITS and any(overrides(d, "toneReceived") for d in (dialog.delegate, core.delegate))
    if not listens or "info-package" in request.headers:
        requestReceived(core, transaction, dialog)
        return
    try:
        tone = parseTone(request.body, kind)
    except ParseError as error:
        transaction.respond(request.response(error.statusCode or 400))
        return
    transaction.respond(request.response(200))
    core.tellAll(dialog.delegate, "toneReceived", dialog, tone.digit, tone.duration)


def sendTones(dialog: Dialog, tones: str, duration: float, gap: float) -> Deferred[None]:
    """
    @see: L{IDialog.dtmf<twisted_sipdialog.interfaces.IDialog>}
    """
    digits = parseTones(tones)
    if not 0.07 <= duration <= 6:
        raise InvalidValue("duration", duration, "0.07 to 6 seconds")
    if not 0.05 <= gap < inf:
        raise InvalidValue("gap", gap, "0.05 seconds or more")
    if dialog.isOver:
        return fail(dialog.over())
    dialling = _Dialling(dialog, digits, duration, gap)
    dialling.next()
    return dialling.done


class _Dialling:
    """Digits on their way, one after the other."""

    def __init__(self, dialog: Dialog, digits: list[str], duration: float, gap: float) -> None:
        self.done: Deferred[Any] = Outcome(self._cancelled)
        self._dialog = dialog
        self._digits = digits
        self._duration = duration
        self._gap = gap
        self._timer: Any = None
        # A stop of the service, which takes the timers away, tells those who wait.
        dialog.core.asking[self] = None

    def next(self, _: Any = None) -> None:
        self._timer = None
        dialog = self._dialog
        if not self._digits:
            self._over(None)
            return
        if dialog.isOver:
            self._over(Failure(dialog.over()))
            return
        digit = self._digits.pop(0)
        if digit == ",":
            self._timer = dialog.core.timers.start(_PAUSE, self.next)
            return
        sent = dialog.ask("INFO", formatTone(Tone(digit, self._duration)), [typeLine(CONTENT_TYPE)])
        sent.addCallbacks(self._sent, self._over)

    def _sent(self, response: Response) -> None:
        if response.statusCode >= 300:
            self._over(Failure(ResponseError(response)))
        elif not self.done.called:
            pause = self._gap if self._digits and self._digits[0] != "," else 0.0
            self._timer = self._dialog.core.timers.start(pause, self.next) if pause else None
            if not pause:
                self.next()

    def transactionFailed(self, error: SipError) -> None:
        """The service stopped."""
        self._over(Failure(error))

    def _cancelled(self, _: Deferred[Any]) -> None:
        self._digits.clear()
        self._over(Failure(CancelledError()))

    def _over(self, outcome: Any) -> None:
        self._dialog.core.asking.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
        fire(self.done, outcome)
