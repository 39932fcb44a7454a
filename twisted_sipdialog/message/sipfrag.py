"""
C{message/sipfrag} bodies that tell how a followed REFER fares (RFC 3420, RFC 3515 section 2.4.5).
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.status import reasonPhrase

#: The C{Content-Type} of these bodies.
CONTENT_TYPE: Final = "message/sipfrag;version=2.0"

# The status line alone is read, and any reason phrase is taken: peers leave it out, write several
# words, and add header fields or none, with or without a line end.
_STATUS = re.compile(rb"[\r\n]{0,4}SIP/[0-9]\.[0-9][ \t]+([1-6][0-9]{2})(?![^ \t\r\n])([^\r\n]*)", re.IGNORECASE)


def _checkCode(_fragment: object, _attribute: object, value: int) -> None:
    if not 100 <= value <= 699:
        raise InvalidValue("statusCode", value, "100 to 699")


def _checkReason(_fragment: object, _attribute: object, value: str) -> None:
    if "\r" in value or "\n" in value or "\0" in value:
        raise InvalidValue("reasonPhrase", value, "must not contain CR, LF or NUL")


@attrs.frozen
class StatusFragment:
    """
    A status line in a body: the part of a sipfrag that a referrer needs.

    @ivar statusCode: 100 to 699.
    @ivar reasonPhrase: the standard one if not given.
    """

    statusCode: int = attrs.field(validator=_checkCode)
    reasonPhrase: str = attrs.field(validator=_checkReason)

    @reasonPhrase.default
    def _standardReason(self) -> str:
        return reasonPhrase(self.statusCode)

    @classmethod
    def parse(cls, body: bytes) -> StatusFragment:
        """
        Read the status line that C{body} starts with; whatever follows it is ignored.

        @raise ParseError: it does not start with one (a fragment of a request, or no fragment at all).
        """
        found = _STATUS.match(body)
        if not found:
            raise ParseError(f"sipfrag: {body[:40]!r} does not start with a status line")
        reason = found[2].strip(b" \t").replace(b"\0", b"").decode("utf-8", "surrogateescape")
        return cls(int(found[1]), reason)

    def toBytes(self) -> bytes:
        """The body, ended by CRLF, which RFC 3420 wants after every line and some leave out."""
        return f"SIP/2.0 {self.statusCode} {self.reasonPhrase}\r\n".encode("utf-8", "surrogateescape")
