"""
Who is asked about a REFER (RFC 3515 section 2.4.2): in a dialog, outside of one, and about its outcome.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.dialog.referral import Referral
from twisted_sipdialog.dialog.state import DialogState, Phase
from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Request
from twisted_sipdialog.message.message import typedOrNone
from twisted_sipdialog.message.uri import SipUri
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import ask, overrides
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.refer import PACKAGE
from twisted_sipdialog.ua.refer_audience import EVENTS_AT
from twisted_sipdialog.ua.refer_server import ReferServerContext
from twisted_sipdialog.ua.subscribe_received import subscribeReceived


def referReceived(core: Core, transaction: Any, dialog: Dialog) -> None:
    """A REFER in a dialog: the delegate answers, or the policy does."""
    request = transaction.request
    dialog.refers += 1
    if dialog.state is Phase.EARLY:
        # There is no call yet that could be transferred.
        transaction.respond(request.response(491))
        return
    _received(core, transaction, dialog, "referReceived")


def referReceivedOutside(core: Core, transaction: Any) -> None:
    """
    A REFER outside dialogs: refused, unless a delegate wants to know of such ones, or it names a dialog that vouches
    for it (RFC 4538) and so counts as one in that.
    """
    request = transaction.request
    vouching = _vouching(core, request)
    if vouching is not None:
        _received(core, transaction, vouching, "referReceived")
    elif core.configuration.allowOutOfDialogRefers and overrides(core.delegate, "outOfDialogReferRequested"):
        _received(core, transaction, None, "outOfDialogReferRequested")
    else:
        tag = core.identity.newTag()
        transaction.respond(request.response(core.configuration.outOfDialogReferStatus, None, tag))


def _vouching(core: Core, request: Request) -> Dialog | None:
    """The dialog of Target-Dialog (RFC 4538 section 4), whose tags are as the sender of the REFER has them."""
    named = typedOrNone(request, "target-dialog")
    if named is None:
        return None
    found = core.dialogs.get((named.callId, named.remoteTag, named.localTag))
    return found if isinstance(found, Dialog) and found.state is Phase.STABLE else None


def subscribeReceivedOutside(core: Core, transaction: Any) -> None:
    """A SUBSCRIBE to the outcome of a REFER, where its 2xx said (RFC 7614 section 4); else to whatever there is."""
    request = transaction.request
    event = typedOrNone(request, "event")
    audience = isinstance(request.uri, SipUri) and core.referEvents.get(request.uri.parameters.get(EVENTS_AT) or "")
    if not audience or event is None or event.package != PACKAGE:
        subscribeReceived(core, transaction)
    else:
        audience.asked(transaction, event)


def _received(core: Core, transaction: Any, dialog: Dialog | None, name: str) -> None:
    request = transaction.request
    limits = core.configuration.loadLimits
    known = [] if dialog is None else [taker for taker in dialog.takers if isinstance(taker, ReferServerContext)]
    if core.stopping or (dialog is not None and len(known) >= limits.refers):
        # Of a service that stops the call it asks for would be ended at once, or not at all.
        wait = ("Retry-After", str(limits.retryAfter))
        transaction.respond(request.response(503, None, request.toTag or core.identity.newTag(), [wait]))
        return
    try:
        referral = Referral.parse(request)
        if not request.toTag:
            DialogState.asServer(request, "")  # its NOTIFYs need a place to go to
    except ParseError as error:
        refusal = request.badRequest(error).reasonPhrase
        transaction.respond(request.response(400, refusal, request.toTag or core.identity.newTag()))
        return
    context = ReferServerContext(core, transaction, dialog, referral)
    own = None
    if dialog is not None:
        own = dialog.delegate
        dialog.attach(context)  # the BYE that often follows at once is not to end what is told about it
        if core.configuration.referPolicy == "refuse":
            context.reject(603)
            return
    ask(own if overrides(own, name) else core.delegate, name, context)
