"""
Who is told how a request of a peer fares, and when (interfaces.IRequestDelegate; RFC 3261 section 8.2.6).
"""

from twisted.internet.defer import CancelledError

from tests.ua.callee import ANSWER, OFFER, VIDEO, CalleeTestCase
from tests.ua.faring import Fares, refused
from twisted_sipdialog.errors import InvalidState, InvalidValue
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.status import Cause

ACCEPTED = [("accepted", 200, None)]


class Answering(Fares):
    """Keeps what it is asked for the test to answer, or has it answered at once; notes how that fares."""

    def __init__(self, answer=None):
        super().__init__()
        self.answer = answer or (lambda context: context.answerLater())
        self.asked = []

    def inviteReceived(self, context):
        self.asked.append(context)
        return self.answer(context)

    messageReceived = updateReceived = inviteReceived

    @property
    def context(self):
        return self.asked[-1]


class ToldCase(CalleeTestCase):
    def asked(self, method="MESSAGE", answer=None, delegate=Answering, protocol="UDP", headers=None, **settings):
        """A request that our agent was asked for: its context, and who notes what is told."""
        self.fares = delegate(answer)
        self.desk = self.agent(self.fares, **settings)
        body = OFFER if method == "INVITE" else b""
        self.asking = self.peer.request(method, self.desk, protocol=protocol, headers=headers or {}, body=body)
        self.network.advance(0.01)
        return self.fares.context, self.fares

    def standing(self, own=None, media=None):
        """A call that stands, whose delegate is C{own}: the 200; what was told so far is forgotten."""
        self.fares = Answering(lambda context: context.accept(body=ANSWER, delegate=own) and None)
        self.desk = self.agent(self.fares, media=media)
        ok = self.final("INVITE", self.desk, body=OFFER)
        self.peer.ack(ok)
        self.network.advance(0.01)
        self.fares.told.clear()
        if own is not None:
            own.told.clear()
        return ok


