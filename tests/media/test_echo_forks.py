"""
The RTP echo of a call that forked (RFC 3261 section 13.2.2.4): one port, and a stream for each dialog.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from tests.media.doubles import audio, packets
from tests.media.test_echo import AUDIO, HEAD, PEER, EchoCase, media, text
from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.interfaces import ISessionDescription
from twisted_sipdialog.media.echo import EchoDescription
from twisted_sipdialog.message.sdp import NotAcceptable

OTHER = ("192.0.2.5", 7000)
NAT = ("198.51.100.7", 1234)
ANSWER = text(*HEAD, *AUDIO)
OTHER_ANSWER = text(*HEAD[:3], "c=IN IP4 192.0.2.5", "t=0 0", "m=audio 7000 RTP/AVP 0")


class ForkCase(EchoCase):
    def setUp(self) -> None:
        super().setUp()
        self.offer = self.echo.offer()
        self.fork = self.echo.fork(self.offer)

    def nothingLeft(self) -> None:
        self.fork.close()
        super().nothingLeft()

    def arrive(self, data: bytes, source: tuple[str, int]) -> None:
        """At the port, whoever of them it is for."""
        self.reactor.ports[40000].protocol.datagramReceived(data, source)

    def counts(self) -> list[tuple[int, int]]:
        return [(echo.stream.received, echo.stream.sent) for echo in (self.echo, self.fork)]


class ForkTests(ForkCase):
    def test_takesItsOwnAnswerToTheOffer(self) -> None:
        verifyObject(ISessionDescription, self.fork)
        self.assertEqual((None, None), (self.fork.local, self.fork.remote))
        self.assertRaises(NotAcceptable, self.fork.update, text(*HEAD, "m=video 6000 RTP/AVP 31"))
        self.fork.update(OTHER_ANSWER)
        self.echo.update(ANSWER)
        self.assertEqual((self.offer, OTHER_ANSWER), (self.fork.local, self.fork.remote))
        self.assertEqual((self.offer, ANSWER), (self.echo.local, self.echo.remote))

    def test_onePort(self) -> None:
        self.assertEqual({40000, 40001}, set(self.reactor.ports))
        self.fork.update(OTHER_ANSWER)
        self.assertEqual(["m=audio 40000 RTP/AVP 0 8 101"], media(self.fork.offer()))
        self.assertEqual({40000, 40001}, set(self.reactor.ports))

    def test_portIsOpenUntilTheLastIsClosed(self) -> None:
        for first, last in [(self.echo, self.fork), (self.fork, self.echo.fork(self.offer))]:
            first.close()
            first.close()
            self.assertEqual({40000, 40001}, set(self.reactor.ports))
            last.update(ANSWER)
            self.arrive(audio(), PEER)
            self.assertEqual(1, last.stream.sent)
        last.close()
        self.assertEqual({}, self.reactor.ports)
        last.close()

    def test_closedOnesDoNoMore(self) -> None:
        self.echo.update(ANSWER)
        self.fork.update(OTHER_ANSWER)
        self.echo.close()
        self.arrive(audio(1), OTHER)
        self.assertEqual(([(0, 0), (1, 1)], [(0, OTHER)]), (self.counts(), self.sent()))
        self.assertRaises(InvalidState, self.echo.offer)

    def test_peerOfAClosedOneIsNobodyElses(self) -> None:
        """It does not know yet that it is over; where it was described, and where it was found."""
        self.echo.update(ANSWER)
        self.arrive(audio(1), NAT)
        self.fork.update(OTHER_ANSWER)
        self.echo.close()
        for source in (PEER, NAT):
            self.arrive(audio(2), source)
        self.arrive(audio(1), OTHER)
        self.assertEqual([(1, 1), (1, 1)], self.counts())
        self.assertEqual({"source": 2}, self.fork.stream.dropped)
        self.assertEqual([NAT, OTHER], [to for _, to in self.sent()])
        self.assertIsNone(self.echo.stream.transport)

    def test_forkOfOneThatIsClosed(self) -> None:
        """Another fork still has the port open; when none has, what was offered is gone."""
        self.echo.close()
        late = self.echo.fork(self.offer)
        late.update(ANSWER)
        self.arrive(audio(), PEER)
        self.assertEqual(1, late.stream.sent)
        for echo in (late, self.fork):
            echo.close()
        self.assertRaises(InvalidState, self.echo.fork, self.offer)
        self.assertRaises(InvalidState, self.factory("127.0.0.1").fork, self.offer)

    def test_withoutAnOfferItIsAnother(self) -> None:
        other = self.echo.fork()
        self.assertRaises(NotAcceptable, other.update, ANSWER)
        self.assertEqual(["m=audio 40002 RTP/AVP 0 8 96"], media(other.answer(ANSWER)))
        other.close()
        self.assertEqual({40000, 40001}, set(self.reactor.ports))

    def test_limitOfTheOfferOnly(self) -> None:
        """What another dialog's session was limited to later is its own affair."""
        self.echo.update(ANSWER)
        self.echo.offer("inactive")
        late = self.echo.fork(self.offer)
        late.update(ANSWER)
        self.assertEqual(self.offer, late.offer())
        held = self.factory("127.0.0.1")
        offer = held.offer("sendonly")
        fork = held.fork(offer)
        fork.update(ANSWER)
        self.assertEqual(offer, fork.offer())
        for echo in (late, held, fork):
            echo.close()

    def test_rollback(self) -> None:
        self.fork.update(ANSWER)
        self.fork.rollback()
        self.arrive(audio(), PEER)
        self.assertEqual(((None, None), [(0, 0), (0, 0)]), ((self.fork.local, self.fork.remote), self.counts()))


