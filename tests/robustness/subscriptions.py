"""
What the sweep of subscriptions runs on: two agents of ours, who subscribe at each other, and what each is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.robustness.crossing_programs import takeCall
from tests.robustness.crossings import LONG, Run, Side
from twisted_sipdialog.message import Request, Response

#: What a delegate may be told of a subscription of its own, or of its peer's, each with the letter that stands for it.
EVENTS: Final = {
    "subscriptionAccepted": "A",
    "subscriptionFailed": "F",
    "subscriptionSuspended": "S",
    "subscriptionTerminated": "T",
    "notifierRefreshed": "r",
    "notifierTerminated": "T",
}
#: How a subscription ends only where messages are lost, or somebody leaves.
_ROUGH: Final = ("no answer", "no NOTIFY", "flow lost", "service stopped")
#: Seconds after which the applications want nothing more, and the network does no more harm.
QUIET = 100.0
#: Seconds that a subscription lasts at most here.
LASTING = 90
#: How often, and after how many seconds, it is looked whether both sides agree.
_LOOKS, _STRIDE = 40, 15.0


class Party(Side):
    """
    One of the two.

    @ivar subscribing: its subscriptions; C{notifying}: those that its peer has here.
    @ivar told: what it was told of each, in order, as letters of L{EVENTS}, and C{"n"} for a NOTIFY.
    @ivar ends: what it was told of how each ended.
    @ivar takes: how it takes a SUBSCRIBE; see subscription_programs.
    @ivar reacts: what it does when it is told something, from within.
    @ivar isStopped: its service has stopped, or is about to.
    """

    run: Subscribed

    def __init__(self, run: Subscribed, name: str, number: int) -> None:
        super().__init__(run, name, number)
        self.subscribing: list[Any] = []
        self.notifying: list[Any] = []
        self.told: dict[Any, str] = {}
        self.ends: dict[Any, Any] = {}
        self.takes: Callable[[Party, Any], Any] | None = None
        self.reacts: Callable[[Party], Any] | None = None
        self.isStopped = False
        self.onCall = lambda context: takeCall(self, context, (None, 0.0), "accept", 0.0)
        self._said = 0
        self._heard: dict[tuple[Any, Any], int] = {}

    @property
    def peer(self) -> Party:
        return self.run.b if self is self.run.a else self.run.a

    def nextBody(self) -> bytes:
        """A state as it was never told before; later ones are greater."""
        self._said += 1
        return b"%d" % self._said

    def last(self, subjects: list[Any]) -> Any:
        """The last of C{subjects} that has not ended, or None."""
        return next((subject for subject in reversed(subjects) if subject.ended is None), None)

    # What it is told.

    def subscribeReceived(self, context: Any) -> Any:
        assert self.takes is not None
        return self.takes(self, context)

    def notified(self, subscription: Any, notification: Any) -> None:
        self.hear("n", subscription)
        if subscription.state in ("suspended", "terminated"):
            self.run.wrong.append(f"{self.name} was notified of {subscription}")
        if subscription.notification is not notification:
            self.run.wrong.append(f"{self.name} was told {notification}, but it is {subscription.notification}")
        where, number = (subscription, subscription.sip), int(notification.body or b"0")
        if subscription.sip is not None and number < self._heard.get(where, 0):
            self.run.wrong.append(f"{self.name} was told {number} of {subscription} after {self._heard[where]}")
        self._heard[where] = number

    def hear(self, letter: str, subject: Any, *arguments: Any) -> None:
        """C{letter} stands for what it is told of C{subject}."""
        self.told[subject] = self.told.get(subject, "") + letter
        if letter == "T":
            (self.ends[subject],) = arguments
        if self.reacts is not None:
            self.reacts(self)


def _hearing(letter: str) -> Callable[..., None]:
    return lambda self, subject, *arguments: self.hear(letter, subject, *arguments)


for _name, _letter in EVENTS.items():
    setattr(Party, _name, _hearing(_letter))


class Subscribed(Run):
    """
    Two who subscribe at each other.

    @ivar wrong: what was seen to be wrong on the way.
    @ivar isRough: messages are lost, or overtaken, or somebody leaves.
    @ivar isBroken: so much that the ends of a call may be told apart by nothing but time.
    @ivar hasCall: there was a call between them, and nobody was to end it if C{lasts}.
    """

    kind = Party
    a: Party
    b: Party

    def __init__(self, seed: int, *settings: dict[str, Any]) -> None:
        super().__init__(seed, *settings)
        self.settings = settings or ({}, {})
        self.parties: tuple[Party, Party] = self.a, self.b
        self.wrong: list[str] = []
        self.isRough = False
        self.isBroken = False
        self.hasCall = False
        self.protocol = "udp"
        self._numbers: dict[tuple[str, str], set[int]] = {}
        self._over: dict[tuple[str, str], dict[str | None, int]] = {}
        self._left: dict[tuple[str, str], set[str | None]] = {}
        self._granted: dict[tuple[str, str], int] = {}
        self._owed: set[tuple[str, str]] = set()
        self.network.drop(self._sees)

    def agentOf(self, party: Party) -> Any:
        return self.sides[party.number - 1][1]

    def uriOf(self, party: Party) -> str:
        host, port = self.network.addressOf(self.agentOf(party))
        return f"sip:{party.name}@{host}:{port};transport={self.protocol}"

    def call(self) -> None:
        """A call that stands."""
        context = self.alice.inviteContext(self.uriOf(self.b), delegate=self.a)
        self.keep("invite", context.whenAnswered())
        self.network.advance(1.0)
        self.hasCall = True

    def again(self, party: Party) -> None:
        """C{party}, whose service has stopped, starts anew, and knows nothing of what was."""
        number = party.number - 1
        aor = str(self.sides[number][1].configuration.aor)
        self.sides[number] = party, self.network.userAgent(aor, party, media=party.media, **self.settings[number])
        party.isStopped = False

    def _sees(self, sighting: Any) -> bool:
        """
        Each new request in a dialog has a greater CSeq than those before (RFC 3261 section 12.2.1.1); a NOTIFY follows
        each 2xx to a SUBSCRIBE, and none that which says that it is the last (RFC 6665 sections 4.2.1.2 and 4.2.2).
        """
        message = sighting.message
        isNew = message.cseqNumber not in self._numbers.setdefault(self._sender(message), set())
        if isinstance(message, Response):
            if message.cseqMethod == "SUBSCRIBE" and 200 <= message.statusCode < 300:
                self._isGranted(message)
            elif message.cseqMethod == "NOTIFY" and message.statusCode == 500:
                over = self._over.get(self._sender(message), {})
                for name in [name for name, number in over.items() if number == message.cseqNumber]:
                    del over[name]  # out of order: it was not heard
        elif isNew and message.method not in ("ACK", "CANCEL"):
            self._isSent(message)
        return False

    @staticmethod
    def _sender(message: Request | Response) -> tuple[str, str]:
        return message.callId, message.fromTag

    def _isGranted(self, response: Response) -> None:
        notifier, number = (response.callId, response.toTag or ""), response.cseqNumber
        if number > self._granted.get(notifier, 0):
            self._granted[notifier] = number
            self._owed.add(notifier)
            self._over.pop(notifier, None)

    def _isSent(self, request: Request) -> None:
        sender = self._sender(request)
        if request.cseqNumber < max(self._numbers[sender], default=0):
            self.wrong.append(f"CSeq {request.cseqNumber} of {request.method} after {self._numbers[sender]}")
        self._numbers[sender].add(request.cseqNumber)
        if request.method == "SUBSCRIBE" and request.toTag:
            self._isRenewed(sender, request)
        if request.method == "NOTIFY":
            self._owed.discard(sender)
            over, name = self._over.setdefault(sender, {}), request.headers.get("event")
            if name in over:
                self.wrong.append(f"{request} after the last NOTIFY: {request.headers.get('subscription-state')}")
            if (request.headers.get("subscription-state") or "").startswith("terminated"):
                over[name] = request.cseqNumber

    def _isRenewed(self, sender: tuple[str, str], request: Request) -> None:
        """Section 4.1.2.3: a subscription is given up once, unless that was not heard."""
        left, name = self._left.setdefault(sender, set()), request.headers.get("event")
        if request.headers.get("expires") != "0":
            left.discard(name)
        elif name in left and not self.isRough:
            self.wrong.append(f"{request} once more: {request.headers.get('expires')}")
        else:
            left.add(name)

    # The end.

    def settle(self) -> list[str]:
        """Both sides agree in the end, and go on to do so while they refresh what there is."""
        network = self.network
        network.advance(QUIET - self.now())
        network.loss = network.duplication = network.reorder = 0.0
        network.heal()
        for _ in range(_LOOKS):
            network.advance(_STRIDE)
            if not self._isBusy() and not self._disagreement():
                break
        network.advance(LASTING)
        return self.look()

    def look(self) -> list[str]:
        """Where they do not agree now, or once that is through which is under way in this very moment."""
        for _ in range(8):
            if not self._isBusy():
                break
            self.network.advance(1.7)
        return self._disagreement()

    def _living(self) -> Iterator[tuple[Party, Any, list[Any]]]:
        for party in self.parties:
            for subscription in party.subscribing:
                if subscription.ended is None:
                    yield party, subscription, [n for n in party.peer.notifying if keyOf(n) == keyOf(subscription)]

    def _isBusy(self) -> bool:
        if any(s._asking is not None or s.state == "starting" for _, s, _ in self._living()):
            return True
        told = [n for party in self.parties for n in party.notifying if n.ended is None]
        return any(n._asking or n._waiting is not None for n in told)

    def _disagreement(self) -> list[str]:
        wrong = [*self.wrong]
        heard: list[Any] = []
        for party, subscription, found in self._living():
            heard += found
            wrong += [f"{party.name}: {text}" for text in _differences(party, subscription, found)]
        for party in self.parties:
            wrong += [
                f"{party.name} notifies nobody: {n} {n.state}"
                for n in party.notifying
                if n.ended is None and n not in heard
            ]
        if self.hasCall and not self.isBroken:
            wrong += super()._disagreement()
        return wrong

    def finish(self) -> list[str]:
        """All subscriptions are given up, and so all notifiers are over."""
        for party in self.parties:
            for subscription in party.subscribing:
                self.keep("unsubscribe", subscription.unsubscribe())
            for dialog in party.dialogs:
                self.keep("destroy", dialog.destroy())
        self.network.advance(2 * LONG)
        left = [n for party in self.parties for n in party.notifying if n.ended is None]
        wrong = [f"not ended by its subscriber: {notifier} {notifier.expires}" for notifier in left]
        for notifier in left:
            self.keep("end the notifier", notifier.destroy())
        self.network.advance(8 * LONG if self.protocol == "tcp" else 0.0)  # connections idle for long are closed
        wrong += super().finish()
        for party in self.parties:
            wrong += [f"{party.name}: {text}" for text in _endings(party)]
        if not self.isRough:
            wrong += [f"a 2xx, but no NOTIFY: {owed}" for owed in self._owed]
        return wrong


def keyOf(subject: Any) -> tuple[Any, ...] | None:
    """What both sides of a subscription have the same (RFC 6665 section 4.4.1), None while there is no dialog."""
    sip = subject.sip
    return None if sip is None else (sip.callId, frozenset((sip.localTag, sip.remoteTag)), subject.event.id or "")


def _differences(party: Party, subscription: Any, found: list[Any]) -> Iterator[str]:
    """Where the two sides of a subscription see it differently."""
    living = [notifier for notifier in found if notifier.ended is None]
    if subscription.state not in ("pending", "active"):
        if not party.peer.isStopped:
            yield f"not there yet: {subscription}"
    elif len(living) != 1:
        yield f"{subscription} with {len(living)} notifiers: {found} {[notifier.ended for notifier in found]}"
    else:
        (notifier,) = living
        if notifier.state != subscription.state:
            yield f"{subscription} is {subscription.state}, or {notifier.state}"
        if notifier.body != subscription.notification.body:
            yield f"{subscription} says {subscription.notification.body!r}, not {notifier.body!r}"
        if subscription.expires > notifier.expires + 1.5:
            yield f"{subscription} lasts {subscription.expires}, not {notifier.expires}"


def _endings(party: Party) -> Iterator[str]:
    """Each was told to have ended, once, and nothing after that."""
    for subject in [*party.subscribing, *party.notifying]:
        told = party.told.get(subject, "")
        if told.find("T") != len(told) - 1 or "SS" in told or not told:
            yield f"told in the wrong order of {subject}: {told}"
        elif party.ends[subject] is not subject.ended:
            yield f"{subject} ended by {subject.ended}, but it was told {party.ends[subject]}"
        elif not party.run.isRough and subject.ended.reason in _ROUGH:
            yield f"{subject} ended by {subject.ended}, though nothing was lost"


__all__ = ["EVENTS", "LASTING", "QUIET", "Party", "Subscribed", "keyOf"]
