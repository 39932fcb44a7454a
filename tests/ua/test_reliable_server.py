"""
Reliable provisional responses as their sender (RFC 3262 section 3).
"""

from tests.ua.callee import ANSWER
from tests.ua.ringing import REQUIRED, RingingTestCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import InvalidState, InvalidValue, NoPrack
from twisted_sipdialog.media.fixed import FixedMedia

#: When it is sent, in seconds: T1, then each wait twice the one before, and never cut off at T2.
SENT = [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]


class WrittenTests(RingingTestCase):
    """What goes out."""

    def test_headers(self):
        """
        Sections 3, 7.1, RFC 3311 section 5.1, RFC 3261 section 12.1.1: Require, RSeq, Allow, Contact, a To tag.
        """
        _callee, _invite, ringing, done = self.rung(code=180)
        headers = ringing.headers
        self.assertEqual(headers.get("require"), "100rel")
        self.assertTrue(1 <= int(headers.get("rseq")) < 2**31)
        self.assertIn("UPDATE", headers.get("allow"))
        self.assertIn("PRACK", headers.get("allow"))
        self.assertEqual(len(headers.getAll("contact")), 1)
        self.assertTrue(ringing.toTag)
        self.assertEqual(ringing.body, b"")
        self.prack(ringing)
        self.assertEqual(self.successResultOf(done).method, "PRACK")

    def test_extraHeaders(self):
        """
        What the application adds is there, beside what makes it reliable.
        """
        _callee, _invite, ringing, _done = self.rung(extraHeaders=[("Alert-Info", "<http://a.example/x>")])
        self.assertEqual(ringing.headers.get("alert-info"), "<http://a.example/x>")
        self.assertEqual(ringing.headers.getAll("require"), ["100rel"])
        self.prack(ringing)

    def test_numbers(self):
        """
        Section 3: the first number is random between 1 and 2**31 - 1, each further one greater by one.
        """
        firsts = set()
        for _ in range(5):
            callee, _invite, ringing, _done = self.rung()
            numbers = [int(ringing.headers.get("rseq"))]
            self.prack(ringing)
            for code in (180, 181, 183):
                callee.context.progress(code, reliable=True)
                self.prack(self.got(f"{code} INVITE"))
                numbers.append(int(self.got(f"{code} INVITE").headers.get("rseq")))
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 4)))
            self.assertLess(numbers[0], 2**31)
            firsts.add(numbers[0])
            callee.context.reject(486)
        self.assertEqual(len(firsts), 5)

    def test_wrong(self):
        """
        A header that is ours, or a phrase of two lines, raises before the session is described: it may be said again.
        """
        for wrong in ({"extraHeaders": [("Via", "x")]}, {"reasonPhrase": "Session\r\nProgress"}):
            for reliable in (True, False):
                callee, invite = self.ringing()
                self.assertRaises(InvalidValue, callee.context.progress, 183, body=ANSWER, reliable=reliable, **wrong)
                self.assertRaises(
                    InvalidValue, callee.context.progress, 183, media=FixedMedia(ANSWER), reliable=reliable, **wrong
                )
                callee.context.accept(body=ANSWER)
                ok = self.finalTo(invite)
                self.assertEqual(ok.body, ANSWER)
                self.peer.ack(ok)
                self.network.advance(0.01)

    def test_not100(self):
        """
        Section 3: 100 is never sent reliably.
        """
        callee, _invite = self.ringing()
        self.successResultOf(callee.context.progress(100, reliable=True))
        trying = self.got("100 INVITE")
        self.assertNotIn("rseq", trying.headers)
        self.assertNotIn("require", trying.headers)
        self.assertEqual(callee.events, [])

    def test_required(self):
        """
        Section 3: whoever requires them gets none that is not reliable.
        """
        callee, _invite = self.ringing(REQUIRED)
        self.assertRaises(InvalidState, callee.context.progress, reliable=False)
        self.assertRaises(InvalidState, callee.context.progress, 183, body=ANSWER, reliable=False)
        done = callee.context.progress()
        self.assertNoResult(done)
        ringing = self.got("180 INVITE")
        self.assertEqual(self.sent("180 INVITE"), 1)
        self.prack(ringing)
        self.successResultOf(done)

    def test_notSupported(self):
        """
        Section 3: whoever knows none of it gets none, and the mistake can be mended.
        """
        callee, _invite = self.ringing({"Supported": "timer"})
        self.assertRaises(InvalidState, callee.context.progress, reliable=True)
        self.network.advance(0.01)
        self.assertEqual((self.peer.received, callee.events), ([], []))
        self.successResultOf(callee.context.progress())
        self.assertNotIn("rseq", self.got("180 INVITE").headers)

    def test_supportedOnly(self):
        """
        Section 3: with Supported it is our choice, and by default we do without.
        """
        callee, _invite = self.ringing()
        self.successResultOf(callee.context.progress())
        self.assertNotIn("rseq", self.got("180 INVITE").headers)

    def test_off(self):
        """
        RFC 3261 section 8.2.2.3: C{rel100="off"} refuses who requires it, and says so nowhere else.
        """
        callee, invite = self.ringing(REQUIRED, rel100="off")
        refusal = self.finalTo(invite)
        self.assertEqual((refusal.statusCode, refusal.headers.get("unsupported")), (420, "100rel"))
        self.assertEqual(callee.contexts, [])
        options = self.final("OPTIONS", self.desk)
        self.assertNotIn("PRACK", options.headers.get("allow"))
        self.assertNotIn("100rel", options.headers.get("supported") or "")

    def test_offSupported(self):
        """
        With C{"off"} who merely knows them gets none.
        """
        callee, _invite = self.ringing(rel100="off")
        self.assertRaises(InvalidState, callee.context.progress, reliable=True)
        callee.context.progress()
        self.assertNotIn("rseq", self.got("180 INVITE").headers)

    def test_always(self):
        """
        Section 3: C{rel100="required"} refuses who knows none with 421, and sends all others reliably.
        """
        _callee, invite = self.ringing({}, rel100="required")
        refusal = self.finalTo(invite)
        self.assertEqual((refusal.statusCode, refusal.headers.get("require")), (421, "100rel"))
        callee, _invite = self.ringing(rel100="required")
        callee.context.progress()
        self.prack(self.got("180 INVITE"))

    def test_alwaysChanging(self):
        """
        The same for a re-INVITE of one who knew it before: nothing is sent reliably to who does not say so now.
        """
        callee, _invite = self.ringing(rel100="required")
        callee.context.accept(body=ANSWER, delegate=callee)
        self.stands(callee)
        invite = self.peer.request("INVITE", within=self.got("200 INVITE"), body=ANSWER)
        self.network.advance(0.01)
        callee.context.progress()
        self.assertNotIn("rseq", self.got("180 INVITE").headers)
        callee.context.reject(488)
        self.refused(invite, 488)


