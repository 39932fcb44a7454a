"""
Timers: L{TimerSet} is never early, at most a bucket late, and costs nothing when nothing runs.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.configuration import Configuration
from twisted_sipdialog.timers import Timer, TimerSet, TimerValues, after

#: Seconds a timer may be late.
BUCKET = 0.01
#: Seconds below which two moments are the same.
NOISE = 1e-6


class TimerCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.timers = TimerSet(self.clock)
        self.fired: list[tuple[float, Any]] = []

    def tearDown(self) -> None:
        self.timers.stop()
        self.assertEqual((self.timers.count, self.clock.getDelayedCalls()), (0, []))
        self.assertEqual((self.timers._buckets, self.timers._order), ({}, []))

    def note(self, argument: Any) -> None:
        """Remember that a timer fired, and when."""
        self.fired.append((round(self.clock.seconds(), 6), argument))

    @property
    def names(self) -> list[Any]:
        return [name for _, name in self.fired]

    def step(self, until: float) -> None:
        """Go from one of the reactor's calls to the next."""
        while calls := [call.getTime() for call in self.clock.getDelayedCalls() if call.getTime() <= until]:
            self.clock.advance(min(calls) - self.clock.seconds())
        self.clock.advance(until - self.clock.seconds())


class WhenTests(TimerCase):
    def test_neverEarly(self) -> None:
        """
        No timer fires before its deadline, and none a bucket after it, wherever in a bucket it falls.
        """
        random = Random(1)
        due = {n: random.uniform(0, 3) for n in range(2000)}
        due |= {2000 + n: n / 1000 for n in range(1, 100)}
        for name, delay in due.items():
            self.timers.start(delay, self.note, name)
        self.step(4)
        self.assertEqual(sorted(self.names), sorted(due))
        for at, name in self.fired:
            self.assertTrue(due[name] - NOISE <= at <= due[name] + BUCKET + NOISE, f"{due[name]} fired at {at}")

    def test_fineSteps(self) -> None:
        """
        Nor does one on a clock that runs in steps smaller than a bucket.
        """
        delays = [0.0, 0.0004, 0.005, 0.0099, 0.01, 0.0101, 0.0149, 0.02, 0.0333]
        for delay in delays:
            self.timers.start(delay, self.note, delay)
        for _ in range(500):
            self.clock.advance(0.0001)
        self.assertEqual(sorted(self.names), delays)
        for at, delay in self.fired:
            self.assertTrue(delay - NOISE <= at <= delay + BUCKET + 0.0001 + NOISE, f"{delay} fired at {at}")

    def test_exact(self) -> None:
        """
        On a clock that steps to the deadline a timer of whole hundredths is on time.
        """
        for hundredths in range(1, 500):
            delay = hundredths / 100
            begin = self.clock.seconds()
            timer = self.timers.start(delay, self.note, delay)
            self.clock.advance(timer.deadline - begin)
            self.assertEqual(self.names[-1:], [delay], f"{delay} at {begin}")
            self.assertFalse(timer.active)

    def test_lastBit(self) -> None:
        """
        Who compares the clock with the deadline when the timer fires does not find it short by the last bit: one
        that waits until the clock has reached a moment does not wait for ever.
        """
        random = Random(4)
        for _ in range(300):
            begin = self.clock.seconds()
            for delay in (0.5, 0.07, 1.1, 32.0, random.uniform(0, 1)):
                moment = begin + delay
                self.timers.at(moment, lambda moment: self.note(self.clock.seconds() >= moment), moment)
            self.step(begin + random.choice((33.3, 32.7, 34.123)))
        self.assertEqual(self.names, [True] * 1500)

    def test_sinceTheEpoch(self) -> None:
        """
        A reactor's clock shows seconds since 1970: none is early or a bucket late, and no call is made for nothing
        over and over.
        """
        self.clock.advance(1_790_000_000.123)
        begin = self.clock.seconds()
        random = Random(2)
        due = {n: random.uniform(0, 3) for n in range(500)} | {500 + n: n / 100 for n in range(300)}
        at: dict[int, float] = {}
        for name, delay in due.items():
            self.timers.start(delay, lambda name: at.setdefault(name, self.clock.seconds() - begin), name)
        self.step(begin + 4)
        self.assertEqual(sorted(at), sorted(due))
        for name, delay in due.items():
            self.assertTrue(delay - NOISE <= at[name] <= delay + BUCKET + NOISE, f"{delay} fired at {at[name]}")

    def test_order(self) -> None:
        """
        Timers fire in the order of their buckets; those of one bucket in the order of their start.
        """
        for name, delay in (("c", 0.5), ("a", 0.1), ("d", 0.5), ("b", 0.3), ("e", 0.496)):
            self.timers.start(delay, self.note, name)
        self.clock.advance(10)
        self.assertEqual(self.names, ["a", "b", "c", "d", "e"])

    def test_laterStartEarlierDeadline(self) -> None:
        """
        A timer that is due before all others fires in its own time.
        """
        self.timers.start(5, self.note, "late")
        self.timers.start(1, self.note, "early")
        self.timers.start(3, self.note, "between")
        self.step(10)
        self.assertEqual(self.fired, [(1, "early"), (3, "between"), (5, "late")])

    def test_past(self) -> None:
        """
        What was due already fires at once, but not from within the call that starts it.
        """
        self.clock.advance(10)
        for deadline in (10.0, 3.0, -1.0):
            self.timers.at(deadline, self.note, deadline)
        self.assertEqual(self.fired, [])
        self.clock.advance(0)
        self.assertEqual(sorted(self.names), [-1.0, 3.0, 10.0])

    def test_once(self) -> None:
        """
        A timer fires once, and is handed its argument, None by default.
        """
        argument = object()
        timer = self.timers.start(1, self.note, argument)
        self.timers.start(1, self.note)
        self.assertTrue(timer.active)
        self.step(100)
        self.assertEqual(self.names, [argument, None])
        self.assertFalse(timer.active)


