"""
The outcome of a REFER for those who ask at a URI (RFC 7614 section 4), as any subscription (RFC 6665 section 4.2).
"""

from tests.ua.callee import OFFER, Callee
from tests.ua.test_refer_stranger import StrangerCase, follow
from tests.ua.transferee import CAROL, TRYING
from twisted_sipdialog.errors import InvalidState, InvalidValue


class EventsCase(StrangerCase):
    def events(self, decide=lambda context: context.accept() and None, **settings):
        """A REFER is accepted, for whoever asks at C{self.uri}."""
        self.open(decide, **settings)
        accepted = self.ask(headers={"Require": "explicitsub"})
        self.context = self.notes.strangers[0]
        self.uri = accepted.headers.get("refer-events-at").strip("<>")
        return accepted

    def settles(self, code=486):
        self.context.sendNotify(code)
        self.network.advance(0.01)

    def within(self, answer, expires):
        """A SUBSCRIBE in the dialog that C{answer} made."""
        headers = {"Event": "refer", "Expires": str(expires)}
        return self.finalTo(self.peer.request("SUBSCRIBE", within=answer, headers=headers))


class AskedTests(EventsCase):
    def test_response(self):
        """RFC 7614 section 4: 200, Refer-Events-At, and no subscription; the URI cannot be guessed."""
        uris = set()
        for _ in range(3):
            accepted = self.events()
            self.assertEqual(accepted.statusCode, 200)
            self.assertSilent()
            uris.add(self.uri)
            self.settles()
            self.assertNothingLeft()
        self.assertEqual(len(uris), 3)

    def test_refused(self):
        """A refusal says nowhere to ask."""
        self.open(lambda context: context.reject(603) and None)
        refused = self.ask(headers={"Require": "explicitsub"})
        self.assertEqual((refused.statusCode, refused.headers.get("refer-events-at")), (603, None))
        self.assertNothingLeft()

    def test_several(self):
        """Whoever knows the URI may ask, at any time and with an id; each hears the same in a dialog of its own."""
        self.events()
        first = self.subscribe(self.uri)
        self.assertEqual(self.told(), TRYING)
        self.context.sendNotify(180)
        self.assertEqual(self.told(), ("SIP/2.0 180 Ringing", "active"))
        second = self.subscribe(self.uri, "refer;id=7")
        self.assertNotEqual(first.toTag, second.toTag)
        told = self.notified()
        self.assertEqual((told.headers.get("event"), told.body), ("refer;id=7", b"SIP/2.0 180 Ringing\r\n"))
        self.settles()
        ends = [self.notified(), self.notified()]
        self.assertEqual({end.fromTag for end in ends}, {first.toTag, second.toTag})
        self.assertEqual({end.body for end in ends}, {b"SIP/2.0 486 Busy Here\r\n"})
        self.assertNothingLeft()

    def test_fetch(self):
        """RFC 6665 section 4.4.3: Expires: 0 asks once."""
        self.events()
        answer = self.subscribe(self.uri, headers={"Expires": "0"})
        self.assertEqual((answer.statusCode, answer.headers.get("expires")), (200, "0"))
        self.assertEqual(self.told(), ("SIP/2.0 100 Trying", "terminated"))
        self.settles()
        self.assertSilent()
        self.assertNothingLeft()

    def test_refreshAndEnd(self):
        """RFC 6665 section 4.2.1.2: it is prolonged, and ended, in its dialog; then one may ask anew."""
        self.events()
        answer = self.subscribe(self.uri)
        self.notified()
        self.assertEqual(self.within(answer, 120).headers.get("expires"), "120")
        self.assertEqual(self.notified().headers.get("subscription-state"), "active;expires=120")
        self.assertEqual(self.within(answer, 0).statusCode, 200)
        self.assertEqual(self.notified().headers.get("subscription-state"), "terminated;reason=timeout")
        self.assertEqual(self.within(answer, 60).statusCode, 481)
        self.assertEqual(self.subscribe(self.uri).statusCode, 200)
        self.assertEqual(self.told(), TRYING)
        self.settles()
        self.assertEqual(self.told()[1], "terminated")
        self.assertNothingLeft()

    def test_expiry(self):
        """One that is not prolonged ends by itself (RFC 6665 section 4.2.2); the URI goes on."""
        self.events()
        self.subscribe(self.uri)
        self.notified()
        self.network.advance(60)
        self.assertEqual(self.notified().headers.get("subscription-state"), "terminated;reason=timeout")
        self.assertEqual(self.subscribe(self.uri).statusCode, 200)
        self.notified()
        self.settles()
        self.notified()
        self.assertNothingLeft()

    def test_unheard(self):
        """Who refuses the NOTIFY, or leaves it unanswered, hears no more; the others do (section 4.2.2)."""
        self.events()
        self.subscribe(self.uri)
        self.notified(481)
        self.subscribe(self.uri)
        self.peer.expect("NOTIFY")
        self.network.advance(33)
        last = self.subscribe(self.uri)
        while self.notified().fromTag != last.toTag:
            pass  # copies of the one before
        before = len(self.notifies())
        self.settles()
        self.assertEqual(self.notified().fromTag, last.toTag)
        self.assertEqual(len(self.notifies()), before + 1)
        self.assertNothingLeft()


