"""
The command line of C{twistd sipua}.
"""

from __future__ import annotations

import re
from typing import Any

from twisted.python import usage

from twisted_sipdialog.service.checks import BUILT_IN
from twisted_sipdialog.service.settings import Settings, WrongSetting
from twisted_sipdialog.service.text_log import escaped

#: What the command line takes for a number.
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)
#: The options with one value, and the settings they are.
_SETTINGS = {
    "aor": "aor",
    "advertise": "advertise",
    "delegate": "delegate",
    "answer-after": "answerAfter",
    "media": "media",
    "rtp-ports": "rtpPorts",
    "rel100": "rel100",
    "session-timers": "sessionTimers",
    "session-expires": "sessionExpires",
    "min-se": "minSE",
    "refer-policy": "referPolicy",
    "transfer-to": "transferTo",
    "publication-store": "publicationStore",
}


def lineOf(error: Exception) -> str:
    """What the program's last words are: one line, whatever the words of others in it."""
    return f"twistd sipua: {escaped(str(error))}".replace("\n", "\\n").replace("\t", "\\t")


class Options(usage.Options):
    """
    What is wrong ends the program with one line; twistd would print its page of options around it.

    @ivar settings: L{Settings}: what was told, here and in the file of C{--settings}.
    """

    synopsis = "[options]"
    longdesc = (
        "A SIP user agent: answers calls and echoes what is said, rejects them, or hands them to your delegate. "
        "Until --listen says otherwise, only this machine can call it."
    )

    optFlags = [
        ["log-messages", None, "Log every SIP message, without its secrets."],
    ]
    optParameters = [
        ["aor", None, None, "Our address of record.  [default: sip:sipua@127.0.0.1]"],
        ["advertise", None, None, "The host that peers reach us by, when a NAT is in between."],
        [
            "delegate",
            None,
            None,
            "Who takes requests: answer, reject, transfer, presence, or module:Class.  [default: answer]",
        ],
        ["answer-after", None, None, "Seconds that answer rings.  [default: 0]"],
        ["media", None, None, "echo (of RTP), or fixed: a session description and no RTP.  [default: echo]"],
        ["rtp-ports", None, None, "The first and the last port for RTP.  [default: 16384-32767]"],
        ["rel100", None, None, "Reliable provisional responses: off, supported or required.  [default: supported]"],
        ["session-timers", None, None, "Session timers: off, supported or always.  [default: supported]"],
        ["session-expires", None, None, "Seconds after which a session nobody refreshed is over.  [default: 1800]"],
        ["min-se", None, None, "The shortest such time that we take, in seconds.  [default: 90]"],
        ["refer-policy", None, None, "Which REFERs are followed: trusted, follow, ask or refuse.  [default: refuse]"],
        ["transfer-to", None, None, "The URI that callers of transfer are to call instead."],
        ["publication-store", None, None, "An SQLite file for what is published to presence.  [default: memory]"],
        ["settings", None, None, "A TOML file with the same settings, and more; what stands here comes first."],
    ]
    compData = usage.Completions(
        optActions={
            "delegate": usage.CompleteList([*BUILT_IN]),
            "media": usage.CompleteList(["echo", "fixed"]),
            "rel100": usage.CompleteList(["off", "supported", "required"]),
            "session-timers": usage.CompleteList(["off", "supported", "always"]),
            "refer-policy": usage.CompleteList(["trusted", "follow", "ask", "refuse"]),
            "settings": usage.CompleteFiles("*.toml"),
        }
    )

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.settings = Settings()
        self._listen: list[str] = []
        self._publish: list[str] = []
        self._watch: list[str] = []

    def opt_listen(self, description: str) -> None:
        """
        Where to listen, may be repeated: udp:5060 (this machine alone), tcp:5060:interface=192.0.2.1, or any
        endpoint description of Twisted.  [default: udp:5060 and tcp:5060]
        """
        self._listen.append(description)

    def opt_publish(self, state: str) -> None:
        """
        A state of ours to publish, may be repeated: presence:open, presence:closed, an activity such as
        presence:on-the-phone, each with a note (presence:away:At lunch); or EVENT:@FILE.
        """
        self._publish.append(state)

    def opt_watch(self, target: str) -> None:
        """
        Whose presence to watch and log, may be repeated: sip:alice@example.com; of another event package,
        message-summary:sip:alice@example.com.
        """
        self._watch.append(target)

    def parseArgs(self, *arguments: str) -> None:
        """There are none."""
        if arguments:
            raise usage.UsageError(f"{arguments[0]!r}: there are only options here")

    def parseOptions(self, options: list[str] | None = None) -> None:
        """
        @raise SystemExit: with the line that says what is wrong.
        """
        try:
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except (usage.UsageError, WrongSetting) as e:
            raise SystemExit(lineOf(e)) from None

    def postOptions(self) -> None:
        """The file first, so that the command line wins."""
        if self["settings"] is not None:
            self.settings.read(self["settings"])
        if self._listen:
            self.settings.take("listen", self._listen, "--listen")
        if self._publish:
            self.settings.take("publish", self._publish, "--publish")
        if self._watch:
            self.settings.take("watch", self._watch, "--watch")
        if self["log-messages"]:
            self.settings.take("logMessages", True, "--log-messages")
        for option, name in _SETTINGS.items():
            value: Any = self[option]
            if value is None:
                continue
            if name in ("answerAfter", "sessionExpires", "minSE") and _NUMBER.fullmatch(value):
                value = float(value) if "." in value else int(value)
            self.settings.take(name, value, f"--{option}")
