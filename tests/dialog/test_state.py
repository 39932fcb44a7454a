"""
What a side of a dialog knows (RFC 3261 section 12, RFC 5057).
"""

import json
from unittest import TestCase

from twisted_sipdialog.dialog.offer_answer import Exchange
from twisted_sipdialog.dialog.state import DialogState, Phase
from twisted_sipdialog.dialog.usage import INVITE, Usage
from twisted_sipdialog.errors import InvalidState, ParseError
from twisted_sipdialog.message import Request, Response

LINES = [
    ("Via", "SIP/2.0/UDP a.example;branch=z9hG4bK1"),
    ("From", '"Alice" <sip:alice@a.example>;tag=at'),
    ("To", "<sip:bob@b.example>"),
    ("Call-ID", "1@a.example"),
    ("CSeq", "7 INVITE"),
]


def request(*more, without=(), cseq="7 INVITE", method="INVITE"):
    lines = [(name, cseq if name == "CSeq" else value) for name, value in LINES if name not in without]
    return Request(method, "sip:bob@b.example", [*lines, ("Contact", "<sip:alice@192.0.2.1>"), *more])


def response(*more, code=200, contact="<sip:bob@192.0.2.2;x=1>", tag="bt", cseq="7 INVITE"):
    lines = [(name, f"{value};tag={tag}" if name == "To" and tag else value) for name, value in LINES[:-1]]
    if contact is not None:
        lines.append(("Contact", contact))
    return Response(code, "OK", [*lines, ("CSeq", cseq), *more])


class ClientTests(TestCase):
    def test_fields(self):
        """
        Section 12.1.2: each component from where it belongs.
        """
        state = DialogState.asClient(request(), response(code=180))
        self.assertEqual(state.id, ("1@a.example", "at", "bt"))
        self.assertEqual(
            (state.local, state.remote), ('"Alice" <sip:alice@a.example>;tag=at', "<sip:bob@b.example>;tag=bt")
        )
        self.assertEqual((state.localSequence, state.remoteSequence), (7, None))
        self.assertEqual((state.remoteTarget, state.routeSet), ("sip:bob@192.0.2.2;x=1", ()))
        self.assertEqual((state.role, state.phase, state.usages), ("uac", Phase.EARLY, (INVITE,)))

    def test_routeSet(self):
        """
        Section 12.1.2: Record-Route in reverse, over lines and commas, parameters kept.
        """
        lines = [
            ("Record-Route", '<sip:p3.example;lr>, <sip:p2.example;lr>;h="1,2"'),
            ("Record-Route", "<sip:p1.example;lr>"),
        ]
        state = DialogState.asClient(request(), response(*lines))
        self.assertEqual(state.routeSet, ("<sip:p1.example;lr>", '<sip:p2.example;lr>;h="1,2"', "<sip:p3.example;lr>"))

    def test_noTag(self):
        """
        Section 12.1.2: a missing To tag is a null tag.
        """
        self.assertEqual(DialogState.asClient(request(), response(tag="")).id, ("1@a.example", "at", ""))

    def test_unusable(self):
        """
        Without one usable Contact, or with a malformed route, there is no dialog.
        """
        for contact in (None, "*", "<tel:+1>", "<sip:a@b>, <sip:c@d>", "%", ""):
            with self.assertRaises(ParseError, msg=contact):
                DialogState.asClient(request(), response(contact=contact))
        for route in ("sip:p1.example;lr", "<", "<nonsense>", "<sip:p1.example;lr>, <>"):
            with self.assertRaises(ParseError, msg=route):
                DialogState.asClient(request(), response(("Record-Route", route)))

    def test_confirm(self):
        """
        Section 13.2.2.4: the 2xx replaces target and route set; the numbers never go back.
        """
        state = DialogState.asClient(request(), response(("Record-Route", "<sip:old.example;lr>"), code=180))
        state.nextSequence()
        state.nextSequence()
        state.confirm(response(("Record-Route", "<sip:new.example;lr>"), contact="<sip:new@192.0.2.3>"))
        self.assertEqual((state.remoteTarget, state.routeSet), ("sip:new@192.0.2.3", ("<sip:new.example;lr>",)))
        self.assertEqual((state.phase, state.nextSequence()), (Phase.STABLE, 10))
        state = DialogState.asClient(request(), response(code=180))
        state.confirm(response(cseq="9 INVITE"))
        self.assertEqual(state.nextSequence(), 10)


