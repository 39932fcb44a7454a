"""Faults of other stacks in the life of a call: crossing requests, ACKs that never come, storms, copies."""

from __future__ import annotations

from typing import Any

from tests.robustness.case import SDP, Accepting, RobustCase
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated

BOB = "sip:bob@peer.example"


class Noting(Accepting):
    """Takes every call, answers re-INVITEs when the test does, and notes the ends."""

    def __init__(self, **answer: Any) -> None:
        super().__init__(**answer)
        self.contexts: list[Any] = []
        self.ended: list[Any] = []

    def inviteReceived(self, context: Any) -> None:
        self.contexts.append(context)
        super().inviteReceived(context)

    def dialogTerminated(self, dialog: Any, ended: Any) -> None:
        self.ended.append(ended)

    @property
    def reasons(self) -> list[Any]:
        return [ended.reason for ended in self.ended]


class Waiting:
    """The delegate of a dialog who does not answer its re-INVITEs."""

    def inviteReceived(self, context: Any) -> None:
        context.answerLater()


class CrossingTests(RobustCase):
    def makeDelegate(self) -> Any:
        return Noting()

    def stand(self) -> Any:
        """A call that stands: its dialog and its 200."""
        self.delegate.ended.clear()
        self.peer.request("INVITE", self.agent, body=SDP)
        ok = self.peer.expect("200 INVITE")
        self.peer.ack(ok)
        self.network.advance(0.1)
        return self.delegate.dialogs[-1], ok

    def assertEmpty(self) -> None:
        self.network.advance(64)
        self.assertEqual(self.agent.leftovers(), [], self.network.ladder())

    def test_b15_reinviteAfterOurBye(self) -> None:
        """
        A re-INVITE after we sent BYE, with and without an offer: 481, and the dialog is not touched (RFC 3261
        section 15).
        """
        for body in (b"", SDP):
            dialog, ok = self.stand()
            before = dialog.toJSON()
            dialog.destroy()
            bye = self.peer.expect("BYE")
            for _ in range(2):
                again = self.peer.request("INVITE", within=ok, body=body)
                refused = self.peer.expect("481 INVITE")
                self.peer.ack(refused)
                self.assertEqual(refused.cseqNumber, again.cseqNumber)
            self.assertEqual({**dialog.toJSON(), "state": "stable"}, before)
            self.peer.respond(bye, 200)
            self.network.advance(0.1)
            self.peer.ack(ok)
            self.assertEqual(self.delegate.reasons, [Reason.LOCAL_BYE])
            self.assertEmpty()

    def test_b16_byeDuringTheirReinvite(self) -> None:
        """BYE of either side while their re-INVITE waits for us: it is answered with 487, and nothing is left."""
        for ours in (False, True):
            for acknowledged in (False, True):
                dialog, ok = self.stand()
                dialog.delegate = Waiting()
                self.peer.request("INVITE", within=ok, body=SDP)
                self.network.advance(0.1)
                if ours:
                    dialog.destroy()
                    self.peer.respond(self.peer.expect("BYE"), 200)
                else:
                    self.peer.request("BYE", within=ok)
                    self.peer.expect("200 BYE")
                refused = self.peer.expect("487 INVITE")
                if acknowledged:
                    self.peer.ack(refused)
                self.network.advance(0.1)
                self.assertEqual(self.delegate.reasons, [Reason.LOCAL_BYE if ours else Reason.REMOTE_BYE])
                self.assertEmpty()

    def test_b16_byeDuringOurReinvite(self) -> None:
        """The same with a re-INVITE of ours, whatever its final answer, or none (RFC 3261 section 13.2.2.4)."""
        for ours in (False, True):
            for status in (200, 487, None):
                dialog, ok = self.stand()
                changing = dialog.modify(SDP)
                again = self.peer.expect("INVITE")
                self.peer.respond(again, 100)
                self.network.advance(0.1)
                if ours:
                    dialog.destroy()
                    self.peer.respond(self.peer.expect("BYE"), 200)
                else:
                    self.peer.request("BYE", within=ok)
                    self.peer.expect("200 BYE")
                self.network.advance(0.1)
                self.failureResultOf(changing, DialogTerminated)
                if status is not None:
                    self.peer.respond(again, status, body=SDP if status == 200 else b"")
                    self.peer.expect("ACK", 1)
                self.network.advance(64)
                self.assertEqual(self.delegate.reasons, [Reason.LOCAL_BYE if ours else Reason.REMOTE_BYE])
                self.assertEmpty()

    def test_b22_mergedAndForked(self) -> None:
        """
        The same INVITE by another way: 482, whether or not it was answered already; never taken for one in a dialog.
        With another Request-URI it is a call of its own (RFC 3261 sections 8.2.2.2 and 16.3).
        """
        via = f"SIP/2.0/UDP {self.peer.address[0]}:5060;branch=z9hG4bK-"
        calls = 0
        for round in "ab":
            headers = {"Call-ID": f"one-{round}", "CSeq": "1 INVITE"}
            for branch, uri, what in (
                ("1", None, "200 INVITE"),
                ("2", None, "482 INVITE"),
                ("3", "sip:other@b.example", "200 INVITE"),
            ):
                given = {**headers, "Via": f"{via}{round}{branch}"}
                self.peer.request("INVITE", self.agent, headers=given, body=SDP, uri=uri)
                answer = self.peer.expect(what, 0.4)
                calls += what[0] == "2"
                self.assertEqual(answer.headers.getAll("via")[0].partition("branch=z9hG4bK-")[2], f"{round}{branch}")
                self.assertEqual(len(self.delegate.contexts), calls)
                own = {"Via": given["Via"]} if what[0] == "4" else {}
                self.peer.request("ACK", within=answer, headers={"CSeq": "1 ACK", **own})
        self.network.advance(0.1)
        self.assertEqual(len(self.agent.dialogs), 4)
        for dialog in self.agent.dialogs:
            dialog.destroy()
            self.peer.respond(self.peer.expect("BYE"), 200)
        self.assertEmpty()


