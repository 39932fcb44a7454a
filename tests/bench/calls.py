"""
What a call costs: C{twistd sipua} beside a floor and beside sippy, driven by SIPp's C{uac}.

    python tests/bench/calls.py [--pairs 7] [--rates 400,1000,3000] [--servers sipua,floor,sippy]
                                [--only cpu,clean,open,finished,growth,profile] [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import io
import json
import pstats
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from measure import LINGER, Server, StartFailed, ratios, setUp, spread, table
from sipp import COMMAND, Held, Outcome, run

SERVERS = ("sipua", "floor", "sippy")

#: The most calls per second asked of each, and how fast its calls are piled up; None: no limit known.
MOST = {"sippy": 400}
FILL = {"sipua": 1000, "timers": 1000, "floor": 1000, "sippy": 300}

#: The most kB an open dialog may take; the second has a session timer.
OPEN = {"sipua": 4, "timers": 5}

#: The rates tried for the highest clean one, upward.
LADDER = (200, 400, 600, 800, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 7000, 8000, 10000, 12000)

#: Calls before the first reading of memory, so that what is loaded once is loaded.
WARM = 200

#: The rate at which the aims for the CPU are set.
AIMED_RATE = 400

#: The rate, and the milliseconds each call stands, for the growth of the CPU with the open dialogs: ten open.
GROWTH_RATE, GROWTH_PAUSE = 400, 25


class Bench:
    """
    @ivar results: everything measured, for C{--json}.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._serverCore, self._callerCore = setUp()
        self._servers: list[str] = options.servers
        self._seconds = 2.0 if options.quick else 4.0
        self._held = 2000 if options.quick else 10000
        self._linger = 0.0 if options.quick else LINGER
        self._aims: list[list[str]] = []
        self.results: dict[str, object] = {}

    def findServers(self) -> None:
        """Start each once, and go on with those that answer."""
        print("Commands\n")
        for name in list(self._servers):
            try:
                with self._server(name) as server:
                    fault = "" if run(self._callerCore, server, 10, 1).failed == 0 else "it did not answer a first call"
            except StartFailed as e:
                fault = str(e)
            if fault:
                self._servers.remove(name)
            print(f"  {name:6} {'skipped: ' + fault if fault else server.command}")
        if not self._servers:
            sys.exit("nothing to measure")
        print(f"  {'SIPp':6} taskset -c {self._callerCore} {COMMAND}")

    def _server(self, name: str) -> Server:
        return Server(name, self._serverCore)

    def _drive(self, server: Server, rate: int, seconds: float, pause: int = 0) -> tuple[float, Outcome]:
        """One run; CPU in microseconds per call, and what SIPp counted."""
        calls = int(rate * seconds)
        before = server.cpu()
        outcome = run(self._callerCore, server, rate, calls, pause)
        return (server.cpu() - before) / calls * 1e6, outcome

    def cpu(self) -> None:
        """CPU per call at each rate, the servers taking turns."""
        for rate in self._options.rates:
            names = [name for name in self._servers if rate <= MOST.get(name, rate)]
            samples: dict[str, list[float]] = {name: [] for name in names}
            outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
            with ExitStack() as stack:
                servers = {name: stack.enter_context(self._server(name)) for name in names}
                begun = {name: server.cpu() for name, server in servers.items()}
                # The first round warms up and is not counted; every other round goes the other way about.
                for turn in range(self._options.pairs + 1):
                    for name in names if turn % 2 else reversed(names):
                        cost, outcome = self._drive(servers[name], rate, self._seconds)
                        if turn:
                            samples[name].append(cost)
                            outcomes[name].append(outcome)
                time.sleep(self._linger)
                calls = rate * self._seconds * (self._options.pairs + 1)
                whole = {name: (server.cpu() - begun[name]) / calls * 1e6 for name, server in servers.items()}
            self.results[f"cpu {rate}"] = {"samples": samples, "whole": whole} | {
                name: [asdict(outcome) for outcome in each] for name, each in outcomes.items()
            }
            print(f"\nCPU at {rate} calls/s, {self._options.pairs} rounds of {self._seconds:.0f} s\n")
            print(self._cpuTable(samples, outcomes, whole))
            if rate == AIMED_RATE and "sipua" in names:
                for other, bound in (("floor", 2.4), ("sippy", 0.2)):
                    if other in names:
                        ratio = statistics.median(ratios(samples["sipua"], samples[other]))
                        self._aim(f"CPU at {rate} calls/s over {other}'s", ratio, bound)

    def _cpuTable(
        self, samples: dict[str, list[float]], outcomes: dict[str, list[Outcome]], whole: dict[str, float]
    ) -> str:
        rows = []
        for name, costs in samples.items():
            row = [name, spread(costs), f"{whole[name]:.0f}"]
            for other in ("floor", "sippy"):
                row.append(spread(ratios(costs, samples[other]), 2) if other in samples and other != name else "-")
            each = outcomes[name]
            row += [str(sum(getattr(o, count) for o in each)) for count in ("failed", "retransmissions", "drops")]
            row.append(str(max(o.bufferErrors for o in each)))
            rows.append(row)
        header = ["server", "µs/call", "all in", "x floor", "x sippy", "failed", "retrans", "drops", "RcvbufErrors"]
        return table(header, rows)

    def clean(self) -> None:
        """The highest rate held without a failed call: up the ladder until a rate fails twice."""
        rows = []
        for name in self._servers:
            best, limit = 0, "none in reach"
            for rate in LADDER:
                tries = (self._holds(name, rate) for _ in range(2))
                outcome = next((o for o in tries if o is not None), None)
                if outcome is None:
                    limit = f"failed at {rate}"
                    break
                best = rate
                if outcome.load > 0.95:
                    limit = "SIPp can no more"
                    break
            rows.append([name, best, limit])
            if name == "sipua":
                self._aim("clean calls/s", best, 3000, atLeast=True)
        self.results["clean"] = rows
        print("\nHighest rate held without a failed call, runs of 3 s\n")
        print(table(["server", "calls/s", "stopped by"], rows))

    def _holds(self, name: str, rate: int) -> Outcome | None:
        """What a fresh server did at C{rate}; None when a call failed or the calls took longer than they should."""
        with self._server(name) as server:
            outcome = self._drive(server, rate, 3.0)[1]
        return outcome if outcome.failed == 0 and outcome.seconds < 3.0 * 1.1 + 0.5 else None

    def open(self) -> None:
        """Memory per open dialog: at once, and when the INVITEs' transactions have gone."""
        rows = []
        timed = ["timers"] if "sipua" in self._servers else []
        for name in self._servers + timed:
            with self._warmed(name) as server:
                before = server.memory()
                with Held(self._callerCore, server, self._held, FILL[name]) as held:
                    opened, atOnce = held.open, server.memory() - before
                    time.sleep(self._linger)
                    settled, still = server.memory() - before, held.open
                server.stop(0)
            if name in OPEN:
                self._aim(f"kB per open dialog, {name}", max(atOnce, settled) / self._held, OPEN[name])
            rows.append([name, opened, still, f"{atOnce / self._held:.2f}", f"{settled / self._held:.2f}"])
        self.results["open"] = rows
        print(f"\nkB per open dialog, {self._held} held open\n")
        print(table(["server", "opened", "open later", "kB at once", f"kB {self._linger:.0f} s later"], rows))

    def finished(self) -> None:
        """Memory kept per finished call while its transactions linger."""
        rows = []
        for name in self._servers:
            seconds = 5 if self._options.quick else 20
            calls = FILL[name] * seconds
            with self._warmed(name) as server:
                before = server.memory()
                outcome = self._drive(server, FILL[name], seconds)[1]
                kept = server.memory() - before
                time.sleep(self._linger)
                left = server.memory() - before
            if name == "sipua":
                self._aim("kB per finished call", kept / calls, 3)
            rows.append([name, calls, outcome.failed, f"{kept / calls:.2f}", f"{left / calls:.2f}"])
        self.results["finished"] = rows
        print("\nkB kept per finished call\n")
        print(table(["server", "calls", "failed", "kB at once", f"kB {self._linger:.0f} s later"], rows))

    def growth(self) -> None:
        """
        CPU per call with ten and with many dialogs open: two of each server side by side, one of them full.

        All four take turns while SIPp holds the same calls, so that they meet the same machine.
        """
        names = [name for name in ("sipua", "floor") if name in self._servers]
        samples: dict[str, list[float]] = {f"{name} {state}": [] for name in names for state in ("10", "full")}
        with ExitStack() as stack:
            servers = {key: stack.enter_context(self._server(key.split()[0])) for key in samples}
            held = {
                key: stack.enter_context(Held(self._callerCore, server, self._held, FILL[key.split()[0]]))
                for key, server in servers.items()
                if key.endswith("full")
            }
            time.sleep(self._linger)
            for turn in range(self._options.pairs + 1):
                for key in list(samples) if turn % 2 else reversed(samples):
                    cost, _outcome = self._drive(servers[key], GROWTH_RATE, self._seconds, GROWTH_PAUSE)
                    if turn:
                        samples[key].append(cost)
            opened = {key: each.open for key, each in held.items()}
            for key in held:
                servers[key].stop(0)
        self.results["growth"] = {"samples": samples, "open": opened}
        rows, growths = [], {}
        for name in names:
            few, many = samples[f"{name} 10"], samples[f"{name} full"]
            growths[name] = ratios(many, few)
            rows.append([name, spread(few), spread(many), opened[f"{name} full"], spread(growths[name], 2)])
        print(f"\nCPU per call at {GROWTH_RATE} calls/s with about 10 and with {self._held} dialogs open\n")
        print(table(["server", "µs, 10 open", "µs, many open", "open", "growth"], rows))
        if len(growths) == 2:
            own, floor = (statistics.median(growths[name]) for name in names)
            self._aim("growth over the floor's", own / floor, 1.15)

    def profile(self) -> None:
        """Where the time goes in sipua at the rate of the aim, under cProfile (which makes calls look dear)."""
        if "sipua" not in self._servers:
            return
        with self._server("profiled") as server:
            self._drive(server, AIMED_RATE, self._seconds)
            server.stop(30)
            text = io.StringIO()
            pstats.Stats(str(server.folder / "profile"), stream=text).sort_stats("tottime").print_stats(30)
        print(f"\nProfile at {AIMED_RATE} calls/s: {server.command}\n{text.getvalue().rstrip()}")

    def _aim(self, what: str, measured: float, bound: float, atLeast: bool = False) -> None:
        met = measured >= bound if atLeast else measured <= bound
        self._aims.append([what, f"{'≥' if atLeast else '≤'} {bound:g}", f"{measured:.4g}", "met" if met else "MISSED"])

    def summary(self) -> None:
        """The aims, for what was measured."""
        self.results["aims"] = self._aims
        if self._aims:
            print(f"\nAims\n\n{table(['what', 'aim', 'measured', ''], self._aims)}")

    @contextmanager
    def _warmed(self, name: str) -> Iterator[Server]:
        """A fresh server that has had a few calls."""
        with self._server(name) as server:
            run(self._callerCore, server, 100, WARM)
            yield server


