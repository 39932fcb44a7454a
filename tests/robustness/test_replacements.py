"""
One call takes the place of another by chance: whatever crosses whatever, nothing is left and nothing is told twice.
"""

from __future__ import annotations

import os
import random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.ua.callee import ANSWER, OFFER, later
from tests.ua.replacing import Replaceable
from tests.ua.test_invite_server import Slow
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import SipError
from twisted_sipdialog.message import Request
from twisted_sipdialog.message.event_fields import Replaces
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

#: How many; SIPUA_REPLACEMENTS=25000 for a minute.
RUNS = int(os.environ.get("SIPUA_REPLACEMENTS", "500"))
#: What happens, each at most once, in any order, but for the INVITEs, which come early.
STEPS = (
    "invite",
    "inviteToo",
    "accept",
    "acceptToo",
    "described",
    "refuse",
    "cancel",
    "final",
    "bye",
    "destroy",
    "hold",
)


class Run:
    """
    A call, ours that rings at the peer or one of the peer that stands, and Carol, who wants its place.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.network = MemoryNetwork(latency=0.0, seed=seed)
        self.peer, self.carol = ScriptedPeer(self.network), ScriptedPeer(self.network)
        self.own, self.app = Replaceable(), Replaceable(later)
        forks = self.chance.choice(["first", "all"])
        self.agent = self.network.userAgent("sip:desk@b.example", self.app, ringTimeout=20.0, forkedAnswers=forks)
        self.slow = Slow()
        self.invites: list[Request] = []
        self.done: list[str] = []
        self._seen: set[int] = set()
        self.isOurs = self.chance.random() < 0.6
        self.old = self._dial() if self.isOurs else self._isCalled()
        self.contexts = len(self.app.contexts)

    def _dial(self) -> Any:
        context = self.agent.inviteContext("sip:peer@peer.example", body=OFFER, delegate=self.own)
        context.whenAnswered().addErrback(lambda _: None)
        self.first = self.peer.expect("INVITE")
        self.tags = ["a", "b"][: self.chance.choice([1, 2])]
        for tag in self.tags:
            self._respond(180, tag)
            self.network.advance(0.01)
        return context.dialogs[0]

    def _respond(self, code: int, tag: str) -> None:
        to = f"{self.first.headers.get('to')};tag={tag}"
        self.peer.respond(self.first, code, headers={"To": to}, body=ANSWER if code == 200 else b"")

    def _isCalled(self) -> Any:
        self.peer.request("INVITE", self.agent, body=OFFER)
        self.network.advance(0.01)
        self.app.context.accept(body=ANSWER, delegate=self.own).addErrback(lambda _: None)
        self.ok = self.peer.expect("200 INVITE")
        return self.app.dialog

    def play(self) -> None:
        """Some of the steps, then time enough for all that they led to."""
        steps = self.chance.sample(STEPS[2:], self.chance.randint(1, 6))
        for step in ("invite", "inviteToo"):
            steps.insert(self.chance.randint(0, 2), step)
        for step in steps:
            self.done.append(step)
            try:
                getattr(self, f"_{step}")()
            except SipError as error:
                self.done.append(type(error).__name__)  # too late for it
            if self.chance.random() < 0.8:
                self.network.advance(self.chance.choice([0.001, 0.01, 0.5]))
            if self.chance.random() < 0.7:
                self._answer()
        for seconds in (*[0.01] * 5, *[2.0] * 50):
            self.network.advance(seconds)
            self._answer()
        for dialog in self.agent.dialogs:
            dialog.destroy()
        for seconds in (*[0.01] * 5, 70.0):
            self.network.advance(seconds)
            self._answer()

    def _invite(self) -> None:
        sip = self.old.sip
        named = str(Replaces(sip.callId, sip.localTag, sip.remoteTag, self.chance.random() < 0.4))
        self.invites.append(self.carol.request("INVITE", self.agent, headers={"Replaces": named}, body=OFFER))

    _inviteToo = _invite

    def _accept(self, place: int = 0) -> None:
        for context in self.app.contexts[self.contexts + place :][:1]:
            how: dict[str, Any] = self.chance.choice([{"body": ANSWER}, {"media": lambda _: self.slow}])
            context.accept(**how).addErrback(lambda failure: failure.trap(SipError))

    def _acceptToo(self) -> None:
        self._accept(1)

    def _described(self) -> None:
        if self.slow.waiting is not None and not self.slow.waiting.called:
            self.slow.waiting.callback(None)

    def _refuse(self) -> None:
        for context in self.app.contexts[self.contexts :][:1]:
            context.reject(486)

    def _cancel(self) -> None:
        for invite in self.invites[:1]:
            self.carol.cancel(invite)

    def _final(self) -> None:
        if self.isOurs:
            self._respond(self.chance.choice([200, 486]), self.chance.choice(self.tags))
        else:
            self.peer.ack(self.ok)

    def _bye(self) -> None:
        if self.isOurs:
            self.peer.request("BYE", within=self.first, headers={"From": f"{self.first.headers.get('to')};tag=a"})
        else:
            self.peer.request("BYE", within=self.ok)

    def _destroy(self) -> None:
        self.old.destroy().addErrback(lambda failure: failure.trap(SipError))

    def _hold(self) -> None:
        self.old.modify("hold").addErrback(lambda failure: failure.trap(SipError))

    def _answer(self) -> None:
        """What peers owe: a response, or an ACK."""
        for peer in (self.peer, self.carol):
            for message in [m for m in peer.received if id(m) not in self._seen]:
                self._seen.add(id(message))
                if isinstance(message, Request):
                    if message.method == "CANCEL":
                        self._respond(487, "a")
                    if message.method in ("BYE", "CANCEL"):
                        peer.respond(message, 200)
                    elif message.method == "INVITE" and message.toTag:
                        peer.respond(message, 491)
                elif message.cseqMethod == "INVITE" and message.statusCode >= (200 if peer is self.carol else 300):
                    peer.ack(message)

    def wrong(self) -> list[str]:
        """What must not be."""
        found = self.agent.leftovers()
        for notes in (self.own, self.app):
            ended = [id(dialog) for what, dialog, _ in notes.told if what == "terminated"]
            if len(ended) != len(set(ended)):
                found.append("an end was told twice")
        if len(self.app.replaced) > 1:
            found.append("replaced twice")
        if not self.app.replaced and self.old.ended.reason is Reason.REPLACED:
            found.append("replaced, and nobody was told")
        if self.slow.waiting is not None and not self.slow.closed:
            found.append("a description was not closed")
        return found


class ChanceTests(SynchronousTestCase):
    def test_byChance(self) -> None:
        """RFC 3891 section 3, with every crossing there is."""
        taken = 0
        for seed in range(RUNS):
            run = Run(seed)
            run.play()
            wrong = run.wrong()
            self.assertEqual(wrong, [], f"seed {seed}: {run.done}\n{run.network.ladder()}")
            run.network.assertQuiet()
            taken += len(run.app.replaced)
        self.assertGreater(taken, RUNS // 20)
