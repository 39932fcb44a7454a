"""
Kamailio as a presence server: where the integration tests publish, and whom they ask for what others publish.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from tests.integration.peers import LOOPBACK
from tests.integration.ports import freePort
from tests.integration.process import Peer

CONFIGURATION = Path(__file__).with_name("kamailio.cfg")
#: Where Debian's kamailio keeps its tables, empty.
TABLES = Path("/usr/share/kamailio/dbtext/kamailio")
REALM = "kamailio.example"
_QOP = {None: 0, "auth": 1}
_RULES = b"""<?xml version="1.0" encoding="UTF-8"?>
<cr:ruleset xmlns:pr="urn:ietf:params:xml:ns:pres-rules" xmlns:cr="urn:ietf:params:xml:ns:common-policy">
  <cr:rule id="all">
    <cr:conditions><cr:identity><cr:many/></cr:identity></cr:conditions>
    <cr:actions><pr:sub-handling>allow</pr:sub-handling></cr:actions>
    <cr:transformations>
      <pr:provide-services><pr:all-services/></pr:provide-services>
      <pr:provide-all-attributes/>
    </cr:transformations>
  </cr:rule>
</cr:ruleset>
"""


class Kamailio(Peer):
    """
    Kamailio with its presence modules, on a free port for UDP and for TCP.

    It begins knowing nothing, also on the C{port} of another.

    @ivar uri: that of alice there; add C{;transport=tcp} for TCP.
    @param program: the path of C{kamailio}.
    @param folder: gets C{kamailio-PORT/} with its tables.
    @param port: where it listens; default: a free one.
    @param minExpires: seconds; who asks for less gets 423.
    @param maxExpires: seconds; who asks for more gets so many.
    @param cleanPeriod: seconds between two looks for what has expired; it counts whole seconds, so that of two of them
        little more than one may be left.
    @param workers: how many processes there are for what comes by UDP.
    @param mayWatch: whoever subscribes may; else their subscriptions are pending until L{permit}.
    @param password: of whoever asks, whatever the user name, in L{REALM}; None: it does not challenge.
    @param algorithm: C{MD5} or C{SHA-256}.
    @param qop: of the challenge: C{auth}, or None; C{auth-int} it could offer, but takes no answer to it.
    @param proxy: it challenges by 407 instead of 401.
    """

    def __init__(
        self,
        program: str,
        folder: Path,
        *,
        port: int | None = None,
        minExpires: int = 0,
        maxExpires: int = 3600,
        cleanPeriod: int = 100,
        workers: int = 1,
        mayWatch: bool = True,
        password: str | None = None,
        algorithm: str = "MD5",
        qop: str | None = "auth",
        proxy: bool = False,
    ) -> None:
        self.port = port or freePort()
        self.uri = f"sip:alice@{LOOPBACK}:{self.port}"
        own = folder / f"kamailio-{self.port}"
        own.mkdir(parents=True, exist_ok=True)
        for table in ("version", "presentity", "active_watchers", "watchers", "xcap"):
            shutil.copy(TABLES / table, own)
        defined: dict[str, Any] = {
            "DATABASE": f'"text://{own}"',
            "MIN_EXPIRES": minExpires,
            "MAX_EXPIRES": maxExpires,
            "CLEAN_PERIOD": cleanPeriod,
            "WORKERS": workers,
            "FORCE_ACTIVE": int(mayWatch),
        }
        if password is not None:
            defined |= {
                "REALM": f'"{REALM}"',
                "PASSWORD": f'"{password}"',
                "ALGORITHM": f'"{algorithm}"',
                "QOP": f'"{_QOP[qop]}"',
                "CHECKS": 15 if qop is None else 0,
            }
        words = [word for name, value in defined.items() for word in ("-A", f"{name}={value}")]
        words += ["-A", "PROXY"] if proxy else []
        for transport in ("udp", "tcp"):
            words += ["-l", f"{transport}:{LOOPBACK}:{self.port}"]
        # In the foreground, its log on stderr; 16 MB for all of its processes together, 4 for each.
        words += ["-DD", "-E", "-m", "16", "-M", "4", "-w", os.fspath(own), "-Y", os.fspath(own)]
        # A process group of its own.
        super().__init__(["/usr/bin/setsid", program, "-f", os.fspath(CONFIGURATION), *words], own)

    def connectionMade(self) -> None:
        self._group = self.transport.pid

    async def started(self) -> None:
        await self.until(lambda: "ready\n" in self.errors, "first worker")

    def asked(self, method: str) -> list[str]:
        """
        What it was asked so far: C{udp} or C{tcp}, Expires, SIP-If-Match, bytes of the body; C{<null>} is no header.
        """
        return re.findall(rf"asked: {method} (.*)\n", self.errors)

    async def wasAsked(self, method: str, *requests: str) -> None:
        """Wait until it has logged these, C{asked(method)}, and no others."""
        wanted = [*requests]
        await self.until(lambda: self.asked(method) == wanted, f"{method}, which {wanted} were")

    async def permit(self) -> None:
        """Everybody may watch alice from now on: her rules of RFC 5025, put there by XCAP (RFC 4825)."""
        status = await deferToThread(self._put)
        if status not in (200, 201):
            raise self.failed(f"{status} to the rules")

    def _put(self) -> int:
        connection = HTTPConnection(LOOPBACK, self.port, timeout=10)
        try:
            path = f"/xcap-root/pres-rules/users/sip:alice@{LOOPBACK}/index"
            connection.request("PUT", path, _RULES, {"Content-Type": "application/auth-policy+xml"})
            return connection.getresponse().status
        finally:
            connection.close()

    async def stop(self) -> None:
        # What the modules for presence say is of requests that they refuse.
        complaints = re.findall(r".* (?:WARNING|ERROR|CRITICAL|ALERT|BUG): (?!presence).*", self.errors)
        # It has nothing to save.  Ended by SIGTERM, one of its processes may leave a lock that the others wait for.
        self.transport.signalProcess("KILL")
        await self.ended()
        if complaints:
            raise self.failed(f"complaints: {complaints}")

    def processExited(self, reason: Failure) -> None:
        # Those that it forked do not end with it.
        with suppress(ProcessLookupError):
            os.killpg(self._group, signal.SIGKILL)
