"""
Requests and responses (RFC 3261 section 7).

A message that came in keeps its bytes and is read as far as somebody asks; one
that goes out is written once and sent again from those bytes.  L{Message.shrink}
forgets everything that can be read again from the bytes, so that a call may keep
the request it was made from at the price of its text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.fields import CSeq, MediaType, Via
from twisted_sipdialog.message.grammar import isToken, parameterOf, splitList
from twisted_sipdialog.message.headers import Headers, headerText
from twisted_sipdialog.message.uri import OtherUri, SipUri, TelUri, parseUri
from twisted_sipdialog.status import reasonPhrase as standardPhrase


def tagOf(text: str) -> str:
    """The tag in a From or To, C{""} for none (section 19.3)."""
    if ";" not in text:
        return ""
    before, found, tag = text.rpartition(";tag=")
    if found and not (";" in tag or ">" in tag or '"' in tag or " " in tag or ";tag=" in before):
        return tag
    return parameterOf(text, "tag") or ""


#: What a response repeats as it came, beside Via and To, so far as it is there.
_ECHOED = (("From", "from"), ("Call-ID", "call-id"), ("CSeq", "cseq"))


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
            headers = self._headers = Headers.fromBlock(str(head, "utf-8", "surrogateescape").partition("\r\n")[2])
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


class Request(Message):
    """
    A request.

    @ivar method: as written; methods are compared with case.
    @ivar uriText: the Request-URI as written.
    """

    __slots__ = ("_echo", "_uri", "method", "uriText")

    def __init__(
        self,
        method: str,
        uri: str | SipUri | TelUri | OtherUri,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        """
        @raise InvalidValue: C{method} is no token, C{uri} has white space or line breaks, or a header is not allowed.
        """
        if not isToken(method):
            raise InvalidValue("method", method, "must be a token (RFC 3261 section 25.1)")
        text = str(uri)
        if not text or any(c <= " " or c == "\x7f" for c in text):
            raise InvalidValue("uri", text, "must not be empty nor contain white space or control characters")
        if not isinstance(headers, Headers):
            headers = Headers(headers)
        cseq = headers.typed("cseq")
        self._fresh(headers, body, cseq.number if cseq else 0, method)
        self.method = method
        self.uriText = text
        self._uri = None if isinstance(uri, str) else uri
        self._echo: tuple[str, str] | None = None

    @classmethod
    def _parsed(cls, method: str, uriText: str, headers: Headers, cseqNumber: int, cseqMethod: str) -> Request:
        self = cls.__new__(cls)
        self._headers = headers
        self._wire = self._uri = self._echo = None
        self.body = b""
        self.cseqNumber = cseqNumber
        self.cseqMethod = cseqMethod
        self.method = method
        self.uriText = uriText
        return self

    @classmethod
    def _written(cls, method: str, uriText: str, lines: list[tuple[str, str]], body: bytes, cseqNumber: int) -> Request:
        """A request this package wrote, its lines unchecked."""
        self = cls._parsed(method, uriText, Headers._trusted(lines), cseqNumber, method)
        self.body = body
        return self

    @property
    def uri(self) -> SipUri | TelUri | OtherUri:
        """The Request-URI, typed.  @raise ParseError: malformed."""
        uri = self._uri
        if uri is None:
            uri = self._uri = parseUri(self.uriText)
        return uri

    @property
    def startLine(self) -> str:
        return f"{self.method} {self.uriText} SIP/2.0"

    @property
    def expectsDialog(self) -> bool:
        """Its 2xx makes a dialog, so its responses carry Record-Route and Contact."""
        return self.method in ("INVITE", "SUBSCRIBE", "REFER", "NOTIFY")

    def shrink(self) -> None:
        super().shrink()
        self._echo = self._uri = None

    def response(
        self,
        statusCode: int,
        reasonPhrase: str | None = None,
        toTag: str = "",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
    ) -> Response:
        """
        The response to this request (section 8.2.6): Via, From, To, Call-ID, CSeq as they came, Record-Route
        and Timestamp where they belong.

        @param reasonPhrase: default: the registered phrase.
        @param toTag: put into To when the request had none.
        @raise InvalidValue: a header or the phrase holds a line break.
        """
        extra = headerText(headers) if headers else ""
        if contentType is not None:
            extra += headerText([("Content-Type", contentType)])
        if reasonPhrase is None:
            reasonPhrase = standardPhrase(statusCode)
        elif "\r" in reasonPhrase or "\n" in reasonPhrase or "\0" in reasonPhrase:
            raise InvalidValue("reasonPhrase", reasonPhrase, "must not contain CR, LF or NUL")
        return self._respond(statusCode, reasonPhrase, toTag, extra, body)

    def _respond(self, statusCode: int, reasonPhrase: str, toTag: str, extra: str, body: bytes) -> Response:
        """As L{response}, with C{extra} header text that this package wrote itself."""
        echo = self._echo
        if echo is None or echo[0] != toTag:
            echo = self._echo = (toTag, self._echoed(toTag))
        index = self.headers._indexed()
        if "record-route" in index and 100 < statusCode < 300 and self.expectsDialog:
            extra = "".join([f"Record-Route: {v}\r\n" for v in self.headers._all("record-route")]) + extra
        elif statusCode == 100 and "timestamp" in index:
            extra = f"Timestamp: {index['timestamp']}\r\n{extra}"
        text = f"SIP/2.0 {statusCode} {reasonPhrase}\r\n{echo[1]}{extra}Content-Length: {len(body)}\r\n\r\n"
        return Response._written(
            statusCode,
            reasonPhrase,
            text.encode("utf-8", "surrogateescape") + body,
            body,
            self.cseqNumber,
            self.cseqMethod,
        )

    def _echoed(self, toTag: str) -> str:
        """Via, From, To, Call-ID and CSeq as every response repeats them."""
        index = self.headers._indexed()
        vias = "\r\nVia: ".join(self.viaTexts())
        tag = f";tag={toTag}" if toTag and not self.toTag else ""
        try:
            return (
                f"Via: {vias}\r\nFrom: {index['from']}\r\nTo: {index['to']}{tag}\r\n"
                f"Call-ID: {index['call-id']}\r\nCSeq: {index['cseq']}\r\n"
            )
        except KeyError:
            # A malformed request lacks some of them; its 400 carries what there was.
            text = f"Via: {vias}\r\n" + "".join([f"{n}: {index[k]}\r\n" for n, k in _ECHOED if k in index])
            return text + (f"To: {index['to']}{tag}\r\n" if "to" in index else "")

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uriText}>"


class Response(Message):
    """
    A response.

    @ivar statusCode: 100 to 699.
    @ivar reasonPhrase: as written; may be empty.
    """

    __slots__ = ("reasonPhrase", "statusCode")

    def __init__(
        self,
        statusCode: int,
        reasonPhrase: str | None = None,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        """
        @param reasonPhrase: default: the registered phrase.
        @raise InvalidValue: a value out of range or with a line break.
        """
        if not 100 <= statusCode <= 699:
            raise InvalidValue("statusCode", statusCode, "100 to 699")
        if reasonPhrase is None:
            reasonPhrase = standardPhrase(statusCode)
        elif "\r" in reasonPhrase or "\n" in reasonPhrase or "\0" in reasonPhrase:
            raise InvalidValue("reasonPhrase", reasonPhrase, "must not contain CR, LF or NUL")
        if not isinstance(headers, Headers):
            headers = Headers(headers)
        cseq = headers.typed("cseq")
        self._fresh(headers, body, cseq.number if cseq else 0, cseq.method if cseq else "")
        self.statusCode = statusCode
        self.reasonPhrase = reasonPhrase

    @classmethod
    def _parsed(cls, code: int, phrase: str, headers: Headers, cseqNumber: int, cseqMethod: str) -> Response:
        self = cls.__new__(cls)
        self._fresh(headers, b"", cseqNumber, cseqMethod)
        self.statusCode = code
        self.reasonPhrase = phrase
        return self

    @classmethod
    def _written(cls, code: int, phrase: str, wire: bytes, body: bytes, number: int, method: str) -> Response:
        self = cls.__new__(cls)
        self._headers = None
        self._wire = wire
        self.body = body
        self.cseqNumber = number
        self.cseqMethod = method
        self.statusCode = code
        self.reasonPhrase = phrase
        return self

    @property
    def startLine(self) -> str:
        return f"SIP/2.0 {self.statusCode} {self.reasonPhrase}"

    def __repr__(self) -> str:
        return f"<Response {self.statusCode} {self.reasonPhrase} to {self.cseqMethod}>"


def typedOrNone(message: Message, name: str) -> Any:
    """The typed value of an optional header, None when it is absent or malformed: for what must not be refused."""
    try:
        return message.headers.typed(name)
    except ParseError:
        return None
