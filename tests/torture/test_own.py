"""
Messages of the classes of RFC 4475 and RFC 5118, in our own words, each with what must become of it beside it.
"""

import pytest

from tests.torture.outcome import DROPPED, REACHED, outcome

#: Name, outcome, and the message: lines end by CRLF, C{|} begins a fold, C{\\xNN} is that byte.
MESSAGES = r"""
== everythingFolded: reached
INVITE sip:user@example.com;maybe SIP/2.0
tO :
| <sip:user@example.com>
fRoM	: "A \"folded\" \\ caller"
|	<sip:caller@peer.example>
|	; TAG
|	= folded1
cSEQ: 00017
|  INVITE
i: everythingFolded
V: SIP / 2.0 /
| UDP peer.example ; branch = z9hG4bKfolded , SIP/2.0
| /TCP  farther.example
M: "\"" <sip:caller@peer.example> ; q = 0.5
| ;flag
Subject:
X-Odd: ;,;,=,"
Max-Forwards: 007
L: 0

== strangeMethod: 405
%b!'`~*+_-.9 sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bK-.!%66*_+`'~x
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: strangeMethod
CSeq: 1 %b!'`~*+_-.9
Content-Length: 0

== methodsHaveCase: 405
options sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKcase
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: methodsHaveCase
CSeq: 1 options
Content-Length: 0

== controlCharactersInQuotes: 200
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKcontrol
To: "\\x00\\x01\\x1f\\x7f" <sip:user@example.com>
From: "\xd1\x8f\xf0\x9f\x93\x9e" <sip:caller@peer.example>;tag=1;n="a;b\,c"
Call-ID: ()<>:\/"[]?{}
CSeq: 2147483647 OPTIONS
Max-Forwards: 255
Content-Length: 0

== notUtf8: 200
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKlatin
To: "J\xfcrgen" <sip:user@example.com>
From: <sip:caller@peer.example>;tag=1
Call-ID: notUtf8
CSeq: 1 OPTIONS
Subject: \xff\xfe\xc0\x80
Content-Length: 0

== escapedEverything: reached
INVITE sip:%75%73er%3B%40%00@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKescaped
To: <sip:%75ser@example.com>
From: "%22" <sip:%63aller@peer.example>;tag=1
Call-ID: escapedEverything
CSeq: 1 INVITE
Contact: <sip:c%61ller@peer.example;%6cr;p=%25>
Content-Length: 0

== noSpaceBeforeBracket: 200
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKbracket
To: user<sip:user@example.com>
From: caller<sip:caller@peer.example>;tag=1
Call-ID: noSpaceBeforeBracket
CSeq: 1 OPTIONS
Content-Length: 0

== semicolonsInUser: 200
OPTIONS sip:user;a=b;c@example.com;d SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKsemicolon
To: <sip:user;a=b;c@example.com;d>
From: <sip:caller@peer.example>;tag=1
Call-ID: semicolonsInUser
CSeq: 1 OPTIONS
Content-Length: 0

== manyTransports: 200
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKmany, SIP/2.0/WSS a.invalid;branch=z9hG4bKa
Via: SIP/2.0/CARRIER-PIGEON b.example;branch=z9hG4bKb
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: manyTransports
CSeq: 1 OPTIONS
Content-Length: 0

== bytesAfterTheBody: reached
MESSAGE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKafter
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: bytesAfterTheBody
CSeq: 1 MESSAGE
Content-Type: text/plain
Content-Length: 2

okINVITE sip:user@example.com SIP/2.0

== emptyLinesBefore: 200


OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKempty
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: emptyLinesBefore
CSeq: 1 OPTIONS
Content-Length: 0

== phraseOfSymbols: dropped
SIP/2.0 200 \xe2\x9c\x93 1+1=2; "ok", <done>
Via: SIP/2.0/UDP elsewhere.example;branch=z9hG4bKphrase
To: <sip:user@example.com>;tag=2
From: <sip:caller@peer.example>;tag=1
Call-ID: phraseOfSymbols
CSeq: 1 INVITE
Content-Length: 0

== noPhrase: dropped
SIP/2.0 180
Via: SIP/2.0/UDP elsewhere.example;branch=z9hG4bKnophrase
To: <sip:user@example.com>;tag=2
From: <sip:caller@peer.example>;tag=1
Call-ID: noPhrase
CSeq: 1 INVITE
Content-Length: 0

== statusOfFourDigits: dropped
SIP/2.0 2000 OK
Via: SIP/2.0/UDP example.com;branch=z9hG4bKfour
To: <sip:user@example.com>;tag=2
From: <sip:caller@peer.example>;tag=1
Call-ID: statusOfFourDigits
CSeq: 1 INVITE
Content-Length: 0

== viaOfSeparators: 400
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKseparators;;,;,
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: viaOfSeparators
CSeq: 1 INVITE
Contact: <sip:caller@peer.example>
Content-Length: 0

== secondViaBroken: 200
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKsecond
Via: \xff;;nothing
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: secondViaBroken
CSeq: 1 OPTIONS
Content-Length: 0

== viaWithoutHost: dropped
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP ;branch=z9hG4bKnohost
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: viaWithoutHost
CSeq: 1 INVITE
Contact: <sip:caller@peer.example>
Content-Length: 0

== lengthTooLong: 400
MESSAGE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKlength
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: lengthTooLong
CSeq: 1 MESSAGE
Content-Type: text/plain
Content-Length: 3

ok
== lengthNegative: 400
MESSAGE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKnegative
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: lengthNegative
CSeq: 1 MESSAGE
Content-Type: text/plain
Content-Length: -2

ok
== lengthTwice: 400
MESSAGE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKtwice
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
l: 2
Call-ID: lengthTwice
CSeq: 1 MESSAGE
Content-Type: text/plain
Content-Length: 2

ok
== cseqTooLarge: 400
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKcseq
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: cseqTooLarge
CSeq: 2147483648 OPTIONS
Content-Length: 0

== hopsTooMany: 400
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKhops
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: hopsTooMany
CSeq: 1 OPTIONS
Max-Forwards: 256
Content-Length: 0

== hopsNone: 200
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKnone
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: hopsNone
CSeq: 1 OPTIONS
Max-Forwards: 0
Content-Length: 0

== quoteNotClosed: 400
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKquote
To: <sip:user@example.com>
From: "Caller <sip:caller@peer.example>;tag=1
Call-ID: quoteNotClosed
CSeq: 1 INVITE
Contact: <sip:caller@peer.example>
Content-Length: 0

== bracketsAroundTarget: 400
OPTIONS <sip:user@example.com> SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKtarget
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: bracketsAroundTarget
CSeq: 1 OPTIONS
Content-Length: 0

== spaceInTarget: 400
OPTIONS sip:user@example.com ;lr SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKspace
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: spaceInTarget
CSeq: 1 OPTIONS
Content-Length: 0

== tabInRequestLine: dropped
OPTIONS	sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKtab
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: tabInRequestLine
CSeq: 1 OPTIONS
Content-Length: 0

== headersInTarget: 400
OPTIONS sip:user@example.com?Subject=x SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKheaders
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: headersInTarget
CSeq: 1 OPTIONS
Content-Length: 0

== dateOfNoUse: reached
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKdate
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: dateOfNoUse
CSeq: 1 INVITE
Date: yesterday, CET
Contact: <sip:caller@peer.example>
Content-Length: 0

== contactWithoutBrackets: 400
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKbare
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: contactWithoutBrackets
CSeq: 1 REGISTER
Contact: sip:caller@peer.example?Route=%3Csip:x%3E
Content-Length: 0

== anotherVersion: 505
OPTIONS sip:user@example.com SIP/3.1
Via: SIP/3.1/UDP peer.example;branch=z9hG4bKversion
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: anotherVersion
CSeq: 1 OPTIONS
Content-Length: 0

== anotherProtocol: 400
OPTIONS sip:user@example.com HTTP/1.1
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKhttp
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: anotherProtocol
CSeq: 1 OPTIONS
Content-Length: 0

== twoMethods: 400
MESSAGE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKmethods
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: twoMethods
CSeq: 1 INVITE
Content-Length: 0

== branchOfCookieOnly: 200
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bK
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: branchOfCookieOnly
CSeq: 1 OPTIONS
Content-Length: 0

== onlyAVia: 400
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKonly
Content-Length: 0

== schemeUnknown: 416
OPTIONS gopher://example.com:70/1 SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKscheme
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: schemeUnknown
CSeq: 1 OPTIONS
Content-Length: 0

== schemesOfOthers: reached
MESSAGE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKothers
To: <urn:service:sos>
From: <mailto:caller@peer.example>;tag=1
Call-ID: schemesOfOthers
CSeq: 1 MESSAGE
Contact: <im:caller@peer.example>
Content-Length: 0

== extensionUnknown: 420
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKextension
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: extensionUnknown
CSeq: 1 OPTIONS
Require: teleport
Proxy-Require: sleep
Content-Length: 0

== bodyUnknown: 415
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKbody
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: bodyUnknown
CSeq: 1 INVITE
Contact: <sip:caller@peer.example>
Content-Type: model/vrml
Content-Length: 2

{}
== bodyCompressed: 415
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKcompressed
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: bodyCompressed
CSeq: 1 INVITE
Contact: <sip:caller@peer.example>
Content-Type: application/sdp
Content-Encoding: br
Content-Length: 2

{}
== bodyOptional: reached
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKoptional
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: bodyOptional
CSeq: 1 INVITE
Contact: <sip:caller@peer.example>
Content-Type: model/vrml
Content-Disposition: icon;handling=optional
Content-Length: 2

{}
== answerOfNoUse: 406
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKanswer
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: answerOfNoUse
CSeq: 1 INVITE
Contact: <sip:caller@peer.example>
Accept: text/plain, image/*
Content-Length: 0

== answerOfAnyKind: reached
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKany
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: answerOfAnyKind
CSeq: 1 INVITE
Contact: <sip:caller@peer.example>
Accept: text/plain, */*;q=0.1
Content-Length: 0

== everythingTwice: 400
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKeverything
To: sip:user@example.com
t: sip:other@example.com
From: <sip:caller@peer.example>;tag=1
From: <sip:caller@peer.example>;tag=2
Call-ID: everythingTwice
i: everythingTwice2
CSeq: 1 INVITE
CSeq: 2 INVITE
Contact: <sip:caller@peer.example>
Content-Length: 0

== twoContacts: 400
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKcontacts
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: twoContacts
CSeq: 1 INVITE
Contact: <sip:caller@peer.example>, <sip:caller@elsewhere.example>
Content-Length: 0

== credentialsUnknown: reached
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKcredentials
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: credentialsUnknown
CSeq: 1 REGISTER
Authorization: Handshake firm=very
Content-Length: 0

== noTagAsOfOld: reached
INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP peer.example
To: sip:user@example.com
From: <sip:caller@peer.example>
Call-ID: noTagAsOfOld
CSeq: 1 INVITE
Contact: <sip:caller@peer.example>

== ipv6Everywhere: reached
INVITE sip:user@[2001:db8::1]:5070;maddr=[::1] SIP/2.0
Via: SIP/2.0/UDP [2001:db8::2];received=[2001:db8::3];branch=z9hG4bKipv6
To: <sip:user@[2001:db8::1]:5070>
From: <sip:caller@[::ffff:192.0.2.3]>;tag=1
Call-ID: ipv6Everywhere@[2001:db8::2]
CSeq: 1 INVITE
Contact: <sip:caller@[2001:DB8::2]:5071>
Content-Length: 0

== ipv6WithoutBrackets: 400
OPTIONS sip:user@2001:db8::1 SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKbrackets
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: ipv6WithoutBrackets
CSeq: 1 OPTIONS
Content-Length: 0

== ipv6ThatIsNone: 400
OPTIONS sip:user@[2001:db8:::1] SIP/2.0
Via: SIP/2.0/UDP peer.example;branch=z9hG4bKnone
To: sip:user@example.com
From: <sip:caller@peer.example>;tag=1
Call-ID: ipv6ThatIsNone
CSeq: 1 OPTIONS
Content-Length: 0
"""


