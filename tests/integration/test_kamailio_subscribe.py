"""
We subscribe at Kamailio to what another of us publishes there (RFC 6665).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, gatherResults

from tests.integration.agent import agent
from tests.integration.kamailio import REALM, Kamailio
from tests.integration.playing import QUICK, together
from twisted_sipdialog import Credentials, SubscriptionDelegate
from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.event import dialog_info, message_summary
from twisted_sipdialog.event.dialog_info import Dialog, DialogInfo
from twisted_sipdialog.event.message_summary import Counts, MessageSummary
from twisted_sipdialog.event.presence import CONTENT_TYPE, Note, Presence, Tuple

ALICE = "sip:alice@example.com"
OPEN, CLOSED = Presence.of(ALICE, "open").toBytes(), Presence.of(ALICE, "closed").toBytes()
MOBILE = Presence(ALICE, (Tuple("mobile", "closed"),)).toBytes()
PASSWORD = "wonderland"
SUMMARY = MessageSummary(True, ALICE, {"voice-message": Counts(2, 8, 0, 2)})
CALLS = DialogInfo(ALICE, dialogs=(Dialog("one", "confirmed"),))
#: Of other event packages, what is published.
OTHERS = (("message-summary", message_summary.CONTENT_TYPE, SUMMARY), ("dialog", dialog_info.CONTENT_TYPE, CALLS))


def shown(notification: Any) -> list[str]:
    """The status of each tuple that a NOTIFY tells of."""
    return [] if notification.value is None else [each.basic for each in notification.value.tuples]


def said(value: Any) -> Any:
    """Of calls without the document's entity and version, which Kamailio writes anew."""
    return getattr(value, "dialogs", value)


class Watcher(SubscriptionDelegate):
    """
    Remembers what it was told.

    @ivar seen: the body of each NOTIFY, oldest first, as C{sees} has it.
    @ivar told: statuses and ends.
    """

    def __init__(self, sees: Callable[[Any], Any] = shown) -> None:
        self.seen: list[Any] = []
        self.told: list[Any] = []
        self._sees = sees

    def subscriptionAccepted(self, subscription: Any, response: Any) -> None:
        self.told.append(response.statusCode)

    def notified(self, subscription: Any, notification: Any) -> None:
        assert notification.error is None
        self.seen.append(self._sees(notification))

    def subscriptionFailed(self, subscription: Any, failure: Any) -> None:
        self.told.append(failure.value.response.statusCode)

    def subscriptionSuspended(self, subscription: Any, end: Any, retryAfter: float) -> None:
        self.told.append("suspended")

    def subscriptionTerminated(self, subscription: Any, end: Any) -> None:
        self.told.append(end.reason)


async def sees(kamailio: str, folder: Path, transport: str) -> None:
    """Over one transport: C{alice} publishes, modifies and withdraws, and C{bob} hears of each."""
    us = Watcher()
    async with Kamailio(kamailio, folder) as server, agent(**QUICK) as alice, agent(**QUICK) as bob:
        uri = f"{server.uri};transport={transport}"
        subscription = await bob.subscribe(uri, "presence", delegate=us)
        assert (subscription.state, round(subscription.expires)) == ("active", 3600)
        publication = await alice.publish(uri, "presence", OPEN, CONTENT_TYPE)
        await server.until(lambda: us.seen == [[], ["open"]], "NOTIFY of the first document")
        await publication.publish(CLOSED)
        await server.until(lambda: us.seen[2:] == [["closed"]], "NOTIFY of the second")
        await publication.publish(OPEN)
        await server.until(lambda: us.seen[3:] == [["open"]], "NOTIFY of the third")
        await publication.unpublish()
        await server.until(lambda: us.seen[4:] == [["closed"]], "NOTIFY of the removal")
        last = await subscription.unsubscribe()
        assert (last.state.state, subscription.state) == ("terminated", "terminated")
        assert (us.seen[5:], us.told) == ([[]], [200, 200, "unsubscribed"])
        await server.wasAsked("SUBSCRIBE", f"{transport} 3600 <null> 0", f"{transport} 0 <null> 0")


@ensureDeferred
async def test_seesWhatIsPublished(kamailio: str, tmp_path: Path) -> None:
    """A NOTIFY for each change, over UDP and TCP, until we unsubscribe (RFC 6665 sections 4.1.3 and 4.1.2.3)."""
    await together(Deferred.fromCoroutine(sees(kamailio, tmp_path, transport)) for transport in ("udp", "tcp"))


