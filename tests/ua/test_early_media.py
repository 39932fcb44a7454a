"""
What describes the session in a provisional response, and fails or takes its time (RFC 3261 section 13.3.1.1, RFC 6337).
"""

from twisted.internet.defer import Deferred

from tests.ua.callee import ANSWER, VIDEO, CalleeTestCase
from twisted_sipdialog.errors import DialogTerminated, InvalidState, LocalError
from twisted_sipdialog.media.fixed import FixedDescription
from twisted_sipdialog.message.sdp import NotAcceptable


class Counted(FixedDescription):
    """Counts how often it was closed; its answer may take its time."""

    closed = 0
    waiting = None

    def close(self):
        self.closed += 1

    def answer(self, offer):
        if self.waiting is None:
            return super().answer(offer)
        return self.waiting.addCallback(lambda _: super(Counted, self).answer(offer))


class EarlyMediaTests(CalleeTestCase):
    def setUp(self):
        super().setUp()
        self.media = Counted(ANSWER)

    def early(self, reliable=False, **how):
        _agent, callee, self.invite = self.ring(headers={"Supported": "100rel"}, **how)
        self.context = callee.context
        return self.context.progress(183, media=lambda host: self.media, reliable=reliable)

    def test_unacceptable(self):
        """What cannot be answered is refused with 488, and whoever asked is told: by the Deferred, as of accept()."""
        for reliable in (False, True):
            self.media = Counted(ANSWER)
            early = self.early(reliable, body=VIDEO)
            self.failureResultOf(early, NotAcceptable)
            self.assertEqual(self.finalTo(self.invite).statusCode, 488)
            self.assertEqual(self.media.closed, 1)

    def test_nobodyListens(self):
        """Whoever does not wait for it sees the end of the call, not a complaint in the log."""
        self.early(body=VIDEO)
        self.assertEqual(self.finalTo(self.invite).statusCode, 488)

    def test_slow(self):
        """A description that takes its time holds the provisional back."""
        self.media.waiting = Deferred()
        early = self.early()
        self.network.advance(0.1)
        self.assertEqual(self.sent("183 INVITE"), 0)
        self.assertNoResult(early)
        self.media.waiting.callback(None)
        self.network.advance(0.1)
        self.assertEqual(self.sent("183 INVITE"), 1)
        self.assertIsNone(self.successResultOf(early))
        self.context.accept()
        answer = self.finalTo(self.invite)
        self.peer.ack(answer)
        self.assertEqual(answer.body, ANSWER)

    def test_cancelled(self):
        """The caller gives up while it is being made: nobody goes on making it, and it is closed once."""
        cancelled = []
        self.media.waiting = Deferred(cancelled.append)
        early = self.early()
        self.peer.cancel(self.invite)
        self.assertEqual(self.finalTo(self.invite).statusCode, 487)
        self.assertEqual(len(cancelled), 1)
        self.failureResultOf(early, DialogTerminated)
        self.assertEqual((self.media.closed, self.sent("183 INVITE")), (1, 0))

    def test_acceptedMeanwhile(self):
        """While it is being made the call is not described another time (RFC 6337 section 2.2): accept() waits."""
        self.media.waiting = Deferred()
        early = self.early()
        other = Counted(ANSWER)
        accepting = self.context.accept(media=lambda host: other)
        self.network.advance(0.1)
        self.assertEqual(self.sent("200 INVITE"), 0)
        self.assertRaises(InvalidState, self.context.accept)
        self.media.waiting.callback(None)
        self.network.advance(0.1)
        self.successResultOf(early)
        self.peer.ack(self.finalTo(self.invite))
        self.network.advance(0.1)
        self.assertIs(self.successResultOf(accepting).session, self.media)
        self.assertEqual((self.media.closed, other.closed, other.local), (0, 0, None))

    def test_nothingDescribes(self):
        """Called wrongly it raises, and nothing was sent."""
        _agent, callee, invite = self.ring(headers={"Supported": "100rel"})

        def factory(host):
            raise LocalError("nothing")

        self.assertRaises(LocalError, callee.context.progress, 183, media=factory)
        self.assertEqual(self.sent("183 INVITE"), 0)
        callee.context.reject(486)
        self.finalTo(invite)
