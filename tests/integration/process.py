"""
A child process that a test talks to.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from twisted.internet import reactor
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

T = TypeVar("T")


class PeerFailed(Exception):
    """A process did not do what the test waited for; the text has its command line and the end of its output."""


class Peer(ProcessProtocol):
    """
    One child process.

    @ivar exitStatus: its exit status, or the negated number of the signal that ended it; None while it runs.
    @ivar output: what it wrote to stdout.
    @ivar errors: what it wrote to stderr.
    """

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
        self.arguments = arguments
        self.folder = folder
        self.exitStatus: int | None = None
        self.output = ""
        self.errors = ""
        self._environment = os.environ | (environment or {})

    def outReceived(self, data: bytes) -> None:
        self.output += data.decode("utf-8", "replace")

    def errReceived(self, data: bytes) -> None:
        self.errors += data.decode("utf-8", "replace")

    def processEnded(self, reason: Failure) -> None:
        self.exitStatus = reason.value.exitCode if reason.value.signal is None else -reason.value.signal

    async def until(self, condition: Callable[[], T], what: str, timeout: float = 10.0) -> T:
        """
        Wait until C{condition} is true.

        @param what: what is waited for, in the failure's text.
        @param timeout: in seconds.
        @return: what C{condition} returned at last.
        @raise PeerFailed: the process ended first, or the time is over.
        """
        deadline = time.monotonic() + timeout
        while True:
            # Looked at first: output may still make the condition true after the end.
            ended = self.exitStatus is not None
            value = condition()
            if value:
                return value
            if ended:
                raise self.failed(f"ended with status {self.exitStatus} before {what}")
            if time.monotonic() > deadline:
                raise self.failed(f"no {what} within {timeout} s")
            await deferLater(reactor, 0.02)

    async def ended(self, timeout: float = 30.0) -> int:
        """Wait for the process to end by itself; its exit status."""
        await self.until(lambda: self.exitStatus is not None, "end", timeout)
        assert self.exitStatus is not None
        return self.exitStatus

    def failed(self, why: str) -> PeerFailed:
        """The exception that says what this process did wrong."""
        return PeerFailed(f"{' '.join(self.arguments)}: {why}\n{self.output[-4000:]}\n{self.errors[-4000:]}")

    async def started(self) -> None:
        """Wait until it can be talked to."""

    async def stop(self) -> None:
        """Ask it to end, wait, and check how it did."""
        self.transport.signalProcess("TERM")
        await self.ended()

    async def __aenter__(self) -> Self:
        reactor.spawnProcess(
            self, self.arguments[0], self.arguments, env=self._environment, path=os.fspath(self.folder)
        )
        try:
            await self.started()
        except BaseException:
            await self._kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None and self.exitStatus is None:
                await self.stop()
        finally:
            await self._kill()

    async def _kill(self) -> None:
        if self.exitStatus is None:
            self.transport.signalProcess("KILL")
            await self.ended()
