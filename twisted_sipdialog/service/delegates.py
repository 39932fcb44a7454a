"""
The delegates that C{twistd sipua} has built in.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.errors import SipError
from twisted_sipdialog.interfaces import IMediaWatch
from twisted_sipdialog.timers import after

_log = Logger()


class Answer(UserAgentDelegate):
    """
    Rings, answers, and stays until the caller hangs up, or sends no more media.
    """

    def __init__(self, reactor: IReactorTime, answerAfter: float = 0.0) -> None:
        """
        @param answerAfter: seconds to ring.
        """
        self._reactor = reactor
        self._answerAfter = answerAfter
        self._ringing: dict[Any, IDelayedCall] = {}

    def inviteReceived(self, context: Any) -> None:
        """Ring, and answer now or later."""
        context.progress(180)
        if self._answerAfter:
            context.answerLater()
            self._ringing[context.dialog] = after(self._reactor, self._answerAfter, self._rangEnough, context)
        else:
            self._answer(context)

    def _rangEnough(self, context: Any) -> None:
        del self._ringing[context.dialog]
        self._answer(context)

    def _answer(self, context: Any) -> None:
        context.accept().addErrback(_asLogged)

    def dialogConfirmed(self, dialog: Any) -> None:
        """
        Who vanished sends no BYE, but no media either: a caller, or whom a caller has sent us to.
        """
        if IMediaWatch.providedBy(dialog.session):
            dialog.session.whenSilent().addCallback(lambda _: dialog.destroy()).addErrback(_asLogged)

    def dialogTerminated(self, dialog: Any, ended: Any) -> None:
        """However a call ended that was ringing, it is not answered any more."""
        ringing = self._ringing.pop(dialog, None)
        if ringing is not None:
            ringing.cancel()


class Reject(UserAgentDelegate):
    """
    Refuses each call with 480: nobody is there.  (603 would tell a proxy not to try the callee's other phones
    either, which is not for one of them to say.)
    """

    def __init__(self, reactor: IReactorTime) -> None:
        pass

    def inviteReceived(self, context: Any) -> None:
        """480."""
        context.reject(480)


class Transfer(UserAgentDelegate):
    """
    Answers each call, and has its caller call somebody else instead (RFC 5589 section 6): a blind transfer.
    """

    def __init__(self, reactor: IReactorTime, target: str) -> None:
        """
        @param target: the URI of whom the callers are to call.
        """
        self._target = target

    async def inviteReceived(self, context: Any) -> None:
        """Answer, ask the caller to call the target, and hang up when that is through, one way or the other."""
        caller = context.remoteIdentity.uri
        try:
            dialog = await context.accept()
        except SipError:
            return  # as the log of calls says
        try:
            status = await (await dialog.refer(self._target)).whenFinished()
            outcome = "nobody tells" if status is None else f"{status.statusCode} {status.reasonPhrase}"
        except SipError as error:
            outcome = str(error)
        _log.info("{caller} was to call {target}: {outcome}", caller=caller, target=self._target, outcome=outcome)
        dialog.destroy()


def _asLogged(failure: Failure) -> None:
    """A call that did not come about, or came to a bad end: the log of calls says so already."""
    failure.trap(SipError)
