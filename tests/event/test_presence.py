"""
Presence documents (RFC 3863, RFC 4479, RFC 4480).
"""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tests.event.cases import EXAMPLES, FOREIGN, PRIORITIES, REST, TEXT, TIMES, WORDS, DocumentCase, maybe, several
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.event.presence import (
    DATA_MODEL,
    PIDF,
    RPID,
    Activities,
    Device,
    Note,
    Person,
    Presence,
    Tuple,
)
from twisted_sipdialog.event.xml_body import Element, clark

BARESIP = b"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r
<presence xmlns="urn:ietf:params:xml:ns:pidf"\r
    xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"\r
    xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"\r
    entity="sip:alice@example.com">\r
  <dm:person id="p4159"><rpid:activities/></dm:person>\r
  <tuple id="t4109">\r
    <status>\r
      <basic>open</basic>\r
    </status>\r
    <contact>sip:alice@example.com</contact>\r
  </tuple>\r
</presence>\r
"""
LINPHONE = b"""<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<presence entity="sip:bob@example.com" xmlns="urn:ietf:params:xml:ns:pidf"
 xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:oma-pres="urn:oma:xml:prs:pidf:oma-pres"
 xmlns:pidfonline="http://www.linphone.org/xsds/pidfonline.xsd" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid">
  <tuple id="kq2vx">
    <status><basic>open</basic><pidfonline:online/></status>
    <oma-pres:service-description><oma-pres:service-id>chat</oma-pres:service-id>
      <oma-pres:version>1.0</oma-pres:version></oma-pres:service-description>
    <contact priority="0.8">sip:bob@192.0.2.7:5060</contact>
    <note xml:lang="fr">Au repas</note>
    <timestamp>2024-05-06T07:08:09Z</timestamp>
  </tuple>
  <dm:person id="z81">
    <rpid:activities><rpid:note>Eating</rpid:note><rpid:meal/><rpid:other>Sofa</rpid:other></rpid:activities>
    <rpid:mood><rpid:happy/></rpid:mood>
    <dm:timestamp>2024-05-06T09:08:09+02:00</dm:timestamp>
  </dm:person>
</presence>
"""
KAMAILIO = b"""<?xml version="1.0"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
 xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" xmlns:c="urn:ietf:params:xml:ns:pidf:cipid" entity="sip:c@example.com">
<tuple xmlns="urn:ietf:params:xml:ns:pidf" id="0x81475a0"><status><basic>closed</basic></status></tuple></presence>"""
ASTERISK = b"""<?xml version="1.0" encoding="UTF-8"?>
<presence entity="sip:200@example.com" xmlns="urn:ietf:params:xml:ns:pidf" xmlns:pp="urn:ietf:params:xml:ns:pidf:person"
 xmlns:es="urn:ietf:params:xml:ns:pidf:rpid:status:rpid-status" xmlns:ep="urn:ietf:params:xml:ns:pidf:rpid:rpid-person">
 <note>Ready</note>
 <tuple id="200"><contact priority="1">sip:200@example.com</contact><status><basic>open</basic></status></tuple>
 <pp:person><status><ep:activities><ep:busy/></ep:activities></status></pp:person>
