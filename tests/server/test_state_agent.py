"""
The state agent: watchers are told what is published (RFC 3903 section 2, RFC 6665 section 4.2).
"""

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from tests.server.publishing import ALICE, BOB, WORDS, SlowStore, Words
from tests.server.watching import AgentCase, Watcher
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.interfaces import INotifierDelegate, IUserAgentDelegate
from twisted_sipdialog.server.limits import CompositorLimits
from twisted_sipdialog.server.state_agent import StateAgent


class WatchTests(AgentCase):
    def setUp(self):
        super().setUp()
        self.begin()

    def test_interfaces(self):
        """It is the delegate of a user agent, and of its notifiers."""
        verifyObject(IUserAgentDelegate, self.agent_)
        verifyObject(INotifierDelegate, self.agent_)

    def test_current(self):
        """RFC 6665 section 4.2.1.2: the first NOTIFY has the state there is."""
        self.published(b"hello")
        watcher = Watcher(self)
        self.assertEqual((watcher.status, watcher.told()), (200, ("active", b"hello", WORDS)))
        self.assertEqual(watcher.count, 1)
        watcher.leave()

    def test_nothing(self):
        """Where nothing is known, it has no body."""
        watcher = Watcher(self)
        self.assertEqual(watcher.told(), ("active", b"", None))
        watcher.leave()

    def test_changes(self):
        """Each change is told: published, modified, removed, expired; a refresh is none."""
        watcher = Watcher(self, "3600")
        watcher.told()
        tag = self.published(b"one", expires="60")
        self.assertEqual(watcher.told(), ("active", b"one", WORDS))
        tag = self.published(b"", tag, "60")
        self.network.advance(5)
        self.assertEqual(watcher.count, 2)
        tag = self.published(b"two", tag, "60")
        self.assertEqual(watcher.told(), ("active", b"two", WORDS))
        tag = self.published(b"", tag, "0")
        self.assertEqual(watcher.told(), ("active", b"", None))
        self.published(b"three", expires="60")
        self.assertEqual(watcher.told(), ("active", b"three", WORDS))
        self.network.advance(59)
        self.assertEqual(watcher.count, 5)
        self.assertEqual(watcher.told(), ("active", b"", None))
        watcher.leave()

    def test_onlyItsOwn(self):
        """Who watches Alice hears nothing of Bob."""
        alices, bobs = Watcher(self), Watcher(self, uri=BOB)
        self.assertEqual((alices.told()[1], bobs.told()[1]), (b"", b""))
        self.published(b"bob's", uri=BOB)
        self.assertEqual(bobs.told()[1], b"bob's")
        self.assertEqual(alices.count, 1)
        self.published(b"alice's")
        self.assertEqual(alices.told()[1], b"alice's")
        alices.leave()
        bobs.leave()

    def test_sameAddress(self):
        """RFC 3261 section 10.3: the address of record is watched, however it is written."""
        watcher = Watcher(self, uri="sip:alice@B.EXAMPLE:5070;transport=udp")
        watcher.told()
        self.assertEqual(len(self.agent_.notifiers("sips:alice@b.example", "words")), 1)
        self.published(b"hello")
        self.assertEqual(watcher.told()[1], b"hello")
        watcher.leave()
        self.assertEqual(self.agent_.notifiers(ALICE, "words"), [])

    def test_otherType(self):
        """What a watcher does not understand (Accept) it is not shown."""
        watcher = Watcher(self, Accept="text/plain")
        watcher.told()
        tag = self.published(b"words")
        self.network.advance(1)
        self.assertEqual(watcher.count, 1)
        tag = self.published(b"plain", tag, Content_Type="text/plain")
        self.assertEqual(watcher.told(), ("active", b"plain", "text/plain"))
        self.published(b"words", tag)
        self.assertEqual(watcher.told(), ("active", b"", None))
        watcher.leave()

    def test_refresh(self):
        """RFC 6665 section 4.2.1.2: a refresh is answered by the whole state, though it has not changed."""
        watcher = Watcher(self)
        watcher.told()
        self.published(b"hello")
        watcher.told()
        watcher.says("600")
        self.assertEqual(watcher.told(), ("active", b"hello", WORDS))
        self.network.advance(1)
        self.assertEqual(watcher.count, 3)
        watcher.says("0")
        self.assertEqual(watcher.told(), ("timeout", b"hello", WORDS))

    def test_fetch(self):
        """RFC 6665 section 4.4.3: one NOTIFY with the state, and that was it."""
        self.published(b"hello")
        watcher = Watcher(self, "0")
        self.assertEqual(watcher.told(), ("timeout", b"hello", WORDS))
        self.published(b"other")
        self.network.advance(5)
        self.assertEqual(watcher.count, 1)
        self.assertEqual(self.agent_.notifiers(ALICE, "words"), [])

    def test_gone(self):
        """RFC 6665 section 4.2.2: a watcher whose phone knows nothing of it any more is told nothing more."""
        watcher, other = Watcher(self), Watcher(self)
        watcher.told()
        other.told()
        self.published(b"one")
        watcher.told(481)
        other.told()
        self.published(b"two")
        self.assertEqual(other.told()[1], b"two")
        self.assertEqual((watcher.count, len(self.agent_.notifiers(ALICE, "words"))), (2, 1))
        other.leave()

    def test_unreachable(self):
        """Who cannot be told is not kept."""
        self.published(b"hello")
        for contact in ("<sip:x@nowhere.invalid>", "<sip:x@[2001:db8::99]>", "<sip:x@192.0.2.251;transport=tcp>"):
            watcher = Watcher(self, Contact=contact)
            self.assertEqual(watcher.status, 200)
            self.network.advance(40)
            self.assertEqual(self.agent_.notifiers(ALICE, "words"), [], contact)

    def test_package(self):
        """RFC 6665 sections 5.4.4 and 5.4.10: how long one lasts, and how often it is told, the package says."""
        package = Words()
        package.interval, package.expires = 5.0, 300
        self.end()
        self.begin([package])
        watcher = Watcher(self, expires=None)
        self.assertEqual(watcher.answers[0].headers.get("expires"), "300")
        watcher.told()
        tag = None
        for word in (b"one", b"two", b"three"):
            tag = self.published(word, tag)
        self.network.advance(4.9)
        self.assertEqual(watcher.count, 1)
        self.assertEqual(watcher.told()[1], b"three")
        self.network.advance(10)
        self.assertEqual(watcher.count, 2)
        watcher.leave()

    def test_own(self):
        """What the application sets is told like what is published."""
        watcher = Watcher(self)
        watcher.told()
        self.agent_.set("sip:alice@b.example;x=y", "words", b"two new", "text/plain")
        self.assertEqual(watcher.told(), ("active", b"two new", "text/plain"))
        self.agent_.set(ALICE, "words", b"two new", "text/plain")
        self.network.advance(1)
        self.assertEqual(watcher.count, 2)
        self.agent_.set(ALICE, "words", b"two new")
        self.assertEqual(watcher.told(), ("active", b"two new", WORDS))
        self.agent_.set(ALICE, "words", None)
        self.assertEqual(watcher.told(), ("active", b"", None))
        self.assertRaises(InvalidValue, self.agent_.set, "alice", "words", b"x")
        watcher.leave()

    def test_stop(self):
        """At the end everybody is told to try again later."""
        watcher = Watcher(self)
        watcher.told()
        stopping = self.agent_.stop()
        self.assertEqual(watcher.told()[0], "probation")
        self.assertEqual(watcher.notify.headers.typed("subscription-state").retryAfter, 5)
        self.successResultOf(stopping)
        late = Watcher(self)
        self.assertEqual((late.status, late.count), (503, 0))


