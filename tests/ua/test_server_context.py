"""
The verbs of a server context (RFC 3261 section 8.2.6, RFC 4320), and the bounds of its answer.
"""

from twisted.internet.defer import CancelledError, Deferred

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, later
from twisted_sipdialog.errors import InvalidState, InvalidValue
from twisted_sipdialog.media.fixed import FixedMedia

MEDIA = FixedMedia(ANSWER)


class Texts(Callee):
    """Takes MESSAGE as it takes calls."""

    def messageReceived(self, context):
        self.contexts.append(context)
        return self.answer(context)


class VerbTests(CalleeTestCase):
    def contexts(self):
        """One context of each kind, and the answers to it that the peer got."""
        callee = Texts(later)
        agent = self.agent(callee)
        for method in ("MESSAGE", "INVITE"):
            self.peer.request(method, agent, body=OFFER)
            self.network.advance(0.01)
            self.peer.received.clear()
            yield method, callee.context
            self.network.advance(0.01)
            if not callee.context.answered:
                callee.context.reject(486)
            self.network.advance(1)

    def test_ranges(self):
        """A status out of its verb's range raises, and nothing is sent."""
        wrong = [("accept", 199), ("accept", 300), ("reject", 200), ("reject", 299), ("reject", 700), ("reply", 700)]
        wrong += [("reply", 99), ("progress", 200), ("progress", 99), ("reply", -1), ("accept", 0)]
        for method, context in self.contexts():
            ringing = [("progress", 180), ("reply", 183)] if method != "INVITE" else []
            for verb, status in wrong + ringing:
                self.assertRaises(InvalidValue, getattr(context, verb), status)
            self.network.advance(0.01)
            self.assertEqual(self.peer.received, [], method)
            self.assertFalse(context.answered)

    def test_secondFinal(self):
        """After the final every verb raises, and nothing more is sent (8.2.6)."""
        for method, context in self.contexts():
            context.reject(486)
            for verb, status in (("progress", 100), ("accept", 200), ("reject", 486), ("reply", 200)):
                self.assertRaises(InvalidState, getattr(context, verb), status)
            self.network.advance(0.01)
            self.assertEqual([m.statusCode for m in self.peer.received], [486], method)

    def test_deferreds(self):
        """progress() fires with None, a final with its response: at send."""
        for _, context in self.contexts():
            self.assertIsNone(self.successResultOf(context.progress(100)))
            response = self.successResultOf(context.reply(486, "Really Busy", [("X-Note", "so")], b"why", "text/plain"))
            self.assertIs(response, context.response)
            self.network.advance(0.01)
            got = self.peer.received[-1]
            self.assertEqual((got.statusCode, got.reasonPhrase, got.body), (486, "Really Busy", b"why"))
            self.assertEqual((got.headers.get("x-note"), got.headers.get("content-type")), ("so", "text/plain"))

    def test_defaults(self):
        """progress 180 for INVITE, 100 else; accept 200; reject 480; a body is SDP unless said otherwise."""
        expected = {"INVITE": [180, 480], "MESSAGE": [480]}
        for method, context in self.contexts():
            context.progress()
            context.reject(body=b"v=0")
            self.network.advance(0.01)
            finals = [m.statusCode for m in self.peer.received]
            self.assertEqual([code for code in finals if code != 100], expected[method])
            self.assertEqual(self.peer.received[-1].headers.get("content-type"), "application/sdp")

    def test_replyAnswers(self):
        """reply(200) is accept(): the offer has its answer, by the media there are."""
        for verb in ("accept", "reply"):
            *_, invite = self.ring(lambda context, verb=verb: getattr(context, verb)(200) and None, media=MEDIA)
            self.assertEqual(self.finalTo(invite).body, ANSWER, verb)
            self.peer.ack(self.peer.received[-1])
            self.network.advance(0.01)

    def test_injection(self):
        """No value of the application can begin a new line; what is refused is not sent."""
        for method, context in self.contexts():
            for bad in ("a\r\nX: b", "a\nX: b", "a\rX: b", "\r\n\r\n"):
                attempts = [
                    lambda verb, bad=bad: verb(reasonPhrase=bad),
                    lambda verb, bad=bad: verb(extraHeaders=[("X-Note", bad)]),
                    lambda verb, bad=bad: verb(extraHeaders=[(f"X{bad}", "note")]),
                    lambda verb, bad=bad: verb(body=b"x", contentType=bad),
                ]
                for verb in (context.progress, context.accept, context.reject):
                    for number, attempt in enumerate(attempts):
                        with self.assertRaises(InvalidValue, msg=f"{method} {number} {bad!r}"):
                            attempt(verb)
            self.network.advance(0.01)
            self.assertEqual(self.peer.received, [], method)
            self.assertFalse(context.answered)

    def test_contacts(self):
        """The 200 to REGISTER lists the bindings there are (10.3), that to OPTIONS may have Contact too (11.2)."""

        class Registrar(Callee):
            def registerReceived(self, context):
                return self.answer(context)

            optionsReceived = registerReceived

        bindings = "<sip:a@192.0.2.1>;expires=60, <sip:a@192.0.2.2>;expires=90"
        agent = self.agent(Registrar(lambda context: context.accept(extraHeaders=[("Contact", bindings)])))
        for method in ("REGISTER", "OPTIONS"):
            self.assertEqual(self.final(method, agent).headers.get("contact"), bindings, method)

    def test_whatItSays(self):
        """The request, as the application reads it."""
        callee = Texts(later)
        agent = self.agent(callee)
        headers = {"Content-Type": "text/plain", "P-Asserted-Identity": "<sip:boss@peer.example>"}
        self.peer.request("MESSAGE", agent, headers=headers, body=b"hello")
        self.network.advance(0.01)
        context = callee.context
        self.assertEqual((context.method, context.body, context.contentType), ("MESSAGE", b"hello", "text/plain"))
        self.assertEqual(str(context.localIdentity.uri), "sip:desk@b.example")
        self.assertEqual(str(context.remoteIdentity.uri), "sip:peer@peer.example")
        self.assertEqual(str(context.assertedIdentity.uri), "sip:boss@peer.example")
        self.assertEqual((context.data, context.dialog, context.cancelled), ({}, None, None))
        self.assertIs(context.userAgent, agent)
        context.accept()

    def test_malformedAssertion(self):
        """What cannot be read of optional headers is as absent."""
        callee = Texts(later)
        self.peer.request("MESSAGE", self.agent(callee), headers={"P-Asserted-Identity": "<<<"})
        self.network.advance(0.01)
        self.assertIsNone(callee.context.assertedIdentity)
        callee.context.accept()


