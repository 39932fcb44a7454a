"""
What the three of a transfer do: each verb by its name, and programs of them by chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from tests.robustness.crossing_programs import STEP
from tests.robustness.crossings import LATENCY, Kept, answered
from tests.robustness.transfers import AT, Party, Transfer
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.ua.refer_client import ReferClientContext

# How a REFER is taken.


def takeRefer(party: Party, context: Any, how: str, delay: float) -> None:
    """
    Take a REFER, C{delay} seconds after it came.

    @param how: C{"follow"}; C{"reject"}; C{"never"}: no answer is given; C{"tell 200"}, or another status: it is
        accepted, and the application says what came of it.
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
        answered(run, "reject", context.reject, 603)
        return
    isFollowed = how == "follow"
    context.data["accepted"] = answered(run, "accept the REFER", context.accept, followRefer=isFollowed)
    if not isFollowed:
        for count, status in enumerate((180, int(how.split()[1]))):
            run.after((2 * count + 1) * STEP, tellStatus, party, context, status)


def tellStatus(party: Party, context: Any, status: int) -> None:
    """The application says what became of a REFER."""
    context.data["told"] = status
    answered(party.run, "sendNotify", context.sendNotify, status)


def taking(how: str, delay: float = 0.0) -> Callable[[Party, Any], Any]:
    """A way to take REFERs."""
    return lambda party, context: takeRefer(party, context, how, delay)


# What they do.


def refer(
    party: Party,
    dialog: Any,
    subscription: str | None = None,
    attended: bool = False,
    outside: bool = False,
    activeAfterTransfer: bool = False,
) -> None:
    """
    Ask the peer of C{dialog} to call the third of them.

    @param attended: in the place of our call with that one, if there is one.
    @param outside: not in the dialog, which only vouches for us.
    """
    run = party.run
    peer = run.peerOf(dialog)
    if peer is None or (dialog.state is not Phase.STABLE and not dialog.isOver):
        return
    (third,) = [other for other in run.parties if other not in (party, peer[0])]
    target: Any = run.uriOf(third)
    if attended:
        standing = [own for own in party.dialogs if own.state is Phase.STABLE and not own.isOver and own is not dialog]
        target = next((own for own in standing if (run.peerOf(own) or (None,))[0] is third), target)
    vouching = dialog if outside else None
    applicant = run.uriOf(peer[0]) if outside else dialog
    try:
        context = ReferClientContext(
            run.agentOf(party),
            applicant,
            target,
            activeAfterTransfer=activeAfterTransfer,
            subscription=subscription,
            targetDialog=vouching,
        )
        party.referring.append(context)
        if not isinstance(target, str):
            context.data["replaced"] = target
            run.ends.add(target.id)
        context.data["finished"] = run.keep("whenFinished", context.whenFinished())
        context.data["asked"] = run.keep("refer", context.refer())
    except InvalidState as error:
        run.say(f"refer: {error}")


def _cancelRefer(party: Party, dialog: Any, byDeferred: bool = False) -> None:
    for context in reversed(party.referring):
        asked: Kept = context.data["asked"]
        if "cancelled" not in context.data and (asked.isOpen or not byDeferred):
            if byDeferred:
                asked.deferred.cancel()
            else:
                context.cancel()
            context.data["cancelled"] = party.told.get(context, "")
            return


def _cancelFollowing(party: Party, dialog: Any) -> None:
    for context in reversed(party.asked):
        kept: Kept | None = context.data.get("accepted")
        if kept is not None and kept.isOpen:
            kept.deferred.cancel()
            return


def _subscribe(party: Party, dialog: Any, expires: int) -> None:
    if dialog.isOver:
        return
    for context in party.referring:
        if not expires:
            context.data["left"] = True
    lines = [("Event", "refer"), ("Expires", str(expires))]
    party.run.keep("subscribe", dialog.request("SUBSCRIBE", extraHeaders=lines))


def _stop(party: Party, dialog: Any) -> None:
    party.isStopped = True
    party.run.agentOf(party).stopService()


def _modify(party: Party, dialog: Any, what: str | None = None) -> None:
    party.run.keep("modify", dialog.modify(what or party.nextSdp()))


def _refuse(party: Party, dialog: Any) -> None:
    if party.context is not None and not party.context.answered:
        answered(party.run, "reject", party.context.reject, 486)


