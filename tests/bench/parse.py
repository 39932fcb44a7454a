"""
What reading and answering one INVITE costs, in microseconds, beside C{twisted.protocols.sip}.

    python tests/bench/parse.py [--repeats 15]
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from measure import table
from twisted.protocols.sip import MessagesParser

from twisted_sipdialog.message.parser import DEFAULT_LIMITS, parseMessage
from twisted_sipdialog.message.request import Request

#: Different messages, so that nothing is gained from seeing the same one again.
COUNT = 2000

SDP = (
    b"v=0\r\no=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com\r\ns=-\r\n"
    b"c=IN IP4 192.0.2.101\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0 8 101\r\n"
    b"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)

#: name, aim in microseconds or None
AIMS = {
    "parse": 8.0,
    "parse, and all that routing reads": 12.0,
    "build the 200, first answer": 2.0,
    "build the 200, after a 180": 2.0,
    "twisted.protocols.sip, parse": None,
    "a bare dict of the names, to judge the machine by": None,
}


#: It has no type annotations.
Theirs: Any = MessagesParser


def invite(number: int) -> bytes:
    """An INVITE of about 900 bytes that came through a proxy."""
    return (
        b"INVITE sip:bob@biloxi.example.com;transport=udp SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP ss1.atlanta.example.com:5060;branch=z9hG4bK2d4790.%d\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK74bf9%d;received=192.0.2.101;rport=5060\r\n"
        b"Max-Forwards: 69\r\n"
        b"Record-Route: <sip:ss1.atlanta.example.com;lr>\r\n"
        b'From: "Alice" <sip:alice@atlanta.example.com>;tag=9fxced76sl%d\r\n'
        b"To: Bob <sip:bob@biloxi.example.com>\r\n"
        b"Call-ID: 2xTb9vxSit55XU7p8.%d@atlanta.example.com\r\n"
        b"CSeq: 1 INVITE\r\n"
        b"Contact: <sip:alice@client.atlanta.example.com;transport=udp>\r\n"
        b"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, UPDATE\r\n"
        b"Supported: replaces, timer\r\n"
        b"Content-Type: application/sdp\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (number, number, number, number, len(SDP), SDP)
    )


def read(data: bytes) -> Request:
    message = parseMessage(data, DEFAULT_LIMITS)
    assert isinstance(message, Request)
    return message


def route(data: bytes) -> Request:
    """Read what the layers read of every request (sections 8.2, 12.2.2, 17.2.3 and 18.3)."""
    request = read(data)
    _ = (
        request.uriText,
        request.callId,
        request.fromTag,
        request.toTag,
        request.cseqNumber,
        request.cseqMethod,
        request.via.branch,
        request.headers.get("content-length"),
    )
    return request


def names(data: bytes) -> dict[bytes, list[bytes]]:
    """The least anybody can do: no message without it."""
    found: dict[bytes, list[bytes]] = {}
    for line in data[: data.index(b"\r\n\r\n")].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        found.setdefault(name.lower(), []).append(value)
    return found


def ok(request: Request) -> bytes:
    return request.response(
        200,
        toTag="a6c85cf",
        headers=(("Contact", "<sip:bob@192.0.2.4>"),),
        body=SDP,
        contentType="application/sdp",
    ).toBytes()


def microseconds(work: Callable[[Any], object], inputs: list[Any]) -> float:
    """The mean over C{inputs}."""
    begun = time.perf_counter_ns()
    for each in inputs:
        work(each)
    return (time.perf_counter_ns() - begun) / len(inputs) / 1000


def measureOnce(messages: list[bytes]) -> list[float]:
    """One round, in the order of L{AIMS}."""
    fresh, ringing = [route(data) for data in messages], [route(data) for data in messages]
    for request in ringing:
        request.response(180, toTag="a6c85cf").toBytes()
    theirs: Any = Theirs(lambda message: None)

    def parseTheirs(data: bytes) -> None:
        theirs.dataReceived(data)
        theirs.dataDone()

    return [
        microseconds(read, messages),
        microseconds(route, messages),
        microseconds(ok, fresh),
        microseconds(ok, ringing),
        microseconds(parseTheirs, messages),
        microseconds(names, messages),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Microseconds to read and answer one INVITE.")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    messages = [invite(number) for number in range(10_000, 10_000 + COUNT)]
    gc.freeze()
    gc.disable()
    measureOnce(messages)
    rounds = [measureOnce(messages) for _ in range(options.repeats)]
    rows = []
    for (name, aim), values in zip(AIMS.items(), zip(*rounds, strict=True), strict=True):
        best = min(values)
        verdict = "" if aim is None else "met" if best <= aim else "MISSED"
        rows.append([name, f"{best:.2f}", f"{statistics.median(values):.2f}", f"≤ {aim:g}" if aim else "", verdict])
    print(f"An INVITE of {len(messages[0])} bytes, µs, {options.repeats} rounds in turn over {COUNT} messages\n")
    print(table(["", "best", "median", "aim", ""], rows))


if __name__ == "__main__":
    main()
