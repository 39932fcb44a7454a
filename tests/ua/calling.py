"""
What the tests of our calls share: a caller of ours, a scripted callee, and what passes between them.
"""

from __future__ import annotations

from hashlib import md5
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.message.auth_fields import AuthorizationField
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = b"v=0\r\no=- 9 9 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4002 RTP/AVP 0\r\n"
BOB = "sip:bob@peer.example"


class Notes:
    """A delegate that writes down what it is told."""

    def __init__(self) -> None:
        self.progress: list[Any] = []
        self.confirmed: list[Any] = []
        self.ended: list[Any] = []

    def progressReceived(self, context, response):
        self.progress.append((context, response))

    def dialogConfirmed(self, dialog):
        self.confirmed.append(dialog)

    def dialogTerminated(self, dialog, ended):
        self.ended.append((dialog, ended))

    @property
    def reasons(self):
        return [ended.reason for _, ended in self.ended]


class Media:
    """A factory of one session description, which is itself; C{answers} is what C{answer} gives."""

    contentType = "application/sdp"

    def __init__(self, offers: Any = OFFER, answers: Any = ANSWER, updating: Exception | None = None) -> None:
        self.offers = offers
        self.answers = answers
        self.updating = updating
        self.hosts: list[str] = []
        self.calls: list[str] = []
        self.local: bytes | None = None
        self.remote: bytes | None = None

    def __call__(self, localHost):
        self.hosts.append(localHost)
        return self

    def _result(self, what):
        if isinstance(what, Exception):
            raise what
        return what

    def offer(self):
        self.calls.append("offer")
        return self._result(self.offers)

    def answer(self, offer):
        self.calls.append("answer")
        self.remote = offer
        return self._result(self.answers)

    def update(self, answer):
        self.calls.append("update")
        if self.updating is not None:
            raise self.updating
        self.local, self.remote = OFFER, answer

    def rollback(self):
        self.calls.append("rollback")

    def close(self):
        self.calls.append("close")


class CallerCase(SynchronousTestCase):
    """
    Alice, a user agent of ours, and a scripted peer; nothing is left at the end.
    """

    settings: dict[str, Any] = {}

    def setUp(self):
        self.network = MemoryNetwork()
        self.addCleanup(self.network.assertQuiet)
        self.notes = Notes()
        self.alice = self.network.userAgent("sip:alice@a.example", **self.settings)
        self.peer = ScriptedPeer(self.network)

    def invite(self, target=BOB, **arguments) -> tuple[Deferred[Any], Any]:
        """Alice calls; the INVITE as it came to the peer."""
        arguments.setdefault("body", OFFER)
        arguments.setdefault("delegate", self.notes)
        calling = self.alice.invite(target, **arguments)
        # What a test does not ask for is of no interest once it is over.
        self.addCleanup(calling.addErrback, lambda _: None)
        return calling, self.peer.expect("INVITE")

    def request(self, method, target=BOB, agent=None, **arguments):
        """A request of Alice's, or of another agent's."""
        asking = (agent or self.alice).request(method, target, **arguments)
        self.addCleanup(asking.addErrback, lambda _: None)
        return asking

    def context(self, target=BOB, **arguments):
        """As L{invite}, with the context instead of its Deferred."""
        arguments.setdefault("body", OFFER)
        arguments.setdefault("delegate", self.notes)
        context = self.alice.inviteContext(target, **arguments)
        return context, self.peer.expect("INVITE")

    def fork(self, invite, code, tag, **headers):
        """The peer answers as the branch of a fork that C{tag} names."""
        given = {"To": f"{invite.headers.get('to')};tag={tag}", **headers}
        return self.peer.respond(invite, code, headers=given, body=ANSWER if 200 <= code < 300 else b"")

    def call(self, target=BOB, headers=None, **arguments):
        """A call that stands: its dialog, the INVITE and the ACK."""
        calling, invite = self.invite(target, **arguments)
        self.peer.respond(invite, 200, headers=headers or {}, body=ANSWER)
        ack = self.peer.expect("ACK")
        return self.successResultOf(calling), invite, ack

    def count(self, method, peer=None):
        """How many requests of C{method} came to the peer."""
        return len([m for m in (peer or self.peer).received if getattr(m, "method", "") == method])

    def endsBye(self, seconds=40.0):
        """The peer gets a BYE and answers it."""
        bye = self.peer.expect("BYE", seconds)
        self.peer.respond(bye, 200)
        self.network.advance(1)
        return bye

    def assertNothingLeft(self):
        """Nothing of Alice's is there any more once the last timers have run."""
        self.network.advance(70)
        # A connection stays open, and watched, for five minutes after its last use.
        left = [text for text in self.alice.leftovers() if not (text == "timers: 1" and self.network.ends)]
        self.assertEqual(left, [], self.network.ladder())


def challenge(realm="example.com", nonce="n1", more=""):
    """The value of a WWW-Authenticate."""
    return f'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm=MD5{more}'


def proven(request, password="wonderland", name="Authorization", user="alice"):
    """
    The parameters of the credentials of C{request}, or None when they are not proof of C{password}
    (RFC 7616 section 3.4, computed here by hand).
    """
    text = request.headers.get(name)
    if text is None:
        return None
    p = AuthorizationField.parse(text).parameters

    def h(value):
        return md5(value.encode()).hexdigest()

    a1, a2 = h(f"{user}:{p['realm']}:{password}"), h(f"{request.method}:{p['uri']}")
    expected = h(f"{a1}:{p['nonce']}:{p['nc']}:{p['cnonce']}:{p['qop']}:{a2}")
    return p if expected == p["response"] else None
