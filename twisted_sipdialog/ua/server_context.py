"""
ServerContext: a request of a peer, and our answer (RFC 3261 section 8.2).

The verbs are those of SIP.js's ServerContext; a wrong status or a second final
raises before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.errors import DialogTerminated, InvalidState, InvalidValue, LocalError, SipError
from twisted_sipdialog.interfaces import IServerContext
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.status import Cause
from twisted_sipdialog.status import reasonPhrase as standardPhrase
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Waiters, cancel
from twisted_sipdialog.ua.outgoing import Lines, extraLines, typeLine

_log = Logger()

#: After this many T1 a client of an unreliable transport repeats only every T2: from here on a 100 helps (RFC 4320).
_QUIET = 7
#: An application that has not answered by then is answered for, before the client's timer F (64*T1) runs out.
_LATEST = 60
#: The methods whose 2xx has the Contact of the application: where somebody is found, as in a 3xx (sections 10.3, 11.2).
_CONTACTS = ("REGISTER", "OPTIONS")


def oneLine(name: str, text: str) -> str:
    """
    C{text}, which goes into a line as it is.

    @raise InvalidValue: it would end that line.
    """
    if "\r" in text or "\n" in text or "\0" in text:
        raise InvalidValue(name, text, "must not contain CR, LF or NUL")
    return text


@implementer(IServerContext)
class ServerContext:
    """
    @see: L{IServerContext<twisted_sipdialog.interfaces.IServerContext>}
    """

    __slots__ = (
        "_data",
        "_default",
        "_finished",
        "_later",
        "_tag",
        "_timer",
        "cancelled",
        "core",
        "dialog",
        "pending",
        "request",
        "response",
        "transaction",
    )

    #: L{Dialog.isInviting}: it is not a request of ours.
    isOurs = False
    #: The next offer is to be ours, in a response to it.
    owesOffer = False
    #: What C{progress()} sends, and may send.
    provisional = 100
    provisionals: tuple[int, int] = (100, 100)

    def __init__(self, core: Core, transaction: Any, dialog: Any = None, default: int = 405) -> None:
        self.core = core
        self.transaction = transaction
        self.request: Request = transaction.request
        self.dialog = dialog
        self.response: Response | None = None
        self.cancelled: Request | None = None
        self.pending: Deferred[Any] | None = None
        self._default = default
        self._finished: Waiters | None = None
        self._later = False
        self._timer: Any = None
        self._tag = ""
        self._data: dict[str, Any] | None = None

    # What the request says.

    @property
    def userAgent(self) -> Any:
        return self.core.userAgent

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def body(self) -> bytes:
        return self.request.body

    @property
    def contentType(self) -> str | None:
        return self.request.headers.get("content-type")

    @property
    def localIdentity(self) -> Address:
        return self.request.to

    @property
    def remoteIdentity(self) -> Address:
        return self.request.from_

    @property
    def assertedIdentity(self) -> Address | None:
        asserted = typedOrNone(self.request, "p-asserted-identity")
        return asserted[0] if asserted else None

    @property
    def data(self) -> dict[str, Any]:
        if self._data is None:
            self._data = {}
        return self._data

    @property
    def state(self) -> str:
        if self.response is None:
            return "waiting for an answer"
        return f"answered with {self.response.statusCode}" if self.response.statusCode >= 200 else "proceeding"

    # The verbs.

    def progress(
        self,
        statusCode: int | None = None,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
    ) -> Deferred[Any]:
        code = self._checked("progress", self.provisional if statusCode is None else statusCode, *self.provisionals)
        if self.response is None and not self.transaction.reliable:
            # RFC 4320 section 4.1: no 100 before the client repeats only every T2; from then on it goes by itself.
            self.request.response(code, reasonPhrase, "", extraHeaders, body, contentType)
            self.wait()
        else:
            self._send(code, reasonPhrase, extraHeaders, body, contentType)
        return succeed(None)

    def accept(
        self,
        statusCode: int = 200,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
    ) -> Deferred[Any]:
        code = self._checked("accept", statusCode, 200, 299)
        return succeed(self._send(code, reasonPhrase, extraHeaders, body, contentType))

    def reject(
        self,
        statusCode: int = 480,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
    ) -> Deferred[Any]:
        code = self._checked("reject", statusCode, 300, 699)
        return succeed(self._send(code, reasonPhrase, extraHeaders, body, contentType))

    def reply(
        self,
        statusCode: int,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        contentType: str | None = None,
    ) -> Deferred[Any]:
        self._checked("reply", statusCode, 100, 699)
        # To a verb that answers offers an empty body is one that was given.
        given = {} if body is None else {"body": body}
        if statusCode < 200:
            return self.progress(statusCode, reasonPhrase, extraHeaders, contentType=contentType, **given)
        verb = self.accept if statusCode < 300 else self.reject
        return verb(statusCode, reasonPhrase, extraHeaders, contentType=contentType, **given)

    def answerLater(self) -> None:
        self._later = True

    def whenFinished(self) -> Deferred[Response]:
        if self._finished is None:
            self._finished = Waiters()
            if self.answered:
                self._finished.fire(self.response)
        return self._finished.wait()

    def _checked(self, verb: str, statusCode: int, lowest: int, highest: int) -> int:
        """Nothing is sent that the state or the range forbids."""
        if self.answered:
            raise InvalidState(verb, self.state, "one final response, RFC 3261 section 8.2.6")
        if not lowest <= statusCode <= highest:
            raise InvalidValue("statusCode", statusCode, f"{verb}() takes {lowest} to {highest}")
        return statusCode

    @property
    def answered(self) -> bool:
        """The final response was sent."""
        return self.response is not None and self.response.statusCode >= 200

    def _send(
        self,
        statusCode: int,
        reasonPhrase: str | None,
        extraHeaders: Iterable[tuple[str, str]],
        body: bytes,
        contentType: str | None,
    ) -> Response:
        isTheirs = statusCode >= 300 or self.method in _CONTACTS
        extra = extraLines(extraHeaders, contact=isTheirs) if extraHeaders else []
        response = self._written(statusCode, reasonPhrase, extra, body, contentType)
        self._respond(response)
        self.responded(response)
        return response

    def _written(
        self,
        statusCode: int,
        reasonPhrase: str | None,
        extra: Lines,
        body: bytes,
        contentType: str | None,
    ) -> Response:
        lines = [*self._ownLines(statusCode), *extra]
        if body or contentType is not None:
            lines.append(typeLine(contentType or "application/sdp"))
        phrase = standardPhrase(statusCode) if reasonPhrase is None else oneLine("reasonPhrase", reasonPhrase)
        text = "".join([f"{name}: {value}\r\n" for name, value in lines])
        return self.request._respond(statusCode, phrase, self.localTag(), text, body)

    def _ownLines(self, statusCode: int) -> Lines:
        """What a response of that status carries by itself."""
        if statusCode == 405:
            return [("Allow", self.core.allow(self.method))]
        if statusCode == 469:
            # RFC 6086 section 4.2.2: which packages would do.
            return [self.core.infoLine()]
        return []

    def localTag(self) -> str:
        """The To tag of all our responses to this request."""
        if not self._tag:
            self._tag = self.transaction.toTag = self.request.toTag or self.core.identity.newTag()
        return self._tag

    def _respond(self, response: Response) -> None:
        self.response = response
        if response.statusCode >= 200:
            self._close()
        self.transaction.respond(response)

    def responded(self, response: Response) -> None:
        """C{response} was sent, the first time: whoever wants to know is told."""
        core, code = self.core, response.statusCode
        own = None if self.dialog is None else self.dialog.delegate
        if own is not None or core.hears:
            if code < 200:
                core.tellAll(own, "progressSent", self, response)
            elif code < 300:
                core.tellAll(own, "requestAccepted", self, response)
            else:
                core.tellRejected(own, self, response, self._causeOf(response))
        if self._finished is not None and code >= 200:
            self._finished.fire(response)

    def _causeOf(self, response: Response) -> Cause:
        """Why it was refused."""
        return Cause.of(response.statusCode)

    def _close(self) -> None:
        """A final response goes out: nothing waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.core.answering.pop(self, None)

    # How the delegate did: see delegation.ask.

    def answerByDefault(self) -> None:
        """No delegate answers this: the default of DESIGN does."""
        self.reply(self._default)

    def returned(self) -> None:
        """The delegate's method is through."""
        self.pending = None
        if not self.answered:
            if self._later:
                self.wait()
            else:
                self.answerByDefault()

    def raised(self, failure: Failure) -> None:
        """The delegate's method failed."""
        self.pending = None
        if failure.check(CancelledError, DialogTerminated) and (self.answered or self.cancelled is not None):
            return  # it was told that the call is over
        if self.answered:
            _log.failure("the delegate failed after it answered {method}", failure, method=self.method)
            return
        if failure.check(CancelledError) and self.core.stopping:
            self.reject(503)
            return
        _log.failure("the delegate failed on {method}: it is answered with 500", failure, method=self.method)
        self.reject(500)

    def wait(self) -> None:
        """The answer takes its time: bound it (RFC 4320: never a 408, and a 100 only when it helps)."""
        if not self.answered and self._timer is None:
            self.core.answering[self] = None
            self._timer = self.core.timers.start(_QUIET * self.core.configuration.timers.T1, self._quiet)

    def _quiet(self, _: Any) -> None:
        rest = (_LATEST - _QUIET) * self.core.configuration.timers.T1
        self._timer = self.core.timers.start(rest, self._overdue)
        if self.response is None:
            self._send(100, None, (), b"", None)

    def _refuseFor(self, failure: Failure) -> None:
        """What was offered has no answer, for C{failure}; what its own code raised is logged."""
        error = failure.value
        if not isinstance(error, SipError | CancelledError):
            _log.failure("no session description could be made", failure)
        status = None if isinstance(error, LocalError) else getattr(error, "statusCode", None)
        self.reject(status or 500)

    def _overdue(self, _: Any) -> None:
        _log.warn("nobody answered {method} in time: 500", method=self.method)
        self.reject(500)
        cancel(self.pending)