class AckTests(RobustCase):
    def makeDelegate(self) -> Any:
        return Noting()

    def times(self, what: str) -> list[float]:
        """When the peer got C{what}, in seconds."""
        lines = [line.split(None, 1) for line in self.network.ladder().splitlines()]
        return [float(at) for at, rest in lines if rest.startswith("peer.example") and f"< {what} " in rest]

    def test_b18_repetitions(self) -> None:
        """
        The 2xx is repeated after T1, doubling to T2, over any transport, until 64*T1; then BYE, and nothing more
        (RFC 3261 section 13.3.1.4).
        """
        expected = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        for protocol in ("UDP", "TCP"):
            self.network.clearSeen()
            self.delegate.ended.clear()
            self.peer.request("INVITE", self.agent, body=SDP, protocol=protocol)
            bye = self.peer.expect("BYE")
            self.peer.respond(bye, 200)
            self.network.advance(100)
            sent = self.times("200 INVITE")
            self.assertEqual([round(at - sent[0], 1) for at in sent], expected, protocol)
            (at,) = self.times("BYE")
            self.assertAlmostEqual(at - sent[0], 32.0, 1)
            self.assertEqual(self.delegate.reasons, [Reason.ACK_TIMEOUT])

    def test_b18_stops(self) -> None:
        """The first ACK ends the repetitions, and no later event begins them again."""
        for wait in (0.1, 0.6, 5.0, 31.0):
            self.network.clearSeen()
            ok = self.finalTo(self.peer.request("INVITE", self.agent, body=SDP))
            self.network.advance(wait)
            self.peer.ack(ok)
            self.network.advance(0.1)
            count = len(self.times("200 INVITE"))
            again = self.peer.request("INVITE", within=ok, body=SDP)
            self.peer.request("INFO", within=ok)
            self.peer.ack(self.finalTo(again))
            self.peer.ack(ok)
            self.network.advance(100)
            self.assertEqual(len(self.times("200 INVITE")), count + 1, wait)
            self.assertEqual(self.times("BYE"), [])
            self.peer.request("BYE", within=ok)
            self.network.advance(0.1)

    def finalTo(self, request: Any) -> Any:
        """The final answer to C{request}."""
        self.network.advance(0.1)
        return next(
            m for m in self.peer.received[::-1] if getattr(m, "statusCode", 0) and m.cseqNumber == request.cseqNumber
        )

    def test_b19_hangUpBeforeTheAck(self) -> None:
        """
        To hang up before the ACK is possible: the BYE goes out with the ACK, or at the end of the wait for it, or is
        not needed when the peer's is sooner (RFC 3261 section 15).
        """
        for event in ("ACK", "nothing", "BYE"):
            self.delegate.ended.clear()
            ok = self.finalTo(self.peer.request("INVITE", self.agent, body=SDP))
            destroying = self.agent.dialogs[0].destroy()
            self.network.advance(1)
            self.assertNoResult(destroying)
            self.assertEqual(self.delegate.ended, [])
            if event == "BYE":
                self.peer.request("BYE", within=ok)
                self.network.advance(0.1)
                self.assertIsNone(self.successResultOf(destroying))
            else:
                if event == "ACK":
                    self.peer.ack(ok)
                self.peer.respond(self.peer.expect("BYE"), 200)
                self.network.advance(0.1)
                self.assertEqual(self.successResultOf(destroying).method, "BYE")
            self.assertEqual(self.delegate.reasons, [Reason.REMOTE_BYE if event == "BYE" else Reason.LOCAL_BYE])
            self.network.advance(64)
            self.assertEqual(self.agent.leftovers(), [])


