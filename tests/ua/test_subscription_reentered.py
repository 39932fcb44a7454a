"""
A delegate that calls back into its subscription from whatever it is told: every event, everything it may do.
"""

from collections import Counter

from tests.ua.subscribed import ALICE, Count, SubscribedCase, Told
from twisted_sipdialog.errors import InvalidState


def refreshes(case, subscription):
    """Where there is nothing to refresh, that is said at once."""
    try:
        subscription.refresh(500)
    except InvalidState:
        case.assertNotIn(subscription.state, ("pending", "active"))


def unsubscribes(case, subscription):
    case.outcomes.append(subscription.unsubscribe())


def refreshesAndUnsubscribes(case, subscription):
    refreshes(case, subscription)
    unsubscribes(case, subscription)


def subscribesAgain(case, subscription):
    case.others.append(case.userAgent.subscribe(ALICE, "x-state", delegate=case.other))


def unsubscribesAndSubscribes(case, subscription):
    unsubscribes(case, subscription)
    subscribesAgain(case, subscription)


def cancels(case, subscription):
    case.subscribing.cancel()


def raises(case, subscription):
    case.raised += 1
    raise ZeroDivisionError


def failsLater(case, subscription):
    async def late():
        raises(case, subscription)

    return late()


ACTS = (
    refreshes,
    unsubscribes,
    refreshesAndUnsubscribes,
    subscribesAgain,
    unsubscribesAndSubscribes,
    cancels,
    raises,
    failsLater,
)


