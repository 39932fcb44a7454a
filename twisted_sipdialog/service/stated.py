"""
States of ours as they are told on a command line: C{presence:open:At lunch}.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.event import PACKAGES, presence

#: What can be published; the outcome of a REFER is nobody's state.
EVENTS: Final = tuple(name for name in PACKAGES if name != "refer")
#: Bytes of a file.
_LONGEST: Final = 60_000


@attrs.frozen
class Stated:
    """
    @ivar event: the event package.
    @ivar known: its body, if a file has that.
    @ivar basic: C{"open"}, C{"closed"}, or an activity of RFC 4480, which is open.
    @ivar note: for people, or None.
    """

    event: str
    known: bytes | None = None
    basic: str = "open"
    note: str | None = None

    @classmethod
    def parse(cls, text: str) -> Stated:
        """
        @raise ValueError: it cannot be understood; its text says what would be.
        """
        event, _, state = text.partition(":")
        if event not in EVENTS:
            packages = ", ".join(f"{name}:" for name in EVENTS)
            raise ValueError(f"must begin with an event package and a colon: {packages}")
        if state.startswith("@"):
            return cls(event, _read(PACKAGES[event], state[1:]))
        if event != presence.EVENT:
            raise ValueError(f"must name a file with the state: {event}:@FILE")
        basic, _, note = state.partition(":")
        if basic not in ("open", "closed") and basic not in presence.ACTIVITIES:
            raise ValueError(
                "must be presence:open, presence:closed, or an activity of RFC 4480 such as presence:on-the-phone"
            )
        return cls(event, None, basic, note or None)

    @property
    def contentType(self) -> str:
        """That of the body."""
        return str(PACKAGES[self.event].accept[0])

    def body(self, entity: str) -> bytes:
        """
        @param entity: the URI of whom it is about.
        """
        if self.known is not None:
            return self.known
        isPlain = self.basic in ("open", "closed")
        activities = () if isPlain else (self.basic,)
        return presence.Presence.of(entity, self.basic if isPlain else "open", self.note, activities).toBytes()


def _read(package: Any, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            body = file.read(_LONGEST + 1)
    except OSError as e:
        raise ValueError(f"{path}: {e.strerror or e}") from None
    if not body or len(body) > _LONGEST:
        raise ValueError(f"{path}: must have 1 to {_LONGEST} bytes")
    try:
        package.parse(package.accept[0], body)
    except ParseError as e:
        raise ValueError(f"{path}: is not {package.accept[0]}: {e}") from None
    return body


def watched(text: str) -> tuple[str, str]:
    """
    Whom to watch: C{sip:alice@example.com}, or C{message-summary:sip:alice@example.com}.

    @return: the event package and the URI.
    """
    event, colon, target = text.partition(":")
    return (event, target) if colon and event in EVENTS else (presence.EVENT, text)
