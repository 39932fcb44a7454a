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
            ("infoPackages", "a\nb"),
        ]
        numbers = ("followRedirects", "stopTimeout", "udpLimit", "udpReceiveBuffer", "flowGrace")
        for name in (*numbers, "noAnswerTimeout", "ringTimeout"):
            for value in (-1, float("nan"), "5"):
                error = self.assertRaises(ConfigurationError, Configuration, aor=AOR, **{name: value})
                self.assertEqual(error.name, name)
        for name in numbers:
            self.assertRefused(name, None, None, "a number, 0 or more, is wanted")
        for name, value in cases:
            settings = {"aor": AOR, name: value}
            error = self.assertRaises(ConfigurationError, Configuration, **settings)
            self.assertEqual(error.name, name, value)
            self.assertIn(str(error.value), value, name)

    def test_refusedByRule(self) -> None:
        """
        The error tells the value that is wrong, which may be one of several, and what would be right.
        """
        text = "text without CR, LF and NUL is wanted"
        whole = "whole seconds, 1 or more, are wanted"
        final = "a final status, 300 to 699, is wanted"
        trusted = "True, False, or addresses and networks are wanted"
        for names, rule in (
            (("rel100",), "one of 'off', 'supported', 'required' is wanted"),
            (("replaces",), "one of 'off', 'supported' is wanted"),
            (("sessionTimers",), "one of 'off', 'supported', 'always' is wanted"),
            (("sessionRefresher",), "one of None, 'local', 'remote' is wanted"),
            (("sessionRefreshMethod",), "one of None, 'UPDATE', 'INVITE' is wanted"),
            (("forkedAnswers",), "one of 'first', 'all' is wanted"),
            (("sessionExpires", "minSE"), whole),
        ):
            for name in names:
                for value in ("on", "OFF", "update", "", True, 0, -5, 1.5, float("nan"), 2**31, ["off"], b"off"):
                    self.assertRefused(name, value, value, rule)
        for name in ("rel100", "replaces", "sessionTimers", "forkedAnswers"):
            self.assertRefused(name, None, None, "one of '")
        for name in ("sessionExpires", "minSE"):
            self.assertRefused(name, None, None, whole)
        for value in (None, "60", -1, 60.5, True, 2**31):
            self.assertRefused("minSubscriptionExpires", value, value, "whole seconds, 0 or more, are wanted")
        for name in ("listen", "supported", "accept", "infoPackages"):
            for value, wrong in ((5, 5), (None, None), (["a", 5], 5), (["a", "b\r\nc"], "b\r\nc"), ("a\0", "a\0")):
                self.assertRefused(name, value, wrong, text)
        for value, wrong in (
            (200, 200),
            ([481, 299], 299),
            ((700,), 700),
            ("481", "481"),
            ([True], True),
            (None, None),
        ):
            self.assertRefused("dialogEndingStatuses", value, wrong, final)
        for value, wrong in (
            ("proxy.example.com", "proxy.example.com"),
            (["192.0.2.1", "192.0.2.0/33"], "192.0.2.0/33"),
            (["192.0.2.1", 5], 5),
            ([True], True),
            ("", ""),
            (1, 1),
            (None, None),
        ):
            self.assertRefused("trustIdentity", value, wrong, trusted)

    def assertRefused(self, name: str, value: Any, wrong: Any, rule: str) -> None:
        """C{value} of C{name} is refused, since C{wrong} breaks C{rule} (or one that begins so)."""
        error = self.assertRaises(ConfigurationError, Configuration, aor=AOR, **{name: value})
        self.assertEqual((error.name, repr(error.value)), (name, repr(wrong)))
        self.assertTrue(error.rule.startswith(rule), error.rule)
        self.assertTrue(str(error).startswith(f"{name}: {wrong!r}: {rule}"), error)

    def test_taken(self) -> None:
        """
        What may be told of sessions and dialogs; one of several needs no list.
        """
        for name, value, taken in (
            ("rel100", "required", "required"),
            ("replaces", "off", "off"),
            ("sessionTimers", "off", "off"),
            ("sessionExpires", 1, 1),
            ("minSE", 2**31 - 1, 2**31 - 1),
            ("sessionRefresher", None, None),
            ("sessionRefresher", "remote", "remote"),
            ("sessionRefreshMethod", "INVITE", "INVITE"),
            ("dialogEndingStatuses", [481, 699, 300], (481, 699, 300)),
            ("dialogEndingStatuses", 481, (481,)),
            ("dialogEndingStatuses", (), ()),
            ("forkedAnswers", "all", "all"),
            ("trustIdentity", False, False),
            ("trustIdentity", "192.0.2.1", ("192.0.2.1",)),
            ("trustIdentity", ["192.0.2.77/24", "2001:db8::/32"], ("192.0.2.77/24", "2001:db8::/32")),
            ("flowGrace", 0, 0),
            ("infoPackages", "dtmf", ("dtmf",)),
            ("infoPackages", iter(["a", "b"]), ("a", "b")),
            ("noAnswerTimeout", None, None),
            ("ringTimeout", None, None),
        ):
            settings = {"aor": AOR, name: value}
            self.assertEqual(getattr(Configuration(**settings), name), taken, name)

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
