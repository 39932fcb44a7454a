"""
Session timers in a call to us (RFC 4028 sections 8 to 10).
"""

from tests.ua.callee import ANSWER, OFFER, CalleeTestCase, Notes, later
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.session_timer import LOCAL, REMOTE, Interval

#: What a caller says who knows session timers, and UPDATE.
KNOWS = {"Supported": "timer", "Allow": "INVITE, ACK, BYE, UPDATE"}
OLD = {"Supported": "timer", "Allow": "INVITE, ACK, BYE"}


class TimedTestCase(CalleeTestCase):
    """
    Calls of 120 seconds: refreshed after 60, over after 88 (120 less a third, at most 32: section 10).
    """

    def timed(self, expires="120", headers=KNOWS, answer=None, **settings):
        """A call that stands, with what its INVITE asked for."""
        given = dict(headers)
        if expires is not None:
            given["Session-Expires"] = expires
        self.userAgent, self.callee, self.ok = self.call(answer, headers=given, **settings)
        self.dialog = self.callee.dialog
        self.start = self.network.clock.seconds()
        return self.ok

    def passed(self):
        return round(self.network.clock.seconds() - self.start)

    def refresh(self, request, status=200, expires="120;refresher=uac", **headers):
        """Answer a refresh of ours."""
        if expires is not None and status < 300:
            headers["Session-Expires"] = expires
        body = ANSWER if request.method == "INVITE" and status < 300 else b""
        self.peer.respond(request, status, headers=headers, body=body)
        self.network.advance(0.1)

    def expires(self, after=88):
        """The session is over after so many seconds: BYE, told once."""
        bye = self.peer.expect("BYE", 4000)
        self.assertEqual(self.passed(), after)
        self.assertEqual(bye.headers.get("reason"), 'SIP;cause=408;text="Session timer expired"')
        self.peer.respond(bye, 200)
        self.network.advance(200)
        ended = self.callee.ended
        self.assertIs(ended.reason, Reason.SESSION_EXPIRED)
        self.assertFalse(ended.byPeer)
        self.assertEqual(self.callee.events, ["confirmed", "terminated"])
        self.assertEqual(self.userAgent.leftovers(), [])

    def hangsUp(self):
        self.assertEqual(self.finalTo(self.peer.request("BYE", within=self.ok)).statusCode, 200)
        count = len(self.peer.received)
        self.network.advance(500)
        self.assertEqual(len(self.peer.received), count, "nothing is refreshed after the end")
        self.assertEqual(self.userAgent.leftovers(), [])


