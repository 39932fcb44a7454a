"""
SIP over UDP.
"""

import socket
from typing import Any

from twisted.internet.error import MessageLengthError
from twisted.internet.interfaces import ISystemHandle
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides
from zope.interface.verify import verifyObject

from tests.transport.fakes import PEER, FakePort, Network, request
from twisted_sipdialog._seams import IFlow
from twisted_sipdialog.transport.locate import Destination


class UdpTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.network = Network("udp:5060").listen()

    def flow(self) -> Any:
        return self.network.layer.flowTo(Destination("UDP", PEER, 5070))

    def test_flow(self) -> None:
        flow = self.flow()
        verifyObject(IFlow, flow)
        self.assertEqual((flow.protocol, flow.reliable, flow.secure, flow.isOpen), ("UDP", False, False, True))
        self.assertEqual(flow.remote, (PEER, 5070))
        flow.hold()
        flow.release()
        self.assertTrue(flow.send(b"data"))
        self.assertEqual(self.network.sent, [(b"data", (PEER, 5070))])

    def test_whatTheSystemRefusesDidNotLeave(self) -> None:
        for error in (
            BlockingIOError(11, "EAGAIN"),
            OSError(101, "Network is unreachable"),
            MessageLengthError("message too long"),
        ):
            self.network.reactor.udp[0].error = error
            self.assertIs(self.flow().send(b"data"), False)
        self.assertEqual((self.network.counters.sent, self.network.counters.unsent), (0, 3))
        self.network.reactor.udp[0].error = None
        self.assertIs(self.flow().send(b"data"), True)

    def test_closedPortSendsNothing(self) -> None:
        flow = self.flow()
        self.successResultOf(self.network.layer.close())
        self.assertFalse(flow.isOpen)
        self.assertIs(flow.send(b"data"), False)
        self.assertEqual(self.network.sent, [])

    def test_keepAlivesAreIgnored(self) -> None:
        """RFC 5626 section 3.5.1; STUN (RFC 5389) and what else holds NAT bindings open."""
        for data in (b"", b"\r\n", b"\r\n\r\n", b"\0\0\0\0", b"\0", b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)):
            self.network.datagram(data)
        self.assertEqual(self.network.sent, [])
        self.assertEqual((self.network.counters.received, self.network.counters.malformed), (0, 0))

    def test_lineEndsBeforeAMessageAreSkipped(self) -> None:
        """RFC 3261 section 7.5."""
        self.network.datagram(b"\r\n\r\n" + request())
        self.assertEqual(len(self.network.user.requests), 1)

    def test_largeDatagram(self) -> None:
        self.network.datagram(request(body=b"x" * 50000))
        self.assertEqual(len(self.network.user.requests[0][0].body), 50000)

    def test_zoneOfALinkLocalAddressIsKeptForSending(self) -> None:
        network = Network(r"udp:5060:interface=\:\:").listen()
        network.datagram(request("SIP/2.0/UDP h.example;rport;branch=b"), "fe80::7%eth0", 5060)
        message, flow = network.user.requests[0]
        network.layer.sendResponse(b"answer", flow, message.viaText)
        self.assertEqual(network.sent, [(b"answer", ("fe80::7%eth0", 5060))])

    def test_kernelIsAskedForALargeBuffer(self) -> None:
        for refuses in (False, True):
            asked = []

            class Handle:
                def sendto(self, data: bytes, address: tuple[str, int]) -> None:
                    pass

                def setsockopt(self, *option: int, asked: Any = asked, refuses: bool = refuses) -> None:
                    asked.append(option)
                    if refuses:
                        raise OSError("no")

            network = Network("udp:5060", udpReceiveBuffer=123456)
            port = FakePort("UDP", "0.0.0.0", 5060, None)
            port.getHandle = Handle  # type: ignore[attr-defined]
            directlyProvides(port, ISystemHandle)

            def listenUDP(number: int, protocol: Any, port: Any = port, **options: Any) -> Any:
                protocol.makeConnection(port)
                return port

            network.reactor.listenUDP = listenUDP  # type: ignore[assignment]
            network.listen()
            self.assertEqual(asked, [(socket.SOL_SOCKET, socket.SO_RCVBUF, 123456)])
