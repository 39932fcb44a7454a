"""
The transaction layer (RFC 3261 section 17): finds the machine for each message and gives the machines clock and flows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from twisted_sipdialog._seams import ITransportUser
from twisted_sipdialog.configuration import LoadLimits
from twisted_sipdialog.errors import SipError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.timers import Timer, TimerSet, TimerValues
from twisted_sipdialog.transaction.ict import InviteClient
from twisted_sipdialog.transaction.ist import InviteServer
from twisted_sipdialog.transaction.key import clientKey, mergeKey, serverKey
from twisted_sipdialog.transaction.machine import ClientMachine, Machine, ServerMachine
from twisted_sipdialog.transaction.nict import NonInviteClient
from twisted_sipdialog.transaction.nist import NonInviteServer

_log = Logger()


@implementer(ITransportUser)
class TransactionLayer:
    """
    All transactions of one user agent; the L{Host<twisted_sipdialog.transaction.machine.Host>} of their machines.

    @ivar transport: where messages go (L{ITransport<twisted_sipdialog._seams.ITransport>}).
    @ivar user: who is told (L{ITransactionUser<twisted_sipdialog._seams.ITransactionUser>}).
    @ivar refused: how many requests were answered 503 for want of room.
    """

    def __init__(self, timers: TimerSet, values: TimerValues, limits: LoadLimits) -> None:
        self.values = values
        self.transport: Any = None
        self.user: Any = None
        self.refused = 0
        self.now: Callable[[], float] = timers.now
        self.at: Callable[[float, Callable[[Any], object], Any], Timer] = timers.at
        self._limits = limits
        self._servers: dict[str, ServerMachine] = {}
        self._clients: dict[str, ClientMachine] = {}
        self._merging: dict[str, ServerMachine] = {}
        self._onFlow: dict[Any, dict[Machine, None]] = {}  # in the order of their start

    # What comes from below.

    def requestReceived(self, request: Request, flow: Any) -> None:
        """
        @see: L{ITransportUser.requestReceived<twisted_sipdialog._seams.ITransportUser>}
        """
        method = request.method
        if method == "ACK":
            known = self._servers.get(serverKey(request, "INVITE"))
            if known is None:
                self.user.ackReceived(request, flow)
            else:
                known.handle("ack", request)
            return
        key = serverKey(request, method)
        known = self._servers.get(key)
        if known is not None:
            known.handle("request")
            return
        if len(self._servers) >= self._limits.serverTransactions:
            self._refuse(request, flow)
            return
        invite = method == "INVITE"
        transaction = (InviteServer if invite else NonInviteServer)(self, key, flow, flow.reliable, request)
        self._servers[key] = transaction
        if transaction.reliable:
            flow.hold()
        try:
            self.user.requestReceived(transaction)
        except Exception:
            # A fault of ours is no reason to keep it for ever, nor to leave the peer without an answer.
            _log.failure("{method} could not be taken", method=method)
            if not transaction.answered:
                transaction.respond(request.response(500, toTag="failed"))
        transaction.delivered()

    def responseReceived(self, response: Response, flow: Any) -> None:
        """
        @see: L{ITransportUser.responseReceived<twisted_sipdialog._seams.ITransportUser>}
        """
        transaction = self._clients.get(clientKey(response))
        if transaction is not None:
            transaction.received(response)
        elif response.cseqMethod == "INVITE" and 200 <= response.statusCode < 300:
            self.user.responseReceived(response, flow)

    def flowLost(self, flow: Any, reason: SipError) -> None:
        """
        @see: L{ITransportUser.flowLost<twisted_sipdialog._seams.ITransportUser>}
        """
        for transaction in list(self._onFlow.pop(flow, ())):
            transaction.handle("send failed", reason)
        self.user.flowLost(flow, reason)

    # What comes from above.

    def client(self, request: Request, flow: Any, user: Any) -> InviteClient | NonInviteClient:
        """
        A transaction for C{request}, whose Via carries a fresh branch; its C{start()} sends it on C{flow}.

        @param user: L{IClientTransactionUser<twisted_sipdialog._seams.IClientTransactionUser>}.
        """
        key = clientKey(request)
        kind: type[InviteClient | NonInviteClient] = InviteClient if request.method == "INVITE" else NonInviteClient
        transaction = kind(self, key, flow, flow.reliable, request)
        transaction.user = user
        self._clients[key] = transaction
        if transaction.reliable:
            flow.hold()
            self._onFlow.setdefault(flow, {})[transaction] = None
        return transaction

    def isMerged(self, transaction: ServerMachine) -> bool:
        """
        The request of C{transaction} is a copy of one that is here already (section 8.2.2.2).
        If not, later copies will be known by it.
        """
        assert transaction.request is not None
        key = mergeKey(transaction.request, transaction.request.method)
        if self._merging.setdefault(key, transaction) is not transaction:
            return True
        transaction.mergeKey = key
        return False

    def cancelled(self, cancel: Request) -> ServerMachine | None:
        """
        The INVITE transaction that C{cancel} means: by its branch (section 9.2), else, since some middle
        boxes rewrite Via, by Call-ID, From tag, CSeq and Request-URI.
        """
        found = self._servers.get(serverKey(cancel, "INVITE"))
        return found if found is not None else self._merging.get(mergeKey(cancel, "INVITE"))

    def _refuse(self, request: Request, flow: Any) -> None:
        """Too much is open: 503 without a transaction (section 21.5.4)."""
        self.refused += 1
        answer = request.response(
            503, toTag=request.statelessTag, headers=[("Retry-After", str(self._limits.retryAfter))]
        )
        self.transport.sendResponse(answer.toBytes(), flow, request.viaText)

    def leftovers(self) -> list[str]:
        """What is still here, for tests and for the curious."""
        return [f"{type(t).__name__} {t.state} {t.key}" for t in [*self._servers.values(), *self._clients.values()]]

    @property
    def counts(self) -> tuple[int, int]:
        """(server, client) transactions alive."""
        return len(self._servers), len(self._clients)

    def abandonAll(self) -> None:
        """The service ends: forget everything, send nothing."""
        for transaction in [*self._servers.values(), *self._clients.values()]:
            transaction.finish()

    def dismiss(self, transaction: ServerMachine, response: Response) -> None:
        """Answer without keeping anything (section 8.2.7): a repetition of the request will be answered anew."""
        self.refused += 1
        self.reply(transaction, response.toBytes())
        transaction.finish()

    # What the machines ask of their host.

    def transmit(self, machine: Machine, data: bytes) -> bool:
        return bool(machine.flow.send(data))

    def reply(self, machine: ServerMachine, data: bytes) -> bool:
        return bool(self.transport.sendResponse(data, machine.flow, machine.viaText))

    def deliver(self, machine: Machine, message: Any) -> None:
        if isinstance(machine, ServerMachine):
            self.user.ackReceived(message, machine.flow)
        else:
            machine.user.responseReceived(message)

    def failed(self, machine: Machine, error: SipError) -> None:
        if machine.user is not None:
            machine.user.transactionFailed(error)

    def ended(self, machine: Machine) -> None:
        if isinstance(machine, ServerMachine):
            self._servers.pop(machine.key, None)
            if machine.mergeKey is not None:
                self._merging.pop(machine.mergeKey, None)
        else:
            self._clients.pop(machine.key, None)
            on = self._onFlow.get(machine.flow)
            if on is not None:
                on.pop(machine, None)
                if not on:
                    del self._onFlow[machine.flow]
        if machine.reliable:
            machine.flow.release()
