"""
XML documents as values: the one way from bytes to elements and back for all event packages.

No event package needs a document type, and entities are what XML attacks are made of: all of that is refused
where it starts, before anything is expanded or fetched.  The size, the depth and the number of elements are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from attrs import Factory, frozen

from twisted_sipdialog.errors import InvalidValue, ParseError

#: Longest document read, in bytes, unless another bound is given.
MAX_LENGTH: Final = 65_536
#: How deep elements may lie in each other; the root is the first.
MAX_DEPTH: Final = 32
#: Most elements of a document.
MAX_ELEMENTS: Final = 8_192

#: The attribute C{xml:lang}.
LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"

#: What peers call these namespaces: some look for the prefix and not for the namespace.
_PREFIXES: Final = {
    "http://www.w3.org/XML/1998/namespace": "xml",
    "http://www.w3.org/2001/XMLSchema-instance": "xsi",
    "urn:ietf:params:xml:ns:pidf": "pidf",
    "urn:ietf:params:xml:ns:pidf:caps": "caps",
    "urn:ietf:params:xml:ns:pidf:cipid": "c",
    "urn:ietf:params:xml:ns:pidf:data-model": "dm",
    "urn:ietf:params:xml:ns:pidf:rpid": "rpid",
    "urn:ietf:params:xml:ns:gruuinfo": "gr",
}
#: The encodings that expat itself knows; it would ask Python for others, and Python has many.
_ENCODINGS: Final = frozenset({"utf-8", "utf-16", "iso-8859-1", "us-ascii"})

_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Wider than XML's names beyond ASCII; nothing in it ends a name.
_NAME = re.compile(r"[A-Za-z_\u0080-\U0010ffff][-.0-9A-Za-z_\u0080-\U0010ffff]*")


@frozen
class Element:
    """
    An element of an XML document.  Names are in Clark's notation, C{{namespace}local}, without braces where there is
    no namespace; prefixes, comments and processing instructions are not kept.

    @ivar attributes: name -> value.
    @ivar content: elements and text in their order; white space between elements is left out.
    """

    tag: str
    attributes: Mapping[str, str] = Factory(dict)
    content: tuple[Element | str, ...] = ()

    @classmethod
    def parse(cls, body: bytes, maxLength: int = MAX_LENGTH) -> Element:
        """
        The root of a document in UTF-8, UTF-16, ISO-8859-1 or ASCII.

        @param maxLength: bytes.
        @raise ParseError: 413: it is too long; 400: it is malformed, beyond a bound, or has a document type.
        """
        if len(body) > maxLength:
            raise ParseError(f"XML: {len(body)} bytes are more than {maxLength}", 413)
        growing = _Growing()
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.XmlDeclHandler = _checkEncoding
        # The first of the three is enough for every attack that is known; the others stand behind it.
        parser.StartDoctypeDeclHandler = _refuseDoctype
        parser.EntityDeclHandler = _refuseDoctype
        parser.ExternalEntityRefHandler = _refuseDoctype
        parser.StartElementHandler = growing.start
        parser.EndElementHandler = growing.end
        parser.CharacterDataHandler = growing.text
        try:
            parser.Parse(body, True)
        except expat.ExpatError as error:
            raise ParseError(f"XML: {error}") from None
        return growing.root

    def toBytes(self) -> bytes:
        """
        The document in UTF-8, with the namespace of this element as its default one.

        @raise InvalidValue: a name or text that XML 1.0 cannot carry.
        """
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{_Writing(self).text}\n'.encode()

    @property
    def namespace(self) -> str:
        """Its namespace, C{""} for none."""
        return _split(self.tag)[0]

    @property
    def local(self) -> str:
        """Its name in its namespace."""
        return _split(self.tag)[1]

    @property
    def children(self) -> tuple[Element, ...]:
        """The elements in it."""
        return tuple(piece for piece in self.content if isinstance(piece, Element))

    @property
    def text(self) -> str:
        """The text directly in it."""
        return "".join(piece for piece in self.content if isinstance(piece, str))


def clark(namespace: str, local: str) -> str:
    """A name in Clark's notation."""
    return f"{{{namespace}}}{local}" if namespace else local


