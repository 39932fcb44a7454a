"""
C{application/conference-info+xml} (RFC 4575).
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.event.cases import EXAMPLES, NUMBERS, REST, WORDS, DocumentCase, maybe, several
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.event.conference import ConferenceInfo
from twisted_sipdialog.event.conference_about import NAMESPACE, STATES, Description, Host, State, Uri, Uris
from twisted_sipdialog.event.conference_users import Endpoint, Media, User, Users
from twisted_sipdialog.event.versions import Latest
from twisted_sipdialog.event.xml_body import Element, clark

WHOLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" xmlns:v="urn:example:vendor"
 entity="sip:room5@conf.example.com" state="full" version="1">
 <conference-description xml:lang="en">
  <display-text>Weekly</display-text><subject>Plans</subject>
  <free-text>Bring tea</free-text><keywords>plans tea</keywords>
  <conf-uris>
   <entry><uri>tel:+15551234</uri><display-text>By phone</display-text><purpose>participation</purpose></entry>
  </conf-uris>
  <service-uris><entry><uri>http://conf.example.com/</uri><purpose>web-page</purpose></entry></service-uris>
  <maximum-user-count>50</maximum-user-count>
  <available-media><entry label="10"><type>audio</type></entry></available-media>
 </conference-description>
 <host-info><display-text>Example</display-text><web-page>http://example.com/</web-page>
  <uris state="full"><entry><uri>sip:host@example.com</uri></entry></uris></host-info>
 <conference-state><user-count>3</user-count><active>true</active><locked>0</locked><v:recording>yes</v:recording></conference-state>
 <users>
  <user entity="sip:bob@example.com" state="full">
   <display-text>Bob</display-text>
   <associated-aors><entry><uri>mailto:bob@example.com</uri></entry></associated-aors>
   <roles><entry>participant</entry><entry>speaker</entry></roles>
   <languages>en fr</languages>
   <endpoint entity="sip:bob@pc7.example.com">
    <display-text>Laptop</display-text>
    <referred><when>2024-05-06T07:08:09Z</when><reason>expert</reason><by>sip:mike@example.com</by></referred>
    <status>connected</status>
    <joining-method>dialed-in</joining-method>
    <disconnection-method>departed</disconnection-method>
    <media id="1"><display-text>main audio</display-text><type>audio</type><label>34567</label><src-id>432424</src-id>
     <status>sendrecv</status></media>
    <call-info><sip><call-id>h7</call-id><from-tag>f</from-tag><to-tag>t</to-tag></sip></call-info>
   </endpoint>
  </user>
  <user entity="sip:carol@example.com"><endpoint entity="sip:carol@pc8.example.com"/></user>
 </users>
 <sidebars-by-ref/>
</conference-info>
"""

_MEDIA = st.builds(Media, WORDS, maybe(WORDS), maybe(WORDS), maybe(WORDS), maybe(WORDS), maybe(WORDS), **REST)
_STATES = st.sampled_from(STATES)
_URIS = st.builds(Uris, several(st.builds(Uri, WORDS, maybe(WORDS), maybe(WORDS), **REST)), _STATES, **REST)
_ENDPOINTS = st.builds(
    Endpoint, maybe(WORDS), _STATES, maybe(WORDS), maybe(WORDS), maybe(WORDS), maybe(WORDS), several(_MEDIA), **REST
)
_USERS = st.builds(User, maybe(WORDS), _STATES, maybe(WORDS), several(WORDS), several(_ENDPOINTS), **REST)
_TRUTH = st.sampled_from((None, True, False))
_DESCRIPTIONS = st.builds(
    Description, maybe(WORDS), maybe(WORDS), maybe(WORDS), maybe(WORDS), maybe(_URIS), maybe(NUMBERS), **REST
)
_DOCUMENTS = st.builds(
    ConferenceInfo,
    WORDS,
    NUMBERS,
    _STATES,
    maybe(_DESCRIPTIONS),
    maybe(st.builds(Host, maybe(WORDS), maybe(WORDS), maybe(_URIS), **REST)),
    maybe(st.builds(State, maybe(NUMBERS), _TRUTH, _TRUTH, **REST)),
    maybe(st.builds(Users, several(_USERS), _STATES, **REST)),
    **REST,
)


