"""
The door to the typed header fields, and the table that says how each header is read (RFC 3261 section 20).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.address import Address, parseAddressList, parseContacts
from twisted_sipdialog.message.auth_fields import AuthenticationInfo, AuthorizationField, Challenge
from twisted_sipdialog.message.core_fields import CSeq, Date, Disposition, MediaType, Privacy, RAck, Via, Warning
from twisted_sipdialog.message.event_fields import (
    MAXIMUM_SECONDS,
    EventField,
    Join,
    MinSE,
    Reason,
    Replaces,
    RetryAfter,
    SessionExpires,
    SubscriptionState,
    TargetDialog,
)
from twisted_sipdialog.message.field_names import CANONICAL, COMPACT
from twisted_sipdialog.message.grammar import digits, splitList, splitParameters, token

__all__ = [
    "CANONICAL",
    "COMPACT",
    "FIELDS",
    "AuthenticationInfo",
    "AuthorizationField",
    "CSeq",
    "Challenge",
    "Date",
    "Disposition",
    "EventField",
    "Join",
    "MediaType",
    "MinSE",
    "Privacy",
    "RAck",
    "Reason",
    "Replaces",
    "RetryAfter",
    "SessionExpires",
    "SubscriptionState",
    "TargetDialog",
    "Via",
    "Warning",
    "parseField",
]

#: Makes the value of one header out of its raw lines.
Reader = Callable[[list[str]], Any]

_VISIBLE = re.compile(r"[!-~]+")


def _single(parse: Callable[[str], Any]) -> Reader:
    """One value and no more, on one line; None when absent."""

    def read(values: list[str]) -> Any:
        if not values:
            return None
        if len(values) > 1:
            raise ParseError("comes more than once")
        return parse(values[0])

    return read


def _listed(parse: Callable[[str], Any], mayBeEmpty: bool = False) -> Reader:
    """A comma list over all lines (section 7.3.1); empty when absent."""

    def read(values: list[str]) -> Any:
        elements = [element for value in values for element in splitList(value)]
        if values and not elements and not mayBeEmpty:
            raise ParseError("empty")
        return [parse(element) for element in elements]

    return read


def _lines(parse: Callable[[str], Any]) -> Reader:
    """One value for each line, whose commas are its own (section 7.3.1 on authentication)."""

    def read(values: list[str]) -> Any:
        return [parse(value) for value in values]

    return read


def _number(maximum: int) -> Reader:
    return _single(lambda text: digits(text.strip(" \t"), "value", maximum))


def _text(text: str) -> str:
    return text


def _visible(text: str) -> str:
    # The grammar of Call-ID is narrower, but it is only ever compared and repeated.
    text = text.strip(" \t")
    if _VISIBLE.fullmatch(text) is None:
        raise ParseError(f"{text[:40]!r} is not a word")
    return text


def _token(text: str) -> str:
    return token(text.strip(" \t"))


def _tag(text: str) -> str:
    """A token whose case does not count: option tags, codings, languages."""
    return token(text).lower()


def _tagWithParameters(text: str) -> str:
    """As L{_tag}; the parameters are checked and left to who asks for the raw value."""
    return _tag(splitParameters(text)[0])


_ADDRESS_LISTS = """
    alert-info call-info diversion error-info history-info p-asserted-identity p-associated-uri p-preferred-identity
    path record-route remote-party-id route service-route
"""
_address = _single(Address.parse)
_challenge = _lines(Challenge.parse)
_credentials = _lines(AuthorizationField.parse)

#: Lower-case full name -> how its lines are read.  A header that is not here has no type but its raw lines.
FIELDS: Final[dict[str, Reader]] = {
    **dict.fromkeys(("from", "to", "refer-to", "referred-by", "reply-to", "p-called-party-id"), _address),
    **dict.fromkeys(
        _ADDRESS_LISTS.split(),
        parseAddressList,
    ),
    "contact": parseContacts,
    **dict.fromkeys(("expires", "min-expires", "flow-timer"), _number(MAXIMUM_SECONDS)),
    "rseq": _number(2**32 - 1),
    "content-length": _number(2**31 - 1),
    **dict.fromkeys(("max-forwards", "max-breadth"), _number(255)),
    # What these may be empty for, an empty value says: nothing is supported (section 20).
    "allow": _listed(token, mayBeEmpty=True),
    "supported": _listed(_tag, mayBeEmpty=True),
    "accept": _listed(MediaType.parse, mayBeEmpty=True),
    "recv-info": _listed(_tagWithParameters, mayBeEmpty=True),
    **dict.fromkeys(("accept-encoding", "accept-language"), _listed(_tagWithParameters, mayBeEmpty=True)),
    **dict.fromkeys(("require", "proxy-require", "unsupported"), _listed(_tag)),
    **dict.fromkeys(("content-encoding", "content-language"), _listed(_tag)),
    "allow-events": _listed(token),
    "in-reply-to": _listed(_visible),
    "info-package": _single(_tagWithParameters),
    **dict.fromkeys(("sip-etag", "sip-if-match", "priority"), _single(_token)),
    "call-id": _single(_visible),
    **dict.fromkeys(("user-agent", "server", "subject", "organization", "mime-version"), _single(_text)),
    "via": _listed(Via.parse),
    "cseq": _single(CSeq.parse),
    "rack": _single(RAck.parse),
    "content-type": _single(MediaType.parse),
    "content-disposition": _single(Disposition.parse),
    "event": _single(EventField.parse),
    "subscription-state": _single(SubscriptionState.parse),
    "replaces": _single(Replaces.parse),
    "join": _single(Join.parse),
    "target-dialog": _single(TargetDialog.parse),
    "session-expires": _single(SessionExpires.parse),
    "min-se": _single(MinSE.parse),
    "retry-after": _single(RetryAfter.parse),
    "reason": _listed(Reason.parse),
    "date": _single(Date.parse),
    "warning": _listed(Warning.parse),
    "privacy": _single(Privacy.parse),
    **dict.fromkeys(("www-authenticate", "proxy-authenticate"), _challenge),
    **dict.fromkeys(("authorization", "proxy-authorization"), _credentials),
    "authentication-info": _single(AuthenticationInfo.parse),
}


def parseField(name: str, values: list[str]) -> Any:
    """
    The value of a header (RFC 3261 section 20): one typed value, None when there is no line; or a list of them.

    @param name: the full name, in lower case.
    @param values: its lines, raw and unfolded, in their order.
    @raise ParseError: malformed, or several values where only one may be.
    """
    read = FIELDS.get(name)
    if read is None:
        return values
    try:
        return read(values)
    except ParseError as e:
        raise ParseError(f"{CANONICAL.get(name, name)}: {e}", e.statusCode) from None
