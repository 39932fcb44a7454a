"""
Status codes and their standard reason phrases (RFC 3261 section 21 and the
registrations that followed it).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

#: status code -> reason phrase, as registered.
REASON_PHRASES: Final[dict[int, str]] = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    417: "Unknown Resource-Priority",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    424: "Bad Location Information",
    425: "Bad Alert Message",
    428: "Use Identity Header",
    429: "Provide Referrer Identity",
    430: "Flow Failed",
    433: "Anonymity Disallowed",
    436: "Bad Identity-Info",
    437: "Unsupported Certificate",
    438: "Invalid Identity Header",
    439: "First Hop Lacks Outbound Support",
    440: "Max-Breadth Exceeded",
    469: "Bad Info Package",
    470: "Consent Needed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    555: "Push Notification Service Not Supported",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}

_CLASSES = {1: "Progress", 2: "Success", 3: "Redirection", 4: "Client Error", 5: "Server Error", 6: "Global Failure"}


def reasonPhrase(statusCode: int) -> str:
    """
    The registered phrase of C{statusCode}, or the name of its class for a code
    nobody registered (RFC 3261 section 8.1.3.2 treats it as x00).
    """
    return REASON_PHRASES.get(statusCode) or _CLASSES.get(statusCode // 100, "Unknown")


class Cause(Enum):
    """
    Why a request failed; C{text} is the word the originals have for it.
    """

    CONNECTION_ERROR = "Connection Error"
    REQUEST_TIMEOUT = "Request Timeout"
    SIP_FAILURE_CODE = "SIP Failure Code"
    INTERNAL_ERROR = "Internal Error"
    BUSY = "Busy"
    REJECTED = "Rejected"
    REDIRECTED = "Redirected"
    UNAVAILABLE = "Unavailable"
    NOT_FOUND = "Not Found"
    ADDRESS_INCOMPLETE = "Address Incomplete"
    INCOMPATIBLE_SDP = "Incompatible SDP"
    AUTHENTICATION_ERROR = "Authentication Error"
    DIALOG_ERROR = "Dialog Error"
    CANCELED = "Canceled"
    NO_ANSWER = "No Answer"
    EXPIRES = "Expires"
    NO_ACK = "No ACK"
    NO_PRACK = "No PRACK"
    BAD_MEDIA_DESCRIPTION = "Bad Media Description"
    RTP_TIMEOUT = "RTP Timeout"

    @property
    def text(self) -> str:
        """The originals' word."""
        return str(self.value)

    @classmethod
    def of(cls, statusCode: int) -> Cause:
        """The cause that a final response of C{statusCode} (300 to 699) stands for."""
        return _CAUSES.get(statusCode, cls.SIP_FAILURE_CODE)


_CAUSES: Final = {
    **dict.fromkeys((300, 301, 302, 305, 380), Cause.REDIRECTED),
    **dict.fromkeys((401, 407), Cause.AUTHENTICATION_ERROR),
    **dict.fromkeys((403, 603), Cause.REJECTED),
    **dict.fromkeys((404, 604), Cause.NOT_FOUND),
    **dict.fromkeys((408, 410, 430, 480), Cause.UNAVAILABLE),
    484: Cause.ADDRESS_INCOMPLETE,
    **dict.fromkeys((486, 600), Cause.BUSY),
    **dict.fromkeys((488, 606), Cause.INCOMPATIBLE_SDP),
}
