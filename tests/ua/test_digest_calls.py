"""
Challenges to our requests (RFC 3261 section 22, RFC 7616).
"""

from twisted.internet.defer import CancelledError

from tests.ua.calling import ANSWER, BOB, CallerCase, challenge, proven
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.message.auth_fields import AuthorizationField

TCP = f"{BOB};transport=tcp"


class DigestCase(CallerCase):
    def challenge(self, request, code=401, *challenges, name=None):
        """Refuse C{request} until it is proven who asks."""
        name = name or ("WWW-Authenticate" if code == 401 else "Proxy-Authenticate")
        for value in challenges or (challenge(),):
            self.peer.respond(request, code, headers={name: value})


class ChallengedCallTests(DigestCase):
    settings = {"credentials": [Credentials("alice", "wonderland", realm="example.com")]}

    def test_answered(self):
        """
        Sections 8.1.3.5, 22.2: the same Call-ID, From tag and To, CSeq one higher, a new branch, and the proof.
        """
        for code, name in ((401, "Authorization"), (407, "Proxy-Authorization")):
            calling, first = self.invite()
            self.assertEqual(first.headers.get(name), None)
            self.challenge(first, code)
            second = self.peer.expect("INVITE")
            for header in ("From", "To", "Call-ID", "Contact", "Content-Type"):
                self.assertEqual(second.headers.get(header), first.headers.get(header), header)
            self.assertEqual((second.cseqNumber, second.uriText, second.body), (first.cseqNumber + 1, BOB, first.body))
            self.assertNotEqual(second.via.branch, first.via.branch)
            self.assertEqual(proven(second, name=name)["nc"], "00000001")
            self.assertEqual(proven(second, name=name)["uri"], second.uriText)
            self.peer.respond(second, 200, body=ANSWER)
            ack = self.peer.expect("ACK")  # of the challenge
            self.assertEqual(ack.via.branch, first.via.branch)
            ack = self.peer.expect("ACK")
            self.successResultOf(calling)
            # Sections 22.1, 13.2.2.4: the ACK repeats the credentials.
            self.assertEqual(ack.headers.get(name), second.headers.get(name))
            self.assertEqual(ack.cseqNumber, second.cseqNumber)

    def test_notTold(self):
        """
        A challenge that is answered is no news: neither progress nor a final.
        """
        calling, first = self.invite()
        self.challenge(first)
        self.peer.respond(self.peer.expect("INVITE"), 180)
        self.network.advance(0.1)
        self.assertEqual([r.statusCode for _, r in self.notes.progress], [180])
        self.assertNoResult(calling)

    def test_wrongPassword(self):
        """
        Section 22.1: who refuses our proof gets no other one (B25): two tries, then the refusal.
        """
        for nonces in (("n1", "n1"), ("n1", "n2")):
            calling, invite = self.invite()
            self.challenge(invite, 401, challenge(nonce=nonces[0]))
            self.challenge(self.peer.expect("INVITE"), 401, challenge(nonce=nonces[1]))
            self.network.advance(40)
            self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 401)
            self.assertEqual(self.count("INVITE"), 2)
            self.peer.received.clear()
        self.assertNothingLeft()

    def test_stale(self):
        """
        RFC 7616 section 3.3: a stale nonce is replaced, once.
        """
        calling, invite = self.invite()
        self.challenge(invite, 401, challenge(nonce="n1"))
        for nonce in ("n2", "n3", "n4", "n5"):
            invite = self.peer.expect("INVITE")
            self.challenge(invite, 401, challenge(nonce=nonce, more=", stale=TRUE"))
            if nonce == "n3":
                break
        self.network.advance(40)
        self.assertEqual((proven(invite)["nonce"], self.count("INVITE")), ("n2", 3))
        self.failureResultOf(calling, ResponseError)

    def test_notOurRealm(self):
        """
        Nobody but the realm of the credentials gets a proof: not other names, not other cases (B33).
        """
        for realm in ("other.example", "EXAMPLE.com", "example.com.evil.example", ""):
            for code in (401, 407):
                calling, invite = self.invite()
                self.challenge(invite, code, challenge(realm))
                self.network.advance(1)
                self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, code)
        self.assertEqual(self.count("INVITE"), 8)
        self.assertNothingLeft()

    def test_malformed(self):
        """
        A challenge that says nothing we can answer is a plain refusal.
        """
        cases = (
            None,
            "",
            'Basic realm="example.com"',
            "Digest",
            'Digest realm="example.com"',
            "Digest realm=example.com,",
        )
        for value in (*cases, 'Digest realm="example.com", nonce="x", algorithm=SHA-7', 'Digest realm="example.com'):
            calling, invite = self.invite()
            self.peer.respond(invite, 401, headers={"WWW-Authenticate": value})
            self.network.advance(1)
            self.failureResultOf(calling, ResponseError)
        self.assertEqual(self.count("INVITE"), 8)

    def test_several(self):
        """
        RFC 8760 section 2.4: of several challenges the topmost that we can and may answer is answered.
        """
        _calling, invite = self.invite()
        first, second = challenge("other.example"), challenge(nonce="ours")
        text = 'Digest realm="example.com", nonce="sha", algorithm=SHA-999, qop="auth"'
        lines = "".join(f"WWW-Authenticate: {value}\r\n" for value in (first, text, second))
        answer = (
            invite.response(401, toTag="t").toBytes().replace(b"Content-Length", lines.encode() + b"Content-Length")
        )
        self.peer.send(answer, self.alice)
        again = self.peer.expect("INVITE")
        self.assertEqual((proven(again)["nonce"], len(again.headers.getAll("Authorization"))), ("ours", 1))

    def test_proxyAndServer(self):
        """
        Section 22.3: a proxy asks, then the callee behind it: both get their proofs.
        """
        _calling, invite = self.invite()
        self.challenge(invite, 407, challenge(nonce="proxy"))
        again = self.peer.expect("INVITE")
        self.challenge(again, 401, challenge(nonce="server"))
        third = self.peer.expect("INVITE")
        self.assertEqual(proven(third, name="Authorization")["nonce"], "server")
        self.assertEqual(proven(third, name="Proxy-Authorization")["nonce"], "proxy")
        self.assertEqual(third.cseqNumber, invite.cseqNumber + 2)

    def test_sameAddress(self):
        """
        The proof goes to the address that asked, not to the first of the name.
        """
        _calling, invite = self.invite(TCP)
        self.challenge(invite)
        again = self.peer.expect("INVITE")
        self.assertEqual((again.via.transport, len(self.peer.streams)), ("TCP", 1))
        self.assertIsNot(proven(again), None)

    def test_grownOverOneDatagram(self):
        """
        Section 18.1.1: with its proof a request may be too long for UDP.
        """
        body = ANSWER + b"a=x:" + b"y" * 540 + b"\r\n"
        calling, invite = self.invite(body=body)
        self.assertEqual(invite.via.transport, "UDP")
        self.challenge(invite, 401, challenge(nonce="n" * 200))
        again = self.peer.expect("INVITE")
        self.assertTrue(len(again.toBytes()) > 1300)
        self.assertEqual(again.via.transport, "TCP")
        self.peer.respond(again, 200, body=ANSWER)
        self.network.advance(0.1)
        self.successResultOf(calling)

    def test_inDialog(self):
        """
        The dialog knows the nonce: its requests carry the proof at once, each with the next nc (SEEDS 3.16).
        """
        calling, invite = self.invite()
        self.challenge(invite)
        self.peer.respond(self.peer.expect("INVITE"), 200, body=ANSWER)
        self.network.advance(0.1)
        dialog = self.successResultOf(calling)
        for method, nc in (("INFO", "00000002"), ("MESSAGE", "00000003"), ("BYE", "00000004")):
            done = dialog.request(method) if method != "BYE" else dialog.destroy()
            request = self.peer.expect(method)
            p = proven(request)
            self.assertEqual((p["nc"], p["nonce"], p["uri"]), (nc, "n1", request.uriText), method)
            self.assertEqual(request.cseqNumber, invite.cseqNumber + int(nc))
            self.peer.respond(request, 200)
            self.network.advance(0.1)
            self.successResultOf(done)

    def test_byeChallenged(self):
        """
        A challenge to the BYE is answered, in the dialog (D-srv#190).
        """
        for code, name in ((401, "Authorization"), (407, "Proxy-Authorization")):
            dialog, _invite, _ = self.call()
            ending = dialog.destroy()
            bye = self.peer.expect("BYE")
            self.challenge(bye, code)
            again = self.peer.expect("BYE")
            self.assertIsNot(proven(again, name=name), None)
            self.assertEqual((again.cseqNumber, again.toTag), (bye.cseqNumber + 1, bye.toTag))
            self.assertNoResult(ending)
            self.peer.respond(again, 200)
            self.network.advance(0.1)
            self.assertEqual(self.successResultOf(ending).cseqNumber, again.cseqNumber)
        self.assertNothingLeft()

    def test_byeChallengedByStranger(self):
        """
        A peer that challenges our BYE from a realm of its own learns nothing, and the call is over (B33).
        """
        dialog, _, _ = self.call()
        ending = dialog.destroy()
        self.challenge(self.peer.expect("BYE"), 407, challenge("evil.example"))
        self.network.advance(40)
        self.successResultOf(ending)
        self.assertEqual(self.count("BYE"), 1)
        self.assertNothingLeft()

    def test_calledDialog(self):
        """
        A dialog that the peer began answers challenges to our BYE as well.
        """

        class Answering:
            def inviteReceived(self, context):
                context.accept(body=ANSWER)

        self.alice._core.delegate = Answering()
        self.peer.request("INVITE", self.alice, body=ANSWER)
        self.peer.ack(self.peer.expect("200 INVITE"))
        self.network.advance(0.1)
        (dialog,) = self.alice.dialogs
        dialog.destroy()
        self.challenge(self.peer.expect("BYE"))
        again = self.peer.expect("BYE")
        self.assertIsNot(proven(again), None)
        self.peer.respond(again, 200)
        self.assertNothingLeft()

    def test_nextNonce(self):
        """
        RFC 7616 section 3.5: the next nonce that a 2xx names is used from then on, with nc 1.
        """
        dialog, _, _ = self.call()
        dialog.request("INFO")
        self.challenge(self.peer.expect("INFO"))
        info = self.peer.expect("INFO")
        self.peer.respond(info, 200, headers={"Authentication-Info": 'nextnonce="n2"'})
        self.network.advance(0.1)
        dialog.request("INFO")
        info = self.peer.expect("INFO")
        self.assertEqual((proven(info)["nonce"], proven(info)["nc"]), ("n2", "00000001"))
        self.peer.respond(info, 200)

    def test_outsideDialogs(self):
        """
        request() answers a challenge; what it fires with is the final after that.
        """
        asking = self.request("OPTIONS")
        self.challenge(self.peer.expect("OPTIONS"))
        again = self.peer.expect("OPTIONS")
        self.assertEqual((proven(again)["uri"], again.cseqNumber), (BOB, 2))
        self.peer.respond(again, 200)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(asking).statusCode, 200)

    def test_cancelledThenChallenged(self):
        """
        A call that was given up before the challenge came is not tried again.
        """
        calling, invite = self.invite()
        calling.cancel()
        self.challenge(invite)
        self.network.advance(40)
        self.failureResultOf(calling, CancelledError)
        self.assertEqual((self.count("INVITE"), self.count("CANCEL")), (1, 0))
        self.assertNothingLeft()

    def test_cancelDuringRetry(self):
        """
        Cancelled while the proof is on its way: the CANCEL waits for a provisional of that attempt.
        """
        calling, first = self.invite()
        self.peer.respond(first, 100)
        self.challenge(first)
        second = self.peer.expect("INVITE")
        calling.cancel()
        self.network.advance(0.3)
        self.assertEqual(self.count("CANCEL"), 0)
        self.peer.respond(second, 180)
        cancel = self.peer.expect("CANCEL")
        self.assertEqual((cancel.via.branch, cancel.cseqNumber), (second.via.branch, second.cseqNumber))
        self.peer.respond(cancel, 200)
        self.peer.respond(second, 487)
        self.network.advance(0.1)
        self.failureResultOf(calling)
        self.assertNothingLeft()

    def test_forkChallengesAfterRinging(self):
        """
        Section 12.2.1.1: an early dialog from before the challenge goes on from the CSeq of the INVITE answered.
        """
        calling, first = self.invite()
        self.fork(first, 180, "f1")
        self.challenge(first, 407)
        second = self.peer.expect("INVITE")
        self.fork(second, 200, "f1")
        self.network.advance(0.1)
        self.successResultOf(calling).destroy()
        self.assertTrue(self.endsBye().cseqNumber > second.cseqNumber)