class RepeatTests(TimerCase):
    def repeat(self, interval: float, count: int) -> list[Timer]:
        """A timer that starts itself again from the deadline that fired."""
        timers: list[Timer] = []

        def again(n: int) -> None:
            self.note(n)
            if n < count:
                timers.append(self.timers.at(timers[-1].deadline + interval, again, n + 1))

        timers.append(self.timers.start(interval, again, 1))
        return timers

    def test_noDrift(self) -> None:
        """
        Started again from the deadline that fired, a timer does not add up its lateness.
        """
        for interval in (0.5, 0.333, 0.0071, 4.0001):
            self.fired.clear()
            begin = self.clock.seconds()
            timers = self.repeat(interval, 1000)
            self.step(begin + 1001 * interval + 1)
            self.assertEqual(len(self.fired), 1000)
            for at, n in self.fired:
                late = at - begin - n * interval
                self.assertTrue(-NOISE <= late <= BUCKET + NOISE, f"{interval}: {n} is {late} late")
            self.assertAlmostEqual(timers[-1].deadline, begin + 1000 * interval, 6)

    def test_lateReactor(self) -> None:
        """
        Nor that of a reactor that comes late every time.
        """
        self.repeat(0.5, 100)
        for _ in range(100):
            self.clock.advance(0.5 + 0.13)
        self.assertEqual(self.names[-1], 100)

    def test_catchesUp(self) -> None:
        """
        What is due already when it is started again fires in the same turn.
        """
        self.repeat(1, 10)
        self.clock.advance(7.5)
        self.assertEqual(self.names, [1, 2, 3, 4, 5, 6, 7])


