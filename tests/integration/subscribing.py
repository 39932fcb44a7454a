"""
Subscribers and notifiers on real sockets.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet import reactor

from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.event import PACKAGES
from twisted_sipdialog.event.presence import Presence
from twisted_sipdialog.server.state_agent import StateAgent

PIDF = "application/pidf+xml"


def presence(basic: str, *activities: str) -> bytes:
    """A presence document: C{open} or C{closed}, and what the person does."""
    return Presence.of("sip:alice@example.com", basic, activities=activities).toBytes()


class Watcher:
    """
    Subscribes: remembers what it was told.

    @ivar told: what happened, oldest first: a word, and what it says of that.
    @ivar forks: further subscriptions of the same SUBSCRIBE.
    """

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.forks: list[Any] = []

    def subscriptionAccepted(self, subscription: Any, response: Any) -> None:
        self.told.append(("accepted", response.statusCode))

    def notified(self, subscription: Any, notification: Any) -> None:
        self.told.append(("notified", notification.state.state))

    def subscriptionForked(self, subscription: Any, other: Any) -> None:
        self.forks.append(other)

    def subscriptionTerminated(self, subscription: Any, end: Any) -> None:
        self.told.append(("terminated", end.reason))


class Presentity(UserAgentDelegate):
    """
    Lets anybody subscribe to its presence.

    @ivar notifiers: those that subscribed, oldest first.
    @ivar told: what became of them, oldest first.
    @ivar body: what each is told first: nothing while it waits.
    @param state: C{pending}: they are to wait.
    """

    def __init__(self, state: str = "active") -> None:
        self.notifiers: list[Any] = []
        self.told: list[tuple[str, Any]] = []
        self.body = presence("open") if state == "active" else b""
        self._state = state

    async def subscribeReceived(self, context: Any) -> None:
        if context.event.package == "presence":
            what = {"body": self.body, "contentType": PIDF, "state": self._state, "interval": 0.0}
            self.notifiers.append(await context.accept(**what, delegate=self))

    def notifierRefreshed(self, notifier: Any, request: Any) -> None:
        self.told.append(("refreshed", round(notifier.expires)))

    def notifierTerminated(self, notifier: Any, end: Any) -> None:
        self.told.append(("terminated", end.reason))


class Server(StateAgent):
    """
    Keeps the presence of everybody, tells of a change at once, and says yes to who wants to register.
    """

    def __init__(self) -> None:
        super().__init__(reactor, [evolve(PACKAGES["presence"], interval=0.0)])

    def registerReceived(self, context: Any) -> None:
        lines = [(name, context.request.headers.get(name)) for name in ("Contact", "Expires")]
        context.accept(extraHeaders=[(name, value) for name, value in lines if value is not None])
