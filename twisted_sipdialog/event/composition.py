"""
One presence document of several publishers' (RFC 3903 leaves the policy to the compositor; RFC 4479 section 3 says what
can be of one kind only).

The policy is union: every tuple is told, the person is one, a device is one, nothing that was said is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from attrs import evolve

from twisted_sipdialog.event.presence import Activities, Device, Person, Presence

_Some = TypeVar("_Some")
_Described = TypeVar("_Described", Person, Device)


def composed(entity: str, documents: Iterable[Presence]) -> Presence:
    """
    What C{documents} say of C{entity}, together.  Of no documents it is one without a tuple (RFC 3863 section 4.1.1):
    nothing is known.

    Two publishers may have used one id: the later one's is changed then (RFC 3863 section 4.1.2: unique in the
    document).  The order of the documents is that of what they say.
    """
    several = tuple(documents)
    ids = _Ids()
    tuples = [evolve(one, id=ids.apart(one.id)) for document in several for one in document.tuples]
    persons = _onePerson([person for document in several for person in document.persons])
    devices = _eachDevice([device for document in several for device in document.devices])
    return Presence(
        entity,
        tuple(tuples),
        _union(*(document.notes for document in several)),
        tuple(evolve(person, id=ids.apart(person.id)) for person in persons),
        tuple(evolve(device, id=ids.apart(device.id)) for device in devices),
        elements=_union(*(document.elements for document in several)),
        attributes=_firsts(*(document.attributes for document in several)),
    )


class _Ids:
    """The ids that are taken, each with the last number that was put behind it."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def apart(self, id: str) -> str:
        """C{id}, or the first of C{id-2}, C{id-3}... that nothing else has."""
        found, number = id, self._numbers.get(id, 1)
        while found in self._numbers:
            number += 1
            found = f"{id}-{number}"
        self._numbers[id] = number
        self._numbers.setdefault(found, 1)
        return found


def _onePerson(persons: list[Person]) -> list[Person]:
    """RFC 4479 section 3.2: a presentity is one person, whoever describes it."""
    if not persons:
        return []
    doing = [person.activities for person in persons if person.activities is not None]
    activities = Activities(
        _union(*(one.kinds for one in doing)),
        _union(*(one.notes for one in doing)),
        _firsts(*(one.attributes for one in doing)),
    )
    return [evolve(_joined(persons), activities=activities if doing else None)]


def _eachDevice(devices: list[Device]) -> list[Device]:
    """RFC 4479 section 3.4: a deviceID is that of one device."""
    found: dict[str, list[Device]] = {}
    for device in devices:
        found.setdefault(device.deviceId, []).append(device)
    return [_joined(same) for same in found.values()]


def _joined(descriptions: list[_Described]) -> _Described:
    """One of them with the notes, the elements and the latest time of all."""
    return evolve(
        descriptions[0],
        notes=_union(*(one.notes for one in descriptions)),
        timestamp=max((one.timestamp for one in descriptions if one.timestamp is not None), default=None),
        elements=_union(*(one.elements for one in descriptions)),
        attributes=_firsts(*(one.attributes for one in descriptions)),
    )


def _union(*several: tuple[_Some, ...]) -> tuple[_Some, ...]:
    """Each once, in their order.  Elements have no hash; what they read as serves."""
    return tuple({repr(one): one for some in several for one in some}.values())


def _firsts(*several: Mapping[str, str]) -> dict[str, str]:
    """All of them; of those with one name the first."""
    return {name: value for some in reversed(several) for name, value in some.items()}