class CancelTests(TimerCase):
    def test_cancel(self) -> None:
        """
        What is cancelled does not fire; to cancel it again, or what has fired, is nothing.
        """
        timers = [self.timers.start(1, self.note, n) for n in range(3)]
        timers[1].cancel()
        timers[1].cancel()
        self.assertEqual(([t.active for t in timers], self.timers.count), ([True, False, True], 2))
        self.step(2)
        self.assertEqual(self.names, [0, 2])
        for timer in timers:
            timer.cancel()
        self.assertEqual(self.timers.count, 0)

    def test_empty(self) -> None:
        """
        When nothing runs there is no call in the reactor, whether the last one fired or was cancelled.
        """
        self.assertEqual(self.clock.getDelayedCalls(), [])
        for end in (Timer.cancel, lambda timer: self.step(timer.deadline)):
            timers = [self.timers.start(delay, self.note) for delay in (3, 1, 2, 1)]
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
            for timer in sorted(timers, key=lambda timer: timer.deadline):
                end(timer)
            self.assertEqual((self.clock.getDelayedCalls(), self.timers.count), ([], 0))

    def test_oneCall(self) -> None:
        """
        However many timers run, the reactor has one call.
        """
        random = Random(3)
        for _ in range(1000):
            self.timers.start(random.uniform(0, 100), self.note)
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_notWokenForTheCancelled(self) -> None:
        """
        A turn that finds only cancelled timers ahead does not wake the reactor for them.
        """
        cancelled = [self.timers.start(delay, self.note, "cancelled") for delay in (2, 3, 4)]
        self.timers.start(1, self.note, "first")
        self.timers.start(5, self.note, "last")
        for timer in cancelled:
            timer.cancel()
        self.step(1)
        self.assertEqual([round(call.getTime(), 6) for call in self.clock.getDelayedCalls()], [5])
        self.step(5)
        self.assertEqual(self.names, ["first", "last"])

    def test_cancelledThenEarlier(self) -> None:
        """
        After all were cancelled, new timers fire in their time.
        """
        for delay in (1, 5):
            self.timers.start(delay, self.note).cancel()
        self.timers.start(3, self.note, "new")
        self.step(3)
        self.assertEqual(self.fired, [(3, "new")])


class WithinTests(TimerCase):
    """What a callback may do to timers."""

    def later(self, delay: float, action: Callable[[], object]) -> Timer:
        """A timer whose callback does that."""
        return self.timers.start(delay, lambda _: action())

    def test_cancelItself(self) -> None:
        """
        A callback that cancels its own timer does nothing; the others are still counted.
        """
        mine = self.later(1, lambda: mine.cancel())
        self.timers.start(1, self.note, "same")
        self.timers.start(2, self.note, "next")
        self.step(1)
        self.assertEqual((self.names, self.timers.count), (["same"], 1))
        self.step(2)
        self.assertEqual(self.names, ["same", "next"])

    def test_cancelInTheSameBucket(self) -> None:
        """
        A timer that another of its bucket cancels does not fire; one that has fired already is not missed.
        """
        before = self.timers.start(1, self.note, "before")
        self.later(1, lambda: [timer.cancel() for timer in (before, behind)])
        behind = self.timers.start(1, self.note, "behind")
        self.timers.start(1, self.note, "last")
        self.step(1)
        self.assertEqual((self.names, self.timers.count), (["before", "last"], 0))

    def test_cancelTheLast(self) -> None:
        """
        A callback may cancel all that is left, in this bucket or another, and may start anew after it.
        """
        for delay in (1, 2):
            for anew in (False, True):
                begin = self.clock.seconds()
                self.fired.clear()

                others: list[Timer] = []

                def end(anew: bool = anew, others: list[Timer] = others) -> None:
                    others[0].cancel()
                    if anew:
                        self.timers.start(3, self.note, "anew")

                self.later(1, end)
                others.append(self.timers.start(delay, self.note, "other"))
                self.step(begin + 1)
                self.assertEqual((self.timers.count, len(self.clock.getDelayedCalls())), (anew, anew))
                self.step(begin + 10)
                self.assertEqual(self.fired, [(begin + 4, "anew")] if anew else [])

    def test_start(self) -> None:
        """
        A callback may start timers before, at, and after all that are there.
        """
        self.later(1, lambda: [self.timers.start(delay, self.note, delay) for delay in (0.5, 4, 9)])
        self.timers.start(5, self.note, "there")
        self.step(20)
        self.assertEqual(self.fired, [(1.5, 0.5), (5, "there"), (5, 4), (10, 9)])
        self.fired.clear()

    def test_startAtOnce(self) -> None:
        """
        One started by a callback for the same moment comes 10 ms later: a callback that always
        restarts at once neither holds up the reactor nor a clock that stands still.
        """

        def again() -> None:
            self.note("again")
            self.later(0, again)

        self.later(1, again)
        self.step(1)
        self.assertEqual(self.fired, [(1, "again")])
        self.clock.advance(0.01)
        self.assertEqual(len(self.fired), 2)

    def test_stop(self) -> None:
        """
        After a callback that stops all, none fires, not even of its own bucket.
        """
        self.later(1, self.timers.stop)
        for delay in (1, 1, 2):
            self.timers.start(delay, self.note, delay)
        self.step(1)
        self.assertEqual((self.timers.count, self.clock.getDelayedCalls()), (0, []))
        self.step(5)
        self.assertEqual(self.fired, [])

    def test_raise(self) -> None:
        """
        A callback that raises is logged; the others fire, in this bucket and later, and so does what it started.
        """

        class Quit(BaseException):
            pass

        for error in (ZeroDivisionError, Quit):
            begin = self.clock.seconds()
            self.fired.clear()

            def fail(error: type[BaseException] = error) -> None:
                self.timers.start(0.5, self.note, "own")
                raise error()

            self.timers.start(1, self.note, "before")
            self.later(1, fail)
            self.timers.start(1, self.note, "same")
            self.timers.start(2, self.note, "later")
            self.step(begin + 5)
            self.assertEqual(self.names, ["before", "same", "own", "later"])
            self.assertEqual(len(self.flushLoggedErrors(error)), 1)


