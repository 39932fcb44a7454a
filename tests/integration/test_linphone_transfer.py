"""
Call transfers with linphonec: blind and attended (RFC 3515, RFC 3891, RFC 5589), by it and of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from tests.integration.agent import addressOf, agent
from tests.integration.linphone import Linphone, alone
from tests.integration.playing import endOf
from tests.integration.ports import freeHost
from tests.integration.transferring import Party, outcomeOf, quick
from twisted_sipdialog import Phase, Reason, UserAgent


async def calls(alice: UserAgent, bob: Linphone, transport: str = "udp") -> Any:
    """We call linphonec; our dialog."""
    answer = alice.invite(f"{bob.uri};transport={transport}")
    bob.command(f"answer {await bob.called()}")
    dialog = await answer
    await bob.whenSaid("Media streams established")
    return dialog


async def consults(alice: Linphone, uri: str) -> int:
    """linphonec holds its call with us, and calls another; the number of that call."""
    alice.command("pause")
    await alice.whenSaid("is now paused")
    return await alice.call(uri)


async def uriOf(carol: UserAgent, transport: str = "udp") -> str:
    return f"sip:carol@{await addressOf(carol, transport.upper())};transport={transport}"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@ensureDeferred
async def test_transfersUs(linphonec: str, tmp_path: Path, transport: str) -> None:
    """We called it, so that we follow by default (RFC 3515 section 4.1)."""
    told, target = Party(), Party()
    async with (
        agent(told, **quick()) as bob,
        agent(target, **quick()) as carol,
        Linphone(linphonec, tmp_path, "alice") as alice,
    ):
        old = await calls(bob, alice, transport)
        alice.transfer(1, await uriOf(carol, transport))
        await alice.whenSaid("has been transfered")
        assert await endOf(old) is Reason.REMOTE_BYE
        (new,) = bob.dialogs
        assert (new.state, [dialog.state for dialog in carol.dialogs]) == (Phase.STABLE, [Phase.STABLE])
        # RFC 3892 section 2.2: what it says of itself is passed on as it is.
        assert alice.uri in target.invitation.request.headers.get("referred-by")
        await new.destroy()
    assert told.told == [("accepted", 202), ("success", 200)]


@ensureDeferred
async def test_transfersUsToSomebodyBusy(linphonec: str, tmp_path: Path) -> None:
    """The call with it outlives that (RFC 5589 section 6.1)."""
    told = Party()
    async with (
        agent(told, **quick()) as bob,
        agent(Party(refuses=486), **quick()) as carol,
        Linphone(linphonec, tmp_path, "alice") as alice,
    ):
        dialog = await calls(bob, alice)
        alice.transfer(1, await uriOf(carol))
        await alice.until(lambda: told.told == [("accepted", 202), ("failure", 486)], "failure")
        assert await alice.calls() == {1: "StreamsRunning"}
        assert (dialog.state, bob.dialogs) == (Phase.STABLE, [dialog])
        alice.command("terminate")
        assert await endOf(dialog) is Reason.REMOTE_BYE


@ensureDeferred
async def test_transfersUsToItsOtherCall(linphonec: str, tmp_path: Path) -> None:
    """Our INVITE has the Replaces of its Refer-To, and takes that call's place (RFC 5589 section 7.3)."""
    told = Party()
    async with (
        agent(told, **quick()) as bob,
        Linphone(linphonec, tmp_path, "alice", host=freeHost()) as alice,
        Linphone(linphonec, tmp_path, "carol", host=freeHost()) as carol,
    ):
        old = await calls(bob, alice)
        second = await consults(alice, carol.uri)
        carol.command(f"answer {await carol.called()}")
        await alice.whenSaid("Media streams established")
        alice.transfer(1, second)
        await alice.whenSaid("has been transfered")
        assert await endOf(old) is Reason.REMOTE_BYE
        await carol.whenMatched("Call 1 with .* ended")
        assert await carol.calls() == {2: "StreamsRunning"}
        (new,) = bob.dialogs
        assert new.state is Phase.STABLE
        carol.command("terminate")
        assert await endOf(new) is Reason.REMOTE_BYE
    assert (told.told[0], told.told[-1]) == (("accepted", 202), ("success", 200))


@ensureDeferred
async def test_transfersUsToItsCallWithUs(linphonec: str, tmp_path: Path) -> None:
    """We are the other party of that call, too, and give it up for the new one (RFC 3891 section 3)."""
    told, target = Party(), Party()
    async with (
        agent(told, **quick()) as bob,
        agent(target, **quick(), **alone("carol")) as carol,
        Linphone(linphonec, tmp_path, "alice") as alice,
    ):
        old = await calls(bob, alice)
        second = await consults(alice, str(carol.configuration.aor))
        await alice.whenSaid("Media streams established")
        (replacee,) = carol.dialogs
        alice.transfer(1, second)
        await alice.whenSaid("has been transfered")
        assert (await endOf(old), await endOf(replacee)) == (Reason.REMOTE_BYE, Reason.REPLACED)
        assert await alice.calls() == {}
        (new,), (_,) = bob.dialogs, carol.dialogs
        await new.destroy()
    assert told.told == [("accepted", 202), ("success", 200)]


