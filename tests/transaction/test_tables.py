"""
Each machine's table is whole: whatever may happen in a state is either in it or ignored for a written reason
(RFC 3261 figures 5 to 8, two of them redrawn by RFC 6026).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.transaction.doubles import request, response
from twisted_sipdialog.timers import TimerValues
from twisted_sipdialog.transaction import ict, ist, nict, nist
from twisted_sipdialog.transaction.machine import TERMINATED

RESPONSES = {"1xx", "2xx", "300-699"}

#: module, class, method, what may happen in any state, and the timers the RFCs name.
MACHINES: tuple[tuple[Any, Any, str, set[str], set[str]], ...] = (
    (
        ict,
        ict.InviteClient,
        "INVITE",
        RESPONSES | {"send failed", "abandon"},
        {"timer A", "timer B", "timer D", "timer M"},
    ),
    (nict, nict.NonInviteClient, "OPTIONS", RESPONSES | {"send failed"}, {"timer E", "timer F", "timer K"}),
    (
        ist,
        ist.InviteServer,
        "INVITE",
        RESPONSES | {"request", "ack"},
        {"timer 100", "timer G", "timer H", "timer I", "timer L"},
    ),
    (nist, nist.NonInviteServer, "OPTIONS", RESPONSES | {"request"}, {"timer J"}),
)

#: (state, event) -> next state, as the figures draw them; what is left out there is ignored or impossible.
FIGURES: dict[Any, dict[tuple[str, str], str]] = {
    ict: {
        ("calling", "timer A"): "calling",
        ("calling", "timer B"): TERMINATED,
        ("calling", "send failed"): TERMINATED,
        ("calling", "1xx"): "proceeding",
        ("calling", "2xx"): "accepted",
        ("calling", "300-699"): "completed",
        ("proceeding", "1xx"): "proceeding",
        ("proceeding", "2xx"): "accepted",
        ("proceeding", "300-699"): "completed",
        ("accepted", "2xx"): "accepted",
        ("accepted", "timer M"): TERMINATED,
        ("completed", "300-699"): "completed",
        ("completed", "send failed"): TERMINATED,
        ("completed", "timer D"): TERMINATED,
    },
    nict: {
        ("trying", "timer E"): "trying",
        ("trying", "timer F"): TERMINATED,
        ("trying", "send failed"): TERMINATED,
        ("trying", "1xx"): "proceeding",
        ("trying", "2xx"): "completed",
        ("trying", "300-699"): "completed",
        ("proceeding", "timer E"): "proceeding",
        ("proceeding", "timer F"): TERMINATED,
        ("proceeding", "send failed"): TERMINATED,
        ("proceeding", "1xx"): "proceeding",
        ("proceeding", "2xx"): "completed",
        ("proceeding", "300-699"): "completed",
        ("completed", "timer K"): TERMINATED,
    },
    ist: {
        ("proceeding", "request"): "proceeding",
        ("proceeding", "1xx"): "proceeding",
        ("proceeding", "2xx"): "accepted",
        ("proceeding", "300-699"): "completed",
        ("accepted", "2xx"): "accepted",
        ("accepted", "ack"): "accepted",
        ("accepted", "timer L"): TERMINATED,
        ("completed", "request"): "completed",
        ("completed", "timer G"): "completed",
        ("completed", "timer H"): TERMINATED,
        ("completed", "ack"): "confirmed",
        ("confirmed", "timer I"): TERMINATED,
    },
    nist: {
        ("trying", "1xx"): "proceeding",
        ("trying", "2xx"): "completed",
        ("trying", "300-699"): "completed",
        ("proceeding", "request"): "proceeding",
        ("proceeding", "1xx"): "proceeding",
        ("proceeding", "2xx"): "completed",
        ("proceeding", "300-699"): "completed",
        ("completed", "request"): "completed",
        ("completed", "timer J"): TERMINATED,
    },
}


class Running:
    """A timer that has been started."""

    def __init__(self, host: Host, event: str) -> None:
        self.host = host
        self.event = event
        self.deadline = 0.0
        host.timers.append(self)

    def cancel(self) -> None:
        if self in self.host.timers:
            self.host.timers.remove(self)


class Host:
    """A host without clock or network; its timers fire when told to."""

    values = TimerValues()

    def __init__(self) -> None:
        self.timers: list[Running] = []
        self.endings = 0
        self.failures = 0

    def now(self) -> float:
        return 0.0

    def at(self, deadline: float, callback: Any, event: str) -> Running:
        return Running(self, event)

    def transmit(self, machine: Any, data: bytes) -> bool:
        return True

    def reply(self, machine: Any, data: bytes) -> bool:
        return True

    def deliver(self, machine: Any, message: Any) -> None:
        pass

    def failed(self, machine: Any, error: Any) -> None:
        self.failures += 1

    def ended(self, machine: Any) -> None:
        self.endings += 1


class Walk:
    """One machine, taken through a list of events."""

    def __init__(self, kind: Any, method: str, reliable: bool, events: tuple[str, ...] = ()) -> None:
        self.host = Host()
        asked = REQUESTS[method]
        self.machine = kind(self.host, "key", None, reliable, asked)
        self.messages = MESSAGES[method]
        if hasattr(self.machine, "start"):
            self.machine.start()
        for event in events:
            self.take(event)

    def take(self, event: str) -> None:
        if event.startswith("timer "):
            running = next(timer for timer in self.host.timers if timer.event == event)
            running.cancel()
        self.machine.handle(event, self.messages.get(event))


REQUESTS = {method: request(method) for method in ("INVITE", "OPTIONS")}
MESSAGES: dict[str, dict[str, Any]] = {
    method: {
        "1xx": response(asked, 180),
        "2xx": response(asked, 200),
        "300-699": response(asked, 486),
        "ack": request("ACK", toTag="bob"),
        "request": asked,
    }
    for method, asked in REQUESTS.items()
}


def walks(kind: Any, method: str, events: set[str], reliable: bool, depth: int) -> Iterator[Walk]:
    """Every course of events of that length, but for what follows the end."""
    courses: list[tuple[str, ...]] = [()]
    while courses:
        course = courses.pop()
        walk = Walk(kind, method, reliable, course)
        yield walk
        if len(course) < depth and walk.machine.state != TERMINATED:
            now = events | {timer.event for timer in walk.host.timers}
            courses += [(*course, event) for event in sorted(now)]


class TableTests(SynchronousTestCase):
    def test_figures(self) -> None:
        """
        The tables hold every arrow of the RFCs' figures, and lead where it points.
        """
        for module, arrows in FIGURES.items():
            drawn = {row: module.TRANSITIONS.get(row, (None,))[0] for row in arrows}
            self.assertEqual(drawn, arrows, module.__name__)

    def test_noOtherArrows(self) -> None:
        """
        What the tables have beside the figures: the 100 that the transaction sends by itself, the loss of the
        flow while an INVITE is in Proceeding, and the end of the wait for a cancelled INVITE.
        """
        more = {
            ict: {("proceeding", "send failed"), ("calling", "abandon"), ("proceeding", "abandon")},
            nict: set(),
            ist: {("proceeding", "timer 100")},
            nist: set(),
        }
        for module, arrows in FIGURES.items():
            self.assertEqual(set(module.TRANSITIONS) - set(arrows), more[module], module.__name__)

    def test_total(self) -> None:
        """
        In every state but the last each event has a row, or a reason why it has none; never both.
        """
        for module, kind, _, events, _ in MACHINES:
            states = {state for state, _ in module.TRANSITIONS} | {state for state, _ in module.TRANSITIONS.values()}
            states.discard(TERMINATED)
            expected = {(state, event) for state in states for event in events}
            rows = {row for row in module.TRANSITIONS if not row[1].startswith("timer ")}
            self.assertEqual(rows | set(module.IGNORED), expected, module.__name__)
            self.assertEqual(set(module.TRANSITIONS) & set(module.IGNORED), set(), module.__name__)
            self.assertTrue(all(module.IGNORED.values()), module.__name__)
            self.assertIs(kind.table, module.TRANSITIONS)

    def test_timers(self) -> None:
        """
        The tables know exactly the timers of table 4 that belong to the machine.
        """
        for module, _, _, _, timers in MACHINES:
            named = {event for _, event in module.TRANSITIONS if event.startswith("timer ")}
            self.assertEqual(named, timers, module.__name__)

    def test_terminatedLeavesNothing(self) -> None:
        """
        No row leads out of the last state.
        """
        for module, _, _, _, _ in MACHINES:
            self.assertEqual([row for row in (*module.TRANSITIONS, *module.IGNORED) if row[0] == TERMINATED], [])

    def test_statesAreReachable(self) -> None:
        """
        Every state can be reached from the first.
        """
        for module, kind, _, _, _ in MACHINES:
            reached: set[str] = set()
            coming = {kind.first}
            while coming:
                reached |= coming
                coming = {to for (state, _), (to, _) in module.TRANSITIONS.items() if state in coming} - reached
            states = {state for state, _ in module.TRANSITIONS} | {state for state, _ in module.TRANSITIONS.values()}
            self.assertEqual(reached, states, module.__name__)
            self.assertIn(TERMINATED, reached)


class CourseTests(SynchronousTestCase):
    """Every course of four events, with and without a transport that loses messages."""

    def test_runningTimersHaveRows(self) -> None:
        """
        A timer that runs has a row in the present state: no deadline passes unnoticed.
        """
        for module, kind, method, events, _ in MACHINES:
            for reliable in (False, True):
                for walk in walks(kind, method, events, reliable, 4):
                    for timer in walk.host.timers:
                        self.assertIn((walk.machine.state, timer.event), module.TRANSITIONS)

    def test_endIsToldOnce(self) -> None:
        """
        The host is told the end exactly when the last state is reached, once, and no timer runs on.
        """
        for _, kind, method, events, _ in MACHINES:
            for reliable in (False, True):
                for walk in walks(kind, method, events, reliable, 4):
                    ended = walk.machine.state == TERMINATED
                    self.assertEqual(walk.host.endings, int(ended))
                    if ended:
                        self.assertEqual(walk.host.timers, [])
                    self.assertLessEqual(walk.host.failures, 1)

    def test_terminatedIsDeaf(self) -> None:
        """
        Whatever comes after the end changes nothing.
        """
        for module, kind, method, events, timers in MACHINES:
            for walk in walks(kind, method, events, False, 3):
                if walk.machine.state == TERMINATED:
                    for event in events | timers:
                        walk.machine.handle(event, walk.messages.get(event))
                        self.assertEqual(walk.machine.state, TERMINATED, f"{module.__name__} {event}")
                    self.assertEqual((walk.host.endings, walk.host.timers), (1, []))

    def test_someTimerRuns(self) -> None:
        """
        A transaction that waits for its peer always has a deadline; only one that waits for its user has none.
        """
        patient = {
            (ict.InviteClient, "proceeding"),
            (ist.InviteServer, "proceeding"),
            (nist.NonInviteServer, "trying"),
            (nist.NonInviteServer, "proceeding"),
        }
        for _, kind, method, events, _ in MACHINES:
            for reliable in (False, True):
                for walk in walks(kind, method, events, reliable, 4):
                    state = walk.machine.state
                    if state != TERMINATED and (kind, state) not in patient:
                        self.assertNotEqual(walk.host.timers, [], f"{kind.__name__} {state}")
