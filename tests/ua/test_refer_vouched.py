"""
REFERs outside dialogs that name a call of ours (Target-Dialog, RFC 4538): what that call lets them do.
"""

from tests.ua.callee import ANSWER, OFFER, Callee
from tests.ua.transferee import CAROL, TRYING, Transferee, TransfereeCase, later
from twisted_sipdialog import DialogDelegate
from twisted_sipdialog.testing import ScriptedPeer


class Own(DialogDelegate):
    """A dialog's own delegate: notes what it is asked, and refuses it."""

    def __init__(self):
        self.asked = []

    def referReceived(self, context):
        self.asked.append(context)
        context.reject(488)


class VouchedCase(TransfereeCase):
    def vouching(self, dialog=None):
        """Target-Dialog as the peer has it."""
        sip = (dialog or self.dialog).sip
        return f"{sip.callId};local-tag={sip.remoteTag};remote-tag={sip.localTag}"

    def ask(self, headers=None, vouching=None):
        lines = {"Target-Dialog": vouching or self.vouching(), **(headers or {})}
        return self.refer(f"<{CAROL}>", lines, to=self.userAgent)

    def over(self):
        self.hangsUp()
        self.assertNothingLeft()


class DelegateTests(VouchedCase):
    def test_agents(self):
        """RFC 4538 section 4: as in the call, so referReceived is asked, and of that call."""
        self.stand(self.follow())
        self.assertEqual(self.ask().statusCode, 202)
        self.assertIs(self.notes.refer.dialog, self.dialog)
        self.assertEqual(self.told(), TRYING)
        self.called()
        self.answers(486)
        self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
        self.over()

    def test_dialogs(self):
        """The dialog's own delegate comes first, whatever is allowed to strangers."""
        own = Own()
        for allowed in (False, True):
            self.notes = Transferee(later, lambda context: context.accept(body=ANSWER, delegate=own) and None)
            self.userAgent = self.agent(self.notes, allowOutOfDialogRefers=allowed, referPolicy="follow")
            self.within = self.final("INVITE", self.userAgent, body=OFFER)
            self.peer.ack(self.within)
            self.network.advance(0.01)
            self.dialog = self.notes.dialog
            self.assertEqual(self.ask().statusCode, 488)
            self.assertIs(own.asked.pop().dialog, self.dialog)
            self.assertEqual(self.notes.referContexts, [])
            self.over()

    def test_refuse(self):
        """Where each REFER of a call is refused, so is this one, and nobody is asked."""
        self.callOut(later, referPolicy="refuse")
        self.assertEqual(self.ask().statusCode, 603)
        self.assertEqual((self.notes.referContexts, self.calls()), ([], 0))
        self.over()

    def test_authenticated(self):
        """Trust in the caller holds for what the call vouches for."""
        self.stand()
        self.dialog.authenticated = True
        self.assertEqual(self.ask(headers={"Require": "nosub"}).statusCode, 200)
        self.called()
        self.answers(486)
        self.assertSilent()
        self.over()


class PhaseTests(VouchedCase):
    def test_early(self):
        """A call that is not answered vouches for nobody."""
        self.notes = Callee(lambda context: context.progress(180) and context.answerLater())
        self.userAgent = self.agent(self.notes, referPolicy="follow")
        invite = self.peer.request("INVITE", self.userAgent, body=OFFER)
        self.peer.expect("180 INVITE", 1)
        self.assertEqual(self.ask(vouching=self.vouching(self.notes.dialog)).statusCode, 403)
        self.notes.context.reject(486)
        self.finalTo(invite)
        self.assertEqual(self.calls(), 0)
        self.assertNothingLeft()

    def test_leaving(self):
        """Neither does one that our BYE ends."""
        self.callOut(referPolicy="follow")
        self.dialog.destroy()
        bye = self.peer.expect("BYE")
        self.assertEqual(self.ask().statusCode, 403)
        self.peer.respond(bye, 200)
        self.assertNothingLeft()

    def test_outlivesTheCall(self):
        """RFC 4538 section 4: the subscription is in a dialog of its own, which the BYE of the call leaves alone."""
        self.stand(later)
        self.asks(headers={"Target-Dialog": self.vouching()}, to=self.userAgent)
        self.hangsUp()
        self.notes.refer.accept()
        self.assertEqual(self.told(), TRYING)
        self.assertEqual(self.finalTo(self.request).statusCode, 202)
        self.notes.refer.sendNotify(200)
        self.assertEqual(self.told(), ("SIP/2.0 200 OK", "terminated"))
        self.assertNothingLeft()

    def test_movesNothing(self):
        """It is not in the call, so its Contact is where its own NOTIFYs go, and nothing else."""
        self.stand(lambda context: context.accept() and None)
        place = ScriptedPeer(self.network)
        self.ask(headers={"Contact": f"<sip:there@{place.address[0]}>"})
        place.respond(place.expect("NOTIFY"), 200)
        self.dialog.info()
        self.peer.respond(self.peer.expect("INFO", 1), 200)
        self.notes.refer.sendNotify(486)
        place.respond(place.expect("NOTIFY"), 200)
        self.over()

    def test_notTheFirst(self):
        """RFC 3515 section 2.4.6: it is not counted among the REFERs of the call."""
        self.stand(lambda context: context.accept() and None)
        self.ask()
        self.assertEqual(self.notified().headers.get("event"), "refer")
        self.notes.refer.sendNotify(486)
        self.notified()
        self.assertEqual(self.status(), 202)
        self.assertEqual(self.notified().headers.get("event"), "refer")
        self.notes.refer.sendNotify(486)
        self.notified()
        self.over()
