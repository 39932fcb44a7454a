"""
Publications in a file, which outlive the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from threading import Lock
from typing import Any, Final, TypeVar

import attrs
from twisted.internet.defer import Deferred
from zope.interface import implementer

from twisted_sipdialog.errors import StoreError
from twisted_sipdialog.interfaces import IPublicationStore
from twisted_sipdialog.storage.publication import Publication

_Result = TypeVar("_Result")

#: What tells a file of ours from that of another program, and one layout of it from the next.
_APPLICATION: Final = 0x53495044
_VERSION: Final = 1
#: Seconds that another process may keep the file locked.
_PATIENCE: Final = 5.0
_LAYOUT: Final = f"""
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS publication (
        entity TEXT, event TEXT, entityTag TEXT, contentType TEXT, body BLOB, until REAL, "order" INTEGER,
        PRIMARY KEY (entity, event, entityTag)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS publicationUntil ON publication (until);
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""
_DELETE: Final = "DELETE FROM publication WHERE entity = ? AND event = ? AND entityTag = ?"
_SELECT: Final = 'SELECT entity, event, entityTag, contentType, body, until, "order" FROM publication'


@implementer(IPublicationStore)
class SqliteStore:
    """
    @see: L{IPublicationStore<twisted_sipdialog.interfaces.IPublicationStore>}

    Each method gives a Deferred, which fails with L{StoreError<twisted_sipdialog.errors.StoreError>}.
    """

    def __init__(self, path: str, inThread: Callable[..., Deferred[Any]]) -> None:
        """
        See whether the file can be used, or make it: this and L{open} are the calls that block.  It is not open before
        it is used: SQLite has no locks any more in a process that forked meanwhile, as a daemon does, and whoever else
        opens the file then takes away what was written to it.

        @param path: str: of the file; beside it are its C{-wal} and C{-shm} while it is open.
        @param inThread: calls a function with its arguments in a thread and gives the Deferred of its result, as
            C{twisted.internet.threads.deferToThread} does.
        @raise StoreError: it cannot be opened, is broken, of another program, or of a later version of this one.
        """
        self._path = path
        self._inThread = inThread
        self._turn = Lock()  # the threads share one connection
        self._connection: sqlite3.Connection | None = None
        self._isClosed = False
        self.open()
        self._shut()

    def open(self) -> None:
        """
        Open the file now: for a process that has the right to, and is to give it up.

        @raise StoreError: as above.
        """
        if self._connection is None:
            try:
                connection = sqlite3.connect(self._path, _PATIENCE, isolation_level=None, check_same_thread=False)
            except sqlite3.Error as error:
                raise StoreError(self._path, str(error)) from None
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        ask = connection.execute
        try:
            isEmpty = ask("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
            (application,), (version,) = ask("PRAGMA application_id").fetchone(), ask("PRAGMA user_version").fetchone()
            if not isEmpty and application != _APPLICATION:
                raise StoreError(self._path, "a file of another program")
            if version > _VERSION:
                raise StoreError(self._path, f"version {version} is not known here, {_VERSION} is")
            ask("PRAGMA journal_mode = WAL")
            ask("PRAGMA synchronous = NORMAL")
            if isEmpty:
                connection.executescript(_LAYOUT)
            ask(f"{_SELECT} LIMIT 0")
        except sqlite3.Error as error:
            raise StoreError(self._path, str(error)) from None

    def publications(self, entity: str, event: str) -> Deferred[list[Publication]]:
        return self._run(self._found, 'WHERE entity = ? AND event = ? ORDER BY "order"', (entity, event))

    def put(self, publication: Publication, replaced: str | None = None) -> Deferred[bool]:
        return self._run(self._put, publication, replaced)

    def remove(self, entity: str, event: str, entityTag: str) -> Deferred[bool]:
        return self._run(self._remove, entity, event, entityTag)

    def expired(self, now: float) -> Deferred[list[Publication]]:
        return self._run(self._expired, now)

    def all(self) -> Deferred[list[Publication]]:
        return self._run(self._found, 'ORDER BY "order"')

    def close(self) -> Deferred[None]:
        return self._inThread(self._close)

    # In a thread.

    def _run(self, task: Callable[..., _Result], *arguments: Any) -> Deferred[_Result]:
        return self._inThread(self._do, task, arguments)

    def _do(self, task: Callable[..., _Result], arguments: tuple[Any, ...]) -> _Result:
        try:
            # Without a closing statement a transaction that failed is undone.
            with self._turn, self._opened():
                return task(*arguments)
        except sqlite3.Error as error:
            raise StoreError(self._path, str(error)) from None

    def _opened(self) -> sqlite3.Connection:
        if self._isClosed:
            raise StoreError(self._path, "it is closed")
        self.open()
        assert self._connection is not None
        return self._connection

    def _close(self) -> None:
        with self._turn:
            self._isClosed = True
            self._shut()

    def _shut(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _found(self, which: str, arguments: tuple[Any, ...] = ()) -> list[Publication]:
        with closing(self._opened().execute(f"{_SELECT} {which}", arguments)) as rows:
            return [Publication(*row) for row in rows]

    def _put(self, publication: Publication, replaced: str | None) -> bool:
        self._opened().execute("BEGIN IMMEDIATE")
        if replaced is not None and not self._remove(publication.entity, publication.event, replaced):
            return False
        row = attrs.astuple(publication)
        self._opened().execute("INSERT OR REPLACE INTO publication VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return True

    def _remove(self, entity: str, event: str, entityTag: str) -> bool:
        return self._opened().execute(_DELETE, (entity, event, entityTag)).rowcount > 0

    def _expired(self, now: float) -> list[Publication]:
        self._opened().execute("BEGIN IMMEDIATE")
        found = self._found('WHERE until <= ? ORDER BY "order"', (now,))
        self._opened().execute("DELETE FROM publication WHERE until <= ?", (now,))
        return found
