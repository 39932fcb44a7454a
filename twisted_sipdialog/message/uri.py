"""
SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966), and their comparison.
"""

from __future__ import annotations

import ipaddress
import re

from attrs import Factory, evolve, frozen

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.grammar import (
    HOST,
    PORT,
    Parameters,
    checkEscapes,
    escape,
    formatHost,
    readHost,
    unescape,
)

_UNRESERVED = r"A-Za-z0-9\-_.!~*'()%"

# '#' is not of the grammar, but dialling strings like *72#123 come without its escape and mislead nobody.
_SIP = re.compile(
    r"([sS][iI][pP][sS]?):"
    rf"(?:([{_UNRESERVED}&=+$,;?/#]++)(?::([{_UNRESERVED}&=+$,]*+))?@)?"
    rf"{HOST}(?::{PORT})?"
    rf"((?:;[{_UNRESERVED}\[\]/:&+$;=]*+)?)"
    rf"(?:\?([{_UNRESERVED}\[\]/?:+$&=]++))?"
)
_TEL = re.compile(rf"(\+[0-9.()\-]*[0-9][0-9.()\-]*|[0-9A-Fa-f*#.()\-]+)((?:;[{_UNRESERVED}\[\]/:&+$;=]*+)?)")
_OTHER = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*+):([!#-;=?-~]++)")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")

_VISUAL_SEPARATORS = str.maketrans("", "", "-.()")
_UNESCAPED_FORM = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")

# RFC 3261 section 19.1.4: present in one URI only, these make two URIs different.
_NEVER_IGNORED = ("user", "ttl", "method", "maddr", "transport")


@frozen(weakref_slot=False)
class SipUri:
    """
    A SIP or SIPS URI (RFC 3261 section 19.1.1).  Equality is literal; see L{uriEquals} for that of the RFC.

    @ivar scheme: C{'sip'} or C{'sips'}.
    @ivar user: as written, escapes included; None without one.
    @ivar password: as written; None without one.
    @ivar host: in lower case, IPv6 without brackets.
    @ivar parameters: names in lower case, values as written.  Not to be changed.
    @ivar headers: (name, value) as written: see L{header}.
    """

    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int | None = None
    parameters: Parameters = Factory(dict)
    headers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        text = f"{self.scheme}:{self._userInfo()}{formatHost(self.host, self.port)}"
        for name, value in self.parameters.items():
            text += f";{name}" if value is None else f";{name}={value}"
        if self.headers:
            text += "?" + "&".join([f"{name}={value}" for name, value in self.headers])
        return text

    def _userInfo(self) -> str:
        if self.user is None:
            return ""
        return f"{self.user}@" if self.password is None else f"{self.user}:{self.password}@"

    @property
    def userText(self) -> str | None:
        """The user without escapes."""
        return None if self.user is None else unescape(self.user)

    @property
    def hostPort(self) -> str:
        """C{host[:port]}, IPv6 in brackets."""
        return formatHost(self.host, self.port)

    @property
    def transport(self) -> str | None:
        """The transport parameter in lower case, if any."""
        value = self.parameters.get("transport")
        return None if value is None else value.lower()

    @property
    def lr(self) -> bool:
        """This is a loose router (section 16.12.1.1), whatever value the flag was given."""
        return "lr" in self.parameters

    @property
    def isSecure(self) -> bool:
        """The scheme is sips."""
        return self.scheme == "sips"

    def header(self, name: str) -> str | None:
        """
        The header that a request made from this URI is to carry (section 19.1.5), without escapes.

        @param name: in any case.
        """
        name = name.lower()
        return next((unescape(value) for key, value in self.headers if unescape(key).lower() == name), None)

    def withHeader(self, name: str, text: str) -> SipUri:
        """This URI with one more header, escaped for it: C{Replaces} in a Refer-To (RFC 3891 section 5)."""
        return evolve(self, headers=(*self.headers, (escape(name), escape(text))))

    def withoutHeaders(self) -> SipUri:
        """This URI as a Request-URI or remote target may have it (section 19.1.1, table 1)."""
        return evolve(self, headers=()) if self.headers else self

    def withParameters(self, parameters: Parameters) -> SipUri:
        """This URI with C{parameters} added, or in the place of its own of the same names."""
        return evolve(self, parameters={**self.parameters, **parameters})

    def bare(self) -> SipUri:
        """Scheme, user, host and port alone."""
        return SipUri(self.scheme, self.user, None, self.host, self.port)

    def aor(self) -> str:
        """
        The address-of-record as a key (section 10.3, step 5): no parameters, no escape without need, and of an IPv6
        address the shortest form.
        """
        user = "" if self.user is None else f"{_normalised(self.user)}@"
        return f"{self.scheme}:{user}{formatHost(str(_hostKey(self.host)), self.port)}"


@frozen(weakref_slot=False)
class TelUri:
    """
    A telephone number (RFC 3966).

    A local number should name its C{phone-context}; it is taken without, as C{tel:112} is common.

    @ivar number: without visual separators; a global one begins with C{+}.
    """

    number: str
    parameters: Parameters = Factory(dict)

    scheme = "tel"

    def __str__(self) -> str:
        text = f"tel:{self.number}"
        for name, value in self.parameters.items():
            text += f";{name}" if value is None else f";{name}={value}"
        return text

    @property
    def isGlobal(self) -> bool:
        """The number means the same everywhere (RFC 3966 section 5.1.4)."""
        return self.number[0] == "+"


@frozen(weakref_slot=False)
class OtherUri:
    """
    An absolute URI of a scheme that SIP knows nothing about (RFC 3261 section 25.1, absoluteURI).

    @ivar scheme: in lower case.
    @ivar rest: what follows the colon.
    """

    scheme: str
    rest: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"


Uri = SipUri | TelUri | OtherUri


def parseUri(text: str) -> Uri:
    """
    Read a URI without brackets (RFC 3261 section 25.1).

    @raise ParseError: it is malformed (400).
    """
    found = _SIP.fullmatch(text)
    if found is None:
        return _parseOther(text)
    scheme, user, password, name, literal, port, parameters, headers = found.groups()
    if "%" in text:
        checkEscapes(text)
    return SipUri(
        scheme.lower(),
        user,
        password,
        name.lower() if name is not None and ".." not in name else readHost(name, literal),
        port if port is None else int(port),
        _readParameters(parameters) if parameters else {},
        _readHeaders(headers) if headers else (),
    )


def _parseOther(text: str) -> Uri:
    found = _OTHER.fullmatch(text)
    if found is None:
        raise ParseError(f"{text[:80]!r} is not a URI")
    checkEscapes(text)
    scheme, rest = found[1].lower(), found[2]
    if scheme == "tel":
        tel = _TEL.fullmatch(rest)
        number = tel[1].translate(_VISUAL_SEPARATORS).upper() if tel is not None else ""
        if tel is None or not number:
            raise ParseError(f"{text[:80]!r} is not a telephone number")
        return TelUri(number, _readParameters(tel[2]) if tel[2] else {})
    if scheme in ("sip", "sips"):
        raise ParseError(f"{text[:80]!r} is not a SIP URI")
    return OtherUri(scheme, rest)


def _readParameters(text: str) -> Parameters:
    parameters: Parameters = {}
    for piece in text[1:].split(";"):
        name, equals, value = piece.partition("=")
        if "%" in name:
            name = _normalised(name)
        name = name.lower()
        if not name or name in parameters or (equals and not value):
            raise ParseError(f"URI parameter {piece[:40]!r} is malformed or comes twice")
        parameters[name] = value if equals else None
    return parameters


def _readHeaders(text: str) -> tuple[tuple[str, str], ...]:
    headers = []
    for piece in text.split("&"):
        name, equals, value = piece.partition("=")
        if not name or not equals:
            raise ParseError(f"malformed URI header {piece[:40]!r}")
        headers.append((name, value))
    return tuple(headers)


def _normalised(text: str) -> str:
    """Only what must be escaped is, in one spelling: RFC 3261 section 19.1.4 on reserved characters."""
    if "%" not in text:
        return text
    return _ESCAPED.sub(_shortest, text)


def _shortest(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _UNESCAPED_FORM else found[0].upper()


def uriEquals(a: Uri, b: Uri) -> bool:
    """
    Whether two URIs name the same resource: RFC 3261 section 19.1.4, RFC 5954 section 4.2, RFC 3966 section 4.

    Not transitive, and a default port or transport written out is a difference.
    """
    if isinstance(a, SipUri) and isinstance(b, SipUri):
        return (
            a.scheme == b.scheme
            and a.port == b.port
            and _hostKey(a.host) == _hostKey(b.host)
            # The only part that is compared with regard to case.
            and _normalised(a._userInfo()) == _normalised(b._userInfo())
            and _sameParameters(a.parameters, b.parameters)
            and _headerKeys(a) == _headerKeys(b)
        )
    if isinstance(a, TelUri) and isinstance(b, TelUri):
        return a.number == b.number and _telKeys(a.parameters) == _telKeys(b.parameters)
    return a == b


def _hostKey(host: str) -> str | ipaddress.IPv6Address:
    # RFC 5954: IPv6 addresses are compared as numbers, not as text.
    if ":" not in host:
        return host
    try:
        return ipaddress.IPv6Address(host)
    except ValueError:  # made by hand
        return host


def _sameParameters(a: Parameters, b: Parameters) -> bool:
    if a == b:
        return True
    if any((name in a) != (name in b) for name in _NEVER_IGNORED):
        return False
    return all(_valueKey(value) == _valueKey(b[name]) for name, value in a.items() if name in b)


def _valueKey(value: str | None) -> str | None:
    return None if value is None else _normalised(value).lower()


def _headerKeys(uri: SipUri) -> list[tuple[str, str]]:
    return sorted((_normalised(name).lower(), _normalised(value).lower()) for name, value in uri.headers)


def _telKeys(parameters: Parameters) -> Parameters:
    # RFC 3966 section 4: a parameter in one URI only makes a difference; separators do not, in what holds a number.
    keys = {name: _valueKey(value) for name, value in parameters.items()}
    for name in ("ext", "phone-context"):
        value = keys.get(name)
        if value is not None and (name == "ext" or value[0] == "+"):
            keys[name] = value.translate(_VISUAL_SEPARATORS)
    return keys
