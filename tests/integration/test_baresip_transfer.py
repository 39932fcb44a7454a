"""
Call transfers with baresip (RFC 3515): it transfers us, and is transferred by us; always without C{Replaces}.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.integration.agent import addressOf, agent
from tests.integration.linphone import Linphone
from tests.integration.peers import Baresip, Sipua
from tests.integration.playing import endOf
from tests.integration.tone import measure
from tests.integration.transferring import Party, outcomeOf, quick
from twisted_sipdialog import Phase, Reason, UserAgent


async def calls(alice: Baresip, bob: UserAgent, transport: str = "udp") -> Any:
    """baresip calls us; our dialog."""
    await alice.command("dial", f"sip:bob@{await addressOf(bob, transport.upper())};transport={transport}")
    await alice.whenEvent("CALL_ESTABLISHED")
    (dialog,) = bob.dialogs
    return dialog


async def uriOf(carol: UserAgent) -> str:
    """
    Where we are called over UDP: baresip writes Refer-To without < >, so that C{;transport=tcp} would be no part of the
    URI (RFC 3261 section 20).
    """
    return f"sip:carol@{await addressOf(carol)}"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@ensureDeferred
async def test_transfersUs(baresip: str, tmp_path: Path, transport: str) -> None:
    """202, NOTIFYs, then its BYE, and the new call stands (RFC 3515 section 4.1, RFC 5589 section 6.1)."""
    told, target = Party(), Party()
    async with (
        agent(told, **quick(), referPolicy="follow") as bob,
        agent(target, **quick()) as carol,
        Baresip(baresip, tmp_path, "alice") as alice,
    ):
        old = await calls(alice, bob, transport)
        await alice.transfer(await uriOf(carol))
        await alice.whenEvent("CALL_CLOSED", param="Call transfered")
        assert await endOf(old) is Reason.REMOTE_BYE
        (new,) = bob.dialogs
        assert (new.state, new.role) == (Phase.STABLE, "uac")
        assert [dialog.state for dialog in carol.dialogs] == [Phase.STABLE]
        await new.destroy()
    assert told.told == [("accepted", 202), ("success", 200)]
    assert "SUBSCRIBE sip:" not in alice.output


@ensureDeferred
async def test_transfersUsToLinphone(baresip: str, linphonec: str, tmp_path: Path) -> None:
    """Three implementations: we follow, and linphonec rings, answers, and hangs up in the end."""
    told = Party()
    async with (
        agent(told, **quick(), referPolicy="follow") as bob,
        Linphone(linphonec, tmp_path, "carol") as carol,
        Baresip(baresip, tmp_path, "alice") as alice,
    ):
        old = await calls(alice, bob)
        await alice.transfer(carol.uri)
        number = await carol.called()
        await carol.until(lambda: ("progress", 180) in told.told, "ringing")
        carol.command(f"answer {number}")
        await alice.whenEvent("CALL_CLOSED", param="Call transfered")
        assert await endOf(old) is Reason.REMOTE_BYE
        await carol.whenSaid("Media streams established")
        (new,) = bob.dialogs
        carol.command("terminate")
        assert await endOf(new) is Reason.REMOTE_BYE
    assert told.told == [("accepted", 202), ("progress", 180), ("success", 200)]


@ensureDeferred
async def test_isRefusedATransfer(baresip: str, tmp_path: Path) -> None:
    """It called us, so that by default nothing it asks for is called: 603; it hangs up."""
    told, target = Party(), Party()
    async with (
        agent(told, **quick()) as bob,
        agent(target, **quick()) as carol,
        Baresip(baresip, tmp_path, "alice") as alice,
    ):
        dialog = await calls(alice, bob)
        await alice.transfer(await uriOf(carol))
        await alice.whenEvent("TRANSFER_FAILED", param="603 Decline")
        assert await endOf(dialog) is Reason.REMOTE_BYE
    assert told.told == [("refused", 603)]
    assert target.invitation is None


@ensureDeferred
async def test_transfersUsToSomebodyBusy(baresip: str, tmp_path: Path) -> None:
    """The final status is that of the new call (RFC 3515 section 2.4.5); baresip hangs up all the same."""
    told = Party()
    async with (
        agent(told, **quick(), referPolicy="follow") as bob,
        agent(Party(refuses=486), **quick()) as carol,
        Baresip(baresip, tmp_path, "alice") as alice,
    ):
        dialog = await calls(alice, bob)
        await alice.transfer(await uriOf(carol))
        await alice.whenEvent("TRANSFER_FAILED", param="486 Busy Here")
        assert await endOf(dialog) is Reason.REMOTE_BYE
        assert bob.dialogs == []
    assert told.told == [("accepted", 202), ("failure", 486)]


@ensureDeferred
async def test_unsubscribesAfterTheCall(baresip: str, tmp_path: Path) -> None:
    """
    We hang up while the target rings: its SUBSCRIBE with C{Expires: 0} is answered, though the call is over (RFC 3515
    section 2.4.4, RFC 5057 section 4.1), and a last NOTIFY lets it quit at once.
    """
    told, target = Party(), Party(rings=True)
    async with (
        agent(told, **quick(), referPolicy="follow") as bob,
        agent(target, **quick()) as carol,
        Baresip(baresip, tmp_path, "alice") as alice,
    ):
        old = await calls(alice, bob)
        await alice.transfer(await uriOf(carol))
        await alice.until(lambda: ("progress", 180) in told.told, "ringing")
        await old.destroy()
        await alice.whenEvent("CALL_CLOSED")
        await target.invitation.accept()
        await alice.until(lambda: told.told[-1] == ("success", 200), "the new call")
        (new,) = bob.dialogs
        begin = time.monotonic()
        await alice.stop()
        assert time.monotonic() - begin < 5
        await new.destroy()
    assert re.search(r"SIP/2\.0 200 OK\n(.+\n)*CSeq: \d+ SUBSCRIBE\n", alice.output.replace("\r", ""))
    assert "Subscription-State: terminated;reason=timeout" in alice.output
    assert told.told[:2] == [("accepted", 202), ("progress", 180)]


@ensureDeferred
async def test_prolongsItsSubscription(baresip: str, tmp_path: Path) -> None:
    """
    As long as the target rings it sends SUBSCRIBE, at nine tenths of the time that our NOTIFY told, which is granted
    anew (RFC 6665 section 4.2.1.1): it hears the final status long after the first subscription would have ended.
    """
    told, target = Party(), Party(rings=True)
    async with (
        agent(told, **quick(), referPolicy="follow", referExpires=2) as bob,
        agent(target, **quick()) as carol,
        Baresip(baresip, tmp_path, "alice") as alice,
    ):
        old = await calls(alice, bob)
        await alice.transfer(await uriOf(carol))
        await alice.until(lambda: ("progress", 180) in told.told, "ringing")
        await deferLater(reactor, 2.3)
        await target.invitation.accept()
        await alice.whenEvent("CALL_CLOSED", param="Call transfered")
        assert await endOf(old) is Reason.REMOTE_BYE
        (new,) = bob.dialogs
        await new.destroy()
    assert "SUBSCRIBE sip:" in alice.output
    assert told.told == [("accepted", 202), ("progress", 180), ("success", 200)]


@ensureDeferred
async def test_isTransferred(baresip: str, tmp_path: Path) -> None:
    """Its NOTIFYs tell the real status, our BYE follows, and the new call stands (RFC 5589 section 6.1)."""
    told, target = Party(), Party()
    async with (
        agent(told, **quick()) as alice,
        agent(target, **quick()) as carol,
        Baresip(baresip, tmp_path, "bob") as bob,
    ):
        old = await alice.invite(bob.uri)
        uri = await uriOf(carol)
        refer = await old.refer(uri)
        final = await outcomeOf(refer)
        assert (final.statusCode, final.reasonPhrase) == (200, "OK")
        assert await endOf(old) is Reason.LOCAL_BYE
        await bob.whenEvent("CALL_ESTABLISHED", peeruri=uri)
        (new,) = carol.dialogs
        await bob.whenEvent("CALL_CLOSED", id=old.sip.callId)
        assert new.state is Phase.STABLE
        await new.destroy()
        await bob.whenEvent("CALL_CLOSED", peeruri=uri)
    assert told.told == [("accepted", 202), ("progress", 100), ("success", 200)]


@ensureDeferred
async def test_isTransferredToSomebodyBusy(baresip: str, tmp_path: Path) -> None:
    """Our call with it goes on after a failure, and a second REFER, told by its own id, succeeds."""
    told = Party()
    busy, free = Party(refuses=486), Party()
    async with (
        agent(told, **quick()) as alice,
        agent(busy, **quick()) as carol,
        agent(free, **quick()) as dave,
        Baresip(baresip, tmp_path, "bob") as bob,
    ):
        dialog = await alice.invite(bob.uri)
        final = await outcomeOf(await dialog.refer(await uriOf(carol)))
        assert (final.statusCode, final.reasonPhrase) == (486, "Busy Here")
        assert dialog.state is Phase.STABLE
        final = await outcomeOf(await dialog.refer(await uriOf(dave)))
        assert final.statusCode == 200
        assert await endOf(dialog) is Reason.LOCAL_BYE
        (new,) = dave.dialogs
        await new.destroy()
    assert told.told == [
        *(("accepted", 202), ("progress", 100), ("failure", 486)),
        *(("accepted", 202), ("progress", 100), ("success", 200)),
    ]


@ensureDeferred
async def test_sipuaTransfersItsCaller(baresip: str, tmp_path: Path) -> None:
    """C{twistd sipua --delegate transfer}, as a user starts it: the caller is heard where it was sent to."""
    async with (
        Baresip(baresip, tmp_path, "carol", tone=900) as carol,
        Sipua(tmp_path, "--delegate", "transfer", "--transfer-to", carol.uri) as sipua,
        Baresip(baresip, tmp_path, "alice", tone=440) as alice,
    ):
        await alice.command("dial", sipua.uri)
        await alice.whenEvent("CALL_ESTABLISHED", peeruri=carol.uri)
        await alice.whenEvent("CALL_CLOSED", peeruri=sipua.uri)
        await deferLater(reactor, 1.0)
        await alice.command("hangup")
        await carol.whenEvent("CALL_CLOSED")
        heard = measure(await carol.heard())
        assert (heard.frequency, heard.purity > 0.5) == (440, True)
        assert f"was to call {carol.uri}: 200 OK" in sipua.output
