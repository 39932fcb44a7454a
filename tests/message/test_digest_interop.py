"""
Our answers as another SIP implementation checks them (sippy's challenges and verification, RFC 8760).
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.message.digest import Credentials, DigestClient

try:
    from sippy.SipAuthorization import SipAuthorization
    from sippy.SipWWWAuthenticate import SipWWWAuthenticate
except ImportError:
    SipAuthorization = SipWWWAuthenticate = None


class SippyVerifies(SynchronousTestCase):
    if SipAuthorization is None:
        skip = "sippy is not installed (PyPI: sippy)"

    def test_everyAlgorithmAndQop(self) -> None:
        client = DigestClient([Credentials("alice", "wonderland", realm="example.com")])
        for algorithm in (None, "MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"):
            for qop in (["auth"], ["auth-int"]) if algorithm else (None,):
                asked = SipWWWAuthenticate(realm="example.com", algorithm=algorithm)
                # It hands its nonce on as bytes; on the wire it is text.
                asked.nonce = asked.nonce if isinstance(asked.nonce, str) else asked.nonce.decode()
                asked.qop = qop
                answered = client.answer([str(asked)], [], "INVITE", "sip:bob@example.com", b"v=0", {}, False)
                assert answered is not None, str(asked)
                later = client.headersFor("INVITE", "sip:bob@example.com", b"v=0")
                for (_, value), password, right in (
                    (answered[0], "wonderland", True),
                    (later[0], "wonderland", True),
                    (later[0], "guess", False),
                ):
                    verified = SipAuthorization(body=value).verify(password, "INVITE", "v=0")
                    self.assertEqual(verified, right, (algorithm, qop, password))
