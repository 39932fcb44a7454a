"""
Requests of the peer in a dialog that are none of its own (RFC 3261 section 12.2.2), and strays outside.
"""

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, Notes
from twisted_sipdialog.delegates import DialogDelegate

EVENT = {"Event": "presence", "Expires": "600"}
END = {"Event": "presence", "Expires": "0"}


class Subscribed(Callee):
    """Takes SUBSCRIBE."""

    def __init__(self, answer=None):
        super().__init__(answer)
        self.asked = []

    def subscribeReceived(self, context):
        self.asked.append(("subscribe", context.dialog))
        context.reject(603)


class Unsubscribed(Subscribed):
    """Tells its end apart."""

    def unsubscribeReceived(self, context):
        self.asked.append(("unsubscribe", context.dialog))


class InDialogCase(CalleeTestCase):
    def stand(self, callee=None, own=None, **settings):
        self.callee = callee or Callee()
        self.callee.answer = lambda context: context.accept(body=ANSWER, delegate=own) and None
        self.userAgent = self.agent(self.callee, **settings)
        self.ok = self.final("INVITE", self.userAgent, body=OFFER)
        self.peer.ack(self.ok)
        self.network.advance(0.01)
        self.dialog = self.callee.dialog

    def ask(self, method, **how):
        return self.finalTo(self.peer.request(method, within=self.ok, **how))

    def stands(self):
        self.assertEqual(self.userAgent.dialogs, [self.dialog])
        self.assertEqual(self.ask("BYE").statusCode, 200)
        self.assertEqual(self.callee.events, ["confirmed", "terminated"])


class SubscribeTests(InDialogCase):
    def test_default(self):
        """RFC 6665 section 4.2.1.1: no package is known here: 489, also to the end of a subscription."""
        self.stand()
        for headers in (EVENT, END):
            self.assertEqual(self.ask("SUBSCRIBE", headers=headers).statusCode, 489)
        self.stands()

    def test_taken(self):
        """The delegate takes it, with the dialog; its end as well, where that is not told apart."""
        callee = Subscribed()
        self.stand(callee)
        for headers in (EVENT, END):
            self.assertEqual(self.ask("SUBSCRIBE", headers=headers).statusCode, 603)
        self.assertEqual(callee.asked, [("subscribe", self.dialog)] * 2)
        self.stands()

    def test_unsubscribe(self):
        """Expires: 0 goes to unsubscribeReceived, and is answered with 200 when that says nothing."""
        callee = Unsubscribed()
        self.stand(callee)
        self.assertEqual(self.ask("SUBSCRIBE", headers=EVENT).statusCode, 603)
        self.assertEqual(self.ask("SUBSCRIBE", headers=END).statusCode, 200)
        self.assertEqual(callee.asked, [("subscribe", self.dialog), ("unsubscribe", self.dialog)])
        self.stands()

    def test_unsubscribeAnswered(self):
        """It may answer otherwise; the dialog's own delegate goes first."""

        class Own(Notes):
            def unsubscribeReceived(self, context):
                context.reject(403)

        self.stand(Unsubscribed(), Own())
        self.assertEqual(self.ask("SUBSCRIBE", headers=END).statusCode, 403)
        self.assertEqual(self.callee.asked, [])
        self.stands()

    def test_outside(self):
        """Outside a dialog: 489 by default, which says what there is, and never unsubscribeReceived."""
        refused = self.final("SUBSCRIBE", self.agent(Callee()), headers=EVENT)
        self.assertEqual((refused.statusCode, refused.headers.get("allow-events")), (489, "refer"))
        refused = self.final("SUBSCRIBE", self.agent(Callee(), events=("presence",)), headers={"Event": "x"})
        self.assertEqual((refused.statusCode, refused.headers.get("allow-events")), (489, "presence, refer"))
        refused = self.final("SUBSCRIBE", self.agent(Callee(), referPolicy="refuse"), headers=EVENT)
        self.assertEqual(refused.statusCode, 405)
        callee = Unsubscribed()
        agent = self.agent(callee)
        for headers in (EVENT, END):
            self.assertEqual(self.final("SUBSCRIBE", agent, headers=headers).statusCode, 603)
        self.assertEqual(callee.asked, [("subscribe", None)] * 2)


