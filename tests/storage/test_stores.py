"""
What every store of publications does (IPublicationStore), and what that in a file does beyond it.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from twisted.internet.defer import execute, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.storage.publications import ALICE, BOB, publication
from twisted_sipdialog.errors import StoreError
from twisted_sipdialog.interfaces import IPublicationStore
from twisted_sipdialog.storage.memory import MemoryStore
from twisted_sipdialog.storage.sqlite import SqliteStore


class StoreRules:
    """The promises of IPublicationStore."""

    store: Any

    def asked(self, name: str, *arguments: Any) -> Any:
        """What a method of the store gives, by way of a Deferred or not."""
        return self.successResultOf(maybeDeferred(getattr(self.store, name), *arguments))  # type: ignore[attr-defined]

    def tags(self, entity: str = ALICE, event: str = "presence") -> list[str]:
        return [each.entityTag for each in self.asked("publications", entity, event)]

    def test_interface(self) -> None:
        """It has every method."""
        verifyObject(IPublicationStore, self.store)

    def test_kept(self) -> None:
        """What was put is there as it was, bytes that are no text included."""
        one = publication("one", body=b"\x00\xff\r\n", until=2.0**40 + 0.25, order=2**60)
        self.assertTrue(self.asked("put", one))
        self.assertEqual(self.asked("publications", ALICE, "presence"), [one])
        self.assertEqual(self.asked("all"), [one])

    def test_oldestFirst(self) -> None:
        """In the order of their bodies, not in that of being put."""
        for tag, order in (("b", 2), ("a", 3), ("c", 1)):
            self.asked("put", publication(tag, order))
        self.assertEqual(self.tags(), ["c", "b", "a"])
        self.assertEqual([each.entityTag for each in self.asked("all")], ["c", "b", "a"])

    def test_apart(self) -> None:
        """Entities and packages do not see each other's, though the tags are the same."""
        self.asked("put", publication("one"))
        self.asked("put", publication("one", entity=BOB))
        self.asked("put", publication("one", event="dialog"))
        self.assertTrue(self.asked("remove", ALICE, "presence", "one"))
        self.assertEqual((self.tags(), self.tags(BOB), self.tags(ALICE, "dialog")), ([], ["one"], ["one"]))
        self.assertEqual(self.tags("sip:ALICE@example.com"), [])

    def test_replaced(self) -> None:
        """The new one takes the place of the old one."""
        self.asked("put", publication("one"))
        self.assertTrue(self.asked("put", publication("two", 2), "one"))
        self.assertEqual(self.tags(), ["two"])

    def test_replacedIsGone(self) -> None:
        """Of a tag that is not there nothing is replaced, and nothing changes (RFC 3903 section 6: atomic)."""
        self.asked("put", publication("one"))
        self.assertFalse(self.asked("put", publication("three", 3), "two"))
        self.assertFalse(self.asked("put", publication("three", 3, entity=BOB), "one"))
        self.assertFalse(self.asked("put", publication("three", 3, event="dialog"), "one"))
        self.assertEqual([each.entityTag for each in self.asked("all")], ["one"])

    def test_removed(self) -> None:
        """Once."""
        self.asked("put", publication("one"))
        self.assertFalse(self.asked("remove", ALICE, "presence", "two"))
        self.assertTrue(self.asked("remove", ALICE, "presence", "one"))
        self.assertFalse(self.asked("remove", ALICE, "presence", "one"))
        self.assertEqual(self.asked("all"), [])

    def test_expired(self) -> None:
        """At its time and later, not before; those that went are told."""
        gone = [publication("one", 1, 10.0), publication("two", 2, 11.0, entity=BOB)]
        for each in (*gone, publication("three", 3, 11.25)):
            self.asked("put", each)
        self.assertEqual(self.asked("expired", 9.75), [])
        self.assertEqual(self.asked("expired", 11.0), gone)
        self.assertEqual(self.asked("expired", 11.0), [])
        self.assertEqual([each.entityTag for each in self.asked("all")], ["three"])


class MemoryTests(StoreRules, SynchronousTestCase):
    def setUp(self) -> None:
        self.store = MemoryStore()


class FileCase(SynchronousTestCase):
    def setUp(self) -> None:
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path, self.other = f"{folder.name}/file", f"{folder.name}/other"
        self.store = self.open()
        self.addCleanup(lambda: self.store.close())

    def open(self) -> SqliteStore:
        return SqliteStore(self.path, execute)


