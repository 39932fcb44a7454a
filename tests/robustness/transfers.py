"""
What the sweep of transfers runs on: three agents of ours, the calls between them, and what each is told of each REFER.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.robustness.crossing_programs import takeCall
from tests.robustness.crossings import LONG, Run, Side, disagreements, isBusy
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.message import Request
from twisted_sipdialog.ua.refer_client import ReferClientContext

#: What a delegate may be told of a REFER, each with the letter that stands for it in C{Party.told}.
EVENTS: Final = {
    "referRequested": "q",
    "referRequestProgress": "p",
    "referRequestAccepted": "A",
    "referRequestRejected": "R",
    "referInviteSent": "i",
    "referProgress": "g",
    "referAccepted": "s",
    "referRejected": "f",
    "referNotifyReceived": "n",
}
#: How the body of a NOTIFY begins that tells a final status.
_FINAL: Final = tuple(b"SIP/2.0 %d" % digit for digit in range(2, 7))
#: When the calls stand, and things begin to happen.
AT = 2.0


class Party(Side):
    """
    One of the three.

    @ivar referring: its own REFERs; C{asked}: those it got.
    @ivar told: what it was told of each, in order, as letters of L{EVENTS}.
    @ivar takes: how it takes calls: C{(ring, how, delay)} as of L{takeCall}; how C{"bye"}: accept, and BYE at once.
    @ivar follows: how it takes a REFER, and after how many seconds; see transfer_programs.
    """

    run: Transfer

    def __init__(self, run: Transfer, name: str, number: int) -> None:
        super().__init__(run, name, number)
        self.referring: list[ReferClientContext] = []
        self.asked: list[Any] = []
        self.told: dict[Any, str] = {}
        self.takes: tuple[tuple[str | None, float], str, float] = ((None, 0.0), "accept", 0.0)
        self.follows: Callable[[Party, Any], Any] | None = None
        self.onCall = self._take
        self.isStopped = False

    def _take(self, context: Any) -> None:
        ring, how, delay = self.takes
        takeCall(self, context, ring, "accept" if how == "bye" else how, delay)
        if how == "bye":
            self.run.after(delay, self._bye, context)

    def _bye(self, context: Any) -> None:
        if context.dialog is not None:
            self.destroy(context.dialog)

    def destroy(self, dialog: Any) -> None:
        """The application ends it."""
        self.run.ends.add(dialog.id)
        self.run.keep("destroy", dialog.destroy())

    def inCall(self, which: str) -> Any:
        """
        Its dialog of one of the calls, or None.

        @param which: C{"old"}, C{"consult"}, or C{"new"}: the last of all others.
        """
        return next((dialog for dialog in reversed(self.dialogs) if self.run.nameOf(dialog) == which), None)

    # What it is told.

    def referReceived(self, context: Any) -> Any:
        self.asked.append(context)
        self.told[context] = ""
        assert self.follows is not None
        return self.follows(self, context)

    outOfDialogReferRequested = referReceived

    def hear(self, letter: str, context: Any) -> None:
        """C{letter} stands for what it is told of C{context}."""
        self.told[context] = self.told.get(context, "") + letter
        if letter == "s" and context in self.referring:
            self._succeeded(context)

    def _succeeded(self, context: ReferClientContext) -> None:
        """RFC 3515 section 2.4.7 told a success: there is a call, and ours was ended unless it is to go on."""
        dialog = context.dialog
        if dialog is not None and not context.activeAfterTransfer and not dialog.isOver:
            self.run.wrong.append(f"{self.name}: the transferred call was not ended: {dialog!r}")
        other = self.run.receiver(context)
        if self.isAmbiguous(context):
            return
        if other is None or (other.targetDialog is None and "told" not in other.data):
            self.run.wrong.append(f"{self.name} was told {context.status}, but there is no call")

    def isAmbiguous(self, context: ReferClientContext) -> bool:
        """Of several REFERs, one may have been overtaken: a NOTIFY without an id may be of another (section 2.4.6)."""
        return self.run.isRough and sum(other.dialog is context.dialog for other in self.referring) > 1


def _hearing(letter: str) -> Callable[..., None]:
    return lambda self, context, *_: self.hear(letter, context)


for _name, _letter in EVENTS.items():
    setattr(Party, _name, _hearing(_letter))


class Transfer(Run):
    """
    C{a} has a call with C{b}, the old one, and perhaps one with C{c}, to consult.

    @ivar calls: the Call-IDs of these.
    @ivar ends: the IDs of the dialogs that an application ended.
    @ivar wrong: what was seen to be wrong on the way.
    """

    kind = Party
    a: Party
    b: Party

    def __init__(self, seed: int, *settings: dict[str, Any]) -> None:
        a, b, c = settings or ({}, {}, {})
        super().__init__(seed, a, b)
        self.c: Party
        self.c, self.carol = self.join("sip:carol@c.example", c)
        self.parties: list[Party] = [side for side, _ in self.sides]
        self.calls: dict[str, str] = {}
        self.ends: set[str] = set()
        self.wrong: list[str] = []
        self._sent: dict[tuple[str, str], dict[int, str]] = {}
        self.network.drop(self._sees)

    def agentOf(self, party: Party) -> Any:
        return self.sides[party.number - 1][1]

    def uriOf(self, party: Party) -> str:
        return "sip:{}@{}:{}".format(party.name, *self.network.addressOf(self.agentOf(party)))

    def call(self, caller: Party, callee: Party, name: str) -> None:
        """A call that stands, called C{name}."""
        context = self.agentOf(caller).inviteContext(self.uriOf(callee), delegate=caller.delegate)
        self.keep("invite", context.whenAnswered())
        self.network.advance(AT / 2)
        assert caller.dialog is not None and caller.dialog.state is Phase.STABLE
        self.calls[name] = caller.dialog.sip.callId

    def nameOf(self, dialog: Any) -> str:
        """Which call it is of: a name in C{calls}, or C{"new"}."""
        return next((name for name, callId in self.calls.items() if callId == dialog.sip.callId), "new")

    def _sees(self, sighting: Any) -> bool:
        """
        Each new request in a dialog, NOTIFYs too, has a greater CSeq than those before (RFC 3261 section 12.2.1.1), and
        the NOTIFY that tells the final status is the last (RFC 3515 section 2.4.7).
        """
        request = sighting.message
        if isinstance(request, Request) and request.method not in ("ACK", "CANCEL"):
            sent = self._sent.setdefault((request.callId, request.fromTag), {})
            number = request.cseqNumber
            if sent.get(number, "" if number > max(sent, default=0) else "nothing") not in ("", request.method):
                self.wrong.append(f"CSeq {number} of {request.method} after {sent}")
            sent[number] = request.method
            state = request.headers.get("subscription-state") or ""
            if request.body.startswith(_FINAL) and not state.startswith("terminated"):
                self.wrong.append(f"{request.body!r} while the subscription is {state}")
        return False

    def receiver(self, context: ReferClientContext) -> Any:
        """The other end of a REFER, or None."""
        key = _keyOf(context)
        return next((c for party in self.parties for c in party.asked if _keyOf(c) == key), None)

    def peerOf(self, dialog: Any) -> tuple[Party, Any] | None:
        """Who has the other end of C{dialog}, and that."""
        for party in self.parties:
            for other in party.dialogs:
                if other is not dialog and other.id == dialog.id:
                    return party, other
        return None

    @property
    def isRough(self) -> bool:
        """Messages are lost, or overtaken, or somebody has left."""
        return bool(self.network.loss or self.network.reorder or any(party.isStopped for party in self.parties))

    # The end.

    def _living(self) -> list[tuple[Party, Any]]:
        return [(party, dialog) for party in self.parties for dialog in party.dialogs if dialog.ended is None]

    def _isBusy(self) -> bool:
        return any(isBusy(dialog) for _, dialog in self._living())

    def _disagreement(self) -> list[str]:
        wrong = [*self.wrong]
        for party, dialog in self._living():
            found = self.peerOf(dialog)
            if found is None or found[1].ended is not None:
                if not (found is not None and found[0].isStopped):
                    wrong.append(f"{party.name} has a call without the other side: {dialog!r} {found}")
            elif party.number < found[0].number:
                wrong += disagreements(dialog, found[1])
        return wrong


def _keyOf(context: Any) -> tuple[str, str, int] | None:
    request = context.request
    return None if request is None else (request.callId, request.fromTag, request.cseqNumber)


__all__ = ["AT", "LONG", "Party", "Transfer"]
