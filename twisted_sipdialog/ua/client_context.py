"""
ClientContext: a request of ours, and what comes of it (RFC 3261 section 8.1).

The names are those of SIP.js's ClientContext.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog._seams import IClientTransactionUser
from twisted_sipdialog.errors import RemoteError, SipError, Timeout, TransportError
from twisted_sipdialog.interfaces import IClientContext
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.status import Cause
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Waiters
from twisted_sipdialog.ua.outgoing import Outgoing
from twisted_sipdialog.ua.uac import Sending

#: The first that fits.
_CAUSES = (
    (CancelledError, Cause.CANCELED),
    (Timeout, Cause.REQUEST_TIMEOUT),
    (TransportError, Cause.CONNECTION_ERROR),
    (RemoteError, Cause.DIALOG_ERROR),
)


def causeOf(error: BaseException | None) -> Cause:
    """Why a request of ours failed that has no final response."""
    return next((cause for kind, cause in _CAUSES if isinstance(error, kind)), Cause.INTERNAL_ERROR)


class ClientView:
    """
    A request of ours as the application sees it.

    @see: L{IClientContext<twisted_sipdialog.interfaces.IClientContext>}
    """

    __slots__ = ("_data", "_finished", "_outgoing", "_sending", "core", "delegate", "dialog", "response")

    def __init__(self, core: Core, outgoing: Outgoing, delegate: Any, dialog: Any = None) -> None:
        self.core = core
        self.delegate = delegate
        self.dialog = dialog
        self.response: Response | None = None
        self._outgoing = outgoing
        self._sending: Sending | None = None
        self._finished = Waiters()
        self._data: dict[str, Any] | None = None

    @property
    def userAgent(self) -> Any:
        return self.core.userAgent

    @property
    def method(self) -> str:
        return self._outgoing.method

    @property
    def request(self) -> Request | None:
        return None if self._sending is None else self._sending.request

    @property
    def localIdentity(self) -> Address:
        return Address.parse(self._line("From") or "")

    @property
    def remoteIdentity(self) -> Address:
        return Address.parse(self._line("To") or "")

    @property
    def body(self) -> bytes:
        return self._outgoing.body

    @property
    def contentType(self) -> str | None:
        return self._line("Content-Type")

    @property
    def data(self) -> dict[str, Any]:
        if self._data is None:
            self._data = {}
        return self._data

    def _line(self, name: str) -> str | None:
        return next((value for found, value in self._outgoing.lines if found == name), None)

    def whenFinished(self) -> Deferred[Response]:
        return self._finished.wait()


@implementer(IClientContext, IClientTransactionUser)
class ClientContext(ClientView):
    """
    @see: L{IClientContext<twisted_sipdialog.interfaces.IClientContext>}
    """

    __slots__ = ("_isOver",)

    def __init__(self, core: Core, outgoing: Outgoing, delegate: Any = None, dialog: Any = None) -> None:
        super().__init__(core, outgoing, delegate, dialog)
        self._isOver = False
        core.asking[self] = None

    def start(self) -> None:
        """Send it, unless it was given up before the ports were open."""
        if not self._isOver:
            sending = self._sending = Sending(self.core.client, self._outgoing, self)
            sending.start()

    def cancel(self) -> None:
        if self._isOver:
            return
        if self._sending is not None:
            self._sending.abandon()
        self._end(CancelledError(f"the {self.method} was given up"))

    def responseReceived(self, response: Response) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        if self._isOver:
            return
        self.response = response
        if response.statusCode < 200:
            self._provisional(response)
            return
        self._close()
        if self.dialog is not None:
            self.dialog.concluded(response)
        if response.statusCode < 300:
            self._accepted(response)
        else:
            self._rejected(response)
        self._finished.fire(response)

    def transactionFailed(self, error: SipError) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        if not self._isOver:
            self._end(error)

    def _end(self, error: BaseException) -> None:
        self._close()
        self._failed(error)
        self._finished.fire(Failure(error))

    def _close(self) -> None:
        self._isOver = True
        self.core.asking.pop(self, None)

    # How it fares; a kind of request with more to say extends these.

    def _provisional(self, response: Response) -> None:
        self.core.tellAll(self.delegate, "progressReceived", self, response)

    def _accepted(self, response: Response) -> None:
        self.core.tellAll(self.delegate, "requestAccepted", self, response)

    def _rejected(self, response: Response) -> None:
        self.core.tellRejected(self.delegate, self, response, Cause.of(response.statusCode))

    def _failed(self, error: BaseException) -> None:
        """It has no final response."""
        self.core.tellAll(self.delegate, "requestFailed", self, None, causeOf(error))
