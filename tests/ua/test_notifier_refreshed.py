"""
What a delegate tells while a subscription of a peer is refreshed (RFC 6665 section 4.2.1.2).
"""

from tests.ua.callee import CalleeTestCase
from twisted_sipdialog import UserAgentDelegate


class Telling(UserAgentDelegate):
    """
    Accepts each subscription; what it does when one is refreshed is what the test says.
    """

    def subscribeReceived(self, context):
        context.accept(body=b"first", contentType="text/plain", interval=self.interval, delegate=self)

    def notifierRefreshed(self, notifier, request):
        self.refreshed(notifier)

    def notifierTerminated(self, notifier, end):
        pass


class RefreshedTests(CalleeTestCase):
    def refresh(self, refreshed, interval=0.0, seconds=10):
        """What the NOTIFYs say that follow a refresh in which C{refreshed(notifier)} is called: state and body."""
        delegate = Telling()
        delegate.interval, delegate.refreshed = interval, refreshed
        agent = self.agent(delegate)
        self.peer.request("SUBSCRIBE", agent, headers={"Event": "words", "Expires": "600"})
        ok = self.peer.expect("200 SUBSCRIBE")
        self.peer.respond(self.peer.expect("NOTIFY"), 200)
        self.network.advance(seconds)
        self.peer.request("SUBSCRIBE", within=ok, headers={"Event": "words", "Expires": "600"})
        told = []
        for notify in self.all("NOTIFY"):
            self.peer.respond(notify, 200)
            told.append((notify.headers.typed("subscription-state").state, notify.body))
        return told

    def all(self, method):
        """Each request that comes, until none does for a while."""
        while True:
            try:
                request = self.peer.expect(method, 20)
            except AssertionError:
                return
            yield request

    def test_silent(self):
        """A delegate that says nothing: what was told last."""
        self.assertEqual(self.refresh(lambda notifier: None), [("active", b"first")])

    def test_tells(self):
        """What it says is what follows, and nothing else does, whatever the interval is."""
        for interval, seconds in ((0.0, 10), (5.0, 10), (5.0, 1)):
            with self.subTest(interval=interval, seconds=seconds):
                told = self.refresh(lambda notifier: notifier.notify(b"second"), interval, seconds)
                self.assertEqual(told, [("active", b"second")])

    def test_ends(self):
        """It may end it: the last NOTIFY is all that follows."""
        told = self.refresh(lambda notifier: notifier.destroy("deactivated", body=b"last"))
        self.assertEqual(told, [("terminated", b"last")])
