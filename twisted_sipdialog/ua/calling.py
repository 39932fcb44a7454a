"""
An INVITE of ours on its way out (RFC 3261 sections 9.1 and 13.2.1): described, sent, cancelled, sent anew.

What comes back is for L{InviteClientContext<twisted_sipdialog.ua.invite_client.InviteClientContext>}.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.grammar import quote
from twisted_sipdialog.status import Cause
from twisted_sipdialog.ua.client_context import ClientView
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Waiters, cancel
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.fork import Fork
from twisted_sipdialog.ua.identity import hostOf
from twisted_sipdialog.ua.outgoing import Lines, Outgoing, extraLines
from twisted_sipdialog.ua.redirect import redirectTarget
from twisted_sipdialog.ua.session import NoDescription, closeSession
from twisted_sipdialog.ua.uac import Sending

_log = Logger()

#: How often a 422 is followed at most.
_MOST_RAISED: Final = 5


class Calling(ClientView):
    """
    @ivar lateOffer: it has no offer: the callee's is awaited.
    @ivar minimum: seconds, the Min-SE of a 422 that was followed; 0 without.
    """

    #: L{Dialog.isInviting}: it is an INVITE of ours.
    isOurs = True
    #: The next offer is to be ours, in a response to it.
    owesOffer = False
    #: The context of the REFER that this follows, or None.
    follower: Any = None
    #: What ends its dialogs, once it is cancelled.
    _reason = Reason.LOCAL_CANCEL

    def __init__(
        self, core: Core, outgoing: Outgoing, session: Any, factory: Any, lateOffer: bool, delegate: Any
    ) -> None:
        super().__init__(core, outgoing, delegate)
        self._session = session
        self._isTaken = False  # the session description describes one of the dialogs; another needs its own
        self._factory = factory
        self.lateOffer = lateOffer
        self._forks: dict[str, Fork] = {}
        self._answered = Waiters()
        self._cancelled = False
        self._cause = Cause.CANCELED  # why it was
        self._closed = False
        self._preparing: Deferred[Any] | None = None
        self._started = core.timers.now()
        self._redirected = 0
        self.minimum = 0
        self._raised = 0
        self._ringing: Any = None  # the timer that bounds the wait after a provisional

    @property
    def dialogs(self) -> list[Dialog]:
        return [fork.dialog for fork in self._forks.values()]

    @property
    def answered(self) -> bool:
        """The INVITE has its final response, or will never have one."""
        return self._closed

    @property
    def isCancelled(self) -> bool:
        """It is given up, though it may have no final response yet."""
        return self._cancelled

    @property
    def flow(self) -> Any:
        """Where the INVITE went."""
        assert self._sending is not None
        return self._sending.flow

    @property
    def authorization(self) -> Lines:
        """The credentials of the INVITE, which its ACK repeats (section 22.1)."""
        return self._sending.authorization if self._sending is not None else []

    def proveNothing(self) -> None:
        """No challenge is answered, in this call either."""
        self._outgoing.digest = self.core.client.noDigest()

    def start(self) -> None:
        """Send the INVITE, once its session is described."""
        if self._closed:
            return  # cancelled before the ports were open
        self.core.calling[self] = None
        if self.core.watch is not None:
            self.core.watch.calling(self._outgoing, "trying")
        self._preparing = Deferred.fromCoroutine(self._describe())
        self._preparing.addCallback(self._send).addErrback(self._unsent)

    async def _describe(self) -> bytes:
        """Our offer, C{b""} for none."""
        if self._session is None:
            # The description names an address of ours, and which one that is depends on the way.
            flow = await self.core.client.reach(self._outgoing)
            self._session = self._factory(hostOf(flow))
        return b"" if self.lateOffer else await maybeDeferred(self._session.offer)

    def _send(self, body: bytes) -> None:
        self._preparing = None
        if self._cancelled:
            raise CancelledError  # and the description was made all the same
        outgoing = self._outgoing
        outgoing.body = body
        if body:
            outgoing.lines.append(("Content-Type", self._session.contentType))
        outgoing.lines += self.core.terms.ask()
        self._sendAnew()

    def _sendAnew(self) -> None:
        sending = self._sending = Sending(self.core.client, self._outgoing, self)
        if self.follower is not None:
            sending.told = self.follower.inviteSent
        sending.start()

    def _unsent(self, failure: Failure) -> None:
        self._preparing = None
        if not self._closed:
            self._fail(failure.value)

    # What the application asks.

    def whenAnswered(self) -> Deferred[Dialog]:
        return self._answered.wait()

    def cancel(self, reason: str | None = None, extraHeaders: Any = ()) -> None:
        lines = extraLines(extraHeaders)
        if reason is not None:
            lines += extraLines([("Reason", f"SIP;cause=487;text={quote(reason)}")])
        self._cancel(lines)

    def _cancel(self, lines: Lines, cause: Cause = Cause.CANCELED) -> Request | None:
        if self._cancelled or (self._closed and not self._isPreparing):
            return None
        self._cancelled = True
        self._cause = cause
        self._answered.fire(Failure(CancelledError("the INVITE was cancelled")))
        for fork in self._forks.values():
            cancel(fork.preparing)
        if self._preparing is not None:
            cancel(self._preparing)
        elif self._sending is None:
            self._fail(CancelledError())
        elif not self._closed:
            return self._sending.cancel(lines)
        return None

    @property
    def _isPreparing(self) -> bool:
        """A description of ours is being made."""
        return self._preparing is not None or any(fork.preparing is not None for fork in self._forks.values())

    def giveUp(self, lines: Lines, reason: Reason | None = None) -> Deferred[Any]:
        """
        We end an early dialog of ours: the whole INVITE is cancelled (section 15).

        @param reason: why; None: the application wants it so.
        """
        if reason is not None and not self._cancelled:
            self._reason = reason
        sent = self._cancel(lines)
        return self.whenFinished().addBoth(lambda _: sent)

    def _fail(self, error: BaseException | None) -> None:
        raise NotImplementedError

    # More than once.

    def takeSession(self) -> Any:
        """The session description for one dialog: the call's own, then a fork of it for each further one."""
        if self._isTaken:
            return self._fork()
        self._isTaken = True
        return self._session

    def recall(self, session: Any) -> None:
        """
        The dialog that C{session} describes is over, or has another: what others answer later is the call's offer all
        the same.
        """
        if self._isTaken and session is self._session and not self._closed and not self._cancelled:
            self._session, self._isTaken = self._fork(), False

    def _giveBack(self) -> None:
        """No further dialog will need a description: one that was kept for it is closed."""
        if not self._isTaken:
            self._isTaken = True
            closeSession(self._session)

    def _fork(self) -> Any:
        try:
            return self._session.fork(self._outgoing.body or None)
        except Exception as error:
            _log.failure("a session description could not be forked")
            return NoDescription(error)

    def _follow(self, response: Response) -> bool:
        """Section 8.1.3.4: try the Contact that is preferred; False when redirections are not followed."""
        if response.statusCode >= 400 or self._redirected >= self.core.configuration.followRedirects:
            return False
        target = redirectTarget(response)
        if target is None:
            return False
        if not self._again(response):
            return False
        self._redirected += 1
        self._outgoing.uri = target
        self._sendAnew()
        return True

    def _raise(self, response: Response) -> bool:
        """RFC 4028 section 7.3: a 422 says how long the session has to last at least."""
        raised = self.core.terms.raised(response, self.minimum)
        if raised is None or self._raised == _MOST_RAISED or not self._again(response):
            return False
        self.minimum = raised
        self._raised += 1
        outgoing = self._outgoing
        kept = [line for line in outgoing.lines if line[0] not in ("Session-Expires", "Min-SE")]
        outgoing.lines = [*kept, *self.core.terms.ask(None, raised)]
        self._sendAnew()
        return True

    def _again(self, response: Response) -> bool:
        """
        The INVITE is to be sent anew: what its responses made so far is over.  False when nothing would describe
        the session then.
        """
        if self._isTaken:
            session = self._fork()
            if isinstance(session, NoDescription):
                return False
            self._session, self._isTaken = session, False
        self._endEarly(Reason.REJECTED, True, response)
        self._forks.clear()
        return True

    def _endEarly(self, reason: Reason, byPeer: bool, response: Response | None) -> None:
        """The early dialogs, which nobody will confirm."""
        for dialog in self.dialogs:
            if dialog.state is Phase.EARLY:
                dialog.end(reason, byPeer, response)

    def _close(self) -> None:
        self._closed = True
        if self._ringing is not None:
            self._ringing.cancel()
        self.core.calling.pop(self, None)
