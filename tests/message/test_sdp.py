"""
Session descriptions (RFC 8866).
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message import sdp_grammar
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription
from twisted_sipdialog.message.sdp_answer import fitAnswer

HEAD = ("v=0", "o=alice 2890844526 2890844527 IN IP4 host.example.com", "s=-", "c=IN IP4 192.0.2.4", "t=0 0")
AUDIO = ("m=audio 49170 RTP/AVP 0 97", "a=rtpmap:97 iLBC/8000", "a=fmtp:97 mode=30", "a=ptime:20")
VIDEO = ("m=video 51372 RTP/AVP 31",)


def text(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def description(*lines: str) -> SessionDescription:
    return SessionDescription.parse(text(*lines))


class ReadingTests(SynchronousTestCase):
    def test_typedWhereSignallingReads(self) -> None:
        sdp = description(*HEAD, *AUDIO, "m=video 51372/2 RTP/AVP 31", "c=IN IP6 2001:db8::1", "a=sendonly")
        self.assertEqual(
            ("alice", "2890844526", 2890844527), (sdp.origin.user, sdp.origin.sessionId, sdp.origin.version)
        )
        self.assertEqual("host.example.com", sdp.origin.address)
        audio, video = sdp.media
        self.assertEqual(("audio", 49170, 1, "RTP/AVP"), (audio.type, audio.port, audio.portCount, audio.protocol))
        self.assertEqual(("0", "97"), audio.formats)
        self.assertEqual("192.0.2.4", audio.connection.address)
        self.assertEqual("sendrecv", audio.direction)
        self.assertEqual(20, audio.ptime)
        self.assertEqual("iLBC/8000", audio.rtpmap("97"))
        self.assertEqual("mode=30", audio.fmtp("97"))
        self.assertEqual(("pcmu", 8000, 1), audio.encoding("0"))
        self.assertEqual(("ilbc", 8000, 1), audio.encoding("97"))
        self.assertIsNone(audio.encoding("98"))
        self.assertEqual(
            (2, "2001:db8::1", "IP6", "sendonly"),
            (video.portCount, video.connection.address, video.connection.addressType, video.direction),
        )

    def test_untouchedKeepsItsBytes(self) -> None:
        for data in (
            text(*HEAD, *AUDIO),
            b"\n".join([b"v=0", b"o=- 1 1 IN IP4 a", b"s=", b"x=unknown \xff\xfe", b"t=0 0", b"q=?", b""]),
            text(*HEAD, *AUDIO)[:-2],
        ):
            self.assertEqual(data, SessionDescription.parse(data).toBytes())

    def test_changedKeepsUnknownLinesInOrderAndEndsLinesByCrlf(self) -> None:
        data = b"v=0\no=- 1 1 IN IP4 a\ns=\nx=\xff \xc3\xa9\nt=0 0\nm=audio 0 RTP/AVP 0\ny=1\na=b:c\n"
        self.assertEqual(
            b"v=0\r\no=- 1 2 IN IP4 a\r\ns=\r\nx=\xff \xc3\xa9\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\ny=1\r\na=b:c\r\n",
            SessionDescription.parse(data).withVersionBumped().toBytes(),
        )

    def test_attributesInOrder(self) -> None:
        audio = description(*HEAD, *AUDIO, "a=x", "a=x:1:2").media[0]
        self.assertEqual((("ptime", "20"), ("x", ""), ("x", "1:2")), audio.attributes[2:])
        self.assertEqual(("", None, "20"), (audio.attribute("x"), audio.attribute("p"), audio.attribute("ptime")))

    def test_directionOfTheSessionUnlessTheMediaSayOtherwise(self) -> None:
        sdp = description(*HEAD, "a=recvonly", *AUDIO, *VIDEO, "a=inactive")
        self.assertEqual(["recvonly", "inactive"], [media.direction for media in sdp.media])

    def test_noMediaIsADescription(self) -> None:
        self.assertEqual((), description(*HEAD).media)

    def test_whatIsNoDescription(self) -> None:
        """B11: answered by 400, or by 488 where it is understood and cannot be used."""
        c = "c=IN IP4 192.0.2.4"
        base = ("v=0", "o=- 1 1 IN IP4 a", "s=-", "t=0 0")
        for status, lines in [
            (400, []),
            (400, ["o=- 1 1 IN IP4 a", "v=0"]),
            (400, ["v=0", "s=-"]),
            (488, ["v=1", *base[1:]]),
            (400, ["v=0", "o=- 1 IN IP4 a"]),
            (400, ["v=0", "o=- 1 1_0 IN IP4 a"]),
            (400, ["v=0", "o=- 1 -1 IN IP4 a"]),
            (400, ["v=0", "o=- 1 ٣ IN IP4 a"]),
            (400, ["v=0", "o=- 1 " + "9" * 21 + " IN IP4 a"]),
            (400, [*base, "garbage"]),
            (400, [*base, " a=x"]),
            (400, [*base, "a=x\0y"]),
            (400, [*base, "a=x\ry"]),
            (400, [*base, "m=audio 5000 RTP/AVP 0"]),
            *(
                (400, [*base, bad, "m=audio 5000 RTP/AVP 0"])
                for bad in [
                    "c=",
                    "c=IN",
                    "c=IN IP4",
                    "c=IN IP4 ",
                    "c=IN IP4 1.2.3",
                    "c=IN IP4 1.2.3.256",
                    "c=IN IP4 1.2.3.٤",
                    "c=IN IP4 2001:db8::1",
                    "c=IN IP6 192.0.2.1",
                    "c=IN IP6 :::",
                    "c=IN IP6 fe80::1%eth0",
                    "c=IN IP4 a b",
                    "c=IN IP4 " + "a" * 256,
                    "c=IN IP4 <>",
                    "c=IN IP4 é",
                ]
            ),
            *(
                (400, [*base, c, bad])
                for bad in [
                    "m=",
                    "m=audio",
                    "m=audio 5000",
                    "m=audio 5000 RTP/AVP",
                    "m=audio -1 RTP/AVP 0",
                    "m=audio 65536 RTP/AVP 0",
                    "m=audio 123456789 RTP/AVP 0",
                    "m=audio 1_0 RTP/AVP 0",
                    "m=audio +5 RTP/AVP 0",
                    "m=audio ５ RTP/AVP 0",
                    "m=audio 5000/0 RTP/AVP 0",
                    "m=audio 5000/99999 RTP/AVP 0",
                    "m=audio 5000/ RTP/AVP 0",
                    "m=audio x RTP/AVP 0",
                    "m=audio 5000 RTP/AVP" + " 0" * (sdp_grammar.MAX_FORMATS + 1),
                ]
            ),
            (488, [*base, c] + ["m=audio 5000 RTP/AVP 0"] * (sdp_grammar.MAX_MEDIA + 1)),
            (488, [*base] + ["a=x"] * sdp_grammar.MAX_LINES),
            (488, [*base, "a=" + "x" * sdp_grammar.MAX_LINE_LENGTH]),
            (488, [*base] + ["a=" + "x" * 4000] * 17),
        ]:
            with self.assertRaises(ParseError, msg=str(lines)[:200]) as caught:
                description(*lines)
            self.assertEqual(status, caught.exception.statusCode, str(lines)[:200])

    def test_oddButUsable(self) -> None:
        for line in [
            "m=audio 5000 RTP/AVP 0 ",
            "m=audio  5000 RTP/AVP 0  8",
            "m=audio 5000/1 RTP/AVP 0",
            "m=audio 0 RTP/AVP",
            "m=x-new 65535 UDP/TLS/RTP/SAVPF 0",
            "m=message 7654 TCP/MSRP *",
        ]:
            self.assertEqual(1, len(description(*HEAD, line).media), line)
        for address in ["192.0.2.1/127", "224.2.1.1/127/3", "host.example.com", "a"]:
            self.assertEqual(1, len(description(*HEAD[:3], "c=IN IP4 " + address, *VIDEO).media), address)
        # A refused stream is somewhere or nowhere.
        self.assertIsNone(description("v=0", "o=- 1 1 IN IP4 a", "m=audio 0 RTP/AVP 0").media[0].connection)

    def test_oddAttributesAreNoErrors(self) -> None:
        media = description(
            *HEAD,
            "m=audio 1 RTP/AVP 96 97 98 99",
            "a=rtpmap:96",
            "a=rtpmap:97 ",
            "a=rtpmap:98 x/y",
            "a=rtpmap:99 /8000",
            "a=ptime:٣",
            "a=fmtp:96",
            "a=",
            "a=:",
            "a=rtpmap:96 " + "x" * 3000 + "/8000",
        ).media[0]
        self.assertEqual([None] * 4, [media.encoding(payload) for payload in media.formats])
        self.assertIsNone(media.ptime)

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                [
                    "v=0",
                    "o=- 1 1 IN IP4 a",
                    "c=IN IP4 1.2.3.4",
                    "c=IN IP6 ::",
                    "m=audio 1 RTP/AVP 0",
                    "m=",
                    "a=rtpmap:0 PCMU/8000",
                    "a=inactive",
                    "t=0 0",
                    "a=",
                    "=",
                    "",
                    "\r",
                    "\0",
                    "é",
                ]
            )
            | st.text(max_size=8),
            max_size=12,
        )
    )
    def test_nothingElseIsRaised(self, lines: list[str]) -> None:
        data = "\n".join(lines).encode("utf-8", "surrogatepass")
        try:
            sdp = SessionDescription.parse(data)
        except ParseError:
            return
        self.assertEqual(data, sdp.toBytes())
        try:
            fitAnswer(sdp, description(*HEAD, *AUDIO))
        except NotAcceptable:
            pass

    def test_rfc5118(self) -> None:
        folder = os.environ.get("SIPUA_TORTURE_DIR")
        if not folder:
            raise SkipTest("SIPUA_TORTURE_DIR is not set")
        for name, addresses in [
            ("ipv6-in-sdp", ["2001:db8::20", "2001:db8::20"]),
            ("mult-ip-in-sdp", ["192.0.2.1", "2001:db8::1"]),
        ]:
            body = Path(folder, "rfc5118", name + ".dat").read_bytes().partition(b"\r\n\r\n")[2]
            sdp = SessionDescription.parse(body)
            self.assertEqual(addresses, [media.connection.address for media in sdp.media])
            self.assertEqual(body, sdp.toBytes())


class HoldTests(SynchronousTestCase):
    def test_holdIsWhoWantsNothingSent(self) -> None:
        for hold, lines in [
            (False, [*HEAD, *AUDIO]),
            (True, [*HEAD, *AUDIO, "a=sendonly"]),
            (True, [*HEAD, *AUDIO, "a=inactive"]),
            (False, [*HEAD, *AUDIO, "a=recvonly"]),
            (True, [*HEAD, "a=sendonly", *AUDIO, *VIDEO]),
            (False, [*HEAD, "a=sendonly", *AUDIO, *VIDEO, "a=sendrecv"]),
            (True, [*HEAD, *AUDIO, "a=sendonly", "m=video 0 RTP/AVP 31"]),
            (False, [*HEAD, "m=audio 0 RTP/AVP 0"]),
            (False, HEAD),
            # RFC 3264 section 8.4, and what stands for it in IPv6.
            (True, [*HEAD[:3], "c=IN IP4 0.0.0.0", "t=0 0", *AUDIO]),
            (True, [*HEAD, *AUDIO, "c=IN IP4 0.0.0.0"]),
            (True, [*HEAD, *AUDIO, "c=IN IP6 ::"]),
            (True, [*HEAD, *AUDIO, "c=IN IP6 anything.invalid"]),
            (False, [*HEAD[:3], "c=IN IP4 0.0.0.0", "t=0 0", *AUDIO, "c=IN IP4 192.0.2.1"]),
        ]:
            self.assertEqual(hold, description(*lines).isHold, lines)

    def test_unspecifiedAddressTakesAwayReceiving(self) -> None:
        for stated, effective in [
            ("sendrecv", "sendonly"),
            ("recvonly", "inactive"),
            ("sendonly", "sendonly"),
            ("inactive", "inactive"),
        ]:
            self.assertEqual(
                effective, description(*HEAD, *AUDIO, "c=IN IP4 0.0.0.0", "a=" + stated).media[0].direction
            )


class ChangingTests(SynchronousTestCase):
    def test_directionOfAllLiveMedia(self) -> None:
        sdp = description(*HEAD, "a=recvonly", *AUDIO, *VIDEO, "a=sendrecv", "a=x", "m=audio 0 RTP/AVP 0")
        self.assertEqual(
            text(*HEAD, "a=recvonly", *AUDIO, "a=inactive", *VIDEO, "a=inactive", "a=x", "m=audio 0 RTP/AVP 0"),
            sdp.withDirection("inactive").toBytes(),
        )

    def test_directionOfOne(self) -> None:
        sdp = description(*HEAD, *AUDIO, *VIDEO)
        self.assertEqual(["sendrecv", "sendonly"], [m.direction for m in sdp.withDirection("sendonly", 1).media])

    def test_oneDirectionIsLeft(self) -> None:
        sdp = description(*HEAD, *VIDEO, "a=sendonly", "a=x", "a=recvonly")
        self.assertEqual((*VIDEO, "a=inactive", "a=x"), sdp.withDirection("inactive").media[0].lines)

    def test_sameDirectionChangesNothing(self) -> None:
        sdp = SessionDescription.parse(text(*HEAD, *AUDIO).replace(b"\r\n", b"\n"))
        self.assertIs(sdp, sdp.withDirection("sendrecv"))

    def test_directionThatDoesNotExist(self) -> None:
        self.assertRaises(InvalidValue, description(*HEAD).withDirection, "both")

    def test_version(self) -> None:
        sdp = description(*HEAD, *AUDIO)
        bumped = sdp.withVersionBumped()
        self.assertEqual(sdp.origin.version + 1, bumped.origin.version)
        self.assertEqual(sdp.toBytes().replace(b"2890844527", b"2890844528"), bumped.toBytes())
        self.assertFalse(sdp.sameSession(bumped))
        self.assertTrue(sdp.sameSession(description(HEAD[0], HEAD[1].replace("host", "nat"), *HEAD[2:], *VIDEO)))

    def test_nextDescriptionHasTheNextVersionOnlyIfSomethingChanged(self) -> None:
        """RFC 3264 section 8."""
        first = description(*HEAD, *AUDIO)
        other = description(HEAD[0], "o=x 9 9 IN IP4 b", *HEAD[2:], *AUDIO)
        self.assertIs(first, other.asNextOf(first))
        held = other.withDirection("inactive").asNextOf(first)
        self.assertEqual("o=alice 2890844526 2890844528 IN IP4 host.example.com", held.lines[1])
        self.assertEqual("inactive", held.media[0].direction)