class ReadingTests(DocumentCase):
    def test_conference(self) -> None:
        """Section 5: the conference, its host, how it is."""
        document = ConferenceInfo.parse(WHOLE)
        self.assertEqual((document.entity, document.state, document.version), ("sip:room5@conf.example.com", "full", 1))
        about, host, state = document.description, document.host, document.conferenceState
        assert about is not None and host is not None and state is not None
        self.assertEqual((about.displayText, about.subject, about.freeText), ("Weekly", "Plans", "Bring tea"))
        self.assertEqual((about.keywords, about.maximumUserCount), ("plans tea", 50))
        self.assertEqual(about.uris, Uris((Uri("tel:+15551234", "By phone", "participation"),)))
        self.assertEqual([element.local for element in about.elements], ["service-uris", "available-media"])
        self.assertEqual((host.displayText, host.webPage), ("Example", "http://example.com/"))
        self.assertEqual(host.uris, Uris((Uri("sip:host@example.com"),)))
        self.assertEqual((state.userCount, state.active, state.locked), (3, True, False))
        self.assertEqual(state.elements, (Element("{urn:example:vendor}recording", {}, ("yes",)),))
        self.assertEqual([element.local for element in document.elements], ["sidebars-by-ref"])
        self.written(document)

    def test_users(self) -> None:
        """Section 5: users, their endpoints, their media."""
        bob, carol = ConferenceInfo.parse(WHOLE).participants
        self.assertEqual((bob.entity, bob.state, bob.displayText), ("sip:bob@example.com", "full", "Bob"))
        self.assertEqual(bob.roles, ("participant", "speaker"))
        self.assertEqual([element.local for element in bob.elements], ["associated-aors", "languages"])
        (endpoint,) = bob.endpoints
        self.assertEqual((endpoint.entity, endpoint.displayText), ("sip:bob@pc7.example.com", "Laptop"))
        self.assertEqual((endpoint.status, endpoint.joiningMethod), ("connected", "dialed-in"))
        self.assertEqual(endpoint.disconnectionMethod, "departed")
        self.assertEqual(endpoint.media, (Media("1", "audio", "main audio", "34567", "432424", "sendrecv"),))
        self.assertEqual([element.local for element in endpoint.elements], ["referred", "call-info"])
        expected = User("sip:carol@example.com", endpoints=(Endpoint("sip:carol@pc8.example.com"),))
        self.assertEqual(carol, expected)

    def test_defaults(self) -> None:
        """An element that does not say is full; the schema lets the version be left out."""
        document = ConferenceInfo.parse(b'<conference-info xmlns="%s" entity="sip:a@b"/>' % NAMESPACE.encode())
        self.assertEqual(document, ConferenceInfo("sip:a@b"))
        self.assertEqual(document.participants, ())

    def test_mandatory(self) -> None:
        """The schema of RFC 4575."""
        self.refusesWithout(
            ConferenceInfo,
            WHOLE,
            b'entity="sip:room5@conf.example.com"', b' id="1"', b"<uri>tel:+15551234</uri>",
            b"<uri>sip:host@example.com</uri>",
        )  # fmt: skip

    def test_malformed(self) -> None:
        for old, new in (
            (b'version="1">', b'version="one">'), (b'state="full" v', b'state="all" v'),
            (b'com" state="full">', b'com" state="gone">'), (b">3<", b">three<"), (b">true<", b">yes<"),
            (b">50<", b">-1<"), (b"ns:conference-info", b"ns:x"), (b"<users>", b"<users/><users>"),
            (b"<status>connected", b"<status/><status>connected"),
        ):  # fmt: skip
            self.assertIn(old, WHOLE)
            self.refuses(ConferenceInfo, WHOLE.replace(old, new))

    @EXAMPLES
    @given(st.integers(0), st.binary(max_size=3))
    def test_damaged(self, place: int, junk: bytes) -> None:
        place %= len(WHOLE)
        self.survives(ConferenceInfo, WHOLE[:place] + junk + WHOLE[place + len(junk) :])

    @EXAMPLES
    @given(_DOCUMENTS)
    def test_whatever(self, document: ConferenceInfo) -> None:
        self.written(document)

    def test_values(self) -> None:
        for wrong in (
            lambda: ConferenceInfo("sip:a@b", state="half"),
            lambda: User(state="half"),
            lambda: Endpoint(state="half"),
            lambda: Users(state="half"),
            lambda: ConferenceInfo("sip:a@b", users=Users((User("sip:\0"),))).toBytes(),
        ):
            self.assertRaises(InvalidValue, wrong)


