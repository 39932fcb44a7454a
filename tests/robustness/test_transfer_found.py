"""
What the sweep of transfers found, where two things had to come together.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.crossings import LATENCY
from tests.robustness.test_transfer_pairs import transfer
from tests.robustness.test_transfers import ended
from tests.robustness.transfer_programs import act
from tests.robustness.transfers import Transfer


class FoundTests(SynchronousTestCase):
    def check(self, run: Transfer) -> None:
        wrong = ended(run)
        self.assertEqual(wrong, [], run.story())

    def test_byeIsNotOvertaken(self) -> None:
        """
        The referee hangs up, and that BYE is lost once: a NOTIFY with a higher CSeq may not come before it, as the BYE
        would be refused with 500 (RFC 3261 section 12.2.2), and the referrer's call go on.
        """
        run = transfer("refer", 0.0)
        run.c.takes = ("plain", 0.0), "reject", 4 * LATENCY
        run.network.drop(lambda m: m.method == "BYE" and m.sender == "b.example")
        run.after(4 * LATENCY, act, run.b, "destroy", "old")
        run.network.advance(2.0)
        self.assertIsNotNone(run.a.inCall("old").ended)
        self.check(run)

    def test_stoppedWhileItNotifies(self) -> None:
        """The referee stops, and the referrer does not answer its NOTIFY in the time that it waits."""
        for delay in (0.0, LATENCY, 4 * LATENCY):
            run = transfer("refer", 3 * LATENCY)
            run.network.advance(delay)
            run.network.partition(run.alice, run.bob)
            act(run.b, "stop", "old")
            run.network.advance(40.0)
            run.network.heal()
            self.check(run)
