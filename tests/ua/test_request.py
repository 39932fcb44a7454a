"""
Requests outside dialogs (RFC 3261 sections 8.1, 17.1.2).
"""

from twisted.internet.defer import CancelledError

from tests.ua.calling import BOB, CallerCase
from twisted_sipdialog.errors import InvalidValue, Timeout, TransportError
from twisted_sipdialog.ua.delegation import Waiters

TCP = f"{BOB};transport=tcp"


class RequestTests(CallerCase):
    def test_anyStatus(self):
        """
        It fires with the final response, whatever its status; provisionals are nothing.
        """
        for code in (200, 202, 299, 302, 401, 404, 481, 486, 503, 603):
            asking = self.alice.request("MESSAGE", BOB, b"hello")
            message = self.peer.expect("MESSAGE")
            self.peer.respond(message, 100)
            self.network.advance(0.1)
            self.assertNoResult(asking)
            self.peer.respond(message, code)
            self.network.advance(0.1)
            self.assertEqual(self.successResultOf(asking).statusCode, code)
        self.assertNothingLeft()

    def test_body(self):
        """
        A body is text/plain unless it is said what it is; without one there is no type.
        """
        cases = (((b"x", None), "text/plain"), ((b"x", "application/json"), "application/json"), ((b"", None), None))
        for (body, contentType), expected in cases:
            self.request("MESSAGE", body=body, contentType=contentType)
            message = self.peer.expect("MESSAGE")
            self.assertEqual((message.body, message.headers.get("Content-Type")), (body, expected))
            self.peer.respond(message, 200)

    def test_methods(self):
        """
        Methods that need a context, or a dialog, are refused; an extension's are not.
        """
        for method in ("INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE", "", "A B", "OPTIONS\r\nX:", "Ä"):
            with self.assertRaises(InvalidValue, msg=method):
                self.alice.request(method, BOB)
        self.request("SUMMON")
        summon = self.peer.expect("SUMMON")
        self.assertEqual(summon.cseqMethod, "SUMMON")
        self.peer.respond(summon, 200)

    def test_timeout(self):
        """
        Section 17.1.2.2: repeated at T1, doubled up to T2, for 64*T1; then Timeout.
        """
        asking = self.alice.request("OPTIONS", BOB)
        self.network.advance(31.9)
        self.assertNoResult(asking)
        self.network.advance(0.2)
        self.failureResultOf(asking, Timeout)
        self.assertEqual(self.count("OPTIONS"), 11)
        self.assertNothingLeft()

    def test_repeatedFinal(self):
        """
        A final that is repeated is told once.
        """
        asking = self.alice.request("OPTIONS", BOB)
        options = self.peer.expect("OPTIONS")
        for code in (200, 200, 486):
            self.peer.respond(options, code)
        self.network.advance(1)
        self.assertEqual(self.successResultOf(asking).statusCode, 200)

    def test_lostFlow(self):
        """
        Section 17.1.4: the connection breaks: TransportError.
        """
        asking = self.alice.request("OPTIONS", TCP)
        self.peer.expect("OPTIONS")
        self.network.reset(self.alice, self.peer)
        self.network.advance(0.1)
        self.failureResultOf(asking, TransportError)
        self.assertNothingLeft()

    def test_cancelled(self):
        """
        Cancelling the Deferred is for who asked; the answer is nobody's any more (there is no CANCEL: section 9.1).
        """
        asking = self.alice.request("OPTIONS", BOB)
        options = self.peer.expect("OPTIONS")
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.peer.respond(options, 200)
        self.assertNothingLeft()
        self.assertEqual(len(self.peer.received), 1)

    def test_cancelledBeforeListening(self):
        """
        Before the ports are open: nothing is sent, and nothing stays.
        """
        listening, self.alice._listening = self.alice._listening, Waiters()
        asking = self.request("OPTIONS")
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.alice._listening.fire([])
        self.alice._listening = listening
        self.network.advance(1)
        self.assertEqual((self.peer.received, self.alice.leftovers()), ([], []))

    def test_stop(self):
        """
        The service stops before the answer: TransportError, not silence.
        """
        asking = self.alice.request("OPTIONS", BOB)
        self.peer.expect("OPTIONS")
        self.alice.stopService()
        self.network.advance(20)
        self.failureResultOf(asking, TransportError)
        self.assertEqual(self.alice.leftovers(), [])

    def test_toOneself(self):
        """
        A request to our own AOR arrives, and is answered.
        """
        asking = self.alice.request("OPTIONS", "sip:alice@a.example")
        self.network.advance(1)
        self.assertEqual(self.successResultOf(asking).statusCode, 200)

    def test_unwritable(self):
        """
        Text that no encoding of ours takes: the request fails, and nothing waits for its answer.
        """
        asking = self.alice.request("OPTIONS", BOB, extraHeaders=[("X-Text", "\ud800")])
        self.network.advance(1)
        self.failureResultOf(asking, TransportError)
        self.assertEqual(len(self.flushLoggedErrors(UnicodeEncodeError)), 1)
        self.assertEqual((self.peer.received, self.alice.leftovers()), ([], []))

    def test_maxForwardsIsOurs(self):
        """
        Section 20.22: a request has one Max-Forwards.
        """
        self.assertRaises(InvalidValue, self.alice.request, "OPTIONS", BOB, extraHeaders=[("Max-Forwards", "3")])