class ServerTests(TestCase):
    def test_fields(self):
        """
        Section 12.1.1: the mirror image; the route set in the order of the request.
        """
        routes = ("Record-Route", "<sip:p1.example;lr>,<sip:p2.example;lr>")
        state = DialogState.asServer(request(routes), "bt")
        self.assertEqual(state.id, ("1@a.example", "bt", "at"))
        self.assertEqual(
            (state.local, state.remote), ("<sip:bob@b.example>;tag=bt", '"Alice" <sip:alice@a.example>;tag=at')
        )
        self.assertEqual(state.remoteSequence, 7)
        self.assertEqual((state.remoteTarget, state.role), ("sip:alice@192.0.2.1", "uas"))
        self.assertEqual(state.routeSet, ("<sip:p1.example;lr>", "<sip:p2.example;lr>"))
        self.assertTrue(0 < state.nextSequence() < 2**31)


class SequenceTests(TestCase):
    def test_ours(self):
        """
        Section 12.2.1.1: one more each time.
        """
        state = DialogState.asClient(request(), response())
        self.assertEqual([state.nextSequence() for _ in range(3)], [8, 9, 10])

    def test_theirs(self):
        """
        Section 12.2.2: lower or equal is out of order and changes nothing; gaps are allowed; the first may be any.
        """
        state = DialogState.asServer(request(), "bt")
        for number, allowed in (
            (6, False),
            (7, False),
            (8, True),
            (8, False),
            (100, True),
            (9, False),
            (2**31 - 1, True),
        ):
            self.assertEqual(state.inOrder(request(cseq=f"{number} INFO", method="INFO")), allowed, number)
        fresh = DialogState.asClient(request(), response())
        self.assertTrue(fresh.inOrder(request(cseq="0 INFO", method="INFO")))
        self.assertFalse(fresh.inOrder(request(cseq="0 INFO", method="INFO")))


class AddressingTests(TestCase):
    def state(self, *routes):
        state = DialogState.asClient(request(), response())
        state.routeSet = routes
        return state

    def test_direct(self):
        """
        Section 12.2.1.1: without a route set the target, and no Route.
        """
        self.assertEqual(self.state().addressing(), ("sip:bob@192.0.2.2;x=1", [], None))

    def test_loose(self):
        """
        A loose router first: the target, and the whole set.
        """
        routes = ("<sip:p1.example;lr>", "<sip:p2.example>")
        expected = ("sip:bob@192.0.2.2;x=1", [("Route", route) for route in routes], None)
        self.assertEqual(self.state(*routes).addressing(), expected)
        self.assertEqual(self.state("<sip:p1.example;lr=on>").addressing()[0], "sip:bob@192.0.2.2;x=1")

    def test_strict(self):
        """
        A strict router first: it is the Request-URI, and where the request goes; the target ends the list.
        """
        uri, routes, hop = self.state("<sip:p1.example;x=1?a=b>", "<sip:p2.example;lr>").addressing()
        self.assertEqual((uri, hop), ("sip:p1.example;x=1", "sip:p1.example;x=1"))
        self.assertEqual(routes, [("Route", "<sip:p2.example;lr>"), ("Route", "<sip:bob@192.0.2.2;x=1>")])


class TargetTests(TestCase):
    def test_refresh(self):
        """
        Section 12.2.1.2: a Contact moves the target, the route set stays; without one nothing changes.
        """
        state = DialogState.asServer(request(("Record-Route", "<sip:p1.example;lr>")), "bt")
        moved = Request("INVITE", "sip:x@b.example", [*LINES, ("Contact", "<sip:moved@192.0.2.9>")])
        state.refreshTarget(moved)
        self.assertEqual((state.remoteTarget, state.routeSet), ("sip:moved@192.0.2.9", ("<sip:p1.example;lr>",)))
        state.refreshTarget(Request("INVITE", "sip:x@b.example", LINES))
        self.assertEqual(state.remoteTarget, "sip:moved@192.0.2.9")

    def test_badRefresh(self):
        """
        A Contact that cannot be used changes nothing.
        """
        state = DialogState.asServer(request(), "bt")
        with self.assertRaises(ParseError):
            state.refreshTarget(Request("INVITE", "sip:x@b.example", [*LINES, ("Contact", "<tel:+1>")]))
        self.assertEqual(state.remoteTarget, "sip:alice@192.0.2.1")


