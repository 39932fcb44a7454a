"""
What one source, and all together, may keep open (RFC 3261 section 21.5.4).
"""

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, later
from twisted_sipdialog.configuration import LoadLimits
from twisted_sipdialog.testing import ScriptedPeer


class RoomTests(CalleeTestCase):
    def test_source(self):
        """Beyond invitesPerSource: 503 with Retry-After for that source; others, and other methods, are served."""
        callee = Callee(later)
        agent = self.agent(callee, loadLimits=LoadLimits(invitesPerSource=3, retryAfter=7))
        for _ in range(3):
            self.peer.request("INVITE", agent, body=OFFER)
        refused = self.final("INVITE", agent, body=OFFER)
        self.assertEqual((refused.statusCode, refused.headers.get("retry-after")), (503, "7"))
        self.assertEqual(self.final("OPTIONS", agent).statusCode, 200)
        self.assertEqual(len(callee.contexts), 3)
        self.peer = ScriptedPeer(self.network)
        self.peer.request("INVITE", agent, body=OFFER)
        self.network.advance(0.01)
        self.assertEqual(len(callee.contexts), 4)
        for context in callee.contexts:
            context.reject(486)
        self.assertEqual([line for line in agent.leftovers() if "sources" in line], [])

    def test_sameTag(self):
        """8.2.7: each copy of what is refused without state gets the same To tag."""
        agent = self.agent(Callee(later), loadLimits=LoadLimits(dialogs=0))
        invite = self.peer.request("INVITE", agent, body=OFFER)
        self.peer.send(invite.toBytes(), agent)
        tags = {self.peer.expect("503 INVITE").toTag for _ in range(2)}
        self.assertEqual(len(tags), 1)
        self.assertNotIn("", tags)

    def test_again(self):
        """What was answered counts no more, however it was answered."""
        verbs = [
            lambda context: context.reject(486),
            lambda context: context.accept(body=ANSWER),
            lambda context: None,
        ]
        for verb in verbs:
            callee = Callee(later)
            agent = self.network.userAgent("sip:x@c.example", callee, loadLimits=LoadLimits(invitesPerSource=1))
            for _ in range(5):
                invite = self.peer.request("INVITE", agent, body=OFFER)
                self.network.advance(0.01)
                verb(callee.context)
                if not callee.context.answered:
                    self.peer.cancel(invite)
                elif callee.context.response.statusCode == 200:
                    self.peer.ack(self.peer.expect("200 INVITE"))
                self.network.advance(0.01)
            self.assertEqual(len(callee.contexts), 5)
            self.assertEqual([line for line in agent.leftovers() if "sources" in line], [])

    def test_unacknowledged(self):
        """An answered INVITE counts until its ACK: a forged source would draw our 2xx to whom it names."""
        agent = self.agent(Callee(), loadLimits=LoadLimits(invitesPerSource=1))
        self.peer.request("INVITE", agent, body=OFFER)
        ok = self.peer.expect("200 INVITE")
        self.assertEqual(self.final("INVITE", agent, body=OFFER).statusCode, 503)
        self.peer.ack(ok)
        self.assertEqual(self.final("INVITE", agent, body=OFFER).statusCode, 200)

    def test_dialogs(self):
        """Beyond so many dialogs: 503; when one ends, the next is served."""
        callee = Callee()
        agent = self.agent(callee, loadLimits=LoadLimits(dialogs=2))
        oks = []
        for _ in range(2):
            self.peer.request("INVITE", agent, body=OFFER)
            oks.append(self.peer.expect("200 INVITE"))
            self.peer.ack(oks[-1])
        refused = self.final("INVITE", agent, body=OFFER)
        self.assertEqual((refused.statusCode, refused.headers.get("retry-after")), (503, "5"))
        self.finalTo(self.peer.request("BYE", within=oks[0]))
        self.assertEqual(self.final("INVITE", agent, body=OFFER).statusCode, 200)

    def test_flood(self):
        """A thousand INVITEs of one source: no more are kept than the limit says, and all are through in the end."""
        callee = Callee(later)
        agent = self.agent(callee, loadLimits=LoadLimits(invitesPerSource=10, serverTransactions=50))
        for _ in range(1000):
            self.peer.request("INVITE", agent, body=OFFER)
        self.network.advance(0.1)
        self.assertEqual(len(callee.contexts), 10)
        self.assertLessEqual(len([line for line in agent.leftovers() if "InviteServer" in line]), 50)
        self.network.advance(120)
        self.assertEqual(agent.leftovers(), [])
