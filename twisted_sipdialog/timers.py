"""
Timers: one L{TimerSet} per user agent, and the SIP timer values (RFC 3261 table 4).

A SIP stack starts several timers for each message and cancels nearly all of
them.  So they live in buckets of ten milliseconds, and only the earliest bucket
costs the reactor a delayed call: starting and cancelling is an append and two
assignments.  A timer is never early and at most one bucket late; one that is
restarted counts from the deadline that fired, so lateness does not add up.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import ceil, floor
from typing import Any

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

_log = Logger()

#: Buckets a second.
_RESOLUTION = 100
#: Float noise that must not push a deadline into the next bucket (in buckets).
_NOISE = 1e-5


@attrs.frozen
class TimerValues:
    """
    The timer values of RFC 3261 table 4, in seconds.

    @ivar T1: round-trip estimate, default 0.5.
    @ivar T2: longest interval between retransmissions of non-INVITE requests and INVITE responses, default 4.
    @ivar T4: how long a message may stay in the network, default 5.
    @ivar D: how long an INVITE client transaction absorbs repeated finals, default 32 (at least 32 for UDP).
    @ivar provisional: silence after which an INVITE is answered by 100, default 0.2 (section 17.2.1).
    """

    T1: float = 0.5
    T2: float = 4.0
    T4: float = 5.0
    D: float = 32.0
    provisional: float = 0.2

    @property
    def transaction(self) -> float:
        """64*T1: timers B, F, H, J, L, M, and the wait for an ACK."""
        return 64 * self.T1


class Timer:
    """
    One started timer.

    @ivar deadline: when it fires, in the clock's seconds.
    """

    __slots__ = ("_argument", "_callback", "_owner", "deadline")

    def __init__(self, owner: TimerSet, deadline: float, callback: Callable[..., object], argument: Any) -> None:
        self._owner: TimerSet | None = owner
        self.deadline = deadline
        self._callback: Callable[..., object] | None = callback
        self._argument = argument

    @property
    def active(self) -> bool:
        """Neither fired nor cancelled."""
        return self._owner is not None

    def cancel(self) -> None:
        """Never fire.  Cancelling what has fired or was cancelled is nothing."""
        owner = self._owner
        if owner is not None:
            self._owner = self._callback = self._argument = None
            owner._cancelled()


class TimerSet:
    """
    All timers of one user agent over one L{IReactorTime}.

    @ivar count: how many are running.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self.now: Callable[[], float] = clock.seconds
        self.count = 0
        self._buckets: dict[int, list[Timer]] = {}
        self._order: list[int] = []
        self._call: IDelayedCall | None = None
        self._next = 0  # the bucket self._call is for
        self._firing: list[Timer] = []  # the bucket whose callbacks are being called
        self._due = 0  # while they are: the last bucket that is due; 0 else
        self._firedAt = 0.0

    def start(self, delay: float, callback: Callable[..., object], argument: Any = None) -> Timer:
        """
        Call C{callback(argument)} after C{delay} seconds.
        """
        return self.at(self.now() + delay, callback, argument)

    def at(self, deadline: float, callback: Callable[..., object], argument: Any = None) -> Timer:
        """
        Call C{callback(argument)} when the clock shows C{deadline}; to repeat without
        drift, pass the fired timer's deadline plus the interval.
        """
        timer = Timer(self, deadline, callback, argument)
        tick = ceil(deadline * _RESOLUTION - _NOISE)
        if tick <= self._due and deadline >= self._firedAt:
            # Started by a callback for this very moment: next time, so that one that always does so cannot keep
            # the reactor for itself.  What catches up after a stall is due earlier, and comes at once.
            tick = self._due + 1
        bucket = self._buckets.get(tick)
        if bucket is not None:
            bucket.append(timer)
        else:
            self._buckets[tick] = [timer]
            heappush(self._order, tick)
            if not self._firing and (self._call is None or tick < self._next):
                self._arm(tick)
        self.count += 1
        return timer

    def stop(self) -> None:
        """Cancel every timer."""
        for bucket in [*self._buckets.values(), self._firing]:
            for timer in bucket:
                timer.cancel()

    def _arm(self, tick: int) -> None:
        if self._call is not None:
            self._call.cancel()
        self._next = tick
        # A deadline on the edge of its bucket counts to the last bit: who compares it with the clock must not find
        # the clock short of it, and who steps the clock to it must not come short of the call.
        edge, latest = tick / _RESOLUTION, self._latest(tick)
        due = latest if latest > edge - _NOISE / _RESOLUTION else edge
        self._call = self._clock.callLater(max(0.0, due - self.now()), self._fire)

    def _latest(self, tick: int) -> float:
        return max([timer.deadline for timer in self._buckets[tick]])

    def _cancelled(self) -> None:
        self.count -= 1
        if self.count == 0:
            # Nothing runs, so nothing may wake the reactor, and a test's clock is clean.
            self._buckets.clear()
            self._order.clear()
            if self._call is not None:
                self._call.cancel()
                self._call = None

    def _fire(self) -> None:
        self._call = None
        now = self._firedAt = self.now()
        due = self._due = floor(now * _RESOLUTION + _NOISE)
        onEdge = now * _RESOLUTION - due < _NOISE
        while self._order and self._order[0] <= due:
            if onEdge and self._order[0] == due and self._latest(due) > now:
                break  # a bit short of it
            self._firing = self._buckets.pop(heappop(self._order))
            for timer in self._firing:
                callback, argument = timer._callback, timer._argument
                if callback is None:
                    continue
                timer._owner = timer._callback = timer._argument = None
                self.count -= 1
                try:
                    callback(argument)
                except BaseException:  # as the reactor does: SystemExit of one must not stop the others
                    _log.failure("a timer's callback raised")
        self._firing = []
        self._due = 0
        # What was cancelled meanwhile is not worth waking for.
        while self._order:
            tick = self._order[0]
            if any(timer._callback is not None for timer in self._buckets[tick]):
                self._arm(tick)
                return
            del self._buckets[heappop(self._order)]


def after(clock: IReactorTime, delay: float, callback: Callable[..., object], *arguments: Any) -> IDelayedCall:
    """
    A plain delayed call, for what lives outside a user agent: the simulated network of testing/.
    """
    return clock.callLater(delay, callback, *arguments)
