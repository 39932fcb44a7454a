"""
C{application/dialog-info+xml} (RFC 4235).
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.event.cases import EXAMPLES, NUMBERS, REST, TEXT, WORDS, DocumentCase, maybe, several
from twisted_sipdialog.dialog.state_change import STATES
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.event.dialog_info import NAMESPACE, Dialog, DialogId, DialogInfo, Identity, Participant
from twisted_sipdialog.event.xml_body import clark

SNOM = b"""<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="7" state="partial" entity="sip:200@pbx.example.com">
 <dialog id="d-1f" call-id="3c26700857a87f84@192.0.2.5" local-tag="evjw6" remote-tag="as5ad" direction="recipient">
  <state event="remote-bye" code="200">terminated</state>
  <duration>12</duration>
  <replaces call-id="old@192.0.2.5" local-tag="l" remote-tag="r"/>
  <referred-by display="Carol">sip:carol@example.com</referred-by>
  <route-set><hop>sip:proxy.example.com;lr</hop></route-set>
  <local>
   <identity display="Desk">sip:200@pbx.example.com</identity>
   <target uri="sip:200@192.0.2.5:5060;line=x">
    <param pname="+sip.rendering" pval="no"/><param pname="x" pval=""/>
   </target>
   <cseq>3</cseq>
  </local>
  <remote>
   <identity display="Bob &amp; Co">sip:bob@example.com</identity>
   <session-description type="application/sdp">v=0
o=- 1 1 IN IP4 192.0.2.9</session-description>
  </remote>
 </dialog>
</dialog-info>
"""
#: Its states begin with capitals, its tags may be empty.
KAMAILIO = b"""<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="00000000003" state="full" entity="sip:1@example.com">
  <dialog id="a84b4c76e66710@pc33" call-id="a84b4c76e66710@pc33" local-tag="" remote-tag="" direction="initiator">
    <state>Trying</state>
    <remote><identity>sip:2@example.com</identity><target uri="sip:2@example.com"/></remote>
  </dialog></dialog-info>
"""
ASTERISK = b"""<?xml version="1.0" encoding="UTF-8"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="1" state="full" entity="sip:100@example.com">
 <dialog id="100"><state>confirmed</state></dialog></dialog-info>
