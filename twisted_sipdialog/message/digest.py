"""
Answering challenges (RFC 3261 section 22, RFC 7616, RFC 8760): who we are, proven by digests.

L{DigestClient} remembers, for one call leg or one registration, the nonces it was given
and how often each was used.

Two choices that the RFCs leave open:

  - B{Algorithm.}  For each realm the topmost challenge that we support is answered (RFC 8760
    section 2.4, RFC 7616 section 3.7): the order is the server's preference.  Ranking by strength
    would protect from nothing: whoever can put MD5 first on the way can also take the others out.
  - B{Quality of protection.}  C{auth} where offered, C{auth-int} only where it stands alone: proxies
    that change bodies on the way would break it.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterator, Sequence
from random import SystemRandom
from typing import Any

import attrs

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.auth_fields import AuthenticationInfo, AuthorizationField, Challenge
from twisted_sipdialog.message.digest_hash import HASHES, hashed, hashedA1, responseOf
from twisted_sipdialog.message.identifiers import RandomBits, newCNonce

#: How often each peer that may ask was answered for one request; an empty dict when the request is new.
Tries = dict[tuple[bool, str | None], int]

#: Characters of a challenge beyond which it is not worth an answer: we would have to send them back each time.
_LONGEST_CHALLENGE = 4096
#: Realms remembered for one leg; the oldest is forgotten first.
_MOST_REALMS = 8

_SYSTEM = SystemRandom()
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _checkText(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    # The value is never shown: it may be the password.
    name = f"Credentials.{attribute.name}"
    if not isinstance(value, str):
        raise InvalidValue(name, type(value), "must be text")
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidValue(name, "...", "must be encodable as UTF-8") from None
    if attribute.name != "password" and _CONTROL.search(value):
        raise InvalidValue(name, "...", "must not contain control characters")


@attrs.frozen
class Credentials:
    """
    RFC 3261 section 22.1: who we are to one realm.

    @ivar username: the user name the realm knows us by.
    @ivar password: shared with it; never shown and never sent.
    @ivar realm: the only one that may ask, compared exactly.  None: whatever realm the configured
        registrar or outbound proxy names, and nobody else.
    """

    username: str = attrs.field(validator=_checkText)
    password: str = attrs.field(validator=_checkText, repr=False)
    realm: str | None = attrs.field(default=None, validator=attrs.validators.optional(_checkText))


@attrs.frozen
class _Asked:
    """A challenge that we can answer."""

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str | None
    hashName: str
    session: bool
    qop: str | None
    stale: bool
    userhash: bool
    utf8: bool


def _readChallenge(text: str) -> _Asked | None:
    """RFC 7616 section 3.3: what is asked, or None when it is no challenge or not one we know how to answer."""
    if len(text) > _LONGEST_CHALLENGE:
        return None
    try:
        challenge = Challenge.parse(text)
    except ParseError:
        return None
    if challenge.scheme.lower() != "digest":
        return None
    parameters = challenge.parameters
    realm, nonce, opaque = (parameters.get(name) for name in ("realm", "nonce", "opaque"))
    if realm is None or nonce is None or _CONTROL.search(realm + nonce + (opaque or "")):
        return None
    algorithm = parameters.get("algorithm")
    plain = parameters.get("algorithm", "MD5").lower()
    hashName = HASHES.get(plain.removesuffix("-sess"))
    # An empty list is a common way to say that there is none.
    offered = [qop.strip(" \t").lower() for qop in parameters.get("qop", "").split(",")]
    qop = next((qop for qop in ("auth", "auth-int") if qop in offered), None)
    session = plain.endswith("-sess")
    # A session's key needs a cnonce, which must not be sent where no qop was offered (RFC 3261 section 22.4).
    if hashName is None or (qop is None and (session or offered != [""])):
        return None

    def says(name: str, value: str) -> bool:
        return parameters.get(name, "").lower() == value

    return _Asked(
        realm=realm,
        nonce=nonce,
        opaque=opaque,
        algorithm=algorithm,
        hashName=hashName,
        session=session,
        qop=qop,
        stale=says("stale", "true"),
        userhash=says("userhash", "true"),
        utf8=says("charset", "utf-8"),
    )


def _readSent(text: str) -> dict[str, str] | None:
    """An Authorization line as L{_Nonce.use} writes it; None for one that the application has put there."""
    try:
        parameters = AuthorizationField.parse(text).parameters
    except ParseError:
        return None
    return parameters if parameters.keys() >= {"realm", "nonce", "uri"} else None


class _Nonce:
    """One realm's nonce and how often we used it.  It holds a key, so it has no repr of its own."""

    __slots__ = ("_asked", "_key", "_username", "cnonce", "count", "nonce")

    def __init__(self, asked: _Asked, credentials: Credentials, cnonce: str) -> None:
        username, password = credentials.username, credentials.password
        if asked.utf8:
            # RFC 7616 section 4: this realm compares composed characters.
            username = unicodedata.normalize("NFC", username)
            password = unicodedata.normalize("NFC", password)
        session = (asked.nonce, cnonce) if asked.session else None
        self._asked = asked
        self._key = hashedA1(asked.hashName, username, asked.realm, password, session)
        self._username = hashed(asked.hashName, username, asked.realm) if asked.userhash else username
        self.renew(asked.nonce, cnonce)

    def renew(self, nonce: str, cnonce: str) -> None:
        """RFC 7616 section 3.4.2: count anew.  A C{-sess} key stays: only a challenge begins a new session."""
        self.nonce = nonce
        self.cnonce = cnonce
        self.count = 0

    def use(self, method: str, uri: str, body: bytes) -> str:
        """RFC 7616 section 3.4: the value of Authorization for one more request."""
        asked = self._asked
        self.count += 1
        nc = f"{self.count:08x}"
        response = self.proof(nc, asked.qop, method, uri, body)
        parameters = {
            "username": self._username,
            "realm": asked.realm,
            "nonce": self.nonce,
            "uri": uri,
            "response": response,
        }
        if asked.algorithm is not None:
            parameters["algorithm"] = asked.algorithm
        if asked.opaque is not None:
            parameters["opaque"] = asked.opaque
        if asked.qop is not None:
            parameters.update(qop=asked.qop, cnonce=self.cnonce, nc=nc)
        if asked.userhash:
            parameters["userhash"] = "true"
        return str(AuthorizationField("Digest", parameters))

    def proof(self, nc: str, qop: str | None, method: str, uri: str, body: bytes) -> str:
        """C{response} to the request, or C{rspauth} of its response, with this nonce and key."""
        return responseOf(self._asked.hashName, self._key, self.nonce, nc, self.cnonce, qop, method, uri, body)