class RepeatedTests(RingingTestCase):
    """Until its PRACK."""

    def test_times(self):
        """
        Section 3: from T1 on each wait is twice the last; after 64*T1 the INVITE is refused.
        """
        self.expires("UDP")

    def test_timesOfStreams(self):
        """
        The same over TCP: the PRACK comes from the caller, across hops that may lose it.
        """
        self.expires("TCP")

    def expires(self, protocol):
        callee, invite = self.ringing(protocol=protocol)
        begin = self.network.clock.seconds()
        done = callee.context.progress(183, reliable=True)
        self.network.advance(31.99)
        self.assertFalse(callee.context.answered)
        self.network.advance(8)
        self.assertEqual([round(t - begin, 3) for t in self.times("183 INVITE")], SENT)
        self.assertEqual(round(self.times("504 INVITE")[0] - begin, 3), 32.0)
        self.refused(invite, 504)
        self.failureResultOf(done, NoPrack)
        self.assertEqual(callee.events, ["early", "terminated"])
        self.assertIs(callee.ended.reason, Reason.NO_PRACK)
        self.assertFalse(callee.ended.byPeer)
        self.assertRaises(InvalidState, callee.context.accept, body=ANSWER)

    def test_same(self):
        """
        Section 3: each repetition is the same response, to the byte.
        """
        self.rung(body=b"")
        self.network.advance(10)
        seen = {m.toBytes() for m in self.peer.received}
        self.assertEqual((len(seen), self.sent("183 INVITE")), (1, 5))

    def test_ends(self):
        """
        Section 3: its PRACK ends that, is answered with 200, and is told.
        """
        callee, _invite, ringing, done = self.rung()
        self.network.advance(2)
        self.assertEqual(self.sent("183 INVITE"), 3)
        self.assertNoResult(done)
        self.prack(ringing)
        self.network.advance(40)
        self.assertEqual(self.sent("183 INVITE"), 3)
        self.assertEqual(callee.events, ["early", "prack"])
        self.assertIs(self.successResultOf(done), callee.told[1][2])
        self.assertIs(callee.dialog.state, Phase.EARLY)
        callee.context.reject(486)

    def test_noDelegateWaits(self):
        """
        Nobody need listen: a PRACK that does not come is nothing to log.
        """
        _callee, invite = self.ringing(answer=self.ringsReliably)
        self.network.advance(33)
        self.refused(invite, 504)

    def test_waitingDelegate(self):
        """
        A coroutine that waits for the PRACK gets NoPrack, and its call is over; that is nothing to log.
        """
        seen = []

        async def answer(context):
            try:
                await context.progress(183, reliable=True)
            except NoPrack as error:
                seen.append(error)

        callee, invite = self.ringing(answer=answer)
        self.network.advance(33)
        self.refused(invite, 504)
        self.assertEqual((len(seen), callee.events), (1, ["early", "terminated"]))

    def test_inviteRepeated(self):
        """
        RFC 3261 section 17.2.1: a copy of the INVITE gets the last provisional again; that begins nothing anew.
        """
        callee, invite, ringing, _done = self.rung()
        before = self.sent("183 INVITE")
        self.peer.send(invite.toBytes(), self.desk)
        self.network.advance(0.01)
        self.assertEqual(self.sent("183 INVITE"), before + 1)
        self.prack(ringing)
        self.network.advance(40)
        self.assertEqual((self.sent("183 INVITE"), len(callee.contexts)), (before + 1, 1))
        callee.context.reject(486)

    def test_reminder(self):
        """
        RFC 3261 section 13.3.1.1, RFC 3262 section 3: what is said again each minute is the next reliable one.
        """
        callee, _invite, ringing, _done = self.rung(settings={"noAnswerTimeout": None})
        self.prack(ringing)
        for n in (1, 2, 3):
            self.network.advance(59)
            again = self.got("183 INVITE")
            self.network.advance(1.5)
            again = self.got("183 INVITE")
            self.assertEqual(int(again.headers.get("rseq")), int(ringing.headers.get("rseq")) + n)
            self.prack(again)
        self.assertEqual(callee.events.count("early"), 1)
        callee.context.reject(486)

    def test_reminderWithoutPrack(self):
        """
        One that gets no PRACK ends the call as the first would.
        """
        callee, invite, ringing, _done = self.rung(settings={"noAnswerTimeout": None})
        self.prack(ringing)
        self.network.advance(100)
        self.refused(invite, 504)
        self.assertIs(callee.ended.reason, Reason.NO_PRACK)
