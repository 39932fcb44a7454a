"""
The settings of a user agent.  Every number has its unit; every limit is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_network
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
    @ivar refers: REFERs that one call may have open here: not answered, or with an outcome to be told.
    @ivar subscriptionsPerSource: subscriptions of one source address.
    @ivar retryAfter: seconds told in Retry-After.
    """

    serverTransactions: int = 500_000
    dialogs: int = 100_000
    invitesPerSource: int = 2_000
    forks: int = 64
    refers: int = 16
    subscriptionsPerSource: int = 2_000
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
    if not (isinstance(value, int | float) and value >= 0):
        raise ConfigurationError(attribute.name, value, "a number, 0 or more, is wanted")


def _noneOrNotNegative(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None:
        _notNegative(instance, attribute, value)


def _several(value: Any) -> tuple[Any, ...]:
    """Whatever cannot be several is one; the validators look at each."""
    return (value,) if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)


def _oneOf(*choices: str | int | None) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    def check(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in choices:
            raise ConfigurationError(attribute.name, value, f"one of {', '.join(map(repr, choices))} is wanted")

    return check


def _seconds(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """What stands in Session-Expires and Min-SE: whole seconds (RFC 4028 sections 4 and 5)."""
    if type(value) is not int or not 1 <= value < 2**31:
        raise ConfigurationError(attribute.name, value, "whole seconds, 1 or more, are wanted")


def _wholeSeconds(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """What stands in Min-Expires (RFC 3261 section 20.23), or 0."""
    if type(value) is not int or not 0 <= value < 2**31:
        raise ConfigurationError(attribute.name, value, "whole seconds, 0 or more, are wanted")


def _trust(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    for network in () if isinstance(value, bool) else value:
        try:
            # To ip_network() a number is an address, too.
            ip_network(network if isinstance(network, str) else "", strict=False)
        except ValueError:
            rule = "True, False, or addresses and networks are wanted"
            raise ConfigurationError(attribute.name, network, rule) from None


def _trusted(value: Any) -> bool | tuple[str, ...]:
    return value if isinstance(value, bool) else _several(value)


def _statuses(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    for status in value:
        if type(status) is not int or not 300 <= status <= 699:
            raise ConfigurationError(attribute.name, status, "a final status, 300 to 699, is wanted")


def _status(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    _statuses(instance, attribute, (value,))


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
    @ivar supported: option tags that the application understands, beside C{100rel}, C{timer} and C{replaces}.
    @ivar accept: body types we understand.
    @ivar infoPackages: the Info-Packages that the delegate takes (RFC 6086), told in Recv-Info.
    @ivar rel100: reliable provisional responses (RFC 3262).  C{"supported"}: where a peer requires them or
        C{progress(reliable=True)} asks for one; C{"required"}: our INVITEs require them, all of ours are, and a caller
        who does not know them is refused with 421; C{"off"}: an INVITE that requires them is refused with 420.
    @ivar replaces: calls that want to take the place of another one (RFC 3891).  C{"supported"}: the application
        accepts them, or not, and the other one ends; C{"off"}: they are calls like any other, and one that requires it
        is refused with 420.
    @ivar sessionTimers: session timers (RFC 4028).  C{"supported"}: with peers that know them; C{"always"}: we
        refresh by ourselves where the peer does not; C{"off"}: never.
    @ivar sessionExpires: seconds after which a session that nobody refreshed is over, as we ask for it.
    @ivar minSE: seconds, the shortest interval we take.  RFC 4028 section 4 forbids less than 90.
    @ivar sessionRefresher: who is to refresh, as far as it is ours to say: C{"local"}, C{"remote"}, or None: the
        caller.
    @ivar sessionRefreshMethod: C{"UPDATE"}, C{"INVITE"}, or None: UPDATE where the peer allows it.
    @ivar dialogEndingStatuses: final responses to our requests within a dialog, after which it is ended by BYE (RFC
        5057 section 5.1); 408 and silence do so only for what belongs to the session: re-INVITE, UPDATE.
    @ivar forkedAnswers: C{"first"}: further 2xx to our INVITE are acknowledged and ended by BYE; C{"all"}: each makes
        a call, told by C{dialogConfirmed}.
    @ivar trustIdentity: whether P-Asserted-Identity and Remote-Party-ID say who a C{callingParty} is (RFC 3325): True,
        False, or the addresses and networks of the peers that are trusted.
    @ivar flowGrace: seconds that a peer who can be reached over one connection only has to come back, once that is
        lost.
    @ivar noAnswerTimeout: seconds until an unanswered INVITE is refused with 408; None: never.
    @ivar ringTimeout: seconds an C{invite()} waits for the answer once a provisional came, then CANCEL; None: for ever.
    @ivar followRedirects: how many 3xx an C{invite()} follows.  0: a 3xx is a refusal.
    @ivar referPolicy: what becomes of a REFER in a dialog that no delegate takes.  C{"trusted"}: it is followed where
        we placed the call by ourselves, or the application has set C{dialog.authenticated}, else refused with 603;
        C{"follow"}: it is followed; C{"ask"}: it is refused; C{"refuse"}: so is every one, and no delegate is asked.
        Of one dialog, none is followed by itself while the call of another one is made or stands.
    @ivar referDomains: the hosts of Refer-To, beside that of our own AOR, whose challenges a followed call answers with
        our credentials.
    @ivar referStatus: the status that accepts a REFER, 202 or 200.
    @ivar referExpires: seconds that the subscription to the outcome of a REFER lasts.
    @ivar allowOutOfDialogRefers: ask the delegate (C{outOfDialogReferRequested}) about a REFER outside any dialog.
    @ivar outOfDialogReferStatus: the status that refuses one otherwise.
    @ivar events: the event packages that the delegate lets peers subscribe to, told in Allow-Events (RFC 6665).
    @ivar subscribeStatus: the status that accepts a SUBSCRIBE, 200 or 202 (RFC 3265).
    @ivar subscriptionExpires: seconds that a subscription of a peer lasts at most, and where it says nothing; less, if
        the event package has less.
    @ivar minSubscriptionExpires: seconds, the shortest that is taken: 423 refuses less.  0 ends one, and is no length.
    @ivar stopTimeout: seconds C{stopService} waits for peers to answer its BYEs.
    @ivar udpLimit: bytes beyond which a request is sent by TCP instead of UDP (RFC 3261 section 18.1.1).
    @ivar udpReceiveBuffer: bytes the kernel is asked to buffer for a UDP port.
    """

    aor: SipUri = attrs.field(converter=_aor)
    displayName: str | None = attrs.field(default=None, validator=_onOneLine)
    listen: tuple[str, ...] = attrs.field(default=("udp:5060", "tcp:5060"), converter=_several, validator=_onOneLine)
    advertise: str | None = attrs.field(default=None, validator=_onOneLine)
    credentials: tuple[Credentials, ...] = attrs.field(default=(), converter=tuple)
    outboundProxy: SipUri | None = attrs.field(default=None, converter=_proxy)
    ownDomainOnly: bool = False
    media: Callable[[str], Any] | None = None
    userAgent: str | None = attrs.field(default="twisted_sipdialog", validator=_onOneLine)
    supported: tuple[str, ...] = attrs.field(default=(), converter=_several, validator=_onOneLine)
    accept: tuple[str, ...] = attrs.field(default=("application/sdp",), converter=_several, validator=_onOneLine)
    infoPackages: tuple[str, ...] = attrs.field(default=(), converter=_several, validator=_onOneLine)
    rel100: str = attrs.field(default="supported", validator=_oneOf("off", "supported", "required"))
    replaces: str = attrs.field(default="supported", validator=_oneOf("off", "supported"))
    sessionTimers: str = attrs.field(default="supported", validator=_oneOf("off", "supported", "always"))
    sessionExpires: int = attrs.field(default=1800, validator=_seconds)
    minSE: int = attrs.field(default=90, validator=_seconds)
    sessionRefresher: str | None = attrs.field(default=None, validator=_oneOf(None, "local", "remote"))
    sessionRefreshMethod: str | None = attrs.field(default=None, validator=_oneOf(None, "UPDATE", "INVITE"))
    dialogEndingStatuses: tuple[int, ...] = attrs.field(
        default=(404, 410, 416, 481, 482, 483, 484, 485, 502, 604), converter=_several, validator=_statuses
    )
    forkedAnswers: str = attrs.field(default="first", validator=_oneOf("first", "all"))
    trustIdentity: bool | tuple[str, ...] = attrs.field(default=True, converter=_trusted, validator=_trust)
    flowGrace: float = attrs.field(default=5.0, validator=_notNegative)
    noAnswerTimeout: float | None = attrs.field(default=60.0, validator=_noneOrNotNegative)
    ringTimeout: float | None = attrs.field(default=180.0, validator=_noneOrNotNegative)
    followRedirects: int = attrs.field(default=0, validator=_notNegative)
    referPolicy: str = attrs.field(default="trusted", validator=_oneOf("trusted", "follow", "ask", "refuse"))
    referDomains: tuple[str, ...] = attrs.field(default=(), converter=_several, validator=_onOneLine)
    referStatus: int = attrs.field(default=202, validator=_oneOf(200, 202))
    referExpires: int = attrs.field(default=300, validator=_seconds)
    allowOutOfDialogRefers: bool = False
    outOfDialogReferStatus: int = attrs.field(default=403, validator=_status)
    events: tuple[str, ...] = attrs.field(default=(), converter=_several, validator=_onOneLine)
    subscribeStatus: int = attrs.field(default=200, validator=_oneOf(200, 202))
    subscriptionExpires: int = attrs.field(default=3600, validator=_seconds)
    minSubscriptionExpires: int = attrs.field(default=60, validator=_wholeSeconds)
    stopTimeout: float = attrs.field(default=5.0, validator=_notNegative)
    udpLimit: int = attrs.field(default=1300, validator=_notNegative)
    udpReceiveBuffer: int = attrs.field(default=4 * 1024 * 1024, validator=_notNegative)
    timers: TimerValues = attrs.Factory(TimerValues)
    messageLimits: Limits = attrs.Factory(Limits)
    flowLimits: FlowLimits = attrs.Factory(FlowLimits)
    loadLimits: LoadLimits = attrs.Factory(LoadLimits)


__all__ = ["Configuration", "Credentials", "FlowLimits", "Limits", "LoadLimits", "TimerValues"]
