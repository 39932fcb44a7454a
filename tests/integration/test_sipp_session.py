"""
The session changes during the call (RFC 3264 section 8): re-INVITE, UPDATE, late offers, and digits in INFO, with SIPp.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import CancelledError

from tests.integration.agent import agent
from tests.integration.playing import QUICK, SDP, SOCKET, Callee, callUs, endOf, scenario
from twisted_sipdialog import Reason
from twisted_sipdialog.delegates import DialogDelegate
from twisted_sipdialog.errors import ResponseError

TRANSPORTS = pytest.mark.parametrize("transport", SOCKET)


class Changing(Callee):
    """Is told each change of the session."""

    def dialogHeld(self, dialog: Any, request: Any) -> None:
        assert dialog.onHold
        self.told.append("held")

    def dialogResumed(self, dialog: Any, request: Any) -> None:
        assert not dialog.onHold
        self.told.append("resumed")

    def dialogModified(self, dialog: Any, request: Any) -> None:
        self.told.append("modified")

    def dialogRefreshed(self, dialog: Any, request: Any) -> None:
        self.told.append("refreshed")


@TRANSPORTS
@ensureDeferred
async def test_theyHoldAndResume(sipp: str, tmp_path: Path, transport: str) -> None:
    """By direction (RFC 3264 section 8.4) and by a null address (RFC 2543), a new port, and nothing new."""
    callee = Changing()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_changes", transport)
    assert callee.told == ["held", "resumed", "held", "resumed", "modified", "refreshed"]
    assert callee.endings == [Reason.REMOTE_BYE]


@ensureDeferred
async def test_weHoldAndResume(sipp: str, tmp_path: Path) -> None:
    """Our re-INVITEs: the direction, and the next version of o= (RFC 3264 sections 8 and 8.4)."""
    async with (
        scenario(sipp, tmp_path, "callee_is_reinvited", transport="tcp") as callee,
        agent(**QUICK) as alice,
    ):
        dialog = await alice.invite(f"{callee.uri};transport=tcp")
        answer = await dialog.modify("hold")
        assert b"a=recvonly" in answer
        assert (dialog.onHold, dialog.remote.sdp) == (True, answer)
        answer = await dialog.modify("unhold")
        assert b"a=sendrecv" in answer
        assert (dialog.onHold, dialog.remote.sdp) == (False, answer)
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_weUpdate(sipp: str, tmp_path: Path) -> None:
    """UPDATE while it rings, and later, with an offer and without (RFC 3311 section 5.1)."""

    class Impatient(DialogDelegate):
        answer: Any = None

        async def dialogEarly(self, dialog: Any) -> None:
            self.answer = await dialog.modify(SDP.replace(b"o=- 1 1", b"o=- 1 2"))

    impatient = Impatient()
    async with scenario(sipp, tmp_path, "callee_is_updated") as callee, agent(**QUICK) as alice:
        dialog = await alice.invite(callee.uri, delegate=impatient)
        assert b"o=sipp 1 2" in impatient.answer
        assert b"o=sipp 1 3" in await dialog.modify("hold", method="UPDATE")
        assert dialog.onHold
        assert (await dialog.update()).statusCode == 200
        assert b"o=sipp 1 3" in dialog.remote.sdp
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_refusedChangesLeaveItAsItWas(sipp: str, tmp_path: Path) -> None:
    """488 is the end of a change (RFC 3261 section 14.1); 500 with Retry-After is not (RFC 3311 section 5.3)."""
    async with scenario(sipp, tmp_path, "callee_refuses_changes") as callee, agent(**QUICK) as alice:
        dialog = await alice.invite(callee.uri)
        before = dialog.local.sdp
        with pytest.raises(ResponseError, match="488"):
            await dialog.modify("hold")
        assert (dialog.onHold, dialog.local.sdp) == (False, before)
        await dialog.modify("hold", method="UPDATE")
        assert dialog.onHold
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_theyLostTheCall(sipp: str, tmp_path: Path) -> None:
    """481 to a re-INVITE ends the call, by BYE (RFC 3261 section 14.1, RFC 5057 section 5.1)."""
    async with scenario(sipp, tmp_path, "callee_lost_the_call") as callee, agent(**QUICK) as alice:
        dialog = await alice.invite(callee.uri)
        with pytest.raises(ResponseError, match="481"):
            await dialog.modify("hold")
        assert await endOf(dialog) is Reason.DIALOG_ERROR
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_weGiveAChangeUp(sipp: str, tmp_path: Path) -> None:
    """Cancelling the Deferred of C{modify()} sends CANCEL (RFC 3261 section 9.1); the session stays."""

    async with scenario(sipp, tmp_path, "callee_is_reinvited_in_vain") as callee, agent(**QUICK) as alice:
        dialog = await alice.invite(callee.uri)
        holding = dialog.modify("hold")
        holding.cancel()
        with pytest.raises(CancelledError):
            await holding
        # The callee sends a re-INVITE of its own, which is not answered with hold.
        assert await endOf(dialog) is Reason.REMOTE_BYE
        assert b"o=sipp 1 2" in dialog.remote.sdp
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_theyInviteWithoutAnOffer(sipp: str, tmp_path: Path) -> None:
    """The offer is in our 2xx, the answer in the ACK (RFC 3261 sections 13.2.1 and 14.2)."""

    class Offering(Callee):
        def dialogConfirmed(self, dialog: Any) -> None:
            self.told.append(dialog.remote.sdp)

        def dialogTerminated(self, dialog: Any, ended: Any) -> None:
            self.told.append(dialog.remote.sdp)

    callee = Offering()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_late_offer")
    first, last = callee.told
    assert b"m=audio 4010 " in first
    assert b"m=audio 4020 " in last


@ensureDeferred
async def test_weInviteWithoutAnOffer(sipp: str, tmp_path: Path) -> None:
    """The offer is in their 2xx, our answer in the ACK (RFC 3261 sections 13.2.1 and 14.1)."""
    async with scenario(sipp, tmp_path, "callee_offers_late") as callee, agent(**QUICK) as alice:
        dialog = await alice.invite(callee.uri, body=b"")
        assert b"m=audio 4010 " in dialog.remote.sdp
        late = await dialog.modify(None)
        assert b"m=audio 4020 " in late.offer
        assert b"a=recvonly" in await late.answer()
        assert b"m=audio 4020 " in dialog.remote.sdp
        assert dialog.onHold
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_digitsOfTheCaller(sipp: str, tmp_path: Path) -> None:
    """INFO with C{application/dtmf-relay} is told digit by digit."""

    class Listening(Callee):
        def toneReceived(self, dialog: Any, tone: str, duration: float | None) -> None:
            self.told.append((tone, duration))

    callee = Listening()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_presses_keys")
    assert callee.told == [("5", 0.16), ("#", 0.25), ("*", None)]


@ensureDeferred
async def test_digitsToTheCallee(sipp: str, tmp_path: Path) -> None:
    """C{dtmf()} sends an INFO for each digit, and stops at the first that is refused."""
    async with scenario(sipp, tmp_path, "callee_hears_keys") as callee, agent(**QUICK) as alice:
        dialog = await alice.invite(callee.uri)
        await dialog.dtmf("1#", gap=0.05)
        with pytest.raises(ResponseError, match="415"):
            await dialog.dtmf("A2", gap=0.05)
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)