class OtherTests(InDialogCase):
    def test_publish(self):
        """PUBLISH: 405 unless the delegate takes it, in a dialog and outside; Allow says which (RFC 3261 20.5)."""
        self.stand()
        for answer in (self.ask("PUBLISH"), self.final("PUBLISH", self.userAgent)):
            self.assertEqual(answer.statusCode, 405)
            self.assertNotIn("PUBLISH", answer.headers.elements("allow"))
        self.stands()

        class Publishing(Callee):
            def publishReceived(self, context):
                context.accept(extraHeaders=[("SIP-ETag", "x")])

        self.stand(Publishing())
        self.assertIn("PUBLISH", self.ok.headers.elements("allow"))
        for answer in (self.ask("PUBLISH"), self.final("PUBLISH", self.userAgent)):
            self.assertEqual((answer.statusCode, answer.headers.get("sip-etag")), (200, "x"))
        self.stands()

    def test_refer(self):
        """A REFER of one who called us is not followed by itself, nor is one outside of dialogs."""
        self.stand()
        to = {"Refer-To": "<sip:x@y>"}
        self.assertEqual(self.ask("REFER", headers=to).statusCode, 603)
        self.assertEqual(self.final("REFER", self.userAgent, headers=to).statusCode, 403)
        self.stands()

    def test_prack(self):
        """RFC 3262 section 3: a PRACK that means no provisional of ours: 481, in a dialog and outside."""
        self.stand()
        for rack in ("1 1 INVITE", f"1 {self.ok.cseqNumber} INVITE"):
            self.assertEqual(self.ask("PRACK", headers={"RAck": rack}).statusCode, 481)
            self.assertEqual(self.final("PRACK", self.userAgent, headers={"RAck": rack}).statusCode, 481)
        self.stands()

    def test_updateOutside(self):
        """RFC 3311 section 5.1: an UPDATE belongs to a dialog; without one it means nothing: 481."""
        self.assertEqual(self.final("UPDATE", self.agent(Callee()), body=OFFER).statusCode, 481)

    def test_b10_contactOfUpdate(self):
        """A Contact that names no place to send to is a bad request, also in an UPDATE (B10)."""
        self.stand()
        before = self.dialog.remote.uri
        for contact in ("%", "*", "<tel:+49>", "<sip:a@b>, <sip:c@d>", "<sip:%zz@b>"):
            for body in (b"", OFFER):
                answer = self.ask("UPDATE", headers={"Contact": contact}, body=body)
                self.assertEqual(answer.statusCode, 400, contact)
        self.assertEqual(self.dialog.remote.uri, before)
        self.stands()

    def test_message(self):
        """MESSAGE in a dialog: 200 by default; the own delegate's answer, else the user agent's."""
        self.stand(own=DialogDelegate())
        self.assertEqual(self.ask("MESSAGE", body=b"x", headers={"Content-Type": "text/plain"}).statusCode, 200)
        self.stands()

    def test_order(self):
        """RFC 3261 section 12.2.2: a number that is not higher than the last: 500, and nobody is asked."""
        callee = Subscribed()
        self.stand(callee)
        self.assertEqual(self.ask("SUBSCRIBE", headers={**EVENT, "CSeq": "100 SUBSCRIBE"}).statusCode, 603)
        for number in (100, 99, 1):
            late = self.peer.request("SUBSCRIBE", within=self.ok, headers={**EVENT, "CSeq": f"{number} SUBSCRIBE"})
            self.network.advance(0.01)
            self.assertEqual(self.peer.received[-1].statusCode, 500, late)
        self.assertEqual(len(callee.asked), 1)
        self.assertEqual(self.ask("BYE", headers={"CSeq": "101 BYE"}).statusCode, 200)

    def test_sent(self):
        """The shortcuts of the dialog send what they are called."""
        self.stand()
        for method in ("info", "notify", "message", "options", "update"):
            asking = getattr(self.dialog, method)(extraHeaders=[("X-Mine", method)])
            request = self.peer.expect(method.upper())
            self.assertEqual(request.headers.get("x-mine"), method)
            self.peer.respond(request, 299 if method != "update" else 200)
            self.network.advance(0.01)
            self.assertEqual(self.successResultOf(asking).statusCode, 299 if method != "update" else 200)
        self.stands()
