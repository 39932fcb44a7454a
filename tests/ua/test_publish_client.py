"""
PUBLISH of ours: a publication and its life (RFC 3903 section 4).
"""

from tests.ua.callee import CalleeTestCase
from tests.ua.calling import challenge
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import InvalidState, InvalidValue, ResponseError, Timeout, TransportError

ALICE = "sip:alice@peer.example"
OPEN, BUSY, AWAY = b"<open/>", b"<busy/>", b"<away/>"


class Watch:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def published(self, publication, response):
        self.told.append(("published", response.statusCode))

    def unpublished(self, publication, response):
        self.told.append(("unpublished", getattr(response, "statusCode", None)))

    def publishProgress(self, publication, response):
        self.told.append(("progress", response.statusCode))

    def publishFailed(self, publication, failure):
        self.told.append(("failed", type(failure.value)))


class PublishCase(CalleeTestCase):
    def setUp(self):
        super().setUp()
        self.watch = Watch()

    def publishes(self, settings=None, **how):
        """A publication that was asked for; C{self.request} is the PUBLISH."""
        self.userAgent = self.agent(**(settings or {}))
        how = {"event": "presence", "body": OPEN, "contentType": "application/pidf+xml", "delegate": self.watch, **how}
        self.publishing = self.userAgent.publish(ALICE, **how)
        self.addCleanup(self.publishing.addErrback, lambda _: None)
        self.request = self.peer.expect("PUBLISH")
        return self.publishing

    def published(self, tag="one", expires="3600", settings=None, **how):
        """One that the compositor has: its context."""
        self.publishes(settings, **how)
        self.answers(200, tag, expires)
        return self.successResultOf(self.publishing)

    def answers(self, code=200, tag=None, expires=None, **headers):
        """The compositor answers the last PUBLISH."""
        lines = {"SIP-ETag": tag, "Expires": expires, **{k.replace("_", "-"): v for k, v in headers.items()}}
        self.peer.respond(self.request, code, headers={k: v for k, v in lines.items() if v is not None})
        self.network.advance(0.1)

    def next(self, seconds=40.0):
        """The next PUBLISH, as C{(body, Expires, SIP-If-Match)}."""
        self.request = self.peer.expect("PUBLISH", seconds)
        headers = self.request.headers
        return self.request.body, headers.get("expires"), headers.get("sip-if-match")

    def count(self):
        return len({m.via.branch for m in self.peer.received if getattr(m, "method", "") == "PUBLISH"})

    def withdrawn(self, publication):
        """It is closed, and nothing is left."""
        closing = publication.close()
        if publication.entityTag is not None:
            body, expires, _ = self.next()
            self.assertEqual((body, expires), (b"", "0"))
            self.answers(200, expires="0")
        self.successResultOf(closing)
        self.left()

    def left(self):
        self.network.advance(70)
        self.assertEqual(self.userAgent.leftovers(), [], self.network.ladder())


