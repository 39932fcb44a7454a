"""
3xx to a call of ours (RFC 3261 sections 8.1.3.4, 21.3).
"""

from twisted.internet.defer import CancelledError

from tests.ua.calling import ANSWER, CallerCase, Media
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.testing import ScriptedPeer


class RedirectCase(CallerCase):
    def setUp(self):
        super().setUp()
        self.other = ScriptedPeer(self.network)

    def redirect(self, invite, *uris, code=302, peer=None):
        contact = ", ".join(f"<{uri}>" for uri in uris) or None
        return (peer or self.peer).respond(invite, code, headers={"Contact": contact})


class NotFollowedTests(RedirectCase):
    def test_isARefusal(self):
        """
        By default the application decides: a 3xx is a refusal, with its Contacts.
        """
        calling, invite = self.invite()
        self.redirect(invite, "sip:bob@peer2.example")
        self.network.advance(1)
        response = self.failureResultOf(calling, ResponseError).value.response
        self.assertEqual([str(c.uri) for c in response.contacts], ["sip:bob@peer2.example"])
        self.assertEqual(self.other.received, [])
        self.assertNothingLeft()


class FollowedTests(RedirectCase):
    settings = {"followRedirects": 2}

    def test_followed(self):
        """
        Section 8.1.3.4: the same To, From and Call-ID, the Contact as Request-URI, a new branch, CSeq one higher.
        """
        for code in (300, 301, 302, 305):
            calling, first = self.invite()
            self.redirect(first, "sip:bob@peer2.example;x=1?Subject=y", code=code)
            second = self.other.expect("INVITE")
            self.assertEqual(second.uriText, "sip:bob@peer2.example;x=1")
            for name in ("To", "From", "Call-ID"):
                self.assertEqual(second.headers.get(name), first.headers.get(name), name)
            self.assertEqual((second.cseqNumber, second.body), (first.cseqNumber + 1, first.body))
            self.assertEqual(len(second.headers.getAll("Content-Type")), 1)
            self.assertNotEqual(second.via.branch, first.via.branch)
            self.other.respond(second, 200, body=ANSWER)
            self.assertEqual(self.other.expect("ACK").cseqNumber, second.cseqNumber)
            self.successResultOf(calling).destroy()
            self.other.respond(self.other.expect("BYE"), 200)
            self.network.advance(1)
        self.assertNothingLeft()

    def test_bounded(self):
        """
        No more than followRedirects: then it is a refusal.
        """
        calling, invite = self.invite()
        for _ in range(2):
            self.redirect(invite, "sip:bob@peer.example")
            invite = self.peer.expect("INVITE")
        self.redirect(invite, "sip:bob@peer.example")
        self.network.advance(40)
        self.failureResultOf(calling, ResponseError)
        self.assertEqual(self.count("INVITE"), 3)
        self.assertNothingLeft()

    def test_nowhereToGo(self):
        """
        A 3xx without a Contact we can call is a refusal.
        """
        for contact in (None, "", "*", "<tel:+441632960000>", "%", "<mailto:a@b.example>"):
            calling, invite = self.invite()
            self.peer.respond(invite, 302, headers={"Contact": contact})
            self.network.advance(1)
            self.failureResultOf(calling, ResponseError)
        self.assertEqual(self.count("INVITE"), 6)

    def test_byPreference(self):
        """
        Section 20.10: the Contact with the highest q is tried.
        """
        _calling, invite = self.invite()
        contact = "<sip:a@nowhere.example>;q=0.2, <sip:b@peer2.example>;q=0.9, <sip:c@nowhere.example>;q=0.5"
        self.peer.respond(invite, 302, headers={"Contact": contact})
        self.assertEqual(self.other.expect("INVITE").uriText, "sip:b@peer2.example")

    def test_media(self):
        """
        The media of the call are those of the next attempt: not closed by the redirection.
        """
        for rung in (False, True):
            media = Media()
            calling, invite = self.invite(body=None, media=media)
            if rung:
                self.peer.respond(invite, 180)
            self.redirect(invite, "sip:bob@peer2.example")
            second = self.other.expect("INVITE")
            self.assertEqual(media.calls, ["offer"], rung)
            self.other.respond(second, 200, body=ANSWER)
            self.network.advance(0.1)
            self.successResultOf(calling)
            self.assertEqual(media.calls, ["offer", "update"])

    def test_earlyDialogs(self):
        """
        Section 12.3: the redirection ends the early dialogs; the next attempt has its own.
        """
        context, invite = self.context()
        self.fork(invite, 180, "f1")
        self.redirect(invite, "sip:bob@peer2.example")
        second = self.other.expect("INVITE")
        self.assertEqual((self.notes.reasons, self.alice.dialogs), ([Reason.REJECTED], []))
        self.other.respond(second, 180)
        self.network.advance(0.1)
        self.assertEqual(len(self.alice.dialogs), 1)
        self.other.respond(second, 486)
        self.network.advance(0.1)
        self.failureResultOf(context.whenAnswered(), ResponseError)
        self.assertEqual(len(self.notes.ended), 2)

    def test_cancelled(self):
        """
        A call that was given up is not redirected; one that was redirected can be given up.
        """
        calling, invite = self.invite()
        calling.cancel()
        self.redirect(invite, "sip:bob@peer2.example")
        self.network.advance(1)
        self.assertEqual(self.other.received, [])
        self.failureResultOf(calling, CancelledError)
        calling, invite = self.invite()
        self.redirect(invite, "sip:bob@peer2.example")
        second = self.other.expect("INVITE")
        self.other.respond(second, 180)
        self.network.advance(0.1)
        calling.cancel()
        cancel = self.other.expect("CANCEL")
        self.assertEqual((cancel.uriText, cancel.via.branch), (second.uriText, second.via.branch))
        self.other.respond(cancel, 200)
        self.other.respond(second, 487)
        self.network.advance(0.1)
        self.failureResultOf(calling, CancelledError)
        self.assertNothingLeft()

    def test_notOtherRequests(self):
        """
        request() gives the 3xx to whoever asked.
        """
        asking = self.request("OPTIONS")
        self.redirect(self.peer.expect("OPTIONS"), "sip:bob@peer2.example")
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(asking).statusCode, 302)
        self.assertEqual(self.other.received, [])
