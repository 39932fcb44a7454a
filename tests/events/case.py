"""
What the tests of docs/events.rst share: one agent of ours, one scripted peer, and a delegate that notes what it is
told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.200\r\ns=-\r\nc=IN IP4 192.0.2.200\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0 8\r\na=sendrecv\r\n"
)
ANSWER = (
    b"v=0\r\no=- 7 7 IN IP4 192.0.2.100\r\ns=-\r\nc=IN IP4 192.0.2.100\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0\r\na=sendrecv\r\n"
)
#: Nothing of ANSWER fits it.
VIDEO = OFFER.replace(b"m=audio 4000 RTP/AVP 0 8", b"m=video 4002 RTP/AVP 99\r\na=rtpmap:99 H264/90000")
BOB = "sip:bob@peer.example"


def next_(sdp: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    """The peer's description with C{changes}, one version on (RFC 3264 section 8)."""
    for old, new in (*changes, (b"o=- 1 1", b"o=- 1 2")):
        sdp = sdp.replace(old, new)
    return sdp


HOLD = next_(OFFER, (b"sendrecv", b"sendonly"))


class Recorder:
    """
    A delegate that has the methods it is asked to have.

    @ivar told: (name, arguments) of each call.
    """

    def __init__(self, *names: str, **answers: Callable[..., Any]) -> None:
        """
        @param names: methods that only note.
        @param answers: methods that do something as well.
        """
        self.told: list[tuple[str, tuple[Any, ...]]] = []
        for name in (*names, *answers):
            setattr(self, name, self._method(name, answers.get(name)))

    def _method(self, name: str, answer: Callable[..., Any] | None) -> Callable[..., Any]:
        def told(*arguments: Any) -> Any:
            self.told.append((name, arguments))
            return None if answer is None else answer(*arguments)

        return told

    @property
    def names(self) -> list[str]:
        """The methods that were called, in order."""
        return [name for name, _ in self.told]

    def only(self, name: str) -> tuple[Any, ...]:
        """The arguments of the one call of C{name}."""
        (arguments,) = [arguments for told, arguments in self.told if told == name]
        return arguments


class EventCase(SynchronousTestCase):
    """
    Calls either way; nothing may be left at the end.
    """

    def setUp(self) -> None:
        self.network = MemoryNetwork()
        self.addCleanup(self.network.assertQuiet)
        self.peer = ScriptedPeer(self.network)
        self.notes = Recorder()

    def pass_(self, seconds: float = 0.1) -> None:
        """Let time pass."""
        self.network.advance(seconds)

    def agent(self, delegate: Any = None, **settings: Any) -> Any:
        self.userAgent = self.network.userAgent("sip:desk@b.example", delegate, **settings)
        return self.userAgent

    # Calls to us.

    def ring(
        self, notes: Any = None, headers: dict[str, Any] | None = None, body: bytes = OFFER, **settings: Any
    ) -> Any:
        """A call to us that nobody has answered: its context; C{self.invite} is the INVITE."""

        def inviteReceived(context: Any) -> None:
            context.answerLater()

        self.app = Recorder("inviteCancelled", "dialogTerminated", "dialogEarly", inviteReceived=inviteReceived)
        self.notes = notes or Recorder()
        self.invite = self.peer.request("INVITE", self.agent(self.app, **settings), headers=headers or {}, body=body)
        self.pass_()
        (self.context,) = self.app.only("inviteReceived")
        return self.context

    def called(self, notes: Any = None, **how: Any) -> Any:
        """A call to us that stands: its dialog, whose delegate is C{notes}; C{self.ok} is the 200."""
        self.unacknowledged(notes, **how)
        self.peer.ack(self.ok)
        self.pass_()
        return self.dialog

    def unacknowledged(self, notes: Any = None, **how: Any) -> Any:
        """A call to us whose ACK has not come."""
        context = self.ring(notes, **how)
        self.accepting: Deferred[Any] = context.accept(body=ANSWER, delegate=self.notes)
        self.addCleanup(self.accepting.addErrback, lambda _: None)
        self.pass_()
        self.within = self.ok = self.found(self.invite)
        self.dialog = context.dialog
        return self.dialog

    # Calls of ours.

    def calling(self, notes: Any = None, delegate: Any = None, headers: Any = (), **settings: Any) -> Any:
        """A call of ours that nobody has answered: the Deferred of invite(); C{self.invite} is the INVITE."""
        self.notes = notes or Recorder()
        invite = self.agent(delegate, **settings).invite
        self.answering = invite(BOB, body=ANSWER, delegate=self.notes, extraHeaders=headers)
        self.addCleanup(self.answering.addErrback, lambda _: None)
        self.within = self.invite = self.peer.expect("INVITE")
        return self.answering

    def calls(self, notes: Any = None, more: dict[str, str] | None = None, **how: Any) -> Any:
        """A call of ours that stands: its dialog; C{more}: header lines of the 200."""
        answering = self.calling(notes, **how)
        self.peer.respond(self.invite, 200, headers=more or {}, body=OFFER)
        self.peer.expect("ACK")
        self.pass_()
        self.dialog = self.successResultOf(answering)
        return self.dialog

    # Messages.

    def final(self, method: str, **how: Any) -> Response:
        """Our final answer to a request of the peer in the dialog; an INVITE gets its ACK."""
        return self.finalTo(self.peer.request(method, within=how.pop("within", None) or self.within, **how))

    def finalTo(self, request: Request) -> Response:
        self.pass_()
        message = self.found(request)
        if request.method == "INVITE":
            self.peer.ack(message)
            self.pass_()
        return message

    def found(self, request: Request) -> Response:
        """The final response to C{request} among those that came."""
        for message in self.peer.received:
            if isinstance(message, Response) and message.statusCode >= 200:
                same = message.callId == request.callId and message.cseqMethod == request.method
                if same and message.cseqNumber == request.cseqNumber:
                    return message
        raise AssertionError(f"no final answer to {request!r}\n{self.network.ladder()}")

    def answer(self, what: str, code: int = 200, body: bytes = b"", **headers: Any) -> Request:
        """The next C{what} of ours, which the peer answers with C{code}."""
        request: Request = self.peer.expect(what)
        self.peer.respond(request, code, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=body)
        self.pass_()
        return request

    def count(self, method: str) -> int:
        """How many requests of C{method} came to the peer."""
        return len([m for m in self.peer.received if isinstance(m, Request) and m.method == method])

    def challenge(self, method: str) -> Request:
        """The next C{method} of ours is asked for credentials; the one that has them."""
        self.answer(method, 401, WWW_Authenticate='Digest realm="b.example", nonce="n1", qop="auth", algorithm=MD5')
        proven: Request = self.peer.expect(method)
        self.assertIn('username="desk"', proven.headers.get("authorization") or "")
        return proven
