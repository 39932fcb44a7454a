"""
Non-INVITE client transaction (NICT): RFC 3261 section 17.1.2, figure 6, with RFC 4320.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.message import Response
from twisted_sipdialog.transaction.machine import TERMINATED, ClientMachine, Table

TRYING = "trying"
PROCEEDING = "proceeding"
COMPLETED = "completed"

Y, P, C, T = TRYING, PROCEEDING, COMPLETED, TERMINATED

#: (state, event) -> (next state, action).
TRANSITIONS: Table = {
    (Y, "timer E"):     (Y, "resendRequest"),
    (Y, "timer F"):     (T, "timedOut"),
    (Y, "1xx"):         (P, "passUp"),
    (Y, "2xx"):         (C, "final"),
    (Y, "300-699"):     (C, "final"),
    (Y, "send failed"): (T, "sendFailed"),
    (P, "timer E"):     (P, "resendSlowly"),
    (P, "timer F"):     (T, "timedOut"),
    (P, "1xx"):         (P, "passUp"),
    (P, "2xx"):         (C, "final"),
    (P, "300-699"):     (C, "final"),
    (P, "send failed"): (T, "sendFailed"),
    (C, "timer K"):     (T, "finish"),
}  # fmt: skip

#: Left out of the table on purpose, and why.
IGNORED = {
    (C, "1xx"): "a provisional after the final",
    (C, "2xx"): "a repeated final is absorbed",
    (C, "300-699"): "a repeated final is absorbed",
    (C, "send failed"): "it has its answer",
}


class NonInviteClient(ClientMachine):
    """Any other request as its sender sees it."""

    __slots__ = ()
    table = TRANSITIONS
    first = TRYING

    def start(self) -> None:
        """17.1.2.2: timer F always runs, timer E where the transport may lose the request."""
        values = self.host.values
        self._long(values.transaction, "timer F")
        if not self.reliable:
            self._interval = values.T1
            self._short(values.T1, "timer E")
        self._sendRequest()

    def resendRequest(self, _: Any) -> None:
        """17.1.2.2: sent again; the wait is doubled each time, T2 at most."""
        self._interval = min(2 * self._interval, self.host.values.T2)
        self._short(self._interval, "timer E")
        self._sendRequest()

    def resendSlowly(self, _: Any) -> None:
        """Sent again; once a provisional came, every T2."""
        self._interval = self.host.values.T2
        self._short(self._interval, "timer E")
        self._sendRequest()

    def final(self, response: Response) -> None:
        """For the transaction user; timer K absorbs repetitions, where they can happen."""
        self._stopShort()
        self._wire = None
        if self.reliable:
            self._leave()
        else:
            self._long(self.host.values.T4, "timer K")
        self.passUp(response)
        self.user = None  # repetitions are not for it