class SourceTests(ForkCase):
    """Who sent it tells whose it is, and back it goes to where it came from."""

    def answered(self) -> None:
        self.echo.update(ANSWER)
        self.fork.update(OTHER_ANSWER)

    def test_byTheAddressInTheAnswer(self) -> None:
        self.answered()
        for sequence, source in enumerate([OTHER, PEER, OTHER, PEER], 1):
            self.arrive(audio(sequence, 160 * sequence), source)
        self.assertEqual([(2, 2), (2, 2)], self.counts())
        self.assertEqual([(0, source) for source in (OTHER, PEER, OTHER, PEER)], self.sent())

    def test_eachHasItsOwnStream(self) -> None:
        """Sequence numbers of its own, without gaps (RFC 3550 section 5.1)."""
        self.answered()
        for sequence, source in enumerate([OTHER, PEER, OTHER, PEER], 1):
            self.arrive(audio(sequence, 160 * sequence), source)
        self.assertEqual([5, 5, 6, 6], [packet.sequence for packet in packets(self.reactor.ports[40000])])

    def test_whoeverHasNotAnsweredIsNotAsked(self) -> None:
        self.fork.update(OTHER_ANSWER)
        self.arrive(audio(1), NAT)
        self.assertEqual([(0, 0), (1, 1)], self.counts())

    def test_elsewhereThanDescribedIsTheFirstThatStillLooks(self) -> None:
        self.answered()
        self.arrive(audio(1), PEER)
        self.arrive(audio(2), NAT)
        self.arrive(audio(3), NAT)
        self.assertEqual(([(1, 1), (2, 2)], [PEER, NAT, NAT]), (self.counts(), [to for _, to in self.sent()]))

    def test_describedAddressIsStrongerThanAFoundOne(self) -> None:
        """The first found its peer there before the second answered."""
        self.echo.update(ANSWER)
        self.arrive(audio(1), OTHER)
        self.fork.update(OTHER_ANSWER)
        self.arrive(audio(2), OTHER)
        self.assertEqual([(1, 1), (1, 1)], self.counts())

    def test_strangersReachNone(self) -> None:
        self.answered()
        self.clock.advance(5)
        self.arrive(audio(), NAT)
        self.arrive(b"junk", NAT)
        self.assertEqual(([(0, 0), (0, 0)], []), (self.counts(), self.sent()))
        self.assertEqual({"source": 1, "malformed": 1}, self.echo.stream.dropped)

    def test_oneAddressForBothIsTheOldersUntilItCloses(self) -> None:
        """A gateway, say: nothing tells them apart."""
        self.echo.update(ANSWER)
        self.fork.update(ANSWER)
        self.arrive(audio(1), PEER)
        self.echo.close()
        self.arrive(audio(2), PEER)
        self.assertEqual(([(1, 1), (1, 1)], [(0, PEER)] * 2), (self.counts(), self.sent()))

    def test_whatIsNotAgreedAnyMoreClaimsNothing(self) -> None:
        self.echo.update(ANSWER)
        self.fork.update(ANSWER)
        self.echo.rollback()
        self.arrive(audio(), PEER)
        self.assertEqual([(0, 0), (1, 1)], self.counts())

    def test_silenceOfEach(self) -> None:
        self.answered()
        silent = [echo.whenSilent() for echo in (self.echo, self.fork)]
        self.clock.advance(30)
        self.arrive(audio(), OTHER)
        self.clock.advance(31)
        self.successResultOf(silent[0])
        self.assertNoResult(silent[1])

    def test_tonesOfEach(self) -> None:
        self.answered()
        told: list[tuple[EchoDescription, str]] = []
        for echo in (self.echo, self.fork):
            echo.tellTones(lambda tone, duration, echo=echo: told.append((echo, tone)))  # type: ignore[misc]
        self.fork.update(OTHER_ANSWER.replace(b"AVP 0\r\n", b"AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n"))
        for source in (OTHER, PEER):
            self.arrive(audio(1, payloadType=101)[:12] + b"\5\x8a\3\x20", source)
        self.assertEqual([(self.fork, "5"), (self.echo, "5")], told)
