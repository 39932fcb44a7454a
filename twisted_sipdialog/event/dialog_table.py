"""
The calls of a user agent as documents for those who watch them (RFC 4235 section 3.7).
"""

from __future__ import annotations

from attrs import evolve

from twisted_sipdialog.dialog.state_change import StateChange
from twisted_sipdialog.event.dialog_info import Dialog, Identity, Participant
from twisted_sipdialog.event.xml_body import legible


class DialogTable:
    """
    The dialogs there are, from the stream of C{dialogStateChanged}.

    An INVITE that has no dialog yet is an entry, too; the first dialog that it makes takes its place and its id, and
    each further one (a fork) gets an id of its own.
    """

    def __init__(self) -> None:
        self._dialogs: dict[str, Dialog] = {}
        # What a StateChange calls a dialog -> what documents call it.
        self._ids: dict[str, str] = {}

    @property
    def dialogs(self) -> tuple[Dialog, ...]:
        """Those that have not terminated, the oldest first."""
        return tuple(self._dialogs.values())

    def changed(self, change: StateChange) -> Dialog:
        """
        Take in a change.

        @return: what the dialog is now: what partial documents tell of it.
        """
        key = change.id
        if key not in self._ids:
            half = evolve(change, remoteTag=None).id
            self._ids[key] = self._ids.pop(half, key)
        dialog = _dialog(change, self._ids[key])
        if change.state == "terminated":
            del self._ids[key]
            self._dialogs.pop(dialog.id, None)
        else:
            self._dialogs[dialog.id] = dialog
        return dialog


def _dialog(change: StateChange, id: str) -> Dialog:
    """C{change} as it can be written: what it says came from a peer."""
    target = None if change.target is None else legible(change.target)
    return Dialog(
        legible(id),
        change.state,
        change.event,
        change.code,
        legible(change.callId),
        legible(change.localTag) or None,
        None if change.remoteTag is None else legible(change.remoteTag),
        change.direction,
        change.duration,
        local=Participant(Identity(legible(change.localUri))),
        remote=Participant(Identity(legible(change.remoteUri)), target),
    )
