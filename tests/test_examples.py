"""
The examples of the documentation do what their pages say.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest
from pytest_twisted import ensureDeferred
from twisted.application.service import IServiceCollection
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.integration.peers import Sipua
from tests.integration.ports import freePort
from tests.integration.process import Peer
from twisted_sipdialog import Configuration, Phase, Reason, UserAgent, UserAgentDelegate
from twisted_sipdialog.configuration import FlowLimits, LoadLimits
from twisted_sipdialog.errors import ConfigurationError, ResponseError, TransportError
from twisted_sipdialog.interfaces import ISessionDescription, IToneSource
from twisted_sipdialog.media.echo import EchoMedia
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.message.parser import Limits
from twisted_sipdialog.service.settings import CHECKS, DEFAULTS, Settings
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer
from twisted_sipdialog.timers import TimerSet, TimerValues

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4002 RTP/AVP 0\r\n"
ANSWER = OFFER.replace(b"4002", b"4000").replace(b"192.0.2.2", b"192.0.2.1")
ALL = sorted(path.stem for path in EXAMPLES.glob("*.py"))


def example(name: str) -> Any:
    """The module C{docs/examples/NAME.py}."""
    if os.fspath(EXAMPLES) not in sys.path:
        sys.path.insert(0, os.fspath(EXAMPLES))
    return importlib.import_module(name)


#: Collected here as if they stood here.
_tests = example("test_receptionist")
ReceptionistTests = _tests.ReceptionistTests
_scripted = example("test_scripted")
network = _scripted.network
test_ackIsLost = _scripted.test_ackIsLost
test_malformed = _scripted.test_malformed
test_calledByAScript = _scripted.test_calledByAScript
test_lossyNetwork = _scripted.test_lossyNetwork


@pytest.mark.parametrize("name", ALL)
def test_isImportable(name: str) -> None:
    assert example(name).__doc__


@ensureDeferred
async def test_trialFromTheRoot(tmp_path: Path) -> None:
    """C{trial docs/examples/test_receptionist.py}, as one types it."""
    trial = os.fspath(Path(sys.executable).with_name("trial"))
    arguments = [trial, "--temp-directory", os.fspath(tmp_path / "trial"), "docs/examples/test_receptionist.py"]
    async with Peer(arguments, ROOT, {"PYTHONPATH": os.fspath(ROOT)}) as process:
        assert await process.ended() == 0, process.output + process.errors
    assert "PASSED (successes=2)" in process.output


def test_receptionistIsAnApplication() -> None:
    receptionist = example("receptionist")
    (service,) = IServiceCollection(receptionist.application)
    assert service.configuration.listen == ("udp:5060", "tcp:5060")
    assert isinstance(service.delegate, receptionist.Receptionist)


@ensureDeferred
async def test_callTheReceptionist() -> None:
    """call.py calls receptionist.py, over sockets; five seconds later that hangs up."""
    async with Sipua(EXAMPLES, "--delegate", "receptionist:Receptionist") as desk:
        arguments = [sys.executable, "call.py", desk.uri]
        async with Peer(arguments, EXAMPLES, {"PYTHONPATH": os.fspath(ROOT)}) as caller:
            assert await caller.ended() == 0, caller.errors
    assert caller.errors == ""
    ringing, answered, ended = caller.output.splitlines()
    assert ringing == ".. 180 Ringing early dialog"
    assert answered.startswith("answered with b'v=0")
    assert ended.startswith("ended: normal far end release, after 5.")


@ensureDeferred
async def test_callNobody() -> None:
    uri = f"sip:127.0.0.1:{freePort()};transport=tcp"
    async with Peer([sys.executable, "call.py", uri], EXAMPLES, {"PYTHONPATH": os.fspath(ROOT)}) as caller:
        assert await caller.ended() == 0, caller.errors
    assert caller.output.startswith("not reached: "), caller.output


class _Busy(UserAgentDelegate):
    def inviteReceived(self, invitation: Any) -> None:
        invitation.reject(486)


class _Answering(UserAgentDelegate):
    def inviteReceived(self, invitation: Any) -> None:
        invitation.progress(180)
        invitation.accept(body=ANSWER)

    def messageReceived(self, context: Any) -> None:
        context.accept(202)


class _Silent(UserAgentDelegate):
    cancelled: Any = None

    def inviteReceived(self, invitation: Any) -> None:
        invitation.progress(180)
        invitation.answerLater()

    def inviteCancelled(self, context: Any, request: Any) -> None:
        self.cancelled = request


class _NetworkTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.network = MemoryNetwork(self.clock)
        self.alice = self.network.userAgent("sip:alice@a.example")
        self.addCleanup(self.network.assertQuiet)

    def call(self, target: str = "sip:desk@b.example", **how: Any) -> Deferred[Any]:
        calling = self.alice.invite(target, body=OFFER, **how)
        self.network.advance(1)
        return calling

    def refusal(self, calling: Deferred[Any]) -> Any:
        return self.failureResultOf(calling, ResponseError).value.response


class HelloTests(_NetworkTestCase):
    def test_answers(self) -> None:
        hello = example("hello").Hello(self.clock)
        self.network.userAgent("sip:desk@b.example", hello, media=FixedMedia(ANSWER))
        dialog = self.successResultOf(self.call())
        self.assertIs(dialog.state, Phase.STABLE)


class AnswerCallsTests(_NetworkTestCase):
    def agent(self, delegate: Any) -> Any:
        return self.network.userAgent("sip:desk@b.example", delegate, media=FixedMedia(ANSWER))

    def test_screening(self) -> None:
        bob = "sip:bob@c.example"
        calls = example("answer_calls")
        blocking = self.network.userAgent("sip:x@x.example", calls.Screening(blocked=["sip:alice@a.example"]))
        self.assertEqual(self.refusal(self.call("sip:x@x.example")).statusCode, 603)
        self.assertEqual(blocking.dialogs, [])
        self.network.userAgent("sip:y@y.example", calls.Screening(forwarded={"sip:alice@a.example": bob}))
        answer = self.refusal(self.call("sip:y@y.example"))
        self.assertEqual((answer.statusCode, str(answer.contacts[0].uri)), (302, bob))
        self.agent(calls.Screening())
        self.successResultOf(self.call())
        answer = self.refusal(self.call())
        self.assertEqual((answer.statusCode, answer.headers.get("retry-after")), (486, "60"))

    def test_switchboard(self) -> None:
        board = example("answer_calls").Switchboard()
        self.agent(board)
        calling = self.call()
        (ringing,) = board.ringing
        self.network.advance(20)
        self.assertNoResult(calling)
        board.pickUp(ringing, ANSWER)
        self.network.advance(1)
        self.assertEqual(self.successResultOf(calling).id, ringing)
        other = self.call()
        self.network.advance(70)
        self.assertEqual(self.refusal(other).statusCode, 408)  # noAnswerTimeout
        self.assertEqual(board.ringing, {})

    def test_attended(self) -> None:
        attended = example("answer_calls").Attended()
        self.agent(attended)
        calling = self.call()
        attended.questions[0][1].callback(False)
        self.network.advance(1)
        self.assertEqual(self.refusal(calling).statusCode, 603)
        calling = self.call()
        calling.cancel()
        self.network.advance(1)
        self.failureResultOf(calling, CancelledError)
        self.assertTrue(attended.questions[1][1].called)  # nobody need answer it any more

    def test_keypad(self) -> None:
        attended = example("answer_calls").Attended()
        self.agent(attended)
        calling = self.call()
        attended.questions[0][1].callback(True)
        self.network.advance(1)
        dialog = self.successResultOf(calling)
        for digit in "42":
            body = f"Signal={digit}\r\nDuration=160\r\n".encode()
            asking = dialog.request("INFO", body, "application/dtmf-relay")
            self.network.advance(1)
            self.assertEqual(self.successResultOf(asking).statusCode, 200)
        asking = dialog.request("INFO", b"hello", "text/plain")
        self.network.advance(1)
        self.assertEqual(self.successResultOf(asking).statusCode, 415)
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        dialog.destroy()
        self.network.advance(1)
        self.assertEqual(output.getvalue(), f"{dialog.id} typed 42 and ended: normal far end release\n")


class PlaceCallsTests(_NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.calls = example("place_calls")
        self.silent = _Silent()
        for name, delegate in (("busy", _Busy()), ("good", _Answering()), ("silent", self.silent)):
            self.network.userAgent(f"sip:{name}@{name}.example", delegate)

    def test_progress(self) -> None:
        seen: list[str] = []
        self.call("sip:good@good.example", delegate=self.calls.Ringing(seen.append))
        self.assertEqual(seen, ["180 Ringing, ringing at 1"])

    def test_hunt(self) -> None:
        def hunt(*names: str) -> Deferred[Any]:
            targets = [f"sip:{name}@{name}.example" for name in names]
            return Deferred.fromCoroutine(self.calls.hunt(self.alice, self.clock, targets, OFFER))

        hunting = hunt("busy", "silent", "good")
        self.network.advance(25)
        self.assertEqual(self.successResultOf(hunting).remote.sdp, ANSWER)
        self.assertEqual(self.silent.cancelled.method, "CANCEL")
        hunting = hunt("busy", "nobody", "silent")
        self.network.advance(25)
        self.assertIs(self.successResultOf(hunting), None)

    def test_group(self) -> None:
        outcomes: list[Any] = []
        targets = [f"sip:{name}@{name}.example" for name in ("busy", "silent", "good")]
        group = self.calls.Group(self.alice, targets, OFFER)
        group.whenAnswered(outcomes.append, lambda: outcomes.append(None))
        self.network.advance(1)
        (dialog,) = outcomes
        self.assertIs(dialog.state, Phase.STABLE)
        reason = self.silent.cancelled.headers.get("reason")
        self.assertEqual(reason, 'SIP;cause=487;text="Call completed elsewhere"')

    def test_groupOfNobody(self) -> None:
        outcomes: list[Any] = []
        group = self.calls.Group(self.alice, ["sip:busy@busy.example"] * 2, OFFER)
        group.whenAnswered(outcomes.append, lambda: outcomes.append(None))
        self.network.advance(1)
        self.assertEqual(outcomes, [None])

    def test_forks(self) -> None:
        forks = self.calls.Forks()
        proxy = ScriptedPeer(self.network, "proxy.example")
        calling = self.alice.invite("sip:peer@proxy.example", body=OFFER, delegate=forks)
        invite = proxy.expect("INVITE")
        to = invite.headers.get("to")
        for tag in ("one", "two"):
            proxy.respond(invite, 180, headers={"To": f"{to};tag={tag}"})
        self.network.advance(1)
        self.assertEqual(forks.tags, {"one", "two"})
        ok = proxy.respond(invite, 200, headers={"To": f"{to};tag=two"}, body=ANSWER)
        proxy.expect("ACK")
        dialog = self.successResultOf(calling)
        self.assertEqual((forks.tags, dialog.sip.remoteTag), ({"two"}, "two"))
        dialog.destroy()
        proxy.respond(proxy.expect("BYE"), 200, headers={"To": ok.headers.get("to")})

    def test_lateOffer(self) -> None:
        calling = self.calls.callWithoutOffer(self.alice, "sip:good@good.example", FixedMedia(OFFER))
        self.network.advance(1)
        self.assertEqual(self.successResultOf(calling).local.sdp, OFFER)

    def test_requests(self) -> None:
        dialog = self.successResultOf(self.call("sip:good@good.example"))
        asking = Deferred.fromCoroutine(self.calls.whoIsThere(dialog))
        saying = [
            Deferred.fromCoroutine(self.calls.say(self.alice, f"sip:{name}@{name}.example", "hello"))
            for name in ("good", "busy")
        ]
        self.network.advance(1)
        self.assertIn("INVITE", self.successResultOf(asking))
        self.assertEqual([self.successResultOf(each) for each in saying], [True, False])

    def test_timeout(self) -> None:
        """What addTimeout does: CANCEL, and the Deferred fails with TimeoutError."""
        calling = self.alice.invite("sip:silent@silent.example", body=OFFER).addTimeout(30, self.clock)
        self.network.advance(31)
        self.failureResultOf(calling, TimeoutError)
        self.assertEqual(self.silent.cancelled.method, "CANCEL")


class _Own(UserAgentDelegate):
    """Answers with a delegate for the call."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def inviteReceived(self, invitation: Any) -> None:
        invitation.accept(delegate=self._own)


