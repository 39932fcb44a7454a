"""
What a further offer of the peer makes of the session there is (RFC 3264 section 8).
"""

from __future__ import annotations

from enum import Enum

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.sdp import DIRECTIONS, Media, SessionDescription


class Change(Enum):
    """
    The kinds: nothing new; the peer wants no more media for a while; it wants them again; anything else.
    """

    REFRESH = "refresh"
    HOLD = "hold"
    RESUME = "resume"
    MODIFY = "modify"


def changeOf(old: bytes | None, new: bytes | None) -> Change:
    """
    What the offer C{new} changes; nothing is raised.

    A peer on its side holds by no longer receiving: sendonly or inactive, or by the address that stood for it
    in former times (RFC 3264 section 8.4).  One of several media is enough, if none goes the other way.  What it
    sends itself may change along with that; alone, that is no hold.

    @param old: the peer's description in force; None: there is none.
    @param new: its offer; None: a request without one.
    """
    if new is None or new == old:
        return Change.REFRESH
    if old is None:
        return Change.MODIFY
    try:
        before, after = SessionDescription.parse(old), SessionDescription.parse(new)
    except ParseError:
        return Change.MODIFY
    if before.sameSession(after):
        # Whoever changes something raises the version (RFC 3264 section 8).
        return Change.REFRESH
    if _rest(before) != _rest(after):
        return Change.MODIFY
    changes = {_changeOfMedia(*pair) for pair in zip(before.media, after.media, strict=True) if pair[1].port}
    for change, opposite in ((Change.HOLD, Change.RESUME), (Change.RESUME, Change.HOLD)):
        if change in changes:
            return Change.MODIFY if opposite in changes or None in changes else change
    return Change.MODIFY if changes - {Change.REFRESH} else Change.REFRESH


def _rest(description: SessionDescription) -> list[list[str]]:
    """All that is compared line by line: the session part and each of the media."""
    sections = [description.lines, *(media.lines for media in description.media)]
    return [[line for line in lines if not _isApart(line)] for lines in sections]


def _isApart(line: str) -> bool:
    return line.startswith(("o=", "c=")) or (line.startswith("a=") and line[2:] in DIRECTIONS)


def _changeOfMedia(before: Media, after: Media) -> Change | None:
    """
    The change of one of the media, which differ at most in direction and address; MODIFY: in what the peer
    sends; None: in the address, other than by a hold that takes it away.
    """
    sent, received = DIRECTIONS[before.direction]
    sends, receives = DIRECTIONS[after.direction]
    moved = received != receives
    if before.connection != after.connection and not (moved and (_isNowhere(before) or _isNowhere(after))):
        return None
    if moved:
        return Change.RESUME if receives else Change.HOLD
    return Change.REFRESH if sent == sends else Change.MODIFY


def _isNowhere(media: Media) -> bool:
    return media.connection is None or media.connection.isUnspecified
