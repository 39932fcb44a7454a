"""
Everything that may cross publications (RFC 3903): afterwards the compositor has what the publishers believe it has, and
those who watch see that.
"""

from __future__ import annotations

import os
import random

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.publication_programs import begin, program
from tests.robustness.publications import FULL, Published

#: How many runs by chance; SIPUA_PUBLICATIONS=100000 for a night, SIPUA_PUBLICATIONS_FROM=seed to begin there.
RUNS = int(os.environ.get("SIPUA_PUBLICATIONS", "300"))
FIRST = int(os.environ.get("SIPUA_PUBLICATIONS_FROM", "0"))


def replay(seed: int) -> tuple[Published, list[str]]:
    """The run of that seed."""
    rng = random.Random(f"publication {seed}")
    run = begin(seed, rng)
    run.chance = rng
    program(run, rng)
    return run, ended(run)


def ended(run: Published) -> list[str]:
    """Let it come to its end; what is wrong then."""
    return run.settle() or run.finish()


class PublicationTests(SynchronousTestCase):
    def test_byChance(self) -> None:
        for seed in range(FIRST, FIRST + RUNS):
            run, wrong = replay(seed)
            # That the store was full is to be logged.
            logged = [failure for failure in self.flushLoggedErrors() if str(failure.value) != FULL]
            wrong += [f"logged: {failure.getTraceback()}" for failure in logged]
            if wrong:
                lines = "\n".join(wrong)
                self.fail(f"seed {seed}:\n{lines}\n{run.story()}")
