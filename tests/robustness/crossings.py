"""
What the crossing sweep runs on: agents of ours and their call, every Deferred kept, every ending counted.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from tests.robustness.crossing_media import Media, sdp
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.offer_answer import Exchange
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import (
    DialogTerminated,
    InvalidState,
    NoAck,
    NoPrack,
    ReferFailed,
    RemoteError,
    ResponseError,
    SipError,
    SubscriptionTerminated,
    Timeout,
    TransportError,
)
from twisted_sipdialog.testing import MemoryNetwork

_SENDING = (DialogTerminated, Timeout, TransportError)
#: What each Deferred may fail with, as the interfaces say it.
DOCUMENTED: dict[str, tuple[type[BaseException], ...]] = {
    "invite": (*_SENDING, ResponseError, CancelledError, RemoteError),
    "accept": (NoAck, DialogTerminated, RemoteError),
    "progress": (NoPrack, DialogTerminated),
    "reject": (),
    "destroy": (TransportError,),
    "modify": (*_SENDING, ResponseError, RemoteError, InvalidState, CancelledError),
    "late answer": (CancelledError, DialogTerminated),
    "update": _SENDING,
    "update with an offer": (*_SENDING, RemoteError, InvalidState, CancelledError),
    "info": _SENDING,
    "whenTerminated": (),
    "refer": (*_SENDING, ResponseError, CancelledError),
    "whenFinished": (*_SENDING, ResponseError, CancelledError, ReferFailed),
    "accept the REFER": (CancelledError,),
    "sendNotify": (Timeout, TransportError),
    "subscribe": _SENDING,
    "subscribe for good": (*_SENDING, ResponseError, CancelledError, SubscriptionTerminated),
    "refresh": (*_SENDING, ResponseError, SubscriptionTerminated),
    "unsubscribe": (),
    "notify": (Timeout, TransportError),
    "end the notifier": (),
    "publish": (Timeout, TransportError, ResponseError),
    "close": (),
}
#: Seconds each way.
LATENCY = 0.05
#: Seconds after which everything that RFC 3261 bounds by 64*T1 is over.
LONG = 40.0


class Kept:
    """
    A Deferred of the package's, and what became of it.
    """

    def __init__(self, what: str, deferred: Deferred[Any], since: float) -> None:
        self.what = what
        self.deferred = deferred
        self.since = since
        self.outcomes: list[Any] = []
        deferred.addBoth(self.outcomes.append)

    @property
    def isOpen(self) -> bool:
        return not self.outcomes

    def wrong(self) -> str | None:
        """What is wrong with it at the end of the run."""
        if self.isOpen:
            return f"{self.what} of {self.since:.3f} s never fired"
        (outcome,) = self.outcomes
        if isinstance(outcome, Failure) and not outcome.check(*DOCUMENTED[self.what]):
            return f"{self.what} of {self.since:.3f} s failed with {outcome.value!r}"
        return None


class Side:
    """
    One end of the call: the delegate of its user agent.

    @ivar dialog: the last dialog it was told of.
    @ivar answering: how it answers re-INVITEs and UPDATEs: C{answering(side, context)}; None: by default.
    """

    def __init__(self, run: Run, name: str, number: int) -> None:
        self.run = run
        self.name = name
        self.number = number
        self.version = 1
        self.media = Media(run.network.clock, number)
        self.dialogs: list[Any] = []
        self.endings: list[tuple[Any, Any]] = []
        self.changing: list[Kept] = []
        self.delegate = Answers(self)
        self.context: Any = None
        self.onCall: Callable[[Any], Any] | None = None

    def nextSdp(self, direction: str = "sendrecv") -> bytes:
        """Another description of this side's media."""
        self.version += 1
        return sdp(self.number, self.version, 4000 + 2 * self.version, direction)

    @property
    def dialog(self) -> Any:
        return self.dialogs[-1] if self.dialogs else None

    def met(self, dialog: Any) -> None:
        if dialog is not None and dialog not in self.dialogs:
            self.dialogs.append(dialog)
            self.run.keep("whenTerminated", dialog.whenTerminated())

    # What it is told.

    def inviteReceived(self, context: Any) -> Any:
        self.context = context
        assert self.onCall is not None
        return self.onCall(context)

    def dialogEarly(self, dialog: Any) -> None:
        dialog.delegate = self.delegate
        self.met(dialog)

    def dialogConfirmed(self, dialog: Any) -> None:
        self.met(dialog)

    def dialogTerminated(self, dialog: Any, ended: Any) -> None:
        self.met(dialog)
        self.endings.append((dialog, ended))