class FirstTests(PublishCase):
    def test_initial(self):
        """Section 4.2: Event, Expires, the body with its type, no SIP-If-Match."""
        self.publishes(extraHeaders=[("X-Why", "so")])
        headers = self.request.headers
        self.assertEqual((self.request.uriText, self.request.body), (ALICE, OPEN))
        self.assertEqual((headers.get("event"), headers.get("expires")), ("presence", "3600"))
        self.assertEqual(headers.get("content-type"), "application/pidf+xml")
        self.assertEqual((headers.get("sip-if-match"), headers.get("x-why")), (None, "so"))
        self.assertNoResult(self.publishing)
        self.answers(200, "abc", "1800")
        publication = self.successResultOf(self.publishing)
        self.assertEqual((publication.entityTag, publication.expires), ("abc", 1800))
        self.assertTrue(publication.isPublished)
        self.assertEqual(self.watch.told, [("published", 200)])
        self.withdrawn(publication)

    def test_values(self):
        """What cannot be so raises, before anything is sent."""
        agent = self.userAgent = self.agent()
        for wrong in (
            {"event": ""},
            {"event": "a b"},
            {"body": b""},
            {"body": "text"},
            {"expires": 0},
            {"expires": -1},
            {"expires": "60"},
            {"entityTag": "a b"},
            {"contentType": "a\r\nb"},
            {"extraHeaders": [("Event", "x")]},
        ):
            how = {"event": "presence", "body": OPEN, **wrong}
            self.assertRaises(InvalidValue, agent.publish, ALICE, **how)
        self.assertRaises(InvalidValue, agent.publish, "sip:", "presence", OPEN)
        agent.stopService()
        self.network.advance(1)
        self.assertRaises(InvalidState, agent.publish, ALICE, "presence", OPEN)
        self.assertEqual(self.count(), 0)

    def test_refused(self):
        """A first one that is refused is not tried again."""
        for code in (302, 403, 404, 489, 503):
            self.watch.told.clear()
            self.publishes()
            self.answers(code, Min_Expires="7200")
            self.assertEqual(self.failureResultOf(self.publishing, ResponseError).value.statusCode, code)
            self.assertEqual(self.watch.told, [("failed", ResponseError), ("unpublished", code)])
            self.left()

    def test_refusedAfterwards(self):
        """Nor is the first one after a withdrawal."""
        publication = self.published()
        publication.unpublish()
        self.next()
        self.answers(200, expires="0")
        publishing = publication.publish(BUSY)
        self.next()
        self.answers(503)
        self.failureResultOf(publishing, ResponseError)
        self.assertEqual(self.watch.told[-1], ("unpublished", 503))
        self.left()

    def test_unanswered(self):
        """Nor is one that gets no answer."""
        self.publishes()
        self.network.advance(33)
        self.failureResultOf(self.publishing, Timeout)
        self.assertEqual(self.watch.told, [("failed", Timeout), ("unpublished", None)])
        self.left()

    def test_challenged(self):
        """Section 4.1 with RFC 3261 section 22: credentials, and then one request more."""
        self.publishes({"credentials": [Credentials("desk", "secret", realm="example.com")]})
        self.answers(401, WWW_Authenticate=challenge())
        self.assertEqual(self.next()[0], OPEN)
        self.assertIn("authorization", self.request.headers)
        self.answers(200, "one", "60")
        self.withdrawn(self.successResultOf(self.publishing))

    def test_takesOver(self):
        """With the entity tag of an earlier life it is no second publication."""
        self.publishes(entityTag="before")
        self.assertEqual(self.request.headers.get("sip-if-match"), "before")
        self.answers(200, "after", "60")
        self.withdrawn(self.successResultOf(self.publishing))

    def test_progress(self):
        """A provisional is told."""
        self.publishes()
        self.answers(100)
        self.answers(200, "one", "60")
        self.assertEqual(self.watch.told, [("progress", 100), ("published", 200)])
        self.withdrawn(self.successResultOf(self.publishing))


