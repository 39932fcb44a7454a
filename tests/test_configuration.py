"""
Settings: what cannot be used is refused when it is given, by name.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog import Configuration, Credentials
from twisted_sipdialog.errors import ConfigurationError

AOR = "sip:desk@example.com"


class ConfigurationTests(SynchronousTestCase):
    def test_refused(self) -> None:
        """
        A wrong value raises, and the error names the setting and the value.
        """
        cases: list[tuple[str, Any]] = [
            ("aor", "desk"),
            ("aor", "tel:+358"),
            ("outboundProxy", "proxy.example.com"),
            ("userAgent", "x\r\nVia: SIP/2.0/UDP evil"),
            ("displayName", "Desk\0"),
            ("advertise", "host\n"),
            ("supported", ("timer", "a\r\nb")),
            ("accept", "application/sdp\r\n"),
        ]
        numbers = ("noAnswerTimeout", "ringTimeout", "followRedirects", "stopTimeout", "udpLimit", "udpReceiveBuffer")
        for name in numbers:
            for value in (-1, float("nan"), "5"):
                error = self.assertRaises(ConfigurationError, Configuration, aor=AOR, **{name: value})
                self.assertEqual(error.name, name)
        for name, value in cases:
            settings = {"aor": AOR, name: value}
            error = self.assertRaises(ConfigurationError, Configuration, **settings)
            self.assertEqual(error.name, name, value)
            self.assertIn(str(error.value), value, name)

    def test_defaults(self) -> None:
        """
        An address of record is enough.
        """
        configuration = Configuration(aor=AOR)
        self.assertEqual(str(configuration.aor), AOR)
        self.assertEqual(configuration.listen, ("udp:5060", "tcp:5060"))
        self.assertEqual((configuration.credentials, configuration.outboundProxy), ((), None))

    def test_secretsStayInside(self) -> None:
        """
        A configuration that is printed does not tell the passwords in it.
        """
        configuration = Configuration(aor=AOR, credentials=[Credentials("alice", "wonderland", "example.com")])
        self.assertNotIn("wonderland", repr(configuration))
