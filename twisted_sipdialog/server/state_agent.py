"""
A state agent: publications and own knowledge on one side, watchers on the other (RFC 3903 section 2).

Of presence it is the presence agent of RFC 3856.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.interfaces import INotifierDelegate
from twisted_sipdialog.message.identifiers import RandomBits
from twisted_sipdialog.server.compositor import Compositor, isOwn, refuse
from twisted_sipdialog.server.limits import CompositorLimits, Refused
from twisted_sipdialog.server.published import Key
from twisted_sipdialog.server.watcher import Known, Watcher
from twisted_sipdialog.storage.publication import entityNamed
from twisted_sipdialog.timers import TimerSet

_log = Logger()


@implementer(INotifierDelegate)
class StateAgent(UserAgentDelegate):
    """
    The delegate of a user agent that keeps the state of others: it takes PUBLISH and SUBSCRIBE.

    An application that is to say who may do what inherits from it and overrides L{mayPublish} and L{mayWatch}.

    @ivar compositor: the L{Compositor}.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        packages: Iterable[Any],
        store: Any = None,
        domains: Iterable[str] = (),
        limits: CompositorLimits | None = None,
        random: RandomBits | None = None,
    ) -> None:
        """
        For the parameters see L{Compositor}.
        """
        self.compositor = Compositor(reactor, packages, self._changed, self.mayPublish, store, domains, limits, random)
        self._watchers: dict[Any, Watcher] = {}  # by notifier
        self._watching: dict[Key, dict[Watcher, None]] = {}
        self._telling: dict[Key, bool] = {}  # to whom a change is being told; whether there was another since
        self._changes = 0
        self._timers = TimerSet(reactor)
        self._untold: set[Key] = set()  # what the store did not say; it is asked again

    def stop(self) -> Deferred[Any]:
        """
        Every watcher is told to try again later, and nothing is kept any more, but what a store has.

        @return: fires when all is over; never fails.
        """
        self._timers.stop()
        wait = self.compositor.limits.retryAfter
        ending: list[Deferred[Any]] = [notifier.destroy("probation", wait) for notifier in [*self._watchers]]
        return DeferredList([*ending, self.compositor.stop()], consumeErrors=True)

    # Who may.

    def mayPublish(self, context: Any, entity: str) -> Any:
        """
        Whether C{context} may publish for C{entity}; may be a coroutine, or return a Deferred.

        Default: if its From names the entity.  That is what the sender says; it is true only where a proxy or the
        connection has proven it.  Override this to ask for a proof.

        @param context: the L{IServerContext<twisted_sipdialog.interfaces.IServerContext>} of the PUBLISH.
        @param entity: str: whose state, as L{entityOf} has it.
        @return: bool; False: 403.
        """
        return isOwn(context, entity)

    def mayWatch(self, context: Any, entity: str) -> Any:
        """
        Whether C{context} may watch C{entity}; may be a coroutine, or return a Deferred.

        Default: everybody may.

        @param context: the L{ISubscribeServerContext<twisted_sipdialog.interfaces.ISubscribeServerContext>}.
        @return: C{"active"} or True; C{"pending"}: to be decided, by L{allow} or L{refuse}, and nothing is shown until
            then; or False: 403.
        """
        return "active"

    # What is known.

    def set(self, entity: str, event: str, body: bytes | None, contentType: str | None = None) -> None:
        """
        @see: L{Compositor.set}
        """
        self.compositor.set(entity, event, body, contentType)

    def publishReceived(self, context: Any) -> None:
        """RFC 3903 section 6."""
        self.compositor.publishReceived(context)

    def _state(self, key: Key) -> Deferred[Known]:
        """What there is to be shown of an entity and package now."""
        return self.compositor.state(*key)

    # Who watches.

    def notifiers(self, entity: str, event: str) -> list[Any]:
        """
        @param entity: a URI.
        @return: the L{INotifier<twisted_sipdialog.interfaces.INotifier>}s of those who watch it, pending ones as well.
        """
        return [watcher.notifier for watcher in self._watching.get((entityNamed(entity), event), ())]

    def allow(self, notifier: Any) -> None:
        """Let one that is pending see the state, from now on."""
        watcher = self._watchers.get(notifier)
        if watcher is not None:
            watcher.state = "active"
            self._changed(*watcher.key)

    def refuse(self, notifier: Any) -> Deferred[Any]:
        """End one, pending or not: it is rejected.  @return: as that of C{destroy()}."""
        ended: Deferred[Any] = notifier.destroy("rejected")
        return ended

    async def subscribeReceived(self, context: Any) -> None:
        """RFC 6665 section 4.2.1."""
        try:
            await self._subscribed(context)
        except Refused:
            refuse(Failure(), context)

    async def _subscribed(self, context: Any) -> None:
        entity, package = self.compositor.subject(context.request)
        key = entity, package.name
        if not any(context.understands(kind) for kind in package.accept):
            raise Refused(406)
        state = await maybeDeferred(self.mayWatch, context, entity)
        if not state:
            raise Refused(403)
        state = "active" if state is True else state
        seen = self._changes
        known = await self._state(key)
        limits, others = self.compositor.limits, self._watching.get(key, ())
        isFull = len(others) >= limits.watchers or len(self._watchers) >= limits.watchersInAll
        if isFull or self.compositor.isStopped:
            raise limits.beyond()
        watcher = Watcher(key, package, state)
        body, contentType = watcher.begin(context, known)
        notifier = watcher.notifier = await context.accept(
            body=body,
            contentType=contentType,
            state=state,
            expires=min(context.expires, package.expires),
            interval=package.interval,
            delegate=self,
        )
        if notifier.ended is None:
            self._watchers[notifier] = watcher
            self._watching.setdefault(key, {})[watcher] = None
            if self._changes != seen:
                self._changed(*key)  # perhaps it was of this one

    def notifierTerminated(self, notifier: Any, end: Any) -> None:
        """It watches no more."""
        watcher = self._watchers.pop(notifier, None)
        if watcher is not None:
            others = self._watching[watcher.key]
            del others[watcher]
            if not others:
                del self._watching[watcher.key]

    def notifierRefreshed(self, notifier: Any, request: Any) -> None:
        """It is told once more."""
        self._watchers[notifier].again()

    # What is told.  One change after the other, so that a slow answer of the store cannot overtake a newer one.

    def _changed(self, entity: str, event: str) -> None:
        self._changes += 1
        key = entity, event
        if key in self._watching:
            isTelling = key in self._telling
            self._telling[key] = True
            if not isTelling:
                Deferred.fromCoroutine(self._tell(key)).addErrback(self._failed, key)

    def _failed(self, failure: Failure, key: Key) -> None:
        if self.compositor.isStopped:
            return  # the store is closed, and nobody watches any more
        _log.failure("a change of state could not be told", failure)
        if key not in self._untold:
            self._untold.add(key)
            self._timers.start(self.compositor.limits.retryAfter, self._again, key)

    def _again(self, key: Key) -> None:
        """Those who watch are not to wait for the next change."""
        self._untold.discard(key)
        self._changed(*key)

    async def _tell(self, key: Key) -> None:
        try:
            while self._telling[key]:
                self._telling[key] = False
                known = await self._state(key)
                for watcher in [*self._watching.get(key, ())]:
                    watcher.show(known)
        finally:
            del self._telling[key]
