"""
CANCEL, as the caller sends it (RFC 3261 section 9.1).
"""

from __future__ import annotations

from typing import Final

from zope.interface import implementer

from twisted_sipdialog._seams import IClientTransactionUser
from twisted_sipdialog.errors import SipError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.ua.outgoing import Lines


def cancelOf(request: Request, lines: Lines) -> Request:
    """
    The CANCEL of an INVITE: its Request-URI, Call-ID, To, From, Route, CSeq number, its topmost Via with the branch.

    @param lines: further headers, such as Reason.
    """
    headers = request.headers
    copied = [("Via", request.viaText), ("Max-Forwards", "70")]
    copied += [("Route", route) for route in headers.getAll("route")]
    copied += [(name, headers.get(name) or "") for name in ("From", "To", "Call-ID")]
    copied += [("CSeq", f"{request.cseqNumber} CANCEL"), *lines, ("Content-Length", "0")]
    return Request._written("CANCEL", request.uriText, copied, b"", request.cseqNumber)


@implementer(IClientTransactionUser)
class _Unheard:
    """Nobody waits for the answer to a CANCEL: that of its INVITE tells."""

    __slots__ = ()

    def responseReceived(self, response: Response) -> None:
        pass

    def transactionFailed(self, error: SipError) -> None:
        pass


UNHEARD: Final = _Unheard()
