"""
re-INVITE as its receiver answers it (RFC 3261 section 14.2).
"""

from tests.ua.callee import ANSWER, OFFER, VIDEO, CalleeTestCase, Notes, later
from tests.ua.test_invite_server import Slow
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import DialogTerminated, NoAck
from twisted_sipdialog.media.fixed import FixedMedia

HOLD = OFFER.replace(b"sendrecv", b"sendonly").replace(b"o=- 1 1", b"o=- 1 2")
BOTH = HOLD + VIDEO[VIDEO.index(b"m=") :]


class ReinviteTests(CalleeTestCase):
    def stand(self, answer=None, **settings):
        """A call whose description is media of ours."""
        answer = answer or (lambda context: context.accept(media=FixedMedia(ANSWER)) and None)
        self.userAgent, self.callee, self.ok = self.call(answer, **settings)
        self.dialog = self.callee.dialog

    def reinvite(self, **how):
        self.request = self.peer.request("INVITE", within=self.ok, **how)
        self.network.advance(0.01)
        return self.request

    def stands(self):
        """The call goes on as if nothing had been."""
        self.network.advance(1)
        self.assertEqual(self.dialog.state.value, "stable")
        self.assertNotIn("terminated", self.callee.events)
        self.assertEqual(self.userAgent.dialogs, [self.dialog])
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=self.ok)).statusCode, 200)

    def test_default(self):
        """By default the description answers: same m-lines, direction mirrored, what it does not know refused."""
        self.stand()
        first = self.dialog.local.sdp
        again = self.finalTo(self.reinvite(body=BOTH))
        self.assertEqual(again.statusCode, 200)
        self.assertEqual([line for line in again.body.split(b"\r\n") if line.startswith(b"m=")][1][:9], b"m=video 0")
        self.assertIn(b"a=recvonly", again.body)
        self.peer.ack(again)
        self.network.advance(0.01)
        self.assertEqual((self.dialog.local.sdp, self.dialog.remote.sdp), (again.body, BOTH))
        self.assertNotEqual(self.dialog.local.sdp, first)
        self.assertEqual(again.toTag, self.ok.toTag)
        self.stands()
        self.assertEqual(self.callee.events, ["confirmed", "terminated"])

    def test_explicitBody(self):
        """A call answered with an explicit body has a description from then on."""
        self.stand(lambda context: context.accept(body=ANSWER) and None)
        again = self.finalTo(self.reinvite(body=HOLD))
        self.assertEqual(again.statusCode, 200)
        self.assertIn(b"a=recvonly", again.body)
        self.peer.ack(again)
        self.stands()

    def test_withoutOffer(self):
        """Without an offer ours is in the 200, and the answer in the ACK."""
        self.stand()
        again = self.finalTo(self.reinvite())
        self.assertIn(b"m=audio 6000", again.body)
        self.peer.ack(again, body=HOLD)
        self.network.advance(0.01)
        self.assertEqual(self.dialog.remote.sdp, HOLD)
        self.stands()

    def test_doesNotFit(self):
        """What cannot be answered: 488, and everything is as before (14.2)."""
        self.stand()
        before = (self.dialog.local.sdp, self.dialog.remote.sdp)
        for body, statuses in ((VIDEO, (488,)), (b"nonsense", (400, 488))):
            self.assertIn(self.finalTo(self.reinvite(body=body)).statusCode, statuses)
            self.assertEqual((self.dialog.local.sdp, self.dialog.remote.sdp), before)
        again = self.finalTo(self.reinvite(body=HOLD))
        self.assertEqual(again.statusCode, 200)
        self.peer.ack(again)
        self.stands()

    def test_ownDelegate(self):
        """The dialog's delegate may answer itself; a refusal does not end the dialog."""

        class Own(Notes):
            def inviteReceived(self, context):
                seen.append((context.dialog, context.offer))
                context.reject(488)

        seen = []
        self.stand()
        self.dialog.delegate = Own()
        self.assertEqual(self.finalTo(self.reinvite(body=HOLD)).statusCode, 488)
        self.assertEqual(seen, [(self.dialog, HOLD)])
        self.stands()

    def test_ownAnswer(self):
        """accept() with a body of its own, as the next of the session (RFC 3264 section 8), told by its ACK."""

        class Own(Notes):
            def inviteReceived(self, context):
                accepting.append(context.accept(body=other))

        accepting = []
        other = ANSWER.replace(b"6000", b"6002").replace(b"o=- 7 7", b"o=- 7 8")
        self.stand()
        own = self.dialog.delegate = Own()
        again = self.finalTo(self.reinvite(body=HOLD))
        self.assertEqual(again.body, other)
        self.assertNoResult(accepting[0])
        self.peer.ack(again)
        self.network.advance(0.01)
        self.assertIs(self.successResultOf(accepting[0]), self.dialog)
        self.assertEqual((self.dialog.local.sdp, own.events), (other, []))
        self.stands()

    def test_unanswered(self):
        """A delegate that returns without an answer leaves it to the default; one that fails: 500."""

        class Silent(Notes):
            def inviteReceived(self, context):
                pass

        class Raising(Notes):
            def inviteReceived(self, context):
                raise ZeroDivisionError

        for own, status in ((Silent(), 200), (Raising(), 500)):
            self.stand()
            self.dialog.delegate = own
            again = self.finalTo(self.reinvite(body=HOLD))
            self.assertEqual(again.statusCode, status)
            if status == 200:
                self.peer.ack(again)
            self.stands()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_never(self):
        """noAnswerTimeout bounds it, too: 408, and the call goes on."""

        class Own(Notes):
            def inviteReceived(self, context):
                context.answerLater()

        self.stand(noAnswerTimeout=5.0)
        self.dialog.delegate = Own()
        self.reinvite(body=HOLD)
        self.network.advance(5)
        self.assertEqual(self.finalTo(self.request).statusCode, 408)
        self.stands()

    def test_second(self):
        """A second one before the first is answered: 500 with Retry-After of 0 to 10 s, by chance (14.2)."""

        class Own(Notes):
            def inviteReceived(self, context):
                contexts.append(context)
                context.answerLater()

        contexts = []
        self.stand()
        self.dialog.delegate = Own()
        self.reinvite(body=HOLD)
        seconds = set()
        for _ in range(30):
            refused = self.finalTo(self.peer.request("INVITE", within=self.ok, body=HOLD))
            self.assertEqual(refused.statusCode, 500)
            seconds.add(int(refused.headers.get("retry-after")))
        self.assertTrue(len(seconds) > 3 and seconds <= set(range(11)), seconds)
        self.assertEqual(len(contexts), 1)
        contexts[0].reject(488)
        self.assertEqual(self.finalTo(self.request).statusCode, 488)
        self.stands()

    def test_neverAcknowledged(self):
        """
        A peer that never acknowledges has four 2xx repeated to it, not as many as it likes: 500 with Retry-After, until
        one of them gets its ACK.
        """
        self.stand()
        accepted = [self.finalTo(self.reinvite(body=HOLD)) for _ in range(4)]
        self.assertEqual({ok.statusCode for ok in accepted}, {200})
        for _ in range(20):
            refused = self.finalTo(self.reinvite(body=HOLD))
            self.assertEqual(refused.statusCode, 500)
            self.assertIn("retry-after", refused.headers)
        self.peer.ack(accepted[1])
        again = self.finalTo(self.reinvite(body=HOLD))
        self.assertEqual(again.statusCode, 200)
        for ok in (accepted[0], *accepted[2:], again):
            self.peer.ack(ok)
        self.stands()

    def test_ringing(self):
        """So is one while the call still rings."""
        _agent, callee, invite = self.ring(later)
        callee.context.progress()
        ringing = self.peer.expect("180 INVITE")
        again = self.peer.request("INVITE", within=ringing, body=HOLD)
        refused = self.finalTo(again)
        self.assertEqual(refused.statusCode, 500)
        self.assertIn("retry-after", refused.headers)
        callee.context.reject(486)
        self.assertEqual(self.finalTo(invite).statusCode, 486)

    def test_unacknowledged(self):
        """
        One may come before the ACK of the one before, whose offer was answered (RFC 5407 section 3.1.4).
        """
        _agent, callee, _invite = self.ring(lambda context: context.accept(media=FixedMedia(ANSWER)) and None)
        self.ok = self.peer.expect("200 INVITE")
        again = self.finalTo(self.reinvite(body=HOLD))
        self.assertEqual(again.statusCode, 200)
        self.assertEqual(callee.dialog.state, Phase.PENDING)
        self.peer.ack(self.ok)
        self.network.advance(0.01)
        self.assertEqual(callee.dialog.state, Phase.STABLE)
        self.peer.ack(again)
        self.network.advance(0.01)
        third = self.finalTo(self.reinvite(body=HOLD))
        self.assertEqual(third.statusCode, 200)
        self.peer.ack(third)
        self.network.advance(0.01)

    def test_target(self):
        """Its Contact is where our requests go from then on; its Record-Route changes nothing (12.2.2)."""
        self.stand()
        moved = type(self.peer)(self.network, "moved.example")
        headers = {"Contact": f"<sip:moved@{moved.address[0]}:5060>", "Record-Route": "<sip:p.example;lr>"}
        again = self.finalTo(self.reinvite(body=HOLD, headers=headers))
        self.peer.ack(again)
        self.network.advance(0.01)
        self.dialog.destroy()
        bye = moved.expect("BYE", 1)
        self.assertEqual(bye.uriText, f"sip:moved@{moved.address[0]}:5060")
        self.assertNotIn("route", bye.headers)
        moved.respond(bye, 200)

    def test_refusedTarget(self):
        """A refused one moves nothing."""
        self.stand()
        self.finalTo(self.reinvite(body=VIDEO, headers={"Contact": "<sip:moved@192.0.2.99>"}))
        self.assertEqual(self.dialog.remote.uri, "sip:peer@192.0.2.1:5060")
        self.stands()

    def test_malformedContact(self):
        """A Contact that cannot be used: 400, and the call goes on."""
        self.stand()
        for contact in ("%", "*", "<tel:+49>", "<sip:a@b>, <sip:c@d>"):
            self.assertEqual(
                self.finalTo(self.reinvite(body=HOLD, headers={"Contact": contact})).statusCode, 400, contact
            )
        self.stands()

    def test_noContact(self):
        """Without one the target stays (12.2.1.1 only recommends it)."""
        self.stand()
        again = self.finalTo(self.reinvite(body=HOLD, headers={"Contact": None}))
        self.assertEqual(again.statusCode, 200)
        self.peer.ack(again)
        self.network.advance(0.01)
        self.assertEqual(self.dialog.remote.uri, "sip:peer@192.0.2.1:5060")
        self.stands()

    def test_noAck(self):
        """A 2xx to it that is never acknowledged ends the call like the first (14.2)."""
        self.stand()
        self.reinvite(body=HOLD)
        self.peer.expect("200 INVITE")
        bye = self.peer.expect("BYE")
        self.assertIn("ACK timeout", bye.headers.get("reason"))
        self.peer.respond(bye, 200)
        self.network.advance(0.1)
        self.assertEqual(self.callee.events, ["confirmed", "terminated"])
        self.assertIs(self.callee.ended.reason, Reason.ACK_TIMEOUT)

    def test_noAckTold(self):
        """accept() of it fails with NoAck, or DialogTerminated when a BYE is sooner."""

        class Own(Notes):
            def inviteReceived(self, context):
                accepting.append(context.accept())

        for bye, error in ((False, NoAck), (True, DialogTerminated)):
            accepting = []
            self.stand()
            self.dialog.delegate = Own()
            self.reinvite(body=HOLD)
            if bye:
                self.finalTo(self.peer.request("BYE", within=self.ok))
            else:
                self.peer.respond(self.peer.expect("BYE"), 200)
                self.network.advance(0.1)
            self.failureResultOf(accepting[0], error)

    def test_cancelledDescription(self):
        """A CANCEL while the description answers: 487; the description need not go on, and is still open."""
        slow = Slow()

        def answer(context):
            context.accept(media=lambda host: slow)

        _agent, callee, _invite = self.ring(answer)
        slow.waiting.callback(None)
        self.ok = self.peer.expect("200 INVITE")
        self.peer.ack(self.ok)
        self.network.advance(0.01)
        again = self.reinvite(body=HOLD)
        self.peer.cancel(again)
        self.assertEqual(self.finalTo(again).statusCode, 487)
        slow.waiting.callback(None)
        self.network.advance(0.01)
        self.assertEqual((slow.rolledBack, slow.closed), (0, 0))
        self.assertEqual(callee.dialog.remote.sdp, OFFER)
        self.finalTo(self.peer.request("BYE", within=self.ok))
        self.assertEqual(slow.closed, 1)