class LifeTests(PublishCase):
    def test_refresh(self):
        """Section 4.3: without a body, at 0.9 of what was granted, with the newest entity tag."""
        publication = self.published("one", "100")
        self.network.advance(89.5)
        self.assertEqual(self.count(), 1)
        self.assertEqual(self.next(1), (b"", "3600", "one"))
        self.answers(200, "two", "100")
        self.assertEqual(self.watch.told, [("published", 200)] * 2)
        self.network.advance(89.5)
        self.assertEqual(self.next(1)[2], "two")
        self.answers(200, "three", "100")
        self.withdrawn(publication)

    def test_modify(self):
        """Section 4.4: another body takes the place of the first."""
        publication = self.published()
        changing = publication.publish(BUSY)
        self.assertEqual(self.next(), (BUSY, "3600", "one"))
        self.answers(200, "two", "3600")
        self.assertEqual(self.successResultOf(changing).statusCode, 200)
        self.assertEqual(publication.entityTag, "two")
        self.withdrawn(publication)

    def test_coalesced(self):
        """Section 4.1: one at a time; of those that wait the newest goes out, for all."""
        publication = self.published()
        first = publication.publish(BUSY)
        self.next()
        waiting = [publication.publish(AWAY), publication.publish(OPEN)]
        self.network.advance(0.2)
        self.assertEqual(self.count(), 2)
        self.answers(200, "two", "3600")
        self.successResultOf(first)
        self.assertEqual(self.next(), (OPEN, "3600", "two"))
        self.answers(200, "three", "3600")
        for each in waiting:
            self.successResultOf(each)
        self.assertEqual(self.count(), 3)
        self.withdrawn(publication)

    def test_unpublishWhileOpen(self):
        """A withdrawal waits for the tag that it has to name."""
        self.publishes()
        closing = None

        def answered(publication):
            nonlocal closing
            closing = publication.unpublish()

        self.publishing.addCallback(answered)
        self.answers(200, "one", "60")
        self.assertEqual(self.next(), (b"", "0", "one"))
        self.answers(200)
        self.successResultOf(closing)
        self.assertEqual(self.watch.told, [("published", 200), ("unpublished", 200)])
        self.left()

    def test_unpublishTwice(self):
        """What was withdrawn already needs no PUBLISH, and nothing is kept of it."""
        publication = self.published()
        publication.unpublish()
        self.next()
        self.answers(200, expires="0")
        self.assertIsNone(self.successResultOf(publication.unpublish()))
        self.left()
        self.assertEqual(self.count(), 2)

    def test_again(self):
        """After it was withdrawn a body begins another."""
        publication = self.published()
        publication.unpublish()
        self.next()
        self.answers(200)
        publication.publish(BUSY)
        self.assertEqual(self.next(), (BUSY, "3600", None))
        self.answers(200, "two", "60")
        self.withdrawn(publication)

    def test_closed(self):
        """Closing is once and for all, and may leave it to expire."""
        publication = self.published(unpublishOnClose=False)
        self.successResultOf(publication.close())
        self.successResultOf(publication.close())
        self.assertRaises(InvalidState, publication.publish, BUSY)
        self.assertEqual(self.count(), 1)
        self.left()

    def test_closedWhileOpen(self):
        """What is on its way as it is closed is left to expire, too: no timer, no refresh."""
        publication = self.published(unpublishOnClose=False)
        changing = publication.publish(BUSY)
        self.next()
        self.successResultOf(publication.close())
        self.answers(200, "two", "3600")
        self.successResultOf(changing)
        self.left()
        self.assertEqual(self.count(), 2)

    def test_closedWhileOneWaits(self):
        """So is what waits for its turn behind that one: it is published, and then nothing is kept up here."""
        publication = self.published(unpublishOnClose=False)
        changing = [publication.publish(BUSY)]
        self.next()
        changing.append(publication.publish(OPEN))
        closing = publication.close()
        self.answers(200, "two", "3600")
        self.assertEqual(self.next(), (OPEN, "3600", "two"))
        self.answers(200, "three", "3600")
        for each in changing:
            self.successResultOf(each)
        self.successResultOf(closing)
        self.left()
        self.assertEqual(self.count(), 3)

    def test_stop(self):
        """The service's stop withdraws it."""
        self.published()
        stopping = self.userAgent.stopService()
        self.assertEqual(self.next(), (b"", "0", "one"))
        self.assertNoResult(stopping)
        self.answers(200)
        self.network.advance(1)
        self.successResultOf(stopping)

    def test_stopUnanswered(self):
        """It does not wait for ever."""
        publication = self.published()
        changing = publication.publish(BUSY)
        self.next()
        late = publication.publish(AWAY)
        self.userAgent.stopService()
        self.network.advance(10)
        self.failureResultOf(changing, TransportError)
        self.failureResultOf(late)

    def test_grantedNothing(self):
        """A 2xx that grants no time is the end."""
        self.publishes()
        self.answers(200, "one", "0")
        self.assertFalse(self.successResultOf(self.publishing).isPublished)
        self.assertEqual(self.watch.told, [("unpublished", 200)])
        self.left()

    def test_grantedMore(self):
        """More than was asked for is not believed (section 6 step 5 lets it shorten only); nor is nonsense."""
        for expires in ("999999", "soon", None):
            publication = self.published(expires=expires, settings={})
            self.assertEqual(publication.expires, 3600)
            self.withdrawn(publication)


