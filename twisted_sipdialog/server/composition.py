"""
One state of several publications (RFC 3903 section 3).
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.event import composition, presence
from twisted_sipdialog.storage.publication import Publication


def composed(package: Any, entity: str, publications: list[Publication]) -> tuple[str, bytes] | None:
    """
    The state of C{entity}: of presence what all devices say together; of other packages what was said last.

    @param package: the L{IEventPackage<twisted_sipdialog.interfaces.IEventPackage>}.
    @param publications: oldest first.
    @return: its type and body; None: nothing is known, and the package has no way to say so.
    """
    if package.name == presence.EVENT:
        documents = [presence.Presence.parse(publication.body) for publication in publications]
        return presence.CONTENT_TYPE, composition.composed(entity, documents).toBytes()
    if not publications:
        return None
    newest = publications[-1]
    return newest.contentType, newest.body
