"""
Two user agents of ours, reliable provisionals between them, over a network that loses, doubles and reorders.
"""

from twisted.trial.unittest import SynchronousTestCase

from tests.ua.callee import ANSWER
from tests.ua.calling import OFFER
from tests.ua.hearing import EarlyNotes
from tests.ua.ringing import RingingCallee
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.testing import MemoryNetwork

DESK = "sip:desk@b.example"
SEEDS = range(30)


class LossTests(SynchronousTestCase):
    """The same call, whatever the network does to it."""

    def calls(self, answer, seed, offer=OFFER, notes=EarlyNotes, **wires):
        """One call; the caller's and the callee's dialog, which stand."""
        network = self.network = MemoryNetwork(seed=seed, **wires)
        self.addCleanup(network.assertQuiet)
        callee, notes = RingingCallee(answer), notes()
        network.userAgent(DESK, callee)
        alice = network.userAgent("sip:alice@a.example")
        media = FixedMedia(OFFER)
        calling = alice.invite(DESK, offer, delegate=notes, media=media)
        network.advance(32)
        dialog = self.successResultOf(calling)
        # The 2xx may come before every provisional.
        self.assertLessEqual(notes.order.count("early"), 1)
        self.assertEqual(callee.events.count("early"), 1)
        self.assertEqual((dialog.state, callee.dialog.state), (Phase.STABLE, Phase.STABLE))
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (callee.dialog.remote.sdp, callee.dialog.local.sdp))
        codes = [code for code in notes.order if isinstance(code, int) and code > 100]
        self.assertEqual(codes, sorted(set(codes)), "each once, and in order")
        return dialog, callee.dialog

    def over(self, dialog):
        dialog.destroy()
        self.network.advance(70)
        self.assertEqual(dialog.userAgent.dialogs, [])

    def test_answered(self):
        """
        RFC 6337 section 2.1, pattern 3: three provisionals, each reliable; the second answers.
        """

        async def answer(context):
            await context.progress(180, reliable=True)
            await context.progress(183, body=ANSWER, reliable=True)
            context.progress(199, reliable=True)
            await context.accept()

        for seed in SEEDS:
            dialog, _ = self.calls(answer, seed, loss=0.2, duplication=0.1, reorder=0.2)
            self.assertEqual(dialog.remote.sdp, ANSWER)
            self.over(dialog)

    def test_offered(self):
        """
        Pattern 4: the callee offers, the PRACK answers, accept() waits.
        """

        def answer(context):
            context.progress(180, reliable=True)
            context.progress(183, body=ANSWER, reliable=True)
            context.accept()

        for seed in SEEDS:
            dialog, _ = self.calls(answer, seed, b"", loss=0.2, duplication=0.1, reorder=0.2)
            self.assertEqual(dialog.remote.sdp, ANSWER)
            self.over(dialog)

    def test_overtaken(self):
        """
        RFC 3262 section 3: accepted without waiting for any PRACK; no late one ends the call.
        """

        def answer(context):
            context.progress(180, reliable=True)
            context.accept(body=ANSWER)

        for seed in SEEDS:
            dialog, other = self.calls(answer, seed, loss=0.2, duplication=0.1, reorder=0.2)
            self.network.advance(40)
            self.assertEqual((dialog.state, other.state), (Phase.STABLE, Phase.STABLE), self.network.ladder())
            self.over(dialog)

    def test_updated(self):
        """
        Pattern 6 by both while it rings: what both hold is the same.
        """
        changed = []

        async def answer(context):
            await context.progress(183, media=FixedMedia(ANSWER), reliable=True)
            await context.dialog.modify("hold")
            changed.append(context.dialog.onHold)
            await context.accept()

        for seed in SEEDS:
            dialog, _ = self.calls(answer, seed, loss=0.1, duplication=0.1)
            self.assertTrue(dialog.onHold)
            self.over(dialog)
        self.assertEqual(changed, [True] * len(SEEDS))

    def test_updatedAtOnce(self):
        """
        RFC 3261 section 12.2.2: a PRACK that is repeated after an UPDATE of ours was sent would be out of order, and
        refused; so the UPDATE waits for the answer to the PRACK.
        """
        outcomes = []

        class Hasty(EarlyNotes):
            def progressReceived(self, context, response):
                super().progressReceived(context, response)
                if not outcomes or outcomes[-1][0] is not context:
                    outcomes.append((context, context.dialog.modify("hold")))

        async def answer(context):
            await context.progress(183, media=FixedMedia(ANSWER), reliable=True)
            context.answerLater()
            self.network.clock.callLater(10, context.accept)

        for seed in SEEDS:
            dialog, _ = self.calls(answer, seed, None, Hasty, loss=0.2)
            self.assertTrue(dialog.onHold)
            self.successResultOf(outcomes[-1][1])
            self.over(dialog)
