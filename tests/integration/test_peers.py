"""
The peers themselves, against each other: what fails here is no fault of the user agent.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.integration.linphone import Linphone
from tests.integration.peers import Baresip, Sipp
from tests.integration.ports import freeHost, freePort
from tests.integration.process import Peer, PeerFailed
from tests.integration.tone import measure

SECOND_OF_SOUND = 1.0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@ensureDeferred
async def test_baresipHearsBaresip(baresip: str, tmp_path: Path, transport: str) -> None:
    async with (
        Baresip(baresip, tmp_path, "alice", tone=440) as alice,
        Baresip(baresip, tmp_path, "bob", tone=900) as bob,
    ):
        await alice.command("dial", f"{bob.uri};transport={transport}")
        await alice.whenEvent("CALL_ESTABLISHED")
        await bob.whenEvent("CALL_RTPESTAB")
        await deferLater(reactor, SECOND_OF_SOUND)
        await alice.command("hangup")
        await bob.whenEvent("CALL_CLOSED")
        for speaker, listener, frequency in ((alice, bob, 440), (bob, alice, 900)):
            said = measure(await speaker.sent())
            heard = measure(await listener.heard())
            assert heard.frequency == said.frequency == frequency
            assert heard.level == pytest.approx(said.level, abs=0.5)
            assert heard.purity > 0.9
            assert heard.duration > SECOND_OF_SOUND / 2


@ensureDeferred
async def test_baresipIsTransferred(baresip: str, tmp_path: Path) -> None:
    """alice has two calls, and transfers the party of the first."""
    async with (
        Baresip(baresip, tmp_path, "alice") as alice,
        Baresip(baresip, tmp_path, "bob") as bob,
        Baresip(baresip, tmp_path, "carol") as carol,
        Baresip(baresip, tmp_path, "dave") as dave,
    ):
        for callee in (bob, dave):
            await alice.command("dial", callee.uri)
            established = await alice.whenEvent("CALL_ESTABLISHED", peeruri=callee.uri)
            if callee is bob:
                first = established["id"]
        await alice.transfer(carol.uri, first)
        await carol.whenEvent("CALL_ESTABLISHED", peeruri=bob.uri)
        await alice.whenEvent("CALL_CLOSED", id=first, param="Call transfered")
        await bob.whenEvent("CALL_CLOSED", id=first)
        assert "CALL_CLOSED" not in {event["type"] for event in dave.events}


@ensureDeferred
async def test_linphoneIsTransferred(linphonec: str, tmp_path: Path) -> None:
    async with (
        Linphone(linphonec, tmp_path, "alice") as alice,
        Linphone(linphonec, tmp_path, "bob") as bob,
        Linphone(linphonec, tmp_path, "carol") as carol,
    ):
        await bob.call(alice.uri)
        first = await alice.called()
        alice.command(f"answer {first}")
        await alice.whenSaid("Media streams established")
        alice.transfer(first, carol.uri)
        carol.command(f"answer {await carol.called()}")
        await alice.whenSaid("has been transfered")
        await alice.whenSaid(f"Call {first} with sip:bob@127.0.0.1 ended")
        await carol.whenSaid("Media streams established")
        assert (await alice.calls(), await bob.calls()) == ({}, {2: "StreamsRunning"})
        carol.command("terminate")
        await bob.whenMatched("Call 2 with .* ended")


@ensureDeferred
async def test_linphoneReplacesACall(linphonec: str, tmp_path: Path) -> None:
    """alice has called carol, and transfers bob to that call."""
    async with (
        Linphone(linphonec, tmp_path, "alice", host=freeHost()) as alice,
        Linphone(linphonec, tmp_path, "bob", host=freeHost()) as bob,
        Linphone(linphonec, tmp_path, "carol", host=freeHost()) as carol,
    ):
        await bob.call(alice.uri)
        first = await alice.called()
        alice.command(f"answer {first}")
        await alice.whenSaid("Media streams established")
        alice.command("pause")
        await alice.whenSaid("is now paused")
        second = await alice.call(carol.uri)
        carol.command(f"answer {await carol.called()}")
        await alice.whenSaid("Media streams established")
        assert await alice.calls() == {first: "Paused", second: "StreamsRunning"}
        alice.transfer(first, second)
        await carol.whenMatched("Call 1 with .* ended")
        await carol.whenMatched("Media streams established with .* for call 2")
        await alice.whenSaid("has been transfered")
        assert await carol.calls() == {2: "StreamsRunning"}
        carol.command("terminate")
        await bob.whenMatched("Call 2 with .* ended")


@ensureDeferred
async def test_sippCallsSipp(sipp: str, tmp_path: Path) -> None:
    async with (
        Sipp(sipp, tmp_path, "-sn", "uas") as callee,
        Sipp(sipp, tmp_path, "-sn", "uac", "-m", "10", "-r", "50", callee.address) as caller,
    ):
        assert await caller.ended() == 0
        assert (caller.count("SuccessfulCall"), caller.count("FailedCall")) == (10, 0)
    assert callee.exitStatus == 0
    assert callee.count("SuccessfulCall") == 10


@ensureDeferred
async def test_sippReportsFailedCalls(sipp: str, tmp_path: Path) -> None:
    nobody = f"127.0.0.1:{freePort()}"
    async with Sipp(sipp, tmp_path, "-sn", "uac", "-m", "1", "-recv_timeout", "300", nobody) as caller:
        assert await caller.ended() == 1
    assert (caller.count("SuccessfulCall"), caller.count("FailedCall")) == (0, 1)


@ensureDeferred
async def test_endedProcessIsReportedWithItsOutput(tmp_path: Path) -> None:
    async with Peer(["/bin/sh", "-c", "echo no such luck >&2; exit 3"], tmp_path) as process:
        with pytest.raises(PeerFailed, match=r"(?s)ended with status 3 before luck.*no such luck"):
            await process.until(lambda: "luck" in process.output, "luck")


@ensureDeferred
async def test_failedBlockLeavesNoProcess(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Peer(["/bin/sleep", "600"], tmp_path) as process:
            _ = 1 / 0
    assert process.exitStatus == -9


class NeverReady(Peer):
    async def started(self) -> None:
        await self.until(lambda: "ready" in self.output, "ready", timeout=0.1)


@ensureDeferred
async def test_failedStartLeavesNoProcess(tmp_path: Path) -> None:
    process = NeverReady(["/bin/sleep", "600"], tmp_path)
    with pytest.raises(PeerFailed, match=r"no ready within 0\.1 s"):
        async with process:
            pass
    assert process.exitStatus == -9
