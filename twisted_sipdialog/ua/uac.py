"""
UAC core (RFC 3261 section 8.1): a request of ours, over as many attempts as it takes.

An L{Outgoing} is the request without what depends on its way.  A L{Sending}
finds the way (L{ILocator}), writes Via and Contact for it, answers challenges
(section 22), and goes on to the next address when one fails (RFC 3263 section 4.3).
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog._seams import IClientTransactionUser
from twisted_sipdialog.errors import LocateError, ResponseError, SipError, Timeout, TransportError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.digest import DigestClient
from twisted_sipdialog.message.uri import SipUri
from twisted_sipdialog.ua.cancel import UNHEARD, cancelOf
from twisted_sipdialog.ua.identity import Identity
from twisted_sipdialog.ua.outgoing import Lines, Outgoing

_log = Logger()

#: How many of a name's addresses are tried: whoever owns it could name a thousand, each for 64*T1.
_MOST = 8


class UserAgentClient:
    """
    What all sendings share.

    @ivar transport: L{ITransport<twisted_sipdialog._seams.ITransport>}.
    @ivar transactions: the transaction layer.
    @ivar locator: finds addresses.
    """

    def __init__(self, identity: Identity, transport: Any, transactions: Any, locator: Any) -> None:
        self.identity = identity
        self.configuration = identity.configuration
        self.transport = transport
        self.transactions = transactions
        self.locator = locator

    def locate(self, hop: Any) -> Deferred[list[Any]]:
        """
        The addresses of C{hop}, best first; fails with L{LocateError}.  A name that takes longer than any answer
        may (64*T1) counts as not found: no timer of a transaction runs yet.
        """
        looking: Deferred[list[Any]] = self.locator.locate(hop, self.transport.protocols())
        if not looking.called:
            transactions = self.transactions
            deadline = transactions.now() + transactions.values.transaction
            timer = transactions.at(deadline, lambda _: looking.cancel(), None)
            looking.addBoth(_stopping, timer)
        return looking

    def reach(self, outgoing: Outgoing) -> Deferred[Any]:
        """
        The flow that C{outgoing} would be tried on first; fails with L{TransportError} or a L{ParseError}.
        """
        located = maybeDeferred(lambda: self.locate(outgoing.nextHop()))
        return located.addCallback(lambda found: self.transport.flowTo(found[0]))

    def digest(self) -> DigestClient | None:
        """The memory of a new call leg, None when we have no credentials at all."""
        credentials = self.configuration.credentials
        return DigestClient(credentials, self.identity.random) if credentials else None

    def noDigest(self) -> DigestClient:
        """The memory of a call leg that is to know no credentials."""
        return DigestClient((), self.identity.random)

    def write(self, outgoing: Outgoing, flow: Any, number: int, authorization: Lines) -> Request:
        """The request for one attempt on C{flow}."""
        identity = self.identity
        lines: Lines = [
            ("Via", f"SIP/2.0/{flow.protocol} {flow.sentBy};branch={identity.newBranch()};rport"),
            ("Max-Forwards", "70"),
            *outgoing.routes,
            *outgoing.lines,
            ("CSeq", f"{number} {outgoing.method}"),
        ]
        if outgoing.contact:
            lines.append(("Contact", identity.contact(flow)))
        lines += authorization
        lines += identity.userAgentLines
        lines.append(("Content-Length", str(len(outgoing.body))))
        return Request._written(outgoing.method, outgoing.uri, lines, outgoing.body, number)


def _stopping(result: Any, timer: Any) -> Any:
    timer.cancel()
    return result


@implementer(IClientTransactionUser)
class Sending:
    """
    One request on its way; C{start()} begins it.

    @ivar user: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}; told the provisionals,
        the final response, or the failure, but no challenge that was answered.  It may be told before C{start()}
        returns.
    @ivar outgoing: what is said.
    @ivar request: the attempt last sent, or None.
    @ivar flow: where that went, or None.
    @ivar told: called with each attempt when it is sent, or None.
    """

    __slots__ = (
        "_authorization",
        "_cancelLines",
        "_client",
        "_destination",
        "_destinations",
        "_done",
        "_error",
        "_looking",
        "_number",
        "_provisional",
        "_transaction",
        "_tries",
        "_trusted",
        "_udpOnly",
        "flow",
        "outgoing",
        "request",
        "told",
        "user",
    )

    def __init__(self, client: UserAgentClient, outgoing: Outgoing, user: Any) -> None:
        self._client = client
        self.outgoing = outgoing
        self.user = user
        self.request: Request | None = None
        self.flow: Any = None
        self.told: Any = None
        self._transaction: Any = None
        self._number = 0
        self._authorization: Lines = []
        self._destination: Any = None
        self._destinations: list[Any] = []
        self._udpOnly = False
        self._error: SipError | None = None
        self._tries: dict[Any, int] = {}
        self._trusted = False
        self._provisional = False
        self._cancelLines: Lines | None = None
        self._looking: Any = None
        self._done = False

    def start(self) -> None:
        """Find the way and take it."""
        outgoing = self.outgoing
        self._number = outgoing.sequence()
        if outgoing.digest is not None:
            self._authorization = outgoing.digest.headersFor(outgoing.method, outgoing.uri, outgoing.body)
        if outgoing.flow is not None:
            if outgoing.flow.isOpen:
                self._send(outgoing.flow)
            else:
                self._fail(TransportError("the only connection to the peer is lost"))
            return
        try:
            hop = outgoing.nextHop()
        except SipError as error:
            self.transactionFailed(error)
            return
        proxy = self._client.configuration.outboundProxy
        if proxy is not None and isinstance(hop, SipUri):
            self._trusted = (hop.host, hop.port) == (proxy.host, proxy.port)
        looking = self._looking = self._client.locate(hop)
        looking.addCallbacks(self._located, self._unlocated).addErrback(self._unsent)

    def _located(self, destinations: list[Any]) -> None:
        self._looking = None
        self._destinations = destinations[:_MOST]
        self._next()

    def _unlocated(self, failure: Failure) -> None:
        self._looking = None
        error = failure.value
        self._fail(error if isinstance(error, SipError) else LocateError(str(error)))

    def _unsent(self, failure: Failure) -> None:
        """It could not be written, by a fault of ours or of its text; whoever waits for an answer is told."""
        _log.failure("{method} could not be sent", failure, method=self.outgoing.method)
        self._fail(TransportError(f"{self.outgoing.method} could not be sent: {failure.value}"))

    def _next(self) -> None:
        """The next address, if there is one."""
        while self._destinations:
            destination = self._destination = self._destinations.pop(0)
            try:
                flow = self._client.transport.flowTo(destination)
                flow = self._roomier(destination, flow)
            except TransportError as error:
                # An address we cannot even try says less than one that we tried.
                self._error = self._error or error
                continue
            self._send(flow)
            return
        self._fail(self._error or LocateError(f"no address for {self.outgoing.uri}"))

    def _roomier(self, destination: Any, flow: Any) -> Any:
        """
        Section 18.1.1: a request that may not fit into one datagram goes by TCP; by UDP all the same when
        the peer refuses that.
        """
        if flow.reliable or self._udpOnly:
            return flow
        size = len(self._client.write(self.outgoing, flow, self._number, self._authorization).toBytes())
        if size <= self._client.configuration.udpLimit:
            return flow
        self._udpOnly = True
        try:
            roomier = self._client.transport.flowTo(attrs.evolve(destination, protocol="TCP"))
        except TransportError:
            return flow
        self._destinations.insert(0, destination)
        return roomier

    def _send(self, flow: Any) -> None:
        self._provisional = False
        self.flow = flow
        self.request = self._client.write(self.outgoing, flow, self._number, self._authorization)
        self._transaction = self._client.transactions.client(self.request, flow, self)
        self._transaction.start()
        if self.told is not None:
            self.told(self.request)

    def responseReceived(self, response: Response) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        code = response.statusCode
        if code < 200:
            first, self._provisional = not self._provisional, True
            if first and self._cancelLines is not None:
                self._cancel(self._cancelLines)
        elif code in (401, 407) and self._cancelLines is None and self._answer(response):
            # To the same address; with credentials it may have become too long for a datagram.
            self._send(self._roomier(self._destination, self.flow))
            return
        elif code == 503 and self._destinations and self._cancelLines is None:
            # RFC 3263 section 4.3: as if it had not been reached.
            self._error = ResponseError(response)
            self._next()
            return
        elif self._authorization and 200 <= code < 300:
            self._learn(response)
        self._done = self._done or code >= 200
        self.user.responseReceived(response)

    def transactionFailed(self, error: SipError) -> None:
        """
        @see: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}
        """
        self._error = error
        if self._done:
            return
        if isinstance(error, Timeout) and self._udpOnly and self._destinations:
            # TCP was taken and silent: the same peer by UDP would be, too.
            self._destinations = [d for d in self._destinations if d != self._destination]
        if self._cancelLines is None and self._destinations:
            self._next()
        else:
            self._fail(error)

    def _fail(self, error: SipError) -> None:
        if self._done:
            return
        self._done = True
        if isinstance(error, ResponseError):
            self.user.responseReceived(error.response)
        else:
            self.user.transactionFailed(error)

    def _answer(self, response: Response) -> bool:
        """Section 22: prepare an attempt that answers the challenge; False when it must not be answered."""
        outgoing = self.outgoing
        digest = outgoing.digest
        if digest is None:
            return False
        headers = response.headers
        lines = digest.answer(
            headers.getAll("www-authenticate"),
            headers.getAll("proxy-authenticate"),
            outgoing.method,
            outgoing.uri,
            outgoing.body,
            self._tries,
            self._trusted,
        )
        if lines is None:
            return False
        self._authorization = lines
        self._number = outgoing.sequence()
        return True

    def _learn(self, response: Response) -> None:
        digest, request = self.outgoing.digest, self.request
        if digest is None or request is None:
            return
        for name, sent, proxy in (
            ("authentication-info", "authorization", False),
            ("proxy-authentication-info", "proxy-authorization", True),
        ):
            info = response.headers.getAll(name)
            if info:
                digest.learn(info, request.headers.getAll(sent), response.body, proxy)

    @property
    def authorization(self) -> Lines:
        """The credentials of the last attempt: the ACK to a 2xx repeats them (section 13.2.2.4)."""
        return self._authorization

    def cancel(self, lines: Lines) -> Request | None:
        """
        Section 9.1: CANCEL the INVITE as soon as a provisional allows it, and give the peer 64*T1 to end it.

        @param lines: further headers, such as Reason.
        @return: the CANCEL, when it could be sent at once.
        """
        if self._cancelLines is not None or self._done:
            return None
        self._cancelLines = lines
        if self._looking is not None or self.request is None:
            looking, self._looking = self._looking, None
            if looking is not None:
                looking.cancel()
            self._fail(TransportError("cancelled before it was sent"))
            return None
        return self._cancel(lines) if self._provisional else None

    def abandon(self) -> None:
        """Nobody waits any more, and there is no CANCEL for it (section 9.1): nothing further is sent."""
        if self._done:
            return
        self._done = True
        if self._looking is not None:
            self._looking.cancel()
        elif self._transaction is not None:
            self._transaction.finish()

    def _cancel(self, lines: Lines) -> Request | None:
        assert self.request is not None
        cancel = cancelOf(self.request, lines)
        transactions = self._client.transactions
        invite = self._transaction
        transactions.client(cancel, self.flow, UNHEARD).start()
        transactions.at(transactions.now() + transactions.values.transaction, lambda _: invite.handle("abandon"), None)
        return cancel
