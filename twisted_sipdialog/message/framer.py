"""
From a stream of bytes to messages (RFC 3261 section 18.3, RFC 5626 section 3.5.1).
"""

from __future__ import annotations

from enum import Enum

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.headers import Headers
from twisted_sipdialog.message.parser import DEFAULT_LIMITS, Limits, contentLength, readHead, readLength
from twisted_sipdialog.message.request import Request
from twisted_sipdialog.message.response import Response


class KeepAlive(Enum):
    """What stands between messages to keep a connection alive."""

    PING = "double CRLF"
    PONG = "single CRLF"


class StreamFramer:
    """
    Cuts a stream into messages; how the bytes were split over segments makes no difference.

    After a L{ParseError} whose C{fatal} is set the position is lost: the connection
    must be closed and nothing more be fed.
    """

    __slots__ = ("_buffer", "_dead", "_halfPing", "_limits", "_message", "_need", "_searched")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0  # how far the end of the headers was looked for
        self._message: Request | Response | ParseError | None = None  # whose body is awaited
        self._need = 0  # where in the buffer the message ends, once known
        self._dead = False
        self._halfPing = False

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished message are held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Request | Response | ParseError | KeepAlive]:
        """
        The messages, errors and keep-alives that C{data} completes, in their order.
        """
        found: list[Request | Response | ParseError | KeepAlive] = []
        if self._dead:
            return found
        self._buffer += data
        while self._buffer and not self._dead:
            if self._message is None and not self._readHead(found):
                break
            if self._message is not None:
                if len(self._buffer) < self._need:
                    break
                self._complete(found)
        return found

    def _readHead(self, found: list[Request | Response | ParseError | KeepAlive]) -> bool:
        """Read keep-alives or one head; False when more bytes are needed."""
        buffer = self._buffer
        if buffer[0] in b"\r\n":
            return self._readKeepAlive(found)
        self._halfPing = False
        end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3))
        if end < 0:
            self._searched = len(buffer)
            if len(buffer) > self._limits.headers:
                self._die(found, ParseError("headers without an end", None, fatal=True))
            return False
        if end > self._limits.headers:
            self._die(found, ParseError("the headers are too large", None, fatal=True))
            return False
        message: Request | Response | ParseError
        length: int | None
        try:
            message = readHead(bytes(buffer[:end]), self._limits)
            length = contentLength(message, self._limits)
            if length is None:
                # Section 18.3: a stream message states its length; without it the next one cannot be found.
                request = message if isinstance(message, Request) and message.method != "ACK" else None
                raise ParseError("Content-Length is missing", 400 if request else None, request, fatal=True)
            if end + 4 + length > self._limits.message:
                request = message if isinstance(message, Request) and message.method != "ACK" else None
                raise ParseError("message too large", 513 if request else None, request, fatal=True)
        except ParseError as error:
            message = error
            length = None if error.fatal else _lengthOf(bytes(buffer[:end]), self._limits)
            if length is None:
                error.fatal = True
                self._die(found, error)
                return False
        self._message = message
        self._need = end + 4 + length
        return True

    def _readKeepAlive(self, found: list[Request | Response | ParseError | KeepAlive]) -> bool:
        buffer = self._buffer
        if buffer == b"\r":
            return False
        if buffer[:4] == b"\r\n\r\n" or (self._halfPing and buffer[:2] == b"\r\n"):
            del buffer[: 2 if self._halfPing else 4]
            self._halfPing = False
            found.append(KeepAlive.PING)
            return True
        if buffer[:2] == b"\r\n":
            del buffer[:2]
            # A pong, and perhaps the first half of a ping whose rest is still on its way.
            self._halfPing = not buffer or buffer == b"\r"
            found.append(KeepAlive.PONG)
            return True
        self._die(found, ParseError("a bare CR or LF between messages", None, fatal=True))
        return False

    def _complete(self, found: list[Request | Response | ParseError | KeepAlive]) -> None:
        message, need = self._message, self._need
        assert message is not None
        if not isinstance(message, ParseError):
            wire = bytes(self._buffer[:need])
            message._wire = wire
            message.body = wire[wire.index(b"\r\n\r\n") + 4 :]
        found.append(message)
        del self._buffer[:need]
        self._message = None
        self._searched = 0

    def _die(self, found: list[Request | Response | ParseError | KeepAlive], error: ParseError) -> None:
        found.append(error)
        self._dead = True
        self._buffer.clear()


def _lengthOf(head: bytes, limits: Limits) -> int | None:
    """How long the body of a refused message is, None when that cannot be told for certain."""
    try:
        return readLength(Headers.fromBlock(str(head, "utf-8", "surrogateescape").partition("\r\n")[2]), limits)
    except ParseError:
        return None
