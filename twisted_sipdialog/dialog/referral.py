"""
What a REFER asks for (RFC 3515, RFC 4488, RFC 7614), read and written: pure.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

from twisted_sipdialog.errors import InvalidState, InvalidValue, ParseError
from twisted_sipdialog.message import Message, Request, Response
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.event_fields import Replaces
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.message.sipfrag import StatusFragment
from twisted_sipdialog.message.uri import SipUri, TelUri, Uri

#: The option tags that a REFER may come with: no subscription wanted, none to be made, one to be asked for.
TAGS: Final = ("norefersub", "nosub", "explicitsub", "tdialog")

#: The headers of a Refer-To URI that the call it asks for repeats (RFC 3261 section 19.1.5: none that would change who
#: calls, or speak for us).
_CARRIED: Final = (
    *("replaces", "join", "require", "subject", "priority", "user-to-user"),
    *("accept-contact", "reject-contact", "request-disposition"),
)


class Subscription(Enum):
    """
    What a REFER wants to hear of the outcome.  C{IMPLICIT}: NOTIFYs, of a subscription that its 2xx makes (RFC 3515);
    C{NONE}: nothing (RFC 4488, C{nosub} of RFC 7614); C{EXPLICIT}: a URI to subscribe to (C{explicitsub}).
    """

    IMPLICIT = "implicit"
    NONE = "none"
    EXPLICIT = "explicit"


class ReferState(Enum):
    """
    Where a REFER stands, on either side.  C{READY}: not sent yet; C{WAITING}: for its final response; C{ANSWERED}: it
    was accepted, and what it asked for has no final status yet; C{TERMINATED}: nothing more is to be told.
    """

    READY = "not sent yet"
    WAITING = "waiting for an answer"
    ANSWERED = "answered"
    TERMINATED = "terminated"


@attrs.frozen
class Referral:
    """
    What a REFER asks for.

    @ivar referTo: the address in Refer-To.
    @ivar referredBy: Referred-By as it came (RFC 3892), or None.
    @ivar replaces: the dialog whose place the new call is to take, or None.
    @ivar lines: the headers that the new call is to repeat.
    @ivar subscription: what the referrer wants to hear.
    """

    referTo: Address
    referredBy: str | None
    replaces: Replaces | None
    lines: tuple[tuple[str, str], ...]
    subscription: Subscription

    @classmethod
    def parse(cls, request: Request) -> Referral:
        """
        @raise ParseError: not one readable Refer-To (RFC 3515 section 2.4.2), or what its URI says cannot be repeated.
        """
        headers = request.headers
        if len(headers.elements("refer-to")) != 1:
            raise ParseError("Refer-To: exactly one is wanted")
        referTo: Address = headers.typed("refer-to")
        lines = _carried(referTo.uri)
        named = [text for name, text in lines if name == "Replaces"]
        replaces = Replaces.parse(named[0]) if named else None
        return cls(referTo, headers.get("referred-by"), replaces, tuple(lines), _subscription(request))

    @property
    def target(self) -> Uri:
        """Who is to be called, as it stands in a Request-URI (RFC 3261 section 19.1.1)."""
        return _plain(self.referTo.uri)

    def refusal(self, routesNumbers: bool) -> int | None:
        """
        The status that refuses to follow it, None when it is a call that can be made.

        @param routesNumbers: a proxy knows where a telephone number leads.
        """
        uri = self.referTo.uri
        if isinstance(uri, TelUri) and routesNumbers:
            return None
        if not isinstance(uri, SipUri):
            return 416
        return None if (uri.parameters.get("method") or "INVITE") == "INVITE" else 501


def _plain(uri: Uri) -> Uri:
    """C{uri} as a Request-URI has it: without headers, and without a method (RFC 3261 section 19.1.1)."""
    if not isinstance(uri, SipUri):
        return uri
    rest = {name: value for name, value in uri.parameters.items() if name != "method"}
    return attrs.evolve(uri, parameters=rest, headers=())


def _carried(uri: Uri) -> list[tuple[str, str]]:
    if not isinstance(uri, SipUri):
        return []
    lines = []
    for name, _ in uri.headers:
        if name.lower() in _CARRIED:
            text = uri.header(name) or ""
            if not text.isprintable():
                raise ParseError(f"Refer-To: header {name[:40]!r} holds what no line may hold")
            lines.append((name.title(), text))
    names = [name for name, _ in lines]
    if len({*names}) != len(names) or ("Replaces" in names and "Join" in names):
        raise ParseError("Refer-To: a header comes twice, or Replaces and Join together")
    return lines


def _subscription(request: Request) -> Subscription:
    required = typedOrNone(request, "require") or ()
    if "nosub" in required and "explicitsub" in required:
        raise ParseError("Require: nosub and explicitsub exclude each other (RFC 7614 section 4)")
    if "explicitsub" in required:
        return Subscription.EXPLICIT
    return Subscription.NONE if "nosub" in required or declinesSubscription(request) else Subscription.IMPLICIT


def declinesSubscription(message: Message) -> bool:
    """C{Refer-Sub: false}: in a REFER, none is wanted; in its 2xx, none was made (RFC 4488 section 4)."""
    return (message.headers.get("refer-sub") or "").partition(";")[0].strip().lower() == "false"


def eventsAt(response: Response) -> str | None:
    """
    The URI of Refer-Events-At (RFC 7614 section 7), None without.

    @raise ParseError: it is malformed.
    """
    text = response.headers.get("refer-events-at")
    return None if text is None else str(_plain(Address.parse(text).uri))


def replacing(target: str, replaces: Replaces) -> str:
    """
    The Refer-To of an attended transfer: call C{target}, and take the place of one of its dialogs (RFC 5589 section
    7.3).

    @param replaces: the dialog as C{target} knows it.
    @raise ParseError: C{target} is malformed.
    """
    uri = Address.parse(f"<{target}>").uri
    if not isinstance(uri, SipUri):
        raise ParseError(f"{target!r} is no SIP URI")
    return f"<{uri.withoutHeaders().withHeader('Replaces', str(replaces))}>"


def fragmentOf(status: StatusFragment | bytes | int, state: ReferState) -> StatusFragment:
    """
    The body of a NOTIFY, as an application gives it.

    @raise InvalidValue: it is no message/sipfrag with a status line, or no status code.
    @raise InvalidState: the REFER was not accepted, or its final status was told.
    """
    if isinstance(status, bytes):
        try:
            status = StatusFragment.parse(status)
        except ParseError as error:
            raise InvalidValue("status", status, str(error)) from None
    elif isinstance(status, int):
        status = StatusFragment(status)
    elif not isinstance(status, StatusFragment):
        raise InvalidValue("status", status, "a StatusFragment, a status code, or bytes")
    if state is not ReferState.ANSWERED:
        raise InvalidState("sendNotify", state.value, "NOTIFYs go between the 2xx and the final status")
    return status
