"""
Where the NOTIFYs of a subscription go (RFC 3261 sections 12.2.1, 18.1, RFC 5626 section 5.3), and who asks who we are.
"""

from tests.ua.calling import challenge, proven
from tests.ua.test_only_flow import NOWHERE
from tests.ua.watched import WatchedCase
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import TransportError


class FlowTests(WatchedCase):
    def stands(self, contact=None, protocol="TCP", expires="600", **settings):
        """A subscription over C{protocol} of a peer that says it is at C{contact}."""
        self.open(**settings)
        headers = {} if contact is None else {"Contact": contact}
        self.within = self.subscribe(expires, protocol=protocol, headers=headers)
        self.assertEqual(self.within.statusCode, 200)
        self.first = self.notified()

    def streamOf(self, message):
        """The connection that C{message} came by."""
        return self.peer._flowOf(message).stream

    def over(self):
        """What is left is at most a connection that is idle."""
        self.network.advance(400)
        self.assertEqual(self.userAgent.leftovers(), [], self.network.ladder())

    def test_tcp(self):
        """A subscriber whose Contact says TCP is told by TCP, each time over the same connection."""
        self.stands()
        stream = self.streamOf(self.first)
        self.assertIn(stream, self.peer.streams)
        self.assertIn("transport=tcp", self.first.headers.get("contact").lower())
        self.notifier.notify(b"1")
        self.assertIs(self.streamOf(self.notified()), stream)
        self.notifier.destroy()
        self.notified()
        self.over()

    def test_reconnects(self):
        """A connection that is lost ends nothing: the next NOTIFY opens another one to the Contact."""
        self.stands()
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(30)
        self.assertEqual(self.notifier.state, "active")
        telling = self.notifier.notify(b"1")
        self.assertEqual(self.told()[1], b"1")
        self.assertEqual(self.successResultOf(telling).statusCode, 200)
        self.notifier.destroy()
        self.notified()
        self.over()

    def test_onlyWay(self):
        """One that can be reached over its connection only is told over that, by UDP where that is UDP."""
        for contact in NOWHERE:
            for protocol in ("TCP", "UDP"):
                self.stands(contact, protocol)
                stream = self.streamOf(self.first)
                self.assertEqual(self.first.uriText, contact.strip("<>"))
                self.notifier.notify(b"1")
                self.assertIs(self.streamOf(self.notified()), stream)
                self.notifier.destroy()
                self.notified()
                self.over()

    def test_lost(self):
        """That connection is lost, and nobody comes back within the grace time: it is over."""
        for contact in NOWHERE:
            self.stands(contact, flowGrace=7.0)
            notifier = self.notifier
            whenTerminated = notifier.whenTerminated()
            self.network.reset(self.userAgent, self.peer)
            self.network.advance(6.9)
            self.assertEqual(notifier.state, "active")
            self.network.advance(0.3)
            self.assertEqual(self.successResultOf(whenTerminated).reason, "flow lost")
            self.assertEnd(notifier, "flow lost", False)
            self.assertIsNone(self.successResultOf(notifier.destroy()))
            self.over()

    def test_lostWhileTelling(self):
        """Lost with a NOTIFY on its way: that fails, and with it the subscription."""
        self.stands(NOWHERE[0])
        notifier = self.notifier
        telling = notifier.notify(b"1")
        self.peer.expect("NOTIFY")
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(40)
        self.failureResultOf(telling)
        self.assertEqual((notifier.state, notifier.ended.message), ("terminated", None))
        self.assertEqual([what for what, _, _ in self.notes.heard], ["terminated"])
        self.over()

    def test_meanwhile(self):
        """A NOTIFY while it is lost cannot go out, and says so."""
        self.stands(NOWHERE[1])
        notifier = self.notifier
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(0.1)
        self.failureResultOf(notifier.notify(b"1"), TransportError)
        self.assertEnd(notifier, "no answer", True)
        self.over()

    def test_comesBack(self):
        """The peer comes back with a refresh in time: the NOTIFYs go there."""
        self.stands(NOWHERE[1], flowGrace=7.0)
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(3)
        request = self.peer.request(
            "SUBSCRIBE", within=self.within, headers={"Event": "x-door", "Expires": "90", "Contact": NOWHERE[1]}
        )
        self.assertEqual(self.finalTo(request).statusCode, 200)
        self.assertEqual(self.told()[0], "active;expires=90")
        self.network.advance(20)
        self.assertEqual(self.notifier.state, "active")
        self.notifier.destroy()
        (stream,) = self.peer.streams
        self.assertIs(self.streamOf(self.notified()), stream)
        self.over()

    def test_proxy(self):
        """Where a proxy stands between, it is its to find the peer: over the route, another connection if need be."""
        self.open()
        route = f"<sip:{self.peer.address[0]};transport=tcp;lr>"
        headers = {"Contact": NOWHERE[1], "Record-Route": route}
        self.assertEqual(self.subscribe(protocol="TCP", headers=headers).statusCode, 200)
        self.notified()
        self.network.reset(self.userAgent, self.peer)
        self.network.advance(30)
        self.notifier.notify(b"1")
        notify = self.notified()
        self.assertEqual((notify.body, notify.headers.get("route")), (b"1", route))
        self.notifier.destroy()
        self.notified()
        self.over()

    def test_nowhere(self):
        """A Contact that nobody listens at: the first NOTIFY fails, and nothing is left."""
        self.open()
        accepted = self.subscribe(headers={"Contact": "<sip:peer@gone.example;transport=tcp>"})
        self.assertEqual(accepted.statusCode, 200)
        self.network.advance(40)
        self.assertEnd(self.notifier, "no answer", True)
        self.assertNothingLeft()

    def test_large(self):
        """RFC 3261 section 18.1.1: a NOTIFY too large for UDP goes by TCP, if the peer is there."""
        self.stands(protocol="UDP")
        self.notifier.notify(b"x" * 3000)
        notify = self.notified()
        self.assertIsNotNone(self.streamOf(notify))
        self.assertEqual(len(notify.body), 3000)
        self.notifier.destroy(body=b"")
        self.notified()
        self.over()


