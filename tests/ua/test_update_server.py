"""
UPDATE as its receiver (RFC 3311 section 5.2).
"""

from twisted.internet.defer import Deferred

from tests.ua.calling import ANSWER
from tests.ua.changing import MOVED, VIDEO, ChangeCase, Description, newer
from twisted_sipdialog.delegates import DialogDelegate
from twisted_sipdialog.errors import DialogTerminated, InvalidState, InvalidValue, LocalError
from twisted_sipdialog.interfaces import ISessionServerContext
from twisted_sipdialog.message.sdp import NotAcceptable

THEIRS = newer(ANSWER, (b"4002", b"4020"))


class Asked(DialogDelegate):
    """Keeps what it is asked; C{answer(context)} says how it is answered."""

    def __init__(self, answer=lambda context: context.answerLater()):
        self.answer = answer
        self.contexts = []

    def updateReceived(self, context):
        self.contexts.append(context)
        return self.answer(context)


class DefaultTests(ChangeCase):
    def test_answered(self):
        """
        The offer is answered in the 200, by the description of the call, and both are in force; no ACK follows.
        """
        self.stand()
        ok = self.fromPeer("UPDATE", THEIRS)
        self.assertEqual((ok.statusCode, ok.headers.get("content-type")), (200, "application/sdp"))
        self.assertTrue(ok.contacts)
        self.assertIn("UPDATE", ok.headers.get("allow"))
        self.assertEqual(self.session(), (ok.body, THEIRS, False))
        self.assertIn(b"m=audio 4000", ok.body)
        self.network.advance(5)
        self.assertEqual([m for m in self.peer.received if getattr(m, "statusCode", 0) == 200], [ok])
        self.works()
        self.hangUp()

    def test_withoutOffer(self):
        """
        Without an offer the 200 has no body, and the session stays; the Contact is the new target.
        """
        self.stand()
        ok = self.fromPeer("UPDATE", Contact="<sip:bob@192.0.2.2:5060;moved=1>")
        self.assertEqual((ok.statusCode, ok.body, ok.headers.get("content-type")), (200, b"", None))
        self.asBefore()
        self.assertEqual(self.dialog.remote.uri, "sip:bob@192.0.2.2:5060;moved=1")
        self.hangUp()

    def test_notAcceptable(self):
        """
        What does not fit is refused with 488, what cannot be read with 400 or 488; all stays as it was, the target too.
        """
        self.stand()
        target = self.dialog.remote.uri
        for body, codes in ((newer(VIDEO), (488,)), (b"nonsense", (400, 488))):
            refused = self.fromPeer("UPDATE", body, Contact="<sip:bob@192.0.2.2:5060;moved=1>")
            self.assertIn(refused.statusCode, codes)
            self.asBefore()
            self.assertEqual(self.dialog.remote.uri, target)
        self.assertEqual(self.fromPeer("UPDATE", THEIRS).statusCode, 200)
        self.works()

    def test_otherBody(self):
        """
        RFC 3261 section 8.2.3: a body we do not understand is refused with 415.
        """
        self.stand()
        refused = self.fromPeer("UPDATE", b"x", **{"Content-Type": "text/plain"})
        self.assertEqual((refused.statusCode, refused.headers.get("accept")), (415, "application/sdp"))
        self.asBefore()

    def test_malformedContact(self):
        """
        A Contact that cannot be used: 400, and the call goes on.
        """
        self.stand()
        target = self.dialog.remote.uri
        for contact in ("%", "*", "<tel:+49>", "<sip:a@b>, <sip:c@d>"):
            for body in (b"", THEIRS):
                self.assertEqual(self.fromPeer("UPDATE", body, Contact=contact).statusCode, 400, contact)
                self.assertEqual(self.dialog.remote.uri, target)
                self.asBefore()
        self.works()

    def test_slowDescription(self):
        """
        The description may take its time; meanwhile a second one is refused with 500.
        """
        self.standWithMedia()
        self.media.slow = True
        request = self.fromPeer("UPDATE", THEIRS, answered=False)
        self.network.advance(1)
        refused = self.fromPeer("UPDATE", newer(THEIRS))
        self.assertEqual(refused.statusCode, 500)
        self.assertIn(int(refused.headers.get("retry-after")), range(11))
        self.assertEqual(self.media.calls, ["answer"])
        self.media.waiting.callback(None)
        ok = self.finalTo(request)
        self.assertEqual((ok.statusCode, self.dialog.remote.sdp), (200, THEIRS))

    def test_descriptionFails(self):
        """
        A description that fails: its own status, else 500 and a line in the log; the session stays.
        """
        self.standWithMedia()
        for error, code in ((NotAcceptable("no"), 488), (ZeroDivisionError(), 500)):
            self.media.slow = True
            request = self.fromPeer("UPDATE", THEIRS, answered=False)
            self.network.advance(0.1)
            self.media.waiting.errback(error)
            self.assertEqual(self.finalTo(request).statusCode, code)
            self.asBefore()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.media.slow = False
        self.works()


