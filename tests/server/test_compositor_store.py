"""
The event state compositor and its store: atomic, in order, and there after a restart (RFC 3903 section 6).
"""

from tempfile import TemporaryDirectory

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.server.publishing import ALICE, BOB, CompositorCase, SlowStore
from tests.storage.publications import ALICE as PUBLISHER
from tests.storage.publications import publication
from twisted_sipdialog.errors import StoreError
from twisted_sipdialog.server.limits import CompositorLimits
from twisted_sipdialog.server.published import Published
from twisted_sipdialog.storage.memory import MemoryStore
from twisted_sipdialog.storage.sqlite import SqliteStore


class LimitTests(CompositorCase):
    """RFC 3261 section 21.5.4: publishers cannot grow a table without bound."""

    def refused(self, **how):
        answer = self.publish(**how)
        self.assertEqual((answer.statusCode, answer.headers.get("retry-after")), (503, "7"))

    def test_publications(self):
        """So many of one entity; those that are there are refreshed, modified and removed as ever."""
        self.compose(limits=CompositorLimits(publications=2, retryAfter=7))
        one, _two = self.published(b"one"), self.published(b"two")
        for _ in range(3):
            self.refused(body=b"three")
        one = self.published(b"one", self.published(b"", one))
        self.published(b"three", uri=BOB)
        self.refused(body=b"three")
        self.assertEqual(self.publish(b"three", expires="0").statusCode, 200)
        self.published(b"", one, "0")
        self.published(b"three")
        self.refused(body=b"four")

    def test_expired(self):
        """What has expired counts no more."""
        self.compose(limits=CompositorLimits(publications=1, entities=1, retryAfter=7))
        self.published(b"one", expires="60")
        self.refused(body=b"two")
        self.refused(body=b"two", uri=BOB)
        self.network.advance(61)
        self.published(b"two", uri=BOB)

    def test_entities(self):
        """So many entities; nothing is kept of one that is refused."""
        self.compose(limits=CompositorLimits(entities=2, retryAfter=7))
        one = self.published(b"hello")
        self.published(b"hello", uri=BOB)
        for n in range(3):
            self.refused(body=b"hello", uri=f"sip:u{n}@b.example")
        self.published(b"again")
        self.published(b"", one, "0")
        self.refused(body=b"hello", uri="sip:u1@b.example")

    def test_entitiesAtOnce(self):
        """Those that a slow store keeps waiting count, too."""
        store = SlowStore()
        self.compose(limits=CompositorLimits(entities=2, retryAfter=7), store=store)
        store.isSlow = False
        self.published(b"hello")
        store.isSlow = True
        second = self.send(b"hello", uri=BOB)
        self.network.advance(0.1)
        self.refused(body=b"hello", uri="sip:u1@b.example")
        store.go("put")
        self.assertEqual(self.finalTo(second).statusCode, 200)

    def test_bytes(self):
        """413 to a body that is too long."""
        self.compose(limits=CompositorLimits(bytes=10))
        self.published(b"x" * 10)
        self.assertEqual(self.publish(b"x" * 11).statusCode, 413)
        self.assertEqual(self.body(), b"x" * 10)

    def test_waiting(self):
        """So many wait for the one before; others are served all the same."""
        store = SlowStore()
        self.compose(limits=CompositorLimits(waiting=2, retryAfter=7), store=store)
        store.isSlow = False
        self.published(b"hello", uri=BOB)
        store.isSlow = True
        waiting = [self.send(b"one"), self.send(b"two"), self.send(b"three")]
        self.network.advance(0.1)
        self.refused(body=b"four")
        store.isSlow = False
        self.published(b"hello", uri=BOB)
        store.go("put")
        for each in waiting:
            self.assertEqual(self.finalTo(each).statusCode, 200)
        self.assertEqual(self.body(), b"three")

    def test_nobodyWaits(self):
        """Where none may wait one is served all the same."""
        store = SlowStore()
        self.compose(limits=CompositorLimits(waiting=0, retryAfter=7), store=store)
        store.isSlow = False
        self.published(b"one")
        store.isSlow = True
        first = self.send(b"two")
        self.network.advance(0.1)
        self.refused(body=b"three")
        store.go("put")
        self.assertEqual(self.finalTo(first).statusCode, 200)
        self.assertEqual(self.service.compositor._turns, {})


