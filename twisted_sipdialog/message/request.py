"""
Requests (RFC 3261 section 7.1), and the responses that are derived from them (section 8.2.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message.grammar import isToken
from twisted_sipdialog.message.headers import Headers, headerText
from twisted_sipdialog.message.message import Message
from twisted_sipdialog.message.response import Response
from twisted_sipdialog.message.uri import OtherUri, SipUri, TelUri, parseUri
from twisted_sipdialog.status import reasonPhrase as standardPhrase

#: What a response repeats as it came, beside Via and To, so far as it is there.
_ECHOED = (("From", "from"), ("Call-ID", "call-id"), ("CSeq", "cseq"))


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
    def statelessTag(self) -> str:
        """The To tag of an answer that keeps no state: the same for each copy of the request (section 8.2.7)."""
        return f"{crc32(self.viaText.encode('utf-8', 'surrogateescape')):08x}"

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

    def badRequest(self, error: Exception) -> Response:
        """The 400 to it, with what is wrong in the phrase (section 21.4.1)."""
        phrase = "".join(c if " " <= c < "\x7f" else "?" for c in f"Bad Request: {error}"[:120])
        return self.response(400, phrase)

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
