"""
Several addresses of one peer, several transports (RFC 3263 section 4.3, RFC 3261 sections 8.1.2, 18.1.1).
"""

from twisted.internet.abstract import isIPAddress
from twisted.internet.defer import CancelledError, Deferred, fail, succeed

from tests.ua.calling import ANSWER, BOB, OFFER, CallerCase, Media, challenge, proven
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import LocateError, ResponseError, Timeout, TransportError
from twisted_sipdialog.testing import ScriptedPeer
from twisted_sipdialog.transport.locate import Destination

TCP = f"{BOB};transport=tcp"
LONG = OFFER + b"a=x:" + b"y" * 1300 + b"\r\n"


class Addresses:
    """A locator by which every name has the same addresses."""

    def __init__(self, *destinations):
        self.destinations = destinations

    def locate(self, uri, protocols):
        if isIPAddress(uri.host):
            return succeed([Destination((uri.transport or "udp").upper(), uri.host, uri.port or 5060)])
        return succeed(list(self.destinations))


class FailoverCase(CallerCase):
    def setUp(self):
        super().setUp()
        self.other = ScriptedPeer(self.network)

    def located(self, *where, protocol="UDP"):
        """From now on every name has these addresses."""
        hosts = [w if isinstance(w, str) else w.address[0] for w in where]
        self.alice._core.client.locator = Addresses(*[Destination(protocol, host, 5060) for host in hosts])


class NextAddressTests(FailoverCase):
    def test_silent(self):
        """
        RFC 3263 section 4.3: no answer in 64*T1: the next address, with a new branch, the rest the same.
        """
        self.located(self.peer, self.other)
        calling, first = self.invite()
        self.network.advance(33)
        second = self.other.expect("INVITE")
        self.assertNotEqual(second.via.branch, first.via.branch)
        for name in ("From", "To", "Call-ID"):
            self.assertEqual(second.headers.get(name), first.headers.get(name))
        self.other.respond(second, 200, body=ANSWER)
        self.other.expect("ACK")
        self.successResultOf(calling)

    def test_unavailable(self):
        """
        A 503 is as good as no answer; it is told to nobody while there is another address.
        """
        self.located(self.peer, self.other)
        calling, first = self.invite()
        self.peer.respond(first, 503)
        second = self.other.expect("INVITE")
        self.assertEqual(self.peer.expect("ACK").via.branch, first.via.branch)
        self.other.respond(second, 200, body=ANSWER)
        self.network.advance(0.1)
        self.successResultOf(calling)
        self.assertEqual(self.notes.ended, [])

    def test_lastOneCounts(self):
        """
        The outcome is that of the last address that could be tried, told once.
        """
        for last, kind in (("503", ResponseError), ("486", ResponseError), ("silent", Timeout)):
            self.located(self.peer, self.other)
            calling, first = self.invite()
            self.peer.respond(first, 503)
            second = self.other.expect("INVITE")
            if last != "silent":
                self.other.respond(second, int(last))
            self.network.advance(33)
            self.failureResultOf(calling, kind)
        self.assertNothingLeft()

    def test_cannotBeTried(self):
        """
        An address of a family we have no port for says nothing: what the one before it said counts.
        """
        self.located(self.peer, "2001:db8::99")
        calling, invite = self.invite()
        self.peer.respond(invite, 503)
        self.network.advance(0.1)
        self.assertEqual(self.failureResultOf(calling, ResponseError).value.statusCode, 503)
        self.located("2001:db8::99", self.peer)
        self.invite()  # arrives
        self.located("2001:db8::99")
        calling = self.alice.invite(BOB, body=OFFER)
        self.failureResultOf(calling, TransportError)

    def test_otherFinals(self):
        """
        Any other final is an answer: the next address is not bothered.
        """
        for code in (404, 408, 480, 486, 500, 504, 600):
            self.located(self.peer, self.other)
            calling, invite = self.invite()
            self.peer.respond(invite, code)
            self.network.advance(1)
            self.failureResultOf(calling, ResponseError)
        self.assertEqual(self.other.received, [])

    def test_refusedConnection(self):
        """
        A connection that is refused, or not opened in time: the next address.
        """
        self.network.host("closed.example")
        closed = self.network.host("closed.example").ipv4
        for first in (closed, "192.0.2.250"):
            self.located(first, self.other, protocol="TCP")
            calling = self.alice.invite(BOB, body=OFFER)
            second = self.other.expect("INVITE")
            self.other.respond(second, 200, body=ANSWER)
            self.network.advance(0.1)
            self.successResultOf(calling)
        self.assertEqual(len(self.other.streams), 1)

    def test_allRefused(self):
        """
        Nobody is there: one failure, nothing left.
        """
        closed = self.network.host("closed.example").ipv4
        self.located(closed, closed, protocol="TCP")
        calling = self.alice.invite(BOB, body=OFFER)
        self.network.advance(1)
        self.failureResultOf(calling, TransportError)
        self.assertNothingLeft()

    def test_cancelledMeansCancelled(self):
        """
        A call that was given up is not tried elsewhere.
        """
        for how in ("503", "silent"):
            self.located(self.peer, self.other)
            calling, invite = self.invite()
            calling.cancel()
            if how == "503":
                self.peer.respond(invite, 503)
            self.network.advance(40)
            self.failureResultOf(calling, CancelledError)
        self.assertEqual(self.other.received, [])
        self.assertNothingLeft()

    def test_otherRequests(self):
        """
        The same for requests that are no calls.
        """
        self.located(self.peer, self.other)
        asking = self.request("OPTIONS")
        self.peer.respond(self.peer.expect("OPTIONS"), 503)
        self.other.respond(self.other.expect("OPTIONS"), 200)
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(asking).statusCode, 200)

    def test_challengeByTheSecond(self):
        """
        Who asked gets the proof: the address that answered, not the first.
        """
        agent = self.network.userAgent(
            "sip:d@d.example", credentials=[Credentials("alice", "wonderland", realm="example.com")]
        )
        agent._core.client.locator = Addresses(
            *[Destination("UDP", p.address[0], 5060) for p in (self.peer, self.other)]
        )
        self.request("OPTIONS", agent=agent)
        self.peer.respond(self.peer.expect("OPTIONS"), 503)
        self.other.respond(self.other.expect("OPTIONS"), 401, headers={"WWW-Authenticate": challenge()})
        self.assertIsNot(proven(self.other.expect("OPTIONS")), None)
        self.assertEqual(self.count("OPTIONS"), 1)


