"""
SIPp's built-in C{uac} as the caller: one run with its counters, or many calls held open.
"""

from __future__ import annotations

import csv
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from measure import Server, freePort, receiveBufferErrors, udpDrops

#: How SIPp is called.  Its socket buffer is large, so that what is lost is lost at the server; its limit of open
#: calls is never reached on purpose.
COMMAND = (
    "sipp -sn uac 127.0.0.1:PORT -i 127.0.0.1 -p FREE -r RATE -m CALLS -l 200000 -d PAUSE "
    "-buff_size 4000000 -nostdin -trace_stat -fd 1 -stf statistics.csv"
)

#: Seconds a run may take longer than its calls at its rate; what is not over then counts as failed.
GRACE = 6.0

#: The pause of calls that are to be held open, in milliseconds: longer than any benchmark.
HELD = 3_600_000


@dataclass(frozen=True)
class Outcome:
    """
    What one run of SIPp counted.

    @ivar failed: calls SIPp gave up, and those not over when the time was.
    @ivar drops: datagrams the kernel dropped at either end's socket.
    @ivar bufferErrors: the same (C{RcvbufErrors}) for the whole machine.
    @ivar seconds: from start to end.
    @ivar load: SIPp's use of its own core, 0 to 1.
    """

    calls: int
    failed: int
    retransmissions: int
    drops: int
    bufferErrors: int
    seconds: float
    load: float


class Caller:
    """
    One SIPp process; a context manager that ends it.

    @ivar port: the port it calls from.
    """

    def __init__(
        self, core: int, server: Server, rate: int, calls: int, pause: int = 0, responseTimes: bool = False
    ) -> None:
        """
        @param pause: how long each call stands, in milliseconds.
        @param responseTimes: keep the time from INVITE to 200 of every call, for L{answerTimes}.
        """
        path = shutil.which("sipp")
        if path is None:
            sys.exit("sipp is not on PATH: apt-get install sip-tester")
        self.port = freePort()
        self._folder = tempfile.TemporaryDirectory(prefix="bench-sipp-")
        self._statistics = Path(self._folder.name, "statistics.csv")
        values = {"PORT": server.port, "FREE": self.port, "RATE": rate, "CALLS": calls, "PAUSE": pause}
        words = [str(values.get(word, word)) for word in COMMAND.replace(":PORT", f":{server.port}").split()[1:]]
        if responseTimes:
            words += ["-trace_rtt", "-rtt_freq", "1000"]
        self._argv = ["taskset", "-c", str(core), path, *words]

    def __enter__(self) -> Caller:
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
        self._folder.cleanup()

    def kill(self) -> None:
        """End it now, unless it has ended."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    @property
    def isRunning(self) -> bool:
        return self._process.poll() is None

    def ended(self, seconds: float) -> bool:
        """Wait for its end, at most C{seconds}."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def count(self, name: str) -> int:
        """A counter of the newest row of its statistics (one a second); 0 before the first."""
        try:
            with self._statistics.open(newline="") as rows:
                newest = list(csv.DictReader(rows, delimiter=";"))[-1]
        except (FileNotFoundError, IndexError):
            return 0
        return int(newest.get(name) or 0)

    def answerTimes(self) -> list[float]:
        """Milliseconds from INVITE to 200 of each call."""
        times: list[float] = []
        for path in Path(self._folder.name).glob("*_rtt.csv"):
            with path.open(newline="") as rows:
                times += [float(row["response_time_ms"]) for row in csv.DictReader(rows, delimiter=";")]
        return times


def run(core: int, server: Server, rate: int, calls: int, pause: int = 0) -> Outcome:
    """Place C{calls} calls at C{rate} a second and wait until they are over."""
    with Caller(core, server, rate, calls, pause) as caller:
        return finish(caller, server, rate, calls, pause)


def finish(
    caller: Caller,
    server: Server,
    rate: int,
    calls: int,
    pause: int = 0,
    whileWaiting: Callable[[], None] | None = None,
    every: float = 0.0,
) -> Outcome:
    """
    Wait for the calls that C{caller} has just begun to place.

    @param whileWaiting: called C{every} so many seconds.
    """
    begun, bufferErrors, drops = time.monotonic(), receiveBufferErrors(), udpDrops(server.port)
    used, duration = _childrenCpu(), calls / rate + pause / 1000 + GRACE
    # SIPp's socket goes with it, and its count of drops too, so it is read now and then.
    callerDrops, due = 0, begun + every
    while not caller.ended(0.25) and (now := time.monotonic()) - begun < duration:
        callerDrops = max(callerDrops, udpDrops(caller.port))
        if whileWaiting is not None and now >= due:
            due += every
            whileWaiting()
    seconds = time.monotonic() - begun
    caller.kill()
    return Outcome(
        calls=calls,
        failed=calls - caller.count("SuccessfulCall(C)"),
        retransmissions=caller.count("Retransmissions(C)"),
        drops=udpDrops(server.port) - drops + callerDrops,
        bufferErrors=receiveBufferErrors() - bufferErrors,
        seconds=seconds,
        load=(_childrenCpu() - used) / seconds,
    )


class Held:
    """
    Calls that stay open until the block is left; the caller is then killed and sends no BYE.
    """

    def __init__(self, core: int, server: Server, calls: int, rate: int) -> None:
        self._caller = Caller(core, server, rate, calls, HELD)
        self._calls = calls
        self._patience = calls / rate + GRACE

    def __enter__(self) -> Held:
        self._caller.__enter__()
        try:
            deadline = time.monotonic() + self._patience
            while self._caller.count("CurrentCall") < self._calls and time.monotonic() < deadline:
                if self._caller.ended(0.5):
                    break
        except BaseException:
            self._caller.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._caller.__exit__(kind, error, traceback)

    @property
    def open(self) -> int:
        """Calls that stand now, by SIPp's count of a second ago."""
        return self._caller.count("CurrentCall") if self._caller.isRunning else 0


def _childrenCpu() -> float:
    """Seconds of CPU of all processes started here and already gone."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
