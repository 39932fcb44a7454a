"""
The stream of dialog states (RFC 4235 section 3.7.1): dialogStateChanged, on every path of a call of ours.
"""

import json

from tests.ua.callee import ANSWER, OFFER, Callee
from tests.ua.calling import BOB, CallerCase
from twisted_sipdialog.errors import RemoteError, ResponseError, Timeout, TransportError
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer


class Watching(Callee):
    """A callee who also keeps the states."""

    def __init__(self, answer=None):
        super().__init__(answer)
        self.changes = []

    def dialogStateChanged(self, change):
        json.dumps(change.toJSON())
        self.changes.append(change)

    @property
    def states(self):
        return [(change.state, change.event, change.code) for change in self.changes]


class CallerTests(CallerCase):
    def setUp(self):
        self.network = MemoryNetwork()
        self.addCleanup(self.network.assertQuiet)
        self.watching = self.notes = Watching()
        self.alice = self.network.userAgent("sip:alice@a.example", self.watching)
        self.peer = ScriptedPeer(self.network)

    def assertStates(self, *expected):
        self.network.advance(1)
        self.assertEqual(self.watching.states, list(expected), self.network.ladder())
        self.assertNothingLeft()
        self.assertEqual(len(self.watching.states), len(expected), "told once")
        self.assertEqual({change.direction for change in self.watching.changes}, {"initiator"})

    def test_values(self):
        """Section 4.1: who with whom, in which dialog, since when."""
        dialog, invite, _ = self.call(headers={"Contact": "<sip:bob@192.0.2.2>"})
        trying, confirmed = self.watching.changes
        self.assertEqual((trying.callId, trying.localTag, trying.remoteTag), (invite.callId, invite.fromTag, None))
        self.assertEqual((trying.localUri, trying.remoteUri, trying.target), ("sip:alice@a.example", BOB, BOB))
        self.assertEqual((confirmed.callId, confirmed.localTag, confirmed.remoteTag), dialog.dialogState.id)
        self.assertEqual((confirmed.localUri, confirmed.remoteUri), ("sip:alice@a.example", BOB))
        self.assertEqual((confirmed.target, confirmed.duration), ("sip:bob@192.0.2.2", 0))
        self.network.advance(12)
        dialog.destroy()
        self.endsBye()
        self.assertEqual(self.watching.changes[-1].duration, 12)
        self.assertEqual(self.watching.changes[-1].id, confirmed.id)

    def test_confirmed(self):
        """Trying, proceeding, early, confirmed; then our BYE."""
        calling, invite = self.invite()
        for code, headers in ((100, {}), (181, {"To": BOB}), (180, {}), (183, {})):
            self.peer.respond(invite, code, headers=headers)
            self.network.advance(0.1)
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.successResultOf(calling).destroy()
        self.endsBye()
        self.assertStates(
            ("trying", None, None),
            ("proceeding", None, 181),
            ("early", None, 180),
            ("confirmed", None, 200),
            ("terminated", "local-bye", 200),
        )

    def test_proceedsOnce(self):
        """Section 3.7.1: a state is told when it is entered; what leaves it as it was is no move."""
        _calling, invite = self.invite()
        for code in (181, 182, 181):
            self.peer.respond(invite, code, headers={"To": BOB})
            self.network.advance(0.1)
        for _ in range(2):
            self.peer.respond(invite, 180)
            self.network.advance(0.1)
        self.peer.respond(invite, 182, headers={"To": BOB})
        self.network.advance(0.1)
        self.peer.respond(invite, 486)
        self.assertStates(
            ("trying", None, None),
            ("proceeding", None, 181),
            ("early", None, 180),
            ("terminated", "rejected", 486),
        )

    def test_theirBye(self):
        """Ended by the peer."""
        _dialog, invite, _ = self.call()
        self.peer.request("BYE", within=invite)
        self.assertStates(("trying", None, None), ("confirmed", None, 200), ("terminated", "remote-bye", None))

    def test_refused(self):
        """Refused at once, and after it rang."""
        calling, invite = self.invite()
        self.peer.respond(invite, 603)
        self.network.advance(0.1)
        self.failureResultOf(calling, ResponseError)
        calling, invite = self.invite()
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        self.peer.respond(invite, 486)
        self.assertStates(
            ("trying", None, None),
            ("terminated", "rejected", 603),
            ("trying", None, None),
            ("early", None, 180),
            ("terminated", "rejected", 486),
        )

    def test_cancelled(self):
        """Cancelled before it rang, and after; nothing goes backwards meanwhile."""
        for early in (False, True):
            self.watching.changes.clear()
            calling, invite = self.invite()
            self.peer.respond(invite, 180 if early else 100)
            self.network.advance(0.1)
            calling.cancel()
            self.peer.respond(self.peer.expect("CANCEL"), 200)
            self.peer.respond(invite, 180)
            self.network.advance(0.1)
            self.peer.respond(invite, 487)
            moves = [("early", None, 180)] if early else [("proceeding", None, 180)]
            self.assertStates(("trying", None, None), *moves, ("terminated", "cancelled", 487))

    def test_cancelledBefore(self):
        """Cancelled before there was anybody to cancel it at."""
        calling = self.alice.invite("sip:x@nowhere.invalid", body=OFFER)
        calling.addErrback(lambda _: None)
        calling.cancel()
        self.network.advance(1)
        self.assertEqual([state[0] for state in self.watching.states], ["trying", "terminated"])

    def test_crossed(self):
        """A 2xx that crosses the CANCEL is no call."""
        calling, invite = self.invite()
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        calling.cancel()
        self.peer.respond(invite, 200, body=ANSWER)
        self.endsBye()
        self.assertStates(("trying", None, None), ("early", None, 180), ("terminated", "cancelled", 200))

    def test_silence(self):
        """Nobody answers."""
        self.network.partition(self.alice, self.peer)
        calling = self.alice.invite(BOB, body=OFFER)
        self.network.advance(40)
        self.failureResultOf(calling, Timeout)
        self.assertStates(("trying", None, None), ("terminated", "timeout", None))

    def test_nowhere(self):
        """There is no such host."""
        calling = self.alice.invite("sip:x@nowhere.example", body=OFFER)
        self.network.advance(1)
        self.failureResultOf(calling, TransportError)
        self.assertStates(("trying", None, None), ("terminated", "error", None))

    def test_noContact(self):
        """A 2xx that makes no dialog is an error, no time-out."""
        calling, invite = self.invite()
        self.peer.respond(invite, 200, headers={"Contact": None}, body=ANSWER)
        self.network.advance(1)
        self.failureResultOf(calling, RemoteError)
        self.assertStates(("trying", None, None), ("terminated", "error", None))

    def test_noDescription(self):
        """So is an offer that cannot be made."""

        def broken(host):
            raise ZeroDivisionError

        calling = self.alice.invite(BOB, media=broken)
        self.network.advance(1)
        self.failureResultOf(calling, ZeroDivisionError)
        self.assertStates(("trying", None, None), ("terminated", "error", None))

    def test_unusableAnswer(self):
        """A call whose session came to nothing was never confirmed."""
        calling, invite = self.invite(body=None, media=FixedMedia(OFFER))
        self.peer.respond(invite, 200, body=b"nonsense")
        self.endsBye()
        self.failureResultOf(calling, RemoteError)
        self.assertStates(("trying", None, None), ("terminated", "error", 200))

    def test_forked(self):
        """Each fork has its own states; one that another fork makes superfluous is cancelled."""
        _calling, invite = self.invite()
        for tag in "ab":
            self.fork(invite, 180, tag)
            self.network.advance(0.1)
        self.fork(invite, 200, "b")
        self.network.advance(0.1)
        moves = [(change.state, change.event, change.remoteTag) for change in self.watching.changes]
        self.assertEqual(
            moves[:3] + sorted(moves[3:]),
            [
                ("trying", None, None),
                ("early", None, "a"),
                ("early", None, "b"),
                ("confirmed", None, "b"),
                ("terminated", "cancelled", "a"),
            ],
        )
        bye = self.alice.dialogs[0].destroy()
        self.endsBye()
        self.successResultOf(bye)
        self.assertEqual(len(self.watching.changes), 6)

    def test_forkedAll(self):
        """Where each answer makes a call, each is confirmed, and ends by itself."""
        watching = Watching()
        agent = self.network.userAgent("sip:carl@c.example", watching, forkedAnswers="all")
        calling = agent.invite(BOB, body=OFFER)
        invite = self.peer.expect("INVITE")
        self.fork(invite, 180, "a")
        for tag in "ba":
            self.fork(invite, 200, tag)
            self.network.advance(0.1)
        self.successResultOf(calling)
        for dialog in agent.dialogs:
            dialog.destroy()
            self.endsBye()
        moves = [(change.state, change.event, change.remoteTag) for change in watching.changes]
        self.assertEqual(
            moves[:4],
            [("trying", None, None), ("early", None, "a"), ("confirmed", None, "b"), ("confirmed", None, "a")],
        )
        self.assertEqual(sorted(moves[4:]), [("terminated", "local-bye", "a"), ("terminated", "local-bye", "b")])

    def test_connectionLost(self):
        """The connection is gone that the answer was to come by."""
        calling, invite = self.invite(f"{BOB};transport=tcp")
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        self.network.reset(self.alice, self.peer)
        self.network.advance(1)
        self.failureResultOf(calling, TransportError)
        self.assertStates(("trying", None, None), ("early", None, 180), ("terminated", "error", None))

    def test_earlyBye(self):
        """The callee may leave an early dialog by BYE; its INVITE gets its own answer."""
        _calling, invite = self.invite()
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        self.peer.request("BYE", within=invite)
        self.network.advance(0.1)
        self.peer.respond(invite, 487)
        self.assertStates(("trying", None, None), ("early", None, 180), ("terminated", "remote-bye", None))

    def test_sessionTimer(self):
        """A session that nobody refreshes."""
        self.call(headers={"Session-Expires": "120;refresher=uas"})
        self.peer.respond(self.peer.expect("BYE", 200), 200)
        self.assertStates(("trying", None, None), ("confirmed", None, 200), ("terminated", "timeout", 200))

    def test_stopped(self):
        """The service stops, and the peer does not even answer its BYE."""
        self.call()
        self.network.partition(self.alice, self.peer)
        self.alice.stopService()
        self.network.advance(10)
        self.assertEqual(self.watching.states[2:], [("terminated", "local-bye", None)])
