"""
Bodies of several parts (RFC 2046 section 5.1, and RFC 5621 for what they mean in SIP).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.grammar import isToken, splitParameters

#: Longest multipart body read, in bytes.
MAX_LENGTH: Final = 1_048_576
#: Most parts of a body, those of nested multiparts included.
MAX_PARTS: Final = 64
#: How deep multiparts may lie in each other; the outermost is the first.
MAX_DEPTH: Final = 4
#: Most header fields of a part.
MAX_HEADERS: Final = 32
#: Longest header block of a part, in bytes.
MAX_HEADER_LENGTH: Final = 8_192

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", re.ASCII)
_HEADERS_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")
#: Dispositions under which a body is what its type says (RFC 3261 section 20.11).
_PLAIN: Final = frozenset({"session", "render", "inline"})


@attrs.frozen
class Part:
    """
    A body with the header fields that describe it.

    @ivar headers: (name, raw value) in order, names as they were written.
    @ivar body: its bytes; of a multipart too.
    @ivar parts: the parts of a multipart; empty for any other body.
    """

    headers: tuple[tuple[str, str], ...]
    body: bytes
    parts: tuple[Part, ...] = ()

    def header(self, name: str) -> str | None:
        """The value of the first header field of that name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def contentType(self) -> str:
        """C{type/subtype} in lower case; C{text/plain} where none is given (RFC 2046 section 5.1)."""
        return mediaType(self.header("Content-Type") or "text/plain")

    @property
    def disposition(self) -> str | None:
        """The disposition type in lower case (RFC 3261 section 20.11), if one is given."""
        value = self.header("Content-Disposition")
        return None if value is None else mediaType(value)

    @property
    def isRequired(self) -> bool:
        """Not C{handling=optional} (RFC 3261 section 20.11): who does not understand it must refuse the message."""
        try:
            handling = splitParameters(self.header("Content-Disposition") or "")[1].get("handling")
        except ParseError:
            return True
        return (handling or "required").lower() != "optional"


def mediaType(contentType: str) -> str:
    """
    A Content-Type (RFC 3261 section 20.15) without its parameters, in lower case.
    """
    head = contentType.partition(";")[0].replace("\t", " ")
    return head.replace(" ", "").lower() if head.isascii() else head


def parseMultipart(contentType: str, body: bytes) -> Part:
    """
    Read a multipart body, and the multiparts in it (RFC 2046 section 5.1.1).  Text before
    the first boundary and after the last is skipped.

    @param contentType: its Content-Type, which names the boundary.
    @raise ParseError: no multipart, no usable boundary, a missing closing boundary, a header
        line that is none, or more than the limits here.
    """
    if len(body) > MAX_LENGTH:
        raise ParseError(f"multipart: longer than {MAX_LENGTH} bytes", 413)
    if not mediaType(contentType).startswith("multipart/"):
        raise ParseError(f"multipart: {contentType[:80]!r} is none")
    budget = [MAX_PARTS]
    return Part((("Content-Type", contentType),), body, _parts(contentType, body, budget, 1))


