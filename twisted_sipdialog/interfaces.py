"""
The public interfaces: what this package promises, method by method, with what happens by default.

Two kinds.  I{Provided by us}: L{IUserAgent}, L{IServerContext}, L{IInviteServerContext},
L{IInviteClientContext}, L{IDialog}, L{IEnded}.  I{Provided by the application}:
L{IDialogDelegate}, L{IUserAgentDelegate} (delegates.py has bases for both),
L{ISessionDescription} (media/ has two), L{IMessageObserver}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from twisted_sipdialog.message import Request, Response

#: Header lines as applications give them, in order.
Fields = Iterable[tuple[str, str]]


class IUserAgent(Interface):
    """
    A SIP user agent: a Twisted service that calls and is called.
    """

    configuration = Attribute("L{Configuration<twisted_sipdialog.configuration.Configuration>}")
    dialogs = Attribute("A list of all L{IDialog}s that have not ended.")

    def whenListening() -> Deferred[list[tuple[str, str, int]]]:
        """
        @return: a Deferred of the list of addresses listened on, C{(protocol, host, port)}; fails with
            L{ListenError<twisted_sipdialog.errors.ListenError>}.
        """

    def invite(
        target: str,
        body: bytes | None = None,
        contentType: str = "application/sdp",
        extraHeaders: Fields = (),
        delegate: Any = None,
        media: Callable[[str], Any] | None = None,
    ) -> Deferred[Any]:
        """
        Call C{target} (RFC 3261 section 13.2).

        @param target: a URI, a name-addr, or a bare user of our own domain.
        @param body: the offer as C{bytes}; None: C{media} makes one; C{b""}: none is sent, and the peer's offer in
            the 2xx is answered by C{media}.
        @param media: an L{ISessionDescriptionFactory}; default: that of the configuration.
        @param delegate: an L{IDialogDelegate}.
        @return: a Deferred of the confirmed L{IDialog}.  Cancelling it sends CANCEL, or ACK and BYE when a 2xx
            crosses it.  It fails with L{ResponseError<twisted_sipdialog.errors.ResponseError>} (the final
            response), L{Timeout<twisted_sipdialog.errors.Timeout>},
            L{TransportError<twisted_sipdialog.errors.TransportError>}, C{CancelledError},
            L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>} (ended before it stood), what C{media}
            failed with, or another L{RemoteError<twisted_sipdialog.errors.RemoteError>} (a 2xx that makes no call).
        @raise InvalidState: the user agent is not running.
        @raise InvalidValue: C{target} is no URI, or a header is not allowed.
        @raise LocalError: neither C{body} nor C{media} is there.
        """

    def inviteContext(
        target: str,
        body: bytes | None = None,
        contentType: str = "application/sdp",
        extraHeaders: Fields = (),
        delegate: Any = None,
        media: Callable[[str], Any] | None = None,
    ) -> Any:
        """
        As L{invite}, but gives the L{IInviteClientContext} behind it.
        """

    def request(
        method: str, target: str, body: bytes = b"", contentType: str | None = None, extraHeaders: Fields = ()
    ) -> Deferred[Response]:
        """
        Send a request outside any dialog: OPTIONS, MESSAGE, or an extension's.

        @return: a Deferred of the final response, whatever its status; fails with
            L{Timeout<twisted_sipdialog.errors.Timeout>} or
            L{TransportError<twisted_sipdialog.errors.TransportError>}.
        @raise InvalidValue: a method that needs a context of its own (INVITE, ACK, CANCEL, BYE ...), or C{target}.
        """


class IServerContext(Interface):
    """
    A request of a peer that we answer.

    Each verb returns a Deferred that fires at send.  A status out of its verb's
    range raises L{InvalidValue<twisted_sipdialog.errors.InvalidValue>}, a second
    final L{InvalidState<twisted_sipdialog.errors.InvalidState>}; nothing is sent then.
    """

    userAgent = Attribute("The L{IUserAgent}.")
    method = Attribute("str: the request's method.")
    request = Attribute("L{Request<twisted_sipdialog.message.Request>}.")
    response = Attribute("The last response sent, or None.")
    dialog = Attribute("The L{IDialog} it belongs to (for an INVITE: makes), or None.")
    localIdentity = Attribute("L{Address<twisted_sipdialog.message.address.Address>} of To.")
    remoteIdentity = Attribute("L{Address<twisted_sipdialog.message.address.Address>} of From.")
    assertedIdentity = Attribute(
        "L{Address<twisted_sipdialog.message.address.Address>} of P-Asserted-Identity, or None."
    )
    body = Attribute("bytes: the request's body.")
    contentType = Attribute("str: its Content-Type, or None.")
    data = Attribute("dict: the application's own.")
    cancelled = Attribute("The request by which the peer gave up (CANCEL, or BYE), or None.")
    answered = Attribute("bool: the final response was sent.")

    def progress(
        statusCode: int | None = None,
        reasonPhrase: str | None = None,
        extraHeaders: Fields = (),
        body: bytes = b"",
        contentType: str | None = None,
    ) -> Deferred[None]:
        """
        Send a provisional response: by default 180 to an INVITE (100 to 199 allowed), 100 to others (nothing
        else allowed: RFC 4320).

        @param extraHeaders: C{(name, value)} pairs, in order.
        """

    def accept(
        statusCode: int = 200,
        reasonPhrase: str | None = None,
        extraHeaders: Fields = (),
        body: bytes = b"",
        contentType: str | None = None,
    ) -> Deferred[Any]:
        """Send a success (200 to 299).  @return: a Deferred of the response."""

    def reject(
        statusCode: int = 480,
        reasonPhrase: str | None = None,
        extraHeaders: Fields = (),
        body: bytes = b"",
        contentType: str | None = None,
    ) -> Deferred[Response]:
        """Send a refusal (300 to 699).  @return: a Deferred of the response."""

    def reply(
        statusCode: int,
        reasonPhrase: str | None = None,
        extraHeaders: Fields = (),
        body: bytes = b"",
        contentType: str | None = None,
    ) -> Deferred[Any]:
        """Send any response.  @return: as the verb for that class."""

    def answerLater() -> None:
        """
        The delegate's method returns without an answer, and one of the verbs is called later.  Without
        this, returning means the default answer.
        """


class IInviteServerContext(IServerContext):
    """
    An INVITE to us (RFC 3261 section 13.3), or a re-INVITE in a dialog.

    Unanswered it ends by the configuration's C{noAnswerTimeout} (408) or its Expires (487).
    """

    offer = Attribute("bytes: the session description offered, or None.")

    def accept(
        statusCode: int = 200,
        reasonPhrase: str | None = None,
        extraHeaders: Fields = (),
        body: bytes | None = None,
        contentType: str | None = None,
        media: Callable[[str], Any] | None = None,
        delegate: Any = None,
    ) -> Deferred[Any]:
        """
        Answer the call.

        @param body: the answer (or the offer, if the INVITE had none), as C{bytes}; it wins over C{media}.
        @param media: an L{ISessionDescriptionFactory}; default: that of the configuration.
        @param delegate: an L{IDialogDelegate} for the dialog.
        @return: a Deferred of the L{IDialog}, fired at the ACK (C{dialog} has it from the 2xx on).  It fails with
            L{NoAck<twisted_sipdialog.errors.NoAck>}, with
            L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>} (the caller gave up, or a BYE came before
            the ACK), with what C{media} failed with (C{NotAcceptable}: 488 was sent; else its C{statusCode}, or 500),
            or with L{RemoteError<twisted_sipdialog.errors.RemoteError>} (the ACK has no answer to our offer).
        @raise LocalError: an offer, and neither C{body} nor C{media}.
        """


class IInviteClientContext(Interface):
    """
    An INVITE of ours, until its final response (RFC 3261 section 13.2).
    """

    request = Attribute("The L{Request<twisted_sipdialog.message.Request>} last sent, or None.")
    response = Attribute("The response last received, or None.")
    dialog = Attribute("The L{IDialog} of the last response that made one, or None.")
    dialogs = Attribute("All of them, early ones included: a forked call has several.")
    data = Attribute("dict: the application's own; the dialog's C{data} is the same object.")

    def cancel(reason: str | None = None, extraHeaders: Fields = ()) -> None:
        """
        Give up: CANCEL as soon as the protocol allows, and ACK and BYE if a 2xx crosses it.

        @param reason: text of a Reason header (RFC 3326), or None.
        """

    def whenAnswered() -> Deferred[Any]:
        """@return: a Deferred as that of L{IUserAgent.invite}."""


class IEnded(Interface):
    """How a dialog ended."""

    reason = Attribute("L{Reason<twisted_sipdialog.dialog.ended.Reason>}; its C{text} is the originals' word.")
    byPeer = Attribute("bool: the other side ended it.")
    message = Attribute("The request or response that did it, or None.")


class IDialog(Interface):
    """
    A dialog made by an INVITE (RFC 3261 section 12).
    """

    id = Attribute("str: C{Call-ID;from-tag=...;to-tag=...}, tags as the caller sees them: the same on both sides.")
    role = Attribute("C{'uac'} or C{'uas'}.")
    type = Attribute("C{'INVITE'}: the method that made it.")
    state = Attribute(
        "L{Phase<twisted_sipdialog.dialog.state.Phase>}: early, pending (no ACK yet), stable, terminated."
    )
    sip = Attribute("C{callId}, C{localTag}, C{remoteTag}.")
    local = Attribute("Our side: C{uri}, C{sdp}, C{contact}, C{tag}.")
    remote = Attribute("The peer's side: C{uri}, C{sdp}, C{contact}, C{tag}.")
    session = Attribute("The L{ISessionDescription} of the call, or None while it is early.")
    times = Attribute("C{start}, C{connect}, C{end}: seconds since the epoch, or None.")
    req = Attribute("The INVITE that made it.")
    res = Attribute("The response that made it, or None on a UAS before the 2xx.")
    data = Attribute("dict: the application's own; the invitation's C{data} is the same object.")
    userAgent = Attribute("The L{IUserAgent}.")
    ended = Attribute("L{IEnded}, or None while it lives.")

    def destroy(extraHeaders: Fields = (), reason: str | None = None) -> Deferred[Request | None]:
        """
        End the call: BYE when it is confirmed, held until the ACK where that is still awaited (section 15); a
        refusal or CANCEL while it is early.

        @param reason: text of a Reason header (RFC 3326), or None.
        @return: a Deferred of the request that was sent (None where none was needed), when it is through.
            Calling again gives the same outcome.  It fails only with what kept the BYE from being sent:
            L{TransportError<twisted_sipdialog.errors.TransportError>}.
        """

    def terminate(extraHeaders: Fields = (), reason: str | None = None) -> Deferred[Request | None]:
        """L{destroy}, by its other name."""

    def request(
        method: str, body: bytes = b"", contentType: str | None = None, extraHeaders: Fields = ()
    ) -> Deferred[Response]:
        """
        Send a request in the dialog (section 12.2).

        @return: a Deferred of the final response, whatever its status; fails with
            L{Timeout<twisted_sipdialog.errors.Timeout>},
            L{TransportError<twisted_sipdialog.errors.TransportError>}, or
            L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>}.
        @raise InvalidValue: INVITE, ACK, CANCEL, BYE: the dialog sends those by itself.
        """

    def whenTerminated() -> Deferred[Any]:
        """@return: a fresh Deferred of L{IEnded}, also when asked late."""


class IDialogDelegate(Interface):
    """
    The application's side of a dialog.  Every method is optional (L{DialogDelegate
    <twisted_sipdialog.delegates.DialogDelegate>} has no-ops) and may be plain,
    return a Deferred, or be a coroutine.

    A method that takes a context answers it; not overridden, the default answer goes out.
    """

    def progressReceived(context: Any, response: Response) -> Any:
        """A provisional response to our INVITE; C{context} is an L{IInviteClientContext}."""

    def dialogConfirmed(dialog: Any) -> Any:
        """The call stands: the ACK was received (UAS) or sent (UAC)."""

    def dialogTerminated(dialog: Any, ended: Any) -> Any:
        """The dialog is over; exactly once.  C{ended} is an L{IEnded}."""

    def inviteReceived(context: Any) -> Any:
        """A re-INVITE (L{IInviteServerContext}).  Default: 200 with the session description's answer, else 488."""

    def infoReceived(context: Any) -> Any:
        """INFO.  Default: 200; 469 with an Info-Package nobody knows (RFC 6086)."""

    def messageReceived(context: Any) -> Any:
        """MESSAGE.  Default: 200 in a dialog, 405 outside."""

    def notifyReceived(context: Any) -> Any:
        """NOTIFY that belongs to no subscription.  Default: 481."""

    def inviteCancelled(context: Any, request: Request) -> Any:
        """The peer gave its re-INVITE up; the 487 was sent.  C{request} is the CANCEL or BYE."""

    def optionsReceived(context: Any) -> Any:
        """OPTIONS.  Default: 200 with Allow, Accept and Supported."""


