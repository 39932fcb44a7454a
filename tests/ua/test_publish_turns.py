"""
PUBLISHes of several publications to one Request-URI (RFC 3903 section 4).
"""

from twisted.internet.defer import succeed

from tests.ua.test_publish_client import ALICE, BUSY, OPEN, PublishCase
from twisted_sipdialog.errors import ResponseError, Timeout


class TurnsTests(PublishCase):
    def both(self):
        """Two publications that were asked for in one turn; the PUBLISH of the first is there."""
        self.publishes()
        first = self.publishing
        second = self.userAgent.publish(ALICE, event="dialog", body=BUSY)
        self.network.advance(0.2)
        return first, second

    def allWithdrawn(self, *publishing):
        """They are closed, and nothing is left."""
        for each in publishing:
            publication = self.successResultOf(each)
            closing = publication.close()
            self.assertEqual((self.event(), self.request.headers.get("expires")), (publication.event, "0"))
            self.answers(200, expires="0")
            self.successResultOf(closing)
        self.left()
        self.assertEqual(self.userAgent._core.publishing, {})

    def event(self):
        """That of the newest PUBLISH, which is answered next."""
        self.network.advance(0.1)
        self.request = [each for each in self.peer.received if getattr(each, "method", "") == "PUBLISH"][-1]
        return self.request.headers.get("event")

    def test_oneAtATime(self):
        """Until the final response to one, no other is sent to that URI, be it of another package."""
        first, second = self.both()
        self.assertEqual(self.count(), 1)
        self.answers(200, "one", "3600")
        self.assertNoResult(second)
        self.assertEqual((self.event(), self.count()), ("dialog", 2))
        self.answers(200, "two", "3600")
        self.allWithdrawn(first, second)

    def test_refused(self):
        """A refusal is a final response; 100 is none."""
        first, second = self.both()
        self.answers(100)
        self.assertEqual(self.count(), 1)
        self.answers(403)
        self.failureResultOf(first, ResponseError)
        self.assertEqual(self.event(), "dialog")
        self.answers(200, "two", "3600")
        self.allWithdrawn(second)

    def test_timedOut(self):
        """So is its time-out."""
        first, second = self.both()
        self.network.advance(31.5)
        self.assertEqual(self.count(), 1)
        self.network.advance(0.5)
        self.failureResultOf(first, Timeout)
        self.assertEqual(self.event(), "dialog")
        self.answers(200, "two", "3600")
        self.allWithdrawn(second)

    def test_repaired(self):
        """One that is sent again, with a longer time or credentials, is still the same one's turn."""
        first, second = self.both()
        self.answers(423, Min_Expires="7200")
        self.assertEqual(self.event(), "presence")
        self.assertEqual(self.count(), 2)
        self.answers(200, "one", "7200")
        self.assertEqual(self.event(), "dialog")
        self.answers(200, "two", "3600")
        self.allWithdrawn(first, second)

    def test_askedAgainMeanwhile(self):
        """What the first one publishes as it hears of the answer waits for its next turn."""
        first, second = self.both()
        first.addCallback(lambda publication: publication.publish(b"<away/>") and publication)
        self.answers(200, "one", "3600")
        self.assertEqual((self.event(), self.count()), ("dialog", 2))
        self.answers(200, "two", "3600")
        self.assertEqual((self.event(), self.request.body, self.count()), ("presence", b"<away/>", 3))
        self.answers(200, "three", "3600")
        self.allWithdrawn(first, second)

    def test_givenUpBeforeItsTurn(self):
        """One that is withdrawn before it was sent is never sent, and stops nobody."""
        self.publishes()
        first = self.publishing
        second = self.userAgent.publish(ALICE, event="dialog", body=BUSY)
        third = self.userAgent.publish(ALICE, event="message-summary", body=OPEN)
        self.network.advance(0.1)
        waiting = next(each for each in self.userAgent._core.kept if each.event == "dialog")
        self.successResultOf(waiting.unpublish())
        self.successResultOf(second)
        self.answers(200, "one", "3600")
        self.assertEqual((self.event(), self.count()), ("message-summary", 2))
        self.answers(200, "three", "3600")
        self.allWithdrawn(first, third)

    def test_dueMeanwhile(self):
        """One that is withdrawn as it waits is not published anew, though the time of its next try comes before."""
        first, second = self.both()
        self.answers(200, "one", "3600")
        self.event()
        self.answers(200, "two", "3600")
        one, publication = self.successResultOf(first), self.successResultOf(second)
        publication.publish(OPEN).addErrback(lambda _: None)
        self.event()
        self.answers(503, Retry_After="5")
        one.publish(BUSY)
        self.event()
        removing = publication.unpublish()
        self.network.advance(6)
        self.answers(200, "three", "3600")
        self.assertEqual((self.event(), self.request.headers.get("expires")), ("dialog", "0"))
        self.answers(200, expires="0")
        self.successResultOf(removing)
        self.allWithdrawn(succeed(one))

    def test_stop(self):
        """The service's stop withdraws them one after the other."""
        self.both()
        self.answers(200, "one", "3600")
        self.event()
        self.answers(200, "two", "3600")
        stopping = self.userAgent.stopService()
        withdrawn = []
        for _ in range(2):
            withdrawn.append((self.event(), self.request.headers.get("expires"), self.count()))
            self.assertNoResult(stopping)
            self.answers(200, expires="0")
        self.assertEqual(withdrawn, [("presence", "0", 3), ("dialog", "0", 4)])
        self.network.advance(1)
        self.successResultOf(stopping)

    def test_otherUris(self):
        """What goes elsewhere does not wait."""
        self.publishes()
        self.userAgent.publish("sip:bob@peer.example", event="presence", body=OPEN).addErrback(lambda _: None)
        self.network.advance(1)
        self.assertEqual(self.count(), 2)
        self.answers(403)
        self.assertEqual(self.next(1)[0], OPEN)
        self.answers(403)
        self.failureResultOf(self.publishing, ResponseError)
        self.left()
