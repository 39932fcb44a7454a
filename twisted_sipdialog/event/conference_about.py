"""
What a conference document says of the conference itself (RFC 4575 section 5).
"""

from __future__ import annotations

from typing import Any, Final

from attrs import field, frozen

from twisted_sipdialog.event.parts import Extensible, Parts, leaf
from twisted_sipdialog.event.values import checkOneOf, oneOf, readNumber, readTruth, writeTruth
from twisted_sipdialog.event.xml_body import Element, clark

NAMESPACE: Final = "urn:ietf:params:xml:ns:conference-info"

#: What an element says of itself: that it is all, what has changed, or gone.
STATES: Final = ("full", "partial", "deleted")

#: An attrs validator for them.
checkState: Any = checkOneOf(STATES)


def readState(parts: Parts) -> str:
    """
    The state of an element, full if it does not say.

    @raise ParseError: it is none of L{STATES}.
    """
    return oneOf(parts.attribute("state") or "full", STATES, "state")


@frozen
class Uri(Extensible):
    """
    A URI of the conference or its host.

    @ivar purpose: as in C{"participation"}, C{"streaming"}, C{"web-page"}; or None.
    """

    uri: str
    displayText: str | None = None
    purpose: str | None = None

    @classmethod
    def read(cls, element: Element) -> Uri:
        """@raise ParseError: it has no uri."""
        parts = Parts(element)
        uri = parts.needed("uri").text.strip()
        return cls.taken(parts, uri=uri, displayText=parts.text("display-text"), purpose=parts.text("purpose"))

    def element(self) -> Element:
        """As an C{entry}."""
        return self.whole(
            clark(NAMESPACE, "entry"), {}, texts(uri=self.uri, display_text=self.displayText, purpose=self.purpose)
        )


@frozen
class Uris(Extensible):
    """
    Some URIs: all of them, or those that have changed.

    @ivar state: one of L{STATES}.
    """

    uris: tuple[Uri, ...] = ()
    state: str = field(default="full", validator=checkState)

    @classmethod
    def read(cls, element: Element | None) -> Uris | None:
        """
        From an element; None for None.

        @raise ParseError: one of them has no uri.
        """
        if element is None:
            return None
        parts = Parts(element)
        return cls.taken(parts, uris=tuple(map(Uri.read, parts.all("entry"))), state=readState(parts))

    def element(self, local: str) -> Element:
        """As an element of that name."""
        return self.whole(clark(NAMESPACE, local), {"state": self.state}, (uri.element() for uri in self.uris))


@frozen
class Description(Extensible):
    """
    What the conference is about.

    @ivar maximumUserCount: how many users it can have, or None.
    @ivar uris: where it can be reached, or None.
    """

    displayText: str | None = None
    subject: str | None = None
    freeText: str | None = None
    keywords: str | None = None
    uris: Uris | None = None
    maximumUserCount: int | None = None

    @classmethod
    def read(cls, element: Element) -> Description:
        """@raise ParseError: a value is malformed."""
        parts = Parts(element)
        return cls.taken(
            parts,
            displayText=parts.text("display-text"),
            subject=parts.text("subject"),
            freeText=parts.text("free-text"),
            keywords=parts.text("keywords"),
            uris=Uris.read(parts.one("conf-uris")),
            maximumUserCount=readNumber(parts.text("maximum-user-count"), "maximum-user-count"),
        )

    def element(self) -> Element:
        """As a C{conference-description}."""
        content = [
            *texts(
                display_text=self.displayText, subject=self.subject, free_text=self.freeText, keywords=self.keywords
            ),
            _said(self.uris, "conf-uris"),
            *texts(maximum_user_count=self.maximumUserCount),
        ]
        return self.whole(clark(NAMESPACE, "conference-description"), {}, content)


@frozen
class Host(Extensible):
    """Who gives the conference."""

    displayText: str | None = None
    webPage: str | None = None
    uris: Uris | None = None

    @classmethod
    def read(cls, element: Element) -> Host:
        """@raise ParseError: a URI is missing."""
        parts = Parts(element)
        named = {"displayText": parts.text("display-text"), "webPage": parts.text("web-page")}
        return cls.taken(parts, **named, uris=Uris.read(parts.one("uris")))

    def element(self) -> Element:
        """As a C{host-info}."""
        content = [
            *texts(display_text=self.displayText, web_page=self.webPage),
            _said(self.uris, "uris"),
        ]
        return self.whole(clark(NAMESPACE, "host-info"), {}, content)


@frozen
class State(Extensible):
    """
    How the conference is.

    @ivar userCount: how many users it has, those that are not told of included; or None.
    @ivar active: it goes on; None: not said.
    @ivar locked: nobody can join; None: not said.
    """

    userCount: int | None = None
    active: bool | None = None
    locked: bool | None = None

    @classmethod
    def read(cls, element: Element) -> State:
        """@raise ParseError: a value is malformed."""
        parts = Parts(element)
        count = readNumber(parts.text("user-count"), "user-count")
        active, locked = (readTruth(parts.text(name), name) for name in ("active", "locked"))
        return cls.taken(parts, userCount=count, active=active, locked=locked)

    def element(self) -> Element:
        """As a C{conference-state}."""
        active, locked = writeTruth(self.active), writeTruth(self.locked)
        return self.whole(
            clark(NAMESPACE, "conference-state"), {}, texts(user_count=self.userCount, active=active, locked=locked)
        )


def texts(**named: Any) -> list[Element | None]:
    """An element for each text that is there; their names with underscores for hyphens."""
    return [leaf(clark(NAMESPACE, name.replace("_", "-")), text) for name, text in named.items()]


def _said(uris: Uris | None, local: str) -> Element | None:
    return None if uris is None else uris.element(local)
