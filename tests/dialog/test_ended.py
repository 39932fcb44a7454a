"""
How a dialog ended, in words.
"""

from unittest import TestCase

from twisted_sipdialog.dialog.ended import Ended, Reason


class ReasonTests(TestCase):
    def test_words(self):
        """
        The originals' words for the ends they had.
        """
        words = {
            "REMOTE_BYE": "normal far end release",
            "LOCAL_CANCEL": "Canceled",
            "NO_ANSWER": "No Answer",
            "EXPIRED": "Expires",
            "ACK_TIMEOUT": "ACK timeout",
            "DIALOG_ERROR": "Dialog Error",
            "MEDIA_LOST": "RTP Timeout",
            "FLOW_LOST": "flow lost",
        }
        self.assertEqual({name: Reason[name].text for name in words}, words)

    def test_distinct(self):
        """
        Each end has its own word.
        """
        self.assertEqual(len({reason.text for reason in Reason}), len(Reason.__members__))

    def test_ended(self):
        """
        An end is a value, fixed once.
        """
        ended = Ended(Reason.LOCAL_BYE, False)
        self.assertEqual((ended.reason, ended.byPeer, ended.message), (Reason.LOCAL_BYE, False, None))
        with self.assertRaises(AttributeError):
            ended.reason = Reason.REMOTE_BYE
