"""
Which values a setting takes: one check for each kind.

A check returns the value as it is used, or raises a C{ValueError} that says what would be right.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, Final

import attrs

from twisted_sipdialog.configuration import Credentials
from twisted_sipdialog.errors import ConfigurationError, InvalidValue, ParseError
from twisted_sipdialog.message.grammar import formatHost, isToken
from twisted_sipdialog.message.uri import SipUri, parseUri
from twisted_sipdialog.service import stated
from twisted_sipdialog.service.stated import Stated
from twisted_sipdialog.transport.listen import parseListen

#: What takes one kind of value.
Check = Callable[[Any], Any]

#: Seconds: more is a mistake, and some clocks do not count as far as a float does.
_LONGEST: Final = 366 * 24 * 3600.0
#: What counts bytes, messages or calls: the system's own sizes end there.
_MOST: Final = 2**31 - 1
_PORTS = re.compile(r"([0-9]{1,5})-([0-9]{1,5})", re.ASCII)
#: The delegates that need no code.
BUILT_IN: Final = ("answer", "reject", "transfer", "presence")
_DELEGATE = re.compile("|".join(BUILT_IN) + r"|[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")


class Inside(ValueError):
    """What is wrong is a part of the value: C{key} leads there.  C{value} None: it is not to be shown."""

    def __init__(self, key: str, value: Any, rule: str) -> None:
        super().__init__(rule)
        self.key = key
        self.value = value


# Texts and choices.


def text(value: Any) -> str:
    """What may stand on a line."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("must be a text on one line, and not empty")
    return value


def flag(value: Any) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def oneOf(*choices: str | int) -> Check:
    """@return: a check for one of several words, or of several numbers."""
    *others, last = map(str, choices)
    rule = f"must be {', '.join(others)} or {last}"

    def check(value: Any) -> Any:
        # 202.0 is the same number as 202, but is written otherwise.
        if type(value) is not type(choices[0]) or value not in choices:
            raise ValueError(rule)
        return value

    return check


