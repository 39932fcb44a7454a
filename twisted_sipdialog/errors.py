"""
Whose fault it is, and the status code that answers it.

Two branches: L{LocalError}, the application called us wrongly (raised at the
call, before anything is sent); L{RemoteError}, the peer or the network failed
us (carried by a Deferred).  Each knows the status code that tells a peer about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twisted_sipdialog.message import Request, Response


class SipError(Exception):
    """
    The root of everything this package raises on purpose.

    @cvar statusCode: the status that answers a peer whose request ran into this.
    """

    statusCode: int | None = 500


class LocalError(SipError):
    """The application called it wrongly; nothing was sent."""


class InvalidState(LocalError):
    """
    A verb that the present state does not allow: a second final response, a
    request on an ended dialog.

    @ivar verb: the method that was called.
    @ivar state: the state that forbids it.
    """

    def __init__(self, verb: str, state: str, rule: str = "") -> None:
        super().__init__(f"{verb}() is not possible: {state}" + (f" ({rule})" if rule else ""))
        self.verb = verb
        self.state = state


class InvalidValue(LocalError, ValueError):
    """
    A value outside what its rule allows.

    @ivar name: the parameter.
    @ivar value: what was given.
    @ivar rule: what would have been right.
    """

    def __init__(self, name: str, value: Any, rule: str) -> None:
        super().__init__(f"{name}: {value!r}: {rule}")
        self.name = name
        self.value = value
        self.rule = rule


class ConfigurationError(InvalidValue):
    """A setting that cannot be used."""


class RemoteError(SipError):
    """The peer broke the protocol, refused, or could not be reached."""


class ParseError(RemoteError, ValueError):
    """
    Bytes or text that are not what the grammar says.

    @ivar statusCode: how to answer it (400, 413, 414, 416, 505, 513), or None:
        silence, since there is nobody to answer or nothing to answer with.
    @ivar request: what could be read of a request, enough to answer it; or None.
    @ivar fatal: the framing is lost: a stream that carried it must be closed.
    """

    def __init__(
        self,
        text: str,
        statusCode: int | None = 400,
        request: Request | None = None,
        fatal: bool = False,
    ) -> None:
        super().__init__(text)
        self.statusCode = statusCode
        self.request = request
        self.fatal = fatal


class ResponseError(RemoteError):
    """
    A final response that is not a success.

    @ivar response: that response.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.statusCode} {response.reasonPhrase}")
        self.response = response
        self.statusCode = response.statusCode


class Timeout(RemoteError):
    """No final response in time (timers B and F: 64*T1); counts as 408 (RFC 3261 section 8.1.3.1)."""

    statusCode = 408


class TransportError(RemoteError):
    """The message could not be sent, or its flow was lost; counts as 503 (RFC 3261 section 8.1.3.1)."""

    statusCode = 503


class ListenError(TransportError):
    """
    A port could not be opened.

    @ivar description: the C{listen} entry.
    """

    def __init__(self, description: str, reason: str) -> None:
        super().__init__(f"listen: {description!r}: {reason}")
        self.description = description


class LocateError(TransportError):
    """No address could be found for a URI."""


class DialogTerminated(RemoteError):
    """
    The dialog ended before or while this was asked of it.

    @ivar ended: how it ended (L{twisted_sipdialog.interfaces.IEnded}), or None while our own BYE is on its way.
    """

    statusCode = 481

    def __init__(self, text: str, ended: Any = None) -> None:
        super().__init__(text)
        self.ended = ended


class NoAck(RemoteError):
    """The 2xx was repeated for 64*T1 and never acknowledged; the call was ended by BYE (RFC 3261 section 13.3.1.4)."""

    statusCode = 408


class NoPrack(RemoteError):
    """A reliable provisional was repeated for 64*T1 and no PRACK came; the INVITE was refused (RFC 3262 section 3)."""

    statusCode = 504


class ReferFailed(RemoteError):
    """
    What a REFER asked for cannot be had, or nobody says what became of it.

    @ivar status: the last status that was told (L{StatusFragment<twisted_sipdialog.message.sipfrag.StatusFragment>}),
        or None.
    """

    def __init__(self, text: str, statusCode: int = 487, status: Any = None) -> None:
        super().__init__(text)
        self.statusCode = statusCode
        self.status = status


class SubscriptionTerminated(RemoteError):
    """
    The subscription ended before or while this was asked of it.

    @ivar ended: how it ended (L{SubscriptionEnd<twisted_sipdialog.dialog.subscription.SubscriptionEnd>}).
    """

    statusCode = 481

    def __init__(self, text: str, ended: Any) -> None:
        super().__init__(text)
        self.ended = ended


class StoreError(SipError):
    """
    A file or a database that keeps state cannot be used: at fault is neither the caller nor the peer.

    @ivar path: which.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
