"""
What the application sends in a dialog (RFC 3261 section 12.2.1): any request, and the verbs that have one of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred, fail

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import DialogTerminated, InvalidValue
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.grammar import isToken
from twisted_sipdialog.ua.delegation import Waiters
from twisted_sipdialog.ua.dialog_view import DialogView
from twisted_sipdialog.ua.leg import EVENTS
from twisted_sipdialog.ua.outgoing import Lines, extraLines, typeLine

#: What the dialog sends by itself, at the right moment.
_OWN = ("INVITE", "ACK", "CANCEL", "BYE", "PRACK")


class DialogRequests(DialogView):
    """
    A dialog, without its end.
    """

    __slots__ = ()

    _destroying: Waiters | None

    def request(
        self,
        method: str,
        body: bytes = b"",
        contentType: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
    ) -> Deferred[Response]:
        if method in _OWN or not isToken(method):
            raise InvalidValue(
                "method", method, "the dialog sends it by itself: destroy() for BYE, modify() for INVITE"
            )
        lines = extraLines(extraHeaders)
        if method == "UPDATE":
            updating: Deferred[Response] = self.core.sends["update"](self, body, contentType, lines)
            return updating
        if body:
            lines += [typeLine(contentType or "text/plain")]
        if self.isOver:
            return fail(self.over())
        return self.ask(method, body, lines)

    def info(
        self, body: bytes = b"", contentType: str | None = None, extraHeaders: Iterable[tuple[str, str]] = ()
    ) -> Deferred[Response]:
        return self.request("INFO", body, contentType, extraHeaders)

    def notify(
        self, body: bytes = b"", contentType: str | None = None, extraHeaders: Iterable[tuple[str, str]] = ()
    ) -> Deferred[Response]:
        return self.request("NOTIFY", body, contentType, extraHeaders)

    def message(
        self, body: bytes = b"", contentType: str | None = None, extraHeaders: Iterable[tuple[str, str]] = ()
    ) -> Deferred[Response]:
        return self.request("MESSAGE", body, contentType, extraHeaders)

    def options(
        self, body: bytes = b"", contentType: str | None = None, extraHeaders: Iterable[tuple[str, str]] = ()
    ) -> Deferred[Response]:
        return self.request("OPTIONS", body, contentType, extraHeaders)

    def update(
        self, body: bytes = b"", contentType: str | None = None, extraHeaders: Iterable[tuple[str, str]] = ()
    ) -> Deferred[Response]:
        return self.request("UPDATE", body, contentType, extraHeaders)

    def modify(
        self,
        sdp: bytes | str | None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        contentType: str = "application/sdp",
        method: str | None = None,
        modifiers: Iterable[Any] = (),
    ) -> Deferred[Any]:
        modify, lines = self.core.sends["modify"], extraLines(extraHeaders)
        changing: Deferred[Any] = modify(self, sdp, lines, contentType, method, modifiers)
        return changing

    def refer(
        self,
        target: Any,
        extraHeaders: Iterable[tuple[str, str]] = (),
        activeAfterTransfer: bool = False,
        receiveResponse: Callable[[Response], Any] | None = None,
        delegate: Any = None,
        subscription: str | None = None,
    ) -> Deferred[Any]:
        referring: Deferred[Any] = self.core.sends["refer"](
            self,
            target,
            extraHeaders=extraHeaders,
            activeAfterTransfer=activeAfterTransfer,
            receiveResponse=receiveResponse,
            delegate=delegate,
            subscription=subscription,
        )
        return referring

    def subscribe(
        self,
        event: Any,
        expires: int | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
        delegate: Any = None,
        accept: Iterable[str] | None = None,
        resubscribe: bool = True,
    ) -> Deferred[Any]:
        subscribing: Deferred[Any] = self.core.sends["subscribe"](
            self,
            event,
            expires=expires,
            extraHeaders=extraHeaders,
            body=body,
            contentType=contentType,
            delegate=delegate,
            accept=accept,
            resubscribe=resubscribe,
        )
        return subscribing

    def dtmf(self, tones: str, duration: float = 0.1, gap: float = 0.5) -> Deferred[None]:
        sending: Deferred[None] = self.core.sends["dtmf"](self, tones, duration, gap)
        return sending

    @property
    def isOver(self) -> bool:
        """It takes no requests of the application any more."""
        return self.state is Phase.TERMINATED or self._destroying is not None

    def over(self) -> DialogTerminated:
        """What a request fails with then."""
        return DialogTerminated("the dialog is over (RFC 3261 section 15)", self.ended)

    def concluded(self, response: Response) -> Response:
        """What the final response to one of our requests means for the dialog itself (RFC 5057 section 5.1)."""
        if response.cseqMethod == "PRACK" and self.state is not Phase.EARLY:
            # RFC 3262 section 3: it may mean no more than that the provisional is acknowledged already, or given up.
            return response
        if response.statusCode == 481 and response.cseqMethod in EVENTS:
            return response  # there may be no such subscription any more, which is no news of the session
        if response.statusCode in self.core.configuration.dialogEndingStatuses:
            self.hangUp(Reason.DIALOG_ERROR, None, response)
        return response

    def hangUp(self, reason: Reason, lines: Lines | None = None, message: Any = None) -> None:
        """We end it ourselves."""
        raise NotImplementedError
