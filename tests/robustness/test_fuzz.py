"""
Anything at all: nothing is raised out of a transport, nothing stays behind, and the next request is answered.
"""

from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.robustness.case import SDP, Accepting, RobustCase, message

_EXAMPLES = examples(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
#: Pieces that mean something to a parser of SIP.
_NAMES = rb"""
    INVITE OPTIONS ACK CANCEL SIP/2.0 sip:desk@b.example sip: Via: v: From: To: Call-ID: CSeq: Contact: Content-Length:
    SIP/2.0/UDP SIP/2.0/TCP raw.example ;branch=z9hG4bKf ;tag= ;rport < > " \ , ; = : * % %00 [ ] [::1] @ 0 1 200 -1
    9999999999 Require: Route: Accept: Record-Route:
"""
_ODD = [b" ", b"\t", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b"\xff", b"\xc3\xa9", b"1 INVITE", b"1 OPTIONS"]
_WORDS = st.sampled_from([*_NAMES.split(), *_ODD])
ANYTHING = st.binary(max_size=400) | st.lists(_WORDS, max_size=60).map(b"".join)

INVITE = message(
    "INVITE",
    SDP,
    extra="Record-Route: <sip:raw.example;lr>\r\nAccept: application/sdp\r\nExpires: 60\r\nSupported: timer\r\n"
    "Subject: a\r\n fold\r\n",
)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """The INVITE with bytes changed, and lines doubled, removed or swapped."""
    data = INVITE
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["flip", "insert", "cut", "double", "remove", "swap", "word"]))
        lines = data.split(b"\r\n")
        at = draw(st.integers(0, max(0, len(data) - 1)))
        line = draw(st.integers(0, len(lines) - 1))
        if kind == "flip":
            data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
        elif kind == "insert":
            data = data[:at] + draw(st.binary(min_size=1, max_size=4)) + data[at:]
        elif kind == "word":
            data = data[:at] + draw(_WORDS) + data[at:]
        elif kind == "cut":
            data = data[:at] + data[at + draw(st.integers(1, 30)) :]
        else:
            other = draw(st.integers(0, len(lines) - 1))
            if kind == "double":
                lines.insert(other, lines[line])
            elif kind == "remove":
                del lines[line]
            else:
                lines[line], lines[other] = lines[other], lines[line]
            data = b"\r\n".join(lines)
    return data


class FuzzTests(RobustCase):
    """An application that takes every call, so that what comes in gets as far as it can."""

    def makeDelegate(self) -> Accepting:
        return Accepting()

    def survives(self, *datas: object) -> None:
        """Others are served; when time has passed nothing is left; nothing was logged as an error."""
        self.assertServes(datas)
        self.peer.disconnect()
        self.network.advance(130)
        for stream in self.raw.streams:
            if stream.connected:
                stream.transport.loseConnection()  # type: ignore[union-attr]
        self.network.advance(1)
        self.raw.streams.clear()
        self.raw.datagrams.clear()
        self.assertEqual(self.agent.leftovers(), [], datas)
        self.assertEqual(self.agent._transport.connections._unfinished, 0)
        logged = self.flushLoggedErrors()
        self.assertEqual(logged, [], f"{datas!r}\n{[failure.getTraceback() for failure in logged]}")
        self.network.clearSeen()

    @_EXAMPLES
    @given(st.lists(ANYTHING, min_size=1, max_size=5))
    def test_anyDatagrams(self, datas):
        """
        Arbitrary bytes as datagrams.
        """
        for data in datas:
            self.ask(data, 0.1)
        self.survives(*datas)

    @_EXAMPLES
    @given(st.lists(ANYTHING, min_size=1, max_size=5))
    def test_anySegments(self, datas):
        """
        Arbitrary bytes as segments of a stream.
        """
        stream = self.raw.connect(self.address)
        for data in datas:
            stream.send(data)
            self.network.advance(0.1)
        self.survives(*datas)

    @_EXAMPLES
    @given(mutations())
    def test_mutatedDatagram(self, data):
        """
        An INVITE, as a datagram, that went wrong.
        """
        self.ask(data, 0.1)
        self.survives(data)

    @_EXAMPLES
    @given(mutations(), st.integers(1, 200))
    def test_mutatedStream(self, data, size):
        """
        An INVITE, on a stream, that went wrong, with a good message behind it: that one is taken for itself or not
        at all.
        """
        stream = self.raw.connect(self.address)
        wire = data + message("FOO", number=77, protocol="TCP")
        for start in range(0, len(wire), size):
            stream.send(wire[start : start + size])
        self.network.advance(0.1)
        self.survives(wire)

    @_EXAMPLES
    @given(st.lists(_WORDS, min_size=1, max_size=12), st.sampled_from(["INVITE", "OPTIONS", "BYE", "FOO"]))
    def test_anyHeaderOfACall(self, words, method):
        """
        Nonsense in one header of a request inside a dialog.
        """
        self.peer.request("INVITE", self.agent, body=SDP)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        value = b"".join(words).decode("utf-8", "surrogateescape")
        for separator in "\r\n\0":
            value = value.replace(separator, "")
        for name in ("Contact", "Record-Route", "Content-Type", "Require", "Subject"):
            request = self.peer.request(method, within=ok, body=SDP, headers={name: value})
            self.network.advance(0.1)
            answers = [m for m in self.peer.received if m.cseqNumber == request.cseqNumber]
            self.assertTrue(answers, f"{method} {name}: {value!r}")
            if method == "INVITE":
                self.peer.ack(answers[-1])
        self.network.advance(1)
        self.peer.request("BYE", within=ok)
        self.network.advance(40)
        self.peer.received.clear()
        self.peer._fresh.clear()
        self.peer._flows.clear()
        self.survives(method, value)
