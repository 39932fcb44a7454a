"""
The processes that integration tests talk to: SIPp, baresip, and C{twistd sipua} itself.

Each is an asynchronous context manager for a coroutine of pytest-twisted::

    async with Sipua(tmp_path) as sipua, Sipp(sipp, tmp_path, "-sn", "uac", sipua.address) as caller:
        assert await caller.ended() == 0

The block's end stops the process politely and checks how it ended; when the
block failed, it is killed by its pid and the block's own failure stands.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.task import deferLater
from twisted.protocols.basic import NetstringReceiver
from twisted.python.failure import Failure

from tests.integration.ports import freePort
from tests.integration.process import Peer, PeerFailed
from twisted_sipdialog.message.grammar import formatHost

LOOPBACK = "127.0.0.1"
ROOT = Path(__file__).parents[2]


class Sipp(Peer):
    """
    SIPp on a free port of its own.

    C{ended()} gives 0 when every call went through and 1 when one failed; a server without C{-m} runs
    until the block ends.

    @ivar address: C{host:port}.
    @ivar uri: where it is called; add C{;transport=tcp} for TCP.
    @param program: the path of C{sipp}.
    @param arguments: what follows the options every run has: scenario, rate, transport, C{host:port} of the
        remote side.
    @param timeout: seconds after which SIPp gives up and exits with an error.
    @param host: the address it uses.
    """

    def __init__(self, program: str, folder: Path, *arguments: str, timeout: int = 60, host: str = LOOPBACK) -> None:
        self.port = freePort(host)
        self.address = formatHost(host, self.port)
        self.uri = f"sip:sipp@{self.address}"
        self._statistics = folder / f"sipp-{self.port}.csv"
        self._unexpected = folder / f"sipp-{self.port}-errors.log"
        every = ["-i", host, "-bind_local", "-p", str(self.port), "-mp", str(freePort(host, span=3))]
        # Without it SIPp reads its keyboard commands from a terminal that is not there.
        every += ["-nostdin"]
        every += ["-timeout", f"{timeout}s", "-timeout_error"]
        every += ["-trace_stat", "-stf", os.fspath(self._statistics)]
        every += ["-trace_err", "-error_file", os.fspath(self._unexpected)]
        super().__init__([program, *every, *arguments], folder, {"TERM": "dumb"})

    async def started(self) -> None:
        # The statistics file is opened after the sockets are bound.
        await self.until(self._statistics.exists, "statistics file")

    def count(self, name: str) -> int:
        """
        A counter of the whole run, once it ended: C{SuccessfulCall}, C{FailedCall}, C{Retransmissions},
        C{DeadCallMsgs} ... (the columns of C{-trace_stat} without their C{(C)}).
        """
        with self._statistics.open(newline="") as lines:
            last = list(csv.DictReader(lines, delimiter=";"))[-1]
        return int(last[f"{name}(C)"])

    async def succeeded(self, calls: int, timeout: float = 30.0) -> None:
        """Wait for it to end, and check that so many calls went through and no other was begun."""
        status = await self.ended(timeout)
        counts = self.count("SuccessfulCall"), self.count("FailedCall")
        if (status, *counts) != (0, calls, 0):
            raise self.failed(f"exit status {status}, {counts[0]} calls went through, {counts[1]} failed")

    def failed(self, why: str) -> PeerFailed:
        unexpected = self._unexpected.read_text(errors="replace")[:4000] if self._unexpected.exists() else ""
        return PeerFailed(f"{super().failed(why)}\n{unexpected}")

    async def stop(self) -> None:
        # SIGUSR1 is SIPp's "q": no new calls, those that are open end first.
        self.transport.signalProcess(signal.SIGUSR1)
        await self.ended()


class _Control(NetstringReceiver):
    """baresip's ctrl_tcp: each netstring is a JSON object, the response to a command or an event."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.responses: dict[str, dict[str, Any]] = {}

    def stringReceived(self, string: bytes) -> None:
        message = json.loads(string)
        if "event" in message:
            self.events.append(message)
        else:
            self.responses[message["token"]] = message


