"""
The hosts of a simulated network, their names, and what happens to bytes on the way between them.

Nothing here knows of user agents: whatever runs on a reactor runs on a
L{MemoryReactor} of these wires.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.task import Clock

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Request, Response, parseMessage
from twisted_sipdialog.testing.ladder import Ladder, describe
from twisted_sipdialog.testing.reactor import MemoryReactor
from twisted_sipdialog.timers import after

if TYPE_CHECKING:
    from twisted_sipdialog.testing.connections import End

#: Host n gets an address of the ranges for documentation (RFC 5737).
_NETS = ("192.0.2.", "198.51.100.", "203.0.113.")
_PER_NET = 254
#: Seconds by which sums of floats may miss each other: three times 0.1 is due when 0.3 have passed.
_NOISE = 1e-9


class Sighting:
    """
    A message on its way, as the predicates of L{Wires.drop} and L{Wires.delay} see it.

    It has every attribute of the L{Request} or L{Response} itself (C{m.cseqMethod},
    C{m.headers}, C{m.toTag}, ...) and never lacks these:

    @ivar method: the method of a request, None for a response.
    @ivar statusCode: the status of a response, None for a request.
    @ivar sender: name of the host it left.
    @ivar receiver: name of the host it goes to.
    @ivar message: the L{Request} or L{Response}.
    """

    def __init__(self, message: Request | Response, sender: str, receiver: str) -> None:
        self.message = message
        self.method = message.method if isinstance(message, Request) else None
        self.statusCode = message.statusCode if isinstance(message, Response) else None
        self.sender = sender
        self.receiver = receiver

    def __getattr__(self, name: str) -> Any:
        return getattr(self.message, name)


@attrs.define
class _Rule:
    """What one drop() or delay() asked for; C{seconds} is None for a drop."""

    predicate: Callable[[Sighting], object]
    times: int
    seconds: float | None


class Wires:
    """
    Hosts and the wires between them.

    The rates may be changed at any time; they act on what is sent from then on.

    @ivar clock: the L{Clock} of all hosts.
    @ivar latency: seconds each way.
    @ivar loss: probability that a datagram is lost.
    @ivar duplication: probability that a datagram arrives twice.
    @ivar reorder: probability that a datagram is overtaken: it takes up to C{reorderDelay} seconds longer.
    @ivar reorderDelay: seconds.
    @ivar mtu: datagrams of more bytes are lost; None for no such limit.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        latency: float = 0.01,
        loss: float = 0.0,
        duplication: float = 0.0,
        reorder: float = 0.0,
        reorderDelay: float = 0.05,
        seed: int = 0,
        mtu: int | None = None,
    ) -> None:
        self.clock = Clock() if clock is None else clock
        self.latency = latency
        self.loss = loss
        self.duplication = duplication
        self.reorder = reorder
        self.reorderDelay = reorderDelay
        self.mtu = mtu
        self._seed = seed
        self._random = random.Random(seed)
        self._names: dict[str, MemoryReactor] = {}
        self._addresses: dict[str, MemoryReactor] = {}
        self._rules: list[_Rule] = []
        self._parted: set[frozenset[MemoryReactor]] = set()
        self._held: list[tuple[frozenset[MemoryReactor], Callable[[], None]]] = []
        self._ladder = Ladder(self.clock)
        #: Open ends of connections, in the order they were opened.
        self.ends: list[End] = []

    def host(self, name: str) -> MemoryReactor:
        """
        The reactor of the host called C{name}, which is made when it is asked for first.

        Each host has one IPv4 and one IPv6 address of the ranges for documentation; a host
        whose name is a literal address has that one.
        """
        key = _normal(name)
        host = self._names.get(key)
        if host is None:
            number = len(self._names) + 1
            while True:
                if number > len(_NETS) * _PER_NET:
                    raise ValueError(f"{name}: the network is full")
                net, rest = divmod(number - 1, _PER_NET)
                ipv4, ipv6 = f"{_NETS[net]}{rest + 1}", f"2001:db8::{number:x}"
                if isIPAddress(key):
                    ipv4 = key
                elif isIPv6Address(key):
                    ipv6 = key
                if ipv4 not in self._addresses and ipv6 not in self._addresses:
                    break
                number += 1
            host = MemoryReactor(self, key, ipv4, ipv6)
            self._names[key] = self._addresses[ipv4] = self._addresses[ipv6] = host
        return host

    def lookup(self, name: str) -> MemoryReactor | None:
        """The host with that name or address, or None."""
        key = _normal(name)
        return self._addresses.get(key) or self._names.get(key)

    def hosts(self) -> list[MemoryReactor]:
        """All hosts, in the order they were made."""
        return list(self._names.values())

    def advance(self, seconds: float) -> None:
        """
        Let C{seconds} pass, from deadline to deadline: everything happens at its exact time, also what
        is started on the way (a L{Clock.advance} of the whole time would let all of it happen late).
        """
        end = self.clock.seconds() + seconds
        while self.step(end):
            pass
        self.clock.advance(max(0.0, end - self.clock.seconds()))

    def step(self, end: float) -> bool:
        """
        Move the clock to the next deadline.

        @param end: the time beyond which not to move it.
        @return: False when nothing is due until then.
        """
        deadline = min((call.getTime() for call in self.clock.getDelayedCalls()), default=None)
        if deadline is None or deadline > end + _NOISE:
            return False
        self.clock.advance(max(0.0, deadline - self.clock.seconds()))
        return True

    def drop(self, predicate: Callable[[Sighting], object], times: int = 1) -> None:
        """
        Lose the next C{times} datagrams for whose message C{predicate} is true::

            network.drop(lambda m: m.statusCode == 200 and m.cseqMethod == "INVITE")

        Bytes on a connection are never lost: see L{reset} and L{partition} for those.

        @param predicate: called with a L{Sighting} of each message sent, until C{times} were lost.
        """
        self._rules.append(_Rule(predicate, times, None))

    def delay(self, predicate: Callable[[Sighting], object], seconds: float, times: int = 1) -> None:
        """
        Let the next C{times} datagrams for whose message C{predicate} is true take C{seconds} longer, so
        that others overtake them.

        @param predicate: as for L{drop}.
        """
        self._rules.append(_Rule(predicate, times, seconds))

    def partition(self, a: Any, b: Any) -> None:
        """
        Cut C{a} off from C{b}, until L{heal}: datagrams sent meanwhile are lost; what is sent on
        connections waits, and so do attempts to connect, until they run into their time-out.  An end
        that is aborted meanwhile leaves the other one half open.

        @param a: a user agent, a scripted peer, or the name of a host.
        @param b: likewise.
        """
        self._parted.add(self._pair(a, b))
        self._ladder.note(f"{self.hostOf(a).name} and {self.hostOf(b).name} are parted")

    def heal(self, a: Any = None, b: Any = None) -> None:
        """
        Undo the L{partition} of C{a} and C{b}; without them, undo all.
        """
        self._parted = set() if a is None else self._parted - {self._pair(a, b)}
        self._ladder.note("healed" if a is None else f"{self.hostOf(a).name} and {self.hostOf(b).name} are healed")
        held, self._held = self._held, []
        for pair, depart in held:
            if pair in self._parted:
                self._held.append((pair, depart))
            else:
                depart()

    def reset(self, a: Any, b: Any) -> None:
        """
        Reset every connection between C{a} and C{b}: both ends lose it at once.

        @param a: as for L{partition}.
        @param b: likewise.
        """
        pair = self._pair(a, b)
        self._ladder.note(f"connections of {self.hostOf(a).name} and {self.hostOf(b).name} are reset")
        for end in list(self.ends):
            if frozenset((end.reactor, end.peer.reactor)) == pair:
                end.resetArrived()

    def hostOf(self, party: Any) -> MemoryReactor:
        """The host that a name, an address or a L{MemoryReactor} stands for."""
        if isinstance(party, MemoryReactor):
            return party
        host = self.lookup(party)
        if host is None:
            raise ValueError(f"{party!r}: no such host in this network")
        return host

    def _pair(self, a: Any, b: Any) -> frozenset[MemoryReactor]:
        return frozenset((self.hostOf(a), self.hostOf(b)))

    def isParted(self, a: MemoryReactor, b: MemoryReactor) -> bool:
        """No way between these hosts now."""
        return frozenset((a, b)) in self._parted

    def hold(self, a: MemoryReactor, b: MemoryReactor, depart: Callable[[], None]) -> None:
        """Call C{depart} when the partition of these hosts is healed."""
        self._held.append((frozenset((a, b)), depart))

    def carry(self, sender: MemoryReactor, source: tuple[str, int], data: bytes, destination: tuple[str, int]) -> None:
        """Take a datagram to where it goes, unless it is lost."""
        receiver = self.lookup(destination[0])
        if receiver is None:
            self._ladder.note(f"lost, no host has that address: {describe(data)} to {destination[0]}")
            return
        extra, lost = self._rule(data, sender, receiver)
        if self.isParted(sender, receiver):
            lost = "parted"
        elif self.mtu is not None and len(data) > self.mtu:
            lost = f"{len(data)} bytes"
        elif self.loss and self._random.random() < self.loss:
            lost = "by chance"
        if lost:
            self._ladder.note(f"lost, {lost}: {describe(data)} from {sender.name} to {receiver.name}")
            return
        copies = 2 if self.duplication and self._random.random() < self.duplication else 1
        for _ in range(copies):
            late = self.reorder and self._random.random() < self.reorder
            swing = self._random.uniform(0.0, self.reorderDelay) if late else 0.0
            after(self.clock, self.latency + extra + swing, receiver.datagramArrived, data, source, destination)

    def _rule(self, data: bytes, sender: MemoryReactor, receiver: MemoryReactor) -> tuple[float, str]:
        """How much longer the rules let this datagram take, and why it is lost, if it is."""
        if not self._rules:
            return 0.0, ""
        try:
            sighting = Sighting(parseMessage(data), sender.name, receiver.name)
        except ParseError:
            return 0.0, ""
        for rule in self._rules:
            if self._applies(rule, sighting):
                rule.times -= 1
                if rule.times <= 0:
                    self._rules.remove(rule)
                return (0.0, "dropped") if rule.seconds is None else (rule.seconds, "")
        return 0.0, ""

    def _applies(self, rule: _Rule, sighting: Sighting) -> bool:
        try:
            return bool(rule.predicate(sighting))
        except Exception as error:
            # A transport takes what write() raises for a network error: raise it where the test sees it.
            after(self.clock, 0, _raise, error)
            return False


def _raise(error: Exception) -> None:
    raise error


def _normal(name: str) -> str:
    """Names compare without case and final dot; addresses in one spelling."""
    if isIPv6Address(name):
        return str(ip_address(name))
    return name.lower().removesuffix(".")
