"""
The floor: what the network and the reactor alone cost (RFC 3261 section 17.2 left out on purpose).

A bare Twisted C{DatagramProtocol} that cuts the answers to SIPp's C{uac} out of the
request's bytes: 180 and 200 to an INVITE, 200 to a BYE, nothing to an ACK.  It keeps no
state and is right only for messages whose headers begin C{Via From To Call-ID CSeq
Contact}, as SIPp writes them.

    python tests/bench/floor.py PORT
"""

from __future__ import annotations

import socket
import sys
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol

BODY = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
EMPTY = b"\r\nContent-Length: 0\r\n\r\n"

#: Bytes the kernel may hold for us (it grants at most net.core.rmem_max).
RECEIVE_BUFFER = 4 * 1024 * 1024


class Floor(DatagramProtocol):
    """
    @ivar transport: set by the reactor.
    @ivar _described: what follows the copied headers of a 200 to INVITE.
    """

    transport: Any

    def __init__(self, port: int) -> None:
        self._described = (
            b"\r\nContact: <sip:127.0.0.1:%d>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%b"
            % (port, len(BODY), BODY)
        )

    def startProtocol(self) -> None:
        self.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        if datagram.startswith(b"INVITE "):
            start = datagram.find(b"\r\n")
            callId = datagram.find(b"\r\nCall-ID:")
            headers = datagram[start:callId] + b";tag=floor" + datagram[callId : datagram.find(b"\r\nContact:")]
            self.transport.write(b"SIP/2.0 180 Ringing" + headers + EMPTY, addr)
            self.transport.write(b"SIP/2.0 200 OK" + headers + self._described, addr)
        elif datagram.startswith(b"BYE "):
            headers = datagram[datagram.find(b"\r\n") : datagram.find(b"\r\nContact:")]
            self.transport.write(b"SIP/2.0 200 OK" + headers + EMPTY, addr)


def main() -> None:
    port, network = int(sys.argv[1]), cast(Any, reactor)
    network.listenUDP(port, Floor(port), interface="127.0.0.1", maxPacketSize=65535)
    network.run()


if __name__ == "__main__":
    main()
