"""
PUBLISH as its receiver: an event state compositor (RFC 3903 section 6).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
from twisted.internet.defer import CancelledError, Deferred, DeferredLock, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_sipdialog.errors import InvalidValue, ParseError, StoreError
from twisted_sipdialog.event import PACKAGES
from twisted_sipdialog.message import Request
from twisted_sipdialog.message.identifiers import RandomBits, SystemBits, newTag
from twisted_sipdialog.message.uri import SipUri
from twisted_sipdialog.server.composition import check, composed, isComposed
from twisted_sipdialog.server.limits import CompositorLimits, Refused
from twisted_sipdialog.server.published import Key, Published
from twisted_sipdialog.storage.memory import MemoryStore
from twisted_sipdialog.storage.publication import Publication, entityNamed, entityOf
from twisted_sipdialog.ua.delegation import cancel

_log = Logger()

_MICROSECONDS: Final = 1_000_000


def isOwn(context: Any, entity: str) -> bool:
    """
    Whether C{context} is from whom it is about, by its From: that is what a sender says, and no proof.
    """
    return entityOf(context.remoteIdentity.uri) == entity


class Compositor:
    """
    Keeps what is published, each as long as it lasts, and makes one state of it for each entity.

    The PUBLISH requests for one entity are carried out one by one, in the order they came, whatever the store takes.

    @ivar packages: the event packages by name.
    @ivar limits: L{CompositorLimits}.
    @ivar isStopped: C{stop()} was called.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        packages: Iterable[Any],
        changed: Callable[[str, str], Any] = lambda entity, event: None,
        mayPublish: Callable[[Any, str], Any] = isOwn,
        store: Any = None,
        domains: Iterable[str] = (),
        limits: CompositorLimits | None = None,
        random: RandomBits | None = None,
    ) -> None:
        """
        @param reactor: its C{seconds()} are those since the epoch.
        @param packages: the event packages: names of those in event/, or
            L{IEventPackage<twisted_sipdialog.interfaces.IEventPackage>}s.
        @param changed: is called with entity and event whenever their state has changed.
        @param mayPublish: is called with the L{IServerContext<twisted_sipdialog.interfaces.IServerContext>} and the
            entity: True, or False (403), or a Deferred or coroutine of it.  Default: L{isOwn}.
        @param store: an L{IPublicationStore<twisted_sipdialog.interfaces.IPublicationStore>}; default: in memory.
        @param domains: the hosts whose users' state is kept here; others get 404.  Default: any.
        @param limits: default: those of L{CompositorLimits}.
        @param random: what entity tags are made of; default: the system's.
        @raise InvalidValue: event/ has no such package.
        """
        self.packages: dict[str, Any] = {package.name: package for package in map(_packageOf, packages)}
        self.limits = limits or CompositorLimits()
        self._domains = {host.lower() for host in domains}
        self._mayPublish = mayPublish
        self._changed = changed
        self._random = random or SystemBits()
        self._published = Published(reactor, MemoryStore() if store is None else store, self._hasChanged)
        self._turns: dict[Key, DeferredLock] = {}
        self._order = 0
        self._states: dict[Key, tuple[list[int], tuple[str, bytes] | None]] = {}  # and what made them
        self.isStopped = False

    def stop(self) -> Deferred[None]:
        """
        Nothing expires any more, further requests get 503, and the store is closed once those under way are through.

        @return: fires when it is.
        """
        self.isStopped = True
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for turn in [*self._turns.values()]:
            # What came of a request that got no 2xx is to be taken back, or the store would keep it.
            async with turn:
                pass
        await self._published.stop()

    def subject(self, request: Request) -> tuple[str, Any]:
        """
        Steps 1 and 2: the entity and the event package that a PUBLISH or SUBSCRIBE is about.

        @raise Refused: 404 or 489: not here; 503: not any more.
        """
        if self.isStopped:
            raise self.limits.beyond()
        uri = request.uri
        if self._domains and not (isinstance(uri, SipUri) and uri.host in self._domains):
            raise Refused(404)
        event = request.headers.typed("event")
        package = None if event is None else self.packages.get(event.package)
        if package is None:
            raise Refused(489, ("Allow-Events", ", ".join(self.packages)))
        return entityOf(uri), package

    # What is published.

    def publishReceived(self, context: Any) -> None:
        """
        Answer a PUBLISH.

        One that takes too long (500) is not given up half way: what came of it by then is taken back.

        @param context: the L{IServerContext<twisted_sipdialog.interfaces.IServerContext>}.
        """
        context.answerLater()
        Deferred.fromCoroutine(self._publish(context)).addErrback(refuse, context)

    async def _publish(self, context: Any) -> None:
        entity, package = self.subject(context.request)
        # Before it waits for others: who may not publish is not to keep those waiting who may.
        deciding = maybeDeferred(self._mayPublish, context, entity)
        context.whenFinished().addCallback(lambda _: cancel(deciding))  # answered, as that took too long
        if not await deciding:
            raise Refused(403)
        async with self._turn((entity, package.name)):
            if self.isStopped:
                raise self.limits.beyond()
            if not context.answered:
                await self._carryOut(context, entity, package)

    async def _carryOut(self, context: Any, entity: str, package: Any) -> None:
        published, request = self._published, context.request
        await published.load()
        old = await self._matched(request, (entity, package.name))
        expires = self._expiresOf(request, package)
        made = self._made(request, entity, package, old, expires)
        new = made if expires else None
        if new is not None and request.body and isComposed(package):
            await self._checkTogether((entity, package.name), new, old)
        if not await published.put(new, old):
            raise Refused(412)  # it expired this very moment
        if context.answered:
            await published.put(old, new)
            return
        isChange = published.replaced(new, old)
        context.accept(extraHeaders=[("SIP-ETag", made.entityTag), ("Expires", str(expires))])
        if isChange:
            self._hasChanged(entity, package.name)

    @asynccontextmanager
    async def _turn(self, key: Key) -> AsyncIterator[None]:
        turn = self._turns.setdefault(key, DeferredLock())
        if turn.locked and len(turn.waiting) >= self.limits.waiting:
            raise self.limits.beyond()
        try:
            async with turn:
                yield
        finally:
            if not turn.locked:
                self._turns.pop(key, None)

    async def _matched(self, request: Request, key: Key) -> Publication | None:
        """Step 3: the publication that SIP-If-Match names; None without one: it is an initial publication."""
        tag = request.headers.typed("sip-if-match")
        if tag is None:
            return None
        for publication in await self._published.lasting(key):
            if publication.entityTag == tag:
                return publication
        raise Refused(412)

    def _expiresOf(self, request: Request, package: Any) -> int:
        """Step 4: how many seconds it will last; 0 removes it, and is not too short."""
        asked = request.headers.typed("expires")
        if asked is not None and 0 < asked < self.limits.minExpires:
            raise Refused(423, ("Min-Expires", str(self.limits.minExpires)))
        wanted: int = package.expires if asked is None else asked
        return min(wanted, self.limits.maxExpires)

    def _made(self, request: Request, entity: str, package: Any, old: Publication | None, expires: int) -> Publication:
        """Step 5: what is to be kept; without a body it is what was before.  Each has a tag that none had before."""
        tag, until = newTag(self._random), self._published.now() + expires
        if not request.body:
            if old is None:
                raise Refused(400, reasonPhrase="Bad Request: nothing to publish")
            return attrs.evolve(old, entityTag=tag, until=until)
        if len(request.body) > self.limits.bytes:
            raise Refused(413)
        if old is None and expires and not self._hasRoom((entity, package.name)):
            raise self.limits.beyond()
        contentType = _typeOf(request, package)
        return Publication(entity, package.name, tag, contentType, request.body, until, self._newOrder())

    def _hasRoom(self, key: Key) -> bool:
        count = self._published.count(key)
        if count:
            return count < self.limits.publications
        # Those whose turn it is count as if they were kept already.
        return self._published.entities + len(self._turns) <= self.limits.entities

    async def _checkTogether(self, key: Key, new: Publication, old: Publication | None) -> None:
        """What C{new} makes of the state is no longer than watchers can be told."""
        kept = await self._published.lasting(key)
        together = self._composed(key, [*[each for each in kept if each != old], new])
        if together is not None and len(together[1]) > self.limits.document:
            raise Refused(413)

    def _newOrder(self) -> int:
        """The microseconds of now: what a former process stored is older.  No two are the same."""
        self._order = max(self._order + 1, int(self._published.now() * _MICROSECONDS))
        return self._order

    # The state.

    def set(self, entity: str, event: str, body: bytes | None, contentType: str | None = None) -> None:
        """
        State that the application itself knows, beside what is published: it is not stored, and does not expire.

        @param entity: a URI.
        @param body: in the place of what was set before; None: nothing any more.
        @param contentType: without parameters, in lower case; default: the first of the package.
        @raise InvalidValue: C{entity} is no URI, C{event} is not known here, or C{body} is not of it.
        """
        entity = entityNamed(entity)
        package = self.packages.get(event)
        if package is None:
            raise InvalidValue("event", event, f"one of {', '.join(self.packages)}")
        own = self._published.own
        if body is None:
            own.pop((entity, event), None)
        else:
            kind = contentType or package.accept[0]
            try:
                check(package, kind, body)
            except ParseError as error:
                raise InvalidValue("body", body, str(error)) from None
            own[entity, event] = Publication(entity, event, "", kind, body, float("inf"), self._newOrder())
        self._hasChanged(entity, event)

    def state(self, entity: str, event: str) -> Deferred[tuple[str, bytes] | None]:
        """
        The state of C{entity} as it is now.

        @param entity: a URI.
        @return: a Deferred of its type and body; of None where there is none.  It fails as the store does.
        """
        return Deferred.fromCoroutine(self._state((entityNamed(entity), event)))

    async def _state(self, key: Key) -> tuple[str, bytes] | None:
        published = self._published
        await published.load()
        found = await published.lasting(key)
        if not found:
            return self._composed(key, found)
        # Who asks again and again is not to have it made each time; a store that is slow may give what was before.
        made = [publication.order for publication in [*found, *self._own(key)]]
        known = self._states.get(key)
        if known is None or known[0] != made:
            known = made, self._composed(key, found)
            if published.count(key):
                self._states[key] = known
        return known[1]

    def _composed(self, key: Key, found: list[Publication]) -> tuple[str, bytes] | None:
        together = sorted([*found, *self._own(key)], key=lambda publication: publication.order)
        return composed(self.packages[key[1]], key[0], together)

    def _own(self, key: Key) -> list[Publication]:
        """What the application has set."""
        own = self._published.own.get(key)
        return [] if own is None else [own]

    def _hasChanged(self, entity: str, event: str) -> None:
        self._states.pop((entity, event), None)
        self._changed(entity, event)


