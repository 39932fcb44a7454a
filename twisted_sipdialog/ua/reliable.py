"""
Reliable provisional responses, as their sender (RFC 3262 section 3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_sipdialog.dialog.reliable import acknowledges
from twisted_sipdialog.errors import NoPrack, SipError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.ua.delegation import Outcome, fire


@attrs.define(eq=False)
class _Provisional:
    """
    One of them.

    @ivar describes: it carries an offer or answer, so that no 2xx may overtake its PRACK.
    """

    rseq: int
    response: Response
    describes: bool
    done: Deferred[Any]
    isAcknowledged: bool = False


class Reliable:
    """
    Those of one INVITE: sent one at a time, each repeated until its PRACK, 64*T1 at most.
    """

    __slots__ = ("_context", "_deadline", "_interval", "_next", "_queue", "_then", "_timer")

    def __init__(self, context: Any) -> None:
        """
        @param context: the INVITE: its C{transmit(response)} sends, its C{responded(response)} is told
            that one was sent for the first time, its C{unpracked()} is told that no PRACK came.
        """
        self._context = context
        self._next = context.core.identity.random.getrandbits(30) + 1
        self._queue: list[_Provisional] = []
        self._then: Callable[[], None] | None = None
        self._timer: Any = None
        self._interval = self._deadline = 0.0

    def lines(self) -> list[tuple[str, str]]:
        """The headers of the next one (section 7.1)."""
        return [("Require", "100rel"), ("RSeq", str(self._next))]

    def send(self, response: Response, describes: bool) -> Deferred[Request]:
        """Send what has L{lines} when its turn comes; a Deferred of its PRACK."""
        done = Outcome()
        self._queue.append(_Provisional(self._next, response, describes, done))
        self._next += 1
        if len(self._queue) == 1:
            self._transmit()
        return done

    @property
    def describing(self) -> bool:
        """An offer or answer has gone out, or will, whose PRACK has not come: a 2xx has to wait (section 3)."""
        return any(provisional.describes for provisional in self._queue)

    @property
    def isDescribed(self) -> bool:
        """The one that awaits its PRACK carries an offer or answer."""
        return bool(self._queue) and self._queue[0].describes

    def describe(self) -> None:
        """The PRACK that came carries an offer: a 2xx has to wait for its answer as well (RFC 6337 section 2.2)."""
        self._queue[0].describes = True

    def takeAnswer(self, answer: bytes) -> None:
        """The PRACK has the answer to our offer; what is wrong with it is raised."""
        self._context.takeAnswer(answer)

    def then(self, accept: Callable[[], None]) -> None:
        """Call C{accept} once nothing is L{describing} any more."""
        self._then = accept

    def _transmit(self) -> None:
        timers, values = self._context.core.timers, self._context.core.configuration.timers
        now = timers.now()
        self._deadline, self._interval = now + values.transaction, values.T1
        self._timer = timers.at(now + values.T1, self._repeat)
        response = self._queue[0].response
        self._context.transmit(response)
        self._context.responded(response)

    def _repeat(self, _: Any) -> None:
        """Section 3: each wait is twice the one before, without a limit but that of the whole."""
        due = self._timer.deadline
        if due >= self._deadline - 1e-6:
            self._timer = None
            self._context.unpracked()
            return
        self._interval *= 2
        self._timer = self._context.core.timers.at(min(due + self._interval, self._deadline), self._repeat)
        self._context.transmit(self._queue[0].response)

    def acknowledged(self, prack: Request) -> bool:
        """
        C{prack} means the one that is being repeated, which ends here; L{settled} says how it went on.

        @raise ParseError: it has no usable RAck.
        """
        first = self._queue[0] if self._queue else None
        if first is None or not acknowledges(prack, first.rseq, first.response.cseqNumber) or first.isAcknowledged:
            return False
        first.isAcknowledged = True
        self._stop()
        return True

    def settled(self, prack: Request, failure: Failure | None) -> None:
        """The PRACK was answered; C{failure}: what it carried is of no use."""
        if not self._queue:
            return
        first = self._queue.pop(0)
        if failure is not None:
            self._context.undescribed()
        elif self._context.answered:
            self._forget()
        elif self._queue:
            self._transmit()
        # Whoever waited may send the next one at once, which is then the first again.
        fire(first.done, failure or prack)
        if self._then is not None and not self.describing:
            accept, self._then = self._then, None
            accept()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def rest(self) -> None:
        """The 2xx went out: nothing is repeated any more, but the PRACK on its way may still come (section 3)."""
        overtaken = NoPrack("the final response overtook it")
        queued = self._queue[1:]
        del self._queue[1:]
        if self._timer is not None:
            self._stop()
            self._timer = self._context.core.timers.at(self._deadline, lambda _: self.end(overtaken))
        elif not self._queue:
            self._forget()
        for provisional in queued:
            fire(provisional.done, Failure(overtaken))

    def refuse(self, error: SipError) -> None:
        """A re-INVITE was refused, its dialog lives: nobody waits for the PRACK, which may come (section 3)."""
        self._then = None
        for provisional in self._queue:
            fire(provisional.done, Failure(error))
        self.rest()

    def _forget(self) -> None:
        """A PRACK would mean nothing here any more."""
        dialog = self._context.dialog
        if dialog.reliable is self:
            dialog.reliable = None

    def end(self, error: SipError) -> None:
        """No PRACK can come any more."""
        self._stop()
        self._forget()
        self._then = None
        queue, self._queue = self._queue, []
        for provisional in queue:
            fire(provisional.done, Failure(error))
