"""
Header fields about events, and about dialogs other than the one they travel in:
Event, Subscription-State, Replaces, Join, Target-Dialog, Session-Expires, Min-SE, Retry-After, Reason.
"""

from __future__ import annotations

import re
from typing import Self

from attrs import Factory, frozen

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.grammar import Parameters, digits, formatParameters, splitParameters, token

# The words of a Call-ID may hold quotes and brackets, but nothing that ends the value.
_CALL_ID = re.compile(r"[!-+\--:<-~]+")
_COMMENT_PIECE = re.compile(r"[^()\\\r\n]++|\\[^\r\n]|[()]")

#: Seconds in a delta-seconds (RFC 3261 section 20.19).
MAXIMUM_SECONDS = 2**32 - 1


@frozen(weakref_slot=False)
class EventField:
    """
    Event (RFC 6665 section 8.2.1).

    @ivar package: with templates, as in C{presence.winfo}; case counts.
    @ivar id: tells apart the subscriptions of one dialog; None without one.
    @ivar parameters: the others.
    """

    package: str
    id: str | None = None
    parameters: Parameters = Factory(dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        package, parameters = splitParameters(text)
        return cls(token(package, "event package"), _valueOf(parameters, "id"), parameters)

    def __str__(self) -> str:
        return self.package + formatParameters(_joined(self.parameters, id=self.id))


@frozen(weakref_slot=False)
class SubscriptionState:
    """
    Subscription-State (RFC 6665 section 8.2.3).

    @ivar state: C{'active'}, C{'pending'}, C{'terminated'} or another token, in lower case.
    @ivar reason: why it is terminated, in lower case, or None.
    @ivar expires: seconds, or None.
    @ivar retryAfter: seconds, or None.
    @ivar parameters: the others.
    """

    state: str
    reason: str | None = None
    expires: int | None = None
    retryAfter: int | None = None
    parameters: Parameters = Factory(dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        state, parameters = splitParameters(text)
        reason = _valueOf(parameters, "reason")
        return cls(
            token(state, "subscription state").lower(),
            None if reason is None else reason.lower(),
            _numberOf(parameters, "expires"),
            _numberOf(parameters, "retry-after"),
            parameters,
        )

    def __str__(self) -> str:
        named = {"reason": self.reason, "expires": self.expires, "retry-after": self.retryAfter}
        return self.state + formatParameters(_joined(self.parameters, **named))


@frozen(weakref_slot=False)
class Replaces:
    """
    Replaces (RFC 3891 section 6.1): the dialog that the new call takes the place of, as its receiver knows it.

    @ivar toTag: the receiver's own tag.
    @ivar fromTag: the tag of its peer.
    @ivar earlyOnly: not when that dialog is confirmed.
    """

    callId: str
    toTag: str
    fromTag: str
    earlyOnly: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed, or lacks a tag."""
        callId, toTag, fromTag, rest = _dialog(text, "to-tag", "from-tag")
        return cls(callId, toTag, fromTag, "early-only" in rest)

    def __str__(self) -> str:
        parameters: Parameters = {"to-tag": self.toTag, "from-tag": self.fromTag}
        if self.earlyOnly:
            parameters["early-only"] = None
        return self.callId + formatParameters(parameters)


@frozen(weakref_slot=False)
class Join:
    """
    Join (RFC 3911 section 7.1): the dialog that the new call is to be mixed into.

    @ivar toTag: the receiver's own tag.
    @ivar fromTag: the tag of its peer.
    """

    callId: str
    toTag: str
    fromTag: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed, or lacks a tag."""
        return cls(*_dialog(text, "to-tag", "from-tag")[:3])

    def __str__(self) -> str:
        return self.callId + formatParameters({"to-tag": self.toTag, "from-tag": self.fromTag})


@frozen(weakref_slot=False)
class TargetDialog:
    """
    Target-Dialog (RFC 4538 section 7): a dialog that both sides share and that vouches for this request.

    @ivar localTag: local to the sender of the request.
    @ivar remoteTag: remote to the sender of the request.
    """

    callId: str
    localTag: str
    remoteTag: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed, or lacks a tag."""
        return cls(*_dialog(text, "local-tag", "remote-tag")[:3])

    def __str__(self) -> str:
        return self.callId + formatParameters({"local-tag": self.localTag, "remote-tag": self.remoteTag})


@frozen(weakref_slot=False)
class SessionExpires:
    """
    Session-Expires (RFC 4028 section 4).

    @ivar seconds: the session interval.
    @ivar refresher: C{'uac'}, C{'uas'} or None.
    @ivar parameters: the others.
    """

    seconds: int
    refresher: str | None = None
    parameters: Parameters = Factory(dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        seconds, parameters = splitParameters(text)
        refresher = _valueOf(parameters, "refresher")
        if refresher is not None:
            refresher = refresher.lower()
            if refresher not in ("uac", "uas"):
                raise ParseError(f"refresher {refresher[:40]!r} is neither uac nor uas")
        return cls(digits(seconds, "seconds", MAXIMUM_SECONDS), refresher, parameters)

    def __str__(self) -> str:
        return str(self.seconds) + formatParameters(_joined(self.parameters, refresher=self.refresher))


@frozen(weakref_slot=False)
class MinSE:
    """
    Min-SE (RFC 4028 section 5).

    @ivar seconds: the shortest session interval that is acceptable.
    """

    seconds: int
    parameters: Parameters = Factory(dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        seconds, parameters = splitParameters(text)
        return cls(digits(seconds, "seconds", MAXIMUM_SECONDS), parameters)

    def __str__(self) -> str:
        return str(self.seconds) + formatParameters(self.parameters)


@frozen(weakref_slot=False)
class RetryAfter:
    """
    Retry-After (RFC 3261 section 20.33).

    @ivar seconds: how long to wait.
    @ivar duration: for how many seconds the callee is then there, or None.
    @ivar comment: what stood between the parentheses, as written, or None.
    @ivar parameters: the others.
    """

    seconds: int
    duration: int | None = None
    comment: str | None = None
    parameters: Parameters = Factory(dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        number, opening, _ = text.partition("(")
        comment = None
        # A parenthesis behind a semicolon is part of a parameter.
        if opening and ";" not in number:
            end = _commentEnd(text, len(number))
            comment = text[len(number) + 1 : end - 1]
            text = number + text[end:]
        seconds, parameters = splitParameters(text)
        return cls(digits(seconds, "seconds", MAXIMUM_SECONDS), _numberOf(parameters, "duration"), comment, parameters)

    def __str__(self) -> str:
        comment = "" if self.comment is None else f" ({self.comment})"
        return f"{self.seconds}{comment}{formatParameters(_joined(self.parameters, duration=self.duration))}"


@frozen(weakref_slot=False)
class Reason:
    """
    One value of Reason (RFC 3326 section 2).

    @ivar protocol: C{'SIP'}, C{'Q.850'} or another token.
    @ivar cause: its status code or cause value, or None.
    @ivar text: for people, or None.
    @ivar parameters: the others.
    """

    protocol: str
    cause: int | None = None
    text: str | None = None
    parameters: Parameters = Factory(dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """@raise ParseError: it is malformed."""
        protocol, parameters = splitParameters(text)
        cause = _numberOf(parameters, "cause")
        return cls(token(protocol, "protocol"), cause, _valueOf(parameters, "text"), parameters)

    def __str__(self) -> str:
        return self.protocol + formatParameters(_joined(self.parameters, cause=self.cause, text=self.text))


def _valueOf(parameters: Parameters, name: str) -> str | None:
    """Take the value of C{name} out of C{parameters}: None when absent, never a flag."""
    if name not in parameters:
        return None
    value = parameters.pop(name)
    if value is None:
        raise ParseError(f"parameter {name} has no value")
    return value


def _numberOf(parameters: Parameters, name: str) -> int | None:
    value = _valueOf(parameters, name)
    return None if value is None else digits(value, name, MAXIMUM_SECONDS)


def _joined(parameters: Parameters, **named: str | int | None) -> Parameters:
    """The named ones that are there, and then the others."""
    return {name: str(value) for name, value in named.items() if value is not None} | parameters


def _dialog(text: str, first: str, second: str) -> tuple[str, str, str, Parameters]:
    callId, parameters = splitParameters(text)
    if _CALL_ID.fullmatch(callId) is None:
        raise ParseError(f"{callId[:40]!r} is not a Call-ID")
    tags = _valueOf(parameters, first), _valueOf(parameters, second)
    if not tags[0] or not tags[1]:
        raise ParseError(f"{first} or {second} is missing")
    return callId, tags[0], tags[1], parameters


def _commentEnd(text: str, start: int) -> int:
    """The position behind the comment (RFC 3261 section 25.1) that opens at C{start}."""
    depth, position = 0, start
    while True:
        found = _COMMENT_PIECE.match(text, position)
        if found is None:
            raise ParseError("unclosed comment")
        position = found.end()
        if found[0] == "(":
            depth += 1
        elif found[0] == ")":
            depth -= 1
            if depth == 0:
                return position
