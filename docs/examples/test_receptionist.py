"""The receptionist, tried out in a network that exists in memory only."""

import sys
from pathlib import Path

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog import Reason
from twisted_sipdialog.testing import MemoryNetwork

sys.path.insert(0, str(Path(__file__).resolve().parent))  # so that trial may be started in any folder

from receptionist import Receptionist


class ReceptionistTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.network = MemoryNetwork(self.clock, latency=0.01)  # seconds, each way
        self.alice = self.network.userAgent("sip:alice@a.example")
        self.desk = self.network.userAgent("sip:desk@b.example", Receptionist(self.clock))
        self.addCleanup(self.network.assertQuiet)  # no dialog, transaction or delayed call left

    def test_callerGivesUp(self):
        """
        CANCEL while ringing ends the callee's coroutine (RFC 3261 section 9.2).
        """
        calling = self.alice.invite("sip:desk@b.example", body=b"offer")
        self.network.advance(0.5)
        calling.cancel()
        self.network.advance(0.5)
        self.failureResultOf(calling, CancelledError)
        self.assertEqual(
            self.network.seenBy(self.alice),
            ["> INVITE", "< 180 INVITE", "> CANCEL", "< 200 CANCEL", "< 487 INVITE", "> ACK"],
        )

    def test_firstAnswerLost(self):
        """
        The 2xx is repeated after T1 until the ACK arrives (section 13.3.1.4).
        """
        self.network.drop(lambda m: m.statusCode == 200, times=1)
        calling = self.alice.invite("sip:desk@b.example", body=b"offer")
        self.network.advance(1.6)
        dialog = self.successResultOf(calling)
        self.network.advance(6)
        self.assertIs(self.successResultOf(dialog.whenTerminated()).reason, Reason.REMOTE_BYE)
