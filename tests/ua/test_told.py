"""
Whom a change by the peer is put to, and who is told of it (interfaces.IDialogDelegate; RFC 3264 section 8.4).
"""

from tests.ua.calling import ANSWER
from tests.ua.changing import THEIR_HOLD, ChangeCase, newer
from twisted_sipdialog.delegates import DialogDelegate, UserAgentDelegate
from twisted_sipdialog.dialog.change import Change

HELD = (THEIR_HOLD, Change.HOLD)
RESUMED = (newer(ANSWER, version=2), Change.RESUME)
SAME = (newer(ANSWER, version=2), Change.REFRESH)
MOVED = (newer(ANSWER, (b"4002", b"4020"), version=3), Change.MODIFY)
VERBS = {
    Change.HOLD: "dialogHeld",
    Change.RESUME: "dialogResumed",
    Change.REFRESH: "dialogRefreshed",
    Change.MODIFY: "dialogModified",
}
ASKED = {"INVITE": "inviteReceived", "UPDATE": "updateReceived"}


def telling(base, *names, answer=None):
    """A delegate that overrides C{names}, and writes down what it is told or asked."""

    def make(name):
        def told(self, subject, *rest):
            self.seen.append((name, subject, *rest))
            if answer is not None and name in ASKED.values():
                answer(subject)

        return told

    return type("Telling", (base,), {"seen": [], **{name: make(name) for name in names}})()


