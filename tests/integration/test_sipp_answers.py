"""
C{invite()} calls SIPp.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.internet.task import deferLater

from tests.integration.agent import agent
from tests.integration.peers import Sipp
from tests.integration.playing import together
from tests.integration.process import PeerFailed
from twisted_sipdialog import Credentials, Phase, Reason, UserAgent
from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.media.fixed import FixedMedia

SCENARIOS = Path(__file__).with_name("scenarios")
SOCKET = {"udp": "u1", "tcp": "t1"}
TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp"])
SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ALICE = [Credentials("alice", "secret", "proxy"), Credentials("alice", "secret", "desk")]


async def call(userAgent: UserAgent, uri: str) -> None:
    """One call: it stands, we hang up, and the callee agrees."""
    dialog = await userAgent.invite(uri)
    assert dialog.state is Phase.STABLE
    assert b"m=audio" in (dialog.remote.sdp or b"")
    await dialog.destroy()
    assert dialog.ended is not None
    assert dialog.ended.reason is Reason.LOCAL_BYE
    assert getattr(dialog.ended.message, "statusCode", None) == 200


async def callMany(userAgent: UserAgent, uri: str, calls: int, atOnce: int) -> None:
    """So many calls, C{atOnce} of them at the same time."""
    turn = DeferredSemaphore(atOnce)
    await together(turn.run(lambda: Deferred.fromCoroutine(call(userAgent, uri))) for _ in range(calls))


@TRANSPORTS
@ensureDeferred
async def test_manyCalls(sipp: str, tmp_path: Path, transport: str) -> None:
    async with (
        Sipp(sipp, tmp_path, "-sn", "uas", "-m", "300", "-t", SOCKET[transport]) as callee,
        agent(media=FixedMedia(SDP)) as alice,
    ):
        await callMany(alice, f"{callee.uri};transport={transport}", 300, atOnce=20)
        # Each of its calls lasts four seconds longer, to answer copies of the BYE.
        await callee.succeeded(300)


@ensureDeferred
async def test_callsOverIpv6(sipp: str, tmp_path: Path) -> None:
    host = "::1"
    media = FixedMedia(SDP.replace(b"IP4 127.0.0.1", b"IP6 ::1"))
    async with (
        Sipp(sipp, tmp_path, "-sn", "uas", "-m", "20", host=host) as callee,
        agent(host=host, media=media) as alice,
    ):
        await callMany(alice, callee.uri, 20, atOnce=5)
        await callee.succeeded(20)


def challenging(sipp: str, folder: Path, transport: str, calls: int) -> Sipp:
    """SIPp that challenges; what is to stand in Proxy-Authorization is worked out here."""
    callee = Sipp(sipp, folder, "-sf", os.fspath(SCENARIOS / "callee_challenges.xml"), "-t", SOCKET[transport])
    secret = hashlib.md5(b"alice:proxy:secret").hexdigest()
    request = hashlib.md5(f"INVITE:{callee.uri};transport={transport}".encode()).hexdigest()
    response = hashlib.md5(f"{secret}:constant:{request}".encode()).hexdigest()
    callee.arguments += ["-m", str(calls), "-set", "proxyResponse", response]
    return callee


@TRANSPORTS
@ensureDeferred
async def test_challengesAreAnswered(sipp: str, tmp_path: Path, transport: str) -> None:
    async with (
        challenging(sipp, tmp_path, transport, calls=20) as callee,
        agent(media=FixedMedia(SDP), credentials=ALICE) as alice,
    ):
        await callMany(alice, f"{callee.uri};transport={transport}", 20, atOnce=5)
        await callee.succeeded(20)


@ensureDeferred
async def test_wrongCredentialsEndTheCall(sipp: str, tmp_path: Path) -> None:
    async def refused(status: int, seen: str, *credentials: Credentials) -> None:
        async with (
            challenging(sipp, tmp_path, "udp", calls=1) as callee,
            agent(media=FixedMedia(SDP), credentials=credentials) as alice,
        ):
            with pytest.raises(ResponseError) as refusal:
                await alice.invite(f"{callee.uri};transport=udp")
            assert refusal.value.response.statusCode == status
            with pytest.raises(PeerFailed, match=seen):
                await callee.succeeded(1)

    proxy, desk = ALICE
    # A challenge that we cannot answer gets no further attempt: SIPp waits for one in vain.
    notAgain = "timeout on message callee_challenges:"
    wrong = "a challenge was answered wrongly"
    cases = [
        refused(407, f"{notAgain}3"),
        refused(407, f"{notAgain}3", desk),
        refused(401, f"{notAgain}7", proxy),
        refused(403, wrong, Credentials("alice", "terces", "proxy")),
        refused(403, wrong, proxy, Credentials("alice", "terces", "desk")),
    ]
    await together(map(Deferred.fromCoroutine, cases))


@ensureDeferred
async def test_copyOfThe2xxIsAcknowledgedAgain(sipp: str, tmp_path: Path) -> None:
    # Over UDP SIPp passes over copies, those of an ACK as well.
    words = ("-sf", os.fspath(SCENARIOS / "callee_misses_ack.xml"), "-m", "1", "-t", SOCKET["tcp"])
    async with Sipp(sipp, tmp_path, *words) as callee, agent(media=FixedMedia(SDP)) as alice:
        dialog = await alice.invite(f"{callee.uri};transport=tcp")
        await deferLater(reactor, 0.5)
        await dialog.destroy()
        await callee.succeeded(1)


@ensureDeferred
async def test_cancelledWhileItRings(sipp: str, tmp_path: Path) -> None:
    async with (
        Sipp(sipp, tmp_path, "-sf", os.fspath(SCENARIOS / "callee_rings.xml"), "-m", "1") as callee,
        agent(media=FixedMedia(SDP)) as alice,
    ):
        calling = alice.inviteContext(callee.uri)
        answered = calling.whenAnswered()
        await callee.until(lambda: calling.dialog is not None, "ringing")
        calling.cancel(reason="somebody else")
        with pytest.raises(CancelledError):
            await answered
        await callee.succeeded(1)
