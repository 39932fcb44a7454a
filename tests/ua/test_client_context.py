"""
The context of a request of ours outside dialogs (RFC 3261 sections 8.1 and 9.1, RFC 3428).
"""

from twisted.internet.defer import CancelledError, Deferred
from zope.interface.verify import verifyObject

from tests.ua.calling import BOB, CallerCase, challenge
from tests.ua.faring import Fares, refused
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import InvalidState, InvalidValue, Timeout, TransportError
from twisted_sipdialog.interfaces import IClientContext
from twisted_sipdialog.status import Cause
from twisted_sipdialog.ua.delegation import Waiters


class ClientContextCase(CallerCase):
    def setUp(self):
        super().setUp()
        self.fares = Fares()

    def ask(self, method="MESSAGE", target=BOB, body=b"hello", agent=None, **arguments):
        """The context of a request of Alice's, and the request as it came."""
        context = (agent or self.alice).requestContext(method, target, body, delegate=self.fares, **arguments)
        return context, self.peer.expect(method)


class ViewTests(ClientContextCase):
    def test_interface(self):
        """It is what its interface says."""
        context, message = self.ask()
        verifyObject(IClientContext, context)
        self.peer.respond(message, 200)

    def test_attributes(self):
        """It says what it is, before it is sent and after."""
        context, message = self.ask(contentType="text/html")
        self.assertEqual((context.method, context.body, context.contentType), ("MESSAGE", b"hello", "text/html"))
        self.assertEqual(str(context.localIdentity.uri), "sip:alice@a.example")
        self.assertEqual(context.localIdentity.tag, message.fromTag)
        self.assertEqual((str(context.remoteIdentity.uri), context.remoteIdentity.tag), (BOB, None))
        self.assertEqual((context.userAgent, context.delegate), (self.alice, self.fares))
        self.assertEqual((context.dialog, context.response, context.data), (None, None, {}))
        self.assertIs(context.data, context.data)
        self.assertEqual(context.request.toBytes(), message.toBytes())
        self.peer.respond(message, 200)
        self.network.advance(0.1)
        self.assertEqual(context.response.statusCode, 200)

    def test_withoutBody(self):
        """Without a body there is no type."""
        context, options = self.ask("OPTIONS", body=b"")
        self.assertEqual((context.body, context.contentType), (b"", None))
        self.peer.respond(options, 200)

    def test_proven(self):
        """Section 22: C{request} is the one that was sent last, with its credentials; the challenge is not told."""
        agent = self.network.userAgent(
            "sip:carol@c.example", credentials=(Credentials("alice", "wonderland", realm="example.com"),)
        )
        context, message = self.ask(agent=agent)
        self.peer.respond(message, 401, headers={"WWW-Authenticate": challenge()})
        again = self.peer.expect("MESSAGE")
        self.assertEqual(context.request.cseqNumber, again.cseqNumber)
        self.assertIsNotNone(context.request.headers.get("authorization"))
        self.peer.respond(again, 200)
        self.network.advance(0.1)
        self.assertEqual(self.fares.told, [("accepted", 200, None)])

    def test_notRunning(self):
        """Nothing is asked of an agent that is stopped."""
        self.alice.stopService()
        self.assertRaises(InvalidState, self.alice.requestContext, "OPTIONS", BOB)
        self.assertRaises(InvalidState, self.alice.message, BOB, b"hello")


