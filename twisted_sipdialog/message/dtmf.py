"""
Digits in INFO: C{application/dtmf-relay} and C{application/dtmf} bodies.

No RFC describes either (RFC 6086 section 3 tells how such uses of INFO came to be); what
is read here is what telephones and gateways are seen to send.
"""

from __future__ import annotations

import math
from typing import Final

import attrs

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.core_fields import MediaType
from twisted_sipdialog.message.grammar import digits

#: The C{Content-Type} of what L{formatTone} writes.
CONTENT_TYPE: Final = "application/dtmf-relay"

#: The digits of a telephone, in the order of their event numbers (RFC 4733 section 3.2).
DIGITS: Final = "0123456789*#ABCD"
_NUMBERED: Final = {str(number): digit for number, digit in enumerate(DIGITS)}
_SIGNALS: Final = {**{digit: digit for digit in DIGITS}, **_NUMBERED}
#: Beyond any of them.
_LONGEST_BODY: Final = 1024


def _checkDigit(_tone: object, _attribute: object, value: str) -> None:
    if len(value) != 1 or value not in DIGITS:
        raise InvalidValue("digit", value, f"must be one of {DIGITS}")


def _checkDuration(_tone: object, _attribute: object, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise InvalidValue("duration", value, "must be a number of seconds, or None")


@attrs.frozen
class Tone:
    """
    One digit.

    @ivar digit: one of C{0-9*#A-D}.
    @ivar duration: seconds, or None where nothing is said of it.
    """

    digit: str = attrs.field(validator=_checkDigit)
    duration: float | None = attrs.field(default=None, validator=_checkDuration)


def parseTone(body: bytes, contentType: str) -> Tone:
    """
    Read the digit in the body of an INFO.

    @raise ParseError: C{body} holds none, or C{contentType} is another (400).
    """
    essence = MediaType.parse(contentType).essence
    if essence not in (CONTENT_TYPE, "application/dtmf"):
        raise ParseError(f"{essence[:40]!r} holds no digit")
    if len(body) > _LONGEST_BODY or not body.isascii():
        raise ParseError(f"{essence}: {body[:40]!r} is not a digit")
    text = body.decode("ascii")
    if essence == "application/dtmf":
        return Tone(_digit(text))
    fields: dict[str, str] = {}
    # Any line end will do, and no last one.
    for line in text.replace("\r", "\n").split("\n"):
        name, equals, value = line.partition("=")
        name = name.strip(" \t").lower()
        if not equals:
            if name:
                raise ParseError(f"{essence}: {line[:40]!r} is not a name and a value")
        elif name in fields:
            raise ParseError(f"{essence}: {name[:40]!r} comes twice")
        else:
            fields[name] = value.strip(" \t")
    duration = fields.get("duration")
    return Tone(
        _digit(fields.get("signal", "")),
        None if duration is None else digits(duration, "duration") / 1000,
    )


def formatTone(tone: Tone) -> bytes:
    """C{tone} as a body of L{CONTENT_TYPE}."""
    text = f"Signal={tone.digit}\r\n"
    if tone.duration is not None:
        text += f"Duration={round(tone.duration * 1000)}\r\n"
    return text.encode("ascii")


def parseTones(text: str) -> list[str]:
    """
    The digits of C{text} one by one, A to D in upper case, and C{","} for a pause.

    @raise InvalidValue: there is none, or something else among them.
    """
    tones = list(text.upper())
    if not tones or not all(tone == "," or tone in DIGITS for tone in tones):
        raise InvalidValue("tones", text, f"must be one or more of {DIGITS} and the comma")
    return tones


def _digit(text: str) -> str:
    # Some write the event number of a digit: 10 for *, 11 for #.
    digit = _SIGNALS.get(text.strip(" \t\r\n").upper())
    if digit is None:
        raise ParseError(f"{text[:40]!r} is not a digit")
    return digit
