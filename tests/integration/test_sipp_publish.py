"""
PUBLISH with SIPp as the compositor (RFC 3903): what it forgets, and what it finds too brief.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from tests.integration.agent import agent
from tests.integration.peers import Sipp
from tests.integration.playing import QUICK, scenario
from tests.integration.subscribing import PIDF, presence
from twisted_sipdialog.delegates import PublishDelegate
from twisted_sipdialog.errors import ResponseError

#: Nothing else is said.
NONE = "Subject: none"


class Publisher(PublishDelegate):
    """
    Remembers what it was told.

    @ivar told: a word and a status for each.
    """

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def published(self, publication: Any, response: Any) -> None:
        self.told.append(("published", response.statusCode))

    def unpublished(self, publication: Any, response: Any) -> None:
        self.told.append(("unpublished", response.statusCode))

    def publishProgress(self, publication: Any, response: Any) -> None:
        self.told.append(("progress", response.statusCode))

    def publishFailed(self, publication: Any, failure: Any) -> None:
        self.told.append(("failed", failure.value.response.statusCode))


def compositor(sipp: str, folder: Path, *exchanges: tuple[str, ...]) -> Sipp:
    """
    SIPp answers so many PUBLISHs.

    @param exchanges: for each what it is to ask, C{SIP-If-Match/Expires/Content-Type}; its answer; two header lines of
        that.
    """
    lines = ["SEQUENTIAL", *(";".join((*exchange, NONE, NONE)[:4]) + ";" for exchange in exchanges)]
    file = folder / "exchanges.csv"
    file.write_text("\n".join(lines) + "\n")
    return scenario(sipp, folder, "compositor", "-inf", os.fspath(file), calls=len(exchanges))


@ensureDeferred
async def test_tooBriefThenForgotten(sipp: str, tmp_path: Path) -> None:
    """
    423 has it asked for longer, 412 has all of it published anew, without an entity tag: a change, a refresh (RFC 3903
    section 4.1).
    """
    told = Publisher()
    exchanges = [
        (f"/20/{PIDF}", "423", "Min-Expires: 120"),
        (f"/120/{PIDF}", "200", "Expires: 120", "SIP-ETag: one"),
        (f"one/120/{PIDF}", "412"),
        (f"/120/{PIDF}", "200", "Expires: 120", "SIP-ETag: two"),
        ("two/120/", "412"),
        (f"/120/{PIDF}", "200", "Expires: 90", "SIP-ETag: three"),
        ("three/0/", "200", "Expires: 0", "SIP-ETag: four"),
    ]
    async with compositor(sipp, tmp_path, *exchanges) as peer, agent(**QUICK) as alice:
        publication = await alice.publish(peer.uri, "presence", presence("open"), PIDF, expires=20, delegate=told)
        assert (publication.entityTag, publication.expires) == ("one", 120)
        await publication.publish(presence("closed"))
        await publication.publish()
        assert (publication.entityTag, publication.expires) == ("three", 90)
        await publication.unpublish()
        await publication.close()
        await peer.succeeded(len(exchanges), timeout=10)
    assert told.told == [
        ("progress", 423),
        ("published", 200),
        ("progress", 412),
        ("published", 200),
        ("progress", 412),
        ("published", 200),
        ("unpublished", 200),
    ]


@ensureDeferred
async def test_refusals(sipp: str, tmp_path: Path) -> None:
    """A 423 that asks for no more than was asked, or says no time, and a second 412 in turn end it (section 4.1)."""
    told = Publisher()
    exchanges = [
        (f"/60/{PIDF}", "423", "Min-Expires: 60"),
        (f"/60/{PIDF}", "423"),
        (f"/60/{PIDF}", "412"),
        (f"old/60/{PIDF}", "412"),
        (f"/60/{PIDF}", "412"),
    ]
    async with compositor(sipp, tmp_path, *exchanges) as peer, agent(**QUICK) as alice:
        for tag in (None, None, None, "old"):
            with pytest.raises(ResponseError):
                await alice.publish(
                    peer.uri, "presence", presence("open"), PIDF, expires=60, delegate=told, entityTag=tag
                )
        await peer.succeeded(len(exchanges), timeout=10)
    failed = [("failed", 423), ("unpublished", 423)] * 2 + [("failed", 412), ("unpublished", 412)]
    assert told.told == [*failed, ("progress", 412), ("failed", 412), ("unpublished", 412)]


@ensureDeferred
async def test_goneWhenItIsWithdrawn(sipp: str, tmp_path: Path) -> None:
    """412 to a removal: there is nothing left to be removed (RFC 3903 section 4.5)."""
    told = Publisher()
    exchanges = [
        (f"/3600/{PIDF}", "200", "Expires: 3600", "SIP-ETag: one"),
        ("one/0/", "412"),
    ]
    async with compositor(sipp, tmp_path, *exchanges) as peer, agent(**QUICK) as alice:
        publication = await alice.publish(peer.uri, "presence", presence("open"), PIDF, delegate=told)
        await publication.close()
        await peer.succeeded(len(exchanges), timeout=10)
    assert told.told == [("published", 200), ("unpublished", 412)]