def main() -> None:
    sections: dict[str, Callable[[Bench], None]] = {
        "cpu": Bench.cpu,
        "clean": Bench.clean,
        "open": Bench.open,
        "finished": Bench.finished,
        "growth": Bench.growth,
        "profile": Bench.profile,
    }
    parser = argparse.ArgumentParser(description="CPU and memory per call of twistd sipua, a floor and sippy.")
    parser.add_argument("--pairs", type=int, default=7, help="interleaved rounds")
    parser.add_argument("--rates", type=_numbers, default=[400, 1000, 3000], help="calls per second, with commas")
    parser.add_argument("--servers", type=_words, default=list(SERVERS), help=f"of {','.join(SERVERS)}")
    parser.add_argument("--only", type=_words, default=list(sections), help=f"of {','.join(sections)}")
    parser.add_argument("--quick", action="store_true", help="shorter runs, fewer dialogs, no waiting for time-outs")
    parser.add_argument("--json", type=Path, help="write every sample there")
    options = parser.parse_args()
    for given, known in ((options.servers, SERVERS), (options.only, sections)):
        if unknown := set(given) - set(known):
            parser.error(f"unknown: {', '.join(sorted(unknown))} (known: {', '.join(known)})")
    bench = Bench(options)
    bench.findServers()
    for name in options.only:
        sections[name](bench)
    bench.summary()
    if options.json:
        options.json.write_text(json.dumps(bench.results, indent=1))


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def _words(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    main()
