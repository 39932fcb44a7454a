"""
Bodies (classes B9, B11): multipart and session descriptions that are none.
"""

from itertools import count

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.robustness.case import SDP, Accepting, RobustCase, message
from twisted_sipdialog.media.fixed import FixedMedia

#: What may stand in a multipart body, sense or none.
PIECES = st.sampled_from(
    [
        b"--b\r\n",
        b"--b--\r\n",
        b"--b--",
        b"--c\r\n",
        b"\r\n",
        b"\n",
        b"Content-Type: application/sdp\r\n",
        b"Content-Type: multipart/mixed;boundary=c\r\n",
        b"Content-Type: multipart/mixed\r\n",
        b"Content-ID: <\r\n",
        b"Content-ID: <>\r\n",
        b"Content-Type:\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Disposition: ;\r\n",
        b"\xff\0",
        SDP,
    ]
)
#: Lines of session descriptions, right and wrong.
LINES = st.sampled_from(
    [
        *SDP.splitlines(keepends=True),
        b"v=1\r\n",
        b"c=IN IP4\r\n",
        b"c=IN IP6 192.0.2.1/127/9\r\n",
        b"c=\r\n",
        b"m=audio 70000 RTP/AVP 0\r\n",
        b"m=audio 4000/99999 RTP/AVP\r\n",
        b"m=\r\n",
        b"m=audio -1 RTP/AVP 0 0 0\r\n",
        b"a=rtpmap:999999999999 X/0/0/0\r\n",
        b"a=rtpmap:\r\n",
        b"a=candidate:" + b"1 " * 500 + b"\r\n",
        b"a=" + b"x" * 5_000 + b"\r\n",
        b"t=1\r\n",
        b"o=-\r\n",
        b"\r\n",
        b"=\r\n",
        b"\xff\xfe",
    ]
)


class BodyTests(RobustCase):
    settings = {"media": FixedMedia(SDP)}

    def setUp(self) -> None:
        super().setUp()
        self.numbers = count(1_000)

    def makeDelegate(self) -> Accepting:
        return Accepting(statusCode=200)  # by the media of the configuration

    def offer(self, number: int, body: bytes, kind: str = "application/sdp") -> set[int]:
        """INVITE with that body; the final statuses.  A call that comes about is acknowledged and ended."""
        found = {
            code for code in self.ask(message("INVITE", body, number=number, content_type=kind), 0.1) if code >= 200
        }
        for answer in self.raw.datagrams:
            lines = dict(line.split(": ", 1) for line in answer.decode().split("\r\n\r\n")[0].split("\r\n")[1:])
            self.ask(message("ACK", number=number, to=lines["To"], cseq="1 ACK"), 0.1)
            if answer.startswith(b"SIP/2.0 200"):
                via = f"SIP/2.0/UDP raw.example;branch=z9hG4bK-bye-{number}"
                self.assertEqual(
                    self.ask(message("BYE", number=number, via=via, to=lines["To"], cseq="2 BYE"), 0.1), [200]
                )
            break
        self.raw.datagrams.clear()
        return found

    def test_b09_multipart(self):
        """
        RFC 3261 section 7.4, RFC 5621: a multipart body without sense is refused with 4xx; with a session
        description in it, it is an offer.
        """
        part = b"--b\r\nContent-Type: application/sdp\r\n\r\n" + SDP
        nested = part
        for depth in range(60):
            inner = b"n%d" % depth
            nested = b"--%s\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n%s\r\n--%s--" % (inner, nested, inner)
        for number, (expected, kind, body) in enumerate(
            (
                ({200}, "multipart/mixed;boundary=b", part + b"\r\n--b--\r\n"),
                ({200}, 'multipart/mixed; boundary="b"', b"preamble\r\n" + part + b"\r\n--b--"),
                ({400, 415, 488}, "multipart/mixed", part),
                ({400, 415, 488}, "multipart/mixed;boundary=", part),
                ({400, 415, 488}, "multipart/mixed;boundary=" + "b" * 5_000, part),
                ({200, 400, 415, 488}, "multipart/mixed;boundary=c", part),
                ({200, 400, 415, 488}, "multipart/mixed;boundary=b", b"--b\r\n\r\n\r\n--b--"),
                ({200, 400, 415, 488}, "multipart/mixed;boundary=b", b"--b\r\n--b\r\n--b--"),
                ({200, 400, 415, 488}, "multipart/mixed;boundary=b", b"--b\r\nContent-ID: <\r\n\r\n--b--"),
                ({200, 400, 413, 415, 488}, "multipart/mixed;boundary=n59", nested),
                ({200, 400, 413, 415, 488}, "multipart/mixed;boundary=b", b"--b\r\n\r\n\r\n" * 4_000 + b"--b--"),
            )
        ):
            found = self.offer(number + 1, body, kind)
            self.assertTrue(found and found <= expected, f"{found} to {kind!r} {body[:200]!r}")
        self.assertServes()

    @examples(max_examples=60, deadline=None)
    @given(st.lists(PIECES, max_size=14))
    def test_b09_anyMultipart(self, pieces):
        """
        RFC 3261 section 21.4: whatever a multipart body is, the answer is 200 or says whose fault it is.
        """
        found = self.offer(next(self.numbers), b"".join(pieces), "multipart/mixed;boundary=b")
        self.assertTrue(found and found <= {200, 400, 413, 415, 488}, f"{found} to {b''.join(pieces)!r}")

    @examples(max_examples=100, deadline=None)
    @given(st.lists(LINES, max_size=14))
    def test_b11_anySdp(self, lines):
        """
        RFC 3261 section 21.4.26: whatever an offer is, it is answered, or refused with 400 or 488.
        """
        found = self.offer(next(self.numbers), b"".join(lines) or b"\r\n")
        self.assertTrue(found and found <= {200, 400, 488}, f"{found} to {b''.join(lines)!r}")

    def test_b11_sdp(self):
        """
        RFC 3264 section 6: nothing in common, 488; no session description, 400 or 488; no media at all is no fault.
        """
        head = SDP.partition(b"m=")[0]
        for number, (expected, body) in enumerate(
            (
                ({200}, SDP),
                ({488}, head + b"m=video 4000 RTP/AVP 31\r\n"),
                ({400, 488}, b"\0" * 1_000),
                ({400, 488}, b"v=0"),
                (
                    {200, 400, 488},
                    head.replace(b"IN IP4 192.0.2.77\r\nt", b"IN IP9 nowhere\r\nt") + b"m=audio 1 RTP/AVP 0\r\n",
                ),
                ({200, 400, 488}, head),
                ({200, 400, 488}, SDP + b"a=x\r\n" * 9_000),
                ({200, 400, 488}, head + b"m=audio 4000 RTP/AVP 0\r\n" * 1_000),
            )
        ):
            found = self.offer(100 + number, body)
            self.assertTrue(found and found <= expected, f"{found} to {body[:300]!r}")
        self.assertServes()

    def test_b11_callSurvives(self):
        """
        RFC 3261 section 14.2: a re-INVITE that cannot be read is refused, and the call goes on.
        """
        self.peer.request("INVITE", self.agent, body=SDP)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        for body in (b"\0", b"v=0\r\nm=audio", SDP.partition(b"m=")[0] + b"m=video 1 RTP/AVP 31\r\n"):
            self.peer.request("INVITE", within=ok, body=body)
            self.peer.ack(self.peer.expect("488 INVITE" if b"video" in body else "400 INVITE"))
        self.assertEqual(len(self.agent.dialogs), 1)
        self.peer.request("BYE", within=ok)
        self.peer.expect("200 BYE")
