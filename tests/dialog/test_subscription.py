"""
How a subscription ends, and whether another one makes sense (RFC 6665 sections 4.1.2.2 and 4.1.3).
"""

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.dialog.subscription import ENDING, SubscriptionEnd, mayRetry, pause
from twisted_sipdialog.message.event_fields import SubscriptionState


def told(parameters):
    return SubscriptionState.parse(f"terminated{parameters}")


class ReasonTests(SynchronousTestCase):
    def test_never(self):
        """Section 4.1.3: nobody may subscribe again after these, in any case of letters."""
        for reason in ("rejected", "noresource", "invariant", "NoResource"):
            self.assertFalse(mayRetry(told(f";reason={reason}")), reason)
            self.assertFalse(mayRetry(told(f";reason={reason};retry-after=5")), reason)

    def test_mayRetry(self):
        """After the others, those that nobody knows, and none."""
        for parameters in (
            ";reason=deactivated",
            ";reason=timeout",
            ";reason=probation",
            ";reason=giveup",
            ";reason=x",
        ):
            self.assertTrue(mayRetry(told(parameters)), parameters)
        self.assertTrue(mayRetry(told("")))
        self.assertTrue(mayRetry(told(";retry-after=3")))

    def test_atOnce(self):
        """deactivated and timeout mean at once; a retry-after means nothing with them."""
        for reason in ("deactivated", "timeout", "TIMEOUT"):
            self.assertEqual(pause(told(f";reason={reason}")), 0)
            self.assertEqual(pause(told(f";reason={reason};retry-after=60")), 0)

    def test_later(self):
        """retry-after is in seconds; without it, it is for the subscriber to say."""
        for reason in (";reason=probation", ";reason=giveup", ";reason=x", ""):
            self.assertEqual(pause(told(f"{reason};retry-after=60")), 60.0)
            self.assertEqual(pause(told(f"{reason};retry-after=0")), 0.0)
            self.assertIsNone(pause(told(reason)))


class EndTests(SynchronousTestCase):
    def test_ending(self):
        """RFC 5057 section 5.1, RFC 6665 section 4.1.2.2: what says that there is no such dialog, usage or peer."""
        for status in (404, 405, 410, 416, *range(480, 486), 489, 501, 604):
            self.assertIn(status, ENDING)
        for status in (200, 202, 302, 400, 401, 403, 406, 407, 415, 423, 486, 487, 488, 491, 500, 503, 600, 603):
            self.assertNotIn(status, ENDING)

    def test_value(self):
        """An end is a value: two that say the same are the same, and none changes."""
        end = SubscriptionEnd("timeout", True)
        self.assertEqual(end, SubscriptionEnd("timeout", True, None))
        self.assertNotEqual(end, SubscriptionEnd("timeout", False))
        with self.assertRaises(AttributeError):
            end.reason = "giveup"
