"""
The lines of a session description (RFC 8866 section 9): what one must look like to be read.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

import attrs

from twisted_sipdialog.errors import ParseError

#: Longest description read, in bytes.
MAX_LENGTH: Final = 65_535
#: Most lines of a description.
MAX_LINES: Final = 2_000
#: Longest line, in bytes.
MAX_LINE_LENGTH: Final = 4_096
#: Most media sections (m= lines).
MAX_MEDIA: Final = 64
#: Most formats of one m= line.
MAX_FORMATS: Final = 128

# The type letters of RFC 8866 and any other letter: unknown ones are kept.
_LINE = re.compile(r"[A-Za-z]=[^\r\0]*", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._-]{1,255}", re.ASCII)
_MEDIA = re.compile(
    rf"m=([!-~]{{1,64}}) +([0-9]{{1,5}})(?:/([0-9]{{1,5}}))? +([!-~]{{1,64}})((?: +[!-~]{{1,64}}){{0,{MAX_FORMATS}}})",
    re.ASCII,
)
_ORIGIN = re.compile(
    r"o=([^ ]{1,255}) ([!-~]{1,64}) ([0-9]{1,20}) ([!-~]{1,32}) ([!-~]{1,32}) ([!-~]{1,255})", re.ASCII
)
_CONNECTION = re.compile(r"c=([!-~]{1,32}) ([!-~]{1,32}) ([!-~]{1,255})", re.ASCII)


@attrs.frozen
class Origin:
    """
    An o= line (RFC 8866 section 5.2).

    @ivar sessionId: kept as text: not everybody writes a number.
    @ivar version: counts the descriptions of one session.
    """

    user: str
    sessionId: str
    version: int
    netType: str
    addressType: str
    address: str


@attrs.frozen
class Connection:
    """
    A c= line (RFC 8866 section 5.7).

    @ivar address: literal or host name, without a multicast TTL or count.
    """

    netType: str
    addressType: str
    address: str

    @property
    def isUnspecified(self) -> bool:
        """No address to send to: 0.0.0.0 (RFC 3264 section 8.4), or its IPv6 forms (RFC 6157 section 5.1)."""
        return self.address in ("0.0.0.0", "::") or self.address.endswith(".invalid")


def readLines(data: bytes) -> list[str]:
    """
    The lines of a description, each C{x=value}, the first C{v=0}.  LF alone ends a line too; empty lines are skipped.
    """
    if len(data) > MAX_LENGTH:
        raise ParseError(f"SDP: longer than {MAX_LENGTH} bytes", 488)
    if data.count(b"\n") >= MAX_LINES:
        raise ParseError(f"SDP: more than {MAX_LINES} lines", 488)
    lines = []
    for raw in data.split(b"\n"):
        if len(raw) > MAX_LINE_LENGTH:
            raise ParseError(f"SDP: a line longer than {MAX_LINE_LENGTH} bytes", 488)
        line = raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")
        if not line:
            continue
        if not _LINE.fullmatch(line):
            raise ParseError(f"SDP: not a line: {line[:40]!r}")
        lines.append(line)
    if not lines or not lines[0].startswith("v="):
        raise ParseError("SDP: no v= line")
    if lines[0].rstrip(" ") != "v=0":
        raise ParseError(f"SDP: version {lines[0][2:40]!r}", 488)
    return lines


def splitSections(lines: list[str]) -> list[tuple[str, ...]]:
    """
    The session part, then each media description from its m= line on.
    """
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    if len(starts) > MAX_MEDIA:
        raise ParseError(f"SDP: more than {MAX_MEDIA} media", 488)
    edges = [0, *starts, len(lines)]
    return [tuple(lines[start:stop]) for start, stop in pairwise(edges)]


def readOrigin(line: str) -> Origin:
    """
    An o= line.
    """
    found = _ORIGIN.fullmatch(line.rstrip(" "))
    if not found:
        raise ParseError(f"SDP: {line[:80]!r}")
    return Origin(found[1], found[2], int(found[3]), found[4], found[5], found[6])


def readConnection(lines: Iterable[str]) -> Connection | None:
    """
    The c= line of a section, if it has one.
    """
    # Several stand for layered multicast (RFC 8866 section 5.7), and the first is the base layer.
    line = next((line for line in lines if line.startswith("c=")), None)
    if line is None:
        return None
    found = _CONNECTION.fullmatch(line.rstrip(" "))
    if not found:
        raise ParseError(f"SDP: {line[:80]!r}")
    netType, addressType = found[1], found[2]
    address = found[3].partition("/")[0]
    if netType == "IN" and addressType in ("IP4", "IP6") and not _isAddress(address, addressType):
        raise ParseError(f"SDP: {line[:80]!r}")
    return Connection(netType, addressType, address)


def _isAddress(address: str, addressType: str) -> bool:
    if ":" not in address and not address.replace(".", "").isdigit():
        return bool(_HOST.fullmatch(address))
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return "%" not in address and parsed.version == (4 if addressType == "IP4" else 6)


def readMedia(line: str) -> tuple[str, int, int, str, tuple[str, ...]]:
    """
    An m= line: type, port, port count, protocol, formats.
    """
    found = _MEDIA.fullmatch(line.rstrip(" "))
    if not found:
        raise ParseError(f"SDP: {line[:80]!r}")
    port, count, formats = int(found[2]), int(found[3] or 1), tuple(found[5].split())
    # A refused stream needs no format; every other does (RFC 3264 section 6).
    if port > 65535 or not 1 <= count <= 65535 or (port and not formats):
        raise ParseError(f"SDP: {line[:80]!r}")
    return found[1], port, count, found[4], formats
