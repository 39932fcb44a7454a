"""Via, CSeq, RAck, Content-Type, Content-Disposition, Date, Warning, Privacy (RFC 3261 section 20)."""

from datetime import UTC, datetime, timedelta, timezone

from tests.message.cases import FieldCase
from twisted_sipdialog.message.fields import CSeq, Date, Disposition, MediaType, Privacy, RAck, Via, Warning


class ViaTests(FieldCase):
    def test_plain(self) -> None:
        text = "SIP/2.0/UDP 192.0.2.1:5062;rport;branch=z9hG4bK776"
        self.reads(text, Via("UDP", "192.0.2.1", 5062, {"rport": None, "branch": "z9hG4bK776"}))
        self.assertEqual(str(Via.parse(text)), text)

    def test_whiteSpace(self) -> None:
        """RFC 4475 section 3.1.1.1."""
        self.reads(
            "SIP  /   2.0  /UDP     192.0.2.2;branch=390skdjuw", Via("UDP", "192.0.2.2", None, {"branch": "390skdjuw"})
        )
        self.reads(
            " SIP  / 2.0  / TCP     spindle.example.com   : 5 ;  branch  =   z9hG4bK9ikj8 ",
            Via("TCP", "spindle.example.com", 5, {"branch": "z9hG4bK9ikj8"}),
        )

    def test_transports(self) -> None:
        for transport in ["UDP", "SCTP", "TLS", "UNKNOWN", "ws"]:
            self.reads(f"SIP/2.0/{transport} T1.example.com", Via(transport.upper(), "t1.example.com"))
        self.assertEqual(Via.parse("SIP / 3.0/UDP h").protocol, "SIP/3.0")

    def test_ipv6(self) -> None:
        """RFC 5118 section 4.5: received with or without brackets."""
        for received in ["2001:db8::9:255", "[2001:db8::9:255]"]:
            via = Via.parse(f"SIP/2.0/UDP [2001:DB8::9:1]:6050;received={received};branch=z9hG4bKas3")
            self.assertEqual((via.host, via.port, via.received), ("2001:db8::9:1", 6050, "2001:db8::9:255"))
            self.assertEqual(via.hostPort, "[2001:db8::9:1]:6050")
            self.assertEqual(Via.parse(str(via)), via)

    def test_parameters(self) -> None:
        via = Via.parse("SIP/2.0/UDP h;maddr=224.0.1.75;ttl=16;rport=5061;received=192.0.2.9")
        self.assertEqual((via.maddr, via.ttl, via.rport, via.wantsRport), ("224.0.1.75", 16, 5061, True))
        self.assertEqual((via.branch, via.received), (None, "192.0.2.9"))
        asks = Via.parse("SIP/2.0/UDP h;rport")
        self.assertEqual((asks.rport, asks.wantsRport), (None, True))
        bare = Via.parse("SIP/2.0/UDP h")
        self.assertEqual((bare.rport, bare.wantsRport, bare.maddr, bare.ttl), (None, False, None, None))

    def test_malformed(self) -> None:
        self.refuses(
            Via,
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0 h",
            "SIP/2.0/UDPh",
            "SIP/2.0/UDP :5060",
            "SIP/2.0/UDP h:",
            "SIP/2.0/UDP h:65536",
            "SIP/2.0/UDP h:-1",
            "SIP/2.0/UDP h:5_0",
            "SIP/2.0/UDP h:\uff15",
            "SIP/2.0/UDP h i",
            "SIP/2.0/UDP a..b",
            "SIP/2.0/UDP ::1",
            "SIP/2.0/UDP [::1",
            "SIP/2.0/UDP [:::1]",
            "SIP/2.0/UDP h;",
            "SIP/2.0/UDP h;branch=",
            "SIP/2.0/UDP h;branch=a;branch=b",
            "SIP/2.0/UDP h;rport=x",
            "SIP/2.0/UDP h;rport=65536",
            "SIP/2.0/UDP h;rport=" + "9" * 5000,
            'SIP/2.0/UDP h;rport=""',
            "SIP/2.0/UDP h;ttl=256",
            "SIP/2.0/UDP h, SIP/2.0/UDP i",
            "SIP/2.0/UDP h\n",
        )


