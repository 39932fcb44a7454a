"""
Lengths, ends of lines and segments (classes B5-B8, B12): what is a message, and where it ends.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.robustness.case import RobustCase, message
from twisted_sipdialog.message import KeepAlive, Request, StreamFramer, parseMessage

#: What a stream may say about the length of a body and be wrong.
LENGTHS = (
    "-1",
    "+5",
    "0x10",
    "1000000000",
    str(2**31),
    str(2**32),
    str(2**64),
    "9" * 400,
    "\uff15",
    "1_0",
    "5 5",
    "",
    "5,5",
    "a",
)


class StreamTests(RobustCase):
    def test_b05_contentLength(self):
        """
        RFC 3261 section 18.3: on a stream a length nobody can believe is refused, nothing is kept, and the
        connection closes.
        """
        for length in LENGTHS:
            stream = self.raw.connect(self.address)
            stream.send(message(protocol="TCP", content_length=length))
            self.network.advance(1)
            self.assertEqual(len(stream.statuses), 1, length)
            self.assertIn(stream.statuses[0], (400, 413), length)
            self.assertTrue(stream.closed, length)
        self.assertUnfinished(0)
        self.assertServes()

    def test_b05_twoLengths(self):
        """
        RFC 3261 section 20.14: nor two lengths, be they equal.
        """
        for second in ("0", "5"):
            stream = self.raw.connect(self.address)
            stream.send(message(protocol="TCP", extra=f"l: {second}\r\n"))
            self.network.advance(1)
            self.assertEqual((stream.statuses, stream.closed), ([400], True))
        self.assertServes()

    def test_b05_dribble(self):
        """
        RFC 3261 section 18.3: a body that is promised and never comes holds what came of it, and not for long.
        """
        stream = self.raw.connect(self.address)
        stream.send(message("MESSAGE", protocol="TCP", content_length="60000"))
        for _ in range(20):
            stream.send(b"x")
            self.network.advance(1)
        self.assertUnfinished(len(message("MESSAGE", protocol="TCP", content_length="60000")) + 20)
        self.network.advance(15)
        self.assertTrue(stream.closed)
        self.assertUnfinished(0)

    def assertUnfinished(self, count: int) -> None:
        """The bytes of unfinished messages that are held."""
        self.assertEqual(self.agent._transport.connections._unfinished, count)

    def test_b06_lengthOfDatagram(self):
        """
        RFC 3261 section 18.3: a datagram shorter than it says is refused at once, and the next one is served.
        """
        for number, length in enumerate((*LENGTHS, "2000000000", "1")):
            self.assertIn(self.ask(message(number=number, content_length=length)), ([400], [413]), length)
            self.assertEqual(self.ask(message(number=100 + number)), [200])
        self.assertServes()

    def test_b07_bareLineEnds(self):
        """
        RFC 3261 section 7: one reading of where a message ends, or none: a bare CR or LF among the headers closes
        the stream, and what stands behind is never taken for a message.
        """
        for lines in (
            "X: a\nContent-Length: 400\r\n",
            "X: a\rContent-Length: 400\r\n",
            "X: a\r\r\n",
            "X: a\n\r\n",
            "\nX: a\r\n",
            "X: a\n\n",
        ):
            stream = self.raw.connect(self.address)
            stream.send(message(protocol="TCP", extra=lines) + message("MESSAGE", number=2, protocol="TCP"))
            self.network.advance(1)
            self.assertEqual((stream.statuses, stream.closed), ([400], True), lines)
            self.assertEqual(self.ask(message(number=3, extra=lines)), [400], lines)
        self.assertEqual(self.delegate.reached, [])
        self.assertServes()

    def test_b08_segments(self):
        """
        RFC 3261 section 18.3, RFC 5626 section 3.5.1: byte by byte, all at once, with keep-alives between: the same.
        """
        texts = [message("MESSAGE", b"b" * n, number=n, protocol="TCP") for n in range(5)]
        wire = b"\r\n\r\n".join(texts)
        for size in (1, 2, 3, 7, 100, len(wire)):
            stream = self.raw.connect(self.address)
            for start in range(0, len(wire), size):
                stream.send(wire[start : start + size])
                self.network.advance(0.02)
            self.network.advance(1)
            self.assertEqual(stream.statuses, [200] * 5, size)
            self.assertTrue(stream.received.count(b"\r\n\r\n\r\n") or stream.received.count(b"\r\n\r\nSIP"))
            self.network.advance(40)
        self.assertEqual([request.body for request in self.delegate.reached], [b"b" * n for n in range(5)] * 6)


class LargeTests(RobustCase):
    def test_b12_large(self):
        """
        RFC 3261 sections 21.5.14, 21.4.12 and 21.4.11: too much of anything is refused with 513, 414 or 413; the
        answer is not larger than what asked for it.
        """
        for expected, data in (
            (513, message(call_id="c" * 64_000)),
            (513, message(extra="X: y\r\n" * 10_000)),
            (513, message(extra="".join([f"X{n}: y\r\n" for n in range(5_000)]))),
            (513, message(extra=f"X: {'y' * 9_000}\r\n")),
            (513, message(extra="X: y\r\n" + " z\r\n" * 10_000)),
            (513, message(extra=f"Subject: {'s' * 32_000}\r\n")[:65_507]),
            (414, message(start=f"OPTIONS sip:{'u' * 4_000}@b.example SIP/2.0")),
            (413, message("MESSAGE", b"b" * 62_000)),
        ):
            self.raw.datagrams.clear()
            self.assertEqual(self.ask(data), [expected], data[:200])
            self.assertTrue(len(self.raw.datagrams[0]) <= len(data) + 128)
        self.assertEqual(self.ask(b"OPTIONS " * 8_188), [])
        self.assertServes()

    def test_b12_headersWithoutEnd(self):
        """
        RFC 3261 section 18.3: a stream of headers without an end is closed before it takes memory.
        """
        stream = self.raw.connect(self.address)
        stream.send(message()[:-2])
        most = 0
        for _ in range(100):
            stream.send(b"X: " + b"y" * 997)
            self.network.advance(0.1)
            most = max(most, self.agent._transport.connections._unfinished)
        self.assertTrue(stream.closed)
        self.assertTrue(most <= self.agent.configuration.messageLimits.headers, most)
        self.assertServes()


def parsed(framer: StreamFramer, pieces: list[bytes]) -> list[object]:
    return [item for piece in pieces for item in framer.feed(piece)]


METHODS_OF_STREAM = ("OPTIONS", "MESSAGE", "INVITE")
STREAMS = st.lists(
    st.tuples(st.sampled_from(METHODS_OF_STREAM), st.binary(max_size=40), st.sampled_from(["", "\r\n", "\r\n\r\n"])),
    max_size=5,
)


class PropertyTests(RobustCase):
    def test_b07_everySplit(self):
        """
        RFC 3261 section 18.3: wherever a stream is cut in two, each message has exactly the bytes that were its own.
        """
        texts = [
            message("MESSAGE", b"one\r\n\r\nSIP/2.0 200 OK\r\n\r\n", number=1, protocol="TCP"),
            message(number=2, protocol="TCP", extra="X:\r\n y\r\n"),
            message("MESSAGE", b"\r\n", number=3, protocol="TCP"),
        ]
        wire = b"".join(texts)
        for cut in range(len(wire) + 1):
            framer = StreamFramer()
            found = parsed(framer, [wire[:cut], wire[cut:]])
            self.assertEqual([item.toBytes() for item in found], texts, cut)  # type: ignore[attr-defined]
            self.assertEqual(framer.pending, 0)

    @settings(max_examples=60, deadline=None)
    @given(STREAMS, st.data())
    def test_b08_anyChunks(self, parts, data):
        """
        RFC 3261 section 18.3: however a stream is cut, the messages are those that were sent, as a datagram parser
        reads them.
        """
        texts = [message(method, body, number=n, protocol="TCP") for n, (method, body, _) in enumerate(parts)]
        wire = b"".join([text + between.encode() for text, (_, _, between) in zip(texts, parts, strict=True)])
        pieces = []
        while wire:
            size = data.draw(st.integers(1, len(wire)))
            pieces.append(wire[:size])
            wire = wire[size:]
        found = [item for item in parsed(StreamFramer(), pieces) if not isinstance(item, KeepAlive)]
        self.assertEqual([item.toBytes() for item in found], texts)  # type: ignore[attr-defined]
        for item, text in zip(found, texts, strict=True):
            alone = parseMessage(text)
            assert isinstance(item, Request) and isinstance(alone, Request)
            self.assertEqual((item.method, item.body, item.headers), (alone.method, alone.body, alone.headers))
