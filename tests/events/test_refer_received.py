"""
SIP.js's ReferServerContext, as docs/events.rst has it.
"""

from __future__ import annotations

from tests.events.case import ANSWER, EventCase, Recorder
from tests.events.refer_case import CAROL, ReferCase
from twisted_sipdialog.dialog.referral import ReferState
from twisted_sipdialog.errors import InvalidState, InvalidValue, ReferFailed

BY = '<sip:boss@a.example>;cid="2UWQFN309shb3@referrer.example"'


class ReceivedTests(ReferCase):
    def test_states(self) -> None:
        """Waiting, answered, terminated."""
        context = self.asked()
        self.assertEqual(context.referState, ReferState.WAITING)
        self.successResultOf(context.accept())
        self.assertEqual(context.referState, ReferState.ANSWERED)
        self.statuses(100)
        context.sendNotify(200)
        self.assertEqual(context.referState, ReferState.TERMINATED)
        self.statuses(200)

    def test_attributes(self) -> None:
        """What the REFER says."""
        replaces = "Replaces=call%40host%3Bto-tag%3D1%3Bfrom-tag%3D2"
        context = self.asked(f"<{CAROL}?{replaces}>", {"Referred-By": BY})
        self.assertEqual(str(context.referTo.uri), f"{CAROL}?{replaces}")
        self.assertEqual((context.referredBy, str(context.replaces)), (BY, "call@host;to-tag=1;from-tag=2"))
        self.assertEqual((context.dialog, context.targetDialog), (self.dialog, None))
        context.reject()

    def test_referTo(self) -> None:
        """None, several, or one that cannot be read: 400, and nobody is asked."""
        self.calls(Recorder("referReceived"))
        self.assertEqual(self.final("REFER").statusCode, 400)
        for wrong in (f"<{CAROL}>, <{CAROL}>", "<sip:", [f"<{CAROL}>", f"<{CAROL}>"]):
            self.assertEqual(self.final("REFER", headers={"Refer-To": wrong}).statusCode, 400, wrong)
        self.assertEqual(self.notes.names, [])

    def test_contact(self) -> None:
        """Without a Contact: in a call its remote target is known; outside it is refused with 400."""
        self.assertEqual(self.isReferred(headers={"Contact": None}).statusCode, 202)
        self.statuses(100)
        self.invited(486)
        self.statuses(486)
        agent = self.network.userAgent(
            "sip:other@o.example",
            Recorder(outOfDialogReferRequested=lambda context: context.answerLater()),
            allowOutOfDialogRefers=True,
        )
        refused = self.peer.request("REFER", agent, headers={"Refer-To": f"<{CAROL}>", "Contact": None})
        self.assertEqual(self.finalTo(refused).statusCode, 400)

    def test_progress(self) -> None:
        """C{progress()}: 100, and only while it waits."""
        context = self.asked()
        self.assertRaises(InvalidValue, context.progress, 180)
        context.progress()
        context.reject()
        self.assertRaises(InvalidState, context.progress)

    def test_reject(self) -> None:
        """480 by default; told once, and no second answer goes out."""
        context = self.asked()
        context.reject()
        self.pass_()
        self.assertEqual(self.found(self.request).statusCode, 480)
        self.assertRaises(InvalidState, context.reject)
        self.assertRaises(InvalidState, context.accept)
        self.assertEqual(self.notes.only("referRequestRejected")[1].statusCode, 480)

    def test_accept(self) -> None:
        """202 with the extra headers; told as it is sent."""
        context = self.asked()
        context.accept(extraHeaders=[("X-Why", "so")])
        self.statuses(100)
        response = self.found(self.request)
        self.assertEqual((response.statusCode, response.headers.get("x-why")), (202, "so"))
        self.assertEqual(self.notes.only("referRequestAccepted")[1].statusCode, 202)
        context.sendNotify(603)
        self.statuses(603)

    def test_referStatus(self) -> None:
        """C{referStatus} makes it 200."""
        self.assertEqual(self.isReferred(referStatus=200).statusCode, 200)
        self.statuses(100)
        self.invited(486)
        self.statuses(486)

    def test_scheme(self) -> None:
        """What cannot be called is refused, before the 2xx."""
        for number, to in enumerate(("<http://peer2.example/>", "<tel:+12015550123>", f"<{CAROL};method=SUBSCRIBE>")):
            refused = self.isReferred(to)
            self.assertEqual(refused.statusCode, 501 if number == 2 else 416, to)
        self.assertEqual((self.count("NOTIFY"), self.carol.received), (0, []))
        context = self.asked("<http://peer2.example/>")
        self.failureResultOf(context.accept(followRefer=True), ReferFailed)

    def test_invite(self) -> None:
        """The call that follows: the Refer-To URI without its headers, Replaces and Referred-By, the options given."""
        context = self.asked(f"<{CAROL}?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2&From=sip%3Ax%40y>", {"Referred-By": BY})
        options = {"body": ANSWER, "extraHeaders": [("X-Why", "so")]}
        accepting = context.accept(followRefer=True, inviteOptions=options)
        invite = self.invited()
        headers = invite.headers
        self.assertEqual((invite.uriText, invite.body, headers.get("x-why")), (CAROL, ANSWER, "so"))
        self.assertEqual((headers.get("replaces"), headers.get("referred-by")), ("c;to-tag=1;from-tag=2", BY))
        self.assertEqual(invite.from_.uri, self.userAgent.configuration.aor)
        self.assertIs(self.successResultOf(accepting), context.targetDialog)
        self.assertIs(self.notes.only("referInviteSent")[0], context)
        self.statuses(100, 200)

    def test_inviteOptions(self) -> None:
        """Without options the call is described as the one it came in."""
        self.isReferred()
        invite = self.invited(486)
        self.assertEqual(invite.body, self.invite.body)
        self.statuses(100, 486)

    def test_progressTold(self) -> None:
        """Each new provisional status is told, with its own phrase."""
        self.isReferred()
        invite = self.invited(None)
        self.statuses(100)
        for code, isNew in ((100, False), (180, True), (180, False), (183, True)):
            self.carol.respond(invite, code)
            if isNew:
                self.statuses(code)
        self.carol.respond(invite, 486)
        self.statuses(486)
        self.assertEqual([s[1].statusCode for name, s in self.notes.told if name == "referProgress"], [180, 183])

    def test_acceptedTold(self) -> None:
        """200, and that is the end of the subscription, though not of the call."""
        self.isReferred()
        self.invited()
        self.statuses(100)
        last = self.notified()
        self.assertEqual(last.body, b"SIP/2.0 200 OK\r\n")
        self.assertEqual(last.headers.get("subscription-state"), "terminated;reason=noresource")
        self.assertEqual(self.notes.only("referAccepted")[1].statusCode, 200)
        self.assertEqual((self.dialog.ended, len(self.userAgent.dialogs)), (None, 2))

    def test_rejectedTold(self) -> None:
        """The real status, 429 included, once."""
        for code, phrase in ((486, b"Busy Here"), (429, b"Provide Referrer Identity"), (404, b"Not Found")):
            self.isReferred()
            self.invited(code)
            self.statuses(100)
            self.assertEqual(self.notified().body, b"SIP/2.0 %d %s\r\n" % (code, phrase))
        self.assertEqual([s[1].statusCode for n, s in self.notes.told if n == "referRejected"], [486, 429, 404])
        self.assertEqual(self.count("NOTIFY"), 6)

    def test_trying(self) -> None:
        """A NOTIFY follows the 2xx at once (RFC 3515 section 2.4.4), and says how long they are to come."""
        self.isReferred(referExpires=120)
        notify = self.notified()
        self.assertEqual(
            (notify.body, notify.headers.get("subscription-state")), (b"SIP/2.0 100 Trying\r\n", "active;expires=120")
        )
        self.invited(486)
        self.statuses(486)

    def test_notFollowed(self) -> None:
        """Where the application does it, nothing is claimed but 100 Trying."""
        context = self.asked()
        self.assertIsNone(self.successResultOf(context.accept()))
        self.statuses(100)
        self.pass_(1)
        self.assertEqual((self.count("NOTIFY"), self.carol.received), (1, []))
        self.assertNotIn("referAccepted", self.notes.names)
        context.sendNotify(b"SIP/2.0 180 Ringing\r\n")
        self.statuses(180)
        context.sendNotify(200)
        self.statuses(200)

    def test_sendNotify(self) -> None:
        """Between the 2xx and the final status; a body that is none raises."""
        context = self.asked()
        self.assertRaises(InvalidState, context.sendNotify, 180)
        context.accept()
        self.statuses(100)
        self.assertRaises(InvalidValue, context.sendNotify, b"hello")
        told = context.sendNotify(603)
        self.assertRaises(InvalidState, context.sendNotify, 200)
        self.statuses(603)
        self.assertEqual(self.successResultOf(told).statusCode, 200)

    def test_sequence(self) -> None:
        """NOTIFYs count in the dialog, among its other requests."""
        self.isReferred()
        first = self.notified()
        self.dialog.info()
        info = self.answer("INFO")
        self.invited(486)
        last = self.notified()
        self.assertEqual([m.cseqNumber - first.cseqNumber for m in (info, last)], [1, 2])
        self.assertEqual((last.callId, last.toTag), (self.invite.callId, self.ok2.toTag))

    @property
    def ok2(self):
        return next(m for m in self.peer.received if getattr(m, "method", "") == "ACK")

    def test_notifyLines(self) -> None:
        """Event, Content-Type; an id from the second REFER of a dialog on."""
        self.isReferred()
        self.invited(486)
        first = self.notified()
        self.statuses(486)
        self.assertEqual(first.headers.get("content-type"), "message/sipfrag;version=2.0")
        request = self.isReferred()
        self.invited(486)
        second = self.notified()
        self.statuses(486)
        events = [m.headers.get("event") for m in (first, second)]
        self.assertEqual(events, ["refer", f"refer;id={request.cseqNumber}"])

    def test_refusedNotify(self) -> None:
        """A referrer who refuses a NOTIFY hears nothing more; the new call goes on."""
        self.isReferred()
        self.answer("NOTIFY", 481)
        self.invited()
        self.pass_(1)
        self.assertEqual((self.count("NOTIFY"), len(self.userAgent.dialogs)), (1, 2))


