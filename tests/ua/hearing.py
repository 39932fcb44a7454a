"""
What the tests of our calls share while they ring: reliable provisionals of forks, and what we say to them.
"""

from __future__ import annotations

from tests.ua.calling import ANSWER, OFFER, CallerCase, Notes
from twisted_sipdialog.media.fixed import FixedMedia

OTHER = ANSWER.replace(b"o=- 9 9", b"o=- 9 10").replace(b"4002", b"4008")
#: No answer to OFFER (RFC 3264 section 6): it has two media.
IMPOSSIBLE = ANSWER + b"m=video 4010 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"


class EarlyNotes(Notes):
    """Notes early dialogs, and the order of everything."""

    def __init__(self):
        super().__init__()
        self.early = []
        self.order = []

    def dialogEarly(self, dialog):
        self.early.append(dialog)
        self.order.append("early")

    def progressReceived(self, context, response):
        super().progressReceived(context, response)
        self.order.append(response.statusCode)

    def dialogConfirmed(self, dialog):
        super().dialogConfirmed(dialog)
        self.order.append("confirmed")

    def dialogTerminated(self, dialog, ended):
        super().dialogTerminated(dialog, ended)
        self.order.append("terminated")


class Described:
    """A factory of session descriptions that notes what is asked of each: C{made}, forks included."""

    contentType = "application/sdp"

    def __init__(self, offers=OFFER, answers=ANSWER, refuses=(), unforkable=None):
        self.offers, self.answers, self.refuses, self.unforkable = offers, answers, refuses, unforkable
        self.made = [self]
        self.calls = []
        self.local = self.remote = None

    def __call__(self, localHost):
        return self

    def offer(self, limit=None):
        self.calls.append("offer")
        return self.offers

    def answer(self, offer):
        self.calls.append("answer")
        if offer in self.refuses:
            raise ValueError("nothing fits")
        if isinstance(self.answers, bytes):
            self.local, self.remote = self.answers, offer
        return self.answers

    def update(self, answer):
        self.calls.append("update")
        if answer in self.refuses:
            raise ValueError("no answer")
        self.local, self.remote = self.offers, answer

    def rollback(self):
        self.calls.append("rollback")

    def fork(self, offer=None):
        if self.unforkable is not None:
            raise self.unforkable
        if "close" in self.calls:
            raise ValueError("it is closed")
        self.calls.append("fork" if offer is not None else "fork without")
        other = Described(self.offers, self.answers, self.refuses)
        other.made = self.made
        self.made.append(other)
        return other

    def close(self):
        self.calls.append("close")


class HearingCase(CallerCase):
    """
    Alice calls; the peer answers as one fork or another.
    """

    def setUp(self):
        super().setUp()
        self.notes = EarlyNotes()

    def ring(self, invite, rseq=None, tag="f1", code=183, body=b"", **headers):
        """A provisional of the fork C{tag}, reliable if it has a number."""
        lines = {"To": f"{invite.headers.get('to')};tag={tag}"}
        if rseq is not None:
            lines |= {"Require": "100rel", "RSeq": str(rseq)}
        response = self.peer.respond(invite, code, headers=lines | headers, body=body)
        self.network.advance(0.1)
        return response

    def accept(self, invite, tag="f1", body=b"", **headers):
        """The 2xx of the fork C{tag}."""
        lines = {"To": f"{invite.headers.get('to')};tag={tag}", **headers}
        response = self.peer.respond(invite, 200, headers=lines, body=body)
        self.network.advance(0.1)
        return response

    def pracks(self):
        """Every PRACK that came, copies left out."""
        found = [m for m in self.peer.received if getattr(m, "method", "") == "PRACK"]
        return list({m.branch if hasattr(m, "branch") else m.headers.get("via"): m for m in found}.values())

    def racks(self):
        """RAck and To tag of each."""
        return [(m.headers.get("rack"), m.toTag) for m in self.pracks()]

    def pracked(self, status=200, **how):
        """Answer the last PRACK."""
        prack = self.pracks()[-1]
        self.peer.respond(prack, status, **how)
        self.network.advance(0.1)
        return prack

    def got(self, method):
        """Every request of C{method} that came."""
        return [m for m in self.peer.received if getattr(m, "method", "") == method]

    def over(self, calling):
        """The peer refuses the call: nothing of it is left."""
        invite = self.got("INVITE")[-1]
        self.peer.respond(invite, 486)
        self.network.advance(1)
        self.failureResultOf(calling)
        self.assertNothingLeft()


class ForkCase(HearingCase):
    """The call forks."""

    def forked(self, tags=("f1", "f2"), bodies=(ANSWER, OTHER), media=None, **how):
        """Each rings reliably, with a description of its own: the context, the INVITE, the dialogs."""
        media = media or FixedMedia(OFFER)
        context, invite = self.context(body=None, media=media, **how)
        for tag, body in zip(tags, bodies, strict=True):
            self.ring(invite, 5, tag, body=body, Contact=f"<sip:{tag}@peer.example>")
            self.pracked()
        return context, invite, self.notes.early

    def endsByes(self, tags):
        """The BYEs that came are to the dialogs C{tags}, and are answered."""
        byes = {bye.toTag: bye for bye in self.got("BYE")}
        self.assertEqual(sorted(byes), sorted(tags))
        for bye in byes.values():
            self.peer.respond(bye, 200)
        self.network.advance(1)
