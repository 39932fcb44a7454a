"""
A user agent that shows its own calls to those who watch it (RFC 4235).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twisted_sipdialog.dialog.state_change import StateChange
from twisted_sipdialog.event import PACKAGES
from twisted_sipdialog.event.dialog_info import CONTENT_TYPE, EVENT, Dialog, DialogInfo
from twisted_sipdialog.event.dialog_table import DialogTable
from twisted_sipdialog.event.xml_body import MAX_LENGTH
from twisted_sipdialog.server.limits import CompositorLimits
from twisted_sipdialog.server.published import Key
from twisted_sipdialog.server.state_agent import StateAgent
from twisted_sipdialog.server.watcher import Known
from twisted_sipdialog.storage.publication import entityNamed
from twisted_sipdialog.timers import after

#: Bytes of a document; what is longer is read by nobody.  There is room for the version that each watcher has.
_LONGEST: Final = MAX_LENGTH - 16


class DialogAgent(StateAgent):
    """
    A L{StateAgent} that has its own calls to show as well: the lamp of a desk phone watches them.

    Each document is whole: one that a watcher misses, since a newer one took its place, is not missing.  A call that
    has ended stands in the next one, and in no further.  Of more calls than it has room for (64 kB, a hundred or so)
    it shows the newest.  It is written only when somebody is to be told, and no more often than watchers are.

    @ivar entity: the URI whose calls these are: the user agent's.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        entity: str,
        packages: Iterable[Any] = (),
        store: Any = None,
        domains: Iterable[str] = (),
        limits: CompositorLimits | None = None,
        random: Any = None,
    ) -> None:
        """
        @param packages: what else is published and watched; for it and the others see L{StateAgent}.
        """
        super().__init__(reactor, [PACKAGES[EVENT], *packages], store, domains, limits, random)
        self.entity = entity
        self._own = entityNamed(entity), EVENT
        self._table = DialogTable()
        self._ended: tuple[Dialog, ...] = ()
        self._reactor = reactor
        self._pacing: IDelayedCall | None = None
        self._isNews = False  # which waits for the end of the pause

    def stop(self) -> Deferred[Any]:
        """@see: L{StateAgent.stop}"""
        if self._pacing is not None:
            self._pacing.cancel()
            self._pacing = None
        return super().stop()

    def mayPublish(self, context: Any, entity: str) -> Any:
        """Our calls are nobody's to tell but ours; else as L{StateAgent.mayPublish}."""
        return context.request.headers.typed("event").package != EVENT and super().mayPublish(context, entity)

    def dialogStateChanged(self, change: StateChange) -> None:
        """@see: L{IUserAgentDelegate.dialogStateChanged<twisted_sipdialog.interfaces.IUserAgentDelegate>}"""
        dialog = self._table.changed(change)
        before = self._ended if self._isNews else ()
        self._isNews = self._own in self._watching
        self._ended = (*before, dialog) if self._isNews and change.state == "terminated" else before
        if self._pacing is None:
            self._paced()

    def _paced(self) -> None:
        """Watchers hear no more often than that: of what happens meanwhile one document is enough."""
        self._pacing = None
        if self._isNews:
            self._isNews = False
            self._pacing = after(self._reactor, PACKAGES[EVENT].interval, self._paced)
            self._changed(*self._own)

    def _state(self, key: Key) -> Deferred[Known]:
        return succeed((CONTENT_TYPE, self._document())) if key == self._own else super()._state(key)

    def _document(self) -> bytes:
        shown = (*self._table.dialogs, *self._ended)
        while True:
            body = DialogInfo(self.entity, dialogs=shown).toBytes()
            if len(body) <= _LONGEST or not shown:
                return body
            # What a call is named by its callers choose, so that any number of them may be too many.
            shown = shown[(len(shown) + 1) // 2 :]
