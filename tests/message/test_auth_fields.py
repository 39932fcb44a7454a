"""Header fields of authentication (RFC 3261 section 20, RFC 7616)."""

from tests.message.cases import FieldCase
from twisted_sipdialog.message.fields import AuthenticationInfo, AuthorizationField, Challenge


class AuthenticationTests(FieldCase):
    def test_challenge(self) -> None:
        text = 'Digest realm="a, \\"b\\"", nonce="ea9c8e88", opaque="", stale=FALSE, algorithm=MD5, qop="auth,auth-int"'
        self.reads(
            text,
            Challenge(
                "Digest",
                {
                    "realm": 'a, "b"',
                    "nonce": "ea9c8e88",
                    "opaque": "",
                    "stale": "FALSE",
                    "algorithm": "MD5",
                    "qop": "auth,auth-int",
                },
            ),
        )
        self.assertEqual(str(Challenge.parse(text)), text)

    def test_authorization(self) -> None:
        """RFC 7616 section 3.4: qop, nc and algorithm go without quotes, all others with them."""
        text = 'Digest username="bob", uri="sip:a", algorithm=SHA-256, cnonce="0a4f113b", qop=auth, nc=00000001'
        self.assertEqual(str(AuthorizationField.parse(text)), text)
        self.assertEqual(AuthorizationField.parse(text.replace("auth,", '"auth",')).parameters["qop"], "auth")

    def test_unknownScheme(self) -> None:
        """RFC 4475 section 3.3.7."""
        self.reads(
            "NoOneKnowsThisScheme opaque-data=here", AuthorizationField("NoOneKnowsThisScheme", {"opaque-data": "here"})
        )

    def test_whiteSpace(self) -> None:
        self.reads(" Digest \t REALM = x ,\tnonce=abc== ", Challenge("Digest", {"realm": "x", "nonce": "abc=="}))

    def test_authenticationInfo(self) -> None:
        text = 'nextnonce="47364c23432d2e131a5fb210812c", qop=auth, rspauth="1", cnonce="2", nc=00000001'
        self.reads(
            text,
            AuthenticationInfo(
                {
                    "nextnonce": "47364c23432d2e131a5fb210812c",
                    "qop": "auth",
                    "rspauth": "1",
                    "cnonce": "2",
                    "nc": "00000001",
                }
            ),
        )
        self.assertEqual(str(AuthenticationInfo.parse(text)), text)

    def test_malformed(self) -> None:
        bad = [
            "",
            " ",
            "a",
            "a=",
            "=b",
            "a=b,",
            ",a=b",
            "a=b,,c=d",
            "a=b c=d",
            "a=b, A=c",
            'a="b',
            'a="b"c',
            "a=b\nc",
            'a="\x00"',
        ]
        self.refuses(AuthenticationInfo, *bad)
        for cls in (Challenge, AuthorizationField):
            self.refuses(cls, "", "Digest", "realm=x", *[f"Digest {text}" for text in bad])
