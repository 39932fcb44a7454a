"""
What the peer's further offer makes of the session (RFC 3264 section 8).
"""

from __future__ import annotations

from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from twisted_sipdialog.dialog.change import Change, changeOf

REFRESH, HOLD, RESUME, MODIFY = Change
SESSION = ("s=-", "c=IN IP4 192.0.2.4", "t=0 0")
NOWHERE = ("s=-", "c=IN IP4 0.0.0.0", "t=0 0")
AUDIO = ("m=audio 6000 RTP/AVP 0 8", "a=rtpmap:0 PCMU/8000")
VIDEO = ("m=video 6002 RTP/AVP 31",)


def sdp(*lines: str, origin: str = "o=alice 1 1 IN IP4 192.0.2.4") -> bytes:
    return "".join(f"{line}\r\n" for line in ("v=0", origin, *lines)).encode()


def later(*lines: str) -> bytes:
    return sdp(*lines, origin="o=alice 1 2 IN IP4 192.0.2.4")


class ChangeTests(TestCase):
    def assertChange(self, expected: Change, old: tuple[str, ...], new: tuple[str, ...]) -> None:
        self.assertIs(changeOf(sdp(*old), later(*new)), expected, (old, new))

    def test_names(self) -> None:
        self.assertEqual([change.value for change in Change], ["refresh", "hold", "resume", "modify"])

    def test_withoutAnOfferItRefreshes(self) -> None:
        self.assertIs(changeOf(sdp(*SESSION, *AUDIO), None), REFRESH)
        self.assertIs(changeOf(None, None), REFRESH)

    def test_theSameBytesRefresh(self) -> None:
        for body in (sdp(*SESSION, *AUDIO), b"no description at all", b""):
            self.assertIs(changeOf(body, body), REFRESH)

    def test_sameSessionAndVersionRefresh(self) -> None:
        """RFC 3264 section 8: what stands under the same version is the same, whoever rewrote an address on the way."""
        for new in [
            sdp(*SESSION, *AUDIO, origin="o=b2bua 1 1 IN IP4 198.51.100.1"),
            sdp("s=-", "c=IN IP4 198.51.100.1", "t=0 0", *AUDIO),
        ]:
            self.assertIs(changeOf(sdp(*SESSION, *AUDIO), new), REFRESH)

    def test_nothingButTheOriginRefreshes(self) -> None:
        for origin in ["o=alice 1 2 IN IP4 192.0.2.4", "o=x 7 9 IN IP6 ::1", "o=alice 2 1 IN IP4 192.0.2.4"]:
            for lines in [(*SESSION, *AUDIO), (*SESSION, *AUDIO, "a=sendonly"), SESSION]:
                self.assertIs(changeOf(sdp(*lines), sdp(*lines, origin=origin)), REFRESH, origin)

    def test_sameInOtherWordsRefreshes(self) -> None:
        """The default direction spelt out; address and direction of the session said of the media."""
        self.assertChange(REFRESH, (*SESSION, *AUDIO), (*SESSION, *AUDIO, "a=sendrecv"))
        self.assertChange(REFRESH, (*SESSION, "a=sendonly", *AUDIO), (*SESSION, *AUDIO, "a=sendonly"))
        self.assertChange(REFRESH, (*SESSION, *AUDIO), ("s=-", "t=0 0", *AUDIO, SESSION[1]))

    def test_withoutAKnownSessionItModifies(self) -> None:
        self.assertIs(changeOf(None, sdp(*SESSION, *AUDIO)), MODIFY)

    def test_whatCannotBeReadModifies(self) -> None:
        good = sdp(*SESSION, *AUDIO)
        for bad in [b"", b"v=0", b"\0", b"v=1\r\n", good + b"m=audio x\r\n", b"\xff" * 70_000]:
            self.assertIs(changeOf(good, bad), MODIFY, bad[:20])
            self.assertIs(changeOf(bad, good), MODIFY, bad[:20])

    def test_directions(self) -> None:
        """All sixteen: it is receiving that counts; sending alone is another change."""
        table = {
            "sendrecv": [REFRESH, HOLD, MODIFY, HOLD],
            "sendonly": [RESUME, REFRESH, RESUME, MODIFY],
            "recvonly": [MODIFY, HOLD, REFRESH, HOLD],
            "inactive": [RESUME, MODIFY, RESUME, REFRESH],
        }
        for before, changes in table.items():
            for after, expected in zip(["sendrecv", "sendonly", "recvonly", "inactive"], changes, strict=True):
                old, new = f"a={before}", f"a={after}"
                self.assertChange(expected, (*SESSION, *AUDIO, old), (*SESSION, *AUDIO, new))
                self.assertChange(expected, (*SESSION, old, *AUDIO), (*SESSION, new, *AUDIO))
                self.assertChange(expected, (*SESSION, old, *AUDIO), (*SESSION, *AUDIO, new))

    def test_mediaOverrideTheSession(self) -> None:
        self.assertChange(REFRESH, (*SESSION, *AUDIO), (*SESSION, "a=sendonly", *AUDIO, "a=sendrecv"))
        self.assertChange(HOLD, (*SESSION, *AUDIO, *VIDEO), (*SESSION, "a=sendonly", *AUDIO, *VIDEO, "a=sendrecv"))

    def test_unspecifiedAddressIsHold(self) -> None:
        """RFC 3264 section 8.4: the old way, of the session or of one of the media, with an attribute or without."""
        for nowhere in ("c=IN IP4 0.0.0.0", "c=IN IP6 ::", "c=IN IP6 anything.invalid"):
            for held in [
                ("s=-", nowhere, "t=0 0", *AUDIO),
                (*SESSION, *AUDIO, nowhere),
                (*SESSION, *AUDIO, nowhere, "a=sendonly"),
                (*SESSION, *AUDIO, nowhere, "a=inactive"),
            ]:
                self.assertChange(HOLD, (*SESSION, *AUDIO), held)
                self.assertChange(RESUME, held, (*SESSION, *AUDIO))

    def test_addressAfterHoldMayBeNew(self) -> None:
        self.assertChange(RESUME, (*NOWHERE, *AUDIO), ("s=-", "c=IN IP4 198.51.100.1", "t=0 0", *AUDIO))

    def test_heldInAnotherWay(self) -> None:
        """Still on hold, but the address is another: no mere refresh."""
        self.assertChange(MODIFY, (*NOWHERE, *AUDIO), (*SESSION, *AUDIO, "a=sendonly"))
        self.assertChange(MODIFY, (*SESSION, *AUDIO, "a=sendonly"), (*NOWHERE, *AUDIO))

    def test_newAddressModifies(self) -> None:
        new = ("s=-", "c=IN IP4 198.51.100.1", "t=0 0")
        self.assertChange(MODIFY, (*SESSION, *AUDIO), (*new, *AUDIO))
        self.assertChange(MODIFY, (*SESSION, *AUDIO), (*new, *AUDIO, "a=sendonly"))
        self.assertChange(MODIFY, (*SESSION, *AUDIO, "a=sendonly"), (*new, *AUDIO))
        self.assertChange(MODIFY, (*SESSION, *AUDIO, *VIDEO), (*SESSION, *AUDIO, new[1], *VIDEO, "a=sendonly"))

    def test_oneOfSeveralMedia(self) -> None:
        both = (*SESSION, *AUDIO, *VIDEO)
        for one in [
            (*SESSION, *AUDIO, "a=sendonly", *VIDEO),
            (*SESSION, *AUDIO, *VIDEO, "a=inactive"),
            (*SESSION, *AUDIO, *VIDEO, "c=IN IP4 0.0.0.0"),
            (*NOWHERE, *AUDIO, *VIDEO, SESSION[1]),
            (*SESSION, *AUDIO, "a=sendonly", *VIDEO, "a=recvonly"),
        ]:
            self.assertChange(HOLD, both, one)
            self.assertChange(RESUME, one, both)

    def test_moreOfOneAndLessOfAnotherModifies(self) -> None:
        first = (*SESSION, *AUDIO, "a=sendonly", *VIDEO)
        second = (*SESSION, *AUDIO, *VIDEO, "a=sendonly")
        self.assertChange(MODIFY, first, second)
        self.assertChange(MODIFY, second, first)

    def test_refusedMediaDoNotCount(self) -> None:
        """Port 0: neither direction nor address means anything."""
        refused = "m=video 0 RTP/AVP 31"
        self.assertChange(REFRESH, (*SESSION, *AUDIO, refused), (*SESSION, *AUDIO, refused, "a=inactive"))
        self.assertChange(HOLD, (*SESSION, *AUDIO, refused), (*SESSION, *AUDIO, "a=sendonly", refused, "a=sendrecv"))
        self.assertChange(REFRESH, (*SESSION, *AUDIO, refused), (*SESSION, *AUDIO, refused, "c=IN IP4 0.0.0.0"))

    def test_anythingElseModifies(self) -> None:
        held = (*SESSION, *AUDIO, "a=sendonly")
        for new in [
            (*SESSION, "m=audio 6004 RTP/AVP 0 8", AUDIO[1]),
            (*SESSION, "m=audio 0 RTP/AVP 0 8", AUDIO[1]),
            (*SESSION, "m=audio 6000 RTP/AVP 8 0", AUDIO[1]),
            (*SESSION, "m=audio 6000 RTP/SAVP 0 8", AUDIO[1]),
            (*SESSION, *AUDIO, "a=ptime:40"),
            (*SESSION, AUDIO[0]),
            (*SESSION, *AUDIO, *VIDEO),
            SESSION,
            (*SESSION, "b=AS:64", *AUDIO),
            ("s=other", *SESSION[1:], *AUDIO),
            (*SESSION[:2], "t=1 2", *AUDIO),
        ]:
            self.assertChange(MODIFY, (*SESSION, *AUDIO), new)
            self.assertChange(MODIFY, held, (*new, "a=sendrecv"))
            self.assertChange(MODIFY, (*SESSION, *AUDIO), (*new, "a=sendonly"))

    def test_mediaInAnotherOrderModify(self) -> None:
        self.assertChange(MODIFY, (*SESSION, *AUDIO, *VIDEO), (*SESSION, *VIDEO, *AUDIO))
        self.assertChange(MODIFY, (*SESSION, *AUDIO, *VIDEO), (*SESSION, *VIDEO, *AUDIO, "a=sendonly"))

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=60), st.binary(max_size=60), st.integers(0, 120), st.integers(0, 120))
    def test_nothingIsRaised(self, junk: bytes, more: bytes, start: int, stop: int) -> None:
        good = sdp(*SESSION, *AUDIO)
        spoilt = good[:start] + junk + good[stop:]
        for old in (None, good, junk, more, spoilt):
            for new in (None, good, junk, more, spoilt):
                self.assertIsInstance(changeOf(old, new), Change)
                if new == old or new is None:
                    self.assertIs(changeOf(old, new), REFRESH)
