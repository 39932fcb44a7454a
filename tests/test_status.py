"""
Status codes: their phrases, and the causes they stand for.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.status import REASON_PHRASES, Cause, reasonPhrase

#: As SIP.js has them.
WORDS = {
    "CONNECTION_ERROR": "Connection Error",
    "REQUEST_TIMEOUT": "Request Timeout",
    "SIP_FAILURE_CODE": "SIP Failure Code",
    "INTERNAL_ERROR": "Internal Error",
    "BUSY": "Busy",
    "REJECTED": "Rejected",
    "REDIRECTED": "Redirected",
    "UNAVAILABLE": "Unavailable",
    "NOT_FOUND": "Not Found",
    "ADDRESS_INCOMPLETE": "Address Incomplete",
    "INCOMPATIBLE_SDP": "Incompatible SDP",
    "AUTHENTICATION_ERROR": "Authentication Error",
    "DIALOG_ERROR": "Dialog Error",
    "CANCELED": "Canceled",
    "NO_ANSWER": "No Answer",
    "EXPIRES": "Expires",
    "NO_ACK": "No ACK",
    "NO_PRACK": "No PRACK",
    "BAD_MEDIA_DESCRIPTION": "Bad Media Description",
    "RTP_TIMEOUT": "RTP Timeout",
}

#: Which statuses each stands for.
STATUSES = {
    Cause.REDIRECTED: (300, 301, 302, 305, 380),
    Cause.BUSY: (486, 600),
    Cause.REJECTED: (403, 603),
    Cause.NOT_FOUND: (404, 604),
    Cause.UNAVAILABLE: (480, 410, 408, 430),
    Cause.ADDRESS_INCOMPLETE: (484,),
    Cause.INCOMPATIBLE_SDP: (488, 606),
    Cause.AUTHENTICATION_ERROR: (401, 407),
}


class CauseTests(SynchronousTestCase):
    def test_words(self) -> None:
        """The names, and the words of the original."""
        self.assertEqual({cause.name: cause.text for cause in Cause}, WORDS)

    def test_statuses(self) -> None:
        """Each refusal has its cause; most have none of their own."""
        expected = {status: cause for cause, statuses in STATUSES.items() for status in statuses}
        for status in range(300, 700):
            self.assertIs(Cause.of(status), expected.get(status, Cause.SIP_FAILURE_CODE), str(status))


class PhraseTests(SynchronousTestCase):
    def test_registered(self) -> None:
        """A registered status has its phrase."""
        self.assertEqual((reasonPhrase(180), reasonPhrase(486)), ("Ringing", "Busy Here"))

    def test_class(self) -> None:
        """Another has the name of its class (RFC 3261 section 8.1.3.2)."""
        for status in (199 - 1, 299, 399, 499, 599, 699):
            self.assertNotIn(status, REASON_PHRASES)
            self.assertTrue(reasonPhrase(status))
        self.assertEqual((reasonPhrase(499), reasonPhrase(799)), ("Client Error", "Unknown"))