class ToldTests(ChangeCase):
    def send(self, method, body):
        response = self.fromPeer(method, body)
        if method == "INVITE" and response.statusCode == 200:
            self.peer.ack(response)
            self.network.advance(0.1)
        return response

    def names(self, delegate):
        return [entry[0] for entry in delegate.seen]

    def test_told(self):
        """
        What was answered by default is told: refreshed, held, resumed or modified; with the dialog and the request.
        """
        for method in ("INVITE", "UPDATE"):
            own = telling(DialogDelegate, *VERBS.values())
            self.stand(delegate=own)
            for body, change in (HELD, RESUMED, SAME, MOVED):
                self.assertEqual(self.send(method, body).statusCode, 200)
                name, dialog, request = own.seen[-1]
                self.assertEqual((name, dialog), (VERBS[change], self.dialog))
                self.assertEqual((request.method, request.body), (method, body))
                self.assertEqual(self.dialog.remote.sdp, body)
            self.assertEqual(len(own.seen), 4)

    def test_both(self):
        """
        The dialog's own delegate is told, then the user agent's.
        """
        for method in ("INVITE", "UPDATE"):
            agents = telling(UserAgentDelegate, *VERBS.values())
            self.alice = self.network.userAgent("sip:alice@c.example", agents)
            own = telling(DialogDelegate, *VERBS.values())
            agents.seen = own.seen
            self.stand(delegate=own)
            self.send(method, THEIR_HOLD)
            self.assertEqual(self.names(own), ["dialogHeld", "dialogHeld"])

    def test_agentsOnly(self):
        """
        The user agent's delegate hears of it also when the dialog has none, or one that does not care.
        """
        for method in ("INVITE", "UPDATE"):
            for own in (None, DialogDelegate(), object()):
                agents = telling(UserAgentDelegate, *VERBS.values(), *ASKED.values())
                self.alice = self.network.userAgent("sip:alice@c.example", agents)
                self.stand(delegate=own)
                self.send(method, THEIR_HOLD)
                self.assertEqual(self.names(agents), ["dialogHeld"], (method, own))

    def test_agentIsNotAsked(self):
        """
        Re-INVITEs of a dialog are not put to the user agent's delegate: its inviteReceived takes calls.
        """
        agents = telling(UserAgentDelegate, *ASKED.values())
        self.alice = self.network.userAgent("sip:alice@c.example", agents)
        self.stand(delegate=None)
        for body, _ in (HELD, MOVED):
            self.assertEqual(self.send("INVITE", body).statusCode, 200)
        self.assertEqual(agents.seen, [])

    def test_updateGoesOn(self):
        """
        What a dialog's own delegate does not take comes to the user agent's, but for re-INVITEs.
        """
        for own in (None, DialogDelegate()):
            agents = telling(UserAgentDelegate, "updateReceived", answer=lambda context: context.reject(488))
            self.alice = self.network.userAgent("sip:alice@c.example", agents)
            self.stand(delegate=own)
            self.assertEqual(self.send("UPDATE", MOVED[0]).statusCode, 488)
            self.assertEqual(self.names(agents), ["updateReceived"])
            self.assertIs(agents.seen[0][1].dialog, self.dialog)

    def test_asked(self):
        """
        Where only the request is overridden, every change is put to it, with what it would change.
        """
        for method in ("INVITE", "UPDATE"):
            own = telling(DialogDelegate, ASKED[method], answer=lambda context: context.accept())
            self.stand(delegate=own)
            for body, change in (HELD, RESUMED, SAME, MOVED):
                self.assertEqual(self.send(method, body).statusCode, 200)
                name, context = own.seen[-1]
                self.assertEqual((name, context.change, context.offer), (ASKED[method], change, body))

    def test_toldAndAsked(self):
        """
        What only refreshes, holds or resumes is not put to the request's method where it is told; all else is.
        """
        for method in ("INVITE", "UPDATE"):
            for hears in (Change.HOLD, Change.RESUME, Change.REFRESH):
                own = telling(DialogDelegate, ASKED[method], VERBS[hears], answer=lambda context: context.accept())
                self.stand(delegate=own)
                for body, change in (HELD, RESUMED, SAME, MOVED):
                    self.send(method, body)
                    expected = VERBS[change] if change is hears else ASKED[method]
                    self.assertEqual(own.seen[-1][0], expected, (method, hears, change))

    def test_modifiedAndAsked(self):
        """
        dialogModified does not take a change from the method that answers it; that one knows, and is not told again.
        """
        for method in ("INVITE", "UPDATE"):
            own = telling(DialogDelegate, ASKED[method], "dialogModified", answer=lambda context: context.accept())
            self.stand(delegate=own)
            self.send(method, MOVED[0])
            self.assertEqual(self.names(own), [ASKED[method]])

    def test_returnedUnanswered(self):
        """
        A method that returns without an answer leaves it to the default, of which all are told.
        """
        for method in ("INVITE", "UPDATE"):
            own = telling(DialogDelegate, ASKED[method], "dialogModified")
            self.stand(delegate=own)
            self.assertEqual(self.send(method, MOVED[0]).statusCode, 200)
            self.assertEqual(self.names(own), [ASKED[method], "dialogModified"])

    def test_refusedIsNotTold(self):
        """
        Nothing is told of what did not fit: nothing has changed.
        """
        for method in ("INVITE", "UPDATE"):
            own = telling(DialogDelegate, *VERBS.values())
            self.stand(delegate=own)
            video = MOVED[0].replace(b"audio", b"video").replace(b"AVP 0", b"AVP 31")
            self.assertEqual(self.send(method, video).statusCode, 488)
            self.assertEqual((own.seen, self.session()), ([], self.before))

    def test_updateWithoutOffer(self):
        """
        RFC 3311 section 5.2: it refreshes.
        """
        own = telling(DialogDelegate, *VERBS.values())
        self.stand(delegate=own)
        response = self.send("UPDATE", b"")
        self.assertEqual((response.statusCode, response.body), (200, b""))
        self.assertEqual(self.names(own), ["dialogRefreshed"])

    def test_inviteWithoutOffer(self):
        """
        RFC 3261 section 14.2: what one without an offer changes is known when the answer has come in the ACK.
        """
        for answer, change in (SAME, HELD, MOVED):
            own = telling(DialogDelegate, *VERBS.values())
            self.stand(delegate=own)
            ok = self.fromPeer("INVITE")
            self.assertEqual((ok.statusCode, ok.body), (200, self.dialog.local.sdp))
            self.assertEqual(own.seen, [])
            self.peer.ack(ok, headers={"Content-Type": "application/sdp"}, body=answer)
            self.network.advance(0.1)
            self.assertEqual(self.names(own), [VERBS[change]])
            self.assertEqual(self.dialog.remote.sdp, answer)

    def test_callsBackIn(self):
        """
        Who is told may change the session at once.
        """
        for method in ("INVITE", "UPDATE"):
            changing = []

            class Own(DialogDelegate):
                def dialogHeld(self, dialog, request):
                    changing.append(dialog.modify("sendonly"))  # noqa: B023

            self.stand(delegate=Own())
            self.send(method, THEIR_HOLD)
            request = self.peer.expect("INVITE", 1)
            self.accept(request, newer(THEIR_HOLD.replace(b"sendonly", b"inactive")))
            self.successResultOf(changing[0])