@ensureDeferred
async def test_seesWhatSeveralPublish(kamailio: str, tmp_path: Path) -> None:
    """Each publication has an entity tag of its own, and goes by itself (RFC 3903 section 4.1)."""
    us = Watcher()
    async with (
        Kamailio(kamailio, tmp_path) as server,
        agent(**QUICK) as desk,
        agent(**QUICK) as mobile,
        agent(**QUICK) as bob,
    ):
        subscription = await bob.subscribe(server.uri, "presence", delegate=us)
        first = await desk.publish(server.uri, "presence", OPEN, CONTENT_TYPE)
        second = await mobile.publish(server.uri, "presence", MOBILE, CONTENT_TYPE)
        assert first.entityTag != second.entityTag
        await server.until(lambda: us.seen == [[], ["open"], ["open", "closed"]], "NOTIFY of both")
        await first.close()
        assert shown(await bob.fetch(server.uri, "presence")) == ["closed"]
        assert second.isPublished
        await second.close()
        await subscription.unsubscribe()


@ensureDeferred
async def test_manyWatch(kamailio: str, tmp_path: Path) -> None:
    """NOTIFYs of several processes, some of them before the 2xx (RFC 6665 section 4.4.1), or after a later one."""
    async with (
        Kamailio(kamailio, tmp_path, workers=4) as server,
        agent(**QUICK) as alice,
        agent(**QUICK) as bob,
    ):
        publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE)
        watching = await gatherResults([bob.subscribe(server.uri, "presence") for _ in range(40)])
        for note in map(Note, ("one", "two", "three")):
            await publication.publish(Presence.of(ALICE, "open", note.text).toBytes())
            # Before the next: of two changes at once its processes may tell the later one first.
            await server.until(lambda note=note: {each.value.notes for each in watching} == {(note,)}, note.text)
        ends = await gatherResults([each.unsubscribe() for each in watching])
        assert {last.state.state for last in ends} == {"terminated"}
        await publication.close()


async def isRefreshed(kamailio: str, folder: Path) -> None:
    """Before its time is over, in its dialog (RFC 6665 section 4.1.2.2)."""
    us = Watcher()
    async with Kamailio(kamailio, folder, maxExpires=3) as server, agent(**QUICK) as alice, agent(**QUICK) as bob:
        subscription = await bob.subscribe(server.uri, "presence", delegate=us)
        sip = subscription.sip
        await server.until(lambda: us.told == [200, 200] and len(us.seen) == 2, "refresh")
        publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE)
        await server.until(lambda: us.seen == [[], [], ["open"]], "NOTIFY")
        assert subscription.sip == sip
        await subscription.unsubscribe()
        await publication.close()
        refreshed = ["udp 3600 <null> 0"] * 2
        await server.wasAsked("SUBSCRIBE", *refreshed, "udp 0 <null> 0")


async def isBegunAnew(kamailio: str, folder: Path) -> None:
    """481 to the refresh, of a server that was started anew: another dialog (RFC 6665 section 4.1.2.2)."""
    us = Watcher()
    async with agent(**QUICK) as bob:
        async with Kamailio(kamailio, folder) as server:
            subscription = await bob.subscribe(server.uri, "presence", delegate=us)
            sip = subscription.sip
        async with Kamailio(kamailio, folder, port=server.port) as server:
            with pytest.raises(ResponseError, match="481"):
                await subscription.refresh()
            await server.until(lambda: us.told == [200, 481, "suspended", 200], "another SUBSCRIBE")
            await server.until(lambda: subscription.state == "active", "NOTIFY")
            assert subscription.sip.callId != sip.callId
            await subscription.unsubscribe()


@ensureDeferred
async def test_timeGoesBy(kamailio: str, tmp_path: Path) -> None:
    """It is refreshed by itself, and begun anew where that fails."""
    await together(Deferred.fromCoroutine(case(kamailio, tmp_path)) for case in (isRefreshed, isBegunAnew))


@ensureDeferred
async def test_fetches(kamailio: str, tmp_path: Path) -> None:
    """Expires: 0 brings the state as it is now (RFC 6665 section 4.4.3)."""
    async with Kamailio(kamailio, tmp_path) as server, agent(**QUICK) as alice, agent(**QUICK) as bob:
        assert shown(await bob.fetch(server.uri, "presence")) == []
        publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE)
        found = await bob.fetch(server.uri, "presence")
        assert (found.state.state, shown(found)) == ("terminated", ["open"])
        await publication.close()
        await server.wasAsked("SUBSCRIBE", "udp 0 <null> 0", "udp 0 <null> 0")


@ensureDeferred
async def test_waitsForPermission(kamailio: str, tmp_path: Path) -> None:
    """Pending, it shows nothing (RFC 3856 section 6.6.2), until it is active (RFC 6665 section 4.1.3)."""
    us = Watcher()
    async with (
        Kamailio(kamailio, tmp_path, mayWatch=False) as server,
        agent(**QUICK) as alice,
        agent(**QUICK) as bob,
    ):
        publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE)
        subscription = await bob.subscribe(server.uri, "presence", delegate=us)
        assert (subscription.state, subscription.value) == ("pending", None)
        await subscription.refresh()
        await server.until(lambda: us.seen == [[], []], "NOTIFY")
        assert (subscription.state, round(subscription.expires)) == ("pending", 3600)
        await server.permit()
        await server.until(lambda: us.seen[2:] == [["open"]], "NOTIFY of the document")
        assert subscription.state == "active"
        await subscription.unsubscribe()
        await publication.close()
        assert us.told == [200, 200, 200, "unsubscribed"]


