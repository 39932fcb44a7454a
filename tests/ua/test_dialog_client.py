"""
The caller's side of a call that stands (RFC 3261 sections 12.2.1, 15.1.1, RFC 5057).
"""

from tests.ua.calling import ANSWER, BOB, OFFER, CallerCase, Notes
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import DialogTerminated, InvalidValue, Timeout, TransportError
from twisted_sipdialog.interfaces import IDialog


class AttributesTests(CallerCase):
    def test_attributes(self):
        """
        What the dialog says of itself is what the messages said.
        """
        context, invite = self.context()
        context.data["mine"] = 1
        self.network.advance(2)
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        dialog = self.successResultOf(context.whenAnswered())
        contact = invite.contacts[0].uri
        self.assertTrue(IDialog.providedBy(dialog))
        self.assertEqual((dialog.role, dialog.type, dialog.state), ("uac", "INVITE", Phase.STABLE))
        self.assertEqual(dialog.id, f"{invite.callId};from-tag={invite.fromTag};to-tag={self.peer.tag}")
        sip = dialog.sip
        self.assertEqual((sip.callId, sip.localTag, sip.remoteTag), (invite.callId, invite.fromTag, self.peer.tag))
        self.assertEqual((dialog.local.uri, dialog.local.contact), (str(contact), invite.headers.get("Contact")))
        self.assertEqual((dialog.local.sdp, dialog.local.tag), (OFFER, invite.fromTag))
        self.assertEqual(
            (dialog.remote.uri, dialog.remote.tag), (f"sip:peer@{self.peer.address[0]}:5060", self.peer.tag)
        )
        self.assertEqual((dialog.remote.sdp, dialog.ended), (ANSWER, None))
        self.assertIs(dialog.data, context.data)
        self.assertEqual(dialog.data, {"mine": 1})
        self.assertIs(dialog.userAgent, self.alice)

    def test_messagesStayReadable(self):
        """
        The messages that made it can be read for as long as it lives, and after.
        """
        dialog, invite, _ = self.call()
        for _ in range(2):
            for name in ("Call-ID", "From", "Contact", "Via", "CSeq"):
                self.assertEqual(dialog.req.headers.get(name), invite.headers.get(name), name)
            self.assertEqual((dialog.req.body, dialog.res.body, dialog.res.statusCode), (OFFER, ANSWER, 200))
            self.assertEqual((dialog.res.toTag, dialog.req.uriText), (self.peer.tag, BOB))
            if dialog.ended is None:
                dialog.destroy()
                self.endsBye()

    def test_times(self):
        """
        Seconds of the INVITE, the ACK, the end.
        """
        self.network.advance(10)
        calling, invite = self.invite()
        self.network.advance(2)
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(1)
        dialog = self.successResultOf(calling)
        self.assertEqual(dialog.times.end, None)
        self.peer.request("BYE", within=invite)
        self.network.advance(1)
        times = dialog.times
        self.assertAlmostEqual(times.start, 10, places=1)
        self.assertAlmostEqual(times.connect, 12, places=1)
        self.assertAlmostEqual(times.end, 13, places=1)

    def test_sameIdOnBothSides(self):
        """
        Both ends know the dialog by the same id, with tags and roles mirrored.
        """

        class Answering(Notes):
            def inviteReceived(self, context):
                context.accept(body=ANSWER)

        callee = self.network.userAgent("sip:carol@c.example", Answering())
        calling = self.alice.invite("sip:carol@c.example", body=OFFER)
        self.network.advance(1)
        ours, theirs = self.successResultOf(calling), callee.dialogs[0]
        self.assertEqual((ours.id, ours.role, theirs.role), (theirs.id, "uac", "uas"))
        self.assertEqual((ours.sip.localTag, ours.sip.remoteTag), (theirs.sip.remoteTag, theirs.sip.localTag))
        self.assertEqual((ours.local.uri, ours.remote.uri), (theirs.remote.uri, theirs.local.uri))
        self.assertEqual((ours.local.sdp, ours.remote.sdp), (theirs.remote.sdp, theirs.local.sdp))


