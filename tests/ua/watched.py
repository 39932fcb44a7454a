"""
What the tests of subscriptions of peers share: an agent of ours that lets them subscribe, and a scripted subscriber.
"""

from __future__ import annotations

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase

#: A package that is in no RFC, so that nothing of it is known here but what the tests say.
DOOR = "x-door"


class Watched(Callee):
    """
    Lets peers subscribe, as C{decide(context)} says, and hears what becomes of it: C{heard}.

    @ivar asked: the contexts it was asked about.
    """

    def __init__(self, decide):
        super().__init__()
        self.decide = decide
        self.asked = []
        self.heard = []
        self.refreshing = None

    def subscribeReceived(self, context):
        self.asked.append(context)
        return self.decide(context)

    def notifierRefreshed(self, notifier, request):
        self.heard.append(("refreshed", notifier, request))
        if self.refreshing is not None:
            self.refreshing(notifier)

    def notifierTerminated(self, notifier, end):
        self.heard.append(("terminated", notifier, end))


def later(context):
    """Answered when the test says so."""
    context.answerLater()


class WatchedCase(CalleeTestCase):
    """
    C{peer} subscribes to C{userAgent}; nothing may be left at the end.
    """

    def open(self, decide=None, events=(DOOR,), **settings):
        """An agent that lets peers subscribe, by C{accept()} with C{self.options} if nothing else is said."""
        self.options = {}
        self.notes = Watched(decide or self.grant)
        self.userAgent = self.agent(self.notes, events=events, **settings)
        return self.userAgent

    def grant(self, context):
        """Accept it."""
        self.accepting = context.accept(**{"delegate": self.notes, **self.options})

    # What the subscriber does.

    def asks(self, expires="600", event=DOOR, headers=None, **how):
        """A SUBSCRIBE; it may be answered by now, or not.  C{how} is as for a request of the peer."""
        lines = {"Event": event, "Expires": expires, **(headers or {})}
        if how.get("within") is None:
            how.setdefault("to", self.userAgent)
        request = self.peer.request("SUBSCRIBE", headers=lines, **how)
        self.network.advance(0.01)
        return request

    def subscribe(self, *arguments, **how):
        """A SUBSCRIBE, and its final response."""
        return self.finalTo(self.asks(*arguments, **how))

    def subscribed(self, *arguments, **options):
        """A subscription that stands, its first NOTIFY answered: its notifier.  The 2xx is C{self.within}."""
        self.options = options
        self.within = self.subscribe(*arguments)
        self.assertEqual(self.within.statusCode, 200)
        self.first = self.notified()
        return self.notifier

    @property
    def notifier(self):
        """The notifier of the SUBSCRIBE that was asked about last."""
        return self.notes.asked[-1].notifier

    def notified(self, statusCode=200, seconds=40.0, **headers):
        """The next NOTIFY, which is answered with C{statusCode}, and with no Contact, which would move the peer."""
        notify = self.peer.expect("NOTIFY", seconds)
        self.peer.respond(notify, statusCode, headers={"Contact": None, **headers})
        self.network.advance(0.01)
        return notify

    def told(self, statusCode=200):
        """The next NOTIFY, which is answered: its Subscription-State and its body."""
        notify = self.notified(statusCode)
        return notify.headers.get("subscription-state"), notify.body

    def notifies(self):
        """Every NOTIFY that came, copies left out."""
        return list({n.via.branch: n for n in self.peer.received if getattr(n, "method", "") == "NOTIFY"}.values())

    def call(self, decide=None, **settings):
        """A call that stands, of C{peer} to an agent that lets it subscribe: C{within} and C{dialog}."""
        self.open(decide, **settings)
        self.within = self.final("INVITE", self.userAgent, body=OFFER)
        self.peer.ack(self.within)
        self.network.advance(0.01)
        self.dialog = self.notes.dialog

    def status(self, method, **how):
        """The status that answers a request of the subscriber within its dialog."""
        return self.finalTo(self.peer.request(method, within=self.within, **how)).statusCode

    # What is to be seen.

    def assertSilent(self, seconds=1.0):
        """The subscriber is told nothing further."""
        before = len(self.notifies())
        self.network.advance(seconds)
        self.assertEqual(len(self.notifies()), before, self.network.ladder())

    def assertEnd(self, notifier, reason, byPeer):
        """It is over, which was told once."""
        ended = self.successResultOf(notifier.whenTerminated())
        self.assertEqual((ended.reason, ended.byPeer), (reason, byPeer))
        self.assertEqual((notifier.ended, notifier.state, notifier.expires), (ended, "terminated", 0))
        self.assertEqual([e for what, n, e in self.notes.heard if what == "terminated" and n is notifier], [ended])

    def assertNothingLeft(self):
        """Nothing of ours is there any more once the last timers have run, and nothing further was said."""
        self.assertSilent(70)
        self.assertEqual(self.userAgent.leftovers(), [], self.network.ladder())


__all__ = ["ANSWER", "DOOR", "OFFER", "Watched", "WatchedCase", "later"]
