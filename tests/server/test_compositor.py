"""
The event state compositor: one PUBLISH after the other (RFC 3903 section 6).
"""

from random import Random

from tests.server.publishing import ALICE, BOB, WORDS, CompositorCase, Words
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.server.limits import CompositorLimits


class OperationTests(CompositorCase):
    """Section 4.1, table 1: initial, refresh, modify, remove."""

    def setUp(self):
        super().setUp()
        self.compose()

    def test_initial(self):
        """Section 6, step 6: 200 with the time that was chosen and an entity tag; the state is what was published."""
        answer = self.publish(b"hello", expires="600")
        self.assertEqual((answer.statusCode, answer.headers.get("expires")), (200, "600"))
        self.assertEqual(len(answer.headers.getAll("sip-etag")), 1)
        self.assertEqual(self.successResultOf(self.service.compositor.state(ALICE, "words")), (WORDS, b"hello"))
        self.assertEqual(self.changes, [(ALICE, "words")])

    def test_refresh(self):
        """Section 4.3: it lasts longer from now on, with another tag; the state has not changed."""
        one = self.published(b"hello", expires="100")
        self.network.advance(90)
        two = self.published(b"", one, "100")
        self.assertNotEqual(one, two)
        self.network.advance(90)
        self.assertEqual((self.body(), len(self.changes)), (b"hello", 1))
        self.network.advance(11)
        self.assertEqual((self.body(), len(self.changes)), (None, 2))

    def test_modify(self):
        """Section 4.4: the body takes the place of the one before."""
        one = self.published(b"hello")
        two = self.published(b"good bye", one)
        self.assertNotEqual(one, two)
        self.assertEqual((self.body(), len(self.changes)), (b"good bye", 2))
        self.published(b"", two, "0")
        self.assertIsNone(self.body())

    def test_remove(self):
        """Section 4.5: it is gone at once; the 200 says so, and has a tag like each."""
        one = self.published(b"hello")
        answer = self.publish(b"", one, "0")
        self.assertEqual((answer.statusCode, answer.headers.get("expires")), (200, "0"))
        self.assertNotIn(answer.headers.get("sip-etag"), (None, one))
        self.assertEqual((self.body(), len(self.changes)), (None, 2))
        for tag in (one, answer.headers.get("sip-etag")):
            self.assertEqual(self.publish(b"", tag).statusCode, 412)

    def test_replaceAndRemove(self):
        """Step 5: what is to last no time is removed, though it comes with a body."""
        one = self.published(b"hello")
        self.published(b"good bye", one, "0")
        self.assertIsNone(self.body())

    def test_expired(self):
        """Section 4: soft state; without a refresh it ends at its time, and its tag with it."""
        one = self.published(b"hello", expires="60")
        self.network.advance(59.9)
        self.assertEqual((self.body(), len(self.changes)), (b"hello", 1))
        self.network.advance(0.2)
        self.assertEqual((self.body(), len(self.changes)), (None, 2))
        self.assertEqual(self.publish(b"", one).statusCode, 412)

    def test_refreshedAtItsEnd(self):
        """A refresh that comes at the very end finds it gone, and the state with it."""
        one = self.published(b"hello", expires="60")
        self.network.advance(60 - 0.01)
        self.assertEqual(self.publish(b"", one).statusCode, 412)
        self.network.advance(0.1)
        self.assertEqual((self.body(), len(self.changes)), (None, 2))

    def test_several(self):
        """Section 4.1: publications of one entity live apart; of what was said, the newest holds."""
        phone = self.published(b"at the desk")
        laptop = self.published(b"away")
        self.assertEqual(self.body(), b"away")
        phone = self.published(b"back", phone)
        self.assertEqual(self.body(), b"back")
        laptop = self.published(b"", laptop)
        self.assertEqual(self.body(), b"back")
        self.published(b"", phone, "0")
        self.assertEqual(self.body(), b"away")
        self.published(b"", laptop, "0")
        self.assertIsNone(self.body())

    def test_entities(self):
        """Section 4.1: the Request-URI says whose it is, however it is written; the user with regard to case."""
        self.published(b"hello")
        self.assertIsNone(self.body(BOB))
        self.assertIsNone(self.body("sip:ALICE@b.example"))
        one = self.published(b"good bye", uri="sip:alice@B.EXAMPLE;transport=udp")
        self.assertEqual(self.body(), b"good bye")
        self.assertEqual(self.publish(b"", one, uri=BOB).statusCode, 412)
        self.assertEqual(self.publish(b"", one).statusCode, 200)

    def test_nothingChanges(self):
        """A refusal of any kind leaves the state as it was."""
        one = self.published(b"hello")
        for wrong in (
            {"tag": "other"},
            {"tag": one, "expires": "1"},
            {"tag": one, "body": b"BAD"},
            {"tag": one, "body": b"x", "Content_Type": "text/html"},
            {"tag": one, "Event": "other"},
        ):
            self.assertGreaterEqual(self.publish(**wrong).statusCode, 400)
        self.assertEqual((self.body(), len(self.changes)), (b"hello", 1))
        self.published(b"", one)


