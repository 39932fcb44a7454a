"""
The one door to the application: delegates are called, and their Deferreds and coroutines looked after, here only.

A delegate's method may be plain, return a Deferred, or be a coroutine; nothing
it does can hurt the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutine
from typing import Any
from weakref import WeakMethod

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

_log = Logger()


def overrides(delegate: Any, name: str) -> bool:
    """
    C{delegate} has a C{name} of its own: not absent, and not the no-op of the base classes in delegates.py.
    """
    found = getattr(delegate, name, None)
    return found is not None and not getattr(found, "isDefault", False)


def default(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a base class's method as standing for the default answer."""
    method.isDefault = True  # type: ignore[attr-defined]
    return method


def _running(result: Any) -> Deferred[Any] | None:
    """The Deferred of what a delegate returned, None when it returned nothing to wait for."""
    if result is None:
        return None
    if iscoroutine(result):
        return Deferred.fromCoroutine(result)
    return result if isinstance(result, Deferred) else None


def ask(delegate: Any, name: str, context: Any) -> None:
    """
    Let C{delegate} answer C{context}, or let C{context} answer by default.

    The context is told how that went: C{returned()} when the method is through,
    C{raised(failure)} when it failed, and holds the running Deferred meanwhile
    (C{context.pending}), to cancel it if the peer gives up.  Once the method
    waits, C{wait()} starts the time its answer may take.
    """
    if not overrides(delegate, name):
        context.answerByDefault()
        return
    try:
        running = _running(getattr(delegate, name)(context))
    except Exception:
        context.raised(Failure())
        return
    if running is None:
        context.returned()
        return
    context.pending = running
    unfinished = context.core.unfinished
    unfinished[running] = None
    running.addCallbacks(lambda _: context.returned(), context.raised)
    running.addErrback(_logged, name)
    running.addCallback(lambda _: unfinished.pop(running, None))
    if context.pending is not None:
        context.wait()


def tell(delegate: Any, name: str, *arguments: Any) -> None:
    """
    Tell C{delegate} of something past; what it returns is waited for by nobody, what it raises is logged.
    """
    told = getattr(delegate, name, None)
    if told is not None and not getattr(told, "isDefault", False):
        inform(told, *arguments, name=name)


def inform(told: Callable[..., Any], *arguments: Any, name: str = "callback") -> None:
    """
    Call what the application gave us to be told by, as L{tell} does.
    """
    try:
        running = _running(told(*arguments))
    except Exception:
        _log.failure("the delegate's {name} raised", name=name)
        return
    if running is not None:
        running.addErrback(_logged, name)


def _logged(failure: Failure, name: str) -> None:
    if failure.check(CancelledError) is None:
        _log.failure("the delegate's {name} failed", failure, name=name)


class Waiters:
    """
    Many one-shot Deferreds for one outcome, also for those who ask late.
    """

    __slots__ = ("__weakref__", "_outcome", "_waiting")

    def __init__(self) -> None:
        self._outcome: tuple[Any] | None = None
        self._waiting: list[Deferred[Any]] = []

    def wait(self, kind: type[Deferred[Any]] = Deferred) -> Deferred[Any]:
        """A fresh Deferred of the outcome; cancelling it concerns nobody else."""
        waiting = kind(self._forget)
        if self._outcome is not None:
            waiting.callback(self._outcome[0])
        else:
            self._waiting.append(waiting)
        return waiting

    def _forget(self, waiting: Deferred[Any]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def fire(self, outcome: Any) -> None:
        """Once; a L{Failure} fails them."""
        if self._outcome is None:
            self._outcome = (outcome,)
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                fire(each, outcome)


class _Weakly:
    """Calls a method of an object that may be gone."""

    __slots__ = ("_method",)

    def __init__(self, method: Callable[[Deferred[Any]], Any]) -> None:
        self._method = WeakMethod(method)

    def __call__(self, deferred: Deferred[Any]) -> None:
        method = self._method()
        if method is not None:
            method(deferred)


class Outcome(Deferred[Any]):
    """
    A Deferred whose failure the application is told by other ways, too: C{dialogTerminated}, C{inviteCancelled}.

    So one that nobody listens to hides nothing, and is not logged as unhandled.  What the
    application's own callbacks raise is no such failure, and is logged as ever.
    """

    _told: Failure | None = None

    def __init__(self, canceller: Callable[[Deferred[Any]], Any] | None = None) -> None:
        """
        @param canceller: a method of what the outcome is of, which somebody else keeps as long as it is open: the two
            are not to keep each other, or the collector could find the failure before its Deferred.
        """
        super().__init__(None if canceller is None else _Weakly(canceller))

    def callback(self, result: Any) -> None:
        if isinstance(result, Failure):
            self._told = result
        super().callback(result)

    def __del__(self) -> None:
        if self._told is not None and getattr(self, "result", None) is self._told:
            self.addErrback(lambda _: None)


def fire(deferred: Deferred[Any] | None, result: Any) -> None:
    """Fire an application's Deferred that may be gone, or cancelled, already."""
    if deferred is not None and not deferred.called:
        deferred.callback(result)


def cancel(deferred: Deferred[Any] | None) -> None:
    """Cancel what an application gave us to wait for; how it takes that is not to hurt us."""
    if deferred is not None:
        try:
            deferred.cancel()
        except Exception:
            _log.failure("what was cancelled raised")
            fire(deferred, Failure(CancelledError()))
