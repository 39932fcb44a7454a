"""
The arithmetic of digests (RFC 7616 section 3.4), the same for whoever asks and whoever answers.
"""

from __future__ import annotations

import hashlib


def _isAvailable(name: str) -> bool:
    # SHA-512/256 is not guaranteed by hashlib, and a hardened OpenSSL may refuse MD5 altogether.
    try:
        hashlib.new(name, usedforsecurity=False)
    except ValueError:
        return False
    return True


#: C{algorithm} in lower case and without C{-sess} -> hashlib's name, for those this Python can do.
HASHES: dict[str, str] = {
    algorithm: name
    for algorithm, name in (("md5", "md5"), ("sha-256", "sha256"), ("sha-512-256", "sha512_256"))
    if _isAvailable(name)
}


def hashed(name: str, *parts: str) -> str:
    """
    RFC 7616 section 3.3: H() of C{parts} joined by colons, as lower-case hex.

    @param name: one of the values of L{HASHES}.
    """
    return _hashedBytes(name, ":".join(parts).encode("utf-8", "surrogateescape"))


def _hashedBytes(name: str, data: bytes) -> str:
    return hashlib.new(name, data, usedforsecurity=False).hexdigest()


def hashedA1(name: str, username: str, realm: str, password: str, session: tuple[str, str] | None = None) -> str:
    """
    RFC 7616 section 3.4.2: H(A1).

    @param session: for the C{-sess} algorithms the nonce and cnonce that began the session.
    """
    key = hashed(name, username, realm, password)
    return hashed(name, key, *session) if session else key


def responseOf(
    name: str, key: str, nonce: str, nc: str, cnonce: str, qop: str | None, method: str, uri: str, body: bytes
) -> str:
    """
    RFC 7616 section 3.4.1: C{response}, and C{rspauth} when C{method} is empty (section 3.5).

    @param key: H(A1), see L{hashedA1}.
    @param qop: C{'auth'}, C{'auth-int'}, or None for the form of RFC 2069, which knows neither C{nc} nor C{cnonce}.
    @param body: the body that C{auth-int} protects; an absent body is an empty one (RFC 3261 section 22.4).
    """
    asked = (method, uri, _hashedBytes(name, body)) if qop == "auth-int" else (method, uri)
    freshness = (nonce, nc, cnonce, qop) if qop else (nonce,)
    return hashed(name, key, *freshness, hashed(name, *asked))
