"""
UAS core (RFC 3261 section 8.2): every request that is no retransmission comes here first.

Section 8.2 is a list of steps; so is this.  A step looks at one thing and
returns None, or the response that ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted_sipdialog._seams import ITransactionUser
from twisted_sipdialog.dialog.reliable import TAG
from twisted_sipdialog.errors import ParseError, SipError
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.message.address import plainUri
from twisted_sipdialog.message.fields import MediaType
from twisted_sipdialog.message.grammar import parameterOf
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.message.uri import SipUri, TelUri, parseUri
from twisted_sipdialog.ua import invite_server
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.replaces import placeCanBeTaken
from twisted_sipdialog.ua.request_server import requestReceived
from twisted_sipdialog.ua.session import sdpOf

#: What carries offers and answers within a dialog.
_SESSIONS = ("INVITE", "UPDATE", "PRACK")

Step = Callable[[Core, Any, Request], Response | None]

#: What means nothing outside a dialog.
_DIALOGS_OWN = ("BYE", "PRACK", "UPDATE")


def isWellFormed(core: Core, transaction: Any, request: Request) -> Response | None:
    """8.1.1, 19.3, 20.10: what a request must have, once and in a readable form."""
    headers = request.headers
    try:
        for name in ("from", "to"):
            if plainUri(headers.get(name) or "") is None:
                parameters = headers.typed(name).parameters
                if "tag" in parameters and not parameters["tag"]:
                    raise ParseError("an empty tag")
        hops = headers.get("max-forwards")
        if hops != "70" and hops is not None and headers.typed("max-forwards") > 255:
            raise ParseError("Max-Forwards: 0 to 255")
        contacts = headers.getAll("contact")
        invite = request.method == "INVITE"
        # Section 20: a BYE has none, and one that is there all the same must be ignored, whatever it is.
        if (contacts and request.method != "BYE") or (invite and not request.toTag):
            if len(contacts) != 1 or plainUri(contacts[0]) is None:
                given = request.contacts
                refreshes = request.method in ("INVITE", "UPDATE")
                if refreshes and (len(given) != 1 or not isinstance(given[0].uri, SipUri)):
                    raise ParseError("Contact: exactly one sip or sips URI is wanted")
        if invite and "record-route" in headers:
            _ = headers.typed("record-route")
            for route in headers.elements("record-route"):
                # As the dialog will read it (20.30: always a name-addr).
                if "<" not in route:
                    raise ParseError("Record-Route: angle brackets are wanted")
                parseUri(route[route.rfind("<") + 1 : route.rfind(">")])
    except ParseError as error:
        return request.badRequest(error)
    return None


def methodIsAllowed(core: Core, transaction: Any, request: Request) -> Response | None:
    """8.2.1."""
    method = request.method
    if method in ("INVITE", "OPTIONS", "NOTIFY", "REFER", *_DIALOGS_OWN) or core.takes(method):
        return None
    if method == "SUBSCRIBE" and core.eventLines():
        return None  # then 489 says which packages there are (RFC 6665 section 4.2.1.1)
    return request.response(405, headers=[("Allow", core.allow(method))])


def uriIsOurs(core: Core, transaction: Any, request: Request) -> Response | None:
    """8.2.2.1: the scheme we can serve, and if asked for, only our own user."""
    if plainUri(request.uriText) == request.uriText and not core.configuration.ownDomainOnly:
        return None
    try:
        uri = request.uri
    except ParseError as error:
        return request.badRequest(error)
    if not isinstance(uri, SipUri | TelUri):
        return request.response(416)
    if isinstance(uri, SipUri) and uri.headers:
        return request.badRequest(ParseError("a Request-URI has no headers"))
    if core.configuration.ownDomainOnly and not core.identity.owns(uri, transaction.flow):
        return request.response(404)
    return None


def isNoCopy(core: Core, transaction: Any, request: Request) -> Response | None:
    """8.2.2.2: the same request by another way."""
    return request.response(482, "Merged Request") if core.transactions.isMerged(transaction) else None


def extensionsAreKnown(core: Core, transaction: Any, request: Request) -> Response | None:
    """8.2.2.3; and those that we require (RFC 3262 section 3)."""
    required = request.headers.get("require")
    if core.configuration.rel100 == "required" and request.method == "INVITE" and not request.toTag:
        if TAG not in (typedOrNone(request, "supported") or ()) and TAG not in (typedOrNone(request, "require") or ()):
            return request.response(421, headers=[("Require", TAG)])
    if required is None:
        return None
    known = {tag.lower() for tag in core.extensions}
    try:
        unknown = [tag for tag in request.headers.typed("require") if tag.lower() not in known]
    except ParseError as error:
        return request.badRequest(error)
    return request.response(420, headers=[("Unsupported", ", ".join(unknown))]) if unknown else None


def sessionLasts(core: Core, transaction: Any, request: Request) -> Response | None:
    """RFC 4028 section 9: an interval that we can keep."""
    if request.headers.get("session-expires") is None or request.method not in ("INVITE", "UPDATE"):
        return None
    return core.terms.refusal(request)


def bodyIsKnown(core: Core, transaction: Any, request: Request) -> Response | None:
    """8.2.3: a body we understand, or one that may be ignored."""
    if not request.body or request.method not in _SESSIONS:
        return None
    text = request.headers.get("content-type")
    if text == "application/sdp" and "content-encoding" not in request.headers:
        return None
    try:
        disposition = request.headers.typed("content-disposition")
        kind = MediaType.parse(text or "").essence
        encodings = [e.lower() for e in request.headers.elements("content-encoding")]
        if kind.startswith("multipart/"):
            sdpOf(request)  # as everybody will who asks for the offer
    except ParseError as error:
        return _unknownBody(core, request) if error.statusCode == 415 else request.badRequest(error)
    if disposition is not None and (disposition.parameters.get("handling") or "").lower() == "optional":
        return None
    if [e for e in encodings if e != "identity"]:
        return request.response(415, headers=[("Accept-Encoding", "identity")])
    if kind in core.configuration.accept or kind.startswith("multipart/"):
        return None
    return _unknownBody(core, request)


def _unknownBody(core: Core, request: Request) -> Response:
    return request.response(415, headers=[("Accept", ", ".join(core.configuration.accept))])


def answerIsWanted(core: Core, transaction: Any, request: Request) -> Response | None:
    """20.1, 21.4.7: an INVITE is answered with a session description, so one that takes none is refused."""
    accept = request.headers.get("accept")
    if accept is None or request.method != "INVITE" or "application/sdp" in accept:
        return None
    try:
        taken = {kind.essence for kind in request.headers.typed("accept")}
    except ParseError as error:
        return request.badRequest(error)
    return None if taken & {"application/sdp", "application/*", "*/*"} else request.response(406)


def thereIsRoom(core: Core, transaction: Any, request: Request) -> Response | None:
    """21.5.4: what one source, and all together, may keep open."""
    if request.method != "INVITE":
        return None
    limits = core.configuration.loadLimits
    source = transaction.flow.remote[0]
    if not core.stopping and len(core.dialogs) < limits.dialogs:
        if core.fromSource.get(source, 0) < limits.invitesPerSource:
            return None
    return request.response(503, None, request.statelessTag, [("Retry-After", str(limits.retryAfter))])


#: For requests outside a dialog, in the order of section 8.2.
STEPS: tuple[Step, ...] = (
    methodIsAllowed,
    isWellFormed,
    uriIsOurs,
    isNoCopy,
    extensionsAreKnown,
    bodyIsKnown,
    answerIsWanted,
    sessionLasts,
    placeCanBeTaken,
    thereIsRoom,
)
#: For requests inside one: who they are for is settled; the rest is for those that speak of the session.
DIALOG_STEPS: tuple[Step, ...] = (isWellFormed, extensionsAreKnown, placeCanBeTaken)
SESSION_STEPS: tuple[Step, ...] = (*DIALOG_STEPS, bodyIsKnown, answerIsWanted, sessionLasts)


@implementer(ITransactionUser)
class UserAgentServer:
    """
    Sorts requests: new ones, those of dialogs, CANCEL, ACK.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def requestReceived(self, transaction: Any) -> None:
        """
        @see: L{ITransactionUser.requestReceived<twisted_sipdialog._seams.ITransactionUser>}
        """
        core = self._core
        request = transaction.request
        if request.method == "CANCEL":
            self._cancelReceived(transaction, request)
            return
        dialog = None
        steps = STEPS
        if request.toTag:
            dialog = core.dialogs.get((request.callId, request.toTag, request.fromTag))
            if dialog is None and request.method == "NOTIFY":
                # RFC 6665 section 4.4.1: it may come before the 2xx to what it is about.
                opening = core.openings.get((request.callId, request.toTag))
                dialog = opening and opening.legOf(request, transaction.flow)
            if dialog is None:
                transaction.respond(isWellFormed(core, transaction, request) or request.response(481))
                return
            if request.method not in core.verbs and request.method != "BYE":
                transaction.respond(request.response(405, headers=[("Allow", core.allow())]))
                return
            steps = SESSION_STEPS if request.method in _SESSIONS else DIALOG_STEPS
        for step in steps:
            refusal = step(core, transaction, request)
            if refusal is not None:
                refusal = self._tagged(transaction, refusal)
                if step is thereIsRoom:
                    core.transactions.dismiss(transaction, refusal)
                else:
                    transaction.respond(refusal)
                return
        if dialog is not None:
            dialog.requestReceived(transaction)
        elif request.method == "INVITE":
            invite_server.inviteReceived(core, transaction)
        elif request.method in _DIALOGS_OWN:
            # 15.1.2; RFC 3262 section 3.
            transaction.respond(self._tagged(transaction, request.response(481)))
        else:
            taken = core.outside.get(request.method)
            if taken is not None:
                taken(core, transaction)
            else:
                requestReceived(core, transaction, None)

    def _tagged(self, transaction: Any, refusal: Response) -> Response:
        """8.2.6.2: every response but 100 has a To tag, and that to a CANCEL (9.2) the same."""
        to = refusal.headers.get("to")
        if to is not None and parameterOf(to, "tag") is None:
            transaction.toTag = self._core.identity.newTag()
            refusal.headers._put("To", f"{to};tag={transaction.toTag}")
        return refusal

    def _cancelReceived(self, transaction: Any, cancel: Request) -> None:
        """9.2: 200 when there is something to cancel, whatever becomes of it; 481 else."""
        invite = self._core.transactions.cancelled(cancel)
        if invite is None:
            transaction.respond(self._tagged(transaction, cancel.response(481)))
            return
        context = invite.user
        # 9.2: the tag of the INVITE's own responses, also of those still to come.
        tag = context.localTag() if context is not None else invite.toTag or self._core.identity.newTag()
        transaction.respond(cancel.response(200, toTag=tag))
        if context is not None:
            context.abandoned(cancel)

    def ackReceived(self, request: Request, flow: Any) -> None:
        """
        @see: L{ITransactionUser.ackReceived<twisted_sipdialog._seams.ITransactionUser>}
        """
        dialog = self._core.dialogs.get((request.callId, request.toTag, request.fromTag))
        if dialog is not None:
            if dialog.flow is not None:
                self._core.onlyFlows.met(dialog, flow)
            dialog.ackReceived(request)

    def responseReceived(self, response: Response, flow: Any) -> None:
        """
        @see: L{ITransactionUser.responseReceived<twisted_sipdialog._seams.ITransactionUser>}
        """
        # 13.2.2.4: a fork that answers after timer M.  Its own transaction user gives up when no ACK comes.

    def flowLost(self, flow: Any, reason: SipError) -> None:
        """
        @see: L{ITransactionUser.flowLost<twisted_sipdialog._seams.ITransactionUser>}
        """
        # A flow is not a dialog: the next request finds its own way, where there is another.
        self._core.onlyFlows.lost(flow)
