"""
What subscribers and notifiers know of an event package (RFC 6665 section 7.2).
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.event import PACKAGES
from twisted_sipdialog.event.conference import ConferenceInfo
from twisted_sipdialog.event.dialog_info import Dialog, DialogInfo
from twisted_sipdialog.event.message_summary import MessageSummary
from twisted_sipdialog.event.presence import Presence
from twisted_sipdialog.event.reg import RegInfo
from twisted_sipdialog.message.sipfrag import StatusFragment


class PackageTests(SynchronousTestCase):
    def test_values(self) -> None:
        """How long a subscription lasts, and how often it is told, as the RFCs have it; all in seconds."""
        expected = {
            "presence": ("application/pidf+xml", 3600, 5),
            "message-summary": ("application/simple-message-summary", 3600, 1),
            "dialog": ("application/dialog-info+xml", 3600, 1),
            "reg": ("application/reginfo+xml", 3761, 5),
            "conference": ("application/conference-info+xml", 3600, 5),
            "refer": ("message/sipfrag;version=2.0", 300, 1),
        }
        told = {name: (one.accept[0], one.expires, one.interval) for name, one in PACKAGES.items()}
        self.assertEqual(told, expected)

    def test_parse(self) -> None:
        """Each reads what it writes; parameters of the type, and its case, do not matter."""
        for name, value in (
            ("presence", Presence.of("sip:a@b", "open")),
            ("message-summary", MessageSummary(True)),
            ("dialog", DialogInfo("sip:a@b")),
            ("reg", RegInfo()),
            ("conference", ConferenceInfo("sip:a@b")),
            ("refer", StatusFragment(200)),
        ):
            package = PACKAGES[name]
            (contentType,) = package.accept
            for spelled in (contentType, contentType.upper(), f"{contentType}; charset=utf-8"):
                self.assertEqual(package.parse(spelled, value.toBytes()), value)

    def test_otherType(self) -> None:
        """415: there is no such body in the package."""
        for package in PACKAGES.values():
            for contentType in ("", "text/plain", "application/xml", "application/pidf-diff+xml", "\udcff"):
                error = self.assertRaises(ParseError, package.parse, contentType, b"")
                self.assertEqual(error.statusCode, 415)

    def test_malformed(self) -> None:
        """400: the body is none of its type."""
        for package in PACKAGES.values():
            error = self.assertRaises(ParseError, package.parse, package.accept[0], b"\xff<")
            self.assertEqual(error.statusCode, 400)

    def test_merged(self) -> None:
        """Documents that count are put together (RFC 4235 section 4.3); of others the last is the state."""
        open_, closed = Presence.of("sip:a@b", "open"), Presence.of("sip:a@b", "closed")
        self.assertEqual(PACKAGES["presence"].merged(open_, closed), (closed, False))
        package = PACKAGES["dialog"]
        early, ended = Dialog("one", "early"), Dialog("two", "confirmed")
        whole, isMissing = package.merged(None, DialogInfo("sip:a@b", 4, "full", (early,)))
        self.assertEqual((whole.dialogs, isMissing), ((early,), False))
        both, isMissing = package.merged(whole, DialogInfo("sip:a@b", 5, "partial", (ended,)))
        self.assertEqual((both.dialogs, isMissing), ((early, ended), False))
        self.assertEqual(whole.dialogs, (early,), "what was known is not changed in place")
        self.assertTrue(package.merged(both, DialogInfo("sip:a@b", 7, "partial", ()))[1])
        self.assertTrue(package.merged(None, DialogInfo("sip:a@b", 7, "partial", ()))[1])

    def test_forks(self) -> None:
        """Which of them may have several notifiers (RFC 6665 section 5.4.9)."""
        self.assertEqual({name for name, one in PACKAGES.items() if one.forks}, {"message-summary", "dialog", "refer"})
