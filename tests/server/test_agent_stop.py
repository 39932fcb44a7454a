"""
What a state agent does with what it was asked once it has stopped, or where its answer comes too late.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.server.publishing import ALICE
from tests.server.watching import AgentCase, Watcher
from twisted_sipdialog.server.state_agent import StateAgent


class Thoughtful(StateAgent):
    """Thinks about each request until the test says yes."""

    def __init__(self, *how, **more):
        super().__init__(*how, **more)
        self.givenUp = 0

    def mayWatch(self, context, entity):
        self.thinking = Deferred(self.isGivenUp)
        return self.thinking

    def isGivenUp(self, _):
        self.givenUp += 1

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

    def test_tooLate(self):
        """Who is asked who may do what, and does not know in time, need not go on: the request got its 500."""
        watcher = Watcher(self)
        self.network.advance(40)
        self.assertEqual((watcher.status, self.agent_.givenUp), (500, 1))
        self.send(b"hello", uri=ALICE)
        self.network.advance(40)
        self.assertEqual(self.agent_.givenUp, 2)
        self.assertEqual(self.flushLoggedErrors(), [])
