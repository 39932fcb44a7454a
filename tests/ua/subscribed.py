"""
What the tests of our own subscriptions share: a scripted notifier, what is told of it, and an event package.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import implementer

from tests.ua.callee import CalleeTestCase
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.interfaces import IEventPackage

ALICE = "sip:alice@peer.example"


class Told:
    """
    Notes what it is told, each with what matters of it.

    @ivar does: what it does on top of that, C{does(what, subscription)}.
    """

    def __init__(self, does=lambda what, subscription: None):
        self.told = []
        self.subscriptions = []
        self.does = does

    def note(self, what, subscription, detail):
        self.told.append((what, detail))
        self.subscriptions.append(subscription)
        return self.does(what, subscription)

    def subscriptionAccepted(self, subscription, response):
        return self.note("accepted", subscription, response.statusCode)

    def notified(self, subscription, notification):
        return self.note("notified", subscription, notification)

    def subscriptionForked(self, subscription, other):
        return self.note("forked", subscription, other)

    def subscriptionFailed(self, subscription, failure):
        return self.note("failed", subscription, failure.value)

    def subscriptionSuspended(self, subscription, end, retryAfter):
        return self.note("suspended", subscription, (end, retryAfter))

    def subscriptionTerminated(self, subscription, end):
        return self.note("terminated", subscription, end)

    @property
    def events(self):
        return [what for what, _ in self.told]

    def detail(self, what):
        """Of the last C{what}."""
        return [detail for told, detail in self.told if told == what][-1]

    @property
    def subscription(self):
        """The one that was told of last."""
        return self.subscriptions[-1]


@implementer(IEventPackage)
class Count:
    """
    A number: C{7} is the whole of it, C{+1} what has changed, C{?1} what cannot be merged.
    """

    name = "x-count"
    accept = ("text/x-count", "text/plain")
    expires = 900
    interval = 0.0

    def __init__(self, forks=False):
        self.forks = forks

    def parse(self, contentType, body):
        if contentType not in self.accept:
            raise ParseError(f"{contentType} is no number", 415)
        text = body.decode("ascii", "replace")
        if not text[-1:].isdigit():
            raise ParseError(f"{text!r} is no number")
        return text

    def merged(self, known, value):
        if value[0] == "?" or (value[0] == "+" and known is None):
            return known, True
        return (str(int(known) + int(value)) if value[0] == "+" else value), False


class SubscribedCase(CalleeTestCase):
    """
    A user agent of ours that subscribes at a scripted notifier.

    @ivar request: the last SUBSCRIBE that came to the notifier.
    """

    def setUp(self):
        super().setUp()
        self.told = Told()
        self.branches = set()

    def subscribes(self, settings=None, target=ALICE, **how):
        """What was asked for: a Deferred; the SUBSCRIBE is there."""
        self.userAgent = self.agent(**(settings or {}))
        return self.asked(self.userAgent.subscribe, target, **how)

    def asked(self, subscribe, *target, **how):
        how = {"event": "x-state", "delegate": self.told, **how}
        self.subscribing: Deferred = subscribe(*target, **how)
        # What a test does not ask for is of no interest once it is over.
        self.addCleanup(self.subscribing.addErrback, lambda _: None)
        self.next(0.1)
        return self.subscribing

    def next(self, seconds=40.0):
        """The next SUBSCRIBE, no retransmission."""
        end = self.now() + seconds
        while True:
            self.request = self.peer.expect("SUBSCRIBE", max(0.0, end - self.now()))
            if self.request.via.branch not in self.branches:
                self.branches.add(self.request.via.branch)
                return self.request

    def nextAfter(self, seconds, slack=0.2):
        """The next SUBSCRIBE, which comes that many seconds from now and no sooner."""
        begin = self.now()
        request = self.next(seconds + slack)
        self.assertGreaterEqual(self.now() - begin, seconds - slack, self.network.ladder())
        return request

    def none(self, seconds):
        """No SUBSCRIBE comes for so long."""
        before = self.count()
        self.network.advance(seconds)
        self.assertEqual(self.count(), before, self.network.ladder())

    def now(self):
        return self.network.clock.seconds()

    def count(self):
        """How many SUBSCRIBEs came, without retransmissions."""
        return len(self.came())

    def came(self):
        """The branches of all SUBSCRIBEs."""
        return {m.via.branch for m in self.peer.received if getattr(m, "method", "") == "SUBSCRIBE"}

    def isAsked(self):
        """Whether one came that was not looked at yet."""
        return bool(self.came() - self.branches)

    def grants(self, code=200, expires="3600", **headers):
        """The notifier answers the last SUBSCRIBE."""
        lines = {"Expires": expires if code < 300 else None, **{k.replace("_", "-"): v for k, v in headers.items()}}
        self.peer.respond(self.request, code, headers={k: v for k, v in lines.items() if v is not None})
        self.network.advance(0.01)

    def notifies(self, state="active", body=b"", within=None, **headers):
        """A NOTIFY; our answer to it."""
        within = within or self.request
        lines = {
            "Event": within.headers.get("event"),
            "Subscription-State": state,
            **({"Content-Type": "text/x-count"} if body else {}),
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        return self.finalTo(self.peer.request("NOTIFY", within=within, headers=lines, body=body))

    def notified(self, state="active", body=b"", **how):
        """One that we take."""
        self.assertEqual(self.notifies(state, body, **how).statusCode, 200, self.network.ladder())

    def another(self, tag):
        """The From of a notifier with C{tag} that the SUBSCRIBE forked to."""
        return f"{self.request.headers.get('to').partition(';tag=')[0]};tag={tag}"

    def subscribed(self, granted="3600", settings=None, body=b"", **how):
        """A subscription that is active."""
        self.subscribes(settings, **how)
        self.grants(200, granted)
        self.notified("active", body)
        return self.successResultOf(self.subscribing)

    def header(self, name):
        return self.request.headers.get(name)

    def ids(self, request=None):
        """What names the dialog of a SUBSCRIBE."""
        request = request or self.request
        return request.callId, request.fromTag, request.toTag

    def assertLeft(self, subscription, seconds):
        """It has about so many seconds left."""
        self.assertTrue(seconds - 1 <= subscription.expires <= seconds, subscription.expires)

    def finishes(self, subscription):
        """It is given up, and nothing is left."""
        ending = subscription.unsubscribe()
        if subscription.ended is None:
            self.next(1)
            self.assertEqual(self.header("expires"), "0")
            self.grants(200, "0")
            self.notified("terminated;reason=timeout")
        self.successResultOf(ending)
        self.left()

    def left(self):
        """Once the last timers have run, nothing of ours is there any more, and nothing more was asked."""
        self.network.advance(1)
        # A connection stays open, and watched, for five minutes after its last use.
        self.none(400 if self.network.ends else 70)
        self.assertEqual(self.userAgent.leftovers(), [], self.network.ladder())
        self.assertEqual(self.flushLoggedErrors(), [])
