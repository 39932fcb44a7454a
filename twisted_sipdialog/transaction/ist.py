"""
INVITE server transaction (IST): RFC 3261 section 17.2.1, figure 7, with RFC 6026 section 7.1.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.errors import NoAck
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.transaction.machine import TERMINATED, ServerMachine, Table

PROCEEDING = "proceeding"
ACCEPTED = "accepted"  # RFC 6026
COMPLETED = "completed"
CONFIRMED = "confirmed"

P, A, C, F, T = PROCEEDING, ACCEPTED, COMPLETED, CONFIRMED, TERMINATED

#: (state, event) -> (next state, action).
TRANSITIONS: Table = {
    (P, "request"):   (P, "resend"),
    (P, "timer 100"): (P, "trying"),
    (P, "1xx"):       (P, "provisional"),
    (P, "2xx"):       (A, "accepted"),
    (P, "300-699"):   (C, "refused"),
    (A, "2xx"):       (A, "retransmit2xx"),
    (A, "ack"):       (A, "passAck"),
    (A, "timer L"):   (T, "finish"),
    (C, "request"):   (C, "resend"),
    (C, "timer G"):   (C, "repeat"),
    (C, "timer H"):   (T, "unacknowledged"),
    (C, "ack"):       (F, "acknowledged"),
    (F, "timer I"):   (T, "finish"),
}  # fmt: skip

#: Left out of the table on purpose, and why.
IGNORED = {
    (P, "ack"): "no final response was sent: nothing to acknowledge",
    (A, "request"): "RFC 6026: a repeated INVITE is absorbed; the transaction user repeats the 2xx by its own timer",
    (A, "1xx"): "a provisional after the final",
    (A, "300-699"): "a second final",
    (C, "1xx"): "a provisional after the final",
    (C, "2xx"): "a second final",
    (C, "300-699"): "a second final",
    (F, "ack"): "repeated ACKs are absorbed until timer I",
    (F, "request"): "repeated INVITEs are absorbed until timer I",
    (F, "1xx"): "a provisional after the final",
    (F, "2xx"): "a second final",
    (F, "300-699"): "a second final",
}


class InviteServer(ServerMachine):
    """
    An INVITE as its receiver sees it.
    """

    __slots__ = ()
    table = TRANSITIONS
    first = PROCEEDING

    def delivered(self) -> None:
        """17.2.1: the transaction user has the request; a 100 unless it sends something within 200 ms."""
        if self.state == PROCEEDING and self._wire is None:
            self._short(self.host.values.provisional, "timer 100")

    def trying(self, _: Any) -> None:
        """The application is slow: quench the retransmissions."""
        self._shortTimer = None
        assert self.request is not None
        self._send(self.request.response(100))

    def provisional(self, response: Response) -> None:
        """Sent at once, and again for each repeated INVITE."""
        self._stopShort()
        self._send(response)

    def accepted(self, response: Response) -> None:
        """RFC 6026: sent once; repeating it is the transaction user's.  Stay for 64*T1 to absorb repeated INVITEs."""
        self._stopShort()
        self._long(self.host.values.transaction, "timer L")
        self._transmit(response.toBytes())
        self.request = self._wire = None

    def retransmit2xx(self, response: Response) -> None:
        """The transaction user repeats its 2xx through us, to the same place."""
        self._transmit(response.toBytes())

    def refused(self, response: Response) -> None:
        """The refusal is repeated by timer G until the ACK comes, on transports that lose; timer H gives up."""
        self._stopShort()
        values = self.host.values
        self._long(values.transaction, "timer H")
        if not self.reliable:
            self._interval = values.T1
            self._short(values.T1, "timer G")
        self._send(response)
        self.request = None

    def repeat(self, _: Any) -> None:
        """Timer G: doubled each time, T2 at most."""
        self._interval = min(2 * self._interval, self.host.values.T2)
        self._short(self._interval, "timer G")
        self.resend(None)

    def unacknowledged(self, _: Any) -> None:
        """Timer H: the refusal was never acknowledged; 17.2.1 wants the transaction user to know."""
        self._endWith(NoAck("the refusal was never acknowledged"))

    def acknowledged(self, _: Any) -> None:
        """Timer I absorbs further ACKs where they may be repeated."""
        self._stopShort()
        self._wire = None
        if self.reliable:
            self.finish()
        else:
            self._long(self.host.values.T4, "timer I")

    def passAck(self, request: Request) -> None:
        """RFC 6026: an ACK that reuses the INVITE's branch still belongs to the 2xx."""
        self.host.deliver(self, request)