class PartialTests(DocumentCase):
    def setUp(self) -> None:
        self.latest: Latest[ConferenceInfo] = Latest()
        self.known = ConferenceInfo.parse(WHOLE)
        self.latest.received(self.known)

    def told(self, state: str = "partial", version: int = 2, **what: object) -> ConferenceInfo:
        """What is known after the next document."""
        partial = ConferenceInfo(self.known.entity, version, state, **what)  # type: ignore[arg-type]
        self.latest.received(ConferenceInfo.parse(partial.toBytes()))
        assert self.latest.document is not None
        return self.latest.document

    def test_nothing(self) -> None:
        """What is not named stays as it is."""
        after = self.told()
        self.assertEqual((after.version, after.state), (2, "full"))
        self.assertEqual(after.users, self.known.users)
        self.assertEqual((after.description, after.elements), (self.known.description, self.known.elements))

    def test_stateReplaced(self) -> None:
        """An element that is not partial takes the place of the one before."""
        after = self.told(conferenceState=State(userCount=4))
        self.assertEqual(after.conferenceState, State(userCount=4))
        self.assertEqual(after.participants, self.known.participants)

    def test_userJoins(self) -> None:
        """Partial users: a new one is added."""
        dave = User("sip:dave@example.com", displayText="Dave")
        after = self.told(users=Users((dave,), "partial"))
        self.assertEqual(after.participants, (*self.known.participants, dave))
        self.assertEqual(after.users and after.users.state, "full")

    def test_userReplaced(self) -> None:
        """A full user takes the place of the one with its entity."""
        bob = User("sip:bob@example.com", displayText="Robert")
        after = self.told(users=Users((bob,), "partial"))
        self.assertEqual(after.participants, (bob, self.known.participants[1]))

    def test_userLeaves(self) -> None:
        """A deleted one is gone; one that was never there changes nothing."""
        leaving = (User("sip:bob@example.com", "deleted"), User("sip:x@example.com", "deleted"))
        self.assertEqual(self.told(users=Users(leaving, "partial")).participants, self.known.participants[1:])

    def test_allUsers(self) -> None:
        """Full users are all there are."""
        dave = User("sip:dave@example.com")
        self.assertEqual(self.told(users=Users((dave,))).participants, (dave,))

    def test_partialOfNobody(self) -> None:
        """Section 4.6: a partial element that was not known before is new, as far as it is told."""
        erin = User("sip:erin@example.com", "partial", displayText="Erin")
        after = self.told(users=Users((erin,), "partial"))
        self.assertEqual([user.entity for user in after.participants[:-1]], [u.entity for u in self.known.participants])
        self.assertEqual((after.participants[-1].entity, after.participants[-1].displayText), (erin.entity, "Erin"))

    def test_endpoint(self) -> None:
        """A partial user with a partial endpoint: only what it names changes, at any depth."""
        media = Media("1", status="sendonly")
        endpoint = Endpoint("sip:bob@pc7.example.com", "partial", status="on-hold", media=(media, Media("2")))
        other = Endpoint("sip:bob@pc9.example.com")
        bob = User("sip:bob@example.com", "partial", endpoints=(endpoint, other))
        after, _ = self.told(users=Users((bob,), "partial")).participants
        before = self.known.participants[0]
        self.assertEqual((after.displayText, after.roles, after.state), ("Bob", before.roles, "full"))
        self.assertEqual(after.endpoints[1], other)
        changed = after.endpoints[0]
        self.assertEqual((changed.status, changed.displayText, changed.state), ("on-hold", "Laptop", "full"))
        self.assertEqual(changed.media, (media, Media("2")))
        self.assertEqual(changed.elements, before.endpoints[0].elements)

    def test_unknownElements(self) -> None:
        """What is not known here is merged by the same rules."""
        tag, key = clark(NAMESPACE, "sidebars-by-val"), clark(NAMESPACE, "entry")

        def sidebars(state: str, *entries: tuple[str, str]) -> Element:
            pieces = (Element(key, {"entity": entity, "state": how}) for entity, how in entries)
            return Element(tag, {"state": state}, tuple(pieces))

        self.told(elements=(sidebars("full", ("sip:1", "full"), ("sip:2", "full")),))
        after = self.told(version=3, elements=(sidebars("partial", ("sip:1", "deleted"), ("sip:3", "full")),))
        self.assertEqual(after.elements[-1], sidebars("full", ("sip:2", "full"), ("sip:3", "full")))

    def test_uris(self) -> None:
        """Entries are told by the URIs in them."""
        host = Host(uris=Uris((Uri("sip:new@example.com"),), "partial"), attributes={"state": "partial"})
        after = self.told(host=host)
        assert after.host is not None
        self.assertEqual(after.host.uris, Uris((Uri("sip:host@example.com"), Uri("sip:new@example.com"))))

    def test_deleted(self) -> None:
        """The conference is over."""
        self.assertEqual(self.told("deleted"), ConferenceInfo(self.known.entity, 2, "deleted"))
