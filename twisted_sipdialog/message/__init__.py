"""
Bytes and values of SIP messages (RFC 3261 sections 7, 19, 20, 25).  Pure: nothing here knows of Twisted.
"""

from twisted_sipdialog.message.framer import KeepAlive, StreamFramer
from twisted_sipdialog.message.headers import Headers
from twisted_sipdialog.message.message import Message
from twisted_sipdialog.message.parser import Limits, parseMessage
from twisted_sipdialog.message.request import Request
from twisted_sipdialog.message.response import Response

__all__ = ["Headers", "KeepAlive", "Limits", "Message", "Request", "Response", "StreamFramer", "parseMessage"]