VERBS: Final[dict[str, Callable[[Party, Any], Any]]] = {
    "refer": refer,
    "refer, attended": lambda party, dialog: refer(party, dialog, attended=True),
    "refer, norefersub": lambda party, dialog: refer(party, dialog, "norefersub"),
    "refer, nosub": lambda party, dialog: refer(party, dialog, "nosub"),
    "refer, explicitsub": lambda party, dialog: refer(party, dialog, "explicitsub"),
    "refer, outside": lambda party, dialog: refer(party, dialog, outside=True),
    "refer, outside, norefersub": lambda party, dialog: refer(party, dialog, "norefersub", outside=True),
    "refer, outside, explicitsub": lambda party, dialog: refer(party, dialog, "explicitsub", outside=True),
    "refer, and stay": lambda party, dialog: refer(party, dialog, attended=True, activeAfterTransfer=True),
    "cancel the refer": _cancelRefer,
    "cancel what refer() gave": lambda party, dialog: _cancelRefer(party, dialog, True),
    "cancel the following": _cancelFollowing,
    "destroy": lambda party, dialog: party.destroy(dialog),
    "hold": lambda party, dialog: _modify(party, dialog, "hold"),
    "sendrecv": lambda party, dialog: _modify(party, dialog, "sendrecv"),
    "modify": _modify,
    "refuse": _refuse,
    "info": lambda party, dialog: party.run.keep("info", dialog.info(b"x", "text/plain")),
    "resubscribe": lambda party, dialog: _subscribe(party, dialog, 100),
    "unsubscribe": lambda party, dialog: _subscribe(party, dialog, 0),
    "stop": _stop,
}
REFERS: Final = [verb for verb in VERBS if verb.startswith("refer")]


def act(party: Party, what: str, which: str) -> None:
    """
    Do it, where there is a dialog to do it in.

    @param which: see L{Party.inCall}.
    """
    dialog = party.inCall(which)
    if dialog is not None and not party.isStopped:
        party.run.say(f"{party.name}: {what}, in the {which} call")
        if dialog.state is not Phase.STABLE:
            # It may overtake what tells the peer of the dialog: the 481 ends it then (RFC 5057 section 5.1).
            party.run.ends.add(dialog.id)
        VERBS[what](party, dialog)


# By chance.


def setUp(run: Transfer, isConsulted: bool, byReferee: bool = False) -> None:
    """The old call, and that to consult; then everybody takes REFERs by following them."""
    if isConsulted:
        run.call(run.a, run.c, "consult")
    run.call(*((run.b, run.a) if byReferee else (run.a, run.b)), "old")
    for party in run.parties:
        party.follows = taking("follow")


def program(run: Transfer, rng: random.Random) -> None:
    """A transfer by chance, and what comes between."""
    setUp(run, rng.random() < 0.5, rng.random() < 0.3)
    network = run.network
    network.loss = rng.choice((0.0, 0.0, 0.0, 0.1, 0.25))
    network.duplication = rng.choice((0.0, 0.0, 0.15))
    network.reorder = rng.choice((0.0, 0.0, 0.3))
    network.reorderDelay = 3 * LATENCY
    for party in run.parties:
        ring = rng.choice((None, None, "plain", "described", "reliable")), 0.0
        how = rng.choice(("accept", "accept", "accept", "accept", "bye", "reject", "never"))
        party.takes = ring, how, rng.choice((0.0, rng.randrange(16) * STEP))
        how = rng.choice(("follow", "follow", "follow", "follow", "reject", "never", "tell 200", "tell 486"))
        party.follows = taking(how, rng.choice((0.0, 0.0, rng.randrange(8) * STEP)))
        if rng.random() < 0.2:
            party.media.patience = lambda: rng.choice((0.0, STEP, 2 * STEP, 5 * STEP))
    run.after(0.0, act, run.a, rng.choice(REFERS), "old")
    mostly = [(run.a, "old"), (run.a, "old"), (run.b, "old"), (run.b, "new"), (run.c, "new"), (run.c, "consult")]
    often = ["refer", "destroy", "destroy", "cancel the refer", "cancel the following"]
    for _ in range(rng.choice((0, 1, 2, 3, 5, 8))):
        party, which = rng.choice(mostly)
        verb = rng.choice([*VERBS, *REFERS, *often])
        if verb != "stop" or rng.random() < 0.5:
            run.after(rng.randrange(32) * STEP, act, party, verb, which)


def settings(rng: random.Random) -> dict[str, Any]:
    """The settings of one of them by chance."""
    return {
        "referExpires": rng.choice((15, 90, 120)),
        "referStatus": rng.choice((202, 202, 200)),
        "allowOutOfDialogRefers": True,
        "sessionTimers": rng.choice(("off", "supported")),
        "rel100": rng.choice(("supported", "supported", "required")),
        "noAnswerTimeout": rng.choice((5.0, 60.0)),
        "stopTimeout": rng.choice((5.0, 0.1)),
    }


__all__ = ["AT", "REFERS", "VERBS", "act", "program", "setUp", "settings", "taking"]
