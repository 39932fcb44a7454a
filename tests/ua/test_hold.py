"""
Hold, by either side (RFC 3264 section 8.4, RFC 6337 section 5.3).
"""

from tests.ua.calling import ANSWER, OFFER
from tests.ua.changing import MOVED, THEIR_HOLD, ChangeCase, newer
from twisted_sipdialog.errors import InvalidState, ResponseError
from twisted_sipdialog.message.sdp import SessionDescription, answerDirection

#: Four media: sendrecv by default, recvonly, inactive, and one that is refused.
MANY = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0\r\n"
    b"m=audio 4002 RTP/AVP 8\r\na=recvonly\r\n"
    b"m=video 4004 RTP/AVP 31\r\na=inactive\r\n"
    b"m=video 4006 RTP/AVP 34\r\na=sendonly\r\n"
)
MANY_ANSWER = (
    b"v=0\r\no=- 9 9 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
    b"m=audio 5000 RTP/AVP 0\r\n"
    b"m=audio 5002 RTP/AVP 8\r\na=sendonly\r\n"
    b"m=video 5004 RTP/AVP 31\r\na=inactive\r\n"
    b"m=video 0 RTP/AVP 34\r\n"
)


def directions(sdp):
    return [media.direction for media in SessionDescription.parse(sdp).media]


def mirrored(offer, answer=ANSWER, version=1):
    """C{answer} to C{offer}, all of it taken."""
    description = SessionDescription.parse(answer)
    for n, direction in enumerate(directions(offer)):
        description = description.withDirection(answerDirection(direction, "sendrecv"), n)
    return newer(description.toBytes(), version=version)


