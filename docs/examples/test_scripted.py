"""Tests in the style of pytest: real user agents, and a peer that says what it is told."""

import pytest

from twisted_sipdialog import DialogDelegate, UserAgentDelegate
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


class Desk(UserAgentDelegate):
    def inviteReceived(self, invitation):
        invitation.accept(body=SDP)


@pytest.fixture
def network():
    network = MemoryNetwork(latency=0.01)
    yield network
    network.assertQuiet()


def test_ackIsLost(network):
    """Without an ACK the 2xx is repeated for 32 s; then our side hangs up (RFC 3261 section 13.3.1.4)."""
    desk = network.userAgent("sip:desk@b.example", Desk())
    peer = ScriptedPeer(network)
    peer.request("INVITE", desk, body=SDP)
    answer = peer.expect("200 INVITE")
    again = peer.expect("200 INVITE")
    assert again.toBytes() == answer.toBytes()
    bye = peer.expect("BYE")
    assert bye.headers.get("Reason") == 'SIP;cause=200;text="ACK timeout"'
    peer.respond(bye, 200)


def test_malformed(network):
    """What is no SIP is not answered; what nearly is, is answered with 400."""
    desk = network.userAgent("sip:desk@b.example", Desk())
    peer = ScriptedPeer(network)
    peer.send(b"\x16\x03\x01 no SIP", desk)
    peer.send(
        """
        OPTIONS sip:desk@b.example SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK1;rport
        From: <sip:peer@peer.example>;tag=1
        To: <sip:desk@b.example>
        Call-ID: 1@peer.example
        CSeq: 1 OPTIONS
        Max-Forwards: many
        Content-Length: ...
        """,
        desk,
    )
    peer.expect(400)
    assert network.seenBy(desk)[-1].startswith("> 400")


def test_calledByAScript(network):
    """The other way round: our call, answered as the script wants it."""
    alice = network.userAgent("sip:alice@a.example")
    peer = ScriptedPeer(network)
    calling = alice.invite("sip:peer@peer.example", body=SDP, delegate=DialogDelegate())
    invite = peer.expect("INVITE")
    peer.respond(invite, 183)
    peer.respond(invite, 200, body=SDP)
    peer.expect("ACK")
    results = []
    calling.addCallback(results.append)
    assert results[0].remote.sdp == SDP
    peer.request("BYE", within=invite)
    peer.expect("200 BYE")
    assert results[0].ended.byPeer


@pytest.mark.parametrize("seed", range(10))
def test_lossyNetwork(seed):
    """A quarter of all datagrams are lost; the call comes about all the same."""
    lossy = MemoryNetwork(latency=0.02, loss=0.25, seed=seed)
    alice = lossy.userAgent("sip:alice@a.example")
    lossy.userAgent("sip:desk@b.example", Desk())
    results = []
    alice.invite("sip:desk@b.example", body=SDP).addBoth(results.append)
    lossy.advance(32)
    assert results[0].state.value == "stable", lossy.ladder()
    lossy.assertQuiet()
