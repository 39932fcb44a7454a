"""
At each message of a subscription, just before it and just after, each thing that one of the two may do (RFC 6665
sections 4.1 and 4.2); and each message lost once.  No refresh comes to help: both sides agree without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.crossings import LATENCY, LONG
from tests.robustness.subscription_programs import PACKAGE, act, taking
from tests.robustness.subscriptions import Subscribed
from tests.robustness.test_crossing_pairs import Losing

#: Seconds before and after a message: less than what any message takes.
_BESIDE: Final = 0.001
#: When the first of the two is done.
_AT: Final = 2.0
_SUBSCRIBER: Final = ("refresh", "refresh, longer", "unsubscribe", "cancel", "subscribe for long", "fetch")
_NOTIFIER: Final = ("notify", "notify thrice", "notify, pending", "end", "deactivate", "put off")
_EITHER: Final = ("info", "hang up", "stop", "restart")
#: Who does what.
ACTIONS: Final = (*product("a", (*_SUBSCRIBER, *_EITHER)), *product("b", (*_NOTIFIER, *_EITHER)))
#: Of these, what is about a call.
_CALL: Final = ("info", "hang up")
#: Those of them beside which each message is lost once.
BESIDES: Final = (*product("a", ("refresh", "stop", *_CALL)), *product("b", ("notify", "info", "stop")))
#: What the first of the two is.
BEGINNINGS: Final = (("a", "subscribe for long"), ("a", "fetch"))
CHANGES: Final = (
    *product("a", ("refresh", "unsubscribe")),
    *product("b", ("notify", "notify thrice", "notify, pending", "end", "deactivate", "put off")),
)


class Watching:
    """Notes when messages are sent, and when they arrive, from now on."""

    def __init__(self, run: Subscribed) -> None:
        self._run = run
        self.moments: set[float] = set()
        run.network.drop(self._isLost)

    def _isLost(self, _: Any) -> bool:
        now = self._run.now()
        self.moments |= {round(now, 6), round(now + LATENCY, 6)}
        return False


def subscribed(first: tuple[str, str], isWithin: bool, how: str = "accept") -> Subscribed:
    """
    C{first} is done now.

    @param isWithin: the subscription is in the dialog of a call.
    @param how: how C{b} takes a SUBSCRIBE, as of subscription_programs.
    """
    settings = {"events": (PACKAGE,), "minSubscriptionExpires": 0}
    run = Subscribed(0, settings, settings)
    for party in run.parties:
        party.takes = taking(how)
    if isWithin:
        run.call()
        run.lasts = True
    begin = "subscribe within for long" if isWithin else "subscribe for long"
    if first in CHANGES:
        run.after(0.0, act, run.a, begin)
    run.network.advance(_AT - run.now())
    name, what = first
    run.after(0.0, act, getattr(run, name), begin if what == "subscribe for long" else what)
    return run


def moments(first: tuple[str, str], isWithin: bool, how: str) -> list[float]:
    """Seconds from the first to each message."""
    run = subscribed(first, isWithin, how)
    watching = Watching(run)
    run.network.advance(2.0)
    run.network.assertQuiet()
    return sorted({0.0, *(moment - _AT for moment in watching.moments if moment < _AT + 2.0)})


def ended(run: Subscribed) -> list[str]:
    """Let all come to its end but the subscriptions, which last; what is wrong then."""
    run.network.advance(2 * LONG)
    return run.look() or run.finish()


class SubscriptionPairTests(SynchronousTestCase):
    def check(self, run: Subscribed, case: object) -> None:
        wrong = ended(run)
        wrong += [f"logged: {f.getTraceback()}" for f in self.flushLoggedErrors()]
        if wrong:
            lines = "\n".join(wrong)
            self.fail(f"{case}\n{lines}\n{run.story()}")

    def crossed(self, firsts: tuple[tuple[str, str], ...], isWithin: bool, how: str = "accept") -> None:
        """Each action, beside each message."""
        for first in firsts:
            for moment, beside in product(moments(first, isWithin, how), (-_BESIDE, _BESIDE)):
                for name, what in ACTIONS if moment + beside > 0 else ():
                    if what in _CALL and not isWithin:
                        continue
                    run = subscribed(first, isWithin, how)
                    run.after(moment + beside, act, getattr(run, name), what)
                    self.check(run, (first, isWithin, how, name, what, f"{moment:.3f}", beside))

    def test_begun(self) -> None:
        """Outside of any dialog."""
        self.crossed(BEGINNINGS, False)

    def test_begunWithin(self) -> None:
        """In the dialog of a call (RFC 5057)."""
        self.crossed(BEGINNINGS[:1], True)

    def test_begunAndToldLater(self) -> None:
        """The first NOTIFY waits for what is told in the same turn."""
        self.crossed(BEGINNINGS[:1], False, "then tell")

    def test_changed(self) -> None:
        """Refreshed, told of, given up by either side."""
        self.crossed(CHANGES, False)

    def test_changedWithin(self) -> None:
        self.crossed(CHANGES, True)

    def test_changedSlowly(self) -> None:
        """NOTIFYs keep apart (section 4.2.2: of those that wait the newest is sent)."""
        self.crossed(CHANGES, False, "slow")

    def test_lost(self) -> None:
        """Each message is lost once, of two things that are done at once."""
        for first, isWithin, second in product((*BEGINNINGS, *CHANGES), (False, True), BESIDES):
            for case, run in self.losses(first, isWithin, second) if isWithin or second[1] not in _CALL else ():
                self.check(run, case)

    def losses(
        self, first: tuple[str, str], isWithin: bool, second: tuple[str, str]
    ) -> Iterator[tuple[object, Subscribed]]:
        """A run for each message, which it loses."""

        def make() -> Subscribed:
            run = subscribed(first, isWithin)
            run.isRough = True
            name, what = second
            run.after(0.0, act, getattr(run, name), what)
            return run

        run = make()
        counting = Losing(run, _AT, None)
        yield (first, isWithin, second, None), run
        for lost in range(counting.count):
            run = make()
            Losing(run, _AT, lost)
            yield (first, isWithin, second, lost), run
