"""
The numbers of reliable provisional responses, at both ends (RFC 3262).
"""

from unittest import TestCase

from twisted_sipdialog.dialog.reliable import TAG, Order, Received, acknowledges, rackOf, rseqOf
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Request, Response

RELIABLE = [("Require", "100rel"), ("RSeq", "7")]


def response(*lines, code=183, cseq="3 INVITE"):
    return Response(code, None, [("CSeq", cseq), *lines])


def prack(*lines):
    return Request("PRACK", "sip:bob@192.0.2.2", [("CSeq", "4 PRACK"), *lines])


class RseqTests(TestCase):
    def test_reliable(self):
        """
        Sections 3 and 4: Require: 100rel and RSeq make a provisional reliable, in any order, case and company.
        """
        for lines in (
            RELIABLE,
            RELIABLE[::-1],
            [("Require", "precondition, 100REL"), ("RSeq", "7")],
            [("Require", "precondition"), ("Require", "100rel"), ("RSeq", " 7 ")],
        ):
            self.assertEqual(rseqOf(response(*lines)), 7, lines)
        for code in (101, 180, 199):
            self.assertEqual(rseqOf(response(*RELIABLE, code=code)), 7, code)

    def test_range(self):
        """
        Section 7.1: 1 to 2**32 - 1.
        """
        for text, rseq in (
            ("1", 1),
            ("2147483648", 2**31),
            ("4294967295", 2**32 - 1),
            ("0", None),
            ("4294967296", None),
        ):
            self.assertEqual(rseqOf(response(("Require", TAG), ("RSeq", text))), rseq, text)

    def test_not100(self):
        """
        Section 3: 100 is never sent reliably, and section 4 has no PRACK for it.
        """
        self.assertIsNone(rseqOf(response(*RELIABLE, code=100)))

    def test_notFinal(self):
        """
        Section 3: only provisionals are acknowledged by PRACK, whatever a final response says of itself.
        """
        for code in (200, 302, 486):
            self.assertIsNone(rseqOf(response(*RELIABLE, code=code)), code)

    def test_unreliable(self):
        """
        Section 4: without both there is nothing to acknowledge; Supported is not Require.
        """
        for lines in (
            [],
            RELIABLE[:1],
            RELIABLE[1:],
            [("Supported", "100rel"), ("RSeq", "7")],
            [("Require", "timer"), ("RSeq", "7")],
        ):
            self.assertIsNone(rseqOf(response(*lines)), lines)

    def test_unreadable(self):
        """
        What cannot be read does not make it reliable, and does not raise.
        """
        for text in ("", "x", "-1", "1.5", "7 8", "7, 8", "9" * 30):
            self.assertIsNone(rseqOf(response(("Require", TAG), ("RSeq", text))), text)
        self.assertIsNone(rseqOf(response(("Require", TAG), ("RSeq", "7"), ("RSeq", "8"))))
        for text in ("", "100rel,", "100 rel"):
            self.assertIsNone(rseqOf(response(("Require", text), ("RSeq", "7"))), text)


class OrderTests(TestCase):
    def test_inOrder(self):
        """
        Section 4: the first may have any number, each further one is greater by one.
        """
        for first in (1, 17, 2**31 - 1, 2**32 - 3):
            received = Received()
            for rseq in (first, first + 1, first + 2):
                self.assertIs(received.orderOf(response(), rseq), Order.NEXT, rseq)

    def test_repeated(self):
        """
        Section 4: a retransmission is not acknowledged again as if it were new, nor does it set back the numbers.
        """
        received = Received()
        for rseq, order in (
            (5, Order.NEXT),
            (5, Order.REPEATED),
            (6, Order.NEXT),
            (5, Order.REPEATED),
            (4, Order.REPEATED),
            (6, Order.REPEATED),
            (7, Order.NEXT),
        ):
            self.assertIs(received.orderOf(response(), rseq), order, rseq)

    def test_gap(self):
        """
        Section 4: one that comes before its predecessor MUST NOT be acknowledged; it is taken when its turn comes.
        """
        received = Received()
        for rseq, order in ((5, Order.NEXT), (7, Order.EARLY), (8, Order.EARLY), (6, Order.NEXT), (7, Order.NEXT)):
            self.assertIs(received.orderOf(response(), rseq), order, rseq)

    def test_noWrap(self):
        """
        Section 3: the numbers do not wrap around.
        """
        received = Received()
        received.orderOf(response(), 2**32 - 1)
        self.assertIs(received.orderOf(response(), 1), Order.REPEATED)

    def test_anotherInvite(self):
        """
        Section 3: the numbers are those of one INVITE; the next one, after a challenge or as re-INVITE, counts anew.
        """
        received = Received()
        received.orderOf(response(), 5)
        again = response(cseq="4 INVITE")
        self.assertIs(received.orderOf(again, 2), Order.NEXT)
        self.assertIs(received.orderOf(again, 2), Order.REPEATED)
        self.assertIs(received.orderOf(again, 6), Order.EARLY)

    def test_perDialog(self):
        """
        Section 4: each early dialog of a forked INVITE has its own numbers.
        """
        one, other = Received(), Received()
        one.orderOf(response(), 5)
        self.assertIs(other.orderOf(response(), 90), Order.NEXT)
        self.assertIs(one.orderOf(response(), 6), Order.NEXT)


class RackTests(TestCase):
    def test_written(self):
        """
        Section 7.2: RSeq, then number and method of CSeq, of the response.
        """
        self.assertEqual(rackOf(response(*RELIABLE), 7), ("RAck", "7 3 INVITE"))

    def test_understood(self):
        """
        Section 3: what one end writes, the other takes for the acknowledgement of just that.
        """
        one = prack(rackOf(response(*RELIABLE), 7))
        self.assertIs(acknowledges(one, 7, 3), True)
        for rseq, invite in ((8, 3), (6, 3), (7, 4), (7, 2), (3, 7)):
            self.assertIs(acknowledges(one, rseq, invite), False, (rseq, invite))

    def test_method(self):
        """
        Section 3: the method has to match as well; the case of methods counts (RFC 3261 section 7.1).
        """
        for method in ("UPDATE", "invite", "PRACK"):
            self.assertIs(acknowledges(prack(("RAck", f"7 3 {method}")), 7, 3), False, method)

    def test_unreadable(self):
        """
        Without a usable RAck it acknowledges nothing: 400.
        """
        for lines in ([], [("RAck", "")], [("RAck", "7 INVITE")], [("RAck", "7 3 INVITE x")], [("RAck", "x 3 INVITE")]):
            with self.assertRaises(ParseError, msg=lines) as caught:
                acknowledges(prack(*lines), 7, 3)
            self.assertEqual(caught.exception.statusCode, 400)
