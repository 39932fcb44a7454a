"""
What a role refuses, and how.
"""

from __future__ import annotations

import attrs


class Refused(Exception):
    """
    A request is refused, wherever in its steps that shows.

    @ivar statusCode: int: 300 to 699.
    @ivar lines: header lines, C{(name, value)}.
    @ivar reasonPhrase: str, or None: the usual one.
    """

    def __init__(self, statusCode: int, *lines: tuple[str, str], reasonPhrase: str | None = None) -> None:
        super().__init__(statusCode)
        self.statusCode = statusCode
        self.lines = lines
        self.reasonPhrase = reasonPhrase


@attrs.frozen
class CompositorLimits:
    """
    What publishers, and those who watch, may keep here.  Beyond, if nothing else is said: 503 with Retry-After.

    @ivar entities: entities with something published, of all packages.
    @ivar publications: publications for one of them.
    @ivar bytes: bytes of a body that is published; beyond: 413.
    @ivar document: bytes of what all of them say of one, if that is one document (presence); beyond: 413.
    @ivar waiting: PUBLISH requests for one entity that wait for the one before.
    @ivar minExpires: seconds, the shortest that a publication may last; who asks for less gets 423.
    @ivar maxExpires: seconds, the longest; who asks for more gets this.
    @ivar watchers: subscriptions to one entity.
    @ivar watchersInAll: subscriptions in all.
    @ivar retryAfter: seconds told in Retry-After.
    """

    entities: int = 10_000
    publications: int = 8
    bytes: int = 8192
    document: int = 32_768
    waiting: int = 8
    minExpires: int = 60
    maxExpires: int = 86_400
    watchers: int = 1_000
    watchersInAll: int = 100_000
    retryAfter: int = 5

    def beyond(self) -> Refused:
        """The refusal of what is beyond a limit."""
        return Refused(503, ("Retry-After", str(self.retryAfter)))