class RepairTests(PublishCase):
    def test_412(self):
        """Section 4.1: the compositor lost it: the whole body, without the tag."""
        publication = self.published("one", "100")
        self.network.advance(89.5)
        self.next(1)
        self.answers(412)
        self.assertEqual(self.next(), (OPEN, "3600", None))
        self.answers(200, "two", "100")
        self.assertEqual(self.watch.told, [("published", 200), ("progress", 412), ("published", 200)])
        self.assertEqual(publication.entityTag, "two")
        self.withdrawn(publication)

    def test_412Twice(self):
        """But not again and again."""
        publication = self.published()
        changing = publication.publish(BUSY)
        self.next()
        self.answers(412)
        self.next()
        self.answers(412)
        self.failureResultOf(changing, ResponseError)
        self.assertEqual(self.watch.told[-2:], [("failed", ResponseError), ("unpublished", 412)])
        self.assertEqual(self.count(), 3)
        self.withdrawn(publication)

    def test_412OfRemoval(self):
        """It is gone already, which is what was wanted."""
        publication = self.published()
        removing = publication.unpublish()
        self.next()
        self.answers(412)
        self.assertEqual(self.successResultOf(removing).statusCode, 412)
        self.assertEqual(self.watch.told[-1], ("unpublished", 412))
        self.left()

    def test_423(self):
        """Section 4.1: longer, as it wants, and so from then on."""
        self.publishes(expires=60)
        self.answers(423, Min_Expires="120")
        self.assertEqual(self.next(), (OPEN, "120", None))
        self.answers(200, "one", "120")
        publication = self.successResultOf(self.publishing)
        publication.publish(BUSY)
        self.assertEqual(self.next(), (BUSY, "120", "one"))
        self.answers(200, "two", "120")
        self.withdrawn(publication)

    def test_423Again(self):
        """Once: a compositor that wants more each time would be asked for ever."""
        self.publishes(expires=60)
        self.answers(423, Min_Expires="120")
        self.next()
        self.answers(423, Min_Expires="180")
        self.failureResultOf(self.publishing, ResponseError)
        self.left()

    def test_423Refused(self):
        """No Min-Expires, none that is longer, or one beyond a week: a refusal."""
        for minimum in (None, "60", "x", "999999999"):
            self.publishes(expires=60)
            self.answers(423, Min_Expires=minimum)
            self.failureResultOf(self.publishing, ResponseError)
            self.left()

    def test_retry(self):
        """What was published is kept up: silence and passing refusals are tried again, ever later."""
        publication = self.published("one", "3600")
        changing = publication.publish(BUSY)
        self.next()
        self.answers(500)
        self.failureResultOf(changing, ResponseError)
        self.assertEqual(self.watch.told[-1], ("failed", ResponseError))
        for seconds in (5, 10, 20):
            self.network.advance(seconds - 0.5)
            before = self.count()
            self.assertEqual(self.next(1), (BUSY, "3600", "one"))
            self.assertEqual(self.count(), before + 1)
            self.answers(503)
        self.network.advance(39)
        self.next(2)
        self.answers(200, "two", "3600")
        self.assertEqual(self.watch.told[-1], ("published", 200))
        self.assertEqual(publication.entityTag, "two")
        self.withdrawn(publication)

    def test_retryAfter(self):
        """When the compositor says when."""
        publication = self.published()
        publication.publish(BUSY)
        self.next()
        self.answers(503, Retry_After="17")
        self.network.advance(16)
        self.assertEqual(self.count(), 2)
        self.assertEqual(self.next(2)[0], BUSY)
        self.answers(200, "two", "3600")
        self.withdrawn(publication)

    def test_lapsed(self):
        """What could not be refreshed in time is published anew."""
        publication = self.published("one", "60")
        self.network.advance(53.5)
        self.next(1)
        self.network.advance(33)
        self.assertEqual(self.watch.told[-1], ("failed", Timeout))
        self.assertFalse(publication.isPublished)
        while self.next(6) != (OPEN, "3600", None):
            self.assertEqual(self.request.headers.get("sip-if-match"), "one")  # a copy of the refresh
        self.answers(200, "two", "60")
        self.assertTrue(publication.isPublished)
        self.withdrawn(publication)

    def test_refusedLater(self):
        """A refusal that will not pass is the end, until the application says more."""
        publication = self.published("one", "60")
        self.network.advance(53.5)
        self.next(1)
        self.answers(403)
        self.assertEqual(self.watch.told[-2:], [("failed", ResponseError), ("unpublished", 403)])
        self.network.advance(1000)
        self.assertEqual(self.count(), 2)
        self.withdrawn(publication)
