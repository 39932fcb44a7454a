"""
One PUBLISH of a publication (RFC 3903 section 4.1), and those who wait for its outcome.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from twisted_sipdialog.message import Response
from twisted_sipdialog.ua.client_context import ClientContext
from twisted_sipdialog.ua.delegation import fire
from twisted_sipdialog.ua.outgoing import Outgoing


class Publishing(ClientContext):
    """
    One PUBLISH.

    @ivar waiting: the Deferreds of those who wait for its outcome.
    @ivar expires: seconds asked for; 0: it removes.
    @ivar recovered: it follows a 412.
    @ivar isRepaired: it asks for what a 423 wanted.
    """

    __slots__ = ("_publication", "expires", "isRepaired", "recovered", "waiting")

    def __init__(
        self,
        publication: Any,
        outgoing: Outgoing,
        waiting: list[Deferred[Any]],
        expires: int,
        recovered: bool,
    ) -> None:
        super().__init__(publication.core, outgoing)
        self._publication = publication
        self.waiting = waiting
        self.expires = expires
        self.recovered = recovered
        self.isRepaired = False

    def fire(self, outcome: Any) -> None:
        """Those who wait hear of it."""
        for each in self.waiting:
            fire(each, outcome)

    def _provisional(self, response: Response) -> None:
        self._publication.provisional(response)

    def _accepted(self, response: Response) -> None:
        self._publication.succeeded(self, response)

    def _rejected(self, response: Response) -> None:
        self._publication.refused(self, response)

    def _failed(self, error: BaseException) -> None:
        self._publication.unanswered(self, error)
