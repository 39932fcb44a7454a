"""
What the tests of a call to us share while it rings: a caller who knows reliable provisionals, and its PRACKs.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.ua.callee import OFFER, Callee, CalleeTestCase, later
from twisted_sipdialog.media.fixed import FixedDescription

#: What a caller says of reliable provisionals (RFC 3262 section 8.1).
SUPPORTED = {"Supported": "100rel", "Allow": "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO"}
REQUIRED = {"Require": "100rel"}
#: The answer once more, and the offer changed.
OTHER = OFFER.replace(b"o=- 1 1", b"o=- 1 2").replace(b"4000", b"4400")


class RingingCallee(Callee):
    """Notes the events of an early dialog as well."""

    def dialogEarly(self, dialog):
        self.told.append(("early", dialog, None))

    def prackReceived(self, dialog, request):
        self.told.append(("prack", dialog, request))


class RingingTestCase(CalleeTestCase):
    """
    The call is there, and the test says how it rings.
    """

    def ringing(self, headers=SUPPORTED, answer=later, body=OFFER, protocol="UDP", delegate=RingingCallee, **settings):
        """The callee and the INVITE; nothing was answered yet."""
        callee = delegate(answer)
        self.callee = callee
        self.desk = self.agent(callee, **settings)
        invite = self.peer.request("INVITE", self.desk, protocol=protocol, headers=headers, body=body)
        self.network.advance(0.01)
        return callee, invite

    def ringsReliably(self, context):
        """An answer of the delegate: it rings, and nobody waits for the PRACK."""
        context.progress(reliable=True)
        context.answerLater()

    def got(self, what):
        """The last C{what} that came."""
        self.network.advance(0.01)
        found = [m for m in self.peer.received if what == f"{getattr(m, 'statusCode', '')} {m.cseqMethod}"]
        self.assertTrue(found, f"no {what}\n{self.network.ladder()}")
        return found[-1]

    def rack(self, response):
        """The header of its PRACK."""
        return {"RAck": f"{response.headers.get('rseq')} {response.cseqNumber} INVITE"}

    def prack(self, response, rack=None, body=b"", status=200, **headers):
        """Acknowledge C{response}; the answer to that, which has to have C{status}."""
        rack = rack or f"{response.headers.get('rseq')} {response.cseqNumber} INVITE"
        lines = {"RAck": None if rack == "none" else rack, **headers}
        answer = self.final("PRACK", self.desk, within=response, headers=lines, body=body)
        self.assertEqual(answer.statusCode, status, self.network.ladder())
        return answer

    def rung(self, headers=SUPPORTED, body=OFFER, code=183, settings=None, **how):
        """As L{ringing}, and one provisional went out reliably: callee, INVITE, the provisional, its Deferred."""
        callee, invite = self.ringing(headers, body=body, **settings or {})
        done = callee.context.progress(code, reliable=True, **how)
        return callee, invite, self.got(f"{code} INVITE"), done

    def stands(self, callee, ok=None):
        """The 2xx is acknowledged; the dialog."""
        self.peer.ack(ok or self.got("200 INVITE"))
        self.network.advance(0.01)
        self.assertEqual(callee.events[-1], "confirmed")
        return callee.dialog

    def refused(self, invite, status):
        """The INVITE gets C{status} and nothing else."""
        self.assertEqual(self.finalTo(invite).statusCode, status, self.network.ladder())


class Slow(FixedDescription):
    """
    Describes when the test says so: C{waiting} is the Deferred of what C{slow} names, C{"offer"} or C{"answer"}, from
    the C{after}th time on.
    """

    def __init__(self, body, slow="answer", after=1):
        super().__init__(body)
        self.slow = slow
        self.after = after
        self.waiting = None
        self.events = []

    def _made(self, what, make):
        self.events.append(what)
        if what != self.slow or self.events.count(what) < self.after:
            return make()
        self.waiting = Deferred().addCallback(lambda _: make())
        return self.waiting

    def offer(self, limit=None):
        return self._made("offer", lambda: FixedDescription.offer(self, limit))

    def answer(self, offer):
        return self._made("answer", lambda: FixedDescription.answer(self, offer))

    def rollback(self):
        self.events.append("rollback")
        super().rollback()

    def close(self):
        self.events.append("close")
