"""
One PUBLISH of a publication (RFC 3903 section 4.1).
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from twisted_sipdialog.message import Response
from twisted_sipdialog.ua.outgoing import Outgoing
from twisted_sipdialog.ua.upkeep import Upkeep


class Publishing(Upkeep):
    """
    One PUBLISH.

    @ivar recovered: it follows a 412.
    """

    __slots__ = ("recovered",)

    def __init__(
        self,
        publication: Any,
        outgoing: Outgoing,
        waiting: list[Deferred[Any]],
        expires: int,
        isRepaired: bool,
        recovered: bool,
    ) -> None:
        super().__init__(publication, outgoing, waiting, expires, isRepaired)
        self.recovered = recovered

    def _provisional(self, response: Response) -> None:
        self.owner.provisional(response)
