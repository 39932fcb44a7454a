"""
SIP.js's ServerContext, as docs/events.rst has it.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.events.case import ANSWER, BOB, OFFER, EventCase, Recorder
from twisted_sipdialog import Cause, Reason, Response
from twisted_sipdialog.errors import InvalidState, InvalidValue, Timeout, TransportError
from twisted_sipdialog.interfaces import IServerContext

FARES = ("progressSent", "requestAccepted", "requestRejected", "requestFailed")


class ServerContextTests(EventCase):
    def asked(self, method: str = "MESSAGE", headers: dict[str, Any] | None = None, **how: Any) -> Any:
        """The context of a request of the peer that waits for its answer; C{self.notes} has what is told."""

        def received(context: Any) -> None:
            context.answerLater()

        self.notes = Recorder(*FARES, **{f"{method.lower()}Received": received})
        how.setdefault("body", OFFER if method == "INVITE" else b"hello")
        self.asking = self.peer.request(method, self.agent(self.notes), headers=headers or {}, **how)
        self.pass_()
        (context,) = self.notes.only(f"{method.lower()}Received")
        return context

    @property
    def told(self) -> list[tuple[str, Any]]:
        """What was told of how the request fares: (name, status)."""
        return [(name, about[1] and about[1].statusCode) for name, about in self.notes.told if name in FARES]

    def got(self) -> Response:
        """The last response that came."""
        self.pass_()
        response: Response = self.peer.received[-1]
        return response

    # What it is.

    def test_made(self) -> None:
        """For a request that the delegate answers, outside dialogs or within; not for ACK, CANCEL, BYE, PRACK."""
        self.asked().accept()
        notes = Recorder(messageReceived=lambda context: context.accept(202) and None)
        dialog = self.called(notes)
        self.assertEqual(self.final("MESSAGE").statusCode, 202)
        (context,) = notes.only("messageReceived")
        self.assertIs(context.dialog, dialog)
        self.final("BYE")
        self.assertEqual(notes.names, ["messageReceived"])

    def test_trying(self) -> None:
        """RFC 3261 section 17.2.1: a 100 after 200 ms, unless something was sent by then."""
        self.asked("INVITE").progress(180)
        self.assertEqual(self.got().statusCode, 180)
        self.pass_(1)
        self.context = self.asked("INVITE")
        self.pass_(0.3)
        self.assertEqual([m.statusCode for m in self.peer.received], [180, 100])
        self.assertEqual(self.told, [])
        self.pass_(120)

    def test_attributes(self) -> None:
        """The agent, the method, the request."""
        context = self.asked()
        self.assertIs(context.userAgent, self.userAgent)
        self.assertEqual((context.method, context.request.toBytes()), ("MESSAGE", self.asking.toBytes()))
        context.accept()

    def test_inner(self) -> None:
        """The transaction and a logger are no promise to the application."""
        names = set(IServerContext.names(all=True))
        self.assertFalse(names & {"transaction", "logger"})

    def test_identities(self) -> None:
        """To and From, parsed."""
        context = self.asked()
        self.assertEqual(str(context.localIdentity.uri), "sip:desk@b.example")
        self.assertEqual(str(context.remoteIdentity.uri), "sip:peer@peer.example")
        self.assertEqual(context.remoteIdentity.tag, self.asking.fromTag)
        context.accept()

    def test_data(self) -> None:
        """The application's own."""
        context = self.asked("INVITE")
        context.data["mine"] = 1
        self.assertEqual(context.data, {"mine": 1})
        context.reject()
        self.finalTo(self.asking)

    def test_body(self) -> None:
        """Always there: empty, and without a type, when the request has none."""
        context = self.asked(headers={"Content-Type": "text/plain"})
        self.assertEqual((context.body, context.contentType), (b"hello", "text/plain"))
        context.accept()
        context = self.asked(body=b"")
        self.assertEqual((context.body, context.contentType), (b"", None))
        context.accept()

    def test_assertedIdentity(self) -> None:
        """P-Asserted-Identity, parsed; None without one."""
        context = self.asked(headers={"P-Asserted-Identity": '"Boss" <sip:boss@peer.example>'})
        self.assertEqual(context.assertedIdentity.displayName, "Boss")
        context.accept()
        context = self.asked()
        self.assertIsNone(context.assertedIdentity)
        context.accept()

    # The verbs.

    def test_progress(self) -> None:
        """180, or another from 100 to 199."""
        context = self.asked("INVITE")
        context.progress()
        self.assertEqual(self.got().statusCode, 180)
        context.progress(183)
        self.assertEqual(self.got().statusCode, 183)
        self.assertEqual(self.told, [("progressSent", 180), ("progressSent", 183)])
        context.reject()
        self.finalTo(self.asking)

    def test_progressOther(self) -> None:
        """RFC 4320: of other requests only 100, and when it may be sent; else it raises, and nothing is told."""
        context = self.asked(protocol="TCP")
        self.assertRaises(InvalidValue, context.progress, 180)
        self.assertEqual(self.told, [])
        context.progress()
        self.assertEqual((self.got().statusCode, self.told), (100, [("progressSent", 100)]))
        context.accept()

    def test_accept(self) -> None:
        """200, or another success."""
        for code in (200, 202):
            self.asked().accept(*([code] if code != 200 else []))
            self.assertEqual((self.finalTo(self.asking).statusCode, self.told), (code, [("requestAccepted", code)]))

    def test_reject(self) -> None:
        """480, or another refusal: told as one, then as a failure."""
        for code in (480, 603):
            self.asked().reject(*([code] if code != 480 else []))
            self.assertEqual(self.finalTo(self.asking).statusCode, code)
            self.assertEqual(self.told, [("requestRejected", code), ("requestFailed", code)])

    def test_replyDefault(self) -> None:
        """It has no default."""
        context = self.asked()
        self.assertRaises(TypeError, context.reply)
        context.reply(200)

    def test_reply(self) -> None:
        """Any status, told as that of the verb for its class."""
        for code, name in ((202, "requestAccepted"), (404, "requestRejected")):
            self.asked().reply(code)
            self.assertEqual((self.finalTo(self.asking).statusCode, self.told[0]), (code, (name, code)))

    def test_range(self) -> None:
        """Out of its verb's range: it raises, nothing is sent, nothing is told."""
        context = self.asked("INVITE")
        for verb, code in (("progress", 200), ("accept", 300), ("accept", 199), ("reject", 200), ("reply", 700)):
            with self.assertRaises(InvalidValue) as caught:
                getattr(context, verb)(code)
            self.assertIn(str(code), str(caught.exception))
        self.pass_(0.01)
        self.assertEqual((context.response, self.told), (None, []))
        context.reject()
        self.finalTo(self.asking)

    def test_falsy(self) -> None:
        """0 is no status, so it raises."""
        context = self.asked("INVITE")
        for verb in ("progress", "accept", "reject", "reply"):
            self.assertRaises(InvalidValue, getattr(context, verb), 0)
        context.reject()
        self.finalTo(self.asking)

    def test_options(self) -> None:
        """Arguments by name; what the caller gave stays as it was."""
        headers = [("X-Note", "so")]
        self.asked().reject(
            statusCode=486, reasonPhrase="No", extraHeaders=headers, body=b"x", contentType="text/plain"
        )
        final = self.finalTo(self.asking)
        self.assertEqual((final.statusCode, final.reasonPhrase, final.body), (486, "No", b"x"))
        self.assertEqual(headers, [("X-Note", "so")])

    def test_reasonPhrase(self) -> None:
        """The given one, else the registered one; never none at all."""
        for given, code, expected in ((None, 486, "Busy Here"), ("Lunch", 486, "Lunch"), (None, 499, "Client Error")):
            self.asked().reject(code, given)
            self.assertEqual(self.finalTo(self.asking).reasonPhrase, expected)

    def test_extraHeaders(self) -> None:
        """Pairs, in order, after CSeq."""
        self.asked().accept(extraHeaders=[("X-B", "1"), ("X-A", "2"), ("X-B", "3")])
        lines = self.finalTo(self.asking).toBytes().split(b"\r\n")
        start = next(at for at, line in enumerate(lines) if line.startswith(b"CSeq"))
        self.assertEqual(lines[start + 1 : start + 4], [b"X-B: 1", b"X-A: 2", b"X-B: 3"])

    def test_responseBody(self) -> None:
        """SDP unless it is said what it is; without a body no type, and a length of 0."""
        for body, given, expected in ((b"v=0", None, "application/sdp"), (b"x", "text/plain", "text/plain")):
            self.asked().accept(body=body, contentType=given)
            final = self.finalTo(self.asking)
            self.assertEqual((final.body, final.headers.get("content-type")), (body, expected))
        self.asked().accept()
        final = self.finalTo(self.asking)
        self.assertEqual((final.headers.get("content-type"), final.headers.get("content-length")), (None, "0"))

    def test_events(self) -> None:
        """Told before the verb returns, after it was sent: with the context, the response, and the cause."""
        seen = []

        def requestRejected(context: Any, response: Response, cause: Cause) -> None:
            seen.append((context.response is response, self.network.seenBy(self.userAgent)[-1]))

        context = self.asked()
        self.notes.requestRejected = requestRejected  # type: ignore[attr-defined]
        context.reject(486, "Lunch")
        self.assertEqual(seen, [(True, "> 486 MESSAGE")])
        self.assertEqual(self.notes.only("requestFailed"), (context, context.response, Cause.BUSY))

    def test_chain(self) -> None:
        """Each verb returns the Deferred of what it did."""
        context = self.asked("INVITE")
        self.assertIsNone(self.successResultOf(context.progress()))
        self.assertIs(self.successResultOf(context.reject()), context.response)
        self.finalTo(self.asking)

    def test_failed(self) -> None:
        """Of a request of ours that got no response; a response of ours that is lost is asked for again."""
        for target, cause, error in (
            (BOB, Cause.REQUEST_TIMEOUT, Timeout),
            ("sip:bob@nowhere.example", Cause.CONNECTION_ERROR, TransportError),
        ):
            notes = Recorder("requestFailed")
            asking = self.agent().message(target, b"hello", delegate=notes)
            self.pass_(33)
            _, response, told = notes.only("requestFailed")
            self.assertEqual((response, told), (None, cause))
            self.failureResultOf(asking, error)

    def test_second(self) -> None:
        """A second final raises, and is not told."""
        context = self.asked()
        context.accept()
        self.assertRaises(InvalidState, context.reject)
        self.assertEqual(self.told, [("requestAccepted", 200)])

    # Who answers.

    def test_message(self) -> None:
        """The delegate answers; where it has no method for it, 405."""
        self.asked().reject(415)
        self.assertEqual(self.finalTo(self.asking).statusCode, 415)
        self.agent(Recorder())
        self.assertEqual(self.finalTo(self.peer.request("MESSAGE", self.userAgent)).statusCode, 405)

    def test_optionsAnswered(self) -> None:
        """200 with what we can do, unless the delegate answers; told either way."""
        notes = Recorder("requestAccepted")
        final = self.finalTo(self.peer.request("OPTIONS", self.agent(notes)))
        self.assertEqual(final.statusCode, 200)
        for name in ("allow", "accept"):
            self.assertIn(name, final.headers)
        self.assertEqual(notes.names, ["requestAccepted"])
        self.asked("OPTIONS", body=b"").reject(486)
        self.assertEqual(self.finalTo(self.asking).statusCode, 486)

    def test_wire(self) -> None:
        """RFC 3261 sections 8.2.6 and 12.1.1: what a response repeats, and in which order it is written."""
        context = self.asked("INVITE", headers={"Record-Route": "<sip:peer.example;lr>, <sip:p2.example;lr>"})
        context.progress(180)
        self.accepting: Deferred[Any] = context.accept(body=ANSWER)
        self.pass_()
        for response in self.peer.received:
            names = [name.lower() for name, _ in response.headers]
            self.assertEqual(names[:5], ["via", "from", "to", "call-id", "cseq"])
            self.assertEqual(response.headers.getAll("record-route"), self.asking.headers.getAll("record-route"))
            self.assertEqual(response.headers.getAll("via"), self.asking.headers.getAll("via"))
            self.assertTrue(response.toTag)
        self.peer.ack(self.found(self.asking))
        self.pass_()
        self.asked("INVITE", headers={"Record-Route": "<sip:p1.example;lr>"}).reject()
        self.assertNotIn("record-route", self.finalTo(self.asking).headers)

    # Causes.

    def test_causes(self) -> None:
        """An enumeration, whose C{text} is the original's word; how a call ended is a Reason, a BYE too."""
        context = self.asked("INVITE")
        self.peer.cancel(self.asking)
        self.finalTo(self.asking)
        *_, cause = self.notes.only("requestFailed")
        self.assertEqual((cause, cause.text, context.answered), (Cause.CANCELED, "Canceled", True))
        self.called(Recorder("dialogTerminated"))
        self.final("BYE")
        self.assertIs(self.notes.only("dialogTerminated")[1].reason, Reason.REMOTE_BYE)

    def test_statusCauses(self) -> None:
        """Each refusal has the same cause."""
        for code, text in ((302, "Redirected"), (486, "Busy"), (404, "Not Found"), (484, "Address Incomplete")):
            self.asked().reject(code)
            *_, cause = self.notes.only("requestRejected")
            self.assertEqual(cause.text, text)
        self.assertEqual(Cause.of(500).text, "SIP Failure Code")
