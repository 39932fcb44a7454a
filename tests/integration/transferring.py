"""
A party of a call transfer on real sockets.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor

from tests.integration.agent import TIMERS
from tests.integration.playing import QUICK, passOver
from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.media.echo import EchoMedia
from twisted_sipdialog.timers import TimerSet


def quick() -> dict[str, Any]:
    """Settings with media, whose ports are not those of others; a linphonec that plays a file answers late."""
    return QUICK | {"media": EchoMedia(reactor, TimerSet(reactor), (30000, 30998)), "timers": TIMERS}


class Party(UserAgentDelegate):
    """
    Answers calls, or refuses them, and remembers what it was told of a transfer.

    @ivar told: what a REFER came to, of either side: a name and a status for each step.
    @ivar invitation: the last call to it.
    @param refuses: the status that each call gets; None: it is answered.
    @param rings: it is left ringing, for the test to answer C{invitation}.
    """

    def __init__(self, refuses: int | None = None, rings: bool = False) -> None:
        self.told: list[tuple[str, int | None]] = []
        self.invitation: Any = None
        self._refuses = refuses
        self._rings = rings

    def inviteReceived(self, context: Any) -> None:
        self.invitation = context
        if self._refuses is not None:
            context.reject(self._refuses)
        elif self._rings:
            context.progress(180)
            context.answerLater()
        else:
            context.accept().addErrback(passOver)

    def referRequestAccepted(self, context: Any, response: Any) -> None:
        self.told.append(("accepted", response.statusCode))

    def referRequestRejected(self, context: Any, response: Any) -> None:
        self.told.append(("refused", response.statusCode))

    def referProgress(self, context: Any, status: Any) -> None:
        self.told.append(("progress", status.statusCode))

    def referAccepted(self, context: Any, status: Any) -> None:
        self.told.append(("success", status.statusCode))

    def referRejected(self, context: Any, status: Any) -> None:
        self.told.append(("failure", None if status is None else status.statusCode))


async def outcomeOf(refer: Any, within: float = 6.0) -> Any:
    """The final status of a REFER of ours, which is to be known within so many seconds."""
    return await refer.whenFinished().addTimeout(within, reactor)