class DefaultTests(ReferCase):
    def test_early(self) -> None:
        """In a call that is not answered: 491."""
        context = self.ring()
        context.progress()
        early = self.peer.expect("180 INVITE")
        refused = self.peer.request("REFER", within=early, headers={"Refer-To": f"<{CAROL}>"})
        self.assertEqual(self.finalTo(refused).statusCode, 491)
        context.reject()
        self.finalTo(self.invite)

    def test_policy(self) -> None:
        """Nobody takes it: followed where we placed the call, refused where we were called; C{referPolicy} decides."""
        self.assertEqual(self.isReferred().statusCode, 202)
        self.invited(486)
        self.statuses(100, 486)
        self.called()
        self.assertEqual(self.isReferred().statusCode, 603)
        self.called(referPolicy="follow")
        self.assertEqual(self.isReferred().statusCode, 202)
        self.invited(486)
        self.statuses(100, 486)
        self.calls(referPolicy="refuse")
        self.assertEqual(self.isReferred().statusCode, 603)

    def test_oldCall(self) -> None:
        """The old call is the referrer's to end."""
        self.isReferred()
        self.invited()
        self.statuses(100, 200)
        self.pass_(5)
        self.assertEqual((self.count("BYE"), self.dialog.ended), (0, None))
        self.final("BYE")
        self.assertEqual(len(self.userAgent.dialogs), 1)


