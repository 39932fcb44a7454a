"""
The simple types that the schemas of event packages share: times, numbers, priorities, truth values.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.grammar import digits

#: The largest C{unsignedInt}.
MAXIMUM = 2**32 - 1

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}):([0-9]{2})(\.[0-9]{1,18})?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_PRIORITY = re.compile(r"(?:[01](?:\.[0-9]{0,9})?|\.[0-9]{1,9})")


def readTime(text: str) -> datetime:
    """
    A date and time (RFC 3339 section 5.6).  One without an offset, which RFC 3339 does not allow and some send, is
    taken as UTC; a leap second as the one before.

    @raise ParseError: it is malformed, or there is no such time.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ParseError(f"{text[:40]!r} is not a date and time of RFC 3339")
    date, minute, second, fraction, offset = found.groups()
    micro = (fraction or ".0")[1:7].ljust(6, "0")
    zone = "+00:00" if offset in (None, "Z", "z") else offset
    try:
        return datetime.fromisoformat(f"{date}T{minute}:{'59' if second == '60' else second}.{micro}{zone}")
    except ValueError as error:
        raise ParseError(f"{text[:40]!r} is no time: {error}") from None


def writeTime(time: datetime | None) -> str | None:
    """RFC 3339 section 5.6: C{time} with its offset, C{Z} for UTC; None for None."""
    return None if time is None else time.isoformat().replace("+00:00", "Z")


def checkTime(_instance: Any, attribute: Any, value: datetime | None) -> None:
    """
    An attrs validator.

    @raise InvalidValue: a time that says nothing of its offset, or one that RFC 3339 cannot write.
    """
    if value is not None:
        offset = value.utcoffset()
        if offset is None or offset % timedelta(minutes=1):
            raise InvalidValue(attribute.name, value, "a time with its offset from UTC, in whole minutes")


def readNumber(text: str | None, name: str) -> int | None:
    """
    An C{unsignedInt}; None for None.

    @param name: what it is, for the error.
    @raise ParseError: it is none.
    """
    return None if text is None else digits(text, name, MAXIMUM)


def readPriority(text: str | None) -> float | None:
    """
    A qvalue, 0 to 1, to three decimals (RFC 3261 section 25.1); None for None.

    @raise ParseError: it is none.
    """
    if text is None:
        return None
    if _PRIORITY.fullmatch(text) is None or float(text) > 1:
        raise ParseError(f"priority {text[:40]!r} is not a number from 0 to 1")
    return round(float(text), 3)


def writePriority(value: float | None) -> str | None:
    """The shortest qvalue for it; None for None."""
    if value is None:
        return None
    return f"{value:.3f}".rstrip("0").rstrip(".")


def checkPriority(_instance: Any, attribute: Any, value: float | None) -> None:
    """
    An attrs validator.

    @raise InvalidValue: it is not from 0 to 1.
    """
    if value is not None and not 0 <= value <= 1:
        raise InvalidValue(attribute.name, value, "0 to 1")


def readTruth(text: str | None, name: str) -> bool | None:
    """
    A C{boolean} of XML Schema; None for None.

    @raise ParseError: it is none.
    """
    if text is None:
        return None
    if text not in ("true", "false", "1", "0"):
        raise ParseError(f"{name}: {text[:40]!r} is neither true nor false")
    return text in ("true", "1")


def writeTruth(value: bool | None) -> str | None:
    """C{'true'} or C{'false'}; None for None."""
    return None if value is None else str(value).lower()


def oneOf(text: str, allowed: tuple[str, ...], name: str) -> str:
    """
    C{text}, which is to be one of C{allowed}.

    @raise ParseError: it is none of them.
    """
    if text not in allowed:
        raise ParseError(f"{name}: {text[:40]!r} is none of {', '.join(allowed)}")
    return text


def checkOneOf(allowed: tuple[str, ...]) -> Any:
    """
    An attrs validator: a value of the application is one of C{allowed}, or None.

    @raise InvalidValue: it is none of them.
    """

    def check(_instance: Any, attribute: Any, value: str | None) -> None:
        if value is not None and value not in allowed:
            raise InvalidValue(attribute.name, value, f"one of {', '.join(allowed)}")

    return check