class RefusalTests(AgentCase):
    def test_event(self):
        """RFC 6665 section 4.2.1.1: 489 with what would do, and nothing is kept."""
        self.begin()
        watcher = Watcher(self, Event="presence")
        self.assertEqual(watcher.status, 489)
        self.assertIn("words", watcher.answers[0].headers.typed("allow-events"))
        self.network.advance(1)
        self.assertEqual(watcher.count, 0)

    def test_accept(self):
        """RFC 3261 section 21.4.7: 406 to who understands none of the package's types."""
        self.begin()
        for accept in ("text/html", "application/pidf+xml, text/x-wordsy", ""):
            self.assertEqual(Watcher(self, Accept=accept).status, 406)
        for accept in ("text/*", "*/*;q=0.1", f"text/html, {WORDS}", "text/plain"):
            watcher = Watcher(self, Accept=accept)
            self.assertEqual(watcher.status, 200)
            watcher.told()
            watcher.leave()

    def test_domain(self):
        """404 to what is not of here."""
        self.begin(domains=["b.example"])
        self.assertEqual(Watcher(self, uri="sip:alice@other.example").status, 404)

    def test_limits(self):
        """503 with Retry-After to one watcher too many, of one entity and in all; who leaves makes room."""
        self.begin(limits=CompositorLimits(watchers=1, watchersInAll=2, retryAfter=9))
        first = Watcher(self)
        first.told()
        refused = Watcher(self)
        self.assertEqual((refused.status, refused.answers[0].headers.get("retry-after")), (503, "9"))
        second = Watcher(self, uri=BOB)
        second.told()
        self.assertEqual(Watcher(self, uri="sip:carol@b.example").status, 503)
        first.leave()
        third = Watcher(self)
        self.assertEqual(third.told()[0], "active")
        second.leave()
        third.leave()

    def test_limitsAtOnce(self):
        """Those who are waiting for a slow store do not get in together."""
        store = SlowStore()
        store.isSlow = False
        self.begin(limits=CompositorLimits(watchers=1), store=store)
        self.published(b"hello")
        store.isSlow = True
        watchers = [Watcher(self), Watcher(self)]
        for _ in watchers:
            store.go("publications")
        self.network.advance(0.01)
        self.assertEqual([watcher.status for watcher in watchers], [200, 503])
        watchers[0].told()
        store.isSlow = False
        watchers[0].leave()


