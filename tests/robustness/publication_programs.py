"""
What those who publish and watch do: each verb by its name, and programs of them by chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from tests.robustness.crossing_programs import STEP
from tests.robustness.crossings import LATENCY
from tests.robustness.publications import ENTITY, LASTING, QUIET, Published, Publisher
from tests.server.publishing import Words
from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.event import presence
from twisted_sipdialog.ua.publish_client import PublishClientContext
from twisted_sipdialog.ua.subscribe_client import Subscription


def publish(party: Publisher, expires: int = LASTING, unpublishOnClose: bool = True) -> None:
    """A further publication."""
    run = party.run
    publication = PublishClientContext(
        run.agentOf(party), run.target, run.event, run.contentType, expires, (), unpublishOnClose, party
    )
    party.publishing.append(publication)
    party.wanted[publication] = publication.body
    _modify(party)


def _modify(party: Publisher) -> None:
    publication = party.last()
    if publication is not None:
        party.wanted[publication] = body = party.nextBody(publication)
        party.run.keep("publish", publication.publish(body))


def _refresh(party: Publisher) -> None:
    publication = party.last()
    if publication is not None:
        try:
            party.run.keep("publish", publication.publish())
            party.wanted[publication] = publication._next or publication.body
        except InvalidState as error:
            party.run.say(f"refresh: {error}")


def _unpublish(party: Publisher) -> None:
    publication = party.last()
    if publication is not None:
        party.wanted[publication] = None
        party.run.keep("publish", publication.unpublish())


def _close(party: Publisher) -> None:
    publication = party.last()
    if publication is not None:
        party.wanted[publication] = None
        party.run.keep("close", publication.close())


def _watch(party: Publisher) -> None:
    run = party.run
    package = run.package if isinstance(run.package, Words) else run.event
    subscription = Subscription(run.agentOf(party), run.target, package, LASTING)
    party.watching.append(subscription)
    run.keep("whenTerminated", subscription.whenTerminated())
    run.keep("subscribe for good", subscription.begin())


def _leave(party: Publisher) -> None:
    for subscription in party.watching:
        if subscription.ended is None:
            party.run.keep("unsubscribe", subscription.unsubscribe())
            return


def _stop(party: Publisher) -> None:
    party.isStopped = True
    party.run.agentOf(party).stopService()


def _restart(party: Publisher, isKept: bool) -> None:
    if party.run.service.running:
        party.run.restart(isKept)


def _part(party: Publisher) -> None:
    run, network = party.run, party.run.network
    network.partition(f"{party.name}.example", "c.example")
    run.after(run.chance.choice((1.0, 10.0, 40.0, 70.0)), network.heal)


def _reset(party: Publisher) -> None:
    party.run.network.reset(f"{party.name}.example", "c.example")


VERBS: Final[dict[str, Callable[[Publisher], Any]]] = {
    "publish": publish,
    "publish for less": lambda party: publish(party, 20),
    "publish, and let it expire": lambda party: publish(party, unpublishOnClose=False),
    "modify": _modify,
    "refresh": _refresh,
    "unpublish": _unpublish,
    "close": _close,
    "watch": _watch,
    "leave": _leave,
    "stop": _stop,
    "the state agent forgets": lambda party: _restart(party, False),
    "the state agent restarts": lambda party: _restart(party, True),
    "part": _part,
    "reset": _reset,
}
_OFTEN: Final = ("publish", "modify", "modify", "refresh", "watch")
#: Seconds at which something is due: the beginning, a refresh after 0.9 of the time, the end of it.
_MOMENTS: Final = (0.0, 0.0, 0.0, 27.0, 54.0, 60.0)


def act(party: Publisher, what: str) -> None:
    """Do it, unless its service has stopped."""
    if not party.isStopped:
        party.run.say(f"{party.name}: {what}")
        VERBS[what](party)


# By chance.


def begin(seed: int, rng: random.Random) -> Published:
    """Of which package, by chance."""
    stopTimeout = {"stopTimeout": rng.choice((5.0, 0.1))}
    return Published(seed, stopTimeout, stopTimeout, event=rng.choice((Words.name, Words.name, presence.EVENT)))


def program(run: Published, rng: random.Random) -> None:
    """Publications by chance, and what comes between."""
    network = run.network
    run.target = rng.choice((ENTITY, ENTITY, ENTITY, f"{ENTITY};transport=tcp"))
    network.loss = rng.choice((0.0, 0.0, 0.1, 0.25, 0.5))
    network.duplication = rng.choice((0.0, 0.0, 0.15))
    network.reorder = rng.choice((0.0, 0.0, 0.3))
    network.reorderDelay = 3 * LATENCY
    if rng.random() < 0.3:
        run.store.patience = lambda: rng.choice((0.0, STEP, 3 * STEP, 8 * STEP))
    if rng.random() < 0.15:
        run.store.fails = lambda: rng.random() < 0.2
    for party in run.parties:
        party.reacts = reactByChance if rng.random() < 0.3 else None
    run.after(0.0, act, run.a, "publish")
    run.after(0.0, act, run.b, "watch")
    for _ in range(rng.choice((0, 1, 2, 3, 5, 8, 12))):
        party, verb = rng.choice(run.parties), rng.choice([*VERBS, *_OFTEN])
        if verb not in ("stop", "part") or rng.random() < 0.5:
            run.after(rng.choice(_MOMENTS) + rng.randrange(16) * STEP, act, party, verb)


def reactByChance(party: Publisher) -> None:
    """A delegate may call straight back in."""
    rng = party.run.chance
    if party.run.now() < QUIET and rng.random() < 0.2:
        act(party, rng.choice((*_OFTEN, "publish for less", "unpublish", "close", "stop")))


__all__ = ["VERBS", "act", "begin", "program", "publish"]
