"""
C{application/conference-info+xml}: a conference, who is in it, and how (RFC 4575).
"""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve, field, frozen

from twisted_sipdialog.event.conference_about import (
    NAMESPACE,
    Description,
    Host,
    State,
    checkState,
    readState,
)
from twisted_sipdialog.event.conference_users import User, Users
from twisted_sipdialog.event.parts import Extensible, Parts
from twisted_sipdialog.event.values import MAXIMUM
from twisted_sipdialog.event.xml_body import MAX_LENGTH, Element, clark
from twisted_sipdialog.message.grammar import digits

#: The event package and the C{Content-Type} of its bodies.
EVENT: Final = "conference"
CONTENT_TYPE: Final = "application/conference-info+xml"


@frozen
class ConferenceInfo(Extensible):
    """
    A document about a conference: all of it, or what has changed.

    @ivar entity: the URI of the conference.
    @ivar version: which document of its subscription it is: each is one higher than the last.
    @ivar state: C{'full'}, C{'partial'}, or C{'deleted'}: there is no such conference any more.
    @ivar description: what it is about, or None.
    @ivar host: who gives it, or None.
    @ivar conferenceState: how it is, or None.
    @ivar users: who is in it; None: not said.
    @ivar size: the bytes it was read from, those of partial documents that it was put together of included.
    """

    entity: str
    version: int = 0
    state: str = field(default="full", validator=checkState)
    description: Description | None = None
    host: Host | None = None
    conferenceState: State | None = None
    users: Users | None = None
    size: int = field(default=0, eq=False, repr=False, kw_only=True)

    @classmethod
    def parse(cls, body: bytes, maxLength: int = MAX_LENGTH) -> ConferenceInfo:
        """
        @param maxLength: bytes.
        @raise ParseError: 413: it is too long; 400: it is malformed.
        """
        return evolve(cls.read(Element.parse(body, maxLength)), size=len(body))

    @classmethod
    def read(cls, element: Element) -> ConferenceInfo:
        """@raise ParseError: it has no entity, or a value is malformed."""
        parts = Parts.ofDocument(element, clark(NAMESPACE, "conference-info"))
        return cls.taken(
            parts,
            entity=parts.required("entity"),
            # The schema lets it be left out.
            version=digits(parts.attribute("version") or "0", "version", MAXIMUM),
            state=readState(parts),
            description=_read(Description, parts.one("conference-description")),
            host=_read(Host, parts.one("host-info")),
            conferenceState=_read(State, parts.one("conference-state")),
            users=_read(Users, parts.one("users")),
        )

    def element(self) -> Element:
        """As the root element."""
        named = {"entity": self.entity, "state": self.state, "version": self.version}
        parts = (self.description, self.host, self.conferenceState, self.users)
        return self.whole(
            clark(NAMESPACE, "conference-info"), named, (None if part is None else part.element() for part in parts)
        )

    def toBytes(self) -> bytes:
        """
        The document.

        @raise InvalidValue: text that XML 1.0 cannot carry.
        """
        return self.element().toBytes()

    @property
    def participants(self) -> tuple[User, ...]:
        """The users that are told of."""
        return () if self.users is None else self.users.users

    def withPartial(self, partial: ConferenceInfo) -> ConferenceInfo:
        """What is known after C{partial} (RFC 4575 section 4.6), in elements that are not known here, too."""
        whole = ConferenceInfo.read(_merged(self.element(), partial.element()))
        return evolve(whole, version=partial.version, size=self.size + partial.size)


def _merged(known: Element, partial: Element) -> Element:
    """
    C{known} with the changes of C{partial}: an element that is partial itself is merged, one that is deleted removed,
    any other takes the place of the one with its name and key, or is new.
    """
    left = _byKey(known)
    for key, said in _byKey(partial).items():
        state = said[0].attributes.get("state")
        if state == "deleted":
            left.pop(key, None)
        elif state == "partial" and key in left:
            left[key] = [_merged(left[key][0], said[0])]
        else:
            left[key] = said
    content = tuple(element for several in left.values() for element in several)
    return Element(known.tag, {**partial.attributes, **known.attributes}, content)


def _byKey(element: Element) -> dict[tuple[str, str | None], list[Element]]:
    """The elements in it by name and key (RFC 4575 section 4.6): C{entity} or C{id}, or the URI in it."""
    found: dict[tuple[str, str | None], list[Element]] = {}
    for child in element.children:
        uri = next((inner.text.strip() for inner in child.children if inner.tag == clark(NAMESPACE, "uri")), None)
        key = child.attributes.get("entity", child.attributes.get("id", uri))
        found.setdefault((child.tag, key), []).append(child)
    return found


def _read(kind: Any, element: Element | None) -> Any:
    return None if element is None else kind.read(element)
