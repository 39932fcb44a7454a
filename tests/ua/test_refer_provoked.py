"""
What a peer can have us do by REFERs that nobody was asked about.
"""

from tests.ua.transferee import TransfereeCase


class ProvokedTests(TransfereeCase):
    def test_oneCallAtATime(self):
        """The policy follows no REFER of a dialog while the call of another one is made or stands."""
        self.callOut()
        self.assertEqual(self.status(), 202)
        self.told()
        self.called()
        self.assertEqual([self.status() for _ in range(3)], [603] * 3)
        self.answers(200)
        self.told()
        self.assertEqual(self.status(), 603)
        self.assertEqual(self.calls(), 1)
        self.target.request("BYE", within=self.invite)
        self.network.advance(0.01)
        # That one is over: another may be called.
        self.assertEqual(self.status(), 202)
        self.told()
        self.called()
        self.answers(486)
        self.told()
        self.assertEqual(self.status(), 202)
        self.told()
        self.called()
        self.answers(486)
        self.told()
        self.hangsUp()
        self.assertNothingLeft()
