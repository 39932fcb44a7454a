"""
INVITE client transaction (ICT): RFC 3261 section 17.1.1, figure 5, with RFC 6026 section 7.2.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.transaction.machine import TERMINATED, ClientMachine, Table

CALLING = "calling"
PROCEEDING = "proceeding"
ACCEPTED = "accepted"  # RFC 6026
COMPLETED = "completed"

C, P, A, D, T = CALLING, PROCEEDING, ACCEPTED, COMPLETED, TERMINATED

#: (state, event) -> (next state, action).
TRANSITIONS: Table = {
    (C, "timer A"):     (C, "resendRequest"),
    (C, "timer B"):     (T, "timedOut"),
    (C, "1xx"):         (P, "firstProvisional"),
    (C, "2xx"):         (A, "accepted"),
    (C, "300-699"):     (D, "refused"),
    (C, "send failed"): (T, "sendFailed"),
    (C, "abandon"):     (T, "timedOut"),
    (P, "1xx"):         (P, "passUp"),
    (P, "2xx"):         (A, "accepted"),
    (P, "300-699"):     (D, "refused"),
    (P, "send failed"): (T, "sendFailed"),
    (P, "abandon"):     (T, "timedOut"),
    (A, "2xx"):         (A, "passUp"),
    (A, "timer M"):     (T, "finish"),
    (D, "300-699"):     (D, "resendAck"),
    (D, "timer D"):     (T, "finish"),
    # The user is not told, though the figure says so: it has its answer, and nothing else could follow from it.
    (D, "send failed"): (T, "finish"),
}  # fmt: skip

#: Left out of the table on purpose, and why.
IGNORED = {
    (A, "1xx"): "a provisional of a fork after the first 2xx: the call stands",
    (A, "300-699"): "RFC 6026 figure 5: nothing but a 2xx counts any more",
    (A, "send failed"): "the ACK is the transaction user's; a fork's 2xx may still come another way",
    (A, "abandon"): "it has its answer",
    (D, "1xx"): "a provisional after the final",
    (D, "2xx"): "17.1.1.2: a 2xx after a failure is not for this transaction",
    (D, "abandon"): "it has its answer",
}


def ackFor(request: Request, response: Response) -> bytes:
    """
    The ACK to a refusal (section 17.1.1.3): Via, Request-URI, Route, From, Call-ID of the request, To of the response.
    """
    headers = request.headers
    lines = [("Via", request.viaText), *[("Route", value) for value in headers.getAll("route")]]
    for name in ("From", "Call-ID"):
        lines.append((name, headers.get(name) or ""))
    lines.append(("To", response.headers.get("to") or ""))
    lines.append(("CSeq", f"{request.cseqNumber} ACK"))
    lines.append(("Max-Forwards", headers.get("max-forwards") or "70"))
    lines.append(("Content-Length", "0"))
    return Request._written("ACK", request.uriText, lines, b"", request.cseqNumber).toBytes()


class InviteClient(ClientMachine):
    """An INVITE as its sender sees it."""

    __slots__ = ()
    table = TRANSITIONS
    first = CALLING

    def start(self) -> None:
        """17.1.1.2: timer B always runs; timer A only where the transport may lose the request."""
        values = self.host.values
        self._long(values.transaction, "timer B")
        if not self.reliable:
            self._interval = values.T1
            self._short(values.T1, "timer A")
        self._sendRequest()

    def resendRequest(self, _: Any) -> None:
        """17.1.1.2: sent again; each wait is twice the one before."""
        self._interval *= 2
        self._short(self._interval, "timer A")
        self._sendRequest()

    def firstProvisional(self, response: Response) -> None:
        """The peer is at work: no repetition, no timer B; from here the transaction user decides how long to wait."""
        self._stopShort()
        if self._longTimer is not None:
            self._longTimer.cancel()
            self._longTimer = None
        self.passUp(response)

    def accepted(self, response: Response) -> None:
        """RFC 6026: stay for repetitions and forks until timer M; the ACK to a 2xx is the transaction user's."""
        self._stopShort()
        self._long(self.host.values.transaction, "timer M")
        self._wire = None
        self.passUp(response)

    def refused(self, response: Response) -> None:
        """17.1.1.2: a refusal is acknowledged here, on reliable transports too."""
        self._stopShort()
        self._wire = ackFor(self.request, response)
        user = self.user
        if self.reliable:
            # Timer D is zero: nothing will be repeated.
            self._leave()
            self.host.transmit(self, self._wire)
        else:
            self._long(self.host.values.D, "timer D")
            self._sendRequest()
        # An ACK that could not be sent has ended us, but the refusal is told all the same; repetitions are not.
        self.user = user
        self.passUp(response)
        self.user = None

    def resendAck(self, _: Any) -> None:
        """The refusal came again: so does the ACK."""
        self._sendRequest()
