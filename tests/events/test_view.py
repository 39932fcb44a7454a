"""
What a dialog shows of itself, as docs/events.rst has it.
"""

from __future__ import annotations

import json

from tests.events.case import ANSWER, BOB, OFFER, EventCase, Recorder, next_
from twisted_sipdialog import Credentials
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import ResponseError


class ViewTests(EventCase):
    def test_existsFrom2xx(self) -> None:
        """RFC 3261 section 13.3.1.4: it takes requests from the 2xx on, before the ACK."""
        dialog = self.unacknowledged()
        self.assertNoResult(self.accepting)
        self.assertEqual(self.final("OPTIONS").statusCode, 200)
        self.peer.ack(self.ok)
        self.pass_()
        self.assertIs(self.successResultOf(self.accepting), dialog)

    def test_standsAtAck(self) -> None:
        """The caller has it confirmed once the 2xx is here and the ACK went out."""
        dialog = self.calls(Recorder("dialogConfirmed"))
        self.assertEqual((dialog.state, self.notes.only("dialogConfirmed")), (Phase.STABLE, (dialog,)))
        self.assertEqual(self.count("ACK"), 1)

    def test_missingContact(self) -> None:
        """RFC 3261 section 8.1.1.8: without a Contact there is no dialog, but a 400."""
        invite = self.peer.request("INVITE", self.agent(Recorder()), headers={"Contact": None}, body=OFFER)
        self.assertEqual(self.finalTo(invite).statusCode, 400)
        self.assertEqual(self.userAgent.dialogs, [])

    def test_sip(self) -> None:
        """Call-ID and tags, each by its own side (RFC 3261 section 12)."""
        dialog, ok = self.called(), self.ok
        sip = dialog.sip
        self.assertEqual((sip.callId, sip.localTag, sip.remoteTag), (ok.callId, ok.toTag, ok.fromTag))
        sip = self.calls().sip
        self.assertEqual((sip.callId, sip.localTag), (self.invite.callId, self.invite.fromTag))
        self.assertEqual(sip.remoteTag, self.peer.tag)

    def test_localUri(self) -> None:
        """Ours is where our Contact says, also in a call of ours."""
        for dialog, message in ((self.called(), self.ok), (self.calls(), self.invite)):
            self.assertEqual(dialog.local.uri, str(message.contacts[0].uri))

    def test_localSdp(self) -> None:
        """What we said, once it is agreed."""
        for dialog in (self.called(), self.calls()):
            self.assertEqual((dialog.local.sdp, dialog.local.contentType), (ANSWER, "application/sdp"))

    def test_localContact(self) -> None:
        """The Contact we sent; re-INVITEs, and answers to those of the peer, have it again."""
        dialog = self.called()
        contact = self.ok.headers.get("contact")
        self.assertEqual(dialog.local.contact, contact)
        self.assertEqual(self.final("INVITE", body=OFFER).headers.get("contact"), contact)
        dialog.modify("hold")
        self.assertEqual(self.answer("INVITE", body=next_(OFFER)).headers.get("contact"), contact)

    def test_remoteUri(self) -> None:
        """The peer's Contact."""
        host, port = self.peer.address
        for dialog in (self.called(), self.calls()):
            self.assertEqual(dialog.remote.uri, f"sip:peer@{host}:{port}")

    def test_remoteSdp(self) -> None:
        """What the peer said."""
        for dialog in (self.called(), self.calls()):
            self.assertEqual((dialog.remote.sdp, dialog.remote.contentType), (OFFER, "application/sdp"))

    def test_role(self) -> None:
        """Who sent the INVITE."""
        self.assertEqual((self.called().role, self.calls().role), ("uas", "uac"))

    def test_messages(self) -> None:
        """The INVITE and the response that made it."""
        dialog = self.called()
        self.assertEqual((dialog.req.method, dialog.req.callId), ("INVITE", self.invite.callId))
        self.assertEqual((dialog.res.statusCode, dialog.res.toTag), (200, self.ok.toTag))
        dialog = self.calls()
        self.assertEqual((dialog.req.callId, dialog.res.statusCode), (self.invite.callId, 200))

    def test_credentials(self) -> None:
        """One set of credentials answers whatever is challenged within the call."""
        dialog = self.called(credentials=[Credentials("desk", "secret", "b.example")])
        asking = dialog.request("INFO")
        self.peer.respond(self.challenge("INFO"), 200)
        self.pass_()
        self.assertEqual(self.successResultOf(asking).statusCode, 200)

    def test_onHold(self) -> None:
        """Either side's hold, and only when it is agreed."""
        dialog = self.called()
        self.assertFalse(dialog.onHold)
        self.final("INVITE", body=next_(OFFER, (b"sendrecv", b"inactive")))
        self.assertTrue(dialog.onHold)
        self.final("INVITE", body=next_(OFFER).replace(b"- 1 2", b"- 1 3"))
        self.assertFalse(dialog.onHold)

    def test_connected(self) -> None:
        """Until it ended."""
        dialog = self.called()
        self.assertEqual((dialog.state, dialog.ended), (Phase.STABLE, None))
        self.final("BYE")
        self.assertEqual(dialog.state, Phase.TERMINATED)
        self.assertIsNotNone(dialog.ended)

    def test_id(self) -> None:
        """One text for Call-ID and both tags: the same on both sides, and unlike that of another fork."""
        dialog = self.called()
        ok = self.ok
        self.assertEqual(dialog.id, f"{ok.callId};from-tag={ok.fromTag};to-tag={ok.toTag}")
        dialog = self.calls()
        invite = self.invite
        self.assertEqual(dialog.id, f"{invite.callId};from-tag={invite.fromTag};to-tag={self.peer.tag}")

    def test_type(self) -> None:
        """The method that made it; SUBSCRIBE makes none that is a call."""
        self.assertEqual(self.called().type, "INVITE")
        self.app.subscribeReceived = lambda context: context.accept() and None
        accepted = self.peer.request("SUBSCRIBE", self.userAgent, headers={"Event": "presence"})
        self.assertEqual(self.finalTo(accepted).statusCode, 200)
        self.assertEqual(self.userAgent.dialogs, [self.dialog])

    def test_subscriptions(self) -> None:
        """Of either side, as long as they last; none in a call that nobody subscribed in."""
        dialog = self.called(Recorder(subscribeReceived=lambda context: context.accept() and None))
        self.assertEqual(dialog.subscriptions, [])
        self.assertEqual(self.final("SUBSCRIBE", headers={"Event": "dialog"}).statusCode, 200)
        self.assertEqual(dialog.subscriptions, ["dialog"])
        self.answer("NOTIFY")
        self.assertEqual(self.final("SUBSCRIBE", headers={"Event": "dialog", "Expires": "0"}).statusCode, 200)
        self.answer("NOTIFY")
        self.assertEqual((dialog.subscriptions, dialog.ended), ([], None))

    def test_other(self) -> None:
        """The application's: the other leg of its call."""
        first, second = self.called(), self.calls()
        self.assertIsNone(first.other)
        first.other, second.other = second, first
        self.assertIs(first.other.other, first)

    def test_keptRequests(self) -> None:
        """answerLater() keeps requests; each of them can be answered when it is time, or is answered for us."""
        kept = []

        def infoReceived(context):
            context.answerLater()
            kept.append(context)

        dialog = self.called(Recorder(infoReceived=infoReceived))
        first, second = [self.peer.request("INFO", within=self.ok) for _ in range(2)]
        self.pass_()
        kept[0].accept()
        self.assertEqual(self.finalTo(first).statusCode, 200)
        dialog.destroy()
        self.answer("BYE")
        self.pass_(31)
        self.assertEqual(self.finalTo(second).statusCode, 500)

    def test_toJSON(self) -> None:
        """What it is, for json.dumps."""
        dialog = self.called()
        told = json.loads(json.dumps(dialog.toJSON()))
        names = {"id", "type", "role", "state", "sip", "local", "remote", "onHold", "times"}
        self.assertEqual(set(told), names)
        self.assertEqual((told["id"], told["sip"]["callId"]), (dialog.id, self.ok.callId))
        self.assertEqual(told["local"]["sdp"], ANSWER.decode())

    # Of drachtio-dialog.

    def test_states(self) -> None:
        """Early from the first provisional, pending until the ACK, stable until the end."""
        self.assertEqual([phase.value for phase in Phase], ["early", "pending", "stable", "terminated"])
        context = self.ring()
        context.progress()
        seen = [context.dialog.state]
        context.accept(body=ANSWER)
        seen.append(context.dialog.state)
        self.within = self.peer.expect("200 INVITE")
        self.peer.ack(self.within)
        self.pass_()
        seen.append(context.dialog.state)
        self.final("BYE")
        self.assertEqual([*seen, context.dialog.state], list(Phase))

    def test_data(self) -> None:
        """The application's own: of the invitation, and then of the dialog."""
        context = self.ring()
        context.data["caller"] = "vip"
        context.progress()
        self.assertIs(context.dialog.data, context.data)
        dialog = self.calls()
        dialog.data["leg"] = 1
        self.assertEqual(dialog.data, {"leg": 1})

    def test_times(self) -> None:
        """Seconds of the INVITE, the ACK and the end."""
        begin = self.network.clock.seconds()
        dialog = self.unacknowledged()
        start = dialog.times.start
        self.assertIsNone(dialog.times.connect)
        self.pass_(2)
        self.peer.ack(self.ok)
        self.pass_(3)
        self.assertIsNone(dialog.times.end)
        self.final("BYE")
        times = dialog.times
        self.assertEqual([round(times.connect - start), round(times.end - times.connect)], [2, 3])
        self.assertLess(self.network.clock.seconds() - begin, 6)

    def test_callingParty(self) -> None:
        """P-Asserted-Identity before Remote-Party-ID before From (RFC 3325)."""
        headers = {"From": '"Peer" <sip:peer@peer.example>;tag=' + self.peer.tag}
        self.assertParty(headers, "peer", "Peer", "From")
        headers["Remote-Party-ID"] = '"Desk 2" <sip:200@peer.example>;party=calling'
        self.assertParty(headers, "200", "Desk 2", "Remote-Party-ID")
        headers["P-Asserted-Identity"] = '"Boss" <sip:100@peer.example>'
        self.assertParty(headers, "100", "Boss", "P-Asserted-Identity")

    def assertParty(self, headers, user, display, source):
        party = self.called(headers=headers).callingParty
        self.assertEqual((party.user, party.display, party.source), (user, display, source))

    def test_trustIdentity(self) -> None:
        """RFC 3325 section 5: who is not trusted says no more than From."""
        headers = {"P-Asserted-Identity": "<sip:100@peer.example>"}
        self.assertEqual(self.called(headers=headers, trustIdentity=False).callingParty.source, "From")
        self.assertEqual(self.called(headers=headers, trustIdentity="198.51.100.0/24").callingParty.source, "From")

    def test_privacy(self) -> None:
        """The Privacy header (RFC 3323), or the parameter of Remote-Party-ID."""
        party = self.called(headers={"Privacy": "id"}).callingParty
        self.assertEqual((party.privacy, party.isPrivate), (("id",), True))
        party = self.called(headers={"Remote-Party-ID": "<sip:200@peer.example>;privacy=full"}).callingParty
        self.assertEqual((party.privacy, party.isPrivate), (("full",), True))

    def test_calledParty(self) -> None:
        """To; in a call of ours the one who answered, if the network says so."""
        self.assertEqual(self.called().calledParty.source, "To")
        party = self.calls(more={"P-Asserted-Identity": '"Bob" <sip:42@peer.example>'}).calledParty
        self.assertEqual((party.user, party.display, party.source), ("42", "Bob", "P-Asserted-Identity"))

    def test_sides(self) -> None:
        """Tag, description and its type, user, of either side."""
        dialog = self.called()
        local, remote = dialog.local, dialog.remote
        self.assertEqual((local.tag, local.sdp, local.contentType), (self.ok.toTag, ANSWER, "application/sdp"))
        self.assertEqual((remote.tag, remote.sdp), (self.peer.tag, OFFER))
        self.assertEqual((local.user, remote.user), ("desk", "peer"))

    def test_signalingAddress(self) -> None:
        """Host and port of the Contact, of either side and in either role."""
        for call in (self.called, self.calls):
            dialog = call()
            local, remote = dialog.local, dialog.remote
            self.assertEqual((remote.signalingAddress, remote.signalingPort), self.peer.address)
            ours = self.network.addressOf(self.userAgent)
            self.assertEqual((local.signalingAddress, local.signalingPort), ours)
        dialog = self.called(headers={"Contact": "<sip:peer@192.0.2.1>"})
        self.assertEqual(dialog.remote.signalingPort, 5060)

    def test_find(self) -> None:
        """The user agent knows its dialogs: all of them, by Call-ID, and by a Replaces header (RFC 3891 section 3)."""
        dialog = self.called()
        sip = dialog.sip
        self.assertEqual(self.userAgent.dialogs, [dialog])
        self.assertEqual(self.userAgent.dialogsByCallId(sip.callId), [dialog])
        named = f"{sip.callId};to-tag={sip.localTag};from-tag={sip.remoteTag}"
        self.assertIs(self.userAgent.dialogByReplaces(named), dialog)
        self.assertIsNone(self.userAgent.dialogByReplaces(named.replace("to-tag=", "to-tag=x")))

    def test_onlyInvite(self) -> None:
        """Nothing but an INVITE makes a call."""
        self.called()
        asking = self.userAgent.request("OPTIONS", BOB)
        self.answer("OPTIONS")
        self.assertEqual(self.successResultOf(asking).statusCode, 200)
        self.assertEqual(len(self.userAgent.dialogs), 1)
        calling = self.calling()
        self.peer.respond(self.invite, 486)
        self.pass_()
        self.failureResultOf(calling, ResponseError)
        self.assertEqual(self.userAgent.dialogs, [])