class RequestTests(ToldCase):
    def test_accepted(self):
        """A 2xx is told once it was sent, and the state says so."""
        context, fares = self.asked()
        context.accept(202)
        self.assertEqual((fares.told, fares.states), ([("accepted", 202, None)], [202]))
        self.assertEqual(fares.subjects, [context])

    def test_rejected(self):
        """A refusal is told, and that it is a failure; its status says the cause."""
        for code, cause in (
            (302, Cause.REDIRECTED),
            (486, Cause.BUSY),
            (480, Cause.UNAVAILABLE),
            (603, Cause.REJECTED),
        ):
            context, fares = self.asked()
            context.reject(code)
            self.assertEqual((fares.told, fares.states), (refused(code, cause), [code, code]))

    def test_replied(self):
        """reply() is the verb of its class, and told as that."""
        for code, told in ((299, [("accepted", 299, None)]), (404, refused(404, Cause.NOT_FOUND))):
            context, fares = self.asked()
            context.reply(code)
            self.assertEqual(fares.told, told)

    def test_progress(self):
        """RFC 4320: over UDP a 100 goes out when it may, and is told then; over TCP at once."""
        context, fares = self.asked()
        context.progress()
        self.assertEqual(fares.told, [])
        self.network.advance(4)
        self.assertEqual(fares.told, [("progress sent", 100, None)])
        context.accept()
        context, fares = self.asked(protocol="TCP")
        context.progress()
        self.assertEqual(fares.told, [("progress sent", 100, None)])
        context.accept()
        self.assertEqual(fares.told[1:], ACCEPTED)

    def test_progressAnswered(self):
        """Whoever answers when that 100 is told has answered: no timer goes on."""

        class Quick(Answering):
            def progressSent(self, context, response):
                super().progressSent(context, response)
                context.accept()

        context, fares = self.asked(delegate=Quick)
        self.network.advance(4)
        self.assertEqual(fares.told, [("progress sent", 100, None), *ACCEPTED])
        self.network.advance(40)
        self.assertEqual((self.sent("500 MESSAGE"), self.desk.leftovers()), (0, []))
        self.assertTrue(context.answered)

    def test_unanswered(self):
        """Nobody answers, or the method fails: 500 is a refusal like any other."""
        _context, fares = self.asked()
        self.network.advance(40)
        self.assertEqual(fares.told[1:], refused(500, Cause.SIP_FAILURE_CODE))
        _context, fares = self.asked(answer=lambda context: 1 / 0)
        self.assertEqual(fares.told, refused(500, Cause.SIP_FAILURE_CODE))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_byDefault(self):
        """So is what the default answers."""
        fares = Fares()
        agent = self.agent(fares)
        self.final("OPTIONS", agent)
        self.assertEqual(fares.told, ACCEPTED)
        fares.told.clear()
        self.final("INVITE", agent, body=OFFER)
        self.assertEqual(fares.told, refused(480, Cause.UNAVAILABLE))

    def test_wrong(self):
        """A status out of range, or a second final: nothing is sent, and nothing told."""
        for method in ("MESSAGE", "INVITE"):
            context, fares = self.asked(method)
            for verb, status in (("accept", 300), ("reject", 200), ("progress", 200), ("reply", 0), ("progress", 0)):
                self.assertRaises(InvalidValue, getattr(context, verb), status)
            self.assertRaises(InvalidValue, context.reject, 486, "a\r\nb")
            self.assertEqual((fares.told, context.response), ([], None))
            context.reject(486)
            self.finalTo(self.asking)
            for verb, status in (("progress", 100), ("accept", 200), ("reject", 486), ("reply", 404)):
                with self.assertRaises(InvalidState) as caught:
                    getattr(context, verb)(status)
                self.assertEqual(caught.exception.verb, verb)
                self.assertIn("486", caught.exception.state)
            self.assertEqual(fares.told, refused(486, Cause.BUSY))

    def test_retransmitted(self):
        """A repeated request gets the same answer, of which nothing is told."""
        context, fares = self.asked()
        context.accept()
        self.peer.send(self.asking.toBytes(), self.desk)
        self.network.advance(0.01)
        self.assertEqual((self.sent("200 MESSAGE"), fares.told), (2, ACCEPTED))

    def test_inDialog(self):
        """In a dialog its own delegate is told, then the user agent's."""
        own = Answering(lambda context: context.accept(202) and None)
        ok = self.standing(own)
        self.peer.request("MESSAGE", within=ok, body=b"hello")
        self.network.advance(0.01)
        self.assertEqual((own.told, self.fares.told), ([("accepted", 202, None)],) * 2)

    def test_update(self):
        """RFC 3311: an UPDATE is told as any, its offer answered or not."""
        ok = self.standing()
        for offer, told in (
            (OFFER.replace(b"- 1 1", b"- 1 2"), ACCEPTED),
            (VIDEO, refused(488, Cause.INCOMPATIBLE_SDP)),
        ):
            self.fares.told.clear()
            self.fares.answer = lambda context: context.accept(media=FixedMedia(ANSWER)).addErrback(lambda _: None)
            self.final("UPDATE", within=ok, agent=None, body=offer)
            self.assertEqual(self.fares.told, told)
        self.assertEqual(self.desk.leftovers()[:1], [repr(self.desk.dialogs[0])])


class FinishedTests(ToldCase):
    def test_finished(self):
        """It fires with the final that was sent: for each who asks, before or after."""
        for method in ("MESSAGE", "INVITE"):
            context, _fares = self.asked(method)
            early, given = context.whenFinished(), context.whenFinished()
            given.cancel()
            self.failureResultOf(given, CancelledError)
            context.progress(100)
            self.assertNoResult(early)
            context.reject(486)
            self.finalTo(self.asking)
            for finished in (early, context.whenFinished(), context.whenFinished()):
                self.assertIs(self.successResultOf(finished), context.response)

    def test_accepted(self):
        """With a 2xx too: of an INVITE when that is sent, its ACK is another matter."""
        context, _fares = self.asked("INVITE")
        finished = context.whenFinished()
        accepted = context.accept(body=ANSWER)
        self.assertEqual(self.successResultOf(finished).statusCode, 200)
        self.assertNoResult(accepted)
        self.peer.ack(self.finalTo(self.asking))

    def test_late(self):
        """Nobody asked before it was sent."""
        context, _fares = self.asked()
        context.reject(486)
        self.assertIs(self.successResultOf(context.whenFinished()), context.response)

    def test_told(self):
        """When it fires, the delegate was told; asked by the delegate, it is there at once."""
        order = []

        class Asking(Answering):
            def requestAccepted(self, context, response):
                order.append("told")
                context.whenFinished().addCallback(lambda response: order.append(response.statusCode))

        context, _fares = self.asked(delegate=Asking)
        context.whenFinished().addCallback(lambda _: order.append("finished"))
        context.accept()
        self.assertEqual(sorted(map(str, order)), ["200", "finished", "told"])
        self.assertEqual(order[0], "told")

    def test_lazy(self):
        """Who is not asked keeps nothing for it."""
        context, _fares = self.asked()
        context.accept()
        self.assertIsNone(context._finished)
