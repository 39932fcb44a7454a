"""
A URI with a display name and header parameters: From, To, Contact, Route and their kin (RFC 3261 section 20.10).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from attrs import Factory, frozen

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.grammar import Parameters, formatParameters, parseParameters, quote, splitList, unquote
from twisted_sipdialog.message.uri import Uri, parseUri

# A display name without quotes should be tokens.  Whatever cannot end or confuse it is taken as well: letters of
# other scripts and parentheses are common there.
_NAME_ADDRESS = re.compile(
    r'[ \t]*+(?:("(?:[^"\\]++|\\.)*+")|([^\x00-\x08\x0a-\x1f\x7f"<>,;:@\\]*+))[ \t]*+<([^<>]*+)>[ \t]*+(|;.*)',
    re.DOTALL,
)
# Without brackets, parameters belong to the header, and '?' or ',' would leave open to whom (section 20).
_BARE_ADDRESS = re.compile(r'[ \t]*+([^ \t;?,<>"]++)[ \t]*+(|;.*)', re.DOTALL)

# The plainest form of either: nothing in it that could be wrong, escaped, or said twice.
_PLAIN_URI = r"sips?:(?:[A-Za-z0-9\-_.+]++@)?[A-Za-z0-9\-]++(?:\.[A-Za-z0-9\-]++)*+(?::[1-5]?[0-9]{1,4})?"
_PLAIN = re.compile(
    rf'(?:(?:"[^"\\\x00-\x1f]*+"|[A-Za-z0-9\-_.]*+) ?<({_PLAIN_URI}(?:;(?:transport=[a-z]++|lr|ob))?)>|({_PLAIN_URI}))'
    r"(?:;tag=[A-Za-z0-9\-_.]++)?"
)


def plainUri(text: str) -> str | None:
    """
    The URI of a From, To, Contact, or of a Request-URI in its plainest form, as text.

    Most addresses on the wire are so plain that one look tells them to be well-formed; the
    rest, None, is for L{Address.parse}.
    """
    found = _PLAIN.fullmatch(text)
    return None if found is None else found[1] or found[2]


@frozen(weakref_slot=False)
class Address:
    """
    name-addr or addr-spec (RFC 3261 section 25.1), with the parameters of its header.

    @ivar displayName: without quotes and escapes; None without one.
    @ivar parameters: those of the header, not of the URI.  Not to be changed.
    """

    uri: Uri
    displayName: str | None = None
    parameters: Parameters = Factory(dict)

    @classmethod
    def parse(cls, text: str) -> Address:
        """
        Read one address (RFC 3261 section 20).

        @raise ParseError: it is malformed.
        """
        found = _NAME_ADDRESS.fullmatch(text)
        if found is None:
            bare = _BARE_ADDRESS.fullmatch(text)
            if bare is None:
                raise ParseError(f"{text[:80]!r} is not an address")
            return cls(parseUri(bare[1]), None, parseParameters(bare[2]))
        quoted, words, uri, parameters = found.groups()
        if quoted is not None:
            displayName: str | None = unquote(quoted)
        else:
            displayName = words.rstrip(" \t") or None
        return cls(parseUri(uri), displayName, parseParameters(parameters) if parameters else {})

    def __str__(self) -> str:
        # Always in brackets: the one form that leaves no doubt whose the parameters are.
        name = "" if self.displayName is None else quote(self.displayName) + " "
        return f"{name}<{self.uri}>{formatParameters(self.parameters)}"

    @property
    def tag(self) -> str | None:
        """The tag (section 19.3), None without one."""
        return self.parameters.get("tag")


def parseAddressList(values: Iterable[str]) -> list[Address]:
    """
    The addresses of all lines of one header, in order (RFC 3261 section 7.3.1).

    @raise ParseError: one is malformed, or a line is empty.
    """
    addresses = []
    for value in values:
        elements = splitList(value)
        if not elements:
            raise ParseError("empty")
        addresses.extend([Address.parse(element) for element in elements])
    return addresses


def parseContacts(values: Iterable[str]) -> list[Address] | Literal["*"]:
    """
    As L{parseAddressList}, or C{'*'}, which must be alone (RFC 3261 section 10.2.2).

    @raise ParseError: as there; also a C{*} among others.
    """
    lines = list(values)
    if len(lines) == 1 and lines[0].strip(" \t") == "*":
        return "*"
    return parseAddressList(lines)
