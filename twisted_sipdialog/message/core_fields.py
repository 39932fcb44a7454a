"""
The header fields every message is made of (RFC 3261 section 20): Via, CSeq, RAck, Content-Type, Accept,
Content-Disposition, Date, Warning, Privacy.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Self

from attrs import Factory, frozen

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.grammar import (
    HOST,
    PORT,
    TOKEN_CHARACTERS,
    Parameters,
    digits,
    formatHost,
    formatParameters,
    parseParameters,
    quote,
    readHost,
    splitParameters,
    token,
    unquote,
)

_VIA = re.compile(
    rf"[ \t]*+(SIP/2\.0|[{TOKEN_CHARACTERS}]++[ \t]*+/[ \t]*+[{TOKEN_CHARACTERS}]++)"
    rf"[ \t]*+/[ \t]*+([{TOKEN_CHARACTERS}]++)[ \t]++"
    rf"{HOST}(?:[ \t]*+:[ \t]*+{PORT})?[ \t]*+(?:;branch=([{TOKEN_CHARACTERS}]++)(?![^;]))?(|;.*)",
    re.DOTALL,
)
_WARNING = re.compile(r'[ \t]*+([0-9]{3})[ \t]++([!#-+\--~]++)[ \t]++("(?:[^"\\]++|\\.)*+")[ \t]*+', re.DOTALL)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"(?:{'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)


@frozen(weakref_slot=False)
class Via:
    """
    One Via (RFC 3261 section 20.42).

    @ivar transport: in upper case.
    @ivar host: of the sent-by, in lower case, IPv6 without brackets.
    @ivar port: None where it is left to the default.
    @ivar parameters: not to be changed.
    """

    transport: str
    host: str
    port: int | None = None
    parameters: Parameters = Factory(dict)
    protocol: str = "SIP/2.0"

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        found = _VIA.fullmatch(text)
        if found is None:
            raise ParseError(f"{text[:80]!r} is not a Via")
        # The branch usually comes first, and often alone.
        protocol, transport, name, literal, port, branch, rest = found.groups()
        if rest:
            parameters = parseParameters(rest if branch is None else f";branch={branch}{rest}")
            _check(parameters, "rport", 65535)
            _check(parameters, "ttl", 255)
        else:
            parameters = {} if branch is None else {"branch": branch}
        return cls(
            transport.upper(),
            name.lower() if name is not None and ".." not in name else readHost(name, literal),
            port if port is None else int(port),
            parameters,
            protocol if protocol == "SIP/2.0" else "/".join([word.strip(" \t") for word in protocol.split("/")]),
        )

    def __str__(self) -> str:
        return f"{self.protocol}/{self.transport} {self.hostPort}{formatParameters(self.parameters)}"

    @property
    def hostPort(self) -> str:
        """The sent-by: C{host[:port]}, IPv6 in brackets."""
        return formatHost(self.host, self.port)

    @property
    def branch(self) -> str | None:
        """The transaction (section 8.1.1.7)."""
        return self.parameters.get("branch")

    @property
    def received(self) -> str | None:
        """The address it came from (section 18.2.1); IPv6 without the brackets it may have (RFC 5118 section 4.5)."""
        value = self.parameters.get("received")
        return value[1:-1] if value and value[0] == "[" and value[-1] == "]" else value

    @property
    def rport(self) -> int | None:
        """The port it came from (RFC 3581 section 4); None while nobody has said."""
        value = self.parameters.get("rport")
        return int(value) if value else None

    @property
    def wantsRport(self) -> bool:
        """The sender asks for C{rport} (RFC 3581 section 3)."""
        return "rport" in self.parameters

    @property
    def maddr(self) -> str | None:
        """Where responses go instead (section 18.2.2)."""
        return self.parameters.get("maddr")

    @property
    def ttl(self) -> int | None:
        """The time-to-live of a multicast request (section 18.1.1)."""
        value = self.parameters.get("ttl")
        return int(value) if value else None


def _check(parameters: Parameters, name: str, maximum: int) -> None:
    value = parameters.get(name)
    if value is not None:
        digits(value, name, maximum)


@frozen(weakref_slot=False)
class CSeq:
    """CSeq (RFC 3261 section 20.16): a number below 2**31, and the method."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        number, method = _words(text, 2)
        return cls(digits(number, "CSeq"), token(method, "method"))

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@frozen(weakref_slot=False)
class RAck:
    """
    RAck (RFC 3262 section 7.2): the provisional that a PRACK acknowledges.

    @ivar rseq: its RSeq.
    @ivar number: its CSeq number.
    @ivar method: its CSeq method.
    """

    rseq: int
    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        rseq, number, method = _words(text, 3)
        return cls(digits(rseq, "RSeq", 2**32 - 1), digits(number, "CSeq"), token(method, "method"))

    def __str__(self) -> str:
        return f"{self.rseq} {self.number} {self.method}"


