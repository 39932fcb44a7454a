"""
Whole user agents that call: stopping, many calls, calls to oneself (RFC 3261, ROBUSTNESS B16, B20).
"""

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from tests.ua.calling import ANSWER, BOB, OFFER, CallerCase, Media, Notes
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.testing import MemoryNetwork


class Answering(Notes):
    """Takes each call."""

    def inviteReceived(self, context):
        context.accept(body=ANSWER)


class StopTests(CallerCase):
    def test_ringing(self):
        """
        stopService() cancels the calls that ring, and waits for the end of them.
        """
        calling, invite = self.invite()
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        stopping = self.alice.stopService()
        self.failureResultOf(calling, CancelledError)
        self.assertNoResult(stopping)
        self.peer.respond(self.peer.expect("CANCEL"), 200)
        self.peer.respond(invite, 487)
        self.peer.expect("ACK")
        self.network.advance(1)
        self.successResultOf(stopping)
        self.assertEqual((self.notes.reasons, self.alice.leftovers()), ([Reason.LOCAL_CANCEL], []))

    def test_ringingWithoutEnd(self):
        """
        It waits no longer than stopTimeout; then everything is over: told, media closed, nothing left.
        """
        for rung in (True, False):
            agent = self.network.userAgent(f"sip:c@c{rung}.example", stopTimeout=3.0)
            media, notes = Media(), Notes()
            calling = agent.invite(BOB, media=media, delegate=notes)
            invite = self.peer.expect("INVITE")
            if rung:
                self.peer.respond(invite, 180)
                self.network.advance(0.1)
            stopping = agent.stopService()
            self.network.advance(2.8)
            self.assertNoResult(stopping)
            self.network.advance(1)
            self.successResultOf(stopping)
            self.failureResultOf(calling, CancelledError)
            self.assertEqual((agent.leftovers(), media.calls), ([], ["offer", "close"]))
            self.assertEqual(len(notes.ended), int(rung))

    def test_standing(self):
        """
        Calls that stand get their BYE; unanswered it is waited for no longer than stopTimeout.
        """
        dialog, _, _ = self.call()
        stopping = self.alice.stopService()
        self.peer.expect("BYE")
        self.network.advance(4)
        self.assertNoResult(stopping)
        self.network.advance(2)
        self.successResultOf(stopping)
        self.assertEqual((self.notes.reasons, self.alice.leftovers()), ([Reason.SERVICE_STOPPED], []))
        self.assertIs(dialog.state, Phase.TERMINATED)

    def test_beforeAnAddressIsKnown(self):
        """
        A call whose name is still being looked up is not sent any more.
        """
        calling = self.alice.invite(BOB, body=OFFER)
        stopping = self.alice.stopService()
        self.network.advance(1)
        self.failureResultOf(calling, CancelledError)
        self.successResultOf(stopping)
        self.assertEqual((self.peer.received, self.alice.leftovers()), ([], []))


class ManyCallsTests(SynchronousTestCase):
    def call(self, network, caller, callee, count):
        dialogs = []
        for _ in range(count):
            calling = caller.invite(callee, body=OFFER)
            network.advance(0.2)
            dialogs.append(self.successResultOf(calling))
        return dialogs

    def test_hundred(self):
        """
        A hundred calls, ended by either side, leave nothing (SEEDS 3.20).
        """
        network = MemoryNetwork()
        self.addCleanup(network.assertQuiet)
        ours, theirs = Notes(), Answering()
        alice = network.userAgent("sip:alice@a.example", ours)
        carol = network.userAgent("sip:carol@c.example", theirs)
        self.call(network, alice, "sip:carol@c.example", 100)
        self.assertEqual((len(alice.dialogs), len(carol.dialogs)), (100, 100))
        for agent in (alice, carol):
            for dialog in agent.dialogs[:50]:
                dialog.destroy()
            network.advance(1)
        network.advance(40)
        self.assertEqual((alice.leftovers(), carol.leftovers()), ([], []))
        self.assertEqual((len(ours.ended), len(theirs.ended)), (100, 100))

    def test_refusedAndCancelled(self):
        """
        So do a hundred that are refused, and a hundred that are cancelled.
        """
        network = MemoryNetwork()
        self.addCleanup(network.assertQuiet)

        class Ringing(Notes):
            def inviteReceived(self, context):
                context.progress(180)
                context.answerLater()

        alice = network.userAgent("sip:alice@a.example")
        network.userAgent("sip:no@no.example")
        network.userAgent("sip:wait@wait.example", Ringing())
        for n in range(200):
            calling = alice.invite("sip:no@no.example" if n % 2 else "sip:wait@wait.example", body=OFFER)
            network.advance(0.1)
            if not n % 2:
                calling.cancel()
            self.failureResultOf(calling)
        network.advance(70)
        self.assertEqual(alice.leftovers(), [])

    def test_lossy(self):
        """
        Over a network that loses, doubles and reorders, every call ends the same way on both sides.
        """
        for seed in range(5):
            network = MemoryNetwork(loss=0.25, duplication=0.1, reorder=0.3, seed=seed)
            ours, theirs = Notes(), Answering()
            alice = network.userAgent("sip:alice@a.example", ours)
            carol = network.userAgent("sip:carol@c.example", theirs)
            calls = [alice.invite("sip:carol@c.example", body=OFFER) for _ in range(5)]
            network.advance(40)
            dialogs = [self.successResultOf(calling) for calling in calls]
            self.assertEqual(sorted(d.id for d in dialogs), sorted(d.id for d in carol.dialogs))
            for dialog in dialogs:
                dialog.destroy()
            network.advance(80)
            self.assertEqual((alice.leftovers(), carol.leftovers()), ([], []), f"seed {seed}\n{network.ladder()}")
            self.assertEqual((len(ours.ended), len(theirs.ended)), (5, 5))
            network.assertQuiet()

    def test_oneself(self):
        """
        A call to our own AOR is no loop: it stands, as two dialogs of one id, and ends.
        """
        network = MemoryNetwork()
        self.addCleanup(network.assertQuiet)
        notes = Answering()
        alice = network.userAgent("sip:alice@a.example", notes)
        for protocol in ("", ";transport=tcp"):
            (dialog,) = self.call(network, alice, f"sip:alice@a.example{protocol}", 1)
            self.assertEqual({d.role for d in alice.dialogs}, {"uac", "uas"})
            self.assertEqual(len({d.id for d in alice.dialogs}), 1)
            asking = dialog.request("INFO")
            network.advance(0.2)
            self.assertEqual(self.successResultOf(asking).statusCode, 200)
            dialog.destroy()
            network.advance(1)
            self.assertEqual(alice.dialogs, [])
        self.assertEqual(len(notes.ended), 4)