class CSeqTests(FieldCase):
    def test_cseq(self) -> None:
        self.reads("4711 INVITE", CSeq(4711, "INVITE"))
        self.reads(" 0009 \t INVITE ", CSeq(9, "INVITE"))
        self.reads("0 x", CSeq(0, "x"))
        self.reads("2147483647 A!%", CSeq(2**31 - 1, "A!%"))
        self.refuses(
            CSeq,
            "",
            "1",
            "INVITE",
            "INVITE 1",
            "1INVITE",
            "1 A B",
            "2147483648 A",
            "36893488147419103232 A",
            "-1 A",
            "1_0 A",
            "+1 A",
            "\uff15 A",
            "1\x0bA",
            "1\xa0A",
            "1 A\n",
            "1 é",
            "1 A/B",
            "9" * 5000 + " A",
        )

    def test_rack(self) -> None:
        """RFC 3262 section 7.2; RSeq has 32 bits."""
        self.reads("776656 1 INVITE", RAck(776656, 1, "INVITE"))
        self.reads("4294967295\t1  INVITE", RAck(2**32 - 1, 1, "INVITE"))
        self.refuses(RAck, "", "1 INVITE", "1 2 3 INVITE", "4294967296 1 INVITE", "1 2147483648 INVITE", "x 1 INVITE")


class ContentTests(FieldCase):
    def test_mediaType(self) -> None:
        self.reads("application/sdp", MediaType("application", "sdp"))
        self.reads(
            'Multipart/Mixed ; Boundary="a b"; type=X',
            MediaType("multipart", "mixed", {"boundary": "a b", "type": "X"}),
        )
        self.reads("text / html;q=0.7", MediaType("text", "html", {"q": "0.7"}))
        self.reads("*/*", MediaType("*", "*"))
        self.assertEqual(MediaType.parse("Application/SDP;x").essence, "application/sdp")
        self.refuses(
            MediaType, "", "text", "text/", "/html", "text/html/x", "text html", "text/html;", "a/b;c=", "tëxt/a"
        )

    def test_disposition(self) -> None:
        self.reads("Session", Disposition("session"))
        self.reads("render;handling=Optional", Disposition("render", {"handling": "Optional"}))
        self.assertTrue(Disposition.parse("render;handling=Optional").isOptional)
        self.assertFalse(Disposition.parse("render").isOptional)
        self.assertFalse(Disposition.parse("render;handling").isOptional)
        self.refuses(Disposition, "", ";x", "a b", "a;handling=")


class SmallFieldTests(FieldCase):
    def test_date(self) -> None:
        """Section 20.17: RFC 1123, GMT only (RFC 4475 baddate)."""
        self.reads("Sat, 13 Nov 2010 23:29:00 GMT", Date(datetime(2010, 11, 13, 23, 29, tzinfo=UTC)))
        self.assertEqual(str(Date.parse("Sat, 13 Nov 2010 23:29:00 GMT")), "Sat, 13 Nov 2010 23:29:00 GMT")
        east = datetime(2024, 1, 1, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
        self.assertEqual(str(Date(east)), "Sun, 31 Dec 2023 23:02:03 GMT")
        self.refuses(
            Date,
            "",
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Fri, 31 Feb 2010 16:00:00 GMT",
            "Fri, 01 Jan 2010 24:00:00 GMT",
            "Fri, 01 Jan 0000 16:00:00 GMT",
            "Fri, 1 Jan 2010 16:00:00 GMT",
            "Fri, \uff10\uff11 Jan 2010 16:00:00 GMT",
            "now",
        )

    def test_warning(self) -> None:
        self.reads(
            '307 isi.edu:5060 "Session \\"x\\" not, here"', Warning(307, "isi.edu:5060", 'Session "x" not, here')
        )
        self.refuses(
            Warning,
            "",
            '1812 overture "In Progress"',
            '30 a "b"',
            "307 a b",
            '307 "b"',
            '307 a "b',
            '307 a "b" c',
            '307 a "\n"',
            '307 a\n "b"',
        )

    def test_privacy(self) -> None:
        """RFC 3323 section 4.2: semicolons, not commas."""
        self.reads("Id ; user;CRITICAL", Privacy(("id", "user", "critical")))
        self.refuses(Privacy, "", ";", "id;", "id,user", "id user")