class NotThereTests(EventsCase):
    def test_malformed(self):
        """Without a Contact there is nowhere to notify: 400, and nothing is kept."""
        self.events()
        for headers in ({"Contact": None}, {"Contact": "<tel:+12015550123>"}):
            self.assertEqual(self.subscribe(self.uri, headers=headers).statusCode, 400, headers)
        self.assertSilent()
        self.settles()
        self.assertNothingLeft()

    def test_delegate(self):
        """Another URI or event is any SUBSCRIBE: the delegate who takes those is asked; never for this one."""
        asked = []

        def subscribeReceived(context):
            asked.append(context)
            context.reject(489)

        self.open(lambda context: context.accept() and None)
        self.notes.subscribeReceived = subscribeReceived
        accepted = self.ask(headers={"Require": "explicitsub"})
        self.context = self.notes.strangers[0]
        uri = accepted.headers.get("refer-events-at").strip("<>")
        for at, event in ((uri[:-1], "refer"), (uri, "presence"), (uri.partition(";")[0], "refer")):
            self.assertEqual(self.subscribe(at, event).statusCode, 489, at)
        self.assertEqual(len(asked), 3)
        self.assertEqual(self.subscribe(uri).statusCode, 200)
        self.assertEqual(len(asked), 3)
        self.notified()
        self.settles()
        self.notified()
        self.assertNothingLeft()

    def test_tooLong(self):
        """Nothing is told for C{referExpires}: nobody can ask any more, and nothing waits."""
        self.events(referExpires=60)
        self.network.advance(59)
        self.assertEqual(self.subscribe(self.uri).statusCode, 200)
        self.assertEqual(self.told(), TRYING)
        self.network.advance(2)
        self.assertEqual(self.subscribe(self.uri).statusCode, 481)
        self.settles()
        self.assertEqual(self.told(), ("SIP/2.0 486 Busy Here", "terminated"))
        self.assertNothingLeft()

    def test_inCall(self):
        """In a call it is the same: a URI instead of NOTIFYs within the dialog."""
        self.stand(lambda context: context.accept() and None)
        accepted = self.refer(headers={"Require": "explicitsub"})
        self.assertEqual(accepted.statusCode, 200)
        self.assertSilent()
        self.hangsUp()
        uri = accepted.headers.get("refer-events-at").strip("<>")
        self.assertEqual(self.subscribe(uri).statusCode, 200)
        self.assertEqual(self.told(), TRYING)
        self.notes.refer.sendNotify(200)
        self.assertEqual(self.told(), ("SIP/2.0 200 OK", "terminated"))
        self.assertNothingLeft()

    def test_wrongAccept(self):
        """An accept() that raises leaves the REFER unanswered, and nowhere to ask."""
        self.open()
        self.asks(headers={"Require": "explicitsub"}, to=self.userAgent)
        (context,) = self.notes.strangers
        self.assertRaises(InvalidValue, context.accept, body=b"x", contentType="text/plain\r\nX-Evil: 1")
        self.assertRaises(InvalidState, context.sendNotify, 200)
        context.reject(486)
        self.assertEqual(self.finalTo(self.request).statusCode, 486)
        self.network.advance(33)
        self.assertEqual(self.userAgent.leftovers(), [])


class StopTests(EventsCase):
    def stopped(self):
        stopping = self.userAgent.stopService()
        self.network.advance(0.01)
        return stopping

    def test_nobodyAsked(self):
        """The service stops, and nobody has asked: nothing is waited for."""
        self.events()
        self.successResultOf(self.stopped())
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_asked(self):
        """Who has asked is told that it came to nothing."""
        self.events()
        self.subscribe(self.uri)
        self.notified()
        stopping = self.stopped()
        self.assertNoResult(stopping)
        self.assertEqual(self.told(), ("SIP/2.0 503 Service Unavailable", "terminated"))
        self.successResultOf(stopping)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_silence(self):
        """Who answers nothing is waited for C{stopTimeout}, no longer."""
        self.events(stopTimeout=3)
        self.subscribe(self.uri)
        self.notified()
        stopping = self.stopped()
        self.network.advance(2.9)
        self.assertNoResult(stopping)
        self.network.advance(0.2)
        self.successResultOf(stopping)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_followed(self):
        """The call that follows is given up, and the referrer hears how that ends."""
        self.events(follow)
        self.called()
        self.target.respond(self.invite, 180)
        self.subscribe(self.uri)
        self.assertEqual(self.told(), ("SIP/2.0 180 Ringing", "active"))
        stopping = self.stopped()
        self.target.respond(self.target.expect("CANCEL"), 200)
        self.answers(487)
        self.assertEqual(self.told(), ("SIP/2.0 487 Request Terminated", "terminated"))
        self.successResultOf(stopping)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_waiting(self):
        """A REFER that still waits for the delegate: 503."""
        self.open()
        self.asks(to=self.userAgent)
        self.successResultOf(self.stopped())
        self.assertEqual(self.finalTo(self.request).statusCode, 503)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_meanwhile(self):
        """While it stops no new REFER is taken, and nobody new is called: 503 (RFC 3261 section 21.5.4)."""
        self.open(follow)
        self.ask()
        self.called()
        self.answers()
        stopping = self.stopped()  # the BYE of the new call has no answer yet
        self.assertNoResult(stopping)
        self.assertEqual(self.ask(f"<{CAROL}>").statusCode, 503)
        self.assertEqual((len(self.notes.strangers), self.calls()), (1, 1))
        self.network.advance(6)
        self.successResultOf(stopping)
        self.assertEqual(self.userAgent.leftovers(), [])

    def test_meanwhileInCall(self):
        """Nor in a call whose ACK the stop still waits for."""
        self.notes = Callee()
        self.userAgent = self.agent(self.notes, referPolicy="follow")
        self.within = self.final("INVITE", self.userAgent, body=OFFER)
        stopping = self.stopped()
        self.assertNoResult(stopping)
        self.assertEqual(self.status(), 503)
        self.assertEqual(self.calls(), 0)
        self.peer.ack(self.within)
        self.peer.respond(self.peer.expect("BYE"), 200)
        self.network.advance(0.01)
        self.successResultOf(stopping)
        self.assertEqual(self.userAgent.leftovers(), [])