class SlowTests(CompositorCase):
    """A store that takes its time."""

    def setUp(self):
        super().setUp()
        self.store = SlowStore()
        self.store.isSlow = False
        self.compose(store=self.store)
        self.tag = self.published(b"hello", expires="600")
        self.store.isSlow = True
        self.changes.clear()

    def test_order(self):
        """A second PUBLISH with the same tag waits for the first, which replaces it: one holds, the other gets 412."""
        first, second = self.send(b"one", self.tag), self.send(b"two", self.tag)
        self.network.advance(0.1)
        self.assertEqual([name for name, *_ in self.store.asked], ["publications"])
        self.store.go("publications")
        self.assertFalse(self.answered(first))
        self.store.go("put")
        self.assertEqual(self.finalTo(first).statusCode, 200)
        third = self.send(b"three", self.tag)
        self.assertFalse(self.answered(second))
        self.assertEqual([name for name, *_ in self.store.asked], ["publications"])
        for each in (second, third):
            self.store.go("publications")
            self.assertEqual(self.finalTo(each).statusCode, 412)
        self.store.isSlow = False
        self.assertEqual((self.body(), self.changes), (b"one", [(ALICE, "words")]))

    def test_fails(self):
        """Step 5: when the store fails, so does the PUBLISH; nothing has changed, and the next is served."""
        for step in ("publications", "put"):
            request = self.send(b"other", self.tag)
            self.network.advance(0.1)
            if step == "put":
                self.store.go("publications")
            self.store.fail(step)
            self.assertEqual(self.finalTo(request).statusCode, 500)
            self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.store.isSlow = False
        self.assertEqual((self.body(), self.changes), (b"hello", []))
        self.published(b"other", self.tag)

    def test_failsAsStoresDo(self):
        """What a store says of itself is a line, without a traceback."""
        request = self.send(b"other", self.tag)
        self.network.advance(0.1)
        lines: list[str] = []

        def observe(event):
            lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.store.fail("publications", StoreError("published.sqlite", "database is locked"))
        self.assertEqual(self.finalTo(request).statusCode, 500)
        self.assertIn("PUBLISH could not be carried out: published.sqlite: database is locked", lines)
        self.assertEqual(self.flushLoggedErrors(), [])
        self.store.isSlow = False
        self.published(b"other", self.tag)

    def test_removalFails(self):
        """The same of a removal."""
        request = self.send(b"", self.tag, "0")
        self.network.advance(0.1)
        self.store.go("publications")
        self.store.fail("remove")
        self.assertEqual(self.finalTo(request).statusCode, 500)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.store.isSlow = False
        self.assertEqual(self.body(), b"hello")
        self.published(b"", self.tag, "0")

    def test_tooLate(self):
        """One that was answered with 500, since nobody else did in time, is taken back; then the next has its turn."""
        first, second = self.send(b"one", self.tag), self.send(b"", self.tag)
        self.network.advance(0.1)
        self.store.go("publications")
        self.network.advance(31)
        self.assertEqual(self.finalTo(first).statusCode, 500)
        self.assertEqual(self.finalTo(second).statusCode, 500)
        self.store.go("put")
        self.store.go("put")
        self.assertEqual(self.store.asked, [])
        self.store.isSlow = False
        self.assertEqual((self.body(), self.changes), (b"hello", []))
        self.published(b"", self.tag)

    def test_failsTooLate(self):
        """What fails after the 500 is logged, and that is all."""
        request = self.send(b"one", self.tag)
        self.network.advance(31)
        self.assertEqual(self.finalTo(request).statusCode, 500)
        self.store.fail("publications")
        self.network.advance(1)
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_stopped(self):
        """What a store does after the end starts no timer."""
        request = self.send(b"one")
        self.network.advance(0.1)
        self.service.compositor.stop()
        self.store.go("put")
        self.assertEqual(self.finalTo(request).statusCode, 200)
        self.assertEqual(self.service.compositor._published._timers.count, 0)

    def test_tooLateInitial(self):
        """The same of an initial publication, which is removed again, and of a removal, which is put back."""
        request = self.send(b"one")
        self.network.advance(31)
        self.assertEqual(self.finalTo(request).statusCode, 500)
        self.store.go("put")
        self.store.go("remove")
        request = self.send(b"", self.tag, "0")
        self.network.advance(0.1)
        self.store.go("publications")
        self.network.advance(31)
        self.assertEqual(self.finalTo(request).statusCode, 500)
        self.store.go("remove")
        self.store.go("put")
        self.store.isSlow = False
        self.assertEqual((self.body(), self.changes), (b"hello", []))

    def test_refreshWins(self):
        """A refresh that is stored before the end is heard of after it: the state was told gone, and is told anew."""
        self.network.advance(599)
        request = self.send(b"", self.tag, "60")
        self.network.advance(0.1)
        self.store.go("publications")
        self.network.advance(1)
        self.assertEqual(self.changes, [(ALICE, "words")])
        self.store.go("put")
        self.store.go("remove")
        self.assertEqual(self.finalTo(request).statusCode, 200)
        self.assertEqual(self.changes, [(ALICE, "words")] * 2)
        self.store.isSlow = False
        self.assertEqual(self.body(), b"hello")

    def test_expiryWins(self):
        """It expires while it is modified: what is there no more is not replaced, and the publisher begins anew."""
        self.network.advance(599)
        request = self.send(b"other", self.tag, "60")
        self.network.advance(0.1)
        self.store.go("publications")
        self.network.advance(1)
        self.store.asked.reverse()
        self.store.go("remove")
        self.store.go("put")
        self.assertEqual(self.finalTo(request).statusCode, 412)
        self.store.isSlow = False
        self.assertEqual((self.body(), self.changes), (None, [(ALICE, "words")]))

    def test_expiryFails(self):
        """What has expired is over, though the store cannot remove it."""
        self.network.advance(601)
        self.store.fail("remove")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.store.isSlow = False
        self.assertEqual((self.body(), self.changes), (None, [(ALICE, "words")]))
        self.assertEqual(self.publish(b"", self.tag).statusCode, 412)

    def test_state(self):
        """The state is a Deferred that waits for the store, and fails with it."""
        state = self.service.compositor.state(ALICE, "words")
        self.assertNoResult(state)
        self.store.fail("publications")
        self.failureResultOf(state, OSError)


