"""
The elements of a document taken apart and put together, so that what is not known is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from attrs import Factory, field, frozen

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.event.xml_body import Element, clark


class Parts:
    """
    An element while it is taken apart: what is known is taken out by its name, and what is left over is kept.

    @ivar attributes: those that are left.
    @ivar elements: those that are left, in their order.
    """

    def __init__(self, element: Element) -> None:
        self._element = element
        self.attributes = dict(element.attributes)
        self.elements = element.children

    @classmethod
    def ofDocument(cls, root: Element, tag: str) -> Self:
        """@raise ParseError: the root is not a C{tag}."""
        if root.tag != tag:
            raise ParseError(f"XML: the root is {root.tag[:80]!r}, not {tag!r}")
        return cls(root)

    def attribute(self, name: str) -> str | None:
        """The value of an attribute; None when absent."""
        value = self.attributes.pop(name, None)
        return None if value is None else value.strip()

    def required(self, name: str) -> str:
        """
        The value of an attribute.

        @raise ParseError: it is absent.
        """
        value = self.attribute(name)
        if value is None:
            raise ParseError(f"XML: {self._element.local} has no attribute {name!r}")
        return value

    def all(self, local: str, namespace: str | None = None) -> tuple[Element, ...]:
        """The elements of that name, in the namespace of this one if no other is given."""
        tag = clark(self._element.namespace if namespace is None else namespace, local)
        found = tuple(element for element in self.elements if element.tag == tag)
        self.elements = tuple(element for element in self.elements if element.tag != tag)
        return found

    def one(self, local: str, namespace: str | None = None) -> Element | None:
        """
        The element of that name; None when absent.

        @raise ParseError: it comes twice.
        """
        found = self.all(local, namespace)
        if len(found) > 1:
            raise ParseError(f"XML: {self._element.local} has the element {local!r} twice")
        return found[0] if found else None

    def needed(self, local: str, namespace: str | None = None) -> Element:
        """
        The element of that name.

        @raise ParseError: there is none, or it comes twice.
        """
        found = self.one(local, namespace)
        if found is None:
            raise ParseError(f"XML: {self._element.local} has no element {local!r}")
        return found

    def text(self, local: str, namespace: str | None = None) -> str | None:
        """
        What stands in the element of that name, stripped; None when absent.

        @raise ParseError: it comes twice.
        """
        found = self.one(local, namespace)
        return None if found is None else found.text.strip()


@frozen
class Extensible:
    """
    What every element has that others may add to: what they added, kept as it came.

    @ivar elements: those that are not known here.
    @ivar attributes: those that are not known here.
    """

    elements: tuple[Element, ...] = field(default=(), kw_only=True)
    attributes: Mapping[str, str] = field(default=Factory(dict), kw_only=True)

    @classmethod
    def taken(cls, parts: Parts, *known: Any, **named: Any) -> Self:
        """What was taken out of C{parts}, with what is left of them."""
        return cls(*known, **named, elements=parts.elements, attributes=parts.attributes)

    def whole(self, tag: str, known: Mapping[str, Any], content: Iterable[Element | None]) -> Element:
        """An element with what is known, and then the rest."""
        return built(tag, known, [*content, *self.elements], self.attributes)


def built(tag: str, known: Mapping[str, Any], content: Iterable[Element | None], others: Mapping[str, str]) -> Element:
    """
    An element with what there is of its attributes and elements: None is left out.

    @param known: attributes that were taken out as values.
    @param others: the other attributes.
    """
    attributes = {name: str(value) for name, value in known.items() if value is not None}
    return Element(tag, {**attributes, **others}, tuple(piece for piece in content if piece is not None))


def leaf(tag: str, text: Any, attributes: Mapping[str, Any] | None = None) -> Element | None:
    """An element with nothing but text; none at all for None."""
    if text is None:
        return None
    there = {name: str(value) for name, value in (attributes or {}).items() if value is not None}
    return Element(tag, there, (str(text),) if text != "" else ())
