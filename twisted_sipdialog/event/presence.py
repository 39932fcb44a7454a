"""
Presence documents: PIDF (RFC 3863) with the data model of RFC 4479 and the activities of RPID (RFC 4480).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from attrs import Factory, field, frozen

from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.event.parts import Extensible, Parts, built, leaf
from twisted_sipdialog.event.values import (
    checkOneOf,
    checkPriority,
    checkTime,
    readPriority,
    readTime,
    writePriority,
    writeTime,
)
from twisted_sipdialog.event.xml_body import LANGUAGE, MAX_LENGTH, Element, clark

#: The event package (RFC 3856) and the C{Content-Type} of its bodies.
EVENT: Final = "presence"
CONTENT_TYPE: Final = "application/pidf+xml"

PIDF: Final = "urn:ietf:params:xml:ns:pidf"
DATA_MODEL: Final = "urn:ietf:params:xml:ns:pidf:data-model"
RPID: Final = "urn:ietf:params:xml:ns:pidf:rpid"

_BASIC: Final = ("open", "closed")
_ACTIVITIES: Final = """
    appointment away breakfast busy dinner holiday in-transit looking-for-work lunch meal meeting on-the-phone other
    performance permanent-absence playing presentation shopping sleeping spectator steering travel tv unknown vacation
    working worship
