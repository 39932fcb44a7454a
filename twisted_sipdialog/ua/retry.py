"""
How long we wait until something is said again: what is kept up, and what failed.
"""

from __future__ import annotations

from typing import Any, Final

from twisted_sipdialog.message import Response
from twisted_sipdialog.message.message import typedOrNone

#: The part of its time after which what is kept up is refreshed.
REFRESH: Final = 0.9
#: Seconds that a peer may have us wait, or keep something up without a word: a week.
LONGEST: Final = 604_800
#: Seconds until the first retry, twice as long each time, up to the second.
FIRST, LAST = 5.0, 320.0


class Retry:
    """
    The tries of one thing.
    """

    __slots__ = ("_tries",)

    def __init__(self) -> None:
        self._tries = 0

    def reset(self) -> None:
        """It succeeded."""
        self._tries = 0

    def pause(self, told: float | None = None) -> float:
        """
        @param told: seconds that the peer wants, or None.
        @return: seconds until the next try.
        """
        if told is not None:
            return min(told, LONGEST)
        self._tries += 1
        return min(FIRST * 2.0 ** min(self._tries - 1, 16), LAST)


def toldBy(response: Response | None) -> float | None:
    """Seconds of Retry-After, None without."""
    told: Any = None if response is None else typedOrNone(response, "retry-after")
    return None if told is None else float(told.seconds)
