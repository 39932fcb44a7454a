"""
What a dialog shows of itself (RFC 3261 section 12, RFC 3325): the same story on both sides, for as long as it is held.
"""

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, later
from tests.ua.calling import BOB, CallerCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.testing import MemoryNetwork

PAI = '"Al" <sip:al@trusted.example>'
RPID = '"Bo" <sip:bo@trusted.example>;party=calling;privacy=full'
HOLD = OFFER.replace(b"sendrecv", b"sendonly").replace(b"o=- 1 1", b"o=- 1 2")
BACK = OFFER.replace(b"o=- 1 1", b"o=- 1 3")


class BothSidesTests(SynchronousTestCase):
    def test_mirrored(self):
        """What is local on one side is remote on the other; the id is the same for both."""
        network = MemoryNetwork()
        self.addCleanup(network.assertQuiet)
        callee = Callee()
        alice = network.userAgent("sip:alice@a.example:5070", displayName="Alice")
        bob = network.userAgent("sip:bob@b.example", callee)
        calling = alice.invite("sip:bob@b.example", body=OFFER)
        network.advance(1)
        ours, theirs = self.successResultOf(calling), callee.dialog
        self.assertEqual(ours.id, theirs.id)
        self.assertEqual(ours.id, f"{ours.sip.callId};from-tag={ours.sip.localTag};to-tag={ours.sip.remoteTag}")
        self.assertEqual((ours.role, theirs.role), ("uac", "uas"))
        self.assertEqual(ours.local, theirs.remote)
        self.assertEqual(ours.remote, theirs.local)
        for side, agent, user, tag, sdp in (
            (ours.local, alice, "alice", ours.sip.localTag, OFFER),
            (ours.remote, bob, "bob", ours.sip.remoteTag, ANSWER),
        ):
            host, port = network.addressOf(agent)
            self.assertEqual((side.user, side.signalingAddress, side.signalingPort), (user, host, port))
            self.assertEqual(side.uri, f"sip:{user}@{host}:{port}")
            self.assertEqual(side.contact, f"<{side.uri}>")
            self.assertEqual((side.tag, side.sdp, side.contentType), (tag, sdp, "application/sdp"))
        self.assertEqual((ours.callingParty, ours.calledParty), (theirs.callingParty, theirs.calledParty))
        self.assertEqual((ours.callingParty.display, ours.calledParty.user), ("Alice", "bob"))
        self.assertEqual((ours.type, ours.subscriptions, ours.other, ours.onHold), ("INVITE", [], None, False))
        self.assertIs(ours.userAgent, alice)
        ours.destroy()
        network.advance(1)

    def test_small(self):
        """A dialog has slots, not a dict: ten thousand of them are to fit."""
        network = MemoryNetwork()
        callee = Callee()
        alice = network.userAgent("sip:alice@a.example")
        network.userAgent("sip:bob@b.example", callee)
        alice.invite("sip:bob@b.example", body=OFFER)
        network.advance(1)
        for dialog in (alice.dialogs[0], callee.dialog):
            self.assertFalse(hasattr(dialog, "__dict__"))
            self.assertRaises(AttributeError, setattr, dialog, "anything", 1)
        network.assertQuiet()


