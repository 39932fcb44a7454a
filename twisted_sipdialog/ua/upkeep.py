"""
One request that keeps something up at a peer, a publication (RFC 3903) or a subscription (RFC 6665), and those who wait
for its outcome.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from twisted_sipdialog.message import Response
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.client_context import ClientContext
from twisted_sipdialog.ua.delegation import fire
from twisted_sipdialog.ua.outgoing import Outgoing
from twisted_sipdialog.ua.retry import LONGEST


class Upkeep(ClientContext):
    """
    One request.

    @ivar waiting: the Deferreds of those who wait for its outcome.
    @ivar expires: seconds asked for; 0: it ends what it is of.
    @ivar isRepaired: it asks for what a 423 wanted.
    """

    __slots__ = ("expires", "isRepaired", "owner", "waiting")

    def __init__(
        self, owner: Any, outgoing: Outgoing, waiting: list[Deferred[Any]], expires: int, isRepaired: bool
    ) -> None:
        """
        @param owner: what it is of: has C{accepted(this, response)}, C{refused(this, response)} and
            C{unanswered(this, error)}.
        """
        super().__init__(owner.core, outgoing)
        self.owner = owner
        self.waiting = waiting
        self.expires = expires
        self.isRepaired = isRepaired

    def fire(self, outcome: Any) -> None:
        """Those who wait hear of it, and are not kept: the collector could find the failure before its Deferred."""
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            fire(each, outcome)

    def repair(self, response: Response) -> int | None:
        """
        Seconds to ask for instead, if C{response} is a 423 that says how many: once, since a peer that wants more each
        time could go on like that.
        """
        minimum: int | None = typedOrNone(response, "min-expires") if response.statusCode == 423 else None
        if minimum is None or self.isRepaired or not 0 < self.expires < minimum <= LONGEST:
            return None
        return minimum

    def _provisional(self, response: Response) -> None:
        """RFC 4320 has no more than a 100 for it, which says nothing."""

    def _accepted(self, response: Response) -> None:
        self.owner.accepted(self, response)

    def _rejected(self, response: Response) -> None:
        self.owner.refused(self, response)

    def _failed(self, error: BaseException) -> None:
        self.owner.unanswered(self, error)