class LocateTests(CallerCase):
    def test_unknownHost(self):
        """
        A name without an address fails the call, and every other request.
        """
        calling = self.alice.invite("sip:bob@nowhere.example", body=OFFER)
        asking = self.alice.request("OPTIONS", "sip:bob@nowhere.example")
        self.network.advance(1)
        for deferred in (calling, asking):
            self.assertIn("nowhere.example", str(self.failureResultOf(deferred, LocateError).value))
        self.assertNothingLeft()

    def test_locatorFails(self):
        """
        Whatever a locator fails with is a LocateError.
        """

        class Failing:
            def locate(self, uri, protocols):
                return fail(ZeroDivisionError("x"))

        self.alice._core.client.locator = Failing()
        self.failureResultOf(self.alice.request("OPTIONS", BOB), LocateError)

    def test_nothingFound(self):
        """
        A locator that finds nothing is no way either.
        """
        self.alice._core.client.locator = Addresses()
        self.failureResultOf(self.alice.invite(BOB, body=OFFER), LocateError)
        self.assertNothingLeft()

    def test_manyAddresses(self):
        """
        Whoever owns a name may give it any number of addresses; a few of them are tried.
        """
        self.alice._core.client.locator = Addresses(
            *[Destination("UDP", f"192.0.2.{n}", 5060) for n in range(100, 250)]
        )
        asking = self.alice.request("OPTIONS", BOB)
        self.network.advance(8 * 32 + 1)
        self.failureResultOf(asking, Timeout)
        self.assertNothingLeft()

    def test_lookUpWithoutEnd(self):
        """
        A name that is never found: the requests fail after 64*T1, and a dialog whose BYE it was ends.
        """

        class Endless:
            def locate(self, uri, protocols):
                return Deferred()

        dialog, _invite, _ack = self.call()
        self.alice._core.client.locator = Endless()
        calling, asking = self.alice.invite(BOB, body=OFFER), self.alice.request("OPTIONS", BOB)
        destroyed = dialog.destroy()
        self.network.advance(33)
        for failed in (calling, asking, destroyed):
            self.failureResultOf(failed, LocateError)
        self.assertEqual(self.notes.ended[0][0], dialog)
        self.assertEqual(self.alice.leftovers(), [])

    def test_stopDuringLookUp(self):
        """
        The service stops while a name is being looked up: the request fails, nothing is sent later.
        """

        class Slow:
            def __init__(self):
                self.waiting = []

            def locate(self, uri, protocols):
                self.waiting.append(Deferred())
                return self.waiting[-1]

        slow = self.alice._core.client.locator = Slow()
        calling, asking = self.alice.invite(BOB, body=OFFER), self.alice.request("OPTIONS", BOB)
        self.alice.stopService()
        self.network.advance(10)
        self.failureResultOf(calling)
        self.failureResultOf(asking, TransportError)
        for waiting in slow.waiting:
            if not waiting.called:
                waiting.callback([Destination("UDP", self.peer.address[0], 5060)])
        self.network.advance(1)
        self.assertEqual((self.peer.received, self.alice.leftovers()), ([], []))