class OutcomeTests(ClientContextCase):
    def test_accepted(self):
        """Section 8.1.3: each provisional, then the 2xx, once; the state is the new one by then."""
        context, message = self.ask()
        finished = context.whenFinished()
        for code in (100, 100, 202, 202):
            self.peer.respond(message, code)
            self.network.advance(0.1)
        self.assertEqual(self.fares.told, [("progress", 100, None)] * 2 + [("accepted", 202, None)])
        self.assertEqual(self.fares.states, [100, 100, 202])
        self.assertEqual(set(self.fares.subjects), {context})
        self.assertEqual(self.successResultOf(finished).statusCode, 202)
        self.assertNothingLeft()

    def test_rejected(self):
        """Any other final is a refusal, which is a failure too; its status says the cause."""
        for code, cause in (
            (302, Cause.REDIRECTED),
            (401, Cause.AUTHENTICATION_ERROR),
            (404, Cause.NOT_FOUND),
            (405, Cause.SIP_FAILURE_CODE),
            (486, Cause.BUSY),
            (603, Cause.REJECTED),
        ):
            context, message = self.ask()
            self.peer.respond(message, code)
            self.network.advance(0.1)
            self.assertEqual(self.fares.told, refused(code, cause))
            self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, code)
            self.fares.told.clear()
        self.assertNothingLeft()

    def test_timeout(self):
        """Section 17.1.2.2: no final in 64*T1: a failure without a response."""
        context, message = self.ask()
        self.peer.respond(message, 100)
        finished = context.whenFinished()
        self.network.advance(33)
        self.assertEqual(self.fares.told, [("progress", 100, None), ("failed", None, Cause.REQUEST_TIMEOUT)])
        self.failureResultOf(finished, Timeout)
        self.assertNothingLeft()

    def test_lostFlow(self):
        """Section 17.1.4: the connection broke."""
        context, _message = self.ask(target=f"{BOB};transport=tcp")
        self.network.reset(self.alice, self.peer)
        self.network.advance(0.1)
        self.assertEqual(self.fares.told, [("failed", None, Cause.CONNECTION_ERROR)])
        self.failureResultOf(context.whenFinished(), TransportError)
        self.assertNothingLeft()

    def test_stop(self):
        """The service stops: who waits is told, once."""
        context, _message = self.ask()
        finished = context.whenFinished()
        self.alice.stopService()
        self.network.advance(40)
        self.assertEqual(self.fares.told, [("failed", None, Cause.CONNECTION_ERROR)])
        self.failureResultOf(finished, TransportError)
        self.assertEqual(self.alice.leftovers(), [])

    def test_unlocated(self):
        """RFC 3263: a name without an address."""
        context = self.alice.requestContext("OPTIONS", "sip:bob@nowhere.example", delegate=self.fares)
        self.network.advance(1)
        self.assertEqual(self.fares.told, [("failed", None, Cause.CONNECTION_ERROR)])
        self.failureResultOf(context.whenFinished(), TransportError)
        self.assertIsNone(context.request)
        self.assertNothingLeft()

    def test_waiters(self):
        """Everybody who asks has a Deferred of their own, early or late; to cancel it concerns nobody else."""
        context, message = self.ask()
        early, given = context.whenFinished(), context.whenFinished()
        given.cancel()
        self.failureResultOf(given, CancelledError)
        self.peer.respond(message, 200)
        self.network.advance(0.1)
        for waiting in (early, context.whenFinished()):
            self.assertIs(self.successResultOf(waiting), context.response)
        self.assertIsNot(context.whenFinished(), context.whenFinished())

    def test_both(self):
        """What is told is told to its own delegate, then to the user agent's, and once where that is the same."""
        everything = Fares()
        agent = self.network.userAgent("sip:carol@c.example", everything)
        for delegate in (self.fares, everything, None):
            agent.message(BOB, b"hello", delegate=delegate)
            self.peer.respond(self.peer.expect("MESSAGE"), 404)
            self.network.advance(0.1)
        self.assertEqual(self.fares.told, refused(404, Cause.NOT_FOUND))
        self.assertEqual(everything.told, 3 * refused(404, Cause.NOT_FOUND))

    def test_raising(self):
        """What the delegate raises is logged, and hurts nobody else."""

        class Raising(Fares):
            def requestAccepted(self, context, response):
                raise ValueError("mine")

        asking = self.alice.message(BOB, b"hello", delegate=Raising())
        self.peer.respond(self.peer.expect("MESSAGE"), 200)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(asking).statusCode, 200)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class CancelTests(ClientContextCase):
    def test_cancel(self):
        """
        Section 9.1: only an INVITE has a CANCEL.  Nothing more is sent, and the answer is nobody's.
        """
        context, message = self.ask()
        finished = context.whenFinished()
        context.cancel()
        self.assertEqual(self.fares.told, [("failed", None, Cause.CANCELED)])
        self.failureResultOf(finished, CancelledError)
        self.failureResultOf(context.whenFinished(), CancelledError)
        self.peer.respond(message, 200)
        self.network.advance(40)
        context.cancel()
        self.assertEqual(len(self.fares.told), 1)
        self.assertEqual([m.method for m in self.peer.received], ["MESSAGE"])
        self.assertIsNone(context.response)
        self.assertNothingLeft()

    def test_challenged(self):
        """Section 22: nor is a challenge answered that comes afterwards."""
        agent = self.network.userAgent(
            "sip:carol@c.example", credentials=(Credentials("alice", "wonderland", realm="example.com"),)
        )
        context, message = self.ask(agent=agent)
        context.cancel()
        self.peer.respond(message, 401, headers={"WWW-Authenticate": challenge()})
        self.network.advance(40)
        self.assertEqual(self.count("MESSAGE"), 1)
        self.assertEqual(agent.leftovers(), [])

    def test_overConnection(self):
        """A connection that was used for it may be closed when it has been idle for long enough."""
        context, _message = self.ask(target=f"{BOB};transport=tcp")
        context.cancel()
        self.network.advance(700)
        self.assertEqual(self.alice.leftovers(), [])

    def test_late(self):
        """After the outcome there is nothing to cancel."""
        context, message = self.ask()
        self.peer.respond(message, 200)
        self.network.advance(0.1)
        context.cancel()
        self.assertEqual(self.fares.told, [("accepted", 200, None)])
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 200)

    def test_unsent(self):
        """Before the ports are open: it is never sent."""
        listening, self.alice._listening = self.alice._listening, Waiters()
        context = self.alice.requestContext("OPTIONS", BOB, delegate=self.fares)
        self.assertIsNone(context.request)
        context.cancel()
        self.alice._listening.fire([])
        self.alice._listening = listening
        self.network.advance(1)
        self.assertEqual(self.fares.told, [("failed", None, Cause.CANCELED)])
        self.assertEqual((self.peer.received, self.alice.leftovers()), ([], []))

    def test_locating(self):
        """Nor while the address is looked for (RFC 3263)."""

        class Slow:
            def __init__(self):
                self.looking = []

            def locate(self, hop, protocols):
                self.looking.append(Deferred())
                return self.looking[-1]

        slow = Slow()
        self.alice._core.client.locator = slow
        context = self.alice.requestContext("OPTIONS", BOB, delegate=self.fares)
        self.assertEqual(len(slow.looking), 1)
        context.cancel()
        self.assertTrue(slow.looking[0].called)
        self.network.advance(40)
        self.assertEqual(self.fares.told, [("failed", None, Cause.CANCELED)])
        self.assertEqual((self.peer.received, self.alice.leftovers()), ([], []))

    def test_fromDelegate(self):
        """A delegate may give up when it is told of a provisional; it is the last that it hears."""

        class Impatient(Fares):
            def progressReceived(self, context, response):
                super().progressReceived(context, response)
                context.cancel()

        fares = Impatient()
        context = self.alice.requestContext("OPTIONS", BOB, delegate=fares)
        options = self.peer.expect("OPTIONS")
        self.peer.respond(options, 100)
        self.peer.respond(options, 200)
        self.network.advance(1)
        self.assertEqual(fares.told, [("progress", 100, None), ("failed", None, Cause.CANCELED)])
        self.failureResultOf(context.whenFinished(), CancelledError)
        self.assertNothingLeft()

    def test_deferred(self):
        """To cancel the Deferred of request() or message() is to cancel its context."""
        for asking in (
            self.alice.request("OPTIONS", BOB, delegate=self.fares),
            self.alice.message(BOB, b"hello", delegate=self.fares),
        ):
            asking.cancel()
            self.failureResultOf(asking, CancelledError)
        self.assertEqual(self.fares.told, [("failed", None, Cause.CANCELED)] * 2)
        self.assertNothingLeft()


