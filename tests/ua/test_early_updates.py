"""
UPDATE in the early dialogs of a call of ours (RFC 3311 section 5, RFC 6337 section 2.1).
"""

from tests.ua.calling import ANSWER, OFFER
from tests.ua.hearing import OTHER, HearingCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.media.fixed import FixedMedia

MORE = OFFER.replace(b"o=- 1 1", b"o=- 1 2").replace(b"4000", b"4006")


class UpdateTests(HearingCase):
    """UPDATE in the early dialog (RFC 3311 section 5, pattern 6)."""

    def ringing(self, **how):
        """Offer and answer are through, and acknowledged: the dialog, the Deferred of the call, the INVITE."""
        media = how.pop("media", None) or FixedMedia(OFFER)
        calling, invite = self.invite(body=None, media=media)
        self.ring(invite, 5, body=ANSWER, **how)
        self.pracked()
        return self.notes.early[-1], calling, invite

    def test_sent(self):
        """
        RFC 3311 section 5.1: ours.
        """
        dialog, calling, invite = self.ringing()
        changing = dialog.modify(MORE)
        update = self.peer.expect("UPDATE")
        self.assertEqual((update.body, update.toTag), (MORE, "f1"))
        self.assertNotIn("rack", update.headers)
        self.peer.respond(update, 200, headers={"Contact": "<sip:moved@peer.example>"}, body=OTHER)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(changing), OTHER)
        self.assertIs(dialog.state, Phase.EARLY)
        self.ring(invite, 6, code=180)
        self.assertEqual(self.pracked().uriText, "sip:moved@peer.example")
        self.accept(invite)
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (MORE, OTHER))
        self.successResultOf(calling)

    def test_waits(self):
        """
        RFC 3311 section 5.1: not while our offer in the INVITE waits for its answer.
        """
        calling, invite = self.invite(body=OFFER)
        self.ring(invite, 5, code=180)
        self.pracked()
        dialog = self.notes.early[0]
        changing = dialog.modify(MORE)
        self.failureResultOf(dialog.modify(MORE, method="INVITE"), InvalidState)
        self.network.advance(3)
        self.assertEqual(self.got("UPDATE"), [])
        self.ring(invite, 6, body=ANSWER)
        self.pracked()
        self.peer.respond(self.peer.expect("UPDATE", 1), 200, body=OTHER)
        self.network.advance(0.1)
        self.successResultOf(changing)
        self.accept(invite)
        self.successResultOf(calling)

    def test_received(self):
        """
        RFC 3311 section 5.2: the peer's.
        """
        dialog, calling, invite = self.ringing()
        own = {"From": "<sip:bob@peer.example>;tag=f1", "To": invite.headers.get("from")}
        self.peer.request("UPDATE", within=invite, headers=own, body=OTHER)
        ok = self.peer.expect("200 UPDATE")
        self.assertIn(b"m=audio 4000", ok.body)
        self.assertEqual(dialog.remote.sdp, OTHER)
        self.accept(invite)
        self.assertEqual(self.successResultOf(calling).remote.sdp, OTHER)

    def test_receivedEarly(self):
        """
        RFC 3311 section 5.2: 491 while our offer waits for its answer.
        """
        _calling, invite = self.invite(body=OFFER)
        self.ring(invite, 5, code=180)
        self.pracked()
        own = {"From": "<sip:bob@peer.example>;tag=f1", "To": invite.headers.get("from")}
        self.peer.request("UPDATE", within=invite, headers=own, body=OTHER)
        self.peer.expect("491 UPDATE")
        self.accept(invite, body=ANSWER)

    def test_overtaken(self):
        """
        The 2xx comes while our UPDATE is open: the call stands, the UPDATE goes on.
        """
        dialog, calling, invite = self.ringing()
        changing = dialog.modify(MORE)
        update = self.peer.expect("UPDATE")
        self.accept(invite)
        self.assertIs(self.successResultOf(calling), dialog)
        self.assertEqual(self.notes.ended, [])
        self.peer.respond(update, 200, body=OTHER)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(changing), OTHER)
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (MORE, OTHER))

    def test_byeInEarly(self):
        """
        RFC 3261 section 15: the callee's BYE ends the dialog while an UPDATE of ours is open.
        """
        dialog, calling, invite = self.ringing()
        changing = dialog.modify(MORE)
        self.peer.expect("UPDATE")
        own = {"From": "<sip:bob@peer.example>;tag=f1", "To": invite.headers.get("from")}
        self.peer.request("BYE", within=invite, headers=own)
        self.peer.expect("200 BYE")
        self.failureResultOf(changing)
        self.assertEqual(self.notes.reasons, [Reason.REMOTE_BYE])
        self.over(calling)
