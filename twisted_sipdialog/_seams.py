"""
The internal interfaces: where one stratum meets the next.

Downward a stratum calls the object below; upward it knows exactly one
interface.  Nothing here is public; the interfaces of the application are in
L{twisted_sipdialog.interfaces}.
"""

from __future__ import annotations

from typing import Any

from zope.interface import Attribute, Interface

from twisted_sipdialog.errors import SipError, TransportError
from twisted_sipdialog.message import Request, Response


class IFlow(Interface):
    """
    A way to one peer: a local port with a remote address (UDP), or one connection.

    A UDP flow costs nothing and is made for each datagram; a stream flow lives
    as long as its connection.  A flow that is still connecting queues what is sent.
    """

    protocol = Attribute("The transport as Via spells it: C{'UDP'}, C{'TCP'}, C{'TLS'}, C{'WS'}, C{'WSS'}.")
    reliable = Attribute("bool: the transport retransmits by itself, so that transactions need not.")
    secure = Attribute("bool: TLS or WSS.")
    remote = Attribute("(host, port) of the peer: C{tuple[str, int]}; IPv6 without brackets.")
    sentBy = Attribute("str: C{host[:port]} for our Via and Contact on this flow; IPv6 in brackets.")
    isOpen = Attribute("bool: bytes given to L{send} have a way out (also while connecting).")

    def send(data: bytes) -> bool:
        """
        Send one whole message.

        @type data: C{bytes}
        @return: False when it certainly does not leave (a closed flow, no route,
            full socket buffer): the caller may try another way.  A stream that
            fails later tells L{ITransportUser.flowLost}.  Never raises.
        """

    def hold() -> None:
        """An open transaction (or a dialog only reachable here) uses this flow: the idle time-out leaves it alone."""

    def release() -> None:
        """Undo one L{hold}."""


class ITransport(Interface):
    """What transaction and ua ask of transport/layer.py."""

    def flowTo(destination: Any) -> Any:
        """
        An existing flow to C{destination} or a new one (which connects by itself).

        @type destination: L{twisted_sipdialog.transport.locate.Destination}
        @raise TransportError: no listener or no connector for that protocol or address family.
        """

    def sendResponse(data: bytes, flow: Any, via: str | None) -> bool:
        """
        Send a response by RFC 3261 section 18.2.2 and RFC 3581: on C{flow}
        when it is open, else (streams) over a new connection to the address in
        C{via}'s C{received} and sent-by port.

        @type data: C{bytes}
        @param via: the top Via of the request, with C{received}/C{rport} filled in
            (raw text, C{str}); None where no fall-back is wanted.
        @return: False when it cannot be sent at all.
        """


class ITransportUser(Interface):
    """What transport/layer.py tells the transaction layer."""

    def requestReceived(request: Request, flow: Any) -> None:
        """A well-formed request; its top Via has C{received} and C{rport} already."""

    def responseReceived(response: Response, flow: Any) -> None:
        """A well-formed response whose top Via is one of ours."""

    def flowLost(flow: Any, reason: TransportError) -> None:
        """
        A stream flow ended or could not be opened; every message queued on it is gone.

        @type reason: L{twisted_sipdialog.errors.TransportError}
        """


class ITransactionUser(Interface):
    """What the transaction layer tells ua/uas.py."""

    def requestReceived(transaction: Any) -> None:
        """
        A new request (never a retransmission, never an ACK) with its server
        transaction: L{twisted_sipdialog.transaction.layer.ServerTransaction}.
        """

    def ackReceived(request: Request, flow: Any) -> None:
        """An ACK that belongs to no server transaction: it acknowledges a 2xx, or is stray."""

    def responseReceived(response: Response, flow: Any) -> None:
        """A 2xx to INVITE whose client transaction is gone (a late fork); everything else stray was dropped."""

    def flowLost(flow: Any, reason: TransportError) -> None:
        """Passed on after the transactions on that flow have failed."""


class IClientTransactionUser(Interface):
    """Who started a client transaction."""

    def responseReceived(response: Response) -> None:
        """A provisional or final response; for INVITE also each further 2xx while the transaction is in Accepted."""

    def transactionFailed(error: SipError) -> None:
        """
        No final response will come.

        @type error: L{twisted_sipdialog.errors.Timeout} or L{twisted_sipdialog.errors.TransportError}
        """


class IServerTransactionUser(Interface):
    """Who answers a server transaction (optional: C{transaction.user})."""

    def transactionFailed(error: SipError) -> None:
        """
        The response could not be sent; the transaction goes on, the peer may ask again (RFC 6026 section 8.8).

        @type error: L{twisted_sipdialog.errors.TransportError}
        """
