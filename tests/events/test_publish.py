"""
SIP.js's PublishContext, as docs/events.rst has it.
"""

from __future__ import annotations

from typing import Any

from tests.events.case import EventCase, Recorder
from twisted_sipdialog import Credentials, PublishClientContext, Request
from twisted_sipdialog.errors import InvalidState, InvalidValue, ResponseError, Timeout, TransportError

ALICE = "sip:alice@peer.example"
TOLD = ("published", "unpublished", "publishProgress", "publishFailed")


class PublishTests(EventCase):
    def begins(self, body: bytes = b"open", settings: Any = None, **how: Any) -> Any:
        """A publication that was asked for: its Deferred; C{self.request} is the PUBLISH."""
        self.notes = Recorder(*TOLD)
        self.publishing = self.agent(**(settings or {})).publish(ALICE, "presence", body, delegate=self.notes, **how)
        self.addCleanup(self.publishing.addErrback, lambda _: None)
        self.request: Request = self.peer.expect("PUBLISH")
        return self.publishing

    def stands(self, tag: str = "one", expires: str = "3600", **how: Any) -> Any:
        """One that was granted: its context."""
        self.begins(**how)
        self.says(200, SIP_ETag=tag, Expires=expires)
        return self.successResultOf(self.publishing)

    def says(self, code: int, **headers: str) -> None:
        """The answer to the last PUBLISH."""
        self.peer.respond(self.request, code, headers={k.replace("_", "-"): v for k, v in headers.items()})
        self.pass_()

    def next(self, seconds: float = 1.0) -> tuple[bytes, str | None, str | None]:
        """Body, Expires and SIP-If-Match of the next PUBLISH."""
        self.request = self.peer.expect("PUBLISH", seconds)
        headers = self.request.headers
        return self.request.body, headers.get("expires"), headers.get("sip-if-match")

    def sent(self) -> int:
        return len({m.via.branch for m in self.peer.received if isinstance(m, Request)})

    def ends(self, publication: Any) -> None:
        """It is withdrawn."""
        closing = publication.close()
        if publication.entityTag is not None:
            while self.next()[1] != "0":
                pass  # copies of what came before
            self.says(200)
        self.successResultOf(closing)

    def test_parameters(self) -> None:
        """Target and event are needed, and have to be what they are."""
        agent = self.agent()
        for target, event in ((None, "presence"), ("", "presence"), (ALICE, ""), (ALICE, None)):
            self.assertRaises(InvalidValue, agent.publish, target, event, b"open")

    def test_target(self) -> None:
        """A bare user is one of our own domain."""
        self.assertEqual(PublishClientContext(self.agent(), "alice", "presence").target, "sip:alice@b.example")

    def test_defaults(self) -> None:
        """text/plain, an hour, withdrawn at the end."""
        publication = self.stands()
        self.assertEqual(self.request.headers.get("content-type"), "text/plain")
        self.assertEqual(self.request.headers.get("expires"), "3600")
        self.assertTrue(publication.unpublishOnClose)
        self.ends(publication)

    def test_expires(self) -> None:
        """Whole seconds, one at least."""
        agent = self.agent()
        for expires in (0, -1, "60", 1.5, None):
            self.assertRaises(InvalidValue, agent.publish, ALICE, "presence", b"open", expires=expires)

    def test_options(self) -> None:
        """What the application gave is its own."""
        headers = [("X-Why", "so")]
        publication = self.stands(extraHeaders=headers)
        self.assertEqual((headers, self.request.headers.get("x-why")), ([("X-Why", "so")], "so"))
        self.ends(publication)

    def test_attributes(self) -> None:
        """What is known of it."""
        publication = self.stands("abc", "60")
        self.assertEqual((publication.target, publication.event, publication.body), (ALICE, "presence", b"open"))
        self.assertEqual((publication.entityTag, publication.expires), ("abc", 60))
        self.ends(publication)

    def test_modify(self) -> None:
        """Another body, with the tag of the one before."""
        publication = self.stands()
        publication.publish(b"busy")
        self.assertEqual(self.next(), (b"busy", "3600", "one"))
        self.says(200, SIP_ETag="two")
        self.ends(publication)

    def test_afterUnpublish(self) -> None:
        """It begins again, with the time first asked for."""
        publication = self.stands()
        publication.unpublish()
        self.next()
        self.says(200)
        publication.publish(b"busy")
        self.assertEqual(self.next(), (b"busy", "3600", None))
        self.says(200, SIP_ETag="two")
        self.ends(publication)

    def test_refresh(self) -> None:
        """Without a body."""
        publication = self.stands()
        publication.publish()
        self.assertEqual(self.next(), (b"", "3600", "one"))
        self.assertIsNone(self.request.headers.get("content-type"))
        self.says(200, SIP_ETag="two")
        self.ends(publication)

    def test_nothingToRefresh(self) -> None:
        """Nothing was published: it raises at the call, and never from a timer."""
        publication = self.stands()
        publication.unpublish()
        self.next()
        self.says(200)
        self.assertIsNone(publication.entityTag)
        self.pass_(4000)
        self.assertEqual(self.sent(), 2)
        publication.close()
        self.assertRaises(InvalidState, publication.publish)

    def test_unpublish(self) -> None:
        """Expires: 0, no body; nothing is sent where nothing is published."""
        publication = self.stands()
        removing = publication.unpublish()
        self.assertEqual(self.next(), (b"", "0", "one"))
        self.says(200)
        self.assertEqual(self.successResultOf(removing).statusCode, 200)
        self.assertIsNone(self.successResultOf(publication.unpublish()))
        self.assertEqual((self.sent(), self.notes.names[-1]), (2, "unpublished"))
        publication.close()

    def test_close(self) -> None:
        """It is withdrawn, and over."""
        publication = self.stands()
        self.ends(publication)
        self.assertEqual(self.notes.names, ["published", "unpublished"])
        self.assertRaises(InvalidState, publication.publish, b"busy")

    def test_closeTwice(self) -> None:
        """One removal."""
        publication = self.stands()
        closing = [publication.close(), publication.close()]
        self.next()
        self.says(200)
        for each in closing:
            self.successResultOf(each)
        self.assertEqual(self.sent(), 2)

    def test_closeOnly(self) -> None:
        """Without unpublishOnClose it is left to expire."""
        publication = self.stands(unpublishOnClose=False)
        self.successResultOf(publication.close())
        self.pass_(4000)
        self.assertEqual(self.sent(), 1)

    def test_stop(self) -> None:
        """All of them are closed, two of one target and event as well."""
        self.stands()
        other = self.userAgent.publish(ALICE, "presence", b"busy")
        self.next()
        self.says(200, SIP_ETag="other")
        self.successResultOf(other)
        self.userAgent.stopService()
        tags = []
        for _ in range(2):
            tags.append(self.next()[2])
            self.says(200)
        self.assertEqual(sorted(tags), ["one", "other"])

    def test_requests(self) -> None:
        """Each is a request of its own."""
        publication = self.stands()
        first = self.request
        publication.publish(b"busy")
        self.next()
        self.assertNotEqual(first.callId, self.request.callId)
        self.assertNotEqual(first.fromTag, self.request.fromTag)
        self.says(200, SIP_ETag="two")
        self.ends(publication)

    def test_headers(self) -> None:
        """Event, Expires, the application's, SIP-If-Match from the second on; of all of them."""
        publication = self.stands(extraHeaders=[("X-Why", "so")])
        self.assertEqual(
            (self.request.headers.get("event"), self.request.headers.get("sip-if-match")), ("presence", None)
        )
        publication.publish()
        self.next()
        self.assertEqual(self.request.headers.get("x-why"), "so")
        self.says(200, SIP_ETag="two")
        self.ends(publication)

    def test_challenge(self) -> None:
        """Answered, once."""
        self.begins(settings={"credentials": [Credentials("desk", "secret", realm="b.example")]})
        self.request = self.challenge("PUBLISH")
        self.says(200, SIP_ETag="one")
        self.ends(self.successResultOf(self.publishing))

    def test_progress(self) -> None:
        """Told with the publication and the response."""
        self.begins()
        self.says(183)
        self.assertEqual(self.notes.only("publishProgress")[1].statusCode, 183)
        self.says(200, SIP_ETag="one")
        self.ends(self.successResultOf(self.publishing))

    def test_withoutTag(self) -> None:
        """A 2xx without SIP-ETag: the next one cannot name it, and has the whole body."""
        self.begins()
        self.says(200, Expires="100")
        publication = self.successResultOf(self.publishing)
        self.assertEqual(self.next(91), (b"open", "3600", None))
        self.says(200, SIP_ETag="two", Expires="100")
        self.ends(publication)

    def test_granted(self) -> None:
        """Less than was asked for; and the next asks for as much as the first did."""
        publication = self.stands(expires="100")
        self.assertEqual(publication.expires, 100)
        self.assertEqual(self.next(91)[1], "3600")
        self.says(200, SIP_ETag="two", Expires="9999")
        self.assertEqual(publication.expires, 3600)
        self.ends(publication)

    def test_refreshTime(self) -> None:
        """After 0.9 of it."""
        publication = self.stands(expires="100")
        self.pass_(89)
        self.assertEqual(self.sent(), 1)
        self.pass_(1)
        self.assertEqual(self.sent(), 2)
        self.next()
        self.says(200, SIP_ETag="two")
        self.assertEqual(self.notes.names, ["published", "published"])
        self.ends(publication)

    def test_nothingGranted(self) -> None:
        """Expires: 0 in the 2xx."""
        self.begins()
        self.says(200, SIP_ETag="one", Expires="0")
        self.assertEqual(self.notes.names, ["unpublished"])
        self.successResultOf(self.publishing).close()

    def test_412(self) -> None:
        """The whole body, once; told as progress."""
        publication = self.stands()
        changing = publication.publish(b"busy")
        self.next()
        self.says(412)
        self.assertEqual(self.next(), (b"busy", "3600", None))
        self.says(412)
        self.failureResultOf(changing, ResponseError)
        self.assertEqual(self.notes.names[1:], ["publishProgress", "publishFailed", "unpublished"])
        self.ends(publication)

    def test_412OfRemoval(self) -> None:
        """What was to be removed is gone."""
        publication = self.stands()
        removing = publication.unpublish()
        self.next()
        self.says(412)
        self.assertEqual(self.successResultOf(removing).statusCode, 412)
        self.assertEqual(self.notes.names, ["published", "unpublished"])
        publication.close()

    def test_423(self) -> None:
        """Min-Expires, where it is longer than what was asked for, and not longer than a week."""
        self.begins(expires=60)
        self.says(423, Min_Expires="90")
        self.assertEqual(self.next(), (b"open", "90", None))
        self.says(200, SIP_ETag="one")
        self.ends(self.successResultOf(self.publishing))
        for minimum in ("60", "soon", "99999999"):
            self.begins(expires=60)
            self.says(423, Min_Expires=minimum)
            self.failureResultOf(self.publishing, ResponseError)

    def test_failed(self) -> None:
        """Any other: failed, and then unpublished."""
        self.begins()
        self.says(403)
        self.assertEqual(self.failureResultOf(self.publishing, ResponseError).value.statusCode, 403)
        self.assertEqual(self.notes.names, ["publishFailed", "unpublished"])

    def test_timeout(self) -> None:
        """A first one that gets no answer is failed, and not tried again."""
        self.begins()
        self.pass_(33)
        self.failureResultOf(self.publishing, Timeout)
        self.assertEqual(self.notes.names, ["publishFailed", "unpublished"])
        self.pass_(400)
        self.assertEqual(self.sent(), 1)

    def test_retry(self) -> None:
        """What was published once is tried again: with the newest body, and the tag that is known."""
        publication = self.stands()
        publication.publish(b"busy")
        self.next()
        self.pass_(33)
        self.assertIsInstance(self.notes.only("publishFailed")[1].value, Timeout)
        self.pass_(5)
        self.assertEqual(self.sent(), 3)
        self.request = [m for m in self.peer.received if isinstance(m, Request)][-1]
        self.assertEqual((self.request.body, self.request.headers.get("sip-if-match")), (b"busy", "one"))
        self.says(200, SIP_ETag="two")
        self.assertEqual(self.notes.names, ["published", "publishFailed", "published"])
        self.ends(publication)

    def test_connection(self) -> None:
        """Nowhere to send it to: the same."""
        publishing = self.agent().publish("sip:alice@nowhere.example", "presence", b"open")
        self.pass_()
        self.failureResultOf(publishing, TransportError)

    def test_race(self) -> None:
        """A second one waits for the tag of the first."""
        publication = self.stands()
        waiting = [publication.publish(body) for body in (b"busy", b"away")]
        self.assertEqual(self.next(), (b"busy", "3600", "one"))
        self.pass_(0.3)
        self.assertEqual(self.sent(), 2)
        self.says(200, SIP_ETag="two")
        self.assertEqual(self.next(), (b"away", "3600", "two"))
        self.says(200, SIP_ETag="three")
        for each in waiting:
            self.successResultOf(each)
        self.ends(publication)

    def test_unpublishFirst(self) -> None:
        """A withdrawal before the answer to the first one waits for it, and names its tag."""
        self.begins()
        stopping = self.userAgent.stopService()
        self.says(200, SIP_ETag="one")
        self.assertEqual(self.next(), (b"", "0", "one"))
        self.says(200)
        self.pass_(6)
        self.successResultOf(stopping)

    def test_refreshMeanwhile(self) -> None:
        """No refresh while a change is on its way."""
        publication = self.stands(expires="20")
        self.pass_(17)
        publication.publish(b"busy")
        self.next()
        self.pass_(3)
        self.assertEqual(self.sent(), 2)
        self.says(200, SIP_ETag="two")
        self.ends(publication)