class SqliteTests(StoreRules, FileCase):
    pass


class SqliteFileTests(FileCase):
    def refused(self) -> str:
        """Why the file is not taken, in words that name it."""
        text = str(self.assertRaises(StoreError, self.open))
        self.assertIn(self.path, text)
        return text

    def test_restarted(self) -> None:
        """What was put is there for the next process."""
        one = publication("one")
        self.store.put(one)
        self.store.close()
        self.store = self.open()
        self.assertEqual(self.successResultOf(self.store.all()), [one])

    def test_twoAtOnce(self) -> None:
        """Another process, or thread, may have the same file open: a write-ahead log is kept."""
        other = self.open()
        self.addCleanup(other.close)
        self.store.put(publication("one"))
        self.assertTrue(self.successResultOf(other.put(publication("two"), "one")))
        self.assertFalse(self.successResultOf(self.store.put(publication("three"), "one")))
        (mode,) = sqlite3.connect(self.path).execute("PRAGMA journal_mode").fetchone()
        self.assertEqual(mode, "wal")

    def test_threads(self) -> None:
        """Threads that come at once take turns: of one tag one publication is replaced, once."""
        self.store.put(publication("first"))
        took: list[Any] = []
        waiting = [
            Thread(target=lambda n=n: took.append(self.successResultOf(self.store.put(publication(f"n{n}"), "first"))))
            for n in range(8)
        ]
        for thread in waiting:
            thread.start()
        for thread in waiting:
            thread.join()
        self.assertEqual(sorted(took), [False] * 7 + [True])
        self.assertEqual(len(self.successResultOf(self.store.all())), 1)

    def test_forked(self) -> None:
        """SQLite's rule for forks: no connection crosses one.  A store that nobody has used has none."""
        self.assertFalse(Path(f"{self.path}-wal").exists())
        child = os.fork()
        if not child:
            self.store.put(publication("one"))
            # Somebody else looks, who would take away the log of one that has lost its locks.
            look = sqlite3.connect(self.path)
            look.execute("SELECT * FROM publication").fetchall()
            look.close()
            self.store.put(publication("two"))
            os._exit(0)
        os.waitpid(child, 0)
        self.assertEqual([each.entityTag for each in self.successResultOf(self.store.all())], ["one", "two"])

    def test_opened(self) -> None:
        """It may be opened before, and once is enough."""
        self.store.open()
        self.assertTrue(Path(f"{self.path}-wal").exists())
        self.store.open()
        self.store.close()
        self.assertFalse(Path(f"{self.path}-wal").exists())

    def test_broken(self) -> None:
        """What is no database is refused, and left as it is."""
        self.path = self.other
        Path(self.path).write_bytes(b"sip:alice@example.com " * 400)
        before = Path(self.path).read_bytes()
        self.assertIn("not a database", self.refused())
        self.assertEqual(Path(self.path).read_bytes(), before)

    def test_foreign(self) -> None:
        """That of another program is refused, and left as it is."""
        self.path = self.other
        connection = sqlite3.connect(self.path)
        connection.execute("CREATE TABLE publication (title TEXT)")
        connection.close()
        self.assertIn("another program", self.refused())

    def test_later(self) -> None:
        """That of a later version is refused."""
        with sqlite3.connect(self.path) as connection:
            connection.execute("PRAGMA user_version = 2")
        self.assertIn("version 2", self.refused())

    def test_noFolder(self) -> None:
        """A file that cannot be made is refused."""
        self.path = f"{self.other}/none"
        self.refused()

    def test_failure(self) -> None:
        """What fails later fails its Deferred, and undoes what was begun (RFC 3903 section 6: atomic)."""
        self.store.put(publication("one"))
        with sqlite3.connect(self.path) as connection:
            connection.execute("CREATE TRIGGER full BEFORE INSERT ON publication BEGIN SELECT raise(FAIL, 'full'); END")
        failure = self.failureResultOf(self.store.put(publication("two"), "one"), StoreError)
        self.assertIn("full", str(failure.value))
        self.assertEqual([each.entityTag for each in self.successResultOf(self.store.all())], ["one"])

    def test_closed(self) -> None:
        """A closed one is asked in vain; closing it again is nothing."""
        self.store.close()
        self.failureResultOf(self.store.all(), StoreError)
        self.successResultOf(self.store.close())
