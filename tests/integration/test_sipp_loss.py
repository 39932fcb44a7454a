"""
Every fourth message is lost, to SIPp and from it: calls go through all the same, none is stuck, nothing is left.

SIPp rolls the dice itself (C{-lost}): for what it receives and for what it sends.  So a message and its answer both
get through at 56 of 100 attempts, or more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, DeferredSemaphore

from tests.integration.agent import addressOf, agent
from tests.integration.peers import Sipp
from twisted_sipdialog import Reason, TimerValues, UserAgent
from twisted_sipdialog.errors import Timeout
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.service.delegates import Answer

SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
LOSSY = ("-lost", "25")
#: Ours, that SIPp with its half second has the time to repeat itself in.
PATIENT = TimerValues(T1=0.05, T2=0.4, T4=0.5, D=3.2)
CALLS = 100
#: Calls to us that may fail for want of luck: SIPp gives up an INVITE that was lost six times, which befalls
#: 0.25 ** 6 * 100 = 0.02 calls a run, and more than two in one of a million runs.
GIVEN_UP = 2
#: Calls by us that may fail: SIPp sends 180 and 200 at once, and what it lost itself it does not send again for the
#: copies of an INVITE, so 0.25 ** 2 * 100 = 6 calls get no answer at all; more than 20 in one of a million runs.
UNANSWERED = 20


class Counting(Answer):
    """Answers, and counts how the calls ended."""

    def __init__(self) -> None:
        super().__init__(reactor)
        self.ended: dict[str, Any] = {}

    def dialogTerminated(self, dialog: Any, ended: Any) -> None:
        assert dialog.id not in self.ended
        self.ended[dialog.id] = ended.reason
        super().dialogTerminated(dialog, ended)


@ensureDeferred
async def test_callsToUs(sipp: str, tmp_path: Path) -> None:
    counting = Counting()
    # BYE is repeated each half second, 16 times: all in vain once in 10000 runs.
    patient = ("-T2", "500", "-max_non_invite_retrans", "16")
    calls = ("-sn", "uac", "-m", str(CALLS), "-r", "50", *LOSSY, *patient)
    async with agent(counting, media=FixedMedia(SDP), timers=PATIENT) as callee:
        async with Sipp(sipp, tmp_path, *calls, await addressOf(callee)) as caller:
            await caller.ended(timeout=60)
        failed = caller.count("FailedCall")
        assert caller.count("SuccessfulCall") + failed == CALLS
        assert failed <= GIVEN_UP
        assert caller.count("Retransmissions") > CALLS / 10
    # SIPp takes a copy of the 200 to its INVITE for the answer to its BYE, even when that BYE was lost: some calls end
    # by our own BYE, when no ACK comes.
    assert CALLS - GIVEN_UP <= len(counting.ended) <= CALLS
    assert set(counting.ended.values()) <= {Reason.REMOTE_BYE, Reason.ACK_TIMEOUT}


async def call(userAgent: UserAgent, uri: str) -> bool:
    """Whether a call went through."""
    try:
        # A callee that rang and whose 200 is lost for good would be waited for without end.
        dialog = await userAgent.invite(uri).addTimeout(20, reactor)
    except Timeout:
        return False
    await dialog.destroy()
    return True


@ensureDeferred
async def test_callsByUs(sipp: str, tmp_path: Path) -> None:
    turn = DeferredSemaphore(20)
    async with (
        Sipp(sipp, tmp_path, "-sn", "uas", *LOSSY) as callee,
        agent(media=FixedMedia(SDP), timers=PATIENT) as alice,
    ):
        calling: list[Any] = [turn.run(lambda: Deferred.fromCoroutine(call(alice, callee.uri))) for _ in range(CALLS)]
        outcomes = await DeferredList(calling, fireOnOneErrback=True, consumeErrors=True)
        assert sum(well for _, well in outcomes) >= CALLS - UNANSWERED
        assert alice.dialogs == []
    assert callee.count("SuccessfulCall") >= CALLS - UNANSWERED
