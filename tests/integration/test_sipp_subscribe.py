"""
SUBSCRIBE with SIPp as the notifier: NOTIFYs that come early, late, from two places, or never (RFC 6665).

Its scenarios are a check, no peer: they say what the RFC allows.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from attrs import evolve
from pytest_twisted import ensureDeferred

from tests.integration.agent import agent
from tests.integration.playing import QUICK, scenario
from tests.integration.subscribing import Watcher
from twisted_sipdialog.errors import Timeout
from twisted_sipdialog.event import PACKAGES

#: Presence, but a SUBSCRIBE may have several notifiers.
FORKING = evolve(PACKAGES["presence"], forks=True)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@ensureDeferred
async def test_notifyBeforeThe200(sipp: str, tmp_path: Path, transport: str) -> None:
    """It makes the dialog (RFC 6665 section 4.4.1), in which it is refreshed and ended; 481 to what comes after."""
    told = Watcher()
    async with (
        scenario(sipp, tmp_path, "notifier_notifies_early", transport=transport) as peer,
        agent(**QUICK) as alice,
    ):
        subscription = await alice.subscribe(f"{peer.uri};transport={transport}", "presence", delegate=told)
        assert subscription.value.basic == "open"
        await peer.until(lambda: ("accepted", 200) in told.told, "200 to SUBSCRIBE")
        assert 598 < subscription.expires <= 600
        await subscription.refresh(300)
        await peer.until(lambda: told.told.count(("notified", "active")) == 3, "change")
        assert subscription.value.basic == "closed"
        assert 298 < subscription.expires <= 300
        last = await subscription.unsubscribe()
        assert last.state.state == "terminated"
        await peer.succeeded(1, timeout=10)
    accepted, active = ("accepted", 200), ("notified", "active")
    assert told.told[:-3] == [active, accepted, accepted, active, active]
    assert told.told[-3:] == [accepted, ("notified", "terminated"), ("terminated", "unsubscribed")]


@ensureDeferred
async def test_waitsAndIsRefused(sipp: str, tmp_path: Path) -> None:
    """Pending until somebody decides; C{rejected} is for good, whatever was asked for (RFC 6665 section 4.1.3)."""
    told = Watcher()
    async with scenario(sipp, tmp_path, "notifier_waits") as peer, agent(**QUICK) as alice:
        subscription = await alice.subscribe(peer.uri, "presence", delegate=told)
        assert subscription.state == "pending"
        assert (await subscription.whenTerminated()).reason == "rejected"
        await peer.succeeded(1, timeout=10)
    steps = [("notified", "pending"), ("notified", "terminated"), ("terminated", "rejected")]
    assert told.told == [("accepted", 202), *steps]


@ensureDeferred
async def test_isBegunAnew(sipp: str, tmp_path: Path) -> None:
    """Another dialog, as soon as the notifier wants it and no sooner (RFC 6665 section 4.1.3)."""
    told = Watcher()
    async with scenario(sipp, tmp_path, "notifier_ends", calls=2) as peer, agent(**QUICK) as alice:
        subscription = await alice.subscribe(peer.uri, "presence", delegate=told)
        begin = time.monotonic()
        await peer.succeeded(2, timeout=10)  # its calls are told apart by Call-ID
        assert 0.9 < time.monotonic() - begin < 4
        assert subscription.state == "suspended"
        assert await subscription.unsubscribe() is None
    step = [("accepted", 200), ("notified", "active"), ("notified", "terminated")]
    assert told.told == [*step, *step, ("terminated", "unsubscribed")]


@ensureDeferred
async def test_noNotify(sipp: str, tmp_path: Path) -> None:
    """Timer N, 64*T1 after the 2xx, ends it (RFC 6665 section 4.1.2.4)."""
    told = Watcher()
    async with scenario(sipp, tmp_path, "notifier_is_silent") as peer, agent(**QUICK) as alice:
        with pytest.raises(Timeout):
            await alice.subscribe(peer.uri, "presence", delegate=told)
        await peer.succeeded(1, timeout=10)
    assert told.told == [("accepted", 200), ("terminated", "no NOTIFY")]


@ensureDeferred
async def test_forks(sipp: str, tmp_path: Path) -> None:
    """Presence has one notifier: the first one heard; the other one gets 481 (RFC 6665 section 4.4.1)."""
    told = Watcher()
    async with scenario(sipp, tmp_path, "notifier_forks") as peer, agent(**QUICK) as alice:
        subscription = await alice.subscribe(peer.uri, "presence", delegate=told)
        await peer.until(lambda: told.told.count(("notified", "active")) == 2, "change")
        assert subscription.sip.remoteTag == "one"
        await subscription.unsubscribe()
        await peer.succeeded(1, timeout=10)
    assert told.forks == []


@ensureDeferred
async def test_forksAreHeard(sipp: str, tmp_path: Path) -> None:
    """Where the package allows it each notifier is a subscription, ended by itself (RFC 6665 section 4.4.1)."""
    told = Watcher()
    async with scenario(sipp, tmp_path, "notifier_forks_all") as peer, agent(**QUICK) as alice:
        first = await alice.subscribe(peer.uri, FORKING, delegate=told)
        (second,) = await peer.until(lambda: told.forks, "fork")
        assert (first.sip.remoteTag, second.sip.remoteTag) == ("two", "one")
        await peer.until(lambda: first.value.basic == "open", "change")
        await second.unsubscribe()
        await peer.until(lambda: first.value.basic == "closed", "change")
        await first.unsubscribe()
        await peer.succeeded(1, timeout=10)
