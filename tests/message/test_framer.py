"""
The stream framer: RFC 3261 section 18.3, RFC 5626 section 3.5.1.
"""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.robustness.case import message
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import KeepAlive, StreamFramer
from twisted_sipdialog.message.parser import Limits

ONE = message("MESSAGE", b"one\r\n\r\n", number=1, protocol="TCP")
TWO = message("OPTIONS", number=2, protocol="TCP")


class FramerCase(SynchronousTestCase):
    def fed(self, *pieces: bytes, framer: StreamFramer | None = None) -> list[object]:
        """What comes out, messages as bytes."""
        framer = framer or StreamFramer()
        found: list[object] = []
        for piece in pieces:
            found += [getattr(item, "toBytes", lambda item=item: item)() for item in framer.feed(piece)]
        return found

    def dies(self, data: bytes, statusCode: int | None, limits: Limits = Limits()) -> None:  # noqa: B008
        """The position is lost: one fatal error, nothing is held, and nothing more is read."""
        for pieces in ([data], [data[n : n + 1] for n in range(len(data))]):
            framer = StreamFramer(limits)
            found = [item for piece in pieces for item in framer.feed(piece)]
            self.assertEqual(len(found), 1, f"{found}: {data!r}")
            (error,) = found
            assert isinstance(error, ParseError), data
            self.assertEqual((error.fatal, error.statusCode), (True, statusCode), data)
            self.assertEqual(error.request is None, statusCode is None)
            self.assertEqual((framer.feed(TWO), framer.pending), ([], 0))


class MessageTests(FramerCase):
    def test_together(self):
        """
        Section 18.3: Content-Length says where a message ends and the next begins.
        """
        self.assertEqual(self.fed(ONE + TWO + ONE), [ONE, TWO, ONE])

    def test_byteByByte(self):
        """
        Section 18.3: segments are no boundaries; a message comes out with its last byte, not before.
        """
        framer = StreamFramer()
        for n, byte in enumerate(ONE, 1):
            found = self.fed(bytes([byte]), framer=framer)
            self.assertEqual((found, framer.pending), ([ONE], 0) if n == len(ONE) else ([], n))

    def test_tooLarge(self):
        """
        The limit of a whole message holds on streams, too: 513, before its body is waited for.
        """
        data = message(body=b"x" * 400)
        head = data[: data.index(b"\r\n\r\n") + 4]
        self.assertEqual(self.fed(data, framer=StreamFramer(Limits(message=len(data)))), [data])
        self.dies(head, 513, Limits(message=len(data) - 1))

    def test_body(self):
        """
        Section 18.3: the body is exactly Content-Length bytes, whatever they are.
        """
        for body in (b"", b"\r\n", b"\r\n\r\n", TWO, b"SIP/2.0 200 OK\r\n\r\n", bytes(range(256))):
            data = message("MESSAGE", body, protocol="TCP")
            (found,) = StreamFramer().feed(data)
            self.assertEqual(found.body, body)  # type: ignore[union-attr]
            self.assertEqual(self.fed(data + TWO), [data, TWO])

    def test_refusedAndPassedOver(self):
        """
        Section 18.3: a malformed message whose length is certain is passed over, with its body, and the next is read.
        """
        for bad, statusCode in (
            (message("MESSAGE", TWO, to=None), 400),
            (message("MESSAGE", TWO, start="MESSAGE sip:a SIP/3.0"), 505),
            (message("MESSAGE", TWO, start=f"MESSAGE sip:{'u' * 3000} SIP/2.0"), 414),
            (message("MESSAGE", TWO, via=None), None),
            (message("MESSAGE", TWO, start="SIP/2.0 2000 OK"), None),
        ):
            for pieces in ([bad + TWO], [bad[:-3], bad[-3:] + TWO]):
                error, two = [item for framer in [StreamFramer()] for piece in pieces for item in framer.feed(piece)]
                assert isinstance(error, ParseError)
                self.assertEqual((error.statusCode, error.fatal), (statusCode, False), bad)
                self.assertEqual(two.toBytes(), TWO)  # type: ignore[union-attr]

    def test_lengthThatIsNone(self):
        """
        Section 18.3: without a length that can be believed the next message cannot be found.
        """
        for length in (None, "", "-1", "+0", "0x0", "1_0", "\uff10", "0,0", "0 0"):
            self.dies(message(protocol="TCP", content_length=length), 400)
        for length in ("60001", str(2**31), str(2**64), "9" * 100):
            self.dies(message(protocol="TCP", content_length=length), 413)
        self.dies(message(protocol="TCP", extra="Content-Length: 0\r\n"), 400)
        self.dies(message(protocol="TCP", extra="X: a\nContent-Length: 4\r\n"), 400)
        self.dies(message("ACK", protocol="TCP", content_length=None), None)
        self.dies(message(protocol="TCP", start="SIP/2.0 200 OK", content_length=None), None)

    def test_largestBody(self):
        """
        Section 21.4.11: the limit is exact, and looked at before any byte of the body is waited for.
        """
        limits = Limits(body=5)
        self.assertEqual(len(self.fed(message("MESSAGE", b"12345"), framer=StreamFramer(limits))), 1)
        self.dies(message("MESSAGE", content_length="6"), 413, limits)

    def test_headersWithoutEnd(self):
        """
        Section 18.3: nobody waits for the end of headers for ever.
        """
        limits = Limits(headers=1_000)
        framer = StreamFramer(limits)
        most = 0
        for _ in range(1_001):
            framer.feed(b"X")
            most = max(most, framer.pending)
        self.assertEqual((most, framer.pending, framer.feed(TWO)), (1_000, 0, []))


