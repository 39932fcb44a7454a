"""
The end of a user agent: what is open is ended in order, as long as there is time for that.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from twisted_sipdialog.errors import TransportError
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import cancel, fire
from twisted_sipdialog.ua.dialog import Dialog


def standing(core: Core) -> list[Dialog]:
    """The dialogs of calls that have not ended."""
    return [dialog for dialog in core.dialogs.values() if dialog.ended is None and isinstance(dialog, Dialog)]


async def stop(core: Core) -> None:
    """Refuse what is new, end what there is, and wait C{stopTimeout} seconds at most for the peers."""
    core.stopping = True
    for context in [*core.invitations]:
        if not context.answered:  # by a delegate who was told of another one's end
            context.reject(480)
    for calling in [*core.calling]:
        calling.cancel()
    ending = [dialog.destroy() for dialog in standing(core)]
    ending += [calling.whenFinished() for calling in [*core.calling]]
    ending += [kept.stopping() for kept in [*core.kept]]
    _refuseWaiting(core)
    if ending:
        await _inTime(core, ending)
        _refuseWaiting(core)  # what came meanwhile
    # Nobody is left waiting for an answer that cannot come any more.
    stopped = TransportError("the service stopped")
    for calling in [*core.calling]:
        calling.transactionFailed(stopped)
    for leg in [*core.dialogs.values()]:
        leg.stopped()
    for kept in [*core.kept]:
        kept.stopped()
    for asking in [*core.asking]:
        asking.transactionFailed(stopped)


async def _inTime(core: Core, ending: list[Deferred[Any]]) -> None:
    done: Deferred[Any] = Deferred()
    timeout = core.configuration.stopTimeout
    timers = [
        core.timers.start(timeout / 2, _hurry, core),
        core.timers.start(timeout, lambda _: fire(done, None)),
    ]
    DeferredList(ending, consumeErrors=True).addCallback(lambda _: fire(done, None))
    await done
    for timer in timers:
        timer.cancel()


def _refuseWaiting(core: Core) -> None:
    """The application's answers do not matter any more."""
    for running in [*core.unfinished]:
        cancel(running)
    for waiting in [*core.answering]:
        waiting.reject(503)


def _hurry(core: Core) -> None:
    for dialog in standing(core):
        dialog.hurry()