class LongRequestTests(FailoverCase):
    def test_byTcp(self):
        """
        Section 18.1.1: what may not fit into one datagram goes by TCP, and says so in Via and Contact.
        """
        calling, invite = self.invite(body=LONG)
        self.assertEqual((invite.via.transport, invite.contacts[0].uri.transport), ("TCP", "tcp"))
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.successResultOf(calling)

    def test_limit(self):
        """
        1300 bytes still go by UDP, one more does not.
        """
        _, invite = self.invite()
        rest = 1300 - len(invite.toBytes())
        sizes = {}
        for more in range(rest - 3, rest + 4):
            _, invite = self.invite(body=OFFER + b"x" * more)
            sizes[len(invite.toBytes())] = invite.via.transport
        self.assertEqual({size for size, by in sizes.items() if by == "UDP" and size > 1300}, set())
        self.assertEqual(sizes.get(1300), "UDP")
        self.assertIn("TCP", sizes.values())

    def test_refusedByTcp(self):
        """
        Section 18.1.1: a peer that takes no TCP gets it by UDP all the same.
        """
        self.alice._core.client.locator = Addresses(Destination("UDP", self.peer.address[0], 5060))
        for listening in list(self.peer.reactor.ports):
            if listening.getHost().type == "TCP":
                listening.stopListening()
        self.network.advance(0.1)
        calling, invite = self.invite(body=LONG)
        self.assertEqual((invite.via.transport, invite.contacts[0].uri.transport), ("UDP", None))
        self.peer.respond(invite, 200, body=ANSWER)
        self.network.advance(0.1)
        self.successResultOf(calling)

    def test_silentByTcp(self):
        """
        A peer that took it by TCP and said nothing is not asked again by UDP.
        """
        calling, _ = self.invite(body=LONG)
        self.network.advance(200)
        self.failureResultOf(calling, Timeout)
        self.assertEqual(self.count("INVITE"), 1)
        self.assertNothingLeft()

    def test_long2xxAck(self):
        """
        An ACK may be long, too: a late offer answered at length.
        """
        _calling, invite = self.invite(body=b"", media=Media(answers=LONG))
        self.peer.respond(invite, 200, body=OFFER)
        ack = self.peer.expect("ACK")
        self.assertEqual((ack.via.transport, ack.body), ("TCP", LONG))

    def test_longAckRefusedByTcp(self):
        """
        A peer that takes no TCP gets it by UDP, at the latest when it repeats its 2xx.
        """
        for listening in list(self.peer.reactor.ports):
            if listening.getHost().type == "TCP":
                listening.stopListening()
        self.network.advance(0.1)
        _calling, invite = self.invite(body=b"", media=Media(answers=LONG))
        for _ in range(2):
            self.peer.respond(invite, 200, body=OFFER)
            self.network.advance(0.5)
        self.assertEqual(self.peer.expect("ACK").via.transport, "UDP")


class LostFlowTests(FailoverCase):
    def test_duringInvite(self):
        """
        Section 17.1.4: a connection that breaks fails the INVITE on it, once.
        """
        calling, _invite = self.invite(TCP)
        self.network.reset(self.alice, self.peer)
        self.network.advance(0.1)
        self.failureResultOf(calling, TransportError)
        self.assertNothingLeft()

    def test_duringCall(self):
        """
        A flow is not a dialog: a connection that breaks ends no call, and BYE goes over a new one (B40).
        """
        dialog, _, _ = self.call(TCP)
        for how in ("reset", "close"):
            if how == "reset":
                self.network.reset(self.alice, self.peer)
            else:
                self.peer.disconnect()
            self.network.advance(5)
            self.assertEqual((self.alice.dialogs, self.notes.ended, self.peer.streams), ([dialog], [], []))
            asking = dialog.request("INFO")
            info = self.peer.expect("INFO")
            self.assertEqual(info.via.transport, "TCP")
            self.peer.respond(info, 200)
            self.network.advance(0.1)
            self.assertEqual(self.successResultOf(asking).statusCode, 200)
        self.peer.disconnect()
        self.network.advance(1)
        ending = dialog.destroy()
        self.endsBye()
        self.successResultOf(ending)
        self.assertNothingLeft()

    def test_2xxRepeatedOverAnotherFlow(self):
        """
        The ACK is repeated over a new connection when the first one broke.
        """
        calling, invite = self.invite(TCP)
        self.peer.respond(invite, 200, body=ANSWER)
        self.peer.expect("ACK")
        dialog = self.successResultOf(calling)
        self.network.reset(self.alice, self.peer)
        self.network.advance(0.1)
        self.assertEqual(self.alice.dialogs, [dialog])

    def test_byeCannotBeSent(self):
        """
        The peer is gone for good: destroy() ends the call here all the same.
        """
        dialog, _, _ = self.call(TCP)
        for listening in list(self.peer.reactor.ports):
            listening.stopListening()
        self.peer.disconnect()
        self.network.advance(1)
        ending = dialog.destroy()
        self.network.advance(40)
        self.assertEqual(self.successResultOf(ending).method, "BYE")
        self.assertEqual(len(self.notes.ended), 1)
        self.assertNothingLeft()
