"""
C{twistd sipua --delegate presence}, where baresip and we publish, and baresip, linphonec and we watch (RFC 3856).
"""

from __future__ import annotations

from pathlib import Path

from pytest_twisted import ensureDeferred

from tests.integration.agent import agent
from tests.integration.linphone import Linphone
from tests.integration.peers import Baresip, Sipua
from tests.integration.playing import QUICK
from tests.integration.subscribing import PIDF, presence


@ensureDeferred
async def test_wePublish(baresip: str, linphonec: str, tmp_path: Path) -> None:
    """Both show what we publish, and a change five seconds after what was told before (RFC 3856 section 6.10)."""
    # linphonec does not wait for the NOTIFY that ends its subscription.
    (tmp_path / "sipua.toml").write_text("stopTimeout = 0.5\n")
    async with (
        Sipua(tmp_path, "--delegate", "presence", "--settings", "sipua.toml") as server,
        agent(**QUICK) as alice,
    ):
        uri = f"sip:alice@{server.address}"
        publication = await alice.publish(uri, "presence", presence("open"), PIDF)
        async with (
            Baresip(baresip, tmp_path, "bob", watched=uri) as bob,
            Linphone(linphonec, tmp_path, "carol", friend=uri) as carol,
        ):
            await bob.whenShown("Online")
            await carol.whenSaid("is Online")
            await publication.publish(presence("closed"))
            await bob.whenShown("Offline")
            await carol.whenSaid("is Offline")
        await publication.close()


@ensureDeferred
async def test_baresipPublishes(baresip: str, tmp_path: Path) -> None:
    """It publishes at once, no PIDF but for the rest; what its user says, it modifies; it withdraws it as it quits."""
    async with (
        Sipua(tmp_path, "--delegate", "presence") as server,
        agent(**QUICK) as alice,
    ):
        uri = f"sip:bob@{server.address}"
        account = f'pubint=60;outbound="sip:{server.address}"'
        async with Baresip(baresip, tmp_path, "bob", modules=("presence.so",), account=account) as bob:
            await bob.until(lambda: "SIP-ETag" in bob.output, "its publication")
            (one,) = (await alice.fetch(uri, "presence")).value.tuples
            assert (one.basic, one.contact) == (None, bob.uri)
            for command, basic in (("presence_online", "open"), ("presence_offline", "closed")):
                tags = bob.output.count("SIP-ETag")
                await bob.command(command)
                await bob.until(lambda before=tags: bob.output.count("SIP-ETag") > before, "its publication")
                assert (await alice.fetch(uri, "presence")).value.basic == basic
        assert (await alice.fetch(uri, "presence")).value.tuples == ()