def several(check: Check, rule: str) -> Check:
    """
    @param rule: what to say where there is no list.
    @return: a check for a list, whose entries C{check} looks at.
    """

    def checkAll(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(rule)
        return tuple(part("", check, entry) for entry in value)

    return checkAll


def word(value: Any) -> str:
    """What stands in headers such as Supported and Recv-Info."""
    if not isinstance(value, str) or not isToken(value):
        raise ValueError("must be a word of letters, digits and -.!%*_+`'~")
    return value


def bodyType(value: Any) -> str:
    """What stands in Accept; its case does not matter."""
    if not isinstance(value, str) or value.count("/") != 1 or not all(map(isToken, value.split("/"))):
        raise ValueError("must be a type of bodies such as application/sdp")
    return value.lower()


def delegate(value: Any) -> str:
    """A built-in delegate, or somebody's own."""
    if not _DELEGATE.fullmatch(text(value)):
        raise ValueError(f"must be {', '.join(BUILT_IN)}, or package.module:Class")
    return str(value)


# Numbers.


def count(value: Any) -> int:
    """How many."""
    # bool is a kind of int.
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError(f"must be a whole number from 0 to {_MOST}")
    return value


def seconds(value: Any) -> float:
    """How long."""
    if type(value) not in (int, float) or not 0 <= value <= _LONGEST:
        raise ValueError("must be a number of seconds, 0 or more, and no more than a year")
    return float(value)


def duration(value: Any) -> float:
    """How long, and not at once."""
    if not seconds(value):
        raise ValueError("must be more than 0 seconds")
    return float(value)


def wholeSeconds(value: Any) -> int:
    """What stands in Session-Expires and Min-SE (RFC 4028 sections 4 and 5), and in Expires."""
    if type(value) is not int or not 1 <= value <= _LONGEST:
        raise ValueError("must be a whole number of seconds, 1 or more, and no more than a year")
    return value


def refusal(value: Any) -> int:
    """The status of a final response that is no success."""
    if type(value) is not int or not 300 <= value <= 699:
        raise ValueError("must be a whole number from 300 to 699")
    return value


# Where and who.


def listen(value: Any) -> tuple[str, ...]:
    """Descriptions of ports."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value:
        raise ValueError("must be a text such as udp:5060, or a list of them")
    return tuple(part("", _port, entry) for entry in value)


def _port(value: Any) -> str:
    """A bare C{udp:5060} is for this machine alone: what the world may call is said in so many words."""
    description = text(value)
    try:
        parsed = parseListen(description)
    except ConfigurationError as e:
        raise ValueError(e.rule) from None
    if parsed.port is None or parsed.interface or "interface=" in description:
        return description
    return f"{description}:interface=127.0.0.1"


def uri(value: Any) -> SipUri:
    """Whom we are, or whom we go through."""
    try:
        parsed = parseUri(text(value))
    except ParseError:
        parsed = None
    if not isinstance(parsed, SipUri):
        raise ValueError("must be a SIP URI such as sip:desk@example.com")
    return parsed


def callee(value: Any) -> SipUri:
    """Who is to be called, and no more than that."""
    parsed = uri(value)
    if parsed.headers or "method" in parsed.parameters:
        raise ValueError("must be a SIP URI without headers (?) and without method")
    return parsed


def host(value: Any) -> str:
    """It is written into Via and Contact, so it is what these take: a name, or an address."""
    plain: str = text(value).removeprefix("[").removesuffix("]")
    try:
        parsed = parseUri(f"sip:{formatHost(plain, None)}")
    except ParseError:
        parsed = None
    # Nothing else of a URI is in it: no port, no user, no parameter.
    if not isinstance(parsed, SipUri) or parsed != SipUri("sip", None, None, plain.lower(), None):
        raise ValueError("must be a host name or an address, without a port")
    return plain


def ports(value: Any) -> tuple[int, int]:
    """@return: the first, and the one after the last."""
    found = _PORTS.fullmatch(text(value))
    if found is not None:
        start, last = int(found[1]), int(found[2])
        if start >= 1 and last <= 65535 and start + start % 2 < last:
            return start, last + 1
    raise ValueError("must be such as 16384-32767, from 1 to 65535, with an even port and the next in it")


def trust(value: Any) -> bool | tuple[str, ...]:
    """All peers, none, or those of some addresses."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, list):
        raise ValueError("must be true, false, or a list of addresses and networks")
    return tuple(part("", _network, entry) for entry in value)


def _network(value: Any) -> str:
    # To ip_network() a number is an address, too.
    network = value if isinstance(value, str) else ""
    try:
        ip_network(network, strict=False)
    except ValueError:
        raise ValueError("must be an address or a network such as 192.0.2.0/24") from None
    return network


# What is published and watched.


def published(value: Any) -> Stated:
    """A state of ours."""
    return Stated.parse(text(value))


def watched(value: Any) -> tuple[str, str]:
    """A state of somebody: the event package, and whose."""
    event, target = stated.watched(text(value))
    return event, str(callee(target))


# Tables.


def section(made: type, defaults: Any) -> Check:
    """@return: a check for a table of C{made}'s fields: seconds where the default is a float, else counts."""
    checks = {
        field.name: duration if isinstance(getattr(defaults, field.name), float) else count
        for field in attrs.fields(made)
    }

    def check(value: Any) -> Any:
        return made(**_table(value, checks))

    return check


def _table(value: Any, checks: Mapping[str, Check], path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be a table")
    for key in value:
        if key not in checks:
            raise Inside(f"{path}.{key}", None, unknown(key, checks))
    return {key: part(f"{path}.{key}", checks[key], inner) for key, inner in value.items()}


def part(path: str, check: Check, value: Any) -> Any:
    """
    C{check} a part of a value.

    @raise Inside: with the C{path} to it.
    """
    try:
        return check(value)
    except ValueError as e:
        # A password is not shown, also when it is a wrong one.
        raise Inside(path, None if path.endswith("password") else value, str(e)) from None


def unknown(key: str, known: Mapping[str, Any]) -> str:
    """What to say of a name that is none."""
    plain = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.replace("-", "").lower(), plain, 1)
    return "there is no such setting" + (f"; is {plain[close[0]]} meant?" if close else "")


def credentials(value: Any) -> tuple[Credentials, ...]:
    """Tables of a username, a password, and perhaps a realm."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise Inside("", None, "must be tables: [[credentials]]")
    made = []
    for n, entry in enumerate(value):
        told = _table(entry, dict.fromkeys(("username", "password", "realm"), text), f"[{n}]")
        if "username" not in told or "password" not in told:
            raise Inside(f"[{n}]", None, "must have a username and a password")
        try:
            made.append(Credentials(**told))
        except InvalidValue as e:
            raise Inside(f"[{n}].{e.name}", None, e.rule) from None
    return tuple(made)