def _packageOf(named: Any) -> Any:
    if isinstance(named, str) and named not in PACKAGES:
        raise InvalidValue("packages", named, f"one of {', '.join(PACKAGES)}, or an IEventPackage")
    return PACKAGES[named] if isinstance(named, str) else named


def _typeOf(request: Request, package: Any) -> str:
    """The type of a body that C{package} understands."""
    if set(request.headers.typed("content-encoding")) - {"identity"}:
        raise Refused(415, ("Accept-Encoding", "identity"))
    kind = request.headers.typed("content-type")
    essence: str = "" if kind is None else kind.essence
    try:
        check(package, essence, request.body)
    except ParseError as error:
        if error.statusCode == 415:
            raise Refused(415, ("Accept", ", ".join(package.accept))) from None
        raise
    return essence


def refuse(failure: Failure, context: Any) -> None:
    """
    C{context}, unless it was answered meanwhile, is refused for C{failure}; what is no refusal is logged.
    """
    error = failure.value
    refused = error if isinstance(error, Refused) else Refused(500)
    if isinstance(error, ParseError):
        refused = Refused(error.statusCode or 400)
    elif error is not refused and not (context.answered and failure.check(CancelledError)):
        if isinstance(error, StoreError):
            _log.error("{method} could not be carried out: {reason}", method=context.method, reason=str(error))
        else:
            _log.failure("{method} could not be carried out", failure, method=context.method)
    if not context.answered:
        context.reject(refused.statusCode, refused.reasonPhrase, refused.lines)
