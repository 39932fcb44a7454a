"""
Whatever an application gives as its description: the o= line follows on what we said before (RFC 3264 section 8).
"""

from tests.ua.calling import ANSWER, OFFER
from tests.ua.changing import MOVED, MOVED_ANSWER, ChangeCase, newer
from twisted_sipdialog.delegates import DialogDelegate

THEIRS = newer(ANSWER, (b"4002", b"4020"))
#: Another description than OFFER, under the o= line of OFFER.
SAME_ORIGIN = OFFER.replace(b"4000", b"4010")
#: Another session altogether.
STRANGE = SAME_ORIGIN.replace(b"o=- 1 1 ", b"o=me 77 5 ")


class Own(DialogDelegate):
    """Answers every change with C{body}."""

    def __init__(self, body):
        self._body = body

    def inviteReceived(self, context):
        context.accept(body=self._body)

    updateReceived = inviteReceived


class VersionTests(ChangeCase):
    def test_answers(self):
        """
        In the 2xx to a re-INVITE or UPDATE: the same session, one version on; verbatim where it says so itself.
        """
        for method in ("INVITE", "UPDATE"):
            for body, said in ((SAME_ORIGIN, MOVED), (STRANGE, MOVED), (MOVED, MOVED), (OFFER, OFFER)):
                self.stand(delegate=Own(body))
                ok = self.fromPeer(method, THEIRS)
                self.assertEqual((ok.statusCode, ok.body), (200, said), method)
                if method == "INVITE":
                    self.peer.ack(ok)
                    self.network.advance(0.1)
                self.assertEqual(self.dialog.local.sdp, said)
                self.dialog.destroy()
                self.endsBye()

    def test_lateAnswer(self):
        """
        In the ACK.
        """
        self.stand()
        changing, request = self.reinvite(None)
        self.peer.respond(request, 200, body=THEIRS)
        self.network.advance(0.1)
        late = self.successResultOf(changing)
        self.assertEqual(self.successResultOf(late.answer(SAME_ORIGIN)), MOVED)
        self.network.advance(0.1)
        ack = [m for m in self.peer.received if getattr(m, "method", "") == "ACK"][-1]
        self.assertEqual((ack.body, self.dialog.local.sdp), (MOVED, MOVED))
        self.hangUp()

    def test_refusedVersion(self):
        """
        The version of an offer that was refused is not given to another one: the peer has seen it.
        """
        self.stand()
        _changing, request = self.reinvite(SAME_ORIGIN)
        self.assertEqual(request.body, MOVED)
        self.refuse(request, 488)
        for given in (SAME_ORIGIN.replace(b"4010", b"4014"), MOVED.replace(b"4010", b"4014")):
            _changing, request = self.reinvite(given)
            self.assertEqual(request.body, newer(OFFER, (b"4000", b"4014"), version=2))
            self.refuse(request, 488)
        changing, request = self.reinvite(SAME_ORIGIN)
        self.assertEqual(request.body, newer(OFFER, (b"4000", b"4010"), version=3))
        self.accept(request)
        self.assertEqual(self.successResultOf(changing), MOVED_ANSWER)
        self.hangUp()

    def test_refusedHold(self):
        """
        Also where the refused one was made by the session description; what is no SDP has no version.
        """
        self.stand()
        for what, version in (("hold", 2), (b"v=what", 3)):
            _changing, request = self.reinvite(what)
            self.refuse(request, 488)
            _changing, request = self.reinvite(SAME_ORIGIN.replace(b"4010", b"401%d" % version))
            self.assertEqual(request.body, newer(OFFER, (b"4000", b"401%d" % version), version=version))
            self.refuse(request, 488)
        self.hangUp()

    def test_refusedThenAnswer(self):
        """
        Nor to an answer of the application, in a 2xx or in an ACK.
        """
        later = newer(OFFER, (b"4000", b"4010"), version=2)
        for method in ("INVITE", "UPDATE", "ACK"):
            self.stand(delegate=Own(SAME_ORIGIN))
            _changing, request = self.reinvite("hold")
            self.refuse(request, 488)
            if method == "ACK":
                changing, request = self.reinvite(None)
                self.peer.respond(request, 200, body=THEIRS)
                self.network.advance(0.1)
                self.successResultOf(changing).answer(SAME_ORIGIN)
            else:
                ok = self.fromPeer(method, THEIRS)
                self.assertEqual(ok.body, later)
                if method == "INVITE":
                    self.peer.ack(ok)
            self.network.advance(0.1)
            self.assertEqual(self.dialog.local.sdp, later, method)
            self.hangUp()

    def test_glare(self):
        """
        An offer that met one of the peer's, which was answered meanwhile, is tried again as the next one after that.
        """
        self.standWithMedia()
        changing, request = self.reinvite(SAME_ORIGIN)
        self.assertEqual(request.body, MOVED)
        self.refuse(request, 491)
        ok = self.fromPeer("INVITE", THEIRS + b"a=sendonly\r\n")
        self.assertIn(b"o=- 1 2 ", ok.body)
        self.peer.ack(ok)
        request = self.peer.expect("INVITE", 5)
        self.assertEqual(request.body, newer(OFFER, (b"4000", b"4010"), version=2))
        self.accept(request)
        self.successResultOf(changing)
        self.hangUp()

    def test_otherType(self):
        """
        What is no SDP goes out as it is.
        """
        self.stand()
        _changing, request = self.reinvite(b"v=0 or so", contentType="text/plain")
        self.assertEqual(request.body, b"v=0 or so")
        self.refuse(request, 415)
        self.hangUp()
