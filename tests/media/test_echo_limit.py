"""
The RTP echo that is to want less than everything (RFC 3264 section 8.4), and what it goes back to.
"""

from __future__ import annotations

from tests.media.doubles import audio
from tests.media.test_echo import AUDIO, HEAD, PEER, EchoCase, media, text
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription

ANSWER = text(*HEAD, *AUDIO)


class LimitTests(EchoCase):
    def offered(self, *limit: str) -> tuple[str, int]:
        offer = SessionDescription.parse(self.echo.offer(*limit))
        return offer.media[0].direction, offer.origin.version

    def test_hold(self) -> None:
        """What comes all the same is not sent back, and silence is no sign; until the limit is lifted."""
        self.assertEqual(("sendrecv", 1), self.offered())
        self.echo.update(ANSWER)
        self.assertEqual(("sendonly", 2), self.offered("sendonly"))
        self.receive(audio(1))
        self.echo.update(text(*HEAD, *AUDIO, "a=recvonly"))
        self.receive(audio(2))
        self.assertEqual((1, {"direction": 1}, 0), (self.echo.stream.sent, self.echo.stream.dropped, self.timers.count))
        self.assertEqual(("sendonly", 2), self.offered())
        self.assertEqual(("sendrecv", 3), self.offered("sendrecv"))
        self.echo.update(ANSWER)
        self.receive(audio(3))
        self.assertEqual([(0, PEER)] * 2, self.sent())

    def test_limitOfAnswers(self) -> None:
        self.echo.offer("sendonly")
        self.echo.update(ANSWER)
        for offered, answered in [("sendrecv", "sendonly"), ("sendonly", "inactive"), ("recvonly", "sendonly")]:
            answer = SessionDescription.parse(self.echo.answer(text(*HEAD, *AUDIO, f"a={offered}")))
            self.assertEqual(answered, answer.media[0].direction, offered)
        self.receive(audio())
        self.assertEqual([], self.sent())

    def test_receivingOnlySendsNothingBack(self) -> None:
        self.echo.offer("recvonly")
        self.echo.update(text(*HEAD, *AUDIO, "a=sendonly"))
        self.receive(audio())
        self.assertEqual((1, {"direction": 1}), (self.echo.stream.received, self.echo.stream.dropped))

    def test_rollbackOfTheLimit(self) -> None:
        offer = self.echo.offer()
        self.echo.update(ANSWER)
        for answered in (False, True):
            self.echo.offer("inactive")
            if answered:
                self.echo.update(text(*HEAD, *AUDIO, "a=inactive"))
            self.echo.rollback()
            self.assertEqual((offer, ANSWER), (self.echo.local, self.echo.remote))
            self.assertEqual(offer, self.echo.offer())
        self.echo.update(ANSWER)
        self.receive(audio())
        self.assertEqual([(0, PEER)], self.sent())

    def test_refusedVersionIsNotUsedForSomethingElse(self) -> None:
        """RFC 3264 section 8: the peer has seen that one."""
        self.echo.offer()
        self.echo.update(ANSWER)
        self.assertEqual(("sendonly", 2), self.offered("sendonly"))
        self.echo.rollback()
        self.assertEqual(("sendrecv", 1), self.offered())
        self.echo.rollback()
        self.assertEqual(("inactive", 3), self.offered("inactive"))
        self.assertEqual(("inactive", 3), self.offered("inactive"))

    def test_limitThatIsNoDirection(self) -> None:
        for limit in ("", "hold"):
            error = self.assertRaises(InvalidValue, self.echo.offer, limit)
            self.assertEqual(("limit", limit), (error.name, error.value))
        self.assertEqual({}, self.reactor.ports)
        self.assertEqual(("sendrecv", 1), self.offered())

    def test_offerOrAnswerThatWasNotMadeHasNothingToRollBack(self) -> None:
        video = text(*HEAD, "m=video 5000 RTP/AVP 31")
        for failing, error, argument in [("answer", NotAcceptable, video), ("offer", InvalidValue, "hold")]:
            self.echo.close()
            self.echo = self.factory("127.0.0.1")
            local = self.echo.answer(ANSWER)
            self.assertRaises(error, getattr(self.echo, failing), argument)
            self.echo.rollback()
            self.assertEqual((local, ANSWER), (self.echo.local, self.echo.remote))
            self.receive(audio())
            self.assertEqual(1, self.echo.stream.sent)


class AnswersTests(EchoCase):
    def test_laterAnswerToTheSameOffer(self) -> None:
        """An early answer, then the final one from somewhere else."""
        offer = self.echo.offer()
        self.echo.update(ANSWER)
        self.receive(audio(1))
        final = text(*HEAD[:3], "c=IN IP4 192.0.2.5", "t=0 0", "m=audio 6000 RTP/AVP 8")
        self.echo.update(final)
        self.clock.advance(2)
        self.receive(audio(2, payloadType=8), ("192.0.2.5", 6000))
        self.assertEqual([(0, PEER), (8, ("192.0.2.5", 6000))], self.sent())
        self.assertEqual((offer, final), (self.echo.local, self.echo.remote))
        self.assertRaises(NotAcceptable, self.echo.update, text(*HEAD, "m=audio 0 RTP/AVP 0"))
        self.assertEqual((offer, final), (self.echo.local, self.echo.remote))
        self.echo.rollback()
        self.assertEqual((None, None), (self.echo.local, self.echo.remote))

    def test_sameAnswerAgainKeepsThePeer(self) -> None:
        nat = ("198.51.100.7", 1234)
        self.echo.offer()
        self.echo.update(ANSWER)
        self.receive(audio(1), nat)
        self.clock.advance(10)
        self.echo.update(ANSWER)
        self.receive(audio(2), nat)
        self.assertEqual([(0, nat)] * 2, self.sent())

    def test_noAnswerAfterTheNextOffer(self) -> None:
        self.echo.offer()
        self.echo.update(ANSWER)
        self.echo.answer(ANSWER)
        self.assertRaises(NotAcceptable, self.echo.update, ANSWER)

    def test_sameMediaEachTime(self) -> None:
        """The port is that of the call, whatever is offered."""
        self.assertEqual(media(self.echo.offer()), media(self.echo.offer("inactive")))
