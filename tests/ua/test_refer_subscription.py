"""
The subscription that a REFER makes, as the referrer keeps it (RFC 3515 section 2.4.4, RFC 6665 section 4.2).
"""

from tests.ua.callee import OFFER
from tests.ua.transferee import TRYING, NotifyCase, TransfereeCase, later
from twisted_sipdialog.dialog.referral import ReferState
from twisted_sipdialog.testing import ScriptedPeer


class RefusedTests(NotifyCase):
    """What a NOTIFY that fails ends (RFC 5057 section 5.1, RFC 6665 section 4.2.2)."""

    def unheard(self):
        """Nothing further is told, and the new call comes about all the same."""
        self.rings(180)
        self.assertSilent()
        self.answers()
        self.assertSilent(40)
        self.assertIs(self.successResultOf(self.accepting[0]), self.notes.refer.targetDialog)
        self.assertEqual(self.notes.heard[-1], ("accepted", 200))
        self.assertEqual(len(self.userAgent.dialogs), 2)
        self.targetHangsUp()
        self.over()

    def test_unknown(self):
        """481 and the like."""
        for code in (481, 489, 405, 501, 408, 480):
            with self.subTest(code=code):
                self.follows()
                self.notified(code)
                self.unheard()

    def test_unknownDialog(self):
        """RFC 5057 section 5.1: 404 and the like end the call it came in as well; the new one comes about."""
        for code in (404, 410, 604):
            with self.subTest(code=code):
                self.follows()
                self.notified(code)
                self.peer.respond(self.peer.expect("BYE"), 200)
                self.answers()
                target = self.successResultOf(self.accepting[0])
                self.assertEqual(self.userAgent.dialogs, [target])
                self.assertSilent(40)
                self.targetHangsUp()
                self.assertNothingLeft()

    def test_silence(self):
        """Nobody answers it."""
        self.follows()
        self.rings(180)
        self.network.advance(33)
        self.assertEqual(len(self.notifies()), 1)
        self.unheard()

    def test_passing(self):
        """What fails only that request ends nothing: 491 to a NOTIFY that came before the 202, 500, 400."""
        for code in (491, 500, 400, 503, 603):
            with self.subTest(code=code):
                self.follows()
                self.notified(code)
                self.rings(180)
                self.assertEqual(self.told(), ("SIP/2.0 180 Ringing", "active"))
                self.answers(486)
                self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
                self.over()

    def test_refusedLast(self):
        for code in (481, 500, 603):
            self.follows()
            self.notified()
            self.answers(486)
            self.notified(code)
            self.over()

    def test_unheardApplication(self):
        """What an application tells of its own goes nowhere then, and is no mistake of its."""
        self.stand(lambda context: context.accept() and None)
        self.assertEqual(self.status(), 202)
        self.notified(481)
        self.assertIsNone(self.successResultOf(self.notes.refer.sendNotify(180)))
        self.assertEqual(self.notes.refer.referState, ReferState.ANSWERED)
        self.assertIsNone(self.successResultOf(self.notes.refer.sendNotify(200)))
        self.assertEqual(self.notes.refer.referState, ReferState.TERMINATED)
        self.over()


class MovedTests(TransfereeCase):
    """RFC 5057 section 5.4: a REFER is a target refresh, as its Contact and that of its 2xx say."""

    def moves(self):
        """A REFER, which waits; its Contact is another place."""
        self.stand(later)
        self.place = ScriptedPeer(self.network)
        self.asks(headers={"Contact": f"<sip:there@{self.place.address[0]}>"})

    def foundAt(self, peer):
        """What we send in the dialog goes to C{peer}."""
        self.dialog.info()
        peer.respond(peer.expect("INFO", 1), 200)
        self.network.advance(0.01)
        self.hangsUp()
        self.assertNothingLeft()

    def test_accepted(self):
        """With the 2xx: the NOTIFY goes there, and so does all that follows."""
        self.moves()
        self.notes.refer.accept()
        notify = self.place.expect("NOTIFY", 1)
        self.assertEqual(notify.uriText, f"sip:there@{self.place.address[0]}")
        self.place.respond(notify, 200)
        self.notes.refer.sendNotify(486)
        self.place.respond(self.place.expect("NOTIFY", 1), 200)
        self.foundAt(self.place)

    def test_refused(self):
        """A refusal changes nothing (RFC 3261 section 12.2.1.2)."""
        self.moves()
        self.notes.refer.reject()
        self.foundAt(self.peer)

    def test_overtaken(self):
        """A later request has said otherwise meanwhile: it stays with that."""
        self.moves()
        self.peer.ack(self.final("INVITE", self.userAgent, within=self.within, body=OFFER))
        self.notes.refer.accept()
        self.notified()
        self.notes.refer.sendNotify(486)
        self.notified()
        self.foundAt(self.peer)

    def test_nowhere(self):
        """A Contact that is no SIP URI: the peer stays where it was."""
        self.stand(lambda context: context.accept() and None)
        self.assertEqual(self.status(headers={"Contact": "<tel:+12015550123>"}), 202)
        self.notified()
        self.notes.refer.sendNotify(486)
        self.notified()
        self.foundAt(self.peer)