def buildMultipart(parts: Iterable[Part], boundary: str) -> bytes:
    """
    The body of a multipart of C{parts}; its Content-Type must name C{boundary}.

    @raise InvalidValue: no parts, a boundary that is none or occurs in a part, or a header field that
        would break out of its line.
    """
    if not _BOUNDARY.fullmatch(boundary):
        raise InvalidValue("boundary", boundary, "1 to 70 of the characters of RFC 2046 section 5.1.1")
    delimiter = b"--" + boundary.encode("ascii")
    pieces = []
    for part in parts:
        if delimiter in part.body:
            raise InvalidValue("boundary", boundary, "must not occur in a part")
        lines = [delimiter.decode("ascii")]
        for name, value in part.headers:
            if not isToken(name) or "\r" in value or "\n" in value or "\0" in value:
                raise InvalidValue("header", (name, value), "a token, and a value without CR, LF or NUL")
            lines.append(f"{name}: {value}")
        pieces.append("\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + part.body + b"\r\n")
    if not pieces:
        raise InvalidValue("parts", parts, "at least one")
    return b"".join(pieces) + delimiter + b"--\r\n"


def findBody(contentType: str | None, body: bytes, wanted: str = "application/sdp") -> bytes | None:
    """
    The body of type C{wanted} in a message body: itself, or a part of a multipart (RFC 5621
    section 4): of a C{multipart/alternative} the last that we understand, of
    a C{multipart/related} its root, of any other the first.

    @param contentType: the message's Content-Type, if it has one.
    @return: None when there is none.
    @raise ParseError: as L{parseMultipart}; 415 when it has a part that is not C{wanted}, and which who
        does not understand it must not ignore.
    """
    kind = mediaType(contentType or "")
    if kind == wanted:
        return body
    if contentType is None or not kind.startswith("multipart/"):
        return None
    return _find(parseMultipart(contentType, body), wanted)


def _find(part: Part, wanted: str) -> bytes | None:
    kind = part.contentType
    if kind == wanted:
        # An SDP of another disposition (early-session, RFC 3959) is not the session's.
        return part.body if part.disposition is None or part.disposition in _PLAIN else None
    if kind == "multipart/alternative":
        # They come in increasing order of preference, and only the chosen one has to be understood.
        choices = (_understood(choice, wanted) for choice in reversed(part.parts))
        return next((body for body in choices if body is not None), None)
    if kind == "multipart/related":
        # The others are read when the root refers to them (RFC 2387 section 3).
        return _find(_root(part), wanted)
    found = None
    for each in part.parts:
        body = _understood(each, wanted)
        if body is not None:
            found = body if found is None else found
        elif each.isRequired:
            raise ParseError(f"a part of type {each.contentType[:40]!r} is required", 415)
    return found


def _understood(part: Part, wanted: str) -> bytes | None:
    # What a part holds that we do not understand is a matter of that part, not of the whole body.
    try:
        return _find(part, wanted)
    except ParseError:
        return None


def _root(part: Part) -> Part:
    start = _parametersOf(part.header("Content-Type") or "").get("start")
    named = (each for each in part.parts if start and (each.header("Content-ID") or "").strip(" \t") == start)
    return next(named, part.parts[0])


def _parametersOf(contentType: str) -> dict[str, str | None]:
    return splitParameters(contentType)[1]


def _parts(contentType: str, body: bytes, budget: list[int], depth: int) -> tuple[Part, ...]:
    if depth > MAX_DEPTH:
        raise ParseError(f"multipart: more than {MAX_DEPTH} in each other")
    boundary = _parametersOf(contentType).get("boundary")
    if not boundary or not _BOUNDARY.fullmatch(boundary):
        raise ParseError(f"multipart: no boundary in {contentType[:80]!r}")
    parts = []
    for raw in _split(body, boundary.encode("ascii")):
        budget[0] -= 1
        if budget[0] < 0:
            raise ParseError(f"multipart: more than {MAX_PARTS} parts")
        parts.append(_part(raw, budget, depth))
    return tuple(parts)


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """
    What lies between the delimiter lines.  The line end before a delimiter belongs to the
    delimiter; the one after it stays, and begins the part.
    """
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*+(?=\r?\n|\Z)")
    raws: list[bytes] = []
    start: int | None = None
    for found in delimiter.finditer(body):
        if start is not None:
            raws.append(body[start : found.start()])
            if len(raws) > MAX_PARTS:
                raise ParseError(f"multipart: more than {MAX_PARTS} parts")
        if found[1]:
            if not raws:
                raise ParseError("multipart: no parts")
            return raws
        start = found.end()
    raise ParseError("multipart: no closing boundary")


def _part(raw: bytes, budget: list[int], depth: int) -> Part:
    # From the line end of the delimiter on: an empty line right away means that there are no header fields.
    end = _HEADERS_END.search(raw, 0, MAX_HEADER_LENGTH)
    head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    if len(head) > MAX_HEADER_LENGTH:
        raise ParseError(f"multipart: header fields of more than {MAX_HEADER_LENGTH} bytes")
    headers = _headers(head.decode("utf-8", "surrogateescape"))
    part = Part(headers, body)
    if not part.contentType.startswith("multipart/"):
        return part
    return attrs.evolve(part, parts=_parts(part.header("Content-Type") or "", body, budget, depth + 1))


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    headers = []
    for line in _FOLD.sub(" ", text).split("\n"):
        line = line.removesuffix("\r")
        if not line:
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not isToken(name) or "\r" in value or "\0" in value:
            raise ParseError(f"multipart: not a header field: {line[:40]!r}")
        headers.append((name, value.strip(" \t")))
        if len(headers) > MAX_HEADERS:
            raise ParseError(f"multipart: more than {MAX_HEADERS} header fields in a part")
    return tuple(headers)
