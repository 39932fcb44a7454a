"""
What the two sides of a crossing do: each verb of a dialog by its name, and programs of them by chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from tests.robustness.crossing_media import fitting
from tests.robustness.crossings import LATENCY, Kept, Run, Side, answered
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.interfaces import ILateOffer

#: Half a latency: the grid on which things happen, so that they happen at the same time, and cross.
STEP = LATENCY / 2
#: Seconds after which the applications want nothing more.
QUIET = 30.0
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


# What the application asks.


def act(side: Side, what: str) -> None:
    """Do it, where there is a dialog to do it in."""
    dialog, run = side.dialog, side.run
    if dialog is None and what != "cancel the call":
        return
    run.say(f"{side.name}: {what}")
    if side is run.b and dialog is not None and dialog.state is not Phase.STABLE:
        # It may overtake what tells the caller of the dialog: the 481 ends it then (RFC 5057 section 5.1).
        run.lasts = False
    VERBS[what](side, dialog)


def modify(side: Side, dialog: Any, *arguments: Any, **named: Any) -> Kept:
    kept = side.run.keep("modify", dialog.modify(*arguments, **named))
    side.changing.append(kept)
    return kept


def _askForOffer(side: Side, dialog: Any) -> None:
    kept = modify(side, dialog, None)
    rng = side.run.chance
    delay = rng.choice((0, 0, STEP, 4 * STEP, None))
    if delay is None:
        side.run.lasts = False  # what nobody answers ends the call (section 13.2.2.4)

    def answer(late: Any) -> None:
        body = fitting(late.offer, side.nextSdp()) if rng.random() < 0.5 else None
        try:
            side.run.keep("late answer", late.answer(body))
        except InvalidState as error:
            side.run.say(f"late answer: {error}")

    def offered(_: object) -> None:
        (late,) = kept.outcomes
        if delay is not None and ILateOffer.providedBy(late):
            side.run.after(delay, answer, late)

    kept.deferred.addCallback(offered)


def _cancelChange(side: Side, dialog: Any) -> None:
    for kept in reversed(side.changing):
        if kept.isOpen:
            kept.deferred.cancel()
            return


def _cancelCall(side: Side, dialog: Any) -> None:
    if side.name == "a":
        side.context.cancel()
    elif side.context is not None and not side.context.answered and side.context.response is not None:
        answered(side.run, "reject", side.context.reject, 486)


VERBS: dict[str, Callable[[Side, Any], Any]] = {
    "destroy": lambda side, dialog: side.run.keep("destroy", dialog.destroy()),
    "cancel the call": _cancelCall,
    "modify": lambda side, dialog: modify(side, dialog, side.nextSdp(side.run.chance.choice(DIRECTIONS))),
    "hold": lambda side, dialog: modify(side, dialog, "hold"),
    "unhold": lambda side, dialog: modify(side, dialog, "unhold"),
    "sendrecv": lambda side, dialog: modify(side, dialog, "sendrecv"),
    "modify by UPDATE": lambda side, dialog: modify(side, dialog, side.nextSdp(), method="UPDATE"),
    "hold by UPDATE": lambda side, dialog: modify(side, dialog, "hold", method="UPDATE"),
    "modify(None)": _askForOffer,
    "cancel the change": _cancelChange,
    "update": lambda side, dialog: side.run.keep("update", dialog.update()),
    "update with an offer": lambda side, dialog: side.changing.append(
        side.run.keep("update with an offer", dialog.update(side.nextSdp()))
    ),
    "info": lambda side, dialog: side.run.keep("info", dialog.info(b"x", "text/plain")),
}
_OFTEN = ["modify", "hold", "sendrecv", "modify(None)", "update with an offer", "modify by UPDATE"]
_CHANGES = [*VERBS, *_OFTEN, "cancel the change", "cancel the change"]
_ENDS = ("destroy", "cancel the call")
_LASTING = [verb for verb in _CHANGES if verb not in _ENDS]


# How the application answers.


def answerBy(side: Side, context: Any, how: str, delay: float) -> Any:
    """Answer a re-INVITE or UPDATE."""
    run = side.run
    isInvite = context.method == "INVITE"
    if how == "accept":
        answered(run, "accept", context.accept)
    elif how == "own body":
        body = fitting(context.offer, side.nextSdp()) if context.offer else None
        answered(run, "accept", context.accept, body=body)
    elif how == "other media":
        answered(run, "accept", context.accept, media=side.media if context.offer else None)
    elif how == "reject":
        answered(run, "reject", context.reject, 488)
    elif how == "late":
        context.answerLater()
        run.after(delay, _answerNow, side, context, run.chance.choice(("accept", "own body", "reject")))
    elif how == "progress" and isInvite:
        answered(run, "progress", context.progress, 183)
        context.answerLater()
        run.after(delay, _answerNow, side, context, "accept")
    elif how == "coroutine":
        return _answerInTime(side, context, delay)
    return None


def _answerNow(side: Side, context: Any, how: str) -> None:
    if not context.answered:
        answerBy(side, context, how, 0.0)


async def _answerInTime(side: Side, context: Any, delay: float) -> None:
    waiting: Deferred[None] = Deferred(lambda _: call.cancel())
    call = side.run.network.clock.callLater(delay, waiting.callback, None)
    await waiting
    answerBy(side, context, "accept", 0.0)


_HOW = ("accept", "accept", "own body", "other media", "reject", "late", "late", "progress", "coroutine", "silent")


def answerByChance(side: Side, context: Any) -> Any:
    rng = side.run.chance
    if side.run.now() > QUIET:
        # What comes now keeps the session alive; who refuses that loses it (RFC 4028 section 10).
        return answerBy(side, context, "accept", 0.0)
    return answerBy(side, context, rng.choice(_HOW), rng.randrange(9) * STEP)


# How the call is set up.


def takeCall(side: Side, context: Any, ring: tuple[Any, float], how: str, delay: float) -> None:
    """
    Answer the call.

    @param ring: the provisional (None, "plain", "reliable", "described"), and seconds from it to the answer.
    """
    run, kind = side.run, ring[0]
    if kind is not None:
        named: dict[str, Any] = {"reliable": True} if kind != "plain" else {}
        if kind == "described":
            named["media"] = side.media
        answered(run, "progress", context.progress, 183 if named else 180, **named)
        side.met(context.dialog)
    if how == "never":
        context.answerLater()
        return
    if not delay:
        _answerCall(side, context, how, kind == "described")
        return
    context.answerLater()
    run.after(delay, _answerCall, side, context, how, kind == "described")


def _answerCall(side: Side, context: Any, how: str, isDescribed: bool) -> None:
    if context.answered:
        return
    if how == "reject":
        answered(side.run, "reject", context.reject, 486)
        return
    named: dict[str, Any] = {}
    if how == "own body" and not isDescribed:
        named["body"] = fitting(context.offer, side.nextSdp()) if context.offer else side.nextSdp()
    answered(side.run, "accept", context.accept, delegate=side.delegate, **named)
    side.met(context.dialog)


def placeCall(run: Run, body: bytes | None = None) -> None:
    """A calls B."""
    a = run.a
    a.context = run.alice.inviteContext(run.target, body, delegate=a.delegate)
    run.keep("invite", a.context.whenAnswered())


# Programs by chance.


def program(run: Run, rng: random.Random) -> None:
    """A whole call by chance: how it is set up, what happens in it, what the network does to it."""
    network = run.network
    network.loss = rng.choice((0.0, 0.0, 0.1, 0.25))
    network.duplication = rng.choice((0.0, 0.0, 0.15))
    network.reorder = rng.choice((0.0, 0.0, 0.3))
    network.reorderDelay = 3 * LATENCY
    for side in (run.a, run.b):
        if rng.random() < 0.7:
            side.delegate.answerBy(answerByChance)
        if rng.random() < 0.3:
            side.media.patience = lambda: rng.choice((0.0, STEP, 2 * STEP, 5 * STEP))
    rings = (None, None, "plain", "plain", "described", "reliable")
    if run.bob.configuration.rel100 == "off" or run.alice.configuration.rel100 == "off":
        rings = (None, "plain")
    elif "required" in (run.alice.configuration.rel100, run.bob.configuration.rel100):
        rings = (None, "described", "reliable")
    kind = rng.choice(rings)
    ring = kind, 0.0
    how = rng.choice(("accept", "accept", "accept", "own body", "reject" if rng.random() < 0.2 else "accept"))
    delay = rng.choice((0.0, rng.randrange(12) * STEP))
    run.b.onCall = lambda context: takeCall(run.b, context, ring, how, delay)
    placeCall(run, rng.choice((None, None, run.a.nextSdp(), b"")))
    isLasting = rng.random() < 0.4
    # With a tenth lost, what is sent seven times and more gets through.
    run.lasts = isLasting and network.loss <= 0.1 and how != "reject"
    verbs = _LASTING if isLasting else _CHANGES
    begin = rng.choice((0.0, 0.5, 2.0))
    for _ in range(rng.choice((1, 2, 3, 4, 5, 8))):
        side = rng.choice((run.a, run.b))
        at = begin + rng.randrange(0, 16) * STEP
        run.after(at, act, side, rng.choice(verbs))


def settings(rng: random.Random) -> dict[str, Any]:
    """The settings of a side by chance."""
    chosen: dict[str, Any] = {
        "sessionTimers": rng.choice(("off", "supported", "supported", "always")),
        "sessionExpires": rng.choice((90, 90, 120, 1800)),
        "minSE": rng.choice((90, 90, 100)),
        "sessionRefresher": rng.choice((None, None, "local", "remote")),
        "sessionRefreshMethod": rng.choice((None, None, "INVITE", "UPDATE")),
        "rel100": rng.choice(("supported", "supported", "supported", "off", "required")),
    }
    return chosen