class OtherCredentialsTests(DigestCase):
    def test_none(self):
        """
        Without credentials a challenge is a refusal.
        """
        calling, invite = self.invite()
        self.challenge(invite)
        self.network.advance(1)
        self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 401)

    def test_noRealm(self):
        """
        Credentials without a realm are for the outbound proxy alone (B33).
        """
        credentials = [Credentials("alice", "wonderland")]
        direct = self.network.userAgent("sip:d@d.example", credentials=credentials)
        proxied = self.network.userAgent("sip:e@e.example", credentials=credentials, outboundProxy="sip:peer.example")
        for agent, answers in ((direct, False), (proxied, True)):
            asking = self.request("OPTIONS", "sip:bob@peer.example", agent)
            options = self.peer.expect("OPTIONS")
            self.peer.respond(options, 407, headers={"Proxy-Authenticate": challenge("whatever")})
            if answers:
                again = self.peer.expect("OPTIONS")
                self.assertEqual(
                    AuthorizationField.parse(again.headers.get("Proxy-Authorization")).parameters["realm"], "whatever"
                )
                self.peer.respond(again, 200)
            self.network.advance(0.1)
            self.assertEqual(self.successResultOf(asking).statusCode, 200 if answers else 407)

    def test_severalRealms(self):
        """
        Each realm gets the credentials that are its own.
        """
        agent = self.network.userAgent(
            "sip:d@d.example",
            credentials=[Credentials("a", "one", realm="one.example"), Credentials("b", "two", realm="two.example")],
        )
        for realm, user, password in (("two.example", "b", "two"), ("one.example", "a", "one")):
            self.request("OPTIONS", agent=agent)
            self.challenge(self.peer.expect("OPTIONS"), 401, challenge(realm))
            again = self.peer.expect("OPTIONS")
            self.assertEqual(proven(again, password, user=user)["realm"], realm)
            self.peer.respond(again, 200)
