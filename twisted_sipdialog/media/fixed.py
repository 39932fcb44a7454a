"""
A session description given once and for all: no RTP, signalling only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Self

from zope.interface import implementer

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.interfaces import ISessionDescription, ISessionDescriptionFactory
from twisted_sipdialog.message.sdp import SENDRECV, NotAcceptable, SessionDescription
from twisted_sipdialog.message.sdp_answer import checkAnswer, fitAnswer, fitOffer, limited, numbered

_SDP: Final = "application/sdp"
#: How many fixed descriptions, and for each how many different offers, are remembered with what fits them.
_REMEMBERED: Final = 32
#: Longer offers are not remembered, in bytes.
_MEMORABLE: Final = 2_048
# What differs in every offer, and means nothing to its answer.
_ORIGIN = re.compile(rb"v=0\r\no=[!-~]{1,64} [0-9]{1,20} [0-9]{1,20} IN IP[46] [!-~]{1,255}\r\n")
_ANY_ORIGIN: Final = b"v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\n"


def _isSdp(contentType: str) -> bool:
    return contentType.partition(";")[0].strip(" \t").lower() == _SDP


def _own(sdp: bytes) -> SessionDescription:
    try:
        return SessionDescription.parse(sdp)
    except ParseError as e:
        # It is not the peer who wrote this.
        raise InvalidValue("body", sdp, str(e)) from None


@lru_cache(_REMEMBERED)
def _fitter(sdp: bytes) -> Callable[[bytes], bytes]:
    """
    What answers an offer by C{sdp}.  Calls offer the same thing over and over, but for
    o=: without that line, the offer is a key under which its answer is found again.
    """
    local = _own(sdp)

    def fit(offer: bytes) -> bytes:
        return fitAnswer(SessionDescription.parse(offer), local).toBytes()

    remembered = lru_cache(_REMEMBERED)(lambda rest: fit(_ANY_ORIGIN + rest))

    def answer(offer: bytes) -> bytes:
        found = _ORIGIN.match(offer)
        if found is None or len(offer) > _MEMORABLE:
            return fit(offer)
        return remembered(offer[found.end() :])

    return answer


@implementer(ISessionDescription)
class FixedDescription:
    """
    Offers C{body}, and answers by as much of it as fits the offer (RFC 3264 section 6): by its
    very bytes when all of it does.

    A body of another type than C{application/sdp} is opaque: it goes out as it is, and what
    comes back is not looked at.

    @raise InvalidValue: from C{offer}, C{answer} and C{update}, when C{body} is meant as SDP and is none.
    """

    __slots__ = ("_body", "_isSdp", "_latest", "_limit", "_offered", "_undo", "contentType", "local", "remote")

    def __init__(self, body: bytes, contentType: str = _SDP) -> None:
        self._body = body
        self.contentType = contentType
        self._isSdp = contentType is _SDP or _isSdp(contentType)
        self.local: bytes | None = None
        self.remote: bytes | None = None
        self._limit = SENDRECV
        self._latest: bytes | None = None  # sent with the highest version, in force or not
        self._offered: bytes | None = None
        self._undo: tuple[bytes | None, bytes | None, str] | None = None

    def offer(self, limit: str | None = None) -> bytes:
        """
        The body; later as the next description of its session, with as many media as there are by then.

        @raise InvalidValue: C{limit} is no direction, or the body is not SDP, in which none can be stated.
        """
        self._undo = None
        if limit is None:
            limit = self._limit
        elif limit != SENDRECV and not self._isSdp:
            raise InvalidValue("limit", limit, f"{SENDRECV} for what is no SDP")
        body = self._within(limit)
        if self._isSdp:
            if self.local is not None and self.local != body:
                body = fitOffer(_own(body), SessionDescription.parse(self.local)).toBytes()
            body = self._numbered(body)
        self._begin(body, limit)
        self._offered = body
        return body

    def answer(self, offer: bytes) -> bytes:
        """The body as it fits C{offer}."""
        self._undo = None
        body = self._within(self._limit)
        if self._isSdp:
            body = self._numbered(_fitter(body)(offer))
        self._begin(body, self._limit)
        self._offered = None
        self.local, self.remote = body, offer
        return body

    def update(self, answer: bytes) -> None:
        """Take the answer to our offer, or a later one to the same offer instead of it."""
        if self._offered is None:
            raise NotAcceptable("an answer without an offer")
        if self._isSdp:
            checkAnswer(_own(self._offered), SessionDescription.parse(answer))
        self.local, self.remote = self._offered, answer

    def rollback(self) -> None:
        """Back to what was in force before the last offer or answer."""
        if self._undo is not None:
            self.local, self.remote, self._limit = self._undo
        self._undo = self._offered = None

    def fork(self, offer: bytes | None = None) -> Self:
        """The same body for another dialog, which waits for the answer to C{offer}."""
        other = type(self)(self._body, self.contentType)
        if offer is not None:
            # A limit that came with a later offer is this dialog's own.
            other._begin(offer, self._limit if offer == self._offered else SENDRECV)
            other._offered = offer
        return other

    def close(self) -> None:
        """Nothing is held."""

    def _begin(self, ours: bytes, limit: str) -> None:
        self._undo = self.local, self.remote, self._limit
        self._limit = limit
        if ours != self.local:
            self._latest = ours

    def _within(self, limit: str) -> bytes:
        return self._body if limit == SENDRECV else limited(_own(self._body), limit).toBytes()

    def _numbered(self, body: bytes) -> bytes:
        # Calls answer and offer the same thing over and over; most of them have nothing to compare.
        if body in (self.local, self._latest) or (self.local is None and self._latest is None):
            return body
        return numbered(SessionDescription.parse(body), self.local, self._latest).toBytes()


@implementer(ISessionDescriptionFactory)
class FixedMedia:
    """
    The factory of L{FixedDescription}s of one body: C{Configuration(media=FixedMedia(sdp))}.

    @raise InvalidValue: C{body} is meant as SDP and is none.
    """

    def __init__(self, body: bytes, contentType: str = _SDP) -> None:
        if _isSdp(contentType):
            _own(body)
        self._body = body
        self._contentType = contentType

    def __call__(self, localHost: str) -> FixedDescription:
        """The description of one call; it does not depend on C{localHost}."""
        return FixedDescription(self._body, self._contentType)
