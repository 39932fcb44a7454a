"""
Reliable provisional responses (RFC 3262) with SIPp, either way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.python.failure import Failure

from tests.integration.agent import agent
from tests.integration.playing import QUICK, SDP, Callee, callUs, endOf, passOver, scenario
from twisted_sipdialog import Phase, Reason
from twisted_sipdialog.delegates import DialogDelegate
from twisted_sipdialog.errors import DialogTerminated, NoPrack
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.message import Response


class Describing(Callee):
    """Says by a reliable 183 what the session will be, and answers once that was acknowledged."""

    async def inviteReceived(self, context: Any) -> None:
        prack = await context.progress(183, reliable=True, media=FixedMedia(SDP))
        self.told.append(prack.headers.get("RAck"))
        await context.accept()

    def prackReceived(self, dialog: Any, request: Any) -> None:
        self.told.append(request.method)


class Required(Callee):
    """Leaves it to the user agent that its 183 is sent reliably, as the caller requires."""

    async def inviteReceived(self, context: Any) -> None:
        await context.progress(183, media=FixedMedia(SDP))
        await context.accept()


class Hasty(Callee):
    """Does not wait for the PRACK."""

    def inviteReceived(self, context: Any) -> None:
        context.progress(183, reliable=True, media=FixedMedia(SDP)).addErrback(passOver)
        context.accept().addErrback(passOver)


@pytest.mark.parametrize("kind", [Describing, Required, Hasty])
@ensureDeferred
async def test_prackIsWaitedForAndAnswered(sipp: str, tmp_path: Path, kind: type[Callee]) -> None:
    """The answer is in the 183, so there is none in the 2xx; a PRACK that means nothing gets 481 (section 3)."""
    callee = kind()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_requires_100rel")
    assert callee.endings == [Reason.REMOTE_BYE]
    if isinstance(callee, Describing):
        rack, method = sorted(callee.told)
        assert (rack.split()[1:], method) == (["1", "INVITE"], "PRACK")


@ensureDeferred
async def test_cancelInsteadOfPrack(sipp: str, tmp_path: Path) -> None:
    """The caller gives up: what waits for the PRACK is told so, and the 183 is not repeated (section 3)."""

    class Waiting(Callee):
        def inviteReceived(self, context: Any) -> None:
            context.answerLater()
            context.progress(183, reliable=True, media=FixedMedia(SDP)).addErrback(self.failed)

        def failed(self, failure: Failure) -> None:
            self.told.append(failure.type)

    callee = Waiting()
    async with agent(callee, **QUICK) as bob:
        # Over UDP SIPp passes over copies.
        await callUs(sipp, tmp_path, bob, "caller_cancels_unacknowledged", "tcp")
    assert callee.told == [DialogTerminated]
    assert callee.endings == [Reason.REMOTE_CANCEL]


@ensureDeferred
async def test_lateOfferIsInTheReliableProvisional(sipp: str, tmp_path: Path) -> None:
    """Without an offer in the INVITE, the first reliable response has one, and PRACK the answer (section 5)."""

    class Offering(Describing):
        def dialogConfirmed(self, dialog: Any) -> None:
            self.told.append(b"o=sipp 1 1" in dialog.remote.sdp)

    callee = Offering()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_late_offer_reliable")
    assert True in callee.told
    assert callee.endings == [Reason.REMOTE_BYE]


@ensureDeferred
async def test_repeatedUntilPrack(sipp: str, tmp_path: Path) -> None:
    """A reliable provisional is repeated from T1 on, by TCP as well, until its PRACK comes (section 3)."""

    class Ringing(Callee):
        async def inviteReceived(self, context: Any) -> None:
            context.answerLater()
            await context.progress(183, reliable=True, media=FixedMedia(SDP))

    callee = Ringing()
    async with agent(callee, **QUICK) as bob:
        # Over UDP SIPp passes over copies.
        await callUs(sipp, tmp_path, bob, "caller_misses_183", "tcp")
    assert callee.endings == [Reason.REMOTE_BYE]


@ensureDeferred
async def test_noPrackEndsTheCall(sipp: str, tmp_path: Path) -> None:
    """Without PRACK in 64*T1 the INVITE is refused with a 5xx (section 3)."""

    class Ignored(Callee):
        def inviteReceived(self, context: Any) -> None:
            context.answerLater()
            context.progress(183, reliable=True, media=FixedMedia(SDP)).addErrback(self.failed)

        def failed(self, failure: Failure) -> None:
            self.told.append(failure.type)

    callee = Ignored()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_without_prack")
    assert callee.told == [NoPrack]
    assert callee.endings == [Reason.NO_PRACK]


@ensureDeferred
async def test_updatesOfTheCaller(sipp: str, tmp_path: Path) -> None:
    """A next offer in PRACK (RFC 3262 section 5), then UPDATE, early and later (RFC 3311 section 5.2)."""

    class Updated(Callee):
        invitation: Any = None

        def inviteReceived(self, context: Any) -> None:
            self.invitation = context
            context.answerLater()
            context.progress(183, reliable=True, media=FixedMedia(SDP)).addErrback(passOver)

        def dialogHeld(self, dialog: Any, request: Any) -> None:
            self.told.append("held")

        def dialogResumed(self, dialog: Any, request: Any) -> None:
            self.told.append("resumed")

        def dialogRefreshed(self, dialog: Any, request: Any) -> None:
            self.told.append("refreshed")
            self.invitation.accept().addErrback(passOver)

    callee = Updated()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_updates")
    assert callee.told == ["resumed", "refreshed", "held", "resumed"]
    assert callee.endings == [Reason.REMOTE_BYE]


@ensureDeferred
async def test_updateOfTheCallee(sipp: str, tmp_path: Path) -> None:
    """Once the 183 was acknowledged, we may change the session before we answer (RFC 3311 section 5.1)."""

    class Updating(Callee):
        async def inviteReceived(self, context: Any) -> None:
            await context.progress(183, reliable=True, media=FixedMedia(SDP))
            answer = await context.dialog.modify(SDP.replace(b"1 1", b"1 2").replace(b"4000", b"4002"))
            self.told.append(b"o=sipp 1 2" in answer)
            await context.accept()

    callee = Updating()
    async with agent(callee, **QUICK) as bob:
        await callUs(sipp, tmp_path, bob, "caller_is_updated")
    assert callee.told == [True]
    assert callee.endings == [Reason.REMOTE_BYE]


@pytest.mark.parametrize(
    ("rel100", "name"), [("off", "caller_extension_unknown"), ("required", "caller_without_100rel")]
)
@ensureDeferred
async def test_requiredAndNotSupported(sipp: str, tmp_path: Path, rel100: str, name: str) -> None:
    """420 names what we do not know, 421 what the caller does not (RFC 3261 sections 8.2.2.3 and 21.4.15)."""
    callee = Callee()
    async with agent(callee, **QUICK, rel100=rel100) as bob:
        await callUs(sipp, tmp_path, bob, name)
    assert callee.endings == []


class Hearing(DialogDelegate):
    """
    @ivar heard: the status codes of the provisional responses.
    @ivar early: the early dialogs.
    """

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.early: list[Any] = []

    def progressReceived(self, context: Any, response: Response) -> None:
        self.heard.append(response.statusCode)

    def dialogEarly(self, dialog: Any) -> None:
        self.early.append(dialog)


@pytest.mark.parametrize(("transport", "rel100"), [("udp", "supported"), ("tcp", "required")])
@ensureDeferred
async def test_eachIsAcknowledgedOnce(sipp: str, tmp_path: Path, transport: str, rel100: str) -> None:
    """In order, each once; neither a repetition nor one that is ahead of its turn is (section 4)."""
    hearing = Hearing()
    async with (
        scenario(sipp, tmp_path, "callee_rings_reliably", transport=transport) as callee,
        agent(**QUICK, rel100=rel100) as alice,
    ):
        calling = alice.inviteContext(f"{callee.uri};transport={transport}", delegate=hearing)
        dialog = await calling.whenAnswered()
        assert calling.request.headers.get("Require") == ("100rel" if rel100 == "required" else None)
        assert dialog.state is Phase.STABLE
        assert b"o=sipp 1 1" in dialog.remote.sdp
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)
    assert hearing.heard == [180, 183]


@ensureDeferred
async def test_theirOfferIsAnsweredInPrack(sipp: str, tmp_path: Path) -> None:
    """We called without an offer: theirs is in the reliable response, our answer in PRACK (section 5)."""
    async with (
        scenario(sipp, tmp_path, "callee_offers_reliably") as callee,
        agent(**QUICK) as alice,
    ):
        dialog = await alice.invite(callee.uri, body=b"")
        assert b"o=sipp 1 1" in dialog.remote.sdp
        assert b"m=audio 4000" in dialog.local.sdp
        await dialog.destroy()
        await callee.succeeded(1, timeout=10)


@ensureDeferred
async def test_forksRingReliably(sipp: str, tmp_path: Path) -> None:
    """Each fork has its RSeq, its dialog and its session (section 4); a second 2xx gets ACK and BYE."""
    hearing = Hearing()
    async with scenario(sipp, tmp_path, "callee_forks") as callee, agent(**QUICK) as alice:
        dialog = await alice.invite(callee.uri, delegate=hearing)
        one, two = hearing.early
        assert (one.sip.remoteTag, two.sip.remoteTag) == ("one", "two")
        assert dialog is two
        assert b"m=audio 4010" in one.remote.sdp
        assert b"m=audio 4020" in two.remote.sdp
        assert await endOf(dialog) is Reason.REMOTE_BYE
        await callee.succeeded(1, timeout=10)
        assert await endOf(one) is Reason.OTHER_FORK
    assert hearing.heard == [180, 180, 183]


@ensureDeferred
async def test_eachAnswerOfAForkedCallMakesACall(sipp: str, tmp_path: Path) -> None:
    """C{forkedAnswers="all"}: several 2xx make as many calls (RFC 3261 section 13.2.2.4)."""

    class Answered(Hearing):
        def dialogConfirmed(self, dialog: Any) -> None:
            self.early.append(dialog)

    answered = Answered()
    async with (
        scenario(sipp, tmp_path, "callee_forks_all_answer") as callee,
        agent(**QUICK, forkedAnswers="all") as alice,
    ):
        one = await alice.invite(callee.uri, delegate=answered)
        await callee.until(lambda: len(answered.early) == 4, "the second call")
        assert answered.early[:2] == answered.early[2:] == alice.dialogs
        two = answered.early[-1]
        assert [dialog.state for dialog in (one, two)] == [Phase.STABLE] * 2
        assert b"m=audio 4020 " in two.remote.sdp
        await one.destroy()
        assert await endOf(two) is Reason.REMOTE_BYE
        await callee.succeeded(1, timeout=10)
