"""
From a URI to addresses (RFC 3263, its section 4.2 for literal addresses and A/AAAA records).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IAddress, IHostResolution, IReactorPluggableNameResolver, IResolutionReceiver
from zope.interface import Interface, implementer

from twisted_sipdialog.errors import LocateError
from twisted_sipdialog.message.uri import OtherUri, SipUri, TelUri


def _canonical(host: str) -> str:
    """IPv6 addresses in one spelling, so that a connection is found again under it."""
    return str(ipaddress.ip_address(host)) if ":" in host else host


@attrs.frozen
class Destination:
    """
    Where to send a request.

    @ivar protocol: C{'UDP'}, C{'TCP'} or C{'TLS'}.
    @ivar host: an address, IPv6 without brackets.
    @ivar name: the host name it was found under, None for a literal address.
    """

    protocol: str
    host: str = attrs.field(converter=_canonical)
    port: int
    name: str | None = None


class ILocator(Interface):
    """Finds where a request to a URI is sent."""

    def locate(uri, protocols):  # type: ignore[no-untyped-def]
        """
        @type uri: L{SipUri}
        @param protocols: what we can send by: C{'UDP'}, C{'TCP'}, ...
        @return: a cancellable L{Deferred} of a list of L{Destination}, best first, at least one;
            fires at once for literal addresses; fails with L{LocateError}.
        """


@implementer(ILocator)
class Locator:
    """
    Literal addresses, and names through the reactor's resolver.
    """

    def __init__(
        self, reactor: IReactorPluggableNameResolver, reaches: Callable[[str], bool] = lambda host: True
    ) -> None:
        """
        @param reaches: whether we have a port of that address's family; such addresses are tried first.
        """
        self._reactor = reactor
        self._reaches = reaches

    def locate(self, uri: SipUri | TelUri | OtherUri, protocols: Sequence[str]) -> Deferred[list[Destination]]:
        try:
            if not isinstance(uri, SipUri):
                raise LocateError(f"{uri}: only sip: URIs have an address; an outbound proxy may know this one")
            protocol = _protocolOf(uri, protocols)
            host = (uri.parameters.get("maddr") or uri.host).strip("[]")
            port = uri.port if uri.port is not None else 5061 if protocol == "TLS" else 5060
            if port == 0:
                raise LocateError(f"{uri}: port 0")
            if _isLiteral(host):
                return succeed([Destination(protocol, host, port)])
            answer = _Answer(host, protocol, port, self._reaches)
            self._reactor.nameResolver.resolveHostName(answer, host, port)
        except LocateError as e:
            return fail(e)
        except Exception as e:
            # Resolvers raise what they like about names that are none.
            return fail(LocateError(f"{uri}: {e}"))
        return answer.deferred


def _protocolOf(uri: SipUri, protocols: Sequence[str]) -> str:
    """RFC 3263 section 4.1, without NAPTR and SRV: as the URI says, else UDP."""
    if uri.isSecure or uri.transport == "tls":
        # sips is never served in clear, whatever transport the URI names (RFC 3261 section 26.2.2).
        protocol = "TLS"
    elif uri.transport is not None:
        protocol = uri.transport.upper()
    elif "UDP" in protocols or not protocols:
        protocol = "UDP"
    else:
        protocol = protocols[0]
    if protocol not in protocols:
        raise LocateError(f"{uri}: there is no transport for {protocol}")
    return protocol


def _isLiteral(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@implementer(IResolutionReceiver)
class _Answer:
    """Collects what a look-up finds.  One that was cancelled may go on: its Deferred ignores what comes then."""

    def __init__(self, name: str, protocol: str, port: int, reaches: Callable[[str], bool]) -> None:
        self.deferred: Deferred[list[Destination]] = Deferred()
        self._name = name
        self._protocol = protocol
        self._port = port
        self._reaches = reaches
        self._found: list[Destination] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing to do: the resolution is not needed."""

    def addressResolved(self, address: IAddress) -> None:
        """One more address."""
        found: Any = address
        destination = Destination(self._protocol, found.host, self._port, self._name)
        if destination not in self._found:
            self._found.append(destination)

    def resolutionComplete(self) -> None:
        """That was all."""
        if self._found:
            self.deferred.callback(sorted(self._found, key=lambda d: not self._reaches(d.host)))
        else:
            self.deferred.errback(LocateError(f"{self._name}: no such host"))
