"""
What passed by, as text: the ladder that a test compares, and that a failing one prints.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.interfaces import IMessageObserver
from twisted_sipdialog.message import Request, Response, parseMessage


def describe(data: bytes) -> str:
    """
    A message in few words: C{INVITE} for a request, C{180 INVITE} for a response, C{keep-alive} for
    line breaks, or the beginning of what cannot be read.
    """
    if not data.strip(b"\r\n"):
        return "keep-alive"
    try:
        return label(parseMessage(data))
    except ParseError:
        return f"unreadable {data[:40]!r}"


def label(message: Request | Response) -> str:
    """C{INVITE}, or C{180 INVITE}."""
    if isinstance(message, Request):
        return message.method
    return f"{message.statusCode} {message.cseqMethod}"


@attrs.frozen
class _Rung:
    """
    One line: C{party} sent (C{'>'}) or received (C{'<'}) C{what}, the bytes of a message; or a note on the network,
    as text (both empty).
    """

    time: float
    party: str
    direction: str
    what: bytes | str
    where: str

    @property
    def text(self) -> str:
        """In few words.  Most ladders are never looked at: only what is wanted is read."""
        return self.what if isinstance(self.what, str) else describe(self.what)


class Ladder:
    """
    All messages of a network, in the order they were sent and received.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._rungs: list[_Rung] = []

    def add(self, party: str, direction: str, data: bytes, where: str) -> None:
        """C{party} sent or received C{data}."""
        self._rungs.append(_Rung(self._clock.seconds(), party, direction, bytes(data), where))

    def note(self, text: str) -> None:
        """Something happened on the way."""
        self._rungs.append(_Rung(self._clock.seconds(), "", "", text, ""))

    def seenBy(self, party: str) -> list[str]:
        """C{["> INVITE", "< 180 INVITE", ...]}: the messages that C{party} sent and received, without keep-alives."""
        return [f"{r.direction} {r.text}" for r in self._rungs if r.party == party and r.text != "keep-alive"]

    def clear(self) -> None:
        """Forget it all."""
        self._rungs.clear()

    def text(self) -> str:
        """Everything, one line each, with its time in seconds."""
        width = max((len(rung.party) for rung in self._rungs), default=0)
        lines = []
        for rung in self._rungs:
            what = f"{rung.party:{width}}  {rung.direction} {rung.text}" if rung.party else f"-- {rung.text}"
            lines.append(f"{rung.time:10.3f}  {what}  {rung.where}".rstrip())
        return "\n".join(lines)


@implementer(IMessageObserver)
class LadderObserver:
    """
    Puts what one user agent sends and receives into the ladder.
    """

    def __init__(self, ladder: Ladder, party: str) -> None:
        self._ladder = ladder
        self._party = party

    def messageReceived(self, data: bytes, flow: Any) -> None:
        """It arrived."""
        self._ladder.add(self._party, "<", data, _where("from", flow))

    def messageSent(self, data: bytes, flow: Any) -> None:
        """It left; whether it arrives is another matter."""
        self._ladder.add(self._party, ">", data, _where("to", flow))


def _where(word: str, flow: Any) -> str:
    host, port = flow.remote
    return f"{word} {flow.protocol} {f'[{host}]' if ':' in host else host}:{port}"
