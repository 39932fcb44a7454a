"""
The life of a session, watched (RFC 4028 sections 7.4 and 10): refresh it in time, or end it.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.session_timer import LOCAL, Interval


class SessionTimer:
    """
    One dialog's.  Each 2xx to an INVITE or UPDATE begins it anew, with what that agreed to.

    @ivar interval: what was agreed.
    """

    __slots__ = ("_dialog", "_over", "_timer", "interval")

    def __init__(self, dialog: Any, interval: Interval) -> None:
        self._dialog = dialog
        self.interval = interval
        now = dialog.core.timers.now()
        self._over = now + interval.overAfter
        if interval.refresher == LOCAL:
            self._timer = dialog.core.timers.at(now + interval.refreshAfter, self._refresh)
        else:
            self._timer = dialog.core.timers.at(self._over, self._expire)

    def stop(self) -> None:
        """It is over, or begins anew."""
        self._timer.cancel()

    def _refresh(self, _: Any) -> None:
        # Whatever becomes of the refresh, the end stands until a 2xx moves it (section 10).
        self._timer = self._dialog.core.timers.at(self._over, self._expire)
        self._dialog.core.sends["refresh"](self._dialog)

    def _expire(self, _: Any) -> None:
        self._dialog.hangUp(Reason.SESSION_EXPIRED, [("Reason", 'SIP;cause=408;text="Session timer expired"')])
