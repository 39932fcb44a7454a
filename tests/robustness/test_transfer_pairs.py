"""
At each message of a transfer, just before it and just after, each thing that one of the three may do (RFC 5589 section
6 and 7); and each message lost once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any, Final

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.crossings import LATENCY
from tests.robustness.test_crossing_pairs import Losing
from tests.robustness.test_transfers import ended
from tests.robustness.transfer_programs import act, setUp
from tests.robustness.transfers import Party, Transfer

#: Seconds before and after a message: less than what any message takes.
_BESIDE: Final = 0.001
#: Who does what, in which call.
_REFERRER: Final = (
    *("refer", "refer, attended", "refer, nosub", "cancel the refer", "cancel what refer() gave", "destroy", "hold"),
    *("modify", "info", "resubscribe", "unsubscribe", "stop"),
)
_REFEREE: Final = ("cancel the following", "destroy", "hold", "info", "refer", "refer, explicitsub", "stop")
_TARGET: Final = ("destroy", "modify", "refer", "refer, attended", "stop", "refuse")
ACTIONS: Final = (
    *product("a", _REFERRER, ("old",)),
    *product("b", _REFEREE, ("old",)),
    *product("b", ("destroy", "hold", "refer"), ("new",)),
    *product("c", _TARGET, ("new",)),
    *product("c", ("destroy", "refer"), ("consult",)),
)


class Watching:
    """Notes when messages are sent, and when they arrive, from now on."""

    def __init__(self, run: Transfer) -> None:
        self._run = run
        self.moments: set[float] = set()
        run.network.drop(self._isLost)

    def _isLost(self, _: Any) -> bool:
        now = self._run.now()
        self.moments |= {round(now, 6), round(now + LATENCY, 6)}
        return False


def transfer(kind: str, delay: float) -> Transfer:
    """C{a} sends a REFER of that kind now; C{c} rings, and answers C{delay} seconds later."""
    run = Transfer(0, {}, {"allowOutOfDialogRefers": True, "referExpires": 90}, {})
    setUp(run, "attended" in kind)
    run.c.takes = ("plain", 0.0), "accept", delay
    run.after(0.0, act, run.a, kind, "old")
    return run


def moments(kind: str, delay: float) -> list[float]:
    """Seconds from the REFER to each message, and to that when the referrer's BYE is known to hurt (280 ms)."""
    run = transfer(kind, delay)
    begin = run.now()
    watching = Watching(run)
    run.network.advance(2.0)
    run.network.assertQuiet()
    found = {moment - begin for moment in watching.moments if moment < begin + 2.0}
    return sorted({*found, 2 * LATENCY + 0.28})


class TransferPairTests(SynchronousTestCase):
    def check(self, run: Transfer, case: object) -> None:
        wrong = ended(run)
        wrong += [f"logged: {f.getTraceback()}" for f in self.flushLoggedErrors()]
        if wrong:
            lines = "\n".join(wrong)
            self.fail(f"{case}\n{lines}\n{run.story()}")

    def crossed(self, kind: str, delay: float) -> None:
        """Each action, beside each message."""
        for moment, beside, action in product(moments(kind, delay), (-_BESIDE, _BESIDE), ACTIONS):
            if moment + beside > 0:
                run = transfer(kind, delay)
                name, what, which = action
                party: Party = getattr(run, name)
                run.after(moment + beside, act, party, what, which)
                self.check(run, (kind, action, f"{moment:.3f}", beside))

    def test_blind(self) -> None:
        """The target rings for a while."""
        self.crossed("refer", 0.4)

    def test_blindAnsweredAtOnce(self) -> None:
        """The NOTIFYs about the new call wait for each other."""
        self.crossed("refer", 0.0)

    def test_attended(self) -> None:
        """The new call takes the place of one of the referrer's."""
        self.crossed("refer, attended", 2 * LATENCY)

    def test_explicit(self) -> None:
        """RFC 7614: the referrer subscribes at a URI."""
        self.crossed("refer, explicitsub", 2 * LATENCY)

    def test_lost(self) -> None:
        """Each message is lost once."""
        for kind in ("refer", "refer, attended", "refer, explicitsub", "refer, outside", "refer, outside, explicitsub"):
            for case, run in self.losses(kind):
                self.check(run, case)

    def losses(self, kind: str) -> Iterator[tuple[object, Transfer]]:
        """A run for each message of that transfer, which it loses."""
        make = partial(transfer, kind, 2 * LATENCY)
        run = make()
        counting = Losing(run, 0.0, None)
        yield (kind, None), run
        for lost in range(counting.count):
            run = make()
            Losing(run, 0.0, lost)
            yield (kind, lost), run
