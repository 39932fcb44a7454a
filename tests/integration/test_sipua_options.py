"""
C{twistd sipua} as a process: how it starts, refuses to, and ends.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.integration.linphone import Linphone
from tests.integration.peers import LOOPBACK, ROOT, Baresip, Sipua
from tests.integration.ports import freePort
from tests.integration.process import Peer
from twisted_sipdialog import Configuration, UserAgent
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.media.fixed import FixedMedia

SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
DESK = """
class Desk:
    def __init__(self, reactor):
        reactor.callLater

    def inviteReceived(self, context):
        context.reject(486)


class Broken:
    def __init__(self, reactor):
        raise ValueError("no desk")
"""


def twistd(folder: Path, *words: str) -> Peer:
    """C{twistd} with C{words}, started in C{folder}."""
    program = os.fspath(Path(sys.executable).with_name("twistd"))
    return Peer([program, *words], folder, {"PYTHONPATH": os.fspath(ROOT)})


async def lineOf(folder: Path, *words: str) -> str:
    """All that C{twistd} with C{words} says before it ends with status 1."""
    async with twistd(folder, *words) as process:
        assert await process.ended() == 1
    assert process.output == ""
    return process.errors


def caller() -> UserAgent:
    """A user agent that calls."""
    listen = [f"{kind}:0:interface={LOOPBACK}" for kind in ("udp", "tcp")]
    userAgent = UserAgent(reactor, Configuration(aor="sip:alice@127.0.0.1", listen=listen, media=FixedMedia(SDP)))
    userAgent.startService()
    return userAgent


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--colour"], "option --colour not recognized"),
        (["--aor"], "option --aor requires argument"),
        (["go"], "'go': there are only options here"),
        (["--aor", "desk"], "--aor 'desk': must be a SIP URI such as sip:desk@example.com"),
        (["--listen", "udp:x"], "--listen 'udp:x': port 'x' is not a number from 0 to 65535"),
        (["--rel100", "on"], "--rel100 'on': must be off, supported or required"),
        (["--session-expires", "60"], "--session-expires 60: must not be less than minSE, 90 seconds"),
        (
            ["--delegate", "transfer"],
            "--delegate 'transfer': needs --transfer-to (transferTo), whom its callers are to call",
        ),
        (["--refer-policy", "ask"], "--refer-policy 'ask': needs a delegate of your own: answer cannot be asked"),
        (["--settings", "absent.toml"], "--settings 'absent.toml': No such file or directory"),
        (["--settings", "bad.toml"], "--settings 'bad.toml': is not TOML: Invalid value (at line 2, column 7)"),
        (["--delegate", "desk:Broken"], "--delegate 'desk:Broken': ValueError: no desk"),
        (["--delegate", "chair:Desk"], "--delegate 'chair:Desk': ModuleNotFoundError: No module named 'chair'"),
    ],
)
@ensureDeferred
async def test_wrongOptionIsOneLine(tmp_path: Path, words: list[str], line: str) -> None:
    (tmp_path / "bad.toml").write_text("media = 'fixed'\naor = \n")
    (tmp_path / "desk.py").write_text(DESK)
    assert await lineOf(tmp_path, "-n", "sipua", *words) == f"twistd sipua: {line}\n"
    assert not (tmp_path / "twistd.pid").exists()


@pytest.mark.parametrize("daemon", [[], ["-n"]])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@ensureDeferred
async def test_portInUseIsOneLine(tmp_path: Path, transport: str, daemon: list[str]) -> None:
    port = freePort()
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with closing(socket.socket(socket.AF_INET, kind)) as taken:
        taken.bind((LOOPBACK, port))
        if transport == "tcp":
            taken.listen()
        free = ("--listen", f"udp:{freePort()}")
        line = await lineOf(tmp_path, *daemon, "sipua", *free, "--listen", f"{transport}:{port}")
    assert line == f"twistd sipua: --listen '{transport}:{port}:interface={LOOPBACK}': port in use\n"
    assert not (tmp_path / "twistd.pid").exists()


@ensureDeferred
async def test_daemon(tmp_path: Path) -> None:
    port = freePort()
    process = twistd(tmp_path, "sipua", "--listen", f"udp:{port}", "--listen", f"tcp:{port}")
    async with process:
        assert await process.ended() == 0
    pid = int((tmp_path / "twistd.pid").read_text())
    log = tmp_path / "twistd.log"
    try:
        alice = caller()
        for transport in ("udp", "tcp"):
            dialog = await alice.invite(f"sip:{LOOPBACK}:{port};transport={transport}")
            await dialog.destroy()
        await alice.stopService()
    finally:
        os.kill(pid, signal.SIGTERM)
    # It is no child of ours, so a child does the waiting.
    async with Peer(["/bin/sh", "-c", f"while kill -0 {pid} 2>/dev/null; do sleep 0.05; done"], tmp_path) as watch:
        await watch.ended()
    text = log.read_text()
    assert "Server Shut Down" in text
    assert "Traceback" not in text
    assert text.count("ended: ") == 2
    assert (process.output, process.errors) == ("", "")
    assert not (tmp_path / "twistd.pid").exists()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@ensureDeferred
async def test_sigtermSendsBye(tmp_path: Path, transport: str) -> None:
    alice = caller()
    async with Sipua(tmp_path, "--media", "fixed") as sipua:
        dialog = await alice.invite(f"{sipua.uri};transport={transport}")
        ended: Deferred[object] = dialog.whenTerminated()
        await sipua.stop()
        assert (await ended).reason is Reason.REMOTE_BYE
    await alice.stopService()
    assert sipua.output.count("[twisted_sipdialog.calls#info] uas call ") == 1


@ensureDeferred
async def test_delegateOfTheWorkingFolder(tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(DESK)
    alice = caller()
    async with Sipua(tmp_path, "--delegate", "desk:Desk") as sipua:
        with pytest.raises(ResponseError, match="486"):
            await alice.invite(sipua.uri)
    await alice.stopService()


@ensureDeferred
async def test_settingsFile(tmp_path: Path) -> None:
    (tmp_path / "sipua.toml").write_text(
        'aor = "sip:desk@example.com"\ndelegate = "answer"\nlogMessages = true\nlisten = "udp:1"\n[timers]\nT1 = 0.2\n'
    )
    alice = caller()
    async with Sipua(tmp_path, "--settings", "sipua.toml", "--delegate", "reject") as sipua:
        with pytest.raises(ResponseError, match="480"):
            await alice.invite(sipua.uri)
    await alice.stopService()
    started = f"sip:desk@example.com listens on udp {sipua.address}, tcp {sipua.address}; delegate reject, media echo\n"
    assert sipua.output.count(started) == 1
    assert f"received from UDP {LOOPBACK}:" in sipua.output
    assert "\n\tSIP/2.0 480 " in sipua.output


@ensureDeferred
async def test_baresipIsSentElsewhere(baresip: str, tmp_path: Path) -> None:
    """Its caller calls the target, and is then in that call alone."""
    async with Baresip(baresip, tmp_path, "alice") as alice, Baresip(baresip, tmp_path, "carol") as carol:
        async with Sipua(tmp_path, "--delegate", "transfer", "--transfer-to", carol.uri) as sipua:
            await alice.command("dial", sipua.uri)
            await carol.whenEvent("CALL_ESTABLISHED", peeruri=alice.uri)
            await alice.whenEvent("CALL_CLOSED", peeruri=sipua.uri)
        assert f" was to call {carol.uri}: 200 OK\n" in sipua.output
        assert sipua.endings(Reason.LOCAL_BYE.text) == 1
        assert "CALL_CLOSED" not in {event["type"] for event in carol.events}


@ensureDeferred
async def test_linphoneIsSentElsewhere(linphonec: str, tmp_path: Path) -> None:
    """So does one that puts the first call on hold meanwhile."""
    async with Linphone(linphonec, tmp_path, "alice") as alice, Linphone(linphonec, tmp_path, "carol") as carol:
        async with Sipua(tmp_path, "--delegate", "transfer", "--transfer-to", carol.uri) as sipua:
            first = await alice.call(sipua.uri)
            carol.command(f"answer {await carol.called()}")
            await carol.whenSaid("Media streams established")
            await alice.whenSaid(f"Call {first} with {sipua.uri} ended")
        assert f" was to call {carol.uri}: 200 Ok\n" in sipua.output
        assert await alice.calls() == {first + 1: "StreamsRunning"}


@ensureDeferred
async def test_targetIsBusy(baresip: str, tmp_path: Path) -> None:
    """A target that refuses leaves nobody in a call; the line says why."""
    async with Sipua(tmp_path, "--delegate", "reject") as carol, Baresip(baresip, tmp_path, "alice") as alice:
        async with Sipua(tmp_path, "--delegate", "transfer", "--transfer-to", carol.uri) as sipua:
            await alice.command("dial", sipua.uri)
            await alice.whenEvent("CALL_CLOSED", peeruri=sipua.uri)
        assert f" was to call {carol.uri}: 480 Temporarily Unavailable\n" in sipua.output
