"""
What the sweep of publications runs on: two agents of ours that publish and watch, and a state agent between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from twisted.internet.defer import Deferred

from tests.robustness.crossings import LONG, Run, Side
from tests.server.publishing import WORDS, Words
from twisted_sipdialog.errors import StoreError
from twisted_sipdialog.event import presence
from twisted_sipdialog.server.limits import CompositorLimits
from twisted_sipdialog.server.state_agent import StateAgent
from twisted_sipdialog.storage.memory import MemoryStore
from twisted_sipdialog.storage.publication import Publication
from twisted_sipdialog.ua.publish_client import PublishClientContext
from twisted_sipdialog.ua.subscribe_client import Subscription

#: Whose state it is.
ENTITY: Final = "sip:desk@c.example"
#: What a delegate may be told of a publication, each with the letter that stands for it in C{Publisher.told}.
EVENTS: Final = {"published": "P", "unpublished": "U", "publishProgress": "g", "publishFailed": "F"}
#: Seconds after which the applications want nothing more, and neither the network nor the store does harm.
QUIET = 130.0
#: Seconds that a publication lasts at most.
LASTING = 60
#: What a store says that fails.
FULL: Final = str(StoreError("memory", "full"))
#: How often, and after how many seconds, it is looked whether all agree.
_LOOKS, _STRIDE = 40, 15.0


class Lagging(MemoryStore):
    """
    A store that takes its time, and fails.

    @ivar patience: seconds that the next thing takes, 0: it is done at once.
    @ivar fails: whether the next thing is not done.
    """

    def __init__(self, run: Published, patience: Callable[[], float], kept: Iterable[Publication] = ()) -> None:
        """
        @param kept: what it has from the beginning.
        """
        super().__init__()
        self._run = run
        self._isClosed = False
        self.patience = patience
        self.fails: Callable[[], bool] = lambda: False
        for publication in kept:
            super().put(publication)

    def _later(self, task: Callable[..., Any], *arguments: Any) -> Any:
        if self._isClosed:
            raise StoreError("memory", "closed")
        if self.fails():
            raise StoreError("memory", "full")
        result, patience = task(*arguments), self.patience()
        if not patience:
            return result
        waiting: Deferred[Any] = Deferred()
        self._run.after(patience, waiting.callback, result)
        return waiting

    def publications(self, entity: str, event: str) -> Any:
        return self._later(super().publications, entity, event)

    def put(self, publication: Publication, replaced: str | None = None) -> Any:
        return self._later(super().put, publication, replaced)

    def close(self) -> None:
        """What is kept outlives it."""
        self._isClosed = True


class Agent(StateAgent):
    """A state agent that lets everybody publish."""

    def mayPublish(self, context: Any, entity: str) -> bool:
        return True


class Publisher(Side):
    """
    One of the two.

    @ivar publishing: its publications; C{watching}: its subscriptions.
    @ivar wanted: what is to be published by each, None: nothing.
    @ivar reacts: what it does when it is told something, from within.
    @ivar told: what it was told of each publication, in order, as letters of L{EVENTS}.
    @ivar isStopped: its service has stopped.
    """

    run: Published

    def __init__(self, run: Published, name: str, number: int) -> None:
        super().__init__(run, name, number)
        self.publishing: list[PublishClientContext] = []
        self.wanted: dict[PublishClientContext, bytes | None] = {}
        self.watching: list[Subscription] = []
        self.told: dict[Any, str] = {}
        self.reacts: Callable[[Publisher], Any] | None = None
        self.isStopped = False
        self._said = 0

    def nextBody(self, publication: PublishClientContext) -> bytes:
        """A state as it was never told before."""
        self._said += 1
        text = f"{self.name}{self._said}"
        if publication.event == Words.name:
            return text.encode()
        # Of two publishers the ids may be the same.
        told = presence.Tuple(f"t{len(self.publishing)}", "open", notes=(presence.Note(text),))
        return presence.Presence(ENTITY, (told,)).toBytes()

    def last(self) -> PublishClientContext | None:
        """Its last publication that was not closed, or None."""
        return next((each for each in reversed(self.publishing) if each._closing is None), None)

    def hear(self, letter: str, publication: Any) -> None:
        self.told[publication] = self.told.get(publication, "") + letter
        if self.reacts is not None:
            self.reacts(self)


def _hearing(letter: str) -> Callable[..., None]:
    return lambda self, publication, *_: self.hear(letter, publication)


for _name, _letter in EVENTS.items():
    setattr(Publisher, _name, _hearing(_letter))


class Published(Run):
    """
    Two who publish the state of one entity, and watch it.

    @ivar event: of the state.
    @ivar target: whose it is, by which way.
    @ivar store: what the state agent keeps it in.
    """

    kind = Publisher
    a: Publisher
    b: Publisher

    def __init__(self, seed: int, *settings: dict[str, Any], event: str = Words.name) -> None:
        super().__init__(seed, *settings)
        self.parties: tuple[Publisher, Publisher] = self.a, self.b
        self.event = event
        self.target = ENTITY
        self.contentType = WORDS if event == Words.name else presence.CONTENT_TYPE
        self.package: Any = Words() if event == Words.name else event
        self.store = Lagging(self, lambda: 0.0)
        self.begin()

    def agentOf(self, party: Publisher) -> Any:
        return self.sides[party.number - 1][1]

    def begin(self) -> None:
        """The state agent, which knows what the store has."""
        limits = CompositorLimits(minExpires=30, maxExpires=LASTING)
        self.agent = Agent(self.network.clock, [self.package], self.store, limits=limits)
        self.service = self.network.userAgent("sip:c.example", self.agent, events=(self.event,))

    def restart(self, isKept: bool) -> None:
        """
        The state agent stops and begins anew.

        @param isKept: with what it had stored.
        """
        stopped = self.service.stopService()
        stopped.addBoth(lambda _: self.agent.stop())

        def again(_: Any) -> None:
            kept = MemoryStore.all(self.store) if isKept else ()
            fails, self.store = self.store.fails, Lagging(self, self.store.patience, kept)
            self.store.fails = fails
            self.begin()

        stopped.addCallback(lambda _: self.after(0.0, again, None))

    # The end.

    def settle(self, quiet: float = QUIET) -> list[str]:
        """
        All agree in the end, and go on to do so while they refresh what there is.

        @param quiet: seconds; until then it is as it was.
        """
        network = self.network
        network.advance(quiet - self.now())
        network.loss = network.duplication = network.reorder = 0.0
        network.heal()
        self.store.patience, self.store.fails = lambda: 0.0, lambda: False
        for _ in range(_LOOKS):
            network.advance(_STRIDE)
            if not self._isBusy() and not self._disagreement():
                break
        network.advance(LASTING)
        for _ in range(8):
            if not self._isBusy():
                break
            network.advance(1.7)
        return self._disagreement()

    def _isBusy(self) -> bool:
        for party in self.parties:
            if any(publication._open is not None for publication in party.publishing):
                return True
            if any(each.ended is None and each._asking is not None for each in party.watching):
                return True
        told = self.agent.notifiers(ENTITY, self.event)
        return bool(self.agent._telling) or any(n._asking or n._waiting is not None for n in told)

    def _disagreement(self) -> list[str]:
        wrong: list[str] = []
        kept = {each.entityTag: each for each in self._lasting()}
        for party in self.parties:
            for publication in party.publishing:
                wrong += [f"{party.name}: {text}" for text in _differences(party, publication, kept)]
            for subscription in party.watching:
                wrong += [f"{party.name}: {text}" for text in self._unseen(party, subscription)]
        return wrong + [f"kept for nobody: {each}" for each in kept.values()]

    def _lasting(self) -> list[Publication]:
        """What is in the store, oldest first; what has expired it may forget later."""
        return [each for each in MemoryStore.all(self.store) if each.until > self.now()]

    def _unseen(self, party: Publisher, subscription: Subscription) -> Iterator[str]:
        """What one who watches sees otherwise than it is."""
        if subscription.ended is not None:
            return
        if subscription.state != "active":
            yield f"watches not yet: {subscription}"
            return
        assert subscription.notification is not None
        seen = self._read(subscription.notification.body)
        told = [text for each in self._lasting() for text in self._read(each.body)]
        if seen != (told if self.event == presence.EVENT else told[-1:]):
            yield f"{subscription} sees {seen}, but published is {told}"

    def _read(self, body: bytes) -> list[str]:
        """What is said in C{body}, by the publishers' words."""
        if self.event == Words.name:
            return body.decode().split()
        return [note.text for one in presence.Presence.parse(body).tuples for note in one.notes]

    def finish(self) -> list[str]:
        """All is withdrawn, and nobody watches any more."""
        for party in self.parties:
            for publication in party.publishing:
                self.keep("close", publication.close())
            for subscription in party.watching:
                self.keep("unsubscribe", subscription.unsubscribe())
        self.network.advance(2 * LONG + LASTING)
        wrong = [f"still kept: {each}" for each in self._lasting()]
        if self.target == ENTITY:
            wrong += [f"the state agent: left: {text}" for text in self.service.leftovers()]
        if self.agent._watchers or self.agent._watching or self.agent._telling or self.agent.compositor._turns:
            wrong.append(f"the state agent: {vars(self.agent)}")
        self.agent.stop()
        if self.target != ENTITY:
            self.network.advance(8 * LONG)  # connections idle for long are closed
        return wrong + super().finish()


def _differences(party: Publisher, publication: PublishClientContext, kept: dict[str, Any]) -> Iterator[str]:
    """Where a publisher and the compositor see it differently; what is in order is taken out of C{kept}."""
    told, wanted = party.told.get(publication, ""), party.wanted[publication]
    found = None if publication.entityTag is None else kept.pop(publication.entityTag, None)
    if publication.isPublished and found is None:
        yield f"{publication.body!r} is published, but not kept; told {told}"
    elif found is not None and not publication.isPublished:
        yield f"kept, but not published any more: {found}; told {told}"
    elif found is not None and found.body != wanted:
        yield f"{found.body!r} is kept, but the last was {wanted!r}; told {told}"
    if told[-1:] in ("P", "g", "F") and not publication.isPublished and not party.isStopped and wanted is not None:
        yield f"{publication.body!r} is not published, but told {told}"


__all__ = ["ENTITY", "FULL", "LASTING", "QUIET", "Published", "Publisher"]
