"""
What a subscription goes through (RFC 6665): how it ends, and whether it is worth another try.
"""

from __future__ import annotations

from typing import Final

import attrs

from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.event_fields import SubscriptionState

#: The refusals of a SUBSCRIBE or NOTIFY within a dialog that end its subscription, or the dialog of it (RFC 5057
#: section 5.1, RFC 6665 section 4.1.2.2).  Others are of that request only, as the 491 of a peer who waits for our 2xx.
ENDING: Final = frozenset((404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604))

#: Section 4.1.3: why a notifier ends a subscription, and what that means for another one.
_AT_ONCE: Final = ("deactivated", "timeout")
_NEVER: Final = ("rejected", "noresource", "invariant")


@attrs.frozen
class SubscriptionEnd:
    """
    The end of a subscription.

    @ivar reason: of a NOTIFY that ended it, as C{"timeout"} or C{"noresource"} (RFC 6665 section 4.1.3), C{""} where it
        gave none; else C{"unsubscribed"}, C{"refused"} (by a final response), C{"no answer"}, C{"no NOTIFY"},
        C{"flow lost"}, C{"dialog over"} or C{"service stopped"}.
    @ivar byPeer: the other side ended it.
    @ivar message: the request or response that did it, or None where none did.
    """

    reason: str
    byPeer: bool
    message: Request | Response | None = None


def mayRetry(state: SubscriptionState) -> bool:
    """Section 4.1.3: whether a subscriber that is told C{terminated} may begin anew."""
    return state.reason not in _NEVER


def pause(state: SubscriptionState) -> float | None:
    """@return: seconds until it may; None: when it thinks fit."""
    if state.reason in _AT_ONCE:
        return 0.0
    return None if state.retryAfter is None else float(state.retryAfter)
