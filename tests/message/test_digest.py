"""
Digest answers as RFC 7616, RFC 8760 and RFC 3261 section 22 have them.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import attrs
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message import digest
from twisted_sipdialog.message.digest import Credentials, DigestClient, Tries
from twisted_sipdialog.message.digest_hash import HASHES, hashed, hashedA1, responseOf

URI = "sip:bob@biloxi.com"
ALICE = Credentials("alice", "wonderland", realm="atlanta.com")


def H(name: str, text: str) -> str:
    return hashlib.new(name, text.encode()).hexdigest()


class Counting:
    """Random bits that are not: 1, 2, ..., so that each cnonce can be told."""

    def __init__(self) -> None:
        self.calls = 0

    def getrandbits(self, k: int, /) -> int:
        self.calls += 1
        return self.calls


CNONCES = [f"{i:032x}" for i in range(10)]


def read(value: str) -> dict[str, str]:
    """The parameters of an Authorization, read by other means than the package's."""
    scheme, _, rest = value.partition(" ")
    assert scheme == "Digest", value
    found = re.findall(r'([a-z]+)=(?:"((?:\\.|[^"\\])*)"|([^", ]+))(?:, |$)', rest)
    return {name: re.sub(r"\\(.)", r"\1", quoted) or token for name, quoted, token in found}


def challenge(realm: str = "atlanta.com", nonce: str = "n1", **more: str) -> str:
    fields = {"qop": '"auth"', **more}
    return f'Digest realm="{realm}", nonce="{nonce}"' + "".join(f", {n}={v}" for n, v in fields.items() if v)


def client(*credentials: Credentials) -> DigestClient:
    return DigestClient(credentials or (ALICE,), Counting())


def answer(
    who: DigestClient, *challenges: str, proxy: tuple[str, ...] = (), tries: Tries | None = None, **more: Any
) -> list[tuple[str, str]] | None:
    asked = {"method": "INVITE", "uri": URI, "body": b"", "trusted": False, **more}
    return who.answer(list(challenges), list(proxy), tries={} if tries is None else tries, **asked)


def only(headers: list[tuple[str, str]] | None) -> dict[str, str]:
    assert headers is not None and len(headers) == 1, headers
    return read(headers[0][1])


