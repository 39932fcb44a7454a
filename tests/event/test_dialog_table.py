"""
The calls of a user agent as documents (RFC 4235 sections 3.7 and 4).
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.ua.callee import ANSWER, Callee
from tests.ua.calling import BOB, CallerCase
from twisted_sipdialog.dialog.state_change import StateChange
from twisted_sipdialog.event.dialog_info import Dialog, DialogInfo, Identity, Participant
from twisted_sipdialog.event.dialog_table import DialogTable
from twisted_sipdialog.event.versions import Latest
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

ALICE = "sip:alice@a.example"


def change(state: str, remoteTag: str | None = None, callId: str = "c", **rest: Any) -> StateChange:
    told = {"event": None, "code": None, **rest}
    return StateChange(
        state, told["event"], told["code"], "initiator", callId, "l", remoteTag, ALICE, BOB, rest.get("target")
    )


class TableTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.table = DialogTable()

    def states(self) -> list[tuple[str, str | None]]:
        return [(dialog.state, dialog.remoteTag) for dialog in self.table.dialogs]

    def test_values(self) -> None:
        """Section 4.1: each value in its element."""
        told = StateChange(
            "terminated", "rejected", 486, "recipient", "c@h", "l", "r", ALICE, BOB, "sip:bob@192.0.2.2", 7
        )
        dialog = self.table.changed(told)
        self.assertEqual(
            dialog,
            Dialog(
                told.id,
                "terminated",
                "rejected",
                486,
                "c@h",
                "l",
                "r",
                "recipient",
                7,
                local=Participant(Identity(ALICE)),
                remote=Participant(Identity(BOB), "sip:bob@192.0.2.2"),
            ),
        )

    def test_life(self) -> None:
        """Section 3.7.1: an INVITE and the dialog it makes are one, and so is their id."""
        ids = {self.table.changed(change("trying")).id}
        for state in ("proceeding", "early", "confirmed", "terminated"):
            tag = None if state == "proceeding" else "r"
            dialog = self.table.changed(change(state, tag))
            ids.add(dialog.id)
            self.assertEqual(self.states(), [] if state == "terminated" else [(state, tag)])
        self.assertEqual(len(ids), 1)

    def test_forks(self) -> None:
        """Section 3.7.1: each further dialog of an INVITE is another, with an id of its own."""
        first = self.table.changed(change("trying")).id
        self.assertEqual(self.table.changed(change("early", "a")).id, first)
        second = self.table.changed(change("early", "b")).id
        self.assertNotEqual(first, second)
        self.assertEqual(self.table.changed(change("confirmed", "b")).id, second)
        self.assertEqual(self.table.changed(change("terminated", "a", event="cancelled")).id, first)
        self.assertEqual(self.states(), [("confirmed", "b")])
        self.table.changed(change("terminated", "b"))
        self.assertEqual(vars(self.table), vars(DialogTable()), "nothing is left")

    def test_refused(self) -> None:
        """An INVITE that makes no dialog; the next may have its id."""
        for _ in range(2):
            self.table.changed(change("trying"))
            self.table.changed(change("terminated", event="rejected", code=603))
            self.assertEqual(self.states(), [])

    def test_whatPeersSent(self) -> None:
        """What XML cannot carry is replaced, not refused: a peer chose it."""
        dialog = self.table.changed(change("early", "r\0\udcff", callId="c\x01", target="sip:\x02"))
        document = DialogInfo(ALICE, 0, "partial", (dialog,))
        self.assertEqual(DialogInfo.parse(document.toBytes()), document)
        self.assertEqual((dialog.callId, dialog.remoteTag), ("c\ufffd", "r\ufffd\ufffd"))


class Watched(Callee):
    """A callee whose calls are watched."""

    def __init__(self) -> None:
        super().__init__()
        self.table = DialogTable()
        self.latest: Latest[DialogInfo] = Latest(DialogInfo(ALICE))

    def dialogStateChanged(self, change: StateChange) -> None:
        assert self.latest.document is not None
        version = self.latest.document.version + 1
        body = DialogInfo(ALICE, version, "partial", (self.table.changed(change),)).toBytes()
        assert not self.latest.received(DialogInfo.parse(body)), "nothing is missing"


class CallTests(CallerCase):
    """The watcher of real calls knows what the user agent knows."""

    def setUp(self):
        self.network = MemoryNetwork()
        self.addCleanup(self.network.assertQuiet)
        self.watched = self.notes = Watched()
        self.alice = self.network.userAgent(ALICE, self.watched)
        self.peer = ScriptedPeer(self.network)

    def assertWatched(self, *states: str) -> None:
        known = self.watched.latest.document.dialogs
        self.assertEqual([dialog.state for dialog in known], list(states))
        self.assertEqual(known, self.watched.table.dialogs)

    def test_call(self):
        """Our INVITE, answered, ended."""
        calling, invite = self.invite()
        self.assertWatched("trying")
        self.peer.respond(invite, 180)
        self.network.advance(0.1)
        self.assertWatched("early")
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.assertWatched("confirmed")
        self.successResultOf(calling).destroy()
        self.endsBye()
        self.assertWatched()
        self.assertNothingLeft()

    def test_forked(self):
        """Two forks ring, one answers."""
        calling, invite = self.invite()
        for tag in "ab":
            self.fork(invite, 180, tag)
            self.network.advance(0.1)
        self.assertWatched("early", "early")
        self.fork(invite, 200, "b")
        self.network.advance(0.1)
        self.assertWatched("confirmed")
        self.successResultOf(calling).destroy()
        self.endsBye()
        self.assertWatched()
        self.assertNothingLeft()

    def test_refused(self):
        """Two forks ring, all refuse."""
        calling, invite = self.invite()
        calling.addErrback(lambda _: None)
        for tag in "ab":
            self.fork(invite, 180, tag)
            self.network.advance(0.1)
        self.peer.respond(invite, 486)
        self.network.advance(0.1)
        self.assertWatched()
        self.assertNothingLeft()
