"""
Presence and message waiting with baresip: it watches us, and we watch it (RFC 3856, RFC 3842).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from tests.integration.agent import addressOf, agent
from tests.integration.peers import Baresip
from tests.integration.playing import QUICK
from tests.integration.subscribing import PIDF, Presentity, Watcher, presence
from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.errors import ResponseError

SUMMARY = "application/simple-message-summary"


async def uriOf(userAgent: Any, transport: str = "udp") -> str:
    return f"sip:alice@{await addressOf(userAgent, transport.upper())};transport={transport}"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@ensureDeferred
async def test_watchesUs(baresip: str, tmp_path: Path, transport: str) -> None:
    """It shows each change, refreshes what is granted for two seconds, and unsubscribes when it quits."""
    told = Presentity()
    async with agent(told, **QUICK, subscriptionExpires=2) as alice:
        async with Baresip(baresip, tmp_path, "bob", watched=await uriOf(alice, transport)) as bob:
            await bob.whenShown("Online")
            (notifier,) = told.notifiers
            await notifier.notify(presence("closed"))
            await bob.whenShown("Offline")
            await notifier.notify(presence("open", "busy"))
            await bob.whenShown("Busy")
            await bob.until(lambda: ("refreshed", 2) in told.told, "refresh")
            await bob.whenShown("Busy")
        assert told.told[-1] == ("terminated", "unsubscribed")
        assert len(told.notifiers) == 1


@ensureDeferred
async def test_waitsForUs(baresip: str, tmp_path: Path) -> None:
    """As long as it is pending it is told nothing; when we stop, nothing is known any more (RFC 6665 section 4.1.3)."""
    told = Presentity(state="pending")
    async with (
        agent(told, **QUICK) as alice,
        Baresip(baresip, tmp_path, "bob", watched=await uriOf(alice)) as bob,
    ):
        (notifier,) = await bob.until(lambda: told.notifiers, "subscription")
        assert (await notifier.notify()).statusCode == 200
        await bob.whenShown("Unknown")
        await notifier.notify(presence("open"), state="active")
        await bob.whenShown("Online")
        await alice.stopService()
        await bob.whenShown("Unknown")
    assert told.told == [("terminated", "probation")]


@ensureDeferred
async def test_isWatched(baresip: str, tmp_path: Path) -> None:
    """
    It tells us each change.  It wants no subscription to be shorter than ten minutes: 423, after which we ask for as
    much (RFC 6665 section 4.1.2.1).  The last NOTIFY ends it; of a fetch that is the only one (section 4.4.3).  It
    refuses an event that it does not know with 400 (section 8.3.2: 489).
    """
    told = Watcher()
    async with agent(**QUICK) as alice, Baresip(baresip, tmp_path, "bob", modules=("presence.so",)) as bob:
        subscription = await alice.subscribe(bob.uri, "presence", delegate=told)
        # What it says as long as nobody has told it is no PIDF.
        assert (subscription.value.basic, b"<basic>?</basic>" in subscription.notification.body) == (None, True)
        for command, basic in (("presence_online", "open"), ("presence_offline", "closed")):
            await bob.command(command)
            await bob.until(lambda known=basic: subscription.value.basic == known, "change")
        assert 598 < subscription.expires <= 600
        await subscription.refresh(60)
        await bob.until(lambda: told.told.count(("notified", "active")) == 4, "state after the refresh")
        assert "423 Interval Too Brief" in bob.output
        assert 599 < subscription.expires <= 600
        last = await subscription.unsubscribe()
        assert (last.state.state, last.contentType) == ("terminated", PIDF)
        notification = await alice.fetch(bob.uri, "presence")
        assert (notification.state.state, notification.value.basic) == ("terminated", "closed")
        with pytest.raises(ResponseError, match="400"):
            await alice.subscribe(bob.uri, "message-summary")


@ensureDeferred
async def test_quitsWhileItIsWatched(baresip: str, tmp_path: Path) -> None:
    """Its C{deactivated} has us try again (RFC 6665 section 4.1.3), until we give up."""
    told = Watcher()
    async with agent(**QUICK) as alice:
        async with Baresip(baresip, tmp_path, "bob", modules=("presence.so",)) as bob:
            subscription = await alice.subscribe(bob.uri, "presence", delegate=told)
        assert subscription.state == "suspended"
        assert await subscription.unsubscribe() is None
    assert told.told[-2:] == [("notified", "terminated"), ("terminated", "unsubscribed")]


class MailServer(UserAgentDelegate):
    """
    Lets one register, and subscribe to message-summary.

    @ivar registration: the REGISTER that waits for its answer.
    @ivar notifier: of the subscription, or None.
    @ivar endings: how it ended.
    """

    def __init__(self) -> None:
        self.registration: Any = None
        self.notifier: Any = None
        self.endings: list[str] = []

    def registerReceived(self, context: Any) -> None:
        if self.registration is None:
            self.registration = context
            context.answerLater()
        else:
            context.accept()  # it takes its leave

    async def subscribeReceived(self, context: Any) -> None:
        if context.event.package == "message-summary" and context.understands(SUMMARY):
            self.notifier = await context.accept(200, body=summary("no"), contentType=SUMMARY, delegate=self)

    def notifierTerminated(self, notifier: Any, end: Any) -> None:
        self.endings.append(end.reason)


def summary(waiting: str, *lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (f"Messages-Waiting: {waiting}", *lines)).encode()


@ensureDeferred
async def test_isToldOfMessages(baresip: str, tmp_path: Path) -> None:
    """
    Once it is registered it subscribes to its own messages, and unsubscribes when it quits; a NOTIFY that it did not
    ask for is refused (RFC 6665 section 4.1.3).
    """
    server = MailServer()
    async with agent(server, **QUICK) as alice:
        account = f'mwi=yes;regint=60;outbound="sip:{await addressOf(alice)}"'
        async with Baresip(baresip, tmp_path, "bob", modules=("mwi.so",), account=account) as bob:
            # Registered within its first millisecond, it would subscribe without end.
            registration = await bob.until(lambda: server.registration, "REGISTER")
            await registration.accept(extraHeaders=[("Contact", registration.request.headers.get("contact"))])
            assert (await bob.whenEvent("MWI_NOTIFY"))["param"] == summary("no").decode()
            waiting = summary("yes", "Voice-Message: 2/8 (0/2)")
            assert (await server.notifier.notify(waiting)).statusCode == 200
            await bob.whenEvent("MWI_NOTIFY", param=waiting.decode())
            headers = [("Event", "message-summary"), ("Subscription-State", "active")]
            response = await alice.request("NOTIFY", bob.uri, waiting, SUMMARY, headers)
            assert response.statusCode == 481
        assert server.endings == ["unsubscribed"]
