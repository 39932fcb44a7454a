"""
What the referrer hears of a call that follows its REFER (RFC 3515 section 2.4.4 and following, RFC 6665 section 4.2).
"""

import contextlib
from random import Random

from tests.ua.transferee import TRYING, NotifyCase
from twisted_sipdialog.dialog.referral import ReferState
from twisted_sipdialog.message.sipfrag import StatusFragment


class FormTests(NotifyCase):
    def test_first(self):
        """Section 2.4.4: one at once, after the 2xx, which may be all of it; sections 2.4.5, 2.4.6: its form."""
        self.follows()
        self.assertLess(
            self.network.seenBy(self.peer).index("< 202 REFER"), self.network.seenBy(self.peer).index("< NOTIFY")
        )
        notify = self.notified()
        self.assertEqual(self.times("NOTIFY")[0], self.times("202 REFER")[0])
        get = notify.headers.get
        self.assertEqual((get("event"), notify.body), ("refer", b"SIP/2.0 100 Trying\r\n"))
        self.assertEqual(get("content-type"), "message/sipfrag;version=2.0")
        self.assertEqual(get("subscription-state"), "active;expires=300")
        # RFC 6665 section 4.1.3: NOTIFY needs a Contact; section 4.4.1: it is of the dialog.
        self.assertIsNotNone(get("contact"))
        request = self.request
        self.assertEqual(
            (notify.callId, notify.fromTag, notify.toTag), (request.callId, request.toTag, request.fromTag)
        )
        self.assertEqual(notify.uriText, str(request.contacts[0].uri))
        self.answers(486)
        last = self.notified()
        self.assertEqual(last.headers.get("subscription-state"), "terminated;reason=noresource")
        self.assertEqual(last.headers.get("content-type"), "message/sipfrag;version=2.0")
        self.assertEqual(last.cseqNumber, notify.cseqNumber + 1)
        self.over()

    def test_expires(self):
        """RFC 6665 section 4.1.3: what is left of the time is told each time."""
        self.follows({"referExpires": 90})
        self.assertEqual(self.notified().headers.get("subscription-state"), "active;expires=90")
        self.network.advance(30)
        self.rings(180)
        self.assertEqual(self.notified().headers.get("subscription-state"), "active;expires=60")
        self.answers(486)
        self.notified()
        self.over()

    def test_sequence(self):
        """RFC 3261 section 12.2.1.1: one CSeq for all that we send in the dialog, a NOTIFY or not."""
        self.follows()
        numbers = [self.notified().cseqNumber]
        for code in (180, 183):
            asking = self.dialog.info()
            info = self.peer.expect("INFO")
            self.peer.respond(info, 200)
            self.rings(code)
            numbers += [info.cseqNumber, self.notified().cseqNumber]
            self.successResultOf(asking)
        self.answers(486)
        numbers.append(self.notified().cseqNumber)
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 6)))
        self.over()

    def test_identifiers(self):
        """Section 2.4.6: those of the first REFER need no id, those of any other have its CSeq; they do not mix."""
        self.stand(self.follow())
        invites, numbers = [], []
        for _ in range(3):
            self.assertEqual(self.status(), 202)
            invites.append(self.called())
            numbers.append(self.request.cseqNumber)
            self.notified()
        events = [notify.headers.get("event") for notify in self.notifies()]
        self.assertEqual(events, ["refer", f"refer;id={numbers[1]}", f"refer;id={numbers[2]}"])
        for place, code in ((1, 486), (0, 404), (2, 603)):
            self.invite = invites[place]
            self.answers(code)
            notify = self.notified()
            self.assertEqual(notify.headers.get("event"), events[place])
            self.assertEqual(notify.body.split()[1], b"%d" % code)
        self.over()

    def test_identifierAfterRefusal(self):
        """The second is the second, though the first was refused."""
        self.stand(lambda context: context.reject(603) and None)
        self.assertEqual(self.status(), 603)
        self.notes.asked = self.follow()
        self.assertEqual(self.status(), 202)
        self.called()
        self.assertEqual(self.notified().headers.get("event"), f"refer;id={self.request.cseqNumber}")
        self.answers(486)
        self.notified()
        self.over()


