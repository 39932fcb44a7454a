"""
What the benchmarks share: a server process pinned to a core, what /proc says of it, ratios and tables.

Linux only.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

BENCH = Path(__file__).resolve().parent

#: What is measured, as it is shipped.
OURS = "twistd -n --logfile=FOLDER/sipua.log --pidfile= sipua --media fixed --listen udp:PORT"

#: C{FOLDER} and C{PORT} are filled in; the first word is looked up beside python.
COMMANDS = {
    "sipua": OURS,
    "timers": f"{OURS} --session-timers always",
    "floor": "python tests/bench/floor.py PORT",
    "sippy": "python tests/bench/sippy_uas.py PORT",
    "profiled": OURS.replace("twistd ", "twistd --profile=FOLDER/profile --profiler=cprofile --savestats "),
}

#: How long a finished call may stay in a stack's memory (64*T1, RFC 3261 section 17.2), in seconds, and a little.
LINGER = 34.0


class StartFailed(Exception):
    """The server ended, or did not listen; the text says why."""


def freePort() -> int:
    """A UDP port of 127.0.0.1 that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def setUp() -> tuple[int, int]:
    """
    Share out the cores: the first we may use is the server's, the last SIPp's and ours.

    From here on SIGTERM unwinds as Ctrl-C does, so that nothing started is left behind.

    @return: the server's core, SIPp's core.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        sys.exit("two cores are needed: one for the server, one for SIPp")
    os.sched_setaffinity(0, allowed[-1:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return allowed[0], allowed[-1]


def udpDrops(port: int) -> int:
    """Datagrams the kernel threw away at C{port} since its socket was opened."""
    return sum(int(row[-1]) for row in _udpSockets(port))


def receiveBufferErrors() -> int:
    """The machine's C{RcvbufErrors}: datagrams lost to full socket buffers anywhere."""
    names, values = (
        line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Udp:")
    )
    return int(values[names.index("RcvbufErrors")])


def isListening(port: int) -> bool:
    """Is a UDP socket bound to C{port}?  Asked without sending it anything."""
    return bool(_udpSockets(port))


def _udpSockets(port: int) -> list[list[str]]:
    """The rows of /proc/net/udp for C{port}."""
    rows = (line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:])
    return [row for row in rows if row[1].endswith(f":{port:04X}")]


class Server:
    """
    One server process on a free port, pinned to C{core}; a context manager.

    @ivar name: a key of L{COMMANDS}.
    @ivar command: what is run, with C{FOLDER} and C{PORT} left in.
    @ivar folder: its own, gone when the block is left.
    """

    def __init__(self, name: str, core: int) -> None:
        self.name = name
        self.port = freePort()
        self._temporary = tempfile.TemporaryDirectory(prefix="bench-")
        self.folder = Path(self._temporary.name)
        self.command = f"taskset -c {core} {COMMANDS[name]}"
        text = COMMANDS[name].replace("FOLDER", str(self.folder)).replace("PORT", str(self.port))
        program, *arguments = text.replace("tests/bench", str(BENCH)).split()
        self._argv = ["taskset", "-c", str(core), str(Path(sys.executable).parent / program), *arguments]

    def __enter__(self) -> Server:
        self._output = self.folder / "output"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder
            )
        try:
            self._waitUntilListening()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._temporary.cleanup()

    def stop(self, patience: float = 5.0) -> None:
        """
        End it: SIGTERM, and SIGKILL when it has not ended by itself.

        @param patience: seconds between the two.
        """
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def _waitUntilListening(self) -> None:
        deadline = time.monotonic() + 20
        while not isListening(self.port):
            if not self.isRunning or time.monotonic() > deadline:
                raise StartFailed(self._lastWords())
            time.sleep(0.05)
        time.sleep(0.3)

    def _lastWords(self) -> str:
        lines = self._output.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit status {self._process.returncode}"

    @property
    def isRunning(self) -> bool:
        return self._process.poll() is None

    def cpu(self) -> float:
        """Seconds of CPU, user and system, that all its threads ever had."""
        # The kernel's clock of another process (see clock_getcpuclockid(3)): exact to the nanosecond where the
        # counters in /proc/PID/stat go in ticks of 10 ms, and with every thread in it.
        return time.clock_gettime_ns(~self._process.pid << 3 | 2) / 1e9

    def memory(self) -> float:
        """kB of its own memory: anonymous pages, so not what it shares with other processes of the same python."""
        for line in Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                return float(line.split()[1])
        raise RuntimeError("no Anonymous in smaps_rollup")


def spread(values: Sequence[float], digits: int = 0) -> str:
    """C{median (min-max)}."""
    if not values:
        return "-"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Pair by pair, in the order measured."""
    return [a / b for a, b in zip(numerators, denominators, strict=True) if b]


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A simple table of reStructuredText."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])