class OutsideTests(EventCase):
    def ask(self, delegate=None, **settings):
        self.agent(delegate, **settings)
        request = self.peer.request("REFER", self.userAgent, headers={"Refer-To": f"<{CAROL}>"})
        return self.finalTo(request)

    def test_refused(self) -> None:
        """Outside dialogs: 403, or what the configuration says."""
        self.assertEqual(self.ask().statusCode, 403)
        self.assertEqual(self.ask(outOfDialogReferStatus=405).statusCode, 405)

    def test_allowed(self) -> None:
        """C{allowOutOfDialogRefers} asks the delegate; one that does not care follows nothing."""
        self.assertEqual(self.ask(Recorder(), allowOutOfDialogRefers=True).statusCode, 403)
        notes = Recorder(outOfDialogReferRequested=lambda context: context.accept() and None)
        accepted = self.ask(notes, allowOutOfDialogRefers=True)
        self.assertEqual(accepted.statusCode, 202)
        notify = self.answer("NOTIFY")
        self.assertEqual((notify.fromTag, notify.body), (accepted.toTag, b"SIP/2.0 100 Trying\r\n"))
        (context,) = notes.only("outOfDialogReferRequested")
        self.assertIsNone(context.dialog)
        context.sendNotify(603)
        self.answer("NOTIFY")