class RequestTests(CallerCase):
    def test_asTheDialogSays(self):
        """
        Section 12.2.1.1: tags, Call-ID, target of the dialog; CSeq one more each time; no Contact where none belongs.
        """
        dialog, invite, _ = self.call()
        for n, method in enumerate(("INFO", "MESSAGE", "OPTIONS", "SUMMON"), 1):
            asking = dialog.request(method, b"x" if n == 2 else b"", extraHeaders=[("X-N", str(n))])
            request = self.peer.expect(method)
            self.assertEqual((request.cseqNumber, request.cseqMethod), (invite.cseqNumber + n, method))
            self.assertEqual((request.callId, request.fromTag, request.toTag), dialog.dialogState.id)
            self.assertEqual((request.uriText, request.headers.get("X-N")), (dialog.remote.uri, str(n)))
            self.assertEqual(str(request.from_.uri), "sip:alice@a.example")
            self.assertEqual(str(request.to.uri), BOB)
            self.peer.respond(request, 100)
            self.network.advance(0.1)
            self.assertNoResult(asking)
            self.peer.respond(request, 200 if n < 3 else 501)
            self.network.advance(0.1)
            self.assertEqual(self.successResultOf(asking).statusCode, 200 if n < 3 else 501)
        self.assertIs(dialog.state, Phase.STABLE)

    def test_refused(self):
        """
        What the dialog sends by itself, and what is no method or no header, is refused; nothing is sent.
        """
        dialog, _, _ = self.call()
        for method in ("INVITE", "ACK", "CANCEL", "BYE", "PRACK", "", "IN FO", "INFO\r\nX: 1"):
            with self.assertRaises(InvalidValue, msg=method):
                dialog.request(method)
        self.assertRaises(InvalidValue, dialog.request, "INFO", extraHeaders=[("X", "a\r\nY: b")])
        for name in ("RSeq", "RAck", "Session-Expires", "Min-SE"):
            self.assertRaises(InvalidValue, dialog.modify, "hold", extraHeaders=[(name, "300")])
        self.assertRaises(InvalidValue, dialog.request, "INFO", b"x", "text/plain\r\nY: b")
        self.assertRaises(InvalidValue, dialog.destroy, [("X", "a\r\nY: b")])
        self.network.advance(1)
        self.assertEqual(self.network.seenBy(self.alice), ["> INVITE", "< 200 INVITE", "> ACK"])

    def test_afterTheEnd(self):
        """
        After the end, and from destroy() on, a request fails with DialogTerminated; nothing is sent (SEEDS 3.1).
        """
        dialog, _, _ = self.call()
        dialog.destroy()
        self.failureResultOf(dialog.request("INFO"), DialogTerminated)
        self.endsBye()
        error = self.failureResultOf(dialog.request("INFO"), DialogTerminated).value
        self.assertIs(error.ended, dialog.ended)
        self.assertEqual(self.count("INFO"), 0)

    def test_481(self):
        """
        RFC 5057 section 5.1: 481 to whatever is asked ends the call, by BYE, told once; so do those that say the
        peer is not there.
        """
        for code in (404, 410, 416, 481, 482, 483, 484, 485, 502, 604):
            notes = Notes()
            dialog, _, _ = self.call(delegate=notes)
            first, second = dialog.request("INFO"), dialog.request("MESSAGE")
            self.peer.respond(self.peer.expect("INFO"), code)
            self.peer.respond(self.peer.expect("MESSAGE"), code)
            bye = self.peer.expect("BYE")
            self.peer.respond(bye, 481)
            self.network.advance(0.1)
            self.assertEqual([self.successResultOf(d).statusCode for d in (first, second)], [code, code])
            self.assertEqual(notes.reasons, [Reason.DIALOG_ERROR], code)
        self.assertEqual(self.count("BYE"), 10)
        self.assertNothingLeft()

    def test_othersAreHarmless(self):
        """
        RFC 5057 section 5.1: other refusals concern the request alone; 408 to INFO does not end the call.
        """
        dialog, _, _ = self.call()
        for code in (
            302,
            400,
            401,
            403,
            405,
            406,
            408,
            415,
            420,
            469,
            480,
            486,
            488,
            491,
            500,
            501,
            503,
            504,
            600,
            603,
        ):
            asking = dialog.request("INFO")
            self.peer.respond(self.peer.expect("INFO"), code)
            self.network.advance(0.1)
            self.assertEqual(self.successResultOf(asking).statusCode, code)
            self.assertIs(dialog.state, Phase.STABLE, code)
        self.assertEqual(self.count("BYE"), 0)

    def test_timeout(self):
        """
        INFO that nobody answers fails alone; the call goes on (J#923).
        """
        dialog, _, _ = self.call()
        asking = dialog.request("INFO")
        self.network.advance(33)
        self.failureResultOf(asking, Timeout)
        self.assertEqual((dialog.state, self.notes.ended), (Phase.STABLE, []))

    def test_peerHangsUpMeanwhile(self):
        """
        A BYE while a request of ours is open: the request still ends.
        """
        dialog, invite, _ = self.call()
        asking = dialog.request("INFO")
        info = self.peer.expect("INFO")
        self.peer.request("BYE", within=invite)
        self.peer.expect("200 BYE")
        self.peer.respond(info, 487)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(asking).statusCode, 487)
        self.assertEqual(self.notes.reasons, [Reason.REMOTE_BYE])
        self.assertNothingLeft()

    def test_stop(self):
        """
        The service stops before the answer: the request fails.
        """
        dialog, _, _ = self.call()
        asking = dialog.request("INFO")
        self.alice.stopService()
        self.network.advance(20)
        self.failureResultOf(asking, TransportError)
        self.assertEqual(self.alice.leftovers(), [])


