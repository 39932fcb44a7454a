"""
A followed REFER, and what ends meanwhile: the call it came in, the new one, our wish for it (RFC 5057, RFC 3515).
"""

from tests.ua.transferee import TRYING, NotifyCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.referral import ReferState


class OldCallTests(NotifyCase):
    """RFC 5057 section 4: the end of the session ends neither the subscription nor the call that follows the REFER."""

    def ended(self, reason):
        """The old call is over for the application; its dialog is only there for the NOTIFYs."""
        self.assertEqual(self.notes.ended.reason, reason)
        self.assertNotIn(self.dialog, self.userAgent.dialogs)

    def survives(self):
        """The new call is answered, and told of in the dialog of the old one; then it ends as any call does."""
        self.answers()
        self.assertEqual(self.told(), ("SIP/2.0 200 OK", "terminated"))
        dialog = self.successResultOf(self.accepting[0])
        self.assertEqual(self.userAgent.dialogs, [dialog])
        self.assertEqual(self.notes.heard[-1], ("accepted", 200))
        self.network.advance(40)
        self.assertEqual(self.userAgent.dialogs, [dialog])
        self.targetHangsUp()
        self.assertNothingLeft()

    def test_byeSoon(self):
        """The referrer hangs up 280 ms after the 202: what it asked for comes about all the same."""
        self.follows()
        self.assertEqual(self.told(), TRYING)
        self.network.advance(0.28)
        self.hangsUp()
        self.ended(Reason.REMOTE_BYE)
        self.survives()

    def test_byeBeforeNotify(self):
        """So it does when the first NOTIFY has no answer yet."""
        self.follows()
        self.hangsUp()
        self.ended(Reason.REMOTE_BYE)
        self.assertEqual(self.told(), TRYING)
        self.rings(180)
        self.assertEqual(self.told(), ("SIP/2.0 180 Ringing", "active"))
        self.survives()

    def test_byeUnheard(self):
        """A referrer who knows the dialog no more answers 481: it hears nothing further, and the new call stands."""
        self.follows()
        self.assertEqual(self.told(), TRYING)
        self.hangsUp()
        self.rings(180)
        self.notified(481)
        self.answers()
        self.assertSilent(40)
        self.assertEqual(self.userAgent.dialogs, [self.successResultOf(self.accepting[0])])
        self.targetHangsUp()
        self.assertNothingLeft()

    def test_byeInSilence(self):
        """So when it answers nothing at all."""
        self.follows()
        self.hangsUp()
        self.answers()
        self.network.advance(40)
        self.assertEqual(len(self.notifies()), 1)
        self.assertEqual(self.userAgent.dialogs, [self.successResultOf(self.accepting[0])])
        self.targetHangsUp()
        self.assertNothingLeft()

    def test_byeThenRefused(self):
        """A new call that fails after the old one has ended is told like any other."""
        self.follows()
        self.assertEqual(self.told(), TRYING)
        self.hangsUp()
        self.answers(486)
        self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
        self.assertIsNone(self.successResultOf(self.accepting[0]))
        self.assertEqual(self.userAgent.dialogs, [])
        self.assertNothingLeft()

    def test_destroyed(self):
        """We end the old call ourselves while the new one rings."""
        self.follows()
        self.assertEqual(self.told(), TRYING)
        self.rings(180)
        self.assertEqual(self.told()[0], "SIP/2.0 180 Ringing")
        ending = self.dialog.destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(0.01)
        self.successResultOf(ending)
        self.ended(Reason.LOCAL_BYE)
        self.survives()

    def test_acceptedAfterBye(self):
        """
        RFC 3261 section 15.1.2: a REFER that was open at the BYE is still to be answered; by a 2xx it has its
        subscription, and is followed.
        """
        self.stand(lambda context: context.answerLater())
        self.asks()
        self.hangsUp()
        self.ended(Reason.REMOTE_BYE)
        self.follow()(self.notes.refer)
        self.network.advance(0.01)
        self.peer.expect("202 REFER", 1)
        self.called()
        self.assertEqual(self.told(), TRYING)
        headers = {"Event": "refer", "Expires": "60"}
        request = self.peer.request("SUBSCRIBE", within=self.within, headers=headers)
        self.assertEqual(self.finalTo(request).statusCode, 200)
        self.assertEqual(self.told(), TRYING)
        self.survives()

    def test_nothingElse(self):
        """Section 15.1.1: the ended dialog takes nothing but what concerns the subscription."""
        self.follows()
        self.assertEqual(self.told(), TRYING)
        self.hangsUp()
        for method in ("INFO", "MESSAGE", "INVITE", "REFER", "BYE", "UPDATE"):
            request = self.peer.request(method, within=self.within, headers={"Refer-To": "<sip:x@peer2.example>"})
            self.assertEqual(self.finalTo(request).statusCode, 481, method)
        headers = {"Event": "refer", "Expires": "0"}
        self.assertEqual(
            self.finalTo(self.peer.request("SUBSCRIBE", within=self.within, headers=headers)).statusCode, 200
        )
        self.assertEqual(self.notified().headers.get("subscription-state"), "terminated;reason=timeout")
        self.answers()
        self.assertSilent(40)
        self.targetHangsUp()
        self.assertNothingLeft()

    def test_oldCallStays(self):
        """RFC 3515 section 2.4.2: whoever follows ends nothing: neither a success nor a failure does."""
        for code in (200, 486):
            self.follows()
            self.assertEqual(self.told(), TRYING)
            self.answers(code)
            self.assertEqual(self.told()[1], "terminated")
            self.network.advance(40)
            self.assertEqual(self.sent("BYE"), 0)
            if code == 200:
                self.targetHangsUp()
            self.hangsUp()
            self.assertNothingLeft()


