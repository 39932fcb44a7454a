"""
Offers that meet on their way (RFC 3261 section 14, RFC 3311 section 5.2, RFC 5407 section 3).
"""

from tests.ua.calling import ANSWER, OFFER
from tests.ua.changing import MOVED, MOVED_ANSWER, ChangeCase, newer
from twisted_sipdialog.delegates import DialogDelegate
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.testing import MemoryNetwork

THEIRS = newer(ANSWER, (b"4002", b"4020"))


class Later(DialogDelegate):
    """Answers when the test says so."""

    def __init__(self):
        self.contexts = []

    def inviteReceived(self, context):
        self.contexts.append(context)
        context.answerLater()

    updateReceived = inviteReceived


class OursIsOpenTests(ChangeCase):
    def assertRetryAfter(self, response):
        self.assertEqual(response.statusCode, 500)
        self.assertIn(int(response.headers.get("retry-after")), range(11))

    def test_reinvite(self):
        """
        RFC 3261 section 14.2: theirs is refused with 491 while ours has no final response; ours goes on, untouched.
        """
        for body in (THEIRS, b""):
            self.stand()
            changing, request = self.reinvite(MOVED)
            for _ in range(2):
                refused = self.fromPeer("INVITE", body)
                self.assertEqual((refused.statusCode, refused.headers.get("retry-after")), (491, None))
                self.peer.respond(request, 180)
            self.assertEqual(self.session(), self.before)
            self.accept(request)
            self.assertEqual(self.successResultOf(changing), MOVED_ANSWER)
            self.assertEqual(self.session(), (MOVED, MOVED_ANSWER, False))
            self.hangUp()

    def test_offerInUpdate(self):
        """
        RFC 3311 section 5.2: an UPDATE with an offer is refused with 491 while our offer, however sent, is open; one
        without is not.
        """
        for method in ("INVITE", "UPDATE"):
            self.stand()
            changing = self.modify(MOVED, method=method)
            request = self.peer.expect(method)
            self.assertEqual(self.fromPeer("UPDATE", THEIRS).statusCode, 491)
            self.assertEqual(self.fromPeer("UPDATE").statusCode, 200)
            self.accept(request)
            self.successResultOf(changing)
            self.assertEqual(self.fromPeer("UPDATE", newer(THEIRS)).statusCode, 200)
            self.hangUp()

    def test_inviteAgainstUpdate(self):
        """
        RFC 3261 section 14.2, RFC 3311 section 5.2: a re-INVITE meets our UPDATE: 491, whatever carries the offer.
        """
        self.stand()
        changing = self.modify(MOVED, method="UPDATE")
        request = self.peer.expect("UPDATE")
        self.assertEqual(self.fromPeer("INVITE", THEIRS).statusCode, 491)
        self.accept(request)
        self.successResultOf(changing)

    def test_whileOursIsMade(self):
        """
        ISessionDescription: nothing else is asked of it while it makes our offer; theirs is refused with 491.
        """
        for method in ("INVITE", "UPDATE"):
            for body in (THEIRS, b"") if method == "INVITE" else (THEIRS,):
                self.standWithMedia()
                self.media.slow = True
                changing = self.modify("sendonly")
                self.assertEqual(self.fromPeer(method, body).statusCode, 491)
                self.assertEqual(self.media.calls, ["offer"])
                self.media.waiting.callback(None)
                self.media.slow = False
                request = self.peer.expect("INVITE", 1)
                self.accept(request, newer(ANSWER) + b"a=recvonly\r\n")
                self.successResultOf(changing)
                self.assertEqual(self.fromPeer("UPDATE", newer(THEIRS)).statusCode, 200)
                self.hangUp()

    def test_afterOurRefusal(self):
        """
        Once ours was refused, theirs may come at once.
        """
        self.stand()
        _changing, request = self.reinvite(MOVED)
        self.refuse(request, 491)
        self.peer.ack(self.fromPeer("INVITE", THEIRS))
        self.network.advance(0.1)
        self.assertEqual(self.dialog.remote.sdp, THEIRS)
        self.refuse(self.peer.expect("INVITE", 5), 488)


