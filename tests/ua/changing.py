"""
What the tests of changes to a call share: a call of ours that stands, and descriptions to change it with.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.ua.calling import ANSWER, OFFER, CallerCase
from twisted_sipdialog.media.fixed import FixedDescription
from twisted_sipdialog.message.sdp import SessionDescription


def newer(sdp: bytes, *changes: tuple[bytes, bytes], version: int = 1) -> bytes:
    """C{sdp} with C{changes}, C{version} further on in o= (RFC 3264 section 8)."""
    for change in changes:
        assert change[0] in sdp, change
        sdp = sdp.replace(*change)
    origin = SessionDescription.parse(sdp).origin
    before = b"o=- %d %d " % (int(origin.sessionId), origin.version)
    assert before in sdp
    return sdp.replace(before, b"o=- %d %d " % (int(origin.sessionId), origin.version + version))


MOVED = newer(OFFER, (b"4000", b"4010"))
MOVED_ANSWER = newer(ANSWER, (b"4002", b"4012"))
THEIR_HOLD = newer(ANSWER) + b"a=sendonly\r\n"
VIDEO = newer(OFFER, (b"audio 4000 RTP/AVP 0", b"video 4000 RTP/AVP 31"))


class Description(FixedDescription):
    """Writes down what it is asked; C{slow}: offers and answers when the test says so."""

    __slots__ = ("calls", "slow", "waiting")

    def __init__(self, body=OFFER):
        super().__init__(body)
        self.calls = []
        self.slow = False
        self.waiting = None

    def __call__(self, localHost):
        return self

    def _made(self, what, make):
        self.calls.append(what)
        if not self.slow:
            return make()
        self.waiting = Deferred().addCallback(lambda _: self._finish(make))
        return self.waiting

    def _finish(self, make):
        self.calls.append("done")
        return make()

    def offer(self, limit=None):
        return self._made("offer", lambda: super(Description, self).offer(limit))

    def answer(self, offer):
        return self._made("answer", lambda: super(Description, self).answer(offer))

    def update(self, answer):
        self.calls.append("update")
        super().update(answer)

    def rollback(self):
        self.calls.append("rollback")
        super().rollback()

    def close(self):
        self.calls.append("close")


class ChangeCase(CallerCase):
    """A call that alice placed; nothing is left at the end."""

    def stand(self, answer=ANSWER, **arguments):
        calling, self.first = self.invite(**arguments)
        self.accept(self.first, answer)
        self.dialog = self.successResultOf(calling)
        self.before = self.session()
        return self.dialog

    def standWithMedia(self, body=OFFER):
        """As L{stand}, described by what writes down how it is used."""
        self.media = Description(body)
        self.stand(body=None, media=self.media)
        self.media.calls.clear()
        return self.dialog

    def session(self):
        return (self.dialog.local.sdp, self.dialog.remote.sdp, self.dialog.onHold)

    def modify(self, *arguments, **named):
        """The Deferred of a change that was asked for."""
        changing = self.dialog.modify(*arguments, **named)
        self.addCleanup(changing.addErrback, lambda _: None)
        return changing

    def reinvite(self, *arguments, **named):
        """As L{modify}; the Deferred, and the request as it came to the peer."""
        changing = self.modify(*arguments, **named)
        return changing, self.peer.expect("INVITE")

    def accept(self, request, body=MOVED_ANSWER, **headers):
        """The peer accepts, and gets its ACK if it was an INVITE."""
        self.peer.respond(request, 200, headers=headers, body=body)
        ack = None
        while request.method == "INVITE" and (ack is None or ack.cseqNumber != request.cseqNumber):
            # Those to refusals that came before are of no interest.
            ack = self.peer.expect("ACK", 1)
        self.network.advance(0.1)
        return ack

    def refuse(self, request, code, **headers):
        self.peer.respond(request, code, headers={name.replace("_", "-"): value for name, value in headers.items()})
        self.network.advance(0.1)

    def works(self):
        """A further change goes through: nothing of the one before is in its way."""
        changing, request = self.reinvite(newer(MOVED, version=90))
        self.accept(request)
        self.assertEqual(self.successResultOf(changing), MOVED_ANSWER)

    def asBefore(self):
        """The session is what it was, and the call goes on."""
        self.assertEqual(self.session(), self.before)
        self.assertEqual(self.alice.dialogs, [self.dialog])
        self.assertEqual(self.notes.ended, [])

    def hangUp(self):
        """The call ends, and nothing is left of it."""
        self.dialog.destroy()
        self.endsBye()
        self.assertNothingLeft()

    def fromPeer(self, method, body=b"", answered=True, **headers):
        """A request of the peer in the dialog; its final response."""
        request = self.peer.request(method, within=self.first, body=body, headers=headers)
        return self.finalTo(request) if answered else request

    def finalTo(self, request):
        self.network.advance(0.1)
        for message in self.peer.received:
            if getattr(message, "statusCode", 0) >= 200 and message.cseqNumber == request.cseqNumber:
                if message.cseqMethod == request.method:
                    if request.method == "INVITE" and message.statusCode >= 300:
                        self.peer.ack(message)
                        self.network.advance(0.1)
                    return message
        raise AssertionError(f"no final answer to {request!r}\n{self.network.ladder()}")
