"""
Session timers (RFC 4028) with SIPp: intervals of two seconds, which the RFC forbids and a test can wait for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from tests.integration.agent import agent
from tests.integration.playing import QUICK, Callee, callUs, endOf, scenario, together
from twisted_sipdialog import Reason

BRIEF: dict[str, Any] = {"sessionExpires": 2, "minSE": 2}


class Watching(Callee):
    """Remembers what was agreed."""

    def dialogConfirmed(self, dialog: Any) -> None:
        self.told.append((dialog.sessionTimer.seconds, dialog.sessionTimer.refresher))


@ensureDeferred
async def test_weRefreshForTheCaller(sipp: str, tmp_path: Path) -> None:
    """Half-way through the interval, by UPDATE where the peer allows it, else by re-INVITE (section 7.4)."""
    callee = Watching()
    async with agent(callee, **QUICK, **BRIEF) as bob:
        names = ("caller_is_refreshed", "caller_is_reinvited")
        await together(Deferred.fromCoroutine(callUs(sipp, tmp_path, bob, name)) for name in names)
    assert callee.told == [(2, "local")] * 2
    assert callee.endings == [Reason.REMOTE_BYE] * 2


@ensureDeferred
async def test_callerRefreshesThenVanishes(sipp: str, tmp_path: Path) -> None:
    """A refresh starts the interval anew; without one we hang up before it is over (section 10)."""
    callee = Callee()
    async with agent(callee, **QUICK, **BRIEF) as bob:
        await callUs(sipp, tmp_path, bob, "caller_refreshes")
    assert callee.endings == [Reason.SESSION_EXPIRED]


@ensureDeferred
async def test_tooBriefAnIntervalIsRefused(sipp: str, tmp_path: Path) -> None:
    """422 with Min-SE to an INVITE and to an UPDATE; neither ends the call (section 9)."""
    callee = Callee()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_too_brief")
    assert callee.endings == [Reason.REMOTE_BYE]


@ensureDeferred
async def test_weAskAgainAfter422(sipp: str, tmp_path: Path) -> None:
    """With the same Call-ID, the next CSeq, and the interval that the 422 told (section 7.3)."""
    async with scenario(sipp, tmp_path, "callee_wants_longer") as callee, agent(**QUICK) as alice:
        dialog = await alice.invite(callee.uri)
        assert (dialog.sessionTimer.seconds, dialog.sessionTimer.refresher) == (3000, "local")
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_weRefreshForTheCalleeThatVanishes(sipp: str, tmp_path: Path) -> None:
    """Each 2xx says anew who refreshes (section 7.2), and so whose silence ends the call (section 10)."""
    async with (
        scenario(sipp, tmp_path, "callee_is_refreshed") as callee,
        agent(**QUICK, **BRIEF) as alice,
    ):
        dialog = await alice.invite(callee.uri)
        assert (dialog.sessionTimer.seconds, dialog.sessionTimer.refresher) == (2, "local")
        assert await endOf(dialog) is Reason.SESSION_EXPIRED
        assert dialog.sessionTimer is None or dialog.sessionTimer.refresher == "remote"
        await callee.succeeded(1, timeout=10)