class PublishedVectors(SynchronousTestCase):
    def test_rfc2617Section35(self) -> None:
        key = hashedA1("md5", "Mufasa", "testrealm@host.com", "Circle Of Life")
        self.assertEqual(key, "939e7578ed9e3c518a452acee763bce9")
        nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
        self.assertEqual(
            responseOf("md5", key, nonce, "00000001", "0a4f113b", "auth", "GET", "/dir/index.html", b""),
            "6629fae49393a05397450978507c4ef1",
        )
        # The same without qop: the form of RFC 2069.
        self.assertEqual(
            responseOf("md5", key, nonce, "", "", None, "GET", "/dir/index.html", b""),
            "670fd8c2df070c60b045671b8b24ff02",
        )

    def test_rfc7616Section391(self) -> None:
        nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
        cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
        for name, expected in (
            ("md5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("sha256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ):
            key = hashedA1(name, "Mufasa", "http-auth@example.org", "Circle of Life")
            response = responseOf(name, key, nonce, "00000001", cnonce, "auth", "GET", "/dir/index.html", b"")
            self.assertEqual(response, expected, name)

    def test_rfc7616Section392AsErratum4897CorrectsIt(self) -> None:
        # The printed values truncate SHA-512 instead of using SHA-512/256, which has another start value.
        username, realm = "J\u00e4s\u00f8n Doe", "api@example.org"
        self.assertEqual(
            hashed("sha512_256", username, realm), "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
        )
        response = responseOf(
            "sha512_256",
            hashedA1("sha512_256", username, realm, "Secret, or not?"),
            "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            "00000001",
            "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            "auth",
            "GET",
            "/doe.json",
            b"",
        )
        self.assertEqual(response, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5")


class TheAnswer(SynchronousTestCase):
    """RFC 3261 section 22.4, RFC 7616 section 3.4: one challenge, one Authorization."""

    def test_everyAlgorithmGivesTheDigestComputedByHand(self) -> None:
        for algorithm, name in (("MD5", "md5"), ("SHA-256", "sha256"), ("SHA-512-256", "sha512_256")):
            a1 = H(name, "alice:atlanta.com:wonderland")
            a2 = H(name, f"INVITE:{URI}")
            session = H(name, f"{a1}:n1:{CNONCES[1]}")
            for sent, key in ((algorithm, a1), (f"{algorithm}-sess", session), (f"{algorithm.lower()}-SESS", session)):
                said = only(answer(client(), challenge(algorithm=sent)))
                self.assertEqual(said["response"], H(name, f"{key}:n1:00000001:{CNONCES[1]}:auth:{a2}"), sent)
                self.assertEqual(said["algorithm"], sent)

    def test_itSaysWhatTheRequestIsAndEchoesWhatWasAsked(self) -> None:
        headers = answer(client(), challenge(opaque='"5ccc"', algorithm="MD5"))
        assert headers is not None
        self.assertEqual([name for name, _ in headers], ["Authorization"])
        said = only(headers)
        del said["response"]
        self.assertEqual(
            said,
            {
                "username": "alice",
                "realm": "atlanta.com",
                "nonce": "n1",
                "uri": URI,
                "algorithm": "MD5",
                "opaque": "5ccc",
                "qop": "auth",
                "cnonce": CNONCES[1],
                "nc": "00000001",
            },
        )

    def test_tokensAreNotQuotedAndStringsAre(self) -> None:
        # RFC 7616 section 3.4: algorithm, qop and nc must not be quoted, the others must.
        headers = answer(client(), challenge(opaque="bare", algorithm='"SHA-256"', qop="auth"))
        assert headers is not None
        value = headers[0][1]
        for part in ("algorithm=SHA-256,", "qop=auth,", "nc=00000001", 'opaque="bare"', 'nonce="n1"', f'uri="{URI}"'):
            self.assertIn(part, value)

    def test_whatWasNotInTheChallengeIsNotInTheAnswer(self) -> None:
        said = only(answer(client(), challenge()))
        self.assertFalse({"algorithm", "opaque", "userhash"} & set(said))

    def test_emptyOpaqueIsEchoed(self) -> None:
        headers = answer(client(), challenge(opaque='""'))
        assert headers is not None
        self.assertIn('opaque=""', headers[0][1])

    def test_withoutQopTheAnswerIsThatOfRfc2069(self) -> None:
        # RFC 3261 section 22.4: then neither cnonce nor nc may be sent.
        expected = H("md5", f"{H('md5', 'alice:atlanta.com:wonderland')}:n1:{H('md5', f'INVITE:{URI}')}")
        for qop in ("", '""'):
            said = only(answer(client(), challenge(qop=qop)))
            self.assertEqual(said["response"], expected)
            self.assertFalse({"qop", "cnonce", "nc"} & set(said))

    def test_authIsPreferredToAuthInt(self) -> None:
        for qop, chosen in (
            ('"auth,auth-int"', "auth"),
            ('"auth-int, auth"', "auth"),
            ('"auth-int"', "auth-int"),
            ('"auth-conf,AUTH-INT"', "auth-int"),
            ("auth", "auth"),
        ):
            self.assertEqual(only(answer(client(), challenge(qop=qop)))["qop"], chosen, qop)

    def test_authIntCoversTheBodyAndAnAbsentBodyIsAnEmptyOne(self) -> None:
        a1 = H("md5", "alice:atlanta.com:wonderland")
        for body, bodyHash in (
            (b"", "d41d8cd98f00b204e9800998ecf8427e"),  # as RFC 3261 section 22.4 prints it
            (b"v=0\r\n\xff", hashlib.md5(b"v=0\r\n\xff").hexdigest()),
        ):
            a2 = H("md5", f"INVITE:{URI}:{bodyHash}")
            said = only(answer(client(), challenge(qop='"auth-int"'), body=body))
            self.assertEqual(said["response"], H("md5", f"{a1}:n1:00000001:{CNONCES[1]}:auth-int:{a2}"))

    def test_quotesAndBackslashesAreEscapedOnTheWireAndHashedPlain(self) -> None:
        odd = Credentials('a"l\\ice', 'p"\\', realm='at"l\\anta')
        headers = answer(client(odd), challenge(realm='at\\"l\\\\anta', nonce='n\\"1'))
        assert headers is not None
        self.assertIn(r'username="a\"l\\ice", realm="at\"l\\anta", nonce="n\"1"', headers[0][1])
        a1 = H("md5", 'a"l\\ice:at"l\\anta:p"\\')
        a2 = H("md5", f"INVITE:{URI}")
        self.assertEqual(only(headers)["response"], H("md5", f'{a1}:n"1:00000001:{CNONCES[1]}:auth:{a2}'))

    def test_userhashHidesTheName(self) -> None:
        # RFC 7616 section 3.4.4; A1 keeps the plain name.
        said = only(answer(client(), challenge(algorithm="SHA-256", userhash="true")))
        self.assertEqual(said["username"], H("sha256", "alice:atlanta.com"))
        self.assertEqual(said["userhash"], "true")
        plain = only(answer(client(), challenge(algorithm="SHA-256")))
        self.assertEqual(said["response"], plain["response"])
        self.assertEqual(only(answer(client(), challenge(userhash="false")))["username"], "alice")

    def test_charsetUtf8AsksForComposedCharacters(self) -> None:
        decomposed = Credentials("Ja\u0308son", "o\u0308", realm="atlanta.com")
        a2 = H("md5", f"INVITE:{URI}")
        for charset, username, password in (("UTF-8", "J\u00e4son", "\u00f6"), ("", "Ja\u0308son", "o\u0308")):
            said = only(answer(client(decomposed), challenge(charset=charset)))
            self.assertEqual(said["username"], username)
            a1 = H("md5", f"{username}:atlanta.com:{password}")
            self.assertEqual(said["response"], H("md5", f"{a1}:n1:00000001:{CNONCES[1]}:auth:{a2}"))

    def test_theNamesOfTheChallengeAreCaseless(self) -> None:
        self.assertIsNotNone(answer(client(), 'dIgEsT REALM="atlanta.com", Nonce="n1", QOP="AUTH", ALGORITHM=md5'))

    def test_bytesThatAreNoUtf8ComeBackAsTheyWere(self) -> None:
        nonce = b"\xff\xc3".decode("utf-8", "surrogateescape")
        said = only(answer(client(), challenge(nonce=nonce)))
        a1 = hashlib.md5(b"alice:atlanta.com:wonderland").hexdigest()
        a2 = H("md5", f"INVITE:{URI}")
        self.assertEqual(said["nonce"], nonce)
        whole = f"{a1}:".encode() + b"\xff\xc3" + f":00000001:{CNONCES[1]}:auth:{a2}".encode()
        self.assertEqual(said["response"], hashlib.md5(whole).hexdigest())


class TheChoice(SynchronousTestCase):
    """RFC 8760 section 2.4: the topmost challenge that we support, for each realm."""

    def test_theTopmostSupportedChallengeOfARealmIsAnswered(self) -> None:
        for offered, chosen in (
            (("SHA-512-256", "SHA-256", "MD5"), "SHA-512-256"),
            (("SHA-256", "SHA-512-256"), "SHA-256"),
            (("MD5", "SHA-256"), "MD5"),
            (("SHA-1", "SHA3-256", "AKAv1-MD5", "SHA-256-sess", "MD5"), "SHA-256-sess"),
        ):
            lines = [challenge(algorithm=algorithm, nonce=algorithm) for algorithm in offered]
            said = only(answer(client(), *lines))
            self.assertEqual((said["algorithm"], said["nonce"]), (chosen, chosen), offered)

    def test_whatThisPythonCannotHashIsNotSupported(self) -> None:
        self.patch(digest, "HASHES", {name: HASHES[name] for name in ("md5", "sha-256")})
        self.assertIsNone(answer(client(), challenge(algorithm="SHA-512-256")))
        said = only(answer(client(), challenge(algorithm="SHA-512-256"), challenge(algorithm="SHA-256")))
        self.assertEqual(said["algorithm"], "SHA-256")

    def test_aBrokenOrUnknownChallengeDoesNotHideTheNextOne(self) -> None:
        for broken in ('Basic realm="atlanta.com"', "Digest", 'Digest realm="atlanta.com"', challenge(qop='"x"')):
            self.assertEqual(only(answer(client(), broken, challenge(nonce="good")))["nonce"], "good", broken)

    def test_everyRealmIsAnsweredAndEachInItsHeader(self) -> None:
        bob = Credentials("bob", "builder", realm="biloxi.com")
        headers = answer(
            client(ALICE, bob),
            challenge("biloxi.com", "n3"),
            proxy=(challenge("atlanta.com", "n1"), challenge("biloxi.com", "n2"), challenge("chicago.com", "n4")),
        )
        assert headers is not None
        said = [(name, *map(read(value).get, ("username", "realm", "nonce"))) for name, value in headers]
        self.assertEqual(
            said,
            [
                ("Authorization", "bob", "biloxi.com", "n3"),
                ("Proxy-Authorization", "alice", "atlanta.com", "n1"),
                ("Proxy-Authorization", "bob", "biloxi.com", "n2"),
            ],
        )

    def test_nothingIsAnsweredThatIsNotUnderstood(self) -> None:
        for line in (
            "",
            " ",
            "Digest",
            "Digest ",
            "Digest ,",
            "Digest realm",
            'Digest realm="atlanta.com"',
            'Digest nonce="n1"',
            'Digest realm="atlanta.com", nonce',
            'Digest realm="atlanta.com", nonce="n1',
            'Digest realm="atlanta.com", nonce="n\r\nX: y"',
            'Digest realm="atlanta.com", nonce="n\\\r\\\nX: y"',
            'Digest realm="atlanta.com", nonce="n", opaque="\x00"',
            'Digest realm="atlanta.com", nonce="n", opaque="\\\x01"',
            'Digest realm="atlanta.com", nonce="\\\x7f"',
            'Basic realm="atlanta.com", nonce="n1"',
            'Digestive realm="atlanta.com", nonce="n1"',
            challenge(algorithm="SHA-1"),
            challenge(algorithm='""'),
            challenge(algorithm="-sess"),
            challenge(algorithm="MD5-sess-sess"),
            challenge(algorithm="MD5-sess", qop=""),
            challenge(qop='"auth-conf"'),
            challenge(qop='"auths"'),
            challenge(nonce="n" * 5000),
        ):
            self.assertIsNone(answer(client(), line), line)
            self.assertIsNone(answer(client(), proxy=(line,)), line)
        self.assertIsNone(answer(client()))


class WhoMayAsk(SynchronousTestCase):
    """ROBUSTNESS of RFC 3261 section 22.1: an answer to just anybody lets him try passwords at leisure."""

    def test_anotherRealmIsNotAnswered(self) -> None:
        for realm in ("evil.com", "ATLANTA.COM", "atlanta.com ", "atlanta.co", "sub.atlanta.com", ""):
            for trusted in (False, True):
                self.assertIsNone(answer(client(), challenge(realm), trusted=trusted), realm)

    def test_credentialsWithoutRealmAreForTrustedAskersOnly(self) -> None:
        anywhere = Credentials("alice", "wonderland")
        self.assertIsNone(answer(client(anywhere), challenge("evil.com")))
        self.assertEqual(only(answer(client(anywhere), challenge("reg.com"), trusted=True))["realm"], "reg.com")

    def test_credentialsOfTheRealmComeBeforeThoseWithout(self) -> None:
        anywhere = Credentials("anyone", "secret")
        said = only(answer(client(anywhere, ALICE), challenge(), trusted=True))
        self.assertEqual(said["username"], "alice")

    def test_anUntrustedAskerHidesNoTrustedOne(self) -> None:
        self.assertEqual(only(answer(client(), challenge("evil.com"), challenge()))["realm"], "atlanta.com")

    def test_aRealmMayBeEmpty(self) -> None:
        self.assertIsNotNone(answer(client(Credentials("a", "b", realm="")), challenge("")))
        self.assertIsNone(answer(client(), challenge("")))


class HowOften(SynchronousTestCase):
    """B25: one answer for each request and asker, and one more if the nonce was stale."""

    def test_aSecondChallengeIsNotAnswered(self) -> None:
        who, tries = client(), Tries()
        self.assertIsNotNone(answer(who, challenge(nonce="1"), tries=tries))
        for stale in ("", "false", '"no"', "1"):
            self.assertIsNone(answer(who, challenge(nonce="2", stale=stale), tries=tries), stale)

    def test_staleIsAnsweredOnceMore(self) -> None:
        for stale in ("true", "TRUE", '"true"'):
            who, tries = client(), Tries()
            self.assertIsNotNone(answer(who, challenge(nonce="1"), tries=tries))
            said = only(answer(who, challenge(nonce="2", stale=stale), tries=tries))
            self.assertEqual((said["nonce"], said["nc"], said["cnonce"]), ("2", "00000001", CNONCES[2]))
            self.assertIsNone(answer(who, challenge(nonce="3", stale=stale), tries=tries))

    def test_aPeerThatChallengesForEverGetsTwoAnswers(self) -> None:
        for who, realm in (
            (client(), lambda i: "atlanta.com"),
            (client(Credentials("alice", "wonderland")), lambda i: f"realm{i}"),  # a new realm each time
        ):
            tries = Tries()
            answered = [
                answer(who, challenge(realm(i), f"n{i}", stale="true"), tries=tries, trusted=True) for i in range(20)
            ]
            self.assertEqual(sum(headers is not None for headers in answered), 2)

    def test_aLaterRequestMayBeAnsweredAgain(self) -> None:
        who = client()
        for i in range(3):
            self.assertIsNotNone(answer(who, challenge(nonce=f"n{i}"), tries={}))

    def test_concurrentRequestsAreCountedApart(self) -> None:
        who, invite, info = client(), Tries(), Tries()
        self.assertIsNotNone(answer(who, challenge(nonce="1"), tries=invite))
        self.assertIsNotNone(answer(who, challenge(nonce="2"), tries=info, method="INFO"))
        self.assertIsNone(answer(who, challenge(nonce="3"), tries=invite))

    def test_proxyThenServerBothAreCarried(self) -> None:
        # RFC 3261 section 22.3: the answer to the proxy is repeated beside that to the UAS.
        who, tries = client(), Tries()
        answer(who, proxy=(challenge(nonce="p"),), tries=tries)
        headers = answer(who, challenge(nonce="u"), tries=tries)
        assert headers is not None
        said = [(name, read(value)["nonce"], read(value)["nc"]) for name, value in headers]
        self.assertEqual(said, [("Proxy-Authorization", "p", "00000002"), ("Authorization", "u", "00000001")])

    def test_aRealmThatRefusedOurAnswerIsForgotten(self) -> None:
        who, tries = client(), Tries()
        answer(who, challenge(nonce="1"), tries=tries)
        self.assertIsNone(answer(who, challenge(nonce="2"), tries=tries))
        self.assertEqual(who.headersFor("BYE", URI, b""), [])

    def test_aTrustedAskerCannotFillTheMemory(self) -> None:
        who = client(Credentials("alice", "wonderland"))
        headers = answer(who, *[challenge(f"realm{i}") for i in range(100)], trusted=True)
        assert headers is not None
        self.assertEqual(len(headers), 8)
        for i in range(20):
            answer(who, challenge(f"more{i}"), trusted=True)
        self.assertEqual(len(who.headersFor("BYE", URI, b"")), 8)


class LaterRequests(SynchronousTestCase):
    """RFC 7616 section 3.4 and 3.6: a nonce is used on, and each use is counted."""

    def test_nothingIsSaidBeforeAnybodyAsked(self) -> None:
        self.assertEqual(client().headersFor("INVITE", URI, b""), [])

    def test_eachUseIsCountedInEightHexDigits(self) -> None:
        who = client()
        answer(who, challenge())
        counts = [only(who.headersFor("INFO", URI, b""))["nc"] for _ in range(16)]
        self.assertEqual(counts[0], "00000002")
        self.assertEqual(counts[-2:], ["00000010", "00000011"])

    def test_aLaterRequestIsDigestedByItsOwnMethodUriBodyAndCount(self) -> None:
        for algorithm, name in (("MD5", "md5"), ("SHA-256-sess", "sha256")):
            who = client()
            first = only(answer(who, challenge(algorithm=algorithm, qop='"auth-int"')))
            said = only(who.headersFor("BYE", "sip:bob@192.0.2.4", b"bye"))
            key = H(name, "alice:atlanta.com:wonderland")
            if algorithm.endswith("-sess"):
                # Section 3.4.2: of the session's first nonce and cnonce.
                key = H(name, f"{key}:n1:{first['cnonce']}")
            a2 = H(name, f"BYE:sip:bob@192.0.2.4:{H(name, 'bye')}")
            self.assertEqual(said["uri"], "sip:bob@192.0.2.4")
            self.assertEqual(said["response"], H(name, f"{key}:n1:00000002:{said['cnonce']}:auth-int:{a2}"))

    def test_aNewNonceStartsTheCountAndTheSameNonceGoesOn(self) -> None:
        who = client()
        answer(who, challenge(nonce="a"))
        self.assertEqual(only(answer(who, challenge(nonce="a")))["nc"], "00000002")
        self.assertEqual(only(answer(who, challenge(nonce="b")))["nc"], "00000001")

    def test_aCnonceIsUnpredictable(self) -> None:
        first, second = (only(DigestClient([ALICE]).answer([challenge()], [], "A", URI, b"", {}, False)) for _ in "12")
        self.assertNotEqual(first["cnonce"], second["cnonce"])
        self.assertGreaterEqual(len(first["cnonce"]), 32)


class AuthenticationInfo(SynchronousTestCase):
    """RFC 7616 section 3.5: what the server says after it was satisfied."""

    def setUp(self) -> None:
        self.who = client()
        headers = answer(self.who, challenge())
        assert headers is not None
        self.sent = [headers[0][1]]
        self.ours = read(self.sent[0])
        self.a1 = H("md5", "alice:atlanta.com:wonderland")

    def rspauth(self, qop: str = "auth", body: str = "", a1: str | None = None) -> str:
        a2 = H("md5", f":{URI}" + (f":{H('md5', body)}" if qop == "auth-int" else ""))
        return H("md5", f"{a1 or self.a1}:n1:00000001:{CNONCES[1]}:{qop}:{a2}")

    def next(self) -> dict[str, str]:
        return only(self.who.headersFor("BYE", URI, b""))

    def test_nextnonceIsUsedFromTheNextRequestOnAndCountedAnew(self) -> None:
        self.assertTrue(self.who.learn(['nextnonce="n2"'], self.sent, b""))
        said = self.next()
        self.assertEqual((said["nonce"], said["nc"], said["cnonce"]), ("n2", "00000001", CNONCES[2]))
        a2 = H("md5", f"BYE:{URI}")
        self.assertEqual(said["response"], H("md5", f"{self.a1}:n2:00000001:{CNONCES[2]}:auth:{a2}"))

    def test_nextnonceThatIsNotNewGoesOnCounting(self) -> None:
        self.assertTrue(self.who.learn(['nextnonce="n1"'], self.sent, b""))
        self.assertEqual((self.next()["nonce"], self.ours["nc"]), ("n1", "00000001"))
        self.assertEqual(self.next()["nc"], "00000003")

    def test_theSessionKeyOutlivesItsNonce(self) -> None:
        # Section 3.4.2: it is made once, from the challenge's nonce and the first cnonce.
        who = client()
        headers = answer(who, challenge(algorithm="MD5-sess"))
        assert headers is not None
        self.assertTrue(who.learn(['nextnonce="n2"'], [headers[0][1]], b""))
        said = only(who.headersFor("BYE", URI, b""))
        key = H("md5", f"{self.a1}:n1:{CNONCES[1]}")
        a2 = H("md5", f"BYE:{URI}")
        self.assertEqual(said["response"], H("md5", f"{key}:n2:00000001:{said['cnonce']}:auth:{a2}"))

    def test_rspauthOfWhoKnowsThePasswordIsAccepted(self) -> None:
        for qop, body in (("auth", b""), ("auth", b"body"), ("auth-int", b""), ("auth-int", b"body")):
            proof = self.rspauth(qop, body.decode())
            for value in (
                f'qop={qop}, rspauth="{proof}", cnonce="{CNONCES[1]}", nc=00000001',
                f'qop="{qop}",rspauth="{proof.upper()}"',
            ):
                self.assertTrue(self.who.learn([value], self.sent, body), value)
        self.assertTrue(self.who.learn([f'rspauth="{self.rspauth()}"'], self.sent, b""))

    def test_rspauthOfAnyoneElseIsNot(self) -> None:
        right = self.rspauth()
        for value in (
            f'rspauth="{self.rspauth(a1=H("md5", "alice:atlanta.com:guess"))}"',
            'rspauth=""',
            'rspauth="\u00e9"',
            f'rspauth="{right[:-1]}"',
            f'rspauth="{self.ours["response"]}"',
            f'qop=auth-int, rspauth="{right}"',
            f'rspauth="{right}", nc=00000002, cnonce="{CNONCES[1]}"',
            f'rspauth="{right}", nc=00000001, cnonce="{CNONCES[2]}"',
        ):
            value += ', nextnonce="evil"'
            self.assertFalse(self.who.learn([value], self.sent, b""), value)
            self.assertEqual(self.next()["nonce"], "n1", value)

    def test_authIntProvesTheBody(self) -> None:
        value = f'qop=auth-int, rspauth="{self.rspauth("auth-int", "body")}"'
        self.assertFalse(self.who.learn([value], self.sent, b"another body"))

    def test_rspauthWithoutQopIsThatOfRfc2069(self) -> None:
        who = client()
        headers = answer(who, challenge(qop=""))
        assert headers is not None
        proof = H("md5", f"{self.a1}:n1:{H('md5', f':{URI}')}")
        self.assertTrue(who.learn([f'rspauth="{proof}"'], [headers[0][1]], b""))
        self.assertFalse(who.learn([f'rspauth="{proof[::-1]}"'], [headers[0][1]], b""))

    def test_eachKindSpeaksForItsOwnHeader(self) -> None:
        self.assertTrue(self.who.learn(['nextnonce="n2"'], [], b"", proxy=True))
        self.assertEqual(self.next()["nonce"], "n1")

    def test_ofSeveralRealmsTheCnonceTellsWhich(self) -> None:
        bob = Credentials("bob", "builder", realm="biloxi.com")
        who = client(ALICE, bob)
        headers = answer(who, proxy=(challenge(), challenge("biloxi.com")))
        assert headers is not None
        sent = [value for _, value in headers]
        self.assertTrue(who.learn(['nextnonce="whose"'], sent, b"", proxy=True))
        self.assertTrue(who.learn([f'nextnonce="n2", cnonce="{CNONCES[2]}"'], sent, b"", proxy=True))
        said = [read(value) for _, value in who.headersFor("BYE", URI, b"")]
        self.assertEqual([s["nonce"] for s in said], ["n1", "n2"])

    def test_anAnswerToARequestBeforeTheLastChallengeIsLetBe(self) -> None:
        for again in ("n1", "n2"):
            answer(self.who, challenge(nonce=again))
            self.assertTrue(self.who.learn(['nextnonce="n9", rspauth="00"'], self.sent, b""), again)
            self.assertEqual(self.next()["nonce"], again)
        who = client()
        headers = answer(who, challenge(qop=""))
        assert headers is not None
        answer(who, challenge(nonce="n2", qop=""))
        self.assertTrue(who.learn(['nextnonce="n9", rspauth="00"'], [headers[0][1]], b""))
        self.assertEqual(only(who.headersFor("BYE", URI, b""))["nonce"], "n2")

    def test_authorizationOfTheApplicationsOwnMakingIsPassedOver(self) -> None:
        for other in ("Bearer abc", "", 'Digest realm="atlanta.com"', 'Basic x="y"'):
            self.assertTrue(self.who.learn(['nextnonce="n2"'], [other], b""), other)
            self.assertEqual(self.next()["nonce"], "n1", other)
        self.assertTrue(self.who.learn(['nextnonce="n2"'], ["Bearer abc", *self.sent], b""))
        self.assertEqual(self.next()["nonce"], "n2")

    def test_whatIsNotUnderstoodChangesNothing(self) -> None:
        for value in (
            "",
            "nextnonce",
            'nextnonce="',
            'nextnonce=""',
            'nextnonce="a\x01"',
            'nextnonce="\\\x01"',
            "nextnonce=" + "a" * 5000,
        ):
            self.assertTrue(self.who.learn([value], self.sent, b""), value)
            self.assertEqual(self.next()["nonce"], "n1", value)


class Secrets(SynchronousTestCase):
    def test_thePasswordIsNeverShown(self) -> None:
        who = client()
        answer(who, challenge())
        for shown in (repr(ALICE), str(ALICE), repr(who), repr(who.credentials), repr([ALICE])):
            self.assertNotIn("wonderland", shown)
            self.assertNotIn(H("md5", "alice:atlanta.com:wonderland"), shown)
        self.assertIn("alice", repr(ALICE))

    def test_badCredentialsAreRefusedWithoutShowingThem(self) -> None:
        good: dict[str, Any] = {"username": "alice", "password": "wonderland", "realm": "r"}
        for name, value in (
            ("username", "a\r\nX: secret"),
            ("username", "secret\x00"),
            ("realm", "secret\n"),
            ("password", b"secret"),
            ("password", None),
            ("password", "secret\ud800"),
            ("username", None),
            ("realm", 7),
        ):
            with self.assertRaises(InvalidValue) as caught:
                Credentials(**{**good, name: value})
            self.assertIn(name, str(caught.exception))
            self.assertNotIn("secret", str(caught.exception) + repr(caught.exception.value))

    def test_aPasswordMayHoldAnything(self) -> None:
        Credentials("alice", "\x00\r\n\u00e9\udcff")

    def test_credentialsDoNotChange(self) -> None:
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            ALICE.password = "other"  # type: ignore[misc]


#: Whatever a peer can put into a header line: any bytes, decoded as headers are.
_ANY = st.binary(max_size=200).map(lambda data: data.decode("utf-8", "surrogateescape"))
_WORDS = """Digest realm="atlanta.com" realm= nonce="n" nonce= , = " \\ qop= auth auth-int algorithm=" MD5 -sess SHA-256
    stale=true userhash=true charset=UTF-8 opaque nextnonce= rspauth= cnonce= nc="""
_PIECES = st.lists(
    st.sampled_from(_WORDS.split())
    | st.sampled_from(["Digest ", ", ", "\r\n", "\x00", "\u212a", "\udcff", "  ", "\t"]),
    max_size=30,
).map("".join)


class HostileChallenges(SynchronousTestCase):
    """B25, B38: nothing that a peer sends makes us raise, or write what is not one header line."""

    @given(st.lists(_ANY | _PIECES, max_size=4), st.lists(_ANY | _PIECES, max_size=4))
    @example(
        ['Digest realm="atlanta.com",nonce="n",qop="auth",opaque="\\"'], ['Digest realm=atlanta.com,nonce="\udcff"']
    )
    def test_anyTextGivesWholeLinesOrNone(self, challenges: list[str], proxyChallenges: list[str]) -> None:
        who = client()
        headers = answer(who, *challenges, proxy=tuple(proxyChallenges))
        for _, value in headers or ():
            self.assertNotRegex(value, r"[\x00-\x1f\x7f]")
            self.assertIn('username="alice"' if "userhash" not in value else "username=", value)
            value.encode("utf-8", "surrogateescape")

    @given(_ANY | _PIECES, _ANY | _PIECES)
    def test_anyInformationGivesTrueOrFalse(self, value: str, body: str) -> None:
        who = client()
        headers = answer(who, challenge())
        assert headers is not None
        who.learn([value], [headers[0][1]], body.encode("utf-8", "surrogateescape"))
        said = only(who.headersFor("BYE", URI, b""))
        self.assertNotRegex(said["nonce"], r"[\x00-\x1f\x7f]")

    @given(_ANY | _PIECES)
    def test_anotherRealmNeverGetsAnAnswer(self, value: str) -> None:
        who = client(Credentials("alice", "wonderland", realm="\u2603"), Credentials("alice", "wonderland"))
        self.assertIsNone(answer(who, value.replace("\u2603", "")))