class SubscribeTests(NotifyCase):
    """The referrer's SUBSCRIBE within the dialog (RFC 3515 section 2.4.4, RFC 6665 section 4.2.1)."""

    def subscribes(self, expires, event="refer"):
        headers = {"Event": event, **({} if expires is None else {"Expires": str(expires)})}
        return self.finalTo(self.peer.request("SUBSCRIBE", within=self.within, headers=headers))

    def test_refresh(self):
        """It prolongs the subscription, no further than we want, and is told how it stands."""
        self.follows()
        self.notified()
        self.network.advance(20)
        for wanted, granted in ((3600, 300), (60, 60), (None, 300)):
            ok = self.subscribes(wanted)
            self.assertEqual((ok.statusCode, ok.headers.get("expires")), (200, str(granted)))
            self.assertIsNotNone(ok.headers.get("contact"))
            notify = self.notified()
            self.assertEqual(notify.headers.get("subscription-state"), f"active;expires={granted}")
            self.assertEqual((notify.body, notify.headers.get("event")), (b"SIP/2.0 100 Trying\r\n", "refer"))
        self.answers(486)
        self.assertEqual(self.told()[1], "terminated")
        self.over()

    def test_end(self):
        """Expires: 0 ends it, with a last NOTIFY; the new call goes on."""
        self.follows()
        self.notified()
        ok = self.subscribes(0)
        self.assertEqual((ok.statusCode, ok.headers.get("expires")), (200, "0"))
        notify = self.notified()
        self.assertEqual(notify.headers.get("subscription-state"), "terminated;reason=timeout")
        self.assertEqual(self.subscribes(0).statusCode, 481)
        self.answers()
        self.assertSilent()
        self.targetHangsUp()
        self.over()

    def test_after(self):
        """After the last NOTIFY there is none: 481, also before that is answered."""
        self.follows()
        self.notified()
        self.answers(486)
        self.assertIn(self.subscribes(60).statusCode, (481, 489))
        self.assertEqual(self.notified().body, b"SIP/2.0 486 Busy Here\r\n")
        self.assertIn(self.subscribes(60).statusCode, (481, 489))
        self.over()

    def test_other(self):
        """An id, or a package, of no subscription here."""
        self.follows()
        self.notified()
        for event in ("refer;id=4711", "presence"):
            self.assertIn(self.subscribes(60, event).statusCode, (481, 489))
        self.answers(486)
        self.notified()
        self.over()

    def test_byId(self):
        """With the id it is that one's."""
        self.follows()
        self.notified()
        first = self.invite
        self.assertEqual(self.status(), 202)
        self.called()
        self.notified()
        event = f"refer;id={self.request.cseqNumber}"
        self.assertEqual(self.subscribes(0, event).statusCode, 200)
        notify = self.notified()
        self.assertEqual(notify.headers.get("event"), event)
        self.assertEqual(notify.headers.get("subscription-state"), "terminated;reason=timeout")
        self.answers(486)
        self.assertSilent()
        self.invite = first
        self.answers(404)
        self.assertEqual(self.notified().headers.get("event"), "refer")
        self.over()

    def test_expiry(self):
        """RFC 6665 section 4.2.2: it expires while the target still rings; the call goes on."""
        self.follows({"referExpires": 60})
        self.assertEqual(self.told(), TRYING)
        self.rings(180)
        self.assertEqual(self.told()[0], "SIP/2.0 180 Ringing")
        self.network.advance(60)
        notify = self.notified()
        self.assertEqual(notify.headers.get("subscription-state"), "terminated;reason=timeout")
        self.assertEqual(notify.body, b"SIP/2.0 180 Ringing\r\n")
        self.answers()
        self.assertSilent()
        self.assertEqual(self.notes.heard[-1], ("accepted", 200))
        self.targetHangsUp()
        self.over()


class BothWaysTests(NotifyCase):
    def test_glare(self):
        """REFERs both ways in one dialog: each NOTIFY is of its own subscription (RFC 6665 section 4.1.2)."""
        self.stand(self.follow())
        referring = self.dialog.refer("sip:dave@dave.example")
        ours = self.peer.expect("REFER")
        self.asks()
        self.peer.respond(ours, 202)
        self.network.advance(0.01)
        self.successResultOf(referring)
        self.called()
        self.assertEqual(self.told(), TRYING)
        headers = {"Event": "refer", "Content-Type": "message/sipfrag"}
        for line, state in (("100 Trying", "active;expires=60"), ("603 Decline", "terminated;reason=noresource")):
            notify = self.peer.request(
                "NOTIFY",
                within=self.within,
                headers={**headers, "Subscription-State": state},
                body=f"SIP/2.0 {line}\r\n".encode(),
            )
            self.assertEqual(self.finalTo(notify).statusCode, 200)
        self.answers(486)
        self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
        self.over()

    def test_hold(self):
        """Meanwhile the referrer may hold the old call, which has nothing to do with it."""
        self.follows()
        self.notified()
        offer = OFFER.replace(b"sendrecv", b"sendonly").replace(b"o=- 1 1", b"o=- 1 2")
        again = self.finalTo(self.peer.request("INVITE", within=self.within, body=offer))
        self.assertEqual(again.statusCode, 200)
        self.peer.ack(again)
        self.answers(486)
        self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
        self.over()
