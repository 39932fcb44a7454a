"""
The example of modifiers does what its page says.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.test_examples import ANSWER, OFFER, example
from twisted_sipdialog import UserAgentDelegate
from twisted_sipdialog.interfaces import ISessionModifier
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription
from twisted_sipdialog.testing import MemoryNetwork

VIDEO = b"m=video 4006 RTP/AVP 31\r\n"


class _Accepts(UserAgentDelegate):
    def inviteReceived(self, context: Any) -> None:
        context.accept()


class _Relay:
    def hostFor(self, sessionId: str) -> Deferred[str]:
        self.asked: Deferred[str] = Deferred()
        return self.asked


class ModifierTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.example = example("modifiers")
        self.network = MemoryNetwork()
        self.addCleanup(self.network.assertQuiet)
        self.desk = self.network.userAgent("sip:desk@b.example", _Accepts(), media=FixedMedia(ANSWER + VIDEO))
        self.ua = self.network.userAgent("sip:alice@a.example", media=FixedMedia(OFFER + VIDEO))

    def theirs(self) -> list[tuple[str, int, str]]:
        """What the callee knows of our media."""
        description = SessionDescription.parse(self.desk.dialogs[0].remote.sdp)
        return [(media.type, media.port, media.connection.address) for media in description.media if media.connection]

    def test_call(self) -> None:
        relay = _Relay()
        verifyObject(ISessionModifier, self.example.Relayed(relay), tentative=True)
        calling = self.example.call(self.ua, "sip:desk@b.example", relay)
        self.network.advance(1)
        self.assertEqual(self.network.seenBy(self.ua), [])
        relay.asked.callback("192.0.2.77")
        self.network.advance(1)
        self.successResultOf(calling)
        self.assertEqual(self.theirs(), [("audio", 4002, "192.0.2.77")])

    def test_without(self) -> None:
        """Neither its payload type is left nor what was said of it; without another codec there is no call."""
        without = self.example.Without("pcma")
        verifyObject(ISessionModifier, without, tentative=True)
        three = OFFER.replace(b" 0\r\n", b" 0 8 101\r\n")
        three += b"a=rtpmap:8 PCMA/8000\r\na=fmtp:8 x\r\na=rtpmap:101 X/8000\r\n"
        calling = self.ua.invite("sip:desk@b.example", media=FixedMedia(three), modifiers=[without])
        self.network.advance(1)
        said = SessionDescription.parse(self.successResultOf(calling).local.sdp)
        self.assertEqual(said.media[0].lines, ("m=audio 4002 RTP/AVP 0 101", "a=rtpmap:101 X/8000"))
        calling = self.ua.invite("sip:desk@b.example", modifiers=[self.example.Without("PCMU")])
        self.network.advance(1)
        self.failureResultOf(calling, NotAcceptable)

    def test_dropVideo(self) -> None:
        calling = self.ua.invite("sip:desk@b.example")
        self.network.advance(1)
        dialog = self.successResultOf(calling)
        self.assertEqual([port for _, port, _ in self.theirs()], [4002, 4006])
        dropping = Deferred.fromCoroutine(self.example.dropVideo(dialog))
        self.network.advance(1)
        self.successResultOf(dropping)
        self.assertEqual([port for _, port, _ in self.theirs()], [4002, 0])