def read(text):
    """Name -> (outcome, message)."""
    found = {}
    for part in text.lstrip("\n").split("== ")[1:]:
        title, _, rest = part.partition("\n")
        name, expected = title.split(": ")
        head, _, body = rest.rpartition("\n\n") if name == "emptyLinesBefore" else rest.partition("\n\n")
        # Bodies end where the next title begins, without a line of their own.
        body = body.removesuffix("\n")
        wire = head.replace("\n|", "\n").replace("\n", "\r\n").encode("ascii") + b"\r\n\r\n" + body.encode("ascii")
        for byte in range(256):
            wire = wire.replace(rb"\x%02x" % byte, bytes([byte]))
        found[name] = (expected, wire)
    return found


TABLE = read(MESSAGES)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_message(name, protocol):
    """
    What becomes of it is the same over UDP and over TCP, where a message states its length.
    """
    expected, data = TABLE[name]
    if protocol == "TCP":
        if name in ("lengthTooLong", "bytesAfterTheBody", "noTagAsOfOld", "emptyLinesBefore"):
            pytest.skip("says something else on a stream")
    found, answer, _ = outcome(data, protocol)
    assert found == (int(expected) if expected.isdigit() else expected), f"{found}\n{answer!r}"


def test_outcomesAreNamed():
    """
    The table says nothing that no test could find.
    """
    kinds = {expected for expected, _ in TABLE.values()}
    assert {kind for kind in kinds if not kind.isdigit()} == {REACHED, DROPPED}
