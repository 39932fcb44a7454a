"""
SIPp plays a scenario of ours with a user agent inside the test's process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList

from tests.integration.agent import addressOf
from tests.integration.peers import Sipp
from twisted_sipdialog import FlowLimits, TimerValues, UserAgent
from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.errors import SipError
from twisted_sipdialog.media.fixed import FixedMedia

SCENARIOS = Path(__file__).with_name("scenarios")
SOCKET = {"udp": "u1", "tcp": "t1"}
SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
#: Settings for L{agent<tests.integration.agent.agent>}.  With so short a T1 nothing is left a second after a call;
#: and a callee who failed while it rang is not waited for longer.
QUICK: dict[str, Any] = {
    "media": FixedMedia(SDP),
    "timers": TimerValues(T1=0.015, T2=0.12, T4=0.15, D=0.96, provisional=0.2),
    "flowLimits": FlowLimits(idleTimeout=0.96),
    "ringTimeout": 10.0,
}


def scenario(sipp: str, folder: Path, name: str, *words: str, transport: str = "udp", calls: int = 1) -> Sipp:
    """SIPp, about to play the scenario of that name, once if C{calls} does not say otherwise."""
    play = ("-sf", os.fspath(SCENARIOS / f"{name}.xml"), "-m", str(calls))
    return Sipp(sipp, folder, *play, "-t", SOCKET[transport], *words)


async def callUs(sipp: str, folder: Path, userAgent: UserAgent, name: str, transport: str = "udp") -> None:
    """SIPp calls C{userAgent} by the scenario of that name, and finds nothing wrong."""
    address = await addressOf(userAgent, transport.upper())
    async with scenario(sipp, folder, name, address, transport=transport) as caller:
        await caller.succeeded(1, timeout=10)


async def together(doing: Iterable[Deferred[None]]) -> None:
    """Wait until all is done, then fail as the first that failed."""
    for well, outcome in await DeferredList(list(doing), consumeErrors=True):
        if not well:
            outcome.raiseException()


async def endOf(dialog: Any, within: float = 6.0) -> Any:
    """Why it ended, which is to happen within so many seconds."""
    return (await dialog.whenTerminated().addTimeout(within, reactor)).reason


class Callee(UserAgentDelegate):
    """
    Rings, answers, and remembers what it was told.

    @ivar told: the names of the methods called, oldest first, as far as they are of interest.
    @ivar endings: how calls ended.
    """

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.endings: list[Any] = []

    def inviteReceived(self, context: Any) -> Any:
        context.progress(180)
        context.accept().addErrback(passOver)

    def dialogTerminated(self, dialog: Any, ended: Any) -> None:
        self.endings.append(ended.reason)


def passOver(failure: Any) -> None:
    """A call that came to no good end: its reason is among the endings."""
    failure.trap(SipError)
