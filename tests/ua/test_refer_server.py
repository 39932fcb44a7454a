"""
A REFER in a dialog, and what we answer (RFC 3515 section 2.4.2, RFC 3261 section 8.2).
"""

from tests.ua.callee import ANSWER, OFFER
from tests.ua.transferee import CAROL, Transferee, TransfereeCase, later
from twisted_sipdialog.errors import InvalidState, ReferFailed


class MalformedTests(TransfereeCase):
    """What cannot be read is refused by itself, and nobody is asked."""

    def refused(self, target, code=400, **headers):
        with self.subTest(target=target):
            self.assertEqual(self.status(target, headers=headers), code, self.network.ladder())
            self.assertEqual(self.notes.referContexts, [])

    def over(self):
        self.assertSilent()
        self.hangsUp()
        self.assertNothingLeft()

    def test_referTo(self):
        """RFC 3515 section 2.4.2: other than exactly one Refer-To is a 400; so is one nobody can read."""
        self.stand(later)
        for target in (None, "", "<sip:a@peer2.example>, <sip:b@peer2.example>", "carol", "<sip:>", "<>", '"Carol" <'):
            self.refused(target)
        self.over()

    def test_twoLines(self):
        """Two header lines, one of them by its compact name (section 2.1), are two."""
        self.stand(later)
        request = self.asks("<sip:a@peer2.example>", headers={"X-Mark": "yes"})
        self.assertFalse(self.notes.refer.answered)
        self.notes.refer.reject(486)
        self.network.advance(0.01)
        text = request.toBytes().replace(b"X-Mark: yes", b"r: <sip:b@peer2.example>")
        text = text.replace(f"{request.cseqNumber} REFER".encode(), b"900 REFER")
        text = text.replace(request.via.branch.encode(), b"z9hG4bK-two")
        self.peer.send(text, self.userAgent)
        self.assertEqual(self.peer.expect("400 REFER", 1).cseqNumber, 900)
        self.assertEqual(len(self.notes.referContexts), 1)
        # The hand-made request has used the number up.
        bye = self.peer.request("BYE", within=self.within, headers={"CSeq": "901 BYE"})
        self.network.advance(0.01)
        self.assertEqual(self.peer.expect("200 BYE").cseqNumber, 901, bye)
        self.assertNothingLeft()

    def test_replaces(self):
        """RFC 3891 section 3: Replaces has both tags, stands once, and not beside Join (RFC 3911 section 4)."""
        self.stand(later)
        good = "a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2"
        for headers in (
            "Replaces=a%40b",
            "Replaces=a%40b%3Bto-tag%3D1",
            "Replaces=a%40b%3Bfrom-tag%3D1",
            "Replaces=a%40b%3Bto-tag%3D1%3Bto-tag%3D2%3Bfrom-tag%3D3",
            "Replaces=",
            f"Replaces={good}&Replaces={good}",
            f"Replaces={good}&Join={good}",
            f"Replaces={good}%0D%0AX-Evil%3A%201",
        ):
            self.refused(f"<{CAROL}?{headers}>")
        self.over()

    def test_extension(self):
        """RFC 3261 section 8.2.2.3; RFC 5368 is not known here: 420 and Unsupported."""
        self.stand(later)
        response = self.refer(headers={"Require": "multiple-refer"})
        self.assertEqual((response.statusCode, response.headers.get("unsupported")), (420, "multiple-refer"))
        self.assertEqual(self.notes.referContexts, [])
        self.over()

    def test_bothSubscriptions(self):
        """RFC 7614 section 4: nosub and explicitsub exclude each other."""
        self.stand(later)
        self.refused(f"<{CAROL}>", Require="nosub, explicitsub")
        self.over()


