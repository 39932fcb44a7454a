"""The identifiers we make (RFC 3261 sections 8.1.1.4, 8.1.1.7, 19.3)."""

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.message.grammar import isToken
from twisted_sipdialog.message.identifiers import BRANCH_COOKIE, newBranch, newCallId, newCNonce, newTag


class IdentifierTests(SynchronousTestCase):
    def test_tokens(self) -> None:
        for make in (newTag, newBranch, newCallId, newCNonce):
            self.assertTrue(isToken(make()), make)

    def test_noneTwice(self) -> None:
        for make in (newTag, newBranch, newCallId, newCNonce):
            self.assertEqual(len({make() for _ in range(1000)}), 1000, make)

    def test_oneLength(self) -> None:
        """Leading zeros are kept: 64 bits in a tag, and more where time must not bring them back."""

        class Least:
            def getrandbits(self, k: int, /) -> int:
                return 0

        self.assertEqual(newTag(Least()), "0" * 16)
        self.assertEqual(newBranch(Least()), BRANCH_COOKIE + "0" * 20)
        self.assertEqual(newCallId(Least()), "0" * 32)
        self.assertEqual(newCNonce(Least()), "0" * 32)

    def test_branchCookie(self) -> None:
        self.assertEqual(BRANCH_COOKIE, "z9hG4bK")
        self.assertTrue(newBranch().startswith("z9hG4bK"))
        self.assertGreater(len(newBranch()), len("z9hG4bK"))

    def test_seeded(self) -> None:
        """A test gets the same identifiers again."""
        for make in (newTag, newBranch, newCallId, newCNonce):
            self.assertEqual(make(Random(1)), make(Random(1)))
            self.assertNotEqual(make(Random(1)), make(Random(2)))

    def test_notPredictable(self) -> None:
        """Seeding the global generator changes nothing."""
        import random

        random.seed(1)
        first = newTag()
        random.seed(1)
        self.assertNotEqual(first, newTag())

    def test_callIdHost(self) -> None:
        self.assertTrue(newCallId(Random(1), "h.example").endswith("@h.example"))
        self.assertNotIn("@", newCallId(Random(1)))
