"""
A request of ours and the Deferred of its final response (RFC 3261 section 8.1), in a dialog or outside.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog._seams import IClientTransactionUser
from twisted_sipdialog.errors import SipError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import fire
from twisted_sipdialog.ua.outgoing import Outgoing
from twisted_sipdialog.ua.uac import Sending


@implementer(IClientTransactionUser)
class Asking:
    """
    @ivar answered: fires with the final response, whatever its status; fails when there is none.
    @ivar request: what was sent last, or None.
    @ivar response: the final response, or None.
    """

    __slots__ = ("_core", "_outgoing", "_sending", "answered", "response")

    def __init__(self, core: Core, outgoing: Outgoing) -> None:
        self._core = core
        self._outgoing = outgoing
        self._sending: Sending | None = None
        self.answered: Deferred[Any] = Deferred()
        self.response: Response | None = None
        core.asking[self] = None

    @property
    def request(self) -> Request | None:
        return None if self._sending is None else self._sending.request

    @property
    def flow(self) -> Any:
        """Where it went, or None."""
        return None if self._sending is None else self._sending.flow

    def start(self) -> None:
        """Send it."""
        if self.answered.called:
            self._core.asking.pop(self, None)  # given up before the ports were open
        else:
            sending = self._sending = Sending(self._core.client, self._outgoing, self)
            sending.start()

    def responseReceived(self, response: Response) -> None:
        if response.statusCode >= 200:
            self.response = response
            self._answer(response)

    def transactionFailed(self, error: SipError) -> None:
        self._answer(Failure(error))

    def _answer(self, outcome: Response | Failure) -> None:
        self._core.asking.pop(self, None)
        fire(self.answered, outcome)
