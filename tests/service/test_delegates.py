"""
The built-in delegates, among real user agents.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.interfaces import IMediaWatch, IUserAgentDelegate
from twisted_sipdialog.media.fixed import FixedDescription, FixedMedia
from twisted_sipdialog.service.delegates import Answer, Reject
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


@implementer(IMediaWatch)
class Watched(FixedDescription):
    __slots__ = ("silent",)

    def __init__(self) -> None:
        super().__init__(SDP)
        self.silent: Deferred[None] = Deferred()

    def whenSilent(self) -> Deferred[None]:
        return self.silent


class DelegateCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.network = MemoryNetwork(latency=0.01)
        self.addCleanup(self.network.assertQuiet)
        self.alice = self.network.userAgent("sip:alice@a.example", media=FixedMedia(SDP))

    def desk(self, delegate: Any, media: Any = None, **settings: Any) -> Any:
        return self.network.userAgent("sip:desk@b.example", delegate, media=media or FixedMedia(SDP), **settings)

    def assertSeen(self, expected: str) -> None:
        self.assertEqual(self.network.seenBy(self.alice), expected.split(", "), self.network.ladder())


class AnswerTests(DelegateCase):
    def test_interface(self) -> None:
        """
        Both are delegates of a user agent.
        """
        verifyObject(IUserAgentDelegate, Answer(self.network.clock))
        verifyObject(IUserAgentDelegate, Reject(self.network.clock))

    def test_atOnce(self) -> None:
        """
        It rings, answers, and stays until the caller hangs up.
        """
        self.desk(Answer(self.network.clock))
        calling = self.alice.invite("sip:desk@b.example")
        self.network.advance(600)
        dialog = self.successResultOf(calling)
        self.assertSeen("> INVITE, < 180 INVITE, < 200 INVITE, > ACK")
        dialog.destroy()
        self.network.advance(1)
        self.assertSeen("> INVITE, < 180 INVITE, < 200 INVITE, > ACK, > BYE, < 200 BYE")

    def test_replacing(self) -> None:
        """
        One that takes the place of another call (RFC 3891) is answered as any; the other one ends then.
        """
        desk = self.desk(Answer(self.network.clock, 3.0))
        peer = ScriptedPeer(self.network)
        calling = self.alice.invite("sip:desk@b.example")
        self.network.advance(5)
        dialog = self.successResultOf(calling)
        named = f"{dialog.sip.callId};to-tag={dialog.sip.remoteTag};from-tag={dialog.sip.localTag}"
        peer.request("INVITE", desk, headers={"Replaces": named}, body=SDP)
        self.network.advance(2)
        self.assertEqual(len(desk.dialogs), 2)
        ok = peer.expect("200 INVITE")
        peer.ack(ok)
        self.network.advance(1)
        self.assertEqual(self.successResultOf(dialog.whenTerminated()).reason, Reason.REMOTE_BYE)
        self.assertEqual(len(desk.dialogs), 1)
        peer.request("BYE", within=ok)
        peer.expect("200 BYE")

    def test_later(self) -> None:
        """
        It rings as long as it was told.
        """
        self.desk(Answer(self.network.clock, 3.0))
        calling = self.alice.invite("sip:desk@b.example")
        self.network.advance(2.99)
        self.assertSeen("> INVITE, < 180 INVITE")
        self.network.advance(0.1)
        self.successResultOf(calling)
        self.assertSeen("> INVITE, < 180 INVITE, < 200 INVITE, > ACK")

    def test_callerGivesUp(self) -> None:
        """
        Who gave up is not answered, and nothing waits to do so (RFC 3261 section 9.2).
        """
        self.desk(Answer(self.network.clock, 3.0))
        calling = self.alice.invite("sip:desk@b.example")
        self.network.advance(1)
        calling.cancel()
        self.failureResultOf(calling)
        self.network.advance(0.5)
        # Alice's own transaction may wait on; the answer must not.
        self.assertEqual([c for c in self.network.clock.getDelayedCalls() if "_rangEnough" in repr(c.func)], [])
        self.network.advance(5)
        self.assertSeen("> INVITE, < 180 INVITE, > CANCEL, < 200 CANCEL, < 487 INVITE, > ACK")

    def test_rangTooLong(self) -> None:
        """
        The time an INVITE may stay unanswered is shorter than the ringing: 408, and no answer after that.
        """
        self.desk(Answer(self.network.clock, 90.0), noAnswerTimeout=60.0)
        calling = self.alice.invite("sip:desk@b.example")
        self.network.advance(100)
        self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 408)

    def test_stoppedWhileRinging(self) -> None:
        """
        The service's stop refuses who still hears it ring, and nothing is left waiting.
        """
        desk = self.desk(Answer(self.network.clock, 30.0))
        calling = self.alice.invite("sip:desk@b.example")
        self.network.advance(1)
        desk.stopService()
        self.network.advance(1)
        self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 480)
        self.assertEqual([c for c in self.network.clock.getDelayedCalls() if "_rangEnough" in repr(c.func)], [])

    def test_silence(self) -> None:
        """
        A caller whose media fall silent is hung up on, once.
        """
        media: list[Watched] = []
        self.desk(Answer(self.network.clock), lambda _: media.append(Watched()) or media[-1])
        self.alice.invite("sip:desk@b.example")
        self.network.advance(1)
        media[0].silent.callback(None)
        self.network.advance(1)
        self.assertSeen("> INVITE, < 180 INVITE, < 200 INVITE, > ACK, < BYE, > 200 BYE")

    def test_silenceElsewhere(self) -> None:
        """
        So is whom a caller has sent us to.
        """
        media: list[Watched] = []
        answering = Answer(self.network.clock)
        self.desk(answering, lambda _: media.append(Watched()) or media[-1], referPolicy="follow")
        carol = self.network.userAgent("sip:carol@c.example", Answer(self.network.clock), media=FixedMedia(SDP))
        calling = self.alice.invite("sip:desk@b.example")
        self.network.advance(1)
        self.successResultOf(calling).refer("sip:carol@c.example")
        self.network.advance(1)
        media[1].silent.callback(None)
        self.network.advance(1)
        self.assertEqual(self.network.seenBy(carol)[-2:], ["< BYE", "> 200 BYE"])

    def test_silenceAfterTheEnd(self) -> None:
        """
        Nobody is left to hang up on.
        """
        media: list[Watched] = []
        self.desk(Answer(self.network.clock), lambda _: media.append(Watched()) or media[-1])
        calling = self.alice.invite("sip:desk@b.example")
        self.network.advance(1)
        self.successResultOf(calling).destroy()
        self.network.advance(1)
        media[0].silent.callback(None)
        self.network.advance(1)
        self.assertSeen("> INVITE, < 180 INVITE, < 200 INVITE, > ACK, > BYE, < 200 BYE")

    def test_noAck(self) -> None:
        """
        A caller that never acknowledges is no error of ours: BYE, and no failure is left over.
        """
        accepted: list[Deferred[Any]] = []

        class Kept(Answer):
            def _answer(self, context: Any) -> None:
                accept = context.accept
                context = SimpleNamespace(accept=lambda: accepted.append(accept()) or accepted[-1])
                super()._answer(context)

        desk = self.desk(Kept(self.network.clock))
        peer = ScriptedPeer(self.network)
        peer.request("INVITE", desk, body=SDP)
        self.network.advance(40)
        self.assertIsNone(self.successResultOf(accepted[0]))
        self.assertIn("> BYE", self.network.seenBy(desk), self.network.ladder())

    def test_offerThatDoesNotFit(self) -> None:
        """
        An offer without anything of ours is refused by 488, without an error in the log.
        """
        self.desk(Answer(self.network.clock))
        calling = self.alice.invite("sip:desk@b.example", body=SDP.replace(b"audio", b"video"))
        self.network.advance(1)
        self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 488)
        self.assertEqual(self.flushLoggedErrors(), [])


class RejectTests(DelegateCase):
    def test_refuses(self) -> None:
        """
        480 at once.
        """
        self.desk(Reject(self.network.clock))
        calling = self.alice.invite("sip:desk@b.example")
        self.network.advance(1)
        self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 480)
        self.assertSeen("> INVITE, < 480 INVITE, > ACK")
