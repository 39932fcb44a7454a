"""
What the tests of how a request fares share: a delegate that notes it, whosesoever the request is.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog import RequestDelegate


class Fares(RequestDelegate):
    """
    Notes in C{told} what it is told, as C{(what, status, cause)}; C{subjects} and C{states} have a context and its
    last status for each.
    """

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.subjects: list[Any] = []
        self.states: list[int | None] = []

    def _note(self, what: str, context: Any, response: Any, cause: Any = None) -> None:
        self.told.append((what, None if response is None else response.statusCode, cause))
        self.subjects.append(context)
        self.states.append(None if context.response is None else context.response.statusCode)

    def progressReceived(self, context, response):
        self._note("progress", context, response)

    def progressSent(self, context, response):
        self._note("progress sent", context, response)

    def requestAccepted(self, context, response):
        self._note("accepted", context, response)

    def requestRejected(self, context, response, cause):
        self._note("rejected", context, response, cause)

    def requestFailed(self, context, response, cause):
        self._note("failed", context, response, cause)


def refused(code, cause):
    """What is told of a refusal."""
    return [("rejected", code, cause), ("failed", code, cause)]
