"""
What the tests of subscriptions in docs/events.rst share.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.events.case import EventCase, Recorder
from twisted_sipdialog import Request, Response

ALICE = "sip:alice@peer.example"
#: What an application hears of a subscription of its own.
TOLD = (
    *("subscriptionAccepted", "notified", "subscriptionFailed", "subscriptionSuspended", "subscriptionTerminated"),
    "subscriptionForked",
)


class SubscriptionCase(EventCase):
    """
    A subscription of ours, whose notifier is the scripted peer; or one of the peer.
    """

    # Ours.

    def asks(self, settings: Any = None, event: Any = "x-state", **how: Any) -> Deferred[Any]:
        """One that was asked for: its Deferred; C{self.request} is the SUBSCRIBE."""
        self.notes = Recorder(*TOLD)
        agent = self.agent(**(settings or {}))
        return self.asked(agent.subscribe(ALICE, event, delegate=self.notes, **how))

    def asked(self, subscribing: Deferred[Any]) -> Deferred[Any]:
        self.subscribing = subscribing
        self.addCleanup(self.subscribing.addErrback, lambda _: None)
        self.next()
        return self.subscribing

    def next(self, seconds: float = 1.0) -> Request:
        """The next SUBSCRIBE of ours."""
        self.request: Request = self.peer.expect("SUBSCRIBE", seconds)
        return self.request

    def line(self, name: str) -> str | None:
        """A header line of the last SUBSCRIBE."""
        return self.request.headers.get(name)

    def says(self, code: int = 200, **headers: str | None) -> None:
        """The answer to the last SUBSCRIBE."""
        lines = {"Expires": "3600" if code < 300 else None, **headers}
        self.peer.respond(self.request, code, headers={k.replace("_", "-"): v for k, v in lines.items()})
        self.pass_(0.01)

    def tells(self, state: str = "active", body: bytes = b"", **headers: str | None) -> Response:
        """A NOTIFY of the peer: our answer."""
        lines = {"Event": self.line("event"), "Subscription-State": state, **headers}
        lines = {"Content-Type": "text/plain" if body else None, **lines}
        lines = {k.replace("_", "-"): v for k, v in lines.items()}
        return self.finalTo(self.peer.request("NOTIFY", within=self.request, headers=lines, body=body))

    def stands(self, state: str = "active", expires: str = "3600", **how: Any) -> Any:
        """One that was granted, and told of: its L{ISubscription}."""
        self.asks(**how)
        self.says(Expires=expires)
        self.assertEqual(self.tells(state).statusCode, 200)
        self.notes.told.clear()
        return self.successResultOf(self.subscribing)

    def sent(self) -> int:
        """How many SUBSCRIBEs came to the peer, retransmissions apart."""
        return len({m.via.branch for m in self.peer.received if isinstance(m, Request) and m.method == "SUBSCRIBE"})

    def silence(self, seconds: float) -> None:
        """No SUBSCRIBE of ours for so long."""
        before = self.sent()
        self.pass_(seconds)
        self.assertEqual(self.sent(), before)

    # The peer's.

    def subscribes(self, headers: Any = None, settings: Any = None, **accept: Any) -> Any:
        """
        A SUBSCRIBE of the peer, which we accept: the L{INotifier}; C{self.response} is the answer to it.

        @param accept: the arguments of C{accept()}.
        """
        self.notes = Recorder("notifierRefreshed", "notifierTerminated")

        def subscribeReceived(context: Any) -> None:
            context.accept(**{"delegate": self.notes, **accept})

        self.app = Recorder(subscribeReceived=subscribeReceived)
        agent = self.agent(self.app, **(settings or {}))
        lines = {"Event": "x-state", "Expires": "600", **(headers or {})}
        self.response = self.finalTo(self.peer.request("SUBSCRIBE", agent, headers=lines))
        self.within = self.response
        (context,) = self.app.only("subscribeReceived")
        return context.notifier

    def watched(self, **how: Any) -> Any:
        """One that was told of: the L{INotifier}."""
        notifier = self.subscribes(**how)
        self.notified()
        return notifier

    def notified(self, code: int = 200) -> tuple[str, bytes]:
        """Subscription-State, without the time that is left, and body of the next NOTIFY of ours."""
        self.notice: Request = self.answer("NOTIFY", code)
        state = (self.notice.headers.get("subscription-state") or "").partition(";expires=")[0]
        return state, self.notice.body

    def again(self, expires: str = "600", **headers: str) -> Response:
        """A further SUBSCRIBE of the peer in the dialog: our answer."""
        return self.final("SUBSCRIBE", headers={"Event": "x-state", "Expires": expires, **headers})
