"""
At each message of a publication, just before it and just after, each thing that those who publish and watch may do, or
the state agent (RFC 3903 sections 4 and 6); and each message lost once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.publication_programs import act
from tests.robustness.publications import Published
from tests.robustness.test_crossing_pairs import Losing
from tests.robustness.test_subscription_pairs import Watching

#: Seconds before and after a message: less than what any message takes.
_BESIDE: Final = 0.001
#: When the first of the two is done, and until when something may still be on its way.
_AT, _QUIET = 2.0, 45.0
#: The messages that come of it, and are not much later.
_MOST: Final = 8
_STATE_AGENT: Final = ("the state agent forgets", "the state agent restarts")
#: What the first of the two is.
FIRSTS: Final = ("publish", "publish for less", "modify", "refresh", "unpublish", "close")
#: Who does what.
ACTIONS: Final = (
    *product("a", ("publish", "modify", "refresh", "unpublish", "close", "watch", "stop", *_STATE_AGENT)),
    *product("b", ("publish", "watch", "leave", "stop")),
)

#: Those of them beside which each message is lost once.
BESIDES: Final = (*product("a", ("publish", "modify", "unpublish", "stop")), ("b", "publish"))


def published(first: str) -> Published:
    """C{a} does that now; C{b} watches."""
    run = Published(0)
    act(run.b, "watch")
    if not first.startswith("publish"):
        act(run.a, "publish")
    run.network.advance(_AT - run.now())
    run.after(0.0, act, run.a, first)
    return run


def moments(first: str) -> list[float]:
    """Seconds from the first to each message."""
    run = published(first)
    watching = Watching(run)
    run.network.advance(2.0)
    run.finish()
    return sorted({0.0, *(moment - _AT for moment in watching.moments if moment < _AT + 2.0)})


def ended(run: Published) -> list[str]:
    """Let it come to its end; what is wrong then."""
    return run.settle(_QUIET) or run.finish()


class PublicationPairTests(SynchronousTestCase):
    def check(self, run: Published, case: object) -> None:
        wrong = ended(run)
        wrong += [f"logged: {f.getTraceback()}" for f in self.flushLoggedErrors()]
        if wrong:
            lines = "\n".join(wrong)
            self.fail(f"{case}\n{lines}\n{run.story()}")

    def test_crossed(self) -> None:
        """Each action, beside each message."""
        for first in FIRSTS:
            for moment, beside in product(moments(first), (-_BESIDE, _BESIDE)):
                for name, what in ACTIONS if moment + beside > 0 else ():
                    run = published(first)
                    run.after(moment + beside, act, getattr(run, name), what)
                    self.check(run, (first, name, what, f"{moment:.3f}", beside))

    def test_lost(self) -> None:
        """Each message is lost once, of two things that are done at once."""
        for first, second in product(FIRSTS, BESIDES):
            for case, run in self.losses(first, second):
                self.check(run, case)

    def losses(self, first: str, second: tuple[str, str]) -> Iterator[tuple[object, Published]]:
        """A run for each message, which it loses."""

        def make() -> Published:
            run = published(first)
            name, what = second
            run.after(0.0, act, getattr(run, name), what)
            return run

        run = make()
        counting = Losing(run, _AT, None)
        yield (first, second, None), run
        for lost in range(min(counting.count, _MOST)):
            run = make()
            Losing(run, _AT, lost)
            yield (first, second, lost), run
