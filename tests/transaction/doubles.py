"""
What the tests of transaction/ share: messages as text, flows that remember when, users that remember what.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.configuration import LoadLimits
from twisted_sipdialog.errors import SipError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.parser import parseMessage
from twisted_sipdialog.timers import TimerSet, TimerValues
from twisted_sipdialog.transaction.layer import TransactionLayer

#: When an unanswered request is sent, in seconds from its start: timer A doubles, timer E does until T2.
TIMER_A = [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
TIMER_E = [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def request(
    method: str = "INVITE",
    branch: str | None = "z9hG4bKone",
    *,
    uri: str = "sip:bob@biloxi.example",
    sentBy: str = "192.0.2.4:5070",
    callId: str = "call-1",
    fromTag: str = "alice",
    toTag: str = "",
    cseq: int = 1,
    cseqMethod: str | None = None,
    more: str = "",
) -> Request:
    """A request as the parser yields it."""
    via = f"SIP/2.0/UDP {sentBy}" + ("" if branch is None else f";branch={branch}")
    text = (
        f"{method} {uri} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 69\r\n"
        f"From: Alice <sip:alice@atlanta.example>;tag={fromTag}\r\n"
        f"To: Bob <sip:bob@biloxi.example>{';tag=' + toTag if toTag else ''}\r\n"
        f"Call-ID: {callId}\r\nCSeq: {cseq} {cseqMethod or method}\r\n{more}Content-Length: 0\r\n\r\n"
    )
    parsed = parseMessage(text.encode())
    assert isinstance(parsed, Request)
    return parsed


def response(to: Request, code: int, toTag: str = "bob") -> Response:
    """The peer's response to C{to}, as the parser yields it."""
    parsed = parseMessage(to.response(code, toTag="" if code == 100 else toTag).toBytes())
    assert isinstance(parsed, Response)
    return parsed


def firstLines(sent: list[tuple[float, bytes]]) -> list[tuple[float, str]]:
    """What was sent when, by its method or its status code."""
    lines = [(at, data.split(b"\r\n", 1)[0].decode()) for at, data in sent]
    return [(at, line[8:11] if line.startswith("SIP/2.0 ") else line.partition(" ")[0]) for at, line in lines]


class Flow:
    """
    A way to one peer.

    @ivar sent: (when, what) of all that left.
    @ivar works: whether something can leave.
    """

    protocol = "UDP"
    secure = False
    remote = ("192.0.2.4", 5070)
    sentBy = "192.0.2.9"

    def __init__(self, clock: Clock, reliable: bool = False) -> None:
        self.clock = clock
        self.reliable = reliable
        self.sent: list[tuple[float, bytes]] = []
        self.works = True
        self.holds = 0
        self.held = 0

    @property
    def isOpen(self) -> bool:
        return self.works

    def send(self, data: bytes) -> bool:
        if self.works:
            self.sent.append((round(self.clock.seconds(), 6), data))
        return self.works

    def hold(self) -> None:
        self.holds += 1
        self.held += 1

    def release(self) -> None:
        self.holds -= 1
        assert self.holds >= 0, "released more often than held"


class Transport:
    """Sends responses on the flow they belong to, and remembers the Via that was handed over for the way back."""

    def __init__(self) -> None:
        self.vias: list[str] = []

    def sendResponse(self, data: bytes, flow: Flow, via: str) -> bool:
        self.vias.append(via)
        return flow.send(data)


class ClientUser:
    """Who started a client transaction."""

    def __init__(self) -> None:
        self.responses: list[Response] = []
        self.errors: list[SipError] = []

    @property
    def codes(self) -> list[int]:
        return [response.statusCode for response in self.responses]

    def responseReceived(self, response: Response) -> None:
        self.responses.append(response)

    def transactionFailed(self, error: SipError) -> None:
        self.errors.append(error)


class User:
    """The user of the layer; also that of its server transactions."""

    def __init__(self) -> None:
        self.transactions: list[Any] = []
        self.acks: list[tuple[Request, Any]] = []
        self.strays: list[Response] = []
        self.lost: list[tuple[Any, SipError]] = []
        self.errors: list[SipError] = []

    def requestReceived(self, transaction: Any) -> None:
        transaction.user = self
        self.transactions.append(transaction)

    def ackReceived(self, request: Request, flow: Any) -> None:
        self.acks.append((request, flow))

    def responseReceived(self, response: Response, flow: Any) -> None:
        self.strays.append(response)

    def flowLost(self, flow: Any, reason: SipError) -> None:
        self.lost.append((flow, reason))

    def transactionFailed(self, error: SipError) -> None:
        self.errors.append(error)


class LayerCase(SynchronousTestCase):
    """
    A transaction layer between doubles, on a virtual clock.  When a test is over, 64*T1 pass, twice: then nothing
    may be left.
    """

    values = TimerValues()
    limits = LoadLimits()

    def setUp(self) -> None:
        self.clock = Clock()
        self.timers = TimerSet(self.clock)
        self.layer = TransactionLayer(self.timers, self.values, self.limits)
        self.layer.transport = self.transport = Transport()
        self.layer.user = self.user = User()
        self.flows: list[Flow] = []

    def tearDown(self) -> None:
        self.advance(2 * self.values.transaction + 1)
        self.assertGone()
        self.assertEqual([flow.holds for flow in self.flows], [0] * len(self.flows))
        self.assertEqual((self.layer._merging, self.layer._onFlow), ({}, {}))

    def assertGone(self) -> None:
        """No transaction, no timer."""
        self.assertEqual(self.layer.leftovers(), [])
        self.assertEqual(self.layer.counts, (0, 0))
        self.assertEqual(self.timers.count, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def advance(self, seconds: float) -> None:
        """Let time pass, deadline by deadline, so that what happens is seen at its own time."""
        self.advanceTo(round(self.clock.seconds() + seconds, 6))

    def advanceTo(self, until: float) -> None:
        clock = self.clock
        while True:
            due = [call.getTime() for call in clock.getDelayedCalls() if call.getTime() < until + 1e-9]
            if not due:
                break
            clock.advance(min(due) - clock.seconds())
        clock.advance(max(0.0, until - clock.seconds()))

    def flow(self, reliable: bool = False) -> Flow:
        flow = Flow(self.clock, reliable)
        self.flows.append(flow)
        return flow

    def start(self, sent: Request, flow: Flow, user: Any = None) -> Any:
        """A client transaction, started."""
        transaction = self.layer.client(sent, flow, user or ClientUser())
        transaction.start()
        return transaction

    def serve(self, received: Request, flow: Flow) -> Any:
        """The server transaction of a new request."""
        before = len(self.user.transactions)
        self.layer.requestReceived(received, flow)
        self.assertEqual(len(self.user.transactions), before + 1, f"{received} is nothing new")
        return self.user.transactions[-1]
