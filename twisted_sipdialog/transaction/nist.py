"""
Non-INVITE server transaction (NIST): RFC 3261 section 17.2.2, figure 8, with RFC 4320.
"""

from __future__ import annotations

from twisted_sipdialog.message import Response
from twisted_sipdialog.transaction.machine import TERMINATED, ServerMachine, Table

TRYING = "trying"
PROCEEDING = "proceeding"
COMPLETED = "completed"

Y, P, C, T = TRYING, PROCEEDING, COMPLETED, TERMINATED

#: (state, event) -> (next state, action).
TRANSITIONS: Table = {
    (Y, "1xx"):       (P, "provisional"),
    (Y, "2xx"):       (C, "final"),
    (Y, "300-699"):   (C, "final"),
    (P, "request"):   (P, "resend"),
    (P, "1xx"):       (P, "provisional"),
    (P, "2xx"):       (C, "final"),
    (P, "300-699"):   (C, "final"),
    (C, "request"):   (C, "resend"),
    (C, "timer J"):   (T, "finish"),
}  # fmt: skip

#: Left out of the table on purpose, and why.
IGNORED = {
    (Y, "request"): "17.2.2: absorbed, there is nothing to repeat yet",
    (C, "1xx"): "a provisional after the final",
    (C, "2xx"): "a second final",
    (C, "300-699"): "a second final",
}


class NonInviteServer(ServerMachine):
    """Any other request as its receiver sees it."""

    __slots__ = ()
    table = TRANSITIONS
    first = TRYING

    def provisional(self, response: Response) -> None:
        """Only a 100 ever comes here (RFC 4320 section 4.1)."""
        self._send(response)

    def final(self, response: Response) -> None:
        """Sent, and kept until timer J to answer repetitions, where they can happen."""
        self.request = None
        if self.reliable:
            self.finish()
        else:
            self._long(self.host.values.transaction, "timer J")
        self._send(response)
