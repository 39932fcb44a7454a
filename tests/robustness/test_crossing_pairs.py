"""
Each two of BYE, CANCEL, re-INVITE and UPDATE against each other, and against the answer to a call (RFC 5407 section 3):
from either side, at once or half a latency or a whole one apart, and with each message of it lost once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.crossing_programs import act, answerBy, placeCall, takeCall
from tests.robustness.crossings import LATENCY, Run, Side

VERBS = {
    "BYE": "destroy",
    "CANCEL": "cancel the change",
    "re-INVITE": "modify",
    "UPDATE": "modify by UPDATE",
}
EARLY = ("destroy", "cancel the call", "update", "update with an offer")
APART = (0.0, LATENCY / 2, LATENCY)
#: When the first of the two is sent.
AT = 2.0


class Losing:
    """Loses message number C{lost} of those sent from C{since} on; None: counts them."""

    def __init__(self, run: Run, since: float, lost: int | None) -> None:
        self._run = run
        self._since = since
        self._lost = lost
        self.count = 0
        run.network.drop(self._isLost)

    def _isLost(self, _: Any) -> bool:
        if self._run.now() < self._since:
            return False
        self.count += 1
        return self.count - 1 == self._lost


def answering(delay: float) -> Callable[[Side, Any], Any]:
    """re-INVITEs are answered after a provisional and C{delay} seconds; UPDATEs, and all if 0, at once."""

    def answer(side: Side, context: Any) -> Any:
        isLater = delay and context.method == "INVITE"
        return answerBy(side, context, "progress" if isLater else "accept", delay)

    return answer


def pair(first: tuple[str, str], second: tuple[str, str], apart: float, delay: float) -> Run:
    """A call that stands, and two things said in it; what is to be cancelled was begun in time to cross its answer."""
    run = Run(0)
    run.lasts = "BYE" not in (first[1], second[1])
    sides = {"a": run.a, "b": run.b}
    run.b.onCall = lambda context: takeCall(run.b, context, (None, 0.0), "accept", 0.0)
    for side in sides.values():
        side.delegate.answerBy(answering(delay))
    placeCall(run)
    for (name, what), at in ((first, AT), (second, AT + apart)):
        if what == "CANCEL":
            run.after(at - delay - LATENCY, act, sides[name], "modify")
        run.after(at, act, sides[name], VERBS[what])
    return run


def early(name: str, what: str, apart: float, reliable: bool) -> Run:
    """A call that rings, and something said in it about when it is answered."""
    run = Run(0)
    run.lasts = what.startswith("update")
    ring = ("described" if reliable else "plain", 0.0)
    run.b.onCall = lambda context: takeCall(run.b, context, ring, "accept", AT - LATENCY)
    placeCall(run)
    run.after(AT + apart, act, {"a": run.a, "b": run.b}[name], what)
    return run


class PairTests(SynchronousTestCase):
    def check(self, make: Callable[[], Run], since: float, case: object) -> None:
        """Without loss, then with each of its messages lost once."""
        lost: int | None = None
        count = 1
        while lost is None or lost < count:
            run = make()
            losing = Losing(run, since, lost)
            wrong = run.settle()
            if lost is None:
                count = losing.count
            wrong += run.finish()
            wrong += [f"logged: {f.getTraceback()}" for f in self.flushLoggedErrors()]
            if wrong:
                lines = "\n".join(wrong)
                self.fail(f"{case}, lost: {lost}\n{lines}\n{run.story()}")
            lost = 0 if lost is None else lost + 1

    def pairs(self, delay: float) -> Iterator[tuple[Callable[[], Run], object]]:
        said = list(product("ab", VERBS))
        for first, second, apart in product(said, said, APART):
            if first != second:
                yield partial(pair, first, second, apart, delay), (first, second, apart)

    def test_answeredAtOnce(self) -> None:
        """Of two that cross in a call, all is answered at once."""
        for make, case in self.pairs(0.0):
            self.check(make, AT - LATENCY, case)

    def test_answeredLater(self) -> None:
        """re-INVITEs ring for two latencies, so that a CANCEL crosses the answer."""
        for make, case in self.pairs(2 * LATENCY):
            self.check(make, AT - 3 * LATENCY, case)

    def test_early(self) -> None:
        """What crosses the answer to a call, with the dialog early on one side or on both."""
        aparts = sorted({*APART, *(-apart for apart in APART)})
        for name, what, apart, reliable in product("ab", EARLY, aparts, (False, True)):
            if reliable or what != "update with an offer":
                self.check(partial(early, name, what, apart, reliable), 0.0, (name, what, apart, reliable))
