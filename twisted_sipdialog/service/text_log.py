"""
The text log of twistd, with a shorter way for the line that each call leaves.
"""

from __future__ import annotations

import re
import signal
import sys
from functools import lru_cache
from typing import Any

from twisted.logger import FileLogObserver, LogEvent, formatEventAsClassicLogText, formatTime
from twisted.python.logfile import LogFile

#: The namespace of ua/call_log.py.
_CALLS = "twisted_sipdialog.calls"
# What a terminal would obey rather than show: C0 and C1 but for tab and newline, line and paragraph separators,
# what turns the direction of writing.  And surrogates, bytes of no character, which no file takes.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    """C{text} as a log may have it, of several lines or one: what cannot be shown stands as C{\\x1b}."""
    if text.isprintable():
        return text
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def lineOf(event: LogEvent) -> str | None:
    """
    The text of an event, just as twistd writes it, but escaped.

    A busy user agent writes thousands of lines a second for its calls.  The general way looks for calls and
    attributes in every field, and up the time zone for every line; a call's needs neither.
    """
    if event.get("log_namespace") != _CALLS:
        line = formatEventAsClassicLogText(event, _stamp)
        return None if line is None else escaped(line)
    text = escaped(event["log_format"].format_map(event)).replace("\n", "\n\t")
    return f"{_stamp(event['log_time'])} [{_CALLS}#{event['log_level'].name}] {text}\n"


def _stamp(when: float | None) -> str:
    return "-" if when is None else _second(int(when))


# The newest second, and one for lines out of order.
_second = lru_cache(2)(formatTime)


def textLog(twistd: Any) -> FileLogObserver | None:
    """
    What writes the log where twistd was told to, or None when that is not ours to do.

    @param twistd: twistd's own options.
    """
    name = twistd["logfile"]
    if twistd.get("syslog") or twistd["logger"] or (name == "-" and not twistd["nodaemon"]):
        return None
    if twistd["nodaemon"] and name in (None, "-"):
        return FileLogObserver(sys.stdout, lineOf)
    file = LogFile.fromFullPath(name or "twistd.log")
    if not signal.getsignal(signal.SIGUSR1):
        signal.signal(signal.SIGUSR1, lambda *_: _rotate(file))
    return FileLogObserver(file, lineOf)


def _rotate(file: LogFile) -> None:
    from twisted.internet import reactor

    reactor.callFromThread(file.rotate)  # type: ignore[attr-defined]
