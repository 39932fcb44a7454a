"""
What C{twistd sipua} may be told, on its command line or in a file: the names.  Which values they take: checks.py.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, Final

import attrs

from twisted_sipdialog.configuration import Configuration, FlowLimits, Limits, LoadLimits, TimerValues
from twisted_sipdialog.service import checks, stated
from twisted_sipdialog.service.checks import Check, Inside


class WrongSetting(Exception):
    """
    A line that says which setting is wrong, where it stands, what its value is, and what would be right.
    """

    def __init__(self, where: str, value: Any, rule: str) -> None:
        super().__init__(f"{where}: {rule}" if value is None else f"{where} {value!r}: {rule}")


_CONFIGURATION: Final = frozenset(field.name for field in attrs.fields(Configuration))

#: What may be told, with its check.  The names are those of L{Configuration}, where it has them.
CHECKS: Final[Mapping[str, Check]] = {
    "listen": checks.listen,
    "aor": checks.uri,
    "displayName": checks.text,
    "advertise": checks.host,
    "delegate": checks.delegate,
    "answerAfter": checks.seconds,
    "transferTo": checks.callee,
    "publish": checks.several(checks.published, 'must be a list such as ["presence:open"]'),
    "watch": checks.several(checks.watched, 'must be a list of URIs such as ["sip:alice@example.com"]'),
    "publicationStore": checks.text,
    "publicationDomains": checks.several(checks.host, "must be a list of host names"),
    "media": checks.oneOf("echo", "fixed"),
    "rtpPorts": checks.ports,
    "logMessages": checks.flag,
    "outboundProxy": checks.uri,
    "ownDomainOnly": checks.flag,
    "userAgent": checks.text,
    "supported": checks.several(checks.word, "must be a list of option tags"),
    "accept": checks.several(checks.bodyType, "must be a list of types such as application/sdp"),
    "infoPackages": checks.several(checks.word, "must be a list of Info-Packages"),
    "rel100": checks.oneOf("off", "supported", "required"),
    "replaces": checks.oneOf("off", "supported"),
    "sessionTimers": checks.oneOf("off", "supported", "always"),
    "sessionExpires": checks.wholeSeconds,
    "minSE": checks.wholeSeconds,
    "sessionRefresher": checks.oneOf("local", "remote"),
    "sessionRefreshMethod": checks.oneOf("UPDATE", "INVITE"),
    "dialogEndingStatuses": checks.several(checks.refusal, "must be a list of numbers from 300 to 699"),
    "forkedAnswers": checks.oneOf("first", "all"),
    "trustIdentity": checks.trust,
    "flowGrace": checks.seconds,
    "noAnswerTimeout": checks.duration,
    "ringTimeout": checks.duration,
    "followRedirects": checks.count,
    "referPolicy": checks.oneOf("trusted", "follow", "ask", "refuse"),
    "referDomains": checks.several(checks.host, "must be a list of host names"),
    "referStatus": checks.oneOf(202, 200),
    "referExpires": checks.wholeSeconds,
    "allowOutOfDialogRefers": checks.flag,
    "outOfDialogReferStatus": checks.refusal,
    "events": checks.several(checks.word, "must be a list of event packages"),
    "subscribeStatus": checks.oneOf(200, 202),
    "subscriptionExpires": checks.wholeSeconds,
    "minSubscriptionExpires": checks.count,
    "stopTimeout": checks.seconds,
    "udpLimit": checks.count,
    "udpReceiveBuffer": checks.count,
    "credentials": checks.credentials,
    "timers": checks.section(TimerValues, TimerValues()),
    "messageLimits": checks.section(Limits, Limits()),
    "flowLimits": checks.section(FlowLimits, FlowLimits()),
    "loadLimits": checks.section(LoadLimits, LoadLimits()),
}

#: What holds for what was not told; of the rest, the defaults of L{Configuration}.
DEFAULTS: Final[Mapping[str, Any]] = {
    "listen": ("udp:5060:interface=127.0.0.1", "tcp:5060:interface=127.0.0.1"),
    "aor": "sip:sipua@127.0.0.1",
    "delegate": "answer",
    "answerAfter": 0.0,
    "publish": (),
    "watch": (),
    "publicationDomains": (),
    "media": "echo",
    "rtpPorts": (16384, 32768),
    "logMessages": False,
    # Whoever follows a REFER calls at his own cost whom another names; here nobody is asked.
    "referPolicy": "refuse",
}


class Settings:
    """
    What was told, checked, and where: a later word replaces an earlier one.
    """

    def __init__(self) -> None:
        self._told: dict[str, Any] = {}
        self._places: dict[str, str] = {}

    def take(self, name: str, value: Any, place: str) -> None:
        """
        @param place: where C{name} was told: an option, a file and key.
        @raise WrongSetting: it cannot be so.
        """
        try:
            self._told[name] = CHECKS[name](value)
        except Inside as e:
            raise WrongSetting(place + e.key, e.value, str(e)) from None
        except ValueError as e:
            raise WrongSetting(place, value, str(e)) from None
        self._places[name] = place

    def read(self, path: str) -> None:
        """
        Take what the file at C{path} says, in TOML.

        @raise WrongSetting: it cannot be read, or something in it cannot be so.
        """
        try:
            with open(path, "rb") as file:
                told = tomllib.load(file)
        except OSError as e:
            raise WrongSetting("--settings", path, e.strerror or str(e)) from None
        except (ValueError, RecursionError) as e:
            raise WrongSetting("--settings", path, f"is not TOML: {e}") from None
        for name, value in told.items():
            if name not in CHECKS:
                raise WrongSetting(f"{path}: {name}", None, checks.unknown(name, CHECKS))
            self.take(name, value, f"{path}: {name}")

    def __getitem__(self, name: str) -> Any:
        return self._told.get(name, DEFAULTS.get(name))

    def configuration(self, media: Any) -> Configuration:
        """
        The L{Configuration} that was told, with C{media}, whose setting is but a name.

        @raise WrongSetting: two settings do not go together.
        """
        told = {**DEFAULTS, **self._told, "media": media}
        if self["delegate"] == "presence":
            told["events"] = self.events
        made = Configuration(**{name: told[name] for name in told if name in _CONFIGURATION})
        # RFC 4028 section 7.1: an interval that we ask for is none that we refuse.
        if "sessionExpires" in self._told and made.sessionExpires < made.minSE:
            raise self.wrong(
                "sessionExpires", made.sessionExpires, f"must not be less than minSE, {made.minSE} seconds"
            )
        delegate = self["delegate"]
        if delegate == "transfer" and self["transferTo"] is None:
            raise self.wrong("delegate", delegate, "needs --transfer-to (transferTo), whom its callers are to call")
        if delegate != "transfer" and self["transferTo"] is not None:
            raise self.wrong("transferTo", str(self["transferTo"]), "is for the delegate transfer alone")
        for name in ("publicationStore", "publicationDomains"):
            if delegate != "presence" and self[name]:
                raise self.wrong(name, self[name], "is for the delegate presence alone")
        if made.referPolicy == "ask" and delegate in checks.BUILT_IN:
            raise self.wrong("referPolicy", "ask", f"needs a delegate of your own: {delegate} cannot be asked")
        if made.allowOutOfDialogRefers and delegate in checks.BUILT_IN:
            raise self.wrong(
                "allowOutOfDialogRefers", True, f"needs a delegate of your own: {delegate} cannot be asked"
            )
        return made

    @property
    def events(self) -> tuple[str, ...]:
        """
        The event packages that the delegate presence keeps.

        @raise WrongSetting: it knows no such package.
        """
        events: tuple[str, ...] = self["events"] or stated.EVENTS
        for name in events:
            if name not in stated.EVENTS:
                rule = f"must be one of {', '.join(stated.EVENTS)} with the delegate presence"
                raise self.wrong("events", name, rule)
        return events

    def wrong(self, name: str, value: Any, rule: str) -> WrongSetting:
        """C{value} of C{name} turned out to be wrong later, by C{rule}."""
        return WrongSetting(self._places.get(name, f"--{name}"), value, rule)
