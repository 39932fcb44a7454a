"""
A REFER that is followed: the INVITE to whom it names (RFC 3515 section 2.4.2, RFC 3892, RFC 3891).
"""

from urllib.parse import quote

from tests.ua.callee import ANSWER, VIDEO, Notes
from tests.ua.calling import Media, challenge, proven
from tests.ua.transferee import CAROL, Transferee, TransfereeCase
from twisted_sipdialog import Credentials
from twisted_sipdialog.errors import InvalidValue, LocalError
from twisted_sipdialog.media.fixed import FixedMedia

REPLACES = "Replaces=a%2Bb%40c%3bfrom-tag%3dx~1%3bto-tag%3dy"


class InviteTests(TransfereeCase):
    def followed(self, target=f"<{CAROL}>", headers=None, settings=None, **options):
        """The INVITE, which has come to nothing."""
        self.stand(self.follow(**options), **(settings or {}))
        self.assertEqual(self.status(target, headers=headers), 202)
        invite = self.called()
        self.answers(486)
        self.assertEqual(self.told()[0], "SIP/2.0 100 Trying")
        self.assertEqual(self.told()[0], "SIP/2.0 486 Busy Here")
        self.assertIsNone(self.successResultOf(self.accepting[0]))
        self.assertEqual(self.notes.heard, [("request accepted", 202), ("invite sent", "INVITE"), ("rejected", 486)])
        return invite

    def over(self):
        self.hangsUp()
        self.assertNothingLeft()

    def test_target(self):
        """RFC 3261 section 19.1.1: neither headers nor a method in the Request-URI; the rest is as it came."""
        invite = self.followed(f'"Carol" <{CAROL};method=INVITE;x=1;transport=udp?Subject=Hi&X-Foo=bar>;why=not')
        self.assertEqual(invite.uriText, f"{CAROL};x=1;transport=udp")
        self.assertEqual(str(invite.to.uri).partition(";")[0], CAROL)
        self.assertNotIn("?", invite.headers.get("to"))
        self.assertEqual(invite.headers.get("replaces"), None)
        self.assertEqual(invite.headers.get("referred-by"), None)
        self.assertEqual(invite.headers.get("from").partition(";")[0], "<sip:desk@b.example>")
        self.assertNotEqual(invite.callId, self.request.callId)
        self.over()

    def test_plainTarget(self):
        """Section 20.10: without angle brackets parameters are of the header, not of the URI."""
        invite = self.followed(f"{CAROL};x=1")
        self.assertEqual(invite.uriText, CAROL)
        self.over()

    def test_replaces(self):
        """RFC 3515 section 2.1, RFC 3891 section 5: Replaces is unescaped, and in no URI any more."""
        invite = self.followed(f"<{CAROL}?{REPLACES}&Require=replaces>")
        replaces = invite.headers.typed("replaces")
        self.assertEqual((replaces.callId, replaces.fromTag, replaces.toTag), ("a+b@c", "x~1", "y"))
        self.assertEqual(invite.headers.get("require"), "replaces")
        self.assertEqual(invite.uriText, CAROL)
        self.over()

    def test_referredBy(self):
        """RFC 3892 section 2.2: Referred-By is passed on as it came, whatever parameters it has."""
        for text in ("<sip:peer@peer.example>;tag=jwVw", '"Al" <sip:al@x.example>;cid="x@y"', "sip:al@x.example"):
            invite = self.followed(headers={"Referred-By": text})
            self.assertEqual(invite.headers.getAll("referred-by"), [text])
            self.over()

    def test_referredByCompact(self):
        """Section 3: its compact name is b."""
        invite = self.followed(headers={"b": "<sip:al@x.example>"})
        self.assertEqual(invite.headers.get("referred-by"), "<sip:al@x.example>")
        self.over()

    def test_uriHeaders(self):
        """Section 19.1.5: what would speak for us, or lead the call elsewhere, is not taken from a URI."""
        dangerous = {
            "From": "<sip:evil@x.example>",
            "To": "<sip:evil@x.example>",
            "Call-ID": "evil",
            "CSeq": "7 INVITE",
            "Via": "SIP/2.0/UDP evil.example;branch=z9hG4bKevil",
            "Contact": "<sip:evil@x.example>",
            "Route": "<sip:evil.example;lr>",
            "Record-Route": "<sip:evil.example;lr>",
            "Max-Forwards": "1",
            "Content-Type": "text/evil",
            "Content-Length": "5",
            "Authorization": "Digest evil",
            "Proxy-Authorization": "Digest evil",
            "P-Asserted-Identity": "<sip:evil@x.example>",
            "P-Preferred-Identity": "<sip:evil@x.example>",
            "Remote-Party-ID": "<sip:evil@x.example>",
            "Identity": "evil",
            "Referred-By": "<sip:evil@x.example>",
            "Allow": "EVIL",
            "Supported": "evil",
            "Date": "evil",
            "Warning": "399 evil evil",
            "body": "evil",
            "f": "<sip:evil@x.example>",
            "i": "evil",
            "m": "<sip:evil@x.example>",
            "v": "SIP/2.0/UDP evil.example",
            "b": "<sip:evil@x.example>",
        }
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in dangerous.items())
        invite = self.followed(f"<{CAROL}?{query}&Subject=Good%20day>")
        self.assertNotIn(b"evil", invite.toBytes().lower())
        self.assertEqual(invite.headers.get("subject"), "Good day")
        self.assertEqual(invite.body, ANSWER)
        self.over()

    def test_options(self):
        """inviteOptions: a body, its type, headers."""
        body = VIDEO.replace(b"4002", b"4010")
        invite = self.followed(
            inviteOptions={"body": body, "contentType": "application/sdp;x=1", "extraHeaders": [("X-Is", "ours")]}
        )
        self.assertEqual((invite.body, invite.headers.get("content-type")), (body, "application/sdp;x=1"))
        self.assertEqual(invite.headers.get("x-is"), "ours")
        self.over()

    def test_mediaOption(self):
        """Media of its own, which is closed when the call came to nothing."""
        media = Media()
        media.offer = lambda limit=None: VIDEO
        invite = self.followed(inviteOptions={"media": media})
        self.assertEqual(invite.body, VIDEO)
        self.assertIn("close", media.calls)
        self.over()

    def test_configuredMedia(self):
        """Without options the media are those of the configuration."""
        invite = self.followed(settings={"media": FixedMedia(VIDEO)})
        self.assertEqual(invite.body.split(b"m=")[1], VIDEO.split(b"m=")[1])
        self.over()

    def test_badOptions(self):
        """An option that is none, or cannot be so: it raises, nothing is sent, and there may be another answer."""
        raised = []

        def asked(context):
            for arguments in (
                {"inviteOptions": {"colour": "red"}},
                {"inviteOptions": {"extraHeaders": [("From", "<sip:x@y>")]}},
                {"inviteOptions": {"extraHeaders": [("X-Bad", "a\r\nb")]}},
                {"reasonPhrase": "a\r\nb"},
                {"extraHeaders": [("X-Bad", "a\r\nb")]},
                {"contentType": "text\r\n"},
                {"statusCode": 302},
            ):
                try:
                    context.accept(followRefer=True, **arguments)
                except InvalidValue:
                    raised.append(arguments)
            context.reject(486)

        self.stand(asked)
        self.assertEqual(self.status(), 486)
        self.assertEqual(len(raised), 7)
        self.assertSilent(2)
        self.assertEqual(self.calls(), 0)
        self.over()

    def test_delegate(self):
        """By default the new call has the delegate of the old one; or one of its own."""
        for own, options in ((Notes(), None), (Notes(), {"delegate": Transferee()})):
            self.stand(self.follow(inviteOptions=options))
            self.dialog.delegate = own
            self.assertEqual(self.status(), 202)
            self.called()
            self.answers()
            self.notified()
            self.notified()
            dialog = self.successResultOf(self.accepting[0])
            self.assertIs(dialog.delegate, own if options is None else options["delegate"])
            self.assertIs(self.notes.refer.targetDialog, dialog)
            self.targetHangsUp()
            self.over()
            # The old call was confirmed before it had this delegate.
            self.assertEqual(own.events, [*([] if options else ["confirmed", "terminated"]), "terminated"])

    def test_modifiers(self):
        """See IUserAgent.invite: none are known, and none change nothing."""
        self.followed(modifiers=())
        self.over()


