"""
Attended transfers among three processes (RFC 5589 section 7.3): those who are connected hear each other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.integration.agent import agent
from tests.integration.linphone import Linphone
from tests.integration.peers import Sipua
from tests.integration.playing import endOf
from tests.integration.ports import freeHost
from tests.integration.tone import measure
from tests.integration.transferring import Party, outcomeOf, quick
from twisted_sipdialog import Reason, UserAgent

#: Seconds of sound after the transfer.
TALK = 1.5


def heard(recording: Path) -> int:
    """The tone near the end of it, in Hz."""
    tone = measure(recording, 0.9)
    # Of a busy machine some packets come too late: gaps are no other tone.
    assert tone.purity > 0.5, tone
    return tone.frequency


async def call(alice: UserAgent, callee: Linphone) -> Any:
    answer = alice.invite(callee.uri)
    callee.command(f"answer {await callee.called()}")
    dialog = await answer
    await callee.whenSaid("Media streams established")
    return dialog


@ensureDeferred
async def test_weConnectTwo(linphonec: str, tmp_path: Path) -> None:
    """
    We refer one to our call with the other, who is named by Replaces and the tags as that one has them (RFC 3891
    section 3): each hears the other's tone, where it heard its own before.
    """
    told = Party()
    async with (
        agent(told, **quick()) as alice,
        Linphone(linphonec, tmp_path, "bob") as bob,
        Linphone(linphonec, tmp_path, "carol") as carol,
    ):
        bobHears, carolHears = bob.speak(440), carol.speak(900)
        toBob = await call(alice, bob)
        await toBob.modify("hold")
        toCarol = await call(alice, carol)
        refer = await toBob.refer(toCarol)
        assert (await outcomeOf(refer)).statusCode == 200
        assert (await endOf(toBob), await endOf(toCarol)) == (Reason.LOCAL_BYE, Reason.REMOTE_BYE)
        await carol.whenMatched("Media streams established with .* for call 2")
        assert (await bob.calls(), await carol.calls()) == ({2: "StreamsRunning"}, {2: "StreamsRunning"})
        await deferLater(reactor, TALK)
        carol.command("terminate")
        await bob.whenMatched("Call 2 with .* ended")
        await carol.whenMatched("Call 2 with .* ended")
    assert (heard(bobHears), heard(carolHears)) == (900, 440)
    assert told.told == [("accepted", 202), ("progress", 100), ("success", 200)]


@ensureDeferred
async def test_weAreConnected(linphonec: str, tmp_path: Path) -> None:
    """
    C{twistd sipua} is referred, and takes the place of the referrer: whom it calls hears its own tone, echoed, where
    it heard that of the referrer before.
    """
    async with (
        Sipua(tmp_path, "--refer-policy", "follow") as sipua,
        Linphone(linphonec, tmp_path, "alice", host=freeHost()) as alice,
        Linphone(linphonec, tmp_path, "carol", host=freeHost()) as carol,
    ):
        alice.speak(440)
        carolHears = carol.speak(900)
        first = await alice.call(sipua.uri)
        await alice.whenSaid("Media streams established")
        alice.command("pause")
        await alice.whenSaid("is now paused")
        second = await alice.call(carol.uri)
        carol.command(f"answer {await carol.called()}")
        await alice.whenSaid("Media streams established")
        alice.transfer(first, second)
        await alice.whenSaid("has been transfered")
        await carol.whenMatched("Call 1 with .* ended")
        await carol.whenMatched("Media streams established with .* for call 2")
        await deferLater(reactor, TALK)
        carol.command("terminate")
        await carol.whenMatched("Call 2 with .* ended")
        await sipua.until(lambda: sipua.output.count(" ended: ") == 2, "the end of both calls")
    assert heard(carolHears) == 900
