"""
The seam between signalling and media: what one call asks of whoever provides its session description.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface


class ISessionDescription(Interface):
    """
    The media of one call, as offers and answers (RFC 3264).

    Signalling calls in this order: C{offer} then C{update} with what came back, or
    C{answer}; each may come again for the life of the call; C{rollback} when the
    last of them came to nothing; C{close} once at the end.  What C{offer} and C{answer}
    return may be a Deferred; nothing else is called until it has fired.  Any of
    the exceptions below may be its failure.
    """

    contentType = Attribute("str: the Content-Type of what C{offer} and C{answer} return, e.g. C{'application/sdp'}.")
    local = Attribute("bytes or None: the description of ours that is in force.")
    remote = Attribute("bytes or None: the peer's description that is in force.")

    def offer() -> bytes | Deferred[bytes]:
        """
        An offer of everything this can do: the first of the call, or a further one,
        which keeps the o= id and has the next version if anything in it changed
        (RFC 3264 section 8).  It is in force once C{update} took its answer.

        @raise TransportError: no resources for it, such as a port (503).
        """

    def answer(offer: bytes) -> bytes | Deferred[bytes]:
        """
        Our answer to the peer's offer; both are in force from here on.

        @raise NotAcceptable: nothing offered fits (488).
        @raise ParseError: not a description (400), or one that cannot be used (488).
        @raise TransportError: no resources for it, such as a port (503).
        """

    def update(answer: bytes) -> None:
        """
        The peer's answer to our last offer; both are in force from here on: media start or change.

        @raise NotAcceptable: it does not answer the offer, or refuses all of it; what was in force stays.
        @raise ParseError: not a description, or one that cannot be used; what was in force stays.
        """

    def rollback() -> None:
        """
        The last offer or answer came to nothing (a refused re-INVITE or UPDATE): what was
        in force before it is so again.  Nothing happens if there was none.
        """

    def close() -> None:
        """
        The usage ended: give back every resource.  Repeating it does nothing.
        """


class ISessionDescriptionFactory(Interface):
    """
    Makes the session description of a call.
    """

    def __call__(localHost: str) -> ISessionDescription:
        """
        @param localHost: the address of ours that this peer reaches; IPv6 without brackets.
        """


class IMediaWatch(Interface):
    """
    What an L{ISessionDescription} that sees its media may provide as well.
    """

    def whenSilent() -> Deferred[None]:
        """
        A fresh Deferred for each caller that fires with None when the peer's media
        have stopped coming: the call may be ended.  It never fires after C{close}.
        """
