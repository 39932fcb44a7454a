"""
REFERs of ours outside dialogs: the dialogs they make, and subscriptions at a URI (RFC 3515, RFC 6665, RFC 7614).
"""

import gc
from weakref import ref

from tests.events.case import Recorder
from tests.events.refer_case import CAROL, TOLD
from tests.ua.calling import BOB, challenge
from tests.ua.referring import BUSY, OVER, RINGING, ReferringCase
from twisted_sipdialog import Credentials
from twisted_sipdialog.configuration import LoadLimits
from twisted_sipdialog.errors import InvalidState, InvalidValue, ReferFailed, TransportError


class AloneCase(ReferringCase):
    def asksAlone(self, settings=None, **how):
        """A REFER outside dialogs; C{self.refer} is what came."""
        self.notes = Recorder(*TOLD)
        self.agent(self.notes, **(settings or {}))
        self.referring = self.userAgent.refer(BOB, CAROL, **how)
        self.addCleanup(self.referring.addErrback, lambda _: None)
        self.refer = self.peer.expect("REFER")
        return self.referring

    def answered(self, code=202, tag="one", **headers):
        self.within = self.peer.respond(self.refer, code, headers={"To": self.to(tag), **headers})
        self.pass_()

    def to(self, tag):
        return f"{self.refer.headers.get('to')};tag={tag}"

    def hears(self, body, state="active", tag="one", within=None, **headers):
        """A NOTIFY of the one whose tag is C{tag}; the status of our answer."""
        sent = within or self.refer
        lines = {
            "From": f"{sent.headers.get('to')};tag={tag}",
            "To": sent.headers.get("from"),
            "Call-ID": sent.callId,
            "Event": "refer",
            "Subscription-State": state,
            "Content-Type": "message/sipfrag",
            **headers,
        }
        request = self.peer.request("NOTIFY", self.userAgent, headers=lines, body=body.encode())
        self.pass_()
        return self.found(request).statusCode

    def left(self):
        self.pass_(70)
        self.assertEqual(self.userAgent.leftovers(), [], self.network.ladder())


class DialogTests(AloneCase):
    def test_byThe2xx(self):
        """The 2xx makes the dialog that the NOTIFYs come in."""
        self.asksAlone()
        self.answered()
        context = self.successResultOf(self.referring)
        self.assertIsNone(context.dialog)
        self.assertEqual(self.hears(RINGING), 200)
        self.assertEqual(self.hears(BUSY, OVER), 200)
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 486)
        self.assertEqual(self.hears(BUSY, OVER), 481)
        self.left()

    def test_byNotify(self):
        """A NOTIFY before the 2xx makes it (RFC 6665 section 4.4.1); then it is the same one."""
        self.asksAlone()
        self.assertEqual(self.hears(RINGING), 200)
        self.assertEqual(self.userAgent.dialogs, [])
        self.answered()
        context = self.successResultOf(self.referring)
        self.assertEqual(self.hears(BUSY, OVER), 200)
        self.assertEqual(context.status.statusCode, 486)
        self.left()

    def test_withoutContact(self):
        """A 2xx without a Contact makes none; the NOTIFY does."""
        self.asksAlone()
        self.answered(Contact=None)
        self.assertEqual(self.hears(BUSY, OVER), 200)
        self.left()

    def test_badNotify(self):
        """Without a Contact, or for another event, or for a REFER that we know nothing of: 481."""
        self.asksAlone()
        self.answered()
        context = self.successResultOf(self.referring)
        self.assertEqual(self.hears(RINGING, tag="two", Contact=None), 481)
        self.assertEqual(self.hears(RINGING, tag="two", Event="presence"), 481)
        self.assertEqual(self.hears(RINGING, **{"Call-ID": "another"}), 481)
        self.assertIsNone(context.status)
        self.hears(BUSY, OVER)
        self.left()

    def test_forked(self):
        """RFC 3515 section 2.4.4 with RFC 6665 4.4.1: several may notify; the first final status is the outcome."""
        self.asksAlone()
        self.answered()
        context = self.successResultOf(self.referring)
        for tag in ("one", "two", "three"):
            self.assertEqual(self.hears(RINGING, tag=tag), 200)
        self.assertEqual(self.hears(BUSY, OVER, tag="two"), 200)
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 486)
        self.assertEqual(self.hears("SIP/2.0 200 OK\r\n", OVER, tag="one"), 200)
        self.assertEqual((context.status.statusCode, self.told().count("referAccepted")), (486, 0))
        self.left()

    def test_succeeded(self):
        """A success is told, and there is no call of ours that it could end; a notifier that is late is refused."""
        self.asksAlone()
        self.answered()
        context = self.successResultOf(self.referring)
        self.assertEqual(self.hears("SIP/2.0 200 OK\r\n", OVER), 200)
        self.assertEqual(self.successResultOf(context.whenFinished()).statusCode, 200)
        self.assertEqual(self.hears(BUSY, OVER, tag="late"), 481)
        self.assertEqual((self.told().count("referAccepted"), self.told().count("referRejected")), (1, 0))
        self.left()
        self.assertEqual(self.count("BYE"), 0)

    def test_someEnd(self):
        """As long as one of them lives, an outcome is to be expected."""
        self.asksAlone()
        self.answered()
        waiting = self.successResultOf(self.referring).whenFinished()
        self.hears(RINGING, tag="two")
        self.hears("", "terminated;reason=timeout", tag="one")
        self.assertNoResult(waiting)
        self.hears("", "terminated;reason=timeout", tag="two")
        self.failureResultOf(waiting, ReferFailed)
        self.left()

    def test_limit(self):
        """As many as C{loadLimits.forks}."""
        self.asksAlone({"loadLimits": LoadLimits(forks=2)})
        self.answered()
        self.assertEqual(self.hears(RINGING, tag="two"), 200)
        self.assertEqual(self.hears(RINGING, tag="three"), 481)
        self.hears(BUSY, OVER)
        self.hears(BUSY, OVER, tag="two")
        self.left()

    def test_noCall(self):
        """There is no call in it."""
        self.asksAlone()
        self.answered()
        for method, status in (("BYE", 481), ("INFO", 405), ("INVITE", 405)):
            self.assertEqual(self.final(method).statusCode, status, method)
        self.successResultOf(self.referring).cancel()
        self.left()

    def test_silence(self):
        """Timer N, whether the 2xx made a dialog or not."""
        for contact in ({}, {"Contact": None}):
            self.asksAlone()
            self.answered(**contact)
            waiting = self.successResultOf(self.referring).whenFinished()
            self.pass_(31.5)
            self.assertNoResult(waiting)
            self.pass_(1)
            self.failureResultOf(waiting, ReferFailed)
            self.left()


