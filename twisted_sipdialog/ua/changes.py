"""
The queue of changes that we ask for in one dialog (RFC 3261 section 14.1).
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from twisted_sipdialog.errors import SipError
from twisted_sipdialog.ua.modification import Modification
from twisted_sipdialog.ua.session import newest


class Changes:
    """
    Those of one dialog: one at a time, in the order they were asked for.

    @ivar latest: the last offer of ours that is SDP, or None: also when it was refused, its version is taken.
    """

    __slots__ = ("_aside", "_now", "_queue", "latest")

    def __init__(self) -> None:
        self._now: Modification | None = None
        self._queue: list[Modification] = []
        self._aside: list[Modification] = []
        self.latest: bytes | None = None

    def add(self, change: Modification) -> Deferred[Any]:
        """It is carried out when its turn comes."""
        if change.mayOvertake:
            self._aside.append(change)
            change.start()
        else:
            self._queue.append(change)
            self.next()
        return change.done

    def offered(self, sdp: bytes) -> None:
        """It goes out as our offer."""
        self.latest = newest(self.latest, sdp)

    def again(self, change: Modification) -> None:
        """It has waited to be tried again: before all others, as soon as it may."""
        if change in self._aside:
            change.start()
            return
        self._now = None
        self._queue.insert(0, change)
        self.next()

    def next(self) -> None:
        """Something is through: begin what may begin now."""
        while self._now is None and self._queue and self._queue[0].mayStart:
            self._now = self._queue.pop(0)
            self._now.start()

    def over(self, change: Modification) -> None:
        """C{change} is through, one way or the other."""
        if change is self._now:
            self._now = None
        for waiting in (self._queue, self._aside):
            if change in waiting:
                waiting.remove(change)
        self.next()

    @property
    def isInviting(self) -> bool:
        """A re-INVITE of ours has no final response, or no ACK, yet."""
        return self._now is not None and self._now.isInviting

    @property
    def isOffering(self) -> bool:
        """Our offer is being made: nothing else is to be asked of what makes it."""
        return self._now is not None and self._now.isDescribing

    def dialogEnded(self, error: SipError) -> None:
        """None of them can come to anything any more."""
        queue, self._queue = self._queue, []
        now, aside = self._now, [*self._aside]
        for change in (now, *queue, *aside):
            if change is not None:
                change.dialogEnded(error)