class NewCallTests(NotifyCase):
    def test_cancelled(self):
        """Cancelling accept() cancels the call (RFC 3261 section 9.1); the referrer is told so, once."""
        self.follows()
        self.assertEqual(self.told(), TRYING)
        self.rings(180)
        self.assertEqual(self.told()[0], "SIP/2.0 180 Ringing")
        self.accepting[0].cancel()
        self.assertIsNone(self.successResultOf(self.accepting[0]))
        self.target.respond(self.target.expect("CANCEL"), 200)
        self.answers(487)
        self.assertEqual(self.told(), ("SIP/2.0 487 Request Terminated", "terminated"))
        self.assertEqual(self.notes.heard[-1], ("rejected", 487))
        self.assertEqual(self.notes.refer.referState, ReferState.TERMINATED)
        self.over()

    def test_cancelCrossesAnswer(self):
        """A 2xx that crosses the CANCEL is acknowledged and ended (section 9.1); the referrer hears of one outcome."""
        self.follows()
        self.assertEqual(self.told(), TRYING)
        self.rings(180)
        self.notified()
        self.accepting[0].cancel()
        self.assertIsNone(self.successResultOf(self.accepting[0]))
        self.answers()
        self.target.expect("ACK")
        self.target.respond(self.target.expect("BYE"), 200)
        self.assertEqual(self.told(), ("SIP/2.0 487 Request Terminated", "terminated"))
        self.assertIsNone(self.notes.refer.targetDialog)
        self.over()

    def test_cancelledLate(self):
        """After the answer there is nothing to cancel: the call is the application's to end."""
        self.follows()
        self.notified()
        self.answers()
        self.notified()
        self.accepting[0].cancel()
        self.network.advance(1)
        self.assertIn(self.notes.refer.targetDialog, self.userAgent.dialogs)
        self.targetHangsUp()
        self.over()

    def test_endedAtOnce(self):
        """A call that ends as soon as it stands was answered: 200 is what is told, and nothing after it."""
        self.follows()
        self.answers()
        self.targetHangsUp()
        self.assertEqual(self.told(), TRYING)
        self.assertEqual(self.told(), ("SIP/2.0 200 OK", "terminated"))
        self.over()
