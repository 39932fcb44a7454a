"""
One call takes the place of another (RFC 3891), with a SIPp for each end that is not ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import CancelledError, Deferred

from tests.integration.agent import addressOf, agent
from tests.integration.playing import QUICK, SOCKET, Callee, endOf, scenario
from twisted_sipdialog import Reason
from twisted_sipdialog.message.event_fields import Replaces

TRANSPORTS = pytest.mark.parametrize("transport", SOCKET)


class Replaced(Callee):
    """
    Notes which call takes the place of which.

    @ivar stands: fires with the first call that stands.
    @ivar rings: fires with the first that is early.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stands: Deferred[Any] = Deferred()
        self.rings: Deferred[Any] = Deferred()

    def dialogConfirmed(self, dialog: Any) -> None:
        if not self.stands.called:
            self.stands.callback(dialog)

    def dialogEarly(self, dialog: Any) -> None:
        if not self.rings.called:
            self.rings.callback(dialog)

    def dialogReplaced(self, dialog: Any, newDialog: Any) -> None:
        self.told.append((dialog, newDialog.state.value))


async def replace(sipp: str, folder: Path, userAgent: Any, dialog: Any, transport: str = "udp") -> None:
    """Another caller takes the place of C{dialog}, after a wrong tag of it did nothing."""
    sip = dialog.sip
    named = str(Replaces(sip.callId, sip.localTag, sip.remoteTag))
    address = await addressOf(userAgent, transport.upper())
    words = ("-key", "replaces", named, address)
    async with scenario(sipp, folder, "caller_replaces", *words, transport=transport) as caller:
        await caller.succeeded(1, timeout=10)


@TRANSPORTS
@ensureDeferred
async def test_callIsReplaced(sipp: str, tmp_path: Path, transport: str) -> None:
    """Section 3: the one whose place is taken gets a BYE; the other has a call like any other."""
    callee = Replaced()
    async with agent(callee, **QUICK) as bob:
        address = await addressOf(bob, transport.upper())
        async with scenario(sipp, tmp_path, "caller_is_replaced", address, transport=transport) as first:
            dialog = await callee.stands
            await replace(sipp, tmp_path, bob, dialog, transport)
            await first.succeeded(1, timeout=10)
        assert await endOf(dialog) is Reason.REPLACED
    assert callee.told == [(dialog, "pending")]
    assert sorted(ending.name for ending in callee.endings) == ["REMOTE_BYE", "REPLACED"]


@ensureDeferred
async def test_ringingCallIsReplaced(sipp: str, tmp_path: Path) -> None:
    """Section 3: a call of ours that nobody has answered yet is cancelled."""
    callee = Replaced()
    async with (
        scenario(sipp, tmp_path, "callee_is_replaced") as first,
        agent(callee, **QUICK) as alice,
    ):
        calling = alice.invite(first.uri)
        dialog = await callee.rings
        await replace(sipp, tmp_path, alice, dialog)
        with pytest.raises(CancelledError):
            await calling
        await first.succeeded(1, timeout=10)
        assert await endOf(dialog) is Reason.REPLACED
    assert callee.told == [(dialog, "pending")]
