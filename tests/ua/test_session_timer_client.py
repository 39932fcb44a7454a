"""
Session timers in a call of ours (RFC 4028 section 7).
"""

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from tests.ua.calling import ANSWER, OFFER, CallerCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.session_timer import LOCAL, REMOTE, Interval
from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

ALLOW = {"Allow": "INVITE, ACK, BYE, UPDATE"}


class TimedCase(CallerCase):
    def timed(self, expires="120;refresher=uac", **headers):
        """A call that stands, with what its 200 says."""
        given = {**ALLOW, **headers}
        if expires is not None:
            given["Session-Expires"] = expires
        self.dialog, self.sent, _ = self.call(headers=given)
        self.start = self.network.clock.seconds()
        return self.dialog

    def passed(self):
        return round(self.network.clock.seconds() - self.start)

    def refresh(self, request, status=200, expires="120;refresher=uac", **headers):
        if expires is not None and status < 300:
            headers["Session-Expires"] = expires
        body = ANSWER if request.method == "INVITE" and status < 300 else b""
        self.peer.respond(request, status, headers=headers, body=body)
        self.network.advance(0.1)

    def expires(self, after=88):
        bye = self.peer.expect("BYE", 4000)
        self.assertEqual(self.passed(), after)
        self.assertEqual(bye.headers.get("reason"), 'SIP;cause=408;text="Session timer expired"')
        self.peer.respond(bye, 200)
        self.network.advance(200)
        self.assertEqual(self.notes.reasons, [Reason.SESSION_EXPIRED])
        self.assertNothingLeft()

    def hangsUp(self):
        self.peer.request("BYE", within=self.sent)
        self.network.advance(1)
        self.assertEqual(self.notes.reasons, [Reason.REMOTE_BYE])
        count = len(self.peer.received)
        self.network.advance(500)
        self.assertEqual(len(self.peer.received), count, "nothing is refreshed after the end")
        self.assertNothingLeft()


class AskingTests(TimedCase):
    def asked(self, **settings):
        agent = self.network.userAgent(f"sip:alice@a{len(self.network.hosts())}.example", **settings)
        calling = agent.invite("sip:bob@peer.example", body=OFFER)
        calling.addErrback(lambda _: None)
        invite = self.peer.expect("INVITE")
        self.peer.respond(invite, 486)
        self.network.advance(1)
        return invite.headers

    def test_invite(self):
        """Section 7.1: the option tag and the interval; who refreshes only if that is said; Min-SE if it is not 90."""
        headers = self.asked()
        self.assertIn("timer", headers.elements("supported"))
        self.assertEqual(headers.getAll("session-expires"), ["1800"])
        self.assertNotIn("min-se", headers)
        headers = self.asked(sessionExpires=300, minSE=120, sessionRefresher="local")
        self.assertEqual(headers.getAll("session-expires"), ["300;refresher=uac"])
        self.assertEqual(headers.getAll("min-se"), ["120"])
        self.assertEqual(self.asked(sessionRefresher="remote").getAll("session-expires"), ["1800;refresher=uas"])
        # Section 7.1: the interval is not below Min-SE.
        self.assertEqual(self.asked(sessionExpires=100, minSE=200).getAll("session-expires"), ["200"])

    def test_off(self):
        """Off: not a word of it."""
        headers = self.asked(sessionTimers="off")
        for name in ("session-expires", "min-se"):
            self.assertNotIn(name, headers)
        self.assertNotIn("timer", headers.elements("supported"))

    def test_offTooSmall(self):
        """Off: a 422 is a refusal like any other; the same INVITE again would only be refused again."""
        agent = self.network.userAgent("sip:carl@c.example", sessionTimers="off")
        calling = agent.invite("sip:bob@peer.example", body=OFFER)
        self.peer.respond(self.peer.expect("INVITE"), 422, headers={"Min-SE": "3600"})
        self.network.advance(1)
        self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 422)
        self.assertEqual(self.count("INVITE"), 1)

    def test_tooSmall(self):
        """
        Section 7.3: after a 422 the same call is tried with what that says: same Call-ID and From tag, next CSeq.
        """
        calling, invite = self.invite()
        self.peer.respond(invite, 422, headers={"Min-SE": "3600"})
        again = self.peer.expect("INVITE")
        self.assertEqual((again.callId, again.fromTag), (invite.callId, invite.fromTag))
        self.assertEqual(again.cseqNumber, invite.cseqNumber + 1)
        self.assertEqual(again.headers.getAll("session-expires"), ["3600"])
        self.assertEqual(again.headers.getAll("min-se"), ["3600"])
        self.peer.respond(again, 200, headers={**ALLOW, "Session-Expires": "3600;refresher=uac"}, body=ANSWER)
        self.network.advance(0.1)
        dialog = self.successResultOf(calling)
        self.assertEqual(dialog.sessionTimer, Interval(3600, LOCAL))
        # Section 7.4: and every later request says so, too.
        update = self.peer.expect("UPDATE", 2000)
        self.assertEqual(update.headers.getAll("min-se"), ["3600"])
        self.peer.respond(update, 200, headers={"Session-Expires": "3600;refresher=uac"})
        self.network.advance(0.1)
        dialog.destroy()
        self.endsBye()
        self.assertNothingLeft()

    def test_b39_tooSmallForEver(self):
        """A peer to whom nothing is enough is not called for ever: the call fails with its 422."""
        for step in (0, 1, 1000):
            calling, invite = self.invite()
            count = 0
            while invite is not None and count < 50:
                count += 1
                self.peer.respond(invite, 422, headers={"Min-SE": str(3600 + count * step)})
                try:
                    invite = self.peer.expect("INVITE", 0.3)
                except AssertionError:
                    invite = None
            self.assertEqual(count, 6 if step else 2)
            self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 422)
            self.assertNothingLeft()

    def test_noReasonToTryAgain(self):
        """Section 7.3: a 422 that names no longer interval is a refusal."""
        for headers in ({}, {"Min-SE": "90"}, {"Min-SE": "soon"}, {"Min-SE": "60"}):
            calling, invite = self.invite()
            self.peer.respond(invite, 422, headers=headers)
            self.network.advance(1)
            self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 422, headers)
        self.assertNothingLeft()