class TimeTests(CalleeTestCase):
    """RFC 4320: no 408, no 1xx but 100, and that not too early; 500 before the client's timer F."""

    def text(self, answer, protocol="UDP"):
        callee = Texts(answer)
        agent = self.agent(callee)
        self.peer.request("MESSAGE", agent, protocol=protocol)
        self.network.advance(0.01)
        return agent, callee

    def test_unanswered(self):
        """Nobody answers: 100 when the client repeats at T2 only, 500 before 64*T1; later verbs raise."""
        agent, callee = self.text(later)
        self.bounded(agent, callee)

    def bounded(self, agent, callee):
        self.network.advance(40)
        self.assertEqual(self.network.seenBy(agent), ["< MESSAGE", "> 100 MESSAGE", "> 500 MESSAGE"])
        (early,) = self.times("100 MESSAGE")
        (late,) = self.times("500 MESSAGE")
        self.assertAlmostEqual(early, 3.5, 1)
        self.assertTrue(3.5 < late < 32, self.network.ladder())
        self.assertRaises(InvalidState, callee.context.accept)
        self.network.advance(40)
        self.assertEqual(agent.leftovers(), [])

    def test_cancelled(self):
        """The same for a coroutine, which is cancelled then."""
        ended = []

        async def answer(context):
            try:
                await Deferred()
            except CancelledError:
                ended.append(context.response.statusCode)
                raise

        agent, callee = self.text(answer)
        self.bounded(agent, callee)
        self.assertEqual(ended, [500])

    def test_reliable(self):
        """The same over TCP, where a 100 may come at any time."""
        agent, _callee = self.text(later, "TCP")
        self.network.advance(40)
        self.assertEqual(self.network.seenBy(agent), ["< MESSAGE", "> 100 MESSAGE", "> 500 MESSAGE"])

    def test_tooEarly(self):
        """progress() waits until a 100 is allowed: not before the client's timer E is at T2, over UDP."""
        agent, callee = self.text(later)
        callee.context.progress()
        self.network.advance(3.4)
        self.assertEqual(self.network.seenBy(agent), ["< MESSAGE"])
        self.network.advance(0.2)
        self.assertEqual(self.network.seenBy(agent), ["< MESSAGE", "> 100 MESSAGE"])
        callee.context.accept()
        self.network.advance(0.01)
        self.assertEqual(self.network.seenBy(agent)[2:], ["> 200 MESSAGE"])

    def test_reliableProgress(self):
        """Over TCP it goes at once."""
        agent, callee = self.text(later, "TCP")
        callee.context.progress()
        self.network.advance(0.01)
        self.assertEqual(self.network.seenBy(agent), ["< MESSAGE", "> 100 MESSAGE"])
        callee.context.accept()

    def test_repeated(self):
        """A repeated request is not asked twice, and gets the same answer."""
        agent, callee = self.text(later)
        request = self.peer.request("MESSAGE", agent, headers={"Call-ID": "x"})
        for _ in range(3):
            self.peer.send(request.toBytes(), agent)
        self.network.advance(0.01)
        self.assertEqual(len(callee.contexts), 2)
        callee.context.accept(202)
        self.peer.send(request.toBytes(), agent)
        self.network.advance(0.01)
        self.assertEqual(self.sent("202 MESSAGE"), 2)
        callee.contexts[0].accept()
