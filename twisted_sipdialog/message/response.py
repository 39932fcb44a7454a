"""
Responses (RFC 3261 section 7.2).
"""

from __future__ import annotations

from collections.abc import Iterable

from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message.headers import Headers
from twisted_sipdialog.message.message import Message
from twisted_sipdialog.status import reasonPhrase as standardPhrase


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
