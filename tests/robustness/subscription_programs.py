"""
What the two of a subscription do: each verb by its name, and programs of them by chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from tests.robustness.crossing_programs import STEP
from tests.robustness.crossings import LATENCY, Kept, answered
from tests.robustness.subscriptions import LASTING, QUIET, Party, Subscribed
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.ua.subscribe_client import Subscription

#: A package that nobody knows more of.
PACKAGE: Final = "sweep"

# How a SUBSCRIBE is taken.


def takeSubscribe(party: Party, context: Any, how: str, delay: float = 0.0) -> None:
    """
    Take a SUBSCRIBE, C{delay} seconds after it came.

    @param how: C{"accept"}; C{"pending"}; C{"short"}: for less time than is wanted; C{"slow"}: NOTIFYs keep apart;
        C{"then tell"}: what is told comes after it; C{"then end"}: so does its end; C{"reject"}; C{"never"}.
    """
    if delay or how == "never":
        context.answerLater()
    if how != "never":
        party.run.after(delay, _takeNow, party, context, how) if delay else _takeNow(party, context, how)


def _takeNow(party: Party, context: Any, how: str) -> None:
    run = party.run
    if context.answered:
        return
    if how == "reject":
        answered(run, "reject", context.reject, 403)
        return
    named: dict[str, Any] = {"delegate": party}
    if how != "then tell":
        named["body"] = party.nextBody()
    if how == "pending":
        named["state"] = "pending"
    elif how == "short":
        named["expires"] = context.expires // 2
    elif how == "slow":
        named["interval"] = 5.0
    answered(run, "accept", context.accept, **named)
    notifier = context.notifier
    if notifier is None:
        return  # its dialog is over
    party.notifying.append(notifier)
    run.keep("whenTerminated", notifier.whenTerminated())
    if how == "then tell":
        run.keep("notify", notifier.notify(party.nextBody()))
    elif how == "then end":
        run.keep("end the notifier", notifier.destroy("deactivated"))


def taking(how: str, delay: float = 0.0) -> Callable[[Party, Any], Any]:
    """A way to take SUBSCRIBEs."""
    return lambda party, context: takeSubscribe(party, context, how, delay)


_HOW: Final = ("accept", "accept", "accept", "pending", "short", "slow", "then tell", "then end", "reject", "never")


def takeByChance(party: Party, context: Any) -> None:
    rng = party.run.chance
    if party.run.now() > QUIET:
        takeSubscribe(party, context, "accept")
    else:
        takeSubscribe(party, context, rng.choice(_HOW), rng.choice((0.0, 0.0, rng.randrange(8) * STEP)))


# What they do.


def subscribe(party: Party, dialog: Any = None, expires: int = 60, resubscribe: bool = True) -> None:
    """
    Subscribe at the peer.

    @param dialog: within that; None: outside of any.
    @param expires: seconds; 0 for a fetch.
    """
    run = party.run
    target = dialog or run.uriOf(party.peer)
    subscription = Subscription(
        run.agentOf(party), target, PACKAGE, expires, delegate=party, resubscribe=resubscribe and expires > 0
    )
    party.subscribing.append(subscription)
    run.keep("whenTerminated", subscription.whenTerminated())
    subscription.data["begun"] = run.keep("subscribe for good", subscription.begin())


def _subscribeWithin(party: Party, expires: int = 60) -> None:
    dialog = party.dialog
    if dialog is not None and dialog.state is Phase.STABLE and not dialog.isOver:
        subscribe(party, dialog, expires)


def _refresh(party: Party, expires: int | None = None) -> None:
    subscription = party.last(party.subscribing)
    if subscription is not None:
        try:
            party.run.keep("refresh", subscription.refresh(expires))
        except InvalidState as error:
            party.run.say(f"refresh: {error}")


def _unsubscribe(party: Party) -> None:
    subscription = party.last(party.subscribing)
    if subscription is not None:
        party.run.keep("unsubscribe", subscription.unsubscribe())


def _cancel(party: Party) -> None:
    for subscription in party.subscribing:
        begun: Kept = subscription.data["begun"]
        if begun.isOpen:
            begun.deferred.cancel()
            return


def _notify(party: Party, state: str | None = None, times: int = 1) -> None:
    notifier = party.last(party.notifying)
    for _ in range(times if notifier is not None else 0):
        party.run.keep("notify", notifier.notify(party.nextBody(), state=state))


def _end(party: Party, reason: str, retryAfter: int | None = None) -> None:
    notifier = party.last(party.notifying)
    if notifier is not None:
        party.run.keep("end the notifier", notifier.destroy(reason, retryAfter, party.nextBody()))


def _stop(party: Party, isAgain: bool = False) -> None:
    run = party.run
    run.isRough = run.isBroken = party.isStopped = True
    stopped = run.agentOf(party).stopService()
    if isAgain:
        stopped.addCallback(lambda _: run.after(0.0, run.again, party))


def _part(party: Party) -> None:
    run, network = party.run, party.run.network
    run.isRough = run.isBroken = True
    network.partition("a.example", "b.example")
    run.after(run.chance.choice((1.0, 10.0, 40.0, 70.0)), network.heal)


def _reset(party: Party) -> None:
    party.run.isRough = party.run.isBroken = True
    party.run.network.reset("a.example", "b.example")


def _hangUp(party: Party) -> None:
    party.run.lasts = False
    if party.dialog is not None:
        party.run.keep("destroy", party.dialog.destroy())


def _info(party: Party) -> None:
    dialog = party.dialog
    if dialog is not None and dialog.state is Phase.STABLE and not dialog.isOver:
        party.run.keep("info", dialog.info(b"x", "text/plain"))


VERBS: Final[dict[str, Callable[[Party], Any]]] = {
    "subscribe": subscribe,
    "subscribe once": lambda party: subscribe(party, resubscribe=False),
    "subscribe within": _subscribeWithin,
    "subscribe within for long": lambda party: _subscribeWithin(party, 3600),
    "subscribe for long": lambda party: subscribe(party, expires=3600),
    "subscribe for a while": lambda party: subscribe(party, expires=15),
    "fetch": lambda party: subscribe(party, expires=0),
    "refresh": _refresh,
    "refresh, longer": lambda party: _refresh(party, 3600),
    "refresh, shorter": lambda party: _refresh(party, 20),
    "unsubscribe": _unsubscribe,
    "cancel": _cancel,
    "notify": _notify,
    "notify, pending": lambda party: _notify(party, "pending"),
    "notify, active": lambda party: _notify(party, "active"),
    "notify thrice": lambda party: _notify(party, times=3),
    "end": lambda party: _end(party, "noresource"),
    "deactivate": lambda party: _end(party, "deactivated"),
    "put off": lambda party: _end(party, "probation", 3),
    "give up": lambda party: _end(party, "giveup"),
    "hang up": _hangUp,
    "info": _info,
    "stop": _stop,
    "restart": lambda party: _stop(party, True),
    "part": _part,
    "reset": _reset,
}
SUBSCRIBES: Final = [verb for verb in VERBS if verb.startswith(("subscribe", "fetch"))]


def act(party: Party, what: str) -> None:
    """Do it, unless its service has stopped."""
    if not party.isStopped:
        party.run.say(f"{party.name}: {what}")
        VERBS[what](party)


# By chance.

_SUBSCRIBER: Final = ("refresh", "refresh", "refresh, shorter", "unsubscribe", "cancel", *SUBSCRIBES, "stop", "restart")
_NOTIFIER: Final = (
    *("notify", "notify", "notify, pending", "notify, active", "notify thrice", "end", "deactivate", "put off"),
    *("give up", "info", "info", "stop", "restart"),
)
_EITHER: Final = ("info", "hang up", "part", "reset")
#: Seconds at which something is due: the beginning, a refresh after 0.9 of the time, the end of it.
_MOMENTS: Final = (0.0, 0.0, 0.0, 13.5, 18.0, 27.0, 30.0, 54.0, 60.0)


def program(run: Subscribed, rng: random.Random) -> None:
    """Subscriptions by chance, and what comes between."""
    network = run.network
    run.protocol = rng.choice(("udp", "udp", "udp", "tcp"))
    isCalled = rng.random() < 0.4
    if isCalled:
        run.call()
    network.loss = rng.choice((0.0, 0.0, 0.1, 0.25, 0.5))
    run.lasts = isCalled
    run.isBroken = network.loss > 0.1
    network.duplication = rng.choice((0.0, 0.0, 0.15))
    network.reorder = rng.choice((0.0, 0.0, 0.3))
    network.reorderDelay = 3 * LATENCY
    run.isRough = bool(network.loss or network.reorder)
    for party in run.parties:
        party.takes = takeByChance if rng.random() < 0.5 else taking("accept")
        party.reacts = reactByChance if rng.random() < 0.3 else None
    run.after(0.0, act, run.a, "subscribe within" if isCalled else rng.choice(SUBSCRIBES))
    for _ in range(rng.choice((0, 1, 2, 3, 5, 8, 12))):
        subscriber, notifier = (run.a, run.b) if rng.random() < 0.8 else (run.b, run.a)
        party, verbs = rng.choice(((subscriber, _SUBSCRIBER), (notifier, _NOTIFIER), (subscriber, _EITHER)))
        verb = rng.choice(verbs)
        if isCalled and verb in SUBSCRIBES and rng.random() < 0.8:
            verb = "subscribe within"
        if verb not in ("stop", "restart", "part") or rng.random() < 0.4:
            run.after(rng.choice(_MOMENTS) + rng.randrange(16) * STEP, act, party, verb)


def reactByChance(party: Party) -> None:
    """A delegate may call straight back in."""
    rng = party.run.chance
    if party.run.now() < QUIET and rng.random() < 0.2:
        act(party, rng.choice((*_SUBSCRIBER, *_NOTIFIER, "hang up")))


def settings(rng: random.Random) -> dict[str, Any]:
    """The settings of one of them by chance."""
    return {
        "events": (PACKAGE,),
        "subscribeStatus": rng.choice((200, 200, 202)),
        "subscriptionExpires": rng.choice((60, 60, LASTING)),
        "minSubscriptionExpires": rng.choice((0, 0, 10, 40)),
        "stopTimeout": rng.choice((5.0, 0.1)),
    }


__all__ = ["PACKAGE", "SUBSCRIBES", "VERBS", "act", "program", "settings", "subscribe", "taking"]