class Baresip(Peer):
    """
    A headless baresip: no sound card, a sine as its microphone, what it hears recorded.

    @ivar uri: where it is called; add C{;transport=tcp} for TCP.
    @param program: the path of C{baresip}.
    @param folder: gets C{NAME/} with its configuration and recordings.
    @param name: the user part of its address.
    @param tone: the sine it sends, in Hz (10 to 20000, below 4000 to survive G.711).
    @param account: parameters of its account, as baresip spells them: C{answermode=manual},
        C{auth_user=alice;auth_pass=secret}, C{outbound="sip:127.0.0.1:5060"} ...
    @param rtpPorts: the range its RTP ports are taken from.
    @param watched: the URI of whom it subscribes to the presence of, there and nowhere else; None: nobody.
    @param modules: further ones: C{presence.so}, so that others may watch it; C{mwi.so}, which subscribes to
        message-summary once the account, with C{mwi=yes}, is registered.
    """

    def __init__(
        self,
        program: str,
        folder: Path,
        name: str,
        *,
        tone: int = 440,
        account: str = "answermode=auto",
        rtpPorts: tuple[int, int] = (24000, 24998),
        watched: str | None = None,
        modules: tuple[str, ...] = (),
    ) -> None:
        # TLS always listens one port above; with that port taken, baresip does not start.
        self.port = freePort(span=2)
        self.uri = f"sip:{name}@{LOOPBACK}:{self.port}"
        self._controlPort = freePort()
        self._control: _Control
        self._commands = 0
        own = folder / name
        self._recordings = own / "recordings"
        self._recordings.mkdir(parents=True)
        settings = [
            ("module_path", _modulePath()),
            ("sip_listen", f"{LOOPBACK}:{self.port}"),  # UDP and TCP
            # The address, not "lo": by name baresip passes over loopback interfaces and does not start.  Without
            # the line its SDP names the address of the first other interface.
            ("net_interface", LOOPBACK),
            ("rtp_ports", f"{rtpPorts[0]}-{rtpPorts[1]}"),
            ("module", "g711.so"),  # PCMU and PCMA
            ("module", "ausine.so"),
            ("audio_source", f"ausine,{tone}"),
            # The sine comes at 48 kHz in stereo or not at all; baresip resamples it to the codec's rate.
            ("ausrc_srate", "48000"),
            ("ausrc_channels", "2"),
            # Records each call as two files; it taps the stream before the player, so none is configured.
            ("module", "sndfile.so"),
            ("snd_path", os.fspath(self._recordings)),
            ("module_app", "account.so"),  # reads the accounts file
            ("module_app", "menu.so"),  # the commands dial, hangup, accept ...; and answers for answermode=auto
            ("module_app", "ctrl_tcp.so"),  # takes those commands, tells what happens
            ("ctrl_tcp_listen", f"{LOOPBACK}:{self._controlPort}"),
        ]
        settings += [("module_app", module) for module in modules]
        if watched is not None:
            settings += [("module_app", "contact.so"), ("module_app", "presence.so")]
            (own / "contacts").write_text(f'"watched" <{watched}>;presence=p2p\n')
        (own / "config").write_text("".join(f"{key} {value}\n" for key, value in settings))
        # regint=0: does not register, unless the account has another before it: the first one counts.
        (own / "accounts").write_text(f"<{self.uri}>;{account};regint=0\n")
        # -s: the SIP messages are part of its output.
        super().__init__([program, "-s", "-f", os.fspath(own)], own)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What happened so far, oldest first; each has a C{type}: C{CALL_ESTABLISHED}, C{CALL_CLOSED} ..."""
        return self._control.events

    async def started(self) -> None:
        # Its output says "ready" too, but a pipe gets that only when the buffer is full.
        endpoint = HostnameEndpoint(reactor, LOOPBACK, self._controlPort)
        attempts: list[Deferred[_Control]] = []

        def connected() -> bool:
            if not attempts or isinstance(getattr(attempts[-1], "result", None), Failure):
                for failed in attempts:
                    failed.addErrback(lambda reason: reason.trap(ConnectError) and None)
                attempts[:] = [connectProtocol(endpoint, _Control())]
            return isinstance(getattr(attempts[-1], "result", None), _Control)

        await self.until(connected, "control connection")
        self._control = await attempts[-1]

    async def command(self, name: str, parameters: str = "") -> str:
        """
        Carry out one of baresip's long commands (C{dial}, C{hangup}, C{accept}, C{hold} ...).

        @return: the text it answered with.
        """
        self._commands += 1
        token = str(self._commands)
        message = {"command": name, "params": parameters, "token": token}
        self._control.sendString(json.dumps(message).encode())
        response = await self.until(lambda: self._control.responses.pop(token, None), f"response to {name}")
        assert response is not None
        if not response["ok"]:
            raise self.failed(f"{name} {parameters}: {response['data']}")
        return str(response["data"])

    async def transfer(self, uri: str, call: str | None = None) -> None:
        """
        Send REFER, always without C{Replaces}.

        Told of the final status, whichever, it sends BYE: events C{CALL_CLOSED} or C{TRANSFER_FAILED}.  With a
        subscription that is still active it then sends SUBSCRIBE with C{Expires: 0}, and does not quit for ten seconds
        unless that is refused or followed by a NOTIFY with C{Subscription-State: terminated}.

        @param call: the call's Call-ID (C{id} in its events) when there are several; else it is the current one.
        """
        if call is not None:
            said = await self.command("callfind", call)
            if "not found" in said:
                raise self.failed(said)
        await self.command("transfer", uri)

    async def whenEvent(self, kind: str, timeout: float = 10.0, **fields: str) -> dict[str, Any]:
        """
        The first event of that type, which may be past; C{events.clear()} forgets those.

        @param fields: what else the event has: C{peeruri}, C{id}, which is the Call-ID, C{direction}, C{param} ...
        """
        sought = {"type": kind, **fields}
        return await self.until(
            lambda: next((event for event in self.events if sought.items() <= event.items()), {}),
            f"event {sought}",
            timeout,
        )

    async def whenShown(self, status: str, timeout: float = 10.0) -> None:
        """
        Wait until it shows so of whom it watches: C{Online} and C{Offline} for C{open} and C{closed}, C{Busy} for
        C{<rpid:busy/>}, C{Unknown} when it was told nothing.
        """
        begin = time.monotonic()
        while status not in (shown := await self.command("contacts")):
            if time.monotonic() - begin > timeout:
                raise self.failed(f"not {status} within {timeout} s: {shown}")
            await deferLater(reactor, 0.02)

    async def sent(self) -> Path:
        """The recording of what it last sent, once that call is closed: wav, 8 kHz, 16 bits."""
        return await self._recording("enc")

    async def heard(self) -> Path:
        """The recording of what it last received, once that call is closed: wav, 8 kHz, 16 bits."""
        return await self._recording("dec")

    async def _recording(self, direction: str) -> Path:
        # The file gets its length when the call's memory is freed, after CALL_CLOSED and in the same turn of
        # baresip's loop: one exchange more, and that turn is over.
        await self.command("listcalls")
        return max(self._recordings.glob(f"dump-*-{direction}.wav"))

    async def stop(self) -> None:
        await self.command("quit")
        status = await self.ended()
        if status != 0:
            raise self.failed(f"exit status {status}")


def _modulePath() -> str:
    """Where Debian's baresip-core keeps its modules: in /usr/lib, or below that in the architecture's own folder."""
    found = [*Path("/usr/lib").glob("baresip/modules"), *Path("/usr/lib").glob("*/baresip/modules")]
    return os.fspath(found[0])


class Sipua(Peer):
    """
    C{twistd -n sipua}, as a user starts it, on a free port of loopback.

    The block's end sends SIGTERM and checks that it ended in order, with nothing on stderr and no traceback in its log.

    @ivar address: C{host:port}.
    @ivar uri: where it is called; add C{;transport=tcp} for TCP.
    @param options: what follows C{--listen}.
    @param listen: the transports it listens on, all at the same port.
    @ivar endsBy: the signal that ends it.
    @param host: the address it listens on.
    @param port: the port, default: a free one.
    """

    endsBy = signal.SIGTERM

    def __init__(
        self,
        folder: Path,
        *options: str,
        listen: tuple[str, ...] = ("udp", "tcp"),
        host: str = LOOPBACK,
        port: int | None = None,
    ) -> None:
        self.port = port or freePort(host)
        self.address = formatHost(host, self.port)
        self.uri = f"sip:sipua@{self.address}"
        self._listeners = len(listen)
        # As a user does, without the interface where it is the default.
        where = "" if host == LOOPBACK else ":interface=" + host.replace(":", r"\:")
        listening = [word for transport in listen for word in ("--listen", f"{transport}:{self.port}{where}")]
        twistd = os.fspath(Path(sys.executable).with_name("twistd"))
        super().__init__(
            [twistd, "-n", "--pidfile=", "--logfile=-", "sipua", *listening, *options],
            folder,
            # The tree under test, also when it is not installed, or another version is.
            {"PYTHONPATH": os.pathsep.join([os.fspath(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])},
        )

    async def started(self) -> None:
        # Twisted's own line for a port, UDP or TCP.
        await self.until(lambda: self.output.count(f" starting on {self.port}\n") == self._listeners, "listening ports")

    def endings(self, how: str) -> int:
        """How many calls its log says ended by C{how}, as the texts of L{Reason} are."""
        return self.output.count(f" ended: {how}, ")

    async def stop(self) -> None:
        await super().stop()
        # twistd ends its services, then ends itself by the signal it got, so that its parent sees why.
        if self.exitStatus != -self.endsBy:
            raise self.failed(f"exit status {self.exitStatus}")
        if self.errors or "Traceback" in self.output:
            raise self.failed("something went wrong in it")
