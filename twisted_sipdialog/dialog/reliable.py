"""
The numbers of reliable provisional responses (RFC 3262): pure, for both ends.
"""

from __future__ import annotations

from enum import Enum

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Request, Response

#: The option tag (section 8.1).
TAG = "100rel"


class Order(Enum):
    """How a reliable provisional stands to those before it (section 4)."""

    NEXT = "next"
    REPEATED = "repeated"
    EARLY = "one before it is missing"


class Received:
    """
    What has come of the reliable provisionals to one INVITE within one dialog.
    """

    __slots__ = ("_invite", "_last")

    def __init__(self) -> None:
        self._invite = 0
        self._last = 0

    def orderOf(self, response: Response, rseq: int) -> Order:
        """
        Where it stands; what is next is taken for received.  The first may have any number (section 3); after a
        challenge the INVITE is another one and counts anew.
        """
        if self._invite != response.cseqNumber:
            self._invite, self._last = response.cseqNumber, 0
        if self._last and rseq != self._last + 1:
            return Order.REPEATED if rseq <= self._last else Order.EARLY
        self._last = rseq
        return Order.NEXT


def rseqOf(response: Response) -> int | None:
    """
    The RSeq of a provisional that is to be acknowledged; None for what is not (sections 4 and 7.1): 100, a final
    response, or one where what should say so cannot be read.
    """
    headers = response.headers
    if not 100 < response.statusCode < 200 or "rseq" not in headers or "require" not in headers:
        return None
    try:
        rseq: int = headers.typed("rseq")
        return rseq if rseq and TAG in headers.typed("require") else None
    except ParseError:
        return None


def rackOf(response: Response, rseq: int) -> tuple[str, str]:
    """The RAck line of the PRACK to it (section 7.2)."""
    return ("RAck", f"{rseq} {response.cseqNumber} {response.cseqMethod}")


def acknowledges(prack: Request, rseq: int, invite: int) -> bool:
    """
    C{prack} is that of the provisional with C{rseq} to the INVITE with that CSeq number (section 3).

    @raise ParseError: it has no usable RAck.
    """
    rack = prack.headers.typed("rack")
    if rack is None:
        raise ParseError("RAck: missing")
    return (rack.rseq, rack.number, rack.method) == (rseq, invite, "INVITE")