class Policy(StateAgent):
    """
    Who may is what the test says.

    @ivar answer: of L{mayWatch}.
    """

    answer = "active"

    def mayWatch(self, context, entity):
        self.asked = context.method, entity
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def mayPublish(self, context, entity):
        return context.request.headers.get("x-proof") == "yes"


class PolicyTests(AgentCase):
    agentFactory = Policy

    def setUp(self):
        super().setUp()
        self.begin()
        self.agent_.set(ALICE, "words", b"hello")

    def watch(self, answer, **how):
        self.agent_.answer = answer
        return Watcher(self, **how)

    def test_forbidden(self):
        """403 to who may not watch."""
        self.assertEqual(self.watch(False).status, 403)
        self.assertEqual(self.agent_.asked, ("SUBSCRIBE", ALICE))

    def test_letIn(self):
        """True lets in, as with mayPublish()."""
        watcher = self.watch(True)
        self.assertEqual((watcher.status, watcher.told()[1]), (200, b"hello"))
        watcher.leave()

    def test_fails(self):
        """A policy that breaks lets nobody in: 500."""
        self.assertEqual(self.watch(ValueError("broken")).status, 500)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_later(self):
        """The answer may take its time, as long as that of a request may."""
        asking = Deferred()
        watcher = self.watch(asking)
        self.assertEqual(watcher.answers, [])
        asking.callback("active")
        self.network.advance(0.01)
        self.assertEqual(watcher.told()[1], b"hello")
        watcher.leave()
        watcher = self.watch(Deferred(lambda _: None))
        self.network.advance(40)
        self.assertEqual(watcher.status, 500)

    def test_publish(self):
        """A proof may be asked for."""
        self.assertEqual(self.publish(b"x").statusCode, 403)
        self.published(b"x", X_Proof="yes", From=f"<{BOB}>;tag=b")

    def test_allowed(self):
        """RFC 3856 section 6.6.2: who is pending sees nothing, changes neither, until it is allowed."""
        watcher = self.watch("pending")
        self.assertEqual((watcher.status, watcher.told()), (200, ("pending", b"", None)))
        self.agent_.set(ALICE, "words", b"changed")
        watcher.says("600")
        self.assertEqual(watcher.told(), ("pending", b"", None))
        (notifier,) = self.agent_.notifiers(ALICE, "words")
        self.agent_.allow(notifier)
        self.assertEqual(watcher.told(), ("active", b"changed", WORDS))
        self.agent_.set(ALICE, "words", b"again")
        self.assertEqual(watcher.told(), ("active", b"again", WORDS))
        self.agent_.allow(notifier)
        self.network.advance(1)
        self.assertEqual(watcher.count, 4)
        watcher.leave()
        self.agent_.allow(notifier)

    def test_allowedWithoutState(self):
        """Being allowed is told, though there is nothing to be seen."""
        self.agent_.set(ALICE, "words", None)
        watcher = self.watch("pending")
        watcher.told()
        self.agent_.allow(*self.agent_.notifiers(ALICE, "words"))
        self.assertEqual(watcher.told(), ("active", b"", None))
        watcher.leave()

    def test_refused(self):
        """RFC 6665 section 4.1.3: who is refused later is rejected, and was shown nothing."""
        watcher = self.watch("pending")
        watcher.told()
        ended = self.agent_.refuse(*self.agent_.notifiers(ALICE, "words"))
        self.assertEqual(watcher.told(), ("rejected", b"", None))
        self.successResultOf(ended)
        self.assertEqual(self.agent_.notifiers(ALICE, "words"), [])

    def test_pendingUnsubscribes(self):
        """Nor is it shown anything at its end, whoever ends it."""
        watcher = self.watch("pending")
        watcher.told()
        watcher.says("0")
        self.assertEqual(watcher.told(), ("timeout", b"", None))

    def test_pendingFetch(self):
        """Nor by a fetch."""
        watcher = self.watch("pending", expires="0")
        self.assertEqual(watcher.told()[1:], (b"", None))


