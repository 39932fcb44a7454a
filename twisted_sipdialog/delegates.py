"""
Bases for delegates: every method stands for its default answer until it is overridden.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted_sipdialog.interfaces import (
    IDialogDelegate,
    INotifierDelegate,
    IPublishDelegate,
    IReferDelegate,
    IRequestDelegate,
    ISubscriptionDelegate,
    IUserAgentDelegate,
)
from twisted_sipdialog.message import Request, Response
from twisted_sipdialog.status import Cause
from twisted_sipdialog.ua.delegation import default


@implementer(IPublishDelegate)
class PublishDelegate:
    """
    @see: L{IPublishDelegate<twisted_sipdialog.interfaces.IPublishDelegate>}
    """

    @default
    def published(self, publication: Any, response: Response) -> Any:
        """Nothing happens."""

    @default
    def unpublished(self, publication: Any, response: Response | None) -> Any:
        """Nothing happens."""

    @default
    def publishProgress(self, publication: Any, response: Response) -> Any:
        """Nothing happens."""

    @default
    def publishFailed(self, publication: Any, failure: Any) -> Any:
        """Nothing happens."""


@implementer(ISubscriptionDelegate)
class SubscriptionDelegate:
    """
    @see: L{ISubscriptionDelegate<twisted_sipdialog.interfaces.ISubscriptionDelegate>}
    """

    @default
    def subscriptionAccepted(self, subscription: Any, response: Response) -> Any:
        """Nothing happens."""

    @default
    def notified(self, subscription: Any, notification: Any) -> Any:
        """Nothing happens."""

    @default
    def subscriptionForked(self, subscription: Any, other: Any) -> Any:
        """Nothing happens."""

    @default
    def subscriptionFailed(self, subscription: Any, failure: Any) -> Any:
        """Nothing happens."""

    @default
    def subscriptionSuspended(self, subscription: Any, end: Any, retryAfter: float) -> Any:
        """Nothing happens."""

    @default
    def subscriptionTerminated(self, subscription: Any, end: Any) -> Any:
        """Nothing happens."""


@implementer(INotifierDelegate)
class NotifierDelegate:
    """
    @see: L{INotifierDelegate<twisted_sipdialog.interfaces.INotifierDelegate>}
    """

    @default
    def notifierRefreshed(self, notifier: Any, request: Request) -> Any:
        """Nothing happens."""

    @default
    def notifierTerminated(self, notifier: Any, end: Any) -> Any:
        """Nothing happens."""


@implementer(IReferDelegate)
class ReferDelegate:
    """
    @see: L{IReferDelegate<twisted_sipdialog.interfaces.IReferDelegate>}
    """

    @default
    def referRequested(self, context: Any) -> Any:
        """Nothing happens."""

    @default
    def referRequestProgress(self, context: Any, response: Response) -> Any:
        """Nothing happens."""

    @default
    def referRequestAccepted(self, context: Any, response: Response) -> Any:
        """Nothing happens."""

    @default
    def referRequestRejected(self, context: Any, response: Response | None) -> Any:
        """Nothing happens."""

    @default
    def referInviteSent(self, context: Any, request: Request) -> Any:
        """Nothing happens."""

    @default
    def referProgress(self, context: Any, status: Any) -> Any:
        """Nothing happens."""

    @default
    def referAccepted(self, context: Any, status: Any) -> Any:
        """Nothing happens."""

    @default
    def referRejected(self, context: Any, status: Any) -> Any:
        """Nothing happens."""

    @default
    def referNotifyReceived(self, context: Any, request: Request) -> Any:
        """Nothing happens."""


@implementer(IRequestDelegate)
class RequestDelegate:
    """
    @see: L{IRequestDelegate<twisted_sipdialog.interfaces.IRequestDelegate>}
    """

    @default
    def progressReceived(self, context: Any, response: Response) -> Any:
        """Nothing happens."""

    @default
    def progressSent(self, context: Any, response: Response) -> Any:
        """Nothing happens."""

    @default
    def requestAccepted(self, context: Any, response: Response) -> Any:
        """Nothing happens."""

    @default
    def requestRejected(self, context: Any, response: Response, cause: Cause) -> Any:
        """Nothing happens."""

    @default
    def requestFailed(self, context: Any, response: Response | None, cause: Cause) -> Any:
        """Nothing happens."""


@implementer(IDialogDelegate)
class DialogDelegate(RequestDelegate, ReferDelegate):
    """
    @see: L{IDialogDelegate<twisted_sipdialog.interfaces.IDialogDelegate>}
    """

    @default
    def dialogEarly(self, dialog: Any) -> Any:
        """Nothing happens."""

    @default
    def dialogConfirmed(self, dialog: Any) -> Any:
        """Nothing happens."""

    @default
    def dialogTerminated(self, dialog: Any, ended: Any) -> Any:
        """Nothing happens."""

    @default
    def dialogReplaced(self, dialog: Any, newDialog: Any) -> Any:
        """Nothing happens; the BYE or CANCEL follows."""

    @default
    def inviteReceived(self, context: Any) -> Any:
        """The session description answers."""

    @default
    def dialogRefreshed(self, dialog: Any, request: Request) -> Any:
        """Nothing happens."""

    @default
    def dialogHeld(self, dialog: Any, request: Request) -> Any:
        """Nothing happens."""

    @default
    def dialogResumed(self, dialog: Any, request: Request) -> Any:
        """Nothing happens."""

    @default
    def dialogModified(self, dialog: Any, request: Request) -> Any:
        """Nothing happens."""

    @default
    def updateReceived(self, context: Any) -> Any:
        """200; the session description answers an offer."""

    @default
    def ackReceived(self, dialog: Any, request: Request) -> Any:
        """Nothing happens."""

    @default
    def prackReceived(self, dialog: Any, request: Request) -> Any:
        """Nothing happens; it was answered."""

    @default
    def infoReceived(self, context: Any) -> Any:
        """200, or 469 for an unknown Info-Package."""

    @default
    def toneReceived(self, dialog: Any, tone: str, duration: float | None) -> Any:
        """Nothing happens."""

    @default
    def messageReceived(self, context: Any) -> Any:
        """200 in a dialog, 405 outside."""

    @default
    def notifyReceived(self, context: Any) -> Any:
        """481."""

    @default
    def inviteCancelled(self, context: Any, request: Request) -> Any:
        """Nothing happens; the 487 was sent."""

    @default
    def optionsReceived(self, context: Any) -> Any:
        """200, with what we can do."""

    @default
    def publishReceived(self, context: Any) -> Any:
        """405."""

    @default
    def subscribeReceived(self, context: Any) -> Any:
        """489."""

    @default
    def unsubscribeReceived(self, context: Any) -> Any:
        """As for SUBSCRIBE."""

    @default
    def referReceived(self, context: Any) -> Any:
        """As C{referPolicy} says."""


@implementer(IUserAgentDelegate)
class UserAgentDelegate(DialogDelegate):
    """
    @see: L{IUserAgentDelegate<twisted_sipdialog.interfaces.IUserAgentDelegate>}
    """

    @default
    def inviteReceived(self, context: Any) -> Any:
        """480."""

    @default
    def outOfDialogReferRequested(self, context: Any) -> Any:
        """403."""

    @default
    def registerReceived(self, context: Any) -> Any:
        """405."""

    @default
    def dialogStateChanged(self, change: Any) -> Any:
        """Nothing happens."""
