"""
One who watches, and what is shown to it.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.server.composition import numbered
from twisted_sipdialog.server.published import Key

#: A type and a body; None: nothing is known.
Known = tuple[str, bytes] | None


class Watcher:
    """
    A subscription to the state of one entity.

    @ivar key: the entity and the event package.
    @ivar state: C{"active"}, or C{"pending"}: it is shown nothing.
    @ivar notifier: the L{INotifier<twisted_sipdialog.interfaces.INotifier>}.
    """

    notifier: Any

    def __init__(self, key: Key, package: Any, state: str) -> None:
        self.key = key
        self.state = state
        self._package = package
        self._shown: Known = None
        self._count = 0  # of the documents it was sent

    def begin(self, context: Any, known: Known) -> tuple[bytes, str | None]:
        """Body and type of the first NOTIFY, to the subscriber of C{context}."""
        self._shown = self._showable(context, known)
        return self._next()

    def show(self, known: Known) -> None:
        """The state is this: it is told, unless it knows."""
        shown = self._showable(self.notifier, known)
        if shown != self._shown or self.notifier.state != self.state:
            self._shown = shown
            self.notifier.notify(*self._next(), state=self.state)

    def again(self) -> None:
        """It is told once more what it knows."""
        self.notifier.notify(*self._next())

    def _showable(self, subscriber: Any, known: Known) -> Known:
        """Nothing is shown to one who waits to be allowed, or of a type that it does not understand (Accept)."""
        isShown = known is not None and self.state == "active" and subscriber.understands(known[0])
        return known if isShown else None

    def _next(self) -> tuple[bytes, str | None]:
        if self._shown is None:
            return b"", None
        contentType, body = self._shown
        self._count += 1
        return numbered(self._package, contentType, body, self._count - 1), contentType
