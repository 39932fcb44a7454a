"""
What a dialog shows of itself: its identity, its two sides, its times.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Sip:
    """The three parts of a dialog's identity."""

    callId: str
    localTag: str
    remoteTag: str


@attrs.frozen
class Side:
    """
    One side of a dialog.

    @ivar uri: the URI its requests are sent to.
    @ivar contact: the Contact it gave, as text.
    @ivar sdp: its agreed session description, C{bytes}, or None.
    """

    uri: str
    contact: str
    tag: str
    sdp: bytes | None


@attrs.define
class Times:
    """Seconds since the epoch (UTC): the INVITE, the ACK, the end; None while it has not come to that."""

    start: float
    connect: float | None = None
    end: float | None = None