class WhenTests(AloneCase):
    def test_notRunning(self):
        """A user agent that does not run sends nothing."""
        self.agent()
        self.userAgent.stopService()
        self.pass_(1)
        self.assertRaises(InvalidState, self.userAgent.refer, BOB, CAROL)

    def test_values(self):
        """Who is asked, and the dialog that vouches, are checked."""
        agent = self.agent()
        self.assertRaises(InvalidValue, agent.refer, "sip:", CAROL)
        self.assertRaises(InvalidValue, agent.refer, BOB, CAROL, targetDialog="dialog")
        dialog = self.calls()
        referring = self.userAgent.refer(BOB, CAROL, targetDialog=dialog)
        sip = dialog.sip
        value = f"{sip.callId};local-tag={sip.localTag};remote-tag={sip.remoteTag}"
        self.assertEqual(self.peer.expect("REFER").headers.get("target-dialog"), value)
        referring.cancel()
        self.final("BYE")
        self.assertRaises(InvalidState, self.userAgent.refer, BOB, CAROL, targetDialog=dialog)

    def test_givenUp(self):
        """Given up before it was sent: nothing goes out, and nothing is logged as unhandled."""
        self.agent()
        self.userAgent.refer(BOB, CAROL).cancel()
        gc.collect()
        self.pass_(1)
        self.assertEqual((self.count("REFER"), self.flushLoggedErrors()), (0, []))
        self.left()

    def test_letGo(self):
        """Nobody keeps the Deferred that has fired: what is in it is not the collector's to find."""
        self.agent()
        referring = self.userAgent.refer(BOB, CAROL)
        referring.cancel()
        kept = ref(referring)
        gc.disable()
        self.addCleanup(gc.enable)
        del referring
        self.assertIsNone(kept())
        self.left()

    def test_stop(self):
        """The service stops before the answer, and before the outcome."""
        self.asksAlone()
        self.userAgent.stopService()
        self.pass_(6)
        self.failureResultOf(self.referring, TransportError)
        self.asksAlone()
        self.answered()
        waiting = self.successResultOf(self.referring).whenFinished()
        self.userAgent.stopService()
        self.pass_(6)
        self.failureResultOf(waiting)


