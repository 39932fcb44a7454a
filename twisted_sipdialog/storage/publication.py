"""
What a compositor keeps (RFC 3903 section 6), and whose it is.
"""

from __future__ import annotations

import attrs

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.uri import SipUri, TelUri, Uri, parseUri


def entityOf(uri: Uri) -> str:
    """
    Whose state a Request-URI means (RFC 3903 section 4.1), as a key: what names the same resource gives the same text.

    Of a SIP URI user and host alone count (RFC 3261 section 10.3, step 5), the user with regard to case; sips is the
    same resource, reached another way.
    """
    if isinstance(uri, SipUri):
        return attrs.evolve(uri, scheme="sip", port=None).aor()
    return f"tel:{uri.number}" if isinstance(uri, TelUri) else str(uri)


def entityNamed(text: str) -> str:
    """
    As L{entityOf}, of the text of a URI.

    @raise InvalidValue: it is none.
    """
    try:
        return entityOf(parseUri(text))
    except ParseError as error:
        raise InvalidValue("entity", text, str(error)) from None


@attrs.frozen
class Publication:
    """
    One published event state.

    @ivar entity: str: whose state, as L{entityOf} has it.
    @ivar event: str: the event package.
    @ivar entityTag: str: its name for SIP-If-Match.
    @ivar contentType: str: without parameters, in lower case.
    @ivar body: bytes.
    @ivar until: float: seconds since the epoch; from then on it is no more.
    @ivar order: int: that of a body that was published later is greater.
    """

    entity: str
    event: str
    entityTag: str
    contentType: str
    body: bytes
    until: float
    order: int
