"""
What a state agent that has stopped does with what it was asked before.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.server.publishing import ALICE
from tests.server.watching import AgentCase, Watcher
from twisted_sipdialog.server.state_agent import StateAgent


class Thoughtful(StateAgent):
    """Thinks about each request until the test says yes."""

    def mayWatch(self, context, entity):
        self.thinking = Deferred()
        return self.thinking

    mayPublish = mayWatch


class AgentStopTests(AgentCase):
    agentFactory = Thoughtful

    def setUp(self):
        super().setUp()
        self.begin()

    def test_watched(self):
        """Nobody begins to watch what nothing is known of any more."""
        watcher = Watcher(self)
        self.agent_.stop()
        self.agent_.thinking.callback("active")
        self.network.advance(0.01)
        self.assertEqual((watcher.status, watcher.count), (503, 0))

    def test_published(self):
        """Nor is anything published then."""
        request = self.send(b"hello", uri=ALICE)
        self.network.advance(0.01)
        self.agent_.stop()
        self.agent_.thinking.callback(True)
        self.assertEqual(self.finalTo(request).statusCode, 503)
