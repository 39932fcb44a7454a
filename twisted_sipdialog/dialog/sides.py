"""
What a dialog shows of itself: its identity, its two sides, its times.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.uri import SipUri, TelUri, Uri, parseUri

_SURROGATE = re.compile("[\ud800-\udfff]")


def readable(text: str) -> str:
    """C{text} as JSON can carry it to anybody: what came as bytes that are no UTF-8 reads U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def userOf(uri: Uri) -> str:
    """The user of a SIP URI without escapes, the number of a telephone number, C{""} where there is neither."""
    if isinstance(uri, SipUri):
        return uri.userText or ""
    return uri.number if isinstance(uri, TelUri) else ""


@attrs.frozen
class Sip:
    """The three parts of a dialog's identity."""

    callId: str
    localTag: str
    remoteTag: str

    def toJSON(self) -> dict[str, Any]:
        """A plain value that JSON carries."""
        return {
            "callId": readable(self.callId),
            "localTag": readable(self.localTag),
            "remoteTag": readable(self.remoteTag),
        }


@attrs.frozen
class Side:
    """
    One side of a dialog.

    @ivar uri: the URI its requests are sent to.
    @ivar contact: the Contact it gave, as text.
    @ivar sdp: its agreed session description, C{bytes}, or None.
    @ivar contentType: the Content-Type of C{sdp}, or None.
    """

    uri: str
    contact: str
    tag: str
    sdp: bytes | None
    contentType: str | None = None

    @property
    def user(self) -> str:
        """The user part of C{uri} without escapes, C{""} without one."""
        uri = _readOrNone(self.uri)
        return "" if uri is None else userOf(uri)

    @property
    def signalingAddress(self) -> str:
        """The host of C{uri}, an IPv6 address without brackets; C{""} where it names none."""
        uri = _readOrNone(self.uri)
        return uri.host if isinstance(uri, SipUri) else ""

    @property
    def signalingPort(self) -> int:
        """The port of C{uri}, or the one meant without it (RFC 3261 section 19.1.2): 5061 with TLS, else 5060."""
        uri = _readOrNone(self.uri)
        if not isinstance(uri, SipUri):
            return 5060
        if uri.port is not None:
            return uri.port
        return 5061 if uri.isSecure or uri.transport == "tls" else 5060

    def toJSON(self) -> dict[str, Any]:
        """A plain value that JSON carries, the session description as text."""
        return {
            "uri": readable(self.uri),
            "contact": readable(self.contact),
            "tag": readable(self.tag),
            "sdp": None if self.sdp is None else self.sdp.decode("utf-8", "replace"),
            "contentType": None if self.contentType is None else readable(self.contentType),
            "user": readable(self.user),
            "signalingAddress": self.signalingAddress,
            "signalingPort": self.signalingPort,
        }


@attrs.define
class Times:
    """Seconds since the epoch (UTC): the INVITE, the ACK, the end; None while it has not come to that."""

    start: float
    connect: float | None = None
    end: float | None = None

    def toJSON(self) -> dict[str, Any]:
        """A plain value that JSON carries."""
        return {"start": self.start, "connect": self.connect, "end": self.end}


def _readOrNone(text: str) -> Uri | None:
    try:
        return parseUri(text)
    except ParseError:
        return None
