"""
The same call answered by sippy (PyPI C{sippy}, measured with 2.5): its transaction manager and its UA, log off.

It rings and answers at once, set up as its own C{b2bua_simple} is for the caller's side; sippy
adds a 100 of its own to each call and works in ticks of 10 ms.

    python tests/bench/sippy_uas.py PORT
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ["SIPLOG_BEND"] = "none"  # read when SipLogger is made

try:
    from sippy.CCEvents import CCEventConnect, CCEventRing, CCEventTry
    from sippy.Core.EventDispatcher import ED2
    from sippy.MsgBody import MsgBody
    from sippy.SipConf import SipConf
    from sippy.SipLogger import SipLogger
    from sippy.SipTransactionManager import SipTransactionManager
    from sippy.UA import UA
    from sippy.Udp_server import Udp_server, Udp_server_opts
except ImportError as e:
    sys.exit(f"sippy is not installed ({e}): pip install 'sippy==2.5.*'")

BODY = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


class OneWorker(Udp_server_opts):
    """With its three sending and three receiving threads sippy overtakes itself: 200 before 180, BYE before ACK."""

    nworkers = 1


class OrderedTransactions(SipTransactionManager):
    model_udp_server = (Udp_server, OneWorker)


class Answerer:
    """Gives each INVITE a UA that rings and answers."""

    def __init__(self, port: int) -> None:
        SipConf.my_address = "127.0.0.1"
        SipConf.my_port = port
        self._config: dict[str, Any] = {
            "_sip_address": "127.0.0.1",
            "_sip_port": port,
            "_sip_logger": SipLogger("bench"),
        }
        self._config["_sip_tm"] = OrderedTransactions(self._config, self._requestReceived)

    def _requestReceived(self, request: Any, transaction: Any) -> Any:
        if request.getHFBody("to").getTag() is not None:
            return request.genResponse(481, "Call Leg/Transaction Does Not Exist"), None, None
        if request.getMethod() == "INVITE":
            return UA(self._config, self._eventReceived).recvRequest(request, transaction)
        return request.genResponse(501, "Not Implemented"), None, None

    def _eventReceived(self, event: Any, ua: Any) -> None:
        if isinstance(event, CCEventTry):
            ua.recvEvent(CCEventRing((180, "Ringing", None)))
            ua.recvEvent(CCEventConnect((200, "OK", MsgBody(BODY))))


def main() -> None:
    Answerer(int(sys.argv[1]))
    ED2.loop()


if __name__ == "__main__":
    main()
