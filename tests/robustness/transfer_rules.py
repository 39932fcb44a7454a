"""
What holds after each transfer, whatever came between (RFC 3515, RFC 6665, RFC 7614).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from twisted.python.failure import Failure

from tests.robustness.transfers import Party, Transfer
from twisted_sipdialog.dialog.ended import Reason

#: What a referrer may be told, in the letters of L{EVENTS<tests.robustness.transfers.EVENTS>}: a NOTIFY may overtake
#: the 2xx, the last one too (RFC 6665 section 4.4.1).
_REFERRER: Final = re.compile("(q[pgn]*(R|A[gn]*([sf]n*)?|[sf][pn]*(An*)?)?)?")
#: What a referee may be told.
_REFEREE: Final = re.compile("(R|A(i?g*[sf]?)?)?")


def broken(run: Transfer) -> list[str]:
    """What does not hold."""
    wrong: list[str] = []
    for party in run.parties:
        for referring in party.referring:
            wrong += [f"{party.name}'s REFER: {text}" for text in _ofReferrer(run, party, referring)]
        for asked in party.asked:
            wrong += [f"{party.name} was asked: {text}" for text in _ofReferee(run, party, asked)]
        wrong += _endings(run, party)
    return wrong


def _ofReferrer(run: Transfer, party: Party, context: Any) -> Iterator[str]:
    told = party.told.get(context, "")
    if not _REFERRER.fullmatch(told):
        yield f"told in the wrong order: {told}"
    ends = told.count("s") + told.count("f")
    if "cancelled" in context.data:
        if told != context.data["cancelled"]:
            yield f"told {told} after {context.data['cancelled']}, when it was given up"
        return
    isHeard = "A" in told and not _declined(context)
    if ends != 1 and isHeard:
        yield f"told {ends} ends: {told}"
    if told and not ends and "A" not in told and "R" not in told:
        yield f"told no end: {told}"
    yield from _disagreement(run, party, context)
    if "s" in told:
        yield from _unreplaced(run, context)


def _unreplaced(run: Transfer, context: Any) -> Iterator[str]:
    """RFC 3891 section 3: a success means that the new call took the place of the one to be replaced."""
    place, other = context.data.get("replaced"), run.receiver(context)
    if place is not None and other is not None and "told" not in other.data and not run.isRough:
        if place.ended is None:
            yield f"the new call took no one's place: {place!r}"


def _declined(context: Any) -> bool:
    """No NOTIFY will come (RFC 4488 section 4, RFC 7614 section 4)."""
    response = context.response
    return context.subscription == "nosub" or (response is not None and response.headers.get("refer-sub") == "false")


def _disagreement(run: Transfer, party: Party, context: Any) -> Iterator[str]:
    """Where nothing is lost, nor late, both ends know the same of the new call."""
    other = run.receiver(context)
    if other is None or "accepted" not in other.data or _declined(context) or party.isAmbiguous(context):
        return
    (outcome,) = context.data["finished"].outcomes
    isTold = not isinstance(outcome, Failure)
    if isTold and other.status.statusCode >= 200 and outcome != other.status:
        yield f"told {outcome}, but it was {other.status}"
    if not run.isRough and not isTold and not _isShort(run) and "left" not in context.data:
        yield f"{outcome.value!r}, though nothing was lost: {other.status}"


def _isShort(run: Transfer) -> bool:
    """The subscription may be over before the new call has its final status."""
    return any(agent.configuration.referExpires < 30 for _, agent in run.sides)


def _ofReferee(run: Transfer, party: Party, context: Any) -> Iterator[str]:
    told = party.told[context]
    if not _REFEREE.fullmatch(told) or (not told and not party.isStopped):
        yield f"told in the wrong order: {told}"
    if "told" in context.data or "accepted" not in context.data:
        return
    if told.count("s") + told.count("f") != 1:
        yield f"told no end: {told}"
    kept = context.data["accepted"]
    (outcome,) = kept.outcomes if not kept.isOpen else (None,)
    dialog = context.targetDialog
    if not isinstance(outcome, Failure) and (outcome is not dialog or (dialog is None) is ("s" in told)):
        yield f"accept() came to {outcome}, the new call is {dialog}, told {told}"
    if dialog is not None and dialog.ended is not None and not _mayEnd(run, dialog):
        yield f"nobody ended the new call: {dialog.ended}"


def _mayEnd(run: Transfer, dialog: Any) -> bool:
    """Somebody ended C{dialog}, or transferred it, or it had a bad connection."""
    if dialog.id in run.ends or run.network.loss > 0.1 or any(one.isStopped for one in run.parties):
        return True
    return any(_isTransferred(one, dialog.id) for one in run.parties)


def _isTransferred(party: Party, dialogId: str) -> bool:
    """A REFER in that dialog succeeded, so that it is to be ended."""
    return any(
        context.dialog is not None
        and context.dialog.id == dialogId
        and not context.activeAfterTransfer
        and "s" in party.told.get(context, "")
        for context in party.referring
    )


def _endings(run: Transfer, party: Party) -> Iterator[str]:
    """Only a success ends a call that was transferred, and only its referrer does so."""
    for dialog in party.dialogs:
        isOurs = dialog.ended is not None and dialog.ended.reason is Reason.LOCAL_BYE
        if isOurs and dialog.id not in run.ends and not party.isStopped and not _isTransferred(party, dialog.id):
            yield f"{party.name} ended {dialog!r} without being asked"


__all__ = ["broken"]
