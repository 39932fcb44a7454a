"""
docs/examples/transfer.py does what its page says, among three user agents.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.test_examples import ANSWER, example
from twisted_sipdialog import Phase, Reason, UserAgentDelegate
from twisted_sipdialog.media.fixed import FixedMedia
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer


class Carol(UserAgentDelegate):
    """
    Rings for C{seconds}, then answers, unless the caller has given up.
    """

    def __init__(self, network: MemoryNetwork, seconds: float = 1.0) -> None:
        self.network = network
        self.seconds = seconds
        self.calls: list[Any] = []

    async def inviteReceived(self, context: Any) -> None:
        self.calls.append(context)
        await context.progress(180)
        ringing: Deferred[None] = Deferred()
        self.network.clock.callLater(self.seconds, lambda: ringing.called or ringing.callback(None))
        await ringing
        await context.accept()


class Busy(UserAgentDelegate):
    def inviteReceived(self, context: Any) -> None:
        context.reject(486)


class TransferCase(SynchronousTestCase):
    """
    alice transfers, bob is transferred, carol is called.
    """

    def setUp(self) -> None:
        self.transfer = example("transfer")
        self.clock = Clock()
        self.network = MemoryNetwork(self.clock, latency=0.01)
        self.addCleanup(self.network.assertQuiet)
        # In an attended transfer it is the address of her phone.
        self.hosts = {"c.example", self.network.host("c.example").ipv4}
        self.shown: list[tuple[Any, ...]] = []
        self.alice = self.agent("sip:alice@a.example")
        self.softphone = self.transfer.Softphone(self.hosts, lambda *words: self.shown.append(words))
        self.bob = self.agent("sip:bob@b.example", self.softphone)

    def agent(self, aor: str, delegate: Any = None, **settings: Any) -> Any:
        return self.network.userAgent(aor, delegate, media=FixedMedia(ANSWER), **settings)

    def carol(self, delegate: Any) -> Any:
        return self.agent("sip:carol@c.example", delegate)

    def callBob(self) -> Any:
        """alice's side of her call with bob."""
        return self.done(self.alice.invite("sip:bob@b.example"))

    def done(self, waiting: Any, seconds: float = 3) -> Any:
        return self.successResultOf(self.wait(waiting, seconds))

    def wait(self, waiting: Any, seconds: float = 3) -> Deferred[Any]:
        deferred = waiting if isinstance(waiting, Deferred) else Deferred.fromCoroutine(waiting)
        self.network.advance(seconds)
        return deferred

    def assertTogether(self, carol: Any) -> Any:
        """bob and carol have a call with each other, and no other; his side of it."""
        (his,) = self.bob.dialogs
        (hers,) = carol.dialogs
        self.assertEqual((his.sip.callId, his.state), (hers.sip.callId, Phase.STABLE))
        self.assertEqual(self.alice.dialogs, [])
        self.assertIs(self.softphone.current, his)
        return his

    def hangUp(self, dialog: Any) -> None:
        dialog.destroy()
        self.network.advance(1)


class BlindTests(TransferCase):
    def test_succeeds(self) -> None:
        carol = self.carol(Carol(self.network))
        first = self.callBob()
        self.assertIs(self.done(self.transfer.blindTransfer(first, "sip:carol@c.example")), True)
        self.assertIs(first.ended.reason, Reason.LOCAL_BYE)
        shown = [("dialling", "sip:carol@c.example"), (180, "Ringing"), ("connected",)]
        self.assertEqual(self.shown, shown)
        self.hangUp(self.assertTogether(carol))

    def test_targetIsBusy(self) -> None:
        """The old call goes on."""
        self.carol(Busy())
        first = self.callBob()
        self.assertIs(self.done(self.transfer.blindTransfer(first, "sip:carol@c.example")), False)
        self.assertEqual(self.shown[-1], ("back to the old call:", 486))
        self.assertIs(first.state, Phase.STABLE)
        self.assertEqual(len(self.bob.dialogs), 1)
        self.hangUp(first)

    def test_elsewhere(self) -> None:
        """Softphone goes nowhere but to its own domain, nor to a telephone number."""
        first = self.callBob()
        for target in ("sip:carol@premium.example", "tel:+900123"):
            self.assertIs(self.done(self.transfer.blindTransfer(first, target)), False)
        self.assertEqual(self.shown, [])
        self.hangUp(first)

    def test_notACall(self) -> None:
        """Another request than INVITE is not sent on anybody's behalf; nothing is logged as an error."""
        first = self.callBob()
        self.assertIs(self.done(self.transfer.blindTransfer(first, "sip:carol@c.example;method=BYE")), False)
        self.assertIn("> 501 REFER", self.network.seenBy(self.bob))
        self.hangUp(first)


