"""
Delegates that call straight back in while they are told of a REFER.
"""

from tests.ua.transferee import TransfereeCase, later
from twisted_sipdialog.dialog.referral import ReferState
from twisted_sipdialog.errors import InvalidState


class TransfereeTests(TransfereeCase):
    def test_settledAtOnce(self):
        """RFC 3515 section 2.4.4: the 100 comes first, also when the delegate knows the outcome at the 2xx."""
        self.stand(later)
        self.notes.referRequestAccepted = lambda context, _: context.sendNotify(486)
        self.asks()
        context = self.notes.refer
        context.accept()
        self.assertEqual((context.referState, context.status.statusCode), (ReferState.TERMINATED, 486))
        with self.assertRaises(InvalidState):
            context.sendNotify(200)
        self.network.advance(0.01)
        self.assertEqual(self.told(), ("SIP/2.0 100 Trying", "active"))
        self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
        self.hangsUp()
        self.assertNothingLeft()
