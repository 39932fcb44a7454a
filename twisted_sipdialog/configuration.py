"""
The settings of a user agent.  Every number has its unit; every limit is here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from twisted_sipdialog.errors import ConfigurationError, ParseError
from twisted_sipdialog.message.digest import Credentials
from twisted_sipdialog.message.parser import Limits
from twisted_sipdialog.message.uri import SipUri, parseUri
from twisted_sipdialog.timers import TimerValues


@attrs.frozen
class FlowLimits:
    """
    What connections and their unfinished messages may take.

    @ivar connections: stream connections in all.
    @ivar connectionsPerAddress: of them from one address.
    @ivar unfinishedBytes: bytes of unfinished messages over all connections.
    @ivar unfinishedTimeout: seconds a message may take from its first byte to its last.
    @ivar idleTimeout: seconds after which a connection nobody uses is closed.
    @ivar connectTimeout: seconds to open a connection.
    @ivar sendBuffer: bytes queued to a peer that does not read, beyond which its connection is dropped.
    """

    connections: int = 10_000
    connectionsPerAddress: int = 1_000
    unfinishedBytes: int = 16 * 1024 * 1024
    unfinishedTimeout: float = 30.0
    idleTimeout: float = 300.0
    connectTimeout: float = 4.0
    sendBuffer: int = 1024 * 1024


@attrs.frozen
class LoadLimits:
    """
    What peers together, and one source, may keep open.  Beyond: 503 with Retry-After, without state.

    @ivar serverTransactions: server transactions in all, finished ones that absorb retransmissions included.
    @ivar dialogs: dialogs in all.
    @ivar invitesPerSource: unanswered INVITEs of one source address.
    @ivar forks: dialogs that the responses to one INVITE of ours may make; the first that answers it is taken in
        any case.
    @ivar retryAfter: seconds told in Retry-After.
    """

    serverTransactions: int = 500_000
    dialogs: int = 100_000
    invitesPerSource: int = 2_000
    forks: int = 64
    retryAfter: int = 5


def _sipUri(name: str, value: str | SipUri) -> SipUri:
    if isinstance(value, SipUri):
        return value
    try:
        uri = parseUri(value)
    except ParseError as e:
        raise ConfigurationError(name, value, str(e)) from None
    if not isinstance(uri, SipUri):
        raise ConfigurationError(name, value, "a sip: or sips: URI is wanted")
    return uri


def _aor(value: str | SipUri) -> SipUri:
    return _sipUri("aor", value)


def _proxy(value: str | SipUri | None) -> SipUri | None:
    return None if value is None else _sipUri("outboundProxy", value)


def _onOneLine(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """What goes into headers must not be able to end them."""
    for text in (value,) if isinstance(value, str) else value or ():
        if not isinstance(text, str) or any(c in text for c in "\r\n\0"):
            raise ConfigurationError(attribute.name, text, "text without CR, LF and NUL is wanted")


def _notNegative(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and not (isinstance(value, int | float) and value >= 0):
        raise ConfigurationError(attribute.name, value, "a number, 0 or more, is wanted")


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen(kw_only=True)
class Configuration:
    """
    What a user agent is told once, when it is made.

    @ivar aor: our address of record, C{sip:desk@example.com}; stands in From and is the user part of Contact.
    @ivar displayName: shown to peers beside it.
    @ivar listen: where to listen: C{udp:5060}, C{tcp:5060:interface=192.0.2.1}, C{udp:0} (any free port), or
        any Twisted stream endpoint description.
    @ivar advertise: the host put into Via and Contact instead of the local address (behind a NAT), or None.
    @ivar credentials: what we answer challenges with; each is bound to its realm.
    @ivar outboundProxy: requests outside dialogs go through it (as a loose route), or None.
    @ivar ownDomainOnly: answer 404 to a new request whose Request-URI is not us: another user than our AOR's, or a
        host that is neither the AOR's, nor C{advertise}, nor the address it came to.
    @ivar media: what describes sessions where no body is given: a factory of L{ISessionDescription}s, or None.
    @ivar userAgent: text of User-Agent and Server, or None to send neither.
    @ivar supported: option tags we understand.
    @ivar accept: body types we understand.
    @ivar noAnswerTimeout: seconds until an unanswered INVITE is refused with 408; None: never.
    @ivar ringTimeout: seconds an C{invite()} waits for the answer once a provisional came, then CANCEL; None: for ever.
    @ivar followRedirects: how many 3xx an C{invite()} follows.  0: a 3xx is a refusal.
    @ivar stopTimeout: seconds C{stopService} waits for peers to answer its BYEs.
    @ivar udpLimit: bytes beyond which a request is sent by TCP instead of UDP (RFC 3261 section 18.1.1).
    @ivar udpReceiveBuffer: bytes the kernel is asked to buffer for a UDP port.
    """

    aor: SipUri = attrs.field(converter=_aor)
    displayName: str | None = attrs.field(default=None, validator=_onOneLine)
    listen: tuple[str, ...] = attrs.field(default=("udp:5060", "tcp:5060"), converter=_texts)
    advertise: str | None = attrs.field(default=None, validator=_onOneLine)
    credentials: tuple[Credentials, ...] = attrs.field(default=(), converter=tuple)
    outboundProxy: SipUri | None = attrs.field(default=None, converter=_proxy)
    ownDomainOnly: bool = False
    media: Callable[[str], Any] | None = None
    userAgent: str | None = attrs.field(default="twisted_sipdialog", validator=_onOneLine)
    supported: tuple[str, ...] = attrs.field(default=(), converter=_texts, validator=_onOneLine)
    accept: tuple[str, ...] = attrs.field(default=("application/sdp",), converter=_texts, validator=_onOneLine)
    noAnswerTimeout: float | None = attrs.field(default=60.0, validator=_notNegative)
    ringTimeout: float | None = attrs.field(default=180.0, validator=_notNegative)
    followRedirects: int = attrs.field(default=0, validator=_notNegative)
    stopTimeout: float = attrs.field(default=5.0, validator=_notNegative)
    udpLimit: int = attrs.field(default=1300, validator=_notNegative)
    udpReceiveBuffer: int = attrs.field(default=4 * 1024 * 1024, validator=_notNegative)
    timers: TimerValues = attrs.Factory(TimerValues)
    messageLimits: Limits = attrs.Factory(Limits)
    flowLimits: FlowLimits = attrs.Factory(FlowLimits)
    loadLimits: LoadLimits = attrs.Factory(LoadLimits)


__all__ = ["Configuration", "Credentials", "FlowLimits", "Limits", "LoadLimits", "TimerValues"]
