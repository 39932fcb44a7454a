"""
A call of ours that is answered, or is not (RFC 3261 sections 13.2, 17.1.1, RFC 6026).
"""

from tests.ua.calling import ANSWER, BOB, OFFER, CallerCase, Notes
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import RemoteError, ResponseError, Timeout, TransportError


class AnsweredTests(CallerCase):
    def test_firesWithTheDialog(self):
        """
        Section 13.2.2.4: a 2xx is acknowledged, and the call stands.
        """
        calling, invite = self.invite()
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        self.assertNoResult(calling)
        self.peer.respond(invite, 200, body=ANSWER)
        self.peer.expect("ACK")
        dialog = self.successResultOf(calling)
        self.assertIs(dialog.state, Phase.STABLE)
        self.assertEqual(self.notes.confirmed, [dialog])
        self.assertEqual(self.alice.dialogs, [dialog])
        self.assertEqual(self.network.seenBy(self.alice), ["> INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK"])

    def test_ack(self):
        """
        Sections 13.2.2.4 and 17.1.1.3: the ACK is a request of its own: new branch, the INVITE's CSeq number,
        the remote target as Request-URI.
        """
        _, invite, ack = self.call()
        self.assertNotEqual(ack.via.branch, invite.via.branch)
        self.assertTrue(ack.via.branch.startswith("z9hG4bK"))
        self.assertEqual((ack.cseqNumber, ack.cseqMethod), (invite.cseqNumber, "ACK"))
        self.assertEqual((ack.callId, ack.fromTag, ack.toTag), (invite.callId, invite.fromTag, self.peer.tag))
        self.assertEqual(ack.uriText, f"sip:peer@{self.peer.address[0]}:5060")
        self.assertEqual(ack.headers.getAll("Max-Forwards"), ["70"])
        self.assertEqual(ack.body, b"")

    def test_routeSetReversed(self):
        """
        Section 12.1.2: the route set is the Record-Route of the 2xx in reverse; the ACK goes by it.
        """
        calling, invite = self.invite()
        routes = "<sip:p3.example;lr>, <sip:p2.example;lr>, <sip:peer.example;lr>"
        self.peer.respond(invite, 200, headers={"Record-Route": routes}, body=ANSWER)
        ack = self.peer.expect("ACK")
        expected = ["<sip:peer.example;lr>", "<sip:p2.example;lr>", "<sip:p3.example;lr>"]
        self.assertEqual(ack.headers.elements("Route"), expected)
        dialog = self.successResultOf(calling)
        dialog.destroy()
        self.assertEqual(self.endsBye().headers.elements("Route"), expected)

    def test_provisionalRouteSetIsReplaced(self):
        """
        Section 13.2.2.4: the route set is computed again from the 2xx.
        """
        calling, invite = self.invite()
        self.peer.respond(invite, 180, headers={"Record-Route": "<sip:other.example;lr>"})
        self.network.advance(0.1)
        self.peer.respond(invite, 200, body=ANSWER)
        self.assertEqual(self.peer.expect("ACK").headers.getAll("Route"), [])
        self.successResultOf(calling)

    def test_strictRouter(self):
        """
        Section 12.2.1.1 and 8.1.2: a strict router stands in the Request-URI, the target at the end of Route,
        and the request goes to the router.
        """
        calling, invite = self.invite()
        routes = "<sip:p2.example;lr>, <sip:peer.example>"
        contact = "<sip:bob@bob.example>"
        self.peer.respond(invite, 200, headers={"Record-Route": routes, "Contact": contact}, body=ANSWER)
        ack = self.peer.expect("ACK")
        self.assertEqual(ack.uriText, "sip:peer.example")
        self.assertEqual(ack.headers.elements("Route"), ["<sip:p2.example;lr>", "<sip:bob@bob.example>"])
        self.successResultOf(calling).destroy()
        self.assertEqual(self.endsBye().uriText, "sip:peer.example")

    def test_repeated2xx(self):
        """
        Section 13.2.2.4: each copy of the 2xx is acknowledged, by the same ACK (B17).
        """
        calling, invite = self.invite()
        for _ in range(4):
            self.peer.respond(invite, 200, body=ANSWER)
            self.network.advance(0.5)
        acks = [m for m in self.peer.received if getattr(m, "method", "") == "ACK"]
        self.assertEqual((len(acks), len({ack.via.branch for ack in acks})), (4, 1))
        self.successResultOf(calling)
        self.assertEqual(len(self.notes.confirmed), 1)

    def test_lostAckAfterAnotherRequest(self):
        """
        A 2xx that is repeated after other requests of ours still gets the ACK of its INVITE (B17).
        """
        calling, invite = self.invite()
        self.network.drop(lambda m: m.method == "ACK")
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.successResultOf(calling).request("INFO")
        self.peer.respond(self.peer.expect("INFO"), 200)
        self.peer.respond(invite, 200, body=ANSWER)
        self.assertEqual(self.peer.expect("ACK").cseqNumber, invite.cseqNumber)

    def test_noStorms(self):
        """
        Whatever a peer repeats, it gets no more than one message for it (B20).
        """
        for target in (BOB, f"{BOB};transport=tcp"):
            calling, invite = self.invite(target)
            sent = len(self.network.seenBy(self.alice))
            for code in [100] * 20 + [180] * 20 + [183] * 20:
                self.peer.respond(invite, code)
            self.network.advance(5)
            self.assertEqual(len(self.network.seenBy(self.alice)), sent + 60, "nothing is sent for a provisional")
            self.peer.respond(invite, 486)
            self.network.advance(40)
            self.failureResultOf(calling, ResponseError)
            self.assertEqual(self.network.seenBy(self.alice)[sent + 60 :], ["< 486 INVITE", "> ACK"])
            self.network.clearSeen()

    def test_toHostName(self):
        """
        A Contact with a host name is looked up.
        """
        dialog, _, ack = self.call(headers={"Contact": "<sip:bob@peer.example>"})
        self.assertEqual(ack.uriText, "sip:bob@peer.example")
        dialog.destroy()
        self.endsBye()
        self.assertNothingLeft()

    def test_noContact(self):
        """
        Section 12.1.2: a 2xx without Contact makes no dialog: it is acknowledged, and the call fails.  If a
        provisional had one, the BYE goes there.
        """
        for contact in (None, "<tel:+441632960000>", "*", "<sip:a@peer.example>, <sip:b@peer.example>", "%"):
            for code in (0, 180):
                calling, invite = self.invite()
                if code:
                    self.peer.respond(invite, code)
                    self.network.advance(0.1)
                for _ in range(2):
                    self.peer.respond(invite, 200, headers={"Contact": contact}, body=ANSWER)
                    self.assertEqual(self.peer.expect("ACK").cseqNumber, invite.cseqNumber, contact)
                if code:
                    self.endsBye()
                    self.network.advance(0.1)
                self.failureResultOf(calling, RemoteError)
                self.assertEqual(self.alice.dialogs, [], contact)
        self.assertNothingLeft()

    def test_noTag(self):
        """
        Section 12.1.2: a peer of RFC 2543 has no tag; the call stands all the same.
        """
        calling, invite = self.invite()
        self.peer.respond(invite, 200, headers={"To": invite.headers.get("to")}, body=ANSWER)
        ack = self.peer.expect("ACK")
        dialog = self.successResultOf(calling)
        self.assertEqual((ack.toTag, dialog.sip.remoteTag), ("", ""))
        dialog.destroy()
        self.endsBye()
        self.assertNothingLeft()