class StatusTests(NotifyCase):
    def test_provisionals(self):
        """Each new status of the new call is told, a repeated one not again."""
        self.follows()
        self.assertEqual(self.told(), TRYING)
        for code, phrase in ((100, None), (180, None), (180, None), (183, "Almost There"), (183, "Almost There")):
            self.rings(code, phrase)
        self.assertEqual(self.told(), ("SIP/2.0 180 Ringing", "active"))
        self.assertEqual(self.told(), ("SIP/2.0 183 Almost There", "active"))
        self.assertSilent()
        self.assertEqual(self.notes.refer.status, StatusFragment(183, "Almost There"))
        self.assertEqual(self.notes.refer.referState, ReferState.ANSWERED)
        self.answers(200, reasonPhrase="Fine")
        self.assertEqual(self.told(), ("SIP/2.0 200 Fine", "terminated"))
        self.assertEqual(self.notes.refer.referState, ReferState.TERMINATED)
        sent = [("request accepted", 202), ("invite sent", "INVITE")]
        self.assertEqual(
            self.notes.heard,
            [*sent, ("progress", 180), ("progress", 183), ("accepted", 200)],
        )
        # The old call is the referrer's to end.
        self.assertEqual(self.sent("BYE"), 0)
        self.assertEqual(len(self.userAgent.dialogs), 2)
        self.targetHangsUp()
        self.over()

    def test_failures(self):
        """The status and phrase of its final response, as they are."""
        for code, phrase in ((486, None), (404, None), (429, "Provide Referrer Identity"), (603, None), (302, "Moved")):
            self.follows()
            self.assertEqual(self.told(), TRYING)
            self.answers(code, reasonPhrase=phrase)
            line, state = self.told()
            self.assertEqual((line.split()[1], state), (str(code), "terminated"))
            if phrase:
                self.assertEqual(line, f"SIP/2.0 {code} {phrase}")
            self.assertIsNone(self.successResultOf(self.accepting[0]))
            self.assertEqual(self.notes.heard[-1], ("rejected", code))
            self.over()

    def test_noAnswer(self):
        """RFC 3261 section 8.1.3.1: silence counts as a 408."""
        self.follows()
        self.assertEqual(self.told(), TRYING)
        self.network.advance(33)
        self.assertEqual(self.told(), ("SIP/2.0 408 Request Timeout", "terminated"))
        self.over()

    def test_ringsForEver(self):
        """So does a call of which nobody answers, once we have given it up."""
        self.follows({"ringTimeout": 20.0})
        self.assertEqual(self.told(), TRYING)
        self.rings(180)
        self.assertEqual(self.told()[0], "SIP/2.0 180 Ringing")
        self.network.advance(20)
        self.target.respond(self.target.expect("CANCEL"), 200)
        self.answers(487)
        line, state = self.told()
        self.assertEqual(state, "terminated")
        self.assertIn(line, ("SIP/2.0 408 Request Timeout", "SIP/2.0 487 Request Terminated"))
        self.over()

    def test_unreachable(self):
        """So does a transport that fails, as a 503."""
        self.stand(self.follow())
        self.assertEqual(self.status("<sip:carol@nowhere.invalid>"), 202)
        self.assertEqual(self.told(), TRYING)
        line, state = self.told()
        self.assertEqual(state, "terminated")
        self.assertIn(line.split()[1], ("503", "404", "480"))
        self.assertIsNone(self.successResultOf(self.accepting[0]))
        self.over()

    def test_refusedConnection(self):
        self.stand(self.follow())
        self.assertEqual(self.status(f"<sip:carol@{self.target.address[0]}:7777;transport=tcp>"), 202)
        self.assertEqual(self.told(), TRYING)
        self.assertEqual(self.told(), ("SIP/2.0 503 Service Unavailable", "terminated"))
        self.over()


class OrderTests(NotifyCase):
    """One NOTIFY at a time: none overtakes another."""

    def test_firstLost(self):
        """The first is lost and repeated; the final one waits, and what lay between is not worth telling."""
        self.network.drop(lambda m: getattr(m, "method", "") == "NOTIFY", times=2)
        self.follows()
        self.rings(180)
        self.rings(183)
        self.answers()
        self.assertEqual(self.sent("NOTIFY"), 0)
        self.assertEqual(self.told(), TRYING)
        self.assertEqual(self.told(), ("SIP/2.0 200 OK", "terminated"))
        self.assertEqual(len(self.notifies()), 2)
        self.targetHangsUp()
        self.over()

    def test_answerLost(self):
        """So it does as long as the answer is lost."""
        self.follows()
        self.network.drop(lambda m: getattr(m, "statusCode", 0) == 200 and m.cseqMethod == "NOTIFY", times=3)
        self.answers(486)
        for _ in range(4):
            self.assertEqual(len(self.notifies()), 1)
            self.peer.respond(self.peer.expect("NOTIFY"), 200)
        self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
        self.over()

    def test_lossyNetwork(self):
        """Whatever is lost, the last thing that the referrer hears is the final status, and that in order."""
        chance = Random(7)
        self.network.drop(lambda m: m.cseqMethod == "NOTIFY" and chance.random() < 0.3, times=60)
        for _ in range(8):
            self.follows()
            self.rings(180)
            self.answers(486)
            for _ in range(30):
                with contextlib.suppress(AssertionError):
                    self.peer.respond(self.peer.expect("NOTIFY", 1), 200)
            statuses = [int(notify.body.split()[1]) for notify in self.notifies()]
            self.assertEqual((statuses, statuses[-1]), (sorted(statuses), 486))
            numbers = [notify.cseqNumber for notify in self.notifies()]
            self.assertEqual(numbers, sorted(numbers))
            self.hangsUp()
            self.assertNothingLeft()
            self.peer.received.clear()