class AgreementTests(TimedTestCase):
    def test_b39_choice(self):
        """
        Section 9, table 2 on the wire: who knows of session timers, whom the caller names, whom we want.
        """
        unknown = {"Allow": "UPDATE"}
        for headers, asked, wanted, said, who in (
            (unknown, "120", None, "uas", LOCAL),
            (unknown, "120;refresher=uac", "remote", "uas", LOCAL),
            (KNOWS, "120", None, "uac", REMOTE),
            (KNOWS, "120", "remote", "uac", REMOTE),
            (KNOWS, "120", "local", "uas", LOCAL),
            (KNOWS, "120;refresher=uac", "local", "uac", REMOTE),
            (KNOWS, "120;refresher=uas", "remote", "uas", LOCAL),
        ):
            ok = self.timed(asked, headers, sessionRefresher=wanted)
            case = (headers, asked, wanted)
            self.assertEqual(ok.headers.get("session-expires"), f"120;refresher={said}", case)
            required = ok.headers.elements("require") if "require" in ok.headers else []
            # Who is to refresh MUST know of it, who is to watch the time SHOULD (section 9); others could not go on.
            self.assertEqual(required, ["timer"] if headers is KNOWS else [], case)
            self.assertEqual(self.dialog.sessionTimer, Interval(120, who), case)
            self.hangsUp()

    def test_notAsked(self):
        """Section 9: a caller who knows of them may be given one he did not ask for; another gets none."""
        ok = self.timed(None, sessionExpires=600)
        self.assertEqual(ok.headers.get("session-expires"), "600;refresher=uac")
        self.hangsUp()
        ok = self.timed(None, {"Allow": "UPDATE"})
        self.assertNotIn("session-expires", ok.headers)
        self.assertIsNone(self.dialog.sessionTimer)
        self.network.advance(4000)
        self.hangsUp()

    def test_tooSmall(self):
        """Section 9: 422 with Min-SE; nobody is asked, and the caller may try again (8.1)."""
        agent, callee, invite = self.ring(later, headers={**KNOWS, "Session-Expires": "119"}, minSE=120)
        refused = self.finalTo(invite)
        self.assertEqual((refused.statusCode, refused.headers.get("min-se")), (422, "120"))
        self.assertEqual((callee.contexts, agent.dialogs), ([], []))
        ok = self.timed("120", minSE=120)
        self.assertEqual(ok.statusCode, 200)
        self.hangsUp()

    def test_tooSmallInDialog(self):
        """A refresh with too little is refused alike; call and timer are as before."""
        self.timed()
        self.network.advance(50)
        for method in ("INVITE", "UPDATE"):
            headers = {**KNOWS, "Session-Expires": "60;refresher=uac"}
            request = self.peer.request(method, within=self.ok, headers=headers)
            refused = self.finalTo(request)
            self.assertEqual((refused.statusCode, refused.headers.get("min-se")), (422, "90"), method)
        self.assertEqual(self.dialog.sessionTimer, Interval(120, REMOTE))
        self.expires()

    def test_off(self):
        """Off: nothing is said of it, nothing runs, and who requires it is refused with 420 (RFC 3261 8.2.2.3)."""
        ok = self.timed(sessionTimers="off")
        self.assertNotIn("session-expires", ok.headers)
        self.assertNotIn("timer", ok.headers.get("supported"))
        self.assertIsNone(self.dialog.sessionTimer)
        changing = self.dialog.modify("hold")
        again = self.peer.expect("INVITE")
        self.assertNotIn("session-expires", again.headers)
        self.refresh(again, expires=None)
        self.successResultOf(changing)
        self.network.advance(4000)
        self.hangsUp()
        refused = self.final("INVITE", self.userAgent, headers={"Require": "timer"}, body=OFFER)
        self.assertEqual((refused.statusCode, refused.headers.get("unsupported")), (420, "timer"))

    def test_always(self):
        """
        Section 9: with a caller who does not know of them we refresh alone, for as long as he takes it.
        """
        ok = self.timed(None, {"Allow": "UPDATE"}, sessionTimers="always", sessionExpires=120)
        self.assertEqual(ok.headers.get("session-expires"), "120;refresher=uas")
        self.assertNotIn("require", ok.headers)
        for n in range(1, 6):
            self.refresh(self.peer.expect("UPDATE", 90), expires=None)
            self.assertEqual(self.passed(), 60 * n)
        self.assertEqual(self.dialog.sessionTimer, Interval(120, LOCAL))
        self.hangsUp()