class ReenteredTests(SubscribedCase):
    def acting(self, what, act, **how):
        """A subscription whose delegate does C{act} when it is told C{what} for the first time from now on."""
        self.told = Told()
        self.other = Told()
        self.outcomes, self.others, self.raised = [], [], 0
        self.armed = False
        self.peer.received.clear()

        def does(told, subscription):
            if told == what and self.armed:
                self.armed = False
                return act(self, subscription)
            return None

        self.told.does = does
        self.subscribes(event=Count(forks=True), **how)

    def active(self, what, act, **how):
        """The same, once it is active."""
        self.acting(what, act, **how)
        self.grants(200, "600")
        self.notified("active", b"1")
        self.network.advance(100)
        self.armed = True

    def refreshed(self, what, act):
        """The same, with a refresh on its way."""
        self.active(what, act)
        self.told.subscription.refresh()
        self.next(1)

    def serves(self, seconds):
        """The notifier answers every SUBSCRIBE, as it should."""
        end = self.now() + seconds
        while self.now() < end:
            self.network.advance(0.25)
            while self.isAsked():
                self.next(0.1)
                isLast = self.header("expires") == "0"
                tag = self.request.toTag or self.peer.tag
                self.grants(200, "0" if isLast else "600", To=self.another(tag))
                self.notifies("terminated;reason=timeout" if isLast else "active", b"5", From=self.another(tag))

    def assertSound(self, what):
        """It was told; whatever it did, all comes to an end, which is told once and is the last."""
        self.assertFalse(self.armed, f"{what} was not told: {self.told.events}")
        self.serves(12)
        everyone = {*self.told.subscriptions, *self.other.subscriptions}
        ending = [subscription.unsubscribe() for subscription in everyone]
        self.serves(2)
        for each in (*ending, *self.outcomes):
            self.successResultOf(each)
        for told in (self.told, self.other):
            pairs = list(zip(told.events, told.subscriptions, strict=True))
            ends = Counter(subscription for event, subscription in pairs if event == "terminated")
            self.assertEqual(set(ends.values()), {1} if pairs else set(), told.events)
            for subscription in ends:
                events = [event for event, about in pairs if about is subscription]
                self.assertEqual(events[-1], "terminated", events)
        for each in self.others:
            self.assertTrue(each.called)
            each.addErrback(lambda _: None)
        self.assertTrue(self.subscribing.called)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), self.raised)
        self.left()

    def each(self, what, scenario):
        for act in ACTS:
            scenario(act)
            self.assertSound(f"{what}, {act.__name__}")

    def test_accepted(self):
        """The first 2xx, and that to a refresh."""

        def first(act):
            self.acting("accepted", act)
            self.armed = True
            self.grants(200, "600")
            self.notifies("active", b"1")

        def refresh(act):
            self.refreshed("accepted", act)
            self.grants(200, "600")
            self.notifies("active", b"1")

        self.each("accepted", first)
        self.each("accepted", refresh)

    def test_notified(self):
        """The first NOTIFY, a later one, one that says something is missing, one that cannot be read."""

        def first(act):
            self.acting("notified", act)
            self.armed = True
            self.grants(200, "600")
            self.notified("active", b"1")

        self.each("notified", first)
        for state, body in (("active", b"2"), ("pending", b"+1"), ("active", b"?1"), ("active", b"x")):

            def later(act, state=state, body=body):
                self.active("notified", act)
                self.notifies(state, body)

            self.each("notified", later)

    def test_notifiedOfTheEnd(self):
        """One that ends it, for good or for a time, also while a refresh is on its way."""
        for state in ("noresource", "timeout", "probation;retry-after=5"):

            def idle(act, state=state):
                self.active("notified", act)
                self.notified(f"terminated;reason={state}", b"2")

            def refreshing(act, state=state):
                self.refreshed("notified", act)
                self.notified(f"terminated;reason={state}", b"2")
                self.grants(481)

            def first(act, state=state):
                self.acting("notified", act)
                self.armed = True
                self.grants(200, "600")
                self.notified(f"terminated;reason={state}", b"2")

            self.each("notified", idle)
            self.each("notified", refreshing)
            self.each("notified", first)

    def test_failed(self):
        """A first one that is refused; a refresh, whatever its refusal means; no answer, and no NOTIFY."""

        def first(act):
            self.acting("failed", act)
            self.armed = True
            self.grants(403)

        self.each("failed", first)
        for code in (481, 489, 500):

            def refresh(act, code=code):
                self.refreshed("failed", act)
                self.grants(code)

            self.each("failed", refresh)

        def silence(act):
            self.refreshed("failed", act)
            self.network.advance(33)

        def unheard(act):
            self.acting("failed", act)
            self.armed = True
            self.grants(200, "600")
            self.network.advance(33)

        self.each("failed", silence)
        self.each("failed", unheard)

    def test_suspended(self):
        """It is to begin anew: at once, later, after a 481."""
        for state in ("timeout", "probation;retry-after=5", "giveup"):

            def notified(act, state=state):
                self.active("suspended", act)
                self.notified(f"terminated;reason={state}", b"2")

            self.each("suspended", notified)

        def refused(act):
            self.refreshed("suspended", act)
            self.grants(481)

        self.each("suspended", refused)

    def test_terminated(self):
        """It is over: by the notifier, by us, by a refusal."""

        def notified(act):
            self.active("terminated", act)
            self.notified("terminated;reason=noresource", b"2")

        def left(act):
            self.active("terminated", act)
            self.told.subscription.unsubscribe()
            self.serves(1)

        def refused(act):
            self.acting("terminated", act)
            self.armed = True
            self.grants(403)

        for scenario in (notified, left, refused):
            self.each("terminated", scenario)

    def test_forked(self):
        """Another notifier."""

        def forked(act):
            self.acting("forked", act)
            self.armed = True
            self.grants(200, "600")
            self.notified("active", b"1")
            self.notifies("active", b"2", From=self.another("two"))

        self.each("forked", forked)


class OutcomeTests(SubscribedCase):
    def test_fired(self):
        """What is called back by the Deferred of subscribe() may do all that, too."""
        for act in (refreshes, unsubscribes, refreshesAndUnsubscribes):
            self.outcomes = []
            self.subscribes()
            self.subscribing.addCallback(lambda subscription, act=act: act(self, subscription))
            self.grants(200, "600")
            self.notified("active")
            self.successResultOf(self.subscribing)
            while self.isAsked():
                self.next(0.1)
                self.grants(200, self.header("expires"))
            if self.told.subscription.ended is None:
                self.notified("terminated;reason=noresource")
            for each in self.outcomes:
                self.successResultOf(each)
            self.left()

    def test_unsubscribedWhenToldOfTheEnd(self):
        """Who gives it up when told of the NOTIFY that ends it is given that NOTIFY."""
        for reason in ("noresource", "timeout"):
            ending = []
            self.told = Told()
            subscription = self.subscribed("600")
            self.told.does = lambda what, subscription, ending=ending: ending.append(subscription.unsubscribe())
            self.notified(f"terminated;reason={reason}")
            for each in ending:
                self.assertIs(self.successResultOf(each), subscription.notification)
            self.assertEqual(self.told.events[-1], "terminated")
            self.left()