class AttendedTests(TransferCase):
    def consulting(self) -> tuple[Any, Any]:
        """alice's calls to bob, who is on hold, and to carol."""
        first = self.callBob()
        second = self.done(self.transfer.consult(self.alice, first, "sip:carol@c.example"))
        self.assertTrue(first.onHold)
        return first, second

    def test_replaces(self) -> None:
        """bob's INVITE names carol's dialog with alice as she knows it (RFC 3891 section 3)."""
        person = Carol(self.network)
        carol = self.carol(person)
        first, second = self.consulting()
        hers = carol.dialogs[0]
        self.assertIs(self.done(self.transfer.attendedTransfer(first, second)), True)
        self.assertIs(first.ended.reason, Reason.LOCAL_BYE)
        self.assertEqual((hers.ended.reason, second.ended.reason), (Reason.REPLACED, Reason.REMOTE_BYE))
        named = person.calls[1].request.headers.get("replaces")
        self.assertEqual(named, f"{hers.sip.callId};to-tag={hers.sip.localTag};from-tag={hers.sip.remoteTag}")
        self.hangUp(self.assertTogether(carol))

    def test_doesNotRing(self) -> None:
        """Reception answers who takes the place of another call; both are told apart."""
        told: list[tuple[Any, ...]] = []
        reception = self.transfer.Reception(lambda *words: told.append(words))
        carol = self.carol(reception)
        first = self.callBob()
        consulting = self.wait(self.transfer.consult(self.alice, first, "sip:carol@c.example"))
        reception.ringing[0].accept()
        second = self.done(consulting)
        self.assertIs(self.done(self.transfer.attendedTransfer(first, second)), True)
        self.assertEqual(len(reception.ringing), 1)
        self.assertEqual(told, [("sip:alice@a.example", "handed over to", "sip:bob@b.example")])
        self.hangUp(self.assertTogether(carol))

    def test_targetIsBusy(self) -> None:
        """Both calls are as they were."""
        peer = ScriptedPeer(self.network)
        self.hosts.add(peer.address[0])
        first = self.callBob()
        consulting = Deferred.fromCoroutine(self.transfer.consult(self.alice, first, "sip:peer@peer.example"))
        peer.respond(peer.expect("INVITE"), 200, body=ANSWER)
        peer.expect("ACK")
        second = self.successResultOf(consulting)
        transferring = Deferred.fromCoroutine(self.transfer.attendedTransfer(first, second))
        peer.respond(peer.expect("INVITE"), 486)
        self.network.advance(1)
        self.assertIs(self.successResultOf(transferring), False)
        self.assertEqual((first.state, first.onHold, second.state), (Phase.STABLE, False, Phase.STABLE))
        second.destroy()
        peer.respond(peer.expect("BYE"), 200)
        self.hangUp(first)

    def test_targetKnowsNoReplaces(self) -> None:
        """For her it is one more call: alice ends her own, and nothing is left of it."""
        carol = self.agent("sip:carol@c.example", Carol(self.network), replaces="off")
        first, second = self.consulting()
        self.assertIs(self.done(self.transfer.attendedTransfer(first, second)), True)
        self.assertIs(second.ended.reason, Reason.LOCAL_BYE)
        self.hangUp(self.assertTogether(carol))

    def test_peerHangsUp(self) -> None:
        """A peer who hangs up instead needs no resuming; the other call goes on."""
        self.carol(Carol(self.network))
        first, second = self.consulting()
        self.softphone.current.destroy()
        self.assertIs(self.done(self.transfer.attendedTransfer(first, second)), False)
        self.assertEqual((first.ended.reason, second.state), (Reason.REMOTE_BYE, Phase.STABLE))
        self.hangUp(second)


