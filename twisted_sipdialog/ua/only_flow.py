"""
Peers who can be reached over one connection only, and what becomes of their dialogs when that is lost.

A lost flow ends no dialog by itself: the next request finds another way.  There is none
to a peer whose Contact is a C{.invalid} host (RFC 7118 section 5.1) or an address behind a NAT
that says C{ob} (RFC 5626 section 5.3): it has to come back to us within a grace time.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import DialogState
from twisted_sipdialog.errors import ParseError, TransportError
from twisted_sipdialog.message.uri import SipUri, parseUri
from twisted_sipdialog.timers import Timer, TimerSet


def hasOneWay(state: DialogState) -> bool:
    """The peer's Contact leads nowhere, and no proxy stands between."""
    if state.routeSet:
        return False
    try:
        uri = parseUri(state.remoteTarget)
    except ParseError:
        return False
    return isinstance(uri, SipUri) and (uri.host.endswith(".invalid") or "ob" in uri.parameters)


class OnlyFlows:
    """
    Those dialogs, by the flow of each.
    """

    def __init__(self, timers: TimerSet, grace: float) -> None:
        self._timers = timers
        self._grace = grace
        self._dialogs: dict[Any, dict[Any, None]] = {}
        self._waiting: dict[Any, Timer] = {}

    def met(self, dialog: Any, flow: Any) -> None:
        """The peer was met at C{flow}, and its Contact is known: it is reached there if it must be."""
        state = dialog.dialogState
        target = state.remoteTarget.lower()  # names of hosts and parameters have no case
        only = flow if (".invalid" in target or ";ob" in target) and hasOneWay(state) else None
        if only is dialog.flow:
            return
        self.forget(dialog)
        if only is not None:
            dialog.flow = only
            only.hold()
            self._dialogs.setdefault(only, {})[dialog] = None
            if not only.isOpen:
                self._await(dialog)  # lost while the request was being answered

    def moved(self, dialog: Any, message: Any, flow: Any) -> None:
        """
        A target refresh, or the 2xx to one, says where the peer is from here on (RFC 3261 section 12.2.1.2).

        @param flow: where it came from.
        @raise ParseError: its Contact names no such place.
        """
        dialog.dialogState.refreshTarget(message)
        if dialog.ended is None:
            self.met(dialog, flow)

    def forget(self, dialog: Any) -> None:
        """It is over, or has another flow."""
        flow, dialog.flow = dialog.flow, None
        if flow is None:
            return
        flow.release()
        waiting = self._waiting.pop(dialog, None)
        if waiting is not None:
            waiting.cancel()
        there = self._dialogs.get(flow, {})
        there.pop(dialog, None)
        if not there:
            self._dialogs.pop(flow, None)

    def lost(self, flow: Any) -> None:
        """C{flow} is gone: its dialogs end, unless their peers come back in time."""
        for dialog in self._dialogs.get(flow, ()):
            self._await(dialog)

    def _await(self, dialog: Any) -> None:
        # A dialog that is made while the loss is being told waits already.
        if dialog not in self._waiting:
            self._waiting[dialog] = self._timers.start(self._grace, self._over, dialog)

    def _over(self, dialog: Any) -> None:
        self._waiting.pop(dialog, None)
        dialog.end(Reason.FLOW_LOST, False)
        for taker in dialog.takers:  # what outlives a session is lost with the flow all the same
            taker.legStopped(TransportError("the flow is lost"))
