"""
Publications as long as the process lasts.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted_sipdialog.interfaces import IPublicationStore
from twisted_sipdialog.storage.publication import Publication


@implementer(IPublicationStore)
class MemoryStore:
    """
    @see: L{IPublicationStore<twisted_sipdialog.interfaces.IPublicationStore>}
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], dict[str, Publication]] = {}

    def publications(self, entity: str, event: str) -> list[Publication]:
        return sorted(self._kept.get((entity, event), {}).values(), key=_order)

    def put(self, publication: Publication, replaced: str | None = None) -> bool:
        if replaced is not None and not self.remove(publication.entity, publication.event, replaced):
            return False
        self._kept.setdefault((publication.entity, publication.event), {})[publication.entityTag] = publication
        return True

    def remove(self, entity: str, event: str, entityTag: str) -> bool:
        kept = self._kept.get((entity, event), {})
        found = kept.pop(entityTag, None)
        if not kept:
            self._kept.pop((entity, event), None)
        return found is not None

    def expired(self, now: float) -> list[Publication]:
        found = [publication for publication in self.all() if publication.until <= now]
        for publication in found:
            self.remove(publication.entity, publication.event, publication.entityTag)
        return found

    def all(self) -> list[Publication]:
        return sorted((each for kept in self._kept.values() for each in kept.values()), key=_order)

    def close(self) -> None:
        self._kept.clear()


def _order(publication: Publication) -> int:
    return publication.order
