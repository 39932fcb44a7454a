"""
Presence with linphonec: it watches us, we watch it, and it publishes where others watch it (RFC 3856, RFC 3903).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred

from tests.integration.agent import addressOf, agent
from tests.integration.linphone import Linphone, alone
from tests.integration.playing import QUICK
from tests.integration.subscribing import Presentity, Server, Watcher, presence
from twisted_sipdialog.errors import Timeout


@ensureDeferred
async def test_watchesUs(linphonec: str, tmp_path: Path) -> None:
    """
    It shows each change, and refreshes what is granted for two seconds.  A body that it cannot read it refuses with
    488, which ends nothing (RFC 6665 section 4.2.2).  When it quits it unsubscribes, and does not wait for an answer.
    """
    told = Presentity()
    async with agent(told, **QUICK, subscriptionExpires=2) as alice:
        uri = f"sip:alice@{await addressOf(alice)}"
        async with Linphone(linphonec, tmp_path, "bob", friend=uri) as bob:
            await bob.whenSaid("is Online")
            (notifier,) = told.notifiers
            for body, shown in (
                (presence("closed"), "Offline"),
                (presence("open", "busy"), "Busy"),
                (presence("open", "away"), "Away"),
            ):
                assert (await notifier.notify(body)).statusCode == 200
                await bob.whenSaid(f"is {shown}")
            assert (await notifier.notify(b"away")).statusCode == 488
            assert (await notifier.notify(presence("open"))).statusCode == 200
            await bob.whenSaid("is Online")
            await bob.until(lambda: ("refreshed", 2) in told.told, "refresh")
            assert told.notifiers == [notifier]
        assert (await notifier.whenTerminated()).reason == "no answer"


@ensureDeferred
async def test_isWatched(linphonec: str, tmp_path: Path) -> None:
    """
    Its NOTIFYs have no Contact, and it leaves out those that are to follow a refresh and the end (RFC 6665 sections
    4.2.1.2 and 8.2.1).  A user that it does not know it leaves without one, too.
    """
    settings = QUICK | alone("alice")
    async with (
        agent(**settings) as alice,
        Linphone(linphonec, tmp_path, "bob", friend=settings["aor"]) as bob,
    ):
        subscription = await alice.subscribe(bob.uri, "presence")
        assert subscription.value.basic == "open"
        # It grants what it is asked for, and then says ten minutes.
        assert 598 < subscription.expires <= 600
        await subscription.refresh(120)
        assert 118 < subscription.expires <= 120
        assert await subscription.unsubscribe() is None
        async with agent(**QUICK) as carol:
            with pytest.raises(Timeout):
                await carol.subscribe(bob.uri, "presence")


@ensureDeferred
async def test_quitsWhileItIsWatched(linphonec: str, tmp_path: Path) -> None:
    """C{terminated} without a reason has us try again, when we think fit (RFC 6665 section 4.1.3)."""
    settings = QUICK | alone("alice")
    told = Watcher()
    async with agent(Presentity(), **settings) as alice:
        async with Linphone(linphonec, tmp_path, "bob", friend=settings["aor"]) as bob:
            subscription = await alice.subscribe(bob.uri, "presence", delegate=told)
            await bob.whenSaid("is Online")
        assert subscription.state == "suspended"
        assert await subscription.unsubscribe() is None
    assert told.told[-2:] == [("notified", "terminated"), ("terminated", "unsubscribed")]


@ensureDeferred
async def test_publishes(linphonec: str, tmp_path: Path) -> None:
    """What it publishes, and withdraws when it quits, is told to who watches (RFC 3903 section 2)."""
    keeper = Server()
    async with agent(keeper, **QUICK) as server, agent(**QUICK) as alice:
        address = await addressOf(server)
        watching = await alice.subscribe(f"sip:bob@{address}", "presence")
        assert watching.value.basic is None
        async with Linphone(linphonec, tmp_path, "bob", account=f"sip:{address}") as bob:
            await bob.until(lambda: watching.value.basic == "open", "its presence")
        last = await watching.unsubscribe()
        assert last.value.basic is None
        await keeper.stop()
