"""
Attended transfers among agents of ours (RFC 5589 section 7): the last of their INVITEs has Replaces.
"""

from twisted.trial.unittest import SynchronousTestCase

from tests.ua.callee import OFFER
from twisted_sipdialog.delegates import UserAgentDelegate
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.testing import MemoryNetwork


class Phone(UserAgentDelegate):
    """Takes every call, and keeps what became of each."""

    def __init__(self):
        self.dialogs = []
        self.replaced = []
        self.reasons = []

    def inviteReceived(self, context):
        context.progress()
        context.accept().addErrback(lambda _: None)

    def dialogConfirmed(self, dialog):
        self.dialogs.append(dialog)

    def dialogReplaced(self, dialog, newDialog):
        self.replaced.append((dialog, newDialog))

    def dialogTerminated(self, dialog, ended):
        self.reasons.append(ended.reason)


class AttendedTests(SynchronousTestCase):
    def setUp(self):
        self.phones = [Phone() for _ in range(3)]

    def network_(self, **how):
        self.network = MemoryNetwork(**how)
        settings = {"media": FixedMedia(OFFER), "referPolicy": "follow"}
        self.agents = [
            self.network.userAgent(f"sip:{name}@{name}.example", phone, **settings)
            for name, phone in zip(("alice", "bob", "carol"), self.phones, strict=True)
        ]

    def call(self, caller, callee):
        """A call between two of them: the dialog of each."""
        calling = self.agents[caller].invite(f"sip:x@{('alice', 'bob', 'carol')[callee]}.example")
        self.network.advance(20)
        return self.successResultOf(calling), self.phones[callee].dialogs[-1]

    def transfers(self, first, second):
        """
        Alice has a call with Bob and one with Carol, and has Bob take her place at Carol's.

        @param first: who called whom first, second: then.
        """
        dialogs = [self.call(*first), self.call(*second)]
        (toBob, bobs), (toCarol, carols) = [
            pair if who[0] == 0 else pair[::-1] for pair, who in zip(dialogs, (first, second), strict=True)
        ]
        referring = toBob.refer(toCarol)
        self.network.advance(40)
        finished = self.successResultOf(referring).whenFinished()
        self.assertEqual(self.successResultOf(finished).statusCode, 200)
        self.network.advance(40)
        alice, bob, carol = self.phones
        self.assertEqual((self.agents[0].dialogs, alice.replaced, bob.replaced), ([], [], []))
        (bobsNew,), (carolsNew,) = self.agents[1].dialogs, self.agents[2].dialogs
        self.assertEqual(carol.replaced, [(carols, carolsNew)])
        self.assertEqual((bobsNew.id, bobsNew.state.value), (carolsNew.id, "stable"))
        self.assertEqual((bobs.ended.reason, carols.ended.reason), (Reason.REMOTE_BYE, Reason.REPLACED))
        self.assertEqual(sorted(r.name for r in alice.reasons), ["LOCAL_BYE", "REMOTE_BYE"])
        bobsNew.destroy()
        self.network.advance(40)
        self.assertEqual(carolsNew.ended.reason, Reason.REMOTE_BYE)
        self.network.assertQuiet()

    def test_callsOfAlice(self):
        """Alice called both."""
        self.network_()
        self.transfers((0, 1), (0, 2))

    def test_callsToAlice(self):
        """Both called Alice: the tags are told by the side, not by who called."""
        self.network_()
        self.transfers((1, 0), (2, 0))

    def test_badNetwork(self):
        """Whatever is lost, twice there, or late."""
        for seed in range(8):
            self.setUp()
            self.network_(loss=0.15, duplication=0.1, reorder=0.2, seed=seed)
            self.transfers((0, 1), (2, 0))
