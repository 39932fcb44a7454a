"""
We publish at Kamailio, and baresip, who watches, sees what we published (RFC 3903).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from tests.integration.agent import agent
from tests.integration.kamailio import REALM, Kamailio
from tests.integration.peers import Baresip
from tests.integration.playing import QUICK, together
from twisted_sipdialog import Credentials, PublishDelegate
from twisted_sipdialog.errors import ResponseError, Timeout, TransportError
from twisted_sipdialog.event.presence import CONTENT_TYPE, Presence

ALICE = "sip:alice@example.com"
OPEN = Presence.of(ALICE, "open").toBytes()
BUSY = Presence.of(ALICE, "open", activities=("busy",)).toBytes()
PASSWORD = "wonderland"


class Told(PublishDelegate):
    """
    What became of a publication.

    @ivar told: oldest first; each 2xx by the entity tag it had.
    """

    def __init__(self) -> None:
        self.told: list[Any] = []

    def published(self, publication: Any, response: Any) -> None:
        self.told.append(publication.entityTag)

    def publishProgress(self, publication: Any, response: Any) -> None:
        self.told.append(response.statusCode)

    def publishFailed(self, publication: Any, failure: Any) -> None:
        self.told.append("failed")

    def unpublished(self, publication: Any, response: Any) -> None:
        self.told.append("gone")


@ensureDeferred
async def test_isPublishedModifiedAndRemoved(kamailio: str, baresip: str, tmp_path: Path) -> None:
    """Each names the entity tag of the answer before (RFC 3903 sections 4.4 and 4.5)."""
    us = Told()
    async with (
        Kamailio(kamailio, tmp_path) as server,
        Baresip(baresip, tmp_path, "bob", watched=server.uri) as bob,
        agent(**QUICK) as alice,
    ):
        await bob.whenShown("Unknown")
        publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE, delegate=us)
        await bob.whenShown("Online")
        await publication.publish(BUSY)
        await bob.whenShown("Busy")
        response = await publication.unpublish()
        assert (response.statusCode, publication.isPublished) == (200, False)
        await bob.whenShown("Offline")
        first, second, gone = us.told
        assert (first != second, gone) == (True, "gone")
        await server.wasAsked(
            "PUBLISH",
            f"udp 3600 <null> {len(OPEN)}",
            f"udp 3600 {first} {len(BUSY)}",
            f"udp 0 {second} 0",
        )


async def isRefreshed(kamailio: str, baresip: str, folder: Path) -> None:
    """Before the time that was granted is over, without the body, which is kept (RFC 3903 section 4.3)."""
    us = Told()
    async with Kamailio(kamailio, folder, maxExpires=3) as server, agent(**QUICK) as alice:
        publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE, delegate=us)
        assert publication.expires == 3
        await server.until(lambda: len(us.told) == 2, "refresh")
        async with Baresip(baresip, folder, "bob", watched=server.uri) as bob:
            await bob.whenShown("Online")
        first, second = us.told
        await publication.close()
        await server.wasAsked("PUBLISH", f"udp 3600 <null> {len(OPEN)}", f"udp 3600 {first} 0", f"udp 0 {second} 0")


async def isLost(kamailio: str, baresip: str, folder: Path) -> None:
    """412 to the refresh, of a server that was started anew: all of it is sent again (RFC 3903 section 5)."""
    us = Told()
    async with agent(**QUICK) as alice:
        async with Kamailio(kamailio, folder, maxExpires=2) as server:
            publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE, delegate=us)
        async with (
            Kamailio(kamailio, folder, port=server.port) as server,
            Baresip(baresip, folder, "carol", watched=server.uri) as carol,
        ):
            await carol.whenShown("Online")
            first, refusal, second = us.told
            assert refusal == 412
            await publication.close()
            await server.wasAsked("PUBLISH", f"udp 3600 {first} 0", f"udp 3600 <null> {len(OPEN)}", f"udp 0 {second} 0")


async def isDown(kamailio: str, _: str, folder: Path) -> None:
    """A body that got no answer is sent again a little later, with the entity tag there was."""
    us = Told()
    async with agent(**QUICK) as alice:
        async with Kamailio(kamailio, folder) as server:
            publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE, delegate=us)
        with pytest.raises((Timeout, TransportError)):
            await publication.publish(BUSY)
        async with Kamailio(kamailio, folder, port=server.port) as server:
            await server.until(lambda: len(us.told) == 4, "another try")
            first, failed, refusal, second = us.told
            assert (failed, refusal, publication.isPublished) == ("failed", 412, True)
            await publication.close()
            await server.wasAsked(
                "PUBLISH", f"udp 3600 {first} {len(BUSY)}", f"udp 3600 <null> {len(BUSY)}", f"udp 0 {second} 0"
            )


async def expires(kamailio: str, baresip: str, folder: Path) -> None:
    """What is closed and not withdrawn is there until its time is over."""
    async with (
        Kamailio(kamailio, folder, cleanPeriod=1) as server,
        Baresip(baresip, folder, "dave", watched=server.uri) as dave,
        agent(**QUICK) as alice,
    ):
        publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE, 2, unpublishOnClose=False)
        await publication.close()
        await dave.whenShown("Online")
        await dave.whenShown("Unknown")
        await server.wasAsked("PUBLISH", f"udp 2 <null> {len(OPEN)}")


@ensureDeferred
async def test_timeGoesBy(kamailio: str, baresip: str, tmp_path: Path) -> None:
    """It is refreshed by itself, published anew or tried again where that fails, and expires once nobody does any."""
    cases = (isRefreshed, isLost, isDown, expires)
    await together(Deferred.fromCoroutine(case(kamailio, baresip, tmp_path)) for case in cases)


@ensureDeferred
async def test_wantsItForLonger(kamailio: str, tmp_path: Path) -> None:
    """423 is answered with what its Min-Expires asks for (RFC 3903 section 5), from then on."""
    us = Told()
    async with Kamailio(kamailio, tmp_path, minExpires=20) as server, agent(**QUICK) as alice:
        publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE, 10, delegate=us)
        assert publication.expires == 20
        await publication.publish()
        await publication.close()
        refusal, first, second, _ = us.told
        assert refusal == 423
        await server.wasAsked(
            "PUBLISH",
            f"udp 10 <null> {len(OPEN)}",
            f"udp 20 <null> {len(OPEN)}",
            f"udp 20 {first} 0",
            f"udp 0 {second} 0",
        )


@ensureDeferred
async def test_lostItBeforeAChange(kamailio: str, tmp_path: Path) -> None:
    """412 to another body: that is published anew; to a removal: it is gone already."""
    us = Told()
    async with agent(**QUICK) as alice:
        async with Kamailio(kamailio, tmp_path) as server:
            publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE, delegate=us)
        async with Kamailio(kamailio, tmp_path, port=server.port) as server:
            await publication.publish(BUSY)
            first, refusal, second = us.told
            assert refusal == 412
            await server.wasAsked(
                "PUBLISH",
                f"udp 3600 {first} {len(BUSY)}",
                f"udp 3600 <null> {len(BUSY)}",
            )
        async with Kamailio(kamailio, tmp_path, port=server.port) as server:
            response = await publication.unpublish()
            assert (response.statusCode, us.told[3:]) == (412, ["gone"])
            await server.wasAsked("PUBLISH", f"udp 0 {second} 0")


@ensureDeferred
async def test_isWithdrawnWhenWeStop(kamailio: str, tmp_path: Path) -> None:
    async with Kamailio(kamailio, tmp_path) as server, agent(**QUICK) as alice:
        publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE)
        first = publication.entityTag
        await alice.stopService()
        await server.wasAsked("PUBLISH", f"udp 3600 <null> {len(OPEN)}", f"udp 0 {first} 0")


@ensureDeferred
async def test_isTooLongForUdp(kamailio: str, tmp_path: Path) -> None:
    """It goes by TCP then (RFC 3261 section 18.1.1), its refresh by UDP."""
    long = Presence.of(ALICE, "open", "Not at my desk. " * 200).toBytes()
    async with Kamailio(kamailio, tmp_path) as server, agent(**QUICK) as alice:
        publication = await alice.publish(server.uri, "presence", long, CONTENT_TYPE)
        first = publication.entityTag
        await publication.publish()
        second = publication.entityTag
        await publication.close()
        await server.wasAsked("PUBLISH", f"tcp 3600 <null> {len(long)}", f"udp 3600 {first} 0", f"udp 0 {second} 0")


@ensureDeferred
async def test_doesNotKnowTheEvent(kamailio: str, tmp_path: Path) -> None:
    """489 is a refusal (RFC 3903 section 6): nothing is kept up."""
    us = Told()
    async with Kamailio(kamailio, tmp_path) as server, agent(**QUICK) as alice:
        with pytest.raises(ResponseError, match="489"):
            await alice.publish(server.uri, "weather", b"rain", delegate=us)
        assert us.told == ["failed", "gone"]


@pytest.mark.parametrize("proxy", [False, True])
@pytest.mark.parametrize("qop", [None, "auth"])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@ensureDeferred
async def test_challenges(kamailio: str, tmp_path: Path, algorithm: str, qop: str | None, proxy: bool) -> None:
    """Every PUBLISH is sent once more with credentials (RFC 3261 section 22), and with its body and entity tag."""
    us = Told()
    ours = (Credentials("alice", PASSWORD, realm=REALM),)
    how: dict[str, Any] = {"password": PASSWORD, "algorithm": algorithm, "qop": qop, "proxy": proxy}
    async with Kamailio(kamailio, tmp_path, **how) as server, agent(**QUICK, credentials=ours) as alice:
        publication = await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE, delegate=us)
        await publication.publish()
        await publication.publish(BUSY)
        await publication.close()
        first, second, third, _ = us.told
        wanted = [
            f"udp 3600 <null> {len(OPEN)}",
            f"udp 3600 {first} 0",
            f"udp 3600 {second} {len(BUSY)}",
            f"udp 0 {third} 0",
        ]
        await server.wasAsked("PUBLISH", *[line for line in wanted for _ in range(2)])


@pytest.mark.parametrize(("credentials", "attempts"), [(("dreamland", REALM), 2), ((PASSWORD, "elsewhere"), 1)])
@ensureDeferred
async def test_refusesUs(kamailio: str, tmp_path: Path, credentials: tuple[str, str], attempts: int) -> None:
    """A wrong password is tried once; that of another realm is not for this one (RFC 3261 section 22.3)."""
    password, realm = credentials
    ours = (Credentials("alice", password, realm=realm),)
    async with (
        Kamailio(kamailio, tmp_path, password=PASSWORD) as server,
        agent(**QUICK, credentials=ours) as alice,
    ):
        with pytest.raises(ResponseError, match="401"):
            await alice.publish(server.uri, "presence", OPEN, CONTENT_TYPE)
        await server.wasAsked("PUBLISH", *[f"udp 3600 <null> {len(OPEN)}"] * attempts)