class DigestClient:
    """
    RFC 3261 section 22.2 and 22.3: what one call leg or registration knows of those who asked it for credentials.

    An ACK is not given headers of its own: it repeats those of its INVITE (RFC 3261 section 22.1).

    @ivar credentials: of several for one realm the first is used; one without a realm only where none names it.
    """

    __slots__ = ("_nonces", "_random", "credentials")

    def __init__(self, credentials: Sequence[Credentials], random: RandomBits = _SYSTEM) -> None:
        self.credentials = credentials
        self._random = random
        self._nonces: dict[tuple[bool, str], _Nonce] = {}

    def answer(
        self,
        challenges: Sequence[str],
        proxyChallenges: Sequence[str],
        method: str,
        uri: str,
        body: bytes,
        tries: Tries,
        trusted: bool,
    ) -> list[tuple[str, str]] | None:
        """
        RFC 3261 section 22.2, 22.3: the headers of the next attempt after a 401 or 407.

        A forking proxy collects the challenges of both kinds in one response (section 16.7 step 7),
        so both are read whatever its status code.

        Each asker is answered once for a request, and once more if it calls the nonce stale; all
        realms that one set of realm-less credentials stands for count as one asker.  A realm that
        refuses our answer is forgotten.

        @param challenges: the values of WWW-Authenticate, one for each line.
        @param proxyChallenges: the values of Proxy-Authenticate.
        @param method: of the next attempt.
        @param uri: its Request-URI, as it will be written.
        @param tries: this request's own; the same dict for each of its attempts.
        @param trusted: the response is from our registrar or outbound proxy: credentials without a realm may be used.
        @return: one (name, value) for each realm known by now, or None: there is nothing new to try.
        """
        answered = set()
        for proxy, asked, credentials in self._answerable(challenges, proxyChallenges, trusted):
            realm, asker = (proxy, asked.realm), (proxy, credentials.realm)
            earlier = self._nonces.pop(realm, None)
            tried = tries.get(asker, 0)
            if tried == 0 or (tried == 1 and asked.stale):
                nonce = self._nonces[realm] = _Nonce(asked, credentials, newCNonce(self._random))
                if earlier is not None and earlier.nonce == nonce.nonce:
                    # The count belongs to the nonce, even if it is handed out twice.
                    nonce.count = earlier.count
                answered.add(asker)
        if not answered:
            return None
        for asker in answered:
            tries[asker] = tries.get(asker, 0) + 1
        while len(self._nonces) > _MOST_REALMS:
            del self._nonces[next(iter(self._nonces))]
        return self.headersFor(method, uri, body)

    def _answerable(
        self, challenges: Sequence[str], proxyChallenges: Sequence[str], trusted: bool
    ) -> Iterator[tuple[bool, _Asked, Credentials]]:
        """The topmost challenge of each realm that we can and may answer (RFC 8760 section 2.4)."""
        for proxy, values in ((False, challenges), (True, proxyChallenges)):
            seen = set()
            for value in values:
                asked = _readChallenge(value)
                if asked is None or asked.realm in seen:
                    continue
                seen.add(asked.realm)
                credentials = self._credentialsFor(asked.realm, trusted)
                if credentials is not None:
                    yield proxy, asked, credentials

    def _credentialsFor(self, realm: str, trusted: bool) -> Credentials | None:
        # An answer to just anybody could be tried against a list of passwords at leisure.
        allowed = (realm, None) if trusted else (realm,)
        return next((c for wanted in allowed for c in self.credentials if c.realm == wanted), None)

    def headersFor(self, method: str, uri: str, body: bytes) -> list[tuple[str, str]]:
        """
        RFC 7616 section 3.6: the headers of a request before anybody asks, one for each realm known.

        Each call counts as one use of each nonce, so it is made once for each request that is sent.
        One cnonce serves for each nonce: the count already makes every use another.
        """
        return [
            ("Proxy-Authorization" if proxy else "Authorization", nonce.use(method, uri, body))
            for (proxy, _), nonce in self._nonces.items()
        ]

    def learn(self, info: Sequence[str], sent: Sequence[str], body: bytes, proxy: bool = False) -> bool:
        """
        RFC 7616 section 3.5: what a 2xx says in Authentication-Info, or a proxy in Proxy-Authentication-Info.

        C{nextnonce} is used from the next request on.  Information about a nonce that was replaced
        since, or that names no request of ours among several, is let be.

        @param info: the header's values, one for each line.
        @param sent: the values of Authorization (Proxy-Authorization) in the request that is answered.
        @param body: of the response.
        @return: False when it is certainly not from who knows our password: C{rspauth} is
            wrong, or C{cnonce} or C{nc} are not the request's.
        """
        ours = [own for value in sent if (own := _readSent(value)) is not None]
        for value in info:
            if len(value) > _LONGEST_CHALLENGE:
                continue
            try:
                said = AuthenticationInfo.parse(value).parameters
            except ParseError:
                continue
            if not self._learnOne(said, ours, body, proxy):
                return False
        return True

    def _learnOne(self, said: dict[str, str], ours: list[dict[str, str]], body: bytes, proxy: bool) -> bool:
        if "cnonce" in said:
            ours = [own for own in ours if own.get("cnonce") == said["cnonce"]]
            if not ours:
                return False
        elif len(ours) != 1:
            return True
        own = ours[0]
        nc = own.get("nc", "")
        if said.get("nc", nc).lower() != nc:
            return False
        nonce = self._nonces.get((proxy, own["realm"]))
        if nonce is None or nonce.nonce != own["nonce"] or own.get("cnonce", nonce.cnonce) != nonce.cnonce:
            return True
        rspauth = said.get("rspauth")
        if rspauth is not None:
            proof = nonce.proof(nc, said.get("qop", own.get("qop")), "", own["uri"], body)
            if not hmac.compare_digest(rspauth.lower().encode("utf-8", "surrogateescape"), proof.encode()):
                return False
        nextNonce = said.get("nextnonce")
        if nextNonce and nextNonce != nonce.nonce and not _CONTROL.search(nextNonce):
            nonce.renew(nextNonce, newCNonce(self._random))
        return True
