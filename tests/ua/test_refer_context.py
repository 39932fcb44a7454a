"""
What answers a REFER: the verbs of its context, and how a delegate goes about it (IReferServerContext).
"""

from twisted.internet.defer import Deferred, succeed
from twisted.logger import LogLevel, globalLogPublisher

from tests.ua.transferee import CAROL, TransfereeCase, later
from twisted_sipdialog.dialog.referral import ReferState
from twisted_sipdialog.errors import InvalidState, InvalidValue
from twisted_sipdialog.message.sipfrag import StatusFragment


class ContextTests(TransfereeCase):
    """IReferServerContext: its verbs and attributes."""

    def ask(self, **how):
        self.stand(later, **how)
        self.asks(headers={"Referred-By": '<sip:peer@peer.example>;cid="1@x"'})
        return self.notes.refer

    def answered(self, code):
        self.network.advance(0.01)
        return self.peer.expect(f"{code} REFER", 1)

    def over(self):
        self.assertSilent()
        self.hangsUp()
        self.assertNothingLeft()

    def test_attributes(self):
        context = self.ask()
        self.assertEqual((str(context.referTo.uri), context.replaces, context.method), (CAROL, None, "REFER"))
        self.assertEqual(context.referredBy, '<sip:peer@peer.example>;cid="1@x"')
        self.assertIs(context.dialog, self.dialog)
        self.assertIs(context.userAgent, self.userAgent)
        self.assertEqual((context.referState, context.status, context.targetDialog), (ReferState.WAITING, None, None))
        self.assertFalse(context.answered)
        context.reject()
        self.assertEqual((context.referState, context.answered), (ReferState.TERMINATED, True))
        self.over()

    def test_replaces(self):
        """The dialog to be replaced, decoded."""
        self.stand(later)
        self.asks(f"<{CAROL}?Replaces=a%2Bb%40c%3bfrom-tag%3dx%3bto-tag%3dy%3Bearly-only>")
        replaces = self.notes.refer.replaces
        self.assertEqual((replaces.callId, replaces.toTag, replaces.fromTag), ("a+b@c", "y", "x"))
        self.notes.refer.reject()
        self.over()

    def test_reject(self):
        """480 by default; any refusal; told once."""
        context = self.ask()
        rejecting = context.reject()
        self.assertEqual(self.successResultOf(rejecting).statusCode, 480)
        self.answered(480)
        self.assertEqual(self.notes.heard, [("request rejected", 480)])
        for verb in (context.reject, context.accept, context.progress, lambda: context.reply(486)):
            self.assertRaises(InvalidState, verb)
        self.assertRaises(InvalidState, context.sendNotify, 200)
        self.assertEqual(self.notes.heard, [("request rejected", 480)])
        self.over()

    def test_rejectWith(self):
        context = self.ask()
        context.reject(603, "No Thanks", [("X-Why", "busy")], b"why", "text/plain")
        response = self.answered(603)
        self.assertEqual((response.reasonPhrase, response.headers.get("x-why")), ("No Thanks", "busy"))
        self.assertEqual((response.body, response.headers.get("content-type")), (b"why", "text/plain"))
        self.over()

    def test_ranges(self):
        """A status out of its verb's range: nothing is sent, and it may still be answered."""
        context = self.ask()
        for verb, code in (
            *((context.progress, code) for code in (99, 180, 183, 200)),
            *((context.accept, code) for code in (100, 199, 300, 480)),
            *((context.reject, code) for code in (100, 202, 299, 700)),
            *((context.reply, code) for code in (99, 180, 700)),
        ):
            with self.subTest(verb=verb, code=code):
                self.assertRaises(InvalidValue, verb, code)
        self.assertEqual((self.notes.heard, self.sent("100 REFER")), ([], 0))
        context.reject(486)
        self.answered(486)
        self.over()

    def test_progress(self):
        """RFC 4320 section 4.1: 100 and nothing else; only while it waits."""
        context = self.ask()
        self.successResultOf(context.progress())
        self.assertEqual(self.sent("100 REFER"), 0)
        self.network.advance(4)  # before, the referrer repeats the REFER often, and a 100 helps nobody
        self.answered(100)
        context.accept()
        self.answered(202)
        with self.assertRaises(InvalidState) as raised:
            context.progress()
        self.assertIn(ReferState.ANSWERED.value, str(raised.exception))
        self.notified()
        context.sendNotify(486)
        self.notified()
        self.over()

    def test_accept(self):
        """202 by default; without followRefer its Deferred fires with None at once."""
        context = self.ask()
        self.assertIsNone(self.successResultOf(context.accept(extraHeaders=[("X-Is", "ours")], reasonPhrase="Fine")))
        response = self.answered(202)
        self.assertEqual((response.headers.get("x-is"), response.reasonPhrase), ("ours", "Fine"))
        # RFC 3515 section 2.2: a 2xx to REFER has a Contact.
        self.assertIsNotNone(response.headers.get("contact"))
        self.assertEqual(context.referState, ReferState.ANSWERED)
        with self.assertRaises(InvalidState) as raised:
            context.accept()
        self.assertIn(ReferState.ANSWERED.value, str(raised.exception))
        for verb in (context.reject, lambda: context.reply(486)):
            self.assertRaises(InvalidState, verb)
        self.assertEqual(self.told(), ("SIP/2.0 100 Trying", "active"))
        self.assertEqual(self.notes.heard, [("request accepted", 202)])
        context.sendNotify(503)
        self.assertEqual(self.told(), ("SIP/2.0 503 Service Unavailable", "terminated"))
        with self.assertRaises(InvalidState) as raised:
            context.sendNotify(200)
        self.assertIn(ReferState.TERMINATED.value, str(raised.exception))
        self.over()

    def test_acceptStatus(self):
        """The configuration says with which; a call may say otherwise."""
        for settings, given, code in (({"referStatus": 200}, {}, 200), ({}, {"statusCode": 200}, 200)):
            self.ask(**settings).accept(**given)
            self.answered(code)
            self.notified()
            self.notes.refer.sendNotify(200)
            self.notified()
            self.over()

    def test_reply(self):
        """reply() is the verb of its class, told in the same way."""
        self.ask().reply(202)
        self.answered(202)
        self.notified()
        self.notes.refer.sendNotify(200)
        self.notified()
        self.asks()
        self.notes.refer.reply(603)
        self.answered(603)
        self.assertIn(("request rejected", 603), self.notes.heard)
        self.assertEqual(self.notes.heard[0], ("request accepted", 202))
        self.over()

    def test_sendNotify(self):
        """Every form of a status; the last one ends it."""
        context = self.ask()
        context.accept()
        self.answered(202)
        self.notified()
        for status, line in (
            (180, "SIP/2.0 180 Ringing"),
            (StatusFragment(183, "Nearly There"), "SIP/2.0 183 Nearly There"),
            (b"SIP/2.0 182 Queued\r\nX-Place: 3\r\n", "SIP/2.0 182 Queued"),
        ):
            answered = context.sendNotify(status)
            self.assertNoResult(answered)
            self.assertEqual(self.told()[0].splitlines()[0], line)
            self.assertEqual(self.successResultOf(answered).statusCode, 200)
        for status in (b"nonsense", b"", 99, 700, None, "180 Ringing"):
            with self.subTest(status=status):
                self.assertRaises(InvalidValue, context.sendNotify, status)
        self.assertEqual(context.status.statusCode, 182)
        answered = context.sendNotify(b"SIP/2.0 603 Decline\r\n")
        notify = self.notified(481)
        self.assertEqual(notify.headers.get("subscription-state"), "terminated;reason=noresource")
        self.assertEqual(self.successResultOf(answered).statusCode, 481)
        self.assertEqual(context.status, StatusFragment(603))
        self.assertRaises(InvalidState, context.sendNotify, 200)
        # What it says itself, an application is not told.
        self.assertEqual(self.notes.heard, [("request accepted", 202)])
        self.over()

    def test_sendNotifyEarly(self):
        """Nothing is told before the 2xx."""
        context = self.ask()
        with self.assertRaises(InvalidState) as raised:
            context.sendNotify(100)
        self.assertIn(ReferState.WAITING.value, str(raised.exception))
        context.reject()
        self.over()


