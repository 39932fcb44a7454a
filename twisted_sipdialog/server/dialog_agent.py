"""
A user agent that shows its own calls to those who watch it (RFC 4235).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.interfaces import IReactorTime

from twisted_sipdialog.dialog.state_change import StateChange
from twisted_sipdialog.event import PACKAGES
from twisted_sipdialog.event.dialog_info import EVENT
from twisted_sipdialog.event.dialog_table import DialogTable
from twisted_sipdialog.server.limits import CompositorLimits
from twisted_sipdialog.server.state_agent import StateAgent


class DialogAgent(StateAgent):
    """
    A L{StateAgent} that has its own calls to show as well: the lamp of a desk phone watches them.

    Each document is whole: one that a watcher misses, since a newer one took its place, is not missing.  A call that
    has ended stands in the next one, and in no further.

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
        self._table = DialogTable(entity)
        self._documents = self._table.documents()
        self._show(())

    def mayPublish(self, context: Any, entity: str) -> Any:
        """Our calls are nobody's to tell but ours; else as L{StateAgent.mayPublish}."""
        return context.request.headers.typed("event").package != EVENT and super().mayPublish(context, entity)

    def dialogStateChanged(self, change: StateChange) -> None:
        """@see: L{IUserAgentDelegate.dialogStateChanged<twisted_sipdialog.interfaces.IUserAgentDelegate>}"""
        dialog = self._table.changed(change)
        self._show((dialog,) if change.state == "terminated" else ())

    def _show(self, ended: tuple[Any, ...]) -> None:
        self.set(self.entity, EVENT, self._documents.full(*ended).toBytes())
