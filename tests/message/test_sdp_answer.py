"""
Offer and answer between session descriptions (RFC 3264).
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription, answerDirection, narrowed
from twisted_sipdialog.message.sdp_answer import checkAnswer, fitAnswer, fitOffer, limited, numbered, placed

HEAD = ("v=0", "o=alice 2890844526 2890844527 IN IP4 host.example.com", "s=-", "c=IN IP4 192.0.2.4", "t=0 0")
AUDIO = ("m=audio 49170 RTP/AVP 0 97", "a=rtpmap:97 iLBC/8000", "a=fmtp:97 mode=30", "a=ptime:20")
VIDEO = ("m=video 51372 RTP/AVP 31",)


def text(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def description(*lines: str) -> SessionDescription:
    return SessionDescription.parse(text(*lines))


class AnswerTests(SynchronousTestCase):
    LOCAL = description(
        "v=0", "o=bob 1 7 IN IP4 192.0.2.9", "s=-", "c=IN IP4 192.0.2.9", "t=0 0",
        "m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16", "a=ptime:20",
    )  # fmt: skip

    def answerTo(self, *lines: str) -> list[str]:
        return fitAnswer(description(*lines), self.LOCAL).allLines

    def test_directions(self) -> None:
        """RFC 3264 section 6.1, all sixteen."""
        table = {
            "sendrecv": ["sendrecv", "sendonly", "recvonly", "inactive"],
            "sendonly": ["recvonly", "inactive", "recvonly", "inactive"],
            "recvonly": ["sendonly", "sendonly", "inactive", "inactive"],
            "inactive": ["inactive", "inactive", "inactive", "inactive"],
        }
        for offered, answers in table.items():
            for ours, expected in zip(["sendrecv", "sendonly", "recvonly", "inactive"], answers, strict=True):
                self.assertEqual(expected, answerDirection(offered, ours), (offered, ours))

    def test_itselfWhenItFits(self) -> None:
        offer = description(*HEAD, "m=audio 9 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000")
        self.assertIs(self.LOCAL, fitAnswer(offer, self.LOCAL))

    def test_formatsInCommonInTheOffersOrderUnderItsPayloadTypes(self) -> None:
        lines = self.answerTo(
            *HEAD, "m=audio 9 RTP/AVP 18 96 8 0", "a=rtpmap:96 Telephone-Event/8000", "a=rtpmap:0 PCMU/8000"
        )
        self.assertEqual(
            ["m=audio 4000 RTP/AVP 96 8 0", "a=rtpmap:8 PCMA/8000", "a=rtpmap:96 telephone-event/8000",
             "a=fmtp:96 0-16", "a=ptime:20"],
            lines[5:],
        )  # fmt: skip

    def test_staticFormatUnderADynamicPayloadType(self) -> None:
        self.assertEqual(
            "m=audio 4000 RTP/AVP 100", self.answerTo(*HEAD, "m=audio 9 RTP/AVP 100", "a=rtpmap:100 PCMU/8000/1")[5]
        )

    def test_rateAndChannelsDistinguish(self) -> None:
        for rtpmap in ["PCMU/16000", "PCMU/8000/2"]:
            with self.assertRaises(NotAcceptable):
                self.answerTo(*HEAD, "m=audio 9 RTP/AVP 100", "a=rtpmap:100 " + rtpmap)

    def test_oneMediaForEachOffered(self) -> None:
        lines = self.answerTo(
            *HEAD,
            "m=video 9 RTP/AVP 31",
            "m=audio 9 RTP/SAVP 0",
            "m=audio 0 RTP/AVP 0",
            "m=audio 9 RTP/AVP 3 0",
            "m=audio 9 RTP/AVP 0",
            "m=x 0 y",
        )
        self.assertEqual(
            ["m=video 0 RTP/AVP 31", "m=audio 0 RTP/SAVP 0", "m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/AVP 0",
             "m=audio 0 RTP/AVP 0", "m=x 0 y 0"],
            [line for line in lines if line.startswith("m=")],
        )  # fmt: skip

    def test_directionMirrored(self) -> None:
        for offered, answered in [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")]:
            self.assertEqual("a=" + answered, self.answerTo(*HEAD, "a=" + offered, "m=audio 9 RTP/AVP 0")[-1])

    def test_holdByUnspecifiedAddress(self) -> None:
        self.assertEqual("a=recvonly", self.answerTo(*HEAD, "m=audio 9 RTP/AVP 0", "c=IN IP4 0.0.0.0")[-1])

    def test_timeOfTheOffer(self) -> None:
        lines = self.answerTo(*HEAD[:4], "t=3034423619 3042462419", "r=604800 3600 0", "m=audio 9 RTP/AVP 0 8")
        self.assertEqual(["t=3034423619 3042462419", "r=604800 3600 0"], lines[4:6])
        self.assertEqual(1, len([line for line in lines if line.startswith("t=")]))

    def test_nothingFits(self) -> None:
        for media in [
            ["m=video 9 RTP/AVP 31"],
            ["m=audio 9 RTP/AVP 3"],
            ["m=audio 9 RTP/SAVP 0"],
            ["m=audio 0 RTP/AVP 0", "m=video 9 RTP/AVP 31"],
            # Events alone are no audio.
            ["m=audio 9 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"],
            # A payload type is a number below 128.
            ["m=audio 9 RTP/AVP x 128", "a=rtpmap:x PCMU/8000", "a=rtpmap:128 PCMU/8000"],
        ]:
            with self.assertRaises(NotAcceptable, msg=str(media)) as caught:
                self.answerTo(*HEAD, *media)
            self.assertEqual(488, caught.exception.statusCode)

    def test_nothingLiveOfferedIsAnswered(self) -> None:
        """RFC 3264 section 6: no media for no media, and port 0 for port 0."""
        self.assertEqual(5, len(self.answerTo(*HEAD)))
        self.assertEqual("m=audio 0 RTP/AVP 0", self.answerTo(*HEAD, "m=audio 0 RTP/AVP 0")[-1])

    def test_formatsOfOtherProtocolsAreNames(self) -> None:
        local = description(*HEAD, "m=image 4000 udptl t38", "a=T38FaxVersion:0")
        self.assertIs(local, fitAnswer(description(*HEAD, "m=image 9 udptl t38"), local))

    def test_feedbackForAllFormats(self) -> None:
        local = description(
            *HEAD, "m=video 4 RTP/AVP 31 34", "a=rtcp-fb:* nack", "a=rtcp-fb:31 pli", "a=rtcp-fb:34 pli"
        )
        self.assertEqual(
            ("m=video 4 RTP/AVP 34", "a=rtcp-fb:* nack", "a=rtcp-fb:34 pli"),
            fitAnswer(description(*HEAD, "m=video 9 RTP/AVP 34"), local).media[0].lines,
        )

    def test_withoutAConnectionOfTheSessionEveryMediaHasOne(self) -> None:
        local = description(*HEAD[:3], "t=0 0", "m=audio 4000 RTP/AVP 0", "c=IN IP4 192.0.2.9")
        answer = fitAnswer(description(*HEAD, *VIDEO, "m=audio 9 RTP/AVP 0"), local)
        self.assertEqual(("m=video 0 RTP/AVP 31", "c=IN IP4 192.0.2.9"), answer.media[0].lines)

    def test_answerMustHaveTheMediaOfTheOffer(self) -> None:
        offer = description(*HEAD, *AUDIO, *VIDEO)
        checkAnswer(offer, description(*HEAD, "m=audio 0 RTP/AVP 0", *VIDEO))
        for media in [[], [*AUDIO], [*VIDEO, *AUDIO], [*AUDIO, *VIDEO, *VIDEO],
                      ["m=audio 0 RTP/AVP 0", "m=video 0 RTP/AVP 31"]]:  # fmt: skip
            with self.assertRaises(NotAcceptable, msg=str(media)):
                checkAnswer(offer, description(*HEAD, *media))


class NextOfferTests(SynchronousTestCase):
    """RFC 3264 section 8."""

    FULL = AnswerTests.LOCAL

    def test_everythingAgain(self) -> None:
        previous = fitAnswer(description(*HEAD, "m=audio 9 RTP/AVP 0", "a=sendonly"), self.FULL)
        self.assertEqual(self.FULL.withVersionBumped(), fitOffer(self.FULL, previous))

    def test_nothingChanged(self) -> None:
        self.assertIs(self.FULL, fitOffer(self.FULL, self.FULL))

    def test_mediaKeepTheirPlaces(self) -> None:
        previous = fitAnswer(description(*HEAD, *VIDEO, "m=audio 9 RTP/AVP 0", "a=sendonly"), self.FULL)
        offer = fitOffer(self.FULL, previous)
        self.assertEqual([("video", 0), ("audio", 4000)], [(media.type, media.port) for media in offer.media])
        self.assertEqual("sendrecv", offer.media[1].direction)
        self.assertEqual(8, offer.origin.version)

    def test_payloadTypesKeepTheirMeaning(self) -> None:
        previous = fitAnswer(
            description(*HEAD, "m=audio 9 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"), self.FULL
        )
        self.assertEqual(("0", "96"), fitOffer(self.FULL, previous).media[0].formats)
        other = description(*HEAD, "m=audio 9 RTP/AVP 0 101", "a=rtpmap:101 opus/48000/2")
        self.assertEqual(other.media[0].lines, fitOffer(self.FULL, other).media[0].lines)

    def test_eachMediaKeepsItsOwnDirection(self) -> None:
        """Of several of one type, in other places than ours."""
        local = description(*HEAD, "m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/AVP 0", "a=recvonly")
        previous = fitAnswer(description(*HEAD, *VIDEO, "m=audio 9 RTP/AVP 0", "m=audio 9 RTP/AVP 0"), local)
        offer = fitOffer(limited(local, "sendonly"), previous)
        self.assertEqual(["sendonly", "inactive"], [media.direction for media in offer.media[1:]])

    def test_protocolInTheSpellingOfThePeer(self) -> None:
        """An answer repeats it; it is the same medium all the same."""
        previous = fitAnswer(description(*HEAD, *VIDEO, "m=audio 9 rtp/avp 0", "a=sendonly"), self.FULL)
        self.assertEqual("sendrecv", fitOffer(self.FULL, previous).media[1].direction)


class LimitTests(SynchronousTestCase):
    """RFC 3264 section 8.4: hold, and what else is less than everything."""

    def test_directions(self) -> None:
        """Only what both allow, all sixteen: sendrecv held is sendonly, recvonly held is inactive."""
        directions = ["sendrecv", "sendonly", "recvonly", "inactive"]
        table = {
            "sendrecv": directions,
            "sendonly": ["sendonly", "sendonly", "inactive", "inactive"],
            "recvonly": ["recvonly", "inactive", "recvonly", "inactive"],
            "inactive": ["inactive"] * 4,
        }
        for limit, expected in table.items():
            self.assertEqual(expected, [narrowed(direction, limit) for direction in directions], limit)

    def test_everyMediaFromItsOwn(self) -> None:
        both = description(*HEAD, *AUDIO, *VIDEO, "a=recvonly", "a=x")
        self.assertEqual(
            text(*HEAD, *AUDIO, "a=sendonly", *VIDEO, "a=inactive", "a=x"), limited(both, "sendonly").toBytes()
        )
        self.assertEqual(text(*HEAD, *AUDIO, "a=recvonly", *VIDEO, "a=recvonly", "a=x"),
                         limited(both, "recvonly").toBytes())  # fmt: skip

    def test_directionOfTheSession(self) -> None:
        """It stays; media that may not do what it says state their own."""
        for ofSession, ofVideo in [("sendrecv", "sendonly"), ("recvonly", "inactive"), ("inactive", "inactive")]:
            sdp = limited(description(*HEAD, f"a={ofSession}", *AUDIO, "a=sendrecv", *VIDEO), "sendonly")
            self.assertEqual(["sendonly", ofVideo], [media.direction for media in sdp.media])
            self.assertEqual(f"a={ofSession}", sdp.lines[-1])

    def test_refusedMediaStayAsTheyAre(self) -> None:
        sdp = description(*HEAD, "m=video 0 RTP/AVP 31", "a=sendrecv", *AUDIO)
        self.assertEqual(sdp.media[0].lines, limited(sdp, "inactive").media[0].lines)

    def test_itselfWithinTheLimit(self) -> None:
        for limit, direction in [("sendrecv", "recvonly"), ("sendonly", "sendonly"), ("recvonly", "inactive")]:
            sdp = SessionDescription.parse(text(*HEAD, *AUDIO, f"a={direction}").replace(b"\r\n", b"\n"))
            self.assertIs(sdp, limited(sdp, limit))

    def test_limitThatIsNoDirection(self) -> None:
        for limit in ("", "hold", "Sendonly", "send recv"):
            error = self.assertRaises(InvalidValue, limited, description(*HEAD), limit)
            self.assertEqual(("limit", limit), (error.name, error.value))

    def test_answersWithinTheLimit(self) -> None:
        """RFC 3264 section 6.1, with less of our own: both on hold is inactive."""
        for offered, answered in [("sendrecv", "sendonly"), ("sendonly", "inactive"), ("recvonly", "sendonly")]:
            answer = fitAnswer(
                description(*HEAD, "m=audio 9 RTP/AVP 0", f"a={offered}"), limited(AnswerTests.LOCAL, "sendonly")
            )
            self.assertEqual(answered, answer.media[0].direction, offered)


class NumberTests(SynchronousTestCase):
    """RFC 3264 section 8: one version of a session is one description."""

    FIRST = description(*HEAD, *AUDIO)
    HELD = FIRST.withDirection("sendonly").withVersionBumped()

    def version(self, ours: SessionDescription, *known: SessionDescription | None) -> int:
        return numbered(ours, *(sdp and sdp.toBytes() for sdp in known)).origin.version - self.FIRST.origin.version

    def test_nothingKnown(self) -> None:
        self.assertIs(self.FIRST, numbered(self.FIRST, None, None))

    def test_inForceAgain(self) -> None:
        self.assertEqual(0, self.version(self.FIRST, self.FIRST, self.HELD))

    def test_sentAgain(self) -> None:
        self.assertEqual(1, self.version(self.HELD, self.FIRST, self.HELD))

    def test_refusedVersionMeansNothingElse(self) -> None:
        self.assertEqual(2, self.version(self.FIRST.withDirection("inactive"), self.FIRST, self.HELD))
        self.assertEqual(2, self.version(self.FIRST.withDirection("inactive"), None, self.HELD))


class PlacedTests(SynchronousTestCase):
    """RFC 3264 sections 6 and 8: each m= line has its place."""

    BOTH = description(*HEAD, *AUDIO, *VIDEO)

    def test_itself(self) -> None:
        """What is in its places already is left as it is."""
        self.assertIs(self.BOTH, placed(self.BOTH, self.BOTH.media))
        self.assertIs(self.BOTH, placed(self.BOTH, ()))

    def test_missing(self) -> None:
        """6: what is not there is refused in its place, under the formats that stand there."""
        ours = placed(description(*HEAD, *VIDEO), self.BOTH.media)
        self.assertEqual([*HEAD, "m=audio 0 RTP/AVP 0 97", *VIDEO], ours.allLines)

    def test_order(self) -> None:
        ours = placed(description(*HEAD, *VIDEO, *AUDIO), self.BOTH.media)
        self.assertEqual(self.BOTH, ours)

    def test_more(self) -> None:
        """8.1: further media come behind the others, or not at all."""
        audio = description(*HEAD, *AUDIO)
        self.assertEqual(self.BOTH, placed(description(*HEAD, *VIDEO, *AUDIO), audio.media))
        self.assertEqual(audio, placed(self.BOTH, audio.media, more=False))
