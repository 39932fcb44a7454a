"""
UPDATE as its receiver in an early dialog (RFC 3311 section 5.2, RFC 6337 section 2.2).
"""

from tests.ua.calling import ANSWER, OFFER, CallerCase
from tests.ua.changing import newer
from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.media.fixed import FixedMedia

THEIRS = newer(ANSWER, (b"4002", b"4020"))


class Ringing(UserAgentDelegate):
    def __init__(self, how):
        self.how = how

    def inviteReceived(self, context):
        self.context = context
        context.answerLater()
        self.how(context)


class EarlyTests(CallerCase):
    def ring(self, how, body=OFFER):
        """A call to us that rings."""
        self.delegate = Ringing(how)
        self.callee = self.network.userAgent("sip:desk@b.example", self.delegate)
        self.invitation = self.peer.request("INVITE", self.callee, headers={"Supported": "100rel"}, body=body)
        self.network.advance(0.1)
        self.progress = next(m for m in self.peer.received if getattr(m, "statusCode", 0) > 100)
        return self.delegate.context

    def update(self, body=b""):
        request = self.peer.request("UPDATE", within=self.progress, body=body)
        self.network.advance(0.1)
        (final,) = [m for m in self.peer.received if getattr(m, "cseqNumber", 0) == request.cseqNumber
                    and getattr(m, "cseqMethod", "") == "UPDATE" and m.statusCode >= 200]  # fmt: skip
        return final

    def test_offerIsOpen(self):
        """
        Before the offer of the INVITE is answered, one in an UPDATE gets 500 with Retry-After; a refresh does not.
        """
        context = self.ring(lambda context: context.progress())
        refused = self.update(newer(OFFER))
        self.assertEqual(refused.statusCode, 500)
        self.assertIn(int(refused.headers.get("retry-after")), range(11))
        self.assertEqual(self.update().statusCode, 200)
        context.accept(body=ANSWER)
        ok = self.peer.expect("200 INVITE", 1)
        self.peer.ack(ok)
        self.network.advance(0.1)
        self.assertEqual(context.dialog.remote.sdp, OFFER)

    def test_agreed(self):
        """
        After the PRACK of our answer the caller may change the session (RFC 6337 section 2.2, pattern 5); the 2xx says
        nothing of it.
        """
        context = self.ring(lambda context: context.progress(183, media=FixedMedia(ANSWER), reliable=True))
        rack = f"{self.progress.headers.get('rseq')} {self.invitation.cseqNumber} INVITE"
        self.peer.request("PRACK", within=self.progress, headers={"RAck": rack})
        self.peer.expect("200 PRACK", 1)
        theirs = newer(OFFER, (b"4000", b"4040"))
        ok = self.update(theirs)
        self.assertEqual((ok.statusCode, context.dialog.remote.sdp), (200, theirs))
        context.accept()
        answered = self.peer.expect("200 INVITE", 1)
        self.assertEqual(answered.body, b"")
        self.peer.ack(answered)
        self.network.advance(0.1)
        self.assertEqual((context.dialog.local.sdp, context.dialog.remote.sdp), (ok.body, theirs))

    def test_ourOfferIsOpen(self):
        """
        While our offer in a reliable provisional awaits its PRACK: 491.
        """
        context = self.ring(lambda context: context.progress(183, body=ANSWER, reliable=True) and None, b"")
        self.assertEqual(self.update(newer(OFFER)).statusCode, 491)
        context.reject(486)
        self.peer.ack(self.peer.expect("486 INVITE", 1))

    def test_asCaller(self):
        """
        While our INVITE's offer awaits its answer: 491; without an offer 200.
        """
        _context, invite = self.context()
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        for body, code in ((THEIRS, 491), (b"", 200)):
            self.peer.request("UPDATE", within=invite, body=body)
            self.peer.expect(f"{code} UPDATE", 1)

    def test_cancelled(self):
        """
        The caller gives up while an UPDATE of his is open: both get 487.
        """
        self.ring(lambda context: context.progress())
        self.delegate.updateReceived = lambda context: context.answerLater()
        self.peer.request("UPDATE", within=self.progress)
        self.network.advance(0.1)
        self.peer.cancel(self.invitation)
        self.peer.expect("487 UPDATE", 1)
        self.peer.ack(self.peer.expect("487 INVITE", 1))
