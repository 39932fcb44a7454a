"""
What the sweep of publications found, where two things had to come together.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.crossings import LATENCY
from tests.robustness.publication_programs import act
from tests.robustness.publications import ENTITY, Published
from tests.robustness.test_publication_pairs import ended, published
from twisted_sipdialog.errors import StoreError


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

    def test_refreshedWhileABodyIsOwed(self) -> None:
        """
        A change is refused with 500, to be tried again, and the application refreshes before that: what it refreshes is
        the change, and not the state before (RFC 3903 section 4.1).
        """
        run = published("publish")
        run.network.advance(1.0)
        run.store.fails = lambda: True
        act(run.a, "modify")
        run.network.advance(1.0)
        run.store.fails = lambda: False
        act(run.a, "refresh")
        run.network.advance(1.0)
        self.assertEqual([each.body for each in run.store.all()], [b"a2"])
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(ended(run), [], run.story())

    def test_storeFailedWhileAChangeIsTold(self) -> None:
        """
        The store cannot say what has changed just now: those who watch are told a little later (RFC 6665 section
        4.2.2: of each change), not with the next change only.
        """
        run = published("publish")
        run.store.patience = lambda: LATENCY
        run.after(1.5 * LATENCY, setattr, run.store, "fails", lambda: True)
        run.network.advance(4.0)
        self.assertEqual(len(self.flushLoggedErrors(StoreError)), 1)
        run.store.fails = lambda: False
        run.network.advance(5.0)
        (subscription,) = run.b.watching
        self.assertEqual(subscription.notification.body, b"a1", run.network.ladder())
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
