"""
baresip, a telephone with a voice and ears, calls C{twistd sipua} and is called by C{invite()}.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import CancelledError
from twisted.internet.task import deferLater

from tests.integration.agent import addressOf, agent
from tests.integration.peers import Baresip, Sipua
from tests.integration.tone import measure
from twisted_sipdialog import Phase, Reason
from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.media.echo import EchoMedia
from twisted_sipdialog.service.delegates import Answer
from twisted_sipdialog.timers import TimerSet

TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp"])
MANUAL = "answermode=manual"
SECONDS_OF_SOUND = 1.0


async def listen() -> None:
    """Let them talk."""
    await deferLater(reactor, SECONDS_OF_SOUND)


async def hearsItself(phone: Baresip, frequency: int, at: float = 0.5) -> None:
    """Check that C{phone} heard what it said."""
    said = measure(await phone.sent(), at)
    heard = measure(await phone.heard(), at)
    assert heard.frequency == said.frequency == frequency
    assert heard.level == pytest.approx(said.level, abs=0.5)
    assert heard.purity > 0.9
    assert heard.duration > SECONDS_OF_SOUND / 2


def echo() -> EchoMedia:
    """Media for C{invite()}; its ports are not those of C{twistd sipua}, nor of baresip."""
    return EchoMedia(reactor, TimerSet(reactor), (25000, 25998))


@TRANSPORTS
@ensureDeferred
async def test_hearsItself(baresip: str, tmp_path: Path, transport: str) -> None:
    async with Sipua(tmp_path) as sipua, Baresip(baresip, tmp_path, "alice", tone=600) as alice:
        await alice.command("dial", f"{sipua.uri};transport={transport}")
        await alice.whenEvent("CALL_ESTABLISHED")
        await listen()
        await alice.command("hangup")
        await alice.whenEvent("CALL_CLOSED")
        await hearsItself(alice, 600)
        await sipua.until(lambda: sipua.endings(Reason.REMOTE_BYE.text) == 1, "the call's end")


@TRANSPORTS
@ensureDeferred
async def test_hearsItselfAfterHold(baresip: str, tmp_path: Path, transport: str) -> None:
    async with Sipua(tmp_path, "--log-messages") as sipua, Baresip(baresip, tmp_path, "alice", tone=600) as alice:
        await alice.command("dial", f"{sipua.uri};transport={transport}")
        await alice.whenEvent("CALL_ESTABLISHED")
        await listen()
        await alice.command("hold")
        await sipua.until(lambda: "\ta=recvonly" in sipua.output, "the answer to hold")
        held = sipua.output.count("\ta=sendrecv")
        await alice.command("resume")
        await sipua.until(lambda: sipua.output.count("\ta=sendrecv") == held + 2, "the offer and the answer to resume")
        await listen()
        await alice.command("hangup")
        await alice.whenEvent("CALL_CLOSED")
        await hearsItself(alice, 600, at=0.2)
        await hearsItself(alice, 600, at=0.9)
        await sipua.until(lambda: sipua.endings(Reason.REMOTE_BYE.text) == 1, "the call's end")


@TRANSPORTS
@ensureDeferred
async def test_sigtermEndsTheCall(baresip: str, tmp_path: Path, transport: str) -> None:
    async with Sipua(tmp_path) as sipua, Baresip(baresip, tmp_path, "alice", tone=600) as alice:
        await alice.command("dial", f"{sipua.uri};transport={transport}")
        await alice.whenEvent("CALL_ESTABLISHED")
        await listen()
        await sipua.stop()
        await alice.whenEvent("CALL_CLOSED")
        await hearsItself(alice, 600)
    assert sipua.exitStatus == -signal.SIGTERM
    assert sipua.endings(Reason.LOCAL_BYE.text) == 1
    assert "BYE sip:alice-" in alice.output


@ensureDeferred
async def test_isRefused(baresip: str, tmp_path: Path) -> None:
    async with (
        Sipua(tmp_path, "--delegate", "reject") as sipua,
        Baresip(baresip, tmp_path, "alice") as alice,
    ):
        await alice.command("dial", sipua.uri)
        closed = await alice.whenEvent("CALL_CLOSED")
        assert closed["param"].startswith("480 ")


@ensureDeferred
async def test_givesUpWhileItRings(baresip: str, tmp_path: Path) -> None:
    async with Sipua(tmp_path, "--answer-after", "20") as sipua, Baresip(baresip, tmp_path, "alice") as alice:
        await alice.command("dial", sipua.uri)
        await alice.whenEvent("CALL_RINGING")
        await alice.command("hangup")
        await alice.whenEvent("CALL_CLOSED")
        await sipua.until(lambda: sipua.endings(Reason.REMOTE_CANCEL.text) == 1, "the call's end")


@TRANSPORTS
@ensureDeferred
async def test_isCalled(baresip: str, tmp_path: Path, transport: str) -> None:
    media = echo()
    async with Baresip(baresip, tmp_path, "bob", tone=700) as bob, agent(media=media) as alice:
        dialog = await alice.invite(f"{bob.uri};transport={transport}")
        assert dialog.state is Phase.STABLE
        await bob.whenEvent("CALL_ESTABLISHED")
        await listen()
        await dialog.destroy()
        await bob.whenEvent("CALL_CLOSED")
        await hearsItself(bob, 700)
        assert (dialog.ended.reason, dialog.ended.message.statusCode) == (Reason.LOCAL_BYE, 200)
    assert media.timers.count == 0


@ensureDeferred
async def test_isCalledAndHangsUp(baresip: str, tmp_path: Path) -> None:
    media = echo()
    async with Baresip(baresip, tmp_path, "bob", tone=700) as bob, agent(media=media) as alice:
        dialog = await alice.invite(bob.uri)
        await bob.whenEvent("CALL_ESTABLISHED")
        await listen()
        await bob.command("hangup")
        assert (await dialog.whenTerminated()).reason is Reason.REMOTE_BYE
        await hearsItself(bob, 700)
    assert media.timers.count == 0


@ensureDeferred
async def test_weHangUpOnACaller(baresip: str, tmp_path: Path) -> None:
    media = echo()
    async with agent(Answer(reactor), media=media) as bob, Baresip(baresip, tmp_path, "alice", tone=700) as alice:
        await alice.command("dial", f"sip:bob@{await addressOf(bob)}")
        await alice.whenEvent("CALL_ESTABLISHED")
        await listen()
        (dialog,) = bob.dialogs
        await dialog.destroy()
        await alice.whenEvent("CALL_CLOSED")
        await hearsItself(alice, 700)
    assert media.timers.count == 0


@ensureDeferred
async def test_refuses(baresip: str, tmp_path: Path) -> None:
    media = echo()
    async with Baresip(baresip, tmp_path, "bob", account=MANUAL) as bob, agent(media=media) as alice:
        answered = alice.invite(bob.uri)
        await bob.whenEvent("CALL_INCOMING")
        await bob.command("hangup")
        with pytest.raises(ResponseError, match="486"):
            await answered
    assert media.timers.count == 0


@TRANSPORTS
@ensureDeferred
async def test_cancelledWhileItRings(baresip: str, tmp_path: Path, transport: str) -> None:
    media = echo()
    async with Baresip(baresip, tmp_path, "bob", account=MANUAL) as bob, agent(media=media) as alice:
        answered = alice.invite(f"{bob.uri};transport={transport}")
        await bob.whenEvent("CALL_INCOMING")
        answered.cancel()
        with pytest.raises(CancelledError):
            await answered
        await bob.whenEvent("CALL_CLOSED")
    assert "CANCEL sip:bob@" in bob.output
    assert media.timers.count == 0
