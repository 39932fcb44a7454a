"""
PUBLISH as its sender (RFC 3903 section 4): one publication, kept up until it is withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.errors import InvalidState, InvalidValue, ResponseError, SipError, TransportError
from twisted_sipdialog.interfaces import IPublishClientContext
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.grammar import isToken
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Outcome, Waiters, fire, tell
from twisted_sipdialog.ua.outgoing import Lines, extraLines, typeLine
from twisted_sipdialog.ua.publishing import Publishing
from twisted_sipdialog.ua.request_client import newRequest
from twisted_sipdialog.ua.retry import REFRESH, Retry, toldBy

#: What may be answered otherwise a little later.
_PASSING: Final = (408, 500, 503, 504)
#: What is written for the application.
_OWN_NAMES: Final = ("event", "expires", "sip-if-match")


@implementer(IPublishClientContext)
class PublishClientContext:
    """
    @see: L{IPublishClientContext<twisted_sipdialog.interfaces.IPublishClientContext>}
    """

    def __init__(
        self,
        userAgent: Any,
        target: str,
        event: str,
        contentType: str = "text/plain",
        expires: int = 3600,
        extraHeaders: Iterable[tuple[str, str]] = (),
        unpublishOnClose: bool = True,
        delegate: Any = None,
        entityTag: str | None = None,
    ) -> None:
        """
        C{publish(body)} begins it.  For the parameters see
        L{IUserAgent.publish<twisted_sipdialog.interfaces.IUserAgent>}.
        """
        core: Core = userAgent._core
        if not isinstance(event, str) or not isToken(event.partition(";")[0]):
            raise InvalidValue("event", event, "the name of an event package (RFC 6665 section 8.2.1)")
        if type(expires) is not int or not 1 <= expires < 2**32:
            raise InvalidValue("expires", expires, "whole seconds, 1 or more")
        if entityTag is not None and not isToken(entityTag):
            raise InvalidValue("entityTag", entityTag, "a token (RFC 3903 section 11.3.1)")
        lines = extraLines([*extraHeaders])
        for name, _ in lines:
            if name.lower() in _OWN_NAMES:
                raise InvalidValue("extraHeaders", name, "this header is written for you")
        self.core = core
        self.userAgent = userAgent
        self.target = core.identity.target(target)
        self.event = event
        self.contentType = typeLine(contentType)[1]
        self.unpublishOnClose = unpublishOnClose
        self.delegate = delegate
        self.entityTag = entityTag
        self.body: bytes | None = None
        self._taken: bytes | None = None  # the body that the compositor took last
        self.expires = expires
        self._asked = expires  # seconds that we ask for
        self._lines = lines
        self._next: bytes | None = None  # what is to be published when the request that is open is through
        self._waiting: list[Deferred[Any]] = []  # for what is next
        self._open: Publishing | None = None
        self._closing: Waiters | None = None
        self._isRemoving = False
        self._isOwed = False  # the compositor may not have the newest body
        self._timer: Any = None
        self._until = 0.0  # when the compositor forgets it
        self._retry = Retry()

    @property
    def isPublished(self) -> bool:
        """The compositor has it, as far as we know."""
        return self.entityTag is not None and self._until > self.core.timers.now()

    # What the application asks.

    def publish(self, body: bytes | None = None) -> Deferred[Response]:
        """
        @see: L{IPublishClientContext.publish<twisted_sipdialog.interfaces.IPublishClientContext>}
        """
        if self._closing is not None:
            raise InvalidState("publish", "the publication was closed")
        self.userAgent._mayCall("publish")
        if body is None:
            if self.body is None and self._next is None:
                raise InvalidState("publish", "nothing was published that could be refreshed")
        elif not isinstance(body, bytes) or not body:
            raise InvalidValue("body", body, "bytes, and not none of them")
        else:
            self._next = body
        self._isRemoving = False
        return self._wait()

    def unpublish(self) -> Deferred[Response | None]:
        """
        @see: L{IPublishClientContext.unpublish<twisted_sipdialog.interfaces.IPublishClientContext>}
        """
        self._next = None
        self._isRemoving = True
        return self._wait()

    def close(self) -> Deferred[None]:
        """
        @see: L{IPublishClientContext.close<twisted_sipdialog.interfaces.IPublishClientContext>}
        """
        if self._closing is None:
            self._closing = Waiters()
            if self.unpublishOnClose:
                self.unpublish().addBoth(self._closed)
            else:
                self._forget()
                self._closed(None)
        return self._closing.wait()

    def _closed(self, _: Any) -> None:
        assert self._closing is not None
        self._stopTimer()
        if self._open is None and not self._waiting:
            self.core.kept.pop(self, None)
        self._closing.fire(None)

    def _wait(self) -> Deferred[Any]:
        waiting = Outcome()
        self._waiting.append(waiting)
        self.core.kept[self] = None
        self.userAgent._whenReady(self._go, self._unready)
        return waiting

    def _unready(self, error: SipError) -> None:
        self._next = None
        self._fire(Failure(error))

    # One request at a time (section 4), also of several publications to one Request-URI: what is asked for meanwhile
    # waits, and of bodies the newest is sent.

    def _go(self) -> None:
        if self._open is not None:
            return
        if not self._waiting:
            if self._closing is not None:
                self.core.kept.pop(self, None)  # it was closed while a PUBLISH was open
            self._leave()
            return
        if self._isRemoving and self.entityTag is None:
            waiting, self._waiting = self._waiting, []
            self._forget()
            self._leave()
            for each in waiting:
                fire(each, None)
            return
        turns = self.core.publishing.setdefault(self.target, {})
        turns[self] = None
        if next(iter(turns)) is not self:
            return
        if self._isRemoving:
            self._send(None, 0)
        elif self._next is not None:
            self.body, self._next = self._next, None
            self._send(self.body, self._asked)
        elif self.isPublished and not self._isOwed:
            self._send(None, self._asked)
        else:
            self.entityTag = self.entityTag if self.isPublished else None
            self._send(self.body, self._asked)

    def _leave(self) -> None:
        """It is the turn of the next one, if this one had it."""
        turns = self.core.publishing.get(self.target, {})
        if self not in turns:
            return
        hadIt = next(iter(turns)) is self
        del turns[self]
        if not turns:
            del self.core.publishing[self.target]
        elif hadIt:
            next(iter(turns))._go()

    def _send(self, body: bytes | None, expires: int, recovered: bool = False, isRepaired: bool = False) -> None:
        self._stopTimer()
        if self._open is None:
            waiting, self._waiting = self._waiting, []
        else:
            waiting = self._open.waiting  # what was asked for since waits on
        lines: Lines = [*self._lines, ("Event", self.event), ("Expires", str(expires))]
        if self.entityTag is not None:
            lines.append(("SIP-If-Match", self.entityTag))
        outgoing = newRequest(self.core, "PUBLISH", self.target, ())
        outgoing.lines += lines
        if body:
            outgoing.body = body
            outgoing.lines.append(("Content-Type", self.contentType))
        self._open = Publishing(self, outgoing, waiting, expires, isRepaired, recovered)
        self._open.start()

    def _fire(self, outcome: Any) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            fire(each, outcome)

    def _tell(self, name: str, *arguments: Any) -> None:
        if self.delegate is not None:
            tell(self.delegate, name, self, *arguments)

    # What comes back.

    def provisional(self, response: Response) -> None:
        """A provisional response."""
        self._tell("publishProgress", response)

    def accepted(self, publishing: Publishing, response: Response) -> None:
        """Section 4.1: a 2xx, with the entity tag that the next request names."""
        self._retry.reset()
        self._isOwed = False
        self._taken = publishing.body or self._taken
        granted = typedOrNone(response, "expires")
        asked = publishing.expires
        self.expires = granted if granted is not None and granted <= asked else asked
        tag = typedOrNone(response, "sip-etag")
        self._open = None
        if self.expires == 0:
            self._forget()
        else:
            self.entityTag = tag
            self._until = self.core.timers.now() + self.expires
            if self._closing is None:
                self._timer = self.core.timers.start(REFRESH * self.expires, self._due)
        self._leave()
        self._tell("unpublished" if self.expires == 0 else "published", response)
        publishing.fire(response)
        self._go()

    def refused(self, publishing: Publishing, response: Response) -> None:
        """A final response that is no success."""
        code, isRemoval = response.statusCode, publishing.expires == 0
        if code == 412 and self.entityTag is not None and not publishing.recovered:
            # Section 4.1: the compositor does not have it any more; all of it is published anew, once for each body.
            self.entityTag = None
            if isRemoval:
                self._open = None
                self._forget()
                self._leave()
                self._tell("unpublished", response)
                publishing.fire(response)
                self._go()
            else:
                self._tell("publishProgress", response)
                self._send(self.body, self._asked, True, publishing.isRepaired)
            return
        minimum = publishing.repair(response)
        if minimum is not None:
            self._asked = minimum
            self._tell("publishProgress", response)
            self._send(publishing.body, minimum, publishing.recovered, True)
            return
        self._open = None
        error = ResponseError(response)
        if code in _PASSING and self._mayRetry(isRemoval):
            self._tryAgain(publishing, toldBy(response))
        elif publishing.body and self.isPublished:
            self._keepFormer()
        else:
            self._forget()
        self._failed(publishing, error, response)

    def unanswered(self, publishing: Publishing, error: BaseException) -> None:
        """No final response."""
        self._open = None
        isRemoval = publishing.expires == 0
        if self._mayRetry(isRemoval):
            self._tryAgain(publishing, None)
        else:
            self._forget()
        self._failed(publishing, error, None)

    def _failed(self, publishing: Publishing, error: BaseException, response: Response | None) -> None:
        failure = Failure(error)
        self._leave()
        self._tell("publishFailed", failure)
        if self._timer is None:
            self._tell("unpublished", response)
        publishing.fire(failure)
        self._go()

    # How it goes on by itself.

    def _mayRetry(self, isRemoval: bool) -> bool:
        """What was published once is kept up; what never was is for the application to try again."""
        return not isRemoval and self._until > 0 and self._closing is None

    def _tryAgain(self, publishing: Publishing, seconds: float | None) -> None:
        self._isOwed = self._isOwed or bool(publishing.body)
        self._timer = self.core.timers.start(self._retry.pause(seconds), self._due)

    def _keepFormer(self) -> None:
        """Section 6: another body that is refused changes nothing, so what was published before is kept up."""
        self._isOwed = False
        self.body = self._taken
        due = self._until - (1 - REFRESH) * self.expires
        self._timer = self.core.timers.start(max(due - self.core.timers.now(), 0.0), self._due)

    def _due(self, _: Any) -> None:
        self._timer = None
        if self._open is None and self._closing is None:
            self._wait()

    def _stopTimer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _forget(self) -> None:
        """The compositor does not have it, or is to forget it by itself."""
        self._stopTimer()
        self.entityTag = None
        self._until = 0.0
        if self._next is None and not self._waiting:
            self.core.kept.pop(self, None)

    def stopping(self) -> Deferred[None]:
        """The service ends."""
        return self.close()

    def stopped(self) -> None:
        """The service ends and waits no longer."""
        self._stopTimer()
        self.core.kept.pop(self, None)
        self.core.publishing.pop(self.target, None)
        self._next = None
        self._fire(Failure(TransportError("the service stopped")))