class DestroyTests(CallerCase):
    def test_bye(self):
        """
        Section 15.1.1: BYE with the next CSeq; the outcome is that BYE, once it is answered.
        """
        dialog, invite, _ = self.call()
        ending = dialog.destroy([("X-Why", "bored")], reason='he said "bye"')
        bye = self.peer.expect("BYE")
        self.assertEqual((bye.cseqNumber, bye.uriText), (invite.cseqNumber + 1, dialog.remote.uri))
        self.assertEqual(bye.headers.get("X-Why"), "bored")
        self.assertEqual(bye.headers.get("Reason"), 'SIP;cause=200;text="he said \\"bye\\""')
        self.assertIs(dialog.state, Phase.TERMINATED)
        self.assertNoResult(ending)
        self.peer.respond(bye, 200)
        self.network.advance(0.1)
        sent = self.successResultOf(ending)
        self.assertEqual((sent.method, sent.cseqNumber), ("BYE", bye.cseqNumber))
        (told,) = self.notes.ended
        self.assertEqual((told[0], told[1].reason, told[1].byPeer), (dialog, Reason.LOCAL_BYE, False))
        self.assertEqual(told[1].message.statusCode, 200)

    def test_anyOutcome(self):
        """
        Whatever comes back, or nothing: the session is over (section 15.1.1), and destroy() has done its work.
        """
        for code in (200, 202, 400, 404, 408, 481, 500, 503, 603, None):
            dialog, _, _ = self.call()
            ending = dialog.destroy()
            bye = self.peer.expect("BYE")
            if code is not None:
                self.peer.respond(bye, code)
            self.network.advance(0.1 if code else 33)
            self.assertEqual(self.successResultOf(ending).method, "BYE")
            self.assertEqual(self.notes.reasons.pop(), Reason.LOCAL_BYE)
            self.assertEqual(self.alice.dialogs, [])
        self.assertEqual(len(self.notes.ended), 10)
        self.assertNothingLeft()

    def test_again(self):
        """
        Repeating it gives the same outcome; there is one BYE.
        """
        dialog, _, _ = self.call()
        endings = [dialog.destroy(), dialog.terminate(), dialog.destroy()]
        self.endsBye()
        endings.append(dialog.destroy())
        self.assertEqual(len({id(self.successResultOf(ending)) for ending in endings}), 1)
        self.assertEqual(self.count("BYE"), 1)

    def test_afterRemoteBye(self):
        """
        Nothing is sent when the peer was first.
        """
        dialog, invite, _ = self.call()
        self.peer.request("BYE", within=invite)
        self.peer.expect("200 BYE")
        self.assertIs(self.successResultOf(dialog.destroy()), None)
        self.network.advance(1)
        self.assertEqual(self.count("BYE"), 0)

    def test_crossing(self):
        """
        Both hang up at once: both BYEs are answered, each side is told once.
        """
        dialog, invite, _ = self.call()
        ending = dialog.destroy()
        self.peer.request("BYE", within=invite)
        bye = self.peer.expect("BYE")
        self.assertEqual(self.peer.expect("200 BYE").statusCode, 200)
        self.peer.respond(bye, 481)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(ending).method, "BYE")
        self.assertEqual(len(self.notes.ended), 1)
        self.assertNothingLeft()

    def test_duringOurOwnBye(self):
        """
        While a BYE that we send for another reason is on its way, destroy() waits for that one.
        """
        dialog, _, _ = self.call()
        dialog.request("INFO")
        self.peer.respond(self.peer.expect("INFO"), 481)
        bye = self.peer.expect("BYE")
        ending = dialog.destroy()
        self.assertNoResult(ending)
        self.peer.respond(bye, 200)
        self.network.advance(0.1)
        self.assertEqual((self.successResultOf(ending).method, self.count("BYE")), ("BYE", 1))

    def test_requestAfterOurBye(self):
        """
        What the peer asks after our BYE is answered 481 (B15).
        """
        dialog, invite, _ = self.call()
        dialog.destroy()
        bye = self.peer.expect("BYE")
        for method in ("INVITE", "INFO", "OPTIONS"):
            self.peer.request(method, within=invite)
            self.peer.expect(f"481 {method}")
        self.peer.respond(bye, 200)
        self.assertNothingLeft()

    def test_whenTerminated(self):
        """
        A fresh Deferred for each caller, also when asked late.
        """
        dialog, invite, _ = self.call()
        first, second = dialog.whenTerminated(), dialog.whenTerminated()
        first.cancel()
        self.failureResultOf(first)
        self.assertNoResult(second)
        self.peer.request("BYE", within=invite)
        self.peer.expect("200 BYE")
        ended = self.successResultOf(second)
        self.assertEqual((ended.reason, ended.byPeer, ended.message.method), (Reason.REMOTE_BYE, True, "BYE"))
        self.assertIs(self.successResultOf(dialog.whenTerminated()), ended)

    def test_delegateHangsUpAtOnce(self):
        """
        A delegate may call straight back in: BYE from dialogConfirmed goes after the ACK.
        """

        class Hasty(Notes):
            def dialogConfirmed(self, dialog):
                dialog.destroy()

        _calling, invite = self.invite(delegate=Hasty())
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.assertEqual(self.network.seenBy(self.alice)[:4], ["> INVITE", "< 200 INVITE", "> ACK", "> BYE"])
        self.endsBye()
        self.assertNothingLeft()
