"""
What requests and responses have in common (RFC 3261 section 7).

A message that came in keeps its bytes and is read as far as somebody asks; one
that goes out is written once and sent again from those bytes.  L{Message.shrink}
forgets everything that can be read again from the bytes, so that a call may keep
the request it was made from at the price of its text.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.fields import CSeq, MediaType, Via
from twisted_sipdialog.message.grammar import parameterOf, splitList
from twisted_sipdialog.message.headers import Headers


def tagOf(text: str) -> str:
    """The tag in a From or To, C{""} for none (section 19.3)."""
    if ";" not in text:
        return ""
    before, found, tag = text.rpartition(";tag=")
    if found and not (";" in tag or ">" in tag or '"' in tag or " " in tag or ";tag=" in before):
        return tag
    return parameterOf(text, "tag") or ""


class Message:
    """
    What requests and responses have in common.

    The routing fields below are read on first use and kept.

    @ivar body: the body, C{b""} for none.
    @ivar cseqNumber: the number of CSeq.
    @ivar cseqMethod: the method of CSeq.
    @ivar callId: Call-ID, C{""} when there is none.
    @ivar fromTag: the tag of From, C{""} for none.
    @ivar toTag: the tag of To, C{""} for none.
    @ivar viaText: the topmost Via as text, with what the transport wrote into it (C{received}, C{rport}).
    @ivar via: the topmost Via, typed; reading it raises L{ParseError} when it is malformed.
    """

    __slots__ = (
        "_headers",
        "_wire",
        "body",
        "callId",
        "cseqMethod",
        "cseqNumber",
        "fromTag",
        "toTag",
        "via",
        "viaText",
    )

    body: bytes
    cseqNumber: int
    cseqMethod: str
    callId: str
    fromTag: str
    toTag: str
    viaText: str
    via: Via
    _headers: Headers | None
    _wire: bytes | None

    def _fresh(self, headers: Headers | None, body: bytes, number: int, method: str) -> None:
        self._headers = headers
        self._wire = None
        self.body = body
        self.cseqNumber = number
        self.cseqMethod = method

    def __getattr__(self, name: str) -> Any:
        # Reached only while the slot is empty.
        reader = _READERS.get(name)
        if reader is None:
            raise AttributeError(name)
        value = reader(self)
        setattr(self, name, value)
        return value

    @property
    def headers(self) -> Headers:
        """All header fields."""
        headers = self._headers
        if headers is None:
            assert self._wire is not None
            head = self._wire[: self._wire.index(b"\r\n\r\n")].lstrip(b"\r\n")
            block = str(head, "utf-8", "surrogateescape").partition("\r\n")[2]
            headers = self._headers = Headers.fromBlock(block, len(head))  # how many may be was asked when it came
        return headers

    @property
    def from_(self) -> Address:
        """From, typed.  @raise ParseError: it is malformed."""
        return self.headers.typed("from")  # type: ignore[no-any-return]

    @property
    def to(self) -> Address:
        """To, typed.  @raise ParseError: it is malformed."""
        return self.headers.typed("to")  # type: ignore[no-any-return]

    @property
    def cseq(self) -> CSeq:
        """CSeq, typed."""
        return CSeq(self.cseqNumber, self.cseqMethod)

    def stampVia(self, text: str) -> None:
        """The transport saw where the message came from: C{text} is the topmost Via from now on (section 18.2.1)."""
        self.viaText = text
        self.via = Via.parse(text)

    def viaTexts(self) -> list[str]:
        """All Via header lines, raw, the topmost with the transport's stamp."""
        lines = self.headers._all("via")
        if lines:
            lines[0] = ", ".join([self.viaText, *splitList(lines[0])[1:]]) if "," in lines[0] else self.viaText
        return lines

    @property
    def contacts(self) -> list[Address]:
        """The Contacts; empty for none and for C{*}.  @raise ParseError: malformed."""
        contacts = self.headers.typed("contact")
        return [] if contacts == "*" else contacts

    @property
    def contentType(self) -> MediaType | None:
        """Content-Type, or None.  @raise ParseError: malformed."""
        return self.headers.typed("content-type")  # type: ignore[no-any-return]

    def toBytes(self) -> bytes:
        """The message as it goes on the wire; written once."""
        headers = self._headers
        if self._wire is None or (headers is not None and headers.changed):
            assert headers is not None
            if "content-length" not in headers:
                headers.add("Content-Length", str(len(self.body)))
            text = f"{self.startLine}\r\n{headers.toText()}\r\n"
            self._wire = text.encode("utf-8", "surrogateescape") + self.body
            headers.changed = False
        return self._wire

    @property
    def startLine(self) -> str:
        """The first line, without its CRLF."""
        raise NotImplementedError

    def shrink(self) -> None:
        """Forget what can be read again from the bytes."""
        self.toBytes()
        if self._headers is not None:
            self._headers = None
            with suppress(AttributeError):
                del self.viaText, self.via


def _topVia(message: Message) -> str:
    first = message.headers.get("via") or ""
    return splitList(first)[0] if "," in first else first


#: How a slot of L{Message} is filled when it is read for the first time.
_READERS: dict[str, Callable[[Message], Any]] = {
    "callId": lambda message: message.headers.get("call-id") or "",
    "fromTag": lambda message: tagOf(message.headers.get("from") or ""),
    "toTag": lambda message: tagOf(message.headers.get("to") or ""),
    "viaText": _topVia,
    "via": lambda message: Via.parse(message.viaText),
}


def typedOrNone(message: Message, name: str) -> Any:
    """The typed value of an optional header, None when it is absent or malformed: for what must not be refused."""
    headers = message.headers
    if headers.get(name) is None:
        return None
    try:
        return headers.typed(name)
    except ParseError:
        return None
