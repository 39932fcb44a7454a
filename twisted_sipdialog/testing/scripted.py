"""
A peer that says exactly what a test tells it to.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.testing.ladder import label
from twisted_sipdialog.testing.scripted_flows import (
    Flow,
    PeerDatagrams,
    PeerStream,
    acceptFor,
    connectFor,
    fromText,
    hostPort,
    written,
)

if TYPE_CHECKING:
    from twisted_sipdialog.testing.network import MemoryNetwork
    from twisted_sipdialog.useragent import UserAgent

_PORT = 5060
#: Methods whose requests and responses carry a Contact.
_WITH_CONTACT = ("INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE")
#: Header lines to replace (a text), to add (an unknown name), or to leave out (None).
Overrides = Mapping[str, str | None]
_NOTHING: Overrides = {}


class ScriptedPeer:
    """
    A SIP peer without any behaviour of its own: it sends what a test says and keeps what it gets,
    over UDP and TCP.  For tests of what a user agent does with messages, wrong ones included::

        def test_unknownDialog(self):
            network = MemoryNetwork()
            agent = network.userAgent("sip:desk@b.example")
            peer = ScriptedPeer(network)
            peer.request("BYE", agent, headers={"To": "<sip:desk@b.example>;tag=unknown"})
            peer.expect("481 BYE")

    A call takes four lines: C{peer.request("INVITE", agent, body=sdp)}, C{ok = peer.expect("200 INVITE")},
    C{peer.ack(ok)}, C{peer.request("BYE", within=ok)}.  As the one called: C{invite = peer.expect("INVITE")},
    C{peer.respond(invite, 180)}.

    Each peer has its own host and address; L{MemoryNetwork.assertQuiet} does not ask what a peer left open.

    @ivar received: every L{Request} and L{Response} it got, retransmissions included.
    @ivar raw: every datagram and every piece of a stream it got, as C{bytes}: keep-alives are here only.
    @ivar reactor: its host.
    @ivar address: its address and port; C{sip:peer@ADDRESS:PORT} reaches it, and so does its host name.
    @ivar tag: its tag in From and To.
    """

    def __init__(self, network: MemoryNetwork, host: str | None = None) -> None:
        """
        @param host: its host name; by default C{peer.example}, C{peer2.example} and so on.
        @raise ValueError: the network has a host of that name.
        """
        if host is None:
            names = (f"peer{number if number > 1 else ''}.example" for number in count(1))
            host = next(name for name in names if network.lookup(name) is None)
        elif network.lookup(host) is not None:
            raise ValueError(f"{host}: the network has a host of that name")
        self._network = network
        self.reactor = network.host(host)
        self.address = (self.reactor.ipv4, _PORT)
        self.received: list[Request | Response] = []
        self.raw: list[bytes] = []
        self.tag = f"tag-of-{host}"
        #: Its connections, also those that are being opened.
        self.streams: list[PeerStream] = []
        self._fresh: list[Request | Response] = []  # received, not expected yet
        self._flows: list[tuple[Request | Response, Flow]] = []
        self._numbers = count(1)
        self._observer = network.join(self, f"sip:peer@{self.reactor.name}")
        self._datagrams = PeerDatagrams(self)
        self.reactor.listenUDP(_PORT, self._datagrams, self.reactor.ipv4, maxPacketSize=65_535)
        self.reactor.listenTCP(_PORT, acceptFor(self), interface=self.reactor.ipv4)

    def __repr__(self) -> str:
        return f"<ScriptedPeer {self.reactor.name} {self.address[0]}:{self.address[1]}>"

    # What it gets.

    def expect(self, what: str | int, seconds: float = 40.0) -> Any:
        """
        Let time pass until a message has come that was not expected before, and return it.

        Others are passed over, but stay for a later C{expect}; so expecting the same twice waits for a
        retransmission.

        @param what: C{"INVITE"} for a request, C{"180 INVITE"} for a response, or a status code.
        @param seconds: how long to wait.
        @return: the L{Request} or L{Response}.
        @raise AssertionError: it did not come; the text has the ladder.
        """
        end = self._network.clock.seconds() + seconds
        while True:
            for place, message in enumerate(self._fresh):
                if what in (label(message), getattr(message, "statusCode", None)):
                    return self._fresh.pop(place)
            if not self._network.step(end):
                self._network.advance(max(0.0, end - self._network.clock.seconds()))
                raise AssertionError(f"no {what} came to {self!r} in {seconds} s\n{self._network.ladder()}")

    # What it sends.

    def send(self, data: bytes | str, to: UserAgent | ScriptedPeer | tuple[str, int], protocol: str = "UDP") -> None:
        """
        Send anything.

        @param data: C{bytes} go out as they are.  A C{str} may be indented and begin with an empty line, for
            triple quotes; its line ends become CRLF, the empty line behind the headers is added when there is
            none, and C{Content-Length: ...} (three dots) gets the length of the body.
        @param to: a user agent, a scripted peer, or an address and port.
        @param protocol: C{"UDP"}, or C{"TCP"} for the one connection to there, which is opened when there is none.
        """
        address = to if isinstance(to, tuple) else self._network.addressOf(to)
        self._send(data if isinstance(data, bytes) else fromText(data), Flow(protocol, address))

    def request(
        self,
        method: str,
        to: UserAgent | ScriptedPeer | tuple[str, int] | None = None,
        within: Request | Response | None = None,
        headers: Overrides = _NOTHING,
        body: bytes = b"",
        uri: str | None = None,
        protocol: str = "UDP",
    ) -> Request:
        """
        Send a well-formed request, except for what C{headers} makes of it.

        @param to: where to, for one outside a dialog.
        @param within: a message of the dialog to send it in, received or sent: the 2xx to our INVITE, or the INVITE
            to us.  It takes the way that message took.
        @param headers: header lines to replace, to add, or (None) to leave out.
        @param body: of type C{application/sdp}, unless C{headers} says otherwise.
        @param uri: the Request-URI; by default that of C{to} or the remote target of the dialog.
        @param protocol: C{"UDP"} or C{"TCP"}.
        @return: the request as it was sent.
        """
        number = next(self._numbers)
        if within is not None:
            flow = self._flowOf(within)
            target, remote, local, callId = self._dialogOf(within)
        elif to is not None:
            flow = Flow(protocol, to if isinstance(to, tuple) else self._network.addressOf(to))
            target = f"sip:{hostPort(flow.remote)}" if isinstance(to, tuple) else self._network.aorOf(to)
            remote, local = f"<{target}>", f"<sip:peer@{self.reactor.name}>;tag={self.tag}"
            callId = f"call-{number}@{self.reactor.name}"
        else:
            raise ValueError("a request needs to= or within=")
        lines = [
            ("Via", f"SIP/2.0/{flow.protocol} {hostPort(self.address)};branch=z9hG4bK-{self.reactor.name}-{number}"),
            ("Max-Forwards", "70"),
            ("From", local),
            ("To", remote),
            ("Call-ID", callId),
            ("CSeq", f"{number} {method}"),
        ]
        return self._sendRequest(method, uri or target, lines, headers, body, flow)

    def ack(self, response: Response, headers: Overrides = _NOTHING, body: bytes = b"") -> Request:
        """
        Acknowledge a final response to an INVITE of ours: a 2xx end to end (RFC 3261 section 13.2.2.4), another
        one hop by hop (section 17.1.1.3).

        @param headers: as for L{request}.
        """
        invite = self._sentAs("INVITE", response)
        via = invite.headers.getAll("via")[0]
        target = invite.uriText
        if response.statusCode < 300:
            via = via.partition(";")[0] + f";branch=z9hG4bK-{self.reactor.name}-{next(self._numbers)}"
            target = self._dialogOf(response)[0]
        lines = _repeated(invite, via, response.headers.get("to") or "", "ACK")
        return self._sendRequest("ACK", target, lines, headers, body, self._flowOf(response))

    def cancel(self, invite: Request, headers: Overrides = _NOTHING) -> Request:
        """
        Cancel a request of ours (RFC 3261 section 9.1).

        @param headers: as for L{request}.
        """
        lines = _repeated(invite, invite.headers.getAll("via")[0], invite.headers.get("to") or "", "CANCEL")
        return self._sendRequest("CANCEL", invite.uriText, lines, headers, b"", self._flowOf(invite))

    def respond(
        self,
        request: Request,
        statusCode: int,
        reasonPhrase: str | None = None,
        headers: Overrides = _NOTHING,
        body: bytes = b"",
    ) -> Response:
        """
        Answer a request that was received, on the way it came (RFC 3261 section 8.2.6), with our tag in To
        except in a 100.

        @param headers: as for L{request}.
        @param body: as for L{request}.
        @return: the response as it was sent.
        """
        tag = "" if statusCode == 100 else self.tag
        response = request.response(statusCode, reasonPhrase, tag, body=body)
        flow = self._flowOf(request)
        self._complete(response, request.method if 100 < statusCode < 300 else "", headers, flow)
        self._flows.append((response, flow))
        self._send(written(response), flow)
        return response

    def disconnect(self) -> None:
        """Close all its connections, in order (a FIN, not a reset: for that L{MemoryNetwork.reset})."""
        for stream in list(self.streams):
            stream.close()

    # How.

    def _sendRequest(
        self, method: str, uri: str, lines: list[tuple[str, str]], headers: Overrides, body: bytes, flow: Flow
    ) -> Request:
        request = Request(method, uri, lines, body)
        self._complete(request, method, headers, flow)
        self._flows.append((request, flow))
        self._send(written(request), flow)
        return request

    def _complete(self, message: Request | Response, contactFor: str, headers: Overrides, flow: Flow) -> None:
        """What both kinds of messages get: Contact, Content-Type, what the test says, Content-Length."""
        lines = message.headers
        if contactFor in _WITH_CONTACT:
            suffix = "" if flow.protocol == "UDP" else f";transport={flow.protocol.lower()}"
            lines.add("Contact", f"<sip:peer@{hostPort(self.address)}{suffix}>")
        if message.body:
            lines.add("Content-Type", "application/sdp")
        lines.set("Content-Length", str(len(message.body)))
        for name, value in headers.items():
            if value is None:
                lines.remove(name)
            else:
                lines.set(name, value)

    def _flowOf(self, message: Request | Response) -> Flow:
        for other, flow in self._flows:
            if other is message:
                return flow
        raise ValueError(f"{message!r} was neither received nor sent by {self!r}")

    def _sentAs(self, method: str, response: Response) -> Request:
        for message, _ in self._flows:
            if isinstance(message, Request) and message.method == method:
                # The tag tells it from one of the other side, which counts for itself (section 12.2.1.1).
                if (message.callId, message.fromTag, message.cseqNumber) == (
                    response.callId,
                    response.fromTag,
                    response.cseqNumber,
                ):
                    return message
        raise ValueError(f"{response!r} answers no {method} of {self!r}")

    def _dialogOf(self, message: Request | Response) -> tuple[str, str, str, str]:
        """Remote target, remote and local party, Call-ID of the dialog that C{message} belongs to."""
        to, from_ = message.headers.get("to") or "", message.headers.get("from") or ""
        ours = message.fromTag == self.tag
        if not ours and not message.toTag:
            to += f";tag={self.tag}"  # a request to us that we have answered, or are about to
        remote, local = (to, from_) if ours else (from_, to)
        received = [m for m in self.received if m.callId == message.callId and m.contacts]
        target = str(received[-1].contacts[0].uri) if received else remote.partition("<")[2].partition(">")[0]
        return target, remote, local, message.callId

    def _send(self, data: bytes, flow: Flow) -> None:
        self._observer.messageSent(data, flow)
        if flow.protocol == "UDP":
            self._datagrams.write(data, flow.remote)
            return
        stream = flow.stream if flow.stream in self.streams else None
        if stream is None:
            stream = next((s for s in self.streams if s.remote == flow.remote), None)
        if stream is None:
            stream = connectFor(self, self.reactor, flow.remote)
        stream.write(data)

    def got(self, message: Request | Response, flow: Flow) -> None:
        """Done by its ports: a message came."""
        self.received.append(message)
        self._fresh.append(message)
        self._flows.append((message, flow))
        self._observer.messageReceived(message.toBytes(), flow)


def _repeated(invite: Request, via: str, to: str, method: str) -> list[tuple[str, str]]:
    """The header lines of an ACK or CANCEL for C{invite}."""
    get = invite.headers.get
    return [
        ("Via", via),
        ("Max-Forwards", "70"),
        ("From", get("from") or ""),
        ("To", to),
        ("Call-ID", invite.callId),
        ("CSeq", f"{invite.cseqNumber} {method}"),
    ]