class IUserAgentDelegate(IDialogDelegate):
    """
    The application's side of a user agent.  What a dialog's own delegate does not take comes here, but for its
    re-INVITEs.
    """

    def inviteReceived(context: Any) -> Any:
        """A call (L{IInviteServerContext}).  Default: 480."""

    def inviteCancelled(context: Any, request: Request) -> Any:
        """The caller gave up; the 487 was sent.  C{request} is the CANCEL or BYE."""

    def publishReceived(context: Any) -> Any:
        """PUBLISH, as a plain request.  Default: 405."""

    def subscribeReceived(context: Any) -> Any:
        """SUBSCRIBE, as a plain request.  Default: 405."""

    def registerReceived(context: Any) -> Any:
        """REGISTER, as a plain request.  Default: 405."""

    def referReceived(context: Any) -> Any:
        """REFER, as a plain request.  Default: 405."""


class ISessionDescription(Interface):
    """
    The media of one call, as offers and answers (RFC 3264).

    Signalling calls in this order: C{offer} then C{update} with what came back, or
    C{answer}; each may come again for the life of the call; C{rollback} when the
    last of them came to nothing; C{close} once at the end.  What C{offer} and C{answer}
    return may be a Deferred; nothing else is called until it has fired.  Any of
    the exceptions below may be its failure.
    """

    contentType = Attribute("str: the Content-Type of what C{offer} and C{answer} return, e.g. C{'application/sdp'}.")
    local = Attribute("bytes or None: the description of ours that is in force.")
    remote = Attribute("bytes or None: the peer's description that is in force.")

    def offer() -> bytes | Deferred[bytes]:
        """
        An offer of everything this can do: the first of the call, or a further one,
        which keeps the o= id and has the next version if anything in it changed
        (RFC 3264 section 8).  It is in force once C{update} took its answer.

        @raise TransportError: no resources for it, such as a port (503).
        """

    def answer(offer: bytes) -> bytes | Deferred[bytes]:
        """
        Our answer to the peer's offer; both are in force from here on.

        @raise NotAcceptable: nothing offered fits (488).
        @raise ParseError: not a description (400), or one that cannot be used (488).
        @raise TransportError: no resources for it, such as a port (503).
        """

    def update(answer: bytes) -> None:
        """
        The peer's answer to our last offer; both are in force from here on: media start or change.

        @raise NotAcceptable: it does not answer the offer, or refuses all of it; what was in force stays.
        @raise ParseError: not a description, or one that cannot be used; what was in force stays.
        """

    def rollback() -> None:
        """
        The last offer or answer came to nothing (a refused re-INVITE or UPDATE): what was
        in force before it is so again.  Nothing happens if there was none.
        """

    def close() -> None:
        """
        The usage ended: give back every resource.  Repeating it does nothing.
        """


class ISessionDescriptionFactory(Interface):
    """
    Makes the session description of a call.
    """

    def __call__(localHost: str) -> ISessionDescription:
        """
        @param localHost: the address of ours that this peer reaches; IPv6 without brackets.
        """


class IMediaWatch(Interface):
    """
    What an L{ISessionDescription} that sees its media may provide as well.
    """

    def whenSilent() -> Deferred[None]:
        """
        A fresh Deferred for each caller that fires with None when the peer's media
        have stopped coming: the call may be ended.  It fires at C{close} at the latest.
        """


class IMessageObserver(Interface):
    """Sees every message on the wire: ladders, logs, captures.  Absent in production unless asked for."""

    def messageReceived(data: bytes, flow: Any) -> None:
        """C{data} (C{bytes}) came in over C{flow}."""

    def messageSent(data: bytes, flow: Any) -> None:
        """C{data} (C{bytes}) was handed to C{flow}."""
