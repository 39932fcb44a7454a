"""
Which transaction a message belongs to: RFC 3261 sections 17.1.3, 17.2.3 and 9.2, and RFC 2543 before them.
"""

from __future__ import annotations

from typing import Any

from tests.transaction.doubles import ClientUser, LayerCase, firstLines, request, response


class ServerMatchingTests(LayerCase):
    def setUp(self) -> None:
        super().setUp()
        self.udp = self.flow()

    def finish(self) -> None:
        """Answer what is open."""
        for transaction in self.user.transactions:
            if transaction.request is not None:
                transaction.respond(transaction.request.response(486, toTag="bob"))
        self.advance(32)

    def count(self, *requests: Any) -> int:
        """How many transactions those requests make."""
        before = len(self.user.transactions)
        for each in requests:
            self.layer.requestReceived(each, self.udp)
        made = len(self.user.transactions) - before
        self.finish()
        return made

    def test_branch(self) -> None:
        """
        17.2.3: with the cookie, branch, sent-by and method decide, and nothing else does.
        """
        same: tuple[dict[str, Any], ...] = (
            {},
            {"callId": "other"},
            {"fromTag": "other"},
            {"cseq": 2},
            {"uri": "sip:carol@chicago.example"},
            {"branch": "Z9HG4BKone"},
            {"branch": "z9hG4bKone;rport;received=192.0.2.77"},
            {"more": "Via: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKbehind\r\n"},
        )
        other: tuple[dict[str, Any], ...] = (
            {"branch": "z9hG4bKtwo"},
            {"branch": "z9hG4bKoneone"},
            {"sentBy": "192.0.2.4:5071"},
            {"sentBy": "192.0.2.4"},
            {"sentBy": "192.0.2.5:5070"},
            {"method": "MESSAGE"},
        )
        for fields in same:
            self.assertEqual(self.count(request("OPTIONS"), request(**{"method": "OPTIONS", **fields})), 1, fields)
        for fields in other:
            self.assertEqual(self.count(request("OPTIONS"), request(**{"method": "OPTIONS", **fields})), 2, fields)

    def test_ackByBranch(self) -> None:
        """
        The ACK of a refusal is found by the branch of its INVITE, whatever else it says.
        """
        transaction = self.serve(request(), self.udp)
        transaction.respond(request().response(486, toTag="bob"))
        self.layer.requestReceived(request("ACK", branch="z9hG4bKother", toTag="bob"), self.udp)
        self.assertEqual((transaction.state, len(self.user.acks)), ("completed", 1))
        self.layer.requestReceived(request("ACK", uri="sip:x@y.example", callId="z"), self.udp)
        self.assertEqual((transaction.state, len(self.user.acks)), ("confirmed", 1))

    #: How peers of RFC 2543 write Via: no branch, one of their own, the cookie and nothing behind it.
    OLD = (None, "1", "d8b1c3", "z9hG4b", "z9hG4bK")

    def test_oldRepetition(self) -> None:
        """
        Without a branch of RFC 3261 a repetition is what has the same Request-URI, tags, Call-ID, CSeq and Via.
        """
        for branch in self.OLD:
            for method in ("INVITE", "OPTIONS"):
                again = [request(method, branch) for _ in range(3)]
                self.assertEqual(self.count(*again), 1, branch)

    def test_oldRequestsDoNotCollide(self) -> None:
        """
        Without a branch of RFC 3261 everything that differs tells two requests apart.
        """
        others: tuple[dict[str, Any], ...] = (
            {"callId": "call-2"},
            {"fromTag": "carol"},
            {"cseq": 2},
            {"uri": "sip:carol@biloxi.example"},
            {"sentBy": "192.0.2.4:5071"},
            {"method": "MESSAGE"},
            {"method": "INVITE"},
        )
        for branch in self.OLD:
            for fields in others:
                other = request(**{"method": "OPTIONS", "branch": branch, **fields})
                self.assertEqual(self.count(request("OPTIONS", branch), other), 2, (branch, fields))
        # The same call leg towards two forks: only the To tag tells.
        byes = [request("BYE", None, toTag=toTag, cseq=2) for toTag in ("one", "two")]
        self.assertEqual(self.count(*byes), 2)

    def test_oldFieldsDoNotRunTogether(self) -> None:
        """
        What one field ends with is not taken for what the next begins with.
        """
        for one, two in (
            ({"callId": "a|b", "fromTag": "c"}, {"callId": "b", "fromTag": "c|a"}),
            ({"callId": "z", "fromTag": "x|y"}, {"callId": "|z", "fromTag": "x", "toTag": "y"}),
            ({"callId": "a", "fromTag": "c|b"}, {"callId": "b|a", "fromTag": "c"}),
            ({"callId": "a 1", "fromTag": "c"}, {"callId": "a", "fromTag": "1 c"}),
            ({"callId": "1"}, {"callId": "1", "cseq": 11}),
        ):
            pair = [request("OPTIONS", None, **fields) for fields in (one, two)]  # type: ignore[arg-type]
            self.assertEqual(self.count(*pair), 2, (one, two))

    def test_oldAck(self) -> None:
        """
        The ACK of a peer of RFC 2543 finds its INVITE, though its To has got a tag; that of another call does not.
        """
        for branch in self.OLD:
            for toTag in ("", "dialog"):
                transaction = self.serve(request("INVITE", branch, toTag=toTag), self.udp)
                transaction.respond(request("INVITE", branch, toTag=toTag).response(486, toTag="bob"))
                before = len(self.user.acks)
                for fields in ({"callId": "other"}, {"cseq": 2}, {"fromTag": "carol"}, {"sentBy": "192.0.2.5"}):
                    self.layer.requestReceived(
                        request("ACK", branch, toTag=toTag or "bob", **fields),  # type: ignore[arg-type]
                        self.udp,
                    )
                self.assertEqual((transaction.state, len(self.user.acks) - before), ("completed", 4))
                self.layer.requestReceived(request("ACK", branch, toTag=toTag or "bob"), self.udp)
                self.assertEqual((transaction.state, len(self.user.acks) - before), ("confirmed", 4))
                self.advance(5)

    def test_oldAnswers(self) -> None:
        """
        A repetition from such a peer is answered by what was sent.
        """
        transaction = self.serve(request("INVITE", None), self.udp)
        transaction.respond(request("INVITE", None).response(180, toTag="bob"))
        self.layer.requestReceived(request("INVITE", None), self.udp)
        self.assertEqual([line for _, line in firstLines(self.udp.sent)], ["180", "180"])
        self.finish()