@ensureDeferred
async def test_otherPackages(kamailio: str, tmp_path: Path) -> None:
    """Messages that wait (RFC 3842), and calls (RFC 4235)."""
    us = Watcher(lambda notification: said(notification.value))
    async with Kamailio(kamailio, tmp_path) as server, agent(**QUICK) as alice, agent(**QUICK) as bob:
        for event, kind, published in OTHERS:
            subscription = await bob.subscribe(server.uri, event, delegate=us)
            publication = await alice.publish(server.uri, event, published.toBytes(), kind)
            await server.until(lambda: us.seen[-1], event)
            assert us.seen[-1] == said(subscription.value) == said(published)
            await publication.close()
            await subscription.unsubscribe()


@ensureDeferred
async def test_seesWhoWatches(kamailio: str, tmp_path: Path) -> None:
    """A subscription to our own watchers (RFC 3857)."""
    us = Watcher(lambda notification: re.findall(rb'status="(\w+)"', notification.body))
    async with Kamailio(kamailio, tmp_path) as server, agent(**QUICK) as alice, agent(**QUICK) as bob:
        watchers = await alice.subscribe(server.uri, "presence.winfo", delegate=us)
        watching = await bob.subscribe(server.uri, "presence")
        await server.until(lambda: us.seen == [[], [b"active"]], "NOTIFY of one who watches")
        await watching.unsubscribe()
        await server.until(lambda: us.seen[2:] == [[]], "NOTIFY that nobody watches")
        await watchers.unsubscribe()


@ensureDeferred
async def test_doesNotKnowTheEvent(kamailio: str, tmp_path: Path) -> None:
    """489 (RFC 6665 section 4.1.2.1 and RFC 3261 section 8.1.3.2): nothing is kept up."""
    us = Watcher()
    async with Kamailio(kamailio, tmp_path) as server, agent(**QUICK) as bob:
        with pytest.raises(ResponseError, match="489"):
            await bob.subscribe(server.uri, "weather", delegate=us)
        with pytest.raises(ResponseError, match="489"):
            await bob.fetch(server.uri, "weather")
        assert us.told == [489, "refused"]


@ensureDeferred
async def test_wantsItForLonger(kamailio: str, tmp_path: Path) -> None:
    """423 is answered with what its Min-Expires asks for (RFC 6665 section 4.1.2.1), from then on."""
    us = Watcher()
    async with Kamailio(kamailio, tmp_path, minExpires=20) as server, agent(**QUICK) as bob:
        subscription = await bob.subscribe(server.uri, "presence", 10, delegate=us)
        assert round(subscription.expires) == 20
        await subscription.refresh()
        await subscription.unsubscribe()
        assert us.told == [200, 200, 200, "unsubscribed"]
        longer = ["udp 20 <null> 0"] * 2
        await server.wasAsked("SUBSCRIBE", "udp 10 <null> 0", *longer, "udp 0 <null> 0")


async def challenges(kamailio: str, folder: Path, qop: str | None, proxy: bool) -> None:
    """With C{qop} what we know from the first is enough for all that follow; without, the refresh is another matter."""
    us = Watcher()
    ours = (Credentials("bob", PASSWORD, realm=REALM),)
    async with (
        Kamailio(kamailio, folder, password=PASSWORD, qop=qop, proxy=proxy) as server,
        agent(**QUICK, credentials=ours) as bob,
    ):
        subscription = await bob.subscribe(server.uri, "presence", delegate=us)
        await subscription.refresh()
        await subscription.unsubscribe()
        assert us.told == [200, 200, 200, "unsubscribed"]
        attempts = ["udp 3600 <null> 0"] * (4 if qop is None else 3)
        await server.wasAsked("SUBSCRIBE", *attempts, "udp 0 <null> 0")


@ensureDeferred
async def test_challenges(kamailio: str, tmp_path: Path) -> None:
    """A challenge is answered; in the dialog, before it comes (RFC 3261 sections 22.2 and 22.3)."""
    cases = ((qop, proxy) for qop in ("auth", None) for proxy in (False, True))
    await together(Deferred.fromCoroutine(challenges(kamailio, tmp_path, *case)) for case in cases)


@ensureDeferred
async def test_isGivenUpWhenWeStop(kamailio: str, tmp_path: Path) -> None:
    """The service's stop unsubscribes, and waits for the last NOTIFY (RFC 6665 section 4.1.2.3)."""
    us = Watcher()
    async with Kamailio(kamailio, tmp_path) as server, agent(**QUICK) as bob:
        await bob.subscribe(server.uri, "presence", delegate=us)
        await bob.stopService()
        assert (us.told, len(us.seen)) == ([200, 200, "unsubscribed"], 2)
        await server.wasAsked("SUBSCRIBE", "udp 3600 <null> 0", "udp 0 <null> 0")