def legible(text: str) -> str:
    """C{text} as XML can carry it: what it cannot, which a peer may have sent, reads U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", text)


class _Growing:
    """
    The tree while it is read.

    @ivar root: the whole of it, once it is there.
    """

    root: Element

    def __init__(self) -> None:
        self._open: list[tuple[str, dict[str, str], list[Element | str]]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise ParseError(f"XML: more than {MAX_ELEMENTS} elements")
        if len(self._open) >= MAX_DEPTH:
            raise ParseError(f"XML: elements more than {MAX_DEPTH} deep")
        named = {_braced(key): value for key, value in attributes.items()}
        self._open.append((_braced(name), named, []))

    def text(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self, name: str) -> None:
        tag, attributes, content = self._open.pop()
        element = Element(tag, attributes, tuple(_joined(content)))
        if self._open:
            self._open[-1][2].append(element)
        else:
            self.root = element


def _joined(content: list[Element | str]) -> Iterator[Element | str]:
    """Neighbouring pieces of text as one; white space only where it is all there is."""
    text = ""
    isAlone = not any(isinstance(piece, Element) for piece in content)
    for piece in [*content, None]:
        if isinstance(piece, str):
            text += piece
            continue
        if text and (isAlone or not text.isspace()):
            yield text
        text = ""
        if piece is not None:
            yield piece


class _Writing:
    """
    A document while it is written.

    @ivar text: the root element.
    """

    def __init__(self, root: Element) -> None:
        own = root.namespace
        self._prefixes: dict[str, str] = {}
        self._name(root, own)
        declarations = [_pair("xmlns", own)] if own else []
        for namespace, prefix in self._prefixes.items():
            if prefix != "xml":
                declarations.append(_pair(f"xmlns:{prefix}", namespace))
        self.text = self._element(root, own, "".join(declarations))

    def _name(self, element: Element, default: str) -> None:
        """Give a prefix to each namespace that needs one: that of an attribute, and any that is not the default."""
        needing = [_split(name)[0] for name in element.attributes]
        if element.namespace != default:
            needing.insert(0, element.namespace)
        for namespace in needing:
            if namespace and namespace not in self._prefixes:
                self._prefixes[namespace] = _PREFIXES.get(namespace, f"x{len(self._prefixes) + 1}")
        for child in element.children:
            self._name(child, default if element.namespace else "")

    def _element(self, element: Element, default: str, declarations: str = "") -> str:
        """@param default: the default namespace around it: the root's, or none within an element that has none."""
        namespace, local = _split(element.tag)
        name = _checkName(local)
        if namespace != default:
            if namespace:
                name = f"{self._prefixes[namespace]}:{name}"
            else:
                declarations, default = _pair("xmlns", ""), ""
        attributes = "".join(map(self._attribute, element.attributes.items()))
        inner = "".join(
            self._element(piece, default)
            if isinstance(piece, Element)
            # A bare CR would be read as LF (XML 1.0 section 2.11).
            else escape(_checkText(piece), {"\r": "&#13;"})
            for piece in element.content
        )
        head = f"<{name}{declarations}{attributes}"
        return f"{head}>{inner}</{name}>" if inner else f"{head}/>"

    def _attribute(self, attribute: tuple[str, str]) -> str:
        namespace, local = _split(attribute[0])
        if local == "xmlns" and not namespace:
            raise InvalidValue("attribute", local, "namespaces are part of the names")
        prefix = f"{self._prefixes[namespace]}:" if namespace else ""
        return _pair(prefix + _checkName(local), attribute[1])


def _split(name: str) -> tuple[str, str]:
    namespace, _, local = name.rpartition("}")
    return namespace[1:], local


def _braced(name: str) -> str:
    return f"{{{name}" if "}" in name else name


def _pair(name: str, value: str) -> str:
    """An attribute or a declaration, with the space before it."""
    return f" {name}={quoteattr(_checkText(value))}"


def _checkName(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise InvalidValue("name", name, "a name of XML without a colon")
    return _checkText(name)


def _checkText(text: str) -> str:
    found = _FORBIDDEN.search(text)
    if found is not None:
        raise InvalidValue("text", text, f"XML 1.0 has no character U+{ord(found[0]):04X} (section 2.2)")
    return text


def _checkEncoding(version: str, encoding: str | None, standalone: int) -> None:
    if encoding is not None and encoding.lower() not in _ENCODINGS:
        raise ParseError(f"XML: encoding {encoding[:40]!r} is not UTF-8, UTF-16, ISO-8859-1 or ASCII")


def _refuseDoctype(*declaration: object) -> NoReturn:
    raise ParseError("XML: a document type or entity is not allowed")
