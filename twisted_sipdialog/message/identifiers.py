"""
The identifiers we make: tags, branches, Call-IDs, client nonces (RFC 3261 sections 8.1.1.4, 8.1.1.7, 19.3).

They must not be guessable, not even from those a peer has seen: who knows the tags
of a dialog can end it.  So the default source is the system's; tests pass a seeded one.
"""

from __future__ import annotations

from os import urandom
from typing import Final, Protocol

#: RFC 3261 section 8.1.1.7: what every branch begins with that is unique in itself.
BRANCH_COOKIE: Final = "z9hG4bK"


class RandomBits(Protocol):
    """What is needed of C{random.Random}."""

    def getrandbits(self, k: int, /) -> int:
        """A number of C{k} random bits."""


class SystemBits:
    """
    Random bits of the system, fetched by the block: one call to the kernel for several hundred identifiers.
    """

    __slots__ = ("_bits", "_left")

    _BLOCK = 4096

    def __init__(self) -> None:
        self._bits = b""
        self._left = 0

    def getrandbits(self, k: int, /) -> int:
        """A number of C{k} random bits, at most 8192."""
        size = (k + 7) // 8
        left = self._left - size
        if left < 0:
            self._bits = urandom(self._BLOCK)
            left = self._BLOCK - size
        self._left = left
        return int.from_bytes(self._bits[left : left + size], "big") >> (size * 8 - k)


_SYSTEM: Final = SystemBits()


def newTag(random: RandomBits = _SYSTEM) -> str:
    """RFC 3261 section 19.3: at least 32 random bits; here 64."""
    return f"{random.getrandbits(64):016x}"


def newBranch(random: RandomBits = _SYSTEM) -> str:
    """RFC 3261 section 8.1.1.7: unique across space and time."""
    return f"{BRANCH_COOKIE}{random.getrandbits(80):020x}"


def newCallId(random: RandomBits = _SYSTEM, host: str | None = None) -> str:
    """
    RFC 3261 section 8.1.1.4: unique across space and time.

    @param host: goes behind an C{@}; by default nothing does, since it would tell who we are.
    """
    word = f"{random.getrandbits(128):032x}"
    return word if host is None else f"{word}@{host}"


def newCNonce(random: RandomBits = _SYSTEM) -> str:
    """RFC 7616 section 3.4: the client's part in a digest, against chosen plaintext."""
    return f"{random.getrandbits(128):032x}"