class DelegateTests(TransfereeCase):
    """How a delegate answers, or does not (IReferServerContext, IDialogDelegate)."""

    def setUp(self):
        super().setUp()
        self.logged = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def warnings(self):
        return [event for event in self.logged if event.get("log_level") is LogLevel.warn]

    def over(self):
        self.assertSilent()
        self.hangsUp()
        self.assertNothingLeft()

    def test_unanswered(self):
        """It returns without an answer: 603, and the log says so."""
        self.stand(lambda context: None)
        self.assertEqual(self.status(), 603)
        self.assertEqual(len(self.warnings()), 1)
        self.assertEqual(self.notes.heard, [("request rejected", 603)])
        self.over()

    def test_unansweredLater(self):
        """So does a coroutine that ends without."""

        async def asked(context):
            await waiting

        waiting = Deferred()
        self.stand(asked)
        self.asks()
        self.assertEqual(self.sent("603 REFER"), 0)
        waiting.callback(None)
        self.network.advance(0.01)
        self.assertEqual((self.sent("603 REFER"), len(self.warnings())), (1, 1))
        self.over()

    def test_raises(self):
        """Before the final: 500, and the failure is logged."""
        self.stand(lambda context: 1 // 0)
        self.assertEqual(self.status(), 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.over()

    def test_raisesAfter(self):
        """After the 2xx: logged, nothing else changes."""

        def asked(context):
            context.accept()
            1 // 0  # noqa: B018

        self.stand(asked)
        self.assertEqual(self.status(), 202)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.told(), ("SIP/2.0 100 Trying", "active"))
        self.notes.refer.sendNotify(200)
        self.assertEqual(self.told(), ("SIP/2.0 200 OK", "terminated"))
        self.over()

    def test_raisesBeingTold(self):
        """What only hears of it cannot disturb it."""

        def raises(context, what):
            raise ZeroDivisionError(what)

        self.stand(self.follow())
        for name in ("RequestAccepted", "InviteSent", "Progress", "Accepted"):
            setattr(self.notes, f"refer{name}", raises)
        self.assertEqual(self.status(), 202)
        self.called()
        self.target.respond(self.invite, 180)
        for line in ("100 Trying", "180 Ringing"):
            self.assertEqual(self.told()[0], f"SIP/2.0 {line}")
        self.answers()
        self.assertEqual(self.told()[0], "SIP/2.0 200 OK")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 4)
        self.targetHangsUp()
        self.over()

    def test_answerLater(self):
        """RFC 4320 section 4.2: an answer comes before the referrer's timer F, though not a 408."""
        self.stand(later)
        self.asks()
        self.network.advance(31.9)
        self.assertEqual(self.sent("500 REFER"), 1, self.network.ladder())
        for verb in (self.notes.refer.accept, self.notes.refer.reject, self.notes.refer.progress):
            self.assertRaises(InvalidState, verb)
        self.assertRaises(InvalidState, self.notes.refer.sendNotify, 200)
        self.assertEqual(self.notes.refer.referState, ReferState.TERMINATED)
        self.over()

    def test_coroutine(self):
        """A coroutine is its answer's life: it goes on after the 2xx, to the new call."""

        async def asked(context):
            await waiting
            got.append(await context.accept(followRefer=True))

        waiting, got = Deferred(), []
        self.stand(asked)
        self.asks()
        waiting.callback(None)
        self.network.advance(0.01)
        self.called()
        self.answers()
        self.assertEqual([self.told(), self.told()][1], ("SIP/2.0 200 OK", "terminated"))
        self.assertEqual(got, [self.notes.refer.targetDialog])
        self.targetHangsUp()
        self.over()

    def test_hungUp(self):
        """RFC 3261 section 15.1.2: a BYE meanwhile leaves it open; it is answered in time."""

        async def asked(context):
            try:
                await Deferred()
            finally:
                ended.append(context)

        ended = []
        self.stand(asked)
        self.asks()
        self.hangsUp()
        self.network.advance(33)
        self.assertEqual(len(ended), 1)
        finals = [m for m in self.peer.received if getattr(m, "cseqMethod", "") == "REFER" and m.statusCode >= 200]
        self.assertEqual(len(finals), 1)
        self.assertRaises(InvalidState, self.notes.refer.accept)
        self.assertNothingLeft()

    def test_returnedDeferred(self):
        self.stand(lambda context: succeed(None).addCallback(lambda _: context.reject(404)))
        self.assertEqual(self.status(), 404)
        self.assertEqual(self.warnings(), [])
        self.over()