class CalleesTests(CalleeTestCase):
    def test_life(self):
        """Early, pending, stable, terminated; start, connect, end."""
        self.network.advance(10)
        _agent, callee, invite = self.ring(later)
        context = callee.context
        context.data["n"] = 1
        self.assertIsNone(context.dialog)
        context.progress()
        dialog = context.dialog
        self.assertEqual((dialog.state, dialog.times.connect), (Phase.EARLY, None))
        self.assertEqual((dialog.res.statusCode, dialog.req.callId), (180, invite.callId))
        self.assertEqual((dialog.local.sdp, dialog.local.contentType, dialog.remote.sdp), (None, None, None))
        self.network.advance(3)
        context.accept(body=ANSWER)
        self.assertEqual((dialog.state, dialog.res.statusCode, dialog.times.connect), (Phase.PENDING, 200, None))
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (ANSWER, OFFER))
        self.assertIs(dialog.data, context.data)
        self.network.advance(1)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.01)
        self.assertIs(dialog.state, Phase.STABLE)
        self.network.advance(5)
        self.finalTo(self.peer.request("BYE", within=ok))
        self.assertIs(dialog.state, Phase.TERMINATED)
        times = dialog.times
        self.assertEqual([round(times.start), round(times.connect), round(times.end)], [10, 14, 19])
        self.assertEqual((dialog.ended.reason, dialog.ended.byPeer), (Reason.REMOTE_BYE, True))
        self.assertEqual(dialog.ended.message.method, "BYE")
        # It can be read after the end.
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp, dialog.data), (ANSWER, OFFER, {"n": 1}))
        self.assertEqual((dialog.req.body, dialog.res.body), (OFFER, ANSWER))

    def test_json(self):
        """toJSON() is what json.dumps takes, in each state, whatever bytes the peer put into it."""
        headers = {
            "Call-ID": "caf\udce9@x",
            "From": '"\udcff" <sip:peer@peer.example>;tag=tag-of-peer.example',
            "Contact": f"<sip:p%C3%A9@{self.peer.address[0]}>",
        }
        states = []
        _agent, callee, _invite = self.ring(later, headers=headers)
        callee.context.progress()
        dialog = callee.context.dialog

        def look(state):
            plain = json.loads(json.dumps(dialog.toJSON(), ensure_ascii=False).encode())
            self.assertEqual(plain["state"], state)
            states.append(plain)

        look("early")
        callee.context.accept(body=ANSWER)
        look("pending")
        self.peer.ack(self.peer.expect("200 INVITE"))
        self.network.advance(0.01)
        look("stable")
        dialog.destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(0.01)
        look("terminated")
        keys = {"id", "type", "role", "state", "sip", "local", "remote", "onHold", "times"}
        for plain in states:
            self.assertLessEqual(keys, set(plain))
        self.assertEqual(states[-1]["local"]["sdp"], ANSWER.decode())
        self.assertEqual(states[-1]["type"], "INVITE")
        self.assertEqual(states[-1]["times"]["end"], dialog.times.end)

    def test_callingParty(self):
        """
        Who calls: P-Asserted-Identity, Remote-Party-ID, From, in this order, where the peer is trusted (RFC 3325
        section 5); else From.
        """
        here = self.peer.address[0]
        for headers, trust, user, source, private in (
            ({}, True, "peer", "From", False),
            ({"P-Asserted-Identity": PAI, "Remote-Party-ID": RPID}, True, "al", "P-Asserted-Identity", False),
            ({"Remote-Party-ID": RPID}, True, "bo", "Remote-Party-ID", True),
            ({"P-Asserted-Identity": PAI, "Privacy": "id"}, True, "al", "P-Asserted-Identity", True),
            ({"P-Asserted-Identity": PAI, "Remote-Party-ID": RPID}, False, "peer", "From", False),
            ({"P-Asserted-Identity": PAI}, here, "al", "P-Asserted-Identity", False),
            ({"P-Asserted-Identity": PAI}, (f"{here}/32", "2001:db8::/32"), "al", "P-Asserted-Identity", False),
            ({"P-Asserted-Identity": PAI}, ("203.0.113.0/24",), "peer", "From", False),
            ({"P-Asserted-Identity": "<nonsense", "Remote-Party-ID": RPID}, True, "bo", "Remote-Party-ID", True),
        ):
            _agent, callee, ok = self.call(headers=headers, trustIdentity=trust)
            party = callee.dialog.callingParty
            case = (headers, trust)
            self.assertEqual((party.user, party.source, party.isPrivate), (user, source, private), case)
            self.assertEqual((callee.dialog.calledParty.user, callee.dialog.calledParty.source), ("desk", "To"), case)
            self.finalTo(self.peer.request("BYE", within=ok))

    def test_onHold(self):
        """On hold from either side, until both want media again (RFC 3264 section 8.4)."""
        _agent, callee, ok = self.call(lambda context: context.accept(media=FixedMedia(ANSWER)) and None)
        dialog = callee.dialog
        for body, held in ((HOLD, True), (BACK, False)):
            again = self.finalTo(self.peer.request("INVITE", within=ok, body=body))
            self.peer.ack(again)
            self.network.advance(0.01)
            self.assertEqual((dialog.onHold, dialog.remote.sdp, dialog.local.sdp), (held, body, again.body))
        for limit, held in (("hold", True), ("unhold", False)):
            changing = dialog.modify(limit)
            request = self.peer.expect("INVITE")
            answer = BACK.replace(b"sendrecv", b"recvonly" if held else b"sendrecv")
            self.peer.respond(request, 200, body=answer)
            self.network.advance(0.01)
            self.assertEqual(self.successResultOf(changing), answer)
            self.assertEqual((dialog.onHold, dialog.remote.sdp, dialog.local.sdp), (held, answer, request.body))
        self.finalTo(self.peer.request("BYE", within=ok))

    def test_refusedHold(self):
        """What is refused shows nowhere."""
        _agent, callee, ok = self.call()
        changing = callee.dialog.modify("hold")
        self.peer.respond(self.peer.expect("INVITE"), 488)
        self.network.advance(0.01)
        self.failureResultOf(changing)
        self.assertEqual((callee.dialog.onHold, callee.dialog.local.sdp), (False, ANSWER))
        self.finalTo(self.peer.request("BYE", within=ok))

    def test_moved(self):
        """A target refresh shows in remote (RFC 3261 section 12.2.2)."""
        _agent, callee, ok = self.call()
        headers = {"Contact": f'"Moved" <sip:new%20er@{self.peer.address[0]}:5060;transport=udp>;x=1'}
        self.finalTo(self.peer.request("UPDATE", within=ok, headers=headers))
        remote = callee.dialog.remote
        self.assertEqual(remote.uri, f"sip:new%20er@{self.peer.address[0]}:5060;transport=udp")
        self.assertEqual((remote.user, remote.signalingPort), ("new er", 5060))
        self.finalTo(self.peer.request("BYE", within=ok))

    def test_otherType(self):
        """A body that is no SDP says what it is."""
        _agent, callee, ok = self.call(lambda context: context.accept(body=b"x", contentType="text/x-mine") and None)
        local = callee.dialog.local
        self.assertEqual((local.sdp, local.contentType, callee.dialog.onHold), (b"x", "text/x-mine", False))
        json.dumps(callee.dialog.toJSON())
        self.finalTo(self.peer.request("BYE", within=ok))

    def test_noTag(self):
        """A caller of RFC 2543 has no tag (RFC 3261 section 12.1.1); the id says so on neither side."""
        headers = {"From": "<sip:peer@peer.example>"}
        _agent, callee, invite = self.ring(None, headers=headers)
        ok = self.peer.expect("200 INVITE")
        dialog = callee.dialog
        self.assertEqual((dialog.sip.remoteTag, dialog.remote.tag), ("", ""))
        self.assertEqual(dialog.id, f"{invite.callId};from-tag=;to-tag={ok.toTag}")
        json.dumps(dialog.toJSON())
        dialog.destroy()
        self.network.advance(70)


