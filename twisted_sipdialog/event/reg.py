"""
C{application/reginfo+xml}: the contacts that are registered for addresses of record (RFC 3680).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import Factory, evolve, field, frozen

from twisted_sipdialog.event import versions
from twisted_sipdialog.event.parts import Extensible, Parts, leaf
from twisted_sipdialog.event.values import (
    MAXIMUM,
    checkOneOf,
    checkPriority,
    oneOf,
    readNumber,
    readPriority,
    writePriority,
)
from twisted_sipdialog.event.xml_body import LANGUAGE, MAX_LENGTH, Element, clark
from twisted_sipdialog.message.grammar import digits

#: The event package and the C{Content-Type} of its bodies.
EVENT: Final = "reg"
CONTENT_TYPE: Final = "application/reginfo+xml"

NAMESPACE: Final = "urn:ietf:params:xml:ns:reginfo"

#: The states of a registration (RFC 3680 section 4.7.1), and of a contact.
REGISTRATION_STATES: Final = ("init", "active", "terminated")
CONTACT_STATES: Final = ("active", "terminated")
#: What leads to the state of a contact (section 5.1).
CONTACT_EVENTS: Final = (
    "registered",
    "created",
    "refreshed",
    "shortened",
    "expired",
    "deactivated",
    "probation",
    "unregistered",
    "rejected",
)


@frozen
class Contact(Extensible):
    """
    A contact of a registration (RFC 3680 section 5.1).

    @ivar id: what tells it from the others of its document and of later ones.
    @ivar state: C{'active'} or C{'terminated'}.
    @ivar event: one of L{CONTACT_EVENTS}, or whatever else its notifier calls it.
    @ivar displayName: for people, or None.
    @ivar language: that of the display name, or None.
    @ivar expires: the seconds that are left, or None.
    @ivar retryAfter: the seconds after which to register again, or None.
    @ivar durationRegistered: the seconds since it was bound, or None.
    @ivar q: its priority, 0 to 1 with three decimals, or None.
    @ivar callId: of the REGISTER that was the last to refresh it, or None.
    @ivar cseq: the number of that REGISTER, or None.
    @ivar parameters: those of the Contact that this document has no attribute for, in their order; C{""} for flags.
    """

    id: str
    uri: str
    state: str = field(default="active", validator=checkOneOf(CONTACT_STATES))
    event: str = "registered"
    displayName: str | None = None
    language: str | None = None
    expires: int | None = None
    retryAfter: int | None = None
    durationRegistered: int | None = None
    q: float | None = field(default=None, validator=checkPriority)
    callId: str | None = None
    cseq: int | None = None
    parameters: Mapping[str, str] = Factory(dict)

    @classmethod
    def read(cls, element: Element) -> Contact:
        """@raise ParseError: it lacks its id, uri, state or event, or a value is malformed."""
        parts = Parts(element)
        name = parts.one("display-name")
        return cls.taken(
            parts,
            parts.required("id"),
            parts.needed("uri").text.strip(),
            oneOf(parts.required("state"), CONTACT_STATES, "state"),
            parts.required("event"),
            None if name is None else name.text.strip(),
            None if name is None else name.attributes.get(LANGUAGE),
            readNumber(parts.attribute("expires"), "expires"),
            readNumber(parts.attribute("retry-after"), "retry-after"),
            readNumber(parts.attribute("duration-registered"), "duration-registered"),
            readPriority(parts.attribute("q")),
            parts.attribute("callid"),
            readNumber(parts.attribute("cseq"), "cseq"),
            {Parts(one).required("name"): one.text.strip() for one in parts.all("unknown-param")},
        )

    def element(self) -> Element:
        """As an element."""
        named = {
            "id": self.id,
            "state": self.state,
            "event": self.event,
            "expires": self.expires,
            "retry-after": self.retryAfter,
            "duration-registered": self.durationRegistered,
            "q": writePriority(self.q),
            "callid": self.callId,
            "cseq": self.cseq,
        }
        parameter = clark(NAMESPACE, "unknown-param")
        content = [
            leaf(clark(NAMESPACE, "uri"), self.uri),
            leaf(clark(NAMESPACE, "display-name"), self.displayName, {LANGUAGE: self.language}),
            *(leaf(parameter, value, {"name": name}) for name, value in self.parameters.items()),
        ]
        return self.whole(clark(NAMESPACE, "contact"), named, content)


@frozen
class Registration(Extensible):
    """
    An address of record and its contacts.

    @ivar id: what tells it from the others of its document and of later ones.
    @ivar state: C{'init'}: it has no contact; C{'active'}; C{'terminated'}: the last has gone.
    """

    aor: str
    id: str
    state: str = field(validator=checkOneOf(REGISTRATION_STATES))
    contacts: tuple[Contact, ...] = ()

    @classmethod
    def read(cls, element: Element) -> Registration:
        """@raise ParseError: it lacks its aor, id or state, or a value is malformed."""
        parts = Parts(element)
        return cls.taken(
            parts,
            parts.required("aor"),
            parts.required("id"),
            oneOf(parts.required("state"), REGISTRATION_STATES, "state"),
            tuple(map(Contact.read, parts.all("contact"))),
        )

    def element(self) -> Element:
        """As an element."""
        named = {"aor": self.aor, "id": self.id, "state": self.state}
        content = (contact.element() for contact in self.contacts)
        return self.whole(clark(NAMESPACE, "registration"), named, content)

    def joined(self, later: Registration) -> Registration:
        """C{later} with the contacts of this one that it does not name, and without those that have terminated."""
        contacts = {contact.id: contact for contact in self.contacts}
        contacts.update((contact.id, contact) for contact in later.contacts)
        return evolve(later, contacts=tuple(one for one in contacts.values() if one.state != "terminated"))


@frozen
class RegInfo(Extensible):
    """
    A document about registrations: all of them, or those that have changed.

    @ivar version: 0 in the first document of a subscription, one more in each that follows.
    @ivar state: C{'full'} or C{'partial'}.
    @ivar size: the bytes it was read from, those of partial documents that it was put together of included.
    """

    version: int = 0
    state: str = field(default="full", validator=checkOneOf(versions.STATES))
    registrations: tuple[Registration, ...] = ()
    size: int = field(default=0, eq=False, repr=False, kw_only=True)

    @classmethod
    def parse(cls, body: bytes, maxLength: int = MAX_LENGTH) -> RegInfo:
        """
        @param maxLength: bytes.
        @raise ParseError: 413: it is too long; 400: it is malformed.
        """
        parts = Parts.ofDocument(Element.parse(body, maxLength), clark(NAMESPACE, "reginfo"))
        return cls.taken(
            parts,
            digits(parts.required("version"), "version", MAXIMUM),
            oneOf(parts.required("state"), versions.STATES, "state"),
            tuple(map(Registration.read, parts.all("registration"))),
            size=len(body),
        )

    def toBytes(self) -> bytes:
        """
        The document.

        @raise InvalidValue: text that XML 1.0 cannot carry.
        """
        named = {"version": self.version, "state": self.state}
        content = (registration.element() for registration in self.registrations)
        return self.whole(clark(NAMESPACE, "reginfo"), named, content).toBytes()

    def withPartial(self, partial: RegInfo) -> RegInfo:
        """
        What is known after C{partial} (RFC 3680 section 5.2): registrations and contacts are new or take the place of
        those with their ids, and those that have terminated are gone.
        """
        known = {registration.id: registration for registration in self.registrations}
        for registration in partial.registrations:
            known[registration.id] = known.get(registration.id, registration).joined(registration)
        left = tuple(one for one in known.values() if one.state != "terminated")
        return evolve(self, version=partial.version, size=self.size + partial.size, registrations=left)