class SlowTests(AgentCase):
    """A store that takes its time, and a state that changes meanwhile."""

    def setUp(self):
        super().setUp()
        self.store = SlowStore()
        self.store.isSlow = False
        self.begin(store=self.store)
        self.tag = self.published(b"one")

    def test_changedWhileSubscribing(self):
        """What changes while the state is read for the first NOTIFY is told by the next."""
        self.store.isSlow = True
        watcher = Watcher(self)
        reading = self.store.asked.pop()
        self.store.isSlow = False
        old = self.store.publications(ALICE, "words")
        self.published(b"two", self.tag)
        reading[2].callback(old)
        self.network.advance(0.01)
        self.assertEqual([watcher.told()[1], watcher.told()[1]], [b"one", b"two"])
        watcher.leave()

    def test_lateAnswers(self):
        """A slow answer does not overtake a newer one: the last NOTIFY has the last state."""
        watcher = Watcher(self)
        watcher.told()
        self.store.isSlow = True
        for word in (b"two", b"three"):
            self.agent_.set(ALICE, "words", word)
        self.assertEqual(len(self.store.asked), 1)
        self.store.go("publications")
        self.store.go("publications")
        self.network.advance(0.01)
        self.assertEqual(watcher.told()[1], b"three")
        self.store.isSlow = False
        watcher.leave()
        self.assertEqual(watcher.count, 3)

    def test_fails(self):
        """A change that cannot be read is logged; the next one is told."""
        watcher = Watcher(self)
        watcher.told()
        self.store.isSlow = True
        self.agent_.set(ALICE, "words", b"two")
        self.store.fail("publications")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.store.isSlow = False
        self.agent_.set(ALICE, "words", b"three")
        self.assertEqual(watcher.told()[1], b"three")
        watcher.leave()

    def test_cannotBeRead(self):
        """500 to a SUBSCRIBE where the state cannot be read."""
        self.store.isSlow = True
        watcher = Watcher(self)
        self.store.fail("publications")
        self.network.advance(0.01)
        self.assertEqual(watcher.status, 500)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