class NoneTests(AloneCase):
    def test_declined(self):
        """RFC 4488 section 4: the 2xx says whether there is a subscription; without one nothing is waited for."""
        self.asksAlone(subscription="norefersub")
        self.assertEqual(self.refer.headers.get("refer-sub"), "false")
        self.answered(200, **{"Refer-Sub": "false"})
        self.assertIsNone(self.successResultOf(self.successResultOf(self.referring).whenFinished()))
        self.assertEqual(self.hears(BUSY, OVER), 481)
        self.left()

    def test_insists(self):
        """One who makes one all the same is heard."""
        self.asksAlone(subscription="norefersub")
        self.answered()
        self.hears(BUSY, OVER)
        self.assertEqual(self.successResultOf(self.referring).status.statusCode, 486)
        self.left()

    def test_nosub(self):
        """RFC 7614 section 4."""
        self.asksAlone(subscription="nosub")
        self.assertEqual(self.refer.headers.get("require"), "nosub")
        self.answered(200)
        self.assertIsNone(self.successResultOf(self.successResultOf(self.referring).whenFinished()))
        self.left()


class ExplicitTests(AloneCase):
    """RFC 7614 section 4: the outcome is asked for where the 2xx says."""

    def subscribes(self, at=None, **settings):
        self.asksAlone(settings, subscription="explicitsub")
        self.assertEqual(self.refer.headers.get("require"), "explicitsub")
        self.at = at or f"sip:events-1@{self.peer.address[0]}"
        self.answered(200, **{"Refer-Events-At": f"<{self.at}>"})
        self.context = self.successResultOf(self.referring)
        self.outcome = self.context.whenFinished()
        self.subscribe = self.peer.expect("SUBSCRIBE")

    def test_asks(self):
        """A SUBSCRIBE of its own, in whose dialog the NOTIFYs come, before or after its 2xx."""
        for isEarly in (False, True):
            self.subscribes()
            self.assertEqual((self.subscribe.uriText, self.context.eventsAt), (self.at, self.at))
            self.assertEqual(self.subscribe.headers.get("event"), "refer")
            self.assertNotEqual(self.subscribe.callId, self.refer.callId)
            if isEarly:
                self.assertEqual(self.hears(RINGING, tag="sub", within=self.subscribe), 200)
            self.peer.respond(self.subscribe, 200, headers={"To": f"<{self.at}>;tag=sub", "Expires": "60"})
            self.pass_()
            self.assertEqual(self.hears(BUSY, OVER, tag="sub", within=self.subscribe), 200)
            self.assertEqual(self.successResultOf(self.outcome).statusCode, 486)
            self.left()

    def test_uri(self):
        """What a Request-URI must not have is left out (RFC 3261 section 19.1.1)."""
        self.subscribes(f"sip:events@{self.peer.address[0]};method=INVITE?Subject=x")
        self.assertEqual(self.subscribe.uriText, f"sip:events@{self.peer.address[0]}")
        self.peer.respond(self.subscribe, 403)
        self.pass_()
        self.failureResultOf(self.outcome, ReferFailed)
        self.left()

    def test_refused(self):
        """Without the subscription nobody tells."""
        self.subscribes()
        self.peer.respond(self.subscribe, 403)
        self.pass_()
        self.failureResultOf(self.outcome, ReferFailed)
        self.left()

    def test_nowhere(self):
        """A 2xx that does not say where, or nothing that can be read."""
        for headers in ({}, {"Refer-Events-At": "<sip:"}, {"Refer-Events-At": "<http://peer.example/>"}):
            self.asksAlone(subscription="explicitsub")
            self.answered(200, **headers)
            self.failureResultOf(self.successResultOf(self.referring).whenFinished(), ReferFailed)
            self.left()

    def test_credentials(self):
        """The peer chose where that is: a challenge from there is not answered, unless we were told of that host."""
        credentials = [Credentials("alice", "wonderland", realm="example.com")]
        self.subscribes(credentials=credentials)
        self.peer.respond(self.subscribe, 401, headers={"WWW-Authenticate": challenge()})
        self.pass_()
        self.failureResultOf(self.outcome, ReferFailed)
        self.left()
        self.subscribes("sip:events@peer.example", credentials=credentials, referDomains=["peer.example"])
        self.peer.respond(self.subscribe, 401, headers={"WWW-Authenticate": challenge()})
        proven = self.peer.expect("SUBSCRIBE")
        self.assertIn("authorization", proven.headers)
        self.peer.respond(proven, 403)
        self.pass_()
        self.failureResultOf(self.outcome, ReferFailed)
        self.left()