class MediaTests(TransfereeCase):
    """Nothing describes a session: the call cannot be made."""

    def stand(self, asked=None, **settings):
        super().stand(asked, **settings)
        self.dialog.session = None

    def test_asked(self):
        """LocalError at the call; the application may still refuse."""
        raised = []

        def asked(context):
            try:
                context.accept(followRefer=True)
            except LocalError as error:
                raised.append(error)
                context.reject(488)

        self.stand(asked)
        self.assertEqual(self.status(), 488)
        self.assertEqual(len(raised), 1)
        self.hangsUp()
        self.assertNothingLeft()

    def test_policy(self):
        """By the policy: it is refused with 603."""
        self.stand(referPolicy="follow")
        self.assertEqual(self.status(), 603)
        self.assertSilent()
        self.hangsUp()
        self.assertNothingLeft()


class CredentialsTests(TransfereeCase):
    """Whoever sends a REFER chooses who challenges us (a leak of our digests): only our own domain is answered."""

    settings = {"credentials": [Credentials("alice", "wonderland", realm="example.com")]}

    def challenged(self, target, headers=None, **settings):
        self.stand(self.follow(), **self.settings, **settings)
        self.assertEqual(self.status(target, headers=headers), 202)
        self.called()
        self.answers(401, headers={"WWW-Authenticate": challenge()})
        self.target.expect("ACK")
        self.notified()

    def proves(self, target, **settings):
        self.challenged(target, **settings)
        self.assertIsNotNone(proven(self.called()))
        self.answers()
        self.assertEqual(self.told()[0], "SIP/2.0 200 OK")
        # The application is told of one INVITE, not of each attempt.
        self.assertEqual(sum(what == "invite sent" for what, _ in self.notes.heard), 1)
        self.targetHangsUp()
        self.hangsUp()
        self.assertNothingLeft()

    def provesNothing(self, target, **settings):
        self.challenged(target, **settings)
        self.assertEqual(self.told(), ("SIP/2.0 401 Unauthorized", "terminated"))
        self.network.advance(5)
        self.assertEqual(self.calls(), 1)
        self.hangsUp()
        self.assertNothingLeft()

    def test_ownDomain(self):
        self.proves("<sip:carol@B.example>", outboundProxy="sip:peer2.example")

    def test_referDomains(self):
        self.proves(f"<{CAROL}>", referDomains=("peer2.example",))

    def test_referDomainsCase(self):
        """RFC 3261 section 19.1.4: host names are compared without regard to case."""
        self.proves(f"<{CAROL}>", referDomains=("Peer2.EXAMPLE",))

    def test_foreign(self):
        self.provesNothing(f"<{CAROL}>")

    def test_elsewhere(self):
        """Section 19.1.1: maddr leads to another host than the one that the URI names."""
        self.provesNothing(f"<sip:carol@b.example;maddr={self.target.address[0]}>")

    def test_inForeignCall(self):
        """The new call's own requests prove nothing either."""
        self.stand(self.follow(), **self.settings)
        self.assertEqual(self.status(), 202)
        self.called()
        self.answers()
        self.notified()
        self.notified()
        dialog = self.successResultOf(self.accepting[0])
        asking = dialog.info()
        info = self.target.expect("INFO")
        self.target.respond(info, 401, headers={"WWW-Authenticate": challenge()})
        self.network.advance(0.1)
        self.assertEqual(self.successResultOf(asking).statusCode, 401)
        ending = dialog.destroy()
        bye = self.target.expect("BYE")
        self.target.respond(bye, 407, headers={"Proxy-Authenticate": challenge()})
        self.network.advance(5)
        self.successResultOf(ending)
        for message in self.target.received:
            self.assertIsNone(message.headers.get("authorization"))
            self.assertIsNone(message.headers.get("proxy-authorization"))
        self.hangsUp()
        self.assertNothingLeft()
