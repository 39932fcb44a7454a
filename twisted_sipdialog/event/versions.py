"""
Full and partial documents of one subscription, put together by their versions: RFC 3680 section 5.2, RFC 4235
section 4.3, RFC 4575 section 4.6.
"""

from __future__ import annotations

from typing import Final, Generic, Protocol, Self, TypeVar

#: What a document says of itself: all there is, or what has changed.
STATES: Final = ("full", "partial")
#: Bytes of partial documents that are put together, until a full one comes.
MAX_BYTES: Final = 1_048_576


class Versioned(Protocol):
    """A document that can be partial."""

    @property
    def version(self) -> int:
        """Which one of its subscription it is: each is one higher than the last."""

    @property
    def state(self) -> str:
        """C{'partial'}, or C{'full'} or another word that says that this is all."""

    @property
    def size(self) -> int:
        """The bytes it was read from, those of the partial documents in it included."""

    def withPartial(self, partial: Self) -> Self:
        """This document with the changes of C{partial}, and its version and size."""


_Document = TypeVar("_Document", bound=Versioned)


class Latest(Generic[_Document]):
    """
    What a subscriber knows: the documents of one subscription put together.  A new subscription starts anew.

    @ivar document: all that is known, None before the first.
    """

    def __init__(self, document: _Document | None = None) -> None:
        self.document = document

    def received(self, document: _Document) -> bool:
        """
        Take in what a NOTIFY brought.  One that is older than what is known changes nothing, and neither does a partial
        one that is as old.

        @return: something is missing (the first document was partial, one did not arrive, or they are more than
            L{MAX_BYTES}, and no more is taken in): the subscriber is to refresh its subscription, which is answered
            with a full document.
        """
        known = self.document
        if document.state != "partial":
            # A full one with the same version is no harm; some notifiers never count.
            if known is None or document.version >= known.version:
                self.document = document
            return False
        if known is None:
            self.document = document
            return True
        if document.version <= known.version:
            return False
        if known.size + document.size > MAX_BYTES:
            # A notifier that tells of something new each time could go on like that.
            return True
        self.document = known.withPartial(document)
        return document.version > known.version + 1
