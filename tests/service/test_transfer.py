"""
The built-in delegate that transfers its callers.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import globalLogPublisher
from zope.interface.verify import verifyObject

from tests.service.test_delegates import SDP, DelegateCase
from twisted_sipdialog import Reason
from twisted_sipdialog.interfaces import IUserAgentDelegate
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.service.delegates import Answer, Reject, Transfer
from twisted_sipdialog.service.text_log import lineOf
from twisted_sipdialog.testing import ScriptedPeer

CAROL = "sip:carol@c.example"


class TransferTests(DelegateCase):
    def setUp(self) -> None:
        super().setUp()
        self.lines: list[str] = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)

    def observe(self, event: dict[str, Any]) -> None:
        if event["log_namespace"] == "twisted_sipdialog.service.delegates":
            self.lines.append(str(lineOf(event)).partition("] ")[2])

    def transferring(self) -> Any:
        return self.desk(Transfer(self.network.clock, CAROL))

    def carol(self, delegate: Any) -> Any:
        return self.network.userAgent(CAROL, delegate, media=FixedMedia(SDP))

    def callBy(self, caller: Any) -> Any:
        calling = caller.invite("sip:desk@b.example")
        self.network.advance(3)
        return self.successResultOf(calling)

    def follower(self, policy: str = "follow") -> Any:
        return self.network.userAgent("sip:dave@d.example", media=FixedMedia(SDP), referPolicy=policy)

    def scripted(self) -> tuple[ScriptedPeer, Any, Any]:
        """A caller that was sent a REFER; it, and the 200 of the call."""
        peer = ScriptedPeer(self.network)
        peer.request("INVITE", self.transferring(), body=SDP)
        ok = peer.expect("200 INVITE")
        peer.ack(ok)
        return peer, peer.expect("REFER"), ok

    def test_interface(self) -> None:
        """
        It is a delegate of a user agent.
        """
        verifyObject(IUserAgentDelegate, Transfer(self.network.clock, CAROL))

    def test_transfers(self) -> None:
        """
        The caller ends up in a call with the target alone, and the line says so (RFC 5589 section 6.1).
        """
        desk = self.transferring()
        carol = self.carol(Answer(self.network.clock))
        dave = self.follower()
        first = self.callBy(dave)
        self.assertIs(first.ended.reason, Reason.REMOTE_BYE)
        (call,) = dave.dialogs
        (other,) = carol.dialogs
        self.assertEqual(call.sip.callId, other.sip.callId)
        self.assertEqual(desk.dialogs, [])
        self.assertEqual(self.lines, [f"sip:dave@d.example was to call {CAROL}: 200 OK\n"])
        call.destroy()
        self.network.advance(1)

    def test_targetRefuses(self) -> None:
        """
        A transfer that came to nothing ends the call, too: there is nobody here to talk to.
        """
        self.transferring()
        self.carol(Reject(self.network.clock))
        first = self.callBy(self.follower())
        self.assertIs(first.ended.reason, Reason.REMOTE_BYE)
        self.assertIn(f" was to call {CAROL}: 480 ", self.lines[0])

    def test_callerRefuses(self) -> None:
        """
        So does a caller who does not do what the REFER asks for.
        """
        self.transferring()
        first = self.callBy(self.follower("refuse"))
        self.assertIs(first.ended.reason, Reason.REMOTE_BYE)
        self.assertIn(f" was to call {CAROL}: 603 ", self.lines[0])

    def test_nobodyTells(self) -> None:
        """
        A caller who declines to tell (RFC 4488 section 4) may be on his way: he is let go.
        """
        peer, refer, _ = self.scripted()
        peer.respond(refer, 200, headers={"Refer-Sub": "false"})
        peer.respond(peer.expect("BYE"), 200)
        self.network.advance(1)
        self.assertIn(f" was to call {CAROL}: nobody tells", self.lines[0])

    def test_noNotify(self) -> None:
        """
        A caller who falls silent after the 202 is not waited for longer than 64*T1 (RFC 6665 section 4.1.2.4).
        """
        peer, refer, _ = self.scripted()
        peer.respond(refer, 202)
        self.network.advance(31)
        self.assertNotIn("BYE", [getattr(message, "method", None) for message in peer.received])
        self.network.advance(2)
        peer.respond(peer.expect("BYE"), 200)
        self.network.advance(1)
        self.assertEqual(len(self.lines), 1)

    def test_callerHangsUp(self) -> None:
        """
        A caller who hangs up instead is no error of ours.
        """
        peer, refer, ok = self.scripted()
        peer.request("BYE", within=ok)
        peer.respond(refer, 487)
        self.network.advance(40)
        self.assertEqual(len(self.lines), 1)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_noAck(self) -> None:
        """
        A caller that never acknowledges is sent no REFER, and no failure is left over.
        """
        desk = self.transferring()
        peer = ScriptedPeer(self.network)
        peer.request("INVITE", desk, body=SDP)
        self.network.advance(40)
        self.assertNotIn("> REFER", self.network.seenBy(desk))
        self.assertEqual((self.lines, self.flushLoggedErrors()), ([], []))

    def test_stopped(self) -> None:
        """
        The service's stop ends the call, and nothing waits for the outcome any more.
        """
        desk = self.transferring()
        peer = ScriptedPeer(self.network)
        peer.request("INVITE", desk, body=SDP)
        peer.ack(peer.expect("200 INVITE"))
        peer.respond(peer.expect("REFER"), 202)
        desk.stopService()
        peer.respond(peer.expect("BYE"), 200)
        self.network.advance(1)
        self.assertEqual((desk.leftovers(), self.flushLoggedErrors()), ([], []))
