"""
The small pieces all header fields are made of (RFC 3261 section 25.1): tokens,
numbers, quoted strings, comma lists, C{;name=value} parameters, percent-escapes.

Everything works on one unfolded line of text, takes time linear in its length,
and refuses with L{ParseError}.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote as _percentEncode
from urllib.parse import unquote_to_bytes

from twisted_sipdialog.errors import InvalidValue, ParseError

#: Parameters in their order: names in lower case; None for a flag without a value.
Parameters = dict[str, str | None]

TOKEN_CHARACTERS = r"A-Za-z0-9\-.!%*_+`'~"

#: Use with C{fullmatch}.
TOKEN = re.compile(rf"[{TOKEN_CHARACTERS}]+")

#: A host as two groups, for L{readHost}: a name or IPv4 address; an IPv6 address from between its brackets.
HOST = r"(?:([A-Za-z0-9_][A-Za-z0-9_.\-]*+)|\[([0-9A-Fa-f:.]{2,45})\])"

#: A port as one group, 0 to 65535 in at most five digits.
PORT = r"([0-9]{1,4}|[0-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

# Visible ASCII except what ends a value.  Wider than token and host: tags with '=' or '/' are seen in the field.
_BARE = r"!#-+\--:=?-~"
_QUOTED = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]++|\\[^\r\n])*+"'

_PARAMETER = re.compile(rf"[ \t]*+;[ \t]*+([{TOKEN_CHARACTERS}]++)(?:[ \t]*+=[ \t]*+([{_BARE}]++|{_QUOTED}))?+[ \t]*+")
_LIST_PIECE = re.compile(rf"[^\",<]++|{_QUOTED}|<[^<>]*+>|,")
_WHOLE_QUOTED = re.compile(_QUOTED)
# The closing quote is optional, so that a missing one costs a single scan.
_LEADING_QUOTED = re.compile(r'[ \t]*+"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_BACKSLASH = re.compile(r'["\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f]')
_NEEDS_NO_QUOTES = re.compile(rf"[{TOKEN_CHARACTERS}:\[\]]+")
_BARE_VALUE = re.compile(rf"[{_BARE}]+")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

_CAPABILITIES = """
    actor application audio automata class control data description duplex events extensions isfocus language methods
    mobility priority schemes text type video