class MessageTests(ClientContextCase):
    def test_message(self):
        """RFC 3428 section 4: a body and its type; no Contact, and no dialog comes of it."""
        sending = self.alice.message(BOB, "Grüße".encode(), "text/plain;charset=utf-8", [("Subject", "hi")])
        message = self.peer.expect("MESSAGE")
        self.assertEqual((message.body.decode(), message.uriText), ("Grüße", BOB))
        self.assertEqual(message.headers.get("content-type"), "text/plain;charset=utf-8")
        self.assertEqual(message.headers.get("subject"), "hi")
        self.assertNotIn("contact", message.headers)
        self.peer.respond(message, 202)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(sending).statusCode, 202)
        self.assertEqual(self.alice.dialogs, [])

    def test_type(self):
        """Text unless it is said what it is."""
        self.alice.message(BOB, b"hello")
        message = self.peer.expect("MESSAGE")
        self.assertEqual(message.headers.get("content-type"), "text/plain")
        self.peer.respond(message, 200)
        self.network.advance(0.1)

    def test_anyStatus(self):
        """It fires with a refusal as well."""
        sending = self.alice.message(BOB, b"hello")
        self.peer.respond(self.peer.expect("MESSAGE"), 415)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(sending).statusCode, 415)

    def test_wrong(self):
        """What cannot be sent raises, and nothing is."""
        for arguments in (
            (BOB, "hello"),
            (BOB, None),
            ("", b"hello"),
            (BOB, b"hello", "text/plain\r\nX: y"),
            (BOB, b"hello", "text/plain", [("Contact", "<sip:a@b>")]),
        ):
            self.assertRaises(InvalidValue, self.alice.message, *arguments)
        self.network.advance(1)
        self.assertEqual((self.peer.received, self.alice.leftovers()), ([], []))

    def test_between(self):
        """From one agent of ours to another: each side is told of its own part."""
        received = []

        class Texts(Fares):
            def messageReceived(self, context):
                received.append(context.body)
                context.accept(202)

        texts = Texts()
        self.network.userAgent("sip:desk@b.example", texts)
        self.alice.message("sip:desk@b.example", b"hello", delegate=self.fares)
        self.network.advance(1)
        self.assertEqual(received, [b"hello"])
        self.assertEqual((texts.told, self.fares.told), ([("accepted", 202, None)],) * 2)
