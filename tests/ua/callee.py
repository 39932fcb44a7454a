"""
What the tests of the server side share: a network, a scripted caller, and a delegate that answers as it is told.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.200\r\ns=-\r\nc=IN IP4 192.0.2.200\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0 8\r\na=sendrecv\r\n"
)
ANSWER = (
    b"v=0\r\no=- 7 7 IN IP4 192.0.2.100\r\ns=-\r\nc=IN IP4 192.0.2.100\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0\r\na=sendrecv\r\n"
)
#: Nothing of ANSWER fits it.
VIDEO = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.200\r\ns=-\r\nc=IN IP4 192.0.2.200\r\nt=0 0\r\n"
    b"m=video 4002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"
)


class Notes:
    """Notes what it is told: (what, subject, detail)."""

    def __init__(self):
        self.told = []

    def dialogConfirmed(self, dialog):
        self.told.append(("confirmed", dialog, None))

    def dialogTerminated(self, dialog, ended):
        self.told.append(("terminated", dialog, ended))

    def inviteCancelled(self, context, request):
        self.told.append(("cancelled", context, request))

    @property
    def events(self):
        return [what for what, _, _ in self.told]

    @property
    def ended(self):
        """How the one dialog ended."""
        (ended,) = [detail for what, _, detail in self.told if what == "terminated"]
        return ended


class Callee(Notes):
    """
    Takes calls: C{answer(context)} says how, by default with ANSWER.

    @ivar accepting: the Deferreds of accept().
    """

    def __init__(self, answer=None):
        super().__init__()
        self.answer = answer or self.accept
        self.contexts = []
        self.accepting = []

    def accept(self, context):
        self.accepting.append(context.accept(body=ANSWER))

    def inviteReceived(self, context):
        self.contexts.append(context)
        return self.answer(context)

    @property
    def context(self):
        return self.contexts[-1]

    @property
    def dialog(self):
        return self.context.dialog


def later(context):
    """Answered when the test says so."""
    context.answerLater()


class CalleeTestCase(SynchronousTestCase):
    """
    One scripted caller and agents it calls; nothing may be left at the end.
    """

    def setUp(self):
        self.network = MemoryNetwork(latency=0.0)
        self.addCleanup(self.network.assertQuiet)
        self.peer = ScriptedPeer(self.network)

    def agent(self, delegate=None, **settings):
        return self.network.userAgent("sip:desk@b.example", delegate, **settings)

    def ring(self, answer=later, protocol="UDP", headers=None, body=OFFER, **settings):
        """A call that is not answered yet; the agent, its delegate, and the INVITE."""
        callee = Callee(answer)
        agent = self.agent(callee, **settings)
        invite = self.peer.request("INVITE", agent, protocol=protocol, headers=headers or {}, body=body)
        self.network.advance(0.01)
        return agent, callee, invite

    def call(self, answer=None, protocol="UDP", headers=None, **settings):
        """A call that stands; the agent, its delegate, and the 200."""
        agent, callee, invite = self.ring(answer, protocol, headers, **settings)
        ok = self.finalTo(invite)
        self.peer.ack(ok)
        self.network.advance(0.01)
        return agent, callee, ok

    def times(self, what):
        """Seconds at which the agent sent C{what}: C{"200 INVITE"}."""
        lines = [line.split() for line in self.network.ladder().splitlines()]
        return [float(line[0]) for line in lines if ">" in line and f"desk@b.example > {what} " in " ".join(line) + " "]

    def sent(self, what):
        """How many of C{what} the scripted peer got."""
        count = 0
        for message in self.peer.received:
            label = getattr(message, "method", None) or f"{message.statusCode} {message.cseqMethod}"
            count += label == what
        return count

    def final(self, method, agent, **how):
        """Send a request and give its first final response."""
        request = self.peer.request(method, agent, **how)
        return self.finalTo(request)

    def finalTo(self, request):
        self.network.advance(0.01)
        number = request.headers.typed("cseq").number
        for message in self.peer.received:
            if getattr(message, "statusCode", 0) >= 200 and message.cseqNumber == number:
                if message.callId == request.callId and message.cseqMethod == request.method:
                    if request.method == "INVITE" and message.statusCode >= 300:
                        self.peer.ack(message)
                        self.network.advance(0.01)
                    return message
        raise AssertionError(f"no final answer to {request!r}\n{self.network.ladder()}")
