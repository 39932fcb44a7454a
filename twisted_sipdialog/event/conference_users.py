"""
Who is in a conference, from where, and with what media (RFC 4575 section 5).
"""

from __future__ import annotations

from attrs import field, frozen

from twisted_sipdialog.event.conference_about import NAMESPACE, checkState, readState, texts
from twisted_sipdialog.event.parts import Extensible, Parts, built, leaf
from twisted_sipdialog.event.xml_body import Element, clark


@frozen
class Media(Extensible):
    """
    A stream of an endpoint.

    @ivar id: what tells it from the others of the endpoint.
    @ivar type: C{'audio'}, C{'video'}...; or None.
    @ivar label: that of the SDP (RFC 4574), or None.
    @ivar sourceId: its SSRC, or None.
    @ivar status: C{'sendrecv'}, C{'sendonly'}, C{'recvonly'} or C{'inactive'}, as the endpoint sees it; or None.
    """

    id: str
    type: str | None = None
    displayText: str | None = None
    label: str | None = None
    sourceId: str | None = None
    status: str | None = None

    @classmethod
    def read(cls, element: Element) -> Media:
        """@raise ParseError: it has no id."""
        parts = Parts(element)
        return cls.taken(
            parts,
            id=parts.required("id"),
            type=parts.text("type"),
            displayText=parts.text("display-text"),
            label=parts.text("label"),
            sourceId=parts.text("src-id"),
            status=parts.text("status"),
        )

    def element(self) -> Element:
        """As a C{media}."""
        content = texts(
            display_text=self.displayText, type=self.type, label=self.label, src_id=self.sourceId, status=self.status
        )
        return self.whole(clark(NAMESPACE, "media"), {"id": self.id}, content)


@frozen
class Endpoint(Extensible):
    """
    A session of a user with the conference.

    @ivar entity: the URI of its Contact, or None.
    @ivar state: C{'full'}, C{'partial'} or C{'deleted'}.
    @ivar status: as in C{"connected"}, C{"on-hold"}, C{"dialing-in"}, C{"disconnected"}; or None.
    @ivar joiningMethod: C{"dialed-in"}, C{"dialed-out"} or C{"focus-owner"}; or None.
    @ivar disconnectionMethod: C{"departed"}, C{"booted"}, C{"failed"} or C{"busy"}; or None.
    """

    entity: str | None = None
    state: str = field(default="full", validator=checkState)
    displayText: str | None = None
    status: str | None = None
    joiningMethod: str | None = None
    disconnectionMethod: str | None = None
    media: tuple[Media, ...] = ()

    @classmethod
    def read(cls, element: Element) -> Endpoint:
        """@raise ParseError: a value is malformed."""
        parts = Parts(element)
        return cls.taken(
            parts,
            entity=parts.attribute("entity"),
            state=readState(parts),
            displayText=parts.text("display-text"),
            status=parts.text("status"),
            joiningMethod=parts.text("joining-method"),
            disconnectionMethod=parts.text("disconnection-method"),
            media=tuple(map(Media.read, parts.all("media"))),
        )

    def element(self) -> Element:
        """As an C{endpoint}."""
        said = texts(
            display_text=self.displayText,
            status=self.status,
            joining_method=self.joiningMethod,
            disconnection_method=self.disconnectionMethod,
        )
        content = [*said, *(media.element() for media in self.media)]
        return self.whole(clark(NAMESPACE, "endpoint"), {"entity": self.entity, "state": self.state}, content)


@frozen
class User(Extensible):
    """
    Who is in the conference.

    @ivar entity: a URI, or None.
    @ivar state: C{'full'}, C{'partial'} or C{'deleted'}.
    @ivar roles: what it is there.
    """

    entity: str | None = None
    state: str = field(default="full", validator=checkState)
    displayText: str | None = None
    roles: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()

    @classmethod
    def read(cls, element: Element) -> User:
        """@raise ParseError: a value is malformed."""
        parts = Parts(element)
        roles = parts.one("roles")
        return cls.taken(
            parts,
            entity=parts.attribute("entity"),
            state=readState(parts),
            displayText=parts.text("display-text"),
            roles=() if roles is None else tuple(role.text.strip() for role in Parts(roles).all("entry")),
            endpoints=tuple(map(Endpoint.read, parts.all("endpoint"))),
        )

    def element(self) -> Element:
        """As a C{user}."""
        roles = [leaf(clark(NAMESPACE, "entry"), role) for role in self.roles]
        content = [
            *texts(display_text=self.displayText),
            built(clark(NAMESPACE, "roles"), {}, roles, {}) if roles else None,
            *(endpoint.element() for endpoint in self.endpoints),
        ]
        return self.whole(clark(NAMESPACE, "user"), {"entity": self.entity, "state": self.state}, content)


@frozen
class Users(Extensible):
    """
    The users of a document: all of them, or those that have changed.

    @ivar state: C{'full'}, C{'partial'} or C{'deleted'}.
    """

    users: tuple[User, ...] = ()
    state: str = field(default="full", validator=checkState)

    @classmethod
    def read(cls, element: Element) -> Users:
        """@raise ParseError: a value is malformed."""
        parts = Parts(element)
        return cls.taken(parts, users=tuple(map(User.read, parts.all("user"))), state=readState(parts))

    def element(self) -> Element:
        """As a C{users}."""
        return self.whole(clark(NAMESPACE, "users"), {"state": self.state}, (user.element() for user in self.users))
