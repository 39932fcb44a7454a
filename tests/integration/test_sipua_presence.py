"""
C{twistd sipua} as what keeps presence, and as what publishes and watches it: processes of their own.
"""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from pytest_twisted import ensureDeferred

from tests.integration.agent import agent
from tests.integration.peers import Sipua
from twisted_sipdialog.event.presence import Presence


def alice(folder: Path, *options: str) -> Sipua:
    """She keeps her presence herself, at an address of record that leads to her."""
    sipua = Sipua(folder, "--delegate", "presence", *options)
    sipua.arguments += ["--aor", f"sip:alice@{sipua.address}"]
    return sipua


@ensureDeferred
async def test_twoShells(tmp_path: Path) -> None:
    """One user watches another, who goes away and comes back, as docs/howto/presence.rst says."""
    first = alice(tmp_path, "--publish", "presence:meal:Back at two")
    uri = f"sip:alice@{first.address}"
    async with Sipua(tmp_path, "--watch", uri) as bob:
        async with first:
            await first.until(lambda: f"presence of {uri} is published\n" in first.output, "its publication")
            await bob.until(lambda: f"presence of {uri}: open, meal, 'Back at two'\n" in bob.output, "the first state")
        said = f"presence of {uri} is told no more (probation); watched again in 5 s\n"
        await bob.until(lambda: said in bob.output, "the end of it")
        second = Sipua(tmp_path, "--delegate", "presence", "--aor", uri, "--publish", "presence:busy", port=first.port)
        async with second:
            await bob.until(lambda: f"presence of {uri}: open, busy\n" in bob.output, "the next state")


@ensureDeferred
async def test_storeOutlivesTheProcess(tmp_path: Path) -> None:
    """What was published to a file is there after a kill, and its tag still names it (RFC 3903 section 6)."""
    store = tmp_path / "published.sqlite"
    first = alice(tmp_path, "--publication-store", str(store))
    uri = f"sip:alice@{first.address}"
    body = Presence.of(uri, "open", "Here").toBytes()
    async with agent(aor=uri) as userAgent:
        async with first:
            publication = await userAgent.publish(uri, "presence", body, "application/pidf+xml", unpublishOnClose=False)
            tag = publication.entityTag
            await publication.close()
            first.endsBy = signal.SIGKILL
            first.transport.signalProcess("KILL")
            await first.ended()
        with closing(sqlite3.connect(store)) as connection:
            assert connection.execute("SELECT entityTag FROM publication").fetchall() == [(tag,)]
        again = Sipua(
            tmp_path, "--delegate", "presence", "--publication-store", str(store), "--aor", uri, port=first.port
        )
        async with again:
            seen = await userAgent.fetch(uri, "presence")
            assert (seen.value.basic, seen.value.notes[0].text) == ("open", "Here")
            taken = await userAgent.publish(uri, "presence", body, "application/pidf+xml", entityTag=tag)
            assert taken.entityTag != tag
            await taken.close()
            assert (await userAgent.fetch(uri, "presence")).value.basic is None
