"""
What names a call whose place cannot be taken, or does not say so as it should (RFC 3891 sections 3 and 6).
"""

from tests.ua.callee import ANSWER, OFFER, Callee, later
from tests.ua.replacing import ReplacingCase
from twisted_sipdialog.message.event_fields import Replaces


class FormTests(ReplacingCase):
    """Sections 3 and 6.1: what is no Replaces at all; each is answered with 400, and the application is not asked."""

    def test_malformed(self):
        """It has a Call-ID and both tags, each once, and names one dialog."""
        self.stand()
        call, (own, peers) = self.old.sip.callId, self.tags(self.old)
        for text in (
            "",
            call,
            f"{call};to-tag={own}",
            f"{call};from-tag={peers}",
            f";to-tag={own};from-tag={peers}",
            f"{call};to-tag={own};to-tag={own};from-tag={peers}",
            f"{call};to-tag=;from-tag={peers}",
            f"{call};to-tag={own};from-tag={peers}, {call};to-tag={own};from-tag={peers}",
        ):
            self.assertRefused(400, self.carolCalls(text))
        self.stands()

    def test_several(self):
        """Section 3: more than one."""
        self.stand()
        line = f"Replaces: {self.named()}\r\n".encode()
        invite = self.carol.request("INVITE", ("192.0.2.250", 9), headers={"Replaces": self.named()}, body=OFFER)
        self.carol.send(invite.toBytes().replace(line, 2 * line), self.userAgent)
        self.network.advance(0.01)
        (answer,) = self.carol.received
        self.assertEqual((answer.statusCode, len(self.callee.contexts)), (400, 1))
        self.stands()

    def test_contradiction(self):
        """Section 3: another header that wants something else of the same call: Join."""
        self.stand()
        self.assertRefused(400, self.carolCalls(self.named(), Join=self.named()))
        self.stands()

    def test_otherMethods(self):
        """Section 3: in no other request than INVITE, in a dialog or outside."""
        self.stand()
        for method in ("OPTIONS", "MESSAGE", "REFER", "SUBSCRIBE"):
            headers = {"Replaces": self.named(), "Refer-To": "<sip:x@x.example>", "Event": "refer"}
            answer = self.final(method, self.userAgent, headers=headers)
            self.assertIn(answer.statusCode, (400, 405) if method in ("MESSAGE", "SUBSCRIBE") else (400,), method)
        for method in ("OPTIONS", "INFO", "MESSAGE", "UPDATE"):
            answer = self.final(method, None, within=self.ok, headers={"Replaces": self.named()})
            self.assertEqual(answer.statusCode, 400, method)
        self.stands()

    def test_inDialog(self):
        """A re-INVITE has a place already; its session is as before."""
        self.stand()
        before = self.old.remote.sdp
        hold = OFFER.replace(b"sendrecv", b"sendonly").replace(b"o=- 1 1", b"o=- 1 2")
        for header in ("Replaces", "Join"):
            again = self.peer.request("INVITE", within=self.ok, headers={header: self.named()}, body=hold)
            self.assertEqual(self.finalTo(again).statusCode, 400)
        self.assertEqual((self.old.remote.sdp, self.old.onHold), (before, False))
        self.stands()