class ProgressTests(CallerCase):
    def test_progress(self):
        """
        Each provisional is told, with the context; the first with a tag makes an early dialog (section 12.1).
        """
        context, invite = self.context()
        self.peer.respond(invite, 100)
        self.network.advance(0.1)
        self.assertIs(context.dialog, None)
        self.peer.respond(invite, 183, body=ANSWER)
        self.network.advance(0.1)
        self.assertEqual([(c, r.statusCode) for c, r in self.notes.progress], [(context, 100), (context, 183)])
        self.assertEqual((context.dialog.state, context.dialogs), (Phase.EARLY, [context.dialog]))
        self.assertEqual(self.alice.dialogs, [context.dialog])
        self.assertEqual((context.response.statusCode, context.dialog.res.statusCode), (183, 183))
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.assertIs(self.successResultOf(context.whenAnswered()), context.dialog)
        self.assertIs(self.successResultOf(context.whenAnswered()), context.dialog)
        self.assertEqual(context.dialog.res.statusCode, 200)

    def test_userAgentsDelegate(self):
        """
        What the call's own delegate does not take comes to that of the user agent.
        """
        notes = Notes()
        agent = self.network.userAgent("sip:carol@c.example", notes)
        calling = agent.invite(BOB, body=OFFER)
        invite = self.peer.expect("INVITE")
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        self.peer.respond(invite, 486)
        self.network.advance(0.1)
        self.failureResultOf(calling, ResponseError)
        self.assertEqual([r.statusCode for _, r in notes.progress], [180])
        self.assertEqual(notes.reasons, [Reason.REJECTED])

    def test_noEarlyDialog(self):
        """
        Section 12.1: a provisional without a To tag, or with a Contact that is none, makes no dialog and harms nothing.
        """
        context, invite = self.context()
        self.peer.respond(invite, 180, headers={"To": invite.headers.get("to")})
        self.fork(invite, 183, "f1", Contact="nobody")
        self.network.advance(0.1)
        self.assertEqual((context.dialogs, len(self.notes.progress)), ([], 2))
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.successResultOf(context.whenAnswered())

    def test_withoutContact(self):
        """
        Section 12.1.1 demands a Contact; without one the early dialog's peer is where the INVITE went, until the 2xx
        says more.
        """
        context, invite = self.context()
        self.fork(invite, 183, "f1", Contact=None)
        self.network.advance(0.1)
        (dialog,) = context.dialogs
        self.assertEqual((dialog.state, dialog.remote.uri), (Phase.EARLY, invite.uriText))
        self.fork(invite, 200, "f1", Contact="<sip:desk@peer.example:5060>")
        self.network.advance(0.1)
        self.assertIs(self.successResultOf(context.whenAnswered()), dialog)
        self.assertEqual(dialog.remote.uri, "sip:desk@peer.example:5060")

    def test_delegateRaises(self):
        """
        A delegate that raises is logged, and the call goes on.
        """

        class Bad:
            def progressReceived(self, context, response):
                raise ZeroDivisionError

        calling, invite = self.invite(delegate=Bad())
        self.peer.respond(invite, 180)
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.2)
        self.successResultOf(calling)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class RefusedTests(CallerCase):
    def test_refusals(self):
        """
        A final that is no success fails the call with it, and ends its early dialogs.
        """
        for code in (300, 302, 404, 408, 480, 481, 486, 487, 488, 500, 503, 600, 603, 699):
            for early in (False, True):
                notes = Notes()
                calling, invite = self.invite(delegate=notes)
                if early:
                    self.peer.respond(invite, 180)
                self.peer.respond(invite, code)
                self.network.advance(0.1)
                error = self.failureResultOf(calling, ResponseError).value
                self.assertEqual((error.response.statusCode, error.statusCode), (code, code))
                self.assertEqual(notes.reasons, [Reason.REJECTED] if early else [])
                self.assertTrue(all(ended.byPeer and ended.message for _, ended in notes.ended))
        self.assertNothingLeft()

    def test_ackOfRefusal(self):
        """
        Section 17.1.1.3: the transaction acknowledges, with the branch of the INVITE; the application is told once.
        """
        calling, invite = self.invite()
        for _ in range(3):
            self.peer.respond(invite, 486)
            ack = self.peer.expect("ACK")
            self.assertEqual((ack.via.branch, ack.uriText), (invite.via.branch, invite.uriText))
        self.failureResultOf(calling, ResponseError)

    def test_timeout(self):
        """
        Section 17.1.1.2: nobody answers: T1, doubled each time, and after 64*T1 it is over.
        """
        calling, _ = self.invite()
        self.network.advance(31)
        self.assertNoResult(calling)
        self.network.advance(2)
        self.assertEqual(self.failureResultOf(calling, Timeout).value.statusCode, 408)
        self.assertEqual(self.network.seenBy(self.alice), ["> INVITE"] * 7)
        self.assertNothingLeft()

    def test_ringTimeout(self):
        """
        Section 17.1.1.2: a provisional stops timer B; ringTimeout bounds the wait from then on, and ends it by
        CANCEL.  Whatever rings on leaves nothing.
        """
        calling, invite = self.invite()
        self.peer.respond(invite, 183)
        self.network.advance(100)
        self.peer.respond(invite, 180)
        self.network.advance(79)
        self.assertNoResult(calling)
        self.network.advance(1.5)
        self.failureResultOf(calling, Timeout)
        self.peer.respond(self.peer.expect("CANCEL"), 200)
        self.network.advance(40)
        self.assertEqual(self.notes.reasons, [Reason.LOCAL_CANCEL])

    def test_noRingTimeout(self):
        """
        Without it, how long it may ring is the application's to say.
        """
        self.alice = self.network.userAgent("sip:patient@a.example", ringTimeout=None)
        calling, invite = self.invite()
        self.peer.respond(invite, 180)
        self.network.advance(500)
        self.assertNoResult(calling)
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(1)
        self.successResultOf(calling)

    def test_refusedAfterRinging(self):
        """
        A call nobody reaches leaves early dialogs of nobody: a lost flow ends them (section 17.1.4).
        """
        calling, invite = self.invite(f"{BOB};transport=tcp")
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        self.network.reset(self.alice, self.peer)
        self.network.advance(0.1)
        self.failureResultOf(calling, TransportError)
        self.assertEqual(self.notes.reasons, [Reason.FLOW_LOST])
        self.assertNothingLeft()

    def test_late2xx(self):
        """
        Section 17.1.1.2: a 2xx after the refusal is not for this call.
        """
        calling, invite = self.invite()
        self.peer.respond(invite, 486)
        self.network.advance(0.1)
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(1)
        self.failureResultOf(calling, ResponseError)
        self.assertEqual(self.alice.dialogs, [])
