"""
Everything that two ends of a call can say at once (RFC 5407): afterwards they agree, and nothing is left.
"""

from __future__ import annotations

import os
import random

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.crossing_programs import program, settings
from tests.robustness.crossings import Run

#: How many calls by chance; SIPUA_CROSSINGS=200000 for a night, SIPUA_CROSSINGS_FROM=seed to begin there.
RUNS = int(os.environ.get("SIPUA_CROSSINGS", "10000"))
FIRST = int(os.environ.get("SIPUA_CROSSINGS_FROM", "0"))


def replay(seed: int, varied: bool) -> tuple[Run, list[str]]:
    """The run of that seed."""
    rng = random.Random(f"{'varied' if varied else 'alike'} {seed}")
    run = Run(seed, settings(rng), settings(rng)) if varied else Run(seed)
    run.chance = rng
    program(run, rng)
    wrong = run.settle()
    run.network.loss = 0.0
    return run, wrong + run.finish()


class CrossingTests(SynchronousTestCase):
    def sweep(self, seeds: range, varied: bool) -> None:
        for seed in seeds:
            run, wrong = replay(seed, varied)
            wrong += [f"logged: {f.getTraceback()}" for f in self.flushLoggedErrors()]
            if wrong:
                lines = "\n".join(wrong)
                self.fail(f"seed {seed}, {'varied' if varied else 'alike'}:\n{lines}\n{run.story()}")

    def test_alike(self) -> None:
        self.sweep(range(FIRST, FIRST + RUNS // 2), False)

    def test_varied(self) -> None:
        self.sweep(range(FIRST, FIRST + RUNS // 2), True)