class ChangeSessionsTests(_NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sessions = example("change_sessions")
        self.seen: list[str] = []

    def answering(self, own: Any = None, host: str = "b.example", port: bytes = b"4000", **settings: Any) -> Any:
        media = FixedMedia(ANSWER.replace(b"4000", port))
        own = self.sessions.Told(self.seen.append) if own is None else own
        return self.network.userAgent(f"sip:desk@{host}", _Own(own), media=media, **settings)

    def wait(self, coroutine: Any, seconds: float = 5.0) -> Deferred[Any]:
        waiting = Deferred.fromCoroutine(coroutine)
        self.network.advance(seconds)
        return waiting

    def test_hold(self) -> None:
        desk = self.answering()
        dialog = self.successResultOf(self.call())
        question: Deferred[str] = Deferred()
        consulting = self.wait(self.sessions.consult(dialog, question))
        self.assertNoResult(consulting)
        (theirs,) = desk.dialogs
        self.assertEqual((dialog.onHold, theirs.onHold, self.seen), (True, True, ["held"]))
        self.assertIn(b"a=sendonly", theirs.remote.sdp)
        question.callback("yes")
        self.network.advance(5)
        self.assertEqual(self.successResultOf(consulting), "yes")
        self.assertEqual((dialog.onHold, theirs.onHold, self.seen), (False, False, ["held", "resumed"]))

    def test_modify(self) -> None:
        desk = self.answering()
        dialog = self.successResultOf(self.call())
        changing = self.wait(self.sessions.change(dialog, OFFER.replace(b"4002", b"4004")))
        self.assertIs(self.successResultOf(changing), True)
        self.assertEqual(self.seen, ["modified"])
        self.assertIn(b"m=audio 4004", desk.dialogs[0].remote.sdp)

    def test_asked(self) -> None:
        self.answering(self.sessions.AudioOnly())
        dialog = self.successResultOf(self.call())
        before = dialog.local.sdp, dialog.remote.sdp
        changing = self.wait(self.sessions.change(dialog, OFFER + b"m=video 4006 RTP/AVP 31\r\n"))
        self.assertIs(self.successResultOf(changing), False)
        self.assertEqual((dialog.local.sdp, dialog.remote.sdp), before)
        for method in ("INVITE", "UPDATE"):
            holding = dialog.modify("hold", method=method)
            self.network.advance(1)
            self.successResultOf(holding)

    def test_lateOffer(self) -> None:
        """The two desks send to each other."""
        desks = [self.answering(host=f"{name}.example", port=port) for name, port in (("b", b"4010"), ("c", b"4020"))]
        first, second = (self.successResultOf(self.call(f"sip:desk@{name}.example")) for name in "bc")
        self.successResultOf(self.wait(self.sessions.connect(first, second)))
        remotes = [desk.dialogs[0].remote.sdp for desk in desks]
        self.assertIn(b"m=audio 4020", remotes[0])
        self.assertIn(b"m=audio 4010", remotes[1])

    def test_lateOfferRefused(self) -> None:
        """The first call stays with us."""
        desk = self.answering()
        self.network.userAgent("sip:desk@c.example", _Own(_Busy()), media=FixedMedia(ANSWER))
        first, second = (self.successResultOf(self.call(f"sip:desk@{name}.example")) for name in "bc")
        connecting = self.wait(self.sessions.connect(first, second))
        self.assertEqual(self.refusal(connecting).statusCode, 486)
        self.assertEqual((first.state, second.state), (Phase.STABLE, Phase.STABLE))
        self.assertIn(b"m=audio 4002", desk.dialogs[0].remote.sdp)

    def test_update(self) -> None:
        self.answering()
        dialog = self.successResultOf(self.call())
        self.assertIs(self.successResultOf(self.wait(self.sessions.keep(dialog))), True)
        self.assertEqual((self.seen, dialog.state), (["refreshed"], Phase.STABLE))

    def timed(self) -> dict[str, Any]:
        configuration = self.sessions.configuration
        return {name: getattr(configuration, name) for name in ("sessionTimers", "sessionExpires")}

    def test_sessionTimer(self) -> None:
        self.answering()
        caller = self.network.userAgent("sip:carol@d.example", **self.timed())
        calling = caller.invite("sip:desk@b.example", body=OFFER)
        self.network.advance(1)
        dialog = self.successResultOf(calling)
        self.assertEqual(self.sessions.lifetime(dialog), "600 s, unless refreshed; the one to do so: local")
        self.network.advance(3000)
        self.assertIs(dialog.state, Phase.STABLE)
        self.assertEqual(set(self.seen), {"refreshed"})
        dialog.destroy()
        self.network.advance(1)

    def test_noSessionTimer(self) -> None:
        self.answering(sessionTimers="off")
        dialog = self.successResultOf(self.call())
        self.assertEqual(self.sessions.lifetime(dialog), "until somebody hangs up")

    def test_sessionExpires(self) -> None:
        """The peer was to refresh, and has vanished."""
        peer = ScriptedPeer(self.network, "gone.example")
        calling = self.alice.invite("sip:peer@gone.example", body=OFFER)
        headers = {"Session-Expires": "600;refresher=uas", "Require": "timer"}
        peer.respond(peer.expect("INVITE"), 200, headers=headers, body=ANSWER)
        peer.expect("ACK")
        dialog = self.successResultOf(calling)
        self.network.advance(560)
        self.assertIs(dialog.state, Phase.STABLE)
        peer.respond(peer.expect("BYE"), 200)
        self.network.advance(1)
        self.assertIs(dialog.ended.reason, Reason.SESSION_EXPIRED)

    def announcing(self) -> Any:
        announcing = self.sessions.Announcing(self.clock, FixedMedia(ANSWER), 10.0)
        return self.network.userAgent("sip:desk@b.example", announcing)

    def test_earlyMedia(self) -> None:
        desk = self.announcing()
        calling = self.call()
        self.assertNoResult(calling)
        (early,) = self.alice.dialogs
        self.assertEqual((early.state, early.remote.sdp), (Phase.EARLY, ANSWER))
        self.network.advance(10)
        self.assertIs(self.successResultOf(calling), early)
        seen = ["< INVITE", "> 183 INVITE", "< PRACK", "> 200 PRACK", "> 200 INVITE", "< ACK"]
        self.assertEqual(self.network.seenBy(desk), seen)

    def test_earlyMediaUnreliably(self) -> None:
        """To a caller without 100rel: the 200 has the description again."""
        desk = self.announcing()
        peer = ScriptedPeer(self.network)
        peer.request("INVITE", desk, body=OFFER)
        early = peer.expect("183 INVITE")
        ok = peer.expect("200 INVITE")
        peer.ack(ok)
        self.network.advance(1)
        self.assertEqual((early.body, ok.body, early.headers.get("rseq")), (ANSWER, ANSWER, None))

    def test_dtmf(self) -> None:
        chosen: list[str] = []
        self.answering(self.sessions.Menu(chosen.append))
        dialog = self.successResultOf(self.call())
        entering = self.wait(self.sessions.enter(dialog, "42"), 1.5)
        self.assertEqual(chosen, [])
        self.network.advance(5)
        self.assertIs(self.successResultOf(entering), None)
        self.assertEqual(chosen, ["42"])

    def test_forks(self) -> None:
        everybody = self.sessions.Everybody()
        caller = self.network.userAgent("sip:carol@d.example", forkedAnswers="all")
        proxy = ScriptedPeer(self.network, "proxy.example")
        calling = caller.invite("sip:peer@proxy.example", body=OFFER, delegate=everybody)
        invite = proxy.expect("INVITE")
        to = invite.headers.get("to")
        proxy.respond(invite, 180, headers={"To": f"{to};tag=three"})
        for tag in ("one", "two"):
            proxy.respond(invite, 200, headers={"To": f"{to};tag={tag}"}, body=ANSWER)
            proxy.expect("ACK")
        self.assertEqual([dialog.sip.remoteTag for dialog in everybody.dialogs], ["one", "two"])
        self.assertIs(self.successResultOf(calling), everybody.dialogs[0])
        for tag, dialog in zip(("one", "two"), list(everybody.dialogs), strict=True):
            dialog.destroy()
            proxy.respond(proxy.expect("BYE"), 200, headers={"To": f"{to};tag={tag}"})
        self.network.advance(60)
        self.assertEqual(everybody.dialogs, [])


class DelegatesTests(_NetworkTestCase):
    def test_forms(self) -> None:
        forms = example("delegates")
        for n, delegate in enumerate((forms.Plain(), forms.WithDeferred(self.clock), forms.Coroutine(self.clock))):
            aor = f"sip:desk@d{n}.example"
            agent = self.network.userAgent(aor, delegate)
            self.call(aor)
            self.network.advance(3)
            seen = ["< INVITE", "> 180 INVITE", "> 200 INVITE", "< ACK"]
            self.assertEqual(self.network.seenBy(agent), seen, aor)


class AuthenticationTests(_NetworkTestCase):
    def test_configurations(self) -> None:
        settings = example("authentication")
        self.assertEqual([c.realm for c in settings.office.credentials], ["example.com", "gateway.example.net"])
        self.assertNotIn("wonderland", repr(settings.office))
        self.assertIs(settings.home.credentials[0].realm, None)
        self.assertEqual(settings.home.outboundProxy.host, "proxy.example.com")

    def challenge(self, configuration: Any, realm: str, host: str) -> list[str]:
        proxy = ScriptedPeer(self.network, host)
        agent = self.network.userAgent(
            "sip:alice@caller.example",
            credentials=configuration.credentials,
            outboundProxy=configuration.outboundProxy,
        )
        agent.request("OPTIONS", f"sip:{host}").addErrback(lambda failure: None)  # never answered
        options = proxy.expect("OPTIONS")
        challenge = f'Digest realm="{realm}", nonce="1", algorithm=SHA-256, qop="auth"'
        proxy.respond(options, 407, headers={"Proxy-Authenticate": challenge})
        self.network.advance(0.2)
        return [message.headers.get("proxy-authorization") or "" for message in proxy.received]

    def test_realm(self) -> None:
        _, answer = self.challenge(example("authentication").office, "gateway.example.net", "gateway.example.net")
        self.assertIn('username="1234"', answer)

    def test_otherRealm(self) -> None:
        self.assertEqual(self.challenge(example("authentication").office, "evil.example", "evil.example"), [""])

    def test_proxy(self) -> None:
        _, answer = self.challenge(example("authentication").home, "whatever", "proxy.example.com")
        self.assertIn('username="alice"', answer)


class _Server:
    """A media server with one port."""

    def __init__(self) -> None:
        self.lent: set[int] = set()
        self.connected: list[Any] = []
        self.lending: Deferred[int] | None = None

    def borrow(self) -> Deferred[int]:
        self.lent.add(4000)
        return self.lending if self.lending is not None else succeed(4000)

    def giveBack(self, port: int) -> None:
        self.lent.remove(port)

    def sdp(self, port: int) -> bytes:
        return ANSWER

    def connect(self, port: int, remote: bytes, heard: Any) -> None:
        self.connected.append((port, remote))
        self.heard = heard


class MediaTests(_NetworkTestCase):
    def test_answers(self) -> None:
        server = _Server()
        media = example("media").ServerMedia(server)
        verifyObject(ISessionDescription, media("192.0.2.1"))
        self.network.userAgent("sip:desk@b.example", example("hello").Hello(self.clock), media=media)
        dialog = self.successResultOf(self.call())
        self.assertEqual((dialog.remote.sdp, server.lent), (ANSWER, {4000}))
        dialog.destroy()
        self.network.advance(1)
        self.assertEqual(server.lent, set())

    def test_offers(self) -> None:
        server = _Server()
        self.network.userAgent("sip:desk@b.example", _Answering())
        calling = self.alice.invite("sip:desk@b.example", media=example("media").ServerMedia(server))
        self.network.advance(1)
        self.successResultOf(calling)
        self.assertEqual(server.connected, [(4000, ANSWER)])

    def test_limits(self) -> None:
        session = example("media").ServerMedia(_Server())("192.0.2.1")
        self.successResultOf(session.offer())
        session.update(OFFER)
        self.assertIn(b"a=sendonly", self.successResultOf(session.offer("sendonly")))
        session.rollback()
        self.assertEqual(self.successResultOf(session.offer()), ANSWER)

    def test_forks(self) -> None:
        """They have one port, which the last returns."""
        server = _Server()
        session = example("media").ServerMedia(server)("192.0.2.1")
        fork = session.fork(self.successResultOf(session.offer()))
        verifyObject(ISessionDescription, fork)
        fork.update(OFFER)
        self.assertEqual((session.remote, server.connected), (None, [(4000, OFFER)]))
        session.close()
        session.close()
        self.assertEqual(server.lent, {4000})
        fork.close()
        self.assertEqual(server.lent, set())
        self.assertIsNone(fork.fork().local)

    def test_tones(self) -> None:
        server = _Server()
        session = example("media").ServerMedia(server)("192.0.2.1")
        verifyObject(IToneSource, session)
        told: list[tuple[str, float]] = []
        session.tellTones(lambda tone, duration: told.append((tone, duration)))
        self.successResultOf(session.answer(OFFER))
        server.heard("5", 0.1)
        session.close()
        server.heard("6", 0.1)
        self.assertEqual(told, [("5", 0.1)])

    def test_closedWhileBorrowing(self) -> None:
        server = _Server()
        server.lending = Deferred(lambda _: server.giveBack(4000))
        media = example("media").ServerMedia(server)
        self.network.userAgent("sip:desk@b.example", example("hello").Hello(self.clock), media=media)
        calling = self.call()
        calling.cancel()
        self.network.advance(1)
        self.failureResultOf(calling, CancelledError)
        self.assertEqual(server.lent, set())

    def test_cannotBorrow(self) -> None:
        """What the page says: a TransportError is answered with 503."""
        server = _Server()
        server.lending = fail(TransportError("all are lent"))
        media = example("media").ServerMedia(server)
        self.network.userAgent("sip:desk@b.example", example("hello").Hello(self.clock), media=media)
        self.assertEqual(self.refusal(self.call()).statusCode, 503)


class EchoTests(_NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.echo = example("echo")
        host = self.network.host("echo.example")
        media = EchoMedia(host, TimerSet(self.clock), limits=self.echo.media.limits)
        self.desk = self.network.userAgent("sip:echo@echo.example", self.echo.Echo(), media=media)
        self.dialog = self.successResultOf(self.call("sip:echo@echo.example"))

    def test_settings(self) -> None:
        self.assertEqual(self.echo.media.limits.silenceTimeout, 10.0)
        self.assertIs(next(iter(IServiceCollection(self.echo.application))).configuration.media, self.echo.media)

    def test_callerVanishes(self) -> None:
        self.network.advance(11)
        self.assertIs(self.dialog.ended.reason, Reason.REMOTE_BYE)

    def test_callerHangsUp(self) -> None:
        self.dialog.destroy()
        self.network.advance(60)
        self.assertEqual(self.desk.leftovers(), [])


class LoggingTests(_NetworkTestCase):
    def test_calls(self) -> None:
        file = io.StringIO()
        observer = example("logging_calls").CallRecords(file)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.network.userAgent("sip:desk@b.example", _Answering())
        dialog = self.successResultOf(self.call())
        self.call("sip:nobody@busy.example").addErrback(lambda _: None)
        dialog.destroy()
        self.network.advance(1)
        records = [json.loads(line) for line in file.getvalue().splitlines()]
        ended = [record for record in records if record.get("dialogId") == dialog.id]
        self.assertEqual({record["role"] for record in ended}, {"uac", "uas"})
        self.assertEqual({record["reason"] for record in ended}, {Reason.LOCAL_BYE.text, Reason.REMOTE_BYE.text})
        self.assertTrue(any("statusCode" in record for record in records), records)

    def test_messages(self) -> None:
        counting = example("logging_calls").Counting()
        listen = f"udp:5060:interface={self.network.host('c.example').ipv4}"
        configuration = Configuration(aor="sip:counted@c.example", listen=listen)
        agent = UserAgent(self.network.host("c.example"), configuration, observer=counting)
        agent.startService()
        asking = self.alice.request("OPTIONS", "sip:counted@c.example")
        self.network.advance(1)
        answer = self.successResultOf(asking)
        self.assertEqual(counting.sent, len(answer.toBytes()))
        self.assertGreater(counting.received, 200)
        agent.stopService()


class SettingsTests(SynchronousTestCase):
    def test_limits(self) -> None:
        configuration = example("limits").configuration
        self.assertEqual((configuration.loadLimits.dialogs, configuration.messageLimits.body), (200, 8_192))
        self.assertEqual(configuration.messageLimits.uri, Limits().uri)

    def test_nat(self) -> None:
        self.assertEqual(example("nat").configuration.advertise, "203.0.113.7")

    def test_wrongAor(self) -> None:
        """The tutorial says that a wrong setting raises at once."""
        self.assertRaises(ConfigurationError, Configuration, aor="desk")

    def test_tomlIsTaken(self) -> None:
        settings = Settings()
        settings.read(os.fspath(EXAMPLES / "sipua.toml"))
        self.assertEqual(settings.configuration(None), Settings().configuration(None))
        for name, value in DEFAULTS.items():
            self.assertEqual(str(settings[name]), str(value), name)

    def test_tomlIsComplete(self) -> None:
        names = {
            line.lstrip("# [").split("=")[0].split("]")[0].strip()
            for line in (EXAMPLES / "sipua.toml").read_text().splitlines()
        }
        self.assertEqual(set(CHECKS) - names, set())
        told = tomllib.loads((EXAMPLES / "sipua.toml").read_text())
        for name, made in (
            ("timers", TimerValues),
            ("messageLimits", Limits),
            ("flowLimits", FlowLimits),
            ("loadLimits", LoadLimits),
        ):
            self.assertEqual(list(told[name]), [field.name for field in attrs.fields(made)])
