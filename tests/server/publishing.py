"""
What the tests of the compositor share: a compositor, a publisher, an event package that is easy to read, slow stores.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from tests.ua.callee import CalleeTestCase
from twisted_sipdialog import UserAgentDelegate
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.interfaces import IEventPackage, IPublicationStore
from twisted_sipdialog.server.compositor import Compositor
from twisted_sipdialog.storage.memory import MemoryStore

ALICE, BOB = "sip:alice@b.example", "sip:bob@b.example"
WORDS = "text/x-words"


@implementer(IEventPackage)
class Words:
    """Bodies are words; one that says BAD is malformed."""

    name = "words"
    accept = (WORDS, "text/plain")
    expires = 1800
    interval = 0.0
    forks = False

    def parse(self, contentType: str, body: bytes) -> Any:
        if contentType not in self.accept:
            raise ParseError("no words", 415)
        if body.startswith(b"BAD"):
            raise ParseError("bad words")
        return body.split()

    def merged(self, known: Any, value: Any) -> tuple[Any, bool]:
        return value, False


@implementer(IPublicationStore)
class SlowStore:
    """
    A store that does nothing before the test says so.

    @ivar asked: what it was asked and has not done: (method, Deferred).
    """

    def __init__(self) -> None:
        self._store = MemoryStore()
        self.isSlow = True
        self.asked: list[tuple[Any, ...]] = []

    def _wait(self, name: str, *arguments: Any) -> Any:
        if not self.isSlow:
            return getattr(self._store, name)(*arguments)
        waiting: Deferred[Any] = Deferred()
        self.asked.append((name, arguments, waiting))
        return waiting

    def go(self, name: str) -> None:
        """Do what it was asked first, which is C{name}."""
        asked, arguments, waiting = self.asked.pop(0)
        assert asked == name, (asked, name)
        waiting.callback(getattr(self._store, name)(*arguments))

    def fail(self, name: str, error: Exception | None = None) -> None:
        """Fail what it was asked first."""
        asked, _, waiting = self.asked.pop(0)
        assert asked == name, (asked, name)
        waiting.errback(error or OSError("no disk"))

    def publications(self, entity: str, event: str) -> Any:
        return self._wait("publications", entity, event)

    def put(self, publication: Any, replaced: str | None = None) -> Any:
        return self._wait("put", publication, replaced)

    def remove(self, entity: str, event: str, entityTag: str) -> Any:
        return self._wait("remove", entity, event, entityTag)

    def expired(self, now: float) -> Any:
        return self._wait("expired", now)

    def all(self) -> Any:
        return self._wait("all")

    def close(self) -> Any:
        return None


class Service(UserAgentDelegate):
    """A user agent with a compositor."""

    compositor: Compositor

    def publishReceived(self, context: Any) -> None:
        self.compositor.publishReceived(context)


class CompositorCase(CalleeTestCase):
    """
    A compositor at b.example, and a scripted publisher who says that it is Alice.

    @ivar changes: what the compositor told: (entity, event).
    """

    def setUp(self):
        super().setUp()
        self.changes: list[tuple[str, str]] = []
        self.service = Service()
        self.server = self.network.userAgent("sip:b.example", self.service)

    def compose(self, packages=None, **settings) -> Compositor:
        """Begin with a compositor, after the one before is stopped."""
        compositor = Compositor(
            self.network.clock,
            [Words()] if packages is None else packages,
            lambda entity, event: self.changes.append((entity, event)),
            **settings,
        )
        self.addCleanup(compositor.stop)
        self.service.compositor = compositor
        return compositor

    def send(self, body=b"", tag=None, expires="3600", uri=ALICE, **headers):
        """A PUBLISH as it was sent."""
        lines = {
            "From": f"<{uri}>;tag={self.peer.tag}",
            "To": f"<{uri}>",
            "Event": "words",
            "Expires": expires,
            "SIP-If-Match": tag,
            **({"Content-Type": WORDS} if body else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.peer.request("PUBLISH", self.server, uri=uri, headers=lines, body=body)

    def publish(self, body=b"", tag=None, expires="3600", uri=ALICE, **headers):
        """The answer to a PUBLISH."""
        return self.finalTo(self.send(body, tag, expires, uri, **headers))

    def published(self, body=b"", tag=None, expires="3600", uri=ALICE, **headers):
        """The entity tag of a PUBLISH that succeeds."""
        answer = self.publish(body, tag, expires, uri, **headers)
        self.assertEqual(answer.statusCode, 200, self.network.ladder())
        return answer.headers.get("sip-etag")

    def answered(self, request):
        """Whether C{request} has an answer that is final."""
        self.network.advance(0.01)
        return any(
            getattr(m, "statusCode", 0) >= 200 and m.callId == request.callId and m.cseqNumber == request.cseqNumber
            for m in self.peer.received
        )

    def body(self, uri=ALICE, event="words"):
        """The body of the state, None if there is none."""
        state = self.successResultOf(self.service.compositor.state(uri, event))
        return state and state[1]
