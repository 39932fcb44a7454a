"""
Both sides do anything at any time, over a network that loses, repeats and reorders: each dialog still ends, once.
"""

import random

from twisted.trial.unittest import SynchronousTestCase

from tests.ua.callee import ANSWER, OFFER, Callee, Notes, later
from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.testing import MemoryNetwork


class ChanceTests(SynchronousTestCase):
    def test_endsOnce(self):
        """Whatever happens, nothing is left; what was confirmed has ended, and nobody is told that twice."""
        for seed in range(100):
            told = self.call(seed)
            for notes in told:
                ended = [id(dialog) for what, dialog, _ in notes.told if what == "terminated"]
                stood = [id(dialog) for what, dialog, _ in notes.told if what == "confirmed"]
                self.assertEqual(len(ended), len(set(ended)), f"seed {seed}: {notes.events}")
                self.assertLessEqual(set(stood), set(ended), f"seed {seed}: {notes.events}")
        self.assertEqual(self.flushLoggedErrors(), [])

    def call(self, seed):
        """One call of two agents, and what its delegates were told."""
        chance = random.Random(seed)
        network = MemoryNetwork(
            latency=chance.choice([0.0, 0.05, 0.3]),
            loss=chance.choice([0.0, 0.2, 0.5]),
            duplication=0.1,
            reorder=0.3,
            seed=seed,
        )
        caller, callee = Notes(), Callee(later)
        desk = network.userAgent("sip:desk@b.example", callee)
        alice = network.userAgent("sip:alice@a.example", caller)
        calling = alice.invite("sip:desk@b.example", body=OFFER)
        calling.addErrback(lambda failure: None)  # how it went is not the question
        acts = [
            lambda context: context.progress(),
            lambda context: context.accept(media=FixedMedia(ANSWER)),
            lambda context: context.reject(486),
            lambda context: context.dialog and context.dialog.destroy(),
            lambda context: [dialog.destroy() for dialog in alice.dialogs],
            lambda context: chance.random() < 0.3 and calling.cancel(),
            lambda context: chance.random() < 0.1 and desk.stopService(),
        ]
        for _ in range(chance.randrange(3, 12)):
            network.advance(chance.choice([0.01, 0.1, 1, 5, 20]))
            for context in callee.contexts:
                try:
                    chance.choice(acts)(context)
                except InvalidState:
                    pass
        network.assertQuiet()
        return caller, callee