class HoldTests(ChangeCase):
    def change(self, what, sent, answer=ANSWER, code=200, **how):
        """Ask for it, see what is sent, and let the peer answer."""
        changing = self.modify(what, **how)
        request = self.peer.expect(how.get("method", "INVITE"), 1)
        self.assertEqual(directions(request.body), sent, what)
        if code == 200:
            self.accept(request, mirrored(request.body, answer))
            self.assertEqual(self.dialog.local.sdp, request.body)
            return self.successResultOf(changing)
        self.refuse(request, code)
        return self.failureResultOf(changing, ResponseError)

    def test_holdAndUnhold(self):
        """
        sendrecv becomes sendonly, then sendrecv again; each under the next version of the o= line.
        """
        for arguments in ({"body": OFFER}, {"body": None, "media": None}):
            if "media" in arguments:
                self.standWithMedia()
            else:
                self.stand(**arguments)
            for method in ("INVITE", "UPDATE"):
                version = SessionDescription.parse(self.dialog.local.sdp).origin.version
                self.change("hold", ["sendonly"], method=method)
                self.assertTrue(self.dialog.onHold)
                self.assertEqual(SessionDescription.parse(self.dialog.local.sdp).origin.version, version + 1)
                self.change("unhold", ["sendrecv"], method=method)
                self.assertFalse(self.dialog.onHold)
                self.assertEqual(SessionDescription.parse(self.dialog.local.sdp).origin.version, version + 2)
                self.assertEqual(SessionDescription.parse(self.dialog.local.sdp).origin.sessionId, "1")
            self.hangUp()

    def test_twice(self):
        """
        RFC 3264 section 8: what changes nothing keeps its version.
        """
        self.stand()
        self.change("hold", ["sendonly"])
        before = self.dialog.local.sdp
        self.change("hold", ["sendonly"])
        self.assertEqual(self.dialog.local.sdp, before)

    def test_several(self):
        """
        Each of the media for itself: sendrecv becomes sendonly, recvonly inactive; what is refused stays so.
        """
        self.stand(body=MANY, answer=MANY_ANSWER)
        changing, request = self.reinvite("hold")
        offered = SessionDescription.parse(request.body)
        self.assertEqual(directions(request.body)[:3], ["sendonly", "inactive", "inactive"])
        self.assertEqual([m.type for m in offered.media], ["audio", "audio", "video", "video"])
        self.accept(request, newer(MANY_ANSWER, (b"0\r\nm=audio 5002 RTP/AVP 8\r\na=sendonly",
                    b"0\r\na=recvonly\r\nm=audio 5002 RTP/AVP 8\r\na=inactive")))  # fmt: skip
        self.successResultOf(changing)
        self.assertTrue(self.dialog.onHold)
        changing, request = self.reinvite("unhold")
        self.assertEqual(directions(request.body)[:3], ["sendrecv", "recvonly", "inactive"])
        self.accept(request, newer(MANY_ANSWER, version=2))
        self.successResultOf(changing)
        self.assertFalse(self.dialog.onHold)

    def test_directions(self):
        """
        A direction limits each of the media until the next one is asked for.
        """
        self.stand()
        for what in ("sendonly", "recvonly", "inactive", "sendrecv", "inactive", "recvonly", "sendonly"):
            self.change(what, [what])
            # A peer that only sends wants nothing sent, either.
            self.assertEqual(self.dialog.onHold, what != "sendrecv", what)

    def test_refused(self):
        """
        Section 14.1: a refused hold is none, a refused unhold leaves the hold; so after an unusable answer.
        """
        self.stand()
        self.change("hold", ["sendonly"], code=488)
        self.asBefore()
        self.change("hold", ["sendonly"])
        held = self.session()
        self.change("unhold", ["sendrecv"], code=500)
        self.assertEqual((self.session(), self.dialog.onHold), (held, True))
        changing, request = self.reinvite("unhold")
        self.accept(request, b"")
        self.failureResultOf(changing)
        self.assertEqual(self.session(), held)
        # What is answered meanwhile is within the hold.
        ok = self.fromPeer("INVITE", newer(ANSWER, (b"4002", b"4008"), version=5))
        self.peer.ack(ok)
        self.assertEqual(directions(ok.body), ["sendonly"])
        self.network.advance(0.1)
        self.change("unhold", ["sendrecv"], newer(ANSWER, version=6))

    def test_nothingHeld(self):
        """
        Nothing is held: there is nothing to end.
        """
        self.stand()
        self.failureResultOf(self.modify("unhold"), InvalidState)
        self.assertEqual(self.count("INVITE"), 1)
        # That the peer holds us is not ours to end.
        self.peer.ack(self.fromPeer("INVITE", THEIR_HOLD))
        self.network.advance(0.1)
        self.assertTrue(self.dialog.onHold)
        self.failureResultOf(self.modify("unhold"), InvalidState)
        self.works()

    def test_queued(self):
        """
        What counts is what is held when its turn comes: an unhold right behind a hold ends it; a second has nothing.
        """
        self.stand()
        changes = [self.modify(what) for what in ("hold", "unhold", "unhold")]
        for sent in ("sendonly", "sendrecv"):
            request = self.peer.expect("INVITE", 1)
            self.assertEqual(directions(request.body), [sent])
            self.accept(request, mirrored(request.body))
        self.network.advance(1)
        for changing in changes[:2]:
            self.successResultOf(changing)
        self.failureResultOf(changes[2], InvalidState)
        self.assertEqual((self.count("INVITE"), self.dialog.onHold), (3, False))

    def test_bothHold(self):
        """
        RFC 6337 section 5.3: held by both, the media are inactive; who ends its hold first does not end the other's.
        """
        self.stand()
        self.peer.ack(self.fromPeer("INVITE", THEIR_HOLD))
        self.network.advance(0.1)
        self.assertEqual(directions(self.dialog.local.sdp), ["recvonly"])
        changing, request = self.reinvite("hold")
        self.assertEqual(directions(request.body), ["sendonly"])
        self.accept(request, newer(THEIR_HOLD.replace(b"sendonly", b"inactive")))
        self.successResultOf(changing)
        ok = self.fromPeer("INVITE", newer(ANSWER, version=4))
        self.peer.ack(ok)
        self.network.advance(0.1)
        self.assertEqual(directions(ok.body), ["sendonly"])
        self.assertTrue(self.dialog.onHold)
        self.change("unhold", ["sendrecv"], newer(ANSWER, version=5))
        self.assertFalse(self.dialog.onHold)

    def test_theirs(self):
        """
        onHold tells of the peer's hold as well, also by the address 0.0.0.0 of former times (8.4).
        """
        self.stand()
        for version, (offer, held, answered) in enumerate(
            [
                (ANSWER + b"a=sendonly\r\n", True, "recvonly"),
                (ANSWER, False, "sendrecv"),
                (ANSWER + b"a=inactive\r\n", True, "inactive"),
                (ANSWER.replace(b"c=IN IP4 192.0.2.2", b"c=IN IP4 0.0.0.0"), True, "recvonly"),
                (ANSWER + b"a=recvonly\r\n", False, "sendonly"),
            ],
            start=1,
        ):
            ok = self.fromPeer("INVITE", newer(offer, version=version))
            self.peer.ack(ok)
            self.network.advance(0.1)
            self.assertEqual(directions(ok.body), [answered])
            # Our sendonly is no hold of ours, but the peer's wish.
            self.assertEqual(self.dialog.onHold, held or answered == "sendonly", offer)

    def test_bytesWhileHeld(self):
        """
        A description that is given says itself what is held.
        """
        self.stand()
        self.change("hold", ["sendonly"])
        self.change(newer(MOVED, version=7), ["sendrecv"])
        self.assertFalse(self.dialog.onHold)
