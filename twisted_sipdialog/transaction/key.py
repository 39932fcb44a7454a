"""
Which transaction a message belongs to (RFC 3261 sections 17.1.3 and 17.2.3).
"""

from __future__ import annotations

from twisted_sipdialog.message import Request, Response

#: How the branch of everybody who follows RFC 3261 begins.
COOKIE = "z9hg4bk"


def serverKey(request: Request, method: str) -> str:
    """
    The key of the server transaction of C{request}.

    @param method: the method of the transaction: C{INVITE} for an ACK, and for the INVITE a CANCEL is looking for.
    """
    via = request.via
    branch = (via.branch or "").lower()
    if branch.startswith(COOKIE) and branch != COOKIE:
        return f"{method} {branch} {via.host}:{via.port}"
    # 17.2.3, peers of RFC 2543: there is no unique branch, so everything that repeats in a retransmission counts.
    # Except the To tag of an INVITE: its ACK may have one that it had not itself.  A line break joins what the
    # wire brings: no header field can hold one.
    toTag = "" if method == "INVITE" else request.toTag
    return "\n".join(
        (method, request.uriText, request.fromTag, toTag, request.callId, str(request.cseqNumber), request.viaText)
    )


def mergeKey(request: Request, method: str) -> str:
    """
    What two copies of one request share that came by different ways (section 8.2.2.2).

    The Request-URI counts: a request that comes back with another one is a spiral, not a copy.
    """
    return f"{method} {request.cseqNumber}\n{request.callId}\n{request.fromTag}\n{request.uriText}"


def clientKey(message: Request | Response) -> str:
    """The key of the client transaction that sent, or awaits, C{message} (section 17.1.3)."""
    return f"{message.cseqMethod} {(message.via.branch or '').lower()}"
