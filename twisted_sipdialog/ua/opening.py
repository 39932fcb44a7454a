"""
The dialogs that come of a request of ours outside of any, REFER or SUBSCRIBE: its NOTIFYs make them, or its 2xx (RFC
6665 section 4.4.1).
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.dialog.state import DialogState
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.event_dialog import EventDialog


class Opening:
    """
    A request of ours that makes a subscription; the NOTIFY may come before its 2xx, and from several places.

    @ivar asked: has the C{request} as it was sent last, or None, and the C{response} to it, or None.
    """

    __slots__ = ("_core", "_key", "_owner", "_tags", "asked")

    def __init__(self, core: Core, owner: Any, callId: str, localTag: str, asked: Any) -> None:
        """
        @param owner: whose it is: has C{expects(event, request)}, whether a NOTIFY may make a dialog, and
            C{opened(leg, opening)}, which attaches its usage to one.
        """
        self._core = core
        self._owner = owner
        self._key = callId, localTag
        self._tags: set[str] = set()  # of the peers that made a dialog: none makes a second one when that is over
        self.asked = asked
        core.openings[self._key] = self

    @property
    def request(self) -> Request | None:
        """What was sent."""
        sent: Request | None = self.asked.request
        return sent

    def legOf(self, notify: Request, flow: Any) -> EventDialog | None:
        """The dialog that C{notify} makes, None when it makes none."""
        event, request = typedOrNone(notify, "event"), self.request
        if event is None or request is None or notify.fromTag in self._tags or not self._owner.expects(event, request):
            return None  # none would be heard in it
        try:
            return self._leg(self._stateBy(request, notify), flow)
        except ParseError:
            return None

    def _stateBy(self, request: Request, notify: Request) -> DialogState:
        try:
            return DialogState.byNotify(request, notify)
        except ParseError:
            # linphone's has no Contact, but its 2xx, which comes first, has one.
            response: Response | None = self.asked.response
            if response is None or response.statusCode >= 300 or response.toTag != notify.fromTag:
                raise
            return DialogState.asClient(request, response)

    def confirmed(self, response: Response, flow: Any) -> None:
        """
        The 2xx makes a dialog as well, unless it is there already.

        @raise ParseError: it names no place where the peer is; the NOTIFY will.
        """
        request = self.request
        assert request is not None
        if (request.callId, request.fromTag, response.toTag) not in self._core.dialogs:
            self._leg(DialogState.asClient(request, response), flow)

    def _leg(self, state: DialogState, flow: Any) -> EventDialog:
        state.usages = ()
        self._tags.add(state.remoteTag)
        leg = EventDialog(self._core, state)
        self._owner.opened(leg, self)
        self._core.register(leg, flow)
        return leg

    def close(self) -> None:
        """No further dialog is to be made."""
        self._core.openings.pop(self._key, None)
