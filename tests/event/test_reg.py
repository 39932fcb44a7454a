"""
C{application/reginfo+xml} (RFC 3680).
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.event.cases import EXAMPLES, NUMBERS, PRIORITIES, REST, WORDS, DocumentCase, maybe, several
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.event.reg import (
    CONTACT_EVENTS,
    CONTACT_STATES,
    REGISTRATION_STATES,
    Contact,
    RegInfo,
    Registration,
)
from twisted_sipdialog.event.versions import Latest

#: As an S-CSCF of Kamailio writes it, with a GRUU (RFC 5628).
KAMAILIO = b"""<?xml version="1.0"?>
<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" xmlns:gr="urn:ietf:params:xml:ns:gruuinfo" version="2" state="full">
\t<registration aor="sip:alice@ims.example.com" id="0x7f3a90" state="active">
\t\t<contact id="0x7f3b10" state="active" event="registered" expires="3600" q="0.500" callid="x@192.0.2.1" cseq="20"
\t\t duration-registered="60" retry-after="5">
\t\t\t<uri>sip:alice@192.0.2.1:5060</uri>
\t\t\t<display-name xml:lang="en">Alice's phone</display-name>
\t\t\t<unknown-param name="+g.3gpp.smsip"></unknown-param>
\t\t\t<unknown-param name="+sip.instance">"&lt;urn:uuid:1&gt;"</unknown-param>
\t\t\t<gr:pub-gruu uri="sip:alice@ims.example.com;gr=1"/>
\t\t</contact>
\t</registration>
\t<registration aor="tel:+15551234" id="0x7f3a91" state="init"/>
</reginfo>
"""

_CONTACTS = st.builds(
    Contact,
    WORDS,
    WORDS,
    st.sampled_from(CONTACT_STATES),
    st.sampled_from(CONTACT_EVENTS),
    expires=maybe(NUMBERS),
    retryAfter=maybe(NUMBERS),
    durationRegistered=maybe(NUMBERS),
    q=maybe(PRIORITIES),
    callId=maybe(WORDS),
    cseq=maybe(NUMBERS),
    parameters=st.dictionaries(WORDS, WORDS, max_size=2),
    **REST,
)
_REGISTRATIONS = st.builds(Registration, WORDS, WORDS, st.sampled_from(REGISTRATION_STATES), several(_CONTACTS), **REST)
_DOCUMENTS = st.builds(RegInfo, NUMBERS, st.sampled_from(("full", "partial")), several(_REGISTRATIONS), **REST)


class ReadingTests(DocumentCase):
    def test_kamailio(self) -> None:
        """Every attribute and element of section 5.1."""
        document = RegInfo.parse(KAMAILIO)
        self.assertEqual((document.version, document.state), (2, "full"))
        first, second = document.registrations
        self.assertEqual((first.aor, first.id, first.state), ("sip:alice@ims.example.com", "0x7f3a90", "active"))
        self.assertEqual(second, Registration("tel:+15551234", "0x7f3a91", "init"))
        (contact,) = first.contacts
        self.assertEqual(
            (contact.uri, contact.state, contact.event), ("sip:alice@192.0.2.1:5060", "active", "registered")
        )
        self.assertEqual((contact.displayName, contact.language), ("Alice's phone", "en"))
        self.assertEqual((contact.expires, contact.retryAfter, contact.durationRegistered), (3600, 5, 60))
        self.assertEqual((contact.q, contact.callId, contact.cseq), (0.5, "x@192.0.2.1", 20))
        self.assertEqual(contact.parameters, {"+g.3gpp.smsip": "", "+sip.instance": '"<urn:uuid:1>"'})
        self.assertEqual(contact.elements[0].attributes, {"uri": "sip:alice@ims.example.com;gr=1"})
        self.written(document)
        self.assertIn(b"<gr:pub-gruu ", document.toBytes())

    def test_mandatory(self) -> None:
        """Section 5.4: the schema."""
        self.refusesWithout(
            RegInfo,
            KAMAILIO,
            b' version="2"', b' state="full"', b' aor="sip:alice@ims.example.com"', b' id="0x7f3a90"',
            b' state="active"', b' id="0x7f3b10"', b' event="registered"', b"<uri>sip:alice@192.0.2.1:5060</uri>",
            b' name="+sip.instance"',
        )  # fmt: skip
        self.refuses(RegInfo, KAMAILIO.replace(b'10" state="active"', b'10"'))

    def test_malformed(self) -> None:
        for old, new in (
            (b'version="2"', b'version="two"'), (b'state="full"', b'state="Full"'), (b'state="init"', b'state="new"'),
            (b'10" state="active"', b'10" state="init"'), (b'"3600"', b'"-1"'),
            (b'q="0.500"', b'q="2"'), (b'cseq="20"', b'cseq="4294967296"'), (b'"60"', b'"1m"'), (b'"5"', b'"soon"'),
            (b"<uri>", b"<uri/><uri>"), (b"ns:reginfo", b"ns:x"),
        ):  # fmt: skip
            self.assertIn(old, KAMAILIO)
            self.refuses(RegInfo, KAMAILIO.replace(old, new))

    def test_unknownEvent(self) -> None:
        """Kamailio says "unknown" of what it has no word for: the contact is told all the same."""
        document = RegInfo.parse(KAMAILIO.replace(b'"registered"', b'"unknown"'))
        self.assertEqual(document.registrations[0].contacts[0].event, "unknown")
        self.written(document)

    def test_empty(self) -> None:
        """Section 5.1: there may be no registration."""
        self.written(RegInfo(5, "partial"))

    @EXAMPLES
    @given(st.integers(0), st.binary(max_size=3))
    def test_damaged(self, place: int, junk: bytes) -> None:
        place %= len(KAMAILIO)
        self.survives(RegInfo, KAMAILIO[:place] + junk + KAMAILIO[place + len(junk) :])

    @EXAMPLES
    @given(_DOCUMENTS)
    def test_whatever(self, document: RegInfo) -> None:
        self.written(document)

    def test_values(self) -> None:
        for wrong in (
            lambda: Contact("c", "sip:a@b", "init"),
            lambda: Contact("c", "sip:a@b", q=-0.1),
            lambda: Registration("sip:a@b", "r", "new"),
            lambda: RegInfo(0, "half"),
            lambda: RegInfo(0, "full", (Registration("sip:\0", "r", "init"),)).toBytes(),
        ):
            self.assertRaises(InvalidValue, wrong)


class PartialTests(DocumentCase):
    def test_rows(self) -> None:
        """Section 5.2: registrations and contacts are added, replaced, and removed when they have terminated."""
        one, two, three = (Contact(id, f"sip:{id}@b") for id in "123")
        latest: Latest[RegInfo] = Latest()
        latest.received(
            RegInfo(
                0, "full", (Registration("sip:a@b", "a", "active", (one, two)), Registration("sip:c@b", "c", "init"))
            )
        )
        gone = Contact("1", "sip:1@b", "terminated", "expired")
        refreshed = Contact("2", "sip:2@b", event="refreshed", expires=60)
        partial = RegInfo(
            1,
            "partial",
            (
                Registration("sip:a@b", "a", "active", (gone, refreshed, three)),
                Registration("sip:d@b", "d", "active", (one, gone)),
            ),
        )
        self.assertFalse(latest.received(partial))
        self.assertEqual(
            latest.document,
            RegInfo(
                1,
                "full",
                (
                    Registration("sip:a@b", "a", "active", (refreshed, three)),
                    Registration("sip:c@b", "c", "init"),
                    Registration("sip:d@b", "d", "active"),
                ),
            ),
        )

    def test_terminated(self) -> None:
        """The last contact has gone, and the registration with it."""
        known = RegInfo(0, "full", (Registration("sip:a@b", "a", "active", (Contact("1", "sip:1@b"),)),))
        gone = Contact("1", "sip:1@b", "terminated", "unregistered")
        partial = RegInfo(1, "partial", (Registration("sip:a@b", "a", "terminated", (gone,)),))
        self.assertEqual(known.withPartial(partial), RegInfo(1))
