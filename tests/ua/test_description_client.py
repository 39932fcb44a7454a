"""
The session descriptions of a call of ours (RFC 3261 sections 13.2.1, 13.2.2.4, RFC 3264).
"""

from twisted.internet.defer import Deferred, fail, succeed

from tests.ua.calling import ANSWER, BOB, OFFER, CallerCase, Media, Notes
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, ResponseError, TransportError
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription


class DescriptionTests(CallerCase):
    def media(self, media, **arguments):
        return self.invite(body=None, media=media, **arguments)

    def test_offer(self):
        """
        The media is made for the address of ours this peer reaches, offers, takes the answer, is closed once.
        """
        for media in (Media(), Media(offers=succeed(OFFER))):
            calling, invite = self.media(media)
            self.assertEqual((media.hosts, invite.body), ([self.network.addressOf(self.alice)[0]], OFFER))
            self.assertEqual(invite.headers.get("Content-Type"), "application/sdp")
            self.peer.respond(invite, 200, body=ANSWER)
            self.peer.expect("ACK")
            dialog = self.successResultOf(calling)
            self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (OFFER, ANSWER))
            dialog.destroy()
            self.endsBye()
            self.assertEqual(media.calls, ["offer", "update", "close"])

    def test_multipart(self):
        """
        The answer may be one part of the body (RFC 5621).
        """
        calling, invite = self.invite()
        text = b"Content-Type: text/plain\r\nContent-Disposition: info;handling=optional\r\n\r\nx\r\n"
        body = b"--b\r\n" + text + b"--b\r\nContent-Type: application/sdp\r\n\r\n" + ANSWER
        headers = {"Content-Type": "multipart/mixed;boundary=b"}
        self.peer.respond(invite, 200, headers=headers, body=body + b"\r\n--b--\r\n")
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(calling).remote.sdp, ANSWER)

    def test_offerFails(self):
        """
        Media that cannot offer fail the call before anything is sent.
        """
        for offers in (TransportError("no port"), fail(TransportError("no port")), ZeroDivisionError()):
            media = Media(offers=offers)
            calling = self.alice.invite(BOB, media=media)
            self.network.advance(1)
            self.assertIn(type(self.failureResultOf(calling).value), (TransportError, ZeroDivisionError))
            self.assertEqual(media.calls, ["offer", "close"])
        self.assertEqual(self.network.seenBy(self.alice), [])
        self.assertNothingLeft()

    def test_refused(self):
        """
        A refusal closes the media, once, however many early dialogs there are.
        """
        for tags in ((), ("t1",), ("t1", "t2", "t3")):
            media = Media()
            calling, invite = self.media(media)
            for tag in tags:
                self.fork(invite, 180, tag)
            self.peer.respond(invite, 486)
            self.network.advance(0.1)
            self.failureResultOf(calling, ResponseError)
            self.assertEqual(media.calls, ["offer", "close"], tags)

    def test_unusableAnswer(self):
        """
        Section 13.2.2.4: an answer that does not fit: ACK, BYE, and the call fails; so with none at all.
        """
        for body, updating in ((ANSWER, NotAcceptable("no")), (b"", None), (ANSWER, ZeroDivisionError())):
            media = Media(updating=updating)
            notes = Notes()
            calling, invite = self.media(media, delegate=notes)
            self.peer.respond(invite, 200, body=body)
            self.peer.expect("ACK")
            bye = self.peer.expect("BYE")
            self.assertEqual(bye.cseqNumber, invite.cseqNumber + 1)
            self.assertIn("488", bye.headers.get("Reason"))
            self.peer.respond(bye, 200)
            self.network.advance(0.1)
            self.failureResultOf(calling)
            self.assertEqual((len(notes.ended), notes.confirmed, media.calls[-1:]), (1, [], ["close"]))
            self.assertEqual(media.calls.count("close"), 1)
        self.assertNothingLeft()

    def declined(self):
        """Section 13.2.2.4: the ACK answers the offer with none of its media; the BYE comes behind it."""
        ack, bye = self.peer.received[-2:]
        self.assertEqual((ack.method, bye.method), ("ACK", "BYE"))
        self.assertEqual(ack.headers.get("Content-Type"), "application/sdp")
        self.assertEqual([media.port for media in SessionDescription.parse(ack.body).media], [0])

    def test_lateOfferUnwanted(self):
        """
        The offer of another 2xx that nobody waits for is answered all the same.
        """
        calling, invite = self.invite(body=b"", media=Media())
        for tag in ("one", "two"):
            headers = {"To": f"{invite.headers.get('to')};tag={tag}"}
            self.peer.respond(invite, 200, headers=headers, body=OFFER)
            self.network.advance(0.1)
        self.successResultOf(calling)
        self.declined()
        self.endsBye()

    def test_lateOffer(self):
        """
        Section 13.2.1: without an offer of ours the peer's is in the 2xx, and our answer in the ACK, in each copy.
        """
        for answers in (ANSWER, succeed(ANSWER)):
            media = Media(answers=answers)
            calling, invite = self.invite(body=b"", media=media)
            self.assertEqual((invite.body, invite.headers.get("Content-Type")), (b"", None))
            for _ in range(2):
                self.peer.respond(invite, 200, body=OFFER)
                ack = self.peer.expect("ACK")
                self.assertEqual((ack.body, ack.headers.get("Content-Type")), (ANSWER, "application/sdp"))
            self.successResultOf(calling)
            self.assertEqual(media.calls, ["answer"])

    def test_lateOfferTakesTime(self):
        """
        The answer may take a while; a 2xx that is repeated meanwhile changes nothing.
        """
        answers = Deferred()
        calling, invite = self.invite(body=b"", media=Media(answers=answers))
        for _ in range(3):
            self.peer.respond(invite, 200, body=OFFER)
            self.network.advance(1)
        self.assertNoResult(calling)
        self.assertEqual((self.count("ACK"), self.count("BYE")), (0, 0))
        answers.callback(ANSWER)
        self.assertEqual(self.peer.expect("ACK").body, ANSWER)
        self.successResultOf(calling)
        self.assertEqual(self.count("BYE"), 0)

    def test_lateOfferCancelled(self):
        """
        Cancelling while the answer is being made: ACK, BYE, media closed.
        """
        answers = Deferred()
        media = Media(answers=answers)
        calling, invite = self.invite(body=b"", media=media)
        self.peer.respond(invite, 200, body=OFFER)
        self.network.advance(0.1)
        calling.cancel()
        self.failureResultOf(calling)
        self.network.advance(0.1)
        self.declined()
        self.endsBye()
        self.assertEqual((self.notes.reasons, media.calls), ([Reason.LOCAL_CANCEL], ["answer", "close"]))
        self.assertNothingLeft()

    def test_lateOfferUnusable(self):
        """
        An offer in the 2xx that cannot be answered, or gets no answer: ACK, BYE, failure.  So with none at all.
        """
        for answers, body in ((NotAcceptable("no"), OFFER), (None, OFFER), (ANSWER, b"")):
            media = Media(answers=answers)
            calling, invite = self.invite(body=b"", media=media)
            self.peer.respond(invite, 200, body=body)
            self.network.advance(0.1)
            if body:
                self.declined()
            else:
                self.assertEqual(self.peer.received[-2].body, b"")
            self.endsBye()
            self.failureResultOf(calling)
            self.assertEqual(media.calls.count("close"), 1)
        self.assertNothingLeft()

    def test_offerIsNone(self):
        """
        What cannot be sent as an offer ends the call, and is told to who placed it.
        """
        for offer in (None, "v=0"):
            media = Media(offers=offer)
            calling = self.alice.invite(BOB, media=media)
            self.network.advance(0.1)
            self.failureResultOf(calling)
            self.assertEqual((media.calls, self.alice.leftovers()), (["offer", "close"], []))
            self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_offerInSpiteOfCancel(self):
        """
        A description that takes no cancelling for an answer: no INVITE goes out.
        """
        offers = Deferred()
        media = Media(offers=offers.addErrback(lambda _: OFFER))
        calling = self.alice.invite(BOB, media=media)
        self.network.advance(1)
        calling.cancel()
        self.network.advance(1)
        self.failureResultOf(calling)
        self.assertEqual((self.peer.received, media.calls), ([], ["offer", "close"]))
        self.assertNothingLeft()

    def test_endedBeforeTheAnswer(self):
        """
        A BYE while the answer to a late offer is being made, by a description that never comes to an end: the call is
        over, and the 2xx acknowledged so that it stops.
        """
        media = Media(answers=Deferred())
        calling, invite = self.invite(body=b"", media=media)
        ok = self.peer.respond(invite, 200, body=OFFER)
        self.network.advance(0.1)
        self.peer.request("BYE", within=ok)
        self.peer.expect("200 BYE")
        self.peer.expect("ACK")
        self.failureResultOf(calling, DialogTerminated)
        self.assertEqual((self.notes.reasons, media.calls), ([Reason.REMOTE_BYE], ["answer", "close"]))
        self.assertNothingLeft()

    def test_overWithBye(self):
        """
        Section 15.1.1: the media are over as soon as our BYE is sent, also if the peer never answers it; once.
        """
        media = Media()
        calling, invite = self.media(media)
        self.peer.respond(invite, 200, body=ANSWER)
        self.peer.expect("ACK")
        dialog = self.successResultOf(calling)
        destroying = dialog.destroy()
        self.assertEqual(media.calls[-1], "close")
        self.network.advance(40)
        self.successResultOf(destroying)
        self.assertEqual((media.calls.count("close"), self.notes.reasons), (1, [Reason.LOCAL_BYE]))
        self.assertNothingLeft()

    def test_closeRaises(self):
        """
        A description that cannot be closed is logged; everybody is told of the end all the same.
        """
        media = Media()
        media.close = lambda: 1 / 0
        dialog, _invite, _ack = self.call(body=None, media=media)
        ended = dialog.whenTerminated()
        destroyed = dialog.destroy()
        self.endsBye()
        self.assertIs(self.successResultOf(ended).reason, Reason.LOCAL_BYE)
        self.assertEqual(self.successResultOf(destroyed).method, "BYE")
        self.assertEqual((self.notes.reasons, self.alice.dialogs), ([Reason.LOCAL_BYE], []))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