class Answers:
    """The delegate of a dialog; has no methods unless it is told to answer by itself."""

    inviteReceived: Any
    updateReceived: Any

    def __init__(self, side: Side) -> None:
        self._side = side

    def answerBy(self, answer: Callable[[Side, Any], Any]) -> None:
        side = self._side
        self.inviteReceived = lambda context: answer(side, context)
        self.updateReceived = lambda context: answer(side, context)


class Run:
    """
    One call.

    @cvar kind: what its sides are.
    @ivar sides: each with its user agent.
    @ivar kept: all Deferreds that the package gave.
    @ivar log: what the application did, with the time.
    @ivar chance: what is decided by chance on the way.
    @ivar lasts: nothing will happen that may end the call, once it stands.
    """

    kind: Callable[..., Any] = Side

    def __init__(self, seed: int, a: dict[str, Any] | None = None, b: dict[str, Any] | None = None) -> None:
        self.network = MemoryNetwork(latency=LATENCY, seed=seed)
        self.kept: list[Kept] = []
        self.log: list[str] = []
        self.chance = random.Random(seed)
        self.lasts = False
        self.sides: list[tuple[Any, Any]] = []
        self.a, self.alice = self.join("sip:alice@a.example", a or {})
        self.b, self.bob = self.join("sip:bob@b.example", b or {})
        self.target = "sip:bob@{}:{}".format(*self.network.addressOf(self.bob))

    def join(self, aor: str, settings: dict[str, Any]) -> tuple[Any, Any]:
        """A further side, and its user agent."""
        number = len(self.sides) + 1
        side = self.kind(self, "abc"[number - 1], number)
        agent = self.network.userAgent(aor, side, media=side.media, **settings)
        self.sides.append((side, agent))
        return side, agent

    def now(self) -> float:
        return float(self.network.clock.seconds())

    def keep(self, what: str, deferred: Deferred[Any]) -> Kept:
        kept = Kept(what, deferred, self.now())
        self.kept.append(kept)
        return kept

    def after(self, seconds: float, call: Callable[..., Any], *arguments: Any) -> None:
        self.network.clock.callLater(seconds, call, *arguments)

    def say(self, text: str) -> None:
        self.log.append(f"{self.now():10.3f}  {text}")

    # The end.

    def settle(self) -> list[str]:
        """Nothing happens any more but what was begun; what is wrong then."""
        self.network.advance(2 * LONG)
        for _ in range(10):
            if not any(k.isOpen and k.what != "whenTerminated" for k in self.kept) and not self._isBusy():
                break
            self.network.advance(LONG / 2)
        # A refresh of the session may be under way in this very moment.
        for _ in range(8):
            if not self._isBusy():
                break
            self.network.advance(1.7)
        return self._disagreement()

    def _isBusy(self) -> bool:
        return any(isBusy(side.dialog) for side in (self.a, self.b) if side.dialog is not None)

    def _disagreement(self) -> list[str]:
        a, b = self.a.dialog, self.b.dialog
        lives = [dialog is not None and dialog.ended is None for dialog in (a, b)]
        if self.lasts and not all(lives) and any(k.what == "invite" and k.outcomes == [a] for k in self.kept):
            return [f"nobody ended it: {[dialog and dialog.ended for dialog in (a, b)]}"]
        if not any(lives):
            return []
        if not all(lives):
            return [f"one side lives, the other does not: {a!r} {b!r}"]
        return [*disagreements(a, b), *timing(self.alice, self.bob, a, b)]

    def finish(self) -> list[str]:
        """All hang up; what is left, or went wrong on the way."""
        for side, _ in self.sides:
            for dialog in side.dialogs:
                self.keep("destroy", dialog.destroy())
        self.network.advance(2 * LONG)
        wrong = [text for text in [kept.wrong() for kept in self.kept] if text is not None]
        for side, agent in self.sides:
            wrong += [f"{side.name}: left: {text}" for text in agent.leftovers()]
            wrong += [f"{side.name}: {text}" for text in side.media.wrong()]
            wrong += [f"{side.name}: {text}" for text in endings(side)]
        try:
            self.network.assertQuiet()
        except AssertionError as error:
            wrong.append(str(error).partition("\nladder:")[0])
        return wrong

    def story(self) -> str:
        """What happened."""
        lines = [*self.log, *self.network.ladder().splitlines()]
        return "\n".join(sorted(lines, key=lambda line: float(line.split()[0])))