class CallersTests(CallerCase):
    def test_life(self):
        """As a caller's: early with the 180, stable with the ACK; req and res are those that made it."""
        context, invite = self.context(body=OFFER)
        self.assertEqual((context.dialog, context.dialogs), (None, []))
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        dialog = context.dialog
        self.assertEqual((dialog.state, dialog.res.statusCode), (Phase.EARLY, 180))
        self.assertEqual((dialog.times.connect, dialog.times.end), (None, None))
        self.assertIs(dialog.data, context.data)
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.assertIs(context.dialog, dialog)
        self.assertEqual((dialog.state, dialog.res.statusCode), (Phase.STABLE, 200))
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (OFFER, ANSWER))
        dialog.other = self
        self.assertIs(dialog.other, self)
        dialog.destroy()
        self.endsBye()
        self.assertIs(dialog.state, Phase.TERMINATED)
        self.assertIsNotNone(dialog.times.end)

    def test_calledParty(self):
        """
        Who answered may say so in the 2xx (RFC 3325 section 4), where he is trusted; else it is who was called.
        """
        here = self.peer.address[0]
        called = RPID.replace("calling", "called")
        for headers, trust, user, source in (
            ({}, True, "bob", "To"),
            ({"P-Asserted-Identity": PAI}, True, "al", "P-Asserted-Identity"),
            ({"Remote-Party-ID": called}, True, "bo", "Remote-Party-ID"),
            ({"Remote-Party-ID": RPID}, True, "bob", "To"),
            ({"P-Asserted-Identity": PAI}, False, "bob", "To"),
            ({"P-Asserted-Identity": PAI}, here, "al", "P-Asserted-Identity"),
            ({"P-Asserted-Identity": PAI}, "203.0.113.1", "bob", "To"),
        ):
            agent = self.network.userAgent(f"sip:carl@c{len(self.network.hosts())}.example", trustIdentity=trust)
            calling = agent.invite(BOB, body=OFFER)
            self.peer.respond(self.peer.expect("INVITE"), 200, headers=headers, body=ANSWER)
            self.network.advance(0.1)
            dialog = self.successResultOf(calling)
            party = dialog.calledParty
            self.assertEqual((party.user, party.source), (user, source), (headers, trust))
            self.assertEqual((dialog.callingParty.user, dialog.callingParty.source), ("carl", "From"))
            dialog.destroy()
            self.endsBye()

    def test_ownIdentity(self):
        """What we assert of ourselves is who calls, whomever we trust."""
        agent = self.network.userAgent("sip:carl@c.example", trustIdentity=False)
        calling = agent.invite(BOB, body=OFFER, extraHeaders=[("P-Asserted-Identity", PAI)])
        self.peer.respond(self.peer.expect("INVITE"), 200, body=ANSWER)
        self.network.advance(0.1)
        dialog = self.successResultOf(calling)
        self.assertEqual((dialog.callingParty.user, dialog.callingParty.display), ("al", "Al"))
        dialog.destroy()
        self.endsBye()

    def test_tcp(self):
        """The Contact of a call by TCP says so."""
        dialog, invite, _ = self.call(f"{BOB};transport=tcp")
        self.assertEqual(dialog.local.uri, str(invite.contacts[0].uri))
        self.assertIn("transport=tcp", dialog.local.uri)
        self.assertEqual(dialog.local.signalingAddress, self.network.addressOf(self.alice)[0])
        dialog.destroy()
        self.endsBye()