class StopTests(TimerCase):
    def test_stop(self) -> None:
        """
        All are cancelled; the set can be used again, and stopped when nothing runs.
        """
        timers = [self.timers.start(delay, self.note, delay) for delay in (1, 1, 2, 30)]
        self.timers.stop()
        self.assertEqual((self.timers.count, self.clock.getDelayedCalls()), (0, []))
        self.assertFalse(any(timer.active for timer in timers))
        self.timers.stop()
        self.timers.start(5, self.note, "again")
        self.step(60)
        self.assertEqual(self.fired, [(5, "again")])


class MemoryTests(TimerCase):
    def test_cancelledReleaseTheirArguments(self) -> None:
        """
        What a cancelled or a fired timer held is let go at once, though the timer itself may wait for its bucket.
        """

        class Call:
            def end(self, _: Any) -> None:
                pass

        self.timers.start(3600, self.note, "keeps the set alive")
        for end in (Timer.cancel, lambda timer: self.clock.advance(32)):
            call, argument = Call(), Call()
            seen = [weakref.ref(call), weakref.ref(argument)]
            timer = self.timers.start(32, call.end, argument)
            del call, argument
            self.assertNotIn(None, [ref() for ref in seen])
            end(timer)
            gc.collect()
            self.assertEqual([ref() for ref in seen], [None, None])

    def test_cancelledDoNotPileUp(self) -> None:
        """
        Beside a timer that runs for long, a hundred thousand that were started and cancelled are gone when the
        last of their deadlines has passed; as long as they are there, they share buckets.
        """
        self.timers.start(3600, self.note, "long")
        for n in range(100_000):
            self.timers.start(32, self.note, n).cancel()
            if n % 1000 == 0:
                self.clock.advance(0.001)
        self.assertEqual(self.timers.count, 1)
        self.assertLess(len(self.timers._buckets), 20)
        self.timers.start(32.02, self.note, "short")
        self.step(33)
        self.assertEqual(self.names, ["short"])
        self.assertEqual([len(bucket) for bucket in self.timers._buckets.values()], [1])
        self.assertEqual(len(self.timers._order), 1)

    def test_nothingStaysWhenEmpty(self) -> None:
        """
        When the last timer is cancelled, all that were cancelled before are gone.
        """
        for n in range(1000):
            self.timers.start(n, self.note).cancel()
            self.assertEqual((self.timers._buckets, self.timers._order), ({}, []))


class ValuesTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """
        Table 4: T1 is 500 ms, T2 4 s, T4 5 s, timer D 32 s; section 17.2.1: the 100 waits 200 ms.
        """
        values = Configuration(aor="sip:a@example.com").timers
        self.assertEqual((values.T1, values.T2, values.T4, values.D, values.provisional), (0.5, 4, 5, 32, 0.2))
        self.assertEqual(values.transaction, 32)

    def test_transaction(self) -> None:
        """
        Table 4: timers B, F, H and J are 64*T1.
        """
        self.assertEqual(TimerValues(T1=0.25).transaction, 16)


class AfterTests(SynchronousTestCase):
    def test_after(self) -> None:
        """
        A plain call, with its arguments, that can be cancelled.
        """
        clock = Clock()
        called: list[tuple[int, int]] = []
        after(clock, 1, lambda *arguments: called.append(arguments), 1, 2)
        after(clock, 1, lambda *arguments: called.append(arguments), 3, 4).cancel()
        clock.advance(1)
        self.assertEqual(called, [(1, 2)])
