"""
What crosses on the wire, comes late or comes again (RFC 5407), with SIPp; and challenges during the call.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred

from tests.integration.agent import agent
from tests.integration.playing import QUICK, Callee, callUs, passOver, scenario
from twisted_sipdialog import Credentials, Phase, Reason
from twisted_sipdialog.delegates import DialogDelegate

ALICE = [Credentials("alice", "secret", "proxy"), Credentials("alice", "secret", "desk")]


class Holding(Callee):
    """
    Puts each caller on hold as soon as the call stands.

    @ivar held: fires with the answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: Deferred[bytes] = Deferred()

    def dialogConfirmed(self, dialog: Any) -> None:
        dialog.modify("hold").addCallbacks(self.held.callback, self.held.errback)


@ensureDeferred
async def test_491IsTriedAgain(sipp: str, tmp_path: Path) -> None:
    """Their re-INVITE is answered meanwhile; who made the call tries again in 2.1 to 4 s (RFC 3261 section 14.1)."""
    async with scenario(sipp, tmp_path, "callee_glares") as callee, agent(**QUICK) as alice:
        dialog = await alice.invite(callee.uri)
        refused = reactor.seconds()
        assert b"o=sipp 1 3" in await dialog.modify("hold")
        assert 2.1 <= reactor.seconds() - refused <= 5
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_491WhileOursIsOpen(sipp: str, tmp_path: Path) -> None:
    """A re-INVITE, or an UPDATE with an offer, that meets ours (RFC 3261 section 14.2, RFC 3311 section 5.2)."""
    callee = Holding()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_crosses")
        assert b"o=sipp 1 2" in await callee.held
    assert callee.endings == [Reason.REMOTE_BYE]


class Deliberating(DialogDelegate):
    """
    Does not answer a re-INVITE before an INFO comes.

    @ivar remote: the peer's description when the INFO came.
    """

    def __init__(self) -> None:
        self.told: list[str] = []
        self.remote: bytes | None = None
        self._waiting: Any = None

    def inviteReceived(self, context: Any) -> None:
        self.told.append("INVITE")
        self._waiting = context
        context.answerLater()

    def inviteCancelled(self, context: Any, request: Any) -> None:
        self.told.append(request.method)

    def infoReceived(self, context: Any) -> None:
        self.told.append("INFO")
        self.remote = context.dialog.remote.sdp
        context.accept()
        if not self._waiting.answered:
            self._waiting.accept()


class Delegating(Callee):
    """Gives each call a delegate of its own, which alone is told of re-INVITEs."""

    def __init__(self) -> None:
        super().__init__()
        self.deliberating = Deliberating()

    def inviteReceived(self, context: Any) -> None:
        context.progress(180)
        context.accept(delegate=self.deliberating).addErrback(passOver)


@ensureDeferred
async def test_secondOfferBeforeTheFirstIsAnswered(sipp: str, tmp_path: Path) -> None:
    """500 with Retry-After, to a re-INVITE and to an UPDATE (RFC 3261 section 14.2, RFC 3311 section 5.2)."""
    callee = Delegating()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_hurries")
    assert callee.deliberating.told == ["INVITE", "INFO"]
    assert callee.endings == [Reason.REMOTE_BYE]


@ensureDeferred
async def test_reinviteIsGivenUp(sipp: str, tmp_path: Path) -> None:
    """CANCEL of a re-INVITE: 487, and the session is what it was (RFC 3261 section 9.2)."""
    callee = Delegating()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_cancels_reinvite")
    assert callee.deliberating.told == ["INVITE", "CANCEL", "INFO"]
    assert b"o=sipp 1 1" in (callee.deliberating.remote or b"")
    assert callee.endings == [Reason.REMOTE_BYE]


@ensureDeferred
async def test_lost2xxIsRepeated(sipp: str, tmp_path: Path) -> None:
    """From T1 on, by TCP as well, until the ACK comes (RFC 3261 section 13.3.1.4)."""
    callee = Callee()
    async with agent(callee, **QUICK) as bob:
        # Over UDP SIPp passes over copies.
        await callUs(sipp, tmp_path, bob, "caller_misses_200", "tcp")
    assert callee.endings == [Reason.REMOTE_BYE]


@ensureDeferred
async def test_cancelAfterThe2xx(sipp: str, tmp_path: Path) -> None:
    """It gets 200, and changes nothing (RFC 3261 section 9.2)."""
    callee = Callee()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_cancels_late")
    assert callee.endings == [Reason.REMOTE_BYE]


@ensureDeferred
async def test_2xxCrossesOurCancel(sipp: str, tmp_path: Path) -> None:
    """ACK and BYE (RFC 3261 section 9.1); the caller sees that it was cancelled."""
    async with scenario(sipp, tmp_path, "callee_answers_cancel") as callee, agent(**QUICK) as alice:
        calling = alice.inviteContext(callee.uri)
        answered = calling.whenAnswered()
        await callee.until(lambda: calling.dialog is not None, "ringing")
        calling.cancel()
        with pytest.raises(CancelledError):
            await answered
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_byesCross(sipp: str, tmp_path: Path) -> None:
    """Each BYE is answered (RFC 3261 section 15.1.2)."""
    async with scenario(sipp, tmp_path, "callee_byes_too") as callee, agent(**QUICK) as alice:
        dialog = await alice.invite(callee.uri)
        await dialog.destroy()
        assert dialog.state is Phase.TERMINATED
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_challengesDuringTheCall(sipp: str, tmp_path: Path) -> None:
    """Credentials go along with every request of the dialog (RFC 3261 section 22.3), and a new nonce is answered."""
    async with (
        scenario(sipp, tmp_path, "callee_challenges_changes") as callee,
        agent(**QUICK, credentials=ALICE) as alice,
    ):
        dialog = await alice.invite(callee.uri)
        assert b"a=recvonly" in await dialog.modify("hold")
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)