class KeepAliveTests(FramerCase):
    def test_keepAlives(self):
        """
        RFC 5626 section 3.5.1: a double CRLF is a ping, a single one a pong, wherever the segments end.
        """
        ping, pong = KeepAlive.PING, KeepAlive.PONG
        for pieces, expected in (
            ([b"\r\n\r\n"], [ping]),
            ([b"\r\n"], [pong]),
            ([b"\r\n\r\n\r\n\r\n"], [ping, ping]),
            ([b"\r\n\r\n\r\n"], [ping, pong]),
            ([b"\r\n" + TWO], [pong, TWO]),
            ([b"\r\n\r\n" + TWO + b"\r\n\r\n"], [ping, TWO, ping]),
            ([ONE + b"\r\n\r\n" + TWO], [ONE, ping, TWO]),
        ):
            self.assertEqual(self.fed(*pieces), expected, pieces)

    def test_splitPing(self):
        """
        RFC 5626 section 3.5.1: a ping is answered, however it is cut.
        """
        whole = b"\r\n\r\n"
        for cuts in ([1], [2], [3], [1, 2], [1, 3], [2, 3], [1, 2, 3]):
            edges = [0, *cuts, 4]
            found = self.fed(*[whole[a:b] for a, b in pairwise(edges)], TWO)
            self.assertEqual((found.count(KeepAlive.PING), found[-1]), (1, TWO), cuts)

    def test_bareLineEnds(self):
        """
        Section 7.5: between messages CRLF may stand, and nothing like it.
        """
        for data in (b"\n", b"\r\r", b"\rX", b"\n\r\n"):
            framer = StreamFramer()
            found = framer.feed(data + TWO)
            self.assertTrue(isinstance(found[-1], ParseError) and found[-1].fatal, data)
            self.assertEqual(framer.feed(TWO), [])


class PropertyTests(FramerCase):
    @given(st.lists(st.binary(max_size=60) | st.sampled_from([ONE, TWO, b"\r\n", b"\r\n\r\n"]), max_size=6))
    def test_anything(self, pieces):
        """
        Section 18.3: any bytes; nothing but L{ParseError} comes of what is wrong, and what is held is bounded.
        """
        framer = StreamFramer()
        for piece in pieces:
            for item in framer.feed(piece):
                self.assertNotIsInstance(item, bytes)
            self.assertTrue(framer.pending <= sum(map(len, pieces)))

    @given(st.binary(max_size=200), st.integers(0, 200))
    def test_splitsMakeNoDifference(self, data, cut):
        """
        Section 18.3: the same messages and errors, wherever the stream is cut.
        """
        data = ONE + data + TWO
        once = [item if isinstance(item, bytes) else str(item) for item in self.fed(data)]
        twice = [item if isinstance(item, bytes) else str(item) for item in self.fed(data[:cut], data[cut:])]
        keep = {str(KeepAlive.PING), str(KeepAlive.PONG)}
        self.assertEqual([item for item in once if item not in keep], [item for item in twice if item not in keep])