def _words(text: str, count: int) -> list[str]:
    words = text.replace("\t", " ").split(" ")
    if len(words) != count:
        words = [word for word in words if word]
        if len(words) != count:
            raise ParseError(f"{text[:40]!r} has not {count} words")
    return words


@frozen(weakref_slot=False)
class MediaType:
    """
    Content-Type, or one element of Accept (RFC 3261 sections 20.15 and 20.1); C{*} is possible in the latter.

    @ivar type: in lower case.
    @ivar subtype: in lower case.
    @ivar parameters: not to be changed.
    """

    type: str
    subtype: str
    parameters: Parameters = Factory(dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        essence, parameters = splitParameters(text)
        mainType, _, subtype = essence.lower().partition("/")
        return cls(
            token(mainType.rstrip(" \t"), "media type"), token(subtype.lstrip(" \t"), "media subtype"), parameters
        )

    def __str__(self) -> str:
        return self.essence + formatParameters(self.parameters)

    @property
    def essence(self) -> str:
        """C{'application/sdp'}: without parameters."""
        return f"{self.type}/{self.subtype}"


@frozen(weakref_slot=False)
class Disposition:
    """
    Content-Disposition (RFC 3261 section 20.11).

    @ivar type: C{'session'}, C{'render'}, C{'early-session'}, ... in lower case.
    @ivar parameters: not to be changed.
    """

    type: str
    parameters: Parameters = Factory(dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        kind, parameters = splitParameters(text)
        return cls(token(kind, "disposition").lower(), parameters)

    def __str__(self) -> str:
        return self.type + formatParameters(self.parameters)

    @property
    def isOptional(self) -> bool:
        """Who does not understand the body may ignore it; by default it may not be (section 20.11)."""
        return (self.parameters.get("handling") or "").lower() == "optional"


@frozen(weakref_slot=False)
class Date:
    """Date (RFC 3261 section 20.17): always GMT; C{moment} is an aware C{datetime} of whole seconds."""

    moment: datetime

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed, or of another time zone."""
        found = _DATE.fullmatch(text)
        if found is None:
            raise ParseError(f"{text[:40]!r} is not a date in GMT")
        day, month, year, hour, minute, second = found.groups()
        numbers = int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second)
        try:
            return cls(datetime(*numbers, tzinfo=UTC))
        except ValueError as e:
            raise ParseError(f"{text!r}: {e}") from None

    def __str__(self) -> str:
        # Not strftime: its names depend on the locale.
        at = self.moment.astimezone(UTC)
        day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
        return f"{day}, {at.day:02} {month} {at.year:04} {at.hour:02}:{at.minute:02}:{at.second:02} GMT"


@frozen(weakref_slot=False)
class Warning:
    """One value of Warning (RFC 3261 section 20.43): three digits, who warns, and the text without quotes."""

    code: int
    agent: str
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        found = _WARNING.fullmatch(text)
        if found is None:
            raise ParseError(f"{text[:40]!r} is not a warning")
        return cls(int(found[1]), found[2], unquote(found[3]))

    def __str__(self) -> str:
        return f"{self.code:03} {self.agent} {quote(self.text)}"


@frozen(weakref_slot=False)
class Privacy:
    """Privacy (RFC 3323 section 4.2): its values in lower case, such as C{'id'} and C{'critical'}."""

    values: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        return cls(tuple([token(value.strip(" \t"), "privacy").lower() for value in text.split(";")]))

    def __str__(self) -> str:
        return ";".join(self.values)
