"""
A request of ours as the user agent wants it said, without what depends on its way (RFC 3261 section 8.1.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message import Headers
from twisted_sipdialog.message.digest import DigestClient
from twisted_sipdialog.message.headers import keyOf
from twisted_sipdialog.message.uri import parseUri

Lines = list[tuple[str, str]]


@attrs.define
class Outgoing:
    """
    A request as the user agent wants it said.

    @ivar method: its method.
    @ivar uri: its Request-URI.
    @ivar lines: From, To, Call-ID and whatever else was asked for; not Via, CSeq, Contact, Content-Length.
    @ivar sequence: gives the CSeq number of each attempt that needs a new one.
    @ivar body: the body.
    @ivar routes: Route lines; the first says where it goes, unless C{hop} does.
    @ivar contact: it carries our Contact.
    @ivar digest: what the call leg knows of challenges, or None without credentials.
    @ivar hop: the URI it goes to when that is neither the first route nor, without routes, C{uri}.
    @ivar flow: the only way to the peer, or None when C{hop} is looked for.
    """

    method: str
    uri: str
    lines: Lines
    sequence: Callable[[], int]
    body: bytes = b""
    routes: Lines = attrs.Factory(list)
    contact: bool = False
    digest: DigestClient | None = None
    hop: str | None = None
    flow: Any = None

    @property
    def callId(self) -> str:
        """Its Call-ID."""
        return next(value for name, value in self.lines if name == "Call-ID")

    def nextHop(self) -> Any:
        """
        Where it goes (section 8.1.2).

        @raise ParseError: the first route, or the Request-URI, is malformed.
        """
        if self.hop is not None or not self.routes:
            return parseUri(self.hop or self.uri)
        value = self.routes[0][1]
        return parseUri(value[value.rfind("<") + 1 : value.rfind(">")])


#: What is written for the application: a second one would break the message.
_OURS = frozenset(
    (
        *("via", "from", "to", "call-id", "cseq", "contact", "content-type", "content-length", "max-forwards"),
        # RFC 3262 and 4028: what was agreed has to be what the dialog knows.
        *("rseq", "rack", "session-expires", "min-se"),
    )
)


def extraLines(fields: Iterable[tuple[str, str]], contact: bool = False) -> Lines:
    """
    The C{extraHeaders} of an application, checked.

    @param contact: Contact is the application's: in a redirection, or an answer that says where somebody is found.
    @raise InvalidValue: a line break, a name that is no token, or a header that we write ourselves.
    """
    lines = [*Headers(fields)]
    for name, value in lines:
        key = keyOf(name)
        if key in _OURS and not (contact and key == "contact"):
            raise InvalidValue("extraHeaders", f"{name}: {value}", "this header is written for you")
    return lines


def typeLine(contentType: str) -> tuple[str, str]:
    """
    The Content-Type line, checked.

    @raise InvalidValue: a line break.
    """
    (line,) = Headers([("Content-Type", contentType)])
    return line