class MatchTests(ReplacingCase):
    """Section 3: which call it is."""

    def test_noMatch(self):
        """Call-ID and both tags, with their case, or 481; to-tag is ours."""
        self.stand()
        call, (own, peers) = self.old.sip.callId, self.tags(self.old)
        for named in (
            (call, peers, own),
            (call, own, "other"),
            (call, "other", peers),
            ("other", own, peers),
            (call.upper(), own, peers),
            (call, own.swapcase(), peers),
            (call, own, peers.upper()),
            (call, own, "0"),
        ):
            self.assertRefused(481, self.carolCalls(str(Replaces(*named))))
        self.stands()

    def test_gone(self):
        """A call that is over, and forgotten, is none."""
        self.stand()
        self.finalTo(self.peer.request("BYE", within=self.ok))
        self.assertRefused(481, self.carolCalls(self.named()))

    def test_endingByUs(self):
        """Section 3: one that is over already: 603; so is one whose BYE is on its way."""
        self.stand()
        self.old.destroy()
        self.assertRefused(603, self.carolCalls(self.named()))
        self.endsBye()
        self.assertRefused(481, self.carolCalls(self.named()))

    def test_endingAtAck(self):
        """So is one whose BYE has to wait for the ACK."""
        self.stand()
        invite = self.peer.request("INVITE", self.userAgent, body=OFFER)
        self.network.advance(0.01)
        waiting = self.callee.dialog
        waiting.destroy()
        self.assertRefused(603, self.carolCalls(self.named(waiting)))
        self.peer.ack(self.finalTo(invite))
        self.endsBye()
        self.finalTo(self.peer.request("BYE", within=self.ok))

    def test_overButKept(self):
        """603 also where a REFER keeps the dialog for its NOTIFYs, after the session's end (RFC 5057 section 4)."""

        def referReceived(context):
            context.accept()

        self.stand(referPolicy="ask")
        self.callee.referReceived = referReceived
        refer = self.final("REFER", None, within=self.ok, headers={"Refer-To": "<sip:x@x.example>"})
        self.assertEqual(refer.statusCode, 202)
        self.finalTo(self.peer.request("BYE", within=self.ok))
        self.assertIsNotNone(self.old.ended)
        self.assertIsNone(self.userAgent.dialogByReplaces(self.named()))
        self.assertRefused(603, self.carolCalls(self.named()))

    def test_ofARefer(self):
        """Section 3: a dialog that no INVITE made: 481."""

        def outOfDialogReferRequested(context):
            context.accept()

        self.stand(allowOutOfDialogRefers=True)
        self.callee.outOfDialogReferRequested = outOfDialogReferRequested
        refer = self.final("REFER", self.userAgent, headers={"Refer-To": "<sip:x@x.example>"})
        self.assertEqual(refer.statusCode, 202)
        named = str(Replaces(refer.callId, refer.toTag, refer.fromTag))
        self.assertEqual(self.final("NOTIFY", None, within=refer, headers={"Event": "x"}).statusCode, 481)
        self.assertIsNone(self.userAgent.dialogByReplaces(named))
        self.assertRefused(481, self.carolCalls(named))
        self.stands()

    def test_earlyOnly(self):
        """Section 3: a call that stands is not what early-only wants: 486."""
        self.stand()
        self.assertRefused(486, self.carolCalls(self.named(earlyOnly=True)))
        self.stands()

    def test_earlyOnlyAndNoAck(self):
        """A 2xx of ours made it one that stands (RFC 3261 section 12), though its ACK is still on the way."""
        self.stand()
        invite = self.peer.request("INVITE", self.userAgent, body=OFFER)
        self.network.advance(0.01)
        self.assertRefused(486, self.carolCalls(self.named(self.callee.dialog, earlyOnly=True)))
        ok = self.finalTo(invite)
        self.peer.ack(ok)
        for response in (ok, self.ok):
            self.finalTo(self.peer.request("BYE", within=response))

    def test_earlyCallee(self):
        """Section 3: an early dialog that somebody else began: 481, and it goes on ringing."""
        self.stand()
        self.callee.answer = later
        invite = self.peer.request("INVITE", self.userAgent, body=OFFER)
        self.network.advance(0.01)
        context = self.callee.context
        context.progress()
        for earlyOnly in (False, True):
            self.assertRefused(481, self.carolCalls(self.named(context.dialog, earlyOnly)))
        self.assertEqual(context.dialog.state.value, "early")
        context.reject(486)
        self.assertEqual(self.finalTo(invite).statusCode, 486)
        self.stands()


class SettingTests(ReplacingCase):
    """Section 6.2: the option tag."""

    def test_supported(self):
        """It is in Supported, and taken in Require."""
        self.stand()
        self.assertIn("replaces", self.ok.headers.elements("supported"))
        ok = self.carolGets(self.carolCalls(self.named(), Require="replaces"))
        self.endsBye()
        self.assertEqual(ok.statusCode, 200)
        self.carolHangsUp(ok)

    def test_requireAlone(self):
        """Required, and nothing to replace: a call like any other."""
        self.stand()
        ok = self.carolGets(self.carolCalls(Require="replaces"))
        self.assertEqual((ok.statusCode, self.callee.context.replacee), (200, None))
        self.carolHangsUp(ok)
        self.stands()

    def test_off(self):
        """Off: the header means nothing, as one that nobody knows (RFC 3261 section 8.2.2)."""
        self.stand(replaces="off")
        self.assertNotIn("replaces", self.ok.headers.elements("supported"))
        answer = self.assertRefused(420, self.carolCalls(self.named(), Require="replaces"))
        self.assertEqual(answer.headers.elements("unsupported"), ["replaces"])
        for text in (self.named(), "nonsense"):
            ok = self.carolGets(self.carolCalls(text, lambda context: context.accept(body=ANSWER) and None))
            self.assertEqual((ok.statusCode, self.callee.context.replacee), (200, None))
            self.carolHangsUp(ok)
        for method in ("OPTIONS", "INFO"):
            self.assertEqual(self.final(method, None, within=self.ok, headers={"Replaces": "x"}).statusCode, 200)
        self.stands()

    def test_early(self):
        """A new call may ring by a delegate without C{dialogReplaced} as well."""
        self.callee = Callee()
        self.callee.replaced = []
        self.userAgent = self.agent(self.callee)
        self.peer.request("INVITE", self.userAgent, body=OFFER)
        self.ok = self.peer.expect("200 INVITE")
        self.peer.ack(self.ok)
        self.network.advance(0.01)
        self.old = self.callee.dialog

        def answer(context):
            context.progress(reliable=False)
            context.accept(body=ANSWER)

        ok = self.carolGets(self.carolCalls(self.named(), answer))
        self.endsBye()
        self.assertEqual([m.statusCode for m in self.carol.received if hasattr(m, "statusCode")][:2], [180, 200])
        self.carolHangsUp(ok)