class SemiAttendedTests(TransferCase):
    def semiAttended(self, first: Any, seconds: float = 5) -> Deferred[Any]:
        transferring = self.transfer.semiAttendedTransfer(self.alice, self.clock, first, "sip:carol@c.example", seconds)
        return self.wait(transferring, 20)

    def test_answeredInTime(self) -> None:
        person = Carol(self.network, 2.0)
        carol = self.carol(person)
        self.assertIs(self.successResultOf(self.semiAttended(self.callBob())), True)
        self.assertIsNot(person.calls[1].request.headers.get("replaces"), None)
        self.hangUp(self.assertTogether(carol))

    def test_ringsTooLong(self) -> None:
        """alice gives up, and carol's phone rings for bob: no Replaces, as there is nothing to be replaced."""
        person = Carol(self.network, 8.0)
        carol = self.carol(person)
        first = self.callBob()
        self.assertIs(self.successResultOf(self.semiAttended(first)), True)
        self.assertIsNot(person.calls[0].cancelled, None)
        self.assertIs(person.calls[1].request.headers.get("replaces"), None)
        self.hangUp(self.assertTogether(carol))

    def test_ringsForNobody(self) -> None:
        """Nor does bob get an answer: alice has him back."""
        self.carol(Carol(self.network, 70.0))
        first = self.callBob()
        transferring = self.semiAttended(first)
        self.network.advance(60)  # noAnswerTimeout
        self.assertIs(self.successResultOf(transferring), False)
        self.assertEqual((first.state, first.onHold), (Phase.STABLE, False))
        self.hangUp(first)

    def test_targetIsBusy(self) -> None:
        self.carol(Busy())
        first = self.callBob()
        self.assertIs(self.successResultOf(self.semiAttended(first)), False)
        self.assertEqual((first.state, first.onHold), (Phase.STABLE, False))
        self.hangUp(first)


class ClickToDialTests(TransferCase):
    def dialled(self, agrees: bool) -> Deferred[Any]:
        self.asked: list[str] = []
        phone = self.transfer.DeskPhone(lambda uri: self.asked.append(str(uri)) or succeed(agrees))
        self.phone = self.agent("sip:desk@d.example", phone, allowOutOfDialogRefers=True)
        return self.wait(self.transfer.connect(self.alice, "sip:desk@d.example", "sip:carol@c.example"))

    def test_agrees(self) -> None:
        carol = self.carol(Carol(self.network))
        self.assertIs(self.successResultOf(self.dialled(True)), True)
        self.assertEqual(self.asked, ["sip:carol@c.example"])
        (his,) = self.phone.dialogs
        (hers,) = carol.dialogs
        self.assertEqual((his.sip.callId, self.alice.dialogs), (hers.sip.callId, []))
        self.hangUp(his)

    def test_doesNot(self) -> None:
        self.assertIs(self.successResultOf(self.dialled(False)), False)
        self.assertIn("< 603 REFER", self.network.seenBy(self.alice))

    def test_nobodyIsAsked(self) -> None:
        """Without the setting it is 403."""
        self.agent("sip:desk@d.example", self.transfer.DeskPhone(lambda _: succeed(True)))
        dialling = self.wait(self.transfer.connect(self.alice, "sip:desk@d.example", "sip:carol@c.example"))
        self.assertIs(self.successResultOf(dialling), False)
        self.assertIn("< 403 REFER", self.network.seenBy(self.alice))