</presence>
"""

_NOTES = several(st.builds(Note, TEXT, maybe(st.sampled_from(("de", "en-GB")))))
_KINDS = st.sampled_from(("away", "meal", "on-the-phone")).map(lambda name: Element(clark(RPID, name))) | FOREIGN
_COMMON = {"notes": _NOTES, "timestamp": maybe(TIMES), **REST}
_ACTIVITIES = st.builds(Activities, several(_KINDS), _NOTES, REST["attributes"])
_TUPLES = st.builds(
    Tuple,
    WORDS,
    basic=st.sampled_from((None, "open", "closed")),
    contact=maybe(WORDS.filter(bool)),
    status=several(FOREIGN),
    **_COMMON,
)
#: Documents of every kind.
DOCUMENTS = st.builds(
    Presence,
    WORDS,
    several(_TUPLES),
    _NOTES,
    several(st.builds(Person, WORDS, maybe(_ACTIVITIES), **_COMMON)),
    several(st.builds(Device, WORDS, WORDS, **_COMMON)),
    **REST,
)


class BuildingTests(DocumentCase):
    def test_usual(self) -> None:
        """What most publishers say, in the prefixes that peers look for."""
        presence = Presence.of(
            "sip:alice@example.com",
            "open",
            note="At lunch",
            activities=("meal", "on-the-phone"),
            contact="sip:alice@192.0.2.1",
            timestamp=datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
        )
        body = presence.toBytes().decode()
        for piece in (
            '<presence xmlns="urn:ietf:params:xml:ns:pidf"',
            'entity="sip:alice@example.com"',
            "<status><basic>open</basic></status><contact>sip:alice@192.0.2.1</contact>"
            "<timestamp>2024-05-06T07:08:09Z</timestamp></tuple>",
            "<note>At lunch</note>",
            "<rpid:activities><rpid:meal/><rpid:on-the-phone/></rpid:activities>"
            "<dm:timestamp>2024-05-06T07:08:09Z</dm:timestamp></dm:person>",
        ):
            self.assertIn(piece, body)
        self.assertEqual((presence.basic, presence.activities), ("open", ("meal", "on-the-phone")))
        self.written(presence)

    def test_short(self) -> None:
        """Nothing that was not said."""
        presence = Presence.of("sip:a@b.example", "closed")
        self.assertEqual((presence.notes, presence.persons, presence.basic), ((), (), "closed"))
        self.assertEqual(presence.toBytes().count(b"<"), 9)

    def test_activities(self) -> None:
        """RFC 4480 section 3.2: the activities are those of its list; further ones have a namespace of their own."""
        for name in ("close", "on the phone", "Meal", ""):
            self.assertRaises(InvalidValue, Presence.of, "sip:a@b.example", "open", activities=[name])
        presence = Presence.of("sip:a@b.example", "open", activities=["looking-for-work", "{urn:x}chess"])
        self.written(presence)
        self.assertEqual(presence.activities, ("looking-for-work", "{urn:x}chess"))

    def test_nothingKnown(self) -> None:
        """RFC 3863 section 4.1.1: a document may have no tuple, and then nothing is known."""
        presence = Presence("sip:a@b.example")
        self.written(presence)
        self.assertIsNone(presence.basic)
        self.assertEqual(Presence.parse(presence.toBytes()).tuples, ())

    def test_values(self) -> None:
        """RFC 3863 sections 4.1.4 to 4.1.7, RFC 3339: what the application gives is looked at."""
        for wrong in (
            lambda: Presence.of("sip:a@b", "Open"),
            lambda: Tuple("t", "busy"),
            lambda: Tuple("t", priority=1.5),
            lambda: Tuple("t", timestamp=datetime(2024, 1, 1)),
            lambda: Person("p", timestamp=datetime(2024, 1, 1)),
            lambda: Presence.of("sip:a@b", "open", note="\x07").toBytes(),
            lambda: Presence.of("sip:a@b", "open", activities=("a b",)).toBytes(),
        ):
            self.assertRaises(InvalidValue, wrong)

    def test_markup(self) -> None:
        """Text is text."""
        self.written(Presence.of('sip:"<a>&@b', "open", note="</note><tuple>\r\n", contact="sip:a@b?x=1&y=<"))

    @EXAMPLES
    @given(DOCUMENTS)
    def test_whatever(self, presence: Presence) -> None:
        self.written(presence)

    @EXAMPLES
    @given(PRIORITIES)
    def test_priorities(self, priority: float) -> None:
        self.written(Presence("sip:a@b", (Tuple("t", contact="sip:c@d", priority=priority),)))


class ReadingTests(DocumentCase):
    def test_baresip(self) -> None:
        presence = Presence.parse(BARESIP)
        self.assertEqual((presence.entity, presence.basic, presence.activities), ("sip:alice@example.com", "open", ()))
        self.assertEqual(presence.tuples, (Tuple("t4109", "open", "sip:alice@example.com"),))
        self.assertEqual(presence.persons, (Person("p4159", Activities()),))
        self.written(presence)

    def test_linphone(self) -> None:
        """What it adds is kept, too."""
        presence = Presence.parse(LINPHONE)
        (one,), (person,) = presence.tuples, presence.persons
        self.assertEqual((one.basic, one.contact, one.priority), ("open", "sip:bob@192.0.2.7:5060", 0.8))
        self.assertEqual(one.status[0].local, "online")
        self.assertEqual(one.elements[0].children[0].text, "chat")
        self.assertEqual(one.notes, (Note("Au repas", "fr"),))
        self.assertEqual(one.timestamp, person.timestamp)
        self.assertEqual(one.timestamp, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC))
        self.assertEqual(presence.activities, ("meal", "other"))
        assert person.activities is not None
        self.assertEqual((person.activities.notes, person.activities.kinds[1].text), ((Note("Eating"),), "Sofa"))
        self.assertEqual(person.elements[0].children[0].local, "happy")
        self.written(presence)

    def test_kamailio(self) -> None:
        presence = Presence.parse(KAMAILIO)
        self.assertEqual((presence.basic, presence.tuples), ("closed", (Tuple("0x81475a0", "closed"),)))
        self.written(presence)

    def test_asterisk(self) -> None:
        """In another order than the schema's, and with activities of a draft, which are kept as they are."""
        presence = Presence.parse(ASTERISK)
        self.assertEqual(presence.tuples, (Tuple("200", "open", "sip:200@example.com", 1.0),))
        self.assertEqual((presence.notes, presence.elements[0].local), ((Note("Ready"),), "person"))
        self.written(presence)

    def test_basic(self) -> None:
        """Open if any tuple is."""
        for basics, expected in (
            ((), None), ((None,), None), (("closed",), "closed"), ((None, "closed"), "closed"),
            (("closed", "open"), "open"), (("open", "closed", None), "open"),
        ):  # fmt: skip
            tuples = tuple(Tuple(f"t{n}", basic) for n, basic in enumerate(basics))
            self.assertEqual(Presence("sip:a@b", tuples).basic, expected)

    def test_foreignActivities(self) -> None:
        """RFC 4480 section 3.2: other namespaces may add activities."""
        presence = Presence.of("sip:a@b", "open", activities=("{urn:x}nap", "away"))
        self.assertEqual(Presence.parse(presence.toBytes()).activities, ("{urn:x}nap", "away"))

    def test_device(self) -> None:
        """RFC 4479 section 3.4."""
        body = (
            b'<presence xmlns="%s" xmlns:d="%s" entity="sip:a@b">'
            b'<d:device id="x"><e:battery xmlns:e="urn:e" level="7"/>'
            b"<d:deviceID> urn:uuid:1 </d:deviceID><d:note>Car</d:note></d:device></presence>"
        ) % (PIDF.encode(), DATA_MODEL.encode())
        presence = Presence.parse(body)
        battery = Element("{urn:e}battery", {"level": "7"})
        self.assertEqual(presence.devices, (Device("x", "urn:uuid:1", (Note("Car"),), elements=(battery,)),))
        self.written(presence)
        self.refusesWithout(Presence, body, b' id="x"', b"<d:deviceID> urn:uuid:1 </d:deviceID>")

    def test_mandatory(self) -> None:
        """The schemas of RFC 3863 section 4.4 and RFC 4479 section 5."""
        self.refusesWithout(Presence, BARESIP, b'entity="sip:alice@example.com"', b' id="t4109"', b' id="p4159"')
        self.refusesWithout(Presence, KAMAILIO, b"<status><basic>closed</basic></status>")

    def test_malformed(self) -> None:
        """Single things come once; other documents are other documents."""
        self.refuses(
            Presence,
            BARESIP.replace(b"<basic>open", b"<basic>closed</basic><basic>open"),
            BARESIP.replace(b"<contact>", b"<contact/><contact>"),
            BARESIP.replace(b"<contact>", b'<contact priority="high">'),
            BARESIP.replace(b"<contact>", b"<timestamp>yesterday</timestamp><contact>"),
            BARESIP.replace(b'ns:pidf"', b'ns:fidp"'),
            b'<presence entity="sip:a@b"/>',
            b'<tuple xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b" id="t"><status/></tuple>',
        )
        self.refuses(Presence, b" " * 70_000, status=413)

    def test_empty(self) -> None:
        """A status may say nothing, and a contact is one only with a URI."""
        body = BARESIP.replace(b"<basic>open</basic>", b"").replace(b"<contact>sip:alice@example.com", b"<contact>")
        self.assertEqual(Presence.parse(body).tuples, (Tuple("t4109"),))

    def test_unknown(self) -> None:
        """What is neither open nor closed says nothing of the two (RFC 3863 section 4.1.4); case counts."""
        for basic in (b"?", b"OPEN", b""):
            (one,) = Presence.parse(BARESIP.replace(b"<basic>open", b"<basic>" + basic)).tuples
            self.assertEqual(one, Tuple("t4109", contact="sip:alice@example.com"))

    @EXAMPLES
    @given(st.sampled_from((BARESIP, LINPHONE)), st.integers(0), st.binary(max_size=3))
    def test_damaged(self, body: bytes, place: int, junk: bytes) -> None:
        place %= len(body)
        self.survives(Presence, body[:place] + junk + body[place + len(junk) :])
        self.survives(Presence, body[:place])
