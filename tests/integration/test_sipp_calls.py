"""
SIPp calls C{twistd sipua}.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.integration.agent import TIMERS
from tests.integration.peers import Sipp, Sipua
from twisted_sipdialog import Reason

SCENARIOS = Path(__file__).with_name("scenarios")
#: What SIPp calls it when all calls share a connection, and when each has its own.
ONE_SOCKET = {"udp": "u1", "tcp": "t1"}
SOCKET_EACH = {"udp": "un", "tcp": "tn"}
TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp"])
#: A delegate as a user writes one.  When the process ends, it tells what its user agent has left.
DESK = """
from twisted_sipdialog.service.delegates import Answer


class Desk(Answer):
    def __init__(self, reactor):
        super().__init__(reactor)
        self.userAgent = None
        reactor.addSystemEventTrigger("before", "shutdown", lambda: print("left:", self.userAgent.leftovers()))

    def inviteReceived(self, context):
        self.userAgent = context.userAgent
        super().inviteReceived(context)
"""


def scenario(name: str) -> tuple[str, str]:
    """The words that make SIPp play the scenario of that name."""
    return "-sf", os.fspath(SCENARIOS / f"{name}.xml")


def settings(folder: Path) -> tuple[str, str]:
    """The words that make C{twistd sipua} use L{TIMERS}."""
    values = {"T1": TIMERS.T1, "T2": TIMERS.T2, "T4": TIMERS.T4, "D": TIMERS.D}
    (folder / "sipua.toml").write_text("[timers]\n" + "".join(f"{name} = {value}\n" for name, value in values.items()))
    return "--settings", "sipua.toml"


async def callsEnd(sipua: Sipua, calls: int, reason: Reason = Reason.REMOTE_BYE) -> None:
    """Wait until the log has that many calls, and look that they ended by C{reason} and none otherwise."""
    await sipua.until(lambda: sipua.output.count("] uas call ") >= calls, "line for each call")
    assert sipua.endings(reason.text) == sipua.output.count("] uas call ") == calls


async def play(sipp: str, folder: Path, sipua: Sipua, name: str, transport: str = "udp", calls: int = 5) -> None:
    """Have SIPp play a scenario against C{sipua}, in so many calls that overlap."""
    rate = ("-m", str(calls), "-r", "20", "-t", ONE_SOCKET[transport])
    async with Sipp(sipp, folder, *scenario(name), *rate, sipua.address) as caller:
        await caller.succeeded(calls)
    return caller


@TRANSPORTS
@ensureDeferred
async def test_manyCalls(sipp: str, tmp_path: Path, transport: str) -> None:
    calls = ("-sn", "uac", "-m", "2000", "-r", "200", "-t", ONE_SOCKET[transport])
    async with Sipua(tmp_path) as sipua, Sipp(sipp, tmp_path, *calls, sipua.address) as caller:
        await caller.succeeded(2000, timeout=60)
        await callsEnd(sipua, 2000)


@TRANSPORTS
@ensureDeferred
async def test_callsOverIpv6(sipp: str, tmp_path: Path, transport: str) -> None:
    calls = ("-sn", "uac", "-m", "100", "-r", "100", "-t", ONE_SOCKET[transport])
    async with (
        Sipua(tmp_path, host="::1") as sipua,
        Sipp(sipp, tmp_path, *calls, sipua.address, host="::1") as caller,
    ):
        await caller.succeeded(100)
        await callsEnd(sipua, 100)


@TRANSPORTS
@ensureDeferred
async def test_callsFromAPortEach(sipp: str, tmp_path: Path, transport: str) -> None:
    calls = ("-sn", "uac", "-m", "100", "-r", "100", "-d", "500", "-t", SOCKET_EACH[transport], "-max_socket", "500")
    async with Sipua(tmp_path) as sipua, Sipp(sipp, tmp_path, *calls, sipua.address) as caller:
        await caller.succeeded(100)
        await callsEnd(sipua, 100)


@ensureDeferred
async def test_ownDelegateAndNothingLeft(sipp: str, tmp_path: Path) -> None:
    package = tmp_path / "office"
    package.mkdir()
    (package / "desk.py").write_text(DESK)
    calls = ("-sn", "uac", "-m", "200", "-r", "100")
    async with Sipua(tmp_path, *settings(tmp_path), "--delegate", "office.desk:Desk") as sipua:
        async with (
            Sipp(sipp, tmp_path, *calls, "-t", ONE_SOCKET["udp"], sipua.address) as alice,
            Sipp(sipp, tmp_path, *calls, "-t", ONE_SOCKET["tcp"], sipua.address) as bob,
        ):
            await alice.succeeded(200)
            await bob.succeeded(200)
        await callsEnd(sipua, 400)
        # What absorbs copies of the last BYE stays longest.
        await deferLater(reactor, TIMERS.transaction + 0.5)
    assert sipua.output.count("left: []\n") == 1


@TRANSPORTS
@ensureDeferred
async def test_refusal(sipp: str, tmp_path: Path, transport: str) -> None:
    async with Sipua(tmp_path, "--delegate", "reject") as sipua:
        await play(sipp, tmp_path, sipua, "caller_refused", transport)
        await sipua.until(lambda: sipua.output.count(" refused: 480 ") == 5, "line for each call")
    assert sipua.output.count(" ended: ") == 0


@TRANSPORTS
@pytest.mark.parametrize(
    ("name", "reason"),
    [("caller_cancels", Reason.REMOTE_CANCEL), ("caller_bye_before_answer", Reason.REMOTE_BYE)],
)
@ensureDeferred
async def test_callerGivesUpWhileItRings(sipp: str, tmp_path: Path, transport: str, name: str, reason: Reason) -> None:
    async with Sipua(tmp_path, "--answer-after", "20") as sipua:
        await play(sipp, tmp_path, sipua, name, transport)
        await callsEnd(sipua, 5, reason)


@ensureDeferred
async def test_answerAfterRinging(sipp: str, tmp_path: Path) -> None:
    async with Sipua(tmp_path, "--answer-after", "1.5") as sipua:
        await play(sipp, tmp_path, sipua, "caller_waits_for_the_answer")
        await callsEnd(sipua, 5)


@TRANSPORTS
@ensureDeferred
async def test_lostAckEndsTheCall(sipp: str, tmp_path: Path, transport: str) -> None:
    async with Sipua(tmp_path, *settings(tmp_path), "--log-messages") as sipua:
        await play(sipp, tmp_path, sipua, "caller_without_ack", transport)
        await callsEnd(sipua, 5, Reason.ACK_TIMEOUT)
    # At 0, 0.03, 0.09, 0.21, and then every 0.24 s until 1.92: 11 times, also by TCP.
    assert sipua.output.count("\tSIP/2.0 200 OK") - 5 == 5 * 11


@ensureDeferred
async def test_lateAck(sipp: str, tmp_path: Path) -> None:
    async with Sipua(tmp_path, "--log-messages") as sipua:
        await play(sipp, tmp_path, sipua, "caller_late_ack", calls=1)
        await callsEnd(sipua, 1)
    # At 0 and 0.5 s, and none after the ACK; and that of the BYE.
    assert sipua.output.count("\tSIP/2.0 200 OK") == 3


@TRANSPORTS
@ensureDeferred
async def test_requestsInTheDialog(sipp: str, tmp_path: Path, transport: str) -> None:
    async with Sipua(tmp_path) as sipua:
        await play(sipp, tmp_path, sipua, "caller_in_dialog", transport)
        await callsEnd(sipua, 5)


@TRANSPORTS
@ensureDeferred
async def test_requestsOutsideADialog(sipp: str, tmp_path: Path, transport: str) -> None:
    async with Sipua(tmp_path) as sipua:
        await play(sipp, tmp_path, sipua, "caller_outside_dialog", transport)
    assert " call " not in sipua.output
