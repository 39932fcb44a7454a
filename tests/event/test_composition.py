"""
One presence document of several (RFC 3903, RFC 4479 section 3).
"""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter

from hypothesis import given
from hypothesis import strategies as st

from tests.event.cases import EXAMPLES, DocumentCase
from tests.event.test_presence import DOCUMENTS
from twisted_sipdialog.event.composition import composed
from twisted_sipdialog.event.presence import Activities, Device, Note, Person, Presence, Tuple
from twisted_sipdialog.event.xml_body import Element

ALICE = "sip:alice@example.com"


def at(hour: int) -> datetime:
    return datetime(2024, 5, 6, hour, tzinfo=UTC)


class ComposedTests(DocumentCase):
    def test_none(self) -> None:
        """RFC 3863 section 4.1.1: nobody says anything, so nothing is said."""
        self.assertEqual(composed(ALICE, ()), Presence(ALICE))

    def test_one(self) -> None:
        """What one says is told as it was."""
        document = Presence.of(ALICE, "open", "Hi", ("away",), "sip:alice@192.0.2.1")
        self.assertEqual(composed(ALICE, [document]), document)

    def test_entity(self) -> None:
        """The presentity is who was asked for, however its publishers spell it."""
        self.assertEqual(composed(ALICE, [Presence.of("sip:ALICE@example.com:5060", "open")]).entity, ALICE)

    def test_tuples(self) -> None:
        """All of them, in order; open if any is."""
        phone, desk = Presence.of(ALICE, "closed", contact="sip:p"), Presence.of(ALICE, "open", contact="sip:d")
        whole = composed(ALICE, iter([phone, desk]))
        self.assertEqual([one.contact for one in whole.tuples], ["sip:p", "sip:d"])
        self.assertEqual(whole.basic, "open")

    def test_ids(self) -> None:
        """RFC 3863 section 4.1.2, and XML: an id is that of one thing in the document."""
        first = Presence(ALICE, (Tuple("a"), Tuple("a-2")), (), (Person("a"),))
        second = Presence(ALICE, (Tuple("a"), Tuple("b")), (), (), (Device("b", "urn:x"), Device("b", "urn:y")))
        whole = composed(ALICE, [first, second])
        self.assertEqual([one.id for one in whole.tuples], ["a", "a-2", "a-3", "b"])
        self.assertEqual([one.id for one in whole.persons + whole.devices], ["a-4", "b-2", "b-3"])

    def test_person(self) -> None:
        """RFC 4479 section 3.2: there is one, who does what all say, once."""
        mood = Element("{urn:ietf:params:xml:ns:pidf:rpid}mood")
        persons = (
            Person("p", Activities.of("away", "meal"), (Note("x"),), at(3), elements=(mood,), attributes={"a": "1"}),
            Person("q", None, (Note("x"), Note("y", "en"))),
            Person("r", Activities.of("meal", "busy"), (), at(5), elements=(mood,), attributes={"a": "2", "b": "3"}),
        )
        whole = composed(ALICE, [Presence(ALICE, persons=persons[:2]), Presence(ALICE, persons=persons[2:])])
        doing = Activities.of("away", "meal", "busy")
        expected = Person(
            "p", doing, (Note("x"), Note("y", "en")), at(5), elements=(mood,), attributes={"a": "1", "b": "3"}
        )
        self.assertEqual(whole.persons, (expected,))
        self.assertIsNone(composed(ALICE, [Presence(ALICE, persons=persons[1:2])]).persons[0].activities)

    def test_devices(self) -> None:
        """RFC 4479 section 3.4: one with the same deviceID is the same."""
        first = Presence(ALICE, devices=(Device("d", "urn:x", (Note("Car"),), at(7)), Device("e", "urn:y")))
        second = Presence(ALICE, devices=(Device("f", "urn:x", (Note("Red"),), at(6)),))
        self.assertEqual(
            composed(ALICE, [first, second]).devices,
            (Device("d", "urn:x", (Note("Car"), Note("Red")), at(7)), Device("e", "urn:y")),
        )

    def test_rest(self) -> None:
        """Notes and what is not known, each once."""
        extra = Element("{urn:x}y", {"z": "1"})
        documents = [
            Presence(ALICE, notes=(Note("a"),), elements=(extra,), attributes={"b": "1"}),
            Presence(ALICE, notes=(Note("c"), Note("a")), elements=(extra,), attributes={"b": "2"}),
        ]
        whole = composed(ALICE, documents)
        expected = Presence(ALICE, notes=(Note("a"), Note("c")), elements=(extra,), attributes={"b": "1"})
        self.assertEqual(whole, expected)

    def test_floods(self) -> None:
        """As much as a publisher may say is composed in no time, and with ids that were made to collide."""
        pieces = b"".join(b'<tuple id="t"><status/></tuple><note>%d</note>' % n for n in range(1_200))
        body = b'<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b">%s</presence>' % pieces
        document = Presence.parse(body)
        started = perf_counter()
        whole = composed(ALICE, [document] * 4)
        self.assertLess(perf_counter() - started, 2)
        self.assertEqual(len({one.id for one in whole.tuples}), 4_800)
        self.assertEqual(len(whole.notes), 1_200)

    @EXAMPLES
    @given(st.lists(DOCUMENTS, max_size=3))
    def test_whatever(self, documents: list[Presence]) -> None:
        """It is a document, its ids are unique, and no tuple is lost."""
        whole = composed(ALICE, documents)
        self.written(whole)
        ids = [one.id for one in (*whole.tuples, *whole.persons, *whole.devices)]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(len(whole.tuples), sum(len(document.tuples) for document in documents))
        self.assertLessEqual(len(whole.persons), 1)
