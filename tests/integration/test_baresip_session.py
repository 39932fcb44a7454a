"""
baresip during a call: hold and resume either way, an offer that it makes, and digits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from tests.integration.agent import addressOf, agent
from tests.integration.peers import Baresip
from tests.integration.playing import QUICK, endOf
from twisted_sipdialog import Reason
from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.media.echo import EchoMedia
from twisted_sipdialog.timers import TimerSet


def quick() -> dict[str, Any]:
    """Settings with media; the ports are not those of others."""
    return QUICK | {"media": EchoMedia(reactor, TimerSet(reactor), (28000, 28998))}


class Told(UserAgentDelegate):
    """Answers, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    async def inviteReceived(self, context: Any) -> None:
        await context.accept()

    def dialogHeld(self, dialog: Any, request: Any) -> None:
        self.told.append(("held", dialog.onHold))

    def dialogResumed(self, dialog: Any, request: Any) -> None:
        self.told.append(("resumed", dialog.onHold))

    def toneReceived(self, dialog: Any, tone: str, duration: float | None) -> None:
        self.told.append((tone, duration))


@ensureDeferred
async def test_holdsAndResumes(baresip: str, tmp_path: Path) -> None:
    """Its C{hold} is a re-INVITE with C{a=sendonly} (RFC 3264 section 8.4)."""
    callee = Told()
    async with agent(callee, **quick()) as bob, Baresip(baresip, tmp_path, "alice") as alice:
        await alice.command("dial", f"sip:bob@{await addressOf(bob, 'TCP')};transport=tcp")
        await alice.whenEvent("CALL_ESTABLISHED")
        await alice.command("hold")
        await alice.until(lambda: callee.told == [("held", True)], "hold")
        await alice.command("resume")
        await alice.until(lambda: callee.told == [("held", True), ("resumed", False)], "the end of hold")
        (dialog,) = bob.dialogs
        await alice.command("hangup")
        assert await endOf(dialog) is Reason.REMOTE_BYE


@ensureDeferred
async def test_isHeldAndResumed(baresip: str, tmp_path: Path) -> None:
    """By re-INVITE; it does not allow UPDATE, so none is sent (RFC 3311 section 5.1)."""
    async with Baresip(baresip, tmp_path, "bob") as bob, agent(**quick()) as alice:
        dialog = await alice.invite(bob.uri)
        with pytest.raises(InvalidState):
            await dialog.modify("hold", method="UPDATE")
        assert b"a=recvonly" in await dialog.modify("hold")
        assert dialog.onHold
        assert b"a=sendrecv" in await dialog.modify("unhold")
        assert not dialog.onHold
        await dialog.destroy()
        await bob.whenEvent("CALL_CLOSED")
    assert "UPDATE sip:" not in bob.output


@ensureDeferred
async def test_makesTheOfferWeDidNot(baresip: str, tmp_path: Path) -> None:
    """INVITE and re-INVITE without an offer (RFC 3261 sections 13.2.1 and 14.1)."""
    async with Baresip(baresip, tmp_path, "bob") as bob, agent(**quick()) as alice:
        dialog = await alice.invite(bob.uri, body=b"")
        assert b"PCMU" in dialog.remote.sdp
        late = await dialog.modify(None)
        assert dialog.local.sdp == await late.answer()
        assert dialog.remote.sdp == late.offer
        await dialog.destroy()
        await bob.whenEvent("CALL_CLOSED")


@ensureDeferred
async def test_digitsOfBaresip(baresip: str, tmp_path: Path) -> None:
    """Events among the media (RFC 4733), each told once, with its duration."""
    callee = Told()
    async with agent(callee, **quick()) as bob, Baresip(baresip, tmp_path, "alice") as alice:
        await alice.command("dial", f"sip:bob@{await addressOf(bob)}")
        await alice.whenEvent("CALL_ESTABLISHED")
        (dialog,) = bob.dialogs
        await alice.command("sndcode", "5#")
        await alice.until(lambda: len(callee.told) == 2, "digits")
        await dialog.destroy()
        await alice.whenEvent("CALL_CLOSED")
    assert [tone for tone, _ in callee.told] == ["5", "#"]
    assert all(0.04 <= duration <= 0.5 for _, duration in callee.told)


@ensureDeferred
async def test_digitsToBaresip(baresip: str, tmp_path: Path) -> None:
    """C{dtmf()}: INFO with C{application/dtmf-relay}."""
    async with Baresip(baresip, tmp_path, "bob") as bob, agent(**quick()) as alice:
        dialog = await alice.invite(bob.uri)
        await dialog.dtmf("7", gap=0.05)
        event = await bob.whenEvent("CALL_DTMF_START")
        assert event["param"] == "7"
        await bob.whenEvent("CALL_DTMF_END")
        await dialog.destroy()
        await bob.whenEvent("CALL_CLOSED")


@ensureDeferred
async def test_doesNotKnowReliableProvisionals(baresip: str, tmp_path: Path) -> None:
    """What we send reliably needs a caller that knows it (RFC 3262 section 3): baresip does not."""

    class Trying(Told):
        async def inviteReceived(self, context: Any) -> None:
            with pytest.raises(InvalidState):
                await context.progress(183, reliable=True, media=context.userAgent.configuration.media)
            await context.progress(183, media=context.userAgent.configuration.media)
            await context.accept()

    async with agent(Trying(), **quick()) as bob, Baresip(baresip, tmp_path, "alice") as alice:
        await alice.command("dial", f"sip:bob@{await addressOf(bob)}")
        await alice.whenEvent("CALL_PROGRESS")
        await alice.whenEvent("CALL_ESTABLISHED")
        (dialog,) = bob.dialogs
        await dialog.destroy()
        await alice.whenEvent("CALL_CLOSED")
