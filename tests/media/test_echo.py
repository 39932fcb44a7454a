"""
The RTP echo as a session description: offers and answers.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.media.doubles import MemoryUDP, audio, packets
from twisted_sipdialog.errors import ConfigurationError, InvalidState, ParseError, TransportError
from twisted_sipdialog.interfaces import IMediaWatch, ISessionDescription, ISessionDescriptionFactory, IToneSource
from twisted_sipdialog.media.echo import EchoDescription, EchoMedia
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription
from twisted_sipdialog.timers import TimerSet

HERE = "127.0.0.1"
PEER = ("192.0.2.4", 6000)
HEAD = ("v=0", "o=alice 1 1 IN IP4 192.0.2.4", "s=-", "c=IN IP4 192.0.2.4", "t=0 0")
AUDIO = ("m=audio 6000 RTP/AVP 0 8 96", "a=rtpmap:96 telephone-event/8000")


def text(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def media(answer: bytes) -> list[str]:
    return [line for line in answer.decode().split("\r\n") if line.startswith("m=")]


class EchoCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.timers = TimerSet(self.clock)
        self.reactor = MemoryUDP()
        self.factory = EchoMedia(self.reactor, self.timers, (40000, 40010), randbits=lambda bits: 5)
        self.echo = self.factory(HERE)
        self.addCleanup(self.nothingLeft)

    def nothingLeft(self) -> None:
        self.echo.close()
        self.assertEqual((0, {}, []), (self.timers.count, self.reactor.ports, self.clock.getDelayedCalls()))

    def receive(self, data: bytes, source: tuple[str, int] = PEER, echo: EchoDescription | None = None) -> None:
        (echo or self.echo).stream.datagramReceived(data, source)

    def sent(self, port: int = 40000) -> list[tuple[int, tuple[str, int]]]:
        memory = self.reactor.ports[port]
        return [(p.payloadType, address) for p, (_, address) in zip(packets(memory), memory.written, strict=True)]


class AnswerTests(EchoCase):
    def test_interfaces(self) -> None:
        verifyObject(ISessionDescription, self.echo)
        verifyObject(IMediaWatch, self.echo)
        verifyObject(IToneSource, self.echo)
        verifyObject(ISessionDescriptionFactory, self.factory)

    def test_answer(self) -> None:
        answer = self.echo.answer(text(*HEAD, *AUDIO))
        self.assertEqual(
            text(
                "v=0", "o=- 5 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 0 8 96",
                "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-16",
                "a=sendrecv",
            ),
            answer,
        )  # fmt: skip
        self.assertEqual((answer, text(*HEAD, *AUDIO)), (self.echo.local, self.echo.remote))

    def test_everyMediaIsAnswered(self) -> None:
        """RFC 3264 section 6: the first usable audio is taken, all else refused, in the order offered."""
        answer = self.echo.answer(
            text(
                *HEAD, "m=video 5000 RTP/AVP 31", "m=audio 5002 RTP/SAVP 0", "m=audio 5004 RTP/AVP 18", *AUDIO,
                "m=audio 5006 RTP/AVP 0", "m=image 5008 udptl t38", "m=audio 0 RTP/AVP 0",
            )
        )  # fmt: skip
        self.assertEqual(
            ["m=video 0 RTP/AVP 31", "m=audio 0 RTP/SAVP 0", "m=audio 0 RTP/AVP 18", "m=audio 40000 RTP/AVP 0 8 96",
             "m=audio 0 RTP/AVP 0", "m=image 0 udptl t38", "m=audio 0 RTP/AVP 0"],
            media(answer),
        )  # fmt: skip
        self.receive(audio())
        self.assertEqual([(0, PEER)], self.sent())

    def test_nothingToEcho(self) -> None:
        for lines in [
            ["m=video 5000 RTP/AVP 31"],
            ["m=audio 5000 RTP/AVP 18"],
            ["m=audio 5000 RTP/SAVP 0"],
            ["m=audio 5000 RTP/AVP 96", "a=rtpmap:96 telephone-event/8000"],
            ["m=audio 5000 RTP/AVP 0", "c=IN IP6 2001:db8::1"],
            ["m=audio 5000 RTP/AVP 0", "c=IN IP4 224.2.1.1/127"],
            ["m=audio 5000 RTP/AVP 0", "c=IN IP4 255.255.255.255"],
            ["m=audio 5000 RTP/AVP 0", "c=IN IP4 0.1.2.3"],
        ]:
            self.assertRaises(NotAcceptable, self.echo.answer, text(*HEAD, *lines))
        self.assertRaises(ParseError, self.echo.answer, b"v=0")
        self.assertEqual((None, None), (self.echo.local, self.echo.remote))

    def test_addressFamilyOfOurs(self) -> None:
        six = self.factory("2001:db8::9")
        answer = six.answer(text(*HEAD, "m=audio 1 RTP/AVP 0", "m=audio 6000 RTP/AVP 0", "c=IN IP6 2001:DB8:0::4"))
        self.assertEqual(["m=audio 0 RTP/AVP 0", "m=audio 40000 RTP/AVP 0"], media(answer))
        self.assertIn(b"c=IN IP6 2001:db8::9\r\n", answer)
        self.clock.advance(5)
        self.receive(audio(), ("2001:db8::4", 6000), six)
        self.assertEqual(1, six.stream.sent)
        six.close()

    def test_everyCallHasItsPort(self) -> None:
        other = self.factory(HERE)
        answers = [media(echo.answer(text(*HEAD, *AUDIO)))[0] for echo in (self.echo, other)]
        self.assertEqual(["m=audio 40000 RTP/AVP 0 8 96", "m=audio 40002 RTP/AVP 0 8 96"], answers)
        other.close()

    def test_noPortLeft(self) -> None:
        self.reactor.busy = set(range(40000, 40010))
        self.assertEqual(503, self.assertRaises(TransportError, self.echo.answer, text(*HEAD, *AUDIO)).statusCode)
        self.assertRaises(TransportError, self.echo.offer)

    def test_badRange(self) -> None:
        self.assertRaises(ConfigurationError, EchoMedia, self.reactor, self.timers, (10, 9))

    def test_rtcpIsReceivedAndMeansNothing(self) -> None:
        self.echo.answer(text(*HEAD, *AUDIO))
        self.reactor.ports[40001].protocol.datagramReceived(b"\x80\xc9\0\1" + b"\0" * 4, PEER)
        self.assertEqual([], self.reactor.ports[40001].written)

    def test_closed(self) -> None:
        self.echo.answer(text(*HEAD, *AUDIO))
        self.echo.close()
        self.echo.close()
        self.receive(audio())
        self.assertEqual(({}, 0, {"stopped": 1}), (self.reactor.ports, self.echo.stream.sent, self.echo.stream.dropped))
        self.assertRaises(InvalidState, self.echo.offer)


class DirectionTests(EchoCase):
    def test_directions(self) -> None:
        for offered, answered, echoed in [
            ("a=sendrecv", "a=sendrecv", 1),
            ("a=sendonly", "a=recvonly", 0),
            ("a=recvonly", "a=sendonly", 0),
            ("a=inactive", "a=inactive", 0),
            ("c=IN IP4 0.0.0.0", "a=recvonly", 0),
        ]:
            answer = self.echo.answer(text(*HEAD, *AUDIO, offered)).decode().split("\r\n")
            self.assertEqual(answered, answer[-2], offered)
            before = self.echo.stream.sent
            self.clock.advance(0.02)
            self.receive(audio(int(self.clock.seconds() * 50)))
            self.assertEqual(echoed, self.echo.stream.sent - before, offered)

    def test_holdAndBack(self) -> None:
        """The same port, the next version each time, and the echo goes on."""
        first = self.echo.answer(text(*HEAD, *AUDIO))
        self.receive(audio(1))
        held = self.echo.answer(text(*HEAD, *AUDIO, "a=sendonly"))
        self.receive(audio(2))
        self.assertEqual(media(first), media(held))
        self.assertIn(b"o=- 5 2 ", held)
        self.assertEqual(held, self.echo.answer(text(*HEAD, *AUDIO, "a=sendonly")))
        self.assertIn(b"o=- 5 3 ", self.echo.answer(text(*HEAD, *AUDIO)))
        self.receive(audio(3))
        self.assertEqual([1, 3], [packet.payload[0] for packet in packets(self.reactor.ports[40000])])

    def test_holdByUnspecifiedAddressKeepsThePeer(self) -> None:
        nat = ("198.51.100.7", 1234)
        for address, later in [("192.0.2.4", 0), ("0.0.0.0", 10), ("192.0.2.4", 10)]:
            self.echo.answer(text(*HEAD, *AUDIO, f"c=IN IP4 {address}"))
            self.clock.advance(later)
            self.receive(audio(self.echo.stream.received + 1), nat)
        self.assertEqual([(0, nat)] * 2, self.sent())

    def test_streamWithdrawn(self) -> None:
        self.echo.answer(text(*HEAD, *AUDIO))
        self.assertEqual(["m=audio 0 RTP/AVP 0"], media(self.echo.answer(text(*HEAD, "m=audio 0 RTP/AVP 0"))))
        self.receive(audio())
        self.assertEqual({"stopped": 1}, self.echo.stream.dropped)
        self.assertEqual(0, self.timers.count)

    def test_newAddress(self) -> None:
        self.echo.answer(text(*HEAD, *AUDIO))
        self.receive(audio(1))
        self.clock.advance(5)
        self.echo.answer(text(*HEAD[:3], "c=IN IP4 192.0.2.5", "t=0 0", *AUDIO))
        self.clock.advance(5)
        self.receive(audio(2))
        self.receive(audio(3), ("192.0.2.5", 6000))
        self.assertEqual([PEER, ("192.0.2.5", 6000)], [address for _, address in self.sent()])

    def test_rollback(self) -> None:
        self.echo.answer(text(*HEAD, *AUDIO))
        local, remote = self.echo.local, self.echo.remote
        self.echo.answer(text(*HEAD, *AUDIO, "a=inactive"))
        self.echo.rollback()
        self.assertEqual((local, remote), (self.echo.local, self.echo.remote))
        self.receive(audio())
        self.assertEqual([(0, PEER)], self.sent())

    def test_rollbackOfTheFirst(self) -> None:
        self.echo.answer(text(*HEAD, *AUDIO))
        self.echo.rollback()
        self.receive(audio())
        self.assertEqual({"stopped": 1}, self.echo.stream.dropped)


class OfferTests(EchoCase):
    def test_offer(self) -> None:
        offer = self.echo.offer()
        self.assertEqual(["m=audio 40000 RTP/AVP 0 8 101"], media(offer))
        self.receive(audio())
        self.assertEqual({"stopped": 1}, self.echo.stream.dropped)
        self.echo.update(text(*HEAD, *AUDIO))
        self.receive(audio())
        self.assertEqual([(0, PEER)], self.sent())
        self.assertEqual(offer, self.echo.offer())

    def test_offerOnHoldAsksForEverythingAgain(self) -> None:
        self.echo.answer(text(*HEAD, "m=audio 6000 RTP/AVP 8", "a=sendonly"))
        offer = SessionDescription.parse(self.echo.offer())
        self.assertEqual((2, ("0", "8", "101")), (offer.origin.version, offer.media[0].formats))
        self.assertEqual("sendrecv", offer.media[0].direction)

    def test_payloadTypesOfThePeer(self) -> None:
        """RFC 3264 section 5.1: each side receives under its own payload types."""
        self.echo.offer()
        self.echo.update(text(*HEAD, *AUDIO))
        self.receive(audio(1, payloadType=101))
        self.receive(audio(2, payloadType=96))
        self.assertEqual(([(96, PEER)], {"payload": 1}), (self.sent(), self.echo.stream.dropped))

    def test_answerThatCannotBeUsed(self) -> None:
        self.echo.offer()
        for lines in [
            [],
            ["m=video 6000 RTP/AVP 31"],
            ["m=audio 0 RTP/AVP 0"],
            ["m=audio 6000 RTP/AVP 18"],
            [*AUDIO, "c=IN IP4 224.2.1.1"],
            [*AUDIO, "c=IN IP6 2001:db8::1"],
        ]:
            self.assertRaises(NotAcceptable, self.echo.update, text(*HEAD, *lines))
        self.assertRaises(ParseError, self.echo.update, b"")
        self.assertEqual((None, None), (self.echo.local, self.echo.remote))

    def test_answerWithoutOffer(self) -> None:
        self.assertRaises(NotAcceptable, self.echo.update, text(*HEAD, *AUDIO))
