"""
Everything that may cross a subscription (RFC 6665): afterwards both sides agree, and nothing is left.
"""

from __future__ import annotations

import os
import random

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.subscription_programs import program, settings
from tests.robustness.subscriptions import Subscribed

#: How many runs by chance; SIPUA_SUBSCRIPTIONS=100000 for a night, SIPUA_SUBSCRIPTIONS_FROM=seed to begin there.
RUNS = int(os.environ.get("SIPUA_SUBSCRIPTIONS", "700"))
FIRST = int(os.environ.get("SIPUA_SUBSCRIPTIONS_FROM", "0"))


def replay(seed: int) -> tuple[Subscribed, list[str]]:
    """The run of that seed."""
    rng = random.Random(f"subscription {seed}")
    run = Subscribed(seed, settings(rng), settings(rng))
    run.chance = rng
    program(run, rng)
    return run, ended(run)


def ended(run: Subscribed) -> list[str]:
    """Let it come to its end; what is wrong then."""
    return run.settle() or run.finish()


class SubscriptionTests(SynchronousTestCase):
    def test_byChance(self) -> None:
        for seed in range(FIRST, FIRST + RUNS):
            run, wrong = replay(seed)
            wrong += [f"logged: {f.getTraceback()}" for f in self.flushLoggedErrors()]
            if wrong:
                lines = "\n".join(wrong)
                self.fail(f"seed {seed}:\n{lines}\n{run.story()}")