class RestartTests(CompositorCase):
    """The file of one process is read by the next."""

    def setUp(self):
        super().setUp()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = f"{folder.name}/file"

    def restart(self, **settings):
        """A process ends, and another begins."""
        if hasattr(self.service, "compositor"):
            self.successResultOf(self.service.compositor.stop())
        self.changes.clear()
        self.compose(store=SqliteStore(self.path, execute), **settings)

    def test_lasts(self):
        """Section 4.1: the tag is good, and the state the same; it lasts until then, and not longer."""
        self.restart()
        tag = self.published(b"hello", expires="100")
        self.published(b"newer", expires="1000")
        self.network.advance(50)
        self.restart()
        self.assertEqual(self.body(), b"newer")
        self.network.advance(49)
        tag = self.published(b"", tag, "100")
        self.restart()
        self.assertEqual(self.body(), b"newer")
        self.network.advance(101)
        self.assertEqual(self.changes, [(ALICE, "words")])
        self.assertEqual(self.publish(b"", tag).statusCode, 412)

    def test_meanwhile(self):
        """What expired while nobody was there is gone, and nobody is told of it."""
        self.restart()
        tag = self.published(b"hello", expires="100")
        self.successResultOf(self.service.compositor.stop())
        self.network.advance(101)
        self.restart()
        self.assertIsNone(self.body())
        self.network.advance(1)
        self.assertEqual(self.changes, [])
        self.assertEqual(self.publish(b"", tag).statusCode, 412)

    def test_newer(self):
        """What is published after the restart is newer than what was before."""
        self.restart()
        self.published(b"one")
        self.published(b"two")
        self.restart()
        self.published(b"three")
        self.assertEqual(self.body(), b"three")

    def test_counted(self):
        """What was stored counts for the limits from the first request on."""
        self.restart()
        self.published(b"one")
        self.restart(limits=CompositorLimits(publications=1))
        self.assertEqual(self.publish(b"two").statusCode, 503)

    def test_readOnce(self):
        """What was stored is read once, also when several ask at once."""
        store = SlowStore()
        self.compose(store=store)
        waiting = [self.send(b"one"), self.send(b"two", uri=BOB)]
        self.network.advance(0.1)
        self.assertEqual([name for name, *_ in store.asked], ["expired"])
        store.go("expired")
        store.go("all")
        self.assertEqual([name for name, *_ in store.asked], ["put", "put"])
        store.go("put")
        store.go("put")
        self.assertEqual([self.finalTo(each).statusCode for each in waiting], [200, 200])

    def test_unreadable(self):
        """As long as what was stored cannot be read, each PUBLISH fails; nothing of it is taken as lost."""
        self.restart()
        self.published(b"one", expires="600")
        self.successResultOf(self.service.compositor.stop())
        store = SqliteStore(self.path, execute)
        reading, store.all = store.all, lambda: Deferred.fromCoroutine(broken())
        self.compose(store=store)
        self.assertEqual(self.publish(b"two").statusCode, 500)
        self.assertEqual(self.flushLoggedErrors(), [])
        store.all = reading
        self.assertEqual(self.body(), b"one")

    def test_stopped(self):
        """After its end it refuses all, and no timer runs."""
        compositor = self.compose(store=MemoryStore())
        self.published(b"hello")
        self.successResultOf(compositor.stop())
        self.assertEqual(self.publish(b"hello").statusCode, 503)


async def broken():
    raise StoreError("file", "unreadable")


class TimeTests(SynchronousTestCase):
    def test_exactly(self):
        """At the time that was told it is over, whether a timer has said so or not."""
        clock = Clock()
        store = MemoryStore()
        store.put(publication("one", until=100.0))
        published = Published(clock, store, lambda entity, event: None)
        for now, tags in ((99.99, ["one"]), (100.0, []), (100.01, [])):
            clock.rightNow = now
            found = self.successResultOf(Deferred.fromCoroutine(published.lasting((PUBLISHER, "presence"))))
            self.assertEqual([each.entityTag for each in found], tags)
