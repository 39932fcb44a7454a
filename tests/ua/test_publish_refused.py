"""
PUBLISH of ours with another body, which is refused: what that leaves (RFC 3903 section 6).
"""

from tests.ua.test_publish_client import AWAY, BUSY, OPEN, PublishCase
from twisted_sipdialog.errors import ResponseError


class RefusedBodyTests(PublishCase):
    def test_refusedBody(self):
        """Section 6: a body that is refused changes nothing over there: the one before is kept up."""
        publication = self.published("one", "60")
        changing = publication.publish(BUSY)
        self.next()
        self.answers(413)
        self.failureResultOf(changing, ResponseError)
        self.assertEqual(self.watch.told[-1], ("failed", ResponseError))
        self.assertTrue(publication.isPublished)
        self.assertEqual(publication.body, OPEN)
        self.network.advance(53)
        self.assertEqual(self.count(), 2)
        self.assertEqual(self.next(1), (b"", "3600", "one"))
        self.answers(412)
        self.assertEqual(self.next(1), (OPEN, "3600", None))
        self.answers(200, "two", "60")
        publication.publish(BUSY)
        self.assertEqual(self.next(1), (BUSY, "3600", "two"))
        self.answers(200, "three", "60")
        self.assertEqual(publication.body, BUSY)
        self.withdrawn(publication)

    def test_refusedBodyIsWithdrawn(self):
        """So it is there to be withdrawn, also when that was asked for before the refusal."""
        publication = self.published()
        publication.publish(BUSY)
        self.next()
        closing = publication.close()
        self.answers(400)
        self.assertEqual(self.next(1), (b"", "0", "one"))
        self.answers(200, expires="0")
        self.successResultOf(closing)
        self.left()

    def test_refusedInTheEnd(self):
        """A body that was tried again, and is refused then, is not tried once more."""
        publication = self.published("one", "3600")
        publication.publish(BUSY)
        self.next()
        self.answers(503)
        self.assertEqual(self.next(6), (BUSY, "3600", "one"))
        self.answers(400)
        self.network.advance(3000)
        self.assertEqual(self.count(), 3)
        self.assertEqual(self.next(300), (b"", "3600", "one"))
        self.answers(200, "two", "3600")
        self.withdrawn(publication)


class RepairedTests(PublishCase):
    """What is asked for while a PUBLISH is repaired (412, 423) waits until that one is through (section 4.1)."""

    def repairs(self, code):
        """The PUBLISH that is open is refused, and sent in the way that was wanted."""
        self.answers(code, Min_Expires="7200")
        self.next(1)

    def test_another(self):
        """Another body goes out then, and its own answer counts."""
        for code in (412, 423):
            publication = self.published()
            refreshing = publication.publish(BUSY)
            self.next()
            changing = publication.publish(AWAY)
            self.repairs(code)
            self.answers(200, "two", "7200")
            self.assertEqual(self.successResultOf(refreshing).statusCode, 200)
            self.assertNoResult(changing)
            self.assertEqual(self.next(1)[0], AWAY)
            self.answers(413)
            self.assertEqual(self.failureResultOf(changing, ResponseError).value.statusCode, 413)
            self.withdrawn(publication)

    def test_withdrawn(self):
        """It is withdrawn then."""
        for code in (412, 423):
            publication = self.published()
            publication.publish(BUSY)
            self.next()
            removing = publication.unpublish()
            self.repairs(code)
            self.answers(200, "two", "7200")
            self.assertNoResult(removing)
            self.assertEqual(self.next(1), (b"", "0", "two"))
            self.answers(200, expires="0")
            self.assertEqual(self.successResultOf(removing).statusCode, 200)
            self.left()

    def test_gone(self):
        """A withdrawal of what is gone is through as well, and another body begins another publication."""
        publication = self.published()
        publication.unpublish()
        self.next()
        publication.publish(BUSY)
        self.answers(412)
        self.assertEqual(self.next(1), (BUSY, "3600", None))
        self.answers(200, "two", "3600")
        self.withdrawn(publication)

    def test_refresh(self):
        """A refresh that is to last longer has no body, and no type of one."""
        publication = self.published()
        publication.publish()
        self.next()
        self.repairs(423)
        self.assertEqual((self.request.body, self.request.headers.get("content-type")), (b"", None))
        self.answers(200, "two", "7200")
        self.withdrawn(publication)
