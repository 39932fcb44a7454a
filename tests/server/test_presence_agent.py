"""
The state agent as presence agent (RFC 3856), between user agents of ours: PUBLISH and SUBSCRIBE from end to end.
"""

from time import perf_counter

import attrs
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.errors import ParseError, ResponseError
from twisted_sipdialog.event.message_summary import MessageSummary
from twisted_sipdialog.event.presence import CONTENT_TYPE, Presence
from twisted_sipdialog.server import compositor
from twisted_sipdialog.server.limits import CompositorLimits
from twisted_sipdialog.server.state_agent import StateAgent
from twisted_sipdialog.storage.memory import MemoryStore
from twisted_sipdialog.testing import MemoryNetwork

ALICE = "sip:alice@p.example"
SUMMARY = "application/simple-message-summary"


@attrs.frozen
class Package:
    """An event package whose values read themselves."""

    name: str
    accept: tuple[str, ...]
    read: object
    expires: int = 3600
    interval: float = 0.0

    def parse(self, contentType, body):
        if contentType not in self.accept:
            raise ParseError("another type", 415)
        return self.read(body)


PRESENCE = Package("presence", (CONTENT_TYPE,), Presence.parse)
MESSAGES = Package("message-summary", (SUMMARY,), MessageSummary.parse)


class Seen:
    """What a watcher is told."""

    def __init__(self):
        self.told = []

    def notified(self, subscription, notification):
        self.told.append(notification)

    @property
    def last(self):
        """The last document."""
        return Presence.parse(self.told[-1].body)

    @property
    def shown(self):
        """Each tuple of the last document, by its id."""
        return {each.id: each.basic for each in self.last.tuples}


class PresenceCase(SynchronousTestCase):
    """
    An agent for p.example, Alice's two devices, and Bob.
    """

    def setUp(self):
        self.network = MemoryNetwork()
        self.addCleanup(self.network.assertQuiet)
        self.store = MemoryStore()
        limits = CompositorLimits(minExpires=30)
        self.agent = StateAgent(self.network.clock, [PRESENCE, MESSAGES], self.store, ["p.example"], limits)
        self.addCleanup(self.agent.stop)
        self.server = self.network.userAgent("sip:p.example", self.agent)
        self.phone, self.laptop = self.network.userAgent(ALICE), self.network.userAgent(ALICE)
        self.watcher = self.network.userAgent("sip:bob@b.example")
        self.seen = Seen()

    def later(self, deferred, seconds=1):
        """What C{deferred} gives after a while."""
        self.network.advance(seconds)
        return self.successResultOf(deferred)

    def publish(self, agent, basic, expires=3600, **more):
        """A publication of Alice's."""
        document = Presence.of(ALICE, basic, **more).toBytes()
        return self.later(agent.publish(ALICE, "presence", document, CONTENT_TYPE, expires))

    def subscribe(self, event="presence", agent=None):
        """A subscription to Alice."""
        return self.later((agent or self.watcher).subscribe(ALICE, event, delegate=self.seen))


