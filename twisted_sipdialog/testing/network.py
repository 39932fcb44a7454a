"""
A network of real user agents in memory, on a virtual clock.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import maybeDeferred
from twisted.python.failure import Failure

from twisted_sipdialog.configuration import Configuration
from twisted_sipdialog.testing.ladder import LadderObserver
from twisted_sipdialog.testing.reactor import MemoryReactor
from twisted_sipdialog.testing.wires import Wires

if TYPE_CHECKING:
    from twisted_sipdialog.testing.scripted import ScriptedPeer
    from twisted_sipdialog.useragent import UserAgent

#: Seconds of virtual time after which L{MemoryNetwork.assertQuiet} waits no longer: ten minutes, longer
#: than any timer of RFC 3261.
QUIET_TIME = 600.0
_DEFAULT_PORT = 5060


@attrs.frozen(eq=False)
class _Member:
    """A party of the network."""

    name: str
    aor: str
    host: MemoryReactor
    address: tuple[str, int]


class MemoryNetwork(Wires):
    """
    Two or more real user agents, the wires between them, and a clock that only tests move.

    The agents are those of production, down to their transports; only the reactor
    below them is simulated.  Waiting costs nothing, so a test of a 32-second timer takes
    milliseconds, and everything is decided by C{seed}: the same seed and the same calls
    give the same run::

        class BusyTests(SynchronousTestCase):
            def test_refused(self):
                network = MemoryNetwork(latency=0.01, loss=0.2, seed=7)
                self.addCleanup(network.assertQuiet)
                alice = network.userAgent("sip:alice@a.example")
                network.userAgent("sip:desk@b.example")
                calling = alice.invite("sip:desk@b.example", body=b"offer")
                network.advance(60)
                error = self.failureResultOf(calling, ResponseError).value
                self.assertEqual(error.statusCode, 480, network.ladder())

    Each host has an address of the ranges for documentation (192.0.2.0/24, 2001:db8::/32), and
    its name is found by every resolver of the network.  Loss, duplication, reordering, L{drop},
    L{delay} and C{mtu} act on datagrams only; connections deliver everything, in order, or break.

    @ivar seed: what all randomness comes from.
    """

    def __init__(
        self,
        clock: Any = None,
        latency: float = 0.01,
        loss: float = 0.0,
        duplication: float = 0.0,
        reorder: float = 0.0,
        reorderDelay: float = 0.05,
        seed: int = 0,
        mtu: int | None = None,
    ) -> None:
        """
        @param clock: a L{twisted.internet.task.Clock} that a delegate under test has too; by default a new
            one, C{network.clock}.
        @param latency: seconds each way.
        @param loss: probability that a datagram is lost.
        @param duplication: probability that a datagram arrives twice.
        @param reorder: probability that a datagram takes up to C{reorderDelay} seconds longer than others.
        @param reorderDelay: seconds.
        @param seed: of all randomness, that of the agents included.
        @param mtu: bytes beyond which datagrams are lost; None for no limit.
        """
        super().__init__(clock, latency, loss, duplication, reorder, reorderDelay, seed, mtu)
        self.seed = seed
        self._members: dict[Any, _Member] = {}
        self._agents: list[UserAgent] = []
        self._peers: list[ScriptedPeer] = []

    def userAgent(self, aor: str, delegate: Any = None, **settings: Any) -> UserAgent:
        """
        A running L{UserAgent} on the host that its address of record names.

        It listens on UDP and TCP at the port in C{aor}, else at 5060, or the next free one
        when another agent of that host has it.

        @param aor: its address of record, C{sip:desk@b.example}.
        @param delegate: as for L{UserAgent}.
        @param settings: any of L{Configuration}.
        @raise ListenError: its ports could not be opened.
        """
        from twisted_sipdialog.useragent import UserAgent

        uri = Configuration(aor=aor).aor
        host = self.host(uri.host.strip("[]"))
        if "listen" not in settings:
            port = uri.port or _DEFAULT_PORT
            while host.portAt("UDP", host.ipv4, port) or host.portAt("TCP", host.ipv4, port):
                port += 1
            # Told its address, an agent need not ask the operating system which one reaches a peer.
            settings["listen"] = [f"{kind}:{port}:interface={host.ipv4}" for kind in ("udp", "tcp")]
        name = self._freeName(f"{uri.user}@{host.name}" if uri.user else host.name)
        agent = UserAgent(
            host,
            Configuration(aor=aor, **settings),
            delegate,
            random=random.Random(f"{self.seed} {name}"),
            observer=LadderObserver(self._ladder, name),
        )
        before = len(host.ports)
        agent.startService()
        failures: list[Failure] = []
        agent.whenListening().addErrback(failures.append)
        if failures:
            failures[0].raiseException()
        opened = [listening.getHost() for listening in host.ports[before:]]
        address = (opened[0].host, opened[0].port) if opened else (host.ipv4, _DEFAULT_PORT)
        self._members[agent] = _Member(name, str(uri), host, address)
        self._agents.append(agent)
        return agent

    def join(self, peer: ScriptedPeer, aor: str) -> LadderObserver:
        """
        Done by L{ScriptedPeer}: it takes part, but L{assertQuiet} does not ask what it left open.
        """
        self._members[peer] = _Member(peer.reactor.name, aor, peer.reactor, peer.address)
        self._peers.append(peer)
        return LadderObserver(self._ladder, peer.reactor.name)

    def _freeName(self, name: str) -> str:
        taken = {member.name for member in self._members.values()}
        return name if name not in taken else f"{name}#{len(taken)}"

    def addressOf(self, party: UserAgent | ScriptedPeer) -> tuple[str, int]:
        """
        Address and port that C{party} listens on: the first one, when there are several.
        """
        return self._members[party].address

    def aorOf(self, party: UserAgent | ScriptedPeer) -> str:
        """
        The address of record of C{party}.
        """
        return self._members[party].aor

    def hostOf(self, party: Any) -> MemoryReactor:
        """The host of a user agent or scripted peer, or the one that a name or an address stands for."""
        if isinstance(party, (str, MemoryReactor)):
            return super().hostOf(party)
        return self._members[party].host

    def seenBy(self, party: UserAgent | ScriptedPeer) -> list[str]:
        """
        What C{party} sent and received so far, in that order::

            ["> INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK"]

        Requests stand with their method, responses with their status and the method they answer.
        Retransmissions stand as often as they were seen; what was lost on its way, only where it was sent.
        """
        return self._ladder.seenBy(self._members[party].name)

    def clearSeen(self) -> None:
        """Begin the ladder anew: what was seen so far is of no interest."""
        self._ladder.clear()

    def ladder(self) -> str:
        """
        All messages that all parties saw, and what the network did to them, one line each with the time
        in seconds: the text to give as the message of an assertion.
        """
        return self._ladder.text()

    def assertQuiet(self) -> None:
        """
        Stop the agents, let the clock run until nothing is due (ten minutes at most), and see that
        nothing is left: no dialog, transaction or timer of an agent, no open port or connection, no
        delayed call on the clock, not even one of the application.  Mostly a test's clean-up::

            self.addCleanup(network.assertQuiet)

        @raise AssertionError: naming everything that is left, with the ladder.
        """
        stopping = [(agent, maybeDeferred(agent.stopService)) for agent in self._agents if agent.running]
        end = self.clock.seconds() + QUIET_TIME
        while self.step(end):
            pass
        left: list[str] = []
        for agent, stopped in stopping:
            outcome: list[object] = []
            stopped.addBoth(outcome.append)
            if not outcome:
                left.append(f"{self._members[agent].name}: stopService() has not finished")
            elif isinstance(outcome[0], Failure):
                left.append(f"{self._members[agent].name}: stopService() failed: {outcome[0].value!r}")
        for agent in self._agents:
            left += [f"{self._members[agent].name}: {text}" for text in agent.leftovers()]
        left += self._openOnHosts() + self._delayedCalls()
        if left:
            lines = "\n".join(f"  {line}" for line in left)
            raise AssertionError(f"the network is not quiet; left:\n{lines}\nladder:\n{self.ladder()}")

    def _openOnHosts(self) -> list[str]:
        peers = {peer.reactor for peer in self._peers}
        watched = [host for host in self.hosts() if host not in peers]
        ports = [f"open: {listening!r}" for host in watched for listening in host.ports]
        return ports + [f"open: {end!r}" for end in self.ends if end.reactor in watched]

    def _delayedCalls(self) -> list[str]:
        now = self.clock.seconds()
        calls = self.clock.getDelayedCalls()
        return [f"delayed call, due in {c.getTime() - now:.3f} s: {getattr(c, 'func', c)!r}" for c in calls]