def isBusy(dialog: Any) -> bool:
    """A request that concerns the session is under way."""
    if dialog.ended is not None:
        return False
    changes = dialog.changes
    asked = changes is not None and (changes._now or changes._queue or changes._aside)
    return bool(asked or dialog.invitation or dialog.updating or dialog.unacknowledged)


def disagreements(a: Any, b: Any) -> list[str]:
    """Where the two ends of a call see it differently (RFC 3261 section 12, RFC 3264 section 4)."""
    wrong = []
    if a.id != b.id:
        wrong.append(f"dialog IDs: {a.id} {b.id}")
    if (a.state, b.state) != (Phase.STABLE, Phase.STABLE):
        wrong.append(f"states: {a.state} {b.state}")
    if a.local.sdp != b.remote.sdp or a.remote.sdp != b.local.sdp:
        pairs = ((a.local.sdp, b.remote.sdp), (a.remote.sdp, b.local.sdp))
        wrong.append(f"descriptions: {[pair for pair in pairs if pair[0] != pair[1]]}")
    if a.onHold != b.onHold:
        wrong.append(f"onHold: {a.onHold} {b.onHold}")
    exchanges = a.dialogState.exchange, b.dialogState.exchange
    if exchanges != (Exchange.STABLE, Exchange.STABLE):
        wrong.append(f"offer and answer: {exchanges}")
    if isBusy(a) or isBusy(b):
        wrong.append("something is still under way")
    return wrong


def timing(alice: Any, bob: Any, a: Any, b: Any) -> list[str]:
    """What the two think of the life of the session (RFC 4028 sections 7.2 and 9)."""
    modes = [agent.configuration.sessionTimers for agent in (alice, bob)]
    timers = a.sessionTimer, b.sessionTimer
    for mode, timer in zip(modes, timers, strict=True):
        if mode == "off" and timer is not None:
            return [f"session timers are off: {timers}"]
    if "off" in modes:
        # The other one refreshes alone, or there is none.
        alone = [t for mode, t in zip(modes, timers, strict=True) if mode != "off" and t is not None]
        return [f"{t} with a peer that knows no session timers" for t in alone if t.refresher != "local"]
    if timers[0] is None or timers[1] is None:
        return [f"session timers: {timers}"]
    if timers[0].seconds != timers[1].seconds or timers[0].refresher == timers[1].refresher:
        return [f"session timers: {timers}"]
    return []


def endings(side: Side) -> list[str]:
    """Each dialog ended, once, with a reason."""
    wrong = []
    for dialog in side.dialogs:
        told = [ended for ended_, ended in side.endings if ended_ is dialog]
        if len(told) != 1 or told[0] is not dialog.ended:
            wrong.append(f"{dialog!r} ended {len(told)} times: {told}")
        elif not isinstance(told[0].reason, Reason):
            wrong.append(f"{dialog!r} ended without a reason: {told}")
    return wrong


def answered(run: Run, what: str, verb: Callable[..., Deferred[Any]], *arguments: Any, **named: Any) -> Kept | None:
    """Answer, and keep the Deferred; a verb may say that it is too late."""
    try:
        return run.keep(what, verb(*arguments, **named))
    except InvalidState as error:
        run.say(f"{what}: {error}")
        return None


__all__ = ["LATENCY", "LONG", "Answers", "Kept", "Run", "Side", "SipError", "answered"]
