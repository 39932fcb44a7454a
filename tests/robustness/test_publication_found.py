"""
What the sweep of publications found, where two things had to come together.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.publication_programs import act
from tests.robustness.test_publication_pairs import ended, published


class FoundTests(SynchronousTestCase):
    def test_stoppedWhileItWaits(self) -> None:
        """
        A publication that is not to be withdrawn waits until another one to that URI is through (RFC 3903 section 4),
        and the service stops without an answer to that: its Deferred fails, whatever it waited with.
        """
        for what in ("modify", "unpublish", "refresh"):
            run = published("publish")
            run.network.advance(1.0)
            act(run.a, "publish, and let it expire")
            run.network.advance(1.0)
            run.network.partition(run.alice, run.service)
            run.a.publishing[0].publish()
            act(run.a, what)
            act(run.a, "stop")
            run.network.advance(6.0)
            self.assertEqual([kept.what for kept in run.kept if kept.isOpen and kept.what == "publish"], [])
            wrong = ended(run)
            self.assertEqual(wrong, [], run.story())