class PresenceTests(PresenceCase):
    def test_nothing(self):
        """RFC 3863 section 4.1.1: of whom nothing is known the document has no tuple."""
        subscription = self.subscribe()
        self.assertEqual((self.seen.last.entity, self.seen.shown), (ALICE, {}))
        self.assertEqual(self.seen.told[0].contentType, CONTENT_TYPE)
        self.later(subscription.unsubscribe())

    def test_life(self):
        """RFC 3903 section 4: published, seen, refreshed without a word to the watcher, changed, withdrawn."""
        self.subscribe()
        publication = self.publish(self.phone, "open", 40)
        self.assertEqual((self.seen.shown, len(self.seen.told)), ({"t1": "open"}, 2))
        first = publication.entityTag
        self.network.advance(200)
        self.assertNotEqual(publication.entityTag, first)
        self.assertEqual(len(self.seen.told), 2)
        self.later(publication.publish(Presence.of(ALICE, "closed", activities=["meal"]).toBytes()))
        self.assertEqual((self.seen.shown, self.seen.last.activities), ({"t1": "closed"}, ("meal",)))
        self.later(publication.unpublish())
        self.assertEqual(self.seen.shown, {})

    def test_askedAgain(self):
        """Who asks again and again is not to have the state made each time: only what has changed is made anew."""
        made = []
        make = compositor.composed
        self.patch(compositor, "composed", lambda *found: made.append(found) or make(*found))
        publication = self.publish(self.phone, "open", 40)
        for basic in ("open", "closed"):
            made.clear()
            for _ in range(5):
                self.assertEqual(self.later(self.watcher.fetch(ALICE, "presence")).value.basic, basic)
            self.assertLessEqual(len(made), 1)
            self.later(publication.publish(Presence.of(ALICE, "closed").toBytes()))
        self.later(publication.unpublish())
        self.assertIsNone(self.later(self.watcher.fetch(ALICE, "presence")).value.basic)
        self.assertEqual(self.agent.compositor._states, {})

    def test_twoDevices(self):
        """Two publishers with one tuple id: both are shown, under ids of their own; each goes by itself."""
        self.subscribe()
        phone, laptop = self.publish(self.phone, "open"), self.publish(self.laptop, "closed")
        self.assertEqual(sorted(self.seen.shown.values()), ["closed", "open"])
        self.later(laptop.publish(Presence.of(ALICE, "open", note="typing").toBytes()))
        self.assertEqual(list(self.seen.shown.values()), ["open", "open"])
        self.later(phone.unpublish())
        self.assertEqual(self.seen.shown, {"t1": "open"})
        self.assertEqual([note.text for note in self.seen.last.notes], ["typing"])

    def test_vanished(self):
        """RFC 3903 section 4: who does not come back is not present for ever."""
        self.subscribe()
        self.publish(self.phone, "open", 60)
        self.network.drop(lambda message: message.method == "PUBLISH", times=50)
        self.network.advance(58)
        self.assertEqual(self.seen.shown, {"t1": "open"})
        self.network.advance(2)
        self.assertEqual(self.seen.shown, {})

    def test_forgotten(self):
        """RFC 3903 section 5: a compositor that lost what it had gets it again, by its 412."""
        self.subscribe()
        publication = self.publish(self.phone, "open", 60)
        first = publication.entityTag
        self.store.close()
        self.network.advance(120)
        self.assertNotEqual(publication.entityTag, first)
        self.assertEqual(self.seen.shown, {"t1": "open"})
        statuses = [line for line in self.network.seenBy(self.phone) if "PUBLISH" in line]
        self.assertEqual(statuses.count("< 412 PUBLISH"), 1)

    def test_tooBrief(self):
        """Section 6, step 4: 423, and our publisher asks for what it is told."""
        self.assertEqual(self.publish(self.phone, "open", 5).expires, 30)

    def test_others(self):
        """Section 14.1: neither Bob nor one of Alice's own domain speaks for her."""
        for agent in (self.watcher, self.network.userAgent("sip:carol@p.example")):
            publishing = agent.publish(ALICE, "presence", Presence.of(ALICE, "closed").toBytes(), CONTENT_TYPE)
            self.network.advance(1)
            self.assertEqual(self.failureResultOf(publishing, ResponseError).value.statusCode, 403)
        self.subscribe()
        self.assertEqual(self.seen.shown, {})

    def test_messages(self):
        """RFC 3842: a voice mail application tells its counts without PUBLISH."""
        self.agent.set(ALICE, "message-summary", b"Messages-Waiting: yes\r\nVoice-Message: 2/1\r\n")
        self.subscribe("message-summary", self.phone)
        self.assertEqual(MessageSummary.parse(self.seen.told[-1].body).waiting, True)
        self.agent.set(ALICE, "message-summary", b"Messages-Waiting: no\r\n")
        self.network.advance(1)
        self.assertEqual(MessageSummary.parse(self.seen.told[-1].body).waiting, False)
        self.assertEqual([each.contentType for each in self.seen.told], [SUMMARY] * 2)

    def test_malformed(self):
        """Section 6, step 5: a document that is none is a 400, and XML bombs are no more than that, and soon so."""
        laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
        bombs = [
            f'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY l0 "lol">{laughs}]><presence>&l9;</presence>'.encode(),
            b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><presence>&x;</presence>',
            b"<a>" * 2000,
            b"<presence/>",
            b"\xff\xfe<",
            b"",
        ]
        begun = perf_counter()
        for bomb in bombs:
            publishing = self.phone.publish(ALICE, "presence", bomb or b" ", CONTENT_TYPE)
            self.network.advance(1)
            self.assertEqual(self.failureResultOf(publishing, ResponseError).value.statusCode, 400)
        self.assertLess(perf_counter() - begun, 2)
        self.subscribe()
        self.assertEqual(self.seen.shown, {})
