"""
What a compositor keeps: publications in a store, each as long as it lasts, and what the application sets itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twisted_sipdialog.storage.publication import Publication
from twisted_sipdialog.timers import Timer, TimerSet

_log = Logger()

#: Entity and event package.
Key = tuple[str, str]


class Published:
    """
    Publications by entity and package, over an L{IPublicationStore}.

    @ivar now: gives the seconds since the epoch.
    @ivar own: what the application set.
    """

    def __init__(self, reactor: IReactorTime, store: Any, changed: Callable[[str, str], Any]) -> None:
        """
        @param changed: is called with entity and event when something of them has expired.
        """
        self._store = store
        self._changed = changed
        self._timers = TimerSet(reactor)
        self.now = self._timers.now
        self.own: dict[Key, Publication] = {}
        self._kept: dict[Key, dict[str, Timer]] = {}  # by entity tag
        self._loading = DeferredLock()
        self._isLoaded = self._isStopped = False

    def stop(self) -> Deferred[None]:
        """Nothing expires any more.  @return: fires when the store is closed."""
        self._isStopped = True
        self._timers.stop()
        return self._ask("close")

    @property
    def entities(self) -> int:
        """Of how many, by entity and package, there is something."""
        return len(self._kept)

    def count(self, key: Key) -> int:
        """How many publications there are of one."""
        return len(self._kept.get(key, ()))

    async def load(self) -> None:
        """Before anything else: what a former process stored lasts as long as was said then."""
        if not self._isLoaded:
            async with self._loading:
                if not self._isLoaded:
                    await self._ask("expired", self.now())
                    for publication in await self._ask("all"):
                        self._watch(publication)
                    self._isLoaded = True

    async def lasting(self, key: Key) -> list[Publication]:
        """What is published, and not over, oldest first; that of the application is not among it."""
        now = self.now()
        return [each for each in await self._ask("publications", *key) if each.until > now]

    async def put(self, new: Publication | None, old: Publication | None) -> bool:
        """
        Have C{new} take the place of C{old}, at once; either may be None.

        @return: False: C{old} is there no more, and nothing has changed.
        """
        if new is not None:
            return bool(await self._ask("put", new, None if old is None else old.entityTag))
        return old is None or bool(await self._ask("remove", old.entity, old.event, old.entityTag))

    def replaced(self, new: Publication | None, old: Publication | None) -> bool:
        """
        C{put()} was done, and holds.

        @return: whether the state is another than was told last.
        """
        isTold = old is None or self._unwatch(old)
        if new is not None:
            self._watch(new)
        return not isTold or (old and old.order) != (new and new.order)

    def _ask(self, name: str, *arguments: Any) -> Deferred[Any]:
        return maybeDeferred(getattr(self._store, name), *arguments)

    def _watch(self, publication: Publication) -> None:
        if not self._isStopped:
            timer = self._timers.at(publication.until, self._expired, publication)
            self._kept.setdefault((publication.entity, publication.event), {})[publication.entityTag] = timer

    def _unwatch(self, publication: Publication) -> bool:
        key = publication.entity, publication.event
        kept = self._kept.get(key, {})
        timer = kept.pop(publication.entityTag, None)
        if timer is not None:
            timer.cancel()
            if not kept:
                del self._kept[key]
        return timer is not None

    def _expired(self, publication: Publication) -> None:
        """Its time is over, whether the store can forget it now or, when this is loaded anew."""
        self._unwatch(publication)
        removing = self.put(None, publication)
        Deferred.fromCoroutine(removing).addErrback(
            lambda failure: _log.failure("what has expired stays in the store", failure)
        )
        self._changed(publication.entity, publication.event)