@ensureDeferred
async def test_transfersUsToACallThatRings(linphonec: str, tmp_path: Path) -> None:
    """An early dialog cannot be replaced by whom it rings for (RFC 3891 section 3): 481, and both calls go on."""
    told, target = Party(), Party(rings=True)
    async with (
        agent(told, **quick()) as bob,
        agent(target, **quick(), **alone("carol")) as carol,
        Linphone(linphonec, tmp_path, "alice") as alice,
    ):
        old = await calls(bob, alice)
        second = await consults(alice, str(carol.configuration.aor))
        await alice.whenSaid("ringing")
        alice.transfer(1, second)
        await alice.until(lambda: told.told == [("accepted", 202), ("failure", 481)], "failure")
        answered = await target.invitation.accept()
        assert (old.state, answered.state) == (Phase.STABLE, Phase.STABLE)
        alice.command(f"terminate {second}")
        assert await endOf(answered) is Reason.REMOTE_BYE
        alice.command("terminate 1")
        assert await endOf(old) is Reason.REMOTE_BYE


@ensureDeferred
async def test_isTransferred(linphonec: str, tmp_path: Path) -> None:
    """It holds the old call by re-INVITE at once, and ends its NOTIFYs with C{terminated;reason=reason=noresource}."""
    told, target = Party(), Party()
    async with (
        agent(told, **quick()) as alice,
        agent(target, **quick()) as carol,
        Linphone(linphonec, tmp_path, "bob") as bob,
    ):
        old = await calls(alice, bob)
        refer = await old.refer(await uriOf(carol))
        assert (await outcomeOf(refer)).statusCode == 200
        assert old.onHold
        assert await endOf(old) is Reason.LOCAL_BYE
        await bob.whenSaid("ended")
        assert await bob.calls() == {2: "StreamsRunning"}
        assert target.invitation.request.headers.get("referred-by") == "sip:alice@127.0.0.1"
        (new,) = carol.dialogs
        await new.destroy()
    assert told.told == [("accepted", 202), ("progress", 100), ("success", 200)]


@ensureDeferred
async def test_isTransferredToSomebodyBusy(linphonec: str, tmp_path: Path) -> None:
    """
    The final status alone is the end (RFC 3515 section 2.4.5): its subscription stays active for ever.  It resumes the
    old call, in which a second REFER succeeds.
    """
    told = Party()
    async with (
        agent(told, **quick()) as alice,
        agent(Party(refuses=486), **quick()) as dave,
        agent(Party(), **quick()) as carol,
        Linphone(linphonec, tmp_path, "bob") as bob,
    ):
        dialog = await calls(alice, bob)
        final = await outcomeOf(await dialog.refer(await uriOf(dave)))
        assert (final.statusCode, final.reasonPhrase) == (486, "Busy Here")
        await bob.whenSaid("Media streams established")
        assert (dialog.state, dialog.onHold) == (Phase.STABLE, False)
        final = await outcomeOf(await dialog.refer(await uriOf(carol)))
        assert final.statusCode == 200
        assert await endOf(dialog) is Reason.LOCAL_BYE
        (new,) = carol.dialogs
        await new.destroy()
        await bob.whenSaid("Call 3 with")


@ensureDeferred
async def test_isTransferredToOurOtherCall(linphonec: str, tmp_path: Path) -> None:
    """
    Its INVITE has Replaces with what our Refer-To said, unescaped; both our calls end (RFC 5589 section 7.3).  A first
    REFER names a call that is none: 481, and it goes on.
    """
    told, target = Party(), Party()
    async with (
        agent(told, **quick()) as alice,
        agent(target, **quick()) as carol,
        Linphone(linphonec, tmp_path, "bob") as bob,
    ):
        toBob = await calls(alice, bob)
        toCarol = await alice.invite(await uriOf(carol))
        (replacee,) = carol.dialogs
        gone = await toBob.refer(f"{await uriOf(carol)}?Replaces=gone%3Bto-tag%3D1%3Bfrom-tag%3D2")
        assert (await outcomeOf(gone)).statusCode == 481
        await bob.whenSaid("Media streams established")
        assert (toBob.state, toBob.onHold, replacee.state) == (Phase.STABLE, False, Phase.STABLE)
        refer = await toBob.refer(toCarol)
        assert (await outcomeOf(refer)).statusCode == 200
        assert (await endOf(toBob), await endOf(toCarol)) == (Reason.LOCAL_BYE, Reason.REMOTE_BYE)
        assert await endOf(replacee) is Reason.REPLACED
        (new,) = carol.dialogs
        await new.destroy()
        await bob.whenSaid("Call 3 with")