class StormTests(RobustCase):
    def test_b20_provisionals(self) -> None:
        """A provisional brings nothing forth, however many come, over UDP and TCP (RFC 3261 section 17.1.1.2)."""
        for target in (BOB, f"{BOB};transport=tcp"):
            self.network.clearSeen()
            calling = self.agent.invite(target, body=SDP)
            calling.addErrback(lambda _: None)
            invite = self.peer.expect("INVITE")
            for code in (100, 180, 183) * 50:
                self.peer.respond(invite, code)
            self.network.advance(30)
            self.assertEqual([line for line in self.network.seenBy(self.agent) if line[0] == ">"], ["> INVITE"])
            self.peer.respond(invite, 486)
            self.network.advance(1)
            sent = [line for line in self.network.seenBy(self.agent) if line[0] == ">"]
            self.assertEqual(sent, ["> INVITE", "> ACK"])

    def test_b20_finals(self) -> None:
        """A final brings forth one ACK for each copy that came, and no second call."""
        for code in (486, 200):
            self.network.clearSeen()
            calling = self.agent.invite(BOB, body=SDP)
            calling.addErrback(lambda _: None)
            invite = self.peer.expect("INVITE")
            for _ in range(50):
                self.peer.respond(invite, code, body=SDP if code == 200 else b"")
            self.network.advance(10)
            sent = [line for line in self.network.seenBy(self.agent) if line[0] == ">"]
            self.assertEqual(sent, ["> INVITE", *["> ACK"] * 50])
            self.assertEqual(len(self.agent.dialogs), code == 200)
        self.agent.dialogs[0].destroy()
        self.peer.respond(self.peer.expect("BYE"), 200)

    def test_b20_requests(self) -> None:
        """A request that comes again and again is one request, with one answer for each copy."""
        request = self.peer.request("OPTIONS", self.agent)
        for _ in range(50):
            self.peer.send(request.toBytes(), self.agent)
        self.network.advance(1)
        answers = [m for m in self.peer.received if getattr(m, "statusCode", 0) == 200]
        self.assertEqual((len(answers), len({m.toTag for m in answers})), (51, 1))
