"""
Every SIP message in the log, for C{--log-messages}.
"""

from __future__ import annotations

import re
from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from twisted_sipdialog.interfaces import IMessageObserver
from twisted_sipdialog.message.grammar import formatHost
from twisted_sipdialog.service.text_log import escaped

_log = Logger(namespace="twisted_sipdialog.messages")

_LINE_END = re.compile(r"\r\n?")
# Who can read the log can also try passwords on a digest until one fits; SRTP keys (RFC 4568) speak for themselves.
_SECRET = re.compile(
    r"^((?:proxy-)?authorization[ \t]*:|a=crypto:|k=).*(?:\n[ \t].*)*", re.ASCII | re.IGNORECASE | re.MULTILINE
)


@implementer(IMessageObserver)
class MessageLog:
    """
    One structured event for each message: C{direction}, C{protocol}, C{peer}, C{text}.

    In the text log the lines of a message stand under its event, each behind a tab, so that no peer can write
    what looks like a line of ours.
    """

    def messageReceived(self, data: bytes, flow: Any) -> None:
        _write("received from", data, flow)

    def messageSent(self, data: bytes, flow: Any) -> None:
        _write("sent to", data, flow)


def _write(direction: str, data: bytes, flow: Any) -> None:
    _log.info(
        "{direction} {protocol} {peer}\n{text}",
        direction=direction,
        protocol=flow.protocol,
        peer=formatHost(*flow.remote),
        text=shown(data),
    )


def shown(data: bytes) -> str:
    """
    A message as a log may have it: without secrets, without control characters.
    """
    text = _LINE_END.sub("\n", data.decode("utf-8", "backslashreplace"))
    return escaped(_SECRET.sub(r"\1 (not shown)", text))
