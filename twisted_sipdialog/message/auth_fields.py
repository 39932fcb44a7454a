"""
Header fields of authentication: challenges, credentials, and what the server says afterwards (RFC 7616, RFC 8760).
"""

from __future__ import annotations

import re
from typing import ClassVar, Self

from attrs import Factory, frozen

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.grammar import TOKEN_CHARACTERS, isToken, quote, unquote

_PARAMETER = re.compile(
    rf"[ \t]*+([{TOKEN_CHARACTERS}]++)[ \t]*+=[ \t]*+"
    r'([!#-+\--~]++|"(?:[^"\\]++|\\.)*+")[ \t]*+(?:,(?!$)|$)',
    re.DOTALL,
)
_SCHEME = re.compile(rf"[ \t]*+([{TOKEN_CHARACTERS}]++)[ \t]++(.*)", re.DOTALL)


def _parse(text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    position, end = 0, len(text)
    while position < end:
        found = _PARAMETER.match(text, position)
        if found is None:
            raise ParseError(f"malformed authentication parameter at {text[position : position + 40]!r}")
        name, value = found[1].lower(), found[2]
        if name in parameters:
            raise ParseError(f"authentication parameter {name[:40]!r} comes twice")
        parameters[name] = unquote(value) if value[0] == '"' else value
        position = found.end()
    if not parameters:
        raise ParseError("no authentication parameters")
    return parameters


def _format(parameters: dict[str, str], unquoted: frozenset[str]) -> str:
    return ", ".join(
        f"{name}={value}" if name in unquoted and isToken(value) else f"{name}={quote(value)}"
        for name, value in parameters.items()
    )


@frozen(weakref_slot=False)
class _SchemeField:
    """
    A scheme and its parameters: no list, though it has commas (RFC 3261 section 7.3.1).

    @ivar scheme: as written; case does not count.
    @ivar parameters: names in lower case, values without quotes.  Not to be changed.
    """

    scheme: str
    parameters: dict[str, str] = Factory(dict)

    #: RFC 7616 sections 3.3 and 3.4 want these without quotes, and all others with them.
    _unquoted: ClassVar[frozenset[str]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        found = _SCHEME.fullmatch(text)
        if found is None:
            raise ParseError(f"{text[:40]!r} has no authentication scheme with parameters")
        return cls(found[1], _parse(found[2]))

    def __str__(self) -> str:
        return f"{self.scheme} {_format(self.parameters, self._unquoted)}"


@frozen(weakref_slot=False)
class Challenge(_SchemeField):
    """WWW-Authenticate and Proxy-Authenticate (RFC 7616 section 3.3): one challenge for each header line."""

    _unquoted = frozenset({"algorithm", "charset", "stale", "userhash"})


@frozen(weakref_slot=False)
class AuthorizationField(_SchemeField):
    """Authorization and Proxy-Authorization (RFC 7616 section 3.4): credentials for one realm in each header line."""

    _unquoted = frozenset({"algorithm", "nc", "qop", "userhash", "username*"})


@frozen(weakref_slot=False)
class AuthenticationInfo:
    """
    Authentication-Info (RFC 7616 section 3.5).

    @ivar parameters: names in lower case, values without quotes.  Not to be changed.
    """

    parameters: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        return cls(_parse(text))

    def __str__(self) -> str:
        return _format(self.parameters, frozenset({"nc", "qop"}))
