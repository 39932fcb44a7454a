"""
C{application/simple-message-summary}: how many messages wait (RFC 3842 section 3.5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import Factory, field, frozen

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.grammar import digits, isToken

#: The event package and the C{Content-Type} of its bodies.
EVENT: Final = "message-summary"
CONTENT_TYPE: Final = "application/simple-message-summary"

#: Longest body read, in bytes, unless another bound is given.
MAX_LENGTH: Final = 65_536
#: Most lines of a body.
MAX_LINES: Final = 1_024
#: The most messages that a count may tell (RFC 3842).
MAXIMUM: Final = 2**32 - 1

#: The kinds of messages (RFC 3458 section 3).
KINDS: Final = (
    "voice-message",
    "video-message",
    "fax-message",
    "pager-message",
    "multimedia-message",
    "text-message",
    "none",
)

_COUNTS = re.compile(r"([0-9]+)[ \t]*/[ \t]*([0-9]+)[ \t]*(?:\([ \t]*([0-9]+)[ \t]*/[ \t]*([0-9]+)[ \t]*\))?")

#: Header-like lines: names as they came, and values.
Lines = tuple[tuple[str, str], ...]


def _checkCount(_counts: object, attribute: object, value: int | None) -> None:
    if value is not None and not 0 <= value <= MAXIMUM:
        raise InvalidValue("count", value, f"0 to {MAXIMUM}")


def _checkUrgent(counts: Counts, _attribute: object, value: int | None) -> None:
    if (counts.urgentNew is None) != (value is None):
        raise InvalidValue("urgentOld", value, "given together with urgentNew")
    _checkCount(counts, _attribute, value)


@frozen
class Counts:
    """
    How many messages of one kind there are.

    @ivar new: those nobody has heard or read.
    @ivar old: the others.
    @ivar urgentNew: those of the new ones that are urgent; None: not said.
    @ivar urgentOld: those of the old ones that are urgent; None: not said.
    """

    new: int = field(default=0, validator=_checkCount)
    old: int = field(default=0, validator=_checkCount)
    urgentNew: int | None = field(default=None, validator=_checkCount)
    urgentOld: int | None = field(default=None, validator=_checkUrgent)

    @classmethod
    def parse(cls, text: str) -> Counts:
        """@raise ParseError: it is not C{new/old}, or C{new/old (urgent new/urgent old)}."""
        found = _COUNTS.fullmatch(text.strip(" \t"))
        if found is None:
            raise ParseError(f"{text[:40]!r} does not count messages as in 2/8 (0/2)")
        new, old, *urgent = (None if count is None else digits(count, "count", MAXIMUM) for count in found.groups())
        return cls(new or 0, old or 0, *urgent)

    def __str__(self) -> str:
        urgent = "" if self.urgentNew is None else f" ({self.urgentNew}/{self.urgentOld})"
        return f"{self.new}/{self.old}{urgent}"


@frozen
class MessageSummary:
    """
    The messages of an account.

    @ivar waiting: something waits.
    @ivar account: its URI, or None.
    @ivar counts: one of L{KINDS} -> how many there are.
    @ivar lines: the other lines before the first empty one.
    @ivar messages: what is told of single messages, if anything: some header fields of each.
    """

    waiting: bool
    account: str | None = None
    counts: Mapping[str, Counts] = Factory(dict)
    lines: Lines = ()
    messages: tuple[Lines, ...] = ()

    @property
    def voice(self) -> Counts:
        """The voice messages; none of them if nothing is said."""
        return self.counts.get("voice-message", Counts())

    @classmethod
    def parse(cls, body: bytes, maxLength: int = MAX_LENGTH) -> MessageSummary:
        """
        Names in any case, lines ended by CRLF or LF.

        @param maxLength: bytes.
        @raise ParseError: 413: it is too long; 400: it is malformed, or C{Messages-Waiting} is not its first line.
        """
        if len(body) > maxLength:
            raise ParseError(f"message summary: {len(body)} bytes are more than {maxLength}", 413)
        summary, *messages = _blocks(body.decode("utf-8", "surrogateescape"))
        if not summary or summary[0][0].lower() != "messages-waiting":
            raise ParseError("message summary: the first line is not Messages-Waiting")
        waiting = summary[0][1].lower()
        if waiting not in ("yes", "no"):
            raise ParseError(f"Messages-Waiting: {waiting[:40]!r} is neither yes nor no")
        account, counts, others = None, {}, []
        for name, value in summary[1:]:
            kind = name.lower()
            if kind in KINDS and kind not in counts:
                counts[kind] = Counts.parse(value)
            elif kind == "message-account" and account is None:
                account = value
            else:
                others.append((name, value))
        return cls(waiting == "yes", account, counts, tuple(others), tuple(filter(None, messages)))

    def toBytes(self) -> bytes:
        """
        The body; the kinds in the order of L{KINDS}.

        @raise InvalidValue: a name or value that would not be read as what it is.
        """
        summary = [("Messages-Waiting", "yes" if self.waiting else "no")]
        if self.account is not None:
            summary.append(("Message-Account", self.account))
        unknown = [kind for kind in self.counts if kind not in KINDS]
        if unknown:
            raise InvalidValue("counts", unknown[0], f"one of {', '.join(KINDS)}")
        summary += [(kind.title(), str(self.counts[kind])) for kind in KINDS if kind in self.counts]
        blocks = [(*summary, *self.lines), *self.messages]
        text = "\r\n".join("".join(map(_line, block)) for block in blocks)
        return text.encode("utf-8", "surrogateescape")


def _blocks(text: str) -> list[Lines]:
    """What stands between the empty lines."""
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    if len(lines) > MAX_LINES:
        raise ParseError(f"message summary: more than {MAX_LINES} lines")
    blocks: list[list[tuple[str, str]]] = [[]]
    for line in lines:
        if not line.strip(" \t"):
            blocks.append([])
        elif line[0] in " \t" and blocks[-1]:
            # A folded value (RFC 3261 section 7.3.1).
            name, value = blocks[-1].pop()
            more = line.strip(" \t")
            blocks[-1].append((name, f"{value} {more}".strip(" ")))
        else:
            name, colon, value = line.partition(":")
            name = name.rstrip(" \t")
            if not colon or not isToken(name) or "\r" in value or "\0" in value:
                raise ParseError(f"message summary: {line[:40]!r} is no line of one")
            blocks[-1].append((name, value.strip(" \t")))
    return [tuple(block) for block in blocks]


def _line(line: tuple[str, str]) -> str:
    name, value = line
    if not isToken(name):
        raise InvalidValue("name", name, "a token (RFC 3261 section 25.1)")
    if any(character in value for character in "\r\n\0"):
        raise InvalidValue(name, value, "must not contain CR, LF or NUL")
    return f"{name}: {value}\r\n"