class RefusalTests(CompositorCase):
    """Section 6: the steps, in their order."""

    def setUp(self):
        super().setUp()
        self.compose()

    def refusal(self, code, name=None, **how):
        """The value of one header of a refusal."""
        answer = self.publish(**how)
        self.assertEqual(answer.statusCode, code, self.network.ladder())
        self.assertIsNone(answer.headers.get("sip-etag"))
        return None if name is None else answer.headers.get(name)

    def test_domain(self):
        """Step 1: 404 to what is not of here; without domains all is."""
        self.compose(domains=["B.example"])
        self.published(b"hello")
        self.refusal(404, body=b"hello", uri="sip:alice@other.example")
        self.refusal(404, body=b"hello", uri="tel:+12015550123")
        self.compose()
        self.published(b"hello", uri="tel:+12015550123")

    def test_event(self):
        """Step 2: 489 with what would do, also if there is no Event."""
        for event in ("presence", "Words", "words.winfo", None):
            self.assertEqual(self.refusal(489, "allow-events", body=b"hello", Event=event), "words")
        self.published(b"hello", Event="words;id=7;x=y")

    def test_others(self):
        """Section 14.1: by default nobody publishes for others; policy comes before what would tell of tags."""
        one = self.published(b"hello")
        for tag in (None, one, "guess"):
            self.refusal(403, body=b"x", tag=tag, From=f"<{BOB}>;tag=b")
        self.assertEqual(self.body(), b"hello")

    def test_policy(self):
        """Who may is for the application to say, at once or later; what breaks there is a 500."""
        answers = [True, False, "late", "broken"]

        async def mayPublish(context, entity):
            self.assertEqual((context.method, entity), ("PUBLISH", ALICE))
            return {"late": True}.get(said, said) if (said := answers.pop(0)) != "broken" else 1 / 0

        self.compose(mayPublish=mayPublish)
        self.published(b"one", From=f"<{BOB}>;tag=b")
        self.refusal(403, body=b"two")
        self.published(b"three")
        self.refusal(500, body=b"four")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.body(), b"three")

    def test_unknownTag(self):
        """Step 3: 412 to a tag that is not of this entity and package."""
        for tag in ("unknown", "a" * 64):
            self.refusal(412, body=b"hello", tag=tag)
        self.assertIsNone(self.body())

    def test_severalTags(self):
        """Step 3: one tag, no list and no second line: 400."""
        one = self.published(b"hello")
        self.refusal(400, tag=f"{one}, other")
        twice = self.send(tag=one).toBytes().replace(b"SIP-If-Match", b"SIP-If-Match: x\r\nSIP-If-Match")
        self.peer.send(twice.replace(b"z9hG4bK", b"z9hG4bKx").replace(b"call-", b"other-"), self.server)
        self.peer.expect("400 PUBLISH")
        self.peer.expect("400 PUBLISH")
        self.refusal(400, tag="*, *")
        self.refusal(400, tag=" ")

    def test_guessing(self):
        """Step 6: tags have 64 random bits, and none comes again."""
        tags = {self.published(b"hello", uri=f"sip:u{n}@b.example") for n in range(50)}
        self.assertEqual(len(tags), 50)
        self.assertTrue(all(len(tag) >= 16 for tag in tags))
        self.compose(random=Random(1))
        seeded = self.published(b"hello")
        self.compose(random=Random(1))
        self.assertEqual(self.published(b"hello"), seeded)

    def test_tooShort(self):
        """Step 4: 423 with Min-Expires to what is above 0 and too short, also of a refresh."""
        one = self.published(b"hello")
        for expires in ("1", "59"):
            self.assertEqual(self.refusal(423, "min-expires", body=b"hello", expires=expires), "60")
            self.assertEqual(self.refusal(423, "min-expires", tag=one, expires=expires), "60")
        self.published(b"", one, "60")

    def test_initialOfNoTime(self):
        """Step 4: never 423 for 0.  An initial one that lasts no time is taken, and nothing is kept of it."""
        answer = self.publish(b"hello", expires="0")
        self.assertEqual((answer.statusCode, answer.headers.get("expires")), (200, "0"))
        self.assertEqual((self.body(), self.changes), (None, []))
        self.assertEqual(self.publish(b"", answer.headers.get("sip-etag")).statusCode, 412)
        self.refusal(400, expires="0")

    def test_expires(self):
        """Step 4: without Expires the package says; too long is cut, and said so; what is no number is a 400."""
        self.assertEqual(self.publish(b"hello", expires=None).headers.get("expires"), "1800")
        self.assertEqual(self.publish(b"hello", expires="4294967295").headers.get("expires"), "86400")
        self.compose(limits=CompositorLimits(maxExpires=900))
        self.assertEqual(self.publish(b"hello", expires=None).headers.get("expires"), "900")
        for expires in ("-1", "1_0", "4294967296", "soon"):
            self.refusal(400, body=b"hello", expires=expires)

    def test_noBody(self):
        """Step 5: an initial publication of nothing is a 400."""
        self.refusal(400)
        self.refusal(400, expires=None)

    def test_type(self):
        """Step 5: 415 with what would do, also if the type is not said; parameters and case do not matter."""
        for kind in ("text/html", "text/x-wordsy", None):
            self.assertEqual(self.refusal(415, "accept", body=b"hello", Content_Type=kind), f"{WORDS}, text/plain")
        self.published(b"hello", Content_Type="TEXT/Plain;charset=utf-8")
        self.refusal(400, body=b"hello", Content_Type="text")

    def test_encoding(self):
        """RFC 3261 section 8.2.3: 415 to a coding that is not known."""
        self.assertEqual(self.refusal(415, "accept-encoding", body=b"hello", Content_Encoding="gzip"), "identity")
        self.published(b"hello", Content_Encoding="identity")

    def test_malformed(self):
        """Step 5: what the package cannot read is a 400."""
        self.refusal(400, body=b"BAD")

    def test_order(self):
        """Each step before the next: of several faults the first is told."""
        faults = [
            (489, {"Event": "other"}),
            (403, {"From": f"<{BOB}>;tag=b"}),
            (412, {"tag": "unknown"}),
            (423, {"expires": "1"}),
            (415, {"Content_Type": "text/html"}),
        ]
        for place, (code, _) in enumerate(faults):
            how = {"body": b"BAD"}
            for _, fault in reversed(faults[place:]):
                how.update(fault)
            self.refusal(code, **how)


