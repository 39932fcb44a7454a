"""
linphonec, a telephone that has session timers, reliable provisional responses and UPDATE, calls and is called.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.integration.agent import TIMERS, addressOf, agent
from tests.integration.linphone import Linphone
from tests.integration.playing import QUICK, endOf, together
from twisted_sipdialog import Phase, Reason, TimerValues
from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.media.echo import EchoMedia
from twisted_sipdialog.timers import TimerSet

#: Seconds: RFC 4028 forbids so short an interval, linphonec does as it is told.
INTERVAL = 2
BRIEF: dict[str, Any] = {"sessionExpires": INTERVAL, "minSE": INTERVAL}
ITS_BRIEF = {
    "session_expires_enabled": 1,
    "session_expires_value": INTERVAL,
    "session_expires_min_value": INTERVAL,
}
#: 1: tells the callee that it knows them.  2: sends its own so that PRACK is needed.
RELIABLE = {"100rel_support_level": 2, "incoming_calls_early_media": 1}
DIGITS_IN_INFO = {"use_info": 1, "use_rfc2833": 0}
#: While linphonec plays the tone of a digit, an INFO may wait for its 200 for a second.
PATIENT: dict[str, Any] = {"timers": TIMERS}
UNHURRIED = TimerValues(T1=0.02, T2=0.16, T4=0.2, D=1.28, provisional=0.2)


def quick() -> dict[str, Any]:
    """Settings with media; the ports are not those of others."""
    return QUICK | {"media": EchoMedia(reactor, TimerSet(reactor), (26000, 26998)), "timers": UNHURRIED}


class Told(UserAgentDelegate):
    """
    Answers, and remembers what it was told.

    @ivar reliable: whether C{183} with the answer goes before, reliably.
    """

    def __init__(self, reliable: bool = False) -> None:
        self.reliable = reliable
        self.told: list[Any] = []

    async def inviteReceived(self, context: Any) -> None:
        if self.reliable:
            prack = await context.progress(183, reliable=True, media=context.userAgent.configuration.media)
            self.told.append(prack.method)
        await context.accept()

    def progressReceived(self, context: Any, response: Any) -> None:
        if "RSeq" in response.headers:
            self.told.append((response.statusCode, context.dialog.remote.sdp is not None))

    def dialogRefreshed(self, dialog: Any, request: Any) -> None:
        self.told.append((request.method, "refreshed"))

    def dialogHeld(self, dialog: Any, request: Any) -> None:
        self.told.append("held")

    def dialogResumed(self, dialog: Any, request: Any) -> None:
        self.told.append("resumed")

    def toneReceived(self, dialog: Any, tone: str, duration: float | None) -> None:
        self.told.append((tone, duration))


def answered(phone: Linphone, method: str) -> set[str]:
    """The CSeqs of requests of that method that it answered with 200 so far, as its log tells."""
    said = phone.messages().replace("\r", "")
    return set(re.findall(rf"message sent to .*\nSIP/2\.0 200 .*\n(?:.+\n)*?CSeq: (\d+ {method})\n", said))


async def refreshed(phone: Linphone, dialog: Any, told: list[Any], refresher: str) -> None:
    """Wait for the second refresh: by then, the first interval would be over."""
    assert (dialog.sessionTimer.seconds, dialog.sessionTimer.refresher) == (INTERVAL, refresher)
    if refresher == "remote":
        await phone.until(lambda: told.count(("UPDATE", "refreshed")) == 2, "two refreshes by UPDATE")
    else:
        await phone.until(lambda: len(answered(phone, "UPDATE")) == 2, "answers to two UPDATEs")
    assert dialog.state is Phase.STABLE


async def calls(linphonec: str, folder: Path, refresher: str) -> None:
    """linphonec calls, and C{refresher} refreshes."""
    callee = Told()
    async with (
        agent(callee, **quick(), **BRIEF, sessionRefresher=refresher) as bob,
        Linphone(linphonec, folder, refresher, settings=ITS_BRIEF) as alice,
    ):
        alice.command(f"call sip:bob@{await addressOf(bob)}")
        await alice.whenSaid("connected")
        (dialog,) = bob.dialogs
        await refreshed(alice, dialog, callee.told, refresher)
        alice.command("terminate")
        assert await endOf(dialog) is Reason.REMOTE_BYE


async def isCalled(linphonec: str, folder: Path, refresher: str) -> None:
    """We call linphonec, and C{refresher} refreshes."""
    told = Told()
    async with (
        Linphone(linphonec, folder, refresher, settings=ITS_BRIEF) as bob,
        agent(told, **quick(), **BRIEF, sessionRefresher=refresher) as alice,
    ):
        answer = alice.invite(bob.uri)
        await bob.whenSaid("Receiving new incoming call")
        bob.command("answer")
        dialog = await answer
        await refreshed(bob, dialog, told.told, refresher)
        await dialog.destroy()
        await bob.whenSaid("ended")


@pytest.mark.parametrize("call", [calls, isCalled])
@ensureDeferred
async def test_sessionIsRefreshed(linphonec: str, tmp_path: Path, call: Any) -> None:
    """Whoever calls, by whom we say it shall be (RFC 4028 sections 7.1 and 9)."""
    await together(Deferred.fromCoroutine(call(linphonec, tmp_path, who)) for who in ("local", "remote"))


@ensureDeferred
async def test_acknowledgesOurReliable183(linphonec: str, tmp_path: Path) -> None:
    """Our answer is in the 183, PRACK comes, and the 2xx has none (RFC 3262 section 5)."""
    callee = Told(reliable=True)
    async with (
        agent(callee, **quick()) as bob,
        Linphone(linphonec, tmp_path, "alice", settings=RELIABLE) as alice,
    ):
        alice.command(f"call sip:bob@{await addressOf(bob)}")
        await alice.whenSaid("early media")
        await alice.whenSaid("connected")
        assert callee.told == ["PRACK"]
        (dialog,) = bob.dialogs
        alice.command("terminate")
        assert await endOf(dialog) is Reason.REMOTE_BYE


@ensureDeferred
async def test_itsReliable183IsAcknowledged(linphonec: str, tmp_path: Path) -> None:
    """Its answer is in the 183, and our PRACK gets a 200 (RFC 3262 section 4)."""
    told = Told()
    async with (
        Linphone(linphonec, tmp_path, "bob", settings=RELIABLE) as bob,
        agent(told, **quick()) as alice,
    ):
        answer = alice.invite(bob.uri)
        await bob.whenSaid("Receiving new incoming call")
        await bob.until(lambda: answered(bob, "PRACK"), "answer to PRACK")
        bob.command("answer")
        dialog = await answer
        assert told.told == [(183, True)]
        await dialog.destroy()
        await bob.whenSaid("ended")


@ensureDeferred
async def test_holdsAndResumes(linphonec: str, tmp_path: Path) -> None:
    callee = Told()
    async with agent(callee, **quick()) as bob, Linphone(linphonec, tmp_path, "alice") as alice:
        alice.command(f"call sip:bob@{await addressOf(bob)}")
        await alice.whenSaid("Media streams established")
        (dialog,) = bob.dialogs
        alice.command("pause")
        await alice.whenSaid("is now paused")
        assert (callee.told, dialog.onHold) == (["held"], True)
        alice.command("resume")
        await alice.whenSaid("Media streams established")
        assert (callee.told, dialog.onHold) == (["held", "resumed"], False)
        alice.command("terminate")
        assert await endOf(dialog) is Reason.REMOTE_BYE


@ensureDeferred
async def test_isHeldAndResumed(linphonec: str, tmp_path: Path) -> None:
    """By re-INVITE and by UPDATE."""
    async with Linphone(linphonec, tmp_path, "bob") as bob, agent(**quick()) as alice:
        answer = alice.invite(bob.uri)
        await bob.whenSaid("Receiving new incoming call")
        bob.command("answer")
        dialog = await answer
        await bob.whenSaid("Media streams established")
        for method in ("INVITE", "UPDATE"):
            assert b"a=recvonly" in await dialog.modify("hold", method=method)
            await bob.whenSaid("has been paused by")
            assert dialog.onHold
            await dialog.modify("unhold", method=method)
            await bob.whenSaid("Media streams established")
            assert not dialog.onHold
        await dialog.destroy()
        await bob.whenSaid("ended")


@ensureDeferred
async def test_makesTheOfferWeDidNot(linphonec: str, tmp_path: Path) -> None:
    """INVITE and re-INVITE without an offer (RFC 3261 sections 13.2.1 and 14.1)."""
    async with Linphone(linphonec, tmp_path, "bob") as bob, agent(**quick()) as alice:
        answer = alice.invite(bob.uri, body=b"")
        await bob.whenSaid("Receiving new incoming call")
        bob.command("answer")
        dialog = await answer
        late = await dialog.modify(None)
        assert b"PCMU" in late.offer or b" 0" in late.offer
        assert dialog.local.sdp == await late.answer()
        assert dialog.remote.sdp == late.offer
        await dialog.destroy()
        await bob.whenSaid("ended")


async def digits(linphonec: str, folder: Path, settings: dict[str, int], told: tuple[str, float]) -> None:
    """C{5} from linphonec, C{7} to it."""
    name = f"alice{len(settings)}"
    callee = Told()
    async with (
        agent(callee, **(quick() | PATIENT)) as bob,
        Linphone(linphonec, folder, name, settings=settings) as alice,
    ):
        alice.command(f"call sip:bob@{await addressOf(bob)}")
        await alice.whenSaid("Media streams established")
        alice.command("5")
        await alice.until(lambda: callee.told, "digit")
        assert callee.told == [told]
        (dialog,) = bob.dialogs
        await dialog.dtmf("7", gap=0.05)
        await alice.whenSaid("Receiving tone 7")
        alice.command("terminate")
        assert await endOf(dialog) is Reason.REMOTE_BYE


@ensureDeferred
async def test_digits(linphonec: str, tmp_path: Path) -> None:
    """From it, as events among the media (RFC 4733) or in INFO; and to it, in INFO."""
    events, infos = ("5", 0.1), ("5", 0.25)
    await together(
        Deferred.fromCoroutine(digits(linphonec, tmp_path, settings, told))
        for settings, told in (({}, events), (DIGITS_IN_INFO, infos))
    )
