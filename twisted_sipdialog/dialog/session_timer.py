"""
What two sides agree on about the life of a session (RFC 4028): pure; the clock is in ua/session_timer.py.

Headers name the refresher by the roles of the transaction that carries them
(C{uac} sent the request); here it is C{"local"} or C{"remote"}, which lasts.
"""

from __future__ import annotations

from typing import Final

import attrs

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.message import typedOrNone

#: The option tag (section 7).
TAG: Final = "timer"
#: What Min-SE is where none stands (section 5): seconds.
_DEFAULT_MINIMUM: Final = 90
#: The longest that the end comes before the interval is over (section 10): seconds.
_MARGIN: Final = 32

#: A request without any of these does not speak of session timers.
_SPEAKING: Final = frozenset(("session-expires", "supported", "require"))

LOCAL, REMOTE = "local", "remote"


@attrs.frozen
class Interval:
    """
    What was agreed.

    @ivar seconds: the session is over when nobody refreshed it for so long.
    @ivar refresher: C{"local"} or C{"remote"}.
    @ivar minimum: seconds, the largest Min-SE that came up: what is asked for next is not below it (section 7.4).
    """

    seconds: int
    refresher: str
    minimum: int = attrs.field(default=0, eq=False)

    @property
    def refreshAfter(self) -> float:
        """Seconds after which the refresher refreshes (section 7.2)."""
        return self.seconds / 2

    @property
    def overAfter(self) -> float:
        """Seconds after which either side sends BYE (section 10)."""
        return self.seconds - min(_MARGIN, self.seconds / 3)


@attrs.frozen
class Terms:
    """
    What we want of session timers.

    @ivar mode: C{"off"}, C{"supported"}, C{"always"}.
    @ivar seconds: the interval we ask for.
    @ivar minimum: the shortest we take.
    @ivar refresher: C{"local"}, C{"remote"} or None: the caller.
    """

    mode: str = "supported"
    seconds: int = 1800
    minimum: int = _DEFAULT_MINIMUM
    refresher: str | None = None

    # As the one who sends the request.

    def ask(self, current: Interval | None = None, minimum: int = 0) -> list[tuple[str, str]]:
        """
        The lines of an INVITE or UPDATE of ours (section 7.1, 7.4).

        @param current: what is agreed so far: it is asked for again, with the same refresher.
        @param minimum: what a 422 said.
        """
        if self.mode == "off":
            return []
        least = max(self.minimum, minimum, 0 if current is None else current.minimum)
        refresher = current.refresher if current is not None else self.refresher
        role = {LOCAL: ";refresher=uac", REMOTE: ";refresher=uas", None: ""}[refresher]
        seconds = max(self.seconds if current is None else current.seconds, least)
        lines = [("Session-Expires", f"{seconds}{role}")]
        if least != _DEFAULT_MINIMUM:
            lines.append(("Min-SE", str(least)))
        return lines

    def raised(self, refusal: Response, minimum: int = 0) -> int | None:
        """
        What to ask for at least after a 422 (section 7.3); None when it gives no reason to try again.

        @param minimum: what the 422 before this one said, so that two cannot go on for ever.
        """
        least = typedOrNone(refusal, "min-se")
        if (
            self.mode == "off"
            or refusal.statusCode != 422
            or least is None
            or least.seconds <= max(self.minimum, minimum)
        ):
            return None
        return int(least.seconds)

    def learn(self, response: Response, current: Interval | None = None, minimum: int = 0) -> Interval | None:
        """
        What the 2xx to our INVITE or UPDATE agrees to (section 7.2); None: no session timer.

        @param current: what was agreed before.
        @param minimum: what a 422 said.
        """
        if self.mode == "off":
            return None
        agreed = typedOrNone(response, "session-expires")
        if agreed is None:
            # 7.2: with a peer that does not know of it, the refreshing is ours alone.
            return Interval(max(self.seconds, self.minimum), LOCAL) if self.mode == "always" else None
        # What is below the least that section 5 allows would have us send requests without end.
        seconds = max(agreed.seconds, min(self.minimum, _DEFAULT_MINIMUM))
        largest = max(minimum, 0 if current is None else current.minimum)
        return Interval(seconds, REMOTE if agreed.refresher == "uas" else LOCAL, largest)

    # As the one who answers it.

    def refusal(self, request: Request) -> Response | None:
        """
        The 422 to an interval below our minimum (section 9), the 400 to one that cannot be read; None when it
        may be.  A peer that does not know session timers would not understand a 422.
        """
        if self.mode == "off" or "session-expires" not in request.headers:
            return None
        try:
            asked = request.headers.typed("session-expires")
            request.headers.typed("min-se")
        except ParseError as error:
            return request.badRequest(error)
        if asked.seconds < self.minimum and _knows(request):
            return request.response(422, headers=[("Min-SE", str(self.minimum))])
        return None

    def answer(
        self, request: Request, current: Interval | None = None
    ) -> tuple[Interval | None, list[tuple[str, str]]]:
        """
        What our 2xx to a request that L{refusal} let pass agrees to, and the lines that say so (section 9, table 2).

        @param current: what was agreed before.
        """
        if self.mode == "off":
            return None, []
        if self.mode != "always" and not request.headers.mentions(_SPEAKING):
            return None, []
        knows = _knows(request)
        asked = typedOrNone(request, "session-expires")
        if asked is None and not knows and self.mode != "always":
            return None, []
        least = typedOrNone(request, "min-se")
        floor = max(self.minimum, least.seconds if least is not None else 0)
        seconds = max(self.seconds, floor)
        if asked is not None:
            # It may be made shorter on the way, never longer; only what is too short and could not be refused, because
            # the peer knows no 422, is raised to the minimum (erratum 1687).
            seconds = min(seconds, asked.seconds if knows else max(asked.seconds, floor))
        elif current is not None:
            # Not spoken of: as it was agreed.
            seconds = max(current.seconds, floor)
        role = "uas"
        if knows:
            refresher = self.refresher if current is None else current.refresher
            wanted = "uas" if refresher == LOCAL else "uac"
            role = (asked.refresher if asked is not None else None) or wanted
        lines = [("Session-Expires", f"{seconds};refresher={role}")]
        if knows:
            lines.append(("Require", TAG))
        largest = max(0 if least is None else least.seconds, 0 if current is None else current.minimum)
        return Interval(seconds, LOCAL if role == "uas" else REMOTE, largest), lines


def _knows(request: Request) -> bool:
    supported, required = typedOrNone(request, "supported"), typedOrNone(request, "require")
    return (supported is not None and TAG in supported) or (required is not None and TAG in required)