class StandingTests(TimedCase):
    def test_weRefresh(self):
        """Section 7.4: at half the interval, as often as it takes."""
        self.timed()
        self.assertEqual(self.dialog.sessionTimer, Interval(120, LOCAL))
        for n in (1, 2, 3):
            update = self.peer.expect("UPDATE", 200)
            self.assertEqual(self.passed(), 60 * n)
            self.assertEqual((update.body, update.headers.get("session-expires")), (b"", "120;refresher=uac"))
            self.refresh(update)
        self.hangsUp()

    def test_byInvite(self):
        """By re-INVITE where the 2xx does not allow UPDATE; each 2xx of it is acknowledged."""
        self.timed(Allow="INVITE, ACK, BYE")
        for _ in range(2):
            again = self.peer.expect("INVITE", 200)
            self.assertEqual(again.body, OFFER)
            self.refresh(again)
            self.assertEqual(self.peer.expect("ACK").cseqNumber, again.cseqNumber)
        self.assertFalse(self.dialog.onHold)
        self.hangsUp()

    def test_theyNever(self):
        """Section 10: a callee who promised to refresh and does not: BYE."""
        self.timed("120;refresher=uas")
        self.assertEqual(self.dialog.sessionTimer, Interval(120, REMOTE))
        self.expires()

    def test_theyRefresh(self):
        """His re-INVITE or UPDATE begins the time anew."""
        self.timed("120;refresher=uas")
        for method in ("UPDATE", "INVITE"):
            self.network.advance(80)
            headers = {**ALLOW, "Supported": "timer", "Session-Expires": "120;refresher=uac"}
            body = ANSWER if method == "INVITE" else b""
            self.peer.request(method, within=self.sent, headers=headers, body=body)
            ok = self.peer.expect(f"200 {method}")
            self.assertEqual(ok.headers.get("session-expires"), "120;refresher=uac")
            if method == "INVITE":
                self.peer.ack(ok)
        self.start = self.network.clock.seconds()
        self.assertEqual(self.dialog.sessionTimer, Interval(120, REMOTE))
        self.expires()

    def test_unsupported(self):
        """Section 7.2: a callee who says nothing of it: no timer."""
        self.timed(None)
        self.assertIsNone(self.dialog.sessionTimer)
        self.network.advance(8000)
        self.assertEqual(self.dialog.state.value, "stable")
        self.hangsUp()

    def test_refused(self):
        """Section 10: a refresh that is refused ends nothing by itself; the time runs out."""
        self.timed()
        self.refresh(self.peer.expect("UPDATE", 200), 500)
        self.expires()

    def test_sessionIsGone(self):
        """Section 7.4 and RFC 5057: 481 to it ends the call at once."""
        self.timed()
        self.refresh(self.peer.expect("UPDATE", 200), 481)
        self.endsBye(1)
        self.assertEqual(self.notes.reasons, [Reason.DIALOG_ERROR])
        self.assertNothingLeft()

    def test_ourChange(self):
        """A 2xx to our re-INVITE or UPDATE begins the time anew, with what it says."""
        self.timed("120;refresher=uas")
        for method in ("INVITE", "UPDATE"):
            self.network.advance(80)
            changing = self.dialog.modify(OFFER.replace(b"4000", b"4010"), method=method)
            request = self.peer.expect(method)
            self.assertEqual(request.headers.get("session-expires"), "120;refresher=uas")
            self.peer.respond(request, 200, headers={"Session-Expires": "120;refresher=uas"}, body=ANSWER)
            self.network.advance(0.01)
            self.successResultOf(changing)
        self.network.advance(80)
        updating = self.dialog.update()
        request = self.peer.expect("UPDATE")
        self.peer.respond(request, 200, headers={"Session-Expires": "300;refresher=uas"})
        self.network.advance(0.01)
        self.successResultOf(updating)
        self.start = self.network.clock.seconds()
        self.expires(268)

    def test_destroyed(self):
        """What is destroyed is not refreshed."""
        self.timed()
        self.network.advance(59)
        self.dialog.destroy()
        self.peer.expect("BYE")
        self.network.advance(200)
        self.assertEqual(self.count("UPDATE"), 0)
        self.assertEqual(self.notes.reasons, [Reason.LOCAL_BYE])
        self.assertNothingLeft()

    def test_lateAnswer(self):
        """A 2xx to a change that comes after our BYE starts no timer (RFC 3261 section 15)."""
        self.timed("120;refresher=uas")
        self.dialog.modify(OFFER.replace(b"4000", b"4010"), method="UPDATE").addErrback(lambda _: None)
        update = self.peer.expect("UPDATE")
        self.dialog.destroy()
        self.peer.expect("BYE")
        self.peer.respond(update, 200, headers={"Session-Expires": "90;refresher=uac"}, body=ANSWER)
        self.network.advance(0.1)
        self.assertIsNone(self.dialog.sessionTimer)
        self.assertNothingLeft()


