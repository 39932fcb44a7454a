"""
What the sweep of publications found, where two things had to come together.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.publication_programs import act
from tests.robustness.publications import ENTITY, Published
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

    def test_stoppedWhileTheStoreWorks(self) -> None:
        """
        The state agent stops while its store takes a publication: the PUBLISH gets 503, and nothing is kept of it (RFC
        3903 section 6, step 5: it is a transaction) by the time that the store is closed.
        """
        run = Published(0)
        run.store.patience = lambda: 0.5
        act(run.a, "publish")
        run.network.advance(0.2)
        act(run.b, "the state agent restarts")
        run.network.advance(2.0)
        self.assertIn("< 503 PUBLISH", run.network.seenBy(run.alice))
        self.assertEqual(run.store.all(), [])
        self.assertEqual(ended(run), [], run.story())

    def test_changedWhenItHasStopped(self) -> None:
        """A change after its end, while those who watch are sent away, is told to nobody, and nothing failed."""
        run = Published(0)
        act(run.b, "watch")
        run.network.advance(1.0)
        stopping = run.agent.stop()
        run.agent.set(ENTITY, run.event, b"news")
        run.network.advance(1.0)
        self.successResultOf(stopping)
        self.assertEqual(self.flushLoggedErrors(), [])
        run.restart(True)
        self.assertEqual(ended(run), [], run.story())
