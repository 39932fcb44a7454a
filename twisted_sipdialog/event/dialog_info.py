"""
C{application/dialog-info+xml}: the calls of a user agent (RFC 4235).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import Factory, evolve, field, frozen

from twisted_sipdialog.dialog.state_change import STATES as DIALOG_STATES
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.event import versions
from twisted_sipdialog.event.parts import Extensible, Parts, built, leaf
from twisted_sipdialog.event.values import MAXIMUM, checkOneOf, oneOf, readNumber
from twisted_sipdialog.event.xml_body import MAX_LENGTH, Element, clark
from twisted_sipdialog.message.grammar import digits

#: The event package and the C{Content-Type} of its bodies.
EVENT: Final = "dialog"
CONTENT_TYPE: Final = "application/dialog-info+xml"

NAMESPACE: Final = "urn:ietf:params:xml:ns:dialog-info"

_DIRECTIONS: Final = ("initiator", "recipient")


@frozen
class Identity:
    """
    Who somebody is: an address of record, or another URI (C{nameaddr} of RFC 4235).

    @ivar display: the name for people, or None.
    """

    uri: str
    display: str | None = None

    @classmethod
    def read(cls, element: Element | None) -> Identity | None:
        """From an element; None for None."""
        if element is None:
            return None
        return cls(element.text.strip(), element.attributes.get("display"))

    def element(self, local: str) -> Element | None:
        """As an element of that name."""
        return leaf(clark(NAMESPACE, local), self.uri, {"display": self.display})


@frozen
class DialogId:
    """
    A dialog that is named by its ID (C{replaces}, RFC 4235 section 4.1.4).

    @ivar localTag: of the side that the document is about.
    """

    callId: str
    localTag: str
    remoteTag: str

    @classmethod
    def read(cls, element: Element | None) -> DialogId | None:
        """
        From an element; None for None.

        @raise ParseError: a part of it is missing.
        """
        if element is None:
            return None
        parts = Parts(element)
        return cls(parts.required("call-id"), parts.required("local-tag"), parts.required("remote-tag"))

    def element(self, local: str) -> Element:
        """As an element of that name."""
        named = {"call-id": self.callId, "local-tag": self.localTag, "remote-tag": self.remoteTag}
        return built(clark(NAMESPACE, local), named, (), {})


@frozen
class Participant(Extensible):
    """
    One side of a dialog (RFC 4235 section 4.1.6).

    @ivar target: the URI of its Contact, or None.
    @ivar parameters: what its Contact says of it: feature tags, C{+sip.rendering} that tells whether it holds.
    """

    identity: Identity | None = None
    target: str | None = None
    parameters: Mapping[str, str] = Factory(dict)

    @classmethod
    def read(cls, element: Element | None) -> Participant | None:
        """
        From an element; None for None.

        @raise ParseError: its target has no URI.
        """
        if element is None:
            return None
        parts = Parts(element)
        identity, target = Identity.read(parts.one("identity")), parts.one("target")
        uri, parameters = None, {}
        if target is not None:
            inner = Parts(target)
            uri = inner.required("uri")
            for one in map(Parts, inner.all("param")):
                parameters[one.required("pname")] = one.attribute("pval") or ""
        return cls.taken(parts, identity, uri, parameters)

    def element(self, local: str) -> Element:
        """As an element of that name."""
        target = None
        if self.target is not None:
            pairs = ({"pname": name, "pval": value} for name, value in self.parameters.items())
            inner = [built(clark(NAMESPACE, "param"), pair, (), {}) for pair in pairs]
            target = built(clark(NAMESPACE, "target"), {"uri": self.target}, inner, {})
        content = (_said(self.identity, "identity"), target)
        return self.whole(clark(NAMESPACE, local), {}, content)


@frozen
class Dialog(Extensible):
    """
    A dialog, or an INVITE that has made none (RFC 4235 section 4.1).

    @ivar id: what tells it from the others of its document and of later ones.
    @ivar state: C{'trying'}, C{'proceeding'}, C{'early'}, C{'confirmed'} or C{'terminated'}.
    @ivar event: what led to C{'terminated'}, or None.
    @ivar code: the status code that led to the state, or None.
    @ivar direction: C{'initiator'}, C{'recipient'}, or None: not said.
    @ivar duration: seconds since it began, or None.
    @ivar replaces: the dialog in whose place it is, or None.
    @ivar referredBy: who sent the REFER that it follows, or None.
    """

    id: str
    state: str = field(validator=checkOneOf(DIALOG_STATES))
    event: str | None = None
    code: int | None = None
    callId: str | None = None
    localTag: str | None = None
    remoteTag: str | None = None
    direction: str | None = field(default=None, validator=checkOneOf(_DIRECTIONS))
    duration: int | None = None
    replaces: DialogId | None = None
    referredBy: Identity | None = None
    local: Participant | None = None
    remote: Participant | None = None

    @classmethod
    def read(cls, element: Element) -> Dialog:
        """@raise ParseError: it has no id or no state, or a value is malformed."""
        parts = Parts(element)
        state = parts.needed("state")
        code, direction = state.attributes.get("code"), parts.attribute("direction")
        if code is not None and digits(code, "code", 699) < 100:
            raise ParseError(f"code {code!r} is no status code")
        return cls.taken(
            parts,
            parts.required("id"),
            # Some write Trying.
            oneOf(state.text.strip().lower(), DIALOG_STATES, "state"),
            state.attributes.get("event"),
            readNumber(code, "code"),
            # Some write an empty one where there is none.
            parts.attribute("call-id") or None,
            parts.attribute("local-tag") or None,
            parts.attribute("remote-tag") or None,
            None if not direction else oneOf(direction, _DIRECTIONS, "direction"),
            readNumber(parts.text("duration"), "duration"),
            DialogId.read(parts.one("replaces")),
            Identity.read(parts.one("referred-by")),
            Participant.read(parts.one("local")),
            Participant.read(parts.one("remote")),
        )

    def element(self) -> Element:
        """As an element."""
        named = {
            "id": self.id,
            "call-id": self.callId,
            "local-tag": self.localTag,
            "remote-tag": self.remoteTag,
            "direction": self.direction,
        }
        content = [
            leaf(clark(NAMESPACE, "state"), self.state, {"event": self.event, "code": self.code}),
            leaf(clark(NAMESPACE, "duration"), self.duration),
            _said(self.replaces, "replaces"),
            _said(self.referredBy, "referred-by"),
            _said(self.local, "local"),
            _said(self.remote, "remote"),
        ]
        return self.whole(clark(NAMESPACE, "dialog"), named, content)


@frozen
class DialogInfo(Extensible):
    """
    A document about the dialogs of an entity: all of them, or those that have changed.

    @ivar entity: the URI that the subscription is for.
    @ivar version: 0 in the first document of a subscription, one more in each that follows.
    @ivar state: C{'full'} or C{'partial'}.
    @ivar size: the bytes it was read from, those of partial documents that it was put together of included.
    """

    entity: str
    version: int = 0
    state: str = field(default="full", validator=checkOneOf(versions.STATES))
    dialogs: tuple[Dialog, ...] = ()
    size: int = field(default=0, eq=False, repr=False, kw_only=True)

    @classmethod
    def parse(cls, body: bytes, maxLength: int = MAX_LENGTH) -> DialogInfo:
        """
        @param maxLength: bytes.
        @raise ParseError: 413: it is too long; 400: it is malformed.
        """
        parts = Parts.ofDocument(Element.parse(body, maxLength), clark(NAMESPACE, "dialog-info"))
        return cls.taken(
            parts,
            parts.required("entity"),
            digits(parts.required("version"), "version", MAXIMUM),
            oneOf(parts.required("state"), versions.STATES, "state"),
            tuple(map(Dialog.read, parts.all("dialog"))),
            size=len(body),
        )

    def toBytes(self) -> bytes:
        """
        The document.

        @raise InvalidValue: text that XML 1.0 cannot carry.
        """
        named = {"version": self.version, "state": self.state, "entity": self.entity}
        content = (dialog.element() for dialog in self.dialogs)
        return self.whole(clark(NAMESPACE, "dialog-info"), named, content).toBytes()

    def withPartial(self, partial: DialogInfo) -> DialogInfo:
        """
        What is known after C{partial} (RFC 4235 section 4.3): dialogs are new or take the place of those with their
        ids, and those that have terminated are gone.
        """
        known = {dialog.id: dialog for dialog in self.dialogs}
        known.update((dialog.id, dialog) for dialog in partial.dialogs)
        left = tuple(dialog for dialog in known.values() if dialog.state != "terminated")
        return evolve(self, version=partial.version, size=self.size + partial.size, dialogs=left)


def _said(value: Identity | DialogId | Participant | None, local: str) -> Element | None:
    return None if value is None else value.element(local)
