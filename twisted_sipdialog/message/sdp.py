"""
Session descriptions (RFC 8866; what RFC 4566 and RFC 2327 allowed is accepted too).

A description is its bytes: everything typed is read from them once, and every
change makes new bytes and reads those.  So nothing is lost, nothing moves, and
an untouched description goes out as it came in.  Offer and answer are in
L{twisted_sipdialog.message.sdp_answer}.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

from twisted_sipdialog.errors import InvalidValue, ParseError, RemoteError
from twisted_sipdialog.message.sdp_grammar import (
    Connection,
    Origin,
    readConnection,
    readLines,
    readMedia,
    readOrigin,
    splitSections,
)

__all__ = [
    "DIRECTIONS",
    "INACTIVE",
    "RECVONLY",
    "SENDONLY",
    "SENDRECV",
    "Connection",
    "Media",
    "NotAcceptable",
    "Origin",
    "Section",
    "SessionDescription",
    "answerDirection",
    "directed",
    "narrowed",
]

SENDRECV: Final = "sendrecv"
SENDONLY: Final = "sendonly"
RECVONLY: Final = "recvonly"
INACTIVE: Final = "inactive"
#: direction -> (we send, we receive), seen from who wrote the description.
DIRECTIONS: Final[dict[str, tuple[bool, bool]]] = {
    SENDRECV: (True, True),
    SENDONLY: (True, False),
    RECVONLY: (False, True),
    INACTIVE: (False, False),
}
_BY_FLAGS: Final = {flags: direction for direction, flags in DIRECTIONS.items()}

#: payload type -> encoding, for those that need no rtpmap (RFC 3551 section 6).
_STATIC: Final[dict[str, tuple[str, int, int]]] = {
    "0": ("pcmu", 8000, 1),
    "3": ("gsm", 8000, 1),
    "4": ("g723", 8000, 1),
    "5": ("dvi4", 8000, 1),
    "6": ("dvi4", 16000, 1),
    "7": ("lpc", 8000, 1),
    "8": ("pcma", 8000, 1),
    "9": ("g722", 8000, 1),
    "10": ("l16", 44100, 2),
    "11": ("l16", 44100, 1),
    "12": ("qcelp", 8000, 1),
    "13": ("cn", 8000, 1),
    "14": ("mpa", 90000, 1),
    "15": ("g728", 8000, 1),
    "16": ("dvi4", 11025, 1),
    "17": ("dvi4", 22050, 1),
    "18": ("g729", 8000, 1),
    "25": ("celb", 90000, 1),
    "26": ("jpeg", 90000, 1),
    "28": ("nv", 90000, 1),
    "31": ("h261", 90000, 1),
    "32": ("mpv", 90000, 1),
    "33": ("mp2t", 90000, 1),
    "34": ("h263", 90000, 1),
}

_RTPMAP = re.compile(r"([!-.0-~]{1,64})/([0-9]{1,9})(?:/([0-9]{1,3}))?", re.ASCII)


class NotAcceptable(RemoteError):
    """No media can come of this offer, or of this answer (RFC 3264 sections 6 and 7): 488."""

    statusCode = 488


@attrs.frozen(eq=False)
class Section:
    """
    Some lines of a description: its session part, or one of its media.

    @ivar lines: C{x=value} each, without line ends.
    """

    lines: tuple[str, ...]

    @property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        """The a= lines as (name, value) in order; a property attribute has the value C{''}."""
        parts = [line[2:].partition(":") for line in self.lines if line.startswith("a=")]
        return tuple((name, value) for name, _, value in parts)

    def attribute(self, name: str) -> str | None:
        """The value of the first C{a=name:value}; C{''} for C{a=name}; None without one."""
        start = f"a={name}:"
        for line in self.lines:
            if line.startswith(start):
                return line[len(start) :]
            if line == start[:-1]:
                return ""
        return None

    @property
    def ownDirection(self) -> str | None:
        """The direction attribute that stands in these very lines."""
        for line in self.lines:
            if line.startswith("a=") and line[2:] in DIRECTIONS:
                return line[2:]
        return None


@attrs.frozen(eq=False)
class Media(Section):
    """
    A media description (RFC 8866 section 5.14).

    @ivar type: C{audio}, C{video}, ...
    @ivar port: 0 means refused, or withdrawn (RFC 3264 sections 6 and 8.2).
    @ivar portCount: the C{/n} after the port; 1 without.
    @ivar protocol: C{RTP/AVP}, ...
    @ivar formats: payload types, as text: other protocols have other formats.
    @ivar connection: the c= line that applies: this section's, else the session's.  None only when C{port} is 0.
    @ivar direction: the direction that applies, of who wrote the description; an unspecified
        address takes no media, whatever the attribute says (RFC 3264 section 8.4).
    """

    type: str
    port: int
    portCount: int
    protocol: str
    formats: tuple[str, ...]
    connection: Connection | None
    direction: str

    @property
    def isHeld(self) -> bool:
        """Who wrote this wants nothing sent to it."""
        return not DIRECTIONS[self.direction][1]

    @property
    def isRtp(self) -> bool:
        """Formats are RTP payload types."""
        return "RTP/" in self.protocol.upper()

    @property
    def ptime(self) -> int | None:
        """Wanted milliseconds of media in a packet (RFC 8866 section 6.4)."""
        text = self.attribute("ptime")
        # Some write a fraction; what is left of the point is near enough.
        whole = text.partition(".")[0] if text else ""
        return int(whole) if whole.isascii() and whole.isdigit() and len(whole) <= 5 else None

    def rtpmap(self, payload: str) -> str | None:
        """The C{name/rate[/channels]} that an a=rtpmap gives to C{payload} (RFC 8866 section 6.6)."""
        return self._mapped("a=rtpmap:", payload)

    def fmtp(self, payload: str) -> str | None:
        """The parameters that an a=fmtp gives to C{payload} (RFC 8866 section 6.15)."""
        return self._mapped("a=fmtp:", payload)

    def _mapped(self, start: str, payload: str) -> str | None:
        start = f"{start}{payload} "
        for line in self.lines:
            if line.startswith(start):
                return line[len(start) :].strip(" ")
        return None

    def encoding(self, payload: str) -> tuple[str, int, int] | None:
        """
        What C{payload} is, to be compared: (name in lower case, clock rate in Hz, channels),
        by its rtpmap or else by RFC 3551.  None when neither says.
        """
        text = self.rtpmap(payload)
        if text is None:
            return _STATIC.get(payload)
        found = _RTPMAP.fullmatch(text)
        return (found[1].lower(), int(found[2]), int(found[3] or 1)) if found else None


@attrs.frozen(eq=False)
class SessionDescription(Section):
    """
    A session description (RFC 8866 section 5).  C{lines} is its session part.

    @ivar data: all of it, as received or as changed.
    @ivar connection: the session's own c= line, if any.
    @ivar media: the media descriptions in order.
    """

    data: bytes
    origin: Origin
    connection: Connection | None
    media: tuple[Media, ...]

    @classmethod
    def parse(cls, data: bytes) -> SessionDescription:
        """
        Read a description.

        @raise ParseError: 400 for what is no session description; 488 for one we
            cannot use: another version, or more of something than the limits here.
        """
        sections = splitSections(readLines(data))
        session = sections[0]
        origin = next((line for line in session if line.startswith("o=")), None)
        if origin is None:
            raise ParseError("SDP: no o= line")
        connection = readConnection(session)
        direction = Section(session).ownDirection or SENDRECV
        media = tuple(_media(lines, connection, direction) for lines in sections[1:])
        return cls(session, data, readOrigin(origin), connection, media)

    @classmethod
    def fromLines(cls, lines: Iterable[str]) -> SessionDescription:
        """Make a description of C{x=value} lines; they must be valid as bytes must be."""
        return cls.parse("".join([f"{line}\r\n" for line in lines]).encode("utf-8", "surrogateescape"))

    def toBytes(self) -> bytes:
        """The description as it goes into a body; as it came when nothing was changed."""
        return self.data

    def __eq__(self, other: object) -> bool:
        return self.data == other.data if isinstance(other, SessionDescription) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.data)

    @property
    def allLines(self) -> list[str]:
        """Every line of every section."""
        return [*self.lines, *(line for media in self.media for line in media.lines)]

    @property
    def isHold(self) -> bool:
        """It has live media, and wants nothing sent to any of them."""
        live = [media for media in self.media if media.port]
        return bool(live) and all(media.isHeld for media in live)

    def sameSession(self, other: SessionDescription) -> bool:
        """
        Both o= lines have the same session id and version: nothing changed (RFC 3264 section 8).
        The address is not compared, since what stands between two peers rewrites it.
        """
        mine, theirs = self.origin, other.origin
        return mine.sessionId == theirs.sessionId and mine.version == theirs.version

    def withVersionBumped(self) -> SessionDescription:
        """The same with the next version in o= (RFC 3264 section 8)."""
        return self._withOrigin(attrs.evolve(self.origin, version=self.origin.version + 1))

    def asNextOf(self, previous: SessionDescription) -> SessionDescription:
        """
        This description as the next one of C{previous}'s session (RFC 3264 section 8):
        C{previous} itself when they differ in nothing but o=, else this under
        C{previous}'s o= with the next version.
        """
        if self._withOrigin(previous.origin).allLines == previous.allLines:
            return previous
        return self._withOrigin(previous.origin).withVersionBumped()

    def _withOrigin(self, origin: Origin) -> SessionDescription:
        if origin == self.origin:
            return self
        line = "o=" + " ".join(map(str, attrs.astuple(origin)))
        return self.fromLines([line if old.startswith("o=") else old for old in self.allLines])

    def withDirection(self, direction: str, index: int | None = None) -> SessionDescription:
        """
        The same with another direction: of all its live media, or of the one at C{index}.
        Each then states its own, whatever the session part says.

        @raise InvalidValue: a direction that does not exist.
        """
        if direction not in DIRECTIONS:
            raise InvalidValue("direction", direction, "one of " + ", ".join(DIRECTIONS))
        lines = list(self.lines)
        for number, media in enumerate(self.media):
            change = media.port != 0 if index is None else number == index
            if change and media.direction != direction:
                lines += directed(media.lines, direction)
            else:
                lines += media.lines
        return self if lines == self.allLines else self.fromLines(lines)


def directed(lines: Iterable[str], direction: str) -> list[str]:
    """The lines of a media section with this direction attribute, in the place of the one it had or at the end."""
    wanted = f"a={direction}"
    done: list[str] = []
    for line in lines:
        if not (line.startswith("a=") and line[2:] in DIRECTIONS):
            done.append(line)
        elif wanted not in done:
            done.append(wanted)
    return done if wanted in done else [*done, wanted]


def answerDirection(offered: str, ours: str) -> str:
    """
    The direction of an answer (RFC 3264 section 6.1): we send what they receive
    and we want to send, and receive what they send and we want to receive.
    """
    theySend, theyReceive = DIRECTIONS[offered]
    weSend, weReceive = DIRECTIONS[ours]
    return _BY_FLAGS[(weSend and theyReceive, weReceive and theySend)]


def narrowed(direction: str, limit: str) -> str:
    """C{direction} without what C{limit} does not allow; both are ours."""
    maySend, mayReceive = DIRECTIONS[limit]
    weSend, weReceive = DIRECTIONS[direction]
    return _BY_FLAGS[(weSend and maySend, weReceive and mayReceive)]


def _media(lines: tuple[str, ...], session: Connection | None, sessionDirection: str) -> Media:
    mediaType, port, count, protocol, formats = readMedia(lines[0])
    connection = readConnection(lines) or session
    if connection is None and port:
        raise ParseError(f"SDP: no c= line for {lines[0][:80]!r}")
    direction = Section(lines).ownDirection or sessionDirection
    if connection is not None and connection.isUnspecified:
        direction = _BY_FLAGS[(DIRECTIONS[direction][0], False)]
    return Media(lines, mediaType, port, count, protocol, formats, connection, direction)