class AskedTests(ChangeCase):
    def open(self, body=THEIRS, answer=None):
        self.own = Asked() if answer is None else Asked(answer)
        self.stand(delegate=self.own)
        self.request = self.fromPeer("UPDATE", body, answered=False)
        self.network.advance(0.1)
        (context,) = self.own.contexts
        return context

    def test_context(self):
        """
        What the delegate is asked.
        """
        context = self.open()
        self.assertTrue(ISessionServerContext.providedBy(context))
        self.assertEqual((context.method, context.offer, context.dialog), ("UPDATE", THEIRS, self.dialog))
        self.assertEqual(context.body, THEIRS)
        self.assertFalse(context.answered)
        context.accept()

    def test_accept(self):
        """
        Answered by a body, by media, or by the description of the call.
        """
        other = Description(MOVED)
        for how, local in (({"body": MOVED}, MOVED), ({"media": lambda host: other}, MOVED), ({}, None)):
            context = self.open()
            accepted = self.successResultOf(context.accept(extraHeaders=[("X-A", "b")], **how))
            ok = self.finalTo(self.request)
            self.assertEqual((ok.statusCode, ok.body), (200, accepted.body))
            self.assertEqual(ok.headers.get("x-a"), "b")
            if local is not None:
                self.assertEqual(ok.body, local)
            self.assertEqual(self.session(), (ok.body, THEIRS, False))
            self.assertRaises(InvalidState, context.accept)
            self.assertRaises(InvalidState, context.reject)
            self.works()
            self.hangUp()
        # works() replaced it by the description that was given there.
        self.assertEqual(other.calls, ["answer", "close"])

    def test_reject(self):
        """
        Refused: nothing has changed, and nothing is open.
        """
        context = self.open()
        context.reject(488)
        self.assertEqual(self.finalTo(self.request).statusCode, 488)
        self.assertEqual(self.session(), self.before)
        self.assertRaises(InvalidState, context.accept)
        self.works()

    def test_wrong(self):
        """
        A status out of range, a header that is ours, or a phrase of two lines raises before anything is sent or agreed.
        """
        context = self.open()
        self.assertRaises(InvalidValue, context.accept, 300)
        self.assertRaises(InvalidValue, context.reject, 200)
        self.assertRaises(InvalidValue, context.accept, extraHeaders=[("Contact", "<sip:a@b>")])
        self.assertRaises(InvalidValue, context.accept, reasonPhrase="O\r\nK")
        self.assertFalse(context.answered)
        self.assertEqual(self.session(), self.before)
        context.accept()
        self.assertEqual(self.finalTo(self.request).statusCode, 200)

    def test_coroutine(self):
        """
        A coroutine answers when it comes to it; its end without an answer is the default, its failure 500.
        """

        async def accepts(context):
            await waiting
            await context.accept(body=MOVED)

        async def returns(context):
            await waiting

        async def fails(context):
            await waiting
            raise ZeroDivisionError

        for answer, code in ((accepts, 200), (returns, 200), (fails, 500)):
            waiting = Deferred()
            self.open(answer=answer)
            self.network.advance(1)
            waiting.callback(None)
            self.assertEqual(self.finalTo(self.request).statusCode, code)
            self.works()
            self.hangUp()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_never(self):
        """
        RFC 4320: nobody answers: 500 before the peer's transaction gives up, never 408; a 100 in between.
        """
        self.open()
        self.network.advance(32)
        self.assertEqual(self.finalTo(self.request).statusCode, 500)
        self.assertEqual(self.session(), self.before)
        self.works()

    def test_byeFirst(self):
        """
        RFC 3261 section 15.1.2: the call ends before it is answered: 487, and whoever answers is told.
        """
        for mine in (True, False):
            for body in (THEIRS, b""):
                context = self.open(body)
                if mine:
                    self.dialog.destroy()
                    self.endsBye()
                else:
                    self.fromPeer("BYE")
                self.assertEqual(self.finalTo(self.request).statusCode, 487)
                self.assertRaises(InvalidState, context.accept)
                self.assertNothingLeft()

    def test_byeWhileAnswered(self):
        """
        So while the answer is being made: accept() fails with DialogTerminated, what was made for it is closed.
        """
        slow = Description(MOVED)
        slow.slow = True
        context = self.open()
        accepting = context.accept(media=lambda host: slow)
        self.network.advance(0.1)
        self.fromPeer("BYE")
        self.assertEqual(self.finalTo(self.request).statusCode, 487)
        self.failureResultOf(accepting, DialogTerminated)
        self.assertEqual(slow.calls, ["answer", "close"])
        self.assertNothingLeft()

    def test_coroutineIsCancelled(self):
        """
        A coroutine that waits to answer is cancelled when the call ends.
        """
        ended = []

        async def waits(context):
            try:
                await Deferred()
            finally:
                ended.append(True)

        self.open(answer=waits)
        self.fromPeer("BYE")
        self.assertEqual(self.finalTo(self.request).statusCode, 487)
        self.assertEqual(ended, [True])
        self.assertNothingLeft()

    def test_overtaken(self):
        """
        RFC 3261 section 12.2.2: a CSeq that is not higher than the last: 500.
        """
        self.stand()
        self.fromPeer("UPDATE", THEIRS)
        request = self.peer.request("UPDATE", within=self.first, headers={"CSeq": "1 UPDATE"}, body=newer(THEIRS))
        self.network.advance(0.1)
        self.assertEqual(self.peer.received[-1].statusCode, 500)
        self.assertEqual((request.method, self.dialog.remote.sdp), ("UPDATE", THEIRS))


class WithoutDescriptionTests(ChangeCase):
    def test_noBody(self):
        """
        accept() of an offer with neither body nor description is the application's fault; the UPDATE is still open.
        """
        self.own = Asked()
        self.stand(delegate=self.own)
        request = self.fromPeer("UPDATE", THEIRS, answered=False)
        self.network.advance(0.1)
        session, self.dialog.session = self.dialog.session, None
        self.assertRaises(LocalError, self.own.contexts[0].accept)
        self.dialog.session = session
        self.own.contexts[0].accept()
        self.assertEqual(self.finalTo(request).statusCode, 200)
