"""
The public interfaces: what this package promises, method by method, with what happens by default.

Two kinds.  I{Provided by us}: L{IUserAgent}, L{IServerContext}, L{ISessionServerContext},
L{IInviteServerContext}, L{IClientContext}, L{IInviteClientContext}, L{IReferServerContext}, L{IReferClientContext},
L{IPublishClientContext}, L{ISubscription}, L{INotification}, L{ISubscribeServerContext}, L{INotifier}, L{IDialog},
L{ILateOffer}, L{IEnded}.
I{Provided by the application}: L{IRequestDelegate}, L{IDialogDelegate}, L{IUserAgentDelegate}, L{IReferDelegate},
L{IPublishDelegate}, L{ISubscriptionDelegate}, L{INotifierDelegate} (delegates.py has bases), L{ISessionDescription}
(media/ has two), which may be L{IMediaWatch} and L{IToneSource} as well, L{ISessionDescriptionFactory},
L{ISessionModifier}, L{IEventPackage} (event/ has some), L{IPublicationStore} (storage/ has two), L{IMessageObserver}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.sdp import SessionDescription
from twisted_sipdialog.status import Cause

#: Header lines as applications give them, in order.
Fields = Iterable[tuple[str, str]]
#: L{ISessionModifier}s as applications give them, in order.
Modifiers = Iterable[Callable[[SessionDescription], Any]]


class IUserAgent(Interface):
    """
    A SIP user agent: a Twisted service that calls and is called.
    """

    configuration = Attribute("L{Configuration<twisted_sipdialog.configuration.Configuration>}")
    dialogs = Attribute("A list of all L{IDialog}s that have not ended.")

    def dialogsByCallId(callId: str) -> list[Any]:
        """
        @return: the L{IDialog}s of that Call-ID: several for a call that forked.
        """

    def dialogByReplaces(replaces: Any) -> Any:
        """
        The dialog that a Replaces header names (RFC 3891 section 3): its to-tag is our own tag.

        @param replaces: the header's text, or a L{Replaces<twisted_sipdialog.message.fields.Replaces>}.
        @return: the L{IDialog}, or None.
        @raise ParseError: it is malformed.
        """

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
        modifiers: Modifiers = (),
    ) -> Deferred[Any]:
        """
        Call C{target} (RFC 3261 section 13.2).

        @param target: a URI, a name-addr, or a bare user of our own domain.
        @param body: the offer as C{bytes}; None: C{media} makes one; C{b""}: none is sent, and the peer's offer in
            the 2xx is answered by C{media}.
        @param media: an L{ISessionDescriptionFactory}; default: that of the configuration.
        @param modifiers: L{ISessionModifier}s, run in order over every description of ours that C{body} or C{media}
            gives this call, later offers and answers as well.
        @param delegate: an L{IDialogDelegate}.
        @return: a Deferred of the confirmed L{IDialog}.  Cancelling it sends CANCEL, or ACK and BYE when a 2xx
            crosses it.  It fails with L{ResponseError<twisted_sipdialog.errors.ResponseError>} (the final
            response), L{Timeout<twisted_sipdialog.errors.Timeout>},
            L{TransportError<twisted_sipdialog.errors.TransportError>}, C{CancelledError},
            L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>} (ended before it stood), what C{media}
            or a modifier failed with, or another L{RemoteError<twisted_sipdialog.errors.RemoteError>} (a 2xx that
            makes no call).
        @raise InvalidState: the user agent is not running.
        @raise InvalidValue: C{target} is no URI, a header is not allowed, or C{body} is no SDP and there are modifiers.
        @raise LocalError: neither C{body} nor C{media} is there.
        """

    def inviteContext(
        target: str,
        body: bytes | None = None,
        contentType: str = "application/sdp",
        extraHeaders: Fields = (),
        delegate: Any = None,
        media: Callable[[str], Any] | None = None,
        modifiers: Modifiers = (),
    ) -> Any:
        """
        As L{invite}, but gives the L{IInviteClientContext} behind it.
        """

    def request(
        method: str,
        target: str,
        body: bytes = b"",
        contentType: str | None = None,
        extraHeaders: Fields = (),
        delegate: Any = None,
    ) -> Deferred[Response]:
        """
        Send a request outside any dialog: OPTIONS, MESSAGE, or an extension's.

        @param contentType: of C{body}, if there is one; None: C{text/plain}.
        @param delegate: an L{IRequestDelegate}.
        @return: a Deferred of the final response, as that of L{IClientContext.whenFinished}.  Cancelling it gives the
            request up, as L{IClientContext.cancel} does.
        @raise InvalidState: the user agent is not running.
        @raise InvalidValue: a method that needs a context of its own (INVITE, ACK, CANCEL, BYE ...), C{target} is no
            URI, C{body} is not C{bytes}, or a header is not allowed.
        """

    def requestContext(
        method: str,
        target: str,
        body: bytes = b"",
        contentType: str | None = None,
        extraHeaders: Fields = (),
        delegate: Any = None,
    ) -> Any:
        """
        As L{request}, but gives the L{IClientContext} behind it.
        """

    def message(
        target: str,
        body: bytes,
        contentType: str = "text/plain",
        extraHeaders: Fields = (),
        delegate: Any = None,
    ) -> Deferred[Response]:
        """C{request("MESSAGE", ...)}: a page-mode message (RFC 3428)."""

    def refer(
        applicant: str,
        target: Any,
        extraHeaders: Fields = (),
        receiveResponse: Callable[[Response], Any] | None = None,
        delegate: Any = None,
        subscription: str | None = None,
        targetDialog: Any = None,
    ) -> Deferred[Any]:
        """
        Ask C{applicant}, outside any dialog, to call C{target} (RFC 3515).

        @param applicant: who is asked, as C{target} of C{invite()}.
        @param targetDialog: an L{IDialog} that we share with C{applicant}, which is to vouch for us (RFC 4538).
        @return: as L{IDialog.refer}, whose other parameters these are; no call of ours is ended.
        @raise InvalidState: the user agent is not running.
        @raise InvalidValue: as there; C{applicant} is no URI.
        """

    def publish(
        target: str,
        event: str,
        body: bytes,
        contentType: str = "text/plain",
        expires: int = 3600,
        extraHeaders: Fields = (),
        unpublishOnClose: bool = True,
        delegate: Any = None,
        entityTag: str | None = None,
    ) -> Deferred[Any]:
        """
        Publish event state (RFC 3903), and keep it up until it is withdrawn.

        @param target: whose state it is, as C{target} of C{invite()}.
        @param event: the event package, C{"presence"}.
        @param expires: seconds it is to last without a refresh; it is refreshed after 0.9 of what was granted.
        @param extraHeaders: of each PUBLISH.
        @param unpublishOnClose: C{close()}, and the service's stop, withdraw it.
        @param delegate: an L{IPublishDelegate}.
        @param entityTag: of a publication that this takes over, or None.
        @return: a Deferred of the L{IPublishClientContext}, at the first 2xx; it fails as C{publish()} there, and then
            nothing is kept up.
        @raise InvalidState: the user agent is not running.
        @raise InvalidValue: a parameter cannot be so.
        """

    def subscribe(
        target: str,
        event: Any,
        expires: int | None = None,
        extraHeaders: Fields = (),
        body: bytes = b"",
        contentType: str | None = None,
        delegate: Any = None,
        accept: Iterable[str] | None = None,
        resubscribe: bool = True,
    ) -> Deferred[Any]:
        """
        Subscribe to the state of C{target} (RFC 6665 section 4.1), and keep that up until it is given up.

        @param target: whose state, as C{target} of C{invite()}.
        @param event: the event package: its name, where it is one of those in event/ (C{"presence"}) or the state is
            to be had as bytes only; or an L{IEventPackage}.  A name may have parameters: C{"dialog;sla"}.
        @param expires: seconds it is to last without a refresh, 1 or more; it is refreshed after 0.9 of what was
            granted.  None: as the package has it, else 3600.
        @param extraHeaders: of each SUBSCRIBE.
        @param body: of each SUBSCRIBE: a filter, in the C{contentType} that the package has for one.
        @param delegate: an L{ISubscriptionDelegate}.
        @param accept: the types of bodies that are wanted, for Accept; None: those of the package.
        @param resubscribe: begin anew where the notifier ends it and a further try makes sense (section 4.1.3).
        @return: a Deferred of the L{ISubscription}, at the first NOTIFY.  It fails with
            L{ResponseError<twisted_sipdialog.errors.ResponseError>},
            L{Timeout<twisted_sipdialog.errors.Timeout>} (no answer, or no NOTIFY in 64*T1 after it),
            L{TransportError<twisted_sipdialog.errors.TransportError>},
            L{SubscriptionTerminated<twisted_sipdialog.errors.SubscriptionTerminated>} (the first NOTIFY ends it);
            then nothing is kept up.  Cancelling it is to unsubscribe; it fails with C{CancelledError} at once.
        @raise InvalidState: the user agent is not running.
        @raise InvalidValue: a parameter cannot be so.
        """

    def fetch(
        target: str,
        event: Any,
        extraHeaders: Fields = (),
        body: bytes = b"",
        contentType: str | None = None,
        accept: Iterable[str] | None = None,
    ) -> Deferred[Any]:
        """
        Ask once for the state of C{target} (RFC 6665 section 4.4.3: a SUBSCRIBE with Expires: 0).

        @return: a Deferred of the L{INotification}; fails as that of L{subscribe}.  The parameters are those there.
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
    ) -> Deferred[Any]:
        """
        Send a provisional response: by default 180 to an INVITE (100 to 199 allowed), 100 to others (nothing
        else allowed: RFC 4320).

        @param extraHeaders: C{(name, value)} pairs, in order.
        @return: a Deferred of None, fired at send.
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
        body: bytes | None = None,
        contentType: str | None = None,
    ) -> Deferred[Any]:
        """
        Send any response (100 to 699), by the verb for its class.

        @param body: None: as that verb has it, which for an INVITE or UPDATE answers the offer.
        @return: as the verb for that class.
        """

    def answerLater() -> None:
        """
        The delegate's method returns without an answer, and one of the verbs is called later.  Without
        this, returning means the default answer.
        """

    def whenFinished() -> Deferred[Response]:
        """@return: a fresh Deferred of the final response, once it was sent; also when asked late."""


class ISessionServerContext(IServerContext):
    """
    A request that may carry an offer (RFC 3264): an UPDATE (RFC 3311), or an INVITE.
    """

    offer = Attribute("bytes: the session description offered, or None.")
    change = Attribute(
        "L{Change<twisted_sipdialog.dialog.change.Change>}: what the offer makes of the session there is; None in an"
        " INVITE that begins one."
    )

    def accept(
        statusCode: int = 200,
        reasonPhrase: str | None = None,
        extraHeaders: Fields = (),
        body: bytes | None = None,
        contentType: str | None = None,
        media: Callable[[str], Any] | None = None,
        modifiers: Modifiers = (),
    ) -> Deferred[Any]:
        """
        Answer the offer, if there is one: by C{body}, by C{media}, else by the dialog's own session description.

        @param modifiers: L{ISessionModifier}s, run in order over the answer; over what C{body} or C{media} says later
            as well, but over the dialog's own description this once.
        @return: a Deferred of the response.  It fails with what made no answer (C{NotAcceptable}: 488 was sent), or
            with L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>} (refused, or the call ended, meanwhile).
        @raise InvalidState: it was accepted already, and its answer is being made.
        @raise InvalidValue: C{body} is no SDP, and there are modifiers.
        @raise LocalError: an offer, and nothing describes the session.
        """


class IInviteServerContext(ISessionServerContext):
    """
    An INVITE to us (RFC 3261 section 13.3), or a re-INVITE in a dialog.

    Unanswered it ends by the configuration's C{noAnswerTimeout} (408) or its Expires (487).

    One with Replaces (RFC 3891) asks for more: that the caller takes the place of C{replacee}.  Who may is for the
    application to say; C{accept()} grants it, and C{replacee} is ended once the 2xx is sent.
    """

    replacee = Attribute(
        "The L{IDialog} whose place the caller wants to take, as long as it lives; or None.  It may be a call of ours"
        " that is not answered yet."
    )

    def progress(
        statusCode: int | None = None,
        reasonPhrase: str | None = None,
        extraHeaders: Fields = (),
        body: bytes | None = None,
        contentType: str | None = None,
        reliable: bool | None = None,
        media: Callable[[str], Any] | None = None,
        modifiers: Modifiers = (),
    ) -> Deferred[Request | None]:
        """
        Send a provisional response: 180 by default, 100 to 199 allowed.

        Sent reliably (RFC 3262) it is repeated until its PRACK, one at a time; C{body} or C{media} is then the
        answer to the caller's offer, or our offer if there was none, which the PRACK answers, and C{accept()} goes
        without.  Else C{body} is a foretaste, and C{accept()} gives the answer; that of C{media} is kept for it.

        @param reliable: True: reliably; False: not; None: reliably if the caller or the configuration's C{rel100}
            requires it.
        @param modifiers: as of C{accept()}, for what C{body} or C{media} says; with them a C{body} that is sent
            unreliably is kept for C{accept()}, too.
        @return: a Deferred of None, fired at send; if reliable, of the PRACK.  It fails with
            L{NoPrack<twisted_sipdialog.errors.NoPrack>} (the INVITE was refused with 504, or our 2xx overtook it), with
            L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>}, or with what C{media} failed with (the
            INVITE was refused, as by C{accept()}, which waits while the description is being made here).
        @raise InvalidState: C{reliable}, and the caller or we do not support it; not C{reliable}, and the caller
            requires it; a description after offer and answer are through.
        @raise InvalidValue: C{body} is no SDP, and there are modifiers.
        """

    def accept(
        statusCode: int = 200,
        reasonPhrase: str | None = None,
        extraHeaders: Fields = (),
        body: bytes | None = None,
        contentType: str | None = None,
        media: Callable[[str], Any] | None = None,
        modifiers: Modifiers = (),
        delegate: Any = None,
    ) -> Deferred[Any]:
        """
        Answer the call.

        @param body: the answer (or the offer, if the INVITE had none), as C{bytes}; it wins over C{media}.
        @param media: an L{ISessionDescriptionFactory}; default: that of the configuration.
        @param modifiers: L{ISessionModifier}s, run in order over every description of ours that C{body} or C{media}
            gives this call, later offers and answers as well; in a re-INVITE that the dialog's own session description
            answers, over that answer alone.
        @param delegate: an L{IDialogDelegate} for the dialog.
        @return: a Deferred of the L{IDialog}, fired at the ACK (C{dialog} has it from the 2xx on).  It fails with
            L{NoAck<twisted_sipdialog.errors.NoAck>}, with
            L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>} (the caller gave up, or a BYE came before
            the ACK; or C{replacee} was wanted early only and has been answered: 486 was sent), with what C{media}
            failed with (C{NotAcceptable}: 488 was sent; else its C{statusCode}, or 500), or with
            L{RemoteError<twisted_sipdialog.errors.RemoteError>} (the ACK has no answer to our offer).
        @raise InvalidState: it was accepted already; modifiers, or a C{body} other than the description, once
            C{progress()} gave that.
        @raise InvalidValue: C{body} is no SDP, and there are modifiers.
        @raise LocalError: neither C{body} nor C{media} is there.
        """


class IClientContext(Interface):
    """
    A request of ours, until its final response (RFC 3261 section 8.1).
    """

    userAgent = Attribute("The L{IUserAgent}.")
    method = Attribute("str: the request's method.")
    request = Attribute("The L{Request<twisted_sipdialog.message.Request>} last sent, or None.")
    response = Attribute("The response last received, or None.")
    dialog = Attribute("The L{IDialog} it belongs to, or None.")
    localIdentity = Attribute("L{Address<twisted_sipdialog.message.address.Address>} of From.")
    remoteIdentity = Attribute("L{Address<twisted_sipdialog.message.address.Address>} of To.")
    body = Attribute("bytes: the request's body.")
    contentType = Attribute("str: its Content-Type, or None.")
    data = Attribute("dict: the application's own.")
    delegate = Attribute("The L{IRequestDelegate} it was made with, or None.")

    def cancel() -> None:
        """
        Give up.  Section 9.1 has no CANCEL for it: nothing more is sent, C{requestFailed} is told with
        C{CANCELED} and is the last that is told.  Nothing happens once it has its outcome.
        """

    def whenFinished() -> Deferred[Response]:
        """
        @return: a fresh Deferred of the final response, whatever its status, also when asked late; fails with
            L{Timeout<twisted_sipdialog.errors.Timeout>},
            L{TransportError<twisted_sipdialog.errors.TransportError>} or C{CancelledError}.
        """


class IInviteClientContext(IClientContext):
    """
    An INVITE of ours, until its final response (RFC 3261 section 13.2).

    C{whenFinished()} fires when that is in, or will never be; not before, even when it was cancelled.  It may fail
    with what failed C{whenAnswered()}, too, where nothing was sent.
    """

    dialog = Attribute("The L{IDialog} of the last response that made one, or None.")
    dialogs = Attribute("All of them, early ones included: a forked call has several, each with its own session.")
    data = Attribute("dict: the application's own; the dialog's C{data} is the same object.")

    def cancel(reason: str | None = None, extraHeaders: Fields = ()) -> None:
        """
        Give up: CANCEL as soon as the protocol allows, and ACK and BYE if a 2xx crosses it.

        @param reason: text of a Reason header (RFC 3326), or None.
        """

    def whenAnswered() -> Deferred[Any]:
        """@return: a Deferred as that of L{IUserAgent.invite}."""


class IReferContext(Interface):
    """
    A REFER (RFC 3515): ours, or one to us.
    """

    referTo = Attribute("L{Address<twisted_sipdialog.message.address.Address>} of Refer-To: who is to be called.")
    referredBy = Attribute("str: Referred-By as it stands there (RFC 3892), or None.")
    replaces = Attribute(
        "L{Replaces<twisted_sipdialog.message.event_fields.Replaces>} in Refer-To, or None: the dialog whose place the"
        " new call takes."
    )
    dialog = Attribute("The L{IDialog} that is transferred, or None outside of one.")
    referState = Attribute("L{ReferState<twisted_sipdialog.dialog.referral.ReferState>}.")
    status = Attribute(
        "L{StatusFragment<twisted_sipdialog.message.sipfrag.StatusFragment>}: what was told last of the new call, or"
        " None."
    )
    delegate = Attribute("The L{IReferDelegate} of this REFER, or None.")


class IReferClientContext(IClientContext, IReferContext):
    """
    A REFER of ours, until the outcome is known.

    Made by C{IDialog.refer()} and C{IUserAgent.refer()}, or by hand: C{ReferClientContext(userAgent, applicant,
    target, ...)} is not sent before C{refer()}.
    """

    activeAfterTransfer = Attribute("bool: a success does not end the dialog.")
    eventsAt = Attribute("str: the URI that the outcome was to be had at (RFC 7614), or None.")

    def refer() -> Deferred[Any]:
        """
        Send it; once.

        @return: as L{IDialog.refer}.
        @raise InvalidState: it was sent already; the dialog does not stand; the user agent is not running.
        """

    def cancel() -> None:
        """
        Nothing more is to be heard of it: NOTIFYs are refused with 481 from now on.  The call it asked for may come
        about all the same, and ends nothing here.
        """

    def whenFinished() -> Deferred[Any]:
        """
        @return: a fresh Deferred, also when asked late, of the final status of the new call, a L{StatusFragment
            <twisted_sipdialog.message.sipfrag.StatusFragment>} (a success or not), or of None where nobody tells
            (C{subscription}).  It fails with L{ReferFailed<twisted_sipdialog.errors.ReferFailed>} (the NOTIFYs end,
            or do not come: within 64*T1 for the first, and the time they say for each further one), C{CancelledError},
            or as C{refer()}.
        """


class IReferServerContext(IServerContext, IReferContext):
    """
    A REFER to us.
    """

    targetDialog = Attribute("The L{IDialog} of the call that follows it, once that stands, or None.")

    def accept(
        statusCode: int | None = None,
        reasonPhrase: str | None = None,
        extraHeaders: Fields = (),
        body: bytes = b"",
        contentType: str | None = None,
        followRefer: bool = False,
        inviteOptions: dict[str, Any] | None = None,
        modifiers: Iterable[Any] = (),
        delegate: Any = None,
    ) -> Deferred[Any]:
        """
        Accept it, and tell the referrer C{100 Trying} at once.

        @param statusCode: default: the configuration's C{referStatus}; 200 where nobody subscribes with it (RFC 7614).
        @param followRefer: call whom it names; the referrer is told each status of that call, until its final one.
            False: C{sendNotify()} tells what becomes of it.
        @param inviteOptions: C{body}, C{contentType}, C{extraHeaders}, C{delegate} and C{media} of that call, as of
            L{IUserAgent.invite}; by default the delegate is that of the dialog, the media those of the configuration,
            else of the dialog's session.
        @param modifiers: see L{IUserAgent.invite}.
        @param delegate: an L{IReferDelegate} for this REFER.
        @return: a Deferred of the L{IDialog} of the new call; of None where none came about, and, without
            C{followRefer}, at once.  Cancelling it cancels the call.  It fails with
            L{ReferFailed<twisted_sipdialog.errors.ReferFailed>}: whom it names cannot be called, and it was refused
            with 416 (neither sip nor sips, nor a telephone number that C{outboundProxy} could route) or 501 (not an
            INVITE).
        @raise InvalidValue: an option cannot be so.
        @raise LocalError: nothing describes the session.
        """

    def sendNotify(status: Any) -> Deferred[Response | None]:
        """
        Tell the referrer how it fares; the final status is the last.

        @param status: a L{StatusFragment<twisted_sipdialog.message.sipfrag.StatusFragment>}, a status code, or the
            C{bytes} of a C{message/sipfrag}.
        @return: a Deferred of the answer to the NOTIFY, whatever its status; of None where a later status took its
            place before it was sent, or nobody is there to hear it.  It fails with
            L{Timeout<twisted_sipdialog.errors.Timeout>} or
            L{TransportError<twisted_sipdialog.errors.TransportError>}.
        @raise InvalidValue: C{status} is none.
        @raise InvalidState: it was not accepted, or the final status was told.
        """


class IPublishClientContext(Interface):
    """
    Event state that we publish (RFC 3903 section 4).  One PUBLISH at a time, also of several publications to one URI;
    of bodies that wait the newest is sent.
    """

    userAgent = Attribute("The L{IUserAgent}.")
    target = Attribute("str: the URI whose state it is.")
    event = Attribute("str: the event package.")
    contentType = Attribute("str: that of its bodies.")
    body = Attribute("bytes: the body last sent, or the one before it if that was refused; or None.")
    expires = Attribute("int: seconds last granted, or asked for.")
    entityTag = Attribute("str: what names it at the compositor, or None.")
    isPublished = Attribute("bool: the compositor has it, as far as we know.")
    unpublishOnClose = Attribute("bool: C{close()} withdraws it.")
    delegate = Attribute("The L{IPublishDelegate}, or None.")

    def publish(body: bytes | None = None) -> Deferred[Response]:
        """
        Publish another body; without one, refresh.

        @return: a Deferred of the 2xx to this body, or to a newer one that took its place.  It fails with
            L{ResponseError<twisted_sipdialog.errors.ResponseError>} (after 408, 500, 503 and 504 what was published
            once is tried again; else another body leaves the one before, which is kept up, and a refresh nothing),
            L{Timeout<twisted_sipdialog.errors.Timeout>} or
            L{TransportError<twisted_sipdialog.errors.TransportError>} (it is tried again).
        @raise InvalidState: it was closed; nothing to refresh; the user agent is not running.
        @raise InvalidValue: C{body} is no C{bytes}, or empty.
        """

    def unpublish() -> Deferred[Response | None]:
        """
        Withdraw it (Expires: 0), once what is on its way is through.

        @return: a Deferred of the answer (412: it was gone already), of None where nothing was published; fails as
            C{publish()}.
        """

    def close() -> Deferred[None]:
        """
        The end: withdraw it if C{unpublishOnClose}, else let it expire.  Repeating it gives the same outcome.

        @return: a Deferred of None; never fails.
        """


class IEventPackage(Interface):
    """
    An event package (RFC 6665 section 5): what its state looks like, and how often it is told.  event/ has those of
    the RFCs; an application may have its own.
    """

    name = Attribute("str: its name, as in Event.")
    accept = Attribute("A tuple of the types of bodies it has, the usual one first.")
    expires = Attribute("int: seconds that a subscription lasts if nothing else is said.")
    interval = Attribute("float: seconds from one NOTIFY to the next, at least.")
    forks = Attribute("bool: one SUBSCRIBE may have several notifiers, if it forks.")

    def parse(contentType: str, body: bytes) -> Any:
        """
        @param contentType: without parameters, in lower case.
        @return: what C{body} says, as a value of the package.
        @raise ParseError: it is malformed, or (C{statusCode} 415) of another type.
        """

    def merged(known: Any, value: Any) -> tuple[Any, bool]:
        """
        @param known: the state as far as it is known, or None.
        @param value: what C{parse()} made of a further NOTIFY: that state, or what has changed in it.
        @return: the state now, and whether something is missing in it: then a refresh asks for the whole.
        """


class ISubscription(Interface):
    """
    A subscription of ours (RFC 6665 section 4.1).
    """

    userAgent = Attribute("The L{IUserAgent}.")
    target = Attribute("str: the URI whose state it is about.")
    event = Attribute("L{EventField<twisted_sipdialog.message.event_fields.EventField>}.")
    package = Attribute("The L{IEventPackage}, or None.")
    state = Attribute(
        "str: C{'starting'} (no NOTIFY yet), C{'pending'} (nobody has allowed it yet), C{'active'}, C{'suspended'} (it"
        " is to begin anew, later) or C{'terminated'}."
    )
    expires = Attribute("float: seconds it has left; 0 unless it is pending or active.")
    dialog = Attribute("The L{IDialog} it shares, or None.")
    sip = Attribute("C{callId}, C{localTag}, C{remoteTag} of its dialog, or None.")
    request = Attribute("The SUBSCRIBE last sent, or None.")
    response = Attribute("The response to it last received, or None.")
    notification = Attribute("The last L{INotification}, or None.")
    value = Attribute("The state as far as it is known, as the package has it; None without a package.")
    delegate = Attribute("The L{ISubscriptionDelegate}, or None.")
    data = Attribute("dict: the application's own.")
    ended = Attribute("L{SubscriptionEnd<twisted_sipdialog.dialog.subscription.SubscriptionEnd>}, or None.")

    def refresh(expires: int | None = None) -> Deferred[Response]:
        """
        Send a SUBSCRIBE now; it is answered by a NOTIFY with the whole state.

        @param expires: seconds it is to last from here on; None: as before.
        @return: a Deferred of the 2xx.  It fails with L{ResponseError<twisted_sipdialog.errors.ResponseError>},
            L{Timeout<twisted_sipdialog.errors.Timeout>},
            L{TransportError<twisted_sipdialog.errors.TransportError>}, or
            L{SubscriptionTerminated<twisted_sipdialog.errors.SubscriptionTerminated>} (it ended first); what becomes of
            the subscription then, L{ISubscriptionDelegate} tells.
        @raise InvalidState: it is not pending or active.
        @raise InvalidValue: C{expires} is no such number.
        """

    def unsubscribe() -> Deferred[Any]:
        """
        The end: a SUBSCRIBE with Expires: 0 (section 4.1.2.3).  Repeating it gives the same outcome.

        @return: a Deferred of the L{INotification} that ended it, or None where none came; never fails.
        """

    def whenTerminated() -> Deferred[Any]:
        """@return: a fresh Deferred of C{ended}, also when asked late; never fails."""


class INotification(Interface):
    """
    What a NOTIFY says.
    """

    request = Attribute("The NOTIFY.")
    state = Attribute("L{SubscriptionState<twisted_sipdialog.message.event_fields.SubscriptionState>}.")
    body = Attribute("bytes.")
    contentType = Attribute("str: its Content-Type, or None.")
    value = Attribute(
        "What the body says, as the package has it; None without a body, without a package, or where C{parse()} raised"
        " something else than C{ParseError}, which is logged."
    )
    error = Attribute(
        "L{ParseError<twisted_sipdialog.errors.ParseError>}: the body is not what the package has, and the NOTIFY was"
        " refused for it; or None."
    )


class ISubscribeServerContext(IServerContext):
    """
    A SUBSCRIBE of a peer that asks for a new subscription (RFC 6665 section 4.2.1).
    """

    event = Attribute("L{EventField<twisted_sipdialog.message.event_fields.EventField>}.")
    expires = Attribute("int: seconds that will be granted, 0 for a fetch (section 4.4.3).")
    notifier = Attribute("The L{INotifier}, or None before it was accepted.")

    def understands(contentType: str) -> bool:
        """@return: whether the subscriber understands C{contentType} (Accept); without an Accept it does."""

    def accept(
        statusCode: int | None = None,
        reasonPhrase: str | None = None,
        extraHeaders: Fields = (),
        body: bytes = b"",
        contentType: str | None = None,
        state: str = "active",
        expires: int | None = None,
        interval: float | None = None,
        delegate: Any = None,
    ) -> Deferred[Any]:
        """
        Accept it: the response, and at once the NOTIFY that section 4.2.1.2 wants.

        Without C{body} that NOTIFY waits for the end of the turn, so that it says what C{notify()} is given meanwhile.
        Of a fetch it is the only one.

        @param statusCode: 200 to 299; None: the configuration's C{subscribeStatus}.
        @param body: of the NOTIFY.
        @param contentType: of C{body}; None: the first of the package, if it is in event/, else C{text/plain}.
        @param state: C{'active'}, or C{'pending'}: the subscriber is to wait until C{notify(state="active")}.
        @param expires: seconds granted, no more than C{expires} of this context; None: that.
        @param interval: seconds from one NOTIFY to the next, at least: of those that come sooner the newest is sent,
            later.  None: as the package has it, else 0.
        @param delegate: an L{INotifierDelegate}.
        @return: a Deferred of the L{INotifier}, fired at send.  It fails with
            L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>}: the dialog it came in is over, and 481 was
            sent.
        """


class INotifier(Interface):
    """
    Our side of a subscription of a peer (RFC 6665 section 4.2).  One NOTIFY at a time; of what waits the newest is
    sent.
    """

    userAgent = Attribute("The L{IUserAgent}.")
    event = Attribute("L{EventField<twisted_sipdialog.message.event_fields.EventField>}.")
    state = Attribute("str: C{'pending'}, C{'active'} or C{'terminated'}.")
    expires = Attribute("float: seconds it has left.")
    request = Attribute("The SUBSCRIBE last received.")
    dialog = Attribute("The L{IDialog} it shares, or None.")
    sip = Attribute("C{callId}, C{localTag}, C{remoteTag} of its dialog.")
    localIdentity = Attribute("L{Address<twisted_sipdialog.message.address.Address>} of To.")
    remoteIdentity = Attribute("L{Address<twisted_sipdialog.message.address.Address>} of From.")
    body = Attribute("bytes: the state that was told last, or is about to be.")
    contentType = Attribute("str: its type, or None.")
    delegate = Attribute("The L{INotifierDelegate}, or None.")
    data = Attribute("dict: the application's own; that of the context is the same object.")
    ended = Attribute("L{SubscriptionEnd<twisted_sipdialog.dialog.subscription.SubscriptionEnd>}, or None.")

    def understands(contentType: str) -> bool:
        """As L{ISubscribeServerContext.understands}, of the last SUBSCRIBE."""

    def notify(
        body: bytes | None = None,
        contentType: str | None = None,
        state: str | None = None,
        extraHeaders: Fields = (),
    ) -> Deferred[Response | None]:
        """
        Tell the state.

        @param body: None: as before.
        @param contentType: None: as before.
        @param state: C{'active'} or C{'pending'}; None: as before.
        @return: a Deferred of the final response; of None where a newer one took its place, or the subscription is
            over.  It fails with L{Timeout<twisted_sipdialog.errors.Timeout>} or
            L{TransportError<twisted_sipdialog.errors.TransportError>}.  These, and the refusals that say that the
            subscriber knows of none, end the subscription (section 4.2.2).
        @raise InvalidValue: C{body} is no bytes, C{state} none of these, or a header is not allowed.
        """

    def destroy(
        reason: str = "noresource",
        retryAfter: int | None = None,
        body: bytes | None = None,
        contentType: str | None = None,
        extraHeaders: Fields = (),
    ) -> Deferred[Request | None]:
        """
        The end: a NOTIFY that says C{terminated} (section 4.1.3 has the reasons).

        @param reason: C{'noresource'}, C{'deactivated'} (subscribe anew, at once), C{'probation'} and C{'giveup'}
            (later), C{'rejected'}, C{'timeout'}, C{'invariant'}, or another token.
        @param retryAfter: seconds, for C{'probation'} and C{'giveup'}.
        @param body: None: as before.
        @return: a Deferred of the NOTIFY that was sent, once its final answer is in or will not come; of None where
            none could be sent.  Never fails.  Repeating it gives the same outcome.
        @raise InvalidValue: C{reason} is no token, C{body} no bytes, or a header is not allowed.
        """

    def terminate(
        reason: str = "noresource",
        retryAfter: int | None = None,
        body: bytes | None = None,
        contentType: str | None = None,
        extraHeaders: Fields = (),
    ) -> Deferred[Request | None]:
        """The same as C{destroy()}."""

    def whenTerminated() -> Deferred[Any]:
        """@return: a fresh Deferred of C{ended}, also when asked late; never fails."""


class ISubscriptionDelegate(Interface):
    """
    Hears how a subscription of ours fares.  The default of each method is that nothing happens.
    """

    def subscriptionAccepted(subscription: Any, response: Response) -> Any:
        """A 2xx to a SUBSCRIBE: the first, or a refresh."""

    def notified(subscription: Any, notification: Any) -> Any:
        """A NOTIFY came, and was answered: an L{INotification}, which may hold an C{error}."""

    def subscriptionForked(subscription: Any, other: Any) -> Any:
        """
        C{other}, an L{ISubscription} with the same delegate, has another notifier: the SUBSCRIBE forked, and the
        package allows for that.
        """

    def subscriptionFailed(subscription: Any, failure: Any) -> Any:
        """
        A SUBSCRIBE failed, also a refresh that nobody waits for: a C{Failure} as of C{refresh()}.  What is told next
        is C{subscriptionSuspended}, C{subscriptionTerminated}, or, once it is tried again, C{subscriptionAccepted}.
        """

    def subscriptionSuspended(subscription: Any, end: Any, retryAfter: float) -> Any:
        """
        The notifier ended it (a L{SubscriptionEnd<twisted_sipdialog.dialog.subscription.SubscriptionEnd>}), or knows
        it no longer; it is begun anew C{retryAfter} seconds from now.
        """

    def subscriptionTerminated(subscription: Any, end: Any) -> Any:
        """It is over: a L{SubscriptionEnd<twisted_sipdialog.dialog.subscription.SubscriptionEnd>}."""


class INotifierDelegate(Interface):
    """
    Hears how a subscription of a peer fares.  The default of each method is that nothing happens.
    """

    def notifierRefreshed(notifier: Any, request: Request) -> Any:
        """
        A SUBSCRIBE prolonged it, and was answered.  The NOTIFY that follows says what C{notify()} is given here, else
        what was told last.
        """

    def notifierTerminated(notifier: Any, end: Any) -> Any:
        """
        It is over, and the last NOTIFY answered: a
        L{SubscriptionEnd<twisted_sipdialog.dialog.subscription.SubscriptionEnd>}.
        """


class IPublicationStore(Interface):
    """
    Where a compositor keeps what is published (storage/ has two).  Each method may return a Deferred of its result.
    """

    def publications(entity: str, event: str) -> Any:
        """@return: a list of the L{Publication<twisted_sipdialog.storage.publication.Publication>}s, oldest first."""

    def put(publication: Any, replaced: str | None = None) -> Any:
        """
        Keep C{publication}.

        @param replaced: the entity tag of the one that it takes the place of, at once, or None.
        @return: bool: it was kept; False: there is none of that tag (any more), and nothing has changed.
        """

    def remove(entity: str, event: str, entityTag: str) -> Any:
        """@return: bool: it was there."""

    def expired(now: float) -> Any:
        """
        Remove what lasts until C{now} (seconds since the epoch) or less.

        @return: a list of those that were removed.
        """

    def all() -> Any:
        """@return: a list of all."""

    def close() -> Any:
        """Nothing more is asked."""


class IEnded(Interface):
    """How a dialog ended."""

    reason = Attribute("L{Reason<twisted_sipdialog.dialog.ended.Reason>}; its C{text} is the originals' word.")
    byPeer = Attribute("bool: the other side ended it.")
    message = Attribute("The request or response that did it, or None.")


class ILateOffer(Interface):
    """
    The peer's offer, which it made in its 2xx because our re-INVITE had none (RFC 3261 section 14.1).

    Unless it is answered within 32 seconds (64*T1), the call is ended by BYE.
    """

    offer = Attribute("bytes: the peer's offer.")

    def answer(sdp: bytes | None = None) -> Deferred[bytes]:
        """
        Answer it in the ACK.

        @param sdp: the answer; None: the dialog's session description makes it.
        @return: a Deferred of the answer that was sent; fails with what made none (the call is then ended by BYE).
        @raise InvalidState: it was answered, or is over.
        @raise InvalidValue: C{sdp} is no SDP, and C{modify()} was given modifiers.
        """


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
    local = Attribute("Our side, a L{Side<twisted_sipdialog.dialog.sides.Side>}.")
    remote = Attribute("The peer's side, a L{Side<twisted_sipdialog.dialog.sides.Side>}.")
    callingParty = Attribute("L{Party<twisted_sipdialog.dialog.party.Party>}: who calls.")
    calledParty = Attribute("L{Party<twisted_sipdialog.dialog.party.Party>}: who is called.")
    session = Attribute("The L{ISessionDescription} of the call, or None while there is none.")
    sessionTimer = Attribute(
        "L{Interval<twisted_sipdialog.dialog.session_timer.Interval>}: what was agreed by RFC 4028, or None."
    )
    onHold = Attribute("bool: one of the sides in force wants no media (RFC 3264 section 8.4).")
    times = Attribute("C{start}, C{connect}, C{end}: seconds since the epoch (UTC), or None.")
    req = Attribute("The INVITE that made it.")
    res = Attribute("The response that made it, or None on a UAS before the 2xx.")
    data = Attribute("dict: the application's own; the invitation's C{data} is the same object.")
    other = Attribute("The application's own: the peer dialog of a call with two legs, or None.")
    authenticated = Attribute(
        "bool, for the application to set: it knows who the peer is, and REFERs of it are followed (C{referPolicy})."
    )
    subscriptions = Attribute("A list of the event packages subscribed to within it (RFC 5057), as text.")
    userAgent = Attribute("The L{IUserAgent}.")
    ended = Attribute("L{IEnded}, or None while it lives.")

    def toJSON() -> dict[str, Any]:
        """@return: what it is, in strings, numbers and dicts that C{json.dumps} takes."""

    def destroy(extraHeaders: Fields = (), reason: str | None = None) -> Deferred[Request | None]:
        """
        End the call: BYE when it is confirmed, held until the ACK where that is still awaited (section 15); a
        refusal or CANCEL while it is early (BYE once another fork of the call has answered).  What waits in the
        queue of C{modify()} fails.

        @param reason: text of a Reason header (RFC 3326), or None.
        @return: a Deferred of the request that was sent (None where none was needed), when it is through.
            Calling again gives the same outcome.  It fails only with what kept the BYE from being sent:
            L{TransportError<twisted_sipdialog.errors.TransportError>}.
        """

    def terminate(extraHeaders: Fields = (), reason: str | None = None) -> Deferred[Request | None]:
        """L{destroy}, by its other name."""

    def modify(
        sdp: bytes | str | None,
        extraHeaders: Fields = (),
        contentType: str = "application/sdp",
        method: str | None = None,
        modifiers: Modifiers = (),
    ) -> Deferred[Any]:
        """
        Change the session by a re-INVITE (RFC 3261 section 14.1) or an UPDATE (RFC 3311).

        One at a time: later calls wait for earlier ones, and for INVITEs of the peer; a failure holds nobody up.
        A 491, or a 500 with Retry-After, is tried again after the time that section 14.1 gives, five times at
        most.  Whatever is not accepted leaves the session as it was.  408, 481 or silence ends the call.

        @param sdp: the offer as C{bytes}; or C{"hold"} (we want no media: sendrecv becomes sendonly, recvonly
            inactive), C{"unhold"}, or a direction (C{"sendrecv"}, C{"sendonly"}, C{"recvonly"}, C{"inactive"}) that
            limits each of our media from now on; or None: the re-INVITE has no offer, and the peer's is answered
            in the ACK.
        @param method: C{"INVITE"} or C{"UPDATE"}; None: UPDATE in an early dialog, else INVITE.
        @param modifiers: L{ISessionModifier}s, run in order over the offer, or for None over the answer; over later
            descriptions of this call not again.
        @return: a Deferred of the peer's answer, C{bytes}; for None, of an L{ILateOffer}.  Cancelling it sends
            CANCEL, or takes it out of the queue.  It fails with
            L{ResponseError<twisted_sipdialog.errors.ResponseError>} (refused),
            L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>},
            L{Timeout<twisted_sipdialog.errors.Timeout>},
            L{TransportError<twisted_sipdialog.errors.TransportError>},
            L{RemoteError<twisted_sipdialog.errors.RemoteError>} (a 2xx without a usable answer; the session stays
            as it was), L{InvalidState<twisted_sipdialog.errors.InvalidState>} (C{"unhold"}, and nothing is held; an
            UPDATE, and the peer does not allow it; a re-INVITE, and the call is not answered yet),
            C{CancelledError}, or with what made no offer.
        @raise InvalidValue: C{sdp}, C{method} or a header cannot be so; C{sdp} is no SDP, and there are modifiers.
        """

    def request(
        method: str, body: bytes = b"", contentType: str | None = None, extraHeaders: Fields = ()
    ) -> Deferred[Response]:
        """
        Send a request in the dialog (section 12.2).

        @return: a Deferred of the final response, whatever its status; fails with
            L{Timeout<twisted_sipdialog.errors.Timeout>},
            L{TransportError<twisted_sipdialog.errors.TransportError>}, or
            L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>}.
        @raise InvalidValue: INVITE, ACK, CANCEL, BYE, PRACK: the dialog sends those by itself.
        """

    def info(body: bytes = b"", contentType: str | None = None, extraHeaders: Fields = ()) -> Deferred[Response]:
        """C{request("INFO", ...)} (RFC 6086)."""

    def notify(body: bytes = b"", contentType: str | None = None, extraHeaders: Fields = ()) -> Deferred[Response]:
        """C{request("NOTIFY", ...)}; Event and Subscription-State are among C{extraHeaders} (RFC 6665)."""

    def message(body: bytes = b"", contentType: str | None = None, extraHeaders: Fields = ()) -> Deferred[Response]:
        """C{request("MESSAGE", ...)} (RFC 3428)."""

    def options(body: bytes = b"", contentType: str | None = None, extraHeaders: Fields = ()) -> Deferred[Response]:
        """C{request("OPTIONS", ...)} (RFC 3261 section 11)."""

    def update(body: bytes = b"", contentType: str | None = None, extraHeaders: Fields = ()) -> Deferred[Response]:
        """
        C{request("UPDATE", ...)} (RFC 3311): a body is an offer, which waits in the queue of C{modify()} and is
        taken or rolled back as there; without one the session is merely refreshed.
        """

    def refer(
        target: Any,
        extraHeaders: Fields = (),
        activeAfterTransfer: bool = False,
        receiveResponse: Callable[[Response], Any] | None = None,
        delegate: Any = None,
        subscription: str | None = None,
    ) -> Deferred[Any]:
        """
        Ask the peer to call C{target} (RFC 3515): a transfer.  Once that call stands, this one is ended by BYE.

        @param target: a URI, a name-addr, a bare user of our own domain; or another L{IDialog} of ours, whose place
            the new call is to take (RFC 3891).
        @param extraHeaders: C{(name, value)} pairs; Referred-By names us unless it is among them.
        @param activeAfterTransfer: this call goes on all the same.
        @param receiveResponse: called with each response to the REFER, provisionals included.
        @param delegate: an L{IReferDelegate}; this dialog's and the user agent's delegates are told as well.
        @param subscription: None: the peer tells the outcome by NOTIFYs; C{"norefersub"}: it need not (RFC 4488);
            C{"nosub"}: it must not; C{"explicitsub"}: it is asked for at a URI that the 2xx names (RFC 7614).
        @return: a Deferred of the L{IReferClientContext}, at the 2xx; C{whenFinished()} there gives the outcome.  It
            fails with L{ResponseError<twisted_sipdialog.errors.ResponseError>},
            L{Timeout<twisted_sipdialog.errors.Timeout>},
            L{TransportError<twisted_sipdialog.errors.TransportError>} or
            L{DialogTerminated<twisted_sipdialog.errors.DialogTerminated>}.  Cancelling it is the context's C{cancel()}.
        @raise InvalidState: the call, or the one to be replaced, does not stand.
        @raise InvalidValue: C{target}, C{subscription} or a header cannot be so.
        """

    def subscribe(
        event: Any,
        expires: int | None = None,
        extraHeaders: Fields = (),
        body: bytes = b"",
        contentType: str | None = None,
        delegate: Any = None,
        accept: Iterable[str] | None = None,
        resubscribe: bool = True,
    ) -> Deferred[Any]:
        """
        Subscribe to the state of the peer, within this dialog (RFC 5057): for what concerns the call itself.

        @return: as L{IUserAgent.subscribe}, whose parameters these are; nothing is begun anew when the call is over.
        @raise InvalidState: the dialog is early.
        """

    def dtmf(tones: str, duration: float = 0.1, gap: float = 0.5) -> Deferred[None]:
        """
        Send digits as INFO with C{application/dtmf-relay}, one after the other.

        @param tones: of C{0-9*#A-D}; C{,} is a pause of two seconds.
        @param duration: seconds each is said to last, 0.07 to 6.
        @param gap: seconds between two, 0.05 at least.
        @return: a Deferred of None after the last; fails as C{request()}, or with
            L{ResponseError<twisted_sipdialog.errors.ResponseError>} at the first that is refused.
        @raise InvalidValue: one of the three cannot be so.
        """

    def whenTerminated() -> Deferred[Any]:
        """@return: a fresh Deferred of L{IEnded}, also when asked late."""


class IPublishDelegate(Interface):
    """
    What an application hears of a publication, also of refreshes that nobody waits for.  Every method is optional.
    """

    def published(publication: Any, response: Response) -> Any:
        """The compositor has it: a 2xx to a body, or to a refresh."""

    def unpublished(publication: Any, response: Response | None) -> Any:
        """It does not have it any more: withdrawn, refused, or granted no time."""

    def publishProgress(publication: Any, response: Response) -> Any:
        """A 1xx; or a 412 or 423 that is being repaired."""

    def publishFailed(publication: Any, failure: Any) -> Any:
        """A PUBLISH failed; C{unpublished} follows unless it is tried again."""


class IReferDelegate(Interface):
    """
    What an application hears of a REFER, of either side.  Every method is optional.

    C{context} is an L{IReferClientContext} or an L{IReferServerContext}, C{status} a
    L{StatusFragment<twisted_sipdialog.message.sipfrag.StatusFragment>}.  The delegate of the REFER is told first, then
    that of its dialog, then that of the user agent.
    """

    def referRequested(context: Any) -> Any:
        """A REFER of ours was sent."""

    def referRequestProgress(context: Any, response: Response) -> Any:
        """A provisional response to a REFER of ours."""

    def referRequestAccepted(context: Any, response: Response) -> Any:
        """The REFER was accepted: C{response} was received, or sent."""

    def referRequestRejected(context: Any, response: Response | None) -> Any:
        """The REFER was refused: C{response} was received, or sent; None: ours got no response."""

    def referInviteSent(context: Any, request: Request) -> Any:
        """We follow a REFER: the INVITE was sent."""

    def referProgress(context: Any, status: Any) -> Any:
        """The new call has another provisional status: the peer told us, or we told the peer."""

    def referAccepted(context: Any, status: Any) -> Any:
        """The new call was answered."""

    def referRejected(context: Any, status: Any) -> Any:
        """There is no new call: C{status} is its final one, or the last that a peer told before it fell silent."""

    def referNotifyReceived(context: Any, request: Request) -> Any:
        """A NOTIFY about a REFER of ours came; it was answered, and its status told."""


class IRequestDelegate(Interface):
    """
    Told how a request fares: one of the peer's that a delegate was asked about or that was answered by default
    (C{context} is an L{IServerContext}), or one of ours (an L{IClientContext}).

    One final response is told once, after it was sent or taken.  Every method is optional
    (L{RequestDelegate<twisted_sipdialog.delegates.RequestDelegate>} has no-ops).
    """

    def progressReceived(context: Any, response: Response) -> Any:
        """A provisional response to our request; one that is sent reliably comes once, though it is repeated."""

    def progressSent(context: Any, response: Response) -> Any:
        """A provisional response of ours went out; not the 100 of an INVITE's transaction, and no repetition."""

    def requestAccepted(context: Any, response: Response) -> Any:
        """A 2xx went out, or came: of an INVITE of ours the first that was taken."""

    def requestRejected(context: Any, response: Response, cause: Cause) -> Any:
        """A final response of 300 to 699 went out, or came.  C{requestFailed} follows."""

    def requestFailed(context: Any, response: Response | None, cause: Cause) -> Any:
        """
        It came to nothing.

        @param response: the refusal; None: there was no final response, or a 2xx that made no call (no ACK came,
            or offer and answer did not fit).
        @param cause: why.
        """


class IDialogDelegate(IRequestDelegate, IReferDelegate):
    """
    The application's side of a dialog.  Every method is optional (L{DialogDelegate
    <twisted_sipdialog.delegates.DialogDelegate>} has no-ops) and may be plain,
    return a Deferred, or be a coroutine.

    A method that takes nothing but a context answers it; not overridden, the default answer goes out.
    """

    def dialogEarly(dialog: Any) -> Any:
        """
        A provisional response made an early dialog (RFC 3261 section 12.1): one for each fork of our call, or the
        one of a call to us.  C{request()}, and C{modify()} once offer and answer are through, are usable.
        """

    def dialogConfirmed(dialog: Any) -> Any:
        """The call stands: the ACK was received (UAS) or sent (UAC)."""

    def dialogTerminated(dialog: Any, ended: Any) -> Any:
        """The dialog is over; exactly once.  C{ended} is an L{IEnded}."""

    def dialogReplaced(dialog: Any, newDialog: Any) -> Any:
        """
        C{newDialog}, which was accepted, takes the place of C{dialog} (RFC 3891), which ends right afterwards: by BYE,
        or by CANCEL where it is early.
        """

    def inviteReceived(context: Any) -> Any:
        """
        A re-INVITE (L{IInviteServerContext}).  Default: 200 with the session description's answer, else 488.

        One that only refreshes, holds or resumes does not come here, but is answered by default, when
        C{dialogRefreshed}, C{dialogHeld} or C{dialogResumed} is overridden.
        """

    def dialogRefreshed(dialog: Any, request: Request) -> Any:
        """The peer's re-INVITE or UPDATE changed nothing, and was answered by default."""

    def dialogHeld(dialog: Any, request: Request) -> Any:
        """The peer's re-INVITE or UPDATE put us on hold, and was answered by default."""

    def dialogResumed(dialog: Any, request: Request) -> Any:
        """The peer's re-INVITE or UPDATE ended the hold, and was answered by default."""

    def dialogModified(dialog: Any, request: Request) -> Any:
        """The peer's re-INVITE or UPDATE changed the session otherwise, and was answered by default."""

    def updateReceived(context: Any) -> Any:
        """
        UPDATE (L{ISessionServerContext}).  Default: 200, with the session description's answer if there is an
        offer, else 488.  The four above go before it as with C{inviteReceived}.
        """

    def ackReceived(dialog: Any, request: Request) -> Any:
        """The ACK to a 2xx of ours came, the first time."""

    def prackReceived(dialog: Any, request: Request) -> Any:
        """The PRACK to a reliable provisional of ours came, and was answered."""

    def infoReceived(context: Any) -> Any:
        """
        INFO.  Default: 200; 469 with an Info-Package that is not among the configuration's C{infoPackages}
        (RFC 6086).  One of C{application/dtmf-relay} goes to C{toneReceived} instead where that is overridden.
        """

    def toneReceived(dialog: Any, tone: str, duration: float | None) -> Any:
        """
        A digit (one of C{0-9*#A-D}) of the peer: in an INFO, or among the media if those tell.

        @param duration: seconds, or None where the peer did not say.
        """

    def messageReceived(context: Any) -> Any:
        """MESSAGE.  Default: 200 in a dialog, 405 outside."""

    def notifyReceived(context: Any) -> Any:
        """NOTIFY that belongs to no subscription.  Default: 481."""

    def inviteCancelled(context: Any, request: Request) -> Any:
        """The peer gave its re-INVITE up; the 487 was sent.  C{request} is the CANCEL or BYE."""

    def optionsReceived(context: Any) -> Any:
        """OPTIONS.  Default: 200 with Allow, Accept and Supported."""

    def publishReceived(context: Any) -> Any:
        """PUBLISH.  Default: 405."""

    def subscribeReceived(context: Any) -> Any:
        """SUBSCRIBE that asks for a new subscription (L{ISubscribeServerContext}).  Default: 489."""

    def unsubscribeReceived(context: Any) -> Any:
        """SUBSCRIBE with Expires: 0 in a dialog.  Overridden: 200 unless it answers.  Default: as SUBSCRIBE."""

    def referReceived(context: Any) -> Any:
        """
        REFER in a dialog, or outside of it with a Target-Dialog that names it (L{IReferServerContext}).  Default: as
        the configuration's C{referPolicy} says.
        """


class IUserAgentDelegate(IDialogDelegate):
    """
    The application's side of a user agent.  What a dialog's own delegate does not take comes here, but for its
    re-INVITEs.
    """

    def inviteReceived(context: Any) -> Any:
        """A call (L{IInviteServerContext}).  Default: 480."""

    def inviteCancelled(context: Any, request: Request) -> Any:
        """The caller gave up; the 487 was sent.  C{request} is the CANCEL or BYE."""

    def outOfDialogReferRequested(context: Any) -> Any:
        """
        REFER outside dialogs (L{IReferServerContext}), with C{allowOutOfDialogRefers} only.  Default: refused with
        C{outOfDialogReferStatus}, 403.
        """

    def registerReceived(context: Any) -> Any:
        """REGISTER, as a plain request.  Default: 405."""

    def dialogStateChanged(change: Any) -> Any:
        """
        A call moved in the state machine of RFC 4235 section 3.7.1: C{change} is a plain value, a
        L{StateChange<twisted_sipdialog.dialog.state_change.StateChange>}.
        """


class ISessionDescription(Interface):
    """
    The media of one call, as offers and answers (RFC 3264).

    Signalling calls in this order: C{offer} then C{update} with what came back, or
    C{answer}; each may come again for the life of the call; C{rollback} when the
    last of them came to nothing; C{close} once at the end.  What C{offer} and C{answer}
    return may be a Deferred; nothing else is called until it has fired, or was cancelled.  Any of
    the exceptions below may be its failure.  One that failed or was cancelled changed nothing.
    """

    contentType = Attribute("str: the Content-Type of what C{offer} and C{answer} return, e.g. C{'application/sdp'}.")
    local = Attribute("bytes or None: the description of ours that is in force.")
    remote = Attribute("bytes or None: the peer's description that is in force.")

    def offer(limit: str | None = None) -> bytes | Deferred[bytes]:
        """
        An offer of everything this can do: the first of the call, or a further one,
        which keeps the o= id and has the next version if anything in it changed
        (RFC 3264 section 8).  It is in force once C{update} took its answer.

        @param limit: the most that we want from now on, in each of our media, in answers as well: a direction
            (C{"sendonly"} is hold, C{"sendrecv"} the end of it); None: as before.  Left out rather than None.
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
        It may come again for the same offer: an early answer, and then the final one.

        @raise NotAcceptable: it does not answer the offer, or refuses all of it; what was in force stays.
        @raise ParseError: not a description, or one that cannot be used; what was in force stays.
        """

    def rollback() -> None:
        """
        The last offer or answer came to nothing (a refused re-INVITE or UPDATE): what was
        in force before it, the limit included, is so again.  Nothing happens if there was none.
        """

    def fork(offer: bytes | None = None) -> ISessionDescription:
        """
        The call forked (RFC 3261 section 13.2.2.4): another description for another of its dialogs.  They may share
        resources; each is closed.

        @param offer: the offer of ours that the fork's peer will answer, which this one made; None: there was none.
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


class ISessionModifier(Interface):
    """
    Changes our own offers and answers before they go out, as what the session description left out, or says otherwise
    than this peer needs it.  May be a plain function, return a Deferred, or be a coroutine function.

    What raises, fails or returns something else sends nothing: whatever needed the description fails with it, and what
    was in force stays.  The call's end cancels what it waits for.

    The o= line is kept in order for it: the next version where the description is another than the last one that
    went out, the same where it is not (RFC 3264 section 8).  A medium that it takes out of an answer is refused, and
    one that the peer knew is withdrawn, by port 0; one that it adds to an answer fails as C{NotAcceptable}.
    """

    def __call__(description: SessionDescription) -> SessionDescription | Deferred[SessionDescription]:
        """
        @param description: L{SessionDescription<twisted_sipdialog.message.sdp.SessionDescription>}, an immutable value:
            our offer or answer, as the modifier before this one left it.
        @return: what goes out instead: of the same type, C{description} itself for no change.
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


class IToneSource(Interface):
    """
    What an L{ISessionDescription} that sees telephone events (RFC 4733) may provide as well.
    """

    def tellTones(told: Callable[[str, float], Any]) -> None:
        """
        Call C{told(tone, duration)} once for each event from now on, until C{close}.

        C{tone} is one of C{0-9*#A-D}, C{duration} in seconds.
        """


class IMessageObserver(Interface):
    """Sees every message on the wire: ladders, logs, captures.  Absent in production unless asked for."""

    def messageReceived(data: bytes, flow: Any) -> None:
        """C{data} (C{bytes}) came in over C{flow}."""

    def messageSent(data: bytes, flow: Any) -> None:
        """C{data} (C{bytes}) was handed to C{flow}."""
