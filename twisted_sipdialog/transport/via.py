"""
What a server transport reads from and writes into the topmost Via (RFC 3261 section 18.2, RFC 3581 section 4).
"""

from __future__ import annotations

import re

from twisted.internet.abstract import isIPAddress, isIPv6Address

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.fields import Via

# What stands between semicolons; the closing quote is optional so that a missing one costs one scan.
_PIECE = re.compile(r'(?:[^";]++|"(?:[^"\\]++|\\.)*+"?)++')


def plainHost(host: str) -> str:
    """An address as other hosts know it: without a zone, IPv4 not wrapped in IPv6."""
    if ":" in host:
        host = host.partition("%")[0]
        if host.startswith("::ffff:") and "." in host:
            return host[7:]
    return host


def stamped(via: str, host: str, port: int) -> str:
    """
    C{via} with the source of its request: C{received}, and C{rport} filled in when it was asked for.
    What the client wrote there itself is replaced.
    """
    pieces = []
    for piece in via.split(";") if '"' not in via else _PIECE.findall(via):
        name = piece.partition("=")[0].strip(" \t").lower()
        if name == "rport":
            piece = f"rport={port}"
        elif name == "received":
            continue
        pieces.append(piece)
    pieces.append(f"received={plainHost(host)}")
    return ";".join(pieces)


def sourceOf(via: str) -> tuple[str, int] | None:
    """
    RFC 3261 section 18.2.2: where a new connection for a response goes.  None for a host that is no address:
    the transport that received the request would have stamped it.
    """
    try:
        parsed = Via.parse(via)
    except ParseError:
        return None
    host = parsed.received or parsed.host
    return (host, parsed.port or 5060) if isIPAddress(host) or isIPv6Address(host) else None