class CancelTests(LayerCase):
    def setUp(self) -> None:
        super().setUp()
        self.udp = self.flow()

    def invite(self, **fields: Any) -> Any:
        """An INVITE that went through the check for merged requests, as each outside a dialog does."""
        transaction = self.serve(request(**fields), self.udp)
        self.assertFalse(self.layer.isMerged(transaction))
        return transaction

    def end(self, *transactions: Any) -> None:
        for transaction in transactions:
            transaction.respond(transaction.request.response(487, toTag="bob"))

    def test_ownTransaction(self) -> None:
        """
        9.2: a CANCEL has the branch of its INVITE, and a transaction of its own.
        """
        invite = self.invite()
        cancel = self.serve(request("CANCEL"), self.udp)
        self.assertIs(self.layer.cancelled(cancel.request), invite)
        cancel.respond(cancel.request.response(200, toTag="bob"))
        self.layer.requestReceived(request("CANCEL"), self.udp)
        self.assertEqual([line for _, line in firstLines(self.udp.sent)], ["200", "200"])
        self.end(invite)

    def test_byBranch(self) -> None:
        """
        9.2: of several calls a CANCEL means the one with its branch.
        """
        calls = {
            branch: self.invite(branch=f"z9hG4bK{branch}", callId=branch, cseq=n)
            for n, branch in enumerate(("one", "two", "three"))
        }
        for n, (branch, call) in enumerate(calls.items()):
            cancel = request("CANCEL", f"z9hG4bK{branch}", callId=branch, cseq=n)
            self.assertIs(self.layer.cancelled(cancel), call)
        self.end(*calls.values())

    def test_byTheRest(self) -> None:
        """
        A CANCEL whose branch somebody rewrote is found by Call-ID, From tag, CSeq and Request-URI together.
        """
        invite = self.invite()
        self.assertIs(self.layer.cancelled(request("CANCEL", "z9hG4bKrewritten")), invite)
        for fields in ({"callId": "x"}, {"fromTag": "x"}, {"cseq": 2}, {"uri": "sip:x@y.example"}):
            cancel = request("CANCEL", "z9hG4bKrewritten", **fields)  # type: ignore[arg-type]
            self.assertIsNone(self.layer.cancelled(cancel), fields)
        self.end(invite)

    def test_old(self) -> None:
        """
        17.2.3: without a branch of RFC 3261 the same fields decide.
        """
        one, two = (self.invite(branch=None, callId=callId) for callId in ("one", "two"))
        self.assertIs(self.layer.cancelled(request("CANCEL", None, callId="two")), two)
        self.assertIs(self.layer.cancelled(request("CANCEL", None, callId="one")), one)
        self.assertIsNone(self.layer.cancelled(request("CANCEL", None, callId="three")))
        self.end(one, two)

    def test_nothingToCancel(self) -> None:
        """
        Only an INVITE can be cancelled, and only while it is here.
        """
        options = self.serve(request("OPTIONS", "z9hG4bKoptions", callId="o"), self.udp)
        self.layer.isMerged(options)
        self.assertIsNone(self.layer.cancelled(request("CANCEL", "z9hG4bKoptions", callId="o")))
        self.end(options)
        invite = self.invite()
        self.end(invite)
        self.assertIs(self.layer.cancelled(request("CANCEL")), invite)
        self.layer.requestReceived(request("ACK", toTag="bob"), self.udp)
        self.advance(5)
        for branch in ("z9hG4bKone", "z9hG4bKrewritten"):
            self.assertIsNone(self.layer.cancelled(request("CANCEL", branch)))


