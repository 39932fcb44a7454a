"""
What the tests of the state agent share: the agent, a scripted publisher, and scripted watchers.
"""

from __future__ import annotations

from typing import Any

from tests.server.publishing import ALICE, CompositorCase, Words
from twisted_sipdialog.server.state_agent import StateAgent
from twisted_sipdialog.testing import ScriptedPeer


class Watcher:
    """
    A scripted subscriber to Alice's words.

    @ivar subscribe: its SUBSCRIBE.
    """

    def __init__(self, case: AgentCase, expires="600", uri=ALICE, **headers: Any) -> None:
        self.case = case
        self.peer = ScriptedPeer(case.network)
        lines = {
            "To": f"<{uri}>",
            "Event": "words",
            "Expires": expires,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        self.subscribe = self.peer.request("SUBSCRIBE", case.server, uri=uri, headers=lines)
        case.network.advance(0.01)

    @property
    def answers(self) -> list[Any]:
        """The final responses to what it sent."""
        return [message for message in self.peer.received if getattr(message, "statusCode", 0) >= 200]

    @property
    def status(self) -> int:
        """How its SUBSCRIBE was answered."""
        (answer,) = self.answers
        return int(answer.statusCode)

    def told(self, code: int = 200) -> tuple[str, bytes, str | None]:
        """What the next NOTIFY says: state, body, and its type; it is answered with C{code}."""
        notify = self.peer.expect("NOTIFY")
        self.peer.respond(notify, code)
        self.case.network.advance(0.01)
        headers = notify.headers
        state = headers.typed("subscription-state")
        self.notify = notify
        return state.reason or state.state, notify.body, headers.get("content-type")

    def says(self, expires: str, **headers: Any) -> None:
        """A further SUBSCRIBE in its dialog."""
        ok = next(answer for answer in self.answers if answer.statusCode < 300)
        lines = {"Event": "words", "Expires": expires, **headers}
        self.peer.request("SUBSCRIBE", within=ok, headers=lines)
        self.case.network.advance(0.01)

    def leave(self) -> None:
        """The end."""
        self.says("0")
        self.told()

    @property
    def count(self) -> int:
        """How many NOTIFYs it got."""
        return len({m.cseqNumber for m in self.peer.received if getattr(m, "method", "") == "NOTIFY"})


class AgentCase(CompositorCase):
    """
    A state agent at b.example, with Words.
    """

    agentFactory: Any = StateAgent

    def begin(self, packages=None, factory=None, **settings) -> Any:
        """Begin with an agent."""
        packages = [Words()] if packages is None else packages
        agent = self.agent_ = (factory or self.agentFactory)(self.network.clock, packages, **settings)
        self.addCleanup(self.end)
        self.service.stateAgent = agent
        self.server = self.network.userAgent("sip:b.example:5070", agent)
        self.service.compositor = agent.compositor
        return agent

    def end(self):
        """The agent stops, and watchers that a test leaves are gone."""
        self.agent_.stop()
        self.network.advance(40)
        self.assertEqual((self.agent_._watchers, self.agent_._watching, self.agent_._telling), ({}, {}, {}))
        self.assertEqual(self.server.leftovers(), [])
