"""
The public surface: a name added or taken away is a decision, so it is made here too.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

import twisted_sipdialog

PUBLIC = {
    "Cause",
    "Configuration",
    "Credentials",
    "DialogDelegate",
    "Ended",
    "FlowLimits",
    "Headers",
    "Limits",
    "LoadLimits",
    "NotifierDelegate",
    "Phase",
    "PublishClientContext",
    "PublishDelegate",
    "Reason",
    "ReferClientContext",
    "ReferDelegate",
    "Request",
    "RequestDelegate",
    "Response",
    "SubscriptionDelegate",
    "SubscriptionEnd",
    "TimerValues",
    "UserAgent",
    "UserAgentDelegate",
}


class ExportTests(SynchronousTestCase):
    def test_publicNames(self) -> None:
        """
        C{__all__} holds the public names, each once.
        """
        self.assertEqual(sorted(twisted_sipdialog.__all__), sorted(PUBLIC))

    def test_publicNamesExist(self) -> None:
        """
        Each public name can be had.
        """
        for name in sorted(PUBLIC):
            self.assertTrue(hasattr(twisted_sipdialog, name), name)
