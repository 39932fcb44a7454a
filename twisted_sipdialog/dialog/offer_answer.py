"""
Whose turn it is to speak of the session (RFC 3264 section 4, RFC 6337 section 2): pure.

One offer at a time, in either direction, whatever carries it: INVITE, a reliable
provisional, PRACK, UPDATE, a 2xx or an ACK.  A table says what may follow what;
what is absent from it must not happen, and raises.
"""

from __future__ import annotations

from enum import Enum


class Exchange(Enum):
    """
    Where offer and answer stand.  C{LOCAL}: our offer awaits its answer; C{REMOTE}: the peer's awaits ours;
    C{STABLE}: the last one was answered.
    """

    NONE = "none"
    LOCAL = "local offer"
    REMOTE = "remote offer"
    STABLE = "stable"

    # Each is the only one of its kind; the hash of Enum itself is made anew, in Python, each time.
    __hash__ = object.__hash__


N, L, R, S = Exchange

#: (state, event) -> next state.
TRANSITIONS = {
    (N, "offer sent"):      L,
    (N, "offer received"):  R,
    (N, "failed"):          S,  # a call without a session stands
    (L, "answer received"): S,
    (L, "failed"):          S,  # back to what was agreed; a first offer that fails has no call to go back to
    (R, "answer sent"):     S,
    (R, "failed"):          S,
    (S, "offer sent"):      L,
    (S, "offer received"):  R,
    (S, "failed"):          S,  # it had no offer, or that was answered in a provisional (RFC 6141 section 3)
}  # fmt: skip


def refusalOf(exchange: Exchange) -> int | None:
    """
    The status that refuses an offer of the peer now, None when it may come (RFC 3311 section 5.2, RFC 3261 section
    14.2): 491 while ours awaits its answer, 500 while an earlier one of theirs does.
    """
    if exchange is Exchange.LOCAL:
        return 491
    return None if exchange is Exchange.STABLE else 500
