"""Observe calls and messages."""

import json

from twisted.logger import ILogObserver, globalLogPublisher
from zope.interface import implementer

FIELDS = ("role", "dialogId", "callId", "peer", "reason", "byPeer", "duration", "statusCode", "phrase")


# calls
@implementer(ILogObserver)
class CallRecords:
    """One JSON object a line for each call that is over."""

    def __init__(self, file):
        self._file = file

    def __call__(self, event):
        if event.get("log_namespace") == "twisted_sipdialog.calls":
            record = {name: event[name] for name in FIELDS if name in event}
            self._file.write(json.dumps({"time": event["log_time"], **record}) + "\n")


def start(file):
    globalLogPublisher.addObserver(CallRecords(file))


# messages
class Counting:
    """For C{UserAgent(..., observer=Counting())}: what passes, as bytes."""

    def __init__(self):
        self.received = 0
        self.sent = 0

    def messageReceived(self, data, flow):
        self.received += len(data)

    def messageSent(self, data, flow):
        self.sent += len(data)
