"""
Who calls and who is called (RFC 3261 sections 8.1.1.2 and 8.1.1.3, RFC 3325, RFC 3323): pure.

From and To are what the caller wrote.  Between parties that trust each other a network
says by P-Asserted-Identity, or by the older Remote-Party-ID (draft-ietf-sip-privacy-04),
who it really is; from anybody else those two count for nothing (RFC 3325 section 5).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import attrs

from twisted_sipdialog.dialog.sides import readable, userOf
from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message import Message, Request, Response
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.grammar import splitList
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.message.uri import SipUri

_PRIVATE = frozenset({"id", "header", "user", "full"})

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@attrs.frozen
class Party:
    """
    One who takes part in a call.

    @ivar user: the user part of its URI without escapes, or its telephone number; C{""} without either.
    @ivar display: its display name without quotes, or None.
    @ivar uri: its URI as text; C{""} where nothing readable names it.
    @ivar privacy: what is asked to be kept private: the values of Privacy (RFC 3323 section 4.2), and those of the
        C{privacy} parameter where Remote-Party-ID names the party.
    @ivar source: the header that says so: C{"P-Asserted-Identity"}, C{"Remote-Party-ID"}, C{"From"} or C{"To"}.
    """

    user: str
    display: str | None
    uri: str
    privacy: tuple[str, ...]
    source: str

    @property
    def isPrivate(self) -> bool:
        """It is not to be shown to anybody else."""
        # The draft lets a value end in the one it is private to, as in full-network.
        return any(value.partition("-")[0] in _PRIVATE for value in self.privacy)

    def toJSON(self) -> dict[str, Any]:
        """A plain value that JSON carries."""
        return {
            "user": readable(self.user),
            "display": None if self.display is None else readable(self.display),
            "uri": readable(self.uri),
            "privacy": [readable(value) for value in self.privacy],
            "isPrivate": self.isPrivate,
            "source": self.source,
        }


def callingParty(request: Request, trusted: bool) -> Party:
    """
    Who calls.

    @param trusted: C{request} comes from one who is believed (RFC 3325 section 5): see L{isTrusted}.
    """
    asserted = _asserted(request, "calling") if trusted else None
    return asserted or _written(request, "from", "From", _privacyOf(request))


def calledParty(request: Request, response: Response | None, trusted: bool) -> Party:
    """
    Who is called: the one who answered, as far as C{response} tells, else the one the caller wanted.

    @param trusted: C{response} comes from one who is believed.
    """
    asserted = _asserted(response, "called") if trusted and response is not None else None
    # Privacy in the request is that of the caller.
    return asserted or _written(request, "to", "To", ())


def isTrusted(setting: bool | tuple[str, ...], host: str) -> bool:
    """
    Whether what the peer at C{host} asserts is believed.

    @param setting: True: of everybody; False: of nobody; else the addresses and networks whose peers are.
    @param host: an IP address, IPv6 without brackets; a name is in no network.
    @raise InvalidValue: C{setting} names something that is neither address nor network.
    """
    if isinstance(setting, bool):
        return setting
    networks = networksOf(setting)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # A socket for both families shows the peers of the one like this.
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)


@lru_cache(maxsize=64)
def networksOf(setting: tuple[str, ...]) -> tuple[Network, ...]:
    """
    The networks that C{setting} names; an address is a network of one.

    @raise InvalidValue: one is neither.
    """
    networks = []
    for text in setting:
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise InvalidValue("trusted network", text, "must be an IP address or network") from None
    return tuple(networks)


def _asserted(message: Message, role: str) -> Party | None:
    """What the network says about who is C{role}, None if nothing."""
    first = None
    for address in _readable(message, "p-asserted-identity"):
        # RFC 3325 section 9.1: a sip or sips URI, a tel URI, or one of each.
        if isinstance(address.uri, SipUri):
            first = address
            break
        first = first or address
    if first is not None:
        return _party(first, _privacyOf(message), "P-Asserted-Identity")
    for address in _readable(message, "remote-party-id"):
        # Without the parameter it is the one who sent the message: the caller in a request, else the callee.
        if (address.parameters.get("party") or role).lower() == role:
            own = [v.strip(" \t").lower() for v in (address.parameters.get("privacy") or "").split(",")]
            return _party(address, (*_privacyOf(message), *filter(None, own)), "Remote-Party-ID")
    return None


def _readable(message: Message, name: str) -> Iterator[Address]:
    """The addresses in C{name}, those left out that are malformed."""
    for value in message.headers.getAll(name):
        try:
            elements = splitList(value)
        except ParseError:
            continue
        for element in elements:
            try:
                yield Address.parse(element)
            except ParseError:
                continue


def _written(request: Request, name: str, source: str, privacy: tuple[str, ...]) -> Party:
    """What the caller wrote in From or To."""
    address = next(_readable(request, name), None)
    return Party("", None, "", privacy, source) if address is None else _party(address, privacy, source)


def _party(address: Address, privacy: tuple[str, ...], source: str) -> Party:
    return Party(userOf(address.uri), address.displayName or None, str(address.uri), privacy, source)


def _privacyOf(message: Message) -> tuple[str, ...]:
    privacy = typedOrNone(message, "privacy")
    return () if privacy is None else privacy.values
