"""
What C{twistd sipua} may be told, on its command line or in a file: the names, and which values they take.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from twisted_sipdialog.configuration import Configuration, Credentials, FlowLimits, Limits, LoadLimits, TimerValues
from twisted_sipdialog.errors import ConfigurationError, InvalidValue, ParseError
from twisted_sipdialog.message.grammar import formatHost
from twisted_sipdialog.message.uri import SipUri, parseUri
from twisted_sipdialog.transport.listen import parseListen

#: Seconds: more is a mistake, and some clocks do not count as far as a float does.
_LONGEST: Final = 366 * 24 * 3600.0
#: What counts bytes, messages or calls: the system's own sizes end there.
_MOST: Final = 2**31 - 1
_PORTS = re.compile(r"([0-9]{1,5})-([0-9]{1,5})", re.ASCII)
_DELEGATE = re.compile(r"answer|reject|[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")


class WrongSetting(Exception):
    """
    A line that says which setting is wrong, where it stands, what its value is, and what would be right.
    """

    def __init__(self, where: str, value: Any, rule: str) -> None:
        super().__init__(f"{where}: {rule}" if value is None else f"{where} {value!r}: {rule}")


class _Inside(ValueError):
    """What is wrong is a part of the value: C{key} leads there.  C{value} None: it is not to be shown."""

    def __init__(self, key: str, value: Any, rule: str) -> None:
        super().__init__(rule)
        self.key = key
        self.value = value


# One check for each kind of value: it returns the value as it is used, or raises a ValueError with the rule.


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("must be a text on one line, and not empty")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _count(value: Any) -> int:
    # bool is a kind of int.
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError(f"must be a whole number from 0 to {_MOST}")
    return value


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= _LONGEST:
        raise ValueError("must be a number of seconds, 0 or more, and no more than a year")
    return float(value)


def _duration(value: Any) -> float:
    if not _seconds(value):
        raise ValueError("must be more than 0 seconds")
    return float(value)


def _listen(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value:
        raise ValueError("must be a text such as udp:5060, or a list of them")
    return tuple(_part("", _entry, entry) for entry in value)


def _entry(value: Any) -> str:
    """A bare C{udp:5060} is for this machine alone: what the world may call is said in so many words."""
    description = _text(value)
    try:
        listen = parseListen(description)
    except ConfigurationError as e:
        raise ValueError(e.rule) from None
    if listen.port is None or listen.interface or "interface=" in description:
        return description
    return f"{description}:interface=127.0.0.1"


def _uri(value: Any) -> SipUri:
    try:
        uri = parseUri(_text(value))
    except ParseError:
        uri = None
    if not isinstance(uri, SipUri):
        raise ValueError("must be a SIP URI such as sip:desk@example.com")
    return uri


def _host(value: Any) -> str:
    """It is written into Via and Contact, so it is what these take: a name, or an address."""
    host: str = _text(value).removeprefix("[").removesuffix("]")
    try:
        uri = parseUri(f"sip:{formatHost(host, None)}")
    except ParseError:
        uri = None
    # Nothing else of a URI is in it: no port, no user, no parameter.
    if not isinstance(uri, SipUri) or uri != SipUri("sip", None, None, host.lower(), None):
        raise ValueError("must be a host name or an address, without a port")
    return host


def _delegate(value: Any) -> str:
    if not _DELEGATE.fullmatch(_text(value)):
        raise ValueError("must be answer, reject, or package.module:Class")
    return str(value)


def _media(value: Any) -> str:
    if value not in ("echo", "fixed"):
        raise ValueError("must be echo or fixed")
    return str(value)


def _ports(value: Any) -> tuple[int, int]:
    """@return: the first, and the one after the last."""
    found = _PORTS.fullmatch(_text(value))
    if found is not None:
        start, last = int(found[1]), int(found[2])
        if start >= 1 and last <= 65535 and start + start % 2 < last:
            return start, last + 1
    raise ValueError("must be such as 16384-32767, from 1 to 65535, with an even port and the next in it")


def _section(made: type, defaults: Any) -> Callable[[Any], Any]:
    """A table whose keys are the fields of C{made}, seconds where its default is a float, else counts."""
    checks = {
        field.name: _duration if isinstance(getattr(defaults, field.name), float) else _count
        for field in attrs.fields(made)
    }

    def check(value: Any) -> Any:
        return made(**_table(value, checks))

    return check


def _table(value: Any, checks: Mapping[str, Callable[[Any], Any]], path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be a table")
    for key in value:
        if key not in checks:
            raise _Inside(f"{path}.{key}", None, _unknown(key, checks))
    return {key: _part(f"{path}.{key}", checks[key], inner) for key, inner in value.items()}


def _part(path: str, check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except ValueError as e:
        # A password is not shown, also when it is a wrong one.
        raise _Inside(path, None if path.endswith("password") else value, str(e)) from None


def _unknown(key: str, known: Mapping[str, Any]) -> str:
    plain = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.replace("-", "").lower(), plain, 1)
    return "there is no such setting" + (f"; is {plain[close[0]]} meant?" if close else "")


def _credentials(value: Any) -> tuple[Credentials, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise _Inside("", None, "must be tables: [[credentials]]")
    made = []
    for n, entry in enumerate(value):
        told = _table(entry, dict.fromkeys(("username", "password", "realm"), _text), f"[{n}]")
        if "username" not in told or "password" not in told:
            raise _Inside(f"[{n}]", None, "must have a username and a password")
        try:
            made.append(Credentials(**told))
        except InvalidValue as e:
            raise _Inside(f"[{n}].{e.name}", None, e.rule) from None
    return tuple(made)


_CONFIGURATION: Final = frozenset(field.name for field in attrs.fields(Configuration))

#: What may be told, with its check.  The names are those of L{Configuration}, where it has them.
CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "listen": _listen,
    "aor": _uri,
    "displayName": _text,
    "advertise": _host,
    "delegate": _delegate,
    "answerAfter": _seconds,
    "media": _media,
    "rtpPorts": _ports,
    "logMessages": _flag,
    "outboundProxy": _uri,
    "ownDomainOnly": _flag,
    "userAgent": _text,
    "noAnswerTimeout": _duration,
    "ringTimeout": _duration,
    "followRedirects": _count,
    "stopTimeout": _seconds,
    "udpLimit": _count,
    "udpReceiveBuffer": _count,
    "credentials": _credentials,
    "timers": _section(TimerValues, TimerValues()),
    "messageLimits": _section(Limits, Limits()),
    "flowLimits": _section(FlowLimits, FlowLimits()),
    "loadLimits": _section(LoadLimits, LoadLimits()),
}

#: What holds for what was not told; of the rest, the defaults of L{Configuration}.
DEFAULTS: Final[Mapping[str, Any]] = {
    "listen": ("udp:5060:interface=127.0.0.1", "tcp:5060:interface=127.0.0.1"),
    "aor": "sip:sipua@127.0.0.1",
    "delegate": "answer",
    "answerAfter": 0.0,
    "media": "echo",
    "rtpPorts": (16384, 32768),
    "logMessages": False,
}


class Settings:
    """
    What was told, checked, and where: a later word replaces an earlier one.
    """

    def __init__(self) -> None:
        self._told: dict[str, Any] = {}
        self._places: dict[str, str] = {}

    def take(self, name: str, value: Any, place: str) -> None:
        """
        @param place: where C{name} was told: an option, a file and key.
        @raise WrongSetting: it cannot be so.
        """
        try:
            self._told[name] = CHECKS[name](value)
        except _Inside as e:
            raise WrongSetting(place + e.key, e.value, str(e)) from None
        except ValueError as e:
            raise WrongSetting(place, value, str(e)) from None
        self._places[name] = place

    def read(self, path: str) -> None:
        """
        Take what the file at C{path} says, in TOML.

        @raise WrongSetting: it cannot be read, or something in it cannot be so.
        """
        try:
            with open(path, "rb") as file:
                told = tomllib.load(file)
        except OSError as e:
            raise WrongSetting("--settings", path, e.strerror or str(e)) from None
        except (ValueError, RecursionError) as e:
            raise WrongSetting("--settings", path, f"is not TOML: {e}") from None
        for name, value in told.items():
            if name not in CHECKS:
                raise WrongSetting(f"{path}: {name}", None, _unknown(name, CHECKS))
            self.take(name, value, f"{path}: {name}")

    def __getitem__(self, name: str) -> Any:
        return self._told.get(name, DEFAULTS.get(name))

    def configuration(self, media: Any) -> Configuration:
        """The L{Configuration} that was told, with C{media}, whose setting is but a name."""
        told = {**DEFAULTS, **self._told, "media": media}
        return Configuration(**{name: told[name] for name in told if name in _CONFIGURATION})

    def wrong(self, name: str, value: Any, rule: str) -> WrongSetting:
        """C{value} of C{name} turned out to be wrong later, by C{rule}."""
        return WrongSetting(self._places.get(name, f"--{name}"), value, rule)
