"""
ScriptedPeer: messages as a test wants them.
"""

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer


class ScriptedCase(SynchronousTestCase):
    def setUp(self):
        self.network = MemoryNetwork()
        self.a = ScriptedPeer(self.network)
        self.b = ScriptedPeer(self.network)
        self.addCleanup(self.network.assertQuiet)


class SendTests(ScriptedCase):
    def test_bytesAsTheyAre(self):
        """
        Bytes are not touched.
        """
        for data in (b"\r\n\r\n", b"\0"):
            self.a.send(data, self.b)
        self.network.advance(1)
        self.assertEqual((self.b.raw, self.b.received), ([b"\r\n\r\n", b"\0"], []))

    def test_text(self):
        """
        Text loses its indent, gets CRLF, the length of its body and the empty line behind its headers.
        """
        self.a.send(
            """
            MESSAGE sip:b@b.example SIP/2.0
            Via: SIP/2.0/UDP a.example;branch=z9hG4bKx
            From: <sip:a@a.example>;tag=1
            To: <sip:b@b.example>
            Call-ID: 1
            CSeq: 1 MESSAGE
            Content-Length: ...

            Grüße
            """,
            self.b,
        )
        message = self.b.expect("MESSAGE")
        self.assertTrue(self.b.raw[0].startswith(b"MESSAGE sip:b@b.example SIP/2.0\r\nVia:"), self.b.raw[0])
        self.assertEqual(message.body, "Grüße\r\n".encode())
        self.assertEqual(message.headers.get("Content-Length"), "9")
        self.a.send("OPTIONS sip:b@b.example SIP/2.0\nVia: SIP/2.0/UDP a.example", ("192.0.2.77", 5060))
        self.assertIn("OPTIONS", self.network.ladder())

    def test_unreadableIsLoud(self):
        """
        A peer that gets what is no message fails the test.
        """
        self.a.send("OPTIONS sip:b@b.example SIP/2.0\nNo: via", self.b)
        self.assertRaises(AssertionError, self.network.advance, 1)

    def test_pieces(self):
        """
        Over TCP a message may be sent in pieces, over one connection.
        """
        text = (
            b"OPTIONS sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/TCP a.example;branch=z9hG4bKx\r\n"
            b"From: <sip:a@a>;tag=1\r\n"
            b"To: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        )
        for n in range(0, len(text), 40):
            self.a.send(text[n : n + 40], self.b, protocol="TCP")
            self.network.advance(0.05)
        self.b.expect("OPTIONS")
        self.assertTrue(len(self.b.raw) > 2)
        self.assertEqual((len(self.a.streams), len(self.b.streams)), (1, 1))


class ExpectTests(ScriptedCase):
    def test_notThere(self):
        """
        What does not come fails, with the ladder.
        """
        self.a.request("OPTIONS", self.b)
        text = str(self.assertRaises(AssertionError, self.b.expect, "INVITE", 1))
        self.assertIn("no INVITE came to <ScriptedPeer peer2.example 192.0.2.2:5060> in 1 s", text)
        self.assertIn("< OPTIONS", text)

    def test_bound(self):
        """
        What comes after the bound is too late.
        """
        self.network.clock.callLater(1.5, self.a.request, "OPTIONS", self.b)
        self.assertRaises(AssertionError, self.b.expect, "OPTIONS", 1)
        self.b.expect("OPTIONS", 1)

    def test_takenOnce(self):
        """
        Each message is expected once, in any order.
        """
        self.a.request("INVITE", self.b)
        invite = self.b.expect("INVITE")
        for code in (100, 180, 200):
            self.b.respond(invite, code)
        self.assertEqual(self.a.expect(200).statusCode, 200)
        self.assertEqual(self.a.expect("180 INVITE").statusCode, 180)
        self.assertRaises(AssertionError, self.a.expect, 200, 1)
        self.assertEqual([m.statusCode for m in self.a.received], [100, 180, 200])


class CallTests(ScriptedCase):
    def call(self, protocol):
        self.a.request("INVITE", self.b, body=b"v=0\r\n", protocol=protocol)
        invite = self.b.expect("INVITE")
        self.b.respond(invite, 100)
        self.b.respond(invite, 180)
        self.b.respond(invite, 200, body=b"v=0\r\n")
        ok = self.a.expect("200 INVITE")
        self.a.ack(ok)
        return invite, ok, self.b.expect("ACK")

    def test_inDialog(self):
        """
        RFC 3261 sections 12.1, 12.2.1.1 and 13.2.2.4: tags, target, CSeq and branches of a whole call, both ways.
        """
        for protocol in ("UDP", "TCP"):
            invite, ok, ack = self.call(protocol)
            self.assertEqual((ack.cseqNumber, ack.uriText), (invite.cseqNumber, str(ok.contacts[0].uri)), protocol)
            self.assertEqual((ack.callId, ack.toTag), (invite.callId, ok.toTag), protocol)
            self.assertNotEqual(ack.via.branch, invite.via.branch, protocol)
            self.assertEqual(self.a.received[-3].toTag, "", protocol)  # the 100
            self.a.request("INFO", within=ok)
            info = self.b.expect("INFO")
            self.assertEqual((info.fromTag, info.toTag), (invite.fromTag, ok.toTag), protocol)
            self.assertTrue(info.cseqNumber > ack.cseqNumber, protocol)
            self.b.respond(info, 200)
            self.a.expect("200 INFO")
            bye = self.b.request("BYE", within=invite)
            self.assertEqual((bye.fromTag, bye.toTag), (ok.toTag, invite.fromTag), protocol)
            self.assertEqual(bye.uriText, str(invite.contacts[0].uri), protocol)
            self.a.respond(self.a.expect("BYE"), 200)
            self.b.expect("200 BYE")
            self.assertEqual(info.via.transport, protocol)
            self.assertEqual(len(self.a.streams), 1 if protocol == "TCP" else 0)

    def test_refused(self):
        """
        RFC 3261 sections 9.1 and 17.1.1.3: CANCEL and the ACK of a non-2xx carry the branch of their INVITE.
        """
        sent = self.a.request("INVITE", self.b)
        invite = self.b.expect("INVITE")
        self.a.cancel(sent)
        cancel = self.b.expect("CANCEL")
        self.b.respond(cancel, 200)
        self.b.respond(invite, 487)
        self.a.ack(self.a.expect(487))
        ack = self.b.expect("ACK")
        for message in (cancel, ack):
            self.assertEqual(message.via.branch, invite.via.branch)
            self.assertEqual((message.cseqNumber, message.uriText), (invite.cseqNumber, invite.uriText))
        self.assertEqual((cancel.toTag, ack.toTag), ("", self.b.tag))

    def test_overrides(self):
        """
        Header lines can be replaced, added and left out, Content-Length included.
        """
        headers = {"Max-Forwards": "0", "X-New": "1", "Contact": None, "CSeq": "7 INVITE", "Content-Length": None}
        self.a.request("INVITE", self.b, headers=headers, uri="sip:other@b.example")
        got = self.b.expect("INVITE")
        self.assertEqual([got.headers.get(n) for n in headers], ["0", "1", None, "7 INVITE", None])
        self.assertEqual(got.uriText, "sip:other@b.example")
        self.b.respond(got, 180, "Brrr", headers={"To": "<sip:b@b.example>", "Require": "100rel"})
        answer = self.a.expect(180)
        self.assertEqual((answer.toTag, answer.reasonPhrase), ("", "Brrr"))
        self.assertEqual(answer.headers.get("Require"), "100rel")

    def test_disconnect(self):
        """
        Its connections end, on both sides.
        """
        self.call("TCP")
        self.assertEqual((len(self.a.streams), len(self.b.streams)), (1, 1))
        self.a.disconnect()
        self.network.advance(1)
        self.assertEqual((self.a.streams, self.b.streams, self.network.ends), ([], [], []))

    def test_wrongUse(self):
        """
        What cannot be meant is refused at once.
        """
        self.assertRaises(ValueError, ScriptedPeer, self.network, "peer.example")
        self.assertRaises(ValueError, self.a.request, "BYE")
        sent = self.a.request("INVITE", self.b)
        self.assertRaises(ValueError, self.b.respond, sent, 200)
