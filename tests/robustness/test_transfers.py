"""
Everything that may cross a transfer (RFC 3515, RFC 5589): afterwards all three agree, and nothing is left.
"""

from __future__ import annotations

import os
import random

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.transfer_programs import program, settings
from tests.robustness.transfer_rules import broken
from tests.robustness.transfers import Transfer

#: How many transfers by chance; SIPUA_TRANSFERS=100000 for a night, SIPUA_TRANSFERS_FROM=seed to begin there.
RUNS = int(os.environ.get("SIPUA_TRANSFERS", "1000"))
FIRST = int(os.environ.get("SIPUA_TRANSFERS_FROM", "0"))


def replay(seed: int) -> tuple[Transfer, list[str]]:
    """The run of that seed."""
    rng = random.Random(f"transfer {seed}")
    run = Transfer(seed, settings(rng), settings(rng), settings(rng))
    run.chance = rng
    program(run, rng)
    return run, ended(run)


def ended(run: Transfer) -> list[str]:
    """Let it come to its end; what is wrong then."""
    wrong = run.settle()
    wrong += broken(run) if not wrong else []
    run.network.loss = 0.0
    return wrong + run.finish()


class TransferTests(SynchronousTestCase):
    def test_byChance(self) -> None:
        for seed in range(FIRST, FIRST + RUNS):
            run, wrong = replay(seed)
            wrong += [f"logged: {f.getTraceback()}" for f in self.flushLoggedErrors()]
            if wrong:
                lines = "\n".join(wrong)
                self.fail(f"seed {seed}:\n{lines}\n{run.story()}")
