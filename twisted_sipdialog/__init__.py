"""
A Twisted framework for SIP user agents (RFC 3261).
"""

from typing import Final

from twisted_sipdialog.configuration import Configuration, FlowLimits, Limits, LoadLimits, TimerValues
from twisted_sipdialog.delegates import (
    DialogDelegate,
    NotifierDelegate,
    PublishDelegate,
    ReferDelegate,
    RequestDelegate,
    SubscriptionDelegate,
    UserAgentDelegate,
)
from twisted_sipdialog.dialog.ended import Ended, Reason
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.dialog.subscription import SubscriptionEnd
from twisted_sipdialog.message import Headers, Request, Response
from twisted_sipdialog.message.digest import Credentials
from twisted_sipdialog.status import Cause
from twisted_sipdialog.ua.publish_client import PublishClientContext
from twisted_sipdialog.ua.refer_client import ReferClientContext
from twisted_sipdialog.useragent import UserAgent

__version__: Final = "0.1.0"

__all__ = [
    "Cause",
    "Configuration",
    "Credentials",
    "DialogDelegate",
    "Ended",
    "FlowLimits",
    "Headers",
    "Limits",
    "LoadLimits",
    "NotifierDelegate",
    "Phase",
    "PublishClientContext",
    "PublishDelegate",
    "Reason",
    "ReferClientContext",
    "ReferDelegate",
    "Request",
    "RequestDelegate",
    "Response",
    "SubscriptionDelegate",
    "SubscriptionEnd",
    "TimerValues",
    "UserAgent",
    "UserAgentDelegate",
]
