"""
What is published as a state that watchers are shown (RFC 3903 section 3).
"""

from __future__ import annotations

from typing import Any

import attrs

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.event import composition, presence
from twisted_sipdialog.storage.publication import Publication


def check(package: Any, contentType: str, body: bytes) -> None:
    """
    C{body} says what the state is, all of it: of a part the rest would not be known to who watches from now on.

    @param package: the L{IEventPackage<twisted_sipdialog.interfaces.IEventPackage>}.
    @raise ParseError: it does not; C{statusCode} 415: it is of another type.
    """
    if getattr(package.parse(contentType, body), "state", None) == "partial":
        raise ParseError("a partial document")


def isComposed(package: Any) -> bool:
    """Whether what several publish of C{package} becomes one document, longer than each of theirs."""
    return bool(package.name == presence.EVENT)


def composed(package: Any, entity: str, publications: list[Publication]) -> tuple[str, bytes] | None:
    """
    The state of C{entity}: of presence what all devices say together; of other packages what was said last.

    @param publications: oldest first.
    @return: its type and body; None: nothing is known, and the package has no way to say so.
    """
    if isComposed(package):
        documents = [presence.Presence.parse(publication.body) for publication in publications]
        return presence.CONTENT_TYPE, composition.composed(entity, documents).toBytes()
    if not publications:
        return None
    newest = publications[-1]
    return newest.contentType, newest.body


def numbered(package: Any, contentType: str, body: bytes, version: int) -> bytes:
    """
    C{body} for one subscription, whose documents some packages count from 0 (RFC 3680 section 5.1, RFC 4235 section
    4.1, RFC 4575 section 4.1): what a publisher has counted is of no use to a watcher.
    """
    if not getattr(package, "isVersioned", False):
        return body
    document: Any = attrs.evolve(package.parse(contentType, body), version=version)
    counted: bytes = document.toBytes()
    return counted