class AlwaysTests(TimedCase):
    settings = {"sessionTimers": "always", "sessionExpires": 120}

    def test_unsupported(self):
        """Section 7.2: with a callee who knows nothing of it we refresh alone, by what he does know."""
        for allow, method in (("INVITE, UPDATE", "UPDATE"), ("INVITE", "INVITE")):
            self.notes.ended.clear()
            self.timed(None, Allow=allow)
            for _ in range(3):
                self.refresh(self.peer.expect(method, 200), expires=None)
            self.assertEqual(self.passed(), 180)
            self.hangsUp()

    def test_goneSilent(self):
        """And so find out when he is gone: BYE, once."""
        self.timed(None)
        self.peer.expect("UPDATE", 200)
        self.expires()


class BothEndsTests(SynchronousTestCase):
    def test_b39_oneRefresher(self):
        """
        Whatever two user agents want, exactly one of them refreshes, and the call lives until it is ended.
        """

        class Answering:
            def inviteReceived(self, context):
                context.accept(body=ANSWER)

        for caller, callee, method in product((None, "local", "remote"), (None, "local", "remote"), ("INVITE", None)):
            network = MemoryNetwork()
            settings = {"sessionExpires": 120, "sessionRefreshMethod": method}
            a = network.userAgent("sip:a@a.example", sessionRefresher=caller, **settings)
            b = network.userAgent("sip:b@b.example", Answering(), sessionRefresher=callee, **settings)
            calling = a.invite("sip:b@b.example", body=OFFER)
            network.advance(1)
            dialog = self.successResultOf(calling)
            other = b.dialogs[0]
            self.assertEqual({dialog.sessionTimer.refresher, other.sessionTimer.refresher}, {LOCAL, REMOTE})
            network.clearSeen()
            network.advance(1000)
            wanted = f"> {method or 'UPDATE'}"
            counts = sorted(network.seenBy(agent).count(wanted) for agent in (a, b))
            self.assertEqual(counts, [0, 16], (caller, callee, method))
            self.assertEqual((dialog.state.value, other.state.value), ("stable", "stable"))
            dialog.destroy()
            network.advance(1)
            network.assertQuiet()

    def test_proxyWithoutTimers(self):
        """A callee that claims a refresh without saying who: we do it (7.2)."""
        network = MemoryNetwork()
        agent = network.userAgent("sip:a@a.example")
        peer = ScriptedPeer(network)
        calling = agent.invite("sip:b@peer.example", body=OFFER)
        peer.respond(peer.expect("INVITE"), 200, headers={**ALLOW, "Session-Expires": "120"}, body=ANSWER)
        network.advance(1)
        self.assertEqual(self.successResultOf(calling).sessionTimer, Interval(120, LOCAL))
        peer.respond(peer.expect("UPDATE", 60), 200)
        network.assertQuiet()