class ChallengedTests(WatchedCase):
    def test_answered(self):
        """RFC 3261 section 22: a challenge to a NOTIFY is answered, in the dialog, and is no refusal."""
        for code, name, field in (
            (401, "Authorization", "WWW-Authenticate"),
            (407, "Proxy-Authorization", "Proxy-Authenticate"),
        ):
            self.open(credentials=[Credentials("desk", "wonderland", realm="example.com")])
            self.subscribe()
            first = self.notified(code, **{field: challenge()})
            second = self.notified()
            self.assertTrue(proven(second, name=name, user="desk"))
            self.assertEqual((second.cseqNumber, second.callId), (first.cseqNumber + 1, first.callId))
            for header in ("event", "subscription-state", "to", "from"):
                self.assertEqual(second.headers.get(header), first.headers.get(header))
            telling = self.notifier.notify(b"1")
            # Section 22.3: known by now.
            third = self.notified()
            self.assertTrue(proven(third, name=name, user="desk"))
            self.assertEqual(self.successResultOf(telling).statusCode, 200)
            self.notifier.destroy()
            self.notified()
            self.assertNothingLeft()

    def test_unknown(self):
        """One that we have nothing for is what C{notify()} fires with; RFC 5057 section 5.1: it ends nothing."""
        for code, field in ((401, "WWW-Authenticate"), (407, "Proxy-Authenticate")):
            self.open()
            notifier = self.subscribed()
            telling = notifier.notify(b"1")
            self.notified(code, **{field: challenge("elsewhere.example")})
            self.assertEqual(self.successResultOf(telling).statusCode, code)
            self.assertEqual(notifier.state, "active")
            notifier.destroy()
            self.notified()
            self.assertNothingLeft()

    def test_whileAnswering(self):
        """What is told while the credentials are on their way waits for that answer."""
        self.open(credentials=[Credentials("desk", "wonderland", realm="example.com")])
        notifier = self.subscribed()
        notifier.notify(b"1")
        waiting = notifier.notify(b"2")
        self.notified(401, **{"WWW-Authenticate": challenge()})
        second = self.peer.expect("NOTIFY")
        self.assertEqual((second.body, len(self.notifies())), (b"1", 3))
        self.peer.respond(second, 200)
        self.assertEqual(self.told()[1], b"2")
        self.assertEqual(self.successResultOf(waiting).statusCode, 200)
        notifier.destroy()
        self.notified()
        self.assertNothingLeft()
