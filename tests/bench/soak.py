"""
Many calls for a while: the slowest answer, memory as it goes, and what is left when every timer has run out.

    python tests/bench/soak.py [--rate 1500] [--seconds 45] [--server sipua]
"""

from __future__ import annotations

import argparse
import sys
import time

from measure import COMMANDS, Server, StartFailed, setUp, table
from sipp import COMMAND, Caller, finish, run

#: Seconds between two readings of the memory, and from the last call to the last of them.
STEP, AFTERWARDS = 5.0, 40.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Slowest answer and memory under a lasting load.")
    parser.add_argument("--rate", type=int, default=1500, help="calls per second")
    parser.add_argument("--seconds", type=int, default=45)
    parser.add_argument("--server", choices=list(COMMANDS), default="sipua")
    options = parser.parse_args()
    serverCore, callerCore = setUp()
    try:
        with Server(options.server, serverCore) as server:
            soak(server, callerCore, options.rate, options.seconds)
    except StartFailed as e:
        sys.exit(f"{options.server} did not start: {e}")


def soak(server: Server, callerCore: int, rate: int, seconds: int) -> None:
    """Drive C{server} and print what happened."""
    print(f"  {server.command}\n  taskset -c {callerCore} {COMMAND} -trace_rtt -rtt_freq 1000\n")
    run(callerCore, server, 100, 200)
    rows: list[list[str]] = []
    begun, used, first = time.monotonic(), server.cpu(), server.memory()

    def read() -> None:
        memory = server.memory()
        rows.append(
            [f"{time.monotonic() - begun:.0f}", f"{memory:.0f}", f"{memory - first:+.0f}", f"{server.cpu() - used:.2f}"]
        )

    calls = rate * seconds
    read()
    with Caller(callerCore, server, rate, calls, responseTimes=True) as caller:
        outcome = finish(caller, server, rate, calls, whileWaiting=read, every=STEP)
        answers = sorted(caller.answerTimes())
    read()
    for _ in range(int(AFTERWARDS / STEP)):
        time.sleep(STEP)
        read()
    print(table(["s", "kB", "since start", "CPU s"], rows))
    print(f"\n{calls} calls at {rate}/s in {outcome.seconds:.1f} s: failed {outcome.failed}, ", end="")
    print(f"retransmissions {outcome.retransmissions}, kernel drops {outcome.drops}, SIPp {outcome.load:.0%} busy")
    if answers:
        late = {q: answers[min(len(answers) - 1, int(len(answers) * q))] for q in (0.5, 0.99, 0.999)}
        print(f"INVITE to 200 of {len(answers)} calls, ms: ", end="")
        print(", ".join(f"{q:.1%} {value:.1f}" for q, value in late.items()) + f", slowest {answers[-1]:.1f}")
    print(f"left {AFTERWARDS:.0f} s after the last call: {server.memory() - first:+.0f} kB")


if __name__ == "__main__":
    main()
