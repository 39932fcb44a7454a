"""
REFER with SIPp: NOTIFYs as odd as they come, and attempts to make us call (RFC 3515, RFC 6665).

Its scenarios are a check, no peer: they say what the RFCs allow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from tests.integration.agent import addressOf, agent
from tests.integration.playing import QUICK, endOf, scenario, together
from tests.integration.transferring import Party, outcomeOf
from twisted_sipdialog import Phase, Reason, UserAgent
from twisted_sipdialog.errors import ReferFailed

TARGET = "sip:carol@192.0.2.1"
#: RFC 3420 section 2: what follows the status line is of no interest here.
LONG = "SIP/2.0 200 All is well, I would say\r\nContact: <sip:carol@192.0.2.1>\r\nWarning: 399 carol.example hello"


async def refers(alice: UserAgent, callee: Any, **how: Any) -> tuple[Any, Any]:
    """We call SIPp and refer it; our dialog and the REFER."""
    dialog = await alice.invite(callee.uri)
    return dialog, await dialog.refer(TARGET, **how)


async def lastStatus(sipp: str, folder: Path, fragment: str, status: tuple[int, str]) -> None:
    """A success ends the call, a failure does not."""
    async with (
        scenario(sipp, folder, "callee_is_referred", "-key", "fragment", fragment) as callee,
        agent(**QUICK) as alice,
    ):
        dialog, refer = await refers(alice, callee)
        final = await outcomeOf(refer)
        assert (final.statusCode, final.reasonPhrase) == status
        if final.statusCode >= 300:
            assert dialog.state is Phase.STABLE
            await dialog.destroy()
        assert await endOf(dialog) is Reason.LOCAL_BYE
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_lastStatus(sipp: str, tmp_path: Path) -> None:
    """A reason of several words, none, and further lines (RFC 3420 section 2)."""
    fragments = {
        LONG: (200, "All is well, I would say"),
        "SIP/2.0 486 Busy Here Until Tomorrow": (486, "Busy Here Until Tomorrow"),
        "SIP/2.0 603": (603, ""),
    }
    await together(Deferred.fromCoroutine(lastStatus(sipp, tmp_path, *case)) for case in fragments.items())


async def noStatus(sipp: str, folder: Path, name: str) -> None:
    """The call goes on."""
    async with scenario(sipp, folder, name) as callee, agent(**QUICK) as alice:
        dialog, refer = await refers(alice, callee)
        with pytest.raises(ReferFailed):
            await outcomeOf(refer)
        assert dialog.state is Phase.STABLE
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_noStatus(sipp: str, tmp_path: Path) -> None:
    """The subscription ends without, or no NOTIFY comes within 64*T1 (RFC 6665 section 4.1.2.4)."""
    names = ("callee_tells_no_status", "callee_never_notifies")
    await together(Deferred.fromCoroutine(noStatus(sipp, tmp_path, name)) for name in names)


@ensureDeferred
async def test_notifyBeforeThe202(sipp: str, tmp_path: Path) -> None:
    """What overtakes the answer is told too (RFC 6665 section 4.1.2.4)."""
    told = Party()
    async with scenario(sipp, tmp_path, "callee_notifies_early") as callee, agent(told, **QUICK) as alice:
        dialog, refer = await refers(alice, callee)
        assert (await outcomeOf(refer)).statusCode == 200
        assert await endOf(dialog) is Reason.LOCAL_BYE
        await callee.succeeded(1, timeout=10)
    assert told.told == [("progress", 100), ("progress", 180), ("accepted", 202), ("success", 200)]


@ensureDeferred
async def test_notifiesOutOfOrder(sipp: str, tmp_path: Path) -> None:
    """The one that was overtaken gets 500, and changes nothing (RFC 3261 section 12.2.2)."""
    told = Party()
    async with scenario(sipp, tmp_path, "callee_notifies_out_of_order") as callee, agent(told, **QUICK) as alice:
        dialog, refer = await refers(alice, callee)
        assert (await outcomeOf(refer)).statusCode == 486
        assert await endOf(dialog) is Reason.REMOTE_BYE
        await callee.succeeded(1, timeout=10)
    assert told.told == [("accepted", 202), ("failure", 486)]


@ensureDeferred
async def test_notifyAfterTheCall(sipp: str, tmp_path: Path) -> None:
    """The subscription outlives the call, until its last NOTIFY (RFC 5057 section 4.1); another one gets 481."""
    told = Party()
    async with scenario(sipp, tmp_path, "callee_notifies_after_bye") as callee, agent(told, **QUICK) as alice:
        dialog, refer = await refers(alice, callee)
        await callee.until(lambda: refer.status is not None, "first NOTIFY")
        await dialog.destroy()
        assert (await outcomeOf(refer)).statusCode == 503
        await callee.succeeded(1, timeout=10)
    assert told.told == [("accepted", 202), ("progress", 100), ("failure", 503)]


async def asks(sipp: str, folder: Path, name: str, **settings: Any) -> tuple[Party, Party]:
    """SIPp asks one agent, by the scenario of that name, to call another; what both were told."""
    told, target = Party(), Party()
    async with agent(told, **QUICK, **settings) as bob, agent(target, **QUICK) as carol:
        words = ("-key", "target", f"carol@{await addressOf(carol)}", await addressOf(bob))
        async with scenario(sipp, folder, name, *words) as caller:
            await caller.succeeded(1, timeout=10)
        for dialog in carol.dialogs:
            await dialog.destroy()
    return told, target


async def inVain(sipp: str, folder: Path, name: str, refusals: int) -> None:
    told, target = await asks(sipp, folder, name)
    assert target.invitation is None
    assert told.told == [("refused", 603)] * refusals


@ensureDeferred
async def test_nothingIsCalledForStrangers(sipp: str, tmp_path: Path) -> None:
    """
    By default (RFC 3515 section 5.2): 603 in a dialog that we did not begin, whatever the URI; 400 for a Refer-To that
    is not one; 403 outside, also with a Target-Dialog that names no dialog (RFC 4538 section 4).
    """
    cases = ("caller_refers_in_vain", 6), ("caller_refers_outside", 0)
    await together(Deferred.fromCoroutine(inVain(sipp, tmp_path, *case)) for case in cases)


@ensureDeferred
async def test_whatIsNoCallIsNotFollowed(sipp: str, tmp_path: Path) -> None:
    """416 for what is no SIP URI, 501 for another method (RFC 3515 section 2.4.2), before anything is accepted."""
    told, target = await asks(sipp, tmp_path, "caller_refers_abroad", referPolicy="follow")
    assert target.invitation is None
    assert told.told == [("refused", 416), ("refused", 416), ("refused", 501)]


@ensureDeferred
async def test_headersOfTheUriAreNotForged(sipp: str, tmp_path: Path) -> None:
    """Of the URI's headers those that say who calls, or where to, are dropped (RFC 3261 section 19.1.5)."""
    told, target = await asks(sipp, tmp_path, "caller_refers", referPolicy="follow")
    headers = target.invitation.request.headers
    assert headers.get("subject") == "hello"
    assert "boss@example.com" not in headers.get("from")
    assert headers.get("call-id") != "forged"
    assert "192.0.2.9" not in "".join(headers.get("via"))
    assert headers.get("route") is None
    assert told.told == [("accepted", 202), ("success", 200)]


@ensureDeferred
async def test_nobodyHearsTheOutcome(sipp: str, tmp_path: Path) -> None:
    """481 to a NOTIFY ends the subscription only (RFC 5057 section 5.1): neither the call nor what it asked for."""
    told, target = await asks(sipp, tmp_path, "caller_forgets_its_refer", referPolicy="follow")
    assert target.invitation.answered
    assert told.told == [("accepted", 202), ("success", 200)]