class UnfitTests(TransfereeCase):
    """Readable, but nobody that an INVITE of ours could be sent to."""

    def refused(self, target, code, **settings):
        self.stand(self.follow(), **settings)
        self.assertEqual(self.status(target), code, self.network.ladder())
        self.failureResultOf(self.accepting[0], ReferFailed)
        self.assertEqual(self.notes.heard, [("request rejected", code)])
        with self.assertRaises(InvalidState):
            self.notes.refer.sendNotify(200)
        self.assertSilent()
        self.hangsUp()
        self.assertNothingLeft()

    def test_scheme(self):
        """Neither sip nor sips: 416 before any 202 (RFC 3261 section 8.2.2.1)."""
        self.refused("<http://www.example.com/>", 416)

    def test_schemeWithProxy(self):
        """A proxy routes no web page."""
        self.refused("<http://www.example.com/>", 416, outboundProxy="sip:peer2.example")

    def test_number(self):
        """A telephone number, and no proxy knows where it leads (RFC 3966)."""
        self.refused("<tel:+12015550123>", 416)

    def test_method(self):
        """RFC 3515 section 2.1 lets the URI name another method than INVITE; we call only."""
        for method in ("BYE", "SUBSCRIBE", "REFER", "MESSAGE"):
            with self.subTest(method=method):
                self.refused(f"<{CAROL};method={method}>", 501)

    def test_numberWithProxy(self):
        """With one it is called through that."""
        self.stand(self.follow(), outboundProxy="sip:peer2.example")
        self.assertEqual(self.status("<tel:+12015550123>"), 202)
        self.assertEqual(self.called().uriText, "tel:+12015550123")
        self.assertEqual(self.told(), ("SIP/2.0 100 Trying", "active"))
        self.answers(404)
        self.assertEqual(self.told(), ("SIP/2.0 404 Not Found", "terminated"))
        self.hangsUp()
        self.assertNothingLeft()

    def test_otherwise(self):
        """What the application does itself may be anything: a web page is shown."""
        self.stand(lambda context: context.accept() and None)
        self.assertEqual(self.status("<http://www.example.com/>"), 202)
        self.assertEqual(str(self.notes.refer.referTo.uri), "http://www.example.com/")
        self.assertEqual(self.told(), ("SIP/2.0 100 Trying", "active"))
        self.notes.refer.sendNotify(200)
        self.assertEqual(self.told(), ("SIP/2.0 200 OK", "terminated"))
        self.hangsUp()
        self.assertNothingLeft()


class EarlyTests(TransfereeCase):
    def test_early(self):
        """No transfer of a call that is not answered yet: 491, and the call goes on ringing."""
        self.notes = Transferee(later, lambda context: context.progress(180) and context.answerLater())
        self.userAgent = self.agent(self.notes)
        invite = self.peer.request("INVITE", self.userAgent, body=OFFER)
        ringing = self.peer.expect("180 INVITE", 1)
        self.assertEqual(self.status(within=ringing), 491)
        self.assertEqual(self.notes.referContexts, [])
        self.notes.context.accept(body=ANSWER)
        self.within = self.finalTo(invite)
        self.peer.ack(self.within)
        self.network.advance(0.01)
        self.dialog = self.notes.dialog
        self.asks()
        self.assertEqual(len(self.notes.referContexts), 1)
        self.notes.refer.reject(603)
        self.hangsUp()
        self.assertNothingLeft()


class ToldTests(TransfereeCase):
    def test_toWhom(self):
        """The delegate of the REFER, then that of its dialog, then that of the user agent; in this order."""
        heard = []

        class Hearing:
            def __init__(self, name):
                self.name = name

            def __getattr__(self, event):
                if not event.startswith("refer") or event == "referReceived":
                    raise AttributeError(event)
                return lambda context, what: heard.append((event, self.name))

        self.stand(lambda context: context.accept(followRefer=True, delegate=Hearing("own")) and None)
        self.dialog.delegate = Hearing("dialog")
        for name in ("RequestAccepted", "InviteSent", "Progress", "Accepted"):
            setattr(self.notes, f"refer{name}", getattr(Hearing("agent"), f"refer{name}"))
        self.assertEqual(self.status(), 202)
        self.called()
        self.target.respond(self.invite, 180)
        self.assertEqual(self.told()[0], "SIP/2.0 100 Trying")
        self.answers()
        self.assertEqual(self.told()[0], "SIP/2.0 180 Ringing")
        self.assertEqual(self.told()[0], "SIP/2.0 200 OK")
        events = [event for event, name in heard if name == "own"]
        self.assertEqual(events, ["referRequestAccepted", "referInviteSent", "referProgress", "referAccepted"])
        for place in range(0, len(heard), 3):
            self.assertEqual([name for _, name in heard[place : place + 3]], ["own", "dialog", "agent"])
        self.targetHangsUp()
        self.hangsUp()
        self.assertNothingLeft()
