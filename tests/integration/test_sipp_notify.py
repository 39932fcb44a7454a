"""
SIPp subscribes to a user agent of ours: for a while, once, in vain, and without a word (RFC 6665 section 4.2).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from tests.integration.agent import addressOf, agent
from tests.integration.playing import QUICK, callUs, scenario, together
from tests.integration.subscribing import Presentity, presence


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@ensureDeferred
async def test_stays(sipp: str, tmp_path: Path, transport: str) -> None:
    """A NOTIFY follows each SUBSCRIBE, and each change; Expires: 0 ends it, and 481 is what comes then."""
    alice = Presentity()
    async with agent(alice, **QUICK) as userAgent:
        address = await addressOf(userAgent, transport.upper())
        async with scenario(sipp, tmp_path, "subscriber_stays", address, transport=transport) as peer:
            (notifier,) = await peer.until(lambda: alice.notifiers, "subscription")
            response = await notifier.notify(presence("closed"))
            assert response.statusCode == 200
            await peer.succeeded(1, timeout=10)
        assert alice.told == [("refreshed", 300), ("terminated", "unsubscribed")]


async def fetches(sipp: str, folder: Path) -> None:
    """One NOTIFY, which ends it (RFC 6665 section 4.4.3)."""
    alice = Presentity()
    async with agent(alice, **QUICK) as userAgent:
        await callUs(sipp, folder, userAgent, "subscriber_fetches")
        assert [what for what, _ in alice.told] == ["terminated"]


async def inVain(sipp: str, folder: Path) -> None:
    """
    489 to an event that is unknown or missing (RFC 6665 section 8.3.2), 423 to a time that is too brief (section
    4.2.1.1), 400 where no Contact says where to send a NOTIFY.
    """
    alice = Presentity()
    async with agent(alice, **QUICK, events=["presence"]) as userAgent:
        await callUs(sipp, folder, userAgent, "subscriber_in_vain")
    assert alice.notifiers == []


async def neverAnswers(sipp: str, folder: Path) -> None:
    """No answer to a NOTIFY within 64*T1 ends the subscription (RFC 6665 section 4.2.2)."""
    alice = Presentity()
    async with agent(alice, **QUICK) as userAgent:
        await callUs(sipp, folder, userAgent, "subscriber_is_silent")
        (notifier,) = alice.notifiers
        assert (await notifier.whenTerminated()).reason == "no answer"
    assert alice.told == [("terminated", "no answer")]


@ensureDeferred
async def test_fetchesInVainOrWithoutAWord(sipp: str, tmp_path: Path) -> None:
    """All that is over at once."""
    await together(Deferred.fromCoroutine(does(sipp, tmp_path)) for does in (fetches, inVain, neverAnswers))


@ensureDeferred
async def test_forgets(sipp: str, tmp_path: Path) -> None:
    """So does 481 (RFC 6665 section 4.2.2)."""
    alice = Presentity()
    async with (
        agent(alice, **QUICK) as userAgent,
        scenario(sipp, tmp_path, "subscriber_forgets", await addressOf(userAgent)) as peer,
    ):
        (notifier,) = await peer.until(lambda: alice.notifiers, "subscription")
        response = await notifier.notify(presence("closed"))
        assert response.statusCode == 481
        await peer.succeeded(1, timeout=10)
    assert alice.told == [("terminated", "refused")]
