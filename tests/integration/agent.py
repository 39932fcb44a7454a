"""
A user agent inside the test's own process, on the real reactor.

Its timers are much shorter than the RFC's, so that a test can wait for the last
of them: each block's end looks that nothing is left.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

from tests.integration.peers import LOOPBACK
from twisted_sipdialog import Configuration, FlowLimits, TimerValues, UserAgent
from twisted_sipdialog.message.grammar import formatHost

#: Seconds.
TIMERS = TimerValues(T1=0.03, T2=0.24, T4=0.3, D=1.92, provisional=0.2)
#: A connection that nobody uses is left, too, until it is closed.
FLOWS = FlowLimits(idleTimeout=TIMERS.transaction)
#: What the slowest call takes to end (no ACK comes, then no answer to BYE), and half of it for a busy machine.
PATIENCE = 3 * TIMERS.transaction


@implementer(ILogObserver)
class Complaints(list[str]):
    """What was logged as an error meanwhile."""

    def __call__(self, event: LogEvent) -> None:
        if event["log_level"] >= LogLevel.error:
            failure = event.get("log_failure")
            self.append(failure.getTraceback() if failure is not None else str(event))


@asynccontextmanager
async def agent(delegate: Any = None, host: str = LOOPBACK, **settings: Any) -> AsyncIterator[UserAgent]:
    """
    A L{UserAgent} on free UDP and TCP ports of C{host}.

    The block's end waits until its timers have run out, and checks that nothing is left and nothing was logged as an
    error.

    @param settings: of its L{Configuration}.
    """
    interface = host.replace(":", r"\:")
    listen = [f"{kind}:0:interface={interface}" for kind in ("udp", "tcp")]
    told: dict[str, Any] = {
        "aor": f"sip:alice@{formatHost(host, None)}",
        "listen": listen,
        "timers": TIMERS,
        "flowLimits": FLOWS,
    }
    userAgent = UserAgent(reactor, Configuration(**(told | settings)), delegate)
    complaints = Complaints()
    globalLogPublisher.addObserver(complaints)
    userAgent.startService()
    try:
        await userAgent.whenListening()
        yield userAgent
        await nothingLeft(userAgent)
        assert not complaints, "\n".join(complaints)
    finally:
        globalLogPublisher.removeObserver(complaints)
        await userAgent.stopService()


async def nothingLeft(userAgent: UserAgent) -> None:
    """Wait until C{userAgent} has no dialog, transaction, timer left."""
    deadline = time.monotonic() + PATIENCE
    while (left := userAgent.leftovers()) and time.monotonic() < deadline:
        await deferLater(reactor, 0.02)
    assert not left, left


async def addressOf(userAgent: UserAgent, protocol: str = "UDP") -> str:
    """C{host:port} of the port for C{protocol}."""
    found = await userAgent.whenListening()
    return next(formatHost(host, port) for name, host, port in found if name == protocol)