class OwnStateTests(CompositorCase):
    """What the application sets is state like any other."""

    def test_set(self):
        """It holds beside what is published, for as long as it is set; the newest counts."""
        compositor = self.compose()
        compositor.set(ALICE, "words", b"in a meeting")
        self.assertEqual(self.successResultOf(compositor.state(ALICE, "words")), (WORDS, b"in a meeting"))
        self.network.advance(100_000)
        one = self.published(b"hello")
        self.assertEqual(self.body(), b"hello")
        compositor.set(ALICE, "words", b"free", "text/plain")
        self.assertEqual(self.successResultOf(compositor.state(ALICE, "words")), ("text/plain", b"free"))
        compositor.set(ALICE, "words", None)
        self.assertEqual(self.body(), b"hello")
        self.published(b"", one, "0")
        self.assertIsNone(self.body())
        self.assertEqual(len(self.changes), 5)

    def test_sameMoment(self):
        """Of what is said in one moment the last counts."""
        self.compose().set(ALICE, "words", b"first")
        self.send(b"second")
        self.network.advance(0)
        self.assertEqual(self.body(), b"second")
        self.service.compositor.set(ALICE, "words", b"third")
        self.assertEqual(self.body(), b"third")

    def test_wrong(self):
        """What is not of the package raises."""
        compositor = self.compose()
        self.assertRaises(InvalidValue, compositor.set, "alice", "words", b"x")
        self.assertRaises(InvalidValue, compositor.set, ALICE, "presence", b"x")
        self.assertRaises(InvalidValue, compositor.set, ALICE, "words", b"BAD")
        self.assertRaises(InvalidValue, compositor.set, ALICE, "words", b"x", "text/html")
        self.assertEqual((self.body(), self.changes), (None, []))

    def test_packages(self):
        """One compositor has several packages; their state is apart."""
        other = Words()
        other.name = "others"
        self.compose([Words(), other])
        self.published(b"hello")
        one = self.published(b"others", Event="others")
        self.assertEqual((self.body(), self.body(event="others")), (b"hello", b"others"))
        self.assertEqual(self.publish(b"", one).statusCode, 412)
        self.assertEqual(self.publish(b"x", Event="x").headers.get("allow-events"), "words, others")
