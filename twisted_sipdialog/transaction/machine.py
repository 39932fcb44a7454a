"""
What the four transaction machines share (RFC 3261 section 17): a table of transitions and the host they act on.

Pure: a machine knows no reactor, no socket, no clock but its host's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from twisted_sipdialog.errors import SipError, Timeout, TransportError

if TYPE_CHECKING:
    from twisted_sipdialog.message import Request, Response

#: A row of the table: (state, event) -> (next state, name of the action).
Table = dict[tuple[str, str], tuple[str, str]]


#: The state every machine ends in; nothing leaves it.
TERMINATED = "terminated"


class RunningTimer(Protocol):
    """A timer the host started."""

    @property
    def deadline(self) -> float: ...

    def cancel(self) -> None: ...


class Values(Protocol):
    """The timer values of table 4, in seconds."""

    @property
    def T1(self) -> float: ...
    @property
    def T2(self) -> float: ...
    @property
    def T4(self) -> float: ...
    @property
    def D(self) -> float: ...
    @property
    def provisional(self) -> float: ...
    @property
    def transaction(self) -> float: ...


class Host(Protocol):
    """What a machine asks of the layer around it."""

    @property
    def values(self) -> Values:
        """The settings of every timer."""

    def now(self) -> float:
        """The clock, in seconds."""

    def at(self, deadline: float, callback: Callable[[Any], object], argument: Any) -> RunningTimer:
        """Call C{callback(argument)} at C{deadline}."""

    def transmit(self, machine: Any, data: bytes) -> bool:
        """Send a request on the machine's flow; False when it certainly did not leave."""

    def reply(self, machine: Any, data: bytes) -> bool:
        """Send a response the way section 18.2.2 says; False when it certainly did not leave."""

    def deliver(self, machine: Any, message: Any) -> None:
        """Give a response (client) or an ACK (server) to the transaction user."""

    def failed(self, machine: Any, error: SipError) -> None:
        """Tell the transaction user that this did not go well; the machine may live on."""

    def ended(self, machine: Any) -> None:
        """The machine has terminated: forget it."""


class Machine:
    """
    One transaction.

    @cvar table: its transitions; what is absent is ignored on purpose and listed in C{IGNORED} of its module.
    @ivar state: the present state.
    @ivar key: what the layer finds it by.
    @ivar flow: where its messages go; opaque here.
    @ivar reliable: the flow retransmits by itself.
    """

    __slots__ = ("_interval", "_longTimer", "_shortTimer", "_wire", "flow", "host", "key", "reliable", "state", "user")

    table: ClassVar[Table] = {}
    first: ClassVar[str] = ""
    _rows: ClassVar[dict[str, dict[str, tuple[str, Callable[..., None]]]]] = {}

    def __init_subclass__(cls) -> None:
        # The table is written for the reader; two nested dictionaries are what the hot path walks.
        cls._rows = {}
        for (state, event), (following, action) in cls.table.items():
            cls._rows.setdefault(state, {})[event] = (following, getattr(cls, action))
            cls._rows.setdefault(following, {})

    def __init__(self, host: Host, key: str, flow: Any, reliable: bool) -> None:
        self.host = host
        self.key = key
        self.flow = flow
        self.reliable = reliable
        self.user: Any = None
        self.state = self.first
        self._wire: bytes | None = None
        self._interval = 0.0
        self._shortTimer: RunningTimer | None = None  # A, E, G, and the wait for a first provisional
        self._longTimer: RunningTimer | None = None  # B, D, F, H, I, J, K, L, M

    def handle(self, event: str, message: Any = None) -> None:
        """Take one event by the table."""
        row = self._rows[self.state].get(event)
        if row is not None:
            self.state = row[0]
            row[1](self, message)

    def timerFired(self, event: str) -> None:
        """A timer of ours is due; the event's name says which."""
        self.handle(event)

    def _short(self, delay: float, event: str) -> None:
        """Start the short timer; a repetition counts from the deadline that fired, so that lateness never adds up."""
        before = self._shortTimer
        start = before.deadline if before is not None else self.host.now()
        self._shortTimer = self.host.at(start + delay, self.timerFired, event)

    def _long(self, delay: float, event: str) -> None:
        if self._longTimer is not None:
            self._longTimer.cancel()
        self._longTimer = self.host.at(self.host.now() + delay, self.timerFired, event)

    def _stopShort(self) -> None:
        if self._shortTimer is not None:
            self._shortTimer.cancel()
            self._shortTimer = None

    def finish(self, _: Any = None) -> None:
        """Leave: stop the timers, be forgotten, and forget the user, who may still hold us."""
        self._leave()
        self.user = None

    def _endWith(self, error: SipError) -> None:
        """Leave, and tell the user why."""
        self._leave()
        self.host.failed(self, error)
        self.user = None

    def _leave(self) -> None:
        self.state = TERMINATED
        self._stopShort()
        if self._longTimer is not None:
            self._longTimer.cancel()
            self._longTimer = None
        self.host.ended(self)


