"""
The delegates that C{twistd sipua} has built in.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.errors import SipError
from twisted_sipdialog.interfaces import IMediaWatch
from twisted_sipdialog.timers import after


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
        context.accept().addCallbacks(self._watch, _asLogged)

    def _watch(self, dialog: Any) -> None:
        """A caller that vanished sends no BYE, but no media either."""
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


def _asLogged(failure: Failure) -> None:
    """A call that did not come about, or came to a bad end: the log of calls says so already."""
    failure.trap(SipError)