class TheirsIsOpenTests(OursIsOpenTests):
    test_reinvite = test_offerInUpdate = test_inviteAgainstUpdate = test_whileOursIsMade = test_afterOurRefusal = None

    def open(self, method, body):
        """One of theirs that is not answered yet."""
        self.delegate = Later()
        self.stand(delegate=self.delegate)
        request = self.fromPeer(method, body, answered=False)
        self.network.advance(0.1)
        self.context = self.delegate.contexts[0]
        return request

    def test_second(self):
        """
        RFC 3261 section 14.2, RFC 3311 section 5.2: a second offer before the first is answered: 500 with Retry-After.
        """
        for first in ("INVITE", "UPDATE"):
            for second in ("INVITE", "UPDATE"):
                request = self.open(first, THEIRS)
                self.assertRetryAfter(self.fromPeer(second, newer(THEIRS)))
                self.assertEqual(len(self.delegate.contexts), 1)
                self.context.accept()
                ok = self.finalTo(request)
                self.assertEqual((ok.statusCode, self.dialog.remote.sdp), (200, THEIRS))
                if first == "INVITE":
                    self.peer.ack(ok)
                    self.network.advance(0.1)
                self.assertEqual(self.fromPeer("UPDATE", newer(THEIRS), answered=False).method, "UPDATE")
                self.network.advance(0.1)
                self.assertEqual(len(self.delegate.contexts), 2)
                self.delegate.contexts[1].accept()
                self.hangUp()

    def test_secondUpdate(self):
        """
        RFC 3311 section 5.2: a second UPDATE before the final response to the first: 500, offer or not.
        """
        request = self.open("UPDATE", b"")
        for body in (b"", THEIRS):
            self.assertRetryAfter(self.fromPeer("UPDATE", body))
        self.context.accept()
        self.assertEqual(self.finalTo(request).statusCode, 200)

    def test_updateInReinvite(self):
        """
        RFC 3311 section 5.2: an UPDATE without an offer goes through while a re-INVITE is open.
        """
        self.open("INVITE", THEIRS)
        self.fromPeer("UPDATE", b"", answered=False)
        self.network.advance(0.1)
        self.delegate.contexts[1].accept()
        self.network.advance(0.1)
        self.peer.expect("200 UPDATE", 1)
        self.context.reject(488)

    def test_ourUpdateWaits(self):
        """
        RFC 3311 section 5.1: while a re-INVITE without an offer is open, the next offer is to be ours in its response;
        an UPDATE with one waits.
        """
        request = self.open("INVITE", b"")
        changing = self.modify(MOVED, method="UPDATE")
        self.network.advance(1)
        self.assertEqual(self.count("UPDATE"), 0)
        self.context.accept()
        ok = self.finalTo(request)
        self.network.advance(0.2)
        self.assertEqual(self.count("UPDATE"), 0)
        self.peer.ack(ok, headers={"Content-Type": "application/sdp"}, body=THEIRS)
        update = self.peer.expect("UPDATE", 1)
        self.accept(update, newer(MOVED_ANSWER))
        self.successResultOf(changing)

    def test_unacknowledged(self):
        """
        RFC 5407 section 3.1: a re-INVITE, or an UPDATE, may come before the ACK that is still on its way; 491 only
        while the offer of our 2xx is open.
        """
        for method in ("INVITE", "UPDATE"):
            self.stand()
            ok = self.fromPeer("INVITE", THEIRS)
            again = self.fromPeer(method, newer(THEIRS))
            self.assertEqual(again.statusCode, 200)
            if method == "INVITE":
                self.peer.ack(again)
            self.peer.ack(ok)
            self.network.advance(0.1)
            ok = self.fromPeer("INVITE", b"")
            self.assertEqual(self.fromPeer(method, newer(THEIRS, version=2)).statusCode, 491)
            self.peer.ack(ok, headers={"Content-Type": "application/sdp"}, body=newer(THEIRS, version=3))
            self.network.advance(0.1)
            self.assertEqual(self.dialog.remote.sdp, newer(THEIRS, version=3))
            self.works()
            self.hangUp()

    def test_severalUnacknowledged(self):
        """
        RFC 5407 section 3.1.4: each of several 2xx is repeated until its own ACK.
        """
        self.stand()
        first, second = self.fromPeer("INVITE", THEIRS), self.fromPeer("INVITE", newer(THEIRS))
        self.peer.ack(second)
        self.network.advance(0.1)
        self.peer.received.clear()
        self.network.advance(4)
        self.assertEqual({m.cseqNumber for m in self.peer.received}, {first.cseqNumber})
        self.peer.ack(first)
        self.network.advance(0.1)
        self.peer.received.clear()
        self.network.advance(40)
        self.assertEqual(self.peer.received, [])
        self.hangUp()


class BothTests(ChangeCase):
    def test_bothAtOnce(self):
        """
        RFC 3261 section 14.1: two of our agents that change the session at once both succeed in the end: for re-INVITEs
        and UPDATEs in every mixture, whatever the randomness.
        """
        for seed in range(6):
            for ours in ("INVITE", "UPDATE"):
                for theirs in ("INVITE", "UPDATE"):
                    network = MemoryNetwork(seed=seed)
                    bob = network.userAgent("sip:bob@b.example", Taking())
                    alice = network.userAgent("sip:alice@a.example", media=FixedMedia(OFFER))
                    calling = alice.invite("sip:bob@b.example")
                    network.advance(1)
                    one, (other,) = self.successResultOf(calling), bob.dialogs
                    changes = [one.modify("hold", method=ours), other.modify("recvonly", method=theirs)]
                    network.advance(20)
                    for changing in changes:
                        self.successResultOf(changing)
                    self.assertEqual(one.local.sdp, other.remote.sdp)
                    self.assertEqual(one.remote.sdp, other.local.sdp)
                    network.assertQuiet()


class Taking:
    def inviteReceived(self, context):
        context.accept(media=FixedMedia(ANSWER))
