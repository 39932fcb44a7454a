"""
The moves of a call in the dialog state machine (RFC 4235 section 3.7.1).
"""

import json
from unittest import TestCase

from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.dialog.state_change import STATES, StateChange, eventOf


def change(**more):
    values = {
        "state": "early",
        "event": None,
        "code": 180,
        "direction": "initiator",
        "callId": "1@a.example",
        "localTag": "at",
        "remoteTag": "bt",
        "localUri": "sip:alice@a.example",
        "remoteUri": "sip:bob@b.example",
        "target": "sip:bob@192.0.2.2",
        "duration": 3,
    }
    return StateChange(**{**values, **more})


class EventTests(TestCase):
    def test_each(self):
        """
        Figure 3: CANCEL is cancelled, a refusal rejected, BYE the side's that sent it; silence is a timeout, the rest
        an error.  A fork that lost was not refused by anybody.
        """
        for reason, byPeer, event in (
            (Reason.REMOTE_BYE, True, "remote-bye"),
            (Reason.LOCAL_BYE, False, "local-bye"),
            (Reason.REMOTE_CANCEL, True, "cancelled"),
            (Reason.LOCAL_CANCEL, False, "cancelled"),
            (Reason.REJECTED, True, "rejected"),
            (Reason.REJECTED, False, "rejected"),
            (Reason.NO_ANSWER, False, "timeout"),
            (Reason.EXPIRED, False, "timeout"),
            (Reason.ACK_TIMEOUT, False, "timeout"),
            (Reason.NO_PRACK, False, "timeout"),
            (Reason.SESSION_EXPIRED, False, "timeout"),
            (Reason.DIALOG_ERROR, False, "error"),
            (Reason.FLOW_LOST, False, "error"),
            (Reason.MEDIA_LOST, False, "error"),
            (Reason.OTHER_FORK, False, "cancelled"),
            (Reason.REPLACED, False, "replaced"),
            (Reason.SERVICE_STOPPED, False, "local-bye"),
        ):
            self.assertEqual(eventOf(reason, byPeer), event, reason)

    def test_byeOfThePeer(self):
        """
        A BYE that the peer sent is never ours.
        """
        self.assertEqual(eventOf(Reason.SERVICE_STOPPED, True), "remote-bye")
        self.assertEqual(eventOf(Reason.LOCAL_BYE, True), "remote-bye")

    def test_total(self):
        """
        Section 4.1.3: each end has one of the events of the schema.
        """
        allowed = {"cancelled", "rejected", "replaced", "local-bye", "remote-bye", "error", "timeout"}
        for reason in Reason:
            for byPeer in (False, True):
                self.assertIn(eventOf(reason, byPeer), allowed, reason)

    def test_newEnds(self):
        """
        The words of the ends that reliable provisionals and session timers bring.
        """
        self.assertEqual((Reason.NO_PRACK.text, Reason.SESSION_EXPIRED.text), ("No PRACK", "Session timer expired"))


class StateChangeTests(TestCase):
    def test_states(self):
        """
        Section 3.7.1: the five states, in order.
        """
        self.assertEqual(STATES, ("trying", "proceeding", "early", "confirmed", "terminated"))

    def test_id(self):
        """
        Section 4.1.1: unique among the dialogs of a user agent: those of a forked INVITE differ, and so do the two
        halves of a call to oneself; nothing but the three parts counts.
        """
        different = [
            change(),
            change(remoteTag="ct"),
            change(remoteTag=None),
            change(callId="2@a.example"),
            change(localTag="bt", remoteTag="at"),
            change(localTag="bt", remoteTag=None),
        ]
        self.assertEqual(len({one.id for one in different}), len(different))
        moved = change(state="terminated", event="local-bye", code=200, target=None, duration=9)
        self.assertEqual(moved.id, change().id)
        # RFC 2543: a peer without a tag.
        self.assertEqual(change(remoteTag="").id, change(remoteTag=None).id)

    def test_toJSON(self):
        """
        All of it, as JSON carries it.
        """
        one = change(state="terminated", event="remote-bye", code=None, remoteUri="sip:\udcff@b.example")
        expected = {
            "id": one.id,
            "state": "terminated",
            "event": "remote-bye",
            "code": None,
            "direction": "initiator",
            "callId": "1@a.example",
            "localTag": "at",
            "remoteTag": "bt",
            "localUri": "sip:alice@a.example",
            "remoteUri": "sip:\ufffd@b.example",
            "target": "sip:bob@192.0.2.2",
            "duration": 3,
        }
        self.assertEqual(json.loads(json.dumps(one.toJSON())), expected)

    def test_value(self):
        """
        It is fixed, and compared by what it says.
        """
        self.assertEqual(change(), change())
        self.assertEqual({change(), change()}, {change()})
        with self.assertRaises(AttributeError):
            change().state = "confirmed"
