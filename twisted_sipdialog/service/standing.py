"""
What C{twistd sipua} publishes and watches by itself, for as long as it runs.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_sipdialog.delegates import PublishDelegate, SubscriptionDelegate
from twisted_sipdialog.errors import SipError
from twisted_sipdialog.event.dialog_info import DialogInfo
from twisted_sipdialog.event.message_summary import MessageSummary
from twisted_sipdialog.event.presence import Presence
from twisted_sipdialog.message import Response
from twisted_sipdialog.timers import after
from twisted_sipdialog.ua.retry import Retry

_log = Logger()


class Standing:
    """
    Begins something, and again if it fails, or ends, without our doing.

    @ivar hasBegun: it is there, or was since it was begun last.
    """

    hasBegun = False

    def __init__(self, reactor: IReactorTime, userAgent: Any) -> None:
        self._reactor = reactor
        self._retry = Retry()
        self._waiting: IDelayedCall | None = None
        self._isStopped = False
        self.userAgent = userAgent

    def start(self) -> None:
        """Begin."""
        self._waiting = None
        self.hasBegun = False
        self._begin().addCallbacks(self._began, self._failed)

    def _begin(self) -> Any:
        """@return: a Deferred that fires when it has begun."""
        raise NotImplementedError

    def _began(self, _: Any) -> None:
        self.hasBegun = True
        self._retry.reset()

    def _failed(self, failure: Failure) -> None:
        failure.trap(SipError, CancelledError)  # the second: it was stopped
        self._again()

    def _again(self) -> float:
        """Try again.  @return: seconds from now."""
        wait = self._retry.pause()
        if not self._isStopped:
            self._waiting = after(self._reactor, wait, self.start)
        return wait

    def stop(self) -> None:
        """Do not try again."""
        self._isStopped = True
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class Publisher(Standing, PublishDelegate):
    """
    Publishes one state of ours (RFC 3903).
    """

    def __init__(self, reactor: IReactorTime, userAgent: Any, event: str, body: bytes, contentType: str) -> None:
        super().__init__(reactor, userAgent)
        self._event = event
        self._body = body
        self._contentType = contentType
        self._isThere = False

    def _begin(self) -> Any:
        target = str(self.userAgent.configuration.aor)
        return self.userAgent.publish(target, self._event, self._body, self._contentType, delegate=self)

    def published(self, publication: Any, response: Response) -> None:
        """The first time a line says so."""
        if not self._isThere:
            _log.info("{event} of {target} is published", event=self._event, target=publication.target)
        self._isThere = True

    def unpublished(self, publication: Any, response: Response | None) -> None:
        """A line says so.  One that had begun is not tried again by anybody else."""
        if self._isThere:
            _log.info("{event} of {target} is not published any more", event=self._event, target=publication.target)
        self._isThere = False
        if self.hasBegun:
            self.hasBegun = False
            self._again()

    def publishFailed(self, publication: Any, failure: Failure) -> None:
        """A line says why."""
        _log.warn(
            "{event} of {target} was not published: {reason}",
            event=self._event,
            target=publication.target,
            reason=failure.getErrorMessage(),
        )


class Watcher(Standing, SubscriptionDelegate):
    """
    Subscribes to one state of somebody (RFC 6665), and logs it.
    """

    def __init__(self, reactor: IReactorTime, userAgent: Any, event: str, target: str) -> None:
        super().__init__(reactor, userAgent)
        self._event = event
        self._target = target

    def _begin(self) -> Any:
        return self.userAgent.subscribe(self._target, self._event, delegate=self)

    def notified(self, subscription: Any, notification: Any) -> None:
        """A line says what is so."""
        # Of a document that tells a part the whole is there; one that is missing tells nothing.
        value = None if notification.value is None else subscription.value
        said = told(value) if notification.error is None else str(notification.error)
        if notification.state.state != "active":
            said = f"{said} ({notification.state.state})"
        _log.info("{event} of {target}: {said}", event=self._event, target=self._target, said=said)

    def subscriptionFailed(self, subscription: Any, failure: Failure) -> None:
        """A line says why."""
        _log.warn(
            "{event} of {target} cannot be watched: {reason}",
            event=self._event,
            target=self._target,
            reason=failure.getErrorMessage(),
        )

    def subscriptionSuspended(self, subscription: Any, end: Any, retryAfter: float) -> None:
        """A line says when it goes on."""
        self._log("{event} of {target} is told no more ({reason}); watched again in {wait} s", end, retryAfter)

    def subscriptionTerminated(self, subscription: Any, end: Any) -> None:
        """One that had begun is not tried again by anybody else; unless we ended it, that is done here."""
        if self.hasBegun and end.reason not in ("unsubscribed", "service stopped"):
            self._log("{event} of {target} is refused ({reason}); tried again in {wait} s", end, self._again())

    def _log(self, line: str, end: Any, wait: float) -> None:
        reason = end.reason or "no reason given"
        _log.info(line, event=self._event, target=self._target, reason=reason, wait=round(wait))


def told(value: Any) -> str:
    """What a state says, in a few words."""
    if isinstance(value, Presence):
        words = [value.basic or "unknown", *value.activities, *[repr(note.text) for note in value.notes]]
        return ", ".join(words)
    if isinstance(value, MessageSummary):
        counts = ", ".join(f"{kind} {count}" for kind, count in value.counts.items())
        return f"messages {'wait' if value.waiting else 'do not wait'}{counts and f' ({counts})'}"
    if isinstance(value, DialogInfo):
        return ", ".join(f"{dialog.direction or 'call'} {dialog.state}" for dialog in value.dialogs) or "no call"
    return "nothing is known" if value is None else str(value)
