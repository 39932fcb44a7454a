"""
What one side knows of a dialog (RFC 3261 section 12): identifiers, sequence numbers, route set, remote target.

Changed in place; L{DialogState.snapshot} gives a plain value that JSON carries.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from twisted_sipdialog.dialog.offer_answer import TRANSITIONS, Exchange
from twisted_sipdialog.dialog.usage import INVITE, Usage
from twisted_sipdialog.errors import InvalidState, ParseError
from twisted_sipdialog.message import Message, Request, Response
from twisted_sipdialog.message.address import plainUri
from twisted_sipdialog.message.uri import SipUri, parseUri


class Phase(Enum):
    """
    Where a dialog stands.  C{PENDING}: a 2xx was sent whose ACK is awaited.
    """

    EARLY = "early"
    PENDING = "pending"
    STABLE = "stable"
    TERMINATED = "terminated"


#: Call-ID, local tag, remote tag (section 12).
DialogId = tuple[str, str, str]


class DialogState:
    """
    @ivar callId: Call-ID.
    @ivar localTag: our tag.
    @ivar remoteTag: the peer's; C{""} for a peer of RFC 2543 that has none.
    @ivar local: our From (as sender), with the tag.
    @ivar remote: our To (as sender), with the tag.
    @ivar localSequence: the CSeq number of our last request.
    @ivar remoteSequence: the CSeq number of the peer's last request, or None.
    @ivar routeSet: Route values, nearest first.
    @ivar remoteTarget: the URI the peer wants its requests at.
    @ivar role: C{"uac"} (we sent the request that made it) or C{"uas"}.
    @ivar phase: L{Phase}.
    @ivar exchange: where offer and answer stand.
    @ivar usages: what it is there for (RFC 5057).
    """

    __slots__ = (
        "callId",
        "exchange",
        "local",
        "localSequence",
        "localTag",
        "phase",
        "remote",
        "remoteSequence",
        "remoteTag",
        "remoteTarget",
        "role",
        "routeSet",
        "usages",
    )

    callId: str
    localTag: str
    remoteTag: str
    local: str
    remote: str
    localSequence: int
    remoteSequence: int | None
    routeSet: tuple[str, ...]
    remoteTarget: str
    role: str
    phase: Phase
    exchange: Exchange
    usages: tuple[Usage, ...]

    @classmethod
    def asServer(cls, request: Request, localTag: str, usage: Usage = INVITE) -> DialogState:
        """
        The UAS's side (section 12.1.1).

        @raise ParseError: no usable Contact or Record-Route.
        """
        self = cls()
        self.callId = request.callId
        self.localTag = localTag
        self.remoteTag = request.fromTag
        self.local = f"{request.headers.get('to')};tag={localTag}"
        self.remote = request.headers.get("from") or ""
        # 12.2.1.1: any first number will do, below 2**31.
        self.localSequence = 0
        self.remoteSequence = request.cseqNumber
        self.routeSet = _routes(request)
        self.remoteTarget = _target(request)
        self.role = "uas"
        self.phase = Phase.EARLY
        self.exchange = Exchange.NONE
        self.usages = (usage,)
        return self

    @classmethod
    def asClient(cls, request: Request, response: Response, usage: Usage = INVITE) -> DialogState:
        """
        The UAC's side (section 12.1.2).

        @raise ParseError: no usable Contact or Record-Route; a provisional may lack the first.
        """
        self = cls()
        self.callId = request.callId
        self.localTag = request.fromTag
        self.remoteTag = response.toTag
        self.local = request.headers.get("from") or ""
        self.remote = response.headers.get("to") or ""
        self.localSequence = request.cseqNumber
        self.remoteSequence = None
        self.routeSet = _routes(response)[::-1]
        if response.statusCode < 200 and response.headers.get("contact") is None:
            # Section 12.1.1 wants one, and telephones that have none in a provisional want their PRACK all the same:
            # where the INVITE went it is found.
            self.remoteTarget = request.uriText
        else:
            self.remoteTarget = _target(response)
        self.role = "uac"
        self.phase = Phase.EARLY
        self.exchange = Exchange.NONE
        self.usages = (usage,)
        return self

    @classmethod
    def byNotify(cls, request: Request, notify: Request) -> DialogState:
        """
        The subscriber's side, where a NOTIFY comes before the 2xx (RFC 6665 section 4.4.1).

        @param request: what it subscribed by.
        @raise ParseError: no usable Contact or Record-Route in C{notify}.
        """
        self = cls.asServer(notify, "")
        self.localTag = request.fromTag
        self.local = notify.headers.get("to") or ""
        self.localSequence = request.cseqNumber
        self.remoteSequence = None  # it is looked at as any that follows
        self.role = "uac"
        return self

    @property
    def id(self) -> DialogId:
        """Call-ID, local tag, remote tag."""
        return (self.callId, self.localTag, self.remoteTag)

    def nextSequence(self) -> int:
        """The CSeq number of our next request (section 12.2.1.1)."""
        self.localSequence += 1
        return self.localSequence

    def inOrder(self, request: Request) -> bool:
        """Section 12.2.2: the peer's numbers only grow; ACK and CANCEL carry those of their INVITE."""
        if self.remoteSequence is not None and request.cseqNumber <= self.remoteSequence:
            return False
        self.remoteSequence = request.cseqNumber
        return True

    def refreshTarget(self, message: Message) -> None:
        """A target refresh, or the 2xx to one, moves the remote target (section 12.2.1.2); the route set stays."""
        if message.headers.get("contact") is not None:
            self.remoteTarget = _target(message)

    def confirm(self, response: Response) -> None:
        """
        The 2xx to our INVITE fixes what the provisional only proposed (section 13.2.2.4).

        @raise ParseError: no usable Contact or Record-Route.
        """
        self.remoteTarget = _target(response)
        self.routeSet = _routes(response)[::-1]
        # A challenge between the two gave the INVITE a further number.
        self.localSequence = max(self.localSequence, response.cseqNumber)
        self.phase = Phase.STABLE

    def exchanged(self, event: str) -> None:
        """
        An offer or answer went its way: C{"offer sent"}, C{"answer received"} ... (RFC 3264 section 4).

        @raise InvalidState: it must not happen now.
        """
        following = TRANSITIONS.get((self.exchange, event))
        if following is None:
            state = f"offer and answer: {self.exchange.value}"
            raise InvalidState(event, state, "one offer at a time, RFC 3264 section 4")
        self.exchange = following

    def addressing(self) -> tuple[str, list[tuple[str, str]], str | None]:
        """
        Request-URI and Route lines of a request in this dialog (section 12.2.1.1), and the strict router it
        goes to, if the first one is strict (section 8.1.2).
        """
        routes = self.routeSet
        if not routes:
            return self.remoteTarget, [], None
        first = _uriOf(routes[0])
        if isinstance(first, SipUri) and "lr" not in first.parameters:
            # A strict router wants to find itself in the Request-URI and the target at the end of the list.
            uri = str(first.withoutHeaders())
            return uri, [("Route", r) for r in (*routes[1:], f"<{self.remoteTarget}>")], uri
        return self.remoteTarget, [("Route", r) for r in routes], None

    def endUsage(self, usage: Usage) -> bool:
        """
        Take C{usage} away, once: both sides may have its like.

        @return: it was the last, so that the dialog is over.
        """
        if self.usages != (usage,):
            left = [*self.usages]
            if usage in left:
                left.remove(usage)
            self.usages = tuple(left)
            if left:
                return False
        self.usages = ()
        self.phase = Phase.TERMINATED
        return True

    def snapshot(self) -> dict[str, Any]:
        """A plain value: strings, numbers, lists."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        plain["phase"] = self.phase.value
        plain["exchange"] = self.exchange.value
        plain["routeSet"] = list(self.routeSet)
        plain["usages"] = [[u.kind, u.event, u.id] for u in self.usages]
        return plain

    @classmethod
    def restored(cls, plain: dict[str, Any]) -> DialogState:
        """What L{snapshot} gave, as a state again."""
        self = cls()
        for name in cls.__slots__:
            setattr(self, name, plain[name])
        self.phase = Phase(plain["phase"])
        self.exchange = Exchange(plain["exchange"])
        self.routeSet = tuple(plain["routeSet"])
        self.usages = tuple(Usage(*usage) for usage in plain["usages"])
        return self


def _routes(message: Message) -> tuple[str, ...]:
    headers = message.headers
    if headers.get("record-route") is None:
        return ()
    routes = tuple(headers.elements("record-route"))
    for route in routes:
        _uriOf(route)
    return routes


def _uriOf(value: str) -> Any:
    start, end = value.rfind("<"), value.rfind(">")
    if start < 0 or end < start:
        raise ParseError("a route must be a name-addr in angle brackets")
    return parseUri(value[start + 1 : end])


def _target(message: Message) -> str:
    """The URI of the one Contact."""
    values = message.headers.getAll("contact")
    if not values:
        raise ParseError("Contact: missing")
    plain = plainUri(values[0])
    if plain is not None and len(values) == 1:
        return plain
    contacts = message.contacts
    if len(contacts) != 1 or not isinstance(contacts[0].uri, SipUri):
        raise ParseError("Contact: exactly one sip or sips URI is wanted")
    return str(contacts[0].uri)