class ServerMachine(Machine):
    """
    A server transaction.

    @ivar request: the request that began it; None once nobody needs it any more.
    @ivar viaText: its topmost Via, the way back when the connection is lost; None where there is none to lose.
    @ivar toTag: the To tag of the responses, for that to a CANCEL; C{""} before there is one.
    @ivar mergeKey: what a merged copy of the request would be found by, or None.
    """

    __slots__ = ("mergeKey", "request", "toTag", "viaText")

    def __init__(self, host: Host, key: str, flow: Any, reliable: bool, request: Request) -> None:
        super().__init__(host, key, flow, reliable)
        self.request: Request | None = request
        # A datagram is answered to where it came from; only a lost connection has to be made anew from the Via.
        self.viaText = request.viaText if reliable else None
        self.toTag = ""
        self.mergeKey: str | None = None

    def delivered(self) -> None:
        """The transaction user has the request."""

    def respond(self, response: Response) -> None:
        """Send C{response}, if the state allows one of its class."""
        code = response.statusCode
        self.handle("1xx" if code < 200 else "2xx" if code < 300 else "300-699", response)

    @property
    def answered(self) -> bool:
        """A final response was sent."""
        return self.state not in ("trying", "proceeding")

    def _send(self, response: Response) -> None:
        self._wire = wire = response.toBytes()
        self._transmit(wire)

    def _transmit(self, wire: bytes) -> None:
        if not self.host.reply(self, wire):
            self.host.failed(self, _unsent())

    def resend(self, _: Any) -> None:
        """A retransmission of the request is answered by what was last sent (sections 17.2.1, 17.2.2)."""
        if self._wire is not None:
            self._transmit(self._wire)


class ClientMachine(Machine):
    """
    A client transaction.

    @ivar request: the request.
    """

    __slots__ = ("request",)

    def __init__(self, host: Host, key: str, flow: Any, reliable: bool, request: Request) -> None:
        super().__init__(host, key, flow, reliable)
        self.request = request
        self._wire = request.toBytes()

    def received(self, response: Response) -> None:
        """A response that matches (section 17.1.3)."""
        code = response.statusCode
        self.handle("1xx" if code < 200 else "2xx" if code < 300 else "300-699", response)

    def _sendRequest(self) -> bool:
        assert self._wire is not None
        if self.host.transmit(self, self._wire):
            return True
        self.handle("send failed")
        return False

    def passUp(self, response: Response) -> None:
        """The response is for the transaction user."""
        self.host.deliver(self, response)

    def timedOut(self, _: Any) -> None:
        """No final response in time (timers B and F, or after a CANCEL): the transaction user is told."""
        self._endWith(Timeout(f"no answer to {self.request.method}"))

    def sendFailed(self, error: SipError | None) -> None:
        """17.1.4: without a way to the peer it is over at once; the transaction user is told."""
        self._endWith(error or _unsent())


def _unsent() -> SipError:
    return TransportError("the message could not be sent")