"""
# Capability parameters need quotes even where a token would do (RFC 3840 section 9), and so does the text of Reason.
_ALWAYS_QUOTED = frozenset(_CAPABILITIES.split())
# Identifiers go back to their maker exactly as it wrote them, grammatical or not.
_NEVER_QUOTED = frozenset({"branch", "from-tag", "local-tag", "remote-tag", "tag", "to-tag"})


def isToken(text: str) -> bool:
    """RFC 3261 section 25.1: a method, option tag or header name can be spelled like this."""
    return TOKEN.fullmatch(text) is not None


def token(text: str, name: str = "value") -> str:
    """
    RFC 3261 section 25.1: C{text}, which is to be a token.

    @param name: what it is, for the error.
    @raise ParseError: it is none.
    """
    if TOKEN.fullmatch(text) is None:
        raise ParseError(f"{name}: {text[:40]!r} is not a token")
    return text


def digits(text: str, name: str = "value", maximum: int = 2**31 - 1) -> int:
    """
    RFC 3261 section 25.1: C{1*DIGIT}, nothing else, not above C{maximum}.

    C{int()} alone would take signs, underscores, spaces and the digits of every script.

    @param name: what the number is, for the error.
    @raise ParseError: anything else.
    """
    # The length is looked at first: the grammar lets zeros lead, and int() is quadratic.
    if 0 < len(text) <= 20 and text.isascii() and text.isdigit():
        number = int(text)
        if number <= maximum:
            return number
    raise ParseError(f"{name}: {text[:40]!r} is not a number from 0 to {maximum}")


def quote(text: str) -> str:
    """
    RFC 3261 section 25.1: C{text} as a quoted-string.

    @raise InvalidValue: it has a CR or LF, which no quoting can carry.
    """
    if "\r" in text or "\n" in text:
        raise InvalidValue("quoted text", text, "must not contain CR or LF")
    return '"' + _NEEDS_BACKSLASH.sub(r"\\\g<0>", text) + '"'


def unquote(text: str) -> str:
    """
    RFC 3261 section 25.1: what the quoted-string C{text}, quotes included, stands for.

    @raise ParseError: it is not one quoted-string.
    """
    if _WHOLE_QUOTED.fullmatch(text) is None:
        raise ParseError(f"{text[:40]!r} is not a quoted string")
    inner = text[1:-1]
    return _QUOTED_PAIR.sub(r"\1", inner) if "\\" in inner else inner


def splitList(text: str) -> list[str]:
    """
    RFC 3261 section 7.3.1: the elements of a comma list, stripped; none for an empty text.

    @raise ParseError: an unclosed quote or bracket, or an empty element.
    """
    if "," not in text:
        text = text.strip(" \t")
        return [text] if text else []
    if '"' not in text and "<" not in text:
        elements = [element.strip(" \t") for element in text.split(",")]
    else:
        elements = []
        start = position = 0
        while position < len(text):
            found = _LIST_PIECE.match(text, position)
            if found is None:
                raise ParseError(f"unclosed quote or bracket at {text[position : position + 40]!r}")
            if text[position] == ",":
                elements.append(text[start:position].strip(" \t"))
                start = position + 1
            position = found.end()
        elements.append(text[start:].strip(" \t"))
    if "" in elements:
        raise ParseError("empty element in a list")
    return elements


def parseParameters(text: str) -> Parameters:
    """
    RFC 3261 section 25.1: C{*(SEMI generic-param)}; quoted values without their quotes.

    @param text: empty, or from the first semicolon on.
    @raise ParseError: malformed, or a name that comes twice (section 7.3.1).
    """
    parameters: Parameters = {}
    position, end = 0, len(text)
    while position < end:
        found = _PARAMETER.match(text, position)
        if found is None:
            raise ParseError(f"malformed parameter at {text[position : position + 40]!r}")
        name, value = found.groups()
        name = name.lower()
        if name in parameters:
            raise ParseError(f"parameter {name[:40]!r} comes twice")
        if value is not None and value[0] == '"':
            value = unquote(value)
        parameters[name] = value
        position = found.end()
    return parameters


def splitParameters(text: str) -> tuple[str, Parameters]:
    """
    RFC 3261 section 25.1: what stands before the first semicolon, stripped, and the parameters behind it.

    @raise ParseError: malformed parameters.
    """
    head, semicolon, rest = text.partition(";")
    return head.strip(" \t"), parseParameters(semicolon + rest)


def formatParameters(parameters: Parameters) -> str:
    """
    RFC 3261 section 25.1: the text that L{parseParameters} reads as C{parameters}.

    @raise InvalidValue: a value has a CR or LF.
    """
    if not parameters:
        return ""
    pieces = []
    for name, value in parameters.items():
        if value is None:
            pieces.append(f";{name}")
        elif _goesBare(name, value):
            pieces.append(f";{name}={value}")
        else:
            pieces.append(f";{name}={quote(value)}")
    return "".join(pieces)


def _goesBare(name: str, value: str) -> bool:
    if name in _NEVER_QUOTED:
        return _BARE_VALUE.fullmatch(value) is not None
    return name not in _ALWAYS_QUOTED and name[0] != "+" and _NEEDS_NO_QUOTES.fullmatch(value) is not None


def parameterOf(text: str, name: str) -> str | None:
    """
    RFC 3261 section 20: one header parameter of a From, To, Contact or Via, at a glance.

    Only the first element of a list is looked at, never inside quotes or brackets.
    Nothing else is checked and nothing raised: who needs the value to be whole parses it.

    @param name: in lower case.
    @return: its value without quotes, C{""} for one that has none, None when absent.
    """
    start = 0
    if '"' in text:
        leading = _LEADING_QUOTED.match(text)
        if leading is not None:
            start = leading.end()
    bracket = text.find(">", start)
    start = text.find(";", start) if bracket < 0 else bracket + 1
    if start < 0:
        return None
    found = _PARAMETER.match(text, start)
    while found is not None:
        if found[1].lower() == name:
            value: str = found[2] or ""
            return unquote(value) if value[:1] == '"' else value
        found = _PARAMETER.match(text, found.end())
    return None


def readHost(name: str | None, literal: str | None) -> str:
    """
    RFC 3261 section 25.1, RFC 5954: the host that L{HOST} matched, in lower case, IPv6 without brackets.

    @raise ParseError: an empty label, or no IPv6 address between the brackets.
    """
    if name is not None:
        if ".." in name:
            raise ParseError(f"host {name[:40]!r} has an empty label")
        return name.lower()
    try:
        ipaddress.IPv6Address(literal or "")
    except ValueError:
        raise ParseError(f"[{literal}] is not an IPv6 address") from None
    return (literal or "").lower()


def formatHost(host: str, port: int | None) -> str:
    """RFC 3261 section 25.1: C{host[:port]}, IPv6 in brackets."""
    if ":" in host:
        host = f"[{host}]"
    return host if port is None else f"{host}:{port}"


def checkEscapes(text: str) -> None:
    """
    RFC 3261 section 25.1: each C{%} stands before two hexadecimal digits.

    @raise ParseError: one does not.
    """
    if _BAD_ESCAPE.search(text) is not None:
        raise ParseError(f"{text[:80]!r} has a % without two hexadecimal digits")


def unescape(text: str) -> str:
    """
    RFC 3261 section 19.1.2: C{text} with its percent-escapes replaced by what they stand for.

    @raise ParseError: a C{%} without two hexadecimal digits.
    """
    if "%" not in text:
        return text
    checkEscapes(text)
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def escape(text: str, allowed: str = "") -> str:
    """
    RFC 3261 section 19.1.2: C{text} with everything percent-escaped but unreserved characters.

    @param allowed: further characters that may stand as they are.
    """
    return _percentEncode(text.encode("utf-8", "surrogateescape"), safe="!*'()" + allowed)
