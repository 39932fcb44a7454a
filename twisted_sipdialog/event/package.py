"""
Event packages as a subscriber or notifier sees them: names, types, times (RFC 6665 section 7.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from attrs import frozen

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.event import conference, dialog_info, message_summary, presence, reg
from twisted_sipdialog.event.versions import Latest
from twisted_sipdialog.message import sipfrag
from twisted_sipdialog.message.multipart import mediaType


@frozen
class EventPackage:
    """
    What is to be known of an event package.

    @ivar name: as Event has it.
    @ivar accept: the types of bodies it can have, the usual one first.
    @ivar expires: how long a subscription lasts unless it says otherwise, in seconds.
    @ivar interval: a notifier leaves so many seconds between two NOTIFYs of a subscription.
    @ivar read: what makes a value of a body, or raises L{ParseError}.
    @ivar forks: one SUBSCRIBE may have several notifiers, if it forks.
    @ivar isVersioned: its documents count, and may tell only what has changed.
    """

    name: str
    accept: tuple[str, ...]
    expires: int
    interval: float
    read: Callable[[bytes], Any]
    forks: bool = False
    isVersioned: bool = False

    def parse(self, contentType: str, body: bytes) -> Any:
        """
        The value of a body.

        @param contentType: with or without parameters.
        @raise ParseError: 415: the package has no such body; 413: it is too long; 400: it is malformed.
        """
        if mediaType(contentType) not in map(mediaType, self.accept):
            raise ParseError(f"{self.name}: {contentType[:80]!r} is not {', '.join(self.accept)}", 415)
        return self.read(body)

    def merged(self, known: Any, value: Any) -> tuple[Any, bool]:
        """
        @param known: the state as far as it is known, None at first.
        @param value: what the next NOTIFY brought.
        @return: the state now, and whether something is missing in it.
        """
        if not self.isVersioned:
            return value, False
        latest: Latest[Any] = Latest(known)
        isMissing = latest.received(value)
        return latest.document, isMissing


#: The packages that are known, by name.
PACKAGES: Final = {
    package.name: package
    for package in (
        # RFC 3856 sections 6.4, 6.9 and 6.10.
        EventPackage(presence.EVENT, (presence.CONTENT_TYPE,), 3600, 5.0, presence.Presence.parse),
        # RFC 3842 sections 3.4, 3.10 and 3.11.
        EventPackage(
            message_summary.EVENT,
            (message_summary.CONTENT_TYPE,),
            3600,
            1.0,
            message_summary.MessageSummary.parse,
            forks=True,
        ),
        # RFC 4235 sections 3.4, 3.9 and 3.10.
        EventPackage(
            dialog_info.EVENT,
            (dialog_info.CONTENT_TYPE,),
            3600,
            1.0,
            dialog_info.DialogInfo.parse,
            forks=True,
            isVersioned=True,
        ),
        # RFC 3680 sections 4.4 and 4.10.
        EventPackage(reg.EVENT, (reg.CONTENT_TYPE,), 3761, 5.0, reg.RegInfo.parse, isVersioned=True),
        # RFC 4575 sections 3.3 and 3.9.
        EventPackage(
            conference.EVENT,
            (conference.CONTENT_TYPE,),
            3600,
            5.0,
            conference.ConferenceInfo.parse,
            isVersioned=True,
        ),
        # RFC 3515 leaves the time to the notifier (section 3.4), and asks for no more than one NOTIFY a second.
        EventPackage("refer", (sipfrag.CONTENT_TYPE,), 300, 1.0, sipfrag.StatusFragment.parse, forks=True),
    )
}
