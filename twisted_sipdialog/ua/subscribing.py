"""
One SUBSCRIBE of a subscription of ours (RFC 6665 section 4.1.2), and what it says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.event import PACKAGES
from twisted_sipdialog.message.event_fields import EventField
from twisted_sipdialog.ua.outgoing import Lines, Outgoing, extraLines, typeLine
from twisted_sipdialog.ua.upkeep import Upkeep

#: What is written for the application.
_OWN_NAMES: Final = ("event", "expires", "accept", "allow-events")


class Subscribing(Upkeep):
    """
    One SUBSCRIBE.

    @ivar isFirst: it begins the subscription.
    """

    __slots__ = ("isFirst",)

    def __init__(
        self,
        subscription: Any,
        outgoing: Outgoing,
        waiting: list[Deferred[Any]],
        expires: int,
        isRepaired: bool,
        isFirst: bool,
    ) -> None:
        super().__init__(subscription, outgoing, waiting, expires, isRepaired)
        self.isFirst = isFirst

    @property
    def outgoing(self) -> Outgoing:
        """What is said."""
        return self._outgoing

    @property
    def flow(self) -> Any:
        """Where it went, or None."""
        return None if self._sending is None else self._sending.flow


def meant(event: Any) -> tuple[EventField, Any]:
    """
    The event package, as it is written, and what is known of it.

    @raise InvalidValue: it is none.
    """
    package = event if not isinstance(event, str) else None
    try:
        field = EventField.parse(event if package is None else package.name)
    except (ParseError, AttributeError, TypeError):
        raise InvalidValue("event", event, "the name of an event package (RFC 6665 section 8.2.1), or one") from None
    return field, PACKAGES.get(field.package) if package is None else package


def positive(expires: Any) -> int | None:
    """
    C{expires} of a subscription, None for that of its package.

    @raise InvalidValue: it is no such number.
    """
    if expires is not None and (type(expires) is not int or not 1 <= expires < 2**32):
        raise InvalidValue("expires", expires, "whole seconds, 1 or more")
    return expires


def linesOf(extraHeaders: Iterable[tuple[str, str]], body: Any, contentType: str | None) -> Lines:
    lines = extraLines(extraHeaders)
    for name, _ in lines:
        if name.lower() in _OWN_NAMES:
            raise InvalidValue("extraHeaders", name, "this header is written for you")
    if not isinstance(body, bytes):
        raise InvalidValue("body", body, "bytes")
    if body:
        lines.append(typeLine(contentType or "text/plain"))
    return lines