class TheirRefreshTests(TimedTestCase):
    def test_never(self):
        """Section 10: a caller who does not refresh in time is sent a BYE that says why."""
        self.timed()
        self.expires()

    def test_longSession(self):
        """Section 10: 32 seconds before the end where that is less than a third."""
        self.timed("1800")
        self.expires(1768)

    def test_restarts(self):
        """Each 2xx to a re-INVITE or UPDATE of his begins the time anew, with or without an offer."""
        self.timed()
        for method, body in (("UPDATE", b""), ("INVITE", OFFER), ("UPDATE", OFFER), ("INVITE", OFFER)):
            self.network.advance(80)
            headers = {**KNOWS, "Session-Expires": "120;refresher=uac"}
            answer = self.finalTo(self.peer.request(method, within=self.ok, headers=headers, body=body))
            self.assertEqual(answer.statusCode, 200, method)
            self.assertEqual(answer.headers.get("session-expires"), "120;refresher=uac")
            self.assertEqual(answer.headers.elements("require"), ["timer"])
            if method == "INVITE":
                self.peer.ack(answer)
        self.start = self.network.clock.seconds()
        self.expires()

    def test_refusedDoesNot(self):
        """One that is refused begins nothing anew."""

        class Refusing(Notes):
            def inviteReceived(self, context):
                context.reject(488)

            def updateReceived(self, context):
                context.reject(488)

        self.timed()
        self.dialog.delegate = Refusing()
        self.network.advance(50)
        for method in ("INVITE", "UPDATE"):
            headers = {**KNOWS, "Session-Expires": "120;refresher=uac"}
            request = self.peer.request(method, within=self.ok, headers=headers, body=OFFER)
            self.assertEqual(self.finalTo(request).statusCode, 488)
        self.expires()

    def test_roleChanges(self):
        """Section 9: a refresh may make us the refresher, and change the interval."""
        self.timed()
        self.network.advance(30)
        headers = {**KNOWS, "Session-Expires": "200;refresher=uas"}
        answer = self.finalTo(self.peer.request("UPDATE", within=self.ok, headers=headers))
        self.assertEqual(answer.headers.get("session-expires"), "200;refresher=uas")
        self.assertEqual(answer.headers.elements("require"), ["timer"])
        self.assertEqual(self.dialog.sessionTimer, Interval(200, LOCAL))
        update = self.peer.expect("UPDATE", 200)
        self.assertEqual(self.passed(), 130)
        self.assertEqual(update.headers.get("session-expires"), "200;refresher=uac")
        self.refresh(update, expires="200;refresher=uac")
        self.hangsUp()

    def test_otherRequestsDoNot(self):
        """Section 10: only a 2xx to INVITE or UPDATE counts."""
        self.timed()
        self.network.advance(50)
        for method in ("INFO", "OPTIONS", "MESSAGE"):
            self.assertEqual(self.finalTo(self.peer.request(method, within=self.ok)).statusCode, 200)
        self.dialog.info()
        self.peer.respond(self.peer.expect("INFO"), 200)
        self.expires()

    def test_largestMinimum(self):
        """Section 7.4: what we ask for later is not below the largest Min-SE that came up in this call."""
        self.timed("600", {**KNOWS, "Min-SE": "300"})
        headers = {**KNOWS, "Session-Expires": "400;refresher=uac", "Min-SE": "200"}
        self.assertEqual(self.finalTo(self.peer.request("UPDATE", within=self.ok, headers=headers)).statusCode, 200)
        changing = self.dialog.modify("hold")
        again = self.peer.expect("INVITE")
        self.assertEqual(again.headers.get("min-se"), "300")
        self.assertEqual(again.headers.get("session-expires"), "400;refresher=uas")
        self.refresh(again, expires="400;refresher=uas")
        self.successResultOf(changing)
        self.assertEqual(self.dialog.sessionTimer, Interval(400, REMOTE))
        self.hangsUp()

    def test_ourChange(self):
        """A 2xx to a re-INVITE of ours begins the time anew, too; the refresher stays (7.4)."""
        self.timed()
        self.network.advance(80)
        changing = self.dialog.modify("hold")
        again = self.peer.expect("INVITE")
        self.assertEqual(again.headers.get("session-expires"), "120;refresher=uas")
        self.start = self.network.clock.seconds()
        self.refresh(again, expires="120;refresher=uas")
        self.successResultOf(changing)
        self.expires()

    def test_stop(self):
        """A stop of the service ends the call, and the timer with it."""
        self.timed()
        stopping = self.userAgent.stopService()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(0.1)
        self.successResultOf(stopping)
        self.assertIs(self.callee.ended.reason, Reason.LOCAL_BYE)
        self.assertEqual(self.userAgent.leftovers(), [])
