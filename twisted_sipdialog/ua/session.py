"""
The session description of a call: where it comes from, and where SDP stands in a message (RFC 3261 section 13.2.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.logger import Logger

from twisted_sipdialog.errors import InvalidValue, LocalError, ParseError
from twisted_sipdialog.media.fixed import FixedDescription
from twisted_sipdialog.media.modified import Modified
from twisted_sipdialog.message import Headers, Message, Response
from twisted_sipdialog.message.multipart import findBody
from twisted_sipdialog.message.sdp import SessionDescription
from twisted_sipdialog.message.sdp_answer import noneOf, numbered
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.identity import hostOf

_log = Logger()

SDP = "application/sdp"


class GivenDescription(FixedDescription):
    """
    A body the application gave: the first time it goes out as it is, and what the peer says to it is taken as it
    is; from then on it is a fixed description like any other.
    """

    __slots__ = ()

    def __init__(self, body: bytes, contentType: str = SDP) -> None:
        if contentType != SDP:
            Headers([("Content-Type", contentType)])  # refuses line breaks
        super().__init__(body, contentType)

    def answer(self, offer: bytes) -> bytes:
        if self.local is None:
            self.local, self.remote = self._body, offer
            return self._body
        return super().answer(offer)

    def update(self, answer: bytes) -> None:
        first = self._offered is not None and self._undo is not None and self._undo[0] is None
        if self.local is None or first:
            self.local, self.remote = self._offered or self._body, answer
        else:
            super().update(answer)


class GivenOffer(GivenDescription):
    """
    A body the application gave to change the session there is.  Whatever of that is SDP, its answer has to fit it
    (RFC 3264 section 6): there is something to go back to.
    """

    __slots__ = ()

    def update(self, answer: bytes) -> None:
        try:
            SessionDescription.parse(self._body)
        except ParseError:
            super().update(answer)
        else:
            FixedDescription.update(self, answer)


def successor(body: bytes, contentType: str, dialog: Any) -> bytes:
    """
    The application's description as it is, where that may follow what we said before in C{dialog}; else with the o=
    line that RFC 3264 section 8 wants: the same session, one version on.
    """
    current = dialog.local.sdp
    if contentType != SDP or current is None or body == current:
        return body
    last = lastSaid(dialog)
    if last is None or body == last:
        return body
    try:
        given, before = SessionDescription.parse(body), SessionDescription.parse(last)
        if given.origin.sessionId == before.origin.sessionId and given.origin.version > before.origin.version:
            return body
        return numbered(given, current, last).toBytes()
    except ParseError:
        return body


def lastSaid(dialog: Any) -> bytes | None:
    """Our last description in C{dialog}, in force or not; None where none of them can be read."""
    return newest(dialog.local.sdp, None if dialog.changes is None else dialog.changes.latest)


def newest(*known: bytes | None) -> bytes | None:
    """That of C{known} with the highest version, the first of several; None where none of them can be read."""
    descriptions = []
    for sdp in known:
        try:
            descriptions.append(SessionDescription.parse(sdp or b""))
        except ParseError:
            pass
    last = max(descriptions, key=lambda description: description.origin.version, default=None)
    return None if last is None else last.toBytes()


def declined(response: Response, local: bytes | None, host: str) -> bytes:
    """
    What an ACK answers to an offer in a 2xx that is not taken: none of it; a BYE follows (RFC 3261 section 13.2.2.4).
    C{b""} where there is no offer, or none that can be read.

    @param local: our description in force, or None.
    @param host: an address of ours.
    """
    version = "IP6" if ":" in host else "IP4"
    nothing = f"v=0\r\no=- 1 1 IN {version} {host}\r\ns=-\r\nc=IN {version} {host}\r\nt=0 0\r\n".encode()
    try:
        offer = sdpOf(response)
        ours = SessionDescription.parse(nothing if local is None else local)
        return b"" if offer is None else noneOf(SessionDescription.parse(offer), ours).toBytes()
    except ParseError:
        return b""


def describe(
    core: Core,
    body: bytes | None,
    contentType: str | None,
    media: Any,
    flow: Any,
    modifiers: tuple[Any, ...] = (),
    latest: bytes | None = None,
) -> Any:
    """
    The L{ISessionDescription<twisted_sipdialog.interfaces.ISessionDescription>} that accepts a call: the body
    given, else the media given, else the configuration's.

    @param flow: tells which address of ours the peer reaches.
    @param modifiers: those of all it says, see L{checkModifiers}.
    @param latest: with C{modifiers}, what we said last in the session that it goes on with; None: there is none.
    @raise LocalError: there is none of them.
    """
    factory = media or core.configuration.media
    if body is not None:
        session = GivenDescription(body, contentType or SDP)
    elif factory is None:
        raise LocalError("accept() needs a body, or media (here or in the configuration)")
    else:
        session = factory(hostOf(flow))
    return Modified(session, modifiers, latest) if modifiers else session


def checkModifiers(modifiers: Iterable[Any], body: bytes | None, contentType: str | None) -> tuple[Any, ...]:
    """
    Those of the application, in order, for its C{body}, if it gave one.

    @raise InvalidValue: it is one function, no list of them; one of them cannot be called; or C{body} is no SDP, which
        they could change.
    """
    if callable(modifiers):
        raise InvalidValue("modifiers", modifiers, "a list of functions over a SessionDescription")
    checked = tuple(modifiers)
    for modifier in checked:
        if not callable(modifier):
            raise InvalidValue("modifiers", modifier, "functions over a SessionDescription")
    if checked and body:
        if (contentType or SDP) != SDP:
            raise InvalidValue("contentType", contentType, f"{SDP} with modifiers")
        try:
            SessionDescription.parse(body)
        except ParseError as e:
            raise InvalidValue("body", body, str(e)) from None
    return checked


def once(dialog: Any, modifiers: tuple[Any, ...]) -> Any:
    """What describes the session of C{dialog}, or None; its next offer or answer has C{modifiers} over it."""
    session = dialog.session
    if not modifiers or session is None:
        return session
    if not isinstance(session, Modified):
        # Not adopted: it is the same one still, with its tones told already.
        dialog.leave(session)
        session = dialog.session = Modified(session, (), lastSaid(dialog))
    session.once = modifiers
    return session


def describeAnew(
    core: Core,
    dialog: Any,
    body: bytes | None,
    contentType: str | None,
    media: Any,
    flow: Any,
    modifiers: tuple[Any, ...] = (),
) -> Any:
    """
    As L{describe} for a re-INVITE or UPDATE of the peer in C{dialog}: given neither body nor media, what describes
    the call answers, with C{modifiers} this once.
    """
    if body is None and media is None and dialog.session is not None:
        return once(dialog, modifiers)
    if body:
        body = successor(body, contentType or SDP, dialog)
    return describe(core, body, contentType, media, flow, modifiers, lastSaid(dialog) if modifiers else None)


class NoDescription:
    """
    Stands for the L{ISessionDescription<twisted_sipdialog.interfaces.ISessionDescription>} that could not be made:
    whatever is asked of it fails with why.
    """

    __slots__ = ("_error",)

    contentType = SDP
    local = remote = None

    def __init__(self, error: Exception) -> None:
        self._error = error

    def _fail(self, *_: Any) -> Any:
        raise self._error

    offer = answer = update = fork = _fail

    def rollback(self) -> None:
        """Nothing is in force."""

    def close(self) -> None:
        """Nothing is held."""


def closeSession(session: Any) -> None:
    """Give the resources of C{session}, or of None, back; how it takes that is not to hurt the dialog."""
    if session is not None:
        try:
            session.close()
        except Exception:
            _log.failure("a session description could not be closed")


def takeBack(session: Any, dialog: Any) -> None:
    """
    What C{session} said last came to nothing: if it is the one of C{dialog}, what was in force before is so again,
    unless it was closed with the dialog; any other is of no use any more.
    """
    if dialog is None or session is not dialog.session:
        closeSession(session)
    elif not dialog.isClosed:
        try:
            session.rollback()
        except Exception:
            _log.failure("a session description could not be rolled back")


def lend(session: Any, dialog: Any) -> Any:
    """
    C{session} describes the call as long as the re-INVITE that brought it is open: its answer may yet be a refusal.

    @return: the one before it, for L{restore} or L{closeSession}; None where there was no other.
    """
    before = dialog.session
    if before is session:
        return None
    dialog.session = None
    dialog.adopt(session)
    return before


def restore(before: Any, dialog: Any) -> None:
    """The re-INVITE was refused: what L{lend} gave describes the call again (RFC 6141 section 3)."""
    if dialog.isClosed:
        closeSession(before)
    elif dialog.session is not before:
        closeSession(dialog.session)
        # Not adopted anew: its tones have been told all the time, and would be twice from now on.
        dialog.session = before


def discard(session: Any, dialog: Any) -> None:
    """C{session} failed to say anything: what is in force stays."""
    if dialog is None or session is not dialog.session:
        closeSession(session)


def sdpOf(message: Message) -> bytes | None:
    """The session description in C{message}, alone or as a part of a multipart body; None when there is none."""
    body = message.body
    if not body:
        return None
    kind = message.headers.get("content-type")
    if kind is None or kind == SDP:
        return body if kind else None
    return findBody(kind, body, SDP)


def holds(session: Any) -> bool:
    """One of the media of C{session} wants nothing on our side."""
    local = session.local
    try:
        return local is not None and any(m.isHeld for m in SessionDescription.parse(local).media if m.port)
    except ParseError:
        return False
