"""
Session descriptions that watch how they are used, and take their time where they are told to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from twisted_sipdialog.interfaces import ISessionDescription
from twisted_sipdialog.media.fixed import FixedDescription


def sdp(number: int, version: int, port: int, direction: str = "sendrecv") -> bytes:
    """A description of one audio stream."""
    return (
        f"v=0\r\no=- {number} {version} IN IP4 192.0.2.{number}\r\ns=-\r\nc=IN IP4 192.0.2.{number}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\na={direction}\r\n"
    ).encode()


def fitting(offer: bytes, body: bytes) -> bytes:
    """C{body} as an answer to C{offer}."""
    return FixedDescription(body).answer(offer)


class Media:
    """
    A factory of watched descriptions.

    @ivar patience: seconds that the next description takes to be made; 0: it is there at once.
    """

    def __init__(self, clock: Any, number: int) -> None:
        self.clock = clock
        self.patience: Callable[[], float] = lambda: 0.0
        self.made: list[Watched] = []
        self._body = sdp(number, 1, 4000)

    def __call__(self, localHost: str) -> Watched:
        return self.watch(FixedDescription(self._body))

    def watch(self, inner: FixedDescription) -> Watched:
        watched = Watched(self, inner)
        self.made.append(watched)
        return watched

    def wrong(self) -> list[str]:
        """Each is to be closed, once, and nothing asked of it in between that its interface forbids."""
        found = [f"{made!r} closed {made.closed} times: {made.calls}" for made in self.made if made.closed != 1]
        return found + [text for made in self.made for text in made.forbidden]


@implementer(ISessionDescription)
class Watched:
    """
    A description that notes what is forbidden: anything while an offer or answer is being made, or after the end.
    """

    contentType = "application/sdp"

    def __init__(self, media: Media, inner: FixedDescription) -> None:
        self._media = media
        self._inner = inner
        self._making: Deferred[bytes] | None = None
        self._came = True  # the last offer or answer was made, so that there is something to roll back
        self.closed = 0
        self.calls: list[str] = []
        self.forbidden: list[str] = []

    @property
    def local(self) -> bytes | None:
        return self._inner.local

    @property
    def remote(self) -> bytes | None:
        return self._inner.remote

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self._making is not None:
            self.forbidden.append(f"{what} while it is busy: {self.calls}")
        if self.closed:
            self.forbidden.append(f"{what} after the end: {self.calls}")

    def _make(self, make: Callable[[], bytes]) -> Any:
        seconds = self._media.patience()
        self._came = not seconds
        if not seconds:
            return make()
        call: Any = None

        def stop(_: object) -> None:
            self._making = None
            call.cancel()

        def done() -> None:
            self._making = None
            self._came = True
            try:
                made = make()
            except Exception:
                making.errback()
            else:
                making.callback(made)

        making: Deferred[bytes] = Deferred(stop)
        self._making = making
        call = self._media.clock.callLater(seconds, done)
        return making

    def offer(self, limit: str | None = None) -> Any:
        self._called("offer")
        return self._make(lambda: self._inner.offer(limit))

    def answer(self, offer: bytes) -> Any:
        self._called("answer")
        return self._make(lambda: self._inner.answer(offer))

    def update(self, answer: bytes) -> None:
        self._called("update")
        self._inner.update(answer)

    def rollback(self) -> None:
        self._called("rollback")
        if self._came:
            self._inner.rollback()

    def fork(self, offer: bytes | None = None) -> Watched:
        self._called("fork")
        return self._media.watch(self._inner.fork(offer))

    def close(self) -> None:
        if not self.closed:
            self._called("close")
        self.closed += 1