"""
#: What a person may do (RFC 4480 section 3.2).
ACTIVITIES: Final = frozenset(_ACTIVITIES.split())


@frozen
class Note:
    """
    Something for people to read.

    @ivar language: C{xml:lang}, or None.
    """

    text: str
    language: str | None = None

    @classmethod
    def read(cls, element: Element) -> Note:
        """From an element."""
        return cls(element.text, element.attributes.get(LANGUAGE))

    def element(self, namespace: str) -> Element | None:
        """As C{note} of a namespace."""
        return leaf(clark(namespace, "note"), self.text, {LANGUAGE: self.language})


@frozen
class Activities:
    """
    What a person does (RFC 4480 section 3.2).

    @ivar kinds: one empty element for each activity, C{other} with its text; those of other namespaces, too.
    @ivar attributes: C{from}, C{until} and others, as they came.
    """

    kinds: tuple[Element, ...] = ()
    notes: tuple[Note, ...] = ()
    attributes: Mapping[str, str] = Factory(dict)

    @classmethod
    def of(cls, *names: str) -> Activities:
        """
        Of the names of RFC 4480, as in C{"on-the-phone"}; an activity of another namespace is C{{namespace}name}.

        @raise InvalidValue: RFC 4480 has no such activity.
        """
        for name in names:
            if name[:1] != "{" and name not in ACTIVITIES:
                raise InvalidValue("activities", name, "an activity of RFC 4480, or {namespace}name")
        return cls(tuple(Element(name if name[:1] == "{" else clark(RPID, name)) for name in names))

    @property
    def names(self) -> tuple[str, ...]:
        """The activities, as L{of} takes them."""
        return tuple(kind.local if kind.namespace == RPID else kind.tag for kind in self.kinds)

    @classmethod
    def read(cls, element: Element) -> Activities:
        """From an element."""
        parts = Parts(element)
        notes = tuple(map(Note.read, parts.all("note")))
        return cls(parts.elements, notes, parts.attributes)

    def element(self) -> Element:
        """As an element."""
        content = [*(note.element(RPID) for note in self.notes), *self.kinds]
        return built(clark(RPID, "activities"), {}, content, self.attributes)


@frozen
class Person(Extensible):
    """
    The person that a document is about (RFC 4479 section 3.2).

    @ivar id: what tells it from all else in the document.
    @ivar timestamp: when this was so, with its offset from UTC; or None.
    """

    id: str
    activities: Activities | None = None
    notes: tuple[Note, ...] = ()
    timestamp: datetime | None = field(default=None, validator=checkTime)

    @classmethod
    def read(cls, element: Element) -> Person:
        """@raise ParseError: it has no id."""
        parts = Parts(element)
        activities = parts.one("activities", RPID)
        return cls.taken(
            parts,
            parts.required("id"),
            None if activities is None else Activities.read(activities),
            tuple(map(Note.read, parts.all("note"))),
            _timestamp(parts),
        )

    def element(self) -> Element:
        """As an element."""
        activities = None if self.activities is None else self.activities.element()
        notes = (note.element(DATA_MODEL) for note in self.notes)
        time = leaf(clark(DATA_MODEL, "timestamp"), writeTime(self.timestamp))
        content = [activities, *self.elements, *notes, time]
        return built(clark(DATA_MODEL, "person"), {"id": self.id}, content, self.attributes)


@frozen
class Device(Extensible):
    """
    A device of the person (RFC 4479 section 3.4).

    @ivar id: what tells it from all else in the document.
    @ivar deviceId: a URN that is its own everywhere.
    @ivar timestamp: when this was so, with its offset from UTC; or None.
    """

    id: str
    deviceId: str
    notes: tuple[Note, ...] = ()
    timestamp: datetime | None = field(default=None, validator=checkTime)

    @classmethod
    def read(cls, element: Element) -> Device:
        """@raise ParseError: it has no id or no deviceID."""
        parts = Parts(element)
        return cls.taken(
            parts,
            parts.required("id"),
            parts.needed("deviceID").text.strip(),
            tuple(map(Note.read, parts.all("note"))),
            _timestamp(parts),
        )

    def element(self) -> Element:
        """As an element."""
        name = leaf(clark(DATA_MODEL, "deviceID"), self.deviceId)
        notes = (note.element(DATA_MODEL) for note in self.notes)
        time = leaf(clark(DATA_MODEL, "timestamp"), writeTime(self.timestamp))
        content = [*self.elements, name, *notes, time]
        return built(clark(DATA_MODEL, "device"), {"id": self.id}, content, self.attributes)


@frozen
class Tuple(Extensible):
    """
    A way to reach the presentity, and whether it is open (RFC 3863 section 4.1.2).

    @ivar id: what tells it from all else in the document.
    @ivar basic: C{'open'}, C{'closed'}, or None: not said.
    @ivar contact: a URI, or None.
    @ivar priority: of the contact, 0 to 1 with three decimals; None: not said.
    @ivar timestamp: when this was so, with its offset from UTC; or None.
    @ivar status: what else stands in its status.
    """

    id: str
    basic: str | None = field(default=None, validator=checkOneOf(_BASIC))
    contact: str | None = None
    priority: float | None = field(default=None, validator=checkPriority)
    notes: tuple[Note, ...] = ()
    timestamp: datetime | None = field(default=None, validator=checkTime)
    status: tuple[Element, ...] = ()

    @classmethod
    def read(cls, element: Element) -> Tuple:
        """@raise ParseError: it has no id or no status, or a value is malformed."""
        parts = Parts(element)
        status = Parts(parts.needed("status"))
        basic = status.text("basic")
        contact = parts.one("contact") or Element("contact")
        return cls.taken(
            parts,
            parts.required("id"),
            # baresip says "?" until its user has said more; its other tuples, and the rest of this one, count.
            basic if basic in _BASIC else None,
            contact.text.strip() or None,
            readPriority(contact.attributes.get("priority")),
            tuple(map(Note.read, parts.all("note"))),
            _timestamp(parts),
            status.elements,
        )

    def element(self) -> Element:
        """As an element."""
        status = [leaf(clark(PIDF, "basic"), self.basic), *self.status]
        content = [
            built(clark(PIDF, "status"), {}, status, {}),
            *self.elements,
            leaf(clark(PIDF, "contact"), self.contact, {"priority": writePriority(self.priority)}),
            *(note.element(PIDF) for note in self.notes),
            leaf(clark(PIDF, "timestamp"), writeTime(self.timestamp)),
        ]
        return built(clark(PIDF, "tuple"), {"id": self.id}, content, self.attributes)


@frozen
class Presence(Extensible):
    """
    A presence document.

    @ivar entity: the URI of the presentity.
    @ivar tuples: none if nothing is known of it.
    """

    entity: str
    tuples: tuple[Tuple, ...] = ()
    notes: tuple[Note, ...] = ()
    persons: tuple[Person, ...] = ()
    devices: tuple[Device, ...] = ()

    @classmethod
    def of(
        cls,
        entity: str,
        basic: str,
        note: str | None = None,
        activities: Iterable[str] = (),
        contact: str | None = None,
        timestamp: datetime | None = None,
    ) -> Presence:
        """
        The document that most publishers need: one tuple, and the person if there are activities.

        @param basic: C{'open'} or C{'closed'}.
        @param activities: names of RFC 4480.
        @raise InvalidValue: a value that its rule does not allow.
        """
        doing = Activities.of(*activities)
        return cls(
            entity,
            (Tuple("t1", basic, contact, timestamp=timestamp),),
            () if note is None else (Note(note),),
            (Person("p1", doing, timestamp=timestamp),) if doing.kinds else (),
        )

    @classmethod
    def parse(cls, body: bytes, maxLength: int = MAX_LENGTH) -> Presence:
        """
        @param maxLength: bytes.
        @raise ParseError: 413: it is too long; 400: it is malformed.
        """
        parts = Parts.ofDocument(Element.parse(body, maxLength), clark(PIDF, "presence"))
        return cls.taken(
            parts,
            parts.required("entity"),
            tuple(map(Tuple.read, parts.all("tuple"))),
            tuple(map(Note.read, parts.all("note"))),
            tuple(map(Person.read, parts.all("person", DATA_MODEL))),
            tuple(map(Device.read, parts.all("device", DATA_MODEL))),
        )

    def toBytes(self) -> bytes:
        """
        The document.

        @raise InvalidValue: text that XML 1.0 cannot carry.
        """
        content = [
            *(one.element() for one in self.tuples),
            *(note.element(PIDF) for note in self.notes),
            *(person.element() for person in self.persons),
            *(device.element() for device in self.devices),
        ]
        return self.whole(clark(PIDF, "presence"), {"entity": self.entity}, content).toBytes()

    @property
    def basic(self) -> str | None:
        """C{'open'} if any tuple is, else C{'closed'} if one says so, else None: nothing is known."""
        said = {one.basic for one in self.tuples}
        return next((basic for basic in _BASIC if basic in said), None)

    @property
    def activities(self) -> tuple[str, ...]:
        """What the person does, as L{Activities.names}."""
        return tuple(name for person in self.persons if person.activities for name in person.activities.names)


def _timestamp(parts: Parts) -> datetime | None:
    text = parts.text("timestamp")
    return None if text is None else readTime(text)