class UsageTests(TestCase):
    def test_lastOne(self):
        """
        RFC 5057 section 4.1: a dialog lives until its last usage ends.
        """
        state = DialogState.asClient(request(), response())
        presence, other = Usage("subscribe", "presence"), Usage("subscribe", "presence", "2")
        state.usages = (INVITE, presence, other)
        self.assertFalse(state.endUsage(INVITE))
        self.assertIsNot(state.phase, Phase.TERMINATED)
        self.assertFalse(state.endUsage(Usage("refer")))
        self.assertEqual(state.usages, (presence, other))
        self.assertFalse(state.endUsage(Usage("subscribe", "presence")))
        self.assertTrue(state.endUsage(other))
        self.assertIs(state.phase, Phase.TERMINATED)

    def test_ofBothSides(self):
        """RFC 5057 section 4: subscriptions to one package and id, ours and the peer's, end one by one."""
        state = DialogState.asClient(request(), response())
        same = Usage("subscribe", "presence")
        state.usages = (INVITE, same, same)
        self.assertFalse(state.endUsage(same))
        self.assertEqual(state.usages, (INVITE, same))
        self.assertFalse(state.endUsage(INVITE))
        self.assertTrue(state.endUsage(same))


class ExchangeTests(TestCase):
    def test_begins(self):
        """
        RFC 3264 section 4: at first there is neither offer nor answer, on either side.
        """
        for state in (DialogState.asServer(request(), "bt"), DialogState.asClient(request(), response())):
            self.assertIs(state.exchange, Exchange.NONE)

    def test_moves(self):
        """
        RFC 3264 section 4: an offer, its answer, an offer of the other side, and so on.
        """
        state = DialogState.asServer(request(), "bt")
        for event, exchange in (
            ("offer received", Exchange.REMOTE),
            ("answer sent", Exchange.STABLE),
            ("offer sent", Exchange.LOCAL),
            ("failed", Exchange.STABLE),
            ("offer sent", Exchange.LOCAL),
            ("answer received", Exchange.STABLE),
        ):
            state.exchanged(event)
            self.assertIs(state.exchange, exchange, event)

    def test_oneAtATime(self):
        """
        RFC 3264 section 4: no second offer before the answer; what must not happen changes nothing.
        """
        state = DialogState.asServer(request(), "bt")
        state.exchanged("offer received")
        for event in ("offer sent", "offer received", "answer received"):
            with self.assertRaises(InvalidState, msg=event):
                state.exchanged(event)
            self.assertIs(state.exchange, Exchange.REMOTE)


class SnapshotTests(TestCase):
    def test_exchange(self):
        """
        Where offer and answer stand is kept, as plain text.
        """
        for exchange in Exchange:
            state = DialogState.asClient(request(), response())
            state.exchange = exchange
            plain = json.loads(json.dumps(state.snapshot()))
            self.assertEqual(plain["exchange"], exchange.value)
            self.assertIs(DialogState.restored(plain).exchange, exchange)

    def test_roundTrip(self):
        """
        Both roles, confirmed or early, with routes and several usages: through JSON and back, nothing is lost.
        """
        routes = ("Record-Route", "<sip:p1.example;lr>, <sip:p2.example;lr>")
        client = DialogState.asClient(request(), response(routes, code=180))
        confirmed = DialogState.asClient(request(), response(routes))
        confirmed.confirm(response(routes))
        confirmed.usages = (INVITE, Usage("subscribe", "presence", "1"), Usage("refer"))
        server = DialogState.asServer(request(routes), "bt")
        server.phase = Phase.STABLE
        for state in (client, confirmed, server):
            text = json.dumps(state.snapshot())
            again = DialogState.restored(json.loads(text))
            for name in DialogState.__slots__:
                value = getattr(again, name)
                self.assertEqual((value, type(value)), (getattr(state, name), type(getattr(state, name))), name)
            self.assertEqual((again.id, again.addressing()), (state.id, state.addressing()))
            self.assertEqual(again.nextSequence(), state.nextSequence())

    def test_isACopy(self):
        """
        A snapshot does not change with the dialog.
        """
        state = DialogState.asClient(request(), response())
        plain = state.snapshot()
        state.nextSequence()
        state.endUsage(INVITE)
        self.assertEqual((plain["localSequence"], plain["usages"], plain["phase"]), (7, [["invite", "", ""]], "early"))