class MergedTests(LayerCase):
    def setUp(self) -> None:
        super().setUp()
        self.udp = self.flow()

    def pair(self, first: Any, second: Any) -> bool:
        """Whether the second is a merged copy of the first."""
        transactions = [self.serve(each, self.udp) for each in (first, second)]
        self.assertFalse(self.layer.isMerged(transactions[0]))
        merged = self.layer.isMerged(transactions[1])
        for transaction in transactions:
            transaction.respond(transaction.request.response(486, toTag="bob"))
        self.advance(32)
        self.assertGone()
        return merged

    def test_copies(self) -> None:
        """
        8.2.2.2: what has Call-ID, From tag and CSeq of an open request, but another branch, is a copy of it.
        """
        for method in ("INVITE", "OPTIONS", "MESSAGE"):
            self.assertTrue(self.pair(request(method, "z9hG4bKa"), request(method, "z9hG4bKb")), method)
            behind = request(method, "z9hG4bKa", sentBy="192.0.2.77")
            self.assertTrue(self.pair(request(method, "z9hG4bKa"), behind), method)
            self.assertTrue(self.pair(request(method, "z9hG4bKa"), request(method, None)), method)

    def test_others(self) -> None:
        """
        What differs in one of them is no copy; nor is what has been sent here again with another Request-URI.
        """
        for fields in (
            {"callId": "x"},
            {"fromTag": "x"},
            {"cseq": 2},
            {"method": "OPTIONS"},
            {"uri": "sip:carol@biloxi.example"},
        ):
            other = request(**{"branch": "z9hG4bKb", **fields})  # type: ignore[arg-type]
            self.assertFalse(self.pair(request(branch="z9hG4bKa"), other), fields)

    def test_sameTransaction(self) -> None:
        """
        A request is no copy of itself, however often that is asked.
        """
        transaction = self.serve(request(), self.udp)
        for _ in range(3):
            self.assertFalse(self.layer.isMerged(transaction))
        transaction.respond(request().response(486))

    def test_afterTheEnd(self) -> None:
        """
        Only open requests count; the end of a copy does not end the memory of the original.
        """
        original = self.serve(request(branch="z9hG4bKa"), self.udp)
        self.assertFalse(self.layer.isMerged(original))
        for branch in ("z9hG4bKb", "z9hG4bKc"):
            copy = self.serve(request(branch=branch), self.udp)
            self.assertTrue(self.layer.isMerged(copy))
            copy.respond(copy.request.response(482, toTag="bob"))
            self.advance(32)
        original.respond(original.request.response(486, toTag="bob"))
        self.advance(32)
        again = self.serve(request(branch="z9hG4bKd"), self.udp)
        self.assertFalse(self.layer.isMerged(again))
        again.respond(again.request.response(486, toTag="bob"))


class ClientMatchingTests(LayerCase):
    def setUp(self) -> None:
        super().setUp()
        self.udp = self.flow()

    def test_branchAndMethod(self) -> None:
        """
        17.1.3: the branch of the topmost Via and the method of CSeq decide.
        """
        invite, cancel, other = request(), request("CANCEL"), request(branch="z9hG4bKtwo", callId="call-2")
        users = [ClientUser() for _ in range(3)]
        for sent, user in zip((invite, cancel, other), users, strict=True):
            self.start(sent, self.udp, user)
        for sent, code in ((cancel, 200), (other, 404), (invite, 487)):
            self.layer.responseReceived(response(sent, code), self.udp)
        self.assertEqual([user.codes for user in users], [[487], [200], [404]])

    def test_otherFieldsDoNotCount(self) -> None:
        """
        17.1.3: nothing else does; a fork has its own To tag, and a branch is a token, of which case is no part.
        """
        user = ClientUser()
        self.start(request(), self.udp, user)
        for answer in (request(callId="x", fromTag="y", cseq=9), request(branch="Z9HG4BKONE")):
            self.layer.responseReceived(response(answer, 180, "fork"), self.udp)
        self.assertEqual(user.codes, [180, 180])
        self.layer.responseReceived(response(request(), 486), self.udp)

    def test_strays(self) -> None:
        """
        A response without a transaction is dropped, but for a 2xx to an INVITE.
        """
        for sent in (request(), request("OPTIONS"), request("CANCEL"), request(branch=None)):
            for code in (100, 180, 200, 302, 486, 603):
                self.layer.responseReceived(response(sent, code), self.udp)
        self.assertEqual([(r.statusCode, r.cseqMethod) for r in self.user.strays], [(200, "INVITE")] * 2)
        self.assertEqual(self.udp.sent, [])