"""

_IDENTITIES = st.builds(Identity, WORDS, maybe(TEXT))
_NONEMPTY = maybe(WORDS.filter(bool))
_PARTICIPANTS = st.builds(Participant, maybe(_IDENTITIES), maybe(WORDS), st.just({}), **REST) | st.builds(
    Participant, maybe(_IDENTITIES), WORDS, st.dictionaries(WORDS, WORDS, max_size=2), **REST
)
_DIALOGS = st.builds(
    Dialog,
    WORDS,
    st.sampled_from(STATES),
    maybe(st.sampled_from(("cancelled", "remote-bye"))),
    maybe(st.integers(100, 699)),
    _NONEMPTY,
    _NONEMPTY,
    _NONEMPTY,
    st.sampled_from((None, "initiator", "recipient")),
    maybe(NUMBERS),
    maybe(st.builds(DialogId, WORDS, WORDS, WORDS)),
    maybe(_IDENTITIES),
    maybe(_PARTICIPANTS),
    maybe(_PARTICIPANTS),
    **REST,
)
_DOCUMENTS = st.builds(DialogInfo, WORDS, NUMBERS, st.sampled_from(("full", "partial")), several(_DIALOGS), **REST)


class ReadingTests(DocumentCase):
    def test_snom(self) -> None:
        """Every element of section 4.1; those that nothing here reads are kept."""
        document = DialogInfo.parse(SNOM)
        self.assertEqual((document.entity, document.version, document.state), ("sip:200@pbx.example.com", 7, "partial"))
        (dialog,) = document.dialogs
        self.assertEqual((dialog.state, dialog.event, dialog.code), ("terminated", "remote-bye", 200))
        self.assertEqual((dialog.id, dialog.callId), ("d-1f", "3c26700857a87f84@192.0.2.5"))
        self.assertEqual((dialog.localTag, dialog.remoteTag, dialog.direction), ("evjw6", "as5ad", "recipient"))
        self.assertEqual(dialog.duration, 12)
        self.assertEqual(dialog.replaces, DialogId("old@192.0.2.5", "l", "r"))
        self.assertEqual(dialog.referredBy, Identity("sip:carol@example.com", "Carol"))
        self.assertEqual(dialog.elements[0].children[0].text, "sip:proxy.example.com;lr")
        assert dialog.local is not None and dialog.remote is not None
        self.assertEqual(dialog.local.identity, Identity("sip:200@pbx.example.com", "Desk"))
        self.assertEqual(dialog.local.target, "sip:200@192.0.2.5:5060;line=x")
        self.assertEqual(dialog.local.parameters, {"+sip.rendering": "no", "x": ""})
        self.assertEqual(dialog.local.elements[0].text, "3")
        self.assertEqual(
            (dialog.remote.identity, dialog.remote.target), (Identity("sip:bob@example.com", "Bob & Co"), None)
        )
        self.assertEqual(dialog.remote.elements[0].attributes, {"type": "application/sdp"})
        self.written(document)

    def test_kamailio(self) -> None:
        document = DialogInfo.parse(KAMAILIO)
        self.assertEqual(document.version, 3)
        (dialog,) = document.dialogs
        self.assertEqual((dialog.state, dialog.localTag, dialog.remoteTag), ("trying", None, None))
        self.assertEqual(dialog.remote, Participant(Identity("sip:2@example.com"), "sip:2@example.com"))
        self.written(document)

    def test_asterisk(self) -> None:
        document = DialogInfo.parse(ASTERISK)
        self.assertEqual(document, DialogInfo("sip:100@example.com", 1, "full", (Dialog("100", "confirmed"),)))
        self.written(document)

    def test_mandatory(self) -> None:
        """Section 4.4: the schema."""
        self.refusesWithout(
            DialogInfo,
            SNOM,
            b' version="7"', b' state="partial"', b' entity="sip:200@pbx.example.com"', b' id="d-1f"',
            b'<state event="remote-bye" code="200">terminated</state>', b' uri="sip:200@192.0.2.5:5060;line=x"',
            b' pname="+sip.rendering"', b' call-id="old@192.0.2.5"', b' local-tag="l"', b' remote-tag="r"',
        )  # fmt: skip

    def test_malformed(self) -> None:
        for old, new in (
            (b'version="7"', b'version="-1"'), (b'version="7"', b'version="4294967296"'),
            (b'state="partial"', b'state="half"'), (b">terminated<", b">over<"), (b">terminated<", b"><"),
            (b'"recipient"', b'"callee"'), (b'code="200"', b'code="2_0"'), (b'code="200"', b'code="99"'),
            (b'code="200"', b'code="700"'), (b">12<", b">12s<"), (b"<duration>", b"<duration>1</duration><duration>"),
            (b"ns:dialog-info", b"ns:reginfo"), (b"dialog-info", b"dialog"),
        ):  # fmt: skip
            self.refuses(DialogInfo, SNOM.replace(old, new))

    @EXAMPLES
    @given(st.sampled_from((SNOM, KAMAILIO)), st.integers(0), st.binary(max_size=3))
    def test_damaged(self, body: bytes, place: int, junk: bytes) -> None:
        place %= len(body)
        self.survives(DialogInfo, body[:place] + junk + body[place + len(junk) :])

    @EXAMPLES
    @given(_DOCUMENTS)
    def test_whatever(self, document: DialogInfo) -> None:
        self.written(document)

    def test_values(self) -> None:
        for wrong in (
            lambda: Dialog("a", "busy"),
            lambda: Dialog("a", "early", direction="callee"),
            lambda: DialogInfo("sip:a@b", state="half"),
            lambda: DialogInfo("sip:a@b\0").toBytes(),
        ):
            self.assertRaises(InvalidValue, wrong)


class PartialTests(DocumentCase):
    def test_rows(self) -> None:
        """Section 4.3: rows are added, replaced whole, and removed when they have terminated."""
        extra = clark(NAMESPACE, "x")
        known = DialogInfo(
            "sip:a@b",
            3,
            dialogs=(Dialog("a", "confirmed"), Dialog("b", "early", callId="x"), Dialog("c", "early")),
            attributes={extra: "1"},
        )
        partial = DialogInfo(
            "sip:a@b",
            4,
            "partial",
            (Dialog("b", "confirmed"), Dialog("a", "terminated", "remote-bye"), Dialog("d", "trying")),
        )
        self.assertEqual(
            known.withPartial(partial),
            DialogInfo(
                "sip:a@b",
                4,
                dialogs=(Dialog("b", "confirmed"), Dialog("c", "early"), Dialog("d", "trying")),
                attributes={extra: "1"},
            ),
        )

    def test_unknownTerminated(self) -> None:
        """One that came and went between two documents leaves nothing."""
        known = DialogInfo("sip:a@b")
        partial = DialogInfo("sip:a@b", 1, "partial", (Dialog("x", "terminated", "rejected", 486),))
        self.assertEqual(known.withPartial(partial).dialogs, ())
