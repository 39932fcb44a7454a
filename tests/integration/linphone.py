"""
linphonec, Linphone without a window: the other telephone of the integration tests, and one that has session timers.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from tests.integration.peers import LOOPBACK
from tests.integration.ports import freeHost, freePort
from tests.integration.process import Peer
from tests.integration.tone import record


class Linphone(Peer):
    """
    A headless linphonec: no sound card, a wav file as its microphone, what it hears recorded.

    Its standard output has a line for whatever happens to a call: C{whenSaid("connected")}.

    @ivar uri: where it is called; add C{;transport=tcp} for TCP.
    @ivar log: the file with the SIP messages.
    @param program: the path of C{linphonec}.
    @param folder: gets C{NAME/} with its home, its configuration and its log.
    @param name: the user part of its address.
    @param settings: of the section C{[sip]} of its configuration: C{session_expires_value} ...
    @param rtpPorts: the range its RTP ports are taken from.
    @param host: an address of L{freeHost<tests.integration.ports.freeHost>} for it alone, where it uses port 5060.
        linphonec leaves the port out of From and To, and so out of the Refer-To of an attended transfer that it makes
        from them: who shall be found by such a URI needs this.
    """

    def __init__(
        self,
        program: str,
        folder: Path,
        name: str,
        *,
        settings: dict[str, int] | None = None,
        rtpPorts: tuple[int, int] = (27000, 27998),
        host: str | None = None,
        friend: str | None = None,
        account: str | None = None,
    ) -> None:
        self.port = freePort() if host is None else 5060
        self.uri = f"sip:{name}@{LOOPBACK}:{self.port}" if host is None else f"sip:{name}@{host}"
        address = host or LOOPBACK
        own = folder / name
        # Without the folder its data base cannot be made, and then it opens no port.
        (own / ".local" / "share" / "linphone").mkdir(parents=True)
        self.log = own / "log"
        self._read = 0
        sip: dict[str, Any] = {
            "sip_port": self.port,
            "sip_tcp_port": self.port,
            "sip_tls_port": 0,
            "bind_address": address,
            # Else the next line is taken for one of an older version, and thrown away.
            "ipv6_migration_done": 1,
            "use_ipv6": 0,
            "contact": f"<{self.uri}>",
            # Else From has the address of the machine's first other interface.
            "guess_hostname": 0,
            **(settings or {}),
        }
        rtp = {"bind_address": address, "audio_rtp_port": f"{rtpPorts[0]}-{rtpPorts[1]}"}
        sections: dict[str, dict[str, Any]] = {"sip": sip, "rtp": rtp, "sound": {"echocancellation": 0}}
        # Telephone events, PCMU and PCMA; whatever is not named here is on by default.
        lossy = [("opus", 48000, 2), ("speex", 32000, 1), ("speex", 16000, 1), ("speex", 8000, 1), ("G729", 8000, 1)]
        for number, (mime, rate, channels) in enumerate(lossy):
            codec: dict[str, Any] = {"mime": mime, "rate": rate, "channels": channels, "enabled": 0}
            sections[f"audio_codec_{number}"] = codec
        if friend is not None:
            sections["friend_0"] = {"url": f'"friend" <{friend}>', "pol": "accept", "subscribe": 1}
        if account is not None:
            identity = {"reg_identity": f"<{self.uri}>", "reg_sendregister": 1, "publish": 1}
            sections["proxy_0"] = {"reg_proxy": f"<{account}>", "reg_route": f"<{account};lr>", **identity}
            sip["default_proxy"] = 0
        text = "".join(
            f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
            for section, values in sections.items()
        )
        (own / "rc").write_text(text)
        words = ["-c", os.fspath(own / "rc"), "-d", "6", "-l", os.fspath(self.log)]
        super().__init__([program, *words], own, {"HOME": os.fspath(own), "TERM": "dumb"})

    async def started(self) -> None:
        self.command("soundcard use files")
        await self.until(lambda: "Using wav files instead of soundcard." in self.output, "sound from files")

    def command(self, text: str) -> None:
        """
        Carry out one of linphonec's commands: C{call URI}, C{answer}, C{pause}, C{resume}, C{terminate} ...

        Most take the number of a call: C{answer 2}, C{resume 1}.
        """
        self.transport.write(f"{text}\n".encode())

    async def whenSaid(self, text: str, timeout: float = 10.0) -> None:
        """Wait until it writes C{text}; what came up to there is passed over from then on."""
        await self.whenMatched(re.escape(text), timeout)

    async def whenMatched(self, pattern: str, timeout: float = 10.0) -> re.Match[str]:
        """As L{whenSaid}, for a regular expression."""
        sought = re.compile(pattern)
        found = await self.until(lambda: sought.search(self.output, self._read), f"line like {pattern!r}", timeout)
        assert found is not None
        self._read = found.end()
        return found

    def speak(self, tone: int) -> Path:
        """
        Say nothing but a sine of so many Hz from the next call on.

        @return: the recording of what it hears then, in the last of its calls; complete when that has ended.
        """
        said, heard = self.folder / "said.wav", self.folder / "heard.wav"
        record(said, tone)
        self.command(f"play {said}")
        self.command(f"record {heard}")
        return heard

    async def call(self, uri: str) -> int:
        """Begin a call, while no other is active (C{pause} first); the call's number."""
        self.command(f"call {uri}")
        return await self._assigned("Establishing call id to")

    async def called(self) -> int:
        """Wait until it is called; the call's number."""
        return await self._assigned("Receiving new incoming call from")

    async def _assigned(self, how: str) -> int:
        return int((await self.whenMatched(rf"{how} .+, assigned id (\d+)\n"))[1])

    async def calls(self) -> dict[int, str]:
        """The state of each of its calls, by number: C{StreamsRunning}, C{Paused}, C{IncomingReceived} ..."""
        table = re.compile(r"No active call\.|Call states\n.*\n-+\n((?:\d.*\n)*)linphonec> ")
        begin = len(self.output)
        self.command("calls")
        found = await self.until(lambda: table.search(self.output, begin), "table of calls")
        assert found is not None
        rows = re.findall(r"^(\d+) .*\| *(\w+) *\|", found[1] or "", re.MULTILINE)
        return {int(number): state for number, state in rows}

    def transfer(self, call: int, target: str | int) -> None:
        """
        Send REFER in a call: to a URI (blind), or to the other party of another call (attended).

        Told of a 2xx, it sends BYE in C{call} only, and writes C{has been transfered} [sic]; of a failure it says
        nothing.
        """
        self.command(f"transfer {call} {target}" if isinstance(target, str) else f"transfer {call} --to-call {target}")

    def messages(self) -> str:
        """Its log so far: every SIP message that it sent or received stands there as it was."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    async def stop(self) -> None:
        self.command("quit")
        status = await self.ended()
        if status != 0:
            raise self.failed(f"exit status {status}")


def alone(name: str) -> dict[str, Any]:
    """Settings for one that is named without a port: linphonec leaves it out of From and To."""
    host = freeHost()
    return {"aor": f"sip:{name}@{host}", "listen": [f"udp:5060:interface={host}"]}
