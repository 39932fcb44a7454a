"""
Where we listen, and what we call ourselves there (RFC 3261 section 18.1.1, sent-by).
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import attrs
from twisted.internet.abstract import isIPAddress, isIPv6Address

from twisted_sipdialog.errors import ConfigurationError
from twisted_sipdialog.message.grammar import formatHost
from twisted_sipdialog.timers import TimerSet

#: What each kind we know may be told beside its port.
_KEYS = {"udp": {"interface"}, "tcp": {"interface", "backlog"}}


@attrs.frozen
class Listen:
    """
    One C{listen} entry of the configuration, understood.

    @ivar description: the entry as it was written.
    @ivar protocol: C{'UDP'} or C{'TCP'} (every stream endpoint counts as TCP).
    @ivar port: 0 for any free one; None where only the endpoint knows.
    @ivar interface: an address, C{''} for all of IPv4; unused where C{port} is None.
    """

    description: str
    protocol: str
    port: int | None = None
    interface: str = ""


def parseListen(description: str) -> Listen:
    r"""
    Understand C{udp:5060:interface=\:\:1}, the same with C{tcp}, or take any other Twisted
    stream endpoint description as it is.

    @raise ConfigurationError: a bad port, an unknown key, no kind.
    """
    positional, named = _fields(description)
    kind = positional[0]
    if not (kind.isascii() and kind.isidentifier()):
        raise ConfigurationError("listen", description, "must begin with a kind: udp:5060, tcp:5060")
    if kind not in _KEYS:
        return Listen(description, "TCP")
    if "port" in named and len(positional) == 1:
        positional.append(named.pop("port"))
    unknown = sorted(set(named) - _KEYS[kind])
    if unknown:
        raise ConfigurationError("listen", description, f"unknown key {unknown[0]!r}; {kind} knows interface")
    if len(positional) != 2:
        hint = r" (IPv6 with \: for :)" if len(positional) > 2 else ""
        raise ConfigurationError("listen", description, f"must be {kind}:PORT or {kind}:PORT:interface=ADDRESS{hint}")
    port = positional[1]
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise ConfigurationError("listen", description, f"port {port!r} is not a number from 0 to 65535")
    interface = named.get("interface", "")
    if interface and not (isIPAddress(interface) or isIPv6Address(interface)):
        raise ConfigurationError("listen", description, rf"interface {interface!r} is no address (IPv6 with \: for :)")
    return Listen(description, kind.upper(), int(port), interface)


def _fields(description: str) -> tuple[list[str], dict[str, str]]:
    r"""
    As in Twisted's own endpoint descriptions: fields end at C{:}, some are C{key=value}, and C{\} takes the next
    character literally.
    """
    positional: list[str] = []
    named: dict[str, str] = {}
    key: str | None = None
    text = ""
    characters = iter(description)
    for character in characters:
        if character == "\\":
            text += next(characters, "")
        elif character == "=" and key is None:
            key, text = text, ""
        elif character == ":":
            _addField(positional, named, key, text)
            key, text = None, ""
        else:
            text += character
    _addField(positional, named, key, text)
    return positional, named


def _addField(positional: list[str], named: dict[str, str], key: str | None, text: str) -> None:
    if key is None:
        positional.append(text)
    else:
        named[key] = text


def routeTo(host: str) -> str:
    """
    The local address that the system would send from to reach C{host}.  Nothing is sent for it.

    @raise OSError: there is no way there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        return str(probe.getsockname()[0])


class LocalAddresses:
    """
    Which of our addresses a peer sees: asked of the system once a minute for each peer.
    """

    #: Seconds, since a machine may move to another network.
    LIFETIME = 60.0
    #: Peers remembered.
    SIZE = 4096

    def __init__(self, timers: TimerSet, route: Callable[[str], str]) -> None:
        self._now = timers.now
        self._route = route
        self._known: dict[str, str] = {}
        self._expiry = 0.0

    def to(self, host: str) -> str:
        """The local address towards C{host}; loopback when there is no way there (nothing will be sent then either)."""
        now = self._now()
        if now >= self._expiry or len(self._known) >= self.SIZE:
            self._known.clear()
            self._expiry = now + self.LIFETIME
        address = self._known.get(host)
        if address is None:
            try:
                address = self._route(host)
            except OSError:
                address = "::1" if ":" in host else "127.0.0.1"
            self._known[host] = address
        return address


def sentByText(host: str, port: int | None) -> str:
    """
    RFC 3261 section 18.1.1: C{host:port} for Via and Contact, without an IPv6 zone.

    The port is written even when it is the default: a name without one would be looked up as a service (RFC 3263).
    """
    return formatHost(host.partition("%")[0], port)


__all__ = ["Listen", "LocalAddresses", "parseListen", "routeTo", "sentByText"]
